"""Regret over states of the world: signed, free of the luck of the draw, and with intervals over states and replications."""

import numpy as np
import pandas as pd
import pytest

from sim.analysis.regret import REGRET, SATISFICING, regret, satisficing


def table(values: np.ndarray) -> pd.DataFrame:
    """Cells of an array of states, replications and schedules a, b, c, ..."""
    states, replications, schedules = values.shape
    index = pd.MultiIndex.from_product([range(states), range(replications)], names=["state", "replication"])
    return pd.DataFrame(values.reshape(-1, schedules), index=index, columns=list("abcdefghijk")[:schedules])


def long(values: np.ndarray, name: str = "deaths") -> pd.DataFrame:
    """Outcomes of an array of states, replications and schedules."""
    stacked = table(values).stack()
    stacked.index.names = ["state", "replication", "schedule"]
    return stacked.rename(name).reset_index()


# -- regret ----------------------------------------------------------------------------------------------------------
def test_without_noise_regret_is_what_is_counted_by_hand():
    """Four states, three schedules; luck shifts all alike."""
    of_state = np.array([[10.0, 8.0, 0.0], [4.0, 8.0, 1.0], [5.0, 5.0, 2.0], [0.0, 40.0, 3.0]])
    luck = np.random.default_rng(1).normal(size=12)
    found = regret(table(of_state[:, None, :] + luck[None, :, None]), bootstrap=200).set_index("schedule")
    assert list(found.reset_index().columns) == list(REGRET)
    assert found["expected"].tolist() == pytest.approx([(0 + 4 + 0 + 40) / 4, 2 / 4, (10 + 7 + 3 + 37) / 4])
    assert found["maximum"].tolist() == pytest.approx([40.0, 2.0, 37.0])
    assert found["q90"].tolist() == pytest.approx([np.quantile(x, 0.9) for x in ([0, 4, 0, 40], [2, 0, 0, 0], [10, 7, 3, 37])])
    assert found["best_share"].tolist() == pytest.approx([1.5 / 4, 2.5 / 4, 0.0])
    assert found["margin"].tolist() == pytest.approx([(-2 + 4 + 0 + 40) / 4, (2 - 4 + 0 - 37) / 4, (10 + 7 + 3 + 37) / 4])
    assert (found["maximum_upper"] - found["maximum_lower"]).max() < 1e-9  # luck makes no difference here


def test_the_sign_of_value_decides_and_not_the_distance():
    """A schedule far above the other has no regret, however large the difference."""
    values = np.zeros((3, 8, 2))
    values[..., 0] = 100.0
    found = regret(table(values), bootstrap=100).set_index("schedule")
    assert found.loc["a", ["expected", "maximum", "best_share", "margin"]].tolist() == [0.0, 0.0, 1.0, -100.0]
    assert found.loc["b", ["expected", "maximum", "best_share", "margin"]].tolist() == [100.0, 100.0, 0.0, 100.0]


def test_equal_schedules_have_no_regret_though_their_noise_differs():
    rng, estimates, naive = np.random.default_rng(2), [], []
    for _ in range(40):
        values = rng.normal(size=(30, 20, 4)) + 3.0 * rng.normal(size=(1, 20, 1))
        found = regret(table(values), bootstrap=60)
        means = values.mean(axis=1)
        naive.append((means.max(axis=1, keepdims=True) - means).mean())
        estimates.append(found["margin"].mean())
        assert (found["lower"] == 0.0).mean() >= 0.75
        assert (found["best_lower"] <= 0.15).all()
        assert (found["best_upper"] >= 0.85).all()
    error = np.std(estimates) / 40**0.5
    assert abs(np.mean(estimates)) < 5 * error
    assert np.mean(naive) > 0.15  # what the luck of the draw would have made of it


def test_regret_in_the_presence_of_noise_comes_near_the_true_one():
    """a is better by 1 in half of the states, b by 1 in the others: both have an expected regret of 0.5."""
    rng, sign = np.random.default_rng(3), np.where(np.arange(80) % 2, 1.0, -1.0)
    values = rng.normal(size=(80, 60, 2)) * 0.7
    values[..., 0] += sign[:, None]
    found = regret(table(values), bootstrap=300).set_index("schedule")
    assert found["expected"].tolist() == pytest.approx([0.5, 0.5], abs=0.1)
    assert (found["lower"] < 0.5).all()
    assert (found["upper"] > 0.5).all()
    assert found["best_share"].tolist() == [0.5, 0.5]
    assert (found["best_lower"] > 0.35).all()
    assert (found["best_upper"] < 0.65).all()


