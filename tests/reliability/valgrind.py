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

TESTS = "tests/integration"  # as pytest names them, from the root
WRAPPER = ("valgrind -q --vgdb=no --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite "
           "--trace-children=yes")
# What cannot be had under valgrind, with the reason.
LEFT_OUT = {
    "test_browsers.py": "times of a browser",
    "test_console_page.py": "times of a browser",
    "test_faults.py": "valgrind brings its own malloc()",
    "test_credentials.py::test_a_slow_hash_stops_nobody": "valgrind runs one thread at a time",
    "test_credentials.py::test_the_end_does_not_wait_for_a_hash": "valgrind runs one thread at a time",
    "test_daemon.py::test_idle_connections_do_not_hold_the_end_up": "time",
    "test_file_replies.py::test_a_huge_file_costs_no_memory": "memory of valgrind's own",
    "test_file_replies.py::test_eight_at_once": "time",
    "test_file_replies.py::test_what_is_not_served": "valgrind 3.19 does not know openat2()",
    "test_large_replies.py::test_a_large_printed_reply": "memory of valgrind's own",
    "test_large_replies.py::test_eight_large_printed_replies_at_once": "memory of valgrind's own",
    "test_limits_of_connections.py::test_pipelined_requests_in_single_bytes": "time",
    "test_limits_of_time.py::test_other_clients_are_served_meanwhile": "time",
    "test_page.py": "no daemon in it",
    "test_streams.py::test_large_streams_arrive_whole": "time",
    "test_worker_crashes.py::test_a_process_that_leaves_a_copy_of_itself_behind":
        "valgrind 3.19 does not know pidfd_open()",
    "test_worker_crashes.py::test_killed_a_hundred_times_under_load": "time",
    "test_workers.py::test_httpd_requests_tells_what_runs_where": "time",
}


def main():
    begun = time.monotonic()
    left_out = [option for name in LEFT_OUT for option in
                (("--deselect", f"{TESTS}/{name}") if "::" in name else ("--ignore", f"{TESTS}/{name}"))]
    command = ["/usr/bin/python3", "-m", "pytest", "-q", "-n", "3", "--dist", "loadfile", "-p", "no:cacheprovider"]
    run = subprocess.run([*command, TESTS, *left_out], env={**os.environ, "HTTPD_TEST_WRAPPER": WRAPPER},
                         cwd=figures.ROOT, stdout=subprocess.PIPE, text=True, check=False)
    print(run.stdout)
    if run.returncode != 0:
        raise SystemExit(run.returncode)
    last = run.stdout.strip().splitlines()[-1]
    numbers = dict((what, int(count)) for count, what in re.findall(r"(\d+) (passed|skipped|deselected)", last))
    version = subprocess.run(["valgrind", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    text = (f"{numbers['passed']:,} tests passed, {numbers.get('skipped', 0)} were skipped, in "
            f"{(time.monotonic() - begun) / 60:.0f} minutes, with {version}: not a byte read that was not written, "
            "none behind its end or after it was freed, and nothing lost. Left out: "
            + "; ".join(f"`{name}` ({why})" for name, why in LEFT_OUT.items()) + ".")
    if "--write" in sys.argv:
        figures.write("valgrind", "make valgrind", text)


if __name__ == "__main__":
    main()
