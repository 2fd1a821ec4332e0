# prometheus: statistics as text, and a real Prometheus server that scrapes them. SPDX-License-Identifier: GPL-2.0-or-later
import gzip
import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import opensips
import pytest
from daemon import free_port

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


@pytest.mark.ours
def test_metrics_are_compressed_where_the_administrator_says_so(start):
    modules = [("mi_http", {}), ("prometheus", {"statistics": ["all"]})]
    server = start(modules, {"compress": "metrics"})
    reply = server.ask("GET", "/metrics", "Accept-Encoding: gzip")
    assert reply.field("Content-Encoding") == "gzip" and reply.tokens("Vary") == ["accept-encoding"]
    text = gzip.decompress(reply.body).decode()
    assert len(reply.body) < len(text) / 2
    plain = server.ask("GET", "/metrics").body.decode()
    assert re.findall(r"^\w+", text, re.M) == re.findall(r"^\w+", plain, re.M)
    assert server.ask("GET", "/mi", "Accept-Encoding: gzip").field("Content-Encoding") is None


def query(port, text):
    url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": text})
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return json.load(reply)["data"]["result"]
    except (urllib.error.URLError, ConnectionError):
        return []


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="the package prometheus is not installed")
def test_a_prometheus_server_scrapes_it(server, tmp_path):
    port = free_port()
    (tmp_path / "prometheus.yml").write_text(
        "scrape_configs:\n  - job_name: opensips\n    scrape_interval: 1s\n    scrape_timeout: 1s\n"
        f"    static_configs: [{{targets: ['127.0.0.1:{server.port}']}}]\n")
    process = subprocess.Popen(
        ["prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data",
         f"--web.listen-address=127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while not (found := query(port, 'up{job="opensips"}')) or found[0]["value"][1] != "1":
            assert time.monotonic() < deadline, found
            time.sleep(0.3)
        assert int(query(port, "opensips_total_size")[0]["value"][1]) > 0
    finally:
        process.terminate()
        process.wait(20)
