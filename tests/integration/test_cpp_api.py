# Replies of the C++ API: at once, later, never, in a stream, with bad fields, and of every size.
# SPDX-License-Identifier: GPL-2.0-or-later
import time

import daemon
import pytest
from rawhttp import FRAGMENTS, request

PATTERN = b"0123456789abcdefghijklmnopqrstuvwxyz\n"


def pattern(size):
    return (PATTERN * (size // len(PATTERN) + 1))[:size]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with daemon.Daemon(tmp_path_factory.mktemp("cpp_api"), {daemon.CPP_PROBE: {}, "hello_cpp.so": {}}) as started:
        yield started


@pytest.fixture
def client(server):
    with server.connect() as connected:
        yield connected


def assert_serves(client):
    assert client.ask(request("GET", "/large/3")).body == b"012"


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_a_reply_that_is_finished_later(client, fragment):
    message = request("GET", "/later/200")
    started = time.monotonic()
    assert client.ask(message, fragment).body == b"later"
    assert 0.2 <= time.monotonic() - started <= 1.2
    assert_serves(client)


def test_replies_finished_later_do_not_hold_up_others(server):
    with server.connect() as patient, server.connect() as quick:
        patient.send(request("GET", "/later/500"))
        started = time.monotonic()
        assert_serves(quick)
        assert time.monotonic() - started < 0.4
        assert patient.read_reply().body == b"later"


def test_a_handler_learns_that_its_client_left(server):
    def gone():
        return int(server.ask("GET", "/later/gone").body)

    before = gone()
    client = server.connect()
    client.send(request("GET", "/later/200"))
    # Once this is answered the other request is under way.
    server.ask("GET", "/large/1")
    client.reset()
    deadline = time.monotonic() + 5
    while gone() == before:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_reply_that_is_dropped(server, client):
    mark = server.mark()
    assert client.ask(request("GET", "/dropped")).status == 500
    server.wait_log("dropped", since=mark)
    assert_serves(client)


def test_a_handler_that_throws(server, client):
    mark = server.mark()
    reply = client.ask(request("GET", "/throws"))
    assert reply.status == 500
    assert b"on purpose" not in reply.body
    server.wait_log("thrown on purpose", since=mark)
    assert_serves(client)


def test_a_stream(client):
    reply = client.ask(request("GET", "/stream"))
    assert (reply.framing, reply.body) == ("chunked", pattern(10000))
    assert_serves(client)


def test_a_stream_for_http_1_0(client):
    reply = client.ask(request("GET", "/stream", version="1.0"))
    assert (reply.framing, reply.body) == ("close", pattern(10000))
    client.assert_closed()


def test_a_stream_for_head(client):
    assert client.ask(request("HEAD", "/stream")).status == 200
    assert_serves(client)


@pytest.mark.parametrize("path", ["/broken", "/throws"])
def test_a_stream_that_breaks_off_is_seen_to(client, server, path):
    client.send(request("GET", "/stream" + path))
    with pytest.raises((AssertionError, ConnectionResetError)):
        client.read_reply()
    with server.connect() as other:
        assert_serves(other)


def test_fields(client):
    reply = client.ask(request("GET", "/fields/good"))
    assert (reply.status, reply.reason, reply.all("X-Probe")) == (201, "Created", ["first", "second"])


@pytest.mark.parametrize("path", ["name", "empty-name", "value", "nul", "type", "length", "coding", "connection",
                                  "status-low", "status-high"])
def test_bad_fields_never_reach_the_client(client, path):
    reply = client.ask(request("GET", f"/fields/{path}"))
    assert reply.status == 500
    assert not reply.all("X-Injected")
    assert_serves(client)


@pytest.mark.parametrize("how", ["", "/copy", "/lent"])
@pytest.mark.parametrize("size", [0, 1, 8192, 65536, 5_000_000])
def test_bodies_of_every_size(client, size, how):
    assert client.ask(request("GET", f"/large{how}/{size}")).body == pattern(size)
    assert_serves(client)


@pytest.mark.parametrize("how", ["", "/copy", "/lent"])
def test_a_client_that_leaves_in_the_middle(server, how):
    for _ in range(3):
        with server.connect() as client:
            client.send(request("GET", f"/large{how}/5000000"))
            client.read_head()
    with server.connect() as client:
        assert_serves(client)


def test_methods_of_a_handler(client):
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH"):
        reply = client.ask(request(method, "/describe", body=b"" if method == "POST" else None))
        assert reply.body.startswith(b"method=" + method.encode() + b"\nhead=0\n")
    assert client.ask(request("HEAD", "/describe")).status == 200
    allowed = {"get", "head", "post", "put", "delete", "patch", "options"}
    assert set(client.ask(request("OPTIONS", "/describe")).tokens("Allow")) == allowed


def test_the_example_in_cpp(client):
    assert client.ask(request("GET", "/hello-cpp")).status == 200
    assert client.ask(request("POST", "/hello-cpp", "Content-Type: a/b", body=b"\0\xff")).body == b"\0\xff"
