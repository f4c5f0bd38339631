"""Simulation-based calibration: are the posteriors of `posture calibrate` right about parameters that are known?

    python -m tests.calibrated                    # 64 records: some ten minutes on two cores
    python -m tests.calibrated --records 2        # a smoke test; writes nothing
    python -m tests.calibrated --population 200 --generations 6    # of larger calibrations; writes nothing
    python -m tests.calibrated --from-file        # the page's table again, from docs/calibration_shares.csv

Parameters are drawn from the priors that a calibration begins from, a record is simulated with them, and a calibration is made
of it. The share of the posterior below the true value must then be uniform over records, for each parameter (Talts and others,
2018). Tested by Kolmogorov and Smirnov's test, at 1 % after Holm's correction, which with so few records sees what is shifted
rather than what is too narrow. So the share of true values within 90 % ranges is tested as well: its mean over records, with a
99 % interval. The command fails if either test does, and, with its defaults, writes the shares of each record
(docs/calibration_shares.csv), docs/calibration_ranks.csv and the table of docs/calibration.md.
"""

import argparse
import csv
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy import stats

from experiments.composition import scenario
from sim.history.calibration import LARGEST, Free, Task, calibrate
from sim.history.informed import widening
from sim.history.record import Window, shipped, split
from sim.history.simulated import Simulator, within
from sim.history.summaries import Summaries
from sim.studies.executors import cores
from sim.studies.place import place

DOCS = Path(__file__).parent.parent / "docs"
TABLE, SHARES, PAGE = DOCS / "calibration_ranks.csv", DOCS / "calibration_shares.csv", DOCS / "calibration.md"
BEGIN, END = "<!-- measured: ranks -->", "<!-- end -->"
UNTIL, SALT = date(2020, 3, 31), 20_210_407
RECORDS, POPULATION, GENERATIONS = 64, 60, 4
LEAST = {"records": 2, "population": 20, "generations": 1}
EPILOG = "The page is written only with the defaults of the first three."
LEVEL, BINS = 0.01, 4
NOMINAL = 0.9  # of the ranges whose coverage is tested
TRIES = 4000  # simulated tests, for the power of the test of uniformity


def counted() -> tuple[Simulator, list[Free], list[Window]]:
    """The shipped past of a day, every count of which is taken to be whole: what is simulated is."""
    known, _, _ = split(within(shipped(), scenario("open_ended", "episode=iraq_2018_2021")), UNTIL)
    past = [replace(window, kind="exact") for window in known]
    simulator = Simulator(scenario("open_ended", "episode=iraq_2018_2021"), past, SALT, UNTIL)
    return simulator, [Free(p, widening(p.key, UNTIL)) for p in simulator.informed()], past


def shares_of(number: int, population: int, generations: int) -> list[float]:
    """For one record, the share of the posterior below the true value of each parameter."""
    simulator, free, past = counted()
    rng = np.random.default_rng([SALT, number])
    true = rng.standard_normal(len(free))
    values = {f.key: f.value(float(z)) for f, z in zip(free, true, strict=True)}
    record = simulator(values, int(rng.integers(LARGEST)))
    made = [replace(window, count=int(count)) for window, count in zip(past, record, strict=True)]
    task = Task(free, Summaries(made), population, generations, number)
    with TemporaryDirectory() as folder:
        last = [generation for generation, _ in calibrate(simulator, task, place(folder), "c")][-1]
    return [min(float(share), 1.0) for share in last.weight @ (last.z < true)]  # weights sum to 1 but for rounding


def holm(found: Sequence[float]) -> list[float]:
    """p-values corrected for how many there are. Source: Holm, Scand. J. Statist. 6 (1979)."""
    order, corrected, reached = np.argsort(found), np.empty(len(found)), 0.0
    for rank, k in enumerate(order):
        reached = max(reached, min(1.0, (len(found) - rank) * found[k]))
        corrected[k] = reached
    return corrected.tolist()


def within_range(ranks: np.ndarray) -> np.ndarray:
    """Whether each true value lies within the 90 % range of its posterior."""
    tail = (1.0 - NOMINAL) / 2.0
    return (ranks > tail) & (ranks < 1.0 - tail)


def judged(ranks: np.ndarray, names: Sequence[str]) -> list[list[str]]:
    """A row for each parameter; ranks: shape (records, parameters)."""
    p = [float(stats.kstest(ranks[:, k], "uniform").pvalue) for k in range(len(names))]
    rows = []
    for k, (name, own, corrected) in enumerate(zip(names, p, holm(p), strict=True)):
        quarters = np.histogram(ranks[:, k], BINS, (0.0, 1.0))[0]
        if quarters.sum() != len(ranks):
            raise ValueError(f"{name}: {quarters.sum()} of {len(ranks)} records have a share from 0 to 1")
        inside = within_range(ranks[:, k]).mean()
        verdict = "uniform" if corrected >= LEVEL else "NOT UNIFORM"
        rows.append([name, " ".join(map(str, quarters)), f"{inside:.2f}", f"{own:.3f}", f"{corrected:.3f}", verdict])
    return rows


