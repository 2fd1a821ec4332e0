# Runs in the booted system, on its console; the last line tells the outcome. SPDX-License-Identifier: GPL-2.0-or-later
import sys
import time
import traceback

import helpers
import logs
import packages
import service
import sockets

PARTS = (packages.install, service.serves, service.fifo, service.hardening, service.reload, service.upgrade, service.crash,
         service.stop, service.allowed_calls, service.privileged_port, service.credentials, logs.to_the_journal, logs.to_a_file,
         sockets.activation, sockets.restart, sockets.privileged_port, packages.upgrade, packages.remove)


def passes(part):
    began = time.monotonic()
    print(f"--      {part.__module__}: {part.__name__.replace('_', ' ')}", flush=True)
    try:
        part()
    except Exception as error:  # whatever goes wrong, the outcome is told
        if not isinstance(error, helpers.Failed):
            traceback.print_exc(file=sys.stdout)
        print(f"FAILED  {part.__module__}.{part.__name__}: {error}")
        print(helpers.systemctl("status", "--full", "--no-pager", "--lines=30", helpers.UNIT, fails=True), flush=True)
        return False
    print(f"        {time.monotonic() - began:.1f} s", flush=True)
    return True


def main():
    for part in PARTS:
        if not passes(part):
            print("RESULT  failed", flush=True)
            return
    print("RESULT  passed", flush=True)


main()
