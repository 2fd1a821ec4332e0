# What clients do while a call fails in the daemon: every way that a request and a reply can take, one after the other.
# SPDX-License-Identifier: GPL-2.0-or-later
import contextlib
import gzip
import json
import ssl
import time

import daemon
import rawhttp
import rawtls
from rawhttp import request

LONGEST = 8.0  # seconds: no step waits for anything longer than a second, and a busy machine is slow
OVERLOADED = (500, 502, 503, 504)
FILE_SIZE = 300_000
CLIENT_CONNECTIONS = 6  # that the daemon allows

JSON = "Content-Type: application/json"
FORM = "Content-Type: application/x-www-form-urlencoded"


class Refused(Exception):
    """The daemon said that it could not: what a client may be told when a call has failed."""


def modules(folder):
    """What the steps need, and files in `folder` for them."""
    (folder / "page.bin").write_bytes(b"x" * FILE_SIZE)
    return {"mi_http.so": {}, "prometheus.so": {}, "hello_cpp.so": {}, "files_cpp.so": {"directory": str(folder)},
            daemon.CPP_PROBE: {}, daemon.CAPI_PROBE: {"root": "probe"}}


def expect(client, message, status=200, size=None, holds=b"", method=None):
    """Asks, and compares the reply to the last byte of what it must be."""
    reply = client.ask(message, method=method)
    # A command that has failed is told in the words of JSON-RPC.
    if (reply.status in OVERLOADED and reply.status != status) or b'"error":{"code":-32603,' in reply.body:
        raise Refused(reply)
    assert reply.status == status, reply
    assert size is None or len(reply.body) == size, (len(reply.body), size)
    assert holds in reply.body, reply


def small_requests(server):
    """One connection, all ways to send a body."""
    with server.connect(timeout=LONGEST) as client:
        expect(client, request("GET", "/describe/a?b=c", "X-Probe: d"), holds=b"probe=d")
        expect(client, request("HEAD", "/describe"), method="HEAD")
        expect(client, request("POST", "/describe", FORM, body=b"one=1&two=2"), holds=b"argument=two:2")
        expect(client, request("PUT", "/describe", "Transfer-Encoding: chunked") + rawhttp.chunked(b"y" * 900, 100),
               holds=b"size=900")
        expect(client, request("DELETE", "/describe"), holds=b"method=DELETE")
        expect(client, request("GET", "/nowhere"), 404)
        expect(client, request("GET", "/throws"), 500)


def pipelined(server):
    with server.connect(timeout=LONGEST) as client:
        client.send(b"".join(request("GET", f"/describe/{i}") for i in range(3)))
        for i in range(3):
            expect(client, b"", holds=b"path=/%d" % i, method="GET")


def printed_page(server):
    """The C API: memory that is handed over, and memory that is copied."""
    with server.connect(timeout=LONGEST) as client:
        expect(client, request("GET", "/probe-print/300000"), size=300_000)
        expect(client, request("GET", "/probe-print/100"), size=100)


def large_replies(server):
    for way in ("", "copy/", "lent/"):
        with server.connect(timeout=LONGEST) as client:
            expect(client, request("GET", f"/large/{way}400000"), size=400_000)


def slow_reader(server):
    """More than the kernel takes at once: the rest waits."""
    with server.connect(timeout=LONGEST) as client:
        client.send(request("GET", "/large/8000000"))
        time.sleep(0.02)
        expect(client, b"", size=8_000_000, method="GET")


def file_reply(server):
    with server.connect(timeout=LONGEST) as client:
        expect(client, request("GET", "/files/page.bin"), size=FILE_SIZE)
        expect(client, request("GET", "/files/page.bin", "Range: bytes=0-9,20-29"), 206)


def stream(server):
    with server.connect(timeout=LONGEST) as client:
        expect(client, request("GET", "/probe-stream/70000"), size=70_000)


