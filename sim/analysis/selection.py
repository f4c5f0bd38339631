"""Which schedule is best, among many: intervals against the best other, elimination one after another, and the winner's curse."""

import numpy as np
import pandas as pd

from sim.analysis.resampling import cube, draws, resampled_means

COLUMNS = ("schedule", "n", "value", "lower", "upper", "p_best", "p_within", "corrected", "eliminated_at")
FOLDS = 10  # of replications where only luck varies; half as many of draws and of replications where both do


def kim_nelson(values: np.ndarray, first: int, delta: float, alpha: float = 0.05) -> np.ndarray:
    """Which schedules a fully sequential elimination drops, and after how many replications.

    The procedure KN (Kim and Nelson, A fully sequential procedure for indifference-zone selection in simulation, 2001; with
    c = 1). With eta = [(2 alpha/(k-1))^(-2/(first-1)) - 1]/2 and S^2 the variance of the paired difference of i and l over the
    first replications, and of those only, i goes at the first r >= first at which a schedule l that is still there leads it by

        sum(l) - sum(i) > max(0, eta (first - 1) S^2/delta - delta r/2).

    If the best is better than all others by delta or more, it survives with a probability of at least 1 - alpha, for normal
    values whatever their variances and correlation: it works on paired differences, so common random numbers make it faster.

    Args:
        values: shape (n, k), higher is better; rows are replications in the order in which they came.
        first: replications of the first stage, at least 2. delta: the smallest difference worth finding, above 0.
    Returns:
        shape (k,): replications after which each schedule was dropped, NaN where it survives. With fewer than `first`
        replications nobody is dropped; with enough, all but one are, unless two are equal in every replication.
    Raises:
        ValueError: if first, delta or alpha are out of range.
    """
    values = np.asarray(values, dtype=float)
    if first < 2 or not delta > 0.0 or not 0.0 < alpha < 1.0:
        raise ValueError(f"expected first >= 2, delta > 0 and 0 < alpha < 1, got {first}, {delta} and {alpha}")
    n, k = values.shape
    gone = np.full(k, np.nan)
    if n < first or k < 2:
        return gone
    eta = ((2.0 * alpha / (k - 1)) ** (-2.0 / (first - 1)) - 1.0) / 2.0
    r = np.arange(first, n + 1)
    # When one would drop another, if both were there until then. Which of them are is settled below, in the order of time.
    drops = np.full((k, k), n + 1)
    for i in range(k):
        for other in range(i + 1, k):
            lead = values[:, other] - values[:, i]
            bound = np.maximum(0.0, eta * (first - 1) * lead[:first].var(ddof=1) / delta - delta * r / 2.0)
            sums = lead.cumsum()[first - 1 :]
            for loser, winner, by in ((i, other, sums), (other, i, -sums)):
                passed = by > bound
                if passed.any():
                    drops[loser, winner] = r[passed.argmax()]
    there = np.ones(k, dtype=bool)
    for time in np.unique(drops[drops <= n]):
        dropped = there & ((drops == time) & there[None, :]).any(axis=1)
        gone[dropped] = time
        there &= ~dropped
    return gone


