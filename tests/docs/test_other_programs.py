# What the documents show for other programs: units, proxies, logrotate; and what is tried by hand alone.
# SPDX-License-Identifier: GPL-2.0-or-later
import configparser
import shutil
import subprocess

import daemon
import pytest
from claims import BLOCKS, claims
from sandbox import Sandbox


def checked(*command, **settings):
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=30, check=False, **settings)
    return done.returncode, done.stdout


def verify(folder, units):
    """What systemd-analyze says of unit files, by their names, and nothing of those of the machine."""
    for name, text in units.items():
        (folder / name).write_text(text)
    _, said = checked("systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
                      *(folder / name for name in units))
    return [line for line in said.splitlines() if "opensips-httpd" in line]


def units(folder):
    box = Sandbox(folder, {"/usr/local/bin/opensips-httpd": str(daemon.BINARY)})
    return {f"opensips-httpd.{kind}": box.here(BLOCKS[f"docs/ADMIN.md#{section}"].text)
            for kind, section in (("service", "under-systemd"), ("socket", "socket-activation"))}


@claims("docs/ADMIN.md#under-systemd", "docs/ADMIN.md#socket-activation")
def test_units(folder, block):
    assert verify(folder, units(folder)) == [], block.key


@pytest.mark.parametrize(("there", "lie"), [("KillMode=", "KillModes="), ("TimeoutStopSec=10", "TimeoutStopSec=ten"),
                                            ("ListenStream=443", "ListenStream=nowhere")])
def test_a_bad_unit_is_found_out(folder, there, lie):
    assert verify(folder, {name: text.replace(there, lie) for name, text in units(folder).items()})


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


def logrotate(folder, text):
    file = folder / "rotation"
    box = Sandbox(folder, {"/var/log/opensips": str(folder), "opensips adm": "root root"})
    file.write_text(box.here(text))
    file.chmod(0o644)
    (folder / "httpd.log").touch()
    code, said = checked("logrotate", "-d", "-s", folder / "state", file)
    return code, [line for line in said.splitlines() if line.startswith("error:")]


@claims("docs/ADMIN.md#rotation")
def test_logrotate(folder, block):
    assert logrotate(folder, block.text) == (0, [])
    assert logrotate(folder, block.text.replace("rotate 14", "rotate many"))[1]


@claims("docs/ADMIN.md#opensips-cli:3")
def test_settings_of_opensips_cli(block):
    read = configparser.ConfigParser()
    read.read_string(block.text)
    # With the same names on the command line, the block before it is run.
    assert dict(read["default"]).items() >= {"communication_type": "http", "url": "http://127.0.0.1:8888/mi"}.items()


# Not run: (the programs that a block calls, why they are not run here). Its syntax is checked, and that it calls them.
BY_HAND = {
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
