"""Comparisons that draw from a posterior: one trajectory a draw, by weight; what was not calibrated, from its prior."""

import json
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from experiments.command import main
from experiments.composition import Composer
from experiments.draws import posterior_draws
from experiments.settings import CompareSettings, split
from experiments.states import states_of
from sim.validation import check

TABLE = pd.DataFrame(
    {
        "weight": [0.5, 0.25, 0.25],
        "replication": [3, 5, 9],
        "distance": [1.0, 1.0, 1.0],
        "isis.attacks": [80.0, 90.0, 100.0],
        "militias.ordinary_rate": [4.0, 5.0, 6.0],
        "sources.gtd.isis_attacks.coverage": [0.2, 0.3, 0.4],
        "carried.isis.attacks": [60.0, 1e9, 70.0],
    }
)


def drawn(table: pd.DataFrame, draws: int = 8, seed: int = 1) -> list[dict[str, float]]:
    table.to_parquet("posterior.parquet")
    settings = SimpleNamespace(posterior="posterior.parquet", draws=draws, draw_seed=seed, results="results")
    return posterior_draws(settings)  # ty: ignore[invalid-argument-type] what it reads of the settings


def states(*words: str):
    config = Composer("compare").compose([*words, "draw_parameters=posterior", "posterior=posterior.parquet"])
    return states_of(check("", CompareSettings, split(config)[1]), config)


def test_each_trajectory_is_drawn_as_often_as_it_weighs(folder):
    rates = [values["militias.ordinary_rate"] for values in drawn(TABLE)]
    assert [rates.count(rate) for rate in (4.0, 5.0, 6.0)] == [4, 2, 2]
    assert drawn(TABLE) == drawn(TABLE)
    two = [tuple(v["militias.ordinary_rate"] for v in drawn(TABLE, draws=3, seed=seed)) for seed in range(20)]
    assert len(set(two)) > 1


def test_what_is_carried_on_replaces_what_it_was_on_the_first_day_within_its_bounds(folder):
    found = {values["militias.ordinary_rate"]: values["isis.attacks"] for values in drawn(TABLE)}
    assert found[4.0] == 60.0
    assert found[6.0] == 70.0
    assert found[5.0] < 1e9
    assert not any(key.startswith(("sources.", "carried.")) for values in drawn(TABLE) for key in values)


def test_the_others_come_from_their_priors_and_what_is_set_stays(folder):
    drawn(TABLE)
    found = states("draws=6")
    assert {s.values["militias.ordinary_rate"] for s in found} <= {4.0, 5.0, 6.0}
    assert len({s.values["militias.restraint"] for s in found}) == 6
    set_to = states("draws=6", "militias.ordinary_rate=7.0")
    assert all("militias.ordinary_rate" not in s.values for s in set_to)
    assert all("isis.attacks" in s.values for s in set_to)


WORDS = ("compare", "schedules=[open_ended,rapid_6_months]", "horizon_days=60", "weekly=0", "figures=false")


def test_a_comparison_says_which_posterior_it_drew_from(folder, capsys):
    drawn(TABLE)
    words = (*WORDS, "draw_parameters=posterior", "posterior=posterior.parquet", "draws=4", "per_state=2", "name=mine")
    assert main([*words, "outcomes=[base_attacks]"]) == 0
    told = json.loads(Path("results/studies/mine/study.json").read_text())["posterior"]
    assert told["name"] == "posterior.parquet"
    assert len(told["sha256"]) == 64
    table = pd.read_parquet("results/studies/mine/states.parquet")
    assert table["militias.ordinary_rate"].isin([4.0, 5.0, 6.0]).all()


WRONG = {
    "posterior=nowhere": "posterior = 'nowhere': no such study",
    "posterior=nowhere.parquet": "posterior = 'nowhere.parquet': no such file",
    "posterior=null": "posterior = null: expected the name of a calibration",
    "posterior=text.parquet": "posterior = 'text.parquet': is no Parquet file",
    "posterior=weightless.parquet": "has no column 'weight'",
    "posterior=unknown.parquet": "column 'isis.atacks': no such parameter (did you mean isis.attacks?)",
    "posterior=words.parquet": "column 'isis.attacks': expected finite numbers",
    "posterior=negative.parquet": "expected rows with weights of at least 0",
    "posterior=empty.parquet": "expected rows with weights of at least 0",
    "posterior=sources.parquet": "has no parameter of the model",
}


@pytest.mark.parametrize("word", WRONG)
def test_a_wrong_posterior_gets_one_line(word, folder, capsys):
    Path("text.parquet").write_text("weight,isis.attacks\n1,2\n")
    TABLE.drop(columns="weight").to_parquet("weightless.parquet")
    TABLE.rename(columns={"isis.attacks": "isis.atacks"}).to_parquet("unknown.parquet")
    TABLE.assign(**{"isis.attacks": ["a", "b", "c"]}).to_parquet("words.parquet")
    TABLE.assign(weight=[1.0, -1.0, 1.0]).to_parquet("negative.parquet")
    TABLE.iloc[:0].to_parquet("empty.parquet")
    TABLE[["weight", "sources.gtd.isis_attacks.coverage"]].to_parquet("sources.parquet")
    assert main([*WORDS, "draw_parameters=posterior", word]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert WRONG[word] in said


def test_a_posterior_that_would_not_be_used_is_refused(folder, capsys):
    assert main([*WORDS, "draw_parameters=true", "posterior=mine"]) == 2
    assert "posterior = 'mine': not used without draw_parameters=posterior" in capsys.readouterr().err
