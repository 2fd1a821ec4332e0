# Several listeners in one process, and Unix sockets: their files, stale and live ones, races, crashes, the end.
# SPDX-License-Identifier: GPL-2.0-or-later
import grp
import os
import pwd
import signal
import stat
import subprocess
import time

import daemon
import pytest
import rawhttp
from rawhttp import request
from unixsocket import ONLY_ROOT, answers, curl, leave_stale, run_refused


# --- several listeners ---


def test_one_process_serves_them_all(start, public_folder):
    path = public_folder / "a.sock"
    second = daemon.free_port("127.0.0.2")
    listen = [f"http://127.0.0.2:{second}", f"unix:{path}"]
    third = None
    if daemon.has_ipv6():
        third = daemon.free_port("::1")
        listen.append(f"http://[::1]:{third}")
    server = start({"hello_cpp.so": {}, "mi_http.so": {}}, {"listen": listen})
    assert server.ask("GET", "/hello-cpp").status == 200
    with rawhttp.Client(second, host="127.0.0.2") as client:
        assert client.ask(request("GET", "/hello-cpp")).status == 200
    if third:
        with rawhttp.Client(third, host="::1") as client:
            assert client.ask(request("GET", "/hello-cpp")).status == 200
    assert curl(path) == server.ask("GET", "/hello-cpp").body
    line = server.wait_log("listening on ")
    for url in (f"http://127.0.0.1:{server.port}", *listen):
        assert url in line
    assert len(server.pids("HTTPD http://127.0.0.1:")) == 1


def test_listen_lines_alone_leave_the_default_address(start, tmp_path):
    port = daemon.free_port()
    server = start({"hello_cpp.so": {}}, {"ip": None, "port": None, "listen": f"http://127.0.0.1:{port}"})
    assert f"listening on http://127.0.0.1:{port};" in server.wait_log("listening on ")
    server.port = port
    assert server.ask("GET", "/hello-cpp").status == 200


def test_handlers_see_the_unix_domain(start, public_folder):
    path = public_folder / "a.sock"
    start({daemon.CAPI_PROBE: {}}, {"listen": f"unix:{path}"})
    lines = curl(path, "http://localhost/probe").decode().splitlines()
    assert "client=? 0" in lines and "server=? 0" in lines


def test_refusals_over_a_unix_socket_are_logged(start, public_folder):
    path = public_folder / "a.sock"
    server = start({}, {"listen": f"unix:{path}"})
    curl(path, "http://localhost/nothing")
    assert "404" in server.wait_log("GET /nothing")


def test_only_addresses_that_others_reach_are_warned_about(start, public_folder):
    port = daemon.free_port("0.0.0.0")
    server = start({"hello_cpp.so": {}}, {"listen": [f"http://0.0.0.0:{port}", f"unix:{public_folder / 'a'}"]})
    server.wait_log("listening on ")
    (line,) = [line for line in server.log().splitlines() if "WARNING" in line]
    assert f"http://0.0.0.0:{port} can be reached from other machines, without TLS and without authentication" in line


def files_of(certificate):
    return {"tls_cert_file": certificate.file, "tls_key_file": certificate.key}


def test_tls_for_the_world_and_plain_http_for_this_machine(start, ec, public_folder):
    path, port = public_folder / "a.sock", daemon.free_port()
    # The listener of ip and port speaks TLS as soon as there is a certificate.
    server = start({"hello_cpp.so": {}}, files_of(ec) | {"ip": "0.0.0.0",
                                                         "listen": [f"http://127.0.0.1:{port}", f"unix:{path}"]})
    assert server.ask("GET", "/hello-cpp").status == 200
    with rawhttp.Client(port) as client:
        assert client.ask(request("GET", "/hello-cpp")).status == 200
    assert curl(path)
    assert f"listening on https://0.0.0.0:{server.port}, http://127.0.0.1:{port}, " in server.wait_log("listening on ")
    warning = server.wait_log("can be reached from other machines")
    assert f"https://0.0.0.0:{server.port}" in warning and "without authentication" in warning
    assert "without TLS" not in warning


