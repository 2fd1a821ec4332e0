# Every parameter of httpd: its default, its bounds, what is refused at start, and what it does.
# SPDX-License-Identifier: GPL-2.0-or-later
import os
import random
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

import daemon
import documents
import pytest
from certificates import parameters
from rawhttp import Client, chunked, request

TEXT = "Content-Type: text/plain"
FORM = "Content-Type: application/x-www-form-urlencoded"


def check(folder, parameters, modules=None):
    """Runs `-c` over a configuration with these parameters of httpd."""
    file = folder / "httpd.cfg"
    file.write_text(daemon.config({"httpd.so": parameters, **(modules or {})}))
    return daemon.run("-c", "-f", file)


# What docs/ADMIN.md says of each, for all modules.
DOCUMENTED = {(parameter.module, parameter.name): parameter for parameter in documents.all_parameters()}
INTEGERS = [parameter for parameter in DOCUMENTED.values() if parameter.bounds]
IDS = [f"{parameter.module}-{parameter.name}" for parameter in INTEGERS]


def check_one(folder, parameter, value):
    if parameter.module == "httpd":
        return check(folder, {parameter.name: value})
    return check(folder, {}, {f"{parameter.module}.so": {parameter.name: value}})


def test_every_integer_has_a_range():
    assert len(INTEGERS) > 40
    assert [parameter for parameter in DOCUMENTED.values()
            if parameter.kind.startswith("integer") is not bool(parameter.bounds)] == []


@pytest.mark.parametrize("bound", ["lowest", "highest"])
def test_integers_within_their_bounds(tmp_path, bound):
    """All of them at once: the message of a refusal would name the one."""
    modules = {}
    for parameter in INTEGERS:
        low, high = parameter.bounds
        modules.setdefault(f"{parameter.module}.so", {})[parameter.name] = low if bound == "lowest" else high
    httpd = modules.pop("httpd.so")
    port = httpd.pop("port")
    done = check(tmp_path, {"ip": "127.0.0.1", "port": daemon.free_port(), **httpd}, modules)
    assert done.returncode == 0, done.stderr
    done = check(tmp_path, {"ip": "127.0.0.1", "port": port})
    assert done.returncode == 0 or (port == 1 and "setcap" in done.stderr), done.stderr  # within, but not for this user


@pytest.mark.parametrize("parameter", INTEGERS, ids=IDS)
def test_integers_out_of_bounds_are_refused_with_name_value_and_range(tmp_path, parameter):
    low, high = parameter.bounds
    for value in {low - 1, high + 1, min(low - 1, -1), 2**40}:
        done = check_one(tmp_path, parameter, value)
        assert done.returncode == 255
        line = next(line for line in done.stderr.splitlines() if f'"{parameter.name}"' in line)
        assert f"{tmp_path / 'httpd.cfg'}:{3 if parameter.module == 'httpd' else 4}:" in line
        for number in (value, *parameter.bounds):
            assert re.search(rf"(?<!\d){number}(?!\d)", line), line


@pytest.mark.parametrize("parameter", [parameter for parameter in INTEGERS if parameter.kind == "integer"],
                         ids=lambda parameter: f"{parameter.module}-{parameter.name}")
def test_integers_are_not_strings(tmp_path, parameter):
    done = check_one(tmp_path, parameter, "many")
    assert done.returncode == 255
    assert parameter.name in done.stderr and "integer" in done.stderr


# Those of which all values that there are stand in the document.
CHOICES = [parameter for parameter in DOCUMENTED.values()
           if re.fullmatch(r'(`"[^"`]+"`(, |\.$))+', parameter.allowed)]


def test_there_are_choices():
    assert {parameter.name for parameter in CHOICES} == {"forwarded_header", "tls_verify_client"}


@pytest.mark.parametrize("parameter", CHOICES, ids=lambda parameter: parameter.name)
def test_choices(tmp_path, ec, authority, parameter):
    tls = parameters(ec, tls_ca_file=authority.certificate)
    for value in re.findall(r'"([^"]+)"', parameter.allowed):
        done = check(tmp_path, {**tls, parameter.name: value})
        assert done.returncode == 0, done.stderr
    for value in ("", "both"):
        assert check(tmp_path, {**tls, parameter.name: value}).returncode == 255


