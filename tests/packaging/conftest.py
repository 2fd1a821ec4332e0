# Fixtures of the tests of what is installed: one installation of the build for all of them.
# SPDX-License-Identifier: GPL-2.0-or-later
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "integration"), str(TESTS / "architecture")]

import installation  # noqa: E402


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """The build, installed into a folder."""
    return installation.Installation(tmp_path_factory.mktemp("installed"))
