# RFC 9112 sections 2 to 5, clause by clause: request lines, targets, Host, and field lines. docs/CONFORMANCE.md says
# which test shows which clause. SPDX-License-Identifier: GPL-2.0-or-later
import daemon
import pytest
from rawhttp import request

GET = b"GET /describe HTTP/1.1\r\nHost: localhost\r\n"
HIDDEN = b"GET /describe/hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with daemon.Daemon(tmp_path_factory.mktemp("message"), {daemon.CPP_PROBE: {}}) as started:
        yield started


@pytest.fixture
def client(server):
    with server.connect() as connected:
        yield connected


def assert_refused(client, message, status, single_bytes):
    """The status comes, the connection ends, and what was sent behind the message is not looked at."""
    try:
        client.send(message, 1 if single_bytes else None)
        client.send(HIDDEN)
    except (BrokenPipeError, ConnectionResetError):
        pass
    reply = client.read_reply(message.split(b" ")[0].decode("latin-1"))
    assert reply.status == status and reply.closes(), reply
    client.assert_closed()


def line(text):
    return text + b"\r\nHost: localhost\r\n\r\n"


REQUEST_LINES = {
    "nothing but blanks": (b" \t \r\n\r\n", 400),
    "blank before the method": (line(b" GET /describe HTTP/1.1"), 400),
    "two blanks before the target": (line(b"GET  /describe HTTP/1.1"), 400),
    "two blanks before the version": (line(b"GET /describe  HTTP/1.1"), 400),
    "blank behind the version": (line(b"GET /describe HTTP/1.1 "), 400),
    "tabs for blanks": (line(b"GET\t/describe\tHTTP/1.1"), 400),
    "vertical tab for a blank": (line(b"GET\x0b/describe HTTP/1.1"), 400),
    "form feed for a blank": (line(b"GET /describe\x0cHTTP/1.1"), 400),
    "CR for a blank": (line(b"GET\r/describe HTTP/1.1"), 400),
    "CR in the target": (line(b"GET /desc\rribe HTTP/1.1"), 400),
    "two CR at the end": (line(b"GET /describe HTTP/1.1\r"), 400),
    "bare LF at the end": (b"GET /describe HTTP/1.1\nHost: localhost\r\n\r\n", 400),
    "no target": (line(b"GET HTTP/1.1"), 400),
    "no version": (line(b"GET /describe"), 400),
    "HTTP/0.9": (b"GET /describe\r\n\r\n", 400),
    "method with a colon": (line(b"GE:T /describe HTTP/1.1"), 400),
    "method with a slash": (line(b"GE/T /describe HTTP/1.1"), 400),
    "method that is too long": (line(b"G" * 33 + b" /describe HTTP/1.1"), 501),
    "two digits of a minor version": (line(b"GET /describe HTTP/1.10"), 400),
    "two digits of a major version": (line(b"GET /describe HTTP/01.1"), 400),
    "no minor version": (line(b"GET /describe HTTP/1."), 400),
    "no major version": (line(b"GET /describe HTTP/.1"), 400),
    "comma in the version": (line(b"GET /describe HTTP/1,1"), 400),
    "sign in the version": (line(b"GET /describe HTTP/1.-1"), 400),
    "lower-case version": (line(b"GET /describe http/1.1"), 400),
    "another protocol": (line(b"OPTIONS sip:a@b SIP/2.0"), 400),
    "version 0.9": (line(b"GET /describe HTTP/0.9"), 505),
    "version 2.0": (line(b"GET /describe HTTP/2.0"), 505),
    "preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
}

