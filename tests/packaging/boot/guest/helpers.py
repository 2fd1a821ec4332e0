# What the checks in the booted system share. SPDX-License-Identifier: GPL-2.0-or-later
import http.client
import json
import socket
import subprocess
import threading
import time
from pathlib import Path

UNIT = "opensips-httpd.service"
SOCKET_UNIT = "opensips-httpd.socket"
CONFIG = Path("/etc/opensips-httpd/opensips-httpd.cfg")
PORT = 8888


class Failed(Exception):
    """A check that did not come out as it must."""


def check(good, what):
    if not good:
        raise Failed(what)
    print(f"ok      {what}", flush=True)


def run(*command, fails=False, **settings):
    done = subprocess.run([*map(str, command)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                          check=False, **settings)
    if done.returncode != 0 and not fails:
        raise Failed(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def wait_until(condition, what, seconds=15):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(what)
        time.sleep(0.05)


def systemctl(*arguments, **settings):
    return run("systemctl", *arguments, **settings).strip()


def show(name, unit=UNIT):
    return systemctl("show", f"--property={name}", "--value", unit)


def active(unit=UNIT):
    return systemctl("is-active", unit, fails=True)


def main_pid():
    return int(show("MainPID"))


def alive(pid):
    return Path(f"/proc/{pid}").exists()


def processes():
    """The ids of the service's processes."""
    group = Path("/sys/fs/cgroup" + show("ControlGroup")) / "cgroup.procs"
    return {int(pid) for pid in group.read_text().split()}


def ask(path, body=None, port=PORT, timeout=30):
    """(status, text) of one request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET" if body is None else "POST", path, body, {"Content-Type": "application/json"})
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    finally:
        connection.close()


def mi(method, params=None):
    call = {"jsonrpc": "2.0", "id": 1, "method": method} | ({} if params is None else {"params": params})
    return json.loads(ask("/mi", json.dumps(call))[1])


def named(name):
    """The ids of the processes whose name in the command `ps` begins so."""
    return {entry["PID"] for entry in mi("ps")["result"]["Processes"] if entry["Type"].startswith(name)}


def refuses_connections(port=PORT):
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except ConnectionRefusedError:
        return True
    return False


def journal(*arguments, since=0):
    """Entries as objects, from that time on, in microseconds since 1970. What was written a moment ago is there, too."""
    run("journalctl", "--sync")
    entries = [json.loads(line) for line in run("journalctl", "--quiet", "--output=json", *arguments).splitlines()]
    return [entry for entry in entries if int(entry["__REALTIME_TIMESTAMP"]) >= since]


def log_since(moment):
    """The daemon's lines in the journal."""
    return "\n".join(entry["MESSAGE"] for entry in journal(f"_SYSTEMD_UNIT={UNIT}", since=moment))


def now():
    return time.time_ns() // 1000


def configure(*lines, without=()):
    """The configuration as it is installed, with these lines at its end and without those that hold one of `without`."""
    if not (original := CONFIG.with_suffix(".original")).exists():
        original.write_bytes(CONFIG.read_bytes())
    text = "".join(line for line in original.read_text().splitlines(keepends=True)
                   if not any(part in line for part in without))
    CONFIG.write_text(text + "".join(line + "\n" for line in lines))


def drop_in(text, unit=UNIT):
    """A drop-in as `systemctl edit` makes it; None takes it away."""
    file = Path(f"/etc/systemd/system/{unit}.d/override.conf")
    if text is None:
        file.unlink(missing_ok=True)
    else:
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    systemctl("daemon-reload")


class Load:
    """Clients that ask one request after the other, each on a connection of its own; `kept` ones keep theirs for as long
    as the server does. Not /health/ready, which tells of the end by a 503. With `repeats` a request whose connection was
    closed with no byte of a reply is sent once more, on another connection, as HTTP clients do (RFC 9110 section 9.2.2)."""

    def __init__(self, clients=3, kept=0, *, repeats=False):
        self.ended = threading.Event()
        self.count, self.repeated, self.failures = 0, 0, []
        self.repeats = repeats
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._run, args=(number < kept,)) for number in range(clients + kept)]

    def _run(self, keep):
        connection = None
        while not self.ended.is_set():
            for is_last in (not self.repeats, True):
                connection, error, may_repeat = self._ask(connection, keep)
                if is_last or not may_repeat:
                    break
                self.repeated += 1
            with self.lock:
                self.count += 1
                if error:
                    self.failures.append(error)
            time.sleep(0.002)

    @staticmethod
    def _ask(connection, keep):
        """(connection to go on with, what went wrong, whether the server cannot have acted on the request)."""
        connection = connection or http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
        try:
            connection.request("GET", "/metrics" if keep else "/health/live")
            reply = connection.getresponse()
            reply.read()
        except (OSError, http.client.HTTPException) as exception:
            connection.close()
            return None, repr(exception), isinstance(exception, (ConnectionResetError, BrokenPipeError))
        if reply.will_close or not keep:
            connection.close()
            connection = None
        return connection, None if reply.status == 200 else f"status {reply.status}", False

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        wait_until(lambda: self.count > 20, "no load")
        return self

    def __exit__(self, *_):
        time.sleep(0.2)
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def check_none_lost(self, what):
        again = f"; {self.repeated} were sent twice" if self.repeats else ""
        check(not self.failures, f"{what}: {self.count} requests meanwhile, none failed{again}" if not self.failures else
              f"{what}: {len(self.failures)} of {self.count} requests failed, as {self.failures[0]}")