def test_intervals_widen_when_states_share_a_draw():
    """Twenty draws, each under four rivals that change nothing: eighty states know no more than twenty."""
    rng = np.random.default_rng(4)
    values = np.repeat(rng.normal(size=(20, 1, 2)), 4, axis=0) + 0.01 * rng.normal(size=(80, 30, 2))
    states = pd.DataFrame({"state": range(80), "draw": np.repeat(range(20), 4)})
    apart, together = regret(table(values), bootstrap=400), regret(table(values), states, bootstrap=400)
    ratio = (together["upper"] - together["lower"]) / (apart["upper"] - apart["lower"])
    assert ratio.to_numpy() == pytest.approx([2.0, 2.0], rel=0.2)
    assert together["expected"].tolist() == apart["expected"].tolist()


def test_one_state_gives_the_regret_of_the_means():
    values = np.random.default_rng(5).normal(size=(1, 200, 3)) * 0.1 + np.array([1.0, 3.0, 2.5])
    plain = pd.DataFrame(values[0], columns=["a", "b", "c"], index=pd.Index(range(200), name="replication"))
    found = regret(plain, bootstrap=200).set_index("schedule")
    means = values[0].mean(axis=0)
    assert found["expected"].tolist() == pytest.approx((means.max() - means).tolist())
    assert found["maximum"].tolist() == found["q90"].tolist() == pytest.approx(found["expected"].tolist())
    assert found["best_share"].tolist() == [0.0, 1.0, 0.0]
    assert found["best_lower"].tolist() == found["best_upper"].tolist() == [0.0, 1.0, 0.0]


def test_a_lone_schedule_and_a_lone_replication_have_an_answer():
    alone = regret(table(np.ones((2, 5, 1))), bootstrap=20).iloc[0]
    assert (alone["expected"], alone["best_share"], alone["best_lower"]) == (0.0, 1.0, 1.0)
    assert np.isnan(alone["margin"])
    once = regret(table(np.array([[[1.0, 3.0]], [[2.0, 2.0]]])), bootstrap=50)
    assert once["expected"].tolist() == [1.0, 0.0]
    assert once["best_lower"].tolist() == [0.0, 0.0]
    assert once["best_upper"].tolist() == [1.0, 1.0]


def test_the_same_seed_gives_the_same_table():
    values = table(np.random.default_rng(6).normal(size=(5, 9, 3)))
    assert regret(values, bootstrap=50, seed=7).equals(regret(values, bootstrap=50, seed=7))


# -- satisficing -----------------------------------------------------------------------------------------------------
def test_shares_within_limits_are_counted_and_a_limit_is_within():
    outcomes = pd.DataFrame(
        {
            "schedule": ["stay"] * 4 + ["leave"] * 4,
            "replication": [0, 1, 2, 3] * 2,
            "deaths": [5, 6, 7, 8, 1, 2, 3, 9],
            "truce_days": [100.0, 90.0, 80.0, 70.0, 10.0, 90.0, 95.0, 99.0],
        }
    )
    found = satisficing(outcomes, [("deaths", "at_most", 6), ("truce_days", "at_least", 90)])
    assert list(found.columns) == list(SATISFICING)
    share = found.set_index(["schedule", "outcome"])["share"]
    assert share["stay"].tolist() == [0.5, 0.5, 0.5]
    assert share["leave"].tolist() == [0.75, 0.75, 0.5]
    assert set(found["of"]) == {"runs"}
    row = found[(found["schedule"] == "leave") & (found["outcome"] == "deaths")].iloc[0]
    assert (row["lower"], row["upper"]) == pytest.approx((0.3006, 0.9544), abs=1e-4)  # Wilson, 3 of 4


def test_the_share_of_states_is_of_means_and_that_of_runs_of_runs():
    """In each state half of the runs have 0 deaths and half 10: the mean is 5 everywhere."""
    values = np.zeros((6, 10, 2))
    values[:, ::2] = 10.0
    found = satisficing(long(values), [("deaths", "at_most", 5.0)], bootstrap=100)
    shares = found[found["outcome"] == "deaths"].set_index(["of", "schedule"])["share"]
    assert shares["runs"].tolist() == [0.5, 0.5]
    assert shares["states"].tolist() == [1.0, 1.0]


def test_the_interval_of_a_share_of_runs_knows_that_runs_of_a_state_are_alike():
    """Half of the states are within always, half never: a hundred runs in each do not narrow it."""
    values = np.zeros((20, 100, 1))
    values[::2] = 10.0
    row = satisficing(long(values), [("deaths", "at_most", 5.0)], bootstrap=500).iloc[0]
    assert row["upper"] - row["lower"] == pytest.approx(2 * 1.96 * 0.5 / 20**0.5, rel=0.2)


def test_an_unknown_sense_is_refused_and_no_limits_make_no_rows():
    outcomes = long(np.ones((2, 3, 2)))
    with pytest.raises(ValueError, match="deaths under 5: expected at_most or at_least"):
        satisficing(outcomes, [("deaths", "under", 5.0)])
    assert list(satisficing(outcomes, []).columns) == list(SATISFICING)
