# Reading the configuration again: all or nothing, live on open connections, and with what takes a restart named.
# SPDX-License-Identifier: GPL-2.0-or-later
import json
import os
import re
import signal
import socket
import ssl
import threading
import time

import certificates
import daemon
import processes
import pytest
import rawtls
from rawhttp import BadReply, request

MODULES = {"mi_http.so": {}, "hello_cpp.so": {}, daemon.WORKER_PROBE: {}}
HELLO = request("GET", "/hello-cpp")
AGAIN = "configuration read again: "


class Reloadable:
    """A daemon whose file is written anew: `set` has the parameters of httpd as start() takes them."""

    def __init__(self, server):
        self.server = server

    def write(self, modules=None, log_level=None, **httpd):
        given = {**self.server.httpd, **httpd}
        given = {name: value for name, value in given.items() if value is not None}
        self.server.file.write_text(daemon.config(
            {"httpd.so": given, **(self.server.modules if modules is None else modules)},
            self.server.log_level if log_level is None else log_level))

    def reload(self, expected=AGAIN, timeout=10.0):
        """Reads it again and returns the line about it."""
        mark = self.server.mark()
        self.server.process.send_signal(signal.SIGHUP)
        return self.server.wait_log(expected, timeout, since=mark)

    def change(self, **settings):
        self.write(**settings)
        return self.reload()

    def fail(self, **settings):
        self.write(**settings)
        return self.reload("configuration not read again: ")


@pytest.fixture
def serve(start):
    def starter(modules=None, options=(), log_level=3, **httpd):
        return Reloadable(start({**MODULES, **(modules or {})}, httpd, log_level, options))

    return starter


def asked(server, method):
    call = json.dumps({"jsonrpc": "2.0", "method": method, "id": 1}).encode()
    reply = server.ask("POST", "/mi", "Content-Type: application/json", body=call)
    assert reply.status == 200, reply
    return json.loads(reply.body)


# --- what is live ---


def test_a_line_says_what_has_changed(serve):
    daemon_ = serve(conn_timeout=20, receive_buf_size=2000)
    line = daemon_.change(conn_timeout=7, max_uri_size=100, receive_buf_size=None)
    assert " NOTICE:" in line
    assert line.endswith(AGAIN + "conn_timeout 20 -> 7, receive_buf_size 2000 -> 1024, max_uri_size 8192 -> 100")
    assert daemon_.reload().endswith(AGAIN + "nothing has changed")


def test_message_limits_hold_for_the_next_request_on_an_open_connection(serve):
    daemon_ = serve()
    long = request("GET", "/hello-cpp?" + "a" * 200)
    with daemon_.server.connect() as client:
        assert client.ask(long).status == 200
        daemon_.change(max_uri_size=100)
        assert client.ask(HELLO).status == 200
        assert client.ask(long).status == 414
        daemon_.change()
    assert daemon_.server.ask("GET", "/hello-cpp?" + "a" * 200).status == 200


def test_a_message_limit_that_is_lowered_in_the_middle_of_a_message(serve):
    """The body has come half when its limit becomes less than what has come."""
    daemon_ = serve(receive_buf_size=10000)
    path = b"POST /hello-cpp HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
    with daemon_.server.connect() as counted, daemon_.server.connect() as chunked, daemon_.server.connect() as headed:
        counted.send(path + b"Content-Length: 8000\r\n\r\n" + b"x" * 4000)
        chunked.send(path + b"Transfer-Encoding: chunked\r\n\r\n" + b"fa0\r\n" + b"x" * 4000 + b"\r\n")
        headed.send(b"GET /hello-cpp HTTP/1.1\r\nHost: x\r\nX-Long: " + b"y" * 5000)
        time.sleep(0.2)
        daemon_.change(receive_buf_size=100, max_header_size=1000)
        counted.send(b"x" * 100)
        assert counted.read_reply().status == 413
        chunked.send(b"5\r\nxxxxx\r\n0\r\n\r\n")
        assert chunked.read_reply().status == 413
        headed.send(b"y\r\n\r\n")
        assert headed.read_reply().status == 431


