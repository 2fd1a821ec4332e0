# The console's stream of events, read as a browser reads it. SPDX-License-Identifier: GPL-2.0-or-later
import json
import socket


class Events:
    """A stream that is open. Used as a context manager."""

    def __init__(self, server, root="console", fields="", timeout=20.0):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=timeout)
        self.socket.sendall(f"GET /{root}/events HTTP/1.1\r\nHost: a\r\n{fields}\r\n".encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self._lines = self._read_lines()
        self.numbers = {}
        self.tables = {}

    def _read_lines(self):
        """The lines of the body, which is chunked: what is long comes in several chunks."""
        while self.file.readline().strip():
            pass
        text = b""
        while size := int(self.file.readline() or b"0", 16):
            *whole, text = (text + self.file.read(size)).split(b"\n")
            self.file.readline()
            yield from (line.decode() for line in whole)

    def next(self, wanted):
        """The data of the next event with this name; None when the stream has ended. What `state` says is kept."""
        name = None
        for line in self._lines:
            if line.startswith("event: "):
                name = line[7:].strip()
            elif line.startswith("data: "):
                data = json.loads(line[6:])
                if name == "state":
                    self.numbers |= data["numbers"]
                    self.tables |= data["tables"]
                if name == wanted:
                    return data
        return None

    def until(self, condition, what, seconds=15):
        """Reads on until `condition` holds, an event a second."""
        for _ in range(seconds):
            assert self.next("state") is not None, f"the stream ended, and {what}"
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

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
