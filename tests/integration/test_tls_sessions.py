# Sessions that are taken up again, attempts at renegotiation, and handshakes that come to no end.
# SPDX-License-Identifier: GPL-2.0-or-later
import functools
import os
import re
import signal
import socket
import ssl
import subprocess
import threading
import time

import daemon
import pytest
import rawhttp
import rawtls
from certificates import DEFAULT_CIPHERS, SUGGESTED_CIPHERS, parameters
from rawhttp import request

MODULES = {"mi_http.so": {}, "hello_cpp.so": {}, daemon.CPP_PROBE: {}}
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
HELLO = request("GET", "/hello-cpp")
LAST_HELLO = request("GET", "/hello-cpp", "Connection: close")
session_of = functools.partial(rawtls.session_of, asked=HELLO)
is_resumed = functools.partial(rawtls.is_resumed, asked=HELLO)


@pytest.fixture
def serve(start, ec):
    def starter(**more):
        return start(MODULES, parameters(ec, **{"tls_ciphers": SUGGESTED_CIPHERS, **more}))

    return starter


def count(server, name):
    return server.mi("get_statistics", {"statistics": [name]})[f"httpd:{name}"]


# --- taking sessions up again (RFC 5077, RFC 8446 section 2.2) ---


@pytest.mark.parametrize("version", VERSIONS)
def test_sessions_are_resumed_and_counted(serve, version):
    server = serve()
    settings = rawtls.context(version=version)
    session = session_of(server, settings)
    handshakes = count(server, "tls_handshakes")
    assert count(server, "tls_resumed") == 0
    for _ in range(3):
        assert is_resumed(server, settings, session)
    assert count(server, "tls_resumed") == 3
    assert count(server, "tls_handshakes") == handshakes + 3 + 3  # each count takes one, too


@pytest.mark.parametrize("version", VERSIONS)
def test_no_session_is_resumed_after_a_reload(serve, version):
    server = serve()
    settings = rawtls.context(version=version)
    session = session_of(server, settings)
    server.mi("httpd_tls_reload")
    assert not is_resumed(server, settings, session)
    assert is_resumed(server, settings, session_of(server, settings))


@pytest.mark.parametrize("version", VERSIONS)
def test_no_session_is_resumed_by_another_server(serve, version):
    settings = rawtls.context(version=version)
    session = session_of(serve(), settings)
    assert not is_resumed(serve(), settings, session)


def test_no_session_is_resumed_after_its_lifetime(serve):
    server = serve(tls_ticket_lifetime=1)
    all_settings = [rawtls.context(version=version) for version in VERSIONS]
    sessions = [session_of(server, settings) for settings in all_settings]
    time.sleep(2.1)  # GnuTLS counts whole seconds
    for settings, session in zip(all_settings, sessions, strict=True):
        assert not is_resumed(server, settings, session)


@pytest.mark.parametrize("version", VERSIONS)
def test_no_tickets_with_a_lifetime_of_0(serve, version):
    server = serve(tls_ticket_lifetime=0)
    settings = rawtls.context(version=version)
    session = session_of(server, settings)
    assert session is None or not session.has_ticket
    assert not is_resumed(server, settings, session)
    assert count(server, "tls_resumed") == 0


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssl_resumes(serve, tmp_path, version):
    server = serve()
    base = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", version, "-ign_eof"]
    told = []
    for option in ("-sess_out", "-sess_in"):
        done = subprocess.run([*base, option, tmp_path / "session"], input=LAST_HELLO, capture_output=True, timeout=20,
                              check=False)
        assert b"Hello, world!" in done.stdout
        told.append(done.stdout.decode())
    assert "New, TLSv1." in told[0] and "Reused, TLSv1." in told[1]
    assert count(server, "tls_resumed") == 1
    lifetime = re.search(r"session ticket lifetime hint: (\d+) \(seconds\)", told[0])
    assert lifetime and int(lifetime[1]) == 7200, told[0]


@pytest.mark.parametrize("ciphers", [DEFAULT_CIPHERS, SUGGESTED_CIPHERS])
def test_gnutls_cli_resumes(serve, authority, ciphers):
    server = serve(tls_ciphers=ciphers)
    done = subprocess.run(["gnutls-cli", "--x509cafile", authority.certificate, "-r", "--waitresumption",
                           "-p", str(server.port), "localhost"], input=LAST_HELLO, capture_output=True, timeout=20,
                          check=False)
    told = done.stdout.decode()
    assert "*** This is a resumed session" in told and "Hello, world!" in told, told
    assert count(server, "tls_resumed") == 1


def test_early_data_is_not_taken(serve, tmp_path):
    """RFC 8446 section 8: whoever took a copy of such a request could send it again."""
    server = serve()
    early = tmp_path / "early"
    early.write_bytes(request("POST", "/calls", body=b""))
    base = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-tls1_3", "-ign_eof"]
    farewell = request("GET", "/calls", "Connection: close")
    session = tmp_path / "session"
    subprocess.run([*base, "-sess_out", session], input=farewell, capture_output=True, timeout=20, check=True)
    done = subprocess.run([*base, "-sess_in", session, "-early_data", early], input=farewell, capture_output=True,
                          timeout=20, check=False)
    assert b"Early data was accepted" not in done.stdout
    assert server.ask("GET", "/calls").body == b"0"


# --- renegotiation ---


