# Each limit of a message: what fits passes, one more is refused with its status and a log line that names the parameter,
# over HTTP and HTTPS, in one piece and in single bytes. SPDX-License-Identifier: GPL-2.0-or-later
import time

import certificates
import daemon
import pytest
from rawhttp import PAUSE, chunked, request

LIMITS = {"max_uri_size": 100, "max_header_size": 300, "max_header_fields": 5, "max_trailer_size": 40,
          "max_trailer_fields": 2, "receive_buf_size": 20, "post_buf_size": 256, "max_form_size": 400,
          "max_form_fields": 3, "max_chunk_extension_size": 10}
MODULES = {daemon.CPP_PROBE: {}, "mi_http.so": {}}

POST = "POST /describe HTTP/1.1\r\nHost: a\r\n"
TEXT = POST + "Content-Type: text/plain\r\n"
FORM = POST + "Content-Type: application/x-www-form-urlencoded\r\n"


def counted(head, body):
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def in_chunks(head, body, extension="", trailer=""):
    return f"{head}Transfer-Encoding: chunked\r\n\r\n{len(body):x}{extension}\r\n{body}\r\n0\r\n{trailer}\r\n".encode()


def target(size):
    return request("GET", "/describe?" + "q" * (size - len("/describe?")), host="a")


def header(size):
    """A header section of `size` bytes: field lines with their line ends."""
    fields = "Host: a\r\nX-Pad: "
    return f"GET /describe HTTP/1.1\r\n{fields}{'p' * (size - len(fields) - 2)}\r\n\r\n".encode()


def fields(count):
    return ("GET /describe HTTP/1.1\r\nHost: a\r\n" + "X: y\r\n" * (count - 1) + "\r\n").encode()


def trailer(size):
    return in_chunks(TEXT, "body", trailer=f"X: {'p' * (size - 5)}\r\n")


def pairs(count, joined="&"):
    return joined.join(f"{chr(97 + number)}=1" for number in range(count))


def multipart(count):
    parts = "".join(f'--b\r\nContent-Disposition: form-data; name="{number}"\r\n\r\n1\r\n' for number in range(count))
    return counted(POST + "Content-Type: multipart/form-data; boundary=b\r\n", parts + "--b--\r\n")


# What is made for a size -> the limit's value, status and parameter.
CASES = {
    "request target": (target, 100, 414, "max_uri_size"),
    "header section": (header, 300, 431, "max_header_size"),
    "header fields": (fields, 5, 431, "max_header_fields"),
    "body": (lambda size: counted(TEXT, "x" * size), 20, 413, "receive_buf_size"),
    "body in one chunk": (lambda size: in_chunks(TEXT, "x" * size), 20, 413, "receive_buf_size"),
    "body in chunks": (lambda size: (TEXT + "Transfer-Encoding: chunked\r\n\r\n").encode()
                       + chunked(b"x" * size, 1), 20, 413, "receive_buf_size"),
    "form field": (lambda size: counted(FORM, "k=" + "v" * (size - 1)), 256, 413, "post_buf_size"),
    "form": (lambda size: counted(FORM, "k=" + "v" * 200 + "&l=" + "v" * (size - 205)), 400, 413, "max_form_size"),
    "form in a chunk": (lambda size: in_chunks(FORM, "k=" + "v" * 200 + "&l=" + "v" * (size - 205)), 400, 413,
                        "max_form_size"),
    "form fields": (lambda count: counted(FORM, pairs(count)), 3, 413, "max_form_fields"),
    "parts of a form": (multipart, 3, 413, "max_form_fields"),
    "query fields": (lambda count: request("GET", "/describe?" + pairs(count), host="a"), 3, 414, "max_form_fields"),
    "chunk extension": (lambda size: in_chunks(TEXT, "body", ";" + "e" * (size - 1)), 10, 413,
                        "max_chunk_extension_size"),
    "chunk extensions together": (
        lambda size: (TEXT + "Transfer-Encoding: chunked\r\n\r\n1;e=1\r\na\r\n1;" + "e" * (size - 5)
                      + "\r\nb\r\n0\r\n\r\n").encode(), 10, 413, "max_chunk_extension_size"),
    "trailer section": (trailer, 40, 431, "max_trailer_size"),
    "trailer fields": (lambda count: in_chunks(TEXT, "body", trailer="X: y\r\n" * count), 2, 431,
                       "max_trailer_fields"),
}


@pytest.fixture(scope="module", params=["http", "https"])
def server(request, tmp_path_factory, ec):
    tls = certificates.parameters(ec) if request.param == "https" else {}
    with daemon.Daemon(tmp_path_factory.mktemp("limits"), MODULES, {**LIMITS, **tls}) as started:
        yield started


@pytest.fixture(autouse=True)
def unhurried():
    """The log takes 20 lines about refusals a second, and these tests want to see theirs."""
    time.sleep(0.06)


