# Drives a real Chromium through its WebDriver, in the protocol of https://www.w3.org/TR/webdriver2/.
# SPDX-License-Identifier: GPL-2.0-or-later
import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request

from daemon import free_port

START_TIMEOUT = 60.0  # seconds: Chromium takes its time on a machine that is busy
PATIENCE = 10.0  # seconds that an element, or a text, may take to appear
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key that the protocol has for elements
OPTIONS = {"args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server"]}


def is_installed():
    return shutil.which("chromedriver") is not None and shutil.which("chromium") is not None


class WebDriverError(AssertionError):
    """The driver could not do what it was told."""


class Browser:
    """One window. Used as a context manager."""

    def __init__(self, folder):
        self.url = f"http://127.0.0.1:{free_port()}"
        with (folder / "chromedriver.log").open("wb") as log:
            self.driver = subprocess.Popen(["chromedriver", f"--port={self.url.rsplit(':', 1)[1]}"], stdout=log, stderr=log)
        self.session = None
        try:
            self._wait_until_ready()
            capabilities = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": OPTIONS,
                                            "timeouts": {"implicit": int(PATIENCE * 1000)}}}
            self.session = self._call("POST", "/session", {"capabilities": capabilities})["sessionId"]
        except BaseException:
            self.driver.kill()
            raise

    def _call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        call = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(call, timeout=START_TIMEOUT) as reply:
                return json.load(reply)["value"]
        except urllib.error.HTTPError as error:
            raise WebDriverError(f"{method} {path}: {error.read().decode()}") from None

    def _wait_until_ready(self):
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                if self._call("GET", "/status")["ready"]:
                    return
            except OSError:
                pass
            assert time.monotonic() < deadline, "chromedriver does not answer"
            time.sleep(0.1)

    def _in_session(self, method, path, body=None):
        return self._call(method, f"/session/{self.session}{path}", body)

    def _element(self, selector):
        found = self._in_session("POST", "/element", {"using": "css selector", "value": selector})
        return f"/element/{found[ELEMENT]}"

    def open(self, url):
        """Loads a page, to its end."""
        self._in_session("POST", "/url", {"url": url})

    def follow(self, text):
        """Clicks the first link that has this text."""
        found = self._in_session("POST", "/element", {"using": "link text", "value": text})
        self._in_session("POST", f"/element/{found[ELEMENT]}/click", {})

    def type(self, selector, text):
        self._in_session("POST", self._element(selector) + "/value", {"text": text})

    def click(self, selector):
        self._in_session("POST", self._element(selector) + "/click", {})

    def wait_text(self, text):
        """Waits until the page, or the one that is being loaded, shows `text`."""
        deadline, shown = time.monotonic() + PATIENCE, ""
        while True:
            try:
                shown = self._in_session("GET", self._element("body") + "/text")
            except WebDriverError:  # the page went while it was looked at
                pass
            if text in shown:
                return
            assert time.monotonic() < deadline, f"no {text!r} in {shown!r}"
            time.sleep(0.1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self._in_session("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait(20)
