# A page in a real Chromium that a test looks at and uses as people do, by way of tests/browser/page.mjs.
# SPDX-License-Identifier: GPL-2.0-or-later
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import chromium
import daemon

PATIENCE = 60.0  # seconds that anything may take: a browser is slow on a machine that is busy
BRIDGE = daemon.ROOT / "tests" / "browser" / "page.mjs"
NODE_PACKAGES = daemon.ROOT / "build" / "browser"

installed = chromium.installed


class BrowserError(AssertionError):
    """The browser could not do what it was told, or is gone."""


class Browser:
    """A Chromium with one page at a time. Used as a context manager: at its end no process of it is left. `hosts` maps
    names to addresses, as the DNS would."""

    def __init__(self, hosts=None):
        rules = ", ".join(f"MAP {name} {address}" for name, address in (hosts or {}).items())
        self.options = [*chromium.OPTIONS, f"--host-resolver-rules={rules}"]
        self.bridge = None
        self.group = None  # the process group of Chromium, which has one of its own
        self._rest = b""
        if not (NODE_PACKAGES / "installed").is_file() or shutil.which("node") is None:
            raise BrowserError("the node packages of tests/browser are not installed: run `make test`")
        # A short name, since the browser makes a socket in it.
        self.folder = Path(tempfile.mkdtemp(prefix="httpd-page-"))
        try:
            self._start()
        except BaseException:
            self._end()
            raise

    def _start(self):
        with (self.folder / "stderr").open("wb") as stderr:
            self.bridge = subprocess.Popen(
                ["node", str(BRIDGE), str(NODE_PACKAGES), shutil.which("chromium"), *self.options],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True,
                env={**os.environ, "TMPDIR": str(self.folder)})
        os.set_blocking(self.bridge.stdout.fileno(), False)
        self.group = self._answer(PATIENCE)["browser"]

    def _answer(self, seconds):
        deadline = time.monotonic() + seconds
        while b"\n" not in self._rest:
            readable, _, _ = select.select([self.bridge.stdout], [], [], max(0.0, deadline - time.monotonic()))
            data = self.bridge.stdout.read() if readable else b""
            if not data:
                errors = (self.folder / "stderr").read_text(errors="replace")
                raise BrowserError(f"the browser {'has ended' if readable else 'does not answer'}:\n{errors}")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        answer = json.loads(line)
        if "error" in answer:
            raise BrowserError(answer["error"])
        return answer["result"]

    def tell(self, command, seconds=PATIENCE, **parameters):
        """Has the browser do something, and returns what came of it."""
        request = {"command": command, "timeout": seconds * 1000, **parameters}
        try:
            self.bridge.stdin.write(json.dumps(request).encode() + b"\n")
            self.bridge.stdin.flush()
        except BrokenPipeError:
            pass  # why it ended is told where the answer is missing
        return self._answer(seconds + PATIENCE)

    def open(self, url, **settings):
        """Loads a page until its document is there. It shares nothing with the one before it, which is closed.
        `settings` are Playwright's of a browser context: javaScriptEnabled, httpCredentials, colorScheme, ..."""
        self.tell("open", settings={"viewport": {"width": 1280, "height": 900}, **settings})
        page = Page(self)
        page.goto(url)
        return page

    def _end(self):
        if self.bridge is not None:
            with contextlib.suppress(BrokenPipeError):  # it may have died with what it was told last
                self.bridge.stdin.close()
            try:
                self.bridge.wait(20)
            except subprocess.TimeoutExpired:
                pass
            for group in (self.group, self.bridge.pid):
                try:
                    os.killpg(group, signal.SIGKILL)
                except (ProcessLookupError, TypeError):
                    pass
            self.bridge.wait()
            self.bridge.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._end()


class Page:
    """What a browser shows. Selectors are Playwright's; expressions and conditions are JavaScript."""

    def __init__(self, browser):
        self.browser = browser

    def goto(self, url):
        """Loads another page, and returns the status of the reply."""
        return self.browser.tell("goto", url=url)

    def evaluate(self, expression):
        return self.browser.tell("evaluate", expression=expression)

    def wait_for(self, condition, seconds=PATIENCE):
        """Waits until a condition has a value that is true, and returns it."""
        return self.browser.tell("wait_for", seconds, expression=condition)

    def click(self, selector):
        self.browser.tell("click", selector=selector)

    def fill(self, selector, text):
        self.browser.tell("fill", selector=selector, text=text)

    def type(self, text):
        """Types on the keyboard, to whatever has the focus."""
        self.browser.tell("type", text=text)

    def press(self, *keys):
        """Presses keys, one after the other, by the names that the DOM has for them: Tab, Enter, ArrowDown, ..."""
        for key in keys:
            self.browser.tell("press", key=key)

    def text(self, selector="body"):
        """The text of an element as it is shown."""
        return self.browser.tell("text", selector=selector)

    def content(self):
        """The document as HTML, whether or not it may run scripts."""
        return self.browser.tell("content")

    def set_color_scheme(self, scheme):
        self.browser.tell("color_scheme", scheme=scheme)

    def set_viewport(self, width, height):
        self.browser.tell("viewport", width=width, height=height)

    def screenshot(self, path):
        """A picture, PNG, of what is in the viewport."""
        self.browser.tell("screenshot", path=str(path))

    def seen(self):
        """What happened in it since it was opened: messages of its console and exceptions that nobody caught, violations
        of its Content-Security-Policy, requests (`METHOD URL`), and failures of them."""
        return self.browser.tell("seen")
