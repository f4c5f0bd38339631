"""The tables of a study: every row once and in order, the same bytes however its blocks were cut and wherever they lay."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.outcomes import COUNT, OUTCOMES, SERIES, YES_NO
from sim.studies import tables
from sim.studies.place import Folder
from sim.studies.plan import Wanted, covers
from sim.studies.store import Damaged, Store
from sim.studies.tables import failures_table, frame, labelled, scenario_label, write_table
from tests.blocks import GO, MESSAGE, SEED, STAY, WEEKS, block, made, stored, want
from tests.processes import contents

BOTH = [want(20, 6), want(20, 6, "go", GO)]


def written(folder: Path, store: Store, wanted: list[Wanted], more: dict[str, dict] | None = None) -> tuple[Path, Path]:
    """The tables of a study: their files."""
    marks = {w.label: {"schedule": w.label, **(more or {}).get(w.label, {})} for w in wanted}
    kinds = dict.fromkeys([key for key in next(iter(marks.values())) if key != "schedule"], pa.string())
    found = covers(wanted, store.entries())
    for name in ("outcomes", "weekly"):
        count = write_table(Folder(str(folder)), f"{name}.parquet", name, store, wanted, found, marks, kinds)
        assert count == pq.read_metadata(folder / f"{name}.parquet").num_rows
    return folder / "outcomes.parquet", folder / "weekly.parquet"


# -- the same bytes ----------------------------------------------------------------------------------------------------
def whole(folder: Path, failures: tuple[int, ...] = ()) -> Store:
    """A store with one block for each scenario."""
    return stored(folder, made(0, 20, 6, failures), made(0, 20, 6, failures, of=GO))


cuts = st.lists(st.integers(1, 19), max_size=6, unique=True).map(sorted)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(cuts, cuts, st.booleans(), st.randoms(use_true_random=False))
def test_tables_are_the_same_to_the_byte_however_the_blocks_were_cut_and_kept(tmp_path_factory, of_stay, of_go, merged, luck):
    tmp_path = tmp_path_factory.mktemp("cut")
    blocks = []
    for scenario, ends in ((STAY, [0, *of_stay, 20]), (GO, [0, *of_go, 20])):
        for first, end in pairwise(ends):
            count = end - first
            blocks.append(made(first, count, min(count, max(0, 6 - first)), of=scenario))
    luck.shuffle(blocks)
    store = stored(tmp_path / "cut", *blocks)
    if merged:
        store.merge(many=0)
    expected = written(tmp_path / "a", whole(tmp_path / "whole"), BOTH)
    found = written(tmp_path / "b", store, BOTH)
    assert [path.read_bytes() for path in found] == [path.read_bytes() for path in expected]


def test_tables_are_the_same_to_the_byte_where_the_store_has_more_than_the_study_wants(tmp_path):
    larger = stored(
        tmp_path / "larger", made(0, 50, 50), made(0, 7, 0), made(3, 40, 9, of=GO), made(0, 8, 8, of=GO), made(0, 9, seed=9)
    )
    expected = written(tmp_path / "a", whole(tmp_path / "whole"), BOTH)
    found = written(tmp_path / "b", larger, BOTH)
    assert [path.read_bytes() for path in found] == [path.read_bytes() for path in expected]


def test_a_replication_that_failed_and_succeeded_later_leaves_no_trace(tmp_path):
    store = whole(tmp_path / "failed", failures=(4, 11))
    store.add([made(r, 1, int(r < 6), of=of) for r in (4, 11) for of in (STAY, GO)])
    expected = written(tmp_path / "a", whole(tmp_path / "whole"), BOTH)
    found = written(tmp_path / "b", store, BOTH)
    assert [path.read_bytes() for path in found] == [path.read_bytes() for path in expected]
    assert len(failures_table(BOTH, covers(BOTH, store.entries()))) == 0


@pytest.mark.parametrize("size", [1, 7, 20, 40])
def test_row_groups_are_of_one_size_wherever_blocks_end(size, tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "GROUP", size)
    store = stored(tmp_path / "cut", *(made(first, 5, of=of) for first in (0, 5, 10, 15) for of in (STAY, GO)))
    wanted = [want(20), want(20, label="go", of=GO)]
    file, _ = written(tmp_path, store, wanted)
    groups = pq.ParquetFile(file).metadata
    sizes = [groups.row_group(k).num_rows for k in range(groups.num_row_groups)]
    assert sum(sizes) == 40
    assert set(sizes[:-1]) <= {size}
    assert pd.read_parquet(file)["replication"].tolist() == [*range(20), *range(20)]


# -- rows and columns --------------------------------------------------------------------------------------------------
def test_outcomes_have_a_row_for_each_replication_in_the_order_of_the_request_and_the_types_of_their_kind(tmp_path):
    blocks = [made(2, 2), made(0, 2), made(0, 4, of=GO)]
    wanted = [want(4, label="b", of=GO), want(4, label="a")]
    table = pd.read_parquet(written(tmp_path, stored(tmp_path, *blocks), wanted)[0])
    assert list(table.columns) == ["schedule", "scenario", "replication", *(outcome.name for outcome in OUTCOMES)]
    assert list(zip(table["schedule"], table["replication"], strict=True)) == [(label, r) for label in "ba" for r in range(4)]
    assert list(table["scenario"]) == [GO.identity] * 4 + [STAY.identity] * 4
    for outcome in OUTCOMES:
        assert table[outcome.name].dtype == {COUNT: "int64", YES_NO: "bool"}.get(outcome.kind, "float64")
    assert table["replication"].dtype == "int64"
    expected = np.concatenate([blocks[k].block.outcomes for k in (2, 1, 0)])
    for name in expected.dtype.names:
        assert table[name].tolist() == expected[name].tolist()


def test_the_weekly_table_has_a_date_for_each_week_and_whole_numbers_for_counts(tmp_path):
    table = pd.read_parquet(written(tmp_path, stored(tmp_path, made(0, 4, 2)), [want(4, 2)])[1])
    names = [series.name for series in SERIES]
    assert list(table.columns) == ["schedule", "scenario", "replication", "day", "date", *names]
    assert list(table["replication"]) == [0] * WEEKS + [1] * WEEKS
    assert list(table["day"]) == [7.0, 14.0, 21.0] * 2
    assert list(table["date"].dt.strftime("%Y-%m-%d")) == ["2021-04-14", "2021-04-21", "2021-04-28"] * 2
    for series in SERIES:
        assert table[series.name].dtype == ("int64" if series.total or series.whole else "float64")
    assert {series.name for series in SERIES if series.whole} == {"troops"}


def test_series_are_those_of_the_first_replications_although_the_store_has_more(tmp_path):
    store = stored(tmp_path, made(0, 10, 10))
    assert set(pd.read_parquet(written(tmp_path, store, [want(10, 3)])[1])["replication"]) == {0, 1, 2}
    assert len(pd.read_parquet(written(tmp_path, store, [want(10, 0)])[1])) == 0
    assert set(pd.read_parquet(written(tmp_path, store, [want(10, 99)])[1])["replication"]) == set(range(10))


def test_what_was_swept_is_a_column_between_schedule_and_scenario(tmp_path):
    store = stored(tmp_path, made(0, 2, 1), made(0, 2, 1, of=GO))
    wanted = [want(2, 1, "a"), want(2, 1, "b", GO)]
    more = {"a": {"isis.stock": "1", "seed": "5"}, "b": {"isis.stock": "2", "seed": "5"}}
    for path in written(tmp_path, store, wanted, more):
        table = pd.read_parquet(path)
        assert list(table.columns)[:5] == ["schedule", "isis.stock", "seed", "scenario", "replication"]
        rows = table[["schedule", "isis.stock", "scenario"]].drop_duplicates()
        assert list(rows.itertuples(index=False, name=None)) == [("a", "1", STAY.identity), ("b", "2", GO.identity)]


def test_two_labels_of_one_scenario_have_the_same_rows(tmp_path):
    table = pd.read_parquet(written(tmp_path, stored(tmp_path, made(0, 5)), [want(5, label="a"), want(3, label="b")])[0])
    one, two = (table[table["schedule"] == label].drop(columns="schedule").reset_index(drop=True) for label in "ab")
    pd.testing.assert_frame_equal(one.head(3), two)


def test_an_interrupted_study_has_the_rows_of_every_block_that_is_complete(tmp_path):
    store = stored(tmp_path, made(9, 3), made(0, 3, 3), made(6, 3, of=GO))
    outcomes, weekly = map(pd.read_parquet, written(tmp_path, store, BOTH))
    assert outcomes.groupby("schedule")["replication"].apply(list).to_dict() == {"stay": [0, 1, 2, 9, 10, 11], "go": [6, 7, 8]}
    assert sorted(set(weekly["replication"])) == [0, 1, 2]


def test_tables_of_nothing_have_the_columns_and_types_of_full_ones(tmp_path):
    full = written(tmp_path / "full", whole(tmp_path / "store"), BOTH)
    none = written(tmp_path / "none", stored(tmp_path / "empty"), BOTH)
    for empty, table in zip(none, full, strict=True):
        assert len(pd.read_parquet(empty)) == 0
        assert pq.read_schema(empty) == pq.read_schema(table)


def test_a_block_that_cannot_be_read_leaves_the_table_that_was_there_before(tmp_path):
    store = whole(tmp_path / "store")
    expected = [path.read_bytes() for path in written(tmp_path / "study", store, BOTH)]
    before = contents(tmp_path / "study")
    store.forget()
    for file in (tmp_path / "store/blocks/outcomes").iterdir():
        file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(Damaged):
        written(tmp_path / "study", store, BOTH)
    assert contents(tmp_path / "study") == before
    assert len(expected) == 2


# -- failures ----------------------------------------------------------------------------------------------------------
def test_failures_have_a_row_each_in_order_with_day_activity_and_message(tmp_path):
    store = stored(tmp_path, made(4, 6, failures=(5, 4)), made(0, 4, failures=(2,)), made(0, 20, failures=(19,), of=GO))
    wanted = [want(10), want(10, label="go", of=GO), want(10, label="again")]
    table = failures_table(wanted, covers(wanted, store.entries()))
    same = {"scenario": STAY.identity, "day": 3.5, "activity": "isis/tempo", "message": MESSAGE, "seed": SEED}
    assert table.to_dict("records") == [
        {"schedule": label, "replication": r, **same} for label in ("stay", "again") for r in (2, 4, 5)
    ]
    outcomes = pd.read_parquet(written(tmp_path, store, wanted)[0])
    assert outcomes.groupby("schedule", sort=False).size().to_dict() == {"stay": 7, "go": 10, "again": 7}


def test_no_failures_are_a_table_without_rows(tmp_path):
    table = failures_table(BOTH, covers(BOTH, whole(tmp_path).entries()))
    assert list(table.columns) == ["schedule", "scenario", "replication", "day", "activity", "message", "seed"]
    assert len(table) == 0


# -- in memory ---------------------------------------------------------------------------------------------------------
def test_blocks_in_memory_are_the_table_that_would_be_written_less_what_names_a_scenario(tmp_path):
    blocks = {"stay": [made(2, 2), made(0, 2, 2)], "go": [made(0, 4, 2, of=GO)]}
    store = stored(tmp_path, *(one for done in blocks.values() for one in done))
    outcomes, weekly = map(pd.read_parquet, written(tmp_path, store, [want(4, 2), want(4, 2, "go", GO)]))
    held = {label: [one.block for one in done] for label, done in blocks.items()}
    pd.testing.assert_frame_equal(frame(held), outcomes.drop(columns="scenario"), check_exact=True)
    pd.testing.assert_frame_equal(frame(held, "weekly"), weekly.drop(columns=["scenario", "date"]), check_exact=True)


def test_blocks_in_memory_come_by_replication():
    assert frame({"a": [block(4, 2), block(0, 4)]})["replication"].tolist() == list(range(6))


def test_a_sweeps_table_is_labelled_by_schedule_and_what_else_was_swept():
    table = pd.DataFrame({"schedule": ["stay", "go"], "isis.stock": ["1", "2"], "cost": [1.0, 2.0]})
    assert list(labelled(table, ["schedule", "isis.stock"])["schedule"]) == ["stay, isis.stock=1", "go, isis.stock=2"]
    assert list(labelled(table, ["schedule"])["schedule"]) == ["stay", "go"]
    assert scenario_label("stay", {}) == "stay"