def compressed(server):
    """Short, long and streamed. Where there is no memory for it a reply comes as it is."""
    for way, size in (("string", 5000), ("lent", 200_000), ("stream", 50_000)):
        with server.connect(timeout=LONGEST) as client:
            for coding in ("gzip", "zstd"):
                reply = client.ask(request("GET", f"/packed/{way}/{size}", f"Accept-Encoding: {coding}"))
                if reply.status in OVERLOADED:
                    raise Refused(reply)
                if reply.field("Content-Encoding") == "gzip":
                    reply.body = gzip.decompress(reply.body)
                assert reply.field("Content-Encoding") == "zstd" or len(reply.body) == size


def kept_reply(server):
    with server.connect(timeout=LONGEST) as client:
        expect(client, request("GET", "/later/1"))


def upload(server):
    """A body that is moved to a file where there are handler processes."""
    with server.connect(timeout=LONGEST) as client:
        expect(client, request("POST", "/describe", body=b"z" * 200_000), holds=b"size=200000")


def call(method, **parameters):
    """The request for a management command."""
    message = {"jsonrpc": "2.0", "method": method, "params": parameters, "id": 1}
    return request("POST", "/mi", JSON, body=json.dumps(message).encode())


def command(server):
    with server.connect(timeout=LONGEST) as client:
        expect(client, call("ps"), holds=b'"result"')


def statistics(server):
    with server.connect(timeout=LONGEST) as client:
        expect(client, call("get_statistics", statistics=["all"]), holds=b'"result"')


def metrics(server):
    """All that is counted, as it is and compressed."""
    with server.connect(timeout=LONGEST) as client:
        expect(client, request("GET", "/metrics"), holds=b"httpd_requests_total{")
        reply = client.ask(request("GET", "/metrics", "Accept-Encoding: gzip"))
        if reply.status in OVERLOADED:
            raise Refused(reply)
        text = gzip.decompress(reply.body) if reply.field("Content-Encoding") == "gzip" else reply.body
        assert b"httpd_requests_total{" in text


def health_at_the_limit(server):
    """Of more connections than one client may have."""
    with contextlib.ExitStack() as stack:
        for _ in range(CLIENT_CONNECTIONS + 2):
            stack.enter_context(server.connect(timeout=LONGEST))
        for _ in range(3):
            with server.connect(timeout=LONGEST) as client:
                expect(client, request("GET", "/health/live"), holds=b"live")
        # Where one of the others was dropped there is a place for it.
        with server.connect(timeout=LONGEST) as client:
            assert client.ask(request("GET", "/describe")).status in (200, 503)


def bad_requests(server):
    for message, status in ((b"nonsense\r\n\r\n", 400), (request("GET", "/" + "u" * 9000), 414),
                            (request("POST", "/describe", body=b"z" * 500_000), 413)):
        with server.connect(timeout=LONGEST) as client:
            expect(client, message, status, method="GET")


def half_a_request(server):
    with server.connect(timeout=LONGEST) as client:
        client.send(b"POST /describe HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
        client.reset()


STEPS = [small_requests, pipelined, command, bad_requests, half_a_request, printed_page, large_replies, slow_reader,
         file_reply, stream, compressed, kept_reply, upload, statistics, metrics, health_at_the_limit]


def handshake_and_requests(server):
    with rawtls.Client(server.tls_port, rawtls.context(), timeout=LONGEST) as client:
        expect(client, request("GET", "/describe/a"), holds=b"path=/a")
        expect(client, request("GET", "/large/100000"), size=100_000)


def reload(server):
    with server.connect(timeout=LONGEST) as client:
        reply = client.ask(call("httpd_tls_reload"))
        if reply.status != 200 or b'"error"' in reply.body:
            raise Refused(reply)


OVER_TLS = [handshake_and_requests, reload]


def run(server, step, may_fail):
    """Runs a step to its end. True when all was well; False when, with `may_fail`, the daemon said so or ended the
    connection. Whatever else happens is an error, and so is to be kept waiting."""
    began = time.monotonic()
    try:
        step(server)
        return True
    except rawhttp.BadReply as error:
        if not may_fail or " in time" in str(error):
            raise
    except (Refused, ConnectionError, ssl.SSLError):
        if not may_fail:
            raise
    assert time.monotonic() - began < LONGEST, f"{step.__name__}: kept waiting"
    return False
