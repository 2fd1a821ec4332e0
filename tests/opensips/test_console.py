# The console in a real OpenSIPS: httpd.so has it, and mi_http runs its commands. SPDX-License-Identifier: GPL-2.0-or-later
import re

import opensips
import page
import pytest
from consoleevents import Events
from consolepage import Console

pytestmark = pytest.mark.ours

ROOT = "look/here"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    settings = {"console_root": ROOT, "console_max_viewers": 1}
    with opensips.OpenSips(tmp_path_factory.mktemp("console"), [("mi_http", {})], httpd=settings) as started:
        yield started


def test_the_page_is_there_and_knows_the_way_to_mi(server):
    reply = server.ask("GET", "/look/here")
    assert (reply.status, reply.field("location")) == (308, "here/")
    page = server.ask("GET", "/look/here/").body.decode()
    assert 'data-mi="../../mi"' in page
    assert re.search(r"<td>look/here</td>\s*<td>httpd</td>", page)
    assert re.search(r"<td>mi</td>\s*<td>mi_http</td>", page)
    assert server.ask("GET", "/look/here/console.js").status == 200


def test_events_tell_what_is_going_on(server):
    with Events(server, ROOT) as events:
        assert events.status == 200
        events.wait("hello")
        events.wait("state")
        assert int(events.numbers["httpd:open_connections"]) >= 1
        events.row("requests", lambda row: row[0] == ROOT and row[3] == "streaming")
        server.ask("GET", "/nowhere")
        assert events.row("refusals", lambda row: row[5] == "GET /nowhere HTTP/1.1")[2] == "404"
        with Events(server, ROOT) as second:
            assert second.status == 503
    server.wait_log("parameter console_max_viewers of module httpd")


def test_commands_are_run_as_the_page_sends_them(server):
    """Completion, help, and what a click on a statistic's name asks for."""
    assert {"which", "core:which"} & set(server.mi("which"))
    assert server.mi("help", {"mi_cmd": "get_statistics"})["Help"]
    assert server.mi("get_statistics", {"statistics": ["open_connections"]})["httpd:open_connections"] >= 1


@page.installed
def test_the_page_in_a_browser(server):
    with page.Browser() as browser:
        console = Console(browser, server, ROOT)
        console.wait_state("live")
        assert console.wait_row("roots", lambda row: row[0] == "mi")[1] == "mi_http"
        assert "answered" in console.run("get_statistics open_connections")
        assert int(console.members()["httpd:open_connections"]) >= 1
        assert "answered" in console.run("version")
        assert "OpenSIPS" in console.members()["Server"]
        assert console.errors() == []


def test_handler_processes_are_shown(tmp_path):
    settings = {"console_root": ROOT, "workers": 2}
    with opensips.OpenSips(tmp_path, [("mi_http", {})], httpd=settings) as server, Events(server, ROOT) as events:
        events.wait("state")
        assert [(row[0], row[2]) for row in events.tables["workers"]] == [("1", "free"), ("2", "free")]
        server.mi("which")
        events.row("roots", lambda row: row[0] == "mi" and int(row[6]) >= 1)


def test_it_does_not_hold_up_the_end(tmp_path):
    server = opensips.OpenSips(tmp_path, [("mi_http", {})], httpd={"console_root": ROOT})
    with server, Events(server, ROOT) as events:
        events.wait("state")
        server.stop()
        assert "connections cut" not in server.log()
