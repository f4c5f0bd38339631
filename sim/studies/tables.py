"""Tables from blocks: outcomes, one row a scenario and replication, and series by week."""

from datetime import date, timedelta

import pandas as pd

from sim.engines.block import Block
from sim.outcomes import COUNT, OUTCOMES, SERIES, YES_NO

DTYPES = {COUNT: "int64", YES_NO: "bool"}


def outcomes_table(blocks: dict[str, list[Block]], identities: dict[str, str]) -> pd.DataFrame:
    """One row for each schedule (in the order given) and replication: schedule, scenario, replication, the outcomes."""
    names = [outcome.name for outcome in OUTCOMES]
    tables = []
    for label, done in blocks.items():
        rows = sorted((row for block in done for row in block.rows), key=lambda row: row[0])
        table = pd.DataFrame([values for _, values in rows], columns=names)
        table.insert(0, "replication", [replication for replication, _ in rows])
        table.insert(0, "scenario", identities[label])
        table.insert(0, "schedule", label)
        tables.append(table)
    types = {outcome.name: DTYPES.get(outcome.kind, "float64") for outcome in OUTCOMES}
    return pd.concat(tables, ignore_index=True).astype({**types, "replication": "int64", "schedule": "str", "scenario": "str"})


def weekly_table(blocks: dict[str, list[Block]], identities: dict[str, str], start: date) -> pd.DataFrame:
    """One row for each schedule, replication and week: the day and date of the week's end, the series."""
    columns = ["schedule", "scenario", "replication", "day", *(series.name for series in SERIES)]
    rows = [
        (label, identities[label], replication, day, *values)
        for label, done in blocks.items()
        for replication, day, values in sorted((row for block in done for row in block.weeks), key=lambda row: row[:2])
    ]
    table = pd.DataFrame(rows, columns=columns).astype(
        {"replication": "int64", "day": "float64", "schedule": "str", "scenario": "str"}
    )
    dates = {day: pd.Timestamp(start + timedelta(days=int(day))) for day in table["day"].unique()}
    table.insert(4, "date", table["day"].map(dates).astype("datetime64[s]"))
    return table.astype({series.name: "int64" if series.total else "float64" for series in SERIES})


def failures_table(blocks: dict[str, list[Block]], identities: dict[str, str]) -> pd.DataFrame:
    """One row for each replication that failed: schedule, scenario, replication, message."""
    rows = [
        (label, identities[label], failure.replication, failure.message)
        for label, done in blocks.items()
        for block in done
        for failure in block.failures
    ]
    return pd.DataFrame(sorted(rows), columns=["schedule", "scenario", "replication", "message"])


def scenario_label(schedule: str, swept: dict[str, str]) -> str:
    """What a scenario of a sweep is called: its schedule, and what else was swept."""
    return ", ".join([schedule, *(f"{key}={value}" for key, value in swept.items())])


def labelled(table: pd.DataFrame, swept: list[str]) -> pd.DataFrame:
    """A sweep's table with each scenario's label in place of its schedule."""
    keys = [key for key in swept if key != "schedule"]
    labels = [
        scenario_label(row[0], dict(zip(keys, row[1:], strict=True)))
        for row in table[["schedule", *keys]].itertuples(index=False)
    ]
    return table.assign(schedule=labels)
