# Streams and kept replies that wait for events: woken at once, idle for nothing, noticed when the client is gone,
# limited by handler_timeout, and whole whatever the client's pace.
# SPDX-License-Identifier: GPL-2.0-or-later
import contextlib
import hashlib
import re
import socket
import ssl
import statistics
import struct
import subprocess
import time
from pathlib import Path

import certificates
import daemon
import pytest
import rawhttp
import rawtls
from downloads import is_sanitized
from rawhttp import request
from waiting import wait_until

MODULES = {daemon.STREAM_PROBE: {}, "mi_http.so": {}, "hello_cpp.so": {}}
GIB = 1 << 30
MIB = 1 << 20
PERIOD = 16 * MIB + 8  # as in stream_probe.cpp


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server on TCP and on a Unix socket."""
    folder = tmp_path_factory.mktemp("streams")
    with daemon.Daemon(folder, MODULES, {"listen": f"unix:{folder}/socket", "send_timeout": 1}) as started:
        yield started


@pytest.fixture(scope="module")
def secure(tmp_path_factory, ec):
    with daemon.Daemon(tmp_path_factory.mktemp("secure"), MODULES, certificates.parameters(ec)) as started:
        yield started


def counts(server):
    found = re.findall(r"(\w+)=(\d+)", server.ask("GET", "/probe/counts").body.decode())
    return {name: int(number) for name, number in found}


def ring(server):
    assert server.ask("POST", "/probe", body=b"").status == 200


def wait_count(server, name, value, seconds=1.0):
    """The client's end is noticed within a second."""
    return wait_until(lambda: counts(server)[name] == value, seconds=seconds)


class UnixClient(rawhttp.Client):
    def __init__(self, path):
        self.host, self.port, self.timeout, self.buffer = "localhost", None, 10.0, b""
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))


@pytest.fixture(params=["tcp", "tls", "unix"])
def place(request):
    """A server, and how one connects to it."""
    started = request.getfixturevalue("secure" if request.param == "tls" else "server")
    return started, (lambda: UnixClient(started.folder / "socket")) if request.param == "unix" else started.connect


@pytest.fixture(autouse=True)
def no_stream_is_left(request):
    """What is sent finds out which clients are gone."""
    yield
    for name in {"server", "secure"} & set(request.fixturenames):
        started = request.getfixturevalue(name)
        ring(started)
        ring(started)
        wait_count(started, "alive", 0)


def open_stream(client, kind="/wait", version="1.1"):
    client.send(request("GET", "/probe" + kind, version=version))
    return client.read_head()


def test_a_woken_stream_needs_no_poll(server):
    """Compared with a stream that is polled, in the same rounds."""
    took = {"/wait": [], "/later": []}
    with server.connect() as ringer, contextlib.ExitStack() as stack:
        clients = {kind: stack.enter_context(server.connect()) for kind in took}
        for kind, client in clients.items():
            open_stream(client, kind)
        for _ in range(15):
            for kind, client in clients.items():
                time.sleep(0.013)
                ringer.send(request("POST", "/probe", body=b""))
                began = time.monotonic()
                client.read_exactly(len("5\r\nrung\n\r\n"), began + 5)
                took[kind].append(time.monotonic() - began)
                other = clients["/later" if kind == "/wait" else "/wait"]
                other.read_exactly(len("5\r\nrung\n\r\n"), began + 5)
                ringer.read_reply("POST")
    assert statistics.median(took["/wait"]) < statistics.median(took["/later"]) / 3, took


