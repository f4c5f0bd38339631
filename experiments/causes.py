"""Which kinds of event were necessary for an end: rerun the runs that came to it without all events of a kind, and see.

A kind is an agent's activity (militias/base attack), of all groups together, that is no bookkeeping. Necessary is said of a run:
without that kind, and with all luck as it was, the end does not come by the horizon. Several kinds may be necessary for one end,
or none; so shares do not add up to anything.

An end is itself an event. Its own kind is left out, for it would be necessary by its very meaning: no exit without the last
departure.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sim.analysis.proportions import wilson
from sim.engines import engine, usable
from sim.engines.block import Event
from sim.engines.withheld import kind_of, withhold
from sim.outcomes import EVENTS
from sim.scenario import Scenario
from sim.studies.executors import cores
from sim.studies.tables import scenario_label

PICKED = 20210407  # the seed of the choice among states
COLUMNS = ("schedule", "end", "kind", "runs", "ended", "prevented", "share", "lower", "upper")


@dataclass
class Looked:
    """One run that came to one end or to several. label: of its scenario. days: of each end. occurred, prevented: pairs of end
    and kind."""

    schedule: str
    label: str
    replication: int
    days: dict[str, float]
    occurred: set[tuple[str, str]] = field(default_factory=set)
    prevented: set[tuple[str, str]] = field(default_factory=set)
    failed: bool = False


def chosen(outcomes: pd.DataFrame, ends: Sequence[str], most: int) -> list[Looked]:
    """The runs to look at, of each schedule and each end: the first `most` replications that came to it. With states of the world
    `most` runs at random, since runs of one draw or one replication are much alike.

    Args:
        outcomes: columns schedule, replication, each end with its day and, if there are states of the world, state.
        ends: yes-or-no outcomes. most: at least 1.
    Raises:
        ValueError: for an end that is no yes-or-no outcome, or `most` below 1.
    """
    for end in ends:
        if end not in EVENTS:
            raise ValueError(f"{end}: expected yes-or-no outcomes: {', '.join(EVENTS)}")
    if most < 1:
        raise ValueError(f"most = {most}: expected at least 1")
    found: dict[tuple[str, int], Looked] = {}
    for end in ends:
        ended = outcomes[outcomes[end].astype(bool)].sort_values("replication", kind="stable")
        if "state" in ended:
            ended = ended.sample(frac=1.0, random_state=PICKED)
        for row in ended.groupby("schedule", sort=False).head(most).to_dict("records"):
            label = scenario_label(row["schedule"], {"state": row["state"]} if "state" in row else {})
            run = Looked(row["schedule"], label, int(row["replication"]), {})
            found.setdefault((label, run.replication), run).days[end] = float(row[f"{end}_day"])
    return list(found.values())


def look(run: Looked, scenario: Scenario, seed: int) -> Looked:
    """Withhold each kind that occurred before an end of this run, and note which ends then do not come."""
    of = engine(usable("compiled"))
    try:
        first: dict[str, float] = {}
        events = of.replicate(scenario, seed, run.replication, trace=True).events
        for event in events:
            if not event.routine:
                first.setdefault(kind_of(event.actor, event.activity), event.day)
        own = {end: own_kind(end, last, events, scenario, seed, run.replication) for end, last in run.days.items()}
        run.occurred = {
            (end, kind) for end, last in run.days.items() for kind, day in first.items() if day < last and kind != own[end]
        }
        kinds = sorted({kind for _, kind in run.occurred})
        without = of.rerun(scenario, seed, run.replication, [withhold(kind, scenario) for kind in kinds])
        run.prevented = {(end, kind) for end, kind in run.occurred if not without[end][kinds.index(kind)]}
    except Exception:  # a rule raised, as it may where parameters are extreme: nothing can be said of this run
        run.failed = True
    return run


def own_kind(end: str, last: float, events: Sequence[Event], scenario: Scenario, seed: int, replication: int) -> str:
    """The kind of the event that brings an end; "" if there is none, as when two on one day each would bring it.

    It is the last event of the end's day without which the end comes later or not at all: what happens after it moves nothing.

    Args:
        end: a yes-or-no outcome. last: its day. events: the log of this replication.
    """
    found = [event for event in events if event.day == last]
    without = engine(usable("compiled")).rerun(scenario, seed, replication, [withhold(e.name, scenario) for e in found])
    moved = [event for event, row in zip(found, without, strict=True) if not row[end] or row[f"{end}_day"] != last]
    return kind_of(moved[-1].actor, moved[-1].activity) if moved else ""


def necessary(
    scenarios: Mapping[str, Scenario],
    seed: int,
    outcomes: pd.DataFrame,
    ends: Sequence[str],
    most: int,
    progress: Callable[[int], None] = lambda count: None,
) -> pd.DataFrame:
    """For each schedule and each end, the kinds of event without which it does not come.

    Args:
        scenarios: by schedule, or by sim.studies.tables.scenario_label of schedule and state. seed: that of the outcomes.
        outcomes, ends, most: as `chosen` has them.
        progress: is told of each run that is done, one by one; there are len(chosen(...)) of them.
    Returns:
        One row a schedule, end and kind: runs (those looked at in which the kind occurred before the end's day and is not that
        of the end's own event), ended (those looked at), prevented (those of `runs` in which the end does not come by the horizon
        if every event of that kind is withheld), share (prevented / ended) with its Wilson 95 % interval (lower, upper).
        Likeliest first. A run in which a rule raises is left out of all of them.
    Raises:
        ValueError: as `chosen`.
        KeyError: for a schedule or state of the outcomes without a scenario.
    """
    todo = chosen(outcomes, ends, most)
    done: list[Looked] = []
    with ThreadPoolExecutor(max_workers=cores()) as threads:
        flying = [threads.submit(look, run, scenarios[run.label], seed) for run in todo]
        try:
            for future in as_completed(flying):
                done.append(future.result())
                progress(1)
        finally:
            threads.shutdown(wait=True, cancel_futures=True)
    rows = [row for end in ends for row in counted([run for run in done if end in run.days and not run.failed], end)]
    table = pd.DataFrame(rows, columns=list(COLUMNS[:6]))
    table["share"] = table["prevented"].astype(float) / table["ended"].astype(float)
    table["lower"], table["upper"] = wilson(table["prevented"].astype(float), table["ended"].astype(float))
    place = table["schedule"].map({schedule: k for k, schedule in enumerate(outcomes["schedule"].unique())})
    of = table["end"].map({end: k for k, end in enumerate(ends)})
    rank = np.lexsort((table["kind"], -table["share"], of, place))
    return table.iloc[rank].reset_index(drop=True)[list(COLUMNS)]


def counted(runs: Sequence[Looked], end: str) -> Iterator[tuple[str, str, str, int, int, int]]:
    """The first six columns of the table, for one end."""
    for schedule in dict.fromkeys(run.schedule for run in runs):
        own = [run for run in runs if run.schedule == schedule]
        for kind in sorted({kind for run in own for of, kind in run.occurred if of == end}):
            pair = (end, kind)
            occurred = sum(pair in run.occurred for run in own)
            yield schedule, end, kind, occurred, len(own), sum(pair in run.prevented for run in own)
