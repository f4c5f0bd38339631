"""Which schedule is best by the stated objectives, and how sure that is: multiple comparisons with the best."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from sim.analysis.objectives import Objective

from .columns import columns
from .marks import draw, tips
from .panels import WIDTHS, absent, panel, row, span, total_width, value
from .tables import chosen, need
from .theme import BLUE, INK, ORANGE, finish
from .wording import Labels, count, percent, period
from .worth import value_unit, worth

NUMBERS = ("margin", "lower", "upper")


def selection(
    table: pd.DataFrame,
    labels: Labels | None = None,
    *,
    start,
    horizon_days: int,
    objectives: Sequence[Objective] = (),
    confidence: float = 0.95,
    states: int = 1,
    order: Sequence[str] | None = None,
) -> alt.TopLevelMixin:
    """One row a schedule: its value minus the best other's, with its interval, and beside it P(best), P(nearly best) and when
    it was dropped.

    table: schedule, n (replications, of all states together), value (mean, higher is better), lower, upper (simultaneous
        interval of value minus the best other's), p_best, p_within (0 to 1), eliminated_at (replications, missing if it stayed).
        The dot is the difference of the values themselves.
    labels: outcome -> (label, unit). start, horizon_days: first day and length of a replication, for the title.
    objectives: what the value is made of. confidence: of the intervals. states: of the world, for the title.
    order: which schedules, in which order; else all, as in the table. The best other is sought in the whole table.

    Raises ValueError for a table that lacks a column, is empty or has a row twice, and for an unknown schedule.
    """
    needed = ("schedule", "n", "value", "lower", "upper", "p_best", "p_within", "eliminated_at")
    need(table, needed, "selection", key=("schedule",))
    schedules = chosen(table, "schedule", order, "selection")
    pixels = WIDTHS[1]
    y = row(schedules, labelled=True)
    values = table.set_index("schedule")["value"].astype(float)
    margins = [values[name] - values.drop(name).max() for name in table["schedule"]]  # the only schedule has none
    table = table.assign(margin=margins)
    table = table[table["schedule"].isin(schedules)]
    table = table.assign(
        best=[_share(p, len(values)) for p in table["p_best"]],
        within=[_share(p, len(values)) for p in table["p_within"]],
        dropped=["" if pd.isna(at) else f"after {int(at):,}" for at in table["eliminated_at"]],
    )
    ends = span(pd.concat([pd.Series([0.0]), *(table[column].astype(float) for column in NUMBERS)]))
    title = f"value minus the best other's, {value_unit(objectives, labels)} (right is better)"

    def x(column):
        return value(column, ends, title, pixels)

    def marks(mark, *needs, rows=None, **look):
        known = (table if rows is None else rows).dropna(subset=list(needs))[["schedule", "n", *NUMBERS, "best"]]
        shown = tips("schedule", "best", n=",", **dict.fromkeys(NUMBERS, "+,.4~g"))
        return draw(known, mark, **look).encode(y=y, x=x(needs[0]), tooltip=shown)

    out = table["upper"].astype(float) <= 0
    layers = [
        draw(pd.DataFrame({"zero": [0.0]}), "rule", size=1.5, color=INK).encode(x=x("zero")),
        marks("bar", "lower", "upper", rows=table[~out], size=10, color=BLUE).encode(x2="upper:Q"),
        marks("bar", "lower", "upper", rows=table[out], size=4, color=ORANGE).encode(x2="upper:Q"),
        marks("point", "margin", size=40, filled=True, fill="white", stroke=INK, strokeWidth=1.5, opacity=1),
    ]
    missing = table[table["margin"].isna()]
    layers += [absent(missing, y)] if len(missing) else []
    nearly = not table["within"].equals(table["best"])  # the same where no difference is too small to matter
    headings = {"best": "P(best)"}
    if nearly:
        headings["within"] = "P(nearly best)"
    if table["dropped"].any():
        headings["dropped"] = "dropped"
    text, wide = columns(table, headings, y, pixels)

    sure = percent(confidence)
    title = f"Which schedule is best, {period(start, horizon_days)}: {sure} intervals, {_of(table['n'], states)}"
    explanation = (
        f"{worth(objectives, labels)}Dot: mean value minus that of the best other schedule. Bar: interval, sure at {sure} for "
        "all schedules at once. A bar that ends at 0, thin and orange: no better than another. One that begins at 0: no other is "
        "better. Across 0: open. No bar: it and the best other cannot be told apart."
    )
    chart = panel([*layers, *text], None, pixels, schedules)
    return finish(chart, title, explanation, total_width(1, schedules) + wide)


def _share(p: float, schedules: int) -> str:
    """Never 0 % or 100 % where there is a choice: a share of resamples shows neither."""
    if pd.isna(p):
        return ""
    return percent(float(p) if schedules == 1 else min(max(float(p), 0.0005), 0.9995))


def _of(n: pd.Series, states: int) -> str:
    """400 replications; 3,200 replications over 64 states of the world."""
    return count(n, "replication") + (f" over {count([states], 'state')} of the world" if states > 1 else "")
