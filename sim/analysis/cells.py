"""Cells: one number of each schedule in each replication, side by side, which is what common random numbers make comparable."""

import pandas as pd


def cells(outcomes: pd.DataFrame, values: pd.Series | str) -> pd.DataFrame:
    """One row a replication (in each state of the world, if there are states), one column a schedule, in the table's order.

    Args:
        outcomes: columns schedule, replication and, if there are states of the world, state. values: a column of it, or a series
            of its index.
    Returns:
        floats; index replication, or (state, replication). Only rows that every schedule has.
    Raises:
        ValueError: if a schedule has a replication twice.
    """
    keys = ["state", "replication"] if "state" in outcomes else ["replication"]
    numbers = (outcomes[values] if isinstance(values, str) else values).astype("float64")
    order = outcomes["schedule"].unique()
    table = outcomes[[*keys, "schedule"]].assign(value=numbers)
    return table.pivot(index=keys, columns="schedule", values="value")[list(order)].dropna().sort_index()
