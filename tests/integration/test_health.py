# What load balancers ask: `live` and `ready`, at every limit, while handlers are stuck, and at the end.
# SPDX-License-Identifier: GPL-2.0-or-later
import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time

import daemon
import proxyheader
import pytest
import rawhttp
from frontproxies import HAPROXY
from rawhttp import request

HEALTH = {"health_root": "health", "stuck_timeout": 1}


def serve(start, **httpd):
    return start({daemon.WORKER_PROBE: {}, "mi_http.so": {}}, httpd={**HEALTH, **httpd})


def ready(server):
    reply = server.ask("GET", "/health/ready")
    return reply.status, reply.body.decode()


def wait_ready(server, status, seconds=10.0):
    deadline = time.monotonic() + seconds
    while (found := ready(server))[0] != status:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found[1]


@contextlib.contextmanager
def occupied(server, target, count):
    """So many clients have asked for `target`, and wait."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect(timeout=30)) for _ in range(count)]
        for client in clients:
            client.send(request("GET", target))
        yield clients


def test_off_unless_set(start):
    server = start({"mi_http.so": {}})
    assert server.ask("GET", "/health/live").status == 404


@pytest.mark.parametrize("workers", [0, 2])
def test_live_and_ready(start, workers):
    server = serve(start, workers=workers)
    assert server.ask("GET", "/health/live").body == b"live\n"
    wait_ready(server, 200)
    assert server.ask("HEAD", "/health/ready").status == 200
    assert server.ask("POST", "/health/ready").status == 405
    assert server.ask("GET", "/health").status == 404
    assert {"http_root": "health", "module": "httpd"} in server.mi("httpd_list_root_path")


def test_a_root_that_is_taken_refuses_the_start(tmp_path):
    (tmp_path / "httpd.cfg").write_text(daemon.config({"httpd.so": {"health_root": "mi"}, "mi_http.so": {}}))
    done = daemon.run("-f", tmp_path / "httpd.cfg", "-c")
    assert done.returncode == 255
    assert 'root path "mi"' in done.stderr and "httpd" in done.stderr


def test_not_ready_while_all_workers_are_stuck(start):
    server = serve(start, workers=2, max_root_workers=2, max_queue=0)
    wait_ready(server, 200)
    with occupied(server, "/sleep/2500", 2) as clients:
        assert "stuck" in wait_ready(server, 503)
        assert server.ask("GET", "/fast").status == 503, "the queue is full"
        assert server.ask("GET", "/health/live").status == 200
        for client in clients:
            assert client.read_reply().status == 200
    wait_ready(server, 200)


def test_ready_while_one_of_them_is(start):
    server = serve(start, workers=2)
    with occupied(server, "/sleep/2500", 1) as clients:
        time.sleep(1.5)
        assert ready(server)[0] == 200
        assert clients[0].read_reply().status == 200


def test_workers_that_have_died_are_none(start):
    server = serve(start, workers=1)
    wait_ready(server, 200)
    (worker,) = server.pids("HTTPD worker")
    os.kill(worker, signal.SIGSTOP)
    try:
        with occupied(server, "/fast", 1):
            wait_ready(server, 503)
    finally:
        os.kill(worker, signal.SIGKILL)
    wait_ready(server, 200)


def test_answered_at_every_limit_of_connections_and_requests(start):
    server = serve(start, max_connections=3, max_client_connections=2, max_request_rate=1)
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(server.connect()) for _ in range(200)]
        for _ in range(20):
            assert server.ask("GET", "/health/live").status == 200
            assert ready(server)[0] == 200
        assert server.ask("GET", "/fast").status in (429, 503)
        for client in crowd[3:]:
            assert client.read_reply().status == 503, "each of those turned away is told so"


def test_answered_while_a_crowd_comes_and_goes(start):
    server = serve(start, max_connections=2)
    stop = threading.Event()

    def press():
        while not stop.is_set():
            with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
                for _ in range(50):
                    stack.enter_context(server.connect())

    with server.connect(), server.connect():
        pressing = threading.Thread(target=press)
        pressing.start()
        try:
            # Whose request comes later than 32 other connections do may be turned away with them.
            answered = 0
            for _ in range(100):
                with contextlib.suppress(OSError, rawhttp.BadReply):
                    answered += server.ask("GET", "/health/ready").status == 200
            assert answered >= 50
        finally:
            stop.set()
            pressing.join()
    wait_ready(server, 200)


def test_requests_that_came_are_answered_before_others_get_the_place(start):
    """More connections at once than there are places for those who are turned away."""
    server = serve(start, max_connections=1)
    (httpd,) = server.pids("HTTPD http")
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(server.connect())
        os.kill(httpd, signal.SIGSTOP)
        try:
            crowd = [stack.enter_context(server.connect()) for _ in range(200)]
            for client in crowd[::2]:
                client.send(request("GET", "/health/live"))
            for client in crowd[1::2]:
                client.send(request("GET", "/fast"))
        finally:
            os.kill(httpd, signal.SIGCONT)
        assert {client.read_reply().status for client in crowd[::2]} == {200}
        assert {client.read_reply().status for client in crowd[1::2]} == {503}


def test_who_is_turned_away_and_does_not_shake_hands(start, ec):
    """It was the limit of connections that it met, and not tls_handshake_timeout."""
    port = daemon.free_port()
    server = serve(start, max_connections=1, listen=f"https://127.0.0.1:{port}", tls_cert_file=ec.file,
                   tls_key_file=ec.key)
    with server.connect(), server.connect(), server.connect():
        with rawhttp.Client(port) as silent:
            began = time.monotonic()
            silent.assert_closed(within=3.5)
            assert 1.9 <= time.monotonic() - began
        server.wait_log("max_connections of module httpd")
        assert "tls_handshake_timeout" not in server.log()
    counted = server.mi("get_statistics", {"statistics": ["refusals_too_many_connections", "tls_failures",
                                                          "handshake_timeouts"]})
    assert counted == {"httpd:refusals_too_many_connections": 2, "httpd:tls_failures": 1, "httpd:handshake_timeouts": 0}


def behind_a_proxy(start, **httpd):
    """The port of the listener where the header comes first, and the server."""
    port = daemon.free_port()
    return port, serve(start, listen=f"http://127.0.0.1:{port}?proxy_protocol=on", trusted_proxies="127.0.0.1",
                       **httpd)


def test_answered_when_a_proxy_brings_too_many(start):
    port, server = behind_a_proxy(start, max_connections=200, max_client_connections=1)

    def come(stack):
        client = stack.enter_context(rawhttp.Client(port))
        client.send(proxyheader.line("192.0.2.1"))
        return client

    with contextlib.ExitStack() as stack:
        crowd = [come(stack) for _ in range(100)]
        assert come(stack).ask(request("GET", "/health/live")).status == 200
        for client in crowd[1:]:
            assert client.read_reply().status == 503, "each of those turned away is told so"
        crowd[0].assert_open()
    assert server.ask("GET", "/health/live").status == 200


def test_who_got_a_place_by_a_proxy_header_keeps_it(start):
    """The proxy's connection had none, and by the time that it says whose it is there is one."""
    port, server = behind_a_proxy(start, max_connections=1, workers=0)
    with contextlib.ExitStack() as stack:
        first = [stack.enter_context(server.connect(source="127.0.0.9")) for _ in range(3)]
        client = stack.enter_context(rawhttp.Client(port))
        time.sleep(0.1)
        for one in first:
            one.close()
        time.sleep(0.1)
        client.send(proxyheader.line("192.0.2.7"))
        assert client.ask(request("GET", "/fast")).status == 200
        crowd = [stack.enter_context(server.connect(source="127.0.0.9")) for _ in range(60)]
        crowd[10].read_reply()
        client.assert_open()
        assert client.ask(request("GET", "/fast")).body != b""


