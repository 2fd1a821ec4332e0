# Renders what the parts have measured as docs/BENCHMARKS.md, with its plots.
# SPDX-License-Identifier: GPL-2.0-or-later
import plots
import results

INTRODUCTION = """# Benchmarks

Written by `make bench`; [bench/README.md](../bench/README.md) says what the rows are, how they are measured, and how to
read the figures. In short: compare the CPU time a request. The rate is often that of the load generator, which has one
core as the server does. [benchmarks/NOTES.md](benchmarks/NOTES.md) says of each target that is not reached why.
"""

REACHED = {True: "yes", False: "**no**", None: "not measured"}


def load(folder, names):
    """The parts that have been measured, in this order."""
    found = []
    for name in names:
        file = folder / f"{name}.json"
        if not file.exists():
            continue
        try:
            found.append(results.from_json(file.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError) as error:
            raise SystemExit(f"bench: {file} holds no part: {error}; measure it again") from error
    return found


def save(part, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{part.name}.json").write_text(results.to_json(part), encoding="utf-8")


def _table(heads, rows):
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [heads, ["---"] * len(heads), *rows])


def _targets(parts):
    rows = [[part.title, target.what, target.wanted, target.measured, REACHED[target.reached]]
            for part in parts for target in part.targets]
    if not rows:
        return []
    said = [f"{sum(row[4] == word for row in rows)} {text}" for word, text in
            ((REACHED[True], "reached"), (REACHED[False], "not reached"), (REACHED[None], "not measured"))]
    return ["## Targets", f"{len(rows)}: {', '.join(said)}. A ratio is the median of those of each round, with the "
            "smallest and the largest.", _table(["part", "what", "target", "measured", "reached"], rows)]


def _part(part, document):
    blocks = [f"## {part.title}", part.introduction.strip()]
    if part.conditions:
        blocks.append("\n".join(f"* {line}" for line in part.conditions))
    for table in part.tables:
        blocks.append(f"### {table.title}")
        blocks.append(_table(table.heads, table.rows))
        if table.note:
            blocks.append(table.note.strip())
    for plot in part.plots:
        file = plots.draw(plot, document.parent / "plots")
        blocks.append(f"![{plot.title}]({file.relative_to(document.parent)})")
    return [block for block in blocks if block]


def render(parts, document):
    """Writes the document, and the plots below its folder. Returns the text."""
    blocks = [INTRODUCTION.strip(), *_targets(parts)]
    for part in parts:
        blocks += _part(part, document)
    text = "\n\n".join(blocks) + "\n"
    document.write_text(text, encoding="utf-8")
    return text


def summary(part):
    """For the terminal: its tables and targets."""
    lines = []
    for table in part.tables:
        lines += [f"\n{part.title}: {table.title}", _table(table.heads, table.rows)]
    lines += ["", *(f"{REACHED[target.reached].strip('*')}: {target.what}: {target.wanted}: {target.measured}"
                    for target in part.targets)]
    return "\n".join(lines)
