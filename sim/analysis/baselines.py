"""Three plain forecasts of a count, which know nothing but earlier counts: what a model has to beat.

Each sees the past windows only, those of the same series and source; where the source has none, those of all sources of the
series. A baseline that has nothing to go by says so (None). A floor ("at least") is taken as the count.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

import numpy as np

from sim.analysis.scores import LEAST_RATE, Forecast, mixture, smoothed

MOST = 1e6  # a mean count beyond it is of a simulation that ran away
LEAST_SERIES = 24  # consecutive windows of one length that an autoregression needs
SAME_LENGTH = 3  # days by which these may differ: calendar months do
UNIT_DAYS = 30.0  # days that a step's rate is given for; it cancels out


class Window(Protocol):
    """A count of one series by one source, from start to end, both days included."""

    @property
    def start(self) -> date: ...
    @property
    def end(self) -> date: ...
    @property
    def days(self) -> int: ...
    @property
    def series(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def count(self) -> int: ...


Baseline = Callable[[Sequence[Window], Window, date, int, np.random.Generator], Forecast | None]


def last_year_bootstrap(
    past: Sequence[Window], window: Window, origin: date, draws: int, rng: np.random.Generator
) -> Forecast | None:
    """The last year over again: stretches of it are drawn with replacement until the window is filled.

    Each is drawn as often as it has days, so that every day of the year counts alike. The last stretch is cut to fit, and each of
    its events kept with the share of its days that is used. Its probabilities are smoothed, see `sim.analysis.scores.smoothed`.

    Args:
        past: what is known at the end of the day `origin`. window: to forecast; its count is not looked at. draws: how many the
            ensemble has.
    Returns:
        None if no window of the series has begun in the calendar year up to the origin.
    """
    recent = related(last_year(past, origin), window)
    if not recent:
        return None
    days, counts = lengths(recent), np.array([known.count for known in recent])
    total, left = np.zeros(draws), np.full(draws, window.days)
    while (open_ := np.flatnonzero(left)).size:
        chosen = rng.choice(len(recent), size=open_.size, p=days / days.sum())
        used = np.minimum(days[chosen], left[open_])
        total[open_] += rng.binomial(counts[chosen], used / days[chosen])
        left[open_] -= used
    return smoothed(total)


def constant_poisson(
    past: Sequence[Window], window: Window, origin: date, draws: int, rng: np.random.Generator
) -> Forecast | None:
    """A Poisson count at the rate of all past windows together; where nothing was counted in them, at half an event.

    Arguments as of `last_year_bootstrap`. Returns None if there is no past window of the series.
    """
    own = related(past, window)
    if not own:
        return None
    rate = max(float(sum(known.count for known in own)), LEAST_RATE) / float(lengths(own).sum())
    return mixture(np.array([rate * window.days]), np.array([np.inf]), np.ones(1), draws, rng)


def ar1_negative_binomial(
    past: Sequence[Window], window: Window, origin: date, draws: int, rng: np.random.Generator
) -> Forecast | None:
    """A negative-binomial count whose log mean is linear in log(1 + the count before), fitted and simulated forward.

    Arguments as of `last_year_bootstrap`. Returns None unless the source has at least 24 consecutive windows of one length (give
    or take 3 days) up to its latest, and if the means that it simulates run away beyond a million. Parameters are the
    likelihood's maximum: what is unknown of them is not in the forecast.
    """
    own = consecutive([known for known in past if (known.series, known.source) == (window.series, window.source)])
    if len(own) < LEAST_SERIES or window.start <= own[-1].end:
        return None
    fitted = fit(np.array([known.count for known in own]), lengths(own))
    total, before = np.zeros(draws), np.full(draws, float(own[-1].count))
    for start, end in steps(own, window.end):
        mean = fitted.mean(before, (end - start).days + 1)
        if not mean.max() <= MOST:
            return None
        before = mixture(mean, np.full(draws, fitted.size), np.ones(draws), 1, rng).counts
        shared = (min(end, window.end) - max(start, window.start)).days + 1
        if (start, end) == (window.start, window.end):
            return Forecast(before, np.full(draws, 1.0 / draws), mean, np.full(draws, fitted.size), np.full(draws, 1.0 / draws))
        if shared > 0:
            total += rng.binomial(before.astype(int), shared / ((end - start).days + 1))
    return smoothed(total)


BASELINES: dict[str, Baseline] = {
    "last_year_bootstrap": last_year_bootstrap,
    "constant_poisson": constant_poisson,
    "ar1_negative_binomial": ar1_negative_binomial,
}


def by_own_source(name: str, past: Sequence[Window], window: Window, origin: date) -> bool:
    """Whether a baseline, or any method that sees the whole past, has windows of the very source it forecasts to go by."""
    seen = last_year(past, origin) if name == last_year_bootstrap.__name__ else past
    return any((known.series, known.source) == (window.series, window.source) for known in seen)


def last_year(past: Sequence[Window], origin: date) -> list[Window]:
    """The windows that have begun in the calendar year up to the origin."""
    return [known for known in past if known.start > year_before(origin)]


def year_before(day: date) -> date:
    """The same day one calendar year before; of 29 February, the 28th."""
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)


def related(past: Sequence[Window], window: Window) -> list[Window]:
    """The past windows of the window's series and source, or, where there is none, of its series."""
    series = [known for known in past if known.series == window.series]
    return [known for known in series if known.source == window.source] or series


