"""What a run is withheld: one event, one activity, all that an agent decides, or a step of the schedule.

Withheld means: when it would act, it does not; its opportunity passes, it is not in the log, and only the bookkeeping without
which the world would not go on is done (`Activity.skip`). All luck stays: every other opportunity comes on the same day with the
same draws, and what differs afterwards follows from what did not happen. An event is known by the key of its luck, which is its
name, so the same event can be withheld under any schedule.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sim import model
from sim.activity import Response
from sim.engines.block import Event
from sim.errors import RequestError, suggestion
from sim.luck import EVENT
from sim.model import Slot
from sim.readings import READINGS
from sim.scenario import Scenario

STEP = "step:"
NUMBERED = re.compile(r"(.+)#([0-9]{1,20})")
VALUE = READINGS.index("value")
SCHEDULE = ("united_states", "schedule")
FORMS = (
    "an event (militias:hardline/base attack#41, united_states/reprisal after militias:hardline/base attack#41), an activity of "
    "one actor or of all groups (militias:hardline/base attack, militias/base attack), all that an agent decides (militias), or "
    "a step of the schedule (step:<its name>)"
)


@dataclass(frozen=True)
class Withheld:
    """What is withheld, as the engines ask it.

    name: as the user named it. streams: those of the slots it is of; none, if there is nothing to withhold. n, word: the luck of
    the one event that is withheld; n = 0 for all events of these slots.
    """

    name: str
    streams: frozenset[int]
    n: int = 0
    word: int = 0

    def covers(self, stream: int, n: int, word: int) -> bool:
        """Whether an event of that stream, with the luck of n and word, is withheld."""
        return stream in self.streams and (self.n == 0 or (n == self.n and word == self.word))

    def of(self, events: Sequence[Event], scenario: Scenario) -> list[Event]:
        """Those events of a log that it would withhold."""
        slots = model.slots(tuple(scenario.groups))
        keys = [(event, *event_key(event.name, event.name, slots)) for event in events]
        return [event for event, slot, n, word in keys if self.covers(slot.stream, n, word)]


def kind_of(actor: str, activity: str) -> str:
    """The kind of an event, the same for all groups: militias/base attack."""
    return f"{actor.partition(':')[0]}/{activity}"


def kinds(scenario: Scenario) -> list[str]:
    """Every kind of event that is no bookkeeping, in the order of the register."""
    slots = model.slots(tuple(scenario.groups))
    return list(dict.fromkeys(kind_of(slot.agent, slot.activity.name) for slot in slots if not slot.activity.routine))


def withhold(name: str, scenario: Scenario, events: Sequence[Event] = ()) -> Withheld:
    """What a name stands for in a scenario.

    Args:
        events: the log of the replication without anything withheld. A step of the schedule is looked for in it, because a step
            is known by its place in the schedule and not by its luck; if it is not there, nothing is withheld.
    Raises:
        RequestError: if nothing of that name can happen in the scenario.
    """
    slots = model.slots(tuple(scenario.groups))
    if name.startswith(STEP):
        return withheld_step(name, scenario, events)
    if " after " in name or NUMBERED.fullmatch(name):
        slot, n, word = event_key(name, name, slots)
        return Withheld(name, frozenset({slot.stream}), n, word)
    found = [slot for slot in slots if name in names_of(slot)]
    if "/" not in name:
        found = [slot for slot in found if not slot.activity.routine]
    if not found:
        raise unknown(name, scenario)
    return Withheld(name, frozenset(slot.stream for slot in found))


def names_of(slot: Slot) -> tuple[str, str, str, str]:
    """What a slot may be named by: its agent, its actor, and the activity of either."""
    return slot.agent, slot.actor, f"{slot.agent}/{slot.activity.name}", f"{slot.actor}/{slot.activity.name}"


def withheld_step(name: str, scenario: Scenario, events: Sequence[Event]) -> Withheld:
    """A step of the schedule: the ring that took it, or at which it broke the schedule."""
    steps = [step.name.strip() for step in scenario.schedule.steps]
    wanted = name.removeprefix(STEP).strip()
    if wanted not in steps:
        there = f"there are: {', '.join(steps)}" if steps else "it has none"
        raise RequestError(f"event = {name!r}: no such step of {scenario.schedule.name}{suggestion(wanted, steps)}; {there}")
    for event in events:
        if (event.actor, event.activity) == SCHEDULE and int(event.before[VALUE]) == steps.index(wanted):
            slot, n, word = event_key(event.name, event.name, model.slots(tuple(scenario.groups)))
            return Withheld(name, frozenset({slot.stream}), n, word)
    return Withheld(name, frozenset())


def event_key(name: str, whole: str, slots: Sequence[Slot]) -> tuple[Slot, int, int]:
    """The slot, n and word of an event's name; what set a response off is part of its name."""
    own, after, cause = name.partition(" after ")
    if after:
        slot = slot_of(own, whole, slots)
        if not isinstance(slot.activity, Response):
            raise RequestError(f"event = {whole!r}: {own} is set off by nothing; it is named by a number: {own}#1")
        by, n, _ = event_key(cause, whole, slots)
        return slot, n, by.stream
    numbered = NUMBERED.fullmatch(name)
    if not numbered:
        raise RequestError(f"event = {whole!r}: {name} is not one event; its number is missing: {name}#1")
    slot = slot_of(numbered[1], whole, slots)
    if isinstance(slot.activity, Response):
        raise RequestError(f"event = {whole!r}: {numbered[1]} is named by what set it off: {numbered[1]} after <event>")
    n = int(numbered[2])
    if not 1 <= n < 2**64:
        raise RequestError(f"event = {whole!r}: expected a number from 1 to 2^64 - 1 after #")
    return slot, n, EVENT


def slot_of(name: str, whole: str, slots: Sequence[Slot]) -> Slot:
    """The slot of an actor's activity."""
    for slot in slots:
        if name == f"{slot.actor}/{slot.activity.name}":
            return slot
    groups = [f"{slot.actor}/{slot.activity.name}" for slot in slots if name == f"{slot.agent}/{slot.activity.name}"]
    if groups:
        raise RequestError(f"event = {whole!r}: {name} is of several groups; name one: {', '.join(groups)}")
    known = [f"{slot.actor}/{slot.activity.name}" for slot in slots]
    raise RequestError(f"event = {whole!r}: nothing is called {name}{suggestion(name, known)}; expected {FORMS}")


def unknown(name: str, scenario: Scenario) -> RequestError:
    """The refusal of a name that exists nowhere, or is that of an agent that only keeps books."""
    slots = model.slots(tuple(scenario.groups))
    if books := [slot for slot in slots if name in (slot.agent, slot.actor)]:
        known = ", ".join(dict.fromkeys(f"{name}/{slot.activity.name}" for slot in books))
        return RequestError(f"event = {name!r}: decides nothing, it only keeps books; what it does can be withheld: {known}")
    known = [*(f"{STEP}{step.name}" for step in scenario.schedule.steps), *(one for slot in slots for one in names_of(slot))]
    own = [f"{slot.agent}/{slot.activity.name}" for slot in slots if slot.activity.name == name]
    near = suggestion(own[0] if own else name, list(dict.fromkeys(known)))
    return RequestError(f"event = {name!r}: nothing is called that{near}; expected {FORMS}")
