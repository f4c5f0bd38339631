"""Times to an event: Freireich's leukaemia trial comes out as published, and pairing is kept."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sim.analysis.incidence import incidence
from sim.analysis.survival import CURVES, RESTRICTED_MEANS, curves, log_rank, restricted_means

# Freireich and others, Blood 21 (1963): weeks of remission; negative for censored
MERCAPTOPURINE = [6, 6, 6, -6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34, -35]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


def outcomes(**days: list | np.ndarray) -> pd.DataFrame:
    """Runs of each schedule: days of relapse, negative if censored."""
    parts = [
        pd.DataFrame({"schedule": name, "replication": range(len(x)), "relapse": np.asarray(x) > 0, "relapse_day": np.abs(x)})
        for name, x in days.items()
    ]
    return pd.concat(parts, ignore_index=True)


def sample(days: list) -> tuple[np.ndarray, np.ndarray]:
    return np.abs(np.array(days, dtype=float)), np.array(days) > 0


def test_freireichs_survival_comes_out_as_published():
    days = np.array([5.9, 6, 7, 10, 13, 16, 22, 23, 40])
    found = curves(outcomes(drug=MERCAPTOPURINE), ["relapse"], days)
    assert list(found.columns) == list(CURVES)
    expected = [1.0, 0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482, 0.4482]
    assert found["survival"].to_numpy() == pytest.approx(expected, abs=5e-5)
    assert ((found["lower"] <= found["survival"]) & (found["survival"] <= found["upper"])).all()
    assert (found["upper"] - found["lower"]).is_monotonic_increasing


def test_freireichs_log_rank_comes_out_as_published():
    row = restricted_means(outcomes(placebo=PLACEBO, drug=MERCAPTOPURINE), ["relapse"], "placebo").iloc[1]
    assert row["log_rank"] == pytest.approx(16.793, abs=5e-4)
    assert row["p"] == pytest.approx(4.17e-5, abs=5e-8)


def test_freireichs_restricted_mean_has_the_published_error():
    """Klein and Moeschberger, example 4.2: 23.287 weeks up to 35, with a standard error of 2.827."""
    row = restricted_means(outcomes(drug=MERCAPTOPURINE), ["relapse"], "drug").iloc[0]
    assert row["horizon"] == 35.0
    assert row["restricted_mean"] == pytest.approx(23.287, abs=5e-4)
    assert (row["upper"] - row["lower"]) / (2 * stats.norm.ppf(0.975)) == pytest.approx(2.827, abs=5e-4)


def test_the_log_rank_is_scipys_where_scipys_counts_do_not_overflow():
    rng = np.random.default_rng(1)
    for n in (3, 30, 300):
        one, other = ((np.ceil(rng.exponential(20, n)), rng.random(n) < 0.7) for _ in range(2))
        expected = stats.logrank(*(stats.CensoredData.right_censored(day, ~happened) for day, happened in (one, other)))
        found = log_rank(one, other)
        assert found["log_rank"] == pytest.approx(expected.statistic**2, rel=1e-9)
        assert found["p"] == pytest.approx(expected.pvalue, rel=1e-9)


def test_the_log_rank_of_many_runs_with_the_event_on_one_day_is_that_of_few_times_their_number():
    def half(n: int, share: float) -> tuple[np.ndarray, np.ndarray]:
        happened = np.arange(n) < n * share
        return np.where(happened, 10.0, 50.0), happened

    few, many = (log_rank(half(n, 0.50), half(n, 0.51))["log_rank"] for n in (1000, 100_000))
    assert many / few == pytest.approx(100.0, rel=1e-3)


def test_an_event_that_never_happens_has_no_test_and_lasts_to_the_horizon():
    table = restricted_means(outcomes(a=[-50.0] * 4, b=[-50.0] * 4), ["relapse"], "a").set_index("schedule")
    assert table["restricted_mean"].tolist() == [50.0, 50.0]
    assert table.loc["b", ["difference", "difference_lower", "difference_upper"]].tolist() == [0.0, 0.0, 0.0]
    assert math.isnan(table.loc["b", "log_rank"])
    assert math.isnan(table.loc["a", "difference"])


def test_without_censoring_before_the_horizon_the_restricted_mean_is_the_mean_and_the_curve_one_minus_incidence():
    days = np.minimum(np.ceil(np.random.default_rng(2).exponential(80.0, 300)), 100.0)
    table = outcomes(a=np.where(days < 100.0, days, -100.0))
    row = restricted_means(table, ["relapse"], "a").iloc[0]
    assert row["restricted_mean"] == pytest.approx(days.mean())
    assert row["upper"] - row["lower"] == pytest.approx(2 * 1.96 * days.std() / 300**0.5, rel=1e-3)
    at = np.array([1.0, 10.0, 55.5, 99.0])
    curve, share = curves(table, ["relapse"], at), incidence(table, ["relapse"], at)
    assert curve["survival"].to_numpy() == pytest.approx(1.0 - share["share"].to_numpy())
    assert curve["lower"].to_numpy() == pytest.approx(1.0 - share["upper"].to_numpy())
    assert curve["upper"].to_numpy() == pytest.approx(1.0 - share["lower"].to_numpy())


def test_on_common_luck_the_difference_of_times_is_paired():
    """Each run's event comes two days later: no doubt about the difference, for all the doubt about each mean."""
    days = np.random.default_rng(3).integers(1, 90, 60)
    row = restricted_means(outcomes(now=days, later=days + 2), ["relapse"], "now", horizon=100.0).iloc[1]
    assert (row["difference"], row["difference_lower"], row["difference_upper"]) == pytest.approx((2.0, 2.0, 2.0))
    assert row["p"] > 0.3
    assert row["upper"] - row["lower"] > 10.0


def test_times_beyond_the_horizon_count_as_the_horizon():
    table = restricted_means(outcomes(a=[10, 30, 70, -100], b=[10, 30, 90, -100]), ["relapse"], "a", horizon=40.0)
    assert list(table.columns) == list(RESTRICTED_MEANS)
    assert table["restricted_mean"].tolist() == pytest.approx([30.0, 30.0])
    assert table["difference"].iloc[1] == 0.0


def test_times_censored_early_have_no_paired_difference_but_an_area():
    row = restricted_means(outcomes(placebo=PLACEBO, drug=MERCAPTOPURINE), ["relapse"], "placebo").iloc[1]
    assert math.isnan(row["difference"])
    assert row["restricted_mean"] > 20.0


def test_states_widen_the_interval_and_take_the_test_away():
    rng = np.random.default_rng(4)
    of_state = np.repeat(rng.integers(10, 90, 15), 40)
    table = outcomes(a=of_state, b=of_state + rng.integers(0, 9, 600)).assign(state=np.tile(np.repeat(range(15), 40), 2))
    table["replication"] = np.tile(range(40), 30)
    row = restricted_means(table, ["relapse"], "a", horizon=100.0, bootstrap=300).set_index("schedule").loc["b"]
    assert math.isnan(row["log_rank"])
    assert row["upper"] - row["lower"] == pytest.approx(2 * 1.96 * of_state[::40].std() / 15**0.5, rel=0.25)
    assert row["difference"] == pytest.approx(4.0, abs=0.6)
    assert row["difference_upper"] - row["difference_lower"] < 2.0


def test_a_baseline_that_is_not_there_is_refused():
    with pytest.raises(KeyError, match="nobody"):
        restricted_means(outcomes(a=[1, 2]), ["relapse"], "nobody")
