# Measures handler processes: what a handler that sleeps does to others, and what a process of its own costs.
# SPDX-License-Identifier: GPL-2.0-or-later
import contextlib
import statistics
import sys
import tempfile
from dataclasses import dataclass

import handler_processes
import loads
import probes
import results
import servers
from handler_processes import Daemon, Nginx, Sleeper
from loads import Load

NAME = "workers"
KIB = 1024
SECONDS = 1  # of a round at most: there are many candidates, and they are alike
LATENCY_REQUESTS = 1000
LATENCY_CONNECTIONS = (1, 8)
PRINTED = {4 * KIB: 64, 100 * KIB: 64, 4096 * KIB: 8}  # bytes: connections
MESSAGES = (150, 570)  # bytes that cross between the processes for the short GET, and back
MOST_HANDED = 1.3      # × the bare round trip
LEAST_ASLEEP = 0.95    # of what handlers that sleep for 1 ms allow
MOST_WAITED = 2        # × the quiet one
WHOLE = 'modparam("httpd", "max_root_workers", 2)\n'

SHORT = [Load(f"GET, 500 bytes, {loads.CONNECTIONS} connections kept"),
         Load(f"the same with a handler that works for 50 µs, {loads.CONNECTIONS} connections kept", path="/busy/50")]
ASLEEP = Load(f"the same with a handler that sleeps for 1 ms, {loads.CONNECTIONS} connections kept", path="/sleep/1")

INTRODUCTION = """What `workers` costs, and what it is good for: requests to one root while a handler of another root
sleeps. With `workers` = 0 they would wait until it wakes up. All processes of a server share one core. By default a
root may have all handler processes but one, so with `workers` = 2 it has one at a time; rows with
`max_root_workers` = 2 let it have both. What handing over costs is the CPU time a request beyond that of
`workers` = 0 in the same round.
"""


@dataclass(frozen=True)
class Latency:
    """Microseconds from a request to the whole of its reply, over one round."""

    middle: float
    p99: float
    longest: float


@contextlib.contextmanager
def _candidates(starts):
    """What the functions start, each into a folder that all share."""
    with tempfile.TemporaryDirectory() as folder:
        running = []
        try:
            for start in starts:
                if candidate := start(folder):
                    running.append(candidate)
            yield running
        finally:
            for candidate in running:
                candidate.stop()


def _latency_round(setup, daemon, connections):
    command = [setup.build / "bench/bench_latency", daemon.server.port, "/bench", servers.PAGE_SIZE, connections,
               LATENCY_REQUESTS]
    times = [float(line) for line in probes.output_of(daemon.title, setup.cores[1], command).split()]
    return Latency(statistics.median(times), statistics.quantiles(times, n=100)[98], max(times))


def _measure_latency(setup):
    """Count of connections -> title of the daemon -> rounds; the first daemon is quiet, the second has a sleeper."""
    starts = [lambda folder, workers=workers, note=note: Daemon(setup, folder, workers, note=note)
              for workers, note in ((2, ""), (2, ", one asleep"), (0, ""))]
    with _candidates(starts) as daemons:
        sleeper = Sleeper(daemons[1])
        rounds = {count: {daemon.title: [] for daemon in daemons} for count in LATENCY_CONNECTIONS}
        for number in range(setup.rounds):
            print(f"bench: beside a sleeping handler: round {number + 1}/{setup.rounds}", file=sys.stderr)
            for count in LATENCY_CONNECTIONS:
                for daemon in daemons:
                    asleep = daemon is sleeper.daemon
                    if asleep:
                        sleeper.sleep_on(handler_processes.ASLEEP / 2)
                    rounds[count][daemon.title].append(_latency_round(setup, daemon, count))
                    if asleep:
                        sleeper.check_asleep()
        sleeper.finish()
    return rounds


def _bare_round(setup, other_core, seconds):
    command = [setup.build / "bench/bench_socketpair", setup.cores[0], other_core, *MESSAGES, seconds]
    return probes.json_of("bench_socketpair", setup.cores[0], command, seconds)


def _bare_rows(setup):
    """Title of a bare round trip -> the core of its other process."""
    rows = {"both processes on one core": setup.cores[0]}
    if setup.cores[1] != setup.cores[0]:
        rows["a core for each"] = setup.cores[1]
    return rows


def _take_turns(setup, number, plan, candidates, rounds, seconds):
    """One round of each load with each candidate, into `rounds`: title of the load -> of the candidate -> rounds."""
    for load in plan:
        print(f"bench: {load.title}: round {number + 1}/{setup.rounds}", file=sys.stderr)
        for candidate in candidates:
            rounds[load.title][candidate.title].append(
                handler_processes.cost_round(candidate, load, setup.cores[1], seconds))


def _measure_short(setup, seconds):
    """The rounds of each load by its title, and those of the bare round trips by theirs."""
    plan = [*SHORT, ASLEEP]
    starts = [lambda folder, workers=workers, more=more, note=note: Daemon(setup, folder, workers, more, note)
              for workers, more, note in ((0, "", ""), (1, "", ""), (2, "", ""), (2, WHOLE, ", max_root_workers = 2"))]
    with _candidates(starts) as daemons:
        rounds = {load.title: {daemon.title: [] for daemon in daemons} for load in plan}
        bare = {title: [] for title in _bare_rows(setup)}
        for number in range(setup.rounds):
            _take_turns(setup, number, plan, daemons, rounds, seconds)
            for title, core in _bare_rows(setup).items():
                bare[title].append(_bare_round(setup, core, seconds))
    return rounds, bare


