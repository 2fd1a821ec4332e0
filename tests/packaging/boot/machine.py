# The package on a booted Debian: a virtual machine with a disk image, no network but its loopback, and a real systemd.
# SPDX-License-Identifier: GPL-2.0-or-later
import shutil
import subprocess
import threading
from pathlib import Path

import debian
from debian import PACKAGE, Failed, run, say

GUEST = Path(__file__).resolve().parent / "guest"
TIME_LIMIT = 900  # seconds; it takes two to three minutes

UNIT = """[Unit]
Description=Checks of the package
After=network.target dbus.service

[Service]
ExecStart=/bin/sh -c 'exec >/dev/ttyS1 2>&1; python3 -B /packages/guest/main.py; systemctl poweroff'

[Install]
WantedBy=multi-user.target
"""


def image(packages):
    """The disk, with all that the package needs, and the packages' files."""
    system = debian.System("machine")
    package = packages[PACKAGE]
    system.install_dependencies(package)
    folder = system.root / "packages"
    shutil.copy(package, folder / "first.deb")
    for name, unit_changes in (("second.deb", False), ("third.deb", True)):
        file, _ = debian.newer(package, folder, without_unit_changes=not unit_changes)
        file.rename(folder / name)
    shutil.copytree(GUEST, folder / "guest", ignore=shutil.ignore_patterns("__pycache__"))
    (system.root / "etc/systemd/system/package-test.service").write_text(UNIT)
    system.run("systemctl enable package-test.service\nsystemctl mask systemd-networkd-wait-online.service\n"
               "echo machine >/etc/hostname\necho 127.0.0.1 localhost machine >/etc/hosts\n"
               "rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb")
    disk = debian.WORK / "machine.img"
    disk.unlink(missing_ok=True)
    run("mke2fs", "-q", "-t", "ext4", "-d", system.root, disk, "3G")
    kernels = sorted((system.root / "boot").glob("vmlinuz-*"))
    return disk, kernels[-1], kernels[-1].with_name(kernels[-1].name.replace("vmlinuz", "initrd.img"))


def boot(disk, kernel, initrd):
    """Boots, prints what the checks say, and returns their last line. The processor is emulated: /dev/kvm, where there is
    one, is not always one that works."""
    console = debian.WORK / "console.log"
    machine = subprocess.Popen(
        ["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", "1024", "-nic", "none", "-display",
         "none", "-no-reboot", "-kernel", kernel, "-initrd", initrd, "-append", "root=/dev/vda rw console=ttyS0 panic=-1",
         "-drive", f"file={disk},format=raw,if=virtio,cache=unsafe", "-serial", f"file:{console}", "-serial", "stdio"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
    timer = threading.Timer(TIME_LIMIT, machine.kill)
    timer.start()
    last = ""
    for line in machine.stdout:
        last = line.rstrip()
        say(last)
    timer.cancel()
    machine.wait()
    said = machine.stderr.read()
    if not last:
        tail = console.read_text(errors="replace").splitlines()[-20:] if console.exists() else []
        say(f"        nothing came from the machine; qemu: {said.strip()}; the end of its console:")
        say("\n".join(tail))
    return last


def live(packages):
    disk, kernel, initrd = image(packages)
    say(f"        booting {kernel.name}; its console goes to {debian.WORK.relative_to(debian.ROOT)}/console.log")
    last = boot(disk, kernel, initrd)
    if last.strip() != "RESULT  passed":
        raise Failed(f"the checks in the machine: {last or 'none ran'}")
