# The management interface over HTTP: every command, every JSON-RPC error, and the statuses around them.
# SPDX-License-Identifier: GPL-2.0-or-later
import json
import os
import re
import subprocess

import daemon
import pytest
from rawhttp import FRAGMENTS, request

JSON = "Content-Type: application/json"
COMMANDS = ["httpd_list_root_path", "which", "help", "ps", "uptime", "version", "pwd", "arg", "get_statistics",
            "list_statistics", "reset_all_statistics", "log_level"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    modules = {"mi_http.so": {}, "hello_c.so": {}, daemon.CPP_PROBE: {}}
    with daemon.Daemon(tmp_path_factory.mktemp("mi_http"), modules) as started:
        yield started


@pytest.fixture
def client(server):
    with server.connect() as connected:
        yield connected


def call(method, params=None, **members):
    message = {"jsonrpc": "2.0", "method": method, "id": 1} | ({} if params is None else {"params": params}) | members
    return json.dumps(message).encode()


def post(body, *fields, content_type=JSON):
    return request("POST", "/mi", *([content_type] if content_type else []), *fields, body=body)


def answer(reply):
    assert reply.status == 200, reply
    assert reply.field("Content-Type").split(";")[0] == "application/json"
    return json.loads(reply.body)


def error(reply, code):
    answered = answer(reply)
    assert list(answered) == ["jsonrpc", "error", "id"]
    assert answered["error"]["code"] == code
    assert answered["error"]["message"]
    return answered


@pytest.mark.parametrize("fragment", FRAGMENTS)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_answers_however_its_bytes_come(client, command, fragment):
    params = {"statistics": ["all"]} if command == "get_statistics" else None
    answered = answer(client.ask(post(call(command, params, id="an id")), fragment))
    assert list(answered) == ["jsonrpc", "result", "id"]
    assert answered["jsonrpc"] == "2.0"
    assert answered["id"] == "an id"


def test_list_root_path(server):
    roots = server.mi("httpd_list_root_path")
    assert {"http_root": "mi", "module": "mi_http"} in roots
    assert {"http_root": "hello", "module": "hello_c"} in roots
    assert server.mi("httpd:list_root_path") == roots


def test_which_lists_every_command_and_the_ways_to_call_one(server):
    assert set(COMMANDS) <= set(server.mi("which"))
    assert [] in server.mi("which", {"command": "ps"})
    ways = server.mi("which", ["log_level"])
    assert [] in ways and ["level"] in ways


def test_which_for_an_unknown_command(client):
    assert error(client.ask(post(call("which", ["no_such_command"]))), 404)


def test_help(server):
    assert server.mi("help")
    told = server.mi("help", {"mi_cmd": "ps"})
    assert "processes" in told["Help"] and told["Exported by"]


def test_ps_lists_processes_that_run(server):
    listed = server.mi("ps")["Processes"]
    assert [set(entry) for entry in listed] == [{"ID", "PID", "Type"}] * len(listed)
    assert len({entry["ID"] for entry in listed}) == len(listed) >= 2
    for entry in listed:
        os.kill(entry["PID"], 0)
    assert server.process.pid in [entry["PID"] for entry in listed]


def test_uptime_version_pwd_arg(server):
    uptime = server.mi("uptime")
    assert list(uptime) == ["Now", "Up since", "Up time"]
    assert re.fullmatch(r"\d+ \[sec\]", uptime["Up time"])
    assert "opensips-httpd" in server.mi("version")["Server"]
    assert server.mi("pwd") == {"WD": str(server.folder)}
    assert server.mi("arg") == [str(daemon.BINARY), "-f", str(server.file)]


def test_statistics(server):
    listed = server.mi("list_statistics")
    assert listed
    name = next(iter(listed))
    assert ":" in name
    everything = server.mi("get_statistics", {"statistics": ["all"]})
    assert set(everything) == set(listed)
    assert all(isinstance(value, int) for value in everything.values())
    assert list(server.mi("get_statistics", [[name]])) == [name]
    group = name.split(":")[0] + ":"
    assert all(key.startswith(group) for key in server.mi("get_statistics", [[group]]))


def test_unknown_statistic(client):
    assert error(client.ask(post(call("get_statistics", {"statistics": ["no_such_one"]}))), 404)


def test_log_level_of_all_and_of_one_process(server):
    for entry in server.mi("log_level")["Processes"]:
        assert entry["Log level"] == 3
    pid = server.pids("HTTPD")[0]
    assert server.mi("log_level", {"level": 2, "pid": pid}) == {"Log level": 2}
    levels = {entry["PID"]: entry["Log level"] for entry in server.mi("log_level")["Processes"]}
    assert levels.pop(pid) == 2
    assert set(levels.values()) == {3}
    assert server.mi("log_level", [3]) == {"New global log level": 3}


def test_log_level_of_no_process(client):
    error(client.ask(post(call("log_level", {"level": 2, "pid": 1}))), -32602)


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_a_notification_is_accepted_with_no_body(client, fragment):
    reply = client.ask(post(b'{"jsonrpc":"2.0","method":"ps"}'), fragment)
    assert (reply.status, reply.body) == (202, b"")
    assert answer(client.ask(post(call("pwd"))))["result"]


PARSE_ERROR, INVALID_REQUEST, NO_METHOD, INVALID_PARAMS = -32700, -32600, -32601, -32602
ERRORS = [
    (b"{", PARSE_ERROR),
    (b'{"jsonrpc":"2.0","method":"ps","id":1', PARSE_ERROR),
    (b'{"jsonrpc":"2.0","method":"ps","id":1}}', PARSE_ERROR),
    (b"\xff\xfe", PARSE_ERROR),
    (b'{"jsonrpc":"2.0","method":"\xff","id":1}', PARSE_ERROR),
    (b"[" * 900, PARSE_ERROR),
    (b"1", INVALID_REQUEST),
    (b'"text"', INVALID_REQUEST),
    (b"[]", INVALID_REQUEST),
    (b"{}", INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","method":1,"id":1}', INVALID_REQUEST),
    (b'{"jsonrpc":"1.0","method":"ps","id":1}', INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","method":"ps","params":"x","id":1}', INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","method":"ps","id":{}}', INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","method":"no_such_command","id":1}', NO_METHOD),
    (b'{"jsonrpc":"2.0","method":"ps","params":["too","many"],"id":1}', INVALID_PARAMS),
    (b'{"jsonrpc":"2.0","method":"log_level","params":{"volume":3},"id":1}', INVALID_PARAMS),
    (b'{"jsonrpc":"2.0","method":"get_statistics","id":1}', INVALID_PARAMS),
]


@pytest.mark.parametrize(("body", "code"), ERRORS, ids=[f"{body[:40]!r}" for body, _ in ERRORS])
def test_errors_are_answers_with_status_200(client, body, code):
    error(client.ask(post(body)), code)
    assert answer(client.ask(post(call("pwd"))))["result"]


@pytest.mark.parametrize("fragment", FRAGMENTS)
@pytest.mark.parametrize(("body", "code"), [ERRORS[0], ERRORS[9], ERRORS[14], ERRORS[15]])
def test_errors_in_fragments(client, body, code, fragment):
    error(client.ask(post(body), fragment), code)


def test_ids_come_back_as_they_were(client):
    for given in ("12345678901234567890", "-1", "1.5", '"text \\u00e9"', "null"):
        reply = client.ask(post(b'{"jsonrpc":"2.0","method":"pwd","id":%s}' % given.encode()))
        assert json.loads(reply.body)["id"] == json.loads(given), given


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_a_batch_is_answered_in_order_without_its_notifications(client, fragment):
    batch = b"[" + b",".join([call("pwd", id=1), b'{"jsonrpc":"2.0","method":"ps"}', call("none", id=2), b"7"]) + b"]"
    answered = answer(client.ask(post(batch), fragment))
    assert [(entry["id"], "error" in entry) for entry in answered] == [(1, False), (2, True), (None, True)]
    assert [entry["error"]["code"] for entry in answered[1:]] == [NO_METHOD, INVALID_REQUEST]


def test_a_batch_of_notifications_is_accepted_with_no_body(client):
    reply = client.ask(post(b'[{"jsonrpc":"2.0","method":"ps"},{"jsonrpc":"2.0","method":"pwd"}]'))
    assert (reply.status, reply.body) == (202, b"")


@pytest.mark.parametrize("fragment", FRAGMENTS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_not_allowed(client, method, fragment):
    reply = client.ask(request(method, "/mi"), fragment)
    assert reply.status == 405
    assert "post" in reply.tokens("Allow") and "get" not in reply.tokens("Allow")
    assert answer(client.ask(post(call("pwd"))))["result"]


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_options(client, fragment):
    reply = client.ask(request("OPTIONS", "/mi"), fragment)
    assert reply.status in (200, 204) and reply.body == b""
    assert {"post", "options"} <= set(reply.tokens("Allow"))


@pytest.mark.parametrize("content_type", [None, "Content-Type: text/html", "Content-Type: application/octet-stream",
                                          "Content-Type: application/x-www-form-urlencoded", "Content-Type: x"])
def test_other_media_types_are_refused(client, content_type):
    assert client.ask(post(call("pwd"), content_type=content_type)).status == 415
    assert answer(client.ask(post(call("pwd"))))["result"]


@pytest.mark.parametrize("content_type", [JSON + "; charset=utf-8", "content-type:APPLICATION/JSON",
                                          "Content-Type: application/json-rpc"])
def test_media_types_of_json_are_taken(client, content_type):
    assert answer(client.ask(post(call("pwd"), content_type=content_type)))["result"]


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_an_empty_body_is_a_bad_request(client, fragment):
    assert client.ask(post(b""), fragment).status == 400


@pytest.mark.parametrize("target", ["/", "/unknown", "/m", "/mi2", "/MI", "/x/mi"])
def test_unknown_roots_are_not_found(client, target):
    assert client.ask(request("POST", target, JSON, body=call("pwd"))).status == 404
    assert answer(client.ask(post(call("pwd"))))["result"]


def test_the_root_owns_the_paths_below_it(client):
    assert answer(client.ask(request("POST", "/mi/below", JSON, body=call("pwd"))))["result"]


def curl(*arguments):
    done = subprocess.run(["curl", "-sS", "--max-time", "10", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_curl(server):
    url = f"http://127.0.0.1:{server.port}/mi"
    answered = json.loads(curl("-H", JSON, "-d", call("httpd_list_root_path").decode(), url))
    assert {"http_root": "mi", "module": "mi_http"} in answered["result"]
    assert curl("-o", os.devnull, "-w", "%{http_code}", url) == "405"
    assert curl("-I", url).startswith("HTTP/1.1 405 ")
    chunked = json.loads(curl("-H", JSON, "-H", "Transfer-Encoding: chunked", "-d", call("pwd").decode(), url))
    assert chunked["result"] == {"WD": str(server.folder)}


def test_parameters_of_mi_http(start):
    server = start({"mi_http.so": {"root": "a/b.c", "pretty_printing": 1}})
    reply = server.ask("POST", "/a/b.c", JSON, body=call("pwd"))
    assert reply.body.count(b"\n") >= 3 and answer(reply)["result"]
    assert server.ask("POST", "/mi", JSON, body=call("pwd")).status == 404
    assert server.ask("POST", "/a", JSON, body=call("pwd")).status == 404
