# The console's scripts by themselves, in a real browser: command lines, samples, numbers and trees.
# SPDX-License-Identifier: GPL-2.0-or-later
import json
import subprocess

import chromium
import daemon
import pytest

PAGE = daemon.ROOT / "src" / "handlers" / "console" / "page"

pytestmark = chromium.installed


def bundled(module):
    """The module as a script that leaves its exports in the variable `it`."""
    return subprocess.run(["esbuild", str(PAGE / module), "--bundle", "--format=iife", "--global-name=it", "--charset=utf8",
                           "--log-level=warning"], check=True, capture_output=True, text=True, timeout=30).stdout


def told(tmp_path, module, script):
    """What `script` says under the name `told`, with the exports of `module` in `it`."""
    with chromium.Site(bundled(module) + script) as site, chromium.Browser(tmp_path, f"http://127.0.0.1:{site.port}/"):
        return site.heard("told")


LINES = [
    ("which", {"method": "which"}),
    ("  which  ", {"method": "which"}),
    ("log_level 4 22287", {"method": "log_level", "params": ["4", "22287"]}),
    ("log_level level=4 pid=22287", {"method": "log_level", "params": {"level": "4", "pid": "22287"}}),
    ('say "two words" \'one "more"\' "a\\"b\\\\c"', {"method": "say", "params": ["two words", 'one "more"', 'a"b\\c']}),
    ('say text="two words" list=[1, "]", {"a": null}]',
     {"method": "say", "params": {"text": "two words", "list": [1, "]", {"a": None}]}}),
    ('say {"a": [1, 2]} "[no JSON" "name=value"', {"method": "say", "params": [{"a": [1, 2]}, "[no JSON", "name=value"]}),
    ("get_statistics httpd: core:", {"method": "get_statistics", "params": {"statistics": ["httpd:", "core:"]}}),
    ('statistics:get ["requests", "httpd:"] all',
     {"method": "statistics:get", "params": {"statistics": ["requests", "httpd:", "all"]}}),
    ("reset_statistics statistics=[\"requests\"]", {"method": "reset_statistics", "params": {"statistics": ["requests"]}}),
    ("reset_all_statistics", {"method": "reset_all_statistics"}),
    ("", "There is no command on the line."),
    ("[1]", "The line begins with the command's name."),
    ("say a b=c", "Parameters go either all by name (name=value) or all by their order."),
    ('say "open', 'The quote is not closed: "open'),
    ("say [1, 2", "The JSON is not closed: [1, 2"),
    ("say [1 2]", "This is no JSON: [1 2]. A word that begins with [ goes into quotes."),
    ('say "a"b', "A space is missing before b"),
]


def test_command_lines(tmp_path):
    lines = json.dumps([line for line, _ in LINES])
    found = told(tmp_path, "words.js", f"""
say('told', {lines}.map((line) => {{ try {{ return it.parse(line); }} catch (error) {{ return error.message; }} }}));""")
    for (line, expected), got in zip(LINES, found, strict=True):
        assert got == expected, line


@pytest.mark.parametrize("added, rows", [
    ([[[1, 10], [2, 20]], [[3, 30]]], [[1, 10], [2, 20], [3, 30]]),
    # What is known comes again after a reconnect.
    ([[[1, 10], [2, 20]], [[2, 20], [3, 30]]], [[1, 10], [2, 20], [3, 30]]),
    ([[[3, 30]], [[1, 10], [2, 20], [3, 30]]], [[1, 10], [2, 20], [3, 30]]),
    # The server was away for a while.
    ([[[1, 10]], [[9, 90]]], [[1, 10], [2, None], [9, 90]]),
    ([[[1, 10], [2, 20]], [[301.5, 30]]], [[2, 20], [3, None], [301.5, 30]]),
    # Its clock was set back.
    ([[[5000, 10]], [[100, 20], [101, 30]]], [[100, 20], [101, 30]]),
    ([[[1, 10]], []], [[1, 10]]),
    ([], []),
])
def test_samples_merge_by_their_times(tmp_path, added, rows):
    assert told(tmp_path, "samples.js", f"""
const samples = it.makeSamples(1);
for (const more of {json.dumps(added)}) samples.add(more);
say('told', samples.rows());""") == rows


def test_numbers(tmp_path):
    scaled = [[0, "B"], [999, "B"], [1000, "B"], [1234567, "B/s"], [99960, ""], [999999, "B"], [2.5e18, "B"]]
    grouped = ["0", "9999", "10000", "1234567", "12.5", "none"]
    assert told(tmp_path, "numbers.js", f"""
say('told', [{scaled}.map((pair) => it.scaled(...pair).join(' ')), {grouped}.map(it.grouped)]);""") == [
        ["0 B", "999 B", "1.00 kB", "1.23 MB/s", "100 k", "1.00 MB", "2500 PB"],
        ["0", "9999", "10\u202f000", "1\u202f234\u202f567", "12.5", "none"]]


def test_a_tree_is_built_as_it_is_opened(tmp_path):
    found = told(tmp_path, "tree.js", """
const long = Array.from({length: 250}, (_, i) => i);
const markup = '<b>"x"</b>';
document.body.append(it.tree('reply', {long, markup, yes: true, none: null, empty: {}}));
const count = () => document.querySelectorAll('details details li').length;
const heard = [count(), [...document.querySelectorAll('.value')].map((value) => `${value.className} ${value.textContent}`)];
const inner = document.querySelector('details details');
inner.addEventListener('toggle', () => {
  const more = () => inner.querySelector('.more button');
  heard.push(count(), more().textContent);
  more().click();
  heard.push(count(), more().textContent);
  more().focus();
  more().click();
  heard.push(count(), more(), inner.contains(document.activeElement));
  say('told', heard);
});
inner.open = true;""")
    assert found == [0, ['value string "<b>\\"x\\"</b>"', "value boolean true", "value null null"],
                     101, "Show 100 more of 250", 201, "Show 50 more of 250", 250, None, True]
