# opensips-cli, from its public repository, over HTTP. SPDX-License-Identifier: GPL-2.0-or-later
import json
import shutil
import subprocess

import opensips
import pytest

pytestmark = pytest.mark.skipif(shutil.which("opensips-cli") is None, reason="opensips-cli is not installed")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with opensips.OpenSips(tmp_path_factory.mktemp("cli"), [("mi_http", {})]) as started:
        yield started


def command(name):
    """A command of the core by the name that `which` lists, the only one that opensips-cli knows."""
    return name if opensips.major() < 4 else {"ps": "core:ps", "get_statistics": "statistics:get",
                                              "httpd_list_root_path": "httpd:list_root_path"}[name]


def run(server, name, *arguments):
    return subprocess.run(
        ["opensips-cli", "-f", "/dev/null", "-o", "communication_type=http", "-o", f"url=http://127.0.0.1:{server.port}/mi",
         "-x", "mi", command(name), *arguments], capture_output=True, text=True, timeout=30)


def test_ps(server):
    done = run(server, "ps")
    assert f"HTTPD 127.0.0.1:{server.port}" in done.stdout, done


def test_parameters(server):
    done = run(server, "get_statistics", "shmem:")
    assert "shmem:total_size" in done.stdout, done


def test_the_module_s_own_command(server):
    assert json.loads(run(server, "httpd_list_root_path").stdout) == [{"http_root": "mi", "module": "mi_http"}]
