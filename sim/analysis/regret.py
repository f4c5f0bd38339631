"""Decisions under deep uncertainty: what it costs to have chosen a schedule once the state of the world is known.

Regret is signed in the direction of value: the value of the best schedule in a state minus a schedule's own, never an absolute
difference. Savage, The theory of statistical decision, Journal of the American Statistical Association 46 (1951).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sim.analysis.cells import cells as cells_of
from sim.analysis.crossfit import margins, paired_by_state, regrets, regrets_at
from sim.analysis.proportions import never_certain, wilson
from sim.analysis.resampling import centred_interval, cube, draws, percentile_interval, resampled_means, resamples

REGRET = (
    *("schedule", "expected", "lower", "upper", "q90", "maximum", "maximum_lower", "maximum_upper"),
    *("best_share", "best_lower", "best_upper", "margin"),
)
SATISFICING = ("schedule", "outcome", "limit", "sense", "of", "share", "lower", "upper")
SENSES = ("at_most", "at_least")


def regret(
    cells: pd.DataFrame,
    states: pd.DataFrame | None = None,
    confidence: float = 0.95,
    bootstrap: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Regret of each schedule over states of the world, and how often it is best.

    Regrets are cross-fitted (sim.analysis.crossfit): what is best in a state is chosen on some replications and judged on others,
    so that schedules which are equal in truth have no regret but chance. A regret cannot be below 0, so one that is reads 0.

    Args:
        cells: of sim.analysis.cells.cells, values of which higher is better; index replication, or (state, replication). Without
            states it is the regret of the means.
        states: columns state and draw; states of one draw are resampled together. Without it each state stands by itself.
        bootstrap: resamples. seed: of the resampling.
    Returns:
        one row a schedule:
        expected: mean regret over states; lower and upper over states and replications (pigeonhole bootstrap, chosen anew in
        each resample);
        q90: regret in the state at the 0.9 quantile over states;
        maximum: regret in the worst of these states, with an interval over replications only, for the worst state of all priors
        has no bound that a sample can tell;
        best_share: share of states in which its mean is highest (ties share a state). Lower counts only states where it is above
        every other by a paired t test, upper all where no other is above it (Bonferroni over the others); both also allow for the
        sample of states;
        margin: mean over states of the best other schedule's value minus its own; negative if it is better than all others. NaN
        if there is no other.
        All but the share in units of value.
    Raises:
        ValueError: if no replication is left that all schedules have.
    """
    values, kept = cube(cells)
    groups, rng = draws(states, kept), np.random.default_rng(seed)
    expected, maximum = [], []
    for of_state, of_luck in resamples(*values.shape[:2], bootstrap, rng, groups, width=4 * values[:, 0].size):
        expected.append(np.matmul(of_state[:, None, :], regrets(values, of_luck))[:, 0])
        maximum.append(regrets_at(values, of_luck, 1.0))
    once = np.full((1, values.shape[1]), 1.0 / values.shape[1])
    mean, worst = regrets(values, once)[0].mean(axis=0), regrets_at(values, once, 1.0)[0]
    low, high = centred_interval(mean, np.concatenate(expected), confidence)
    worst_low, worst_high = centred_interval(worst, np.concatenate(maximum), confidence)
    share, sure, possible = best(values, confidence)
    marks = np.concatenate([sure, possible], axis=1)[:, None, :].astype("float64")
    lower, upper = percentile_interval(resampled_means(marks, bootstrap, rng, groups), confidence)
    schedules = values.shape[2]
    if len(kept) > 1 and schedules > 1:
        independent = drawn(groups, *values.shape[:2])
        least, most = never_certain(share, lower[:schedules], upper[schedules:], independent, confidence)
    else:
        least, most = lower[:schedules], upper[schedules:]
    table = pd.DataFrame(
        {
            "schedule": list(cells.columns),
            "expected": mean,
            "lower": low,
            "upper": high,
            "q90": regrets_at(values, once, 0.9)[0],
            "maximum": worst,
            "maximum_lower": worst_low,
            "maximum_upper": worst_high,
            "best_share": share,
            "best_lower": least,
            "best_upper": most,
            "margin": margins(values, once)[0].mean(axis=0),
        },
        columns=list(REGRET),
    )
    never_negative = list(REGRET[1:8])
    table[never_negative] = table[never_negative].clip(lower=0.0)
    # The largest regret is no smaller than the others; its estimate, which sees fewer replications at a time, may be.
    table["maximum"] = table[["expected", "q90", "maximum"]].max(axis=1)
    table["maximum_upper"] = table[["maximum", "maximum_upper"]].max(axis=1)
    return table


