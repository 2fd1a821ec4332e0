# nginx and HAProxy in front of a server over kept connections, their ordinary clients, who notice each reply that is
# not their own, and a server so sloppy that they do. SPDX-License-Identifier: GPL-2.0-or-later
import itertools
import os
import re
import shutil
import socket
import socketserver
import subprocess
import threading
import time

import daemon
import rawhttp
from rawhttp import request

# A request that nobody sends as one of its own: it hides in other messages. Its handler counts its calls.
TARGET = "/sleep/0?smuggled=yes"
# What follows it on the connection to the server becomes a field's value: the request line of whoever comes next.
PREFIX = f"GET {TARGET} HTTP/1.1\r\nX-Hidden: ".encode()
WHOLE = request("GET", TARGET)

MODULES = {"hello_cpp.so": {}, "mi_http.so": {}, daemon.CPP_PROBE: {}, daemon.WORKER_PROBE: {}}

NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000;
  map $http_upgrade $connection_option {{ default upgrade; '' ''; }}
  upstream behind {{ server 127.0.0.1:{behind}; keepalive {kept}; }}
  server {{
    listen 127.0.0.1:{port};
    {more}
    location / {{
      proxy_pass http://behind;
      proxy_http_version 1.1;
      {location}
    }}
  }}
}}
"""

HAPROXY = """
global
  nbthread 1
defaults
  mode http
  option http-keep-alive
  timeout connect 20s
  timeout client 60s
  timeout server 60s
frontend front
  bind 127.0.0.1:{port}
  {frontend}
  default_backend behind
backend behind
  http-reuse always
  {backend}
  server one 127.0.0.1:{behind} {server}
