# Starts the servers that plain HTTP is compared with, and the daemon as a production set-up has it.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Each function returns a running server of servers.py, or None where the peer is not installed. A peer is told how
large its page is: the size of a POST's body where it cannot send that back."""

import os
from pathlib import Path

import servers

RAW = "raw"
OURS = "opensips-httpd"
PRODUCTION = "opensips-httpd, production set-up"
MHD = "libmicrohttpd"
MHD_THREAD = "libmicrohttpd, own thread"
NGINX = "nginx"
H2O = "h2o"
ASIO = "Asio + Beast"

# What docs/ADMIN.md says about who may come in, all of it at once; time limits, statistics and the level of the log are
# as they are by default. No limit is reached, so each request passes all of them.
PRODUCTION_LIMITS = """modparam("httpd", "max_connections", 10000)
modparam("httpd", "max_client_connections", 1000)
modparam("httpd", "max_request_rate", 1000000)
modparam("httpd", "max_request_burst", 1000000)
modparam("httpd", "allowed_hosts", "localhost, 127.0.0.1")
modparam("httpd", "access", "allow=127.0.0.0/8, ::1")
modparam("httpd", "access", "root=bench; allow=127.0.0.1; cross_site=off")
"""

H2O_CONFIG = """num-threads: 1
max-connections: 30000
http1-request-timeout: 300
{user}hosts:
  default:
    listen: {{host: 127.0.0.1, port: {port}}}
    paths:
      /bench:
        file.file: {folder}/page.json
"""


def start_raw(build, folder, core, size=servers.PAGE_SIZE, closes=False):
    port = servers.free_port()
    command = [f"{build}/bench/bench_raw_server", str(port), str(size)] + ["close"] * closes
    return servers.Server(RAW, command, port, core, f"{folder}/raw.log")


def start_production(build, folder, core):
    return servers.start_httpd(build, folder, core, PRODUCTION, limits=PRODUCTION_LIMITS)


def start_h2o(folder, core):
    """Serves a file, which it keeps open: it has no constant replies, and its handlers in Ruby cost more."""
    program = servers.find("h2o")
    if not program:
        return None
    Path(folder, "page.json").write_bytes(b"x" * servers.PAGE_SIZE)
    port = servers.free_port()
    config = Path(folder, "h2o.conf")
    # Started by root, it would become somebody who cannot read the page.
    config.write_text(H2O_CONFIG.format(port=port, folder=folder, user="" if os.geteuid() else "user: root\n"))
    return servers.Server(H2O, [program, "-m", "worker", "-c", str(config)], port, core, f"{folder}/h2o.log")


def start_asio(build, folder, core):
    program = Path(build, "bench/bench_asio_server")
    if not program.exists():
        return None
    port = servers.free_port()
    return servers.Server(ASIO, [str(program), str(port), str(servers.PAGE_SIZE)], port, core, f"{folder}/asio.log")


def for_load(build, folder, core, load):
    """The starts of all servers that can serve a load (of loads.py), in the order of the rows."""
    size = servers.POST_SIZE if load.posts else servers.PAGE_SIZE
    starts = [lambda: start_raw(build, folder, core, size, load.closes),
              lambda: servers.start_httpd(build, folder, core, OURS),
              lambda: start_production(build, folder, core),
              lambda: servers.start_mhd(build, folder, core),
              lambda: servers.start_mhd(build, folder, core, MHD_THREAD, ["thread"]),
              lambda: servers.start_nginx(folder, core, size)]
    if not load.posts:  # which h2o does not take for a file
        starts.append(lambda: start_h2o(folder, core))
    return [*starts, lambda: start_asio(build, folder, core)]


def versions(build):
    lines = servers.versions(build)
    if servers.find("h2o"):
        lines.append(servers.version([servers.find("h2o"), "-v"]))
    header = Path("/usr/include/boost/version.hpp")
    if Path(build, "bench/bench_asio_server").exists() and header.exists():
        name = next(line for line in header.read_text().splitlines() if "BOOST_LIB_VERSION" in line and '"' in line)
        lines.append(f"Boost {name.split(chr(34))[1].replace('_', '.')}")
    return lines
