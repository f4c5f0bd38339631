"""What every executor has to do: serial, threads, processes, and the workers of a dask cluster. One contract for all."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from sim.engines import ENGINES, engine
from sim.engines.block import Block
from sim.studies import executors
from sim.studies.executors import ClusterLost, Crew, OtherMaker, Work, chosen, crew, run, uninterrupted, work_of
from sim.studies.plan import Task
from tests.deadly import Deadly
from tests.servers import Cluster, dask
from tests.worlds import SEED, scenario

SHORT = "horizon_days=60"
STAY, GO = scenario("open_ended", SHORT), scenario("rapid_6_months", SHORT)
WHO = [("serial", 1), *((name, workers) for name in ("threads", "processes") for workers in (1, 2, 8)), ("dask", 2)]
EITHER = [(*who, name) for who in WHO for name in ENGINES if name == "reference" or who[0] != "processes"]
APART = ["processes", "dask"]  # those whose workers are processes of their own, and may die


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    with dask(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture
def made(cluster) -> Iterator[Callable[..., Crew]]:
    """A function that makes crews and sees that they have been closed in the end."""
    open_crews: list[str] = []

    def make(name: str, workers: int = 2) -> Crew:
        team = crew(name, workers, cluster.address if name == "dask" else None)
        close, number = team.close, f"{name} {len(open_crews)}"
        open_crews.append(number)

        def closed() -> None:
            close()
            open_crews.remove(number)

        return replace(team, close=closed)

    yield make
    assert open_crews == []


def bundles(of: list[Any], engine: str, blocks: int = 3, each: int = 3, size: int = 2) -> list[Work]:
    """Blocks of scenarios, interleaved, several in a bundle; the first five replications keep their series."""
    by_identity = {one.identity: one for one in of}
    todo = [
        Task(identity, SEED, each * k, each, max(0, min(each, 5 - each * k))) for k in range(blocks) for identity in by_identity
    ]
    return [work_of(todo[k : k + size], by_identity, engine) for k in range(0, len(todo), size)]


def done_by(team: Crew, make: Callable[[], Crew], todo: list[Work]) -> dict[Task, Block | None]:
    """What comes back, each block once."""
    found: dict[Task, Block | None] = {}
    for done in run(team, make, todo):
        assert done
        for task, block in done:
            assert task not in found
            found[task] = block
    assert set(found) == {task for work in todo for task in work.tasks}
    return found


def told(block: Block | None) -> Any:
    """All that a block holds, floats with all of their digits, but for the time it took."""
    assert block is not None
    rows = (repr(block.outcomes.tolist()), repr(block.weeks.tolist()), block.outcomes.dtype, block.weeks.dtype)
    return (block.first, block.count, *rows, repr(block.failures), block.opportunities, block.saturated)


def here(work: Work) -> dict[Task, Any]:
    """The blocks of a bundle, by the engine itself."""
    block = engine(work.engine).run_block
    return {t: told(block(work.scenarios[t.scenario], t.seed, t.first, t.count, t.first + t.weekly)) for t in work.tasks}


def as_expected(found: dict[Task, Block | None], todo: list[Work]) -> None:
    assert {task: told(block) for task, block in found.items()} == {k: v for work in todo for k, v in here(work).items()}


# -- what comes back -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("executor", "workers", "name"), EITHER)
def test_all_blocks_come_back_as_the_engine_makes_them_to_the_bit(executor, workers, name, made):
    todo = bundles([STAY, GO], name, blocks=4)
    as_expected(done_by(made(executor, workers), lambda: made(executor, workers), todo), todo)


def broken(identity: str) -> Any:
    """A scenario, as the engines read one, with a divisor that is zero: some replications fail."""
    of = scenario("open_ended", "horizon_days=150")
    record = {part: dict(values) if isinstance(values, dict) else values for part, values in of.record.items()}
    record["militias"]["spell"] = 0.0
    return SimpleNamespace(groups=of.groups, horizon_days=of.horizon_days, record=record, identity=identity)


@pytest.mark.parametrize(("executor", "workers", "name"), [who for who in EITHER if who[1] == 2 or who[0] == "serial"])
def test_replications_that_fail_come_back_as_failures_and_the_others_beside_them(executor, workers, name, made):
    todo = bundles([broken("broken"), STAY], name, blocks=2, each=8)
    found = done_by(made(executor, workers), lambda: made(executor, workers), todo)
    as_expected(found, todo)
    failed = [failure for block in found.values() if block for failure in block.failures]
    assert 0 < len(failed) < 16
    assert all("ZeroDivisionError" in failure.message and failure.activity for failure in failed)


# -- workers that die ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("executor", APART)
def test_a_bundle_whose_worker_dies_is_done_again(executor, made, tmp_path):
    todo = bundles([STAY, Deadly(STAY, tmp_path / "deaths", 1), GO], "reference", size=3)
    found = done_by(made(executor), lambda: made(executor), todo)
    assert (tmp_path / "deaths").read_bytes() == b"x"
    as_expected(found, todo)


@pytest.mark.parametrize("executor", APART)
def test_a_block_that_always_kills_its_worker_is_written_off_and_no_other(executor, made, tmp_path):
    deadly = Deadly(STAY, tmp_path / "deaths", 1000)
    last = Task("deadly", SEED, 0, 3, 0)
    todo = bundles([STAY, GO], "reference", blocks=4)
    scenarios: dict[str, Any] = {**todo[0].scenarios, "deadly": deadly}
    todo[1] = replace(todo[1], tasks=(todo[1].tasks[0], last, todo[1].tasks[1]), scenarios=scenarios)  # amid sound ones
    found = done_by(made(executor), lambda: made(executor), todo)
    assert found.pop(last) is None
    assert len((tmp_path / "deaths").read_bytes()) == executors.TRIES
    todo[1] = replace(todo[1], tasks=(todo[1].tasks[0], todo[1].tasks[2]))
    as_expected(found, todo)


# -- other code ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("executor", ["serial", "threads", "processes", "dask"])
def test_work_of_another_maker_is_refused_with_the_name_of_the_field(executor, made):
    good, bad = bundles([STAY], "reference", blocks=2, size=1)
    bad = replace(bad, maker={**bad.maker, "numpy": "0.9"})
    running = run(made(executor, 1), lambda: made(executor, 1), [good, bad])
    found, said = until_it_raises(running, OtherMaker)
    assert re.fullmatch(r"numpy: \S+ there, 0\.9 here", said)
    assert found in ([], list(good.tasks))
    if executor != "dask":  # there it is one bundle at a time, and so the first is done
        assert found


# -- crews made of nothing, for what cannot be timed ---------------------------------------------------------------------
class Scripted(Executor):
    """An executor that gives each call the next future of a script; one that is an error is raised at once."""

    def __init__(self, *script: Any) -> None:
        self.script, self.calls = list(script), []

    def submit(self, fn, /, *args, **kwargs):
        self.calls.append(args[0])
        found = self.script.pop(0)
        if isinstance(found, BaseException):
            raise found
        return found


class Gone(Exception):
    """The cluster is not there any more."""


def block_of(work: Work) -> Future:
    future: Future = Future()
    future.set_result([Block(task.first, task.count) for task in work.tasks])
    return future


def fails(error: BaseException) -> Future:
    future: Future = Future()
    future.set_exception(error)
    return future


class Teams:
    """Crews of scripts, in the order they are asked for, and which of them have been closed."""

    def __init__(self, *scripts: Scripted, slots: int = 4, alive: Callable[[], None] = lambda: None) -> None:
        self.scripts, self.slots, self.alive = list(scripts), slots, alive
        self.made = self.closed = 0

    def make(self) -> Crew:
        self.made += 1

        def close() -> None:
            self.closed += 1

        return Crew(self.scripts[self.made - 1], self.slots, close, self.alive, gone=(Gone,))

    def run(self, todo: list[Work]) -> Iterator[Any]:
        return run(self.make(), self.make, todo)


def some(count: int) -> list[Work]:
    return bundles([STAY], "reference", blocks=count, size=1)


def until_it_raises(running: Iterator[Any], error: type[BaseException]) -> tuple[list[Task], str]:
    """The tasks that came back before, and what it said."""
    found: list[Task] = []
    try:
        for done in running:
            found += [task for task, _ in done]
    except error as raised:
        return found, str(raised)
    raise AssertionError("nothing was raised")


def test_a_crew_that_is_broken_is_closed_and_another_one_made():
    todo = some(3)
    again = Scripted(*map(block_of, todo))
    teams = Teams(Scripted(*(fails(BrokenProcessPool()) for _ in todo)), again)
    assert [task.first for done in teams.run(todo) for task, _ in done] == [0, 3, 6]
    assert (teams.made, teams.closed) == (2, 2)
    assert again.calls == todo


def test_a_crew_that_breaks_while_work_is_given_out_is_closed_and_another_one_made():
    todo = some(2)
    teams = Teams(Scripted(block_of(todo[0]), BrokenProcessPool()), Scripted(block_of(todo[1])))
    assert [task.first for done in teams.run(todo) for task, _ in done] == [0, 3]
    assert (teams.made, teams.closed) == (2, 2)


def test_after_a_death_what_was_in_flight_goes_out_one_at_a_time():
    todo = some(3)
    waiting: list[Future] = [Future() for _ in range(2)]
    second = Scripted(block_of(todo[0]), block_of(todo[1]), block_of(todo[2]))
    seen = []
    submit = second.submit

    def watched(fn, /, *args, **kwargs):
        seen.append(len(second.calls))
        return submit(fn, *args, **kwargs)

    second.submit = watched
    teams = Teams(Scripted(fails(BrokenProcessPool()), *waiting), second)
    running = teams.run(todo)
    for k in range(3):
        assert [task for task, _ in next(running)] == list(todo[k].tasks)
        assert seen == list(range(k + 1))


@pytest.mark.parametrize("error", [OtherMaker("numpy: 1 there, 2 here"), ZeroDivisionError("a bug")])
def test_what_was_done_is_given_before_an_error_ends_the_work(error):
    todo = some(3)
    teams = Teams(Scripted(block_of(todo[0]), fails(error), block_of(todo[2])))
    found, said = until_it_raises(teams.run(todo), type(error))
    assert {task.first for task in found} == {0, 6}
    assert said == str(error)
    assert (teams.made, teams.closed) == (1, 1)


def test_what_was_done_is_given_before_a_cluster_is_told_lost():
    todo = some(3)
    teams = Teams(Scripted(block_of(todo[0]), fails(Gone()), block_of(todo[2])))
    found, said = until_it_raises(teams.run(todo), ClusterLost)
    assert {task.first for task in found} == {0, 6}
    assert said == "its scheduler does not answer any more"
    assert teams.closed == 1


def lost() -> None:
    raise ClusterLost("all its workers have gone")


def test_a_cluster_that_is_lost_while_work_is_given_out_is_told():
    todo = some(3)
    teams = Teams(Scripted(block_of(todo[0]), Gone(), Gone()), alive=lost)
    found, said = until_it_raises(teams.run(todo), ClusterLost)
    assert [task.first for task in found] == [0]
    assert said == "all its workers have gone"
    assert teams.closed == 1


def test_a_crew_from_which_nothing_comes_is_asked_whether_it_is_there(monkeypatch):
    monkeypatch.setattr(executors, "LOOK", 0.01)
    todo = some(2)
    teams = Teams(Scripted(block_of(todo[0]), Future()), alive=lost)
    found, said = until_it_raises(teams.run(todo), ClusterLost)
    assert [task.first for task in found] == [0]
    assert said == "all its workers have gone"


def test_a_crew_is_closed_when_whoever_asked_for_the_work_stops():
    todo = some(3)
    teams = Teams(Scripted(*map(block_of, todo[:1])), slots=1)
    running = teams.run(todo)
    next(running)
    running.close()
    assert (teams.made, teams.closed) == (1, 1)


def test_few_bundles_are_in_flight_however_many_there_are():
    todo = bundles([STAY], "reference", blocks=60, each=1, size=1)
    flying: list[int] = []

    class Counting(ThreadPoolExecutor):
        def submit(self, fn, /, *args, **kwargs):
            flying.append(len([future for future in futures if not future.done()]) + 1)
            futures.append(super().submit(fn, *args, **kwargs))
            return futures[-1]

    futures: list[Future] = []
    pool = Counting(max_workers=2)
    found = [task for done in run(Crew(pool, 2, pool.shutdown), lambda: crew("serial", 1), todo) for task, _ in done]
    assert len(found) == 60
    assert max(flying) <= 4


# -- which it is ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("executor", "name", "workers", "expected"),
    [
        ("auto", "compiled", 1, "serial"),
        ("auto", "reference", 1, "serial"),
        ("auto", "compiled", 2, "threads"),
        ("auto", "reference", 2, "processes"),
        ("processes", "compiled", 1, "processes"),
        ("dask", "compiled", 1, "dask"),
    ],
)
def test_auto_stands_for_what_suits_the_engine(executor, name, workers, expected):
    assert chosen(executor, name, workers) == expected


def test_a_cluster_has_as_many_slots_as_its_workers_have_threads(made):
    team = made("dask")
    assert team.slots == 2
    team.alive()
    team.close()


def test_ctrl_c_waits_while_a_worker_is_started_and_does_not_reach_it_before_it_is_ready():
    mask = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    started: list[str] = []

    def start() -> None:
        with uninterrupted():
            os.kill(os.getpid(), signal.SIGINT)
            done = subprocess.run([sys.executable, "-c", mask], capture_output=True, text=True, check=True)
            started.append(done.stdout.strip())

    with pytest.raises(KeyboardInterrupt):
        start()
    assert started == ["True"]  # whole, and blocked there
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
