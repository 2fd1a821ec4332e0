# Binary upgrade: another daemon takes over the sockets, and no client notices. SPDX-License-Identifier: GPL-2.0-or-later
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time
from pathlib import Path

import certificates
import daemon
import processes
import pytest
import rawtls
from daemon import SANITIZER_REPORT
from rawhttp import BadReply, request

MODULES = {"mi_http.so": {}, "hello_cpp.so": {}, daemon.WORKER_PROBE: {}}
HELLO = request("GET", "/hello-cpp")

pytestmark = pytest.mark.skipif(bool(daemon.WRAPPER), reason="the program is not what was started")


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition, what="it did not happen", timeout=20.0):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


class Generations:
    """A daemon and those that take its place, in one session and with one log."""

    def __init__(self, server):
        self.server = server
        self.attendant = server.process.pid

    def signal(self, number, to=None):
        os.kill(to or self.attendant, number)

    def begin(self):
        """Asks for an upgrade and returns the process that was started for it."""
        mark = self.server.mark()
        self.signal(signal.SIGUSR2)
        line = self.server.wait_log("upgrade: starting ", since=mark)
        return int(line.rpartition(" ")[2]), mark

    def upgrade(self):
        """The new attendant serves; returns that of before."""
        new, mark = self.begin()
        self.server.wait_log(f"upgrade: process {new} serves", daemon.START_TIMEOUT, since=mark)
        old, self.attendant = self.attendant, new
        return old

    def fail(self):
        new, mark = self.begin()
        line = self.server.wait_log("upgrade failed: ", daemon.START_TIMEOUT, since=mark)
        assert f"process {new}: " in line and line.endswith("this one goes on") and " ERROR:" in line
        wait_until(lambda: not alive(new))
        return line

    def gone(self, pid, timeout=20.0):
        """Waits for the end of an attendant; the first one's must be in order."""
        if pid == self.server.process.pid:
            assert self.server.process.wait(timeout) == 0
        wait_until(lambda: not alive(pid), f"{pid} is still there:\n{self.server.log()}", timeout)

    def end(self):
        self.signal(signal.SIGTERM)
        self.gone(self.attendant)
        self.server._reader.join(20)
        assert not self.server._reader.is_alive(), "a process outlived its attendant:\n" + self.server.log()
        assert not SANITIZER_REPORT.search(self.server.log()), self.server.log()


@pytest.fixture
def serve(start):
    made = []

    def starter(modules=None, options=(), **httpd):
        made.append(Generations(start({**MODULES, **(modules or {})}, httpd, options=options)))
        return made[-1]

    yield starter
    for generations in made:
        generations.end()


def attendant_of(server):
    """The process that answers requests is its child."""
    listed = server.mi("ps")["Processes"]
    return next(entry["PID"] for entry in listed if entry["Type"] == "attendant")


# --- one after the other ---


def test_the_new_one_serves_and_the_old_one_ends(serve):
    it = serve()
    old = it.upgrade()
    it.gone(old)
    assert attendant_of(it.server) == it.attendant != old
    assert it.server.ask("GET", "/hello-cpp").status == 200
    assert "stopped: another daemon serves" in it.server.log()
    children = processes.children(it.attendant)
    assert len(children) == 1 + (daemon.WORKERS or 0)


def test_several_in_a_row(serve):
    it = serve()
    for _ in range(3):
        old = it.upgrade()
        assert it.server.ask("GET", "/hello-cpp").status == 200
        it.gone(old)
    assert attendant_of(it.server) == it.attendant


def test_the_new_one_has_the_new_configuration(serve):
    it = serve()
    text = it.server.file.read_text()
    port = daemon.free_port()
    it.server.file.write_text(text + 'modparam("httpd", "max_uri_size", 100)\n'
                              f'modparam("httpd", "listen", "http://127.0.0.1:{port}")\n')
    old = it.upgrade()
    it.gone(old)
    assert it.server.ask("GET", "/hello-cpp?" + "a" * 200).status == 414
    before, it.server.port = it.server.port, port
    assert it.server.ask("GET", "/hello-cpp").status == 200
    # And back: the listener that is not in the configuration any more is closed.
    it.server.file.write_text(text)
    old = it.upgrade()
    it.gone(old)
    with pytest.raises(ConnectionRefusedError):
        it.server.connect()
    it.server.port = before
    assert it.server.ask("GET", "/hello-cpp").status == 200


