"""posture run -m: what Hydra can sweep ends in one study; and groups of the user's own, alone, compared and swept."""

import json
from pathlib import Path

import pytest
import yaml

from experiments.command import main
from sim import OUTCOMES
from tests.processes import MINE, SMALL, alike, files, manifest, posture, segments, table, tables

pytestmark = pytest.mark.usefixtures("folder", "compiled_before")
OWN = {
    "name": "mine",
    "summary": "A schedule of the user's own.",
    "steps": [
        {"name": "words", "does": "announce", "date": "2021-04-20", "promise_days": 40},
        {"name": "deeds", "does": "leave", "after": "words", "days": 30, "troops": "all"},
    ],
}


# -- the user's own groups -------------------------------------------------------------------------------------------
@pytest.fixture
def own(folder) -> Path:
    (folder / "own/schedule").mkdir(parents=True)
    (folder / "own/schedule/mine.yaml").write_text(yaml.safe_dump(OWN))
    (folder / "own/militias").mkdir()
    (folder / "own/militias/quiet.yaml").write_text(
        "defaults: [beliefs, _self_]\nordinary_rate: 0.5\ngroups: {one: {capacity: 1.0}}\n"
    )
    return folder / "own"


def test_a_schedule_of_the_users_own_runs_like_a_shipped_one(own, capsys):
    assert main(["run", "--config-dir", "own", "schedule=mine", "militias=quiet", *SMALL, "name=a"]) == 0
    assert set(table("outcomes", "a")["schedule"]) == {"mine"}
    assert table("outcomes", "a")["exit_completed_day"].tolist() == [43.0] * 3
    assert list(manifest("a")["contents"]["mine"]["militias"]["groups"]) == ["one"]
    assert main(["trace", "--config-dir=own", "schedule=mine", "horizon_days=60"]) == 0
    assert "schedule: deeds (2,500 leave, 0 stay)" in capsys.readouterr().out


def test_a_schedule_of_the_users_own_is_compared_with_shipped_ones(own, capsys):
    assert main(["compare", "--config-dir", "own", "schedules=[open_ended,mine]", *SMALL, "figures=false", "name=a"]) == 0
    assert list(table("outcomes", "a")["schedule"].unique()) == ["open_ended", "mine"]


def test_a_schedule_of_the_users_own_can_be_swept(own, capsys):
    assert main(["run", "-m", "--config-dir", "own", "schedule=mine,open_ended", *SMALL, "name=a"]) == 0
    assert set(table("outcomes", "a")["schedule"]) == {"open_ended", "mine"}


