# What stops the start of a server with TLS, what is warned of, and what the messages tell to do.
# SPDX-License-Identifier: GPL-2.0-or-later
import os
import re
import subprocess

import certificates
import daemon
import pytest
from certificates import DEFAULT_CIPHERS, SUGGESTED_CIPHERS, parameters

MODULES = {"mi_http.so": {}, "hello_cpp.so": {}}


def write(folder, httpd):
    file = folder / "httpd.cfg"
    file.write_text(daemon.config({"httpd.so": {"ip": "127.0.0.1", "port": daemon.free_port(), **httpd}, **MODULES}))
    return file


def check(folder, httpd):
    """Runs `-c`."""
    return daemon.run("-c", "-f", write(folder, httpd))


def refused(folder, httpd):
    """What a start with these parameters of httpd says when it fails, which `-c` must find too."""
    file = write(folder, httpd)
    checked = daemon.run("-c", "-f", file)
    assert checked.returncode == 255, checked.stderr
    started = daemon.run("-f", file)
    assert started.returncode == 255, started.stderr
    told = [re.sub(r"^.*CRITICAL:httpd: ", "", done.stderr.splitlines()[-1]) for done in (checked, started)]
    assert told[0] == told[1]
    assert "listening" not in started.stderr
    return told[0]


def warnings(done):
    assert done.returncode == 0, done.stderr
    return [line for line in done.stderr.splitlines() if " WARNING:" in line]


# --- the pair ---


@pytest.mark.parametrize(("given", "lacking"), [("tls_cert_file", "tls_key_file"), ("tls_key_file", "tls_cert_file")])
def test_one_file_without_the_other(tmp_path, ec, given, lacking):
    file = ec.file if given == "tls_cert_file" else ec.key
    told = refused(tmp_path, {given: file})
    assert f'{given} "{file}"' in told and lacking in told


def test_the_key_of_another_certificate(tmp_path, ec, rsa, authority):
    for other in (rsa, authority.issue()):
        told = refused(tmp_path, {"tls_cert_file": ec.file, "tls_key_file": other.key})
        assert f'tls_key_file "{other.key}"' in told and str(ec.file) in told and "not the key" in told


# --- bad files ---


def bad_file(folder, ec, how):
    """A file that is of no use, and what is told of it."""
    file = folder / "bad"
    if how == "missing":
        return file, "No such file or directory"
    if how == "folder":
        file.mkdir()
        return file, "not a regular file"
    if how == "fifo":
        os.mkfifo(file, 0o600)
        return file, "not a regular file"
    if how == "device":
        return "/dev/zero", "not a regular file"
    contents = {
        "empty": (b"", "is empty"),
        "text": (b"no PEM at all\n" * 100, "PEM"),
        "binary": (bytes(range(256)) * 8, "PEM"),
        "other": (ec.key.read_bytes(), "no certificate in PEM form"),
        "cut": (ec.file.read_bytes()[:300], ""),
        "spoilt": (ec.file.read_bytes().replace(b"A", b"B"), ""),
        "huge": (b"#" * (1024 * 1024) + b"\n", "1048577 bytes; more than 1048576"),
    }
    content, told = contents[how]
    file.touch(0o600)
    file.write_bytes(content)
    return file, told


BAD = ["missing", "folder", "fifo", "device", "empty", "text", "binary", "huge"]


@pytest.mark.parametrize("how", [*BAD, "other", "cut", "spoilt"])
def test_bad_certificate_files(tmp_path, ec, how):
    file, expected = bad_file(tmp_path, ec, how)
    told = refused(tmp_path, {"tls_cert_file": file, "tls_key_file": ec.key})
    assert f'tls_cert_file "{file}"' in told and expected in told


@pytest.mark.parametrize("how", [*BAD, "cut", "spoilt"])
def test_bad_key_files(tmp_path, ec, how):
    file, expected = bad_file(tmp_path, ec, how)
    told = refused(tmp_path, {"tls_cert_file": ec.file, "tls_key_file": file})
    assert f'tls_key_file "{file}"' in told and expected in told


@pytest.mark.parametrize("how", [*BAD, "other", "cut", "spoilt"])
def test_bad_files_of_authorities(tmp_path, ec, how):
    file, expected = bad_file(tmp_path, ec, how)
    told = refused(tmp_path, parameters(ec, tls_ca_file=file, tls_verify_client="require"))
    assert f'tls_ca_file "{file}"' in told
    if how in BAD:
        assert expected in told


