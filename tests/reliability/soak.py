#!/usr/bin/python3
# Mixed traffic for as long as asked, with reloads and handler processes that are killed: everything must stay flat.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Called by `make soak` after the build. Prints tables, and ends with 1 when a promise was not kept."""

import argparse
import collections
import os
import random
import re
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True

import figures  # noqa: E402
import load_clients  # noqa: E402
import load_memory  # noqa: E402
import processes  # noqa: E402
import soak_client  # noqa: E402
import soak_plots  # noqa: E402
from load_common import Checks, cores, daemon, kib, milliseconds, modules, percentile, progress  # noqa: E402
from load_common import raise_descriptor_limit, wait_until  # noqa: E402

import certificates  # noqa: E402: load_common has put its folder on the path

RELOAD, SAMPLE, NORMAL_PAUSE = 10.0, 5.0, 0.02  # seconds
KILL = (3.0, 12.0)                              # seconds between two of them
WARM_UP = 0.1                                   # the share of the time before which growth does not count
IDLE = 50                                       # connections that only wait
WORKERS = 2


def serve(folder):
    certificate = certificates.Authority(Path(folder), "Soak").issue()
    plain, secure = daemon.free_port(), daemon.free_port()
    given = {"workers": WORKERS, "receive_buf_size": 400_000, "ip": None, "port": None,
             "listen": [f"http://127.0.0.1:{plain}", f"https://127.0.0.1:{secure}"],
             "tls_cert_file": certificate.file, "tls_key_file": certificate.key}
    server = daemon.Daemon(folder, modules(folder), given)
    server.port, server.secure_port = plain, secure
    server.tls = None  # whoever asks without more goes to the port without TLS
    return server


