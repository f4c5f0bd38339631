"""What a design over parameters shows: how outcomes spread over its scenarios, against luck, and what they go with."""

import numpy as np
import pandas as pd

SHARES = ("parameters", "luck", "both")


def spread(outcomes: pd.DataFrame, names: list[str], by: list[str]) -> pd.DataFrame:
    """How each outcome spreads over the scenarios of each schedule, and what makes its variance.

    All scenarios have the same luck, so an outcome is that of a scenario plus that of a replication plus what only the two
    together make: a two-way layout with one observation in each cell, whose three variances are estimated without bias (and not
    below 0). Only replications that all scenarios of the schedule have are counted.

    Args:
        outcomes: columns of `by` (schedule first, then what tells its scenarios apart), replication, and one for each name.
    Returns:
        columns schedule, outcome, mean (of the scenarios' means), q05 and q95 (their quantiles, type 7); parameters, luck and
        both: shares of the variance of an outcome in a random scenario and replication (NaN where nothing varies, or with fewer
        than two scenarios or replications).
    Source: Searle, Casella and McCulloch, Variance Components (1992), section 4.3.
    """
    rows = []
    for schedule, table in outcomes.groupby(by[0], sort=False):
        groups = table.groupby(by[1:], sort=False).ngroup().to_numpy()
        scenarios = int(groups.max()) + 1
        counts = table["replication"].value_counts()
        complete = np.sort(counts.index[counts == scenarios].to_numpy())
        kept = table["replication"].isin(complete).to_numpy()
        order = np.lexsort((table["replication"].to_numpy()[kept], groups[kept]))
        values = table[names].to_numpy(dtype="float64")[kept][order].reshape(scenarios, len(complete), len(names))
        means = table[names].astype("float64").groupby(groups, sort=True).mean().to_numpy()
        shares = components(values)
        for k, name in enumerate(names):
            low, high = np.quantile(means[:, k], [0.05, 0.95])
            row = {
                "schedule": schedule,
                "outcome": name,
                "mean": float(means[:, k].mean()),
                "q05": float(low),
                "q95": float(high),
            }
            rows.append(row | dict(zip(SHARES, shares[:, k].tolist(), strict=True)))
    return pd.DataFrame(rows, columns=["schedule", "outcome", "mean", "q05", "q95", *SHARES])


def components(values: np.ndarray) -> np.ndarray:
    """Shares of variance of rows, of columns and of both together; shape (3, k) for values of shape (rows, columns, k)."""
    rows, columns, k = values.shape
    if rows < 2 or columns < 2:
        return np.full((3, k), np.nan)
    of_row, of_column, whole = values.mean(axis=1), values.mean(axis=0), values.mean(axis=(0, 1))
    rest = values - of_row[:, None] - of_column[None] + whole
    both = (rest**2).sum(axis=(0, 1)) / ((rows - 1) * (columns - 1))
    parts = np.stack([of_row.var(axis=0, ddof=1) - both / columns, of_column.var(axis=0, ddof=1) - both / rows, both])
    parts = np.maximum(parts, 0.0)
    total = parts.sum(axis=0)
    return np.divide(parts, total, out=np.full((3, k), np.nan), where=total > 0.0)


def rank_correlations(summary: pd.DataFrame, keys: list[str], names: list[str]) -> pd.DataFrame:
    """Spearman's rank correlation of each key with the scenarios' means of each outcome, by schedule.

    Args:
        summary: of sim.analysis.summary.quantiles, with the keys among its columns.
    Returns:
        columns schedule, parameter, and one for each name; NaN where either does not vary.
    """
    rows = []
    for schedule, table in summary[summary["outcome"].isin(names)].groupby("schedule", sort=False):
        means = table.pivot(index="point", columns="outcome", values="mean")
        values = table.drop_duplicates("point").set_index("point")[keys]
        for key in keys:
            ranks = values[key].rank()
            found = {name: correlation(ranks, means[name].rank()) for name in names}
            rows.append({"schedule": schedule, "parameter": key, **found})
    return pd.DataFrame(rows, columns=["schedule", "parameter", *names])


def correlation(a: pd.Series, b: pd.Series) -> float:
    """Pearson's correlation; NaN where either does not vary."""
    if len(a) < 3 or a.nunique() < 2 or b.nunique() < 2:
        return float("nan")
    return float(np.corrcoef(a, b.loc[a.index])[0, 1])
