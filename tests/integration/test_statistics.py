# Statistics by MI: those of roots, their reset, and what they count that nothing else shows.
# SPDX-License-Identifier: GPL-2.0-or-later
import os
import signal
import time

import daemon
import pytest
import rawhttp
from rawhttp import request


@pytest.fixture
def server(start):
    return start({"mi_http.so": {}, "hello_cpp.so": {}, daemon.CPP_PROBE: {}, daemon.WORKER_PROBE: {}},
                 httpd={"conn_timeout": 1, "header_timeout": 1, "max_uri_size": 100, "receive_buf_size": 65536})


def values(server):
    return {name.removeprefix("httpd:"): value
            for name, value in server.mi("get_statistics", {"statistics": ["httpd:"]}).items()}


def test_every_name_can_be_asked_for_by_itself(server):
    listed = server.mi("list_statistics")
    names = [name for name in listed if name.startswith("httpd:")]
    assert len(names) > 100
    assert set(server.mi("get_statistics", {"statistics": names})) == set(names)
    assert listed["httpd:requests_mi_post_2xx"] == "incremental"
    assert listed["httpd:idle_connections"] == "non-incremental"


def test_requests_and_times_of_a_root(server):
    server.ask("GET", "/hello-cpp?name=a")
    server.ask("HEAD", "/hello-cpp?name=a")
    server.ask("PUT", "/hello-cpp")
    server.ask("GET", "/sleep/20")
    now = values(server)
    assert now["requests_hello_cpp_get_2xx"] == 1
    assert now["requests_hello_cpp_head_2xx"] == 1
    assert now["requests_hello_cpp_other_4xx"] == 1
    assert now["handler_time_hello_cpp_count"] == 2
    assert now["handler_time_sleep_count"] == now["handler_time_sleep_le_60s"] == 1
    assert now["handler_time_sleep_le_10ms"] == 0
    assert 20_000 <= now["handler_time_sleep_us"] < 20_000_000


def test_refusals_by_their_reason(server):
    server.ask("GET", "/nowhere")
    server.ask("GET", "/hello-cpp?name=" + "x" * 100)
    with server.connect() as client:
        client.send(b"GET / HTTP/1.1\nHost: a\n\n")
        assert client.read_reply().status == 400
    now = values(server)
    assert now["refusals_no_such_root"] == 1
    assert now["refusals_target_too_long"] == 1
    assert now["refusals_bare_line_ending"] == 1
    assert now["requests_unrouted_get_4xx"] == 3


def test_connections_that_wait_too_long(server):
    with server.connect() as idle, server.connect() as slow:
        slow.send(b"GET / HT")
        assert slow.read_reply().status == 408
        idle.assert_closed()
    now = values(server)
    assert now["idle_timeouts"] == 1
    assert now["refusals_header_timeout"] == now["timeouts"] == 1


def test_a_reset_is_seen_from_every_process(server):
    server.ask("GET", "/hello-cpp?name=a")
    before = values(server)
    assert before["requests"] >= 2
    assert server.mi("reset_statistics", {"statistics": ["requests", "httpd:requests_hello_cpp_get_2xx"]}) == "OK"
    now = values(server)
    assert now["requests"] == 1
    assert now["requests_hello_cpp_get_2xx"] == 0
    assert now["accepted_connections"] > before["accepted_connections"]
    server.ask("GET", "/hello-cpp?name=a")
    assert values(server)["requests_hello_cpp_get_2xx"] == 1


def test_gauges_are_right_again_when_the_httpd_process_was_killed(server):
    with server.connect() as idle:
        idle.ask(request("GET", "/hello-cpp?name=a"))
        assert values(server)["idle_connections"] == 1
        mark = server.mark()
        os.kill(server.pids("HTTPD")[0], signal.SIGKILL)
        server.wait_log("starting it again", since=mark)
    deadline = time.monotonic() + 10
    while True:
        try:
            now = values(server)
            break
        except (ConnectionError, rawhttp.BadReply):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert now["open_connections"] == 1
    assert now["idle_connections"] == 0
    assert now["requests_hello_cpp_get_2xx"] == 1, "what was counted stays"
