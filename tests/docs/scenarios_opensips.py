# The module in a real OpenSIPS, which OPENSIPS_SOURCE_DIR names. SPDX-License-Identifier: GPL-2.0-or-later
import functools
import os
import signal
import subprocess
from unittest import mock

import certificates
import opensips
import pytest
from symptoms import curl, shows, url


def in_opensips(title):
    """A scenario that is skipped where there is no tree of OpenSIPS."""
    def register(scenario):
        @functools.wraps(scenario)
        def run(place):
            if opensips.TREE is None:
                pytest.skip("OPENSIPS_SOURCE_DIR is not set")
            return scenario(place)

        return shows(title)(run)

    return register


def with_other(place, old, new):
    """What OpenSIPS says of a module in which `new` stands for `old`, as in one that was built from another tree."""
    folder = place.new_folder()
    built = opensips.module().read_bytes()
    assert old in built and len(old) == len(new)
    (folder / "httpd.so").write_bytes(built.replace(old, new))
    with mock.patch.object(opensips, "module", lambda: folder / "httpd.so"):
        return opensips.run(folder, {})[1]


@in_opensips("The module is refused")
def refused(place):
    version = opensips.release().encode()
    printed = subprocess.run([opensips.TREE / "opensips", "-V"], capture_output=True, check=True).stdout
    flags = next(line for line in printed.splitlines() if line.startswith(b"flags: ")).removeprefix(b"flags: ").strip()
    return with_other(place, b"opensips " + version, b"opensips " + b"9" * len(version)) + with_other(
        place, flags, b"X" + flags[1:])


@in_opensips("OpenSIPS does not start with this module")
def does_not_start(place):
    taken = place.start()
    return "".join(opensips.run(place.new_folder(), {"port": port})[1] for port in (taken.port, 0))


@in_opensips("SIGHUP does nothing")
def hangup(place):
    expired = place.authority().issue(begin=certificates.LONG_AGO, end=certificates.YESTERYEAR).put(place.new_folder())
    with opensips.OpenSips(place.new_folder(), [("mi_http", {})], certificates.parameters(expired)) as server:
        def ask():
            return curl("--cacert", place.authority().certificate, url(server, scheme="https", host="localhost"))

        for source, target in ((place.certificate().file, expired.file), (place.certificate().key, expired.key)):
            target.write_bytes(source.read_bytes())
        before = server.log()
        os.kill(server.process.pid, signal.SIGHUP)
        seen = ask()
        assert server.log().count("\n") - before.count("\n") <= 1, "more than the line about the handshake"
        assert "result" in server.ask_fifo("httpd_tls_reload")
        assert "curl: (60)" not in ask()
        return seen
