"""What it costs to be wrong: each schedule's regret over the states of the world."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from sim.analysis.objectives import Objective

from .columns import columns
from .marks import draw, tips
from .panels import WIDTHS, absent, panel, row, span, total_width, value
from .tables import chosen, need
from .theme import BLUE, GREY, INK, VERMILION, finish
from .wording import Labels, count, percent, period
from .worth import number, value_unit, worth

NUMBERS = ("expected", "lower", "upper", "q90", "maximum", "maximum_lower", "maximum_upper")


def regret(
    table: pd.DataFrame,
    labels: Labels | None = None,
    *,
    start,
    horizon_days: int,
    states: int,
    replications: int,
    objectives: Sequence[Objective] = (),
    confidence: float = 0.95,
    order: Sequence[str] | None = None,
) -> alt.TopLevelMixin:
    """One row a schedule: expected regret with its interval, the 90 % quantile and the maximum over states of the world.

    table: schedule, expected, lower, upper, q90, maximum, maximum_lower, maximum_upper (all in units of value, 0 is best),
        best_share, best_lower, best_upper (0 to 1): the share of states in which the schedule is best.
    labels: outcome -> (label, unit). start, horizon_days: first day and length of a replication, for the title.
    states, replications: how many states, and replications in each. objectives: what the value is made of.
    confidence: of the intervals. order: which schedules, in which order; else all, as in the table.

    Raises ValueError for a table that lacks a column, is empty or has a row twice, and for an unknown schedule.
    """
    shares = ("best_share", "best_lower", "best_upper")
    need(table, ("schedule", *NUMBERS, *shares), "regret", key=("schedule",))
    schedules = chosen(table, "schedule", order, "regret")
    table = table[table["schedule"].isin(schedules)]
    pixels, y = WIDTHS[1], row(schedules, labelled=True)
    table = table.assign(
        cost=["" if pd.isna(cost) else number(cost) for cost in table["expected"]],
        worst=["" if pd.isna(cost) else number(cost) for cost in table["maximum"]],
        best=[_best(*line) for line in zip(*(table[column] for column in shares), strict=True)],
    )
    ends = span(pd.concat([pd.Series([0.0]), *(table[column].astype(float) for column in NUMBERS)]))
    title = f"value lost against the best schedule of each state, {value_unit(objectives, labels)} (left is better)"

    def x(column):
        return value(column, ends, title, pixels)

    def marks(mark, *needs, **look):
        known = table.dropna(subset=list(needs))[["schedule", *NUMBERS]]
        return draw(known, mark, **look).encode(y=y, x=x(needs[0]), tooltip=tips("schedule", **dict.fromkeys(NUMBERS, ",.4~g")))

    layers = [
        marks("rule", "expected", "maximum", size=1, color=GREY, strokeDash=[2, 3]).encode(x2="maximum:Q"),
        marks("rule", "maximum_lower", "maximum_upper", size=2.5, color=VERMILION, opacity=0.55).encode(x2="maximum_upper:Q"),
        marks("bar", "lower", "upper", size=10, color=BLUE).encode(x2="upper:Q"),
        marks("point", "expected", size=40, filled=True, fill="white", stroke=INK, strokeWidth=1.5, opacity=1),
        marks("tick", "q90", size=16, thickness=3, color=INK, opacity=1),
        marks("point", "maximum", shape="diamond", size=75, filled=True, fill=VERMILION, stroke=INK, strokeWidth=0.5, opacity=1),
    ]
    missing = table[table["expected"].isna()]
    layers += [absent(missing, y)] if len(missing) else []
    text, wide = columns(table, {"cost": "expected", "worst": "maximum", "best": "best in"}, y, pixels)

    runs = count([replications], "replication")
    of = f"{count([states], 'state')} of the world, {runs} in each" if states > 1 else f"one world, {runs}"
    title = f"What it costs to be wrong, {period(start, horizon_days)}: regret over {of}"
    explanation = (
        f"{worth(objectives, labels)}Regret: value lost in a state of the world against the schedule that is best in it. Dot and "
        f"blue bar: expected, {percent(confidence)} interval. Black tick: 90 % quantile of states. Orange diamond and line: "
        "maximum, with its interval. Best in: share of states."
    )
    chart = panel([*layers, *text], None, pixels, schedules)
    return finish(chart, title, explanation, total_width(1, schedules) + wide)


def _best(share: float, lower: float, upper: float) -> str:
    if pd.isna(share):
        return ""
    if pd.isna(lower) or pd.isna(upper):
        return percent(float(share))
    return f"{percent(float(share))} ({' to '.join(percent(float(end)).removesuffix(' %') for end in (lower, upper))})"
