"""Forecasts beside what was counted: one panel for each series and source, one box for each window."""

import altair as alt
import pandas as pd

from . import dates
from .marks import draw, tips
from .tables import chosen, moments, need, utc
from .theme import BLACK, BLUE, GREY, PANEL, TEXT, VERMILION, finish
from .wording import Labels, count, day, label, wrap

HEIGHT = 170
WIDTH = 430
ACROSS = 2
BANDS = ("q05", "q25", "q50", "q75", "q95")
SHAPES = {"exact": "circle", "about": "diamond", "at_least": "triangle-up"}


def hindcast(
    table: pd.DataFrame, labels: Labels | None = None, *, origin, method: str = "model", past: pd.DataFrame | None = None
) -> alt.TopLevelMixin:
    """Each window as a box as long as itself: median, middle half, 90 % range of its forecast, and a mark for the count.

    table: start, end, series, source, kind, count, method, q05, q25, q50, q75, q95, inside90; a row a window and method, all
        forecast from one origin. labels: series -> (label, unit).
    origin: the last day that the forecasts had seen. method: whose forecasts to draw.
    past: start, end, series, source, kind, count: what was counted before, in grey.

    Raises ValueError for a table that lacks a column, is empty or has a row twice, and for an unknown method.
    """
    key = ("start", "end", "series", "source", "method")
    need(table, (*key, "kind", "count", *BANDS, "inside90"), "forecasts", key=key)
    chosen(table, "method", [method], "forecasts")
    table = spelled(table[table["method"] == method])
    groups = list(dict.fromkeys(zip(table["series"], table["source"], strict=True)))
    known = spelled(past if past is not None else table.iloc[:0])
    shown = pd.concat([table[["start", "end"]], known[["start", "end"]]])
    ends = shown["start"].min(), shown["end"].max() + pd.Timedelta(days=1)
    drawn = []
    for series, source in groups:
        own, before = (of[(of["series"] == series) & (of["source"] == source)] for of in (table, known))
        heading = wrap(f"{label(series, labels)}, {source}", WIDTH, PANEL, bold=True)
        drawn.append(_panel(own, before, ends, utc(origin)).properties(width=WIDTH, height=HEIGHT, title=heading))
    across = min(ACROSS, len(drawn))
    chart = alt.concat(*drawn, columns=across, align="each", spacing={"row": 24, "column": 34})
    outside = int((table["inside90"] < 0.5).sum())
    title = (
        f"Forecasts by {method.replace('_', ' ')} from {day(origin)}: {count([len(table)], 'window')}, "
        f"{outside} outside the 90 % range"
    )
    explanation = (
        "Box: 90 % range, and darker the middle half, as long as the window; line: median. Circle: what was counted; diamond: "
        "about; triangle: at least. Orange: outside the 90 % range. Grey: counted before the origin (dashed). "
        "Each panel has its own scale."
    )
    return finish(chart, title, explanation, max(across * (WIDTH + 60), 700))


def spelled(table: pd.DataFrame) -> pd.DataFrame:
    """With dates as moments, the middle of each window, and the window in words."""
    table = table.assign(start=moments(table["start"]), end=moments(table["end"]))
    middle = table["start"] + (table["end"] + pd.Timedelta(days=1) - table["start"]) / 2
    words = [f"{dates.short(a)} to {dates.short(b)}" for a, b in zip(table["start"], table["end"], strict=True)]
    return table.assign(date=middle, window=words)


def _panel(
    table: pd.DataFrame, before: pd.DataFrame, ends: tuple[pd.Timestamp, pd.Timestamp], origin: pd.Timestamp
) -> alt.LayerChart:
    x = dates.axis(ends[0], ends[1], WIDTH)
    left, right = alt.X("start:T", scale=dates.scale(*ends)), alt.X2("beyond:T")
    top = max(float(table["q95"].max()), float(table["count"].max()), float(before["count"].max()) if len(before) else 0.0, 1.0)

    def y(column: str) -> alt.Y:
        axis = alt.Axis(format=",f", tickCount=4)
        return alt.Y(f"{column}:Q", scale=alt.Scale(domain=[0, top], nice=True), axis=axis, title=wrap("count", HEIGHT, TEXT))

    boxes = table.assign(beyond=table["end"] + pd.Timedelta(days=1))[["start", "beyond", "window", "count", *BANDS]]
    tip = tips("window", count=",.0f", **dict.fromkeys(BANDS, ",.4~g"))
    layers = [
        draw(pd.DataFrame({"date": [origin]}), "rule", color=GREY, strokeDash=[4, 3]).encode(x=x),
        draw(boxes, "rect", color=BLUE, opacity=0.22).encode(x=left, x2=right, y=y("q05"), y2="q95:Q", tooltip=tip),
        draw(boxes, "rect", color=BLUE, opacity=0.45).encode(x=left, x2=right, y=y("q25"), y2="q75:Q", tooltip=tip),
        draw(boxes, "rule", color=BLACK, size=2).encode(x=left, x2=right, y=y("q50"), tooltip=tip),
    ]
    marked = [(before, GREY)] + [(table[(table["inside90"] >= 0.5) == inside], (VERMILION, BLACK)[inside]) for inside in (0, 1)]
    for rows, color in marked:
        for kind, shape in SHAPES.items():
            of_kind = rows[rows["kind"] == kind][["date", "window", "count"]]
            if len(of_kind):
                dots = draw(of_kind, "point", shape=shape, filled=True, size=55, color=color, opacity=1)
                layers.append(dots.encode(x=x, y=y("count"), tooltip=tips("window", count=",.0f")))
    return alt.LayerChart(layer=layers)
