# System calls and allocations that fail while the daemon serves: each in its turn, first to last. Nobody is kept
# waiting, nothing is lost, and the next request works. SPDX-License-Identifier: GPL-2.0-or-later
import errno
import os
import re
import signal
import subprocess
import time

import daemon
import fault_scenarios
import faults
import processes
import pytest
import rawhttp
from downloads import is_sanitized

# Which calls fail of those that are too many for every run; HTTPD_ALL_FAULTS=1 leaves none out.
STRIDE = 1 if "HTTPD_ALL_FAULTS" in os.environ else 7

# What the engine itself keeps for later: pools grow to what was needed at once, and not beyond.
KEPT = 40  # pieces of memory


class Target:
    """A daemon with one process whose calls fail."""

    def __init__(self, start, folder, workers, certificate=None):
        self.faults = faults.Faults(folder)
        given = {"workers": workers, "receive_buf_size": 300_000, "handler_timeout": 5, "health_root": "health",
                 "max_client_connections": fault_scenarios.CLIENT_CONNECTIONS}
        if certificate is not None:
            self.tls_port = daemon.free_port()
            given |= {"listen": f"https://127.0.0.1:{self.tls_port}", "tls_cert_file": certificate.file,
                      "tls_key_file": certificate.key}
        self.server = start(fault_scenarios.modules(folder), given, environment=self.faults.environment())
        self.connect, self.ask = self.server.connect, self.server.ask

    def process(self, name):
        self.pid = self.server.pids(name)[0]
        self.faults.watch(self.pid)

    def warm_up(self, steps):
        """Twice, so that what is made at the first use is there; then it is known how much there is."""
        for _ in range(2):
            for step in steps:
                fault_scenarios.run(self, step, may_fail=False)
        self.settle()
        time.sleep(0.1)  # the connection that asked last ends there
        self.held = self.holds()

    def holds(self):
        return self.faults.live, processes.descriptors(self.pid), faults.mappings(self.pid)

    def settle(self):
        """Waits until no connection is open but the one that asks."""
        deadline = time.monotonic() + 5
        while self.server.mi("get_statistics", {"statistics": ["open_connections"]})["httpd:open_connections"] > 1:
            assert time.monotonic() < deadline, "connections that nobody ends"
            time.sleep(0.01)

    def sweep(self, function, error, step, stride=1):
        """The first call fails, then the second, until there is none left. Returns how many failed."""
        nth = hits = 0
        while True:
            nth += 1 if hits == 0 else stride
            self.faults.arm(self.pid, function, error, nth)
            where = f"{step.__name__}, call {nth} of {function}: {errno.errorcode[error]}"
            try:
                fault_scenarios.run(self, step, may_fail=True)
                failed = self.faults.disarm()
                fault_scenarios.run(self, step, may_fail=False)
            except Exception as problem:
                raise AssertionError(f"{where}: {problem!r}\n{self.server.log()[-3000:]}") from problem
            assert os.path.exists(f"/proc/{self.pid}"), f"{where}: the process has ended\n{self.server.log()[-3000:]}"
            if not failed:
                return hits
            hits += 1

    def assert_nothing_is_lost(self, memory=True):
        self.settle()
        deadline = time.monotonic() + 2  # the connection that asked last may not have ended there
        while (held := self.holds())[1] > self.held[1] and time.monotonic() < deadline:
            time.sleep(0.01)
        live, descriptors, mappings = held
        assert not memory or live <= self.held[0] + KEPT, (live, self.held)
        assert descriptors <= self.held[1], (descriptors, self.held)
        assert mappings <= self.held[2] + 2, (mappings, self.held)


# Where the daemon calls what while it serves; a function that is called nowhere there would test nothing.
PLACES = {
    "alone": (0, "HTTPD", ["accept4", "read", "epoll_ctl", "malloc", "sendmsg", "recv", "send", "sendfile", "write",
                           "timerfd_settime"]),
    "beside-handlers": (1, "HTTPD", ["accept4", "epoll_ctl", "malloc", "memfd_create", "sendmsg", "recv", "recvmsg",
                                     "send", "sendfile", "write"]),
    "handlers": (1, "HTTPD worker", ["read", "mmap", "malloc", "memfd_create", "sendmsg", "recvmsg", "write",
                                     "timerfd_settime"]),
}


def cases(functions):
    return [(function, reason) for function in functions for reason in faults.FUNCTIONS[function]]


def named(case):
    return f"{case[0]}-{errno.errorcode[case[1]]}" if isinstance(case, tuple) else None


def skip_what_cannot_fail(function):
    if function == "malloc" and is_sanitized():
        pytest.skip("the sanitizer's own allocator cannot be made to fail")


