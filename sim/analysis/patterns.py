"""Statistics by which a simulation is held against patterns: severity, dispersion, memory, season; and the rows of their table.

Most are functions of sums over replications (`moments`, `lagged`), so that resampling replications only weighs these sums anew
(`resampled`). All take sums or counts in the last axis and anything in front of it.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from math import isnan, nan

import numpy as np

from sim.analysis.resampling import percentile_interval, weights

MEAN, ONE_RECORD = "mean", "one record"  # what an interval is of
INPUT, EMERGENT, RECORD = "input", "emergent", "record"
KINDS = {
    EMERGENT: "what mechanisms give that were not set to give it",
    RECORD: "a figure of the record beside the same figure of the model",
    INPUT: "what was put in comes out again; the expected range is the prior of that input, so being inside is no evidence",
}
PUT_IN = "as put in"
BOOTSTRAP = 1000  # resamples of an interval
STEEPEST = 20.0  # exponents are looked for up to here
LARGEST_RISE = 1000.0
HALVINGS = 60  # of an interval that is searched: beyond the digits of a float


# -- severity ------------------------------------------------------------------------------------------------------------
def exponent(frequency: np.ndarray, least: int = 1) -> np.ndarray:
    """The exponent of a discrete power law, P(k) ~ k^-exponent for k from `least` to a largest value: the likelihood's maximum.

    Args:
        frequency: shape (..., K): how often each of k = least, least + 1, ..., least + K - 1 was found; the last is the largest
            value there can be.
    Returns:
        shape (...); nan where nothing was found; 0 or 20 where the maximum lies beyond them.
    Source: Clauset, Shalizi and Newman, Power-law distributions in empirical data, SIAM Review 51 (2009), appendix B; the sum is
    over the values there can be, as the law is truncated.
    """
    frequency = np.asarray(frequency, dtype=float)
    logs = np.log(np.arange(least, least + frequency.shape[-1]))
    with np.errstate(invalid="ignore"):
        mean = frequency @ logs / frequency.sum(axis=-1)
    return bisected(lambda a: mean_log(a, logs) - mean, np.zeros_like(mean), np.full_like(mean, STEEPEST))


def mean_log(steepness: np.ndarray, logs: np.ndarray) -> np.ndarray:
    """The mean logarithm under a power law on values of these logarithms; it falls with the exponent."""
    weight = np.exp(-steepness[..., None] * (logs - logs[0]))
    return weight @ logs / weight.sum(axis=-1)


def tail_share(steepness: float, at_least: int, least: int, most: int) -> float:
    """P(k at least so much) under a power law on whole numbers from `least` to `most`."""
    weight = np.arange(least, most + 1, dtype=float) ** -steepness
    return float(weight[at_least - least :].sum() / weight.sum())


# -- dispersion and memory -----------------------------------------------------------------------------------------------
def moments(counts: np.ndarray) -> np.ndarray:
    """The sums that `variance_to_mean` needs, shape (..., 3), of counts of shape (..., t); nan stands for no count."""
    there = np.isfinite(counts)
    x = np.where(there, counts, 0.0)
    return np.stack([there.sum(axis=-1), x.sum(axis=-1), (x * x).sum(axis=-1)], axis=-1)


def variance_to_mean(sums: np.ndarray) -> np.ndarray:
    """Variance over mean: 1 for a Poisson count, 1 + mean / size for a negative binomial one."""
    n, x, xx = np.moveaxis(sums, -1, 0)
    return (xx - x * x / n) / (n - 1.0) / (x / n)


def surplus(counts: np.ndarray, means: np.ndarray) -> np.ndarray:
    """The sums that `size` needs, shape (..., 2), of counts and their known means, both of shape (..., t)."""
    return np.stack([(means**2).sum(axis=-1), ((counts - means) ** 2 - counts).sum(axis=-1)], axis=-1)


def size(sums: np.ndarray) -> np.ndarray:
    """The size of negative-binomial counts whose means are known but for a common factor of 1: by moments, as their variance is
    mean + mean^2 / size. Infinite or below 0 where they vary no more than Poisson counts."""
    squares, beyond = np.moveaxis(sums, -1, 0)
    with np.errstate(divide="ignore"):
        return squares / beyond


def lagged(series: np.ndarray, lag: int) -> np.ndarray:
    """The sums that `autocorrelation` needs, shape (..., 6), of series of shape (..., t)."""
    x, y = series[..., :-lag].astype(float), series[..., lag:].astype(float)
    parts = [np.ones_like(x), x, y, x * x, y * y, x * y]
    return np.stack([part.sum(axis=-1) for part in parts], axis=-1)


def autocorrelation(sums: np.ndarray) -> np.ndarray:
    """The correlation of a series with itself a lag later."""
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    return (xy - x * y / n) / np.sqrt((xx - x * x / n) * (yy - y * y / n))


def ratio(sums: np.ndarray) -> np.ndarray:
    """The first sum over the second."""
    return sums[..., 0] / sums[..., 1]


def mean(sums: np.ndarray) -> np.ndarray:
    """The mean, from `moments`."""
    return sums[..., 1] / sums[..., 0]


def spread(sums: np.ndarray) -> np.ndarray:
    """The standard deviation, from `moments`."""
    n, x, xx = np.moveaxis(sums, -1, 0)
    return np.sqrt(np.maximum(xx - x * x / n, 0.0) / (n - 1.0))  # not below 0 by rounding


# -- season --------------------------------------------------------------------------------------------------------------
def rise(counts: np.ndarray, days: np.ndarray, share: np.ndarray, group: np.ndarray) -> np.ndarray:
    """The factor by which a season raises a rate, the level being free in each group of windows: the likelihood's maximum for
    Poisson counts, which is consistent for overdispersed ones, too.

    Args:
        counts: shape (..., windows). days: length of each window. share: of its days that are in season. group: its number.
    Returns:
        shape (...); nan where nothing was counted.
    """
    counts = np.asarray(counts, dtype=float)
    members = [np.flatnonzero(group == one) for one in np.unique(group)]

    def score(factor: np.ndarray) -> np.ndarray:
        exposure = days * (1.0 + (factor[..., None] - 1.0) * share)
        found = (counts * days * share / exposure).sum(axis=-1)
        for those in members:
            level = counts[..., those].sum(axis=-1) / exposure[..., those].sum(axis=-1)
            found = found - level * float((days * share)[those].sum())
        return found

    shape = counts.shape[:-1]
    factor = bisected(score, np.full(shape, 1e-6), np.full(shape, LARGEST_RISE))
    return np.where(counts.sum(axis=-1) > 0.0, factor, np.nan)


def bisected(falling: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Where functions that fall through 0 do so between low and high, each at its own place; nan where they are nan."""
    bad = np.isnan(falling(low))
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        above = falling(middle) > 0.0
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.where(bad, np.nan, 0.5 * (low + high))


