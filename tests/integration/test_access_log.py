# The access log: what its lines say, that all are there, and that nothing which writes them holds up a request.
# SPDX-License-Identifier: GPL-2.0-or-later
import calendar
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

import certificates
import daemon
import pytest
from rawhttp import request

MODULES = {daemon.CPP_PROBE: {}, "mi_http.so": {}}
COMBINED = re.compile(
    r'(?P<client>\S+) - (?P<user>\S+) \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] '
    r'"(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{3}|-) (?P<bytes>\d+|-) "(?P<referer>(?:[^"\\]|\\.)*)" '
    r'"(?P<agent>(?:[^"\\]|\\.)*)"')
MADE_ID = re.compile(r"[0-9a-f]{32}")


class AccessLog:
    """A server with an access log in a file."""

    def __init__(self, start, path, modules=None, **httpd):
        self.path = path
        self.server = start(modules or MODULES, httpd={"access_log": str(path), **httpd})

    def text(self):
        return self.path.read_text() if self.path.exists() else ""

    def lines(self, count, timeout=5.0):
        """Waits for so many lines, and makes sure that there are no more."""
        deadline = time.monotonic() + timeout
        while (text := self.text()).count("\n") < count and time.monotonic() < deadline:
            time.sleep(0.01)
        assert text.endswith("\n") and text.count("\n") == count, text
        return text.splitlines()

    def entries(self, count):
        return [json.loads(line) for line in self.lines(count)]


@pytest.fixture
def log(start, tmp_path):
    return lambda **settings: AccessLog(start, tmp_path / "access.log", **settings)


@pytest.fixture
def json_log(log):
    return lambda **settings: log(access_log_format="json", **settings)


def statistic(server, name):
    return server.mi("get_statistics", [[name]])[f"httpd:{name}"]


def wait_until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def ask_many(server, count, target="/respond/200"):
    """So many requests on one connection, the replies all read; seconds that they took."""
    began = time.monotonic()
    with server.connect(timeout=60) as client:
        for _ in range(count):
            assert client.ask(request("GET", target)).status == 200
    return time.monotonic() - began


# ---------------------------------------------------------------------------------------------- formats

def test_off_by_default(start):
    server = start(MODULES)
    assert not server.pids("HTTPD access log")
    reply = server.ask("GET", "/id", "X-Request-Id: mine")
    assert reply.body == b"mine" and reply.field("X-Request-Id") is None
    assert server.ask("GET", "/id").body == b"(none)"


def test_combined(log):
    it = log()
    it.server.ask("GET", "/respond/200?x=1", "Referer: http://here/", "User-Agent: a \"b\" \\ c")
    (line,) = it.lines(1)
    found = COMBINED.fullmatch(line)
    assert found, line
    assert found.groupdict() == {
        "client": "127.0.0.1", "user": "-", "request": "GET /respond/200?x=1 HTTP/1.1", "status": "200", "bytes": "4",
        "referer": "http://here/", "agent": r'a \"b\" \\ c'}
    assert (it.path.stat().st_mode & 0o777) & ~0o640 == 0


def test_json(json_log):
    it = json_log()
    before = time.time()
    reply = it.server.ask("GET", "/respond/201?secret=x", 'User-Agent: "', "X-Request-Id: abc-1")
    (entry,) = it.entries(1)
    stamp = time.strptime(entry["time"][:19], "%Y-%m-%dT%H:%M:%S")
    assert abs(calendar.timegm(stamp) - before) < 5 and entry["time"].endswith("Z")
    assert 0 <= entry.pop("handler_us") <= entry.pop("total_us") < 5_000_000
    del entry["time"]
    assert entry == {
        "client": "127.0.0.1", "peer": "127.0.0.1", "user": None, "request": "GET /respond/201?secret=x HTTP/1.1",
        "method": "GET", "path": "/respond/201", "status": 201, "body_bytes": 4, "referer": None, "user_agent": '"',
        "root": "respond", "request_id": "abc-1", "connection": "kept", "tls_version": None, "tls_cipher": None,
        "tls_client": None}
    assert reply.field("X-Request-Id") == "abc-1"


def test_own_format(log):
    it = log(access_log_format="%% %m %U %q %H %s %>s %B %R %X %{X-Probe}o %{Content-Type}o %{x-mine}i "
                               "%{nothing}i %{us}T|%{c}a")
    it.server.ask("GET", "/fields/good?q", "X-Mine: yes")
    (line,) = it.lines(1)
    assert re.fullmatch(r"% GET /fields/good \?q HTTP/1\.1 201 201 6 fields \+ first text/plain; charset=utf-8 yes "
                        r"- \d+\|127\.0\.0\.1", line), line


