"""Which runs end badly: a limit on one outcome, or a yes-or-no outcome that happens."""

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from experiments.conclusions import known_outcome
from sim.errors import RequestError
from sim.outcomes import BY_NAME, YES_NO

if TYPE_CHECKING:
    import numpy as np

SENSES = ("at_least", "at_most")


@dataclass(frozen=True)
class Bad:
    """A run is bad if its outcome, or the difference between its two schedules, is at_least or at_most the number."""

    outcome: str
    sense: str
    number: float

    def of(self, values: "np.ndarray") -> "np.ndarray":
        return values >= self.number if self.sense == "at_least" else values <= self.number


def read_bad(text: str, difference: bool = False) -> Bad:
    """What is bad, as a configuration writes it: outcome:at_least:number, outcome:at_most:number, or a yes-or-no outcome.

    Args:
        difference: of two schedules; a yes-or-no outcome alone then means: under the second schedule, and not under the first.
    Raises:
        RequestError
    """
    name, *rest = text.split(":")
    known_outcome("bad", name)
    if not rest:
        if BY_NAME[name].kind != YES_NO:
            raise RequestError(f"bad = {text!r}: expected {name}:at_least:number or {name}:at_most:number")
        return Bad(name, "at_least", 1.0)
    if len(rest) != 2 or rest[0] not in SENSES:
        raise RequestError(f"bad = {text!r}: expected outcome:at_least:number, outcome:at_most:number or a yes-or-no outcome")
    try:
        number = float(rest[1])
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise RequestError(f"bad = {text!r}: expected a number, not {rest[1]!r}")
    return Bad(name, rest[0], number)
