# The rules of access: who is refused, with which status, and that nothing refused reaches a handler.
# SPDX-License-Identifier: GPL-2.0-or-later
import re
import subprocess
import time

import daemon
import pytest
from credentials import basic
from rawhttp import chunked, request

USER = basic("operator", "s3cret-pass")
AUTH = {"auth_username": "operator", "auth_password": "s3cret-pass"}
MODULES = {"mi_http.so": {}, "hello_c.so": {}, "hello_cpp.so": {}, daemon.CPP_PROBE: {}}


# Ways to write one path. Those that are refused by their form are no way round a rule either.
PATHS = ["/calls", "/calls/", "/calls/x", "/%63alls", "/c%61lls/y", "/calls?x=1", "/calls/..%2fcalls", "/./calls",
         "//calls", "/calls//", "/calls/../calls", "/%2fcalls", "/calls%00", "/calls;x", "/calls%2f", "/CALLS",
         "http://localhost/calls", "HTTP://localhost/calls", "http://127.0.0.1/%63alls", "http://localhost//calls",
         "https://localhost/calls", "/calls#x", "*", "/hello/../calls", "\\calls", "/calls\\..", "/%c0%afcalls"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    httpd = {**AUTH, "max_auth_failures": 0, "workers": None,
             "access": ["root=hello; auth=off", "root=calls; allow=127.0.0.1,127.0.0.9; deny=127.0.0.3"]}
    with daemon.Daemon(tmp_path_factory.mktemp("access"), MODULES, httpd) as started:
        yield started


def counted(server):
    """How many POST requests have reached the handler."""
    with server.connect(source="127.0.0.9") as client:
        return int(client.ask(request("GET", "/calls", USER)).body)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["POST", "HEAD", "GET"])
def test_no_way_to_write_a_path_leads_round_a_rule(server, path, method):
    before = counted(server)
    for source, field in (("127.0.0.1", None), ("127.0.0.2", USER), ("127.0.0.3", USER)):
        with server.connect(source=source) as client:
            # The first request is allowed, and what is behind it in the same piece is not.
            body = b"x" if method == "POST" else None
            client.send(request("GET", "/hello?name=x")
                        + request(method, path, *([field] if field else []), body=body))
            assert client.read_reply().status == 200
            reply = client.read_reply(method)
            assert reply.status in (400, 401, 403, 404, 421, 501), reply
            if path in PATHS[:3]:
                assert reply.status == (401 if field is None else 403)
            assert not (reply.status == 200)
    assert counted(server) == before


@pytest.mark.parametrize("framing", ["length", "chunked", "expect", "large"])
@pytest.mark.parametrize("source, field, status", [
    ("127.0.0.1", None, 401), ("127.0.0.1", basic("operator", "no"), 401), ("127.0.0.2", USER, 403)])
def test_bodies_of_the_refused_are_not_requests(server, framing, source, field, status):
    """A body that looks like a request, of one who has not shown who he is, is none."""
    before = counted(server)
    inner = request("POST", "/calls", USER, body=b"x")
    fields = [field] if field else []
    with server.connect(source=source) as client:
        if framing == "chunked":
            client.send(request("POST", "/calls", *fields, "Transfer-Encoding: chunked") + chunked(inner, 10))
        elif framing == "expect":
            client.send(request("POST", "/calls", *fields, "Expect: 100-continue",
                                f"Content-Length: {len(inner)}") + inner)
        elif framing == "large":
            client.send(request("POST", "/calls", *fields, "Content-Length: 1000000") + inner)
        else:
            client.send(request("POST", "/calls", *fields, body=inner))
        reply = client.read_reply("POST")
        assert reply.status == status
        if reply.closes():
            client.end_sending()
            client.assert_closed()
        else:
            assert client.ask(request("GET", "/hello?name=x")).status == 200
    assert counted(server) == before


def test_a_kept_connection_is_asked_each_time(server):
    with server.connect(source="127.0.0.2") as client:
        for _ in range(3):
            assert client.ask(request("GET", "/hello")).status == 200
            assert client.ask(request("GET", "/calls", USER)).status == 403
            assert client.ask(request("GET", "/calls")).status == 403, "the address comes before the credentials"
            assert client.ask(request("GET", "/who")).status == 401
            assert client.ask(request("GET", "/who", USER)).status == 200


