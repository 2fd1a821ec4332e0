# Fixtures of the tests that run what the documents show. SPDX-License-Identifier: GPL-2.0-or-later
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))

import certificates  # noqa: E402
import configurations  # noqa: E402
import daemon  # noqa: E402
import sandbox  # noqa: E402


def pytest_sessionstart():
    if not daemon.BINARY.is_file():
        pytest.exit(f"{daemon.BINARY} is not built: run `make test`, or set HTTPD_BUILD_DIR", returncode=3)


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
