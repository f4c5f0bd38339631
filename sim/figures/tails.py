"""The bad tail: what the worst runs are like, not only the usual ones."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from .marks import draw, tips
from .panels import WIDTHS, absent, across, grid, notes, panel, row, span, total_width, value
from .tables import chosen, need
from .theme import BLUE, GREY, INK, VERMILION, finish
from .wording import Labels, axis_title, count, label, percent, period
from .worth import number

NUMBERS = ("quantile", "cvar", "lower", "upper")


def tails(
    table: pd.DataFrame,
    labels: Labels | None = None,
    *,
    start,
    horizon_days: int,
    replications: int,
    means: pd.DataFrame | None = None,
    confidence: float = 0.95,
    chosen_outcomes: Sequence[str] | None = None,
    order: Sequence[str] | None = None,
) -> alt.TopLevelMixin:
    """One panel an outcome, one row a schedule: mean, quantile, and the mean of the runs beyond it (conditional value at risk).

    table: schedule, outcome, direction (the bad side: higher or lower), level (0 to 1), quantile, cvar, lower, upper (interval of
        cvar), in the outcome's unit; a row for each schedule and outcome.
    labels: outcome -> (label, unit). start, horizon_days, replications: first day, length and number of replications of each.
    means: schedule, outcome, mean, to be drawn beside the tail; without it, no mean is drawn.
    confidence: of the intervals. chosen_outcomes, order: which, in which order; else all, as in the table.

    Raises ValueError for a table that lacks a column, is empty or has a row twice, for several levels, and for an unknown outcome
    or schedule.
    """
    need(table, ("schedule", "outcome", "direction", "level", *NUMBERS), "tails", key=("schedule", "outcome"))
    names = chosen(table, "outcome", chosen_outcomes, "tails")
    schedules = chosen(table, "schedule", order, "tails")
    table = table[table["schedule"].isin(schedules) & table["outcome"].isin(names)]
    levels = sorted(table["level"].unique())
    if len(levels) > 1:
        raise ValueError(f"the table of tails has several levels: {', '.join(f'{level:g}' for level in levels)}")
    if means is None:
        table = table.assign(mean=float("nan"))
    else:
        need(means, ("schedule", "outcome", "mean"), "means", key=("schedule", "outcome"))
        table = table.drop(columns="mean", errors="ignore")
        table = table.merge(means[["schedule", "outcome", "mean"]], on=["schedule", "outcome"], how="left")

    alone, beside = len(names) == 1, across(len(names))
    pixels, drawn = WIDTHS[beside], []
    for i, name in enumerate(names):
        own = table[table["outcome"] == name]
        side = "high is bad" if own["direction"].iloc[0] in ("higher", "high", "upper") else "low is bad"
        y = row(schedules, labelled=i % beside == 0)
        layers = _layers(own, y, pixels, f"{axis_title(name, labels)} ({side})")
        drawn.append(panel(layers, None if alone else label(name, labels), pixels, schedules))

    worst = f"{100 * (1 - levels[0]):g} %"
    what = label(names[0], labels) if alone else "The bad tail"
    title = (
        f"{what}, {period(start, horizon_days)}: mean, {percent(levels[0])} quantile and mean of the worst {worst} of "
        f"{count([replications], 'replication')}"
    )
    explanation = (
        "Hollow dot: mean of all runs. "
        * (means is not None)
        + f"Black tick: quantile that the worst {worst} of runs go beyond, on the bad side. Orange diamond: mean of these worst "
        f"runs (conditional value at risk), also at the right. Orange bar: its {percent(confidence)} interval. "
        + "Each panel has its own axis."
        * (not alone)
    )
    wide = 60 * beside
    return finish(grid(drawn), title, explanation, total_width(len(names), schedules) + wide)


def _layers(table: pd.DataFrame, y: alt.Y, pixels: float, title: str) -> list[alt.Chart]:
    columns = ["mean", *NUMBERS]
    table = table.assign(**{column: table[column].astype(float) for column in columns})
    ends = span(pd.concat([table[column] for column in columns]))
    title += ", axis does not begin at 0" * (ends[0] > 0)

    def marks(mark, *needs, **look):
        known = table.dropna(subset=list(needs))[["schedule", *columns]]
        shown = tips("schedule", **dict.fromkeys(columns, ",.4~g"))
        return draw(known, mark, **look).encode(y=y, x=value(needs[0], ends, title, pixels), tooltip=shown)

    layers = [
        marks("rule", "mean", "cvar", size=1, color=GREY, strokeDash=[2, 3]).encode(x2="cvar:Q"),
        marks("bar", "lower", "upper", size=8, color=VERMILION, opacity=0.45).encode(x2="upper:Q"),
        marks("tick", "quantile", size=18, thickness=3, color=INK, opacity=1),
        marks("point", "mean", size=40, filled=True, fill="white", stroke=BLUE, strokeWidth=1.8, opacity=1),
        marks("point", "cvar", shape="diamond", size=75, filled=True, fill=VERMILION, stroke=INK, strokeWidth=0.5, opacity=1),
    ]
    known = table[table["cvar"].notna()]
    if len(known):
        layers.append(notes(known.assign(note=[number(worst) for worst in known["cvar"]]), y, pixels))
    missing = table[table["cvar"].isna()]
    return layers + ([absent(missing, y)] if len(missing) else [])
