# RFC 9110 and RFC 9112 on the wire: connections that live on, pipelining, framing, expectations, dates, large bodies.
# SPDX-License-Identifier: GPL-2.0-or-later
import datetime
import email.utils
import re
import subprocess
import time

import daemon
import pytest
from rawhttp import FRAGMENTS, PAUSE, Client, chunked, request

TEXT = "Content-Type: text/plain"
JSON = "Content-Type: application/json"
PWD = b'{"jsonrpc":"2.0","method":"pwd","id":1}'


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    modules = {"mi_http.so": {}, "hello_c.so": {}, "hello_cpp.so": {}, daemon.CPP_PROBE: {}}
    limits = {"receive_buf_size": 2 << 20}
    with daemon.Daemon(tmp_path_factory.mktemp("semantics"), modules, limits) as started:
        yield started


@pytest.fixture
def client(server):
    with server.connect() as connected:
        yield connected


def echo(body, *fields, **settings):
    return request("POST", "/hello-cpp", TEXT, *fields, body=body, **settings)


def assert_answers_again(client):
    reply = client.ask(echo(b"again"))
    assert (reply.status, reply.body) == (200, b"again")


# --- connections that live on (RFC 9112 section 9.3) ---

KEPT = [
    ("GET", "/hello?name=x", [], None, 200),
    ("HEAD", "/hello?name=x", [], None, 200),
    ("POST", "/hello-cpp", [TEXT], b"body", 200),
    ("POST", "/mi", [JSON], PWD, 200),
    ("POST", "/mi", [JSON], b'{"jsonrpc":"2.0","method":"ps"}', 202),
    ("POST", "/mi", [JSON], b"", 400),
    ("GET", "/nowhere", [], None, 404),
    ("POST", "/nowhere", [TEXT], b"body", 404),
    ("HEAD", "/nowhere", [], None, 404),
    ("PUT", "/hello-cpp", [TEXT], b"body", 405),
    ("DELETE", "/hello-cpp", [], None, 405),
    ("PATCH", "/mi", [JSON], b"body", 405),
    ("TRACE", "/hello-cpp", [], None, 405),
    ("POST", "/mi", [TEXT], b"body", 415),
    ("OPTIONS", "/hello-cpp", [], None, (200, 204)),
    ("OPTIONS", "*", [], None, (200, 204)),
    ("GETX", "/hello-cpp", [], None, 501),
    ("GETX", "/hello-cpp", [], b"body", 501),
    ("GET", "/throws", [], None, 500),
]


@pytest.mark.parametrize("fragment", FRAGMENTS)
@pytest.mark.parametrize(("method", "target", "fields", "body", "status"), KEPT)
def test_the_connection_lives_on(client, method, target, fields, body, status, fragment):
    reply = client.ask(request(method, target, *fields, body=body), fragment)
    assert reply.status in (status if isinstance(status, tuple) else (status,)), reply
    assert not reply.closes()
    assert_answers_again(client)


@pytest.mark.parametrize(("method", "target", "fields", "body", "status"), KEPT)
def test_the_client_may_end_it(client, method, target, fields, body, status):
    reply = client.ask(request(method, target, "Connection: close", *fields, body=body))
    assert reply.status in (status if isinstance(status, tuple) else (status,)), reply
    assert reply.closes()
    client.assert_closed()


def test_close_stands_among_other_options_in_any_case(client):
    assert client.ask(request("GET", "/hello", "Connection: x, CLOSE")).closes()
    client.assert_closed()


def test_many_requests_on_one_connection(client):
    for number in range(300):
        assert client.ask(echo(b"%d" % number)).body == b"%d" % number


def test_http_1_0_ends_after_the_reply(client):
    reply = client.ask(request("GET", "/hello?name=x", version="1.0", host=None))
    assert (reply.status, reply.framing) == (200, "length")
    client.assert_closed()


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_http_1_0_lives_on_when_asked(client, fragment):
    for _ in range(2):
        reply = client.ask(echo(b"old", "Connection: keep-alive", version="1.0", host=None), fragment)
        assert (reply.status, reply.body) == (200, b"old")
        assert "keep-alive" in reply.tokens("Connection")


def test_the_client_may_stop_sending_and_still_reads_the_reply(client):
    client.send(echo(b"last words"))
    client.end_sending()
    assert client.read_reply("POST").body == b"last words"
    client.assert_closed()


def test_empty_lines_before_a_request_are_skipped(client):
    assert client.ask(b"\r\n" + echo(b"x"), method="POST").status == 200
    assert_answers_again(client)


# --- pipelining (RFC 9112 section 9.3.2) ---