def test_time_limits_hold_for_connections_that_wait_already(serve):
    daemon_ = serve(conn_timeout=0, header_timeout=100, body_timeout=100)
    server = daemon_.server
    with server.connect() as idle, server.connect() as head, server.connect() as body:
        assert idle.ask(HELLO).status == 200
        head.send(b"GET /hel")
        body.send(b"POST /hello-cpp HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab")
        time.sleep(0.1)
        daemon_.change(conn_timeout=1, header_timeout=1, body_timeout=1)
        idle.assert_closed(within=4)
        assert head.read_reply().status == 408
        assert body.read_reply().status == 408


def test_a_handler_that_keeps_its_reply_gets_the_new_limit(serve):
    daemon_ = serve(handler_timeout=100, workers=0)
    with daemon_.server.connect() as client:
        client.send(request("GET", "/keep/60000"))
        time.sleep(0.2)
        daemon_.change(handler_timeout=1)
        assert client.read_reply().status == 504


def test_limits_of_connections_and_requests(serve):
    daemon_ = serve(max_request_rate=1, max_request_burst=1000)
    server = daemon_.server
    with server.connect() as first:
        for _ in range(300):
            assert first.ask(HELLO).status == 200
        daemon_.change(max_client_connections=1, max_request_rate=1000, max_request_burst=2000)
        # What the bucket lacked, 300 s of the old rate, is no debt in the new one.
        time.sleep(0.1)
        assert first.ask(HELLO).status == 200
        with server.connect() as second, server.connect() as third:
            second.send(HELLO)  # the place that is kept for this machine
            assert second.read_reply().status in (200, 503)
            assert third.ask(HELLO).status == 503
        daemon_.change(max_client_connections=None, max_request_rate=1, max_request_burst=1)
        assert 429 in [first.ask(HELLO).status for _ in range(3)]


def test_the_number_of_requests_of_a_connection_may_be_lowered_below_what_it_had(serve):
    daemon_ = serve()
    with daemon_.server.connect() as client:
        for _ in range(10):
            assert not client.ask(HELLO).closes()
        daemon_.change(max_connection_requests=3)
        assert client.ask(HELLO).closes()


def test_access_rules_and_names_hold_for_the_next_request(serve):
    daemon_ = serve()
    with daemon_.server.connect() as client:
        assert client.ask(HELLO).status == 200
        daemon_.change(access="root=hello-cpp; deny=127.0.0.0/8")
        assert client.ask(HELLO).status == 403
        daemon_.change(allowed_hosts="other.example")
        assert client.ask(HELLO).status == 421
        daemon_.change(access="root=hello-cpp; cors_origins=https://page.example")
        reply = client.ask(request("GET", "/hello-cpp", "Origin: https://page.example"))
        assert reply.field("Access-Control-Allow-Origin") == "https://page.example"
        daemon_.change(trusted_proxies="127.0.0.1", access="root=hello-cpp; deny=192.0.2.1")
        assert client.ask(request("GET", "/hello-cpp", "X-Forwarded-For: 192.0.2.1")).status == 403
        assert client.ask(request("GET", "/hello-cpp", "X-Forwarded-For: 192.0.2.2")).status == 200


def test_credentials_appear_change_and_go(serve):
    daemon_ = serve()
    basic = "Authorization: Basic YWRhOnNlY3JldA=="  # ada:secret
    with daemon_.server.connect() as client:
        assert client.ask(HELLO).status == 200
        line = daemon_.change(auth_username="ada", auth_password="secret", auth_realm="Here")
        assert "auth_username" in line and "auth_password" in line and "secret" not in line and "ada" not in line
        refused = client.ask(HELLO)
        assert refused.status == 401 and 'realm="Here"' in refused.field("WWW-Authenticate")
        assert client.ask(request("GET", "/hello-cpp", basic)).status == 200
        line = daemon_.change(auth_username="ada", auth_password="other")
        assert "auth_password" in line and "auth_username" not in line and "other" not in line
        assert client.ask(request("GET", "/hello-cpp", basic)).status == 401
        daemon_.change()
        assert client.ask(HELLO).status == 200
    assert "secret" not in daemon_.server.log()


def test_checks_of_credentials_that_are_under_way(serve):
    """One waits for its turn when nobody is asked for credentials any more, and one while a password is hashed."""
    daemon_ = serve(auth_username="ada", auth_password="secret", max_auth_failures=1, auth_failure_delay=2)
    wrong = request("GET", "/hello-cpp", "Authorization: Basic YWRhOndyb25n")
    with daemon_.server.connect() as client:
        assert client.ask(wrong).status == 401
        client.send(wrong)
        time.sleep(0.2)
        daemon_.change(auth_username=None, auth_password=None)
        assert client.read_reply().status == 200
        assert client.ask(HELLO).status == 200


