# Sockets that systemd opened: matched to listeners by name and by address, or refused.
# SPDX-License-Identifier: GPL-2.0-or-later
import os
import signal
import socket
import subprocess
import threading
from pathlib import Path

import daemon
import pytest
import rawhttp
import waiting
from rawhttp import request
from unixsocket import curl


class Inheriting(daemon.Daemon):
    """A daemon that is started as systemd does: `sockets` as descriptors 3 and so on, with these names."""

    def __init__(self, folder, sockets, names, modules=None, httpd=None, **settings):
        self.sockets = sockets
        self.names = names
        super().__init__(folder, modules, {"ip": None, "port": None, **(httpd or {})}, **settings)

    def _spawn(self):
        self.lines, self._ended = [], False
        self.process = inherit(self.sockets, self.names, ["-f", str(self.file), *self.options], cwd=self.folder,
                               env=self.environment)
        self._reader = threading.Thread(target=self._read_log, args=(self.process.stderr,), daemon=True)
        self._reader.start()


def inherit(sockets, names, arguments, env=None, **settings):
    """Starts the daemon with these sockets, which it is told of; `names` may be None."""
    # Copies far away from where they are to go, so that none overwrites another.
    copies = [os.dup2(one.fileno(), 500 + number) for number, one in enumerate(sockets)]

    def prepare():
        for number, copy in enumerate(copies):
            os.dup2(copy, 3 + number, inheritable=True)

    # The daemon's own process id is known after the fork only: a shell puts it into the environment.
    announced = {**(os.environ if env is None else env), "LISTEN_FDS": str(len(sockets))}
    if names is not None:
        announced["LISTEN_FDNAMES"] = ":".join(names)
    kept = [3 + number for number in range(len(sockets))]
    try:
        return subprocess.Popen(["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$0" "$@"', str(daemon.BINARY), *arguments],
                                env=announced, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, start_new_session=True, preexec_fn=prepare, pass_fds=kept,
                                **settings)
    finally:
        for copy in copies:
            os.close(copy)


def listening(address=("127.0.0.1", 0), family=socket.AF_INET):
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(address)
    made.listen(16)
    return made


@pytest.fixture
def start_inheriting(tmp_path_factory):
    running = []

    def starter(*arguments, **settings):
        running.append(Inheriting(tmp_path_factory.mktemp("daemon"), *arguments, **settings))
        return running[-1]

    yield starter
    try:
        for server in running:
            if server.process.returncode is None:
                server.stop()
    finally:
        for server in running:
            server.kill()


def test_names_bring_their_sockets(start_inheriting, public_folder):
    path = public_folder / "systemd.sock"
    with listening() as one, listening(str(path), socket.AF_UNIX) as other:
        server = start_inheriting([other, one], ["local", "web"], {"hello_cpp.so": {}}, {
            "listen": ["http://192.0.2.1:1?name=web", "unix:/no/such/folder/a?name=local"]})
        server.port = one.getsockname()[1]
        assert f"listening on http://127.0.0.1:{server.port}, unix:{path};" in server.wait_log("listening on ")
        assert server.ask("GET", "/hello-cpp").status == 200
        assert curl(path)
        server.stop()
        assert path.exists(), "what systemd made stays"


def test_the_default_listener_is_named_httpd(start_inheriting):
    with listening() as one:
        server = start_inheriting([one], ["httpd"], {"hello_cpp.so": {}})
        server.port = one.getsockname()[1]
        assert server.ask("GET", "/hello-cpp").status == 200


@pytest.mark.parametrize("names", [["httpd.socket", "httpd.socket"], None])
def test_addresses_bring_their_sockets(start_inheriting, public_folder, names):
    path = public_folder / "systemd.sock"
    with listening() as one, listening(str(path), socket.AF_UNIX) as other:
        port = one.getsockname()[1]
        server = start_inheriting([one, other], names, {"hello_cpp.so": {}},
                                  {"ip": "127.0.0.1", "port": port, "listen": f"unix:{path}"})
        assert server.ask("GET", "/hello-cpp").status == 200
        assert curl(path)
        inode = path.stat().st_ino
        server.stop()
        assert path.stat().st_ino == inode, "neither replaced nor removed"


def test_a_star_is_the_dual_stack_socket(start_inheriting):
    if not daemon.has_ipv6():
        pytest.skip("this machine has no IPv6")
    with socket.socket(socket.AF_INET6) as both:
        both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        both.bind(("::", 0))
        both.listen(16)
        port = both.getsockname()[1]
        server = start_inheriting([both], None, {"hello_cpp.so": {}}, {"port": port})
        assert f"http://*:{port}" in server.wait_log("listening on ")
        assert server.ask("GET", "/hello-cpp").status == 200


def test_clients_that_came_before_the_daemon_are_served(start_inheriting):
    with listening() as one, rawhttp.Client(one.getsockname()[1]) as client:
        client.send(request("GET", "/hello-cpp"))
        start_inheriting([one], ["httpd"], {"hello_cpp.so": {}})
        assert client.read_reply().status == 200


def test_clients_that_came_at_the_end_of_a_daemon_wait_for_the_next(start_inheriting):
    """A process that is held up finds SIGTERM first, and behind it who has connected."""
    with listening() as one:
        server = start_inheriting([one], ["httpd"], {"mi_http.so": {}, "hello_cpp.so": {}})
        server.port = one.getsockname()[1]
        (httpd,) = server.pids("HTTPD")
        os.kill(httpd, signal.SIGSTOP)
        server.process.send_signal(signal.SIGTERM)
        waiting.wait_until(lambda: has_pending(httpd, signal.SIGTERM), "SIGTERM did not come")
        with rawhttp.Client(server.port) as client:
            os.kill(httpd, signal.SIGCONT)
            assert server.wait() == 0
            client.assert_open()
            start_inheriting([one], ["httpd"], {"hello_cpp.so": {}})
            client.send(request("GET", "/hello-cpp"))
            assert client.read_reply().status == 200


def has_pending(pid, number):
    status = Path(f"/proc/{pid}/status").read_text()
    pending = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("SigPnd:", "ShdPnd:"))]
    return any(mask >> (number - 1) & 1 for mask in pending)


def refused_to_inherit(folder, sockets, names, parameters):
    file = folder / "refused.cfg"
    file.write_text(daemon.config({"httpd.so": parameters}))
    process = inherit(sockets, names, ["-f", str(file)])
    _, log = process.communicate(timeout=daemon.START_TIMEOUT)
    assert process.returncode == 255, log
    return log.decode()


def test_a_socket_of_no_listener_is_refused(tmp_path):
    with listening() as one:
        url = f"http://127.0.0.1:{one.getsockname()[1]}"
        text = refused_to_inherit(tmp_path, [one], ["web.socket"], {"ip": "127.0.0.1", "port": daemon.free_port()})
        assert f'modparam("httpd", "listen", "{url}")' in text and "?name=web.socket" in text


def test_other_descriptors_are_refused(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        assert "no stream socket" in refused_to_inherit(tmp_path, [datagrams], ["httpd"], {})
    with socket.socket() as idle:
        idle.bind(("127.0.0.1", 0))
        assert "does not listen" in refused_to_inherit(tmp_path, [idle], ["httpd"], {})
