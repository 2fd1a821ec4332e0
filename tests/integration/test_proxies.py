# Behind proxies: the PROXY protocol and the Forwarded fields, believed from trusted proxies and from nobody else.
# SPDX-License-Identifier: GPL-2.0-or-later
import re
import shutil
import subprocess
import time

import daemon
import proxyheader
import pytest
import rawhttp
import rawtls
import unixsocket
from credentials import basic
from rawhttp import request

WHO = request("GET", "/who")
HELLO = {"hello_cpp.so": {}, "mi_http.so": {}, daemon.CPP_PROBE: {}}
HEADERS = {"line": proxyheader.line, "binary": proxyheader.binary}


def client_in(reply):
    assert reply.status == 200, reply
    return re.search(rb'client "(.*)"', reply.body)[1].decode()


@pytest.fixture
def serve(start):
    """A server with a listener for proxies; 127.0.0.1 and 127.0.0.5 are trusted. Returns it with that port."""

    def starter(tls=None, **more):
        port = daemon.free_port()
        scheme = "https" if tls else "http"
        given = {"listen": f"{scheme}://127.0.0.1:{port}?proxy_protocol=on", "trusted_proxies": "127.0.0.1, 127.0.0.5"}
        if tls:
            given |= {"tls_cert_file": tls.file, "tls_key_file": tls.key}
        server = start(HELLO, {**given, **more})
        return server, port

    return starter


@pytest.mark.parametrize("client", ["192.0.2.1", "2001:db8::7"])
@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("fragment", rawhttp.FRAGMENTS)
def test_the_header_says_who_it_is(serve, header, client, fragment):
    _, port = serve()
    with rawhttp.Client(port) as connection:
        connection.send(header(client) + WHO, fragment)
        assert client_in(connection.read_reply()) == client
        assert client_in(connection.ask(WHO)) == client, "and stays so"


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_the_header_comes_before_tls(serve, ec, header):
    _, port = serve(tls=ec)
    with rawtls.Client(port, rawtls.context(), handshake=False) as client:
        client.socket.sendall(header("192.0.2.1"))
        client.handshake()
        assert client_in(client.ask(WHO)) == "192.0.2.1"
    # In one piece with the first bytes of the handshake.
    with rawtls.Client(port, rawtls.context(), handshake=False) as client:
        try:
            client.tls.do_handshake()
        except OSError:
            pass
        client.socket.sendall(header("192.0.2.2") + client.outgoing.read())
        client.handshake()
        assert client_in(client.ask(WHO)) == "192.0.2.2"


def test_nobody_else_is_believed(serve):
    server, port = serve()
    for header in (proxyheader.line("192.0.2.1"), proxyheader.binary("192.0.2.1")):
        with rawhttp.Client(port, source="127.0.0.6") as client:
            client.send(header + WHO)
            assert client.read_reply().status == 400
        with server.connect() as client:
            client.send(header + WHO)
            assert client.read_reply().status == 400, "another listener does not expect it"
    with rawhttp.Client(port, source="127.0.0.6") as client:
        assert client_in(client.ask(WHO)) == "127.0.0.6", "who is no proxy speaks for himself"


@pytest.mark.parametrize("junk", [
    WHO, b"PROXY TCP4 999.1.1.1 127.0.0.1 1 2\r\n", b"PROXY TCP4 192.0.2.1 127.0.0.1 1\r\n" + WHO, b"PROXY\r\n",
    b"PROXY TCP4 " + b"1" * 200, proxyheader.command(0x21, 0x11, b"short"), proxyheader.command(0x2F, 0x11, b"x" * 12),
    proxyheader.command(0x21, 0x00, b"x" * 60000), b"\x16\x03\x01\x02\x00\x01\x00\x01", b"\0"])
def test_a_proxy_that_does_not_say_is_refused(serve, junk):
    server, port = serve()
    with rawhttp.Client(port) as client:
        client.send(junk)
        reply = client.read_reply()
        assert (reply.status, reply.closes()) == (400, True)
    line = server.wait_log("400 The PROXY header is missing or malformed")
    assert "parameter listen of module httpd" in line


def test_a_broken_header_before_tls_is_the_end(serve, ec):
    server, port = serve(tls=ec)
    with rawhttp.Client(port) as client:
        client.send(b"PROXY TCP4 junk\r\n")
        client.assert_closed()
    server.wait_log("400 The PROXY header is missing or malformed")


def test_a_header_that_never_ends(serve):
    server, port = serve(header_timeout=1)
    with rawhttp.Client(port) as client:
        client.send(b"PROXY TCP4 192.0.2.1")
        begin = time.monotonic()
        assert client.read_reply().status == 408
        assert 0.8 < time.monotonic() - begin < 2.5
    with rawhttp.Client(port) as client:
        client.send(b"PROXY TCP4 192.0.2.1")
        client.end_sending()
        assert client.read_reply().status == 400
    assert server.ask("GET", "/who").status == 200


