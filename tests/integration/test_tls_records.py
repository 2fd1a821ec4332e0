# Requests over TLS in records and segments of all sizes, and records that are none.
# SPDX-License-Identifier: GPL-2.0-or-later
import ssl
import time

import daemon
import pytest
import rawtls
from certificates import SUGGESTED_CIPHERS, parameters
from rawhttp import PAUSE, BadReply, chunked, request

MODULES = {"mi_http.so": {}, "hello_cpp.so": {}, daemon.CPP_PROBE: {}}
TEXT = "Content-Type: text/plain"
HELLO = request("GET", "/hello-cpp")
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture(scope="module")
def shared(ec, tmp_path_factory):
    """One daemon for the tests that leave it as it was."""
    with daemon.Daemon(tmp_path_factory.mktemp("records"), MODULES,
                       parameters(ec, tls_ciphers=SUGGESTED_CIPHERS, receive_buf_size=1_000_000)) as server:
        yield server


@pytest.fixture(params=VERSIONS, ids=["1.2", "1.3"])
def settings(request):
    return rawtls.context(version=request.param)


def calls(server):
    """How often POST came to the probe's counter."""
    return int(server.ask("GET", "/calls").body)


# --- fragments ---


@pytest.mark.parametrize("fragment", [1, 2, 7, 100])
def test_fragments_in_the_handshake_and_after(shared, settings, fragment):
    with shared.connect(settings=settings, handshake=False) as client:
        client.handshake(fragment)
        body = b"0123456789" * 3
        for _ in range(2):
            assert client.ask(request("POST", "/hello-cpp", TEXT, body=body), fragment).body == body


@pytest.mark.parametrize("record", [1, 2, 7, 100])
def test_one_request_over_many_records(shared, settings, record):
    body = bytes(range(256))
    for message in (request("POST", "/hello-cpp", TEXT, body=body),
                    request("POST", "/hello-cpp", TEXT, "Transfer-Encoding: chunked") + chunked(body, 50)):
        with shared.connect(settings=settings) as client:
            client.send(message, record=record)
            assert client.read_reply().body == body
            client.send(message, record=record, fragment=97)
            assert client.read_reply().body == body


def test_many_requests_in_one_record(shared, settings):
    with shared.connect(settings=settings) as client:
        message = b"".join(request("POST", "/hello-cpp", TEXT, body=b"%d" % number) for number in range(100))
        assert len(message) < 16_384
        client.send(message)
        for number in range(100):
            assert client.read_reply().body == b"%d" % number
        client.assert_open()


def test_many_requests_in_many_records_in_one_segment(shared, settings):
    """More at once than any buffer on the way takes."""
    with shared.connect(settings=settings) as client:
        whole = b"".join(client.records(request("POST", "/hello-cpp", TEXT, body=b"%d" % number * 50), 60)
                         for number in range(500))
        client.send_raw(whole)
        for number in range(500):
            assert client.read_reply().body == b"%d" % number * 50
        client.assert_open()


def test_records_cut_anywhere(shared, settings):
    with shared.connect(settings=settings) as client:
        raw = client.records(HELLO)
        for cut in range(1, len(raw), 2):
            client.send_raw(raw[:cut])
            time.sleep(PAUSE)
            raw = raw[cut:] + client.records(HELLO)
            assert len(raw) > cut
            client.send_raw(raw)
            assert client.read_reply().status == client.read_reply().status == 200
            raw = client.records(HELLO)


def test_the_first_request_comes_with_the_end_of_the_handshake(shared, settings):
    """In TLS 1.2 this is so for sessions that are taken up again."""
    with shared.connect(settings=settings) as first:
        assert first.ask(HELLO).status == 200
        session = first.tls.session
    for fragment in (None, 1, 50):
        for known in (session, None):
            with shared.connect(settings=settings, session=known, handshake=False) as client:
                client.handshake(hold=True)
                assert client.ask(HELLO + HELLO, fragment, "GET").status == 200
                assert client.read_reply().status == 200


def test_a_record_that_was_changed_on_the_way(shared, settings):
    before = calls(shared)
    for where in (5, -1, -20):
        with shared.connect(settings=settings) as client:
            raw = bytearray(client.records(request("POST", "/calls", body=b"")))
            raw[where] ^= 1
            client.send_raw(bytes(raw))
            with pytest.raises((BadReply, ssl.SSLError, ConnectionResetError)):
                client.read_reply()
    assert calls(shared) == before


def test_a_record_sent_twice(shared, settings):
    before = calls(shared)
    with shared.connect(settings=settings) as client:
        raw = client.records(request("POST", "/calls", body=b""))
        client.send_raw(raw + raw)
        try:
            while client.receive(5):
                pass
        except (BadReply, ssl.SSLError, ConnectionResetError):
            pass
    assert calls(shared) == before + 1


@pytest.mark.parametrize("header", [b"\x17\x03\x03\x48\x01", b"\x17\x03\x03\xff\xff", b"\x17\x02\x00\x00\x20", b"GET /",
                                    b"\x18\x03\x03\x00\x05"])
def test_records_that_are_none(shared, settings, header):
    with shared.connect(settings=settings) as client:
        assert client.ask(HELLO).status == 200
        client.send_raw(header + b"x" * 0x4900)
        client.wait_for_end()
    assert shared.ask("GET", "/hello-cpp").status == 200
