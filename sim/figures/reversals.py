"""What turns the ranking: pairs of schedules whose order is another under a rival theory or a range of a parameter."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from sim.analysis.objectives import Objective

from .marks import draw, tips, write
from .panels import WIDTHS, span, value
from .tables import chosen, need
from .theme import BLUE, FAINT, GREY, INK, TEXT, finish
from .wording import Labels, count, percent, period
from .worth import value_unit, worth

MOST = 20  # rows drawn
HEIGHT = 46  # pixels of a row: two lines of text
NUMBERS = ("overall", "difference", "lower", "upper")


def reversals(
    table: pd.DataFrame,
    labels: Labels | None = None,
    *,
    start,
    horizon_days: int,
    states: int,
    objectives: Sequence[Objective] = (),
    confidence: float = 0.95,
    order: Sequence[str] | None = None,
    most: int = MOST,
) -> alt.TopLevelMixin:
    """One row a reversal: the pair, under what its order turns, the difference over all states and the one under this level.

    table: a, b, kind (rival or parameter), key, level (text), low, high (of a parameter's level, missing for rivals), states (how
        many have the level), difference (value of a minus that of b under the level), lower, upper, overall (over all states),
        reversed (yes or no). Only reversed rows are drawn, the largest differences first; without any, the picture says so.
    labels: outcome -> (label, unit). start, horizon_days: first day and length of a replication, for the title. states: how many
        in all. objectives: what the value is made of. confidence: of the intervals. order: only pairs of these; else all.
    most: rows to draw; the explanation says how many are left out.

    Raises ValueError for a table that lacks a column, is empty or has a row twice, and for an unknown schedule.
    """
    columns = ("a", "b", "kind", "key", "level", "low", "high", "states", *NUMBERS, "reversed")
    need(table, columns, "reversals", key=("a", "b", "kind", "key", "level"))
    known = pd.DataFrame({"schedule": pd.concat([table["a"], table["b"]])})
    schedules = chosen(known, "schedule", order, "reversals")
    table = table[table["a"].isin(schedules) & table["b"].isin(schedules)]
    looked, pairs = len(table), len(table[["a", "b"]].drop_duplicates())
    turned = table[table["reversed"].astype(bool)]
    turned = turned.assign(**{column: turned[column].astype(float) for column in NUMBERS})
    turned = turned.loc[turned["difference"].abs().sort_values(ascending=False, kind="stable").index]
    shown, left = turned.head(most), max(len(turned) - most, 0)

    title = (
        f"What turns the ranking, {period(start, horizon_days)}: {count([len(turned)], 'reversal')} in {count([pairs], 'pair')} "
        f"of schedules, {count([states], 'state')} of the world"
    )
    pixels = WIDTHS[1]
    if shown.empty:
        said = pd.DataFrame(
            {"said": [f"None of {count([looked], 'look')} shows a reversal. Too few states or replications show none either."]}
        )
        layer = write(said, "said", color=INK).encode(x=alt.value(8), y=alt.value(HEIGHT / 2))
        empty = alt.LayerChart(layer=[layer]).properties(width=pixels, height=HEIGHT)
        return finish(empty, title, worth(objectives, labels), pixels)
    explanation = (
        f"{worth(objectives, labels)}Each row: value of the first schedule minus that of the second. Hollow: over all states. "
        f"Filled, with bar: in the states named, with its interval, sure at {percent(confidence)} for all looks at the pair. The "
        "order turns where the two lie on different sides of 0."
        + f" The {len(shown)} largest are shown; {left} more are in the table."
        * (left > 0)
    )
    rows = shown.assign(
        place=[HEIGHT * (i + 0.5) for i in range(len(shown))],
        pair=[f"{a} − {b}" for a, b in zip(shown["a"], shown["b"], strict=True)],
        under=[_under(line) for line in shown.itertuples()],
    )
    longest = max(len(text) for text in (*rows["pair"], *rows["under"]))
    chart = alt.LayerChart(layer=_layers(rows, value_unit(objectives, labels), pixels))
    chart = chart.properties(width=pixels, height=HEIGHT * len(rows))
    return finish(chart, title, explanation, pixels + 0.5 * TEXT * longest)


def _under(line) -> str:
    """When militias.restraint is 0.62 to 0.8 (highest third, 21 states); when rivals.announcement is none (16 states)."""
    states = count([line.states], "state")
    if pd.isna(line.low) or pd.isna(line.high):
        return f"if {line.key} = {line.level} ({states})"
    return f"if {line.key} is {line.low:.3g} to {line.high:.3g} ({line.level}, {states})"


def _layers(rows: pd.DataFrame, unit: str, pixels: float) -> list[alt.Chart]:
    ends = span(pd.concat([pd.Series([0.0]), *(rows[column] for column in NUMBERS)]))
    height = HEIGHT * len(rows)
    y = alt.Y("place:Q", axis=None, scale=alt.Scale(domain=[height, 0], nice=False, zero=False))
    shown = tips("pair", "under", **dict.fromkeys(NUMBERS, "+,.4~g"))
    title = f"difference of value, {unit} (right of 0: the first is better)"

    def x(column):
        return value(column, ends, title, pixels)

    def marks(mark, *needs, **look):
        known = rows.dropna(subset=list(needs))[["pair", "under", "place", *NUMBERS]]
        return draw(known, mark, **look).encode(y=y, x=x(needs[0]), tooltip=shown)

    return [
        draw(rows[["place"]], "rule", color=FAINT).encode(x=alt.value(0), x2=alt.value(pixels), y=y),
        draw(pd.DataFrame({"zero": [0.0]}), "rule", size=1.5, color=INK).encode(x=x("zero")),
        marks("rule", "overall", "difference", size=1, color=GREY, strokeDash=[2, 3]).encode(x2="difference:Q"),
        marks("bar", "lower", "upper", size=8, color=BLUE, opacity=0.6).encode(x2="upper:Q"),
        marks("point", "overall", size=60, filled=True, fill="white", stroke=INK, strokeWidth=1.6, opacity=1),
        marks("point", "difference", shape="diamond", size=85, filled=True, fill=BLUE, stroke=INK, strokeWidth=0.6, opacity=1),
        write(rows[["pair", "place"]], "pair", "right").encode(x=alt.value(-12), y=y, yOffset=alt.value(-9)),
        write(rows[["under", "place"]], "under", "right", GREY).encode(x=alt.value(-12), y=y, yOffset=alt.value(9)),
    ]
