#!/usr/bin/python3
# Lets every call fail in its turn, with none left out, and keeps the figures. Called by `make faults` after the build.
# SPDX-License-Identifier: GPL-2.0-or-later
import collections
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True

import figures  # noqa: E402

TESTS = figures.ROOT / "tests" / "integration" / "test_faults.py"
PLACES = {"alone": "HTTPD process, no handler processes", "beside-handlers": "HTTPD process, beside handler processes",
          "handlers": "a handler process", "TLS": "HTTPD process: handshakes, requests over TLS, reload",
          "start": "the start, in every process"}


def main():
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report"
        report.touch()
        code = subprocess.run(
            ["/usr/bin/python3", "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", str(TESTS)],
            env={**os.environ, "HTTPD_ALL_FAULTS": "1", "HTTPD_FAULTS_REPORT": str(report)}, check=False).returncode
        lines = [line.split("\t") for line in report.read_text().splitlines()]
    if code != 0:
        raise SystemExit(code)
    failed = collections.defaultdict(dict)
    for what, count in lines:
        place, _, case = what.partition(": ")
        failed[place][case] = int(count)
    rows = [(title, f"{sum(failed[place].values()):,}", ", ".join(f"{case} {count}" for case, count in
                                                                  sorted(failed[place].items())))
            for place, title in PLACES.items()]
    text = figures.table(("where", "calls that failed", "of which function, with what error"), rows)
    print(text)
    if "--write" in sys.argv:
        figures.write("faults", "make faults", text)


if __name__ == "__main__":
    main()
