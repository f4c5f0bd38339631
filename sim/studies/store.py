"""The store of blocks: what was computed once, by content, under `<results>/blocks/`.

A segment holds many blocks of many scenarios and is three files of one name: `outcomes/`, `weekly/` (if there are series) and
`index/`, which comes last and makes it count. Nothing is ever changed in place: small segments are merged into a new, larger one
and removed when that is complete, so processes that work in one store at once find each block in some segment at all times. No
name is ever used twice, so a segment that one process removes is never one that another is just writing.
"""

import json
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from itertools import accumulate
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sim.engines.block import OUTCOME_ROW, WEEK_ROW, Block
from sim.studies.maker import differing, maker, maker_id
from sim.studies.place import Place

ROOT = "blocks"
TABLES = ("index", "outcomes", "weekly")  # the folders, in the order in which files are removed
GROUP = 65_536  # rows of a row group
FULL = 500_000  # rows of outcomes and series at which a segment is no longer merged
MANY = 16  # small segments that are left alone
HELD = 48  # row groups kept in memory


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


class Damaged(Exception):
    """A file of a segment is missing, cut off or otherwise not what its index says."""


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


class Store:
    """The blocks under one root of results that one maker (sim.studies.maker) has made, or would make.

    Args:
        place: the root. fields: whose blocks, ours by default; others' lie beside them and are not touched.
    """

    def __init__(self, place: Place, fields: Mapping[str, str] | None = None) -> None:
        self.place = place
        self.fields = dict(fields or maker())
        self.id = maker_id(self.fields)
        self.unreadable: dict[str, str] = {}  # segments of ours whose index is damaged, and how
        self._indexes: dict[str, pa.Table] = {}  # of our segments, by name
        self._unmerged: set[str] = set()  # segments that could not be read when they were to be merged
        self._groups: OrderedDict[tuple[str, str, int], pa.Table] = OrderedDict()
        self._files: OrderedDict[tuple[str, str], tuple[pq.ParquetFile, np.ndarray]] = OrderedDict()

    # -- finding -----------------------------------------------------------------------------------------------------
    def segments(self) -> list[str]:
        """The names of all segments, ours and others'."""
        paths = self.place.sizes(f"{ROOT}/index")
        names = [path.rpartition("/")[2] for path in paths]
        return sorted(name.removesuffix(".parquet") for name in names if name.endswith(".parquet") and not name.startswith("."))

    def refresh(self) -> None:
        """Read the indexes that came since the last time; forget those that went.

        Another process may merge segments while their folder is listed, and then neither they nor the new one need be seen. So
        the folder is listed until it is found as it was before.
        """
        names, before = self._present(), None
        while names != before:
            for name in sorted(names - set(self._indexes)):
                try:
                    self._indexes[name] = self.index(name)
                    self.unreadable.pop(name, None)
                except FileNotFoundError:
                    continue
                except Damaged as error:
                    self.unreadable[name] = str(error)
            names, before = self._present(), names
        for held in (self._indexes, self.unreadable):
            for name in [name for name in held if name not in names]:
                del held[name]

    def _present(self) -> set[str]:
        return {name for name in self.segments() if name.startswith(f"{self.id}-")}

    def index(self, segment: str) -> pa.Table:
        """Raises FileNotFoundError or Damaged."""
        path = path_of("index", segment)
        try:
            with self.place.reading(path) as file:
                table = pq.read_table(file)
            if table.schema.remove_metadata() != INDEX:
                raise Damaged(f"{path}: not the columns of an index")
            if (table.schema.metadata or {}).get(b"lines") != index_digest(table).encode():
                raise Damaged(f"{path}: its lines are not those that were written")
        except FileNotFoundError:
            raise
        except (pa.ArrowException, OSError, ValueError) as error:
            raise Damaged(f"{path}: {first_line(error)}") from None
        return table

    def entries(self, wanted: Iterable[tuple[str, int]] | None = None) -> list[Entry]:
        """The blocks of these scenarios on these seeds; all of them if none are given."""
        pairs = None if wanted is None else set(wanted)
        found: list[Entry] = []
        for name, table in self._indexes.items():
            if pairs is not None:
                table = table.filter(pc.field("scenario").isin(list({scenario for scenario, _ in pairs})))
            for row in table.to_pylist():
                if pairs is None or (row["scenario"], row["seed"]) in pairs:
                    found.append(Entry(name, **row))
        return found

    def elsewhere(self, wanted: Iterable[tuple[str, int]]) -> list[tuple[int, list[str]]]:
        """What other code, libraries or machines have made of these scenarios on these seeds: how many replications, and in which
        fields their makers differ from ours."""
        pairs, counts, fields = set(wanted), Counter[str](), {}
        ours = pc.field("scenario").isin(list({scenario for scenario, _ in pairs}))
        ours &= pc.field("seed").isin(pa.array({seed for _, seed in pairs}, pa.uint64()))
        for name in self.segments():
            made = name.partition("-")[0]
            if made == self.id:
                continue
            try:
                index = self.index(name)
            except (FileNotFoundError, Damaged):
                continue
            counts[made] += total(index.filter(ours), "count")
            fields[made] = differing(maker_of(index), self.fields)
        return [(count, fields[made]) for made, count in counts.items() if count]

    # -- writing -----------------------------------------------------------------------------------------------------
    def add(self, made: Sequence[Made]) -> None:
        """Keep blocks, as a segment of their own. When this returns they are on the disk.

        Raises:
            OSError: if they cannot be written; then nothing of them counts.
        """
        tables = zip(made, block_rows(made, "outcomes"), block_rows(made, "weekly"), strict=True)
        self._write_all([(entry_of(one, outcomes, weekly), outcomes, weekly) for one, outcomes, weekly in tables])

    def _write(self, entries: Sequence[Entry], tables: dict[str, pa.Table]) -> None:
        segment = f"{self.id}-{uuid4().hex[:20]}"
        for name, table in tables.items():
            if name == "outcomes" or table.num_rows:
                self._put(path_of(name, segment), table)
        rows = [{k: v for k, v in asdict(entry).items() if k != "segment"} for entry in entries]
        index = pa.Table.from_pylist(rows, schema=INDEX)
        index = index.replace_schema_metadata({"maker": json.dumps(self.fields), "lines": index_digest(index)})
        self._put(path_of("index", segment), index)  # last: with it the segment counts
        self._indexes[segment] = index

    def _put(self, path: str, table: pa.Table) -> None:
        with self.place.writing(path) as file, pq.ParquetWriter(file, table.schema, compression="zstd") as writer:
            writer.write_table(table, row_group_size=GROUP)

    # -- reading -----------------------------------------------------------------------------------------------------
    def rows(self, entry: Entry, name: str, *, check: bool = False) -> pa.Table:
        """The rows of a block, of outcomes or weekly.

        Raises:
            Damaged: if they cannot be read; with `check`, also if their values are not those that were written.
        """
        at, count = (entry.outcomes_at, entry.rows) if name == "outcomes" else (entry.weekly_at, entry.weeks)
        if count == 0:
            return SCHEMAS[name].empty_table()
        path = path_of(name, entry.segment)
        try:
            starts = self._open(entry.segment, name)[1]
            first, last = np.searchsorted(starts, [at, at + count - 1], side="right") - 1
            if at + count > starts[-1]:
                raise Damaged(f"{path}: has {starts[-1]} rows, its index says more")
            parts = [self._group(entry.segment, name, int(k)) for k in range(first, last + 1)]
        except (pa.ArrowException, OSError, ValueError) as error:
            raise Damaged(f"{path}: {first_line(error)}") from None
        rows = pa.concat_tables(parts).slice(at - int(starts[first]), count)
        written = entry.outcomes_hash if name == "outcomes" else entry.weekly_hash
        if check and (digest(rows) != written or not labelled(rows, entry)):
            raise Damaged(
                f"{path}: replications {entry.first} to {entry.end - 1} of scenario {entry.scenario} are not what was written"
            )
        return rows

    def _open(self, segment: str, name: str) -> tuple[pq.ParquetFile, np.ndarray]:
        """The file, and the row at which each of its row groups starts, with their sum as the last."""
        found = self._files.get((segment, name))
        if found is None:
            file = pq.ParquetFile(self.place.reading(path_of(name, segment)))
            if file.schema_arrow.remove_metadata() != SCHEMAS[name]:
                raise Damaged(f"{path_of(name, segment)}: other columns than this version's")
            sizes = [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)]
            found = (file, np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]))
        self._files[(segment, name)] = found
        self._files.move_to_end((segment, name))
        while len(self._files) > HELD:
            self._files.popitem(last=False)[1][0].close(force=True)
        return found

    def _group(self, segment: str, name: str, k: int) -> pa.Table:
        found = self._groups.get((segment, name, k))
        if found is None:
            found = self._open(segment, name)[0].read_row_group(k)
        self._groups[(segment, name, k)] = found
        self._groups.move_to_end((segment, name, k))
        while len(self._groups) > HELD:
            self._groups.popitem(last=False)
        return found

    def forget(self) -> None:
        """Let go of all files and rows held in memory."""
        self._groups.clear()
        while self._files:
            self._files.popitem()[1][0].close(force=True)

    # -- keeping it small --------------------------------------------------------------------------------------------
    def merge(self, many: int = MANY) -> None:
        """Merge the small segments, if there are more than `many`, into few."""
        if len(self._small()) > many:
            self.refresh()  # another process may have merged some of them
            if len(small := self._small()) > many:
                self.rewrite(small)

    def _small(self) -> list[str]:
        """The segments to merge, less those that cannot be read: they would be tried again with each new block."""
        return [name for name, index in self._indexes.items() if size_of(index) < FULL // 4 and name not in self._unmerged]

    def rewrite(self, segments: Sequence[str]) -> None:
        """Put the blocks of some segments into new ones, and remove the old ones.

        A segment that cannot be read (another process merged it, or it is damaged) is left as it is: damage does not spread.
        """
        kept: list[Held] = []
        done, seen = [], set()
        for segment in segments:
            try:
                found = [self._held(Entry(segment, **row)) for row in self._indexes[segment].to_pylist()]
            except Damaged:
                self._unmerged.add(segment)
                continue
            done.append(segment)
            for held in found:
                if held[0].key not in seen:  # two processes may have computed the same block
                    seen.add(held[0].key)
                    kept.append(held)
        self._write_all(kept)
        self.forget()
        for segment in done:
            self.remove(segment)

    def drop(self, entries: Iterable[Entry]) -> None:
        """Remove these blocks; those that share their segments are kept, in new ones.

        A segment that cannot be read is left as it is.
        """
        gone = {(entry.segment, entry.key) for entry in entries}
        for segment in sorted({segment for segment, _ in gone}):
            others = [Entry(segment, **row) for row in self._indexes[segment].to_pylist()]
            try:
                kept = [self._held(entry) for entry in others if (segment, entry.key) not in gone]
            except Damaged:
                continue
            self._write_all(kept)
            self.forget()
            self.remove(segment)

    def condemn(self, segment: str) -> None:
        """Take a damaged segment out of use: its files are kept under damaged/, what is sound in it in a new segment."""
        sound = []
        for row in self._indexes[segment].to_pylist() if segment in self._indexes else ():
            try:
                sound.append(self._held(Entry(segment, **row)))
            except Damaged:
                continue
        self.forget()
        for name in TABLES:
            try:
                self.place.write(f"{ROOT}/damaged/{segment}.{name}.parquet", self.place.read(path_of(name, segment)))
            except FileNotFoundError:
                continue
        self._write_all(sound)
        self.remove(segment)
        self.unreadable.pop(segment, None)

    def _held(self, entry: Entry) -> "Held":
        return entry, self.rows(entry, "outcomes", check=True), self.rows(entry, "weekly", check=True)

    def _write_all(self, kept: list["Held"]) -> None:
        """Write blocks as segments, in order."""
        kept.sort(key=lambda held: (held[0].scenario, held[0].seed, held[0].first))
        for part in parts_of(kept):
            at, weekly_at, entries = 0, 0, []
            for entry, outcomes, weekly in part:
                entries.append(replace(entry, outcomes_at=at, weekly_at=weekly_at))
                at, weekly_at = at + outcomes.num_rows, weekly_at + weekly.num_rows
            tables = {"outcomes": pa.concat_tables(h[1] for h in part), "weekly": pa.concat_tables(h[2] for h in part)}
            self._write(entries, tables)

    def remove(self, segment: str) -> None:
        """Remove a segment, its index first: without that it does not count."""
        for name in TABLES:
            self.place.delete(path_of(name, segment))
        self._indexes.pop(segment, None)


Held = tuple[Entry, pa.Table, pa.Table]  # a block in memory: its entry, its outcomes, its series


def path_of(name: str, segment: str) -> str:
    return f"{ROOT}/{name}/{segment}.parquet"


def size_of(index: pa.Table) -> int:
    """Rows of outcomes and series of a segment."""
    return total(index, "rows") + total(index, "weeks")


def total(index: pa.Table, column: str) -> int:
    return int(index[column].to_numpy().sum())


def parts_of(blocks: list[Held]) -> list[list[Held]]:
    """Blocks in order, cut where a segment is full."""
    parts: list[list[Held]] = []
    rows = FULL
    for block in blocks:
        if rows >= FULL:
            parts.append([])
            rows = 0
        parts[-1].append(block)
        rows += block[0].rows + block[0].weeks
    return parts


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
    found = sha256()
    for name in rows.column_names[2:]:
        values = rows[name].to_numpy()
        found.update(name.encode() + b"\0" + values.dtype.str.encode() + b"\0")
        found.update(np.ascontiguousarray(values).data)
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


def first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
