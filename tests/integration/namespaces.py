# Machines of a network of their own, each a network namespace: a balancer between its clients and some servers, with
# cables that can be pulled. SPDX-License-Identifier: GPL-2.0-or-later
import contextlib
import ctypes
import os
import subprocess

CLIENTS, BALANCER, BEHIND = "192.0.2.100", "198.51.100.10", ["198.51.100.11", "198.51.100.12", "198.51.100.13"]

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def why_not():
    """Why this machine lets us make none, in a line; "" when it does."""
    try:
        Namespace().close()
        with Namespace() as one, Namespace() as other:
            join(one, "net", other, "net")
    except (OSError, subprocess.CalledProcessError, RuntimeError) as error:
        said = getattr(error, "stderr", "") or error
        return f"network namespaces cannot be made here (root can, with iproute2): {said}".strip()
    return ""


class Namespace:
    """A network namespace that has no name: it is gone when nobody is in it any more, and with this program at the
    latest, however that ends. Used as a context manager."""

    def __init__(self):
        # Ends with the pipe, whose other end no other program has.
        self.holder = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE)
        with contextlib.suppress(BrokenPipeError):
            self.holder.stdin.write(b"\n")
            self.holder.stdin.flush()
        if not self.holder.stdout.readline():  # cat runs, and so the namespace is there
            said = self.holder.stderr.read().decode()
            self.close()
            raise RuntimeError(said)
        self.pid = self.holder.pid
        self.ip("link", "set", "lo", "up")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        with contextlib.suppress(OSError):
            self.holder.stdin.close()
        self.holder.wait()
        self.holder.stdout.close()
        self.holder.stderr.close()

    @property
    def runner(self):
        """The command that another one is run by to be in here; it becomes that one, with the same process id."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--"]

    def ip(self, *arguments):
        subprocess.run([*self.runner, "ip", *arguments], check=True, capture_output=True, text=True)

    @contextlib.contextmanager
    def inside(self):
        """This thread is in here: so are the sockets that it makes, for good."""
        with open("/proc/thread-self/ns/net", "rb") as before, open(f"/proc/{self.pid}/ns/net", "rb") as here:
            _enter(here)
            try:
                yield
            finally:
                _enter(before)


def _enter(file):
    if _libc.setns(file.fileno(), _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def join(one, name, other, other_name):
    """A cable between two."""
    one.ip("link", "add", "name", name, "type", "veth", "peer", "name", other_name, "netns", str(other.pid))
    one.ip("link", "set", name, "up")
    other.ip("link", "set", other_name, "up")


class Network:
    """Clients, a balancer, and three machines behind it: the addresses are those of examples/scale/. The balancer has
    an address of its own for each of `fronts`. Used as a context manager."""

    def __init__(self, fronts):
        self.stack = contextlib.ExitStack()
        try:
            self.clients, self.balancer, *self.machines = (self.stack.enter_context(Namespace())
                                                           for _ in range(2 + len(BEHIND)))
            join(self.balancer, "front", self.clients, "net")
            self.clients.ip("addr", "add", f"{CLIENTS}/24", "dev", "net")
            for address in fronts:
                self.balancer.ip("addr", "add", f"{address}/24", "dev", "front")
            # A switch, with the cables of the machines in it.
            self.balancer.ip("link", "add", "switch", "type", "bridge")
            self.balancer.ip("addr", "add", f"{BALANCER}/24", "dev", "switch")
            self.balancer.ip("link", "set", "switch", "up")
            for number, (machine, address) in enumerate(zip(self.machines, BEHIND)):
                join(self.balancer, f"port{number}", machine, "net")
                self.balancer.ip("link", "set", f"port{number}", "master", "switch")
                machine.ip("addr", "add", f"{address}/24", "dev", "net")
        except BaseException:
            self.stack.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()

    def pull(self, number):
        """Pulls the cable of a machine out of the switch."""
        self.balancer.ip("link", "set", f"port{number}", "down")

    def plug(self, number):
        self.balancer.ip("link", "set", f"port{number}", "up")
