# OpenSIPS as an administrator runs it: in the background, as a user without rights, on a port that only root may open.
# SPDX-License-Identifier: GPL-2.0-or-later
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import folders
import opensips
import pytest
from daemon import free_port
from opensips import JSON
from unixsocket import ONLY_ROOT

PRIVILEGED = range(600, 1024)
NOBODY = 65534

pytestmark = [pytest.mark.ours, ONLY_ROOT]


@pytest.fixture
def folder():
    """One that "nobody" may write to."""
    with folders.public_folder(0o777) as path:
        yield path


class Background(opensips.Session):
    def __init__(self, folder, httpd):
        pid_file, self.log_file, file = folder / "pid", folder / "log", folder / "opensips.cfg"
        fifo = {"fifo_name": folder / "fifo", "reply_dir": f"{folder}/"}
        file.write_text(opensips.script(httpd, [("mi_http", {}), ("mi_fifo", fifo)], free_port()))
        # What it logs goes to a file that its background processes inherit as standard error.
        with self.log_file.open("wb") as log:
            code = subprocess.run(
                [str(opensips.TREE / "opensips"), "-f", str(file), "-P", str(pid_file), "-u", "nobody", "-g", "nogroup",
                 "-m", "64", "-M", "8"], stdout=log, stderr=log, stdin=subprocess.DEVNULL, timeout=30).returncode
        assert code == 0, self.log()
        self.wait_log("listening on", timeout=10)
        self.pid = int(pid_file.read_text())
        self.session = opensips.session_of(self.pid)  # not the daemon's own pid: it forks twice

    def __enter__(self):
        return self

    def __exit__(self, *_):
        deadline = time.monotonic() + 15
        os.kill(self.pid, signal.SIGTERM)
        try:
            while self.pids():
                assert time.monotonic() < deadline, self.log()
                time.sleep(0.05)
        finally:
            for pid in self.pids():
                os.kill(pid, signal.SIGKILL)


def curl(*arguments, method="ps"):
    call = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method})
    done = subprocess.run(["curl", "-sS", "-H", JSON, "-d", call, *arguments], capture_output=True, text=True,
                          timeout=20, check=True)
    return json.loads(done.stdout)


def free_privileged_port():
    return next(port for port in PRIVILEGED if not opensips.listeners_of_port(port))


@pytest.mark.parametrize("workers", [0, 3])
def test_it_serves_as_another_user_on_a_port_of_root(folder, authority, workers):
    files = authority.issue().put(folder)
    files.file.chmod(0o644)
    port, socket_file = free_privileged_port(), folder / "http.sock"
    httpd = {"ip": "127.0.0.1", "port": port, "tls_cert_file": files.file, "tls_key_file": files.key,
             "listen": f"unix:{socket_file}?mode=600&user=nobody", "workers": workers}
    with Background(folder, httpd) as server:
        url = f"https://localhost:{port}/mi"
        processes = curl("--cacert", str(authority.certificate), url)["result"]["Processes"]
        httpd_pid = next(entry["PID"] for entry in processes if entry["Type"].startswith("HTTPD"))
        assert len([entry for entry in processes if entry["Type"].startswith("HTTPD worker")]) == workers
        assert Path(f"/proc/{httpd_pid}").stat().st_uid == NOBODY
        assert socket_file.stat().st_uid == NOBODY
        assert curl("--unix-socket", str(socket_file), "http://localhost/mi")["result"]["Processes"] == processes
        assert opensips.holders_of_port(port) == {httpd_pid}
        # The key is root's alone: who asks to read it again must be told, and was warned at the start.
        assert "cannot be read by user 65534 any more" in server.log()
        answer = curl("--cacert", str(authority.certificate), url, method="httpd_tls_reload")
        assert str(files.key) in answer["error"]["data"]
        assert curl("--cacert", str(authority.certificate), url)["result"]["Processes"] == processes
    assert not socket_file.exists()
    assert not opensips.listeners_of_port(port)
