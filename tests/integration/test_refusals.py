# Messages that must not be understood in two ways, or are too large, are refused with the right status and no reset.
# SPDX-License-Identifier: GPL-2.0-or-later
import time

import daemon
import pytest
from rawhttp import FRAGMENTS, request

POST = b"POST /hello-cpp HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
GET = b"GET /hello?name=x HTTP/1.1\r\nHost: localhost\r\n"
HIDDEN = b"GET /hello?name=hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    modules = {"mi_http.so": {}, "hello_c.so": {}, "hello_cpp.so": {}}
    with daemon.Daemon(tmp_path_factory.mktemp("refusals"), modules) as started:
        yield started


@pytest.fixture
def client(server):
    with server.connect() as connected:
        yield connected


BAD = (400,)
CODING = (400, 501)
TWO_MEANINGS = {
    # Framing (RFC 9112 sections 6.1 and 6.3): each could hide a second request behind the first.
    "length and coding": (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", BAD),
    "coding and length": (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", BAD),
    "xchunked": (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", CODING),
    "chunked, identity": (POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", CODING),
    "identity": (POST + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n", CODING),
    "gzip, chunked": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", CODING),
    "chunked twice": (POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", CODING),
    "chunked, chunked": (POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", CODING),
    "quoted coding": (POST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n', CODING),
    "empty coding": (POST + b"Transfer-Encoding:\r\n\r\n0\r\n\r\n", CODING),
    "vertical tab before coding": (POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", CODING),
    "coding in 1.0": (POST.replace(b"/1.1", b"/1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", CODING),
    "two lengths": (POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", BAD),
    "two lengths in one": (POST + b"Content-Length: 5, 6\r\n\r\nhello!", BAD),
    "length with sign": (POST + b"Content-Length: +5\r\n\r\nhello", BAD),
    "negative length": (POST + b"Content-Length: -1\r\n\r\nhello", BAD),
    "hexadecimal length": (POST + b"Content-Length: 0x5\r\n\r\nhello", BAD),
    "length with space": (POST + b"Content-Length: 5 5\r\n\r\nhello", BAD),
    "empty length": (POST + b"Content-Length:\r\n\r\n", BAD),
    "length of 2^64 + 5": (POST + b"Content-Length: 18446744073709551621\r\n\r\nhello", (400, 413)),
    "chunk size with sign": (POST + b"Transfer-Encoding: chunked\r\n\r\n+1\r\nx\r\n0\r\n\r\n", BAD),
    "chunk size with 0x": (POST + b"Transfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n", BAD),
    "no chunk size": (POST + b"Transfer-Encoding: chunked\r\n\r\n\r\nx\r\n0\r\n\r\n", BAD),
    "chunk size of 2^64 + 1": (POST + b"Transfer-Encoding: chunked\r\n\r\n10000000000000001\r\nx\r\n0\r\n\r\n",
                               (400, 413)),
    "chunk longer than said": (POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n0\r\n\r\n", BAD),
    "bare LF in a chunk line": (POST + b"Transfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n", BAD),
    # Host (RFC 9112 section 3.2)
    "no host": (b"GET /hello HTTP/1.1\r\n\r\n", BAD),
    "two hosts": (GET + b"Host: localhost\r\n\r\n", BAD),
    "host with space": (b"GET /hello HTTP/1.1\r\nHost: a b\r\n\r\n", BAD),
    "host with path": (b"GET /hello HTTP/1.1\r\nHost: a/b\r\n\r\n", BAD),
    "host with user": (b"GET /hello HTTP/1.1\r\nHost: user@a\r\n\r\n", BAD),
    "host with a port that is none": (b"GET /hello HTTP/1.1\r\nHost: a:b\r\n\r\n", BAD),
    "host list": (b"GET /hello HTTP/1.1\r\nHost: a, b\r\n\r\n", BAD),
    # Lines and fields (RFC 9112 sections 2.2 and 5)
    "folded field": (GET + b"X-Folded: a\r\n b\r\n\r\n", BAD),
    "folded first field": (b"GET /hello HTTP/1.1\r\n Host: localhost\r\n\r\n", BAD),
    "space before colon": (GET + b"X-Spaced : a\r\n\r\n", BAD),
    "length with space before colon": (POST + b"Content-Length : 5\r\n\r\nhello", BAD),
    "field without name": (GET + b": a\r\n\r\n", BAD),
    "field without colon": (GET + b"X-Nothing\r\n\r\n", BAD),
    "NUL in a field": (GET + b"X-Nul: a\0b\r\n\r\n", BAD),
    "NUL in a name": (GET + b"X-\0Nul: a\r\n\r\n", BAD),
    "CR in a field": (GET + b"X-Cr: a\rb\r\n\r\n", BAD),
    "bare LF lines": (b"GET /hello HTTP/1.1\nHost: localhost\n\n", BAD),
    "bare LF after a field": (b"GET /hello HTTP/1.1\r\nHost: localhost\n\r\n", BAD),
    # The request line (RFC 9112 section 3)
    "NUL in the target": (b"GET /hello\0 HTTP/1.1\r\nHost: localhost\r\n\r\n", BAD),
    "space in the target": (b"GET /hel lo HTTP/1.1\r\nHost: localhost\r\n\r\n", BAD),
    "two spaces": (b"GET  /hello HTTP/1.1\r\nHost: localhost\r\n\r\n", BAD),
    "tab for a space": (b"GET\t/hello HTTP/1.1\r\nHost: localhost\r\n\r\n", BAD),
    "no version": (b"GET /hello\r\n\r\n", BAD),
    "strange version": (b"GET /hello HTTP/1.1x\r\nHost: localhost\r\n\r\n", BAD),
    "lower-case version": (b"GET /hello http/1.1\r\nHost: localhost\r\n\r\n", BAD),
    "target without slash": (b"GET hello HTTP/1.1\r\nHost: localhost\r\n\r\n", BAD),
    "asterisk with GET": (b"GET * HTTP/1.1\r\nHost: localhost\r\n\r\n", BAD),
    "8-bit target": (b"GET /hello\xe9 HTTP/1.1\r\nHost: localhost\r\n\r\n", BAD),
    "fragment in the target": (b"GET /hello#x HTTP/1.1\r\nHost: localhost\r\n\r\n", BAD),
    "broken escape": (b"GET /hello%2 HTTP/1.1\r\nHost: localhost\r\n\r\n", BAD),
}


@pytest.mark.parametrize("fragment", FRAGMENTS)
@pytest.mark.parametrize("name", TWO_MEANINGS)
def test_what_has_two_meanings_is_refused_and_the_connection_closed(client, name, fragment):
    message, statuses = TWO_MEANINGS[name]
    if fragment is None:
        client.send(message + HIDDEN)
    else:
        # The server may end the connection at the byte that decides: what comes later may find it closed.
        try:
            client.send(message, fragment)
        except (BrokenPipeError, ConnectionResetError):
            pass
    reply = client.read_reply(message.split(b" ")[0].decode("latin-1"))
    assert reply.status in statuses, reply
    assert reply.closes()
    client.assert_closed()


@pytest.mark.parametrize("target", ["/hello/%00", "/hello/a%2Fb", "/hello/a%5Cb", "/hello/../mi", "/hello/%2e%2e/mi",
                                    "/hello/.", "/hello/%c0%af", "/hello/%ff"])
def test_paths_with_two_meanings_are_refused(client, target):
    assert client.ask(request("GET", target)).status == 400


def test_the_server_goes_on_after_all_that(server):
    for _ in range(20):
        with server.connect() as client:
            client.send(b"\x00\xff nonsense \r\n\r\n")
            assert client.read_reply().status == 400
    assert server.ask("GET", "/hello?name=x").status == 200


# --- other protocols on the port ---

CLIENT_HELLO = bytes.fromhex(
    "16030100750100007103034f3a1c9e5b7d2f604f3a1c9e5b7d2f604f3a1c9e5b7d2f604f3a1c9e5b7d2f600000021302010000460000"
    "000e000c0000096c6f63616c686f7374000a00040002001d000d00040002040300330026002400") + bytes(48)


@pytest.mark.parametrize("message", [CLIENT_HELLO, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n",
                                     b"OPTIONS sip:a@b SIP/2.0\r\n\r\n"])
def test_other_protocols_are_answered_or_closed_at_once(client, message):
    started = time.monotonic()
    client.send(message)
    reply = client.read_reply()
    assert reply.status in (400, 505)
    client.assert_closed()
    assert time.monotonic() - started < 2.0


# --- limits at their defaults ---


def with_target_of(size):
    return request("GET", "/hello?name=x&pad=" + "p" * (size - len("/hello?name=x&pad=")))


@pytest.mark.parametrize(("size", "status"), [(8192, 200), (8193, 414), (15000, 414), (100_000, 414)])
def test_request_targets(client, size, status):
    client.send(with_target_of(size))
    assert client.read_reply().status == status


def with_header_of(size):
    """The request line, a header section of `size` bytes (lines with their CR LF), and the empty line."""
    line, fields = GET.split(b"\r\n", 1)
    fields += b"X-Pad: "
    return line + b"\r\n" + fields + b"p" * (size - len(fields) - 2) + b"\r\n\r\n"


@pytest.mark.parametrize(("size", "status"), [(16384, 200), (16385, 431), (40_000, 431)])
def test_header_sections(client, size, status):
    client.send(with_header_of(size))
    reply = client.read_reply()
    assert reply.status == status
    if status == 431:
        assert reply.closes()
        client.assert_closed()


@pytest.mark.parametrize(("count", "status"), [(100, 200), (101, 431), (1000, 431)])
def test_field_counts(client, count, status):
    client.send(GET + b"".join(b"X-%d: y\r\n" % number for number in range(count - 1)) + b"\r\n")
    assert client.read_reply().status == status


@pytest.mark.parametrize("fragment", FRAGMENTS)
@pytest.mark.parametrize("version", ["2.0", "3.0", "0.9", "9.9"])
def test_other_versions(client, version, fragment):
    client.send(f"GET /hello HTTP/{version}\r\nHost: localhost\r\n\r\n".encode(), fragment)
    reply = client.read_reply()
    assert reply.status == 505 and reply.closes()
    client.assert_closed()


def test_a_later_minor_version_is_understood(client):
    assert client.ask(request("GET", "/hello?name=x", version="1.2")).status == 200


def test_connect_is_not_for_this_server(client):
    assert client.ask(b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n").status in (400, 404, 405, 501)


def test_a_message_that_ends_too_early(client):
    client.send(POST + b"Content-Length: 10\r\n\r\nhalf")
    client.end_sending()
    assert client.read_reply("POST").status == 400
    client.assert_closed()


def test_a_connection_that_sends_nothing_is_closed_without_a_word(client):
    client.end_sending()
    client.assert_closed()


def test_a_refusal_is_readable_behind_a_large_body(client):
    client.send(POST + b"Content-Length: 8000000\r\n\r\n")
    try:
        client.send(b"x" * 8_000_000)
    except (BrokenPipeError, ConnectionResetError):
        pass
    assert client.read_reply("POST").status == 413
