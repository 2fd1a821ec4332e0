# The access log in OpenSIPS: a process of its own writes it. SPDX-License-Identifier: GPL-2.0-or-later
import functools
import json
import os
import threading
import time

import opensips
import pytest
import waiting
from rawhttp import request

wait_until = functools.partial(waiting.wait_until, seconds=10.0)

pytestmark = pytest.mark.ours

LONG = f"/mi?{3000 * 'x'}"  # few such lines fill every buffer


def reopen():
    """The command's name, which is another one from 4.0 on."""
    return "httpd:access_log_reopen" if opensips.major() >= 4 else "httpd_access_log_reopen"


def entries(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def asked(server, count, target="/mi"):
    """So many GET requests on one connection, which mi_http answers with 405."""
    with server.connect(timeout=60) as client:
        for number in range(count):
            assert client.ask(request("GET", target, f"X-Request-Id: {number}")).field("X-Request-Id") == str(number)


@pytest.mark.parametrize("workers", [0, 2])
def test_lines_processes_and_the_end(start, tmp_path, workers):
    path = tmp_path / "access.log"
    server = start([("mi_http", {})], {"access_log": str(path), "access_log_format": "json", "workers": workers})
    types = [entry["Type"] for entry in server.mi("ps")["Processes"]]
    assert types.count("HTTPD access log") == 1
    asked(server, 300)
    server.stop()
    found = entries(path)
    assert [entry["request_id"] for entry in found[1:]] == [str(number) for number in range(300)]
    assert found[0]["method"] == "POST" and found[0]["status"] == 200 and found[0]["root"] == "mi"
    assert 0 < found[0]["handler_us"] <= found[0]["total_us"]


def test_there_is_no_process_without_a_log(start):
    server = start([("mi_http", {})])
    assert not [entry for entry in server.mi("ps")["Processes"] if entry["Type"] == "HTTPD access log"]
    assert server.call(reopen())["error"]["code"] == 404


def test_rotation_under_load(start, tmp_path):
    path = tmp_path / "access.log"
    server = start([("mi_http", {})], {"access_log": str(path), "access_log_format": "%I"})
    load = threading.Thread(target=asked, args=(server, 2000))
    load.start()
    rotated = []
    while load.is_alive() and len(rotated) < 5:
        rotated.append(path.with_suffix(f".{len(rotated)}"))
        path.rename(rotated[-1])
        assert server.mi(reopen()) == "OK"
        wait_until(path.exists)
    load.join()
    server.stop()
    ids = [line for file in (*rotated, path) for line in file.read_text().splitlines() if len(line) < 32]
    assert rotated and sorted(map(int, ids)) == list(range(2000))


def test_a_pipe_that_nobody_reads(start, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    server = start([("mi_http", {})], {"access_log": str(fifo)})
    began = time.monotonic()
    asked(server, 1500, LONG)
    assert time.monotonic() - began < 20
    assert server.mi("get_statistics", [["access_log_drops"]])["httpd:access_log_drops"] > 0
    server.stop()


def test_a_full_disk(start):
    server = start([("mi_http", {})], {"access_log": "/dev/full"})
    asked(server, 100)
    wait_until(lambda: server.mi("get_statistics", [["access_log_lost"]])["httpd:access_log_lost"] >= 100)
    assert "No space left on device" in server.log()
