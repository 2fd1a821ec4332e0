# Keeps the figures of docs/RELIABILITY.md, and of docs/SCALE.md: each program writes its own section, between two marks,
# and no other.
# SPDX-License-Identifier: GPL-2.0-or-later
import os
import platform
import re
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "RELIABILITY.md"
PLOTS = ROOT / "docs" / "plots"


def machine():
    """One line: processor, cores, memory, kernel, and the day."""
    cpu = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())[1]) / 1024 / 1024
    return (f"{cpu[1].strip() if cpu else platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, "
            f"Linux {platform.release().split('-')[0]}, {time.strftime('%Y-%m-%d')}")


def version():
    """What was measured, as git names it."""
    named = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True,
                           check=False).stdout.strip()
    return named or "an unknown version"


def table(head, rows):
    """A table in Markdown; every cell is turned into text."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def write(section, command, text, file=DOCUMENT):
    """In `file`, replaces what stands between the marks of `section` with `text`, below the command that gave it."""
    begin, end = f"<!-- figures: {section} -->", f"<!-- end of figures: {section} -->"
    document = file.read_text()
    before, mark, rest = document.partition(begin)
    _, other, after = rest.partition(end)
    if not mark or not other:
        raise SystemExit(f"{file}: no marks for the section {section!r}")
    heading = f"By `{command}`, on {machine()}, version {version()}:"
    file.write_text(f"{before}{begin}\n{heading}\n\n{text.strip()}\n{end}{after}")
    print(f"written: {file.relative_to(ROOT)}, section {section!r}")
