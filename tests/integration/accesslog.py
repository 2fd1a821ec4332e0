# A server with an access log, for the tests of that. SPDX-License-Identifier: GPL-2.0-or-later
import functools
import json
import re
import time

import daemon
import waiting
from rawhttp import request

wait_until = functools.partial(waiting.wait_until, seconds=10.0)

MODULES = {daemon.CPP_PROBE: {}, "mi_http.so": {}}
COMBINED = re.compile(
    r'(?P<client>\S+) - (?P<user>\S+) \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] '
    r'"(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{3}|-) (?P<bytes>\d+|-) "(?P<referer>(?:[^"\\]|\\.)*)" '
    r'"(?P<agent>(?:[^"\\]|\\.)*)"')
MADE_ID = re.compile(r"[0-9a-f]{32}")


class AccessLog:
    """A server with an access log in a file."""

    def __init__(self, start, path, modules=None, **httpd):
        self.path = path
        self.server = start(modules or MODULES, httpd={"access_log": str(path), **httpd})

    def text(self):
        return self.path.read_text() if self.path.exists() else ""

    def lines(self, count, timeout=5.0):
        """Waits for so many lines, and makes sure that there are no more."""
        deadline = time.monotonic() + timeout
        while (text := self.text()).count("\n") < count and time.monotonic() < deadline:
            time.sleep(0.01)
        assert text.endswith("\n") and text.count("\n") == count, text
        return text.splitlines()

    def entries(self, count):
        return [json.loads(line) for line in self.lines(count)]


def statistic(server, name):
    return server.mi("get_statistics", [[name]])[f"httpd:{name}"]


def ask_many(server, count, target="/respond/200"):
    """So many requests on one connection, the replies all read; seconds that they took."""
    began = time.monotonic()
    with server.connect(timeout=60) as client:
        for _ in range(count):
            assert client.ask(request("GET", target)).status == 200
    return time.monotonic() - began
