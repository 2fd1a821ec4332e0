# The process that writes the access log: it loses no line that it can write, and nothing that stops it stops a request.
# SPDX-License-Identifier: GPL-2.0-or-later
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

import daemon
import pytest
from accesslog import COMBINED, MODULES, AccessLog, ask_many, statistic, wait_until
from rawhttp import request


def test_rotation_loses_no_line(log):
    it = log(access_log_format="%{n}i")
    count, rotated = 3000, []

    def load(first):
        with it.server.connect(timeout=60) as client:
            for number in range(first, first + count):
                client.ask(request("GET", "/respond/200", f"n: {number}"))

    threads = [threading.Thread(target=load, args=(first,)) for first in (0, count)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads) and len(rotated) < 20:
        rotated.append(it.path.with_suffix(f".{len(rotated)}"))
        it.path.rename(rotated[-1])
        it.server.process.send_signal([signal.SIGUSR1, signal.SIGHUP][len(rotated) % 2])
        wait_until(it.path.exists)
        time.sleep(0.05)
    for thread in threads:
        thread.join()
    assert len(rotated) > 1
    it.server.stop()
    numbers = [int(line) for file in (*rotated, it.path) for line in file.read_text().splitlines()]
    assert sorted(numbers) == list(range(2 * count))


def test_reopening_by_command(log):
    it = log()
    it.server.ask("GET", "/respond/200")
    it.lines(1)
    old = it.path.with_suffix(".1")
    it.path.rename(old)
    assert it.server.mi("httpd_access_log_reopen") == it.server.mi("httpd:access_log_reopen") == "OK"
    wait_until(it.path.exists)
    it.server.ask("GET", "/respond/200")
    it.server.stop()
    assert (old.read_text() + it.text()).count("\n") == 4


def test_reopening_without_a_log(start):
    server = start(MODULES)
    call = {"jsonrpc": "2.0", "method": "httpd_access_log_reopen", "id": 1}
    reply = server.ask("POST", "/mi", "Content-Type: application/json", body=json.dumps(call).encode())
    assert json.loads(reply.body)["error"]["code"] == 404


@pytest.mark.parametrize("workers", [0, 2])
def test_the_end_loses_no_line(log, workers):
    it = log(workers=workers, access_log_format="%s")
    ask_many(it.server, 500)
    it.server.stop()
    assert it.text() == "200\n" * 500


def test_what_is_in_progress_at_the_end_is_logged(json_log):
    it = json_log()
    client = it.server.connect()
    client.send(request("GET", "/large/50000000"))
    client.read_head()
    it.server.stop()
    client.close()
    (entry,) = it.entries(1)
    assert entry["connection"] == "cut" and 0 < entry["body_bytes"] < 50_000_000


def test_a_killed_writer_comes_again(log):
    it = log(access_log_format="%{n}i")
    ask_many(it.server, 5)
    it.lines(5)
    it.path.rename(it.path.with_suffix(".1"))  # the new one is to open the new file
    (writer,) = it.server.pids("HTTPD access log")
    os.kill(writer, signal.SIGKILL)
    for number in range(100):
        it.server.ask("GET", "/respond/200", f"n: {number}")
    wait_until(lambda: it.server.pids("HTTPD access log") not in ([], [writer]))
    it.server.stop()
    lines = it.text().splitlines()
    assert [int(line) for line in lines if line != "-"] == list(range(100))


def test_a_killed_httpd_process_goes_on_logging(log):
    it = log(access_log_format="%{n}i")
    it.server.ask("GET", "/respond/200", "n: 1")
    it.lines(1)
    (httpd,) = it.server.pids("HTTPD")
    time.sleep(0.2)
    os.kill(httpd, signal.SIGKILL)
    it.server.wait_log("starting it again")
    it.server.ask("GET", "/respond/200", "n: 2")
    it.server.stop()
    assert it.text().splitlines()[-1] == "2"


def test_processes(log):
    it = log(workers=2)
    assert len(it.server.pids("HTTPD access log")) == 1


# ---------------------------------------------------------------------------------------------- never blocking

LONG = f"/respond/200?{3000 * 'x'}"  # few such lines fill every buffer


