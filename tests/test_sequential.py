"""Stopping on the difference: intervals that hold at every look, and verdicts that rare events do not fool."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from sim.analysis.sequential import (
    BETS,
    COLUMNS,
    DECIDED,
    bounded_interval,
    half_width,
    mixture_scale,
    needed,
    open_schedules,
    pairs,
)


def outcomes(**columns: np.ndarray) -> pd.DataFrame:
    """A table of one outcome, x: for each schedule its values, replication by replication."""
    return pd.concat(
        [pd.DataFrame({"schedule": s, "scenario": s, "replication": range(len(v)), "x": v}) for s, v in columns.items()],
        ignore_index=True,
    )


def bayes_factor(t: float, n: int, g: float) -> float:
    return (1 + n * g) ** -0.5 * ((1 + t * t / (n - 1)) / (1 + t * t / ((n - 1) * (1 + n * g)))) ** (n / 2)


# -- the t sequence --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("n", "g", "t"), [(5, 0.3, 2.1), (20, 0.05, -1.0), (60, 0.02, 3.5)])
def test_the_bayes_factor_is_that_of_noncentral_t_mixed_over_the_effect(n, g, t):
    def likelihood(effect: float) -> float:
        return stats.nct.pdf(t, n - 1, effect * n**0.5) * stats.norm.pdf(effect, 0, g**0.5)

    mixed = integrate.quad(likelihood, -5 * g**0.5, 5 * g**0.5)[0]
    assert bayes_factor(t, n, g) == pytest.approx(mixed / stats.t.pdf(t, n - 1), rel=1e-5)


@pytest.mark.parametrize("confidence", [0.9, 0.95, 1 - 1e-4])
@pytest.mark.parametrize("n", [100, 2000, 50_000])
def test_at_the_ends_of_the_interval_the_bayes_factor_is_one_over_alpha(n, confidence):
    half = float(half_width(np.array(4.0), np.array(n), confidence, planned=1000))
    t = n**0.5 * half / 2.0
    assert bayes_factor(t, n, mixture_scale(confidence, 1000)) == pytest.approx(1 / (1 - confidence), rel=1e-8)


@pytest.mark.parametrize(("planned", "slack"), [(30, 1.003), (200, 1.0001), (5000, 1.00001)])
@pytest.mark.parametrize("confidence", [0.95, 1 - 1e-4])
def test_no_other_mixture_is_tighter_at_the_planned_number_of_replications(planned, slack, confidence):
    # mixture_scale is inversely proportional to planned: other plans are other mixtures
    others = [float(half_width(1.0, planned, confidence, other)) for other in planned * np.geomspace(0.1, 10.0, 201)]
    assert float(half_width(1.0, planned, confidence, planned)) <= slack * min(others)


def test_intervals_shrink_with_replications_scale_with_the_spread_and_are_wider_than_fixed_ones():
    n = np.array([50, 100, 200, 1000, 5000, 20_000])
    widths = half_width(np.array(1.0), n)
    assert (np.diff(widths) < 0).all()
    assert half_width(np.array(9.0), n) == pytest.approx(3 * widths)
    assert (widths > stats.t.ppf(0.975, n - 1) / np.sqrt(n)).all()
    assert widths[-2] < 2 * 1.96 / 5000**0.5


@pytest.mark.parametrize(("variance", "n"), [(0.0, 10_000), (1.0, 1), (1.0, 0), (1.0, 5)])
def test_what_tells_nothing_of_the_scale_gives_no_interval(variance, n):
    assert half_width(np.array(variance), np.array(n)) == math.inf


def test_the_sequence_misses_no_more_often_than_claimed_over_all_looks_where_a_fixed_interval_does():
    looks, runs, rng = np.arange(20, 1001), 1500, np.random.default_rng(5)
    d = rng.normal(size=(runs, 1000))
    mean = d.cumsum(1) / np.arange(1, 1001)
    square = (d**2).cumsum(1) / np.arange(1, 1001) - mean**2
    n = looks.astype(float)
    mean, variance = mean[:, looks - 1], square[:, looks - 1] * n / (n - 1)
    ever = (np.abs(mean) > half_width(variance, n, 0.9, planned=200)).any(1).mean()
    naive = (np.abs(mean) > stats.t.ppf(0.95, n - 1) * np.sqrt(variance / n)).any(1).mean()
    assert ever <= 0.1 + 4 * (0.1 * 0.9 / runs) ** 0.5
    assert naive > 0.4


# -- bounded values --------------------------------------------------------------------------------------------------
def test_at_the_bounds_of_a_share_the_capital_of_the_bets_is_two_over_alpha():
    counts = np.array([[30.0, 160.0, 10.0]])
    lower, upper = bounded_interval(np.array([[-1.0, 0.0, 1.0]]), counts, -1.0, 1.0, 0.95)
    for bound, turn in ((lower[0], 1.0), (upper[0], -1.0)):
        mean = (1 + turn * bound) / 2
        x = (1 + turn * np.array([-1.0, 0.0, 1.0])) / 2
        capital = np.prod((1 - BETS[:, None] + BETS[:, None] * x / mean) ** counts, axis=1).mean()
        assert capital == pytest.approx(2 / 0.05, rel=1e-6)
    assert lower[0] < -0.1 < upper[0]


def test_bounded_intervals_turn_with_their_sides_and_move_with_their_range():
    values, counts = np.array([[0.0, 1.0]]), np.array([[70.0, 30.0]])
    lower, upper = bounded_interval(values, counts, 0.0, 1.0)
    mirrored = bounded_interval(1 - values, counts, 0.0, 1.0)
    assert (1 - mirrored[1][0], 1 - mirrored[0][0]) == pytest.approx((lower[0], upper[0]))
    moved = bounded_interval(5 + 10 * values, counts, 5.0, 15.0)
    assert (moved[0][0], moved[1][0]) == pytest.approx((5 + 10 * lower[0], 5 + 10 * upper[0]))


def test_padding_with_values_that_never_came_changes_nothing():
    plain = bounded_interval(np.array([[0.0, 1.0]]), np.array([[9.0, 4.0]]), 0.0, 1.0)
    padded = bounded_interval(np.array([[0.0, 1.0, 0.7]]), np.array([[9.0, 4.0, 0.0]]), 0.0, 1.0)
    assert padded == plain


def test_a_share_that_is_always_one_has_an_interval_that_ends_there_and_is_not_empty():
    for n in (2, 100, 100_000):
        lower, upper = bounded_interval(np.array([[1.0]]), np.array([[n]]), 0.0, 1.0)
        assert 0.0 < lower[0] < 1.0
        assert upper[0] == pytest.approx(1.0)


def test_a_rare_yes_or_no_difference_is_covered_at_all_looks_together():
    runs, n, rng = 400, 2000, np.random.default_rng(6)
    d = rng.choice([-1, 0, 1], p=[0.004, 0.992, 0.004], size=(runs, n))
    missed = np.zeros(runs, dtype=bool)
    for look in (20, 50, 100, 200, 400, 800, 1400, 2000):
        counts = np.stack([(d[:, :look] == v).sum(1) for v in (-1, 0, 1)], axis=1)
        lower, upper = bounded_interval(np.tile([-1.0, 0.0, 1.0], (runs, 1)), counts, -1.0, 1.0, 0.9)
        missed |= (lower > 0) | (upper < 0)
    assert missed.mean() <= 0.1 + 4 * (0.1 * 0.9 / runs) ** 0.5


# -- pairs of schedules ----------------------------------------------------------------------------------------------
def test_pairs_have_every_pair_and_outcome_once_in_the_tables_order():
    rng = np.random.default_rng(1)
    table = outcomes(c=rng.normal(size=60), a=rng.normal(size=60), b=rng.normal(size=60))
    table["y"] = table["x"] > 0
    found = pairs(table, {"y": 0.1, "x": 0.5})
    assert list(found.columns) == list(COLUMNS)
    assert list(zip(found["outcome"], found["a"], found["b"], strict=True)) == [
        (outcome, *pair) for outcome in ("y", "x") for pair in (("c", "a"), ("c", "b"), ("a", "b"))
    ]
    assert found["tolerance"].tolist() == [0.1] * 3 + [0.5] * 3
    pd.testing.assert_frame_equal(found, pairs(table, {"y": 0.1, "x": 0.5}, comparisons=6))  # all of them hold together
    assert (found["n"] == 60).all()
    assert ((found["upper"] - found["lower"]) / 2).to_numpy() == pytest.approx(found["half_width"].to_numpy())


def test_an_interval_is_the_t_sequence_of_the_paired_difference_at_the_level_of_the_family():
    rng = np.random.default_rng(2)
    luck = rng.normal(size=300)
    a, b, c = (luck + rng.normal(0.2 * i, 0.5, 300) for i in range(3))
    table = outcomes(a=a, b=b, c=c)
    for comparisons, family in ((None, 3), (1, 1), (40, 40)):
        row = pairs(table, {"x": 0.1}, 0.95, 500, comparisons).iloc[1]
        half = half_width((a - c).var(ddof=1), 300, 1 - 0.05 / family, 500)
        assert row["mean"] == pytest.approx((a - c).mean())
        assert (row["lower"], row["upper"]) == pytest.approx(((a - c).mean() - half, (a - c).mean() + half))
        assert row["variance_ratio"] == pytest.approx((a.var() + c.var()) / (a - c).var())


@pytest.mark.parametrize(
    ("shift", "tolerance", "verdict"),
    [(1.0, 0.2, "higher"), (-1.0, 0.2, "lower"), (0.0, 0.5, "alike"), (0.45, 0.4, "measured"), (0.0, 0.01, "open")],
)
def test_the_verdict_says_what_the_interval_and_the_tolerance_decide(shift, tolerance, verdict):
    d = np.random.default_rng(3).normal(size=1000)
    found = pairs(outcomes(a=d - d.mean() + shift, b=np.zeros(1000)), {"x": tolerance}).iloc[0]
    assert found["verdict"] == verdict
    assert 0.05 < found["half_width"] < 0.15


def test_only_schedules_of_open_pairs_need_more():
    rng = np.random.default_rng(4)
    luck = rng.normal(size=400)
    table = outcomes(far=luck + 50, near=luck + rng.normal(size=400), same=luck + rng.normal(size=400))
    found = pairs(table, {"x": 0.1})
    assert found["verdict"].tolist() == ["higher", "higher", "open"]
    assert open_schedules(found) == ["near", "same"]
    assert open_schedules(found[found["verdict"].isin(DECIDED)]) == []


def test_the_forecast_is_the_number_at_which_a_pair_is_decided():
    rng = np.random.default_rng(7)
    d = rng.normal(0.3, 1.0, 40_000)
    early = pairs(outcomes(a=d[:300], b=np.zeros(300)), {"x": 0.05})
    forecast = int(needed(early).iloc[0])
    assert early["verdict"].iloc[0] == "open"
    spread, mean = d[:300].std(ddof=1), d[:300].mean()
    target = max(0.05, abs(mean) - 0.05)
    assert half_width(spread**2, forecast) == pytest.approx(target, rel=0.01)
    late = pairs(outcomes(a=d, b=np.zeros(40_000)), {"x": 0.05})
    assert late["verdict"].iloc[0] == "higher"
    assert needed(late).tolist() == [40_000.0]
    assert needed(pairs(outcomes(a=d[:3], b=np.zeros(3)), {"x": 0.05})).tolist() == [math.inf]


def test_yes_or_no_outcomes_that_always_agree_are_alike_only_after_many_replications():
    verdicts = {}
    for n in (20, 200, 2000):
        never = np.zeros(n, dtype=bool)
        found = pairs(outcomes(a=never, b=never), {"x": 0.01}).iloc[0]
        assert found["mean"] == 0.0
        assert found["lower"] < 0.0 < found["upper"]
        # Nothing seen in n runs is as likely as the confidence's complement for a share of log(1/alpha)/n.
        assert found["half_width"] > math.log(2 / 0.05) / (n + math.log(2 / 0.05))
        verdicts[n] = found["verdict"]
    assert verdicts == {20: "open", 200: "open", 2000: "alike"}


def test_counts_that_always_agree_allow_for_what_other_schedules_have_shown():
    n = 500
    busy = np.random.default_rng(8).poisson(30.0, n)
    found = pairs(outcomes(a=np.full(n, 7), b=np.full(n, 7), c=busy), {"x": 0.1}).set_index(["a", "b"])
    alone = pairs(outcomes(a=np.full(n, 7), b=np.full(n, 7)), {"x": 0.1}, comparisons=3).iloc[0]
    assert found.loc[("a", "b"), "half_width"] > np.ptp(np.append(busy, 7)) * math.log(60) / (n + math.log(60))
    assert found.loc[("a", "b"), "verdict"] == alone["verdict"] == "open"
    assert alone["half_width"] == pytest.approx(found.loc[("a", "b"), "half_width"] * 10.0 / np.ptp(np.append(busy, 7)))


def test_a_difference_that_is_the_same_in_all_pairs_is_decided_for_what_it_is():
    days = np.random.default_rng(9).integers(0, 200, 300)
    found = pairs(outcomes(a=days + 180, b=days), {"x": 5.0}).iloc[0]
    assert found["verdict"] == "higher"
    assert 0.0 < found["lower"] < 180.0 < found["upper"]
    assert found["variance_ratio"] == math.inf


def test_a_single_pair_that_differs_does_not_make_the_rest_certain():
    one = np.zeros(200)
    one[17] = 3.0
    found = pairs(outcomes(a=one, b=np.zeros(200)), {"x": 0.02}).iloc[0]
    assert found["lower"] < 0.0 < found["mean"] == 0.015 < found["upper"]
    assert found["upper"] > 3.0 * 2.0 / 200
    assert found["verdict"] == "open"


def test_differences_are_averaged_over_states_that_are_all_there():
    rng = np.random.default_rng(10)
    parts = [
        outcomes(a=rng.normal(size=80) + 5 * state, b=rng.normal(size=80) - 3 * state).assign(state=state) for state in range(3)
    ]
    table = pd.concat(parts, ignore_index=True)
    wide = table.pivot(index="replication", columns=["schedule", "state"], values="x")
    d = wide["a"].mean(axis=1) - wide["b"].mean(axis=1)
    assert pairs(table, {"x": 1.0}).iloc[0]["mean"] == pytest.approx(d.mean())
    lacking = table[~((table["schedule"] == "b") & (table["state"] == 1) & (table["replication"] == 4))]
    found = pairs(lacking, {"x": 1.0}).iloc[0]
    assert (found["n"], found["mean"]) == (79, pytest.approx(d.drop(4).mean()))


def test_a_failed_replication_drops_out_of_its_pairs_only():
    table = outcomes(a=np.arange(30.0), b=np.arange(30.0) ** 1.5, c=np.arange(30.0) * 2)
    found = pairs(table[~((table["schedule"] == "b") & (table["replication"] == 3))], {"x": 1.0}).set_index(["a", "b"])
    assert found["n"].to_dict() == {("a", "b"): 29, ("a", "c"): 30, ("b", "c"): 29}


@pytest.mark.parametrize("shared", [0, 1])
def test_a_pair_with_fewer_than_two_common_replications_stays_open(shared):
    table = outcomes(a=np.arange(3.0), b=np.arange(3.0))
    table.loc[table["schedule"] == "b", "replication"] += 3 - shared
    found = pairs(table, {"x": 1.0})
    row = found.iloc[0]
    assert (row["n"], row["verdict"]) == (shared, "open")
    assert math.isnan(row["mean"])
    assert math.isnan(row["lower"])
    assert needed(found).tolist() == [math.inf]


def test_a_single_schedule_or_no_tolerance_gives_an_empty_table_of_the_same_columns():
    for found in (pairs(outcomes(a=np.arange(5.0)), {"x": 1.0}), pairs(outcomes(a=np.arange(5.0), b=np.arange(5.0)), {})):
        assert list(found.columns) == list(COLUMNS)
        assert len(found) == 0
        assert open_schedules(found) == []


@pytest.mark.parametrize("tolerance", [0.0, -1.0, math.nan])
def test_a_tolerance_that_nothing_can_meet_is_refused(tolerance):
    with pytest.raises(ValueError, match="tolerance must be above 0"):
        pairs(outcomes(a=np.arange(5.0), b=np.arange(5.0)), {"x": tolerance})


def test_an_outcome_that_is_not_there_is_an_error():
    with pytest.raises(KeyError, match="nothing"):
        pairs(outcomes(a=np.arange(5.0), b=np.arange(5.0)), {"nothing": 1.0})
