# What pages of other sites can do to the server from a real browser: nothing, unless they are allowed to.
# SPDX-License-Identifier: GPL-2.0-or-later
import base64
import time

import chromium
import daemon
import pytest

MODULES = {"mi_http.so": {}, daemon.CPP_PROBE: {}}
CALL = '{"jsonrpc":"2.0","method":"version","id":1}'
ALLOWED = "http://console.test"

pytestmark = chromium.installed


def calls(server, *fields):
    """How many POST requests have reached the handler."""
    return int(server.ask("GET", "/calls", *fields).body)


def script(port, more=""):
    """Everything that a page may try on the server at `port`. `more`: further fields of those that ask first."""
    url = f"http://127.0.0.1:{port}"
    return f"""
(async () => {{
  const fields = {{'Content-Type': 'application/json', 'X-Probe': '1'{more}}};
  // Simple requests, which browsers send without asking.
  await attempt('blind', fetch('{url}/calls', {{method: 'POST', mode: 'no-cors', body: 'x'}}));
  await attempt('text', fetch('{url}/calls', {{method: 'POST', body: 'x', headers: {{'Content-Type': 'text/plain'}}}}));
  await attempt('credentials', fetch('{url}/calls', {{method: 'POST', credentials: 'include', body: 'x'}}));
  // Those that are asked for with a preflight.
  await attempt('asked', fetch('{url}/calls', {{method: 'POST', headers: fields, body: 'x'}}));
  await attempt('mi', fetch('{url}/mi', {{method: 'POST', headers: fields, body: {CALL!r}}}));
  await attempt('read', fetch('{url}/who', {{headers: {{'X-Probe': '1'{more}}}}}));
  // A form, as any page can have one.
  const form = document.createElement('form');
  const frame = document.createElement('iframe');
  frame.name = 'target';
  frame.onload = async () => {{ await say('done', 1); }};
  document.body.append(frame, form);
  form.method = 'POST'; form.action = '{url}/calls'; form.target = 'target';
  setTimeout(() => form.submit(), 50);
  navigator.sendBeacon('{url}/calls', 'x');
  setTimeout(async () => {{ await say('end', 1); }}, 1500);
}})();
"""


def test_a_foreign_page_can_do_nothing(start, tmp_path):
    server = start(MODULES, {})
    with chromium.Site(script(server.port)) as site, \
            chromium.Browser(tmp_path, f"http://evil.test:{site.port}/", {"evil.test": "127.0.0.1"}):
        site.heard("end")
        # What a page cannot read it is not told, so that it is what the server did that counts.
        assert site.heard("blind")[0] == "opaque"
        for name in ("text", "credentials", "asked", "mi", "read"):
            assert site.heard(name) == ["error", 0, "TypeError"], name
    assert calls(server) == 0
    log = server.log()
    assert f'origin "http://evil.test:{site.port}" is not in cors_origins' in log
    for request in ("POST /calls", "OPTIONS /calls", "OPTIONS /mi"):
        assert f'403 Pages of this origin have no access; request "{request} HTTP/1.1"' in log, request
    assert "POST /mi" not in log, "the preflight's answer was enough"


def test_a_page_of_nowhere_can_do_nothing(start, tmp_path):
    """A sandboxed frame has the origin null."""
    server = start(MODULES, {})
    inner = f"<script>fetch('http://127.0.0.1:{server.port}/calls', {{method: 'POST', body: 'x', mode: 'no-cors'}})"
    page = f"""
const frame = document.createElement('iframe');
frame.sandbox = 'allow-scripts';
frame.srcdoc = {inner!r} + '</scr' + 'ipt>';
document.body.append(frame);
setTimeout(() => say('end', 1), 1000);
"""
    with chromium.Site(page) as site, chromium.Browser(tmp_path, f"http://127.0.0.1:{site.port}/"):
        site.heard("end")
        server.wait_log('origin "null" is not in cors_origins')
    assert calls(server) == 0


def test_a_page_that_is_allowed_can_do_all(start, tmp_path):
    site = None

    with chromium.Site("") as reserved:
        port = reserved.port
    origin = f"{ALLOWED}:{port}"
    server = start(MODULES, {"auth_username": "u", "auth_password": "p", "access": f"cors_origins={origin}"})
    credentials = base64.b64encode(b"u:p").decode()
    more = f", 'Authorization': 'Basic {credentials}'"
    with chromium.Site(script(server.port, more), port) as site, \
            chromium.Browser(tmp_path, f"{origin}/", {"console.test": "127.0.0.1"}):
        site.heard("end")
        assert site.heard("text")[:2] == ["cors", 401], "it may read that it needs credentials"
        assert site.heard("asked") == ["cors", 200, "1"]
        kind, status, body = site.heard("mi")
        assert (kind, status) == ("cors", 200) and '"result"' in body
        assert site.heard("read")[:2] == ["cors", 200]
    assert calls(server, f"Authorization: Basic {credentials}") == 1


@pytest.mark.parametrize("rule, expected", [("root=who; cross_site=on", 200), ("root=who; cross_site=off", 403)])
def test_a_picture_of_another_site(start, tmp_path, rule, expected):
    """A request that changes nothing has no Origin, but a browser tells where it comes from (Sec-Fetch-Site)."""
    server = start(MODULES, {"access": rule})
    page = f"""
const picture = new Image();
picture.src = 'http://127.0.0.1:{server.port}/who';
picture.onerror = () => say('end', 1);
"""
    with chromium.Site(page) as site, \
            chromium.Browser(tmp_path, f"http://evil.test:{site.port}/", {"evil.test": "127.0.0.1"}):
        site.heard("end")
    assert ("403 Pages of this origin have no access" in server.log()) == (expected == 403)
    assert server.ask("GET", "/who").status == 200


REBOUND = """
(async () => {
  // Until the name leads to the server that is attacked.
  for (let tries = 0; tries < 300; ++tries) {
    try {
      const reply = await fetch('/calls', {method: 'POST', headers: {'X-Probe': '1'}, body: 'x', cache: 'no-store'});
      const text = await reply.text();
      if (reply.headers.get('Server') === null) {
        await fetch(REPORT, {method: 'POST', mode: 'no-cors', body: JSON.stringify(['rebound', [reply.status, text]])});
        return;
      }
    } catch (error) { }
    await new Promise(resolve => setTimeout(resolve, 100));
  }
})();
say('loaded', 1);
"""


@pytest.mark.parametrize("allowed_hosts, expected", [
    (None, [200, "1"]), ("127.0.0.1, localhost", [421, "This server is not known by this name\n"])])
def test_dns_rebinding_is_stopped_by_allowed_hosts(start, tmp_path, allowed_hosts, expected):
    """A page of evil.test whose name comes to lead to the server: for the browser that is the same origin, so that
    only the Host of its requests tells it from the server's own pages."""
    with chromium.Site("") as report:
        port = daemon.free_port()
        with chromium.Site(f"const REPORT = 'http://127.0.0.1:{report.port}/heard';" + REBOUND, port) as evil:
            browser = chromium.Browser(tmp_path, f"http://evil.test:{port}/", {"evil.test": "127.0.0.1"})
            try:
                evil.heard("loaded")
            except BaseException:
                browser.__exit__()
                raise
        with browser:
            time.sleep(0.2)
            # Now the address behind the name is the server's.
            server = start(MODULES, {"port": port, "allowed_hosts": allowed_hosts})
            assert report.heard("rebound") == expected
    assert calls(server) == (1 if allowed_hosts is None else 0)
    if allowed_hosts is not None:
        assert f'host "evil.test:{port}"' in server.wait_log("421 This server is not known by this name")