def best(values: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """In which states each schedule is best.

    Args:
        values: shape (states, replications, schedules), higher is better.
    Returns:
        share of states, shape (schedules,); where it is surely best and where it may be, booleans of shape (states, schedules).
    """
    from scipy.special import stdtrit

    states, replications, schedules = values.shape
    means = values.mean(axis=1)
    top = means == means.max(axis=1, keepdims=True)
    share = (top / top.sum(axis=1, keepdims=True)).mean(axis=0)
    if schedules == 1:
        return share, np.ones((states, 1), dtype=bool), np.ones((states, 1), dtype=bool)
    if replications == 1:
        return share, np.zeros((states, schedules), dtype=bool), np.ones((states, schedules), dtype=bool)
    difference, error = paired_by_state(values)
    others = ~np.eye(schedules, dtype=bool)
    # to be best it has to beat all others, so each test may spend the whole error; to be out, any other may beat it by chance
    one, any_of = (float(stdtrit(replications - 1, 1 - (1 - confidence) / looks)) for looks in (1, schedules - 1))
    sure = np.all((difference > one * error) | ~others, axis=2)
    beaten = np.any((difference > any_of * error) & others, axis=1)
    return share, sure, ~beaten


def satisficing(
    outcomes: pd.DataFrame,
    limits: Sequence[tuple[str, str, float]],
    states: pd.DataFrame | None = None,
    confidence: float = 0.95,
    bootstrap: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """How often each schedule keeps within limits: in what share of runs, and in what share of states on average.

    Args:
        outcomes: columns schedule, replication, if there are states state, and the outcomes.
        limits: (outcome, "at_most" or "at_least", number in the outcome's unit); a limit itself is within.
        states: columns state and draw; states of one draw are resampled together.
    Returns:
        a row for each schedule and limit and, where there are several, one with outcome "" (limit NaN, sense "") for all limits
        at once; `of` is "runs", and with states also "states", whose mean over replications has to be within. Intervals are
        Wilson's for runs without states, else the pigeonhole bootstrap's. No rows without limits.
    Raises:
        ValueError: if a sense is unknown, or no replication is left that all schedules have.
    Source: Starr 1963's domain criterion, as in Lempert, Popper and Bankes, Shaping the Next One Hundred Years (2003).
    """
    for outcome, sense, number in limits:
        if sense not in SENSES:
            raise ValueError(f"{outcome} {sense} {number:g}: expected at_most or at_least")
    if not limits:
        return pd.DataFrame(columns=list(SATISFICING))
    tables = {name: cells_of(outcomes, name) for name in dict.fromkeys(name for name, _, _ in limits)}
    joined = pd.concat(tables, axis=1).dropna()
    values, kept = cube(joined)
    groups, schedules = draws(states, kept), list(outcomes["schedule"].unique())
    signs = np.array([1.0 if sense == "at_most" else -1.0 for _, sense, _ in limits])
    bounds = signs * np.array([number for _, _, number in limits])
    where = [list(tables).index(name) for name, _, _ in limits]
    # states, replications, schedules, limits; within is at most the bound
    runs = np.moveaxis(values.reshape(*values.shape[:2], len(tables), len(schedules)), 2, 3)[..., where] * signs
    rng, labels = np.random.default_rng(seed), [*limits, ("", "", float("nan"))] if len(limits) > 1 else list(limits)
    of_runs = with_all(runs <= bounds)
    parts = {"runs": shares_of_runs(of_runs, confidence, bootstrap, rng, groups)}
    if outcomes.columns.isin(["state"]).any():
        parts["states"] = shares_of_states(runs, bounds, confidence, bootstrap, rng, groups)
    rows = [
        (schedule, outcome, number, sense, of, *(float(numbers[i, j]) for numbers in found))
        for of, found in parts.items()
        for i, schedule in enumerate(schedules)
        for j, (outcome, sense, number) in enumerate(labels)
    ]
    return pd.DataFrame(rows, columns=list(SATISFICING))


def with_all(within: np.ndarray) -> np.ndarray:
    """Yes or no for each limit along the last axis, and one more: all of them."""
    return np.concatenate([within, within.all(axis=-1, keepdims=True)], axis=-1).astype("float64")


def shares_of_runs(
    within: np.ndarray, confidence: float, bootstrap: int, rng: np.random.Generator, groups: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Share, lower and upper, each of shape (schedules, limits), of yes or no by state, replication, schedule and limit."""
    states, replications, *shape = within.shape
    share = within.mean(axis=(0, 1))
    if states == 1:
        return share, *wilson(np.round(share * replications), replications, confidence)
    means = resampled_means(within.reshape(states, replications, -1), bootstrap, rng, groups)
    lower, upper = (ends.reshape(shape) for ends in percentile_interval(means, confidence))
    return share, *never_certain(share, lower, upper, drawn(groups, states, replications), confidence)


def shares_of_states(
    runs: np.ndarray, bounds: np.ndarray, confidence: float, bootstrap: int, rng: np.random.Generator, groups: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """As `shares_of_runs`, of the states whose mean over replications is at most the bound."""
    states, replications, *shape = runs.shape
    share, parts = with_all(runs.mean(axis=1) <= bounds).mean(axis=0), []
    by_replication = np.moveaxis(runs, 1, 0).reshape(replications, -1)
    for of_state, of_luck in resamples(states, replications, bootstrap, rng, groups, width=by_replication.shape[1]):
        within = with_all((of_luck @ by_replication).reshape(-1, states, *shape) <= bounds)
        parts.append(np.matmul(of_state[:, None, :], within.reshape(len(within), states, -1))[:, 0])
    lower, upper = (ends.reshape(share.shape) for ends in percentile_interval(np.concatenate(parts), confidence))
    return share, *never_certain(share, lower, upper, drawn(groups, states, replications), confidence)


def drawn(groups: np.ndarray | None, states: int, replications: int) -> int:
    """How many independent draws there are: of the parameters or, where they are not drawn, of luck."""
    draws_made = states if groups is None else len(np.unique(groups))
    return draws_made if draws_made > 1 else replications
