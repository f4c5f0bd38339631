"""The marks of a schedule's three clocks and of a return, and the legend that explains them."""

import altair as alt
import pandas as pd

from .dates import short
from .marks import draw, tips, write
from .theme import BLACK, GREEN, ORANGE, PURPLE, TEXT, VERMILION
from .wording import Labels

# clock -> (what the legend calls it, shape, colour)
CLOCKS = {
    "announcement": ("announcement", "diamond", PURPLE),
    "mission": ("mission change", "square", ORANGE),
    "departure": ("departure", "triangle-down", VERMILION),
    "return": ("return", "triangle-up", GREEN),
}
SIZE = 120
LETTER = 0.47 * TEXT
THICK = 3  # of the tick at a promised date


def symbols(marks: pd.DataFrame, x, y) -> list[alt.Chart]:
    """A symbol at each mark, filled, or hollow if conditional. marks: schedule, step, clock, date, conditional, y."""
    told = marks.assign(
        day=[short(date) for date in marks["date"]],
        condition=marks["conditional"].map({True: "if conditions hold", False: "on a date"}),
    )
    shown = tips("schedule", "step", "day", "condition")
    told = told[["schedule", "step", "clock", "date", "conditional", "y", "day", "condition"]]
    return [
        _symbols(told[told["conditional"] == hollow], hollow).encode(x=x, y=y("y"), tooltip=shown)
        for hollow in (False, True)
        if (told["conditional"] == hollow).any()
    ]


def ticks(marks: pd.DataFrame, x: alt.X, y) -> alt.Chart:
    """A tick over the area at each promised date. marks: schedule, promise, base, top."""
    told = marks.assign(date=marks["promise"], tip=[f"promised for {short(date)}" for date in marks["promise"]])
    return draw(told[["schedule", "date", "base", "top", "tip"]], "rule", strokeWidth=THICK, color=PURPLE).encode(
        x=x, y=y("top"), y2="base:Q", tooltip=tips("schedule", "tip")
    )


def legend(marks: pd.DataFrame, promises: bool, labels: Labels | None, pixels: float) -> alt.LayerChart | None:
    """One line that explains the marks that occur; None when there are none. Drawn by hand: no legend of altair's
    can show a shape, its colour, hollowness and a tick in one line."""
    there = [clock for clock in CLOCKS if clock in set(marks["clock"])]
    entries = [(clock, (labels or {}).get(clock, (CLOCKS[clock][0], ""))[0], False) for clock in there]
    if marks["conditional"].any():
        entries.append((there[-1], "hollow: only if conditions hold", True))
    if promises:
        entries.append(("promise", "promised date", False))
    if not entries:
        return None
    place, found = 8.0, []
    for clock, text, hollow in entries:
        found.append({"x": place, "clock": clock, "text": text, "hollow": hollow})
        place += LETTER * len(text) + 46
    table = pd.DataFrame(found)
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, pixels], nice=False, zero=False))
    shown = table["clock"] != "promise"
    layers = [_symbols(table[shown & (table["hollow"] == hollow)], hollow).encode(x=x) for hollow in (False, True)]
    layers.append(draw(table[~shown], "tick", orient="vertical", size=18, thickness=THICK, color=PURPLE, opacity=1).encode(x=x))
    layers.append(write(table, "text", dx=13).encode(x=x))
    return alt.LayerChart(layer=layers).properties(width=pixels, height=20)


def _symbols(table: pd.DataFrame, hollow: bool) -> alt.Chart:
    domain = list(CLOCKS)
    shape = alt.Shape("clock:N", scale=alt.Scale(domain=domain, range=[CLOCKS[c][1] for c in domain]), legend=None)
    scale = alt.Scale(domain=domain, range=[CLOCKS[c][2] for c in domain])
    if hollow:
        return draw(table, "point", size=SIZE, fill="white", strokeWidth=2.2, opacity=1).encode(
            shape=shape, stroke=alt.Stroke("clock:N", scale=scale, legend=None)
        )
    return draw(table, "point", size=SIZE, filled=True, stroke=BLACK, strokeWidth=0.5, opacity=1).encode(
        shape=shape, fill=alt.Fill("clock:N", scale=scale, legend=None)
    )