TARGETS = {
    "NUL": b"/describe\0", "DEL": b"/describe\x7f", "control": b"/describe\x01", "byte above 127": b"/describe/\xe9",
    "UTF-8": "/describe/é".encode(), "quotation mark": b'/describe/"', "less than": b"/describe/<a>",
    "backslash": b"/describe\\..", "caret": b"/describe/^", "grave": b"/describe/`", "brace": b"/describe/{a}",
    "bar": b"/describe/a|b", "fragment": b"/describe#a", "fragment in the query": b"/describe?a#b",
    "escape of one digit": b"/describe/%4", "escape of no digit": b"/describe/%", "escape of other letters": b"/describe/%zz",
    "%00": b"/describe/%00", "%0d%0a": b"/describe/%0d%0aX:%20y", "%7f": b"/describe/%7f", "%2f": b"/describe/a%2Fb",
    "%5c": b"/describe/a%5cb", "dot": b"/describe/./a", "two dots": b"/describe/../calls",
    "encoded dots": b"/describe/%2e%2E/calls", "dots half encoded": b"/describe/.%2e", "overlong slash": b"/describe/%c0%af",
    "overlong slash of three bytes": b"/describe/%e0%80%af", "overlong NUL": b"/describe/%c0%80",
    "surrogate": b"/describe/%ed%a0%80", "beyond Unicode": b"/describe/%f4%90%80%80", "lone continuation": b"/describe/%80",
    "truncated UTF-8": b"/describe/%e2%82", "C1 control": b"/describe/%c2%85", "%00 in the query": b"/describe?a=%00",
    "no slash": b"describe", "query alone": b"?a=b", "relative": b"../describe", "authority-form with GET": b"localhost:80",
    "asterisk with GET": b"*", "asterisk and more": b"*/describe", "another scheme": b"ftp://localhost/describe",
    "scheme without authority": b"http:/describe", "empty authority": b"http:///describe",
    "user in the authority": b"http://user@localhost/describe", "port that is none": b"http://localhost:x/describe",
    "port that is too large": b"http://localhost:65536/describe", "unclosed IPv6 literal": b"http://[::1/describe",
    "list of authorities": b"http://a,b/describe",
}

HOSTS = {
    "empty": b"", "blank": b" ", "blank inside": b"a b", "list": b"a, b", "user": b"user@a", "path": b"a/b", "query": b"a?b",
    "fragment": b"a#b", "scheme": b"http://a", "port alone": b":80", "port that is none": b"a:b", "negative port": b"a:-1",
    "port that is too large": b"a:65536", "two ports": b"a:80:80", "unclosed IPv6 literal": b"[::1", "IPv6 without brackets":
    b"::1", "bad IPv6 literal": b"[::g]", "IPv6 of nine groups": b"[1:2:3:4:5:6:7:8:9]", "zone": b"[fe80::1%25eth0]",
    "quotation marks": b'"a"', "backslash": b"a\\b", "bad escape": b"%zz", "byte above 127": b"\xe9.example",
    "less than": b"<a>", "NUL": b"a\0b",
}

FIELDS = {
    "blank before the first field": b" X: y\r\n",
    "tab before the first field": b"\tX: y\r\n",
    "folded": b"X: a\r\n b\r\n",
    "folded with a tab": b"X: a\r\n\tb\r\n",
    "folded empty": b"X: a\r\n \r\n",
    "blank before the colon": b"X : y\r\n",
    "tab before the colon": b"X\t: y\r\n",
    "no colon": b"X\r\n",
    "no name": b": y\r\n",
    "blank in the name": b"X Y: z\r\n",
    "parenthesis in the name": b"X(: y\r\n",
    "quotation mark in the name": b'"X": y\r\n',
    "bracket in the name": b"X[]: y\r\n",
    "slash in the name": b"X/Y: z\r\n",
    "at sign in the name": b"X@Y: z\r\n",
    "byte above 127 in the name": b"X\xe9: y\r\n",
    "control in the name": b"X\x01: y\r\n",
    "NUL in the name": b"X\0: y\r\n",
    "NUL in the value": b"X: a\0b\r\n",
    "CR in the value": b"X: a\rb\r\n",
    "CR at the end of the value": b"X: a\r\r\n",
    "bare LF": b"X: a\nY: b\r\n",
    "bell in the value": b"X: \x07\r\n",
    "vertical tab in the value": b"X: a\x0bb\r\n",
    "form feed in the value": b"X: \x0c\r\n",
    "escape in the value": b"X: \x1b[31m\r\n",
    "DEL in the value": b"X: \x7f\r\n",
}


