"""From one uniform to one value: the quantiles are those of scipy.stats, and never fall when the uniform rises."""

from math import inf, nextafter, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sim import chance

BELOW_ONE = nextafter(1.0, 0.0)
UNIFORMS = [0.0, 2.0**-53, 1e-9, *np.random.default_rng(1).random(400), 0.5, 1.0 - 1e-9]
steady = settings(derandomize=True, deadline=None)
uniform = st.floats(0.0, 1.0, exclude_max=True)


def quantile(distribution, u: float) -> int:
    """The least count whose cumulative probability reaches u: 0 where u is 0, where scipy says -1."""
    return max(0, int(distribution.ppf(u)))


# -- counts ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("mean", [1e-12, 0.001, 0.3, 1.0, 4.7, 27.0, 110.0, 350.0, 500.0])
def test_a_poisson_count_is_the_quantile_at_its_uniform(mean):
    distribution = stats.poisson(mean)
    for u in UNIFORMS:
        assert chance.poisson(u, mean) == quantile(distribution, u)


@pytest.mark.parametrize("size", [0.5, 3.0, 5.0, 40.0])
@pytest.mark.parametrize("mean", [0.001, 0.8, 25.0, 110.0, 400.0])
def test_a_negative_binomial_count_is_the_quantile_at_its_uniform(mean, size):
    distribution = stats.nbinom(size, size / (size + mean))
    assert distribution.var() == pytest.approx(mean + mean * mean / size)
    for u in UNIFORMS:
        assert chance.negative_binomial(u, mean, size) == quantile(distribution, u)


@pytest.mark.parametrize("share", [1e-9, 0.01, 0.4, 0.5, 0.65, 0.9, 0.999])
@pytest.mark.parametrize("n", [1, 2, 7, 40, 85])
def test_a_binomial_count_is_the_quantile_at_its_uniform(n, share):
    distribution = stats.binom(n, share)
    for u in UNIFORMS:
        assert chance.binomial(u, n, share) == quantile(distribution, u)


@pytest.mark.parametrize(("n", "share"), [(400, 0.4), (1000, 0.4), (600, 0.05)])
def test_a_binomial_count_of_many_is_the_quantile_at_its_uniform(n, share):
    distribution = stats.binom(n, share)
    assert [chance.binomial(u, n, share) for u in UNIFORMS] == [quantile(distribution, u) for u in UNIFORMS]


TOPS = [
    (lambda u: chance.poisson(u, 4.7), stats.poisson(4.7)),
    (lambda u: chance.poisson(u, 350.0), stats.poisson(350.0)),
    (lambda u: chance.negative_binomial(u, 0.001, 5.0), stats.nbinom(5.0, 5.0 / 5.001)),
    (lambda u: chance.negative_binomial(u, 25.0, 5.0), stats.nbinom(5.0, 5.0 / 30.0)),
    (lambda u: chance.negative_binomial(u, 110.0, 40.0), stats.nbinom(40.0, 40.0 / 150.0)),
    (lambda u: chance.binomial(u, 400, 0.4), stats.binom(400, 0.4)),
]


@pytest.mark.parametrize(("count", "distribution"), TOPS)
def test_the_largest_uniform_gives_the_largest_count_that_is_likely_at_all(count, distribution):
    assert count(BELOW_ONE) >= distribution.isf(1e-12)
    assert distribution.sf(count(BELOW_ONE) - 1) >= 1e-20


@pytest.mark.parametrize("mean", [501.0, 2000.0, 1e6])
def test_a_poisson_count_of_a_mean_above_500_has_the_mean_and_variance_of_its_distribution(mean):
    counts = [chance.poisson((k + 0.5) / 20_000, mean) for k in range(20_000)]
    assert np.mean(counts) == pytest.approx(mean, rel=1e-3)
    assert np.std(counts) == pytest.approx(sqrt(mean), rel=0.02)


@pytest.mark.parametrize("mean", [501.0, 2000.0, 1e6])
@pytest.mark.parametrize("u", [0.001, 0.05, 0.25, 0.5, 0.75, 0.95, 0.999])
def test_a_poisson_count_of_a_mean_above_500_is_within_one_or_a_thousandth_of_the_quantile(mean, u):
    assert chance.poisson(u, mean) == pytest.approx(stats.poisson(mean).ppf(u), rel=1e-3, abs=1.0)


