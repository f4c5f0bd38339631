"""The tests find each other and the model in the tree they lie in, however pytest is started; and the engine is compiled once."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
MADE: list[str] = []


def pytest_configure(config: Any) -> None:
    """Where the user's cache folder cannot be used, keep the compiled engine in one for this run: many tests start a process of
    their own, and each would compile."""
    from sim.engines.build import VARIABLE, Engine, folder

    if hasattr(config, "workerinput"):
        return  # a worker of xdist has the environment of its parent
    try:
        folder(Engine().dispatch.text)
    except OSError:
        MADE.append(tempfile.mkdtemp(prefix="posture-"))
        os.environ[VARIABLE] = MADE[0]


def pytest_unconfigure(config: Any) -> None:
    for place in MADE:
        shutil.rmtree(place, ignore_errors=True)


# -- for tests of commands; none of them is used unless it is asked for ------------------------------------------------
@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in; what a command sets for its process is put back."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(sys, "argv", ["posture"])
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    return tmp_path / "here"


@pytest.fixture(scope="session")
def compiled_before() -> None:
    """On a machine that has never run the model the first command says that it compiles; no test is to be that first."""
    from experiments.composition import scenario
    from sim.engines import compiled

    compiled.prepare(scenario())


@pytest.fixture(scope="session")
def comparison(tmp_path_factory: pytest.TempPathFactory, compiled_before: None) -> tuple[Path, CompletedProcess]:
    """The folder in which the command made a small comparison, and what it printed."""
    from tests.processes import COMPARE, posture

    place = tmp_path_factory.mktemp("comparison")
    return place, posture(*COMPARE, cwd=place)


@pytest.fixture
def results(comparison: tuple[Path, CompletedProcess], folder: Path) -> Path:
    """A copy of that comparison's results."""
    shutil.copytree(comparison[0] / "results", folder / "results")
    return folder / "results"


@pytest.fixture
def failing() -> Any:
    """A function that makes replications fail until it is called again: those of which `fails(schedule, replication)`, under the
    reference engine in this process."""
    from sim.engines import reference

    right = reference.replicate

    def fail(fails: Callable[[str, int], bool] | None) -> None:
        def replicate(scenario, seed, replication, **more):
            if fails is not None and fails(scenario.schedule.name, replication):
                error = ZeroDivisionError("float division by zero")
                vars(error)["place"] = (41.5, "isis/tempo")
                raise error
            return right(scenario, seed, replication, **more)

        reference.replicate = right if fails is None else replicate

    yield fail
    fail(None)


@pytest.fixture(scope="session")
def judged(comparison: tuple[Path, CompletedProcess], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a small comparison that has every table, reported."""
    from tests import reports

    reports.judged(comparison[0], results := tmp_path_factory.mktemp("judged") / "results")
    return results


@pytest.fixture(scope="session")
def reported(judged: Path) -> Path:
    """The report of that comparison."""
    return judged / "studies/mine/report.html"


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory, compiled_before: None) -> Path:
    """The report of a comparison with a schedule whose every text attacks the page that shows it."""
    from tests import reports

    return reports.hostile(tmp_path_factory.mktemp("hostile"))