# -- sweeps ----------------------------------------------------------------------------------------------------------
def test_a_sweep_ends_in_one_table_with_what_was_swept(folder, capsys):
    words = ["schedule=open_ended,rapid_6_months", "isis.stock=1000,4000", *SMALL, "weekly=1", "name=mine"]
    assert main(["run", "-m", *words]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "4 scenarios, 12 replications in all" in out
    assert out.splitlines()[-1] == "results: results/studies/mine"
    outcomes = table("outcomes")
    assert list(outcomes.columns)[:4] == ["schedule", "isis.stock", "scenario", "replication"]
    combinations = outcomes.groupby(["schedule", "isis.stock"])
    assert combinations.size().to_dict() == {
        (schedule, stock): 3 for schedule in ("open_ended", "rapid_6_months") for stock in ("1000", "4000")
    }
    assert outcomes["scenario"].nunique() == 4
    assert combinations["scenario"].nunique().max() == 1
    assert table("weekly").groupby(["schedule", "isis.stock"]).size().to_dict() == dict.fromkeys(combinations.groups, 14)
    assert len(table("summary")) == 4 * len(OUTCOMES)
    made = manifest()
    assert made["swept"] == ["schedule", "isis.stock"]
    assert made["complete"]
    assert set(made["scenarios"].values()) == set(outcomes["scenario"])
    assert list(folder.iterdir()) == [folder / "results"]


def test_each_job_of_a_sweep_gives_what_a_run_of_its_own_gives(folder, capsys):
    assert main(["run", "-m", "isis.stock=1000,4000", *SMALL, "name=mine", "results=swept"]) == 0
    assert main(["run", "isis.stock=1000", *SMALL, "name=mine", "results=single"]) == 0
    swept = table("outcomes", results="swept")
    alike(swept[swept["isis.stock"] == "1000"], table("outcomes", results="single"))


def test_the_jobs_of_a_sweep_leave_a_record_each_and_their_blocks_in_the_store(folder, capsys):
    assert main(["run", "-m", "isis.stock=1000,4000", *SMALL, "weekly=1", "name=mine"]) == 0
    expected = {"study.json", "outcomes.parquet", "weekly.parquet", "summary.parquet", "jobs/0.json", "jobs/1.json"}
    assert files(folder / MINE) - {"jobs/multirun.yaml"} == expected  # less Hydra's own record
    records = [json.loads((folder / MINE / f"jobs/{k}.json").read_text()) for k in (0, 1)]
    assert [record["content"]["isis"]["stock"] for record in records] == [1000, 4000]
    assert [(record["computed"], record["interrupted"], record["lost"]) for record in records] == [(3, False, [])] * 2
    made = manifest()
    assert (made["complete"], made["computed"], made["found"], made["application"]) == (True, 6, 0, "run -m")
    assert made["finished"]
    assert len(segments()) == 2


def test_the_same_sweep_computes_nothing_again_and_leaves_the_same_tables_to_the_byte(folder, capsys):
    words = ["run", "-m", "isis.stock=1000,4000", *SMALL, "weekly=1", "name=mine"]
    assert main(words) == 0
    before = tables()
    assert main(words) == 0
    assert tables() == before
    made = manifest()
    assert (made["complete"], made["computed"], made["found"]) == (True, 0, 6)


def test_another_sweep_of_the_same_name_is_refused_and_computed_anew_if_asked_for(folder, capsys):
    words = ["run", "-m", *SMALL, "name=mine"]
    assert main([*words, "isis.stock=1000,2000,4000"]) == 0
    before = tables()
    capsys.readouterr()
    assert main([*words, "isis.stock=3000,4000"]) == 2
    err = capsys.readouterr().err
    assert "that study differs: overrides: " in err
    assert err.count("\n") == 1
    assert tables() == before
    assert main([*words, "isis.stock=3000,4000", "changed=recompute"]) == 0
    assert list(table("outcomes")["isis.stock"]) == ["3000"] * 3 + ["4000"] * 3  # and nothing of the third job
    assert (manifest()["computed"], manifest()["found"]) == (3, 3)


def test_more_replications_of_a_sweep_compute_only_those_that_are_new(folder, capsys):
    words = ["run", "-m", "isis.stock=1000,4000", *SMALL[1:], "name=mine"]
    assert main([*words, "replications=3"]) == 0
    assert main([*words, "replications=5"]) == 0
    assert (manifest()["computed"], manifest()["found"], len(table("outcomes"))) == (4, 6, 10)


def test_a_sweep_finds_what_a_run_has_computed(folder, capsys):
    assert main(["run", "isis.stock=1000", *SMALL, "name=single"]) == 0
    assert main(["run", "-m", "isis.stock=1000,4000", *SMALL, "name=mine"]) == 0
    assert (manifest()["computed"], manifest()["found"]) == (3, 3)


@pytest.mark.parametrize(
    ("word", "key", "values"),
    [
        ("iraqi_forces=weak,strong", "iraqi_forces", {"weak", "strong"}),
        ("rivals/announcement=none,emboldenment", "rivals/announcement", {"none", "emboldenment"}),
        ("isis.stock=range(1000,4000,1500)", "isis.stock", {"1000", "2500"}),
        ("isis.stock=choice(1000,4000)", "isis.stock", {"1000", "4000"}),
        ("+militias.groups.more.capacity=0,0.0001", "militias.groups.more.capacity", {"0", "0.0001"}),
        ("schedule=glob(phased*)", "schedule", {"phased_12_months", "phased_18_months"}),
        ("schedule.aid=0.1,0.9", "schedule.aid", {"0.1", "0.9"}),
        ("seed=1,2", "seed", {"1", "2"}),
    ],
)
def test_whatever_hydra_can_sweep_is_a_column(word, key, values, folder, capsys):
    extra = ["militias=disarmed"] if "groups" in word else []
    assert main(["run", "-m", word, *extra, "replications=2", "horizon_days=40", "workers=1", "name=mine"]) == 0
    assert {str(value) for value in table("outcomes")[key]} == values
    assert len(table("outcomes")) == 2 * len(values)


def test_a_sweep_of_nothing_is_one_run(folder, capsys):
    assert main(["run", "-m", *SMALL, "name=mine"]) == 0
    assert len(table("outcomes")) == 3


def test_the_figures_of_a_sweep_can_be_drawn_and_its_scenarios_traced(folder, capsys):
    assert main(["run", "-m", "schedule=open_ended,rapid_6_months", "isis.stock=1000,4000", *SMALL, "name=mine"]) == 0
    assert main(["plot", "name=mine", "figures=[distributions,timelines]"]) == 0
    drawn = (folder / MINE / "figures/distributions.svg").read_text()
    assert "isis.stock=1000" in drawn
    identity = table("outcomes")["scenario"].iloc[-1]
    capsys.readouterr()
    assert main(["trace", f"scenario={identity}"]) == 0
    assert "rapid_6_months" in capsys.readouterr().out


@pytest.mark.parametrize(("key", "values"), [("horizon_days", "40,80"), ("start", "2021-04-07,2022-04-07")])
def test_a_sweep_whose_scenarios_share_no_axis_of_time_has_tables_and_no_figures(key, values, folder, capsys):
    assert main(["run", "-m", f"{key}={values}", "replications=2", "workers=1", "weekly=1", "name=mine"]) == 0
    assert set(table("outcomes")[key].astype(str)) == set(values.split(","))
    capsys.readouterr()
    assert main(["plot", "name=mine"]) == 2
    assert (
        capsys.readouterr().err
        == f"posture: name = 'mine': was swept over {key}, so its scenarios share no axis of time; no figures\n"
    )


# -- stopped -----------------------------------------------------------------------------------------------------------
SWEPT = ["run", "-m", "schedule=open_ended,rapid_6_months,phased_12_months", *SMALL, "weekly=2"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, compiled_before) -> dict[str, bytes]:
    """The tables of that sweep, made without a stop."""
    place = tmp_path_factory.mktemp("undisturbed")
    assert posture(*SWEPT, "name=mine", cwd=place).returncode == 0
    return tables("mine", place / "results")


def stopped_at(number: int, monkeypatch, error: BaseException) -> None:
    """Have Hydra stop when it begins that job, as Ctrl-C may, while it composes."""
    from hydra._internal.core_plugins import basic_launcher

    right, begun = basic_launcher.run_job, []

    def run_job(*words, **more):
        begun.append(1)
        if len(begun) == number:
            raise error
        return right(*words, **more)

    monkeypatch.setattr(basic_launcher, "run_job", run_job)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("a launcher fell over")])
