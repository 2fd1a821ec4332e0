# RFC 9112 sections 6 to 9 and 11, clause by clause: how long a message is, and what comes behind it. docs/CONFORMANCE.md
# says which test shows which clause. SPDX-License-Identifier: GPL-2.0-or-later
import daemon
import pytest
from rawhttp import chunked, request

POST = b"POST /hello-cpp HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
HIDDEN = b"POST /calls HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    modules = {"hello_cpp.so": {}, daemon.CPP_PROBE: {}}
    with daemon.Daemon(tmp_path_factory.mktemp("framing"), modules, {"receive_buf_size": 1 << 20, "workers": 0}) as started:
        yield started


@pytest.fixture
def client(server):
    with server.connect() as connected:
        yield connected


def calls(server):
    return int(server.ask("GET", "/calls").body)


def assert_refused(server, client, message, status, single_bytes):
    """The status comes, the connection ends, and the request that lies behind or inside is never run."""
    before = calls(server)
    try:
        client.send(message, 1 if single_bytes else None)
        client.send(HIDDEN)
    except (BrokenPipeError, ConnectionResetError):
        pass
    reply = client.read_reply("POST")
    assert reply.status == status and reply.closes(), reply
    client.assert_closed()
    assert calls(server) == before


def coding(value, body=b"0\r\n\r\n"):
    return POST + b"Transfer-Encoding: " + value + b"\r\n\r\n" + body


