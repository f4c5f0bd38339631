"""When a ranking of schedules is decided: a stopping rule that may look again and again, for paired and for independent runs.

All pairs are looked at after 40, 57, 80, 113, 160, ... replications of each schedule. At look j a pair's interval of the
difference of means has an error of 0.05 / pairs / (j (j + 1)): these add up to 5 % over all pairs and all looks (Bonferroni),
however many there are; as t intervals they take means of forty to be near enough to normal. A pair is decided at the first
look at which its interval lies within the tolerance ("same"), or leaves out nought.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from scipy.special import ndtri, stdtrit

ALPHA = 0.05
FIRST, GROWTH = 40, 2**0.5
MOST = 40_000  # replications of each schedule; nobody waits for more
LOWER, SAME, HIGHER = "lower", "same", "higher"

Pair = tuple[int, int]
Samples = Callable[[int], np.ndarray]  # n -> the first n values of each schedule, one row a schedule


@dataclass(frozen=True)
class Verdict:
    """A pair's difference of means when it was decided: the first of the pair is lower, the same, or higher."""

    word: str
    mean: float
    half: float


@dataclass(frozen=True)
class Ranking:
    """What was found. needed: replications of each schedule until the last pair was decided, None if the most did not do."""

    needed: int | None
    verdicts: dict[Pair, Verdict]
    means: list[float]

    def words(self, names: list[str]) -> str:
        """From the lowest mean to the highest, with = where two neighbours are the same within the tolerance."""
        order = sorted(range(len(names)), key=lambda k: self.means[k])
        text = names[order[0]]
        for a, b in pairwise(order):
            verdict = self.verdicts.get((min(a, b), max(a, b)))
            text += f" {'?' if verdict is None else '=' if verdict.word == SAME else '<'} {names[b]}"
        return text


def looks() -> list[int]:
    found = [FIRST]
    while (following := round(FIRST * GROWTH ** len(found))) <= MOST:
        found.append(following)
    return found


def decide(samples: Samples, tolerance: float, paired: bool) -> Ranking:
    """Look again and again until every pair is decided."""
    verdicts: dict[Pair, Verdict] = {}
    values = np.empty((0, 0))
    for look, n in enumerate(looks(), start=1):
        values = samples(n)
        pairs = list(combinations(range(len(values)), 2))
        error = ALPHA / len(pairs) / (look * (look + 1))
        for pair in pairs:
            if pair not in verdicts:
                mean, half = interval(values[pair[0]], values[pair[1]], error, paired)
                if (word := verdict(mean, half, tolerance)) is not None:
                    verdicts[pair] = Verdict(word, mean, half)
        if len(verdicts) == len(pairs):
            return Ranking(n, verdicts, values.mean(axis=1).tolist())
    return Ranking(None, verdicts, values.mean(axis=1).tolist())


def interval(a: np.ndarray, b: np.ndarray, error: float, paired: bool) -> tuple[float, float]:
    """Mean and half-width of the interval of the difference: paired t, or Welch's for independent samples of the same size."""
    n = len(a)
    if paired:
        variance, freedom = float((a - b).var(ddof=1)) / n, n - 1.0
    else:
        one, other = float(a.var(ddof=1)) / n, float(b.var(ddof=1)) / n
        variance = one + other
        freedom = variance**2 / ((one**2 + other**2) / (n - 1)) if variance > 0 else n - 1.0
    return float(a.mean() - b.mean()), float(stdtrit(freedom, 1 - error / 2)) * variance**0.5


def verdict(mean: float, half: float, tolerance: float) -> str | None:
    if abs(mean) + half <= tolerance:
        return SAME
    if abs(mean) > half:
        return LOWER if mean < 0 else HIGHER
    return None


def contradiction(one: Ranking, other: Ranking, tolerance: float) -> Pair | None:
    """A pair on which two rankings disagree: opposite signs, or the same for one and surely not for the other."""
    for pair, a in one.verdicts.items():
        b = other.verdicts.get(pair)
        if b is None or a.word == b.word:
            continue
        surely_more = max(abs(v.mean) - v.half for v in (a, b) if v.word != SAME)
        if SAME not in (a.word, b.word) or surely_more > tolerance:
            return pair
    return None


def hardest(paired: np.ndarray, independent: np.ndarray, tolerance: float) -> tuple[float, float]:
    """How many replications the hardest pair needs by its variance alone, on common and on independent luck.

    The formula of a single look at as many replications as one likes, without first look, steps or estimates that wander: the
    half-width z sqrt(variance / n) has to fit the difference, or what the difference leaves of the tolerance.
    """
    z = float(ndtri(1 - ALPHA / len(list(combinations(range(len(paired)), 2))) / 2))
    common, apart = [], []
    for a, b in combinations(range(len(paired)), 2):
        mean = abs(float(independent[a].mean() - independent[b].mean()))
        room = max(mean, tolerance - mean)
        common.append(z**2 * float((paired[a] - paired[b]).var(ddof=1)) / room**2)
        apart.append(z**2 * float(independent[a].var(ddof=1) + independent[b].var(ddof=1)) / room**2)
    return max(common), max(apart)
