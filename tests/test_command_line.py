"""The commands as a user has them: what they print and which files they leave."""

import re
import subprocess
import sys

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
from sim.engines import reference
from sim.luck import SCHEME
from sim.readings import READINGS
from sim.scenario import DECLARED
from sim.studies.maker import maker
from tests.processes import COMPARE, ESCAPE, MINE, ROOT, SMALL, alike, contents, files, manifest, posture, segments, table, tables

pytestmark = pytest.mark.usefixtures("folder", "compiled_before")


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
    if command in ("trace", "why"):  # one replication: these it knows, as every command does, and has no use for
        keys -= {"replications", "weekly", "workers", "name", "executor", "address", "plan", "retry_failed", "changed"}
    if command in ("calibrate", "hindcast"):  # an episode has its own days, and they simulate by themselves
        keys -= {"start", "horizon_days", "weekly", "engine", "executor", "address", "retry_failed"}
        keys -= {"replications"} if command == "calibrate" else set()
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
    assert files(folder / MINE) == {"study.json", "outcomes.parquet", "weekly.parquet"}
    assert list(folder.iterdir()) == [folder / "results"]
    (segment,) = segments()
    assert files(folder / "results/blocks") == {f"{kind}/{segment}.parquet" for kind in ("index", "outcomes", "weekly")}
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
    made = {f"{name}.parquet" for name in ("outcomes", "weekly", "summary", "differences", "survival")}
    assert files(place / MINE) == {"study.json", *made}


def test_compare_draws_every_figure_as_png_and_svg_and_plot_draws_the_same_again(folder, capsys):
    assert main([*COMPARE[:-1], "figures=true"]) == 0
    drawn = folder / MINE / "figures"
    names = ("distributions", "fan", "timelines", "incidence", "differences", "survival")
    assert files(drawn) == {f"{name}.{kind}" for name in names for kind in ("png", "svg")}
    for path in drawn.iterdir():
        assert path.read_bytes().startswith(b"\x89PNG" if path.suffix == ".png" else b"<svg")
    assert f"figures: 6, each as PNG and SVG, in {MINE / 'figures'}" in capsys.readouterr().out
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
    assert (made["executor"], made["computed"], made["found"], made["weekly"]) == ("serial", 6, 0, 2)
    assert made["maker"] == maker()
    assert set(made["code"]) == {"revision", "changed", "version", "python", "libraries", "platform"}
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
    assert not (folder / MINE / "figures").exists()


def test_all_schedules_can_be_compared(folder, capsys):
    assert main(["compare", "replications=2", "horizon_days=30", "workers=1", "figures=false", "name=mine"]) == 0
    assert table("outcomes")["schedule"].nunique() == 11
    assert table("differences")["schedule"].nunique() == 10


# -- same luck, same bytes -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("crew", [["workers=2"], ["executor=serial"], ["executor=threads"], ["executor=processes", "workers=2"]])
def test_results_do_not_depend_on_who_computes_them(crew, comparison, folder, capsys):
    words = [word for word in COMPARE if word != "workers=1"]
    assert main([*words, *crew]) == 0
    assert manifest()["computed"] == 6
    assert tables() == tables(results=comparison[0] / "results")


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(folder, capsys):
    for results, seed in (("a", 1), ("b", 1), ("c", 2)):  # each of its own, so that each is computed
        assert main(["run", *SMALL, f"seed={seed}", "name=mine", f"results={results}"]) == 0
        assert manifest(results=results)["computed"] == 3
    assert tables(results="a") == tables(results="b")
    assert not table("outcomes", results="a").equals(table("outcomes", results="c"))


def test_a_replication_is_the_same_however_many_there_are(folder, capsys):
    for results, replications in (("few", 2), ("many", 5)):
        assert main(["run", f"replications={replications}", *SMALL[1:], "name=mine", f"results={results}"]) == 0
    pd.testing.assert_frame_equal(table("outcomes", results="few"), table("outcomes", results="many").head(2))


def test_a_schedule_has_the_same_results_alone_and_compared(comparison, folder, capsys):
    assert main(["run", "schedule=rapid_6_months", *SMALL, "seed=5", "name=alone"]) == 0
    together = table("outcomes", results=comparison[0] / "results")
    alike(table("outcomes", "alone"), together[together["schedule"] == "rapid_6_months"])
    assert set(table("outcomes", "alone")["scenario"]) < set(together["scenario"])


# -- plot ------------------------------------------------------------------------------------------------------------
def test_plot_draws_what_is_asked_for_and_touches_nothing_else(results, capsys):
    study = results / "studies/mine"
    before = contents(results)
    assert main(["plot", "name=mine", "figures=[timelines]"]) == 0
    assert "figures: 1, each as PNG and SVG" in capsys.readouterr().out
    assert files(study / "figures") == {"timelines.png", "timelines.svg"}
    assert before.items() <= contents(results).items()


def test_plot_takes_the_latest_study_and_the_outcomes_and_schedules_named(results, capsys):
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
