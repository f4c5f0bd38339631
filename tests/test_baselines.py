"""Baselines: what was simulated comes out again, nothing later than the origin is seen, and what cannot be had is not made up."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pytest

from sim.analysis.baselines import (
    BASELINES,
    Autoregression,
    ar1_negative_binomial,
    consecutive,
    constant_poisson,
    fit,
    last_year_bootstrap,
    steps,
    year_before,
)
from sim.analysis.scores import drawn

DRAWS = 20_000


@dataclass(frozen=True)
class Counted:
    start: date
    end: date
    count: int
    series: str = "isis_attacks"
    source: str = "gtd"

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1


def months(counts, first: date = date(2016, 1, 1), **about) -> list[Counted]:
    """Calendar months with these counts."""
    found, start = [], first
    for count in counts:
        after = (start + timedelta(days=31)).replace(day=1)
        found.append(Counted(start, after - timedelta(days=1), int(count), **about))
        start = after
    return found


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def after(past: list[Counted], days: int, **about) -> Counted:
    start = past[-1].end + timedelta(days=1)
    return Counted(start, start + timedelta(days=days - 1), 0, **about)


def test_the_bootstrap_draws_the_counts_of_the_last_year():
    past = [*months([500] * 12), *months([2, 4, 6] * 4, date(2017, 1, 1))]
    made = last_year_bootstrap(past, after(past, 31), past[-1].end, DRAWS, rng())
    assert made is not None
    assert set(made.counts) <= set(range(13))  # a month, and of a shorter one a day of another
    # a draw has mean 4 and variance 8/3 for each of a month's days, a little less where two stretches are mixed
    assert made.counts.mean() == pytest.approx(4.0 * 31 / 30.4, abs=0.1)
    assert made.counts.var() == pytest.approx(8 / 3, rel=0.15)


def test_the_last_year_is_a_calendar_year_also_where_it_has_366_days():
    first = months([7], date(2020, 1, 1))
    window = Counted(date(2021, 1, 1), date(2021, 1, 31), 0)
    made = last_year_bootstrap(first, window, date(2020, 12, 31), 50, rng())
    assert made is not None
    assert set(made.counts) == {7}
    assert last_year_bootstrap(first, window, date(2021, 1, 1), 50, rng()) is None
    assert year_before(date(2020, 2, 29)) == date(2019, 2, 28)
    assert year_before(date(2020, 12, 31)) == date(2019, 12, 31)


def test_a_long_stretch_is_drawn_as_often_as_it_has_days():
    past = [
        Counted(date(2019, 1, 1), date(2019, 12, 21), 0),
        *(Counted(date(2019, 12, d), date(2019, 12, d), 1) for d in range(22, 32)),
    ]
    made = last_year_bootstrap(past, Counted(date(2020, 1, 1), date(2020, 1, 1), 0), date(2019, 12, 31), DRAWS, rng())
    assert made is not None
    assert (made.counts > 0).mean() == pytest.approx(10 / 365, abs=5 * np.sqrt(10 / 365 / DRAWS))


def test_an_autoregression_that_runs_away_is_no_forecast():
    past = months([int(1.7**k) for k in range(26)])
    assert ar1_negative_binomial(past, after(past, 3000), past[-1].end, 50, rng()) is None


def test_the_bootstrap_fills_a_quarter_and_cuts_a_week():
    past = months([10] * 12, date(2018, 1, 1))
    quarter = last_year_bootstrap(past, after(past, 91), past[-1].end, DRAWS, rng())
    week = last_year_bootstrap(past, after(past, 7), past[-1].end, DRAWS, rng())
    assert quarter is not None
    assert week is not None
    rate = 120 / 365  # every day alike
    assert quarter.counts.mean() == pytest.approx(91 * rate, abs=0.4)
    assert week.counts.mean() == pytest.approx(7 * rate, abs=5 * np.sqrt(7 * rate / DRAWS))
    assert week.counts.var() == pytest.approx(10 * 7 / 30 * (1 - 7 / 30), rel=0.1)


def test_a_source_without_a_past_is_forecast_by_all_sources_of_the_series():
    past = [*months([10] * 12, date(2018, 1, 1)), *months([1000] * 12, date(2018, 1, 1), series="base_attacks")]
    window = after(past, 30, source="ctc")
    for baseline in (last_year_bootstrap, constant_poisson):
        made = baseline(past, window, past[-1].end, DRAWS, rng())
        assert made is not None
        assert made.counts.mean() == pytest.approx(10.0, rel=0.05)
    assert ar1_negative_binomial(past, window, past[-1].end, DRAWS, rng()) is None


def test_without_a_past_there_is_no_forecast():
    past = months([10] * 36, date(2014, 1, 1))
    window = after(past, 30, series="base_attacks")
    assert all(baseline(past, window, past[-1].end, 10, rng()) is None for baseline in BASELINES.values())
    late = Counted(date(2019, 1, 1), date(2019, 1, 31), 0)
    assert last_year_bootstrap(past, late, date(2018, 12, 31), 10, rng()) is None


def test_the_constant_rate_is_that_of_all_days():
    past = [Counted(date(2018, 1, 1), date(2018, 12, 31), 730), Counted(date(2019, 1, 1), date(2019, 1, 10), 20)]
    made = constant_poisson(past, after(past, 30), past[-1].end, DRAWS, rng())
    assert made is not None
    assert made.mean.tolist() == [60.0]
    assert np.isinf(made.size).all()
    assert made.counts.mean() == pytest.approx(60.0, abs=5 * np.sqrt(60 / DRAWS))


def test_where_nothing_was_counted_something_is_still_possible():
    past = months([0] * 30)
    for name, baseline in BASELINES.items():
        made = baseline(past, after(past, 31), past[-1].end, 100, rng())
        assert made is not None, name
        assert (made.mean > 0).all(), name


def simulated(level: float, memory: float, size: float, n: int, seed: int) -> np.ndarray:
    """Counts of 30-day steps."""
    generator, law = np.random.default_rng(seed), Autoregression(level, memory, size)
    counts = np.zeros(n)
    counts[0] = 20.0
    for k in range(1, n):
        counts[k] = drawn(law.mean(counts[k - 1 : k], 30), np.array([size]), generator)[0]
    return counts


def test_the_autoregression_that_made_a_series_comes_out_of_it():
    found = [fit(simulated(1.2, 0.6, 5.0, 1500, seed), np.full(1500, 30)) for seed in range(6)]
    for name, true in (("level", 1.2), ("memory", 0.6), ("size", 5.0)):
        values = np.array([getattr(one, name) for one in found])
        assert values.mean() == pytest.approx(true, abs=5 * values.std(ddof=1) / np.sqrt(6)), name
        assert values.std(ddof=1) < 0.12 * true, name


def test_a_series_without_memory_has_none():
    found = fit(simulated(np.log(20.0), 0.0, 1e6, 2000, 3), np.full(2000, 30))
    assert abs(found.memory) < 0.1
    assert found.mean(np.array([20.0]), 30)[0] == pytest.approx(20.0, rel=0.02)


def test_the_next_step_is_forecast_with_the_fitted_mean_and_spread():
    past = months(simulated(1.2, 0.6, 5.0, 60, 1))
    window = months([0], past[-1].end + timedelta(days=1))[0]
    made = ar1_negative_binomial(past, window, past[-1].end, DRAWS, rng())
    law = fit(np.array([known.count for known in past]), np.array([known.days for known in past]))
    assert made is not None
    mean = law.mean(np.array([past[-1].count]), window.days)[0]
    spread = np.sqrt(mean + mean**2 / law.size)
    assert made.mean == pytest.approx(np.full(DRAWS, mean))
    assert made.counts.mean() == pytest.approx(mean, abs=5 * spread / np.sqrt(DRAWS))
    assert made.counts.std() == pytest.approx(spread, rel=0.05)


def test_a_quarter_is_the_sum_of_its_months_and_half_a_month_half_of_it():
    past = months([8, 12] * 15)
    end = past[-1].end
    quarter, half = after(past, 31 + 31 + 30), after(past, 15)
    one = ar1_negative_binomial(past, quarter, end, DRAWS, rng())
    other = ar1_negative_binomial(past, half, end, DRAWS, rng())
    assert one is not None
    assert other is not None
    assert one.counts.mean() == pytest.approx(10 * 92 / 30.4, rel=0.1)
    assert other.counts.mean() == pytest.approx(10 * 15 / 30.4, rel=0.2)


def test_an_autoregression_needs_two_years_without_a_gap():
    assert ar1_negative_binomial(months([5] * 23), after(months([5] * 23), 30), date(2018, 1, 1), 10, rng()) is None
    whole = months([5] * 40)
    gap = whole[:20] + whole[21:]
    assert len(consecutive(gap)) == 19
    assert ar1_negative_binomial(gap, after(whole, 30), whole[-1].end, 10, rng()) is None
    assert len(consecutive(whole)) == 40


def test_steps_follow_the_calendar_only_where_the_past_does():
    assert list(steps(months([1, 1]), date(2016, 4, 2))) == [
        (date(2016, 3, 1), date(2016, 3, 31)),
        (date(2016, 4, 1), date(2016, 4, 30)),
    ]
    weeks = [Counted(date(2020, 1, 6), date(2020, 1, 12), 3)]
    assert list(steps(weeks, date(2020, 1, 15))) == [(date(2020, 1, 13), date(2020, 1, 19))]


def test_the_count_of_the_window_itself_is_not_looked_at():
    past = months([8, 12] * 15)
    window = months([0], past[-1].end + timedelta(days=1))[0]
    other = Counted(window.start, window.end, 10_000)
    for baseline in BASELINES.values():
        a, b = (baseline(past, one, past[-1].end, 50, rng()) for one in (window, other))
        assert a is not None
        assert b is not None
        assert a.counts.tolist() == b.counts.tolist()
