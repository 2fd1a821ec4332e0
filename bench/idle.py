# Measures what idle connections cost: memory of each, and the time that a new client waits beside them.
# SPDX-License-Identifier: GPL-2.0-or-later
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass

import probes
import results
import servers
import tls_cases

NAME = "idle"
KIB = 1024
OURS = "opensips-httpd"
MOST_HTTP = 400        # bytes of user space
MOST_HTTPS = 8 * KIB
MOST_CHANGE = 0.1      # of the time to the first byte
VISITS = 1000          # in a round
SETTLING = 0.3         # seconds
HTTPS_CASES = [tls_cases.CASES[2], tls_cases.CASES[0]]

INTRODUCTION = """Memory is the growth of the server's resident memory over the connections, each of which has made one
request and waits; what the kernel keeps for a socket is not in it. nginx prepares its table of connections at start,
so a part of what it needs is not in its figure. A visit is a new connection with one request, one at a time: the time
from before `connect()` to the first byte of the reply.
"""


@dataclass(frozen=True)
class Visits:
    """Microseconds to the first byte, over one round."""

    middle: float
    p99: float


def _server_starts(setup, folder, case=None):
    core = setup.cores[0]
    return [lambda: servers.start_httpd(setup.build, folder, core, **tls_cases.httpd_settings(case, folder)),
            lambda: servers.start_mhd(setup.build, folder, core, **tls_cases.mhd_settings(case, folder)),
            lambda: servers.start_nginx(folder, core, tls=tls_cases.nginx_settings(case, folder))]


def _bytes_each(server, setup):
    # What the first connections of all bring with them stays, and belongs to none of them.
    with probes.held_connections(server, setup.cores[1], 16, setup.build):
        pass
    time.sleep(SETTLING)
    before = server.resident_bytes()
    with probes.held_connections(server, setup.cores[1], setup.idle, setup.build):
        time.sleep(SETTLING)
        return (server.resident_bytes() - before) / setup.idle


def _sizes(setup, case=None):
    """Bytes by the name of the server."""
    with tempfile.TemporaryDirectory() as folder:
        if case:
            case.make_files(folder)
        with probes.started(_server_starts(setup, folder, case)) as running:
            sizes = {}
            for server in running:
                print(f"bench: {setup.idle} idle connections: {case.title if case else 'HTTP'}: {server.name}",
                      file=sys.stderr)
                sizes[server.name] = _bytes_each(server, setup)
            return sizes


def _visits(server, setup):
    output = probes.output_of(server.name, setup.cores[1],
                              [setup.build / "bench/bench_first_byte", server.port, "visit", VISITS])
    times = [float(line) for line in output.split()]
    return Visits(statistics.median(times), statistics.quantiles(times, n=100)[98])


def _waits(setup):
    """The rounds of each server with and without idle connections, by their names."""
    with tempfile.TemporaryDirectory() as busy_folder, tempfile.TemporaryDirectory() as folder:
        quiet = _server_starts(setup, folder)
        busy = _server_starts(setup, busy_folder)
        rounds = {}
        for start_quiet, start_busy in zip(quiet, busy):
            with probes.started([start_quiet, start_busy]) as pair:
                if not pair:
                    continue
                name = pair[0].name
                both = rounds[name] = ([], [])
                with probes.held_connections(pair[1], setup.cores[1], setup.idle, setup.build):
                    for number in range(setup.rounds):
                        print(f"bench: first byte: round {number + 1}/{setup.rounds}: {name}", file=sys.stderr)
                        for server, row in zip(pair, both):
                            row.append(_visits(server, setup))
        return rounds


def _memory_table(setup, http, https):
    heads = ["server", "HTTP", *(f"HTTPS, {title}" for title in https)]
    rows = [[name, f"{size:,.0f}", *(f"{sizes[name]:,.0f}" for sizes in https.values())]
            for name, size in http.items()]
    return results.Table(f"Bytes of resident memory for each of {setup.idle:,} idle connections", heads, rows)


def _wait_table(setup, rounds):
    heads = ["server", "idle connections", "median µs (min … max)", "99th percentile µs (min … max)",
             "median × with none"]
    rows = []
    for name, (quiet, busy) in rounds.items():
        for count, row in ((0, quiet), (setup.idle, busy)):
            rows.append([name, f"{count:,}", results.span([entry.middle for entry in row], ".1f"),
                         results.span([entry.p99 for entry in row], ".1f"),
                         f"{_change(quiet, row):.2f}"])
    return results.Table(f"From `connect()` to the first byte, {VISITS:,} visits a round", heads, rows)


def _change(quiet, busy):
    return results.ratio([entry.middle for entry in busy], [entry.middle for entry in quiet])


def measure(setup):
    http = _sizes(setup)
    https = {case.title: _sizes(setup, case) for case in HTTPS_CASES}
    rounds = _waits(setup)
    change = _change(*rounds[OURS])
    targets = [results.target(f"memory of an idle connection, HTTP, {setup.idle:,} of them", f"≤ {MOST_HTTP} bytes",
                              http[OURS], MOST_HTTP, text=f"{http[OURS]:,.0f} bytes")]
    targets += [results.target(f"memory of an idle connection, HTTPS, {title}", f"≤ {MOST_HTTPS // KIB} KiB",
                               sizes[OURS], MOST_HTTPS, text=f"{sizes[OURS] / KIB:.1f} KiB")
                for title, sizes in https.items()]
    targets.append(results.target(f"accept to first byte beside {setup.idle:,} idle connections, × with none",
                                  "0.9 … 1.1", abs(change - 1), MOST_CHANGE, text=results.number(change)))
    return results.Part(NAME, "Idle connections", INTRODUCTION,
                        [_memory_table(setup, http, https), _wait_table(setup, rounds)], targets,
                        versions=[*servers.versions(setup.build), *servers.tls_versions()])
