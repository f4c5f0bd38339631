"""What a simulated past is compared with the record by: a few numbers of each series and source, made alike of both.

A long series is told by its level by calendar year, of the last year and of the last quarter, by how uneven it is and by its rise
in Ramadan; a short one by each of its windows. Recent levels weigh more: a forecast goes on from where the past ends.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from sim.analysis.scores import FLOOR
from sim.case import Calendar
from sim.history.record import Window

LONG = 6  # windows up to which each stands for itself
LAST = 24  # the last so many windows tell how uneven a series is
WEIGHTS = {"year": 1.0, "last_12_months": 2.0, "last_3_months": 2.0, "unevenness": 0.5, "ramadan": 0.5, "window": 1.0}
RECENT = {"last_12_months": 365, "last_3_months": 91}  # days


@dataclass(frozen=True)
class Level:
    """The logarithm of 1 + the sum of some windows' counts."""

    windows: tuple[int, ...]

    def __call__(self, counts: np.ndarray) -> float:
        return float(np.log1p(counts[list(self.windows)].sum()))


@dataclass(frozen=True)
class Unevenness:
    """The logarithm of the variance of some windows' counts over their mean, kept finite where all are alike."""

    windows: tuple[int, ...]

    def __call__(self, counts: np.ndarray) -> float:
        few = counts[list(self.windows)]
        return float(np.log((few.var(ddof=1) + 0.1) / (few.mean() + 0.1)))


@dataclass(frozen=True)
class Rise:
    """The logarithm of the rate in Ramadan over the rate outside it. inside, outside: the days of each window that are."""

    windows: tuple[int, ...]
    inside: tuple[float, ...]
    outside: tuple[float, ...]

    def __call__(self, counts: np.ndarray) -> float:
        few, within, without = counts[list(self.windows)], np.array(self.inside), np.array(self.outside)
        share = within / (within + without)
        # a window's count is taken to be spread evenly over its days, in the record and in the model
        rates = [((few * part).sum() + 0.5) / days for part, days in ((share, within.sum()), (1.0 - share, without.sum()))]
        return float(np.log(rates[0] / rates[1]))


Statistic = Level | Unevenness | Rise


class Summaries:
    """The numbers by which counts of these windows are compared.

    Where the record has `at_least`, more is as good as that much: both are cut at what was observed.
    """

    def __init__(self, windows: Sequence[Window]) -> None:
        self.windows = list(windows)
        self.observed = np.array([w.count for w in windows], dtype=float)
        self.most = np.where([w.kind == FLOOR for w in windows], self.observed, np.inf)
        self.statistics: dict[str, Statistic] = {}
        self.weights: dict[str, float] = {}
        groups: dict[tuple[str, str], list[int]] = defaultdict(list)
        for k, window in enumerate(self.windows):
            groups[window.series, window.source].append(k)
        for (series, source), members in sorted(groups.items()):
            members.sort(key=lambda k: (self.windows[k].start, k))
            of_it = self._long(members) if len(members) > LONG else [("window", k, Level((k,))) for k in members]
            for what, which, statistic in of_it:
                name = f"{series}.{source}.{what}.{which}"
                self.statistics[name], self.weights[name] = statistic, WEIGHTS[what]

    def _long(self, members: list[int]) -> list[tuple[str, int, Statistic]]:
        """What tells a series of many windows: (what, which of them, statistic)."""
        found: list[tuple[str, int, Statistic]] = []
        years: dict[int, list[int]] = defaultdict(list)
        for k in members:
            years[middle(self.windows[k]).year].append(k)
        found += [("year", year, Level(tuple(ks))) for year, ks in sorted(years.items())]
        end = max(self.windows[k].end for k in members)
        for what, days in RECENT.items():
            recent = tuple(k for k in members if middle(self.windows[k]) > end - timedelta(days=days))
            found += [(what, 0, Level(recent))] if recent else []
        found.append(("unevenness", 0, Unevenness(tuple(members[-LAST:]))))
        inside = [in_ramadan(self.windows[k]) for k in members]
        outside = [self.windows[k].days - days for k, days in zip(members, inside, strict=True)]
        if sum(inside) and sum(outside):
            found.append(("ramadan", 0, Rise(tuple(members), tuple(map(float, inside)), tuple(map(float, outside)))))
        return found

    def __call__(self, counts: np.ndarray) -> dict[str, float]:
        """The numbers of some counts, one a window, by name."""
        cut = np.minimum(np.asarray(counts, dtype=float), self.most)
        return {name: statistic(cut) for name, statistic in self.statistics.items()}


def middle(window: Window) -> date:
    return window.start + (window.end - window.start) / 2


def in_ramadan(window: Window) -> int:
    """How many days of a window are in Ramadan, by the tabular calendar of the case."""
    days = 0
    for first, beyond in Calendar(window.start).ramadans:  # days since the window's first
        days += max(0, round(min(beyond, float(window.days)) - max(first, 0.0)))
    return days