class Interactive:
    """openssl s_client with its commands: lines of one letter that it is given while connected."""

    def __init__(self, server, *options):
        self.told = ""
        self.process = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-msg", "-crlf", *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.killer = threading.Timer(20, self.process.kill)
        self.killer.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.killer.cancel()
        self.process.kill()
        self.process.communicate()

    def write(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def wait_for(self, text, times=1):
        while self.told.count(text) < times:
            line = self.process.stdout.readline().decode("utf-8", "replace")
            assert line, f"no {text!r}:\n{self.told}"
            self.told += line


@pytest.mark.parametrize("ciphers", [DEFAULT_CIPHERS, SUGGESTED_CIPHERS])
def test_a_client_that_renegotiates_gets_nowhere_and_disturbs_nobody(serve, ciphers):
    server = serve(tls_ciphers=ciphers)
    with server.connect() as other, Interactive(server, "-tls1_2") as client:
        client.wait_for("Verify return code")
        client.write("R\n")
        client.wait_for("RENEGOTIATING")
        client.wait_for("<<< TLS 1.2, Alert [length 0002], warning no_renegotiation")
        assert other.ask(HELLO).status == 200
    assert count(server, "tls_handshakes") == 3  # of these two, and for the count
    assert len(server.pids("HTTPD")) == 1


@pytest.mark.parametrize(("command", "updates"), [("k", 0), ("K", 1)])
def test_new_keys_in_mid_connection(serve, command, updates):
    """RFC 8446 section 4.6.3: the client takes new keys, and may ask the server to do so, too."""
    server = serve()
    with Interactive(server, "-tls1_3") as client:
        client.wait_for("Verify return code")
        for number in range(1, 4):
            client.write(f"{command}\n")
            client.wait_for("KEYUPDATE", number)
            client.write("GET /hello-cpp HTTP/1.1\nHost: localhost\n\n")
            client.wait_for("Hello, world!", number)
            answers = re.findall(r"<<< TLS 1.3, Handshake \[length 0005\], KeyUpdate", client.told)
            assert len(answers) == updates * number


# --- handshakes that stop ---


def client_hello():
    """The first message of a handshake, as bytes."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = rawtls.context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def stop_after(client, messages):
    """A client that stops in mid-handshake: after nothing, one byte, half a message, or a whole one."""
    hello = client_hello()
    client.send({"nothing": b"", "byte": hello[:1], "half": hello[: len(hello) // 2], "hello": hello}[messages])


@pytest.mark.parametrize("messages", ["nothing", "byte", "half", "hello"])
def test_a_client_that_stops_in_mid_handshake_is_cut_in_time(serve, messages):
    server = serve(tls_handshake_timeout=1)
    with rawhttp.Client(server.port) as stuck:
        started = time.monotonic()
        stop_after(stuck, messages)
        with server.connect() as other:
            while time.monotonic() - started < 0.6:
                assert other.ask(HELLO).status == 200
        try:
            while stuck.receive(4):
                pass
        except ConnectionResetError:
            pass
        assert 0.9 <= time.monotonic() - started <= 2.2
    line = server.wait_log("tls_handshake_timeout")
    assert "127.0.0.1:" in line and "did not finish its TLS handshake in 1 s" in line
    assert count(server, "tls_failures") == 1
    assert count(server, "timeouts") == 1


def test_the_limit_is_for_the_whole_handshake(serve):
    """A client that goes on byte by byte has no more time than any other."""
    server = serve(tls_handshake_timeout=1)
    hello = client_hello()
    with rawhttp.Client(server.port) as slow:
        started = time.monotonic()
        try:
            for byte in hello:
                slow.send(bytes([byte]))
                time.sleep(0.05)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert 0.9 <= time.monotonic() - started <= 2.2
    server.wait_log("tls_handshake_timeout")


def test_a_client_without_a_last_message_is_cut_too(serve):
    server = serve(tls_handshake_timeout=1)
    started = time.monotonic()
    clients = [server.connect(settings=rawtls.context(version=version), handshake=False) for version in VERSIONS]
    for client in clients:
        with pytest.raises(ssl.SSLWantReadError):
            client.tls.do_handshake()
        client.flush()
        assert client.fill(5)
    for client in clients:
        client.wait_for_end()
        assert 0.9 <= time.monotonic() - started <= 2.2
        client.close()


def test_many_stuck_handshakes_do_not_keep_others_waiting(serve):
    server = serve(tls_handshake_timeout=2)
    hello = client_hello()
    stuck = []
    for number in range(100):
        stuck.append(socket.create_connection(("127.0.0.1", server.port)))
        stuck[-1].sendall(hello[: 1 + number * 3])
    started = time.monotonic()
    for _ in range(5):
        assert server.ask("GET", "/hello-cpp").status == 200
    assert time.monotonic() - started < 2
    for client in stuck:
        client.close()


def test_clients_that_go_away_in_mid_handshake(serve):
    server = serve()
    hello = client_hello()
    for size in (0, 1, 5, 100, len(hello) - 1, len(hello)):
        for reset in (False, True):
            client = rawhttp.Client(server.port)
            client.send(hello[:size])
            time.sleep(0.01)
            if reset:
                client.reset()
            else:
                client.close()
    deadline = time.monotonic() + 5
    while count(server, "open_connections") > 1:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert count(server, "tls_failures") == 12


def test_a_server_that_ends_does_not_wait_for_handshakes(serve):
    server = serve()
    with rawhttp.Client(server.port) as stuck:
        stop_after(stuck, "half")
        assert server.ask("GET", "/hello-cpp").status == 200
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 3


def test_handshakes_that_wait_go_to_the_next_httpd_process(serve):
    """The port stays when the HTTPD process dies; clients that connect then are served with TLS as before."""
    server = serve()
    (old,) = server.pids("HTTPD")
    os.kill(old, signal.SIGKILL)
    with server.connect() as client:
        assert client.ask(HELLO).status == 200
    assert server.pids("HTTPD") != [old]
