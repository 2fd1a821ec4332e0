# Reading the TLS files again while the server runs: nobody is dropped, and bad files change nothing.
# SPDX-License-Identifier: GPL-2.0-or-later
import functools
import json
import os
import pwd
import re
import signal
import ssl
import subprocess
import threading
import time
from pathlib import Path

import certificates
import daemon
import pytest
import rawtls
import waiting
from certificates import SUGGESTED_CIPHERS, parameters
from rawhttp import request

wait_until = functools.partial(waiting.wait_until, seconds=10)

MODULES = {"mi_http.so": {}, "hello_cpp.so": {}, daemon.CPP_PROBE: {}}
HELLO = request("GET", "/hello-cpp")
ECHO = request("POST", "/hello-cpp", "Content-Type: text/plain", body=b"x" * 500)
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


def fingerprint(client):
    """That of the certificate that a connection was shown."""
    return certificates.fingerprint(client.tls.getpeercert(True))


def shown(server):
    with server.connect() as client:
        return fingerprint(client)


@pytest.fixture(scope="module")
def pair(authority):
    """Two certificates that take turns."""
    return authority.issue("first"), authority.issue("second")


@pytest.fixture
def folder(tmp_path):
    """Where the server's files are."""
    made = tmp_path / "tls"
    made.mkdir()
    return made


@pytest.fixture
def serve(start, pair, folder):
    def starter(modules=None, options=(), **more):
        placed = pair[0].put(folder)
        given = parameters(placed, **{"tls_ciphers": SUGGESTED_CIPHERS, **more})
        return start({**MODULES, **(modules or {})}, given, options=options)

    return starter


def reload_error(server):
    """What httpd_tls_reload says when it fails."""
    call = json.dumps({"jsonrpc": "2.0", "method": "httpd_tls_reload", "id": 1}).encode()
    reply = server.ask("POST", "/mi", "Content-Type: application/json", body=call)
    assert reply.status == 200
    error = json.loads(reply.body)["error"]
    assert (error["code"], error["message"]) == (500, "TLS files not reloaded")
    return error["data"]


# --- the good case ---


@pytest.mark.parametrize("how", ["mi", "alias", "SIGHUP"])
def test_new_connections_get_the_new_certificate_and_open_ones_stay(serve, pair, folder, how):
    server = serve()
    with server.connect() as early:
        assert fingerprint(early) == pair[0].fingerprint()
        assert early.ask(HELLO).status == 200
        pair[1].put(folder)
        assert shown(server) == pair[0].fingerprint()  # nobody has asked for it yet
        if how == "SIGHUP":
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: shown(server) == pair[1].fingerprint())
        else:
            told = server.mi("httpd_tls_reload" if how == "mi" else "httpd:tls_reload")
            (line,) = told["Certificates"]
            assert line.startswith(f"{folder / 'server.pem'}: ") and "CN=second" in line
            assert "localhost" in line
            assert line.endswith("until 2049-12-31 00:00:00 UTC")
            assert shown(server) == pair[1].fingerprint()
        for _ in range(3):
            assert early.ask(HELLO).status == 200
    assert " NOTICE:" in server.wait_log("TLS files read again; 1 certificates in service")


def test_a_handshake_in_progress_ends_with_the_certificate_that_it_began_with(serve, pair, folder):
    server = serve()
    for version in VERSIONS:
        pair[0].put(folder)
        server.mi("httpd_tls_reload")
        settings = rawtls.context(version=version)
        with server.connect(settings=settings, handshake=False) as slow:
            with pytest.raises(ssl.SSLWantReadError):
                slow.tls.do_handshake()
            slow.flush()
            assert slow.fill(5)
            pair[1].put(folder)
            server.mi("httpd_tls_reload")
            slow.handshake()
            assert fingerprint(slow) == pair[0].fingerprint()
            assert slow.ask(HELLO).status == 200


def test_a_large_reply_goes_on_over_a_reload(serve, pair, folder):
    server = serve()
    with server.connect(timeout=20) as client:
        client.send(request("GET", "/large/20000000"))
        client.read_head()
        pair[1].put(folder)
        server.mi("httpd_tls_reload")
        assert len(client.read_exactly(20_000_000, time.monotonic() + 20)) == 20_000_000
        assert client.ask(HELLO).status == 200


