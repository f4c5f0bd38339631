"""What one has to wait for before the first replication: where the compiled engine loses."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import cases
from benchmarks.report import Section, Table, require
from benchmarks.timing import Spread, duration, in_turns, wall
from sim.engines.build import VARIABLE

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = """
from importlib import import_module
from benchmarks import cases
engine = import_module("sim.engines.{engine}")
print(cases.run(engine, cases.scenario(), cases.SEED, 0, 1).tobytes().hex())
"""
ENGINES = {"reference": "reference", "compiled": "compiled, its machine code kept from an earlier run"}
HEADS = ("engine", "wall time to the first replication, in a fresh process: median (range)")


def measure(section: Section, gain: float, quick: bool) -> None:
    """Fresh processes, in turns; once also with nothing kept, so that the engine has to be compiled.

    Args:
        gain: seconds a replication that the compiled engine saves.
    Raises:
        CheckFailed
    """
    right = cases.single(cases.scenario(), cases.SEED, 0).tobytes().hex()

    def check(name: str, found: str) -> None:
        require(found == right, f"the first replication of a fresh process, {name}: not the expected outcomes")

    rounds = 1 if quick else 5
    measured = in_turns({name: partial(fresh, name) for name in ENGINES}, rounds, check, wall)
    table = Table(f"The first replication, {rounds} rounds", HEADS)
    table.rows += [(words, told(measured.of(name))) for name, words in ENGINES.items()]
    if not quick:
        with TemporaryDirectory() as empty:
            began = wall()
            check("compiled anew", fresh("compiled", empty))
            table.rows.append(("compiled, with nothing kept: it compiles first (measured once)", duration(wall() - began)))
    later = measured.of("compiled").median - measured.of("reference").median
    if gain <= 0:
        section.short.append("The compiled engine is not faster, however many replications there are.")
    elif later > 0:
        section.short.append(
            f"With its code kept, the compiled engine starts {duration(later)} later and has caught up after about "
            f"{max(1, round(later / gain))} replications of three years; for fewer, the reference engine is done first."
        )
    section.tables.append(table)
    section.checks.append("the first replication of a fresh process is the same with either engine, to the bit")


def fresh(engine: str, cache: str = "") -> str:
    """The first replication's outcomes, as a fresh Python process prints them. cache: another folder for code."""
    environment = {**os.environ, **({VARIABLE: cache} if cache else {})}
    program = [sys.executable, "-c", PROGRAM.format(engine=engine)]
    done = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900, check=False)
    require(done.returncode == 0, f"a fresh process, {engine}: {(done.stderr.strip().splitlines() or ['it failed'])[-1]}")
    return done.stdout.strip()


def told(found: Spread) -> str:
    return f"{duration(found.median)} ({duration(found.low)} to {duration(found.high)})"
