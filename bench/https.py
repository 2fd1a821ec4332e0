# Measures HTTPS: full and resumed handshakes, small requests, records, and bulk.
# SPDX-License-Identifier: GPL-2.0-or-later
import json
import sys
import tempfile
from dataclasses import dataclass

import loads
import probes
import results
import servers
import tls_cases
from loads import Load

NAME = "https"
MIB = 1024 * 1024
REPLY = 100 * MIB
OURS = "opensips-httpd"
MHD = "libmicrohttpd"

FULL = Load("Full handshakes", handshakes="full", unit="handshake")
RESUMED = Load("Resumed handshakes", handshakes="resumed", unit="handshake")
KEPT = Load("GET, 500 bytes, connections kept")
FILES = Load("GET, 4 MiB, connections kept", path="/bench/large", connections=8, size=servers.LARGE_SIZE, unit="MiB",
             units=servers.LARGE_SIZE // MIB)
PRINTED = Load("GET, 100 MiB, one connection kept", path=f"/print/{REPLY}", connections=1, size=REPLY, unit="MiB",
               units=REPLY // MIB)

# The certificate does not matter once the handshake is over.
PLAN = [(load, case) for load in (FULL, RESUMED) for case in tls_cases.CASES]
PLAN += [(load, case) for load in (KEPT, FILES, PRINTED) for case in tls_cases.CASES[:2]]
RECORD_CASES = tls_cases.CASES[:2]

LEAST_KEPT = 1.4        # × libmicrohttpd
LEAST_FULL = 1.0
LEAST_PRINTED = 1.2
LEAST_RESUMED = 4       # × its own full handshakes

INTRODUCTION = f"""All rows are told the same priority string; nginx gets the OpenSSL lists nearest to it. The column
*negotiated* says what it came to: rows can be compared where that is the same. A row without figures is a server that
cannot do it. The strings are

* default: `{tls_cases.DEFAULT}`
* suggested: `{tls_cases.SUGGESTED}`
"""


@dataclass(frozen=True)
class Measured:
    """The rounds of each server by its name, none where it cannot do it."""

    load: Load
    case: tls_cases.TlsCase
    rounds: dict[str, list[loads.Round]]

    @property
    def title(self):
        return f"{self.load.title}: {self.case.title}"

    def rates(self, name):
        return [entry.rate for entry in self.rounds.get(name, [])]


def program(build):
    """The load generator; the build makes it where OpenSSL's headers are installed."""
    return build / "bench/bench_tls_load"


def _starts(setup, folder, case):
    """For each server a function that starts it, in the order of the rows."""
    core = setup.cores[0]
    return [lambda: servers.start_httpd(setup.build, folder, core, **tls_cases.httpd_settings(case, folder)),
            lambda: servers.start_mhd(setup.build, folder, core, **tls_cases.mhd_settings(case, folder)),
            lambda: servers.start_nginx(folder, core, tls=tls_cases.nginx_settings(case, folder),
                                        files={str(REPLY): REPLY})]


def _resumes(server, setup):
    return probes.json_of(server.name, setup.cores[1], [program(setup.build), server.port, "probe"])["resumes"]


def _round(server, load, setup):
    """What the generator does before it is ready (the first handshakes) is not measured."""
    command = [program(setup.build), server.port, load.handshakes or "kept", setup.seconds]
    if not load.handshakes:
        command += [load.connections, load.path, load.size]
    generator = probes.Program(f"{server.name}: {load.title}", setup.cores[1], command)
    before = server.cpu_seconds()
    result = json.loads(generator.finish(setup.seconds))
    units = result["count"] * load.units
    user, system = ((late - early) / units * 1e6 for early, late in zip(before, server.cpu_seconds()))
    return loads.Round(units / result["seconds"], user, system, result["negotiated"], result["count"])


def _measure(setup, load, case):
    with tempfile.TemporaryDirectory() as folder:
        case.make_files(folder)
        with probes.started(_starts(setup, folder, case)) as running:
            measured = Measured(load, case, {server.name: [] for server in running})
            able = [server for server in running if load is not RESUMED or _resumes(server, setup)]
            # Interleaved, so that whatever else the machine does meets all rows alike.
            for number in range(setup.rounds):
                for server in able:
                    print(f"bench: {measured.title}: round {number + 1}/{setup.rounds}: {server.name}",
                          file=sys.stderr)
                    measured.rounds[server.name].append(_round(server, load, setup))
    return measured


def _measure_records(setup):
    """Title of a case -> name of a server -> records of a reply of 500 bytes, without those of its first one."""
    found = {}
    for case in RECORD_CASES:
        with tempfile.TemporaryDirectory() as folder:
            case.make_files(folder)
            with probes.started(_starts(setup, folder, case)) as running:
                found[case.title] = {
                    server.name: probes.json_of(server.name, setup.cores[1],
                                                [program(setup.build), server.port, "records", "/bench",
                                                 servers.PAGE_SIZE])["records"]
                    for server in running}
    return found


def _table(measured):
    """The first row that has figures is the one that the others are compared with."""
    unit = measured.load.unit
    units = unit if unit == "MiB" else unit + "s"
    heads = ["server", f"CPU µs a {unit} (min … max)", "user", "system", "× first row", f"{units}/s (min … max)",
             "× first row", "negotiated"]
    first = next(row for row in measured.rounds.values() if row)
    rows = []
    for name, row in measured.rounds.items():
        if not row:
            rows.append([name, *["—"] * (len(heads) - 2), "resumes no sessions"])
            continue
        rows.append([name, results.span([entry.cpu for entry in row]),
                     *(results.number(results.median([getattr(entry, part) for entry in row]))
                       for part in ("user", "system")),
                     f"{results.ratio([entry.cpu for entry in row], [entry.cpu for entry in first]):.2f}",
                     results.span(measured.rates(name), ",.0f"),
                     f"{results.ratio(measured.rates(name), [entry.rate for entry in first]):.2f}",
                     ", ".join(sorted({entry.negotiated for entry in row}))])
    return results.Table(measured.title, heads, rows)


def _records_table(records):
    names = next(iter(records.values()))
    return results.Table("TLS records of a reply of 500 bytes, head and body", ["server", *records],
                         [[name, *(str(counts[name]) for counts in records.values())] for name in names])


def _compared(what, limit, ours, theirs):
    """Judged by what the server does in a second of CPU time: the generator is often the slower of the two, and then
    servers show the same rate. `ours` and `theirs` are rounds."""
    ratios = [other.cpu / mine.cpu for mine, other in zip(ours, theirs, strict=True)]
    rate = results.ratio([entry.rate for entry in ours], [entry.rate for entry in theirs])
    return results.target(what, f"≥ {limit}", results.median(ratios), limit, False,
                          f"{results.span(ratios)}; by the clock {rate:.2f}")


def _beside_mhd(measured, limit, what):
    what = f"{what}, {measured.case.title}: in a second of CPU time, × {MHD}"
    if not measured.rates(MHD):
        return results.not_measured(what, f"≥ {limit}", "the build was made without libmicrohttpd")
    return _compared(what, limit, measured.rounds[OURS], measured.rounds[MHD])


def _targets(measured, records):
    def of(load):
        return [one for one in measured if one.load is load]

    found = [_beside_mhd(one, LEAST_KEPT, "HTTPS requests over kept connections") for one in of(KEPT)]
    found += [results.target(f"records of a small reply over HTTPS, {title}", "1", counts[OURS], 1,
                             text=str(counts[OURS])) for title, counts in records.items()]
    found += [_beside_mhd(one, LEAST_FULL, "full handshakes") for one in of(FULL)]
    found += [_compared(f"resumed handshakes, {full.case.title}: in a second of CPU time, × full ones", LEAST_RESUMED,
                        resumed.rounds[OURS], full.rounds[OURS]) for full, resumed in zip(of(FULL), of(RESUMED))]
    return found + [_beside_mhd(one, LEAST_PRINTED, "100 MiB printed over HTTPS") for one in of(PRINTED)]


def measure(setup):
    records = _measure_records(setup)
    measured = [_measure(setup, load, case) for load, case in PLAN]
    return results.Part(NAME, "HTTPS", INTRODUCTION, [_records_table(records), *map(_table, measured)],
                        _targets(measured, records),
                        versions=[*servers.versions(setup.build), *servers.tls_versions()])
