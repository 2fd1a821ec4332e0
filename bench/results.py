# What a part of the bench hands over: tables, targets and plots, as data that any later run can render again.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every part is a module with `measure(setup) -> Part`. Cells of tables are formatted already, so that rendering needs
to know nothing of what was measured."""

import dataclasses
import json
import statistics
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Setup:
    build: Path               # the build to measure
    cores: tuple[int, int]    # the server's and the load generator's
    rounds: int
    seconds: int              # of a round
    idle: int                 # connections for figures of idle ones, as many as the limits of the system allow


@dataclass
class Table:
    title: str
    heads: list[str]
    rows: list[list[str]]
    note: str = ""


@dataclass
class Target:
    what: str
    wanted: str
    measured: str
    reached: bool | None    # None: it could not be measured here, and `measured` says why


@dataclass
class Plot:
    name: str
    title: str
    x: str
    y: str
    series: dict[str, list[tuple[float, float]]]
    log_x: bool = True
    log_y: bool = False


@dataclass
class Part:
    name: str
    title: str
    introduction: str
    tables: list[Table] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)    # on what, with what, how quiet it was: bench/run's


def to_json(part):
    return json.dumps(dataclasses.asdict(part), indent=1, ensure_ascii=False) + "\n"


def from_json(text):
    """A Part again, from what to_json() made. ValueError, KeyError or TypeError where it is something else."""
    fields = json.loads(text)
    fields["tables"] = [Table(**table) for table in fields["tables"]]
    fields["targets"] = [Target(**target) for target in fields["targets"]]
    fields["plots"] = [Plot(**plot) for plot in fields["plots"]]
    for plot in fields["plots"]:
        plot.series = {name: [tuple(point) for point in points] for name, points in plot.series.items()}
    return Part(**fields)


def median(values):
    return statistics.median(values)


def number(value):
    """With two decimals where they say something."""
    return f"{value:.2f}" if abs(value) < 100 else f"{value:,.0f}"


def span(values, form=None):
    """Median and spread, for a cell. `form` is that of format(); by default as many decimals as the size wants."""
    values = list(values)
    if form is None:
        form = ".2f" if abs(median(values)) < 100 else ",.0f"
    return f"{median(values):{form}} ({min(values):{form}} … {max(values):{form}})"


def ratio(ours, theirs):
    """The median of the ratios of each round, which suffers least from drift: both ran within seconds."""
    return median([mine / other for mine, other in zip(ours, theirs, strict=True)])


def target(what, wanted, value, limit, at_most=True, text=None):
    """A target that a figure is compared with. `value` None: not measured, and `text` says why."""
    if value is None:
        return Target(what, wanted, text or "", None)
    return Target(what, wanted, text or number(value), bool(value <= limit if at_most else value >= limit))


def not_measured(what, wanted, why):
    return Target(what, wanted, why, None)
