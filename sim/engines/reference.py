"""The reference engine: each activity of each agent is a process in a SimPy environment that sleeps, looks and acts.

Made to be read, stepped through and believed. Priorities decide ties, so any engine that keeps them gives the same history.
"""

from collections.abc import Generator, Sequence
from heapq import heappush
from math import log, nan, nextafter
from time import thread_time
from typing import Any

import numpy as np
import simpy

from sim import model
from sim.activity import Hazard, Response, Timer
from sim.engines.block import MEASURED, OUTCOME_ROW, WEEK_ROW, Block, Event, Failure, Replication, event_name
from sim.engines.withheld import Withheld
from sim.luck import EVENT, TIMING, Luck, draw, draws
from sim.model import Slot
from sim.outcomes import SERIES, measure, week
from sim.readings import read
from sim.rules import NEVER
from sim.scenario import Scenario
from sim.state import plain

WEEK = 7.0


class Sleep(simpy.Event):
    """A timeout to an absolute day, with the priority that decides ties: SimPy's own Timeout takes a delay and has no priority.

    It enters the queue itself, as Timeout does, because `now + (day - now)` would lose the last bit of a day, and with it the
    certainty that two engines order events alike.
    """

    def __init__(self, env: simpy.Environment, day: float, priority: int) -> None:
        self.env = env
        self.callbacks = []
        self._ok, self._value = True, None
        queue: list[Any] = env._queue
        heappush(queue, (day, priority, next(env._eid), self))


class Run:
    """One replication under way."""

    def __init__(
        self, scenario: Scenario, seed: int, replication: int, weekly: bool, trace: bool, withheld: Withheld | None
    ) -> None:
        self.seed, self.replication, self.trace, self.withheld = seed, replication, trace, withheld
        self.horizon = float(scenario.horizon_days)
        self.p = plain("parameters", scenario.record)
        self.world = plain("world", model.first_world())
        self.slots = model.slots(tuple(scenario.groups))
        self.responses = [(slot, slot.activity) for slot in self.slots if isinstance(slot.activity, Response)]
        self.due = {slot.priority: NEVER for slot, _ in self.responses}  # when each response is due, as last seen
        self.settings = {slot.priority: 0 for slot, _ in self.responses}  # how often that day was set
        self.seen = {slot.priority: 0 for slot in self.slots if isinstance(slot.activity, Hazard)}  # opportunities so far
        self.result = Replication([])
        self.asked: Slot | None = None  # whose rules are being asked
        self.env = simpy.Environment()
        model.begin(self.world, self.p)
        for slot in self.slots:
            if isinstance(slot.activity, Hazard):
                self.env.process(self.opportunities(slot, slot.activity))
            elif isinstance(slot.activity, Timer):
                self.env.process(self.rings(slot, slot.activity))
        if weekly:
            self.env.process(self.weeks(len(self.slots) + 1))

    def finish(self) -> Replication:
        """Run to the horizon and measure. What a rule raises is raised, with the place where it did (`place_of` reads it)."""
        try:
            self.env.run(until=nextafter(self.horizon, NEVER))  # the last day counts
        except Exception as error:
            if self.asked is not None:
                vars(error)["place"] = (float(self.env.now), f"{self.asked.actor}/{self.asked.activity.name}")
            raise
        self.result.world = self.world
        for slot in self.slots:
            if slot.priority in self.seen:
                self.result.opportunities[slot.activity.name] += self.seen[slot.priority]
        self.result.outcomes = measure(self.world, self.p, self.horizon)
        return self.result

    def opportunities(self, slot: Slot, activity: Hazard) -> Generator[Sleep, None, None]:
        """Sleep to the next opportunity; take it with probability willingness / cap."""
        cap, willingness, priority, day = activity.cap, activity.willingness, slot.priority, 0.0
        for n, (gap, take, _, _) in enumerate(draws(self.seed, self.replication, slot.stream, TIMING), start=1):
            day -= log(1.0 - gap) / cap
            yield Sleep(self.env, day, priority)
            self.seen[priority], self.asked = n, slot
            rate = willingness(self.world, self.p, day, slot.who)
            if rate > cap:
                self.result.saturated[activity.name] += 1
            if take * cap < rate:
                self.happen(slot, day, n, EVENT, draw(self.seed, self.replication, slot.stream, n, EVENT), "")

    def rings(self, slot: Slot, activity: Timer) -> Generator[Sleep, None, None]:
        """Sleep to the day the timer names; act if ready."""
        day = activity.next(self.world, self.p, 0.0, slot.who)
        for n, luck in enumerate(draws(self.seed, self.replication, slot.stream, EVENT), start=1):
            if day == NEVER:
                return
            yield Sleep(self.env, day, slot.priority)
            self.asked = slot
            if activity.ready(self.world, self.p, day, slot.who):
                self.happen(slot, day, n, EVENT, luck, "")
            day = activity.next(self.world, self.p, day, slot.who)

    def answer(self, slot: Slot, due: float, n: int, word: int, cause: str) -> Generator[Sleep, None, None]:
        """Sleep to the day a response is due (at once if that has passed). If it was put off, hurried or cancelled meanwhile,
        another process has it, or none: the latest event that set it counts."""
        day, setting = max(due, self.env.now), self.settings[slot.priority]
        yield Sleep(self.env, day, slot.priority)
        self.asked = slot
        if self.settings[slot.priority] == setting:
            self.happen(slot, day, n, word, draw(self.seed, self.replication, slot.stream, n, word), cause)

    def happen(self, slot: Slot, day: float, n: int, word: int, luck: Luck, cause: str) -> None:
        """An event: it acts on the world, is logged, and may provoke responses; or it is withheld. n, word: which luck."""
        if self.withheld is not None and self.withheld.covers(slot.stream, n, word):
            slot.activity.skip(self.world, self.p, day, slot.who, luck)
        elif self.trace:
            before = read(self.world, self.p, slot)
            slot.activity.act(self.world, self.p, day, slot.who, luck)
            after = read(self.world, self.p, slot)
            self.result.events.append(Event(day, slot.actor, slot.activity.name, n, cause, slot.activity.routine, before, after))
        else:
            slot.activity.act(self.world, self.p, day, slot.who, luck)
        for response, activity in self.responses:
            due = activity.due(self.world, self.p, response.who)
            if due != self.due[response.priority]:
                self.due[response.priority] = due
                self.settings[response.priority] += 1
                if due < NEVER:
                    self.env.process(
                        self.answer(response, due, n, slot.stream, event_name(slot.actor, slot.activity.name, n, cause))
                    )

    def weeks(self, priority: int) -> Generator[Sleep, None, None]:
        """At each week's end, after everything else of that day: a row of the series. Running totals become the week's counts."""
        before = [0] * len(SERIES)
        day = WEEK
        while True:
            yield Sleep(self.env, day, priority)
            now = week(self.world, self.p, day)
            self.result.weeks.append((day, [x - b if s.total else x for s, x, b in zip(SERIES, now, before, strict=True)]))
            before, day = now, day + WEEK


