# Who may come in, in a real OpenSIPS: users and tokens, rules by root, pages of other sites, proxies.
# SPDX-License-Identifier: GPL-2.0-or-later
import json
import sys
from pathlib import Path

import opensips
import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "integration"))
from credentials import basic, bearer, sha512, write  # noqa: E402

TOKEN = "0123456789abcdef0123456789abcdef"
PASSWORD = "wonderland-secret"
JSON = "Content-Type: application/json"

pytestmark = pytest.mark.ours


def call(method):
    return json.dumps({"jsonrpc": "2.0", "method": method, "id": 1}).encode()


@pytest.fixture
def files(tmp_path):
    return {"auth_file": write(tmp_path / "users", {"alice": sha512(PASSWORD)}),
            "auth_token_file": write(tmp_path / "tokens", {"cli": TOKEN}), "max_auth_failures": 0}


def test_users_tokens_and_reading_them_again(start, tmp_path, files):
    server = start([("mi_http", {})], files)
    for field, status in ((basic("alice", PASSWORD), 200), (bearer(TOKEN), 200), (basic("alice", "x"), 401), ("X: y", 401)):
        assert server.ask("POST", "/mi", JSON, field, body=call("uptime")).status == status
    write(tmp_path / "users", {"bob": sha512(PASSWORD)})
    reply = server.ask("POST", "/mi", JSON, bearer(TOKEN), body=call("httpd_auth_reload"))
    assert json.loads(reply.body)["result"] == {"Credentials": "1 user and 1 token"}
    assert server.ask("POST", "/mi", JSON, basic("alice", PASSWORD), body=call("uptime")).status == 401
    assert server.ask("POST", "/mi", JSON, basic("bob", PASSWORD), body=call("uptime")).status == 200
    (tmp_path / "users").write_text("clear:text-secret\n")
    reply = server.ask("POST", "/mi", JSON, bearer(TOKEN), body=call("httpd_auth_reload"))
    assert json.loads(reply.body)["error"]["message"] == "Credentials not reloaded"
    for secret in (PASSWORD, TOKEN, "text-secret"):
        assert secret not in server.log()


def test_pages_of_other_sites(start):
    """XML-RPC takes what a plain form can send, so that the origin is all that tells them apart."""
    server = start([(opensips.xmlrpc_module(), {}), ("mi_http", {})], {"access": "root=mi; allow=127.0.0.0/8"})
    body = b"<?xml version='1.0'?><methodCall><methodName>uptime</methodName><params/></methodCall>"
    ask = ["POST", "/RPC2", "Content-Type: text/xml"]
    assert server.ask(*ask, body=body).status == 200
    assert server.ask(*ask, "Origin: https://evil.example", body=body).status == 403
    assert server.ask(*ask, "Sec-Fetch-Site: cross-site", body=body).status == 403


def test_clients_behind_a_proxy(start):
    server = start([("mi_http", {})], {"trusted_proxies": "127.0.0.1", "access": "root=mi; deny=192.0.2.0/24"})
    for field, status in (("X-Forwarded-For: 192.0.2.1", 403), ("X-Forwarded-For: 198.51.100.1", 200), ("X: y", 200)):
        assert server.ask("POST", "/mi", JSON, field, body=call("uptime")).status == status
