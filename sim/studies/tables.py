"""The tables of a study while it runs: outcomes, one row a scenario and replication, and series by week.

Blocks go to disk as they come, so that memory does not grow while a study runs; the order in which they come leaves no trace.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sim.engines.block import OUTCOME_ROW, WEEK_ROW, Block

GROUP = 65_536  # rows of a row group


class Rows:
    """The rows of one scenario in one table, in a file of their own: blocks in any order come out in that of replications."""

    def __init__(self, path: Path, schema: pa.Schema, labels: tuple[str, str], start: date) -> None:
        self.path, self.schema, self.labels, self.start = path, schema, labels, start
        self.written = 0  # rows
        self._waiting = 0  # rows of the next row group
        self._next = 0  # replication
        self._early: dict[int, tuple[int, np.ndarray]] = {}  # blocks that wait for those before them, by first replication
        self._kept: list[np.ndarray] = []  # rows for the next row group
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")

    def add(self, first: int, count: int, rows: np.ndarray) -> None:
        self._early[first] = (count, rows)
        while self._next in self._early:
            count, rows = self._early.pop(self._next)
            self._next += count
            self._keep(rows)

    def close(self) -> None:
        """Write what is left; of an interrupted study also what came without those before it."""
        for first in sorted(self._early):
            self._keep(self._early[first][1])
        self._flush()
        self._writer.close()

    def _keep(self, rows: np.ndarray) -> None:
        if len(rows):
            self._kept.append(rows)
            self._waiting += len(rows)
        if self._waiting >= GROUP:
            self._flush()

    def _flush(self) -> None:
        rows = np.concatenate(self._kept) if self._kept else np.zeros(0)
        self._kept, self._waiting = [], 0
        if len(rows):
            self._writer.write_table(self._table(rows))
            self.written += len(rows)

    def _table(self, rows: np.ndarray) -> pa.Table:
        made = [pa.repeat(label, len(rows)) for label in self.labels]
        for name in self.schema.names[2:]:
            if name == "date":
                column = np.datetime64(self.start, "D") + rows["day"].astype("int64")
                made.append(pa.array(column.astype("datetime64[ms]")))
            else:
                made.append(pa.array(np.ascontiguousarray(rows[name])))
        return pa.Table.from_arrays(made, schema=self.schema)


def schema_of(row: np.dtype, dated: bool) -> pa.Schema:
    """The columns of a table: schedule, scenario, those of a row, and after the day its date."""
    fields = [pa.field("schedule", pa.string()), pa.field("scenario", pa.string())]
    for name in row.names or ():
        fields.append(pa.field(name, pa.from_numpy_dtype(row[name])))
        if dated and name == "day":
            fields.append(pa.field("date", pa.timestamp("ms")))
    return pa.schema(fields)


SCHEMAS = {"outcomes": schema_of(OUTCOME_ROW, dated=False), "weekly": schema_of(WEEK_ROW, dated=True)}


class Tables:
    """outcomes.parquet and weekly.parquet of a study, while it runs.

    Args:
        folder: the study's. identities: of each scenario, by label, in the order of the tables. start: the first day.
    """

    def __init__(self, folder: Path, identities: dict[str, str], start: date) -> None:
        self.folder, self.identities = folder, identities
        self.opportunities: Counter[str] = Counter()
        self.saturated: Counter[str] = Counter()
        self.seconds = 0.0  # processor time
        self._failures: list[tuple[str, str, int, float, str, str]] = []
        self._rows = {
            name: {
                label: Rows(folder / f".{name}-{k}.parquet.writing", schema, (label, identity), start)
                for k, (label, identity) in enumerate(identities.items())
            }
            for name, schema in SCHEMAS.items()
        }

    def add(self, label: str, block: Block) -> None:
        self.opportunities.update(block.opportunities)
        self.saturated.update(block.saturated)
        self.seconds += block.seconds
        self._rows["outcomes"][label].add(block.first, block.count, block.outcomes)
        self._rows["weekly"][label].add(block.first, block.count, block.weeks)
        self._failures += [(label, self.identities[label], f.replication, f.day, f.activity, f.message) for f in block.failures]

    def finish(self) -> int:
        """Put each table into one file, by scenario and replication, and give it its name. How many outcomes there are."""
        for name, parts in self._rows.items():
            for part in parts.values():
                part.close()
            aside = self.folder / f".{name}.parquet.writing"
            if len(parts) == 1:
                (only,) = parts.values()
                only.path.replace(aside)
            else:
                with pq.ParquetWriter(aside, SCHEMAS[name], compression="zstd") as writer:
                    for group in row_groups(parts):
                        writer.write_table(group)
            aside.replace(self.folder / f"{name}.parquet")
        return sum(part.written for part in self._rows["outcomes"].values())

    def abandon(self) -> None:
        """Leave nothing behind."""
        for name, parts in self._rows.items():
            for path in [self.folder / f".{name}.parquet.writing", *(part.path for part in parts.values())]:
                path.unlink(missing_ok=True)

    def failures(self) -> pd.DataFrame:
        """One row for each replication that failed: schedule, scenario, replication, day, activity, message."""
        place = {label: k for k, label in enumerate(self.identities)}
        rows = sorted(self._failures, key=lambda row: (place[row[0]], row[2]))
        return pd.DataFrame(rows, columns=["schedule", "scenario", "replication", "day", "activity", "message"])


def frame(blocks: dict[str, list[Block]], table: str = "outcomes") -> pd.DataFrame:
    """The rows of all blocks in memory, with their label as schedule, by scenario and replication."""
    parts = []
    for label, done in blocks.items():
        rows = [getattr(block, "outcomes" if table == "outcomes" else "weeks") for block in sorted(done, key=lambda b: b.first)]
        part = pd.DataFrame(np.concatenate(rows))
        part.insert(0, "schedule", label)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def row_groups(parts: dict[str, Rows]) -> Iterator[pa.Table]:
    """The rows of all parts in order, each part's file gone when it has been read."""
    for part in parts.values():
        with pq.ParquetFile(part.path) as file:
            for k in range(file.num_row_groups):
                yield file.read_row_group(k)
        part.path.unlink()


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
