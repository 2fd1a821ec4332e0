# prometheus: statistics as text, and a real Prometheus server that scrapes them. SPDX-License-Identifier: GPL-2.0-or-later
import re

import opensips
import prometheusserver
import pytest

LINE = re.compile(r'[a-zA-Z_:][\w:]*(\{\w+="[^"]*"(,\w+="[^"]*")*\})? -?[\d.]+(e[+-]?\d+)?')


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    modules = [("mi_http", {}), ("prometheus", {"statistics": ["all"]})]
    with opensips.OpenSips(tmp_path_factory.mktemp("prometheus"), modules) as started:
        yield started


def test_the_text_is_well_formed(server):
    reply = server.ask("GET", "/metrics")
    assert reply.status == 200
    assert reply.field("Content-Type").startswith("text/plain; version=0.0.4")
    lines = reply.body.decode().splitlines()
    assert any(line.startswith("opensips_total_size ") for line in lines)
    for line in lines:
        assert not line or line.startswith("# ") or LINE.fullmatch(line), line


@pytest.mark.ours
def test_the_statistics_of_httpd_are_among_them(server):
    text = server.ask("GET", "/metrics").body.decode()
    before = int(re.search(r"^opensips_accepted_connections (\d+)$", text, re.M)[1])
    text = server.ask("GET", "/metrics").body.decode()
    assert int(re.search(r"^opensips_accepted_connections (\d+)$", text, re.M)[1]) == before + 1


@pytest.mark.skipif(not prometheusserver.is_installed(), reason="the package prometheus is not installed")
def test_a_prometheus_server_scrapes_it(server, tmp_path):
    with prometheusserver.Prometheus(tmp_path, "opensips", server.port) as prometheus:
        ((_, size),) = prometheus.query("opensips_total_size")
        assert size > 0
