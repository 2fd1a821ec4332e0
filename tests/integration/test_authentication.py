# Who does not know auth_username and auth_password learns nothing and reaches no handler.
# SPDX-License-Identifier: GPL-2.0-or-later
import base64
import subprocess

import daemon
import pytest
from rawhttp import request

USER, PASSWORD = "operator", "s3cret:with colon"
REALM = 'The "Box"'
CHALLENGE = 'Basic realm="The \\"Box\\"", charset="UTF-8"'


def basic(user=USER, password=PASSWORD):
    return "Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    modules = {"mi_http.so": {}, "hello_c.so": {}, "hello_cpp.so": {}}
    httpd = {"auth_username": USER, "auth_password": PASSWORD, "auth_realm": REALM,
             "max_auth_failures": 0}
    with daemon.Daemon(tmp_path_factory.mktemp("authentication"), modules, httpd) as started:
        yield started


@pytest.fixture
def client(server):
    with server.connect() as connected:
        yield connected


def assert_refused(reply):
    assert reply.status == 401, reply
    assert reply.field("WWW-Authenticate") == CHALLENGE


def test_the_right_ones_come_in(client):
    reply = client.ask(request("GET", "/hello?name=Ada", basic()))
    assert (reply.status, reply.body) == (200, b"Hello, Ada!\n")


@pytest.mark.parametrize("field", [
    None, basic(password="wrong"), basic(user="Operator"), basic(user=""), basic(password=""),
    "Authorization: Basic", "Authorization: Basic ====", "Authorization: Bearer s3cret", "Authorization:",
    basic().replace("Authorization", "Proxy-Authorization"), "Authorization: Basic " + "A" * 6000])
def test_others_do_not(client, field):
    reply = client.ask(request("GET", "/hello", *([] if field is None else [field])))
    assert_refused(reply)
    assert b"Hello" not in reply.body
    # The connection is good for another try.
    assert client.ask(request("GET", "/hello", basic())).status == 200


def test_two_fields_are_refused(client):
    assert_refused(client.ask(request("GET", "/hello", basic(), basic())))
    assert_refused(client.ask(request("GET", "/hello", basic(), basic(password="wrong"))))


@pytest.mark.parametrize("method, target", [
    ("GET", "/"), ("GET", "/nowhere"), ("GET", "/hello"), ("GET", "/%68ello"), ("GET", "http://localhost/hello"),
    ("OPTIONS", "*"), ("OPTIONS", "/hello"), ("DELETE", "/hello"), ("PUT", "/nowhere"), ("BREW", "/hello"),
    ("GET", "/hello/%zz")])
def test_strangers_learn_nothing_of_the_roots(client, method, target):
    reply = client.ask(request(method, target))
    assert reply.status in (400, 401) if "%zz" in target else reply.status == 401
    assert reply.field("Allow") is None


def test_head_has_the_same_fields_and_no_body(client):
    reply = client.ask(request("HEAD", "/hello"), method="HEAD")
    assert_refused(reply)
    assert reply.body == b""


def test_each_request_of_a_connection_is_asked(client):
    client.send(request("GET", "/hello?name=a", basic()) + request("GET", "/hello?name=b")
                + request("GET", "/hello?name=c", basic()))
    first, second, third = client.read_reply(), client.read_reply(), client.read_reply()
    assert first.body == b"Hello, a!\n"
    assert_refused(second)
    assert third.body == b"Hello, c!\n"


def test_a_body_is_dropped_and_not_asked_for(client):
    body = b'{"jsonrpc":"2.0","method":"ps","id":1}'
    head = f"POST /mi HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    client.send(head.encode() + b"\r\n" + body)
    reply = client.read_reply()
    assert_refused(reply)
    assert not reply.closes()
    client.send(head.encode() + b"Expect: 100-continue\r\n\r\n")
    reply = client.read_reply()
    assert_refused(reply)
    assert reply.interim == []
    assert reply.closes()


def test_a_large_body_is_not_read(server):
    with server.connect() as client:
        client.send(b"POST /mi HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                    b"Content-Length: 100000000\r\n\r\n")
        reply = client.read_reply()
        assert_refused(reply)
        assert reply.closes()


def test_curl_and_the_log(start):
    server = start({"hello_c.so": {}}, {"auth_username": USER, "auth_password": PASSWORD})
    url = f"http://127.0.0.1:{server.port}/hello?name=curl"
    done = subprocess.run(["curl", "-sS", "-w", "%{http_code}", "-u", f"{USER}:{PASSWORD}", url], capture_output=True,
                          text=True, timeout=20, check=True)
    assert done.stdout == "Hello, curl!\n200"
    done = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-u", "mallory:pa55word!", url],
                          capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout == "401"
    line = server.wait_log("401 The credentials are wrong")
    assert "WARNING" in line
    assert "parameters auth_username, auth_file and auth_token_file of module httpd say who may" in line
    for secret in (PASSWORD, "pa55word!", "mallory", basic().split()[-1]):
        assert secret not in server.log()


def test_failures_are_counted(start):
    server = start({"mi_http.so": {}, "hello_c.so": {}}, {"auth_username": "u", "auth_password": "p"})
    for _ in range(3):
        assert server.ask("GET", "/hello").status == 401
    call = b'{"jsonrpc":"2.0","method":"get_statistics","params":[["httpd:auth_failures"]],"id":1}'
    reply = server.ask("POST", "/mi", "Content-Type: application/json", basic("u", "p"), body=call)
    assert b'"httpd:auth_failures":3' in reply.body


@pytest.mark.parametrize("parameters, complaint", [
    ({"auth_username": "u"}, "there is no auth_password"),
    ({"auth_password": "p"}, "there is no auth_username"),
    ({"auth_username": "", "auth_password": "p"}, "auth_username is empty"),
    ({"auth_username": "a:b", "auth_password": "p"}, "holds a ':'"),
    ({"auth_username": "u\x01", "auth_password": "p"}, "control character"),
    ({"auth_realm": "a\x7fb"}, "control character")])
def test_half_settings_refuse_the_start(tmp_path, parameters, complaint):
    file = tmp_path / "httpd.cfg"
    file.write_text(daemon.config({"httpd.so": {"ip": "127.0.0.1", "port": daemon.free_port(), **parameters}}))
    done = daemon.run("-f", file)
    assert done.returncode != 0
    assert complaint in done.stderr


def test_a_password_in_clear_on_a_network_is_a_warning(start):
    server = start({}, {"ip": "0.0.0.0", "auth_username": "u", "auth_password": "p"})
    server.wait_log("passwords and tokens cross the network in clear")
    assert "without authentication" not in server.log()
