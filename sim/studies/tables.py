"""The tables of a study, put together from the store: outcomes, one row a scenario and replication, and series by week.

Rows come by scenario and replication, in row groups of one size: how they were computed, and in which blocks, leaves no trace.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sim.engines.block import Block
from sim.studies.place import Place
from sim.studies.plan import Cover, Piece, Wanted
from sim.studies.segment import SCHEMAS
from sim.studies.store import GROUP, Store


def schema_of(name: str, extra: Mapping[str, pa.DataType]) -> pa.Schema:
    """The columns of a table: schedule, what else tells the scenarios apart, scenario, those of a row, and after the day its
    date."""
    fields = [pa.field("schedule", pa.string()), *(pa.field(key, kind) for key, kind in extra.items())]
    fields.append(pa.field("scenario", pa.string()))
    for field in list(SCHEMAS[name])[2:]:  # less the segment's own scenario and seed
        fields.append(field)
        if field.name == "day":
            fields.append(pa.field("date", pa.timestamp("ms")))
    return pa.schema(fields)


def write_table(
    place: Place,
    path: str,
    name: str,
    store: Store,
    wanted: Sequence[Wanted],
    covers: Sequence[Cover],
    marks: Mapping[str, Mapping[str, Any]],
    kinds: Mapping[str, pa.DataType],
) -> int:
    """Write outcomes or weekly of a study as Parquet, whole or not at all; how many rows it has.

    Args:
        marks: what stands in the columns that tell scenarios apart, by label; `schedule` among them. kinds: the types of those
            columns, without schedule.
    Raises:
        sim.studies.store.Damaged: if a block is not what was written. OSError: if the table cannot be written.
    """
    schema, rows = schema_of(name, kinds), 0
    with place.writing(path) as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for group in regrouped(parts(name, store, wanted, covers, marks, schema)):
            writer.write_table(group, row_group_size=GROUP)
            rows += group.num_rows
    return rows


def whole_table(
    name: str,
    store: Store,
    wanted: Sequence[Wanted],
    covers: Sequence[Cover],
    marks: Mapping[str, Mapping[str, Any]],
    kinds: Mapping[str, pa.DataType],
) -> pa.Table:
    """The rows that `write_table` would write."""
    schema = schema_of(name, kinds)
    return pa.concat_tables([schema.empty_table(), *parts(name, store, wanted, covers, marks, schema)])


def parts(
    name: str,
    store: Store,
    wanted: Sequence[Wanted],
    covers: Sequence[Cover],
    marks: Mapping[str, Mapping[str, Any]],
    schema: pa.Schema,
) -> Iterator[pa.Table]:
    """The rows of the pieces in the study's columns, many pieces at a time: a piece may be of a few rows only."""
    held: list[tuple[pa.Table, Wanted]] = []
    count = 0
    for w, covered in zip(wanted, covers, strict=True):
        for piece in covered.pieces:
            limit = piece.end if name == "outcomes" else min(piece.end, w.weekly)
            rows = within(store.rows(piece.entry, name, check=True), piece, limit)
            if rows.num_rows:
                held.append((rows, w))
                count += rows.num_rows
            if count >= GROUP:
                yield study_rows(held, marks, schema)
                held, count = [], 0
    if held:
        yield study_rows(held, marks, schema)


def study_rows(pieces: Sequence[tuple[pa.Table, Wanted]], marks: Mapping[str, Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """The rows of some pieces, each of what it is a piece of, with the columns that they have in a study."""
    rows = pa.concat_tables(piece for piece, _ in pieces)
    sizes = [piece.num_rows for piece, _ in pieces]
    own = {w.label: marks[w.label] for _, w in pieces}
    common = set.intersection(*(set(mark) for mark in own.values()))

    def repeated(values: list[Any], kind: pa.DataType) -> pa.Array:
        return pa.array(values, kind).take(pa.array(np.repeat(np.arange(len(values)), sizes)))

    made: list[Any] = []
    for field in schema:
        if field.name == "scenario":
            made.append(repeated([w.scenario.identity for _, w in pieces], field.type))
        elif field.name in common:
            made.append(repeated([own[w.label][field.name] for _, w in pieces], field.type))
        elif field.name == "date":
            starts = np.repeat(np.array([w.scenario.start for _, w in pieces], "datetime64[D]"), sizes)
            made.append(pa.array((starts + rows["day"].to_numpy().astype("int64")).astype("datetime64[ms]")))
        else:
            made.append(rows[field.name])
    return pa.Table.from_arrays(made, schema=schema)


def within(rows: pa.Table, piece: Piece, end: int) -> pa.Table:
    """The rows of replications piece.first to end - 1 of a block's, which are in order."""
    if piece.first <= piece.entry.first and end >= piece.entry.end:
        return rows
    low, high = np.searchsorted(rows["replication"].to_numpy(), [piece.first, end], side="left")
    return rows.slice(int(low), max(0, int(high) - int(low)))


def regrouped(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in tables of GROUP rows, the last one shorter."""
    held: list[pa.Table] = []
    count = 0
    for table in tables:
        held.append(table)
        count += table.num_rows
        if count >= GROUP:
            whole = pa.concat_tables(held)
            cut = count // GROUP * GROUP
            yield whole.slice(0, cut)
            held, count = [whole.slice(cut)], count - cut
    if count:
        yield pa.concat_tables(held)


def failures_table(wanted: Sequence[Wanted], covers: Sequence[Cover]) -> pd.DataFrame:
    """One row for each replication that failed: schedule, scenario, replication, day, activity, message, seed."""
    rows = [
        (w.label, w.scenario.identity, replication, day, activity, message, w.seed)
        for w, covered in zip(wanted, covers, strict=True)
        for replication, message, day, activity in sorted(covered.failed)
    ]
    return pd.DataFrame(rows, columns=["schedule", "scenario", "replication", "day", "activity", "message", "seed"])


def frame(blocks: dict[str, list[Block]], table: str = "outcomes") -> pd.DataFrame:
    """The rows of all blocks in memory, with their label as schedule, by scenario and replication."""
    parts = []
    for label, done in blocks.items():
        rows = [getattr(block, "outcomes" if table == "outcomes" else "weeks") for block in sorted(done, key=lambda b: b.first)]
        part = pd.DataFrame(np.concatenate(rows))
        part.insert(0, "schedule", label)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def scenario_label(schedule: str, swept: Mapping[str, Any]) -> str:
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
