# RFC 9110, clause by clause: methods, expectations, statuses and their fields, errors and their bodies. docs/CONFORMANCE.md
# says which test shows which clause. SPDX-License-Identifier: GPL-2.0-or-later
import json
import re
import time

import daemon
import pytest
from rawhttp import request

TEXT = "Content-Type: text/plain"
HIDDEN = b"POST /calls HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    modules = {"mi_http.so": {}, "hello_c.so": {}, "hello_cpp.so": {}, daemon.CPP_PROBE: {}}
    with daemon.Daemon(tmp_path_factory.mktemp("conformance"), modules, {"workers": 0}) as started:
        yield started


@pytest.fixture
def client(server):
    with server.connect() as connected:
        yield connected


def calls(server):
    return int(server.ask("GET", "/calls").body)


# --- requests (sections 5 to 9) ---


def test_nothing_is_run_before_the_header_section_is_whole(server, client):
    before = calls(server)
    client.send(HIDDEN[:-2])
    time.sleep(0.1)
    assert calls(server) == before
    client.send(b"\r\n")
    assert client.read_reply("POST").status == 200
    assert calls(server) == before + 1


def test_a_content_type_that_is_repeated_is_refused(client):
    reply = client.ask(request("POST", "/hello-cpp", TEXT, "content-type: text/plain", body=b"x"))
    assert reply.status == 400 and reply.closes()
    client.assert_closed()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("target", ["/hello", "/mi", "/nowhere", "/hello-cpp?a=%00"])
def test_head_has_the_fields_of_get(client, method, target):
    """GET and HEAD are understood everywhere; a reply to HEAD has no content, errors among them."""
    wanted, got = client.ask(request("GET", target)), client.ask(request(method, target))
    for name in ("Content-Length", "Content-Type", "Allow", "Cache-Control"):
        assert got.field(name) == wanted.field(name)
    assert got.status == wanted.status and (method == "GET" or got.body == b"")


@pytest.mark.parametrize("message", [
    b"HEAD /hello HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", b"HEAD /hello HTTP/1.1\r\n\r\n", b"HEAD /hel\0lo HTTP/1.1\r\n\r\n",
    b"HEAD /hello HTTP/1.1\r\nHost: a\r\n X: y\r\n\r\n", b"HEAD /hello HTTP/1.1\nHost: a\n\n", b"HEAD /hello HTTP/3.0\r\n\r\n",
    b"HEAD /hello HTTP/1.x\r\n\r\n", b"HEAD /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", b"HEAD /hello HTTP/1.1\r\nX: "
    + b"x" * 17000, b"HEAD /hello HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n", b"HEAD /hello HTTP/1.1\r\nHost: a"],
    ids=["field", "no host", "target", "fold", "bare LF", "version", "no version", "long target", "long header", "coding", "cut"])
@pytest.mark.parametrize("single_bytes", [False, True], ids=["one piece", "single bytes"])
def test_head_has_no_content_when_it_is_malformed_either(client, message, single_bytes):
    try:
        client.send(message, 1 if single_bytes and len(message) < 200 else None)
        if message.endswith(b"Host: a"):
            client.end_sending()
    except (BrokenPipeError, ConnectionResetError):
        pass
    reply = client.read_reply("HEAD")
    assert reply.status >= 400 and int(reply.field("Content-Length")) > 0
    client.assert_closed(within=3)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE"])
def test_a_method_that_the_handler_does_not_take(client, method):
    reply = client.ask(request(method, "/hello-cpp", body=b"" if method != "TRACE" else None))
    assert reply.status == 405 and set(reply.tokens("Allow")) == {"get", "head", "post", "options"}


def test_allow_has_no_empty_elements(client):
    for method in ("PUT", "OPTIONS"):
        value = client.ask(request(method, "/hello-cpp")).field("Allow")
        assert re.fullmatch(r"[A-Z]+(, [A-Z]+)*", value)


@pytest.mark.parametrize(("version", "fields"), [("1.1", ["Connection: Upgrade", "Upgrade: websocket"]),
                                                 ("1.1", ["Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings",
                                                          "HTTP2-Settings: AAMAAABk"]),
                                                 ("1.0", ["Connection: Upgrade", "Upgrade: websocket"]),
                                                 ("1.1", ["Upgrade: TLS/1.2", "Connection: Upgrade"])])
def test_nobody_is_switched_to_another_protocol(client, version, fields):
    reply = client.ask(request("GET", "/describe", *fields, version=version))
    assert reply.status == 200 and reply.field("Upgrade") is None


