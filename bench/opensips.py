# Measures the module in OpenSIPS beside the stock one: an MI command, and a scrape of Prometheus.
# SPDX-License-Identifier: GPL-2.0-or-later
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import costs
import loads
import opensips_host
import opensips_profile
import results
from opensips_host import OpenSips, Tree, Unavailable

STOCK, OURS = "stock httpd", "this httpd"
CONNECTIONS = 16
SCRIPT = loads.HERE / "loads/opensips.lua"
UPTIME = '{"jsonrpc":"2.0","method":"uptime","id":1}'
METRIC = re.compile(r'(opensips_\w+)({[^}]*})? -?\d+|# TYPE opensips_\w+ (gauge|counter)|')

INTRODUCTION = f"""The same OpenSIPS twice, with the same script: once with the httpd of its own tree, once with this
one. All processes of it share one core; wrk has the other, with one thread and {CONNECTIONS} connections. CPU time is
that of the HTTPD process. Modules beside it: {', '.join(opensips_host.MODULES)}."""


@dataclass(frozen=True)
class Load:
    title: str
    kind: str    # for the script of wrk
    path: str


CALL = Load("MI command `uptime` through mi_http, connections kept", "uptime", "/mi")
SCRAPE = Load("`/metrics` of prometheus, from clients that keep connections", "scrape", "/metrics")
CLOSE = Load("`/metrics` of prometheus, a new connection for each request", "close", "/metrics")
LOADS = (CALL, SCRAPE, CLOSE)

CALL_TARGET = ("in OpenSIPS: MI `uptime`, 16 kept connections", 0.85)
SCRAPE_TARGETS = {SCRAPE: "in OpenSIPS: `/metrics`, 16 clients that keep connections where the server does",
                  CLOSE: "in OpenSIPS: `/metrics`, 16 clients, a new connection for each request with both"}
SCRAPE_LIMIT = 1.1
HTTPD_SHARE = 0.1
PROFILE_TARGET = ("in OpenSIPS: the profile of a scrape",
                  f"making the page is the most of it, httpd.so ≤ {HTTPD_SHARE:.0%}")
PROFILES = ((STOCK, CLOSE), (OURS, CLOSE), (OURS, SCRAPE))


def _check_call(server):
    _, text = server.ask("POST", "/mi", UPTIME)
    answer = json.loads(text)
    if answer.get("id") != 1 or not {"Now", "Up since", "Up time"} <= answer.get("result", {}).keys():
        raise SystemExit(f"{server.name}: uptime: a wrong answer: {text[:300]}")
    return len(text)


def _page(server):
    """The reply to a scrape, the size of its page, and how often each name is on it."""
    reply, text = server.ask("GET", "/metrics")
    lines = text.decode().splitlines()
    found = [METRIC.fullmatch(line) for line in lines]
    if None in found or len(lines) < 100:
        raise SystemExit(f"{server.name}: /metrics: a wrong page of {len(lines)} lines:\n{text.decode()}")
    return reply, len(text), Counter(match[1] for match in found if match[1])


def _check(server, load):
    """Ends the bench where the answer is not what it is to be; returns the size of the body."""
    return _check_call(server) if load is CALL else _page(server)[1]


def _check_pages(running):
    """Both are to print the same metrics. Returns the size of the page, and who closes the connection behind it."""
    pages = {server.name: _page(server) for server in running}
    first, second = (names for _, _, names in pages.values())
    if first != second:
        raise SystemExit(f"/metrics: not on both pages: {(first - second) + (second - first)}")
    return pages[STOCK][1], [name for name, (reply, _, _) in pages.items() if reply.will_close]


def _command(server, load, core, seconds):
    return loads.pinned(core, ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", SCRIPT,
                               f"http://127.0.0.1:{server.port}{load.path}", "--", load.kind])


def _round(server, load, setup):
    """One round. Ends the bench where a reply was wrong or short: nothing is measured then."""
    size = _check(server, load)
    before = server.cpu_seconds()
    done = subprocess.run(_command(server, load, setup.cores[1], setup.seconds), capture_output=True, text=True,
                          timeout=setup.seconds + 30, check=False)
    after = server.cpu_seconds()
    try:
        found = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        found = {"errors": 1}
    # Numbers on a page grow and shrink by some digits.
    if done.returncode or found["errors"] or not found["requests"] or found["bytes"] < found["requests"] * size * 0.99:
        raise SystemExit(f"{server.name}: {load.title}: wrk failed:\n{done.stdout}{done.stderr}")
    _check(server, load)
    count = found["requests"]
    cpu = ((late - early) / count * 1e6 for early, late in zip(before, after))
    return loads.Round(count / found["microseconds"] * 1e6, *cpu, requests=count)


