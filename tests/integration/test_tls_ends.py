# The ends of connections over TLS: close_notify from either side, and its absence, which is the end of nothing.
# SPDX-License-Identifier: GPL-2.0-or-later
import contextlib
import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import time
from pathlib import Path

import daemon
import pytest
import rawtls
from certificates import SUGGESTED_CIPHERS, parameters
from rawhttp import BadReply, chunked, request

MODULES = {"mi_http.so": {}, "hello_cpp.so": {}, daemon.CPP_PROBE: {}}
TEXT = "Content-Type: text/plain"
HELLO = request("GET", "/hello-cpp")
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture(scope="module")
def shared(ec, tmp_path_factory):
    """One daemon for the tests that leave it as it was."""
    with daemon.Daemon(tmp_path_factory.mktemp("ends"), MODULES,
                       parameters(ec, tls_ciphers=SUGGESTED_CIPHERS, receive_buf_size=1_000_000)) as server:
        yield server


@pytest.fixture
def serve(start, ec):
    def starter(**more):
        return start(MODULES, parameters(ec, **{"tls_ciphers": SUGGESTED_CIPHERS, **more}))

    return starter


@pytest.fixture(params=VERSIONS, ids=["1.2", "1.3"])
def settings(request):
    return rawtls.context(version=request.param)


def calls(server):
    """How often POST came to the probe's counter."""
    return int(server.ask("GET", "/calls").body)


# --- close_notify from the server ---


def test_it_comes_at_the_end_of_a_last_reply(shared, settings):
    for target in ("/hello-cpp", "/large/100000", "/stream"):
        with shared.connect(settings=settings) as client:
            assert client.ask(request("GET", target, "Connection: close")).closes()
            client.assert_closed()
        with shared.connect(settings=settings) as client:
            assert client.ask(request("GET", target, version="1.0")).status == 200
            client.assert_closed()


def test_it_comes_after_a_refusal(shared, settings):
    for message in (b"nonsense\r\n\r\n", request("POST", "/hello-cpp", TEXT, body=b"x" * 1_000_001)[:200]):
        with shared.connect(settings=settings) as client:
            client.send(message)
            assert client.read_reply().status in (400, 413)
            client.assert_closed(1)


def test_it_comes_when_the_client_was_idle_too_long(serve, settings):
    server = serve(conn_timeout=1)
    with server.connect(settings=settings) as silent, server.connect(settings=settings) as client:
        assert client.ask(HELLO).status == 200
        assert 0.9 <= client.assert_closed(3) <= 2.2
        silent.assert_closed(1)


def test_it_comes_when_the_server_ends(serve, settings):
    server = serve()
    with server.connect(settings=settings) as client:
        assert client.ask(HELLO).status == 200
        server.process.send_signal(signal.SIGTERM)
        client.assert_closed(5)
    server.assert_ends_well()


def test_it_comes_after_a_timeout_of_a_request(serve, settings):
    server = serve(header_timeout=1, body_timeout=1)
    with server.connect(settings=settings) as one, server.connect(settings=settings) as two:
        one.send(HELLO[:10])
        two.send(request("POST", "/hello-cpp", TEXT, body=b"12345")[:-1])
        for client in (one, two):
            assert client.read_reply().status == 408
            client.assert_closed()


# --- close_notify from the client ---


def test_it_ends_an_idle_connection(shared, settings):
    for messages in (0, 2):
        with shared.connect(settings=settings) as client:
            for _ in range(messages):
                assert client.ask(HELLO).status == 200
            client.say_goodbye()
            client.socket.settimeout(2)
            while raw := client.socket.recv(1000):
                client.incoming.write(raw)  # tickets, and the server's own close_notify
            assert raw == b""


def test_it_does_not_stop_the_reply_to_a_request_before_it(shared):
    """RFC 8446 section 6.1: it closes one direction alone. TLS 1.2 would have the server drop what is left."""
    settings = rawtls.context(version=ssl.TLSVersion.TLSv1_3)
    with shared.connect(settings=settings) as client:
        message = client.records(request("GET", "/hello-cpp"))
        client.say_goodbye(message)
        client.socket.settimeout(5)
        came = 0
        while raw := client.socket.recv(1000):
            came += len(raw)
        assert came > 100


def test_it_in_the_middle_of_a_request_is_no_end_of_it(shared, settings):
    before = calls(shared)
    whole = request("POST", "/calls", TEXT, body=b"0123456789")
    for size in (1, 10, whole.index(b"\r\n\r\n") + 2, len(whole) - 10, len(whole) - 1):
        with shared.connect(settings=settings) as client:
            client.say_goodbye(client.records(whole[:size]))
            client.wait_for_end()
    with shared.connect(settings=settings) as client:
        body = request("POST", "/calls", TEXT, "Transfer-Encoding: chunked") + chunked(b"0123456789", 5)
        client.say_goodbye(client.records(body[:-2]))
        client.wait_for_end()
    assert calls(shared) == before


# --- truncation: an end that nobody announced ---


@pytest.mark.parametrize("how", ["end", "reset"])
def test_what_was_cut_off_is_no_request(shared, settings, how):
    before = calls(shared)
    whole = request("POST", "/calls", TEXT, body=b"0123456789")
    coded = request("POST", "/calls", TEXT, "Transfer-Encoding: chunked") + chunked(b"0123456789", 5)
    cuts = [whole[:size] for size in (1, 10, whole.index(b"\r\n\r\n") + 2, len(whole) - 10, len(whole) - 1)]
    for message in [*cuts, coded[:-2], coded[:-5], coded[:-6]]:
        with shared.connect(settings=settings) as client:
            client.send(message)
            if how == "reset":
                time.sleep(0.002)
                client.reset()
                continue
            client.end_sending()
            client.wait_for_end()
    assert calls(shared) == before


