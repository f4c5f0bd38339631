"""The scenarios that are timed, the engines that run them, and what is compared: rows of outcomes, to the bit."""

from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.report import Missing, require
from experiments.choices import schedule_names
from experiments.composition import scenario as scenario
from sim.engines import reference
from sim.outcomes import OUTCOMES
from sim.scenario import Scenario

SEED = 20210407
INSTALL = "make benchmarks, or: pip install -r benchmarks/requirements.in"


def shipped() -> list[str]:
    """The names of all shipped schedules."""
    return schedule_names()


def optional(module: str, package: str = "") -> Any:
    """A package that need not be installed.

    Raises:
        Missing: one line that says how to install it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise Missing(f"{package or module} cannot be imported ({error}); {INSTALL}") from None


def compiled() -> Any:
    """The compiled engine, which has the reference's interface. Raises Missing."""
    return optional("sim.engines.compiled", "the compiled engine")


def run(engine: Any, of: Scenario, seed: int, first: int, count: int) -> np.ndarray:
    """Outcomes of a block, one row a replication."""
    return rows(engine.run_block(of, seed, first, count))


def rows(block: Any) -> np.ndarray:
    """A block's outcomes as doubles (exact for every count below 2^53), one row a replication, in the order of OUTCOMES.

    The one place that knows what a block holds. Raises CheckFailed if a replication failed or is not where it should be.
    """
    require(not block.failures, f"no replication may fail: {block.failures[:1]}")
    found = block.outcomes["replication"].tolist()
    values = np.column_stack([np.asarray(block.outcomes[outcome.name], dtype=float) for outcome in OUTCOMES])
    expected = list(range(block.first, block.first + block.count))
    require(found == expected, f"replications {block.first} to {expected[-1]}, each once and in order")
    return values


def single(of: Scenario, seed: int, replication: int) -> np.ndarray:
    """Outcomes of one replication of the reference engine."""
    return np.array(reference.replicate(of, seed, replication).outcomes, dtype=float)


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two tables of outcomes are equal to the bit."""
    return a.shape == b.shape and a.tobytes() == b.tobytes()


def require_same(a: np.ndarray, b: np.ndarray, what: str) -> None:
    """Raises CheckFailed, naming the first replication and outcome that differ."""
    if same(a, b):
        return
    require(a.shape == b.shape, f"{what}: {b.shape} values, not {a.shape}")
    replication, column = (int(k) for k in np.argwhere(a.view(np.int64) != b.view(np.int64))[0])
    one, other, name = float(a[replication, column]), float(b[replication, column]), OUTCOMES[column].name
    require(False, f"{what}: {name} of replication {replication} is {one!r} in one and {other!r} in the other")
