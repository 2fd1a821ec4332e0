# The console over HTTP, without a browser: its page, its files, its events, and who gets them.
# SPDX-License-Identifier: GPL-2.0-or-later
import base64
import gzip
import json
import os
import re
import signal
import time
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone

import daemon
import pytest
from consoleevents import Events
from rawhttp import request
from waiting import wait_until

POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
          "form-action 'none'; frame-ancestors 'none'")
FILES = {"console.js": "text/javascript; charset=utf-8", "console.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"}


def serve(start, console=None, modules=None, **httpd):
    return start({"mi_http.so": {}, "console.so": console or {}, **(modules or {})}, httpd=httpd)


def page(server):
    reply = server.ask("GET", "/console/")
    assert reply.status == 200
    return reply.body.decode()


def test_off_unless_loaded(start):
    server = start({"mi_http.so": {}})
    assert server.ask("GET", "/console/").status == 404
    assert "console" not in str(server.mi("httpd_list_root_path"))


def test_the_root_leads_to_the_page(start):
    server = serve(start, {"root": "internal/look"})
    for query in ("", "?x=1"):
        reply = server.ask("GET", "/internal/look" + query)
        assert (reply.status, reply.field("location")) == (308, "look/")
    text = server.ask("GET", "/internal/look/").body.decode()
    assert 'data-mi="../../mi"' in text
    assert server.ask("GET", "/console/").status == 404


def test_the_page_shows_numbers_and_tables_without_a_script(start):
    server = serve(start)
    server.mi("which")
    server.ask("GET", "/nowhere")
    text = page(server)
    assert re.search(r"<td>mi</td>\s*<td>mi_http</td>\s*<td>1</td>", text)
    assert re.search(r"<td>console</td>\s*<td>console</td>", text)
    assert re.search(r'data-number="httpd:open_connections"[^>]*>1<', text)
    assert "<td>GET /nowhere HTTP/1.1</td>" in text
    assert "{{" not in text


def test_each_number_on_the_page_is_a_statistic(start):
    server = serve(start)
    known = set(server.mi("list_statistics"))
    shown = {name.removesuffix("/s") for name in re.findall(r'data-number="([^"]+)"', page(server))} - {"time"}
    assert len(shown) > 15
    assert shown <= known


def test_every_reply_is_for_this_site_alone(start):
    server = serve(start, {"max_viewers": 1})
    with Events(server):
        for target in ("/console", "/console/", "/console/console.js", "/console/nothing", "/console/events"):
            reply = server.ask("GET", target)
            assert reply.field("content-security-policy") == POLICY, target
            assert reply.field("x-content-type-options") == "nosniff"
            assert reply.field("referrer-policy") == "no-referrer"
            assert reply.field("cross-origin-opener-policy") == "same-origin"
            assert reply.field("cross-origin-resource-policy") == "same-origin"
    assert server.ask("GET", "/console/").field("cache-control") == "no-store"


def test_files_are_kept_by_browsers_and_asked_for_again(start):
    server = serve(start)
    total = len(page(server))
    for name, kind in FILES.items():
        plain = server.ask("GET", f"/console/{name}")
        assert (plain.status, plain.field("content-type")) == (200, kind)
        assert plain.field("cache-control") == "no-cache"
        assert plain.field("vary") == "Accept-Encoding"
        total += len(plain.body)
        packed = server.ask("GET", f"/console/{name}", "Accept-Encoding: gzip, deflate, br, zstd")
        if packed.field("content-encoding") == "gzip":
            assert gzip.decompress(packed.body) == plain.body
            assert packed.field("etag") != plain.field("etag")
        again = server.ask("GET", f"/console/{name}", f"If-None-Match: {plain.field('etag')}")
        assert (again.status, again.body) == (304, b"")
        assert server.ask("GET", f"/console/{name}", 'If-None-Match: "another"').status == 200
        head = server.ask("HEAD", f"/console/{name}")
        assert (head.status, head.field("content-length")) == (200, str(len(plain.body)))
    assert total < 150_000
    assert server.ask("GET", "/console/console.js", "Accept-Encoding: gzip").field("content-encoding") == "gzip"


def test_nothing_foreign_is_asked_for(start):
    server = serve(start)
    links = re.findall(r'(?:src|href)="([^"]*)"', page(server))
    assert {"console.js", "console.css"} <= set(links)
    assert all(re.fullmatch(r"[\w.]+|#[\w-]+", link) for link in links), links