@pytest.mark.parametrize("message", [
    request("POST", "/hello-cpp", TEXT, "Content-Length: 5000", "Expect: 100-continue"),
    request("POST", "/nowhere", TEXT, "Content-Length: 5", "Expect: 100-continue"),
    request("PUT", "/hello-cpp", TEXT, "Content-Length: 5", "Expect: 100-continue"),
    request("POST", "/hello-cpp", TEXT, "Transfer-Encoding: gzip, chunked", "Expect: 100-continue"),
    request("POST", "/hello-cpp", TEXT, "Content-Length: 5", "Expect: 200-ok"),
    request("POST", "/hello-cpp", TEXT, "Content-Length: 5", "Expect: 100-continue, x")])
def test_who_waits_for_100_and_is_refused_gets_the_final_status_at_once(server, client, message):
    before = calls(server)
    client.send(message)
    reply = client.read_reply("POST")
    assert reply.status in (404, 405, 413, 417, 501) and reply.interim == [] and reply.closes()
    client.send(HIDDEN)
    client.assert_closed()
    assert calls(server) == before


def test_who_waits_for_100_gets_it_before_the_body_and_once(client):
    client.send(request("POST", "/hello-cpp", TEXT, "Content-Length: 5", "Expect: 100-Continue"))
    interim = client.read_head()
    assert interim.status == 100 and interim.fields == []
    client.assert_open()
    client.send(b"hel")
    client.assert_open()
    client.send(b"lo")
    reply = client.read_reply("POST")
    assert (reply.status, reply.body, reply.interim) == (200, b"hello", [])


@pytest.mark.parametrize("fields", [["Content-Length: 5"], ["Transfer-Encoding: chunked"]])
def test_http_1_0_is_not_told_to_continue(client, fields):
    client.send(request("POST", "/hello-cpp", TEXT, "Expect: 100-continue", *fields, version="1.0"))
    if fields == ["Content-Length: 5"]:
        client.assert_open()
        client.send(b"hello")
    reply = client.read_reply("POST")
    assert reply.interim == [] and reply.status == (200 if "Length" in fields[0] else 400)


@pytest.mark.parametrize("value", [", 100-continue", "100-continue,", "100-continue, 100-Continue"])
def test_empty_elements_of_a_list_are_ignored(client, value):
    client.send(request("POST", "/hello-cpp", TEXT, "Content-Length: 5", f"Expect: {value}"))
    assert client.read_head().status == 100
    client.send(b"hello")
    assert client.read_reply("POST").body == b"hello"


def test_an_expectation_without_a_body_is_of_no_consequence(client):
    reply = client.ask(request("GET", "/describe", "Expect: 100-continue"))
    assert reply.status == 200 and reply.interim == []


# --- replies (sections 6.6, 8.6 and 15) ---


@pytest.mark.parametrize(("status", "body"), [(200, b"body"), (201, b"body"), (203, b"body"), (299, b"body"), (300, b"body"),
                                              (403, b"body"), (418, b"body"), (500, b"body"), (599, b"body")])
def test_statuses_with_a_body(client, status, body):
    reply = client.ask(request("GET", f"/respond/{status}"))
    assert (reply.status, reply.body) == (status, body) and reply.field("Date")
    client.assert_open()


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_a_body(client, status):
    for method in ("GET", "HEAD"):
        reply = client.ask(request(method, f"/respond/{status}"))
        assert reply.status == status and reply.field("Date")
        assert reply.field("Content-Length") is None and reply.field("Transfer-Encoding") is None
        client.assert_open()


def test_205_has_no_content_and_says_so(client):
    reply = client.ask(request("GET", "/respond/205"))
    assert (reply.status, reply.body, reply.field("Content-Length")) == (205, b"", "0")
    client.assert_open()


@pytest.mark.parametrize("status", [100, 101, 199, 426, 600])
def test_statuses_that_a_handler_cannot_send(client, status):
    """Interim ones are the engine's; 426 would need an Upgrade field."""
    assert client.ask(request("GET", f"/respond/{status}")).status == 500


def test_401_has_a_challenge_and_405_an_allow_whoever_sends_it(client):
    reply = client.ask(request("GET", "/respond/401"))
    assert reply.status == 401 and reply.field("WWW-Authenticate") == 'Basic realm="OpenSIPS MI", charset="UTF-8"'
    reply = client.ask(request("GET", "/respond/405"))
    assert reply.status == 405 and reply.tokens("Allow")


def test_replies_say_the_version_that_is_spoken(client):
    """rawhttp takes no other status line than one of HTTP/1.1 with a blank behind the status."""
    for version in ("1.0", "1.1", "1.5"):
        assert client.ask(request("GET", "/describe", "Connection: keep-alive", version=version)).status == 200


# --- errors: complete, in the form that the client prefers, and with nothing of the request in them ---

