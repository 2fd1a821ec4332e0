# Slow and greedy attackers: 1,000 connections of each kind, and what a normal client beside them notices.
# SPDX-License-Identifier: GPL-2.0-or-later
import subprocess
import time
from dataclasses import dataclass

import figures
import load_clients
import processes
from load_common import (LARGE_FILE, LIFTED, PAGE_FILE, kib, may_go_first, milliseconds, progress, serve, statistics,
                         wait_until)

CONNECTIONS = 1000
A_SECOND = 500    # connections of slowhttptest that are opened a second
ALLOWED = 3.0     # times the p99 of the quiet run
FLOOD_RATE = 5000   # pieces of header fields a second: the daemon has work, and not more than it can do
FULL_SPEED = 0.05   # seconds: p99 beside who may use up the daemon's core
BUILD_UP = 4        # seconds: an attack goes on for so much longer than it is measured


@dataclass(frozen=True)
class Attack:
    name: str
    what: str
    path: str = ""
    options: tuple = ()     # of slowhttptest; none is the flood of load_clients.py
    rate: int = 0           # of the flood; 0 is as fast as it gets
    holds: bool = True      # whether its connections stay

    @property
    def saturates(self):
        return not self.options and not self.rate


FIELDS_A_SECOND = f"{FLOOD_RATE * load_clients.FIELDS:,}"
ATTACKS = [
    Attack("slowloris", "`slowhttptest -H`: a header field a second", "/hello-cpp", ("-H",)),
    Attack("slow body", "`slowhttptest -B`: some bytes of a POST a second", "/hello-cpp",
           ("-B", "-t", "POST", "-s", "1000")),
    Attack("slow read", "`slowhttptest -X`: 32 bytes a second of a file of 4 MB", f"/files/{LARGE_FILE}",
           ("-X", "-w", "10", "-y", "20", "-n", "1", "-z", "32", "-k", "1")),
    Attack("range", "`slowhttptest -R`: 1,990 overlapping ranges of a file of 44 KB, again and again",
           f"/files/{PAGE_FILE}", ("-R", "-t", "GET", "-a", "10", "-b", "2000"), holds=False),
    Attack("header flood", f"{FIELDS_A_SECOND} header fields a second, in heads that never end; who is refused comes "
           "again at once", rate=FLOOD_RATE, holds=False),
    Attack("header flood at full speed", "the same as fast as the attacker's core can. Where that uses up the "
           f"daemon's core, everybody waits for his turn: here the promise is a p99 below {FULL_SPEED * 1e3:.0f} ms",
           holds=False),
]


class SlowHttpTest:
    """Runs the tool, and again where it is done early, until it is told to stop."""

    def __init__(self, attack, port, seconds, core):
        self.command = ["taskset", "-c", str(core), "slowhttptest", "-c", str(CONNECTIONS), "-r", str(A_SECOND),
                        "-i", "1", "-x", "24", "-p", "2", "-l", str(seconds + BUILD_UP), *attack.options,
                        "-u", f"http://127.0.0.1:{port}{attack.path}"]
        self.runs = 0
        self.start()

    def start(self):
        self.runs += 1
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)

    def attend(self):
        """Starts it once more where it has ended."""
        if self.process.poll() is not None:
            self.start()

    def end(self):
        self.process.terminate()
        self.process.wait()
        return f"run {self.runs} times"


class Flood:
    def __init__(self, attack, port, core):
        self.process = load_clients.Process(load_clients.flood, port, CONNECTIONS, attack.rate, core)

    def attend(self):
        pass

    def end(self):
        with self.process:
            return f"{self.process.call('stop'):,} refused"


