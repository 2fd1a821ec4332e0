# The console's stream of events, read as a browser reads it. SPDX-License-Identifier: GPL-2.0-or-later
import json

from eventsource import EventSource
from rawhttp import ConnectionEnded

PATIENCE = 20.0  # seconds


class Events(EventSource):
    """A stream that is open. Used as a context manager."""

    def __init__(self, server, root="console", fields=()):
        super().__init__(server, f"/{root}/events", *fields)
        self.status = self.head.status
        self.numbers = {}
        self.tables = {}

    def wait(self, wanted):
        """The data of the next event with this name; None when the stream has ended. What `state` says is kept."""
        while True:
            try:
                name, text = self.next(PATIENCE)
            except (ConnectionEnded, ConnectionResetError):
                return None
            if not text:  # a comment, which keeps the connection alive
                continue
            data = json.loads(text)
            if name == "state":
                self.numbers |= data["numbers"]
                self.tables |= data["tables"]
            if name == wanted:
                return data

    def until(self, condition, what, seconds=15):
        """Reads on until `condition` holds, an event a second."""
        for _ in range(seconds):
            assert self.wait("state") is not None, f"the stream ended, and {what}"
            if condition():
                return
        raise AssertionError(f"{what}: {self.numbers} {self.tables}")

    def row(self, table, accepted):
        """The texts of the first row that is accepted, once there is one."""
        def texts(row):
            return [cell if isinstance(cell, str) else cell["text"] for cell in row]

        found = []

        def look():
            found[:] = [texts(row) for row in self.tables.get(table, []) if accepted(texts(row))]
            return found

        if not look():
            self.until(look, f"{table} has no such row")
        return found[0]
