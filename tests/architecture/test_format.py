# The sources are formatted as .clang-format says.
# SPDX-License-Identifier: GPL-2.0-or-later
import shutil
import subprocess
from pathlib import Path

import house_rules
import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_the_sources_are_formatted():
    clang_format = shutil.which("clang-format-14")
    if clang_format is None:
        pytest.skip("clang-format-14 is not installed: the format of the sources is not checked")
    sources = [str(path) for path in house_rules.tracked_files(ROOT) if path.suffix in (".c", ".cpp", ".h")]
    assert sources
    checked = subprocess.run([clang_format, "--dry-run", "--Werror", *sources], cwd=ROOT, capture_output=True,
                             text=True, check=False)
    assert checked.returncode == 0, "run `make format`:\n" + checked.stderr
