"""Which replications run, where a study lies, and what its tables and manifest hold."""

import json
import os
import re
import subprocess
from concurrent.futures.process import BrokenProcessPool
from datetime import date

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.composition import Composer
from experiments.settings import split
from sim import OUTCOMES, SERIES, RequestError, read_scenario
from sim.engines.block import Block, Failure
from sim.studies import store, workers
from sim.studies.store import Study, check_name, find_study, new_study, provenance
from sim.studies.tables import failures_table, labelled, outcomes_table, scenario_label, weekly_table

START = date(2021, 4, 7)


def scenario(*overrides: str):
    return read_scenario(split(Composer("run").compose(["horizon_days=60", *overrides]))[0])


def block(first: int, rows: int, weeks: int = 0, failures: tuple[int, ...] = ()) -> Block:
    """A block of made-up numbers, without an engine."""
    values = [{"count": 1, "yes or no": True}.get(outcome.kind, 0.5) for outcome in OUTCOMES]
    made = Block(first, rows + len(failures), [(r, values) for r in range(first, first + rows) if r not in failures])
    made.weeks = [(r, 7.0 * w, [1 if s.total else 0.5 for s in SERIES]) for r, _ in made.rows for w in range(1, weeks + 1)]
    made.failures = [Failure(r, "ZeroDivisionError: division by zero") for r in failures]
    return made


# -- blocks ----------------------------------------------------------------------------------------------------------
@settings(derandomize=True, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=12, unique=True), st.integers(1, 3000), st.integers(1, 200))
def test_the_blocks_of_a_study_have_each_replication_of_each_scenario_exactly_once(labels, replications, cores):
    todo = workers.tasks(labels, replications, cores)
    assert len(todo) == len(set(todo))
    for label in labels:
        runs = [r for task in todo if task.label == label for r in range(task.first, task.first + task.count)]
        assert runs == list(range(replications))
    assert all(1 <= task.count <= workers.LARGEST for task in todo)


def test_blocks_are_interleaved_so_that_an_interrupted_study_has_compared_like_with_like():
    todo = workers.tasks(["a", "b", "c"], 200, 2)
    assert [task.label for task in todo] == ["a", "b", "c"] * (len(todo) // 3)
    assert [task.first for task in todo] == sorted(task.first for task in todo)


def test_every_core_has_several_blocks_of_a_study_that_is_large_enough():
    assert len(workers.tasks(["only"], 400, 8)) >= 3 * 8


def test_blocks_of_a_pool_are_those_of_one_process():
    scenarios = {"a": scenario(), "b": scenario("schedule=rapid_6_months")}
    todo = workers.tasks(list(scenarios), 6, 2)
    alone = dict(workers.run(scenarios, 3, todo, 1, 2))
    pooled = dict(workers.run(scenarios, 3, todo, 2, 2))
    assert set(alone) == set(pooled) == set(todo)
    for task, made in alone.items():
        assert (made.rows, made.weeks, made.opportunities) == (
            pooled[task].rows,
            pooled[task].weeks,
            pooled[task].opportunities,
        )


def test_blocks_that_kill_their_workers_each_time_are_written_off_as_failures_and_the_others_kept(monkeypatch):
    tried = []

    def in_pool(scenarios, seed, todo, *more):
        tried.append(list(todo))
        if len(tried) == 1:
            yield todo[0], block(0, 2)
        raise BrokenProcessPool("a worker died")

    monkeypatch.setattr(workers, "in_pool", in_pool)
    todo = [workers.Task("a", 0, 2), workers.Task("a", 2, 2), workers.Task("a", 4, 1)]
    done = dict(workers.run({"a": scenario()}, 1, todo, 2, 0))
    assert tried == [todo, todo[1:], todo[1:]]
    assert set(done) == set(todo)
    assert [[f.replication for f in done[task].failures] for task in todo] == [[], [2, 3], [4]]
    assert all(f.message.startswith("WorkerLost: ") for made in done.values() for f in made.failures)


def test_the_cores_are_those_this_process_may_use():
    assert 1 <= workers.cores() <= (os.cpu_count() or 1)


# -- tables ----------------------------------------------------------------------------------------------------------
def test_outcomes_have_a_row_for_each_replication_in_order_and_the_types_of_their_kind():
    blocks = {"b": [block(2, 2), block(0, 2)], "a": [block(0, 1)]}
    table = outcomes_table(blocks, {"a": "id-a", "b": "id-b"})
    assert list(table.columns) == ["schedule", "scenario", "replication", *(outcome.name for outcome in OUTCOMES)]
    assert list(zip(table["schedule"], table["replication"], strict=True)) == [("b", 0), ("b", 1), ("b", 2), ("b", 3), ("a", 0)]
    assert list(table["scenario"]) == ["id-b"] * 4 + ["id-a"]
    for outcome in OUTCOMES:
        assert table[outcome.name].dtype == {"count": "int64", "yes or no": "bool"}.get(outcome.kind, "float64")
    assert table["replication"].dtype == "int64"


def test_tables_of_nothing_have_the_columns_and_types_of_full_ones():
    full = {"a": [block(0, 2, weeks=1, failures=(2,))]}
    none: dict[str, list[Block]] = {"a": []}
    identities = {"a": "id"}
    assert (outcomes_table(none, identities).dtypes == outcomes_table(full, identities).dtypes).all()
    assert (weekly_table(none, identities, START).dtypes == weekly_table(full, identities, START).dtypes).all()
    assert list(failures_table(none, identities).columns) == list(failures_table(full, identities).columns)


def test_the_weekly_table_has_a_date_for_each_week_and_whole_numbers_for_counts():
    table = weekly_table({"a": [block(1, 1, weeks=2), block(0, 1, weeks=2)]}, {"a": "id"}, START)
    assert list(table.columns) == ["schedule", "scenario", "replication", "day", "date", *(series.name for series in SERIES)]
    assert list(zip(table["replication"], table["day"], strict=True)) == [(0, 7.0), (0, 14.0), (1, 7.0), (1, 14.0)]
    assert list(table["date"].dt.strftime("%Y-%m-%d")) == ["2021-04-14", "2021-04-21"] * 2
    for series in SERIES:
        assert table[series.name].dtype == ("int64" if series.total else "float64")


def test_failures_have_a_row_each_with_their_message():
    table = failures_table({"a": [block(0, 2, failures=(5, 4))]}, {"a": "id"})
    assert table.to_dict("records") == [
        {"schedule": "a", "scenario": "id", "replication": r, "message": "ZeroDivisionError: division by zero"} for r in (4, 5)
    ]


def test_a_sweeps_table_is_labelled_by_schedule_and_what_else_was_swept():
    table = pd.DataFrame({"schedule": ["stay", "go"], "isis.stock": ["1", "2"], "cost": [1.0, 2.0]})
    assert list(labelled(table, ["schedule", "isis.stock"])["schedule"]) == ["stay, isis.stock=1", "go, isis.stock=2"]
    assert list(labelled(table, ["schedule"])["schedule"]) == ["stay", "go"]
    assert scenario_label("stay", {}) == "stay"


# -- a study's folder ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["a", "study-1", "2026.11_x", "A" * 100, "9", "a..b"])
def test_a_file_name_is_a_study_name(name, tmp_path):
    assert check_name(name) == name
    assert new_study(str(tmp_path), name, "words").folder == tmp_path / "studies" / name


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "../a", "/a", "a b", "-a", ".a", "_a", "a\n", "a\\b", "ä", "A" * 101, None, 5]
)
def test_what_is_no_file_name_is_no_study_name(name, tmp_path):
    with pytest.raises(RequestError, match=r"^name = .*letters, digits"):
        check_name(name)
    assert list(tmp_path.iterdir()) == []


