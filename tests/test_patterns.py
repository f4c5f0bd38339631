"""Patterns: the statistics find what was put in, and the table says inside only where it is."""

from dataclasses import astuple
from datetime import date
from math import nan

import numpy as np
import pandas as pd
import pytest

from experiments.composition import scenario
from experiments.pattern_counts import EPISODE, STEADY, month_edges, ordinary_days, over, provoked
from experiments.pattern_events import answers, truce_lengths
from experiments.patterns import lines, patterns
from sim.analysis import patterns as of
from sim.analysis.patterns import COLUMNS, Pattern, mean_row, record_row
from sim.engines.block import Event, Replication
from sim.readings import READINGS

RNG_SEED = 20210407


def frequencies(steepness: float, least: int, most: int, n: int, times: int) -> np.ndarray:
    """How often each of least to most is drawn in n draws of a power law, `times` over."""
    weight = np.arange(least, most + 1, dtype=float) ** -steepness
    return np.random.default_rng(RNG_SEED).multinomial(n, weight / weight.sum(), size=times)


@pytest.mark.parametrize(("steepness", "least"), [(2.35, 1), (2.8, 1), (2.35, 10)])
def test_the_exponent_of_a_power_law_is_found(steepness, least):
    found = of.exponent(frequencies(steepness, least, 100, 4000, 200), least)
    assert found.mean() == pytest.approx(steepness, abs=5 * found.std() / np.sqrt(200) + 0.002)
    # the likelihood is flat there to second order: its curvature gives the spread that is seen
    values = np.arange(least, 101)
    share = values**-steepness / (values**-steepness).sum()
    variance = share @ np.log(values) ** 2 - (share @ np.log(values)) ** 2
    assert found.std() == pytest.approx(1 / np.sqrt(4000 * variance), rel=0.25)


def test_an_exponent_without_a_death_is_not_a_number():
    assert np.isnan(of.exponent(np.zeros(91), 10))
    assert of.exponent(np.array([5.0, 0.0, 0.0])) == pytest.approx(of.STEEPEST)  # all at the least: as steep as is looked for


def test_shares_of_a_tail_add_up():
    assert of.tail_share(2.0, 1, 1, 100) == pytest.approx(1.0)
    assert of.tail_share(2.0, 2, 1, 3) == pytest.approx((1 / 4 + 1 / 9) / (1 + 1 / 4 + 1 / 9))


def test_a_poisson_count_varies_as_its_mean_and_a_negative_binomial_one_more():
    rng = np.random.default_rng(RNG_SEED)
    poisson = of.variance_to_mean(of.moments(rng.poisson(7.0, size=(400, 50))).sum(axis=0))
    assert poisson == pytest.approx(1.0, abs=5 * np.sqrt(2 / 20_000))
    counts = rng.negative_binomial(5.0, 5.0 / 25.0, size=(400, 50))  # mean 20, size 5
    sums = of.moments(counts)
    assert of.variance_to_mean(sums.sum(axis=0)) == pytest.approx(1 + 20 / 5, rel=0.06)
    assert of.size(of.surplus(counts, np.full(counts.shape, 20.0)).sum(axis=0)) == pytest.approx(5.0, rel=0.08)
    estimate, lower, upper = of.resampled(sums, of.mean)
    assert lower < estimate == counts.mean() < upper
    assert (upper - lower) / 3.92 == pytest.approx(np.sqrt(100 / 20_000), rel=0.15)  # variance 20 + 400 / 5


def test_what_is_no_count_is_passed_over():
    assert of.moments(np.array([1.0, nan, 3.0])).tolist() == [2.0, 4.0, 10.0]
    assert of.variance_to_mean(of.moments(np.array([1.0, nan, 3.0]))) == pytest.approx(2.0 / 2.0)


def test_an_autoregression_remembers_as_it_was_told():
    rng = np.random.default_rng(RNG_SEED)
    noise, series = rng.standard_normal((300, 400)), np.zeros((300, 400))
    for t in range(1, 400):
        series[:, t] = 0.6 * series[:, t - 1] + noise[:, t]
    settled = series[:, 50:]
    for lag, expected in ((1, 0.6), (2, 0.36), (20, 0.6**20)):
        assert of.autocorrelation(of.lagged(settled, lag).sum(axis=0)) == pytest.approx(expected, abs=0.02)


def test_the_rise_of_a_season_is_found_whatever_the_level_of_each_year():
    days, share = np.tile([31.0, 30.0, 31.0, 30.0], 3), np.tile([0.0, 0.3, 0.7, 0.0], 3)
    group = np.repeat([2018, 2019, 2020], 4)
    level = np.repeat([4.0, 1.0, 2.0], 4)
    means = days * level * (1.0 + 1.2 * share)
    assert of.rise(means, days, share, group) == pytest.approx(2.2)
    found = of.rise(np.random.default_rng(RNG_SEED).poisson(means, size=(2000, 12)), days, share, group)
    assert found.mean() == pytest.approx(2.2, abs=0.03)
    assert np.isnan(of.rise(np.zeros(12), days, share, group))


