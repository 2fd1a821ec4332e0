# Pages in a real browser that try things, and a site that serves them and hears what came of it.
# SPDX-License-Identifier: GPL-2.0-or-later
import http.server
import json
import shutil
import subprocess
import threading
import time

import daemon
import pytest

START_TIMEOUT = 60.0  # seconds: Chromium takes its time on a machine that is busy
OPTIONS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-proxy-server",
           "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--disable-sync"]

# The browser is the same beside a build with sanitizers, and leaves little of two cores to the tests beside it.
installed = pytest.mark.skipif(shutil.which("chromium") is None or "sanitize" in str(daemon.BUILD),
                               reason="chromium is not installed, or this is the build with sanitizers")

# What a page can use: say(name, value) is heard by Site.heard(), attempt(name, promise) says what became of it.
PRELUDE = """<!doctype html><meta charset="utf-8"><body><script>
function say(name, value) { return fetch('/heard', {method: 'POST', body: JSON.stringify([name, value])}); }
async function attempt(name, promise) {
  try {
    const reply = await promise;
    await say(name, [reply.type, reply.status, reply.status ? await reply.text() : '']);
  } catch (error) { await say(name, ['error', 0, error.name]); }
}
"""


class Site:
    """A web site of somebody's: serves the one page that it is made of. Used as a context manager."""

    def __init__(self, script, port=0):
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, body):
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                self.answer((PRELUDE + script + "</script>").encode())

            def do_POST(self):
                name, value = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with site.news:
                    site.results[name] = value
                    site.news.notify_all()
                self.answer(b"")

            def log_message(self, *_):
                pass

        self.results = {}
        self.news = threading.Condition()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def heard(self, name, timeout=START_TIMEOUT):
        """What a page said under this name, once it has."""
        with self.news:
            assert self.news.wait_for(lambda: name in self.results, timeout), f"no {name}; heard {self.results}"
            return self.results[name]

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Browser:
    """A Chromium with a profile of its own that has opened `url`. `hosts` maps names to addresses, as the DNS would."""

    def __init__(self, folder, url, hosts=None):
        rules = ", ".join(f"MAP {name} {address}" for name, address in (hosts or {}).items())
        self.process = subprocess.Popen(
            ["chromium", *OPTIONS, f"--user-data-dir={folder / 'profile'}", f"--host-resolver-rules={rules}",
             "--remote-debugging-port=0", url],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        time.sleep(0.1)