@pytest.mark.parametrize("bad,position", [("%h %Z", 4), ("%{Authorization}i", 1), ("x%{a b}i", 2), ("%{Referer", 1),
                                          ("%h %", 4), ("%h\n", 3), ("%{nope}x", 1)])
def test_a_bad_format_refuses_the_start(tmp_path, bad, position):
    file = tmp_path / "bad.cfg"
    file.write_text(daemon.config({"httpd.so": {"access_log_format": bad}}))
    done = daemon.run("-f", file)
    assert done.returncode == 255 and f"character {position} of the format" in done.stderr, done.stderr


@pytest.mark.parametrize("path", ["no/such/folder/log", "."])
def test_a_bad_path_refuses_the_start(tmp_path, path):
    file = tmp_path / "bad.cfg"
    file.write_text(daemon.config({"httpd.so": {"access_log": path, "port": daemon.free_port()}}))
    for options in ([], ["-c"]):
        done = daemon.run("-f", file, *options, cwd=tmp_path)
        assert done.returncode == 255 and "cannot write the access log to" in done.stderr, done.stderr


def test_a_check_makes_no_file(tmp_path):
    file = tmp_path / "good.cfg"
    file.write_text(daemon.config({"httpd.so": {"access_log": "access.log", "port": daemon.free_port()}}))
    assert daemon.run("-f", file, "-c", cwd=tmp_path).returncode == 0
    assert not (tmp_path / "access.log").exists()


# ---------------------------------------------------------------------------------------------- what is logged

def test_refusals(json_log):
    it = json_log()
    for target, status in (("/nowhere", 404), ("/respond/..", 400)):
        assert it.server.ask("GET", target).status == status
    assert it.server.ask("DELETE", "/respond/200").status == 405
    entries = it.entries(3)
    assert [(entry["status"], entry["method"], entry["handler_us"]) for entry in entries] == [
        (404, "GET", None), (400, "GET", None), (405, "DELETE", None)]
    assert [entry["connection"] for entry in entries] == ["kept", "closed", "kept"]
    assert all(MADE_ID.fullmatch(entry["request_id"]) for entry in entries)
    assert all(entry["body_bytes"] > 0 for entry in entries)


def test_no_bytes_of_a_client_forge_a_line(json_log):
    it = json_log()
    hostile = [b'GET /\x00\xff\xfe"\\\x1b[31m HTTP/1.1\r\n\r\n', b"\x80\x81garbage\n\n", b"GET / HTTP/9.9\r\n\r\n",
               b'GET /respond/200 HTTP/1.1\r\nHost: a\r\nUser-Agent: \xff\xc0"\\\xe2\x80\xa8\r\n\r\n',
               b'GET /respond/200 HTTP/1.1\r\nHost: a\r\nX-Request-Id: a\\"b\r\nUser-Agent: \xc3\xa9\r\n\r\n']
    for data in hostile:
        with it.server.connect() as client:
            client.send(data)
            client.read_reply()
    entries = it.entries(len(hostile))
    assert [entry["status"] for entry in entries] == [400, 400, 505, 200, 200]
    assert entries[3]["user_agent"] == '\ufffd\ufffd"\\\u2028'
    assert entries[4]["user_agent"] == "é" and MADE_ID.fullmatch(entries[4]["request_id"])
    assert "\x1b" not in it.text()


def test_hostile_bytes_in_combined(log):
    it = log()
    with it.server.connect() as client:
        client.send(b'GET /respond/200 HTTP/1.1\r\nHost: a\r\nUser-Agent: \xff" 200 - "\r\n\r\n')
        client.read_reply()
    (line,) = it.lines(1)
    assert COMBINED.fullmatch(line)["agent"] == r'\xff\" 200 - \"'


def test_kept_and_pipelined(json_log):
    it = json_log()
    with it.server.connect() as client:
        client.send(b"".join(request("GET", f"/respond/{200 + i}") for i in range(20)
                             if 200 + i not in (204, 205)) + request("GET", "/respond/200", "Connection: close"))
        for _ in range(18):
            client.read_reply()
        client.read_reply()
    entries = it.entries(19)
    assert [entry["status"] for entry in entries] == [200 + i for i in range(20) if i not in (4, 5)] + [200]
    assert [entry["connection"] for entry in entries] == 18 * ["kept"] + ["closed"]
    assert len({entry["request_id"] for entry in entries}) == 19


