"""Scenario discovery: a box of states in which runs end badly, and what it is worth in states that did not make it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.analysis import prim
from sim.analysis.prim import Case, chosen, described, numbers, peeling, quasi_p, simplified
from sim.analysis.resampling import percentile_interval, weights

TESTED = (
    *("test_density", "test_density_lower", "test_density_upper"),
    *("test_coverage", "test_coverage_lower", "test_coverage_upper"),
)
BOXES = (*prim.COLUMNS, "chosen", *TESTED)
LIMITS = ("box", "parameter", "low", "high", "values", "quasi_p")


def independent_runs(bad: np.ndarray) -> float:
    """How many independent runs the runs of a state count for: n / (1 + (n - 1) r), r their correlation within a state.

    Args:
        bad: booleans or 0 and 1 of shape (states, runs).
    Source: Kish, Survey Sampling (1965), section 5.4; r by analysis of variance.
    """
    states, runs = bad.shape
    if runs < 2 or states < 2:
        return float(runs)
    within = float(bad.var(axis=1, ddof=1).mean())
    between = max(0.0, float(bad.mean(axis=1).var(ddof=1)) - within / runs)
    alike = between / (between + within) if between + within > 0.0 else 0.0
    return runs / (1.0 + (runs - 1) * alike)


@dataclass(frozen=True)
class Discovery:
    """boxes: BOXES, a row for each box, the chosen one last. limits: LIMITS, of each restricted input of each."""

    boxes: pd.DataFrame
    limits: pd.DataFrame


def discover(
    x: pd.DataFrame,
    bad: np.ndarray,
    test_x: pd.DataFrame,
    test_bad: np.ndarray,
    peel: float = 0.05,
    least: float = 0.05,
    confidence: float = 0.95,
    bootstrap: int = 1000,
    seed: int = 0,
) -> Discovery:
    """The boxes, one of them chosen and freed of limits that may be luck; and what they are worth in other states.

    Args:
        x: a row for each state. bad: shape (states, runs), whether each ended badly; each state has luck of its own.
            test_x, test_bad: of other states. peel, least: as in `peeling`.
    Returns:
        the last box is the chosen one, simplified. test_density, test_coverage: in the other states, with percentile intervals
        over states and replications; NaN for a box with no state in it. Of other states without a bad run only the density is
        known, 0.
    Raises:
        ValueError: if no run is bad, or all are.
    """
    case = Case(x, bad.mean(axis=1), independent_runs(bad))
    boxes = peeling(case, peel, peel, least)
    boxes.append(simplified(case, chosen(case, boxes)))
    table = described(case, boxes).assign(chosen=[*[False] * (len(boxes) - 1), True])
    test = Case(test_x, test_bad.mean(axis=1))
    tested = [out_of_sample(test.box(box.limits).inside, test_bad, confidence, bootstrap, seed) for box in boxes]
    table = pd.concat([table, pd.DataFrame(tested, columns=list(TESTED))], axis=1)
    rows = []
    for k, box in enumerate(boxes):
        for key, p in quasi_p(case, box).items():
            limit = box.limits[key]
            names = ", ".join(sorted(map(str, limit))) if isinstance(limit, frozenset) else ""
            low, high = (np.nan, np.nan) if names else numbers(limit)
            rows.append((k, key, low, high, names, p))
    return Discovery(table[list(BOXES)], pd.DataFrame(rows, columns=list(LIMITS)))


def out_of_sample(inside: np.ndarray, bad: np.ndarray, confidence: float, bootstrap: int, seed: int) -> tuple[float, ...]:
    """Density and coverage of a box, each with its interval, in states that did not make it: TESTED."""
    share = bad.mean(axis=1)
    if not inside.any() or share.sum() == 0.0:  # resampling states without a bad run would give an interval of no width
        return (0.0 if inside.any() else float("nan"), *[float("nan")] * (len(TESTED) - 1))
    parts = np.stack([inside * share, inside, share], axis=1)  # bad and inside, inside, bad: of each state
    drawn = weights(len(share), bootstrap, np.random.default_rng(seed)) @ parts
    drawn = drawn[(drawn[:, 1:] > 0.0).all(axis=1)]
    lower, upper = percentile_interval(drawn[:, :1] / drawn[:, 1:], confidence)
    caught, within, every = parts.sum(axis=0)
    return caught / within, float(lower[0]), float(upper[0]), caught / every, float(lower[1]), float(upper[1])
