"""The schedules themselves: who leaves when, what was announced, and what hangs on conditions."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from . import dates
from .clocks import CLOCKS, legend, symbols, ticks
from .marks import draw, tips, write
from .placement import lanes
from .tables import chosen, moments, need
from .theme import BLUE, FAINT, GREY, TEXT, finish
from .wording import Labels, count, day

PIXELS = 860  # width of the time axis
AREA, LANE, AIR = 30, 18, 10  # heights in pixels: full strength, a line of marks, space above a row
APART = 17  # pixels between two marks in one line
LETTER = 0.55 * TEXT  # mean width of a letter, generously


def timelines(
    timeline: pd.DataFrame, marks: pd.DataFrame, labels: Labels | None = None, *, order: Sequence[str] | None = None
) -> alt.TopLevelMixin:
    """One row a schedule: planned troops as a step area; below it announcements, mission changes, departures, returns.

    timeline: schedule, date, troops: planned, a step function, with a first row at the start and a last at the horizon.
    marks: schedule, step, clock (announcement, mission, departure, return), date, conditional (drawn hollow), promise
        (the date promised in an announcement, drawn as a tick, or missing). May have no rows. What has no date (a
        condition without a latest date) or lies after the horizon is named at the end of its row.
    labels: clock -> (label, unit), to rename clocks in the legend.
    order: which schedules, in which order; else all, as in `timeline`.

    Raises ValueError for a table that lacks a column, for a timeline without rows, for an unknown clock or schedule.
    """
    need(timeline, ("schedule", "date", "troops"), "planned troops")
    schedules = chosen(timeline, "schedule", order, "planned troops")
    steps = timeline[timeline["schedule"].isin(schedules)]
    steps = steps.assign(date=moments(steps["date"])).sort_values("date", kind="stable")
    ends = (steps["date"].min(), steps["date"].max())
    marks = _within(marks, schedules)
    late = _late(marks, ends[1])
    marks = _laned(marks[marks["date"].between(*ends)], ends)

    last_lane = marks.groupby("schedule", observed=True)["lane"].max()
    base, floor = {}, 0.0  # the ground under each schedule's area, in pixels from above
    for name in schedules:
        base[name] = floor + AIR + AREA
        floor = base[name] + LANE * (int(last_lane.get(name, 0)) + 1) + 4
    most = max(float(steps["troops"].max()), 1.0)
    steps = steps.assign(base=steps["schedule"].map(base).astype(float))
    steps = steps.assign(top=steps["base"] - AREA * steps["troops"] / most)
    marks = marks.assign(base=marks["schedule"].map(base).astype(float))
    marks = marks.assign(y=marks["base"] + LANE * (marks["lane"] + 0.5) + 2, top=marks["base"] - AREA - 3)

    x, y = dates.axis(*ends, PIXELS), _down(floor)
    plan = alt.layer(
        *_names(base, late, floor, y),
        *_areas(steps, x, y),
        *_levels(steps, ends, x, y),
        ticks(marks[marks["promise"].le(ends[1])], x, y),
        *symbols(marks, x, y),
    )
    plan = plan.properties(width=PIXELS, height=floor)
    key = legend(marks, bool(marks["promise"].le(ends[1]).any()), labels, PIXELS)
    chart = alt.vconcat(key, plan, spacing=8) if key else plan
    title = f"{count([len(schedules)], 'withdrawal schedule')} as planned, {day(ends[0])} to {day(ends[1])}"
    explanation = (
        f"Height: planned troops, from 0 to {most:,.0f}. A plan, not a result: conditions, pauses and forced "
        "exits change it from one replication to another."
    )
    return finish(chart, title, explanation, PIXELS + LETTER * max(len(name) for name in schedules))


def _within(marks: pd.DataFrame, schedules: list[str]) -> pd.DataFrame:
    """The marks of the schedules by date, all columns present, those without a date last."""
    columns = ("schedule", "step", "clock", "date", "conditional", "promise")
    if marks.empty:
        marks = marks.reindex(columns=columns)
    else:
        need(marks, columns, "marks")
    chosen(pd.DataFrame({"clock": list(CLOCKS)}), "clock", None if marks.empty else list(marks["clock"]), "clocks")
    marks = marks.loc[marks["schedule"].isin(schedules), list(columns)]
    marks = marks.assign(
        conditional=marks["conditional"].astype(bool), date=moments(marks["date"]), promise=moments(marks["promise"])
    )
    return marks.sort_values("date", kind="stable")


def _late(marks: pd.DataFrame, horizon: pd.Timestamp) -> dict[str, str]:
    """What a schedule has planned or promised for after the horizon, or for no date, in words."""
    said = {}
    for name in marks["schedule"].unique():
        own = marks[marks["schedule"] == name]
        after = int((own["date"] > horizon).sum())
        words = [f"promised {dates.short(date)}" for date in own.loc[own["promise"] > horizon, "promise"]]
        returns = own["date"].isna() & (own["clock"] == "return")
        words += ["return on conditions"] * bool(returns.any())
        undated = int((own["date"].isna() & ~returns).sum())
        words += [count([after], "later step")] * (after > 0) + [count([undated], "undated step")] * (undated > 0)
        said[name] = ", ".join(words)
    return said


def _laned(marks: pd.DataFrame, ends: tuple) -> pd.DataFrame:
    """Each mark in a line where it lies on no other."""
    length = max((ends[1] - ends[0]).total_seconds(), 1)
    place = (marks["date"] - ends[0]).dt.total_seconds() / length * PIXELS
    lane = pd.Series(0, index=marks.index, dtype=int)
    for _, own in place.groupby(marks["schedule"], observed=True):
        lane[own.index] = lanes(list(own), APART)
    return marks.assign(lane=lane)


def _down(floor: float):
    """The y channel as a function of the column: pixels from above, no axis."""
    return lambda column: alt.Y(f"{column}:Q", axis=None, scale=alt.Scale(domain=[floor, 0], nice=False, zero=False))


def _areas(steps: pd.DataFrame, x: alt.X, y) -> list[alt.Chart]:
    said = [f"{troops:,.0f} troops from {dates.short(date)}" for troops, date in zip(steps["troops"], steps["date"], strict=True)]
    table = steps[["schedule", "date", "top", "base"]].assign(said=said)

    def under(mark, **look):
        return draw(table, mark, interpolate="step-after", color=BLUE, **look).encode(
            x=x, y=y("top"), detail="schedule:N", tooltip=tips("schedule", "said")
        )

    return [under("area", opacity=0.2).encode(y2="base:Q"), under("line", strokeWidth=1.8)]


def _levels(steps: pd.DataFrame, ends: tuple, x: alt.X, y) -> list[alt.Chart]:
    """The number of troops where it changes, wherever there is room before the next change."""
    found = []
    for _, own in steps.groupby("schedule", observed=True):
        own = own.drop_duplicates("date", keep="last")
        own = own[own["troops"].diff().ne(0)]
        until = [*own["date"].iloc[1:], ends[1]]
        for step, end in zip(own.itertuples(), until, strict=True):
            text = f"{step.troops:,.0f}"
            room = (end - step.date) / max(ends[1] - ends[0], pd.Timedelta(1)) * PIXELS
            if room > LETTER * len(text) + 8:
                place = step.top + 9 if step.base - step.top >= TEXT + 2 else step.top - 8
                found.append({"date": step.date, "text": text, "place": place})
    if not found:
        return []
    return [write(pd.DataFrame(found), "text", dx=6).encode(x=x, y=y("place"))]


def _names(base: dict[str, float], late: dict[str, str], floor: float, y) -> list[alt.Chart]:
    """Each schedule's name left of its row, what comes after the horizon right of it, a line between rows."""
    names = pd.DataFrame({"schedule": list(base), "base": list(base.values())})
    names = names.assign(late=[late.get(name, "") for name in base], middle=names["base"] - AREA / 2 + 4)
    names = names.assign(above=names["base"] - AREA - AIR)
    return [
        draw(names, "rule", color=FAINT).encode(x=alt.value(0), x2=alt.value(PIXELS), y=y("above")),
        write(names, "schedule", "right").encode(x=alt.value(-12), y=y("middle")),
        write(names, "late", color=GREY).encode(x=alt.value(PIXELS + 8), y=y("middle")),
    ]
