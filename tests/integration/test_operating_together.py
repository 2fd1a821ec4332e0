# What is operated on at once: upgrade, reload, drain, rotation of the access log, health, and all signals in any order.
# SPDX-License-Identifier: GPL-2.0-or-later
import itertools
import json
import os
import re
import signal
import threading
import time
from pathlib import Path

import daemon
import processes
import pytest
from accesslog import AccessLog, statistic
from generations import Generations, alive, wait_until
from rawhttp import BadReply, request

MODULES = {"mi_http.so": {}, "hello_cpp.so": {}, "prometheus.so": {}, daemon.WORKER_PROBE: {}}
NUMBERED = "%{n}i"

pytestmark = pytest.mark.skipif(bool(daemon.WRAPPER), reason="the program is not what was started")


class Load:
    """Clients that ask numbered requests, one after the other, until they are to stop. None may fail."""

    def __init__(self, server, clients=3):
        self.server, self.numbers, self.failures = server, itertools.count(), []
        self.asked, self._done = [], threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        for thread in self._threads:
            thread.join()
        assert self.failures == []

    def _run(self):
        try:
            while not self._done.is_set():
                with self.server.connect(timeout=30) as client:
                    while not self._done.is_set():
                        number = next(self.numbers)
                        reply = client.ask(request("GET", "/hello-cpp", f"n: {number}"))
                        self.asked.append(number)
                        if reply.status != 200:
                            self.failures.append(f"status {reply.status}")
                        if reply.closes():
                            break
        except (OSError, BadReply) as error:
            self.failures.append(repr(error))


def logged(*files):
    """The numbers of a NUMBERED log, each line whole."""
    texts = [file.read_text() for file in files]
    assert all(text == "" or text.endswith("\n") for text in texts)
    return sorted(int(line) for text in texts for line in text.splitlines() if line != "-")


def opened(pid):
    """What its descriptors are, without what is different each time."""
    found = []
    for entry in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{entry}")
        except OSError:
            continue
        found.append(re.sub(r":\[\d+\]", "", target))
    return sorted(found)


def everything(tmp_path, **httpd):
    return {**MODULES, "mi_fifo.so": {"fifo_name": str(tmp_path / "fifo"), "reply_dir": str(tmp_path)}}, {
        "workers": 2, "health_root": "health", "compress": ["hello-cpp"], "request_id": 1, **httpd}


# --- upgrade ---


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
    old, it.attendant = it.attendant, new
    it.gone(old)
    assert it.server.ask("GET", "/hello-cpp").status == 200
    it.end()


def test_rotation_during_an_upgrade(start, tmp_path):
    it = AccessLog(start, tmp_path / "access.log", MODULES, access_log_format=NUMBERED, workers=1)
    generations = Generations(it.server)
    rotated = []
    with Load(it.server) as load:
        for _ in range(3):
            new, mark = generations.begin()
            for number in (signal.SIGUSR1, signal.SIGHUP):
                rotated.append(it.path.with_suffix(f".{len(rotated)}"))
                it.path.rename(rotated[-1])
                generations.signal(number)
                wait_until(it.path.exists)
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
    print(line)
    if "serves" in line:
        generations.attendant = new
    with it.server.connect() as client:
        for number in range(5):
            assert client.ask(request("GET", "/hello-cpp", f"n: {number}")).status == 200
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
            with server.connect(timeout=30) as client:
                for number in range(first, first + count):
                    client.ask(request("GET", "/hello-cpp", f"n: {number}", "pad: " + "x" * 700))

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


# --- signals ---


@pytest.mark.parametrize("order", list(itertools.permutations(["HUP", "USR1", "USR2", "TERM"])), ids="-".join)
def test_signals_in_quick_succession(start, tmp_path, order):
    modules, httpd = everything(tmp_path, workers=1)
    it = AccessLog(start, tmp_path / "access.log", modules, **httpd)
    pid = it.server.process.pid
    for name in order:
        os.kill(pid, getattr(signal, "SIG" + name))
    it.server.assert_ends_well()


