"""The bad tail: closed forms come out, atoms are split, and the side that is bad is looked at."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sim.analysis.tails import COLUMNS, tail_risk, value_at_risk


def outcomes(values: np.ndarray, name: str = "deaths") -> pd.DataFrame:
    """One row a replication of schedules a, b, ... from an array of replications and schedules."""
    return pd.concat(
        [
            pd.DataFrame({"schedule": "abc"[k], "replication": range(len(values)), name: values[:, k]})
            for k in range(values.shape[1])
        ],
        ignore_index=True,
    )


def test_the_tail_of_an_exponential_is_its_quantile_and_one_mean_more():
    """Memoryless: quantile -ln(1 - level), CVaR one above it. By quantiles at 100,000 even shares, not by chance."""
    losses = stats.expon.ppf((np.arange(100_000) + 0.5) / 100_000)
    for level in (0.5, 0.9, 0.95):
        assert value_at_risk(losses, level) == pytest.approx((-math.log(1 - level), 1 - math.log(1 - level)), rel=2e-3)


def test_the_tail_of_a_normal_is_density_over_share():
    losses = 10.0 + 2.0 * stats.norm.ppf((np.arange(100_000) + 0.5) / 100_000)
    z = stats.norm.ppf(0.95)
    expected = (10.0 + 2.0 * z, 10.0 + 2.0 * stats.norm.pdf(z) / 0.05)
    assert value_at_risk(losses, 0.95) == pytest.approx(expected, rel=1e-3)


def test_an_atom_at_the_quantile_is_split():
    """Rockafellar and Uryasev 2002: of losses 0 (80 %), 10 (15 %) and 100 (5 %) the worst 10 % are half 10 and half 100."""
    losses = np.repeat([0.0, 10.0, 100.0], [80, 15, 5])
    assert value_at_risk(losses, 0.9) == pytest.approx((10.0, 55.0))
    assert value_at_risk(losses, 0.95) == pytest.approx((10.0, 100.0))
    assert value_at_risk(losses, 0.8) == pytest.approx((0.0, 32.5))
    assert value_at_risk(np.array([0.0, 1.0]), 0.9) == pytest.approx((1.0, 1.0))


def test_the_bad_side_of_an_outcome_may_be_the_low_one():
    values = np.random.default_rng(1).normal(size=(400, 2))
    up = tail_risk(outcomes(values), [("deaths", "higher")], bootstrap=50)
    down = tail_risk(outcomes(-values), [("deaths", "lower")], bootstrap=50)
    assert list(up.columns) == list(COLUMNS)
    assert up["schedule"].tolist() == ["a", "b"]
    for there, back in (("quantile", "quantile"), ("cvar", "cvar"), ("lower", "upper"), ("upper", "lower")):
        assert up[there].to_numpy() == pytest.approx(-down[back].to_numpy())
    assert (up["quantile"] < up["cvar"]).all()
    assert ((up["lower"] < up["cvar"]) & (up["cvar"] < up["upper"])).all()


def test_the_interval_of_the_tail_is_as_wide_as_theory_says():
    """Standard error of CVaR: sqrt(var(tail) + level (CVaR - VaR)^2) / sqrt(n (1 - level)), Trindade and others 2007."""
    losses = stats.expon.ppf((np.arange(4000) + 0.5) / 4000)[:, None]
    row = tail_risk(outcomes(losses), [("deaths", "higher")], level=0.9, bootstrap=1000).iloc[0]
    error = math.sqrt((1.0 + 0.9) / (4000 * 0.1))
    assert row["upper"] - row["lower"] == pytest.approx(2 * 1.96 * error, rel=0.12)


def test_the_interval_covers_the_true_tail_about_as_often_as_it_says():
    rng, covered = np.random.default_rng(2), 0
    for seed in range(12):
        table = tail_risk(outcomes(rng.exponential(size=(1000, 3))), [("deaths", "higher")], level=0.9, bootstrap=200, seed=seed)
        truth = 1 - math.log(0.1)
        covered += int(((table["lower"] < truth) & (truth < table["upper"])).sum())
    assert covered / 36 > 0.95 - 5 * (0.95 * 0.05 / 36) ** 0.5


def test_a_schedule_without_a_bad_tail_has_no_width_and_states_widen_one():
    flat = tail_risk(outcomes(np.zeros((50, 1))), [("deaths", "higher")], bootstrap=50).iloc[0]
    assert (flat["quantile"], flat["cvar"], flat["lower"], flat["upper"]) == (0.0, 0.0, 0.0, 0.0)
    rng = np.random.default_rng(3)
    table = pd.concat(
        [
            pd.DataFrame({"schedule": "a", "state": s, "replication": range(100), "deaths": rng.normal(rng.normal() * 3, 1, 100)})
            for s in range(10)
        ]
    )
    of_states = tail_risk(table, [("deaths", "higher")], bootstrap=200).iloc[0]
    as_runs = table.assign(replication=range(1000)).drop(columns="state")
    of_runs = tail_risk(as_runs, [("deaths", "higher")], bootstrap=200).iloc[0]
    assert of_states["cvar"] == pytest.approx(of_runs["cvar"])
    assert of_states["upper"] - of_states["lower"] > 2 * (of_runs["upper"] - of_runs["lower"])


@pytest.mark.parametrize(
    ("sides", "level", "match"), [([("deaths", "up")], 0.9, "lower or higher"), ([], 1.0, "between 0 and 1")]
)
def test_what_is_no_tail_is_refused(sides, level, match):
    with pytest.raises(ValueError, match=match):
        tail_risk(outcomes(np.zeros((3, 1))), sides, level=level)