@pytest.mark.parametrize("u", [0.001, 0.05, 0.3, 0.5, 0.7, 0.95, 0.999])
def test_a_poisson_count_does_not_fall_where_its_mean_passes_500(u):
    assert chance.poisson(u, 500.0) <= chance.poisson(u, 500.001)


def test_a_mean_of_nothing_gives_no_count_and_an_absurd_one_still_a_whole_number():
    for u in (0.0, 0.5, BELOW_ONE):
        assert chance.poisson(u, 0.0) == chance.poisson(u, -1.0) == 0
        assert chance.negative_binomial(u, 0.0, 5.0) == chance.binomial(u, 0, 0.5) == chance.binomial(u, 10, 0.0) == 0
        assert chance.binomial(u, 10, 1.0) == 10
        for count in (
            chance.poisson(u, 1e12),
            chance.negative_binomial(u, 1e9, 1e9),
            chance.binomial(u, 10**9, 0.3),
            chance.wide_count(u, 1.0, 1e12, 0.0),
        ):
            assert type(count) is int
            assert count >= 0
    assert chance.binomial(BELOW_ONE, 10**4, 0.999) <= 10**4


@steady
@given(uniform, uniform, st.floats(0.0, 2000.0), st.floats(0.1, 100.0))
def test_a_count_never_falls_when_the_uniform_rises(u, v, mean, size):
    low, high = sorted((u, v))
    assert chance.poisson(low, mean) <= chance.poisson(high, mean)
    assert chance.negative_binomial(low, mean, size) <= chance.negative_binomial(high, mean, size)
    assert chance.binomial(low, int(mean), min(1.0, size / 100)) <= chance.binomial(high, int(mean), min(1.0, size / 100))


@steady
@given(uniform, st.floats(0.0, 2000.0), st.floats(0.0, 2000.0))
def test_a_higher_mean_never_gives_a_lower_poisson_count_at_the_same_uniform(u, a, b):
    low, high = sorted((a, b))
    assert chance.poisson(u, low) <= chance.poisson(u, high)


@steady
@given(uniform, st.floats(0.01, 400.0), st.floats(0.01, 400.0), st.floats(0.5, 20.0))
def test_a_higher_mean_never_gives_a_lower_negative_binomial_count_at_the_same_uniform(u, a, b, size):
    low, high = sorted((a, b))
    assert chance.negative_binomial(u, low, size) <= chance.negative_binomial(u, high, size)


