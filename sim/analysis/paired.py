"""Paired comparison on common random numbers: schedule minus baseline, replication by replication."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sim.analysis.crossed import by_draw, crossed_interval
from sim.analysis.summary import outcome_columns

COLUMNS = (
    *("n", "mean", "lower", "upper", "half_width", "median", "q05", "q95", "p_lower", "p_equal"),
    *("independent_variance", "variance", "variance_ratio"),
)


def paired_difference(a: np.ndarray, b: np.ndarray, confidence: float = 0.95) -> dict[str, float]:
    """The difference a - b of two outcomes measured in the same replications.

    Args:
        a, b: arrays of equal length n, the same replications in the same order.
        confidence: of the interval of the mean.
    Returns:
        n; mean; lower and upper, the paired t interval of the mean; half_width; median, q05 and q95 of the single differences;
        p_lower, p_equal: shares of replications in which a is below b, or equal; independent_variance = var a + var b, what the
        variance of the difference would be on independent luck; variance = var(a - b); variance_ratio, the first over the second
        (NaN where both are 0, infinite where only the second is).
    Raises:
        ValueError: if the lengths differ or n < 2.
    Source: Law, Simulation Modeling and Analysis, 5th ed., sections 10.2.1 and 11.2.
    """
    from scipy.special import stdtrit

    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if a.shape != b.shape or a.ndim != 1 or a.size < 2:
        raise ValueError(f"paired outcomes need two equal numbers of at least two replications, got {a.shape} and {b.shape}")
    d, n = a - b, a.size
    variance, independent = float(d.var(ddof=1)), float(a.var(ddof=1) + b.var(ddof=1))
    half = float(stdtrit(n - 1, 0.5 + confidence / 2)) * (variance / n) ** 0.5
    ratio = independent / variance if variance > 0 else float("nan") if independent == 0 else float("inf")
    q05, median, q95 = np.quantile(d, [0.05, 0.5, 0.95])
    return {
        "n": n,
        "mean": float(d.mean()),
        "lower": float(d.mean()) - half,
        "upper": float(d.mean()) + half,
        "half_width": half,
        "median": float(median),
        "q05": float(q05),
        "q95": float(q95),
        "p_lower": float((d < 0).mean()),
        "p_equal": float((d == 0).mean()),
        "independent_variance": independent,
        "variance": variance,
        "variance_ratio": ratio,
    }


def differences(
    outcomes: pd.DataFrame,
    baseline: str,
    names: list[str] | None = None,
    confidence: float = 0.95,
    states: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Paired differences of each schedule from the baseline, one row for each schedule and outcome.

    Only replications that both have are compared, so that a replication that failed under one is left out of the pair.

    Args:
        outcomes: columns schedule, scenario, replication and one for each outcome; and state, if there are states of the world.
        baseline: the schedule to subtract. states: columns state and draw; states of one draw are averaged (rival theories are
            no sample of anything), draws are a sample. Without it each state is a draw.
    Returns:
        columns schedule, baseline, outcome, and those of `paired_difference`; with states, mean and interval are those of
        `crossed_interval`, variances those within a state, and the rest is of single runs in all states. No rows for a pair with
        fewer than two common replications.
    Raises:
        KeyError: if the baseline is not in the table.
    """
    names = names or outcome_columns(outcomes)
    crossed = "state" in outcomes
    keys = ["state", "replication"] if crossed else ["replication"]
    tables = {
        schedule: table.set_index(keys)[names].astype("float64") for schedule, table in outcomes.groupby("schedule", sort=False)
    }
    draw = None if states is None else states.set_index("state")["draw"]
    base, rows = tables[baseline], []
    for schedule, table in tables.items():
        if schedule == baseline:
            continue
        common = table.index.intersection(base.index)
        if len(common) < 2:
            continue
        ours, theirs = table.loc[common], base.loc[common]
        for name in names:
            row = paired_difference(ours[name].to_numpy(), theirs[name].to_numpy(), confidence)
            if crossed:
                mean, half = crossed_interval(by_draw(ours[name] - theirs[name], draw), confidence)
                row |= {"mean": mean, "lower": mean - half, "upper": mean + half, "half_width": half}
                row |= within_states(ours[name], theirs[name])
            rows.append({"schedule": schedule, "baseline": baseline, "outcome": name, **row})
    return pd.DataFrame(rows, columns=["schedule", "baseline", "outcome", *COLUMNS])


def within_states(a: pd.Series, b: pd.Series) -> dict[str, float]:
    """The variances of `paired_difference`, each the mean of those within a state: what luck makes of it, for how far apart
    states lie is the same on whatever luck.

    Args:
        a, b: index (state, replication), the same.
    """
    variance = float((a - b).groupby(level="state").var(ddof=1).mean())
    independent = float((a.groupby(level="state").var(ddof=1) + b.groupby(level="state").var(ddof=1)).mean())
    ratio = independent / variance if variance > 0 else float("inf") if independent > 0 else float("nan")
    return {"independent_variance": independent, "variance": variance, "variance_ratio": ratio}


def p_better(differences: pd.DataFrame, directions: Mapping[str, str]) -> pd.Series:
    """The share of replications in which the schedule does better than the baseline on the same luck; ties count for neither.

    Args:
        differences: what `differences` returns. directions: outcome -> which is better, "lower" or "higher".
    Returns:
        of the index of `differences`; NaN for outcomes without a direction.
    Raises:
        ValueError: if a direction is neither.
    """
    for outcome, direction in directions.items():
        if direction not in ("lower", "higher"):
            raise ValueError(f"expected lower or higher for {outcome}, got {direction}")
    direction = differences["outcome"].map(dict(directions))
    above = (1.0 - differences["p_lower"] - differences["p_equal"]).clip(lower=0.0)
    return differences["p_lower"].where(direction == "lower", above).where(direction.notna())
