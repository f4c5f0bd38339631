"""posture verify, status and clean: tampering is found, nothing that a study needs is removed, and what is there is told."""

import io
import json
import os
import shutil
import sys
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.command import main
from sim.studies import maker
from sim.studies.place import place
from sim.studies.segment import digest
from sim.studies.store import Store
from tests.processes import contents, files, manifest, segments, tables

SMALL = ["horizon_days=60", "workers=1", "weekly=2", "seed=5"]
BLOCKS = Path("results/blocks")


@pytest.fixture
def study(folder, compiled_before, capsys) -> Path:
    """A study of two schedules, in the folder in which the test works."""
    words = ["compare", "schedules=[open_ended,rapid_6_months]", "replications=6", *SMALL, "figures=false", "name=mine"]
    assert main(words) == 0
    capsys.readouterr()
    return folder / "results/studies/mine"


def changed(path: Path, column: str, row: int) -> None:
    """One value of a table changed, and the file written as properly as before."""
    table = pq.read_table(path)
    values = table[column].to_pylist()
    values[row] = not values[row] if isinstance(values[row], bool) else values[row] + 1
    k = table.schema.get_field_index(column)
    pq.write_table(table.set_column(k, table.schema.field(column), pa.array(values, table.schema.field(column).type)), path)


def forged(segment: str) -> str:
    """A segment written again from its data, with hashes and a name that agree with them, as a careful forger would; its name."""
    store = Store(place("results"))
    store.refresh()
    held = []
    for entry in [entry for entry in store.entries() if entry.segment == segment]:
        outcomes, weekly = store.rows(entry, "outcomes"), store.rows(entry, "weekly")
        held.append((replace(entry, outcomes_hash=digest(outcomes), weekly_hash=digest(weekly)), outcomes, weekly))
    before = segments()
    store._write_all(held)
    store.remove(segment)
    (name,) = segments() - before
    return name


# -- verify ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("sample", ["all", "5", "1000"])
def test_a_study_as_it_was_is_equal_to_the_bit_and_nothing_is_written(sample, study, folder, capsys):
    before = contents(folder)
    assert main(["verify", f"sample={sample}"]) == 0
    out, err = capsys.readouterr()
    count = {"all": 12, "5": 5, "1000": 12}[sample]
    assert out.startswith(f"mine: computed {count} of 12 replications again")
    assert "all are equal to the bit" in out
    assert err == ""
    assert contents(folder) == before


@pytest.mark.parametrize(("table", "column"), [("outcomes", "us_deaths"), ("outcomes", "resurgence"), ("weekly", "troops")])
def test_a_changed_value_of_a_studys_table_is_found_with_both_values(table, column, study, capsys):
    changed(study / f"{table}.parquet", column, 4)
    assert main(["verify", "sample=all"]) == 1
    out = capsys.readouterr().out
    assert f"differs: {table}.parquet, open_ended" in out
    assert f"{column} of replication" in out
    assert "code, libraries and arithmetic are those that made it" in out


def test_a_row_that_is_missing_from_a_table_is_found(study, capsys):
    table = pq.read_table(study / "outcomes.parquet")
    pq.write_table(table.slice(0, 11), study / "outcomes.parquet")
    assert main(["verify", "sample=all"]) == 1
    assert "differs: outcomes.parquet: 11 rows, 12 when computed now" in capsys.readouterr().out


@pytest.mark.parametrize("careful", [False, True])
def test_a_tampered_block_is_found_whether_or_not_its_index_was_forged_too(careful, study, capsys):
    segment = min(segments())
    changed(BLOCKS / f"outcomes/{segment}.parquet", "base_attacks", 2)
    if careful:
        segment = forged(segment)
    assert main(["verify", "sample=all"]) == 1
    out = capsys.readouterr().out
    assert f"{BLOCKS}/outcomes/{segment}.parquet" in out
    assert ("not what was written" in out) == (not careful)
    assert "base_attacks of replication" in out


