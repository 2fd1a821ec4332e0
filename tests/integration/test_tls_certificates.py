# Server certificates: kinds of keys, chains, several of them by the name that a client asks for, OCSP stapling.
# SPDX-License-Identifier: GPL-2.0-or-later
import ssl
import subprocess

import certificates
import daemon
import pytest
import rawtls
from certificates import SUGGESTED_CIPHERS, parameters
from rawhttp import request

MODULES = {"mi_http.so": {}, daemon.CPP_PROBE: {}}


def s_client(server, *options):
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", *map(str, options)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20,
                          check=False)
    return done.stdout.decode("utf-8", "replace")


def subject_seen(server, *options):
    """The CN of the certificate that openssl s_client gets."""
    told = s_client(server, *options)
    line = next(line for line in told.splitlines() if line.startswith("subject="))
    return line.rsplit("CN = ", 1)[1]


def check(folder, text):
    file = folder / "httpd.cfg"
    file.write_text(text)
    return daemon.run("-c", "-f", file)


# --- keys and their forms ---


@pytest.mark.parametrize(("kind", "traditional"), [
    ("RSA", False), ("RSA", True), ("P-256", False), ("P-256", True), ("P-384", False), ("P-384", True),
    ("P-521", False), ("ED25519", False)])
def test_kinds_of_keys(start, authority, kind, traditional):
    certificate = authority.issue(key=kind, traditional=traditional)
    form = {"RSA": "RSA "}.get(kind, "EC ") if traditional else ""
    assert certificate.key.read_text().startswith(f"-----BEGIN {form}PRIVATE KEY-----")
    server = start(MODULES, parameters(certificate, tls_ciphers=SUGGESTED_CIPHERS))
    for version in ("-tls1_2", "-tls1_3"):
        told = s_client(server, "-CAfile", authority.certificate, "-verify_return_error", version)
        assert "Verify return code: 0 (ok)" in told, told
    done = subprocess.run(["gnutls-cli", "--x509cafile", authority.certificate, "-p", str(server.port), "localhost"],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False)
    assert b"The certificate is trusted" in done.stdout
    done = subprocess.run(["curl", "-sS", "--cacert", authority.certificate, f"https://localhost:{server.port}/tls"],
                          capture_output=True, timeout=20, check=False)
    assert done.stdout.startswith(b"version=TLS1.3"), done.stderr


@pytest.mark.parametrize("kind", ["RSA", "P-256", "P-384", "P-521"])
def test_kinds_of_keys_with_the_default_string(start, authority, kind):
    server = start(MODULES, parameters(authority.issue(key=kind)))
    told = s_client(server, "-CAfile", authority.certificate, "-verify_return_error")
    assert "Verify return code: 0 (ok)" in told, told


def test_the_chain_is_sent_so_that_the_root_is_enough(start, authority, authorities):
    between = certificates.Authority(authorities, "Intermediate", issuer=authority)
    lowest = certificates.Authority(authorities, "Lowest", issuer=between)
    certificate = lowest.issue()
    assert certificate.file.read_text().count("BEGIN CERTIFICATE") == 3
    server = start(MODULES, parameters(certificate))
    told = s_client(server, "-CAfile", authority.certificate, "-verify_return_error")
    assert "Verify return code: 0 (ok)" in told, told
    with server.connect(settings=rawtls.context(authority)) as client:
        assert client.ask(request("GET", "/tls")).status == 200


def test_a_chain_in_the_wrong_order_is_put_right_or_refused(tmp_path, authority, authorities):
    between = certificates.Authority(authorities, "Unordered", issuer=authority)
    certificate = between.issue()
    own, rest = certificate.file.read_text().split("-----END CERTIFICATE-----\n", 1)
    certificate.file.write_text(rest + own + "-----END CERTIFICATE-----\n")
    done = check(tmp_path, daemon.config({"httpd.so": parameters(certificate)}))
    assert done.returncode == 255
    assert str(certificate.file) in done.stderr


# --- several certificates (RFC 6066 section 3) ---


