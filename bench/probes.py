# Runs the load generators that wait for a word before they measure, and tells the processes of the daemon apart.
# SPDX-License-Identifier: GPL-2.0-or-later
import contextlib
import json
import subprocess
import time
from pathlib import Path

import loads
import servers

SHORTEST = 60  # seconds that a program may take besides its rounds


class Program:
    """A generator that says `ready` when the server's figures may be read, and goes on when it gets a line."""

    def __init__(self, name, core, command):
        self.name = name
        self.process = subprocess.Popen(loads.pinned(core, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            self.fail(self.process.communicate(timeout=SHORTEST)[1])

    def fail(self, errors):
        raise SystemExit(f"{self.name}: {errors}")

    def finish(self, seconds=0):
        """What it printed."""
        try:
            output, errors = self.process.communicate("\n", timeout=seconds + SHORTEST)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        if self.process.returncode:
            self.fail(errors)
        return output


def output_of(name, core, command, seconds=0):
    """What a generator prints that needs no word."""
    done = subprocess.run(loads.pinned(core, command), capture_output=True, text=True, timeout=seconds + SHORTEST,
                          check=False)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr}")
    return done.stdout


def json_of(name, core, command, seconds=0):
    return json.loads(output_of(name, core, command, seconds))


@contextlib.contextmanager
def held_connections(server, core, count, build):
    """So many idle connections, each of which has made one request."""
    program = build / ("bench/bench_tls_load" if server.tls else "bench/bench_first_byte")
    holder = Program(server.name, core, [program, server.port, "hold", count])
    try:
        yield
    finally:
        holder.finish(count / 100)


@contextlib.contextmanager
def started(starts):
    """The servers that these functions start, but for those that are not there; all of them are stopped."""
    running = servers.start_each(starts)
    try:
        yield running
    finally:
        servers.stop_all(running)


def httpd_pid(server):
    """The HTTPD process of a daemon without handler processes, which holds the connections: the attendant's only
    child. The listener is there before it is."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    deadline = time.monotonic() + SHORTEST
    while time.monotonic() < deadline:
        pids = children.read_text().split()
        if len(pids) == 1:
            return int(pids[0])
        time.sleep(0.01)
    raise SystemExit(f"{server.name}: the HTTPD process is not its only child")


def status_bytes(pid, key):
    """A size from /proc/PID/status."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == key:
            return int(value.split()[0]) * 1024
    raise SystemExit(f"bench: no {key} in /proc/{pid}/status")
