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
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator, default_rng
from scipy import stats

from experiments.stopping import Stopping
from sim.analysis.crossed import crossed_interval
from sim.analysis.information import naive_perfect, perfect, value_of_information
from sim.analysis.regret import regret
from sim.analysis.selection import constrained, cross_fitted, kim_nelson
from sim.analysis.sequential import DECIDED, bounded_interval, half_width, mean_interval
from sim.studies.plan import Wanted
from tests.truths import ANSWERS, MEANS, NUMBERS, RARE, TOLERANCES, TRUTH, Sample, family, queue

DOCUMENT = Path(__file__).parent.parent / "docs" / "guarantees.md"
SALT = 20_210_407
STEP, LAST = 50, 20_000  # looks at 50, 100, ... 20,000 replications
CONFIDENCE, PLANNED = 0.95, 2000
COUPLES = 55  # pairs of eleven schedules
CHUNK = 100  # runs simulated at once


@dataclass(frozen=True)
class Share:
    """How often something was right in `runs` simulations. claimed: None where nothing is."""

    case: tuple[str, ...]
    claimed: float | None
    right: int
    runs: int

    @property
    def measured(self) -> float:
        return self.right / self.runs

    @property
    def error(self) -> float:
        """The standard error; at the claim where there is one, so that a share of 1 has one, too."""
        level = self.measured if self.claimed is None else self.claimed
        return (level * (1.0 - level) / self.runs) ** 0.5

    @property
    def holds(self) -> bool:
        return self.claimed is None or self.measured >= self.claimed - 4.0 * self.error

    @property
    def verdict(self) -> str:
        return "no claim" if self.claimed is None else "holds" if self.holds else "FALLS SHORT"

    def __str__(self) -> str:
        return f"{self.measured:.4f} ± {self.error:.4f}"

    def cells(self) -> list[str]:
        return [*self.case, "" if self.claimed is None else f"at least {self.claimed:g}", str(self), self.verdict]


@dataclass(frozen=True)
class Table:
    """A table of the document. intro: what it is about, before it. failed: whether a claim in it does not hold."""

    title: str
    intro: str
    heads: tuple[str, ...]
    rows: list[list[str]]
    failed: bool = False

    def text(self) -> str:
        intro = fill(self.intro, 130, break_on_hyphens=False)
        lines = [f"## {self.title}", "", intro, "", row(self.heads), row(["---"] * len(self.heads)), *map(row, self.rows)]
        return "\n".join(lines) + "\n"


def row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def of_shares(title: str, intro: str, heads: tuple[str, ...], shares: list[Share]) -> Table:
    heads = (*heads, "claimed", "measured", "")
    return Table(title, intro, heads, [share.cells() for share in shares], not all(share.holds for share in shares))


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


# -- the best among many -----------------------------------------------------------------------------------------------
def chosen(means: Sequence[float], sds: Sequence[float], rho: float, first: int, n: int, runs: int, rng: Generator) -> int:
    """In how many runs elimination leaves the best, or, if n replications leave several, the best of these leads."""
    mean, sd, right = np.array(means), np.array(sds), 0
    for _ in range(runs):
        values = mean + sd * (rho**0.5 * rng.normal(size=(n, 1)) + (1.0 - rho) ** 0.5 * rng.normal(size=(n, len(mean))))
        survives = np.isnan(kim_nelson(values, first, 1.0, 0.05))
        right += int(np.where(survives, values.mean(axis=0), -np.inf).argmax() == mean.argmax())
    return right


