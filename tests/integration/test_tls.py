# HTTPS as its clients meet it: what is spoken on which port, what is agreed on, and large messages.
# SPDX-License-Identifier: GPL-2.0-or-later
import hashlib
import random
import ssl
import subprocess
import time

import daemon
import pytest
import rawhttp
import rawtls
from certificates import DEFAULT_CIPHERS, SUGGESTED_CIPHERS, parameters
from rawhttp import BadReply, request

TEXT = "Content-Type: text/plain"
PLAIN_HTTP = b"This port speaks HTTPS, and this request came in plain HTTP"
PATTERN = b"0123456789abcdefghijklmnopqrstuvwxyz\n"


def run(*command, text="", timeout=20):
    """Runs a client to its end and returns it; its errors stand in its output."""
    return subprocess.run([str(part) for part in command], input=text.encode(), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=timeout, check=False)


def s_client(server, *options, text=""):
    """Output of openssl s_client. With a `text` it stays until the server ends the connection."""
    done = run("openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", *options,
               *(["-ign_eof"] if text else []), text=text)
    return done.stdout.decode("utf-8", "replace")


def curl(server, authority, *options, path="/hello-cpp"):
    return run("curl", "-sS", "--max-time", 15, "--cacert", authority.certificate, *options,
               f"https://localhost:{server.port}{path}")


@pytest.fixture
def serve(start, ec):
    """Starts a daemon that serves HTTPS with these parameters beside a certificate."""
    def starter(certificate=ec, **more):
        return start({"mi_http.so": {}, "hello_cpp.so": {}, daemon.CPP_PROBE: {}}, parameters(certificate, **more))

    return starter


def facts(text):
    """What the probe tells of a request's TLS session."""
    return dict(line.split("=", 1) for line in text.decode().splitlines())


# --- which port speaks what ---


def test_ip_and_port_speak_https(serve, authority):
    server = serve()
    assert f"listening on https://127.0.0.1:{server.port}; " in server.log()
    done = curl(server, authority)
    assert (done.returncode, done.stdout) == (0, b"Hello, world!\n")
    assert server.mi("get_statistics", {"statistics": ["tls_handshakes", "tls_failures"]}) == {
        "httpd:tls_handshakes": 2, "httpd:tls_failures": 0}


def test_clients_that_do_not_know_the_authority_are_not_fooled(serve, foreign_authority):
    server = serve()
    assert curl(server, foreign_authority).returncode == 60
    assert server.ask("GET", "/hello-cpp").status == 200


@pytest.mark.parametrize("message", [
    request("GET", "/hello-cpp"), request("GET", "/hello-cpp", version="1.0"),
    request("POST", "/hello-cpp", TEXT, body=b"x" * 500), request("POST", "/hello-cpp", body=b"x" * 300_000),
    b"\r\n" + request("OPTIONS", "*"), b"get / HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
], ids=["GET", "1.0", "POST", "large", "empty-line", "lower-case", "h2"])
def test_plain_http_to_the_https_port_is_told_so_at_once(serve, message):
    server = serve()
    for fragment in (None, 1) if len(message) < 300 else (None,):
        with rawhttp.Client(server.port) as client:
            started = time.monotonic()
            try:
                client.send(message, fragment)
            except (BrokenPipeError, ConnectionResetError):
                pass  # answered before the end of the request
            reply = client.read_reply()
            assert (reply.status, reply.closes()) == (400, True)
            assert PLAIN_HTTP in reply.body
            client.end_sending()
            client.assert_closed(1)
            assert time.monotonic() - started < 2
    server.wait_log(PLAIN_HTTP.decode())
    assert server.mi("get_statistics", {"statistics": ["tls_failures"]})["httpd:tls_failures"] >= 1


def test_curl_gets_the_plain_400(serve):
    server = serve()
    done = run("curl", "-sS", "-w", "%{http_code}", f"http://127.0.0.1:{server.port}/hello-cpp")
    assert done.returncode == 0
    assert PLAIN_HTTP in done.stdout and done.stdout.endswith(b"400")


def test_plain_http_is_never_handled(serve):
    server = serve()
    with rawhttp.Client(server.port) as client:
        assert client.ask(request("POST", "/calls", body=b"")).status == 400
    assert server.ask("GET", "/calls").body == b"0"


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_absolute_targets(serve, scheme):
    with serve().connect() as client:
        assert client.ask(request("GET", f"{scheme}://localhost/hello-cpp")).status == 200


def test_https_to_a_plain_port_is_answered(start, authority):
    server = start({"hello_cpp.so": {}})
    started = time.monotonic()
    assert curl(server, authority).returncode == 35  # CURLE_SSL_CONNECT_ERROR, and no time-out
    assert "wrong version number" in s_client(server)
    with pytest.raises(ssl.SSLError):
        rawtls.Client(server.port)
    assert time.monotonic() - started < 5
    with server.connect() as client:
        client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xa5" * 506)
        assert client.read_reply().status == 400
        client.assert_closed()


