#!/usr/bin/python3
# Takes the pictures of the console that the documentation has, docs/console-light.png and docs/console-dark.png, of a
# daemon under some load. Called by `make screenshots` after the build. SPDX-License-Identifier: GPL-2.0-or-later
import argparse
import datetime
import math
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))

import certificates  # noqa: E402
import daemon  # noqa: E402
import png  # noqa: E402
import rawhttp  # noqa: E402
from consolepage import Console  # noqa: E402
from page import Browser  # noqa: E402
from waiting import wait_until  # noqa: E402

DOCS = ROOT / "docs"
LARGEST = 200_000  # bytes of a picture
MODULES = {"mi_http.so": {}, "console.so": {}, "prometheus.so": {}, "hello_c.so": {}, "hello_cpp.so": {},
           daemon.WORKER_PROBE: {}}
HTTPD = {"port": 8443, "workers": 4}
SITES = {"sip.example.org": 390, "mi.example.org": 19}  # the names of certificates, and the days they have left
HOST = "sip.example.org"
COMMAND = "get_statistics httpd:tls_handshakes httpd:tls_resumed"
CALL = b'{"jsonrpc":"2.0","method":"ps","id":1}'


def issue(folder):
    """Certificates in a folder, by the names of their files there: what the picture shows is not this machine's."""
    authority = certificates.Authority(folder, "Example Authority")
    files = {"tls_cert_file": [], "tls_key_file": []}
    for name, days in SITES.items():
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days, hours=1)
        issued = authority.issue(name, (f"DNS:{name}",), end=f"{end:%Y%m%d%H%M%SZ}")
        for parameter, file, suffix in (("tls_cert_file", issued.file, "pem"), ("tls_key_file", issued.key, "key")):
            file.rename(folder / f"{name}.{suffix}")
            files[parameter].append(f"{name}.{suffix}")
    return files


class Traffic:
    """Clients that ask for this and that, more and less as time goes by, until `over` is set."""

    def __init__(self, server):
        self.server = server
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(6)]
        for thread in self.threads:
            thread.start()

    def _run(self, number):
        chance = random.Random(number)
        while not self.over.is_set():
            try:
                with self.server.connect(timeout=30, source=f"127.0.0.{number % 3 + 1}") as client:
                    for _ in range(chance.randint(20, 400)):
                        self._ask(client, chance)
                        tide = 1.1 + math.sin(time.monotonic() / 23) + 0.4 * math.sin(time.monotonic() / 5)
                        if self.over.wait(chance.expovariate(30 * max(tide, 0.1))):
                            return
            except (OSError, AssertionError):
                self.over.wait(0.2)

    @staticmethod
    def _ask(client, chance):
        kind = chance.random()
        if kind < 0.005:
            client.ask(rawhttp.request("GET", "/no-file"))  # a 500
        elif kind < 0.03:
            client.ask(rawhttp.request("GET", "/no/such/page"))
        elif kind < 0.2:
            client.ask(rawhttp.request("POST", "/mi", "Content-Type: application/json", body=CALL))
        elif kind < 0.26:
            client.ask(rawhttp.request("GET", "/metrics"))
        elif kind < 0.5:
            client.ask(rawhttp.request("GET", f"/sleep/{min(200, int(chance.paretovariate(1.2)))}"))
        else:
            client.ask(rawhttp.request("GET", chance.choice(["/hello-cpp?name=x", "/hello?name=x"])))

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


def take(seconds):
    with tempfile.TemporaryDirectory(prefix="httpd-") as name:
        folder = Path(name)
        with daemon.Daemon(folder, MODULES, {**HTTPD, **issue(folder)}) as server, \
                Browser({HOST: "127.0.0.1"}) as browser:
            traffic = Traffic(server)
            try:
                time.sleep(seconds)
                console = Console(browser, server, host=HOST, ignoreHTTPSErrors=True,
                                  viewport={"width": 1280, "height": 1000})
                console.wait_state("live")
                print(console.run(COMMAND))
                for scheme in ("light", "dark"):
                    console.page.set_color_scheme(scheme)
                    wait_until(lambda: console.painted("plot-requests", "a") > 0, "no plot in the scheme's colours", 60)
                    file = DOCS / f"console-{scheme}.png"
                    console.page.screenshot(file)
                    file.write_bytes(png.shrunk(file.read_bytes()))
                    size = file.stat().st_size
                    print(f"{file.relative_to(ROOT)}: {size:,} bytes")
                    if size > LARGEST:
                        raise SystemExit(f"{file} is larger than {LARGEST:,} bytes")
            finally:
                traffic.end()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="Takes the console's pictures.")
    arguments.add_argument("--seconds", type=int, default=310, help="for how long there is traffic before (%(default)s)")
    take(arguments.parse_args().seconds)