@pytest.mark.parametrize("value", ["192.0.2.1", "10.0.0.0/8, 2001:db8::/32", "::1"])
def test_networks(tmp_path, value):
    assert check(tmp_path, {"admin_addresses": [value, "127.0.0.1"]}).returncode == 0


@pytest.mark.parametrize("value", ["", "localhost", "10.0.0.1/8", "10.0.0.0/33", "192.0.2.1;192.0.2.2", "192.0.2.1,"])
def test_what_is_no_network_is_refused(tmp_path, value):
    done = check(tmp_path, {"admin_addresses": value})
    assert done.returncode == 255
    assert "admin_addresses" in done.stderr and "is neither an address nor a network" in done.stderr


@pytest.mark.parametrize("ip", ["*", "127.0.0.1", "0.0.0.0", "::1", "::"])
def test_address_literals(tmp_path, ip):
    if ":" in ip and not daemon.has_ipv6():
        pytest.skip("this machine has no IPv6")
    done = check(tmp_path, {"ip": ip, "port": daemon.free_port()})
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("ip", ["", "localhost", "300.1.1.1", "1.2.3", "::1::", "127.0.0.1:80", "**", "127.0.0.1 "])
def test_other_addresses_are_refused(tmp_path, ip):
    done = check(tmp_path, {"ip": ip})
    assert done.returncode == 255
    assert '"ip"' in done.stderr and f'"{ip}"' in done.stderr


def test_the_address_is_not_an_integer(tmp_path):
    done = check(tmp_path, {"ip": 127})
    assert done.returncode == 255
    assert '"ip"' in done.stderr and "string" in done.stderr


@pytest.mark.parametrize(("name", "value"), [("tls_verify_client", "require"), ("tls_ca_file", "/nowhere/ca.pem")])
def test_clients_are_not_believed_to_be_verified_where_tls_is_not_in_use(tmp_path, name, value):
    done = check(tmp_path, {name: value})
    assert done.returncode == 255
    assert name in done.stderr and "tls_cert_file" in done.stderr


def test_a_priority_string_without_tls_is_not_ignored_silently(tmp_path):
    done = check(tmp_path, {"tls_ciphers": "NORMAL"})
    assert done.returncode == 0
    assert "tls_ciphers" in done.stderr and "tls_cert_file" in done.stderr


# --- ip and port ---


def test_port_8888_is_the_default(start):
    assert DOCUMENTED["httpd", "port"].default == "8888"
    # An address of our own below 127/8, so that whoever else uses this port is not met.
    ip = f"127.81.{random.randint(1, 254)}.{random.randint(1, 254)}"
    with socket.socket() as probe:
        try:
            probe.bind((ip, 8888))
        except OSError as problem:
            pytest.skip(f"{ip}:8888 cannot be had here: {problem}")
    server = start({"hello_c.so": {}}, {"ip": ip, "port": None})
    server.wait_log(f"http://{ip}:8888")
    with Client(8888, host=ip) as client:
        assert client.ask(request("GET", "/hello")).status == 200


def test_all_interfaces_of_both_families_are_the_default(start):
    assert DOCUMENTED["httpd", "ip"].default == '"*"'
    server = start({daemon.CAPI_PROBE: {}}, {"ip": None})
    with Client(server.port) as client:
        # An IPv4 client is seen as one, though the socket is of IPv6.
        assert b"\nclient=127.0.0.1 " in client.ask(request("GET", "/probe")).body
    if not daemon.has_ipv6():
        pytest.skip("this machine has no IPv6: only the IPv4 half was tried")
    with Client(server.port, host="::1") as client:
        body = client.ask(request("GET", "/probe")).body
        assert b"\nclient=::1 " in body and b"\nserver=::1 " in body


