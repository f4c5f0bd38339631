"""Answers that others published or that are known in closed form, which comparisons must give again.

Those of a single module stand with its tests: shares (test_proportions), survival, information, the generator (test_engine). The
paired intervals of the sleep data and of the inventories are in test_analysis.
"""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import lambertw

from sim.analysis.paired import paired_difference
from sim.analysis.selection import kim_nelson
from sim.analysis.sequential import bounded_interval, pairs
from sim.luck import draws, stream
from tests import guarantees
from tests.test_analysis import POLICY_A, POLICY_B, SLEEP_A, SLEEP_B
from tests.truths import queue


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


# -- two samples -----------------------------------------------------------------------------------------------------
def test_students_sleep_data_give_the_published_t_and_p():
    found = paired_difference(SLEEP_A, SLEEP_B)
    t = found["mean"] / (found["variance"] / found["n"]) ** 0.5
    assert t == pytest.approx(-4.0621, abs=5e-5)
    assert 2 * stats.t.cdf(t, found["n"] - 1) == pytest.approx(0.002833, abs=5e-7)


@pytest.mark.parametrize(
    ("a", "b", "confidence", "t", "freedom", "p", "interval"),
    [
        (SLEEP_A, SLEEP_B, 0.95, -1.8608, 17.776, 0.07939, None),
        (POLICY_A, POLICY_B, 0.90, None, 7.992, None, (2.661, 7.295)),
    ],
)
def test_without_pairing_the_same_data_give_welchs_published_interval(a, b, confidence, t, freedom, p, interval):
    # What independent luck would be worth: the variance that paired_difference reports beside its own.
    found = paired_difference(a, b)
    welch = stats.ttest_ind(a, b, equal_var=False)
    assert found["mean"] / (found["independent_variance"] / found["n"]) ** 0.5 == pytest.approx(welch.statistic)
    assert welch.df == pytest.approx(freedom, abs=5e-4)
    if interval is None:
        assert (welch.statistic, welch.pvalue) == (pytest.approx(t, abs=5e-5), pytest.approx(p, abs=5e-6))
    else:
        half = stats.t.ppf(0.5 + confidence / 2, welch.df) * (found["independent_variance"] / found["n"]) ** 0.5
        assert (found["mean"] - half, found["mean"] + half) == pytest.approx(interval, abs=5e-4)


def test_antithetic_exponentials_of_our_own_luck_are_correlated_as_known():
    source = draws(3, 0, stream("known", "answers"))
    u = np.array([next(source)[0] for _ in range(60_000)])
    x, y = -np.log1p(-u), -np.log(np.where(u > 0, u, 0.5))
    known = 1 - math.pi**2 / 6
    assert known == pytest.approx(-0.644934, abs=5e-7)
    # the error of the mean product of standardised values, by its own spread
    products = (x - 1) * (y - 1)
    assert products.mean() == pytest.approx(known, abs=4.5 * products.std() / len(u) ** 0.5)
    found = paired_difference(x, y)
    assert found["variance_ratio"] == pytest.approx(1 / (1 - known), rel=0.02)  # antithetic luck makes differences wider


# -- a queue ---------------------------------------------------------------------------------------------------------
def test_the_mean_delay_of_the_first_customers_of_a_queue_is_the_published_one():
    delays = queue(rng(1), 200_000)
    assert delays.mean() == pytest.approx(2.12449, abs=4.5 * delays.std() / len(delays) ** 0.5)
    assert 4.5 * delays.std() / len(delays) ** 0.5 < 0.03


@pytest.mark.parametrize(("n", "known"), guarantees.QUEUE.items())
def test_a_fixed_interval_of_that_delay_covers_as_seldom_as_published(n, known):
    runs = 4000
    share = guarantees.covered(rng(100 + n), n, runs) / runs
    assert share == pytest.approx(known, abs=4.5 * (known * (1 - known) / runs + 0.003**2) ** 0.5)
    if n == 5:
        assert share < 0.9 - 4.5 * (0.09 / runs) ** 0.5


