"""The store of blocks: what was kept is found again, to the value, and what is not what was kept is never taken for it."""

import errno
import shutil
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sim.studies import store as module
from sim.studies.place import Folder
from sim.studies.segment import SCHEMAS, TABLES
from sim.studies.store import Damaged, Store
from tests.blocks import GO, MESSAGE, SEED, STAY, made, stored
from tests.processes import contents


def opened(folder: Path) -> Store:
    """The store of a folder as another process finds it."""
    found = Store(Folder(str(folder)))
    found.refresh()
    return found


def path(folder: Path, name: str, segment: str) -> Path:
    return folder / "blocks" / name / f"{segment}.parquet"


def known(store: Store) -> list[tuple]:
    """What the store has: scenario, seed, first, end and how many with series; in order."""
    return sorted((one.scenario, one.seed, one.first, one.end, one.weekly) for one in store.entries())


def has_all(store: Store, *blocks) -> None:
    """The store gives back just these blocks, to the value."""
    found = {(one.scenario, one.seed, one.first, one.count, one.weekly): one for one in store.entries()}
    assert len(found) == len(store.entries()) == len(blocks)
    for one in blocks:
        there = found[one.scenario, one.seed, one.block.first, one.block.count, one.weekly]
        for name, expected in (("outcomes", one.block.outcomes), ("weekly", one.block.weeks)):
            rows = store.rows(there, name, check=True)
            assert rows.num_rows == len(expected)
            assert set(rows["scenario"].to_pylist()) <= {one.scenario}
            assert set(rows["seed"].to_pylist()) <= {one.seed}
            for column in expected.dtype.names:
                assert rows[column].to_pylist() == expected[column].tolist()


def same_but_for_names(a: Path, b: Path) -> bool:
    """Whether two stores hold the same files, whatever their segments are called."""
    one, two = (sorted((Path(name).parent, data) for name, data in contents(folder).items()) for folder in (a, b))
    return one == two


# -- keeping and finding -----------------------------------------------------------------------------------------------
def test_a_block_is_found_again_by_another_process_with_all_that_it_was(tmp_path):
    one = made(10, 6, 2, failures=[12])
    stored(tmp_path, one)
    store = opened(tmp_path)
    has_all(store, one)
    (there,) = store.entries()
    assert (there.first, there.count, there.end, there.weekly, there.horizon_days) == (10, 6, 16, 2, 60)
    assert (there.rows, there.weeks, there.engine, there.seconds) == (5, 6, "compiled", 0.25)
    assert there.failed == [(12, MESSAGE, 3.5, "isis/tempo")]
    assert (there.opportunities, there.saturated) == ('{"isis/tempo": 60}', "{}")


def test_a_failure_before_the_first_activity_has_no_day(tmp_path):
    one = made(0, 2, failures=[1])
    one.block.failures[0].day = float("nan")
    ((replication, _, day, _),) = stored(tmp_path, one).entries()[0].failed
    assert replication == 1
    assert day != day


def test_blocks_added_together_are_one_segment_of_three_files(tmp_path):
    blocks = [made(0, 4, 2), made(4, 4), made(0, 4, 2, of=GO), made(0, 3, seed=9)]
    Store(Folder(str(tmp_path))).add(blocks)
    store = opened(tmp_path)
    has_all(store, *blocks)
    assert sorted(contents(tmp_path)) == sorted(f"blocks/{name}/{store.segments()[0]}.parquet" for name in TABLES)
    starts = sorted((one.outcomes_at, one.rows) for one in store.entries())
    assert all(a + rows == b for (a, rows), (b, _) in pairwise(starts))


def test_a_segment_without_series_has_no_file_for_them(tmp_path):
    stored(tmp_path, made(0, 4))
    assert {name.split("/")[1] for name in contents(tmp_path)} == {"index", "outcomes"}


def test_a_block_in_which_everything_failed_is_kept_too(tmp_path):
    one = made(0, 3, 3, failures=[0, 1, 2])
    stored(tmp_path, one)
    has_all(opened(tmp_path), one)