def test_one_ipv4_address(start):
    server = start({"hello_c.so": {}}, {"ip": "127.0.0.1"})
    server.wait_log(f"listening on http://127.0.0.1:{server.port}")
    with pytest.raises(ConnectionRefusedError):
        Client(server.port, host="127.0.0.2")


def test_one_ipv6_address(start):
    if not daemon.has_ipv6():
        pytest.skip("this machine has no IPv6")
    server = start({"hello_c.so": {}}, {"ip": "::1", "port": daemon.free_port("::1")})
    server.wait_log(f"listening on http://[::1]:{server.port}")
    with Client(server.port, host="::1") as client:
        assert client.ask(request("GET", "/hello", host="[::1]")).status == 200
    with pytest.raises(ConnectionRefusedError):
        Client(server.port, host="127.0.0.1")


def test_a_port_in_use(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "httpd.cfg").write_text(daemon.config({"httpd.so": {"ip": "127.0.0.1", "port": port}}))
        done = daemon.run("-f", tmp_path / "httpd.cfg")
    assert done.returncode == 255
    assert all(told in done.stderr for told in ("127.0.0.1", str(port), "in use"))


def test_an_address_of_another_machine(tmp_path):
    port = daemon.free_port()
    (tmp_path / "httpd.cfg").write_text(daemon.config({"httpd.so": {"ip": "192.0.2.1", "port": port}}))
    done = daemon.run("-f", tmp_path / "httpd.cfg")
    assert done.returncode == 255
    assert "192.0.2.1" in done.stderr


def test_a_privileged_port_tells_what_to_run(public_folder):
    first_free = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    port = 1023
    if first_free <= port:
        pytest.skip(f"ports from {first_free} on are open to every user of this machine")
    command = [str(daemon.BINARY)]
    binary = command[0]
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("there is no setpriv to become an ordinary user with")
        # A copy, for the build folder may be closed to others.
        shutil.copytree(daemon.BUILD / "bin", public_folder / "bin")
        binary = os.path.realpath(public_folder / "bin" / "opensips-httpd")
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", binary]
    file = public_folder / "httpd.cfg"
    file.write_text(daemon.config({"httpd.so": {"ip": "127.0.0.1", "port": port}}))
    file.chmod(0o644)
    done = subprocess.run([*command, "-f", str(file)], capture_output=True, text=True, check=False,
                                 timeout=daemon.START_TIMEOUT, stdin=subprocess.DEVNULL)
    assert done.returncode == 255
    assert f"setcap 'cap_net_bind_service=+ep' {binary}" in done.stderr
    assert str(port) in done.stderr


# --- time limits: each holds on its own, with nothing else talking to the server ---

# A limit of one second: not before it, and within one second after it; the rest is for a busy machine.
ONE_SECOND = (0.98, 2.2)


def assert_closed_on_time(client, since):
    client.assert_closed(within=5)
    assert ONE_SECOND[0] <= time.monotonic() - since <= ONE_SECOND[1]


@pytest.fixture(scope="module")
def hasty(tmp_path_factory):
    limits = {name: 1 for name in ("conn_timeout", "header_timeout", "body_timeout", "send_timeout")}
    limits |= {"min_body_rate": 0, "min_send_rate": 0}  # a standstill ends by its own limit
    modules = {"hello_c.so": {}, "hello_cpp.so": {}, daemon.CPP_PROBE: {}}
    with daemon.Daemon(tmp_path_factory.mktemp("hasty"), modules, limits) as server:
        yield server


def test_an_idle_connection_is_closed_on_time(hasty):
    opened = time.monotonic()
    with hasty.connect() as client:
        assert_closed_on_time(client, opened)


def test_an_idle_connection_is_closed_on_time_after_a_request(hasty):
    with hasty.connect() as client:
        assert client.ask(request("GET", "/hello")).status == 200
        assert_closed_on_time(client, time.monotonic())


def test_each_request_begins_the_idle_time_anew(hasty):
    with hasty.connect() as client:
        for _ in range(3):
            assert client.ask(request("GET", "/hello")).status == 200
            client.assert_open(0.6)


