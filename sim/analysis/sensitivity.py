"""Sobol indices of a stochastic model: whose variance an outcome's is, of its inputs or of luck.

Values come by point and replication, and the mean at a point is known up to luck only, which makes its variance over the points
too large. Everything here is a mean of products of two responses, so luck is taken out exactly: by taking products of different
replications only. That holds whether rows of a design share their luck or have luck of their own; the points of a row share it,
so that what luck adds to all of them alike drops out of their differences.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.analysis.resampling import resamples
from sim.analysis.screening import problem

COLUMNS = (
    *("outcome", "measure", "parameter", "s1", "s1_lower", "s1_upper", "st", "st_lower", "st_upper"),
    *("s1_of_run", "s1_of_run_lower", "s1_of_run_upper", "luck", "luck_lower", "luck_upper"),
)
OF_RUN = COLUMNS[9:]
MEASURES = ("mean", "variance")
KNOWN = 0.95  # share of resamples that must have a variance above 0 for an interval to be told


def indices_design(names: Sequence[str], groups: Sequence[str], rows: int, seed: int) -> np.ndarray:
    """Points in the unit cube, shape (rows * (groups + 2), inputs): a row of A, A with each group taken from B in turn, and B.

    Args:
        names: of the inputs. groups: for each input the group that it belongs to, which may be itself. rows: a power of two.
    Raises:
        ValueError: if rows is no power of two.
    Source: Saltelli and others, Computer Physics Communications 181 (2010); Owen's scrambling; by SALib.
    """
    from SALib.sample import sobol

    if rows < 2 or rows & (rows - 1):
        raise ValueError(f"expected a power of two, such as {1 << max(1, rows.bit_length() - 1)}")
    # SALib takes no generator where scipy asks for one, so a seed of it
    return np.asarray(sobol.sample({**problem(names), "groups": list(groups)}, rows, calc_second_order=False, seed=seed % 2**32))


@dataclass(frozen=True)
class Shares:
    """One estimate. s1, st: shape (groups,). luck: the share of luck in the variance of a run."""

    s1: np.ndarray
    st: np.ndarray
    luck: float


def indices(
    values: np.ndarray,
    names: Sequence[str],
    outcome: str = "",
    confidence: float = 0.95,
    bootstrap: int = 1000,
    seed: int = 0,
    common: bool = False,
) -> pd.DataFrame:
    """First-order and total indices of each input of the mean of an outcome and of its variance, and the share that is luck.

    Args:
        values: shape (rows * (groups + 2), replications), points in the order of `indices_design`; at least 4 replications.
        names: of the groups, in order of appearance.
        bootstrap: resamples of rows, which bring their luck with them, from which the percentile intervals are. common: whether
            all rows have the same luck; then replications are resampled as well.
    Returns:
        a row for each measure (mean, variance) and input: s1 and st with their intervals, free of luck; they may lie a little
        below 0 or above 1. s1_of_run: the share of the variance of a single run that the input makes by itself, s1 (1 - luck).
        luck: E[Var(run | inputs)] / Var(run), the same in all rows of the mean. NaN where nothing varies with the inputs, or
        that cannot be told from luck; s1_of_run and luck NaN for the variance.
    Raises:
        ValueError: if the values are not of a design with so many groups, or there are fewer than 4 replications.
    Source: estimators of Saltelli and others 2010 (first order, table 2 b) and Jansen 1999 (total, table 2 f).
    """
    groups, replications = len(names), values.shape[1]
    if len(values) % (groups + 2):
        raise ValueError(f"{len(values)} points do not belong to a design of {groups} inputs")
    if replications < 4:
        raise ValueError(f"expected at least 4 replications of each point, got {replications}")
    rows = len(values) // (groups + 2)
    runs = values.reshape(rows, groups + 2, replications)
    parts = []
    for measure in MEASURES:
        # Half the squared difference of two runs has the variance of a run as its mean: pairs of replications know the variance
        # as single ones know the mean.
        known = runs if measure == "mean" else (runs[..., 0 : replications // 2 * 2 : 2] - runs[..., 1::2]) ** 2 / 2
        parts.append(of_response(known, names, confidence, bootstrap, seed, common).assign(outcome=outcome, measure=measure))
    parts[1][list(OF_RUN)] = np.nan  # luck of a luck: no share of anything
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def of_response(
    runs: np.ndarray, names: Sequence[str], confidence: float, bootstrap: int, seed: int, common: bool
) -> pd.DataFrame:
    """The indices of what single runs know without bias, with intervals; runs of shape (rows, groups + 2, replications)."""
    rows, _, replications = runs.shape
    runs = runs - runs.mean()  # products of small numbers lose fewer digits
    flat = np.full(replications, 1.0 / replications)
    whole = shares(runs, np.full(rows, 1.0 / rows), flat)
    drawn = []
    for of_row, of_luck in resamples(rows, replications, bootstrap, np.random.default_rng(seed)):
        for row, luck in zip(of_row, of_luck, strict=True):
            once = shares(runs[row > 0.0], row[row > 0.0], luck if common else flat)
            drawn.append([*once.s1, *once.st, *(once.s1 * (1.0 - once.luck)), once.luck])
    lower, upper = known_interval(np.array(drawn), confidence)
    k, nan = len(names), np.full(len(names), np.nan)
    if np.isnan(lower[:-1]).all():  # the variance over the points may be luck's
        whole = Shares(nan, nan, whole.luck)
    return pd.DataFrame(
        {
            **{"parameter": list(names), "s1": whole.s1, "s1_lower": lower[:k], "s1_upper": upper[:k]},
            **{"st": whole.st, "st_lower": lower[k : 2 * k], "st_upper": upper[k : 2 * k]},
            **{"s1_of_run": whole.s1 * (1.0 - whole.luck)},
            **{"s1_of_run_lower": lower[2 * k : -1], "s1_of_run_upper": upper[2 * k : -1]},
            **{"luck": whole.luck, "luck_lower": lower[-1], "luck_upper": upper[-1]},
        }
    )


def shares(runs: np.ndarray, of_row: np.ndarray, of_luck: np.ndarray) -> Shares:
    """The indices for weights of rows and of replications, each of a sum of 1.

    The mean over pairs of different replications of a form that is linear in both, Q(r, s), is
    (Q(mean, mean) - sum of w_r^2 Q(r, r)) / (1 - sum of w_r^2): a replication that a resample holds twice is no two.
    """
    w = of_luck
    alike = float((w**2).sum())
    nan = np.full(runs.shape[1] - 2, np.nan)
    if alike > 1.0 - 1e-9:
        return Shares(nan, nan, float("nan"))
    means = runs @ w
    a, ab, b = runs[:, 0], runs[:, 1:-1], runs[:, -1]
    a_, ab_, b_ = means[:, 0], means[:, 1:-1], means[:, -1]

    def apart(both: np.ndarray, own: np.ndarray) -> np.ndarray:
        """own: Q(r, r) by replication, its last axis."""
        return (both - own @ w**2) / (1.0 - alike)

    centre, centre_ = of_row @ (a + b) / 2, float(of_row @ (a_ + b_)) / 2
    variance = apart(
        of_row @ ((a_ - centre_) ** 2 + (b_ - centre_) ** 2) / 2, of_row @ ((a - centre) ** 2 + (b - centre) ** 2) / 2
    )
    first = apart(
        of_row @ ((b_ - centre_)[:, None] * (ab_ - a_[:, None])),
        np.einsum("i,ir,ijr->jr", of_row, b - centre, ab - a[:, None], optimize=True),
    )
    total = apart(of_row @ (ab_ - a_[:, None]) ** 2 / 2, np.einsum("i,ijr->jr", of_row, (ab - a[:, None]) ** 2) / 2)
    # the variance at a point: of pairs of different replications, too
    luck = float(of_row @ (a**2 @ w - a_**2 + b**2 @ w - b_**2)) / 2 / (1.0 - alike)
    tiny = 1e-12 * float((runs**2).mean())
    share = luck / (max(float(variance), 0.0) + luck) if luck > tiny else 0.0 if variance > tiny else float("nan")
    if variance <= tiny:
        return Shares(nan, nan, share)
    return Shares(first / variance, total / variance, share)


def known_interval(drawn: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """The percentile interval of each column over the resamples in which it is known; NaN where too few know it."""
    known = np.isfinite(drawn)
    enough = known.mean(axis=0) >= KNOWN
    lower, upper = np.full(drawn.shape[1], np.nan), np.full(drawn.shape[1], np.nan)
    if enough.any():
        lower[enough], upper[enough] = np.nanquantile(drawn[:, enough], [0.5 - confidence / 2, 0.5 + confidence / 2], axis=0)
    return lower, upper


def of_groups(names: Sequence[str], chosen: Sequence[str], rest: str) -> tuple[list[str], list[str]]:
    """The group of each input, itself if it was chosen and else the rest; and the groups in order of appearance."""
    groups: list[str] = [name if name in chosen else rest for name in names]
    return groups, list(dict.fromkeys(groups))
