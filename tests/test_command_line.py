"""The commands as a user has them: what they print, which files they leave, what happens when something stops them."""

import json
import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from experiments.command import APPLICATIONS, main
from experiments.composition import Composer
from experiments.help import KEYS, OF
from experiments.settings import split
from sim import OUTCOMES, SERIES, read_scenario
from sim.engines import compiled, reference
from sim.luck import SCHEME
from sim.readings import READINGS
from sim.scenario import DECLARED

POSTURE = Path(sys.executable).parent / "posture"
ROOT = Path(__file__).parents[1]
TWO = "schedules=[open_ended,rapid_6_months]"
SMALL = ["replications=3", "horizon_days=100", "workers=1"]
COMPARE = ["compare", TWO, *SMALL, "weekly=2", "seed=5", "name=mine", "figures=false"]
ESCAPE = "\x1b"
MINE = {
    "name": "mine",
    "summary": "A schedule of the user's own.",
    "steps": [
        {"name": "words", "does": "announce", "date": "2021-04-20", "promise_days": 40},
        {"name": "deeds", "does": "leave", "after": "words", "days": 30, "troops": "all"},
    ],
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Each test works in an empty folder; what a command sets for its process is put back."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(sys, "argv", ["posture"])
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    return tmp_path / "here"


@pytest.fixture(scope="module", autouse=True)
def compiled_before() -> None:
    """On a machine that has never run the model the first command says that it compiles; no test here is to be that first."""
    compiled.prepare(read_scenario(split(Composer("run").compose([]))[0]))


@pytest.fixture(scope="module")
def comparison(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess]:
    """The folder in which the command made a small comparison, and what it printed."""
    place = tmp_path_factory.mktemp("comparison")
    return place, posture(*COMPARE, cwd=place)


@pytest.fixture
def results(comparison, folder) -> Path:
    """A copy of that comparison's results."""
    shutil.copytree(comparison[0] / "results", folder / "results")
    return folder / "results"


def posture(*words: str, cwd: Path, **more) -> subprocess.CompletedProcess:
    """The command in a process of its own, in a pipe."""
    return subprocess.run([POSTURE, *words], capture_output=True, text=True, cwd=cwd, timeout=300, check=False, **more)


def table(name: str, study: str = "mine", results: str | Path = "results") -> pd.DataFrame:
    return pd.read_parquet(Path(results) / "studies" / study / f"{name}.parquet")


def manifest(study: str = "mine", results: str | Path = "results") -> dict:
    return json.loads((Path(results) / "studies" / study / "study.json").read_text(encoding="utf-8"))


def files(study: Path) -> set[str]:
    return {str(path.relative_to(study)) for path in study.rglob("*") if path.is_file()}


def alike(a: pd.DataFrame, b: pd.DataFrame) -> None:
    """Equal but for what a scenario is called."""
    columns = [column for column in a.columns if column in b.columns and column not in ("schedule", "scenario")]
    pd.testing.assert_frame_equal(a[columns].reset_index(drop=True), b[columns].reset_index(drop=True))


# -- help and the like -----------------------------------------------------------------------------------------------
def test_the_overview_names_every_command(capsys):
    for words in (["--help"], ["-h"], ["help"]):
        assert main(words) == 0
        out, err = capsys.readouterr()
        assert all(f"  {name}" in out for name in APPLICATIONS)
        assert "0 done, 1 some of the work failed, 2 the request was wrong" in out
        assert err == ""


@pytest.mark.parametrize("command", APPLICATIONS)
def test_the_help_of_a_command_names_every_key_and_writes_nothing(command, folder, capsys):
    assert main([command, "--help"]) == 0
    page = capsys.readouterr().out
    assert set(OF[command]) <= set(KEYS)
    keys = set(Composer(command).compose([])) - set(DECLARED) - {"rivals", "case", "schedule", "sweep"}
    if command == "trace":  # one replication: these it knows, as every command does, and has no use for
        keys -= {"replications", "weekly", "workers", "name"}
    assert keys <= {line.split()[0] for line in page.splitlines() if line.startswith("  ")}
    assert main([command, "seed=1", "-h"]) == 0
    assert capsys.readouterr().out == page
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("command", ["run", "compare", "trace"])
def test_the_help_of_a_command_lists_groups_and_parameters(command, capsys):
    main([command, "--help"])
    page = capsys.readouterr().out
    assert all(f"  {agent}.{name} " in page for agent, beliefs in DECLARED.items() for name in beliefs.model_fields)
    for group in ("militias", "rivals/announcement", "rivals/excitation", "study", "case", "environment"):
        assert f"\n  {group} " in page
    assert ("\n  schedule  " in page) == (command != "compare")


def test_the_examples_of_the_help_pages_are_right(capsys):
    """Each example composes, whatever it would take to run it."""
    for command in APPLICATIONS:
        main([command, "--help"])
        examples = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("  posture ")]
        assert examples
        for _, name, *words in examples:
            assert name == command
            if "-m" not in words and "--config-dir" not in words:
                assert main([command, "--cfg", *words]) == 0
                capsys.readouterr()


