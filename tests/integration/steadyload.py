# A steady load from many clients on what is behind a balancer: each request has a number and is accounted for.
# SPDX-License-Identifier: GPL-2.0-or-later
import collections
import itertools
import json
import threading
import time

import rawhttp
from machines import NAMES, RIGHTS

PAUSE = 0.02     # seconds between two requests of a client
SLOW = 300       # milliseconds that the slow ones take
PATIENCE = 30.0  # seconds to wait for a reply

_numbers = itertools.count(1)

Failure = collections.namedtuple("Failure", "number client begun seconds what")


def get(number):
    return rawhttp.request("GET", f"/files/who?n={number}", RIGHTS)


def post(number):
    call = {"jsonrpc": "2.0", "method": "pwd", "id": number}
    return rawhttp.request("POST", f"/mi?n={number}", RIGHTS, "Content-Type: application/json",
                           body=json.dumps(call).encode())


def slow(number):
    return rawhttp.request("GET", f"/keep/{SLOW}?n={number}", RIGHTS)


def server_of(message, number, reply):
    """The machine that answered; None where the reply does not tell. Whatever is no full and right reply raises."""
    if reply.status != 200:
        raise rawhttp.BadReply(f"{reply}")
    if message is slow:
        assert reply.body.startswith(b"kept "), reply
        return None
    if message is get:
        name = reply.body.decode()
    else:
        answer = json.loads(reply.body)
        assert answer["id"] == number, "the reply to another request"
        name = answer["result"]["WD"].rstrip("/").rsplit("/", 1)[1]
    assert name in NAMES, reply
    return name


class Client(threading.Thread):
    """Sends one request after the other, on one connection where `kept`. A connection that the other side ends without
    having announced it with the reply before costs a request, and that is a failure."""

    def __init__(self, load, front, message, kept):
        super().__init__(daemon=True)
        self.load, self.front, self.message, self.kept = load, front, message, kept
        self.label = f"{front.kind}, {message.__name__}, {'kept' if kept else 'new'}"
        self.served = collections.Counter()  # by machine
        self.failures = []
        self.longest = 0.0  # seconds
        self.connection = None

    def run(self):
        while not self.load.ended.wait(PAUSE):
            self.request()
        self.close()

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def request(self):
        number, begun = next(_numbers), time.monotonic()
        try:
            if self.connection is None:
                self.connection = self.front.connect(PATIENCE)
            reply = self.connection.ask(self.message(number))
            self.served[server_of(self.message, number, reply)] += 1
            if not self.kept or reply.closes():
                self.close()
        except (OSError, AssertionError) as error:
            self.failures.append(Failure(number, self.label, begun, time.monotonic() - begun, repr(error)))
            self.close()
        self.longest = max(self.longest, time.monotonic() - begun)


class Load:
    """Clients of each kind for each front. Used as a context manager; when it is over
    every request has been answered or has failed."""

    def __init__(self, fronts, messages=(get, post, slow)):
        self.ended = threading.Event()
        self.clients = [Client(self, front, message, kept) for front in fronts for message in messages
                        for kept in (True, False) if kept or message is not slow]

    def __enter__(self):
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for client in self.clients:
            client.join(PATIENCE + 10)
            assert not client.is_alive(), f"{client.label} does not end"

    @property
    def failures(self):
        return [failure for client in self.clients for failure in client.failures]

    def served(self, kind=None):
        """How many requests each machine answered; None counts those whose replies do not tell."""
        return sum((client.served for client in self.clients if kind in (None, client.front.kind)),
                   collections.Counter())

    def wait_served(self, name, more, kinds, seconds=10.0):
        """Waits until each of these fronts has had so many replies more from a machine."""
        begin = {kind: self.served(kind)[name] for kind in kinds}
        deadline = time.monotonic() + seconds
        while not all(self.served(kind)[name] >= begin[kind] + more for kind in kinds):
            assert time.monotonic() < deadline, f"{name} gets nothing: {[(kind, self.served(kind)) for kind in kinds]}"
            time.sleep(0.02)
