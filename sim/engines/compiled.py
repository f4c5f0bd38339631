"""The compiled engine: the histories of the reference engine to the last bit, some fifty times as fast.

The loop and all rules are compiled as one piece by numba (sim.engines.build); here worlds, parameters and slots become arrays for
it, and what it gives becomes blocks and replications. The compiled part holds no lock: threads run at the same time.
"""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from math import nan
from time import thread_time
from typing import Any

import numpy as np

from sim import model
from sim.activity import GROUPS, Hazard, Response, Timer
from sim.engines.block import MEASURED, OUTCOME_ROW, WEEK_ROW, Block, Event, Failure, Replication
from sim.engines.build import Engine, is_compiled
from sim.engines.loop import BLOCK, SPAN, slots_type, state_type
from sim.engines.records import PlainRecords, as_object, records
from sim.engines.withheld import Withheld
from sim.model import Slot
from sim.outcomes import SERIES
from sim.readings import READINGS, WHOLE
from sim.scenario import Scenario
from sim.state import ROOM

LONGEST = 10_000.0  # days of a span at most, where there are few opportunities
EVENTS = 4096  # room for the events of one replication, at first
EVENT_ROW = np.dtype(
    [("day", "f8"), ("slot", "i8"), ("n", "u8"), ("cause", "i8"), *((w, "f8", (len(READINGS),)) for w in ("before", "after"))]
)
IS_WHOLE = [name in WHOLE for name in READINGS]
TOTALS = [series.name for series in SERIES if series.total]