REFUSED = {
    400: b"GET /describe HTTP/1.1\r\nHost: a\r\nHost: b\r\n%s\r\n",
    404: b"GET /nowhere HTTP/1.1\r\nHost: a\r\n%s\r\n",
    405: b"PUT /hello HTTP/1.1\r\nHost: a\r\n%s\r\n",
    413: b"POST /hello-cpp HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n%s\r\n",
    417: b"GET /describe HTTP/1.1\r\nHost: a\r\nExpect: x\r\n%s\r\n",
    501: b"BREW /describe HTTP/1.1\r\nHost: a\r\n%s\r\n",
}


@pytest.mark.parametrize("status", REFUSED)
@pytest.mark.parametrize(("accept", "kind"), [
    (b"", "text/plain; charset=utf-8"), (b"Accept: */*\r\n", "text/plain; charset=utf-8"),
    (b"Accept: text/plain, application/json\r\n", "text/plain; charset=utf-8"),
    (b"Accept: text/html, application/json;q=0.9, */*;q=0.8\r\n", "application/json"),
    (b"Accept: application/json\r\n", "application/json"), (b"accept: text/*;q=0.5\r\nAccept: application/json\r\n",
                                                            "application/json")])
def test_errors_in_the_preferred_form(client, status, accept, kind):
    reply = client.ask(REFUSED[status] % accept)
    assert (reply.status, reply.field("Content-Type"), reply.field("Cache-Control")) == (status, kind, "no-store")
    assert reply.framing == "length" and reply.body.endswith(b"\n")
    if kind == "application/json":
        error = json.loads(reply.body)["error"]
        assert error["status"] == status and error["message"] and set(error) == {"status", "message"}
    else:
        assert re.fullmatch(rb"[A-Z][A-Za-z0-9 ,'-]+\n", reply.body)


@pytest.mark.parametrize("path", ["/throws", "/dropped"])
@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
def test_errors_of_handlers_in_the_preferred_form(client, path, kind):
    reply = client.ask(request("GET", path, f"Accept: {kind}"))
    assert reply.status == 500 and reply.field("Content-Type").startswith(kind)
    assert (json.loads(reply.body)["error"]["status"] == 500) if kind == "application/json" else reply.body.endswith(b"\n")


MARK = b"EvIl<script>&\"'%0d%0aX-Evil:1"


@pytest.mark.parametrize("message", [
    b"GET /" + MARK + b" HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /%45vIl%3Cscript%3E HTTP/1.1\r\nHost: a\r\n\r\n",
    b"EvIl /describe HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /describe HTTP/1.1\r\nHost: EvIl<script>\r\n\r\n",
    b"GET /describe HTTP/1.1\r\nHost: a\r\nEvIl<script>: x\r\n\r\n", b"GET /describe EvIl/1.1\r\nHost: a\r\n\r\n",
    b"GET /describe HTTP/1.1\r\nHost: a\r\nExpect: EvIl\r\n\r\n", b"PUT /hello?EvIl HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /mi?EvIl HTTP/1.1\r\nHost: a\r\nContent-Type: EvIl/x\r\nContent-Length: 1\r\n\r\nx"])
@pytest.mark.parametrize("accept", [b"", b"Accept: application/json\r\n"])
def test_nothing_of_the_request_stands_in_an_error(client, message, accept):
    message = message.replace(b"\r\nHost", b"\r\n" + accept + b"Host", 1)
    reply = client.ask(message)
    assert reply.status >= 400 and b"EvIl" not in reply.body
    assert not any("EvIl" in value or "X-Evil" in name for name, value in reply.fields)


@pytest.mark.parametrize(("message", "logged"), [
    (b"GET /no\x1b[31m HTTP/1.1\r\nHost: a\r\n\r\n", r'request "GET /no\x1b'),
    (b"GET /\"quoted\\ HTTP/1.1\r\nHost: a\r\n\r\n", r'request "GET /\"quoted\\ HTTP/1.1"'),
    (b"GET /\xff\x00\x7f HTTP/1.1\r\nHost: a\r\n\r\n", r'request "GET /\xff\x00\x7f HTTP/1.1"'),
    (b"\x16\x03\x01 nonsense\r\n\r\n", r'request "\x16\x03\x01 nonsense"')],
    ids=["escape sequence", "quotation marks", "no text", "another protocol"])
def test_what_of_the_request_stands_in_the_log_is_escaped(server, client, message, logged):
    time.sleep(1.1)  # the log takes 20 such lines a second
    mark = server.mark()
    assert client.ask(message, method="GET").status == 400
    line = server.wait_log(logged, since=mark)
    assert all(32 <= ord(character) < 127 for character in line)


def test_a_long_request_line_is_cut_in_the_log(server, client):
    time.sleep(1.1)
    mark = server.mark()
    assert client.ask(request("GET", "/nowhere/" + "x" * 5000)).status == 404
    assert len(server.wait_log("404 Nothing is served under this path", since=mark)) < 500
