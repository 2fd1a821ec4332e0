# Three machines behind HAProxy and nginx, with the files of examples/scale/: a rolling restart loses no request, and TLS
# sessions go on with whatever machine comes next. SPDX-License-Identifier: GPL-2.0-or-later
import balancers
import pytest
import steadyload
from machines import NAMES

ASK_FOR_HEALTH = ["haproxy-http", "haproxy-kept", "haproxy-tcp"]


@pytest.fixture(scope="module")
def site(tmp_path_factory, authority):
    if reason := balancers.why_not(balancers.KINDS):
        pytest.skip(reason)
    with balancers.Site(tmp_path_factory.mktemp("scale"), authority.issue(), balancers.KINDS) as made:
        yield made


def test_a_rolling_restart_fails_no_request(site):
    with steadyload.Load(site.network, site.fronts.values()) as load:
        for name in NAMES:
            load.wait_served(name, 5, balancers.KINDS)
        for machine in site.machines:
            machine.stop()
            machine.start_again()
            site.wait_up(machine.name)
            load.wait_served(machine.name, 5, ASK_FOR_HEALTH)
        for name in NAMES:
            load.wait_served(name, 5, balancers.KINDS)
    assert load.failures == []
