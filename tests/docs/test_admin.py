# What ADMIN.md shows of commands, logs and other programs' files. SPDX-License-Identifier: GPL-2.0-or-later
import dataclasses
import os
import signal
from pathlib import Path

import certificates
import configurations
import credentials
import pytest
from claims import BLOCKS, claims
from daemon import free_port
from sandbox import Documented, Sandbox, run_cfg, transcript
from waiting import wait_until

MI = "docs/ADMIN.md#mi-commands"


def admin_sandbox(folder, places=()):
    """A sandbox that knows the function which the examples of MI commands call."""
    box = Sandbox(folder, places)
    box.prelude = box.here(BLOCKS[MI].text)
    return box


@claims(MI)
def test_the_function_is_one(folder, block):
    assert "function" in admin_sandbox(folder).bash("type mi").stdout


# --- the server of `make run` ---


@pytest.fixture(scope="module")
def plain(folder):
    reply = f"docs-reply-{os.getpid()}"
    box = admin_sandbox(folder, {"my_reply": reply, "/var/lib/opensips": str(folder)})
    # How often the tests before asked.
    box.volatile = [(r"(\"httpd:\w+\":)\d+", r"\1N"), (r"(\{root=\"mi\",method=\"POST\",status=\"2xx\"\}) \d+", r"\1 N")]
    with Documented(folder, box.here(run_cfg()), "examples/run.cfg") as server:
        box.server = server
        yield box
    Path("/tmp", reply).unlink(missing_ok=True)


@claims(f"{MI}:2", *(f"docs/ADMIN.md#{name}" for name in (
    "httpd_list_root_path", "httpd_requests", "which", "help", "ps", "uptime", "version", "pwd", "arg", "log_level",
    "get_statistics", "list_statistics", "reset_statistics", "reset_all_statistics", "parameters-of-mi_fifo",
    "prometheus:2", "opensips-cli", "opensips-cli:2", "refusals:2")))
def test_commands(plain, block):
    if block.key.endswith("#log_level"):
        plain.places["22287"] = str(plain.server.pids("HTTPD")[0])
    plain.compare(block)


@claims("docs/TROUBLESHOOTING.md#troubleshooting")
def test_the_three_questions(plain, block):
    plain.stub("journalctl")  # there is no journal in a container
    said = plain.run(block)
    assert '"Handlers": [' in said and "HTTP/1.1 405 " in said
    assert plain.calls() == ["journalctl -u opensips-httpd -n 50"]


# --- one with all that can be read again ---

GUARDED = """
loadmodule "httpd.so"
modparam("httpd", "listen", "http://127.0.0.1:8888")
modparam("httpd", "listen", "https://127.0.0.1:8443")
modparam("httpd", "tls_cert_file", "/etc/opensips/tls/server.pem")
modparam("httpd", "tls_key_file", "/etc/opensips/tls/server.key")
modparam("httpd", "auth_file", "/etc/opensips/httpd.users")
modparam("httpd", "auth_token_file", "/etc/opensips/httpd.tokens")
modparam("httpd", "access", "root=mi; auth=off")
modparam("httpd", "access_log", "/var/log/opensips/httpd.log")
loadmodule "mi_http.so"
"""


@pytest.fixture
def guarded(files):
    """A server of its own for each test, which may change its files."""
    box = admin_sandbox(files, {"/etc/opensips": f"{files}/etc/opensips", "/var/log/opensips": f"{files}/log/opensips"})
    tls = files / "etc" / "opensips" / "tls"
    certificates.openssl("req", "-x509", "-key", tls / "server.key", "-subj", "/CN=sip.example.org", "-days", 90,
                         "-addext", "subjectAltName=DNS:sip.example.org", "-out", tls / "server.pem")
    box.users = files / "etc" / "opensips" / "httpd.users"
    credentials.write(box.users, {name: credentials.sha512(configurations.PASSWORD) for name in ("alice", "bob")})
    box.places["https://127.0.0.1:8443"] = f"https://127.0.0.1:{free_port()}"
    box.file = "etc/opensips/httpd.cfg"
    with Documented(files, box.here(GUARDED), box.file) as server:
        box.server = server
        yield box


@claims("docs/ADMIN.md#httpd_tls_reload", "docs/ADMIN.md#httpd_auth_reload", "docs/ADMIN.md#httpd_access_log_reopen")
def test_commands_that_read_files_again(guarded, block):
    guarded.compare(block)


def change(box, text):
    (box.folder / box.file).write_text(box.here(GUARDED + text))


@claims("docs/ADMIN.md#httpd_reload")
def test_the_command_that_reads_the_configuration_again(guarded, block):
    change(guarded, 'modparam("httpd", "conn_timeout", 10)\nmodparam("httpd", "auth_realm", "SIP proxy 3")\n'
           'modparam("httpd", "workers", 2)\n')
    guarded.compare(block)


