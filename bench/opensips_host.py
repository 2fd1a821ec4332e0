# A real OpenSIPS with one of the two httpd modules in it, for the bench. SPDX-License-Identifier: GPL-2.0-or-later
"""Its tree is OPENSIPS_SOURCE_DIR, which its user has built. All of its processes run on one core; what they cost is
what the HTTPD process costs, since the others have nothing to do."""

import http.client
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import servers

START = 20.0  # seconds
STOP = 20.0
# All statistics that both have: ours has a group more, which `all` would bring along. With these modules they make a
# page of about 8.5 KB.
GROUPS = "core: cdb: dns: load: net: pkmem: rpmem: shmem: sql: sl: tm: usrloc: registrar:"
MODULES = ("proto_udp", "sl", "tm", "signaling", "usrloc", "registrar", "mi_http", "prometheus")

CONFIG = """log_level = 1
{log}
udp_workers = 2
socket = udp:127.0.0.1:{udp_port}
loadmodule "{httpd}"
modparam("httpd", "ip", "127.0.0.1")
modparam("httpd", "port", {port})
{modules}
modparam("prometheus", "statistics", "{groups}")
route {{ exit; }}
"""


class Unavailable(Exception):
    """Why there is nothing to measure."""


def _release(tree):
    printed = servers.version([str(tree / "opensips"), "-V"])
    found = re.search(r"opensips (\S+)", printed)
    if not found:
        raise Unavailable(f"no OpenSIPS that runs in {tree}")
    return found[1]


class Tree:
    """A built tree of OpenSIPS, its own httpd and ours. Unavailable where one of them is missing."""

    def __init__(self, build):
        if not os.environ.get("OPENSIPS_SOURCE_DIR"):
            raise Unavailable("OPENSIPS_SOURCE_DIR is not set")
        self.path = Path(os.environ["OPENSIPS_SOURCE_DIR"]).resolve()
        if not (self.path / "opensips").is_file():
            raise Unavailable(f"nothing is built in {self.path}")
        self.release = _release(self.path)
        self.stock = self._built("httpd")
        given = os.environ.get("BENCH_OPENSIPS_MODULE")
        self.ours = Path(given) if given else build / "lib/opensips" / self.release / "httpd.so"
        if not self.ours.is_file():
            raise Unavailable(f"{self.ours} is not built: make opensips-module OPENSIPS_SOURCE_DIR={self.path}")
        missing = [name for name in MODULES if name != "proto_udp" and not self._built(name).is_file()]
        if not self.stock.is_file() or missing:
            raise Unavailable(f"not built in {self.path}: {', '.join(missing or ['httpd'])}")

    def _built(self, name):
        return self.path / "modules" / name / f"{name}.so"

    def library(self, name):
        """The file of a module; of one that is built into the program, the name alone."""
        return self._built(name) if self._built(name).is_file() else f"{name}.so"

    def logs_to_stderr(self):
        if tuple(int(part) for part in self.release.split(".")[:2]) < (3, 5):
            return "log_stderror = yes"
        return "stderror_enabled = yes\nsyslog_enabled = no"


class OpenSips:
    """A running one. It has what costs.py asks of a server: `name`, `port` and cpu_seconds()."""

    def __init__(self, name, tree, module, folder, core):
        self.name = name
        self.port = servers.free_port()
        self.log = Path(folder, f"{name}.log")
        config = Path(folder, f"{name}.cfg")
        config.write_text(CONFIG.format(
            log=tree.logs_to_stderr(), udp_port=servers.free_port(), httpd=module, port=self.port, groups=GROUPS,
            modules="\n".join(f'loadmodule "{tree.library(entry)}"' for entry in MODULES)))
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["taskset", "-c", str(core), str(tree.path / "opensips"), "-F", "-f", str(config), "-m", "128",
                 "-M", "16", "-w", str(folder)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        try:
            self.httpd_pid = self._wait_until_it_serves()
        except BaseException:
            self.kill()
            raise

    def _wait_until_it_serves(self):
        deadline = time.monotonic() + START
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                entries = self.mi("ps")["Processes"]
                found = [entry["PID"] for entry in entries if entry["Type"].startswith("HTTPD ")]
                if len(found) == 1:  # a process may serve before `ps` shows it
                    return found[0]
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.05)
        raise SystemExit(f"{self.name} does not start:\n{self.log.read_text(errors='replace')}")

    def ask(self, method, path, body=None):
        """One request: its reply, and its body. Ends the bench where that is not a 200."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            reply = connection.getresponse()
            text = reply.read()
        finally:
            connection.close()
        if reply.status != 200:
            raise SystemExit(f"{self.name}: {method} {path}: {reply.status}: {text[:200]}")
        return reply, text

    def mi(self, method):
        """The result of an MI command."""
        _, text = self.ask("POST", "/mi", json.dumps({"jsonrpc": "2.0", "method": method, "id": 1}))
        return json.loads(text)["result"]

    def cpu_seconds(self):
        return servers.cpu_seconds([self.httpd_pid])

    def own_memory(self):
        """Bytes of the HTTPD process that are neither a file's nor OpenSIPS's shared memory."""
        status = Path(f"/proc/{self.httpd_pid}/status").read_text()
        return int(re.search(r"^RssAnon:\s*(\d+) kB", status, re.M)[1]) * 1024

    def stop(self):
        """Ends it in order: what does not is an error that a figure must not hide."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP)
        except subprocess.TimeoutExpired:
            code = "none within 20 s"
        finally:
            self.kill()
        if code != 0:
            raise SystemExit(f"{self.name}: exit code {code}:\n{self.log.read_text(errors='replace')}")

    def kill(self):
        """Ends every process at once; harmless when there is none."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


def versions(tree):
    library = servers.version(["pkg-config", "--modversion", "libmicrohttpd"])
    return [f"OpenSIPS {tree.release}, whose own httpd runs on libmicrohttpd {library or '(version unknown)'}",
            servers.wrk_version()]
