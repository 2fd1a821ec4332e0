# Handler processes among OpenSIPS's. SPDX-License-Identifier: GPL-2.0-or-later
import contextlib
import json
import threading
import time
from pathlib import Path

import opensips
import pytest
from daemon import free_port
from opensips import JSON
from rawhttp import BadReply, request

pytestmark = pytest.mark.ours

TIMER = ("tm", {"fr_timeout": 4})


def slow_call(port):
    """A command that waits for a SIP peer which does not answer."""
    method = "tm:uac_dlg" if opensips.major() >= 4 else "t_uac_dlg"
    headers = "From: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:b@127.0.0.1>\r\n"
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": {
        "method": "OPTIONS", "ruri": f"sip:b@127.0.0.1:{port}", "headers": headers}}).encode()


class Asking(threading.Thread):
    """One call to mi_http in a thread; without a reply where the connection ends instead."""

    def __init__(self, server, body):
        super().__init__(daemon=True)
        self.server, self.body, self.reply = server, body, None
        self.start()

    def run(self):
        with self.server.connect(timeout=30) as client, contextlib.suppress(BadReply):
            self.reply = client.ask(request("POST", "/mi", JSON, body=self.body))


def times(server, count, target="/metrics"):
    taken = []
    with server.connect() as client:
        for _ in range(count):
            began = time.monotonic()
            assert client.ask(request("GET", target)).status == 200
            taken.append(time.monotonic() - began)
    return taken


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    modules = [("sl", {}), ("signaling", {}), TIMER, ("mi_http", {}), ("prometheus", {"statistics": "all"})]
    with opensips.OpenSips(tmp_path_factory.mktemp("workers"), modules, {"workers": 2}) as started:
        yield started


def test_they_are_processes_of_opensips(server):
    types = [entry["Type"] for entry in server.mi("ps")["Processes"]]
    assert [name for name in types if name.startswith("HTTPD worker")] == ["HTTPD worker 1", "HTTPD worker 2"]
    assert opensips.holders_of_port(server.port) == {server.httpd_pid()}


def test_a_command_that_waits_holds_up_no_scrape(server):
    """Without handler processes a GET /metrics sent meanwhile takes as long as the command does."""
    quiet = times(server, 50)
    asking = Asking(server, slow_call(free_port()))
    time.sleep(0.5)
    beside = times(server, 200)
    assert asking.is_alive(), "the command did not wait"
    assert max(beside) < max(0.25, 10 * max(quiet))
    listed = server.ask_fifo("httpd:requests" if opensips.major() >= 4 else "httpd_requests")["result"]
    (running,) = listed["Handlers"]
    assert running["Root"] == "mi" and running["State"] == "running"
    assert running["Request"] == "POST /mi HTTP/1.1"
    assert 0.4 < running["Seconds"] < 10
    processes = server.ask_fifo("ps")["result"]["Processes"]
    worker = next(entry["Type"] for entry in processes if entry["PID"] == running["PID"])
    assert worker.startswith("HTTPD worker")
    asking.join(30)
    assert asking.reply.status == 200 and b"408" in asking.reply.body


def test_commands_wait_in_order(server):
    """One root path has one of two processes."""
    first = Asking(server, slow_call(free_port()))
    time.sleep(0.3)
    second = Asking(server, b'{"jsonrpc":"2.0","method":"uptime","id":1}')
    time.sleep(0.3)
    listed = server.ask_fifo("httpd:requests" if opensips.major() >= 4 else "httpd_requests")["result"]
    assert len(listed["Handlers"]) == 1 and len(listed["Queue"]) == 1
    assert first.is_alive() and second.is_alive()
    first.join(30)
    second.join(5)
    assert second.reply.status == 200


def test_the_processes_cost_nothing_while_idle(server):
    def cpu(pid):
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    pids = [entry["PID"] for entry in server.mi("ps")["Processes"] if entry["Type"].startswith("HTTPD")]
    before = [cpu(pid) for pid in pids]
    time.sleep(1)
    assert all(now - then < 10 for now, then in zip([cpu(pid) for pid in pids], before, strict=True))


def test_the_end_comes_in_time_and_finishes_what_is_begun(start):
    server = start([("sl", {}), ("signaling", {}), ("tm", {"fr_timeout": 2}), ("mi_http", {})], {"workers": 2})
    waiting = Asking(server, b'{"jsonrpc":"2.0","method":"uptime","id":1}')
    waiting.join(5)
    assert waiting.reply.status == 200
    slow = Asking(server, slow_call(free_port()))
    time.sleep(0.3)
    queued = [Asking(server, b'{"jsonrpc":"2.0","method":"uptime","id":1}') for _ in range(3)]
    time.sleep(0.3)
    server.stop()
    for asking in queued:
        asking.join(5)
        assert asking.reply is not None and asking.reply.status == 503, "who waited was told"
    slow.join(5)
