"""How sources see what happened: what they report has the moments it should, and what is on record the right probability."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from math import exp, inf, log, sqrt

import numpy as np
import pytest
from scipy import stats

from sim.history.record import SERIES, SHIPPED, Window, shipped, split
from sim.history.sources import DECLARED, READ_UNTIL, Sources, about, log_probability, parameters, undeclared
from sim.scenario import declared_parameters

START = date(2018, 1, 1)
GTD = "sources.gtd.isis_attacks"
STEADY = {f"{GTD}.coverage": 0.4, f"{GTD}.size": 5.0, f"{GTD}.drift": 0.0}
DRAWS = 4000


def window(first: int, days: int, source: str = "gtd", series: str = "isis_attacks", **change) -> Window:
    """A window from a day after the start, of so many days."""
    start = START + timedelta(days=first)
    return replace(Window(start, start + timedelta(days=days - 1), series, source, 0, "exact", ""), **change)


def reports(windows, truth, values, draws=DRAWS):
    sources = Sources(windows, START)
    return np.array([sources.report(np.asarray(truth, dtype=float), values, key) for key in range(draws)])


def walks(windows, values, draws=DRAWS):
    """Logarithms of the share reported, in each draw."""
    sources, truth = Sources(windows, START), np.ones(len(windows))
    return np.log([sources.expected(truth, values, key)[0] for key in range(draws)])


# -- declarations --------------------------------------------------------------------------------------------------------
def test_every_source_of_the_shipped_record_is_declared_and_every_declared_one_is_in_it():
    windows = [window for name in SHIPPED for window in shipped(name)]
    assert undeclared(windows) == []
    assert {(w.source, w.series) for w in windows} == set(DECLARED)


def test_keys_are_unique_and_none_is_a_parameter_of_the_model():
    keys = [parameter.key for parameter in parameters()]
    assert len(set(keys)) == len(keys) == 3 * len(DECLARED) - 2  # the reference has neither coverage nor drift
    assert not set(keys) & {parameter.key for parameter in declared_parameters()}
    assert set(READ_UNTIL) <= set(keys)


def test_the_reference_has_neither_coverage_nor_drift():
    assert [p.name for p in parameters([window(0, 365, "ctc")])] == ["size"]


def test_parameters_of_windows_are_those_of_their_sources_and_an_unknown_one_is_wide():
    mine = window(0, 30, "my_list")
    found = parameters([window(30, 30), mine, window(60, 30)])
    assert [p.key for p in found] == [
        *(f"{GTD}.{name}" for name in ("coverage", "size", "drift")),
        *(f"sources.my_list.isis_attacks.{name}" for name in ("coverage", "size", "drift")),
    ]
    assert undeclared([mine, window(0, 30, "ctc", "base_attacks")]) == [("my_list", "isis_attacks"), ("ctc", "base_attacks")]
    known = [p for p in parameters() if p.name == "coverage" and p.agent.endswith("isis_attacks")]
    assert all(found[3].low <= p.low and p.high <= found[3].high for p in known)


def test_the_drift_of_gtd_is_what_the_record_shows():
    """The declared ratios, computed again; steps of their logarithm a year of drift could well have made."""
    windows = shipped()

    def ratio(first, last):
        part = [w for w in windows if w.series == "isis_attacks" and first <= w.start and w.end <= last]
        gtd, ctc = (sum(w.count for w in part if w.source == source) for source in ("gtd", "ctc"))
        return gtd / ctc

    found = [
        ratio(date(2018, 1, 1), date(2018, 12, 31)),
        ratio(date(2019, 1, 1), date(2019, 12, 31)),
        ratio(date(2020, 1, 1), date(2020, 9, 30)),
    ]
    assert found == pytest.approx([0.44, 0.21, 0.13], abs=0.005)
    (drift,) = [p for p in parameters() if p.key == f"{GTD}.drift"]
    assert "GTD over CTC .44 in 2018, .21 in 2019, .13" in drift.source
    assert [log(a / b) for a, b in pairwise(found)] == pytest.approx([0.75, 0.52], abs=0.005)
    assert drift.low < sqrt((0.75**2 + 0.52**2) / 2) < drift.high


# -- what is reported ----------------------------------------------------------------------------------------------------
def test_a_steady_source_has_the_moments_of_its_negative_binomial():
    """Mean coverage x truth; variance mean + mean^2 / size, the size in proportion to the days."""
    windows = [window(0, 30), window(30, 90)]
    found = reports(windows, (100.0, 300.0), STEADY)
    for column, mean, size in ((0, 40.0, 5.0), (1, 120.0, 15.0)):
        variance = mean + mean**2 / size
        assert found[:, column].mean() == pytest.approx(mean, abs=4 * sqrt(variance / DRAWS))
        kurtosis = stats.nbinom.stats(size, size / (size + mean), moments="k")
        assert found[:, column].var() == pytest.approx(variance, abs=4 * variance * sqrt((2 + kurtosis) / DRAWS))
    assert found.dtype == np.int64


def test_reports_have_the_probabilities_that_are_scored():
    """Chi-square of small counts against exp(log_probability) of each count."""
    one = window(0, 30)
    found = reports([one], [5.0], STEADY)[:, 0]
    mean, size = (array for array in Sources([one], START).expected(np.array([5.0]), STEADY, 0))
    shares = np.exp([log_probability([replace(one, count=n)], mean, size)[0] for n in range(7)])
    seen = [np.sum(found == n) for n in range(7)]
    result = stats.chisquare([*seen, DRAWS - sum(seen)], DRAWS * np.array([*shares, 1 - shares.sum()]))
    assert result.pvalue > 1e-4


def test_where_nothing_happened_or_nothing_is_covered_nothing_is_reported():
    windows = [window(0, 30), window(30, 30)]
    assert not reports(windows, (0.0, 0.0), STEADY, 50).any()
    assert not reports(windows, (100.0, 100.0), STEADY | {f"{GTD}.coverage": 0.0}, 50).any()


def test_what_is_not_given_has_its_default():
    given = {p.key: p.default for p in parameters([window(0, 30)])}
    windows, truth = [window(0, 30), window(400, 30)], np.array([50.0, 60.0])
    sources = Sources(windows, START)
    assert (sources.report(truth, {}, 3) == sources.report(truth, given, 3)).all()
    assert (sources.expected(truth, {}, 3)[0] != sources.expected(truth, STEADY, 3)[0]).all()


def test_the_reference_reports_the_truth_on_average():
    found = reports([window(0, 365, "ctc")], [1500.0], {})[:, 0]
    assert found.mean() == pytest.approx(1500, abs=4 * found.std() / sqrt(DRAWS))


# -- the walk ------------------------------------------------------------------------------------------------------------
def test_the_walk_of_coverage_spreads_with_the_square_root_of_time():
    """At mid-points 1 and 4 years from the start: standard deviations drift and 2 drift; covariance that of a random walk."""
    windows = [window(350, 30), window(1446, 30)]
    values = STEADY | {f"{GTD}.coverage": 1e-6, f"{GTD}.drift": 0.5}  # far below 1, where shares are cut
    found = walks(windows, values) - log(1e-6)
    years = np.array([365.0, 1461.0]) / 365.25
    assert np.abs(found.mean(axis=0)).max() < 4 * 1.0 / sqrt(DRAWS)
    assert found.std(axis=0) == pytest.approx(0.5 * np.sqrt(years), rel=4 / sqrt(2 * DRAWS))
    assert np.corrcoef(found.T)[0, 1] == pytest.approx(sqrt(years[0] / years[1]), abs=4 * (1 - 0.25) / sqrt(DRAWS))


def test_a_share_is_never_above_one():
    found = walks([window(1000, 30)], STEADY | {f"{GTD}.coverage": 0.9, f"{GTD}.drift": 1.0}, 500)
    assert found.max() == 0.0
    assert (found == 0.0).mean() > 0.3


def test_walks_of_two_sources_are_independent_and_so_are_their_counts():
    windows = [window(700, 30), window(700, 30, "my_list")]
    found = walks(windows, {"sources.gtd.isis_attacks.coverage": 1e-6, "sources.my_list.isis_attacks.coverage": 1e-6})
    assert abs(np.corrcoef(found.T)[0, 1]) < 4 / sqrt(DRAWS)
    counts = reports(windows, (100.0, 100.0), STEADY | {"sources.my_list.isis_attacks.drift": 0.0})
    assert abs(np.corrcoef(counts.T)[0, 1]) < 4 / sqrt(DRAWS)


def test_past_reports_do_not_depend_on_later_windows_other_sources_or_order():
    """A trajectory chosen for its past must have the same past when its future is looked at."""
    windows, rng = shipped(), np.random.default_rng(1)
    truth = rng.gamma(2.0, 50.0, len(windows))
    past = split(windows, date(2020, 3, 31))[0]
    places = np.array([windows.index(one) for one in past])
    gtd = np.array([k for k, one in enumerate(windows) if one.source == "gtd"])
    order = rng.permutation(len(windows))
    for key in range(5):
        whole = Sources(windows, START).report(truth, {}, key)
        assert (Sources(past, START).report(truth[places], {}, key) == whole[places]).all()
        assert (Sources([windows[k] for k in gtd], START).report(truth[gtd], {}, key) == whole[gtd]).all()
        assert (Sources([windows[k] for k in order], START).report(truth[order], {}, key) == whole[order]).all()


def test_luck_is_the_keys_alone():
    windows, truth = shipped(), np.full(86, 40.0)
    first, other = (Sources(windows, START).report(truth, {}, key) for key in (1, 2**64 - 1))
    assert (Sources(windows, START).report(truth, {}, 1) == first).all()
    assert (first != other).mean() > 0.5


# -- probability of what is on record ------------------------------------------------------------------------------------
MEANS, SIZES = np.array([0.2, 3.0, 55.0, 400.0]), np.array([0.5, 5.0, 20.0, 300.0])


def of(count: int, kind: str, mean=MEANS, size=SIZES) -> np.ndarray:
    one = window(0, 30, count=count, kind=kind)
    return np.concatenate([log_probability([one], np.array([m]), np.array([s])) for m, s in zip(mean, size, strict=True)])


@pytest.mark.parametrize("count", [0, 1, 7, 60, 400])
def test_an_exact_count_has_the_mass_of_a_negative_binomial(count):
    assert of(count, "exact") == pytest.approx(stats.nbinom.logpmf(count, SIZES, SIZES / (SIZES + MEANS)), rel=1e-9)


def test_exact_masses_add_up_to_one():
    counts = [window(0, 30, count=n) for n in range(3000)]
    for mean, size in zip(MEANS, SIZES, strict=True):
        masses = np.exp(log_probability(counts, np.full(3000, mean), np.full(3000, size)))
        assert masses.sum() == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("count", [0, 1, 7, 60, 400])
def test_at_least_has_the_survival_function(count):
    expected = stats.nbinom.sf(count - 1, SIZES, SIZES / (SIZES + MEANS))
    assert np.exp(of(count, "at_least")) == pytest.approx(expected, rel=1e-7, abs=1e-300)


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0, 1), (1, 0, 2), (9, 8, 10), (15, 14, 16), (35, 32, 38), (400, 360, 440)]
)
def test_about_means_within_ten_per_cent_and_one_at_least(count, low, high):
    assert about(count) == (low, high)
    law = stats.nbinom(SIZES, SIZES / (SIZES + MEANS))
    assert np.exp(of(count, "about")) == pytest.approx(law.cdf(high) - law.cdf(low - 1), rel=1e-6, abs=1e-12)


def test_about_is_the_sum_of_the_masses_of_all_that_it_may_mean():
    """Also where that is all but certain, or all but impossible: there to the leading term."""
    mean, size = (each.ravel() for each in np.meshgrid([1e-9, 0.3, 9.0, 55.0, 400.0, 1e4], [0.5, 5.0, 300.0]))
    for count in (0, 1, 9, 60, 400):
        low, high = about(count)
        expected = np.logaddexp.reduce([of(k, "exact", mean, size) for k in range(low, high + 1)], axis=0)
        near = expected > -400.0
        found = of(count, "about", mean, size)
        assert found[near] == pytest.approx(expected[near], rel=1e-7, abs=1e-9)
        assert found[~near] == pytest.approx(expected[~near], rel=0.01)


def test_where_nothing_can_be_reported_only_nothing_is_possible():
    none, size = np.zeros(1), np.array([5.0])
    assert of(0, "exact", none, size) == of(0, "at_least", none, size) == [0.0]
    assert of(3, "exact", none, size) == of(3, "at_least", none, size) == of(9, "about", none, size) == [-inf]
    assert of(1, "about", none, size) == [0.0]


def test_a_large_size_is_poisson():
    assert of(7, "exact", [5.0], [1e8]) == pytest.approx(stats.poisson.logpmf(7, 5.0), abs=1e-5)
    assert of(7, "at_least", [5.0], [1e8]) == pytest.approx(stats.poisson.logsf(6, 5.0), abs=1e-5)


def test_probabilities_of_many_particles_at_once_are_those_of_each():
    windows, rng = shipped(), np.random.default_rng(2)
    mean, size = rng.gamma(2.0, 30.0, (3, 86)), rng.gamma(2.0, 10.0, (3, 86))
    whole = log_probability(windows, mean, size)
    assert whole.shape == (3, 86)
    for k in range(3):
        assert whole[k] == pytest.approx(log_probability(windows, mean[k], size[k]))
    assert np.isfinite(whole).all()


def test_what_the_record_says_is_more_probable_under_the_coverage_that_fits_it():
    """Third quarter of 2020, 510 attacks by CTC: Lead IG's 230 fits a coverage of .45 better than one of 1."""
    (one,) = [w for w in shipped() if w.source == "lead_ig"]
    size = np.array([20.0 * one.days / 30.0])
    fits, does_not = (log_probability([one], np.array([share * 510.0]), size)[0] for share in (0.45, 1.0))
    assert fits > does_not + log(1e3)
    assert exp(fits) < 1.0


def test_every_series_of_the_record_has_a_way_to_be_scored():
    for series in SERIES:
        one = window(0, 30, "my_list", series, count=4)
        assert np.isfinite(log_probability([one], *Sources([one], START).expected(np.array([8.0]), {}, 1))).all()
