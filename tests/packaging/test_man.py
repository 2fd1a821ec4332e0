# The manual pages: every parameter, option, signal and exit code is there, and nothing is wrong with their form.
# SPDX-License-Identifier: GPL-2.0-or-later
import re
import subprocess

import daemon
import pytest
import test_docs
from test_completion import options_of_help

MAN = daemon.ROOT / "packaging" / "man"
DAEMON_PAGE = MAN / "opensips-httpd.8"
GUIDE = daemon.ROOT / "docs" / "ADMIN.md"


def make(guide, folder):
    page = folder / "opensips-httpd.cfg.5"
    with page.open("w") as file:
        subprocess.run([MAN / "make_cfg_page.py", guide, "1.2.3"], stdout=file, timeout=30, check=True)
    return page


def text_of(page):
    """As a terminal shows it, without bold type, in lines long enough for the sentences of the tests."""
    shown = subprocess.run(["mandoc", "-T", "utf8", "-O", "width=500", page], capture_output=True, text=True, check=True,
                           timeout=30).stdout
    return re.sub(r".\x08", "", shown)


@pytest.fixture(scope="module")
def file_page(tmp_path_factory):
    return make(GUIDE, tmp_path_factory.mktemp("man"))


@pytest.fixture(scope="module")
def file_text(file_page):
    return text_of(file_page)


@pytest.fixture(scope="module")
def daemon_text():
    return text_of(DAEMON_PAGE)


def part(text, heading):
    """The lines of a section of a page, as shown."""
    found = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^\S|\Z)", text, re.M | re.S)
    return found[1] if found else ""


@pytest.mark.parametrize("module", sorted(test_docs.PARAMETER_FILES))
def test_every_parameter_is_told(file_text, module):
    names = test_docs.parameters_in_source(test_docs.sources(test_docs.PARAMETER_FILES[module]))
    described = part(file_text, f"PARAMETERS OF {module.upper()}")
    entries = re.split(r"^   (\w+) \(((?:integer|string)[\w ]*)\)$", described, flags=re.M)[1:]
    assert sorted(entries[::3]) == sorted(names)
    for name, body in zip(entries[::3], entries[2::3]):
        assert re.search(r"^ +Default: ", body, re.M), name
        assert f'modparam("{module}", "{name}", ' in body, name


def test_the_statements_of_the_language_are_told(file_text):
    language = part(file_text, "CONFIGURATION LANGUAGE")
    for statement in ("log_level = N", 'mpath = "DIRECTORY"', 'loadmodule "FILE"', 'modparam("MODULE", "NAME", VALUE)'):
        assert re.search(rf"^ +{re.escape(statement)}$", language, re.M), statement


def test_no_markdown_is_left(file_text):
    assert not re.search(r"\]\(|\[`|^ *```|^ *\||^ *#{2,} |\*\*", file_text, re.M)


def test_links_out_of_the_page_name_their_document(file_text):
    assert "httpd_requests (ADMIN.md) tells what runs where" in file_text
    assert "TLS (TLS.md) is the guide" in file_text
    assert "see Behind a proxy" in file_text and "Behind a proxy (ADMIN.md)" not in file_text


def test_a_guide_without_a_section_of_the_page_is_an_error(tmp_path):
    guide = tmp_path / "ADMIN.md"
    guide.write_text(GUIDE.read_text(encoding="utf-8").replace("\n## Compression\n", "\n## Something else\n"))
    done = subprocess.run([MAN / "make_cfg_page.py", guide, "1"], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "no section 'Compression'" in done.stderr


def test_what_the_guide_says_anew_is_in_the_page(tmp_path):
    guide = tmp_path / "ADMIN.md"
    guide.write_text(GUIDE.read_text(encoding="utf-8").replace("The TCP port.", "The *port* of `TCP`, a\\b or .so."))
    assert "The port of TCP, a\\b or .so." in text_of(make(guide, tmp_path)).replace("\\\\", "\\")


def test_a_build_is_reproducible(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert '"1970-01-02" "opensips-httpd 1.2.3"' in make(GUIDE, tmp_path).read_text()


def test_every_option_is_told(daemon_text):
    told = re.findall(r"^ {5}(-{1,2}[\w-]+)(?:, (-{1,2}[\w-]+))?(?: |$)", part(daemon_text, "OPTIONS"), re.M)
    assert sorted(filter(None, sum(told, ()))) == sorted(options_of_help())


def test_every_signal_is_told(daemon_text):
    guide = test_docs.rows(GUIDE.read_text(encoding="utf-8").split("### Signals\n")[1].split("\n### ")[0])
    signals = {name for cells in guide for name in re.findall(r"SIG[A-Z0-9]+", cells[0])}
    assert signals >= {"SIGTERM", "SIGHUP"}
    assert signals == set(re.findall(r"^ {5}(SIG\w+)", part(daemon_text, "SIGNALS").replace(", SIG", "\n     SIG"), re.M))


def test_every_exit_code_is_told(daemon_text):
    guide = test_docs.rows(GUIDE.read_text(encoding="utf-8").split("### Exit codes\n")[1].split("\n### ")[0])
    codes = [cells[0] for cells in guide if cells[0].isdigit()]
    assert codes == re.findall(r"^ {5}(\d+) ", part(daemon_text, "EXIT STATUS"), re.M) != []


@pytest.mark.parametrize("page", ["opensips-httpd(8)", "opensips-httpd.cfg(5)"])
def test_the_form_is_right(file_page, page):
    file = DAEMON_PAGE if page.endswith("(8)") else file_page
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", file], capture_output=True, text=True, timeout=30,
                          check=False)
    assert (done.returncode, done.stdout) == (0, "")
    whatis = subprocess.run(["lexgrog", file], capture_output=True, text=True, timeout=30, check=False)
    assert f'"{page[:-3]} - ' in whatis.stdout
