# Passwords and tokens are in no log, in no answer of a command, and not in the memory that a core file would hold.
# SPDX-License-Identifier: GPL-2.0-or-later
import base64
import os
import subprocess
from pathlib import Path

import daemon
import processes
import pytest
from credentials import basic, bcrypt, bearer, write
from rawhttp import request

# None of them is a part of another, and the test's own file names hold none.
PLAIN = "plain-Pa55word-of-the-operator"
ALICES = "alices-own-wonderland-secret"
WRONG = "a-guess-that-was-not-right"
TOKEN = "tokentokentoken-0123456789abcdef"
SECRETS = [PLAIN, ALICES, WRONG, TOKEN]
ENCODED = [basic(user, password).split()[-1] for user, password in
           (("operator", PLAIN), ("alice", ALICES), ("operator", WRONG), ("alice", WRONG))]


@pytest.fixture(params=[None, 2], ids=["alone", "workers"])
def server(start, tmp_path, request):
    users = write(tmp_path / "users", {"alice": bcrypt(ALICES)})
    tokens = write(tmp_path / "tokens", {"machine": TOKEN})
    return start({"mi_http.so": {}, "mi_fifo.so": {"fifo_name": str(tmp_path / "fifo"), "fifo_mode": 0o600},
                  "hello_cpp.so": {}, daemon.CPP_PROBE: {}},
                 {"auth_username": "operator", "auth_password": PLAIN, "auth_file": users, "auth_token_file": tokens,
                  "max_auth_failures": 0, "workers": request.param, "allowed_hosts": "localhost",
                  "trusted_proxies": "127.0.0.1", "access": "root=describe; auth=off"}, log_level=4)


def use(server):
    """Every way to show credentials, in one piece and in several, right and wrong."""
    for field, status in ((basic("operator", PLAIN), 200), (basic("alice", ALICES), 200), (bearer(TOKEN), 200),
                          (basic("operator", WRONG), 401), (basic("alice", WRONG), 401)):
        for fragment in (None, 7, 40):
            with server.connect() as client:
                assert client.ask(request("GET", "/hello-cpp", field), fragment).status == status
        with server.connect() as client:
            client.send(request("GET", "/hello-cpp", field)[:-4])  # never comes to its end
            client.assert_open()
        # Refused before, or without, a look at credentials.
        for line in ("Content-Length: x", "Host: x", "X-Forwarded-For: 192.0.2.1\r\nForwarded: for=192.0.2.2"):
            assert server.ask("GET", "/hello-cpp", field, line).status == 400
        assert server.ask("GET", "/hello-cpp", field, host="evil.example").status == 421
        assert server.ask("GET", "/mi/x", field).status in (401, 405)
        if "workers" not in server.httpd:  # the field is for the handler then, and goes where that is
            assert server.ask("GET", "/describe", field).status == 200  # auth=off


def pids(server):
    listed = subprocess.run(["pgrep", "-g", str(server.process.pid)], capture_output=True, text=True, check=True)
    return [int(pid) for pid in listed.stdout.split()]


@pytest.mark.skipif("sanitize" in str(daemon.BUILD), reason="the sanitizers keep what was freed")
def test_no_core_file_holds_them(server):
    use(server)
    found = []
    for pid in pids(server):
        held = processes.memory(pid)
        name = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        assert b"listening on" in held or len(held) > 100_000, "the memory was read"
        for secret in SECRETS + ENCODED:
            if secret.encode() in held:
                found.append((name, pid, secret))
    assert not found


def test_neither_log_nor_commands_show_them(server):
    use(server)
    call = b'{"jsonrpc":"2.0","method":"%s","id":1}'
    shown = server.log()
    for command in (b"arg", b"ps", b"which", b"httpd_requests", b"httpd_list_root_path", b"httpd_auth_reload", b"version",
                    b"uptime", b"pwd"):
        shown += server.ask("POST", "/mi", bearer(TOKEN), "Content-Type: application/json",
                            body=call % command).body.decode()
    for pid in pids(server):
        shown += Path(f"/proc/{pid}/cmdline").read_text() + Path(f"/proc/{pid}/environ").read_text(errors="replace")
    for secret in SECRETS + ENCODED:
        assert secret not in shown


@pytest.mark.parametrize("line", [
    'modparam("httpd", "auth_password" "{}")', 'modparam("httpd", "auth_password", 7 "{}")',
    'modparam("httpd", "auth_password", "{}"', 'modparam("httpd", "auth_pass", "{}")',
    'modparam("nothing", "auth_password", "{}")', 'modparam("httpd", "auth_password", "{}\\x01")',
    'modparam("httpd", "auth_password", "{}', 'modparam("httpd", "auth_username", "{}")'])
def test_mistakes_in_the_configuration_do_not_show_them(tmp_path, line):
    file = tmp_path / "httpd.cfg"
    file.write_text('loadmodule "httpd.so"\n' + line.format(PLAIN) + "\n")
    done = daemon.run("-f", file, "-c")
    assert done.returncode != 0
    assert PLAIN not in done.stdout + done.stderr


def test_a_number_is_no_password_and_is_not_shown(tmp_path):
    file = tmp_path / "httpd.cfg"
    file.write_text('loadmodule "httpd.so"\nmodparam("httpd", "auth_password", 918273645)\n')
    done = daemon.run("-f", file, "-c")
    assert done.returncode != 0
    assert "918273645" not in done.stderr and "auth_password" in done.stderr


def test_encodings_of_this_test():
    assert base64.b64decode(ENCODED[0]) == f"operator:{PLAIN}".encode()
    assert os.path.exists("/proc/self/smaps")
