"""Guarantees of choosing: the best among many, the intervals against it, the winner's curse, the value of knowing more."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.random import Generator, default_rng

from sim.analysis.information import naive_perfect, perfect, value_of_information
from sim.analysis.regret import regret
from sim.analysis.selection import constrained, cross_fitted, kim_nelson
from tests.claims import CONFIDENCE, SALT, Share, Table, of_shares

EVPI = 0.395593  # 2 phi(1/2) - (1 - Phi(1/2))


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
