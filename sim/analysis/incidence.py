"""When an event happens: the cumulative share of runs, with its interval, for times censored at one common horizon."""

import numpy as np
import pandas as pd

from sim.analysis.proportions import wilson


def incidence(outcomes: pd.DataFrame, events: list[str], days: np.ndarray) -> pd.DataFrame:
    """The share of each schedule's runs in which an event has happened by each of the days.

    All runs are censored at the same horizon, so the share is the Kaplan-Meier estimate of the cumulative incidence; the interval
    is Wilson's (Newcombe 1998).

    Args:
        outcomes: columns schedule, and for each event `<event>` (boolean) and `<event>_day` (days, censored at the horizon).
        days: the days at which to read the share.
    Returns:
        columns schedule, event, day, share, lower, upper (95 %).
    """
    tables = []
    for schedule, table in outcomes.groupby("schedule", sort=False):
        n = len(table)
        for event in events:
            happened = np.sort(table.loc[table[event].astype(bool), f"{event}_day"].to_numpy(dtype=float))
            count = np.searchsorted(happened, days, side="right")
            lower, upper = wilson(count, n)
            tables.append(
                pd.DataFrame(
                    {
                        "schedule": schedule,
                        "event": event,
                        "day": days,
                        "share": count / n,
                        "lower": lower,
                        "upper": upper,
                    }
                )
            )
    return pd.concat(tables, ignore_index=True)
