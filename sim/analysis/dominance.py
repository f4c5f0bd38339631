"""Dominance: one schedule is as good as another in everything that counts, and better in something.

Pareto dominance is of the means of several outcomes and needs no weights, only directions. Stochastic dominance is of the
distribution of one: to the first order it is what everybody prefers who prefers more, to the second what everybody prefers who
also dislikes risk. Hadar and Russell, Rules for ordering uncertain prospects, American Economic Review 59 (1969).
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import permutations

import numpy as np
import pandas as pd

from sim.analysis.cells import cells as cells_of
from sim.analysis.crossed import averages, crossed_variance
from sim.analysis.objectives import Objective, value
from sim.analysis.resampling import cube, draws, resamples

Order = Callable[[np.ndarray, np.ndarray], np.ndarray]

COLUMNS = ("a", "b", "outcome", "order", "holds", "confidence")
POINTS = 100  # of a distribution at which two are compared
ROUNDING = 1e-9  # of the spread of the outcome


def dominance(
    outcomes: pd.DataFrame,
    objectives: Sequence[Objective],
    confidence: float = 0.95,
    bootstrap: int = 500,
    seed: int = 0,
    states: pd.DataFrame | None = None,
    tolerances: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Which schedule dominates which.

    Args:
        outcomes: columns schedule, replication, if there are states of the world state (runs of all states are pooled), and the
            outcomes of the objectives.
        objectives: what counts; at least one. Weights matter only to the first and second order of all together.
        confidence: that `holds` asks for, for all pairs at once. bootstrap: resamples of states and replications, shared by all
            schedules.
        states: columns state and draw; states of one draw are resampled together.
        tolerances: for some outcomes, in their unit, by how much a mean may be worse and still count as no worse (Pareto only).
    Returns:
        one row for each ordered pair, outcome and order: a dominates b by
        pareto (outcome ""): the mean of no objective is worse and that of one is better;
        first: for every threshold a run of a is at least as likely to be better than it, and for one more likely;
        second: for every threshold the expected shortfall below it is no greater, and for one smaller;
        the latter two for each objective's outcome, and with outcome "" for the value of all.
        confidence: the share of resamples in which it is so, so that one that hangs by a near-tie has little; holds: whether it
        is so in the table, and surely so for all ordered pairs at once (Bonferroni): pareto by paired t tests, first and second
        by all but that share of the resamples. Schedules that are equal do not dominate each other.
        Distributions are compared at each value that occurs, or at 100 quantiles of the pooled runs if more occur, the extremes
        among them.
    Raises:
        ValueError: without objectives, or if no replication is left that all schedules have.
    """
    if not objectives:
        raise ValueError("dominance needs objectives: which outcomes count, and in which direction")
    names = list(dict.fromkeys(objective.outcome for objective in objectives))
    tables = {objective.outcome: cells_of(outcomes, objective.outcome) * objective.sign for objective in objectives}
    tables[""] = cells_of(outcomes, value(outcomes, objectives))
    values, kept = cube(pd.concat(tables, axis=1).dropna())
    schedules = list(outcomes["schedule"].unique())
    by_outcome = values.reshape(*values.shape[:2], len(tables), len(schedules))
    groups, rng = draws(states, kept), np.random.default_rng(seed)
    worlds, replications = values.shape[0], values.shape[1]
    slack = np.array([(tolerances or {}).get(name, 0.0) for name in names])
    means = Pareto(by_outcome[:, :, : len(names)], slack)
    orders: list[tuple[str, str, Order]] = [("", "pareto", means)]
    for column, name in enumerate(tables):
        spread = Distributions(by_outcome[:, :, column])
        orders += [(name, "first", spread.first), (name, "second", spread.second)]
    once = (np.full(worlds, 1.0 / worlds), np.full(replications, 1.0 / replications))
    now = [order(*once) for _, _, order in orders]
    often = np.zeros((len(orders), len(schedules), len(schedules)))
    for of_states, of_luck in resamples(worlds, replications, bootstrap, rng, groups):
        for weights in zip(of_states, of_luck, strict=True):
            often += [order(*weights) for _, _, order in orders]
    often /= bootstrap
    tests = len(schedules) * (len(schedules) - 1)
    family = 1.0 - (1.0 - confidence) / max(1, tests)
    sure = [means.surely(groups, family), *(share >= family for share in often[1:])]
    rows = [
        (schedules[a], schedules[b], name, order, bool(here[a, b] and certain[a, b]), float(share[a, b]))
        for here, certain, share, (name, order, _) in zip(now, sure, often, orders, strict=True)
        for a, b in permutations(range(len(schedules)), 2)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


class Pareto:
    """Whether each schedule's means are no worse than each other's, and one is better: yes or no by [a, b]."""

    def __init__(self, values: np.ndarray, slack: np.ndarray) -> None:
        """values: shape (states, replications, objectives, schedules), higher is better. slack: shape (objectives,)."""
        self.values, self.slack = values, slack

    def __call__(self, of_state: np.ndarray, of_luck: np.ndarray) -> np.ndarray:
        means = np.einsum("srok,s,r->ko", self.values, of_state, of_luck, optimize=True)
        ahead = means[:, None] - means[None]
        rounding = ROUNDING * np.abs(means).max(axis=0)
        return np.all(ahead >= -self.slack - rounding, axis=2) & np.any(ahead > rounding, axis=2)

    def surely(self, groups: np.ndarray | None, confidence: float) -> np.ndarray:
        """Whether it is so at a one-sided confidence, by [a, b]: by paired t tests over draws and luck a is no worse on each
        objective (all have to pass, so their number needs no correction: Berger, Technometrics 24, 1982), and better on one."""
        from scipy.special import stdtrit

        average = averages(np.arange(len(self.values)) if groups is None else groups)
        drawn = np.einsum("ds,srok->drok", average, self.values)
        schedules = drawn.shape[3]
        found = np.zeros((schedules, schedules), dtype=bool)
        for a, b in permutations(range(schedules), 2):
            ahead = drawn[..., a] - drawn[..., b]
            variance, freedom = crossed_variance(ahead)
            if freedom == 0:
                continue
            lower = ahead.mean(axis=(0, 1)) - float(stdtrit(freedom, confidence)) * np.sqrt(variance)
            equal = np.all(ahead == 0.0, axis=(0, 1))
            found[a, b] = np.all((lower >= -self.slack) | equal) and bool(np.any((lower > 0.0) & ~equal))
        return found


class Distributions:
    """The distribution of one outcome under each schedule, to be weighed and compared at thresholds."""

    def __init__(self, values: np.ndarray) -> None:
        """values: shape (states, replications, schedules), higher is better."""
        self.values = np.ascontiguousarray(np.moveaxis(values, 2, 0)).reshape(values.shape[2], -1)
        points = np.unique(values)
        if points.size > POINTS:
            points = np.unique(np.quantile(values, np.linspace(0.0, 1.0, POINTS), method="nearest"))
        self.points, self.spread = points, np.ptp(points)
        self.bins = np.searchsorted(points, self.values)

    def first(self, of_state: np.ndarray, of_luck: np.ndarray) -> np.ndarray:
        """First order, by [a, b]: at each threshold, the share of a's runs at or below it is no greater."""
        return below(self.cumulated(np.outer(of_state, of_luck).ravel(), None), ROUNDING)

    def second(self, of_state: np.ndarray, of_luck: np.ndarray) -> np.ndarray:
        """Second order, by [a, b]: at each threshold, the mean shortfall below it, E max(0, threshold - x), is no greater."""
        weight = np.outer(of_state, of_luck).ravel()
        shortfall = self.points * self.cumulated(weight, None) - self.cumulated(weight, self.values)
        return below(shortfall, ROUNDING * self.spread)

    def cumulated(self, weight: np.ndarray, of: np.ndarray | None) -> np.ndarray:
        """The weight of runs at or below each threshold, or their weighted sum of numbers; shape (schedules, thresholds)."""
        rows = [
            np.bincount(bins, weight if of is None else weight * of[schedule], minlength=self.points.size)
            for schedule, bins in enumerate(self.bins)
        ]
        return np.cumsum(rows, axis=1)


def below(curves: np.ndarray, rounding: float) -> np.ndarray:
    """Whether curve a is nowhere above curve b, and somewhere below it: yes or no by [a, b]."""
    ahead = curves[None] - curves[:, None]  # b - a
    return np.all(ahead >= -rounding, axis=2) & np.any(ahead > rounding, axis=2)
