"""The value of information: published and closed-form values, the identity with regret, and nothing for what does not matter."""

import math

import numpy as np
import pandas as pd
import pytest

from sim.analysis.crossfit import fold_of
from sim.analysis.information import (
    COLUMNS,
    fold_of_states,
    gain,
    naive_perfect,
    perfect,
    spline,
    things_to_know,
    value_of_information,
)
from sim.analysis.regret import regret


def table(values: np.ndarray) -> pd.DataFrame:
    """Cells of an array of states, replications and schedules."""
    states, replications, schedules = values.shape
    index = pd.MultiIndex.from_product([range(states), range(replications)], names=["state", "replication"])
    return pd.DataFrame(values.reshape(-1, schedules), index=index, columns=list("abcdefghijk")[:schedules])


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_the_evpi_of_a_normal_net_benefit_is_the_published_one():
    """N(1, 2^2) against 0: 2 phi(1/2) - (1 - Phi(1/2)) = 0.395593. By quantiles, then with noise that is to be seen through."""
    from scipy.stats import norm

    benefit = norm.ppf((np.arange(20_000) + 0.5) / 20_000, 1.0, 2.0)
    assert naive_perfect(np.stack([benefit, 0 * benefit], axis=1)[:, None]) == pytest.approx(0.395593, abs=2e-4)
    noisy = benefit[10::100, None] + rng(1).normal(size=(200, 40))
    row = value_of_information(table(np.stack([noisy, 0 * noisy], axis=2)), bootstrap=200).iloc[0]
    assert row["value"] == pytest.approx(0.395593, abs=0.05)
    assert row["lower"] < 0.395593 < row["upper"]


def test_evpi_is_the_smallest_expected_regret_to_rounding():
    for seed in range(20):
        values = rng(seed).normal(size=(30, 4, 5)) + rng(seed + 100).normal(size=(1, 1, 5))
        means = values.mean(axis=1)
        regrets = (means.max(axis=1, keepdims=True) - means).mean(axis=0)
        assert naive_perfect(values) == pytest.approx(regrets.min(), abs=1e-12)


def test_evpi_is_the_expected_regret_of_what_is_chosen_without_noise():
    values = np.repeat(rng(2).normal(size=(25, 1, 4)), 6, axis=1)
    found = value_of_information(table(values), bootstrap=50).iloc[0]
    assert found["value"] == pytest.approx(regret(table(values), bootstrap=50)["expected"].min(), abs=1e-12)
    assert found["value"] == pytest.approx(found["naive"], abs=1e-12)


def states_of(draws: int, rivals: int, seed: int, parameters: int = 2) -> pd.DataFrame:
    columns = [(rng(seed + 1000 * k).permutation(draws) + 0.5) / draws for k in range(parameters)]
    x = np.repeat(np.column_stack(columns), rivals, axis=0)
    states = pd.DataFrame(x, columns=[f"militias.x{k}" for k in range(parameters)])
    return states.assign(
        state=range(len(x)), draw=np.repeat(range(draws), rivals), announcement=np.tile(["w", "x", "y", "z"][:rivals], draws)
    )


def test_a_parameter_that_decides_is_worth_what_calculus_says_and_one_that_does_not_is_worth_nothing():
    """a pays 4 (x - 1/2), b pays 0, x uniform: knowing x is worth the mean of max(0, 4 (x - 1/2)), which is 1/2."""
    states = states_of(160, 1, seed=3, parameters=3)
    x = states["militias.x0"].to_numpy()
    a = 4 * (x - 0.5)[:, None] + 2.0 * rng(4).normal(size=(160, 30))
    found = value_of_information(table(np.stack([a, np.zeros_like(a)], axis=2)), states, bootstrap=300)
    assert list(found.columns) == list(COLUMNS)
    assert found["kind"].tolist() == ["everything", "parameter", "parameter", "parameter"]
    row = found.set_index("of").loc["militias.x0"]
    assert row["value"] == pytest.approx(0.5, abs=0.12)
    assert row["lower"] < 0.5 < row["upper"]
    nothing = found[found["of"].isin(["militias.x1", "militias.x2"])]
    assert (nothing["value"] < 0.03).all()
    assert (nothing["lower"] == 0.0).all()