def test_who_may_not_connect_takes_no_place_of_those_who_may(start):
    server = serve(start, max_connections=1, access=["allow=127.0.0.1"])
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(server.connect())
        client = stack.enter_context(server.connect())
        client.send(b"GET /health/live HTTP/1.1\r\n")
        crowd = [stack.enter_context(server.connect(source="127.0.0.9")) for _ in range(100)]
        assert crowd[-1].read_reply().status == 403
        assert client.ask(b"Host: a\r\n\r\n", method="GET").status == 200
        assert crowd[0].read_reply().status == 403, "told so at once, and listened to for a while"
        # They are not in the way, either.
        assert server.ask("GET", "/health/live").status == 200


def test_not_ready_at_the_end(start):
    server = serve(start)
    with occupied(server, "/keep", 1), server.connect() as asking:
        asking.ask(request("GET", "/health/ready"))
        asking.send(b"GET /health/ready HTTP/1.1\r\n")
        time.sleep(0.3)
        mark = server.mark()
        server.process.send_signal(signal.SIGTERM)
        server.wait_log("stopping", since=mark)
        time.sleep(0.2)
        asking.send(b"Host: a\r\n\r\n")
        reply = asking.read_reply()
        assert reply.status == 503 and b"shutting down" in reply.body
    server.assert_ends_well()


def test_rules_of_access_count(start, tmp_path):
    server = serve(start, auth_username="u", auth_password="p", access=["root=health; auth=off"])
    assert server.ask("GET", "/health/ready").status == 200
    assert server.ask("GET", "/fast").status == 401


def test_haproxy_takes_a_stuck_server_out_and_in_again(start, tmp_path):
    haproxy = shutil.which("haproxy")
    if haproxy is None:
        pytest.skip("the package haproxy is not installed")
    server = serve(start, workers=1)
    front = daemon.free_port()
    text = HAPROXY.format(port=front, behind=server.port, frontend="",
                          backend="option httpchk\n  http-check send meth GET uri /health/ready ver HTTP/1.1 hdr Host a",
                          server="check inter 100 fall 1 rise 1")
    (tmp_path / "haproxy.cfg").write_text(text)
    process = subprocess.Popen([haproxy, "-f", str(tmp_path / "haproxy.cfg"), "-db"],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def status():
        try:
            with rawhttp.Client(front) as client:
                return client.ask(request("GET", "/fast")).status
        except (OSError, rawhttp.BadReply):
            return None

    def wait_status(wanted):
        deadline = time.monotonic() + 20
        while status() != wanted:
            assert time.monotonic() < deadline, status()
            time.sleep(0.1)

    try:
        wait_status(200)
        with occupied(server, "/sleep/4000", 1) as clients:
            wait_ready(server, 503)
            time.sleep(0.5)
            assert status() == 503, "HAProxy knows at once, and does not wait for the server"
            assert clients[0].read_reply().status == 200
        wait_status(200)
    finally:
        process.terminate()
        process.wait(20)
