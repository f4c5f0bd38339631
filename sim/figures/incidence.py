"""Cumulative incidence: in what share of replications an event has happened by a date."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from . import dates
from .marks import draw, tips, write
from .placement import spread
from .tables import chosen, moments, need, utc
from .theme import GREY, PANEL, TEXT, finish, identity
from .wording import Labels, count, label, percent, period, wrap

BANDED = 3  # schedules up to which the interval is drawn as a band; with more, bands only hide one another
TOPS = (5, 10, 20, 30, 40, 50, 60, 80, 100)  # ends of the vertical axis, per cent
GAP = 19  # pixels between two labels at the end of lines
LEADER, KEY = 16, 26  # pixels: from a line's end to its label's height, then a stroke long enough to show its dashes
COLUMNS = (46, 52, 146)  # right of that: where the share ends, where its interval and where the name begin
SHARES = ("share", "lower", "upper")


def incidence(
    table: pd.DataFrame,
    labels: Labels | None = None,
    *,
    start,
    horizon_days: int,
    replications: int,
    chosen_events: Sequence[str] | None = None,
    order: Sequence[str] | None = None,
) -> alt.TopLevelMixin:
    """One panel an event: a step line a schedule, named at its end with the share reached and its 95 % interval.

    Colour alone cannot tell eleven schedules apart, nor can a legend: each line leads to its name, in order of the
    share reached, and colour and dash (the same in all panels) are only help. Up to three schedules show the interval as a band.

    table: schedule, event, date, share, lower, upper (0 to 1): the share with the event by that date. A line starts
        from zero at the start and is carried on flat from its last row to the horizon.
    labels: event -> (label, unit); the unit is not used.
    start, horizon_days, replications: first day, length and number of replications, for axes and title.
    chosen_events, order: which, in which order; else all, as in the table.

    Raises ValueError for a table that lacks a column, is empty or has a row twice, and for an unknown event or schedule.
    A schedule without rows for an event is named in its panel as "no data".
    """
    need(table, ("schedule", "event", "date", *SHARES), "incidence", key=("schedule", "event", "date"))
    events = chosen(table, "event", chosen_events, "incidence")
    schedules = chosen(table, "schedule", order, "incidence")
    ends = (utc(start), utc(start) + pd.Timedelta(days=horizon_days))
    alone = len(events) == 1
    pixels, height = (640 if alone else 330), max(400 if alone else 290, GAP * len(schedules) + 10)
    drawn = []
    for event in events:
        of_event = table[(table["event"] == event) & table["schedule"].isin(schedules)]
        heading = None if alone else label(event, labels)
        drawn.append(_panel(of_event, schedules, ends, heading, pixels, height))
    chart = drawn[0] if alone else alt.concat(*drawn, columns=2, align="each", spacing={"row": 28, "column": 40})

    what = label(events[0], labels) if alone else "How often, and by when"
    title = (
        f"{what}, {period(start, horizon_days)}: cumulative share of {count([replications], 'replication')}, with 95 % intervals"
    )
    band = "band and brackets" if len(schedules) <= BANDED else "brackets"
    explanation = f"At the end of each line: share reached, 95 % interval ({band}), schedule. "
    axes = "Each panel has its own vertical axis." if len(events) > 1 else ""
    names = 0.5 * TEXT * max(len(name) for name in schedules)
    beside = min(len(events), 2)
    return finish(chart, title, explanation + axes, beside * (pixels + LEADER + KEY + COLUMNS[-1] + names + 40))


def _panel(table, schedules, ends, heading, pixels, height) -> alt.LayerChart:
    found = [_whole(own, name, ends) for name, own in table.groupby("schedule", observed=True)]
    lines = pd.concat(found) if found else _whole(table, "", ends)
    lines = lines.assign(day=[dates.short(date) for date in lines["date"]])
    lines[list(SHARES)] = 100 * lines[list(SHARES)].astype(float)
    banded = len(schedules) <= BANDED
    highest = lines["upper" if banded else "share"].max()
    top = next((limit for limit in TOPS if limit >= highest), TOPS[0 if pd.isna(highest) else -1])
    color, dash = identity(schedules)

    def y(column):
        return alt.Y(
            f"{column}:Q",
            title="% of replications, cumulative",
            scale=alt.Scale(domain=[0, top], nice=False),
            axis=alt.Axis(tickCount=5),
        )

    shown = tips("schedule", "day", **dict.fromkeys(SHARES, ".1f"))

    def steps(mark, column, **look):
        return draw(lines, mark, interpolate="step-after", **look).encode(
            x=dates.axis(*ends, pixels), y=y(column), color=color, tooltip=shown
        )

    layers = [steps("area", "lower", opacity=0.18).encode(y2="upper:Q")] if banded else []
    layers.append(steps("line", "share", strokeWidth=2.2).encode(strokeDash=dash))
    layers += _ends(lines, schedules, y, top, pixels, height)
    if lines["share"].max() == 0:
        said = pd.DataFrame({"said": ["did not happen in any replication"]})
        layers.append(write(said, "said", "center", GREY).encode(x=alt.value(pixels / 2), y=alt.value(height / 2)))
    chart = alt.LayerChart(layer=layers).properties(width=pixels, height=height)
    return chart.properties(title=wrap(heading, pixels + LEADER + KEY + COLUMNS[-1], PANEL, bold=True)) if heading else chart


def _ends(lines, schedules, y, top, pixels, height) -> list[alt.Chart]:
    """For each line its stroke, the share reached, the interval and the schedule's name, none on another.

    A hair joins line and label. It is thin, so that nobody reads it as the line going on after the horizon; a line that
    stayed at zero needs none.
    """
    last = lines.groupby("schedule", observed=True).tail(1).set_index("schedule").reindex(schedules).reset_index()
    # the vertical axis is linear from 0 to top, so a place in pixels from above is a share
    wanted = [height - share / top * height for share in last["share"].fillna(0.0)]
    places = [(height - place) / height * top for place in spread(wanted, GAP, 4, height - 4)]
    last = last.assign(
        place=places,
        interval=[_interval(line) for line in last.itertuples()],
        reached=["no data" if pd.isna(share) else percent(share / 100) for share in last["share"]],
    )
    color, dash = identity(schedules)
    text = last[["schedule", "reached", "interval", "place"]]
    begin = pixels + LEADER + KEY
    return [
        draw(last[last["share"] > 0], "rule", strokeWidth=0.8).encode(
            x=alt.value(pixels + 1), x2=alt.value(pixels + LEADER), y=y("share"), y2="place:Q", color=color
        ),
        draw(last[last["share"].notna()], "rule", strokeWidth=2.6).encode(
            x=alt.value(pixels + LEADER), x2=alt.value(begin), y=y("place"), color=color, strokeDash=dash
        ),
        write(text, "reached", "right").encode(x=alt.value(begin + COLUMNS[0]), y=y("place")),
        write(text, "interval").encode(x=alt.value(begin + COLUMNS[1]), y=y("place")),
        write(text, "schedule").encode(x=alt.value(begin + COLUMNS[2]), y=y("place")),
    ]


def _interval(line) -> str:
    if pd.isna(line.lower) or pd.isna(line.upper):
        return ""
    return "(" + " to ".join(percent(share / 100).removesuffix(" %") for share in (line.lower, line.upper)) + ")"


def _whole(line: pd.DataFrame, schedule: str, ends: tuple) -> pd.DataFrame:
    """One schedule's steps from zero at the start to the horizon; empty if there are none."""
    line = line[["date", *SHARES]].assign(schedule=schedule, date=moments(line["date"]))
    line = line[line["date"] <= ends[1]].sort_values("date")
    if line.empty:
        return line
    zero = pd.DataFrame({"date": [ends[0]], "share": 0.0, "lower": 0.0, "upper": 0.0, "schedule": schedule})
    tail = line.tail(1).assign(date=ends[1])
    return pd.concat(
        ([zero] if line["date"].iloc[0] > ends[0] else []) + [line] + ([tail] if line["date"].iloc[-1] < ends[1] else []),
        ignore_index=True,
    )