def test_noise_alone_has_a_naive_value_and_no_corrected_one():
    """Four equal schedules, twenty-five tables: what the estimates are before those below 0 are raised to it."""
    naive, corrected = [], []
    for seed in range(25):
        states, values = states_of(40, 1, seed=seed), rng(seed + 50).normal(size=(40, 10, 4))
        things, folds = things_to_know(states, np.arange(40)), fold_of_states(None, 40)
        once = np.full((1, 40), 1 / 40), np.full((1, 10), 1 / 10)
        corrected.append([perfect(values, *once)[0], *(gain(values, thing, folds).mean() for thing in things)])
        naive.append(value_of_information(table(values), states, bootstrap=2)["naive"])
    error = np.std(corrected, axis=0) / 25**0.5
    assert (np.abs(np.mean(corrected, axis=0)) < 4.5 * error).all()
    assert (np.mean(naive, axis=0) > 0.05).all()


def test_a_rival_that_decides_is_worth_what_is_counted_by_hand():
    """Under one of two theories a is better by 2, under the other b by 1: each is right in half of the states."""
    states = states_of(30, 2, seed=5)
    a = np.where(states["announcement"] == "w", 2.0, -1.0)[:, None] + 0.5 * rng(6).normal(size=(60, 20))
    found = value_of_information(table(np.stack([a, np.zeros_like(a)], axis=2)), states, bootstrap=100).set_index("of")
    assert found.loc["announcement", "kind"] == "rival"
    assert found.loc["announcement", "value"] == pytest.approx(0.5, abs=0.12)
    assert found.loc["everything", "value"] == pytest.approx(0.5, abs=0.12)
    assert found.loc["militias.x0", "value"] < 0.05


def test_what_does_not_vary_has_no_row_and_without_a_table_of_states_there_is_everything_only():
    states = states_of(12, 2, seed=7).assign(excitation=True, level=0.3)
    values = table(rng(8).normal(size=(24, 6, 2)))
    assert value_of_information(values, states, bootstrap=20)["of"].tolist() == [
        *("everything", "announcement", "militias.x0", "militias.x1")
    ]
    assert value_of_information(values, bootstrap=20)["of"].tolist() == ["everything"]


def test_one_state_leaves_nothing_to_learn():
    plain = pd.DataFrame(rng(9).normal(size=(50, 2)) + np.array([0.0, 3.0]), columns=["a", "b"])
    row = value_of_information(plain, bootstrap=20).iloc[0]
    assert (row["value"], row["naive"], row["upper"]) == (0.0, 0.0, 0.0)


def test_one_replication_and_rivals_only_have_an_answer():
    states = pd.DataFrame({"state": [0, 1], "draw": [0, 0], "announcement": ["x", "y"]})
    found = value_of_information(table(np.array([[[1.0, 0.0]], [[0.0, 3.0]]])), states, bootstrap=20)
    assert found["value"].tolist() == [0.5, 0.5]
    assert found["naive"].tolist() == [0.5, 0.5]


def test_a_spline_holds_a_constant_a_slope_and_a_curve_and_few_values_hold_a_slope():
    x = rng(10).random(60)
    basis = spline(x)
    assert basis.shape == (60, 6)
    for curve in (np.ones(60), x, x**3):
        assert basis @ (np.linalg.pinv(basis) @ curve) == pytest.approx(curve, abs=1e-9)
    assert spline(np.tile([0.1, 0.2, 0.9], 5)).shape == (15, 2)


def test_folds_are_dealt_evenly():
    assert np.bincount(fold_of(12)).tolist() == [3, 3, 2, 2, 2]
    assert fold_of(3).tolist() == [0, 1, 2]
    assert math.isclose(fold_of(1).sum(), 0)