def test_a_deferred_reply_is_not_idle_time(hasty):
    with hasty.connect() as client:
        assert client.ask(request("GET", "/later/1600")).body == b"later"


def test_an_idle_connection_may_stay_for_ever(start):
    server = start({"hello_c.so": {}}, {"conn_timeout": 0})
    with server.connect() as client:
        client.assert_open(3.0)
        assert client.ask(request("GET", "/hello")).status == 200


def test_conn_timeout_is_30_seconds_by_default(default_idle_time):
    assert default_idle_time is not None, "an idle connection was kept for a minute"
    assert 29.9 <= default_idle_time <= 31.5


@pytest.mark.parametrize("sent", [b"G", b"GET /hello HTTP/1.1\r\n", b"GET /hello HTTP/1.1\r\nHost: localhost\r\n"])
def test_a_head_that_is_never_completed_gets_408(hasty, sent):
    with hasty.connect() as client:
        client.send(sent)
        since = time.monotonic()
        reply = client.read_reply()
        assert reply.status == 408 and reply.closes()
        assert_closed_on_time(client, since)


def test_a_head_that_trickles_gets_408_all_the_same(hasty):
    with hasty.connect() as client:
        since = time.monotonic()
        client.send(b"GET /hello HTTP/1.1\r\nX: ")
        while time.monotonic() - since < 0.8:
            client.send(b"x")
            time.sleep(0.1)
        assert client.read_reply().status == 408
        assert_closed_on_time(client, since)


def test_a_body_that_is_never_completed_gets_408(hasty):
    with hasty.connect() as client:
        client.send(request("POST", "/hello-cpp", TEXT, "Content-Length: 10") + b"half")
        since = time.monotonic()
        reply = client.read_reply("POST")
        assert reply.status == 408 and reply.closes()
        assert_closed_on_time(client, since)


def test_a_body_that_makes_progress_has_time(hasty):
    with hasty.connect() as client:
        client.send(request("POST", "/hello-cpp", TEXT, "Content-Length: 3"))
        for piece in (b"a", b"b", b"c"):
            time.sleep(0.6)
            client.send(piece)
        assert client.read_reply("POST").body == b"abc"


def test_a_client_that_does_not_read_its_reply_is_cut_off(hasty):
    with hasty.connect() as client:
        client.send(request("GET", "/large/64000000"))
        # The server's end of the connection is gone once the time is over: later bytes find nobody.
        time.sleep(ONE_SECOND[1])
        received = 0
        try:
            while data := client.socket.recv(1 << 20):
                received += len(data)
        except ConnectionResetError:
            pass
        assert received < 64_000_000


