"""The compiled engine against the reference engine, against a program in C, and on two threads against one."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from shutil import which
from typing import Any

import numpy as np

from benchmarks import cases, starting
from benchmarks.report import Missing, Section, Table
from benchmarks.timing import Spread, in_turns, number, wall
from sim.engines import reference
from sim.scenario import Scenario

WORDS = (
    "The same replications by each engine, on one thread each, in processor time. Outcomes are compared as 64-bit patterns "
    "after every single run. A ratio above 1 means that the second engine named is faster."
)
C_WORDS = (
    "The same replications by the compiled engine and by a program in C that gcc makes of the same rules, on one thread each, "
    "in processor time. A ratio above 1 means that the compiled engine takes longer: the C program is a yardstick, and may win."
)
HEADS = ("case", "replications", "reference, ms each", "compiled, ms each", "ratio, median (range)", "rounds")
C_HEADS = ("case", "replications", "compiled, ms each", "C, ms each", "ratio, median (range)", "rounds")


def measure(quick: bool) -> Section:
    """Reference against compiled, two threads against one, and what starting costs. Raises CheckFailed, Missing."""
    compiled = cases.compiled()
    section = Section("Engines", WORDS)
    table = Table("One thread", HEADS)
    rounds, alone, each = (2, 6, 1) if quick else (7, 60, 5)
    names = cases.shipped()
    found = []
    for what, schedules, count in (
        ("open_ended, three years", ["open_ended"], alone),
        (f"all {len(names)} schedules", names, each),
    ):
        scenarios = [(name, cases.scenario(name)) for name in schedules]
        ours = partial(of_all, partial(cases.run, compiled), scenarios, count)
        theirs = partial(of_all, partial(cases.run, reference), scenarios, count)
        total = count * len(scenarios)
        found.append(compare(table, what, total, ("reference", theirs), ("compiled", ours), rounds))
    section.tables.append(table)
    section.checks.append(
        f"reference and compiled gave the same outcomes to the bit: {alone} replications of open_ended and {each} of each "
        "shipped schedule, in every round"
    )
    section.short.append(f"On one thread the reference engine takes {found[0].ratio} times as long as the compiled one.")
    threads(section, compiled, quick)
    starting.measure(section, found[0].gain, quick)
    return section


def measure_c(quick: bool) -> Section:
    """Compiled against C. Raises CheckFailed, Missing."""
    compiled = cases.compiled()
    if which("gcc") is None:
        raise Missing("gcc cannot be found; install it (apt install gcc, or the like)")
    program = cases.optional("benchmarks.c_program", "the C program")
    section = Section("C program", C_WORDS)
    table = Table("One thread", C_HEADS)
    rounds, count = (2, 100) if quick else (9, 400)
    names = ["open_ended"] if quick else ["open_ended", "conditions_based", "rapid_6_months", "exit_and_return"]
    for name in names:
        scenario = [(name, cases.scenario(name))]
        ours = partial(of_all, partial(cases.run, compiled), scenario, count)
        c = partial(of_all, partial(c_rows, program), scenario, count)
        ratio = compare(table, f"{name}, three years", count, ("compiled", ours), ("C", c), rounds).ratio
        section.short.append(f"{name}: the compiled engine takes {ratio} times as long as C.")
    section.tables.append(table)
    section.checks.append(
        f"compiled and C gave the same outcomes to the bit: {count} replications of {', '.join(names)}, in every round"
    )
    return section


def c_rows(program: Any, of: Scenario, seed: int, first: int, count: int) -> np.ndarray:
    """Outcomes of a block by the C program. Raises Missing if gcc is not there or refuses."""
    try:
        return np.ascontiguousarray(program.run(of, seed, first, count).outcomes, dtype=float)
    except program.NoCompiler as why:
        raise Missing(" ".join(str(why).split("\n")[:1])) from None


def of_all(
    run: Callable[[Scenario, int, int, int], np.ndarray], scenarios: Iterable[tuple[str, Scenario]], count: int
) -> np.ndarray:
    """The first replications of each scenario, in one table."""
    return np.concatenate([run(scenario, cases.SEED, 0, count) for _, scenario in scenarios])


@dataclass(frozen=True)
class Found:
    """Seconds a replication that the second engine saves, and the ratio of the two."""

    gain: float
    ratio: Spread


def compare(
    table: Table,
    what: str,
    count: int,
    slow: tuple[str, Callable[[], np.ndarray]],
    fast: tuple[str, Callable[[], np.ndarray]],
    rounds: int,
) -> Found:
    """Two engines on the same replications, as a row.

    Raises:
        CheckFailed: if they differ by a bit, in any round.
    """
    right = fast[1]()

    def check(name: str, found: np.ndarray) -> None:
        cases.require_same(found, right, f"{what}, {name} against {fast[0]}")

    measured = in_turns(dict((slow, fast)), rounds, check)
    one, other = (measured.of(name, 1 / count).median for name in (slow[0], fast[0]))
    ratio = measured.ratio(slow[0], fast[0])
    table.rows.append((what, str(count), number(1000 * one), number(1000 * other), str(ratio), str(rounds)))
    return Found(one - other, ratio)


def threads(section: Section, compiled: Any, quick: bool) -> None:
    """Two threads against one, in wall time. Raises CheckFailed."""
    rounds, count = (3, 200) if quick else (9, 2000)
    scenario = cases.scenario()
    right = cases.run(compiled, scenario, cases.SEED, 0, count)

    def check(name: str, found: np.ndarray) -> None:
        cases.require_same(found, right, f"{name} against one block")

    measured = in_turns(
        {f"{n} threads": partial(in_threads, compiled, scenario, cases.SEED, count, n) for n in (1, 2)}, rounds, check, wall
    )
    table = Table("Two threads against one, wall time", ("case", "replications", "ratio, median (range)", "rounds"))
    ratio = measured.ratio("1 threads", "2 threads")
    table.rows.append(("open_ended, three years", str(count), str(ratio), str(rounds)))
    section.short.append(f"Two threads do in one second what takes one thread {ratio} seconds.")
    table.notes.append("2 would be perfect, on two cores that nobody else uses; at 1 the second thread brings nothing.")
    section.tables.append(table)
    section.checks.append(f"one thread and two gave the same {count} replications to the bit, in every round")


def in_threads(engine: Any, of: Scenario, seed: int, count: int, number_of_threads: int) -> np.ndarray:
    """Replications 0 to count - 1, shared out among threads in blocks, a few for each, as the slowest is waited for."""
    size = max(1, -(-count // (4 * number_of_threads)))
    blocks = [(first, min(size, count - first)) for first in range(0, count, size)]
    with ThreadPoolExecutor(number_of_threads) as pool:
        return np.concatenate(list(pool.map(lambda block: cases.run(engine, of, seed, *block), blocks)))
