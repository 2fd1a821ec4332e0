# What the C registration API gives to a handler, and what becomes of what the handler gives back.
# SPDX-License-Identifier: GPL-2.0-or-later
import os
import signal

import daemon
import pytest
from rawhttp import FRAGMENTS, chunked, request

PATTERN = b"0123456789abcdefghijklmnopqrstuvwxyz\n"
FORM = "Content-Type: application/x-www-form-urlencoded"
MULTIPART = "Content-Type: multipart/form-data; boundary=xyz"
JSON = "Content-Type: application/json"


def pattern(size):
    return (PATTERN * (size // len(PATTERN) + 1))[:size]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    modules = {daemon.CAPI_PROBE: {"number": 42}}
    with daemon.Daemon(tmp_path_factory.mktemp("c_api"), modules) as started:
        yield started


@pytest.fixture
def client(server):
    with server.connect() as connected:
        yield connected


def seen(reply):
    """What the handler printed: name -> text; hexadecimal values decoded, `null` as None."""
    assert reply.status == 200, reply
    found = {}
    for line in reply.body.decode().splitlines():
        name, value = line.split("=", 1)
        if name.startswith("arg.") or name in ("url", "data"):
            value = None if value.startswith("null") else bytes.fromhex(value)
        found[name] = value
    assert not [name for name in found if name.endswith(".unterminated")]
    return found


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_get(client, server, fragment):
    got = seen(client.ask(request("GET", "/probe/a%20b/%C3%A9?a=1&b=x%20y+z&empty=&b=second&A=2"), fragment))
    assert got["cls"] == "null" and got["con_cls"] == "null"
    assert got["url"] == "/a b/é".encode()
    assert (got["method"], got["version"]) == ("GET", "HTTP/1.1")
    assert (got["size"], got["data"]) == ("0", None)
    assert (got["arg.a"], got["arg.b"], got["arg.empty"]) == (b"1", b"x y z", b"")
    assert (got["arg.missing"], got["arg.1"]) == (None, None)
    host, port = client.socket.getsockname()
    assert got["client"] == f"{host} {port}"
    assert got["server"] == f"127.0.0.1 {server.port}"
    assert got["number"] == "42"


def test_missing_arguments_have_no_length(client):
    assert b"\narg.missing=null 0\n" in client.ask(request("GET", "/probe")).body


@pytest.mark.parametrize(("target", "url"), [("/probe", b""), ("/probe/", b"/"), ("/probe?a=1", b""),
                                             ("/probe/x", b"/x"), ("/probe//x", b"//x"), ("/prob%65/x", b"/x")])
def test_the_root_is_cut_off(client, target, url):
    assert seen(client.ask(request("GET", target)))["url"] == url


@pytest.mark.parametrize("target", ["/probed", "/prob", "/", "/x/probe"])
def test_roots_end_at_segments(client, target):
    assert client.ask(request("GET", target)).status == 404


def test_the_longest_root_wins(client):
    assert client.ask(request("GET", "/probe/deeper/x")).body == b"a page that the module keeps"
    assert seen(client.ask(request("GET", "/probe/deeperx")))["url"] == b"/deeperx"


def test_head_looks_like_get(client):
    got = client.ask(request("GET", "/probe"))
    head = client.ask(request("HEAD", "/probe"))
    assert head.field("Content-Length") == got.field("Content-Length")
    assert seen(got)["method"] == "GET"


def test_http_1_0(client):
    assert seen(client.ask(request("GET", "/probe", version="1.0")))["version"] == "HTTP/1.0"


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_post_of_json(client, fragment):
    body = b'{"a": [1, 2]}'
    got = seen(client.ask(request("POST", "/probe/p?a=q", JSON, body=body), fragment))
    assert (got["method"], got["size"], got["data"], got["nul_after_data"]) == ("POST", "13", body, "1")
    assert got["arg.1"] == body
    assert got["arg.a"] == b"q"


@pytest.mark.parametrize("media_type", ["application/json", "application/json; charset=utf-8", "text/xml",
                                        "application/xml", "text/plain", "TEXT/HTML"])
def test_media_types_that_are_taken(client, media_type):
    got = seen(client.ask(request("POST", "/probe", f"Content-Type: {media_type}", body=b"<x/>")))
    assert got["data"] == got["arg.1"] == b"<x/>"


@pytest.mark.parametrize("media_type", ["application/octet-stream", "image/png", "multipart/mixed; boundary=x", "text"])
def test_other_media_types_are_refused(client, media_type):
    assert client.ask(request("POST", "/probe", f"Content-Type: {media_type}", body=b"x")).status == 415
    assert client.ask(request("GET", "/probe")).status == 200


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_post_of_a_urlencoded_form(client, fragment):
    message = request("POST", "/probe?a=query&name=of+query", FORM, body=b"a=form%21&b=1+2&empty")
    got = seen(client.ask(message, fragment))
    assert (got["arg.a"], got["arg.b"], got["arg.empty"]) == (b"form!", b"1 2", b"")
    assert got["arg.name"] == b"of query"
    assert (got["size"], got["data"], got["arg.1"]) == ("0", None, None)


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_post_of_a_multipart_form(client, fragment):
    body = (b"--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nline 1\r\nline 2\r\n"
            b"--xyz\r\nContent-Disposition: form-data; name=\"b\"\r\nContent-Type: text/plain\r\n\r\n\r\n--xyz--\r\n")
    got = seen(client.ask(request("POST", "/probe", MULTIPART, body=body), fragment))
    assert (got["arg.a"], got["arg.b"]) == (b"line 1\r\nline 2", b"")
    assert (got["size"], got["data"]) == ("0", None)


def test_a_file_in_a_form_is_refused(client):
    body = (b"--xyz\r\nContent-Disposition: form-data; name=\"a\"; filename=\"f\"\r\n\r\nx\r\n--xyz--\r\n")
    assert client.ask(request("POST", "/probe", MULTIPART, body=body)).status == 415


@pytest.mark.parametrize("body", [b"a=%", b"a=%zz", b"a=%00", b"=x"])
def test_broken_forms_are_refused(client, body):
    assert client.ask(request("POST", "/probe", FORM, body=body)).status == 400


def test_post_in_chunks(client):
    body = b"<x>" + b"y" * 1000 + b"</x>"
    message = request("POST", "/probe", "Content-Type: text/xml", "Transfer-Encoding: chunked") + chunked(body, 100)
    assert seen(client.ask(message))["data"] == body


def test_methods_that_callbacks_do_not_know(client):
    reply = client.ask(request("PUT", "/probe", JSON, body=b"{}"))
    assert reply.status == 405
    assert {"get", "head", "post", "options"} == set(reply.tokens("Allow"))


def test_init_process_is_called_once(server, client):
    for _ in range(3):
        assert seen(client.ask(request("GET", "/probe")))["init_calls"] == "1"


def test_init_process_is_called_in_the_process_that_replaces_a_killed_one(start):
    server = start({daemon.CAPI_PROBE: {}, "mi_http.so": {}})
    (old,) = server.pids("HTTPD")
    mark = server.mark()
    os.kill(old, signal.SIGKILL)
    server.wait_log(str(old), since=mark)
    assert seen(server.ask("GET", "/probe"))["init_calls"] == "1"


def test_a_page_of_the_modules_own(client):
    reply = client.ask(request("GET", "/probe-static"))
    assert (reply.status, reply.body) == (200, b"a page that the module keeps")


@pytest.mark.parametrize("size", [0, 1, 1024, 65536, 1_000_000, 100_000_000])
def test_a_page_in_the_buffer_arrives_whole(client, size):
    for _ in range(2):
        reply = client.ask(request("GET", f"/probe-print/{size}"))
        assert reply.status == 200
        assert reply.body == pattern(size), "the page is not what the handler printed"


def test_pages_in_the_buffer_do_not_disturb_each_other(server):
    clients = [server.connect() for _ in range(3)]
    for client, size in zip(clients, (5_000_000, 3_000_000, 1_000)):
        client.send(request("GET", f"/probe-print/{size}"))
    for client, size in zip(clients, (5_000_000, 3_000_000, 1_000)):
        assert client.read_reply().body == pattern(size)
        client.close()


@pytest.mark.parametrize(("size", "how"), [(1, ""), (1000, ""), (1001, ""), (1_000_000, ""), (1, "/later"),
                                           (5001, "/later")])
def test_a_page_in_pieces(client, size, how):
    reply = client.ask(request("GET", f"/probe-stream/{size}{how}"))
    assert (reply.status, reply.framing) == (200, "chunked")
    assert reply.body == pattern(size)
    assert client.ask(request("GET", "/probe-static")).status == 200


def test_a_page_in_pieces_for_http_1_0(client):
    reply = client.ask(request("GET", "/probe-stream/5000", "Connection: keep-alive", version="1.0"))
    assert (reply.framing, reply.body) == ("close", pattern(5000))
    client.assert_closed()


def test_a_page_in_pieces_for_head(client):
    assert client.ask(request("HEAD", "/probe-stream/5000")).status == 200
    assert client.ask(request("GET", "/probe-static")).status == 200


def test_a_page_that_breaks_off_is_seen_to(client):
    client.send(request("GET", "/probe-stream/5000/broken"))
    with pytest.raises((AssertionError, ConnectionResetError)):
        client.read_reply()


@pytest.mark.parametrize("status", [200, 201, 202, 204, 400, 404, 405, 500, 503])
def test_a_status_without_a_page(client, status):
    reply = client.ask(request("GET", f"/probe-status/{status}"))
    assert (reply.status, reply.body) == (status, b"")
    assert status != 405 or reply.tokens("Allow")
    assert client.ask(request("GET", "/probe-static")).status == 200


@pytest.mark.parametrize("status", [-1, 0, 99, 100, 101, 600, 1000])
def test_a_status_that_is_none_is_a_500(server, client, status):
    mark = server.mark()
    assert client.ask(request("GET", f"/probe-status/{status}")).status == 500
    server.wait_log(str(status), since=mark)
    assert client.ask(request("GET", "/probe-static")).status == 200


@pytest.mark.parametrize(("name", "media_type"), [
    ("unknown", "text/html"), ("default", "text/html"), ("html", "text/html"), ("xml", "text/xml; charset=utf-8"),
    ("json", "application/json"), ("plain", "text/plain"), ("prometheus", "text/plain; version=0.0.4")])
def test_content_types(client, name, media_type):
    assert client.ask(request("GET", f"/probe-type/{name}")).field("Content-Type") == media_type


def test_a_handler_that_blocks_delays_the_others_and_loses_none(server):
    with server.connect() as slow, server.connect() as quick:
        mark = server.mark()
        slow.send(request("GET", "/probe-sleep/300"))
        server.wait_log("sleeping 300 ms", since=mark)
        assert quick.ask(request("GET", "/probe-static")).status == 200
        assert slow.read_reply().body == b"awake"


def test_parameters_of_a_c_module(start):
    server = start({daemon.CAPI_PROBE: {"root": " other/root ", "number": -5}})
    got = seen(server.ask("GET", "/other/root/x"))
    assert (got["url"], got["number"], got["root"]) == (b"/x", "-5", " other/root ")
    assert server.ask("GET", "/probe").status == 404