def elimination(share: float) -> Table:
    runs, shares, k = max(10, int(2000 * share)), [], 5
    slippage = [1.0] + [0.0] * (k - 1)
    spreads = {
        "equal": [3.0] * k,
        "the best varies least": list(np.linspace(1.0, 5.0, k)),
        "the best varies most": list(np.linspace(5.0, 1.0, k)),
    }
    number = 0
    for spread, sds in spreads.items():
        for luck, rho in (("independent", 0.0), ("common, correlation 0.5", 0.5), ("common, correlation 0.9", 0.9)):
            number += 1
            right = chosen(slippage, sds, rho, 10, 2000, runs, default_rng([SALT, 3, number]))
            shares.append(Share((f"1, 0, 0, 0, 0; standard deviations {spread}", luck), 0.95, right, runs))
    hard = chosen([4, 5, 4, 4], [0.3, 8.0, 0.3, 0.3], 0.0, 10, 4000, runs, default_rng([SALT, 3, 0]))
    shares.append(Share(("4, 5, 4, 4; standard deviations 0.3, 8, 0.3, 0.3", "independent"), 0.95, hard, runs))
    intro = (
        f"Kim and Nelson's procedure, zone of indifference 1, alpha 0.05, 10 replications in the first stage, {runs:,} "
        "runs. The best is better than all others by exactly 1, the slippage configuration: the hardest that the claim is "
        "made for. The last is the case in which a slip of one index is known to give 0.585."
    )
    return of_shares("Selecting the best", intro, ("true means", "luck"), shares)


def against_the_best(share: float) -> Table:
    """Simultaneous coverage of the intervals against the best other."""
    runs, shares = max(20, int(4000 * share)), []
    cases: dict[str, tuple[list[float], list[float], float]] = {
        "all equal but the best, independent": ([0.3, 0.0, 0.0, 0.0, 0.0], [1.0] * 5, 0.0),
        "all equal but the best, correlation 0.9": ([0.1, 0.0, 0.0, 0.0, 0.0], [1.0] * 5, 0.9),
        "a tie for the best, unequal spreads, correlation 0.5": ([1.0, 1.0, 0.8, 0.0], [0.3, 2.0, 1.0, 4.0], 0.5),
    }
    for number, (name, (means, sds, rho)) in enumerate(cases.items()):
        rng, mean = default_rng([SALT, 4, number]), np.array(means)
        truth, right = gaps(mean), 0
        for _ in range(runs):
            luck = rho**0.5 * rng.normal(size=(30, 1)) + (1 - rho) ** 0.5 * rng.normal(size=(30, len(mean)))
            lower, upper = constrained((mean + np.array(sds) * luck)[None], np.zeros(1, dtype=int), CONFIDENCE)
            right += int(((lower <= truth) & (truth <= upper)).all())
        shares.append(Share((name, "30 replications"), CONFIDENCE, right, runs))
    rng, mean, right, naive = default_rng([SALT, 4, 9]), np.array([1.0, 0.0, 0.0, 0.0]), 0, 0
    for _ in range(runs):
        values = mean + rng.normal(size=(30, 1, 4)) + rng.normal(size=(1, 10, 4)) + rng.normal(size=(30, 10, 4))
        lower, upper = constrained(values, np.arange(30), CONFIDENCE)
        right += int(((lower <= gaps(mean)) & (gaps(mean) <= upper)).all())
        lower, upper = constrained(values.mean(axis=1)[None], np.zeros(1, dtype=int), CONFIDENCE)
        naive += int(((lower <= gaps(mean)) & (gaps(mean) <= upper)).all())
    shares.append(Share(("states of the world", "30 draws crossed with 10 replications"), CONFIDENCE, right, runs))
    shares.append(Share(("the same, if luck were taken for fresh in each state", "30 means of draws"), None, naive, runs))
    intro = (
        f"All intervals of a table right at once, {runs:,} runs. The last line is not what is done here: it shows what is "
        "missed where the luck that all states share is forgotten."
    )
    return of_shares("Intervals against the best other", intro, ("true values", "data"), shares)


def gaps(means: np.ndarray) -> np.ndarray:
    return np.array([mean - np.delete(means, i).max() for i, mean in enumerate(means)])