@pytest.mark.parametrize("single_bytes", [False, True], ids=["one piece", "single bytes"])
@pytest.mark.parametrize("name", REQUEST_LINES)
def test_request_lines_that_are_refused(client, name, single_bytes):
    assert_refused(client, *REQUEST_LINES[name], single_bytes)


@pytest.mark.parametrize("single_bytes", [False, True], ids=["one piece", "single bytes"])
@pytest.mark.parametrize("name", TARGETS)
def test_targets_that_are_refused(client, name, single_bytes):
    message = line(b"GET " + TARGETS[name] + b" HTTP/1.1")
    if name in ("%00 in the query",):  # the path is sound: only this request is refused
        client.send(message, 1 if single_bytes else None)
        assert client.read_reply().status == 400
        return
    assert_refused(client, message, 400, single_bytes)


@pytest.mark.parametrize("single_bytes", [False, True], ids=["one piece", "single bytes"])
@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
@pytest.mark.parametrize("name", HOSTS)
def test_hosts_that_are_refused(client, name, version, single_bytes):
    message = b"GET /describe HTTP/" + version + b"\r\nHost: " + HOSTS[name] + b"\r\n\r\n"
    assert_refused(client, message, 400, single_bytes)


@pytest.mark.parametrize("single_bytes", [False, True], ids=["one piece", "single bytes"])
@pytest.mark.parametrize("message", [
    b"GET /describe HTTP/1.1\r\n\r\n", GET + b"Host: localhost\r\n\r\n", GET + b"hOST: other\r\n\r\n",
    b"GET http://localhost/describe HTTP/1.1\r\n\r\n", b"GET http://localhost/describe HTTP/1.1\r\nHost: a/b\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\n\r\n"], ids=["none", "two", "two in other cases", "none beside an absolute target",
                                         "bad beside an absolute target", "none beside an asterisk"])
def test_one_host_is_needed(client, message, single_bytes):
    assert_refused(client, message, 400, single_bytes)


@pytest.mark.parametrize("single_bytes", [False, True], ids=["one piece", "single bytes"])
@pytest.mark.parametrize("name", FIELDS)
def test_field_lines_that_are_refused(client, name, single_bytes):
    if "first" in name:
        message = b"GET /describe HTTP/1.1\r\n" + FIELDS[name] + b"Host: localhost\r\n\r\n"
    else:
        message = GET + FIELDS[name] + b"\r\n"
    assert_refused(client, message, 400, single_bytes)


# --- what must be understood ---


def described(reply):
    assert reply.status == 200, reply
    return dict(entry.split(b"=", 1) for entry in reply.body.splitlines() if not entry.startswith(b"argument"))