def with_the_best(
    cells: pd.DataFrame,
    delta: float,
    confidence: float = 0.95,
    first: int = 50,
    bootstrap: int = 1000,
    seed: int = 0,
    states: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Each schedule against the best of the others, all at once.

    With states of the world, a mean varies by which states were drawn and by luck, and luck is the same in all states: so the
    intervals, p_best and p_within allow for both (states of one draw of the parameters, which differ by a rival only, are no
    independent sample and count as one; with one draw, or none, states are taken as given and only luck varies). Nothing is
    eliminated over states: the procedure adds replications, and it is draws that are few.

    Args:
        cells: a column a schedule, higher is better; index replication, or (state, replication).
        delta: the smallest difference of value that matters, at least 0; at 0 nothing is eliminated.
        confidence: of the intervals, together, and of the elimination. first: replications of its first stage.
        bootstrap: resamples. seed: of them and of the folds. states: columns state and draw, if states are not a draw each.
    Returns:
        a row a schedule, in the order of cells. n: runs. value: their mean. lower, upper: simultaneous intervals of the value
        minus that of the best other schedule (`constrained`). p_best, p_within: the share of bootstrap resamples in which it is
        the best (ties shared), and at most delta worse than the best. corrected: for the one with the highest value, what is left
        of that value after its luck in being chosen (`cross_fitted`); NaN for others. eliminated_at: see `kim_nelson`.
    Raises:
        ValueError: if delta is negative, or no replication is there for all schedules.
    """
    if delta < 0.0:
        raise ValueError(f"expected delta to be at least 0, got {delta}")
    values, kept = cube(cells)
    told = draws(states, kept) if len(kept) > 1 else None
    _, groups = np.unique(kept if told is None else told, return_inverse=True)
    rng = np.random.default_rng(seed)
    mean, k = values.mean(axis=(0, 1)), values.shape[2]
    lower, upper = constrained(values, groups, confidence)
    resampled = resampled_means(values, bootstrap, rng, groups) if groups.max() > 0 else _over_luck(values, bootstrap, rng)
    best = resampled.max(axis=1, keepdims=True)
    winners = resampled == best
    apparent, eliminating = int(mean.argmax()), delta > 0.0 and len(kept) == 1
    return pd.DataFrame(
        {
            "schedule": cells.columns,
            "n": values.shape[0] * values.shape[1],
            "value": mean,
            "lower": lower,
            "upper": upper,
            "p_best": (winners / winners.sum(axis=1, keepdims=True)).mean(axis=0),
            "p_within": (resampled >= best - delta).mean(axis=0),
            "corrected": np.where(np.arange(k) == apparent, cross_fitted(values, groups, rng), np.nan),
            "eliminated_at": kim_nelson(values[0], first, delta, 1.0 - confidence) if eliminating else np.full(k, np.nan),
        },
        columns=list(COLUMNS),
    )


def constrained(values: np.ndarray, groups: np.ndarray, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Multiple comparisons with the best: simultaneous intervals of each value minus the best of the others.

    Hsu's constrained intervals (Hsu 1984; Edwards and Hsu 1983): the lower end is at most 0, the upper at least 0. An upper end
    of 0 says that another is at least as good, a lower end of 0 that no other is better. The proof needs that the true best,
    whichever it is, does not look worse than another by more than the allowance: k - 1 one-sided statements. Here each is a
    paired t interval at alpha/(k-1) (Bonferroni), so neither equal variances nor independence is needed, and common random
    numbers make the intervals shorter.

    The variance of a mean over crossed states and replications is s^2/draws of the draws' means plus s^2/replications of the
    replications' means (as in the pigeonhole bootstrap, Owen 2007: too large by one part of what only both together make), with
    degrees of freedom after Satterthwaite (1946). With one draw, or no states, this is the paired t interval over replications.

    Args:
        values: shape (states, replications, k), higher is better. groups: the draw of each state, numbered from 0.
    Returns:
        lower, upper, shape (k,). NaN for a single schedule; infinite where fewer than 2 draws and 2 replications are there.
    """
    from scipy.special import stdtrit

    _, replications, k = values.shape
    if k < 2:
        return np.full(k, np.nan), np.full(k, np.nan)
    # Weights of states follow their draws: a draw that lost a state to failures weighs less, as in the mean itself.
    mean, sizes = values.mean(axis=(0, 1)), np.bincount(groups)
    by_draw = np.zeros((len(sizes), k))
    np.add.at(by_draw, groups, values.mean(axis=1))
    by_draw /= sizes[:, None]
    allowance = np.zeros((k, k))
    for i in range(k):
        parts = [
            (sample[:, [i]] - sample).var(axis=0, ddof=1) / len(sample) if len(sample) > 1 else np.zeros(k)
            for sample in (by_draw, values.mean(axis=0))
        ]
        total = parts[0] + parts[1]
        fewer = parts[0] ** 2 / max(len(sizes) - 1, 1) + parts[1] ** 2 / max(replications - 1, 1)
        freedom = np.where(fewer > 0, total**2 / np.where(fewer > 0, fewer, 1.0), 1.0)
        allowance[i] = stdtrit(freedom, 1.0 - (1.0 - confidence) / (k - 1)) * np.sqrt(total)
    if len(sizes) < 2 and replications < 2:
        allowance[:] = np.inf
    gap = mean[:, None] - mean[None, :]
    others = ~np.eye(k, dtype=bool)
    high = np.where(others, gap + allowance, np.inf).min(axis=1)
    candidates = high >= 0.0  # the true best is among them, with the confidence
    low = np.where(others & candidates[None, :], gap - allowance, np.inf).min(axis=1)
    return np.where(np.isinf(low) & (low > 0), 0.0, np.minimum(low, 0.0)), np.maximum(high, 0.0)


def cross_fitted(values: np.ndarray, groups: np.ndarray, rng: np.random.Generator, folds: int = FOLDS) -> float:
    """The value of the apparent best, without the luck that made it look best.

    The highest of several means overstates: who is chosen for a mean has had luck with it (the winner's curse). So the runs are
    split into folds, the best is chosen on all but one and evaluated on the one left out, which the choice has not seen, and
    that is averaged over folds. It estimates the value of choosing in this way on a little less data than there is, and is not
    biased for that; other folds may choose another schedule, and then its value counts. With several draws of states both draws
    and replications are split, in half as many folds each, and what chooses shares no draw and no replication with what
    evaluates (of a single replication, no draw).

    Args:
        values, groups: as in `constrained`. folds: at most; never more than there is to split.
    Returns:
        in the unit of values; NaN if there is nothing to split.
    """
    several, alone = int(groups.max()) > 0, values.shape[1] == 1
    count = max(2, folds // 2) if several else folds
    luck = _folds(values.shape[1], count, rng)
    world = _folds(int(groups.max()) + 1, count, rng)[groups] if several else np.zeros(len(groups), dtype=int)
    if alone and not several:
        return float("nan")
    total = 0.0
    for of_world in range(int(world.max()) + 1):
        held = world == of_world
        by_luck = (values[~held] if several else values).sum(axis=0)
        for of_luck in range(int(luck.max()) + 1):
            choice = by_luck[(luck != of_luck) | alone].sum(axis=0).argmax()
            total += values[held][:, luck == of_luck, choice].sum()
    return float(total / (values.shape[0] * values.shape[1]))


def _folds(n: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """The fold of each of n items, from 0: at random, of sizes that differ by at most one."""
    return rng.permutation(np.arange(n) % min(n, count))


def _over_luck(values: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Means in resamples of replications, the states as given."""
    return resampled_means(values.mean(axis=0)[None], count, rng)