@dataclass(frozen=True)
class Coverage:
    """The share of true values within their 90 % ranges, with a 99 % interval over records."""

    mean: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        if self.low <= NOMINAL <= self.high:
            return "as it should be"
        return "TOO NARROW" if self.high < NOMINAL else "TOO WIDE"

    def __str__(self) -> str:
        return (
            f"{self.mean:.0%} of the true values lie within the 90 % range of the posterior "
            f"(99 % interval {self.low:.0%} to {self.high:.0%}, over records): {self.verdict}."
        )


def coverage(ranks: np.ndarray) -> Coverage:
    """By Student's t over records: they are independent, the parameters of one are not."""
    each = within_range(ranks).mean(axis=1)
    half = stats.t.ppf(1.0 - LEVEL / 2.0, len(each) - 1) * each.std(ddof=1) / len(each) ** 0.5
    return Coverage(float(each.mean()), float(each.mean() - half), float(each.mean() + half))


def power(records: int, parameters: int, sd: float = 1.0, shift: float = 0.0) -> float:
    """How often the test of uniformity sees one parameter whose posterior has sd times the right one's standard deviation and
    is shifted by so many of them, and is right but for that; by simulation."""
    z = np.random.default_rng(SALT).standard_normal((TRIES, records))
    ranks, steps = np.sort(stats.norm.cdf((z - shift) / sd), axis=1), np.arange(records + 1) / records
    far = np.maximum(steps[1:] - ranks, ranks - steps[:-1]).max(axis=1)
    return float((far > stats.kstwo.isf(LEVEL / parameters, records)).mean())


def seen(records: int, parameters: int) -> str:
    narrow, shifted = power(records, parameters, sd=0.6), power(records, parameters, shift=0.5)
    return (
        f"With {records} records and {parameters} parameters the test of uniformity finds one whose posterior is 0.6 times as "
        f"wide as it should be {narrow:.0%} of the time, and one shifted by half its standard deviation {shifted:.0%}."
    )


HEADS = ["parameter", "records by quarter of the posterior", "within its 90 % range", "p", "corrected", ""]


def written(rows: list[list[str]], covered: Coverage) -> None:
    """The table as CSV, and in the page between its marks."""
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([[*HEADS[:5], "verdict"], *rows])
    lines = [f"{RECORDS} records to {UNTIL}, {POPULATION} trajectories in {GENERATIONS} generations each:", ""]
    lines += ["| " + " | ".join(cells) + " |" for cells in (HEADS, ["---"] * len(HEADS), *([f"`{r[0]}`", *r[1:]] for r in rows))]
    lines += ["", f"Over all parameters {covered}", "", seen(RECORDS, len(rows))]
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    PAGE.write_text(before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + rest.partition(END)[2], encoding="utf-8")


def kept(path: Path = SHARES) -> tuple[list[list[str]], Coverage]:
    """Rows and coverage of the shares that were written last. Raises ValueError if they are not of all records."""
    with path.open(encoding="utf-8", newline="") as file:
        names, *lines = csv.reader(file)
    if len(lines) != RECORDS:
        raise ValueError(f"{path.name}: {len(lines)} of {RECORDS} records")
    ranks = np.array(lines, dtype=float)
    return judged(ranks, names), coverage(ranks)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0], epilog=EPILOG)
    parser.add_argument("--records", type=int, default=RECORDS, help=f"how many (default {RECORDS})")
    parser.add_argument("--population", type=int, default=POPULATION, help=f"trajectories in each (default {POPULATION})")
    parser.add_argument("--generations", type=int, default=GENERATIONS, help=f"of each calibration (default {GENERATIONS})")
    parser.add_argument("--from-file", action="store_true", help="simulate nothing: make the page's table of what was found last")
    parser.add_argument("--workers", type=int, default=cores())
    asked = parser.parse_args(arguments)
    if asked.from_file:
        try:
            return concluded(*kept(), write=True)
        except ValueError as error:
            parser.error(f"--from-file: {error}")
    for name in ("records", "population", "generations"):
        if getattr(asked, name) < LEAST[name]:
            parser.error(f"--{name}: at least {LEAST[name]}")
    published = (asked.records, asked.population, asked.generations) == (RECORDS, POPULATION, GENERATIONS)
    shares = partial(shares_of, population=asked.population, generations=asked.generations)
    simulator, free, _ = counted()
    simulator({}, 0)  # compiled once, before there are workers
    found, clock = [], time.perf_counter()
    with ProcessPoolExecutor(asked.workers) as pool:
        for number, row in enumerate(pool.map(shares, range(asked.records))):
            found.append(row)
            print(f"record {number + 1} of {asked.records}, {time.perf_counter() - clock:.0f} s", file=sys.stderr, flush=True)
    ranks, names = np.array(found), [f.key for f in free]
    if published:
        with SHARES.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([names, *([f"{share:.6g}" for share in row] for row in found)])
    return concluded(judged(ranks, names), coverage(ranks), write=published)


def concluded(rows: list[list[str]], covered: Coverage, write: bool) -> int:
    """Print, and write if it is to be; returns the exit status."""
    for row in rows:
        print("  ".join(row))
    print(f"over all parameters {covered}")
    if not write:
        return 0
    print(seen(RECORDS, len(rows)))
    written(rows, covered)
    return int(any(row[-1] != "uniform" for row in rows) or covered.verdict != "as it should be")


if __name__ == "__main__":
    sys.exit(main())
