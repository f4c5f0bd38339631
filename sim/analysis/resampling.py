"""Resampling of states of the world and of replications, which are crossed: the same luck in every state, so both are drawn anew.

The pigeonhole bootstrap (Owen, The pigeonhole bootstrap, Annals of Applied Statistics 1, 2007): rows and columns are resampled
independently, and a cell weighs the product of both counts. Its variance of a mean is never too small on average, and too large
by some of what only row and column together make. With one state it is the ordinary bootstrap over replications.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

BLOCK = 2_000_000  # numbers held at once: 16 MB, whatever the number of resamples


def resampled_means(values: np.ndarray, count: int, rng: np.random.Generator, groups: np.ndarray | None = None) -> np.ndarray:
    """Means over states and replications in each of `count` resamples.

    Args:
        values: shape (states, replications, k); (1, n, k) for replications without states.
        groups: for each state a number, equal for states to be drawn together (those of one draw of the parameters, under each
            rival); each state by itself by default.
    Returns:
        shape (count, k). The k columns share their resamples, so that differences between them are paired.
    Raises:
        ValueError: if values has no three dimensions, or is empty.
    """
    if values.ndim != 3 or values.size == 0:
        raise ValueError(f"expected values of states, replications and columns, got shape {values.shape}")
    states, replications, k = values.shape
    flat, parts = values.reshape(states, replications * k), []
    for of_state, of_replication in resamples(states, replications, count, rng, groups, width=replications * k):
        by_replication = (of_state @ flat).reshape(-1, replications, k)
        parts.append(np.matmul(of_replication[:, None, :], by_replication)[:, 0])
    return np.concatenate(parts)


def resamples(
    states: int,
    replications: int,
    count: int,
    rng: np.random.Generator,
    groups: np.ndarray | None = None,
    width: int = 1,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Weights of states and of replications, block by block of resamples, each row of a sum of 1.

    What is drawn does not depend on the size of blocks: states and replications have a stream each.

    Args:
        groups: as in `resampled_means`. width: numbers the caller holds for one resample; keeps memory in bounds.
    Yields:
        arrays of shape (m, states) and (m, replications), m adding up to count. A lone state or replication weighs 1 always.
    """
    of_states, of_replications = rng.spawn(2)
    block = max(1, BLOCK // max(width, states, replications))
    for start in range(0, count, block):
        size = min(block, count - start)
        if groups is None:
            chosen = weights(states, size, of_states)
        else:
            _, group = np.unique(groups, return_inverse=True)
            chosen = weights(int(group.max()) + 1, size, of_states)[:, group]
            chosen /= chosen.sum(axis=1, keepdims=True)
        yield chosen, weights(replications, size, of_replications)


def weights(n: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """How often each of n items is drawn in n draws with replacement, over n; shape (count, n)."""
    drawn = rng.integers(n, size=(count, n)) + n * np.arange(count)[:, None]
    return np.bincount(drawn.ravel(), minlength=count * n).reshape(count, n) / n


def percentile_interval(resampled: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """The percentile interval of each column; two arrays of shape (k,) for shape (count, k).

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
    """
    lower, upper = np.quantile(resampled, [0.5 - confidence / 2, 0.5 + confidence / 2], axis=0)
    return lower, upper


def centred_interval(estimate: np.ndarray, resampled: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """The percentile interval moved by as much as resampling has moved the mean from the estimate.

    For what is chosen and judged on the same luck: resamples hold fewer different replications and choose worse, which is a bias
    of resampling that the estimate does not have.

    Args:
        estimate: shape (k,). resampled: shape (count, k).
    """
    lower, upper = percentile_interval(resampled, confidence)
    moved = estimate - resampled.mean(axis=0)
    return lower + moved, upper + moved


def cube(cells: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Cells as an array of states, replications and schedules, with every cell filled.

    Where replications failed in some states, the states or replications that lack most are left out, one after another, until
    nothing lacks.

    Args:
        cells: of sim.analysis.cells.cells: index replication, or (state, replication); a column a schedule.
    Returns:
        values, shape (states, replications, schedules), and the numbers of the states kept, in order ([0] without states).
    Raises:
        ValueError: if no cell is left.
    """
    if cells.index.nlevels == 1:
        values, states = cells.to_numpy(dtype="float64")[None], np.array([0])
    else:
        names, replications = cells.index.get_level_values(0), cells.index.get_level_values(1)
        row, states = pd.factorize(names, sort=True)
        column, luck = pd.factorize(replications, sort=True)
        there = np.zeros((len(states), len(luck)), dtype=bool)
        there[row, column] = True
        rows, columns = filled(there)
        whole = np.full((len(states), len(luck), cells.shape[1]), np.nan)
        whole[row, column] = cells.to_numpy(dtype="float64")
        values, states = whole[rows][:, columns], np.asarray(states)[rows]
    if values.size == 0:
        raise ValueError("no replication that all schedules have")
    return values, states


def filled(there: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which rows and columns of a yes-or-no array to keep so that only yes is left; the emptiest is dropped first."""
    rows, columns = np.ones(there.shape[0], dtype=bool), np.ones(there.shape[1], dtype=bool)
    while rows.any() and columns.any() and not there[np.ix_(rows, columns)].all():
        of_row = np.where(rows, 1.0 - there[:, columns].mean(axis=1), -1.0)
        of_column = np.where(columns, 1.0 - there[rows].mean(axis=0), -1.0)
        if of_row.max() > of_column.max():
            rows[of_row.argmax()] = False
        else:
            columns[of_column.argmax()] = False
    return rows, columns


def draws(states: pd.DataFrame | None, kept: np.ndarray) -> np.ndarray | None:
    """The draw of the parameters that each kept state belongs to, for `groups`; None where nothing tells.

    States that differ by a rival only share their draw, so they are no independent sample: they are resampled together.

    Args:
        states: columns state and, if parameters were drawn, draw. kept: numbers of states, as `cube` returns them.
    """
    if states is None or "draw" not in states:
        return None
    return states.set_index("state")["draw"].reindex(kept).to_numpy()
