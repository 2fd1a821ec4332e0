# Measures plain HTTP: small requests on kept and on new connections, and the system calls that they take.
# SPDX-License-Identifier: GPL-2.0-or-later
import tempfile

import costs
import loads
import peers
import probes
import results
import servers
import syscalls
from loads import Load

GET = Load("GET, 500 bytes, connections kept")
PIPELINED = Load("GET, 500 bytes, 16 requests pipelined", "pipeline.lua")
POST = Load("POST of 100 bytes of JSON, sent back, connections kept", "post.lua", posts=True)
NEW = Load("GET, 500 bytes, a new connection for each request", "close.lua", closes=True)

# Those of a group go to the same servers, and take turns.
GROUPS = [[GET, PIPELINED], [POST], [NEW]]

INTRODUCTION = f"""Every reply to GET has a body of 500 bytes; a POST brings 100 bytes of JSON, and gets as many back.
{loads.CONNECTIONS} connections, one process on one core, the load generator (wrk, one thread) on another. Compare the
CPU time a request: the rate is often that of wrk."""

PRODUCTION_NOTE = """*production set-up* has limits for each address (connections and requests a second), access rules
and the names that it answers to; statistics, all limits of time and the level of the log are as by default. It
writes no access log."""


def _measure_group(setup, group):
    """Load -> name -> rounds, and what was found of system calls, which only the kept GET is looked at for."""
    with tempfile.TemporaryDirectory() as folder, \
            probes.started(peers.for_load(setup.build, folder, setup.cores[0], group[0])) as running:
        found = {load: {server.name: [] for server in running} for load in group}
        for load in group:
            for server in running:
                loads.check_reply(server, load)
        for number in range(setup.rounds):
            for load in group:
                title = f"{load.title}: round {number + 1}/{setup.rounds}"
                for name, rounds in costs.one_round(title, running, costs.wrk_round(setup, load)).items():
                    found[load][name].append(rounds)
        calls = syscalls.measure(setup, running, folder) if GET in group else {}
        return found, calls


def _targets(rounds, calls):
    get, post, new = "kept GET of 500 bytes", "POST of 100 bytes, echo", "GET on a new connection"
    ours = peers.OURS
    targets = [costs.ratio_target(rounds[GET], ours, peer, limit, get)
               for peer, limit in ((peers.RAW, 1.08), (peers.NGINX, 0.87), (peers.MHD, 0.85), (peers.H2O, 0.87))]
    targets.append(syscalls.target(calls, ours))
    targets.append(costs.ratio_target(rounds[GET], peers.PRODUCTION, peers.RAW, 1.20, f"{get}, production set-up"))
    targets += [costs.ratio_target(rounds[POST], ours, peer, limit, post)
                for peer, limit in ((peers.RAW, 1.12), (peers.MHD, 0.85))]
    pipelined = [deep.rate / one.rate for deep, one in zip(rounds[PIPELINED][ours], rounds[GET][ours], strict=True)]
    targets.append(results.target("GET, 16 requests pipelined", "rate ≥ 4 × unpipelined", results.median(pipelined), 4,
                                  at_most=False, text=f"{results.span(pipelined)} ×"))
    targets.append(costs.ratio_target(rounds[NEW], ours, peers.NGINX, 1.0, new, lambda one: one.rate, at_most=False,
                                      label="rate"))
    targets.append(costs.ratio_target(rounds[NEW], ours, peers.NGINX, 1.0, new))
    return targets


def measure(setup):
    rounds, calls = {}, {}
    for group in GROUPS:
        found, counted = _measure_group(setup, group)
        rounds |= found
        calls |= counted
    tables = [costs.table(load.title, rounds[load], note=PRODUCTION_NOTE if load is GET else "")
              for load in (GET, POST, PIPELINED, NEW)]
    if calls:
        tables.append(syscalls.table(calls))
    return results.Part("http", "Plain HTTP", INTRODUCTION, tables, _targets(rounds, calls),
                        versions=[*peers.versions(setup.build), servers.wrk_version()])
