# Where the time of the HTTPD process of an OpenSIPS goes, by perf. SPDX-License-Identifier: GPL-2.0-or-later
"""Samples are told apart by the file that the code is in. What of the kernel's time is that of prometheus is seen by
the kernel's own callers: the statistics of the group `net` read /proc/net, which the way of a reply never does."""

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

FREQUENCY = 4000  # samples a second
HTTPD = "httpd.so, with the libraries that only it uses"
OWN = "prometheus and OpenSIPS's core: making the page"
OWN_KERNEL = "the kernel, reading /proc/net for prometheus"
LIBC = "libc, for both"
KERNEL = "the kernel: sockets, epoll, scheduling"
GROUPS = (OWN, OWN_KERNEL, LIBC, HTTPD, KERNEL)  # in the order of the table
PROC_FILE = re.compile(r"seq_read|proc_reg_|do_sys_openat|seq_open|single_release|seq_release")
LIBRARIES = re.compile(r"httpd\.so|libmicrohttpd|libstdc\+\+|libgnutls|libfmt|libnettle")


def unavailable():
    """Why there can be no profile; empty where there can."""
    if not shutil.which("perf"):
        return "perf is not installed"
    tried = subprocess.run(["perf", "record", "-q", "-e", "cpu-clock", "-o", "/dev/null", "true"],
                           capture_output=True, text=True, check=False)
    return "perf may not be used here" if tried.returncode else ""


def record(pid, seconds, file):
    """Samples the process, while it is under load, in the background."""
    return subprocess.Popen(["perf", "record", "-q", "-e", "cpu-clock", "-F", str(FREQUENCY), "-g", "-p", str(pid),
                             "-o", str(file), "--", "sleep", str(seconds)],
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def _group(chain):
    """`chain`: (symbol, file) of the code that ran and of its callers."""
    file = chain[0][1]
    if "kernel" in file:
        return OWN_KERNEL if any("kernel" in where and PROC_FILE.search(symbol) for symbol, where in chain) else KERNEL
    name = Path(file).name
    if LIBRARIES.match(name):
        return HTTPD
    return LIBC if name.startswith(("libc.", "libc-", "ld-linux", "libpthread")) else OWN


def shares(file):
    """Group -> its share of the samples. None where the kernel hides its symbols, since two groups need them."""
    printed = subprocess.run(["perf", "script", "-i", str(file), "-F", "ip,sym,dso"], capture_output=True, text=True,
                             check=True).stdout
    counts, unnamed = Counter(), 0
    for sample in printed.split("\n\n"):
        # "  ffffffff8123 name+0x1 ([kernel.kallsyms])", the innermost first
        chain = re.findall(r"^\s*[0-9a-f]+ (.*) \((.*)\)$", sample, re.M)
        if chain:
            counts[_group(chain)] += 1
            unnamed += "kernel" in chain[0][1] and chain[0][0] == "[unknown]"
    total = counts.total()
    if not total or unnamed > total / 20:
        return None
    return {group: counts[group] / total for group in GROUPS}
