# The HTTPD process among OpenSIPS's: sockets, threads, statistics, large replies, and the end under load.
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
from pathlib import Path

import opensips
import pytest
from daemon import free_port
from opensips import JSON
from rawhttp import BadReply, request

CONTACTS = 20_000


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    modules = [("mi_http", {}), ("sl", {}), ("signaling", {}), ("usrloc", {}), ("registrar", {})]
    with opensips.OpenSips(tmp_path_factory.mktemp("process"), modules, route='save("location");') as started:
        yield started


@pytest.mark.ours
def test_no_other_process_holds_the_port(server):
    assert opensips.holders_of_port(server.port) == {server.httpd_pid()}


@pytest.mark.ours
@pytest.mark.skipif(not opensips.is_built("stun"), reason="the tree's module stun is not built")
def test_a_process_that_knows_of_no_other_module_does_not_hold_the_port_either(start):
    """OpenSIPS calls child_init() of modules only in processes that ask for it, which that of stun does not."""
    port = free_port()
    addresses = {"primary_ip": "127.0.0.1", "primary_port": str(port), "alternate_ip": "127.0.0.2",
                 "alternate_port": str(free_port())}
    server = start([("mi_http", {}), ("stun", addresses)], globals_=[f"socket = udp:127.0.0.1:{port}"])
    assert any("STUN" in entry["Type"] for entry in server.mi("ps")["Processes"])
    assert opensips.holders_of_port(server.port) == {server.httpd_pid()}


@pytest.mark.ours
def test_there_is_one_thread(server):
    assert len(list(Path(f"/proc/{server.httpd_pid()}/task").iterdir())) == 1


@pytest.mark.ours
def test_the_statistics(server):
    before = server.mi("get_statistics", [["httpd:"]])
    for _ in range(3):
        server.ask("GET", "/nowhere")
    after = server.mi("get_statistics", [["httpd:"]])
    assert after["httpd:requests"] == before["httpd:requests"] + 4
    assert after["httpd:replies_4xx"] == before["httpd:replies_4xx"] + 3
    other_process = server.ask_fifo("get_statistics", [["httpd:"]])["result"]
    assert other_process["httpd:requests"] == after["httpd:requests"]


def test_the_load_is_counted(server):
    assert any(name.startswith("load:load-proc-") for name in server.mi("get_statistics", [["load:"]]))


