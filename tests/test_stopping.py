"""Replications are added where pairs of schedules are undecided, until all are decided or the budget is spent."""

import json
from pathlib import Path

import pandas as pd
import pytest

from experiments.command import main
from experiments.composition import Composer, scenario
from experiments.settings import CompareSettings, split
from experiments.stopping import Stopping, widest
from sim.studies.plan import Wanted
from sim.validation import check

THREE = ["open_ended", "relabel_and_hold", "rapid_6_months"]
WORDS = (
    *("compare", f"schedules=[{','.join(THREE)}]", "replications=20", "weekly=5", "horizon_days=200", "figures=false"),
    *("outcomes=[base_attacks]", "tolerance.base_attacks=1.0"),
)


def study(results: str = "results", name: str = "mine") -> tuple[dict, dict[str, pd.DataFrame]]:
    place = Path(results) / "studies" / name
    return json.loads((place / "study.json").read_text()), {p.stem: pd.read_parquet(p) for p in place.glob("*.parquet")}


def test_replications_go_where_the_doubt_is(folder, capsys):
    assert main([*WORDS, "name=mine"]) == 0
    manifest, tables = study()
    pairs, sizes = tables["pairs"], tables["outcomes"].groupby("schedule").size()
    assert (pairs["verdict"] != "open").all()
    assert len(pairs) == 3
    assert sizes.min() < sizes.max(), "a schedule whose pairs are decided gets no more"
    assert {label: own["replications"] for label, own in manifest["asked"].items()} == sizes.to_dict()
    last = pairs.loc[pairs["n"].idxmax()]
    assert {last["a"], last["b"]} == set(sizes.nlargest(2).index)
    assert "tolerance: all 3 pairs decided" in capsys.readouterr().out


def test_the_looks_and_results_do_not_depend_on_workers_nor_on_what_was_there_before(folder, capsys):
    assert main([*WORDS, "name=mine", "workers=1", "results=one"]) == 0
    assert main([*WORDS, "name=other", "workers=2", "results=two", "replications=50"]) == 0
    assert main([*WORDS, "name=mine", "workers=2", "results=two"]) == 0
    for name in ("outcomes", "pairs", "differences"):
        assert Path(f"one/studies/mine/{name}.parquet").read_bytes() == Path(f"two/studies/mine/{name}.parquet").read_bytes()


def test_the_same_command_computes_nothing_again(folder, capsys):
    assert main([*WORDS, "name=mine"]) == 0
    before = study()[1]
    assert main([*WORDS, "name=mine"]) == 0
    manifest, after = study()
    assert manifest["computed"] == 0
    assert all(after[name].equals(before[name]) for name in before)


def test_the_budget_ends_it_with_pairs_undecided_and_says_which(folder, capsys):
    assert main([*WORDS, "name=mine", "tolerance.resurgence=0.001", "budget=300"]) == 0
    _, tables = study()
    assert 60 < len(tables["outcomes"]) <= 300
    assert (tables["pairs"]["verdict"] == "open").any()
    said = capsys.readouterr().out
    assert "pairs open, widest resurgence of" in said
    assert "Undecided when the budget was spent" in said


def test_a_budget_below_the_first_look_is_refused(folder, capsys):
    assert main([*WORDS, "name=mine", "budget=59"]) == 2
    assert "budget = 59: the first look takes 60, 20 replications of each of 3 schedules" in capsys.readouterr().err


def test_schedules_that_are_judged_together_end_with_as_many_replications_each(folder, capsys):
    assert main([*WORDS, "name=mine", "objectives=[base_attacks:lower:1]"]) == 0
    _, tables = study()
    sizes = tables["outcomes"].groupby("schedule").size()
    assert sizes.nunique() == 1
    assert sizes.iloc[0] > 20
    assert (tables["selection"]["n"] == sizes.iloc[0]).all()


def test_a_stopped_study_goes_on_with_the_same_looks(folder, capsys, monkeypatch):
    assert main([*WORDS, "name=mine", "results=whole"]) == 0
    looks = []

    def once(self, outcomes, original=Stopping.__call__):
        looks.append(len(outcomes))
        if len(looks) == 2:
            raise KeyboardInterrupt
        return original(self, outcomes)

    with monkeypatch.context() as patch:
        patch.setattr(Stopping, "__call__", once)
        assert main([*WORDS, "name=mine", "results=stopped"]) == 1
    assert "the same command goes on" in capsys.readouterr().err
    assert main([*WORDS, "name=mine", "results=stopped"]) == 0
    whole, stopped = Path("whole/studies/mine"), Path("stopped/studies/mine")
    for name in ("outcomes", "weekly", "pairs", "differences", "summary"):
        assert (whole / f"{name}.parquet").read_bytes() == (stopped / f"{name}.parquet").read_bytes()


def test_verify_computes_a_study_of_unequal_sizes_again(folder, capsys):
    assert main([*WORDS, "name=mine"]) == 0
    assert main(["verify", "name=mine", "sample=all"]) == 0
    assert "all are equal to the bit" in capsys.readouterr().out


@pytest.fixture
def rule():
    settings = check("", CompareSettings, split(Composer("compare").compose(list(WORDS[1:])))[1])
    return Stopping(settings, [Wanted(name, scenario(name, "horizon_days=200"), 1, 20, 0) for name in THREE])


def made(values: dict[str, list[float]]) -> pd.DataFrame:
    return pd.concat(
        pd.DataFrame({"schedule": name, "replication": range(len(numbers)), "base_attacks": numbers})
        for name, numbers in values.items()
    )


def test_nothing_more_is_wanted_once_all_pairs_are_decided(rule):
    far = {name: [50.0 * k + j % 2 + 0.1 * k * (j % 3) for j in range(20)] for k, name in enumerate(THREE)}
    assert rule(made(far)) is None


def test_a_look_is_at_most_three_times_as_large_as_the_one_before(rule):
    near = {name: [float((7 * j + 3 * k) % 11) for j in range(20)] for k, name in enumerate(THREE)}
    growth = rule(made(near))
    assert growth is not None
    assert [w.replications for w in growth.wanted] == [100, 100, 100]  # three times 20, in hundreds
    assert "3 of 3 pairs open" in growth.told


def test_the_widest_interval_is_told_in_terms_of_its_tolerance():
    pairs = pd.DataFrame(
        {
            "a": ["x", "x"],
            "b": ["y", "z"],
            "outcome": "cost",
            "mean": [1.0, 2.0],
            "half_width": [9.0, 4.0],
            "tolerance": [9.0, 1.0],
            "verdict": "open",
        }
    )
    assert widest(pairs) == "2 of 2 pairs open, widest cost of x less z: 2 ± 4, tolerance 1"
