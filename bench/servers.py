# Starts the servers of the comparison, and reads from /proc what they cost.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Each serves /bench, and /bench/large, on a loopback port of its own, pinned to one core; over TLS where it is told so
(tls_cases.py). peers.py has those that only plain HTTP is compared with."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

PAGE_SIZE = 500
POST_SIZE = 100
LARGE_SIZE = 4 * 1024 * 1024
TICKS = os.sysconf("SC_CLK_TCK")

HTTPD_CONFIG = """loadmodule "httpd.so"
modparam("httpd", "ip", "127.0.0.1")
modparam("httpd", "port", {port})
{limits}{more}loadmodule "{build}/bench/bench_module.so"
"""

# Nothing that refuses a load, or ends a connection.
HTTPD_OPEN = """log_level = -1
modparam("httpd", "conn_timeout", 300)
modparam("httpd", "max_connections", 100000)
modparam("httpd", "max_client_connections", 100000)
modparam("httpd", "max_connection_requests", 0)
"""

NGINX_CONFIG = """daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 30000; use epoll; multi_accept on; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 300s; default_type application/json;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port} backlog=4096{listen_option};
    {tls}
    location / {{ return 200 "{page}"; }}
    location = /bench/large {{ alias {folder}/large; }}
    location /print/ {{ sendfile on; alias {folder}/; }}
  }}
}}
"""


def listens(process, port, patience=10):
    """Waits until the process does, for so many seconds at most; False when it ends before, or does not."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False


class Server:
    """A running server. `log` is the file that its output went to; `tls` says whether it speaks TLS."""

    def __init__(self, name, command, port, core, log, tls=False):
        self.name = name
        self.port = port
        self.tls = tls
        self.log = log
        with open(log, "wb") as out:
            self.process = subprocess.Popen(["taskset", "-c", str(core), *command], stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=out)
        self._wait_until_ready()

    def _wait_until_ready(self):
        if listens(self.process, self.port):
            return
        self.stop()
        raise SystemExit(f"{self.name} does not start:\n{Path(self.log).read_text(errors='replace')}")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def cpu_seconds(self):
        return cpu_seconds(family(self.process.pid))

    def resident_bytes(self):
        pages = 0
        for pid in family(self.process.pid):
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


def _stat_fields(pid):
    """The fields of /proc/PID/stat behind the name, which may hold blanks: field 3 of proc(5) comes first."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _run_seconds(pid):
    """How long the threads of the process have run, to the nanosecond; None where the kernel does not tell."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return sum(int(Path(task, "schedstat").read_text().split()[0]) for task in tasks) / 1e9
    except OSError:
        return None


def cpu_seconds(pids):
    """User and system time so far of these processes. Their sum is exact; how it is divided, the kernel tells by
    hundredths of a second only, and the system's part takes the error."""
    user = system = 0
    for pid in pids:
        fields = _stat_fields(pid)
        if fields:
            by_ticks = [int(field) / TICKS for field in fields[11:13]]
            whole = _run_seconds(pid)
            user += by_ticks[0]
            system += by_ticks[1] if whole is None else whole - by_ticks[0]
    return user, system


def family(root):
    """`root` and all its descendants."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat_fields(entry.name)
            if fields:
                parents[int(entry.name)] = int(fields[1])
    family = [root]
    for pid in family:
        family += [child for child, parent in parents.items() if parent == pid]
    return family


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def find(program):
    """Where it is installed; servers are not on everybody's PATH."""
    return shutil.which(program) or shutil.which(program, path="/usr/sbin")


def version(command, stream="stdout"):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (getattr(done, stream).strip().splitlines() or [""])[0]


def versions(build):
    """Lines on the servers that are compared."""
    lines = [version([f"{build}/bin/opensips-httpd", "-V"])]
    if Path(build, "bench/bench_mhd_server").exists():
        lines.append("libmicrohttpd " + version(["pkg-config", "--modversion", "libmicrohttpd"]))
    if find("nginx"):
        lines.append(version([find("nginx"), "-v"], "stderr").removeprefix("nginx version: "))
    return lines


def wrk_version():
    return version(["wrk", "-v"]).partition(" Copyright")[0]


def tls_versions():
    """Lines on the libraries that do the cryptography."""
    openssl = version(["openssl", "version"]).split()[:2]
    return [f"GnuTLS {version(['pkg-config', '--modversion', 'gnutls'])}, which opensips-httpd and libmicrohttpd use",
            f"{' '.join(openssl)}, which nginx and the load generator use"]


def start_httpd(build, folder, core, name="opensips-httpd", more="", tls=False, options=(),
                limits=HTTPD_OPEN):
    """The daemon, with the lines `limits` and `more` in its configuration and these options on its command line."""
    port = free_port()
    config = Path(folder, f"{name}.cfg")
    config.write_text(HTTPD_CONFIG.format(port=port, build=build, limits=limits, more=more))
    return Server(name, [f"{build}/bin/opensips-httpd", "-f", str(config), *options], port, core,
                  f"{folder}/{name}.log", tls)


def start_nginx(folder, core, page_size=PAGE_SIZE, tls="", files=None):
    """None where it is not installed. `files`: name -> size of what it serves below /print/."""
    program = find("nginx")
    if not program:
        return None
    for name, size in {"large": LARGE_SIZE, **(files or {})}.items():
        Path(folder, name).write_bytes(b"x" * size)
    port = free_port()
    config = Path(folder, "nginx.conf")
    config.write_text(NGINX_CONFIG.format(port=port, folder=folder, page="x" * page_size, tls=tls,
                                          listen_option=" ssl" if tls else ""))
    return Server("nginx", [program, "-p", folder, "-c", str(config)], port, core, f"{folder}/nginx.log", bool(tls))


def start_mhd(build, folder, core, name="libmicrohttpd", options=(), tls=False):
    """None where the build was made without it. `options` are those of mhd_server.c."""
    program = Path(build, "bench/bench_mhd_server")
    if not program.exists():
        return None
    port = free_port()
    return Server(name, [str(program), str(port), *options], port, core, f"{folder}/{name}.log", tls)


def start_each(starts):
    """Calls all of them, and returns the servers of those that are there. Leaves none running where one fails."""
    started = []
    try:
        for start in starts:
            if server := start():
                started.append(server)
    except BaseException:
        stop_all(started)
        raise
    return started


def stop_all(servers):
    for server in servers:
        server.stop()
