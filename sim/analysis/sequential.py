"""Stopping on the difference: intervals of paired differences that stay valid however often they are looked at.

An interval for one fixed number of replications misses more and more often if one looks again and again and stops when it
pleases. Those here form confidence sequences: with the stated confidence they hold at all numbers of replications at once.
Counts, costs and days get a t sequence, exact for normal differences and approximate for others, as the t interval is. Yes/no
outcomes get a sequence that is exact at any rarity. docs/guarantees.md has both, measured.
"""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from sim.analysis.paired import paired_difference

DECIDED = ("higher", "lower", "alike", "measured")
COLUMNS = ("a", "b", "outcome", "n", "mean", "lower", "upper", "half_width", "tolerance", "verdict", "variance_ratio")

# With fewer pairs than this that differ from the usual difference, a sample variance says little. With 10 more is missed, with 50
# hardly less; docs/guarantees.md has what is missed with 30, under rare differences.
FEW = 30

ROUNDING = 1e-9  # of the span: differences smaller than this are none

# How many tolerances a difference that was never seen may be worth, where nothing else tells its scale. For a yes/no outcome with
# a tolerance of one point in a hundred this is its whole range.
UNSEEN = 100.0

# Shares of the capital to bet: even weights, evenly spaced in the logarithm, since the best share depends on how rare differences
# are, which nobody knows before. The least is the best one for differences in every pair at some 10^7 replications.
BETS = np.geomspace(0.001, 0.999, 48)


def mixture_scale(confidence: float, planned: float) -> float:
    """The variance g of the effects (mean over standard deviation) mixed over that makes the t sequence tightest at `planned`.

    For large n the squared half-width in standard errors is (a + log r) / (1 - 1/r), r = 1 + n g and a = 2 log(1/alpha). It is
    least where r - log r = 1 + a, that is at r = -W(-alpha^2 / e) on the lower branch of Lambert's function, and r is then also
    its value (the same algebra as for known variance: Howard, Ramdas, McAuliffe and Sekhon 2021, section 3.5). For fewer
    replications the exact optimum lies higher; at 30 the sequence is under 0.3 % wider than with it.

    Args:
        confidence: above 0, below 1. planned: the replications at which it shall be tightest.
    """
    from scipy.special import lambertw

    alpha = 1.0 - confidence
    return float(-lambertw(-(alpha**2) / np.e, -1).real - 1.0) / planned


def half_width(variance: np.ndarray, n: np.ndarray, confidence: float = 0.95, planned: float = 2000) -> np.ndarray:
    """Half the width of the anytime-valid interval of a mean, its variance unknown: the t sequence.

    It inverts the Bayes factor of a t statistic t with nu = n - 1 degrees of freedom when the effect is N(0, g) and the scale has
    Jeffreys' prior (Gonen, Johnson, Lu and Westfall 2005; Rouder and others 2009)

        BF = (1 + n g)^(-1/2) [(1 + t^2/nu) / (1 + t^2/(nu (1 + n g)))]^(n/2)

    a martingale of mean 1 at the true mean, as seen by whoever sees the data up to their scale (Perez-Ortiz and others 2024; Wang
    and Ramdas 2024). By Ville's inequality it ever reaches 1/alpha with a probability of at most alpha. With r = 1 + n g and
    K = (sqrt(r)/alpha)^(2/n), BF < 1/alpha where t^2 < nu (K - 1)/(1 - K/r); everywhere if K >= r.

    Args:
        variance: of the sample, divided by n - 1. n: replications, of a shape that broadcasts.
        confidence: for all n at once. planned: the n at which it is tightest; it holds at any.
    Returns:
        in the unit of the mean; infinite where n is too small, and where the variance is 0: a sample without variation does not
        tell the scale of what it has not shown (`pairs` takes it from elsewhere).
    """
    variance, n = np.broadcast_arrays(np.asarray(variance, dtype=float), np.asarray(n, dtype=float))
    r = 1.0 + np.maximum(n, 1.0) * mixture_scale(confidence, planned)
    log_k = (np.log(r) - 2.0 * np.log(1.0 - confidence)) / np.maximum(n, 1.0)
    known = (n >= 2) & (variance > 0) & (log_k < np.log(r))
    k = np.where(known, log_k, 0.0)
    return np.where(known, np.sqrt(variance * (n - 1) / np.maximum(n, 1.0) * np.expm1(k) / (1.0 - np.exp(k) / r)), np.inf)


