# On what a part was measured, and how quiet it was meanwhile.
# SPDX-License-Identifier: GPL-2.0-or-later
import os
import platform
import time
from datetime import date
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
BUSY = 0.15  # of a core


def _first_value(path, key):
    for line in Path(path).read_text(errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return "unknown"


def _spent():
    """Seconds of CPU time so far: of the whole machine, of this program with all that it has started and seen end, and
    what the hypervisor gave to others."""
    line = Path("/proc/stat").read_text().splitlines()[0].split()
    user, nice, system, _, _, irq, softirq, steal = (int(field) / TICKS for field in line[1:9])
    times = os.times()
    ours = times.user + times.system + times.children_user + times.children_system
    return user + nice + system + irq + softirq, ours, steal


class Watch:
    """Begins when it is made."""

    def __init__(self):
        self.start = time.monotonic()
        self.load = os.getloadavg()[0]
        self.spent = _spent()

    def lines(self, command, versions):
        seconds = time.monotonic() - self.start
        machine, ours, steal = (late - early for late, early in zip(_spent(), self.spent))
        others = max(0.0, machine - ours) / seconds
        cores = os.cpu_count() or 1
        lines = [
            f"{date.today().isoformat()}, {_first_value('/proc/cpuinfo', 'model name')}, {cores} cores, "
            f"{_first_value('/proc/meminfo', 'MemTotal')} of memory; {platform.system()} {platform.release()}, "
            f"{platform.freedesktop_os_release().get('PRETTY_NAME', 'unknown system')}",
            *([", ".join(versions)] if versions else []),
            f"`{command}`",
            f"{seconds:,.0f} s; load average {self.load:.1f} before and {os.getloadavg()[0]:.1f} after; others took "
            f"{others:.2f} of a core, the hypervisor {steal / seconds:.2f}",
        ]
        if max(others, steal / seconds) > BUSY:
            lines.append("**The machine was busy with other work**: rates are too low and spreads wide; CPU time a "
                         "request is less disturbed, but caches were shared. Measure again before you rely on it.")
        return lines
