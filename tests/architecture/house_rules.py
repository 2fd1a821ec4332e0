# The rules of CONTRIBUTING.md that a program can check: licence lines, file sizes, guards, names of tests.
# SPDX-License-Identifier: GPL-2.0-or-later
import re
import subprocess
from pathlib import Path

LONGEST_FILE = 500  # lines
LICENCE = "SPDX-License-Identifier: GPL-2.0-or-later"
CODE = {".c", ".cpp", ".h", ".py", ".sh"}

# Written in pieces, so that this file does not report itself.
FOREIGN_PATH = re.compile(r"(?<![\w.:/*-])/(?:" + "|".join(("work", "home", "root")) + r")/[\w.]")


def tracked_files(root):
    """The files of the project, as paths relative to `root`: git's, or all but build/ where there is no git."""
    try:
        listed = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            check=True, capture_output=True, text=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        listed = [str(path.relative_to(root)) for path in root.rglob("*")]
    skipped = ("build", ".git", "__pycache__", ".pytest_cache")
    found = [Path(name) for name in listed if name and not set(Path(name).parts) & set(skipped)]
    return sorted(path for path in found if (root / path).is_file())


def is_code(root, path):
    if path.suffix in CODE:
        return True
    return not path.suffix and (root / path).read_bytes()[:2] == b"#!"


def missing_licence(root, path):
    head = (root / path).read_text(encoding="utf-8").splitlines()[:12]
    return None if any(LICENCE in line for line in head) else f"{path}:1: no line `{LICENCE}` near the top"


def too_long(root, path):
    lines = (root / path).read_text(encoding="utf-8").count("\n")
    return f"{path}:{lines}: longer than {LONGEST_FILE} lines" if lines > LONGEST_FILE else None


def unguarded_header(root, path):
    """Headers have #pragma once; those that C reads have an include guard, which every C compiler knows."""
    if path.suffix != ".h":
        return None
    text = (root / path).read_text(encoding="utf-8")
    if re.search(r"^#pragma once$", text, re.M):
        return None
    if re.search(r"^(namespace|class|template)\b", text, re.M):
        return f"{path}:1: no #pragma once"
    first = re.findall(r"^#.*$", text, re.M)[:2]
    guard = first and re.fullmatch(r"#ifndef (\w+)", first[0])
    if guard and first[1:] == [f"#define {guard[1]}"] and text.rstrip().splitlines()[-1].startswith("#endif"):
        return None
    return f"{path}:1: neither #pragma once nor an include guard"


def unit_test_without_source(root, path):
    """tests/unit/X/y_test.cpp tests src/X/y.h or y.cpp, the public header include/X/y.h, or the whole folder y/."""
    if path.parts[:2] != ("tests", "unit") or not path.name.endswith("_test.cpp"):
        return None
    subject = Path(*path.parts[2:-1]) / path.name.removesuffix("_test.cpp")
    candidates = [f"src/{subject}.cpp", f"src/{subject}.h", f"src/{subject}.c", f"include/{subject}.h"]
    if any((root / candidate).is_file() for candidate in candidates) or (root / subject.name).is_dir():
        return None
    return f"{path}:1: tests nothing: there is none of {', '.join(candidates)}"


def foreign_paths(root, path):
    """Lines that name a folder of the machine that the file was written on."""
    try:
        text = (root / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return []
    lines = enumerate(text.splitlines(), start=1)
    return [f"{path}:{number}: a path of a build machine: {line.strip()}" for number, line in lines
            if FOREIGN_PATH.search(line)]


def check(root):
    """Returns 'file:line: what is wrong' for every broken rule below `root`."""
    found = []
    for path in tracked_files(root):
        found += foreign_paths(root, path)
        if is_code(root, path):
            for rule in (missing_licence, too_long, unguarded_header, unit_test_without_source):
                found.append(rule(root, path))
    return [line for line in found if line is not None]
