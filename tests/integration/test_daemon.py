# The daemon as an administrator meets it: options, configuration errors, signals, restarts, systemd, its log.
# SPDX-License-Identifier: GPL-2.0-or-later
import os
import re
import signal
import socket
import time

import daemon
import pytest
from rawhttp import Client, request

TEXT = "Content-Type: text/plain"


def check(folder, text):
    """Runs `-c` over this configuration."""
    file = folder / "httpd.cfg"
    file.write_text(text)
    return daemon.run("-c", "-f", file)


# --- options ---


def test_help():
    done = daemon.run("-h")
    assert done.returncode == 0
    for option in ("-f", "-c", "-V", "-h", "-M", "-D"):
        assert option in done.stdout


def test_version_names_the_libraries():
    done = daemon.run("-V")
    assert done.returncode == 0
    assert re.search(r"opensips-httpd.*\d+\.\d+\.\d+", done.stdout)
    for library in ("boost", "nlohmann", "fmt", "spdlog", "cli11"):
        assert re.search(rf"{library}.*\d+\.\d+", done.stdout, re.I), library


@pytest.mark.parametrize("arguments", [["--no-such-option"], ["-Q"], ["-f"], ["-M", "many"], ["-M", "0"], ["stray"]])
def test_bad_options(arguments):
    done = daemon.run(*arguments)
    assert done.returncode == 255
    assert done.stderr


@pytest.mark.parametrize("options", [["-c"], []])
def test_a_missing_file(tmp_path, options):
    done = daemon.run(*options, "-f", tmp_path / "missing.cfg")
    assert done.returncode == 255
    assert str(tmp_path / "missing.cfg") in done.stderr and "No such file" in done.stderr


# --- the configuration file ---


def test_a_good_file(tmp_path):
    done = check(tmp_path, daemon.config({"httpd.so": {}, "mi_http.so": {}, "hello_c.so": {}}))
    assert done.returncode == 0, done.stderr


def test_the_file_of_make_run_is_good():
    done = daemon.run("-c", "-f", daemon.ROOT / "examples" / "run.cfg")
    assert done.returncode == 0, done.stderr


def test_a_file_can_be_checked_while_a_server_runs_with_it(start):
    server = start({"mi_http.so": {}})
    done = daemon.run("-c", "-f", server.file)
    assert done.returncode == 0, done.stderr
    assert server.ask("GET", "/mi").status == 405


@pytest.mark.parametrize(("text", "where", "told"), [
    ("loadmodule \"httpd.so\"\nlisten=udp:1.2.3.4\n", "2:1", ["expected", "loadmodule", "modparam", "listen"]),
    ("loadmodule httpd\n", "1:12", ["expected", "httpd"]),
    ("log_level = high\n", "1:13", ["expected", "high"]),
    ("log_level = 9\n", "1:13", ["-3", "4"]),
    ("modparam(\"httpd\", \"port\" 1)\n", "1:26", ["expected", ","]),
    ("# fine\n\nloadmodule \"no_such.so\"\n", "3:", ["no_such.so"]),
    ("loadmodule \"httpd.so\"\nmodparam(\"mi_http\", \"root\", \"x\")\n", "2:", ["mi_http", "loadmodule"]),
    ("loadmodule \"httpd.so\"\n/* never closed\n", "2:1", ["comment"]),
    ("loadmodule \"httpd.so\n", "1:12", []),
])
def test_errors_tell_file_line_column_and_what_was_expected(tmp_path, text, where, told):
    done = check(tmp_path, text)
    assert done.returncode == 255
    assert f"{tmp_path / 'httpd.cfg'}:{where}" in done.stderr
    for part in told:
        assert part in done.stderr


def test_an_unknown_parameter_lists_the_known_ones(tmp_path):
    done = check(tmp_path, daemon.config({"httpd.so": {"prot": 8888}}))
    assert done.returncode == 255
    assert "httpd.cfg:3:" in done.stderr and "prot" in done.stderr
    for known in ("ip", "port", "conn_timeout", "buf_size", "post_buf_size", "receive_buf_size", "tls_cert_file"):
        assert re.search(rf"\b{known}\b", done.stderr)


def test_a_root_registered_twice_names_both_modules(tmp_path):
    done = check(tmp_path, daemon.config({"httpd.so": {}, "mi_http.so": {"root": "hello"}, "hello_c.so": {}}))
    assert done.returncode == 255
    assert "mi_http" in done.stderr and "hello_c" in done.stderr


