# Binary upgrade: another daemon takes over, and no client notices; or it fails, and nothing has happened.
# SPDX-License-Identifier: GPL-2.0-or-later
import os
import shutil
import signal
import threading
import time

import certificates
import daemon
import processes
import pytest
from generations import Generations, alive, attendant_of, wait_until
from rawhttp import BadReply, request

MODULES = {"mi_http.so": {}, "hello_cpp.so": {}, daemon.WORKER_PROBE: {}}
HELLO = request("GET", "/hello-cpp")

pytestmark = pytest.mark.skipif(bool(daemon.WRAPPER), reason="the program is not what was started")


@pytest.fixture
def serve(start):
    made = []

    def starter(modules=None, options=(), **httpd):
        made.append(Generations(start({**MODULES, **(modules or {})}, httpd, options=options)))
        return made[-1]

    yield starter
    for generations in made:
        generations.end()


# --- one after the other ---


def test_the_new_one_serves_and_the_old_one_ends(serve):
    it = serve()
    old = it.upgrade()
    it.gone(old)
    assert attendant_of(it.server) == it.attendant != old
    assert it.server.ask("GET", "/hello-cpp").status == 200
    assert "stopped: another daemon serves" in it.server.log()
    children = processes.children(it.attendant)
    assert len(children) == 1 + (daemon.WORKERS or 0)


def test_several_in_a_row(serve):
    it = serve()
    for _ in range(3):
        old = it.upgrade()
        assert it.server.ask("GET", "/hello-cpp").status == 200
        it.gone(old)
    assert attendant_of(it.server) == it.attendant


def test_the_new_one_has_the_new_configuration(serve):
    it = serve()
    text = it.server.file.read_text()
    port = daemon.free_port()
    it.server.file.write_text(text + 'modparam("httpd", "max_uri_size", 100)\n'
                              f'modparam("httpd", "listen", "http://127.0.0.1:{port}")\n')
    old = it.upgrade()
    it.gone(old)
    assert it.server.ask("GET", "/hello-cpp?" + "a" * 200).status == 414
    before, it.server.port = it.server.port, port
    assert it.server.ask("GET", "/hello-cpp").status == 200
    # And back: the listener that is not in the configuration any more is closed.
    it.server.file.write_text(text)
    old = it.upgrade()
    it.gone(old)
    with pytest.raises(ConnectionRefusedError):
        it.server.connect()
    it.server.port = before
    assert it.server.ask("GET", "/hello-cpp").status == 200


