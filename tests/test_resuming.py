"""The same name again: the same request goes on and computes what is missing, another is refused by the fields that differ."""

import sys

import pandas as pd
import pytest

from experiments.command import main
from sim.studies.place import Folder
from sim.studies.study import Study
from tests.processes import (
    COMPARE,
    MINE,
    ROOT,
    SLOWLY,
    SMALL,
    TWO,
    contents,
    ended,
    files,
    manifest,
    needs_proc,
    posture,
    program,
    segments,
    started,
    table,
    tables,
    until,
)

pytestmark = pytest.mark.usefixtures("folder", "compiled_before")
RUN = ["run", *SMALL, "weekly=2", "name=mine"]


def told(done: dict) -> tuple[int, int, bool]:
    return done["computed"], done["found"], done["complete"]


def replaced(words: list[str], *more: str) -> list[str]:
    """A command with other values for some keys."""
    keys = {word.partition("=")[0] for word in more}
    return [*(word for word in words if word.partition("=")[0] not in keys), *more]


def line(capsys) -> str:
    """The one line of a refused request."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("posture: ")
    assert err.count("\n") == 1, err
    return err.strip()


# -- the same request --------------------------------------------------------------------------------------------------
def test_the_same_command_computes_nothing_and_leaves_the_same_tables_to_the_byte(results, capsys):
    before, kept = tables(), segments()
    assert main(COMPARE) == 0
    assert "6 replications: none to compute, 6 there already" in capsys.readouterr().out
    assert (tables(), segments()) == (before, kept)
    assert told(manifest()) == (0, 6, True)
    assert files(MINE) == {"study.json", *before}


@pytest.mark.parametrize("more", ["workers=2", "executor=processes", SLOWLY, "changed=recompute", "retry_failed=true"])
def test_what_decides_no_result_is_no_other_request(more, results, capsys):
    before = tables()
    assert main(replaced(COMPARE, more)) == 0
    assert told(manifest()) == (0, 6, True)
    assert tables() == before


def test_a_table_that_was_lost_is_written_again_without_computing(results, capsys):
    before = tables()
    for name in before:
        (MINE / name).unlink()
    assert main(COMPARE) == 0
    assert tables() == before
    assert told(manifest()) == (0, 6, True)


def test_a_study_that_was_deleted_is_made_again_from_the_store(results, capsys):
    before = tables()
    for name in files(MINE):
        (MINE / name).unlink()
    assert main(COMPARE) == 0
    assert tables() == before
    assert told(manifest()) == (0, 6, True)


def test_a_store_that_was_deleted_is_made_again_by_the_same_command(results, capsys):
    before, kept = tables(), segments()
    for name in files(results / "blocks"):
        (results / "blocks" / name).unlink()
    assert main(COMPARE) == 0
    assert tables() == before
    assert told(manifest()) == (6, 0, True)
    assert len(segments()) == len(kept)


def test_another_study_of_the_same_request_shares_its_blocks(results, capsys):
    assert main(replaced(COMPARE, "name=other")) == 0
    assert told(manifest("other")) == (0, 6, True)
    assert tables("other") == tables()


def test_a_command_without_a_name_that_was_finished_is_a_new_study_each_time(folder, capsys):
    words = ["run", *SMALL]
    assert main(words) == main(words) == 0
    assert len(list((folder / "results/studies").iterdir())) == 2


# -- more and less -----------------------------------------------------------------------------------------------------
def test_more_replications_compute_only_those_that_are_new_and_leave_what_one_study_would(results, capsys):
    more = replaced(COMPARE, "replications=7")
    assert main(more) == 0
    assert told(manifest()) == (8, 6, True)
    assert manifest()["replications"] == 7
    assert main([*more, "results=at-once"]) == 0
    assert told(manifest(results="at-once")) == (14, 0, True)
    assert tables() == tables(results="at-once")


def test_more_series_compute_only_the_replications_that_have_none_yet(results, capsys):
    more = replaced(COMPARE, "weekly=3")
    assert main(more) == 0
    computed, found, complete = told(manifest())
    assert (computed, found, complete) == (2, 4, True)
    assert main([*more, "results=at-once"]) == 0
    assert tables() == tables(results="at-once")


def test_more_schedules_compute_only_those_that_are_new(results, capsys):
    more = [word.replace("rapid_6_months]", "rapid_6_months,relabel_and_hold]") for word in COMPARE]
    assert main(more) == 0
    assert told(manifest()) == (3, 6, True)
    assert list(table("outcomes")["schedule"].unique()) == ["open_ended", "rapid_6_months", "relabel_and_hold"]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("replications=2", "replications: 3 there, only 2 here"),
        ("weekly=1", "weekly: 2 there, only 1 here"),
        ("seed=6", "seed: 5 there, 6 here"),
        ("isis.stock=1000", "isis.stock of open_ended: "),
        ("horizon_days=101", "horizon_days of open_ended: 100 there, 101 here"),
        ("iraqi_forces=weak", "iraqi_forces.readiness of open_ended: "),
        ("rivals/announcement=emboldenment", "rivals.announcement.module of open_ended: none there, emboldenment here"),
        ("schedule.aid=0.9", "schedule.aid of open_ended: "),
        ("schedules=[open_ended,relabel_and_hold]", "scenarios: rapid_6_months there, not here"),
    ],
)
def test_another_request_of_the_same_name_is_refused_by_the_field_and_nothing_changed(more, says, results, capsys):
    before = contents(results)
    assert main(replaced(COMPARE, more)) == 2
    refused = line(capsys)
    assert refused.startswith("posture: name = 'mine': that study differs: ")
    assert says in refused
    assert refused.endswith("; choose another name, or compute it anew with changed=recompute")
    assert contents(results) == before


def test_another_command_of_the_same_name_is_refused(results, capsys):
    before = contents(results)
    for words in (["run", *SMALL, "seed=5"], ["run", "-m", "isis.stock=1000,4000", *SMALL, "seed=5"]):
        assert main([*words, "name=mine"]) == 2
        assert "that study differs: application: compare there, run" in line(capsys)
    assert contents(results) == before


def test_a_study_that_other_code_has_made_is_refused_by_the_field(results, capsys):
    path = MINE / "study.json"
    path.write_text(path.read_text().replace(f'"numpy": "{manifest()["maker"]["numpy"]}"', '"numpy": "1.0"'))
    assert main(COMPARE) == 2
    assert f"numpy: 1.0 there, {__import__('numpy').__version__} here" in line(capsys)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_a_study_whose_manifest_cannot_be_read_is_refused_and_made_anew_if_asked_for(content, results, capsys):
    before = tables()
    (MINE / "study.json").write_text(content)
    assert main(COMPARE) == 2
    assert "study.json" in line(capsys)
    assert main([*COMPARE, "changed=recompute"]) == 0
    assert tables() == before


@pytest.mark.parametrize("more", ["replications=2", "seed=6", "isis.stock=1000", "schedules=[open_ended,relabel_and_hold]"])
def test_a_study_that_is_computed_anew_is_that_of_the_new_request(more, results, capsys):
    words = replaced(COMPARE, more)
    assert main([*words, "changed=recompute"]) == 0
    assert main([*words, "results=other"]) == 0
    assert tables() == tables(results="other")
    assert manifest()["contents"] == manifest(results="other")["contents"]
    assert manifest()["seed"] == manifest(results="other")["seed"]


def test_nothing_of_the_study_before_is_left_in_one_that_is_computed_anew(folder, capsys):
    assert main([*COMPARE[:-1], "figures=true"]) == 0
    assert main([*RUN, "schedule=rapid_6_months", "changed=recompute"]) == 0
    assert files(folder / MINE) == {"study.json", "outcomes.parquet", "weekly.parquet"}


# -- what it would take ------------------------------------------------------------------------------------------------
def words_of(out: str) -> str:
    return " ".join(out.split())


@pytest.mark.parametrize("command", ["run", f"compare {TWO}"])
def test_a_plan_tells_what_would_be_computed_and_leaves_no_file(command, folder, capsys):
    assert main([*command.split(), "plan=true", *SMALL]) == 0
    out, err = capsys.readouterr()
    scenarios = 1 if command == "run" else 2
    assert f"asked for {3 * scenarios} replications of {scenarios} scenario" in words_of(out)
    assert "there already 0" in words_of(out)
    assert f"to compute {3 * scenarios} in {scenarios} blocks" in words_of(out)
    assert "measured on 20 replications run for the purpose" in words_of(out)
    assert err == ""
    assert list(folder.iterdir()) == []


def test_a_plan_of_a_study_that_is_there_has_nothing_to_compute_and_changes_nothing(results, capsys):
    before = contents(results)
    assert main([*COMPARE, "plan=true"]) == 0
    out = words_of(capsys.readouterr().out)
    assert "there already 6 to compute 0 in 0 blocks" in out
    assert "measured on" not in out
    assert contents(results) == before


def test_a_plan_of_more_replications_is_measured_on_what_is_there(results, capsys):
    before = contents(results)
    assert main([*replaced(COMPARE, "replications=1003"), "plan=true"]) == 0
    out = words_of(capsys.readouterr().out)
    assert "asked for 2,006 replications of 2 scenarios" in out
    assert "there already 6" in out
    assert "to compute 2,000 in " in out
    assert "measured on 6 replications in the store" in out
    assert contents(results) == before


def test_a_plan_tells_of_failures_and_whether_they_would_be_computed_again(failing, capsys):
    failing(lambda schedule, replication: replication == 1)
    words = [*COMPARE, SLOWLY]
    assert main(words) == 1
    capsys.readouterr()
    for retry, count in (("false", 0), ("true", 2)):
        assert main([*words, "plan=true", f"retry_failed={retry}"]) == 0
        assert f"there already 6, 2 of them failed to compute {count} in {count} blocks" in words_of(capsys.readouterr().out)


@pytest.mark.parametrize("changed", ["refuse", "recompute"])
def test_a_plan_of_another_request_of_the_same_name_tells_what_would_become_of_it(changed, results, capsys):
    before = contents(results)
    assert main([*replaced(COMPARE, "seed=6"), "plan=true", f"changed={changed}"]) == 0
    note = f"note: study 'mine' differs: seed: 5 there, 6 here; changed={changed} would {changed} it"
    assert note in capsys.readouterr().out.splitlines()
    assert contents(results) == before


def test_a_sweep_by_hydra_has_no_plan(folder, capsys):
    assert main(["run", "-m", "seed=1,2", *SMALL, "plan=true"]) == 2
    assert "plan = true: not with -m" in line(capsys)
    assert list(folder.iterdir()) == []


# -- two processes -----------------------------------------------------------------------------------------------------
@pytest.mark.skipif(sys.platform == "win32", reason="locks are of Unix")
@pytest.mark.parametrize("command", [COMPARE, [*COMPARE, "changed=recompute", "seed=6"]])
def test_a_study_that_another_process_computes_now_is_refused_in_one_line(command, results, capsys):
    other = Study(Folder("results"), "mine")
    other.begin("of another process")
    before = contents(results)
    assert main(command) == 2
    expected = "posture: name = 'mine': another process computes it now, in results/studies/mine; wait, or choose another name"
    assert line(capsys) == expected
    assert contents(results) == before
    other.end(finished=True)
    assert main(command) == 0


@needs_proc
def test_while_a_study_is_computed_the_same_command_is_refused_and_another_name_shares_the_store(folder, capsys):
    words = ["run", "replications=100000", "horizon_days=30", SLOWLY, "workers=1"]
    process = started(*words, "name=mine", cwd=folder)
    try:
        until(segments)
        assert main([*words, "name=mine"]) == 2
        assert "another process computes it now" in line(capsys)
        assert main(["run", "replications=25", *words[2:], "name=other"]) == 0
        assert told(manifest("other")) == (0, 25, True)
    finally:
        process.kill()
        ended(process)


def test_two_processes_that_compute_the_same_at_once_leave_the_same_tables(folder):
    processes = [started(*replaced(COMPARE, f"name={name}", "replications=300"), cwd=folder) for name in "ab"]
    for process in processes:
        _, err = ended(process)
        assert (process.returncode, err) == (0, "")
    assert tables("a") == tables("b")
    pd.testing.assert_frame_equal(table("outcomes", "a"), table("outcomes", "b"))


# -- other code --------------------------------------------------------------------------------------------------------
def test_what_other_code_has_computed_is_told_and_computed_again(folder):
    other = (
        "import sys; from sim.studies import maker, store; right = maker.maker();"
        "maker.maker = store.maker = lambda: {**right, 'sources': 'older'};"
        "from experiments import session; session.maker = maker.maker;"
        "from sim.studies import executors; executors.maker = maker.maker;"
        "from experiments.command import main; sys.exit(main(sys.argv[1:]))"
    )
    program(other, *COMPARE, f"results={folder}/results", where=ROOT)
    theirs = contents(folder / "results/blocks")
    done = posture(*replaced(COMPARE, "name=ours"), cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "note: 6 replications in the store were made otherwise: sources: older there, " in done.stdout
    assert told(manifest("ours")) == (6, 0, True)
    assert theirs.items() <= contents(folder / "results/blocks").items()
    refused = posture(*COMPARE, cwd=folder)
    assert refused.returncode == 2
    assert "name = 'mine': that study differs: sources: older there, " in refused.stderr


@pytest.mark.parametrize("more", [["seed=6", "changed=recompute"], ["replications=6"]])
def test_a_cluster_that_is_not_there_leaves_the_study_as_it_is(more, capsys):
    assert main(RUN) == 0
    before = contents(MINE)
    keys = [word.partition("=")[0] for word in more]
    words = [word for word in RUN if word.partition("=")[0] not in keys]
    assert main([*words, *more, "executor=dask", "address=tcp://127.0.0.1:9"]) == 2
    assert "address = 'tcp://127.0.0.1:9': no dask scheduler answers there" in capsys.readouterr().err
    assert contents(MINE) == before
