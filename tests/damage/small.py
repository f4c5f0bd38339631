"""The small study that the tests of this folder damage, and what they look for afterwards."""

import os
from pathlib import Path

from experiments.command import main
from sim.studies.place import place
from sim.studies.store import Store
from tests.processes import TWO, manifest, tables

FULL = "cannot be written to: No space left on device"
WORDS = ["compare", TWO, "replications=240", "weekly=30", "horizon_days=60", "workers=1", "seed=5", "figures=false", "name=mine"]
SIZE, ASKED = 40, 480  # replications of a block here, and of the study
OUTCOMES, WEEKLY, INDEX = "outcomes", "weekly", "index"


def stored_blocks(results: str | Path = "results") -> list[tuple[str, int, int]]:
    """Scenario, first and end of each block of a store, all of which are found to be what was written."""
    found = Store(place(str(results)))
    found.refresh()
    assert not found.unreadable
    for entry in found.entries():
        for name in (OUTCOMES, WEEKLY):
            found.rows(entry, name, check=True)
    found.forget()
    return [(entry.scenario, entry.first, entry.end) for entry in found.entries()]


def replications(blocks: list[tuple[str, int, int]]) -> set[tuple[str, int]]:
    return {(scenario, r) for scenario, first, end in blocks for r in range(first, end)}


def same_again(calm: Path, begun: list, capsys) -> None:
    """The command has its tables as ever, and once more: then it has nothing to say and nothing to compute."""
    assert tables() == tables(results=calm)
    begun.clear()
    capsys.readouterr()
    assert main(WORDS) == 0
    assert capsys.readouterr().err == ""
    assert begun == []
    assert tables() == tables(results=calm)
    assert manifest()["complete"]


def cut(path: Path) -> None:
    """Take the last third of a file off."""
    os.truncate(path, path.stat().st_size * 2 // 3)
