# What DEVELOPER.md shows: its code is that of modules which are built and asked, and its steps are taken one by one.
# SPDX-License-Identifier: GPL-2.0-or-later
import dataclasses
import re
import textwrap
from pathlib import Path

import daemon
import pytest
from claims import claims, of_language
from eventsource import EventSource
from sandbox import Documented, Sandbox, transcript

GUIDE = "docs/DEVELOPER.md"
MODULES = sorted((Path(__file__).parent / "guide").glob("guide_*.c*"))
SOURCES = [*MODULES, *sorted((daemon.ROOT / "examples").glob("*.c*"))]


# --- a handler in ten minutes ---

STEPS = [f"{GUIDE}#a-handler-in-ten-minutes{number}" for number in ("", *(f":{number}" for number in range(2, 7)))]
COPY, BUILD, CONFIGURATION, CHECK, RUN, ASK = STEPS


@pytest.fixture(scope="module")
def newcomer(folder):
    """Somebody with a clone of this repository, who has only what the guide gives."""
    clone = folder / "clone"
    clone.mkdir()
    for name in ("examples", "include"):
        (clone / name).symlink_to(daemon.ROOT / name)
    program = clone / "build" / "release" / "bin" / "opensips-httpd"
    program.parent.mkdir(parents=True)
    program.symlink_to(daemon.BINARY)
    box = Sandbox(folder)
    del box.places["build/release/bin/opensips-httpd"]
    box.stub("make")
    box.prelude = f"cd {clone}\n"
    return box


@claims(COPY)
def test_step_1(newcomer, block):
    newcomer.run(block)
    assert newcomer.calls() == ["make build"]
    newcomer.prelude = f"export HTTPD={newcomer.folder}/clone\ncd {newcomer.folder}/greeting\n"


@claims(BUILD)
def test_step_2(newcomer, block):
    assert newcomer.run(block) == "", "a compiler that warns"


@claims(CONFIGURATION)
def test_step_3(newcomer, block):
    (newcomer.folder / "greeting" / "greeting.cfg").write_text(newcomer.here(block.text))


@claims(CHECK)
def test_step_3_is_checked(newcomer, block):
    newcomer.compare(block)


@pytest.fixture
def greeting(newcomer):
    text = (newcomer.folder / "greeting" / "greeting.cfg").read_text()
    with Documented(newcomer.folder / "greeting", text, "greeting.cfg") as server:
        yield server


@claims(RUN)
def test_step_4(newcomer, greeting, block):
    ((command, expected),) = transcript(block.text)
    assert command == '"$HTTPD/build/release/bin/opensips-httpd" -f greeting.cfg'
    newcomer.compare_log(dataclasses.replace(block, text=expected), greeting.log())


@claims(ASK)
def test_step_4_in_another_terminal(newcomer, greeting, block):
    newcomer.compare(block)


@claims(f"{GUIDE}#testing-a-handler")
def test_a_test_of_a_handler(newcomer, block):
    newcomer.run(block)
    assert newcomer.bash(newcomer.here(block.text.replace("Good morning", "Good evening"))).returncode != 0


@claims(f"{GUIDE}#debugging-a-handler:2")
def test_a_handler_under_sanitizers(newcomer, block):
    assert newcomer.run(block) == "config file ok, exiting...\n"


# --- code ---


def stands_in(text, source):
    """Whether these lines are lines of the source, at whatever depth."""
    lines = textwrap.dedent(text).strip("\n").splitlines()
    there = source.splitlines()
    for begin in range(len(there) - len(lines) + 1):
        part = there[begin:begin + len(lines)]
        depth = len(part[0]) - len(part[0].lstrip()) - (len(lines[0]) - len(lines[0].lstrip()))
        if depth >= 0 and part == [" " * depth + line if line else "" for line in lines]:
            return True
    return False


@claims(*of_language("c", "cpp"))
def test_code_is_that_of_a_module_which_is_built(block):
    found = [source.name for source in SOURCES if stands_in(block.text, source.read_text(encoding="utf-8"))]
    assert found, f"{block.page}:{block.line}: no file of tests/docs/guide and examples has these lines"


SOURCE = "int f() {\n  if (a)\n    b();\n\n  c();\n}\n"


@pytest.mark.parametrize("text", ["if (a)\n  b();\n\nc();\n", "  if (a)\n    b();\n", SOURCE])
def test_lines_of_a_source_are_found(text):
    assert stands_in(text, SOURCE)


