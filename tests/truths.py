"""Distributions whose truth is known, from which guarantees are simulated."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.random import Generator
from scipy import stats
from scipy.special import ndtr

Sample = Callable[[Generator, tuple[int, ...]], np.ndarray]


# -- differences whose true mean is exactly 0 --------------------------------------------------------------------------
def normal(rng: Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.normal(size=shape)


def exponentials(rng: Generator, shape: tuple[int, ...]) -> np.ndarray:
    """What two exponentials of different means on one luck differ by, less its mean: again an exponential."""
    return -np.log1p(-rng.random(shape)) - 1.0


def counts(rng: Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Negative binomials of mean 4, variance 20 and mean 4, variance 6, with most of their luck in common."""
    common = rng.normal(size=shape)
    u = (ndtr(0.9 * common + 0.19**0.5 * rng.normal(size=shape)) for _ in range(2))
    wide, narrow = (quantiles(n, p) for n, p in ((1.0, 0.2), (8.0, 2.0 / 3.0)))
    return np.searchsorted(wide, next(u)).astype(float) - np.searchsorted(narrow, next(u))


def quantiles(n: float, p: float) -> np.ndarray:
    """The distribution function of a negative binomial at 0, 1, 2, ...: searchsorted in it inverts it."""
    return stats.nbinom.cdf(np.arange(400), n, p)


def yes_or_no(share: float) -> Sample:
    """Differences of two yes/no outcomes: `share` of the pairs differ, either way alike."""

    def sample(rng: Generator, shape: tuple[int, ...]) -> np.ndarray:
        u = rng.random(shape)
        return (u < share / 2).astype(float) - (u >= 1.0 - share / 2)

    return sample


NUMBERS: dict[str, Sample] = {
    "normal": normal,
    "of exponentials, common luck (skewness 2)": exponentials,
    "of negative binomials, common luck": counts,
}
ANSWERS: dict[str, Sample] = {f"yes/no, {100 * s:g} % of pairs differ": yes_or_no(s) for s in (0.2, 0.02, 0.002)}
# How often a pair differs, and by how much; None: by a lognormal of which the logarithm has mean 0 and standard deviation 1.
RARE = (
    ("1 in 100, by 1", 0.01, 1.0),
    ("1 in 1,000, by 1", 0.001, 1.0),
    ("1 in 20, by a lognormal", 0.05, None),
    ("1 in 100, by a lognormal", 0.01, None),
    ("1 in 1,000, by a lognormal", 0.001, None),
)


# -- schedules on common luck ------------------------------------------------------------------------------------------
MEANS = {"base": 0.0, "near": 0.02, "edge": 0.12, "far": 0.6}
TOLERANCES = {"cost": 0.1, "attacks": 0.2, "fell": 0.02}


def family(n: int, rng: Generator) -> pd.DataFrame:
    """Four schedules on common luck: a normal cost, a skewed count, and a yes/no outcome."""
    cost, attack, fall = rng.normal(size=n), rng.normal(size=n), rng.random(n)
    parts = []
    for name, mean in MEANS.items():
        luck = ndtr(0.95 * attack + (1 - 0.95**2) ** 0.5 * rng.normal(size=n))
        own = np.where(rng.random(n) < 0.1, rng.random(n), fall)
        parts.append(
            pd.DataFrame(
                {
                    "schedule": name,
                    "scenario": name,
                    "replication": np.arange(n),
                    "cost": mean + cost + 0.5 * rng.normal(size=n),
                    "attacks": np.searchsorted(quantiles(3.0, 3.0 / (6.0 + mean)), luck).astype(float),
                    "fell": own < 0.05 + 0.1 * mean,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


TRUTH = {"cost": 1.0, "attacks": 1.0, "fell": 0.1}  # the true difference of an outcome for one of a difference of MEANS


# -- a queue -----------------------------------------------------------------------------------------------------------
def queue(rng: Generator, runs: int, customers: int = 25) -> np.ndarray:
    """Mean delay of the first customers of an M/M/1 queue, arrivals at 1, mean service 0.9, empty at first; shape (runs,).

    Lindley's recursion. Expected: 2.12449 for 25 (Law, Simulation Modeling and Analysis, section 9.4.1).
    """
    arrivals, services = rng.exponential(1.0, (customers, runs)), rng.exponential(0.9, (customers, runs))
    delay = total = np.zeros(runs)
    for i in range(1, customers):
        delay = np.maximum(0.0, delay + services[i - 1] - arrivals[i])
        total = total + delay
    return total / customers
