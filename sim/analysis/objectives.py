"""Objectives: which outcomes count, in which direction, by how much. Nothing is best but by stated objectives."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import pandas as pd

DIRECTIONS = ("lower", "higher")


@dataclass(frozen=True)
class Objective:
    """One outcome that counts. direction: whether lower or higher is better. weight: the value of one unit of it."""

    outcome: str
    direction: str
    weight: float

    @property
    def sign(self) -> float:
        return 1.0 if self.direction == "higher" else -1.0

    def __str__(self) -> str:
        return f"{self.outcome}:{self.direction}:{self.weight:g}"


def read_objective(text: str) -> Objective:
    """An objective as a configuration writes it: outcome:direction:weight, or outcome:direction with a weight of 1.

    Raises:
        ValueError: with what is allowed.
    """
    parts = str(text).split(":")
    if len(parts) not in (2, 3) or parts[1] not in DIRECTIONS:
        raise ValueError("expected outcome:lower:weight or outcome:higher:weight")
    try:
        weight = float(parts[2]) if len(parts) == 3 else 1.0
    except ValueError:
        raise ValueError("expected a number for the weight") from None
    if not (isfinite(weight) and weight > 0.0):
        raise ValueError("expected a weight above 0; the direction says whether lower or higher is better")
    return Objective(parts[0], parts[1], weight)


def value(outcomes: pd.DataFrame, objectives: Sequence[Objective]) -> pd.Series:
    """The value of each row: the sum of weight times outcome, negative where lower is better. Higher is better.

    The additive value model (Keeney and Raiffa, Decisions with Multiple Objectives, 1976): linear in each outcome, so that the
    weights are rates of exchange between units.
    """
    total = pd.Series(0.0, index=outcomes.index)
    for objective in objectives:
        total = total + objective.sign * objective.weight * outcomes[objective.outcome].astype("float64")
    return total