def test_bodies_without_bytes(json_log):
    it = json_log()
    with it.server.connect() as client:
        client.send(request("HEAD", "/large/100000"))
        client.read_reply("HEAD")
        client.ask(request("GET", "/respond/204"))
        client.ask(request("GET", "/large/100000"))
    assert [entry["body_bytes"] for entry in it.entries(3)] == [0, 0, 100000]


def test_a_stream(json_log):
    it = json_log(modules={daemon.STREAM_PROBE: {}})
    size = 1_000_000
    assert len(it.server.ask("GET", f"/probe/numbers/{size}").body) == size
    (entry,) = it.entries(1)
    assert (entry["body_bytes"], entry["connection"]) == (size, "kept")


@pytest.mark.parametrize("kind,size", [("/large/{}", 50_000_000), ("/probe/numbers/{}", 80_000_000)])
def test_a_client_that_leaves_in_the_middle(json_log, kind, size):
    it = json_log(modules={daemon.CPP_PROBE: {}, daemon.STREAM_PROBE: {}})
    client = it.server.connect()
    client.send(request("GET", kind.format(size)))
    client.read_head()
    time.sleep(0.2)
    assert it.text() == "", "the line comes when the reply is out"
    client.reset()
    (entry,) = it.entries(1)
    assert entry["status"] == 200 and entry["connection"] == "cut" and 0 < entry["body_bytes"] < size


def test_a_client_that_does_not_wait_for_its_reply(json_log):
    it = json_log(modules={daemon.STREAM_PROBE: {}})
    client = it.server.connect()
    client.send(request("GET", "/probe/kept/ever"))
    time.sleep(0.2)
    client.reset()
    (entry,) = it.entries(1)
    assert entry["status"] is None and entry["connection"] == "cut" and entry["path"] == "/probe/kept/ever"
    assert entry["handler_us"] > 100_000 and entry["total_us"] >= entry["handler_us"]


def test_times(json_log):
    it = json_log(modules={daemon.WORKER_PROBE: {}}, workers=2)
    began = time.monotonic()
    it.server.ask("GET", "/sleep/300")
    took = 1e6 * (time.monotonic() - began)
    (entry,) = it.entries(1)
    assert 295_000 < entry["handler_us"] <= entry["total_us"] <= took


def test_who_is_turned_away(json_log):
    it = json_log(max_client_connections=1)
    with contextlib.ExitStack() as stack:
        one, another, third = (stack.enter_context(it.server.connect(source="127.0.0.2")) for _ in range(3))
        for client in (one, another):
            client.send(request("GET", "/respond/200"))
            assert client.read_reply().status == 200
        assert third.read_reply().status == 503
    entries = it.entries(3)
    assert [entry["status"] for entry in entries] == [200, 200, 503]
    assert entries[2]["request"] is None and entries[2]["client"] == "127.0.0.2"


def test_user_and_proxy(json_log):
    it = json_log(auth_username="admin", auth_password="secret", trusted_proxies="127.0.0.1",
                  forwarded_header="X-Forwarded-For")
    reply = it.server.ask("GET", "/respond/200", "Authorization: Basic YWRtaW46c2VjcmV0", "X-Forwarded-For: 192.0.2.7")
    assert reply.status == 200
    (entry,) = it.entries(1)
    assert (entry["user"], entry["client"], entry["peer"]) == ("admin", "192.0.2.7", "127.0.0.1")
    assert "YWRtaW46c2VjcmV0" not in it.text() and "secret" not in it.text()


def test_tls(json_log, rsa):
    it = json_log(**certificates.parameters(rsa))
    it.server.ask("GET", "/respond/200")
    (entry,) = it.entries(1)
    assert entry["tls_version"] == "TLS1.3" and entry["tls_cipher"] and entry["tls_client"] is None


# ---------------------------------------------------------------------------------------------- ids

@pytest.mark.parametrize("workers", [0, 2])
def test_ids_of_requests(start, workers):
    server = start(MODULES, httpd={"request_id": 1, "workers": workers})
    good = "A-z._~+/=@:0" + 116 * "x"
    reply = server.ask("GET", "/id", f"X-Request-Id: {good}")
    assert reply.body.decode() == good == reply.field("X-Request-Id")
    made = set()
    for bad in (None, good + "x", "a b", "a,b", "é"):
        reply = server.ask("GET", "/id", *([] if bad is None else [f"X-Request-Id: {bad}"]))
        assert MADE_ID.fullmatch(reply.body.decode()) and reply.field("X-Request-Id") == reply.body.decode()
        made.add(reply.body)
    assert len(made) == 5
    assert MADE_ID.fullmatch(server.ask("GET", "/nowhere").field("X-Request-Id"))


# ---------------------------------------------------------------------------------------------- the writing process

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
