# A million requests of all kinds: every reply as it must be, the server's counts the same, and its memory flat.
# SPDX-License-Identifier: GPL-2.0-or-later
import collections
import os
import re
import time

import figures
import load_clients
import load_memory
import load_mixed_client
import processes
from load_common import kib, progress, serve, statistics, wait_until
from load_requests import KINDS, expected_statistics

CLIENTS = 2
SAMPLE = 2.0        # seconds between two samples of memory; less where the run is short, so that there are enough
SHARE_OF_WORKERS = 10   # with handler processes, a tenth of the requests
WARM_UP = 30_000        # requests before the first sample: until then each process finds the memory that it needs
SEEN = 50_000           # requests: with fewer of them a small leak is lost in the size of a page
LONGEST = 3600


def names(server):
    """Process id -> what it is, of all that serve."""
    found = {pid: "HTTPD process" for pid in server.pids("HTTPD")}
    handlers = [pid for pid in server.pids("HTTPD worker")]
    return found | {pid: f"handler process {number}" for number, pid in enumerate(handlers, 1)}


def warm_up(server, core, served):
    """Goes on, in rounds, until each process that runs handlers has printed a reply: it keeps a memory file for the
    next one, which is no descriptor that was lost."""
    printing = [pid for pid, name in served.items() if "handler" in name] or list(served)
    for _ in range(5):
        drive(server, WARM_UP, core, served, tell=False)
        if all(any("httpd reply" in name for name in open_files(pid)) for pid in printing):
            break
    wait_until(lambda: statistics(server)["open_connections"] == 1, 20)


def open_files(pid):
    return [os.readlink(entry.path) for entry in os.scandir(f"/proc/{pid}/fd")]


def drive(server, requests, core, pids, tell=True):
    """Runs the clients, and samples memory meanwhile: requests so far, and bytes, of each process."""
    done = [load_clients.SPAWN.RawValue("L") for _ in range(CLIENTS)]
    clients = [load_clients.Process(load_mixed_client.run, server.port, f"127.0.0.{40 + number}", number * 10**9,
                                    requests // CLIENTS, core, done[number]) for number in range(CLIENTS)]
    samples = {pid: [] for pid in pids}
    begun, told = time.monotonic(), 0
    while not all(client.pipe.poll() for client in clients):
        sent = sum(value.value for value in done)
        for pid in pids:
            samples[pid].append((sent, processes.resident(pid)))
        if tell and sent - told >= requests / 10:
            told = sent
            progress(f"mixed: {sent:,} requests, {sent / (time.monotonic() - begun):,.0f} a second")
        if time.monotonic() - begun > LONGEST:
            raise RuntimeError("the clients do not end")
        time.sleep(SAMPLE if requests > 500_000 else SAMPLE * requests / 500_000)
    seconds = time.monotonic() - begun
    counts, failed, failures = collections.Counter(), 0, []
    for client in clients:
        with client:
            more, number, lines = client.receive(10)
        counts.update(more)
        failed += number
        failures += lines
    return counts, failed, failures, samples, seconds


def check_memory(title, samples, share, checks):
    """For one process, of whose requests this share are PUTs; returns its row."""
    growth = load_memory.Growth(samples)
    leaking = load_memory.Growth(load_memory.with_leak(samples, share))
    checks.add(f"{title}: memory flat behind the first tenth",
               f"{kib(growth.total)}, {growth.per_request:+.3f} bytes a request", f"+{kib(growth.allowed)}",
               growth.flat)
    if samples[-1][0] >= SEEN:
        checks.add(f"{title}: a leak of {load_memory.LEAK} bytes for each PUT would have been seen",
                   f"{kib(leaking.total)}", f"above +{kib(leaking.allowed)}", not leaking.flat)
    else:
        progress(f"{title}: too few requests to see a small leak")
    sizes = [size for _, size in growth.samples]
    return (title, len(sizes), kib(sizes[0]), kib(min(sizes)), kib(max(sizes)), kib(sizes[-1]), kib(growth.total))


def one_run(folder, requests, cores, checks, workers):
    title = f"workers={workers}"
    progress(f"mixed: {requests} requests, {title}")
    with serve(folder, cores[0], workers=workers) as server:
        served = names(server)
        warm_up(server, cores[1], served)
        before = statistics(server)
        time.sleep(0.2)  # until its connection is closed
        files = {pid: processes.descriptors(pid) for pid in served}
        counts, failed, failures, samples, seconds = drive(server, requests, cores[1], served)
        settled = wait_until(lambda: files == {pid: processes.descriptors(pid) for pid in served}, 30)
        files_after = {pid: processes.descriptors(pid) for pid in served}
        after = statistics(server)
        same = names(server) == served
        errors = [line for line in server.log().splitlines() if re.search(r"\b(ERROR|CRITICAL)\b", line)]
    for line in failures[:10] + errors[:10]:
        progress(line[:300])

    sent = sum(counts.values())
    expected = expected_statistics(counts)
    expected["requests"] += 1      # the second question for statistics
    expected["replies_2xx"] += 1   # the reply to the first one
    expected |= {"replies_3xx": 0, "timeouts": 0, "accept_failures": 0, "connection_refusals": 0, "queue_refusals": 0,
                 "handler_timeouts": 0, "handler_deaths": 0}
    checks.none(f"{title}: wrong or missing replies, of {sent:,} requests", failed)
    for name, value in expected.items():
        counted = after[name] - before[name]
        checks.add(f"{title}: the server's own count of {name}", f"{counted:,}", f"{value:,}", counted == value)
    checks.add(f"{title}: descriptors as before", ", ".join(map(str, files_after.values())),
               ", ".join(map(str, files.values())), settled)
    checks.add(f"{title}: the same processes, no error in the log", f"{len(errors)} errors", "0",
               same and not errors)
    share = (counts["PUT"] + counts["PUT, chunked"]) / max(1, sent)
    rows = [check_memory(f"{title}: {name}", samples[pid], share / (workers if "handler" in name else 1), checks)
            for pid, name in served.items()]
    return counts, rows, f"{sent:,} requests with {title} in {seconds:.0f} s, {sent / seconds:,.0f} a second"


def run(folder, requests, cores, checks):
    counts, rows, told = one_run(folder, requests, cores, checks, 0)
    more_counts, more_rows, more_told = one_run(folder, max(1000, requests // SHARE_OF_WORKERS), cores, checks, 2)
    memory = figures.table(["process", "samples", "behind the first tenth", "least", "most", "at the end", "growth"],
                           rows + more_rows)
    kinds = figures.table(["kind of request", "status", "workers=0", "workers=2"],
                          [(name, kind.status if kind.make else "", f"{counts[name]:,}", f"{more_counts[name]:,}")
                           for name, kind in KINDS.items()])
    return (f"### Mixed requests\n\n{told}; {more_told}. {CLIENTS} client processes share one core, and what they can "
            "send is the limit. Requests come over kept connections, one by one and up to 16 at once, and over short "
            f"ones; {WARM_UP:,} more come before those that count. The growth of memory is the median slope between "
            "any two samples behind the first tenth of the requests, over all of these; samples are taken while "
            f"replies are being sent.\n\n{memory}\n\n{kinds}")