class Disturber:
    """Reloads the TLS files every ten seconds, by signal and by command in turn, and kills handler processes."""

    def __init__(self, server, httpd):
        self.server, self.httpd = server, httpd
        self.reloads = self.kills = 0
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=task, daemon=True) for task in (self._reload, self._kill)]
        for thread in self.threads:
            thread.start()

    def _reload(self):
        while not self.ended.wait(RELOAD):
            if self.reloads % 2:
                self._mi("httpd_tls_reload")
            else:
                self.server.process.send_signal(signal.SIGHUP)
            self.reloads += 1

    def _kill(self):
        chance = random.Random(1)
        while not self.ended.wait(chance.uniform(*KILL)):
            workers = [pid for pid in processes.children(self.server.process.pid) if pid != self.httpd]
            os.kill(chance.choice(workers), signal.SIGKILL)
            self.kills += 1

    def _mi(self, command):
        """The handler process that runs the command may be killed under it."""
        for _ in range(5):
            try:
                return self.server.mi(command)
            except AssertionError:
                time.sleep(0.1)
        raise RuntimeError(f"{command} does not succeed")

    def end(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()


class NormalClient(threading.Thread):
    """One kept connection, one request every 20 ms to a page that no handler process is needed for."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.ended = port, threading.Event()
        self.times, self.count, self.lost = [], 0, 0

    def run(self):
        client = load_clients.connect(self.port, load_clients.NORMAL)
        message = b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n"
        while not self.ended.wait(NORMAL_PAUSE):
            begun = time.perf_counter()
            client.sendall(message)
            reply = client.recv(4096)
            if not reply.startswith(b"HTTP/1.1 404 ") or b"Connection: close" in reply:
                self.lost += not reply.startswith(b"HTTP/1.1 404 ")
                client.close()
                client = load_clients.connect(self.port, load_clients.NORMAL)
            self.times.append(time.perf_counter() - begun)
            self.count += 1
        client.close()

    def take(self):
        taken, self.times = sorted(self.times), []
        return taken


class IdleConnections(threading.Thread):
    """Opens them, and opens another one wherever the server has closed one."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.ended = port, threading.Event()

    def run(self):
        held = []
        while not self.ended.wait(1.0):
            held = [client for client in held if self._is_open(client)]
            while len(held) < IDLE:
                held.append(load_clients.connect(self.port, "127.0.0.77"))
        for client in held:
            client.close()

    @staticmethod
    def _is_open(client):
        client.setblocking(False)
        try:
            if client.recv(1):
                return True
        except BlockingIOError:
            return True
        except OSError:
            pass
        client.close()
        return False


def sample(begun, done, httpd, normal):
    times = normal.take()
    return {"seconds": time.monotonic() - begun, "requests": sum(value.value for value in done),
            "memory": processes.resident(httpd), "descriptors": processes.descriptors(httpd),
            "p50": percentile(times, 0.5) if times else 0.0, "p99": percentile(times, 0.99) if times else 0.0}


def soak(server, seconds, core):
    (httpd,) = server.pids("HTTPD")
    settled = processes.descriptors(httpd)
    done = [load_clients.SPAWN.RawValue("L") for _ in range(3)]
    begun, end = time.monotonic(), time.time() + seconds
    clients = [load_clients.Process(soak_client.run, server.secure_port if number == 2 else server.port,
                                    f"127.0.0.{60 + number}", number * 10**9, number == 2, end, done[number], core)
               for number in range(3)]
    normal, idle, disturber = NormalClient(server.port), IdleConnections(server.port), Disturber(server, httpd)
    normal.start()
    idle.start()
    samples, told = [], 0
    while not all(client.pipe.poll() for client in clients):
        time.sleep(SAMPLE)
        samples.append(sample(begun, done, httpd, normal))
        if samples[-1]["seconds"] - told >= 60:
            told = samples[-1]["seconds"]
            progress(f"soak: {told:.0f} s, {samples[-1]['requests']:,} requests, {disturber.kills} killed, "
                     f"{kib(samples[-1]['memory'])}, p99 {milliseconds(samples[-1]['p99'])} ms")
    disturber.end()
    reports = []
    for client in clients:
        with client:
            reports.append(client.receive(60))
    for thread in (normal, idle):
        thread.ended.set()
        thread.join()
    closed = wait_until(lambda: processes.descriptors(httpd) <= settled, 30)
    return samples, reports, disturber, normal, (httpd, settled, closed)


def third(samples, name, which):
    part = samples[len(samples) * which // 3 : len(samples) * (which + 1) // 3]
    return sorted(one[name] for one in part)[len(part) // 2]


def judge(server, samples, reports, disturber, normal, held, checks):
    httpd, settled, closed = held
    outcomes, failures = collections.Counter(), []
    sent = failed = 0
    cuts = []
    for counts, more, cut, number, lines in reports:
        outcomes.update(more)
        sent += sum(counts.values())
        failed += number
        cuts += cut
        failures += lines
    for line in failures[:10] + cuts[:3]:
        progress(line[:300])
    steady = [one for one in samples if one["seconds"] >= samples[-1]["seconds"] * WARM_UP]
    growth = load_memory.Growth([(one["requests"], one["memory"]) for one in samples])
    checks.none("questions without an answer, or with a wrong one", failed)
    checks.add("answers, those that say that a handler was lost and those that nobody waited for among them",
               f"{sum(outcomes.values()):,}", f"{sent:,}", sum(outcomes.values()) == sent)
    checks.add("connections cut in a reply, at most one for each handler process that was killed", f"{len(cuts):,}",
               f"{disturber.kills:,}", len(cuts) <= disturber.kills)
    checks.none("requests of the normal client that failed", normal.lost)
    checks.add("memory of the HTTPD process flat", f"{kib(growth.total)}", f"+{kib(growth.allowed)}", growth.flat)
    checks.add("descriptors: median of the last third and of the first", third(steady, "descriptors", 2),
               third(steady, "descriptors", 0),
               abs(third(steady, "descriptors", 2) - third(steady, "descriptors", 0)) <= IDLE // 5)
    checks.add("descriptors when all have left", processes.descriptors(httpd), settled, closed)
    late, early = third(steady, "p99", 2), third(steady, "p99", 0)
    checks.add("p99 of the normal client, median of the last third, ms", milliseconds(late),
               f"2 x {milliseconds(early)}", late <= 2 * early)
    log = server.log()
    odd = [line for line in log.splitlines() if re.search(r"\b(ERROR|CRITICAL)\b", line)
           and not re.search(r"502 The handler|was killed by signal 9|could not be completed|HTTPD worker", line)]
    for line in odd[:5]:
        progress(line[:300])
    checks.none("lines of error in the log that are not about those that were killed", len(odd))
    checks.add("the same HTTPD process to the end", httpd, "", server.pids("HTTPD") == [httpd])
    reloads = log.count("TLS files read again")
    checks.add("reloads that succeeded", reloads, disturber.reloads, reloads == disturber.reloads)
    return outcomes, sent, steady


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=1800, help="how long (%(default)s)")
    parser.add_argument("--write", action="store_true", help="put tables and plots into docs/RELIABILITY.md")
    given = parser.parse_args()
    raise_descriptor_limit()
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder, serve(folder) as server:
        samples, reports, disturber, normal, held = soak(server, given.seconds, cores()[1])
        outcomes, sent, steady = judge(server, samples, reports, disturber, normal, held, checks)
    lasted = samples[-1]["seconds"]
    what = figures.table(("what became of them", "number"), [(name, f"{count:,}") for name, count in
                                                             sorted(outcomes.items(), key=lambda item: -item[1])])
    values = figures.table(("", "least", "median", "most"),
                           [(title, *(shown(sorted(one[name] for one in steady)[place]) for place in
                                      (0, len(steady) // 2, -1)))
                            for title, name, shown in (("memory of the HTTPD process", "memory", kib),
                                                       ("its descriptors", "descriptors", str),
                                                       ("p50, ms", "p50", milliseconds),
                                                       ("p99, ms", "p99", milliseconds))])
    text = (f"{sent:,} questions in {lasted / 60:.0f} minutes, {sent / lasted:,.0f} a second, and {normal.count:,} of "
            f"the normal client; {disturber.reloads} reloads, {disturber.kills} handler processes killed.\n\n{what}\n\n"
            f"Every {SAMPLE:.0f} s, behind the first tenth:\n\n{values}\n\n{checks.text()}")
    print(text)
    if given.write:
        plots = soak_plots.draw(samples)
        figures.write("soak", f"make soak SOAK_SECONDS={given.seconds}", f"{text}\n\n{plots}")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
