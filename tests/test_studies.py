"""Which replications run, where a study lies, and what its tables and manifest hold."""

import json
import os
import re
import subprocess
from concurrent.futures.process import BrokenProcessPool
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.composition import Composer
from experiments.settings import split
from sim import OUTCOMES, SERIES, RequestError, read_scenario
from sim.engines import ENGINES
from sim.engines.block import OUTCOME_ROW, WEEK_ROW, Block, Failure
from sim.studies import store, tables, workers
from sim.studies.store import Study, check_name, find_study, new_study, provenance
from sim.studies.tables import Tables, frame, labelled, scenario_label

START = date(2021, 4, 7)


def scenario(*overrides: str):
    return read_scenario(split(Composer("run").compose(["horizon_days=60", *overrides]))[0])


def block(first: int, rows: int, weeks: int = 0, failures: tuple[int, ...] = ()) -> Block:
    """A block of made-up numbers, without an engine."""
    values = [{"count": 1, "yes or no": True}.get(outcome.kind, 0.5) for outcome in OUTCOMES]
    sound = [r for r in range(first, first + rows) if r not in failures]
    made = Block(first, rows + len(failures), np.array([(r, *values) for r in sound], OUTCOME_ROW))
    of_week = [1 if s.total or s.whole else 0.5 for s in SERIES]
    made.weeks = np.array([(r, 7.0 * w, *of_week) for r in sound for w in range(1, weeks + 1)], WEEK_ROW)
    made.failures = [Failure(r, "ZeroDivisionError: division by zero", 3.5, "isis/tempo") for r in failures]
    return made


