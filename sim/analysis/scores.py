"""Scores of a forecast of one count: CRPS, log score, interval score, coverage and PIT. Lower scores are better, all of them.

A count may be given exactly, about, or as a floor ("at least"). About: scored as exact, but for the log score, which takes the
probability of the neighbourhood. At least: nothing but the log score of P(count or more) can be said, and whether the interval
reaches the count.
"""

from dataclasses import dataclass
from math import nan

import numpy as np

ALL = "all"  # in tables of scores, in place of an origin, a series or a source: of all of them together
FLOOR = "at_least"  # the kind of a count that may have missed some
LEVELS = {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}
ALPHA = 0.1  # the interval score is of the central 90 %
SCORES = ("crps", "log_score", "interval_score", "inside50", "inside90", "pit", "pit_low", "pit_high")
LEAST_RATE = 0.5  # of the Poisson distribution that stands for a count of 0 in a smoothed probability


@dataclass(frozen=True)
class Forecast:
    """A predictive distribution of one count: an ensemble, and a mixture of negative binomials for its probabilities.

    counts, weights: the ensemble, shapes (m,); weights add up to 1. mean, size, share: the mixture, shapes (k,); shares add up to
    1, and a size may be infinite (Poisson).
    """

    counts: np.ndarray
    weights: np.ndarray
    mean: np.ndarray
    size: np.ndarray
    share: np.ndarray

    def quantile(self, level: float) -> float:
        """The smallest count that at least the share `level` of the ensemble does not exceed."""
        return quantile(self.counts, self.weights, level)

    def below(self, count: float) -> float:
        """P(fewer than count)."""
        return float(self.weights[self.counts < count].sum())


def effective_number(weight: np.ndarray) -> float:
    """How many equally weighted draws so many weighted ones are worth: Kish, Survey Sampling (1965)."""
    return float(weight.sum() ** 2 / (weight**2).sum())


def quantile(values: np.ndarray, weights: np.ndarray, level: float) -> float:
    """The smallest of the values that at least the share `level` of the weights, which add up to 1, does not exceed."""
    order = np.argsort(values, kind="stable")
    # weights are rounded: a level that their sum equals must not be missed
    place = int(np.searchsorted(np.cumsum(weights[order]), level - 1e-12))
    return float(values[order][min(place, order.size - 1)])


def mixture(mean: np.ndarray, size: np.ndarray, share: np.ndarray, reports: int, rng: np.random.Generator) -> Forecast:
    """The forecast of a mixture of negative binomials; its ensemble has `reports` draws of each component.

    Args:
        mean: shape (k,), 0 or more. size: shape (k,), above 0; variance = mean + mean^2 / size. share: shape (k,), not negative.
    """
    share = np.asarray(share, dtype=float) / np.sum(share)
    mean, size = np.asarray(mean, dtype=float), np.asarray(size, dtype=float)
    counts = drawn(np.repeat(mean, reports), np.repeat(size, reports), rng)
    return Forecast(counts, np.repeat(share / reports, reports), mean, size, share)


def smoothed(counts: np.ndarray) -> Forecast:
    """The forecast of an ensemble of equal weights. Its probabilities are smoothed: each member stands for a Poisson distribution
    of its own mean (one half for a count of 0), so that no count is impossible."""
    values, often = np.unique(counts, return_counts=True)
    share = often / counts.size
    mean = np.maximum(values.astype(float), LEAST_RATE)
    return Forecast(counts.astype(float), np.full(counts.size, 1.0 / counts.size), mean, np.full(mean.size, np.inf), share)