def test_failures_under_a_delay_that_is_gone_are_forgotten(serve):
    daemon_ = serve(auth_username="ada", auth_password="secret", max_auth_failures=1, auth_failure_delay=3600)
    wrong = request("GET", "/hello-cpp", "Authorization: Basic YWRhOndyb25n")
    with daemon_.server.connect() as client:
        assert client.ask(wrong).status == 401
        assert client.ask(wrong).status == 429
        daemon_.change(auth_failure_delay=1)
        assert client.ask(wrong).status == 401


def test_the_log_level_of_the_script(serve):
    daemon_ = serve()
    assert "log_level 3 -> 4" in daemon_.change(log_level=4)
    assert daemon_.server.mi("log_level")["Processes"][0]["Log level"] == 4
    daemon_.server.mi("log_level", [3])
    assert daemon_.reload()
    assert daemon_.server.mi("log_level")["Processes"][0]["Log level"] == 3, "the script's has not changed"


def test_tls_options_are_live_and_open_connections_stay(start, ec, authority, tmp_path):
    given = certificates.parameters(ec, tls_ciphers=certificates.SUGGESTED_CIPHERS)
    daemon_ = Reloadable(start(MODULES, given))
    with daemon_.server.connect() as early:
        assert early.ask(HELLO).status == 200
        only_13 = "SECURE128:-VERS-ALL:+VERS-TLS1.3"
        assert "tls_ciphers" in daemon_.change(tls_ciphers=only_13)
        assert early.ask(HELLO).status == 200
    with pytest.raises((ssl.SSLError, OSError, BadReply)):
        daemon_.server.connect(settings=rawtls.context(version=ssl.TLSVersion.TLSv1_2))
    with daemon_.server.connect() as late:
        assert late.ask(HELLO).status == 200
    assert "TLS files read again; 1 certificates in service" in daemon_.server.log()


# --- all or nothing ---


BROKEN = [
    ("max_uri_size", "long", r"modparam \"httpd\" \"max_uri_size\": takes an integer"),
    ("no_such_parameter", 1, r"no such parameter"),
    ("access", "root=nowhere; auth=off", r"there is no root path"),
    ("auth_username", "ada", r"no auth_password"),
    ("auth_file", "/nowhere/users", r"/nowhere/users"),
    ("tls_verify_client", "require", r"has no effect without tls_cert_file"),
    ("listen", "https://127.0.0.1:1", r"needs a certificate"),
]


@pytest.mark.parametrize(("name", "value", "expected"), BROKEN, ids=[row[0] for row in BROKEN])
def test_an_error_leaves_everything_as_it_was(serve, name, value, expected):
    daemon_ = serve()
    with daemon_.server.connect() as client:
        line = daemon_.fail(max_header_fields=2, **{name: value})
        assert " ERROR:" in line and re.search(expected, line) and "everything stays as it was" in line
        assert client.ask(request("GET", "/hello-cpp", "A: 1", "B: 2", "C: 3")).status == 200


def test_an_error_in_the_last_line_is_told_with_its_place(serve):
    daemon_ = serve()
    daemon_.write(max_header_fields=2)
    text = daemon_.server.file.read_text()
    daemon_.server.file.write_text(text + "loadmodul \"x.so\"\n")
    line = daemon_.reload("configuration not read again: ")
    assert f"{daemon_.server.file}:{text.count(chr(10)) + 1}:1: expected loadmodule" in line
    assert daemon_.server.ask("GET", "/hello-cpp", "A: 1", "B: 2", "C: 3").status == 200
    daemon_.server.file.unlink()
    assert "cannot read the configuration file" in daemon_.reload("configuration not read again: ")
    assert daemon_.server.ask("GET", "/hello-cpp", "A: 1", "B: 2", "C: 3").status == 200


