# A strict HTTP/1.1 client on a plain socket: it sends any bytes in any pieces, and refuses replies that are not exact.
# SPDX-License-Identifier: GPL-2.0-or-later
import re
import socket
import struct
import time

# Each message is sent whole, and in pieces of so many bytes.
FRAGMENTS = [None, 1, 2, 3, 7, 64]

# Between two pieces: time for the server, on its own core, to see the first one alone.
PAUSE = 0.0002

STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5]\d\d) ([\t\x20-\x7e]*)")
FIELD_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?)[ \t]*")
CHUNK_LINE = re.compile(rb"[0-9a-fA-F]{1,16}")


class BadReply(AssertionError):
    """The server sent something that is not a reply as RFC 9112 defines it, or sent it too late."""


class ConnectionEnded(BadReply):
    """Where more should have come."""


class Reply:
    def __init__(self, status, reason, fields):
        self.status = status
        self.reason = reason
        self.fields = fields  # (name in lower case, value), in order
        self.body = b""
        self.interim = []  # statuses of the 1xx replies before it
        self.framing = ""  # "none", "length", "chunked" or "close"

    def all(self, name):
        return [value for given, value in self.fields if given == name.lower()]

    def field(self, name, default=None):
        values = self.all(name)
        assert len(values) <= 1, f"{name} stands {len(values)} times in {self.fields}"
        return values[0] if values else default

    def tokens(self, name):
        """The members of a list-valued field, in lower case; empty when there is none."""
        return [token.strip().lower() for value in self.all(name) for token in value.split(",") if token.strip()]

    def closes(self):
        return "close" in self.tokens("Connection")

    def __repr__(self):
        return f"<{self.status} {self.reason} {self.fields} {self.body[:200]!r}>"