def test_several_listeners_at_once(start, ec, authority, public_folder):
    plain, ipv6 = daemon.free_port(), daemon.free_port()
    socket_file = public_folder / "httpd.sock"
    listeners = [f"http://127.0.0.1:{plain}", f"unix:{socket_file}"]
    if daemon.has_ipv6():
        listeners.append(f"https://[::1]:{ipv6}")
    server = start({"mi_http.so": {}, daemon.CPP_PROBE: {}},
                   parameters(ec, ip="127.0.0.1", port=daemon.free_port(), listen=listeners))
    with server.connect() as secure, rawhttp.Client(plain) as clear:
        for _ in range(2):
            assert facts(secure.ask(request("GET", "/tls")).body)["version"] == "TLS1.2"
            assert clear.ask(request("GET", "/tls")).body == b"none\n"
    local = ["curl", "-sS", "--unix-socket", socket_file]
    assert run(*local, "http://localhost/tls").stdout == b"none\n"
    assert run(*local, "-k", "https://localhost/tls").returncode == 35
    if daemon.has_ipv6():
        done = run("curl", "-sS", "--cacert", authority.certificate, f"https://[::1]:{ipv6}/tls")
        assert facts(done.stdout)["version"] == "TLS1.2"
        with rawhttp.Client(ipv6, host="::1") as client:
            assert client.ask(request("GET", "/tls")).status == 400


def test_a_certificate_without_a_tls_listener_is_warned_of(start, ec):
    port = daemon.free_port()
    server = start({"hello_cpp.so": {}},
                   parameters(ec, ip=None, port=None, listen=[f"http://127.0.0.1:{port}"]))
    server.wait_log("no listener speaks TLS")
    with rawhttp.Client(port) as client:
        assert client.ask(request("GET", "/hello-cpp")).status == 200


# --- what is agreed on ---


@pytest.mark.parametrize(("kind", "suites"), [
    ("ec", {"ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"}),
    ("rsa", {"ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305"})])
def test_the_default_string_is_tls_1_2_with_strong_suites(serve, request, kind, suites):
    server = serve(request.getfixturevalue(kind))
    with server.connect() as client:
        assert client.tls.version() == "TLSv1.2"
        assert client.tls.cipher()[0] in suites
        told = facts(client.ask(rawhttp.request("GET", "/tls")).body)
    assert told["version"] == "TLS1.2"
    assert told["suite"].startswith(f"TLS_ECDHE_{'ECDSA' if kind == 'ec' else 'RSA'}_")
    with pytest.raises(ssl.SSLError, match="(?i)alert"):
        server.connect(settings=rawtls.context(version=ssl.TLSVersion.TLSv1_3))
    for old in ("-tls1", "-tls1_1"):
        assert "alert protocol version" in s_client(server, old, "-cipher", "ALL:@SECLEVEL=0")
    server.wait_log("TLS handshake failed")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("ciphers", [SUGGESTED_CIPHERS, "NORMAL"])
def test_other_strings_let_tls_1_3_in(serve, ciphers, version):
    server = serve(tls_ciphers=ciphers)
    with server.connect(settings=rawtls.context(version=version)) as client:
        told = facts(client.ask(request("GET", "/tls")).body)
        assert told["version"] == client.tls.version().replace("v", "")
        assert told["name"] == "localhost"
        assert told["subject"] == told["issuer"] == told["serial"] == told["fingerprint"] == ""


@pytest.mark.parametrize(("option", "version"), [(["--tlsv1.3"], "TLS1.3"), (["--tls-max", "1.2"], "TLS1.2")])
def test_curl_with_either_version(serve, authority, option, version):
    done = curl(serve(tls_ciphers=SUGGESTED_CIPHERS), authority, *option, path="/tls")
    assert done.returncode == 0, done.stdout
    assert facts(done.stdout)["version"] == version


@pytest.mark.parametrize("kind", ["ec", "rsa"])
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_the_suggested_string_lets_clients_of_p_256_in_with_forward_secrecy(serve, request, kind, version):
    server = serve(request.getfixturevalue(kind), tls_ciphers=SUGGESTED_CIPHERS)
    told = s_client(server, "-groups", "P-256", version)
    assert "Server Temp Key: ECDH, prime256v1, 256 bits" in told, told


def test_the_default_string_turns_clients_of_p_256_away_from_an_ec_key(serve):
    assert "alert handshake failure" in s_client(serve(), "-groups", "P-256")


def test_the_default_string_leaves_clients_of_p_256_no_forward_secrecy_with_an_rsa_key(serve, rsa):
    # Without finite-field groups, which only some clients still offer in TLS 1.2.
    told = s_client(serve(rsa), "-groups", "P-256", "-cipher", "DEFAULT:!DHE")
    assert "Server Temp Key" not in told
    assert "Cipher is AES256-GCM-SHA384" in told, told


