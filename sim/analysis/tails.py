"""The bad tail: the quantile beyond which the worst runs lie, and their mean (CVaR)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sim.analysis.cells import cells as cells_of
from sim.analysis.resampling import cube, draws, percentile_interval, resamples

COLUMNS = ("schedule", "outcome", "direction", "level", "quantile", "cvar", "lower", "upper")
SIDES = ("lower", "higher")


def tail_risk(
    outcomes: pd.DataFrame,
    bad_sides: Sequence[tuple[str, str]],
    level: float = 0.95,
    confidence: float = 0.95,
    bootstrap: int = 1000,
    seed: int = 0,
    states: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The quantile and the CVaR of the bad tail of each outcome under each schedule.

    Args:
        outcomes: columns schedule, replication, if there are states of the world state (runs of all states are pooled), and the
            outcomes.
        bad_sides: (outcome, which side is bad: "higher" or "lower").
        level: 0.95 looks at the worst 5 % of runs. bootstrap: resamples of states and replications, the same for all schedules.
        states: columns state and draw; states of one draw are resampled together.
    Returns:
        a row for each outcome and schedule, in the outcome's unit: direction (the bad side), quantile (the smallest loss that at
        least the share `level` of runs does not exceed), cvar, and lower and upper of cvar (percentile bootstrap: it is too short
        where the tail has few runs, for no resample holds a run worse than the worst).
    Raises:
        ValueError: if a side is unknown, the level is not within 0 and 1, or no replication is left that all schedules have.
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level = {level}: expected a number between 0 and 1")
    for outcome, side in bad_sides:
        if side not in SIDES:
            raise ValueError(f"{outcome}: the bad side is {side}; expected lower or higher")
    if not bad_sides:
        return pd.DataFrame(columns=list(COLUMNS))
    schedules = list(outcomes["schedule"].unique())
    names = list(dict.fromkeys(outcome for outcome, _ in bad_sides))
    values, kept = cube(pd.concat({name: cells_of(outcomes, name) for name in names}, axis=1).dropna())
    worlds, replications = values.shape[0], values.shape[1]
    runs = values.reshape(worlds * replications, len(names), len(schedules))
    cases = [(outcome, side, k) for outcome, side in bad_sides for k in range(len(schedules))]
    tails = [
        Tail(runs[:, names.index(outcome), k] * (1.0 if side == "higher" else -1.0), replications, level)
        for outcome, side, k in cases
    ]
    found = np.empty((bootstrap, len(tails)))
    done, rng = 0, np.random.default_rng(seed)
    width = 2 * max(tail.losses.size for tail in tails)
    for of_state, of_luck in resamples(worlds, replications, bootstrap, rng, draws(states, kept), width=width):
        for column, tail in enumerate(tails):
            found[done : done + len(of_state), column] = tail.cvar(of_state, of_luck)
        done += len(of_state)
    lower, upper = percentile_interval(found, confidence)
    rows = []
    for column, ((outcome, side, k), tail) in enumerate(zip(cases, tails, strict=True)):
        quantile, cvar = value_at_risk(tail.losses, level)
        ends = lower[column], upper[column]
        if side == "lower":
            quantile, cvar, ends = 0.0 - quantile, 0.0 - cvar, (0.0 - ends[1], 0.0 - ends[0])  # no -0
        rows.append((schedules[k], outcome, side, level, quantile, cvar, float(ends[0]), float(ends[1])))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def value_at_risk(losses: np.ndarray, level: float) -> tuple[float, float]:
    """The quantile of losses at a level, and the mean of the worst share 1 - level of them.

    The quantile may be an atom that lies partly in the tail: only that part of it is counted, so that the tail has exactly the
    share 1 - level.

    Args:
        losses: higher is worse; sorted or not.
    Source: Rockafellar and Uryasev, Conditional value-at-risk for general loss distributions, Journal of Banking and Finance 26
    (2002), proposition 8; for continuous ones Journal of Risk 2 (2000).
    """
    ordered = np.sort(losses)
    cumulated = np.arange(1, ordered.size + 1) / ordered.size
    # the share is a quotient of whole numbers: a level that it equals must not be missed by rounding
    quantile = ordered[int(np.searchsorted(cumulated, level - 1e-12))]
    mass = np.diff(np.maximum(cumulated - level, 0.0), prepend=0.0)
    return float(quantile), float(mass @ ordered / mass.sum())


class Tail:
    """The worst runs of one schedule and outcome, to be weighed anew in each resample."""

    def __init__(self, losses: np.ndarray, replications: int, level: float) -> None:
        """losses: shape (states * replications,), higher is worse, replications within states."""
        self.losses, self.level = losses, level
        self.order = np.argsort(-losses, kind="stable")
        self.state, self.luck = np.divmod(self.order, replications)

    def cvar(self, of_state: np.ndarray, of_luck: np.ndarray) -> np.ndarray:
        """CVaR in each of m resamples; weights of shape (m, states) and (m, replications)."""
        share, size = 1.0 - self.level, self.order.size
        # the worst runs suffice if they weigh the tail's share in every resample; mostly a few times the share does
        kept = min(size, int(3 * share * size) + 50)
        while True:
            weight = of_state[:, self.state[:kept]] * of_luck[:, self.luck[:kept]]
            cumulated = np.cumsum(weight, axis=1)
            if kept == size or cumulated[:, -1].min() >= share:
                break
            kept = min(size, 2 * kept)
        inside = np.diff(np.minimum(cumulated, share), axis=1, prepend=0.0)
        return inside @ self.losses[self.order[:kept]] / inside.sum(axis=1)
