"""Numbers from tables: what others published comes out again, and odd tables do not break it."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sim.analysis.incidence import incidence
from sim.analysis.paired import differences, paired_difference
from sim.analysis.summary import QUANTILES, fan, outcome_columns, quantiles
from sim.luck import draw, stream

# "Student" 1908, hours of sleep gained by the same ten patients with one drug and with the other
SLEEP_A = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SLEEP_B = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
# Law, Simulation Modeling and Analysis, example 10.3: monthly cost of two inventory policies
POLICY_A = [126.97, 124.31, 126.68, 122.66, 127.23]
POLICY_B = [118.21, 120.22, 122.45, 122.68, 119.40]


def outcomes(**columns_by_schedule: dict) -> pd.DataFrame:
    """A table of outcomes: for each schedule a dict of columns, replication among them or counted from 0."""
    parts = []
    for schedule, columns in columns_by_schedule.items():
        n = len(next(iter(columns.values())))
        parts.append(pd.DataFrame({"schedule": schedule, "scenario": f"id of {schedule}", "replication": range(n)} | columns))
    return pd.concat(parts, ignore_index=True)


# -- known answers ---------------------------------------------------------------------------------------------------
def test_students_sleep_data_give_the_published_paired_interval():
    found = paired_difference(SLEEP_A, SLEEP_B)
    assert found["n"] == 10
    assert found["mean"] == pytest.approx(-1.58)
    assert (found["lower"], found["upper"]) == pytest.approx((-2.4599, -0.7001), abs=5e-5)
    assert found["mean"] / math.sqrt(found["variance"] / 10) == pytest.approx(-4.0621, abs=5e-5)


def test_laws_inventory_policies_give_the_published_paired_difference():
    found = paired_difference(POLICY_A, POLICY_B, confidence=0.90)
    assert found["mean"] == pytest.approx(4.978, abs=5e-4)
    assert (found["lower"], found["upper"]) == pytest.approx((1.649, 8.307), abs=1e-3)


def test_common_random_numbers_cut_the_variance_as_calculus_says():
    """X = -ln U and Y = -1.1 ln U: Var(X - Y) is 0.01 on common luck and 2.21 on independent luck, a ratio of 221."""
    key = stream("a test", "exponential")
    x = np.array([-math.log(1.0 - draw(1, replication, key, 1)[0]) for replication in range(4000)])
    found = paired_difference(x, 1.1 * x)
    assert found["variance_ratio"] == pytest.approx(221.0)
    assert found["variance"] == pytest.approx(0.01, rel=0.1)
    assert found["independent_variance"] == pytest.approx(2.21, rel=0.1)


@pytest.mark.parametrize(
    ("happened", "n", "lower", "upper"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_of_a_share_is_wilsons_as_newcombe_published_it(happened, n, lower, upper):
    days = [10.0] * happened + [100.0] * (n - happened)
    table = outcomes(one={"fell": [day == 10.0 for day in days], "fell_day": days})
    row = incidence(table, ["fell"], np.array([50.0])).iloc[0]
    assert row["share"] == pytest.approx(happened / n)
    assert row["lower"] == pytest.approx(lower, abs=5e-5)
    assert row["upper"] == pytest.approx(upper, abs=5e-5)


# -- paired differences ----------------------------------------------------------------------------------------------
numbers = st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=2, max_size=40)


@settings(derandomize=True, deadline=None)
@given(numbers)
def test_a_paired_difference_is_that_of_scipy_and_turns_its_sign_with_its_sides(pairs):
    a, b = np.array(pairs).T
    there, back = paired_difference(a, b), paired_difference(b, a)
    assert there["mean"] == -back["mean"]
    assert (there["lower"], there["upper"]) == pytest.approx((-back["upper"], -back["lower"]))
    assert there["variance_ratio"] == pytest.approx(back["variance_ratio"], nan_ok=True)
    assert there["lower"] <= there["mean"] <= there["upper"]
    if np.ptp(a - b) > 1e-6 * (1.0 + np.abs(a - b).max()):
        interval = stats.ttest_rel(a, b).confidence_interval(0.95)
        assert (there["lower"], there["upper"]) == pytest.approx((interval.low, interval.high), rel=1e-6, abs=1e-6)


def test_a_paired_difference_counts_how_often_one_is_lower_and_how_often_both_are_equal():
    found = paired_difference([1, 2, 3, 4, 5], [2, 2, 3, 9, 1])
    assert (found["p_lower"], found["p_equal"]) == (0.4, 0.4)
    assert found["median"] == 0.0
    assert (found["q05"], found["q95"]) == pytest.approx(tuple(np.quantile([-1, 0, 0, -5, 4], [0.05, 0.95])))


def test_constant_outcomes_have_a_ratio_of_nothing_or_infinity_and_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        same = paired_difference([2.0] * 5, [2.0] * 5)
        shifted = paired_difference([1.0, 2.0, 4.0], [2.0, 3.0, 5.0])
        level = paired_difference([3.0] * 4, [1.0] * 4)
    assert math.isnan(same["variance_ratio"])
    assert same["mean"] == same["lower"] == same["upper"] == same["half_width"] == 0.0
    assert shifted["variance_ratio"] == math.inf
    assert (shifted["lower"], shifted["mean"], shifted["upper"]) == (-1.0, -1.0, -1.0)
    assert math.isnan(level["variance_ratio"])
    assert level["mean"] == 2.0


@pytest.mark.parametrize(("a", "b"), [([1.0], [2.0]), ([], []), ([1.0, 2.0], [1.0]), ([[1.0, 2.0]], [[1.0, 2.0]])])
def test_what_is_not_paired_is_refused(a, b):
    with pytest.raises(ValueError, match="two equal numbers of at least two replications"):
        paired_difference(a, b)


def test_differences_are_taken_replication_by_replication_whatever_the_order_of_rows():
    table = outcomes(stay={"attacks": [10, 20, 30]}, leave={"attacks": [1, 4, 9]})
    expected = paired_difference([1, 4, 9], [10, 20, 30])
    for mixed in (table, table.sample(frac=1.0, random_state=1)):
        row = differences(mixed, "stay").iloc[0]
        assert (row["schedule"], row["baseline"], row["outcome"], row["n"]) == ("leave", "stay", "attacks", 3)
        assert row["mean"] == pytest.approx(expected["mean"])
        assert row["half_width"] == pytest.approx(expected["half_width"])


def test_a_replication_that_failed_under_one_schedule_drops_out_of_the_pair_only():
    table = outcomes(
        stay={"attacks": [10, 20, 30, 40], "replication": [0, 1, 2, 3]},
        leave={"attacks": [9, 28, 39], "replication": [0, 2, 3]},
        hold={"attacks": [10, 20, 30, 41], "replication": [0, 1, 2, 3]},
    )
    found = differences(table, "stay").set_index("schedule")
    assert found.loc["leave", "n"] == 3
    assert found.loc["leave", "mean"] == pytest.approx(-4 / 3)
    assert found.loc["hold", "n"] == 4
    assert found.loc["hold", "mean"] == 0.25


def test_a_pair_with_fewer_than_two_common_replications_has_no_row():
    lone = outcomes(stay={"attacks": [1, 2], "replication": [0, 1]}, leave={"attacks": [1, 2], "replication": [1, 5]})
    assert len(differences(lone, "stay")) == 0
    assert {"schedule", "baseline", "outcome", "n", "mean", "lower", "upper"} <= set(differences(lone, "stay").columns)


def test_a_table_without_differences_has_the_columns_of_one_with_differences():
    two = outcomes(stay={"attacks": [1, 2]}, leave={"attacks": [1, 3]})
    assert list(differences(two[two["schedule"] == "stay"], "stay").columns) == list(differences(two, "stay").columns)


def test_a_baseline_that_is_not_in_the_table_is_an_error():
    with pytest.raises(KeyError, match="nobody"):
        differences(outcomes(stay={"attacks": [1, 2]}), "nobody")


def test_a_yes_or_no_outcome_differs_by_its_share():
    found = differences(outcomes(stay={"fell": [True, True, False, False]}, leave={"fell": [True, False, False, False]}), "stay")
    assert found.loc[0, "mean"] == -0.25
    assert found.loc[0, "p_equal"] == 0.75


def test_differences_of_many_outcomes_keep_the_order_of_schedules_and_columns():
    table = outcomes(c={"y": [1, 2], "x": [3, 5]}, a={"y": [2, 2], "x": [4, 4]}, b={"y": [0, 1], "x": [9, 9]})
    found = differences(table, "c")
    assert list(zip(found["schedule"], found["outcome"], strict=True)) == [("a", "y"), ("a", "x"), ("b", "y"), ("b", "x")]
    assert list(differences(table, "c", ["x"])["outcome"]) == ["x", "x"]


def test_a_difference_of_counts_beyond_floats_is_still_finite():
    found = paired_difference([2**53, 2**53 - 2], [0, 2])
    assert math.isfinite(found["mean"])
    assert math.isfinite(found["half_width"])


# -- summaries -------------------------------------------------------------------------------------------------------
@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_quantiles_are_those_of_numpy(values):
    row = quantiles(outcomes(one={"cost": values})).iloc[0]
    assert row["n"] == len(values)
    assert row["mean"] == pytest.approx(np.mean(values))
    for name, share in QUANTILES.items():
        assert row[name] == pytest.approx(np.quantile(values, share))


def test_quantiles_of_a_yes_or_no_outcome_are_those_of_its_zeros_and_ones():
    row = quantiles(outcomes(one={"fell": [True, True, True, False]})).iloc[0]
    assert (row["mean"], row["q05"], row["median"]) == pytest.approx((0.75, 0.15, 1.0))


def test_quantiles_keep_the_order_of_the_table_and_count_what_is_there():
    table = outcomes(z={"y": [1.0, np.nan], "x": [1, 2]}, a={"y": [3.0, 4.0], "x": [5, 6]})
    found = quantiles(table)
    assert list(zip(found["schedule"], found["outcome"], found["n"], strict=True)) == [
        ("z", "y", 1),
        ("z", "x", 2),
        ("a", "y", 2),
        ("a", "x", 2),
    ]
    assert list(quantiles(table, ["x"])["outcome"]) == ["x", "x"]


def test_quantiles_by_swept_keys_have_a_row_for_each_combination():
    table = outcomes(one={"cost": [1, 2, 3, 4], "isis.stock": ["10", "10", "20", "20"]})
    found = quantiles(table, ["cost"], ["schedule", "isis.stock"])
    assert list(found["isis.stock"]) == ["10", "20"]
    assert list(found["mean"]) == [1.5, 3.5]


def test_the_keys_of_a_table_are_no_outcomes():
    assert outcome_columns(outcomes(one={"cost": [1], "fell": [True]})) == ["cost", "fell"]


def test_a_fan_gives_the_quantiles_of_each_week():
    weekly = pd.DataFrame(
        [("one", r, pd.Timestamp(f"2021-04-{14 + 7 * w}"), 10.0 * w + r) for r in range(5) for w in range(2)],
        columns=["schedule", "replication", "date", "troops"],
    )
    found = fan(weekly, ["troops"])
    assert list(found["median"]) == [2.0, 12.0]
    assert list(found["q05"]) == pytest.approx([0.2, 10.2])
    assert set(found["n"]) == {5}


def test_a_fan_averages_a_series_over_the_last_weeks_of_the_same_run_only():
    weekly = pd.DataFrame(
        [
            (s, r, pd.Timestamp(f"2021-04-{7 + 7 * w:02d}"), [0, 4, 8][w] + 100 * r, w)
            for s in "ab"
            for r in range(2)
            for w in range(3)
        ],
        columns=["schedule", "replication", "date", "attacks", "troops"],
    )
    for table in (weekly, weekly[weekly["schedule"] == "a"]):
        found = fan(table, ["attacks", "troops"], ["attacks"], 2).set_index(["schedule", "series"])
        assert list(found.loc[("a", "attacks"), "median"]) == [50.0, 52.0, 56.0]
        assert list(found.loc[("a", "troops"), "median"]) == [0.0, 1.0, 2.0]


# -- events in time --------------------------------------------------------------------------------------------------
def test_the_share_rises_on_the_day_of_the_event_and_censored_runs_never_count():
    table = outcomes(one={"fell": [True, True, False, False], "fell_day": [10.0, 20.0, 100.0, 100.0]})
    found = incidence(table, ["fell"], np.array([0.0, 9.99, 10.0, 20.0, 100.0]))
    assert list(found["share"]) == [0.0, 0.0, 0.25, 0.5, 0.5]


def test_the_share_never_falls_and_lies_in_its_interval():
    days = np.random.default_rng(3).uniform(0, 200, 50)
    table = outcomes(one={"fell": days < 100.0, "fell_day": np.minimum(days, 100.0)})
    found = incidence(table, ["fell"], np.arange(0.0, 101.0, 5.0))
    assert found["share"].is_monotonic_increasing
    assert ((found["lower"] <= found["share"]) & (found["share"] <= found["upper"])).all()
    assert found["lower"].min() >= 0.0
    assert found["upper"].max() <= 1.0


def test_the_interval_of_an_event_that_always_happens_ends_at_one():
    table = outcomes(one={"fell": [True] * 20, "fell_day": [5.0] * 20})
    row = incidence(table, ["fell"], np.array([5.0])).iloc[0]
    assert row["share"] <= row["upper"] <= 1.0
    assert row["lower"] == pytest.approx(1.0 - 0.1611, abs=5e-5)


def test_incidence_has_a_row_for_each_schedule_event_and_day():
    columns = {"fell": [True, False], "fell_day": [1.0, 9.0], "left": [False, False], "left_day": [9.0, 9.0]}
    found = incidence(outcomes(b=columns, a=columns), ["fell", "left"], np.array([1.0, 9.0]))
    assert len(found) == 8
    assert list(dict.fromkeys(found["schedule"])) == ["b", "a"]