def test_files_stay_when_the_configuration_is_bad(start, authority, tmp_path):
    """The certificate was renewed, and the file of users is gone: neither has an effect."""
    folder = tmp_path / "tls"
    folder.mkdir()
    first, second = authority.issue("first"), authority.issue("second")
    given = certificates.parameters(first.put(folder), tls_ciphers=certificates.SUGGESTED_CIPHERS)
    daemon_ = Reloadable(start(MODULES, given))
    second.put(folder)
    daemon_.fail(auth_file=str(tmp_path / "users"))
    with daemon_.server.connect() as client:
        assert certificates.fingerprint(client.tls.getpeercert(True)) == first.fingerprint()
        assert client.ask(HELLO).status == 200
    daemon_.change()
    with daemon_.server.connect() as client:
        assert certificates.fingerprint(client.tls.getpeercert(True)) == second.fingerprint()


# --- what takes a restart ---


@pytest.mark.parametrize(("change", "named"), [
    ({"port": 1}, "port"),
    ({"ip": "127.0.0.2"}, "ip"),
    ({"workers": 3}, "workers"),
    ({"buf_size": 5000}, "buf_size"),
    ({"listen": "http://127.0.0.1:1"}, "listen"),
    ({"modules": {**MODULES, "mi_http.so": {"root": "other"}}}, "root of mi_http"),
    ({"modules": {"mi_http.so": {}}}, "loadmodule"),
    ({"modules": {**MODULES, "mi_fifo.so": {"fifo_name": "/nowhere"}}}, "loadmodule, fifo_name of mi_fifo"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_what_takes_a_restart_is_named_and_stays(serve, change, named):
    daemon_ = serve()
    line = daemon_.change(conn_timeout=9, **change)
    assert line.endswith(AGAIN + "conn_timeout 30 -> 9")
    warning = daemon_.server.wait_log("takes a restart")
    assert " WARNING:" in warning and f" about {named} takes a restart" in warning
    assert daemon_.server.ask("GET", "/hello-cpp").status == 200
    assert asked(daemon_.server, "ps")["result"]


def test_tls_where_there_was_none_takes_a_restart(serve, ec):
    daemon_ = serve()
    daemon_.change(**certificates.parameters(ec))
    assert "tls_cert_file" in daemon_.server.wait_log("takes a restart")
    assert daemon_.server.ask("GET", "/hello-cpp").status == 200
    rule = "root=hello-cpp; client_cert=on"
    more = certificates.parameters(ec, tls_verify_client="optional", tls_ca_file=ec.file)
    assert "this configuration takes a restart" in daemon_.fail(access=rule, **more)


# --- who asks ---


def test_the_mi_command_tells_what_became_of_it(serve):
    daemon_ = serve()
    for command in ("httpd_reload", "httpd:reload"):
        daemon_.write(conn_timeout=9, port=1)
        assert asked(daemon_.server, command)["result"] == {
            "Changed": ["conn_timeout 30 -> 9"], "Takes a restart": ["port"]}
        daemon_.write()
        assert asked(daemon_.server, command)["result"] == {
            "Changed": ["conn_timeout 9 -> 30"], "Takes a restart": []}
    daemon_.write(conn_timeout=-1)
    error = asked(daemon_.server, "httpd_reload")["error"]
    assert (error["code"], error["message"]) == (500, "Configuration not reloaded")
    assert "conn_timeout" in error["data"] and "out of range" in error["data"]


def test_the_mi_command_through_a_handler_process(serve):
    daemon_ = serve(workers=2)
    daemon_.write(conn_timeout=9)
    assert asked(daemon_.server, "httpd_reload")["result"]["Changed"] == ["conn_timeout 30 -> 9"]


def test_the_working_directory_does_not_matter(start, tmp_path):
    server = start(MODULES, {}, options=("-w", tmp_path))
    daemon_ = Reloadable(server)
    assert "conn_timeout 30 -> 9" in daemon_.change(conn_timeout=9)


# --- processes ---


def test_a_new_httpd_process_has_what_was_read_again(serve):
    daemon_ = serve(max_uri_size=8000)
    daemon_.change(max_uri_size=100, auth_username="ada", auth_password="secret")
    basic = "Authorization: Basic YWRhOnNlY3JldA=="
    old = processes.children(daemon_.server.process.pid)[0]
    mark = daemon_.server.mark()
    os.kill(old, signal.SIGKILL)
    daemon_.server.wait_log("starting it again", since=mark)
    deadline = time.monotonic() + 20
    while True:
        try:
            if daemon_.server.ask("GET", "/hello-cpp", basic).status == 200:
                break
        except (OSError, BadReply):
            assert time.monotonic() < deadline
    assert daemon_.server.ask("GET", "/hello-cpp").status == 401
    assert daemon_.server.ask("GET", "/hello-cpp?" + "a" * 200, basic).status == 414
    assert "nothing has changed" in daemon_.reload()
    assert "max_uri_size 100 -> 8000" in daemon_.change()


def test_handler_processes_take_what_the_new_limits_let_through(serve):
    daemon_ = serve(workers=2, receive_buf_size=1000)
    body = b"x" * 200_000
    long = "/hello-cpp?" + "a" * 20_000
    assert daemon_.server.ask("POST", "/sum", "Content-Type: text/plain", body=body).status == 413
    daemon_.change(receive_buf_size=1_000_000, max_uri_size=60_000, max_form_fields=5000, post_buf_size=50_000)
    assert daemon_.server.ask("POST", "/sum", "Content-Type: text/plain", body=body).status == 200
    assert daemon_.server.ask("GET", long).status == 200
    form = b"&".join(b"k%d=v" % n for n in range(3000)) + b"&long=" + b"z" * 40_000
    reply = daemon_.server.ask("POST", "/sum", "Content-Type: application/x-www-form-urlencoded", body=form)
    assert reply.status == 200


def test_the_queue_of_handler_processes(serve):
    daemon_ = serve(workers=1, max_queue=0)
    with daemon_.server.connect() as busy, daemon_.server.connect() as late:
        busy.send(request("GET", "/sleep/1500"))
        time.sleep(0.3)
        assert daemon_.server.ask("GET", "/sleep/1").status == 503
        daemon_.change(max_queue=10)
        late.send(request("GET", "/sleep/1"))
        assert busy.read_reply().status == 200
        assert late.read_reply().status == 200


@pytest.mark.parametrize("workers", [0, 2])
def test_fifty_reloads_under_load_lose_no_request(serve, workers):
    daemon_ = serve(workers=workers)
    failures, done, counts = [], threading.Event(), []

    def client(keep):
        count = 0
        try:
            while not done.is_set():
                with daemon_.server.connect() as connection:
                    for _ in range(50 if keep else 1):
                        if connection.ask(HELLO).status != 200:
                            failures.append("status")
                        count += 1
        except (OSError, BadReply) as error:
            failures.append(repr(error))
        counts.append(count)

    threads = [threading.Thread(target=client, args=(n % 2 == 0,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for number in range(50):
        daemon_.change(conn_timeout=20 + number, max_uri_size=1000 + number, max_connections=500 + number,
                       access=f"root=mi; deny=192.0.2.{number}")
    done.set()
    for thread in threads:
        thread.join()
    assert failures == [] and min(counts) > 10
    assert daemon_.server.log().count(AGAIN) == 50


def test_systemd_is_told(start, tmp_path):
    """RELOADING=1 with a time before, and READY=1 after, also where it fails."""
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(10)
        server = start(MODULES, {}, **{"environment": {"NOTIFY_SOCKET": address}})
        daemon_ = Reloadable(server)
        assert b"READY=1" in manager.recv(4096)
        daemon_.change(conn_timeout=9)
        told = manager.recv(4096).decode()
        assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", told)
        microseconds = int(told.rpartition("=")[2])
        assert abs(microseconds / 1e6 - time.clock_gettime(time.CLOCK_MONOTONIC)) < 10
        assert manager.recv(4096).decode().startswith("READY=1\nSTATUS=listening on ")
        daemon_.fail(conn_timeout=-1)
        assert b"RELOADING=1" in manager.recv(4096)
        assert manager.recv(4096).decode().startswith("READY=1\nSTATUS=the last reload failed: ")
        server.stop()


def test_a_reload_waits_for_a_busy_httpd_process_and_signals_do_not(serve):
    daemon_ = serve(workers=0)
    with daemon_.server.connect() as client:
        client.send(request("GET", "/sleep/1500"))
        time.sleep(0.2)
        daemon_.write(conn_timeout=9)
        for _ in range(3):
            daemon_.server.process.send_signal(signal.SIGHUP)
            time.sleep(0.05)
        assert client.read_reply().status == 200
    assert daemon_.server.wait_log("conn_timeout 30 -> 9")