@pytest.mark.parametrize("gap", [0.0, 0.01, 0.1, 0.3, 0.6, 1.0, 1.5])
def test_an_upgrade_and_the_end_at_any_time(start, tmp_path, gap):
    modules, httpd = everything(tmp_path, workers=1)
    it = AccessLog(start, tmp_path / "access.log", modules, **httpd)
    generations = Generations(it.server)
    new, _ = generations.begin()
    time.sleep(gap)
    os.kill(it.server.process.pid, signal.SIGTERM)
    it.server.process.wait(20)
    time.sleep(0.3)
    if "serves" in it.server.log():
        generations.attendant = new
        assert it.server.ask("GET", "/hello-cpp").status == 200
        generations.end()
    else:
        wait_until(lambda: not alive(new))
        it.server.assert_ends_well()
    assert it.server.process.returncode == 0
    assert not (tmp_path / "fifo").exists()


# --- drain and health ---


def test_in_the_delay_ready_says_no_and_new_connections_are_served(start):
    server = start(MODULES, {"health_root": "health", "drain_delay": 2})
    assert server.ask("GET", "/health/ready").status == 200
    server.process.send_signal(signal.SIGTERM)
    server.wait_log("stopping in 2 s")
    wait_until(lambda: server.ask("GET", "/health/ready").status == 503)
    for _ in range(5):
        assert server.ask("GET", "/health/live").status == 200
        reply = server.ask("GET", "/hello-cpp")
        assert reply.status == 200
        assert server.ask("GET", "/health/ready").status == 503
    with server.connect() as client:
        reply = client.ask(request("GET", "/health/ready"))
        assert reply.status == 503 and not reply.closes()
        assert client.ask(request("GET", "/hello-cpp")).status == 200
    server.assert_ends_well()


# --- reload ---


@pytest.mark.parametrize("how", ["huge", "fifo", "folder", "gone", "dangling", "nul", "empty"])
def test_a_configuration_that_is_none(start, tmp_path, how):
    it = AccessLog(start, tmp_path / "access.log", MODULES)
    file = it.server.file
    good = file.read_text()
    file.unlink()
    if how == "huge":
        file.write_text(good + "#" * 2_000_000)
    elif how == "fifo":
        os.mkfifo(file)
    elif how == "folder":
        file.mkdir()
    elif how == "dangling":
        file.symlink_to(tmp_path / "nothing")
    elif how == "nul":
        file.write_bytes(good.encode() + b"\0\0")
    elif how == "empty":
        file.write_text("")
    mark = it.server.mark()
    it.server.process.send_signal(signal.SIGHUP)
    line = it.server.wait_log("configuration not read again: ", since=mark)
    print(line)
    it.server.wait_log("opened again", since=mark)
    answer = it.server.ask("POST", "/mi", "Content-Type: application/json",
                           body=b'{"jsonrpc":"2.0","id":1,"method":"httpd_reload"}')
    assert b"error" in answer.body
    assert it.server.ask("GET", "/hello-cpp").status == 200


def test_reloads_from_everywhere_at_once(start, tmp_path):
    modules, httpd = everything(tmp_path)
    it = AccessLog(start, tmp_path / "access.log", modules, **httpd)
    answers, done = [], threading.Event()

    def ask():
        while not done.is_set():
            answers.append(it.server.mi("httpd_reload"))

    def hang_up():
        while not done.is_set():
            it.server.process.send_signal(signal.SIGHUP)
            time.sleep(0.001)

    threads = [threading.Thread(target=ask), threading.Thread(target=ask), threading.Thread(target=hang_up)]
    with Load(it.server):
        for thread in threads:
            thread.start()
        time.sleep(3)
        done.set()
        for thread in threads:
            thread.join()
    print(len(answers), answers[-1])
    it.server.stop()


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


# --- users ---


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


