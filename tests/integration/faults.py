# Lets one call of one function fail inside a running daemon, through the library modules/fault_injector.c.
# SPDX-License-Identifier: GPL-2.0-or-later
import errno
import mmap
import re
import struct

import daemon

INJECTOR = daemon.TEST_MODULES / "fault_injector.so"

# In the order of fault_injector.c: the function, and what it fails with. Where the kernel has several reasons that a
# program has to tell apart, each is tried.
FUNCTIONS = {
    "accept4": [errno.EMFILE, errno.ENOBUFS, errno.ECONNABORTED, errno.EPERM],
    "read": [errno.EIO],
    "epoll_ctl": [errno.ENOMEM, errno.ENOSPC],
    "mmap": [errno.ENOMEM],
    "malloc": [errno.ENOMEM],
    "memfd_create": [errno.EMFILE, errno.ENOMEM],
    "sendmsg": [errno.ENOBUFS, errno.EPIPE],
    "recv": [errno.ECONNRESET, errno.ENOMEM],
    "recvmsg": [errno.ECONNRESET, errno.ENOMEM],
    "send": [errno.ENOBUFS, errno.EPIPE],
    "sendfile": [errno.EIO, errno.ENOMEM],
    "write": [errno.EIO],
    "open": [errno.EMFILE],
    "ftruncate": [errno.ENOSPC],
    "socketpair": [errno.EMFILE],
    "setsockopt": [errno.ENOMEM],
    "timerfd_settime": [errno.ENOMEM],
}
# struct page of fault_injector.c: kind and place of each member.
FIELDS = {"pid": ("=i", 0), "function": ("=i", 4), "error": ("=i", 8), "nth": ("=i", 12), "count": ("=i", 16),
          "failed": ("=i", 20), "live": ("=q", 24)}
NUMBER = {name: number for number, name in enumerate(FUNCTIONS, 1)}


class Faults:
    """The page that a daemon started with `environment()` shares."""

    def __init__(self, folder):
        self.path = folder / "faults"
        self.path.write_bytes(bytes(mmap.PAGESIZE))
        with open(self.path, "r+b") as file:
            self.page = mmap.mmap(file.fileno(), mmap.PAGESIZE)

    def environment(self):
        # The runtime of a sanitizer that is linked into the program does not mind what comes before it.
        return {"LD_PRELOAD": str(INJECTOR), "HTTPD_FAULTS": str(self.path)}

    def _write(self, field, value):
        """One field alone: the daemon writes others meanwhile."""
        kind, place = FIELDS[field]
        struct.pack_into(kind, self.page, place, value)

    def _read(self, field):
        kind, place = FIELDS[field]
        return struct.unpack_from(kind, self.page, place)[0]

    def arm(self, pid, function, error, nth):
        """From now on the `nth` call of `function` in the process `pid` (0: in any) fails with `error`."""
        for field, value in (("pid", pid), ("error", error), ("nth", nth), ("count", 0), ("failed", 0)):
            self._write(field, value)
        self._write("function", NUMBER[function])

    def disarm(self):
        """Ends it. True when there was such a call."""
        self._write("function", 0)
        return bool(self._read("failed"))

    def watch(self, pid):
        """Counts the pieces of memory of this process from now on."""
        self._write("pid", pid)
        self._write("live", 0)

    @property
    def live(self):
        """How many more pieces of memory the process has than when watch() was called."""
        return self._read("live")


def mappings(pid):
    """The number of its mappings, but for the heaps and arenas of the C library, which it may grow as it likes."""
    with open(f"/proc/{pid}/maps") as maps:
        return sum(not re.search(r"\[heap\]$| 00:00 0\s*$", line) for line in maps)
