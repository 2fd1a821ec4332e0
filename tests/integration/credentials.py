# Users, tokens and their files for the tests. SPDX-License-Identifier: GPL-2.0-or-later
import base64
import subprocess

SHA512_SALT = "rounds=1000$abcdefgh"


def basic(user, password):
    return "Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def bearer(token):
    return f"Authorization: Bearer {token}"


def sha512(password):
    """A hash of SHA-512-crypt, with the usual number of rounds: some milliseconds."""
    done = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=password, capture_output=True, text=True,
                          timeout=20, check=True)
    return done.stdout.strip()


def bcrypt(password, cost=5):
    """A hash as htpasswd -B makes it."""
    done = subprocess.run(["htpasswd", "-niB", "-C", str(cost), "x"], input=password, capture_output=True, text=True,
                          timeout=60, check=True)
    return done.stdout.strip().split(":", 1)[1]


def write(path, lines, mode=0o600):
    """A file of users or tokens; returns its path."""
    path.write_text("".join(f"{name}:{secret}\n" for name, secret in lines.items()))
    path.chmod(mode)
    return str(path)