@claims("docs/ADMIN.md#reload")
def test_a_bad_configuration_changes_nothing(guarded, block):
    change(guarded, 'modparam("httpd", "conn_timeout", -1)\n')
    guarded.server.process.send_signal(signal.SIGHUP)
    guarded.server.wait_log("everything stays as it was")
    guarded.compare_log(block, guarded.server.log())


@claims("docs/ADMIN.md#reload:2")
def test_the_log_tells_what_has_changed(guarded, block):
    change(guarded, 'modparam("httpd", "conn_timeout", 10)\nmodparam("httpd", "access", "allow=127.0.0.0/8")\n'
           'modparam("httpd", "auth_username", "eve")\nmodparam("httpd", "auth_password", "secret")\n'
           'modparam("httpd", "workers", 2)\nloadmodule "prometheus.so"\n')
    guarded.server.process.send_signal(signal.SIGHUP)
    guarded.server.wait_log("takes a restart")
    guarded.compare_log(block, guarded.server.log())


@claims("docs/ADMIN.md#access-log")
def test_a_line_of_the_access_log(guarded, block):
    (guarded.folder / guarded.file).write_text(guarded.here(GUARDED.replace("; auth=off", "; auth=on")))
    guarded.server.process.send_signal(signal.SIGHUP)
    guarded.server.wait_log("configuration read again")
    asked = '{"jsonrpc":"2.0","method":"pwd","id":1}'
    port = guarded.server.port
    guarded.bash(f"curl -u alice:secret -H 'Content-Type: application/json' -d '{asked}' http://127.0.0.1:{port}/mi")
    log = guarded.folder / "log" / "opensips" / "httpd.log"
    wait_until(lambda: "alice" in log.read_text())
    guarded.volatile = [(r"(?<= 200 )\d+", "N")]
    guarded.compare_log(block, log.read_text())


# --- lines of the log ---


@claims("docs/ADMIN.md#logging", "docs/ADMIN.md#refusals")
def test_lines_of_the_log(folder, block):
    box = Sandbox(folder)
    text = 'log_level = 3\nloadmodule "httpd.so"\nmodparam("httpd", "ip", "127.0.0.1")\nmodparam("httpd", "port", 8888)\n'
    text += 'loadmodule "mi_http.so"\n' if "logging" in block.key else 'loadmodule "hello_cpp.so"\n'
    with Documented(folder, box.here(text)) as server:
        server.ask("GET", "/nothing")
        server.ask("POST", "/hello-cpp", "Content-Type: text/plain", body=b"x" * 2000)
        box.compare_log(block, server.log())


@claims("docs/ADMIN.md#upgrade")
def test_an_upgrade(folder, block):
    box = Sandbox(folder, {"/run/opensips-httpd": str(folder)})
    box.places["/usr/local/bin/opensips-httpd"] = box.places.pop("build/release/bin/opensips-httpd")
    text = 'loadmodule "httpd.so"\nmodparam("httpd", "ip", "127.0.0.1")\nmodparam("httpd", "port", 8888)\n'
    ((command, expected),) = transcript(block.text)
    with Documented(folder, box.here(text + 'loadmodule "mi_http.so"\n'), options=["-P", folder / "pid"]) as server:
        assert box.bash(box.here(command)).returncode == 0
        server.wait_log("stopped: another daemon serves", timeout=20)
        box.compare_log(dataclasses.replace(block, text=expected), server.log())
        # The new one ends in order as well.
        os.kill(int((folder / "pid").read_text()), signal.SIGTERM)


# --- credentials ---


@claims("docs/ADMIN.md#who-may-come-in:2")
def test_users(files, block):
    user, group = configurations.who()
    box = Sandbox(files, {"/etc/opensips": f"{files}/etc/opensips", "root:opensips": f"{user}:{group}",
                          "https://sip1.example.org:8443": f"https://localhost:{free_port()}"})
    settings = BLOCKS["docs/ADMIN.md#who-may-come-in"].text
    port = box.places["https://sip1.example.org:8443"].rpartition(":")[2]
    settings = settings.replace("8443", port).replace("10.1.0.0/16", "127.0.0.1").replace("sip1.example.org", "localhost")
    (make, _), (ask, expected) = transcript(block.text.replace("# ", "$ "))
    done = box.bash(box.here(make), input="secret\nsecret\n")
    assert done.returncode == 0, done.stdout
    text = configurations.whole(settings + 'loadmodule "mi_http.so"\n', files)
    with Documented(files, text + f'# modparam("httpd", "port", {port})\n'):
        (files / ".curlrc").write_text("silent\nshow-error\ninsecure\n")
        for password, found in (("secret", True), ("wrong", False)):
            done = box.bash(box.here(ask), input=password + "\n")
            assert ('{"jsonrpc":"2.0","result":{"Processes":' in done.stdout) is found, done.stdout
    assert expected == ""