"""

# What is careful is as most people have it, with one kept connection, on which every mistake shows at once. What is lax
# passes on all that the proxy can be talked into.
CONFIGURATIONS = {
    "nginx-careful": ("nginx", NGINX, {"kept": 1, "more": "", "location": 'proxy_set_header Connection "";'}),
    "nginx-unbuffered": ("nginx", NGINX, {
        "kept": 1, "more": "", "location": 'proxy_set_header Connection ""; proxy_request_buffering off;'}),
    "nginx-lax": ("nginx", NGINX, {
        "kept": 8, "more": "ignore_invalid_headers off; underscores_in_headers on; merge_slashes off;",
        "location": "proxy_request_buffering off; proxy_set_header Host $http_host;"
                    "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_option;"}),
    "haproxy-careful": ("haproxy", HAPROXY, {"frontend": "", "backend": "", "server": "maxconn 1"}),
    "haproxy-lax": ("haproxy", HAPROXY, {
        "frontend": "option accept-invalid-http-request", "server": "",
        "backend": "option accept-invalid-http-response\n  option http-restrict-req-hdr-names preserve"}),
}

_serials = itertools.count(1)


class MixUp(AssertionError):
    """Somebody got what is not the reply to his request."""


def program(configuration):
    """The path of the proxy that a configuration is for; None when it is not installed."""
    # Not every user's PATH has the folder that Debian puts them in.
    return shutil.which(CONFIGURATIONS[configuration][0], path=os.environ.get("PATH", "") + ":/usr/sbin")


class Proxy:
    """A proxy before the server on the port `behind`, which `smuggled` asks how often TARGET was served. Used as a
    context manager."""

    def __init__(self, folder, configuration, behind, smuggled, patience=10.0):
        kind, text, settings = CONFIGURATIONS[configuration]
        self.patience = patience  # seconds to wait for the reply to a request that was served
        # What nginx has whole before it begins to send gets a length, whatever it came with.
        self.in_pieces = "proxy_request_buffering off" in settings.get("location", "")
        self.one_connection = "maxconn 1" in settings.get("server", "")
        self.port = daemon.free_port()
        self.smuggled = smuggled
        # Requests of normal clients that the proxy answered with an error of its own: (status, request line).
        self.failed = []
        self.clients = []
        file = folder / f"{kind}.cfg"
        file.write_text(text.format(folder=folder, port=self.port, behind=behind, **settings))
        options = ["-db", "-f", file] if kind == "haproxy" else ["-p", folder, "-e", folder / "error.log", "-c", file]
        self.output = open(folder / "output", "wb+")
        self.process = subprocess.Popen([program(configuration), *map(str, options)], cwd=folder, stdout=self.output,
                                        stderr=self.output, stdin=subprocess.DEVNULL)

    def __enter__(self):
        deadline = time.monotonic() + daemon.START_TIMEOUT
        try:
            while True:
                try:
                    rawhttp.Client(self.port).close()
                    break
                except OSError:
                    self.output.seek(0)
                    assert self.process.poll() is None and time.monotonic() < deadline, self.output.read()
                    time.sleep(0.05)
        except BaseException:
            self.__exit__()
            raise
        self.clients = [Normal(self) for _ in range(4)]
        return self

    def __exit__(self, *_):
        for client in self.clients:
            client.close()
        self.process.kill()
        self.process.wait()
        self.output.close()


class Normal:
    """A client that keeps its connection to a proxy, and whose every request can be told from all others."""

    def __init__(self, proxy):
        self.proxy = proxy
        self.connection = None
        self.kind = ""
        self.sent = b""
        self.id = 0
        self.asked = 0  # how many requests were sent
        self.waits = False

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def send(self, kind):
        self.kind, self.id = kind, next(_serials)
        name = f"normal-{self.id}"
        if kind == "GET":
            self.sent = request("GET", f"/describe?id={name}", f"X-Probe: {name}")
        elif kind == "HEAD":
            self.sent = request("HEAD", f"/large/{100000 + self.id}")
        elif kind == "POST":
            self.sent = request("POST", f"/describe?id={name}", f"X-Probe: {name}", "Content-Type: text/plain",
                                body=b"x" * (self.id % 5000))
        else:
            self.sent = request("POST", "/hello-cpp", "Content-Type: text/plain", body=name.encode() * 20)
        self.asked += 1
        if self.waits:  # a test failed before the reply was read
            self.close()
        self.waits = True
        if self.connection is None:
            self.connection = rawhttp.Client(self.proxy.port, timeout=30)
        try:
            self.connection.send(self.sent)
        except ConnectionError as error:
            self.close()
            raise MixUp(f"{error!r} while sending {self.sent[:300]!r}") from error

    def receive(self):
        """Reads the reply, which must be the own one; or the proxy says that it got none."""
        try:
            reply = self.connection.read_reply(self.sent.split(b" ", 1)[0].decode())
        except (rawhttp.BadReply, ConnectionError) as error:
            self.close()
            raise MixUp(f"{error!r} as the reply to {self.sent[:300]!r}") from error
        self.waits = False
        more = self.connection.buffer
        if reply.closes() or more:
            self.close()
        if reply.status in (502, 503, 504):
            self.proxy.failed.append((reply.status, self.sent.split(b"\r", 1)[0]))
        elif reply.status != 200 or more or not self.is_own(reply):
            self.close()
            raise MixUp(f"{reply} and then {more!r} as the reply to {self.sent[:300]!r}")

    def is_own(self, reply):
        name = b"normal-%d" % self.id
        if self.kind == "HEAD":
            return reply.field("Content-Length") == str(100000 + self.id)
        if self.kind == "ECHO":
            return reply.body == name * 20
        size = self.id % 5000 if self.kind == "POST" else 0
        method = self.kind.encode()
        expected = {b"method=" + method, b"target=/describe?id=" + name, b"probe=" + name, b"size=%d" % size}
        return expected <= set(reply.body.split(b"\n"))

    def ask(self, kind):
        self.send(kind)
        self.receive()


class Odd:
    """A client that sends one odd message on a connection of its own, and takes whatever comes."""

    STATUS = re.compile(rb"HTTP/1\.[01] (\d\d\d)\b")

    def __init__(self, proxy, message):
        self.name = b"odd-%d" % next(_serials)
        self.client = rawhttp.Client(proxy.port, timeout=30)
        self.received = b""
        self.ended = False
        message = message.replace(b"@ID", self.name)
        end = message.find(b"\r\n\r\n") + 4
        try:
            if proxy.in_pieces and end > 3:
                self.client.send(message[:end])
                time.sleep(0.002)
                self.client.send(message[end:])
            else:
                self.client.send(message)
        except ConnectionError:
            pass

    def read(self, seconds, enough=lambda: False):
        """Takes what comes until `enough`, the end, or the time is over."""
        deadline = time.monotonic() + seconds
        while not self.ended and not enough() and (left := deadline - time.monotonic()) > 0:
            try:
                data = self.client.receive(left)
            except TimeoutError:
                return
            except ConnectionError:
                data = b""
            self.ended = not data
            self.received += data

    def end_sending(self):
        try:
            self.client.end_sending()
        except OSError:
            pass

    def replies(self):
        """What was received, a reply each: (status, bytes). Replies before the final one do not count."""
        parts = self.STATUS.split(self.received)[1:]
        return [(int(status), text) for status, text in zip(parts[::2], parts[1::2]) if int(status) >= 200]

    def check(self, most):
        """It got `most` good replies at most, none of which is somebody else's. The last one may be cut anywhere."""
        if b"normal-" in self.received or set(re.findall(rb"odd-\d+(?=\D)", self.received)) - {self.name}:
            raise MixUp(f"the reply of somebody else: {self.received!r}")
        good = [text for status, text in self.replies() if status < 400]
        if len(good) > most:
            raise MixUp(f"{len(good)} replies where {most} were due: {self.received!r}")
        for target in re.findall(rb"target=/describe(.*)\n", b"".join(good)):
            if self.name not in target:
                raise MixUp(f"a reply to nothing that was asked: {self.received!r}")


