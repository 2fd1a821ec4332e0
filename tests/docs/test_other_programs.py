# What the documents show for other programs: units, proxies, logrotate; and what is tried by hand alone.
# SPDX-License-Identifier: GPL-2.0-or-later
import collections
import configparser
import shutil
import subprocess
from pathlib import Path

import daemon
import pytest
from claims import claims, of_page
from sandbox import Sandbox


def checked(*command, **settings):
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=30, check=False, **settings)
    return done.returncode, done.stdout


def verify(folder, drop_in):
    """What systemd-analyze says of the socket unit with this drop-in, and nothing of the units of the machine."""
    box = Sandbox(folder, {"/usr/bin/opensips-httpd": str(daemon.BINARY)})
    for unit in ("opensips-httpd.service", "opensips-httpd.socket"):
        (folder / unit).write_text(box.here((daemon.ROOT / "packaging" / "systemd" / unit).read_text(encoding="utf-8")))
    (folder / "opensips-httpd.socket.d").mkdir(exist_ok=True)
    (folder / "opensips-httpd.socket.d" / "override.conf").write_text(drop_in)
    _, said = checked("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", folder / "opensips-httpd.socket")
    return [line for line in said.splitlines() if "opensips-httpd.socket" in line]


@claims("docs/ADMIN.md#socket-activation:2")
def test_a_drop_in(folder, block):
    assert verify(folder, block.text) == []
    for there, lie in (("FileDescriptorName", "FileDescriptor"), ("ListenStream=443", "ListenStream=nowhere")):
        assert verify(folder, block.text.replace(there, lie)), lie


def haproxy(folder, text):
    file = folder / "haproxy.cfg"
    file.write_text("defaults\n    mode http\n    timeout connect 5s\n    timeout client 5s\n    timeout server 5s\n" + text
                    + f"\nfrontend web\n    bind 127.0.0.1:{daemon.free_port()}\n    default_backend opensips\n")
    return checked("haproxy", "-c", "-f", file)


@claims("docs/ADMIN.md#behind-a-proxy")
def test_haproxy(folder, block):
    code, said = haproxy(folder, block.text)
    assert code == 0 and "WARNING" not in said, said
    assert haproxy(folder, block.text.replace("send-proxy-v2", "send-proxy-v9"))[0] != 0


def nginx(folder, text):
    file = folder / "nginx.conf"
    file.write_text(f"pid {folder}/nginx.pid;\nerror_log stderr;\nevents {{}}\nhttp {{ access_log off; server {{ "
                    f"listen 127.0.0.1:{daemon.free_port()};\n{text} }} }}\n")
    return checked("nginx", "-t", "-p", folder, "-e", "stderr", "-c", file)


@claims("docs/ADMIN.md#behind-a-proxy:2")
def test_nginx(folder, block):
    code, said = nginx(folder, block.text)
    assert code == 0 and "[warn]" not in said, said
    assert nginx(folder, block.text.replace("proxy_pass", "proxy_past"))[0] != 0


@claims(*of_page("docs/SCALE.md", "haproxy", "nginx"))
def test_what_is_quoted_is_a_file_that_the_tests_run(block):
    """By tests/integration/test_scale.py."""
    files = (daemon.ROOT / "examples" / "scale").iterdir()
    assert block.text in [file.read_text(encoding="utf-8") for file in files], block.key


@claims("docs/ADMIN.md#opensips-cli:3")
def test_settings_of_opensips_cli(block):
    read = configparser.ConfigParser()
    read.read_string(block.text)
    # With the same names on the command line, the block before it is run.
    assert dict(read["default"]).items() >= {"communication_type": "http", "url": "http://127.0.0.1:8888/mi"}.items()


