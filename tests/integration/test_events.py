# Server-Sent Events: the example module with curl and with a client of the standard's rules, and clients that are too
# slow. SPDX-License-Identifier: GPL-2.0-or-later
import re
import subprocess
import time

import daemon
import pytest
from eventsource import EventSource
from rawhttp import request

MODULES = {"events_cpp.so": {}, "mi_http.so": {}, daemon.STREAM_PROBE: {}}
TEXT = "Content-Type: text/plain"


@pytest.fixture
def server(start):
    return start(MODULES)


class Said(EventSource):
    """A client of the example module."""

    def __init__(self, server, *fields):
        super().__init__(server, "/events/stream", *fields)

    def next_said(self):
        while (event := self.next())[0] != "said":
            assert event[0] == "clock"
        return event[1]


def say(server, text, status=202):
    assert server.ask("POST", "/events", TEXT, body=text.encode()).status == status


def test_the_page(server):
    reply = server.ask("GET", "/events")
    assert reply.field("Content-Type") == "text/html; charset=utf-8"
    assert b"new EventSource(base + \"/stream\")" in reply.body


def test_events_reach_everybody(server):
    with Said(server) as one, Said(server) as other:
        assert one.head.field("Content-Type") == "text/event-stream"
        assert one.head.field("Cache-Control") == "no-store"
        kind, clock = one.next()
        assert kind == "clock"
        assert abs(int(clock) - time.time()) <= 2
        for text in ("hello", "two\nlines", " a blank before", "Grüße", ""):
            say(server, text)
            assert one.next_said() == other.next_said() == text
        assert one.last_id == other.last_id == "5"
        say(server, "x" * 301, status=413)
        first, second = (one.next() for _ in range(2))
        assert first[0] == second[0] == "clock"


def test_what_was_missed_comes_first(server):
    with Said(server) as client:
        for text in ("one", "two", "three"):
            say(server, text)
        assert [client.next_said() for _ in range(2)] == ["one", "two"]
        seen = client.last_id
    with Said(server, f"Last-Event-ID: {seen}") as client:
        assert client.next_said() == "three"
    with Said(server, "Last-Event-ID: nonsense") as client:
        say(server, "four")
        assert client.next_said() == "four"


def test_curl(server):
    url = f"http://127.0.0.1:{server.port}/events"
    with subprocess.Popen(["curl", "-sSN", f"{url}/stream"], stdout=subprocess.PIPE) as curl:
        assert curl.stdout.readline() == b"event: clock\n"
        subprocess.run(["curl", "-sSf", "-H", TEXT, "-d", "hello everybody", url], check=True)
        lines = [curl.stdout.readline() for _ in range(3)]
        while b"id: 1\n" not in lines:
            lines.append(curl.stdout.readline())
        assert [curl.stdout.readline() for _ in range(3)] == [b"event: said\n", b"data: hello everybody\n", b"\n"]
        curl.kill()


def test_a_client_that_closes_is_found_out(server):
    """By the clock, which goes on."""
    clients = [Said(server) for _ in range(10)]
    for client in clients:
        assert client.next()[0] == "clock"
        client.client.close()
    with Said(server) as last:
        for _ in range(3):
            last.next()
    deadline = time.monotonic() + 3
    while server.mi("get_statistics", {"statistics": ["httpd:open_connections"]})["httpd:open_connections"] > 1:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_client_that_does_not_read_is_cut_off(server):
    with server.connect() as client:
        client.send(request("GET", "/probe/flood"))
        client.read_head()
        deadline = time.monotonic() + 20
        while b"overflows=1" not in server.ask("GET", "/probe/counts").body:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        # What the system holds still comes, and then no end in order.
        with pytest.raises(ConnectionResetError):
            while data := client.receive(5):
                assert re.search(rb"x|data", data)
    server.wait_log("the body of a reply of root probe could not be completed")
