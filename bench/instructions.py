#!/usr/bin/env python3
# Counts the instructions that a request takes, and compares with bench/instructions.json.
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: bench/instructions.py BUILD [--write]

BUILD is a release build, e.g. build/release. valgrind's callgrind counts what the HTTPD process executes: the same
number in each run, whatever else the machine does. Fails when a standard request takes more than 3 % more than the
file says; --write puts the new numbers there, for the commit that is the reason for them.

The kernel's part is not in it, and neither is what waiting for memory costs: docs/BENCHMARKS.md has the time.
"""

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True

import servers  # noqa: E402

KEPT = Path(__file__).resolve().with_name("instructions.json")
GROWTH = 0.03
WARM_UP = 100
COUNTED = 1000
START = 60      # seconds, under valgrind
SKIPPED = 77    # ctest's SKIP_RETURN_CODE
# The variants of memcpy() and its like that every x86-64 processor has, so that all machines count the same.
PLAIN_LIBC = "glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-AVX512VL,-AVX512BW,-ERMS,-FSRM,-BMI1,-BMI2,-MOVBE,-SSE4_1,-SSE4_2,-SSSE3"

UPTIME = b'{"jsonrpc":"2.0","method":"uptime","id":1}'
ECHO = b'{"jsonrpc":"2.0","method":"bench","params":["' + b"p" * 35 + b'"],"id":12345678901}'


def _post(path, body):
    return (b"POST %s HTTP/1.1\r\nHost: 127.0.0.1:8888\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            % (path, len(body))) + body


REQUESTS = {
    "GET /bench, 500 bytes": b"GET /bench HTTP/1.1\r\nHost: 127.0.0.1:8888\r\n\r\n",
    "POST /bench, 100 bytes sent back": _post(b"/bench", ECHO),
    "POST /mi, uptime": _post(b"/mi", UPTIME),
}


def send(port, request, count):
    """Sends it so often, one after the other, over one connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        for _ in range(count):
            connection.sendall(request)
            reply = connection.recv(65536)
            head, _, body = reply.partition(b"\r\n\r\n")
            while len(body) < int(re.search(rb"(?i)content-length: *(\d+)", head)[1]):
                body += connection.recv(65536)
            if not head.startswith(b"HTTP/1.1 200 "):
                raise SystemExit(f"instructions: answered with {head[:60]}")


def run(build, folder, counted):
    """Instructions of the HTTPD process from its start to its end, with COUNTED more of that request, if it is one."""
    port = servers.free_port()
    config = folder / "counted.cfg"
    config.write_text(servers.HTTPD_CONFIG.format(port=port, build=build, limits=servers.HTTPD_OPEN,
                                                  more='loadmodule "mi_http.so"\n'))
    log = folder / "log"
    with log.open("w") as out, subprocess.Popen(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out.%p", f"{build}/bin/opensips-httpd", "-f",
             str(config)], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            env={**os.environ, "GLIBC_TUNABLES": PLAIN_LIBC}) as process:
        try:
            if not servers.listens(process, port, START):
                process.kill()
                raise SystemExit("instructions: the daemon does not start under valgrind:\n"
                                 f"{log.read_text(errors='replace')}")
            for request in REQUESTS.values():
                send(port, request, WARM_UP)
            if counted:
                send(port, REQUESTS[counted], COUNTED)
        finally:
            process.terminate()
    totals = []
    for out in folder.glob("out.*"):
        # The HTTPD process alone has run a handler.
        text = out.read_text(errors="replace")
        if "CHandler::handle" in text:
            totals.append(int(re.search(r"(?m)^(?:totals|summary): (\d+)", text)[1]))
        out.unlink()
    if len(totals) != 1:
        raise SystemExit(f"instructions: {len(totals)} processes that have run a handler:\n{log.read_text()}")
    return totals[0]


def count(build):
    with tempfile.TemporaryDirectory() as name:
        base = run(build, Path(name), None)
        return {request: round((run(build, Path(name), request) - base) / COUNTED) for request in REQUESTS}


def made_with(build):
    """What the numbers depend on."""
    cache = (build / "CMakeCache.txt").read_text()
    compiler = re.search(r"(?m)^CMAKE_CXX_COMPILER:[A-Z]+=(.*)$", cache)[1]
    version = subprocess.run([compiler, "-dumpversion"], capture_output=True, text=True, check=True).stdout.strip()
    return {"compiler": f"{'clang' if 'clang' in compiler else 'g++'} {version.partition('.')[0]}", "machine": os.uname().machine}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("--write", action="store_true", help="keep the numbers")
    options = parser.parse_args()
    build = options.build.resolve()
    made = made_with(build)
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {"made with": made, "instructions": {}}
    if not options.write and kept["made with"] != made:
        print(f"instructions: skipped: {KEPT.name} is for {kept['made with']}, this build is of {made}")
        return SKIPPED
    numbers = count(build)
    failed = False
    for request, number in numbers.items():
        before = kept["instructions"].get(request)
        change = f" ({number / before - 1:+.1%} of {before:,})" if before else ""
        print(f"instructions: {request}: {number:,}{change}")
        failed = failed or before is None or number > before * (1 + GROWTH)
    if options.write:
        KEPT.write_text(json.dumps({"made with": made, "instructions": numbers}, indent=2) + "\n")
        return 0
    if failed:
        print("instructions: a request takes more than it did. If that is worth it, run bench/instructions.py "
              f"{options.build} --write, and say why in the commit that has the new {KEPT.name}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