CODINGS = {
    "unknown": (coding(b"xchunked"), 400), "gzip": (coding(b"gzip"), 400), "identity": (coding(b"identity"), 400),
    "chunked and gzip": (coding(b"chunked, gzip"), 400), "chunked and identity": (coding(b"chunked, identity"), 400),
    "chunked twice": (coding(b"chunked, chunked"), 400), "chunked around gzip": (coding(b"chunked, gzip, chunked"), 400),
    "gzip and chunked": (coding(b"gzip, chunked"), 501), "two and chunked": (coding(b"gzip,deflate,chunked"), 501),
    "identity and chunked": (coding(b"identity, chunked"), 501),
    "two lines": (POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "two lines with gzip": (POST + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "empty": (coding(b""), 400), "comma before": (coding(b", chunked"), 400), "comma behind": (coding(b"chunked,"), 400),
    "parameter": (coding(b"chunked;q=1"), 400), "quoted": (coding(b'"chunked"'), 400), "cut": (coding(b"chunke"), 400),
    "vertical tab": (coding(b"\x0bchunked"), 400), "form feed": (coding(b"chunked\x0c"), 400),
    "NUL": (coding(b"chunked\0"), 400), "byte above 127": (coding(b"\xefchunked"), 400),
    "folded": (POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400),
    "blank before the colon": (POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
    "HTTP/1.0": (coding(b"chunked").replace(b"/1.1", b"/1.0"), 400),
    "HTTP/1.0 with a length": (coding(b"chunked").replace(b"/1.1", b"/1.0").replace(
        b"Content-Type", b"Content-Length: 5\r\nContent-Type"), 400),
    "beside a length": (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "before a length": (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400),
    "beside a length of 0": (POST + b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "unknown beside a length": (POST + b"Content-Length: 5\r\nTransfer-Encoding: x\r\n\r\nhello", 400),
}

LENGTHS = {
    "empty": b"", "sign": b"+5", "minus": b"-5", "minus zero": b"-0", "hexadecimal": b"0x5", "letters": b"five",
    "exponent": b"5e0", "fraction": b"5.0", "blank inside": b"5 5", "underscore": b"1_0", "list": b"5, 5", "list of two":
    b"5, 6", "comma behind": b"5,", "comma before": b",5", "semicolon": b"5;", "quoted": b'"5"', "2^64": b"18446744073709551616",
    "2^64 + 5": b"18446744073709551621", "thirty digits": b"9" * 30, "NUL": b"5\0", "other digits": "٥".encode(),
}


@pytest.mark.parametrize("single_bytes", [False, True], ids=["one piece", "single bytes"])
@pytest.mark.parametrize("name", CODINGS)
def test_transfer_codings_that_are_refused(server, client, name, single_bytes):
    assert_refused(server, client, *CODINGS[name], single_bytes)


@pytest.mark.parametrize("single_bytes", [False, True], ids=["one piece", "single bytes"])
@pytest.mark.parametrize("name", LENGTHS)
def test_lengths_that_are_refused(server, client, name, single_bytes):
    assert_refused(server, client, POST + b"Content-Length: " + LENGTHS[name] + b"\r\n\r\nhello", 400, single_bytes)


@pytest.mark.parametrize("values", [(b"5", b"5"), (b"5", b"6"), (b"0", b"0"), (b"5", b"")])
def test_one_length_is_enough(server, client, values):
    message = POST + b"".join(b"Content-Length: " + value + b"\r\n" for value in values) + b"\r\nhello"
    assert_refused(server, client, message, 400, False)


@pytest.mark.parametrize("value", [b"5", b"05", b"000000000000000000000000005", b"\t 5 \t"])
def test_lengths_that_are_taken(client, value):
    assert client.ask(POST + b"Content-Length: " + value + b"\r\n\r\nhello").body == b"hello"
    client.assert_open()


def test_a_length_near_2_to_the_64th_is_too_much_and_no_overflow(server, client):
    assert_refused(server, client, POST + b"Content-Length: 18446744073709551615\r\n\r\nhello", 413, False)


# --- chunked bodies (RFC 9112 section 7.1) ---

CHUNKS = {
    "no size": b"\r\nhello\r\n0\r\n\r\n", "blank before the size": b" 5\r\nhello\r\n0\r\n\r\n",
    "blank behind the size": b"5 \r\nhello\r\n0\r\n\r\n", "tab behind the size": b"5\t\r\nhello\r\n0\r\n\r\n",
    "sign": b"+5\r\nhello\r\n0\r\n\r\n", "minus": b"-5\r\nhello\r\n0\r\n\r\n", "0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "h": b"5h\r\nhello\r\n0\r\n\r\n", "underscore": b"0_5\r\nhello\r\n0\r\n\r\n", "letters": b"g\r\nhello\r\n0\r\n\r\n",
    "2^64 + 5": b"10000000000000005\r\nhello\r\n0\r\n\r\n", "65 digits": b"0" * 64 + b"5\r\nhello\r\n0\r\n\r\n",
    "bare LF behind the size": b"5\nhello\r\n0\r\n\r\n", "bare CR behind the size": b"5\rhello\r\n0\r\n\r\n",
    "two CR behind the size": b"5\r\r\nhello\r\n0\r\n\r\n", "bare LF behind the data": b"5\r\nhello\n0\r\n\r\n",
    "bare CR behind the data": b"5\r\nhello\r0\r\n\r\n", "nothing behind the data": b"5\r\nhello0\r\n\r\n",
    "more data than said": b"5\r\nhello!\r\n0\r\n\r\n", "less data than said": b"6\r\nhello\r\n0\r\n\r\n",
    "bare LF behind the last chunk": b"0\n\r\n", "bare LF at the end": b"0\r\n\n", "NUL in the size": b"5\0\r\nhello\r\n0\r\n\r\n",
    "extension without a name": b"5;\r\nhello\r\n0\r\n\r\n", "two semicolons": b"5;;a\r\nhello\r\n0\r\n\r\n",
    "extension with a value alone": b"5;=a\r\nhello\r\n0\r\n\r\n", "extension without a value": b"5;a=\r\nhello\r\n0\r\n\r\n",
    "extension of two words": b"5;a b\r\nhello\r\n0\r\n\r\n", "comma": b"5,a\r\nhello\r\n0\r\n\r\n",
    "blank behind the extension": b"5;a \r\nhello\r\n0\r\n\r\n", "unclosed quotation": b'5;a="b\r\nhello\r\n0\r\n\r\n',
    "bare LF in an extension": b"5;a\nb\r\nhello\r\n0\r\n\r\n", "bare CR in an extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "bare LF in a quotation": b'5;a="\n"\r\nhello\r\n0\r\n\r\n', "NUL in an extension": b"5;a\0\r\nhello\r\n0\r\n\r\n",
    "folded trailer": b"0\r\nX: a\r\n b\r\n\r\n", "blank before a trailer": b"0\r\n X: a\r\n\r\n",
    "blank before the colon of a trailer": b"0\r\nX : a\r\n\r\n", "trailer without a colon": b"0\r\nX\r\n\r\n",
    "trailer without a name": b"0\r\n: a\r\n\r\n", "NUL in a trailer": b"0\r\nX: \0\r\n\r\n", "bare LF in a trailer":
    b"0\r\nX: a\n\r\n", "bare CR in a trailer": b"0\r\nX: a\rb\r\n\r\n",
    "length in the trailer": b"0\r\nContent-Length: 5\r\n\r\n", "coding in the trailer": b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "Host in the trailer": b"0\r\nHost: other\r\n\r\n",
}


@pytest.mark.parametrize("single_bytes", [False, True], ids=["one piece", "single bytes"])
@pytest.mark.parametrize("name", CHUNKS)
def test_chunks_that_are_refused(server, client, name, single_bytes):
    assert_refused(server, client, CHUNKED + CHUNKS[name], 400, single_bytes)


CHUNKS_TAKEN = {
    "upper case": b"A\r\nhellohello\r\n0\r\n\r\n", "lower case": b"a\r\nhellohello\r\n0\r\n\r\n",
    "leading zeros": b"0000000000000000000a\r\nhellohello\r\n000\r\n\r\n", "two chunks": b"5\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n",
    "extensions": b'5;a\r\nhello\r\n5;a=b;c="d\\"e;f"\r\nhello\r\n0;last\r\n\r\n',
    "blanks around extensions": b"5 ; a = b\t;\tc\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n",
    "trailers": b"a\r\nhellohello\r\n0\r\nX: y\r\nEmpty:\r\nContent-Type: text/html\r\nAuthorization: x\r\n\r\n",
}


@pytest.mark.parametrize("single_bytes", [False, True], ids=["one piece", "single bytes"])
@pytest.mark.parametrize("name", CHUNKS_TAKEN)
def test_chunks_that_are_taken(client, name, single_bytes):
    client.send(CHUNKED + CHUNKS_TAKEN[name], 1 if single_bytes else None)
    assert client.read_reply("POST").body == b"hellohello"
    client.assert_open()


@pytest.mark.parametrize("value", [b"chunked", b"Chunked", b"CHUNKED", b"\tchunked \t"])
def test_chunked_in_any_case(client, value):
    assert client.ask(coding(value, b"5\r\nhello\r\n0\r\n\r\n")).body == b"hello"
    client.assert_open()


def test_trailers_do_not_become_header_fields(client):
    """What came behind the body is not what the handler was told before it."""
    message = CHUNKED.replace(b"/hello-cpp", b"/describe") + b"1\r\nx\r\n0\r\nX-Probe: late\r\nContent-Type: text/html\r\n\r\n"
    seen = client.ask(message).body.splitlines()
    assert b"probe=(none)" in seen and b"type=text/plain" in seen and b"size=1" in seen


# --- what comes behind a message (RFC 9112 sections 6.3, 9 and 11.2) ---


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "GETX"])
def test_every_method_may_have_a_body_and_it_is_no_request(server, client, method):
    before = calls(server)
    inner = HIDDEN
    for message in (request(method, "/describe", "Content-Type: text/plain", body=inner),
                    request(method, "/describe", "Transfer-Encoding: chunked") + chunked(inner, 10)):
        client.send(message)
        assert client.read_reply(method).status in (200, 204, 405, 501)
    assert client.ask(request("GET", "/describe")).status == 200
    assert calls(server) == before


@pytest.mark.parametrize(("target", "status"), [("/nowhere", 404), ("/later", 405)])
def test_a_refused_requests_body_is_no_request(server, client, target, status):
    before = calls(server)
    for message in (request("POST", target, body=HIDDEN), request("POST", target, "Transfer-Encoding: chunked")
                    + chunked(HIDDEN, 10)):
        assert client.ask(message).status == status
    assert client.ask(request("GET", "/describe")).status == 200
    assert calls(server) == before


def test_a_request_without_length_or_coding_has_no_body(server, client):
    before = calls(server)
    client.send(POST + b"\r\n" + HIDDEN)
    assert client.read_reply("POST").body == b""
    assert client.read_reply("POST").status == 200
    assert calls(server) == before + 1


@pytest.mark.parametrize("tail", [b"", b"Content-Length: 5\r\n\r\nhell", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                                  b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
                                  b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n"])
def test_a_message_that_ends_early_is_incomplete(server, client, tail):
    before = calls(server)
    client.send(POST.replace(b"/hello-cpp", b"/calls") + tail)
    client.end_sending()
    assert client.read_reply("POST").status == 400
    client.assert_closed()
    assert calls(server) == before


def test_replies_come_in_the_order_of_requests(client):
    client.send(b"".join(request("POST", "/hello-cpp", "Content-Type: text/plain", body=b"%d" % number)
                         for number in range(30)) + request("GET", "/later/100") + request("GET", "/describe/last"))
    assert [client.read_reply("POST").body for _ in range(30)] == [b"%d" % number for number in range(30)]
    assert client.read_reply().body == b"later"
    assert b"path=/last" in client.read_reply().body


@pytest.mark.parametrize("option", [b"close", b"CLOSE", b"x, close", b"close, keep-alive", b", ,close,,"])
def test_nothing_behind_close_is_run(server, client, option):
    before = calls(server)
    client.send(b"GET /describe HTTP/1.1\r\nHost: localhost\r\nConnection: " + option + b"\r\n\r\n" + HIDDEN)
    reply = client.read_reply()
    assert reply.status == 200 and reply.closes()
    client.assert_closed()
    assert calls(server) == before


@pytest.mark.parametrize(("fields", "kept"), [("", False), ("Connection: keep-alive", True), ("Connection: Keep-Alive, x", True),
                                              ("Connection: keep-alive, close", False), ("Connection: x", False)])
def test_persistence_of_http_1_0(client, fields, kept):
    reply = client.ask(request("GET", "/describe", *filter(None, [fields]), version="1.0"))
    assert reply.tokens("Connection") == (["keep-alive"] if kept else ["close"])
    if kept:
        client.assert_open()
    else:
        client.assert_closed()


def test_no_field_of_a_reply_can_be_split(client):
    for path in ("value", "nul", "type", "length", "coding", "connection"):
        reply = client.ask(request("GET", f"/fields/{path}"))
        assert reply.status == 500 and reply.field("X-Injected") is None
