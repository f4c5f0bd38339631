"""Designs: points spread over the ranges of some continuous parameters, each of them a scenario."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, isfinite, log
from typing import TYPE_CHECKING, Any

from sim.parameters import Parameter

if TYPE_CHECKING:
    import numpy as np

DESIGNS = ("latin_hypercube", "sobol", "halton", "random")
SIGNIFICANT = 12  # digits of a value: what differs beyond them is of the machine's arithmetic


@dataclass(frozen=True)
class Axis:
    """One parameter that is varied, uniformly from low to high, or uniformly in its logarithm."""

    key: str
    low: float
    high: float
    logarithmic: bool = False

    def at(self, u: float) -> float:
        """The value at a share u, 0 to 1, of the way."""
        if self.logarithmic:
            value = exp(log(self.low) + u * (log(self.high) - log(self.low)))
        else:
            value = self.low + u * (self.high - self.low)
        return float(f"{value:.{SIGNIFICANT}g}")


def read_axis(text: str, ranges: dict[str, tuple[float, float]]) -> Axis:
    """An axis as a configuration writes it: key, key:low:high or key:low:high:log.

    Args:
        ranges: the range to take where none is given, by key.
    Raises:
        ValueError: with what is allowed.
    """
    key, *rest = str(text).split(":")
    if not rest:
        if key not in ranges:
            raise ValueError("no declared parameter of that key, so its range is needed: key:low:high")
        return Axis(key, *ranges[key])
    if len(rest) not in (2, 3) or (len(rest) == 3 and rest[2] != "log"):
        raise ValueError("expected key, key:low:high or key:low:high:log")
    try:
        low, high = float(rest[0]), float(rest[1])
    except ValueError:
        raise ValueError("expected numbers for low and high") from None
    if not (isfinite(low) and isfinite(high) and low < high):
        raise ValueError("expected low below high")
    if len(rest) == 3 and low <= 0.0:
        raise ValueError("expected a low above 0 for log")
    return Axis(key, low, high, len(rest) == 3)


def points(design: str, count: int, axes: Sequence[Axis], seed: int) -> list[tuple[float, ...]]:
    """The points of a design, each a value for every axis.

    Args:
        design: one of DESIGNS. seed: of the design's own randomness (the scrambling of sobol and halton).
    Raises:
        ValueError: for another design, or a sobol design whose number of points is no power of two (it would not be balanced).
    Source: scipy.stats.qmc; Owen, "Scrambled Sobol and Niederreiter-Xing points", J. Complexity 14 (1998).
    """
    shares = filling(design, count, len(axes), seed)
    return [tuple(axis.at(float(u)) for axis, u in zip(axes, row, strict=True)) for row in shares]


def prior_draws(parameters: Sequence[Parameter], count: int, seed: int) -> list[dict[str, float]]:
    """Draws of parameters from their priors, independent of each other and spread evenly over each (a Latin hypercube), by key.

    Source: McKay, Beckman and Conover, Technometrics 21 (1979).
    """
    return [
        {p.key: float(f"{p.prior(float(u)):.{SIGNIFICANT}g}") for p, u in zip(parameters, row, strict=True)}
        for row in filling("latin_hypercube", count, len(parameters), seed)
    ]


def filling(design: str, count: int, d: int, seed: int) -> "np.ndarray":
    """Points of a design in the unit cube, shape (count, d). Raises ValueError as `points` does."""
    import numpy as np
    from scipy.stats import qmc

    if design == "sobol":
        if count & (count - 1):
            below = 1 << (count.bit_length() - 1)
            raise ValueError(f"expected a power of two for a sobol design, such as {below} or {2 * below}")
        return qmc.Sobol(d, rng=np.random.default_rng(seed)).random(count)
    if design == "latin_hypercube":
        return qmc.LatinHypercube(d, rng=np.random.default_rng(seed)).random(count)
    if design == "halton":
        return qmc.Halton(d, rng=np.random.default_rng(seed)).random(count)
    if design == "random":
        return np.random.default_rng(seed).random((count, d))
    raise ValueError(f"expected one of {', '.join(DESIGNS)}")


def with_values(config: dict[str, Any], values: dict[str, float]) -> dict[str, Any]:
    """A configuration with some keys (dotted) set; the parts that change are copied, the given one stays as it is. Where a whole
    number stands, the value is rounded.

    Raises:
        KeyError: if a key does not lead to a value.
    """
    made = dict(config)
    for key, value in values.items():
        *way, last = key.split(".")
        here = made
        for part in way:
            if not isinstance(here.get(part), dict):
                raise KeyError(key)
            here[part] = dict(here[part])
            here = here[part]
        if isinstance(here.get(last), dict | list | str) or (last not in here and way[:1] != ["schedule"]):
            raise KeyError(key)
        here[last] = round(value) if type(here.get(last)) is int else value
    return made


def value_at(config: dict[str, Any], key: str) -> float:
    """The number that stands at a dotted key."""
    here: Any = config
    for part in key.split("."):
        here = here[part]
    return float(here)
