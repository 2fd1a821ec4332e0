# HAProxy and nginx as examples/scale/ has them, before three machines in a network of their own.
# SPDX-License-Identifier: GPL-2.0-or-later
import contextlib
import csv
import os
import re
import shutil
import socket
import subprocess
import threading
import time

import daemon
import namespaces
import rawhttp
import rawtls
import waiting
from machines import NAMES, Machine, example

LOG_PORT = 5140

# Balancer -> its program, its file, and the address and port that clients know. The second one is as the first, but
# keeps connections to the machines.
KINDS = {"haproxy-http": ("haproxy", "haproxy-http.cfg", ("192.0.2.10", 80)),
         "haproxy-kept": ("haproxy", "haproxy-http.cfg", ("192.0.2.11", 80)),
         "haproxy-tcp": ("haproxy", "haproxy-tcp.cfg", ("192.0.2.20", 443)),
         "nginx-http": ("nginx", "nginx-http.conf", ("192.0.2.30", 80)),
         "nginx-stream": ("nginx", "nginx-stream.conf", ("192.0.2.40", 443))}
OVER_TLS = {"haproxy-tcp", "nginx-stream"}

NGINX_STREAM = "/usr/lib/nginx/modules/ngx_stream_module.so"


def program(kind):
    """Not every user's PATH has the folder that Debian puts them in."""
    return shutil.which(KINDS[kind][0], path=os.environ.get("PATH", "") + ":/usr/sbin")


def why_not(kinds):
    """What is missing here, in a line; "" for nothing."""
    for kind in kinds:
        if program(kind) is None:
            return f"the package {KINDS[kind][0]} is not installed"
    if "nginx-stream" in kinds and not os.path.exists(NGINX_STREAM):
        return "the package libnginx-mod-stream is not installed"
    return namespaces.why_not()


class Balancer:
    """A balancer with its example's configuration. Used as a context manager."""

    def __init__(self, kind, folder, network, certificate):
        self.kind, self.folder, self.network = kind, folder, network
        self.program, name, (self.host, self.port) = KINDS[kind]
        places = {}
        if self.program == "haproxy":
            places = {"/dev/log": f"127.0.0.1:{LOG_PORT}", "/run/haproxy/admin.sock": folder / "admin.sock"}
            if kind == "haproxy-kept":
                places |= {"option http-server-close": "option http-keep-alive", "192.0.2.10": self.host}
            if name == "haproxy-http.cfg":
                (folder / "certs").mkdir()
                both = certificate.file.read_bytes() + certificate.key.read_bytes()
                (folder / "certs" / "server.pem").write_bytes(both)
                places["/etc/haproxy/certs"] = folder / "certs"
        else:
            places = {"/run/nginx.pid": folder / "nginx.pid", "/var/log/nginx": folder}
            if kind == "nginx-http":
                places["/etc/nginx/tls/server.pem"] = certificate.file
                places["/etc/nginx/tls/server.key"] = certificate.key
        self.file = example(name, folder, **places)
        self.process, self.log, self.tls = None, None, rawtls.context()

    def __enter__(self):
        options = (["-db", "-f", self.file] if self.program == "haproxy"
                   else ["-e", self.folder / "error.log", "-g", "daemon off;", "-c", self.file])
        if self.program == "haproxy":
            self.log = HaproxyLog(self.network)
        with open(self.folder / "output", "wb") as output:
            self.process = subprocess.Popen(
                [*self.network.balancer.runner, program(self.kind), *map(str, options)], stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, start_new_session=True)
        try:
            waiting.wait_until(self._is_up, lambda: (self.folder / "output").read_text(), daemon.START_TIMEOUT)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _is_up(self):
        assert self.process.poll() is None, (self.folder / "output").read_text()
        if self.program == "haproxy" and not (self.folder / "admin.sock").exists():
            return False
        with contextlib.suppress(OSError), self.network.clients.inside():
            socket.create_connection((self.host, self.port), timeout=1).close()
            return True
        return False

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, 9)
            self.process.wait()
            if self.log:
                self.log.close()

    def connect(self, timeout=10.0, port=None, tls=None, **more):
        """A client's connection, over TLS where that is what comes in here; or to another port, over TLS if said."""
        settings = {"host": self.host, "timeout": timeout, **more}
        with self.network.clients.inside():
            if self.kind in OVER_TLS or tls:
                return rawtls.Client(port or self.port, tls or self.tls, **settings)
            return rawhttp.Client(port or self.port, **settings)

    def ask(self, command):
        """What HAProxy answers to a command on its socket."""
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.folder / "admin.sock"))
            client.sendall(command.encode() + b"\n")
            return b"".join(iter(lambda: client.recv(65536), b"")).decode()

    def states(self):
        """Machine -> what HAProxy takes it for, such as "UP" or "DOWN"."""
        return self._column("status")

    def sessions(self):
        """Machine -> how many requests, or in TCP mode connections, it has."""
        return {name: int(value) for name, value in self._column("scur").items()}

    def _column(self, name):
        rows = csv.DictReader(self.ask("show stat").removeprefix("# ").splitlines())
        return {row["svname"]: row[name] for row in rows if row["svname"] in NAMES}

    def wait_state(self, name, state, seconds=20.0):
        """Returns how long that took, in seconds."""
        return waiting.wait_until(lambda: self.states()[name] == state, f"{name} does not become {state}", seconds)


class HaproxyLog:
    """What a HAProxy logs: the requests by their number, which is the end of their targets."""

    LINE = re.compile(r" machines/(\S+) \S+ (-?\d+) \d+ \S+ \S+ (\S+) .*\"\w+ \S*\?n=(\d+) ")

    def __init__(self, network):
        self.requests = {}  # number -> (machine, status, how the session ended)
        self.lines = []     # without those of requests
        with network.balancer.inside():
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
            self.socket.bind(("127.0.0.1", LOG_PORT))
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        while line := self.socket.recv(8192).decode("utf-8", "replace"):
            if found := self.LINE.search(line):
                self.requests[int(found[4])] = (found[1], int(found[2]), found[3])
            elif "Health check" in line or " is DOWN" in line or " is UP" in line:
                self.lines.append((time.monotonic(), line))

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RD)
        self.thread.join(5)
        self.socket.close()


class Site:
    """Three machines, and balancers of these kinds before them, which have seen that all are up. Used as
    a context manager: what is still running is ended."""

    def __init__(self, folder, certificate, kinds):
        self.stack = contextlib.ExitStack()
        try:
            fronts = [KINDS[kind][2][0] for kind in kinds]
            self.network = self.stack.enter_context(namespaces.Network(fronts))
            self.machines, ticket_key = [], os.urandom(64)
            for number, name in enumerate(NAMES):
                (folder / name).mkdir()
                self.machines.append(Machine(folder / name, number, self.network, certificate, ticket_key))
                self.stack.callback(self.machines[-1].kill)
            self.fronts = {}
            for kind in kinds:
                (folder / kind).mkdir()
                self.fronts[kind] = self.stack.enter_context(Balancer(kind, folder / kind, self.network, certificate))
            for name in NAMES:
                self.wait_up(name)
        except BaseException:
            self.stack.close()
            raise

    def wait_up(self, name):
        """Waits until all balancers that ask for health take a machine for one that serves."""
        for front in self.fronts.values():
            if front.program == "haproxy":
                front.wait_state(name, "UP")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()
