# The tables of the comparison, as text for people and for docs/BENCHMARKS.md.
# SPDX-License-Identifier: GPL-2.0-or-later
import os
import platform
import statistics
from datetime import date
from pathlib import Path

INTRODUCTION = """# Benchmarks

Written by `make bench`; `bench/README.md` says what the rows are and how to read the figures. In short: compare
the CPU time a request. The rate is often that of the load generator, which has one core as the server does.
"""


def _middle(values):
    return statistics.median(values)


def _span(values, form):
    return f"{_middle(values):{form}} ({min(values):{form}} … {max(values):{form}})"


def load_table(title, rounds):
    """`rounds`: server name -> its rounds, in the order of the rows."""
    lines = [f"## {title}", "",
             "| server | CPU µs a request (min … max) | user | system | × first row | requests/s (min … max) | × first row |",
             "| --- | --- | --- | --- | --- | --- | --- |"]
    first = next(iter(rounds.values()))
    for name, row in rounds.items():
        cpu = [entry.cpu for entry in row]
        rate = [entry.rate for entry in row]
        lines.append(
            f"| {name} | {_span(cpu, '.2f')} | {_middle([entry.user for entry in row]):.2f} "
            f"| {_middle([entry.system for entry in row]):.2f} "
            f"| {_middle(cpu) / _middle([entry.cpu for entry in first]):.2f} | {_span(rate, ',.0f')} "
            f"| {_middle(rate) / _middle([entry.rate for entry in first]):.2f} |")
    return "\n".join(lines) + "\n"


def idle_table(count, sizes):
    lines = [f"## Resident memory of an idle connection ({count:,} open, one request made on each)", "",
             "| server | bytes a connection |", "| --- | --- |"]
    lines += [f"| {name} | {size:,.0f} |" for name, size in sizes.items()]
    return "\n".join(lines) + "\n"


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
