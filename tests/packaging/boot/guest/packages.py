# dpkg under a running systemd: what the packages' scripts do to the service. SPDX-License-Identifier: GPL-2.0-or-later
from pathlib import Path

from helpers import CONFIG, SOCKET_UNIT, UNIT, Load, active, ask, check, main_pid, run, show, systemctl, wait_until

FOLDER = Path("/packages")


def dpkg(*arguments):
    return run("dpkg", "--force-confold", *arguments)


def install():
    failed = systemctl("list-units", "--state=failed", "--no-legend")
    check(failed == "", f"booted: {run('uname', '-r').strip()}, {run('systemctl', '--version').splitlines()[0]}, no unit failed")
    dpkg("--install", FOLDER / "first.deb")
    check((systemctl("is-enabled", UNIT), active()) == ("enabled", "active"), "dpkg -i: the service is enabled, and active")
    check(ask("/health/ready")[0] == 200, "and serves")


def upgrade():
    original = CONFIG.with_suffix(".original")
    original.unlink()
    CONFIG.write_text(CONFIG.read_text() + "# changed here\n")
    old = main_pid()
    with Load(kept=2) as load:
        dpkg("--install", FOLDER / "second.deb")
    load.check_none_lost("dpkg -i of a higher version")
    check(main_pid() not in (0, old) and active() == "active" and show("NRestarts") == "0", "its program has taken over")
    check("# changed here" in CONFIG.read_text(), "the configuration that was changed is kept")
    systemctl("stop", UNIT)
    systemctl("start", SOCKET_UNIT, UNIT)
    old = main_pid()
    dpkg("--install", FOLDER / "third.deb")
    wait_until(lambda: main_pid() not in (0, old) and active() == "active", "not restarted")
    check(show("LimitNOFILE") == "70000" and show("NeedDaemonReload") == "no" and ask("/health/ready")[0] == 200,
          "dpkg -i of one with another unit: restarted with that")
    check("70000" in Path(f"/proc/{main_pid()}/limits").read_text(), "whose limits the process has")
    check(show("SubState", SOCKET_UNIT) == "running", "and the socket of systemd's is where it was")
    systemctl("stop", SOCKET_UNIT, UNIT)
    systemctl("start", UNIT)


def remove():
    dpkg("--remove", "opensips-httpd")
    check(active() != "active" and not Path("/usr/bin/opensips-httpd").exists() and CONFIG.exists(),
          "dpkg --remove: stopped, the configuration is kept")
    dpkg("--install", FOLDER / "first.deb")
    check((systemctl("is-enabled", UNIT), active(), ask("/health/ready")[0]) == ("enabled", "active", 200), "installed again")
    dpkg("--purge", "opensips-httpd")
    left = [str(path) for folder in ("/etc", "/run", "/usr", "/lib", "/var/lib", "/var/log") for path in
            Path(folder).rglob("*opensips-httpd*")]
    check(not left, "dpkg --purge: no file of its name is left" if not left else f"purged, and this is left: {left}")
    check(systemctl("list-units", "--all", "--no-legend", "opensips-httpd*") == "" and
          systemctl("list-units", "--state=failed", "--no-legend") == "", "systemd knows no unit of it, and none has failed")
