# The clients of load.py, each in a process of its own: the normal one, the one with idle connections, the header flood.
# SPDX-License-Identifier: GPL-2.0-or-later
import array
import collections
import gc
import multiprocessing
import os
import select
import socket
import struct
import time

from load_common import NORMAL, go_first, milliseconds, percentile

SPAWN = multiprocessing.get_context("spawn")  # a fork would copy the threads' locks
TIMEOUT = 5.0       # of the normal client: what takes longer has failed
INTERVAL = 0.005    # between two of its requests
IP_BIND_ADDRESS_NO_PORT = 24
IDLE_SOURCES = [f"127.0.0.{number}" for number in range(20, 30)]

GREETING = b"Hello, load!\n"
GET = b"GET /hello-cpp?name=load HTTP/1.1\r\nHost: localhost\r\n\r\n"


def connect(port, source, timeout=TIMEOUT):
    """A connection from this address. Its port is chosen when it connects, so that one may serve for two targets."""
    client = socket.socket()
    try:
        client.settimeout(timeout)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        client.bind((source, 0))
        client.connect(("127.0.0.1", port))
    except BaseException:
        client.close()
        raise
    return client


def reset(client):
    """Leaves with a reset, and without waiting in TIME_WAIT."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def ask(client):
    """One GET, whose reply must be the right one."""
    client.sendall(GET)
    reply = client.recv(4096)
    while reply and not reply.endswith(GREETING):
        reply += client.recv(4096)
    if not reply.startswith(b"HTTP/1.1 200 ") or reply.count(GREETING) != 1:
        raise ConnectionError(f"a wrong reply: {reply[:200]!r}")


class Process:
    """A function in a process of its own, on one core. It gets the end of a pipe as its last argument."""

    def __init__(self, function, *arguments):
        self.pipe, theirs = SPAWN.Pipe()
        self.process = SPAWN.Process(target=function, args=(*arguments, theirs), daemon=True)
        self.process.start()
        theirs.close()

    def receive(self, timeout):
        if not self.pipe.poll(timeout):
            raise RuntimeError("a client did not report in time")
        return self.pipe.recv()

    def call(self, command, timeout=120):
        self.pipe.send(command)
        return self.receive(timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.pipe.close()
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def normal(port, seconds, core, pipe):
    """Asks every 5 ms on one kept connection. Where a reply is late, the requests that were due meanwhile are not sent,
    and count as if they had been, and answered with it: a server that stalls must not be asked less for it."""
    os.sched_setaffinity(0, {core})
    go_first(0, 2)
    gc.disable()
    clock, times, failures = time.perf_counter, array.array("d"), []
    client = connect(port, NORMAL)
    ask(client)
    pipe.send("ready")
    due = clock()
    end = due + seconds
    while due < end:
        time.sleep(max(0.0, due - clock()))
        begun = clock()
        try:
            ask(client)
            now = clock()
            times.append(now - begun)
            due += INTERVAL
            while due < now:
                times.append(now - due)
                due += INTERVAL
        except OSError as error:
            failures.append(f"{type(error).__name__}: {error}")
            client.close()
            try:
                client = connect(port, NORMAL)
            except OSError:
                pass
            due = clock() + INTERVAL
    pipe.send((times, failures))


class Normal:
    """What a normal client has seen."""

    def __init__(self, times, failures):
        self.failures = failures
        self.count = len(times) + len(failures)
        # A request without a reply has no time; it counts as the longest that was waited.
        ordered = sorted(times) + [TIMEOUT] * len(failures)
        self.p50, self.p99, self.max = (percentile(ordered, share) for share in (0.5, 0.99, 1))

    def cells(self):
        return [milliseconds(value) for value in (self.p50, self.p99, self.max)]


def start_normal(server, seconds, core):
    client = Process(normal, server.port, seconds, core)
    client.receive(30)
    return client


def end_normal(client, seconds):
    with client:
        return Normal(*client.receive(seconds + 60))


def quiet(server, seconds, core):
    """The normal client alone."""
    return end_normal(start_normal(server, seconds, core), seconds)


def idle(port, count, core, pipe):
    """Opens connections that each ask once and stay; asks once more on each of them when it is told to."""
    os.sched_setaffinity(0, {core})
    failures, clients = [], []
    for number in range(count):
        try:
            clients.append(connect(port, IDLE_SOURCES[number % len(IDLE_SOURCES)], 30))
            ask(clients[-1])
        except OSError as error:
            failures.append(str(error))
    pipe.send((len(clients), failures))
    while (command := pipe.recv()) == "ask":
        failures = []
        for client in clients:
            try:
                ask(client)
            except OSError as error:
                failures.append(str(error))
        pipe.send((len(clients), failures))
    for client in clients:
        client.close()
    pipe.send(command)


FIELDS = 40  # in one piece
FLOOD = b"".join(b"X-Flood-%04d: %s\r\n" % (number, b"f" * 32) for number in range(FIELDS))
FLOOD_HEAD = b"GET /hello-cpp HTTP/1.1\r\nHost: localhost\r\n"


class Flooder:
    """One connection of the flood: a head that never ends."""

    def __init__(self, port):
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.connect_ex(("127.0.0.1", port))
        self.piece = FLOOD_HEAD + FLOOD

    def send(self):
        """False when the server has ended the connection."""
        try:
            self.socket.send(self.piece)
            self.piece = FLOOD
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True

    def is_refused(self):
        """Whether what arrives is a refusal, and not the end of a connection that has had one."""
        try:
            return self.socket.recv(4096).startswith(b"HTTP/1.1 431 ")
        except OSError:
            return False


def flood(port, count, rate, core, pipe):
    """Header fields without end on so many connections, in turn: so many pieces a second, or as fast as it gets where
    that is 0. Who is refused comes again at once. Answers how many were refused."""
    os.sched_setaffinity(0, {core})
    poller, flooders, turns, refused = select.epoll(), {}, collections.deque(), 0

    def begin():
        flooder = Flooder(port)
        flooders[flooder.socket.fileno()] = flooder
        turns.append(flooder)
        poller.register(flooder.socket, select.EPOLLIN)

    def end(flooder):
        """It may still stand in `turns`, where it is passed over."""
        del flooders[flooder.socket.fileno()]
        reset(flooder.socket)

    for _ in range(count):
        begin()
    begun, sent = time.monotonic(), 0
    while not pipe.poll():
        due = int((time.monotonic() - begun) * rate) - sent if rate else count
        for _ in range(min(due, len(turns))):
            flooder = turns.popleft()
            sent += 1
            if flooder.socket.fileno() < 0:
                continue
            if flooder.send():
                turns.append(flooder)
            else:
                end(flooder)
                begin()
        for descriptor, _ in poller.poll(0.001 if rate else 0):
            refused += flooders[descriptor].is_refused()
            end(flooders[descriptor])
            begin()
    for flooder in list(flooders.values()):
        end(flooder)
    pipe.send(refused)