def test_streams_that_wait_cost_no_time(server):
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            open_stream(stack.enter_context(server.connect()))
        assert counts(server)["alive"] == 100
        (pid,) = server.pids("HTTPD")

        def used():
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
            switches = re.search(r"^voluntary_ctxt_switches:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.M)
            return int(fields[11]) + int(fields[12]), int(switches[1])

        time.sleep(0.1)
        before = used()
        time.sleep(1)
        ticks, switches = (after - then for after, then in zip(used(), before))
        assert ticks == 0
        assert switches <= 5, "the process woke up, though there was nothing to do"


def test_a_stream_ends_with_its_client(place):
    """By a reset where the client has not read all, as with any client that is ended in the middle."""
    server, connect = place
    client = connect()
    open_stream(client)
    wait_count(server, "alive", 1)
    if client.socket.family == socket.AF_INET:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    wait_count(server, "alive", 0)


def test_what_is_sent_finds_out_that_the_client_closed(place):
    server, connect = place
    client = connect()
    open_stream(client)
    client.close()
    time.sleep(0.1)
    ring(server)
    wait_count(server, "alive", 0)


def test_a_handler_is_told_that_its_client_closed(place):
    server, connect = place
    before = counts(server)["told"]
    for behind in (b"", request("GET", "/hello-cpp")):
        client = connect()
        client.send(request("GET", "/probe/kept") + behind)
        time.sleep(0.05)
        client.close()
        before += 1
        wait_count(server, "told", before)


def end_sending(client):
    """Half-closes, over TLS with a close_notify."""
    if isinstance(client, rawtls.Client):
        client.say_goodbye()
    client.end_sending()


def test_a_half_closed_client_is_answered(place):
    server, connect = place
    for version, before in (("1.1", [100]), ("1.0", [])):
        with connect() as client:
            client.send(request("GET", "/probe/kept", version=version))
            end_sending(client)
            time.sleep(0.3)
            ring(server)
            reply = client.read_reply()
            assert (reply.body, reply.interim) == (b"rung\n", before)
            # What Python says of a close_notify once it has sent its own.
            with contextlib.suppress(ssl.SSLZeroReturnError):
                client.assert_closed()


def test_a_half_closed_client_with_a_stream_is_sent_nothing_else(place):
    server, connect = place
    with connect() as client:
        open_stream(client)
        end_sending(client)
        time.sleep(0.2)
        ring(server)
        assert client.read_exactly(10, time.monotonic() + 5) == b"5\r\nrung\n\r\n"
        with pytest.raises(TimeoutError):
            client.receive(0.1)


def test_a_handler_that_keeps_its_reply_too_long(start):
    server = start(MODULES, {"handler_timeout": 1})
    with server.connect() as client:
        began = time.monotonic()
        reply = client.ask(request("GET", "/probe/kept/ever?a=b"))
        assert 1.0 <= time.monotonic() - began < 2.0
        assert (reply.status, reply.reason, reply.body) == (504, "Gateway Timeout", b"The answer took too long\n")
        assert not reply.closes()
        line = server.wait_log("handler_timeout")
        assert "127.0.0.1:" in line
        assert 'request "GET /probe/kept/ever?a=b HTTP/1.1" to root probe' in line
        assert client.ask(request("GET", "/hello-cpp")).status == 200
        assert counts(server)["told"] == 1
        assert server.mi("get_statistics", {"statistics": ["httpd:handler_timeouts"]})["httpd:handler_timeouts"] == 1
        # Neither what comes in time nor a stream that has begun is concerned.
        client.send(request("GET", "/probe/kept"))
        time.sleep(0.5)
        ring(server)
        assert client.read_reply().body == b"rung\n"
        open_stream(client)
        time.sleep(1.5)
        ring(server)
        assert client.read_exactly(10, time.monotonic() + 5) == b"5\r\nrung\n\r\n"
        client.reset()


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_an_error_in_the_middle_is_seen(server, secure, tls):
    server = secure if tls else server
    with server.connect() as client:
        open_stream(client, "/broken")
        ring(server)
        assert client.read_exactly(10, time.monotonic() + 5) == b"5\r\nrung\n\r\n"
        ring(server)
        if tls:
            assert client.assert_truncated() == b""
        else:
            with pytest.raises(ConnectionResetError):
                client.receive(5)


def test_an_end_in_the_middle_of_waiting(server):
    with server.connect() as client:
        open_stream(client, "/end")
        ring(server)
        ring(server)
        assert client.read_exactly(15, time.monotonic() + 5) == b"5\r\nrung\n\r\n0\r\n\r\n"
        assert client.ask(request("GET", "/hello-cpp")).status == 200
    with server.connect() as client:
        head = open_stream(client, "/end", version="1.0")
        assert head.closes()
        ring(server)
        ring(server)
        assert client.read_exactly(5, time.monotonic() + 5) == b"rung\n"
        client.assert_closed()


def test_a_client_that_stops_reading_stops_the_source(server):
    """What the source was asked for is one window and what the system holds; send_timeout ends it."""
    before = counts(server)["pulled"]
    with server.connect() as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.send(request("GET", f"/probe/numbers/{GIB}"))
        client.read_head()
        time.sleep(0.3)
        pulled = counts(server)["pulled"]
        assert 0 < pulled - before < 16 * MIB
        time.sleep(0.3)
        assert counts(server)["pulled"] == pulled
        server.wait_log("took no byte of its reply for 1 s")
    assert counts(server)["alive"] == 0
    assert counts(server)["pulled"] == pulled


def numbers_digest(size):
    block, digest = struct.pack(f"<{PERIOD // 8}Q", *range(0, PERIOD, 8)), hashlib.sha256()
    for start in range(0, size, PERIOD):
        digest.update(block[: size - start])
    return digest.hexdigest()


def resident(pid):
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.M)[1]) * 1024


def test_large_streams_arrive_whole(start, ec):
    """Eight at once, over HTTP and HTTPS, some of them slowly."""
    port = daemon.free_port()
    server = start(MODULES, certificates.parameters(ec, listen=f"http://127.0.0.1:{port}"))
    plain, tls = f"http://127.0.0.1:{port}", f"https://127.0.0.1:{server.port}"
    whole = 64 * MIB if is_sanitized() else GIB
    (pid,) = server.pids("HTTPD")
    slow = ["--limit-rate", "8M"]
    wanted = [(plain, whole, []), (tls, whole, []), (plain, 32 * MIB, []), (tls, 32 * MIB, []),
              (plain, 32 * MIB, slow), (tls, 32 * MIB, slow), (plain, 16 * MIB, slow), (tls, 16 * MIB, slow)]
    for url in (plain, tls):  # what a first request of a kind costs is no growth
        subprocess.run(["curl", "-sSk", "-o", "/dev/null", f"{url}/probe/numbers/{MIB}"], check=True)
    before = most = resident(pid)
    running = []
    for url, size, options in wanted:
        curl = subprocess.Popen(["curl", "-sSkf", *options, f"{url}/probe/numbers/{size}"], stdout=subprocess.PIPE)
        running.append((size, curl, subprocess.Popen(["sha256sum"], stdin=curl.stdout, stdout=subprocess.PIPE)))
        curl.stdout.close()
    while any(curl.poll() is None for _, curl, _ in running):
        most = max(most, resident(pid))
        time.sleep(0.05)
    expected = {size: numbers_digest(size) for size in {size for size, _, _ in running}}
    for size, curl, sum_ in running:
        assert sum_.communicate()[0].split()[0].decode() == expected[size]
        assert curl.returncode == 0
    if not is_sanitized():
        assert most - before < 4 * MIB
