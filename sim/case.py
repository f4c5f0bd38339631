"""The case: the day it starts, the posture found there, and the dates that the calendar brings."""

import re
from datetime import date, timedelta
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from sim.agents.dated import KINDS, LASTING
from sim.parameters import Checked
from sim.rules import NEVER

ROLES = ("combat", "training", "enablers", "special_operations")
PLACES = 16  # room for that many elections, kinds of anniversary, and months of Ramadan
DATED = 48  # room for that many dated events
YEARS = 13  # from the year before the start to beyond the longest horizon
DATE = re.compile(r"\d{4}-\d\d-\d\d")
Troops = Annotated[int, Field(ge=0, le=200_000)]


def read_date(text: str) -> date:
    """A date written as 2021-04-07. Raises ValueError with what was found."""
    try:
        found = date.fromisoformat(text) if DATE.fullmatch(text) else None
    except (TypeError, ValueError):
        found = None
    if found is None:
        raise ValueError(f"expected a date such as 2021-04-07, found {text!r}")
    if not 1990 <= found.year <= 2100:
        raise ValueError(f"expected a date between 1990 and 2100, found {text!r}")
    return found


class Posture(Checked):
    """Troops by role."""

    combat: Troops = 0
    training: Troops = 0
    enablers: Troops = 0
    special_operations: Troops = 0

    @property
    def total(self) -> int:
        return self.combat + self.training + self.enablers + self.special_operations

    def by_role(self) -> dict[str, int]:
        return {role: getattr(self, role) for role in ROLES}


class DatedEvent(Checked):
    """An event of a past stretch, given as input. days: how long it lasts, for the kinds that last."""

    date: str
    what: Literal[tuple(KINDS)]  # ty: ignore[invalid-type-form] one list of kinds, also for the engines
    days: Annotated[int, Field(ge=1, le=1000)] | None = None

    def known_on(self, day: date) -> "DatedEvent":
        """Itself, without its days if it is still going on on that day."""
        going_on = self.days is not None and read_date(self.date) + timedelta(days=self.days) > day
        return self.model_copy(update={"days": None}) if going_on else self

    @field_validator("date")
    @classmethod
    def dated(cls, text: str) -> str:
        read_date(text)
        return text

    @model_validator(mode="after")
    def lasts(self) -> "DatedEvent":
        if (self.days is not None) != (self.what in LASTING):
            raise ValueError(f"{' and '.join(LASTING)} need days, and no other kind has them")
        return self