def written(
    folder: Path, blocks: dict[str, list[Block]], identities: dict[str, str]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The tables of a study that gave these blocks: outcomes, series by week, failures."""
    made = Tables(folder, identities, START)
    for label, done in blocks.items():
        for one in done:
            made.add(label, one)
    assert made.finish() == sum(len(one.outcomes) for done in blocks.values() for one in done)
    return pd.read_parquet(folder / "outcomes.parquet"), pd.read_parquet(folder / "weekly.parquet"), made.failures()


# -- blocks ----------------------------------------------------------------------------------------------------------
@settings(derandomize=True, deadline=None)
@given(
    st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=12, unique=True),
    st.integers(1, 3000),
    st.integers(1, 200),
    st.sampled_from(ENGINES),
)
def test_the_blocks_of_a_study_have_each_replication_of_each_scenario_exactly_once(labels, replications, cores, engine):
    todo = workers.tasks(labels, replications, cores, engine)
    assert len(todo) == len(set(todo))
    for label in labels:
        runs = [r for task in todo if task.label == label for r in range(task.first, task.first + task.count)]
        assert runs == list(range(replications))
    assert all(1 <= task.count <= workers.LARGEST[engine] for task in todo)


def test_blocks_are_interleaved_so_that_an_interrupted_study_has_compared_like_with_like():
    todo = workers.tasks(["a", "b", "c"], 200, 2)
    assert len(todo) > 3
    assert [task.label for task in todo] == ["a", "b", "c"] * (len(todo) // 3)
    assert [task.first for task in todo] == sorted(task.first for task in todo)


@pytest.mark.parametrize(("engine", "replications"), [("reference", 400), ("compiled", 3200)])
def test_every_core_has_several_blocks_of_a_study_that_is_large_enough(engine, replications):
    assert len(workers.tasks(["only"], replications, 8, engine)) >= 3 * 8


def test_a_block_of_the_compiled_engine_is_worth_the_call():
    assert {task.count for task in workers.tasks(["only"], 1000, 8)} == {workers.SMALLEST["compiled"]}
    assert [task.count for task in workers.tasks(["only"], 7, 8)] == [7]


@pytest.mark.parametrize("engine", ENGINES)
def test_blocks_of_a_pool_are_those_of_one_process(engine):
    scenarios = {"a": scenario(), "b": scenario("schedule=rapid_6_months")}
    todo = workers.tasks(list(scenarios), 6, 2, engine)
    assert len(todo) > 1
    alone = dict(workers.run(scenarios, 3, todo, 1, 2, engine))
    pooled = dict(workers.run(scenarios, 3, todo, 2, 2, engine))
    assert set(alone) == set(pooled) == set(todo)
    for task, made in alone.items():
        assert made.outcomes.tolist() == pooled[task].outcomes.tolist()
        assert made.weeks.tolist() == pooled[task].weeks.tolist()
        assert (made.opportunities, made.saturated) == (pooled[task].opportunities, pooled[task].saturated)


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
def test_outcomes_have_a_row_for_each_replication_in_order_and_the_types_of_their_kind(tmp_path):
    blocks = {"a": [block(0, 1)], "b": [block(2, 2), block(0, 2)]}
    table, _, _ = written(tmp_path, blocks, {"b": "id-b", "a": "id-a"})
    assert list(table.columns) == ["schedule", "scenario", "replication", *(outcome.name for outcome in OUTCOMES)]
    assert list(zip(table["schedule"], table["replication"], strict=True)) == [("b", 0), ("b", 1), ("b", 2), ("b", 3), ("a", 0)]
    assert list(table["scenario"]) == ["id-b"] * 4 + ["id-a"]
    for outcome in OUTCOMES:
        assert table[outcome.name].dtype == {"count": "int64", "yes or no": "bool"}.get(outcome.kind, "float64")
    assert table["replication"].dtype == "int64"


@pytest.mark.parametrize("labels", [("a",), ("a", "b")])
def test_tables_of_nothing_have_the_columns_and_types_of_full_ones(labels, tmp_path):
    identities = dict.fromkeys(labels, "id")
    (tmp_path / "full").mkdir()
    full = written(tmp_path / "full", {label: [block(0, 2, weeks=1, failures=(2,))] for label in labels}, identities)
    none = written(tmp_path, {label: [] for label in labels}, identities)
    for empty, table in zip(none, full, strict=True):
        assert len(empty) == 0
        assert list(empty.columns) == list(table.columns)
    for empty, table in zip(none[:2], full[:2], strict=True):
        assert (empty.dtypes == table.dtypes).all()


def test_the_weekly_table_has_a_date_for_each_week_and_whole_numbers_for_counts(tmp_path):
    _, table, _ = written(tmp_path, {"a": [block(1, 1, weeks=2), block(0, 1, weeks=2)]}, {"a": "id"})
    assert list(table.columns) == ["schedule", "scenario", "replication", "day", "date", *(series.name for series in SERIES)]
    assert list(zip(table["replication"], table["day"], strict=True)) == [(0, 7.0), (0, 14.0), (1, 7.0), (1, 14.0)]
    assert list(table["date"].dt.strftime("%Y-%m-%d")) == ["2021-04-14", "2021-04-21"] * 2
    for series in SERIES:
        assert table[series.name].dtype == ("int64" if series.total or series.whole else "float64")
    assert {series.name for series in SERIES if series.whole} == {"troops"}


def test_failures_have_a_row_each_with_their_message(tmp_path):
    _, _, table = written(tmp_path, {"a": [block(0, 2, failures=(5, 4))]}, {"a": "id"})
    assert table.to_dict("records") == [
        {
            **{"schedule": "a", "scenario": "id", "replication": r, "day": 3.5, "activity": "isis/tempo"},
            "message": "ZeroDivisionError: division by zero",
        }
        for r in (4, 5)
    ]


IDENTITIES = {"b": "id-b", "a": "id-a", "c": "id-c"}


def many(count: int = 20) -> list[tuple[str, Block]]:
    """Blocks of three scenarios, with series by week and with failures, told apart by the cost they have."""
    found = []
    for label in IDENTITIES:
        for k in range(count):
            made = block(5 * k, 4, weeks=3, failures=(5 * k + 4,))
            made.outcomes["troop_months"] = made.outcomes["replication"] + (ord(label) - 96) / 10
            found.append((label, made))
    return found


@pytest.mark.parametrize("rows", [tables.GROUP, 7])
def test_blocks_in_any_order_leave_the_same_files(rows, tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "GROUP", rows)
    found = {}
    for order in ("as made", "backwards", "shuffled"):
        blocks = many()
        if order == "backwards":
            blocks.reverse()
        elif order == "shuffled":
            np.random.default_rng(3).shuffle(blocks)
        (tmp_path / order).mkdir()
        study = Tables(tmp_path / order, IDENTITIES, START)
        for label, made in blocks:
            study.add(label, made)
        assert study.finish() == 3 * 20 * 4
        assert {path.name for path in (tmp_path / order).iterdir()} == {"outcomes.parquet", "weekly.parquet"}
        found[order] = [(tmp_path / order / f"{name}.parquet").read_bytes() for name in ("outcomes", "weekly")]
        assert list(study.failures().itertuples(index=False, name=None)) == [
            (label, IDENTITIES[label], 5 * k + 4, 3.5, "isis/tempo", "ZeroDivisionError: division by zero")
            for label in IDENTITIES
            for k in range(20)
        ]
    assert found["backwards"] == found["shuffled"] == found["as made"]
    table = pd.read_parquet(tmp_path / "shuffled" / "outcomes.parquet")
    expected = [(label, IDENTITIES[label], r) for label in IDENTITIES for r in range(100) if r % 5 != 4]
    assert list(table[["schedule", "scenario", "replication"]].itertuples(index=False, name=None)) == expected
    assert list(table["troop_months"]) == [r + (ord(label) - 96) / 10 for label, _, r in expected]


def test_large_tables_are_written_in_row_groups_as_the_blocks_come(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "GROUP", 10)
    study = Tables(tmp_path, {"a": "id"}, START)
    sizes = []
    for k in range(12):
        study.add("a", block(4 * k, 4))
        sizes.append(sum(path.stat().st_size for path in tmp_path.iterdir()))
    assert sizes[-1] > sizes[0]  # it is on disk before the end
    study.finish()
    with pq.ParquetFile(tmp_path / "outcomes.parquet") as file:
        assert [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)] == [12] * 4
    assert list(pd.read_parquet(tmp_path / "outcomes.parquet")["replication"]) == list(range(48))


def test_an_interrupted_study_keeps_every_block_that_is_complete(tmp_path):
    blocks = {"a": [block(9, 3, weeks=1), block(0, 3, weeks=1)], "b": [block(6, 3)], "c": []}
    outcomes, weekly, _ = written(tmp_path, blocks, {label: label for label in blocks})
    assert outcomes.groupby("schedule")["replication"].apply(list).to_dict() == {"a": [0, 1, 2, 9, 10, 11], "b": [6, 7, 8]}
    assert list(weekly["replication"]) == [0, 1, 2, 9, 10, 11]
    assert {path.name for path in tmp_path.iterdir()} == {"outcomes.parquet", "weekly.parquet"}


def test_what_blocks_counted_is_added_up(tmp_path):
    study = Tables(tmp_path, {"a": "id"}, START)
    for first in (0, 1):
        made = block(first, 1)
        made.opportunities.update({"x": 5, "y": 1})
        made.saturated.update({"x": first})
        made.seconds = 0.25
        study.add("a", made)
    assert (study.opportunities, study.saturated["x"], study.seconds) == ({"x": 10, "y": 2}, 1, 0.5)


def test_blocks_in_memory_are_a_table_by_scenario_and_replication(tmp_path):
    blocks = {"b": [block(2, 2, weeks=2), block(0, 2)], "a": [block(0, 1, weeks=1)]}
    outcomes, weekly, _ = written(tmp_path, blocks, {"b": "id", "a": "id"})
    pd.testing.assert_frame_equal(frame(blocks), outcomes.drop(columns="scenario"), check_dtype=True, check_exact=True)
    pd.testing.assert_frame_equal(frame(blocks, "weekly"), weekly.drop(columns=["scenario", "date"]), check_exact=True)


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
    table, _, _ = written(tmp_path, {"a": [block(0, 3)]}, {"a": "id"})
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
        written(study.folder, {"a": [block(0, 30)]}, {"a": "id"})
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