def replicate(
    scenario: Scenario,
    seed: int,
    replication: int,
    *,
    weekly: bool = False,
    trace: bool = False,
    withheld: Withheld | None = None,
) -> Replication:
    """One replication. The same scenario, seed and replication always give the same bytes, whatever is recorded.

    Args:
        seed, replication: 0 to 2^64 - 1, the key of all luck. weekly: also the series by week. trace: also the event log.
        withheld: what does not happen in it.
    """
    return Run(scenario, seed, replication, weekly, trace, withheld).finish()


def rerun(scenario: Scenario, seed: int, replication: int, withheld: Sequence[Withheld]) -> np.ndarray:
    """One replication again and again, each time with something else withheld: its outcomes, rows of MEASURED."""
    rows = [tuple(replicate(scenario, seed, replication, withheld=one).outcomes) for one in withheld]
    return np.array(rows, MEASURED)


def place_of(error: Exception) -> tuple[float, str]:
    """The day and the activity at which a run raised, where that is known."""
    return vars(error).get("place", (nan, ""))


def run_block(scenario: Scenario, seed: int, first: int, count: int, weekly: int = 0) -> Block:
    """Replications `first` to `first + count - 1`; series by week for those below `weekly`. One that raises is a Failure."""
    block = Block(first, count)
    rows: list[tuple[Any, ...]] = []
    weeks: list[tuple[Any, ...]] = []
    began = thread_time()
    for replication in range(first, first + count):
        try:
            result = replicate(scenario, seed, replication, weekly=replication < weekly)
        except Exception as error:
            block.failures.append(Failure(replication, f"{type(error).__name__}: {error}", *place_of(error)))
            continue
        rows.append((replication, *result.outcomes))
        weeks.extend((replication, day, *values) for day, values in result.weeks)
        block.opportunities.update(result.opportunities)
        block.saturated.update(result.saturated)
    block.outcomes, block.weeks = np.array(rows, OUTCOME_ROW), np.array(weeks, WEEK_ROW)
    block.seconds = thread_time() - began
    return block
