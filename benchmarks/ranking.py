"""The time to a ranking of five schedules that can be defended: independent seeds on SimPy, against common luck compiled."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks import cases
from benchmarks.decide import FIRST, Ranking, contradiction, decide, hardest, looks
from benchmarks.report import CheckFailed, Section, Table, require
from benchmarks.timing import Spread, duration, in_turns, number, spread, wall
from sim.engines import reference
from sim.outcomes import OUTCOMES
from sim.studies.executors import cores

FIVE = ["open_ended", "conditions_based", "phased_18_months", "phased_12_months", "rapid_6_months"]
# What a difference has to exceed to matter, over three years; judgement, set after a look at 400 replications.
TOLERANCES = {
    "base_attacks": 2.0,
    "us_deaths": 0.25,
    "isis_attacks": 25.0,
    "civilian_deaths": 1.0,
    "standing": 0.02,
    "troop_months": 250.0,
}
COLUMN = {outcome.name: k for k, outcome in enumerate(OUTCOMES)}
MEASURED = "base_attacks"  # the ranking that is run from end to end on SimPy, too
BUDGET = 150.0  # seconds that this may take
BATCH = 5  # replications in one call of joblib
WORDS = (
    f"Five schedules ({', '.join(f'`{name}`' for name in FIVE)}) are ranked by one outcome after three years, until every pair "
    "differs surely or is surely the same within a tolerance. The rule ([decide.py](../benchmarks/decide.py)) is the same for "
    "both ways, and goes wrong in 5 % of rankings at most, as far as means of forty are normal. "
    "*Today* is what one would write at once: SimPy (our reference "
    "engine), joblib on all cores, seeds of its own for each schedule. *Ours* is common luck, differences replication by "
    "replication, the compiled engine in threads on all cores. *Pairing* is replications today over ours; *engine* is wall "
    "time a replication today over ours, in turns; their product is what both save together."
)
HEADS = (
    *("ranked by", "tolerance", "replications of each, today", "replications of each, ours"),
    *("pairing", "engine", "together", "time today", "time ours", "pairing by variances alone"),
)
Run = Callable[[list[int], int, int], np.ndarray]  # seeds of the five, first, count -> schedules, replications, outcomes


def today(seeds: list[int], first: int, count: int) -> np.ndarray:
    """On SimPy with joblib, all cores."""
    joblib = cases.optional("joblib")
    calls = [
        joblib.delayed(cases.run)(reference, cases.scenario(name), seed, begin, min(BATCH, first + count - begin))
        for name, seed in zip(FIVE, seeds, strict=True)
        for begin in range(first, first + count, BATCH)
    ]
    return np.concatenate(joblib.Parallel(n_jobs=cores())(calls)).reshape(len(FIVE), count, -1)


def ours(seeds: list[int], first: int, count: int) -> np.ndarray:
    """On the compiled engine, in threads: each schedule in as many parts as there are cores."""
    compiled, part = cases.compiled(), -(-count // cores())
    with ThreadPoolExecutor(cores()) as pool:
        parts = [
            pool.submit(cases.run, compiled, cases.scenario(name), seed, begin, min(part, first + count - begin))
            for name, seed in zip(FIVE, seeds, strict=True)
            for begin in range(first, first + count, part)
        ]
        return np.concatenate([part.result() for part in parts]).reshape(len(FIVE), count, -1)


class Luck:
    """Replications of the five schedules, run as they are asked for. common: on one seed, else on a seed each."""

    def __init__(self, run: Run, common: bool, seed: int) -> None:
        self.run = run
        self.seeds = [seed if common else seed + 1 + k for k in range(len(FIVE))]
        self.values = np.empty((len(FIVE), 0, len(OUTCOMES)))

    def upto(self, n: int) -> np.ndarray:
        """The first n replications: schedules, replications, outcomes."""
        have = self.values.shape[1]
        if have < n:
            self.values = np.concatenate([self.values, self.run(self.seeds, have, n - have)], axis=1)
        return self.values[:, :n]

    def column(self, outcome: str, n: int) -> np.ndarray:
        """One outcome of the first n replications, a row for each schedule; laid out alike, so that sums agree to the bit."""
        return np.ascontiguousarray(self.upto(n)[:, :, COLUMN[outcome]])

    def rank(self, outcome: str, paired: bool) -> Ranking:
        return decide(partial(self.column, outcome), TOLERANCES[outcome], paired)


def measure(quick: bool) -> Section:
    """Everything. Raises CheckFailed, Missing."""
    cases.optional("joblib")
    cases.compiled()
    section = Section("Ranking", WORDS)
    outcomes = ["base_attacks", "us_deaths"] if quick else list(TOLERANCES)
    roots = [cases.SEED + 1000 * k for k in range(2 if quick else 8)]
    speed = rates(quick)
    table = Table(f"Replications and time, {len(roots)} roots of luck: median (range)", HEADS)
    found = Table("What was found, lowest mean first (= the same within the tolerance)", ("ranked by", "ranking"))
    lucks = [(Luck(ours, True, root), Luck(ours, False, root)) for root in roots]
    known: dict[str, tuple[Ranking, Ranking]] = {}
    worded = 0
    for outcome in outcomes:
        pairs = [(common.rank(outcome, True), apart.rank(outcome, False)) for common, apart in lucks]
        for paired, independent in pairs:
            agree(outcome, paired, independent)
            agree(outcome, pairs[0][0], paired)
            worded += sum(paired.verdicts[k].word != v.word for k, v in independent.verdicts.items())
        known[outcome] = pairs[0]
        table.rows.append(row(outcome, pairs, lucks, speed))
        found.rows.append((outcome, pairs[0][0].words(FIVE)))
        section.short.append(f"By {outcome}: {told(table.rows[-1])}.")
    table.notes += [
        "Times are extrapolated: replications times the wall time a replication on all cores, "
        f"{duration(speed.today.median)} today and {duration(speed.ours.median)} ours, ratio {speed.factor} in "
        f"{speed.factor.rounds} rounds. How many replications independent seeds need is not extrapolated: they were run, on "
        "the compiled engine, which gives the same bits. Starting joblib's workers, and compiling, are in none of these times.",
        f"Nobody looks before {FIRST} replications; where ours says {FIRST}, the factor of pairing is a lower bound. The last "
        "column has no such floor: replications that the variances say the hardest pair needs, independent over common luck.",
    ]
    section.tables += [table, found]
    section.checks += [
        f"both ways came to the same ranking by each of {len(outcomes)} outcomes on each of {len(roots)} roots of luck: no "
        "pair is lower for one and higher for another, or the same for one and surely beyond the tolerance for another; "
        f"{worded} of {10 * len(outcomes) * len(roots)} pairs are the same within the tolerance for one way only",
        "joblib on SimPy and threads on the compiled engine gave the same outcomes to the bit, in every round of the timing",
    ]
    end_to_end(section, known[MEASURED], speed.today.median, quick)
    return section


def agree(outcome: str, paired: Ranking, independent: Ranking) -> None:
    """Raises CheckFailed unless both were decided and say the same."""
    require(paired.needed is not None, f"ranking by {outcome}: common luck did not decide it")
    pair = contradiction(paired, independent, TOLERANCES[outcome])
    if pair is not None:
        names = " and ".join(FIVE[k] for k in pair)
        raise CheckFailed(f"ranking by {outcome}: the two ways disagree on {names}")


@dataclass(frozen=True)
class Speed:
    """Wall seconds a replication on all cores, and their ratio round by round."""

    today: Spread
    ours: Spread
    factor: Spread


def rates(quick: bool) -> Speed:
    """Both ways on the same luck, in turns; the compiled engine does more, as it takes so little. Raises CheckFailed."""
    few = 10 if quick else 20
    many = 20 * few
    seeds = [cases.SEED] * len(FIVE)
    right = ours(seeds, 0, many)

    def check(name: str, found: np.ndarray) -> None:
        for k, schedule in enumerate(FIVE):
            cases.require_same(found[k], right[k, : found.shape[1]], f"{schedule}, {name}")

    contenders = {"today": partial(today, seeds, 0, few), "ours": partial(ours, seeds, 0, many)}
    measured = in_turns(contenders, 2 if quick else 7, check, wall)
    return Speed(
        measured.of("today", 1 / (few * len(FIVE))),
        measured.of("ours", 1 / (many * len(FIVE))),
        measured.ratio("today", "ours", many / few),
    )


def row(outcome: str, pairs: list[tuple[Ranking, Ranking]], lucks: list[tuple[Luck, Luck]], speed: Speed) -> tuple[str, ...]:
    """One outcome's row. Where independent seeds did not decide it, the most that was run counts: a lower bound."""
    least = "at least " if any(independent.needed is None for _, independent in pairs) else ""
    apart = [float(independent.needed or looks()[-1]) for _, independent in pairs]
    together = [float(paired.needed or 0) for paired, _ in pairs]
    pairing = spread([a / b for a, b in zip(apart, together, strict=True)])
    pooled = (np.concatenate([pair[k].values[:, :, COLUMN[outcome]] for pair in lucks], axis=1) for k in (0, 1))
    few, many = hardest(*pooled, TOLERANCES[outcome])
    return (
        *(outcome, f"{TOLERANCES[outcome]:g}", f"{least}{whole(spread(apart))}", whole(spread(together))),
        *(f"{least}{pairing}", number(speed.factor.median), f"{least}{number(pairing.median * speed.factor.median)}"),
        least + duration(spread(apart).median * len(FIVE) * speed.today.median),
        duration(spread(together).median * len(FIVE) * speed.ours.median),
        f"{number(many / few)} ({number(many)} over {number(few)})",
    )


