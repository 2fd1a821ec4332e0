# The console in a real OpenSIPS: httpd.so has it, and mi_http runs its commands. SPDX-License-Identifier: GPL-2.0-or-later
import json
import re
import socket

import opensips
import pytest

pytestmark = pytest.mark.ours


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    settings = {"console_root": "look/here", "console_max_viewers": 1}
    with opensips.OpenSips(tmp_path_factory.mktemp("console"), [("mi_http", {})], httpd=settings) as started:
        yield started


class Events:
    """The console's stream of events, as a browser reads it."""

    def __init__(self, server):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        self.socket.sendall(b"GET /look/here/events HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n")
        self.file = self.socket.makefile("r", encoding="utf-8", newline="")
        self.status = int(self.file.readline().split()[1])

    def next(self, wanted):
        """The data of the next event with this name."""
        name = None
        for line in self.file:
            if line.startswith("event: "):
                name = line[7:].strip()
            elif line.startswith("data: ") and name == wanted:
                return json.loads(line[6:])
        raise AssertionError(f"no {wanted} before the end of the stream")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()


def test_the_page_is_there_and_knows_the_way_to_mi(server):
    reply = server.ask("GET", "/look/here")
    assert (reply.status, reply.field("location")) == (308, "here/")
    page = server.ask("GET", "/look/here/").body.decode()
    assert 'data-mi="../../mi"' in page
    assert re.search(r"<td>look/here</td>\s*<td>httpd</td>", page)
    assert re.search(r"<td>mi</td>\s*<td>mi_http</td>", page)
    assert server.ask("GET", "/look/here/console.js").status == 200


def test_events_tell_what_is_going_on(server):
    with Events(server) as events:
        assert events.status == 200
        events.next("hello")
        events.next("samples")
        before = events.next("state")
        assert int(before["numbers"]["httpd:open_connections"]) >= 1
        assert any(row[0] == "look/here" and row[3] == "streaming" for row in events.next("state")["tables"]["requests"])
        server.ask("GET", "/nowhere")
        while True:
            refusals = events.next("state")["tables"].get("refusals", [])
            if any(row[5] == "GET /nowhere HTTP/1.1" for row in refusals):
                break
        assert refusals[0][6] == ""
        with Events(server) as second:
            assert second.status == 503
    server.wait_log("parameter console_max_viewers of module httpd")


def test_commands_are_run_as_the_page_sends_them(server):
    """Completion, help, and what a click on a statistic's name asks for."""
    assert "which" in server.mi("which") or "core:which" in server.mi("which")
    assert server.mi("help", {"mi_cmd": "get_statistics"})["Help"]
    assert server.mi("get_statistics", {"statistics": ["open_connections"]})["httpd:open_connections"] >= 1


def test_handler_processes_are_shown(tmp_path):
    settings = {"console_root": "look/here", "workers": 2}
    with opensips.OpenSips(tmp_path, [("mi_http", {})], httpd=settings) as server, Events(server) as events:
        workers = events.next("state")["tables"]["workers"]
        assert [row[0] for row in workers] == ["1", "2"]
        assert {row[2] for row in workers} == {"free"}
        server.mi("which")
        while True:
            roots = events.next("state")["tables"].get("roots", [])
            if any(row[0] == "mi" and row[6] == "1" for row in roots):
                break
