"""Tables of a page, made of the tables of a study; each number in them says where it is from."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from sim.report.material import Material
from sim.report.numbers import form_of
from sim.report.views import DIFFERENCES, NECESSARY, VIEWS, Column, Row, label, of_difference


@dataclass(frozen=True)
class Grid:
    """A table of a page. how: how to read it, in a sentence. heads: of the columns. rows: cells, text or markup; the first ones
    (wide) name the row. folded: shown only when asked for."""

    key: str
    title: str
    how: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str | Markup]]
    folded: bool = False
    wide: int = 1  # columns that name the row


HELD = {"dominance": "holds", "reversals": "reversed"}  # tables of which only the rows are shown that say yes in this column
MOST = 400  # rows of those


def view(material: Material, name: str) -> Grid:
    """The table of that name, whole, as the page shows it."""
    title, how, columns, wide, folded = VIEWS[name]
    table = material.tables[name]
    if name in HELD:  # eleven schedules have thousands of rows in which nothing is so
        looked, table = len(table), table[table[HELD[name]].astype(bool)]
        left = f"Shown: the {min(len(table), MOST):,} of {looked:,} rows in which it is so; {name}.parquet has all."
        how, table = f"{how} {left}", table.iloc[:MOST]
    rows = cells(name, table, columns)
    return Grid(name, title, said(material, how), heads(material, columns), rows, folded, wide)


def heads(material: Material, columns: Sequence[Column]) -> list[str]:
    return [said(material, column.head) for column in columns]


def said(material: Material, text: str) -> str:
    """A text about intervals with the confidence that the study was asked for."""
    return text.replace("95 % interval", f"{material.confidence} interval")


def cells(name: str, rows: pd.DataFrame, columns: Sequence[Column]) -> list[list[str | Markup]]:
    """The cells of some rows of a table; the rows' index is their place in the file."""
    return [[column.cell(name, int(str(index)), row) for column in columns] for index, row in rows.iterrows()]


def outcomes_grid(material: Material) -> Grid:
    """Schedules by the outcomes that the study was made for: a share, or the median and 90 % of the runs."""
    rows: list[list[str | Markup]] = []
    found = {name: material.means(name) for name in material.headline}
    for schedule in material.schedules:
        cells: list[str | Markup] = [schedule]
        for name, table in found.items():
            for index, row in table[table["schedule"] == schedule].iterrows():
                shares = form_of(name) == "share"
                columns = ("mean",) if shares else ("median", "q05", "q95")
                cells.append(Column("", columns, form_of(name)).cell("summary", int(str(index)), row))
        rows.append(cells)
    how = "Median, and in brackets the range of 90 % of the runs; for yes-or-no outcomes the share of runs in which it happens."
    return Grid("outcomes", "Outcomes", how, ["schedule", *map(label, found)], rows)


def differences_grid(material: Material) -> Grid:
    """Schedules by outcomes: the mean paired difference from the baseline, its interval, and the verdict where there is one."""
    table = material.tables["differences"]
    rows: list[list[str | Markup]] = []
    for schedule in material.schedules:
        own = table[table["schedule"] == schedule]
        if own.empty:
            continue
        cells: list[str | Markup] = [schedule]
        for name in material.headline:
            for index, row in own[own["outcome"] == name].iterrows():
                cell = Column("", ("mean", "lower", "upper"), of_difference).cell("differences", int(str(index)), row)
                cells.append(Markup("{}{}").format(cell, verdict(material, row)))
        rows.append(cells)
    if material.has("pairs"):
        marked = (
            "The mark is the verdict on the pair to within the tolerance, from its interval further down, which holds for all "
            "pairs at once. The intervals here are each for itself, and for one fixed number of replications: of a study that "
            "stopped once its verdicts were there, read those of the pairs."
        )
    else:
        marked = "One that excludes 0 is marked. Each interval is for itself; those of all pairs at once have to be asked for."
    told = f"Schedule less {material.baseline}, run by run on the same luck: mean, and the 95 % interval of that mean. {marked}"
    how = said(material, told)
    return Grid("differences", f"Differences from {material.baseline}", how, ["schedule", *map(label, material.headline)], rows)


def verdict(material: Material, row: Row) -> Markup:
    """Higher or lower where the interval excludes 0; where every pair was judged at once, that verdict."""
    if material.has("pairs"):
        pairs = material.tables["pairs"]
        for one, other, turned in ((row["schedule"], row["baseline"], False), (row["baseline"], row["schedule"], True)):
            found = pairs[(pairs["a"] == one) & (pairs["b"] == other) & (pairs["outcome"] == row["outcome"])]
            if len(found):
                said = str(found["verdict"].iloc[0])
                if turned:
                    said = {"higher": "lower", "lower": "higher"}.get(said, said)
                return Markup(' <span class="verdict {0}">{0}</span>').format(said)
    said = "higher" if row["lower"] > 0 else "lower" if row["upper"] < 0 else ""
    return Markup(' <span class="verdict {0}">{0}</span>').format(said) if said else Markup("")


def difference_rows(material: Material, schedule: str) -> Grid | None:
    """One schedule's differences from the baseline in every outcome; None for the baseline itself."""
    if not material.has("differences"):
        return None
    table = material.tables["differences"]
    own = table[table["schedule"] == schedule]
    if own.empty:
        return None
    how = f"{schedule} less {material.baseline}, on the same luck; shares of pairs in which it is lower, or equal."
    rows = cells("differences", own, DIFFERENCES)
    return Grid("own", "Every outcome, paired", how, heads(material, DIFFERENCES), rows, folded=True)


def necessary_rows(material: Material, schedule: str) -> Grid | None:
    """What was necessary for the ends that were asked about, under one schedule, most often necessary first."""
    if not material.has("necessary"):
        return None
    table = material.tables["necessary"]
    own = table[table["schedule"] == schedule].sort_values(["end", "share"], ascending=[True, False], kind="stable")
    if own.empty:
        return None
    how = "Of the runs that ended so, the share in which withholding every event of this kind prevents the end."
    return Grid("necessary", "What was necessary", how, heads(material, NECESSARY), cells("necessary", own, NECESSARY))
