"""Comparisons that draw from a posterior: one trajectory a draw, by weight; what was not calibrated, from its prior."""

import json
import re
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from experiments.command import main
from experiments.composition import Composer
from experiments.draws import Draws, posterior_draws
from experiments.report import gathered
from experiments.settings import CompareSettings, split
from experiments.states import states_of
from sim.errors import RequestError
from sim.report.assumptions import parameters, rivals
from sim.studies.study import find_study
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


def draws_of(table: pd.DataFrame, draws: int = 8, seed: int = 1) -> Draws:
    table.to_parquet("posterior.parquet")
    asked = {"draw_parameters": "posterior", "posterior": "posterior.parquet"}
    settings = SimpleNamespace(**asked, draws=draws, draw_seed=seed, results="results")
    found = posterior_draws(settings)  # ty: ignore[invalid-argument-type] what it reads of the settings
    assert found is not None
    return found


def drawn(table: pd.DataFrame, draws: int = 8, seed: int = 1) -> list[dict[str, float]]:
    return draws_of(table, draws, seed).values


def states(*words: str):
    config = Composer("compare").compose([*words, "draw_parameters=posterior", "posterior=posterior.parquet"])
    settings = check("", CompareSettings, split(config)[1])
    found = posterior_draws(settings)
    assert found is not None
    return states_of(settings, config, found.values)


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


def test_weights_are_counted_by_kish_and_may_be_as_large_as_numbers_go(folder):
    found = draws_of(TABLE)
    assert found.effective == pytest.approx(1.0 / 0.375)
    assert found.different == 3
    assert drawn(TABLE.assign(weight=2.0 * TABLE["weight"] * 1.7e308)) == found.values
    one = draws_of(TABLE.assign(weight=[1.0, 0.0, 0.0]))
    assert (one.effective, one.different) == (1.0, 1)


def test_a_posterior_worth_fewer_than_are_drawn_is_warned_of_otherwise_than_one_that_is_worth_few(folder, capsys):
    drawn(TABLE)
    found = {}
    for effective, draws in ((20.0, 400), (20.0, 4), (40.0, 4)):
        values = [{"isis.attacks": 80.0}] * draws
        Draws("mine", "0" * 64, date(2021, 3, 31), values, [], effective, 20).tell(states("draws=2"), date(2021, 4, 7))
        found[effective, draws] = capsys.readouterr().err
    assert "worth only 20 equally weighted trajectories for 400 draws: intervals over them are too narrow" in found[20.0, 400]
    assert "worth only 20 equally weighted trajectories, which is rough however few are drawn" in found[20.0, 4]
    assert "draws" not in found[20.0, 4]
    assert found[40.0, 4] == ""


def test_a_posterior_all_of_whose_parameters_are_set_is_refused(folder):
    drawn(TABLE)
    with pytest.raises(RequestError, match="every parameter that it has is set"):
        states("draws=6", "militias.ordinary_rate=7.0", "isis.attacks=70.0")


WORDS = ("compare", "schedules=[open_ended,rapid_6_months]", "horizon_days=60", "weekly=0", "figures=false")


def test_a_comparison_and_its_report_say_which_posterior_they_drew_from(folder, capsys):
    drawn(TABLE)
    words = (*WORDS, "draw_parameters=posterior", "posterior=posterior.parquet", "draws=4", "per_state=2", "name=mine")
    assert main([*words, "outcomes=[base_attacks]"]) == 0
    said = capsys.readouterr()
    assert "2 parameters from posterior posterior.parquet (" in said.out
    assert "from their priors; as of the last known day: isis.attacks" in said.out
    assert "worth only 3 equally weighted trajectories for 4 draws" in said.err
    told = json.loads(Path("results/studies/mine/study.json").read_text())["posterior"]
    assert (told["name"], told["until"], told["trajectories"]) == ("posterior.parquet", None, 3)
    assert (told["parameters"], told["carried"]) == (["militias.ordinary_rate", "isis.attacks"], ["isis.attacks"])
    assert len(told["sha256"]) == 64
    table = pd.read_parquet("results/studies/mine/states.parquet")
    assert table["militias.ordinary_rate"].isin([4.0, 5.0, 6.0]).all()
    study = find_study("results", "mine")
    material = gathered(study, study.read_manifest(), None, 0)
    assert f"4 draws of 2 parameters from posterior posterior.parquet (sha256 {told['sha256'][:8]}" in rivals(material)[0]
    lines = [re.sub(r"<[^>]*>", "", " ".join(map(str, row))) for row in parameters(material).rows]
    (carried,) = (line for line in lines if "drawn from the posterior, as of its last known day, 60" in line)
    assert "isis.attacks" in carried
    assert sum("drawn from the posterior, " in line for line in lines) == 2
    assert sum("drawn from its prior" in line for line in lines) > 40


def calibration(until: str, **more) -> None:
    """A study of a calibration that ends on that day, with our table."""
    assert main(["run", "horizon_days=30", "replications=1", "name=calibrated", "changed=recompute"]) == 0
    folder = Path("results/studies/calibrated")
    manifest = json.loads((folder / "study.json").read_text())
    told = {"application": "calibrate", **more}
    (folder / "study.json").write_text(json.dumps(manifest | told | {"config": manifest["config"] | {"until": until}}))
    TABLE.to_parquet(folder / "posterior.parquet")


def test_a_calibration_far_from_the_start_is_warned_of_and_one_near_it_is_not(folder, capsys):
    words = (*WORDS, "draw_parameters=posterior", "posterior=calibrated", "draws=2", "plan=true")
    for until, far in (("2020-03-31", True), ("2021-03-31", False)):
        calibration(until)
        assert main([*words]) == 0
        assert ("tells of another time" in capsys.readouterr().err) == far


def test_only_a_finished_calibration_may_be_drawn_from(folder, capsys):
    for until, more in (("2021-03-31", {"application": "run"}), ("2021-03-31", {"complete": False}), ("never", {})):
        calibration(until, **more)
        capsys.readouterr()
        assert main([*WORDS, "draw_parameters=posterior", "posterior=calibrated"]) == 2
        assert "posterior = 'calibrated': is no finished calibration; expected the name" in capsys.readouterr().err


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
