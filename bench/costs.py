# What a server costs under a load: rounds of all servers in turn, and the table that they make.
# SPDX-License-Identifier: GPL-2.0-or-later
import sys

import loads
import results

NOT_THERE = "{} is not installed"


def one_round(title, candidates, run):
    """Name -> what `run(server)` returns, of each server once."""
    found = {}
    for server in candidates:
        print(f"bench: {title}: {server.name}", file=sys.stderr)
        found[server.name] = run(server)
    return found


def table(title, rounds, unit="request", note=""):
    """`rounds`: name -> loads.Round of each round, in the order of the rows."""
    heads = ["server", f"CPU µs a {unit} (min … max)", "user", "system", "× first row", f"{unit}s/s (min … max)",
             "× first row"]
    first = next(iter(rounds.values()))
    rows = []
    for name, row in rounds.items():
        cpu, rate = [one.cpu for one in row], [one.rate for one in row]
        rows.append([name, results.span(cpu), results.number(results.median([one.user for one in row])),
                     results.number(results.median([one.system for one in row])),
                     f"{results.ratio(cpu, [one.cpu for one in first]):.2f}", results.span(rate, ",.0f"),
                     f"{results.ratio(rate, [one.rate for one in first]):.2f}"])
    return results.Table(title, heads, rows, note)


def ratio_target(rounds, ours, peer, limit, what, figure=lambda one: one.cpu, at_most=True, label="CPU a request"):
    """A target for the ratio of two servers, round by round."""
    wanted = f"{label} {'≤' if at_most else '≥'} {limit:.2f} × {peer}"
    if peer not in rounds:
        return results.not_measured(what, wanted, NOT_THERE.format(peer))
    ratios = [figure(mine) / figure(other) for mine, other in zip(rounds[ours], rounds[peer], strict=True)]
    return results.target(what, wanted, results.median(ratios), limit, at_most, f"{results.span(ratios)} ×")


def wrk_round(setup, load):
    return lambda server: loads.run_round(server, load, setup.cores[1], setup.seconds)
