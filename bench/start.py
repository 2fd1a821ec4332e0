# Measures how long a server takes from its start to its first answer.
# SPDX-License-Identifier: GPL-2.0-or-later
"""bench_first_answer starts the server, and tries to connect every 0.2 ms from then on."""

import sys
import tempfile

import probes
import results
import servers
import tls_cases

NAME = "start"
STARTS = 20         # of each, at least
MOST = 20           # milliseconds
OURS = "opensips-httpd"
CASE = tls_cases.CASES[1]

INTRODUCTION = """From just before `fork()` and `exec()` of the program to the last byte of its first reply. The files
are in the page cache, since an earlier start has read them. The same over TLS includes the client's handshake.
"""


def _commands(setup, folder):
    """Title -> whether it speaks TLS, and a server that was started once and has ended: its port and its command."""
    core = setup.cores[0]
    starts = {
        (OURS, False): lambda: servers.start_httpd(setup.build, folder, core),
        (f"{OURS}, HTTPS", True): lambda: servers.start_httpd(setup.build, folder, core, name="opensips-httpd-tls",
                                                              **tls_cases.httpd_settings(CASE, folder)),
        ("nginx", False): lambda: servers.start_nginx(folder, core),
    }
    found = {}
    for (title, tls), start in starts.items():
        with probes.started([start]) as running:
            for server in running:
                found[title] = ("https" if tls else "http", server.port, server.process.args)
    return found


def _start(title, setup, kind, port, command):
    """Milliseconds."""
    program = setup.build / "bench/bench_first_answer"
    return float(probes.output_of(title, setup.cores[1], [program, port, kind, setup.cores[0], *command]))


def measure(setup):
    count = max(STARTS, setup.rounds)
    with tempfile.TemporaryDirectory() as folder:
        CASE.make_files(folder)
        commands = _commands(setup, folder)
        times = {title: [] for title in commands}
        for number in range(count):
            print(f"bench: start: {number + 1}/{count}", file=sys.stderr)
            for title, (kind, port, command) in commands.items():
                times[title].append(_start(title, setup, kind, port, command))
    table = results.Table(f"Milliseconds to the first answer, {count} starts", ["server", "median (min … max)",
                                                                               "× first row"],
                          [[title, results.span(row, ".1f"), f"{results.ratio(row, times[OURS]):.2f}"]
                           for title, row in times.items()])
    targets = [results.target(f"start to first answer: the {name}", f"< {MOST} ms", value, MOST,
                              text=f"{value:.1f} ms")
               for name, value in (("median", results.median(times[OURS])), ("longest", max(times[OURS])))]
    return results.Part(NAME, "Start", INTRODUCTION, [table], targets,
                        versions=servers.versions(setup.build))