@contextlib.contextmanager
def held_up(server):
    """The HTTPD process stands still, so that all that is sent meanwhile is there when it goes on."""
    (pid,) = server.pids("HTTPD")
    os.kill(pid, signal.SIGSTOP)
    try:
        while ") T " not in Path(f"/proc/{pid}/stat").read_text(encoding="ascii"):
            time.sleep(0.001)
        yield
        time.sleep(0.01)
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("missing", [1, 10, 25])
@pytest.mark.parametrize("at_once", [False, True])
def test_a_record_that_was_cut_off_is_nothing(shared, settings, missing, at_once):
    """It holds the whole request, but for what proves that nobody changed it."""
    before = calls(shared)
    with shared.connect(settings=settings, timeout=5) as client:
        with held_up(shared) if at_once else contextlib.nullcontext():
            client.send_raw(client.records(request("POST", "/calls", body=b""))[:-missing])
            time.sleep(0 if at_once else 0.01)
            client.end_sending()
        client.wait_for_end()
    assert calls(shared) == before


@pytest.mark.parametrize("size", [1, 4, 6, 100])
def test_a_handshake_that_was_cut_off_ends_at_once(shared, settings, size):
    failures = shared.mi("get_statistics", {"statistics": ["tls_failures"]})["httpd:tls_failures"]
    with shared.connect(settings=settings, handshake=False, timeout=5) as client:
        with held_up(shared):
            with pytest.raises(ssl.SSLWantReadError):
                client.tls.do_handshake()
            client.send_raw(client.outgoing.read()[:size])
            client.end_sending()
        client.wait_for_end()
    assert shared.mi("get_statistics", {"statistics": ["tls_failures"]})["httpd:tls_failures"] == failures + 1


@pytest.mark.parametrize("together", [False, True])
def test_whole_requests_before_a_truncation_are_run_and_no_others(shared, settings, together):
    before = calls(shared)
    post = request("POST", "/calls", body=b"")
    with shared.connect(settings=settings) as client:
        if together:
            client.send_raw(client.records(post + post) + client.records(post[:-1]))
        else:
            client.send(post + post)
            assert [client.read_reply().body for _ in range(2)] == [b"%d" % (before + 1), b"%d" % (before + 2)]
            client.send(post[:-1])
        client.end_sending()
        client.wait_for_end()
    assert calls(shared) == before + 2


def test_a_truncated_request_is_not_answered_as_if_it_were_all(shared, settings):
    with shared.connect(settings=settings) as client:
        client.send(request("POST", "/hello-cpp", TEXT, body=b"0123456789")[:-1])
        client.end_sending()
        try:
            assert client.read_reply().status == 400
        except (BadReply, ConnectionResetError):
            pass


# --- replies that are cut off ---


def test_a_reply_that_the_httpd_process_did_not_live_to_end(serve, settings):
    server = serve()
    (pid,) = server.pids("HTTPD")
    with server.connect(settings=settings) as client:
        client.send(request("GET", "/large/20000000"))
        assert client.read_head().status == 200
        os.kill(pid, signal.SIGKILL)
        assert len(client.assert_truncated(10)) < 20_000_000
    with server.connect(settings=settings) as client:
        assert client.ask(HELLO).status == 200


def test_a_reply_that_the_client_does_not_take(serve, settings):
    server = serve(send_timeout=1)
    with server.connect(settings=settings, timeout=20) as client:
        client.send(request("GET", "/large/50000000", "Connection: close"))
        started = time.monotonic()
        server.wait_log("took no byte of its reply for 1 s", 5)
        assert 0.9 <= time.monotonic() - started <= 4
        client.assert_truncated(10)


def test_a_stream_that_breaks(shared, settings):
    for target in ("/stream/broken", "/stream/throws"):
        with shared.connect(settings=settings) as client:
            client.send(request("GET", target, "Connection: close"))
            client.assert_truncated(10)
        with shared.connect(settings=settings) as client:
            # Without chunks nothing but the close_notify tells a whole body from a part.
            client.send(request("GET", target, version="1.0"))
            client.assert_truncated(10)


def test_curl_sees_a_truncated_reply(serve, authority, tmp_path):
    server = serve()
    (pid,) = server.pids("HTTPD")
    with subprocess.Popen(["curl", "-sS", "--http1.0", "--limit-rate", "10M", "--cacert", authority.certificate,
                           "-o", str(tmp_path / "reply"), f"https://localhost:{server.port}/large/50000000"],
                          stderr=subprocess.PIPE) as curl:
        deadline = time.monotonic() + 20
        while not (tmp_path / "reply").exists() or (tmp_path / "reply").stat().st_size == 0:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)
        _, told = curl.communicate(timeout=20)
    assert curl.returncode in (18, 56), told  # a partial file, or an end without a close_notify


def test_nothing_but_the_end_is_sent_after_the_end(shared, settings):
    """A client that resets the connection in the middle of a reply, over and over."""
    for _ in range(20):
        client = shared.connect(settings=settings)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.send(request("GET", "/large/3000000"))
        client.read_head()
        client.close()
    assert shared.ask("GET", "/hello-cpp").status == 200
    assert not re.search(r"CRITICAL|ALERT", shared.log())
