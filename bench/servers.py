# Starts the servers of the comparison, and reads from /proc what they cost.
# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of the comparison. Each serves /bench, and /bench/large, on a loopback port of its own, pinned to one
core; over TLS in a case of tls_cases.py."""

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

HTTPD_CONFIG = """log_level = -1
loadmodule "httpd.so"
modparam("httpd", "ip", "127.0.0.1")
modparam("httpd", "port", {port})
modparam("httpd", "conn_timeout", 300)
modparam("httpd", "max_connections", 100000)
modparam("httpd", "max_client_connections", 100000)
{more}loadmodule "{build}/bench/bench_module.so"
"""

HTTPD_TLS_CONFIG = """modparam("httpd", "tls_cert_file", "{certificate}")
modparam("httpd", "tls_key_file", "{key}")
modparam("httpd", "tls_ciphers", "{priority}")
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

NGINX_TLS_CONFIG = "ssl_certificate {certificate}; ssl_certificate_key {key}; {nginx} ssl_session_tickets on;"


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
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
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
        return cpu_seconds(_family(self.process.pid))

    def resident_bytes(self):
        pages = 0
        for pid in _family(self.process.pid):
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


def _stat_fields(pid):
    """The fields of /proc/PID/stat behind the name, which may hold blanks: field 3 of proc(5) comes first."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def cpu_seconds(pids):
    """User and system time so far of these processes, from /proc/PID/stat."""
    ticks = [0, 0]
    for pid in pids:
        fields = _stat_fields(pid)
        if fields:
            ticks[0] += int(fields[11])
            ticks[1] += int(fields[12])
    return ticks[0] / TICKS, ticks[1] / TICKS


def _family(root):
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


def _find_nginx():
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


def _version(command, stream="stdout"):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (getattr(done, stream).strip().splitlines() or [""])[0]


def versions(build):
    """Lines on the servers that are compared."""
    lines = [_version([f"{build}/bin/opensips-httpd", "-V"])]
    if Path(build, "bench/bench_mhd_server").exists():
        lines.append("libmicrohttpd " + _version(["pkg-config", "--modversion", "libmicrohttpd"]))
    if _find_nginx():
        lines.append(_version([_find_nginx(), "-v"], "stderr").removeprefix("nginx version: "))
    return lines


def wrk_version():
    return _version(["wrk", "-v"]).partition(" Copyright")[0]


def tls_versions():
    """Lines on the libraries that do the cryptography."""
    openssl = _version(["openssl", "version"]).split()[:2]
    return [f"GnuTLS {_version(['pkg-config', '--modversion', 'gnutls'])}, which opensips-httpd and libmicrohttpd use",
            f"{' '.join(openssl)}, which nginx and the load generator use"]


def _tls_configs(case, folder):
    """The lines for the daemon's configuration and for nginx's; empty where `case` is None."""
    if case is None:
        return "", ""
    values = {"certificate": case.certificate(folder), "key": case.key(folder), "priority": case.priority,
              "nginx": case.nginx}
    return HTTPD_TLS_CONFIG.format(**values), NGINX_TLS_CONFIG.format(**values)


def start_httpd(build, folder, core, name="opensips-httpd", more="", tls=False):
    """The daemon, with the lines `more` in its configuration."""
    port = free_port()
    config = Path(folder, f"{name}.cfg")
    config.write_text(HTTPD_CONFIG.format(port=port, build=build, more=more))
    return Server(name, [f"{build}/bin/opensips-httpd", "-f", str(config)], port, core, f"{folder}/{name}.log", tls)


def start_nginx(folder, core, page_size=PAGE_SIZE, tls="", files=None):
    """None where it is not installed. `files`: name -> size of what it serves below /print/."""
    program = _find_nginx()
    if not program:
        return None
    for name, size in {"large": LARGE_SIZE, **(files or {})}.items():
        Path(folder, name).write_bytes(b"x" * size)
    port = free_port()
    config = Path(folder, "nginx.conf")
    config.write_text(NGINX_CONFIG.format(port=port, folder=folder, page="x" * page_size, tls=tls,
                                          listen_option=" ssl" if tls else ""))
    return Server("nginx", [program, "-p", folder, "-c", str(config)], port, core, f"{folder}/nginx.log", bool(tls))


def start_all(build, folder, core, load, case=None):
    """Starts every server that is there, for one load (of loads.py). With a `case` (of tls_cases.py), whose files
    are in `folder`, they speak TLS; there is no raw server then."""
    size = POST_SIZE if load.posts else PAGE_SIZE
    httpd_tls, nginx_tls = _tls_configs(case, folder)
    started = []

    def start(name, command, port):
        started.append(Server(name, command, port, core, f"{folder}/{name}.log", case is not None))

    try:
        if case is None:
            port = free_port()
            start("raw", [f"{build}/bench/bench_raw_server", str(port), str(size)] + ["close"] * load.closes, port)
        started.append(start_httpd(build, folder, core, more=httpd_tls, tls=case is not None))
        if Path(build, "bench/bench_mhd_server").exists():
            port = free_port()
            files = [case.certificate(folder), case.key(folder), case.priority] if case else []
            start("libmicrohttpd", [f"{build}/bench/bench_mhd_server", str(port), *files], port)
        if nginx := start_nginx(folder, core, size, nginx_tls):
            started.append(nginx)
    except BaseException:
        stop_all(started)
        raise
    return started


def stop_all(servers):
    for server in servers:
        server.stop()
