# What a process has, as the kernel knows it: children, memory, descriptors, processor time.
# SPDX-License-Identifier: GPL-2.0-or-later
import os
import re
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def children(pid):
    """In the order of their numbers."""
    return sorted(int(child) for task in os.listdir(f"/proc/{pid}/task")
                  for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split())


def tree(pid):
    """The process and all that descend from it."""
    found, waiting = [], [pid]
    while waiting:
        parent = waiting.pop()
        found.append(parent)
        try:
            waiting += children(parent)
        except OSError:  # it has ended meanwhile
            continue
    return found


def resident(pid):
    """Its own resident memory in bytes: what no other process shares."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return 1024 * sum(int(size) for size in re.findall(r"^Private_(?:Clean|Dirty):\s+(\d+) kB", text, re.MULTILINE))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def cpu_seconds(pid):
    """User and system time since it started."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK
