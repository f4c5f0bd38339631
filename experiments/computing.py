"""Compute what the store does not have yet, with progress; whatever stops it, finished blocks are on the disk."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from experiments import console
from experiments.settings import Settings
from sim.engines import usable
from sim.errors import Halted, RequestError
from sim.scenario import Scenario
from sim.studies import executors
from sim.studies.plan import Task, Wanted, bundles, covers, tasks
from sim.studies.segment import Entry, Made
from sim.studies.store import Damaged, Store
from sim.studies.study import shortened

MERGED_AT = 48  # small segments at which a running study merges them


@dataclass
class Computed:
    """What was done. seconds: processor time. lost: scenario, seed and number of replications that were written off."""

    engine: str
    executor: str
    workers: int
    computed: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    lost: list[tuple[str, int, int]] = field(default_factory=list)

    def add(self, other: "Computed") -> None:
        """Count what was done afterwards, too."""
        self.computed += other.computed
        self.seconds += other.seconds
        self.interrupted = self.interrupted or other.interrupted
        self.lost += other.lost

    def told(self, elapsed: float) -> dict[str, Any]:
        """As a manifest tells it."""
        how = {"engine": self.engine, "executor": self.executor, "workers": self.workers}
        return {**how, "computed": self.computed, "seconds": round(elapsed, 3), "processor_seconds": round(self.seconds, 3)}


@dataclass
class Ready:
    """What is to be computed, and who is to do it: nobody, if there is nothing to do."""

    wanted: Sequence[Wanted]
    settings: Settings
    work: Computed
    todo: list[Task] = field(default_factory=list)
    team: executors.Crew | None = None

    def close(self) -> None:
        if self.team is not None:
            self.team.close()


def ready(store: Store, wanted: Sequence[Wanted], settings: Settings) -> Ready:
    """See what the store has and have somebody to compute the rest, before anything of a study is changed.

    Raises:
        RequestError: if the executor is not to be had.
    """
    engine = usable(settings.engine)
    workers = settings.workers or executors.cores()
    work = Computed(engine, executors.chosen(settings.executor, engine, workers), workers)
    there = covers(wanted, sound(store, wanted))
    if not tasks(wanted, there, 1, engine, retry=settings.retry_failed):
        return Ready(wanted, settings, work)
    for line in stale(store, wanted):
        console.say(f"note: {line}; computed again")
    if work.executor != "dask":
        executors.prepare(wanted[0].scenario, engine)
    team = crew_of(work.executor, workers, settings)
    work.workers = team.slots
    return Ready(wanted, settings, work, tasks(wanted, there, team.slots, engine, retry=settings.retry_failed), team)


def computed(store: Store, job: Ready, what: str) -> Computed:
    """Compute the missing blocks and keep each in the store as it is done; the crew is dismissed.

    Raises:
        Halted: if the work stops before the end. OSError: if a block cannot be written.
    """
    work, settings = job.work, job.settings
    if job.team is None:
        return work
    asked, left = sum(w.replications for w in job.wanted), sum(task.count for task in job.todo)
    scenarios = {w.scenario.identity: w.scenario for w in job.wanted}
    given = [executors.work_of(part, scenarios, work.engine) for part in bundles(job.todo, job.team.slots, work.engine)]
    running = executors.run(job.team, lambda: crew_of(work.executor, work.workers, settings), given)
    with console.progress(asked, what, asked - left) as advance:
        try:
            for done in running:
                keep(store, done, scenarios, work)
                advance(sum(task.count for task, _ in done))
        except KeyboardInterrupt:
            work.interrupted = True
        except executors.OtherMaker as error:
            raise halted(f"a worker would not give this machine's results: {error}", work) from None
        except executors.ClusterLost as error:
            raise halted(f"address = {settings.address!r}: the cluster was lost: {error}", work) from None
        finally:
            running.close()
    store.refresh()
    store.merge()
    return work


def keep(store: Store, done: list[executors.Done], scenarios: dict[str, Scenario], work: Computed) -> None:
    """Keep the blocks that were done together, and count them."""
    kept = []
    for task, block in done:
        if block is None:
            work.lost += [(task.scenario, task.seed, r) for r in range(task.first, task.first + task.count)]
        else:
            days = scenarios[task.scenario].horizon_days
            kept.append(Made(task.scenario, task.seed, task.weekly, days, work.engine, block))
    if kept:
        with executors.uninterrupted():  # what is kept is counted
            store.add(kept)
            work.computed += sum(made.block.count for made in kept)
            work.seconds += sum(made.block.seconds for made in kept)
        store.merge(MERGED_AT)


def crew_of(executor: str, workers: int, settings: Settings) -> executors.Crew:
    """The crew that the settings ask for.

    Raises:
        RequestError: if there is no cluster at the address.
    """
    try:
        return executors.crew(executor, workers, settings.address)
    except executors.ClusterLost as error:
        raise RequestError(f"address = {settings.address!r}: {error}") from None


def stale(store: Store, wanted: Sequence[Wanted]) -> list[str]:
    """What there is of these scenarios that cannot be used because it was made otherwise, and in which fields."""
    return [
        f"{count:,} replications in the store were made otherwise: {shortened(fields)}"
        for count, fields in store.elsewhere({w.pair for w in wanted})
    ]


def halted(why: str, work: Computed) -> Halted:
    """A stop before the end, with what is kept."""
    return Halted(f"{why}; {work.computed:,} replications computed by now are kept, the same command goes on")


def sound(store: Store, wanted: Sequence[Wanted], *, mend: bool = True) -> list[Entry]:
    """The blocks of the store for these scenarios, less those whose rows are not what was written.

    Each damage is a warning. mend: damaged segments are taken out of use, and what is sound in them is kept.
    """
    pairs = {w.pair for w in wanted}
    store.refresh()
    for segment, why in list(store.unreadable.items()):
        console.warn(f"damaged: {store.place.where(why)}; what it held is computed again")
        if mend:
            store.condemn(segment)
    bad: set[tuple[str, tuple]] = set()
    while True:
        entries = [entry for entry in store.entries(pairs) if (entry.segment, entry.key) not in bad]
        used = {(p.entry.segment, p.entry.key): p.entry for covered in covers(wanted, entries) for p in covered.pieces}
        damaged: dict[str, str] = {}
        for key, entry in used.items():
            try:
                store.rows(entry, "outcomes", check=True)
                store.rows(entry, "weekly", check=True)
            except Damaged as error:
                bad.add(key)
                damaged[entry.segment] = str(error)
        if not damaged:
            return entries
        store.forget()
        store.refresh()
        present = set(store.segments())
        for segment in set(damaged) & present:  # else another process has merged it meanwhile
            console.warn(f"damaged: {store.place.where(damaged[segment])}; computed again")
            if mend:
                store.condemn(segment)
