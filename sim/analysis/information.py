"""What it would be worth to know the state of the world, or one thing about it, before a schedule is chosen.

EVPI is what the choice would gain by knowing all: the mean over states of the best value in each, less the best mean value.
EVPPI is what it would gain by knowing one parameter or one rival theory. Raiffa and Schlaifer, Applied Statistical Decision
Theory (1961).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.analysis.crossfit import fold_of, held_out
from sim.analysis.resampling import centred_interval, cube, draws, percentile_interval, resampled_means, resamples

COLUMNS = ("of", "kind", "value", "lower", "upper", "naive")
KNOTS = 2  # inside the range of a parameter: a cubic spline of six coefficients


def value_of_information(
    cells: pd.DataFrame,
    states: pd.DataFrame | None = None,
    confidence: float = 0.95,
    bootstrap: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """EVPI over the states of the world, and EVPPI of each rival theory and parameter.

    The value of each schedule given a parameter is a regression over states: a cubic B-spline of few coefficients by least
    squares; given a rival, its mean under each level. Strong, Oakley and Brennan, Estimating multiparameter partial expected
    value of perfect information from a probabilistic sensitivity analysis sample, Medical Decision Making 34 (2014).

    Choosing by such numbers and judging by the same finds value in noise. So each choice is made on other replications than it is
    judged on, and for a regression on other draws, too (five folds of each, sim.analysis.crossfit): a parameter that does not
    matter is worth nothing but chance, and what matters little is understated a little. Few draws tell little: what one thing
    then seems worth by chance is cut to what everything is worth.

    Args:
        cells: of sim.analysis.cells.cells, values of which higher is better; index (state, replication), or replication.
        states: columns state, draw, a column of floats for each parameter that varies, any other column a rival theory. None:
            EVPI only.
        seed: of the resampling.
    Returns:
        rows "everything", then rivals, then parameters, those that vary: of, kind ("everything", "rival" or "parameter"); value,
        in units of value, 0 where the estimate is below; lower and upper: over states and replications, for everything with the
        choices made anew in each resample, for the others of the choices that were made; naive: by choosing and judging on all.
    Raises:
        ValueError: if no replication is left that all schedules have.
    """
    values, kept = cube(cells)
    groups, rng = draws(states, kept), np.random.default_rng(seed)
    worlds, replications = values.shape[0], values.shape[1]
    uniform = np.full((1, worlds), 1.0 / worlds), np.full((1, replications), 1.0 / replications)
    estimate = perfect(values, *uniform)
    width = 4 * values[:, 0].size
    found = [perfect(values, *weights) for weights in resamples(worlds, replications, bootstrap, rng, groups, width)]
    lower, upper = centred_interval(estimate, np.concatenate(found)[:, None], confidence)
    rows = [("everything", "everything", float(estimate[0]), float(lower[0]), float(upper[0]), naive_perfect(values))]
    known = things_to_know(states, kept)
    if known and worlds > 1:
        folds = fold_of_states(groups, worlds)
        gains = np.stack([gain(values, thing, folds) for thing in known], axis=2)
        lower, upper = percentile_interval(resampled_means(gains, bootstrap, rng, groups), confidence)
        for k, thing in enumerate(known):
            numbers = float(gains[:, :, k].mean()), float(lower[k]), float(upper[k]), naive_gain(values, thing)
            rows.append((thing.name, thing.kind, *numbers))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    # Nothing is worth more than everything: where chance has it otherwise, the estimates are brought into line.
    table["value"] = table["value"].clip(upper=table["value"].iloc[0])
    table[["lower", "upper"]] = table[["lower", "upper"]].clip(upper=table["upper"].iloc[0])
    never_negative = ["value", "lower", "upper", "naive"]  # naive but for rounding
    table[never_negative] = table[never_negative].clip(lower=0.0)
    return table


def perfect(values: np.ndarray, of_state: np.ndarray, of_luck: np.ndarray) -> np.ndarray:
    """Cross-fitted EVPI in each of m resamples; shape (m,).

    Args:
        values: shape (states, replications, schedules). of_state, of_luck: weights, shapes (m, states) and (m, replications).
    """
    found = np.zeros(len(of_state))
    for others, held in held_out(values, of_luck):
        told = np.take_along_axis(held, others.argmax(axis=2)[:, :, None], axis=2)[:, :, 0]
        untold = np.matmul(of_state[:, None, :], others)[:, 0].argmax(axis=1)
        found += (of_state * (told - held[np.arange(len(held)), :, untold])).sum(axis=1)
    return found


def naive_perfect(values: np.ndarray) -> float:
    """EVPI as if the means over replications were true: the smallest mean regret of a schedule."""
    means = values.mean(axis=1)
    return float(means.max(axis=1).mean() - means.mean(axis=0).max())


@dataclass(frozen=True)
class Thing:
    """Something that could be known. basis: what the value given it is a linear function of, shape (states, coefficients)."""

    name: str
    kind: str
    basis: np.ndarray


def things_to_know(states: pd.DataFrame | None, kept: np.ndarray) -> list[Thing]:
    """The rivals and the parameters that vary over the states, rivals first."""
    if states is None:
        return []
    table = states.set_index("state").loc[kept]
    rivals, parameters = [], []
    for name in table.columns.drop("draw", errors="ignore"):
        column = table[name]
        if column.nunique() < 2:
            continue
        if pd.api.types.is_float_dtype(column):
            parameters.append(Thing(str(name), "parameter", spline(column.to_numpy(dtype="float64"))))
        else:
            levels, _ = pd.factorize(column)
            rivals.append(Thing(str(name), "rival", np.eye(int(levels.max()) + 1)[levels]))
    return [*rivals, *parameters]


def spline(x: np.ndarray) -> np.ndarray:
    """A cubic B-spline basis of a parameter, knots at quantiles; a constant and a slope if it has fewer than twelve values."""
    from scipy.interpolate import BSpline

    different = np.unique(x)
    if different.size < 12:
        return np.column_stack([np.ones_like(x), (x - x.mean()) / x.std()])
    inner = np.quantile(different, np.linspace(0.0, 1.0, KNOTS + 2)[1:-1])
    knots = np.concatenate([[different[0]] * 4, inner, [different[-1]] * 4])
    return BSpline.design_matrix(x, knots, 3).toarray()


def fold_of_states(groups: np.ndarray | None, worlds: int) -> np.ndarray:
    """The fold of each state; states of one draw share theirs, for they share the draw's parameters."""
    group = np.arange(worlds) if groups is None else np.unique(groups, return_inverse=True)[1]
    return fold_of(int(group.max()) + 1)[group]


