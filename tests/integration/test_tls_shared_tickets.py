# Servers that have the key of session tickets in a file, and so take up each other's sessions.
# SPDX-License-Identifier: GPL-2.0-or-later
import functools
import hmac
import os
import re
import signal
import ssl
import subprocess
from pathlib import Path

import daemon
import frontproxies
import processes
import pytest
import rawhttp
import rawtls
import waiting
from certificates import SUGGESTED_CIPHERS, parameters
from generations import Generations
from rawhttp import request
from test_tls_reload import reload_error, restart
from test_tls_startup import check

wait_until = functools.partial(waiting.wait_until, seconds=10)

MODULES = {"mi_http.so": {}, "hello_cpp.so": {}, daemon.WORKER_PROBE: {}}
HELLO = request("GET", "/hello-cpp")
LAST_HELLO = request("GET", "/hello-cpp", "Connection: close")
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]

HAPROXY = """
defaults
  mode tcp
  timeout connect 20s
  timeout client 60s
  timeout server 60s
listen front
  bind 127.0.0.1:{port}
  balance roundrobin
  server one 127.0.0.1:{one}
  server other 127.0.0.1:{other}
"""


def make_key(file):
    file.write_bytes(os.urandom(64))
    file.chmod(0o600)
    return file


@pytest.fixture
def key(tmp_path):
    return make_key(tmp_path / "tickets.key")


@pytest.fixture
def serve(start, ec, key):
    def starter(options=(), **more):
        return start(MODULES, parameters(ec, **{"tls_ciphers": SUGGESTED_CIPHERS, "tls_ticket_key_file": key, **more}),
                     options=options)

    return starter


class Sessions:
    """One of each version, all with the same server."""

    def __init__(self, server):
        self.settings = [rawtls.context(version=version) for version in VERSIONS]
        self.sessions = [rawtls.session_of(server, settings, HELLO) for settings in self.settings]

    def resumed(self, server):
        """Whether the server takes them up, all or none; each is served a request."""
        told = {rawtls.is_resumed(server, settings, session, HELLO)
                for settings, session in zip(self.settings, self.sessions, strict=True)}
        assert len(told) == 1
        return told.pop()


# --- several machines ---


def test_sessions_are_good_at_every_server_with_the_key(serve, tmp_path):
    one, other = serve(), serve()
    stranger = serve(tls_ticket_key_file=make_key(tmp_path / "other.key"))
    assert Sessions(one).resumed(other)
    assert Sessions(other).resumed(one)
    assert not Sessions(one).resumed(stranger)  # and is served


def test_clients_behind_a_balancer_that_passes_tcp_through(serve, tmp_path, authority):
    """openssl and gnutls-cli, whose first connection goes to one server and whose second to the other."""
    haproxy = frontproxies.program("haproxy-careful")
    if haproxy is None:
        pytest.skip("haproxy is not installed")
    servers = serve(), serve()
    port = daemon.free_port()
    file = tmp_path / "haproxy.cfg"
    file.write_text(HAPROXY.format(port=port, one=servers[0].port, other=servers[1].port))

    def ask(*command):
        done = subprocess.run(list(map(str, command)), input=LAST_HELLO, capture_output=True, timeout=20, check=False)
        assert b"Hello, world!" in done.stdout, done
        return done.stdout.decode()

    with subprocess.Popen([haproxy, "-db", "-f", str(file)], stdin=subprocess.DEVNULL) as balancer:
        try:
            wait_until(lambda: is_open(port))
            for version in ("-tls1_2", "-tls1_3"):
                base = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", version, "-ign_eof"]
                session = tmp_path / "session"
                assert "New, TLSv1." in ask(*base, "-sess_out", session)
                assert "Reused, TLSv1." in ask(*base, "-sess_in", session)
            for version in ("1.2", "1.3"):
                told = ask("gnutls-cli", "--x509cafile", authority.certificate, "--priority",
                           f"NORMAL:-VERS-ALL:+VERS-TLS{version}", "-r", "--waitresumption", "-p", port, "localhost")
                assert "*** This is a resumed session" in told, told
        finally:
            balancer.terminate()
    counted = [server.mi("get_statistics", {"statistics": ["tls_resumed"]})["httpd:tls_resumed"] for server in servers]
    assert sorted(counted) == [0, 4], "one began all sessions, and the other took them up"


def is_open(port):
    try:
        rawhttp.Client(port).close()
    except OSError:
        return False
    return True


# --- over time ---


def test_a_reload_changes_the_key_when_the_file_has_changed(serve, key):
    server = serve()
    sessions = Sessions(server)
    server.mi("httpd_tls_reload")
    assert sessions.resumed(server)
    reload(server)
    assert sessions.resumed(server)
    make_key(key)
    assert sessions.resumed(server)  # nobody has asked for the new one yet
    server.mi("httpd_tls_reload")
    assert not sessions.resumed(server)
    sessions = Sessions(server)
    assert sessions.resumed(server)
    make_key(key)
    reload(server)
    assert not sessions.resumed(server)