# Run with programs that only write down how they are called: their names, and how often they are.
STAND_INS = {
    "docs/ADMIN.md#install": ({"make": 1, "apt": 1}, "`make package-test` installs the packages"),
    "docs/ADMIN.md#socket-activation": ({"systemctl": 3}, "`make package-test` does it on a booted Debian"),
    "docs/SCALE.md#restarts-and-upgrades": ({"systemctl": 1, "socat": 1}, "needs the balancer of the page"),
    "docs/SCALE.md#restarts-and-upgrades:2": ({"socat": 3}, "likewise"),
    "docs/TLS.md#several-machines:3": ({"scp": 3, "ssh": 3}, "needs other machines"),
}


@claims(*STAND_INS)
def test_what_needs_another_machine(folder, block):
    programs, reason = STAND_INS[block.key]
    box = Sandbox(folder)
    box.stub(*programs)
    box.run(block)
    called = collections.Counter(line.split()[0] for line in box.calls())
    assert called == programs and reason


# Run by tests that read the block themselves: (file, what stands in that file and in the block).
ELSEWHERE = {
    "docs/DEVELOPER.md#build-with-what-is-installed":
        ("tests/packaging/test_building_modules.py", "gcc -std=c11 -O2 -shared -fPIC $(pkg-config"),
    "docs/DEVELOPER.md#build-with-what-is-installed:2": ("tests/packaging/test_building_modules.py", "find_package"),
    "docs/MIGRATION.md#a-worked-example": ("tests/docs/test_migration.py", "event_route[xhttp:request] {"),
    "docs/MIGRATION.md#before:2": ("tests/docs/test_migration.py", "curl "),
    "docs/MIGRATION.md#check": ("tests/docs/test_migration.py", "sed "),
    "docs/MIGRATION.md#verify": ("tests/docs/test_migration.py", "curl "),
}


@claims(*ELSEWHERE)
def test_what_is_run_elsewhere(block):
    file, text = ELSEWHERE[block.key]
    source = (daemon.ROOT / file).read_text(encoding="utf-8")
    assert text in block.text and text in source and Path(block.page).name in source


# Not run: (the programs that a block calls, why they are not run here). Its syntax is checked, and that it calls them.
BY_HAND = {
    "docs/MIGRATION.md#before": (["opensips", "ss"], "looks at an OpenSIPS that runs"),
    "docs/ADMIN.md#access-log:2": (["journalctl"], "reads the machine's journal; test_access_log_writer.py has its fields"),
    "docs/DEVELOPER.md#debugging-a-handler": (["gdb"], "waits for somebody who looks"),
    "docs/OPENSIPS.md#build:2": (["cmake"], "`make test` with OPENSIPS_SOURCE_DIR does the same"),
    "docs/OPENSIPS.md#install-and-load": (["install"], "needs a built tree of OpenSIPS"),
    "docs/OPENSIPS.md#what-is-new-for-a-script:2": (["opensips-cli"], "in OpenSIPS: tests/opensips/test_opensips_cli.py"),
    "docs/OPENSIPS.md#what-was-run-on-which-release": (["/usr/bin/python3"], "is what produced the tables above it"),
    "docs/TLS.md#which-priority-string": (["testssl.sh"], "takes minutes; named as what produced the table above it"),
}


@claims(*BY_HAND)
def test_what_is_run_by_hand_alone(folder, block):
    programs, reason = BY_HAND[block.key]
    box = Sandbox(folder)
    box.stub(*(program for program in programs if "/" not in program))
    text = block.text.replace("\n$ ", "\n").removeprefix("$ ")
    assert all(program in text for program in programs) and reason
    code, said = checked("bash", "-n", "-c", text)
    assert code == 0, said


@claims("docs/OPENSIPS.md#parameters")
def test_lines_of_opensips(folder, block):
    """Made in OpenSIPS alone (tests/opensips/test_parameters.py); the words behind the colon are those of the daemon."""
    file = folder / "httpd.cfg"
    file.write_text(daemon.config({"httpd.so": {"port": 0}}))
    said = daemon.run("-c", "-f", file).stderr.strip()
    assert block.text.strip().partition(": value")[2] == said.partition(": value")[2] != ""