def winners_curse(share: float) -> Table:
    """Bias of the value of the apparent best, as it stands and corrected, against the true value of the one chosen."""
    runs, rows, failed = max(20, int(3000 * share)), [], False
    for number, (name, means) in enumerate(
        {
            "ten equal schedules": np.zeros(10),
            "ten from 0 to 0.2": np.linspace(0.0, 0.2, 10),
            "ten from 0 to 1": np.linspace(0.0, 1.0, 10),
        }.items()
    ):
        rng = default_rng([SALT, 5, number])
        naive, corrected = np.empty(runs), np.empty(runs)
        for run in range(runs):
            values = means + rng.normal(size=(100, 10))
            mean = values.mean(axis=0)
            naive[run] = mean.max() - means[mean.argmax()]
            corrected[run] = cross_fitted(values[None], np.zeros(1, dtype=int), rng) - means[mean.argmax()]
        errors = naive.std(ddof=1) / runs**0.5, corrected.std(ddof=1) / runs**0.5
        # Choosing on nine tenths of the data is a little worse than choosing on all: the bias is down, if anything.
        holds = corrected.mean() <= 4.0 * errors[1] and abs(corrected.mean()) < naive.mean() / 2 + 4.0 * errors[1]
        failed |= not holds
        cells = [f"{d.mean():+.4f} ± {e:.4f}" for d, e in zip((naive, corrected), errors, strict=True)]
        rows.append([name, *cells, "holds" if holds else "FALLS SHORT"])
    intro = (
        f"100 replications of standard deviation 1, {runs:,} runs: the mean of the one that looks best less its true "
        "value. Claimed: the corrected value does not overstate, and has less than half the bias. If anything it is low: "
        "a choice on nine tenths of the replications is a little worse than the one it stands for."
    )
    return Table("The winner's curse", intro, ("true values", "bias as it stands", "bias corrected", ""), rows, failed)


# -- knowing more ------------------------------------------------------------------------------------------------------
def knowing(share: float) -> Table:
    """The value of perfect information: equal to the smallest expected regret, and free of what noise makes it seem."""
    tables, draws, failed = max(5, int(300 * share)), max(4000, int(400_000 * share)), False
    rng, largest = default_rng([SALT, 8]), 0.0
    for _ in range(tables):
        values = np.repeat(rng.normal(size=(25, 1, 5)) + rng.normal(size=5), 2, axis=1)
        index = pd.MultiIndex.from_product([range(25), range(2)], names=["state", "replication"])
        cells = pd.DataFrame(values.reshape(-1, 5), index=index, columns=list("abcde"))
        everything = value_of_information(cells, bootstrap=2)["value"].iloc[0]
        largest = max(largest, abs(everything - regret(cells, bootstrap=2)["expected"].min()))
    failed |= largest > 1e-9
    bound = "below 1e-9" if largest <= 1e-9 else f"{largest:.1e}"
    rows = [
        [
            f"EVPI less the smallest expected regret, largest of {tables} random tables",
            "0",
            bound,
            "FALLS SHORT" if failed else "holds",
        ]
    ]
    benefit = rng.normal(1.0, 2.0, size=(draws // 2000, 2000))
    exact = np.array([naive_perfect(np.stack([b, 0.0 * b], axis=1)[:, None]) for b in benefit])
    noisy = benefit[:, :400, None] + 3.0 * rng.normal(size=(len(benefit), 400, 10))
    seen = [np.stack([b, 0.0 * b], axis=2) for b in noisy]
    uniform = np.full((1, 400), 1 / 400), np.full((1, 10), 1 / 10)
    cases = {
        "EVPI of a net benefit N(1, 2^2), no noise": (exact, True),
        "the same, each state's benefit known to ± 0.9, as it stands": (np.array([naive_perfect(v) for v in seen]), False),
        "the same, corrected": (np.array([perfect(v, *uniform)[0] for v in seen]), False),
    }
    for name, (found, claimed) in cases.items():
        error = float(found.std(ddof=1) / len(found) ** 0.5)
        # A finite sample of states has a little more to know than all of them, far below the error here.
        wrong = claimed and abs(found.mean() - EVPI) > 4.0 * error
        failed |= wrong
        rows.append(
            [
                name,
                f"{EVPI}" if claimed else "",
                f"{found.mean():.5f} ± {error:.5f}",
                "FALLS SHORT" if wrong else "holds" if claimed else "no claim",
            ]
        )
    intro = (
        "Perfect information is worth what the best choice without it is expected to regret. With "
        "noise, choosing and judging by the same replications finds value in the noise; the corrected estimate chooses on other "
        "replications, and is low rather than high, because the choice in a state is then not always the right one."
    )
    return Table("The value of knowing", intro, ("", "claimed", "measured", ""), rows, failed)


# -- known distributions -----------------------------------------------------------------------------------------------
EVPI = 0.395593  # 2 phi(1/2) - (1 - Phi(1/2))
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
