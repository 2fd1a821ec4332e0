# Makes a whole configuration of the lines that a document shows, with the files that they name, for the daemon to check.
# SPDX-License-Identifier: GPL-2.0-or-later
import grp
import os
import pwd
import re
import shutil

import credentials

PASSWORD = "secret"  # of everybody

# Where the documents put files, and the folder of the sandbox in its place.
FOLDERS = {"/etc/": "etc", "/run/": "run", "/var/log/": "log", "/usr/local/lib/": "lib"}

# What a line needs beside it, unless the block has it: (what stands in the block, what is looked for, what is added).
COMPANIONS = [
    (r'"tls_(?!cert_file)|https://\*|client_cert=on', r'"tls_cert_file"',
     'modparam("httpd", "tls_cert_file", "{folder}/etc/opensips/tls/server.pem")'),
    (r'"tls_(?!key_file)|https://\*|client_cert=on', r'"tls_key_file"',
     'modparam("httpd", "tls_key_file", "{folder}/etc/opensips/tls/server.key")'),
    (r'"tls_verify_client"', r'"tls_ca_file"',
     'modparam("httpd", "tls_ca_file", "{folder}/etc/opensips/tls/clients-ca.pem")'),
    (r'client_cert=on', r'"tls_verify_client"', 'modparam("httpd", "tls_verify_client", "optional")'),
    (r'client_cert=on', r'"tls_ca_file"',
     'modparam("httpd", "tls_ca_file", "{folder}/etc/opensips/tls/clients-ca.pem")'),
    (r'"auth_username"|users=operator|auth=on', r'"auth_password"', 'modparam("httpd", "auth_password", "secret")'),
    (r'"auth_password"|users=operator|auth=on', r'"auth_username"', 'modparam("httpd", "auth_username", "operator")'),
    (r'root=metrics|"compress", ".*metrics', r"prometheus\.so", 'loadmodule "prometheus.so"'),
    (r'root=console', r"console\.so", 'loadmodule "console.so"'),
    (r'root=mi\b', r"mi_http\.so", 'loadmodule "mi_http.so"'),
    (r'root=health', r'"health_root"', 'modparam("httpd", "health_root", "health")'),
    (r'status/live', r"hello_cpp\.so", 'loadmodule "hello_cpp.so"\nmodparam("hello_cpp", "root", "status/live")'),
]


def who():
    """The names of the user and the group of the tests, who are "root" and "opensips" in the documents."""
    return pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name


def whole(text, folder):
    """The lines of a document with all that is needed to load them. Modules that they set parameters of come first."""
    for there, here in FOLDERS.items():
        text = text.replace(f'"{there}', f'"{folder}/{here}/').replace(f"unix:{there}", f"unix:{folder}/{here}/")
    user, group = who()
    text = text.replace("group=opensips", f"group={group}").replace('"fifo_group", "opensips"', f'"fifo_group", "{group}"')
    text = text.replace('"fifo_user", "opensips"', f'"fifo_user", "{user}"')
    added = []
    for wanted, there, line in COMPANIONS:
        if re.search(wanted, text) and not re.search(there, text):
            added.append(line.format(folder=folder))
    named = set(re.findall(r'^(?:modparam\(|loadmodule )"([\w.]+)"', "\n".join([text, *added]), re.M))
    loaded = {name.removesuffix(".so") for name in re.findall(r'loadmodule "(?:[^"]*/)?([\w.]+)"', text + "\n".join(added))}
    first = [f'loadmodule "{name}.so"' for name in sorted({"httpd"} | {name for name in named if not name.endswith(".so")})
             if name not in loaded]
    # A tls_ocsp_file line belongs to the tls_cert_file line before it.
    added.sort(key=lambda line: "tls_cert_file" not in line)
    return "\n".join([*first, *added[:1], text, *added[1:]]) + "\n"


def make_files(folder, certificate, authority):
    """The files that the documents name."""
    for name in ("etc/opensips/tls", "etc/opensips-httpd", "run/httpd", "run/opensips", "run/opensips-httpd/replies", "log/opensips"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    tls = folder / "etc" / "opensips" / "tls"
    certificate.put(tls)
    certificate.put(folder)
    (tls / "tickets.key").touch(0o600)
    (tls / "tickets.key").write_bytes(os.urandom(64))
    for name in ("server.pem", "server.key", "tickets.key"):
        shutil.copy(tls / name, folder / "etc" / "opensips-httpd")
    (tls / "clients-ca.pem").write_bytes(authority.certificate.read_bytes())
    authority.ocsp_response(certificate, tls / "server.ocsp")
    credentials.write(folder / "etc" / "opensips" / "httpd.users", {"alice": credentials.sha512(PASSWORD)})
    for name in ("opensips/httpd.tokens", "opensips-httpd/tokens"):
        credentials.write(folder / "etc" / name, {"scraper": "0123456789abcdef" * 2})