@pytest.mark.parametrize("how", [*BAD, "other"])
def test_bad_ocsp_files(tmp_path, ec, how):
    file, expected = bad_file(tmp_path, ec, how)
    told = refused(tmp_path, parameters(ec, tls_ocsp_file=file))
    assert f'tls_ocsp_file "{file}"' in told
    if how in BAD and expected != "PEM":
        assert expected in told


def test_a_certificate_in_the_key_file(tmp_path, ec):
    file = tmp_path / "server.key"
    file.touch(0o600)
    file.write_bytes(ec.file.read_bytes())
    told = refused(tmp_path, {"tls_cert_file": ec.file, "tls_key_file": file})
    assert f'tls_key_file "{file}" holds no private key' in told


def test_a_file_that_may_not_be_read(tmp_path, ec):
    if os.geteuid() != 0:
        mine = tmp_path / "mine.key"
        mine.touch(0)
        told = refused(tmp_path, {"tls_cert_file": ec.file, "tls_key_file": mine})
        assert f'tls_key_file "{mine}" cannot be read: Permission denied' in told
        return
    # Root may read everything, so somebody else has to try.
    file = write(tmp_path, parameters(ec))
    tmp_path.chmod(0o755)
    done = subprocess.run(["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", daemon.BINARY, "-c", "-f",
                           "/dev/stdin"], stdin=file.open(), capture_output=True, text=True, timeout=20, check=False)
    if done.returncode == 127 or "Permission denied" not in done.stderr:
        pytest.skip("nobody cannot run the daemon on this machine: " + done.stderr)
    assert done.returncode == 255
    assert f'tls_cert_file "{ec.file}" cannot be read: Permission denied' in done.stderr


@pytest.mark.parametrize("traditional", [False, True])
def test_an_encrypted_key(tmp_path, ec, traditional):
    file = tmp_path / "server.key"
    form = ["ec", "-aes256"] if traditional else ["pkcs8", "-topk8"]
    certificates.openssl(*form, "-in", ec.key, "-passout", "pass:secret", "-out", file)
    file.chmod(0o600)
    assert "ENCRYPTED" in file.read_text()
    told = refused(tmp_path, {"tls_cert_file": ec.file, "tls_key_file": file})
    assert f'tls_key_file "{file}" is encrypted' in told and f"openssl pkey -in '{file}'" in told


# --- who may read the key ---


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o606, 0o644, 0o666, 0o777])
def test_keys_open_to_all_are_refused_until_the_line_that_is_told_was_run(tmp_path, authority, mode):
    certificate = authority.issue()
    certificate.key.chmod(mode)
    told = refused(tmp_path, parameters(certificate))
    assert f'tls_key_file "{certificate.key}"' in told and f"{mode:04o}" in told
    command = re.search(r"run: (chmod .*?'.*?')", told)[1]
    subprocess.run(["sh", "-c", command], check=True, timeout=10)
    assert certificate.key.stat().st_mode & 0o777 == mode & 0o770
    assert check(tmp_path, parameters(certificate)).returncode == 0


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o440, 0o640, 0o660, 0o601])
def test_keys_of_owner_and_group_are_good(tmp_path, ec, mode):
    file = tmp_path / "server.key"
    file.write_bytes(ec.key.read_bytes())
    file.chmod(mode)
    assert check(tmp_path, {"tls_cert_file": ec.file, "tls_key_file": file}).returncode == 0


def test_the_check_of_permissions_can_be_turned_off(tmp_path, start, ec):
    file = tmp_path / "server.key"
    file.write_bytes(ec.key.read_bytes())
    file.chmod(0o644)
    given = {"tls_cert_file": ec.file, "tls_key_file": file, "tls_key_permissions_check": 0}
    assert start(MODULES, given).ask("GET", "/hello-cpp").status == 200
    told = refused(tmp_path, {**given, "tls_key_permissions_check": 1})
    assert "tls_key_permissions_check" in told


def test_a_certificate_may_be_read_by_all(tmp_path, ec):
    ec.file.chmod(0o644)
    assert check(tmp_path, parameters(ec)).returncode == 0


