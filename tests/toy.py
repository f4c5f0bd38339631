"""A simulator whose posterior is known, in a module of its own: worker processes import little to have it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Toy:
    """Counts of a Poisson rate, so many windows."""

    size: int

    def __call__(self, values: Mapping[str, float], replication: int) -> np.ndarray:
        return np.random.default_rng([7, replication]).poisson(values["toy.rate"], self.size)