def test_ten_posts_in_one_segment(client):
    bodies = [b"post %d" % number for number in range(10)]
    client.send(b"".join(echo(body) for body in bodies))
    assert [client.read_reply("POST").body for _ in bodies] == bodies
    client.assert_open()


def test_fifty_gets_in_one_segment(client):
    client.send(b"".join(request("GET", f"/hello?name=number-{number}") for number in range(50)))
    for number in range(50):
        reply = client.read_reply()
        assert reply.status == 200 and f"number-{number}".encode() in reply.body


def test_different_requests_in_one_segment(client):
    client.send(b"".join(request(method, target, *fields, body=body) for method, target, fields, body, _ in KEPT))
    for method, target, _, _, status in KEPT:
        reply = client.read_reply(method)
        assert reply.status in (status if isinstance(status, tuple) else (status,)), (method, target, reply)


@pytest.mark.parametrize("fragment", [1, 2, 3, 7, 64])
def test_pipelined_requests_in_fragments(client, fragment):
    client.send(b"".join(echo(b"%d" % number) for number in range(4)), fragment)
    assert [client.read_reply("POST").body for _ in range(4)] == [b"0", b"1", b"2", b"3"]


def test_requests_behind_a_deferred_reply_wait_for_it(client):
    client.send(request("GET", "/later/100") + request("GET", "/hello?name=second"))
    assert client.read_reply().body == b"later"
    assert b"second" in client.read_reply().body


def test_requests_behind_connection_close_are_not_answered(client):
    client.send(echo(b"last", "Connection: close") + echo(b"too late"))
    assert client.read_reply("POST").body == b"last"
    client.assert_closed()


# --- chunked requests (RFC 9112 section 7.1) ---

CHUNKED = request("POST", "/hello-cpp", TEXT, "Transfer-Encoding: chunked")
CHUNKED_MESSAGE = CHUNKED + b"3\r\none\r\n0A;x=\"y\"\r\n two three\r\n0\r\nX-Trailer: t\r\n\r\n"


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_chunks_are_put_together(client, fragment):
    assert client.ask(CHUNKED_MESSAGE, fragment).body == b"one two three"
    assert_answers_again(client)


def test_chunks_split_between_any_two_bytes(client):
    for first in range(1, len(CHUNKED_MESSAGE)):
        client.send_in_two(CHUNKED_MESSAGE, first)
        assert client.read_reply("POST").body == b"one two three", first


@pytest.mark.parametrize("size", [1, 7, 4096, 100000])
def test_large_chunked_bodies(client, size):
    body = bytes(range(256)) * (4 if size == 1 else 1024)
    assert client.ask(CHUNKED + chunked(body, size)).body == body


def test_chunked_pipelined(client):
    client.send(CHUNKED_MESSAGE * 5)
    assert [client.read_reply("POST").body for _ in range(5)] == [b"one two three"] * 5


# --- Expect (RFC 9110 section 10.1.1) ---

EXPECT = "Expect: 100-continue"


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_the_client_is_told_to_continue(client, fragment):
    head, body = echo(b"expected", EXPECT)[: -len(b"expected")], b"expected"
    client.send(head, fragment)
    assert client.read_head().status == 100
    client.send(body, fragment)
    reply = client.read_reply("POST")
    assert (reply.status, reply.body, reply.interim) == (200, b"expected", [])
    assert_answers_again(client)


def test_a_client_that_does_not_wait_is_answered_too(client):
    assert client.ask(echo(b"expected", EXPECT)).body == b"expected"
    assert_answers_again(client)


def test_continue_with_chunks(client):
    client.send(request("POST", "/hello-cpp", TEXT, EXPECT, "Transfer-Encoding: chunked"))
    assert client.read_head().status == 100
    assert client.ask(b"1\r\nx\r\n0\r\n\r\n", method="POST").body == b"x"


@pytest.mark.parametrize(("target", "length", "status"), [("/hello-cpp", (2 << 20) + 1, 413), ("/nowhere", 10, 404)])
def test_a_body_that_would_be_refused_is_not_asked_for(client, target, length, status):
    client.send(request("POST", target, TEXT, EXPECT, f"Content-Length: {length}"))
    reply = client.read_reply("POST")
    assert (reply.status, reply.interim) == (status, [])


def test_an_unknown_expectation(client):
    assert client.ask(echo(b"x", "Expect: a-miracle")).status == 417


def test_http_1_0_is_never_told_to_continue(client):
    client.send(echo(b"body", EXPECT, version="1.0"))
    reply = client.read_reply("POST")
    assert (reply.status, reply.body, reply.interim) == (200, b"body", [])


# --- the parts of a reply ---


