# What the parts of load.py share: the daemon with its limits and its core, percentiles, and the list of checks.
# SPDX-License-Identifier: GPL-2.0-or-later
import os
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))

import daemon  # noqa: E402
import figures  # noqa: E402
import processes  # noqa: E402

DESCRIPTORS = 12_000  # of one process: 11,000 connections, and what a process has besides
WANTED_DESCRIPTORS = 65_536
NORMAL = "127.0.0.9"  # where the normal client comes from: limits count by address, and attacks come from 127.0.0.1
LARGE_FILE, PAGE_FILE = "large.bin", "page.txt"
LARGE_SIZE, PAGE = 4_000_000, b"A page of a file, as a browser asks for it.\n" * 1000

# No limit of time or of connections that a load would reach; those of a message's size are as they are.
LIFTED = {
    "max_connections": 15_000, "max_client_connections": 15_000, "max_connection_requests": 0, "conn_timeout": 0,
    "header_timeout": 3600, "body_timeout": 3600, "min_body_rate": 0, "send_timeout": 3600, "min_send_rate": 0,
}


def raise_descriptor_limit():
    """For this program, and for the daemon and the clients that it starts."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < WANTED_DESCRIPTORS:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (WANTED_DESCRIPTORS, WANTED_DESCRIPTORS))
            return
        except (ValueError, OSError):
            pass
    have = WANTED_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, WANTED_DESCRIPTORS)
    if have < DESCRIPTORS:
        raise SystemExit(f"load: {DESCRIPTORS} descriptors are needed, and the limit of open files is {hard} "
                         "(ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (have, hard))


def cores():
    """The daemon's core and that of its clients; the same one where there is no other."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


def go_first(task, priority):
    """Lets it run before all that shares its core. False where that is not allowed: the figures are worse then, and the
    checks are as strict."""
    try:
        os.sched_setscheduler(task, os.SCHED_FIFO, os.sched_param(priority))
    except OSError:
        return False
    return True


def may_go_first():
    allowed = go_first(0, 1)
    if allowed:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return allowed


def modules(folder):
    """With all that the requests of load_requests.py ask for, and files in `folder`."""
    files = Path(folder) / "files"
    if not files.exists():
        files.mkdir()
        (files / LARGE_FILE).write_bytes(os.urandom(LARGE_SIZE))
        (files / PAGE_FILE).write_bytes(PAGE)
    return {daemon.CPP_PROBE: {}, daemon.CAPI_PROBE: {}, "mi_http.so": {}, "hello_c.so": {}, "hello_cpp.so": {},
            "files_cpp.so": {"directory": str(files)}}


def serve(folder, core, first=False, **httpd):
    """The daemon on one core; with `first`, no other program holds it up there."""
    server = daemon.Daemon(folder, modules(folder), {"workers": 0, **httpd})
    # Not before it was started: the thread that reads its log must not share its core.
    for pid in processes.tree(server.process.pid):
        for task in os.listdir(f"/proc/{pid}/task"):
            os.sched_setaffinity(int(task), {core})
            if first:
                go_first(int(task), 1)
    return server


def statistics(server):
    """All of the engine's; the asking is one request of its own, whose reply is not yet counted."""
    return {name.removeprefix("httpd:"): value for name, value in server.mi("get_statistics", [["httpd:"]]).items()}


def wait_until(condition, seconds, pause=0.05):
    """Whether it came to be true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def percentile(ordered, share):
    return ordered[max(0, -(-int(len(ordered) * share * 1000) // 1000) - 1)]


def milliseconds(seconds):
    return f"{seconds * 1e3:.3f}"


def kib(size):
    return f"{size / 1024:,.0f} KiB"


def progress(text):
    print(f"load: {text}", file=sys.stderr, flush=True)


class Checks:
    """What was promised, what was found, and whether that is the same."""

    def __init__(self):
        self.rows = []
        self.failed = 0

    def add(self, promise, found, allowed, kept):
        self.rows.append((promise, found, allowed, "yes" if kept else "**no**"))
        self.failed += not kept
        if not kept:
            progress(f"NOT KEPT: {promise}: {found}, allowed {allowed}")

    def none(self, promise, count):
        self.add(promise, f"{count:,}", "0", count == 0)

    def text(self):
        return figures.table(["promise", "found", "allowed", "kept"], self.rows)
