# The access log: what its lines say, and of what there are lines. SPDX-License-Identifier: GPL-2.0-or-later
import calendar
import contextlib
import re
import time

import certificates
import daemon
import pytest
import rawtls
from accesslog import COMBINED, MADE_ID, MODULES
from rawhttp import request


# ---------------------------------------------------------------------------------------------- formats

def test_off_by_default(start):
    server = start(MODULES)
    assert not server.pids("HTTPD access log")
    reply = server.ask("GET", "/id", "X-Request-Id: mine")
    assert reply.body == b"mine" and reply.field("X-Request-Id") is None
    assert server.ask("GET", "/id").body == b"(none)"


def test_combined(log):
    it = log()
    it.server.ask("GET", "/respond/200?x=1", "Referer: http://here/", "User-Agent: a \"b\" \\ c")
    (line,) = it.lines(1)
    found = COMBINED.fullmatch(line)
    assert found, line
    assert found.groupdict() == {
        "client": "127.0.0.1", "user": "-", "request": "GET /respond/200?x=1 HTTP/1.1", "status": "200", "bytes": "4",
        "referer": "http://here/", "agent": r'a \"b\" \\ c'}
    assert (it.path.stat().st_mode & 0o777) & ~0o640 == 0


def test_json(json_log):
    it = json_log()
    before = time.time()
    reply = it.server.ask("GET", "/respond/201?secret=x", 'User-Agent: "', "X-Request-Id: abc-1")
    (entry,) = it.entries(1)
    stamp = time.strptime(entry["time"][:19], "%Y-%m-%dT%H:%M:%S")
    assert abs(calendar.timegm(stamp) - before) < 5 and entry["time"].endswith("Z")
    assert 0 <= entry.pop("handler_us") <= entry.pop("total_us") < 5_000_000
    del entry["time"]
    assert entry == {
        "client": "127.0.0.1", "peer": "127.0.0.1", "user": None, "request": "GET /respond/201?secret=x HTTP/1.1",
        "method": "GET", "path": "/respond/201", "status": 201, "body_bytes": 4, "referer": None, "user_agent": '"',
        "root": "respond", "request_id": "abc-1", "connection": "kept", "tls_version": None, "tls_cipher": None,
        "tls_client": None}
    assert reply.field("X-Request-Id") == "abc-1"


def test_own_format(log):
    it = log(access_log_format="%% %m %U %q %H %s %>s %B %R %X %{X-Probe}o %{Content-Type}o %{x-mine}i "
                               "%{nothing}i %{us}T|%{c}a")
    it.server.ask("GET", "/fields/good?q", "X-Mine: yes")
    (line,) = it.lines(1)
    assert re.fullmatch(r"% GET /fields/good \?q HTTP/1\.1 201 201 6 fields \+ first text/plain; charset=utf-8 yes "
                        r"- \d+\|127\.0\.0\.1", line), line


@pytest.mark.parametrize("bad,position", [("%h %Z", 4), ("%{Authorization}i", 1), ("x%{a b}i", 2), ("%{Referer", 1),
                                          ("%h %", 4), ("%h\n", 3), ("%{nope}x", 1)])
def test_a_bad_format_refuses_the_start(tmp_path, bad, position):
    file = tmp_path / "bad.cfg"
    file.write_text(daemon.config({"httpd.so": {"access_log_format": bad}}))
    done = daemon.run("-f", file)
    assert done.returncode == 255 and f"character {position} of the format" in done.stderr, done.stderr


@pytest.mark.parametrize("path", ["no/such/folder/log", "."])
def test_a_bad_path_refuses_the_start(tmp_path, path):
    file = tmp_path / "bad.cfg"
    file.write_text(daemon.config({"httpd.so": {"access_log": path, "port": daemon.free_port()}}))
    for options in ([], ["-c"]):
        done = daemon.run("-f", file, *options, cwd=tmp_path)
        assert done.returncode == 255 and "cannot write the access log to" in done.stderr, done.stderr


