"""posture why: one replication again without one thing that happened in it, or what its end could not have done without."""

from collections.abc import Sequence
from datetime import date
from math import nan
from typing import TYPE_CHECKING, Any

from experiments import console
from experiments.histories import compared, event_line, left_out, marks, side_table
from experiments.settings import HINTS, WhySettings, split
from experiments.trace import heading, place, save, subject
from sim.divergence import Pair, differences, differs, pairs, parting
from sim.engines import engine, usable
from sim.engines.block import Event, Replication
from sim.engines.withheld import Withheld, kind_of, withhold
from sim.errors import RequestError, suggestion
from sim.outcomes import BY_NAME, EVENTS, OUTCOMES
from sim.scenario import Scenario
from sim.story import sentence
from sim.validation import check

if TYPE_CHECKING:
    import pandas as pd

BESIDE = ("scenario", "replication", "event", "outcome", "seed", "engine", "everything", "log", "results")
NAMES = ("with it", "without it")
MOST = 40  # lines of a list on screen; `log` has all
AT_ONCE = 25  # things withheld between two moves of the progress bar


def application(config: dict[str, Any], overrides: list[str]) -> int:
    """Withhold what is named by `event`, or search for what `outcome` could not have done without; returns the exit status.

    Args:
        config: the composed configuration. overrides: what it was composed with, as `posture trace` takes them.
    Raises:
        RequestError
    """
    settings = check("", WhySettings, split(config)[1], HINTS)
    if (settings.event is None) == (settings.outcome is None):
        raise RequestError(
            "event, outcome: expected one of the two: event=<what to withhold>, or outcome=<a yes-or-no outcome that happened>"
        )
    if settings.outcome is not None and settings.outcome not in EVENTS:
        near = suggestion(settings.outcome, list(EVENTS))
        raise RequestError(f"outcome = {settings.outcome!r}: expected a yes-or-no outcome{near}: {', '.join(EVENTS)}")
    scenario, seed = subject(settings, config, overrides, BESIDE)
    place(settings.log)
    if settings.event is not None:
        withhold(settings.event, scenario)  # what cannot happen is refused before anything is run
    run = engine(usable(settings.engine)).replicate(scenario, seed, settings.replication, trace=True)
    table = without(settings, scenario, seed, run) if settings.event is not None else search(settings, scenario, seed, run)
    target = place(settings.log)
    if target is not None:
        save(table, target, settings.log)
        console.say(f"all of it: {len(table):,} rows in {target}")
    return 0


# -- one thing withheld --------------------------------------------------------------------------------------------------
def without(settings: WhySettings, scenario: Scenario, seed: int, run: Replication) -> "pd.DataFrame":
    """Run the replication again without what `event` names, and tell what follows; returns the table of both histories."""
    name = settings.event or ""
    withheld = withhold(name, scenario, run.events)
    again = engine(usable(settings.engine)).replicate(scenario, seed, settings.replication, trace=True, withheld=withheld)
    found = pairs(run.events, again.events, (scenario, scenario))
    console.say(heading(scenario, settings.replication, seed))
    gone = withheld.of(run.events, scenario)
    if not gone:
        told_nothing(name, scenario, run, again)
        return side_table(found, NAMES, scenario)
    if len(gone) == 1:
        console.say(f"Withheld: {gone[0].name}, {day_of(gone[0], scenario)}: {sentence(gone[0], scenario)}")
    else:
        first, last = (day_of(event, scenario) for event in (gone[0], gone[-1]))
        console.say(f"Withheld: {name}: {len(gone):,} events, the first on {first}, the last on {last}")
    names = {event.name for event in gone}
    others = [pair for pair in found if pair.event.name not in names]
    told_parting(others, scenario)
    listed = differences(others, settings.everything)
    console.say()
    if listed:
        console.say("What followed, by date:")
        width = max(len(mark) for mark in marks(NAMES).values())
        for pair in listed:
            console.say(event_line(pair, NAMES, scenario, width, settings.everything))
    else:
        console.say("Nothing followed that a story would tell.")
    if more := "" if settings.everything else left_out(others):
        console.say(more)
    console.say()
    title = f"At the end, {scenario.calendar.date(scenario.horizon_days)}; the difference is with it less without it"
    console.table(title, ("", *NAMES, "difference"), compared((run, again), scenario))
    return side_table(found, NAMES, scenario)


def told_parting(others: Sequence[Pair], scenario: Scenario) -> None:
    """Say where the two histories part, apart from what is withheld: the first event that is not told in the same words,
    bookkeeping aside, or else the first reading that is not the same."""
    different = [pair for pair in others if differs(pair)]
    if (first := parting(others)) is not None:
        console.say(f"The two histories part on {scenario.calendar.date(first.day)}:")
        console.say(event_line(first, NAMES, scenario, 0))
    elif different:
        first = different[0]
        when = scenario.calendar.date(first.day)
        console.say(f"The two histories never part but in bookkeeping or in readings, first on {when} [{first.event.name}]")
    else:
        console.say("Without it everything else happens as it did.")


