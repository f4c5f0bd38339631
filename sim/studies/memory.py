"""A study in memory, for a notebook or a script: nothing is stored."""

from collections.abc import Mapping

from sim.engines.block import Block
from sim.scenario import Scenario
from sim.studies import executors
from sim.studies.plan import Wanted, bundles, covers, tasks


def simulate(
    scenarios: Mapping[str, Scenario],
    seed: int,
    replications: int,
    weekly: int = 0,
    *,
    engine: str = "compiled",
    executor: str = "auto",
    workers: int | None = None,
) -> dict[str, list[Block]]:
    """The blocks of each scenario by its label, all on the same luck; see sim.studies.tables.frame.

    Args:
        weekly: how many replications keep their series by week. workers: threads or processes; all cores if None.
    Raises:
        ValueError: if a worker keeps dying.
    """
    count = workers or executors.cores()
    wanted = [Wanted(label, scenario, seed, replications, weekly) for label, scenario in scenarios.items()]
    todo = tasks(wanted, covers(wanted, []), count, engine)
    by_identity = {w.scenario.identity: w.scenario for w in wanted}
    name = executors.chosen(executor, engine, count)
    work = [executors.work_of(bundle, by_identity, engine) for bundle in bundles(todo, count, engine)]
    found: dict[str, list[Block]] = {identity: [] for identity in by_identity}
    for done in executors.run(executors.crew(name, count), lambda: executors.crew(name, count), work):
        for task, block in done:
            if block is None:
                raise ValueError(f"replications from {task.first} of scenario {task.scenario}: the worker died each time")
            found[task.scenario].append(block)
    return {w.label: found[w.scenario.identity] for w in wanted}