def test_a_proxy_that_asks_for_itself(serve):
    _, port = serve()
    with rawhttp.Client(port) as client:
        client.send(proxyheader.command(0x20, 0, b"") + WHO)
        assert client_in(client.read_reply()) == "127.0.0.1"
    for unknown in (b"PROXY UNKNOWN\r\n", proxyheader.command(0x21, 0, b"")):
        with rawhttp.Client(port) as client:
            client.send(unknown + WHO)
            assert client_in(client.read_reply()) == ""


def test_rules_are_about_the_client_and_not_the_proxy(serve):
    server, port = serve(access=["root=who; allow=127.0.0.1,192.0.2.0/24", "deny=198.51.100.0/24"])
    for ip, status in (("192.0.2.1", 200), ("127.0.0.1", 200), ("203.0.113.1", 403), ("198.51.100.1", 403)):
        with rawhttp.Client(port) as client:
            client.send(proxyheader.line(ip) + WHO)
            assert client.read_reply().status == status, ip
    with rawhttp.Client(port) as client:
        client.send(b"PROXY UNKNOWN\r\n" + WHO)
        assert client.read_reply().status == 403, "nobody knows that it may"
    server.wait_log(re.compile(r"198\.51\.100\.1:4711: 403 This address has no access"))


def test_a_door_that_is_shut_for_the_client_is_open_for_its_proxy(serve):
    _, port = serve(access="allow=192.0.2.1")
    with rawhttp.Client(port) as client:
        client.send(proxyheader.line("192.0.2.1") + WHO)
        assert client.read_reply().status == 200
    with rawhttp.Client(port) as client:
        client.send(proxyheader.line("192.0.2.2"))
        reply = client.read_reply()
        assert (reply.status, reply.closes()) == (403, True)


def test_limits_are_the_clients(serve):
    _, port = serve(max_client_connections=2, max_connections=20)
    kept = []
    for _ in range(2):
        kept.append(rawhttp.Client(port))
        kept[-1].send(proxyheader.line("192.0.2.1") + WHO)
        assert kept[-1].read_reply().status == 200
    with rawhttp.Client(port) as client:
        client.send(proxyheader.line("192.0.2.1"))
        assert client.read_reply().status == 503
    with rawhttp.Client(port) as client:
        client.send(proxyheader.line("192.0.2.2") + WHO)
        assert client.read_reply().status == 200, "another client of the same proxy"
    kept.pop().close()
    time.sleep(0.1)
    with rawhttp.Client(port) as client:
        client.send(proxyheader.line("192.0.2.1") + WHO)
        assert client.read_reply().status == 200


FORWARDED = [
    (["X-Forwarded-For: 192.0.2.1"], "192.0.2.1"),
    (["X-Forwarded-For: 10.9.9.9, 192.0.2.1"], "192.0.2.1"),
    (["X-Forwarded-For: 192.0.2.1, 127.0.0.5"], "192.0.2.1"),
    (["X-Forwarded-For: 127.0.0.1", "X-Forwarded-For: 192.0.2.1"], "192.0.2.1"),
    (['Forwarded: for=10.9.9.9, for="[2001:db8::1]:80";proto=https'], "2001:db8::1"),
    (["X-Forwarded-For: unknown"], ""),
    ([], "127.0.0.1")]


@pytest.mark.parametrize("fields, expected", FORWARDED)
def test_trusted_proxies_say_whom_they_forward_for(serve, fields, expected):
    server, _ = serve()
    assert client_in(server.ask("GET", "/who", *fields)) == expected
    with server.connect(source="127.0.0.6") as stranger:
        assert client_in(stranger.ask(request("GET", "/who", *fields))) == "127.0.0.6"


def test_a_field_that_is_not_the_proxys(serve):
    server, _ = serve()
    both = ["X-Forwarded-For: 192.0.2.1", "Forwarded: for=127.0.0.1"]
    assert server.ask("GET", "/who", *both).status == 400
    assert "forwarded_header" in server.wait_log("400 There are Forwarded and X-Forwarded-For")
    assert server.ask("GET", "/who", "X-Forwarded-For: <script>").status == 400
    server, _ = serve(forwarded_header="X-Forwarded-For")
    assert client_in(server.ask("GET", "/who", *both)) == "192.0.2.1"
    server, _ = serve(forwarded_header="none")
    assert client_in(server.ask("GET", "/who", *both)) == "127.0.0.1"


def test_each_request_of_a_proxys_connection_is_somebody_elses(serve):
    server, _ = serve(auth_username="u", auth_password="p", max_auth_failures=1, auth_failure_delay=3600,
                      access="root=who; deny=192.0.2.9")
    ask = [request("GET", "/who", f"X-Forwarded-For: {ip}", basic("u", password)) for ip, password in (
        ("192.0.2.1", "p"), ("192.0.2.9", "p"), ("192.0.2.2", "wrong"), ("192.0.2.2", "p"), ("192.0.2.3", "p"))]
    with server.connect() as client:
        client.send(b"".join(ask))
        assert [client.read_reply().status for _ in ask] == [200, 403, 401, 429, 200]
    server.wait_log(re.compile(r"192\.0\.2\.9 \(through 127\.0\.0\.1:\d+\): 403"))


