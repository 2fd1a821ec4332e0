# Users and tokens from files: who comes in, how quickly, and what reading them again does.
# SPDX-License-Identifier: GPL-2.0-or-later
import re
import signal
import subprocess
import threading
import time

import daemon
import pytest
from credentials import basic, bcrypt, bearer, sha512, write
from rawhttp import request

ALICE, BOB = "wonder land:1", "builder"
TOKEN = "0123456789abcdef0123456789abcdef"
MODULES = {"mi_http.so": {}, "hello_cpp.so": {}}
CALL = b'{"jsonrpc":"2.0","method":"version","id":1}'


@pytest.fixture(scope="module")
def users():
    return {"alice": bcrypt(ALICE), "bob": sha512(BOB)}


@pytest.fixture
def files(tmp_path, users):
    return {"auth_file": write(tmp_path / "users", users),
            "auth_token_file": write(tmp_path / "tokens", {"prometheus": TOKEN, "cli": TOKEN[::-1]})}


def status(server, *fields):
    return server.ask("GET", "/hello-cpp", *fields).status


def test_users_and_tokens_come_in(start, files):
    server = start(MODULES, files)
    for field in (basic("alice", ALICE), basic("bob", BOB), bearer(TOKEN), bearer(TOKEN[::-1])):
        assert status(server, field) == 200
    reply = server.ask("GET", "/hello-cpp", basic("alice", BOB))
    assert reply.status == 401
    assert reply.all("WWW-Authenticate") == ['Basic realm="OpenSIPS MI", charset="UTF-8"',
                                             'Bearer realm="OpenSIPS MI"']
    for field in (basic("bob", ALICE), basic("carol", ALICE), basic("prometheus", TOKEN), bearer(TOKEN[1:] + "x"),
                  bearer(ALICE), basic("alice", "x" * 600)):
        assert status(server, field) == 401


def test_curl_has_words_for_both(start, files):
    server = start(MODULES, files)
    url = f"http://127.0.0.1:{server.port}/hello-cpp"
    for options in (["-u", f"alice:{ALICE}"], ["-u", f"bob:{BOB}", "--anyauth"], ["--oauth2-bearer", TOKEN]):
        done = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", *options, url],
                              capture_output=True, text=True, timeout=20, check=True)
        assert done.stdout == "200", options


def test_each_request_of_a_connection_is_asked(start, files):
    server = start(MODULES, files)
    ask = [request("GET", "/hello-cpp", field) for field in
           (basic("alice", ALICE), basic("alice", "wrong"), bearer(TOKEN), basic("bob", BOB), basic("nobody", "x"))]
    with server.connect() as client:
        client.send(b"".join(ask))
        assert [client.read_reply().status for _ in ask] == [200, 401, 200, 200, 401]


def test_a_body_waits_until_its_sender_is_known(start, files):
    server = start(MODULES, files)
    with server.connect() as client:
        client.send(f"POST /mi HTTP/1.1\r\nHost: x\r\n{basic('alice', ALICE)}\r\nContent-Type: application/json\r\n"
                    f"Expect: 100-continue\r\nContent-Length: {len(CALL)}\r\n\r\n".encode())
        reply_head = client.read_head()
        assert reply_head.status == 100
        client.send(CALL)
        assert client.read_reply("POST").status == 200
        # With the body right behind the head, while the password is looked at.
        assert client.ask(request("POST", "/mi", basic("bob", BOB), "Content-Type: application/json", body=CALL),
                          fragment=50).status == 200


