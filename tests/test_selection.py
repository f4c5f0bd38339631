"""The best among many: elimination, intervals against the best other, and what is left of a lucky choice."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sim.analysis.paired import differences, p_better, paired_difference
from sim.analysis.selection import COLUMNS, constrained, cross_fitted, kim_nelson, with_the_best

ALONE = np.zeros(1, dtype=int)  # one state, of one draw


def table(values: np.ndarray, names: str = "abcdefghij") -> pd.DataFrame:
    """Cells: values of shape (replications, k), or (states, replications, k)."""
    if values.ndim == 2:
        return pd.DataFrame(values, columns=list(names[: values.shape[1]])).rename_axis("replication")
    index = pd.MultiIndex.from_product([range(values.shape[0]), range(values.shape[1])], names=["state", "replication"])
    return pd.DataFrame(values.reshape(-1, values.shape[2]), index=index, columns=list(names[: values.shape[2]]))


# -- elimination -----------------------------------------------------------------------------------------------------
def as_in_the_paper(values: np.ndarray, first: int, delta: float, alpha: float) -> np.ndarray:
    """KN step by step, as Kim and Nelson state it: means, screened after each replication among those still in."""
    n, k = values.shape
    h2 = ((2 * alpha / (k - 1)) ** (-2 / (first - 1)) - 1) * (first - 1)
    spread = [[(values[:first, i] - values[:first, j]).var(ddof=1) for j in range(k)] for i in range(k)]
    inside, gone = list(range(k)), np.full(k, np.nan)
    for r in range(first, n + 1):
        mean = values[:r].mean(axis=0)
        stay = [
            i
            for i in inside
            if all(mean[i] >= mean[j] - max(0, delta / (2 * r) * (h2 * spread[i][j] / delta**2 - r)) for j in inside if j != i)
        ]
        gone[[i for i in inside if i not in stay]] = r
        inside = stay
    return gone


@pytest.mark.parametrize("seed", range(12))
def test_elimination_goes_step_by_step_as_published(seed):
    rng = np.random.default_rng(seed)
    values = [0.0, 0.1, 0.3, 0.2, 0.0] + rng.normal(size=(250, 1)) + rng.normal(size=(250, 5)) * [1, 2, 3, 1, 0.3]
    found = kim_nelson(values, 8, 0.3, 0.1)
    np.testing.assert_array_equal(found, as_in_the_paper(values, 8, 0.3, 0.1))
    assert np.isfinite(found).sum() >= 2


def test_whoever_is_out_drops_nobody_any_more():
    # c leads at first and is the first to fall; it would have dropped b later, had it not been dropped by a before
    lead = np.random.default_rng(2).normal(0.0, 0.5, size=(200, 3)).cumsum(axis=0)
    lead[:, 0] += 0.6 * np.arange(200)
    for first in range(3, 40):
        np.testing.assert_array_equal(kim_nelson(lead, first, 3.0, 0.1), as_in_the_paper(lead, first, 3.0, 0.1))


def test_elimination_looks_at_no_replication_after_it():
    values = np.random.default_rng(3).normal(size=(400, 4)) + np.array([0.0, 0.0, 0.0, 1.0])
    found = kim_nelson(values, 10, 0.5)
    last = int(np.nanmax(found))
    assert last < 400
    np.testing.assert_array_equal(kim_nelson(values[:last], 10, 0.5), found)
    assert np.isnan(kim_nelson(values[: last - 1], 10, 0.5)).sum() > 1


def test_common_luck_ends_elimination_sooner():
    rng = np.random.default_rng(4)
    own, common = rng.normal(size=(3000, 5)), rng.normal(size=(3000, 1))
    means = np.arange(5) * 0.5
    independent = np.nanmax(kim_nelson(means + 5**0.5 * own, 20, 0.5))
    shared = np.nanmax(kim_nelson(means + own + 2 * common, 20, 0.5))
    assert shared < independent / 2


def test_with_too_little_to_go_on_nobody_is_dropped():
    values = np.random.default_rng(5).normal(size=(9, 3)) + np.array([0, 0, 100])
    assert np.isnan(kim_nelson(values, 10, 1.0)).all()
    assert np.isfinite(kim_nelson(values, 9, 1.0)).sum() == 2
    assert np.isnan(kim_nelson(values[:, :1], 5, 1.0)).all()


def test_equal_schedules_survive_together_and_a_constant_lead_decides_at_once():
    luck = np.random.default_rng(6).normal(size=(100, 1))
    np.testing.assert_array_equal(kim_nelson(luck + np.array([1.0, 1.0, 0.0]), 10, 0.5), [np.nan, np.nan, 10])


@pytest.mark.parametrize(
    ("first", "delta", "alpha"), [(1, 1.0, 0.05), (10, 0.0, 0.05), (10, -1.0, 0.05), (10, 1.0, 0.0), (10, 1.0, 1.0)]
)
def test_elimination_without_a_zone_or_a_first_stage_is_refused(first, delta, alpha):
    with pytest.raises(ValueError, match="first >= 2, delta > 0 and 0 < alpha < 1"):
        kim_nelson(np.zeros((20, 2)), first, delta, alpha)


# -- against the best other ------------------------------------------------------------------------------------------
def test_of_two_schedules_the_intervals_are_one_sided_paired_t_cut_at_zero():
    values = np.random.default_rng(7).normal(size=(40, 2)) + np.array([0.0, 0.1])
    d = paired_difference(values[:, 1], values[:, 0])
    allowance = stats.t.ppf(0.95, 39) * (d["variance"] / 40) ** 0.5
    lower, upper = constrained(values[None], ALONE)
    assert abs(d["mean"]) < allowance
    assert lower == pytest.approx([-d["mean"] - allowance, d["mean"] - allowance])
    assert upper == pytest.approx([-d["mean"] + allowance, d["mean"] + allowance])


def test_a_clear_best_has_zero_below_it_and_the_others_above_them():
    values = np.random.default_rng(8).normal(size=(100, 4)) + np.array([0.0, 5.0, 3.0, 0.0])
    lower, upper = constrained(values[None], ALONE)
    assert lower[1] == 0.0
    assert upper[1] > 1.0
    assert upper[[0, 2, 3]].tolist() == [0.0] * 3
    assert (lower[[0, 2, 3]] < -1.0).all()


def test_intervals_against_the_best_hold_together_under_common_luck_and_unequal_spread():
    runs, rng = 1500, np.random.default_rng(9)
    means = np.array([1.0, 1.0, 0.8, 0.0])
    truth = means - [max(np.delete(means, i)) for i in range(4)]
    held = 0
    for _ in range(runs):
        values = means + 3 * rng.normal(size=(25, 1)) + rng.normal(size=(25, 4)) * [0.3, 2.0, 1.0, 4.0]
        lower, upper = constrained(values[None], ALONE, 0.9)
        held += bool(((lower <= truth) & (truth <= upper)).all())
    assert held / runs >= 0.9 - 4 * (0.9 * 0.1 / runs) ** 0.5


def test_intervals_allow_for_states_and_for_the_luck_that_all_states_share():
    runs, rng, held, naive = 600, np.random.default_rng(10), 0, 0
    means, truth = np.array([1.0, 0.0, 0.0]), np.array([1.0, -1.0, -1.0])
    for _ in range(runs):
        values = means + rng.normal(size=(30, 1, 3)) + rng.normal(size=(1, 10, 3)) + rng.normal(size=(30, 10, 3))
        lower, upper = constrained(values, np.arange(30), 0.9)
        held += bool(((lower <= truth) & (truth <= upper)).all())
        lower, upper = constrained(values.mean(axis=1)[None], ALONE, 0.9)  # the states' means, as if each had luck of its own
        naive += bool(((lower <= truth) & (truth <= upper)).all())
    assert held / runs >= 0.9 - 4 * (0.9 * 0.1 / runs) ** 0.5
    assert naive / runs < 0.8


def test_states_of_one_draw_count_as_one():
    rng = np.random.default_rng(11)
    by_draw = rng.normal(size=(6, 8, 3))
    four = np.repeat(by_draw, 4, axis=0)  # four rivals that make no difference
    once = constrained(by_draw, np.arange(6))
    np.testing.assert_allclose(constrained(four, np.repeat(np.arange(6), 4)), once)
    assert (constrained(four, np.arange(24))[1] < once[1]).any()


def test_states_of_a_single_draw_are_taken_as_given():
    values = np.random.default_rng(12).normal(size=(4, 30, 3)) + np.arange(4)[:, None, None] * [0, 1, 2]
    np.testing.assert_allclose(constrained(values, np.zeros(4, dtype=int)), constrained(values.mean(axis=0)[None], ALONE))


# -- the winner's curse ----------------------------------------------------------------------------------------------
def test_the_highest_of_equal_means_overstates_and_cross_fitting_does_not():
    runs, rng = 400, np.random.default_rng(13)
    naive, corrected = np.empty(runs), np.empty(runs)
    for run in range(runs):
        values = rng.normal(size=(60, 8))
        naive[run], corrected[run] = values.mean(axis=0).max(), cross_fitted(values[None], ALONE, rng)
    error = corrected.std(ddof=1) / runs**0.5
    assert naive.mean() > 1.0 / 60**0.5
    assert abs(corrected.mean()) < 4 * error
    assert error < naive.mean() / 10


def test_cross_fitting_over_states_and_luck_leaves_no_overstatement_of_either():
    runs, rng = 300, np.random.default_rng(14)
    naive, corrected = np.empty(runs), np.empty(runs)
    for run in range(runs):
        values = rng.normal(size=(15, 1, 6)) + rng.normal(size=(1, 15, 6)) + rng.normal(size=(15, 15, 6))
        naive[run], corrected[run] = values.mean(axis=(0, 1)).max(), cross_fitted(values, np.arange(15), rng)
    assert naive.mean() > 0.3
    assert abs(corrected.mean()) < 4 * corrected.std(ddof=1) / runs**0.5


def test_a_clear_winner_keeps_its_value():
    values = np.random.default_rng(15).normal(size=(50, 3)) + np.array([0, 0, 9])
    assert cross_fitted(values[None], ALONE, np.random.default_rng(0)) == pytest.approx(values[:, 2].mean())
    several = np.random.default_rng(15).normal(size=(6, 7, 3)) + np.array([0, 0, 9])
    for groups in (np.arange(6), np.arange(6) // 2, np.zeros(6, dtype=int)):
        assert cross_fitted(several, groups, np.random.default_rng(0)) == pytest.approx(several[..., 2].mean())
    assert cross_fitted(several[:, :1], np.arange(6), np.random.default_rng(0)) == pytest.approx(several[:, 0, 2].mean())
    assert math.isnan(cross_fitted(several[:1, :1], ALONE, np.random.default_rng(0)))


# -- the table -------------------------------------------------------------------------------------------------------
def test_the_table_has_a_row_a_schedule_and_corrects_the_apparent_best_only():
    values = np.random.default_rng(16).normal(size=(300, 4)) + np.array([0.0, 0.5, 0.45, -1.0])
    found = with_the_best(table(values), 0.3, first=20)
    assert list(found.columns) == list(COLUMNS)
    assert found["schedule"].tolist() == ["a", "b", "c", "d"]
    assert found["value"].to_numpy() == pytest.approx(values.mean(axis=0))
    assert (found["n"] == 300).all()
    assert found["corrected"].notna().tolist() == [i == values.mean(axis=0).argmax() for i in range(4)]
    assert found["p_best"].sum() == pytest.approx(1.0)
    assert (found["p_within"] >= found["p_best"]).all()
    assert found["p_best"].tolist()[3] == 0.0
    assert found["p_within"].tolist()[1:3] == pytest.approx([1.0, 1.0], abs=0.02)
    np.testing.assert_array_equal(found["eliminated_at"], kim_nelson(values, 20, 0.3))


def test_the_chance_of_being_best_is_that_of_normal_means():
    values = np.random.default_rng(17).normal(size=(400, 2))
    d = values[:, 0] - values[:, 1]
    expected = stats.norm.cdf(d.mean() / (d.std() / 20))
    found = with_the_best(table(values), 0.0, bootstrap=4000)
    assert found["p_best"].iloc[0] == pytest.approx(expected, abs=0.04)
    assert found["p_within"].tolist() == pytest.approx(found["p_best"].tolist())
    assert found["eliminated_at"].isna().all()


def test_the_table_is_the_same_each_time_and_another_with_another_seed():
    values = np.random.default_rng(18).normal(size=(50, 3))
    first = with_the_best(table(values), 0.1)
    pd.testing.assert_frame_equal(first, with_the_best(table(values), 0.1))
    assert (first["p_best"] != with_the_best(table(values), 0.1, seed=1)["p_best"]).any()


def test_equal_schedules_share_being_best():
    luck = np.random.default_rng(19).normal(size=(30, 1))
    found = with_the_best(table(luck + np.array([0.0, 0.0, -9.0])), 0.5, first=10)
    assert found["p_best"].tolist() == [0.5, 0.5, 0.0]
    assert found["p_within"].tolist() == [1.0, 1.0, 0.0]


def test_a_state_is_a_draw_unless_the_table_of_states_says_otherwise():
    by_draw = np.repeat(np.random.default_rng(21).normal(size=(4, 1, 3)), 2, axis=0)
    cells = table(0.1 * np.random.default_rng(20).normal(size=(8, 5, 3)) + by_draw)
    states = pd.DataFrame({"state": range(8), "draw": np.arange(8) // 2})
    each = with_the_best(cells, 0.1, first=5)
    pd.testing.assert_frame_equal(each, with_the_best(cells, 0.1, first=5, states=states.drop(columns="draw")))
    fewer = with_the_best(cells, 0.1, first=5, states=states)
    assert (fewer["upper"] - fewer["lower"] > each["upper"] - each["lower"]).all()
    given = with_the_best(cells, 0.1, first=5, states=states.assign(draw=0))
    assert given["value"].tolist() == each["value"].tolist() == fewer["value"].tolist()
    means = cells.groupby("replication").mean()
    assert given["p_best"].tolist() == with_the_best(means, 0.1, first=5)["p_best"].tolist()
    assert (each["n"] == 40).all()


def test_a_single_schedule_is_the_best_and_has_no_other():
    found = with_the_best(table(np.random.default_rng(22).normal(size=(30, 1))), 0.1).iloc[0]
    assert (found["p_best"], found["p_within"]) == (1.0, 1.0)
    assert found["corrected"] == pytest.approx(found["value"])
    assert math.isnan(found["lower"])
    assert math.isnan(found["upper"])


def test_one_replication_says_nothing():
    found = with_the_best(table(np.array([[1.0, 2.0, 3.0]])), 0.1)
    assert (found["lower"] == -math.inf).all()
    assert (found["upper"] == math.inf).all()
    assert found[["corrected", "eliminated_at"]].isna().all(axis=None)


def test_no_common_replication_and_a_negative_zone_are_refused():
    with pytest.raises(ValueError, match="delta to be at least 0"):
        with_the_best(table(np.zeros((5, 2))), -0.1)
    with pytest.raises(ValueError, match="no replication that all schedules have"):
        with_the_best(table(np.zeros((0, 2))), 0.1)


# -- how often a schedule does better --------------------------------------------------------------------------------
def test_better_is_lower_or_higher_as_stated_and_a_tie_is_neither():
    rows = [("base", r, x, y) for r, (x, y) in enumerate([(1, 5), (2, 5), (3, 5), (4, 5)])]
    rows += [("own", r, x, y) for r, (x, y) in enumerate([(0, 6), (2, 6), (4, 5), (3, 1)])]
    outcomes = pd.DataFrame(rows, columns=["schedule", "replication", "deaths", "days"])
    found = differences(outcomes.assign(scenario="s", other=0.0), "base")
    assert p_better(found, {"deaths": "lower", "days": "higher"}).tolist()[:2] == [0.5, 0.5]
    assert p_better(found, {"deaths": "higher", "days": "lower"}).tolist()[:2] == [0.25, 0.25]
    assert found["outcome"].tolist()[2] == "other"
    assert math.isnan(p_better(found, {"deaths": "lower"})[2])
    with pytest.raises(ValueError, match="expected lower or higher for days, got up"):
        p_better(found, {"days": "up"})
