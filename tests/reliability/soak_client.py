# One client process of the soak: the mixed load, in clear or over TLS, beside handler processes that are killed.
# SPDX-License-Identifier: GPL-2.0-or-later
import collections
import os
import ssl
import time

import load_mixed_client
from load_mixed_client import Wire, Wrong
from load_requests import GOOD, TEXT, Kind, described, fixed, message, pattern, right

LOST_HANDLER = 502
PAUSE = 0.03    # seconds between two sessions, so that latency is the server's own and not that of a queue
UPLOAD, PRINTED = 300_000, 2_000_000
RESETS = ("reset in the head", "reset in the body", "reset in the reply, memory", "reset in the reply, file")

ENDS = ("end of sending in the head", "end of sending in the body")


def upload(number):
    body = b"%010d" % number * (UPLOAD // 10)
    return (message("PUT", f"/describe/{number}", TEXT, body=body),
            described("PUT", number, "text/plain", len(body)))


MORE = [Kind("GET, 50 ms", fixed(message("GET", "/later/50"), b"later"), weight=10),
        Kind("PUT, 300 KB", upload, weight=2),
        Kind("GET, 2 MB printed", fixed(message("GET", f"/probe-print/{PRINTED}"), pattern(PRINTED)), weight=1)]


class Cut(Exception):
    """A reply that had begun came to no end: what a client sees of a handler process that was killed."""


class SoakWire(Wire):
    """Counts what came of each question. A reply that says that its handler is gone is an answer, too."""

    def __init__(self, client):
        super().__init__(client.port, client.source)
        self.outcomes = client.outcomes
        if client.tls is not None:
            self.socket = client.tls.wrap_socket(self.socket, server_hostname="localhost")

    def check(self, kind, expected, closes):
        begun = bool(self.buffer)
        try:
            status, body, length, closing = self.reply(kind.head)
        except (Wrong, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise Cut(f"{kind.name}, begun: {begun}: {error}") from error
        if status == LOST_HANDLER:
            self.outcomes["502"] += 1
            return
        if not right(kind, status, body, length, expected) or closing != closes:
            raise Wrong(f"{kind.name}: {status}, closing: {closing}, {body[:200]!r}")
        self.outcomes["right"] += 1


class SoakClient(load_mixed_client.Client):
    def __init__(self, port, source, first, tls, done):
        super().__init__(port, source, first, first, done)
        self.outcomes, self.cuts, self.tls = collections.Counter(), [], tls
        self.kept = GOOD + load_mixed_client.BAD + MORE
        self.fatal = [kind for kind in load_mixed_client.FATAL if kind.status != 413]  # uploads are larger here
        self.kept_weights = [kind.weight for kind in self.kept]

    def connect(self):
        return SoakWire(self)

    def left_name(self):
        # Over TLS, an end of sending is the end of the connection.
        return self.chance.choice(RESETS if self.tls is not None else RESETS + ENDS)

    def begin_to_read(self, wire):
        wire.more()  # which may be the beginning of a 502

    def count_rest(self, outcome, asked, answered):
        self.outcomes[outcome] += self.done.value - asked - (sum(self.outcomes.values()) - answered)

    def run_until(self, end):
        sessions = {"kept": self.kept_session, "short": self.short_session, "fatal": self.fatal_session,
                    "left": self.left_session}
        names, weights = list(sessions), list(load_mixed_client.SESSIONS.values())
        while time.time() < end and self.failed < load_mixed_client.FAILURES_TOLD:
            (name,) = self.chance.choices(names, weights)
            asked, answered = self.done.value, sum(self.outcomes.values())
            try:
                sessions[name]()
                # What nobody waits for has no answer to be counted.
                self.count_rest("left by the client", asked, answered)
            except Cut as error:
                self.count_rest("cut, or behind one that was cut", asked, answered)
                self.cuts.append(str(error))
            except (OSError, Wrong, ValueError) as error:
                self.failed += 1
                self.failures.append(f"{name}: {type(error).__name__}: {error}")
            time.sleep(PAUSE)


def run(port, source, first, secure, end, done, core, pipe):
    """Until the time `end`; then tells what was sent, what came of it, and what went wrong."""
    os.sched_setaffinity(0, {core})
    tls = None
    if secure:
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    client = SoakClient(port, source, first, tls, done)
    client.run_until(end)
    pipe.send((dict(client.counts), dict(client.outcomes), client.cuts, client.failed, client.failures))
