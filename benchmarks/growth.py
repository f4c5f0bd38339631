"""How time grows with what one asks for: straight lines through measured points, and how far from straight they are."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from benchmarks import cases
from benchmarks.report import Missing, Section, Table
from benchmarks.timing import in_turns, number, spread
from sim.engines import reference
from sim.scenario import Scenario

WORDS = (
    "Processor time on one thread at several sizes, in turns. Through each round's points goes a least-squares line; the slope "
    "is the median over the rounds, with its range. R² and the largest residual (in percent of the line there) are of the "
    "points' medians: they say whether a line describes them at all."
)
HEADS = ("grows with", "engine", "points", "slope, median (range)", "at no size", "R²", "largest residual", "rounds")
POINT_HEADS = ("grows with", "engine", "ms at each point, medians")
GROUPS = 8  # room for this many militia groups


@dataclass(frozen=True)
class Sweep:
    """One way to ask for more. at: size -> the scenarios to run. count: size -> replications of each."""

    name: str
    unit: str
    sizes: tuple[int, ...]
    at: Callable[[int], list[Scenario]]
    count: Callable[[int], int]


def grouped(groups: int) -> Scenario:
    """The shipped case with so many militia groups of equal capacity, whatever groups the shipped file has."""
    own = ", ".join(f"g{k}: {{capacity: {1 / GROUPS}}}" for k in range(groups))
    gone = [f"~militias.groups.{name}" for name in cases.scenario().groups]
    return cases.scenario("open_ended", *gone, f"++militias.groups={{{own}}}")


def sweeps(quick: bool, compiled: bool) -> list[Sweep]:
    """What is asked of an engine: enough replications for its speed."""
    base = (10 if quick else 40) if compiled else (1 if quick else 2)
    names = cases.shipped()
    sizes = tuple(base * k for k in ((1, 2, 4) if quick else (1, 2, 4, 8, 12)))
    years = (1, 3, 10) if quick else (1, 2, 4, 6, 8, 10)
    return [
        Sweep("replications", "a replication", sizes, lambda n: [cases.scenario()], lambda n: n),
        Sweep("horizon", "a year and replication", years, horizon, lambda n: base),
        Sweep("militia groups", "a group and replication", (1, 4, 8) if quick else tuple(range(1, 9)), groups, lambda n: base),
        Sweep(
            "schedules",
            "a schedule and replication",
            (1, len(names) // 2, len(names)) if quick else tuple(range(1, len(names) + 1, 2)),
            lambda n: [cases.scenario(name) for name in names[:n]],
            lambda n: base,
        ),
    ]


def horizon(years: int) -> list[Scenario]:
    return [cases.scenario("open_ended", f"horizon_days={round(365.25 * years)}")]


def groups(count: int) -> list[Scenario]:
    return [grouped(count)]


def measure(quick: bool) -> Section:
    """All sweeps on each engine. Raises CheckFailed."""
    section = Section("Growth", WORDS)
    table, points = Table("Straight lines", HEADS), Table("The points", POINT_HEADS)
    engines: dict[str, Any] = {"reference": reference}
    try:
        engines["compiled"] = cases.compiled()
    except Missing as why:
        table.notes.append(f"compiled: not measured: {why}")
    rounds = 2 if quick else 5
    for name, engine in engines.items():
        for sweep in sweeps(quick, name == "compiled"):
            one(section, table, points, name, engine, sweep, rounds)
    section.tables += [table, points]
    section.checks.append(
        "at every size, the first replication of every scenario is the one that the reference engine gives by itself, to the "
        "bit; a longer run begins with the shorter one; every round gives the same"
    )
    return section


def one(section: Section, table: Table, points: Table, name: str, engine: Any, sweep: Sweep, rounds: int) -> None:
    """One sweep on one engine: a row each. Raises CheckFailed."""
    largest = {size: run(engine, sweep.at(size), sweep.count(size)) for size in sweep.sizes}
    for size, tables in largest.items():
        for scenario, found in zip(sweep.at(size), tables, strict=True):
            alone = cases.single(scenario, cases.SEED, 0)[None]
            cases.require_same(found[:1], alone, f"growth with {sweep.name}, at {size}, {name}")

    def check(size: int, found: list[np.ndarray]) -> None:
        for one, other in zip(found, largest[size], strict=True):
            cases.require_same(one, other, f"growth with {sweep.name}, at {size}, {name}, run again")
        if sweep.name == "replications":
            cases.require_same(found[0], largest[max(sweep.sizes)][0][:size], f"the first {size} replications of more, {name}")

    measured = in_turns({n: partial(run, engine, sweep.at(n), sweep.count(n)) for n in sweep.sizes}, rounds, check)
    sizes = np.array(sweep.sizes, dtype=float)
    share = {n: 1.0 if sweep.name == "replications" else 1.0 / sweep.count(n) for n in sweep.sizes}
    by_round = np.array([[measured.seconds[n][k] * share[n] * 1000 for n in sweep.sizes] for k in range(rounds)])
    slopes = spread([line(sizes, row)[0] for row in by_round])
    medians = np.median(by_round, axis=0)
    slope, start = line(sizes, medians)
    fitted = slope * sizes + start
    worst = float(np.max(np.abs(medians - fitted) / np.abs(fitted)))
    straight = 1.0 - float(np.sum((medians - fitted) ** 2) / np.sum((medians - medians.mean()) ** 2))
    if straight < 0.99 or worst > 0.1:
        section.short.append(f"With {sweep.name}, {name}: a line is a poor description (largest residual {worst:.0%}).")
    else:
        section.short.append(f"With {sweep.name}, {name}: straight, {slopes} ms {sweep.unit}.")
    table.rows.append(
        (
            *(sweep.name, name, f"{len(sizes)}, {sweep.sizes[0]} to {sweep.sizes[-1]}", f"{slopes} ms {sweep.unit}"),
            *(f"{number(start)} ms", f"{straight:.4f}", f"{worst:.1%}", str(rounds)),
        )
    )
    points.rows.append((sweep.name, name, ", ".join(f"{n}: {number(ms)}" for n, ms in zip(sweep.sizes, medians, strict=True))))


def run(engine: Any, scenarios: list[Scenario], count: int) -> list[np.ndarray]:
    return [cases.run(engine, scenario, cases.SEED, 0, count) for scenario in scenarios]


def line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slope and value at nought of the least-squares line."""
    slope, start = np.polyfit(x, y, 1)
    return float(slope), float(start)
