# Handler processes that die: their clients are told, and nobody else notices.
# SPDX-License-Identifier: GPL-2.0-or-later
import os
import re
import resource
import signal
import threading
import time
from collections import Counter

import daemon
import processes
import pytest
import rawhttp
from downloads import is_sanitized
from test_workers import in_background, requests
from waiting import wait_until


@pytest.fixture
def server(start):
    return start({daemon.WORKER_PROBE: {}, "mi_http.so": {}}, httpd={"workers": 2})


@pytest.mark.parametrize("how, cause", [("kill", "signal 9"), ("exit", "status 3"), ("orderly", "status 0")])
def test_a_process_that_ends_in_a_handler_is_502_and_replaced(server, how, cause):
    old = server.pids("HTTPD worker")
    with server.connect() as client:
        reply = client.ask(rawhttp.request("GET", f"/crash/{how}"))
        assert reply.status == 502
        assert not reply.closes()
        assert client.ask(rawhttp.request("GET", "/fast")).status == 200
    lost = server.wait_log(": 502 ")
    assert f'"GET /crash/{how} HTTP/1.1"' in lost and "root crash" in lost and "127.0.0.1" in lost
    dead = int(re.search(r"handler process \d+ \((\d+)\)", lost)[1])
    assert dead in old
    assert cause in server.wait_log(f"({dead}) ")
    wait_until(lambda: len(server.pids("HTTPD worker")) == 2 and dead not in server.pids("HTTPD worker"))
    assert server.mi("get_statistics", {"statistics": ["handler_deaths"]})["httpd:handler_deaths"] == 1


def test_a_process_that_leaves_a_copy_of_itself_behind(server):
    """The copy keeps the socket to the HTTPD process open."""
    began = time.monotonic()
    assert server.ask("GET", "/crash/fork").status == 502
    assert time.monotonic() - began < 1
    time.sleep(2)  # nothing of the daemon is to outlive it


def test_a_process_that_dies_with_a_kept_reply(server):
    assert server.ask("GET", "/crash/later").status == 502


def test_a_process_that_dies_while_nobody_waits_for_it(server):
    for pid in server.pids("HTTPD worker"):
        os.kill(pid, signal.SIGKILL)
    assert server.ask("GET", "/fast").status == 200
    assert "502" not in server.log()


def test_who_waits_for_the_last_process_is_told_when_it_dies_at_the_end(start):
    server = start({daemon.WORKER_PROBE: {}, "mi_http.so": {}}, httpd={"workers": 1})
    (worker,) = server.pids("HTTPD worker")
    running = in_background(server, "/sleep/3000")
    time.sleep(0.2)
    waiting = in_background(server, "/fast")
    time.sleep(0.2)
    began = time.monotonic()
    server.process.terminate()
    server.wait_log("stopping")
    os.kill(worker, signal.SIGKILL)
    assert running.join().status == 502
    assert waiting.join().status == 503
    assert time.monotonic() - began < 2
    server.wait()


def test_a_file_that_is_none(server):
    """A handler's fault costs its own client a reply, and nobody else anything."""
    for _ in range(3):
        assert server.ask("GET", "/no-file").status == 500
    assert server.ask("GET", "/fast").status == 200
    assert not requests(server)


