"""What a study costs beyond its simulation: composing thousands of scenarios, blocks, tables, and the start of Python."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import cases
from benchmarks.report import Section, Table, require
from benchmarks.timing import Rounds, in_turns, wall
from experiments.composition import composer
from experiments.settings import split
from sim.engines.block import Block
from sim.outcomes import OUTCOMES
from sim.scenario import Scenario, declared_parameters, read_scenario
from sim.studies.design import Axis, points, with_values
from sim.studies.executors import cores

VARIED = ("militias.restraint", "militias.lethality", "isis.dependence")
REPLICATIONS = 50
WORDS = (
    "`posture sweep` of many scenarios with few replications each, from the command line into an empty folder, against the same "
    "blocks computed by as many threads and thrown away, the scenarios being there already. Wall time, in turns. The study also "
    "starts Python, composes and validates each scenario, writes every block to the disk and syncs it, merges them, writes its "
    "tables and summary, and prints them."
)
HEADS = ("what", "wall time, median (range)")


def measure(quick: bool) -> Section:
    """Raises CheckFailed."""
    size = 40 if quick else 2000
    ranges = {p.key: (p.low, p.high) for p in declared_parameters()}
    axes = [Axis(key, *ranges[key]) for key in VARIED]
    base = split(composer().compose([]))[0]
    scenarios = [
        read_scenario(with_values(base, dict(zip(VARIED, point, strict=True))))
        for point in points("latin_hypercube", size, axes, 1)
    ]
    cases.compiled().prepare(scenarios[0])
    right = np.concatenate([cases.rows(block) for block in simulated(scenarios)])
    section = Section("Overhead", WORDS)
    with TemporaryDirectory() as place:
        numbers = count()

        def check(name: str, result: list[Block] | Path) -> None:
            if isinstance(result, Path):
                table = pd.read_parquet(result / "studies/design/outcomes.parquet")
                made = np.column_stack([table[outcome.name].to_numpy(dtype=float) for outcome in OUTCOMES])
                files = sum(path.is_file() for path in result.rglob("*"))
                require(files < 200, f"fewer than 200 files, found {files}")
                found[0] = files
            else:
                made = np.concatenate([cases.rows(block) for block in result])
            cases.require_same(made, right, f"outcomes of {name}")

        found = [0]
        rounds = 1 if quick else 3
        seconds: dict[str, list[float]] = {"simulation": [], "study": []}  # of processor time
        contenders = {
            "simulation": lambda: timed(seconds["simulation"], lambda: simulated(scenarios)),
            "study": lambda: timed(seconds["study"], lambda: study(Path(place) / str(next(numbers)), size)),
        }
        measured = in_turns(contenders, rounds, check, wall)
    busy = Rounds({name: found[1:] for name, found in seconds.items()})  # the first round warms up
    ratio = measured.ratio("study", "simulation")
    section.tables.append(
        Table(
            f"{size:,} scenarios x {REPLICATIONS} replications of three years, {cores()} threads, {rounds} rounds",
            HEADS,
            [
                ("the simulation alone", f"{measured.of('simulation')} s"),
                ("`posture sweep`, a process of its own, until it has ended", f"{measured.of('study')} s"),
                ("study over simulation", str(ratio)),
                ("the same in processor time", str(busy.ratio("study", "simulation"))),
            ],
        )
    )
    section.short.append(
        f"A study of {size:,} scenarios with {REPLICATIONS} replications each takes {percent(ratio.median)} "
        f"({percent(ratio.low)} to {percent(ratio.high)}) longer than its simulation, and leaves {found[0]} files; in processor "
        f"time it takes {percent(busy.ratio('study', 'simulation').median)} more. The difference is what only one core can do: "
        "starting Python, composing the scenarios, and the tables at the end."
    )
    section.checks.append("every outcome of the study is that of the simulation alone, to the bit")
    return section


def timed(seconds: list[float], work: Callable[[], Any]) -> Any:
    """Do it, and note the processor time that it took, in this process and in those it started."""
    before = os.times()
    result = work()
    after = os.times()
    seconds.append(sum(after[:4]) - sum(before[:4]))
    return result


def percent(ratio: float) -> str:
    return f"{100 * (ratio - 1):.1f} %"


def simulated(scenarios: list[Scenario]) -> list[Block]:
    """The blocks alone, by as many threads as there are cores."""
    with ThreadPoolExecutor(cores()) as pool:
        return list(pool.map(lambda scenario: cases.compiled().run_block(scenario, cases.SEED, 0, REPLICATIONS), scenarios))


def study(place: Path, size: int) -> Path:
    """The same as a study, by the command line; where its results lie."""
    words = ["sweep", f"over=[{','.join(VARIED)}]", f"points={size}", "name=design", f"seed={cases.SEED}", f"results={place}"]
    command = [sys.executable, "-m", "experiments.command", *words, f"replications={REPLICATIONS}", "weekly=0"]
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=600, check=False)
    require(done.returncode == 0, f"posture sweep: {done.stderr}")
    return place
