# The tables of the comparison, as text for people and for docs/BENCHMARKS.md.
# SPDX-License-Identifier: GPL-2.0-or-later
import os
import platform
import statistics
from datetime import date
from pathlib import Path

PARTS = ("http", "workers", "https")  # in the order of the document

INTRODUCTION = """# Benchmarks

Written by `make bench`; `bench/README.md` says what the rows are and how to read the figures. In short: compare
the CPU time a request. The rate is often that of the load generator, which has one core as the server does.
"""

WORKERS_HEAD = "## Handler processes"
HTTPS_HEAD = "## HTTPS"

WORKERS_INTRODUCTION = WORKERS_HEAD + """

What `workers` costs, and what it is good for: requests to one root while a handler of another root sleeps. With
`workers` = 0 they would wait until it wakes up. All processes of a server share one core.
"""

HTTPS_INTRODUCTION = HTTPS_HEAD + """

All rows are told the same priority string; nginx gets the OpenSSL lists nearest to it. The column *negotiated* says
what it came to: rows can be compared where that is the same. A row without figures is a server that cannot do it. The
first row is opensips-httpd. The strings are

* default: `{default}`
* suggested: `{suggested}`
"""


def _middle(values):
    return statistics.median(values)


def _span(values, form):
    return f"{_middle(values):{form}} ({min(values):{form}} … {max(values):{form}})"


def _form(value):
    return ".2f" if value < 100 else ",.0f"


def _table(heads, rows):
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [heads, ["---"] * len(heads), *rows]) + "\n"


def _heads(unit):
    units = unit if unit == "MiB" else unit + "s"
    return ["server", f"CPU µs a {unit} (min … max)", "user", "system", "× first row", f"{units}/s (min … max)",
            "× first row"]


def _cells(name, row, first):
    """A server's cells, from its rounds and those of the first row."""
    cpu = [entry.cpu for entry in row]
    rate = [entry.rate for entry in row]
    form = _form(_middle(cpu))
    return [name, _span(cpu, form), f"{_middle([entry.user for entry in row]):{form}}",
            f"{_middle([entry.system for entry in row]):{form}}",
            f"{_middle(cpu) / _middle([entry.cpu for entry in first]):.2f}", _span(rate, ",.0f"),
            f"{_middle(rate) / _middle([entry.rate for entry in first]):.2f}"]


def load_table(title, rounds):
    """`rounds`: server name -> its rounds, in the order of the rows."""
    first = next(iter(rounds.values()))
    return f"## {title}\n\n" + _table(_heads("request"),
                                      [_cells(name, row, first) for name, row in rounds.items()])


def https_table(title, rounds, unit):
    """The same with what was negotiated; a server that resumes no sessions has no rounds."""
    heads = [*_heads(unit), "negotiated"]
    first = next(row for row in rounds.values() if row)
    rows = []
    for name, row in rounds.items():
        if row:
            rows.append([*_cells(name, row, first), ", ".join(sorted({entry.negotiated for entry in row}))])
        else:
            rows.append([name, *["—"] * (len(heads) - 2), "resumes no sessions"])
    return f"### {title}\n\n" + _table(heads, rows)


def idle_table(count, sizes):
    return (f"## Resident memory of an idle connection ({count:,} open, one request made on each)\n\n"
            + _table(["server", "bytes a connection"], [[name, f"{size:,.0f}"] for name, size in sizes.items()]))


def https_idle_table(count, sizes):
    """`sizes`: title of a case -> server name -> bytes."""
    names = next(iter(sizes.values()))
    return (f"### Resident memory of an idle HTTPS connection ({count:,} open, one request made on each)\n\n"
            + _table(["server", *(f"bytes a connection: {title}" for title in sizes)],
                     [[name, *(f"{row[name]:,.0f}" for row in sizes.values())] for name in names]))


def latency_table(connections, count, rounds):
    """`rounds`: title of a row -> its rounds (workers.Latency)."""
    heads = ["server", *(f"{name} µs (min … max)" for name in ("median", "99th percentile", "longest")),
             "99th percentile × first row"]
    first = next(iter(rounds.values()))
    rows = [[name, _span([entry.middle for entry in row], ",.0f"), _span([entry.p99 for entry in row], ",.0f"),
             _span([entry.longest for entry in row], ",.0f"),
             f"{_middle([entry.p99 for entry in row]) / _middle([entry.p99 for entry in first]):.2f}"]
            for name, row in rounds.items()]
    plural = "" if connections == 1 else "s"
    return f"### Latency of {count:,} GETs of 500 bytes, {connections} connection{plural} kept\n\n" + _table(heads, rows)


def cost_table(title, rounds):
    """`rounds`: title of a row -> its rounds (workers.Cost)."""
    heads = _heads("request")
    first = [entry.round for entry in next(iter(rounds.values()))]
    rows = []
    for name, row in rounds.items():
        cells = _cells(name, [entry.round for entry in row], first)
        groups = [_middle(values) for values in ([entry.httpd for entry in row], [entry.workers for entry in row])]
        rows.append([*cells[:4], *(f"{value:{_form(value)}}" if value else "—" for value in groups), *cells[4:]])
    return f"### {title}\n\n" + _table([*heads[:4], "HTTPD process", "handler processes", *heads[4:]], rows)


def split(document):
    """The parts of the document by their names in BENCH_ONLY; any may be empty."""
    rest, head, https = document.partition("\n" + HTTPS_HEAD + "\n")
    parts = {"https": head + https}
    plain, head, workers = rest.partition("\n" + WORKERS_HEAD + "\n")
    parts |= {"workers": head + workers, "http": plain}
    return {name: text.strip("\n") for name, text in parts.items()}


def join(parts):
    return "\n\n".join(text for name in PARTS if (text := parts[name].strip("\n"))) + "\n"


def _first_value(path, key):
    for line in Path(path).read_text(errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return "unknown"


def conditions(settings, versions, load_before, load_after):
    """On what, with what, and how quiet it was."""
    cores = os.cpu_count() or 1
    busy = max(load_before, load_after - 1.5) > 0.5
    lines = [
        f"* {date.today().isoformat()}, {_first_value('/proc/cpuinfo', 'model name')}, {cores} cores, "
        f"{_first_value('/proc/meminfo', 'MemTotal')} of memory",
        f"* {platform.system()} {platform.release()}, "
        f"{platform.freedesktop_os_release().get('PRETTY_NAME', 'unknown system')}",
        *(f"* {version}" for version in versions),
        f"* `{settings}`",
        f"* load average {load_before:.1f} before and {load_after:.1f} after",
    ]
    if busy:
        lines.append("* **The machine was busy with other work**: rates are too low and spreads wide; CPU time a "
                     "request is less disturbed, but caches were shared. Measure again before you rely on a figure.")
    return "\n".join(lines) + "\n"
