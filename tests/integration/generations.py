# A daemon and those that take its place by binary upgrades. SPDX-License-Identifier: GPL-2.0-or-later
import functools
import os
import signal
from pathlib import Path

import daemon
import waiting
from daemon import SANITIZER_REPORT

wait_until = functools.partial(waiting.wait_until, seconds=20.0)


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Generations:
    """A daemon and those that take its place, in one session and with one log."""

    def __init__(self, server):
        self.server = server
        self.attendant = server.process.pid

    def signal(self, number, to=None):
        os.kill(to or self.attendant, number)

    def begin(self):
        """Asks for an upgrade and returns the process that was started for it."""
        mark = self.server.mark()
        self.signal(signal.SIGUSR2)
        line = self.server.wait_log("upgrade: starting ", since=mark)
        return int(line.rpartition(" ")[2]), mark

    def upgrade(self):
        """The new attendant serves; returns that of before."""
        new, mark = self.begin()
        self.server.wait_log(f"upgrade: process {new} serves", daemon.START_TIMEOUT, since=mark)
        old, self.attendant = self.attendant, new
        return old

    def fail(self):
        new, mark = self.begin()
        line = self.server.wait_log("upgrade failed: ", daemon.START_TIMEOUT, since=mark)
        assert f"process {new}: " in line and line.endswith("this one goes on") and " ERROR:" in line
        wait_until(lambda: not alive(new))
        return line

    def gone(self, pid, timeout=20.0):
        """Waits for the end of an attendant; the first one's must be in order."""
        if pid == self.server.process.pid:
            assert self.server.process.wait(timeout) == 0
        wait_until(lambda: not alive(pid), f"{pid} is still there:\n{self.server.log()}", seconds=timeout)

    def end(self):
        self.signal(signal.SIGTERM)
        self.gone(self.attendant)
        self.server._reader.join(20)
        assert not self.server._reader.is_alive(), "a process outlived its attendant:\n" + self.server.log()
        assert not SANITIZER_REPORT.search(self.server.log()), self.server.log()


def attendant_of(server):
    """The attendant of the daemon that answers."""
    return next(entry["PID"] for entry in server.mi("ps")["Processes"] if entry["Type"] == "attendant")