def check(proxy, message, hidden, most=1):
    """Sends an odd message among the requests of normal clients. Raises MixUp when anybody gets what is not his, or
    the request `hidden` in the message is served although the proxy did not take it for one."""
    before = proxy.smuggled()
    one, two, three, four = proxy.clients
    odd = Odd(proxy, message)
    try:
        if hidden == WHOLE:
            one.send("GET")
        odd.read(0.1, lambda: odd.received)
        # A proxy that waits for more of the message holds a connection, perhaps the only one: so this is the end. nginx
        # then forgets what it has not answered.
        answered = bool(odd.replies())
        if hidden == PREFIX or not answered or proxy.one_connection:
            odd.end_sending()
        if hidden == WHOLE:
            one.receive()
        for client, kind in ((two, "GET"), (three, "POST"), (four, "HEAD"), (two, "ECHO"), (three, "GET")):
            client.ask(kind)
        odd.read(0.002 if hidden == WHOLE and answered else 0.3)
        served = proxy.smuggled() - before
        if hidden == PREFIX and served:
            raise MixUp("half a request was served")
        if hidden == WHOLE and answered:
            # The proxy may take what is behind the message for a request; then its reply goes to who sent it.
            odd.read(proxy.patience if served else 0, lambda: len(odd.replies()) > served)
            if served >= max(1, len(odd.replies())):
                raise MixUp(f"served {served} times: {odd.received!r}")
        odd.check(most if hidden == PREFIX else most + served)
    finally:
        odd.client.close()


class SloppyServer(socketserver.ThreadingTCPServer):
    """A server that knows bodies of POST with a length and no others: what is in the others is a request to it. Skips
    lines that begin no request. Used as a context manager."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self):
        self.targets = []
        super().__init__(("127.0.0.1", 0), self.Connection)
        self.port = self.server_address[1]
        self.thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def __exit__(self, *arguments):
        self.shutdown()
        super().__exit__(*arguments)

    def smuggled(self):
        return self.targets.count(TARGET)

    class Connection(socketserver.StreamRequestHandler):
        def handle(self):
            self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                while self.answer():
                    pass
            except ConnectionError:
                pass

        def answer(self):
            line = self.rfile.readline()
            words = line.decode("latin-1").split()
            if len(words) != 3 or not words[2].startswith("HTTP/1."):
                return bool(line)
            fields = {}
            while line := self.rfile.readline().strip():
                name, _, value = line.decode("latin-1").partition(":")
                fields[name.lower()] = value.strip()
            body = self.rfile.read(int(fields.get("content-length", 0)) if words[0] == "POST" else 0)
            if words[0] == "GET" and "content-length" in fields or "transfer-encoding" in fields:
                time.sleep(0.03)  # nginx gives up a connection on which the reply comes before the body has left
            self.server.targets.append(words[1])
            if words[1] == "/hello-cpp":
                text = body
            else:
                probe = fields.get("x-probe")
                text = f"method={words[0]}\ntarget={words[1]}\nprobe={probe}\nsize={len(body)}\n".encode()
            size = int(words[1].rsplit("/", 1)[1]) if words[0] == "HEAD" else len(text)
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size
                             + (b"" if words[0] == "HEAD" else text))
            return True