def bounded_interval(
    values: np.ndarray, counts: np.ndarray, low: float, high: float, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """The anytime-valid interval of a mean of values known to lie in [low, high]; exact, whatever their distribution.

    Whoever bets the share theta of a capital of 1 on each value x being above the mean m has, after all of them, the product of
    1 - theta + theta (x - low)/(m - low). If m is the mean this is a martingale, and so is its average over several shares: it
    reaches 2/alpha with a probability of at most alpha/2. It falls with m, so the m where it is 2/alpha bounds the mean from
    below. The mirror image does from above (Waudby-Smith and Ramdas 2024; mixing over the bet: Orabona and Jun 2024).

    Args:
        values, counts: shape (cases, different values): each value in [low, high], and how often it came (0 allowed).
    Returns:
        lower and upper, shape (cases,).
    """
    values, counts = np.asarray(values, dtype=float), np.asarray(counts, dtype=float)
    above = _bound((values - low) / (high - low), counts, confidence)
    below = _bound((high - values) / (high - low), counts, confidence)
    return low + (high - low) * above, high - (high - low) * below


def _bound(x: np.ndarray, counts: np.ndarray, confidence: float) -> np.ndarray:
    """The lower bound of the mean of values in [0, 1], by bisection; shapes as in `bounded_interval`."""
    from scipy.special import logsumexp

    limit = np.log(2.0 / (1.0 - confidence)) + np.log(BETS.size)
    # The capital falls with m from infinity, and is at most 1 at the sample's own mean, by Jensen's inequality.
    outside, inside = np.zeros(len(x)), (x * counts).sum(1) / np.maximum(counts.sum(1), 1.0)
    for _ in range(50):
        middle = (outside + inside) / 2
        gains = (x / np.where(middle > 0, middle, 1.0)[:, None] - 1.0)[:, None, :]
        capital = logsumexp((counts[:, None, :] * np.log1p(BETS[:, None] * gains)).sum(2), axis=1)
        refuted = (capital >= limit) & (middle > 0)
        outside, inside = np.where(refuted, middle, outside), np.where(refuted, inside, middle)
    return outside


def mean_interval(
    samples: list[np.ndarray], span: float, confidence: float = 0.95, planned: float = 2000
) -> tuple[np.ndarray, np.ndarray]:
    """The anytime-valid interval of the mean of each sample: the t sequence, and more where few values differ from the usual one.

    A t sequence trusts the sample variance, which rare and large values make too small until some were seen. With fewer than
    `FEW` values other than the median, the interval therefore also holds all means that are possible if the share of such values
    is as high as its own anytime-valid bound, and each of them as far from the median as the farthest seen.

    Args:
        samples: finite numbers, of any lengths. span: how far from the usual a value may lie where none other was seen.
    Returns:
        lower and upper, shape (samples,); infinite where nothing is known, NaN for an empty sample.
    """
    n = np.array([d.size for d in samples])
    mean = np.array([d.mean() if d.size else np.nan for d in samples])
    variance = np.array([d.var(ddof=1) if d.size > 1 else 0.0 for d in samples])
    usual = np.array([np.median(d) if d.size else np.nan for d in samples])
    # Differences of floats that are the same but for rounding are the same.
    off = [np.where(np.abs(d - m) > ROUNDING * span, np.abs(d - m), 0.0) for d, m in zip(samples, usual, strict=True)]
    seen = np.array([np.count_nonzero(o) for o in off])
    half = np.where(seen > 0, half_width(variance, n, confidence, planned), np.where(n > 1, 0.0, np.inf))
    counts = np.stack([n - seen, seen], axis=1)
    _, share = bounded_interval(np.tile([0.0, 1.0], (len(samples), 1)), counts, 0.0, 1.0, confidence)
    farthest = np.array([o.max() if k else span for o, k in zip(off, seen, strict=True)])
    unseen = share * farthest
    few = (seen < FEW) & (n > 1)
    lower = np.where(few, np.minimum(mean - half, usual - unseen), mean - half)
    return lower, np.where(few, np.maximum(mean + half, usual + unseen), mean + half)


def pairs(
    outcomes: pd.DataFrame,
    tolerances: Mapping[str, float],
    confidence: float = 0.95,
    planned: float = 2000,
    comparisons: int | None = None,
) -> pd.DataFrame:
    """Every pair of schedules in every outcome that has a tolerance: the difference, its interval, and whether that decides.

    All intervals hold together, at all numbers of replications, with the stated confidence (Bonferroni's inequality): those of
    `bounded_interval` for yes/no outcomes, of `mean_interval` for others. Where all pairs of runs differ alike, others that were
    not seen are taken to lie as far off as the range of the outcome over all schedules; if it never varied at all, as far as 100
    tolerances. So no interval has a width of 0, and rare events do not pass for impossible ones.

    Args:
        outcomes: columns schedule, replication, and the outcomes; booleans for yes/no. With a column state, differences are
            averaged over the states, in replications that have them all: the interval is that of these very states, over luck.
        tolerances: outcome -> the difference, in its unit, that does not matter; above 0.
        planned: the replications at which intervals are tightest. comparisons: the size of the family; by default, the rows.
    Returns:
        columns a, b, outcome; n, the replications both have; mean of a - b; lower, upper, half_width (half of upper - lower);
        tolerance; verdict; variance_ratio (`paired.paired_difference`). The verdict is higher (lower > tolerance), lower
        (upper < -tolerance), alike (all of it within the tolerance), measured (half_width <= tolerance), else open. With fewer
        than 2 common replications, mean and interval are NaN and the verdict is open.
    Raises:
        KeyError: if an outcome is not in the table. ValueError: if a tolerance is not above 0.
    """
    for name, tolerance in tolerances.items():
        if not tolerance > 0.0:
            raise ValueError(f"a tolerance must be above 0, got {tolerance} for {name}")
    schedules = list(outcomes["schedule"].unique())
    couples = list(combinations(range(len(schedules)), 2))
    if not couples or not tolerances:
        return pd.DataFrame(columns=list(COLUMNS))
    each = 1.0 - (1.0 - confidence) / (comparisons or len(couples) * len(tolerances))
    tables = []
    for name, tolerance in tolerances.items():
        values = _side_by_side(outcomes, name, schedules)
        known = values[np.isfinite(values)]
        span = float(np.ptp(known)) if known.size and np.ptp(known) > 0 else UNSEEN * tolerance
        samples = [_paired(values[:, a], values[:, b]) for a, b in couples]
        found = [a - b for a, b in samples]
        yes_or_no = outcomes[name].dtype == bool
        lower, upper = _shares(found, each) if yes_or_no else mean_interval(found, span, each, planned)
        n = np.array([d.size for d in found])
        table = pd.DataFrame({"a": [schedules[a] for a, _ in couples], "b": [schedules[b] for _, b in couples], "outcome": name})
        table["n"], table["mean"] = n, [d.mean() if d.size > 1 else np.nan for d in found]
        table["lower"], table["upper"] = np.where(n > 1, lower, np.nan), np.where(n > 1, upper, np.nan)
        tables.append(table.assign(tolerance=float(tolerance), variance_ratio=[_ratio(*pair) for pair in samples]))
    found = pd.concat(tables, ignore_index=True)
    found["half_width"] = (found["upper"] - found["lower"]) / 2
    found["verdict"] = np.select(
        [
            found["lower"] > found["tolerance"],
            found["upper"] < -found["tolerance"],
            (found["lower"] >= -found["tolerance"]) & (found["upper"] <= found["tolerance"]),
            found["half_width"] <= found["tolerance"],
        ],
        list(DECIDED),
        "open",
    )
    return found[list(COLUMNS)]


def open_schedules(pairs: pd.DataFrame) -> list[str]:
    """The schedules of pairs that are still open, in the table's order: those that need more replications."""
    undecided = pairs[~pairs["verdict"].isin(DECIDED)]
    names = pd.unique(pairs[["a", "b"]].to_numpy().ravel())
    wanted = set(undecided["a"]) | set(undecided["b"])
    return [str(name) for name in names if name in wanted]


def needed(pairs: pd.DataFrame, confidence: float = 0.95, planned: float = 2000, comparisons: int | None = None) -> pd.Series:
    """How many replications, in all, each pair may need until it is decided, if its mean and variance stay as they are.

    A pair is decided at the latest when its half-width is down to its tolerance, or, where that is more, to the distance of its
    mean from the tolerance. This is a forecast, for plans and progress: the mean is not known better than its interval says.

    Args:
        pairs: what `pairs` returns. The others: as they were given to it.
    Returns:
        whole numbers as floats, of the index of `pairs`; n for pairs already decided; infinite where nothing can be said yet.
    """
    each = 1.0 - (1.0 - confidence) / (comparisons or max(1, len(pairs)))
    grid = np.unique(np.round(np.geomspace(2, 1e9, 4000)))
    widths = half_width(np.ones_like(grid), grid, each, planned)
    n = pairs["n"].to_numpy(dtype=float)
    now = half_width(np.ones_like(n), n, each, planned)
    target = np.maximum(pairs["tolerance"], pairs["mean"].abs() - pairs["tolerance"]).to_numpy()
    known = np.isfinite(pairs["half_width"].to_numpy()) & np.isfinite(now)
    wanted = np.where(known, now, 1.0) * target / np.where(known, pairs["half_width"], 1.0)
    # The widths fall along the grid, so their negatives rise.
    place = np.searchsorted(-widths, -wanted)
    forecast = np.where(known & (place < grid.size), grid[np.minimum(place, grid.size - 1)], np.inf)
    return pd.Series(np.where(pairs["verdict"].isin(DECIDED), n, np.maximum(forecast, n + 1)), index=pairs.index)


def _side_by_side(outcomes: pd.DataFrame, name: str, schedules: list[str]) -> np.ndarray:
    """An outcome by replication (rows) and schedule (columns), averaged over states; NaN where a run or a state is missing."""
    columns = ["schedule", "state"] if "state" in outcomes else ["schedule"]
    numbers = outcomes[["replication", *columns]].assign(value=outcomes[name].astype("float64"))
    wide = numbers.pivot(index="replication", columns=columns, values="value")
    return np.column_stack([wide[[schedule]].mean(axis=1, skipna=False) for schedule in schedules])


def _paired(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    both = np.isfinite(a) & np.isfinite(b)
    return a[both], b[both]


def _ratio(a: np.ndarray, b: np.ndarray) -> float:
    return paired_difference(a, b)["variance_ratio"] if a.size > 1 else float("nan")


def _shares(found: list[np.ndarray], confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper ends for the differences of yes/no outcomes: known to lie in [-1, 1]."""
    return bounded_interval(*_tally(found), -1.0, 1.0, confidence)


def _tally(found: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The different values of each sample and how often each came, padded to one width: shape (samples, values) each."""
    tallies = [np.unique(d, return_counts=True) for d in found]
    width = max(1, *(len(values) for values, _ in tallies))
    values, counts = np.zeros((len(found), width)), np.zeros((len(found), width))
    for row, (value, count) in enumerate(tallies):
        values[row, : len(value)], counts[row, : len(value)] = value, count
    return values, counts
