"""What an engine gives back: a replication, and a block of replications of one scenario."""

from collections import Counter
from dataclasses import dataclass, field
from math import nan
from typing import Any

import numpy as np

from sim.outcomes import COUNT, OUTCOMES, SERIES, YES_NO

SATURATION_LIMIT = 0.001  # share of opportunities above their cap that is still called harmless
KINDS = {COUNT: "i8", YES_NO: "?"}  # the others are floats
# the outcomes of a run, a row of their table, and a row of the series by week
COLUMNS = [(o.name, KINDS.get(o.kind, "f8")) for o in OUTCOMES]
MEASURED = np.dtype(COLUMNS)
OUTCOME_ROW = np.dtype([("replication", "i8"), *COLUMNS], align=True)
WEEK_ROW = np.dtype([("replication", "i8"), ("day", "f8"), *((s.name, "i8" if s.total or s.whole else "f8") for s in SERIES)])


@dataclass
class Replication:
    """One run of one scenario.

    outcomes: values in the order of outcomes.OUTCOMES. weeks: rows (day, values in the order of outcomes.SERIES) or empty.
    events: the event log, or empty. opportunities, saturated: counts by activity; saturated ones had a willingness above the cap.
    """

    outcomes: list[Any]
    weeks: list[tuple[float, list[Any]]] = field(default_factory=list)
    events: list["Event"] = field(default_factory=list)
    opportunities: Counter[str] = field(default_factory=Counter)
    saturated: Counter[str] = field(default_factory=Counter)
    world: Any = None


@dataclass(frozen=True)
class Event:
    """One thing that happened. An event is named by its actor, activity and n, which counts the activity's opportunities or
    rings; a response by its actor, activity and cause, n being the cause's. The name outlives the run: the same opportunity
    under another schedule has the same name. before and after: the readings named in READINGS."""

    day: float
    actor: str
    activity: str
    n: int
    cause: str  # the name of the event that set it off, or ""
    routine: bool
    before: tuple[float, ...]
    after: tuple[float, ...]

    @property
    def name(self) -> str:
        return event_name(self.actor, self.activity, self.n, self.cause)


def event_name(actor: str, activity: str, n: int, cause: str) -> str:
    """militias:hardline/base attack#41, or united_states/reprisal after militias:hardline/base attack#41."""
    return f"{actor}/{activity} after {cause}" if cause else f"{actor}/{activity}#{n}"


@dataclass
class Failure:
    """A replication that raised: data, not the end of the study.

    day, activity: when, and which activity of whom was looked at or acted (militias:hardline/base attack); nan and "" if it
    raised before the first of them, or if the worker that ran it died.
    """

    replication: int
    message: str
    day: float = nan
    activity: str = ""


@dataclass
class Block:
    """Replications `first` to `first + count - 1` of one scenario.

    outcomes, weeks: structured arrays of OUTCOME_ROW and WEEK_ROW, by replication and week; what failed is missing.
    """

    first: int
    count: int
    outcomes: np.ndarray = field(default_factory=lambda: np.zeros(0, OUTCOME_ROW))
    weeks: np.ndarray = field(default_factory=lambda: np.zeros(0, WEEK_ROW))
    failures: list[Failure] = field(default_factory=list)
    opportunities: Counter[str] = field(default_factory=Counter)
    saturated: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0  # processor time

    def __post_init__(self) -> None:
        if not 0 <= self.first <= self.first + self.count <= 2**63:
            raise ValueError(f"first = {self.first}, count = {self.count}: expected replications below 2^63 in a block")