def test_the_refusal_does_not_wait_for_the_body(start, files):
    server = start(MODULES, {**files, "body_timeout": 60})
    with server.connect() as client:
        begin = time.monotonic()
        client.send(b"POST /mi HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
        reply = client.read_reply("POST")
        assert (reply.status, reply.closes()) == (401, True)
        assert time.monotonic() - begin < 5


def test_a_slow_hash_stops_nobody(start, tmp_path):
    """Some seconds of hashing are asked for at once; those who need none are served meanwhile."""
    file = write(tmp_path / "users", {"alice": bcrypt(ALICE, 12)})
    token_file = write(tmp_path / "tokens", {"p": TOKEN})
    server = start(MODULES, {"auth_file": file, "auth_token_file": token_file, "max_auth_failures": 0})
    replies = []

    def guess(number):
        replies.append(status(server, basic("alice", f"guess {number}")))

    guesses = [threading.Thread(target=guess, args=[number]) for number in range(4)]
    begin = time.monotonic()
    for thread in guesses:
        thread.start()
    served = slowest = 0
    with server.connect() as client:
        while any(thread.is_alive() for thread in guesses):
            asked = time.monotonic()
            assert client.ask(request("GET", "/hello-cpp", bearer(TOKEN))).status == 200
            slowest = max(slowest, time.monotonic() - asked)
            served += 1
    assert replies == [401] * 4
    assert served > 50
    assert slowest < (time.monotonic() - begin) / 4


def test_clients_that_leave_while_they_are_looked_at(start, tmp_path):
    file = write(tmp_path / "users", {"alice": bcrypt(ALICE, 8)})
    server = start(MODULES, {"auth_file": file, "max_auth_failures": 0})
    for number in range(30):
        with server.connect() as client:
            client.send(request("GET", "/hello-cpp", basic("alice", f"guess {number}")))
            if number % 3 == 0:
                client.reset()
            elif number % 3 == 1:
                client.end_sending()
                assert client.read_reply().status == 401
    assert status(server, basic("alice", ALICE)) == 200


def test_who_guesses_is_slowed_down_and_others_are_not(start, files):
    server = start(MODULES, {**files, "max_auth_failures": 3, "auth_failure_delay": 2})
    begin = time.monotonic()
    for _ in range(3):
        assert status(server, basic("alice", "wrong")) == 401
    assert time.monotonic() - begin < 2
    assert status(server) == 401, "who shows none has not guessed"
    begin = time.monotonic()
    assert status(server, basic("alice", "wrong")) == 401
    assert time.monotonic() - begin > 1
    # Many at once do not come further than one by one.
    clients = [server.connect(timeout=20) for _ in range(20)]
    for client in clients:
        client.send(request("GET", "/hello-cpp", basic("alice", "wrong")))
    with server.connect(source="127.0.0.2") as other:
        assert other.ask(request("GET", "/hello-cpp", basic("alice", ALICE))).status == 200
    replies = [client.read_reply() for client in clients]
    assert {reply.status for reply in replies} == {401, 429}
    refused = [reply for reply in replies if reply.status == 429]
    assert len(refused) >= 14
    assert all(1 <= int(reply.field("Retry-After")) <= 20 for reply in refused)
    for client in clients:
        client.close()
    assert "max_auth_failures of module httpd" in server.wait_log("429 Too many wrong credentials")
    with server.connect(source="127.0.0.2") as other:
        call = b'{"jsonrpc":"2.0","method":"get_statistics","params":[["httpd:auth_throttled"]],"id":1}'
        reply = other.ask(request("POST", "/mi", bearer(TOKEN), "Content-Type: application/json", body=call))
        assert b'"httpd:auth_throttled":21' in reply.body


def test_right_ones_are_never_slow(start, files):
    server = start(MODULES, {**files, "max_auth_failures": 1, "auth_failure_delay": 10})
    begin = time.monotonic()
    for _ in range(20):
        assert status(server, basic("alice", ALICE)) == 200
    assert time.monotonic() - begin < 5


def reload_by_signal(server):
    server.process.send_signal(signal.SIGHUP)
    server.wait_log("credentials read again")


def reload_by_command(server):
    call = b'{"jsonrpc":"2.0","method":"httpd_auth_reload","id":1}'
    reply = server.ask("POST", "/mi", bearer(TOKEN), "Content-Type: application/json", body=call)
    assert b'"Credentials":"1 user and 1 token"' in reply.body


@pytest.mark.parametrize("reload", [reload_by_signal, reload_by_command])
def test_what_the_files_say_now_is_good(start, tmp_path, files, users, reload):
    server = start(MODULES, files)
    assert status(server, basic("alice", ALICE)) == 200
    with server.connect() as kept:
        assert kept.ask(request("GET", "/hello-cpp", basic("alice", ALICE))).status == 200
        write(tmp_path / "users", {"bob": users["bob"]})
        write(tmp_path / "tokens", {"cli": TOKEN})
        assert status(server, basic("alice", ALICE)) == 200, "not by itself"
        reload(server)
        assert kept.ask(request("GET", "/hello-cpp", basic("alice", ALICE))).status == 401, "on an old connection"
        assert kept.ask(request("GET", "/hello-cpp", basic("bob", BOB))).status == 200
        assert kept.ask(request("GET", "/hello-cpp", bearer(TOKEN))).status == 200
        assert kept.ask(request("GET", "/hello-cpp", bearer(TOKEN[::-1]))).status == 401


def test_a_bad_file_changes_nothing(start, tmp_path, files):
    server = start(MODULES, files)
    (tmp_path / "users").write_text("alice:in-clear-secret\n")
    server.process.send_signal(signal.SIGHUP)
    line = server.wait_log("everything stays as it was")
    assert 'line 1: "alice"' in line and "in-clear-secret" not in server.log()
    assert status(server, basic("alice", ALICE)) == 200
    (tmp_path / "users").chmod(0o644)
    call = b'{"jsonrpc":"2.0","method":"httpd_auth_reload","id":1}'
    reply = server.ask("POST", "/mi", bearer(TOKEN), "Content-Type: application/json", body=call)
    assert b"Credentials not reloaded" in reply.body and b"chmod o-rwx" in reply.body


def test_a_new_process_reads_the_files_again(start, tmp_path, files, users):
    server = start(MODULES, files)
    call = b'{"jsonrpc":"2.0","method":"ps","id":1}'
    body = server.ask("POST", "/mi", bearer(TOKEN), "Content-Type: application/json", body=call).body.decode()
    pid = int(body.split('"Type":"HTTPD h')[0].rsplit('"PID":', 1)[1].split(",")[0])
    write(tmp_path / "users", {"bob": users["bob"]})
    subprocess.run(["kill", "-KILL", str(pid)], check=True)
    server.wait_log("credentials read again")
    assert status(server, basic("alice", ALICE)) == 401
    assert status(server, basic("bob", BOB)) == 200


def test_a_new_process_that_cannot_read_them_lets_nobody_in(start, tmp_path, files):
    """What the daemon read at its start may be what was taken away since."""
    server = start(MODULES, files)
    call = b'{"jsonrpc":"2.0","method":"ps","id":1}'
    body = server.ask("POST", "/mi", bearer(TOKEN), "Content-Type: application/json", body=call).body.decode()
    pid = int(body.split('"Type":"HTTPD h')[0].rsplit('"PID":', 1)[1].split(",")[0])
    (tmp_path / "users").chmod(0o644)
    subprocess.run(["kill", "-KILL", str(pid)], check=True)
    server.wait_log("nobody comes in where credentials are needed")
    assert status(server, basic("alice", ALICE)) == 401
    assert status(server, bearer(TOKEN)) == 401
    (tmp_path / "users").chmod(0o600)
    reload_by_signal(server)
    assert status(server, bearer(TOKEN)) == 200


def test_the_end_does_not_wait_for_a_hash(start, tmp_path):
    server = start(MODULES, {"auth_file": write(tmp_path / "users", {"alice": bcrypt(ALICE, 14)})})
    with server.connect() as client:
        client.send(request("GET", "/hello-cpp", basic("alice", "wrong")))
        client.assert_open(0.2)
    begin = time.monotonic()
    server.stop()
    assert time.monotonic() - begin < 4


def test_one_address_has_not_the_queue_for_itself(start, tmp_path, users):
    server = start(MODULES, {"auth_file": write(tmp_path / "users", {"slow": bcrypt(ALICE, 12), **users})})
    guessers = [server.connect(timeout=30) for _ in range(10)]
    for number, client in enumerate(guessers):
        client.send(request("GET", "/hello-cpp", basic("slow", f"guess {number}")))
    time.sleep(0.1)
    begin = time.monotonic()
    with server.connect(source="127.0.0.2") as other:
        assert other.ask(request("GET", "/hello-cpp", basic("bob", BOB))).status == 200
    took = time.monotonic() - begin
    replies = [client.read_reply() for client in guessers]
    assert took < (time.monotonic() - begin) * 0.7
    assert {reply.status for reply in replies} == {401, 503}
    assert all(reply.field("Retry-After") == "5" for reply in replies if reply.status == 503)
    for client in guessers:
        client.close()


@pytest.mark.parametrize("make, complaint", [
    (lambda folder: {"auth_file": "/nowhere/users"}, "cannot be read"),
    (lambda folder: {"auth_file": write(folder / "u", {"a": "clear"})}, "neither bcrypt"),
    (lambda folder: {"auth_file": write(folder / "u", {"a": "$apr1$x$y"})}, "htpasswd -B"),
    (lambda folder: {"auth_token_file": write(folder / "t", {"a": "short"})}, "openssl rand -hex 32"),
    (lambda folder: {"auth_token_file": write(folder / "t", {"a": TOKEN}, 0o644)}, "chmod o-rwx"),
    (lambda folder: {"access": "root=mi; auth=on"}, "needs auth_file"),
    (lambda folder: {"access": "root=mi; users=a"}, "needs auth_file"),
    (lambda folder: {"auth_failure_delay": 0}, "auth_failure_delay"),
    (lambda folder: {"auth_file": ""}, "names no file")])
def test_bad_files_refuse_the_start(tmp_path, make, complaint):
    file = tmp_path / "httpd.cfg"
    file.write_text(daemon.config({"httpd.so": {"ip": "127.0.0.1", "port": daemon.free_port(), **make(tmp_path)},
                                   "mi_http.so": {}}))
    for options in ([], ["-c"]):
        done = daemon.run("-f", file, *options)
        assert done.returncode != 0
        assert complaint in done.stderr


def who(server, field):
    body = server.ask("GET", "/who", field).body.decode()
    return re.fullmatch(r'user "(.*)", authorization "(.*)", client ".*"', body).groups()


def test_handlers_learn_who_it_is_and_no_password(start, files):
    server = start({daemon.CPP_PROBE: {}}, files)
    assert who(server, basic("alice", ALICE)) == ("alice", "")
    assert who(server, bearer(TOKEN)) == ("prometheus", "")


def test_handlers_that_ask_themselves_get_the_field(start, files):
    field = basic("own", "business")
    assert who(start({daemon.CPP_PROBE: {}}, {}), field) == ("", field.split(": ")[1])
    server = start({daemon.CPP_PROBE: {}}, {**files, "access": "root=who; auth=off"})
    assert who(server, field) == ("", field.split(": ")[1])
