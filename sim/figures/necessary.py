"""What a bad end needed: in what share of the runs that ended so, withholding one kind of event prevents the end."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from .marks import draw, tips
from .panels import WIDTHS, absent, across, grid, notes, panel, row, total_width, value
from .tables import chosen, need
from .theme import BLUE, INK, finish
from .wording import Labels, count, label, percent, period

MOST = 9  # kinds drawn: three lines of three panels
NUMBERS = ("share", "lower", "upper")


def necessary(
    table: pd.DataFrame,
    labels: Labels | None = None,
    *,
    start,
    horizon_days: int,
    end: str | None = None,
    confidence: float = 0.95,
    order: Sequence[str] | None = None,
    most: int = MOST,
) -> alt.TopLevelMixin:
    """One panel a kind of event, one row a schedule: the share of bad ends that withholding this kind prevents.

    table: schedule, end, kind (agent/activity), ended (runs that ended badly and were run again), prevented (of these, how many
        then did not), share (prevented over ended, 0 to 1), lower, upper; a row for each schedule, end and kind that occurred.
    labels: end -> (label, unit). start, horizon_days: first day and length of a replication, for the title.
    end: which one, needed when the table holds several. confidence: of the intervals.
    order: which schedules, in which order; else all, as in the table.
    most: kinds to draw, those that prevent most somewhere; the explanation says how many are left out.

    Raises ValueError for a table that lacks a column, is empty or has a row twice, for several ends of which none was chosen, and
    for an unknown end or schedule. A kind that did not occur under a schedule has no value there.
    """
    need(table, ("schedule", "end", "kind", "ended", "prevented", *NUMBERS), "necessary", key=("schedule", "end", "kind"))
    ends = chosen(table, "end", None if end is None else [end], "necessary")
    if len(ends) > 1:
        raise ValueError(f"the table of necessary events has several ends, choose one: {', '.join(ends)}")
    table = table[table["end"] == ends[0]]
    schedules = chosen(table, "schedule", order, "necessary")
    table = table[table["schedule"].isin(schedules)]
    table = table.assign(**{column: 100 * table[column].astype(float) for column in NUMBERS})
    ranked = table.groupby("kind", sort=False)["share"].max().sort_values(ascending=False, kind="stable", na_position="last")
    kinds, left = list(ranked.index[:most]), max(len(ranked) - most, 0)

    beside, pixels, drawn = across(len(kinds)), WIDTHS[across(len(kinds))], []
    for i, kind in enumerate(kinds):
        layers = _layers(table[table["kind"] == kind], schedules, row(schedules, labelled=i % beside == 0), pixels)
        drawn.append(panel(layers, kind, pixels, schedules))

    ended = table.groupby("schedule")["ended"].max()
    title = (
        f"{label(ends[0], labels)}, {period(start, horizon_days)}: what it needed, {count(ended, 'run')} that ended so under "
        "each schedule"
    )
    explanation = (
        "Each panel: one kind of event, withheld in the whole run while all luck stays the same. Dot and bar: share of the runs "
        f"in which the end then does not come by the horizon, with its {percent(confidence)} interval; at the right, how many of "
        "how many. Shares of several kinds may add up to more than 100 %: an end can need them all."
        + f" The {len(kinds)} kinds that prevent most are shown; {left} more are in the table."
        * (left > 0)
    )
    return finish(grid(drawn), title, explanation, total_width(len(kinds), schedules) + 60 * beside)


def _layers(table: pd.DataFrame, schedules: list[str], y: alt.Y, pixels: float) -> list[alt.Chart]:
    def marks(mark, *needs, **look):
        known = table.dropna(subset=list(needs))[["schedule", "ended", "prevented", *NUMBERS]]
        shown = tips("schedule", ended=",", prevented=",", **dict.fromkeys(NUMBERS, ".1f"))
        x = value(needs[0], (0.0, 100.0), "% of the runs that ended so", pixels)
        return draw(known, mark, **look).encode(y=y, x=x, tooltip=shown)

    layers = [
        marks("bar", "lower", "upper", size=8, color=BLUE, opacity=0.6).encode(x2="upper:Q"),
        marks("point", "share", size=36, filled=True, fill="white", stroke=INK, strokeWidth=1.5, opacity=1),
    ]
    known = table[table["share"].notna()]
    if len(known):
        said = [f"{int(p):,} of {int(n):,}" for p, n in zip(known["prevented"], known["ended"], strict=True)]
        layers.append(notes(known.assign(note=said), y, pixels))
    there = set(known["schedule"])
    missing = pd.DataFrame({"schedule": [name for name in schedules if name not in there]})
    return layers + ([absent(missing, y, "did not occur")] if len(missing) else [])
