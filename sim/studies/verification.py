"""Compute replications of a study again and compare, to the bit, with its tables and with the blocks of the store."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from sim.engines import usable
from sim.engines.block import Block
from sim.studies import executors
from sim.studies.plan import Task, Wanted, bundles, covers
from sim.studies.segment import Entry, Made, block_rows
from sim.studies.store import ROOT, Damaged, Store
from sim.studies.study import Study
from sim.studies.tables import study_rows

LARGEST = 1000  # replications of a block that is computed again
TABLES = ("outcomes", "weekly")
WEEK = 7  # days
Marks = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Fault:
    """Something that is not what it was, or not what it would be now: where, and in what."""

    where: str
    what: str


def blocks_at_fault(store: Store, wanted: Sequence[Wanted]) -> tuple[list[Fault], list[Entry]]:
    """Look at every block that the study stands on: those whose rows are not what was written, and all of them."""
    found = [Fault(store.place.where(why), "cannot be read") for why in store.unreadable.values()]
    seen: dict[tuple, Entry] = {}
    for covered in covers(wanted, store.entries(w.pair for w in wanted)):
        seen.update({(p.entry.segment, p.entry.key): p.entry for p in covered.pieces})
    for entry in seen.values():
        for name in TABLES:
            try:
                store.rows(entry, name, check=True)
            except Damaged as error:
                found.append(Fault(store.place.where(str(error)), "changed since it was written, or damaged"))
    return found, list(seen.values())


def chosen(wanted: Sequence[Wanted], sample: int | None) -> list[Task]:
    """What to compute again: all replications in blocks, or a sample of single ones, drawn evenly over the whole study."""
    places: dict[tuple[str, int], Wanted] = {}  # two labels may stand for one scenario: what both of them want
    for w in wanted:
        known = places.get(w.pair, w)
        most = {"replications": max(w.replications, known.replications), "weekly": max(w.weekly, known.weekly)}
        places[w.pair] = replace(w, **most)
    if sample is None:
        return [
            Task(*w.pair, first, count, max(0, min(count, w.weekly - first)))
            for w in places.values()
            for first in range(0, w.replications, LARGEST)
            for count in [min(LARGEST, w.replications - first)]
        ]
    sizes = np.array([w.replications for w in places.values()])
    total, of = int(sizes.sum()), list(places.values())
    ends = np.cumsum(sizes)
    found = []
    for place in np.sort(np.random.default_rng().choice(total, size=min(sample, total), replace=False)):
        k = int(np.searchsorted(ends, place, side="right"))
        replication = int(place - (ends[k] - sizes[k]))
        found.append(Task(*of[k].pair, replication, 1, int(replication < of[k].weekly)))
    return found


class Kept:
    """What a study keeps of each replication: the rows of its tables, and of its blocks in the store.

    Args:
        marks: what stands in the tables beside each scenario, by label. failed: the replications that failed, by label; they have
            no rows.
    Raises:
        sim.errors.RequestError: if a table cannot be read.
    """

    def __init__(
        self, study: Study, store: Store, wanted: Sequence[Wanted], marks: Marks, failed: Mapping[str, frozenset[int]]
    ) -> None:
        self.store, self.marks, self.failed = store, marks, failed
        self.wanted: dict[tuple[str, int], list[Wanted]] = {}  # two labels may stand for one scenario
        for w in wanted:
            self.wanted.setdefault(w.pair, []).append(w)
        found = covers(wanted, store.entries(w.pair for w in wanted))
        self.pieces = {w.label: covered.pieces for w, covered in zip(wanted, found, strict=True)}
        self.tables: dict[str, dict[str, pa.Table]] = {}
        self.wrong: list[Fault] = []  # tables of another size than they should have, in which nothing can be looked up
        for name in TABLES:
            table = study.arrow_table(name)
            ends = np.cumsum([self.size(w, name) for w in wanted], dtype=np.int64)
            if table.num_rows != ends[-1]:
                self.wrong.append(Fault(f"{name}.parquet", f"{table.num_rows} rows, {ends[-1]} when computed now"))
                continue
            self.tables[name] = {
                w.label: table.slice(int(end) - self.size(w, name), self.size(w, name))
                for w, end in zip(wanted, ends, strict=True)
            }

    def size(self, w: Wanted, name: str) -> int:
        """How many rows a scenario has in a table."""
        gone = self.failed.get(w.label, frozenset())
        if name == "outcomes":
            return w.replications - len(gone)
        shown = min(w.weekly, w.replications)
        return (shown - sum(r < shown for r in gone)) * (w.scenario.horizon_days // WEEK)

    def faults(self, task: Task, made: dict[str, pa.Table]) -> Iterator[Fault]:
        """Where the tables and the blocks have other values than those made now."""
        for w in self.wanted[task.scenario, task.seed]:
            for name, rows in made.items():
                end = min(task.first + task.count, w.replications if name == "outcomes" else min(w.weekly, w.replications))
                if task.first >= end:
                    continue
                rows = without(between(rows, task.first, end), self.failed.get(w.label, frozenset()))
                if name in self.tables:
                    schema = self.tables[name][w.label].schema
                    right = study_rows([(rows, w)], self.marks, schema)
                    if what := difference(between(self.tables[name][w.label], task.first, end), right):
                        yield Fault(f"{name}.parquet, {w.label}, {numbers(task.first, end)}", what)
                yield from self.of_blocks(task, w, name, rows, end)

    def of_blocks(self, task: Task, w: Wanted, name: str, rows: pa.Table, end: int) -> Iterator[Fault]:
        for piece in self.pieces[w.label]:
            low, high = max(task.first, piece.first), min(end, piece.end)
            if low >= high:
                continue
            try:
                kept = between(self.store.rows(piece.entry, name), low, high)
            except Damaged as error:
                yield Fault(self.store.place.where(str(error)), "cannot be read")
                continue
            if what := difference(kept.drop_columns(["seed"]), between(rows, low, high).drop_columns(["seed"])):
                file = self.store.place.where(f"{ROOT}/{name}/{piece.entry.segment}.parquet")
                yield Fault(f"{file}, block {numbers(piece.entry.first, piece.entry.end)} of scenario {task.scenario}", what)


def verify(kept: Kept, todo: Sequence[Task], workers: int, advance: Callable[[int], None]) -> list[Fault]:
    """Compute the tasks again and compare with what is kept."""
    engine = usable("compiled")
    scenarios = {w.scenario.identity: w.scenario for same in kept.wanted.values() for w in same}
    work = [executors.work_of(bundle, scenarios, engine) for bundle in bundles(todo, workers, engine)]

    def crew() -> executors.Crew:
        return executors.crew("threads" if engine == "compiled" else "processes", workers)

    found = dict.fromkeys(kept.wrong)
    for done in executors.run(crew(), crew, work):
        for task, block in done:
            if block is not None:
                found.update(dict.fromkeys(kept.faults(task, tables_of(task, block))))
            advance(task.count)
    return list(found)


def tables_of(task: Task, block: Block) -> dict[str, pa.Table]:
    made = Made(task.scenario, task.seed, task.weekly, 0, "compiled", block)
    return {name: block_rows([made], name)[0] for name in TABLES}


def without(table: pa.Table, gone: frozenset[int]) -> pa.Table:
    """The rows of all replications but some."""
    if not gone:
        return table
    return table.filter(pa.array(~np.isin(table["replication"].to_numpy(), list(gone))))


def between(table: pa.Table, first: int, end: int) -> pa.Table:
    """The rows of replications first to end - 1; rows stand in the order of replications."""
    low, high = np.searchsorted(table["replication"].to_numpy(), [first, end], side="left")
    return table.slice(int(low), max(0, int(high) - int(low)))


def difference(kept: pa.Table, made: pa.Table) -> str:
    """In which columns two tables of the same replications differ, to the bit; "" if in none."""
    if kept.num_rows != made.num_rows:
        return f"{kept.num_rows} rows, {made.num_rows} when computed now"
    columns = []
    for name in made.column_names:
        a, b = kept[name].to_numpy(), made[name].to_numpy()
        if a.dtype != b.dtype:
            columns.append(f"{name}: {a.dtype} there, {b.dtype} when computed now")
        elif (other := differing(a, b)).any():
            k = int(np.flatnonzero(other)[0])
            columns.append(f"{name} of replication {made['replication'][k]}: {a[k]} there, {b[k]} when computed now")
    return "; ".join(columns[:3]) + (f"; and {len(columns) - 3} more columns" if len(columns) > 3 else "")


def differing(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Which values differ in any bit; of text, which differ."""
    if a.dtype == object:
        return a != b
    width = a.dtype.itemsize
    left, right = (np.ascontiguousarray(x).view(np.uint8).reshape(-1, width) for x in (a, b))
    return (left != right).any(axis=1)


def numbers(first: int, end: int) -> str:
    return f"replication {first}" if end == first + 1 else f"replications {first} to {end - 1}"
