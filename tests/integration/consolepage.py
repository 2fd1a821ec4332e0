# The console's page as it stands in a browser: its tables, numbers and plots by their names.
# SPDX-License-Identifier: GPL-2.0-or-later
import json
import threading

import rawhttp
from page import PATIENCE
from waiting import wait_until

MODULES = {"mi_http.so": {}, "console.so": {}}
TOO_MANY = 300  # times a key is pressed to get somewhere


def serve(start, httpd=None, modules=None):
    return start(MODULES if modules is None else modules, httpd or {})


class Console:
    """The page of a server, opened in a browser. `settings` as Browser.open() has them."""

    def __init__(self, browser, server, root="console", host="127.0.0.1", **settings):
        self.origin = f"{'http' if server.tls is None else 'https'}://{host}:{server.port}"
        self.page = browser.open(f"{self.origin}/{root}/", **settings)

    def wait_state(self, state):
        """Waits for what the page says of its connection: "live", "away" or "waiting"."""
        self.page.wait_for(f"document.querySelector('#state').dataset.state === {json.dumps(state)}")

    def wait_number(self, name, accepted):
        """Waits until the number of a statistic, as it is shown, is accepted."""
        wait_until(lambda: accepted(self.number(name)), f"{name} is not as it should be", PATIENCE)

    def number(self, name):
        return self.page.evaluate(f"document.querySelector('[data-number=\"{name}\"]').textContent")

    def rows(self, table):
        """The texts of a table's cells; no rows where it says "none"."""
        return self.page.evaluate(f"""[...document.querySelectorAll('[data-table="{table}"] tr:not(.none)')].map(
            (row) => [...row.cells].map((cell) => cell.textContent))""")

    def wait_row(self, table, accepted=lambda row: True):
        """Waits until a row is accepted, and returns it."""
        found = []

        def look():
            found[:] = [row for row in self.rows(table) if accepted(row)]
            return found

        wait_until(look, f"no such row in {table}", PATIENCE)
        return found[0]

    def legend(self, plot):
        """The values in the legend of a plot, as numbers; None for a value that is not known."""
        texts = self.page.evaluate(f"[...document.querySelectorAll('#{plot} li b')].map((value) => value.textContent)")
        return [None if text in ("", "–") else float(text.split()[0].removesuffix("/s")) for text in texts]

    def wait_quiet(self):
        """Waits for a second, the latest one in the plots, with few requests and none that was refused."""
        def quiet():
            requests, refused, _ = self.legend("plot-requests")
            return requests is not None and requests < 20 and refused == 0

        wait_until(quiet, "no quiet second", PATIENCE)

    def highest_tick(self, plot):
        """The highest number at the vertical axis."""
        return self.page.evaluate(f"""Math.max(...[...document.querySelectorAll('#{plot} .dygraph-axis-label-y')].map(
            (label) => Number(label.textContent)))""")

    def painted(self, plot, series):
        """How many pixels of a plot's upper half have the colour of a series, "a", "b" or "c"."""
        return self.page.evaluate(f"""(() => {{
            const probe = document.querySelector('#{plot} figcaption');
            probe.style.color = getComputedStyle(document.documentElement).getPropertyValue('--plot-{series}');
            const [r, g, b] = getComputedStyle(probe).color.match(/[\\d.]+/g).map(Number);
            probe.style.color = '';
            const copy = document.createElement('canvas');
            const context = copy.getContext('2d', {{ willReadFrequently: true }});
            let count = 0;
            for (const canvas of document.querySelectorAll('#{plot} canvas')) {{
              copy.width = canvas.width;
              copy.height = canvas.height / 2;
              context.drawImage(canvas, 0, 0);
              const {{ data }} = context.getImageData(0, 0, copy.width, copy.height);
              for (let i = 0; i < data.length; i += 4) {{
                const near = Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) < 24;
                if (near && data[i + 3] > 128) count++;
              }}
            }}
            return count;
        }})()""")

    def focused(self, expression):
        """The value of an expression in JavaScript about `focus`, the element that has the focus."""
        return self.page.evaluate(f"((focus) => {expression})(document.activeElement)")

    def press_until(self, key, condition):
        """Presses a key until a condition about `focus` is true."""
        for _ in range(TOO_MANY):
            if self.focused(condition):
                return
            self.page.press(key)
        raise AssertionError(f"{key} does not lead to {condition}")

    def run(self, line):
        """Runs an MI command in its box, and waits until it is over; returns what became of it."""
        self.page.fill("#line", line)
        self.page.press("Enter")
        self.page.wait_for("document.querySelector('#abandon').hidden && document.querySelector('#outcome').textContent")
        return self.page.text("#outcome")

    def members(self):
        """The members that the reply of a command shows now, those that are no branches; texts by name."""
        return dict(self.page.evaluate("""[...document.querySelectorAll('#reply li > .key, #reply p > .key')].filter(
            (key) => key.checkVisibility()).map((key) => [key.textContent, key.nextElementSibling.textContent])"""))

    def errors(self):
        """What a page must not have to say: messages of trouble, violations of its policy, requests to others."""
        seen = self.page.seen()
        messages = [message for message in seen["messages"] if message["type"] in ("error", "warning", "exception")]
        foreign = [request for request in seen["requests"] if not request.split()[1].startswith(self.origin + "/")]
        return messages + seen["violations"] + foreign


def send_requests(server, target, count):
    """So many GET requests, one behind the other on one connection."""
    with server.connect(timeout=30) as client:
        for _ in range(count):
            client.ask(rawhttp.request("GET", target))


class Load:
    """GET requests without end until its block is left. `targets` are asked for in turn."""

    def __init__(self, server, *targets, burst=200):
        self.server = server
        self.targets = targets
        self.burst = burst
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self.over.wait(0.1):
            for target in self.targets:
                send_requests(self.server, target, self.burst)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
