# The limits of time, over HTTP and HTTPS: a request that trickles, one that comes in time, a reply that is not taken, and
# a refusal that is read although the client sends on. SPDX-License-Identifier: GPL-2.0-or-later
import socket
import threading
import time

import certificates
import daemon
import pytest
import rawhttp
from rawhttp import request

MODULES = {daemon.CPP_PROBE: {}, "hello_cpp.so": {}}
POST = b"POST /describe HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n"
LARGE = 64 << 20


@pytest.fixture(scope="module", params=["http", "https"])
def server(request, tmp_path_factory, ec):
    """Everything has one second; a body needs 1000 bytes a second, a reply 1,000,000."""
    tls = certificates.parameters(ec) if request.param == "https" else {}
    times = {name: 1 for name in ("header_timeout", "body_timeout", "send_timeout")}
    with daemon.Daemon(tmp_path_factory.mktemp("times"), MODULES,
                       {**times, "min_body_rate": 1000, "min_send_rate": 1_000_000, **tls}) as started:
        yield started


def trickle(client, data, pause, limit=5.0):
    """Sends single bytes until the server answers or `limit` seconds are over. Returns how long that took."""
    began = time.monotonic()
    for byte in data:
        if time.monotonic() - began > limit:
            break
        try:
            client.send(bytes([byte]))
        except (BrokenPipeError, ConnectionResetError):
            break
        try:
            if more := client.receive(pause):
                client.buffer += more
                break
        except TimeoutError:
            pass
    return time.monotonic() - began


def assert_refused(server, client, sentence, parameter, since):
    reply = client.read_reply("POST")
    assert (reply.status, reply.body.decode()) == (408, sentence + "\n") and reply.closes()
    client.assert_closed(within=4)
    line = server.wait_log(f"parameter {parameter} of module httpd moves this limit", since=since)
    assert "408 " + sentence in line


@pytest.mark.parametrize("endless", [b"GET /describe?" + b"x" * 1000, b"GET /describe HTTP/1.1\r\nX: " + b"x" * 1000,
                                     b"GET /describe HTTP/1.1\r\n" + b"X: y\r\n" * 20], ids=["target", "field", "fields"])
def test_a_header_section_that_trickles(server, endless):
    mark = server.mark()
    with server.connect() as client:
        assert 0.9 < trickle(client, endless, 0.05) < 2.1
        assert_refused(server, client, "The request header took too long to arrive", "header_timeout", mark)


def test_a_body_that_stops(server):
    mark = server.mark()
    with server.connect() as client:
        client.send(POST + b"x" * 999)
        began = time.monotonic()
        assert_refused(server, client, "The request body took too long to arrive", "body_timeout", mark)
        assert 0.9 < time.monotonic() - began < 2.2


@pytest.mark.parametrize("begin", [POST, POST.replace(b"Content-Length: 1000", b"Transfer-Encoding: chunked")
                                   + b"3e8\r\n"], ids=["length", "chunked"])
def test_a_body_that_trickles(server, begin):
    """Each byte comes long before body_timeout, but all together come too slowly."""
    mark = server.mark()
    with server.connect() as client:
        client.send(begin)
        assert 0.9 < trickle(client, b"x" * 1000, 0.05) < 2.1
        assert_refused(server, client, "The request body comes too slowly", "min_body_rate", mark)


def test_a_body_that_keeps_the_rate_may_take_its_time(server):
    with server.connect() as client:
        client.send(POST.replace(b"1000", b"1024"))
        began = time.monotonic()
        for _ in range(8):
            client.send(b"x" * 128)
            time.sleep(0.2)
        assert time.monotonic() - began > 1.5
        assert client.read_reply("POST").status == 200


def slow_reader(server):
    """A client with a small receive buffer that has asked for a large reply."""
    client = server.connect()
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.send(request("GET", f"/large/{LARGE}"))
    return client


def cut_off_after(client, size, pause, limit):
    """Takes `size` bytes each `pause` seconds, until the connection is reset."""
    began = time.monotonic()
    client.socket.settimeout(1)
    while time.monotonic() - began < limit:
        try:
            client.socket.recv(size)
        except ConnectionResetError:
            return time.monotonic() - began
        except TimeoutError:
            pass
        time.sleep(pause)
    return None


def test_a_reply_that_nobody_takes(server):
    mark = server.mark()
    with slow_reader(server):
        began = time.monotonic()
        line = server.wait_log("took no byte of its reply for 1 s: connection cut; parameter send_timeout of module httpd",
                               since=mark)
        assert 0.9 < time.monotonic() - began < 2.5, line


def test_a_reply_that_is_taken_too_slowly(server):
    mark = server.mark()
    with slow_reader(server) as client:
        assert cut_off_after(client, 4096, 0.05, 6) is not None
    server.wait_log("took less of its reply than 1000000 bytes a second: connection cut; parameter min_send_rate", since=mark)


def test_a_reply_that_is_taken_slowly_but_all_the_time(start):
    """The kernel has room for more once in some megabytes: the client's own pace counts, and not the kernel's."""
    server = start(MODULES, {"send_timeout": 1, "min_send_rate": 1000})
    with slow_reader(server) as client:
        assert cut_off_after(client, 4096, 0.1, 4) is None


@pytest.mark.parametrize("rate", [0, 1000])
def test_a_refusal_is_read_though_the_client_sends_on(server, rate):
    """It sends for seconds after the reply; closing at once would make a reset of it, which eats the reply."""
    with server.connect() as client:
        client.send(POST.replace(b"1000", b"100000000"))
        stop = time.monotonic() + 4
        broken = []

        def send_on():
            while time.monotonic() < stop:
                try:
                    client.send(b"x" * 1000)
                except OSError:
                    return broken.append(time.monotonic())
                time.sleep(0.01 if rate else 0.0005)

        sender = threading.Thread(target=send_on)
        sender.start()
        sender.join()
        assert not broken, "the server was not listening any more"
        reply = client.read_reply("POST")
        assert reply.status == 413 and reply.closes()


def test_who_never_stops_sending_is_cut_off(start):
    server = start(MODULES)
    with server.connect() as client:
        client.send(POST.replace(b"1000", b"100000000"))
        began = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() - began < 20:
                client.send(b"x" * 100)
                time.sleep(0.05)
        assert 9.5 < time.monotonic() - began < 12


def test_other_clients_are_served_meanwhile(server):
    """A hundred clients that trickle or do not read, beside one that is quick."""
    slow = [server.connect() for _ in range(50)] + [slow_reader(server) for _ in range(5)]
    try:
        for client in slow[50:]:
            client.socket.recv(1, socket.MSG_PEEK)  # the handler is done: making such a reply is its time
        for number, client in enumerate(slow[:50]):
            client.send(b"GET /desc" if number % 2 else POST)
        worst = 0.0
        with server.connect() as quick:
            for _ in range(100):
                began = time.monotonic()
                assert quick.ask(request("GET", "/hello-cpp")).status == 200
                worst = max(worst, time.monotonic() - began)
        assert worst < 1.0
    finally:
        for client in slow:
            client.close()


def test_a_tls_handshake_that_trickles(start, ec):
    server = start(MODULES, certificates.parameters(ec, tls_handshake_timeout=1))
    mark = server.mark()
    began = time.monotonic()
    with rawhttp.Client(server.port) as client:
        hello = bytes.fromhex("160301020001000200")
        assert 0.9 < trickle(client, hello + b"\0" * 200, 0.05) < 2.2
    server.wait_log("did not finish its TLS handshake in 1 s: connection closed; parameter tls_handshake_timeout of module "
                    "httpd", since=mark)
    assert time.monotonic() - began < 3