def told_nothing(name: str, scenario: Scenario, run: Replication, again: Replication) -> None:
    """Say that what was named did not happen, and that nothing changes; which is checked.

    Raises:
        RuntimeError: if anything did change.
    """
    if (run.events, run.outcomes) != (again.events, again.outcomes):
        raise RuntimeError(f"{name} did not happen, and yet withholding it changes the replication: please report it")
    console.say(f"{name} did not happen in this replication. Withholding it changes nothing, to the bit; this was checked.")
    base, number, n = name.rpartition("#")
    if number and " after " not in name and n.isdigit():
        close = sorted((e for e in run.events if f"{e.actor}/{e.activity}" == base), key=lambda e: abs(e.n - int(n)))[:3]
        if close:
            near = ", ".join(f"#{e.n} on {day_of(e, scenario)}" for e in sorted(close, key=lambda e: e.n))
            console.say(f"What did happen of that kind, nearest: {near}")


# -- the search ----------------------------------------------------------------------------------------------------------
def search(settings: WhySettings, scenario: Scenario, seed: int, run: Replication) -> "pd.DataFrame":
    """Withhold each event up to the end, and each kind of event but the end's own, one at a time; tell without which the end does
    not come, or comes later. Returns the table of all that was withheld.

    Raises:
        RequestError: if the end did not come in this replication.
    """
    import pandas as pd

    from experiments.causes import own_kind

    end = settings.outcome or ""
    values = {outcome.name: value for outcome, value in zip(OUTCOMES, run.outcomes, strict=True)}
    if not values[end]:
        raise RequestError(
            f"outcome = {end!r}: did not happen in replication {settings.replication}, seed {seed}, of {scenario.schedule.name}"
        )
    last = float(values[f"{end}_day"])
    events = [event for event in run.events if not event.routine and event.day <= last]
    own = own_kind(end, last, run.events, scenario, seed, settings.replication)
    kinds = [k for k in dict.fromkeys(kind_of(event.actor, event.activity) for event in events if event.day < last) if k != own]
    days = days_without(settings, scenario, seed, [withhold(name, scenario) for name in [*(e.name for e in events), *kinds]])
    rows: list[tuple[Any, ...]] = [
        ("event", event.name, event.day, pd.Timestamp(day_of(event, scenario)), sentence(event, scenario)) for event in events
    ]
    rows += [("kind", kind, nan, pd.NaT, "") for kind in kinds]
    table = pd.DataFrame(rows, columns=["of", "withheld", "day", "date", "told"])
    table["prevents"] = [day is None for day in days]
    table["comes"] = [nan if day is None else day for day in days]
    table["later"] = table["comes"] - last
    console.say(heading(scenario, settings.replication, seed))
    console.say(f"{BY_NAME[end].label}: {scenario.calendar.date(last)}")
    tell_search(table, last, scenario)
    return table


def days_without(settings: WhySettings, scenario: Scenario, seed: int, withheld: Sequence[Withheld]) -> list[float | None]:
    """For each thing withheld the day on which the end comes, None if it does not."""
    end, of = settings.outcome or "", engine(usable(settings.engine))
    days: list[float | None] = []
    with console.progress(len(withheld), "withholding one thing at a time") as advance:
        for k in range(0, len(withheld), AT_ONCE):
            rows = of.rerun(scenario, seed, settings.replication, withheld[k : k + AT_ONCE])
            days += [float(row[f"{end}_day"]) if row[end] else None for row in rows]
            advance(len(rows))
    return days


def tell_search(table: "pd.DataFrame", last: float, scenario: Scenario) -> None:
    """Say what the search found: single events before the end's day and on it, then kinds."""
    needed = table[table["prevents"] | (table["later"] > 0)]
    events, kinds = (table[table["of"] == what] for what in ("event", "kind"))
    before, on_the_day = events[events["day"] < last], events[events["day"] == last]
    console.say()
    found = needed[needed.index.isin(before.index)]
    if len(found):
        console.say(f"Of {len(before):,} events before it, these were necessary, each by itself:")
        tell_rows(found, scenario)
    else:
        console.say(
            f"Of {len(before):,} events before it no single one was necessary: without any of them it comes all the same."
        )
    if len(found := needed[needed.index.isin(on_the_day.index)]):
        console.say("On that day, the end itself among them:")
        tell_rows(found, scenario)
    console.say()
    found, before_it = needed[needed.index.isin(kinds.index)], "before it, apart from the end's own"
    if len(found):
        console.say(f"Of {len(kinds):,} kinds of event {before_it}, these were necessary, all of a kind withheld together:")
        tell_rows(found, scenario)
    else:
        console.say(f"Of {len(kinds):,} kinds of event {before_it}, none was necessary, all of a kind withheld together.")


def tell_rows(found: "pd.DataFrame", scenario: Scenario) -> None:
    """One line for each thing that was necessary: what becomes of the end without it."""
    for row in found.head(MOST).to_dict("records"):
        what = row["withheld"]
        if row["of"] == "event":
            what = f"{scenario.calendar.date(row['day'])}  {row['told']}  [{what}]"
        later = "" if row["prevents"] else f"{scenario.calendar.date(row['comes'])}, {row['later']:,.0f} days later"
        console.say(f"  {what}: without it {f'only on {later}' if later else 'not at all'}")
    if len(found) > MOST:
        console.say(f"  and {len(found) - MOST:,} more; log=<a file> has them all")


def day_of(event: Event, scenario: Scenario) -> date:
    return scenario.calendar.date(event.day)
