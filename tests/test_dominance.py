"""Dominance: what holds by construction is found, what hangs by a thread is not claimed."""

import numpy as np
import pandas as pd
import pytest

from sim.analysis.dominance import COLUMNS, dominance
from sim.analysis.objectives import Objective

DEATHS, TRUCE = Objective("deaths", "lower", 1.0), Objective("truce", "higher", 0.5)


def outcomes(deaths: dict, truce: dict | None = None) -> pd.DataFrame:
    """A table of outcomes from arrays by schedule."""
    truce = truce or {name: np.zeros(len(values)) for name, values in deaths.items()}
    parts = [
        pd.DataFrame({"schedule": name, "replication": range(len(values)), "deaths": values, "truce": truce[name]})
        for name, values in deaths.items()
    ]
    return pd.concat(parts, ignore_index=True)


def found(table: pd.DataFrame, a: str, b: str, order: str, outcome: str = "") -> tuple[bool, float]:
    row = table.query("a == @a and b == @b and order == @order and outcome == @outcome").iloc[0]
    return bool(row["holds"]), float(row["confidence"])


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_what_is_better_in_every_run_dominates_in_every_order_and_never_back():
    luck = rng().poisson(10.0, 300)
    table = dominance(outcomes({"good": luck, "bad": luck + 2}), [DEATHS, TRUCE], bootstrap=50)
    assert list(table.columns) == list(COLUMNS)
    for order, outcome in (("pareto", ""), ("first", "deaths"), ("second", "deaths"), ("first", ""), ("second", "")):
        assert found(table, "good", "bad", order, outcome) == (True, 1.0)
        assert found(table, "bad", "good", order, outcome) == (False, 0.0)


def test_schedules_that_are_equal_do_not_dominate_each_other():
    luck = rng().normal(size=200)
    table = dominance(outcomes({"one": luck, "same": luck.copy()}), [DEATHS], bootstrap=50)
    assert not table["holds"].any()
    assert (table["confidence"] == 0.0).all()


def test_better_in_one_and_worse_in_another_is_no_dominance_whatever_the_weights():
    luck = rng().normal(10.0, 1.0, 200)
    table = dominance(
        outcomes({"stay": luck, "leave": luck - 5.0}, {"stay": luck + 1.0, "leave": luck}), [DEATHS, TRUCE], bootstrap=50
    )
    assert found(table, "leave", "stay", "pareto") == (False, 0.0)
    assert found(table, "stay", "leave", "pareto") == (False, 0.0)
    assert found(table, "leave", "stay", "first", "deaths")[0]
    assert found(table, "stay", "leave", "first", "truce")[0]
    assert found(table, "leave", "stay", "second", "")[0]  # 5 deaths at 1 outweigh a truce day at 0.5


def test_a_mean_preserving_spread_is_dominated_to_the_second_order_only():
    """Rothschild and Stiglitz: noise added to a prospect makes everybody worse off who dislikes risk."""
    base = rng().choice([40.0, 50.0, 60.0], 2000)
    spread = base + np.where(np.arange(2000) % 2, 15.0, -15.0)
    table = dominance(outcomes({"sure": base, "risky": spread}), [Objective("deaths", "higher", 1.0)], bootstrap=100)
    assert found(table, "sure", "risky", "first", "deaths") == (False, 0.0)
    assert found(table, "risky", "sure", "second", "deaths") == (False, 0.0)
    means = base.mean(), spread.mean()
    assert means[0] == pytest.approx(means[1])
    # of equal means the resamples favour one or the other, so the second order hangs by a tie
    assert 0.2 < found(table, "sure", "risky", "second", "deaths")[1] < 0.8
    better = dominance(outcomes({"sure": base + 2.0, "risky": spread}), [Objective("deaths", "higher", 1.0)], bootstrap=100)
    assert found(better, "sure", "risky", "second", "deaths") == (True, 1.0)
    assert found(better, "sure", "risky", "first", "deaths") == (False, 0.0)


def test_a_difference_within_noise_is_not_claimed():
    """Means that differ by half a standard error: the order is as it is in the table, but not with confidence."""
    ours, theirs = rng(2).normal(10.0, 1.0, 100), rng(3).normal(10.0, 1.0, 100)
    ours += theirs.mean() - ours.mean() - 0.07
    table = dominance(outcomes({"a": ours, "b": theirs}), [DEATHS], bootstrap=400)
    holds, confidence = found(table, "a", "b", "pareto")
    assert not holds
    assert confidence == pytest.approx(0.69, abs=0.1)  # P(Z < 0.5)


def test_one_bad_run_of_a_hundred_denies_the_first_order_its_confidence():
    """A schedule better throughout but for one catastrophe: resamples without it see dominance, 37 in 100 of them."""
    luck = rng().normal(10.0, 1.0, 100)
    better = luck - 1.0
    better[0] = 100.0
    table = dominance(outcomes({"a": better, "b": luck}), [DEATHS], bootstrap=400)
    holds, confidence = found(table, "a", "b", "first", "deaths")
    assert not holds
    assert confidence == pytest.approx(0.366, abs=0.12)


def test_a_tolerance_counts_as_no_worse_what_is_worse_by_less():
    luck = rng().normal(10.0, 1.0, 200)
    table = outcomes({"stay": luck, "leave": luck - 5.0}, {"stay": luck + 0.1, "leave": luck})
    assert found(dominance(table, [DEATHS, TRUCE], bootstrap=50), "leave", "stay", "pareto") == (False, 0.0)
    slack = dominance(table, [DEATHS, TRUCE], bootstrap=50, tolerances={"truce": 0.2})
    assert found(slack, "leave", "stay", "pareto") == (True, 1.0)
    assert found(slack, "stay", "leave", "pareto") == (False, 0.0)


def test_an_outcome_stated_twice_is_one_objective():
    luck = rng().normal(10.0, 1.0, 100)
    table = outcomes({"a": luck, "b": luck - 1.0, "c": luck + 2.0})
    twice, once = (dominance(table, objectives, bootstrap=20) for objectives in ([DEATHS, DEATHS], [DEATHS]))
    assert twice.equals(once)


def test_a_yes_or_no_outcome_is_ordered_by_its_share():
    rare, common = np.arange(400) % 20 == 0, np.arange(400) % 2 == 0
    table = dominance(outcomes({"rare": rare, "common": common}), [DEATHS], bootstrap=100)
    assert found(table, "rare", "common", "first", "deaths") == (True, 1.0)
    assert found(table, "rare", "common", "second", "deaths") == (True, 1.0)


def test_states_that_disagree_take_the_confidence_away_that_runs_alone_would_give():
    """Better by 1 in eleven states and worse by 1 in nine, four thousand runs: only the number of states counts."""
    sign = np.where(np.arange(20) < 11, 1.0, -1.0)
    parts = [
        pd.DataFrame({"schedule": name, "state": state, "replication": range(200), "deaths": rng(state).normal(size=200) - gain})
        for state in range(20)
        for name, gain in (("a", sign[state]), ("b", 0.0))
    ]
    holds, confidence = found(dominance(pd.concat(parts, ignore_index=True), [DEATHS], bootstrap=300), "a", "b", "pareto")
    assert not holds
    assert 0.5 < confidence < 0.85


def test_dominance_without_objectives_is_refused():
    with pytest.raises(ValueError, match="needs objectives"):
        dominance(outcomes({"a": np.zeros(3), "b": np.ones(3)}), [])