def test_a_check_makes_no_file(tmp_path):
    file = tmp_path / "good.cfg"
    file.write_text(daemon.config({"httpd.so": {"access_log": "access.log", "port": daemon.free_port()}}))
    assert daemon.run("-f", file, "-c", cwd=tmp_path).returncode == 0
    assert not (tmp_path / "access.log").exists()


# ---------------------------------------------------------------------------------------------- what is logged

def test_refusals(json_log):
    it = json_log()
    for target, status in (("/nowhere", 404), ("/respond/..", 400)):
        assert it.server.ask("GET", target).status == status
    assert it.server.ask("DELETE", "/respond/200").status == 405
    entries = it.entries(3)
    assert [(entry["status"], entry["method"], entry["handler_us"]) for entry in entries] == [
        (404, "GET", None), (400, "GET", None), (405, "DELETE", None)]
    assert [entry["connection"] for entry in entries] == ["kept", "closed", "kept"]
    assert all(MADE_ID.fullmatch(entry["request_id"]) for entry in entries)
    assert all(entry["body_bytes"] > 0 for entry in entries)


def test_no_bytes_of_a_client_forge_a_line(json_log):
    it = json_log()
    hostile = [b'GET /\x00\xff\xfe"\\\x1b[31m HTTP/1.1\r\n\r\n', b"\x80\x81garbage\n\n", b"GET / HTTP/9.9\r\n\r\n",
               b'GET /respond/200 HTTP/1.1\r\nHost: a\r\nUser-Agent: \xff\xc0"\\\xe2\x80\xa8\r\n\r\n',
               b'GET /respond/200 HTTP/1.1\r\nHost: a\r\nX-Request-Id: a\\"b\r\nUser-Agent: \xc3\xa9\r\n\r\n']
    for data in hostile:
        with it.server.connect() as client:
            client.send(data)
            client.read_reply()
    entries = it.entries(len(hostile))
    assert [entry["status"] for entry in entries] == [400, 400, 505, 200, 200]
    assert entries[3]["user_agent"] == '\ufffd\ufffd"\\\u2028'
    assert entries[4]["user_agent"] == "é" and MADE_ID.fullmatch(entries[4]["request_id"])
    assert "\x1b" not in it.text()


def test_hostile_bytes_in_combined(log):
    it = log()
    with it.server.connect() as client:
        client.send(b'GET /respond/200 HTTP/1.1\r\nHost: a\r\nUser-Agent: \xff" 200 - "\r\n\r\n')
        client.read_reply()
    (line,) = it.lines(1)
    assert COMBINED.fullmatch(line)["agent"] == r'\xff\" 200 - \"'


def test_kept_and_pipelined(json_log):
    it = json_log()
    with it.server.connect() as client:
        client.send(b"".join(request("GET", f"/respond/{200 + i}") for i in range(20)
                             if 200 + i not in (204, 205)) + request("GET", "/respond/200", "Connection: close"))
        for _ in range(18):
            client.read_reply()
        client.read_reply()
    entries = it.entries(19)
    assert [entry["status"] for entry in entries] == [200 + i for i in range(20) if i not in (4, 5)] + [200]
    assert [entry["connection"] for entry in entries] == 18 * ["kept"] + ["closed"]
    assert len({entry["request_id"] for entry in entries}) == 19


def test_bodies_without_bytes(json_log):
    it = json_log()
    with it.server.connect() as client:
        client.send(request("HEAD", "/large/100000"))
        client.read_reply("HEAD")
        client.ask(request("GET", "/respond/204"))
        client.ask(request("GET", "/large/100000"))
    assert [entry["body_bytes"] for entry in it.entries(3)] == [0, 0, 100000]


def test_a_stream(json_log):
    it = json_log(modules={daemon.STREAM_PROBE: {}})
    size = 1_000_000
    assert len(it.server.ask("GET", f"/probe/numbers/{size}").body) == size
    (entry,) = it.entries(1)
    assert (entry["body_bytes"], entry["connection"]) == (size, "kept")


