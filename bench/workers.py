# Measures handler processes: what a handler that sleeps does to others, and what a process of its own costs.
# SPDX-License-Identifier: GPL-2.0-or-later
import http.client
import json
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

import loads
import report
import servers
from loads import Load

KIB = 1024
SECONDS = 1  # of a round at most: there are many candidates, and they are alike
ASLEEP = 10  # seconds
LATENCY_REQUESTS = 1000
LATENCY_CONNECTIONS = (1, 8)
PRINTED = {4 * KIB: 64, 100 * KIB: 64, 4096 * KIB: 8}  # bytes: connections


class Daemon:
    """The daemon with so many handler processes, and its process ids."""

    def __init__(self, build, folder, core, workers, more="", note=""):
        self.title = f"workers = {workers}{note}"
        settings = f'modparam("httpd", "workers", {workers})\n{more}loadmodule "mi_http.so"\n'
        self.server = servers.start_httpd(build, folder, core, self.title, settings)
        try:
            processes = {entry["PID"]: entry["Type"] for entry in self.mi("ps")["Processes"]}
            self.worker_pids = [pid for pid, kind in processes.items() if kind.startswith("HTTPD worker")]
            self.httpd_pids = [pid for pid, kind in processes.items()
                               if kind.startswith("HTTPD") and pid not in self.worker_pids]
            if len(self.worker_pids) != workers or len(self.httpd_pids) != 1:
                raise SystemExit(f"{self.title}: unexpected processes: {processes}")
        except BaseException:
            self.server.stop()
            raise

    def mi(self, method):
        """The result of an MI command."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        connection.request("POST", "/mi", json.dumps({"jsonrpc": "2.0", "method": method, "id": 1}),
                           {"Content-Type": "application/json"})
        reply = connection.getresponse().read()
        connection.close()
        return json.loads(reply)["result"]


class Nginx:
    """For comparison, with files of the sizes that the others print."""

    title = "nginx, from a file"
    httpd_pids = worker_pids = ()

    def __init__(self, server):
        self.server = server


class Sleeper:
    """Keeps one handler process of `daemon` asleep."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.wakes = 0.0
        self.connection = None

    def sleep_on(self, seconds):
        """From now on it sleeps for so long at least."""
        if self.connection and time.monotonic() + seconds < self.wakes:
            return
        self.finish()
        self.connection = socket.create_connection(("127.0.0.1", self.daemon.server.port), timeout=2 * ASLEEP)
        self.wakes = time.monotonic() + ASLEEP
        self.connection.sendall(f"GET /sleep/{ASLEEP * 1000} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        while not any(entry["Root"] == "sleep" for entry in self.daemon.mi("httpd_requests")["Handlers"]):
            if time.monotonic() > self.wakes:
                raise SystemExit("bench: the handler does not sleep")

    def check_asleep(self):
        if select.select([self.connection], [], [], 0)[0]:
            raise SystemExit("bench: the handler woke up during the measurement")

    def finish(self):
        """Waits until it has slept, and was answered."""
        if self.connection:
            reply = self.connection.recv(4096)
            self.connection.close()
            self.connection = None
            if not reply.startswith(b"HTTP/1.1 200 "):
                raise SystemExit(f"bench: the handler that slept was answered with {reply[:100]}")


@dataclass(frozen=True)
class Latency:
    """Microseconds from a request to the whole of its reply, over one round."""

    middle: float
    p99: float
    longest: float


@dataclass(frozen=True)
class Cost:
    """One round, and the CPU time of two groups of processes in it, in microseconds a request."""

    round: loads.Round
    httpd: float
    workers: float


def program(build):
    return build / "bench/bench_latency"


def _latency_round(build, daemon, connections, core):
    command = [program(build), daemon.server.port, "/bench", servers.PAGE_SIZE, connections, LATENCY_REQUESTS]
    done = subprocess.run(loads.pinned(core, command), capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise SystemExit(f"{daemon.title}: {done.stderr}")
    times = [float(line) for line in done.stdout.split()]
    return Latency(statistics.median(times), statistics.quantiles(times, n=100)[98], max(times))


def _measure_latency(build, cores, rounds):
    with tempfile.TemporaryDirectory() as folder:
        daemons = []
        try:
            for workers, note in ((2, ""), (2, ", one asleep"), (0, "")):
                daemons.append(Daemon(build, folder, cores[0], workers, note=note))
            sleeper = Sleeper(daemons[1])
            results = {count: {daemon.title: [] for daemon in daemons} for count in LATENCY_CONNECTIONS}
            for number in range(rounds):
                print(f"bench: beside a sleeping handler: round {number + 1}/{rounds}", file=sys.stderr)
                for count in LATENCY_CONNECTIONS:
                    for daemon in daemons:
                        if daemon is sleeper.daemon:
                            sleeper.sleep_on(ASLEEP / 2)
                        results[count][daemon.title].append(_latency_round(build, daemon, count, cores[1]))
                        if daemon is sleeper.daemon:
                            sleeper.check_asleep()
            sleeper.finish()
        finally:
            servers.stop_all(daemon.server for daemon in daemons)
    return [report.latency_table(count, LATENCY_REQUESTS, table) for count, table in results.items()]


def _cost_round(candidate, load, core, seconds):
    groups = (candidate.httpd_pids, candidate.worker_pids)
    before = [sum(servers.cpu_seconds(pids)) for pids in groups]
    result = loads.run_round(candidate.server, load, core, seconds)
    spent = [(sum(servers.cpu_seconds(pids)) - early) / result.requests * 1e6 for pids, early in zip(groups, before)]
    return Cost(result, *spent)


def _measure_costs(candidates, plan, core, rounds, seconds):
    tables = []
    for load in plan:
        results = {candidate.title: [] for candidate in candidates}
        for number in range(rounds):
            for candidate in candidates:
                print(f"bench: {load.title}: round {number + 1}/{rounds}: {candidate.title}", file=sys.stderr)
                results[candidate.title].append(_cost_round(candidate, load, core, seconds))
        tables.append(report.cost_table(load.title, results))
    return tables


def _measure_short(build, cores, rounds, seconds):
    whole = 'modparam("httpd", "max_root_workers", 2)\n'
    with tempfile.TemporaryDirectory() as folder:
        daemons = []
        try:
            for workers, more, note in ((0, "", ""), (1, "", ""), (2, "", ""), (2, whole, ", max_root_workers = 2")):
                daemons.append(Daemon(build, folder, cores[0], workers, more, note))
            load = Load(f"GET, 500 bytes, {loads.CONNECTIONS} connections kept")
            return _measure_costs(daemons, [load], cores[1], rounds, seconds)
        finally:
            servers.stop_all(daemon.server for daemon in daemons)


def _size_text(size):
    return f"{size // KIB} KiB" if size < KIB * KIB else f"{size // KIB // KIB} MiB"


def _measure_printed(build, cores, rounds, seconds):
    plan = [Load(f"GET, {_size_text(size)} printed by the handler, {connections} connections kept",
                 path=f"/print/{size}", connections=connections, size=size) for size, connections in PRINTED.items()]
    with tempfile.TemporaryDirectory() as folder:
        candidates = []
        try:
            nginx = servers.start_nginx(folder, cores[0], files={str(size): size for size in PRINTED})
            if nginx:
                candidates.append(Nginx(nginx))
            for workers in (0, 2):
                candidates.append(Daemon(build, folder, cores[0], workers))
            return _measure_costs(candidates, plan, cores[1], rounds, seconds)
        finally:
            servers.stop_all(candidate.server for candidate in candidates)


def measure(build, cores, rounds, seconds):
    """The tables of the section, as text."""
    seconds = min(seconds, SECONDS)
    return [*_measure_latency(build, cores, rounds), *_measure_short(build, cores, rounds, seconds),
            *_measure_printed(build, cores, rounds, seconds)]
