"""Time axes: real dates, in UTC everywhere, with as many labels as there is room for."""

import altair as alt
import pandas as pd

from .tables import utc

# (step in pandas' words, format of a label, its width in pixels at 14 px), finest first
STEPS = (
    ("7D", "%-d %b", 62),
    ("14D", "%-d %b", 62),
    ("MS", "%b %Y", 78),
    ("QS", "%b %Y", 78),
    ("2QS", "%b %Y", 78),
    ("YS", "%b %Y", 78),
    ("YS", "%Y", 48),
    ("5YS", "%Y", 48),
    ("10YS", "%Y", 48),
    ("50YS", "%Y", 48),
)


def axis(first, last, pixels: float, visible: bool = True, grid: bool = True) -> alt.X:
    """The x channel of the column `date` from first to last on so many pixels.

    Labels are chosen here rather than by the renderer, so that they neither collide nor depend on its time zone. Where
    a label has no year, the axis says which year it is.
    """
    first, last = utc(first), utc(last)
    ticks, form = _ticks(first, last, pixels)
    years = sorted({tick.year for tick in ticks})
    title = None if "%Y" in form or not visible else " and ".join(dict.fromkeys([str(years[0]), str(years[-1])]))
    return alt.X(
        "date:T",
        scale=scale(first, last),
        title=title,
        axis=alt.Axis(
            values=[moment(tick) for tick in ticks], format=form, grid=grid, labels=visible, ticks=visible, labelOverlap=False
        ),
    )


def scale(first, last) -> alt.Scale:
    """The scale of `axis`, for a second channel over the same dates."""
    return alt.Scale(type="utc", domain=[moment(first), moment(last)], nice=False)


def moment(date) -> int:
    """Milliseconds since 1970 in UTC, the form in which a scale's ends and ticks depend on no time zone."""
    return int(utc(date).timestamp() * 1000)


def short(date) -> str:
    """7 Apr 2021, for tooltips and notes."""
    date = utc(date)
    return f"{date.day} {date:%b %Y}"


def _ticks(first: pd.Timestamp, last: pd.Timestamp, pixels: float) -> tuple[list[pd.Timestamp], str]:
    days = max((last - first).days, 1)
    for step, form, width in STEPS:
        begin = first if step.endswith("D") else first.normalize()
        ticks = list(pd.date_range(begin, last, freq=step))
        room = pixels * ((ticks[-1] - ticks[0]).days / days) / (len(ticks) - 1) if len(ticks) > 1 else pixels
        if ticks and room >= width:
            return ticks, form
    return [first], "%b %Y"
