# Starts the daemon that was built, with a configuration made for one test, and ends it with its log checked.
# SPDX-License-Identifier: GPL-2.0-or-later
import array
import fcntl
import json
import os
import random
import re
import select
import shlex
import signal
import socket
import subprocess
import termios
import threading
import time
from pathlib import Path

import rawhttp
import rawtls

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("HTTPD_BUILD_DIR", ROOT / "build" / "release"))
BINARY = BUILD / "bin" / "opensips-httpd"
TEST_MODULES = BUILD / "tests" / "modules"
CAPI_PROBE = TEST_MODULES / "capi_probe.so"
CPP_PROBE = TEST_MODULES / "cpp_probe.so"
STREAM_PROBE = TEST_MODULES / "stream_probe.so"
WORKER_PROBE = TEST_MODULES / "worker_probe.so"

# What the daemon is run by, e.g. `valgrind -q`; `make valgrind` sets it. Whatever that says is an error.
WRAPPER = shlex.split(os.environ.get("HTTPD_TEST_WRAPPER", ""))

# The same tests with handlers in processes of their own; None leaves the parameter out.
WORKERS = int(os.environ["HTTPD_TEST_WORKERS"]) if "HTTPD_TEST_WORKERS" in os.environ else None

START_TIMEOUT = 60.0 if WRAPPER else 20.0  # seconds; a sanitized build on a busy machine is slow to start
STOP_TIMEOUT = START_TIMEOUT
SANITIZER_REPORT = re.compile(r"AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error:|==\d+== ")


_given_ports = set()


def free_port(ip="127.0.0.1"):
    """A port that nobody listens on, outside the range that the system gives to clients. Never the same one twice."""
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    for _ in range(100):
        port = random.randint(20000, 32000)
        if port in _given_ports:
            continue
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((ip, port))
            except OSError:
                continue
            _given_ports.add(port)
            return port
    raise RuntimeError("no free port found")


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def quoted(value):
    if isinstance(value, int):
        return str(value)
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def config(modules, log_level=3):
    """A configuration file's text. `modules` maps a module's file to its parameters; a list is a repeated one."""
    lines = [f"log_level = {log_level}"]
    for file, parameters in modules.items():
        lines.append(f"loadmodule {quoted(file)}")
        name = Path(file).name.removesuffix(".so")
        for key, values in parameters.items():
            lines += [f"modparam({quoted(name)}, {quoted(key)}, {quoted(value)})"
                      for value in (values if isinstance(values, list) else [values])]
    return "\n".join(lines) + "\n"


def run(*arguments, timeout=START_TIMEOUT, **settings):
    """Runs the daemon to its end and returns what it printed."""
    done = subprocess.run([*WRAPPER, str(BINARY), *map(str, arguments)], capture_output=True, text=True, timeout=timeout,
                          stdin=subprocess.DEVNULL, check=False, **settings)
    assert not SANITIZER_REPORT.search(done.stderr), done.stderr
    return done


