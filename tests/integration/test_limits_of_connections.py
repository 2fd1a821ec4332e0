# The limits of connections and of requests: in all and by client, over HTTP and HTTPS, with their log lines, and the
# place that stays open for administrators. SPDX-License-Identifier: GPL-2.0-or-later
import contextlib
import socket
import time

import certificates
import daemon
import processes
import pytest
import rawhttp
import rawtls
from rawhttp import request
from test_workers import open_files
from unixsocket import UnixClient

MODULES = {daemon.CPP_PROBE: {}, "mi_http.so": {}, "hello_cpp.so": {}}
GET = request("GET", "/describe")


@pytest.fixture(params=["http", "https"])
def serve(request, start, ec):
    tls = certificates.parameters(ec) if request.param == "https" else {}
    return lambda **httpd: start(MODULES, {**tls, **httpd})


@pytest.fixture
def opened():
    """Opens connections that are closed at the test's end."""
    with contextlib.ExitStack() as stack:
        yield lambda server, **settings: stack.enter_context(server.connect(**settings))


def assert_refused(client, sentence):
    reply = client.read_reply()
    assert (reply.status, reply.body.decode()) == (503, sentence + "\n") and reply.closes()
    client.assert_closed()


def test_connections_in_all(serve, opened):
    """The limit's value is served, and one place more for this machine; the next one is told, and it is in the log."""
    server = serve(max_connections=3, max_client_connections=3)
    kept = [opened(server) for _ in range(4)]
    for client in kept:
        assert client.ask(GET).status == 200
    mark = server.mark()
    assert_refused(opened(server), "The server has too many connections")
    server.wait_log("503 The server has too many connections; parameter max_connections of module httpd", since=mark)
    kept.pop().close()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with contextlib.suppress(AssertionError, ConnectionError, rawhttp.BadReply), server.connect() as client:
            if client.ask(GET).status == 200:
                break
    else:
        raise AssertionError("no place became free")
    assert kept[0].ask(GET).status == 200


def test_the_administrators_place(serve, opened):
    """Strangers have all places, and loopback still gets one; `admin_addresses` each get another one."""
    server = serve(max_connections=1, max_client_connections=1, admin_addresses="127.0.0.9, 10.0.0.0/8")
    assert opened(server).ask(GET).status == 200
    assert opened(server).ask(GET).status == 200
    assert_refused(opened(server), "The server has too many connections")
    assert opened(server, source="127.0.0.9").ask(GET).status == 200
    assert_refused(opened(server, source="127.0.0.9"), "The server has too many connections")


def test_connections_of_a_client(serve, opened):
    server = serve(max_client_connections=2)
    for _ in range(3):
        assert opened(server, source="127.0.0.2").ask(GET).status == 200
    mark = server.mark()
    assert_refused(opened(server, source="127.0.0.2"), "Too many connections come from this address")
    server.wait_log("503 Too many connections come from this address; parameter max_client_connections of module httpd",
                    since=mark)
    assert opened(server, source="127.0.0.3").ask(GET).status == 200


def test_a_flood_of_connections_finds_the_server_whole(serve):
    server = serve(max_connections=10)
    clients = []
    try:
        for _ in range(200):
            clients.append(socket.create_connection(("127.0.0.1", server.port), timeout=5))
        time.sleep(0.2)
    finally:
        for client in clients:
            client.close()
    deadline = time.monotonic() + 5
    while True:
        with contextlib.suppress(AssertionError, ConnectionError, rawhttp.BadReply):
            assert server.ask("GET", "/describe").status == 200
            break
        assert time.monotonic() < deadline, "the places did not become free"
    counted = server.mi("get_statistics", [["connection_refusals", "open_connections"]])
    assert counted["httpd:connection_refusals"] >= 180 and counted["httpd:open_connections"] < 10


@pytest.mark.parametrize("single_bytes", [False, True], ids=["one piece", "single bytes"])
def test_requests_on_one_connection(serve, opened, single_bytes):
    server = serve(max_connection_requests=3)
    client = opened(server)
    mark = server.mark()
    client.send(GET * 3 if single_bytes else GET * 4, 1 if single_bytes else None)
    assert [client.read_reply().closes() for _ in range(3)] == [False, False, True]
    client.assert_closed()
    server.wait_log("closing the connection after 3 requests; parameter max_connection_requests of module httpd",
                    since=mark)


def test_pipelined_requests(serve, opened):
    server = serve(max_pipelined_requests=4)
    client = opened(server)
    for _ in range(3):
        client.send(GET * 4)
        assert [client.read_reply().status for _ in range(4)] == [200] * 4
    mark = server.mark()
    client.send(GET * 5)
    replies = [client.read_reply() for _ in range(5)]
    assert [reply.status for reply in replies] == [200] * 4 + [429]
    assert replies[4].closes() and replies[4].body == b"Too many requests were sent at once\n"
    client.assert_closed()
    server.wait_log("parameter max_pipelined_requests of module httpd", since=mark)


@pytest.mark.parametrize("number", [4, 5])
def test_pipelined_requests_in_single_bytes(serve, opened, number):
    """They come while the handler of the request before them takes its time, and are then read at once."""
    client = opened(serve(max_pipelined_requests=4))
    client.send(request("GET", "/later/700"))
    client.send(GET * number, 1)
    assert [client.read_reply().status for _ in range(number + 1)] == [200] * 5 + [429] * (number - 4)


