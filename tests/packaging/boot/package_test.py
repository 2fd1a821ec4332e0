#!/usr/bin/python3
# `make package-test`: the packages of `make deb` in a Debian of their own, in a folder and on a booted systemd.
# Usage: package_test.py [folder] [machine]                               SPDX-License-Identifier: GPL-2.0-or-later
import os
import sys
import time

import debian
import folder
import machine

PARTS = {"folder": folder.live, "machine": machine.live}


def main():
    wanted = sys.argv[1:] or list(PARTS)
    if not set(wanted) <= set(PARTS):
        sys.exit(f"usage: package_test.py [{'] ['.join(PARTS)}]")
    if os.geteuid() != 0:
        sys.exit("package-test: only root can make a Debian in a folder: run `sudo make package-test`")
    began = time.monotonic()
    try:
        packages = debian.newest_packages(debian.ROOT / "build" / "deb")
        for part in wanted:
            debian.say(f"== {part}: {packages[debian.PACKAGE].name}")
            PARTS[part](packages)
    except debian.Failed as failed:
        debian.say(f"FAILED  {failed}")
        sys.exit(1)
    debian.say(f"== package-test: all checks passed, in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