def test_relative_names_mean_what_they_meant_at_the_start(start, tmp_path):
    (tmp_path / "inside").mkdir()
    server = start(MODULES, {}, options=("-f", "httpd.cfg", "-w", tmp_path / "inside", "-P", "pid"))
    it = Generations(server)
    old = it.upgrade()
    it.gone(old)
    assert server.ask("GET", "/hello-cpp").status == 200
    assert int((server.folder / "pid").read_text()) == it.attendant
    it.end()


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("workers", [0, 2])
def test_no_request_fails_under_load(start, ec, tls, workers):
    given = {"workers": workers, "conn_timeout": 3}
    if tls:
        given |= certificates.parameters(ec, tls_ciphers=certificates.SUGGESTED_CIPHERS)
    it = Generations(start(MODULES, given))
    failures, done, counts = [], threading.Event(), [0] * 4

    def client(number):
        try:
            while not done.is_set():
                with it.server.connect() as connection:
                    for _ in range(1 if number == 3 else 10_000):
                        if done.is_set():
                            break
                        reply = connection.ask(HELLO)
                        if reply.status != 200:
                            failures.append(f"status {reply.status}")
                        counts[number] += 1
                        if reply.closes():
                            break
                        if number == 2:
                            time.sleep(0.3)
        except (OSError, BadReply) as error:
            failures.append(f"{number}: {error!r}")

    threads = [threading.Thread(target=client, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    olds = []
    for _ in range(4):
        time.sleep(0.3)
        olds.append(it.upgrade())
    for old in olds:
        it.gone(old)
    time.sleep(0.3)
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert min(counts) > 5, counts
    it.end()


def test_open_connections_are_let_go_with_their_next_reply(serve):
    it = serve(conn_timeout=30)
    with it.server.connect() as kept, it.server.connect() as idle, it.server.connect() as slow, \
            it.server.connect() as half, it.server.connect() as pipeline:
        for client in (kept, idle, slow, half, pipeline):
            assert not client.ask(HELLO).closes()
        slow.send(request("GET", "/keep/3000"))
        half.send(HELLO[:10])
        time.sleep(0.2)
        old = it.upgrade()
        time.sleep(0.5)  # until the old HTTPD process has heard of it, too
        pipeline.send(HELLO * 3)
        assert [pipeline.read_reply().status for _ in range(3)] == [200] * 3
        pipeline.assert_closed(within=2)
        reply = kept.ask(HELLO)
        assert reply.status == 200 and reply.closes()
        half.send(HELLO[10:])
        assert half.read_reply().status == 200
        idle.assert_open()
        assert slow.read_reply().status == 200
        idle.assert_closed(within=8)
    it.gone(old)


def test_a_long_reply_is_sent_to_its_end(serve):
    it = serve()
    with it.server.connect(timeout=30) as client:
        client.send(request("GET", "/letters/30000000"))
        head = client.read_head()
        assert head.status == 200
        old = it.upgrade()
        time.sleep(1)
        assert alive(old)
        size = 0
        while not client.buffer.endswith(b"\r\n0\r\n\r\n"):
            size += len(client.buffer)
            client.buffer = client.buffer[-7:] + client.receive(10)
        assert size > 30_000_000
    it.gone(old)


def test_who_does_not_end_has_upgrade_timeout_and_the_drain(serve):
    it = serve(upgrade_timeout=1, drain_timeout=1, handler_timeout=0)
    with it.server.connect() as client:
        client.send(request("GET", "/keep/60000"))
        time.sleep(0.2)
        begin = time.monotonic()
        old = it.upgrade()
        it.gone(old)
        assert 1.8 < time.monotonic() - begin < 6
    assert "connections cut because they did not finish in 1 s: 1" in it.server.log()


def test_sigterm_shortens_it_to_the_drain(serve):
    it = serve(drain_timeout=1, handler_timeout=0)
    with it.server.connect() as client:
        client.send(request("GET", "/keep/60000"))
        time.sleep(0.2)
        old = it.upgrade()
        begin = time.monotonic()
        it.signal(signal.SIGTERM, old)
        it.gone(old)
        assert time.monotonic() - begin < 4
    assert it.server.ask("GET", "/hello-cpp").status == 200


# --- what goes wrong ---


def test_a_broken_configuration_leaves_the_old_one_serving(serve):
    it = serve()
    good = it.server.file.read_text()
    it.server.file.write_text(good + "nonsense\n")
    assert "ended with status 255 before it was ready" in it.fail()
    assert it.server.ask("GET", "/hello-cpp").status == 200
    it.server.file.write_text(good + 'modparam("httpd", "listen", "http://192.0.2.1:80")\n')
    it.fail()
    assert attendant_of(it.server) == it.attendant
    it.server.file.write_text(good)
    it.gone(it.upgrade())
    assert it.server.ask("GET", "/hello-cpp").status == 200


@pytest.fixture
def own_program(monkeypatch, tmp_path):
    """The program in a place where it can be replaced."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "opensips-httpd"
    shutil.copy(daemon.BINARY, program)
    monkeypatch.setattr(daemon, "BINARY", program)
    return program


def replace(program, text):
    fresh = program.with_suffix(".new")
    fresh.write_text(text)
    fresh.chmod(0o755)
    fresh.rename(program)


MODULE_PATH = daemon.BUILD / "lib/opensips-httpd/modules"
OWN = {MODULE_PATH / "mi_http.so": {}, daemon.WORKER_PROBE: {}}


def test_a_binary_that_cannot_be_used(own_program, start):
    it = Generations(start(OWN, {}))
    good = own_program.read_bytes()
    replace(own_program, "#!/bin/sh\nkill -SEGV $$\n")
    assert "was killed by signal 11" in it.fail()
    replace(own_program, "#!/bin/sh\nexit 3\n")
    assert "ended with status 3" in it.fail()
    replace(own_program, "no program")
    assert "cannot be run: Exec format error" in it.fail()
    own_program.unlink()
    assert "cannot be run: No such file or directory" in it.fail()
    assert it.server.ask("GET", "/fast").status == 200
    own_program.write_bytes(good)
    own_program.chmod(0o755)
    it.gone(it.upgrade())
    assert it.server.ask("GET", "/fast").status == 200
    it.end()


def test_one_at_a_time_and_the_end_ends_both(own_program, start):
    it = Generations(start(OWN, {}))
    replace(own_program, "#!/bin/sh\nexec sleep 1000\n")
    new, mark = it.begin()
    it.signal(signal.SIGUSR2)
    assert f"in progress already: process {new}" in it.server.wait_log("SIGUSR2: ", since=mark)
    assert it.server.ask("GET", "/fast").status == 200
    it.end()
    wait_until(lambda: not alive(new))


def test_an_end_of_the_new_one_before_it_is_ready(own_program, start):
    it = Generations(start(OWN, {}))
    replace(own_program, "#!/bin/sh\nexec sleep 1000\n")
    new, mark = it.begin()
    it.signal(signal.SIGTERM, new)
    assert "was killed by signal 15" in it.server.wait_log("upgrade failed: ", since=mark)
    assert it.server.ask("GET", "/fast").status == 200
    it.end()


def test_processes_that_are_not_the_attendant_do_not_care(serve):
    it = serve()
    for pid in processes.children(it.attendant):
        os.kill(pid, signal.SIGUSR2)
    time.sleep(0.3)
    assert it.server.ask("GET", "/hello-cpp").status == 200
    assert "upgrade" not in it.server.log() and "starting it again" not in it.server.log()


def test_a_variable_that_nobody_of_ours_has_set(tmp_path):
    (tmp_path / "cfg").write_text('loadmodule "httpd.so"\n')
    done = daemon.run("-f", tmp_path / "cfg", env={**os.environ, "OPENSIPS_HTTPD_UPGRADE": "77"})
    assert done.returncode == 255 and "OPENSIPS_HTTPD_UPGRADE" in done.stderr


# --- what they share ---


def test_the_pid_file(start, tmp_path):
    file = tmp_path / "pid"
    it = Generations(start(MODULES, {}, options=("-P", file)))
    good = it.server.file.read_text()
    it.server.file.write_text("nonsense")
    it.fail()
    assert int(file.read_text()) == it.attendant
    it.server.file.write_text(good)
    for _ in range(2):
        old = it.upgrade()
        wait_until(lambda: file.read_text() == f"{it.attendant}\n")
        it.gone(old)
        assert int(file.read_text()) == it.attendant
    it.end()
    assert not file.exists()


def test_a_unix_socket(start, tmp_path):
    path = tmp_path / "http.sock"
    it = Generations(start(MODULES, {"listen": [f"unix:{path}?mode=600", "http://127.0.0.1:%d" % daemon.free_port()]}))

    def ask():
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(str(path))
            client.sendall(request("GET", "/hello-cpp", "Connection: close"))
            return client.recv(1000)

    good = it.server.file.read_text()
    it.server.file.write_text("nonsense")
    it.fail()
    assert ask().startswith(b"HTTP/1.1 200")
    it.server.file.write_text(good)
    for _ in range(2):
        inode = path.stat().st_ino
        it.gone(it.upgrade())
        assert path.stat().st_ino == inode and stat.S_IMODE(path.stat().st_mode) == 0o600
        assert ask().startswith(b"HTTP/1.1 200")
    it.end()
    assert not path.exists(), "the last one makes order"


def test_all_interfaces(start):
    it = Generations(start(MODULES, {"ip": "*"}))
    it.gone(it.upgrade())
    assert it.server.ask("GET", "/hello-cpp").status == 200
    it.end()


def test_sockets_of_systemd_go_on_with_their_names(tmp_path):
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    (tmp_path / "cfg").write_text('log_level = 3\nloadmodule "httpd.so"\nloadmodule "mi_http.so"\n'
                                  'modparam("httpd", "listen", "http://*:1?name=web")\n')

    def inherit():
        os.dup2(listener.fileno(), 3)
        os.environ.update(LISTEN_FDS="1", LISTEN_FDNAMES="web", LISTEN_PID=str(os.getpid()))

    with open(tmp_path / "log", "w+") as log:
        child = os.fork()
        if child == 0:
            os.setsid()
            os.dup2(log.fileno(), 2)
            inherit()
            os.execv(daemon.BINARY, [str(daemon.BINARY), "-f", str(tmp_path / "cfg")])

        def logged(text):
            return text in (tmp_path / "log").read_text()

        try:
            wait_until(lambda: logged("listening on"))
            for count in (1, 2):
                wait_until(lambda: (tmp_path / "log").read_text().count("listening on") == count)
                pid = child if count == 1 else new
                os.kill(pid, signal.SIGUSR2)
                wait_until(lambda: (tmp_path / "log").read_text().count(" serves; this one ends") == count)
                new = int(re.findall(r"process (\d+) serves", (tmp_path / "log").read_text())[-1])
                with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                    client.sendall(request("GET", "/mi", "Connection: close"))
                    assert client.recv(100).startswith(b"HTTP/1.1 405")
            os.kill(new, signal.SIGTERM)
            wait_until(lambda: not alive(new))
        finally:
            try:
                os.killpg(child, signal.SIGKILL)
            except ProcessLookupError:
                pass
            os.waitpid(child, 0)
            listener.close()
    assert not SANITIZER_REPORT.search((tmp_path / "log").read_text())


def test_systemd_learns_of_the_new_main_process(start, tmp_path):
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(10)
        it = Generations(start(MODULES, {}, environment={"NOTIFY_SOCKET": address}))
        it.upgrade()
        told = [manager.recv(4096).decode() for _ in range(3)]
        assert f"MAINPID={it.attendant}" in told
        assert not any("STOPPING" in text for text in told)
        it.end()


def fifo_ask(fifo, replies, method, timeout=10.0):
    """What a command through the FIFO answers."""
    name = f"reply{time.monotonic_ns()}"
    reply = Path(replies) / name
    os.mkfifo(reply)
    reader = os.open(reply, os.O_RDONLY | os.O_NONBLOCK)
    try:
        call = json.dumps({"jsonrpc": "2.0", "method": method, "id": 1})
        writer = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        os.write(writer, f":{name}:{call}".encode())
        os.close(writer)
        deadline, text = time.monotonic() + timeout, b""
        while time.monotonic() < deadline:
            try:
                piece = os.read(reader, 1 << 16)
            except BlockingIOError:
                piece = b""
            text += piece
            if text and not piece:
                return json.loads(text)
            time.sleep(0.005)
        raise AssertionError(f"no answer to {method}: {text!r}")
    finally:
        os.close(reader)
        reply.unlink()


def test_the_mi_fifo_has_no_gap_and_commands_go_to_the_new_one(start, tmp_path):
    fifo = tmp_path / "fifo"
    modules = {**MODULES, "mi_fifo.so": {"fifo_name": str(fifo), "reply_dir": str(tmp_path)}}
    it = Generations(start(modules, {}))
    done, failures, answers = threading.Event(), [], []

    def ask_on():
        while not done.is_set():
            try:
                answers.append(fifo_ask(fifo, tmp_path, "ps")["result"])
            except (OSError, AssertionError) as error:
                failures.append(repr(error))

    thread = threading.Thread(target=ask_on)
    thread.start()
    for _ in range(2):
        old = it.upgrade()
        it.gone(old)
    time.sleep(0.3)
    done.set()
    thread.join()
    assert failures == [] and len(answers) > 10
    assert answers[-1]["Processes"][0]["PID"] == it.attendant
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    it.end()
    assert not fifo.exists()


def test_another_user(start, public_folder):
    """Started as root with -u: the new one begins as that user, with the sockets that it could not bind."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    public_folder.chmod(0o755)
    file = public_folder / "pid"
    server = start({"mi_http.so": {}}, {"workers": 0}, options=("-u", "nobody", "-P", file))
    it = Generations(server)
    server.file.chmod(0o644)
    for folder in (server.folder, *server.folder.parents):
        if folder.stat().st_mode & 0o005 != 0o005:
            folder.chmod(folder.stat().st_mode | 0o055)
    for _ in range(2):
        old = it.upgrade()
        it.gone(old)
        assert int(file.read_text()) == it.attendant
    assert it.server.ask("GET", "/mi").status == 405
    it.end()
    assert file.read_text() == "", "it may not be removed by that user"


def test_a_container_is_told_to_be_replaced(tmp_path):
    """Process 1 of a namespace of its own."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root and unshare")
    (tmp_path / "cfg").write_text('log_level = 3\nloadmodule "httpd.so"\n'
                                  f'modparam("httpd", "ip", "127.0.0.1")\nmodparam("httpd", "port", {daemon.free_port()})\n')
    log = tmp_path / "log"
    with open(log, "w") as out:
        started = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", str(daemon.BINARY), "-f",
                                    str(tmp_path / "cfg")], stderr=out, stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: "listening on" in log.read_text() or started.poll() is not None)
        if started.poll() is not None and "unshare" in log.read_text():
            pytest.skip("no namespaces here")
        (attendant,) = processes.children(started.pid)
        os.kill(attendant, signal.SIGUSR2)
        wait_until(lambda: "a container ends with its first process" in log.read_text())
        os.kill(attendant, signal.SIGTERM)
        started.wait(20)
    finally:
        started.kill()
        started.wait()