# -- shares that are known -------------------------------------------------------------------------------------------
def test_the_share_of_ruined_gamblers_lies_in_its_interval_at_every_look():
    odds = 0.51 / 0.49
    known = (odds**10 - 1) / (odds**20 - 1)  # reaching 20 from 10 before 0
    assert known == pytest.approx(0.401300, abs=5e-7)
    source, fortune = rng(2), np.full(6000, 10)
    while (playing := (fortune > 0) & (fortune < 20)).any():
        fortune[playing] += np.where(source.random(playing.sum()) < 0.49, 1, -1)
    lower, upper = at_each_look(fortune == 20)
    assert (lower < known).all()
    assert (known < upper).all()
    assert upper[-1] - lower[-1] < 0.07


def test_the_share_of_families_that_die_out_lies_in_its_interval_at_every_look():
    mean = 1.5
    # Poisson children: the smallest root of exp(mean (s - 1)) = s
    known = 0.0
    for _ in range(200):
        known = math.exp(mean * (known - 1))
    assert known == pytest.approx(-lambertw(-mean * math.exp(-mean)).real / mean, abs=1e-9)
    source, alive = rng(3), np.ones(6000, dtype=int)
    for _ in range(40):
        few = (alive > 0) & (alive < 200)  # 200 lines all dying out is impossible for all purposes
        alive[few] = source.poisson(mean * alive[few])
    lower, upper = at_each_look(alive == 0)
    assert (lower < known).all()
    assert (known < upper).all()
    assert upper[-1] - lower[-1] < 0.07


def at_each_look(happened: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The anytime-valid interval of a share after 100, 200, ... runs."""
    n = np.arange(100, len(happened) + 1, 100)
    yes = happened.cumsum()[n - 1]
    return bounded_interval(np.tile([0.0, 1.0], (len(n), 1)), np.stack([n - yes, yes], axis=1), 0.0, 1.0)


# -- the best of four ------------------------------------------------------------------------------------------------
def test_the_hard_case_of_selection_is_decided_rightly_as_often_as_claimed():
    runs, right = 300, 0
    for run in range(runs):
        values = rng(1000 + run).normal([4, 5, 4, 4], [0.3, 8.0, 0.3, 0.3], size=(3000, 4))
        survives = np.isnan(kim_nelson(values, 10, 1.0, 0.05))
        right += int(survives[1] and survives.sum() == 1)
    assert right / runs >= 0.95 - 4 * (0.95 * 0.05 / runs) ** 0.5  # an index slip gives 0.585


# -- common random numbers -------------------------------------------------------------------------------------------
def test_a_difference_on_common_luck_is_decided_long_before_one_on_luck_of_its_own():
    u = rng(4).random((2, 100))
    common = pd.DataFrame({"schedule": "x", "replication": range(100), "y": -np.log(u[0])})  # mean 1
    others = {"common": -1.1 * np.log(u[0]), "own": -1.1 * np.log(u[1])}
    found = {
        name: pairs(pd.concat([common, common.assign(schedule="b", y=y)]), {"y": 0.01}).iloc[0] for name, y in others.items()
    }
    assert found["common"]["variance_ratio"] == pytest.approx(2.21 / 0.01, rel=1e-9)
    assert found["common"]["verdict"] == "lower"
    assert found["own"]["verdict"] == "open"


# -- the guarantees --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("section", guarantees.SECTIONS, ids=lambda section: section.__name__)
def test_each_table_of_guarantees_can_be_made_and_fails_nothing(section):
    table = section(0.001)
    assert not table.failed
    assert table.text().count("\n| ") >= 3
    assert all(len(cells) == len(table.heads) for cells in table.rows)


def test_a_share_that_falls_short_says_so_and_one_within_four_errors_does_not():
    assert guarantees.Share(("x",), 0.95, 930, 1000).holds
    short = guarantees.Share(("x",), 0.95, 900, 1000)
    assert not short.holds
    assert short.cells()[-1] == "FALLS SHORT"
    assert guarantees.of_shares("t", "i", ("case",), [short]).failed
    assert guarantees.Share(("x",), None, 0, 1000).holds
