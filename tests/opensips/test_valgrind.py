# The HTTPD process under valgrind: nothing lost and nothing misused over some thousand requests.
# SPDX-License-Identifier: GPL-2.0-or-later
import json
import re
import shutil

import opensips
import pytest
from daemon import free_port
from opensips import JSON
from rawhttp import request
import rawhttp

ROUNDS = 600
LOST = ("definitely lost", "indirectly lost", "possibly lost")


@pytest.mark.ours
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="the package valgrind is not installed")
def test_nothing_is_lost(start, tmp_path, authority):
    files = authority.issue()
    plain = free_port()
    httpd = {"tls_cert_file": files.file, "tls_key_file": files.key, "listen": f"http://127.0.0.1:{plain}",
             "buf_size": 262144}  # valgrind looks through all memory at the end, and OpenSIPS waits 5 s for it
    valgrind = ("valgrind", "--quiet", "--leak-check=full", "--show-leak-kinds=definite,indirect,possible",
                f"--log-file={tmp_path}/%p", "--verbose")
    server = start([("mi_http", {}), ("prometheus", {"statistics": "all"}), ("mi_html", {"root": "html"})], httpd,
                   wrapper=valgrind)
    pid = server.httpd_pid()
    calls = [json.dumps({"jsonrpc": "2.0", "method": method, "id": 1}).encode()
             for method in ("ps", "which", "no_such_command", "httpd_list_root_path")]
    served = 0
    for connect in (lambda: rawhttp.Client(plain, timeout=60), lambda: server.connect(timeout=60)):
        for _ in range(ROUNDS // 10):
            with connect() as client:
                for number in range(10):
                    assert client.ask(request("POST", "/mi", JSON, body=calls[number % 4])).status == 200
                    assert client.ask(request("GET", "/html")).status == 200
                    assert client.ask(request("GET", "/nowhere")).status == 404
                    served += 3
                assert client.ask(request("GET", "/metrics")).status == 200
                assert client.ask(b"GET /mi HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n").status == 400
                served += 2
    assert server.mi("httpd_tls_reload", timeout=60)
    server.stop()
    report = (tmp_path / str(pid)).read_text()
    assert served == 3840
    assert re.search(r"ERROR SUMMARY: 0 errors", report), report
    for kind in LOST:
        assert re.search(rf"{kind}: 0 bytes", report) or "All heap blocks were freed" in report, report
