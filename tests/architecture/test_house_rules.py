# The tree keeps the house rules, and the checker sees each of them broken.
# SPDX-License-Identifier: GPL-2.0-or-later
from pathlib import Path

import house_rules
import pytest

ROOT = Path(__file__).resolve().parents[2]
LICENCE = f"// {house_rules.LICENCE}\n"


def test_the_tree_keeps_the_house_rules():
    problems = house_rules.check(ROOT)
    assert not problems, "\n" + "\n".join(problems)


def check(root, files):
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return house_rules.check(root)


GUARD = "#ifndef A_H\n#define A_H\nint a;\n#endif\n"
FOREIGN = "/" + "home" + "/someone/x"

BROKEN = [
    ({"src/a.cpp": "int a;\n"}, "src/a.cpp:1: no line"),
    ({"scripts/run": "#!/bin/sh\n"}, "scripts/run:1: no line"),
    ({"src/a.cpp": LICENCE + "\n" * 500}, "src/a.cpp:501: longer than 500"),
    ({"src/a.h": LICENCE + "class A;\n"}, "src/a.h:1: no #pragma once"),
    ({"src/a.h": LICENCE + "int a;\n"}, "src/a.h:1: neither"),
    ({"src/a.h": LICENCE + GUARD.replace("define A_H", "define B_H")}, "src/a.h:1: neither"),
    ({"tests/unit/net/a_test.cpp": LICENCE}, "tests/unit/net/a_test.cpp:1: tests nothing"),
    ({"README.md": f"Text\nsee {FOREIGN}\n"}, "README.md:2: a path of a build machine"),
    ({"CMakeLists.txt": f'set(X "{FOREIGN}")\n'}, "CMakeLists.txt:1: a path of a build machine"),
]


@pytest.mark.parametrize(("files", "expected"), BROKEN)
def test_broken(tmp_path, files, expected):
    (found,) = check(tmp_path, files)
    assert found.startswith(expected)


KEPT = [
    {"src/a.cpp": LICENCE + "\n" * 499},
    {"src/a.h": LICENCE + "#pragma once\nclass A;\n"},
    {"src/a.h": LICENCE + GUARD},
    {"src/net/a.cpp": LICENCE, "tests/unit/net/a_test.cpp": LICENCE},
    {"src/net/a.h": LICENCE + "#pragma once\n", "tests/unit/net/a_test.cpp": LICENCE},
    {"README.md": "http://example.org" + "/home" + "/x is a URL\n"},
    {"build/a.cpp": "int a;\n"},
]


@pytest.mark.parametrize("files", KEPT)
def test_kept(tmp_path, files):
    assert check(tmp_path, files) == []