def test_what_was_made_by_other_code_is_told_by_the_name_of_the_field(study, capsys, monkeypatch):
    made = json.loads((study / "study.json").read_text())
    old = {**made["maker"], "numba": "0.1", "sources": "0" * 16}
    (study / "study.json").write_text(json.dumps({**made, "maker": old}))
    changed(study / "outcomes.parquet", "us_deaths", 0)
    assert main(["verify", "sample=all"]) == 1
    out = capsys.readouterr().out
    ours = maker.maker()
    assert f"it was made otherwise: sources: {'0' * 16} there, {ours['sources']} here; numba: 0.1 there" in out


def test_a_study_whose_blocks_are_gone_is_verified_by_its_tables(study, capsys):
    shutil.rmtree(BLOCKS)
    assert main(["verify", "sample=all"]) == 0
    assert "looked at 0 blocks" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["name=yours"], "no such study"),
        (["sample=0"], "sample = 0: expected a number of replications, or all"),
        (["sample=some"], "sample = 'some': expected a number of replications, or all"),
        (["results=nowhere"], "holds no finished study"),
        (["schedule=open_ended"], "schedule: no such key"),
    ],
)
def test_what_cannot_be_verified_is_one_line(words, says, study, capsys):
    assert main(["verify", *words]) == 2
    err = capsys.readouterr().err
    assert says in err
    assert len(err.splitlines()) == 1


def test_a_manifest_with_another_scenario_than_was_run_is_refused(study, capsys):
    made = json.loads((study / "study.json").read_text())
    made["contents"]["open_ended"]["militias"]["restraint"] = 0.3
    (study / "study.json").write_text(json.dumps(made))
    assert main(["verify"]) == 2
    assert "scenario open_ended is not the one that was run: study.json was changed" in capsys.readouterr().err


def test_a_hydra_sweep_over_seeds_and_a_design_can_be_verified(folder, compiled_before, capsys):
    assert main(["run", "-m", "seed=1,2", "replications=3", "horizon_days=60", "workers=1", "weekly=1", "name=seeds"]) == 0
    assert main(["sweep", "over=[militias.restraint]", "points=3", "replications=3", "horizon_days=60", "name=design"]) == 0
    capsys.readouterr()
    for name, count in (("seeds", 6), ("design", 9)):
        assert main(["verify", f"name={name}", "sample=all"]) == 0
        assert f"{name}: computed {count} of {count} replications again" in capsys.readouterr().out


def test_a_study_with_a_failed_replication_can_be_verified_but_for_that_one(folder, failing, capsys):
    failing(lambda schedule, replication: replication == 1)
    assert main(["run", "replications=3", *SMALL, "engine=reference", "name=mine"]) == 1
    failing(None)
    capsys.readouterr()
    assert main(["verify", "sample=all"]) == 0
    assert "1 replications failed and have no rows" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "column", "value"), [("outcomes", "schedule", "x"), ("weekly", "date", date(1999, 1, 1))])
def test_what_stands_beside_the_outcomes_is_compared_too(name, column, value, study, capsys):
    table = pq.read_table(study / f"{name}.parquet")
    k = table.schema.get_field_index(column)
    other = pa.array([value] * table.num_rows).cast(table.schema.field(column).type)
    pq.write_table(table.set_column(k, table.schema.field(column), other), study / f"{name}.parquet")
    assert main(["verify", "sample=all"]) == 1
    assert f"differs: {name}.parquet, open_ended, replications 0 to" in capsys.readouterr().out


def test_rows_that_were_added_to_a_table_are_found(study, capsys):
    table = pq.read_table(study / "outcomes.parquet")
    pq.write_table(pa.concat_tables([table, table.slice(0, 3)]), study / "outcomes.parquet")
    assert main(["verify", "sample=all"]) == 1
    assert "differs: outcomes.parquet: 15 rows, 12 when computed now" in capsys.readouterr().out


