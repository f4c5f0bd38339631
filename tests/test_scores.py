"""Scores: known answers, the definitions checked by counting, and what is said of floors and of counts given about."""

import math

import numpy as np
import pytest
from scipy import stats

from sim.analysis.scores import (
    Forecast,
    crps,
    drawn,
    interval_score,
    log_of_mixture,
    mixture,
    pit_histogram,
    score,
    smoothed,
)


def test_the_ensemble_1_2_3_4_at_2_and_a_half():
    ensemble = np.array([1.0, 2.0, 3.0, 4.0])
    assert crps(ensemble, 2.5) == pytest.approx(0.375, abs=1e-12)
    assert crps(ensemble, 2.5, fair=True) == pytest.approx(1 / 6, abs=1e-12)


@pytest.mark.parametrize(("observed", "known"), [(0.0, 0.2336949773), (1.0, 0.6024413576)])
def test_the_standard_normal(observed, known):
    """By its quantiles at even shares, whose error is of the order of one over their number."""
    ensemble = stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    assert crps(ensemble, observed) == pytest.approx(known, abs=1e-4)


def test_the_score_of_counts_is_the_squared_distance_of_distribution_functions():
    """Of whole numbers the integral is a sum over k of (F(k) - 1{observed <= k})^2; with weights, too."""
    rng = np.random.default_rng(4)
    counts, weights = rng.poisson(8.0, 300).astype(float), rng.exponential(size=300)
    weights /= weights.sum()
    for observed in (0, 7, 25):
        ks = np.arange(0, 60)
        distribution = np.array([weights[counts <= k].sum() for k in ks])
        assert crps(counts, observed, weights) == pytest.approx(((distribution - (observed <= ks)) ** 2).sum(), rel=1e-9)


def test_a_fair_score_takes_no_weights():
    with pytest.raises(ValueError, match="equal weights"):
        crps(np.array([1.0, 2.0]), 1.0, np.array([0.5, 0.5]), fair=True)


def test_the_interval_score_is_the_width_and_a_fine_for_what_lies_outside():
    assert interval_score(2.0, 10.0, 5.0) == 8.0
    assert interval_score(2.0, 10.0, 12.0) == 8.0 + 2 / 0.1 * 2.0
    assert interval_score(2.0, 10.0, 1.0, alpha=0.5) == 8.0 + 4.0


def test_quantiles_of_a_weighted_ensemble_are_the_smallest_counts_that_reach_the_level():
    forecast = Forecast(np.array([5.0, 1.0, 3.0]), np.array([0.25, 0.25, 0.5]), *(np.ones(1),) * 3)
    assert [forecast.quantile(level) for level in (0.05, 0.25, 0.26, 0.75, 0.76, 1.0)] == [1.0, 1.0, 3.0, 3.0, 5.0, 5.0]
    assert forecast.below(3) == 0.25


def test_a_mixture_is_drawn_with_the_mean_and_the_variance_it_says():
    mean, size, share = np.array([4.0, 30.0]), np.array([np.inf, 2.0]), np.array([1.0, 3.0])
    n = 40_000
    made = mixture(mean, size, share, n, np.random.default_rng(5))
    assert made.weights.sum() == pytest.approx(1.0)
    variance = mean + mean**2 / size
    for k in (0, 1):
        own = made.counts[k * n : (k + 1) * n]
        assert own.mean() == pytest.approx(mean[k], abs=5 * math.sqrt(variance[k] / n))
        assert own.var() == pytest.approx(variance[k], rel=0.1)
    assert made.counts @ made.weights == pytest.approx(0.25 * 4.0 + 0.75 * 30.0, rel=0.02)


def test_a_mean_of_zero_gives_zero():
    assert drawn(np.zeros(5), np.array([np.inf, 1.0, 0.1, 5.0, 2.0]), np.random.default_rng(0)).tolist() == [0.0] * 5


def test_smoothing_leaves_no_count_impossible():
    made = smoothed(np.zeros(10))
    assert made.mean.tolist() == [0.5]
    assert made.quantile(0.95) == 0.0
    assert made.share.sum() == pytest.approx(1.0)


def test_the_log_of_a_mixture_does_not_underflow():
    logs, share = np.array([-2000.0, -2001.0]), np.array([0.5, 0.5])
    assert log_of_mixture(logs, share) == pytest.approx(-2000.0 + math.log(0.5 + 0.5 * math.exp(-1.0)))
    assert log_of_mixture(np.array([-np.inf, -1.0]), share) == pytest.approx(-1.0 + math.log(0.5))
    assert log_of_mixture(np.array([-np.inf, -1.0]), np.array([1.0, 0.0])) == -math.inf


def flat() -> Forecast:
    """0 to 99, each alike."""
    return smoothed(np.arange(100))


def test_an_exact_count_has_every_score():
    row = score(flat(), 98, "exact", -3.0, u=0.25)
    assert [row[name] for name in ("mean", "q05", "q25", "q50", "q75", "q95")] == [49.5, 4.0, 24.0, 49.0, 74.0, 94.0]
    assert row["log_score"] == 3.0
    assert row["interval_score"] == pytest.approx(90.0 + 20 * 4.0)
    assert (row["inside50"], row["inside90"]) == (0.0, 0.0)
    assert (row["pit_low"], row["pit_high"], row["pit"]) == pytest.approx((0.98, 0.99, 0.9825))
    assert row["crps"] == pytest.approx(crps(np.arange(100.0), 98))


def test_both_ends_of_an_interval_are_inside():
    for observed, inside in ((23, 0.0), (24, 1.0), (74, 1.0), (75, 0.0)):
        assert score(flat(), observed, "exact", -1.0, 0.5)["inside50"] == inside


def test_a_floor_is_scored_by_its_probability_alone_and_inside_if_the_interval_reaches_it():
    row = score(flat(), 80, "at_least", math.log(0.2), u=0.5)
    assert row["log_score"] == pytest.approx(-math.log(0.2))
    assert (row["inside50"], row["inside90"]) == (0.0, 1.0)
    assert all(math.isnan(row[name]) for name in ("crps", "interval_score", "pit", "pit_low", "pit_high"))
    assert score(flat(), 0, "at_least", 0.0, 0.5)["inside50"] == 1.0


def test_the_pit_of_counts_from_the_forecast_itself_is_even_and_of_a_biased_one_is_not():
    rng = np.random.default_rng(6)
    truth = stats.nbinom(3.0, 3.0 / 13.0)
    observed = truth.rvs(4000, random_state=rng)
    low, high = truth.cdf(observed - 1), truth.cdf(observed)
    # each bin's frequency is a mean of n numbers between 0 and 1 of mean .1: at most as far off as a share is
    bound = 5 * math.sqrt(0.1 * 0.9 / 4000)
    histogram = pit_histogram(low, high)
    assert histogram.sum() == pytest.approx(1.0)
    assert np.abs(histogram - 0.1).max() < bound
    biased = stats.nbinom(3.0, 3.0 / 23.0)
    assert np.abs(pit_histogram(biased.cdf(observed - 1), biased.cdf(observed)) - 0.1).max() > bound
    randomised = low + rng.uniform(size=4000) * (high - low)
    assert stats.kstest(randomised, "uniform").pvalue > 1e-4


def test_a_count_outside_of_all_draws_lies_in_the_first_or_last_bin():
    assert pit_histogram(np.array([0.0, 1.0]), np.array([0.0, 1.0]), bins=4).tolist() == [0.5, 0.0, 0.0, 0.5]