def send(client, message, single_bytes):
    """Sends a message that the server may refuse, and stop reading, before it has all of it."""
    try:
        if not single_bytes:
            return client.send(message)
        for at in range(len(message)):
            client.send(message[at : at + 1])
            time.sleep(PAUSE)
    except (BrokenPipeError, ConnectionResetError):
        pass


@pytest.mark.parametrize("single_bytes", [False, True], ids=["one piece", "single bytes"])
@pytest.mark.parametrize("name", CASES)
def test_a_limit(server, name, single_bytes):
    make, value, status, parameter = CASES[name]
    with server.connect() as client:
        send(client, make(value), single_bytes)
        fits = client.read_reply("POST")
        assert fits.status == 200, fits
    mark = server.mark()
    with server.connect() as client:
        send(client, make(value + 1), single_bytes)
        refused = client.read_reply("POST")
    assert refused.status == status, refused
    assert refused.body.endswith(b"\n") and refused.field("Content-Length") == str(len(refused.body))
    line = server.wait_log(f"parameter {parameter} of module httpd moves this limit", since=mark)
    assert f": {status} {refused.body.decode().strip()};" in line and "WARNING" in line


@pytest.mark.parametrize("name", ["body", "form"])
def test_a_body_that_is_too_long_is_refused_before_it_is_sent(server, name):
    """At once when Content-Length says so, and in place of 100 Continue."""
    make, value, status, _ = CASES[name]
    for expects in ("", "Expect: 100-continue\r\n"):
        head = make(value + 1).replace(b"Content-Length", expects.encode() + b"Content-Length").split(b"\r\n\r\n")[0]
        with server.connect() as client:
            client.send(head + b"\r\n\r\n")
            reply = client.read_reply("POST")
            assert reply.status == status and reply.interim == [] and reply.closes()
            client.assert_closed(within=3)


ENDLESS = {
    "method": (b"G", b"G", 501, None),
    "request target": (b"GET /describe?", b"q", 414, "max_uri_size"),
    "field line": (b"GET /describe HTTP/1.1\r\nX: ", b"y", 431, "max_header_size"),
    "field name": (b"GET /describe HTTP/1.1\r\n", b"y", 431, "max_header_size"),
    "chunk size": (TEXT.encode() + b"Transfer-Encoding: chunked\r\n\r\n", b"0", 400, None),
    "chunk extension": (TEXT.encode() + b"Transfer-Encoding: chunked\r\n\r\n1;", b"e", 413, "max_chunk_extension_size"),
    "quoted chunk extension": (TEXT.encode() + b'Transfer-Encoding: chunked\r\n\r\n1;e="', b"e", 413,
                               "max_chunk_extension_size"),
    "trailer line": (TEXT.encode() + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"y", 431, "max_trailer_size"),
    "chunked body": (TEXT.encode() + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 413, "receive_buf_size"),
}


@pytest.mark.parametrize("single_bytes", [False, True], ids=["one piece", "single bytes"])
@pytest.mark.parametrize("name", ENDLESS)
def test_what_never_ends_is_refused_at_its_limit(server, name, single_bytes):
    begin, more, status, parameter = ENDLESS[name]
    mark = server.mark()
    with server.connect() as client:
        send(client, begin + more * (500 // len(more)), single_bytes)
        reply = client.read_reply("POST")
        assert reply.status == status and reply.closes(), reply
    if parameter:
        server.wait_log(f"parameter {parameter} of module httpd", since=mark)


def test_the_server_goes_on_after_all_that(server):
    assert server.ask("GET", "/describe").status == 200


# --- the values that stand in the guide, in one piece ---

DEFAULTS = {
    "request target": (target, 8192, 414),
    "header section": (header, 16384, 431),
    "header fields": (fields, 100, 431),
    "body": (CASES["body"][0], 1024, 413),
    "form field": (CASES["form field"][0], 1024, 413),
    "form fields": (lambda count: counted(FORM, "&".join(["a=1"] * count)), 1000, 413),
    "query fields": (lambda count: request("GET", "/describe?" + "&".join(["a=1"] * count), host="a"), 1000, 414),
    "chunk extension": (CASES["chunk extension"][0], 1024, 413),
    "trailer section": (trailer, 4096, 431),
    "trailer fields": (CASES["trailer fields"][0], 20, 431),
}


@pytest.fixture(scope="module")
def default_server(tmp_path_factory):
    with daemon.Daemon(tmp_path_factory.mktemp("defaults"), MODULES) as started:
        yield started


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_default(default_server, name):
    make, value, status = DEFAULTS[name]
    for size, expected in ((value, 200), (value + 1, status)):
        with default_server.connect() as client:
            send(client, make(size), False)
            assert client.read_reply("POST").status == expected
