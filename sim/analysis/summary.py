"""What the replications of each schedule look like: means and quantiles of every outcome, and of every series by week."""

import pandas as pd

KEYS = ("schedule", "state", "scenario", "replication")
QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}


def outcome_columns(outcomes: pd.DataFrame) -> list[str]:
    """The columns that hold outcomes, in the table's order."""
    return [column for column in outcomes.columns if column not in KEYS]


def quantiles(outcomes: pd.DataFrame, names: list[str] | None = None, by: list[str] | None = None) -> pd.DataFrame:
    """Mean and quantiles of each outcome, one row for each schedule and outcome.

    Args:
        outcomes: columns schedule, scenario, replication and one for each outcome (numbers, or booleans: then shares).
        names: the outcomes wanted; all by default. by: what to group by; schedule by default.
    Returns:
        columns of `by`, outcome, n, mean, q05, q25, median, q75, q95; groups in the order of the table. Quantiles interpolate
        linearly (Hyndman and Fan 1996, type 7); for a yes-or-no outcome they are those of 0 and 1.
    """
    by = by or ["schedule"]
    names = names or outcome_columns(outcomes)
    numbers = outcomes[names].astype("float64")
    grouped = numbers.groupby([outcomes[key] for key in by], sort=False)
    parts = {"n": grouped.count(), "mean": grouped.mean(), **{name: grouped.quantile(q) for name, q in QUANTILES.items()}}
    long = pd.concat({name: part.stack() for name, part in parts.items()}, axis=1)
    long.index.names = [*by, "outcome"]
    long = long.reset_index().astype({"n": "int64"})
    return long[[*by, "outcome", "n", "mean", *QUANTILES]]


def fan(weekly: pd.DataFrame, series: list[str], smoothed: list[str] | None = None, weeks: int = 1) -> pd.DataFrame:
    """Quantiles of each series by week and schedule.

    Args:
        weekly: columns schedule, replication, date and one for each series, dates in order within a replication.
        smoothed: the series to average, in each replication, over the last `weeks` weeks (fewer at the start).
    Returns:
        columns schedule, series, date, n, q05, q25, median, q75, q95.
    """
    averaged = [name for name in series if name in (smoothed or [])]
    if averaged and weeks > 1:
        rolling = weekly.groupby(["schedule", "replication"], sort=False)[averaged].rolling(weeks, min_periods=1).mean()
        weekly = weekly.assign(**{name: rolling[name].droplevel([0, 1]) for name in averaged})
    grouped = weekly.groupby(["schedule", "date"], sort=False)[series]
    parts = {"n": grouped.count(), **{name: grouped.quantile(q) for name, q in QUANTILES.items()}}
    long = pd.concat({name: part.stack() for name, part in parts.items()}, axis=1)
    long.index.names = ["schedule", "date", "series"]
    return long.reset_index()[["schedule", "series", "date", "n", *QUANTILES]]
