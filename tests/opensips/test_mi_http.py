# mi_http: the Management Interface as JSON-RPC over POST. SPDX-License-Identifier: GPL-2.0-or-later
import json
import socket
import threading
import time

import opensips
import pytest
from opensips import JSON
from rawhttp import request

HEADERS = "From: <sip:test@127.0.0.1>\r\nTo: <sip:peer@127.0.0.1>\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    modules = [("tm", {"fr_timeout": 2}), ("mi_http", {}), ("prometheus", {"statistics": "inuse_transactions"})]
    with opensips.OpenSips(tmp_path_factory.mktemp("mi_http"), modules) as started:
        yield started


class Peer:
    """A SIP peer that answers every request with 200, or none."""

    def __init__(self, answers=True):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(20)
        self.uri = f"sip:127.0.0.1:{self.socket.getsockname()[1]}"
        if answers:
            threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self):
        message, sender = self.socket.recvfrom(65536)
        lines = message.decode().split("\r\n")
        kept = [line for line in lines if line.split(":")[0].lower() in ("via", "from", "to", "call-id", "cseq")]
        reply = "\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""])
        self.socket.sendto(reply.encode(), sender)


def options_to(peer):
    """The parameters of t_uac_dlg for a request to `peer`."""
    return {"method": "OPTIONS", "ruri": peer.uri, "headers": HEADERS}


def call_of(peer):
    """The HTTP request that calls it."""
    call = {"jsonrpc": "2.0", "method": "t_uac_dlg", "id": 1, "params": options_to(peer)}
    return request("POST", "/mi", JSON, body=json.dumps(call).encode())


def post(server, body):
    return server.ask("POST", "/mi", JSON, body=body)


def test_ps_names_the_process_as_ever(server):
    types = [entry["Type"] for entry in server.mi("ps")["Processes"]]
    assert f"HTTPD 127.0.0.1:{server.port}" in types
    assert types[0] == "attendant"


def test_which_lists_the_module_s_own_command(server):
    name = "httpd:list_root_path" if opensips.major() >= 4 else "httpd_list_root_path"
    assert name in server.mi("which")


def test_get_statistics(server):
    result = server.mi("get_statistics", [["load:", "inuse_transactions"]])
    assert "tm:inuse_transactions" in result
    assert any(name.startswith("load:") for name in result)


def test_the_roots_are_listed_newest_first(server):
    expected = [{"http_root": "metrics", "module": "prometheus"}, {"http_root": "mi", "module": "mi_http"}]
    names = ["httpd_list_root_path"] + (["httpd:list_root_path"] if opensips.major() >= 4 else [])
    for name in names:
        assert server.mi(name) == expected
        assert server.ask_fifo(name)["result"] == expected


def test_errors_are_json(server):
    answer = json.loads(post(server, b"{not json").body)
    assert answer["error"]["code"] == -32700
    answer = server.call("no_such_command")
    assert answer["error"]["code"] == -32601
    answer = server.call("get_statistics", {"wrong": 1})
    assert answer["error"]["code"] == -32602


def test_a_notification_gets_no_result(server):
    reply = post(server, b'{"jsonrpc":"2.0","method":"uptime"}')
    assert b"result" not in reply.body
    assert server.mi("uptime")


def test_get_is_answered(server):
    reply = server.ask("GET", "/mi")
    assert reply.status in (200, 400, 405, 406), reply


def test_a_connection_is_kept(server):
    body = b'{"jsonrpc":"2.0","method":"uptime","id":%d}'
    with server.connect() as client:
        for number in range(50):
            reply = client.ask(request("POST", "/mi", JSON, body=body % number))
            assert json.loads(reply.body)["id"] == number


def test_many_clients_at_once(server):
    failed = []

    def work():
        try:
            for _ in range(20):
                assert server.mi("uptime")["Now"]
        except BaseException as error:  # noqa: B036
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed[0]


def test_an_asynchronous_command_is_waited_for(server):
    peer = Peer()
    result = server.mi("t_uac_dlg", options_to(peer), timeout=20)
    assert str(result["Status"]).startswith("200"), result


def test_an_asynchronous_command_to_a_dead_peer_ends_with_its_own_timeout(server):
    peer = Peer(answers=False)
    begin = time.monotonic()
    result = server.mi("t_uac_dlg", options_to(peer), timeout=30)
    assert str(result["Status"]).startswith("408"), result
    assert 1 < time.monotonic() - begin < 10
    assert server.mi("uptime")


def test_a_command_may_take_longer_than_a_client(start):
    """Limits of clients do not run while they wait for us."""
    limits = {} if opensips.is_stock() else dict.fromkeys(["conn_timeout", "header_timeout", "body_timeout", "send_timeout"], 1)
    server = start([("tm", {"fr_timeout": 3}), ("mi_http", {})], limits)
    peer = Peer(answers=False)
    with server.connect(timeout=20) as client:
        for _ in range(2):
            reply = client.ask(call_of(peer))
            assert b"408" in reply.body, reply


def test_a_client_that_leaves_during_a_command_harms_nobody(server):
    peer = Peer(answers=False)
    client = server.connect()
    client.send(call_of(peer))
    time.sleep(0.3)
    client.close()
    assert server.mi("uptime", timeout=20)


@pytest.mark.parametrize("media_type", ["text/plain", "text/plain;charset=UTF-8", "text/html", None])
def test_what_a_browser_sends_for_any_page_runs_no_command(server, media_type):
    """fetch() with mode "no-cors", and forms with enctype="text/plain", ask nobody before they send."""
    body = b'{"jsonrpc":"2.0","method":"log_level","params":[4],"id":1}'
    with server.connect() as client:
        client.send(request("POST", "/mi", *([f"Content-Type: {media_type}"] if media_type else []), body=body))
        got = client.receive(10)
        assert got == b"" if opensips.is_stock() else got.startswith(b"HTTP/1.1 415 "), got
    assert server.mi("log_level")["Processes"][0]["Log level"] == 3


@pytest.mark.ours
def test_bad_input_gets_an_answer(server):
    assert server.ask("POST", "/mi", "Content-Type: image/png", body=b"x").status == 415
    assert server.ask("DELETE", "/mi").status == 405
    assert server.ask("GET", "/nowhere").status == 404
    assert post(server, b"x" * 40000).status == 413
    with server.connect() as client:
        assert client.ask(b"GET /mi HTTP/1.1\r\n\r\n").status == 400