@pytest.mark.parametrize("kind,size", [("/large/{}", 50_000_000), ("/probe/numbers/{}", 80_000_000)])
def test_a_client_that_leaves_in_the_middle(json_log, kind, size):
    it = json_log(modules={daemon.CPP_PROBE: {}, daemon.STREAM_PROBE: {}})
    client = it.server.connect()
    client.send(request("GET", kind.format(size)))
    client.read_head()
    time.sleep(0.2)
    assert it.text() == "", "the line comes when the reply is out"
    client.reset()
    (entry,) = it.entries(1)
    assert entry["status"] == 200 and entry["connection"] == "cut" and 0 < entry["body_bytes"] < size


def test_a_client_that_does_not_wait_for_its_reply(json_log):
    it = json_log(modules={daemon.STREAM_PROBE: {}})
    client = it.server.connect()
    client.send(request("GET", "/probe/kept/ever"))
    time.sleep(0.2)
    client.reset()
    (entry,) = it.entries(1)
    assert entry["status"] is None and entry["connection"] == "cut" and entry["path"] == "/probe/kept/ever"
    assert entry["handler_us"] > 100_000 and entry["total_us"] >= entry["handler_us"]


def test_times(json_log):
    it = json_log(modules={daemon.WORKER_PROBE: {}}, workers=2)
    began = time.monotonic()
    it.server.ask("GET", "/sleep/300")
    took = 1e6 * (time.monotonic() - began)
    (entry,) = it.entries(1)
    # The client may have the reply before the server looks at its clock.
    assert 295_000 < entry["handler_us"] <= entry["total_us"] <= took + 200_000


def test_who_is_turned_away(json_log):
    it = json_log(max_client_connections=1)
    with contextlib.ExitStack() as stack:
        for status in (200, 200, 503):
            client = stack.enter_context(it.server.connect(source="127.0.0.2"))
            if status == 200:
                client.send(request("GET", "/respond/200"))
            assert client.read_reply().status == status
    entries = it.entries(3)
    assert [entry["status"] for entry in entries] == [200, 200, 503]
    assert entries[2]["request"] is None and entries[2]["client"] == "127.0.0.2"


def test_user_and_proxy(json_log):
    it = json_log(auth_username="admin", auth_password="secret", trusted_proxies="127.0.0.1",
                  forwarded_header="X-Forwarded-For")
    reply = it.server.ask("GET", "/respond/200", "Authorization: Basic YWRtaW46c2VjcmV0", "X-Forwarded-For: 192.0.2.7")
    assert reply.status == 200
    (entry,) = it.entries(1)
    assert (entry["user"], entry["client"], entry["peer"]) == ("admin", "192.0.2.7", "127.0.0.1")
    assert "YWRtaW46c2VjcmV0" not in it.text() and "secret" not in it.text()


def test_tls(json_log, authority, rsa):
    it = json_log(**certificates.parameters(rsa, tls_verify_client="require", tls_ca_file=authority.certificate))
    visitor = authority.issue("visitor", purpose="clientAuth")
    with it.server.connect(settings=rawtls.context(certificate=visitor)) as client:
        assert client.ask(request("GET", "/respond/200")).status == 200
        version = client.tls.version().replace("v", "")
    (entry,) = it.entries(1)
    assert (entry["tls_version"], entry["tls_client"]) == (version, "CN=visitor,O=httpd test")
    assert entry["tls_cipher"]


# ---------------------------------------------------------------------------------------------- ids

@pytest.mark.parametrize("workers", [0, 2])
def test_ids_of_requests(start, workers):
    server = start(MODULES, httpd={"request_id": 1, "workers": workers})
    good = "A-z._~+/=@:0" + 116 * "x"
    reply = server.ask("GET", "/id", f"X-Request-Id: {good}")
    assert reply.body.decode() == good == reply.field("X-Request-Id")
    made = set()
    for bad in (None, good + "x", "a b", "a,b", "é"):
        reply = server.ask("GET", "/id", *([] if bad is None else [f"X-Request-Id: {bad}"]))
        assert MADE_ID.fullmatch(reply.body.decode()) and reply.field("X-Request-Id") == reply.body.decode()
        made.add(reply.body)
    assert len(made) == 5
    assert MADE_ID.fullmatch(server.ask("GET", "/nowhere").field("X-Request-Id"))
