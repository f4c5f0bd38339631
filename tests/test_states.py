"""States of the world: draws from the priors, each under the rival theories; the same for every schedule."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.command import main
from experiments.composition import Composer, scenario
from experiments.settings import CompareSettings, split
from experiments.states import state_table, states_of
from sim.agents.announcements import MODULES
from sim.analysis.crossed import crossed_interval
from sim.analysis.incidence import incidence
from sim.analysis.paired import differences
from sim.scenario import declared_parameters
from sim.studies.design import prior_draws, value_at
from sim.validation import check

WORDS = (
    *("compare", "schedules=[open_ended,rapid_6_months]", "replications=6", "weekly=10", "horizon_days=100", "figures=false"),
    *("outcomes=[base_attacks]", "name=mine"),
)


def states(*overrides: str):
    config = Composer("compare").compose(list(overrides))
    return states_of(check("", CompareSettings, split(config)[1]), config), config


# -- priors ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("parameter", declared_parameters(), ids=lambda p: p.key)
def test_a_prior_has_the_default_in_the_middle_and_the_range_as_its_90_percent(parameter):
    assert [parameter.prior(u) for u in (0.05, 0.5, 0.95)] == pytest.approx(
        [parameter.low, parameter.default, parameter.high], rel=1e-12, abs=1e-12
    )


def test_a_prior_never_leaves_the_bounds_and_never_falls():
    shares = np.linspace(0.0005, 0.9995, 400)
    for parameter in declared_parameters():
        values = [parameter.prior(float(u)) for u in shares]
        assert values == sorted(values)
        assert parameter.bounds[0] <= values[0]
        assert values[-1] <= parameter.bounds[1]


def test_draws_are_spread_evenly_over_each_prior():
    parameters = declared_parameters()[:4]
    drawn = prior_draws(parameters, 50, 1)
    for p in parameters:
        cuts = [p.prior(k / 50) for k in range(1, 50)]
        assert np.bincount(np.searchsorted(cuts, [d[p.key] for d in drawn]), minlength=50).tolist() == [1] * 50


def test_another_seed_gives_other_draws_and_the_same_seed_the_same():
    parameters = declared_parameters()
    assert prior_draws(parameters, 3, 1) == prior_draws(parameters, 3, 1) != prior_draws(parameters, 3, 2)


# -- states ----------------------------------------------------------------------------------------------------------
def test_without_either_there_is_one_world_and_no_states():
    assert states()[0] == []


def test_every_draw_meets_every_rival_theory():
    found, _ = states("rivals=all", "draw_parameters=true", "draws=3")
    assert len(found) == 3 * len(MODULES) * 2
    table = state_table(found)
    assert table.groupby("draw")[["announcement", "excitation"]].value_counts().eq(1).all()
    assert table.groupby("draw")["militias.restraint"].nunique().eq(1).all()
    assert table["state"].tolist() == list(range(len(found)))


def test_what_a_command_sets_is_not_drawn():
    found, _ = states("draw_parameters=true", "draws=4", "militias.restraint=0.7", "iraqi_forces=weak")
    drawn = set(found[0].values)
    assert "militias.restraint" not in drawn
    assert "iraqi_forces.readiness" not in drawn
    assert "isis.dependence" in drawn
    assert {s.announcement for s in found} == {"none"}


def test_a_state_is_the_scenario_that_a_command_with_its_values_would_make():
    found, config = states("rivals=all", "draw_parameters=true", "draws=2")
    state = found[-3]
    words = [f"{key}={value!r}" for key, value in state.values.items()]
    words += [f"rivals.excitation.active={str(state.excitation).lower()}", f"rivals.announcement.module={state.announcement}"]
    made = state.placed(config)
    assert made.identity == scenario("open_ended", *words).identity
    assert value_at(made.content(), "rivals.announcement.lie_low_factor") == state.values["rivals.announcement.lie_low_factor"]


def test_a_comparison_over_states_has_each_schedule_in_each_state_on_the_same_luck(folder, capsys):
    words = [word for word in WORDS if not word.startswith("replications=")]
    assert main([*words, "rivals=all", "draw_parameters=true", "draws=2", "per_state=3"]) == 0
    place = Path("results/studies/mine")
    outcomes, table = pd.read_parquet(place / "outcomes.parquet"), pd.read_parquet(place / "states.parquet")
    assert json.loads((place / "study.json").read_text())["states"] == len(table) == 16
    assert outcomes.groupby(["schedule", "state"])["replication"].apply(list).map([0, 1, 2].__eq__).all()
    assert len(outcomes) == 2 * 16 * 3
    assert len(pd.read_parquet(place / "weekly.parquet")) == 2 * 16 * 1 * 14  # ten series over sixteen states: one in each
    summary = pd.read_parquet(place / "summary.parquet")
    assert summary.groupby("schedule")["n"].first().tolist() == [48, 48]
    assert "48 replications of each schedule over 16 states of the world" in " ".join(capsys.readouterr().out.split())
    assert main(["verify", "name=mine", "sample=all"]) == 0


def test_under_rivals_alone_the_parameters_keep_their_defaults(folder, capsys):
    assert main([*WORDS, "rivals=all"]) == 0
    table = pd.read_parquet("results/studies/mine/states.parquet")
    assert list(table.columns) == ["state", "draw", "announcement", "excitation"]
    outcomes = pd.read_parquet("results/studies/mine/outcomes.parquet")
    assert outcomes.groupby(["schedule", "state"]).size().eq(6).all()


# -- differences over states -----------------------------------------------------------------------------------------
def test_the_interval_over_draws_and_luck_covers_at_its_level():
    rng = np.random.default_rng(7)
    for of_draw, of_luck, of_both in ((1.0, 1.0, 1.0), (1.0, 0.2, 3.0), (0.0, 1.0, 2.0)):
        hits = 0
        for _ in range(800):
            values = of_draw * rng.normal(size=(12, 1)) + of_luck * rng.normal(size=15) + of_both * rng.normal(size=(12, 15))
            mean, half = crossed_interval(values)
            hits += abs(mean) <= half
        assert hits / 800 > 0.95 - 5 * (0.95 * 0.05 / 800) ** 0.5


def test_the_interval_of_a_single_draw_is_that_of_its_replications():
    values = np.array([[1.0, 4.0, 2.0, 8.0, 3.0]])
    mean, half = crossed_interval(values)
    assert mean == pytest.approx(3.6)
    assert half == pytest.approx(2.7764451 * values.std(ddof=1) / 5**0.5)


def test_states_of_one_draw_are_averaged_before_draws_are_taken_for_a_sample():
    rng = np.random.default_rng(3)
    rows = [
        {
            "schedule": s,
            "scenario": "",
            "state": state,
            "replication": r,
            "cost": (s == "b") * (10.0 * (state // 2)) + rng.normal(),
        }
        for s in "ab"
        for state in range(6)
        for r in range(40)
    ]
    outcomes = pd.DataFrame(rows)
    alone = differences(outcomes, "a").iloc[0]
    drawn = differences(outcomes, "a", states=pd.DataFrame({"state": range(6), "draw": [0, 0, 1, 1, 2, 2]})).iloc[0]
    assert drawn["mean"] == pytest.approx(alone["mean"])
    assert drawn["half_width"] == pytest.approx(4.302653 * 10 / 3**0.5, rel=0.05)  # t of 2 degrees of freedom: three draws
    assert alone["half_width"] < drawn["half_width"] / 1.5


def test_the_share_of_runs_with_an_event_knows_that_runs_of_one_draw_are_alike():
    rng = np.random.default_rng(5)
    likely = rng.beta(1, 3, size=20).repeat(2)  # of each draw, under two rivals
    rows = [
        {
            "schedule": "a",
            "state": state,
            "replication": r,
            "fell": u < likely[state],
            "fell_day": 50.0 if u < likely[state] else 100.0,
        }
        for r, u in enumerate(rng.random(60))
        for state in range(40)
    ]
    table, states = pd.DataFrame(rows), pd.DataFrame({"state": range(40), "draw": np.arange(20).repeat(2)})
    days = np.array([10.0, 100.0])
    whole = incidence(table, ["fell"], days, states)
    alone = incidence(table.drop(columns="state"), ["fell"], days)
    assert whole["share"].tolist() == alone["share"].tolist()
    width = (whole["upper"] - whole["lower"])[1]
    mean, half = crossed_interval(table["fell"].astype(float).to_numpy().reshape(60, 20, 2).mean(axis=2))
    assert mean == pytest.approx(whole["share"][1])
    assert width == pytest.approx(2 * half, rel=0.15)
    assert width > 3 * (alone["upper"] - alone["lower"])[1]
