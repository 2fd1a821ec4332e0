# Client certificates: who is let in, who is not, and what handlers get to know of them.
# SPDX-License-Identifier: GPL-2.0-or-later
import ssl
import subprocess

import certificates
import daemon
import pytest
import rawtls
from certificates import SUGGESTED_CIPHERS, parameters
from rawhttp import BadReply, request

MODULES = {"mi_http.so": {}, daemon.CPP_PROBE: {}}
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
CLIENTS = ["none", "good", "chain", "foreign", "expired", "early", "server", "self"]


@pytest.fixture(scope="module")
def clients(authority, foreign_authority, authorities, tmp_path_factory):
    """Client certificates of all kinds."""
    purpose = {"names": (), "purpose": "clientAuth"}
    alone = certificates.Authority(tmp_path_factory.mktemp("self"), "probe")
    between = certificates.Authority(authorities, "Client Intermediate", issuer=authority)
    return {
        "none": None,
        "good": authority.issue("probe", **purpose),
        "chain": between.issue("distant probe", **purpose),
        "foreign": foreign_authority.issue("probe", **purpose),
        "expired": authority.issue("probe", **purpose, begin=certificates.LONG_AGO, end=certificates.YESTERYEAR),
        "early": authority.issue("probe", **purpose, begin=certificates.ONE_DAY, end=certificates.LATER_STILL),
        "server": authority.issue("probe", names=(), purpose="serverAuth"),
        "self": certificates.Certificate(alone.certificate, alone.key, "probe", None),
    }


@pytest.fixture(scope="module", params=["none", "optional", "require"])
def server(request, ec, authority, tmp_path_factory, clients):
    given = parameters(ec, tls_ciphers=SUGGESTED_CIPHERS, tls_verify_client=request.param)
    if request.param != "none":
        given["tls_ca_file"] = authority.certificate
    with daemon.Daemon(tmp_path_factory.mktemp("clients"), MODULES, given) as started:
        started.tls = rawtls.context(certificate=clients["good"])
        started.verify = request.param
        yield started


def facts(text):
    return dict(line.split("=", 1) for line in text.decode().splitlines())


def ask(server, certificate, version):
    """What the probe tells of the client, or None when the handshake failed."""
    settings = rawtls.context(certificate=certificate, version=version)
    try:
        # In TLS 1.3 the client is through with the handshake before the server has looked at its certificate.
        with server.connect(settings=settings) as client:
            return facts(client.ask(request("GET", "/tls")).body)
    except (ssl.SSLError, BadReply, ConnectionResetError, BrokenPipeError) as problem:
        assert "time" not in str(problem)
        return None


def is_let_in(verify, client):
    if verify == "none" or client in ("good", "chain"):
        return True
    return verify == "optional" and client == "none"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("client", CLIENTS)
def test_who_is_let_in(server, clients, client, version):
    before = server.mi("get_statistics", {"statistics": ["tls_failures"]})["httpd:tls_failures"]
    mark = server.mark()
    told = ask(server, clients[client], version)
    failures = server.mi("get_statistics", {"statistics": ["tls_failures"]})["httpd:tls_failures"] - before
    if not is_let_in(server.verify, client):
        assert told is None
        assert failures == 1
        server.wait_log("TLS handshake failed", since=mark)
        return
    assert failures == 0
    certificate = clients[client]
    if server.verify == "none" or certificate is None:
        assert told["subject"] == told["issuer"] == told["serial"] == told["fingerprint"] == ""
        return
    assert sorted(told["subject"].split(",")) == sorted(["O=httpd test", f"CN={certificate.name}"])
    assert f"CN={certificate.authority.name}" in told["issuer"].split(",")
    assert told["fingerprint"].lower() == certificate.fingerprint()
    serial = certificates.openssl("x509", "-in", certificate.file, "-noout", "-serial").strip().removeprefix("serial=")
    assert told["serial"].lower().lstrip("0") == serial.lower().lstrip("0")


@pytest.mark.parametrize("server", ["optional", "require"], indirect=True)
@pytest.mark.parametrize(("client", "told"), [
    ("foreign", "issuer"), ("expired", "expired"), ("early", "not yet valid"), ("server", "purpose"),
    ("self", "issuer")])
