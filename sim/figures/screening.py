"""What screening finds: how much each input moves an outcome, one at a time."""

import altair as alt
import pandas as pd

from .marks import draw, tips
from .panels import WIDTHS, across, grid, panel, row, span, total_width, value
from .tables import chosen, need
from .theme import BLUE, INK, VERMILION, finish
from .wording import Labels, axis_title, label, percent, period

MOST = 15  # inputs drawn: those that matter most to any of the outcomes
NUMBERS = ("mu_star", "lower", "upper", "sigma", "noise")


def screening(
    table: pd.DataFrame,
    labels: Labels | None = None,
    *,
    of: str,
    start,
    horizon_days: int,
    confidence: float = 0.95,
    most: int = MOST,
) -> alt.TopLevelMixin:
    """One panel an outcome, one row an input: the mean size of its effect on the mean, and how unequal its effects are.

    table: outcome, measure (mean; others are left out), parameter, mu_star, lower, upper, sigma, noise. labels: outcome ->
        (label, unit). of: whose outcomes, a schedule or a difference. start, horizon_days: first day and length of a replication.
    confidence: of the intervals. most: rows to draw; the explanation says how many are left out.

    Raises ValueError for a table that lacks a column, is empty or has a row twice.
    """
    need(table, ("outcome", "measure", "parameter", *NUMBERS), "screening", key=("outcome", "measure", "parameter"))
    table = table[table["measure"] == "mean"]
    need(table, (), "screening of means")
    names = chosen(table, "outcome", None, "screening")
    largest = table.groupby("outcome")["mu_star"].transform("max")
    share = (table["mu_star"] / largest.where(largest > 0)).fillna(0.0)
    order = share.groupby(table["parameter"], sort=False).max().sort_values(ascending=False, kind="stable")
    moving = order[order > 0.0] if (order > 0.0).any() else order  # an input that moves nothing is no row to read
    inputs, still = list(moving.index[:most]), len(order) - len(moving)
    left = len(moving) - len(inputs)
    table = table[table["parameter"].isin(inputs)].assign(schedule=table["parameter"])

    alone, beside = len(names) == 1, across(len(names))
    pixels, drawn = WIDTHS[beside], []
    for i, name in enumerate(names):
        own = table[table["outcome"] == name]
        layers = _layers(own, row(inputs, labelled=i % beside == 0), pixels, axis_title(name, labels))
        drawn.append(panel(layers, None if alone else label(name, labels), pixels, inputs))
    about = f"{label(names[0], labels)}, {of}" if alone else of
    title = f"What moves the mean: {about}, {period(start, horizon_days)}"
    explanation = (
        "Blue dot and bar: mean size of the effect of taking the input through its 90 % range, the others staying where they "
        f"are (a rival theory: of changing to another), and its {percent(confidence)} interval. Hollow diamond: standard "
        "deviation of the effects; as large as the mean "
        "where the effect depends on the others. Orange: what luck alone would give."
    )
    explanation += f" The {len(inputs)} inputs that matter most are shown; {left} more are in the table." * (left > 0)
    explanation += f" {still} that move nothing are left out." * (still > 0)
    explanation += " Each panel has its own axis." * (not alone)
    return finish(grid(drawn), title, explanation, total_width(len(names), inputs))


def _layers(table: pd.DataFrame, y: alt.Y, pixels: float, title: str) -> list[alt.Chart]:
    ends = span(pd.concat([pd.Series([0.0]), *(table[column].astype(float) for column in NUMBERS)]))

    def marks(mark, *needs, **look):
        known = table.dropna(subset=list(needs)).assign(zero=0.0)[["schedule", "zero", *NUMBERS]]
        shown = tips("schedule", **dict.fromkeys(NUMBERS, ",.4~g"))
        return draw(known, mark, **look).encode(y=y, x=value(needs[0], ends, title, pixels), tooltip=shown)

    return [
        marks("bar", "noise", size=18, color=VERMILION, opacity=0.3).encode(x2="zero:Q"),
        marks("bar", "lower", "upper", size=7, color=BLUE, opacity=0.5).encode(x2="upper:Q"),
        marks("point", "sigma", shape="diamond", size=55, filled=True, fill="white", stroke=INK, strokeWidth=1.3, opacity=1),
        marks("point", "mu_star", size=55, filled=True, fill=BLUE, stroke=INK, strokeWidth=0.5, opacity=1),
    ]