def test_a_sweep_that_is_stopped_between_jobs_is_not_complete_and_the_same_command_goes_on(
    error, undisturbed, monkeypatch, capsys
):
    with monkeypatch.context() as patch:
        stopped_at(3, patch, error)
        assert main([*SWEPT, "name=mine"]) == 1
    assert "the same command goes on" in capsys.readouterr().err
    assert (manifest()["complete"], manifest()["finished"]) == (False, None)
    assert table("outcomes")["schedule"].nunique() == 2
    assert main([*SWEPT, "name=mine"]) == 0
    assert manifest()["complete"]
    assert tables() == undisturbed


def test_a_larger_sweep_that_is_stopped_takes_nothing_of_the_smaller_one_for_its_own(undisturbed, monkeypatch, capsys):
    assert main([*SWEPT, "name=mine"]) == 0
    with monkeypatch.context() as patch:
        stopped_at(3, patch, KeyboardInterrupt())
        assert main([*SWEPT, "replications=5", "name=mine"]) == 1
    assert table("outcomes").groupby("schedule").size().to_dict() == {"open_ended": 5, "rapid_6_months": 5}
    assert not manifest()["complete"]


def test_a_sweep_that_is_killed_before_its_tables_are_made_goes_on_by_its_name(undisturbed, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        patch.setattr("experiments.sweep.combine", lambda *words: (1, False))
        assert main([*SWEPT, "name=mine"]) == 1
    assert main(["status"]) == 0
    assert "unfinished" in capsys.readouterr().out
    assert main(["clean", "yes=true"]) == 2
    assert "finish it with the same command, or delete its folder" in capsys.readouterr().err
    assert main([*SWEPT, "name=mine"]) == 0
    assert manifest()["computed"] == 0
    assert tables() == undisturbed


@pytest.mark.parametrize("record", ["{", "[]", "{}", "5", '{"failure": ""}', '{"failure": 5, "overrides": ["a"]}'])
def test_a_record_of_a_job_that_says_nothing_is_made_anew(record, undisturbed, capsys):
    (MINE / "jobs").mkdir(parents=True)
    for name in ("0.json", "17.json", "².json"):
        (MINE / "jobs" / name).write_text(record)
    assert main([*SWEPT, "name=mine"]) == 0
    assert tables() == undisturbed
