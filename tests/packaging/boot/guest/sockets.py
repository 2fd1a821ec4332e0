# The socket unit: systemd holds the port. SPDX-License-Identifier: GPL-2.0-or-later
import time

from helpers import (SOCKET_UNIT, Load, active, alive, ask, check, configure, drop_in, main_pid, refuses_connections, show,
                     systemctl, wait_until)


def activation():
    check(systemctl("is-enabled", SOCKET_UNIT, fails=True) == "disabled" and active(SOCKET_UNIT) == "inactive",
          "the socket unit is off unless somebody wants it")
    systemctl("stop", "opensips-httpd")
    check(refuses_connections(), "without it nobody listens when the service is stopped")
    systemctl("enable", "--now", SOCKET_UNIT)
    check((active(SOCKET_UNIT), active()) == ("active", "inactive"), "systemctl enable --now opensips-httpd.socket")
    check(ask("/health/ready")[0] == 200 and active() == "active", "the first client starts the service, and is served")
    check(show("SubState", SOCKET_UNIT) == "running", "which has the socket of systemd")


def restart():
    # Nobody is refused. Who has connected a moment before the end, and not asked yet, is closed as idle, and asks again.
    with Load(clients=4, repeats=True) as load:
        for _ in range(3):
            systemctl("restart", "opensips-httpd")
            time.sleep(0.3)
    load.check_none_lost("three restarts with the socket unit")
    old = main_pid()
    with Load(clients=3, kept=2) as load:
        systemctl("kill", "--kill-whom=main", "--signal=USR2", "opensips-httpd")
        wait_until(lambda: main_pid() not in (0, old) and not alive(old), "no upgrade", 20)
        systemctl("reload", "opensips-httpd")
    load.check_none_lost("an upgrade with the socket unit")
    systemctl("stop", "opensips-httpd")
    check(active(SOCKET_UNIT) == "active" and ask("/health/ready")[0] == 200, "stopped: the next client starts it")


def privileged_port():
    systemctl("stop", SOCKET_UNIT, "opensips-httpd")
    drop_in("[Socket]\nListenStream=\nListenStream=127.0.0.1:80\n", SOCKET_UNIT)
    systemctl("start", SOCKET_UNIT)
    check(ask("/health/ready", port=80)[0] == 200 and refuses_connections(),
          "port 80 by a drop-in of the socket unit; the configuration's address does not count")
    systemctl("stop", SOCKET_UNIT, "opensips-httpd")
    drop_in(None, SOCKET_UNIT)
    systemctl("disable", SOCKET_UNIT)
    configure()
    systemctl("start", "opensips-httpd")
    check(ask("/health/ready")[0] == 200, "without the socket unit again")
