"""A small study, before and after; each test works in an empty folder of its own, with small blocks and segments."""

import shutil
from pathlib import Path

import pytest

from experiments import composition
from experiments.command import main
from sim.engines import compiled
from sim.studies import plan
from tests.damage.small import ASKED, SIZE, WORDS
from tests.processes import remembering, segments


@pytest.fixture(autouse=True)
def small(monkeypatch, folder, compiled_before) -> None:
    """Blocks and segments are small, so that there are several of them; and the same words are composed once."""
    monkeypatch.setitem(plan.SMALLEST, "compiled", SIZE)
    monkeypatch.setitem(plan.LARGEST, "compiled", SIZE)
    monkeypatch.setattr(composition.Composer, "compose", COMPOSE)


COMPOSE = remembering(composition.Composer.compose)


@pytest.fixture(scope="module")
def calm(tmp_path_factory, compiled_before) -> Path:
    """The results of a study to which nothing happens, in blocks of the usual size."""
    there = tmp_path_factory.mktemp("calm")
    assert main([*WORDS, f"results={there}"]) == 0
    return there


@pytest.fixture(scope="module")
def finished(tmp_path_factory, compiled_before) -> Path:
    """The results of the same study in small blocks, each a segment of its own."""
    there = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(plan.SMALLEST, "compiled", SIZE)
        patch.setitem(plan.LARGEST, "compiled", SIZE)
        assert main([*WORDS, f"results={there}"]) == 0
    assert len(segments(there)) == ASKED // SIZE
    return there


@pytest.fixture
def here(finished, folder) -> Path:
    """A copy of these, where the command looks for them."""
    shutil.copytree(finished, folder / "results")
    return folder / "results"


@pytest.fixture
def begun(monkeypatch) -> list[tuple[str, int, int]]:
    """Scenario, first and end of each block that is computed from now on."""
    found: list[tuple[str, int, int]] = []
    inner = compiled.run_block

    def run_block(scenario, seed, first, count, *more):
        found.append((scenario.identity, first, first + count))
        return inner(scenario, seed, first, count, *more)

    monkeypatch.setattr(compiled, "run_block", run_block)
    return found