@steady
@given(uniform, st.integers(0, 3000), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_a_higher_chance_never_keeps_fewer_at_the_same_uniform(u, n, a, b):
    low, high = sorted((a, b))
    assert chance.binomial(u, n, low) <= chance.binomial(u, n, high)


# -- sizes and durations ---------------------------------------------------------------------------------------------
def test_the_normal_quantile_is_within_a_hundred_millionth():
    points = np.concatenate([np.logspace(-16, -2, 400), np.linspace(0.001, 0.999, 2000), 1.0 - np.logspace(-15, -2, 400)])
    ours = np.array([chance.normal(float(u)) for u in points])
    assert np.allclose(ours, stats.norm.ppf(points), rtol=2e-9, atol=1e-8)


def test_the_normal_quantile_is_finite_at_both_ends():
    assert chance.normal(0.0) == pytest.approx(stats.norm.ppf(2.0**-54), abs=1e-7)
    assert chance.normal(BELOW_ONE) == pytest.approx(stats.norm.isf(2.0**-53), abs=1e-7)
    assert chance.normal(0.5) == 0.0


@steady
@given(uniform, uniform)
def test_a_value_never_falls_when_the_uniform_rises(u, v):
    low, high = sorted((u, v))
    assert chance.exponential(3.0, low) <= chance.exponential(3.0, high)
    assert chance.power_law(low, 2.35, 1, 300) <= chance.power_law(high, 2.35, 1, 300)
    slack = 1.0 + 1e-8  # the normal quantile is put together from three pieces
    assert chance.normal(low) <= chance.normal(high) + 1e-8
    assert chance.lognormal(3.2, 0.8, low) <= chance.lognormal(3.2, 0.8, high) * slack
    assert chance.gamma_of_mean_one(4.0, low) <= chance.gamma_of_mean_one(4.0, high) * slack


def test_lognormal_and_exponential_values_are_the_quantiles_at_their_uniform():
    for u in UNIFORMS[1:]:
        assert chance.lognormal(3.2, 0.7, u) == pytest.approx(stats.lognorm(0.7, scale=3.2).ppf(u), rel=1e-7)
        assert chance.exponential(9.0, u) == pytest.approx(stats.expon(scale=9.0).ppf(u), rel=1e-12)
    assert chance.exponential(9.0, 0.0) == 0.0
    assert 0.0 < chance.lognormal(3.2, 0.7, 0.0) < chance.lognormal(3.2, 0.7, BELOW_ONE) < inf
    assert chance.exponential(9.0, BELOW_ONE) < inf


@pytest.mark.parametrize("shape", [2.0, 4.0, 25.0])
def test_a_gamma_value_has_mean_one_and_the_variance_of_its_shape(shape):
    values = [chance.gamma_of_mean_one(shape, (k + 0.5) / 50_000) for k in range(50_000)]
    assert np.mean(values) == pytest.approx(1.0, rel=0.01)
    assert np.var(values) == pytest.approx(1.0 / shape, rel=0.01)
    assert min(values) >= 0.0


def test_a_gamma_value_is_never_negative():
    assert chance.gamma_of_mean_one(0.3, 0.0) == 0.0
    assert chance.gamma_of_mean_one(0.3, BELOW_ONE) > 1.0


@pytest.mark.parametrize(("exponent", "least", "most"), [(2.35, 1, 300), (2.8, 10, 100), (2.3, 1, 1)])
def test_a_power_law_keeps_its_range(exponent, least, most):
    sizes = [chance.power_law(u, exponent, least, most) for u in UNIFORMS]
    assert min(sizes) == least
    assert max(sizes) == most
    assert {type(size) for size in sizes} == {int}


def test_a_power_law_has_the_shares_and_mean_of_a_rounded_pareto():
    u = (np.arange(200_000) + 0.5) / 200_000
    sizes = np.array([chance.power_law(float(x), 2.35, 1, 300) for x in u])
    edges = np.arange(1, 302) - 0.5
    shares = (edges[:-1] ** -1.35 - edges[1:] ** -1.35) / (0.5**-1.35 - 300.5**-1.35)
    assert np.bincount(sizes, minlength=301)[1:] / 200_000 == pytest.approx(shares, abs=1e-5)
    assert sizes.mean() == pytest.approx(shares @ np.arange(1, 301), rel=1e-3)


@pytest.mark.parametrize("least", [0.0, 20.0, 180.0, 700.0])
def test_a_value_beyond_another_is_the_conditional_quantile(least):
    law = stats.lognorm(0.4, scale=180.0)
    for u in (0.0, 0.1, 0.5, 0.9, BELOW_ONE):
        found = chance.lognormal_beyond(least, 180.0, 0.4, u)
        assert found >= least
        if u not in (0.0, BELOW_ONE):
            assert found == pytest.approx(law.isf(law.sf(least) * (1.0 - u)), rel=1e-6)
    assert chance.lognormal_beyond(1e6, 180.0, 0.4, 0.5) == 1e6  # beyond all: it ends at once


@pytest.mark.parametrize("mean", [2.0, 165.0])
def test_the_hazard_of_an_erlang_spell_is_its_density_over_its_survival(mean):
    spell = stats.gamma(3.0, scale=mean / 3.0)
    for age in (0.0, 0.01, 1.0, mean / 2, mean, 5 * mean):
        assert chance.erlang3_hazard(age, mean) == pytest.approx(spell.pdf(age) / spell.sf(age), rel=1e-9)


def test_what_is_forgotten_is_down_to_a_third_after_its_mean_life():
    assert chance.faded(2.0, 0.0, 30.0) == 2.0
    assert chance.faded(2.0, 30.0, 30.0) == pytest.approx(0.7357588823428847)
