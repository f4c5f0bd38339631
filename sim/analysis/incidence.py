"""When an event happens: the cumulative share of runs, with its interval, for times censored at one common horizon."""

import numpy as np
import pandas as pd

from sim.analysis.crossed import averages, complete, crossed_variance
from sim.analysis.proportions import wilson


def incidence(outcomes: pd.DataFrame, events: list[str], days: np.ndarray, states: pd.DataFrame | None = None) -> pd.DataFrame:
    """The share of each schedule's runs in which an event has happened by each of the days.

    All runs are censored at the same horizon, so the share is the Kaplan-Meier estimate of the cumulative incidence; the interval
    is Wilson's (Newcombe 1998). Runs in states of the world are not independent of each other: there it is Wilson's for the
    number of independent runs that would give the share the variance it has (Kish's effective sample size).

    Args:
        outcomes: columns schedule, for each event `<event>` (boolean) and `<event>_day` (days, censored at the horizon), and with
            states of the world replication and state.
        days: the days at which to read the share. states: columns state and draw; each state is a draw without it.
    Returns:
        columns schedule, event, day, share, lower, upper (95 %).
    """
    draw = None if states is None else states.set_index("state")["draw"]
    tables = []
    for schedule, table in outcomes.groupby("schedule", sort=False):
        n = len(table)
        for event in events:
            day = table[f"{event}_day"].where(table[event].astype(bool), np.inf)
            share = np.searchsorted(np.sort(day.to_numpy(dtype=float)), days, side="right") / n
            independent = np.full(len(days), float(n))
            if "state" in table:
                day.index = pd.MultiIndex.from_frame(table[["state", "replication"]])
                independent = effective(day, draw, days, share)
            lower, upper = wilson(share * independent, independent)
            columns = {"schedule": schedule, "event": event, "day": days, "share": share, "lower": lower, "upper": upper}
            tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def effective(day: pd.Series, draw: pd.Series | None, days: np.ndarray, share: np.ndarray) -> np.ndarray:
    """How many independent runs would give each share the variance that it has over draws and replications; never more than
    there are, and as many as draws (of luck, if there is one of the parameters) where the event has happened in none or in all.

    Args:
        day: of the event in each run, infinite where it did not happen; index (state, replication).
    """
    wide = complete(day)
    averaged, times = averages(wide.index if draw is None else draw.reindex(wide.index).to_numpy()), wide.to_numpy()
    variance = np.array([crossed_variance(averaged @ (times <= limit))[0] for limit in days])
    known = (variance > 0.0) & (share > 0.0) & (share < 1.0)
    least = float(len(averaged) if len(averaged) > 1 else times.shape[1])
    return np.where(known, np.clip(share * (1.0 - share) / np.where(known, variance, 1.0), 1.0, len(day)), least)