class Case(Checked):
    """What is found on the first day. Dates are text as in 2021-04-07, anniversaries as in 01-03 (month and day, every year).

    reference: the posture at which presence and the effort against ISIS count as 1; the one found on the first day, if none.
    events: dated events, given as input. given_until: the day from which on such events come by the agents' own hazards.
    """

    posture: Posture
    last_us_death: str
    dialogue_gap: Annotated[float, Field(ge=14.0, le=2000.0)]  # days between dialogue rounds, mean
    cost: Annotated[float, Field(ge=0.0, le=20.0)]  # million USD per troop and year, an accounting price
    elections: tuple[str, ...] = Field(max_length=PLACES)
    anniversaries: tuple[str, ...] = Field(max_length=PLACES)
    source: str
    reference: Posture | None = None
    events: tuple[DatedEvent, ...] = Field((), max_length=DATED)
    given_until: str | None = None

    @field_validator("elections", "anniversaries", "events", mode="before")
    @classmethod
    def as_tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("last_us_death", "elections")
    @classmethod
    def dates(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for text in [value] if isinstance(value, str) else value:
            read_date(text)
        return value

    @field_validator("anniversaries")
    @classmethod
    def days_of_the_year(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            try:
                read_date(f"2023-{text}")
            except ValueError:
                raise ValueError(f"expected a month and a day such as 01-03, found {text!r}") from None
        return value

    @field_validator("given_until")
    @classmethod
    def until(cls, text: str | None) -> str | None:
        if text is not None:
            read_date(text)
        return text

    @field_validator("posture", "reference")
    @classmethod
    def somebody_there(cls, posture: Posture | None) -> Posture | None:
        if posture is not None and posture.total == 0:
            raise ValueError("at least one soldier must be there on the first day: effects are measured against that posture")
        return posture

    @model_validator(mode="after")
    def known(self) -> "Case":
        if self.events and self.given_until is None:
            raise ValueError("dated events need given_until, the day from which on such events come by themselves")
        for event in self.events:
            if self.given_until is not None and read_date(event.date) >= read_date(self.given_until):
                raise ValueError(f"events: {event.what!r} on {event.date} is not before given_until, {self.given_until}")
        return self

    def known_on(self, last: date) -> "Case":
        """The case as it was known at the end of that day: no later event, and from the next day on they come by themselves. How
        long an event lasts that is not over by then is not known: it has no days."""
        if self.given_until is None:
            return self
        after = last + timedelta(days=1)
        events = tuple(event.known_on(after) for event in self.events if read_date(event.date) <= last)
        return self.model_copy(update={"events": events, "given_until": min(after, read_date(self.given_until)).isoformat()})


class Calendar:
    """Days since the start, and dates."""

    def __init__(self, start: date) -> None:
        self.start = start

    def day(self, when: date) -> float:
        return float((when - self.start).days)

    def date(self, day: float) -> date:
        return self.start + timedelta(days=int(day // 1))

    def every_year(self, texts: tuple[str, ...]) -> list[float]:
        """The days of these anniversaries (month and day), from the year before the start on, soonest first."""
        years = range(self.start.year - 1, self.start.year - 1 + YEARS)
        return sorted(self.day(date.fromisoformat(f"{year}-{text}")) for year in years for text in texts)

    @cached_property
    def ramadans(self) -> list[tuple[float, float]]:
        """First day and day after the last of each Ramadan from the year of the start on, by the tabular (civil) calendar,
        which is within a day or two of what is announced (Reingold and Dershowitz, Calendrical Calculations)."""
        first = int((self.start.year - 622) * 33 / 32) - 1
        return [(self.day(islamic(year, 9, 1)), self.day(islamic(year, 10, 1))) for year in range(first, first + PLACES)]


def islamic(year: int, month: int, day: int) -> date:
    """The Gregorian date of a date in the tabular Islamic calendar (civil epoch, leap years 2, 5, 7, 10, 13, 16, ...)."""
    days = (year - 1) * 354 + (3 + 11 * year) // 30 + 29 * (month - 1) + month // 2 + day - 1
    return date(622, 7, 19) + timedelta(days=days)


def places(days: list[float], room: int = PLACES) -> list[float]:
    """A list of fixed length for the engines' record; what is not used lies beyond every horizon."""
    return (days + [NEVER] * room)[:room]


def record_of(case: Case, calendar: Calendar) -> dict[str, Any]:
    """The case as the engines' record reads it: numbers only, days since the start."""
    ramadans = calendar.ramadans
    reference = case.reference or case.posture
    events = sorted(case.events, key=lambda event: event.date)
    days = [calendar.day(read_date(event.date)) for event in events]
    return {
        "combat": case.posture.combat,
        "training": case.posture.training,
        "enablers": case.posture.enablers,
        "special": case.posture.special_operations,
        "reference_combat": reference.combat,
        "reference_training": reference.training,
        "reference_enablers": reference.enablers,
        "reference_special": reference.special_operations,
        "reference_troops": reference.total,
        "given_until": 0.0 if case.given_until is None else calendar.day(read_date(case.given_until)),
        "dated": len(events),
        "dated_day": places(days, DATED),
        "dated_kind": ([KINDS[event.what] for event in events] + [-1] * DATED)[:DATED],
        "dated_lasts": places([float(event.days or 0) for event in events], DATED),
        "dialogue_gap": float(case.dialogue_gap),
        "cost": float(case.cost),
        "last_us_death": calendar.day(read_date(case.last_us_death)),
        "elections": places([calendar.day(read_date(text)) for text in case.elections]),
        "anniversaries": places(calendar.every_year(case.anniversaries), PLACES * YEARS),
        "ramadan_from": places([first for first, _ in ramadans]),
        "ramadan_to": places([last for _, last in ramadans]),
    }
