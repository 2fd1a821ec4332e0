# The module's parameters, from modparam() lines of a real script. SPDX-License-Identifier: GPL-2.0-or-later
import re
import subprocess

import opensips
import pytest
from daemon import free_port
from rawhttp import request

STOCK = ["port", "ip", "buf_size", "post_buf_size", "tls_cert_file", "tls_key_file", "tls_ciphers"]

GOOD = {"port": 0, "ip": "127.0.0.1", "buf_size": 65536, "conn_timeout": 5, "header_timeout": 5, "body_timeout": 5,
        "send_timeout": 5, "handler_timeout": 5, "drain_delay": 1, "drain_timeout": 4, "upgrade_timeout": 9, "post_buf_size": 2048, "receive_buf_size": 4096,
        "max_form_size": 8192, "max_uri_size": 4096, "max_header_size": 8192, "max_header_fields": 50,
        "max_trailer_size": 100, "max_trailer_fields": 2, "max_form_fields": 10, "max_chunk_extension_size": 10,
        "compress": ["mi", "*"], "compress_min_size": 2048, "compress_level": 2, "max_compressed_streams": 5,
        "min_body_rate": 10, "min_send_rate": 10, "max_connections": 100, "max_client_connections": 50,
        "max_connection_requests": 1000, "max_pipelined_requests": 10, "max_request_rate": 100, "max_request_burst": 200,
        "admin_addresses": "127.0.0.9, 10.0.0.0/8", "auth_realm": "test", "auth_username": "operator",
        "auth_password": "secret", "max_auth_failures": 5, "auth_failure_delay": 1,
        "access": ["root=mi; deny=192.0.2.1", "cors_origins=https://console.example"],
        "allowed_hosts": "127.0.0.1, localhost", "trusted_proxies": "192.0.2.7", "forwarded_header": "Forwarded", "tls_key_permissions_check": 1, "tls_handshake_timeout": 5,
        "tls_ticket_lifetime": 60, "tls_ticket_key_file": "/nowhere/tickets.key", "tls_ciphers": "NORMAL", "access_log": "/dev/null", "access_log_format": "%h %s",
        "request_id": 1}


