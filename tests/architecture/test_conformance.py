# docs/CONFORMANCE.md names a test that exists for each of its clauses, and the check sees where it does not.
# SPDX-License-Identifier: GPL-2.0-or-later
import conformance
import pytest

DOCUMENT = conformance.ROOT / "docs" / "CONFORMANCE.md"
ROW = "| 9.9 | shall be | is | {} |\n"
GOOD = "`test_refusals.py::test_other_versions`, `http/parser_test.cpp::RequestParser.ReadsAHead`"


def test_every_clause_has_a_test_that_exists():
    assert conformance.problems(DOCUMENT.read_text(encoding="utf-8")) == []


def test_a_good_row_passes():
    assert conformance.problems(ROW.format(GOOD)) == []


@pytest.mark.parametrize("row", [
    ROW.format("by hand"), ROW.format(""), "| 9.9 | shall be | " + GOOD + " |\n", "| 9.9 | shall be | | " + GOOD + " |\n",
    ROW.format("`test_nothing.py::test_other_versions`"), ROW.format("`test_refusals.py::test_nothing`"),
    ROW.format("`test_refusals.py::other_versions`"), ROW.format("`http/parser_test.cpp::RequestParser.Nothing`"),
    ROW.format(GOOD + ", `http/parser_test.cpp::Nothing.ReadsAHead`"), "no table\n"])
def test_a_bad_row_is_seen(row):
    assert conformance.problems(row)
