"""Who computes the blocks: this thread, threads, processes, or the workers of a dask cluster. Results do not depend on it.

A crew is an executor of Python's own protocol (concurrent.futures.Executor) and how many calls it works on at once. A worker that
is lost takes the bundles in flight with it; they are given out again.
"""

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sim.engines import engine as engine_of
from sim.engines.block import Block
from sim.scenario import Scenario
from sim.studies.maker import differing, maker
from sim.studies.plan import Task

EXECUTORS = ("auto", "serial", "threads", "processes", "dask")
TRIES = 3  # how often a block is given to a worker that dies before it is written off
LOOK = 2.0  # seconds without a result after which a crew is asked whether it is still there


class OtherMaker(Exception):
    """A worker would compute with other code, libraries or mathematics than the study's."""


class ClusterLost(Exception):
    """The scheduler of a cluster is not there, or is there no longer."""


@dataclass(frozen=True)
class Work:
    """A bundle of blocks and all that is needed to compute them, anywhere."""

    tasks: tuple[Task, ...]
    scenarios: dict[str, Scenario]
    engine: str
    maker: dict[str, str]


@dataclass
class Crew:
    """An executor, how many calls it works on at once, and how it is left.

    alive: raises ClusterLost if it has been lost meanwhile. lost, gone: errors of a call whose worker, or whose cluster, was.
    """

    executor: Executor
    slots: int
    close: Callable[[], None]
    alive: Callable[[], None] = lambda: None
    lost: tuple[type[BaseException], ...] = ()
    gone: tuple[type[BaseException], ...] = ()


class Serial(Executor):
    """Everything in the thread that asks, at once."""

    def submit(self, fn, /, *args, **kwargs):  # the protocol's own signature
        future: Future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def work_of(bundle: Sequence[Task], scenarios: dict[str, Scenario], engine: str) -> Work:
    return Work(tuple(bundle), {task.scenario: scenarios[task.scenario] for task in bundle}, engine, maker())


def compute(work: Work) -> list[Block]:
    """The blocks of a bundle, in a worker.

    Raises:
        OtherMaker: if this worker's results would not be the study's.
    """
    if others := differing(maker(), work.maker):
        raise OtherMaker("; ".join(others))
    prepare(next(iter(work.scenarios.values())), work.engine)  # a worker's first call loads it, which is no block's time
    run_block = engine_of(work.engine).run_block
    return [run_block(work.scenarios[t.scenario], t.seed, t.first, t.count, t.first + t.weekly) for t in work.tasks]


def chosen(executor: str, engine: str, workers: int) -> str:
    """What `auto` stands for: threads for compiled code, which lets others run beside it; processes for plain Python."""
    if executor != "auto":
        return executor
    return "serial" if workers == 1 else "threads" if engine == "compiled" else "processes"


def crew(executor: str, workers: int, address: str | None = None) -> Crew:
    """The crew of that name (not auto), with so many workers; a cluster, which is at the address, has its own.

    Raises:
        ClusterLost: if there is no cluster at the address.
    """
    if executor == "serial":
        return Crew(Serial(), 1, lambda: None)
    if executor == "threads":
        threads = ThreadPoolExecutor(max_workers=workers)
        return Crew(threads, workers, lambda: threads.shutdown(wait=False, cancel_futures=True))
    if executor == "processes":
        context = multiprocessing.get_context("spawn")
        processes = ProcessPoolExecutor(max_workers=workers, mp_context=context, initializer=begin_worker)
        return Crew(processes, workers, lambda: processes.shutdown(wait=False, cancel_futures=True))
    from sim.studies.cluster import dask_crew

    return dask_crew(address or "")


Done = tuple[Task, Block | None]


def run(team: Crew, make: Callable[[], Crew], todo: Sequence[Work]) -> Generator[list[Done], None, None]:
    """Compute the bundles and give the blocks back as they are done, in no particular order, those done together at once.

    A few bundles are in flight for each worker, so that memory does not grow with the study. Where a worker dies, the blocks that
    were in flight are given out again, one at a time, so that the one at fault is found: it is written off (None in place of the
    block), and only it.

    Args:
        team: closed at the end. make: another one in its place, where it can no longer be used.
    Raises:
        OtherMaker, ClusterLost
    """
    queue = deque((work, 1) for work in todo)
    flying: dict[Future, tuple[Work, int]] = {}
    try:
        while queue or flying:
            broken = launch(team, queue, flying)
            finished, _ = wait(flying, timeout=0.0 if broken else LOOK, return_when=FIRST_COMPLETED)
            if not finished and not broken:
                team.alive()
            done: list[Done] = []
            again: list[tuple[Work, int]] = []
            end: Exception | None = None
            for future in [one for one in flying if broken or one in finished]:
                work, attempt = flying.pop(future)
                try:
                    done += zip(work.tasks, future.result(), strict=True)
                except BrokenProcessPool:
                    broken = True
                    again.append((work, attempt))
                except team.lost:
                    again.append((work, attempt))
                except team.gone as error:
                    end = ClusterLost(str(error).partition("\n")[0] or "its scheduler does not answer any more")
                except Exception as error:
                    end = error
            if broken:  # the pool is of no use any more, and whatever was in flight is lost
                again += flying.values()
                flying.clear()
                team.close()
                team = make()
            for work, attempt in reversed(again):
                if attempt == TRIES:
                    done += [(task, None) for task in work.tasks]
                else:
                    queue.extendleft((replace(work, tasks=(task,)), attempt + 1) for task in reversed(work.tasks))
            if done:  # also before the end
                yield done
            if end is not None:
                raise end
    finally:
        team.close()


def launch(team: Crew, queue: deque[tuple[Work, int]], flying: dict[Future, tuple[Work, int]]) -> bool:
    """Give out work, as much as the crew has use for; a block that was lost before goes alone. Whether the pool is broken."""
    most = 1 if team.slots == 1 else 2 * team.slots
    while queue and len(flying) < most:
        again = queue[0][1] > 1
        if flying and (again or any(attempt > 1 for _, attempt in flying.values())):
            break
        work, attempt = queue.popleft()
        try:
            with uninterrupted():
                flying[team.executor.submit(compute, work)] = (work, attempt)
        except (BrokenProcessPool, *team.gone) as error:
            queue.appendleft((work, attempt))
            return isinstance(error, BrokenProcessPool)
    return False


@contextmanager
def uninterrupted() -> Generator[None]:
    """Ctrl-C waits until the end of this, so that it is done whole: a worker process is started with all it needs to begin.

    It is blocked as well, and stays so in a process that is started here: none can come before begin_worker ignores it.
    """
    if threading.current_thread() is not threading.main_thread():  # only there it interrupts
        yield
        return
    came: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)  # what was held back comes now
        signal.signal(signal.SIGINT, handler)
        if came:
            signal.raise_signal(signal.SIGINT)


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


def prepare(scenario: Scenario, engine: str) -> None:
    """Compile the engine, or find it compiled, before there is a progress bar: it says so if it will take a while."""
    if engine == "compiled":
        engine_of(engine).prepare(scenario)


def cores() -> int:
    """How many cores this process may use."""
    affinity: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
