# The systemd units are sound, hardened, and agree with the configuration that is installed with them.
# SPDX-License-Identifier: GPL-2.0-or-later
import re
import subprocess

import daemon
import pytest

PACKAGING = daemon.ROOT / "packaging"
UNITS = PACKAGING / "systemd"
SERVICE = (UNITS / "opensips-httpd.service").read_text(encoding="utf-8")
SOCKET = (UNITS / "opensips-httpd.socket").read_text(encoding="utf-8")
CONFIG = (PACKAGING / "config" / "opensips-httpd.cfg").read_text(encoding="utf-8")
LOGROTATE = (PACKAGING / "logrotate" / "opensips-httpd").read_text(encoding="utf-8")

MOST_EXPOSED = 2.5


def value(unit, key):
    """What the last line that sets the key says."""
    return re.findall(rf"^{key}=(.*)$", unit, re.M)[-1]


def parameter(name):
    return re.search(rf'^modparam\("\w+", "{name}", "?(.*?)"?\)$', CONFIG, re.M)[1]


@pytest.fixture
def analyze(tmp_path):
    """Runs systemd-analyze on copies of the units, of which the service starts the program that was built, and is changed
    by the function `change`."""
    def analyzer(*arguments, units=("opensips-httpd.service",), change=lambda text: text):
        service = SERVICE.replace("/usr/bin/opensips-httpd", str(daemon.BINARY))
        (tmp_path / "opensips-httpd.service").write_text(change(service))
        (tmp_path / "opensips-httpd.socket").write_text(SOCKET)
        return subprocess.run(["systemd-analyze", *arguments, *(tmp_path / unit for unit in units)],
                              capture_output=True, text=True, timeout=30, check=False)
    return analyzer


def exposure(done):
    return float(re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)[1])


def test_the_service_is_little_exposed(analyze):
    assert exposure(analyze("security", "--offline=true")) < MOST_EXPOSED


def test_what_hardens_the_service_is_what_makes_it_so(analyze):
    def soft(text):
        return re.sub(r"^(SystemCall|Restrict|Protect|Capability|Private).*\n", "", text, flags=re.M)
    assert exposure(analyze("security", "--offline=true", change=soft)) > MOST_EXPOSED


def test_systemd_finds_no_fault(analyze):
    done = analyze("verify", "--man=no", units=("opensips-httpd.service", "opensips-httpd.socket"))
    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_finds_a_fault_that_is_there(analyze):
    done = analyze("verify", "--man=no", change=lambda text: text.replace("RestartSec=1", "RestartSec=soon"))
    assert "Failed to parse sec value, ignoring: soon" in done.stderr


def test_the_folders_of_the_configuration_are_those_of_the_service():
    runtime = f"/run/{value(SERVICE, 'RuntimeDirectory')}"
    assert parameter("fifo_name").startswith(f"{runtime}/")
    assert parameter("reply_dir").rstrip("/") == value(SERVICE, "ExecStartPre").split()[-1]
    assert f'"access_log", "/var/log/{value(SERVICE, "LogsDirectory")}/access.log"' in CONFIG
    assert re.search(r"^(\S+) \{$", LOGROTATE, re.M)[1] == f"/var/log/{value(SERVICE, 'LogsDirectory')}/*.log"


def test_logrotate_works_as_the_service_s_user():
    assert re.search(r"^\tsu (\S+) (\S+)$", LOGROTATE, re.M).groups() == (value(SERVICE, "User"), value(SERVICE, "Group"))
    assert "opensips-httpd.service" in LOGROTATE


def test_the_socket_is_that_of_the_configuration():
    assert value(SOCKET, "ListenStream") == f"{parameter('ip')}:{parameter('port')}"
    assert value(SOCKET, "FileDescriptorName") == "httpd"


def test_the_end_has_the_time_that_it_takes():
    """drain_delay and drain_timeout, as they are without a word in the configuration, and as much again to raise them."""
    text = (daemon.ROOT / "docs" / "ADMIN.md").read_text(encoding="utf-8")
    defaults = [int(re.search(rf"^#### `{name}`.*?^Default: `(\d+)`", text, re.M | re.S)[1])
                for name in ("drain_delay", "drain_timeout")]
    assert int(value(SERVICE, "TimeoutStopSec")) > 2 * sum(defaults) + 1
