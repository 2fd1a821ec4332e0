# Completion in a real bash: the options that the program has, and after an option what may stand there.
# SPDX-License-Identifier: GPL-2.0-or-later
import re
import subprocess

import daemon
import pytest

COMPLETION = daemon.ROOT / "packaging" / "completion" / "opensips-httpd"

# As bash itself calls the function that `complete` has named.
SCRIPT = r"""
source /usr/share/bash-completion/bash_completion
source "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE} COMP_TYPE=9 COMP_KEY=9
[[ $(complete -p opensips-httpd) =~ \ -F\ ([^ ]+)\  ]]
"${BASH_REMATCH[1]}" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"""


def options_of_help():
    """Every spelling of every option."""
    text = daemon.run("-h").stdout
    return [option for names in re.findall(r"^  (-[\w-]+(?:,-[\w-]+)*)", text, re.M) for option in names.split(",")]


@pytest.fixture
def complete(tmp_path):
    """What is offered for the last of these words, with two files and a folder at hand."""
    (tmp_path / "httpd.cfg").touch()
    (tmp_path / "other.cfg").touch()
    (tmp_path / "folder").mkdir()

    def completer(*words):
        done = subprocess.run(["bash", "--norc", "-c", SCRIPT, "bash", str(COMPLETION), "opensips-httpd", *words],
                              cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
        assert done.stderr == ""
        return sorted(done.stdout.split())
    return completer


def test_the_options_are_those_of_help(complete):
    assert len(options_of_help()) == len(set(options_of_help())) > 10
    assert complete("-") == complete("") == sorted(options_of_help())


def test_an_option_is_completed(complete):
    assert complete("--ver") == ["--version"]
    assert complete("-D", "--he") == ["--help"]
    assert complete("-x") == []


@pytest.mark.parametrize("option", ["-f", "-P"])
def test_files(complete, option):
    assert complete(option, "") == ["folder", "httpd.cfg", "other.cfg"]
    assert complete(option, "ht") == ["httpd.cfg"]


def test_folders(complete):
    assert complete("-w", "") == ["folder"]


def test_users_and_groups(complete):
    assert "daemon" in complete("-u", "dae")
    assert "nogroup" in complete("-g", "nog")
    assert "nogroup" not in complete("-u", "nog")


def test_sizes(complete):
    sizes = complete("-M", "")
    for size in sizes:
        assert "CRITICAL" not in daemon.run("-M", size, "-V").stderr
    assert {"1", "16", "4096"} <= set(sizes)
    assert complete("-m", "") == []


def test_after_the_value_of_an_option_come_options_again(complete):
    assert complete("-f", "httpd.cfg", "-") == sorted(options_of_help())
