"""Guarantees: what the statistics claim, against what they do in simulation. One command writes docs/guarantees.md.

    python -m tests.guarantees                    # all of it: a few minutes on two cores
    python -m tests.guarantees --share 0.02       # a smoke test with fewer runs; writes nothing

Every table has a seed of its own, so the document comes out the same each time. A claim that falls short by more than four
standard errors makes the exit status 1. Where a procedure is approximate nothing is claimed, and the table says what it gives.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.random import Generator, default_rng
from scipy import stats

from experiments.stopping import Stopping
from sim.analysis.crossed import crossed_interval
from sim.analysis.sequential import DECIDED, bounded_interval, half_width, mean_interval
from sim.studies.plan import Wanted
from tests.choosing import against_the_best, elimination, knowing, winners_curse
from tests.claims import CONFIDENCE, SALT, Share, Table, of_shares
from tests.truths import ANSWERS, MEANS, NUMBERS, RARE, TOLERANCES, TRUTH, Sample, family, queue

DOCUMENT = Path(__file__).parent.parent / "docs" / "guarantees.md"
STEP, LAST = 50, 20_000  # looks at 50, 100, ... 20,000 replications
PLANNED = 2000
COUPLES = 55  # pairs of eleven schedules
CHUNK = 100  # runs simulated at once


# -- differences whose true mean is exactly 0 --------------------------------------------------------------------------
WHEN = {
    f"n = {STEP} only": (STEP, STEP),
    f"n = {PLANNED:,} only": (PLANNED, PLANNED),
    "every look": (STEP, LAST),
    "every look from 500 on": (500, LAST),
}


def sums(sample: Sample, runs: int, rng: Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Sums of differences and of their squares up to each look; shape (CHUNK, looks), until there are `runs` of them."""
    for start in range(0, runs, CHUNK):
        d = sample(rng, (min(CHUNK, runs - start), LAST // STEP, STEP))
        yield d.sum(axis=2).cumsum(axis=1), (d**2).sum(axis=2).cumsum(axis=1)


LOOKS = np.arange(STEP, LAST + 1, STEP)


def excluded(total: np.ndarray, squares: np.ndarray, answers: bool) -> tuple[np.ndarray, np.ndarray]:
    """At which looks the fixed interval excludes a difference of 0, and at which the anytime one does. Shape of `total`."""
    variance = np.maximum(squares - total**2 / LOOKS, 0.0) / (LOOKS - 1)
    off = np.abs(total / LOOKS)
    fixed = off > stats.t.ppf(0.5 + CONFIDENCE / 2, LOOKS - 1) * np.sqrt(variance / LOOKS)
    if not answers:
        return fixed, off > half_width(variance, LOOKS, CONFIDENCE, PLANNED)
    # No bet on the mean being above 0 gains more than the best one in hindsight does: only few cases need the interval.
    up, down = (squares + total) / 2, (squares - total) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = np.nan_to_num(up * np.log(2 * up / squares)) + np.nan_to_num(down * np.log(2 * down / squares))
    where = np.nonzero(gain >= np.log(2.0 / (1.0 - CONFIDENCE)))
    cases = np.stack([down[where], LOOKS[where[1]] - squares[where], up[where]], axis=1)
    different, which = np.unique(cases, axis=0, return_inverse=True)
    anytime = np.zeros(total.shape, dtype=bool)
    if len(different):
        values = np.tile([-1.0, 0.0, 1.0], (len(different), 1))
        lower, upper = bounded_interval(values, different, -1.0, 1.0, CONFIDENCE)
        anytime[where] = ((lower > 0) | (upper < 0))[which.ravel()]
    return fixed, anytime


def stopping(share: float) -> Table:
    """Coverage of 0 at single looks, and at all together: what one gets by stopping at the first look that excludes it."""
    runs, rows, failed = max(20, int(4000 * share)), [], False
    for number, (name, sample) in enumerate((NUMBERS | ANSWERS).items()):
        rng, answers = default_rng([SALT, 1, number]), name in ANSWERS
        kept = np.zeros((2, len(WHEN)), dtype=int)
        for total, squares in sums(sample, runs, rng):
            for kind, out in enumerate(excluded(total, squares, answers)):
                kept[kind] += [
                    int((~out[:, (first <= LOOKS) & (last >= LOOKS)].any(axis=1)).sum()) for first, last in WHEN.values()
                ]
        for k, when in enumerate(WHEN):
            # Exact are the t interval at one look and the t sequence for normal differences, and the sequence of yes/no outcomes.
            fixed = Share((), CONFIDENCE if name == "normal" and k < 2 else None, int(kept[0, k]), runs)
            anytime = Share((), CONFIDENCE if name == "normal" or answers else None, int(kept[1, k]), runs)
            rows.append([name, when, *(text for s in (fixed, anytime) for text in (str(s), s.verdict))])
            failed |= not (fixed.holds and anytime.holds)
    intro = (
        f"How often a nominal {100 * CONFIDENCE:g} % interval holds the true difference, which is exactly 0. Looks at "
        f"{STEP}, {2 * STEP}, ... {LAST:,} replications; {runs:,} runs. *At every look* is what one gets by stopping at the "
        "first look whose interval excludes 0: the fixed interval is then wrong in many runs, whatever the distribution. The "
        "anytime interval is exact for normal differences and for yes/no outcomes, and approximate for others, as any t "
        "interval is."
    )
    heads = ("difference", "looked at", "fixed interval", "", "anytime interval", "")
    return Table("Intervals at a true difference of 0", intro, heads, rows, failed)


def rare(share: float) -> Table:
    """Coverage where most pairs of runs do not differ at all: by the t sequence alone, and as `pairs` does it."""
    runs, rows = max(10, int(500 * share)), []
    last = LAST if share >= 0.01 else 1000  # a smoke test
    looks = [n for n in np.unique((STEP * 1.25 ** np.arange(27)).astype(int)) if n <= last]
    for number, (name, often, size) in enumerate(RARE):
        rng = default_rng([SALT, 7, number])
        d = np.where(rng.random((runs, last)) < often, rng.lognormal(0.0, 1.0, (runs, last)) if size is None else size, 0.0)
        true = often * (np.exp(0.5) if size is None else size)
        kept = {kind: np.ones((2, runs), dtype=bool) for kind in ("alone", "pairs", "family")}
        for n in looks:
            seen = d[:, :n]
            half = half_width(seen.var(axis=1, ddof=1), n, CONFIDENCE, PLANNED)
            # Without a difference seen the t sequence has no width to offer: an interval of 0 is what trusting it would mean.
            half = np.where(np.isfinite(half) | (n < 100), half, 0.0)
            intervals = {
                "alone": (seen.mean(axis=1) - half, seen.mean(axis=1) + half),
                "pairs": mean_interval(list(seen), float(np.ptp(d)), CONFIDENCE, PLANNED),
                "family": mean_interval(list(seen), float(np.ptp(d)), 1.0 - (1.0 - CONFIDENCE) / COUPLES, PLANNED),
            }
            for kind, (lower, upper) in intervals.items():
                right = (lower <= true) & (true <= upper)
                kept[kind][0] &= right
                kept[kind][1] &= right | (n * often < 50)
        shown = [*((kind, k) for k in (0, 1) for kind in ("alone", "pairs")), ("family", 0)]
        rows.append([name, *(str(Share((), None, int(kept[kind][k].sum()), runs)) for kind, k in shown)])
    intro = (
        f"Pairs of runs that differ rarely, and always to the same side: what a sample variance cannot know. {len(looks)} "
        f"looks from {STEP} to {last:,} replications, {runs:,} runs, nominal level {100 * CONFIDENCE:g} %, nothing claimed. "
        "*Alone* is the t sequence as it stands; *as done* is what `posture compare` uses, which allows for differences "
        "not seen. Sizes that vary by a lognormal are the worst case: the largest carry much of the mean, and no interval "
        "can allow for what it has no bound for. Where that may be so, look late: late looks are those at which 50 "
        f"differences or more are expected. The last column is at the level of one of {COUPLES} intervals that are to hold "
        f"together (nominal {1.0 - (1.0 - CONFIDENCE) / COUPLES:.4f}), where an approximation is at its worst."
    )
    heads = (
        *("difference", "every look, alone", "every look, as done", "late looks, alone", "late looks, as done"),
        f"every look, as done, one of {COUPLES}",
    )
    return Table("Rare differences", intro, heads, rows)


def widths(_: float) -> Table:
    """What it costs to look at any time: no simulation."""
    rows, family = [], 330
    for n in (50, 100, 200, 500, 1000, 2000, 5000, 20_000, 100_000):
        cells = [f"{n:,}"]
        for level in (CONFIDENCE, 1.0 - (1.0 - CONFIDENCE) / family):
            t = stats.t.ppf(0.5 + level / 2, n - 1) / n**0.5
            cells.append(f"{float(half_width(np.array(1.0), np.array(n), level, PLANNED)) / t:.2f}")
        for differ in (0.2, 0.02):
            k = differ * n / 2
            lower, upper = bounded_interval(np.array([[-1.0, 0.0, 1.0]]), np.array([[k, n - 2 * k, k]]), -1.0, 1.0, CONFIDENCE)
            fixed = stats.t.ppf(0.5 + CONFIDENCE / 2, n - 1) * (differ / (n - 1)) ** 0.5
            cells.append(f"{(upper[0] - lower[0]) / 2 / fixed:.2f}")
        rows.append(cells)
    intro = (
        f"Width over that of a fixed 95 % interval of the same data, planned for {PLANNED:,} replications. That is the "
        f"price of looking at any time; its square is the price in replications. *One of {family}*: both at the level of "
        f"one interval among {family} that hold together (all pairs of 11 schedules in 6 outcomes), where the price is "
        "lower."
    )
    heads = ("replications", "t sequence, alone", f"t sequence, one of {family}", "yes/no, 20 % differ", "yes/no, 2 % differ")
    return Table("What looking at any time costs", intro, heads, rows)


# -- decisions on a family of pairs ------------------------------------------------------------------------------------
def decide(rng: Generator, first: int = 200, most: int = 12_800) -> tuple[bool, bool, float]:
    """One study by the rule that `posture compare` stops by: whether every verdict at the end was right, every interval at every
    look, and the replications of the schedule that had most."""
    outcomes, covered = family(most, rng), True
    settings: Any = SimpleNamespace(
        tolerance=TOLERANCES, confidence=CONFIDENCE, budget=10**9, replications=first, objectives=(), limits=()
    )
    nothing: Any = None
    rule = Stopping(settings, [Wanted(name, nothing, 0, first, 0) for name in MEANS])
    while True:
        sizes = {w.label: min(w.replications, most) for w in rule.wanted}
        there = outcomes[outcomes["replication"] < outcomes["schedule"].map(sizes)]
        found = rule.pairs(there)
        true = (found["a"].map(MEANS) - found["b"].map(MEANS)) * found["outcome"].map(TRUTH)
        covered &= bool(((found["lower"] <= true) & (true <= found["upper"])).all())
        if rule(there) is None or min(sizes.values()) == most:
            break
    right = {
        "higher": true > found["tolerance"],
        "lower": true < -found["tolerance"],
        "alike": true.abs() <= found["tolerance"],
        "measured": (true - found["mean"]).abs() <= found["tolerance"],
    }
    wrong = [bool((~right[verdict] & (found["verdict"] == verdict)).any()) for verdict in DECIDED]
    return not any(wrong), covered, float(max(sizes.values()))


def decisions(share: float) -> Table:
    runs = max(1, int(400 * share))
    found = np.array([decide(default_rng([SALT, 2, run])) for run in range(runs)], dtype=float)
    shares = [
        Share(("every verdict right",), CONFIDENCE, int(found[:, 0].sum()), runs),
        Share(("every interval right at every look",), CONFIDENCE, int(found[:, 1].sum()), runs),
    ]
    intro = (
        "Four schedules, six pairs, three outcomes (normal, skewed counts, yes/no) on common luck, true differences from "
        "a tenth of the tolerance to six times of it; the rule of `posture compare` (experiments/stopping.py) from 200 "
        "replications on, which adds more of those schedules only that are in an open pair, until all 18 are decided, on average "
        f"at {found[:, 2].mean():,.0f} replications of the schedule that has most. All 18 verdicts at the end must be right at "
        "once. Bonferroni's inequality and the many looks not taken make it err on the safe side."
    )
    return of_shares("Stopping on the difference", intro, ("in a whole study",), shares)


# -- known distributions -----------------------------------------------------------------------------------------------
QUEUE = {5: 0.835, 10: 0.861, 20: 0.877, 40: 0.887}


def covered(rng: Generator, n: int, runs: int) -> int:
    """In how many of the runs the nominal 90 % t interval of n replications of the queue covers the true mean delay."""
    delays = queue(rng, runs * n).reshape(runs, n)
    intervals = (crossed_interval(sample[None], 0.9) for sample in delays)
    return sum(abs(mean - 2.12449) <= half for mean, half in intervals)


def published(share: float) -> Table:
    runs, shares = max(20, int(20_000 * share)), []
    rows, failed = [], False
    for number, (n, known) in enumerate(QUEUE.items()):
        shares.append(Share((str(n),), None, covered(default_rng([SALT, 6, number]), n, runs), runs))
        holds = abs(shares[-1].measured - known) <= 4.0 * (shares[-1].error ** 2 + 0.003**2) ** 0.5
        failed |= not holds
        rows.append(
            [
                str(n),
                f"{known:.3f} ± 0.003",
                f"{shares[-1].measured:.4f} ± {shares[-1].error:.4f}",
                "holds" if holds else "DIFFERS",
            ]
        )
    intro = (
        "The nominal 90 % t interval of the mean delay of the first 25 customers of an M/M/1 queue (arrivals 1, mean "
        f"service 0.9, empty at first; 2.12449), {runs:,} runs: what a t interval is worth on skewed data, beside what is "
        "published (Law)."
    )
    return Table("A fixed interval on a queue", intro, ("replications", "published", "measured", ""), rows, failed)


# -- the document ------------------------------------------------------------------------------------------------------
SECTIONS: tuple[Callable[[float], Table], ...] = (
    stopping,
    rare,
    elimination,
    decisions,
    against_the_best,
    winners_curse,
    published,
    knowing,
    widths,
)
ORDER = (stopping, rare, widths, decisions, elimination, against_the_best, winners_curse, knowing, published)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.guarantees", description=__doc__.partition("\n")[0])
    parser.add_argument("--share", type=float, default=1.0, help="of the runs; below 1 nothing is written")
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args(arguments)
    with ProcessPoolExecutor(asked.processes) as pool:
        begun = {section: pool.submit(section, asked.share) for section in SECTIONS}
        tables = [begun[section].result() for section in ORDER]
    text = "\n".join([HEAD, *(table.text() for table in tables)])
    if asked.share >= 1.0:
        DOCUMENT.write_text(text, encoding="utf-8")
    print(text, end="")
    return int(any(table.failed for table in tables))


HEAD = """# Guarantees

Written by `make guarantees` (`python -m tests.guarantees`), not by hand. Everything here is simulated from distributions whose
truth is known (tests/truths.py), with the functions that `posture compare` uses. Each table has its own seed, so the same numbers
come out again.

Measured shares stand with their standard error. *Holds*: not below the claim by more than four standard errors. *No claim*: the
procedure is approximate there, or is shown for contrast.
"""

if __name__ == "__main__":
    sys.exit(main())