def test_only_the_blocks_asked_for_are_told(tmp_path):
    store = stored(tmp_path, made(0, 2), made(0, 2, of=GO), made(0, 2, seed=9))
    for wanted in ([(STAY.identity, SEED)], [(GO.identity, SEED), (STAY.identity, 9)]):
        assert sorted((one.scenario, one.seed) for one in store.entries(wanted)) == sorted(wanted)
    assert store.entries([(GO.identity, 9)]) == []
    assert len(store.entries()) == 3


@pytest.mark.parametrize("seed", [0, 2**63, 2**64 - 1])
def test_every_seed_can_be_kept(seed, tmp_path):
    one = made(0, 2, seed=seed)
    stored(tmp_path, one)
    has_all(opened(tmp_path), one)
    assert len(opened(tmp_path).entries([(STAY.identity, seed)])) == 1


def test_the_same_blocks_are_the_same_files_to_the_byte_in_whichever_order_they_come(tmp_path):
    blocks = [made(0, 4, 2), made(4, 4)]
    for name, order in (("a", blocks), ("b", blocks[::-1])):
        Store(Folder(str(tmp_path / name))).add(order)
    assert same_but_for_names(tmp_path / "a", tmp_path / "b")


def test_a_segment_without_its_index_does_not_count(tmp_path):
    stored(tmp_path, made(0, 4, 2))
    (segment,) = opened(tmp_path).segments()
    path(tmp_path, "index", segment).unlink()
    store = opened(tmp_path)
    assert (store.segments(), store.entries(), store.unreadable) == ([], [], {})


@pytest.mark.parametrize("name", TABLES)
def test_a_block_that_cannot_be_written_does_not_count(name, tmp_path, monkeypatch):
    store = stored(tmp_path, made(0, 4))
    right = Store._put

    def full(self, path, table):
        if f"/{name}/" in path:
            raise OSError(28, "No space left on device")
        right(self, path, table)

    monkeypatch.setattr(Store, "_put", full)
    with pytest.raises(OSError, match="No space left"):
        store.add([made(4, 4, 2)])
    monkeypatch.undo()
    has_all(store, made(0, 4))
    has_all(opened(tmp_path), made(0, 4))
    store.add([made(4, 4, 2)])
    has_all(opened(tmp_path), made(0, 4), made(4, 4, 2))


# -- two processes in one store ----------------------------------------------------------------------------------------
def test_each_of_two_stores_finds_what_the_other_adds_and_forgets_what_it_removes(tmp_path):
    one, other = stored(tmp_path, made(0, 4)), opened(tmp_path)
    one.add([made(4, 4)])
    assert len(other.entries()) == 1
    other.refresh()
    has_all(other, made(0, 4), made(4, 4))
    one.remove(one.segments()[0])
    other.refresh()
    assert known(one) == known(other)
    assert len(known(one)) == 1


def test_a_block_whose_segment_another_process_has_merged_is_found_again_after_a_refresh(tmp_path):
    blocks = [made(4 * k, 4, 1) for k in range(5)]
    one, other = stored(tmp_path, *blocks), opened(tmp_path)
    before = other.entries()
    one.merge(many=1)
    with pytest.raises(Damaged):
        other.rows(before[0], "outcomes")
    other.refresh()
    has_all(other, *blocks)


def test_two_stores_that_merge_at_once_lose_nothing(tmp_path):
    blocks = [made(4 * k, 4, 1) for k in range(6)]
    one, other = stored(tmp_path, *blocks[:3]), stored(tmp_path, *blocks[3:])
    one.refresh()
    other.refresh()
    one.merge(many=2)
    other.merge(many=2)  # of segments that are gone
    has_all(opened(tmp_path), *blocks)


# -- keeping it small --------------------------------------------------------------------------------------------------
def test_small_segments_are_merged_and_every_row_is_as_it_was(tmp_path):
    blocks = [made(4 * k, 4, weekly, failures=[4 * k], of=of) for k in range(6) for weekly, of in ((2, STAY), (0, GO))]
    store = stored(tmp_path, *blocks)
    assert len(store.segments()) == 12
    store.merge(many=12)
    assert len(store.segments()) == 12  # few enough to leave them alone
    store.merge(many=11)
    assert len(store.segments()) == 1
    has_all(store, *blocks)
    has_all(opened(tmp_path), *blocks)
    assert len(contents(tmp_path)) == 3


