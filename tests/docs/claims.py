# Which test answers for which block of the documents. SPDX-License-Identifier: GPL-2.0-or-later
import documents
import pytest

BLOCKS = {block.key: block for block in documents.all_blocks()}
CLAIMED = {}  # key of a block -> names of the tests that answer for it


def claims(*keys):
    """Says that a test answers for these blocks: it is called with each of them as `block`."""
    def mark(test):
        for key in keys:
            CLAIMED.setdefault(key, []).append(test.__name__)
        return pytest.mark.parametrize("block", [BLOCKS.get(key) for key in keys], ids=keys)(test)

    return mark


def of_language(*languages, besides=()):
    return [key for key, block in BLOCKS.items() if block.language in languages and key not in besides]


def of_page(page, *languages):
    return [key for key in of_language(*languages) if BLOCKS[key].page == page]


def problems(blocks, claimed):
    """What is wrong with the claims, one text each."""
    found = [f"{block.page}:{block.line}: no language behind ```" for block in blocks.values() if not block.language]
    for key, block in blocks.items():
        tests = claimed.get(key, [])
        if len(tests) != 1:
            told = " and ".join(tests) if tests else "no test: see CONTRIBUTING.md, Documents"
            found.append(f"{block.page}:{block.line}: the block {key} is claimed by {told}")
    return found + [f"{key} is claimed by {' and '.join(tests)}, and is no block of any page"
                    for key, tests in claimed.items() if key not in blocks]
