"""What common luck saves: replications until every pair of schedules is decided, on common luck and on luck of their own."""

from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from benchmarks import cases
from benchmarks.report import Section, Table, require
from benchmarks.timing import spread
from experiments import session
from experiments.choices import schedule_names
from experiments.composition import Composer, scenario
from experiments.settings import CompareSettings, split
from experiments.stopping import Stopping
from sim.analysis.cells import cells
from sim.studies.memory import simulate
from sim.studies.plan import Wanted
from sim.studies.tables import frame
from sim.validation import check

TOLERANCES = {"base_attacks": 1.0, "us_deaths": 0.5, "isis_attacks": 20.0}
LARGE = 10_000  # replications that variances are taken from
FIRST = 100  # replications of the first look: small, since a large one would hide what common luck saves
CONTRADICTORY = {"higher": "lower", "lower": "higher"}
WORDS = (
    "`posture compare tolerance.OUTCOME=...` of the shipped schedules: replications are added until all pairs are decided "
    "(sim/analysis/sequential.py), on common random numbers, and with a root seed of its own for each schedule. All else is "
    "the same: the rule, its intervals, how looks grow. Counted are the replications of all schedules together; each round "
    "has other seeds. A pair is decided when its interval excludes the tolerance, lies within it, or is as short. Where the "
    "width alone has to be that short, far pairs, which have little luck in common, cost most, and less is saved: the last "
    "column has the ratio of the replications that variances then ask for, computed, not run."
)
HEADS = ("tolerance", "common luck, replications", "luck of their own", "times fewer", "by width alone")


def measure(quick: bool) -> Section:
    """Raises CheckFailed."""
    tolerances = dict(list(TOLERANCES.items())[:1]) if quick else TOLERANCES
    rounds = 1 if quick else 3
    names = schedule_names()[:3] if quick else schedule_names()
    section, rows = Section("Pairing", WORDS), []
    ratios: dict[str, list[float]] = {}
    alone = by_width(names, list(tolerances), 200 if quick else LARGE)
    for outcome, tolerance in tolerances.items():
        counts: dict[str, list[float]] = {"common": [], "own": []}
        for round_ in range(rounds):
            verdicts = {}
            for luck in counts:
                spent, verdicts[luck] = decided(names, outcome, tolerance, cases.SEED + 1000 * round_, luck == "own")
                counts[luck].append(float(spent))
            compatible(verdicts["common"], verdicts["own"])
        ratios[outcome] = [own / common for common, own in zip(counts["common"], counts["own"], strict=True)]
        ratio = spread(ratios[outcome])
        rows.append(
            (
                f"{outcome} {tolerance:g}",
                f"{spread(counts['common'])}",
                f"{spread(counts['own'])}",
                f"{ratio.median:.1f} ({ratio.low:.1f} to {ratio.high:.1f})",
                f"{alone[outcome]:.1f}",
            )
        )
    section.tables.append(Table(f"{len(names)} schedules, first look at {FIRST} replications each, {rounds} rounds", HEADS, rows))
    first, worst = spread(ratios["base_attacks"]), min(alone, key=lambda name: alone[name])
    section.short.append(
        f"To decide all pairs in base attacks to within 1, common luck needs {first.median:.1f} ({first.low:.1f} to "
        f"{first.high:.1f}) times fewer replications than luck of each schedule's own: most pairs lie far apart, and the sign "
        "of their difference is soon sure. For intervals of one width, whatever they say, it needs "
        f"{alone['base_attacks']:.1f} times fewer; in the worst outcome here, {worst}, {alone[worst]:.1f} times."
    )
    section.checks.append("no verdict of one way contradicts one of the other, and all pairs were decided in both")
    return section


def decided(names: list[str], outcome: str, tolerance: float, seed: int, own_luck: bool) -> tuple[int, pd.DataFrame]:
    """The replications that were needed, and the verdicts."""
    settings = settings_of(outcome, tolerance)
    wanted = [Wanted(name, scenario(name), seed + (k + 1 if own_luck else 0), FIRST, 0) for k, name in enumerate(names)]
    stopping = Stopping(settings, wanted)
    with TemporaryDirectory() as place, redirect_stdout(StringIO()):
        request = session.Request(
            "compare", "pairing", wanted, {}, {w.label: {"schedule": w.label} for w in wanted}, grow=stopping
        )
        done = session.run(request, settings.model_copy(update={"results": place}))
    require(done is not None and done.status == 0, "the study was made")
    assert done is not None
    verdicts = stopping.pairs(done.outcomes)
    require(bool((verdicts["verdict"] != "open").all()), f"all pairs decided within {settings.budget:,} replications")
    return len(done.outcomes), verdicts


def settings_of(outcome: str, tolerance: float) -> CompareSettings:
    overrides = [f"tolerance.{outcome}={tolerance}", f"replications={FIRST}", "weekly=0", "budget=100000000"]
    return check("", CompareSettings, split(Composer("compare").compose(overrides))[1])


def by_width(names: list[str], outcomes: Sequence[str], replications: int) -> dict[str, float]:
    """How many times fewer replications common luck needs for intervals of one width, each schedule having as many as its worst
    pair asks for: the ratio of the variances of differences, on luck of their own (the sum of two) and on common luck."""
    blocks = simulate({name: scenario(name) for name in names}, cases.SEED, replications)
    table, found = frame(blocks), {}
    for outcome in outcomes:
        covariance = cells(table, outcome).cov().to_numpy()
        variance = covariance.diagonal()
        own = np.add.outer(variance, variance)
        common = own - 2.0 * covariance  # 0 on the diagonal
        np.fill_diagonal(own, 0.0)
        found[outcome] = float(own.max(axis=1).sum() / common.max(axis=1).sum())
    return found


def compatible(a: pd.DataFrame, b: pd.DataFrame) -> None:
    """Raises CheckFailed if the two contradict each other."""
    both = a.merge(b, on=["a", "b", "outcome"], suffixes=("", "_own"))
    require(len(both) == len(a) == len(b), "the same pairs")
    for row in both.to_dict("records"):
        said = f"{row['a']} less {row['b']}: {row['verdict']} on common luck, {row['verdict_own']} on their own"
        require(CONTRADICTORY.get(row["verdict"]) != row["verdict_own"], said)
        require(abs(row["mean"] - row["mean_own"]) <= row["half_width"] + row["half_width_own"], f"{said}; the intervals part")
