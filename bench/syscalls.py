# Counts the system calls that a server makes for a request, with strace.
# SPDX-License-Identifier: GPL-2.0-or-later
"""strace watches the server from the moment all connections are open until the last reply has come, so every call that
is counted was made for a request. It slows the server down several times, so that more requests are waiting whenever
the server looks: the figure with one connection is the upper one, the one with 64 a lower one."""

import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import kept
import loads
import results
import servers

CONNECTIONS = (1, loads.CONNECTIONS)
SECONDS = 1
PATIENCE = 10  # seconds for strace to come and go

GROUPS = {
    "receive": {"read", "readv", "recvfrom", "recvmsg"},
    "send": {"write", "writev", "sendto", "sendmsg", "sendfile"},
    "wait": {"epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", "select", "pselect6"},
}


@dataclass(frozen=True)
class Calls:
    """A request; `other` by name, the most frequent first."""

    groups: dict[str, float]
    other: dict[str, float]

    @property
    def besides_waiting(self):
        return self.groups["receive"] + self.groups["send"] + sum(self.other.values())


class Strace:
    """Counts the calls of these processes, and of their threads, until it is finished."""

    def __init__(self, pids, file):
        self.file = file
        command = ["strace", "-f", "-c", "-o", str(file)]
        for pid in pids:
            command += ["-p", str(pid)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        self.attached = self._wait_until_attached(pids)

    def _wait_until_attached(self, pids):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            tasks = [task for pid in pids for task in Path(f"/proc/{pid}/task").iterdir()]
            if all("TracerPid:\t0\n" not in Path(task, "status").read_text() for task in tasks):
                return True
            time.sleep(0.02)
        return False

    def finish(self):
        """Name of a call -> how often it was made."""
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=PATIENCE)
        counts = {}
        for line in self.file.read_text().splitlines():
            fields = line.split()
            if len(fields) >= 5 and fields[3].isdigit() and fields[-1] != "total":
                counts[fields[-1]] = int(fields[3])
        return counts


def _count(setup, server, connections, folder):
    load = kept.KeptLoad(setup, server, connections, seconds=SECONDS)
    strace = Strace(servers.family(server.process.pid), Path(folder, "strace"))
    requests = load.run().requests if strace.attached else 0
    counts = strace.finish()
    load.finish()
    if not requests:
        return None
    groups = {group: sum(counts.get(name, 0) for name in names) / requests for group, names in GROUPS.items()}
    known = set().union(*GROUPS.values())
    # What is not made for every hundredth request is not shown: timers, memory.
    other = {name: count / requests for name, count in counts.items()
             if name not in known and count * 100 > requests}
    return Calls(groups, dict(sorted(other.items(), key=lambda item: -item[1])))


def measure(setup, running, folder):
    """Name of a server -> connections -> Calls. Empty where strace is missing, or may not watch others."""
    if not shutil.which("strace"):
        return {}
    found = {}
    for server in running:
        print(f"bench: system calls of a request: {server.name}", file=sys.stderr)
        counted = {connections: _count(setup, server, connections, folder) for connections in CONNECTIONS}
        if None in counted.values():
            return {}
        found[server.name] = counted
    return found


def table(found):
    heads = ["server"]
    for connections in CONNECTIONS:
        plural = "" if connections == 1 else "s"
        heads += [f"{connections} connection{plural}: receive", "send", "wait", "other"]
    rows = []
    for name, counted in found.items():
        row = [name]
        for calls in counted.values():
            row += [f"{calls.groups[group]:.2f}" for group in GROUPS]
            row.append(", ".join(f"{call} {count:.2f}" for call, count in calls.other.items()) or "0")
        rows.append(row)
    return results.Table("System calls a request, GET of 500 bytes, connections kept", heads, rows,
                         "Counted by strace, which slows the server, so that with 64 connections it finds more "
                         "requests at each turn than otherwise. Columns: receiving, sending, waiting for events, all "
                         "others.")


def target(found, name):
    what, wanted = "system calls of a kept GET", "≤ 2 a request, and an epoll_wait that requests share"
    if name not in found:
        return results.not_measured(what, wanted, "strace is missing, or may not watch other processes")
    busiest, shared = (found[name][connections] for connections in CONNECTIONS)
    text = (f"{busiest.besides_waiting:.2f} and {busiest.groups['wait']:.2f} to wait with one connection, "
            f"{shared.besides_waiting:.2f} and {shared.groups['wait']:.2f} with {CONNECTIONS[1]}")
    most = max(busiest.besides_waiting, shared.besides_waiting)
    # A hundredth is what the ends of the round and a timer come to.
    return results.Target(what, wanted, text, most <= 2.01 and shared.groups["wait"] < 1)
