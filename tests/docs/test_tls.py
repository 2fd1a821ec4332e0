# What TLS.md shows, in the order in which a reader does it. SPDX-License-Identifier: GPL-2.0-or-later
import contextlib
import subprocess

import certificates
import configurations
import pytest
from claims import BLOCKS, claims
from daemon import free_port
from sandbox import Documented, Sandbox


@pytest.fixture(scope="module")
def box(files):
    user, group = configurations.who()
    box = Sandbox(files, {"/etc/opensips": f"{files}/etc/opensips", "/etc/letsencrypt": f"{files}/letsencrypt",
                          "-o root -g opensips-httpd": f"-o {user} -g {group}"})
    box.stub("systemctl")
    return box


@claims("docs/TLS.md#https-in-five-lines")
def test_a_certificate(box, block):
    box.run(block)
    assert "DNS:localhost" in certificates.openssl("x509", "-in", box.folder / "server.pem", "-noout", "-ext", "subjectAltName")


@claims("docs/TLS.md#https-in-five-lines:3")
def test_https(box, block):
    port = box.places["localhost:8888"].partition(":")[2]
    text = BLOCKS["docs/TLS.md#https-in-five-lines:2"].text + f'modparam("httpd", "port", {port})\n'
    with Documented(box.folder, text):
        assert '"result":{"Processes":' in box.run(block)
        # Nobody is let in who could not be told from a stranger.
        assert box.bash(box.here(block.text).replace("--cacert server.pem", "")).returncode != 0


@claims("docs/TLS.md#reload")
def test_a_reload(box, block):
    text = box.here('loadmodule "httpd.so"\nmodparam("httpd", "ip", "127.0.0.1")\nmodparam("httpd", "port", 8888)\n'
                    'modparam("httpd", "tls_cert_file", "server.pem")\nmodparam("httpd", "tls_key_file", "server.key")\n'
                    'loadmodule "mi_fifo.so"\nmodparam("mi_fifo", "fifo_name", "/tmp/opensips_fifo")\n')
    (box.folder / "server.key").chmod(0o600)
    with Documented(box.folder, text) as server:
        assert "server.pem: CN=localhost; for " in box.run(block)
        server.wait_log("TLS files read again")
        assert box.calls() == ["systemctl reload opensips-httpd"]


@claims("docs/TLS.md#reload:2")
def test_the_hook_of_certbot(box, block):
    renewed = box.folder / "letsencrypt" / "live"
    renewed.mkdir(parents=True)
    for name in ("fullchain", "privkey"):
        (renewed / f"{name}.pem").write_text(name)
    box.prelude = f"export RENEWED_LINEAGE={renewed}\n"
    box.run(block)
    box.prelude = ""
    tls = box.folder / "etc" / "opensips" / "tls"
    assert [(file.read_text(), file.stat().st_mode & 0o777) for file in (tls / "server.pem", tls / "server.key")] == [
        ("fullchain", 0o644), ("privkey", 0o640)]
    assert box.calls() == ["systemctl reload opensips-httpd"]


@contextlib.contextmanager
def responder(authority, port):
    """Answers what is asked by OCSP about an authority's certificates."""
    command = ["openssl", "ocsp", "-port", str(port), "-index", authority.folder / "index.txt", "-rsigner",
               authority.certificate, "-rkey", authority.key, "-CA", authority.certificate]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert "waiting for OCSP client connections" in process.stderr.readline()
            yield
        finally:
            process.kill()


@claims("docs/TLS.md#several-machines", "docs/ADMIN.md#tls_ticket_key_file-string")
def test_a_key_of_tickets(box, block):
    key = box.folder / "etc" / "opensips" / "tls" / "tickets.key"
    key.unlink()
    box.run(block)
    assert key.stat().st_size == 64 and key.stat().st_mode & 0o777 in (0o600, 0o640)


@claims("docs/TLS.md#ocsp-stapling")
def test_a_response_is_fetched(box, block, authority):
    """From a responder of this machine, whose address stands in the certificate."""
    port = free_port()
    certificate = authority.issue(more=f"authorityInfoAccess=OCSP;URI:http://127.0.0.1:{port}\n")
    certificate.put(box.folder)
    (box.folder / "chain.pem").write_bytes(authority.certificate.read_bytes())
    with responder(authority, port):
        box.run(block)
    response = box.folder / "etc" / "opensips" / "tls" / "server.ocsp"
    assert "Cert Status: good" in certificates.openssl("ocsp", "-respin", response, "-noverify", "-resp_text")
