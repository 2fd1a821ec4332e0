# Finds parts of the guides. SPDX-License-Identifier: GPL-2.0-or-later
import re


def section(text, heading):
    """What stands under `## heading`, up to the next heading of its level."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    return found[1] if found else ""


def entries(text):
    """Name -> (rest of the heading, text) of each `#### `name`` in `text`."""
    pieces = re.split(r"^#### `([^`]+)`(.*)$", text, flags=re.M)[1:]
    return {name: (rest.strip(), body) for name, rest, body in zip(pieces[::3], pieces[1::3], pieces[2::3])}
