# The configuration that is installed: what it serves, and to whom. SPDX-License-Identifier: GPL-2.0-or-later
import os
import re
from pathlib import Path

import daemon
import pytest
from test_mi_fifo import Fifo

CONFIG = daemon.ROOT / "packaging" / "config" / "opensips-httpd.cfg"


class Installed(daemon.Daemon):
    """Runs with the file as it is, but for the port and the runtime folder, which are the test's."""

    def _start(self):
        (self.folder / "replies").mkdir()
        self.port = daemon.free_port()
        self.file = self.folder / "httpd.cfg"
        self.file.write_text(CONFIG.read_text(encoding="utf-8").replace("8888", str(self.port))
                             .replace("/run/opensips-httpd", str(self.folder)))
        self._spawn()
        self.wait_log("listening on ", daemon.START_TIMEOUT)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Installed(tmp_path_factory.mktemp("installed")) as running:
        yield running


def test_the_start_warns_of_nothing(server):
    assert [line for line in server.lines if "NOTICE" not in line] == []


def test_a_check_finds_no_error(server):
    done = daemon.run("-c", "-f", server.file)
    assert (done.returncode, done.stderr) == (0, "config file ok, exiting...\n")


def test_it_listens_on_loopback_alone(server):
    listening = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        rows = [line.split() for line in Path(table).read_text().splitlines()[1:]]
        listening |= {row[1] for row in rows if row[3] == "0A" and row[1].endswith(f":{server.port:04X}")}
    assert listening == {f"0100007F:{server.port:04X}"}


@pytest.mark.parametrize("path, text", [
    ("/health/live", ""), ("/health/ready", ""), ("/metrics", "httpd_requests_total"), ("/console/", "<html")])
def test_what_is_served(server, path, text):
    reply = server.ask("GET", path)
    assert reply.status == 200
    assert text in reply.body.decode()


def test_mi_over_http(server):
    assert "httpd_reload" in server.mi("which")


def test_another_name_is_refused(server):
    assert server.ask("GET", "/metrics", host="localhost").status == 200
    assert server.ask("GET", "/metrics", host="rebound.example").status == 421


def test_mi_over_the_fifo(server):
    fifo = Fifo(server, server.folder / "replies")
    fifo.path = server.folder / "fifo"
    fifo.assert_serves()


def test_every_line_that_is_commented_out_is_a_good_one(tmp_path):
    """Each for itself; what it lacks are the files that an administrator makes, and a journal."""
    text = CONFIG.read_text(encoding="utf-8")
    lines = re.findall(r"^#(modparam\(.*)$", text, re.M)
    assert len(lines) > 10
    (tmp_path / "replies").mkdir()
    text = text.replace("/run/opensips-httpd", str(tmp_path))
    for line in lines:
        line = line.replace("/run/opensips-httpd", str(tmp_path)).replace("/var/log/opensips-httpd", str(tmp_path))
        line = line.replace("group=opensips-httpd", f"group={os.getgid()}")
        (tmp_path / "httpd.cfg").write_text(text + line)
        done = daemon.run("-c", "-f", tmp_path / "httpd.cfg")
        assert done.returncode == 0 or re.search(r"tls_(cert|key)_file|users. cannot be read|no journal", done.stderr), line
