# A client of Server-Sent Events. SPDX-License-Identifier: GPL-2.0-or-later
import time

from rawhttp import ConnectionEnded, request


class EventSource:
    """A client as the HTML standard describes it, but for connecting again."""

    def __init__(self, server, target, *fields):
        self.client = server.connect()
        self.client.send(request("GET", target, "Accept: text/event-stream", *fields))
        self.head = self.client.read_head()
        self.body, self.last_id = b"", ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.reset()

    def _more(self, deadline):
        line = self.client.read_exactly(1, deadline)
        while not line.endswith(b"\r\n"):
            line += self.client.read_exactly(1, deadline)
        size = int(line, 16)
        chunk = self.client.read_exactly(size + 2, deadline)
        if size == 0:
            raise ConnectionEnded("the stream has ended")
        self.body += chunk[:-2]

    def next(self, timeout=5.0):
        """The next event: its type and its data. Raises ConnectionEnded behind the last one."""
        deadline = time.monotonic() + timeout
        while b"\n\n" not in self.body:
            self._more(deadline)
        block, _, self.body = self.body.partition(b"\n\n")
        kind, data = "message", []
        for line in block.decode().split("\n"):
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "event":
                kind = value
            elif name == "id":
                self.last_id = value
            elif name == "data":
                data.append(value)
        return kind, "\n".join(data)
