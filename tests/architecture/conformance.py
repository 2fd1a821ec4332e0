# Reads the tables of docs/CONFORMANCE.md: which clauses there are, and which tests show them.
# SPDX-License-Identifier: GPL-2.0-or-later
import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLAUSE = re.compile(r"\| *(\d+(?:\.\d+)*) *\|")
TEST = re.compile(r"`([\w/]+\.(?:py|cpp))::([\w.]+)`")


def names_in(file):
    """The tests of a file: functions of pytest, or Suite.Name of GoogleTest."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".py":
        return {node.name for node in ast.parse(text).body
                if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}
    return {f"{suite}.{name}" for suite, name in re.findall(r"^TEST(?:_F|_P)?\((\w+), (\w+)\)", text, re.M)}


def problems(text, root=ROOT):
    found, rows, files = [], 0, {}
    for number, line in enumerate(text.splitlines(), 1):
        clause = CLAUSE.match(line)
        if not clause:
            continue
        rows += 1
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        if len(cells) != 4 or not all(cells):
            found.append(f"line {number}: not four cells that say something")
            continue
        tests = TEST.findall(cells[3])
        if not tests:
            found.append(f"line {number}: clause {clause[1]} has no test")
        for path, name in tests:
            file = next((root / "tests" / folder / path for folder in ("integration", "unit")
                         if (root / "tests" / folder / path).is_file()), None)
            if file is None:
                found.append(f"line {number}: there is no file {path}")
            elif name not in files.setdefault(file, names_in(file)):
                found.append(f"line {number}: {path} has no test {name}")
    if rows == 0:
        found.append("no clause at all")
    return found