@pytest.mark.parametrize("place, case", [(place, case) for place, (_, _, functions) in PLACES.items()
                                         for case in cases(functions)], ids=named)
def test_each_call_in_its_turn(start, tmp_path, place, case):
    function, error = case
    skip_what_cannot_fail(function)
    workers, name, _ = PLACES[place]
    target = Target(start, tmp_path, workers)
    target.process(name)
    steps = fault_scenarios.STEPS
    if function == "accept4":
        steps = steps[:2]  # one is as good as the other, and each failure stops accepting for a second
    target.warm_up(steps)
    # All statistics are thousands of pieces of memory, which are made in the same way.
    many = {fault_scenarios.statistics, fault_scenarios.metrics} if function == "malloc" else set()
    failed = sum(target.sweep(function, error, step, STRIDE if step in many else 1) for step in steps)
    target.assert_nothing_is_lost()
    assert failed > 0, f"{function} is not called"
    report(f"{place}: {function} {errno.errorcode[error]}", failed)


@pytest.mark.parametrize("case", cases(["epoll_ctl", "malloc", "open", "read", "recv", "send"]), ids=named)
def test_over_tls(start, tmp_path, ec, case):
    function, error = case
    skip_what_cannot_fail(function)
    target = Target(start, tmp_path, 0, ec)
    target.process("HTTPD")
    target.warm_up(fault_scenarios.OVER_TLS)
    stride = STRIDE if function == "malloc" else 1
    failed = sum(target.sweep(function, error, step, stride) for step in fault_scenarios.OVER_TLS)
    # GnuTLS loses what it had when it gets no more in the middle of reading a key.
    target.assert_nothing_is_lost(memory=function != "malloc")
    assert failed > 0, f"{function} is not called"
    report(f"TLS: {function} {errno.errorcode[error]}", failed)


@pytest.mark.parametrize("case", cases(["epoll_ctl", "ftruncate", "malloc", "memfd_create", "mmap", "open", "read",
                                        "recvmsg", "sendmsg", "setsockopt", "socketpair", "write"]), ids=named)
def test_at_the_start(tmp_path, case):
    """The daemon comes up and serves, or says why it does not and leaves nothing behind."""
    function, error = case
    skip_what_cannot_fail(function)
    held = faults.Faults(tmp_path)
    failed, nth = 0, 1
    while True:
        held.arm(0, function, error, nth)
        port = daemon.free_port()
        came_up, code, log = try_to_start(tmp_path, port, held)
        where = f"call {nth} of {function}: {errno.errorcode[error]}: exit code {code}\n{log[-3000:]}"
        # Before main() begins and after it has ended, the C++ runtime ends the process where it gets no memory.
        ended_by_runtime = function == "malloc" and code == -signal.SIGABRT and "terminate called" in log
        assert ended_by_runtime or (code >= 0 if came_up else code > 0), where
        assert not daemon.SANITIZER_REPORT.search(log), where
        assert code == 0 or ended_by_runtime or re.search(r"ERROR|CRITICAL|^opensips-httpd: ", log, re.MULTILINE), where
        if not held.disarm():
            break
        failed += 1
        nth += STRIDE if function == "malloc" else 1
    assert came_up and failed > 0
    report(f"start: {function} {errno.errorcode[error]}", failed)


def try_to_start(folder, port, held):
    """Whether it served before it was told to end, its exit code, and what it said."""
    file = folder / "httpd.cfg"
    file.write_text(daemon.config({"httpd.so": {"ip": "127.0.0.1", "port": port, "workers": 1},
                                   **fault_scenarios.modules(folder)}))
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen([str(daemon.BINARY), "-f", str(file)], stderr=output, stdin=subprocess.DEVNULL,
                                   env={**os.environ, **held.environment()}, start_new_session=True)
    try:
        came_up = wait_until_it_serves(process, port)
        if came_up:
            process.terminate()
        code = process.wait(daemon.STOP_TIMEOUT)
        return came_up, code, log.read_text(errors="replace")
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def wait_until_it_serves(process, port):
    deadline = time.monotonic() + daemon.START_TIMEOUT
    while process.poll() is None:
        assert time.monotonic() < deadline, "it neither serves nor ends"
        try:
            with rawhttp.Client(port, timeout=5) as client:
                if client.ask(rawhttp.request("GET", "/describe")).status == 200:
                    return True
        except (OSError, rawhttp.BadReply):
            pass
        time.sleep(0.005)
    return False


def report(what, failed):
    """For docs/RELIABILITY.md, where `make faults` asks for it."""
    if "HTTPD_FAULTS_REPORT" in os.environ:
        with open(os.environ["HTTPD_FAULTS_REPORT"], "a", encoding="utf-8") as file:
            file.write(f"{what}\t{failed}\n")
