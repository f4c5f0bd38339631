"""What `posture compare` concludes: each table of its outcomes, in one world and over states of it; and what it says."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.command import main
from experiments.conclusions import TABLES, read_limits, read_objectives
from sim.analysis.cells import cells
from sim.analysis.objectives import Objective, read_objective, value
from sim.outcomes import EVENTS

OBJECTIVES = "objectives=[us_deaths:lower:1,isis_attacks:lower:0.01]"
THREE = "schedules=[open_ended,relabel_and_hold,rapid_6_months]"
WORDS = ("compare", THREE, "weekly=0", "horizon_days=300", "figures=false", "outcomes=[us_deaths,resurgence]", OBJECTIVES)
ASKED = (
    "limits=[us_deaths:at_most:2,isis_attacks:at_most:2000]",
    "explain=[exit_demanded]",
    "explain_runs=3",
    "indifference=0.5",
)


def asked(place: Path, *words: str) -> dict[str, pd.DataFrame]:
    assert main([*WORDS, *ASKED, *words, f"results={place}", "name=mine"]) == 0
    return {path.stem: pd.read_parquet(path) for path in (place / "studies/mine").glob("*.parquet")}


@pytest.fixture(scope="module")
def one(tmp_path_factory, compiled_before):
    """The tables of a comparison in one world."""
    return asked(tmp_path_factory.mktemp("one"), "replications=120")


@pytest.fixture(scope="module")
def many(tmp_path_factory, compiled_before):
    """The tables of a comparison over states of the world."""
    return asked(tmp_path_factory.mktemp("many"), "rivals=all", "draw_parameters=true", "draws=6", "per_state=5")


def test_every_table_that_was_asked_for_is_there(one, many):
    both = {
        "outcomes",
        "weekly",
        "summary",
        "differences",
        "survival",
        "satisficing",
        "tails",
        "selection",
        "regret",
        "dominance",
    }
    assert set(one) == both | {"necessary"}
    assert set(many) == both | {"necessary", "states", "orders", "reversals", "value_of_information"}


def test_nothing_is_judged_where_no_objectives_are_stated(tmp_path, capsys):
    assert main([*WORDS[:-1], "replications=5", f"results={tmp_path}", "name=mine"]) == 0
    there = {path.stem for path in (tmp_path / "studies/mine").glob("*.parquet")}
    assert there == {"outcomes", "weekly", "summary", "differences", "survival"}
    assert "best" not in capsys.readouterr().out.lower()


def test_the_value_of_a_schedule_is_its_weighted_outcomes(one):
    means = one["outcomes"].groupby("schedule")[["us_deaths", "isis_attacks"]].mean()
    expected = -means["us_deaths"] - 0.01 * means["isis_attacks"]
    found = one["selection"].set_index("schedule")["value"]
    assert found.to_dict() == pytest.approx(expected.to_dict())
    assert one["selection"]["p_best"].sum() == pytest.approx(1.0)


def test_the_share_of_runs_in_which_a_schedule_does_better_is_told_of_what_counts(one):
    table = one["differences"].set_index(["schedule", "outcome"])["p_better"]
    assert table.notna().groupby("outcome").all().pipe(lambda told: set(told.index[told])) == {"us_deaths", "isis_attacks"}
    runs = one["outcomes"].pivot(index="replication", columns="schedule", values="isis_attacks")
    assert table["rapid_6_months", "isis_attacks"] == pytest.approx((runs["rapid_6_months"] < runs["open_ended"]).mean())


def test_regret_over_states_is_against_the_best_of_each_state(many):
    judged = cells(
        many["outcomes"],
        value(many["outcomes"], [Objective("us_deaths", "lower", 1.0), Objective("isis_attacks", "lower", 0.01)]),
    )
    means = judged.groupby("state").mean()
    regret = many["regret"].set_index("schedule")
    assert regret["best_share"].to_dict() == pytest.approx(means.eq(means.max(axis=1), axis=0).mean().to_dict(), abs=0.02)
    assert (regret[["expected", "maximum"]] >= 0).all().all()
    assert len(means) == len(many["states"]) == 48


def test_every_event_has_its_time_and_the_baseline_no_difference(one):
    survival = one["survival"].set_index(["schedule", "event"])
    assert set(survival.index.get_level_values("event")) == set(EVENTS)
    assert survival.loc["open_ended", "difference"].fillna(0.0).eq(0.0).all()
    mean = one["outcomes"].query("schedule == 'rapid_6_months'")["exit_completed_day"].mean()
    assert survival.loc[("rapid_6_months", "exit_completed"), "restricted_mean"] == pytest.approx(mean)


def test_limits_are_counted_alone_and_together(one):
    runs = one["outcomes"].query("schedule == 'rapid_6_months'")
    within = [runs["us_deaths"] <= 2, runs["isis_attacks"] <= 2000]
    found = one["satisficing"].query("schedule == 'rapid_6_months' and of == 'runs'").set_index("outcome")["share"]
    assert found["us_deaths"] == pytest.approx(within[0].mean())
    assert found["isis_attacks"] == pytest.approx(within[1].mean())
    assert found[""] == pytest.approx((within[0] & within[1]).mean())


def test_an_end_is_explained_by_kinds_of_event_in_runs_that_came_to_it(one, many):
    for tables in (one, many):
        table = tables["necessary"]
        assert set(table["end"]) <= {"exit_demanded"}
        assert (table["prevented"] <= table["runs"]).all()
        assert (table["runs"] <= table["ended"]).all()
        assert table["ended"].max() <= 3
        own = table[table["kind"] == "government/exit demand"]
        assert own.empty, "the end's own event comes on its day, not before it"


def test_the_value_of_knowing_everything_is_the_most_there_is_to_know(many):
    table = many["value_of_information"].set_index("of")
    assert table.loc["everything", "naive"] >= table["naive"].max() - 1e-9
    drawn = set(many["states"].columns) - {"state", "draw"}
    assert drawn <= set(table.index) | {"announcement", "excitation"}


def test_reversals_look_at_each_pair_under_each_rival(many):
    table = many["reversals"]
    assert set(zip(table["a"], table["b"], strict=True)) == {
        ("open_ended", "relabel_and_hold"),
        ("open_ended", "rapid_6_months"),
        ("relabel_and_hold", "rapid_6_months"),
    }
    rivals = table[table["kind"] == "rival"]
    assert rivals.groupby(["a", "b"]).size().eq(6).all()  # four theories, excitation on and off
    assert rivals["states"].isin([12, 24]).all()


def test_the_screen_tells_what_the_tables_hold(tmp_path, capsys):
    tables = asked(tmp_path, "replications=60")
    said = " ".join(capsys.readouterr().out.split())
    assert "On the objectives us_deaths:lower:1, isis_attacks:lower:0.01 (higher is better)" in said
    assert "Share of runs that keep within the limits" in said
    best = tables["selection"].set_index("schedule")["p_best"].idxmax()
    assert f"{tables['selection'].set_index('schedule').loc[best, 'p_best']:.0%}" in said
    manifest = json.loads((tmp_path / "studies/mine/study.json").read_text())
    assert manifest["config"]["objectives"] == ["us_deaths:lower:1", "isis_attacks:lower:0.01"]


def test_the_tables_do_not_depend_on_workers(tmp_path, capsys):
    for workers in (1, 2):
        asked(tmp_path / str(workers), "replications=40", f"workers={workers}")
    for path in sorted((tmp_path / "1/studies/mine").glob("*.parquet")):
        assert path.read_bytes() == (tmp_path / "2/studies/mine" / path.name).read_bytes(), path.name


# -- objectives and cells ----------------------------------------------------------------------------------------------
def test_an_objective_is_read_as_it_is_written():
    assert read_objective("cost:lower:0.5") == Objective("cost", "lower", 0.5)
    assert read_objective("truce_days:higher") == Objective("truce_days", "higher", 1.0)
    assert [str(o) for o in read_objectives(["cost:lower:0.5"])] == ["cost:lower:0.5"]
    assert read_limits(["cost:at_most:5"]) == [("cost", "at_most", 5.0)]


def test_value_adds_what_counts_in_its_direction():
    table = pd.DataFrame({"us_deaths": [1, 3], "resurgence": [True, False]})
    worth = value(table, [Objective("us_deaths", "lower", 2.0), Objective("resurgence", "higher", 5.0)])
    assert worth.tolist() == [3.0, -6.0]


def test_cells_hold_what_all_schedules_have_in_the_order_of_the_table():
    table = pd.DataFrame({"schedule": ["b", "b", "a", "a"], "replication": [0, 1, 1, 2], "cost": [1.0, 2.0, 3.0, 4.0]})
    found = cells(table, "cost")
    assert list(found.columns) == ["b", "a"]
    assert found.index.tolist() == [1]
    assert np.array_equal(found.to_numpy(), [[2.0, 3.0]])
    with pytest.raises(ValueError, match="duplicate"):
        cells(pd.concat([table, table]), "cost")


def test_nothing_of_an_earlier_request_of_the_same_name_is_left_beside_what_was_asked_for_now(tmp_path, capsys):
    asked(tmp_path, "replications=20")
    place = tmp_path / "studies/mine"
    (place / "report.html").write_text("of before")
    (place / "figures").mkdir()
    (place / "figures/regret.png").write_text("of before")
    assert main([*WORDS[:-1], "replications=20", f"results={tmp_path}", "name=mine"]) == 0
    assert {path.name for path in place.iterdir()} == {
        "study.json",
        *(f"{name}.parquet" for name in ("outcomes", "weekly", "summary", "differences", "survival")),
    }


def test_the_same_request_again_leaves_figures_and_report_as_they_are(tmp_path, capsys):
    asked(tmp_path, "replications=20")
    (tmp_path / "studies/mine/report.html").write_text("of now")
    asked(tmp_path, "replications=20")
    assert (tmp_path / "studies/mine/report.html").read_text() == "of now"


def test_all_tables_that_may_be_concluded_are_known(one, many):
    assert (set(one) | set(many)) - {"outcomes", "weekly"} <= set(TABLES)
    assert set(TABLES) - set(one) - set(many) == {"pairs"}


def test_the_report_of_what_was_concluded_has_the_numbers_of_its_tables(tmp_path, capsys):
    tables = asked(tmp_path, "rivals=all", "draw_parameters=true", "draws=3", "per_state=4")
    assert main(["report", f"results={tmp_path}", "name=mine", "stories=1", "schedules=[rapid_6_months]"]) == 0
    page = (tmp_path / "studies/mine/report.html").read_text(encoding="utf-8")
    found = re.findall(r'data-value="([^"]*)" data-table="(\w+)" data-row="(\d+)" data-column="(\w+)"', page)
    assert {"selection", "regret", "survival", "satisficing", "tails", "value_of_information"} <= {
        name for _, name, _, _ in found
    }
    for text, name, row, column in found:
        if name in tables:
            exact = tables[name].loc[int(row), column]
            assert exact is not None, (name, row, column)
            assert repr(float(exact)) == repr(float(text)), (name, row, column)


def test_a_study_that_was_begun_anew_is_not_reported_from_the_tables_of_before(tmp_path, capsys, monkeypatch):
    asked(tmp_path, "replications=20")

    def interrupted(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("experiments.computing.computed", interrupted)
        assert (
            main([*WORDS[:-1], "objectives=[base_attacks:higher:1]", "replications=30", f"results={tmp_path}", "name=mine"]) == 1
        )
    for command in ("report", "plot"):
        assert main([command, f"results={tmp_path}", "name=mine"]) == 2
        assert "is unfinished and has no tables yet; the command that began it goes on" in capsys.readouterr().err


def test_what_failed_under_one_schedule_is_left_out_of_what_is_judged_together(tmp_path, capsys, failing):
    failing(lambda schedule, replication: schedule == "rapid_6_months" and replication in (1, 4))
    words = ("replications=8", "horizon_days=60", "engine=reference", "executor=serial", f"results={tmp_path}", "name=mine")
    assert main([word for word in WORDS if not word.startswith("horizon")] + list(words)) == 1
    place = tmp_path / "studies/mine"
    tables = {path.stem: pd.read_parquet(path) for path in place.glob("*.parquet")}
    assert len(tables["failures"]) == 2
    assert (tables["selection"]["n"] == 6).all()
    assert tables["differences"].groupby("schedule")["n"].first().to_dict() == {"relabel_and_hold": 8, "rapid_6_months": 6}
    capsys.readouterr()
    assert main(["report", f"results={tmp_path}", "name=mine", "stories=0", "schedules=[rapid_6_months]"]) == 0
    assert "2 runs failed and are left out" in re.sub(r"<[^>]*>", "", (place / "report.html").read_text(encoding="utf-8"))
