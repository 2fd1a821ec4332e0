# What the old and the new daemon of a binary upgrade share: files, sockets, systemd, users.
# SPDX-License-Identifier: GPL-2.0-or-later
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

import daemon
import processes
import pytest
from daemon import SANITIZER_REPORT
from generations import Generations, alive, wait_until
from rawhttp import request

MODULES = {"mi_http.so": {}, "hello_cpp.so": {}}

pytestmark = pytest.mark.skipif(bool(daemon.WRAPPER), reason="the program is not what was started")


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

    with open(tmp_path / "log", "w+", encoding="utf-8") as log:
        child = new = os.fork()
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
                os.kill(new, signal.SIGUSR2)
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
