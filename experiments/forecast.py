"""plan=true: what a study would compute, what is there already, the time and the room it will take. Nothing is written."""

from collections.abc import Sequence
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
        rate, size, basis = rates(store, wanted, todo, engine)
        days = {w.pair: w.scenario.horizon_days for w in wanted}
        work = sum(task.count * days[task.scenario, task.seed] for task in todo) * rate
        rows += [
            ("time", f"about {length(work / slots)}: {length(work)} of processor time over {slots} {name}"),
            ("room", f"about {amount(count * size)} in blocks and {amount(asked * size)} in tables"),
            ("measured on", basis),
        ]
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


def rates(store: Store, wanted: Sequence[Wanted], todo: Sequence[Task], engine: str) -> tuple[float, float, str]:
    """Seconds of processor time for a simulated day of one replication, bytes stored for a replication, and where both are from:
    from the store, or, where it has nothing, from a few replications run for the purpose."""
    kept = store.entries()
    timed = [entry for entry in kept if entry.engine == engine and entry.seconds > 0]
    if timed:
        days = sum(entry.count * entry.horizon_days for entry in timed)
        ours = [
            size
            for name in ("outcomes", "weekly", "index")
            for path, size in store.place.sizes(f"{ROOT}/{name}").items()
            if path.rpartition("/")[2].startswith(f"{store.id}-")
        ]
        stored = sum(entry.count for entry in kept)
        basis = f"{sum(entry.count for entry in timed):,} replications in the store"
        return sum(entry.seconds for entry in timed) / days, sum(ours) / stored, basis
    import pyarrow as pa

    first = todo[0]
    scenario = next(w.scenario for w in wanted if w.pair == (first.scenario, first.seed))
    executors.prepare(scenario, engine)
    share = sum(task.weekly for task in todo) / sum(task.count for task in todo)
    block = engine_of(engine).run_block(scenario, first.seed, 0, PROBE, PROBE)
    codec = pa.Codec("zstd")
    outcomes, weeks = (len(codec.compress(rows.tobytes())) / PROBE for rows in (block.outcomes, block.weeks))
    return block.seconds / (PROBE * scenario.horizon_days), outcomes + share * weeks, f"{PROBE} replications run for the purpose"


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