def test_gnutls_cli(serve, authority):
    server = serve(tls_ciphers=SUGGESTED_CIPHERS)
    done = run("gnutls-cli", "--x509cafile", authority.certificate, "-p", server.port, "localhost",
               text="GET /tls HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    told = done.stdout.decode()
    assert done.returncode == 0, told
    assert "The certificate is trusted" in told and "Options:" in told
    assert "version=TLS1.3" in told


def test_s_client_reads_a_reply_to_its_end(serve, authority):
    told = s_client(serve(), "-CAfile", authority.certificate, "-verify_return_error", "-crlf",
                    text="GET /hello-cpp HTTP/1.1\nHost: localhost\nConnection: close\n\n")
    assert "Verify return code: 0 (ok)" in told
    assert "Hello, world!\n" in told and "closed" in told
    assert "Secure Renegotiation IS supported" in told and "Compression: NONE" in told


# --- ALPN (RFC 7301) ---


@pytest.mark.parametrize("ciphers", [DEFAULT_CIPHERS, SUGGESTED_CIPHERS])
def test_alpn(serve, ciphers):
    server = serve(tls_ciphers=ciphers)
    for offered, chosen in ((["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "http/1.1"), ([], None)):
        with server.connect(settings=rawtls.context(alpn=offered)) as client:
            assert client.tls.selected_alpn_protocol() == chosen
            assert client.ask(request("GET", "/hello-cpp")).status == 200
    for offered in (["h2"], ["h3", "smtp"]):
        with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
            server.connect(settings=rawtls.context(alpn=offered))


# --- large messages ---


@pytest.mark.parametrize(("how", "ciphers"), [("", DEFAULT_CIPHERS), ("/lent", DEFAULT_CIPHERS),
                                              ("/copy", DEFAULT_CIPHERS), ("/lent", SUGGESTED_CIPHERS)])
def test_a_large_reply_to_a_slow_reader_is_whole(serve, how, ciphers):
    size = 20_000_000  # more than the system's buffers between the two take
    server = serve(tls_ciphers=ciphers)
    with server.connect(timeout=30) as client:
        client.send(request("GET", f"/large{how}/{size}"))
        assert client.read_head().field("Content-Length") == str(size)
        time.sleep(0.2)
        assert server.ask("GET", "/hello-cpp").status == 200  # others are served meanwhile
        digest = hashlib.sha256()
        for start in range(0, size, 100_000):
            if start % 5_000_000 == 0:
                time.sleep(0.02)
            digest.update(client.read_exactly(100_000, time.monotonic() + 20))
        expected = (PATTERN * (size // len(PATTERN) + 1))[:size]
        assert digest.digest() == hashlib.sha256(expected).digest()
        assert client.ask(request("GET", "/hello-cpp")).status == 200


@pytest.mark.parametrize("record", [None, 16_384, 1000])
def test_a_large_upload_is_whole(serve, record):
    server = serve(receive_buf_size=8_000_000, tls_ciphers=SUGGESTED_CIPHERS)
    body = random.Random(1).randbytes(3_000_000)
    with server.connect(timeout=30) as client:
        client.send(request("POST", "/hello-cpp", TEXT, body=body), record=record)
        assert client.read_reply().body == body


def test_curl_uploads_and_downloads(serve, authority, tmp_path):
    server = serve(receive_buf_size=8_000_000)
    sent = tmp_path / "sent"
    sent.write_bytes(random.Random(2).randbytes(4_000_000))
    done = curl(server, authority, "-H", TEXT, "--data-binary", f"@{sent}")
    assert done.returncode == 0
    assert done.stdout == sent.read_bytes()


# --- those that are no clients ---


@pytest.mark.parametrize("garbage", [
    b"\x00" * 100, b"\xff" * 5, b"\x16\x03\x01\xff\xff" + b"\x01" * 500, b"\x16\x03\x01\x00\x00" * 200,
    b"\x16\x03\x01\x00\x04\x01\xff\xff\xff" * 20, b"\x15\x03\x01\x00\x02\x02\x28", b"\x80\x2e\x01\x03\x01" + b"\0" * 43,
    b"\x17\x03\x03\x00\x05hello", random.Random(3).randbytes(3000), b"\x16" + random.Random(4).randbytes(3000),
], ids=range(10))
def test_garbage_in_place_of_a_handshake(serve, garbage):
    server = serve(tls_ciphers=SUGGESTED_CIPHERS, tls_handshake_timeout=1)
    for fragment in (None, 1) if len(garbage) < 200 else (None,):
        with rawhttp.Client(server.port) as client:
            started = time.monotonic()
            try:
                client.send(garbage, fragment)
                client.end_sending()
                while client.receive(5):
                    pass
            except (BrokenPipeError, ConnectionResetError):
                pass
            assert time.monotonic() - started < 3.5
    assert server.mi("get_statistics", {"statistics": ["tls_failures"]})["httpd:tls_failures"] >= 1


def test_an_unverified_reply_is_not_read(serve):
    """What the tests' own client is worth: a record that was changed on its way is no reply."""
    server = serve()
    with server.connect() as client:
        message = bytearray(client.records(request("POST", "/calls", body=b"")))
        message[-1] ^= 1
        client.send_raw(bytes(message))
        with pytest.raises((BadReply, ssl.SSLError, ConnectionResetError)):
            client.read_reply()
    assert server.ask("GET", "/calls").body == b"0"
