"""How sources see what happened: coverage, noise, and a coverage that drifts, by source and series.

This is what researchers read years later. What the model's agents see while it runs is another matter, and another file:
`sim.agents.observation`. A source reports

    count ~ NegativeBinomial(mean = min(1, coverage * exp(walk)) * truth, size = size * days / 30)

where truth is what happened in the window (counted on the CTC scale for ISIS), size that of a count of 30 days, and walk a random
walk of the logarithm of coverage that starts from 0 at the start of the episode and has a standard deviation of `drift` for each
square root of a year. docs/record.md tells why sources differ two to ten times on the same quarter.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from sim.history import walks
from sim.history.record import Window
from sim.luck import generator, stream
from sim.parameters import Beliefs, Parameter, belief, parameters_of

YEAR = 365.25
MONTH = 30.0  # days of a count whose size is declared
WALK, NOISE, PAST, AHEAD = range(4)  # words of luck; the last two: of a walk given what was counted, and of how it goes on
LEAST = 1e-200  # a probability that is told as a difference
RATIOS = "GTD over CTC .44 in 2018, .21 in 2019, .13 from January to September 2020"


def coverage(value: float, low: float, high: float, evidence: str, source: str):
    """The share of what happened that is reported, at the start of an episode."""
    return belief(value, "share reported", range=(low, high), bounds=(0.0, 1.0), evidence=evidence, source=source)


def size(value: float, low: float, high: float, source: str, evidence: str = "judgement"):
    """Noise of reporting beyond that of the truth: variance = mean + mean^2 / size in 30 days."""
    what = "size of the negative binomial of a 30-day count"
    return belief(value, what, range=(low, high), bounds=(0.1, 10_000.0), evidence=evidence, source=source)


def drift(value: float, low: float, high: float, source: str, evidence: str = "judgement"):
    """How fast coverage wanders."""
    what = "sd of the walk of log coverage over a year"
    return belief(value, what, range=(low, high), bounds=(0.0, 3.0), evidence=evidence, source=source)


# -- declarations: one class for each way to count; coverage, size, drift -----------------------------------------
# fmt: off
class Reference(Beliefs):
    """A source that the truth is counted by: its coverage is 1 and does not drift, so it has neither parameter."""

    size: float = size(40.0, 15.0, 200.0, "one team's count by one method over the years; the reference scale has no coverage")


class LeadIgIsis(Beliefs):
    coverage: float = coverage(0.40, 0.36, 0.45, "judgement", "230 of CTC's 510 in the third quarter of 2020 (.45); lower, ours")
    size: float = size(20.0, 8.0, 60.0, "claims of the attackers, counted each quarter")
    drift: float = drift(0.1, 0.05, 0.2, "one method throughout")


class GtdIsis(Beliefs):
    coverage: float = coverage(0.30, 0.20, 0.45, "computed", f"{RATIOS}; of all three years, though it stands for the start")
    size: float = size(15.0, 6.0, 40.0, "GTD's months vary with a size of 2 to 15 in a year; most of it is the attacks' own")
    drift: float = drift(0.6, 0.3, 0.9, f"{RATIOS}: steps of .75 and .52 in the logarithm; two steps only", "computed")


class GtdBases(Beliefs):
    coverage: float = coverage(0.65, 0.4, 1.0, "judgement", "press reports see 0.5 to 0.8 of attacks on bases; of convoys, ours")
    size: float = size(10.0, 4.0, 40.0, "months of 0, 6 and 2 attacks in early 2021 say little")
    drift: float = drift(0.15, 0.05, 0.3, "attacks on Americans are news in any year, more so than ISIS's")


class Tally(Beliefs):
    """A tally of attacks on Americans by the press or an institute, from open reports."""

    coverage: float = coverage(0.65, 0.5, 0.8, "document", "press tallies see 0.5 to 0.8 of base attacks counted by the military")
    size: float = size(15.0, 5.0, 60.0, "what is newsworthy varies; noise of a quarter beside that of the count itself")
    drift: float = drift(0.1, 0.05, 0.2, "one method over two years at most")


class TargetTally(Beliefs):
    """A tally of attacks on all US targets, convoys among them."""

    coverage: float = coverage(0.5, 0.2, 0.8, "judgement", "convoy bombs are seldom news: AFP has 14 of GTD's 45 in early 2021")
    size: float = size(15.0, 5.0, 60.0, "as for tallies of base attacks")
    drift: float = drift(0.1, 0.05, 0.2, "one method over a few months")


class ConvoyTally(Beliefs):
    coverage: float = coverage(0.8, 0.5, 1.0, "judgement", "from US military contacts; the declared convoy rate was read from it")
    size: float = size(15.0, 5.0, 60.0, "as for tallies of base attacks")
    drift: float = drift(0.1, 0.05, 0.2, "one count of seven months")


class UcdpFatal(Beliefs):
    coverage: float = coverage(0.45, 0.2, 0.8, "judgement", "only with a named side; many attacks were claimed by nobody")
    size: float = size(15.0, 6.0, 40.0, "as for GTD's ISIS attacks")
    drift: float = drift(0.15, 0.05, 0.3, "one code book, but press access and claims changed from year to year")


class Unknown(Beliefs):
    """A source that nobody declared, or one known for another series: hardly anything is assumed."""

    coverage: float = coverage(0.5, 0.15, 1.0, "judgement", "unknown source: sources known see 0.1 to 1 of what happened")
    size: float = size(12.0, 4.0, 60.0, "unknown source: as wide as most known together")
    drift: float = drift(0.2, 0.05, 0.7, "unknown source: from steady ones to unsteady ones")
# fmt: on


DECLARED: dict[tuple[str, str], type[Beliefs]] = {
    ("ctc", "isis_attacks"): Reference,
    ("lead_ig", "isis_attacks"): LeadIgIsis,
    ("gtd", "isis_attacks"): GtdIsis,
    ("gtd", "base_attacks"): GtdBases,
    ("gtd", "us_target_attacks"): GtdBases,
    ("fdd", "base_attacks"): Tally,
    ("fdd_tally", "base_attacks"): Tally,
    ("afp", "base_attacks"): Tally,
    ("afp", "us_target_attacks"): TargetTally,
    ("washington_institute", "base_attacks"): Tally,
    ("washington_institute", "convoy_attacks"): ConvoyTally,
    ("critical_threats", "base_attacks"): Tally,
    ("jpost", "us_target_attacks"): TargetTally,
    ("ucdp", "isis_fatal_events"): UcdpFatal,
}
FIXED = {"coverage": 1.0, "drift": 0.0}  # of a reference, which declares neither

# The last day of the figures that a default or range was read from: a calibration that ends before it has seen too much.
READ_UNTIL = {
    "sources.ucdp.isis_fatal_events.size": date(2021, 3, 31),
    "sources.washington_institute.convoy_attacks.coverage": date(2020, 7, 29),
    "sources.lead_ig.isis_attacks.coverage": date(2020, 9, 30),
    "sources.gtd.isis_attacks.coverage": date(2020, 9, 30),
    "sources.gtd.isis_attacks.size": date(2021, 3, 31),
    "sources.gtd.isis_attacks.drift": date(2020, 9, 30),
    "sources.gtd.base_attacks.size": date(2021, 3, 31),
    "sources.gtd.us_target_attacks.size": date(2021, 3, 31),
    "sources.afp.us_target_attacks.coverage": date(2021, 4, 4),
    "sources.jpost.us_target_attacks.coverage": date(2021, 4, 4),
}


def prefix(source: str, series: str) -> str:
    """What the keys of one source's parameters begin with."""
    return f"sources.{source}.{series}"