def test_what_merging_leaves_does_not_depend_on_the_order_of_adding(tmp_path):
    blocks = [made(4 * k, 4, 2) for k in range(5)]
    for name, order in (("a", blocks), ("b", blocks[::-1])):
        stored(tmp_path / name, *order).merge(many=1)
    assert same_but_for_names(tmp_path / "a", tmp_path / "b")


def test_blocks_that_two_processes_computed_both_are_kept_once(tmp_path):
    store = stored(tmp_path, made(0, 4), made(4, 4))
    store.add([made(0, 4), made(8, 4)])
    assert len(store.entries()) == 4
    store.merge(many=1)
    has_all(store, made(0, 4), made(4, 4), made(8, 4))


def test_full_segments_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "FULL", 40)
    blocks = [made(20 * k, 20) for k in range(4)] + [made(80 + k, 1) for k in range(4)]
    store = stored(tmp_path, *blocks)
    large = {one.segment for one in store.entries() if one.count == 20}
    store.merge(many=1)
    assert large < set(store.segments())
    assert len(store.segments()) == 5
    has_all(opened(tmp_path), *blocks)


def test_a_segment_that_is_full_is_followed_by_another(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "FULL", 10)
    blocks = [made(4 * k, 4) for k in range(6)]
    store = Store(Folder(str(tmp_path)))
    store.add(blocks)
    assert len(store.segments()) == 2
    has_all(opened(tmp_path), *blocks)


def test_rows_are_found_across_row_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "GROUP", 3)
    monkeypatch.setattr(module, "HELD", 2)
    blocks = [made(7 * k, 7, 2) for k in range(5)]
    Store(Folder(str(tmp_path))).add(blocks)
    has_all(opened(tmp_path), *blocks)


def test_a_segment_that_cannot_be_read_is_not_merged(tmp_path):
    store = stored(tmp_path, made(0, 4), made(4, 4), made(8, 4))
    victim = next(one.segment for one in store.entries() if one.first == 4)
    path(tmp_path, "outcomes", victim).write_bytes(b"")
    store = opened(tmp_path)
    store.merge(many=1)
    assert len(store.segments()) == 2
    assert victim in store.segments()
    assert sorted((one.first, one.segment == victim) for one in opened(tmp_path).entries()) == [(0, False), (4, True), (8, False)]


# -- damage ------------------------------------------------------------------------------------------------------------
def spoil(file: Path, how: str) -> None:
    """Damage a file."""
    whole = file.read_bytes()
    if how == "absent":
        file.unlink()
    else:
        middle = len(whole) // 2
        spoiled = {"empty": b"", "text": b"no table", "truncated": whole[:middle], "zeroed": bytes(len(whole))}
        file.write_bytes(spoiled[how])


DAMAGES = ("absent", "empty", "text", "truncated", "zeroed")


@pytest.mark.parametrize("name", ["outcomes", "weekly"])
@pytest.mark.parametrize("how", DAMAGES)
def test_a_file_that_cannot_be_read_is_told_and_not_taken_for_an_empty_one(how, name, tmp_path):
    stored(tmp_path, made(0, 40, 20))
    (there,) = opened(tmp_path).entries()
    spoil(path(tmp_path, name, there.segment), how)
    other = {"outcomes": "weekly", "weekly": "outcomes"}[name]
    store = opened(tmp_path)
    with pytest.raises(Damaged, match=f"^blocks/{name}/{there.segment}.parquet: ") as error:
        store.rows(there, name)
    assert "\n" not in str(error.value)
    assert store.rows(there, other, check=True).num_rows


@pytest.mark.parametrize("how", DAMAGES[1:])
def test_an_index_that_cannot_be_read_is_told_and_the_other_segments_are_there(how, tmp_path):
    store = stored(tmp_path, made(0, 4), made(4, 4))
    victim = next(one.segment for one in store.entries() if one.first == 0)
    spoil(path(tmp_path, "index", victim), how)
    found = opened(tmp_path)
    assert list(found.unreadable) == [victim]
    assert found.unreadable[victim].startswith(f"blocks/index/{victim}.parquet: ")
    has_all(found, made(4, 4))