@pytest.mark.parametrize(("listen", "told"), [
    ("localhost:8080", ["httpd.cfg:3:", "http://127.0.0.1:8080"]),
    ("http://localhost:8080", ["httpd.cfg:3:", "127.0.0.1 or [::1]"]),
    ("https://127.0.0.1:8443", ["https://127.0.0.1:8443", "tls_cert_file", "tls_key_file"]),
    (["http://127.0.0.1:81", "http://127.0.0.1:81"], ["http://127.0.0.1:81 and http://127.0.0.1:81", "same address"]),
    ("unix:/run/a?mode=999", ["httpd.cfg:3:", "mode"]),
    ("unix:/no/such/folder/a", ["/no/such/folder", "No such file"]),
    ("unix:/tmp/a?user=no-such-user", ["no user \"no-such-user\""]),
    ("unix:/tmp/a?group=no-such-group", ["no group \"no-such-group\""]),
])
@pytest.mark.parametrize("options", [["-c"], []])
def test_bad_listeners_are_refused(tmp_path, listen, told, options):
    file = tmp_path / "httpd.cfg"
    file.write_text(daemon.config({"httpd.so": {"listen": listen}}))
    done = daemon.run(*options, "-f", file)
    assert done.returncode == 255
    for part in told:
        assert part in done.stderr


def test_an_address_in_use_is_told(start, tmp_path):
    server = start({})
    text = run_refused(tmp_path, {"listen": f"http://127.0.0.1:{server.port}"})
    assert f"http://127.0.0.1:{server.port}" in text and "ss -ltnp" in text


# --- Unix sockets ---


@pytest.mark.parametrize(("options", "mode"), [("", 0o660), ("?mode=600", 0o600), ("?mode=0777", 0o777)])
def test_the_mode_of_the_file(start, public_folder, options, mode):
    path = public_folder / "a.sock"
    old = os.umask(0o077)
    try:
        start({}, {"listen": f"unix:{path}{options}"})
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert os.listdir(public_folder) == ["a.sock"]


@ONLY_ROOT
def test_the_owner_of_the_file(start, public_folder):
    path = public_folder / "a.sock"
    start({}, {"listen": f"unix:{path}?user=nobody&group=daemon"})
    assert path.stat().st_uid == pwd.getpwnam("nobody").pw_uid
    assert path.stat().st_gid == grp.getgrnam("daemon").gr_gid


def test_a_stale_socket_is_taken_over(start, public_folder):
    path = public_folder / "a.sock"
    leave_stale(path)
    assert not answers(path)
    start({"hello_cpp.so": {}}, {"listen": f"unix:{path}"})
    assert curl(path)


def test_a_live_socket_is_not(start, public_folder, tmp_path):
    path = public_folder / "a.sock"
    start({"hello_cpp.so": {}}, {"listen": f"unix:{path}"})
    before = path.stat().st_ino
    text = run_refused(tmp_path, {"ip": "127.0.0.1", "port": daemon.free_port(), "listen": f"unix:{path}"})
    assert f"unix:{path}" in text and "answers there" in text
    assert path.stat().st_ino == before
    assert curl(path)


@pytest.mark.parametrize("make", [lambda path: path.write_text("precious"), lambda path: path.mkdir(),
                                  lambda path: path.symlink_to("/dev/null")])
@pytest.mark.parametrize("options", [["-c"], []])
def test_other_files_are_never_touched(public_folder, tmp_path, make, options):
    path = public_folder / "a.sock"
    make(path)
    before = path.lstat()
    assert "no socket" in run_refused(tmp_path, {"listen": f"unix:{path}"}, *options)
    assert (path.lstat().st_ino, path.lstat().st_mode) == (before.st_ino, before.st_mode)


