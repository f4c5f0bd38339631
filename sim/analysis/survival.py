"""Times to an event, censored at the horizon: survival curves, restricted means, and what differs between schedules."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sim.analysis.cells import cells as cells_of
from sim.analysis.paired import paired_difference
from sim.analysis.proportions import wilson
from sim.analysis.resampling import cube, draws, percentile_interval, resampled_means

CURVES = ("schedule", "event", "day", "survival", "lower", "upper")
RESTRICTED_MEANS = (
    *("schedule", "event", "horizon", "restricted_mean", "lower", "upper"),
    *("difference", "difference_lower", "difference_upper", "log_rank", "p"),
)


def curves(outcomes: pd.DataFrame, events: Sequence[str], days: np.ndarray, confidence: float = 0.95) -> pd.DataFrame:
    """The Kaplan-Meier share of each schedule's runs in which an event has not yet happened, by day.

    Args:
        outcomes: columns schedule, and for each event `<event>` (boolean) and `<event>_day` (days; of the event or of censoring).
        days: the days at which to read the curve.
    Returns:
        columns schedule, event, day, survival, lower, upper. The interval is Wilson's for the number of runs that would give
        Greenwood's variance without censoring (Rothman 1978), which is Wilson's own where all are censored at one horizon. It
        takes the runs of several states of the world for as many independent runs.
    """
    days, tables = np.asarray(days, dtype="float64"), []
    for schedule, table in outcomes.groupby("schedule", sort=False):
        for event in events:
            curve = Curve(*times(table, event))
            survival, n = curve.at(days), curve.effective_number(days)
            lower, upper = wilson(np.clip(survival, 0.0, 1.0) * n, n, confidence)
            columns = {"schedule": schedule, "event": event, "day": days, "survival": survival, "lower": lower, "upper": upper}
            tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(CURVES))


def restricted_means(
    outcomes: pd.DataFrame,
    events: Sequence[str],
    baseline: str,
    horizon: float | None = None,
    confidence: float = 0.95,
    bootstrap: int = 1000,
    seed: int = 0,
    states: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The mean time to each event up to a horizon, and how it differs from the baseline's.

    Args:
        outcomes: columns schedule, replication, if there are states of the world state, and for each event `<event>` (boolean)
            and `<event>_day` (days, censored). Runs of all states are pooled.
        horizon: days; the latest day in the table by default.
        states: columns state and draw; states of one draw are resampled together.
    Returns:
        one row for each schedule and event, in days: restricted_mean, the area under the Kaplan-Meier curve up to the horizon,
        with an interval from Greenwood's variance (Klein and Moeschberger, Survival Analysis, 2nd ed., section 4.5), or with
        states from resampling states and replications;
        difference: mean over replications of min(T, horizon), schedule minus baseline, paired on common luck: sharper than that
        of two areas. NaN if times are censored before the horizon, for then T is not known in every run;
        log_rank and p: chi-squared (1 degree of freedom) of the log-rank test against the baseline. It treats the two schedules'
        runs as independent, so on common luck its p is too large; the paired difference is the sharper answer. NaN where
        nothing happened in either, and with several states, whose runs are not independent either.
        Differences and test are NaN for the baseline itself.
    Raises:
        KeyError: if the baseline is not in the table.
    """
    if baseline not in set(outcomes["schedule"]):
        raise KeyError(baseline)
    tables = dict(list(outcomes.groupby("schedule", sort=False)))
    several, nan, rows = "state" in outcomes and outcomes["state"].nunique() > 1, float("nan"), []
    for event in events:
        until = float(outcomes[f"{event}_day"].max()) if horizon is None else float(horizon)
        known = not bool((~outcomes[event].astype(bool) & (outcomes[f"{event}_day"] < until)).any())
        capped = outcomes[f"{event}_day"].astype("float64").clip(upper=until)
        cells = cells_of(outcomes, capped)
        resampled, column, independent = None, list(cells.columns), len(cells)
        if several:
            values, kept = cube(cells)
            rng = np.random.default_rng(seed)
            told = draws(states, kept)
            resampled = resampled_means(values, bootstrap, rng, told)
            drawn = values.shape[0] if told is None else len(np.unique(told))
            independent = drawn if drawn > 1 else values.shape[1]
        base = column.index(baseline)
        for schedule, table in tables.items():
            own = column.index(schedule)
            mean, variance = Curve(*times(table, event)).restricted_mean(until)
            ends = normal_interval(mean, variance, confidence) if resampled is None else interval(resampled[:, own], confidence)
            ends = within(ends, mean, until, independent, confidence)
            row = dict.fromkeys(RESTRICTED_MEANS, nan) | {"schedule": schedule, "event": event, "horizon": until}
            row |= {"restricted_mean": mean, "lower": ends[0], "upper": ends[1]}
            if schedule != baseline and known and len(cells) > 1:
                found = paired_difference(cells.iloc[:, own].to_numpy(), cells.iloc[:, base].to_numpy(), confidence)
                ends = found["lower"], found["upper"]
                if resampled is not None:
                    ends = interval(resampled[:, own] - resampled[:, base], confidence)
                row |= {"difference": found["mean"], "difference_lower": ends[0], "difference_upper": ends[1]}
            if schedule != baseline and not several:
                row |= log_rank(times(table, event), times(tables[baseline], event))
            rows.append(row)
    return pd.DataFrame(rows, columns=list(RESTRICTED_MEANS))


