"""Withdrawal schedules are objects: data that an analyst can read aloud, checked before anything runs.

A schedule has three clocks (announcement, mission change, physical departure) and an ordered list of steps on them. Steps happen
in the order listed: each waits for the one before it, for its own date (or so many days after an earlier step), and for its gate,
if it has one. It may also say when to pause, when to hurry and when to come back.
"""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from sim.agents import posture as engine
from sim.case import ROLES, Calendar, Posture, read_date
from sim.conditions import Condition, read_condition
from sim.parameters import Checked
from sim.rules import NEVER
from sim.state import CONDITIONS, STEPS

KINDS = {"announce": engine.ANNOUNCE, "change mission": engine.MISSION, "leave": engine.LEAVE}
CLOCKS = {"announce": "announcement", "change mission": "mission", "leave": "departure"}
Sentences = Annotated[tuple[str, ...], Field(min_length=1, max_length=CONDITIONS)]
Days = Annotated[int, Field(ge=0, le=10_000)]
Leaving = int | Literal["all"]


class ScheduleError(ValueError):
    """A schedule that cannot work; the message is one line that says which step and why."""


def readable(sentences: Any) -> Any:
    """Lists from YAML as tuples, after reading each sentence for errors."""
    if isinstance(sentences, list | tuple):
        for sentence in sentences:
            read_condition(str(sentence))
        return tuple(sentences)
    return sentences


def dated(text: str | None) -> str | None:
    """A date as text, after reading it for errors."""
    if text is not None:
        read_date(text)
    return text


class Step(Checked):
    """One step. It happens on a `date`, or `days` after the step named by `after`, once `only_if` holds; at `latest` (or when it
    has waited `wait_at_most` days) it happens anyway or the schedule is broken, as `otherwise` says."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    does: Literal["announce", "change mission", "leave"]
    date: str | None = None
    after: str | None = None
    days: Days | None = None
    troops: dict[str, Leaving] | Literal["all"] | None = None
    promise: str | None = None
    promise_days: Days | None = None
    only_if: Sentences | None = None
    latest: str | None = None
    wait_at_most: Days | None = None
    otherwise: Literal["it happens anyway", "the schedule is broken"] = "it happens anyway"

    _sentences = field_validator("only_if", mode="before")(readable)
    _dates = field_validator("date", "promise", "latest")(dated)

    @model_validator(mode="after")
    def makes_sense(self) -> "Step":
        if (self.date is None) == (self.after is None):
            raise ValueError("needs either a date or the step it comes after")
        if (self.days is None) != (self.after is None):
            raise ValueError("'after' and 'days' go together")
        if (self.troops is None) == (self.does == "leave"):
            raise ValueError("a step that leaves needs troops (by role, or all), and no other step has them")
        if self.does != "announce" and (self.promise is not None or self.promise_days is not None):
            raise ValueError("only an announcement promises")
        if self.promise is not None and self.promise_days is not None:
            raise ValueError("give a promise as a date or in days, not both")
        if self.only_if is None and (
            self.latest is not None or self.wait_at_most is not None or self.otherwise != "it happens anyway"
        ):
            raise ValueError("'latest', 'wait_at_most' and 'otherwise' belong to a step with a gate (only_if)")
        if self.otherwise == "the schedule is broken" and self.latest is None and self.wait_at_most is None:
            raise ValueError("a schedule that can break needs 'latest' or 'wait_at_most'")
        if isinstance(self.troops, dict):
            for role, number in self.troops.items():
                if role not in ROLES:
                    raise ValueError(f"unknown role {role!r}; roles are {', '.join(ROLES)}")
                if number != "all" and number < 0:
                    raise ValueError(f"cannot leave with {number} {role} troops")
        return self


class Pause(Checked):
    """At a monthly review in which `when` holds, no step happens for `days`."""

    when: Sentences
    days: Annotated[int, Field(ge=1, le=1000)]
    _sentences = field_validator("when", mode="before")(readable)


class Accelerate(Checked):
    """At the first monthly review in which `when` holds, the time left to each later step shrinks to `to_share` of it."""

    when: Sentences
    to_share: Annotated[float, Field(ge=0.0, lt=1.0)]
    _sentences = field_validator("when", mode="before")(readable)


class ComeBack(Checked):
    """Once troops have left: at the first monthly review in which `when` holds, `posture` is restored after `after_days`."""

    when: Sentences
    after_days: Days
    posture: Posture
    _sentences = field_validator("when", mode="before")(readable)

    @field_validator("posture")
    @classmethod
    def somebody(cls, posture: Posture) -> Posture:
        if posture.total == 0:
            raise ValueError("somebody has to come back: give troops by role")
        return posture


class Schedule(Checked):
    """A withdrawal schedule. offers_timetable: whether talks may fix a date. aid, human_rights: levers, 0 to 1."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_\-]{0,59}$")]
    summary: Annotated[str, Field(min_length=1, max_length=600)]
    offers_timetable: bool = True
    aid: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5
    human_rights: Annotated[float, Field(ge=0.0, le=1.0)] = 0.2
    steps: Annotated[tuple[Step, ...], Field(max_length=STEPS)] = ()
    pause: Pause | None = None
    accelerate: Accelerate | None = None
    come_back: ComeBack | None = None

    @field_validator("steps", mode="before")
    @classmethod
    def as_tuple(cls, steps: Any) -> Any:
        return tuple(steps) if isinstance(steps, list) else steps