def drawn(mean: np.ndarray, size: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Negative-binomial counts of these means and sizes: Poisson counts of gamma rates; of an infinite size the mean itself."""
    finite = np.isfinite(size)
    shape = np.where(finite, size, 1.0)
    rate = np.where(finite, rng.gamma(shape, mean / shape), mean)
    return rng.poisson(rate).astype(float)


def log_of_mixture(log_probabilities: np.ndarray, share: np.ndarray) -> float:
    """The log of a mixture's probability from the logs of its components', without underflow; shapes (k,)."""
    kept = share > 0
    top = float(np.max(log_probabilities[kept], initial=-np.inf))
    if not np.isfinite(top):
        return top
    return top + float(np.log(np.sum(share[kept] * np.exp(log_probabilities[kept] - top))))


def crps(counts: np.ndarray, observed: float, weights: np.ndarray | None = None, fair: bool = False) -> float:
    """Continuous ranked probability score of an ensemble, in the unit of the count.

    Args:
        fair: without the part that comes of the ensemble being finite, as if its members were draws of what is meant; else the
            score of the ensemble's own distribution.
    Raises:
        ValueError: if a fair score is asked for with weights.
    Source: Gneiting and Raftery, Journal of the American Statistical Association 102 (2007), section 4.2; fair: Ferro, Quarterly
    Journal of the Royal Meteorological Society 140 (2014). Computed by scoringrules.
    """
    import scoringrules

    if fair and weights is not None:
        raise ValueError("a fair score is of an ensemble of equal weights")
    members = np.asarray(counts, dtype=float)
    found = scoringrules.crps_ensemble(observed, members, ens_w=weights, estimator="fair" if fair else "qd")
    return np.asarray(found, dtype=float).item()


def interval_score(lower: float, upper: float, observed: float, alpha: float = ALPHA) -> float:
    """Width of a central 1 - alpha interval, and 2 / alpha for each unit that the count lies outside of it.

    Source: Gneiting and Raftery (2007), section 6.2.
    """
    outside = max(lower - observed, 0.0) + max(observed - upper, 0.0)
    return upper - lower + 2.0 / alpha * outside


def score(forecast: Forecast, observed: int, kind: str, log_probability: float, u: float) -> dict[str, float]:
    """Everything that is told of one forecast and count: the mean, quantiles and scores, by the names of columns.

    Args:
        observed: the count. kind: exact, about or at_least. log_probability: of what was observed, by the forecast; the log score
            is its negative. u: between 0 and 1, by chance: where within the count's own probability the PIT lies.
    Returns:
        mean, q05, q25, q50, q75, q95, and SCORES; nan where a floor cannot be scored.
    Source of the PIT of a count: Czado, Gneiting and Held, Biometrics 65 (2009): between pit_low = P(fewer) and pit_high = P(that
    many or fewer).
    """
    row = {"mean": float(forecast.counts @ forecast.weights)}
    row |= {name: forecast.quantile(level) for name, level in LEVELS.items()}
    row["log_score"] = -log_probability
    if kind == FLOOR:
        row |= {"inside50": float(row["q75"] >= observed), "inside90": float(row["q95"] >= observed)}
        return row | dict.fromkeys(("crps", "interval_score", "pit", "pit_low", "pit_high"), nan)
    low, high = forecast.below(observed), min(forecast.below(observed + 1), 1.0)
    return row | {
        "crps": crps(forecast.counts, observed, forecast.weights),
        "interval_score": interval_score(row["q05"], row["q95"], observed),
        "inside50": float(row["q25"] <= observed <= row["q75"]),
        "inside90": float(row["q05"] <= observed <= row["q95"]),
        "pit": low + u * (high - low),
        "pit_low": low,
        "pit_high": high,
    }


def pit_histogram(low: np.ndarray, high: np.ndarray, bins: int = 10) -> np.ndarray:
    """Relative frequencies, shape (bins,), of the PIT of counts, each spread evenly from low to high; 1 / bins each is ideal.

    Source: Czado, Gneiting and Held (2009), the nonrandomised histogram.
    """
    edges = np.linspace(0.0, 1.0, bins + 1)
    width = np.asarray(high) - np.asarray(low)
    point = width <= 0.0
    spread = np.where(point, 1.0, width)
    below = np.clip((edges[:, None] - low) / spread, 0.0, 1.0)
    below = np.where(point, (edges[:, None] > low) | (edges[:, None] == 1.0), below)
    return np.diff(below.mean(axis=1))