def test_the_log_names_the_parameter(server):
    time.sleep(1.1)  # the tests before this one may have used up the lines of a second
    with server.connect(source="127.0.0.3") as client:
        client.ask(request("GET", "/calls?now", USER))
    server.wait_log(re.compile(r'127\.0\.0\.3:\d+: 403 This address has no access; request "GET /calls\?now HTTP/1.1"; '
                               r"parameter access of module httpd says who may"))


def test_strangers_do_not_get_past_the_door(start):
    server = start(MODULES, {"access": "allow=127.0.0.9"})
    with server.connect(source="127.0.0.2") as client:
        # Before it has said a word.
        reply = client.read_reply()
        assert (reply.status, reply.closes()) == (403, True)
    with server.connect(source="127.0.0.9") as client:
        call = b'{"jsonrpc":"2.0","method":"get_statistics","params":[["httpd:access_refusals"]],"id":1}'
        reply = client.ask(request("POST", "/mi", "Content-Type: application/json", body=call))
        assert b'"httpd:access_refusals":1' in reply.body


def test_a_door_with_tls(start, ec):
    server = start(MODULES, {"access": "allow=127.0.0.9", "tls_cert_file": ec.file, "tls_key_file": ec.key})
    with server.connect(source="127.0.0.2") as client:
        assert client.read_reply().status == 403
    with server.connect(source="127.0.0.9") as client:
        assert client.ask(request("GET", "/hello")).status == 200


def test_unix_sockets_are_named(start, tmp_path):
    path = tmp_path / "httpd.sock"
    rules = ["root=hello; allow=127.0.0.1", "root=who; allow=127.0.0.1,unix", "root=calls; deny=unix"]
    server = start(MODULES, {"listen": f"unix:{path}", "access": rules})
    for root, expected in (("hello", "403"), ("who", "200"), ("calls", "403"), ("fields", "200")):
        done = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket", str(path),
                               f"http://localhost/{root}"], capture_output=True, text=True, timeout=20, check=True)
        assert done.stdout == expected, root
    assert server.ask("GET", "/hello").status == 200


def test_a_client_certificate_instead_of_a_password(start, ec, authority):
    probe = authority.issue("probe", names=[], purpose="clientAuth")
    server = start(MODULES, {**AUTH, "tls_cert_file": ec.file, "tls_key_file": ec.key,
                             "tls_ca_file": authority.certificate, "tls_verify_client": "optional",
                             "access": ["root=who; client_cert=on; auth=off", "root=hello; client_cert=on"]})
    base = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", str(authority.certificate)]
    shown = ["--cert", str(probe.file), "--key", str(probe.key)]

    def ask(root, *options):
        return subprocess.run([*base, *options, f"https://localhost:{server.port}/{root}"], capture_output=True,
                              text=True, timeout=20, check=True).stdout

    assert ask("who") == "403"
    assert ask("who", *shown) == "200"
    assert ask("hello", "-u", "operator:s3cret-pass") == "403"
    assert ask("hello", *shown) == "401"
    assert ask("hello", *shown, "-u", "operator:s3cret-pass") == "200"
    assert "403 A TLS client certificate is needed" in server.log()


@pytest.mark.parametrize("origin, host, status", [
    ("http://own.test:99", "own.test:99", 200), ("http://OWN.test", "own.test:80", 200),
    ("https://own.test", "own.test", 200), ("http://own.test:98", "own.test:99", 403), ("null", "own.test", 403),
    ("http://own.test.evil", "own.test", 403), ("", "own.test", 403)])
def test_a_page_of_the_server_itself(server, origin, host, status):
    for method in ("GET", "POST"):
        reply = server.ask(method, "/calls", f"Origin: {origin}", USER, host=host, body=b"x" if method == "POST" else None)
        assert reply.status == (200 if method == "GET" else status)
    assert server.ask("POST", "/calls", USER, "Sec-Fetch-Site: cross-site", body=b"x").status == 403


CORS = {"access": ["root=calls; cors_origins=https://console.example, http://localhost:3000", "root=who; cors_origins=*"]}