@pytest.mark.parametrize("root", ["", "a b", "a//b", "a/", "/a", "a?b", "ä"])
def test_bad_roots_are_refused(tmp_path, root):
    done = check(tmp_path, daemon.config({"httpd.so": {}, "mi_http.so": {"root": root}}))
    assert done.returncode == 255
    assert "mi_http" in done.stderr


def test_a_module_loaded_twice(tmp_path):
    done = check(tmp_path, 'loadmodule "httpd.so"\nloadmodule "mi_http.so"\nloadmodule "mi_http.so"\n')
    assert done.returncode == 255
    assert "httpd.cfg:3:" in done.stderr and "httpd.cfg:2" in done.stderr


def test_a_file_that_is_no_module(tmp_path):
    (tmp_path / "text.so").write_text("no module at all")
    done = check(tmp_path, f'loadmodule "httpd.so"\nloadmodule "{tmp_path}/text.so"\n')
    assert done.returncode == 255
    assert "httpd.cfg:2:" in done.stderr and "text.so" in done.stderr


def test_lines_of_an_opensips_script_run_unchanged(tmp_path):
    done = check(tmp_path, f'''#!/usr/sbin/opensips
/* an OpenSIPS script's head */
log_level=3
mpath="{daemon.TEST_MODULES}/"
loadmodule "httpd.so"
modparam("httpd", "ip", "127.0.0.1")   # where
modparam("httpd", "port", 8888)
modparam("httpd|no_such", "buf_size", 524288)
loadmodule "mi_http.so"
loadmodule "capi_probe.so"
''')
    assert done.returncode == 0, done.stderr


# --- the processes ---


@pytest.fixture
def server(start):
    return start({"mi_http.so": {}, "hello_cpp.so": {}, daemon.CAPI_PROBE: {}, daemon.CPP_PROBE: {}})


def test_ps_lists_the_processes(start, tmp_path):
    fifo = {"fifo_name": tmp_path / "fifo", "reply_dir": tmp_path}
    server = start({"mi_http.so": {}, "mi_fifo.so": fifo})
    assert server.pids("attendant") == [server.process.pid]
    assert len(server.pids("HTTPD")) == 1
    assert len(server.pids("MI FIFO")) == 1


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_in_order(server, how):
    server.stop(how)
    with pytest.raises(ConnectionRefusedError):
        server.connect()


@pytest.mark.parametrize("target", ["/probe-sleep/800", "/later/800"])
def test_a_reply_in_progress_is_finished(server, target):
    with server.connect() as client:
        assert client.ask(request("GET", "/probe-static")).status == 200
        client.send(request("GET", target))
        if target.startswith("/probe-sleep"):
            server.wait_log("sleeping 800 ms")
        else:
            # The HTTPD process takes requests in order: once this one is answered, the other is under way.
            server.ask("GET", "/probe-static")
        server.process.send_signal(signal.SIGTERM)
        assert client.read_reply().body in (b"awake", b"later")
        client.assert_closed(5)
    server.assert_ends_well()


def test_a_large_reply_in_progress_is_finished(server):
    with server.connect() as client:
        client.send(request("GET", "/large/20000000"))
        client.read_head()
        server.process.send_signal(signal.SIGTERM)
        body = client.read_exactly(20_000_000, time.monotonic() + 5)
        assert len(body) == 20_000_000
    server.assert_ends_well()


def test_replies_have_five_seconds_to_finish(server):
    with server.connect() as client:
        client.send(request("GET", "/later/60000"))
        server.ask("GET", "/probe-static")
        started = time.monotonic()
        server.stop()
        assert 4.5 <= time.monotonic() - started <= 8


def test_a_second_signal_ends_it_at_once(server):
    with server.connect() as client:
        client.send(request("GET", "/later/60000"))
        server.ask("GET", "/probe-static")
        started = time.monotonic()
        server.process.terminate()
        server.wait_log("stopping")
        time.sleep(1.1)  # sooner it counts as the same signal, sent to the process and then to its group
        server.process.terminate()
        server.wait()
        assert time.monotonic() - started < 3.5


def test_idle_connections_do_not_hold_the_end_up(server):
    with server.connect() as client:
        assert client.ask(request("GET", "/probe-static")).status == 200
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 2.5
        client.assert_closed()