def test_the_interval_of_a_quantile_holds_it_as_often_as_it_says():
    rng = np.random.default_rng(RNG_SEED)
    for share in (0.5, 0.05):
        ends = np.array([of.quantile(rng.random(200), share)[1:] for _ in range(600)])
        held = np.mean((ends[:, 0] <= share) & (share <= ends[:, 1]))
        assert 0.95 - 4 * np.sqrt(0.05 * 0.95 / 600) <= held <= 0.999


def test_a_verdict_needs_the_whole_interval():
    assert of.verdict(1.0, 2.0, 1.2, 1.9) == "inside"
    assert of.verdict(1.0, 2.0, 1.9, 2.1) == "overlaps"
    assert of.verdict(1.0, 2.0, 2.01, 2.1) == "outside"
    assert of.verdict(0.7, 0.7, 0.6, 0.8) == "overlaps"  # a single figure can only be met
    assert of.verdict(nan, nan, 0.6, 0.8) == "-"
    assert mean_row(("a", "b", "c"), (0.0, 1.0, "d"), (0.5, 0.4, 0.6), "e").verdict == "inside"
    each = np.linspace(0.0, 1.0, 101)
    assert record_row(("a", "b", "c"), "d", 0.5, each, "e").verdict == "inside"
    assert record_row(("a", "b", "c"), "d", 0.99, each, "e").verdict == "outside"


# -- what is read of runs ------------------------------------------------------------------------------------------------
def happened(day: float, actor: str, activity: str, n: int, cause: str = "", **readings: tuple[float, float]) -> Event:
    """An event that changes these readings, from and to; 2,500 troops are there."""
    known = {"troops": (2500, 2500), **readings}
    before, after = (tuple(known.get(name, (0, 0))[k] for name in READINGS) for k in (0, 1))
    return Event(day, actor, activity, n, cause, False, before, after)


def test_strikes_are_matched_with_the_attacks_that_brought_them():
    attack = "militias:a/base attack"
    events = [
        happened(1.0, "militias:a", "base attack", 1, us_deaths=(0, 2), civilian_deaths=(0, 3)),
        happened(2.0, "militias:a", "base attack", 2, us_deaths=(2, 3)),  # a strike is due: whatever it brings is not told
        happened(2.5, "militias:a", "base attack", 3),  # a strike is due: no harmless attack that could bring one
        happened(4.0, "united_states", "reprisal", 1, cause=f"{attack}#1"),
        happened(9.0, "environment", "war attack", 1, us_deaths=(3, 4)),  # unanswered
        happened(10.0, "militias:a", "base attack", 4),
        happened(10.5, "united_states", "reprisal", 4, cause=f"{attack}#4"),
        happened(11.0, "militias:a", "base attack", 5, troops=(0, 0), civilian_deaths=(3, 9)),  # nobody is there
    ]
    sums, lags = answers(events)
    lethal, answered, harmless, struck, attacks, lethal_in_peace, civilians, deaths = sums
    assert (lethal, answered, harmless, struck) == (2, 1, 1, 1)
    assert (attacks, lethal_in_peace, civilians, deaths) == (4, 2, 3, 4)
    assert lags == [3.0, 0.5]


def test_truces_last_from_change_to_change_and_late_ones_do_not_count():
    events = [
        happened(10.0, "militias:a", "change of regime", 1, regime=(2, 1)),
        happened(20.0, "militias:b", "change of regime", 1, regime=(2, 1)),
        happened(25.0, "militias:b", "base attack", 1, regime=(1, 1)),
        happened(50.0, "militias:a", "change of regime", 2, regime=(1, 3)),
        happened(1500.0, "militias:a", "change of regime", 3, regime=(2, 1)),
    ]
    assert sorted(truce_lengths(events, 1826)) == [40.0, 1806.0]


def test_days_outside_the_ordinary_regime_are_left_out():
    events = [
        happened(0.5, "militias:a", "base attack", 1, regime=(2, 2)),
        happened(0.6, "militias:b", "base attack", 1, regime=(2, 2)),
        happened(3.5, "militias:a", "change of regime", 1, regime=(2, 3)),
        happened(4.5, "militias:a", "base attack", 2, regime=(3, 3)),
        happened(6.5, "militias:a", "change of regime", 2, regime=(3, 2)),
        happened(STEADY - 2.5, "militias:b", "change of regime", 1, regime=(2, 0)),
        happened(STEADY + 1.5, "militias:b", "base attack", 2, regime=(0, 0)),
    ]
    days = ordinary_days(Replication([], events=events))
    assert days[:3].tolist() == [2.0, 0.0, 0.0]
    assert np.flatnonzero(np.isnan(days)).tolist() == [3, 4, 5, 6, STEADY - 3, STEADY - 2, STEADY - 1]
    assert np.nansum(days) == 2.0