class Curve:
    """A Kaplan-Meier curve, with what its variance needs."""

    def __init__(self, day: np.ndarray, happened: np.ndarray) -> None:
        """day: of the event or of censoring, days. happened: whether it was the event."""
        from scipy.stats import CensoredData, ecdf

        found = ecdf(CensoredData.right_censored(day, ~happened)).sf
        self.day, self.survival, self.n = found.quantiles, found.probabilities, len(day)
        ordered, of_event = np.sort(day), np.sort(day[happened])
        self.at_risk = (self.n - np.searchsorted(ordered, self.day, side="left")).astype("float64")
        self.events = np.diff(np.searchsorted(of_event, self.day, side="right"), prepend=0).astype("float64")
        left = self.at_risk - self.events
        # Greenwood's terms; one that empties the curve is left out, for the variance is 0 times infinity there
        self.terms = np.divide(self.events, self.at_risk * left, out=np.zeros_like(left), where=left > 0)

    def at(self, days: np.ndarray) -> np.ndarray:
        """The curve at some days: the share that has not had the event up to and including the day."""
        return np.append(1.0, self.survival)[np.searchsorted(self.day, days, side="right")]

    def effective_number(self, days: np.ndarray) -> np.ndarray:
        """The number of uncensored runs that would give Greenwood's variance S^2 sum d / (n (n - d)); all runs at the ends."""
        step = np.searchsorted(self.day, days, side="right")
        survival, terms = np.append(1.0, self.survival)[step], np.append(0.0, np.cumsum(self.terms))[step]
        inside = (survival > 0.0) & (terms > 0.0)
        number = np.divide(1.0 - survival, survival * terms, out=np.full(survival.shape, float(self.n)), where=inside)
        return np.minimum(number, self.n)

    def restricted_mean(self, horizon: float) -> tuple[float, float]:
        """The area under the curve up to the horizon, in days, and its variance.

        Variance: the sum over event days t of (area from t to the horizon)^2 d / (n (n - d)); Klein and Moeschberger, 4.5.2.
        Beyond the last day known the curve is continued at its last value.
        """
        inside = self.day < horizon
        edges = np.concatenate([[0.0], self.day[inside], [horizon]])
        areas = np.diff(edges) * np.append(1.0, self.survival[inside])
        after = areas.sum() - np.cumsum(areas)[:-1]
        return float(areas.sum()), float((after**2 * self.terms[inside]).sum())


def times(table: pd.DataFrame, event: str) -> tuple[np.ndarray, np.ndarray]:
    """Days, and whether they are those of the event."""
    return table[f"{event}_day"].to_numpy(dtype="float64"), table[event].to_numpy(dtype=bool)


def log_rank(ours: tuple[np.ndarray, np.ndarray], theirs: tuple[np.ndarray, np.ndarray]) -> dict[str, float]:
    """Chi-squared of the log-rank test of two samples of (day, happened), and its p; NaN if nothing can differ.

    The test of scipy.stats.logrank, in floats: that one multiplies four counts as whole numbers, which overflow without a word
    once some thousands of 100,000 runs have the event on one day.

    Source: Klein and Moeschberger, section 7.3; the hypergeometric variance with its correction for ties.
    """
    from scipy.special import chdtrc

    day, happened = (np.concatenate(pair) for pair in zip(ours, theirs, strict=True))
    pooled = Curve(day, happened)
    several = (pooled.events > 0) & (pooled.at_risk > 1)
    n, events = pooled.at_risk[several], pooled.events[several]
    share = (len(ours[0]) - np.searchsorted(np.sort(ours[0]), pooled.day[several])) / n
    variance = float((events * share * (1.0 - share) * (n - events) / (n - 1.0)).sum())
    if variance <= 0.0:
        return {"log_rank": float("nan"), "p": float("nan")}
    # an event of the last one at risk is expected of that one, and adds nothing
    lone = (pooled.events > 0) & (pooled.at_risk == 1)
    observed = float(ours[1].sum()) - float(np.isin(ours[0][ours[1]], pooled.day[lone]).sum())
    statistic = (observed - float((events * share).sum())) ** 2 / variance
    return {"log_rank": statistic, "p": float(chdtrc(1, statistic))}


def interval(resampled: np.ndarray, confidence: float) -> tuple[float, float]:
    """The percentile interval of one number."""
    lower, upper = percentile_interval(resampled[:, None], confidence)
    return float(lower[0]), float(upper[0])


def within(ends: tuple[float, float], mean: float, horizon: float, n: int, confidence: float) -> tuple[float, float]:
    """An interval of a restricted mean kept within what is possible, 0 to the horizon; where the event never came, down to the
    mean that the largest share of events which n runs without any allow (Wilson) would give if all came at once."""
    lower, upper = max(0.0, ends[0]), min(horizon, ends[1])
    if mean >= horizon and n > 0:
        lower = min(lower, horizon * (1.0 - float(wilson(0.0, float(n), confidence)[1])))
    return lower, upper


def normal_interval(mean: float, variance: float, confidence: float) -> tuple[float, float]:
    """Mean plus and minus the normal quantile of standard errors."""
    from scipy.special import ndtri

    half = float(ndtri(0.5 + confidence / 2)) * variance**0.5
    return mean - half, mean + half
