# What OpenSIPS's profiling (from 4.0 on) tells of the HTTPD process. SPDX-License-Identifier: GPL-2.0-or-later
import json
import socket

import opensips
import pytest

pytestmark = [
    pytest.mark.skipif(opensips.TREE is not None and opensips.major() < 4, reason="there is no profiling before 4.0"),
    pytest.mark.skipif(opensips.TREE is not None and not opensips.is_built("event_datagram"),
                       reason="the tree's module event_datagram is not built")]


def events(subscriber, count):
    received = [json.loads(subscriber.recv(65536))["params"] for _ in range(count)]
    return [(event["verb"], event["name"], event["depth"]) for event in received]


@pytest.mark.parametrize("workers", [None, pytest.param(1, marks=pytest.mark.ours)])
def test_calls_of_handlers_are_profiled(start, workers):
    server = start([("event_datagram", {}), ("mi_http", {}), ("mi_html", {"root": "html"})], {"workers": workers})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as subscriber:
        subscriber.bind(("127.0.0.1", 0))
        subscriber.settimeout(10)
        address = f"udp:127.0.0.1:{subscriber.getsockname()[1]}"
        process = "HTTPD worker 1" if workers else f"HTTPD 127.0.0.1:{server.port}"
        pid = next(entry["PID"] for entry in server.mi("ps")["Processes"] if entry["Type"] == process)
        assert server.ask_fifo("event_subscribe", ["E_PROFILING_PROC", address])["result"] == "OK"
        assert server.ask_fifo("profiling_proc", {"pid": pid, "level": 2})["result"] == "OK"
        assert server.ask("GET", "/nowhere").status in (400, 404)  # no handler is called
        for path, name in [("/html/core", "HTTPD_CB /core"), ("/html", "HTTPD_CB ")]:
            assert server.ask("GET", path).status == 200
            assert events(subscriber, 4) == [("start", process, 0), ("enter", name, 1), ("exit", "HTTPD_CB", 0),
                                             ("end", process, 0)]
