# The options -u and -g: who the processes are, what they can no longer do, and ports below 1024.
# SPDX-License-Identifier: GPL-2.0-or-later
import os
import pwd
import random
import signal
import socket
import subprocess
from pathlib import Path

import daemon
import pytest
from unixsocket import ONLY_ROOT, answers, curl, run_refused

NOBODY = pwd.getpwnam("nobody")
FREE_PORT_TRIES = 100


def identities(pid):
    """The user, group and supplementary ids of a process, as the kernel tells them."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return [sorted(set(map(int, fields[name].split()))) for name in ("Uid", "Gid", "Groups")]


def privileged_port():
    for _ in range(FREE_PORT_TRIES):
        port = random.randint(600, 1023)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except PermissionError:
                pytest.skip("ports below 1024 are not for us")
            except OSError:
                continue
            return port
    raise RuntimeError("no free port found")


@ONLY_ROOT
def test_all_processes_run_as_the_user(start, public_folder):
    public_folder.chmod(0o777)
    port = privileged_port()
    server = start({"hello_cpp.so": {}, "mi_http.so": {}, "mi_fifo.so": {"fifo_name": public_folder / "fifo"}},
                   {"port": port}, options=["-u", "nobody"])
    processes = server.mi("ps")["Processes"]
    assert len(processes) == 3
    for process in processes:
        assert identities(process["PID"]) == [[NOBODY.pw_uid], [NOBODY.pw_gid], [NOBODY.pw_gid]], process
    # A process that is started again is no other one's.
    (old,) = server.pids("HTTPD")
    os.kill(old, signal.SIGKILL)
    server.wait_log(f"({old}) was killed")
    (new,) = server.pids("HTTPD")
    assert identities(new)[0] == [NOBODY.pw_uid]


@ONLY_ROOT
@pytest.mark.parametrize(("options", "expected"), [
    (["-u", "nobody", "-g", "daemon"], [[65534], [1], [1]]),
    (["-u", "65534", "-g", "1"], [[65534], [1], [1]]),
    (["-u", "54321", "-g", "12345"], [[54321], [12345], []]),
    (["-g", "nogroup"], [[0], [65534], []]),
])
def test_users_and_groups(start, options, expected):
    server = start({"mi_http.so": {}}, options=options)
    for process in server.mi("ps")["Processes"]:
        assert identities(process["PID"]) == expected


@pytest.mark.parametrize("options", [["-u", "no-such-user"], ["-g", "no-such-group"], ["-u", "54321"]])
@pytest.mark.parametrize("check", [["-c"], []])
def test_unknown_users_and_groups(tmp_path, options, check):
    text = run_refused(tmp_path, {"ip": "127.0.0.1", "port": daemon.free_port()}, *check, *options)
    assert f"option {options[0]}: " in text and options[1] in text


@ONLY_ROOT
def test_a_check_keeps_its_privileges(tmp_path):
    file = tmp_path / "httpd.cfg"
    file.write_text(daemon.config({"httpd.so": {"ip": "127.0.0.1", "port": privileged_port()}}))
    assert daemon.run("-c", "-f", file, "-u", "nobody").returncode == 0


@pytest.fixture
def as_nobody(public_folder):
    """Runs the daemon as an ordinary user over these parameters; returns its exit code and what it said."""
    if os.geteuid() != 0:
        pytest.skip("only root can become an ordinary user")
    probe = subprocess.run([str(daemon.BINARY), "-V"], user="nobody", group="nogroup", extra_groups=[],
                           capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip("the daemon was built where nobody else can run it")

    def starter(parameters, *options, prefix=()):
        file = public_folder / "httpd.cfg"
        file.write_text(daemon.config({"httpd.so": parameters}))
        return subprocess.run([*prefix, str(daemon.BINARY), "-f", str(file), *options], capture_output=True, text=True,
                              timeout=daemon.START_TIMEOUT, stdin=subprocess.DEVNULL, check=False, cwd="/",
                              **({} if prefix else {"user": "nobody", "group": "nogroup", "extra_groups": []}))

    return starter


def test_only_root_can_change_its_user(as_nobody):
    done = as_nobody({"ip": "127.0.0.1", "port": daemon.free_port()}, "-u", "root")
    assert done.returncode == 255
    assert "only root can change to user root (0)" in done.stderr


def test_a_low_port_needs_root_or_a_capability(as_nobody):
    port = {"ip": "127.0.0.1", "port": privileged_port()}
    refused = as_nobody(port, "-c")
    if refused.returncode == 0:
        pytest.skip("this system lets everybody have low ports")
    assert f"setcap 'cap_net_bind_service=+ep' {daemon.BINARY}" in refused.stderr
    with_capability = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
                       "--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service"]
    done = as_nobody(port, "-c", prefix=with_capability)
    assert done.returncode == 0, done.stderr


@ONLY_ROOT
def test_files_that_cannot_be_removed_any_more(start, public_folder):
    path, pid_file = public_folder / "a.sock", public_folder / "pid"
    server = start({"hello_cpp.so": {}}, {"listen": f"unix:{path}"}, options=["-u", "nobody", "-P", pid_file])
    assert int(pid_file.read_text()) == server.process.pid
    server.stop()
    assert pid_file.read_text() == "", "names nobody"
    assert path.exists() and not answers(path)
    again = start({"hello_cpp.so": {}}, {"listen": f"unix:{path}"}, options=["-u", "nobody", "-P", pid_file])
    assert int(pid_file.read_text()) == again.process.pid
    assert curl(path)


@ONLY_ROOT
def test_files_in_a_folder_of_the_user_are_removed(start, public_folder):
    os.chown(public_folder, NOBODY.pw_uid, NOBODY.pw_gid)
    path, pid_file = public_folder / "a.sock", public_folder / "pid"
    server = start({}, {"listen": f"unix:{path}"}, options=["-u", "nobody", "-P", pid_file])
    server.stop()
    assert os.listdir(public_folder) == []


@ONLY_ROOT
def test_a_fifo_that_cannot_be_given_away_any_more(public_folder, tmp_path):
    public_folder.chmod(0o777)
    text = run_refused(tmp_path, {"ip": "127.0.0.1", "port": daemon.free_port()}, "-u", "nobody",
                       modules={"mi_fifo.so": {"fifo_name": public_folder / "fifo", "fifo_user": "root"}})
    assert "cannot change the owner" in text and "leave fifo_user out" in text
