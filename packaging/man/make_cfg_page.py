#!/usr/bin/env python3
# Makes the manual page opensips-httpd.cfg(5) out of docs/ADMIN.md, which stays the one place that tells of parameters.
# Usage: make_cfg_page.py ADMIN.md VERSION > opensips-httpd.cfg.5         SPDX-License-Identifier: GPL-2.0-or-later
import os
import re
import subprocess
import sys
import time
from pathlib import Path

# Sections of the guide, in the order of the page; the text up to the next heading of the same or a higher level.
SECTIONS = (
    "Configuration language", "Parameters of httpd", "Parameters of mi_http", "Parameters of prometheus",
    "Parameters of console", "Parameters of mi_fifo", "Reload", "Logging", "Access log", "Socket activation",
    "Who may come in", "Compression", "Known issues")

INTRODUCTION = """# NAME

opensips-httpd.cfg - configuration file of opensips-httpd

# DESCRIPTION

opensips-httpd(8) reads this file when it starts, and again with each reload. The file names the modules that it
loads, and sets their parameters. The program finds it where the option `-f` says. This page is made of the Admin Guide,
`ADMIN.md`, which is installed with the other documents that are named here.

This one serves management over HTTP on this machine alone:

```
log_level = 2

loadmodule "httpd.so"
modparam("httpd", "ip", "127.0.0.1")
modparam("httpd", "port", 8888)

loadmodule "mi_http.so"
modparam("mi_http", "root", "mi")
```

`opensips-httpd -c -f FILE` tells whether a file is good, and where it is not.

"""

END = """# SEE ALSO

opensips-httpd(8), systemd.socket(5), gnutls-cli(1), htpasswd(1)
"""

HEADING = re.compile(r"^(#{1,6}) (.+)$")
LINK = re.compile(r"\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]+)\)")


def outside_fences(lines):
    """(line, whether it is in a fenced block) of each line; the fences themselves are in it."""
    inside = False
    for line in lines:
        fence = line.startswith("```")
        yield line, inside or fence
        inside ^= fence


def section(text, heading):
    """The lines below the heading. A guide without it is not the one that this program was made for."""
    found, level = [], 0
    for line, fenced in outside_fences(text.splitlines()):
        match = None if fenced else HEADING.match(line)
        if match and level and len(match[1]) <= level:
            return found
        if match and match[2] == heading:
            level = len(match[1])
        elif level:
            found.append(line)
    if not level:
        sys.exit(f"{sys.argv[1]}: no section {heading!r}")
    return found


def anchor(heading):
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def without_links(text, anchors):
    """The texts of links; behind one that leads out of this page stands the document that it leads to."""
    def name(match):
        label, target = match[1], match[2]
        if re.match(r"[a-z]+:", target):
            return f"{label} ({target})"
        file, _, fragment = target.partition("#")
        if not file and fragment in anchors:
            return label
        document = file or "ADMIN.md"
        return label if label == document else f"{label} ({document})"
    return LINK.sub(name, text)


def cells(row):
    return [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))]


def as_list(table):
    """A table as a list: a terminal has no room for the columns. Those between the first and the last keep their
    names."""
    names = cells(table[0])
    lines = [""]
    for row in table[2:]:
        term, *middle, text = cells(row)
        middle = "".join(f"{name}: {cell}. " for name, cell in zip(names[1:-1], middle) if cell)
        lines += [f"* {term}", "", f"  {middle}{text}", ""]
    return lines


def markdown(text):
    """The page in Markdown, with its sections as first headings and parameters as second ones."""
    chosen = {heading: section(text, heading) for heading in SECTIONS}
    anchors = {anchor(heading) for heading in SECTIONS}
    for lines in chosen.values():
        matches = (HEADING.match(line) for line, fenced in outside_fences(lines) if not fenced)
        anchors |= {anchor(match[2]) for match in matches if match}
    page = []
    for heading, lines in chosen.items():
        page += [f"# {heading.upper()}", ""]
        prose, table = [], []
        for line, fenced in [*outside_fences(lines), ("", False)]:
            if not fenced and line.startswith("|"):
                table.append(line)
                continue
            if table:
                prose += as_list(table)
                table = []
            match = None if fenced else HEADING.match(line)
            prose.append(f"## {match[2]}" if match else line)
        # A link may stand on two lines.
        blocks = re.split(r"^(```.*?^```)$", "\n".join(prose), flags=re.M | re.S)
        page += [block if i % 2 else without_links(block, anchors) for i, block in enumerate(blocks)]
        page.append("")
    return INTRODUCTION + "\n".join(page) + END


def finished(page):
    """What lowdown leaves to wish for: a font that terminals have, and the macros that this kind of page has for headings
    and for lists of terms."""
    page = page.replace(r"\fC", r"\fB")
    page = re.sub(r"^\.(S[HS])\n(.+)\n(\.[LP]P\n)?", r".\1 \2\n", page, flags=re.M)
    return re.sub(r"^\.IP \"\\\(bu\" 2\n(.+)\n\.IP\n", r".TP\n\1\n", page, flags=re.M)


def main():
    guide, version = sys.argv[1:]
    date = time.strftime("%Y-%m-%d", time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))))
    page = subprocess.run(
        ["lowdown", "-s", "-tman", "--nroff-no-groff", "-m", "title=OPENSIPS-HTTPD.CFG", "-m", "section=5",
         "-m", f"date={date}", "-m", f"source=opensips-httpd {version}", "-m", "volume=File Formats"],
        input=markdown(Path(guide).read_text(encoding="utf-8")), stdout=subprocess.PIPE, text=True, check=True).stdout
    sys.stdout.write(finished(page))


if __name__ == "__main__":
    main()
