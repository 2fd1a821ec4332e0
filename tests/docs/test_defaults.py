# The defaults that ADMIN.md tells are those of the daemon. SPDX-License-Identifier: GPL-2.0-or-later
import os
import re
import stat

import documents
import pytest
from documents import read_integer
from sandbox import Documented, Sandbox

# ip and port decide on which address this daemon itself listens: see test_parameters.py of the integration tests.
ELSEWHERE = {"ip", "port"}
WITH_DEFAULT = [parameter for parameter in documents.all_parameters()
                if parameter.module == "httpd" and parameter.default and parameter.name not in ELSEWHERE]
OTHERS = [parameter for parameter in documents.all_parameters() if parameter.module != "httpd" and parameter.default]

# Another value than the default, of strings.
OTHER_VALUES = {"forwarded_header": '"none"', "auth_realm": '"x"', "tls_ciphers": '"NORMAL"', "tls_verify_client": '"optional"',
                "access_log": '"httpd.log"', "access_log_format": '"json"', "health_root": '"health"'}
BASE = """
loadmodule "httpd.so"
modparam("httpd", "listen", "http://127.0.0.1:8888")
modparam("httpd", "tls_cert_file", "server.pem")
modparam("httpd", "tls_key_file", "server.key")
modparam("httpd", "tls_ca_file", "etc/opensips/tls/clients-ca.pem")
loadmodule "mi_http.so"
loadmodule "prometheus.so"
loadmodule "console.so"
loadmodule "mi_fifo.so"
modparam("mi_fifo", "fifo_name", "/tmp/opensips_fifo")
"""


def lines(values):
    return "".join(f'modparam("httpd", "{name}", {value})\n' for name, value in values.items())


@pytest.fixture(scope="module")
def server(files):
    box = Sandbox(files)
    with Documented(files, box.here(BASE)) as running:
        running.box = box
        yield running


def changed_by(server, values):
    """The names of the parameters that these lines would change."""
    (server.folder / server.file).write_text(server.box.here(BASE) + lines(values))
    answer = server.mi("httpd_reload")
    return {text.split()[0] for text in [*answer["Changed"], *answer["Takes a restart"]]}


def test_what_is_said_to_be_the_default_changes_nothing(server):
    assert len(WITH_DEFAULT) > 40
    assert changed_by(server, {parameter.name: parameter.default for parameter in WITH_DEFAULT}) == set()


@pytest.mark.parametrize("parameter", WITH_DEFAULT, ids=lambda parameter: parameter.name)
def test_another_value_is_a_change(server, parameter):
    low, high = parameter.bounds or (None, None)
    other = OTHER_VALUES.get(parameter.name) or (high if str(high) != parameter.default else low)
    try:
        assert changed_by(server, {parameter.name: other}) == {parameter.name}
    finally:
        assert changed_by(server, {}) <= {parameter.name}


def test_defaults_of_the_other_modules(server):
    told = {(parameter.module, parameter.name): parameter.default for parameter in OTHERS}
    roots = {entry["module"]: f'"{entry["http_root"]}"' for entry in server.mi("httpd_list_root_path")}
    for module in ("mi_http", "prometheus", "console"):
        assert roots[module] == told.pop((module, "root"))
    fifo = (server.folder / "opensips_fifo").stat()
    assert stat.S_IMODE(fifo.st_mode) == read_integer(told.pop(("mi_fifo", "fifo_mode")))
    assert (fifo.st_uid, fifo.st_gid) == (os.geteuid(), os.getegid())
    assert [told.pop(("mi_fifo", name)) for name in ("fifo_user", "fifo_group")] == ["-1", "-1"]
    assert [told.pop((module, "pretty_printing")) for module in ("mi_http", "mi_fifo")] == ["0", "0"]
    assert b"\n" not in server.ask("POST", "/mi", "Content-Type: application/json",
                                  body=b'{"jsonrpc":"2.0","method":"log_level","id":1}').body
    # The rest would be in the way of others, or take long to find out.
    source = "".join((documents.ROOT / "src" / "handlers" / file).read_text(encoding="utf-8")
                     for file in ("console/console.h", "mi_fifo/fifo_settings.h"))
    for (_, name), default in told.items():
        assert re.search(rf"\b{name} = {re.escape(default)};", source), name
