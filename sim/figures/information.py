"""What it would be worth to know: of each parameter and each rival theory, against knowing everything."""

from collections.abc import Sequence
from typing import Literal

import altair as alt
import pandas as pd

from sim.analysis.objectives import Objective

from .columns import columns
from .marks import draw, tips, write
from .panels import WIDTHS, absent, panel, row, span, total_width, value
from .tables import chosen, need
from .theme import BLUE, INK, VERMILION, finish
from .wording import Labels, count, percent, period
from .worth import number, value_unit, worth

MOST = 20  # rows drawn: those worth most
EVERYTHING = "everything"
NUMBERS = ("value", "lower", "upper")


def information(
    table: pd.DataFrame,
    labels: Labels | None = None,
    *,
    start,
    horizon_days: int,
    states: int,
    replications: int,
    objectives: Sequence[Objective] = (),
    confidence: float = 0.95,
    most: int = MOST,
) -> alt.TopLevelMixin:
    """One bar a parameter or rival theory: the expected value of knowing it before choosing, with its interval, those worth most
    first; a line for knowing everything.

    table: of ("everything", or the key of a rival or parameter), kind, value, lower, upper (units of value; lower and upper may
        be missing). labels: outcome -> (label, unit). start, horizon_days: first day and length of a replication, for the title.
    states, replications: how many states of the world, and replications in each. objectives: what the value is made of.
    confidence: of the intervals. most: rows to draw; the explanation says how many are left out.

    Raises ValueError for a table that lacks a column, is empty or has a row twice, has no row "everything", or no other.
    """
    need(table, ("of", "kind", *NUMBERS), "information", key=("of",))
    chosen(table, "of", [EVERYTHING], "information")
    table = table.assign(**{column: table[column].astype(float) for column in NUMBERS})
    whole = table[table["of"] == EVERYTHING].iloc[0]
    parts = table[table["of"] != EVERYTHING]
    need(parts, (), "information apart from everything")
    parts = parts.sort_values(["value", "upper"], ascending=False, kind="stable", na_position="last")
    parts, left = parts.head(most), max(len(parts) - most, 0)
    parts = parts.assign(schedule=parts["of"], said=[_said(*line) for line in parts[list(NUMBERS)].itertuples(index=False)])
    names = list(parts["schedule"])
    pixels, y = WIDTHS[1], row(names, labelled=True)
    ends = span(pd.concat([pd.Series([0.0, whole["value"], whole["lower"], whole["upper"]]), *(parts[c] for c in NUMBERS)]))
    title = f"expected gain from knowing it before choosing, {value_unit(objectives, labels)}"

    def x(column):
        return value(column, ends, title, pixels)

    def marks(mark, *needs, **look):
        known = parts.dropna(subset=list(needs)).assign(zero=0.0)[["schedule", "kind", "zero", *NUMBERS]]
        return draw(known, mark, **look).encode(
            y=y, x=x(needs[0]), tooltip=tips("schedule", "kind", **dict.fromkeys(NUMBERS, ",.4~g"))
        )

    line = pd.DataFrame({"value": [whole["value"]], "lower": [whole["lower"]], "upper": [whole["upper"]]}).dropna(
        subset=["value"]
    )
    line = line.assign(said=f"everything: {_said(whole['value'], whole['lower'], whole['upper'])}")
    side: Literal["left", "right"] = "left" if whole["value"] < (ends[0] + ends[1]) / 2 else "right"  # where there is room
    layers = [
        draw(line.dropna(), "rect", color=VERMILION, opacity=0.15).encode(x=x("lower"), x2="upper:Q"),
        draw(line, "rule", size=2, color=VERMILION).encode(x=x("value")),
        write(line, "said", side, VERMILION, dx=6 if side == "left" else -6).encode(x=x("value"), y=alt.value(-14)),
        marks("bar", "value", size=14, color=BLUE, opacity=0.75).encode(x2="zero:Q"),
        marks("rule", "lower", "upper", size=2, color=INK).encode(x2="upper:Q"),
        marks("point", "value", size=26, filled=True, fill="white", stroke=INK, strokeWidth=1.2, opacity=1),
    ]
    missing = parts[parts["value"].isna()]
    layers += [absent(missing, y)] if len(missing) else []
    text, wide = columns(parts, {"said": "worth"}, y, pixels)

    title = (
        f"What it would be worth to know, {period(start, horizon_days)}: {count([states], 'state')} of the world, "
        f"{count([replications], 'replication')} in each"
    )
    explanation = (
        f"{worth(objectives, labels)}Bar: how much better the choice of a schedule would be, on average, if this one "
        f"number or theory were known first; line: {percent(confidence)} interval. Orange: if everything were known, the most "
        "that any study could gain." + f" The {len(parts)} worth most are shown; {left} more are in the table." * (left > 0)
    )
    return finish(panel([*layers, *text], None, pixels, names), title, explanation, total_width(1, names) + wide)


def _said(middle: float, lower: float, upper: float) -> str:
    if pd.isna(middle):
        return ""
    return number(middle) if pd.isna(lower) or pd.isna(upper) else f"{number(middle)} ({number(lower)} to {number(upper)})"