HEAVY = {"pandas", "scipy", "altair", "numba", "simpy", "pyarrow", "vl_convert", "hydra"}


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["nonsense"], *([name, "--help"] for name in APPLICATIONS)])
def test_help_and_simple_errors_load_nothing_heavy(words, folder):
    code = f"import sys; from experiments.command import main; main({words!r}); print(sorted(set(sys.modules) & {HEAVY!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_wrong_value_loads_neither_tables_nor_figures(folder):
    heavy = HEAVY - {"hydra"}
    code = (
        f"import sys; from experiments.command import main; main(['run', 'seed=-1']); print(sorted(set(sys.modules) & {heavy!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120, check=True)
    assert set(done.stdout.splitlines()[-1].strip("[]").replace("'", "").split(", ")) <= {"", "simpy"}


def test_the_version_is_that_of_the_package(folder):
    done = posture("--version", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"posture \d+\.\d+\.\d+\n", done.stdout)


@pytest.mark.parametrize("command", ["run", "compare", "trace"])
def test_the_configuration_can_be_shown_and_runs_nothing(command, folder, capsys):
    assert main([command, "--cfg", "militias.restraint=0.31", "iraqi_forces=weak"]) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    assert shown["militias"]["restraint"] == 0.31
    assert shown["iraqi_forces"]["readiness"] == 0.4
    assert "hydra" not in shown
    assert (
        read_scenario(split(shown)[0]).identity
        == read_scenario(split(Composer(command).compose(["militias.restraint=0.31", "iraqi_forces=weak"]))[0]).identity
    )
    assert list(folder.iterdir()) == []


def test_showing_the_configuration_of_a_sweep_runs_nothing(folder, capsys):
    main(["run", "-m", "--cfg", "seed=1,2", *SMALL])
    assert list(folder.iterdir()) == []


# -- run -------------------------------------------------------------------------------------------------------------
def test_run_leaves_tables_and_a_manifest_and_says_where(folder):
    done = posture("run", "schedule=rapid_6_months", *SMALL, "weekly=2", "seed=5", "name=mine", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "results: results/studies/mine"
    assert "rapid_6_months" in done.stdout
    assert "3 replications" in done.stdout
    assert files(folder / "results/studies/mine") >= {"study.json", "outcomes.parquet", "weekly.parquet"}
    assert list(folder.iterdir()) == [folder / "results"]
    outcomes, weekly = table("outcomes"), table("weekly")
    assert list(outcomes.columns) == ["schedule", "scenario", "replication", *(outcome.name for outcome in OUTCOMES)]
    assert list(outcomes["replication"]) == [0, 1, 2]
    assert set(outcomes["schedule"]) == {"rapid_6_months"}
    assert list(weekly.columns) == ["schedule", "scenario", "replication", "day", "date", *(series.name for series in SERIES)]
    assert weekly.groupby("replication").size().to_dict() == {0: 14, 1: 14}


def test_a_study_without_a_name_is_called_by_the_time_and_what_was_run(folder, capsys):
    assert main(["run", *SMALL]) == 0
    (study,) = (folder / "results/studies").iterdir()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d-\d{6}-run-open_ended", study.name)
    assert study.name in capsys.readouterr().out


def test_the_printed_table_has_every_outcome_but_the_days(folder, capsys):
    assert main(["run", *SMALL]) == 0
    out = capsys.readouterr().out
    assert [outcome.name for outcome in OUTCOMES if outcome.kind != "day" and outcome.label not in out] == []


def test_no_weekly_series_are_kept_if_none_are_wanted(folder, capsys):
    assert main(["run", *SMALL, "weekly=0", "name=mine"]) == 0
    assert len(table("weekly")) == 0
    assert table("weekly")["replication"].dtype == "int64"


def test_a_level_of_a_schedule_can_be_set(folder, capsys):
    assert main(["run", *SMALL, "schedule=rapid_6_months", "schedule.aid=0.9", "name=mine"]) == 0
    assert manifest()["contents"]["rapid_6_months"]["schedule"]["aid"] == 0.9


@pytest.mark.parametrize("place", ["a,b", "my results", "3", "x=y", "{a}", "é", "deep/er"])
@pytest.mark.parametrize("sweep", [[], ["-m", "seed=1,2"]])
def test_results_lie_where_they_were_asked_for_whatever_the_place_is_called(sweep, place, folder, capsys):
    assert main(["run", *sweep, "replications=2", "horizon_days=30", "workers=1", "name=mine", f"results={place}"]) == 0
    assert [path.name for path in folder.iterdir()] == [place.partition("/")[0]]
    assert len(table("outcomes", results=place)) == (4 if sweep else 2)


# -- compare ---------------------------------------------------------------------------------------------------------
def test_compare_leaves_tables_differences_and_a_manifest(comparison):
    place, done = comparison
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in place.iterdir()] == ["results"]
    found = files(place / "results/studies/mine")
    assert found >= {"study.json", "outcomes.parquet", "weekly.parquet", "differences.parquet"}
    assert {Path(name).suffix for name in found} == {".json", ".parquet"}


def test_compare_draws_every_figure_as_png_and_svg_and_plot_draws_the_same_again(folder, capsys):
    assert main([*COMPARE[:-1], "figures=true"]) == 0
    drawn = folder / "results/studies/mine/figures"
    names = ("distributions", "fan", "timelines", "incidence", "differences")
    assert files(drawn) == {f"{name}.{kind}" for name in names for kind in ("png", "svg")}
    for path in drawn.iterdir():
        assert path.read_bytes().startswith(b"\x89PNG" if path.suffix == ".png" else b"<svg")
    assert f"figures: 5, each as PNG and SVG, in {Path('results/studies/mine/figures')}" in capsys.readouterr().out
    first = (drawn / "timelines.svg").read_bytes()
    assert main(["plot", "name=mine", "figures=[timelines]"]) == 0
    assert (drawn / "timelines.svg").read_bytes() == first


def test_in_a_pipe_there_is_nothing_but_plain_text(comparison):
    _, done = comparison
    assert ESCAPE not in done.stdout
    assert "\r" not in done.stdout
    assert "results: results/studies/mine" in done.stdout.splitlines()
    assert max(map(len, done.stdout.splitlines())) <= 170


def test_compare_prints_outcomes_and_paired_differences(comparison):
    _, done = comparison
    assert "Outcomes, 3 replications of each schedule, 100 days from 2021-04-07" in done.stdout
    assert "Paired differences from open_ended" in done.stdout
    assert done.stdout.count("rapid_6_months") == 3


def test_compare_has_every_schedule_and_replication_once(comparison):
    outcomes = table("outcomes", results=comparison[0] / "results")
    assert list(outcomes.columns) == ["schedule", "scenario", "replication", *(outcome.name for outcome in OUTCOMES)]
    pairs = list(zip(outcomes["schedule"], outcomes["replication"], strict=True))
    assert pairs == [(schedule, r) for schedule in ("open_ended", "rapid_6_months") for r in range(3)]
    assert outcomes.groupby("schedule")["scenario"].nunique().to_dict() == {"open_ended": 1, "rapid_6_months": 1}
    weekly = table("weekly", results=comparison[0] / "results")
    assert sorted(set(zip(weekly["schedule"], weekly["replication"], strict=True))) == [
        (schedule, r) for schedule in ("open_ended", "rapid_6_months") for r in range(2)
    ]


def test_the_differences_are_those_of_the_outcomes_replication_by_replication(comparison):
    results = comparison[0] / "results"
    outcomes, paired = table("outcomes", results=results), table("differences", results=results)
    assert list(paired["outcome"]) == [outcome.name for outcome in OUTCOMES]
    assert set(paired["schedule"]) == {"rapid_6_months"}
    assert set(paired["baseline"]) == {"open_ended"}
    a = outcomes[outcomes["schedule"] == "rapid_6_months"]["troop_months"].to_numpy()
    b = outcomes[outcomes["schedule"] == "open_ended"]["troop_months"].to_numpy()
    row = paired.set_index("outcome").loc["troop_months"]
    interval = stats.ttest_rel(a, b).confidence_interval(0.95)
    assert (row["n"], row["mean"]) == (3, pytest.approx(np.mean(a - b)))
    assert (row["lower"], row["upper"]) == pytest.approx((interval.low, interval.high), nan_ok=True)


def test_the_manifest_says_what_was_run_and_with_which_code(comparison):
    made = manifest(results=comparison[0] / "results")
    assert made["command"] == ["posture", *COMPARE]
    assert (made["name"], made["application"], made["complete"], made["failures"]) == ("mine", "compare", True, 0)
    assert (made["seed"], made["luck"], made["replications"], made["workers"]) == (5, SCHEME, 3, 1)
    assert (made["horizon_days"], made["start"], made["engine"]) == (100, "2021-04-07", "compiled")
    assert made["started"] <= made["finished"]
    assert {"revision", "changed", "sources", "version", "python", "libraries", "platform"} <= set(made["code"])
    assert list(made["scenarios"]) == list(made["contents"]) == ["open_ended", "rapid_6_months"]
    assert made["config"]["militias"]["restraint"] == 0.5


def test_the_manifest_holds_each_scenario_as_it_was_run(comparison):
    made, outcomes = (
        read(results=comparison[0] / "results") for read in (manifest, lambda results: table("outcomes", results=results))
    )
    for label, identity in made["scenarios"].items():
        scenario = read_scenario(made["contents"][label])
        assert scenario.identity == identity
        rows = outcomes[outcomes["schedule"] == label]
        assert set(rows["scenario"]) == {identity}
        assert reference.replicate(scenario, made["seed"], 2).outcomes == list(rows.iloc[2])[3:]


def test_the_baseline_is_compared_even_if_it_was_not_listed(folder, capsys):
    words = ["compare", "schedules=[rapid_6_months]", "baseline=relabel_and_hold", *SMALL, "figures=false", "name=mine"]
    assert main(words) == 0
    assert list(table("outcomes")["schedule"].unique()) == ["relabel_and_hold", "rapid_6_months"]
    assert set(table("differences")["baseline"]) == {"relabel_and_hold"}
    assert list((folder / "results/studies/mine/figures").iterdir()) == []


def test_all_schedules_can_be_compared(folder, capsys):
    assert main(["compare", "replications=2", "horizon_days=30", "workers=1", "figures=false", "name=mine"]) == 0
    assert table("outcomes")["schedule"].nunique() == 11
    assert table("differences")["schedule"].nunique() == 10


# -- same luck, same bytes -------------------------------------------------------------------------------------------
def test_results_do_not_depend_on_the_number_of_workers(comparison, folder, capsys):
    words = [word for word in COMPARE if word != "workers=1"]
    assert main([*words, "workers=2"]) == 0
    assert manifest()["workers"] == 2
    for name in ("outcomes", "weekly", "differences"):
        one = comparison[0] / f"results/studies/mine/{name}.parquet"
        pd.testing.assert_frame_equal(table(name), pd.read_parquet(one))
        assert (folder / f"results/studies/mine/{name}.parquet").read_bytes() == one.read_bytes()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(folder, capsys):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert main(["run", *SMALL, f"seed={seed}", f"name={name}"]) == 0
    a, b, c = ((folder / f"results/studies/{name}/outcomes.parquet").read_bytes() for name in "abc")
    assert a == b
    assert a != c
    assert not table("outcomes", "a").equals(table("outcomes", "c"))


def test_a_replication_is_the_same_however_many_there_are(folder, capsys):
    assert main(["run", "replications=2", *SMALL[1:], "name=few"]) == 0
    assert main(["run", "replications=5", *SMALL[1:], "name=many", "weekly=1"]) == 0
    pd.testing.assert_frame_equal(table("outcomes", "few"), table("outcomes", "many").head(2))


def test_a_schedule_has_the_same_results_alone_and_compared(comparison, folder, capsys):
    assert main(["run", "schedule=rapid_6_months", *SMALL, "seed=5", "name=alone"]) == 0
    together = table("outcomes", results=comparison[0] / "results")
    alike(table("outcomes", "alone"), together[together["schedule"] == "rapid_6_months"])
    assert set(table("outcomes", "alone")["scenario"]) < set(together["scenario"])


# -- plot ------------------------------------------------------------------------------------------------------------
def test_plot_draws_what_is_asked_for_and_touches_nothing_else(results, capsys):
    study = results / "studies/mine"
    shutil.rmtree(study / "figures")
    before = {name: (study / name).read_bytes() for name in files(study)}
    assert main(["plot", "name=mine", "figures=[timelines]"]) == 0
    assert "figures: 1, each as PNG and SVG" in capsys.readouterr().out
    assert files(study) == {*before, "figures/timelines.png", "figures/timelines.svg"}
    assert all((study / name).read_bytes() == content for name, content in before.items())


def test_plot_takes_the_latest_study_and_the_outcomes_and_schedules_named(results, capsys):
    shutil.rmtree(results / "studies/mine/figures")
    words = ["figures=[distributions,differences]", "outcomes=[cost,returned]", "schedules=[open_ended,rapid_6_months]"]
    assert main(["plot", *words]) == 0
    drawn = (results / "studies/mine/figures/distributions.svg").read_text()
    assert "Cost of presence" in drawn
    assert "Attacks on bases" not in drawn


# -- trace -----------------------------------------------------------------------------------------------------------
def test_trace_tells_a_story_by_date_and_how_it_ended(folder, capsys):
    assert main(["trace", "schedule=phased_12_months", "replication=3", "horizon_days=400"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "phased_12_months (scenario " in lines[0]
    assert "replication 3, seed 20210407, 400 days from 2021-04-07" in lines[0]
    end = next(k for k, line in enumerate(lines) if line.startswith("At the end, 2022-05-12"))
    days, month = [], ""
    for line in lines[2:end]:
        if line.startswith("  "):
            days.append(pd.Timestamp(f"{line[2:4]} {line[5:8]} {month[-4:]}"))
        elif line:
            month = line.split(":")[0]
    assert len(days) > 20
    assert days == sorted(days)
    assert any("schedule: announcement" in line for line in lines)
    assert sum(line.startswith("  ") for line in lines[end:]) == len([o for o in OUTCOMES if o.kind != "day"])
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_trace_writes_the_whole_event_log(suffix, folder, capsys):
    assert main(["trace", "schedule=rapid_6_months", "horizon_days=120", f"log=events.{suffix}"]) == 0
    assert f"events in events.{suffix}" in capsys.readouterr().out
    log = pd.read_parquet("events.parquet") if suffix == "parquet" else pd.read_csv("events.csv", parse_dates=["date"])
    readings = [f"{name}_{when}" for name in READINGS for when in ("before", "after")]
    assert list(log.columns) == ["event", "day", "date", "agent", "activity", "n", "cause", *readings]
    assert log["day"].is_monotonic_increasing
    assert log["event"].is_unique
    assert (log["date"] == pd.Timestamp("2021-04-07") + pd.to_timedelta(log["day"] // 1, unit="D")).all()
    assert {"base attack", "weekly report", "schedule"} <= set(log["activity"])
    assert list(folder.iterdir()) == [folder / f"events.{suffix}"]


def test_everything_tells_more(folder, capsys):
    told = []
    for everything in ("false", "true"):
        assert main(["trace", "horizon_days=60", f"everything={everything}"]) == 0
        told.append([line for line in capsys.readouterr().out.splitlines() if line.startswith("  ")])
    some, more = told
    assert set(some) <= set(more)
    assert len(more) > len(some) + 20


def test_a_replication_of_a_study_is_told_again_by_the_identity_of_its_scenario(results, capsys):
    outcomes = table("outcomes")
    row = outcomes[outcomes["schedule"] == "rapid_6_months"].iloc[2]
    assert main(["trace", f"scenario={row['scenario']}", "replication=2", "seed=5", "log=events.parquet"]) == 0
    told = capsys.readouterr().out
    assert main(["trace", "schedule=rapid_6_months", "horizon_days=100", "replication=2", "seed=5", "log=events.parquet"]) == 0
    assert capsys.readouterr().out == told
    last = pd.read_parquet("events.parquet").iloc[-1]
    for reading in ("us_deaths", "civilian_deaths", "isis_deaths"):
        assert last[f"{reading}_after"] == row[reading]
    for outcome in OUTCOMES:
        if outcome.kind == "count":
            assert f"  {outcome.label}: {row[outcome.name]:,} {outcome.unit}\n" in told
        if outcome.kind == "yes or no":
            assert f"  {outcome.label}: {'yes' if row[outcome.name] else 'no'}" in told


def test_a_traced_replication_is_the_one_that_was_not_traced(comparison):
    made = manifest(results=comparison[0] / "results")
    scenario = read_scenario(made["contents"]["rapid_6_months"])
    plain, traced = (reference.replicate(scenario, 5, 1, trace=trace, weekly=True) for trace in (False, True))
    assert plain.outcomes == traced.outcomes
    assert plain.weeks == traced.weeks
    assert (plain.events == []) != (traced.events == [])


@pytest.mark.parametrize("identity", ["123456789012", "000000000012", "1234567890e1", "12e456789012", "abcdefabcdef"])
def test_an_identity_that_looks_like_a_number_is_found_too(identity, results, capsys):
    path = results / "studies/mine/study.json"
    path.write_text(path.read_text().replace(manifest()["scenarios"]["rapid_6_months"], identity))
    assert main(["trace", f"scenario={identity}", "seed=5"]) == 0
    assert "rapid_6_months" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["2026", "1e5", "007", "1_000"])
def test_a_study_may_be_called_by_a_number(name, folder, capsys):
    assert main(["run", *SMALL, f"name={name}"]) == 0
    assert [path.name for path in (folder / "results/studies").iterdir()] == [name]
    assert main(["plot", f"name={name}", "figures=[timelines]"]) == 0


def test_a_broken_manifest_of_another_study_does_not_stop_a_trace(results, capsys):
    for name, content in (("aaa", "{"), ("zzz", "{}")):
        (results / "studies" / name).mkdir()
        (results / "studies" / name / "study.json").write_text(content)
    assert main(["trace", f"scenario={manifest()['scenarios']['open_ended']}"]) == 0
    assert "Traceback" not in capsys.readouterr().err


# -- the user's own groups -------------------------------------------------------------------------------------------
@pytest.fixture
def own(folder) -> Path:
    (folder / "own/schedule").mkdir(parents=True)
    (folder / "own/schedule/mine.yaml").write_text(yaml.safe_dump(MINE))
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
    assert main(["run", "-m", "isis.stock=1000,4000", *SMALL, "name=swept"]) == 0
    assert main(["run", "isis.stock=1000", *SMALL, "name=single"]) == 0
    swept = table("outcomes", "swept")
    alike(swept[swept["isis.stock"] == "1000"], table("outcomes", "single"))


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
    drawn = (folder / "results/studies/mine/figures/distributions.svg").read_text()
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


def test_hydras_joblib_launcher_gives_the_same_table(folder):
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    words = ["run", "-m", "isis.stock=1000,4000", *SMALL]
    done = posture(*words, "name=many", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "2 scenarios, 6 replications in all" in done.stdout
    assert ESCAPE not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert main([*words, "name=one"]) == 0
    pd.testing.assert_frame_equal(table("outcomes", "many"), table("outcomes", "one"))
    assert [path.name for path in folder.iterdir()] == ["results"]


# -- failures --------------------------------------------------------------------------------------------------------
SLOWLY = "engine=reference"  # in Python, where a test can make a replication fail; in processes, which a test can kill


def failing(monkeypatch, fails: Callable) -> None:
    """Make the replications of a schedule raise under the reference engine for which `fails(schedule, replication)` says so."""
    right = reference.replicate

    def replicate(scenario, seed, replication, **more):
        if fails(scenario.schedule.name, replication):
            error = ZeroDivisionError("float division by zero")
            vars(error)["place"] = (41.5, "isis/tempo")
            raise error
        return right(scenario, seed, replication, **more)

    monkeypatch.setattr(reference, "replicate", replicate)


@pytest.mark.parametrize("root", ["results", "other", "my results", "it's=here, [really]"])
def test_a_replication_that_raises_is_a_row_and_a_command_that_replays_it(root, folder, monkeypatch, capsys):
    failing(monkeypatch, lambda schedule, replication: (schedule, replication) == ("rapid_6_months", 1))
    words = [*(word for word in COMPARE if word != "name=mine"), SLOWLY]
    quoted = "'" + root.replace("'", r"\'") + "'"
    assert main([*words, "name=mine", f"results={quoted}"]) == 1
    out, err = capsys.readouterr()
    assert f"results: {root}/studies/mine" in out
    line = err.strip()
    assert line.startswith(
        "warning: failed: rapid_6_months, replication 1, day 41.5, isis/tempo: ZeroDivisionError: float division by zero;"
    )
    failures = table("failures", results=root)
    identity = manifest(results=root)["scenarios"]["rapid_6_months"]
    assert failures.to_dict("records") == [
        {
            "schedule": "rapid_6_months",
            "scenario": identity,
            "replication": 1,
            "day": 41.5,
            "activity": "isis/tempo",
            "message": "ZeroDivisionError: float division by zero",
            "replay": line.partition("replay: ")[2],
        }
    ]
    outcomes = table("outcomes", results=root)
    assert len(outcomes) == 5
    assert set(table("differences", results=root)["n"]) == {2}
    made = manifest(results=root)
    assert (made["complete"], made["failures"]) == (False, 1)

    name, *replay = shlex.split(line.partition("replay: ")[2])
    assert name == "posture"
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    assert main(replay) == 0
    assert f"(scenario {identity}), replication 1, seed 5" in capsys.readouterr().out


def test_the_replications_that_did_not_fail_are_those_of_a_study_without_failures(comparison, folder, monkeypatch, capsys):
    failing(monkeypatch, lambda schedule, replication: replication == 0)
    assert main([*COMPARE, SLOWLY]) == 1
    whole = table("outcomes", results=comparison[0] / "results")
    alike(table("outcomes"), whole[whole["replication"] > 0])


@pytest.mark.parametrize("schedule", ["open_ended", "rapid_6_months", "both"])
def test_a_schedule_that_fails_in_every_replication_does_not_stop_the_others(schedule, folder, monkeypatch, capsys):
    failing(monkeypatch, lambda name, replication: schedule in (name, "both"))
    assert main([*COMPARE[:-1], SLOWLY, "figures=true"]) == 1
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    assert err.count("warning: failed: ") == (6 if schedule == "both" else 3)
    assert "results: results/studies/mine" in out
    assert len(table("outcomes")) == (0 if schedule == "both" else 3)


def test_many_failures_are_counted_and_some_told(folder, monkeypatch, capsys):
    failing(monkeypatch, lambda schedule, replication: True)
    assert main(["run", "replications=15", "horizon_days=30", "workers=1", SLOWLY, "name=mine"]) == 1
    err = capsys.readouterr().err.splitlines()
    assert len(err) == 11
    assert err[-1] == "warning: 15 replications failed; all of them are in results/studies/mine/failures.parquet"
    assert len(table("failures")) == 15


def test_a_job_of_a_sweep_that_fails_is_told_and_the_others_kept(folder, monkeypatch, capsys):
    failing(monkeypatch, lambda schedule, replication: schedule == "rapid_6_months")
    assert main(["run", "-m", "schedule=open_ended,rapid_6_months", *SMALL, SLOWLY, "name=mine"]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert set(table("outcomes")["schedule"]) == {"open_ended"}
    assert not manifest()["complete"]


def test_the_replay_of_a_job_of_a_sweep_works(folder, monkeypatch, capsys):
    failing(monkeypatch, lambda schedule, replication: replication == 1)
    assert main(["run", "-m", "isis.stock=1000,4000", *SMALL, SLOWLY, "name=mine"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    for line in lines:
        assert main(shlex.split(line.partition("replay: ")[2])[1:]) == 0


# -- interruptions ---------------------------------------------------------------------------------------------------
def until(what: Callable[[], object], seconds: float = 120.0):
    """Wait for something; give it back."""
    for _ in range(int(seconds / 0.02)):
        if found := what():
            return found
        time.sleep(0.02)
    raise TimeoutError("waited in vain")


def workers_of(pid: int) -> list[int]:
    """The worker processes of a study that runs, youngest last."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return []
    return [int(child) for child in children if b"spawn_main" in commandline(int(child))]


def commandline(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def busy(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def started(*words: str, cwd: Path, **more) -> subprocess.Popen:
    """The command in a process and a group of its own."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more
    return subprocess.Popen([POSTURE, *words], cwd=cwd, text=True, start_new_session=True, **pipes)


def ended(process: subprocess.Popen, seconds: float = 120.0) -> tuple[str, str]:
    try:
        return process.communicate(timeout=seconds)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")
LONG = ["replications=100000", "horizon_days=30", SLOWLY]


@needs_proc
@pytest.mark.parametrize(("command", "cores"), [("run", 1), ("compare", 2)])
def test_an_interrupt_stops_a_study_and_keeps_what_is_complete(command, cores, folder):
    words = [TWO, "figures=false"] if command == "compare" else []
    process = started(command, *words, *LONG, f"workers={cores}", "name=mine", cwd=folder)
    until((folder / "results/studies/mine").exists)
    before = busy(process.pid)
    until(lambda: busy(process.pid) > before + 2.0 if cores == 1 else any(busy(pid) > 3.0 for pid in workers_of(process.pid)))
    os.killpg(process.pid, signal.SIGINT)
    out, err = ended(process)
    assert process.returncode == 1
    assert re.fullmatch(r"warning: interrupted: kept \d+ to \d+ replications of each scenario\n", err), err
    assert "results: results/studies/mine" in out
    made, outcomes = manifest(), table("outcomes")
    assert not made["complete"]
    assert 0 < len(outcomes) < 100_000
    assert not outcomes.duplicated(["schedule", "replication"]).any()
    kept = [int(number) for number in re.findall(r"\d+", err)]
    sizes = outcomes.groupby("schedule").size()
    assert kept == [sizes.min(), sizes.max()]
    scenario = read_scenario(made["contents"]["open_ended"])
    row = outcomes[outcomes["schedule"] == "open_ended"].iloc[0]
    assert reference.replicate(scenario, made["seed"], row["replication"]).outcomes == list(row)[3:]


@needs_proc
@pytest.mark.parametrize("cores", [1, 2])
def test_an_interrupt_stops_the_compiled_engine_and_keeps_what_is_complete(cores, folder):
    process = started("run", "replications=1000000", f"workers={cores}", "name=mine", cwd=folder)
    until((folder / "results/studies/mine").exists)
    before = busy(process.pid)
    until(lambda: busy(process.pid) > before + 6.0)
    os.killpg(process.pid, signal.SIGINT)
    _, err = ended(process)
    assert process.returncode == 1
    assert re.fullmatch(r"warning: interrupted: kept \d+ to \d+ replications of each scenario\n", err), err
    made, outcomes = manifest(), table("outcomes")
    assert not made["complete"]
    assert 0 < len(outcomes) < 1_000_000
    assert outcomes["replication"].is_unique
    row = outcomes.iloc[-1]
    right = compiled.replicate(read_scenario(made["contents"]["open_ended"]), made["seed"], row["replication"])
    assert right.outcomes == list(row)[3:]


@needs_proc
def test_an_interrupt_before_anything_is_complete_says_so(folder):
    process = started("run", SLOWLY, "replications=50", "horizon_days=3653", "workers=2", "name=mine", cwd=folder)
    until((folder / "results/studies/mine").exists)
    until(lambda: len(workers_of(process.pid)) == 2)
    os.kill(process.pid, signal.SIGINT)
    _, err = ended(process)
    assert process.returncode == 1
    assert "Traceback" not in err, err
    assert len(err.splitlines()) == 1
    assert "interrupted: kept" in err


@needs_proc
def test_an_interrupt_stops_a_sweep_and_not_only_its_present_job(folder):
    process = started("run", "-m", "seed=1,2,3", *LONG, "workers=1", "name=mine", cwd=folder)
    until((folder / "results/studies/mine/jobs/0").exists)
    before = busy(process.pid)
    until(lambda: busy(process.pid) > before + 2.0)
    os.killpg(process.pid, signal.SIGINT)
    _, err = ended(process, seconds=30.0)
    assert process.returncode == 1
    assert "Traceback" not in err
    assert "interrupted" in err
    assert not (folder / "results/studies/mine/jobs/1").exists()
    assert set(table("outcomes")["seed"]) == {"1"}


@needs_proc
def test_a_study_survives_the_death_of_a_worker(folder, capsys):
    words = ["compare", TWO, "replications=60", "horizon_days=200", "figures=false", "seed=5", SLOWLY]
    process = started(*words, "workers=2", "name=mine", cwd=folder)
    victim = until(lambda: next((pid for pid in workers_of(process.pid) if busy(pid) > 0.2), None))
    os.kill(victim, signal.SIGKILL)
    _, err = ended(process)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert table("outcomes").groupby("schedule").size().to_dict() == {"open_ended": 60, "rapid_6_months": 60}
    assert main([*words, "workers=1", "name=calm"]) == 0
    pd.testing.assert_frame_equal(table("outcomes"), table("outcomes", "calm"))
    pd.testing.assert_frame_equal(table("weekly"), table("weekly", "calm"))


@needs_proc
def test_no_worker_outlives_a_study_that_was_killed(folder):
    nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = started("run", *LONG, "workers=2", "name=mine", cwd=folder, **nowhere)
    pids = until(lambda: workers_of(process.pid) if len(workers_of(process.pid)) == 2 else None)
    until(lambda: any(busy(pid) > 2.0 for pid in pids))
    process.kill()
    process.wait()
    try:
        until(lambda: not any(b"spawn_main" in commandline(pid) for pid in pids), seconds=20.0)
    finally:
        for pid in pids:
            if b"spawn_main" in commandline(pid):
                os.kill(pid, signal.SIGKILL)


def test_a_reader_that_goes_away_is_no_error_to_tell_of(folder):
    process = started("trace", "horizon_days=3000", "everything=true", cwd=folder)
    process.stdout.readline()
    process.stdout.close()
    process.stdout = None
    _, err = ended(process)
    assert process.returncode == 1
    assert err == ""


# -- a terminal ------------------------------------------------------------------------------------------------------
def test_on_a_terminal_there_is_progress_and_a_table(folder):
    screen, slave = pty.openpty()
    process = started("run", "replications=60", "horizon_days=60", "workers=1", SLOWLY, cwd=folder, stdout=slave, stderr=slave)
    os.close(slave)
    shown = b""
    while True:
        try:
            part = os.read(screen, 65536)
        except OSError:
            break
        shown += part
        if not part:
            break
    os.close(screen)
    assert process.wait(timeout=60) == 0
    text = shown.decode()
    assert ESCAPE in text
    assert "left" in text
    assert "Attacks on bases" in text
    assert "results: results/studies/" in text