def test_rates_are_the_clients(serve):
    server, _ = serve(max_request_rate=1, max_request_burst=2)
    with server.connect() as client:
        for ip in ("192.0.2.1", "192.0.2.2"):
            ask = request("GET", "/who", f"X-Forwarded-For: {ip}")
            assert [client.ask(ask).status for _ in range(3)] == [200, 200, 429]


def test_a_proxy_on_a_unix_socket(start, tmp_path):
    path = tmp_path / "httpd.sock"
    server = start(HELLO, {"listen": f"unix:{path}?proxy_protocol=on", "trusted_proxies": "unix",
                           "access": "root=who; deny=192.0.2.9"})
    for ip, status in (("192.0.2.1", 200), ("192.0.2.9", 403)):
        with unixsocket.UnixClient(path) as client:
            client.send(proxyheader.binary(ip) + WHO)
            assert client.read_reply().status == status
    with unixsocket.UnixClient(path) as client:
        client.send(proxyheader.line("192.0.2.1") + request("GET", "/who", "X-Forwarded-For: 203.0.113.1"))
        assert client_in(client.read_reply()) == "192.0.2.1", "who is no proxy himself is not believed"
    with unixsocket.UnixClient(path) as client:
        client.send(WHO)
        assert client.read_reply().status == 400
    server.wait_log(re.compile(r"192\.0\.2\.9:4711: 403"))


def test_limits_of_a_proxy_that_says_nothing(serve):
    """Trust alone takes no limit away."""
    server, port = serve(max_request_rate=1, max_request_burst=2, max_client_connections=2, forwarded_header="none")
    with server.connect() as one, server.connect() as two:
        assert [one.ask(WHO).status, two.ask(WHO).status, one.ask(WHO).status] == [200, 200, 429]
        with server.connect(), server.connect() as four:  # one place stays for this machine
            assert four.read_reply().status == 503
    with rawhttp.Client(port) as client:
        client.send(b"PROXY UNKNOWN\r\n" + WHO * 3)
        assert [client.read_reply().status for _ in range(3)] == [200, 200, 429], "who is unknown is somebody"


@pytest.mark.parametrize("given, complaint", [
    ({"listen": "http://127.0.0.1:1?proxy_protocol=on"}, "nobody is trusted to use it: set trusted_proxies"),
    ({"listen": "http://127.0.0.1:1?proxy_protocol=maybe"}, "neither on nor off"),
    ({"trusted_proxies": "proxy.example"}, "trusted_proxies"),
    ({"forwarded_header": "Via"}, "forwarded_header")])
def test_half_a_configuration_refuses_the_start(tmp_path, given, complaint):
    file = tmp_path / "httpd.cfg"
    file.write_text(daemon.config({"httpd.so": given}))
    done = daemon.run("-f", file, "-c")
    assert done.returncode != 0
    assert complaint in done.stderr


HAPROXY = """
defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
frontend v1
  bind 127.0.0.1:{ports[0]}
  default_backend v1
backend v1
  server one 127.0.0.1:{proxied} send-proxy
frontend v2
  bind 127.0.0.1:{ports[1]}
  default_backend v2
backend v2
  server one 127.0.0.1:{proxied} send-proxy-v2 check
frontend xff
  bind 127.0.0.1:{ports[2]}
  option forwardfor
  default_backend plain
backend plain
  server one 127.0.0.1:{plain}
"""


@pytest.mark.skipif(shutil.which("haproxy") is None, reason="haproxy is not installed")
def test_haproxy_in_front(serve, tmp_path):
    # Only the address of HAProxy's own connections is trusted: whoever asks it comes from another one.
    server, proxied = serve(trusted_proxies="127.0.0.1", access="root=hello-cpp; deny=127.0.0.7")
    ports = [daemon.free_port() for _ in range(3)]
    file = tmp_path / "haproxy.cfg"
    file.write_text(HAPROXY.format(ports=ports, proxied=proxied, plain=server.port))
    haproxy = subprocess.Popen(["haproxy", "-db", "-f", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for port in ports:
            deadline = time.monotonic() + 10
            while True:
                try:
                    rawhttp.Client(port).close()
                    break
                except OSError:
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
            for source in ("127.0.0.7", "127.0.0.8"):
                with rawhttp.Client(port, source=source) as client:
                    assert client_in(client.ask(request("GET", "/who", "X-Forwarded-For: 127.0.0.1"))) == source
                    assert client.ask(request("GET", "/hello-cpp")).status == (403 if source == "127.0.0.7" else 200)
    finally:
        haproxy.kill()
        haproxy.wait()