def test_head_is_get_without_its_body(client):
    got = client.ask(request("GET", "/hello?name=x"))
    head = client.ask(request("HEAD", "/hello?name=x"))
    assert head.status == got.status == 200
    assert head.field("Content-Length") == got.field("Content-Length") == str(len(got.body))
    assert head.field("Content-Type") == got.field("Content-Type")
    assert_answers_again(client)


@pytest.mark.parametrize(("method", "target", "fields", "body", "status"), KEPT)
def test_every_reply_has_a_date_and_an_exact_length(client, method, target, fields, body, status):
    reply = client.ask(request(method, target, *fields, body=body))
    date = reply.field("Date")
    assert re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z][a-z] \d{4} \d\d:\d\d:\d\d GMT", date)
    age = datetime.datetime.now(datetime.timezone.utc) - email.utils.parsedate_to_datetime(date)
    assert abs(age.total_seconds()) < 5
    if reply.status != 204:
        assert reply.field("Content-Length") is not None
    assert reply.status != 405 or reply.tokens("Allow")
    client.assert_open(0.01)


def test_allow_names_what_the_handler_takes(client):
    for method in ("PUT", "OPTIONS"):
        reply = client.ask(request(method, "/hello-cpp"))
        assert set(reply.tokens("Allow")) == {"get", "head", "post", "options"}


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_absolute_form(client, server, fragment):
    target = f"http://127.0.0.1:{server.port}/hello?name=absolute"
    assert b"absolute" in client.ask(request("GET", target, host=f"127.0.0.1:{server.port}"), fragment).body
    assert_answers_again(client)


def test_what_of_a_request_reaches_a_handler(client):
    target = "/describe/a%20b/c?q=1&empty=&r=%C3%A9+x"
    text = client.ask(request("PUT", target, "X-Probe:  spaced \t", TEXT + "; charset=utf-8", body=b"12345")).body
    assert text.decode().splitlines() == [
        "method=PUT", "head=0", f"target={target}", "root=describe", "path=/a b/c", "query=q=1&empty=&r=%C3%A9+x",
        "host=localhost", "probe=spaced", "type=text/plain", "argument=q:1", "argument=empty:", "argument=r:é x", "size=5"]


# --- large bodies on an otherwise idle server ---


@pytest.mark.parametrize("size", [1, 4096, 16384, 65536, 1 << 20, 2 << 20])
@pytest.mark.parametrize("piece", [None, 1460, 65537])
def test_large_bodies_need_no_other_traffic(client, size, piece):
    body = (bytes(range(256)) * (size // 256 + 1))[:size]
    message = echo(body)
    started = time.monotonic()
    for start in range(0, len(message), piece or len(message)):
        client.send(message[start : start + (piece or len(message))])
    reply = client.read_reply("POST")
    assert time.monotonic() - started < 2.0
    assert reply.body == body
    assert_answers_again(client)


def test_large_bodies_pipelined(client):
    body = b"x" * 65536
    client.send(echo(body) * 8)
    assert [len(client.read_reply("POST").body) for _ in range(8)] == [65536] * 8


def test_a_client_that_reads_late_gets_it_all(server):
    size = 30_000_000
    with server.connect() as client:
        client.send(request("GET", f"/large/{size}") + request("GET", "/hello?name=after"))
        time.sleep(0.3)
        # A client that does not read must not hold the others up.
        assert server.ask("GET", "/hello?name=other").status == 200
        assert len(client.read_reply().body) == size
        assert b"after" in client.read_reply().body


def test_many_connections_at_once(server):
    clients = [Client(server.port) for _ in range(200)]
    message = echo(b"of many")
    for client in clients:
        client.send(message[:40])
    time.sleep(PAUSE)
    for client in reversed(clients):
        client.send(message[40:])
    assert all(client.read_reply("POST").body == b"of many" for client in clients)
    for client in clients:
        client.close()


def curl(*arguments):
    done = subprocess.run(["curl", "-sS", "--max-time", "10", *arguments], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_curl(server, tmp_path):
    base = f"http://127.0.0.1:{server.port}"
    body = bytes(range(256)) * 4096
    (tmp_path / "body").write_bytes(body)
    upload = ["-H", TEXT, "--data-binary", f"@{tmp_path / 'body'}", f"{base}/hello-cpp"]
    assert curl(*upload) == body
    assert curl("-H", "Transfer-Encoding: chunked", *upload) == body
    assert curl("-H", EXPECT, *upload) == body
    assert curl("--http1.0", *upload) == body
    assert b"World" in curl(f"{base}/hello?name=World")
    assert curl("-X", "OPTIONS", "-i", "--request-target", "*", base).startswith(b"HTTP/1.1 20")