class Plan:
    """A schedule laid out against a case: the planned day of each step (as if each gate held at once) and the posture after it.

    Raises:
        ScheduleError: naming the step and what cannot be.
    """

    def __init__(self, schedule: Schedule, calendar: Calendar, posture: Posture) -> None:
        self.schedule, self.calendar, self.start_posture = schedule, calendar, posture
        self.after = self._anchors()
        self.days: list[float] = []
        self.leaving: list[dict[str, int]] = []
        self.postures: list[dict[str, int]] = []
        there = posture.by_role()
        for k, step in enumerate(schedule.steps):
            self.days.append(self._planned(k, step))
            leaving = self._leaving(step, there)
            if step.does == "change mission":
                there = {**there, "training": there["training"] + there["combat"], "combat": 0}
            there = {role: there[role] - leaving[role] for role in ROLES}
            self.leaving.append(leaving)
            self.postures.append(there)

    def _refuse(self, step: Step, why: str) -> ScheduleError:
        return ScheduleError(f"schedule {self.schedule.name}, step '{step.name}': {why}")

    def _anchors(self) -> list[int]:
        """For each step the number of the step it comes after, or -1."""
        steps = self.schedule.steps
        names = [step.name for step in steps]
        for step in steps:
            if names.count(step.name) > 1:
                raise self._refuse(step, "another step has the same name")
        anchors = []
        for step in steps:
            if step.after is not None and step.after not in names:
                raise self._refuse(step, f"comes after '{step.after}', which is no step; steps are {', '.join(names)}")
            anchors.append(-1 if step.after is None else names.index(step.after))
        for k, step in enumerate(steps):
            seen, at = [k], anchors[k]
            while at >= 0 and at not in seen:
                seen.append(at)
                at = anchors[at]
            if at >= 0:
                raise self._refuse(
                    step, "is part of a circle of 'after': " + " after ".join(f"'{names[i]}'" for i in [*seen, at])
                )
            if anchors[k] > k:
                raise self._refuse(
                    step,
                    f"out of order: it comes after '{step.after}', which is listed below it; steps happen in the order listed",
                )
        return anchors

    def _day(self, text: str) -> float:
        return self.calendar.day(read_date(text))

    def _planned(self, k: int, step: Step) -> float:
        if step.date is not None:
            day = self._day(step.date)
            if day < 0:
                raise self._refuse(step, f"its date {step.date} is before the start, {self.calendar.start}")
        else:
            day = self.days[self.after[k]] + float(step.days or 0)
        if k and day < self.days[k - 1]:
            before = self.schedule.steps[k - 1]
            raise self._refuse(
                step,
                f"out of order: planned for {self.calendar.date(day)}, before '{before.name}' "
                f"({self.calendar.date(self.days[k - 1])}), which is listed above it",
            )
        if step.latest is not None and self._day(step.latest) < day:
            raise self._refuse(
                step, f"its latest date {step.latest} is before the day it is planned for, {self.calendar.date(day)}"
            )
        if step.promise is not None and self._day(step.promise) < day:
            raise self._refuse(step, f"promises {step.promise}, which is before the announcement, {self.calendar.date(day)}")
        return day

    def _leaving(self, step: Step, there: dict[str, int]) -> dict[str, int]:
        if step.troops is None:
            return dict.fromkeys(ROLES, 0)
        asked = dict.fromkeys(ROLES, "all") if step.troops == "all" else step.troops
        leaving = {role: there[role] if asked.get(role, 0) == "all" else int(asked.get(role, 0)) for role in ROLES}
        for role, number in leaving.items():
            if number > there[role]:
                raise self._refuse(step, f"{number} {role} troops leave but {there[role]} are there")
        if sum(leaving.values()) == 0:
            raise self._refuse(step, "nobody leaves: nobody of that role is there any more")
        return leaving

    def promise(self, k: int) -> float:
        """The promised day of an announcement, NEVER if it promises none."""
        step = self.schedule.steps[k]
        if step.promise is not None:
            return self._day(step.promise)
        return NEVER if step.promise_days is None else self.days[k] + step.promise_days

    def marks(self) -> list[dict[str, Any]]:
        """One row a step: step, clock, date, conditional (gated), promise (a date or None)."""
        rows = []
        for k, step in enumerate(self.schedule.steps):
            promised = self.promise(k)
            rows.append(
                {
                    "step": step.name,
                    "clock": CLOCKS[step.does],
                    "date": self.calendar.date(self.days[k]),
                    "conditional": step.only_if is not None,
                    "promise": None if promised == NEVER else self.calendar.date(promised),
                }
            )
        return rows

    def troops(self) -> list[tuple[date, int]]:
        """The planned number of troops: the start's, and that after each departure."""
        path = [(self.calendar.start, self.start_posture.total)]
        for k, step in enumerate(self.schedule.steps):
            if step.does == "leave":
                path.append((self.calendar.date(self.days[k]), sum(self.postures[k].values())))
        return path

    def record(self) -> dict[str, Any]:
        """The schedule as the engines' record reads it: numbers only, one place a step; gates STEPS to STEPS + 2 are those of
        pause, acceleration and return."""
        schedule, steps = self.schedule, self.schedule.steps
        gates: list[tuple[str, ...]] = [step.only_if or () for step in steps] + [()] * (STEPS - len(steps))
        gates += [extra.when if extra else () for extra in (schedule.pause, schedule.accelerate, schedule.come_back)]
        conditions = [[read_condition(sentence) for sentence in gate] for gate in gates]
        filler = Condition("", 0, 0.0, True, 0.0)
        flat = [c for gate in conditions for c in (gate + [filler] * CONDITIONS)[:CONDITIONS]]

        def per_step(values: list[Any], filler: Any) -> list[Any]:
            return (values + [filler] * STEPS)[:STEPS]

        def day_or_never(text: str | None) -> float:
            return NEVER if text is None else self._day(text)

        back = schedule.come_back
        return {
            "steps": len(steps),
            "kind": per_step([KINDS[s.does] for s in steps], 0),
            "day": per_step([0.0 if s.date is None else self._day(s.date) for s in steps], NEVER),
            "after": per_step(list(self.after), -1),
            "days": per_step([float(s.days or 0) for s in steps], 0.0),
            "latest": per_step([day_or_never(s.latest) for s in steps], NEVER),
            "wait": per_step([NEVER if s.wait_at_most is None else float(s.wait_at_most) for s in steps], NEVER),
            "breaks": per_step([int(s.otherwise == "the schedule is broken") for s in steps], 0),
            "promise": per_step([day_or_never(s.promise) for s in steps], NEVER),
            "promise_days": per_step([NEVER if s.promise_days is None else float(s.promise_days) for s in steps], NEVER),
            **{
                f"leave_{short}": per_step([leaving[role] for leaving in self.leaving], 0)
                for role, short in zip(ROLES, ("combat", "training", "enablers", "special"), strict=True)
            },
            "conditions": [len(gate) for gate in conditions],
            "indicator": [c.indicator for c in flat],
            "window": [c.window for c in flat],
            "at_least": [int(c.at_least) for c in flat],
            "threshold": [c.threshold for c in flat],
            "offers_timetable": int(schedule.offers_timetable),
            "aid": float(schedule.aid),
            "human_rights": float(schedule.human_rights),
            "pauses": int(schedule.pause is not None),
            "pause_days": float(schedule.pause.days) if schedule.pause else 0.0,
            "accelerates": int(schedule.accelerate is not None),
            "pace": float(schedule.accelerate.to_share) if schedule.accelerate else 1.0,
            "returns": int(back is not None),
            "return_days": float(back.after_days) if back else 0.0,
            "return_combat": back.posture.combat if back else 0,
            "return_training": back.posture.training if back else 0,
            "return_enablers": back.posture.enablers if back else 0,
            "return_special": back.posture.special_operations if back else 0,
        }