def test_a_new_study_has_a_folder_for_figures(tmp_path):
    study = new_study(str(tmp_path / "deep" / "results"), "mine", "words")
    assert study.figures.is_dir()
    assert study.name == "mine"


def test_a_study_without_a_name_is_called_by_the_time_and_a_few_words_and_never_twice_the_same(tmp_path):
    names = [new_study(str(tmp_path), None, "run-open_ended").name for _ in range(3)]
    assert len(set(names)) == 3
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d-\d{6}-run-open_ended(-\d+)?", name) for name in names)
    assert all(check_name(name) == name for name in names)


def manifest(**more):
    """What every manifest holds, and more."""
    return {"start": "2021-04-07", "horizon_days": 60, "seed": 1, "scenarios": {}, "contents": {}, "config": {}, **more}


def test_a_name_that_is_taken_is_refused_and_nothing_of_it_changed(tmp_path):
    study = new_study(str(tmp_path), "mine", "words")
    study.write_manifest(manifest(a=1))
    with pytest.raises(RequestError, match=r"^name = 'mine': a study of that name lies in .*; choose another name$"):
        new_study(str(tmp_path), "mine", "words")
    assert study.read_manifest() == manifest(a=1)


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/nowhere", "/dev/null"])
def test_a_place_that_cannot_be_written_to_is_refused_with_the_reason(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RequestError, match=rf"^results = '{place}': cannot be written to: "):
        new_study(place, "mine", "words")
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_file_where_the_study_should_lie_is_refused(tmp_path):
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "mine").write_text("in the way")
    with pytest.raises(RequestError, match="cannot be written to"):
        new_study(str(tmp_path), "mine", "words")


def test_a_file_where_the_studies_should_lie_is_refused(tmp_path):
    (tmp_path / "studies").write_text("in the way")
    for name in ("mine", None):
        with pytest.raises(RequestError, match="cannot be written to"):
            new_study(str(tmp_path), name, "words")


def test_a_table_is_written_whole_or_not_at_all(tmp_path):
    study = new_study(str(tmp_path), "mine", "words")
    study.write_table("outcomes", pd.DataFrame({"a": [1]}))
    with pytest.raises((TypeError, ValueError)):
        study.write_table("outcomes", pd.DataFrame({"a": [object()]}))
    assert study.read_table("outcomes")["a"].tolist() == [1]
    assert not (study.folder / "outcomes.parquet.writing").exists()


