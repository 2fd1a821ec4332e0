# What tests of several means of operation have in common: load that may not fail, a log of numbers, everything on.
# SPDX-License-Identifier: GPL-2.0-or-later
import itertools
import os
import re
import threading

import daemon
from rawhttp import BadReply, request

MODULES = {"mi_http.so": {}, "hello_cpp.so": {}, "prometheus.so": {}, daemon.WORKER_PROBE: {}}
NUMBERED = "%{n}i"


class Load:
    """Clients that ask numbered requests, one after the other, until they are to stop. None may fail."""

    def __init__(self, server, clients=3):
        self.server, self.numbers, self.failures = server, itertools.count(), []
        self.asked, self._done = [], threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        for thread in self._threads:
            thread.join()
        assert self.failures == []

    def _run(self):
        try:
            while not self._done.is_set():
                with self.server.connect(timeout=30) as client:
                    while not self._done.is_set():
                        number = next(self.numbers)
                        reply = client.ask(request("GET", "/hello-cpp", f"n: {number}"))
                        self.asked.append(number)
                        if reply.status != 200:
                            self.failures.append(f"status {reply.status}")
                        if reply.closes():
                            break
        except (OSError, BadReply) as error:
            self.failures.append(repr(error))


def logged(*files):
    """The numbers of a NUMBERED log, each line whole."""
    texts = [file.read_text() for file in files]
    assert all(text == "" or text.endswith("\n") for text in texts)
    return sorted(int(line) for text in texts for line in text.splitlines() if line != "-")


def opened(pid):
    """What its descriptors are, without what is different each time."""
    found = []
    for entry in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{entry}")
        except OSError:
            continue
        found.append(re.sub(r":\[\d+\]", "", target))
    return sorted(found)


def everything(tmp_path, **httpd):
    return {**MODULES, "mi_fifo.so": {"fifo_name": str(tmp_path / "fifo"), "reply_dir": str(tmp_path)}}, {
        "workers": 2, "health_root": "health", "compress": ["hello-cpp"], "request_id": 1, **httpd}
