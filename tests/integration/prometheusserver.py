# A real Prometheus server that scrapes what is under test, and promtool. SPDX-License-Identifier: GPL-2.0-or-later
import json
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

from daemon import free_port

START_TIMEOUT = 60.0


def is_installed():
    return shutil.which("prometheus") is not None and shutil.which("promtool") is not None


def promtool(*arguments, text=""):
    """Runs promtool; the result is what it printed, "" and 0 for all is well."""
    done = subprocess.run(["promtool", *map(str, arguments)], input=text, capture_output=True, text=True, timeout=60,
                          check=False)
    return done.returncode, done.stdout + done.stderr


class Prometheus:
    """Scrapes 127.0.0.1:`target`, or each of several, every second as the job `job`. Used as a context manager, which
    waits until all of them are there."""

    def __init__(self, folder, job, target, rules=()):
        self.job = job
        self.port = free_port()
        self.targets = [f"127.0.0.1:{port}" for port in (target if isinstance(target, list) else [target])]
        lines = ["scrape_configs:", f"  - job_name: {job}", "    scrape_interval: 1s", "    scrape_timeout: 1s",
                 f"    static_configs: [{{targets: {json.dumps(self.targets)}}}]"]
        if rules:
            lines += ["rule_files:", *(f"  - {json.dumps(str(file))}" for file in rules)]
        (folder / "prometheus.yml").write_text("\n".join(lines) + "\n")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address=127.0.0.1:{self.port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def api(self, path, **arguments):
        """What the server answers under /api/v1; None while it does not."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?" + urllib.parse.urlencode(arguments)
        try:
            with urllib.request.urlopen(url, timeout=10) as reply:
                return json.load(reply)["data"]
        except urllib.error.HTTPError as error:
            if error.code == 503:  # it is starting
                return None
            raise AssertionError(error.read().decode()) from error
        except (urllib.error.URLError, ConnectionError):
            return None

    def query(self, expression):
        """The series that `expression` gives now, each with its labels and its value."""
        answer = self.api("query", query=expression)
        return [] if answer is None else [(one["metric"], float(one["value"][1])) for one in answer["result"]]

    def wait(self, expression, condition):
        """Waits until the values of `expression` meet `condition`, and returns its series."""
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            found = self.query(expression)
            if condition([value for _, value in found]):
                return found
            assert time.monotonic() < deadline, f"{expression}: {found}"
            time.sleep(0.2)

    def __enter__(self):
        try:
            self.wait(f'up{{job="{self.job}"}}', lambda values: values == [1.0] * len(self.targets))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
