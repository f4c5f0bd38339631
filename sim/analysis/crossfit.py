"""Choosing on one part of the replications and judging on the rest, so that luck is not taken for merit.

The best of several noisy means looks better than it is, and a regret or a value of information taken from such maxima is too high
on average, even where all schedules are equal. Here replications are dealt into folds; what is best is chosen on all folds but
one and its value is read on that one, in turn. What is read is the true value of the choices made, without bias; since a choice
may err where two are close, the maximum itself is understated a little, and less so with more replications.

Sources: van Hasselt, Double Q-learning, Advances in Neural Information Processing Systems 23 (2010), for maxima; Chernozhukov and
others, Double/debiased machine learning, Econometrics Journal 21 (2018), for folds in turn.
"""

from collections.abc import Iterator
from itertools import combinations

import numpy as np

FOLDS = 5


def fold_of(n: int, folds: int = FOLDS) -> np.ndarray:
    """The fold of each of n items, dealt like cards; shape (n,)."""
    return np.arange(n) % max(1, min(folds, n))


def held_out(values: np.ndarray, of_replication: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each fold of the replications, what the others say and what the fold says, in each resample.

    A replication stays in its fold however often it is drawn, so that none is chosen on and judged on.

    Args:
        values: shape (states, replications, k). of_replication: weights, shape (m, replications).
    Yields:
        two arrays of shape (m, states, k): sums of weight times value over the other folds, to choose on, and over the fold, to
        judge on; the latter add up to the weighted mean. Where all weight is in the fold (with one replication, always) it is
        chosen on and judged on, and the result is as biased as that.
    """
    states, replications, k = values.shape
    flat = np.ascontiguousarray(np.moveaxis(values, 1, 0)).reshape(replications, states * k)
    fold, whole = fold_of(replications), of_replication @ flat
    for number in range(int(fold.max()) + 1):
        inside = fold == number
        held = of_replication[:, inside] @ flat[inside]
        lone = of_replication[:, ~inside].sum(axis=1, keepdims=True) == 0.0
        yield np.where(lone, whole, whole - held).reshape(-1, states, k), held.reshape(-1, states, k)


def regrets(values: np.ndarray, of_replication: np.ndarray) -> np.ndarray:
    """The regret of each schedule in each state, in each resample: what is best there, by the other folds, less its own.

    Args: as `held_out`, k schedules, higher is better.
    Returns:
        shape (m, states, schedules). May be below 0 by chance.
    """
    found = np.zeros((len(of_replication), values.shape[0], values.shape[2]))
    for others, held in held_out(values, of_replication):
        found += np.take_along_axis(held, others.argmax(axis=2)[:, :, None], axis=2) - held
    return found


def regrets_at(values: np.ndarray, of_replication: np.ndarray, quantile: float) -> np.ndarray:
    """The regret of each schedule in the state where it is at a quantile over the states; 1 for the greatest.

    Which state that is, is chosen on the other folds, too. Interpolates between two states (Hyndman and Fan 1996, type 7).

    Returns:
        shape (m, schedules).
    """
    found = np.zeros((len(of_replication), values.shape[2]))
    position = quantile * (values.shape[0] - 1)
    low = int(np.floor(position))
    for others, held in held_out(values, of_replication):
        top = others.argmax(axis=2)[:, :, None]
        regret = np.take_along_axis(held, top, axis=2) - held
        looks = np.take_along_axis(others, top, axis=2) - others
        if quantile == 1.0:
            found += np.take_along_axis(regret, looks.argmax(axis=1)[:, None, :], axis=1)[:, 0]
            continue
        order = looks.argsort(axis=1, kind="stable")[:, low : low + 2]
        share = np.array([1.0 - (position - low), position - low])[: order.shape[1], None]
        found += (share * np.take_along_axis(regret, order, axis=1)).sum(axis=1)
    return found


def margins(values: np.ndarray, of_replication: np.ndarray) -> np.ndarray:
    """The value of the best OTHER schedule in each state, by the other folds, less a schedule's own.

    Returns:
        shape (m, states, schedules); NaN where there is no other.
    """
    found = np.full((len(of_replication), values.shape[0], values.shape[2]), np.nan if values.shape[2] < 2 else 0.0)
    for others, held in held_out(values, of_replication):
        first, second = np.moveaxis(np.argsort(-others, axis=2, kind="stable")[:, :, :2], 2, 0)[[0, -1]][..., None]
        own = np.arange(values.shape[2])
        found += np.take_along_axis(held, np.where(own == first, second, first), axis=2) - held
    return found


def paired_by_state(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each state and pair of schedules the mean difference a - b over replications, and its standard error.

    Args:
        values: shape (states, replications, schedules).
    Returns:
        two arrays of shape (states, schedules, schedules), [s, a, b]. An error is infinite with one replication.
    """
    states, replications, schedules = values.shape
    mean, error = np.zeros((states, schedules, schedules)), np.zeros((states, schedules, schedules))
    for a, b in combinations(range(schedules), 2):
        difference = values[:, :, a] - values[:, :, b]
        mean[:, a, b], mean[:, b, a] = difference.mean(axis=1), -difference.mean(axis=1)
        spread = difference.std(axis=1, ddof=1) / replications**0.5 if replications > 1 else np.full(states, np.inf)
        error[:, a, b] = error[:, b, a] = spread
    return mean, error