@pytest.mark.parametrize("numbers", [["HUP"], ["USR1"], ["USR2"], ["HUP", "USR1", "USR2"], ["USR2", "TERM"], ["HUP", "TERM"]])
@pytest.mark.parametrize("workers", [0, 1])
def test_signals_to_the_old_one(start, tmp_path, numbers, workers):
    it = AccessLog(start, tmp_path / "access.log", MODULES, workers=workers, access_log_format=NUMBERED)
    generations = Generations(it.server)
    with it.server.connect(timeout=30) as client:
        client.send(request("GET", "/keep/3000", "n: 1"))
        time.sleep(0.2)
        old = generations.upgrade()
        for number in numbers:
            generations.signal(getattr(signal, "SIG" + number), old)
        reply = client.read_reply()
        assert reply.status == 200 and reply.closes()
    generations.gone(old)
    assert it.server.ask("GET", "/hello-cpp", "n: 2").status == 200
    generations.end()
    print(it.server.log())
    assert logged(it.path) == [1, 2]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_crash_of_the_httpd_process_leaves_no_gauge(start, tmp_path, workers):
    modules, httpd = everything(tmp_path, workers=workers)
    it = AccessLog(start, tmp_path / "access.log", modules, **httpd)
    server = it.server
    def gauges():
        lines = server.ask("GET", "/metrics").body.decode().splitlines()
        return {l.rpartition(" ")[0]: l.rpartition(" ")[2] for l in lines if l[:1] != "#"}, {l.split()[2] for l in lines if l.startswith("# TYPE") and l.endswith("gauge")}
    before, names = gauges()
    clients = [server.connect(timeout=30) for _ in range(5)]
    for client in clients:
        client.send(request("GET", "/keep/9000") if client is not clients[0] else request("GET", "/hello-cpp", "Accept-Encoding: gzip"))
    time.sleep(0.3)
    (pid,) = server.pids("HTTPD")
    os.kill(pid, signal.SIGKILL)
    time.sleep(1)
    for client in clients: client.close()
    after, _ = gauges()
    for name in before:
        if name.split("{")[0] in names and before[name] != after.get(name):
            print(name, before[name], after.get(name))
    time.sleep(1)
    it.server.stop()
    assert 0


def test_reload_in_every_phase(start, ec, tmp_path):
    import certificates, socket, rawtls, random
    modules, httpd = everything(tmp_path, workers=1, max_connections=9, **certificates.parameters(ec))
    it = AccessLog(start, tmp_path / "access.log", modules, **httpd)
    server = it.server
    pieces = []
    for kind in range(9):
        if kind < 3:
            s = socket.create_connection(("127.0.0.1", server.port)); pieces.append(s)
            if kind: s.sendall(b"\x16\x03\x01\x02\x00")
            continue
        c = server.connect(timeout=20); pieces.append(c)
        c.send({3: b"", 4: b"GET /x", 5: b"POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc",
                6: request("GET", "/keep/2000"), 7: request("GET", "/letters/50000000"), 8: b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc"}[kind])
    more = []
    for _ in range(5):
        s = socket.create_connection(("127.0.0.1", server.port)); more.append(s)
    text = server.file.read_text()
    for i in range(40):
        server.file.write_text(text + f'modparam("httpd", "max_connections", {random.choice([1, 5, 9, 50])})\n'
            f'modparam("httpd", "conn_timeout", {random.choice([0, 1, 30])})\nmodparam("httpd", "body_timeout", {random.choice([1, 2, 30])})\n'
            f'modparam("httpd", "handler_timeout", {random.choice([0, 1, 30])})\nmodparam("httpd", "send_timeout", {random.choice([1, 30])})\n'
            f'modparam("httpd", "receive_buf_size", {random.choice([1024, 65536])})\nmodparam("httpd", "max_client_connections", {random.choice([1, 0])})\n'
            f'modparam("httpd", "tls_handshake_timeout", {random.choice([1, 30])})\nmodparam("httpd", "compress_level", {random.choice([1, 9])})\n')
        mark = server.mark()
        server.process.send_signal(signal.SIGHUP)
        print(server.wait_log("configuration ", since=mark))
        time.sleep(0.02)
    server.file.write_text(text)
    for s in (*pieces, *more): s.close()
    server.process.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    assert server.ask("GET", "/hello-cpp").status == 200
    server.stop()
    print(it.text())
    assert 0
