# What others say about the daemon: Prometheus, the console's page, opensips-cli, nginx and HAProxy.
# SPDX-License-Identifier: GPL-2.0-or-later
import shutil
from unittest import mock

import daemon
import folders
import frontproxies
import prometheusserver
import pytest
from consoleevents import Events
from symptoms import as_nobody, curl, is_root, run, shows, url

PROBES = {"mi_http.so": {}, daemon.WORKER_PROBE: {}}


@shows("A target is down in Prometheus")
def target_down(place):
    if not prometheusserver.is_installed():
        pytest.skip("the package prometheus is not installed")
    bare = place.start()
    guarded = place.start({"prometheus.so": {}}, {"auth_username": "operator", "auth_password": "secret"})
    scraper = prometheusserver.Prometheus(place.new_folder(), "down", [bare.port, guarded.port, daemon.free_port()])
    try:
        scraper.wait("up", lambda values: values == [0.0] * 3)
        return "\n".join(target["lastError"] for target in scraper.api("targets")["activeTargets"])
    finally:
        scraper.__exit__()


@shows("The console is not there, or stands still")
def no_console(place):
    bare, crowded = place.start(), place.start({"mi_http.so": {}, "console.so": {"max_viewers": 1}})
    with Events(crowded):
        return curl(url(bare, "/console/")) + curl(url(crowded, "/console/events")) + curl(
            "-H", "Origin: https://sip1.example", "--json", "{}", url(crowded))


def opensips_cli(*arguments, before=()):
    if shutil.which("opensips-cli") is None:
        pytest.skip("opensips-cli is not installed")
    return run(*before, "opensips-cli", "-f", "/dev/null", *arguments)


@shows("opensips-cli does not find the FIFO")
def no_fifo(place):
    return opensips_cli("-o", f"fifo_file={place.folder}/no", "-o", f"fifo_file_fallback={place.folder}/none",
                        "-x", "mi", "ps")


@shows("opensips-cli may not use the FIFO")
def forbidden_fifo(place):
    if not is_root():
        pytest.skip("only root can ask as another user")
    with folders.public_folder() as folder:
        place.start({"mi_fifo.so": {"fifo_name": folder / "fifo"}})
        return opensips_cli("-o", f"fifo_file={folder}/fifo", "-x", "mi", "ps", before=as_nobody())


@shows("opensips-cli over HTTP")
def wrong_address(place):
    server = place.start()
    return "".join(opensips_cli("-o", "communication_type=http", "-o", f"url=http://127.0.0.1:{port}/wrong", "-x", "mi", "ps")
                   for port in (server.port, daemon.free_port()))


@shows("opensips-cli does not know a command")
def no_command(place):
    return opensips_cli("-o", "communication_type=http", "-o", f"url={url(place.start())}", "-x", "mi", "nope")


def behind(place, kind, port, **settings):
    """A proxy of this kind before a port, and the folder of its logs."""
    if frontproxies.program(f"{kind}-careful") is None:
        pytest.skip(f"{kind} is not installed")
    _, text, usual = frontproxies.CONFIGURATIONS[f"{kind}-careful"]
    folder = place.new_folder()
    with mock.patch.dict(frontproxies.CONFIGURATIONS, {kind: (kind, text, {**usual, **settings})}):
        return place.enter(frontproxies.Proxy(folder, kind, port, lambda: 0)), folder


@shows("502 Bad Gateway from nginx")
def bad_gateway(place):
    server = place.start(PROBES, {"workers": None})
    (lost, logs), (cut, more_logs) = behind(place, "nginx", daemon.free_port()), behind(place, "nginx", server.port)
    seen = curl(url(lost)) + curl(url(cut, "/crash/kill"))
    return seen + (logs / "error.log").read_text() + (more_logs / "error.log").read_text()


@shows("504 from nginx")
def gateway_timeout(place):
    server = place.start(PROBES)
    proxy, logs = behind(place, "nginx", server.port, location="proxy_read_timeout 500ms;")
    return curl(url(proxy, "/sleep/1000")) + (logs / "error.log").read_text()


@shows("503 from HAProxy")
def no_server(place):
    proxy, _ = behind(place, "haproxy", daemon.free_port(), backend="retries 0")
    return curl(url(proxy))


@shows("All clients have the address of the proxy")
def address_of_the_proxy(place):
    log = place.new_folder() / "access.log"
    server = place.start(PROBES, {"access_log": str(log)})
    proxy, _ = behind(place, "nginx", server.port, location="proxy_set_header X-Forwarded-For 192.0.2.1;")
    curl(url(proxy, "/fast"))
    server.stop()
    return log.read_text()
