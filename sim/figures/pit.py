"""Histograms of the probability integral transform: even, if counts fall within their forecasts as often as these say."""

from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd

from .marks import draw, tips
from .tables import chosen, need
from .theme import BLUE, INK, PANEL, TEXT, finish
from .wording import count, wrap

HEIGHT = 170
WIDTH = 270


def pit(
    table: pd.DataFrame, *, windows: Mapping[str, int], order: Sequence[str] | None = None, subject: str = "all windows"
) -> alt.TopLevelMixin:
    """A histogram for each method.

    table: method, low, high (ends of a bin, 0 to 1), share (of the windows, adding up to 1 over the bins of a method).
    windows: of each method, how many. order: which methods, in which order. subject: what the windows are of, for the title.

    Raises ValueError for a table that lacks a column, is empty or has a row twice, and for an unknown method.
    """
    need(table, ("method", "low", "high", "share"), "PIT", key=("method", "low"))
    methods = chosen(table, "method", order, "PIT")
    top = float(table["share"].max()) * 1.05
    drawn = []
    for name in methods:
        own = table[table["method"] == name][["low", "high", "share"]].assign(zero=0.0)
        x = alt.X("low:Q", scale=alt.Scale(domain=[0, 1]), title="PIT", axis=alt.Axis(format=".1f", tickCount=5, grid=False))
        title = "share of windows" if name == methods[0] else None
        y = alt.Y("share:Q", scale=alt.Scale(domain=[0, top]), title=title, axis=alt.Axis(format="%", tickCount=4))
        even = pd.DataFrame({"share": [1.0 / len(own)]})
        layers = [
            draw(own, "rect", color=BLUE, opacity=0.7, stroke="white").encode(
                x=x, x2="high:Q", y=y, y2="zero:Q", tooltip=tips(low=".1f", high=".1f", share=".1%")
            ),
            draw(even, "rule", color=INK, strokeDash=[4, 3]).encode(y=y),
        ]
        heading = f"{name.replace('_', ' ')}, {count([windows[name]], 'window')}"
        panel = alt.LayerChart(layer=layers).properties(width=WIDTH, height=HEIGHT)
        drawn.append(panel.properties(title=wrap(heading, WIDTH, PANEL, bold=True)))
    across = min(len(drawn), 2)
    chart = alt.concat(*drawn, columns=across, align="each", spacing={"row": 24, "column": 30})
    explanation = (
        "Dashed: even, as it would be on average if forecasts were calibrated. Humps in the middle: forecasts too wide; "
        "heaps at the ends: too narrow; to one side: too low (right) or too high (left). Few windows make uneven bars by chance."
    )
    return finish(
        chart, f"Where counts fell within their forecasts, {subject}", explanation, max(across * (WIDTH + TEXT * 6), 700)
    )
