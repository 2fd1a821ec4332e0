# Upgrades together with the access log, its rotation, reloads, health, another user, and everything else that is on.
# SPDX-License-Identifier: GPL-2.0-or-later
import os
import re
import signal
import threading
import time

import daemon
import processes
import pytest
from accesslog import AccessLog
from generations import Generations, alive, wait_until
from operating import MODULES, NUMBERED, Load, everything, logged, opened
from rawhttp import request

PAD = "pad: " + "x" * 700

pytestmark = pytest.mark.skipif(bool(daemon.WRAPPER), reason="the program is not what was started")


def by_role(server):
    return {entry["Type"]: opened(entry["PID"]) for entry in server.mi("ps")["Processes"]}


def test_upgrades_with_everything_on_leak_nothing_and_lose_no_line(start, tmp_path):
    modules, httpd = everything(tmp_path, access_log_format=NUMBERED)
    it = AccessLog(start, tmp_path / "access.log", modules, **httpd)
    generations = Generations(it.server)
    before = by_role(it.server)
    with Load(it.server) as load:
        for _ in range(3):
            time.sleep(0.3)
            old = generations.upgrade()
            generations.gone(old)
    # Connections that have just been closed may be there for a moment.
    wait_until(lambda: by_role(it.server) == before, "a process has more descriptors than at first")
    generations.end()
    assert logged(it.path) == sorted(load.asked)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2])
def test_no_signal_to_a_daemon_that_starts_ends_it(start, number):
    """Who signals all processes of that name, or a group, meets one that is not ready as well."""
    it = Generations(start(MODULES, {}))
    new, mark = it.begin()
    while f"upgrade: process {new} serves" not in it.server.log() and "upgrade failed" not in it.server.log():
        it.signal(number, new)
        time.sleep(0.002)
    it.server.wait_log(f"upgrade: process {new} serves", since=mark)
    it.gone(it.attendant)
    it.attendant = new
    if number == signal.SIGUSR2:
        # The last of them may have come to one that was ready, and is one more upgrade then.
        time.sleep(0.3)
        it.attendant = int(re.findall(r"upgrade: starting \S+ as process (\d+)", it.server.log())[-1])
        it.server.wait_log(f"upgrade: process {it.attendant} serves", daemon.START_TIMEOUT)
    assert it.server.ask("GET", "/hello-cpp").status == 200
    it.end()


def test_rotation_during_an_upgrade(start, tmp_path):
    it = AccessLog(start, tmp_path / "access.log", MODULES, access_log_format=NUMBERED, workers=1)
    generations = Generations(it.server)
    rotated = []

    def told_another(number, new):
        """Who ended just then has heard nothing: the one that the pid file names by now is told."""
        if not alive(generations.attendant):
            generations.signal(number, new)
        return False

    with Load(it.server) as load:
        for _ in range(3):
            new, mark = generations.begin()
            for number in (signal.SIGUSR1, signal.SIGHUP):
                rotated.append(it.path.with_suffix(f".{len(rotated)}"))
                it.path.rename(rotated[-1])
                generations.signal(number)
                wait_until(lambda number=number, new=new: it.path.exists() or told_another(number, new))
            it.server.wait_log(f"upgrade: process {new} serves", daemon.START_TIMEOUT, since=mark)
            old, generations.attendant = generations.attendant, new
            generations.gone(old)
    generations.end()
    assert logged(it.path, *[file for file in rotated if file.exists()]) == sorted(load.asked)


def test_the_writer_dies_while_the_new_one_starts(start, tmp_path):
    it = AccessLog(start, tmp_path / "access.log", MODULES, access_log_format=NUMBERED)
    generations = Generations(it.server)
    new, mark = generations.begin()
    killed = False
    while not killed and alive(new):
        try:
            for child in processes.children(new):
                if "access.log" in " ".join(opened(child)):
                    os.kill(child, signal.SIGKILL)
                    killed = True
        except OSError:
            pass
    assert killed
    line = it.server.wait_log(re.compile("upgrade failed|serves"), daemon.START_TIMEOUT, since=mark)
    if "serves" in line:
        generations.attendant = new
    for number in range(5):
        assert it.server.ask("GET", "/hello-cpp", f"n: {number}").status == 200
    wait_until(lambda: logged(it.path) == list(range(5)))
    generations.end()