@pytest.mark.ours
def test_an_idle_process_costs_nothing(server):
    def cpu():
        fields = Path(f"/proc/{server.httpd_pid()}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    with server.connect(), server.connect():
        before = cpu()
        time.sleep(2)
        assert cpu() - before < 20  # hundredths of a second, among them those of asking


def test_a_reply_of_many_megabytes(server):
    def add(first):
        calls = range(first, first + CONTACTS // 4)
        with server.connect(timeout=60) as client:
            for number in calls:
                call = {"jsonrpc": "2.0", "id": 1, "method": "ul_add", "params": {
                    "table_name": "location", "aor": f"user{number}@example.com", "contact": f"sip:user{number}@192.0.2.1:5060",
                    "expires": 3600, "q": "1.0", "flags": 0, "cflags": 0, "methods": 4095}}
                reply = client.ask(request("POST", "/mi", JSON, body=json.dumps(call).encode()))
                assert b"result" in reply.body, reply

    threads = [threading.Thread(target=add, args=(first,)) for first in range(0, CONTACTS, CONTACTS // 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with server.connect(timeout=30) as client:
        reply = client.ask(request("POST", "/mi", JSON, body=b'{"jsonrpc":"2.0","method":"ul_dump","id":1}'))
    assert reply.status == 200
    assert len(reply.body) > 4_000_000
    users = json.loads(reply.body)["result"]["Domains"][0]["AORs"]
    assert len(users) == CONTACTS


@pytest.mark.ours
def test_a_silent_client_is_let_go_on_time(start):
    server = start([("mi_http", {})], {"conn_timeout": 1})
    with server.connect() as client:
        begin = time.monotonic()
        client.assert_closed(within=5)
        assert 0.5 < time.monotonic() - begin < 2.5


def test_it_ends_and_starts_under_load(start, tmp_path):
    server = start([("mi_http", {})])
    body = b'{"jsonrpc":"2.0","method":"uptime","id":1}'
    ending = threading.Event()
    failed, served = [], []

    def serve_one_connection():
        try:
            with server.connect(timeout=10) as client:
                for _ in range(10):
                    client.send(request("POST", "/mi", JSON, body=body))
                    begun = client.receive(10)
                    assert begun, "the connection ended instead of a reply"
                    client.buffer = begun
                    reply = client.read_reply()
                    assert b"Up time" in reply.body
                    served.append(ending.is_set())
                    if reply.closes():
                        return True
        except BadReply as error:  # a reply that began and was cut is a fault at any time
            failed.append(error)
        except (OSError, AssertionError) as error:
            if not ending.is_set():
                failed.append(error)
            return not ending.is_set()
        return True

    def work():
        while serve_one_connection():
            pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    ending.set()
    taken = server.stop()
    for thread in threads:
        thread.join()
    assert not failed, failed[0]
    assert len(served) > 100
    assert taken < 8
    socket.create_server(("127.0.0.1", server.port), reuse_port=False).close()
    again = opensips.OpenSips(tmp_path, [("mi_http", {})], {"port": server.port})
    with again:
        assert again.mi("uptime")


@pytest.mark.ours
@pytest.mark.parametrize("delays", [[], [0], [0.002], [0.05, 0.05]], ids=["", "at once", "2 ms", "50 ms twice"])
def test_replies_that_began_are_whole_at_the_end(start, delays):
    """Whether or not every process gets a SIGTERM too, `delays` after the first, as from a service manager."""
    server = start([("mi_http", {}), ("prometheus", {"statistics": "all"})])
    with server.connect(timeout=20) as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.send(request("GET", "/metrics") * 2000)  # more replies than the kernel takes
        time.sleep(0.3)
        children = [pid for pid in server.pids() if pid != server.process.pid]
        stopper = threading.Thread(target=server.stop)
        stopper.start()
        for delay in delays:
            time.sleep(delay)
            for pid in children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
        time.sleep(0.2)
        received = b""
        while piece := client.socket.recv(65536):
            received += piece
        stopper.join()
    lengths = [int(length) for length in re.findall(rb"Content-Length: (\d+)", received)]
    assert len(lengths) > 1
    heads = received.count(b"\r\n\r\n")
    assert heads == len(lengths)
    assert received.endswith(b"\n")
    head_bytes = sum(len(head) + 4 for head in re.findall(rb"HTTP/1\.1 (?:200|503) .*?(?=\r\n\r\n)", received, re.S))
    assert head_bytes + sum(lengths) == len(received)


@pytest.mark.ours
def test_a_request_that_has_only_begun_does_not_delay_the_end(start):
    server = start([("mi_http", {})])
    with server.connect() as head, server.connect() as body:
        head.send(b"POST /mi HT")
        body.send(request("POST", "/mi", JSON, body=b"x" * 50)[:-49])
        time.sleep(0.3)
        seconds = []
        stopper = threading.Thread(target=lambda: seconds.append(server.stop()))
        stopper.start()
        for client in (head, body):
            reply = client.read_reply()
            assert reply.status == 503 and reply.closes()
            client.close()
        stopper.join()
    assert seconds[0] < 2
    assert "cut because" not in server.log()


@pytest.mark.ours
def test_the_name_of_the_process_has_whole_addresses(start):
    server = start([("mi_http", {})], {"listen": [f"http://127.0.0.{n}:{free_port(f'127.0.0.{n}')}" for n in range(2, 12)]})
    names = [entry["Type"] for entry in server.mi("ps")["Processes"]]
    assert f"HTTPD 127.0.0.1:{server.port} and 10 more" in names, names


@pytest.mark.ours
def test_a_unix_socket_comes_and_goes(start, tmp_path):
    path = tmp_path / "http.sock"
    server = start([("mi_http", {})], {"listen": f"unix:{path}?mode=600"})
    done = subprocess.run(["curl", "-sS", "--unix-socket", str(path), "http://localhost/nowhere"], capture_output=True,
                          text=True, timeout=20, check=True)
    assert done.stdout == "Nothing is served under this path\n"
    server.stop()
    assert not path.exists()
