"""What the files of a segment of the store hold: the rows of blocks, and an index of them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa

from sim.engines.block import OUTCOME_ROW, WEEK_ROW, Block

TABLES = ("index", "outcomes", "weekly")  # the folders, in the order in which files are removed


@dataclass(frozen=True)
class Entry:
    """A line of the index: replications first to first + count - 1 of one scenario on one seed, and where their rows lie.

    weekly: how many of them, from the first, have their series by week. rows, weeks: of outcomes and of series, from
    outcomes_at and weekly_at on in the segment's files, with the SHA-256 of their values. failures: JSON, a list of [replication,
    message, day, activity]. opportunities, saturated: JSON, counts by activity. seconds: processor time.
    """

    segment: str
    scenario: str
    seed: int
    first: int
    count: int
    weekly: int
    horizon_days: int
    engine: str
    rows: int
    outcomes_at: int
    outcomes_hash: str
    weeks: int
    weekly_at: int
    weekly_hash: str
    failures: str
    opportunities: str
    saturated: str
    seconds: float

    @property
    def end(self) -> int:
        return self.first + self.count

    @property
    def failed(self) -> list[tuple[int, str, float, str]]:
        return [(r, message, float("nan") if day is None else day, activity) for r, message, day, activity in self._failures()]

    def _failures(self) -> list[Any]:
        return json.loads(self.failures)

    @property
    def key(self) -> tuple[Any, ...]:
        """What the block is, wherever it lies."""
        failed = [r for r, *_ in self._failures()]
        return (self.scenario, self.seed, self.first, self.count, self.weekly, self.outcomes_hash, self.weekly_hash, *failed)


@dataclass(frozen=True)
class Made:
    """A block as it comes from an engine, with what it is a block of. weekly: how many replications were to have series."""

    scenario: str
    seed: int
    weekly: int
    horizon_days: int
    engine: str
    block: Block


def columns_of(row: np.dtype) -> pa.Schema:
    """The columns of a segment's file: scenario, seed and those of a row."""
    fields = [pa.field("scenario", pa.string()), pa.field("seed", pa.uint64())]
    return pa.schema([*fields, *(pa.field(name, pa.from_numpy_dtype(row[name])) for name in row.names or ())])


SCHEMAS = {"outcomes": columns_of(OUTCOME_ROW), "weekly": columns_of(WEEK_ROW)}
KINDS = {int: pa.int64(), str: pa.string(), float: pa.float64()}
INDEX = pa.schema(
    [
        pa.field(name, pa.uint64() if name == "seed" else KINDS[kind])
        for name, kind in Entry.__annotations__.items()
        if name != "segment"
    ]
)


def block_rows(made: Sequence[Made], name: str) -> list[pa.Table]:
    """The rows of each block as a segment's file holds them, converted all at once: a block may be of a few rows only."""
    parts = [one.block.outcomes if name == "outcomes" else one.block.weeks for one in made]
    sizes = [len(part) for part in parts]
    rows, schema = np.concatenate(parts), SCHEMAS[name]
    scenarios = pa.array(np.repeat([one.scenario for one in made], sizes), pa.string())
    seeds = pa.array(np.repeat(np.array([one.seed for one in made], np.uint64), sizes))
    columns = [pa.array(np.ascontiguousarray(rows[field.name]), field.type) for field in list(schema)[2:]]
    table = pa.Table.from_arrays([scenarios, seeds, *columns], schema=schema)
    return [table.slice(end - size, size) for end, size in zip(accumulate(sizes), sizes, strict=True)]


def entry_of(made: Made, outcomes: pa.Table, weekly: pa.Table) -> Entry:
    """The entry of a block that is not in a segment yet."""
    block = made.block
    failures = [[f.replication, f.message, None if f.day != f.day else f.day, f.activity] for f in block.failures]
    return Entry(
        segment="",
        scenario=made.scenario,
        seed=made.seed,
        first=block.first,
        count=block.count,
        weekly=made.weekly,
        horizon_days=made.horizon_days,
        engine=made.engine,
        rows=outcomes.num_rows,
        outcomes_at=0,
        outcomes_hash=digest(outcomes),
        weeks=weekly.num_rows,
        weekly_at=0,
        weekly_hash=digest(weekly),
        failures=json.dumps(failures),
        opportunities=json.dumps(block.opportunities),
        saturated=json.dumps(block.saturated),
        seconds=block.seconds,
    )


def digest(rows: pa.Table) -> str:
    """The SHA-256 of the values of a block's rows, column by column, whatever file they lie in; 24 hexadecimal digits."""
    if rows.num_rows == 0:
        return "0" * 24
    found = sha256()
    columns = rows.combine_chunks().to_batches()[0].columns
    for name, column in zip(rows.column_names[2:], columns[2:], strict=True):
        values = column.to_numpy(zero_copy_only=False)
        found.update(f"{name}\0{values.dtype.str}\0".encode())
        found.update(values.data)
    return found.hexdigest()[:24]


def labelled(rows: pa.Table, entry: Entry) -> bool:
    """Whether rows bear the scenario and the seed of their block."""
    of = {"scenario": pa.array([entry.scenario], pa.string()), "seed": pa.array([entry.seed], pa.uint64())}
    return all(rows[name].unique().equals(value) for name, value in of.items())


def index_digest(index: pa.Table) -> str:
    """The SHA-256 of the lines of an index, which no hash of rows covers; 24 hexadecimal digits."""
    return sha256(json.dumps([index[name].to_pylist() for name in INDEX.names]).encode()).hexdigest()[:24]


def maker_of(index: pa.Table) -> dict[str, str]:
    """What made a segment, from its index."""
    try:
        return dict(json.loads((index.schema.metadata or {})[b"maker"]))
    except (KeyError, ValueError, TypeError):
        return {}


def size_of(index: pa.Table) -> int:
    """Rows of outcomes and series of a segment."""
    return total(index, "rows") + total(index, "weeks")


def total(index: pa.Table, column: str) -> int:
    return int(index[column].to_numpy().sum())
