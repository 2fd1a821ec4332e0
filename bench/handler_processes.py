# A daemon with handler processes, for the part `workers`: which process is which, what each cost in a round, and how
# to keep one of them asleep. SPDX-License-Identifier: GPL-2.0-or-later
import http.client
import json
import select
import socket
import time
from dataclasses import dataclass

import loads
import servers

ASLEEP = 10  # seconds


class Daemon:
    """The daemon with so many handler processes, and its process ids."""

    def __init__(self, setup, folder, workers, more="", note=""):
        self.title = f"workers = {workers}{note}"
        settings = f'modparam("httpd", "workers", {workers})\n{more}loadmodule "mi_http.so"\n'
        self.server = servers.start_httpd(setup.build, folder, setup.cores[0], self.title, settings)
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

    def stop(self):
        self.server.stop()


class Nginx:
    """For comparison, with files of the sizes that the others print."""

    title = "nginx, from a file"
    httpd_pids = worker_pids = ()

    def __init__(self, server):
        self.server = server

    def stop(self):
        self.server.stop()


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
class Cost:
    """One round, and the CPU time of two groups of processes in it, in microseconds a request."""

    round: loads.Round
    httpd: float
    workers: float

    @property
    def cpu(self):
        return self.round.cpu

    @property
    def rate(self):
        return self.round.rate


def cost_round(candidate, load, core, seconds):
    groups = (candidate.httpd_pids, candidate.worker_pids)
    before = [sum(servers.cpu_seconds(pids)) for pids in groups]
    result = loads.run_round(candidate.server, load, core, seconds)
    spent = [(sum(servers.cpu_seconds(pids)) - early) / result.requests * 1e6 for pids, early in zip(groups, before)]
    return Cost(result, *spent)