def reload(server, expected="configuration read again"):
    mark = server.mark()
    server.process.send_signal(signal.SIGHUP)
    return server.wait_log(expected, since=mark)


BAD = {
    "missing": (lambda key: key.unlink(), "cannot be read: No such file"),
    "empty": (lambda key: key.write_bytes(b""), "is empty"),
    "short": (lambda key: key.write_bytes(os.urandom(48)), "has 48 bytes"),
    "open": (lambda key: key.chmod(0o644), "chmod o-rwx"),
}


def test_a_bad_file_keeps_the_key_from_before(serve, key):
    server = serve()
    sessions = Sessions(server)
    for spoil, why in BAD.values():
        spoil(make_key(key))
        told = reload_error(server)
        assert told.startswith(f'tls_ticket_key_file "{key}" ') and why in told
        assert told in reload(server, "everything stays as it was")
        assert sessions.resumed(server)


def test_the_parameter_is_live(serve):
    server = serve()
    sessions = Sessions(server)
    good = server.file.read_text()
    server.file.write_text(re.sub(r".*tls_ticket_key_file.*\n", "", good))
    assert "tls_ticket_key_file" in reload(server)
    assert not sessions.resumed(server)
    server.file.write_text(good)
    assert "tls_ticket_key_file" in reload(server)
    assert sessions.resumed(server)


def test_sessions_survive_the_end_of_the_httpd_process(serve):
    server = serve()
    sessions = Sessions(server)
    restart(server)
    assert sessions.resumed(server)


@pytest.mark.skipif(bool(daemon.WRAPPER), reason="the program is not what was started")
def test_sessions_survive_an_upgrade(serve):
    it = Generations(serve())
    sessions = Sessions(it.server)
    it.gone(it.upgrade())
    assert sessions.resumed(it.server)
    it.end()


# --- what is no key, and what is none for others ---


def test_what_the_message_says_makes_a_key(tmp_path, ec):
    file = tmp_path / "new key"
    file.write_bytes(b"tickets\n")
    file.chmod(0o600)
    done = check(tmp_path, parameters(ec, tls_ticket_key_file=file))
    assert done.returncode == 255 and f'tls_ticket_key_file "{file}" has 8 bytes, and a key has 64' in done.stderr
    file.unlink()
    command = re.search(r"this makes one: (.*)", done.stderr)[1]
    subprocess.run(["sh", "-c", command], check=True, timeout=10)
    assert check(tmp_path, parameters(ec, tls_ticket_key_file=file)).returncode == 0


def test_a_key_that_is_open_to_all_is_refused_as_others_are(tmp_path, ec, key):
    key.chmod(0o644)
    done = check(tmp_path, parameters(ec, tls_ticket_key_file=key))
    assert done.returncode == 255 and f'tls_ticket_key_file "{key}" is open to every user (mode 0644)' in done.stderr
    assert check(tmp_path, parameters(ec, tls_ticket_key_file=key, tls_key_permissions_check=0)).returncode == 0
    subprocess.run(["sh", "-c", re.search(r"run: (chmod .*?'.*?')", done.stderr)[1]], check=True, timeout=10)
    assert check(tmp_path, parameters(ec, tls_ticket_key_file=key)).returncode == 0


def test_where_it_has_no_use_it_is_warned_of(tmp_path, ec, key, authority):
    for certificates, more, why in (
            ([], {}, "has no effect without tls_cert_file and tls_key_file"),
            ([ec], {"tls_ticket_lifetime": 0}, "is not used while tls_ticket_lifetime is 0"),
            ([ec], {"tls_verify_client": "optional", "tls_ca_file": authority.certificate},
             "is not used with tls_verify_client")):
        done = check(tmp_path, parameters(*certificates, tls_ticket_key_file=key, **more))
        assert done.returncode == 0
        assert re.search(rf"WARNING:.*tls_ticket_key_file {why}", done.stderr), done.stderr


@pytest.mark.skipif("sanitize" in str(daemon.BUILD), reason="the sanitizers keep what was freed")
def test_only_the_process_that_needs_it_has_the_key(serve, key):
    """A handler's process has it nowhere, and no core file holds it once nobody shakes hands."""
    server = serve(workers=1)
    sessions = Sessions(server)
    assert sessions.resumed(server)
    used = hmac.digest(key.read_bytes(), SUGGESTED_CIPHERS.encode(), "sha512")
    secrets = [key.read_bytes(), used]
    have = {}
    for pid in processes.tree(server.process.pid):
        whole, dumped = processes.memory(pid, with_secrets=True), processes.memory(pid)
        name = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        have[pid] = used in whole
        assert len(dumped) > 100_000 and key.read_bytes() not in whole, name
        assert not any(secret in dumped for secret in secrets), name
    (httpd,), (worker,) = server.pids("HTTPD"), server.pids("HTTPD worker 1")
    assert have[httpd] and have[server.process.pid] and not have[worker]