def test_a_group_that_begins_outside_the_ordinary_regime_is_known_by_its_first_event():
    events = [
        happened(2.5, "militias:a", "base attack", 1, regime=(1, 1)),
        happened(5.5, "militias:a", "change of regime", 1, regime=(1, 2)),
        happened(7.5, "militias:b", "base attack", 1, regime=(2, 2)),
        happened(STEADY + 1.0, "militias:b", "change of regime", 1, regime=(2, 1)),
    ]
    days = ordinary_days(Replication([], events=events))
    assert np.flatnonzero(np.isnan(days)).tolist() == [0, 1, 2, 3, 4, 5]
    assert np.nansum(days) == days[7] == 1.0
    late = [happened(STEADY + 1.0, "militias:a", "base attack", 1, regime=(1, 1))]
    assert np.isnan(ordinary_days(Replication([], events=late))).all()


def test_weeks_are_split_between_months():
    weekly = np.array([[7.0, 14.0, 0.0, 7.0]])
    assert over(weekly, [0.0, 7.0, 10.0, 28.0]).tolist() == [[7.0, 6.0, 15.0]]
    edges = month_edges(scenario("open_ended", EPISODE), 100)
    assert edges == [0.0, 31.0, 59.0, 90.0]
    assert date(2018, 1, 1).toordinal() + 90 == date(2018, 4, 1).toordinal()


def test_presence_raises_attacks_by_what_the_model_says():
    assert provoked(scenario("open_ended")) == pytest.approx(1.0)
    assert provoked(scenario("open_ended", EPISODE)) == pytest.approx(1 - 0.65 + 0.65 * (5200 + 400) / (2500 + 300))


# -- the table -----------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return patterns(runs=6, draws=4)


def test_each_pattern_is_a_row_with_what_was_expected_and_what_came_out(table):
    assert list(table.columns) == list(COLUMNS)
    assert not table[["pattern", "of", "interval_of"]].duplicated().any()
    assert table[["simulated", "lower", "upper"]].notna().all(axis=None)
    assert (table["lower"] <= table["simulated"]).all()
    assert (table["simulated"] <= table["upper"]).all()
    for part in ("exponent", "P(10", "P(30", "kill nobody", "size", "daily", "autocorrelation", "Ramadan", "long-run"):
        assert table["pattern"].str.contains(part, regex=False).any(), part
    for part in ("truce", "P(strike)", "P(US", "civilians", "convoy", "12 months"):
        assert table["pattern"].str.contains(part, regex=False).any(), part
    assert (table["meaning"].str.len() > 0).all()


def test_verdicts_follow_from_the_figures_beside_them(table):
    for row in (Pattern(*values) for values in table.itertuples(index=False, name=None)):
        if row.interval_of == of.ONE_RECORD:
            assert row.low == row.high == row.record
            assert row.verdict == ("inside" if row.lower <= row.record <= row.upper else "outside")
            assert row.kind == of.RECORD
        else:
            where = of.verdict(row.low, row.high, row.lower, row.upper)
            assert row.verdict == ("as put in" if row.kind == of.INPUT and where != "outside" else where)
    assert set(table["verdict"]) <= {"inside", "overlaps", "outside", "-", "as put in"}
    assert set(table["kind"]) == set(of.KINDS)
    put_in = table[table["kind"] == of.INPUT]
    for part in ("exponent", "size", "Ramadan", "P(strike)", "P(US", "kill nobody", "civilians", "truce", "delay"):
        assert put_in["pattern"].str.contains(part, regex=False).any(), part


def test_the_table_is_markdown_of_one_line_a_row(table):
    found = lines(table)
    assert len([line for line in found if line.startswith("|")]) == len(table) + 2
    assert {line.count("|") for line in found if line.startswith("|")} == {12}
    told = [line for line in found if line.startswith("- ")]
    assert sum(int(word) for line in told for word in line.split() if word.isdigit()) == len(table)
    assert all("inside, " not in line for line in told if line.startswith("- **input**"))
    one = mean_row(("a", "b", "c"), (nan, nan, "none published"), (0.51234, 0.4, 0.6), "why")
    assert lines(pd.DataFrame([astuple(one)], columns=list(COLUMNS)))[-2] == (
        "| a | b | c |  | none published |  | 0.512 (0.4 to 0.6) | mean | emergent | - | why |"
    )


def test_the_same_table_comes_again(table):
    pd.testing.assert_frame_equal(patterns(runs=6, draws=4), table)