# --- the priority string ---


@pytest.mark.parametrize(("ciphers", "place", "rest"), [
    ("SECURE256:+NONSENSE", 11, "+NONSENSE"), ("NONSENSE", 1, "NONSENSE"), ("NORMAL:-VERS-TLS9.9", 8, "-VERS-TLS9.9"),
    ("NORMAL:VERS-TLS1.2", 8, "VERS-TLS1.2")])
def test_a_bad_priority_string_is_refused_with_the_place(tmp_path, ec, ciphers, place, rest):
    told = refused(tmp_path, parameters(ec, tls_ciphers=ciphers))
    assert f'tls_ciphers "{ciphers}"' in told
    found = re.search(r'at character (\d+) \("(.*?)"\)', told)
    assert found, told
    # The place may be that of the item, or that of its name behind the sign.
    assert int(found[1]) in (place, place + 1) and rest.endswith(found[2][-6:])
    assert "gnutls-cli -l --priority" in told


@pytest.mark.parametrize(("ciphers", "told"), [
    ("NORMAL:+NULL", "NULL"), ("NORMAL:-CIPHER-ALL:+NULL:+SHA1", "NULL"), ("NORMAL:+ANON-ECDH", "ANON-ECDH"),
    ("NORMAL:+ANON-DH:+SHA1", "ANON-DH"), ("NORMAL:-VERS-TLS-ALL", "no version of TLS"), ("NORMAL:-VERS-ALL", ""),
    ("NORMAL:-CIPHER-ALL", ""), ("NORMAL:-KX-ALL:-VERS-TLS1.3", "no cipher suite"), ("", "")])
def test_strings_that_protect_nothing_are_refused(tmp_path, ec, ciphers, told):
    line = refused(tmp_path, parameters(ec, tls_ciphers=ciphers))
    assert line.startswith(f'tls_ciphers "{ciphers}"') and told in line


@pytest.mark.parametrize("ciphers", [
    DEFAULT_CIPHERS, SUGGESTED_CIPHERS, "NORMAL", "SECURE128", "SECURE192", "SECURE256", "PFS", "PERFORMANCE",
    "SUITEB128", "NONE:+VERS-TLS1.3:+AES-256-GCM:+AEAD:+SIGN-ALL:+GROUP-ALL", "NORMAL:%SERVER_PRECEDENCE"])
def test_whatever_gnutls_cli_takes_is_taken(tmp_path, ec, ciphers):
    listed = subprocess.run(["gnutls-cli", "-l", "--priority", ciphers], capture_output=True, timeout=20, check=False)
    assert listed.returncode == 0
    assert check(tmp_path, parameters(ec, tls_ciphers=ciphers)).returncode == 0


def test_the_missing_curve_is_warned_of_with_the_string_that_has_it(start, tmp_path, ec):
    server = start(MODULES, parameters(ec))
    line = server.wait_log("offers no curve P-256")
    assert " WARNING:" in line and DEFAULT_CIPHERS in line and line.endswith(f'"{SUGGESTED_CIPHERS}"')
    server.mi("httpd_tls_reload")
    assert server.log().count("offers no curve P-256") == 1
    for ciphers, warned in ((SUGGESTED_CIPHERS, False), ("NORMAL", False), ("SECURE256", True),
                            ("NORMAL:-GROUP-SECP256R1", True)):
        told = warnings(check(tmp_path, parameters(ec, tls_ciphers=ciphers)))
        assert any("P-256" in line for line in told) == warned, (ciphers, told)


def test_slow_groups_are_warned_of_with_what_removes_them(tmp_path, ec, rsa):
    for certificate, ciphers, warned in ((ec, "NORMAL", True), (rsa, "NORMAL:-VERS-TLS1.3", True),
                                         (ec, "NORMAL:-VERS-TLS1.3", False), (rsa, SUGGESTED_CIPHERS, False),
                                         (rsa, "NORMAL:-VERS-TLS1.3:-DHE-RSA", False)):
        told = [line for line in warnings(check(tmp_path, parameters(certificate, tls_ciphers=ciphers)))
                if "Diffie-Hellman" in line]
        assert bool(told) == warned, (ciphers, told)
        if warned:
            better = ciphers + re.search(r'append this: "(.*?)"', told[0])[1]
            told = warnings(check(tmp_path, parameters(certificate, tls_ciphers=better)))
            assert not any("Diffie-Hellman" in line for line in told)


