"""Compute replications of a study again and compare, to the bit, with its tables and with the blocks of the store."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sim.engines.block import Block
from sim.studies import executors
from sim.studies.plan import Cover, Task, Wanted, bundles, covers
from sim.studies.store import Damaged, Entry, Made, Store, block_rows
from sim.studies.study import Study

LARGEST = 1000  # replications of a block that is computed again
TABLES = ("outcomes", "weekly")


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
    places = {w.pair: w for w in wanted}  # two labels may stand for one scenario
    if sample is None:
        return [
            Task(*w.pair, first, min(LARGEST, w.replications - first), max(0, min(LARGEST, w.weekly - first)))
            for w in places.values()
            for first in range(0, w.replications, LARGEST)
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

    Raises:
        sim.errors.RequestError: if a table cannot be read.
    """

    def __init__(self, study: Study, store: Store, wanted: Sequence[Wanted], found: Sequence[Cover]) -> None:
        self.store = store
        self.covers = {w.pair: covered for w, covered in zip(wanted, found, strict=True)}
        self.labels = {w.pair: w.label for w in wanted}
        self.tables: dict[str, dict[str, pa.Table]] = {}
        for name in TABLES:
            study.read_table(name)  # says in one line what is wrong with it
            with study.place.reading(study.at(f"{name}.parquet")) as file:
                table = pq.read_table(file)
            self.tables[name] = by_label(table, wanted)

    def faults(self, task: Task, made: dict[str, pa.Table]) -> Iterator[Fault]:
        """Where the tables and the blocks have other values than those made now."""
        pair, end = (task.scenario, task.seed), task.first + task.count
        for name, rows in made.items():
            limit = end if name == "outcomes" else task.first + task.weekly
            table = between(self.tables[name].get(self.labels[pair]), task.first, limit)
            if what := difference(table, rows):
                yield Fault(f"{name}.parquet, {self.labels[pair]}, {numbers(task.first, limit)}", what)
            for piece in self.covers[pair].pieces:
                low, high = max(task.first, piece.first), min(limit, piece.end)
                if low >= high:
                    continue
                try:
                    kept = between(self.store.rows(piece.entry, name), low, high)
                except Damaged as error:
                    yield Fault(str(error), "cannot be read")
                    continue
                if what := difference(kept, between(rows, low, high)):
                    block = f"block {numbers(piece.entry.first, piece.entry.end)} of scenario {task.scenario}"
                    yield Fault(f"{self.store.place.where(f'blocks/{name}/{piece.entry.segment}.parquet')}, {block}", what)


def verify(
    study: Study, store: Store, wanted: Sequence[Wanted], todo: Sequence[Task], workers: int, advance: Callable[[int], None]
) -> list[Fault]:
    """Compute the tasks again, with the compiled engine, and compare.

    Raises:
        sim.errors.RequestError: if a table cannot be read.
    """
    kept = Kept(study, store, wanted, covers(wanted, store.entries(w.pair for w in wanted)))
    scenarios = {w.scenario.identity: w.scenario for w in wanted}
    work = [executors.work_of(bundle, scenarios, "compiled") for bundle in bundles(todo, workers, "compiled")]
    found: dict[Fault, None] = {}
    for done in executors.run(executors.crew("threads", workers), lambda: executors.crew("threads", workers), work):
        for task, block in done:
            if block is not None:
                found.update(dict.fromkeys(kept.faults(task, tables_of(task, block))))
            advance(task.count)
    return list(found)


def tables_of(task: Task, block: Block) -> dict[str, pa.Table]:
    made = Made(task.scenario, task.seed, task.weekly, 0, "compiled", block)
    return {name: block_rows([made], name)[0] for name in TABLES}


def by_label(table: pa.Table, wanted: Sequence[Wanted]) -> dict[str, pa.Table]:
    """A study's table cut by label: they stand in it in the order of the manifest, each in the order of its replications."""
    if table.num_rows == 0:
        return {}
    codes = table["scenario"].combine_chunks().dictionary_encode().indices.to_numpy()
    replications = table["replication"].to_numpy()
    starts = (np.diff(codes) != 0) | (np.diff(replications) < 0)
    again = np.diff(table["day"].to_numpy()) <= 0.0 if "day" in table.column_names else True
    starts |= (np.diff(replications) == 0) & again
    cuts = [0, *(np.flatnonzero(starts) + 1).tolist(), table.num_rows]
    runs = deque(pairwise(cuts))
    found = {}
    for w in wanted:
        if runs and table["scenario"][runs[0][0]].as_py() == w.scenario.identity:
            start, end = runs.popleft()
            found[w.label] = table.slice(start, end - start)
    return found


def between(table: pa.Table | None, first: int, end: int) -> pa.Table | None:
    """The rows of replications first to end - 1; rows stand in the order of replications."""
    if table is None:
        return None
    low, high = np.searchsorted(table["replication"].to_numpy(), [first, end], side="left")
    return table.slice(int(low), max(0, int(high) - int(low)))


def difference(kept: pa.Table | None, made: pa.Table | None) -> str:
    """In which columns two tables of the same replications differ, to the bit; "" if in none."""
    count, other = (0 if table is None else table.num_rows for table in (kept, made))
    if count != other:
        return f"{count} rows, {other} when computed now"
    if kept is None or made is None or count == 0:
        return ""
    columns = []
    for name in made.column_names[2:]:
        a, b = kept[name].to_numpy(), made[name].to_numpy()
        if a.dtype != b.dtype or a.tobytes() != b.tobytes():
            k = 0 if a.dtype != b.dtype else int(np.flatnonzero(differing(a, b))[0])
            columns.append(f"{name} of replication {made['replication'][k]}: {a[k]} there, {b[k]} when computed now")
    return "; ".join(columns[:3]) + (f"; and {len(columns) - 3} more columns" if len(columns) > 3 else "")


def differing(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Which values differ in any bit."""
    width = a.dtype.itemsize
    left, right = (np.ascontiguousarray(x).view(np.uint8).reshape(-1, width) for x in (a, b))
    return (left != right).any(axis=1)


def numbers(first: int, end: int) -> str:
    return f"replication {first}" if end == first + 1 else f"replications {first} to {end - 1}"