@pytest.fixture(scope="module")
def named(authority):
    return {name: authority.issue(name, [f"DNS:{name}", *more]) for name, more in (
        ("default.test", ["DNS:also.test"]), ("second.test", ["DNS:*.wild.test"]), ("third.test", []))}


@pytest.fixture(scope="module")
def many(named, tmp_path_factory):
    with daemon.Daemon(tmp_path_factory.mktemp("many"), MODULES,
                       parameters(*named.values(), tls_ciphers=SUGGESTED_CIPHERS)) as server:
        yield server


@pytest.mark.parametrize(("asked", "shown"), [
    ("default.test", "default.test"), ("also.test", "default.test"), ("second.test", "second.test"),
    ("third.test", "third.test"), ("a.wild.test", "second.test"), ("a.b.wild.test", "default.test"),
    ("THIRD.test", "third.test"), ("unknown.test", "default.test"), (None, "default.test")])
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_certificates_by_name(many, version, asked, shown):
    options = ["-noservername"] if asked is None else ["-servername", asked]
    assert subject_seen(many, version, *options) == shown


@pytest.mark.parametrize("name", ["default.test", "second.test", "third.test"])
def test_curl_gets_the_certificate_of_each_host(many, authority, name):
    done = subprocess.run(["curl", "-sS", "--cacert", authority.certificate, "--resolve",
                           f"{name}:{many.port}:127.0.0.1", f"https://{name}:{many.port}/tls"],
                          capture_output=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr
    assert f"\nname={name}\n".encode() in done.stdout


@pytest.mark.parametrize("name", ["x" * 63 + ".test", "caf\u00e9.test", "-.test", "127.0.0.1"])
def test_odd_names_get_the_default_certificate(many, named, name):
    with many.connect(server_name=name) as client:
        assert client.ask(request("GET", "/tls")).status == 200
        assert client.tls.getpeercert(True) == ssl.PEM_cert_to_DER_cert(named["default.test"].file.read_text())


def test_two_kinds_of_keys_for_one_name(start, ec, rsa):
    for order in ((ec, rsa), (rsa, ec)):
        server = start(MODULES, parameters(*order, tls_ciphers=SUGGESTED_CIPHERS))
        for algorithms, key in (("RSA-PSS+SHA256:RSA+SHA256", "rsaEncryption"), ("ECDSA+SHA384", "id-ecPublicKey")):
            for version in ("-tls1_2", "-tls1_3"):
                told = s_client(server, "-sigalgs", algorithms, version)
                assert "BEGIN CERTIFICATE" in told, told
                pem = told[told.index("-----BEGIN") : told.index("-----END CERT") + 25]
                shown = subprocess.run(["openssl", "x509", "-noout", "-text"], input=pem, capture_output=True,
                                       text=True, timeout=20, check=True).stdout
                assert f"Public Key Algorithm: {key}" in shown


def test_pairs_must_be_complete(tmp_path, ec, rsa):
    for given, lonely in (({"tls_cert_file": [ec.file, rsa.file], "tls_key_file": [ec.key]}, rsa.file),
                          ({"tls_cert_file": [ec.file], "tls_key_file": [ec.key, rsa.key]}, rsa.key)):
        done = check(tmp_path, daemon.config({"httpd.so": given}))
        assert done.returncode == 255
        assert str(lonely) in done.stderr and "add a line for" in done.stderr


# --- OCSP stapling (RFC 6066 section 8) ---


@pytest.fixture(scope="module")
def stapled(authority, authorities):
    """A certificate and its OCSP response."""
    certificate = authority.issue()
    return certificate, authority.ocsp_response(certificate, authorities / "good.ocsp")


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize("form", ["DER", "PEM"])
def test_an_ocsp_response_is_stapled(start, authority, stapled, tmp_path, form, version):
    certificate, response = stapled
    if form == "PEM":
        text = ssl.DER_cert_to_PEM_cert(response.read_bytes()).replace("CERTIFICATE", "OCSP RESPONSE")
        response = tmp_path / "response.pem"
        response.write_text(text)
    server = start(MODULES, parameters(certificate, tls_ocsp_file=response, tls_ciphers=SUGGESTED_CIPHERS))
    told = s_client(server, "-status", "-CAfile", authority.certificate, "-verify_return_error", version)
    assert "OCSP Response Status: successful (0x0)" in told and "Cert Status: good" in told, told
    assert "OCSP response" not in s_client(server, version)
    assert "OCSP response until" in server.mi("httpd_tls_reload")["Certificates"][0]
    assert "out of date" not in server.log()


def test_gnutls_cli_takes_the_stapled_response(start, authority, stapled):
    certificate, response = stapled
    server = start(MODULES, parameters(certificate, tls_ocsp_file=response, tls_ciphers=SUGGESTED_CIPHERS))
    done = subprocess.run(["gnutls-cli", "--x509cafile", authority.certificate, "-p", str(server.port), "localhost"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False)
    assert "The certificate is trusted" in done.stdout and "OCSP status request" in done.stdout, done.stdout


def test_each_certificate_has_its_own_response(start, authority, stapled, named, tmp_path):
    second = named["second.test"]
    responses = [stapled[1], authority.ocsp_response(second, tmp_path / "second.ocsp")]
    text = "loadmodule \"httpd.so\"\n"
    for certificate, response in zip((stapled[0], second), responses, strict=True):
        text += f'modparam("httpd", "tls_cert_file", "{certificate.file}")\n'
        text += f'modparam("httpd", "tls_ocsp_file", "{response}")\n'
        text += f'modparam("httpd", "tls_key_file", "{certificate.key}")\n'
    assert check(tmp_path, text).returncode == 0
    crossed = text.replace(str(responses[0]), "X").replace(str(responses[1]), str(responses[0]))
    done = check(tmp_path, crossed.replace("X", str(responses[1])))
    assert done.returncode == 255
    assert str(responses[1]) in done.stderr and str(stapled[0].file) in done.stderr


def test_a_response_for_another_certificate_is_refused(tmp_path, ec, stapled):
    done = check(tmp_path, daemon.config({"httpd.so": parameters(ec, tls_ocsp_file=stapled[1])}))
    assert done.returncode == 255
    assert "tls_ocsp_file" in done.stderr and str(stapled[1]) in done.stderr and str(ec.file) in done.stderr


@pytest.mark.parametrize("content", [b"", b"no response", b"\x30\x03\x0a\x01\x06",
                                     b"-----BEGIN OCSP RESPONSE-----\nAAAA\n-----END OCSP RESPONSE-----\n"])
def test_a_bad_response_is_refused(tmp_path, ec, content):
    bad = tmp_path / "bad.ocsp"
    bad.write_bytes(content)
    done = check(tmp_path, daemon.config({"httpd.so": parameters(ec, tls_ocsp_file=bad)}))
    assert done.returncode == 255
    assert f'tls_ocsp_file "{bad}"' in done.stderr


def test_an_old_response_is_warned_of_and_not_sent(start, authority, stapled, tmp_path):
    old = certificates.outdated(stapled[1], tmp_path / "old.ocsp")
    server = start(MODULES, parameters(stapled[0], tls_ocsp_file=old, tls_ciphers=SUGGESTED_CIPHERS))
    assert "WARNING" in server.wait_log(f'"{old}" is out of date')
    told = s_client(server, "-status", "-CAfile", authority.certificate)
    assert "OCSP response: no response sent" in told, told
    old.write_bytes(stapled[1].read_bytes())
    assert "OCSP response until" in server.mi("httpd_tls_reload")["Certificates"][0]
    assert "Cert Status: good" in s_client(server, "-status", "-CAfile", authority.certificate)


def test_a_response_without_a_certificate_is_refused(tmp_path, ec, stapled):
    text = 'loadmodule "httpd.so"\nmodparam("httpd", "tls_ocsp_file", "x")\n'
    done = check(tmp_path, text)
    assert done.returncode == 255
    assert ":2:" in done.stderr and "tls_cert_file" in done.stderr
