# HTTPS in OpenSIPS: the parameters of ever, and what only this module has. SPDX-License-Identifier: GPL-2.0-or-later
import subprocess

import opensips
import pytest
from daemon import free_port
import rawhttp


@pytest.fixture(scope="module")
def files(authority):
    return authority.issue()


def parameters(files):
    return {"tls_cert_file": str(files.file), "tls_key_file": str(files.key)}


def test_https(start, files, authority):
    server = start([("mi_http", {})], parameters(files))
    assert server.mi("uptime")
    done = subprocess.run(
        ["curl", "-sS", "--cacert", str(authority.certificate), "-H", "Content-Type: application/json", "-d",
         '{"jsonrpc":"2.0","id":1,"method":"ps"}', f"https://localhost:{server.port}/mi"], capture_output=True, text=True,
        timeout=20, check=True)
    assert f"HTTPD 127.0.0.1:{server.port}" in done.stdout


@pytest.mark.ours
def test_plain_http_and_https_side_by_side(start, files):
    port = free_port()
    server = start([("mi_http", {})], {**parameters(files), "listen": f"http://127.0.0.1:{port}"})
    assert server.mi("uptime")
    with rawhttp.Client(port) as client:
        assert client.ask(rawhttp.request("GET", "/nowhere")).status == 404
    types = [entry["Type"] for entry in server.mi("ps")["Processes"]]
    assert f"HTTPD 127.0.0.1:{server.port}, 127.0.0.1:{port}" in types


@pytest.mark.ours
def test_certificates_are_reloaded(start, files, tmp_path, authority):
    placed = files.put(tmp_path)
    server = start([("mi_http", {})], parameters(placed))
    names = ["httpd_tls_reload"] + (["httpd:tls_reload"] if opensips.major() >= 4 else [])
    with server.connect() as kept:
        for name in names:
            authority.issue().put(tmp_path)
            answer = server.ask_fifo(name)
            assert "localhost" in str(answer.get("result")), answer
            assert server.mi(name)["Certificates"]  # in the HTTPD process itself
        placed.file.write_text("nothing")
        answer = server.ask_fifo(names[0])
        assert answer["error"]["message"] == "TLS files not reloaded"
        assert str(placed.file) in answer["error"]["data"]
        assert kept.ask(rawhttp.request("GET", "/nowhere")).status == 404
    assert server.mi("uptime")


@pytest.mark.ours
def test_more_certificates_than_an_answer_has_room_for(start, files):
    server = start([("mi_http", {})], {"tls_cert_file": [str(files.file)] * 60, "tls_key_file": [str(files.key)] * 60})
    for listed in (server.mi("httpd_tls_reload"), server.ask_fifo("httpd_tls_reload")["result"]):
        *lines, rest = listed["Certificates"]
        assert all(line.endswith(" UTC") for line in lines)
        assert rest == f"and {60 - len(lines)} more"
