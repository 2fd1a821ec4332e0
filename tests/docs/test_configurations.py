# Every configuration of the documents is one that the daemon takes. SPDX-License-Identifier: GPL-2.0-or-later
import configurations
import daemon
import documents
import pytest
from claims import claims, of_language

# Only in OpenSIPS: (the parameter, the file that has it).
BUILT_BEFORE = {"docs/DEVELOPER.md#a-handler-in-ten-minutes:3"}  # loads a module that test_developer.py builds
IN_OPENSIPS = {"docs/ADMIN.md#console:2": ("console_root", "src/opensips/parameter_lists.h"),
               "docs/MIGRATION.md#metrics": ("group_mode", "tests/docs/test_migration.py")}


def check(folder, text):
    file = folder / "httpd.cfg"
    file.write_text(configurations.whole(text, folder))
    return daemon.run("-c", "-f", file, cwd=folder)


@claims(*of_language("cfg", besides=IN_OPENSIPS.keys() | BUILT_BEFORE))
def test_configurations_are_good(files, block):
    done = check(files, block.text)
    assert done.returncode == 0, f"{block.page}:{block.line}: {done.stderr}"


@claims(*IN_OPENSIPS)
def test_configurations_of_the_module_for_opensips(block):
    name, file = IN_OPENSIPS[block.key]
    assert f'"{name}"' in block.text and name in (documents.ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("lie", ['modparam("httpd", "no_such_parameter", 1)', 'modparam("httpd", "port", 0)',
                                 'loadmodule "no_such_module.so"', 'modparam("httpd", "access", "root=nowhere")',
                                 'modparam("httpd", "tls_cert_file", "/etc/opensips/tls/nowhere.pem")'])
def test_a_bad_configuration_is_found_out(files, lie):
    assert check(files, lie).returncode == 255
