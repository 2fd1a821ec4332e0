# Signals in any order, the delay of the end, reloads in every phase of connections, and crashes, with everything on.
# SPDX-License-Identifier: GPL-2.0-or-later
import contextlib
import itertools
import json
import os
import random
import signal
import socket
import threading
import time

import certificates
import daemon
import pytest
from accesslog import AccessLog
from generations import Generations, alive, wait_until
from operating import MODULES, NUMBERED, Load, everything, logged
from rawhttp import request

pytestmark = pytest.mark.skipif(bool(daemon.WRAPPER), reason="the program is not what was started")


# --- signals ---


@pytest.mark.parametrize("order", list(itertools.permutations(["HUP", "USR1", "USR2", "TERM"])), ids="-".join)
def test_signals_in_quick_succession(start, tmp_path, order):
    modules, httpd = everything(tmp_path, workers=1)
    it = AccessLog(start, tmp_path / "access.log", modules, **httpd)
    pid = it.server.process.pid
    for name in order:
        os.kill(pid, getattr(signal, "SIG" + name))
    it.server.assert_ends_well()


@pytest.mark.parametrize("gap", [0.0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.13, 0.2, 0.5])
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


@pytest.mark.parametrize("numbers", [["HUP"], ["USR1"], ["USR2"], ["HUP", "USR1", "USR2"], ["USR2", "TERM"],
                                     ["HUP", "TERM"]], ids="-".join)
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
    assert logged(it.path) == [1, 2]


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


def test_signals_in_the_delay(start, tmp_path):
    modules, httpd = everything(tmp_path, workers=1, drain_delay=2)
    it = AccessLog(start, tmp_path / "access.log", modules, access_log_format=NUMBERED, **httpd)
    it.server.process.send_signal(signal.SIGTERM)
    it.server.wait_log("stopping in 2 s")
    it.path.rename(tmp_path / "rotated")
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        it.server.process.send_signal(number)
    it.server.wait_log("configuration read again: ")
    it.server.wait_log("SIGUSR2: no upgrade while the daemon ends")
    wait_until(it.path.exists)
    assert it.server.ask("GET", "/hello-cpp", "n: 1").status == 200
    it.server.assert_ends_well()
    assert logged(it.path) == [1]


def test_a_handler_process_that_dies_in_the_delay_is_started_again(start):
    server = start(MODULES, {"workers": 1, "drain_delay": 3})
    server.process.send_signal(signal.SIGTERM)
    server.wait_log("stopping in 3 s")
    began = time.monotonic()
    for _ in range(2):
        (worker,) = server.pids("HTTPD worker")
        os.kill(worker, signal.SIGKILL)
        server.wait_log(f"({worker}) was killed by signal 9 (Killed): starting it again")
        assert server.ask("GET", "/hello-cpp").status == 200
    assert time.monotonic() - began < 2.5
    assert server.wait() == 0


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
    it.server.wait_log("configuration not read again: ", since=mark)
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
            time.sleep(0.01)

    threads = [threading.Thread(target=ask), threading.Thread(target=ask), threading.Thread(target=hang_up)]
    with Load(it.server):
        for thread in threads:
            thread.start()
        time.sleep(3)
        done.set()
        for thread in threads:
            thread.join()
    assert len(answers) > 1
    it.server.stop()


PHASES = [b"", b"GET /x", b"POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc",
          request("GET", "/keep/2000"), request("GET", "/letters/50000000"),
          request("GET", "/letters/50000000", "Accept-Encoding: gzip"),
          b"GET / HTTP/1.1\r\n\r\n" + b"x" * 1000]
VALUES = {"max_connections": [1, 5, 9, 50], "max_client_connections": [0, 1], "conn_timeout": [0, 1, 30],
          "header_timeout": [1, 30], "body_timeout": [1, 30], "handler_timeout": [0, 1, 30], "send_timeout": [1, 30],
          "receive_buf_size": [1024, 65536], "tls_handshake_timeout": [1, 30], "compress_level": [1, 6],
          "max_compressed_streams": [0, 1, 64], "compress": ["mi", "letters"], "drain_timeout": [1, 5]}


@pytest.mark.parametrize("workers", [0, 1])
def test_reloads_with_connections_in_every_phase(start, ec, tmp_path, workers):
    modules, httpd = everything(tmp_path, workers=workers, max_connections=len(PHASES) + 2,
                                **certificates.parameters(ec))
    it = AccessLog(start, tmp_path / "access.log", modules, **httpd)
    server, chance = it.server, random.Random(workers)
    text = server.file.read_text()
    with contextlib.ExitStack() as stack:
        def connect():
            return stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))

        for hello in (b"", b"\x16\x03\x01\x02\x00"):
            connect().sendall(hello)
        for phase in PHASES:
            stack.enter_context(server.connect(timeout=20)).send(phase)
        for _ in range(5):  # beyond max_connections, where those stay who may ask for health
            connect()
        for _ in range(30):
            lines = [f'modparam("httpd", "{name}", {json.dumps(chance.choice(values))})\n'
                     for name, values in VALUES.items()]
            server.file.write_text(text + "".join(lines))
            mark = server.mark()
            server.process.send_signal(signal.SIGHUP)
            server.wait_log("configuration read again: ", since=mark)
    server.file.write_text(text)
    mark = server.mark()
    server.process.send_signal(signal.SIGHUP)
    server.wait_log("configuration read again: ", since=mark)
    wait_until(lambda: server.ask("GET", "/hello-cpp").status == 200)
    server.stop()


# --- crashes ---


@pytest.mark.parametrize("workers", [0, 2])
def test_a_crash_of_the_httpd_process_leaves_no_gauge(start, tmp_path, workers):
    modules, httpd = everything(tmp_path, workers=workers)
    it = AccessLog(start, tmp_path / "access.log", modules, **httpd)
    server = it.server

    def gauges():
        lines = server.ask("GET", "/metrics").body.decode().splitlines()
        names = {line.split()[2] for line in lines if line.startswith("# TYPE ") and line.endswith(" gauge")}
        return {sample: value for sample, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")
                if sample.partition("{")[0] in names and not sample.startswith("process_")}

    before = gauges()
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(server.connect(timeout=30)).send(request("GET", "/keep/9000"))
        wait_until(lambda: gauges() != before)
        (pid,) = server.pids("HTTPD")
        os.kill(pid, signal.SIGKILL)
        server.wait_log("starting it again")
    wait_until(lambda: gauges() == before, "a gauge stays")