VALUES = {
    "plain": (b"X-Probe: a", b"a"), "no blank": (b"X-Probe:a", b"a"), "blanks around": (b"X-Probe: \t a b\tc \t ", b"a b\tc"),
    "empty": (b"X-Probe:", b""), "blanks alone": (b"X-Probe: \t ", b""), "name in another case": (b"x-pROBE: a", b"a"),
    "bytes above 127": (b"X-Probe: \xe9\xff\x80", b"\xe9\xff\x80"), "every visible character": (
        b"X-Probe: !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
}


@pytest.mark.parametrize("single_bytes", [False, True], ids=["one piece", "single bytes"])
@pytest.mark.parametrize("name", VALUES)
def test_field_values(client, name, single_bytes):
    sent, seen = VALUES[name]
    assert described(client.ask(GET + sent + b"\r\n\r\n", 1 if single_bytes else None))[b"probe"] == seen
    client.assert_open()


@pytest.mark.parametrize("name", [b"!#$%&'*+-.^_`|~09azAZ", b"Content_Length", b"Transfer_Encoding"])
def test_field_names(client, name):
    """Every token is a name, and none is another one's in disguise."""
    assert client.ask(GET + name + b": 5\r\n\r\n").status == 200
    client.assert_open()


HOSTS_TAKEN = [b"localhost", b"LOCALHOST:8888", b"127.0.0.1", b"[::1]", b"[2001:db8::1]:80", b"[::ffff:192.0.2.1]", b"[v1.a:b]",
               b"a.example.", b"a:", b"%41.example", b"a_b", b"xn--bcher-kva.example"]


@pytest.mark.parametrize("host", HOSTS_TAKEN)
def test_hosts_that_are_taken(client, host):
    for target in (b"/describe", b"http://" + host + b"/describe"):
        assert client.ask(b"GET " + target + b" HTTP/1.1\r\nHost:\t" + host + b"\r\n\r\n").status == 200


def test_http_1_0_needs_no_host(client):
    assert client.ask(b"GET /describe HTTP/1.0\r\n\r\n").status == 200
    client.assert_closed()


@pytest.mark.parametrize("target", [b"http://other.example:1/describe/x?q", b"HTTP://other.example:1/describe/x?q"])
def test_absolute_targets_are_taken(client, target):
    """And their authority counts, whatever stands in Host."""
    seen = described(client.ask(b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    assert (seen[b"path"], seen[b"query"], seen[b"target"]) == (b"/x", b"q", target)
    assert seen[b"host"] == b"other.example:1"


def test_an_https_resource_is_not_served_without_tls(client):
    reply = client.ask(b"GET https://localhost/describe HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert reply.status == 421
    assert client.ask(GET + b"\r\n").status == 200


def test_the_asterisk_is_for_options(client):
    reply = client.ask(b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert reply.status == 204 and reply.tokens("Allow")
    client.assert_open()


@pytest.mark.parametrize("message", [b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n", line(b"get /describe HTTP/1.1"),
                                     line(b"GETX /describe HTTP/1.1"), line(b"G /describe HTTP/1.1"),
                                     line(b"M-SEARCH /describe HTTP/1.1"), line(b"!#$%&'*+-.^_`|~ /describe HTTP/1.1")])
def test_methods_that_are_not_known(client, message):
    """Names of methods are exact. The message is sound, so the connection goes on."""
    assert client.ask(message).status == 501
    assert client.ask(GET + b"\r\n").status == 200


@pytest.mark.parametrize("target", [b"localhost:", b"localhost", b":80", b"localhost:0x50", b"http://localhost/", b"*", b"/describe"])
def test_connect_wants_host_and_port(client, target):
    assert client.ask(b"CONNECT " + target + b" HTTP/1.1\r\nHost: localhost\r\n\r\n").status == 400


@pytest.mark.parametrize("single_bytes", [False, True], ids=["one piece", "single bytes"])
@pytest.mark.parametrize("lines", [1, 2, 10])
def test_empty_lines_before_a_request(client, lines, single_bytes):
    for _ in range(2):
        client.send(b"\r\n" * lines + GET + b"\r\n", 1 if single_bytes else None)
        assert client.read_reply().status == 200


def test_a_request_line_of_8000_bytes(client):
    size = 8000 - len("GET  HTTP/1.1")
    assert client.ask(request("GET", "/describe/" + "a" * (size - len("/describe/")))).status == 200


def test_escapes_are_decoded_once(client):
    seen = described(client.ask(line(b"GET /d%65scribe/%41%2542/%C3%A9;a=b HTTP/1.1")))
    assert seen[b"root"] == b"describe" and seen[b"path"] == "/A%42/é;a=b".encode()


def test_a_later_minor_version_is_taken_for_the_highest_known(client):
    for version in (b"1.2", b"1.9"):
        client.send(b"GET /describe HTTP/" + version + b"\r\nHost: localhost\r\n\r\n")
        assert client.read_reply().status == 200
    client.assert_open()
