# Three machines behind HAProxy and nginx, with the files of examples/scale/: a rolling restart loses no request, and TLS
# sessions go on with whatever machine comes next. SPDX-License-Identifier: GPL-2.0-or-later
import ssl

import balancers
import namespaces
import pytest
import rawtls
import steadyload
from eventsource import EventSource
from machines import NAMES, RIGHTS
from rawhttp import request

ASK_FOR_HEALTH = ["haproxy-http", "haproxy-kept", "haproxy-tcp"]


@pytest.fixture(scope="module")
def site(tmp_path_factory, authority):
    if reason := balancers.why_not(balancers.KINDS):
        pytest.skip(reason)
    with balancers.Site(tmp_path_factory.mktemp("scale"), authority.issue(), balancers.KINDS) as made:
        yield made


@pytest.mark.parametrize("kind", balancers.KINDS)
def test_what_clients_and_machines_see(site, kind):
    front = site.fronts[kind]
    with front.connect() as client:
        lies = "X-Forwarded-For: 203.0.113.1", "Forwarded: for=203.0.113.1"
        reply = client.ask(request("GET", "/who", RIGHTS, *lies))
        assert f'client "{namespaces.CLIENTS}"'.encode() in reply.body, reply
    with front.connect() as client:
        assert client.ask(request("GET", "/health/ready")).status in (403, 404), "it is for balancers alone"
    with EventSource(front, "/events/stream", RIGHTS) as events:
        assert events.next(timeout=5)[0] == "clock", "it waits in a buffer"
    with front.connect(port=443, tls=front.tls) as client:
        assert client.ask(request("GET", "/files/who", RIGHTS)).status == 200


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("kind", sorted(balancers.OVER_TLS))
def test_a_session_is_taken_up_by_the_next_machine(site, kind, version):
    settings, session, begun_at = rawtls.context(version=version), None, None
    resumed_by = set()
    for _ in range(12):
        with site.fronts[kind].connect(tls=settings, session=session) as client:
            name = client.ask(request("GET", "/files/who", RIGHTS)).body.decode()
            if session is None:
                session, begun_at = client.tls.session, name
            else:
                assert client.tls.session_reused, f"{name} does not take up what {begun_at} began"
                resumed_by.add(name)
    assert resumed_by == set(NAMES)


def test_a_rolling_restart_fails_no_request(site):
    with steadyload.Load(site.fronts.values()) as load:
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