def test_relative_names_mean_what_they_meant_at_the_start(start, tmp_path):
    (tmp_path / "inside").mkdir()
    server = start(MODULES, {}, options=("-f", "httpd.cfg", "-w", tmp_path / "inside", "-P", "pid"))
    it = Generations(server)
    old = it.upgrade()
    it.gone(old)
    assert server.ask("GET", "/hello-cpp").status == 200
    assert int((server.folder / "pid").read_text()) == it.attendant
    it.end()


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("workers", [0, 2])
def test_no_request_fails_under_load(start, ec, tls, workers):
    given = {"workers": workers, "conn_timeout": 3}
    if tls:
        given |= certificates.parameters(ec, tls_ciphers=certificates.SUGGESTED_CIPHERS)
    it = Generations(start(MODULES, given))
    failures, done, counts = [], threading.Event(), [0] * 4

    def client(number):
        try:
            while not done.is_set():
                with it.server.connect() as connection:
                    for _ in range(1 if number == 3 else 10_000):
                        if done.is_set():
                            break
                        reply = connection.ask(HELLO)
                        if reply.status != 200:
                            failures.append(f"status {reply.status}")
                        counts[number] += 1
                        if reply.closes():
                            break
                        if number == 2:
                            time.sleep(0.3)
        except (OSError, BadReply) as error:
            failures.append(f"{number}: {error!r}")

    threads = [threading.Thread(target=client, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    olds = []
    for _ in range(4):
        time.sleep(0.3)
        olds.append(it.upgrade())
    for old in olds:
        it.gone(old)
    time.sleep(0.3)
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert min(counts) > 5, counts
    it.end()


def test_open_connections_are_let_go_with_their_next_reply(serve):
    it = serve(conn_timeout=30)
    with it.server.connect() as kept, it.server.connect() as idle, it.server.connect() as slow, \
            it.server.connect() as half, it.server.connect() as pipeline:
        for client in (kept, idle, slow, half, pipeline):
            assert not client.ask(HELLO).closes()
        slow.send(request("GET", "/keep/3000"))
        half.send(HELLO[:10])
        time.sleep(0.2)
        old = it.upgrade()
        time.sleep(0.5)  # until the old HTTPD process has heard of it, too
        pipeline.send(HELLO * 3)
        assert [pipeline.read_reply().status for _ in range(3)] == [200] * 3
        pipeline.assert_closed(within=2)
        reply = kept.ask(HELLO)
        assert reply.status == 200 and reply.closes()
        half.send(HELLO[10:])
        assert half.read_reply().status == 200
        idle.assert_open()
        assert slow.read_reply().status == 200
        idle.assert_closed(within=8)
    it.gone(old)


def test_a_long_reply_is_sent_to_its_end(serve):
    it = serve()
    with it.server.connect(timeout=30) as client:
        client.send(request("GET", "/letters/30000000"))
        time.sleep(0.3)  # what the socket takes is on its way
        old = it.upgrade()
        time.sleep(1)
        assert alive(old)
        assert len(client.read_reply().body) == 30_000_000
    it.gone(old)


def test_who_does_not_end_has_upgrade_timeout_and_the_drain(serve):
    it = serve(upgrade_timeout=1, drain_timeout=1, handler_timeout=0)
    with it.server.connect() as client:
        client.send(request("GET", "/keep/60000"))
        time.sleep(0.2)
        begin = time.monotonic()
        old = it.upgrade()
        it.gone(old)
        assert 1.8 < time.monotonic() - begin < 6
    assert "connections cut because they did not finish in 1 s: 1" in it.server.log()


def test_sigterm_shortens_it_to_the_drain(serve):
    it = serve(drain_timeout=1, handler_timeout=0)
    with it.server.connect() as client:
        client.send(request("GET", "/keep/60000"))
        time.sleep(0.2)
        old = it.upgrade()
        begin = time.monotonic()
        it.signal(signal.SIGTERM, old)
        it.gone(old)
        assert time.monotonic() - begin < 4
    assert it.server.ask("GET", "/hello-cpp").status == 200


# --- what goes wrong ---


def test_a_broken_configuration_leaves_the_old_one_serving(serve):
    it = serve()
    good = it.server.file.read_text()
    it.server.file.write_text(good + "nonsense\n")
    assert "ended with status 255 before it was ready" in it.fail()
    assert it.server.ask("GET", "/hello-cpp").status == 200
    it.server.file.write_text(good + 'modparam("httpd", "listen", "http://192.0.2.1:80")\n')
    it.fail()
    assert attendant_of(it.server) == it.attendant
    it.server.file.write_text(good)
    it.gone(it.upgrade())
    assert it.server.ask("GET", "/hello-cpp").status == 200


@pytest.fixture
def own_program(monkeypatch, tmp_path):
    """The program in a place where it can be replaced."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "opensips-httpd"
    shutil.copy(daemon.BINARY, program)
    monkeypatch.setattr(daemon, "BINARY", program)
    return program


def replace(program, text):
    fresh = program.with_suffix(".new")
    fresh.write_text(text)
    fresh.chmod(0o755)
    fresh.rename(program)


MODULE_PATH = daemon.BUILD / "lib/opensips-httpd/modules"
OWN = {MODULE_PATH / "mi_http.so": {}, daemon.WORKER_PROBE: {}}


def test_a_binary_that_cannot_be_used(own_program, start):
    it = Generations(start(OWN, {}))
    good = own_program.read_bytes()
    replace(own_program, "#!/bin/sh\nkill -SEGV $$\n")
    assert "was killed by signal 11" in it.fail()
    replace(own_program, "#!/bin/sh\nexit 3\n")
    assert "ended with status 3" in it.fail()
    replace(own_program, "no program")
    assert "cannot be run: Exec format error" in it.fail()
    own_program.unlink()
    assert "cannot be run: No such file or directory" in it.fail()
    assert it.server.ask("GET", "/fast").status == 200
    own_program.write_bytes(good)
    own_program.chmod(0o755)
    it.gone(it.upgrade())
    assert it.server.ask("GET", "/fast").status == 200
    it.end()


def test_one_at_a_time_and_the_end_ends_both(own_program, start):
    it = Generations(start(OWN, {}))
    replace(own_program, "#!/bin/sh\nexec sleep 1000\n")
    new, mark = it.begin()
    it.signal(signal.SIGUSR2)
    assert f"in progress already: process {new}" in it.server.wait_log("SIGUSR2: ", since=mark)
    assert it.server.ask("GET", "/fast").status == 200
    it.end()
    wait_until(lambda: not alive(new))


def test_an_end_of_the_new_one_before_it_is_ready(own_program, start):
    it = Generations(start(OWN, {}))
    replace(own_program, "#!/bin/sh\nexec sleep 1000\n")
    new, mark = it.begin()
    it.signal(signal.SIGTERM, new)
    assert "was killed by signal 15" in it.server.wait_log("upgrade failed: ", since=mark)
    assert it.server.ask("GET", "/fast").status == 200
    it.end()


def test_processes_that_are_not_the_attendant_do_not_care(serve):
    it = serve()
    for pid in processes.children(it.attendant):
        os.kill(pid, signal.SIGUSR2)
    time.sleep(0.3)
    assert it.server.ask("GET", "/hello-cpp").status == 200
    assert "upgrade" not in it.server.log() and "starting it again" not in it.server.log()


def test_a_variable_that_nobody_of_ours_has_set(tmp_path):
    (tmp_path / "cfg").write_text('loadmodule "httpd.so"\n')
    done = daemon.run("-f", tmp_path / "cfg", env={**os.environ, "OPENSIPS_HTTPD_UPGRADE": "77"})
    assert done.returncode == 255 and "OPENSIPS_HTTPD_UPGRADE" in done.stderr