# --- dates ---


def test_an_expired_certificate_is_a_warning(start, authority):
    certificate = authority.issue(begin=certificates.LONG_AGO, end=certificates.YESTERYEAR)
    server = start(MODULES, parameters(certificate))
    line = server.wait_log("has expired at 2021-01-01 00:00:00 UTC")
    assert " WARNING:" in line and f'tls_cert_file "{certificate.file}"' in line and "CN=localhost" in line
    assert server.ask("GET", "/hello-cpp").status == 200


def test_a_certificate_that_is_not_valid_yet_is_a_warning(start, authority):
    certificate = authority.issue(begin=certificates.ONE_DAY, end=certificates.LATER_STILL)
    server = start(MODULES, parameters(certificate))
    line = server.wait_log("is not valid before 2048-01-01 00:00:00 UTC")
    assert " WARNING:" in line and f'tls_cert_file "{certificate.file}"' in line
    assert server.ask("GET", "/hello-cpp").status == 200


def test_an_expired_issuer_in_the_chain_is_named(tmp_path, authority, authorities):
    between = certificates.Authority(authorities, "Expiring", issuer=authority)
    authority.sign(between.key, "Expiring", between.certificate, "basicConstraints=critical,CA:TRUE\n",
                   certificates.LONG_AGO, certificates.YESTERYEAR)
    told = warnings(check(tmp_path, parameters(between.issue())))
    assert any("has expired" in line and "CN=Expiring" in line for line in told)


def test_a_good_certificate_is_not_warned_of(tmp_path, ec):
    assert warnings(check(tmp_path, parameters(ec, tls_ciphers=SUGGESTED_CIPHERS))) == []


# --- client certificates ---


@pytest.mark.parametrize("verify", ["optional", "require"])
def test_asking_clients_for_certificates_needs_authorities(tmp_path, ec, verify):
    told = refused(tmp_path, parameters(ec, tls_verify_client=verify))
    assert "tls_verify_client" in told and "tls_ca_file" in told


def test_authorities_that_are_not_used_are_warned_of(tmp_path, ec, authority):
    for more in ({}, {"tls_verify_client": "none"}):
        told = warnings(check(tmp_path, parameters(ec, tls_ca_file=authority.certificate, **more)))
        assert any("tls_ca_file is not used" in line for line in told)


@pytest.mark.parametrize("value", ["", "yes", "Require", "request"])
def test_other_words_for_tls_verify_client(tmp_path, ec, value):
    done = check(tmp_path, parameters(ec, tls_verify_client=value))
    assert done.returncode == 255
    for word in ("httpd.cfg:", "tls_verify_client", f'"{value}"', '"none"', '"optional"', '"require"'):
        assert word in done.stderr


# --- numbers ---


@pytest.mark.parametrize(("name", "low", "high"), [
    ("tls_handshake_timeout", 1, 2**31 - 1), ("tls_ticket_lifetime", 0, 604_800), ("tls_key_permissions_check", 0, 1)])
def test_the_bounds_of_numbers(tmp_path, ec, name, low, high):
    for value in (low, high):
        assert check(tmp_path, parameters(ec, **{name: value})).returncode == 0
    for value in (low - 1, high + 1, "many"):
        done = check(tmp_path, parameters(ec, **{name: value}))
        assert done.returncode == 255
        assert "httpd.cfg:" in done.stderr and f'"{name}"' in done.stderr and str(value) in done.stderr
        if value != "many":
            assert str(low) in done.stderr and str(high) in done.stderr


# --- listeners ---


def test_an_https_listener_needs_a_certificate(tmp_path):
    told = refused(tmp_path, {"listen": f"https://127.0.0.1:{daemon.free_port()}"})
    assert "https://127.0.0.1" in told and "tls_cert_file" in told


@pytest.mark.parametrize("name", ["tls_cert_file", "tls_key_file", "tls_ca_file", "tls_ocsp_file",
                                  "tls_ticket_key_file"])
def test_empty_names_of_files(tmp_path, name, ec):
    done = check(tmp_path, parameters(ec) | {name: ""})
    assert done.returncode == 255
    assert name in done.stderr and "names no file" in done.stderr
