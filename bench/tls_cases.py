# What the servers are told about TLS: the priority strings, nginx's nearest to them, and certificates.
# SPDX-License-Identifier: GPL-2.0-or-later
"""A case is a priority string with a certificate. nginx knows no priority strings and gets lists of OpenSSL's."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

DEFAULT = "SECURE256:+SECURE192:-VERS-ALL:+VERS-TLS1.2"
SUGGESTED = "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA:-SHA1:-GROUP-DH-ALL"

_NGINX_DEFAULT = """ssl_protocols TLSv1.2; ssl_ecdh_curve secp384r1:secp521r1;
  ssl_ciphers ECDHE+AESGCM+AES256:ECDHE+CHACHA20:ECDHE+AESCCM+AES256:kRSA+AESGCM+AES256:!AESCCM8;"""
_NGINX_SUGGESTED = """ssl_protocols TLSv1.3 TLSv1.2; ssl_ecdh_curve prime256v1:secp384r1:secp521r1:X25519:X448;
  ssl_ciphers ECDHE+AESGCM+AES256:ECDHE+CHACHA20:ECDHE+AESCCM+AES256:ECDHE+AESGCM:ECDHE+AESCCM:!AESCCM8;"""

_KEYS = {
    "RSA 2048": ["-newkey", "rsa:2048"],
    "EC P-256": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
}


@dataclass(frozen=True)
class TlsCase:
    title: str
    priority: str
    key_kind: str
    nginx: str

    def _file(self, folder, suffix):
        return str(Path(folder, self.key_kind.replace(" ", "-") + suffix))

    def certificate(self, folder):
        return self._file(folder, ".pem")

    def key(self, folder):
        return self._file(folder, ".key")

    def httpd_lines(self, folder):
        """For the daemon's configuration."""
        values = {"cert_file": self.certificate(folder), "key_file": self.key(folder), "ciphers": self.priority}
        return "".join(f'modparam("httpd", "tls_{name}", "{value}")\n' for name, value in values.items())

    def nginx_lines(self, folder):
        """For nginx's."""
        return (f"ssl_certificate {self.certificate(folder)}; ssl_certificate_key {self.key(folder)}; {self.nginx} "
                "ssl_session_tickets on;")

    def make_files(self, folder):
        """A certificate of its own signing, and its key, in `folder`."""
        done = subprocess.run(
            ["openssl", "req", "-x509", *_KEYS[self.key_kind], "-nodes", "-days", "7", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", self.key(folder),
             "-out", self.certificate(folder)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"bench: openssl makes no certificate:\n{done.stderr}")
        Path(self.key(folder)).chmod(0o600)


CASES = [
    TlsCase("default string, RSA 2048", DEFAULT, "RSA 2048", _NGINX_DEFAULT),
    TlsCase("suggested string, RSA 2048", SUGGESTED, "RSA 2048", _NGINX_SUGGESTED),
    TlsCase("suggested string, EC P-256", SUGGESTED, "EC P-256", _NGINX_SUGGESTED),
]


def httpd_settings(case, folder):
    """What servers.start_httpd() is told; nothing of TLS where `case` is None."""
    return {"more": case.httpd_lines(folder), "tls": True} if case else {}


def mhd_settings(case, folder):
    """What servers.start_mhd() is told."""
    if not case:
        return {}
    return {"options": [case.certificate(folder), case.key(folder), case.priority], "tls": True}


def nginx_settings(case, folder):
    """What nginx's configuration says of TLS."""
    return case.nginx_lines(folder) if case else ""
