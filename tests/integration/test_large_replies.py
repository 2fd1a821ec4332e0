# Replies that handlers print, and bodies that they get, of many megabytes: whole, and in no more memory than they need.
# SPDX-License-Identifier: GPL-2.0-or-later
import concurrent.futures
import hashlib
import zlib

import certificates
import daemon
import pytest
from downloads import PeakMemory, download, is_sanitized
from rawhttp import chunked, request

MIB = 1 << 20
PRINTED = (10 if is_sanitized() else 100) * 1000 * 1000
PATTERN = b"0123456789abcdefghijklmnopqrstuvwxyz\n"  # as in capi_probe.c
STATIC = ("/probe-static", b"a page that the module keeps")
MODULES = {daemon.CAPI_PROBE: {}, daemon.WORKER_PROBE: {}, "mi_http.so": {}}


@pytest.fixture(scope="module", params=[("http", 0), ("https", 0), ("http", 2), ("https", 2)],
                ids=lambda param: f"{param[0]}-workers={param[1]}")
def server(request, tmp_path_factory, ec):
    kind, workers = request.param
    httpd = {"workers": workers, **(certificates.parameters(ec) if kind == "https" else {})}
    with daemon.Daemon(tmp_path_factory.mktemp("large"), MODULES, httpd) as started:
        started.workers = workers
        assert started.ask("GET", "/probe-print/100000").status == 200  # what a first reply costs is no growth
        yield started


@pytest.fixture(scope="module")
def digest():
    return hashlib.sha256((PATTERN * (PRINTED // len(PATTERN) + 1))[:PRINTED]).hexdigest()


def assert_held_at_most(server, memory):
    """The HTTPD process has the one reply that is being printed, and with handler processes not even that."""
    allowed = (0 if server.workers else PRINTED // 1024) + 4096
    print(f"{memory.grown} KiB of {allowed}")
    if not is_sanitized():
        assert memory.grown <= allowed


def test_a_large_printed_reply(server, digest):
    (pid,) = server.pids("HTTPD")
    with PeakMemory(pid) as memory:
        assert download(server, f"/probe-print/{PRINTED}", PRINTED, STATIC) == digest
    assert_held_at_most(server, memory)


def test_eight_large_printed_replies_at_once(server, digest):
    """Half of the clients are slow, so that all replies exist at the same time."""
    (pid,) = server.pids("HTTPD")
    with PeakMemory(pid) as memory, concurrent.futures.ThreadPoolExecutor(8) as pool:
        digests = set(pool.map(
            lambda index: download(server, f"/probe-print/{PRINTED}", PRINTED, STATIC, trickle=40 * (index % 2)),
            range(8)))
    assert digests == {digest}
    assert_held_at_most(server, memory)


def test_memory_goes_back(server):
    """Neither a reply that was sent nor one that nobody took leaves anything behind."""
    (pid,) = server.pids("HTTPD")
    with PeakMemory(pid) as memory:
        pass
    before = memory.before
    for _ in range(3):
        with server.connect() as client:
            client.send(request("GET", f"/probe-print/{PRINTED}"))
            client.receive(10)
            client.reset()
        assert server.ask("GET", STATIC[0]).status == 200
    with PeakMemory(pid) as memory:
        pass
    if not is_sanitized():
        assert memory.before - before < 4096


@pytest.mark.parametrize("size", [16 * 1024, 16 * 1024 + 1, 48 * 1024 - 100, 48 * 1024, 48 * 1024 + 1, 4 * MIB, 4 * MIB + 1])
@pytest.mark.parametrize("target", ["/probe-print/{}", "/probe-stream/{}", "/letters/{}"])
def test_sizes_at_which_something_changes(server, target, size):
    reply = server.ask("GET", target.format(size))
    assert reply.status == 200
    period = b"abcdefghijklmnopqrstuvwxyz" if "letters" in target else PATTERN
    assert reply.body == (period * (size // len(period) + 1))[:size]


@pytest.mark.parametrize("size", [100, 8000, 300_000])
def test_a_large_head(server, size):
    assert server.ask("GET", f"/head/{size}").field("X-Large") == "x" * size


@pytest.mark.parametrize("size", [100, 16_000, 20_000, 300_000])
def test_a_large_head_before_a_stream(server, size):
    reply = server.ask("GET", f"/crowded/{size}")
    assert reply.field("X-Large") == "x" * size
    assert reply.body == (b"abcdefghijklmnopqrstuvwxyz" * 4000)[:100_000]


@pytest.fixture(scope="module", params=[0, 2])
def receiver(request, tmp_path_factory):
    httpd = {"workers": request.param, "receive_buf_size": 128 * MIB}
    with daemon.Daemon(tmp_path_factory.mktemp("receiver"), MODULES, httpd) as started:
        yield started


@pytest.mark.parametrize("coding", ["length", "chunked"])
@pytest.mark.parametrize("root", ["/probe-sum", "/sum"])
@pytest.mark.parametrize("size", [64 * 1024, MIB, 64 * MIB])
def test_large_bodies_arrive_whole(receiver, size, root, coding):
    body = (PATTERN * (size // len(PATTERN) + 1))[:size]
    with receiver.connect(timeout=60) as client:
        if coding == "length":
            message = request("POST", root, "Content-Type: application/json", body=body)
        else:
            message = request("POST", root, "Content-Type: application/json", "Transfer-Encoding: chunked")
            message += chunked(body, 100_000)
        reply = client.ask(message)
        assert reply.status == 200
        assert reply.body.decode() == f"{size} {zlib.adler32(body)}"
        assert client.ask(request("GET", STATIC[0])).status == 200


def test_forms_are_split_in_handler_processes(receiver):
    fields = b"&".join(b"field%d=%s" % (number, b"v" * 1000) for number in range(200))
    reply = receiver.ask("POST", "/probe", "Content-Type: application/x-www-form-urlencoded", body=fields + b"&a=last")
    assert b"arg.a=6c617374\n" in reply.body
