# Makes authorities, certificates and OCSP responses at run time, with the openssl command.
# SPDX-License-Identifier: GPL-2.0-or-later
import hashlib
import re
import ssl
import subprocess
from pathlib import Path

# What tls_ciphers is unless set, and what docs/ADMIN.md advises in its place.
DEFAULT_CIPHERS = "SECURE256:+SECURE192:-VERS-ALL:+VERS-TLS1.2"
SUGGESTED_CIPHERS = "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA:-SHA1:-GROUP-DH-ALL"

LOCALHOST = ("DNS:localhost", "IP:127.0.0.1", "IP:::1")
VALID_FROM, VALID_UNTIL = "20240101000000Z", "20491231000000Z"
LONG_AGO, YESTERYEAR = "20200101000000Z", "20210101000000Z"
ONE_DAY, LATER_STILL = "20480101000000Z", "20490101000000Z"

CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
O = httpd test
CN = {name}
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign, digitalSignature
subjectKeyIdentifier = hash
[ca]
default_ca = here
[here]
database = {folder}/index.txt
new_certs_dir = {folder}
rand_serial = yes
default_md = sha384
policy = anything
unique_subject = no
email_in_dn = no
[anything]
organizationName = optional
commonName = supplied
"""


def openssl(*arguments, **settings):
    """Runs the command, which must succeed, and returns what it printed."""
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, stdin=subprocess.DEVNULL, timeout=60,
                          check=False, **settings)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def make_key(file, kind="P-384", traditional=False):
    """A private key in PEM form that its owner alone may read. `kind` is a curve, "RSA" or "ED25519"."""
    options = ["-algorithm", kind]
    if kind.startswith("P-"):
        options = ["-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{kind}"]
    elif kind == "RSA":
        options += ["-pkeyopt", "rsa_keygen_bits:2048"]
    Path(file).touch(0o600)
    openssl("genpkey", *options, "-out", file)
    if traditional:
        Path(file).write_text(openssl("pkey", "-in", file, "-traditional"))
    return Path(file)


def fingerprint(der):
    """SHA-256 of a certificate in DER form, in lower case hexadecimal."""
    return hashlib.sha256(der).hexdigest()


class Certificate:
    """A certificate's files: `file` holds it and those that lead to its authority, `key` its private key."""

    def __init__(self, file, key, name, authority):
        self.file = Path(file)
        self.key = Path(key)
        self.name = name
        self.authority = authority

    def fingerprint(self):
        """SHA-256 of the certificate, in lower case hexadecimal."""
        own = self.file.read_text().partition("-----END CERTIFICATE-----")
        return fingerprint(ssl.PEM_cert_to_DER_cert(own[0] + own[1]))

    def put(self, folder):
        """Puts copies of its files into the place where a server reads them, as an administrator would."""
        for source, name in ((self.file, "server.pem"), (self.key, "server.key")):
            fresh = folder / (name + ".new")
            fresh.touch(0o600)
            fresh.write_bytes(source.read_bytes())
            fresh.rename(folder / name)
        return Certificate(folder / "server.pem", folder / "server.key", self.name, self.authority)


class Authority:
    """A certification authority in a folder of its own; with `issuer` one that another authority vouches for."""

    def __init__(self, folder, name, issuer=None):
        self.folder = Path(folder) / name.replace(" ", "-")
        self.folder.mkdir()
        self.name = name
        self.issuer = issuer
        self.count = 0
        (self.folder / "index.txt").touch()
        self.config = self.folder / "openssl.cnf"
        self.config.write_text(CONFIG.format(name=name, folder=self.folder))
        self.certificate = self.folder / "authority.pem"
        self.key = make_key(self.folder / "authority.key")
        if issuer is None:
            openssl("req", "-x509", "-new", "-config", self.config, "-extensions", "authority", "-days", 9999,
                    "-key", self.key, "-out", self.certificate)
        else:
            extensions = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
            issuer.sign(self.key, name, self.certificate, extensions)

    def sign(self, key, name, file, extensions, begin=VALID_FROM, end=VALID_UNTIL):
        requested, wanted = self.folder / "request.pem", self.folder / "extensions"
        wanted.write_text(extensions + "authorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n")
        openssl("req", "-new", "-config", self.config, "-key", key, "-subj", f"/O=httpd test/CN={name}",
                "-out", requested)
        openssl("ca", "-batch", "-notext", "-config", self.config, "-cert", self.certificate, "-keyfile", self.key,
                "-in", requested, "-out", file, "-startdate", begin, "-enddate", end, "-extfile", wanted)

    def issue(self, name="localhost", names=LOCALHOST, key="P-384", traditional=False, purpose="serverAuth",
              begin=VALID_FROM, end=VALID_UNTIL, more=""):
        """A certificate with a new key; `more` are lines of extensions."""
        self.count += 1
        stem = self.folder / f"{self.count}"
        private = make_key(f"{stem}.key", key, traditional)
        extensions = f"basicConstraints=critical,CA:FALSE\nextendedKeyUsage={purpose}\n"
        extensions += f"keyUsage=digitalSignature{',keyEncipherment' if key == 'RSA' else ''}\n"
        if names:
            extensions += f"subjectAltName={','.join(names)}\n"
        extensions += more
        file = Path(f"{stem}.pem")
        self.sign(private, name, file, extensions, begin, end)
        above = self
        while above.issuer is not None:
            file.write_text(file.read_text() + above.certificate.read_text())
            above = above.issuer
        return Certificate(file, private, name, self)

    def ocsp_response(self, certificate, file):
        """An OCSP response, good for a week from now, in DER form."""
        openssl("ocsp", "-index", self.folder / "index.txt", "-rsigner", self.certificate, "-rkey", self.key,
                "-CA", self.certificate, "-issuer", self.certificate, "-cert", certificate.file, "-ndays", 7,
                "-respout", file)
        return Path(file)


def outdated(response, file):
    """The same OCSP response with dates of long ago. Its signature is spoilt by that, but nobody gets to see it."""
    Path(file).write_bytes(re.sub(rb"\x18\x0f20\d\d", b"\x18\x0f2001", response.read_bytes()))
    return Path(file)


def parameters(*certificates, **more):
    """The parameters of httpd that put these certificates into service; the first is the default one."""
    return {"tls_cert_file": [certificate.file for certificate in certificates],
            "tls_key_file": [certificate.key for certificate in certificates], **more}
