# The loads of the comparison, and how one is run.
# SPDX-License-Identifier: GPL-2.0-or-later
"""wrk with one thread, pinned to a core of its own, against one server at a time."""

import re
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONNECTIONS = 64


@dataclass(frozen=True)
class Load:
    title: str
    script: str = ""
    posts: bool = False
    closes: bool = False


LOADS = [
    Load("GET, 500 bytes, connections kept"),
    Load("POST of 100 bytes of JSON, sent back, connections kept", "post.lua", posts=True),
    Load("GET, 500 bytes, a new connection for each request", "close.lua", closes=True),
    Load("GET, 500 bytes, 16 requests pipelined", "pipeline.lua"),
]


@dataclass(frozen=True)
class Round:
    rate: float    # requests a second
    user: float    # microseconds of the server's CPU time a request
    system: float

    @property
    def cpu(self):
        return self.user + self.system


def run_round(server, load, core, seconds):
    """One round. Ends the program when the server answers anything but 200, since nothing is measured then."""
    command = ["taskset", "-c", str(core), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s"]
    if load.script:
        command += ["-s", str(HERE / "loads" / load.script)]
    before = server.cpu_seconds()
    done = subprocess.run([*command, f"http://127.0.0.1:{server.port}/bench"], capture_output=True, text=True,
                          timeout=seconds + 30, check=False)
    after = server.cpu_seconds()
    total = re.search(r"(\d+) requests in", done.stdout)
    rate = re.search(r"Requests/sec:\s*([\d.]+)", done.stdout)
    wrong = re.search(r"(Non-2xx|Socket errors).*", done.stdout)
    if done.returncode or not total or not rate or wrong or not int(total[1]):
        raise SystemExit(f"{server.name}: {load.title}: wrk failed:\n{done.stdout}{done.stderr}")
    requests = int(total[1])
    return Round(float(rate[1]), *((late - early) / requests * 1e6 for early, late in zip(before, after)))


def _ask(server):
    """Opens a connection, asks once and reads the whole reply; the connection stays open."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
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
    _ask(server).close()
    time.sleep(0.3)
    before = server.resident_bytes()
    connections = [_ask(server) for _ in range(count)]
    time.sleep(0.3)
    after = server.resident_bytes()
    for connection in connections:
        connection.close()
    return (after - before) / count
