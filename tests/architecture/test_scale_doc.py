# docs/SCALE.md quotes each file of examples/scale/ word for word: the tests run the files, and people read the page.
# SPDX-License-Identifier: GPL-2.0-or-later
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
QUOTE = re.compile(r"^\[`(examples/scale/[\w.-]+)`\]\(\.\./\1\):\n\n```\w+\n(.*?)^```$", re.M | re.S)


def problems(text, files):
    """`files` maps each name to what it holds."""
    quoted = dict(QUOTE.findall(text))
    found = [f"{name} is not quoted" for name in sorted(files.keys() - quoted.keys())]
    found += [f"{name} is quoted and does not exist" for name in sorted(quoted.keys() - files.keys())]
    return found + [f"{name} says something else than its quotation" for name in sorted(files.keys() & quoted.keys())
                    if files[name] != quoted[name]]


def test_the_page_quotes_the_files():
    files = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
             for path in (ROOT / "examples" / "scale").iterdir()}
    assert files
    assert problems((ROOT / "docs" / "SCALE.md").read_text(encoding="utf-8"), files) == []


def test_a_false_quotation_is_reported():
    page = "[`examples/scale/a.cfg`](../examples/scale/a.cfg):\n\n```cfg\none\n```\n"
    assert problems(page, {"examples/scale/a.cfg": "one\n"}) == []
    assert problems(page, {"examples/scale/a.cfg": "two\n"}) == ["examples/scale/a.cfg says something else than its "
                                                                 "quotation"]
    assert problems(page, {}) == ["examples/scale/a.cfg is quoted and does not exist"]
    assert problems("", {"examples/scale/a.cfg": "one\n"}) == ["examples/scale/a.cfg is not quoted"]
