"""Simulation-based calibration: are the posteriors of `posture calibrate` right about parameters that are known?

    python -m tests.calibrated                    # 64 records: some ten minutes on two cores
    python -m tests.calibrated --records 2        # a smoke test; writes nothing

Parameters are drawn from the priors that a calibration begins from, a record is simulated with them, and a calibration is made
of it. The share of the posterior below the true value must then be uniform over records, for each parameter (Talts and others,
2018). Tested by Kolmogorov and Smirnov's test, at 1 % after Holm's correction; the command fails if a parameter falls short,
and writes docs/calibration_ranks.csv and the table of docs/calibration.md.
"""

import argparse
import csv
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import date
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
TABLE, PAGE = DOCS / "calibration_ranks.csv", DOCS / "calibration.md"
BEGIN, END = "<!-- measured: ranks -->", "<!-- end -->"
UNTIL, SALT = date(2020, 3, 31), 20_210_407
RECORDS, POPULATION, GENERATIONS = 64, 60, 4
LEVEL, BINS = 0.01, 4


def counted() -> tuple[Simulator, list[Free], list[Window]]:
    """The shipped past of a day, every count of which is taken to be whole: what is simulated is."""
    known, _, _ = split(within(shipped(), scenario("open_ended", "+episode=iraq_2018_2021")), UNTIL)
    past = [replace(window, kind="exact") for window in known]
    simulator = Simulator(scenario("open_ended", "+episode=iraq_2018_2021"), past, SALT, UNTIL)
    return simulator, [Free(p, widening(p.key, UNTIL)) for p in simulator.informed()], past


def shares(number: int) -> list[float]:
    """For one record, the share of the posterior below the true value of each parameter."""
    simulator, free, past = counted()
    rng = np.random.default_rng([SALT, number])
    true = rng.standard_normal(len(free))
    values = {f.key: f.value(float(z)) for f, z in zip(free, true, strict=True)}
    record = simulator(values, int(rng.integers(LARGEST)))
    made = [replace(window, count=int(count)) for window, count in zip(past, record, strict=True)]
    task = Task(free, Summaries(made), POPULATION, GENERATIONS, number)
    with TemporaryDirectory() as folder:
        last = [generation for generation, _ in calibrate(simulator, task, place(folder), "c")][-1]
    return [float(share) for share in last.weight @ (last.z < true)]


def holm(found: Sequence[float]) -> list[float]:
    """p-values corrected for how many there are. Source: Holm, Scand. J. Statist. 6 (1979)."""
    order, corrected, reached = np.argsort(found), np.empty(len(found)), 0.0
    for rank, k in enumerate(order):
        reached = max(reached, min(1.0, (len(found) - rank) * found[k]))
        corrected[k] = reached
    return corrected.tolist()


def judged(ranks: np.ndarray, names: Sequence[str]) -> list[list[str]]:
    """A row for each parameter; ranks: shape (records, parameters)."""
    p = [float(stats.kstest(ranks[:, k], "uniform").pvalue) for k in range(len(names))]
    rows = []
    for k, (name, own, corrected) in enumerate(zip(names, p, holm(p), strict=True)):
        quarters = np.histogram(ranks[:, k], BINS, (0.0, 1.0))[0]
        inside = ((ranks[:, k] > 0.05) & (ranks[:, k] < 0.95)).mean()
        verdict = "uniform" if corrected >= LEVEL else "NOT UNIFORM"
        rows.append([name, " ".join(map(str, quarters)), f"{inside:.2f}", f"{own:.3f}", f"{corrected:.3f}", verdict])
    return rows


HEADS = ["parameter", "records by quarter of the posterior", "within its 90 % range", "p", "corrected", ""]


def written(rows: list[list[str]]) -> None:
    """The table as CSV, and in the page between its marks."""
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([[*HEADS[:5], "verdict"], *rows])
    lines = [f"{RECORDS} records to {UNTIL}, {POPULATION} trajectories in {GENERATIONS} generations each:", ""]
    lines += ["| " + " | ".join(cells) + " |" for cells in (HEADS, ["---"] * len(HEADS), *([f"`{r[0]}`", *r[1:]] for r in rows))]
    inside = np.mean([float(cells[2]) for cells in rows])
    lines += ["", f"Over all parameters {inside:.0%} of the true values lie within the 90 % range of the posterior."]
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    PAGE.write_text(before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + rest.partition(END)[2], encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--records", type=int, default=RECORDS, help=f"how many (default {RECORDS}); fewer writes nothing")
    parser.add_argument("--workers", type=int, default=cores())
    asked = parser.parse_args(arguments)
    simulator, free, _ = counted()
    simulator({}, 0)  # compiled once, before there are workers
    found, clock = [], time.perf_counter()
    with ProcessPoolExecutor(asked.workers) as pool:
        for number, row in enumerate(pool.map(shares, range(asked.records))):
            found.append(row)
            print(f"record {number + 1} of {asked.records}, {time.perf_counter() - clock:.0f} s", file=sys.stderr, flush=True)
    rows = judged(np.array(found), [f.key for f in free])
    for row in rows:
        print("  ".join(row))
    if asked.records == RECORDS:
        written(rows)
    return int(any(row[-1] != "uniform" for row in rows) and asked.records == RECORDS)


if __name__ == "__main__":
    sys.exit(main())
