# The end of the daemon, made for rolling restarts: a delay in which everything is served, and time for replies.
# SPDX-License-Identifier: GPL-2.0-or-later
import signal
import socket
import time

import daemon
import processes
import pytest
import waiting
from rawhttp import request

MODULES = {"mi_http.so": {}, "hello_cpp.so": {}, daemon.WORKER_PROBE: {}}
HELLO = request("GET", "/hello-cpp")


def test_in_the_delay_everything_is_served(start, tmp_path):
    path = tmp_path / "http.sock"
    fifo = tmp_path / "fifo"
    server = start({**MODULES, "mi_fifo.so": {"fifo_name": str(fifo)}},
                   {"drain_delay": 2, "listen": f"unix:{path}"})
    with server.connect() as kept:
        assert kept.ask(HELLO).status == 200
        begin = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        server.wait_log("stopping in 2 s: replies in progress have 5 s to finish")
        while time.monotonic() - begin < 1.5:
            if time.monotonic() - begin < 0.8:
                reply = kept.ask(HELLO)
                assert reply.status == 200 and not reply.closes()
            assert server.ask("GET", "/fast").status == 200
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(path))
            assert fifo.exists()
            time.sleep(0.1)
        kept.assert_closed(within=3)
    assert server.wait() == 0
    assert 1.9 < time.monotonic() - begin < 5
    assert not path.exists() and not fifo.exists()


def test_in_the_second_half_of_the_delay_who_keeps_a_connection_is_told(start):
    server = start(MODULES, {"drain_delay": 2})
    with server.connect() as told, server.connect() as silent, server.connect() as pipelining:
        for client in (told, silent, pipelining):
            assert client.ask(HELLO).status == 200
        begin = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        time.sleep(1.3)
        pipelining.send(HELLO + HELLO)
        assert [pipelining.read_reply().closes() for _ in range(2)] == [False, True], "none of them is lost"
        reply = told.ask(HELLO)
        assert reply.status == 200 and reply.closes()
        told.assert_closed()
        with server.connect() as late:
            reply = late.ask(HELLO)
            assert reply.status == 200 and reply.closes(), "there is still time to come in, and to go"
        # Who is silent has a last call behind the delay: a second in which nobody new comes in.
        waiting.wait_until(lambda: not can_connect(server.port), "it still listens")
        assert 1.8 < time.monotonic() - begin < 2.7
        silent.assert_open()
        reply = silent.ask(HELLO)
        assert reply.status == 200 and reply.closes()
        silent.assert_closed()
    assert server.wait() == 0
    assert time.monotonic() - begin < 2.9, "it waited for nobody"


def test_a_request_on_its_way_at_the_end_is_answered(start):
    # The time for it is a tenth of a second, which a busy machine may take for itself.
    def is_answered():
        server = start(MODULES)
        with server.connect() as kept, server.connect() as new:
            assert kept.ask(HELLO).status == 200
            begin = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            waiting.wait_until(lambda: not can_connect(server.port), "it still listens")
            late = time.monotonic() - begin > 0.05
            try:
                replies = [client.ask(HELLO) for client in (kept, new)]
            except (AssertionError, ConnectionError):
                assert late, "closed before its time"
                return False
            assert all(reply.status == 200 and reply.closes() for reply in replies)
        assert server.wait() == 0
        assert time.monotonic() - begin < 2
        return True

    assert any(is_answered() for _ in range(5))


def can_connect(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def test_a_second_signal_does_not_wait_for_the_delay(start):
    server = start(MODULES, {"drain_delay": 60})
    server.process.send_signal(signal.SIGTERM)
    server.wait_log("stopping in 60 s")
    time.sleep(1.2)
    assert server.ask("GET", "/hello-cpp").status == 200
    server.process.send_signal(signal.SIGTERM)
    assert server.wait() == 0


@pytest.mark.parametrize("workers", [0, 1])
def test_replies_have_as_long_as_drain_timeout_says(start, workers):
    server = start(MODULES, {"drain_timeout": 9, "workers": workers})
    with server.connect(timeout=20) as client:
        client.send(request("GET", "/keep/6500"))
        time.sleep(0.2)
        server.process.send_signal(signal.SIGTERM)
        server.wait_log("stopping: replies in progress have 9 s to finish")
        reply = client.read_reply()
        assert reply.status == 200 and reply.closes()
    assert server.wait() == 0


def test_a_short_time_is_kept(start):
    server = start(MODULES, {"drain_timeout": 1})
    with server.connect(timeout=20) as client:
        client.send(request("GET", "/keep/60000"))
        time.sleep(0.2)
        begin = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.wait() == 0
        assert 0.9 < time.monotonic() - begin < 4
    server.wait_log("connections cut because they did not finish in 1 s: 1")


def test_at_the_end_they_are_as_they_were_when_it_began(start):
    server = start(MODULES, {"drain_delay": 1, "drain_timeout": 2})
    with server.connect(timeout=20) as client:
        client.send(request("GET", "/keep/60000"))
        time.sleep(0.2)
        server.process.send_signal(signal.SIGTERM)
        server.wait_log("stopping in 1 s: replies in progress have 2 s to finish")
        server.file.write_text(server.file.read_text() + 'modparam("httpd", "drain_timeout", 60)\n')
        server.process.send_signal(signal.SIGHUP)
        server.wait_log("drain_timeout 2 -> 60")
        assert server.wait() == 0
    server.wait_log("connections cut because they did not finish in 2 s: 1")


def test_they_can_be_changed_while_it_runs(start):
    server = start(MODULES, {})
    text = server.file.read_text()
    server.file.write_text(text + 'modparam("httpd", "drain_timeout", 1)\nmodparam("httpd", "drain_delay", 1)\n')
    server.process.send_signal(signal.SIGHUP)
    server.wait_log("drain_delay 0 -> 1, drain_timeout 5 -> 1")
    with server.connect(timeout=20) as client:
        client.send(request("GET", "/keep/60000"))
        time.sleep(0.2)
        begin = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        server.wait_log("stopping in 1 s: replies in progress have 1 s to finish")
        assert server.wait() == 0
        assert 1.9 < time.monotonic() - begin < 5
    assert processes.tree(server.process.pid) == [server.process.pid]