def test_one_of_two_that_start_at_once_gets_it(public_folder, tmp_path):
    path = public_folder / "a.sock"
    leave_stale(path)
    for round_ in range(3):
        running = []
        for number in range(2):
            file = tmp_path / f"{round_}-{number}.cfg"
            file.write_text(daemon.config({"httpd.so": {"listen": f"unix:{path}"}, "hello_cpp.so": {}}))
            running.append(subprocess.Popen([str(daemon.BINARY), "-f", str(file)], stdin=subprocess.DEVNULL,
                                            stderr=subprocess.PIPE, text=True, start_new_session=True))
        try:
            deadline = time.monotonic() + daemon.START_TIMEOUT
            while all(process.poll() is None for process in running):
                assert time.monotonic() < deadline, "both run"
                time.sleep(0.01)
            (loser,) = [process for process in running if process.poll() is not None]
            (winner,) = [process for process in running if process is not loser]
            assert loser.returncode == 255
            assert "answers there" in loser.stderr.read()
            while b"ello" not in curl(path):
                assert time.monotonic() < deadline
            winner.terminate()
            assert winner.wait(daemon.STOP_TIMEOUT) == 0
        finally:
            for process in running:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                process.stderr.close()
        assert not path.exists()


def test_the_file_is_removed_at_the_end(start, public_folder):
    path = public_folder / "a.sock"
    server = start({}, {"listen": f"unix:{path}"})
    server.stop()
    assert os.listdir(public_folder) == []


def test_a_file_that_took_its_place_is_not_removed(start, public_folder):
    path = public_folder / "a.sock"
    server = start({}, {"listen": f"unix:{path}"})
    path.unlink()
    path.write_text("somebody else's")
    server.stop()
    assert path.read_text() == "somebody else's"


def test_a_failed_start_leaves_no_file(start, public_folder, tmp_path):
    other = start({})
    run_refused(tmp_path, {"listen": [f"unix:{public_folder / 'a'}", f"http://127.0.0.1:{other.port}"]})
    assert os.listdir(public_folder) == []
    text = run_refused(tmp_path, {"listen": f"unix:{public_folder / 'a'}"},
                       modules={"mi_fifo.so": {"fifo_name": "/no/such/folder/fifo"}})
    assert "/no/such/folder" in text
    assert os.listdir(public_folder) == []


def test_the_file_survives_a_crash_of_the_httpd_process(start, public_folder):
    path = public_folder / "a.sock"
    server = start({"hello_cpp.so": {}, "mi_http.so": {}}, {"listen": f"unix:{path}"})
    before = path.stat().st_ino
    (old,) = server.pids("HTTPD")
    os.kill(old, signal.SIGKILL)
    server.wait_log(f"({old}) was killed")
    assert curl(path)
    (new,) = server.pids("HTTPD")
    assert new != old
    os.kill(new, signal.SIGTERM)  # an orderly end of this process alone
    server.wait_log(f"({new}) ended")
    assert curl(path)
    assert path.stat().st_ino == before


def test_the_file_of_a_killed_daemon_is_taken_over(start, public_folder):
    path = public_folder / "a.sock"
    server = start({"hello_cpp.so": {}}, {"listen": f"unix:{path}"})
    server.kill()
    assert path.exists()
    start({"hello_cpp.so": {}}, {"listen": f"unix:{path}"})
    assert curl(path)


def test_a_check_leaves_nothing_behind(start, public_folder, tmp_path):
    file = tmp_path / "httpd.cfg"
    file.write_text(daemon.config({"httpd.so": {"listen": f"unix:{public_folder / 'a'}"}}))
    for _ in range(2):
        done = daemon.run("-c", "-f", file)
        assert done.returncode == 0, done.stderr
        assert os.listdir(public_folder) == []
    leave_stale(public_folder / "a")
    before = (public_folder / "a").stat().st_ino
    assert daemon.run("-c", "-f", file).returncode == 0
    assert (public_folder / "a").stat().st_ino == before, "not even a stale one is taken over"
    (public_folder / "a").unlink()
    server = start({"hello_cpp.so": {}}, {"listen": f"unix:{public_folder / 'a'}"})
    done = daemon.run("-c", "-f", server.file)
    assert done.returncode == 0, done.stderr
    assert curl(public_folder / "a")