@pytest.mark.parametrize("swept", ["weekly=0,5", "replications=1,6", "seed=1,2", "horizon_days=40,60"])
def test_a_sweep_in_which_one_scenario_has_several_labels_is_verified_label_by_label(swept, folder, compiled_before, capsys):
    key = swept.partition("=")[0]
    words = [word for word in ("replications=6", *SMALL) if word.partition("=")[0] != key]
    assert main(["run", "-m", swept, *words, "name=mine"]) == 0
    capsys.readouterr()
    assert main(["verify", "sample=all"]) == 0
    rows = pq.read_table("results/studies/mine/outcomes.parquet").num_rows
    changed(Path("results/studies/mine/outcomes.parquet"), "us_deaths", rows - 1)
    assert main(["verify", "sample=all"]) == 1
    assert f"differs: outcomes.parquet, open_ended, {key}=" in capsys.readouterr().out


def test_a_study_that_was_interrupted_is_not_verified(study, capsys):
    (study / "unfinished.json").write_text("{}")
    assert main(["verify"]) == 2
    assert "is not finished; the command that began it goes on" in capsys.readouterr().err


# -- status ----------------------------------------------------------------------------------------------------------
def test_status_tells_studies_and_blocks_and_writes_nothing(study, folder, capsys):
    before = contents(folder)
    assert main(["status"]) == 0
    out = capsys.readouterr().out
    row = next(line.split() for line in out.splitlines() if line.strip().startswith("mine"))
    assert row[:6] == ["mine", "complete", "compare", "2", "6", "0"]
    held = next(line.split() for line in out.splitlines() if "(this code)" in line)
    assert held[0] == maker.maker_id(maker.maker())
    assert "12" in held
    assert contents(folder) == before


def test_status_tells_what_is_unfinished_running_or_broken(study, capsys):
    from sim.studies.study import Study

    root = place("results")
    for name in ("stopped", "busy", "broken"):
        shutil.copytree(study, study.parent / name)
    (study.parent / "stopped/unfinished.json").write_text("{}")
    (study.parent / "broken/study.json").write_text("{")
    busy = Study(root, "busy")
    busy.begin("request")
    try:
        assert main(["status"]) == 0
    finally:
        busy.end(finished=False)
    states = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert "unfinished" in states["stopped"]
    assert "running" in states["busy"]
    assert "no manifest" in states["broken"]
    assert "complete" in states["mine"]


def test_status_of_nothing_is_one_line(folder, capsys):
    assert main(["status"]) == 2
    assert "holds no study" in capsys.readouterr().err


# -- clean -----------------------------------------------------------------------------------------------------------
def test_there_is_nothing_to_clean_where_every_block_belongs_to_a_study(study, folder, capsys):
    before = contents(folder)
    assert main(["clean", "yes=true"]) == 0
    assert "nothing to remove" in capsys.readouterr().out
    assert contents(folder) == before


def test_clean_removes_what_no_study_refers_to_and_no_more(study, folder, capsys):
    right = tables()
    assert main(["run", "replications=40", *SMALL, "name=more"]) == 0  # shares its first six replications with the other study
    assert main(["run", "replications=4", *SMALL, "seed=6", "name=other"]) == 0
    for name in ("more", "other"):
        shutil.rmtree(folder / "results/studies" / name)
    assert main(["clean", "yes=true"]) == 0
    assert "38 replications" in capsys.readouterr().out  # 34 more of one scenario, and four on another seed
    words = ["compare", "schedules=[open_ended,rapid_6_months]", "replications=6", *SMALL, "figures=false", "name=mine"]
    assert main(words) == 0
    assert (manifest()["computed"], manifest()["found"]) == (0, 12)
    assert tables() == right
    assert main(["clean", "yes=true"]) == 0
    assert "nothing to remove" in capsys.readouterr().out


def test_clean_asks_first(study, folder, capsys, monkeypatch):
    shutil.rmtree(study)
    before = contents(folder)
    assert main(["clean"]) == 2
    assert "yes = false: there is no terminal to ask on" in capsys.readouterr().err

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for answer, left in (("n\n", True), ("\n", True), ("", True), ("y\n", False)):
        monkeypatch.setattr(sys, "stdin", Terminal(answer))
        assert main(["clean"]) == 0
        assert (contents(folder) == before) == left
    assert files(folder / "results") == set()


def test_clean_keeps_the_blocks_of_an_unfinished_study(study, folder, capsys):
    (study / "unfinished.json").write_text("{}")
    (study / "outcomes.parquet").unlink()
    assert main(["clean", "yes=true"]) == 0
    assert "nothing to remove" in capsys.readouterr().out


