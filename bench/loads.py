# The loads of the comparison, and how one is run.
# SPDX-License-Identifier: GPL-2.0-or-later
"""wrk with one thread, pinned to a core of its own, against one server at a time. https.py, kept.py and others have
generators of the bench's own, and the same loads and rounds."""

import http.client
import re
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

import servers
from servers import PAGE_SIZE

HERE = Path(__file__).resolve().parent
CONNECTIONS = 64


@dataclass(frozen=True)
class Load:
    title: str
    script: str = ""
    posts: bool = False
    closes: bool = False
    path: str = "/bench"
    connections: int = CONNECTIONS
    size: int = PAGE_SIZE
    unit: str = "request"
    units: int = 1          # in one request
    handshakes: str = ""    # "full" or "resumed": a new connection for each request, over TLS


@dataclass(frozen=True)
class Round:
    rate: float    # the load's units (requests, handshakes, MiB) a second
    user: float    # microseconds of the server's CPU time a unit
    system: float
    negotiated: str = ""
    requests: int = 0

    @property
    def cpu(self):
        return self.user + self.system


def pinned(core, command):
    return ["taskset", "-c", str(core), *map(str, command)]


def _request(load):
    if not load.posts:
        ending = b"Connection: close\r\n" if load.closes else b""
        return b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n" % (load.path.encode(), ending)
    return (b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            % (load.path.encode(), servers.POST_SIZE)) + b"x" * servers.POST_SIZE


def check_reply(server, load):
    """Ends the program where the server's reply to the load's request is not what all are to send: a 200 with a body
    of so many bytes. wrk looks at the status alone."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(_request(load))
        reply = http.client.HTTPResponse(connection)
        reply.begin()
        body = reply.read()
        wanted = servers.POST_SIZE if load.posts else load.size
        if reply.status != 200 or len(body) != wanted or reply.will_close != load.closes:
            raise SystemExit(f"{server.name}: {load.title}: a wrong reply: {reply.status} with {len(body)} bytes, "
                             f"{'closed' if reply.will_close else 'kept'}")


def run_round(server, load, core, seconds):
    """One round with wrk. Ends the program when the server answers anything but 200: nothing is measured then."""
    command = ["wrk", "-t1", f"-c{load.connections}", f"-d{seconds}s"]
    if load.script:
        command += ["-s", HERE / "loads" / load.script]
    before = server.cpu_seconds()
    done = subprocess.run(pinned(core, [*command, f"http://127.0.0.1:{server.port}{load.path}"]),
                          capture_output=True, text=True, timeout=seconds + 30, check=False)
    total = re.search(r"(\d+) requests in", done.stdout)
    rate = re.search(r"Requests/sec:\s*([\d.]+)", done.stdout)
    wrong = re.search(r"(Non-2xx|Socket errors).*", done.stdout)
    if done.returncode or not total or not rate or wrong or not int(total[1]):
        raise SystemExit(f"{server.name}: {load.title}: wrk failed:\n{done.stdout}{done.stderr}")
    count = int(total[1])
    cpu = ((late - early) / count * 1e6 for early, late in zip(before, server.cpu_seconds()))
    return Round(float(rate[1]), *cpu, requests=count)