def gain(values: np.ndarray, thing: Thing, folds: np.ndarray) -> np.ndarray:
    """What choosing by the thing gains over choosing without, in each state and replication: its mean is the EVPPI.

    For each fold of states and fold of replications, the choice by the thing is made on what is in neither. That without it is
    made on all states: it does not lean on any one of them, and where a sample is balanced, as a Latin hypercube's is, the rest
    of the states would mislead about those held out.

    Args:
        values: shape (states, replications, schedules). folds: of the states.
    Returns:
        shape (states, replications).
    """
    worlds, replications, schedules = values.shape
    luck, found = fold_of(replications), np.zeros((worlds, replications))
    # with one replication, or one draw, there is nothing to hold out
    apart = [luck != fold if replications > 1 else luck == fold for fold in range(int(luck.max()) + 1)]
    means = np.stack([values[:, others].mean(axis=1) for others in apart], axis=1)
    without = means.mean(axis=0).argmax(axis=1)[luck]
    for fold in range(int(folds.max()) + 1):
        inside = folds == fold
        outside = ~inside if folds.max() > 0 else inside
        fit = np.linalg.pinv(thing.basis[outside]) @ means[outside].reshape(int(outside.sum()), -1)
        given = (thing.basis[inside] @ fit).reshape(-1, len(apart), schedules).argmax(axis=2)
        part = values[inside]
        told = np.take_along_axis(part, given[:, luck][:, :, None], axis=2)[:, :, 0]
        found[inside] = told - part[:, np.arange(replications), without]
    return found


def naive_gain(values: np.ndarray, thing: Thing) -> float:
    """EVPPI as if the fitted values were true: the mean of the best fitted value, less the best mean."""
    means = values.mean(axis=1)
    fitted = thing.basis @ (np.linalg.pinv(thing.basis) @ means)
    return float(fitted.max(axis=1).mean() - means.mean(axis=0).max())
