"""Two histories of one replication beside each other: what differs by date, in words and as a table, and how both ended."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from experiments import console
from sim.divergence import ALIKE, ONE, OTHER, OTHERWISE, Pair, differs
from sim.engines.block import Event, Replication
from sim.outcomes import DAY, OUTCOMES, YES_NO
from sim.readings import READINGS
from sim.scenario import Scenario
from sim.story import QUIET

if TYPE_CHECKING:
    import pandas as pd

Names = tuple[str, str]  # what the two histories are called


def marks(names: Names) -> dict[str, str]:
    """What stands before an event, by the mark of its pair."""
    return {ONE: f"only {names[0]}", OTHER: f"only {names[1]}", OTHERWISE: "otherwise", ALIKE: "both"}


def event_line(pair: Pair, names: Names, scenario: Scenario, width: int, everything: bool = False) -> str:
    """One event: its date, in which history it is, its words, its name; if everything counts, which readings are not the same."""
    mark = pair.mark if differs(pair, everything) else ALIKE
    said, date = marks(names)[mark], scenario.calendar.date(pair.day)
    words = pair.told_one or pair.told_other
    if mark == OTHERWISE and pair.one is not None and pair.other is not None and pair.same_words:
        words += f" (not the same: {', '.join(unlike(pair.one, pair.other))})"
    elif mark == OTHERWISE and pair.one is not None and pair.other is not None:
        words = "; ".join(
            f"{name}: {told}{'' if event.day == pair.day else f' ({scenario.calendar.date(event.day)})'}"
            for name, event, told in zip(names, (pair.one, pair.other), (pair.told_one, pair.told_other), strict=True)
        )
    return f"  {date}  {said:<{width}}  {words}  [{pair.event.name}]"


def unlike(one: Event, other: Event) -> list[str]:
    """The readings that are not the same before or after an event of two histories."""
    values = zip(READINGS, one.before, other.before, one.after, other.after, strict=True)
    return [name for name, a, b, c, d in values if a != b or c != d]


def left_out(pairs: Iterable[Pair]) -> str:
    """A sentence on the differences that a list without everything=true has not; "" if there are none."""
    counts: dict[str, int] = {}
    for pair in pairs:
        if not differs(pair) or (pair.told() and differs(pair, everything=False)):
            continue
        what = "events told in the same words" if pair.told() else "bookkeeping"
        if pair.event.activity in QUIET:
            what = pair.event.activity
        counts[what] = counts.get(what, 0) + 1
    found = ", ".join(f"{what} {count:,}" for what, count in sorted(counts.items()))
    return f"Different and not listed: {found}; everything=true lists them." if found else ""


def compared(runs: tuple[Replication, Replication], scenario: Scenario) -> list[tuple[str, str, str, str]]:
    """Rows of label, the outcome of the first, of the second, and the first less the second."""
    one, other = ({o.name: value for o, value in zip(OUTCOMES, run.outcomes, strict=True)} for run in runs)
    rows: list[tuple[str, str, str, str]] = []
    for outcome in OUTCOMES:
        a, b = one[outcome.name], other[outcome.name]
        if outcome.kind == YES_NO:
            days = one[f"{outcome.name}_day"], other[f"{outcome.name}_day"]
            first, second = (f"yes, {scenario.calendar.date(d)}" if v else "no" for v, d in zip((a, b), days, strict=True))
            apart = f"{days[0] - days[1]:+,.0f} days" if a and b and days[0] != days[1] else ""
            rows.append((outcome.label, first, second, apart))
        elif outcome.kind != DAY:
            gap = float(a) - float(b)
            numbers = console.number(float(a)), console.number(float(b))
            rows.append(
                (f"{outcome.label} ({outcome.unit})", *numbers, f"{'+' if gap > 0 else ''}{console.number(gap)}" if gap else "")
            )
    return rows


def side_table(pairs: Sequence[Pair], names: Names, scenario: Scenario) -> "pd.DataFrame":
    """Every event of both histories: date, mark, event, who and what, and for each history the day, the words and what the event
    changed in each reading (missing where it did not happen)."""
    import pandas as pd

    said = marks(names)
    rows = []
    for pair in pairs:
        event = pair.event
        row: dict[str, object] = {
            "date": pd.Timestamp(scenario.calendar.date(pair.day)),
            "mark": said[pair.mark],
            "event": event.name,
            "agent": event.actor,
            "activity": event.activity,
            "routine": event.routine,
            "cause": event.cause,
        }
        for name, own, told in zip(names, (pair.one, pair.other), (pair.told_one, pair.told_other), strict=True):
            row |= {f"day ({name})": float("nan") if own is None else own.day, f"told ({name})": told}
            row |= {f"{reading} ({name})": value for reading, value in changes(own).items()}
        rows.append(row)
    return pd.DataFrame(rows)


def changes(event: Event | None) -> dict[str, float]:
    """By how much an event changed each reading; nan where there is none, or where it went from never to a day."""
    if event is None:
        return dict.fromkeys(READINGS, float("nan"))
    return {name: float(a) - float(b) for name, a, b in zip(READINGS, event.after, event.before, strict=True)}
