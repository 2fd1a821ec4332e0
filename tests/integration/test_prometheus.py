# The module prometheus: both formats, what its numbers count, a real server that scrapes it, and the alert rules and
# the dashboard that come with it. SPDX-License-Identifier: GPL-2.0-or-later
import gzip
import json
import re
import time

import daemon
import prometheusserver
import pytest
import rawhttp

PACKAGING = daemon.ROOT / "packaging"
ALERTS = PACKAGING / "prometheus" / "alerts.yml"
OPENMETRICS = "Accept: application/openmetrics-text;version=1.0.0;q=0.9,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
JOB = "opensips-httpd"

needs_prometheus = pytest.mark.skipif(not prometheusserver.is_installed(), reason="prometheus is not installed")


def modules():
    return {"prometheus.so": {}, "mi_http.so": {}, "hello_cpp.so": {}, daemon.WORKER_PROBE: {}}


@pytest.fixture(scope="module", params=[0, 2], ids=["alone", "workers"])
def server(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prometheus")
    with daemon.Daemon(folder, modules(), httpd={"workers": request.param}) as started:
        started.ask("GET", "/metrics")  # so that there is a request to tell of
        yield started


def metrics(server, *fields):
    reply = server.ask("GET", "/metrics", *fields)
    assert reply.status == 200
    return reply


def samples(server):
    """Name with labels -> value."""
    lines = metrics(server).body.decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def delta(before, after, name):
    return after.get(name, 0) - before.get(name, 0)


@needs_prometheus
def test_promtool_has_nothing_to_say(server):
    reply = metrics(server)
    assert reply.field("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    assert prometheusserver.promtool("check", "metrics", text=reply.body.decode()) == (0, "")


def test_openmetrics_for_who_asks_for_it(server):
    parser = pytest.importorskip("prometheus_client.openmetrics.parser")
    reply = metrics(server, OPENMETRICS)
    assert reply.field("Content-Type") == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert reply.body.endswith(b"\n# EOF\n")
    families = {family.name: family for family in parser.text_string_to_metric_families(reply.body.decode())}
    assert families["httpd_requests"].type == "counter"
    assert families["httpd_build"].type == "info"
    assert families["httpd_handler_time_seconds"].type == "histogram"
    assert families["httpd_handler_time_seconds"].unit == "seconds"
    assert families["process_resident_memory_bytes"].unit == "bytes"


def test_both_formats_tell_the_same_series(server):
    def names(text):
        return {line.rpartition(" ")[0] for line in text.decode().splitlines() if not line.startswith("#")}

    metrics(server)
    assert names(metrics(server).body) == names(metrics(server, OPENMETRICS).body)


def test_it_is_compressed_for_who_takes_that(server):
    reply = metrics(server, "Accept-Encoding: gzip")
    assert reply.field("Content-Encoding") == "gzip"
    assert {token for value in reply.all("Vary") for token in value.lower().replace(" ", "").split(",")} == {
        "accept", "accept-encoding"}
    assert b"httpd_requests_total{" in gzip.decompress(reply.body)


@pytest.mark.parametrize(("method", "target", "status"), [
    ("HEAD", "/metrics", 200), ("GET", "/metrics/", 200), ("GET", "/metrics/else", 404), ("POST", "/metrics", 405)])
def test_the_path_and_the_method(server, method, target, status):
    assert server.ask(method, target).status == status


def test_requests_are_counted_by_root_method_and_status(server):
    server.ask("GET", "/metrics")
    before = samples(server)
    with server.connect() as client:
        for target in ("/hello-cpp?name=a", "/hello-cpp?name=b", "/nowhere"):
            client.ask(rawhttp.request("GET", target))
        client.ask(rawhttp.request("DELETE", "/hello-cpp"))
    after = samples(server)
    assert delta(before, after, 'httpd_requests_total{root="hello-cpp",method="GET",status="2xx"}') == 2
    assert delta(before, after, 'httpd_requests_total{root="hello-cpp",method="other",status="4xx"}') == 1
    assert delta(before, after, 'httpd_requests_total{root="",method="GET",status="4xx"}') == 1
    assert delta(before, after, 'httpd_handler_time_seconds_count{root="hello-cpp"}') == 2
    assert delta(before, after, 'httpd_refusals_total{reason="no_such_root",parameter="",status="404"}') == 1
    assert delta(before, after, "httpd_accepted_connections_total") == 2


def test_times_of_handlers(server):
    before = samples(server)
    server.ask("GET", "/sleep/30")
    after = samples(server)
    assert delta(before, after, 'httpd_handler_time_seconds_count{root="sleep"}') == 1
    assert delta(before, after, 'httpd_handler_time_seconds_bucket{root="sleep",le="0.025"}') == 0
    assert 0.03 <= delta(before, after, 'httpd_handler_time_seconds_sum{root="sleep"}') < 20


def test_what_is_in_progress(server):
    now = samples(server)
    assert now["httpd_requests_in_progress"] == 1, "this one"
    assert now["httpd_open_connections"] == 1
    with server.connect() as idle:
        idle.ask(rawhttp.request("GET", "/hello-cpp?name=a"))
        assert samples(server)["httpd_idle_connections"] == 1
    workers = server.httpd.get("workers", 0)
    assert now["httpd_workers"] == workers
    assert now["httpd_busy_workers"] == (1 if workers else 0)


def test_every_process_has_its_figures(server):
    now = samples(server)
    names = ["attendant", "HTTPD", *(f"HTTPD worker {i + 1}" for i in range(server.httpd.get("workers", 0)))]
    for name in names:
        assert now[f'process_resident_memory_bytes{{process="{name}"}}'] > 1_000_000
        assert now[f'process_open_fds{{process="{name}"}}'] >= 3
        assert abs(now[f'process_start_time_seconds{{process="{name}"}}'] - time.time()) < 3600


def test_a_reset_does_not_touch_them(server):
    before = samples(server)
    server.mi("reset_all_statistics")
    assert server.mi("get_statistics", {"statistics": ["accepted_connections"]}) == {"httpd:accepted_connections": 1}
    assert delta(before, samples(server), "httpd_accepted_connections_total") == 3


@needs_prometheus
def test_the_alert_rules_are_good():
    code, said = prometheusserver.promtool("check", "rules", ALERTS)
    assert code == 0 and "SUCCESS" in said, said
    code, said = prometheusserver.promtool("check", "config", PACKAGING / "prometheus" / "scrape.yml")
    assert code == 0, said


def dashboard_expressions():
    """Panel's title -> its expressions, with the variables of the dashboard filled in."""
    dashboard = json.loads((PACKAGING / "grafana" / "opensips-httpd.json").read_text())
    filled = {}
    for panel in dashboard["panels"]:
        filled[panel["title"]] = [target["expr"].replace("$instance", ".*").replace("$__rate_interval", "5s")
                                  for target in panel["targets"]]
        assert not any("$" in expression for expression in filled[panel["title"]])
    return filled


@needs_prometheus
def test_a_prometheus_server_answers_from_it(server, tmp_path):
    with prometheusserver.Prometheus(tmp_path, JOB, server.port, rules=[ALERTS]) as prometheus:
        server.ask("GET", "/hello-cpp?name=a")
        answered = 'httpd_requests_total{root="hello-cpp",method="GET",status="2xx"}'
        ((labels, _),) = prometheus.wait(answered, lambda values: values and values[0] >= 1)
        assert labels["job"] == JOB
        prometheus.wait("rate(httpd_sent_bytes_total[5s])", lambda values: values and values[0] > 0)
        for title, expressions in dashboard_expressions().items():
            for expression in expressions:
                found = prometheus.query(expression)
                may_be_empty = "> 0" in expression or "queue_time" in expression and not server.httpd.get("workers")
                assert found or may_be_empty, f"panel {title} shows nothing: {expression}"
        groups = prometheus.api("rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        assert len(rules) == ALERTS.read_text().count("alert: ")
        assert [rule["name"] for rule in rules if rule["health"] == "err"] == []
        # A name with a mistake in it would be an alert that never comes.
        known = set(prometheus.api("label/__name__/values"))
        used = set(re.findall(r"\b(?:httpd|process)_\w+", " ".join(rule["query"] for rule in rules)))
        assert used - known == ({"httpd_queue_time_seconds_bucket"} if not server.httpd.get("workers") else set())


@needs_prometheus
def test_an_alert_fires_when_the_server_is_away(start, tmp_path):
    server = start(modules())
    rules = tmp_path / "alerts.yml"
    rules.write_text(ALERTS.read_text().replace("for: 1m", "for: 1s").replace("groups:\n  - name: opensips-httpd\n",
                     "groups:\n  - name: opensips-httpd\n    interval: 1s\n"))
    with prometheusserver.Prometheus(tmp_path, JOB, server.port, rules=[rules]) as prometheus:
        assert prometheus.query('ALERTS{alertname="HttpdDown"}') == []
        server.stop()
        prometheus.wait('ALERTS{alertname="HttpdDown",alertstate="firing"}', lambda values: values == [1.0])
