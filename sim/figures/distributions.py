"""Outcomes by schedule: what was usual, what was possible, and the single replications behind it."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from .marks import draw, tips
from .panels import WIDTHS, absent, across, grid, notes, panel, row, span, total_width, value
from .placement import jitter
from .tables import chosen, need
from .theme import BLACK, BLUE, SKY, finish
from .wording import Labels, axis_title, count, label, percent, period

DOTS = 150  # replications drawn one by one for a schedule, the first ones, so the same luck in every row
SUMMARY = ("median", "q05", "q25", "q75", "q95")


def distributions(
    quantiles: pd.DataFrame,
    outcomes: pd.DataFrame,
    labels: Labels | None = None,
    *,
    start,
    horizon_days: int,
    chosen_outcomes: Sequence[str] | None = None,
    order: Sequence[str] | None = None,
) -> alt.TopLevelMixin:
    """One panel an outcome, one row a schedule: median, middle half, 90 % range, and up to 150 replications as dots.

    An outcome whose column in `outcomes` is boolean shows its share with counts instead.

    quantiles: schedule, outcome, n, mean, median, q05, q25, q75, q95, in the outcome's unit; a row for each schedule
        and outcome. n counts the replications that have a value. For a yes/no outcome only n and mean (its share) are read.
    outcomes: schedule, replication, and a column for each outcome; a row a replication.
    labels: outcome -> (label, unit).
    start, horizon_days: the first day and the length of a replication, for the title.
    chosen_outcomes, order: which outcomes and schedules, in which order; else all, as in `quantiles`.

    Raises ValueError for a table that lacks a column, is empty or has a row twice, for an outcome that either table
    lacks, and for an unknown schedule.
    """
    need(quantiles, ("schedule", "outcome", "n", "mean", *SUMMARY), "quantiles", key=("schedule", "outcome"))
    need(outcomes, ("schedule", "replication"), "outcomes")
    names = chosen(quantiles, "outcome", chosen_outcomes, "quantiles")
    schedules = chosen(quantiles, "schedule", order, "quantiles")
    need(outcomes, names, "outcomes")
    quantiles = quantiles[quantiles["schedule"].isin(schedules) & quantiles["outcome"].isin(names)]
    outcomes = outcomes[outcomes["schedule"].isin(schedules)]

    alone, usual, beside = len(names) == 1, quantiles["n"].max(), across(len(names))
    drawn = []
    for i, name in enumerate(names):
        table = quantiles[quantiles["outcome"] == name]
        draw = _share if _yes_or_no(outcomes[name]) else _spread
        y = row(schedules, labelled=i % beside == 0)
        layers = draw(name, table, outcomes, labels, y, usual, WIDTHS[beside])
        drawn.append(panel(layers, None if alone else label(name, labels), WIDTHS[beside], schedules))

    replications = count(quantiles["n"], "replication")
    shares = [_yes_or_no(outcomes[name]) for name in names]
    what = label(names[0], labels) if alone else "Outcomes by schedule"
    shown = "share" if all(shares) else "median, middle half and 90 % range"
    return finish(
        grid(drawn),
        f"{what}, {period(start, horizon_days)}: {shown} of {replications}",
        _explanation(shares, outcomes, quantiles["n"].nunique() > 1),
        total_width(len(names), schedules),
    )


def _spread(name, table, outcomes, labels, y, usual, pixels) -> list[alt.Chart]:
    """Layers for a number: dots, thin line, thick line, median."""
    dots = _dots(name, outcomes)
    known = table.dropna(subset=["median"])
    numbers = pd.concat([dots["value"], *(known[column] for column in SUMMARY)]).astype(float)
    ends = span(numbers)
    title = axis_title(name, labels) + (" (axis does not begin at 0)" if ends[0] > 0 else "")
    known = known.assign(tip=[count([n], "replication") for n in known["n"]])

    def x(column):
        return value(column, ends, title, pixels)

    known = known[["schedule", "tip", *SUMMARY]]
    shared: dict[str, Any] = {"y": y, "tooltip": tips("schedule", "tip", **dict.fromkeys(SUMMARY, ",.4~g"))}
    layers = [
        draw(dots, "circle", size=16, color=SKY, opacity=0.5).encode(
            y=y, x=x("value"), yOffset=alt.YOffset("jitter:Q", scale=alt.Scale(domain=[-1.5, 1.5]))
        ),
        draw(known, "rule", size=2, color=BLUE).encode(x=x("q05"), x2="q95:Q", **shared),
        draw(known, "bar", size=8, color=BLUE).encode(x=x("q25"), x2="q75:Q", **shared),
        draw(known, "tick", size=18, thickness=3, color=BLACK, opacity=1).encode(x=x("median"), **shared),
    ]
    unlike = table[(table["n"] != usual) & table["median"].notna()]
    if len(unlike):
        layers.append(notes(unlike.assign(note=[f"n = {int(n):,}" for n in unlike["n"]]), y, pixels))
    missing = table[table["median"].isna()]
    return layers + ([absent(missing, y)] if len(missing) else [])


def _share(name, table, outcomes, labels, y, usual, pixels) -> list[alt.Chart]:
    """Layers for yes or no: a bar from zero, and how many of how many."""
    known = table.dropna(subset=["mean"])
    known = known.assign(
        note=[f"{percent(mean)}, {round(mean * n):,} of {int(n):,}" for mean, n in zip(known["mean"], known["n"], strict=True)]
    )
    known = known.assign(percent=100 * known["mean"].astype(float))
    bar = draw(known[["schedule", "percent", "note"]], "bar", size=14, color=BLUE).encode(
        y=y, x=value("percent", (0.0, 100.0), "% of replications", pixels), tooltip=tips("schedule", "note")
    )
    missing = table[table["mean"].isna()]
    return [bar, notes(known, y, pixels)] + ([absent(missing, y)] if len(missing) else [])


def _dots(name: str, outcomes: pd.DataFrame) -> pd.DataFrame:
    """The first replications of each schedule that have a value, each with its height within the row."""
    table = outcomes.sort_values("replication", kind="stable").dropna(subset=[name]).groupby("schedule", observed=True).head(DOTS)
    place = table.groupby("schedule", observed=True).cumcount()
    heights = jitter(DOTS)
    return pd.DataFrame(
        {"schedule": table["schedule"], "value": table[name].astype(float), "jitter": [heights[i] for i in place]}
    )


def _yes_or_no(column: pd.Series) -> bool:
    known = column.dropna()
    return pd.api.types.is_bool_dtype(column) or (len(known) > 0 and all(isinstance(v, bool) for v in known))


def _explanation(shares: list[bool], outcomes: pd.DataFrame, gaps: bool) -> str:
    most = outcomes.groupby("schedule", observed=True).size().max() if len(outcomes) else 0
    dots = f"the first {DOTS} replications" if most > DOTS else "single replications"
    spread = f"Black tick: median. Thick bar: middle half. Thin line: 90 % range. Dots: {dots}. "
    share = "Yes/no outcomes: bar from 0, share and count. "
    some = "Where not every replication has a value, n says how many. "
    axes = "Each panel has its own axis."
    return (spread * (not all(shares)) + share * any(shares) + some * gaps + axes * (len(shares) > 1)).strip()
