"""Means of values of random rows (draws of the parameters) crossed with random columns (replications, shared by all rows)."""

import numpy as np
import pandas as pd

from sim.analysis.resampling import filled


def crossed_variance(values: np.ndarray) -> tuple[np.ndarray, int]:
    """The variance of the mean over rows and columns, and its degrees of freedom.

    In the two-way layout with one value a cell it is estimated, without bias, by Vr/R + Vc/C - Ve/(R C): Vr and Vc the variances
    of the means of rows and of columns, Ve that of what is left (Searle, Casella and McCulloch, Variance Components, 1992,
    section 4.3). Not below the larger of Vr/R and Vc/C here, and with the fewer of R - 1 and C - 1 degrees of freedom, so that it
    errs on the wide side.

    Args:
        values: shape (rows, columns, ...). A single row or column is taken as given, not as a sample.
    Returns:
        shape (...), NaN where there are fewer than two of both; degrees of freedom, 0 then.
    """
    rows, columns = values.shape[:2]
    of_row, of_column, whole = values.mean(axis=1), values.mean(axis=0), values.mean(axis=(0, 1))
    parts = [means.var(axis=0, ddof=1) / len(means) for means in (of_row, of_column) if len(means) > 1]
    if not parts:
        return np.full(np.shape(whole), np.nan), 0
    variance = np.maximum.reduce(parts)
    if len(parts) == 2:
        # The sum of squares of what is left, without an array of the size of the values.
        rest = (values**2).sum(axis=(0, 1)) - columns * (of_row**2).sum(axis=0) - rows * (of_column**2).sum(axis=0)
        rest = np.maximum(0.0, rest + rows * columns * whole**2) / ((rows - 1) * (columns - 1))
        variance = np.maximum(variance, parts[0] + parts[1] - rest / (rows * columns))
    return np.asarray(variance), min(n - 1 for n in (rows, columns) if n > 1)


def crossed_interval(values: np.ndarray, confidence: float = 0.95) -> tuple[float, float]:
    """The mean of values of shape (rows, columns) and the half-width of its t interval; NaN where there are fewer than two of
    both. See `crossed_variance`."""
    from scipy.special import stdtrit

    variance, freedom = crossed_variance(values)
    if freedom == 0:
        return float("nan"), float("nan")
    return float(values.mean()), float(stdtrit(freedom, 0.5 + confidence / 2)) * float(variance) ** 0.5


def by_draw(values: pd.Series, draw: pd.Series | None) -> np.ndarray:
    """Values by state and replication, states of one draw averaged: shape (draws, replications). Rival theories, by which states
    of one draw differ, are no sample of anything.

    Args:
        values: index (state, replication). draw: of each state; each state is a draw without it.
    """
    wide = complete(values)
    return averages(wide.index if draw is None else draw.reindex(wide.index).to_numpy()) @ wide.to_numpy()


def complete(values: pd.Series) -> pd.DataFrame:
    """Values by state (rows) and replication (columns), less the states or replications that lack most, until none lacks any."""
    wide = values.unstack("replication")
    rows, columns = filled(wide.notna().to_numpy())
    return wide.loc[rows, columns]


def averages(groups: "pd.Index | np.ndarray") -> np.ndarray:
    """The matrix that averages what belongs to one group: shape (groups, items)."""
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    member = np.arange(group.max() + 1)[:, None] == group
    return member / member.sum(axis=1, keepdims=True)
