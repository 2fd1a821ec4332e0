# The console's scripts by themselves, in a real browser: command lines, samples, numbers and trees.
# SPDX-License-Identifier: GPL-2.0-or-later
import json
import re
import subprocess

import chromium
import daemon
import page
import pytest

DYGRAPHS = "/usr/share/javascript/dygraphs/src/dygraph.js"
PAGE = daemon.ROOT / "src" / "handlers" / "console" / "page"

pytestmark = chromium.installed


def bundled(module):
    """The module as a script that leaves its exports in the variable `it`."""
    return subprocess.run(["esbuild", str(PAGE / module), "--bundle", "--format=iife", "--global-name=it", "--charset=utf8",
                           f"--alias:dygraphs={DYGRAPHS}", '--define:process.env.NODE_ENV="production"', "--log-level=warning"], check=True, capture_output=True, text=True, timeout=30).stdout


def told(browser, module, script, before=""):
    """What `script` says under the name `told`, with the exports of `module` in `it`. `before` runs before the module."""
    with chromium.Site(before + bundled(module) + script) as site:
        browser.open(f"http://127.0.0.1:{site.port}/")
        return site.heard("told")


@pytest.fixture(scope="module")
def browser():
    with page.Browser() as started:
        yield started


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
    ("get_statistics statistics=requests", {"method": "get_statistics", "params": {"statistics": ["requests"]}}),
    ('get_statistics statistics="requests httpd:"',
     {"method": "get_statistics", "params": {"statistics": ["requests", "httpd:"]}}),
    ("raise_event E_X", {"method": "raise_event", "params": ["E_X"]}),
    ("raise_event E_X 1 two", {"method": "raise_event", "params": ["E_X", ["1", "two"]]}),
    ('evi:raise E_X {"a": 1}', {"method": "evi:raise", "params": ["E_X", {"a": 1}]}),
    ("dlg_push_var name value 1:2 3:4", {"method": "dlg_push_var", "params": ["name", "value", ["1:2", "3:4"]]}),
    ("say a= uri=sip:a@b;x=y", {"method": "say", "params": {"a": "", "uri": "sip:a@b;x=y"}}),
    ('say 18446744073709551615 ["18446744073709551615", 1.0]',
     {"method": "say", "params": ["18446744073709551615", ["18446744073709551615", 1]]}),
    ("", "There is no command on the line."),
    ("[1]", "The line begins with the command's name."),
    ("say a b=c", "Parameters go either all by name (name=value) or all by their order."),
    ('say "open', 'The quote is not closed: "open'),
    ("say [1, 2", "The JSON is not closed: [1, 2"),
    ("say [1 2]", "This is no JSON: [1 2]. A word that begins with [ goes into quotes."),
    ("say a=b a=c", "a is there twice."),
    ('say {"a": [18446744073709551615]}',
     "A browser cannot send all digits of the number 18446744073709551615. As a string, in quotes, it can."),
    ('say "a"b', "A space is missing before b"),
]


