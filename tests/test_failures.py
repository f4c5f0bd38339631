"""Replications that raise: told, kept as rows, replayed, and computed again when asked for; the others are as they would be."""

import shlex

import pytest

from experiments.command import main
from tests.processes import COMPARE, MINE, SLOWLY, SMALL, alike, files, manifest, segments, table, tables

pytestmark = pytest.mark.usefixtures("folder", "compiled_before")
SOME = [*COMPARE, SLOWLY]


@pytest.mark.parametrize("root", ["results", "other", "my results", "it's=here, [really]"])
def test_a_replication_that_raises_is_a_row_and_a_command_that_replays_it(root, failing, capsys):
    failing(lambda schedule, replication: (schedule, replication) == ("rapid_6_months", 1))
    quoted = "'" + root.replace("'", r"\'") + "'"
    assert main([*SOME, f"results={quoted}"]) == 1
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
    assert made["finished"]

    name, *replay = shlex.split(line.partition("replay: ")[2])
    assert name == "posture"
    failing(None)
    assert main(replay) == 0
    assert f"(scenario {identity}), replication 1, seed 5" in capsys.readouterr().out


def test_the_replications_that_did_not_fail_are_those_of_a_study_without_failures(comparison, failing, capsys):
    failing(lambda schedule, replication: replication == 0)
    assert main(SOME) == 1
    whole = table("outcomes", results=comparison[0] / "results")
    alike(table("outcomes"), whole[whole["replication"] > 0])


@pytest.mark.parametrize("schedule", ["open_ended", "rapid_6_months", "both"])
def test_a_schedule_that_fails_in_every_replication_does_not_stop_the_others(schedule, failing, capsys):
    failing(lambda name, replication: schedule in (name, "both"))
    assert main([*COMPARE[:-1], SLOWLY, "figures=true"]) == 1
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    assert err.count("warning: failed: ") == (6 if schedule == "both" else 3)
    assert "results: results/studies/mine" in out
    assert len(table("outcomes")) == (0 if schedule == "both" else 3)


@pytest.mark.parametrize("figures", ["true", "false"])
def test_a_schedule_with_too_few_replications_in_common_with_the_baseline_has_no_difference(figures, failing, capsys):
    """As after Ctrl-C, when some schedules have not come as far as others."""
    failing(lambda name, replication: name == "rapid_6_months" and replication > 0)
    schedules = "schedules=[open_ended,rapid_6_months,phased_12_months]"
    assert main(["compare", schedules, *SMALL, SLOWLY, "name=mine", f"figures={figures}"]) == 1
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    assert out.count("phased_12_months") == 3
    assert out.count("rapid_6_months") == 1
    assert set(table("differences")["schedule"]) == {"phased_12_months"}


def test_many_failures_are_counted_and_some_told(failing, capsys):
    failing(lambda schedule, replication: True)
    assert main(["run", "replications=15", "horizon_days=30", "workers=1", SLOWLY, "name=mine"]) == 1
    err = capsys.readouterr().err.splitlines()
    assert len(err) == 11
    assert err[-1] == "warning: 15 replications failed; all of them are in results/studies/mine/failures.parquet"
    assert len(table("failures")) == 15


def test_a_job_of_a_sweep_that_fails_is_told_and_the_others_kept(failing, capsys):
    failing(lambda schedule, replication: schedule == "rapid_6_months")
    assert main(["run", "-m", "schedule=open_ended,rapid_6_months", *SMALL, SLOWLY, "name=mine"]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert set(table("outcomes")["schedule"]) == {"open_ended"}
    assert not manifest()["complete"]


def test_the_replay_of_a_job_of_a_sweep_works(failing, capsys):
    failing(lambda schedule, replication: replication == 1)
    assert main(["run", "-m", "isis.stock=1000,4000", *SMALL, SLOWLY, "name=mine"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    failing(None)
    for line in lines:
        assert main(shlex.split(line.partition("replay: ")[2])[1:]) == 0


# -- again -------------------------------------------------------------------------------------------------------------
def test_the_same_command_tells_failures_again_and_does_not_run_them_again(failing, capsys):
    failing(lambda schedule, replication: replication == 1)
    assert main(SOME) == 1
    said, before, kept = capsys.readouterr().err, tables(), segments()
    failing(None)  # they would succeed now
    assert main(SOME) == 1
    assert capsys.readouterr().err == said
    assert (tables(), segments()) == (before, kept)
    made = manifest()
    assert (made["computed"], made["found"], made["failures"], made["complete"]) == (0, 6, 2, False)


def test_failures_that_are_computed_again_leave_the_study_as_if_there_had_been_none(comparison, failing, folder, capsys):
    failing(lambda schedule, replication: replication == 1)
    assert main(SOME) == 1
    assert (folder / MINE / "failures.parquet").exists()
    failing(None)
    assert main([*SOME, "retry_failed=true"]) == 0
    assert capsys.readouterr().err.count("warning: ") == 2  # those of the first time
    made = manifest()
    assert (made["computed"], made["found"], made["failures"], made["complete"]) == (2, 4, 0, True)
    assert not (folder / MINE / "failures.parquet").exists()
    assert tables() == tables(results=comparison[0] / "results")
    assert files(folder / MINE) == files(comparison[0] / MINE)


def test_a_failure_that_fails_again_is_told_once_and_the_others_are_kept(failing, capsys):
    failing(lambda schedule, replication: replication > 0)
    assert main(SOME) == 1
    failing(lambda schedule, replication: replication == 2)
    capsys.readouterr()
    assert main([*SOME, "retry_failed=true"]) == 1
    assert capsys.readouterr().err.count("warning: failed: ") == 2
    made = manifest()
    assert (made["computed"], made["failures"], made["complete"]) == (4, 2, False)
    assert set(table("failures")["replication"]) == {2}
    assert set(table("outcomes")["replication"]) == {0, 1}


def test_computing_failures_again_where_there_are_none_computes_nothing(capsys):
    assert main(SOME) == 0
    before = tables()
    assert main([*SOME, "retry_failed=true"]) == 0
    assert manifest()["computed"] == 0
    assert tables() == before


def test_more_replications_beside_failures_compute_only_those_that_are_new(failing, capsys):
    failing(lambda schedule, replication: replication == 1)
    assert main(SOME) == 1
    failing(None)
    more = [word.replace("replications=3", "replications=5") for word in SOME]
    assert main(more) == 1
    made = manifest()
    assert (made["computed"], made["failures"]) == (4, 2)
    assert table("outcomes").groupby("schedule")["replication"].apply(list).to_dict() == {
        schedule: [0, 2, 3, 4] for schedule in ("open_ended", "rapid_6_months")
    }


def test_the_failures_of_a_sweep_can_be_computed_again(failing, folder, capsys):
    words = ["run", "-m", "isis.stock=1000,4000", *SMALL, SLOWLY, "name=mine"]
    failing(lambda schedule, replication: replication == 1)
    assert main(words) == 1
    failing(None)
    assert main([*words, "retry_failed=true"]) == 0
    made = manifest()
    assert (made["computed"], made["failures"], made["complete"]) == (2, 0, True)
    assert not (folder / MINE / "failures.parquet").exists()