def test_an_index_with_other_columns_is_no_index(tmp_path):
    (segment,) = stored(tmp_path, made(0, 4)).segments()
    index = path(tmp_path, "index", segment)
    pq.write_table(pq.read_table(index).drop_columns(["failures"]), index)
    assert "not the columns of an index" in opened(tmp_path).unreadable[segment]


@pytest.mark.parametrize("name", ["outcomes", "weekly"])
def test_a_table_with_other_columns_is_told(name, tmp_path):
    stored(tmp_path, made(0, 4, 4))
    (there,) = opened(tmp_path).entries()
    file = path(tmp_path, name, there.segment)
    pq.write_table(pq.read_table(file).drop_columns([SCHEMAS[name].names[-1]]), file)
    with pytest.raises(Damaged, match="other columns"):
        opened(tmp_path).rows(there, name)


def test_a_table_that_is_shorter_than_its_index_says_is_told(tmp_path):
    stored(tmp_path, made(0, 9))
    (there,) = opened(tmp_path).entries()
    file = path(tmp_path, "outcomes", there.segment)
    pq.write_table(pq.read_table(file).slice(0, 8), file)
    with pytest.raises(Damaged, match="has 8 rows, its index says more"):
        opened(tmp_path).rows(there, "outcomes")


@pytest.mark.parametrize("name", ["outcomes", "weekly"])
def test_a_number_that_is_not_the_one_written_is_told_by_checking_with_the_replications(name, tmp_path):
    stored(tmp_path, made(10, 4, 4))
    (there,) = opened(tmp_path).entries()
    file = path(tmp_path, name, there.segment)
    rows = pq.read_table(file)
    place = rows.column_names.index("troops" if name == "weekly" else "base_attacks")
    values = rows.column(place).to_numpy().copy()
    values[-1] += 1
    pq.write_table(rows.set_column(place, rows.field(place), pa.array(values)), file)
    store = opened(tmp_path)
    assert store.rows(there, name).num_rows == rows.num_rows
    with pytest.raises(Damaged, match=f"replications 10 to 13 of scenario {STAY.identity} are not what was written"):
        store.rows(there, name, check=True)


def test_a_damaged_segment_is_kept_aside_and_what_is_sound_in_it_stays_in_use(tmp_path):
    blocks = [made(0, 4), made(4, 4, 2), made(8, 4)]
    store = Store(Folder(str(tmp_path)))
    store.add(blocks)
    (segment,) = store.segments()
    path(tmp_path, "weekly", segment).unlink()
    before = {name.split("/")[1]: data for name, data in contents(tmp_path).items()}
    store = opened(tmp_path)
    store.condemn(segment)
    has_all(store, blocks[0], blocks[2])
    has_all(opened(tmp_path), blocks[0], blocks[2])
    kept = contents(tmp_path / "blocks/damaged")
    assert kept == {f"{segment}.{name}.parquet": data for name, data in before.items()}
    assert segment not in store.segments()


def test_a_segment_whose_index_is_damaged_is_put_aside_whole(tmp_path):
    store = stored(tmp_path, made(0, 4, 2))
    (segment,) = store.segments()
    spoil(path(tmp_path, "index", segment), "truncated")
    store = opened(tmp_path)
    store.condemn(segment)
    assert (store.segments(), store.entries(), store.unreadable) == ([], [], {})
    assert set(contents(tmp_path / "blocks")) == {f"damaged/{segment}.{name}.parquet" for name in TABLES}
    store.add([made(0, 4, 2)])
    has_all(opened(tmp_path), made(0, 4, 2))


def test_a_sound_segment_survives_being_condemned(tmp_path):
    blocks = [made(0, 4, 2), made(4, 4)]
    store = Store(Folder(str(tmp_path)))
    store.add(blocks)
    store.condemn(store.segments()[0])
    has_all(opened(tmp_path), *blocks)