def _profile(server, load, setup, folder):
    """Where the time goes: the shares, or None."""
    print(f"bench: profile: {load.title}: {server.name}", file=sys.stderr)
    file = Path(folder, "perf.data")
    command = _command(server, load, setup.cores[1], setup.seconds + 1)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL):
        sampler = opensips_profile.record(server.httpd_pid, setup.seconds, file)
        errors = sampler.communicate()[1]
    if sampler.returncode:
        raise SystemExit(f"perf record: {errors}")
    return opensips_profile.shares(file)


def _profiles(running, setup, folder):
    """What PROFILES names -> its shares; and where there are none, why."""
    if reason := opensips_profile.unavailable():
        return {}, reason
    by_name = {server.name: server for server in running}
    found = {(name, load): _profile(by_name[name], load, setup, folder) for name, load in PROFILES}
    return ({}, "the kernel hides its symbols from perf") if None in found.values() else (found, "")


def _profile_table(found, rounds):
    """Times are shares of the CPU time a request in the rounds without perf."""
    heads, columns = ["where the time of a scrape goes"], []
    for (name, load), shares in found.items():
        whole = results.median([one.cpu for one in rounds[load][name]])
        heads.append(f"{name}, {'kept' if load is SCRAPE else 'new'} connection: µs (share)")
        columns.append([f"{results.number(share * whole)} ({share:.0%})" for share in shares.values()])
    return results.Table("Profile of a scrape", heads,
                         [[group, *cells] for group, *cells in zip(opensips_profile.GROUPS, *columns, strict=True)])


def _profile_target(found):
    ours = found[OURS, SCRAPE]
    own = ours[opensips_profile.OWN] + ours[opensips_profile.OWN_KERNEL]
    httpd = ours[opensips_profile.HTTPD]
    text = f"{own:.0%} making the page, {httpd:.0%} httpd.so"
    return results.Target(*PROFILE_TARGET, text, own > 0.5 and httpd <= HTTPD_SHARE)


def _run(setup, tree):
    """Rounds by load and name, notes on the page, profiles or why there are none, and memory."""
    running = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            for name, module in ((STOCK, tree.stock), (OURS, tree.ours)):
                running.append(OpenSips(name, tree, module, folder, setup.cores[0]))
            page = _check_pages(running)
            rounds = {load: {server.name: [] for server in running} for load in LOADS}
            for load in LOADS:
                for number in range(setup.rounds):
                    title = f"{load.title}: round {number + 1}/{setup.rounds}"
                    found = costs.one_round(title, running, lambda server, load=load: _round(server, load, setup))
                    for name, one in found.items():
                        rounds[load][name].append(one)
            memory = {server.name: server.own_memory() for server in running}
            profiles, reason = _profiles(running, setup, folder)
            for server in running:
                server.stop()
            return rounds, page, profiles, reason, memory
        finally:
            for server in running:
                server.kill()


def _targets(rounds, profiles, reason):
    what, limit = CALL_TARGET
    targets = [costs.ratio_target(rounds[CALL], OURS, STOCK, limit, what)]
    targets += [costs.ratio_target(rounds[load], OURS, STOCK, SCRAPE_LIMIT, text, lambda one: one.rate, at_most=False,
                                   label="rate") for load, text in SCRAPE_TARGETS.items()]
    targets.append(_profile_target(profiles) if profiles else results.not_measured(*PROFILE_TARGET, reason))
    return targets


def _not_measured(reason):
    wanted = [(CALL_TARGET[0], f"CPU a request ≤ {CALL_TARGET[1]:.2f} × {STOCK}"),
              *((text, f"rate ≥ {SCRAPE_LIMIT:.2f} × {STOCK}") for text in SCRAPE_TARGETS.values()), PROFILE_TARGET]
    return [results.not_measured(*one, reason) for one in wanted]


def measure(setup):
    part = results.Part("opensips", "In OpenSIPS", INTRODUCTION)
    try:
        tree = Tree(setup.build)
    except Unavailable as reason:
        part.targets = _not_measured(str(reason))
        return part
    rounds, (size, closing), profiles, reason, memory = _run(setup, tree)
    closes = " and ".join(closing) or "neither of the two"
    notes = {SCRAPE: f"The page has {size:,} bytes, with the same metrics in both. Of its own accord {closes} closes "
             "the connection behind a page; its clients open a new one for each."}
    part.tables = [costs.table(load.title, rounds[load], note=notes.get(load, "")) for load in LOADS]
    if profiles:
        part.tables.append(_profile_table(profiles, rounds))
    else:
        part.tables[-1].note = f"There is no profile: {reason}."
    part.tables.append(results.Table("Memory of the HTTPD process after these loads, without what is shared",
                                     ["server", "KiB"],
                                     [[name, f"{count / 1024:,.0f}"] for name, count in memory.items()]))
    part.targets = _targets(rounds, profiles, reason)
    part.versions = opensips_host.versions(tree)
    return part