@pytest.mark.ours
def test_every_parameter_is_taken(start):
    parameters = {**GOOD, "port": free_port(), "listen": [f"http://127.0.0.1:{free_port()}"]}
    server = start([("mi_http", {})], parameters)
    assert server.ask("GET", "/mi").status == 401
    done = subprocess.run(["curl", "-sS", "-u", "operator:secret", f"http://127.0.0.1:{server.port}/nowhere"],
                          capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout == "Nothing is served under this path\n"
    assert "secret" not in server.log()


@pytest.mark.ours
@pytest.mark.parametrize("parameters, complaint", [
    ({"port": 0}, 'parameter "port": value 0 is out of range: 1 to 65535'),
    ({"port": -1}, 'parameter "port": value -1'),
    ({"ip": "localhost"}, 'parameter "ip": "localhost" is neither'),
    ({"post_buf_size": 255}, 'parameter "post_buf_size": value 255'),
    ({"listen": "ftp://x"}, 'parameter "listen":'),
    ({"admin_addresses": "10.0.0.1/8"}, 'parameter "admin_addresses": "10.0.0.1/8" is neither'),
    ({"access": "root=mi; colour=red"}, 'parameter "access": colour is no key'),
    ({"access": "root=metrics; auth=off"}, 'there is no root path "metrics"'),
    ({"compress": "mi,,mi"}, 'parameter "compress": has an empty name'),
    ({"compress": "metrics"}, 'compress: there is no root path "metrics"'),
    ({"compress_level": 7}, 'parameter "compress_level": value 7 is out of range: 1 to 6'),
    ({"auth_file": "/nowhere/users"}, 'auth_file "/nowhere/users" cannot be read'),
    ({"auth_token_file": "/nowhere/tokens"}, 'auth_token_file "/nowhere/tokens" cannot be read'),
    ({"trusted_proxies": "localhost"}, 'parameter "trusted_proxies":'),
    ({"tls_verify_client": "perhaps"}, 'parameter "tls_verify_client":'),
    ({"access_log": "syslog:nobody"}, 'parameter "access_log": "nobody" is no facility'),
    ({"access_log": "/nowhere/log"}, "cannot write the access log to /nowhere/log"),
    ({"access_log_format": "%h %Z"}, 'parameter "access_log_format": character 4 of the format'),
    ({"no_such": 1}, "parameter <no_such> not found"),
    ({"port": "8888"}, "type mismatch for parameter <port>"),
    ({"auth_username": "operator"}, "there is no auth_password"),
    ({"tls_cert_file": "/nowhere/cert.pem"}, "tls_key_file"),
    ({"tls_cert_file": "/nowhere/cert.pem", "tls_key_file": "/nowhere/key.pem"}, "/nowhere/"),
    ({"ip": "192.0.2.1"}, "cannot listen on http://192.0.2.1"),
], ids=str)
def test_a_bad_value_refuses_the_start(tmp_path, parameters, complaint):
    code, log = opensips.run(tmp_path, parameters, [("mi_http", {})])
    assert code != 0
    assert complaint in log


@pytest.mark.ours
def test_limits_of_connections_and_requests(start):
    """Who is too many is told so, the log names the parameter, and one place stays open."""
    server = start([("mi_http", {})], {"max_client_connections": 1, "max_request_rate": 1, "max_request_burst": 2})
    with server.connect() as first, server.connect() as second, server.connect() as third:
        assert third.read_reply().status == 503
        assert [client.ask(request("GET", "/nowhere")).status for client in (first, second)] == [404, 404]
        assert first.ask(request("GET", "/nowhere")).status == 429
    for parameter in ("max_client_connections", "max_request_rate"):
        server.wait_log(f"parameter {parameter} of module httpd moves this limit")


@pytest.mark.ours
def test_a_root_that_is_taken_refuses_the_start(tmp_path):
    code, log = opensips.run(tmp_path, {}, [("mi_http", {"root": "mi"}), ("mi_html", {"root": "mi"})])
    assert code != 0
    assert re.search(r"root path .*mi.* already registered by module mi_http", log), log


@pytest.mark.ours
def test_a_port_that_is_taken_refuses_the_start(tmp_path, start):
    server = start([("mi_http", {})])
    code, log = opensips.run(tmp_path, {"port": server.port}, [("mi_http", {})])
    assert code != 0
    assert f"cannot listen on http://127.0.0.1:{server.port}" in log


@pytest.mark.ours
def test_signals_cannot_watch_the_server(tmp_path):
    """The stock module starts then, and never answers."""
    code, log = opensips.run(tmp_path, {}, [("mi_http", {})], ["poll_method = sigio_rt"])
    assert code != 0
    assert "poll_method sigio_rt" in log


@pytest.mark.ours
@pytest.mark.parametrize("method", ["poll", "select"])
def test_other_ways_of_watching_do(start, method):
    server = start([("mi_http", {})], globals_=[f"poll_method = {method}"])
    assert f"using {method} as the IO watch method" in server.log()
    assert server.mi("uptime")


@pytest.mark.ours
def test_the_default_address_is_that_of_the_release(start):
    server = start([("mi_http", {})], {"ip": None, "workers": None})
    process = [entry["Type"] for entry in server.mi("ps")["Processes"] if entry["Type"].startswith("HTTPD")]
    open_to_all = opensips.major() < 4
    assert process == [f"HTTPD {'*' if open_to_all else '127.0.0.1'}:{server.port}"]
    assert ("can be reached from other machines" in server.log()) == open_to_all


@pytest.mark.ours
def test_requests_as_long_as_the_release_took_them_are_taken(start):
    server = start([("mi_http", {})])
    answer = server.call("uptime", {"unknown": "x" * 2000}) if opensips.number() < (3, 6) else None
    assert answer is None or answer["error"]["code"] == -32602


def test_the_parameters_of_ever(start):
    names = {"buf_size": 100_000, "post_buf_size": 4096} | ({"conn_timeout": 20} if opensips.number() >= (3, 5) else {})
    assert start([("mi_http", {})], names).mi("uptime")
