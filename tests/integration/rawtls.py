# rawhttp's client over TLS, with the records in its own hands: they can be cut, joined, held back and left out.
# SPDX-License-Identifier: GPL-2.0-or-later
import contextlib
import socket
import ssl
import time

import rawhttp

CIPHER_PIECE = 1 << 18


def context(authority=None, certificate=None, version=None, alpn=("http/1.1",)):
    """Settings of a client. It trusts `authority`, or anybody; `certificate` is its own one; `version` is the only
    one that it speaks."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Else Python takes an end without a close_notify for one with it.
    made.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    if authority is None:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    else:
        made.load_verify_locations(authority.certificate)
    if certificate is not None:
        made.load_cert_chain(certificate.file, certificate.key)
    if version is not None:
        made.minimum_version = made.maximum_version = version
    if alpn:
        made.set_alpn_protocols(list(alpn))
    return made


class Truncated(rawhttp.BadReply):
    """The connection ended without a close_notify."""


class Client(rawhttp.Client):
    """One connection over TLS. What it reads ends well only by a close_notify."""

    def __init__(self, port, settings=None, server_name="localhost", session=None, handshake=True, **others):
        super().__init__(port, **others)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = (settings or context()).wrap_bio(self.incoming, self.outgoing, server_hostname=server_name,
                                                    session=session)
        if handshake:
            try:
                self.handshake()
            except BaseException:
                self.close()
                raise

    def handshake(self, fragment=None, hold=False):
        """Shakes hands. `fragment` is the most bytes that are sent in one piece; with `hold` the last message waits
        for the first request, to go out with it."""
        deadline = time.monotonic() + self.timeout
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.flush(fragment)
                self.fill(deadline - time.monotonic())
            except ssl.SSLError:
                self.flush()
                raise
        if not hold:
            self.flush(fragment)

    def flush(self, fragment=None):
        """Sends the records that were made."""
        self.send_raw(self.outgoing.read(), fragment)

    def send_raw(self, data, fragment=None):
        super().send(data, fragment)

    def records(self, data, size=None):
        """`data` encrypted, in records of `size` bytes."""
        size = size or max(len(data), 1)
        for start in range(0, len(data), size):
            self.tls.write(data[start : start + size])
        return self.outgoing.read()

    def send(self, data, fragment=None, record=None):
        """Sends `data`, in pieces of `fragment` encrypted bytes and records of `record` bytes where these are set."""
        self.send_raw(self.records(data, record), fragment)

    def say_goodbye(self, before=b""):
        """Sends a close_notify, in one piece with the records `before` it."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        self.send_raw(before + self.outgoing.read())

    def fill(self, timeout):
        """Gives to TLS what arrives within `timeout` seconds; False at the connection's end."""
        data = super().receive(timeout)
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()
        return bool(data)

    def receive(self, timeout):
        """What arrives within `timeout` seconds; b"" at a close_notify. An end without one is an error."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                return self.tls.read(CIPHER_PIECE)
            except ssl.SSLWantReadError:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError from None
                self.fill(left)
            except ssl.SSLError as problem:
                if problem.reason != "UNEXPECTED_EOF_WHILE_READING":
                    raise
                raise Truncated("the connection ended without a close_notify") from None

    def assert_closed(self, within=2.0):
        """A close_notify comes, then the connection's end, and no reset."""
        seconds = super().assert_closed(within)
        self.socket.settimeout(within)
        assert self.socket.recv(1) == b"", "bytes after the close_notify"
        return seconds

    def assert_truncated(self, within=2.0):
        """The connection ends, by a reset or not, and without a close_notify. Returns what came before."""
        deadline, came = time.monotonic() + within, b""
        while True:
            try:
                data = self.receive(deadline - time.monotonic())
            except (Truncated, ConnectionResetError):
                return came
            assert data, "a close_notify at the end of what is not whole"
            came += data

    def wait_for_end(self):
        """Drops what still comes, encrypted as it is, until the connection ends by whatever means."""
        try:
            while super().receive(self.timeout):
                pass
        except ConnectionResetError:
            pass

    def end_sending(self):
        """Finishes sending without a close_notify, as somebody in between could make it look."""
        self.socket.shutdown(socket.SHUT_WR)


def session_of(server, settings, asked):
    """A session that a request was made in, so that the client has a ticket of it if it gets one at all."""
    with server.connect(settings=settings) as client:
        assert client.ask(asked).status == 200
        return client.tls.session


def is_resumed(server, settings, session, asked):
    """Whether the server takes the session up again; it serves the request all the same."""
    with server.connect(settings=settings, session=session) as client:
        assert client.ask(asked).status == 200
        return client.tls.session_reused
