# Measures how the cost of a request grows with the number of connections and with the number of roots.
# SPDX-License-Identifier: GPL-2.0-or-later
import tempfile
from pathlib import Path

import costs
import kept
import loads
import peers
import probes
import results
import servers

CONNECTIONS = (1, 10, 100, 1_000, 10_000)
ROOTS = (1, 10, 1_000, 10_000)
SECONDS = 2  # of a round at most: there are many candidates, and they are alike
MOST_GROWTH = 1.10

INTRODUCTION = """GETs of 500 bytes, as `bench_kept_load` sends them: all connections are open, and have made a request,
before anything is measured. Every point has a server process of its own, which has never had more connections, or other
roots, than that; so its memory is that of the point."""

ONE_ASKED = 10_000  # roots, of which one alone is asked: what finding it costs, with everything in the caches

ROOTS_NOTE = f"""The daemon alone, over {loads.CONNECTIONS} connections, with a module that registers so many roots. The
requests go to all of them in turn, so that with many of them hardly anything that belongs to a root is in the caches of
the processor when it is asked; the last row, where one root of so many is asked, is what finding it costs."""


class Point:
    """A server and how much it has to do. Its name is what costs.one_round() tells and stores it by."""

    def __init__(self, server, connections, **path):
        self.name = f"{server.name}, {connections:,} connections{', ' + path['path'] if path else ''}"
        self.server = server
        self.connections = connections
        self.path = path
        self.rounds = []
        self.memory = []    # resident bytes at the end of each round, with all connections open

    def run(self, setup, seconds):
        load = kept.KeptLoad(setup, self.server, self.connections, seconds=seconds, **self.path)
        self.rounds.append(load.run())
        self.memory.append(self.server.resident_bytes())
        load.finish()

    def cpu(self):
        return [one.cpu for one in self.rounds]


def _run_all(setup, title, points):
    seconds = min(setup.seconds, SECONDS)
    for number in range(setup.rounds):
        costs.one_round(f"{title}: round {number + 1}/{setup.rounds}", points, lambda point: point.run(setup, seconds))


def _folder(base, name):
    folder = Path(base, name)
    folder.mkdir()
    return str(folder)


