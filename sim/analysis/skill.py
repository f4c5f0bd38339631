"""Scores of many forecasts together: means with intervals, and a model beside the best of its baselines on the same windows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sim.analysis.resampling import percentile_interval, weights
from sim.analysis.scores import ALL, FLOOR

WINDOW = ["start", "end", "series", "source"]  # what tells windows apart, whatever day they were forecast on
CASE = ["origin", *WINDOW]
GROUP = ("origin", "series", "source")  # of which each row of `pooled` is
COLUMNS = (
    *GROUP,
    *("method", "windows", "different", "floors", "own", "crps", "crps_lower", "crps_upper", "log_score", "interval_score"),
    *("coverage50", "coverage90", "common", "difference", "difference_lower", "difference_upper", "skill", "best"),
)
FEWEST = 5  # windows from which an interval is given: resampling fewer tells nothing
HALF = 0.5  # share of the model's windows that a baseline must have to be called the best


def pooled(
    forecasts: pd.DataFrame, model: str = "model", confidence: float = 0.95, bootstrap: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """Mean scores by origin, series and source, and with "all" in place of one or several of these, for each method.

    Args:
        forecasts: a row each origin, window and method: origin, start, end, series, source, method, kind, own (whether the
            method had windows of that source to go by), and the scores of `sim.analysis.scores`; origin as text. confidence,
            bootstrap: of intervals, by resampling windows; the same window forecast from several origins is resampled as one.
    Returns:
        columns COLUMNS, in counts unless said otherwise:
        windows: how many forecasts of windows; different: of how many windows, where some are forecast from several origins;
        floors: those of them that are a floor, which have no crps and no interval score. own: share of them that had windows of
        that source to go by.
        crps, log_score, interval_score: means, lower is better. coverage50, coverage90: shares of counts within the interval;
        floors left out, which any interval that reaches far enough would hold.
        common: windows with a crps that the method shares with the model. difference: mean crps of the model less the method's on
        these, below 0 where the model is better. skill: 1 - crps of the model / crps of the method, on these.
        best: whether it is the best baseline: of those that share at least half of the model's windows, the one against which the
        model has the least skill. Intervals are nan for fewer than 5 windows.
    """
    rows = []
    for (origin, series, source), own in groups(forecasts):
        found = [of_method(own, method, model, confidence, bootstrap, seed) for method in dict.fromkeys(own["method"])]
        mark_best(found, model)
        rows += [{"origin": origin, "series": series, "source": source, **row} for row in found]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def groups(forecasts: pd.DataFrame) -> list[tuple[tuple[str, str, str], pd.DataFrame]]:
    """Each origin and all, each series and source, each series and all sources; "all" only where it is of more than one."""
    found: list[tuple[tuple[str, str, str], pd.DataFrame]] = []
    origins = list(dict.fromkeys(forecasts["origin"]))
    for origin in [*origins, *([ALL] if len(origins) > 1 else [])]:
        own = forecasts if origin == ALL else forecasts[forecasts["origin"] == origin]
        kinds = sorted(set(own["series"]))
        for series in kinds:
            of_series = own[own["series"] == series]
            sources = sorted(set(of_series["source"]))
            found += [((origin, series, source), of_series[of_series["source"] == source]) for source in sources]
            if len(sources) > 1:
                found.append(((origin, series, ALL), of_series))
        if len(kinds) > 1:
            found.append(((origin, ALL, ALL), own))
    return found


def of_method(own: pd.DataFrame, method: str, model: str, confidence: float, bootstrap: int, seed: int) -> dict[str, Any]:
    """One method's row."""
    table = own[own["method"] == method]
    scored, counted = table.dropna(subset=["crps"]), table[table["kind"] != FLOOR]
    lower, upper = interval(scored, "crps", confidence, bootstrap, seed)
    row: dict[str, Any] = {
        "method": method,
        "windows": len(table),
        "different": len(table[WINDOW].drop_duplicates()),
        "floors": int((table["kind"] == FLOOR).sum()),
        "own": mean(table["own"]),
        "crps": mean(scored["crps"]),
        "crps_lower": lower,
        "crps_upper": upper,
        "log_score": mean(table["log_score"]),
        "interval_score": mean(scored["interval_score"]),
        "coverage50": mean(counted["inside50"]),
        "coverage90": mean(counted["inside90"]),
        "best": False,
    }
    if method == model:
        nothing = dict.fromkeys(("difference", "difference_lower", "difference_upper", "skill"), float("nan"))
        return row | {"common": len(scored)} | nothing
    of_model = own[(own["method"] == model)].dropna(subset=["crps"])
    both = of_model.merge(scored, on=CASE, suffixes=("_model", "")).assign(
        difference=lambda joined: joined["crps_model"] - joined["crps"]
    )
    lower, upper = interval(both, "difference", confidence, bootstrap, seed)
    ours, theirs = mean(both["crps_model"]), mean(both["crps"])
    skill = 1.0 - ours / theirs if theirs > 0.0 else 0.0 if ours == theirs else -np.inf if ours > 0.0 else float("nan")
    return row | {
        "common": len(both),
        "difference": mean(both["difference"]),
        "difference_lower": lower,
        "difference_upper": upper,
        "skill": skill,
    }


def mark_best(found: Sequence[dict[str, Any]], model: str) -> None:
    """Say of one row that it is the best baseline, if any may be."""
    ours = next((row for row in found if row["method"] == model), None)
    if ours is None:
        return
    least = max(1.0, HALF * ours["common"])
    able = [row for row in found if row["method"] != model and row["common"] >= least]
    if able:
        min(able, key=lambda row: row["skill"])["best"] = True


def mean(column: pd.Series) -> float:
    return float(column.mean()) if len(column) else float("nan")


def interval(table: pd.DataFrame, column: str, confidence: float, bootstrap: int, seed: int) -> tuple[float, float]:
    """The percentile interval of a mean, by resampling windows: all forecasts of one window together."""
    of_window = table.groupby(WINDOW, sort=False)[column].agg(["sum", "size"])
    n = len(of_window)
    if n < FEWEST:
        return float("nan"), float("nan")
    often = weights(n, bootstrap, np.random.default_rng(seed))
    means = (often @ of_window["sum"].to_numpy()) / (often @ of_window["size"].to_numpy())
    lower, upper = percentile_interval(means[:, None], confidence)
    return float(lower[0]), float(upper[0])
