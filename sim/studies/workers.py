"""Run blocks of replications of several scenarios, on one core or on all."""

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable, Generator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice

from sim.engines import engine as engine_of
from sim.engines.block import Block, Failure
from sim.scenario import Scenario

LARGEST = {"compiled": 1000, "reference": 25}  # replications in a block at most: about a second of work
SMALLEST = {"compiled": 100, "reference": 1}
TRIES = 3  # how often a block is given to a worker that dies before it is written off


@dataclass(frozen=True)
class Task:
    """A block to run: replications first to first + count - 1 of one scenario, under the label it has in the study."""

    label: str
    first: int
    count: int


def tasks(labels: list[str], replications: int, workers: int, engine: str = "compiled") -> list[Task]:
    """The blocks of a study, interleaved over the scenarios, so that an interrupted study has compared like with like."""
    size = max(SMALLEST[engine], min(LARGEST[engine], -(-replications // (4 * workers))))
    return [Task(label, first, min(size, replications - first)) for first in range(0, replications, size) for label in labels]


def run_task(scenario: Scenario, seed: int, task: Task, weekly: int, engine: str) -> Block:
    return engine_of(engine).run_block(scenario, seed, task.first, task.count, weekly)


def begin_worker() -> None:
    """In a worker: Ctrl-C is for the parent, which decides what to keep; and when the parent is killed, nobody waits for work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=leave_with, args=(parent.sentinel,), daemon=True).start()


def leave_with(sentinel: int) -> None:
    """End this process as soon as the one behind the sentinel has ended."""
    multiprocessing.connection.wait([sentinel])
    os._exit(1)


def run(
    scenarios: dict[str, Scenario], seed: int, todo: list[Task], workers: int, weekly: int, engine: str = "compiled"
) -> Generator[tuple[Task, Block], None, None]:
    """Run the tasks and give each block back as it is done, in no particular order: results do not depend on it. The compiled
    engine runs in threads, the reference engine in processes.

    A worker that dies (killed, out of memory) loses the blocks in flight; they are run again, and written off as failures if it
    keeps happening.
    """
    if workers == 1 or len(todo) == 1:
        for task in todo:
            yield task, run_task(scenarios[task.label], seed, task, weekly, engine)
        return
    for attempt in range(1, TRIES + 1):
        done: set[Task] = set()
        try:
            for task, block in in_pool(scenarios, seed, todo, workers, weekly, engine):
                done.add(task)
                yield task, block
            return
        except BrokenProcessPool:
            todo = [task for task in todo if task not in done]
            if attempt == TRIES:
                for task in todo:
                    lost = [
                        Failure(r, "WorkerLost: the process that ran it died") for r in range(task.first, task.first + task.count)
                    ]
                    yield task, Block(task.first, task.count, failures=lost)


def in_pool(
    scenarios: dict[str, Scenario], seed: int, todo: list[Task], workers: int, weekly: int, engine: str
) -> Generator[tuple[Task, Block], None, None]:
    """The tasks in a pool, a few in flight for each worker, so that memory does not grow with the study."""
    pool = pool_for(engine, min(workers, len(todo)))
    try:
        left = iter(todo)
        flying: dict[Future[Block], Task] = {}

        def launch(count: int) -> None:
            for task in islice(left, count):
                flying[pool.submit(run_task, scenarios[task.label], seed, task, weekly, engine)] = task

        launch(2 * workers)
        while flying:
            finished, _ = wait(flying, return_when=FIRST_COMPLETED)
            for future in finished:
                task = flying.pop(future)
                yield task, future.result()
            launch(2 * workers - len(flying))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def pool_for(engine: str, workers: int) -> Executor:
    """Threads for compiled code, which lets others run beside it; processes for plain Python."""
    if engine == "compiled":
        return ThreadPoolExecutor(max_workers=workers)
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(max_workers=workers, mp_context=context, initializer=begin_worker)


def prepare(scenario: Scenario, engine: str) -> None:
    """Compile the engine, or find it compiled, before there is a progress bar: it says so if it will take a while."""
    if engine == "compiled":
        engine_of(engine).prepare(scenario)


def cores() -> int:
    """How many cores this process may use."""
    affinity: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
