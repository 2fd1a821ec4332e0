# Many connections at once: 10,000 that are idle and 1,000 that ask as fast as they can, and a normal client beside.
# SPDX-License-Identifier: GPL-2.0-or-later
import re
import subprocess

import figures
import load_clients
import processes
from load_common import LIFTED, kib, progress, serve, wait_until

IDLE = 10_000
ACTIVE = 1_000
# What the allocator may keep of 11,000 connections and their buffers, as a share of what they took.
KEPT_SHARE = 0.25


def active_load(server, seconds, core):
    """Starts wrk; end_active() waits for it."""
    command = ["taskset", "-c", str(core), "wrk", "-t1", f"-c{ACTIVE}", f"-d{seconds}s", "--timeout", "10s",
               f"http://127.0.0.1:{server.port}/hello-cpp?name=load"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def end_active(process, seconds):
    """Replies, failures, and what wrk says of these."""
    output, _ = process.communicate(timeout=seconds + 60)
    total = re.search(r"(\d+) requests in", output)
    if not total:
        raise RuntimeError(f"wrk failed:\n{output}")
    told = re.findall(r"Socket errors:.*|Non-2xx.*", output)
    return int(total[1]), sum(int(number) for line in told for number in re.findall(r"\d+", line.replace("2xx", "")))


def run(folder, seconds, cores, checks):
    server_core, client_core = cores
    with serve(folder, server_core, **LIFTED) as server:
        (pid,) = server.pids("HTTPD")
        progress("idle: the normal client alone")
        rows = [("nobody else", load_clients.quiet(server, seconds, client_core))]
        before = processes.resident(pid), processes.descriptors(pid)

        progress(f"idle: {IDLE} connections that stay")
        with load_clients.Process(load_clients.idle, server.port, IDLE, client_core) as holder:
            opened, failed = holder.receive(120)
            with_idle = processes.resident(pid), processes.descriptors(pid)
            rows.append((f"{IDLE:,} idle connections", load_clients.quiet(server, seconds, client_core)))

            progress(f"idle: {ACTIVE} active connections beside")
            wrk = active_load(server, seconds + 1, client_core)
            client = load_clients.start_normal(server, seconds, client_core)
            rows.append((f"{IDLE:,} idle, {ACTIVE:,} active", load_clients.end_normal(client, seconds)))
            answered, wrong = end_active(wrk, seconds)
            at_most = processes.resident(pid)
            progress("idle: asking on all idle ones again")
            _, failed_again = holder.call("ask")
            holder.call("close")
        back = wait_until(lambda: processes.descriptors(pid) == before[1], 20)
        after = processes.resident(pid), processes.descriptors(pid)

        progress(f"idle: {IDLE} connections once more")
        with load_clients.Process(load_clients.idle, server.port, IDLE, client_core) as holder:
            holder.receive(120)
            again = processes.resident(pid)
            holder.call("close")

        for failures in (failed, failed_again):
            for failure in failures[:5]:
                progress(f"idle connection: {failure}")
        checks.add("idle connections open at a time", f"{with_idle[1] - before[1]:,}", f"{IDLE:,}",
                   opened == IDLE == with_idle[1] - before[1])
        checks.none("idle connections: failed requests, when opened and at the end", len(failed) + len(failed_again))
        checks.none(f"{ACTIVE:,} active connections beside: failed requests (of {answered:,})", wrong)
        checks.none("normal client beside them: failed requests", sum(len(seen.failures) for _, seen in rows))
        checks.add("all closed: descriptors as before", after[1], before[1], back)
        most = max(with_idle[0], at_most)
        grown, taken = after[0] - before[0], most - before[0]
        checks.add("all closed: memory near where it was", f"+{kib(grown)}", f"+{kib(KEPT_SHARE * taken)}",
                   grown <= KEPT_SHARE * taken)
        checks.add(f"{IDLE:,} more of them: memory as with the first ones, or the load", kib(again), kib(1.05 * most),
                   again <= 1.05 * most)

    memory = figures.table(["HTTPD process", "memory", "descriptors"], [
        ("before", kib(before[0]), before[1]),
        (f"{IDLE:,} idle connections", kib(with_idle[0]), with_idle[1]),
        ("behind the load of the active ones", kib(at_most), ""),
        ("all closed", kib(after[0]), after[1]),
        (f"{IDLE:,} once more", kib(again), "")])
    latency = figures.table(["a request every 5 ms, beside", "p50, ms", "p99, ms", "max, ms", "failed"],
                            [(name, *seen.cells(), len(seen.failures)) for name, seen in rows])
    return (f"### {IDLE:,} idle and {ACTIVE:,} active connections\n\n"
            f"An idle connection that has made a request takes {(with_idle[0] - before[0]) / IDLE:,.0f} bytes of the "
            f"HTTPD process. The active ones ask again as soon as they are answered, and got "
            f"{answered / (seconds + 1):,.0f} replies a second; so each request, and the normal client's, waits for "
            f"those of up to {ACTIVE:,} others.\n\n"
            f"{memory}\n\n{latency}")
