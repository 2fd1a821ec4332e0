# What README.md shows, in a sandbox where `make run` serves. SPDX-License-Identifier: GPL-2.0-or-later
import re
import subprocess

import pytest
from claims import claims
from documents import ROOT
from sandbox import Documented, Sandbox, run_cfg


@pytest.fixture(scope="module")
def tour(folder):
    box = Sandbox(folder)
    with Documented(folder, box.here(run_cfg())):
        yield box


@claims("README.md#the-two-commands", "README.md#the-two-commands:2", "README.md#the-two-commands:3",
        "docs/OPENSIPS.md#build")
def test_the_makefile_knows_these_commands(block):
    commands = [re.sub(r"#.*|[][]", "", line.removeprefix("$ ")).split() for line in block.text.splitlines()]
    commands = [command for command in commands if command[0] == "make"]
    assert commands
    for command in commands:
        done = subprocess.run(["make", "-n", *command[1:]], cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr


@claims("README.md#a-tour")
def test_the_tour(tour, block):
    tour.compare(block)


@claims("README.md#a-tour:2")
def test_opensips_cli(tour, block):
    tour.compare(block)


@claims("README.md#a-tour:3")
def test_the_examples(folder, block):
    box = Sandbox(folder)
    with Documented(folder, box.here((ROOT / "examples" / "hello.cfg").read_text(encoding="utf-8"))):
        box.compare(block)
