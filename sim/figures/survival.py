"""Time until an event, as days gained or lost: restricted means against a baseline, on the same luck."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from .marks import draw, tips
from .panels import WIDTHS, absent, across, grid, notes, panel, row, span, total_width, value
from .tables import chosen, need
from .theme import BLUE, INK, finish
from .wording import Labels, count, label, percent, period

NUMBERS = ("difference", "difference_lower", "difference_upper")


def survival(
    table: pd.DataFrame,
    labels: Labels | None = None,
    *,
    start,
    horizon_days: int,
    replications: int,
    baseline: str,
    confidence: float = 0.95,
    chosen_events: Sequence[str] | None = None,
    order: Sequence[str] | None = None,
) -> alt.TopLevelMixin:
    """One panel an event, one row a schedule: how many days later the event comes than under the baseline, on average up to the
    horizon. The figure `incidence` shows the curves; this one shows what differs, replication by replication.

    table: schedule, event, restricted_mean (days without the event, up to the horizon), difference (from the baseline, paired),
        difference_lower, difference_upper, in days; a row for each schedule and event. The baseline's own rows give its mean.
    labels: event -> (label, unit); the unit is not used.
    start, horizon_days, replications: first day, length and number of replications of a schedule. baseline: its name.
    confidence: of the intervals. chosen_events, order: which, in which order; else all, as in the table.

    Raises ValueError for a table that lacks a column, is empty or has a row twice, for an unknown event or schedule, and when
    nothing but the baseline is left.
    """
    need(table, ("schedule", "event", "restricted_mean", *NUMBERS), "survival", key=("schedule", "event"))
    base = table[table["schedule"] == baseline].set_index("event")["restricted_mean"]
    table = table[table["schedule"] != baseline]
    need(table, (), f"survival apart from {baseline}")
    events = chosen(table, "event", chosen_events, "survival")
    wanted = None if order is None else [name for name in order if name != baseline]
    schedules = chosen(table, "schedule", wanted, "survival")
    table = table[table["schedule"].isin(schedules) & table["event"].isin(events)]

    alone, beside = len(events) == 1, across(len(events))
    pixels, drawn = WIDTHS[beside], []
    for i, event in enumerate(events):
        own = table[table["event"] == event]
        after = f" (there {base[event]:,.0f} days)" if event in base and pd.notna(base[event]) else ""
        layers = _layers(own, row(schedules, labelled=i % beside == 0), pixels, f"days later than under {baseline}{after}")
        drawn.append(panel(layers, None if alone else label(event, labels), pixels, schedules))

    what = label(events[0], labels) if alone else "Days until it happens"
    title = (
        f"{what}, {period(start, horizon_days)}: mean time without the event against {baseline}, "
        f"{count([replications], 'pair')} of replications"
    )
    explanation = (
        "Mean time without the event is counted up to the horizon; a run without the event counts in full. Dot and bar: paired "
        f"difference and its {percent(confidence)} interval; right of 0, the event comes later or not at all. At the right: the "
        "mean time itself. " + "Each panel has its own axis." * (not alone)
    )
    return finish(grid(drawn), title, explanation, total_width(len(events), schedules) + 60 * beside)


def _layers(table: pd.DataFrame, y: alt.Y, pixels: float, title: str) -> list[alt.Chart]:
    table = table.assign(**{column: table[column].astype(float) for column in ("restricted_mean", *NUMBERS)})
    ends = span(pd.concat([pd.Series([0.0]), *(table[column] for column in NUMBERS)]))
    shown = tips("schedule", restricted_mean=",.1f", **dict.fromkeys(NUMBERS, "+,.4~g"))

    def x(column):
        return value(column, ends, title, pixels)

    def marks(mark, *needs, **look):
        known = table.dropna(subset=list(needs))[["schedule", "restricted_mean", *NUMBERS]]
        return draw(known, mark, **look).encode(y=y, x=x(needs[0]), tooltip=shown)

    layers = [
        draw(pd.DataFrame({"zero": [0.0]}), "rule", size=1.5, color=INK).encode(x=x("zero")),
        marks("bar", "difference_lower", "difference_upper", size=10, color=BLUE).encode(x2="difference_upper:Q"),
        marks("point", "difference", size=30, filled=True, fill="white", stroke=INK, strokeWidth=1.5, opacity=1),
    ]
    known = table[table["restricted_mean"].notna()]
    if len(known):
        layers.append(notes(known.assign(note=[f"{days:,.0f} d" for days in known["restricted_mean"]]), y, pixels))
    missing = table[table["difference"].isna()]
    return layers + ([absent(missing, y)] if len(missing) else [])