def _measure_connections(setup):
    """Name of a server -> connections -> Point, of as many connections as the limits of the system allow."""
    core = setup.cores[0]
    counts = [count for count in CONNECTIONS if count <= setup.idle]
    with tempfile.TemporaryDirectory() as base:
        starts = []
        for count in counts:
            folder = _folder(base, str(count))
            starts += [lambda folder=folder: peers.start_raw(setup.build, folder, core),
                       lambda folder=folder: servers.start_httpd(setup.build, folder, core, peers.OURS),
                       lambda folder=folder: servers.start_nginx(folder, core)]
        with probes.started(starts) as running:
            each = len(running) // len(counts)
            points = [Point(server, counts[index // each]) for index, server in enumerate(running)]
            _run_all(setup, "many connections", points)
    found = {}
    for point in points:
        found.setdefault(point.server.name, {})[point.connections] = point
    return found


def _measure_roots(setup):
    """Roots -> Point, and the Point where one root alone is asked."""
    with tempfile.TemporaryDirectory() as base:
        starts = []
        for count in ROOTS:
            more = f'loadmodule "{setup.build}/bench/bench_roots.so"\nmodparam("bench_roots", "count", {count})\n'
            starts.append(lambda count=count, more=more: servers.start_httpd(
                setup.build, _folder(base, str(count)), setup.cores[0], f"{count:,} roots", more))
        with probes.started(starts) as running:
            found = {count: Point(server, loads.CONNECTIONS, path="/r0" if count == 1 else "/r", paths=count)
                     for count, server in zip(ROOTS, running, strict=True)}
            alone = Point(found[ONE_ASKED].server, loads.CONNECTIONS, path=f"/r{ONE_ASKED // 2}", paths=1)
            _run_all(setup, "many roots", [*found.values(), alone])
    return found, alone


def _mib(size):
    return f"{size / 1024 / 1024:.1f}"


def _connections_table(found):
    heads = ["server", "connections", "CPU µs a request (min … max)", "× raw", "requests/s (min … max)", "resident MiB",
             "bytes for each more connection"]
    rows = []
    for name, points in found.items():
        before = None
        for count, point in points.items():
            memory = results.median(point.memory)
            more = (memory - results.median(before.memory)) / (count - before.connections) if before else None
            rows.append([name, f"{count:,}", results.span(point.cpu()),
                         f"{results.ratio(point.cpu(), found[peers.RAW][count].cpu()):.2f}",
                         results.span([one.rate for one in point.rounds], ",.0f"), _mib(memory),
                         # The pages of a process are 4 KiB, which says nothing of a few connections.
                         f"{more:,.0f}" if more is not None and count >= 1_000 else "—"])
            before = point
    return results.Table("Many connections", heads, rows)


def _roots_table(found, alone):
    first = found[ROOTS[0]]

    def row(title, count, point):
        memory = results.median(point.memory)
        each = (memory - results.median(first.memory)) / (count - 1) if count >= 1_000 else None
        return [title, results.span(point.cpu()), f"{results.ratio(point.cpu(), first.cpu()):.2f}",
                results.span([one.rate for one in point.rounds], ",.0f"), _mib(memory), f"{each:,.0f}" if each else "—"]

    rows = [row(f"{count:,}", count, point) for count, point in found.items()]
    rows.append(row(f"{ONE_ASKED:,}, one asked", ONE_ASKED, alone))
    heads = ["roots", "CPU µs a request (min … max)", "× first row", "requests/s (min … max)", "resident MiB",
             "bytes a root"]
    return results.Table("Many roots", heads, rows, ROOTS_NOTE)


def _growth(what, wanted, points, later, earlier, figures):
    """A target for the growth between two points, round by round."""
    if later not in points:
        return results.not_measured(what, wanted, "BENCH_IDLE, or the limit of open files, allows fewer")
    ratios = [late / early for late, early in zip(figures(later), figures(earlier), strict=True)]
    return results.target(what, wanted, results.median(ratios), MOST_GROWTH, text=f"{results.span(ratios)} ×")


def _targets(connections, roots):
    ours, raw = connections[peers.OURS], connections[peers.RAW]

    def over_raw(count):
        return [mine / floor for mine, floor in zip(ours[count].cpu(), raw[count].cpu(), strict=True)]

    what = "cost as connections grow"
    return [_growth(what, f"CPU a request at 1,000 ≤ {MOST_GROWTH:.2f} × at 10", ours, 1_000, 10,
                    lambda count: ours[count].cpu()),
            # So many sockets cost the kernel more, whoever serves them; so raw tells how much that is.
            _growth(what, f"CPU a request over raw's, at 10,000 ≤ {MOST_GROWTH:.2f} × at 100", ours, 10_000, 100,
                    over_raw),
            _growth("cost as roots grow", f"CPU a request at 10,000, asked in turn, ≤ {MOST_GROWTH:.2f} × at 1", roots,
                    10_000, 1, lambda count: roots[count].cpu())]


def _plots(connections, roots):
    def series(figure):
        return {name: [(count, figure(point)) for count, point in points.items()]
                for name, points in connections.items()}

    def rate(point):
        return results.median([one.rate for one in point.rounds])

    def cpu(point):
        return results.median(point.cpu())

    def mib(point):
        return results.median(point.memory) / 1024 / 1024

    def of_roots(figure):
        return {peers.OURS: [(count, figure(point)) for count, point in roots.items()]}

    kinds = (("rate", "Requests a second", "requests/s", rate), ("cpu", "CPU time a request", "µs", cpu),
             ("memory", "Resident memory", "MiB", mib))
    return [results.Plot(f"connections-{name}", f"{title} as connections grow", "connections", unit, series(figure))
            for name, title, unit, figure in kinds] + [
        results.Plot(f"roots-{name}", f"{title} as roots grow", "roots", unit, of_roots(figure))
        for name, title, unit, figure in kinds]


def measure(setup):
    connections = _measure_connections(setup)
    roots, alone = _measure_roots(setup)
    versions = [line for line in servers.versions(setup.build) if "libmicrohttpd" not in line]
    return results.Part("scaling", "As work grows", INTRODUCTION,
                        [_connections_table(connections), _roots_table(roots, alone)], _targets(connections, roots),
                        _plots(connections, roots), versions)
