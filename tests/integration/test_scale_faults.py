# Three machines behind HAProxy, one of which loses its cable; and upgrades behind it.
# SPDX-License-Identifier: GPL-2.0-or-later
import re
import signal
import time

import balancers
import generations
import pytest
import rawhttp
import steadyload
import waiting
from machines import NAMES, RIGHTS

KIND = "haproxy-http"
HELD = 3000  # milliseconds that requests take which are in flight when the cable is pulled
NUMBERS = 10**9  # those of the load are lower


@pytest.fixture
def site(tmp_path, authority):
    if reason := balancers.why_not([KIND]):
        pytest.skip(reason)
    with balancers.Site(tmp_path, authority.issue(), [KIND]) as made:
        yield made


class Held:
    """A request that a machine has for HELD milliseconds."""

    def __init__(self, front, number):
        self.number = number
        self.client = front.connect(steadyload.PATIENCE)
        self.client.send(rawhttp.request("GET", f"/keep/{HELD}?n={number}", RIGHTS))

    def succeeds(self):
        try:
            return self.client.read_reply().status == 200
        except (OSError, rawhttp.BadReply):
            return False
        finally:
            self.client.close()


def held_by(machine):
    listed = machine.mi("httpd_requests")["Handlers"]
    found = (re.match(rf"GET /keep/{HELD}\?n=(\d+) ", entry["Request"]) for entry in listed)
    return {int(match[1]) for match in found if match}


def test_a_pulled_cable_costs_what_was_on_it(site):
    front, (pulled, *others) = site.fronts[KIND], site.machines
    held = []

    def hold_one_more():
        held.append(Held(front, NUMBERS + len(held)))
        time.sleep(0.05)
        return held_by(pulled) and len(held) >= 4

    with steadyload.Load([front]) as load:
        load.wait_served(pulled.name, 5, [KIND])
        waiting.wait_until(hold_one_more)
        on_it = held_by(pulled)
        site.network.pull(0)
        begin = time.monotonic()
        # Two checks: the first one comes within 0.5 s, has 0.5 s to connect, and so has the next one, 0.2 s later.
        front.wait_state(pulled.name, "DOWN", 5)
        for machine in others:
            load.wait_served(machine.name, 20, [KIND])
        lost = {one.number for one in held if not one.succeeds()}
        assert lost == on_it
        # Those of the balancer are dead, and nothing tells the machine so but its own limits.
        waiting.wait_until(lambda: pulled.mi("get_statistics", [["open_connections"]]) == {"httpd:open_connections": 1},
                           "the dead connections stay open", 15)
        before = load.served()[pulled.name]
        site.network.plug(0)
        front.wait_state(pulled.name, "UP")
        load.wait_served(pulled.name, 5, [KIND])
    assert before < load.served()[pulled.name]
    for failure in load.failures:
        assert failure.begun < begin, f"{failure} came {failure.begun - begin} s after the cable was pulled"
        # HAProxy closes a connection on which there was a request before without a reply and without a line in its log.
        # Only what is on the lost machine waits for tcp-ut before that.
        name, status, _ = front.log.requests.get(failure.number, (pulled.name, -1, ""))
        assert name == pulled.name and status != 200 and failure.seconds > 2.5, failure
    assert sum(load.served().values()) > 100


def test_a_machine_that_was_taken_out_by_hand_may_die(site):
    """What has no drain_delay, such as OpenSIPS, is taken out first. SIGKILL is as sudden as an end can be."""
    front, machine = site.fronts[KIND], site.machines[0]
    with steadyload.Load([front]) as load:
        load.wait_served(machine.name, 5, [KIND])
        front.ask(f"set server machines/{machine.name} state drain")
        waiting.wait_until(lambda: front.sessions()[machine.name] == 0, "it keeps requests", 10)
        machine.kill()
        machine.start_again()
        front.ask(f"set server machines/{machine.name} state ready")
        site.wait_up(machine.name)
        load.wait_served(machine.name, 5, [KIND])
    assert load.failures == []


def test_upgrades_fail_no_request(site):
    front = site.fronts[KIND]
    with steadyload.Load([front]) as load:
        load.wait_served(NAMES[0], 5, [KIND])
        upgraded = [generations.Generations(machine) for machine in site.machines]
        old = [one.upgrade() for one in upgraded]
        for one, pid in zip(upgraded, old):
            one.gone(pid)
            assert one.attendant != pid
        for name in NAMES:
            load.wait_served(name, 5, [KIND])
    assert load.failures == []
    assert front.states() == dict.fromkeys(NAMES, "UP")
    assert not [line for _, line in front.log.lines if " is DOWN" in line]
    for one in upgraded:
        one.signal(signal.SIGTERM)
