"""Which rival theory, or which range of a parameter, turns the order of two schedules round."""

from itertools import combinations

import numpy as np
import pandas as pd

from sim.analysis.crossfit import paired_by_state
from sim.analysis.resampling import cube, draws, resamples

COLUMNS = (
    *("a", "b", "kind", "key", "level", "low", "high", "states"),
    *("difference", "lower", "upper", "overall", "reversed"),
)
HOW_OFTEN = ("a", "b", "overall", "states", "opposite", "surely_opposite")


def reversals(
    cells: pd.DataFrame, states: pd.DataFrame, confidence: float = 0.95, bootstrap: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """The difference of each pair of schedules under each rival theory and in the lowest and highest third of each parameter.

    Args:
        cells: of sim.analysis.cells.cells, values of which higher is better; index (state, replication).
        states: columns state, draw, a column of floats for each parameter that varies, any other column a rival theory.
        bootstrap: resamples of draws and replications, from which standard errors are taken.
    Returns:
        one row for each pair (in the order of the cells' columns) and level: kind ("rival" or "parameter"), key, level (the
        rival's, or "lowest third" or "highest third" of the states), low and high (the range of the parameter there; NaN for a
        rival), states (how many), difference (mean of value a - value b there), lower, upper, overall (mean over all states).
        The intervals hold for all rows of a pair together: t intervals at the confidence that Bonferroni asks for over them. They
        are not corrected for the number of pairs.
        reversed: the overall difference's own interval excludes 0, and this one excludes it on the other side. So a reversal is
        found by noise in at most 1 - confidence of the pairs.
        No rows if nothing varies.
    Raises:
        ValueError: if no replication is left that all schedules have.
    """
    values, kept = cube(cells)
    levels, members = levels_of(states, kept)
    pairs = np.array(list(combinations(range(values.shape[2]), 2)), dtype=int).reshape(-1, 2)
    if not levels or not len(pairs):
        return pd.DataFrame(columns=list(COLUMNS)).astype({"reversed": bool})
    groups = draws(states, kept)
    every = np.vstack([np.ones(len(kept), dtype=bool), members])
    means = (every @ values.mean(axis=1)) / every.sum(axis=1, keepdims=True)
    difference = means[:, pairs[:, 0]] - means[:, pairs[:, 1]]
    error = standard_errors(values, every, pairs, bootstrap, np.random.default_rng(seed), groups)
    half = t_quantiles(every, values.shape[1], groups, 1 - (1 - confidence) / np.r_[1, np.full(len(levels), len(levels))])
    half = half[:, None] * error
    overall, lower, upper = difference[0], difference - half, difference + half
    sure = (lower > 0.0).astype(int) - (upper < 0.0)
    table = pd.DataFrame(levels, columns=["kind", "key", "level", "low", "high", "states"])
    names = np.array(cells.columns, dtype=object)[pairs]
    parts = [
        table.assign(
            a=a,
            b=b,
            difference=difference[1:, k],
            lower=lower[1:, k],
            upper=upper[1:, k],
            overall=overall[k],
            reversed=sure[0, k] * sure[1:, k] < 0,
        )
        for k, (a, b) in enumerate(names)
    ]
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def how_often(cells: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """In what share of states each pair's order is opposite to that of its overall means.

    Returns:
        a row for each pair: a, b, overall (mean of value a - value b), states (how many), opposite (share of states whose mean
        has the other sign; noise makes some so where the two are close), surely_opposite (share whose paired t interval excludes
        0 on the other side, for all states at once: Bonferroni).
    """
    from scipy.special import stdtrit

    values, kept = cube(cells)
    difference, error = paired_by_state(values)
    once = values.shape[1] == 1
    quantile = np.inf if once else float(stdtrit(values.shape[1] - 1, 1.0 - (1.0 - confidence) / 2 / len(kept)))
    half = np.full(error.shape, np.inf) if once else quantile * error
    rows = []
    for a, b in combinations(range(values.shape[2]), 2):
        overall = float(difference[:, a, b].mean())
        turned = -np.sign(overall) * difference[:, a, b]
        shares = float((turned > 0).mean()), float((turned > half[:, a, b]).mean())
        rows.append((cells.columns[a], cells.columns[b], overall, len(kept), *shares))
    return pd.DataFrame(rows, columns=list(HOW_OFTEN))


def levels_of(states: pd.DataFrame, kept: np.ndarray) -> tuple[list[tuple], np.ndarray]:
    """The levels to look at: rows (kind, key, level, low, high, states), rivals first, and which states belong to each.

    Returns:
        the rows, and booleans of shape (rows, states).
    """
    table, nan = states.set_index("state").loc[kept], float("nan")
    rivals, parameters = [], []
    for key in table.columns.drop("draw", errors="ignore"):
        column = table[key]
        if column.nunique() < 2:
            continue
        if pd.api.types.is_float_dtype(column):
            x = column.to_numpy(dtype="float64")
            third, two_thirds = np.quantile(x, [1 / 3, 2 / 3])
            for level, inside in (("lowest third", x <= third), ("highest third", x >= two_thirds)):
                row = ("parameter", key, level, float(x[inside].min()), float(x[inside].max()), int(inside.sum()))
                parameters.append((row, inside))
        else:
            for level in column.unique():
                inside = (column == level).to_numpy()
                rivals.append((("rival", key, str(level), nan, nan, int(inside.sum())), inside))
    found = [*rivals, *parameters]
    return [row for row, _ in found], np.array([inside for _, inside in found], dtype=bool).reshape(len(found), len(kept))


def standard_errors(
    values: np.ndarray,
    members: np.ndarray,
    pairs: np.ndarray,
    bootstrap: int,
    rng: np.random.Generator,
    groups: np.ndarray | None,
) -> np.ndarray:
    """The standard error of each pair's mean difference in each set of states, by resampling; shape (sets, pairs).

    A resample that leaves a set empty is left out for that set. A set of one draw and one replication has no error to be told:
    infinite.
    """
    worlds, replications, schedules = values.shape
    flat = np.ascontiguousarray(np.moveaxis(values, 1, 0)).reshape(replications, -1)
    size = np.zeros((len(members), 1))
    total, squares = np.zeros((len(members), len(pairs))), np.zeros((len(members), len(pairs)))
    centre = (members @ values.mean(axis=1)) / members.sum(axis=1, keepdims=True)
    inside = members.astype("float64")
    width = max(values[:, 0].size, len(members) * (len(pairs) + schedules))
    for of_state, of_luck in resamples(worlds, replications, bootstrap, rng, groups, width):
        weighted = (of_luck @ flat).reshape(-1, worlds, schedules) * of_state[:, :, None]
        weight = of_state @ inside.T
        there = weight > 0.0
        means = np.matmul(inside, weighted) / np.where(there, weight, 1.0)[:, :, None] - centre
        moved = np.where(there[:, :, None], means[:, :, pairs[:, 0]] - means[:, :, pairs[:, 1]], 0.0)
        total += moved.sum(axis=0)
        squares += (moved**2).sum(axis=0)
        size += there.sum(axis=0)[:, None]
    variance = np.maximum(squares - total**2 / np.maximum(size, 1), 0.0) / np.maximum(size - 1, 1)
    known = (size > 1) & ((replications > 1) | (units(members, groups)[:, None] > 1))
    return np.where(known, np.sqrt(variance), np.inf)


def units(members: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """How many independent draws each set of states holds; shape (sets,)."""
    if groups is None:
        return members.sum(axis=1)
    return np.array([np.unique(groups[inside]).size for inside in members])


def t_quantiles(members: np.ndarray, replications: int, groups: np.ndarray | None, confidence: np.ndarray) -> np.ndarray:
    """The quantile of t for each set of states, of as many degrees of freedom as the scarcer of draws and replications leaves."""
    from scipy.special import stdtrit

    number = units(members, groups).astype("float64")
    free = np.minimum(np.where(number > 1, number, np.inf), replications if replications > 1 else np.inf) - 1
    # neither draws nor replications: the error is infinite, and any finite quantile will do
    return stdtrit(np.where(np.isfinite(free), free, 1.0), 0.5 + confidence / 2)
