"""Weekly series as fans: how wide the future is, and where most of it lies."""

from collections.abc import Collection, Sequence

import altair as alt
import pandas as pd

from . import dates
from .marks import draw, tips
from .tables import chosen, moments, need, rows, utc
from .theme import BLACK, BLUE, PANEL, TEXT, finish
from .wording import Labels, axis_title, count, label, period, wrap

ACROSS = 4  # schedules side by side
HEIGHT = 165
WIDTHS = {1: 900, 2: 480, 3: 320}
NARROW = 250
BANDS = ("q05", "q25", "median", "q75", "q95")


def fan(
    table: pd.DataFrame,
    labels: Labels | None = None,
    *,
    start,
    horizon_days: int,
    replications: int,
    schedules: Sequence[str] | None = None,
    chosen_series: Sequence[str] | None = None,
    levels: Collection[str] = ("troops",),
) -> alt.TopLevelMixin:
    """A row of panels a series, a column a schedule: median, middle half and 90 % range by week.

    Four schedules fit side by side; more are wrapped into further blocks below. For one picture a block, call it
    several times with the same table and other `schedules`: the vertical scale of a series always holds the whole table.

    table: schedule, series, date (the week's end), median, q05, q25, q75, q95, in the series' unit.
    labels: series -> (label, unit). " a week" is added to the unit of a count, unless it says so itself.
    start, horizon_days, replications: first day, length and number of replications, for axes and title.
    schedules, chosen_series: which, in which order; else all, as in the table.
    levels: series that are levels on a date (troops), not counts within a week.

    Raises ValueError for a table that lacks a column, is empty or has a row twice, and for an unknown schedule or series.
    """
    need(table, ("schedule", "series", "date", *BANDS), "weekly quantiles", key=("schedule", "series", "date"))
    names = chosen(table, "schedule", schedules, "weekly quantiles")
    kinds = chosen(table, "series", chosen_series, "weekly quantiles")
    across = min(len(names), ACROSS)
    pixels = WIDTHS.get(across, NARROW)
    ends = (utc(start), utc(start) + pd.Timedelta(days=horizon_days))

    drawn = []
    for first in range(0, len(names), across):
        block = names[first : first + across]
        for kind in kinds:
            of_kind = table[table["series"] == kind]
            top = float(of_kind[list(BANDS)].max().max())
            bottom = min(0.0, float(of_kind[list(BANDS)].min().min()))
            for name in block:
                y = _y((bottom, top if top > bottom else bottom + 1), _title(kind, labels, levels), name == block[0])
                x = dates.axis(*ends, pixels, visible=kind == kinds[-1])
                chart = _panel(of_kind[of_kind["schedule"] == name], ends[0], x, y).properties(width=pixels, height=HEIGHT)
                drawn.append(chart.properties(title=wrap(name, pixels, PANEL, bold=True)) if kind == kinds[0] else chart)
            drawn += [_gap(pixels)] * (across - len(block))
    chart = alt.concat(*drawn, columns=across, align="each", spacing={"row": 18, "column": 24})

    what = label(kinds[0], labels) if len(kinds) == 1 else "Week by week"
    title = f"{what}, {period(start, horizon_days)}: median, middle half and 90 % range of {count([replications], 'replication')}"
    explanation = (
        "Line: median of each week. Dark band: middle half. Light band: 90 % range. "
        "Each week is summed up on its own: no replication follows the line. Vertical scales are shared along a row."
    )
    return finish(chart, title, explanation, max(across * (pixels + 24) + 80, 700))


def _panel(table: pd.DataFrame, start: pd.Timestamp, x: alt.X, y) -> alt.LayerChart:
    """Bands and median of one series under one schedule, each week a step: a slope would claim days between weeks."""
    table = table.assign(date=moments(table["date"])).sort_values("date")
    table = table.assign(week=[f"week to {dates.short(date)}" for date in table["date"]])[["schedule", "date", "week", *BANDS]]
    opening = table.head(1).assign(date=(table["date"].head(1) - pd.Timedelta(days=7)).clip(lower=start))
    shown = tips("schedule", "week", **dict.fromkeys(BANDS, ",.4~g"))

    def steps(mark, column, **look):
        return draw(None, mark, interpolate="step-before", **look).encode(x=x, y=y(column), tooltip=shown)

    return alt.LayerChart(
        data=rows(pd.concat([opening, table])),
        layer=[
            steps("area", "q05", color=BLUE, opacity=0.22).encode(y2="q95:Q"),
            steps("area", "q25", color=BLUE, opacity=0.45).encode(y2="q75:Q"),
            steps("line", "median", color=BLACK, strokeWidth=2),
        ],
    )


def _y(ends: tuple[float, float], title: list[str], first: bool):
    """The y channel as a function of the column; named and numbered in the first panel of a line only."""
    axis = alt.Axis(format=",f", tickCount=4, labels=first, ticks=first, domain=first)
    return lambda column: alt.Y(
        f"{column}:Q", scale=alt.Scale(domain=list(ends), nice=True), axis=axis, title=title if first else None
    )


def _title(series: str, labels: Labels | None, levels: Collection[str]) -> list[str]:
    unit = axis_title(series, labels)
    if series not in levels and "week" not in unit:
        unit += " a week"
    name = label(series, labels)
    return wrap(name, HEIGHT, TEXT) + wrap(f"({unit})", HEIGHT, TEXT) if unit.lower() != name.lower() else [name]


def _gap(pixels: float) -> alt.Chart:
    """An empty cell at the end of a block, to keep the columns in line."""
    return draw(pd.DataFrame({"nothing": [0]}), "point", opacity=0).properties(width=pixels, height=HEIGHT)
