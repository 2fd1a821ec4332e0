# The documents tell the truth: parameters, MI commands, statistics, refusals and links, and the checks see lies.
# SPDX-License-Identifier: GPL-2.0-or-later
import re
import sys
from pathlib import Path

import house_rules
import pytest
from guides import entries, section

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))

from documents import entries, section  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
ADMIN = (ROOT / "docs" / "ADMIN.md").read_text(encoding="utf-8")

# Module -> the files that make its list of parameters.
PARAMETER_FILES = {
    "httpd": ["src/server/parameters.cpp", "src/server/access_log/log_settings.cpp",
              "src/server/compression/compression_settings.cpp"],
    "mi_http": sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "src/handlers/mi_http").glob("*.cpp")),
    "prometheus": ["src/handlers/prometheus/prometheus.cpp"],
    "console": ["src/handlers/console/console_module.cpp"],
    "mi_fifo": sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "src/handlers/mi_fifo").glob("*.cpp")),
}
MI_FILES = [*sorted((ROOT / "src/daemon/mi").glob("*.cpp")), ROOT / "src/daemon/httpd_module.cpp"]

FENCE = re.compile(r"^```.*?^```[ \t]*$", re.M | re.S)
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(\s*<?([^()<>\s]+)>?(?:\s+\"[^\"]*\")?\s*\)")


def sources(paths):
    return "\n".join((ROOT / path).read_text(encoding="utf-8") for path in paths)


def parameters_in_source(text):
    """The names that the functions which make a Parameter are called with."""
    makers = {"integer_parameter", "string_parameter"} | set(re.findall(r"^Parameter (\w+)\(", text, re.M))
    return set(re.findall(rf"\b(?:{'|'.join(sorted(makers))})\(\s*\"(\w+)\"", text))


def compare(what, there, documented):
    return ([f"{what} {name} is not documented" for name in sorted(there - documented)]
            + [f"{what} {name} is documented, but does not exist" for name in sorted(documented - there)])


def parameter_problems(module, source, text):
    described = entries(section(text, f"Parameters of {module}"))
    problems = compare(f"parameter of {module}", parameters_in_source(source), set(described))
    for name, (kind, body) in described.items():
        if kind not in ("(integer)", "(string)", "(integer or string)"):
            problems.append(f"parameter {name} of {module}: no type in the heading")
        if not re.search(r"^Default: (none|`.+?`)\.", body, re.M):
            problems.append(f"parameter {name} of {module}: no line that begins with Default:")
        wanted = "Allowed: .+" if kind == "(string)" else r"Range: -?\d+ to \d+\b"
        if not re.search(rf"^Default: .*?\. {wanted}", body, re.M):
            problems.append(f"parameter {name} of {module}: no {wanted.split(':')[0]}: behind its default")
        if f'modparam("{module}", "{name}", ' not in body:
            problems.append(f"parameter {name} of {module}: no example modparam line")
    return problems


def commands_in_source(text):
    """Name -> alias of each MI command that is added."""
    core = {name: f"core:{name}" for name in re.findall(r"\bcore_command\(\s*\"(\w+)\"", text)}
    return core | dict(re.findall(r"\badd\(\s*\{\s*\"(\w+)\",\s*\{\s*\"([\w:]+)\"\s*\}", text))


def command_problems(source, text):
    commands = commands_in_source(source)
    described = entries(section(text, "MI commands"))
    problems = compare("MI command", set(commands), set(described))
    for name in commands.keys() & described.keys():
        body = described[name][1]
        if f"Alias: `{commands[name]}`." not in body:
            problems.append(f"MI command {name}: its alias {commands[name]} is not told")
        if f"$ mi '\"method\":\"{name}\"" not in body or '{"jsonrpc":"2.0",' not in body:
            problems.append(f"MI command {name}: no example with its output")
    return problems


def rows(text):
    """The cells of each table row, without their backquotes."""
    return [tuple(cell.strip().strip("`") for cell in line.strip().strip("|").split("|"))
            for line in text.splitlines() if line.startswith("|")]


def effects_in_source(text):
    """Parameter -> "live" or "restart", from the rows of src/server/setting_changes.cpp."""
    found = {}
    for kind, name in re.findall(r"^ +(?:unseen\()?(\w+)(?:<[^\"\n]*>)?\(\"(\w+)\"\)+,$", text, re.M):
        found[name] = "restart" if kind in ("restart", "log_target") else "live"
    if re.search(r"^ +port\(\),$", text, re.M):
        found["port"] = "restart"
    return found


def effect_problems(source, text):
    tables = {cells[0]: set(re.findall(r"\w+", cells[1])) for cells in rows(text) if cells[0] in ("live", "restart")}
    documented = {f"{name} ({effect})" for effect, names in tables.items() for name in names}
    return compare("effect of parameter", {f"{name} ({effect})" for name, effect in effects_in_source(source).items()},
                   documented)


def refusals_in_source(text):
    """(status, sentence, parameter, name) of each row; the first one, which stands for none, has no sentence."""
    return re.findall(r"\{Refusal::\w+,\s*\{(\d+),\s*\"([^\"]+)\",\s*\"(\w*)\",\s*\"(\w+)\"\}\}", text)


def refusal_problems(source, text):
    documented = {(cells[0], cells[2], cells[4], cells[1])
                  for cells in rows(section(text, "Refusals")) if len(cells) == 5}
    documented = {row for row in documented if row[0].isdigit()}
    return compare("refusal", {" ".join(row).strip() for row in refusals_in_source(source)},
                   {" ".join(row).strip() for row in documented})


def statistic_problems(source, text):
    there = {f"httpd:{name}" for name in re.findall(r"\{\"(\w+)\", (?:true|false)\}", source)}
    # Names that are made of others are told with a word in capitals for each of these.
    documented = {cells[0] for cells in rows(section(text, "Statistics")) if re.fullmatch("httpd:[a-z0-9_]+", cells[0])}
    return compare("statistic", there, documented)


def anchors(text):
    """The fragments that GitHub gives the headings of `text`."""
    found = set()
    for heading in re.findall(r"^#{1,6}[ \t]+(.+?)[ \t]*$", FENCE.sub("", text), re.M):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = 0
        while (name := f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(name)
    return found


COMMAND = re.compile(r"`(?:make [a-z]|[^`]*(?:/usr/bin/python3|ctest|opensips-httpd|curl|gnutls-cli|testssl\.sh|openssl) )")
FIGURE = re.compile(r"\| [≤≥]? ?\d+(?:[.,]\d+)*(?: (?:µs|ms|s|KiB|MiB|kB|MB|%|×|of \d+|\().*?)? \|")


def figure_problems(page, text):
    """Tables with cells that are figures, which neither their section nor one above it names a command for."""
    found, path = [], []
    for part in re.split(r"^(?=#{1,6} )", FENCE.sub(lambda block: block[0].replace("\n", " "), text), flags=re.M):
        heading = re.match(r"(#{1,6}) (.*)", part)
        level = len(heading[1]) if heading else 0
        path = [above for above in path if above[0] < level] + [(level, part)]
        # What stands between backquotes is a name or a message, and no figure.
        cells = [re.sub(r"`[^`]*`", "", line) for line in part.splitlines() if line.startswith("|")]
        if any(FIGURE.search(line) for line in cells) and not any(COMMAND.search(above) for _, above in path):
            found.append(f"{page}: {heading[2] if heading else 'top'}: no command is named that made these figures")
    return found


def link_problems(root):
    problems = []
    for path in house_rules.tracked_files(root):
        if path.suffix != ".md":
            continue
        text = (root / path).read_text(encoding="utf-8")
        for target in LINK.findall(re.sub(r"`[^`\n]*`", "", FENCE.sub("", text))):
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            file, _, fragment = target.partition("#")
            aim = (root / path.parent / file).resolve() if file else root / path
            if not aim.exists() or root.resolve() not in (aim.resolve(), *aim.resolve().parents):
                problems.append(f"{path}: the link {target} points nowhere")
            elif fragment and aim.suffix == ".md" and fragment not in anchors(aim.read_text(encoding="utf-8")):
                problems.append(f"{path}: the link {target} names no heading of its page")
    return problems


@pytest.mark.parametrize("module", PARAMETER_FILES)
def test_parameters_are_documented(module):
    source = sources(PARAMETER_FILES[module])
    assert parameters_in_source(source), "no parameters found: this test reads the source wrongly"
    assert parameter_problems(module, source, ADMIN) == []


def test_mi_commands_are_documented():
    source = sources(MI_FILES)
    assert source.count(".add(") == len(commands_in_source(source)), "commands that this test does not see"
    assert command_problems(source, ADMIN) == []


def test_what_a_reload_changes_is_documented():
    source = sources(["src/server/setting_changes.cpp"])
    assert set(effects_in_source(source)) == parameters_in_source(sources(PARAMETER_FILES["httpd"]))
    assert effect_problems(source, section(ADMIN, "The daemon")) == []


def test_a_false_effect_is_reported():
    source = '    restart<&S::ip>("ip"),\n    unseen(live<&S::a, &A::b>("b")),\n'
    table = "| live | `b` |\n| restart | `ip` |\n"
    assert effect_problems(source, table) == []
    assert len(effect_problems(source, table.replace("`b`", "`b`, `c`"))) == 1
    assert len(effect_problems(source, table.replace("| `ip` |", "| |") + "| live | `b`, `ip` |\n")) == 2


def test_refusals_are_documented():
    source = sources(["src/http/refusal.cpp"])
    assert source.count("Row{Refusal::") == len(refusals_in_source(source)) + 1, "rows that this test does not see"
    assert refusal_problems(source, ADMIN) == []


def test_statistics_are_documented():
    assert statistic_problems(sources(["src/server/statistics.cpp"]), ADMIN) == []


@pytest.mark.parametrize("page", ["RELIABILITY", "BENCHMARKS", "SCALE", "OPENSIPS"])
def test_figures_name_the_command_that_made_them(page):
    assert figure_problems(page, (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")) == []


def test_figures_without_a_command_are_reported():
    text = "# Page\n\n## Part\n\nBy `make load`:\n\n### Inner\n\n| a | 3 ms |\n\n## Other\n\n| b | no figure |\n"
    assert figure_problems("p", text) == []
    assert len(figure_problems("p", text.replace("`make load`", "make load"))) == 1
    assert len(figure_problems("p", text.replace("no figure", "4 KiB"))) == 1


def test_links_lead_somewhere():
    assert link_problems(ROOT) == []


SOURCE = 'Parameter size(std::string name) {}\nreturn {size("a_size", 1), string_parameter(\n  "b", [] {})};'
GOOD = ('## Parameters of m\n#### `a_size` (integer)\n\nDefault: `1`. Range: 1 to 2.\n\nmodparam("m", "a_size", 1)\n'
        '#### `b` (string)\n\nDefault: `""`. Allowed: a text.\n\nmodparam("m", "b", "x")\n## Next\n#### `c`\n')


def test_true_parameters_are_no_problem():
    assert parameter_problems("m", SOURCE, GOOD) == []


@pytest.mark.parametrize(("text", "expected"), [
    (GOOD.replace("#### `b`", "`b`"), "parameter of m b is not documented"),
    (GOOD.replace("## Next", "#### `d` (string)\n\nDefault: none. Allowed: a text.\nmodparam(\"m\", \"d\", 1)\n## Next"),
     "parameter of m d is documented, but does not exist"),
    (GOOD.replace("(integer)", ""), "parameter a_size of m: no type"),
    (GOOD.replace("Default: `1`", "Default: `1`!"), "parameter a_size of m: no line"),
    (GOOD.replace('modparam("m", "b"', 'modparam("n", "b"'), "parameter b of m: no example"),
    (GOOD.replace(" Range: 1 to 2.", ""), "parameter a_size of m: no Range"),
    (GOOD.replace(" Allowed: a text.", ""), "parameter b of m: no Allowed"),
])
def test_false_parameters_are_reported(text, expected):
    (found,) = parameter_problems("m", SOURCE, text)
    assert found.startswith(expected)


COMMANDS = 'registry.add(core_command(\n "ps", "…"));\nmi.add({"get",\n {"x:get"},\n "x"});'
GOOD_COMMANDS = ('## MI commands\n#### `ps`\nAlias: `core:ps`.\n$ mi \'"method":"ps"\'\n{"jsonrpc":"2.0",}\n'
                 '#### `get`\nAlias: `x:get`.\n$ mi \'"method":"get","params":[]\'\n{"jsonrpc":"2.0",}\n')


def test_true_commands_are_no_problem():
    assert command_problems(COMMANDS, GOOD_COMMANDS) == []


@pytest.mark.parametrize(("text", "expected"), [
    (GOOD_COMMANDS.replace("#### `ps`", ""), "MI command ps is not documented"),
    (GOOD_COMMANDS + "#### `old`\n", "MI command old is documented, but does not exist"),
    (GOOD_COMMANDS.replace("`x:get`", "`x:gets`"), "MI command get: its alias x:get is not told"),
    (GOOD_COMMANDS.replace("$ mi '\"method\":\"ps\"", ""), "MI command ps: no example"),
])
def test_false_commands_are_reported(text, expected):
    (found,) = command_problems(COMMANDS, text)
    assert found.startswith(expected)


def test_a_false_refusal_is_reported():
    source = 'Row{Refusal::kA, {413, "Too large", "limit", "a"}},'
    row = "## Refusals\n| 413 | `a` | Too large | | `limit` |\n"
    assert refusal_problems(source, row) == []
    assert len(refusal_problems(source, row.replace("413", "414"))) == 2
    assert len(refusal_problems(source, row.replace("limit", "other"))) == 2
    assert len(refusal_problems(source, row.replace("`a`", "`b`"))) == 2


def test_a_false_statistic_is_reported():
    source = '{"requests", true},'
    assert statistic_problems(source, "## Statistics\n| `httpd:requests` | x |\n") == []
    assert len(statistic_problems(source, "## Statistics\n| `httpd:replies` | x |\n")) == 2


@pytest.mark.parametrize(("link", "good"), [
    ("b.md", True), ("b.md#the-c-api-1", True), ("#top", True), ("https://example.org/c", True), ("sub/", True),
    ("c.md", False), ("b.md#the-c-api-2", False), ("#bottom", False), ("../outside.md", False), ("/b.md", False),
])
def test_links(tmp_path, link, good):
    root = tmp_path / "tree"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "x").touch()
    (tmp_path / "outside.md").touch()
    (root / "a.md").write_text(f"# Top\n\nSee [`this` page]({link}).\n\n```\n[no link](nowhere)\n```\n")
    (root / "b.md").write_text("# The C API\n\n## The C++ API\n")
    problems = link_problems(root)
    assert (problems == []) is good, problems
