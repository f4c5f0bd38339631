"""Paired differences: what a schedule changes against a baseline, with the same luck on both sides."""

from collections.abc import Collection, Sequence

import altair as alt
import pandas as pd

from .marks import draw, tips
from .panels import WIDTHS, absent, across, grid, notes, panel, row, span, total_width, value
from .tables import chosen, need
from .theme import BLUE, GREY, INK, finish
from .wording import Labels, axis_title, count, label, period

NUMBERS = ("mean", "lower", "upper", "q05", "q95")


def differences(
    table: pd.DataFrame,
    labels: Labels | None = None,
    *,
    start,
    horizon_days: int,
    baseline: str | None = None,
    chosen_outcomes: Sequence[str] | None = None,
    order: Sequence[str] | None = None,
    yes_no: Collection[str] = (),
) -> alt.TopLevelMixin:
    """One panel an outcome, one row a schedule: mean paired difference, its 95 % interval, 90 % of single differences.

    table: schedule, baseline, outcome, n (pairs), mean, lower, upper (95 % interval of the mean), q05, q95 (of single
        differences), all schedule minus baseline in the outcome's unit; a row for each schedule and outcome. lower and
        upper may be missing (one pair has no interval). The baseline's difference from itself is left out.
    labels: outcome -> (label, unit).
    start, horizon_days: the first day and the length of a replication, for the title.
    baseline: which one, needed when the table holds several.
    chosen_outcomes, order: which outcomes and schedules, in which order; else all, as in the table.
    yes_no: outcomes that either happen or not. Their changes are shown in percentage points, and without the range of
        single differences, which are only -1, 0 or 1.

    Raises ValueError for a table that lacks a column, is empty or has a row twice, for several baselines of which none
    was chosen, for an unknown baseline, outcome or schedule, and when nothing but the baseline itself is left.
    """
    need(table, ("schedule", "baseline", "outcome", "n", *NUMBERS), "differences", key=("schedule", "baseline", "outcome"))
    baselines = chosen(table, "baseline", None if baseline is None else [baseline], "differences")
    if len(baselines) > 1:
        raise ValueError(f"the table of differences has several baselines, choose one: {', '.join(baselines)}")
    baseline = baselines[0]
    table = table[(table["baseline"] == baseline) & (table["schedule"] != baseline)]
    need(table, (), f"differences from {baseline}")
    names = chosen(table, "outcome", chosen_outcomes, "differences")
    wanted = None if order is None else [schedule for schedule in order if schedule != baseline]
    schedules = chosen(table, "schedule", wanted, "differences")
    table = table[table["schedule"].isin(schedules) & table["outcome"].isin(names)]

    alone, usual, beside = len(names) == 1, table["n"].max(), across(len(names))
    pixels = WIDTHS[beside]
    drawn = []
    for i, name in enumerate(names):
        of_name = table[table["outcome"] == name]
        measure = axis_title(name, labels)
        if name in yes_no:
            of_name = of_name.assign(**{c: 100 * of_name[c] for c in NUMBERS}).assign(q05=float("nan"), q95=float("nan"))
            measure = "percentage points"
        layers = _layers(of_name, row(schedules, labelled=i % beside == 0), usual, pixels, f"change from {baseline}, {measure}")
        drawn.append(panel(layers, None if alone else label(name, labels), pixels, schedules))

    what = label(names[0], labels) if alone else "Outcomes"
    title = (
        f"{what}, {period(start, horizon_days)}: change from {baseline}, mean and 95 % interval of "
        f"{count(table['n'], 'pair')} of replications"
    )
    explanation = (
        "Dot: mean of schedule minus baseline, each pair on common random numbers. Blue bar: 95 % interval of "
        "that mean. "
        + "Grey line: 90 % range of single differences. " * (not set(names) <= set(yes_no))
        + "Each panel has its own axis." * (len(names) > 1)
    )
    return finish(grid(drawn), title, explanation, total_width(len(names), schedules))


def _layers(table: pd.DataFrame, y: alt.Y, usual: int, pixels: float, title: str) -> list[alt.Chart]:
    ends = span(pd.concat([pd.Series([0.0]), *(table[column].astype(float) for column in NUMBERS)]))
    shown = tips("schedule", n=",", **dict.fromkeys(NUMBERS, "+,.4~g"))

    def x(column):
        return value(column, ends, title, pixels)

    def marks(mark, *columns, **look):
        known = table.dropna(subset=list(columns))[["schedule", "n", *NUMBERS]]
        return draw(known, mark, **look).encode(y=y, x=x(columns[0]), tooltip=shown)

    layers = [
        draw(pd.DataFrame({"zero": [0.0]}), "rule", size=1.5, color=INK).encode(x=x("zero")),
        marks("rule", "q05", "q95", size=2, color=GREY).encode(x2="q95:Q"),
        marks("bar", "lower", "upper", size=10, color=BLUE).encode(x2="upper:Q"),
        marks("point", "mean", size=26, filled=True, fill="white", stroke=INK, strokeWidth=1.5, opacity=1),
    ]
    unlike = table[(table["n"] != usual) & table["mean"].notna()]
    if len(unlike):
        layers.append(notes(unlike.assign(note=[f"{int(n):,} pairs" for n in unlike["n"]]), y, pixels))
    missing = table[table["mean"].isna()]
    return layers + ([absent(missing, y)] if len(missing) else [])
