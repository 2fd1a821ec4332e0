# What the tests of listeners share: Unix sockets of all conditions, and daemons that do not start.
# SPDX-License-Identifier: GPL-2.0-or-later
import os
import socket
import subprocess

import daemon
import pytest
import rawhttp

ONLY_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change to another user, or give files away")


class UnixClient(rawhttp.Client):
    """rawhttp's client on a Unix socket."""

    def __init__(self, path, timeout=10.0):
        self.timeout = timeout
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self.buffer = b""


def curl(path, url="http://localhost/hello-cpp"):
    """What curl gets over a Unix socket."""
    done = subprocess.run(["curl", "-sS", "--max-time", "10", "--unix-socket", str(path), url], capture_output=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def leave_stale(path):
    """A socket file that nobody answers at."""
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(path))


def answers(path):
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        return True


def run_refused(folder, parameters, *options, modules=None, **settings):
    """Runs a daemon that must not start; returns what it says."""
    file = folder / "refused.cfg"
    file.write_text(daemon.config({"httpd.so": parameters, **(modules or {})}))
    done = daemon.run("-f", file, *options, **settings)
    assert done.returncode == 255, done.stderr
    return done.stderr