def test_what_is_not_there(start):
    server = serve(start)
    assert server.ask("GET", "/console/page/index.html").status == 404
    assert server.ask("GET", "/console/../console.js").status in (400, 404)
    reply = server.ask("POST", "/console/", body=b"x")
    assert (reply.status, reply.field("allow")) == (405, "GET, HEAD, OPTIONS")


def test_strangers_write_no_html(start):
    server = serve(start)
    with server.connect() as client:
        client.ask(b"GET /<script>alert(1)</script>&amp;\"' HTTP/1.1\r\nHost: a\r\n\r\n")
    with server.connect() as client:
        client.ask(b"GET /\xff\x00\x1b[31m HTTP/1.1\r\nHost: a\r\n\r\n")
    text = page(server)
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "\x1b" not in text
    with Events(server) as events:
        events.row("refusals", lambda row: "<script>" in row[5])


def test_the_start_of_a_stream_has_everything(start):
    server = serve(start)
    with Events(server) as events:
        assert events.status == 200
        build = events.wait("hello")["build"]
        assert f'data-build="{build}"' in page(server)
        events.wait("samples")
        events.wait("state")
        assert set(events.tables) == {"roots", "requests", "workers", "clients", "certificates", "refusals"}
        known = {name for name in server.mi("list_statistics") if name.startswith("httpd:")}
        flat = {name.removesuffix("/s") for name in events.numbers} - {"time"}
        assert flat <= known


def test_what_is_long_comes_in_one_event_all_the_same(start):
    server = serve(start, modules={daemon.WORKER_PROBE: {}}, max_client_connections=0)
    path = "/keep/20000?" + "q" * 200
    with ExitStack() as clients:
        for _ in range(150):
            clients.enter_context(server.connect()).send(request("GET", path))
        for _ in range(50):
            server.ask("GET", "/nowhere/" + "q" * 200)
        with Events(server) as events:
            events.until(lambda: len(events.tables["requests"]) == 100, "not all are shown")
            assert len(json.dumps(events.tables)) > 2**15, "more than a chunk has"
            events.row("requests", lambda row: row[0].startswith("and "))


def test_samples_count_what_happens(start):
    server = serve(start)
    with Events(server) as events:
        events.wait("hello")
        events.wait("samples")
        seen = []
        for _ in range(40):
            server.mi("which")
        server.ask("GET", "/nowhere")

        def counted():
            return sum(sample[1] for sample in seen) >= 30 and sum(sample[2] for sample in seen) >= 0.5

        for _ in range(10):
            seen += events.wait("samples")
            if counted():
                break
        assert counted(), seen
        assert any(sample[4] is not None and 0 < sample[4] <= sample[5] <= sample[6] for sample in seen), seen


def test_a_page_that_comes_later_sees_what_was(start):
    server = serve(start)
    began = time.time()
    wait_until(lambda: time.time() - began > 3.5, "time does not pass", 6)
    with Events(server) as events:
        events.wait("hello")
        history = events.wait("samples")
        assert len(history) >= 2
        assert all(began - 2 < sample[0] < time.time() + 2 for sample in history)


def test_a_request_in_flight_grows_older(start):
    server = serve(start, modules={daemon.WORKER_PROBE: {}})
    with server.connect(timeout=30) as client:
        client.send(request("GET", "/keep/6000"))
        with Events(server) as events:
            events.wait("state")
            first = events.row("requests", lambda row: row[0] == "keep" and row[3] == "kept")
            assert first[1] == "GET /keep/6000 HTTP/1.1"
            events.until(lambda: any(row[0] == "keep" and row[4] > first[4] for row in events.tables["requests"]),
                         "it does not grow older")
        client.read_reply()


def test_the_list_of_requests_names_what_else_lists_them(start):
    """Streams are among them, which httpd:requests_in_progress does not count."""
    server = serve(start)
    with Events(server) as events:
        events.wait("state")
        text = page(server)
        command = re.search(r'id="t-requests">[^<]*</h2><code>([^<]*)</code>', text)[1]
        listed = [entry["Request"] for entry in server.mi(command)["Handlers"]]
        shown = re.search(r'<tbody data-table="requests">(.*?)</tbody>', text, re.S)[1]
        assert "GET /console/events HTTP/1.1" in listed
        assert "<td>GET /console/events HTTP/1.1</td>" in shown