def test_a_killed_httpd_process_is_replaced_and_the_port_stays(server):
    (old,) = server.pids("HTTPD")
    mark = server.mark()
    os.kill(old, signal.SIGKILL)
    # Whoever connects meanwhile waits for the new process; nobody is refused.
    clients = []
    for _ in range(50):
        clients.append(Client(server.port))
        time.sleep(0.002)
    for number, client in enumerate(clients):
        try:
            assert client.ask(request("POST", "/hello-cpp", TEXT, body=b"%d" % number)).body == b"%d" % number
        except (AssertionError, ConnectionResetError):
            # Only a connection that the old process had still accepted may be lost.
            assert number == 0
        client.close()
    server.wait_log(str(old), since=mark)
    (new,) = server.pids("HTTPD")
    assert new != old
    server.stop()


def test_nothing_is_left_when_the_attendant_is_killed(start, tmp_path):
    fifo = {"fifo_name": tmp_path / "fifo", "reply_dir": tmp_path}
    server = start({"mi_http.so": {}, "mi_fifo.so": fifo})
    server.process.kill()
    assert server.wait() == -signal.SIGKILL
    with pytest.raises(ConnectionRefusedError):
        server.connect()


# --- systemd, and the log ---


def test_systemd_is_told_once_the_port_is_open(start, public_folder):
    path = public_folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(path))
        notify.settimeout(daemon.START_TIMEOUT)
        server = start({"hello_cpp.so": {}}, environment={"NOTIFY_SOCKET": str(path)})
        while "READY=1" not in notify.recv(4096).decode().split("\n"):
            pass
        assert server.ask("GET", "/hello-cpp").status == 200


def test_the_log_tells_the_url(server):
    line = server.wait_log("listening on http://")
    assert f"http://127.0.0.1:{server.port}" in line
    assert len([line for line in server.log().splitlines() if "listening on http://" in line]) == 1


UNPROTECTED = re.compile(r"WARN.*(TLS|authentication)", re.I)


def test_a_server_open_to_all_is_warned_about(start):
    start({"hello_cpp.so": {}}, {"ip": "*"}).wait_log(UNPROTECTED)


def test_a_server_on_loopback_is_not_warned_about(server):
    server.stop()
    assert not UNPROTECTED.search(server.log())


def test_log_level_takes_effect_at_once(start):
    server = start({"mi_http.so": {}, "hello_cpp.so": {}})

    def refused_at(level):
        """The place in the log before a request that is refused for its size, at this log level."""
        server.mi("log_level", [level])
        mark = server.mark()
        assert server.ask("POST", "/hello-cpp", TEXT, body=b"x" * 1025).status == 413
        return mark

    quiet = refused_at(-3)
    loud = refused_at(4)
    server.wait_log("receive_buf_size", since=loud)
    assert "receive_buf_size" not in "\n".join(server.log().splitlines()[quiet:loud])


def test_log_lines_have_time_process_and_level(server):
    for line in server.log().splitlines():
        assert re.match(r"[A-Z][a-z]{2} +[1-3]?\d \d\d:\d\d:\d\d \[\d+\] [A-Z]+:", line), line


def test_lines_in_the_journal_have_priorities_and_no_time(start):
    # As systemd starts a service: the variable names what standard error is.
    journal = ("sh", "-c", 'JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec "$0" "$@"')
    server = start(httpd={"ip": "*"}, runner=journal)
    assert re.search(r"^<4>\[\d+\] WARNING:httpd: ", server.log(), re.M)
    assert re.search(r"^<5>\[\d+\] NOTICE:httpd: listening on ", server.log(), re.M)
    assert all(re.match(r"<[1-7]>\[", line) for line in server.lines), server.log()


def test_nothing_from_a_client_forges_a_log_line(server):
    mark = server.mark()
    with server.connect() as client:
        client.send(b"GET /\x1b[31m\r\nforged HTTP/1.1\r\n\r\n")
        assert client.read_reply().status == 400
    assert server.ask("POST", "/hello-cpp?a=%0Aforged%1b", TEXT, body=b"x" * 1025).status == 413
    server.wait_log("receive_buf_size", since=mark)
    for line in server.log().splitlines()[mark:]:
        assert "\x1b" not in line and not line.startswith("forged")
