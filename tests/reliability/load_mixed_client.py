# One process of the mixed load: sends requests of all kinds over kept and short connections, and checks each reply.
# SPDX-License-Identifier: GPL-2.0-or-later
import collections
import os
import random
import re
import socket

from load_clients import connect, reset
from load_requests import (ABORTED, BAD, FATAL, GOOD, LONG_FILE, LONG_MEMORY, message, right)

TIMEOUT = 20.0
LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: (\d+)(?:\r\n|$)")
CHUNKED = re.compile(rb"\r\n[Tt]ransfer-[Ee]ncoding: chunked(?:\r\n|$)")
CLOSE = re.compile(rb"\r\n[Cc]onnection: close(?:\r\n|$)")
# Of a thousand connections so many are kept, short, refused, and left. A kept one has 2 to 80 requests.
SESSIONS = {"kept": 110, "short": 550, "fatal": 220, "left": 120}
FAILURES_TOLD = 20


class Wrong(Exception):
    """Not the reply that must come."""


class Wire:
    """One connection, and the replies on it."""

    def __init__(self, port, source):
        self.socket = connect(port, source, TIMEOUT)
        self.buffer = b""

    def more(self):
        data = self.socket.recv(1 << 18)
        if not data:
            raise Wrong(f"the connection ended; so far {self.buffer[:200]!r}")
        self.buffer += data

    def take(self, size):
        while len(self.buffer) < size:
            self.more()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def take_to(self, end):
        while (found := self.buffer.find(end)) < 0:
            self.more()
        return self.take(found + len(end))[: -len(end)]

    def reply(self, head_only=False):
        """Status, body, Content-Length and whether the connection ends, of the next final reply."""
        while True:
            head = self.take_to(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 ") or not head[9:12].isdigit():
                raise Wrong(f"not a reply: {head[:200]!r}")
            if head[9] != ord("1"):
                break
        length, closes = LENGTH.search(head), bool(CLOSE.search(head))
        size = int(length[1]) if length else None
        if head_only:
            return int(head[9:12]), b"", size, closes
        if size is not None:
            return int(head[9:12]), self.take(size), size, closes
        if not CHUNKED.search(head):
            raise Wrong(f"a reply without an end: {head[:200]!r}")
        pieces = []
        while piece := int(self.take_to(b"\r\n"), 16):
            pieces.append(self.take(piece))
            self.take_to(b"\r\n")
        self.take_to(b"\r\n")
        return int(head[9:12]), b"".join(pieces), None, closes

    def check(self, kind, expected, closes):
        status, body, length, closing = self.reply(kind.head)
        if not right(kind, status, body, length, expected) or closing != closes:
            raise Wrong(f"{kind.name}: {status}, closing: {closing}, {body[:200]!r} instead of {kind.status}, "
                        f"closing: {closes}, {expected[:200]!r}")

    def check_end(self):
        if self.buffer or self.socket.recv(1):
            raise Wrong("bytes behind the last reply")
        self.socket.close()


class Client:
    """Makes sessions until all requests were sent."""

    def __init__(self, port, source, first, seed, done):
        self.port, self.source, self.number, self.done = port, source, first, done
        self.chance = random.Random(seed)
        self.counts, self.failures, self.failed = collections.Counter(), [], 0
        self.kept, self.fatal = GOOD + BAD, FATAL
        self.kept_weights = [kind.weight for kind in self.kept]
        self.good_weights = [kind.weight for kind in GOOD]

    def connect(self):
        return Wire(self.port, self.source)

    def next_number(self):
        self.number += 1
        return self.number

    def count(self, name):
        self.counts[name] += 1
        self.done.value += 1

    def kept_session(self):
        """Some requests one after the other, some sent together."""
        wire = self.connect()
        left = self.chance.randint(2, 80)
        while left > 0:
            together = min(left, self.chance.choice((1, 1, 1, 2, 5, 16)))
            left -= together
            asked = [(kind, *kind.make(self.next_number()))
                     for kind in self.chance.choices(self.kept, self.kept_weights, k=together)]
            wire.socket.sendall(b"".join(sent for _, sent, _ in asked))
            for kind, _, expected in asked:
                self.count(kind.name)
                wire.check(kind, expected, False)
        if wire.buffer:
            raise Wrong(f"bytes behind the last reply: {wire.buffer[:200]!r}")
        wire.socket.close()

    def short_session(self):
        (kind,) = self.chance.choices(GOOD, self.good_weights)
        sent, expected = kind.make(self.next_number())
        wire = self.connect()
        self.count(kind.name)
        wire.socket.sendall(sent.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        wire.check(kind, expected, True)
        wire.check_end()

    def fatal_session(self):
        kind = self.chance.choice(self.fatal)
        sent, expected = kind.make(self.next_number())
        wire = self.connect()
        self.count(kind.name)
        wire.socket.sendall(sent)
        wire.check(kind, expected, True)
        wire.check_end()

    def begin_to_read(self, wire):
        if not wire.take(1000).startswith(b"HTTP/1.1 200 "):
            raise Wrong("a wrong reply")

    def left_name(self):
        return self.chance.choice(list(ABORTED))

    def left_session(self):
        name = self.left_name()
        kind, number = ABORTED[name], self.next_number()
        wire = self.connect()
        self.count(name)
        get = message("GET", f"/hello-cpp?name={number}")
        post = message("POST", "/hello-cpp", "Content-Type: text/plain", "Expect: 100-continue", "Content-Length: 500",
                       length=False)
        if name == "reset in the head":
            wire.socket.sendall(get[: self.chance.randint(1, len(get) - 1)])
        elif name in ("reset in the body", "end of sending in the body"):
            wire.socket.sendall(post)
            if wire.take_to(b"\r\n\r\n") != b"HTTP/1.1 100 Continue":
                raise Wrong("no 100 Continue")
            wire.socket.sendall(b"x" * self.chance.randint(0, 499))
        elif name.startswith("reset in the reply"):
            wire.socket.sendall(LONG_FILE if name.endswith("file") else LONG_MEMORY)
            self.begin_to_read(wire)
        elif name == "end of sending behind the request":
            wire.socket.sendall(get)
        else:
            wire.socket.sendall(get[: self.chance.randint(1, len(get) - 1)])
        if name.startswith("reset"):
            reset(wire.socket)
            return
        wire.socket.shutdown(socket.SHUT_WR)
        status, body, _, _ = wire.reply()
        good = b"Hello, %d!\n" % number if kind.status == 200 else b"The request ended before it was complete\n"
        if (status, body) != (kind.status, good):
            raise Wrong(f"{name}: {status} {body[:200]!r}")
        wire.check_end()

    def run(self, requests):
        sessions = {"kept": self.kept_session, "short": self.short_session, "fatal": self.fatal_session,
                    "left": self.left_session}
        while self.done.value < requests and self.failed < FAILURES_TOLD:
            for name in self.chance.choices(list(SESSIONS), list(SESSIONS.values()), k=10):
                try:
                    sessions[name]()
                except (OSError, Wrong, ValueError) as error:
                    self.failed += 1
                    self.failures.append(f"{name}: {type(error).__name__}: {error}")


def run(port, source, first, requests, core, done, pipe):
    """Tells what was sent, and what went wrong. Only finished sessions end well: after many failures it gives up."""
    os.sched_setaffinity(0, {core})
    client = Client(port, source, first, first, done)
    client.run(requests)
    pipe.send((dict(client.counts), client.failed, client.failures))