def told(row: tuple[str, ...]) -> str:
    """A row in words."""
    cells = dict(zip(HEADS, row, strict=True))
    pairing = cells["pairing"].split(" (")[0]
    return f"{cells['together']} times faster ({pairing} by pairing, {cells['engine']} by the engine)"


def whole(found: Spread) -> str:
    return f"{found.median:,.0f} ({found.low:,.0f} to {found.high:,.0f})"


def end_to_end(section: Section, known: tuple[Ranking, Ranking], seconds: float, quick: bool) -> None:
    """The whole ranking both ways, timed from end to end, if it fits the budget. Raises CheckFailed."""
    heads = ("way", "replications of each", "wall time")
    table = Table(f"From end to end, by {MEASURED}, once", heads, notes=["Single runs, not in turns: no claim."])
    expected = (known[1].needed or 0) * len(FIVE) * seconds
    section.tables.append(table)
    ways: list[tuple[str, Run, bool, Ranking]] = [
        ("today: SimPy, joblib, independent", today, False, known[1]),
        ("ours: compiled, threads, common luck", ours, True, known[0]),
    ]
    taken: list[float] = []
    for name, run, common, right in ways:
        if run is today and (quick or not 0 < expected <= BUDGET):
            table.rows.append((name, f"{right.needed}", f"not measured: it would take about {duration(expected)}"))
            continue
        began = wall()
        found = Luck(run, common, cases.SEED).rank(MEASURED, paired=common)
        taken.append(wall() - began)
        require(found == right, f"{name}: not the ranking it was before")
        table.rows.append((name, f"{found.needed}", duration(taken[-1])))
    if len(taken) == 2:
        table.notes.append(f"Together: {number(taken[0] / taken[1])} times faster.")
        section.checks.append(
            f"the ranking by {MEASURED}, run on SimPy from end to end, is the one found before, number by number"
        )
