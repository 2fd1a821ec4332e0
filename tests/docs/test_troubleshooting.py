# docs/TROUBLESHOOTING.md: each entry is provoked for real, and all that it says is seen must be seen. Here those about
# the start and connections; the others are in the files beside this one.
# SPDX-License-Identifier: GPL-2.0-or-later
import re

import pytest
import scenarios_clients  # noqa: F401  each of these registers its scenarios
import scenarios_connect
import scenarios_logs  # noqa: F401
import scenarios_opensips  # noqa: F401
import scenarios_running  # noqa: F401
import scenarios_start
import scenarios_status  # noqa: F401
import symptoms

TEXT = symptoms.PAGE.read_text(encoding="utf-8")
ENTRIES = symptoms.entries(TEXT)


@pytest.mark.parametrize("title", symptoms.titles(scenarios_start, scenarios_connect))
def test_what_is_said_to_be_seen_is_seen(title, tmp_path, shared):
    symptoms.check(title, tmp_path, shared)


def test_every_entry_has_its_parts_and_a_scenario():
    assert {title: list(parts) for title, parts in ENTRIES.items()} == {title: symptoms.PARTS for title in ENTRIES}
    assert set(ENTRIES) == set(symptoms.SCENARIOS)
    assert len(ENTRIES) == len(re.findall("^### ", TEXT, re.M)), "a title stands twice"


def test_parameters_and_commands_that_are_named_exist():
    admin = (symptoms.daemon.ROOT / "docs" / "ADMIN.md").read_text(encoding="utf-8")
    known = set(re.findall(r"^#### `(\w+)`", admin, re.M)) | set(
        re.findall(r"^\| `httpd:(\w+)` \|", admin, re.M)) | set(re.findall(r"\bhttpd_\w+_total\b", admin))
    named = {name for parts in ENTRIES.values() for part in ("Cause", "Make sure", "Remedy")
             for name in symptoms.quoted(parts[part])
             if re.fullmatch(r"(max|min|tls|auth|httpd|receive|post|send|header|body|drain|handler|stuck)_[a-z_]+", name)}
    assert len(named) > 20
    assert named - known == set()


def test_mi_commands_that_are_named_exist(tmp_path):
    with symptoms.daemon.Daemon(tmp_path, {"mi_http.so": {}}) as server:
        known = set(server.mi("which"))
    named = set(re.findall(r"opensips-cli -x mi ([\w:]+)", TEXT)) - {"httpd:"}
    assert len(named) > 6
    assert named <= known


def test_a_lie_is_found():
    text = "cannot listen on http://127.0.0.1:29999: Address already in use"
    assert symptoms.unseen(["cannot listen on http://127.0.0.1:8888: Address …"], text) == []
    assert symptoms.unseen(["cannot listen on http://127.0.0.2:8888: Address …"], text) == [
        "cannot listen on http://127.0.0.2:8888: Address …"]
    assert symptoms.unseen(["404 Not Found"], "403 Not Found") == ["404 Not Found"]