def test_command_lines(browser):
    lines = json.dumps([line for line, _ in LINES])
    found = told(browser, "words.js", f"""
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
    ([[[5000, 10], [5001, 20]], [[4901, 30]]], [[4899, 10], [4900, 20], [4901, 30]]),
    ([[[5000, 10], [5001, 20]], [[4900, 20], [4901, 30]]], [[4900, 20], [4901, 30]]),
    ([[[160, 10], [161, 20]], [[102, 30]], [[103, 40]]], [[100, 10], [101, 20], [102, 30], [103, 40]]),
    # Another process goes on, whose seconds end at other moments.
    ([[[1, 10], [2, 20]], [[1.4, 30]], [[2.4, 40]]], [[1, 10], [1.4, 30], [2, 20], [2.4, 40]]),
    ([[[1, 10]], []], [[1, 10]]),
    ([], []),
])
def test_samples_merge_by_their_times(browser, added, rows):
    assert told(browser, "samples.js", f"""
const samples = it.makeSamples(1);
for (const more of {json.dumps(added)}) samples.add(more);
say('told', samples.rows());""") == rows


def test_numbers(browser):
    scaled = [[0, "B"], [999, "B"], [1000, "B"], [1234567, "B/s"], [99960, ""], [999999, "B"], [2.5e18, "B"]]
    grouped = ["0", "9999", "10000", "1234567", "12.5", "none"]
    assert told(browser, "numbers.js", f"""
say('told', [{scaled}.map((pair) => it.scaled(...pair).join(' ')), {grouped}.map(it.grouped)]);""") == [
        ["0 B", "999 B", "1.00 kB", "1.23 MB/s", "100 k", "1.00 MB", "2500 PB"],
        ["0", "9999", "10\u202f000", "1\u202f234\u202f567", "12.5", "none"]]


def test_a_tree_is_built_as_it_is_opened(browser):
    found = told(browser, "tree.js", """
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


# What the page has for the command box, and an MI that answers what the test says.
BOX = """
document.body.innerHTML = `<section id="mi"><form id="command"><input id="line"><datalist id="commands"></datalist>
<button type="submit">Run</button><button type="button" id="abandon" hidden>Abandon</button></form><div id="help"></div>
<div id="recent"><ul></ul></div><p id="outcome"></p><div id="reply"></div></section>`;
const $ = (id) => document.getElementById(id);
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const answers = { which: '["core:ps"]', help: '{"Help": "lists processes"}' };
const asked = [];
const network = window.fetch;
window.fetch = async (url, options) => {
  if (url !== 'mi') return network(url, options);
  const { method, params } = JSON.parse(options.body);
  asked.push(params?.mi_cmd ? `${method} ${params.mi_cmd}` : method);
  await new Promise((resolve, reject) => {
    options.signal?.addEventListener('abort', () => reject(new DOMException('', 'AbortError')));
    if (method === 'slow') setTimeout(resolve, 300);
    else if (method !== 'never') resolve();
  });
  if (method === 'refused') return new Response(JSON.stringify({ error: { status: 403, message: params[0] } }), { status: 403 });
  return new Response(`{"jsonrpc": "2.0", "id": 1, "result": ${answers[method] ?? null}}`);
};
const until = async (condition) => { while (!condition()) await pause(10); };
const box = it.makeCommandBox('mi', () => []);
function run(line) { $('line').value = line; $('command').requestSubmit(); }
"""


def test_what_is_wrong_with_a_line_is_said_while_another_one_runs(browser):
    assert told(browser, "command.js", BOX + """
(async () => {
  run('slow');
  run('say "open');
  await pause(50);
  const heard = [$('outcome').textContent];
  await until(() => $('abandon').hidden);
  say('told', [...heard, $('outcome').textContent.replace(/\\d+/, 'N')]);
})();""") == ['The quote is not closed: "open', "slow answered in N ms."]


def test_the_focus_is_somewhere_after_a_command(browser):
    assert told(browser, "command.js", BOX + """
(async () => {
  run('slow');
  $('abandon').focus();
  const before = document.activeElement.id;
  await until(() => $('abandon').hidden);
  say('told', [before, document.activeElement.id]);
})();""") == ["abandon", "line"]


def test_names_that_which_does_not_list_have_help(browser):
    """OpenSIPS 4 lists core:ps alone, and knows ps."""
    assert told(browser, "command.js", BOX + """
(async () => {
  box.put('ps');
  await pause(400);
  const heard = [$('help').textContent];
  box.put('ps ');
  await until(() => $('help').textContent !== '');
  say('told', [...heard, $('help').textContent, asked]);
})();""") == ["", "lists processes", ["which", "help ps"]]


def test_a_reply_is_shown_as_it_was_written(browser):
    reply = r"""{"u": 18446744073709551615, "f": 0.1, "one": 1.0, "e": 1e400, "same": 1, "same": [], "10": "a\"b,]\\",
 "2": [true, null, {}, "\u00fc"], "__proto__": -9223372036854775808}"""
    assert told(browser, "command.js", BOX + f"""
(async () => {{
  answers.odd = {json.dumps(reply)};
  run('odd');
  await until(() => !$('reply').hidden && $('reply').firstChild);
  const list = $('reply').querySelector('details > ul');
  const inner = list.querySelector('details');
  inner.open = true;
  await until(() => inner.querySelector('li'));
  say('told', [...list.querySelectorAll('li')].filter((item) => !item.querySelector('li'))
    .map((item) => [...item.childNodes].map((node) => node.textContent).join(' ')));
}})();""") == [
        "u 18446744073709551615", "f 0.1", "one 1.0", "e 1e400", "same 1", "same [0 elements]", r'10 "a\"b,]\\"',
        "0 true", "1 null", "2 {0 members}", '3 "ü"', "__proto__ -9223372036854775808"]


def test_whose_access_is_missing(browser):
    """A proxy that changes Host makes the page a foreign one, which is no matter of the client's address."""
    found = told(browser, "command.js", BOX + """
(async () => {
  const heard = [];
  for (const why of ['Pages of this origin have no access', 'No access']) {
    run(`refused "${why}"`);
    await until(() => $('abandon').hidden);
    heard.push($('outcome').textContent);
  }
  say('told', heard);
})();""")
    assert "another site" in found[0] and "cors_origins" in found[0] and "Host" in found[0]
    assert found[1].startswith("This client has no access to MI (403).")


# The whole page without a server: a stream of events that the test writes.
STREAM = """
let stream;
window.EventSource = class {
  static CLOSED = 2;
  heard = {};
  constructor() { stream = this; }
  addEventListener(name, listener) { this.heard[name] = listener; }
  close() {}
};
const tell = (name, data) => stream.heard[name]({ data: JSON.stringify(data) });
const drawn = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
const sample = (t, p99 = 3) => [t, t % 1000, 0, 0, 1, 2, p99];
"""


def test_streams_are_no_requests_in_progress():
    """The table has them all the same: it is what the MI command tells."""
    text = (PAGE / "index.html").read_text(encoding="utf-8")
    section = text[text.index('id="t-requests"'):text.index('data-table="requests"')]
    assert "httpd:" not in section and "<code>httpd_requests</code>" in section and "queued" in section


def test_plots_say_whose_times_theirs_are():
    captions = re.findall("<figcaption>.*?</figcaption>", (PAGE / "index.html").read_text(encoding="utf-8"), re.DOTALL)
    assert len(captions) == 2
    assert all("times are UTC" in caption for caption in captions)


def told_by_page(browser, script):
    text = (PAGE / "index.html").read_text(encoding="utf-8").replace("{{mi}}", "mi")
    body = text[text.index("<body"):text.index("</body>")]
    return told(browser, "main.js", "(async () => {" + script + "})();", before=f"""
document.body.dataset.mi = 'mi';
document.body.innerHTML = {json.dumps(body).replace("</", "<" + chr(92) + "/")};""" + STREAM)


def test_statistics_are_completed_as_get_statistics_finds_them(browser):
    """OpenSIPS looks single ones up without their group."""
    found = told_by_page(browser, """
tell('state', { numbers: { time: 'now', 'httpd:accept_failures': '0', 'httpd:requests': '1', 'httpd:requests/s': '1.0' } });
const line = document.getElementById('line');
line.value = 'get_statistics ';
line.dispatchEvent(new Event('input'));
say('told', [...document.querySelectorAll('#commands option')].map((option) => option.value.split(' ')[1]));""")
    assert {"httpd:", "accept_failures", "requests", "open_connections"} <= set(found)
    assert [name for name in found if name == "time" or "/" in name or name.startswith("httpd:")] == ["httpd:"]


def test_a_plot_that_has_the_focus_speaks_when_asked(browser):
    assert told_by_page(browser, """
const plot = document.querySelector('#plot-requests .plot');
const said = () => [plot.ariaValueNow, plot.ariaValueText.replace(/.*: /, '')];
const press = (key) => plot.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
tell('samples', Array.from({ length: 300 }, (_, i) => sample(5001 + i)));
await drawn();
const heard = [said()];
plot.focus();
tell('samples', [sample(5301)]);
await drawn();
heard.push(said());
press('ArrowLeft');
heard.push(said());
tell('samples', [sample(5302)]);
await drawn();
heard.push(said());
press('Escape');
heard.push(said());
say('told', heard.map(([now, text]) => `${now} ${text.split(',')[0]}`));""") == [
        "5300 requests 300/s", "5300 requests 300/s", "5300 requests 300/s", "5300 requests 300/s", "5302 requests 302/s"]


def test_what_took_longer_than_the_last_step(browser):
    assert told_by_page(browser, """
tell('samples', [sample(5001, 60000)]);
await drawn();
say('told', [...document.querySelectorAll('#plot-latency li b')].map((value) => value.textContent));""") == [
        "1.00 ms", "2.00 ms", "> 60000 ms"]


def test_what_was_shown_before_a_long_sleep_is_not_live(browser):
    assert told_by_page(browser, """
let hidden = false;
let asleep = 0;
const now = Date.now;
Object.defineProperty(document, 'hidden', { get: () => hidden });
Date.now = () => now() + asleep;
const heard = [];
const see = (seen) => {
  const before = stream;
  hidden = !seen;
  document.dispatchEvent(new Event('visibilitychange'));
  heard.push(`${document.getElementById('state').dataset.state} ${stream === before}`);
};
tell('hello', { build: 'x' });
see(false);
see(true);
see(false);
asleep = 3600 * 1000;
see(true);
tell('hello', { build: 'x' });
say('told', [...heard, document.getElementById('state').dataset.state]);""") == [
        "live true", "live true", "live true", "waiting false", "live"]


def test_a_long_text_with_many_escapes_is_read(browser):
    assert told(browser, "json.js", """
const text = '\\"\\\\'.repeat(2e6);
const found = it.read(JSON.stringify({ text, '\\\\': '"' }));
say('told', [found.entries[0][1] === text, found.entries[1]]);""") == [True, ["\\", '"']]