@pytest.mark.parametrize("text", ["if (a)\nb();\n", "if (b)\n", "if (a)\n  b();\nc();\n", "f() {\n", SOURCE + "}\n"])
def test_other_lines_are_not(text):
    assert not stands_in(text, SOURCE)


@pytest.fixture(scope="module")
def guide(folder):
    modules = {daemon.TEST_MODULES / f"{source.stem}.so": {} for source in MODULES}
    modules[daemon.TEST_MODULES / "guide_parts.so"] = {"directory": folder}
    (folder / "welcome.wav").write_bytes(b"RIFF")
    with daemon.Daemon(folder, {"mi_http.so": {}, **modules}) as server:
        yield server


@pytest.mark.parametrize(("path", "status", "body"), [
    ("/guide?name=Ada", 200, b"name=Ada port=%d processes=1\n"), ("/guide/pieces", 200, b"abc"),
    ("/clock", 200, b'{"clock":"here"}\n'), ("/clock/count", 200, b"3\n2\n1\n0\n"),
    ("/clock/later", 200, b"A second has passed\n"), ("/prompts/welcome.wav", 200, b"RIFF"),
    ("/prompts/nothing.wav", 404, b"No such prompt\n"), ("/slow", 200, b"done\n"), ("/client", 200, b"unknown\n"),
])
def test_the_modules_answer(guide, path, status, body):
    reply = guide.ask("GET", path)
    assert (reply.status, reply.body) == (status, body.replace(b"%d", str(guide.port).encode()))


def test_the_command_of_the_clock(guide):
    assert [guide.mi("clock_zone"), guide.mi("clock_zone", {"hours": 3})] == [0, 3]


def test_an_event(guide):
    with EventSource(guide, "/events") as source:
        assert (source.next(), source.last_id) == (("clock", "12:00"), "17")


# --- the headers ---


def header_problems(headers, text):
    """What the public headers declare, and the table of the guide does not have beside their names."""
    rows = {}
    for cells in (line.split("|") for line in text.splitlines() if line.startswith("| `")):
        for name in re.findall(r"`(\w+\.h)`", cells[1]):
            rows[name] = set(re.findall(r"`(\w+)`", cells[2]))
    problems = []
    for name, source in headers.items():
        declared = set(re.findall(r"^(?:class|struct|enum class) (\w+)(?: final)?(?: :.*)? \{", source, re.M))
        declared |= set(re.findall(r"^using (\w+) =", source, re.M))
        declared |= set(re.findall(r"^#define (HTTPD_MODULE\w*)", source, re.M))
        declared |= set(re.findall(r"^(?:\[\[nodiscard\]\] )?(?:inline|constexpr) [\w:]+ (\w+)\(", source, re.M))
        problems += [f"{name}: {missing} is not in the guide" for missing in sorted(declared - rows.get(name, set()))]
    return problems + [f"{name}: no such header" for name in sorted(rows.keys() - headers.keys())]


def test_all_that_is_public_is_in_the_guide():
    headers = {path.name: path.read_text(encoding="utf-8") for path in (daemon.ROOT / "include" / "httpd").glob("*.h")}
    text = (daemon.ROOT / GUIDE).read_text(encoding="utf-8")
    c = [headers.pop(name) for name in ("httpd_load.h", "httpd_module.h")]
    pairs = header_problems(headers, text.partition("## The headers")[2])
    assert pairs == []
    called = re.search(r"^typedef struct httpd_api \{(.*?)^\}", c[0], re.M | re.S)[1]
    members = re.findall(r"(\w+);", called) + re.findall(r"^  (HTTPD_\w+_TYPE)\b", c[0], re.M)
    assert len(members) > 9 and [name for name in members if name not in text] == []
    assert [name for name in re.findall(r"^  (HTTPD_\w+)", c[1], re.M) if name not in text] == []


@pytest.mark.parametrize(("row", "count"), [("| `a.h` | `A`, `b` | x |", 0), ("| `a.h` | `A` | x |", 1), ("", 2),
                                            ("| `a.h`, `c.h` | `A`, `b` | x |", 1)])
def test_a_declaration_that_is_missing_is_reported(row, count):
    source = "class B;\nclass A final {\n  class C {\n};\n[[nodiscard]] inline int b(int c) {\n"
    assert len(header_problems({"a.h": source}, row)) == count