def test_clean_refuses_where_a_study_cannot_be_read(study, folder, capsys):
    before = segments()
    (study / "study.json").write_text("{")
    assert main(["clean", "yes=true"]) == 2
    assert "'mine': study.json cannot be read" in capsys.readouterr().err
    assert segments() == before


def test_clean_removes_old_left_overs_and_leaves_young_ones_which_somebody_may_be_writing(study, folder, capsys):
    young, old = BLOCKS / "outcomes/.x.parquet.1.writing", BLOCKS / "outcomes/.y.parquet.2.writing"
    orphan = BLOCKS / "weekly/abcdef12-00000000000000000000.parquet"
    damaged = BLOCKS / "damaged/abcdef12-0.outcomes.parquet"
    damaged.parent.mkdir()
    for path in (young, old, orphan, damaged):
        path.write_bytes(b"1234")
    for path in (old, orphan):
        os.utime(path, (time.time() - 7200, time.time() - 7200))
    assert main(["clean", "yes=true"]) == 0
    assert "removed 12 bytes" in capsys.readouterr().out
    assert [path.exists() for path in (young, old, orphan, damaged)] == [True, False, False, False]


def test_blocks_of_other_code_stay_while_a_study_of_that_code_does(study, folder, capsys, monkeypatch):
    other = {**maker.maker(), "numba": "0.1"}
    made = json.loads((study / "study.json").read_text())
    ours, blocks = Store(place("results")), Store(place("results"), other)
    ours.refresh()
    blocks._write_all([ours._held(entry) for entry in ours.entries()])  # as if other code had made them
    shutil.copytree(study, study.parent / "older")
    (study.parent / "older/study.json").write_text(json.dumps({**made, "maker": other}))
    assert main(["clean", "yes=true"]) == 0
    assert "nothing to remove" in capsys.readouterr().out
    shutil.rmtree(study.parent / "older")
    assert main(["clean", "yes=true"]) == 0
    assert "12 replications" in capsys.readouterr().out
    assert {name.partition("-")[0] for name in segments()} == {ours.id}


def test_calibrations_that_no_finished_study_refers_to_are_counted_and_removed(study, capsys):
    for key in ("0a", "0b", "0c"):
        generation = Path(f"results/calibrations/{key}/generation_0.parquet")
        generation.parent.mkdir(parents=True)
        generation.write_bytes(b"12345")
        os.utime(generation, (1.6e9, 1.6e9))
    held = json.loads((study / "study.json").read_text())
    for name, more in (("one", {"calibration": "0a"}), ("two", {"posteriors": {"2020-03-31": "0b"}})):
        (study.parent / name).mkdir()
        (study.parent / name / "study.json").write_text(json.dumps(held | {"application": "hindcast", **more}))
    (study.parent / "two" / "unfinished.json").write_text("{}")
    waits = "which of them a study refers to is not known while two is unfinished"
    assert main(["status"]) == 0
    assert f"Calibrations in results/calibrations: 3, 15 bytes, {waits}\n" in capsys.readouterr().out
    assert main(["clean", "yes=true"]) == 0
    assert capsys.readouterr().out == f"calibrations stay: {waits}\nnothing to remove\n"
    (study.parent / "two" / "unfinished.json").unlink()
    assert main(["status"]) == 0
    assert "Calibrations in results/calibrations: 3, 15 bytes, 1 not referred to by any study" in capsys.readouterr().out
    assert main(["clean", "yes=true"]) == 0
    assert "generations of 1 calibrations" in capsys.readouterr().out
    assert sorted(path.name for path in Path("results/calibrations").iterdir()) == ["0a", "0b"]


def test_a_calibration_that_may_be_being_made_is_not_said_to_be_referred_to(study, capsys):
    generation = Path("results/calibrations/0a/generation_0.parquet")
    generation.parent.mkdir(parents=True)
    generation.write_bytes(b"12345")
    assert main(["clean", "yes=true"]) == 0
    assert capsys.readouterr().out == "nothing to remove\n"
    assert generation.exists()
