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


def memory(pid, with_secrets=False):
    """What a core file of the process would hold: its writable memory, less what it keeps out (madvise), unless
    `with_secrets` asks for that, too."""
    held = b""
    with open(f"/proc/{pid}/smaps") as maps, open(f"/proc/{pid}/mem", "rb") as contents:
        span = None
        for line in maps:
            if match := re.match(r"([0-9a-f]+)-([0-9a-f]+) (....) ", line):
                span = (int(match[1], 16), int(match[2], 16)) if match[3].startswith("rw") else None
            elif line.startswith("VmFlags:") and span is not None and (with_secrets or " dd" not in line):
                contents.seek(span[0])
                try:
                    held += contents.read(span[1] - span[0])
                except OSError:
                    pass  # not to be read, nor to be dumped
    return held


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def cpu_seconds(pid):
    """User and system time since it started."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK
