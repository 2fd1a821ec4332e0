# What page.py says of a page: it sees what goes wrong in it, and ends with all of its processes.
# SPDX-License-Identifier: GPL-2.0-or-later
import http.server
import os
import signal
import threading
from pathlib import Path

import page
import pytest
from waiting import wait_until

pytestmark = page.installed

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src *"
FILES = {
    "/": ("text/html", """<!doctype html><title>first</title><p id="p" style="color: red">scripts are <span>off</span></p>
<script>document.title = 'never'</script><script src="script.js"></script><img alt="" src="http://127.0.0.1:1/x">"""),
    "/script.js": ("text/javascript", "document.querySelector('span').textContent = 'on'; console.warn('take care');"
                   "setTimeout(() => { document.title = 'second'; throw new Error('uncaught'); });"),
}


@pytest.fixture(scope="module")
def site():
    """The URL of a site with a page at which nearly everything is wrong."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            kind, text = FILES.get(self.path, ("text/plain", ""))
            self.send_response(200 if self.path in FILES else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Security-Policy", POLICY)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser():
    with page.Browser() as started:
        yield started


def test_what_goes_wrong_is_seen(browser, site):
    shown = browser.open(site)
    shown.wait_for("document.title === 'second'")
    wait_until(lambda: shown.seen()["failures"], seconds=page.PATIENCE)
    seen = shown.seen()
    said = [(message["type"], message["text"].splitlines()[0]) for message in seen["messages"]]
    assert ("warning", "take care") in said and ("exception", "Error: uncaught") in said, said
    assert {violation["violatedDirective"] for violation in seen["violations"]} == {"style-src-attr", "script-src-elem"}
    assert seen["requests"] == [f"GET {site}", f"GET {site}script.js", "GET http://127.0.0.1:1/x"]
    assert [failure.split()[0] for failure in seen["failures"]] == ["http://127.0.0.1:1/x"]


def test_pages_share_nothing(browser, site):
    browser.open(site).wait_for("document.title === 'second' && (document.cookie = 'a=b')")
    shown = browser.open(site, javaScriptEnabled=False)
    assert shown.evaluate("document.cookie + document.title") == "first"
    assert shown.text("#p") == "scripts are off"
    assert not [message for message in shown.seen()["messages"] if message["type"] == "exception"]


def test_what_cannot_be_done_is_an_error(browser, site):
    shown = browser.open(site)
    with pytest.raises(page.BrowserError, match="nothing is not defined"):
        shown.evaluate("nothing")
    with pytest.raises(page.BrowserError, match="not in time: document.title === 'third' is false"):
        shown.wait_for("document.title === 'third'", 0.2)
    assert shown.evaluate("innerWidth") == 1280


def processes(group):
    """The processes of a group that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(its_group) == group and state != "Z":
            found.append(stat.parent.name)
    return found


@pytest.mark.parametrize("dies", ["nothing", "bridge", "browser"])
def test_no_process_and_no_file_is_left(site, dies):
    with page.Browser() as started:
        started.open(site)
        groups = [started.group, started.bridge.pid]
        assert all(map(processes, groups))
        if dies == "bridge":
            os.kill(started.bridge.pid, signal.SIGKILL)
            with pytest.raises(page.BrowserError, match="the browser has ended"):
                started.open(site)
        if dies == "browser":
            os.kill(started.group, signal.SIGKILL)
            with pytest.raises(page.BrowserError, match="closed"):
                started.open(site)
    wait_until(lambda: not any(map(processes, groups)), "a process outlived its browser")
    assert not started.folder.exists()


def test_a_bridge_that_cannot_start_says_why(tmp_path, monkeypatch):
    (tmp_path / "installed").touch()
    monkeypatch.setattr(page, "NODE_PACKAGES", tmp_path)
    with pytest.raises(page.BrowserError, match="Cannot find module 'playwright-core'"):
        page.Browser()


def test_missing_packages_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "NODE_PACKAGES", tmp_path)
    with pytest.raises(page.BrowserError, match="run `make test`"):
        page.Browser()
