"""plan=true: what a study would compute, what is there already, the time and the room it will take. Nothing is written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments import console
from experiments.computing import crew_of, sound, stale
from experiments.settings import Settings
from sim.engines import engine as engine_of
from sim.engines import usable
from sim.errors import RequestError
from sim.studies import executors
from sim.studies.place import Place
from sim.studies.plan import Task, Wanted, bundles, covers, tasks
from sim.studies.segment import TABLES
from sim.studies.store import ROOT, Store
from sim.studies.study import Study, differences, shortened

if TYPE_CHECKING:
    from experiments.session import Request

PROBE = 20  # replications that are run and forgotten, where nothing is stored to measure by


def tell(request: "Request", settings: Settings, root: Place) -> None:
    """Print the plan of a study.

    Raises:
        RequestError: if there is no cluster at the address.
    """
    engine, wanted, store = usable(settings.engine), request.wanted, Store(root)
    there = covers(wanted, sound(store, wanted, mend=False))
    name = executors.chosen(settings.executor, engine, settings.workers or executors.cores())
    slots = settings.workers or executors.cores()
    if name == "dask":
        team = crew_of(name, slots, settings)
        slots = team.slots
        team.close()
    todo = tasks(wanted, there, slots, engine, retry=settings.retry_failed)
    asked, found = sum(w.replications for w in wanted), sum(c.replications for c in there)
    count, failed = sum(task.count for task in todo), sum(len(c.failed) for c in there)
    rows = [
        ("asked for", f"{asked:,} replications of {len(wanted):,} {'scenario' if len(wanted) == 1 else 'scenarios'}"),
        ("there already", f"{found:,}" + (f", {failed:,} of them failed" if failed else "")),
        ("to compute", f"{count:,} in {len(todo):,} blocks, given to workers {len(bundles(todo, slots, engine)):,} times"),
    ]
    if count:
        pace = rates(store, wanted, todo, engine)
        days = {w.pair: w.scenario.horizon_days for w in wanted}
        work = pace.seconds * sum(task.count * days[task.scenario, task.seed] for task in todo)
        blocks = pace.room((task.count, task.weekly, days[task.scenario, task.seed]) for task in todo)
        tables = pace.room((w.replications, min(w.replications, w.weekly), w.scenario.horizon_days) for w in wanted)
        at_once = slots if name == "dask" else min(slots, executors.cores())
        rows += [
            ("time", f"about {length(work / at_once)}: {length(work)} of processor time over {at_once} {name}"),
            ("room", f"about {amount(blocks)} in blocks and {amount(tables)} in tables"),
            ("measured on", pace.basis),
        ]
    if request.grow is not None:
        rows.append(("then", "more where pairs are undecided, look by look, until all are decided or the budget is spent"))
    console.table(f"Plan of {request.application}; nothing is computed or written", ("of", "how much"), rows)
    for line in stale(store, wanted):
        console.say(f"note: {line}")
    if settings.name is not None and root.exists(f"studies/{settings.name}/study.json"):
        try:
            fields = differences(Study(root, settings.name).read_manifest(), request.manifest())
        except RequestError as error:
            fields = [str(error)]
        if fields:
            would = f"changed={settings.changed} would {settings.changed} it"
            console.say(f"note: study {settings.name!r} differs: {shortened(fields)}; {would}")


@dataclass(frozen=True)
class Rates:
    """What a study takes. seconds: of processor time, for a simulated day of one replication. outcomes, weekly: bytes of a
    replication's row, and of a week of its series. basis: what they were measured on."""

    seconds: float
    outcomes: float
    weekly: float
    basis: str

    def room(self, parts: Iterable[tuple[int, int, int]]) -> float:
        """Bytes of so many replications, so many of them with series, over so many days."""
        return sum(count * self.outcomes + weekly * (days // 7) * self.weekly for count, weekly, days in parts)


def rates(store: Store, wanted: Sequence[Wanted], todo: Sequence[Task], engine: str) -> Rates:
    """Measured on the store, or, where it has nothing to measure on, on a few replications that are run for the purpose."""
    kept = store.entries()
    timed = [entry for entry in kept if entry.engine == engine and entry.seconds > 0]
    weeks = sum(entry.weeks for entry in kept)
    if timed and (weeks or not any(task.weekly for task in todo)):
        held: dict[str, int] = {}
        for name in TABLES:
            found = store.place.sizes(f"{ROOT}/{name}").items()
            held[name] = sum(size for path, size in found if path.rpartition("/")[2].startswith(f"{store.id}-"))
        days, stored = sum(entry.count * entry.horizon_days for entry in timed), sum(entry.count for entry in kept)
        return Rates(
            sum(entry.seconds for entry in timed) / days,
            (held["outcomes"] + held["index"]) / stored,
            held["weekly"] / max(1, weeks),
            f"{sum(entry.count for entry in timed):,} replications in the store",
        )
    import pyarrow as pa

    scenario = next(w.scenario for w in wanted if w.pair == (todo[0].scenario, todo[0].seed))
    executors.prepare(scenario, engine)
    block = engine_of(engine).run_block(scenario, todo[0].seed, 0, PROBE, PROBE)
    outcomes, weekly = (len(pa.compress(rows.tobytes(), "zstd", asbytes=True)) for rows in (block.outcomes, block.weeks))
    seconds = block.seconds / (PROBE * scenario.horizon_days)
    return Rates(seconds, outcomes / PROBE, weekly / max(1, len(block.weeks)), f"{PROBE} replications run for the purpose")


def length(seconds: float) -> str:
    """A time as a person says it."""
    for unit, size in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{console.number(seconds / size)} {unit}"
    return f"{console.number(seconds)} s"


def amount(size: float) -> str:
    """A number of bytes as a person says it."""
    for unit, one in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= one:
            return f"{console.number(size / one)} {unit}"
    return f"{console.number(size)} bytes"
