"""PRIM: the published trajectory comes out to the last box, boxes that were put in are found, and luck is not sold as a box."""

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.analysis.discovery import discover, independent_runs, out_of_sample
from sim.analysis.prim import Case, chosen, described, peeling, quantile, quasi_p, simplified

FOUND = importlib.util.find_spec("ema_workbench")
DATA = Path((FOUND and FOUND.origin) or "absent").parent / "examples/data/bryant et al 2010 data.csv"
needs_data = pytest.mark.skipif(
    not DATA.exists(), reason="the data come with ema-workbench 2.5, which the lock has for Python 3.11 only"
)


@pytest.fixture(scope="module")
def bryant_lempert() -> Case:
    """The data of Bryant and Lempert 2010: 9 inputs, and whether the cost is among the highest."""
    table = pd.read_csv(DATA)
    return Case(table.iloc[:, 2:11], table.iloc[:, 15].to_numpy(dtype="float64"))


@needs_data
def test_the_trajectory_of_bryant_and_lempert_comes_out(bryant_lempert):
    boxes = peeling(bryant_lempert, peel=0.1)
    row = described(bryant_lempert, boxes).iloc[21]
    assert (row["coverage"], row["density"]) == pytest.approx((0.752809, 0.770115), abs=5e-7)
    assert (row["rows"], row["dimensions"]) == (87, 4)
    assert boxes[21].limits["Total biomass"] == (-np.inf, pytest.approx(755.8, abs=0.01))
    assert quasi_p(bryant_lempert, boxes[21])["Cellulosic cost"] == pytest.approx(0.157413, abs=1e-6)


@needs_data
@pytest.mark.slow
def test_every_box_is_that_of_the_ema_workbench(bryant_lempert):
    with warnings.catch_warnings():  # it warns of parts of its own that are not installed
        warnings.simplefilter("ignore")
        from ema_workbench.analysis.prim import Prim

        there = Prim(bryant_lempert.x, bryant_lempert.y.astype(int), threshold=0.8, peel_alpha=0.1).find_box()
    table = described(bryant_lempert, peeling(bryant_lempert, peel=0.1))
    columns = {"coverage": "coverage", "density": "density", "mass": "mass", "dimensions": "res_dim"}
    for ours, theirs in columns.items():
        assert table[ours].to_numpy(float) == pytest.approx(there.peeling_trajectory[theirs].to_numpy(float))


def planted(rng: np.random.Generator, states: int, runs: int = 10) -> tuple[pd.DataFrame, np.ndarray]:
    """Runs end badly in 60 % where a > 0.6 and the rival is not calm, in 5 % elsewhere; b, c and d do nothing."""
    x = pd.DataFrame(rng.random((states, 4)), columns=list("abcd"))
    x["rival"] = rng.choice(["calm", "lull", "surge"], states)
    chance = np.where((x["a"] > 0.6) & (x["rival"] != "calm"), 0.6, 0.05)
    return x, rng.random((states, runs)) < chance[:, None]


def test_a_box_that_was_put_in_is_found_and_holds_in_other_states():
    rng = np.random.default_rng(1)
    found = discover(*planted(rng, 800), *planted(rng, 800), bootstrap=200)
    best = found.boxes[found.boxes["chosen"]].iloc[0]
    limits = found.limits[found.limits["box"] == best["box"]].set_index("parameter")
    assert set(limits.index) == {"a", "rival"}
    assert limits.loc["a", "low"] == pytest.approx(0.6, abs=0.05)
    assert limits.loc["a", "high"] == np.inf
    assert limits.loc["rival", "values"] == "lull, surge"
    assert (limits["quasi_p"] < 1e-6).all()
    assert best["test_density"] == pytest.approx(0.6, abs=0.08)
    assert best["test_density_lower"] < 0.6 < best["test_density_upper"]
    truth = 0.6 * 0.4 * 2 / 3 / (0.6 * 0.4 * 2 / 3 + 0.05 * (1 - 0.4 * 2 / 3))
    assert best["test_coverage"] == pytest.approx(truth, abs=0.1)


def test_where_there_is_no_box_the_other_half_of_the_states_says_so():
    """Of 30 inputs that do nothing, peeling finds dense boxes in the states it looks at; in others they are like any."""
    rng = np.random.default_rng(2)

    def nothing() -> tuple[pd.DataFrame, np.ndarray]:
        return pd.DataFrame(rng.random((400, 30)), columns=[f"x{k}" for k in range(30)]), rng.random((400, 5)) < 0.2

    found = discover(*nothing(), *nothing(), bootstrap=200)
    last = found.boxes.iloc[-2]
    assert last["density"] > 0.35
    assert last["test_density_lower"] < 0.2 < last["test_density_upper"]
    assert abs(found.boxes.iloc[-1]["test_density"] - 0.2) < 0.05


def test_limits_that_may_be_luck_are_dropped():
    rng = np.random.default_rng(3)
    x, bad = planted(rng, 500, runs=1)
    case = Case(x, bad.mean(axis=1))
    box = case.box({"a": (0.6, np.inf), "rival": frozenset(("lull", "surge")), "d": (-np.inf, 0.97)})
    assert set(simplified(case, box).limits) == {"a", "rival"}
    best = chosen(case, peeling(case))
    assert {"a", "rival"} <= set(best.limits)


def test_a_quasi_p_value_is_the_tail_of_the_binomial():
    from scipy.stats import binom

    x = pd.DataFrame({"a": np.arange(40.0), "b": np.zeros(40)})
    y = np.zeros(40)
    y[[3, 30, 32, 33, 35, 38, 39]] = 1.0
    case = Case(x, y)
    box = case.box({"a": (29.5, np.inf)})
    assert quasi_p(case, box)["a"] == pytest.approx(binom.sf(5, 10, 7 / 40))
    assert quasi_p(Case(x, y, trials=0.5), box)["a"] > quasi_p(case, box)["a"]


def test_runs_of_one_state_count_for_as_many_as_they_are_independent():
    rng = np.random.default_rng(4)
    assert independent_runs(rng.random((4000, 10)) < 0.3) == pytest.approx(10.0, rel=0.1)
    assert independent_runs(np.repeat(rng.random((100, 1)) < 0.3, 10, axis=1)) == pytest.approx(1.0)


def test_limits_lie_half_way_between_values_and_ties_are_passed_over():
    assert quantile(np.array([1.0, 2.0, 4.0, 8.0]), 0.25) == 1.5
    assert quantile(np.array([1.0, 1.0, 1.0, 2.0]), 0.05) == 1.5
    assert quantile(np.array([1.0, 2.0, 2.0, 2.0]), 0.95) == 1.5


def test_a_box_without_states_or_bad_runs_is_worth_nothing_known():
    none = out_of_sample(np.zeros(5, dtype=bool), np.ones((5, 2), dtype=bool), 0.95, 10, 0)
    assert np.isnan(none).all()
    density, *rest = out_of_sample(np.arange(5) < 2, np.zeros((5, 2), dtype=bool), 0.95, 10, 0)
    assert density == 0.0
    assert np.isnan(rest).all()


@pytest.mark.parametrize(("share", "match"), [(0.0, "none of the runs is bad"), (1.0, "all of the runs are bad")])
def test_without_bad_or_good_runs_there_is_no_box(share, match):
    x = pd.DataFrame({"a": np.arange(20.0)})
    with pytest.raises(ValueError, match=match):
        peeling(Case(x, np.full(20, share)))