class Compiled:
    """The engine over the register as it is now."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.worlds = records(model.first_world(), 2)
        room = sum(ROOM if activity.each == GROUPS else 1 for activity in self.engine.dispatch.activities)
        self.room = -(-room // BLOCK) * BLOCK
        self.slots_of = lru_cache(maxsize=64)(self._slots_of)

    def _slots_of(self, groups: tuple[str, ...]) -> tuple[list[Slot], dict[str, Any]]:
        """The slots, and what the loop reads of them."""
        slots = model.slots(groups)
        hazards = [j for j, slot in enumerate(slots) if isinstance(slot.activity, Hazard)]
        others = [j for j in range(len(slots)) if j not in hazards]
        responses = [k for k, j in enumerate(others) if isinstance(slots[j].activity, Response)]
        caps = [slot.activity.cap if isinstance(slot.activity, Hazard) else 0.0 for slot in slots]
        return slots, {
            "length": min(LONGEST, SPAN / max(1e-9, sum(caps))),
            "hazards": len(hazards),
            "hazard": hazards,
            "others": len(others),
            "other": others,
            "responses": len(responses),
            "response": responses,
            "is_timer": [int(isinstance(slots[j].activity, Timer)) for j in others],
            "kind": [self.engine.dispatch.number(slot.activity) for slot in slots],
            "who": [slot.who for slot in slots],
            "stream": [slot.stream for slot in slots],
            "cap": caps,
        }


class Batch:
    """Some replications of one scenario, with room for what they give."""

    def __init__(
        self,
        of: Compiled,
        scenario: Scenario,
        seed: int,
        first: int,
        count: int,
        weekly: int,
        events: int,
        withheld: Withheld | None = None,
    ) -> None:
        self.engine = of.engine
        self.slots, values = of.slots_of(tuple(scenario.groups))
        slots, state = np.zeros(1, slots_type(of.room)), np.zeros(1, state_type(of.room))
        slots["horizon"] = scenario.horizon_days
        for name, value in values.items():
            if isinstance(value, list):
                slots[name][0, : len(value)] = value
            else:
                slots[name] = value
        self.worlds = held(of.worlds.copy())
        self.state = held(state)
        self.rows = np.zeros(count, OUTCOME_ROW).view(np.recarray)
        self.weeks = np.zeros((weekly, scenario.horizon_days // 7), WEEK_ROW).view(np.recarray)
        self.events = np.zeros(events, EVENT_ROW).view(np.recarray)
        p = held(records(scenario.record))
        self.given = (held(slots)[0], self.state[0], self.worlds, p[0], np.uint64(seed), np.uint64(first))
        if withheld is not None:
            self.withhold(withheld)

    def withhold(self, withheld: Withheld) -> None:
        """From now on, withhold this, and nothing else."""
        slots = self.given[0]
        slots.withheld[: len(self.slots)] = [int(slot.stream in withheld.streams) for slot in self.slots]
        slots.withheld_n, slots.withheld_word = withheld.n, withheld.word

    def run(self, start: int = 0) -> None:
        """All replications from that row on. What a rule raises is raised; `state` tells where."""
        self.engine(*self.given, start, self.rows, self.weeks, self.events)

    def place(self) -> tuple[float, str]:
        """The day and the activity at which it stands."""
        j = int(self.state[0].slot)
        return (float(self.state[0].day), f"{self.slots[j].actor}/{self.slots[j].activity.name}") if j >= 0 else (nan, "")

    def opportunities(self) -> Counter[str]:
        """Opportunities by activity, of every hazard."""
        found: Counter[str] = Counter()
        for slot, count in zip(self.slots, self.state[0].opportunities, strict=False):
            if isinstance(slot.activity, Hazard):
                found[slot.activity.name] += int(count)
        return found

    def saturated(self) -> Counter[str]:
        """Those whose willingness was above the cap, where there were any."""
        found: Counter[str] = Counter()
        for slot, count in zip(self.slots, self.state[0].saturated, strict=False):
            if count:
                found[slot.activity.name] += int(count)
        return found

    def week_counts(self) -> np.ndarray:
        """The rows by week; running totals have become counts of the week."""
        weeks = self.weeks.view(np.ndarray)
        weeks["day"] = 7.0 * np.arange(1, weeks.shape[1] + 1)
        for name in TOTALS:
            weeks[name][:, 1:] = np.diff(weeks[name])
        return weeks

    def log(self) -> list[Event]:
        """The event log of the last replication."""
        found: list[Event] = []
        rows = self.events.view(np.ndarray)[: int(self.state[0].events)]
        columns = [rows[name].tolist() for name in ("day", "slot", "n", "cause", "before", "after")]  # far faster than by row
        for day, j, n, by, before, after in zip(*columns, strict=True):
            slot = self.slots[j]
            cause = found[by].name if by >= 0 else ""
            activity = slot.activity
            found.append(Event(day, slot.actor, activity.name, n, cause, activity.routine, seen(before), seen(after)))
        return found


def held(made: np.ndarray) -> Any:
    """Records as the loop holds them: an array, or plain objects where nothing is compiled."""
    return made.view(np.recarray) if is_compiled() else PlainRecords(made)


def seen(values: list[float]) -> tuple[float, ...]:
    """Readings, whole numbers as such."""
    return tuple(int(v) if whole else v for whole, v in zip(IS_WHOLE, values, strict=True))


DEFAULT = Compiled()


def replicate(
    scenario: Scenario,
    seed: int,
    replication: int,
    *,
    weekly: bool = False,
    trace: bool = False,
    withheld: Withheld | None = None,
    engine: Compiled = DEFAULT,
) -> Replication:
    """One replication, as sim.engines.reference.replicate gives it.

    Args:
        seed, replication: 0 to 2^64 - 1, the key of all luck. weekly: also the series by week. trace: also the event log.
        withheld: what does not happen in it.
    """
    batch = Batch(engine, scenario, seed, replication, 1, int(weekly), EVENTS if trace else 0, withheld)
    batch.run()
    if trace and batch.state[0].events > len(batch.events):  # once more, with room for all of them
        batch = Batch(engine, scenario, seed, replication, 1, int(weekly), int(batch.state[0].events), withheld)
        batch.run()
    weeks = [(row[1], list(row[2:])) for row in batch.week_counts().ravel().tolist()]
    return Replication(
        outcomes=list(batch.rows[0].item())[1:],
        weeks=weeks,
        events=batch.log() if trace else [],
        opportunities=batch.opportunities(),
        saturated=batch.saturated(),
        world=as_object(batch.worlds[1]),
    )


def rerun(scenario: Scenario, seed: int, replication: int, withheld: Sequence[Withheld]) -> np.ndarray:
    """One replication again and again, each time with something else withheld: its outcomes, rows of MEASURED."""
    batch = Batch(DEFAULT, scenario, seed, replication, 1, 0, 0)
    rows: list[tuple[Any, ...]] = []
    for one in withheld:
        batch.withhold(one)
        batch.run()
        rows.append(tuple(batch.rows[0].item())[1:])
    return np.array(rows, MEASURED)


def prepare(scenario: Scenario) -> None:
    """Have the engine compiled, or found in the cache: the first run needs it anyway."""
    Batch(DEFAULT, scenario, 0, 0, 0, 0, 0).run()


def run_block(scenario: Scenario, seed: int, first: int, count: int, weekly: int = 0, *, engine: Compiled = DEFAULT) -> Block:
    """Replications `first` to `first + count - 1`; series by week for those below `weekly`. One that raises is a Failure."""
    began = thread_time()
    block = Block(first, count)
    batch = Batch(engine, scenario, seed, first, count, min(count, max(0, weekly - first)), 0)
    batch.state[0].row = -1
    start = 0
    while start < count:
        try:
            batch.run(start)
        except Exception as error:
            failed = int(batch.state[0].row)
            if failed < start:  # no rule raised it: the loop was not reached
                raise
            block.failures.append(Failure(first + failed, f"{type(error).__name__}: {error}", *batch.place()))
            start = failed + 1
        else:
            break
    outcomes, weeks = batch.rows.view(np.ndarray), batch.week_counts()
    outcomes["replication"] = first + np.arange(count)
    weeks["replication"] = (first + np.arange(len(weeks)))[:, None]
    lost = [failure.replication for failure in block.failures]
    block.outcomes = outcomes[~np.isin(outcomes["replication"], lost)] if lost else outcomes
    block.weeks = (weeks[~np.isin(weeks["replication"], lost)] if lost else weeks).ravel()
    block.opportunities, block.saturated = batch.opportunities(), batch.saturated()
    block.seconds = thread_time() - began
    return block