def test_a_manifest_that_cannot_be_written_leaves_the_one_before(tmp_path):
    study = new_study(str(tmp_path), "mine", "words")
    study.write_manifest(manifest(a="ü"))
    with pytest.raises(TypeError):
        study.write_manifest({"a": object()})
    assert study.read_manifest() == manifest(a="ü")
    assert json.loads((study.folder / "study.json").read_bytes()) == manifest(a="ü")


def test_a_table_is_read_back_as_it_was_written(tmp_path):
    study = new_study(str(tmp_path), "mine", "words")
    table = outcomes_table({"a": [block(0, 3)]}, {"a": "id"})
    study.write_table("outcomes", table)
    pd.testing.assert_frame_equal(study.read_table("outcomes"), table)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "has no study.json"),
        (b"", "cannot be read"),
        (b"{", "cannot be read"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"[1]", "not a manifest"),
        (b"null", "not a manifest"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_told_in_one_line_with_the_study(content, says, tmp_path):
    study = new_study(str(tmp_path), "mine", "words")
    if content is not None:
        (study.folder / "study.json").write_bytes(content)
    with pytest.raises(RequestError, match=says) as error:
        study.read_manifest()
    assert "'mine'" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [None, b"", b"PAR1", b"PAR1 and then nothing of the kind PAR1", "half"])
def test_a_table_that_cannot_be_read_is_told_in_one_line_with_the_study_and_the_file(content, tmp_path):
    study = new_study(str(tmp_path), "mine", "words")
    path = study.folder / "outcomes.parquet"
    if content == "half":
        study.write_table("outcomes", outcomes_table({"a": [block(0, 30)]}, {"a": "id"}))
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(RequestError, match=r"'mine'.*outcomes\.parquet") as error:
        study.read_table("outcomes")
    assert "\n" not in str(error.value)


# -- finding a study -------------------------------------------------------------------------------------------------
def finished(root, name: str, when: float) -> Study:
    """A study whose manifest was written at a given time."""
    study = new_study(str(root), name, "words")
    os.utime(study.write_manifest({"name": name}), (when, when))
    return study


def test_the_latest_study_is_the_one_finished_last_whatever_it_is_called(tmp_path):
    finished(tmp_path, "zebra", 1000.0)
    finished(tmp_path, "apple", 3000.0)
    finished(tmp_path, "mango", 2000.0)
    assert find_study(str(tmp_path), None).name == "apple"
    assert find_study(str(tmp_path), "mango").name == "mango"


def test_a_study_that_is_not_finished_is_not_the_latest(tmp_path):
    finished(tmp_path, "done", 1000.0)
    new_study(str(tmp_path), "under-way", "words")
    assert find_study(str(tmp_path), None).name == "done"


@pytest.mark.parametrize("made", [False, True])
def test_no_study_at_all_is_told_with_what_to_do(made, tmp_path):
    if made:
        (tmp_path / "studies").mkdir()
    with pytest.raises(RequestError, match=r"^results = .*holds no finished study; run `posture compare` first$"):
        find_study(str(tmp_path), None)


def test_an_unknown_study_is_told_with_those_there_are(tmp_path):
    finished(tmp_path, "mine", 1000.0)
    (tmp_path / "studies" / "a-file").write_text("no study")
    with pytest.raises(RequestError, match=r"'yours'.*there are: mine$"):
        find_study(str(tmp_path), "yours")
    with pytest.raises(RequestError, match=r"'a-file'"):
        find_study(str(tmp_path), "a-file")
    with pytest.raises(RequestError, match=r"there are: none"):
        find_study(str(tmp_path / "empty"), "mine")


@pytest.mark.parametrize("name", ["..", "../..", "/etc", "a/b"])
def test_a_study_is_never_looked_for_elsewhere(name, tmp_path):
    with pytest.raises(RequestError, match="letters, digits"):
        find_study(str(tmp_path), name)


# -- where a result came from ----------------------------------------------------------------------------------------
def test_provenance_names_the_code_its_sources_and_what_it_ran_on():
    found = provenance()
    assert set(found) == {"revision", "changed", "sources", "version", "python", "libraries", "platform"}
    assert found["revision"] is None or re.fullmatch(r"[0-9a-f]{40}", found["revision"])
    assert found["changed"] in (None, True, False)
    assert re.fullmatch(r"[0-9a-f]{16}", found["sources"])
    assert set(found["libraries"]) == set(store.LIBRARIES)
    assert all(re.match(r"\d+\.\d+", version) for version in (*found["libraries"].values(), found["version"], found["python"]))
    assert json.loads(json.dumps(found)) == found


def test_provenance_without_git_says_nothing_of_a_revision(monkeypatch):
    def no_git(*words, **more):
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", no_git)
    found = provenance.__wrapped__()
    assert found["revision"] is None
    assert found["changed"] is None
    assert found["sources"] == provenance()["sources"]