def test_a_pipe_for_the_log_over_upgrades(start, tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    text, reader = bytearray(), os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    done = threading.Event()

    def read():
        while True:
            try:
                piece = os.read(reader, 65536)
            except BlockingIOError:
                piece = b""
            text.extend(piece)
            if not piece:
                if done.is_set():
                    return
                time.sleep(0.01)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        server = start(MODULES, {"access_log": str(path), "access_log_format": NUMBERED})
        generations = Generations(server)
        with Load(server) as load:
            for _ in range(3):
                old = generations.upgrade()
                generations.gone(old)
        generations.end()
    finally:
        done.set()
        thread.join()
        os.close(reader)
    assert sorted(int(line) for line in text.decode().splitlines()) == sorted(load.asked)


def test_two_writers_of_one_pipe_do_not_mix_their_lines(start, tmp_path):
    """The old one still has what nobody read when the new one begins."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    text, done = bytearray(), threading.Event()

    def read():
        while not done.is_set():
            try:
                text.extend(os.read(reader, 3000))
            except BlockingIOError:
                pass
            time.sleep(0.002)

    thread = threading.Thread(target=read)
    try:
        server = start(MODULES, {"access_log": str(path), "access_log_format": "<%{n}i %{pad}i>"})
        it = Generations(server)

        def ask(first, count):
            left = list(range(first, first + count))
            while left:
                with server.connect(timeout=30) as client:
                    # The old one may still have taken the connection, and ends it then.
                    while left and not client.ask(request("GET", "/hello-cpp", f"n: {left.pop()}", PAD)).closes():
                        pass

        ask(0, 400)
        time.sleep(0.3)
        old = it.upgrade()
        thread.start()
        ask(400, 400)
        it.gone(old)
        wait_until(lambda: text.count(b"\n") >= 800)
        it.end()
    finally:
        done.set()
        if thread.is_alive():
            thread.join()
        os.close(reader)
    lines = text.decode().splitlines()
    assert [line for line in lines if not re.fullmatch(r"<\d+ x{700}>", line)] == []
    assert sorted(int(line[1:].split()[0]) for line in lines) == list(range(800))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_health_check_on_a_kept_connection_over_an_upgrade(start, workers):
    it = Generations(start(MODULES, {"health_root": "health", "workers": workers}))
    with it.server.connect() as client:
        assert client.ask(request("GET", "/health/ready")).status == 200
        old = it.upgrade()
        reply = client.ask(request("GET", "/health/ready"))
        assert reply.status == 200, reply.body
    it.gone(old)
    it.end()


def test_another_user_and_a_folder_of_root(start, public_folder):
    if os.geteuid() != 0:
        pytest.skip("needs root")
    public_folder.chmod(0o755)
    folder = public_folder / "logs"
    folder.mkdir(mode=0o700)
    path = folder / "access.log"
    server = start(MODULES, {"access_log": str(path), "access_log_format": NUMBERED}, options=("-u", "nobody"))
    server.file.chmod(0o644)
    for one in (server.folder, *server.folder.parents):
        if one.stat().st_mode & 0o005 != 0o005:
            one.chmod(one.stat().st_mode | 0o055)
    it = Generations(server)
    assert server.ask("GET", "/hello-cpp", "n: 1").status == 200
    wait_until(lambda: logged(path) == [1])
    mark = server.mark()
    it.signal(signal.SIGUSR1)
    server.wait_log("cannot be opened again", since=mark)
    assert server.ask("GET", "/hello-cpp", "n: 2").status == 200
    wait_until(lambda: logged(path) == [1, 2])
    it.fail()
    assert server.ask("GET", "/hello-cpp", "n: 3").status == 200
    wait_until(lambda: logged(path) == [1, 2, 3])
    (writer,) = server.pids("HTTPD access log")
    mark = server.mark()
    os.kill(writer, signal.SIGKILL)
    server.wait_log("starting it again", since=mark)
    assert server.ask("GET", "/hello-cpp", "n: 4").status == 200
    wait_until(lambda: logged(path) == [1, 2, 3, 4])
    it.end()


# --- what comes while the new daemon starts ---


def held_upgrade(generations):
    """The new one, stopped when it has read the configuration, opened its files, and is not ready."""
    for _ in range(10):
        new, mark = generations.begin()
        while not processes.children(new):  # without a pause, since it is ready soon after
            assert alive(new)
        os.kill(new, signal.SIGSTOP)
        time.sleep(0.1)
        if f"process {new} serves" not in generations.server.log():
            return new, mark
        let_go(generations, new, mark)
    raise AssertionError("it is always too fast")


def let_go(generations, new, mark):
    os.kill(new, signal.SIGCONT)
    generations.server.wait_log(f"upgrade: process {new} serves", daemon.START_TIMEOUT, since=mark)
    old, generations.attendant = generations.attendant, new
    generations.gone(old)


@pytest.mark.parametrize("how", ["SIGHUP", "SIGUSR1", "httpd_access_log_reopen"])
def test_a_rotation_is_one_for_the_new_one_as_well(start, tmp_path, how):
    it = AccessLog(start, tmp_path / "access.log", MODULES, access_log_format=NUMBERED)
    generations = Generations(it.server)
    new, mark = held_upgrade(generations)
    it.path.rename(tmp_path / "rotated")
    if how.startswith("SIG"):
        generations.signal(getattr(signal, how))
    else:
        it.server.mi(how)
    wait_until(it.path.exists)
    let_go(generations, new, mark)
    assert it.server.ask("GET", "/hello-cpp", "n: 7").status == 200
    wait_until(lambda: 7 in logged(it.path) + logged(tmp_path / "rotated"))
    assert 7 in logged(it.path)
    generations.end()


@pytest.mark.parametrize("how", ["SIGHUP", "httpd_reload"])
def test_a_reload_is_one_for_the_new_one_as_well(start, how):
    generations = Generations(start(MODULES, {}))
    server = generations.server
    new, mark = held_upgrade(generations)
    server.file.write_text(server.file.read_text() + 'modparam("httpd", "max_uri_size", 300)\n')
    if how == "SIGHUP":
        generations.signal(signal.SIGHUP)
    else:
        server.mi(how)
    server.wait_log("configuration read again: ", since=mark)
    long = "/hello-cpp?" + "a" * 400
    assert server.ask("GET", long).status == 414
    let_go(generations, new, mark)
    wait_until(lambda: server.ask("GET", long).status == 414, "the new one has the old configuration")
    generations.end()
