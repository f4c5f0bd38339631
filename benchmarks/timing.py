"""Contenders take turns, round by round, and every result is checked: what a machine does meanwhile hits all of them alike."""

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter, process_time
from typing import Any

from benchmarks.report import require

Clock = Callable[[], float]
cpu: Clock = process_time  # of this process, all its threads: for work on one thread
wall: Clock = perf_counter  # for work on several


@dataclass(frozen=True)
class Spread:
    """A median of as many values as there were rounds, with the lowest and the highest."""

    median: float
    low: float
    high: float
    rounds: int

    def __str__(self) -> str:
        return f"{number(self.median)} ({number(self.low)} to {number(self.high)})"


def spread(values: list[float]) -> Spread:
    return Spread(median(values), min(values), max(values), len(values))


@dataclass(frozen=True)
class Rounds:
    """Seconds of each contender in each round."""

    seconds: dict[Any, list[float]]

    def of(self, name: Any, share: float = 1.0) -> Spread:
        """Seconds, or a share of them (1 / replications gives seconds a replication)."""
        return spread([second * share for second in self.seconds[name]])

    def ratio(self, slow: Any, fast: Any, share: float = 1.0) -> Spread:
        """How many times longer the one took than the other, round by round. share: work of `fast` over that of `slow`."""
        pairs = zip(self.seconds[slow], self.seconds[fast], strict=True)
        return spread([one / other * share for one, other in pairs])


def in_turns(
    contenders: Mapping[Any, Callable[[], Any]], rounds: int, check: Callable[[Any, Any], None], clock: Clock = cpu
) -> Rounds:
    """Time the contenders in turns; each round begins with another one. The first round warms up and is not counted.

    Args:
        check: (name, result) raises CheckFailed if a result is wrong; asked after every single run, outside the time.
    """
    require(rounds >= 1 and len(contenders) >= 1, "timing: nothing to measure")
    names, seconds = list(contenders), {name: [] for name in contenders}
    for turn in range(rounds + 1):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            gc.collect()
            gc.freeze()  # what was there before is not this contender's to look through, as in a process of its own
            began = clock()
            result = contenders[name]()
            took = clock() - began
            gc.unfreeze()
            check(name, result)
            if turn:
                seconds[name].append(took)
    return Rounds(seconds)


def number(value: float) -> str:
    """Three digits, without an exponent where one can do without."""
    if value == 0 or 0.001 <= abs(value) < 1000:
        return f"{value:#.3g}".rstrip(".")
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2e}"


def duration(seconds: float) -> str:
    """In the unit that reads best: 12.3 ms, 4.5 s, 3.1 min."""
    for limit, unit, factor in ((1e-3, "µs", 1e6), (1.0, "ms", 1e3), (120.0, "s", 1.0), (7200.0, "min", 1 / 60)):
        if seconds < limit:
            return f"{number(seconds * factor)} {unit}"
    return f"{number(seconds / 3600)} h"
