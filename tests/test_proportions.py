"""Intervals of shares: Newcombe's table, and exactness where exactness is promised."""

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from sim.analysis.proportions import clopper_pearson, wilson

HAPPENED, N = np.array([81, 15, 0, 1]), np.array([263, 148, 20, 29])


@pytest.mark.parametrize(
    ("interval", "lower", "upper"),
    [
        (wilson, [0.2553, 0.0624, 0.0, 0.0061], [0.3662, 0.1605, 0.1611, 0.1718]),
        (clopper_pearson, [0.2527, 0.0578, 0.0, 0.0009], [0.3676, 0.1617, 0.1684, 0.1776]),
    ],
)
def test_intervals_of_shares_are_those_newcombe_published(interval, lower, upper):
    found = interval(HAPPENED, N)
    assert found[0] == pytest.approx(lower, abs=5e-5)
    assert found[1] == pytest.approx(upper, abs=5e-5)


@pytest.mark.parametrize(("interval", "method"), [(wilson, "wilson"), (clopper_pearson, "exact")])
@pytest.mark.parametrize("confidence", [0.8, 0.99])
def test_intervals_of_shares_are_those_of_scipy_one_by_one(interval, method, confidence):
    count, n = np.arange(13), np.full(13, 12)
    lower, upper = interval(count, n, confidence)
    for k in range(13):
        expected = binomtest(k, 12).proportion_ci(confidence, method=method)
        assert (lower[k], upper[k]) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_the_exact_interval_covers_at_least_as_often_as_it_says_and_turns_with_its_sides():
    counts = np.arange(31)
    lower, upper = clopper_pearson(counts, 30)
    for share in (0.01, 0.1, 0.37, 0.5):
        assert binom.pmf(counts[(lower <= share) & (share <= upper)], 30, share).sum() >= 0.95
    assert lower == pytest.approx(1.0 - upper[::-1], abs=1e-12)


@pytest.mark.parametrize(("happened", "n"), [(3, 2), (-1, 5), (0, 0), ([1, float("nan")], 4)])
@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
def test_what_is_no_share_is_refused(interval, happened, n):
    with pytest.raises(ValueError, match="a share needs a count"):
        interval(happened, n)