def test_a_pipe_that_nobody_reads(log, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    server = log(access_log=str(fifo)).server
    assert ask_many(server, 1500, LONG) < 20
    wait_until(lambda: statistic(server, "access_log_drops") > 0)
    server.wait_log("nobody reads it")
    server.wait_log("lines dropped")
    # Who comes late gets what was kept, and what comes then.
    with open(fifo, "rb") as reader:
        seen = reader.readline()
        assert COMBINED.fullmatch(seen.decode().rstrip("\n")), seen
        thread = threading.Thread(target=lambda: [None for _ in reader], daemon=True)
        thread.start()
        server.wait_log("is written again")
        drops = statistic(server, "access_log_drops")
        ask_many(server, 10)
        assert statistic(server, "access_log_drops") == drops
        server.stop()
        thread.join(5)
    log_text = server.log()
    assert log_text.count("nobody reads it") == 1 and log_text.count("lines dropped") < 20


def test_a_reader_that_stands_still(log, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    server = log(access_log=str(fifo)).server
    assert ask_many(server, 1500, LONG) < 20
    wait_until(lambda: statistic(server, "access_log_drops") > 0)
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 5, "the end waits for no reader"
    os.close(reader)


def test_a_reader_that_leaves_gets_whole_lines(log, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    server = log(access_log=str(fifo), access_log_format="%{n}i " + "x" * 1500).server
    for number in range(200):
        server.ask("GET", "/respond/200", f"n: {number}")
    time.sleep(0.3)
    os.close(reader)
    server.wait_log("nobody reads it")
    with open(fifo, "rb") as again:
        number, rest = again.readline().split(b" ")
        assert int(number) > 0 and rest == b"x" * 1500 + b"\n"
        assert int(again.readline().split(b" ")[0]) == int(number) + 1
        server.process.send_signal(signal.SIGTERM)
        for _ in again:
            pass
    server.stop()


def test_a_full_disk(log):
    server = log(access_log="/dev/full").server
    assert ask_many(server, 1500, LONG) < 20
    wait_until(lambda: statistic(server, "access_log_lost") >= 1500)
    server.wait_log("No space left on device")
    assert server.log().count("No space left on device") == 1


@contextlib.contextmanager
def filesystem_of(size, tmp_path):
    """A folder on a file system of so many bytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder],
                                           check=False, capture_output=True).returncode != 0:
        pytest.skip("a small file system takes the right to mount one")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_disk_that_has_room_again(start, tmp_path):
    with filesystem_of(64 * 1024, tmp_path) as folder:
        it = AccessLog(start, folder / "access.log", access_log_format="%{n}i " + "x" * 500 + " end")
        for number in range(300):
            it.server.ask("GET", "/respond/200", f"n: {number}")
        it.server.wait_log("No space left on device")
        old = it.path.with_suffix(".1")
        old.write_bytes(b"")  # no room for it, but for its name
        os.truncate(it.path, 0)
        it.server.ask("GET", "/respond/200", "n: 1000")
        it.server.wait_log("is written again")
        it.server.stop()
        lines = it.text().splitlines()
        assert lines[-1] == "1000 " + "x" * 500 + " end", lines[-1]


# ---------------------------------------------------------------------------------------------- syslog and journal

def test_syslog(tmp_path):
    """In a mount namespace of its own, where /dev/log is ours."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("a /dev/log of the test's own takes the right to unshare(2)")
    port = daemon.free_port()
    file = tmp_path / "httpd.cfg"
    file.write_text(daemon.config({"httpd.so": {"ip": "127.0.0.1", "port": port, "access_log": "syslog:local3"},
                                   daemon.CPP_PROBE: {}}))
    socket_path = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
        syslog.bind(str(socket_path))
        syslog.settimeout(10)
        script = (f"mount -t tmpfs tmpfs /dev && ln -s {socket_path} /dev/log && mknod -m 666 /dev/null c 1 3 && "
                  f"exec {daemon.BINARY} -f {file}")
        server = subprocess.Popen(["unshare", "-m", "sh", "-c", script], stderr=subprocess.PIPE, cwd=tmp_path)
        try:
            for line in server.stderr:
                if b"listening on" in line:
                    break
            client = daemon.rawhttp.Client(port)
            client.ask(request("GET", "/respond/200"))
            client.close()
            found = re.fullmatch(r"<158>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d httpd\[\d+\]: (.*)", syslog.recv(65536).decode())
            assert found and COMBINED.fullmatch(found[1])["status"] == "200"
        finally:
            server.terminate()
            server.stderr.read()
            assert server.wait(10) == 0


@pytest.mark.skipif(os.path.exists("/run/systemd/journal/socket"), reason="there is a journal here")
def test_without_a_journal_the_start_is_refused(tmp_path):
    file = tmp_path / "bad.cfg"
    file.write_text(daemon.config({"httpd.so": {"access_log": "journald", "port": daemon.free_port()}}))
    done = daemon.run("-f", file)
    assert done.returncode == 255 and "there is no journal on this system" in done.stderr
