# Starts a real OpenSIPS from the tree that OPENSIPS_SOURCE_DIR names, with the module under test as its httpd, and ends
# it with its end checked. SPDX-License-Identifier: GPL-2.0-or-later
import functools
import json
import os
import re
import select
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import rawhttp
import rawtls
from daemon import ROOT, WORKERS, free_port, quoted

TREE = Path(os.environ["OPENSIPS_SOURCE_DIR"]) if os.environ.get("OPENSIPS_SOURCE_DIR") else None
BUILD = Path(os.environ.get("HTTPD_BUILD_DIR", ROOT / "build" / "release"))
START_TIMEOUT = 30.0  # seconds
STOP_TIMEOUT = 30.0
JSON = "Content-Type: application/json"
LISTENING = "0A"  # in /proc/net/tcp


@functools.cache
def release():
    """The release of the tree, as its program names it: "4.0.1"."""
    printed = subprocess.run([str(TREE / "opensips"), "-V"], capture_output=True, text=True, check=True).stdout
    return re.search(r"opensips (\S+)", printed)[1]


def major():
    return int(release().split(".")[0])


def number():
    """(3, 4) for 3.4.18."""
    return tuple(int(part) for part in release().split(".")[:2])


@functools.cache
def module():
    """The httpd.so under test: ours, unless HTTPD_OPENSIPS_MODULE names another one to compare with."""
    given = os.environ.get("HTTPD_OPENSIPS_MODULE")
    return Path(given) if given else BUILD / "lib" / "opensips" / release() / "httpd.so"


@functools.cache
def is_stock():
    return b"MHD_" in module().read_bytes()


def is_built(name):
    """Whether the tree has the file of a module."""
    return TREE is not None and (TREE / "modules" / name / f"{name}.so").is_file()


def library(name):
    """The file of another module of the tree; of those that are built into the program, the name alone."""
    built = TREE / "modules" / name / f"{name}.so"
    return str(built) if built.is_file() else f"{name}.so"


def xmlrpc_module():
    return "mi_xmlrpc" if major() >= 4 else "mi_xmlrpc_ng"


def running():
    """The pids of this machine."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def session_of(pid):
    """The session that a process belongs to; None when it has ended, zombies among them."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[3])


