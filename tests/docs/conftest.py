# Fixtures of the tests of the documents, which use the helpers of the other tests, opensips.py of those in OpenSIPS among
# them. SPDX-License-Identifier: GPL-2.0-or-later
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("integration", "opensips", "architecture")]

import certificates  # noqa: E402
import configurations  # noqa: E402
import daemon  # noqa: E402
import sandbox  # noqa: E402
import symptoms  # noqa: E402


def pytest_sessionstart():
    if not daemon.BINARY.is_file():
        pytest.exit(f"{daemon.BINARY} is not built: run `make test`, or set HTTPD_BUILD_DIR", returncode=3)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """What several entries of docs/TROUBLESHOOTING.md need."""
    return symptoms.Shared(tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="module")
def folder():
    """A folder for the tests of one file."""
    with sandbox.folder() as made:
        yield made


@pytest.fixture(scope="module")
def authority(folder):
    return certificates.Authority(folder, "Test Authority")


@pytest.fixture(scope="module")
def files(folder, authority):
    """The folder with the files that configurations of the documents name: certificates, users, tokens."""
    configurations.make_files(folder, authority.issue(), authority)
    return folder