class Daemon:
    """A running daemon. `modules` are loaded after httpd.so, whose parameters are `httpd`; a value of None leaves a
    parameter out. `runner` is a command that the daemon is run by, and becomes it. Used as a context manager: at its
    end the daemon is told to stop, and must do so in order."""

    def __init__(self, folder, modules=None, httpd=None, log_level=3, options=(), environment=None, runner=()):
        self.folder = Path(folder)
        self.modules = modules or {}
        self.options = [str(option) for option in options]
        self.environment = {**os.environ, **(environment or {})}
        self.runner = runner
        self.log_level = log_level
        self.given = httpd or {}
        self.tls = rawtls.context() if "tls_cert_file" in self.given else None
        self.lines = []
        self._news = threading.Condition()
        self._ended = False
        self._start()

    def _start(self):
        for attempt in range(3):
            self.httpd = {"ip": "127.0.0.1", "port": free_port(), "workers": WORKERS, **self.given}
            self.httpd = {name: value for name, value in self.httpd.items() if value is not None}
            self.port = self.httpd.get("port", 8888)
            self.file = self.folder / "httpd.cfg"
            self.file.write_text(config({"httpd.so": self.httpd, **self.modules}, self.log_level))
            self._spawn()
            try:
                self.wait_log("listening on ", START_TIMEOUT)
                return
            except AssertionError:
                self.kill()
                # Somebody else may have taken the port since free_port() looked.
                if attempt == 2 or "port" in self.given or "in use" not in self.log():
                    raise

    def _spawn(self):
        self.lines, self._ended = [], False
        self.process = subprocess.Popen(
            [*self.runner, *WRAPPER, str(BINARY), "-f", str(self.file), *self.options], cwd=self.folder,
            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            start_new_session=True)
        self._reader = threading.Thread(target=self._read_log, args=(self.process.stderr,), daemon=True)
        self._reader.start()

    def _read_log(self, pipe):
        rest = b""
        while not self._ended:
            select.select([pipe], [], [])
            with self._news:
                data = os.read(pipe.fileno(), 65536)
                *whole, rest = (rest + data).split(b"\n")
                if not data and rest:
                    whole.append(rest)
                self.lines += [line.decode("utf-8", "replace") for line in whole]
                self._ended = not data
                self._news.notify_all()

    def _catch_up(self):
        """Waits until all is read that the daemon has written: it logs a refusal before it sends the reply."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            with self._news:
                unread = array.array("i", [0])
                if self._ended or fcntl.ioctl(self.process.stderr, termios.FIONREAD, unread) != 0 or unread[0] == 0:
                    return
            time.sleep(0.001)

    def log(self):
        self._catch_up()
        with self._news:
            return "\n".join(self.lines)

    def mark(self):
        """The place in the log that wait_log() may begin at."""
        self._catch_up()
        with self._news:
            return len(self.lines)

    def wait_log(self, text, timeout=5.0, since=0):
        """Waits for a line that holds `text` (or matches it, for a compiled expression) and returns it."""
        def find():
            for line in self.lines[since:]:
                if text.search(line) if isinstance(text, re.Pattern) else text in line:
                    return line
            return None

        with self._news:
            self._news.wait_for(lambda: find() is not None or self._ended, timeout)
            found = find()
            assert found is not None, f"no line {text!r} in the log:\n" + "\n".join(self.lines)
            return found

    def connect(self, **settings):
        if self.tls is not None:
            return rawtls.Client(self.port, **{"settings": self.tls, **settings})
        return rawhttp.Client(self.port, **settings)

    def ask(self, *arguments, **settings):
        """One request on a connection of its own."""
        with self.connect() as client:
            return client.ask(rawhttp.request(*arguments, **settings))

    def mi(self, method, params=None):
        """The result of a management command, asked through mi_http."""
        call = {"jsonrpc": "2.0", "method": method, "id": 1} | ({} if params is None else {"params": params})
        reply = self.ask("POST", "/mi", "Content-Type: application/json", body=json.dumps(call).encode())
        assert reply.status == 200, reply
        answer = json.loads(reply.body)
        assert "result" in answer, answer
        return answer["result"]

    def pids(self, description):
        """The process ids whose description in `ps` begins so (in any case); "HTTPD" is that process alone."""
        listed = self.mi("ps")["Processes"]
        return [entry["PID"] for entry in listed if entry["Type"].lower().startswith(description.lower())
                and (description != "HTTPD" or not entry["Type"].startswith(("HTTPD worker ", "HTTPD access log")))]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        else:
            self.kill()

    def stop(self, how=signal.SIGTERM):
        """Tells the daemon to end, and checks that it did."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.assert_ends_well()

    def assert_ends_well(self):
        """A daemon that was told to end does so: exit code 0, no process left, no sanitizer's report."""
        try:
            code = self.wait()
        finally:
            self.kill()
        assert code == 0, f"exit code {code}:\n{self.log()}"
        assert not SANITIZER_REPORT.search(self.log()), self.log()

    def wait(self, timeout=STOP_TIMEOUT):
        """Waits until the daemon and all that writes to its log ended; returns the exit code."""
        code = self.process.wait(timeout)
        deadline = time.monotonic() + 5
        self._reader.join(max(0.0, deadline - time.monotonic()))
        assert not self._reader.is_alive(), "a process of the daemon outlived it:\n" + self.log()
        return code

    def kill(self):
        """Ends every process of the daemon at once; harmless when there is none."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self._reader.join(5)
