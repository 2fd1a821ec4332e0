#!/usr/bin/python3
# Shows that the daemon stands up to many connections, to attackers, and to a million requests of all kinds.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Called by `make load` after the build. Prints tables, and ends with 1 when a promise was not kept.

The daemon gets the first core of this machine, and its clients the last one: nothing else should run meanwhile.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time

sys.dont_write_bytecode = True

import figures  # noqa: E402
import load_attacks  # noqa: E402
import load_common  # noqa: E402
import load_idle  # noqa: E402
import load_memory  # noqa: E402
import load_mixed  # noqa: E402

PARTS = ("idle", "attacks", "mixed")


def options():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=10, help="length of each measured phase (%(default)s)")
    parser.add_argument("--requests", type=int, default=1_000_000, help="mixed requests (%(default)s)")
    parser.add_argument("--only", choices=PARTS, help="this part alone")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/RELIABILITY.md")
    parser.add_argument("--self-check", action="store_true", help="check the check of memory, and nothing else")
    given = parser.parse_args()
    if given.seconds < 1 or given.requests < 1000:
        parser.error("at least 1 second, and 1000 requests")
    if given.write and given.only:
        parser.error("--write goes with all parts: the section is written whole")
    return given


def check_tools(part):
    if not load_common.daemon.BINARY.exists():
        raise SystemExit(f"load: {load_common.daemon.BINARY} is missing: make build")
    for tool, user in (("taskset", None), ("wrk", "idle"), ("slowhttptest", "attacks")):
        if part in (None, user) or user is None:
            if not shutil.which(tool):
                raise SystemExit(f"load: {tool} is missing: scripts/install-packages reliability")


def main():
    given = options()
    if given.self_check:
        return load_memory.self_check()
    check_tools(given.only)
    load_common.raise_descriptor_limit()
    cores = load_common.cores()
    if cores[0] == cores[1]:
        load_common.progress("one core alone: the daemon and its clients share it")
    busy = os.getloadavg()[0]
    checks, texts, begun = load_common.Checks(), [], time.monotonic()
    runs = {"idle": lambda folder: load_idle.run(folder, given.seconds, cores, checks),
            "attacks": lambda folder: load_attacks.run(folder, given.seconds, cores, checks),
            "mixed": lambda folder: load_mixed.run(folder, given.requests, cores, checks)}
    for part in [given.only] if given.only else PARTS:
        with tempfile.TemporaryDirectory() as folder:
            texts.append(runs[part](folder))
    kept = len(checks.rows) - checks.failed
    told = (f"{kept} of {len(checks.rows)} promises kept, in {(time.monotonic() - begun) / 60:.0f} minutes; the load "
            f"average was {busy:.1f} before.")
    text = "\n\n".join([told, *texts, "### Promises", checks.text()])
    print(text)
    if given.write:
        figures.write("load", "make load", text)
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
