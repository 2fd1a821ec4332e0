# Reads the guides: their fenced blocks, and the parameters that ADMIN.md describes.
# SPDX-License-Identifier: GPL-2.0-or-later
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "architecture"))

from guides import entries, section  # noqa: E402: its folder is known only now

PAGES = sorted(path.relative_to(ROOT).as_posix() for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])

LARGEST_SIZE, LONGEST_TIME = 2**30, 2**31 - 1  # that the text names for all parameters


@dataclass(frozen=True)
class Block:
    """A fenced block. Its key is the page and the anchor of the heading above it, with `:2` and so on behind it for the
    second block under that heading."""

    key: str
    language: str
    text: str
    line: int  # of the page, where its text begins
    headings: tuple  # from the page's title down to the one above it

    @property
    def page(self):
        return self.key.partition("#")[0]


def anchor(heading):
    """The fragment that GitHub gives a heading, but for the number of the second one of this name."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def blocks(page, text):
    """The fenced blocks of a page in their order."""
    found, headings, anchors, count = [], [], {}, 0
    tokens = MarkdownIt("commonmark").parse(text)
    for token, following in zip(tokens, [*tokens[1:], None]):
        if token.type == "heading_open":
            headings = [*(above for above in headings if above[0] < token.tag), (token.tag, following.content)]
            name = anchor(following.content)
            anchors[name] = anchors.get(name, -1) + 1
            key = f"{page}#{name}" + (f"-{anchors[name]}" if anchors[name] else "")
            count = 0
        elif token.type == "fence":
            count += 1
            found.append(Block(key + (f":{count}" if count > 1 else ""), token.info.strip(), token.content,
                               token.map[0] + 2, tuple(text for _, text in headings)))
    return found


def all_blocks():
    return [block for page in PAGES for block in blocks(page, (ROOT / page).read_text(encoding="utf-8"))]


@dataclass(frozen=True)
class Parameter:
    module: str
    name: str
    kind: str  # "integer", "string", or both joined by " or "
    default: str  # as a script writes it; "" for none
    bounds: tuple  # (lowest, highest) of integers; () where no range is told
    allowed: str  # what is told of the values behind `Allowed: `; "" where nothing is


def parameters(module, text):
    """The parameters of a module, as its section of ADMIN.md has them."""
    found = []
    for name, (kind, body) in entries(section(text, f"Parameters of {module}")).items():
        default = re.search(r"^Default: (?:none|`(.+?)`)\.", body, re.M)
        bounds = re.search(r"^Default: .*?\. Range: (-?\d+) to (\d+)\b", body, re.M)
        allowed = re.search(r"^Default: .*?\. Allowed: (.+)", body, re.M)
        found.append(Parameter(module, name, kind.strip("()"), default[1] or "" if default else "",
                               tuple(read_integer(bound) for bound in bounds.groups()) if bounds else (),
                               allowed[1] if allowed else ""))
    return found


def read_integer(text):
    """A number as the configuration language has it: 0777 is octal."""
    digits = text.removeprefix("-")
    return int(text, 8 if len(digits) > 1 and digits.startswith("0") else 10)


def modules(text):
    return re.findall(r"^## Parameters of (\w+)$", text, re.M)


def all_parameters():
    text = (ROOT / "docs" / "ADMIN.md").read_text(encoding="utf-8")
    return [parameter for module in modules(text) for parameter in parameters(module, text)]