class Client:
    """One connection, from the address `source` where it is set. Every read ends by a deadline of `timeout` seconds for
    the whole message."""

    def __init__(self, port, host="127.0.0.1", timeout=10.0, source=None):
        self.host = host
        self.port = port
        self.timeout = timeout
        self.socket = socket.create_connection((host, port), timeout=timeout,
                                               source_address=(source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data, fragment=None):
        """Sends `data`, in pieces of `fragment` bytes where it is set."""
        self.socket.settimeout(self.timeout)
        if fragment is None:
            self.socket.sendall(data)
            return
        for start in range(0, len(data), fragment):
            self.socket.sendall(data[start : start + fragment])
            time.sleep(PAUSE)

    def send_in_two(self, data, first):
        """Sends `data` in two pieces, the first of `first` bytes."""
        self.send(data[:first])
        time.sleep(PAUSE)
        self.send(data[first:])

    def reset(self):
        """Leaves without waiting for anything: unlike an orderly end, the server sees that nobody reads on."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def end_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def receive(self, timeout):
        """What arrives within `timeout` seconds; b"" at the end of the connection. Raises TimeoutError."""
        self.socket.settimeout(timeout)
        return self.socket.recv(1 << 18)

    def _more(self, deadline, what):
        """Reads once into the buffer; False at the end of the connection."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise BadReply(f"no {what} in time; so far {self.buffer[:300]!r}")
        try:
            data = self.receive(left)
        except TimeoutError:
            raise BadReply(f"no {what} in time; so far {self.buffer[:300]!r}") from None
        self.buffer += data
        return bool(data)

    def _line(self, deadline, what):
        scanned = 0
        while (end := self.buffer.find(b"\n", scanned)) < 0:
            scanned = len(self.buffer)
            if not self._more(deadline, what):
                raise ConnectionEnded(f"the connection ended instead of a {what}; so far {self.buffer[:300]!r}")
        line, self.buffer = self.buffer[: end + 1], self.buffer[end + 1 :]
        if not line.endswith(b"\r\n"):
            raise BadReply(f"a {what} that does not end with CRLF: {line!r}")
        return line[:-2]

    def read_exactly(self, size, deadline):
        """Reads `size` bytes, whatever they are."""
        pieces, have = [self.buffer], len(self.buffer)
        while have < size:
            self.buffer = b""
            if not self._more(deadline, "body"):
                raise ConnectionEnded(f"the connection ended {size - have} bytes before the body did")
            pieces.append(self.buffer)
            have += len(self.buffer)
        data = b"".join(pieces)
        self.buffer = data[size:]
        return data[:size]

    def _fields(self, deadline):
        fields = []
        while line := self._line(deadline, "field line"):
            match = FIELD_LINE.fullmatch(line)
            if not match:
                raise BadReply(f"not a field line: {line!r}")
            fields.append((match[1].decode().lower(), match[2].decode()))
        return fields

    def _chunks(self, deadline):
        pieces = []
        while True:
            line = self._line(deadline, "chunk size")
            if not CHUNK_LINE.fullmatch(line):
                raise BadReply(f"not a chunk size: {line!r}")
            size = int(line, 16)
            if size == 0:
                if self._fields(deadline):
                    raise BadReply("a trailer section nobody asked for")
                return b"".join(pieces)
            pieces.append(self.read_exactly(size, deadline))
            if self.read_exactly(2, deadline) != b"\r\n":
                raise BadReply("a chunk that does not end with CRLF")

    def _until_closed(self, deadline):
        pieces = [self.buffer]
        self.buffer = b""
        while self._more(deadline, "end of the connection"):
            pieces.append(self.buffer)
            self.buffer = b""
        return b"".join(pieces)

    def read_head(self, deadline=None):
        deadline = deadline or time.monotonic() + self.timeout
        line = self._line(deadline, "status line")
        match = STATUS_LINE.fullmatch(line)
        if not match:
            raise BadReply(f"not a status line: {line!r}")
        return Reply(int(match[1]), match[2].decode(), self._fields(deadline))

    def read_reply(self, method="GET"):
        """Reads one final reply to a request with this method, and the 1xx replies before it."""
        deadline = time.monotonic() + self.timeout
        reply = self.read_head(deadline)
        interim = []
        while reply.status < 200:
            interim.append(reply.status)
            reply = self.read_head(deadline)
        reply.interim = interim
        lengths, codings = reply.all("Content-Length"), reply.all("Transfer-Encoding")
        if lengths and (codings or len(lengths) > 1 or not re.fullmatch(r"\d+", lengths[0])):
            raise BadReply(f"two ways to frame one body, or a bad length: {reply}")
        if codings not in ([], ["chunked"]):
            raise BadReply(f"a transfer coding nobody asked for: {reply}")
        if reply.status in (204, 304) and (lengths or codings) and reply.status == 204:
            raise BadReply(f"204 with a body's fields: {reply}")
        if method == "HEAD" or reply.status in (204, 304):
            reply.framing = "none"
        elif codings:
            reply.framing = "chunked"
            reply.body = self._chunks(deadline)
        elif lengths:
            reply.framing = "length"
            reply.body = self.read_exactly(int(lengths[0]), deadline)
        else:
            reply.framing = "close"
            if not reply.closes():
                raise BadReply(f"a body without an end on a connection that stays: {reply}")
            reply.body = self._until_closed(deadline)
        return reply

    def ask(self, message, fragment=None, method=None):
        """Sends one whole request and reads its reply."""
        self.send(message, fragment)
        return self.read_reply(method or message.split(b" ", 1)[0].decode("latin-1"))

    def assert_closed(self, within=2.0):
        """The server ends the connection in order: no further byte, no reset. Returns how long that took, in s."""
        started = time.monotonic()
        if self.buffer:
            raise BadReply(f"bytes after the reply: {self.buffer[:300]!r}")
        if self._more(started + within, "end of the connection"):
            raise BadReply(f"bytes instead of the end: {self.buffer[:300]!r}")
        return time.monotonic() - started

    def assert_open(self, still=0.05):
        """The server has neither sent a byte nor ended the connection, and does not for `still` seconds."""
        assert self.buffer == b"", f"bytes after the reply: {self.buffer[:300]!r}"
        try:
            data = self.receive(still)
        except TimeoutError:
            return
        raise AssertionError(f"bytes nobody asked for: {data!r}" if data else "the connection was closed")


def request(method, target, *fields, body=None, version="1.1", host="localhost"):
    """The bytes of a request. `fields` are "Name: value" lines; Content-Length comes with `body`."""
    lines = [f"{method} {target} HTTP/{version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += fields
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def chunked(body, size):
    """`body` in chunked coding, in chunks of `size` bytes."""
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
