# Measures HTTPS: full and resumed handshakes, small requests, bulk, and the memory of idle connections.
# SPDX-License-Identifier: GPL-2.0-or-later
import sys
import tempfile

import loads
import report
import servers
import tls_cases
from loads import Load

MIB = 1024 * 1024

HANDSHAKES = [
    Load("Full handshakes", handshakes="full", unit="handshake"),
    Load("Resumed handshakes", handshakes="resumed", unit="handshake"),
]
REQUESTS = [
    Load("GET, 500 bytes, connections kept"),
    Load("GET, 4 MiB, connections kept", path="/bench/large", connections=8, size=servers.LARGE_SIZE, unit="MiB",
         units=servers.LARGE_SIZE // MIB),
]

# The certificate does not matter once the handshake is over.
PLAN = [(load, case) for load in HANDSHAKES for case in tls_cases.CASES]
PLAN += [(load, case) for load in REQUESTS for case in tls_cases.CASES[:2]]
IDLE_CASES = tls_cases.CASES[:2]


def program(build):
    """The load generator; the build makes it where OpenSSL's headers are installed."""
    return build / "bench/bench_tls_load"


def _measure(build, load, case, cores, rounds, seconds):
    """The table of one load in one case."""
    title = f"{load.title}: {case.title}"
    with tempfile.TemporaryDirectory() as folder:
        case.make_files(folder)
        running = servers.start_all(build, folder, cores[0], load, case)
        try:
            results = {server.name: [] for server in running}
            able = [server for server in running
                    if load.handshakes != "resumed" or loads.resumes_sessions(server, program(build))]
            # Interleaved, so that whatever else the machine does meets all rows alike.
            for number in range(rounds):
                for server in able:
                    print(f"bench: {title}: round {number + 1}/{rounds}: {server.name}", file=sys.stderr)
                    results[server.name].append(
                        loads.run_tls_round(server, load, cores[1], seconds, program(build)))
        finally:
            servers.stop_all(running)
    return report.https_table(title, results, load.unit)


def _measure_idle(build, case, cores, count):
    with tempfile.TemporaryDirectory() as folder:
        case.make_files(folder)
        running = servers.start_all(build, folder, cores[0], REQUESTS[0], case)
        try:
            sizes = {}
            for server in running:
                print(f"bench: idle HTTPS connections: {case.title}: {server.name}", file=sys.stderr)
                sizes[server.name] = loads.idle_bytes(server, count)
            return sizes
        finally:
            servers.stop_all(running)


def measure(build, cores, rounds, seconds, idle_count):
    """The tables of the section, as text."""
    tables = [_measure(build, load, case, cores, rounds, seconds) for load, case in PLAN]
    sizes = {case.title: _measure_idle(build, case, cores, idle_count) for case in IDLE_CASES}
    return [*tables, report.https_idle_table(idle_count, sizes)]
