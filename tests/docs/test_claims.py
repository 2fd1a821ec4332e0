# Each fenced block of the guides is claimed by exactly one test, and the harness finds lies.
# SPDX-License-Identifier: GPL-2.0-or-later
import importlib
from pathlib import Path

import claims
import documents
import pytest
import sandbox


def test_every_block_is_claimed_once():
    for file in Path(__file__).parent.glob("test_*.py"):
        importlib.import_module(file.stem)
    assert claims.BLOCKS, "no blocks found: the pages are read wrongly"
    assert claims.problems(claims.BLOCKS, claims.CLAIMED) == []


PAGE = "# Top\n\n```sh\nls\n```\n\n## Part\n\n```console\n$ ls\n```\n\n* item\n\n  ```cfg\n  a = 1\n  ```\n\n## Part\n\n```\nx\n```\n"


def test_blocks_are_read():
    found = documents.blocks("p.md", PAGE)
    assert [(block.key, block.language, block.text, block.line) for block in found] == [
        ("p.md#top", "sh", "ls\n", 4), ("p.md#part", "console", "$ ls\n", 10), ("p.md#part:2", "cfg", "a = 1\n", 16),
        ("p.md#part-1", "", "x\n", 22)]
    assert found[1].headings == ("Top", "Part")


@pytest.mark.parametrize(("claimed", "expected"), [
    ({"p.md#top": ["a"]}, []),
    ({}, ["p.md:4: the block p.md#top is claimed by no test"]),
    ({"p.md#top": ["a", "b"]}, ["p.md:4: the block p.md#top is claimed by a and b"]),
    ({"p.md#top": ["a"], "p.md#gone": ["b"]}, ["p.md#gone is claimed by b, and is no block"]),
])
def test_false_claims_are_reported(claimed, expected):
    blocks = {block.key: block for block in documents.blocks("p.md", "# Top\n\n```sh\nls\n```\n")}
    found = claims.problems(blocks, claimed)
    assert len(found) == len(expected) and all(text.startswith(start) for text, start in zip(found, expected)), found


def test_a_block_without_a_language_is_reported():
    blocks = {block.key: block for block in documents.blocks("p.md", "# Top\n\n```\nls\n```\n")}
    assert claims.problems(blocks, {"p.md#top": ["a"]}) == ["p.md:4: no language behind ```"]


def block(text, language="console"):
    return documents.Block("p.md#top", language, text, 1, ("Top",))


@pytest.fixture
def box(tmp_path):
    return sandbox.Sandbox(tmp_path, {"/etc/real": str(tmp_path)})


TRUE = '$ f() { echo "at $1"; }\n$ f /etc/real/x\nat /etc/real/x\n$ echo a; \\\n  echo b\na\nb\n'


def test_true_transcripts_pass(box):
    box.compare(block(TRUE))
    box.compare(block("# echo '# no prompt'; echo '$HOME'\n# no prompt\n$HOME\n".replace("# no", "## no")))


@pytest.mark.parametrize("lie", [TRUE.replace("x\nat", "y\nat"), TRUE.replace("at /etc/real/x\n", ""), TRUE + "c\n",
                                 TRUE + "$ false\n", TRUE + "$ echo x\n", TRUE + "$ no-such-command\n"])
def test_false_transcripts_are_found_out(box, lie):
    with pytest.raises(AssertionError):
        box.compare(block(lie))


def test_a_command_that_fails_is_found_out(box):
    box.run(block("true\n", "sh"))
    with pytest.raises(AssertionError):
        box.run(block("false\ntrue\n", "sh"))


LOG = "Nov 22 21:03:20 [22285] NOTICE:httpd: listening on http://127.0.0.1:8888; root paths: /mi\n"


def test_log_lines(box):
    there = LOG.replace("22", "23").replace("8888", box.places["127.0.0.1:8888"].partition(":")[2])
    box.compare_log(block(LOG, "log"), "another line\n" + there)
    for lie in (LOG.replace("/mi", "/mi2"), LOG.replace("NOTICE", "INFO"), LOG + "another\n"):
        with pytest.raises(AssertionError):
            box.compare_log(block(lie, "log"), there)


@pytest.mark.parametrize(("one", "other"), [
    ('"PID":12,', '"PID":13,'), ("Sun Nov 22 21:05:58 2026", "Mon Jan  3 01:02:03 2027"), ("158 [sec]", "3 [sec]"),
    ("process 12 serves", "process 345 serves"), ("127.0.0.1:59254: 413", "127.0.0.1:34567: 413"),
])
def test_what_differs_each_time_is_passed_over(one, other):
    assert sandbox.steady(one) == sandbox.steady(other)


@pytest.mark.parametrize(("one", "other"), [('"ID":1', '"ID":2'), ("127.0.0.1:8888", "127.0.0.1:8889"), ("413", "414"),
                                            ("2xx 3", "2xx 4"), ("300 s", "301 s")])
def test_all_else_counts(one, other):
    assert sandbox.steady(one) != sandbox.steady(other)
