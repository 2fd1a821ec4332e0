# The loads of the comparison, and how one is run.
# SPDX-License-Identifier: GPL-2.0-or-later
"""wrk with one thread, or bench_tls_load for TLS, pinned to a core of its own, against one server at a time."""

import json
import re
import socket
import ssl
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

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


LOADS = [
    Load("GET, 500 bytes, connections kept"),
    Load("POST of 100 bytes of JSON, sent back, connections kept", "post.lua", posts=True),
    Load("GET, 500 bytes, a new connection for each request", "close.lua", closes=True),
    Load("GET, 500 bytes, 16 requests pipelined", "pipeline.lua"),
]


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


def _round(server, load, before, count, rate, negotiated=""):
    cpu = ((late - early) / (count * load.units) * 1e6 for early, late in zip(before, server.cpu_seconds()))
    return Round(rate * load.units, *cpu, negotiated, count)


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
    return _round(server, load, before, int(total[1]), float(rate[1]))


def run_tls_round(server, load, core, seconds, program):
    """One round with `program`, bench_tls_load, which has checked each handshake and each reply when it succeeds.
    What it does before it is ready (the first handshakes) is not measured."""
    command = [program, server.port, load.handshakes or "kept", seconds]
    if not load.handshakes:
        command += [load.connections, load.path, load.size]
    with subprocess.Popen(pinned(core, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as process:
        ready = process.stdout.readline()
        before = server.cpu_seconds()
        try:
            output, errors = process.communicate("\n", timeout=seconds + 30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    if process.returncode or ready != "ready\n":
        raise SystemExit(f"{server.name}: {load.title}: {errors}")
    result = json.loads(output)
    return _round(server, load, before, result["count"], result["count"] / result["seconds"], result["negotiated"])


def resumes_sessions(server, program):
    done = subprocess.run([program, str(server.port), "probe"], capture_output=True, text=True, timeout=30,
                          check=False)
    if done.returncode:
        raise SystemExit(f"{server.name}: {done.stderr}")
    return json.loads(done.stdout)["resumes"]


def _client_context():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _ask(server, context):
    """Opens a connection, asks once and reads the whole reply; the connection stays open."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    if server.tls:
        # Else the request waits until the end of the handshake is acknowledged, which takes 40 ms.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = context.wrap_socket(connection)
    connection.sendall(b"GET /bench HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    reply = b""
    while True:
        piece = connection.recv(4096)
        if not piece:
            raise SystemExit(f"{server.name}: closed a connection that was to be kept")
        reply += piece
        head, end, body = reply.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        if end and length and len(body) >= int(length[1]):
            return connection


def idle_bytes(server, count):
    """The server's resident memory for each of `count` open connections that have made one request."""
    context = _client_context()
    _ask(server, context).close()
    time.sleep(0.3)
    before = server.resident_bytes()
    connections = [_ask(server, context) for _ in range(count)]
    time.sleep(0.3)
    after = server.resident_bytes()
    for connection in connections:
        connection.close()
    return (after - before) / count
