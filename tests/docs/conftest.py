# The tests of the documents use the helpers of the other tests, opensips.py of those in OpenSIPS among them.
# SPDX-License-Identifier: GPL-2.0-or-later
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("integration", "opensips")]

import symptoms  # noqa: E402


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """What several entries of docs/TROUBLESHOOTING.md need."""
    return symptoms.Shared(tmp_path_factory.mktemp("shared"))