def measure(server, attack, seconds, core):
    """The normal client, from before the attack begins: what its build-up costs is in the figures."""
    (pid,) = server.pids("HTTPD")
    client = load_clients.start_normal(server, seconds, core)
    accepted = statistics(server)["accepted_connections"]
    time.sleep(0.2)
    tool = (SlowHttpTest(attack, server.port, seconds, core) if attack.options
            else Flood(attack, server.port, core))
    begun, used = time.monotonic(), processes.cpu_seconds(pid)
    deadline = begun + seconds + 90
    while not client.pipe.poll(0.1) and time.monotonic() < deadline:
        tool.attend()
    busy = (processes.cpu_seconds(pid) - used) / (time.monotonic() - begun)
    seen = load_clients.end_normal(client, 0)
    held = statistics(server)
    memory = processes.resident(pid)
    told = tool.end()
    gone = wait_until(lambda: statistics(server)["open_connections"] <= 1, 20, 0.2)
    return seen, held["open_connections"] - 1, held["accepted_connections"] - accepted, busy, memory, told, gone


def run(folder, seconds, cores, checks):
    server_core, client_core = cores
    rows = []
    for limits, httpd in (("default", {}), ("lifted", LIFTED)):
        for attack in ATTACKS:
            progress(f"attack: {attack.name}, {limits} limits")
            with serve(folder, server_core, first=True, **httpd) as server:
                before = load_clients.quiet(server, seconds, client_core)
                seen, held, accepted, busy, memory, told, gone = measure(server, attack, seconds, client_core)
                alive = "CRITICAL" not in server.log() and len(server.pids("HTTPD")) == 1
            title = f"{attack.name}, {limits} limits"
            factor = seen.p99 / before.p99
            rows.append((attack.name, limits, f"{held:,}", f"{accepted:,}", kib(memory), f"{100 * busy:.0f} %",
                         *before.cells(), *seen.cells(), f"{factor:.2f}"))
            progress(f"attack: {title}: {told}; quiet {before.cells()}, attacked {seen.cells()}: {factor:.2f}")
            for failure in (before.failures + seen.failures)[:5]:
                progress(f"normal client: {failure}")
            checks.none(f"{title}: failed requests of the normal client", len(before.failures) + len(seen.failures))
            if attack.saturates:
                checks.add(f"{title}: p99 of the normal client, in ms", milliseconds(seen.p99),
                           milliseconds(FULL_SPEED), seen.p99 <= FULL_SPEED)
            else:
                checks.add(f"{title}: p99 of the normal client, times that of its quiet run", f"{factor:.2f}",
                           f"{ALLOWED:.0f}", factor <= ALLOWED)
            if attack.holds:
                checks.add(f"{title}: connections that the attack held at its end", f"{held:,}", f"{CONNECTIONS:,}",
                           held >= CONNECTIONS)
            else:
                checks.add(f"{title}: connections that it made", f"{accepted:,}", f"{CONNECTIONS:,}",
                           accepted >= CONNECTIONS)
            checks.add(f"{title}: all its connections gone afterwards, the server alive",
                       "yes" if gone and alive else "no", "yes", gone and alive)
    head = ["attack", "limits", "open at the end", "made in all", "memory at the end", "CPU",
            "quiet p50, ms", "p99", "max", "attacked p50, ms", "p99", "max", "p99 / quiet p99"]
    priority = ("Daemon and normal client go first on theirs (SCHED_FIFO), so that other programs do not count, nor "
                "the client's own waiting for a core that the attacker has." if may_go_first() else
                "Without root, daemon and normal client could not go first on theirs: other programs and the attacker "
                "held them up, too.")
    kinds = "\n".join(f"* {attack.name}: {attack.what}" for attack in ATTACKS)
    return (f"### {CONNECTIONS:,} connections of an attacker\n\n{kinds}\n\n"
            f"Each for {seconds} s from 127.0.0.1, its build-up included, with the default limits and with those of "
            "time and of connections lifted. The normal client comes from another address, asks every 5 ms on one kept "
            "connection, and was measured alone just before. Where a reply is late, the requests that were due "
            "meanwhile count as well, from when they were due. The daemon has one core; the attacker and the normal "
            f"client have the other one. {priority} No time is taken for equal to another one because both are short. "
            "Memory and CPU are those of the HTTPD process.\n\n"
            f"{figures.table(head, rows)}")