def listeners_of_port(port):
    """The inodes of the TCP sockets that listen on `port`."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {row[9] for row in rows if row[3] == LISTENING and int(row[1].split(":")[1], 16) == port}


def holders_of_port(port):
    """The pids that have the listening socket of `port` open."""
    links = {f"socket:[{inode}]" for inode in listeners_of_port(port)}
    return {pid for pid in running() if links & set(descriptors_of(pid))}


def descriptors_of(pid):
    """What each descriptor of a process is."""
    try:
        return [os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:  # it has ended, or the descriptor was closed
        return []


def script(httpd, modules, udp_port, globals_=(), route="exit;"):
    """A configuration. `modules` are (name, parameters); a list is a repeated parameter."""
    lines = ["log_level = 3"]
    lines += ["log_stderror = yes"] if number() < (3, 5) else ["stderror_enabled = yes", "syslog_enabled = no"]
    lines += ["udp_workers = 2", f"socket = udp:127.0.0.1:{udp_port}", *globals_, 'loadmodule "proto_udp.so"']
    for name, parameters in [("httpd", httpd), *modules]:
        lines.append(f"loadmodule {quoted(module() if name == 'httpd' else library(name))}")
        for key, values in parameters.items():
            lines += [f"modparam({quoted(name)}, {quoted(key)}, {quoted(value)})"
                      for value in (values if isinstance(values, list) else [values])]
    return "\n".join([*lines, f"route {{ {route} }}"]) + "\n"


def run(folder, httpd, modules=(), globals_=(), timeout=20):
    """Runs an OpenSIPS that is to refuse its start; returns its exit code and its log."""
    file = Path(folder) / "opensips.cfg"
    file.write_text(script({"ip": "127.0.0.1", "port": free_port(), **httpd}, modules, free_port(), globals_))
    process = subprocess.Popen([str(TREE / "opensips"), "-F", "-f", str(file), "-m", "64", "-M", "8"],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                               start_new_session=True)
    try:
        output = process.communicate(timeout=timeout)[0].decode("utf-8", "replace")
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return process.returncode, output


class Session:
    """The processes of one OpenSIPS, by their `session`, and what they log into `log_file`."""

    def log(self):
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def wait_log(self, text, timeout=5.0):
        """Waits for a line that holds `text` and returns it."""
        deadline = time.monotonic() + timeout
        while True:
            for line in self.log().splitlines():
                if text in line:
                    return line
            assert time.monotonic() < deadline, f"no line {text!r} in the log:\n{self.log()}"
            time.sleep(0.05)

    def pids(self):
        """Every process of this OpenSIPS."""
        return [pid for pid in running() if session_of(pid) == self.session]


class OpenSips(Session):
    """A running OpenSIPS. Used as a context manager: at its end it is told to stop, and must do so in order."""

    def __init__(self, folder, modules=(), httpd=None, private_memory=16, globals_=(), route="exit;",
                 environment=None, wrapper=()):
        self.folder = Path(folder)
        self.udp_port = free_port()
        self.httpd = {"ip": "127.0.0.1", "port": free_port(), "workers": WORKERS, **(httpd or {})}
        self.httpd = {name: value for name, value in self.httpd.items() if value is not None}
        self.port = self.httpd.get("port", 8888)
        self.tls = rawtls.context() if "tls_cert_file" in self.httpd else None
        self.fifo = self.folder / "fifo"
        modules = [*modules, ("mi_fifo", {"fifo_name": self.fifo, "reply_dir": f"{self.folder}/"})]
        self.file = self.folder / "opensips.cfg"
        self.file.write_text(script(self.httpd, modules, self.udp_port, globals_, route))
        self.log_file = self.folder / "log"
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [*wrapper, str(TREE / "opensips"), "-F", "-f", str(self.file), "-m", "128", "-M", str(private_memory),
                 "-w", str(self.folder)], stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
                env={**os.environ, **(environment or {})})
        self.session = self.process.pid
        try:
            self._wait_until_it_serves()
        except BaseException:
            self.kill()
            raise

    def _wait_until_it_serves(self):
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            assert self.process.poll() is None, self.log()
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                if self.fifo.exists() and self._lists_its_processes():
                    return
            except OSError:
                pass
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def _lists_its_processes(self):
        """A process may serve before `ps` shows it."""
        types = [entry["Type"] for entry in self.ask_fifo("ps")["result"]["Processes"]]
        return "attendant" in types and any(name.startswith("HTTPD") for name in types)

    def connect(self, **settings):
        if self.tls is not None:
            return rawtls.Client(self.port, **{"settings": self.tls, **settings})
        return rawhttp.Client(self.port, **settings)

    def ask(self, *arguments, timeout=10.0, **settings):
        """One request on a connection of its own."""
        with self.connect(timeout=timeout) as client:
            return client.ask(rawhttp.request(*arguments, **settings))

    def call(self, method, params=None, timeout=10.0, root="mi"):
        """The whole answer to a JSON-RPC call through mi_http."""
        call = {"jsonrpc": "2.0", "method": method, "id": 1} | ({} if params is None else {"params": params})
        reply = self.ask("POST", f"/{root}", JSON, body=json.dumps(call).encode(), timeout=timeout)
        assert reply.status == 200, reply
        return json.loads(reply.body)

    def mi(self, method, params=None, timeout=10.0):
        answer = self.call(method, params, timeout)
        assert "result" in answer, answer
        return answer["result"]

    def ask_fifo(self, method, params=None):
        """The whole answer to a JSON-RPC call through mi_fifo."""
        name = f"reply{threading.get_ident()}_{time.monotonic_ns()}"
        os.mkfifo(self.folder / name)
        call = {"jsonrpc": "2.0", "method": method, "id": 1} | ({} if params is None else {"params": params})
        reply = os.open(self.folder / name, os.O_RDONLY | os.O_NONBLOCK)
        try:
            with self.fifo.open("w") as fifo:
                fifo.write(f":{name}:{json.dumps(call)}\n")
            return self._read_json(reply)
        finally:
            os.close(reply)
            (self.folder / name).unlink()

    @staticmethod
    def _read_json(pipe, timeout=10.0):
        """What a FIFO that nobody writes to yet will hold, once it is whole."""
        deadline, text = time.monotonic() + timeout, b""
        while True:
            select.select([pipe], [], [], 0.1)
            try:
                text += os.read(pipe, 65536)
                return json.loads(text)
            except (BlockingIOError, json.JSONDecodeError):
                assert time.monotonic() < deadline, text
                time.sleep(0.01)

    def httpd_pid(self):
        found = [entry["PID"] for entry in self.mi("ps")["Processes"] if entry["Type"].startswith("HTTPD ")
                 and not entry["Type"].startswith(("HTTPD worker", "HTTPD access log"))]
        assert len(found) == 1, found
        return found[0]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        else:
            self.kill()

    def stop(self):
        """Tells it to end, and checks that all of it did, in order and with nothing left; returns the seconds taken."""
        begin = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_TIMEOUT)
            taken = time.monotonic() - begin
            assert code == 0, f"exit code {code}:\n{self.log()}"
            assert self.pids() == [], self.log()
            for bad in ("segfault", "force termination", "AddressSanitizer", "runtime error:", "exited by a signal"):
                assert bad not in self.log(), self.log()
        finally:
            self.kill()
        return taken

    def kill(self):
        """Ends every process at once; harmless when there is none."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
