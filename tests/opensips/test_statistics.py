# Statistics of root paths and health, in a real OpenSIPS. SPDX-License-Identifier: GPL-2.0-or-later
import re

import opensips
import pytest

pytestmark = pytest.mark.ours


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    modules = [("mi_http", {}), ("prometheus", {"statistics": ["httpd:"]})]
    with opensips.OpenSips(tmp_path_factory.mktemp("statistics"), modules, httpd={"health_root": "health"}) as started:
        yield started


def statistics(server):
    return server.mi("get_statistics", {"statistics": ["httpd:"]})


def test_roots_have_theirs(server):
    server.ask("GET", "/metrics")
    server.ask("PUT", "/metrics")
    now = statistics(server)
    assert now["httpd:requests_metrics_get_2xx"] >= 1
    assert now["httpd:requests_metrics_other_4xx"] == 1
    assert now["httpd:handler_time_metrics_count"] >= 1
    assert now["httpd:handler_time_metrics_us"] > 0
    assert now["httpd:refusals_method_not_allowed"] == 1
    assert ("httpd:queue_time_mi_count" in now) == (opensips.WORKERS is not None)


def test_opensips_own_prometheus_tells_them(server):
    server.ask("GET", "/metrics")
    text = server.ask("GET", "/metrics").body.decode()
    assert int(re.search(r"^opensips_requests_metrics_get_2xx (\d+)$", text, re.M)[1]) >= 1
    assert int(re.search(r"^opensips_handler_time_metrics_count (\d+)$", text, re.M)[1]) >= 1
    assert re.search(r"^opensips_refusals_no_such_root \d+$", text, re.M)


def test_health(server):
    assert server.ask("GET", "/health/live").status == 200
    assert server.ask("GET", "/health/ready").status == 200
    roots = server.mi("httpd_list_root_path")
    assert {"http_root": "health", "module": "httpd"} in roots
