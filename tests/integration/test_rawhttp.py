# The tests' own HTTP client is strict: what is not exactly a reply does not pass for one.
# SPDX-License-Identifier: GPL-2.0-or-later
import socket

import pytest
from rawhttp import BadReply, Client, chunked, request

OK = b"HTTP/1.1 200 OK\r\n"


def read(data, method="GET"):
    """What the client makes of a server that sends `data` and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with Client(listener.getsockname()[1], timeout=2) as client:
            server, _ = listener.accept()
            with server:
                server.sendall(data)
            reply = client.read_reply(method)
            client.assert_closed()
            return reply


@pytest.mark.parametrize(("data", "body", "framing"), [
    (OK + b"Content-Length: 2\r\n\r\nhi", b"hi", "length"),
    (OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"hello", 2), b"hello", "chunked"),
    (OK + b"Connection: close\r\n\r\nhello", b"hello", "close"),
    (b"HTTP/1.1 204 No Content\r\n\r\n", b"", "none"),
])
def test_exact_replies(data, body, framing):
    reply = read(data)
    assert (reply.body, reply.framing) == (body, framing)


def test_head_and_interim_replies():
    assert read(OK + b"Content-Length: 20\r\n\r\n", "HEAD").body == b""
    assert read(b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n").interim == [100]


@pytest.mark.parametrize("data", [
    b"",
    b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 600 No\r\nContent-Length: 0\r\n\r\n",
    OK,
    OK + b"\r\nunframed",
    OK + b"Content-Length: 2\n\r\nhi",
    OK + b"Content-Length : 2\r\n\r\nhi",
    OK + b"Content-Length: 3\r\n\r\nhi",
    OK + b"Content-Length: 2\r\n\r\nhi, and more",
    OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
    OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    OK + b"Transfer-Encoding: xchunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
    OK + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\nhi\r\n0\r\n\r\n",
    OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhigh\r\n0\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
])
def test_anything_else(data):
    with pytest.raises(BadReply):
        read(data)


def test_requests():
    assert request("POST", "/x", "A: b", body=b"hi") == (
        b"POST /x HTTP/1.1\r\nHost: localhost\r\nA: b\r\nContent-Length: 2\r\n\r\nhi")
    assert request("GET", "/x", version="1.0", host=None) == b"GET /x HTTP/1.0\r\n\r\n"
