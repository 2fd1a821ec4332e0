# The access log, in the journal and in a file that is rotated. SPDX-License-Identifier: GPL-2.0-or-later
import stat
import time
from pathlib import Path

from helpers import ask, check, configure, journal, now, run, systemctl, wait_until

FILE = Path("/var/log/opensips-httpd/access.log")


def to_the_journal():
    configure('modparam("httpd", "access_log", "journald")')
    systemctl("restart", "opensips-httpd")
    moment = now()
    ask("/metrics?x=1")
    ask("/nowhere")
    found = []

    def entries():
        found[:] = journal("--identifier=httpd", "HTTPD_STATUS=200", since=moment)
        return found

    wait_until(entries, "no line in the journal")
    entry = found[0]
    check(len(found) == 1 and '"GET /metrics?x=1 HTTP/1.1" 200' in entry["MESSAGE"], "journalctl -t httpd HTTPD_STATUS=200")
    fields = {name: value for name, value in entry.items() if name.startswith("HTTPD_")}
    check(fields.items() >= {"HTTPD_CLIENT": "127.0.0.1", "HTTPD_METHOD": "GET", "HTTPD_PATH": "/metrics",
                             "HTTPD_STATUS": "200", "HTTPD_ROOT": "metrics"}.items(), f"its fields: {', '.join(sorted(fields))}")
    check(int(fields["HTTPD_BODY_BYTES"]) > 1000 and int(fields["HTTPD_TOTAL_US"]) >= int(fields["HTTPD_HANDLER_US"]) > 0
          and len(fields["HTTPD_REQUEST_ID"]) == 32, "sizes, times and the id are there")
    check(entry["_SYSTEMD_UNIT"] == "opensips-httpd.service" and entry["PRIORITY"] == "6", "journald knows the unit")
    check(len(journal("--identifier=httpd", "HTTPD_STATUS=404", since=moment)) == 1, "404 is told from it")
    long = "/" + "x" * 7000
    ask(long)
    wait_until(lambda: journal("--identifier=httpd", f"HTTPD_PATH={long}", since=moment), "no long line")
    check(True, "a path of 7000 bytes is whole")

    configure('modparam("httpd", "access_log", "syslog:local3")')
    systemctl("restart", "opensips-httpd")
    moment = now()
    ask("/metrics")
    wait_until(lambda: journal("--identifier=httpd", "SYSLOG_FACILITY=19", since=moment), "no line in syslog")
    check(True, "syslog, with its facility")


def to_a_file():
    configure(f'modparam("httpd", "access_log", "{FILE}")')
    systemctl("restart", "opensips-httpd")
    ask("/metrics")
    wait_until(lambda: FILE.exists() and "GET /metrics" in FILE.read_text(), "no line in the file")
    status = FILE.stat()
    check((FILE.owner(), FILE.group(), stat.S_IMODE(status.st_mode)) == ("opensips-httpd", "opensips-httpd", 0o640),
          f"{FILE} is for the service and its group")
    for number in (1, 2):
        inode = FILE.stat().st_ino
        run("logrotate", "--force", "/etc/logrotate.d/opensips-httpd")
        wait_until(lambda: FILE.exists() and FILE.stat().st_ino != inode, "no new file")
        time.sleep(0.5)  # the log does not tell when the file was opened again
        ask(f"/after-{number}")
        wait_until(lambda: f"/after-{number}" in FILE.read_text(), "the new file has no line")
    status = FILE.stat()
    check((FILE.owner(), FILE.group(), stat.S_IMODE(status.st_mode)) == ("opensips-httpd", "opensips-httpd", 0o640),
          "logrotate: twice rotated, lines go to the new file, which is for the same")
    rotated = sorted(path.name for path in FILE.parent.iterdir())
    check(rotated == ["access.log", "access.log.1", "access.log.2.gz"], f"files: {', '.join(rotated)}")
    configure()
    systemctl("restart", "opensips-httpd")
