"""The store of blocks: what was computed once, by content, under `<results>/blocks/`.

A segment holds many blocks of many scenarios and is three files of one name: `outcomes/`, `weekly/` (if there are series) and
`index/`, which comes last and makes it count. Nothing is ever changed in place: small segments are merged into a new, larger one
and removed when that is complete, so processes that work in one store at once find each block in some segment at all times. No
name is ever used twice, so a segment that one process removes is never one that another is just writing.
"""

import json
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from errno import EINVAL, ENOENT
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sim.errors import first_line
from sim.studies.maker import differing, maker, maker_id
from sim.studies.place import Place
from sim.studies.segment import (
    INDEX,
    SCHEMAS,
    TABLES,
    Entry,
    Made,
    block_rows,
    digest,
    entry_of,
    index_digest,
    labelled,
    maker_of,
    size_of,
    total,
)

ROOT = "blocks"
GROUP = 65_536  # rows of a row group
FULL = 500_000  # rows of outcomes and series at which a segment is no longer merged
MANY = 40  # small segments that are left alone
HELD = 48  # row groups kept in memory


class Damaged(Exception):
    """A file of a segment is missing, cut off or otherwise not what its index says."""


def as_damage(path: str, error: BaseException) -> BaseException:
    """What to raise for an error in reading a file: damage, unless it is the machine that cannot read just now."""
    passing = isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno not in (None, ENOENT, EINVAL))
    return error if passing else Damaged(f"{path}: {first_line(error)}")


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
            raise as_damage(path, error) from None
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
        index = pa.Table.from_pydict({name: [getattr(entry, name) for entry in entries] for name in INDEX.names}, schema=INDEX)
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
            raise as_damage(path, error) from None
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
        """Take a damaged segment out of use: its files are kept under damaged/, what is sound in it in a new segment.

        It is read once more before, and stays as it is if it is sound after all.

        Raises:
            OSError: if it cannot be read just now, and so not judged.
        """
        files: dict[str, bytes] = {}
        for name in TABLES:
            try:
                files[name] = self.place.read(path_of(name, segment))
            except FileNotFoundError:
                continue
        self.forget()
        sound: list[Held] = []
        try:
            index = self.index(segment)
        except (FileNotFoundError, Damaged):
            index = INDEX.empty_table()
        for row in index.to_pylist():
            try:
                sound.append(self._held(Entry(segment, **row)))
            except Damaged:
                continue
        self.unreadable.pop(segment, None)
        if len(sound) == index.num_rows > 0:
            self._indexes[segment] = index
            return
        for name, data in files.items():
            self.place.write(f"{ROOT}/damaged/{segment}.{name}.parquet", data)
        self._write_all(sound)
        self.remove(segment)

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
