#!/usr/bin/python3
# Runs the integration tests with every process of the daemon under valgrind, and keeps the figures. Called by
# `make valgrind` after the build. SPDX-License-Identifier: GPL-2.0-or-later
import os
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True

import figures  # noqa: E402

TESTS = figures.ROOT / "tests" / "integration"
WRAPPER = ("valgrind -q --vgdb=no --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite "
           "--trace-children=yes")
# What cannot be had under valgrind, with the reason.
LEFT_OUT = {
    "test_browsers.py": "times of a browser",
    "test_faults.py": "valgrind brings its own malloc()",
}


def main():
    begun = time.monotonic()
    left_out = [option for name in LEFT_OUT for option in
                (("--deselect", f"{TESTS}/{name}") if "::" in name else ("--ignore", f"{TESTS}/{name}"))]
    run = subprocess.run(["/usr/bin/python3", "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", "-p",
                          "no:cacheprovider", str(TESTS), *left_out], env={**os.environ, "HTTPD_TEST_WRAPPER": WRAPPER},
                         stdout=subprocess.PIPE, text=True, check=False)
    print(run.stdout)
    if run.returncode != 0:
        raise SystemExit(run.returncode)
    last = run.stdout.strip().splitlines()[-1]
    numbers = dict((what, int(count)) for count, what in re.findall(r"(\d+) (passed|skipped|deselected)", last))
    version = subprocess.run(["valgrind", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    text = (f"{numbers['passed']:,} tests passed, {numbers.get('skipped', 0)} were skipped, in "
            f"{(time.monotonic() - begun) / 60:.0f} minutes, with {version}: not a byte read that was not written, none "
            "behind its end or after it was freed, and nothing lost. Left out: "
            + "; ".join(f"`{name}` ({why})" for name, why in LEFT_OUT.items()) + ".")
    if "--write" in sys.argv:
        figures.write("valgrind", "make valgrind", text)


if __name__ == "__main__":
    main()
