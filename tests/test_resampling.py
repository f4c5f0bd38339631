"""Resampling: the spread of resampled means is that of the means, states and luck crossed, and no cell is empty."""

import numpy as np
import pandas as pd
import pytest

from sim.analysis.resampling import cube, draws, percentile_interval, resampled_means, resamples, weights


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_without_states_the_spread_of_resampled_means_is_the_standard_error():
    values = rng().normal(size=(1, 400, 1))
    found = resampled_means(values, 4000, rng(2))
    assert found.shape == (4000, 1)
    assert found.mean() == pytest.approx(values.mean(), abs=5 * 0.05 / 4000**0.5)
    assert found.std() == pytest.approx(values.std() / 20, rel=0.06)  # a standard deviation of 4,000 has an error of 1.1 %


def test_states_and_luck_that_add_up_give_the_variance_of_both():
    """x = state + luck: the mean's variance is that of states over their number, plus that of luck over its number."""
    state, luck = rng(3).normal(size=40), rng(4).normal(size=60) * 2.0
    found = resampled_means((state[:, None] + luck[None])[:, :, None], 4000, rng(5)).std()
    assert found == pytest.approx((state.var() / 40 + luck.var() / 60) ** 0.5, rel=0.06)


def test_what_only_state_and_luck_make_together_is_counted_three_times_at_most():
    """Owen 2007: the variance of pure noise is overstated threefold; never understated."""
    values = rng(6).normal(size=(50, 50, 8))
    found = resampled_means(values, 1500, rng(7)).std(axis=0).mean()
    assert found == pytest.approx(3**0.5 / 50, rel=0.08)


def test_states_of_one_draw_are_drawn_together():
    """Ten draws under four rivals each: forty states that know no more than ten."""
    of_draw = rng(8).normal(size=10)
    values = np.repeat(of_draw, 4)[:, None, None] * np.ones((1, 2, 1))
    together = resampled_means(values, 4000, rng(9), np.repeat(np.arange(10), 4)).std()
    apart = resampled_means(values, 4000, rng(9)).std()
    assert together == pytest.approx(of_draw.std() / 10**0.5, rel=0.06)
    assert apart == pytest.approx(of_draw.std() / 40**0.5, rel=0.06)


def test_resamples_do_not_depend_on_how_many_are_held_at_once():
    values = rng(10).normal(size=(6, 7, 3))
    at_once = resampled_means(values, 50, rng(11))
    blocks = resamples(6, 7, 50, rng(11), width=400_000)
    pieces = [w @ values[:, :, 0] @ v for ws, vs in blocks for w, v in zip(ws, vs, strict=True)]
    assert np.allclose(at_once[:, 0], pieces, rtol=0, atol=1e-12)


def test_columns_share_their_resamples():
    values = rng(12).normal(size=(5, 20, 1))
    found = resampled_means(np.concatenate([values, values + 3.0], axis=2), 100, rng(13))
    assert np.ptp(found[:, 1] - found[:, 0]) < 1e-12


def test_weights_are_counts_over_their_number():
    found = weights(7, 200, rng(14))
    assert np.allclose(found.sum(axis=1), 1.0)
    assert np.allclose(found * 7, np.round(found * 7))


def test_a_percentile_interval_holds_the_share_it_says():
    lower, upper = percentile_interval(np.arange(1001.0)[:, None], 0.95)
    assert (lower[0], upper[0]) == pytest.approx((25.0, 975.0))


@pytest.mark.parametrize("shape", [(3, 4), (0, 3, 1), (2, 0, 1)])
def test_what_is_no_cube_is_refused(shape):
    with pytest.raises(ValueError, match="expected values of states"):
        resampled_means(np.zeros(shape), 10, rng())


# -- cubes -----------------------------------------------------------------------------------------------------------
def crossed(states: int, replications: int) -> pd.DataFrame:
    index = pd.MultiIndex.from_product([range(states), range(replications)], names=["state", "replication"])
    return pd.DataFrame({"a": np.arange(float(len(index))), "b": -np.arange(float(len(index)))}, index=index)


def test_a_cube_has_states_replications_and_schedules_whatever_the_order_of_rows():
    table = crossed(3, 4)
    for mixed in (table, table.sample(frac=1.0, random_state=1)):
        values, states = cube(mixed)
        assert values.shape == (3, 4, 2)
        assert values[2, 1].tolist() == [9.0, -9.0]
        assert states.tolist() == [0, 1, 2]


def test_a_state_that_lacks_most_is_left_out_and_so_is_a_replication_that_failed_once():
    table = crossed(4, 6).drop(index=[(2, r) for r in range(5)]).drop(index=[(0, 3)])
    values, states = cube(table)
    assert states.tolist() == [0, 1, 3]
    assert values.shape == (3, 5, 2)
    assert not np.isnan(values).any()


def test_cells_without_states_are_one_state():
    values, states = cube(pd.DataFrame({"a": [1.0, 2.0]}, index=pd.Index([0, 5], name="replication")))
    assert values.shape == (1, 2, 1)
    assert states.tolist() == [0]


def test_a_table_without_cells_is_refused():
    with pytest.raises(ValueError, match="no replication that all schedules have"):
        cube(crossed(2, 2).iloc[:0])


def test_draws_follow_the_states_that_are_kept():
    table = pd.DataFrame({"state": [0, 1, 2, 3], "draw": [7, 7, 8, 8]})
    found = draws(table, np.array([0, 2, 3]))
    assert found is not None
    assert found.tolist() == [7, 8, 8]
    assert draws(None, np.array([0])) is None