def parameters(windows: Iterable[Window] | None = None) -> list[Parameter]:
    """The parameters of observation, keys such as sources.gtd.isis_attacks.coverage.

    Args:
        windows: only those of the sources of these windows, in order of first appearance, undeclared sources among them. Without
            it, those of all declared sources.
    """
    pairs = DECLARED if windows is None else dict.fromkeys((window.source, window.series) for window in windows)
    return [parameter for pair in pairs for parameter in parameters_of(prefix(*pair), DECLARED.get(pair, Unknown))]


def undeclared(windows: Iterable[Window]) -> list[tuple[str, str]]:
    """The (source, series) of windows that nobody declared and that therefore have the wide default, to be told to the user."""
    return [pair for pair in dict.fromkeys((window.source, window.series) for window in windows) if pair not in DECLARED]


# -- reporting -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Group:
    """The windows of one source and series by time: their places, years from the start to the middle of each, days and kind of
    each."""

    key: str
    places: np.ndarray
    years: np.ndarray
    days: np.ndarray
    kinds: np.ndarray
    stream: int  # of its luck
    defaults: Mapping[str, float]


class Sources:
    """The sources of these windows. Built once, asked many times.

    Luck is keyed by source and series and used up in the order of time: reports of the past are the same to the bit whether or
    not later windows, or other sources, are asked for too.
    """

    def __init__(self, windows: Sequence[Window], start: date) -> None:
        """start: the first day of the episode, where every walk begins."""
        self.count = len(windows)
        found: dict[tuple[str, str], list[int]] = {}
        for k, window in enumerate(windows):
            found.setdefault((window.source, window.series), []).append(k)
        self.groups = [self.group(pair, places, windows, start) for pair, places in found.items()]

    @staticmethod
    def group(pair: tuple[str, str], places: list[int], windows: Sequence[Window], start: date) -> Group:
        places = sorted(places, key=lambda k: windows[k].start)
        days = np.array([windows[k].days for k in places], dtype=float)
        first = np.array([(windows[k].start - start).days for k in places], dtype=float)
        declared = {p.name: p.default for p in parameters_of(prefix(*pair), DECLARED.get(pair, Unknown))}
        return Group(
            key=prefix(*pair),
            places=np.array(places),
            years=np.maximum(first + days / 2.0, 0.0) / YEAR,
            days=days,
            kinds=np.array([windows[k].kind for k in places]),
            stream=stream("sources", *pair),
            defaults=FIXED | declared,
        )

    def expected(
        self, truth: np.ndarray, values: Mapping[str, float], key: int, known: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mean and size of each window's negative binomial, given one course of the walks.

        Args:
            truth: what happened, one number for each window, at least 0; a share of a count where the series is one.
            values: parameters by key; what is missing has its default. key: of the luck, 0 <= key < 2^64: the same for `counts`.
            known: what was counted in each window, NaN where that is not known. Walks are then drawn given these counts and this
                truth, and go on from there; without it, and where nothing of a source is known, they are drawn from nothing.
        """
        mean, sizes = np.empty(self.count), np.empty(self.count)
        for group in self.groups:
            of = {name: values.get(f"{group.key}.{name}", default) for name, default in group.defaults.items()}
            happened, size = truth[group.places], of["size"] * group.days / MONTH
            share = np.full(len(group.places), of["coverage"])
            if of["drift"] > 0.0:
                steps = of["drift"] * np.sqrt(np.diff(group.years, prepend=0.0))
                counted = np.full(len(steps), np.nan) if known is None else known[group.places]
                share *= np.exp(walk(group, steps, of["coverage"], happened, size, counted, key))
            mean[group.places] = np.minimum(share, 1.0) * happened
            sizes[group.places] = size
        return mean, sizes

    def counts(self, mean: np.ndarray, sizes: np.ndarray, key: int) -> np.ndarray:
        """What each source reports, whole numbers; where the mean is 0, nothing."""
        found = np.zeros(self.count, dtype=np.int64)
        for group in self.groups:
            luck = generator(key, 0, group.stream, 1, NOISE)
            share = sizes[group.places] / (sizes[group.places] + mean[group.places])
            found[group.places] = luck.negative_binomial(sizes[group.places], share)
        return found

    def report(self, truth: np.ndarray, values: Mapping[str, float], key: int) -> np.ndarray:
        """One draw of what the sources report of this truth; see `expected` for the arguments."""
        return self.counts(*self.expected(truth, values, key), key)


def walk(
    group: Group, steps: np.ndarray, coverage: float, truth: np.ndarray, size: np.ndarray, counted: np.ndarray, key: int
) -> np.ndarray:
    """The walk of one source's log coverage at each of its windows; arrays are by its windows.

    Up to the last window whose count is known it is drawn given all such counts; from there on, or from the start, freely.
    """
    known = np.flatnonzero(np.isfinite(counted))
    past = int(known[-1]) + 1 if len(known) else 0
    luck = generator(key, 0, group.stream, 1, AHEAD if past else WALK)
    ahead = np.cumsum(steps[past:] * luck.standard_normal(len(steps) - past))
    if not past:
        return ahead
    points = grid_of(steps[:past], coverage, truth[known], size[known], counted[known])
    means = np.minimum(coverage * np.exp(points), 1.0) * truth[known, None]
    kinds, seen = group.kinds[known], np.zeros((past, len(points)))
    exact = known[kinds == "exact"]  # most of them: all at once
    seen[exact] = log_equal(counted[exact, None], means[kinds == "exact"], size[exact, None])
    for k in np.flatnonzero(kinds != "exact"):
        seen[known[k]] = FORMS[kinds[k]](int(counted[known[k]]), means[k], size[known[k]])
    found = walks.redrawn(points, steps[:past], seen, generator(key, 0, group.stream, 1, PAST))
    return np.concatenate([found, found[-1] + ahead])


def grid_of(steps: np.ndarray, coverage: float, truth: np.ndarray, size: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """The points to draw a walk on: 5 standard deviations of its last step, and all that a count would have it go to."""
    spread = max(float(np.sqrt(np.sum(steps**2))), 1e-6)
    some = (truth > 0.0) & (coverage > 0.0)
    to = np.log(np.maximum(counted[some], 0.5)) - np.log(coverage * truth[some])
    to = np.minimum(to, -np.log(coverage)) if len(to) else np.zeros(1)  # nobody sees more than all
    finest = min(steps[steps > 0.0].min(initial=1.0), np.sqrt(1.0 / np.minimum(size, np.maximum(counted, 1.0)).max()))
    return walks.grid(min(-5.0 * spread, to.min() - 2.0 * spread), max(5.0 * spread, to.max() + 2.0 * spread), finest)


# -- probability of what is on record ------------------------------------------------------------------------------------
def log_probability(windows: Sequence[Window], mean: np.ndarray, size: np.ndarray) -> np.ndarray:
    """The log probability of what each window says, given the negative binomial of its source.

    exact: log P(Y = n). at_least: log P(Y >= n). about: log P(Y within 10 % of n, and within 1 at least).

    Args:
        mean, size: shape (..., windows).
    Returns:
        the same shape; minus infinity where it cannot be, for example 3 counted where nothing happened.
    """
    mean, size = np.broadcast_arrays(np.asarray(mean, dtype=float), np.asarray(size, dtype=float))
    found = np.empty(mean.shape)
    for k, window in enumerate(windows):
        found[..., k] = FORMS[window.kind](window.count, mean[..., k], size[..., k])
    return found


def log_equal(n: int | np.ndarray, mean: np.ndarray, size: np.ndarray) -> np.ndarray:
    """log P(Y = n)."""
    from scipy.special import gammaln, xlog1py, xlogy

    coefficient = gammaln(n + size) - gammaln(size) - gammaln(n + 1.0)
    return coefficient - xlog1py(size, mean / size) + xlogy(n, mean / (size + mean))


def log_at_least(n: int, mean: np.ndarray, size: np.ndarray) -> np.ndarray:
    """log P(Y >= n), by the incomplete beta function."""
    from scipy.special import betainc

    if n == 0:
        return np.zeros(np.shape(mean))
    with np.errstate(divide="ignore"):  # the probability may be 0
        return np.log(betainc(float(n), size, mean / (size + mean)))


def log_about(n: int, mean: np.ndarray, size: np.ndarray) -> np.ndarray:
    """log P(Y within 10 % of n, and within 1 at least): the difference of two incomplete beta functions, of the lesser tails."""
    from scipy.special import betainc

    low, high = about(n)
    mean, size = np.broadcast_arrays(np.asarray(mean, dtype=float), np.asarray(size, dtype=float))
    happens = mean / (size + mean)
    above = (betainc(float(low), size, happens) if low else 1.0) - betainc(high + 1.0, size, happens)
    below = betainc(size, high + 1.0, 1.0 - happens) - (betainc(size, float(low), 1.0 - happens) if low else 0.0)
    share = np.where(mean > n, below, above)
    nearest = log_equal(np.clip(np.floor(mean), low, high), mean, size)  # far out, where a difference has no digits: most of it
    return np.where(share > LEAST, np.log(np.maximum(share, LEAST)), nearest)


def about(n: int) -> tuple[int, int]:
    """The whole numbers, both included, that "about n" may mean."""
    width = max(1, n // 10)
    return max(n - width, 0), n + width


FORMS = {"exact": log_equal, "at_least": log_at_least, "about": log_about}