def test_allowed_origins_and_their_preflights(start):
    server = start(MODULES, {**CORS, **AUTH, "max_auth_failures": 0})
    preflight = ["Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization,content-type"]
    reply = server.ask("OPTIONS", "/calls", "Origin: https://console.example", *preflight)
    assert (reply.status, reply.body) == (204, b"")
    assert reply.field("Access-Control-Allow-Origin") == "https://console.example"
    assert reply.field("Access-Control-Allow-Methods") == "GET, HEAD, POST, OPTIONS"
    assert reply.field("Access-Control-Allow-Headers") == "authorization,content-type"
    assert reply.field("Access-Control-Allow-Credentials") == "true"
    assert reply.field("Access-Control-Max-Age") == "600"
    assert reply.field("Vary") == "Origin"
    for origin in ("https://console.example:444", "http://console.example", "https://evil.example", "null"):
        reply = server.ask("OPTIONS", "/calls", f"Origin: {origin}", *preflight)
        assert (reply.status, reply.field("Access-Control-Allow-Origin")) == (401, None), "strangers learn nothing"
        reply = server.ask("OPTIONS", "/calls", f"Origin: {origin}", USER, *preflight)
        assert (reply.status, reply.field("Access-Control-Allow-Origin")) == (403, None)
    for host in ("localhost", "x"):
        reply = server.ask("OPTIONS", "/describe", f"Origin: http://{host}", *preflight, host=host)
        assert (reply.status, reply.field("Allow")) == (401, None), "who calls himself a page of the server's own"
    reply = server.ask("POST", "/calls", "Origin: http://localhost:3000", USER, body=b"x")
    assert (reply.status, reply.field("Access-Control-Allow-Origin")) == (200, "http://localhost:3000")
    reply = server.ask("POST", "/calls", "Origin: http://localhost:3000", body=b"x")
    assert (reply.status, reply.field("Access-Control-Allow-Origin")) == (401, "http://localhost:3000")
    reply = server.ask("GET", "/calls", USER)
    assert (reply.field("Vary"), reply.field("Access-Control-Allow-Origin")) == ("Origin", None)
    reply = server.ask("GET", "/who", "Origin: https://any.example", USER)
    assert (reply.field("Access-Control-Allow-Origin"), reply.field("Access-Control-Allow-Credentials")) == ("*", None)
    assert server.ask("POST", "/describe", "Origin: https://console.example", USER, body=b"").status == 403
    assert server.ask("OPTIONS", "/calls", USER).field("Allow") == "GET, HEAD, POST, OPTIONS"


@pytest.mark.parametrize("host, status", [
    ("mi.example", 200), ("MI.example:1234", 200), ("a.voip.example", 200), ("[::1]:8888", 200), ("mi.example.", 200),
    ("evil.example", 421), ("localhost", 421), ("127.0.0.1", 421), ("mi.example.evil", 421), ("[::1]", 421),
    ("xmi.example", 421)])
def test_only_the_servers_own_names_are_answered(start_hosts, host, status):
    assert start_hosts.ask("GET", "/hello", host=host).status == status
    target = f"http://{host}/hello"
    assert start_hosts.ask("GET", target, host="mi.example").status == status, "a target's host goes before Host"


@pytest.fixture(scope="module")
def start_hosts(tmp_path_factory):
    httpd = {"allowed_hosts": ["mi.example, *.voip.example", "[::1]:8888"]}
    with daemon.Daemon(tmp_path_factory.mktemp("hosts"), MODULES, httpd) as started:
        yield started


def test_a_request_without_a_host_has_no_name(start_hosts):
    assert start_hosts.ask("GET", "/hello", host=None, version="1.0").status == 421
    assert 'host "evil"' in (start_hosts.ask("GET", "/hello", host="evil"), start_hosts.wait_log('host "evil"'))[1]


@pytest.mark.parametrize("rules, complaint", [
    ("nonsense", "has no value"), ("root=metrics; auth=off", 'there is no root path "metrics"; the roots are: mi'),
    ("allow=localhost", "is neither an address"), (["auth=off", "auth=off"], "is set by two lines"),
    ("client_cert=on", "needs tls_ca_file"), ("root=mi; colour=red", "colour is no key")])
def test_rules_that_make_no_sense_refuse_the_start(tmp_path, rules, complaint):
    file = tmp_path / "httpd.cfg"
    file.write_text(daemon.config({"httpd.so": {"ip": "127.0.0.1", "port": daemon.free_port(), "access": rules},
                                   "mi_http.so": {}}))
    for options in ([], ["-c"]):
        done = daemon.run("-f", file, *options)
        assert done.returncode != 0
        assert complaint in done.stderr


def test_rules_keep_the_warning_away(start):
    assert "without authentication" not in start({}, {"ip": "0.0.0.0", "access": "allow=127.0.0.0/8"}).log()
    server = start({}, {"ip": "0.0.0.0", "access": "deny=192.0.2.1"})
    server.wait_log("without authentication")
