#!/usr/bin/python3
# Three machines behind HAProxy and nginx under load for minutes: restarted, upgraded, and parted from their cables.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Called by `make scale` after the build, as root. Prints tables, and ends with 1 when a promise was not kept."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True

import figures  # noqa: E402
from load_common import Checks, progress, raise_descriptor_limit  # noqa: E402

import balancers  # noqa: E402: load_common has put their folder on the path
import certificates  # noqa: E402
import generations  # noqa: E402
import steadyload  # noqa: E402
from machines import NAMES  # noqa: E402

DOCUMENT = figures.ROOT / "docs" / "SCALE.md"
MAINTENANCE = 0.6        # the share of the time for restarts and upgrades; the rest is for cables
UNPLUGGED = 5.0          # seconds that a cable is out
ASK_FOR_HEALTH = [kind for kind in balancers.KINDS if kind.startswith("haproxy")]
PULLED_BEHIND = ["haproxy-http", "haproxy-kept"]
TITLES = {"haproxy-http": "`haproxy-http.cfg`", "haproxy-kept": "the same with `option http-keep-alive`",
          "haproxy-tcp": "`haproxy-tcp.cfg`", "nginx-http": "`nginx-http.conf`", "nginx-stream": "`nginx-stream.conf`"}


def options():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=300, help="length of the whole (%(default)s)")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/SCALE.md")
    given = parser.parse_args()
    if given.seconds < 60:
        parser.error("at least 60 seconds")
    return given


def by_kind(load, kind):
    return [client for client in load.clients if client.front.kind == kind]


def requests(clients):
    return sum(sum(client.served.values()) + len(client.failures) for client in clients)


def longest(clients):
    return f"{max(client.longest for client in clients) * 1e3:,.0f} ms"


def failures(clients):
    return [failure for client in clients for failure in client.failures]


def restart(site, machine):
    """Whatever attendant it has: that of before may have been upgraded."""
    machine.generations.end()
    machine.start_again()
    machine.generations = generations.Generations(machine)
    site.wait_up(machine.name)


def maintenance(site, seconds, checks):
    """One machine after the other is restarted, and upgraded, again and again."""
    for machine in site.machines:
        machine.generations = generations.Generations(machine)
    end, restarts, upgrades = time.monotonic() + seconds, 0, 0
    with steadyload.Load(site.fronts.values()) as load:
        while time.monotonic() < end:
            for machine in site.machines:
                restart(site, machine)
                restarts += 1
                load.wait_served(machine.name, 20, ASK_FOR_HEALTH)
                machine.generations.gone(machine.generations.upgrade())
                upgrades += 1
                load.wait_served(machine.name, 20, ASK_FOR_HEALTH)
            progress(f"{restarts} restarts, {upgrades} upgrades, {len(load.failures)} requests failed")
    rows = []
    for kind in site.fronts:
        clients = by_kind(load, kind)
        served = load.served(kind)
        rows.append((TITLES[kind], f"{requests(clients):,}", " / ".join(f"{served[name]:,}" for name in NAMES),
                     longest(clients), len(failures(clients))))
        checks.none(f"requests that failed behind {TITLES[kind]} in {restarts} restarts and {upgrades} upgrades",
                    len(failures(clients)))
    for failure in load.failures[:20]:
        progress(f"{failure}")
    return (f"### Restarts and upgrades\n\n{restarts} restarts and {upgrades} upgrades, one machine after the other:\n\n"
            + figures.table(["balancer", "requests", "of these by " + " / ".join(NAMES), "longest", "failed"], rows))


def cables(site, seconds, checks):
    """One cable after the other is pulled, and plugged in again."""
    fronts = [site.fronts[kind] for kind in PULLED_BEHIND]
    end, pulls = time.monotonic() + seconds, []  # each: machine, when it was pulled, when every balancer knew
    with steadyload.Load(fronts) as load:
        number = 0
        while time.monotonic() < end:
            name = NAMES[number % len(NAMES)]
            load.wait_served(name, 20, PULLED_BEHIND)
            site.network.pull(number % len(NAMES))
            begin = time.monotonic()
            for front in fronts:
                front.wait_state(name, "DOWN")
            pulls.append((name, begin, time.monotonic()))
            time.sleep(UNPLUGGED - (time.monotonic() - begin))
            site.network.plug(number % len(NAMES))
            site.wait_up(name)
            number += 1
    rows = []
    for front in fronts:
        clients = by_kind(load, front.kind)
        failed = failures(clients)
        later = [failure for failure in failed if any(begin <= failure.begun < known for _, begin, known in pulls)]
        on_it = [failure for failure in failed if failure not in later
                 and any(failure.begun < begin < failure.begun + failure.seconds for _, begin, _ in pulls)]
        others = len(failed) - len(later) - len(on_it)
        logged = sum(failure.number in front.log.requests for failure in failed)
        rows.append((TITLES[front.kind], f"{requests(clients):,}", len(on_it), len(later), others, logged,
                     longest(clients)))
        checks.none(f"requests that failed behind {TITLES[front.kind]} when the balancer knew", others)
        if front.kind == "haproxy-http":
            checks.none(f"requests that failed behind {TITLES[front.kind]} and came after a cable was pulled", len(later))
    slowest = max(known - begin for _, begin, known in pulls)
    checks.add("a pulled cable is noticed", f"{slowest:.1f} s", "2.5 s", slowest <= 2.5)
    return (f"### Pulled cables\n\n{len(pulls)} times a cable was out for {UNPLUGGED:.0f} s. The last balancer took its "
            f"machine out after {slowest:.1f} s at most:\n\n"
            + figures.table(["balancer", "requests", "failed: with the machine at the pull",
                             "failed: came before the balancer knew", "failed: otherwise",
                             "of these in HAProxy's log", "longest"], rows))


def main():
    given = options()
    if reason := balancers.why_not(balancers.KINDS):
        raise SystemExit(f"scale: {reason}")
    raise_descriptor_limit()
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        certificate = certificates.Authority(folder, "Scale").issue()
        with balancers.Site(folder, certificate, balancers.KINDS) as site:
            texts = [maintenance(site, given.seconds * MAINTENANCE, checks),
                     cables(site, given.seconds * (1 - MAINTENANCE), checks)]
    kept = len(checks.rows) - checks.failed
    text = "\n\n".join([f"{kept} of {len(checks.rows)} promises kept.", *texts, "### Promises", checks.text()])
    print(text)
    if given.write:
        figures.write("scale", "make scale", text, DOCUMENT)
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