def test_it_answers_while_all_handler_processes_are_busy(start):
    server = serve(start, modules={daemon.WORKER_PROBE: {}}, workers=1)
    pids = server.pids("HTTPD worker")
    with server.connect(timeout=30) as client:
        client.send(request("GET", "/sleep/4000"))
        with Events(server) as events:
            events.wait("state")
            row = events.row("workers", lambda row: row[2] != "free")
            assert (row[0], row[1], row[2]) == ("1", str(pids[0]), "GET /sleep/4000 HTTP/1.1")
            assert events.numbers["httpd:busy_workers"] == "1"
            assert server.ask("GET", "/console/").status == 200
            events.row("requests", lambda row: row[0] == "sleep" and row[3] == "running" and row[5] == str(pids[0]))
        client.read_reply()


def test_more_pages_than_there_may_be(start):
    server = serve(start, {"max_viewers": 2})
    with Events(server), Events(server):
        reply = server.ask("GET", "/console/events")
        assert (reply.status, reply.field("retry-after")) == (503, "10")
        server.wait_log("parameter max_viewers of module console moves this limit")
        assert server.ask("GET", "/console/").status == 200

    def free():
        with Events(server) as events:
            return events.status == 200

    wait_until(free, "no place becomes free", 10)


@pytest.mark.parametrize("value", ("0", "1001", "-1"))
def test_the_number_of_pages_has_bounds(tmp_path, value):
    file = tmp_path / "bad.cfg"
    file.write_text(daemon.config({"httpd.so": {}, "console.so": {"max_viewers": int(value)}}))
    done = daemon.run("-c", "-f", file)
    assert done.returncode != 0
    assert f"value {value} is out of range: 1 to 1000" in done.stderr


def test_streams_do_not_hold_up_the_end(start):
    server = serve(start, drain_timeout=20)
    with Events(server) as events:
        events.wait("state")
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 10
        assert events.wait("nothing more") is None
    assert "connections cut" not in server.log()


def test_the_page_comes_back_with_a_new_httpd_process(start):
    server = serve(start)
    with Events(server) as events:
        events.wait("state")
        os.kill(server.pids("HTTPD")[0], signal.SIGKILL)
        assert events.wait("nothing more") is None

    def again():
        try:
            with Events(server) as events:
                return events.status == 200 and events.wait("state") is not None
        except OSError:
            return False

    wait_until(again, "it is not back", 10)


def test_credentials_count_as_for_any_root(start):
    server = serve(start, auth_username="operator", auth_password="s3cret-pass", access=["root=mi; users=somebody"])
    for target in ("/console", "/console/", "/console/console.js", "/console/events"):
        assert server.ask("GET", target).status == 401
    login = "Authorization: Basic " + base64.b64encode(b"operator:s3cret-pass").decode()
    assert server.ask("GET", "/console/", login).status == 200
    with Events(server, fields=[login]) as events:
        assert events.wait("hello")
        events.wait("state")
        events.row("refusals", lambda row: row[2] == "401")
    call = b'{"jsonrpc":"2.0","method":"which","id":1}'
    assert server.ask("POST", "/mi", login, "Content-Type: application/json", body=call).status == 403


def test_certificates_with_their_days(start, authority, tmp_path):
    soon = datetime.now(timezone.utc) + timedelta(days=5, hours=12)
    pair = authority.issue("soon", end=soon.strftime("%Y%m%d%H%M%SZ")).put(tmp_path)
    server = serve(start, tls_cert_file=pair.file, tls_key_file=pair.key)

    def shown():
        text = server.ask("GET", "/console/").body.decode()
        return re.search(r'<tbody data-table="certificates">(.*?)</tbody>', text, re.S)[1]

    assert str(pair.file) in shown() and "CN=soon" in shown()
    assert re.search(r'<td data-state="bad">5</td>', shown())
    authority.issue("renewed").put(tmp_path)
    server.mi("httpd_tls_reload")
    assert "CN=renewed" in shown() and "data-state" not in shown()


def test_metrics_and_health_beside_it(start):
    """The last roots that were registered do not disturb the first."""
    server = serve(start, modules={"prometheus.so": {}}, health_root="health")
    assert server.ask("GET", "/health/live").status == 200
    text = server.ask("GET", "/metrics").body.decode()
    assert 'httpd_handler_time_seconds_count{root="console"} 0' in text
    page(server)
    text = server.ask("GET", "/metrics").body.decode()
    assert 'httpd_handler_time_seconds_count{root="console"} 1' in text
