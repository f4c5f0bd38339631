"""Tables from blocks: outcomes, one row a scenario and replication, and series by week."""

from collections import Counter
from datetime import date, timedelta

import numpy as np
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


class Tables:
    """The tables of a study while it runs. Each block becomes a part of a table as it arrives, so that memory holds tables and
    not every number as an object; the order in which blocks arrive leaves no trace.

    Args:
        identities: of each scenario, by label, in the order of the tables. start: the first day.
    """

    def __init__(self, identities: dict[str, str], start: date) -> None:
        self.identities, self.start = identities, start
        self.opportunities: Counter[str] = Counter()
        self.saturated: Counter[str] = Counter()
        self.seconds = 0.0  # processor time
        self._outcomes = [outcomes_table({label: [] for label in identities}, identities)]
        self._weekly = [weekly_table({label: [] for label in identities}, identities, start)]
        self._failures = [failures_table({label: [] for label in identities}, identities)]

    def add(self, label: str, block: Block) -> None:
        self.opportunities.update(block.opportunities)
        self.saturated.update(block.saturated)
        self.seconds += block.seconds
        if block.rows:
            self._outcomes.append(outcomes_table({label: [block]}, self.identities))
        if block.weeks:
            self._weekly.append(weekly_table({label: [block]}, self.identities, self.start))
        if block.failures:
            self._failures.append(failures_table({label: [block]}, self.identities))

    def outcomes(self) -> pd.DataFrame:
        return self._whole(self._outcomes)

    def weekly(self) -> pd.DataFrame:
        return self._whole(self._weekly)

    def failures(self) -> pd.DataFrame:
        return self._whole(self._failures)

    def _whole(self, parts: list[pd.DataFrame]) -> pd.DataFrame:
        """All parts, by scenario and replication."""
        table = pd.concat(parts[1:] or parts, ignore_index=True)
        place = {label: k for k, label in enumerate(self.identities)}
        order = np.lexsort((table["replication"].to_numpy(dtype="int64"), table["schedule"].map(place).to_numpy(dtype="int64")))
        return table.iloc[order].reset_index(drop=True)


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
