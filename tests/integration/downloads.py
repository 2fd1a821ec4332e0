# Clients for replies of many megabytes, at full speed and slowly, and what the server's memory does meanwhile.
# SPDX-License-Identifier: GPL-2.0-or-later
import hashlib
import socket
import ssl
import time

import daemon
from rawhttp import request


def is_sanitized():
    """The address sanitizer keeps what was freed, and is slow."""
    return b"__asan_init" in daemon.BINARY.read_bytes()


def connect(server, buffer=0):
    """A socket of Python's own, over TLS where the server speaks it: as fast as it gets."""
    plain = socket.socket()
    if buffer:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    plain.settimeout(60)
    plain.connect(("127.0.0.1", server.port))
    if server.tls is None:
        return plain
    settings = ssl.create_default_context()
    settings.check_hostname, settings.verify_mode = False, ssl.CERT_NONE
    return settings.wrap_socket(plain)


def download(server, target, size, after, trickle=0):
    """Asks for `target`, takes the first pieces slowly, and returns the digest of what came. The connection then
    serves `after`, a target and the end of its reply."""
    digest, left, buffer = hashlib.sha256(), size, bytearray(1 << 20)
    with connect(server, buffer=65536 if trickle else 0) as client:
        client.sendall(request("GET", target))
        data = b""
        while b"\r\n\r\n" not in data:
            data += client.recv(4096)
        head, _, data = data.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ") and f"Content-Length: {size}".encode() in head
        digest.update(data)
        left -= len(data)
        for _ in range(trickle):
            time.sleep(0.05)
            data = client.recv(1000)
            digest.update(data)
            left -= len(data)
        while left > 0:
            count = client.recv_into(buffer)
            assert count > 0, f"the connection ended {left} bytes early"
            digest.update(memoryview(buffer)[:count])
            left -= count
        client.sendall(request("GET", after[0], "Connection: close"))
        rest = b""
        while data := client.recv(4096):
            rest += data
        assert left == 0 and rest.endswith(b"\r\n\r\n" + after[1]), "the connection serves on"
    return digest.hexdigest()


class PeakMemory:
    """How much more memory a process held at its peak than at the beginning, in KiB."""

    def __init__(self, pid):
        self.pid = pid

    def __enter__(self):
        with open(f"/proc/{self.pid}/clear_refs", "w", encoding="ascii") as file:
            file.write("5")  # the peak begins anew (proc(5))
        self.before = self._read("VmRSS")
        return self

    def __exit__(self, *_):
        self.grown = self._read("VmHWM") - self.before

    def _read(self, name):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(name))