# --- sizes ---


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A server with the defaults of all sizes."""
    modules = {"hello_cpp.so": {}, daemon.CAPI_PROBE: {}, daemon.CPP_PROBE: {}}
    with daemon.Daemon(tmp_path_factory.mktemp("plain"), modules, {"max_form_fields": 20_000}) as server:
        yield server


@pytest.fixture(scope="module")
def raised(tmp_path_factory):
    """A server with sizes of its own."""
    modules = {"hello_cpp.so": {}, daemon.CAPI_PROBE: {}, daemon.CPP_PROBE: {}}
    sizes = {"receive_buf_size": 5000, "post_buf_size": 256, "buf_size": 3000, "max_form_size": 10000,
             "max_uri_size": 100, "max_header_size": 300, "max_header_fields": 3}
    with daemon.Daemon(tmp_path_factory.mktemp("raised"), modules, sizes) as server:
        yield server


def assert_refused(server, message, status, parameter):
    """The status, and a log line that tells which parameter to raise."""
    mark = server.mark()
    with server.connect() as client:
        client.send(message)
        assert client.read_reply("POST").status == status
    server.wait_log(parameter, since=mark)


@pytest.mark.parametrize("coding", ["length", "chunked"])
@pytest.mark.parametrize(("fixture", "limit"), [("plain", 1024), ("raised", 5000)])
def test_receive_buf_size(request, fixture, limit, coding):
    server = request.getfixturevalue(fixture)

    def message(size):
        if coding == "length":
            return post(TEXT, body=b"x" * size)
        return post(TEXT, "Transfer-Encoding: chunked") + chunked(b"x" * size, 1000)

    with server.connect() as client:
        assert client.ask(message(limit)).body == b"x" * limit
    assert_refused(server, message(limit + 1), 413, "receive_buf_size")


def post(*fields, body=None, target="/hello-cpp"):
    return request("POST", target, *fields, body=body)


BOUNDARY = "----boundary"
MULTIPART = f"Content-Type: multipart/form-data; boundary={BOUNDARY}"


def multipart(*pairs):
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name='
    return ("".join(f'{head}"{name}"\r\n\r\n{value}\r\n' for name, value in pairs) + f"--{BOUNDARY}--\r\n").encode()


@pytest.mark.parametrize("kind", ["urlencoded", "escaped", "multipart"])
@pytest.mark.parametrize(("fixture", "limit"), [("plain", 1024), ("raised", 256)])
def test_post_buf_size(request, fixture, limit, kind):
    server = request.getfixturevalue(fixture)

    def message(size):  # a key and its value of `size` bytes together, with others around it
        value = "v" * (size - 1)
        if kind == "multipart":
            return post(MULTIPART, target="/describe", body=multipart(("b", "1"), ("a", value), ("c", "2")))
        if kind == "escaped":
            value = value[:-1] + "%76"
        return post(FORM, target="/describe", body=f"b=1&a={value}&c=2".encode())

    with server.connect() as client:
        assert b"argument=a:" + b"v" * (limit - 1) + b"\n" in client.ask(message(limit)).body
    assert_refused(server, message(limit + 1), 413, "post_buf_size")


@pytest.mark.parametrize(("fixture", "limit"), [("plain", 1 << 20), ("raised", 10000)])
def test_max_form_size(request, fixture, limit):
    server = request.getfixturevalue(fixture)
    pairs = "&".join(f"k{number}=" + "v" * 90 for number in range(limit // 90 + 1))

    def message(size):
        return post(FORM, target="/describe", body=(pairs[: size - 1] + "v").encode())

    with server.connect() as client:
        assert b"argument=k0:vvv" in client.ask(message(limit)).body
    assert_refused(server, message(limit + 1), 413, "max_form_size")


def test_buf_size_is_exact(raised):
    with raised.connect() as client:
        reply = client.ask(request("GET", "/probe-print/3000"))
        assert (reply.status, len(reply.body)) == (200, 3000)
        # A handler that finds too little room says so itself ...
        assert client.ask(request("GET", "/probe-print/3001")).status == 500
        assert len(client.ask(request("GET", "/probe-overstate/0")).body) == 3000
    # ... and one that claims more than it was given is caught.
    assert_refused(raised, request("GET", "/probe-overstate/1"), 500, "buf_size")
    assert raised.ask("GET", "/probe-print/3000").status == 200


@pytest.mark.parametrize("size", [1, 4 << 20, (4 << 20) + 1, 10_000_000])
def test_buf_size_is_automatic_by_default(plain, size):
    reply = plain.ask("GET", f"/probe-print/{size}")
    assert (reply.status, len(reply.body)) == (200, size)


def test_max_uri_size(raised):
    target = "/describe?"
    assert raised.ask("GET", target + "q" * (100 - len(target))).status == 200
    assert_refused(raised, request("GET", target + "q" * (101 - len(target))), 414, "max_uri_size")


def test_max_header_size(raised):
    def message(size):
        fields = b"Host: a\r\nX-Pad: "
        return b"GET /describe HTTP/1.1\r\n" + fields + b"p" * (size - len(fields) - 2) + b"\r\n\r\n"

    with raised.connect() as client:
        assert client.ask(message(300)).status == 200
    assert_refused(raised, message(301), 431, "max_header_size")


def test_max_header_fields(raised):
    assert raised.ask("GET", "/describe", "A: 1", "B: 2").status == 200
    assert_refused(raised, request("GET", "/describe", "A: 1", "B: 2", "C: 3"), 431, "max_header_fields")
