# Logs that say too little. SPDX-License-Identifier: GPL-2.0-or-later
import fcntl
import signal
import subprocess
import time

import daemon
import rawhttp
from symptoms import curl, shows, url

FEW_BYTES = 4096  # what a reader of the log that stands still leaves room for


@shows("Nothing in the log")
def silent(place):
    server = place.start(log_level=2)
    seen = curl("-i", url(server, "/nowhere"))
    assert "/nowhere" not in server.log()
    server.mi("log_level", [3])
    curl(url(server, "/nowhere"))
    assert "/nowhere" in server.log()
    return seen


def flood(port, target, requests=30):
    with rawhttp.Client(port) as client:
        for _ in range(requests):
            client.ask(rawhttp.request("GET", target))


@shows("Lines are missing")
def lost_lines(place):
    server = place.start()
    flood(server.port, "/nowhere")
    file, port = place.new_folder() / "httpd.cfg", daemon.free_port()
    file.write_text(daemon.config({"httpd.so": {"ip": "127.0.0.1", "port": port}}))
    with subprocess.Popen([daemon.BINARY, "-f", file], stderr=subprocess.PIPE) as process:
        try:
            assert b"listening on" in process.stderr.readline()
            fcntl.fcntl(process.stderr, fcntl.F_SETPIPE_SZ, FEW_BYTES)
            flood(port, "/" + "x" * 1000)
            time.sleep(1.1)  # then lines about requests are written again
            assert len(process.stderr.read1(FEW_BYTES)) > 0
            flood(port, "/nowhere", 1)
            flood(server.port, "/nowhere", 1)
            server.wait_log("held back")
        finally:
            process.send_signal(signal.SIGTERM)
        return process.stderr.read().decode()


@shows("The access log is not rotated")
def not_rotated(place):
    log = place.new_folder() / "access.log"
    server = place.start(httpd={"access_log": str(log)})
    log.rename(log.with_suffix(".1"))
    log.mkdir()  # what cannot be opened as a file, for root neither
    server.process.send_signal(signal.SIGUSR1)
    return server.wait_log("cannot be opened again")