# -- what others made --------------------------------------------------------------------------------------------------
def test_what_another_maker_has_made_is_told_with_what_differs_and_neither_used_nor_touched(tmp_path, monkeypatch):
    right = module.maker()
    monkeypatch.setattr(module, "maker", lambda: {**right, "numpy": "1.0", "luck": "dice"})
    stored(tmp_path, made(0, 4), made(4, 3, of=GO))
    theirs = contents(tmp_path)
    monkeypatch.undo()
    store = opened(tmp_path)
    assert (store.entries(), len(store.segments())) == ([], 2)
    ((count, fields),) = store.elsewhere([(STAY.identity, SEED)])
    assert count == 4
    assert sorted(fields) == sorted([f"luck: dice there, {right['luck']} here", f"numpy: 1.0 there, {right['numpy']} here"])
    store.add([made(0, 4)])
    store.merge(many=0)
    assert theirs.items() <= contents(tmp_path).items()
    has_all(opened(tmp_path), made(0, 4))


def test_nothing_is_told_of_others_where_they_have_made_other_scenarios_or_cannot_be_read(tmp_path, monkeypatch):
    right = module.maker()
    monkeypatch.setattr(module, "maker", lambda: {**right, "machine": "abacus"})
    segment = stored(tmp_path, made(0, 4)).segments()[0]
    monkeypatch.undo()
    store = opened(tmp_path)
    assert store.elsewhere([(GO.identity, SEED)]) == []
    spoil(path(tmp_path, "index", segment), "truncated")
    assert store.elsewhere([(STAY.identity, SEED)]) == []
    assert store.unreadable == {}


def test_what_others_made_on_another_seed_is_not_told(tmp_path, monkeypatch):
    right = module.maker()
    monkeypatch.setattr(module, "maker", lambda: {**right, "machine": "abacus"})
    stored(tmp_path, made(0, 4, seed=9))
    monkeypatch.undo()
    assert opened(tmp_path).elsewhere([(STAY.identity, SEED)]) == []


def test_a_store_can_be_moved(tmp_path):
    stored(tmp_path / "here", made(0, 4, 2), made(4, 4)).merge(many=0)
    shutil.move(tmp_path / "here", tmp_path / "there")
    has_all(opened(tmp_path / "there"), made(0, 4, 2), made(4, 4))


# -- what a machine cannot read just now is not damaged ----------------------------------------------------------------
class Faltering(Folder):
    """A folder whose next reads fail, so many of them."""

    failures = 0
    error: OSError = OSError(errno.EIO, "Input/output error")

    def reading(self, path: str):
        if self.failures > 0:
            self.failures -= 1
            raise self.error
        return super().reading(path)


@pytest.mark.parametrize("number", [errno.EIO, errno.EMFILE, errno.EACCES])
def test_a_read_that_fails_once_condemns_nothing(number, tmp_path):
    one = made(0, 6, 2)
    stored(tmp_path, one)
    place = Faltering(str(tmp_path))
    store = Store(place)
    place.failures, place.error = 1, OSError(number, "not now")
    with pytest.raises(OSError, match="not now"):
        store.refresh()
    store.refresh()
    assert store.unreadable == {}
    place.failures = 1
    (entry,) = store.entries()
    with pytest.raises(OSError, match="not now"):
        store.rows(entry, "outcomes")
    has_all(store, one)


def test_a_segment_that_is_sound_after_all_is_not_set_aside(tmp_path):
    one = made(0, 6, 2)
    stored(tmp_path, one)
    store = opened(tmp_path)
    before = contents(tmp_path)
    (segment,) = store.segments()
    store.condemn(segment)
    assert contents(tmp_path) == before
    has_all(store, one)


def test_a_segment_that_cannot_be_read_just_now_is_not_judged(tmp_path):
    stored(tmp_path, made(0, 6, 2))
    before = contents(tmp_path)
    place = Faltering(str(tmp_path))
    store = Store(place)
    store.refresh()
    (segment,) = store.segments()
    place.failures = 99
    with pytest.raises(OSError, match="Input/output error"):
        store.condemn(segment)
    assert contents(tmp_path) == before