def test_a_limit_of_file_sizes_is_no_death(start):
    """What goes through memory files is refused where they may not grow so far."""
    server = start({daemon.WORKER_PROBE: {}, daemon.CAPI_PROBE: {}, "mi_http.so": {}},
                   httpd={"workers": 1, "receive_buf_size": 10_000_000})
    pids = server.pids("HTTPD worker") + server.pids("HTTPD")
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (200_000, 200_000))
    with server.connect() as client:
        reply = client.ask(rawhttp.request("POST", "/sum", "Content-Type: application/json", body=b"x" * 1_000_000))
        assert reply.status == 503 and reply.closes()
    assert server.ask("GET", "/large-text/1000000").status == 500
    assert server.ask("GET", "/probe-print/100000").status == 200
    assert server.pids("HTTPD worker") + server.pids("HTTPD") == pids


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_stream_whose_process_dies_is_cut(server, version):
    with server.connect() as client:
        client.send(rawhttp.request("GET", "/letters/1000000000", version=version))
        client.read_head()
        (streaming,) = requests(server, "streaming")
        os.kill(streaming["PID"], signal.SIGKILL)
        with pytest.raises((ConnectionResetError, rawhttp.BadReply)):
            if version == "1.0":
                client._until_closed(time.monotonic() + 5)
            else:
                client._chunks(time.monotonic() + 5)
    assert server.ask("GET", "/fast").status == 200


def test_a_stream_that_breaks_is_cut(server):
    with server.connect() as client:
        client.send(rawhttp.request("GET", "/letters/broken/100000"))
        client.read_head()
        with pytest.raises((ConnectionResetError, rawhttp.BadReply)):
            client._chunks(time.monotonic() + 5)
    assert "could not be completed after 100000 bytes" in server.wait_log("could not be completed")


def test_a_stream_that_breaks_before_its_first_byte_is_500(server):
    assert server.ask("GET", "/letters/broken/0").status == 500


def test_without_handler_processes_their_crash_is_that_of_the_httpd_process(start):
    """What workers are for: without them the connection is gone."""
    server = start({daemon.WORKER_PROBE: {}})
    with server.connect() as client, pytest.raises((ConnectionResetError, rawhttp.BadReply)):
        client.ask(rawhttp.request("GET", "/crash/kill"))


def test_killed_a_hundred_times_under_load(start):
    """Every request that was not in the hands of a killed process is answered as ever, and nothing is left behind."""
    server = start({daemon.WORKER_PROBE: {}, "mi_http.so": {}}, httpd={"workers": 4, "max_root_workers": 4})
    (httpd,) = server.pids("HTTPD")
    attendant = server.process.pid

    def state():
        resident = int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{httpd}/status", encoding="ascii").read())[1])
        return processes.descriptors(httpd), processes.descriptors(attendant), resident

    answers, stop = Counter(), threading.Event()

    def load():
        mine = Counter()
        with server.connect(timeout=20) as client:
            while not stop.is_set():
                mine[client.ask(rawhttp.request("GET", "/sleep/1")).status] += 1
        answers.update(mine)

    def kill(times):
        for _ in range(times):
            pid = workers()[0]
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: pid not in workers() and len(workers()) == 4, seconds=15)

    def workers():
        """From the process table of the kernel: asking the daemon is a request, too."""
        return [pid for pid in processes.children(attendant) if pid != httpd]

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    kill(5)
    before = state()
    kill(95)
    stop.set()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive(), "a request without an answer"
    assert set(answers) <= {200, 502}, answers
    assert answers[502] <= 100, "a killed process has one request in its hands"
    assert answers[502] >= 20, "the load was too light to lose a request to a killed process"
    assert answers[200] > 1000
    wait_until(lambda: not requests(server))
    descriptors, of_attendant, resident = state()
    assert descriptors <= before[0] and of_attendant <= before[1]
    if not is_sanitized():  # what a sanitizer keeps of freed memory grows with the number of requests
        assert resident <= before[2] + 1024, "KiB"
    assert server.mi("get_statistics", {"statistics": ["handler_deaths"]})["httpd:handler_deaths"] == answers[502]
    assert len(server.pids("HTTPD worker")) == 4


def test_a_request_that_kills_comes_again_and_again(server):
    """The processes are started again at a pace that the machine can bear, and others are served in between."""
    deadly = [in_background(server, "/crash/kill") for _ in range(10)]
    for _ in range(20):
        assert server.ask("GET", "/fast").status == 200
        time.sleep(0.02)
    assert [asking.join().status for asking in deadly] == [502] * 10