def lengths(windows: Sequence[Window]) -> np.ndarray:
    """Days of each window."""
    return np.array([known.days for known in windows])


def consecutive(windows: Sequence[Window]) -> list[Window]:
    """The longest run of windows up to the latest in which each begins as the one before ends, all of about one length."""
    run: list[Window] = []
    for known in sorted(windows, key=lambda known: known.start, reverse=True):
        follows = not run or run[-1].start - known.end == timedelta(days=1)
        span = [known.days, *(one.days for one in run)]
        if not follows or max(span) - min(span) > SAME_LENGTH:
            break
        run.append(known)
    return run[::-1]


def steps(own: Sequence[Window], until: date) -> Iterator[tuple[date, date]]:
    """First and last days of the steps that follow the windows until that day: calendar months if they are, else as the last."""
    months = all(known.start.day == 1 and (known.end + timedelta(days=1)).day == 1 for known in own)
    start = own[-1].end + timedelta(days=1)
    while start <= until:
        after = (start + timedelta(days=31)).replace(day=1) if months else start + timedelta(days=own[-1].days)
        yield start, after - timedelta(days=1)
        start = after


@dataclass(frozen=True)
class Autoregression:
    """log mean of a step of d days = log(d / 30) + level + memory * log(1 + count before); variance = mean + mean^2 / size."""

    level: float
    memory: float
    size: float

    def mean(self, before: np.ndarray, days: np.ndarray | int) -> np.ndarray:
        return np.asarray(days) / UNIT_DAYS * np.exp(self.level + self.memory * np.log1p(before))


def fit(counts: np.ndarray, days: np.ndarray) -> Autoregression:
    """The maximum of the likelihood of consecutive counts, given the first.

    Memory is kept within -1 and 1: beyond, a simulation runs away. Source of the form: Zeger and Qaqish, Biometrics 44 (1988);
    Fokianos and Tjostheim, Journal of Multivariate Analysis 102 (2011).
    """
    from scipy.optimize import minimize
    from scipy.special import gammaln

    before, count, length = counts[:-1], counts[1:], days[1:]

    def loss(at: np.ndarray) -> float:
        size = np.exp(at[2])
        mean = Autoregression(at[0], at[1], size).mean(before, length)
        choose = gammaln(count + size) - gammaln(size) - gammaln(count + 1.0)
        log_mean = np.log(mean)
        return float(-np.sum(choose - size * np.log1p(mean / size) + count * (log_mean - np.log(size + mean))))

    start = np.array([np.log((count.sum() + LEAST_RATE) / length.sum() * UNIT_DAYS), 0.0, 1.0])
    found = minimize(loss, start, method="L-BFGS-B", bounds=[(-20.0, 20.0), (-1.0, 1.0), (-5.0, 10.0)])
    return Autoregression(float(found.x[0]), float(found.x[1]), float(np.exp(found.x[2])))
