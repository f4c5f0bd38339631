"""Panels with one row a schedule: what distributions and differences share."""

import altair as alt
import pandas as pd

from .marks import write
from .theme import GREY, PANEL, TEXT
from .wording import wrap

STEP = 30  # height of a row in pixels
WIDTHS = {1: 720, 2: 420, 3: 290}  # of a panel, by the number of panels side by side


def across(panels: int) -> int:
    """How many of so many panels stand side by side: up to three, four as two and two."""
    return 2 if panels == 4 else min(panels, 3)


def grid(panels: list[alt.LayerChart]) -> alt.LayerChart | alt.ConcatChart:
    """The panels in lines, or the only panel itself."""
    if len(panels) == 1:
        return panels[0]
    return alt.concat(*panels, columns=across(len(panels)), align="each", spacing={"row": 26, "column": 30})


def total_width(panels: int, schedules: list[str]) -> float:
    """About how wide the whole picture becomes, for breaking its title."""
    names = 0.5 * TEXT * max(len(name) for name in schedules)
    return max(names + across(panels) * (WIDTHS[across(panels)] + 40), 700)


def row(schedules: list[str], labelled: bool) -> alt.Y:
    """The y channel: schedules from top to bottom, named at the left of the first panel in a line only."""
    return alt.Y(
        "schedule:N",
        scale=alt.Scale(type="band", domain=schedules, padding=0),
        title=None,
        axis=alt.Axis(labels=labelled, ticks=False, domain=False, grid=True, labelPadding=10),
    )


def value(column: str, span: tuple[float, float], title: str, pixels: float) -> alt.X:
    """The x channel of a number from the span's low to its high end, its unit as title."""
    return alt.X(
        f"{column}:Q",
        scale=alt.Scale(domain=list(span), zero=False, nice=False),
        axis=alt.Axis(format=",f", tickCount=max(3, int(pixels / 70)), labelOverlap="greedy", grid=True),
        title=wrap(title, pixels, TEXT),
    )


def notes(table: pd.DataFrame, y: alt.Y, pixels: float) -> alt.Chart:
    """Text right of each row, from the column `note`."""
    return write(table[["schedule", "note"]], "note").encode(y=y, x=alt.value(pixels + 8))


def absent(table: pd.DataFrame, y: alt.Y, said: str = "no value") -> alt.Chart:
    """Says in a row that there is nothing to draw, so that an empty row is not read as zero."""
    return write(table[["schedule"]].assign(note=said), "note", color=GREY).encode(y=y, x=alt.value(6))


def panel(layers: list[alt.Chart], heading: str | None, pixels: float, schedules: list[str]) -> alt.LayerChart:
    """Layers over the same rows, under a heading of their own."""
    chart = alt.LayerChart(layer=layers).properties(width=pixels, height=STEP * len(schedules))
    return chart.properties(title=wrap(heading, pixels, PANEL, bold=True)) if heading else chart


def span(numbers: pd.Series) -> tuple[float, float]:
    """Ends of an axis that holds all the numbers: from zero unless they all lie far from it; never of no length."""
    numbers = numbers.dropna().astype(float)
    if numbers.empty:
        return 0.0, 1.0
    low, high = numbers.min(), numbers.max()
    if low >= 0 and (low < 0.6 * high or low == high):
        low = 0.0
    if high <= 0 and low == high:
        high = 0.0
    if low == high:
        return 0.0, 1.0
    air = 0.04 * (high - low)
    return float(low - air * (low != 0)), float(high + air * (high != 0))
