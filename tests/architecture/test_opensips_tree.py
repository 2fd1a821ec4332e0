# Which trees of OpenSIPS the build refuses, and how it says so. SPDX-License-Identifier: GPL-2.0-or-later
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

HEADERS = ("sr_module.h", "reactor_proc.h")


def tree(folder, version=(4, 0, 1), without=(), extra=()):
    """A folder that looks like a source tree, as far as it is looked at before anything is compiled."""
    names = ("VERSION_MAJOR", "VERSION_MINOR", "VERSION_SUBMINOR")
    text = "".join(f"{name} = {part}\n" for name, part in zip(names, version))
    for file in {"Makefile.defs", *HEADERS, *extra} - set(without):
        (folder / file).write_text(text if file == "Makefile.defs" else "")
    return folder


def refusal(tree, tmp_path):
    script = tmp_path / "read.cmake"
    script.write_text(f'include("{ROOT}/src/opensips/tree.cmake")\nread_opensips_tree("{tree}")\n')
    done = subprocess.run(["cmake", "-P", str(script)], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode != 0
    return " ".join(done.stderr.split())


@pytest.mark.parametrize("settings, words", [
    ({"without": ("Makefile.defs",)}, "that is no source tree of OpenSIPS 3.4 or later, it has no Makefile.defs"),
    ({"without": ("reactor_proc.h",)}, "that is no source tree of OpenSIPS 3.4 or later, it has no reactor_proc.h"),
    ({"version": (4, 0)}, "no VERSION_SUBMINOR stands in its Makefile.defs"),
    ({"version": (3, 3, 99)}, "the module is for OpenSIPS 3.4 and later, and that tree is older"),
    ({"version": (3, 4, 0)}, "that tree has never been built, and the module must fit the program; run make in it first"),
    ({"extra": ("Makefile.conf",)}, "that tree has never been built"),
    ({"extra": ("opensips",)}, "that tree has never been built"),
], ids=str)
def test_a_tree_that_cannot_be_built_for(tmp_path, settings, words):
    folder = tmp_path / "tree"
    folder.mkdir()
    text = refusal(tree(folder, **settings), tmp_path)
    assert f"OPENSIPS_SOURCE_DIR is {folder}: {words}" in text, text


def test_a_folder_that_is_not_there(tmp_path):
    assert "no source tree of OpenSIPS" in refusal(tmp_path / "nowhere", tmp_path)
