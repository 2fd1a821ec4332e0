# Measures large bodies: a reply of 100 MiB that the handler prints, and an upload of 64 MiB.
# SPDX-License-Identifier: GPL-2.0-or-later
"""One connection at a time, with bench_bulk, which reads into 256 KiB and checks status and length. The raw rows are
bench_raw_bodies, which does the least that a server can do."""

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import probes
import results
import servers

NAME = "bodies"
MIB = 1024 * 1024
REPLY = 100 * MIB
UPLOAD = 64 * MIB
SPARE = 4 * MIB  # what the HTTPD process may have beside the reply
RAW = {"constant": "raw, memory filled once", "filled": "raw, the same memory filled for each reply",
       "fresh": "raw, new memory filled for each reply", "huge": "raw, new memory in huge pages filled for each reply"}
RAW_UPLOAD = {"constant": "raw, into the same memory each time", "fresh": "raw, into new memory each time",
              "huge": "raw, into new memory in huge pages each time"}
OURS = "opensips-httpd"
OURS_KEEPING = "opensips-httpd -M 512, which keeps the memory"
MHD = "libmicrohttpd"

INTRODUCTION = """One connection, which asks again as soon as it has the reply. MiB are what went over the socket;
CPU time is the server's. `bench/README.md` says what each row does with its memory.
"""


@dataclass(frozen=True)
class Work:
    title: str
    mode: str
    path: str
    size: int
    raw: dict[str, str]


PRINTED = Work("100 MiB printed by the handler", "get", f"/print/{REPLY}", REPLY, RAW)
UPLOADED = Work("64 MiB uploaded", "post", "/take", UPLOAD, RAW_UPLOAD)


@dataclass(frozen=True)
class Round:
    rate: float      # MiB a second
    user: float      # milliseconds of the server's CPU time a body
    system: float
    peak: int = 0    # bytes that the process had at most, beyond what it had before

    @property
    def cpu(self):
        return self.user + self.system


def _serving_pid(server):
    return probes.httpd_pid(server) if server.name in (OURS, OURS_KEEPING) else server.process.pid


def _round(server, work, setup):
    pid = _serving_pid(server)
    command = [setup.build / "bench/bench_bulk", server.port, work.mode, work.path, work.size, setup.seconds]
    at_rest = probes.status_bytes(pid, "VmRSS")
    program = probes.Program(f"{server.name}: {work.title}", setup.cores[1], command)
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # VmHWM begins anew
    before = servers.cpu_seconds([pid])
    result = json.loads(program.finish(setup.seconds))
    user, system = ((late - early) / result["count"] * 1e3
                    for early, late in zip(before, servers.cpu_seconds([pid])))
    return Round(result["count"] * work.size / MIB / result["seconds"], user, system,
                 max(0, probes.status_bytes(pid, "VmHWM") - at_rest))


def _raw(setup, folder, work, mode):
    port = servers.free_port()
    return servers.Server(work.raw[mode], [f"{setup.build}/bench/bench_raw_bodies", str(port), str(work.size), mode],
                          port, setup.cores[0], f"{folder}/raw-{mode}.log")


def _measure(setup, work):
    """The rounds of each row, by its name."""
    more = f'modparam("httpd", "receive_buf_size", {UPLOAD})\n'
    with tempfile.TemporaryDirectory() as folder:
        starts = [lambda mode=mode: _raw(setup, folder, work, mode) for mode in work.raw]
        starts.append(lambda: servers.start_httpd(setup.build, folder, setup.cores[0], OURS, more))
        if work is PRINTED:
            starts.append(lambda: servers.start_httpd(setup.build, folder, setup.cores[0], OURS_KEEPING, more,
                                                      options=["-M", "512"]))
            starts.append(lambda: servers.start_mhd(setup.build, folder, setup.cores[0]))
        with probes.started(starts) as running:
            rounds = {server.name: [] for server in running}
            for number in range(setup.rounds):
                for server in running:
                    print(f"bench: {work.title}: round {number + 1}/{setup.rounds}: {server.name}", file=sys.stderr)
                    rounds[server.name].append(_round(server, work, setup))
    return rounds


def _rates(rounds, name):
    return [entry.rate for entry in rounds[name]]


def _table(work, rounds):
    heads = ["server", "MiB/s (min … max)", "× first row", "CPU ms a body (min … max)", "user", "system",
             "most memory beyond that at rest, MiB"]
    first = next(iter(rounds))
    rows = []
    for name, row in rounds.items():
        peak = max(entry.peak for entry in row) / MIB
        rows.append([name, results.span(_rates(rounds, name), ",.0f"),
                     f"{results.ratio(_rates(rounds, name), _rates(rounds, first)):.2f}",
                     results.span([entry.cpu for entry in row], ".1f"),
                     f"{results.median([entry.user for entry in row]):.1f}",
                     f"{results.median([entry.system for entry in row]):.1f}", f"{peak:.1f}"])
    return results.Table(work.title, heads, rows)


def _least(what, limit, rounds, peer, row=OURS):
    what = f"{what}, × {peer}"
    if peer not in rounds:
        return results.not_measured(what, f"≥ {limit}", "the build was made without libmicrohttpd")
    ratios = [mine / other for mine, other in zip(_rates(rounds, row), _rates(rounds, peer), strict=True)]
    return results.target(what, f"≥ {limit}", results.median(ratios), limit, False, results.span(ratios))


def _targets(printed, uploaded):
    peak = max(entry.peak for entry in printed[OURS])
    return [
        _least("100 MiB printed into memory that is kept: MiB/s", 0.97, printed, RAW["filled"], OURS_KEEPING),
        _least("100 MiB printed into new memory: MiB/s", 0.97, printed, RAW["fresh"]),
        _least("100 MiB printed into new memory: MiB/s", 0.97, printed, RAW["huge"]),
        _least("100 MiB printed into new memory: MiB/s", 1.5, printed, MHD),
        results.target("100 MiB printed: most memory beyond that at rest", "≤ reply + 4 MiB", peak, REPLY + SPARE,
                       text=f"{peak / MIB:.1f} MiB"),
        _least("64 MiB uploaded: MiB/s", 0.9, uploaded, RAW_UPLOAD["fresh"]),
        _least("64 MiB uploaded: MiB/s", 0.9, uploaded, RAW_UPLOAD["constant"]),
    ]


def measure(setup):
    printed, uploaded = _measure(setup, PRINTED), _measure(setup, UPLOADED)
    return results.Part(NAME, "Large bodies", INTRODUCTION, [_table(PRINTED, printed), _table(UPLOADED, uploaded)],
                        _targets(printed, uploaded), versions=servers.versions(setup.build))
