# Daemons that run, and are slow, stuck, or full, or not what their configuration says now.
# SPDX-License-Identifier: GPL-2.0-or-later
import contextlib
import json
import signal

import certificates
import daemon
from rawhttp import request
from symptoms import curl, shows, url
from test_mi_fifo import Fifo
from test_workers import open_files
from waiting import wait_until

PROBES = {"mi_http.so": {}, daemon.WORKER_PROBE: {}, daemon.CPP_PROBE: {}}


def with_fifo(place, **httpd):
    """A daemon that is asked over the FIFO, too, and a function that does so."""
    folder = place.new_folder()
    server = place.start({**PROBES, "mi_fifo.so": {"fifo_name": folder / "fifo", "reply_dir": folder}}, httpd)
    fifo = Fifo(server, folder)

    def ask(method):
        answer = fifo.ask(json.dumps({"jsonrpc": "2.0", "method": method, "id": 1}))
        return json.dumps(answer, separators=(",", ":"))

    return server, ask


def told(ask, text):
    """What `httpd_requests` answers, once it holds `text`."""
    wait_until(lambda: text in ask("httpd_requests"))
    return ask("httpd_requests")


@shows("One slow handler holds up everybody")
def slow_handler(place):
    server, ask = with_fifo(place, workers=None, health_root="health")
    with server.connect() as client:
        client.send(request("GET", "/sleep/1500"))
        seen = told(ask, '"State":"running"')
        return seen + curl("-m", "0.5", url(server, "/health/live"))


@shows("Requests wait in the queue")
def queue(place):
    server, ask = with_fifo(place, workers=1)
    with server.connect() as first, server.connect() as second:
        for client in (first, second):
            client.send(request("GET", "/sleep/1000"))
        return told(ask, '"Queue":[{')


@shows("A handler is stuck")
def stuck(place):
    server, ask = with_fifo(place, workers=1, health_root="health", stuck_timeout=1, handler_timeout=1)
    with server.connect() as client:
        client.send(request("GET", "/sleep/3000"))
        assert client.read_reply().status == 504
        wait_until(lambda: server.ask("GET", "/health/ready").status == 503)
        return curl(url(server, "/health/ready")) + told(ask, '"State":"overdue"')


@shows("Memory grows")
def waiting_bytes(place):
    server = place.start(PROBES)
    with server.connect() as client:
        client.send(request("GET", "/large/50000000"))
        wait_until(lambda: server.mi("get_statistics", [["bytes_waiting"]])["httpd:bytes_waiting"] > 1000000)
        return json.dumps(server.mi("get_statistics", [["httpd:"]]), separators=(",", ":"))


@shows("Descriptors run out")
def no_descriptors(place):
    with open_files(100):
        server = place.start(httpd={"workers": None, "max_connections": 5000, "max_client_connections": 5000})
    with contextlib.ExitStack() as stack:
        for _ in range(110):
            stack.enter_context(server.connect())
        server.wait_log("cannot accept connections")
    return ""


def change(server, **httpd):
    """Writes the configuration anew, with these parameters of httpd."""
    server.file.write_text(daemon.config({"httpd.so": {**server.httpd, **httpd}, **server.modules}))


def command(server, method):
    with server.connect() as client:
        body = json.dumps({"jsonrpc": "2.0", "method": method, "id": 1}).encode()
        return client.ask(request("POST", "/mi", "Content-Type: application/json", body=body)).body.decode()


@shows("A reload changes nothing")
def not_reloadable(place):
    server = place.start()
    change(server, port=daemon.free_port())
    server.process.send_signal(signal.SIGHUP)
    return server.wait_log("takes a restart")


@shows("A reload fails")
def failed_reload(place):
    server = place.start()
    change(server, conn_timeout=-1)
    seen = command(server, "httpd_reload")
    server.process.send_signal(signal.SIGHUP)
    return seen + server.wait_log("configuration not read again")


@shows("Clients see an old certificate")
def old_certificate(place):
    expired = place.authority().issue(begin=certificates.LONG_AGO, end=certificates.YESTERYEAR)
    server = place.start(httpd=certificates.parameters(expired))
    return curl("--cacert", place.authority().certificate, url(server, scheme="https", host="localhost"))


@shows("New certificates are not taken")
def half_renewed(place):
    served = place.certificate().put(place.new_folder())
    server = place.start(httpd=certificates.parameters(served))
    served.file.write_bytes(place.authority().issue().file.read_bytes())
    return command(server, "httpd_tls_reload") + server.wait_log("the certificates from before stay in service")
