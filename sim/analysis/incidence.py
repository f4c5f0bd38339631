"""When an event happens: the cumulative share of runs, with its interval, for times censored at one common horizon."""

import numpy as np
import pandas as pd


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
    from scipy.special import ndtri

    z = float(ndtri(0.975))
    tables = []
    for schedule, table in outcomes.groupby("schedule", sort=False):
        n = len(table)
        for event in events:
            happened = np.sort(table.loc[table[event].astype(bool), f"{event}_day"].to_numpy(dtype=float))
            share = np.searchsorted(happened, days, side="right") / n
            centre = (share + z * z / (2 * n)) / (1 + z * z / n)
            half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
            tables.append(
                pd.DataFrame(
                    {
                        "schedule": schedule,
                        "event": event,
                        "day": days,
                        "share": share,
                        "lower": np.where(share == 0.0, 0.0, np.maximum(0.0, centre - half)),
                        "upper": np.where(share == 1.0, 1.0, np.minimum(1.0, centre + half)),
                    }
                )
            )
    return pd.concat(tables, ignore_index=True)