# -- intervals -----------------------------------------------------------------------------------------------------------
def resampled(
    sums: np.ndarray, statistic: Callable[[np.ndarray], np.ndarray], confidence: float = 0.95, seed: int = 0
) -> tuple[float, float, float]:
    """A statistic of all replications together, with its percentile interval over replications drawn anew.

    Args:
        sums: shape (replications, k), to be added up over replications.
    Returns:
        estimate, lower, upper. Resamples in which the statistic is not defined, or not finite, are left out.
    """
    sums = np.asarray(sums, dtype=float)
    drawn = weights(len(sums), BOOTSTRAP, np.random.default_rng(seed)) * len(sums)
    with np.errstate(invalid="ignore", divide="ignore"):  # a resample may hold one replication only, or nothing that happened
        found = statistic(drawn @ sums)
    lower, upper = percentile_interval(found[np.isfinite(found)], confidence)
    return float(statistic(sums.sum(axis=0))), float(lower), float(upper)


def quantile(values: np.ndarray, share: float, confidence: float = 0.95) -> tuple[float, float, float]:
    """A quantile of independent values and its interval by order statistics, exact for any continuous distribution.

    Returns:
        estimate, lower, upper; the smallest or largest value, where there are too few for an end.
    Source: Conover, Practical Nonparametric Statistics (1999), section 3.2.
    """
    from scipy.special import bdtr

    ordered = np.sort(np.asarray(values, dtype=float))
    n, tail = len(ordered), 0.5 - confidence / 2
    below = bdtr(np.arange(n), n, share)  # P(at most k of n lie below the quantile)
    low = int(np.searchsorted(below, tail, side="right"))
    high = min(int(np.searchsorted(below, 1.0 - tail, side="left")) + 1, n)
    return float(np.quantile(ordered, share)), float(ordered[max(low - 1, 0)]), float(ordered[high - 1])


def verdict(low: float, high: float, lower: float, upper: float) -> str:
    """Where an interval lies: inside an expected range, outside of it, or overlapping it; - where nothing is expected."""
    if isnan(low) or isnan(high):
        return "-"
    if low <= lower and upper <= high:
        return "inside"
    return "overlaps" if lower <= high and low <= upper else "outside"


# -- rows ----------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Pattern:
    """One row. low, high: the expected range, nan if none is published. record: the same statistic of the record, nan if it has
    none. lower, upper: 95 % interval of what is simulated. interval_of: `mean`, how well this number of replications tells it; or
    `one record`, in which 95 % of replications lie. kind: one of KINDS. verdict: of `verdict`; of an input that does not come out
    outside its range, `as put in`. meaning: what it says of the model, and where it is outside, why."""

    pattern: str
    of: str
    unit: str
    low: float
    high: float
    expected_from: str
    record: float
    simulated: float
    lower: float
    upper: float
    interval_of: str
    kind: str
    verdict: str
    meaning: str


COLUMNS = tuple(field.name for field in fields(Pattern))


def mean_row(
    names: tuple[str, str, str],
    expected: tuple[float, float, str],
    found: tuple[float, float, float],
    meaning: str,
    record: float = nan,
    kind: str = EMERGENT,
) -> Pattern:
    """A row whose interval is that of a mean: it is held against the expected range."""
    where = verdict(expected[0], expected[1], found[1], found[2])
    if kind == INPUT and where != "outside":
        where = PUT_IN
    return Pattern(*names, *expected, record, *found, MEAN, kind, where, meaning)


def record_row(names: tuple[str, str, str], source: str, record: float, each: np.ndarray, meaning: str) -> Pattern:
    """A row whose interval holds 95 % of simulated records: the one that is on record should lie in it."""
    lower, middle, upper = np.nanquantile(each, [0.025, 0.5, 0.975])
    inside = "inside" if lower <= record <= upper else "outside"
    return Pattern(*names, record, record, source, record, middle, lower, upper, ONE_RECORD, RECORD, inside, meaning)