def test_all_certificates_are_read_again(start, authority, folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    placed = [authority.issue("one.test", ["DNS:one.test"]).put(folder),
              authority.issue("two.test", ["DNS:two.test"]).put(other)]
    server = start(MODULES, parameters(*placed))
    fresh = authority.issue("two.test", ["DNS:two.test"])
    fresh.put(other)
    told = server.mi("httpd_tls_reload")["Certificates"]
    assert ["CN=one.test" in told[0], "CN=two.test" in told[1]] == [True, True] and len(told) == 2
    with server.connect(server_name="two.test") as client:
        assert fingerprint(client) == fresh.fingerprint()


def test_warnings_come_again(serve, authority, folder):
    server = serve()
    authority.issue(begin=certificates.LONG_AGO, end=certificates.YESTERYEAR).put(folder)
    mark = server.mark()
    assert "until 2021-01-01" in server.mi("httpd_tls_reload")["Certificates"][0]
    server.wait_log("has expired", since=mark)


def test_without_tls_there_is_nothing_to_reload(start):
    server = start({"mi_http.so": {}})
    assert "TLS is not in use" in reload_error(server)
    server.process.send_signal(signal.SIGHUP)
    server.wait_log("configuration read again: nothing has changed")
    assert server.ask("GET", "/mi").status == 405


# --- bad files ---


BAD = {
    "missing": lambda folder, rsa: (folder / "server.pem").unlink(),
    "empty": lambda folder, rsa: (folder / "server.pem").write_bytes(b""),
    "half": lambda folder, rsa: (folder / "server.pem").write_bytes((folder / "server.pem").read_bytes()[:200]),
    "mismatch": lambda folder, rsa: (folder / "server.pem").write_bytes(rsa.file.read_bytes()),
    "key": lambda folder, rsa: (folder / "server.key").write_bytes(b"no key"),
    "open": lambda folder, rsa: (folder / "server.key").chmod(0o644),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_file_changes_nothing_and_is_named(serve, pair, folder, rsa, what):
    server = serve()
    BAD[what](folder, rsa)
    told = reload_error(server)
    assert str(folder / "server.") in told
    line = server.wait_log("the certificates from before stay in service")
    assert " ERROR:" in line and told in line
    mark = server.mark()
    server.process.send_signal(signal.SIGHUP)
    assert told in server.wait_log("everything stays as it was", since=mark)
    assert shown(server) == pair[0].fingerprint()
    assert server.ask("GET", "/hello-cpp").status == 200
    pair[1].put(folder)
    server.mi("httpd_tls_reload")
    assert shown(server) == pair[1].fingerprint()


def test_sessions_go_on_after_a_reload_that_failed(serve, folder):
    server = serve()
    with server.connect() as client:
        assert client.ask(HELLO).status == 200
        session = client.tls.session
    (folder / "server.pem").unlink()
    reload_error(server)
    with server.connect(session=session) as client:
        assert client.ask(HELLO).status == 200
        assert client.tls.session_reused


# --- from another process ---


def test_the_fifo_reloads_too(serve, pair, folder, public_folder):
    fifo, reply = public_folder / "fifo", public_folder / "reply"
    os.mkfifo(reply)
    server = serve({"mi_fifo.so": {"fifo_name": fifo, "reply_dir": public_folder}})

    def ask():
        reader = os.open(reply, os.O_RDONLY | os.O_NONBLOCK)
        try:
            fifo.write_bytes(b':reply:{"jsonrpc":"2.0","method":"httpd_tls_reload","id":1}')
            text = b""
            deadline = time.monotonic() + 10
            while not text.endswith(b"}\n") and not (text.endswith(b"}") and text.count(b"{") == text.count(b"}")):
                assert time.monotonic() < deadline
                try:
                    text += os.read(reader, 65536)
                except BlockingIOError:
                    pass
                time.sleep(0.005)
            return json.loads(text)
        finally:
            os.close(reader)

    pair[1].put(folder)
    assert "CN=second" in ask()["result"]["Certificates"][0]
    assert shown(server) == pair[1].fingerprint()
    (folder / "server.key").write_bytes(b"no key")
    error = ask()["error"]
    assert (error["code"], error["message"]) == (500, "TLS files not reloaded")
    assert str(folder / "server.key") in error["data"]
    assert shown(server) == pair[1].fingerprint()


# --- an HTTPD process that is started again ---


def restart(server):
    (pid,) = server.pids("HTTPD")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: server.pids("HTTPD") not in ([], [pid]))


def test_a_restarted_process_has_the_newest_files(serve, pair, folder):
    server = serve()
    pair[1].put(folder)
    server.mi("httpd_tls_reload")
    restart(server)
    assert shown(server) == pair[1].fingerprint()


def test_a_restarted_process_with_bad_files_has_those_of_the_start(serve, pair, folder):
    server = serve()
    pair[1].put(folder)
    server.mi("httpd_tls_reload")
    (folder / "server.pem").write_bytes(b"")
    mark = server.mark()
    restart(server)
    assert str(folder / "server.pem") in server.wait_log("stay in service", since=mark)
    assert shown(server) == pair[0].fingerprint()
    pair[1].put(folder)
    server.mi("httpd_tls_reload")
    assert shown(server) == pair[1].fingerprint()


# --- as another user ---


def test_files_out_of_the_users_reach(serve, pair, folder, public_folder):
    if os.geteuid() != 0:
        pytest.skip("only root can start the daemon as another user")
    user = pwd.getpwnam("nobody")
    server = serve(options=["-u", "nobody"])
    line = server.wait_log("reloading it will fail")
    assert " WARNING:" in line and str(folder / "server.") in line and "chmod g+r" in line
    (pid,) = server.pids("HTTPD")
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    assert re.search(rf"^Uid:\t{user.pw_uid}\t{user.pw_uid}\t", status, re.M)
    pair[1].put(folder)
    assert "Permission denied" in reload_error(server)
    assert shown(server) == pair[0].fingerprint()
    restart(server)
    assert shown(server) == pair[0].fingerprint()
    # What the warning advises makes it work: files that the user's group may read, in a folder that it may enter.
    placed = pair[1].put(public_folder)
    for file in (placed.file, placed.key):
        os.chown(file, 0, user.pw_gid)
        file.chmod(0o640)
    server = serve(options=["-u", "nobody"], tls_cert_file=placed.file, tls_key_file=placed.key)
    assert "will fail" not in server.log()
    assert "CN=second" in server.mi("httpd_tls_reload")["Certificates"][0]


# --- a hundred of them under load ---


class Load:
    """Clients that never rest: each request must be answered."""

    def __init__(self, server, known, keep_alive, version):
        self.server = server
        self.known = known
        self.keep_alive = keep_alive
        self.settings = rawtls.context(version=version)
        self.seen, self.requests, self.error = set(), 0, None
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            while not self.stop.is_set():
                with self.server.connect(settings=self.settings, timeout=20) as client:
                    self.seen.add(fingerprint(client))
                    for _ in range(1_000_000 if self.keep_alive else 1):
                        reply = client.ask(ECHO)
                        assert (reply.status, reply.body) == (200, b"x" * 500)
                        self.requests += 1
                        if self.stop.is_set():
                            break
        except BaseException as problem:  # pylint: disable=broad-except
            self.error = problem

    def end(self):
        self.stop.set()
        self.thread.join(30)
        assert not self.thread.is_alive()
        assert self.error is None, repr(self.error)
        assert self.requests > 0
        assert self.seen <= self.known


def test_a_hundred_reloads_under_load_fail_no_request(serve, pair, folder):
    server = serve()
    known = {certificate.fingerprint() for certificate in pair}
    loads = [Load(server, known, keep_alive, version) for keep_alive in (True, False) for version in VERSIONS]
    curl = subprocess.Popen(
        ["curl", "-sSk", "-o", os.devnull, "-w", "%{http_code}\\n", f"https://localhost:{server.port}/large/[1-300]"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        for number in range(100):
            new = pair[(number + 1) % 2]
            new.put(folder)
            if number % 4 == 3:
                mark = server.mark()
                server.process.send_signal(signal.SIGHUP)
                server.wait_log("TLS files read again", since=mark, timeout=15)
            else:
                server.mi("httpd_tls_reload")
            assert shown(server) == new.fingerprint()
        told, _ = curl.communicate(timeout=30)
    finally:
        curl.kill()
        for load in loads:
            load.stop.set()
    for load in loads:
        load.end()
    assert set(re.findall(rb"\d{3}\n", told)) == {b"200\n"}, told[:1000]
    for load in loads:
        if not load.keep_alive:
            assert load.seen == known
    assert server.log().count("TLS files read again") == 100
    failures = server.mi("get_statistics", {"statistics": ["tls_failures", "replies_4xx", "replies_5xx"]})
    assert set(failures.values()) == {0}, failures