def _size_text(size):
    return f"{size // KIB} KiB" if size < KIB * KIB else f"{size // KIB // KIB} MiB"


def _start_nginx(setup, folder):
    server = servers.start_nginx(folder, setup.cores[0], files={str(size): size for size in PRINTED})
    return Nginx(server) if server else None


def _measure_printed(setup, seconds):
    plan = [Load(f"GET, {_size_text(size)} printed by the handler, {connections} connections kept",
                 path=f"/print/{size}", connections=connections, size=size) for size, connections in PRINTED.items()]
    starts = [lambda folder: _start_nginx(setup, folder), lambda folder: Daemon(setup, folder, 0),
              lambda folder: Daemon(setup, folder, 2)]
    with _candidates(starts) as candidates:
        rounds = {load.title: {candidate.title: [] for candidate in candidates} for load in plan}
        for number in range(setup.rounds):
            _take_turns(setup, number, plan, candidates, rounds, seconds)
    return rounds


def _latency_table(count, rounds):
    heads = ["server", *(f"{name} µs (min … max)" for name in ("median", "99th percentile", "longest")),
             "99th percentile × first row"]
    first = [entry.p99 for entry in next(iter(rounds.values()))]
    rows = [[title, *(results.span([getattr(entry, name) for entry in row], ",.0f")
                      for name in ("middle", "p99", "longest")),
             f"{results.ratio([entry.p99 for entry in row], first):.2f}"] for title, row in rounds.items()]
    plural = "" if count == 1 else "s"
    return results.Table(f"Latency of {LATENCY_REQUESTS:,} GETs of 500 bytes, {count} connection{plural} kept", heads,
                         rows)


def _cost_table(title, rounds):
    heads = ["server", "CPU µs a request (min … max)", "HTTPD process", "handler processes", "× first row",
             "requests/s (min … max)", "× first row"]
    first = next(iter(rounds.values()))
    rows = []
    for name, row in rounds.items():
        groups = [results.median(values) for values in ([entry.httpd for entry in row],
                                                        [entry.workers for entry in row])]
        rows.append([name, results.span([entry.cpu for entry in row]),
                     *(results.number(value) if value else "—" for value in groups),
                     f"{results.ratio([entry.cpu for entry in row], [entry.cpu for entry in first]):.2f}",
                     results.span([entry.rate for entry in row], ",.0f"),
                     f"{results.ratio([entry.rate for entry in row], [entry.rate for entry in first]):.2f}"])
    return results.Table(title, heads, rows)


def _bare_table(bare):
    heads = ["socket pair", "CPU µs a round trip (min … max)", "median µs (min … max)",
             "99th percentile µs (min … max)"]
    rows = [[title, *(results.span([entry[name] for entry in row]) for name in ("cpu", "median", "p99"))]
            for title, row in bare.items()]
    return results.Table(f"A bare round trip between two processes: {MESSAGES[0]} bytes and {MESSAGES[1]} back", heads,
                         rows)


def _handed_targets(short, bare):
    least = [entry["cpu"] for entry in next(iter(bare.values()))]
    found = []
    for load in SHORT:
        titles = list(short[load.title])
        direct = [entry.cpu for entry in short[load.title][titles[0]]]
        for title in (titles[1], titles[3]):
            handed = [with_workers.cpu - without for with_workers, without in zip(short[load.title][title], direct)]
            ratios = [mine / other for mine, other in zip(handed, least, strict=True)]
            found.append(results.target(
                f"handing over, {title}, {'a handler of 50 µs' if load.path != '/bench' else 'a short GET'}: CPU, "
                "× a bare round trip", f"≤ {MOST_HANDED}", results.median(ratios), MOST_HANDED,
                text=f"{results.span(ratios)}: {results.median(handed):.1f} µs of {results.median(least):.1f}"))
    return found


def _targets(latency, short, bare):
    found = _handed_targets(short, bare)
    titles = list(short[ASLEEP.title])
    for title, count in ((titles[1], 1), (titles[3], 2)):
        rate = results.median([entry.rate for entry in short[ASLEEP.title][title]])
        least = LEAST_ASLEEP * count * 1000
        found.append(results.target(f"handlers that sleep for 1 ms, {title}: requests a second", f"≥ {least:,.0f}", rate,
                                    least, False))
    for count, rounds in latency.items():
        quiet, asleep = ([entry.p99 for entry in row] for row in list(rounds.values())[:2])
        ratios = [blocked / calm for blocked, calm in zip(asleep, quiet, strict=True)]
        found.append(results.target(
            f"99th percentile of a scrape beside a handler process that is blocked, {count} "
            f"connection{'' if count == 1 else 's'}: × quiet", f"≤ {MOST_WAITED}", results.median(ratios),
            MOST_WAITED, text=results.span(ratios)))
    return found


def measure(setup):
    seconds = min(setup.seconds, SECONDS)
    latency = _measure_latency(setup)
    short, bare = _measure_short(setup, seconds)
    printed = _measure_printed(setup, seconds)
    tables = [*(_latency_table(count, rounds) for count, rounds in latency.items()),
              *(_cost_table(title, rounds) for title, rounds in short.items()), _bare_table(bare),
              *(_cost_table(title, rounds) for title, rounds in printed.items())]
    return results.Part(NAME, "Handler processes", INTRODUCTION, tables, _targets(latency, short, bare),
                        versions=[*servers.versions(setup.build), servers.wrk_version()])
