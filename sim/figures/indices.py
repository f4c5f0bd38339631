"""Whose variance an outcome's is: Sobol indices of the inputs, and the share that is luck."""

import altair as alt
import pandas as pd

from .marks import draw, tips
from .panels import WIDTHS, absent, across, grid, panel, row, total_width
from .tables import chosen, need
from .theme import BLUE, INK, VERMILION, finish
from .wording import Labels, label, percent, period

NUMBERS = ("s1", "s1_lower", "s1_upper", "st", "st_lower", "st_upper")
WIDEST = (-0.1, 1.1)  # of the axis; an interval that goes further is cut


def indices(
    table: pd.DataFrame,
    labels: Labels | None = None,
    *,
    of: str,
    start,
    horizon_days: int,
    confidence: float = 0.95,
) -> alt.TopLevelMixin:
    """One panel an outcome, one row an input: the share of the variance of the mean that it makes by itself, and with others.

    table: outcome, measure (mean; others are left out), parameter, s1 and st with _lower and _upper (missing where the variance
        cannot be told from luck), luck, luck_lower, luck_upper. labels: outcome -> (label, unit). of: whose outcomes, a schedule
        or a difference. start, horizon_days: first day and length of a replication. confidence: of the intervals.

    Raises ValueError for a table that lacks a column, is empty or has a row twice.
    """
    columns = ("outcome", "measure", "parameter", *NUMBERS, "luck", "luck_lower", "luck_upper")
    need(table, columns, "indices", key=("outcome", "measure", "parameter"))
    table = table[table["measure"] == "mean"]
    need(table, (), "indices of means")
    names = chosen(table, "outcome", None, "indices")
    table = table.assign(schedule=table["parameter"], **{c: table[c].astype(float) for c in NUMBERS})
    order = table.groupby("parameter", sort=False)["st"].max().sort_values(ascending=False, kind="stable", na_position="last")
    inputs = list(order.index)

    alone, beside = len(names) == 1, across(len(names))
    pixels, drawn = WIDTHS[beside], []
    for i, name in enumerate(names):
        own = table[table["outcome"] == name]
        layers = _layers(own, row(inputs, labelled=i % beside == 0), pixels)
        heading = f"{label(name, labels)}: {_luck(own.iloc[0])}"
        drawn.append(panel(layers, None if alone else heading, pixels, inputs))
    about = f"{of}, {period(start, horizon_days)}" + f". {heading}" * alone
    title = f"Whose variance it is: {about}"
    explanation = (
        "Of the variance that the mean of an outcome has over the parameters: blue dot, what an input makes by itself; orange "
        f"diamond, by itself and together with others. Bars: {percent(confidence)} intervals, luck included. In the heading: the "
        "share of the variance of a single run that is luck."
    )
    return finish(grid(drawn), title, explanation, total_width(len(names), inputs))


def _luck(line) -> str:
    if pd.isna(line["luck"]):
        return "nothing varies"
    if pd.isna(line["luck_lower"]):
        return f"luck {percent(line['luck'])}"
    return f"luck {percent(line['luck'])} ({percent(line['luck_lower'])} to {percent(line['luck_upper'])})"


def _layers(table: pd.DataFrame, y: alt.Y, pixels: float) -> list[alt.Chart]:
    low = max(WIDEST[0], min(0.0, table[["s1_lower", "s1"]].min().min()) - 0.02)
    high = min(WIDEST[1], max(0.2, table[["st_upper", "s1_upper", "st"]].max().max()) + 0.02)
    ends = (low, high) if low < high else (0.0, 1.0)  # neither is a number where nothing is known

    def marks(mark, offset, *needs, **look):
        known = table.dropna(subset=list(needs))[["schedule", *NUMBERS]]
        known = known.assign(**{column: known[column].clip(*ends) for column in needs})
        scale, axis = alt.Scale(domain=list(ends), nice=False), alt.Axis(format=".0%", tickCount=5, grid=True)
        x = alt.X(f"{needs[0]}:Q", scale=scale, axis=axis, title="share of variance")
        shown = tips("schedule", **dict.fromkeys(NUMBERS, ".1%"))
        return draw(known, mark, **look).encode(y=y, yOffset=alt.value(offset), x=x, tooltip=shown)

    up, down = 10, 20  # pixels from the top of a row
    layers = [
        marks("bar", up, "s1_lower", "s1_upper", size=6, color=BLUE, opacity=0.45).encode(x2="s1_upper:Q"),
        marks("bar", down, "st_lower", "st_upper", size=6, color=VERMILION, opacity=0.45).encode(x2="st_upper:Q"),
        marks("point", up, "s1", size=45, filled=True, fill=BLUE, stroke=INK, strokeWidth=0.5, opacity=1),
        marks("point", down, "st", shape="diamond", size=55, filled=True, fill=VERMILION, stroke=INK, strokeWidth=0.5, opacity=1),
    ]
    missing = table[table["st"].isna() & table["s1"].isna()]
    if len(missing) == len(table):  # one line for all, and no axis of what is not there
        said = "nothing varies" if table["luck"].isna().all() else "no input can be told from luck"
        return [absent(missing.iloc[:1], y, said)]
    return layers + ([absent(missing, y, "not told from luck")] if len(missing) else [])
