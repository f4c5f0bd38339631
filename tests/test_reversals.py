"""Reversals of a ranking: the rival or the parameter that turns it is found, and noise is not taken for one."""

import numpy as np
import pandas as pd
import pytest

from sim.analysis.reversals import COLUMNS, HOW_OFTEN, how_often, reversals


def table(values: np.ndarray) -> pd.DataFrame:
    """Cells of an array of states, replications and schedules."""
    states, replications, schedules = values.shape
    index = pd.MultiIndex.from_product([range(states), range(replications)], names=["state", "replication"])
    return pd.DataFrame(values.reshape(-1, schedules), index=index, columns=list("abcdefghijk")[:schedules])


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def states_of(draws: int, parameters: int = 2, seed: int = 1) -> pd.DataFrame:
    """Draws of some parameters, each under two announcements with excitation on and off."""
    x = np.repeat(rng(seed).random((draws, parameters)), 4, axis=0)
    states = pd.DataFrame(x, columns=[f"isis.x{k}" for k in range(parameters)])
    return states.assign(
        state=range(4 * draws),
        draw=np.repeat(range(draws), 4),
        announcement=np.tile(["none", "none", "surge", "surge"], draws),
        excitation=np.tile([True, False], 2 * draws),
    )


def noisy(states: pd.DataFrame, gain: np.ndarray, seed: int, replications: int = 20) -> pd.DataFrame:
    """Schedule a better than b by the gain of each state, on common luck, and b equal to c but for luck."""
    luck = 3.0 * rng(seed).normal(size=(1, replications, 1))
    values = luck + 0.5 * rng(seed + 1).normal(size=(len(states), replications, 3))
    values[:, :, 0] += np.asarray(gain)[:, None]
    return table(values)


def test_the_rival_that_turns_the_order_is_found_with_the_difference_it_makes():
    states = states_of(30)
    found = reversals(noisy(states, np.where(states["announcement"] == "surge", -1.0, 3.0), seed=2), states, bootstrap=300)
    assert list(found.columns) == list(COLUMNS)
    turned = found[found["reversed"]]
    assert turned[["a", "b", "kind", "key", "level"]].to_numpy().tolist() == [
        ["a", "b", "rival", "announcement", "surge"],
        ["a", "c", "rival", "announcement", "surge"],
    ]
    assert turned["difference"].to_numpy() == pytest.approx([-1.0, -1.0], abs=0.25)
    assert (turned["upper"] < 0).all()
    assert turned["overall"].to_numpy() == pytest.approx([1.0, 1.0], abs=0.25)
    assert turned["states"].tolist() == [60, 60]


def test_the_range_of_a_parameter_that_turns_the_order_is_found():
    states = states_of(60)
    found = reversals(noisy(states, 4.0 * (states["isis.x0"] - 0.3), seed=3), states, bootstrap=300)
    turned = found[found["reversed"]]
    assert set(zip(turned["a"], turned["b"], turned["key"], turned["level"], strict=True)) == {
        ("a", "b", "isis.x0", "lowest third"),
        ("a", "c", "isis.x0", "lowest third"),
    }
    x, row = states["isis.x0"], turned.iloc[0]
    assert (row["low"], row["high"]) == (x.min(), x[x <= x.quantile(1 / 3)].max())
    counted = found[(found["kind"] == "parameter")]["states"]
    assert (counted == 80).all()


def test_noise_is_not_taken_for_a_reversal():
    """Schedules that are equal everywhere: looking at sixteen levels of three pairs in twenty tables finds hardly any."""
    states, pairs = states_of(20, parameters=6), 0
    for seed in range(20):
        found = reversals(noisy(states, np.zeros(80), seed=10 + seed), states, bootstrap=100, seed=seed)
        pairs += found[found["reversed"]].groupby(["a", "b"]).ngroups
    assert pairs <= 60 * 0.05 + 5 * (60 * 0.05 * 0.95) ** 0.5


def test_intervals_cover_the_true_difference_in_all_levels_of_a_pair_at_once():
    states, covered = states_of(25, parameters=4), 0
    for seed in range(20):
        found = reversals(noisy(states, np.full(100, 2.0), seed=40 + seed), states, bootstrap=100, seed=seed)
        ours = found[(found["a"] == "a") & (found["b"] == "b")]
        covered += bool(((ours["lower"] < 2.0) & (ours["upper"] > 2.0)).all())
    assert covered >= 15  # 19 of 20 are promised; 4 standard errors below


def test_a_difference_that_shrinks_but_does_not_turn_is_no_reversal():
    states = states_of(30)
    found = reversals(noisy(states, np.where(states["announcement"] == "surge", 0.5, 3.0), seed=5), states, bootstrap=100)
    assert not found["reversed"].any()


def test_states_of_one_draw_count_as_one():
    """A gain that varies by draw only: four rivals to a draw do not make the interval shorter."""
    states = states_of(16)
    gain = np.repeat(rng(6).normal(size=16), 4)
    apart = states.assign(draw=range(64))
    overall = [reversals(noisy(states, gain, seed=7), s, bootstrap=400) for s in (states, apart)]
    of_all = [found[found["key"] == "excitation"].iloc[0] for found in overall]
    together, split = (row["upper"] - row["lower"] for row in of_all)
    assert together > 1.1 * split  # under one level of a rival each draw is there twice


def test_nothing_that_varies_makes_no_rows():
    states = pd.DataFrame({"state": range(4), "draw": range(4), "announcement": "none", "isis.x": 0.5})
    found = reversals(table(rng(8).normal(size=(4, 5, 2))), states)
    assert list(found.columns) == list(COLUMNS)
    assert len(found) == 0


def test_one_draw_under_rivals_only_leans_on_replications():
    states = pd.DataFrame({"state": [0, 1], "draw": [0, 0], "announcement": ["none", "surge"]})
    values = 0.1 * rng(9).normal(size=(2, 40, 2))
    values[0, :, 0] += 3.0
    values[1, :, 0] -= 1.0
    found = reversals(table(values), states, bootstrap=200).set_index("level")
    assert found["reversed"].to_dict() == {"none": False, "surge": True}
    assert found.loc["surge", "upper"] - found.loc["surge", "lower"] == pytest.approx(2 * 2.33 * 0.1 * (2 / 40) ** 0.5, rel=0.35)
    once = reversals(table(values[:, :1]), states, bootstrap=20)
    assert not once["reversed"].any()
    assert np.isinf(once["upper"]).all()


def test_how_often_counts_the_states_on_the_other_side():
    values = np.zeros((10, 8, 2)) + 0.01 * rng(10).normal(size=(10, 8, 2))
    values[:7, :, 0] += 2.0
    values[7:, :, 0] -= 1.0
    row = how_often(table(values)).iloc[0]
    assert list(row.index) == list(HOW_OFTEN)
    assert row["overall"] == pytest.approx(1.1, abs=0.02)
    assert (row["states"], row["opposite"], row["surely_opposite"]) == (10, 0.3, 0.3)
    doubtful = how_often(table(rng(11).normal(size=(40, 6, 2)))).iloc[0]
    assert doubtful["opposite"] > 0.2
    assert doubtful["surely_opposite"] < doubtful["opposite"]
    assert how_often(table(values[:, :1])).iloc[0]["surely_opposite"] == 0.0