def test_the_log_tells_who_was_refused_and_why(server, clients, client, told):
    for version in VERSIONS:
        mark = server.mark()
        assert ask(server, clients[client], version) is None
        line = server.wait_log("TLS handshake failed", since=mark)
        assert "127.0.0.1:" in line and "CN=probe" in line and told in line


@pytest.mark.parametrize("server", ["require"], indirect=True)
@pytest.mark.parametrize("client", ["none", "foreign", "expired"])
def test_refused_clients_are_told_by_an_alert(server, clients, client):
    for version in VERSIONS:
        # It must not be lost in a reset.
        with pytest.raises(ssl.SSLError, match="(?i)alert"):
            with server.connect(settings=rawtls.context(certificate=clients[client], version=version)) as connection:
                connection.receive(5)


def test_curl_with_a_client_certificate(server, clients, authority):
    base = ["curl", "-sS", "--cacert", authority.certificate, f"https://localhost:{server.port}/tls"]
    for version in (["--tlsv1.3"], ["--tls-max", "1.2"]):
        given = ["--cert", clients["good"].file, "--key", clients["good"].key]
        done = subprocess.run([*base, *version, *given], capture_output=True, timeout=20, check=False)
        assert done.returncode == 0, done.stderr
        assert ("CN=probe" in done.stdout.decode()) == (server.verify != "none")
        done = subprocess.run([*base, *version], capture_output=True, timeout=20, check=False)
        assert (done.returncode == 0) == (server.verify != "require"), done.stderr


def test_gnutls_cli_with_a_client_certificate(server, clients, authority):
    done = subprocess.run(["gnutls-cli", "--x509cafile", authority.certificate, "--x509certfile", clients["good"].file,
                           "--x509keyfile", clients["good"].key, "-p", str(server.port), "localhost"],
                          input=request("GET", "/tls", "Connection: close"), capture_output=True, timeout=20,
                          check=False)
    assert done.returncode == 0, done.stdout
    assert (b"subject=CN=probe" in done.stdout or b"CN=probe," in done.stdout) == (server.verify != "none")


def test_the_authorities_that_are_trusted_are_named_to_clients(server):
    told = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-tls1_2"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False).stdout
    asked = "Acceptable client certificate CA names" in told and "CN = Test Authority" in told
    assert asked == (server.verify != "none")


def test_nobody_is_let_in_for_the_certificate_of_a_session_before(server, clients):
    """A session is not taken up again where certificates are asked for: they may have expired since."""
    for version in VERSIONS:
        settings = rawtls.context(certificate=clients["good"], version=version)
        with server.connect(settings=settings) as first:
            assert first.ask(request("GET", "/tls")).status == 200
            session = first.tls.session
        with server.connect(settings=settings, session=session) as second:
            told = facts(second.ask(request("GET", "/tls")).body)
            assert second.tls.session_reused == (server.verify == "none")
            assert ("CN=probe" in told["subject"]) == (server.verify != "none")


def test_other_authorities_after_a_reload(start, ec, authority, foreign_authority, clients, tmp_path):
    file = tmp_path / "clients-ca.pem"
    file.write_bytes(authority.certificate.read_bytes())
    server = start(MODULES, parameters(ec, tls_verify_client="require", tls_ca_file=file,
                                       tls_ciphers=SUGGESTED_CIPHERS))
    server.tls = rawtls.context(certificate=clients["good"])
    with server.connect() as early:
        assert early.ask(request("GET", "/tls")).status == 200
        file.write_bytes(foreign_authority.certificate.read_bytes())
        server.mi("httpd_tls_reload")
        for version in VERSIONS:
            assert ask(server, clients["good"], version) is None
            assert "CN=Foreign Authority" in ask(server, clients["foreign"], version)["issuer"]
        assert facts(early.ask(request("GET", "/tls")).body)["subject"]


def test_no_warning_of_strangers_where_certificates_are_required(start, ec, authority):
    for verify, warned in (("require", False), ("optional", True)):
        server = start(MODULES, parameters(ec, ip="0.0.0.0", tls_verify_client=verify,
                                           tls_ca_file=authority.certificate))
        assert ("without authentication" in server.log()) == warned