@pytest.mark.parametrize("single_bytes", [False, True], ids=["one piece", "single bytes"])
def test_requests_a_second(serve, opened, single_bytes):
    server = serve(max_request_rate=2, max_request_burst=5, admin_addresses="127.0.0.9")
    first, second = opened(server, source="127.0.0.2"), opened(server, source="127.0.0.2")
    mark = server.mark()
    statuses = [client.ask(GET, 1 if single_bytes else None).status for client in (first, second) * 4]
    # Each half second gives one back.
    assert statuses.count(200) in ((5, 6, 7) if single_bytes else (5, 6)) and set(statuses) == {200, 429}
    while (refused := first.ask(GET)).status == 200:
        pass
    assert refused.status == 429 and refused.field("Retry-After") == "1" and not refused.closes()
    assert refused.body == b"Too many requests come from this address\n"
    server.wait_log("429 Too many requests come from this address; request \"GET /describe HTTP/1.1\"; parameter "
                    "max_request_rate of module httpd", since=mark)
    for source in ("127.0.0.3", "127.0.0.9"):
        assert opened(server, source=source).ask(GET).status == 200, "another client is not concerned"
    time.sleep(1)
    assert first.ask(GET).status == 200, "after Retry-After"
    administrator = opened(server, source="127.0.0.9")
    assert {administrator.ask(GET).status for _ in range(20)} == {200}


def test_a_refused_requests_body_is_not_taken_for_the_next_request(serve, opened):
    server = serve(max_request_rate=1, max_request_burst=1)
    client = opened(server, source="127.0.0.2")
    assert client.ask(GET).status == 200
    inner = request("POST", "/calls", "Content-Type: text/plain", body=b"x")
    client.send(request("POST", "/calls", "Content-Type: text/plain", body=inner))
    assert client.read_reply().status == 429
    time.sleep(1.1)
    reply = client.ask(request("GET", "/calls"))
    assert (reply.status, reply.body) == (200, b"0")


@pytest.mark.skipif(not daemon.has_ipv6(), reason="no IPv6 here")
def test_ipv6_clients_are_networks(start, opened):
    server = start(MODULES, {"ip": "*", "max_client_connections": 1})
    assert opened(server, host="::1").ask(GET).status == 200
    assert opened(server, host="::1").ask(GET).status == 200, "this machine's place"
    assert_refused(opened(server, host="::1"), "Too many connections come from this address")
    assert opened(server).ask(GET).status == 200, "IPv4 on the same socket is another client"


def test_unix_sockets_have_the_limit_of_all(start, public_folder, opened):
    path = public_folder / "httpd.sock"
    server = start(MODULES, {"listen": f"unix:{path}", "port": daemon.free_port(), "max_connections": 2,
                             "max_client_connections": 2, "max_request_rate": 1})
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(UnixClient(path)) for _ in range(4)]
        assert [clients[0].ask(GET).status for _ in range(5)] == [200] * 5, "no rate"
        for client in clients[1:3]:
            assert client.ask(GET).status == 200
        assert_refused(clients[3], "The server has too many connections")
        assert server.log().count("unix (process") >= 1


def test_the_default_limit_leaves_room_in_the_limit_of_open_files(start, opened):
    with open_files(200):
        server = start(MODULES, {"workers": 0})
    clients = []
    for _ in range(200):
        clients.append(opened(server, source=f"127.0.0.{2 + len(clients) % 50}"))
    assert "cannot accept" not in server.log()
    answered = [client.ask(GET).status for client in clients[:50]]
    assert answered == [200] * 50
    server.wait_log("parameter max_connections of module httpd")


def test_a_limit_that_open_files_do_not_allow_is_told_and_accepting_pauses(start, opened):
    """Out of descriptors the server waits without work, says so once a second at most, and goes on afterwards."""
    with open_files(100):
        server = start(MODULES, {"workers": 0, "max_connections": 5000, "max_client_connections": 5000})
    server.wait_log("max_connections is 5000, but the limit of open files is 100")
    clients = [opened(server) for _ in range(120)]
    pid = processes.children(server.process.pid)[0]
    before = processes.cpu_seconds(pid)
    time.sleep(2)
    assert processes.cpu_seconds(pid) - before < 0.3, "a busy loop"
    assert 1 <= server.log().count("cannot accept connections") <= 4
    for client in clients[:60]:
        client.close()
    assert clients[119].ask(GET).status == 200, "who waited is served"


def test_a_plain_reply_is_never_sent_to_a_tls_client(start, ec):
    """Who is turned away without a handshake gets no bytes that it could take for an alert."""
    server = start(MODULES, certificates.parameters(ec, max_connections=1))
    clients = [socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(40)]
    try:
        clients[-1].settimeout(5)
        assert clients[-1].recv(100) == b""
    finally:
        for client in clients:
            client.close()


def test_the_refusal_over_tls_comes_behind_a_handshake(start, ec, opened):
    server = start(MODULES, certificates.parameters(ec, max_client_connections=1))
    assert opened(server).ask(GET).status == 200
    assert opened(server).ask(GET).status == 200
    client = opened(server)
    assert isinstance(client, rawtls.Client)
    assert_refused(client, "Too many connections come from this address")
