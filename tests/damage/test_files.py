"""Files of the store that are cut off, garbage, gone or altered: told by name, kept aside, computed again, never used."""

import os
import shutil
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments import session
from experiments.command import main
from sim.studies.place import ASIDE, Folder, place
from sim.studies.store import Damaged, Store
from tests.blocks import GO, made, stored
from tests.damage.small import ASKED, INDEX, OUTCOMES, SIZE, WEEKLY, WORDS, cut, replications, same_again, stored_blocks
from tests.processes import contents, segments, tables


def emptied(path: Path) -> None:
    os.truncate(path, 0)


def garbled(path: Path) -> None:
    path.write_bytes(np.random.default_rng(5).bytes(path.stat().st_size))


def flipped(path: Path) -> None:
    """A byte in the middle of the file: the last of the values of a column. (Some others are read by nobody.)"""
    name = "first" if path.parent.name == INDEX else "replication"
    with pq.ParquetFile(path) as file:
        column = file.metadata.row_group(0).column(file.schema_arrow.names.index(name))
    data = bytearray(path.read_bytes())
    data[column.data_page_offset - 1] ^= 0xFF  # of the dictionary, which comes before
    path.write_bytes(bytes(data))


def altered(path: Path) -> None:
    """One number is another one, in a file that is as good as any."""
    table = pq.read_table(path)
    name = {OUTCOMES: "us_deaths", WEEKLY: "troops", INDEX: "first"}[path.parent.name]
    column = table[name].to_numpy().copy()
    column[-1] += 1
    pq.write_table(table.set_column(table.column_names.index(name), table.field(name), pa.array(column)), path)


def relabelled(path: Path) -> None:
    """The rows are called another scenario's."""
    table = pq.read_table(path)
    k = table.column_names.index("scenario")
    pq.write_table(table.set_column(k, table.field(k), pa.repeat("0123456789ab", table.num_rows)), path)


def other_columns(path: Path) -> None:
    pq.write_table(pq.read_table(path).drop_columns(["seed"]), path)


def one_segment(results: Path, name: str) -> Path:
    """A file of a segment that has series by week."""
    return results / "blocks" / name / sorted((results / "blocks/weekly").iterdir())[0].name


DAMAGES = [cut, emptied, garbled, flipped, altered, relabelled, other_columns]


@pytest.mark.parametrize(
    ("damage", "name"),
    [*product(DAMAGES, (OUTCOMES, WEEKLY, INDEX)), (Path.unlink, OUTCOMES), (Path.unlink, WEEKLY)],  # of no index: see below
)
def test_a_damaged_file_of_a_segment_is_told_and_kept_aside_and_its_blocks_computed_again(
    damage, name, here, calm, begun, capsys
):
    victim = one_segment(here, name)
    damage(victim)
    bad = victim.read_bytes() if victim.exists() else None
    assert main(WORDS) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"warning: damaged: results/blocks/{name}/{victim.name}: ")
    assert [end - first for _, first, end in begun] == [SIZE]  # that segment held one block
    aside = here / "blocks/damaged" / f"{victim.stem}.{name}.parquet"
    assert (aside.read_bytes() if aside.exists() else None) == bad
    assert victim.stem not in segments()
    assert not any((here / "blocks" / table / victim.name).exists() for table in (OUTCOMES, WEEKLY, INDEX))
    assert len(replications(stored_blocks())) == ASKED
    same_again(calm, begun, capsys)


def test_of_a_damaged_segment_of_many_blocks_only_those_that_are_damaged_are_computed_again(here, calm, begun, capsys):
    found = Store(place("results"))
    found.refresh()
    found.merge(1)
    assert len(segments()) == 1
    victim = one_segment(here, OUTCOMES)
    altered(victim)
    assert main(WORDS) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert f"results/blocks/outcomes/{victim.name}" in lines[0]
    assert [end - first for _, first, end in begun] == [SIZE]
    same_again(calm, begun, capsys)


def test_every_damaged_segment_is_told_in_a_line_of_its_own(here, calm, begun, capsys):
    victims = sorted((here / "blocks/outcomes").iterdir())[:3]
    for victim, damage in zip(victims, (cut, flipped, Path.unlink), strict=True):
        damage(victim)
    assert main(WORDS) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(victims)
    assert {victim.name for victim in victims if any(victim.name in line for line in lines)} == {v.name for v in victims}
    same_again(calm, begun, capsys)


def test_a_plan_tells_of_damage_and_leaves_it_as_it_is(here, begun, capsys):
    victims = [one_segment(here, OUTCOMES), sorted((here / "blocks/index").iterdir())[-1]]
    for victim in victims:
        cut(victim)
    before = contents(here)
    assert main([*WORDS, "plan=true"]) == 0
    told = capsys.readouterr()
    assert len(told.err.splitlines()) == len({victim.stem for victim in victims})
    assert f"{ASKED - SIZE * len({victim.stem for victim in victims})}" in told.out
    assert contents(here) == before
    assert begun == []


def test_a_segment_without_an_index_does_not_count(here, calm, begun, capsys):
    victim = one_segment(here, INDEX)
    victim.unlink()
    assert main(WORDS) == 0
    assert capsys.readouterr().err == ""
    assert len(begun) == 1
    same_again(calm, begun, capsys)


@pytest.mark.parametrize("name", [OUTCOMES, WEEKLY, INDEX])
@pytest.mark.parametrize("bits", [0xFF, 0x01])
def test_whichever_byte_of_a_segment_is_flipped_no_wrong_row_is_given_out(bits, name, tmp_path):
    first = stored(tmp_path, made(0, 30, 12), made(30, 20), made(0, 9, 9, failures=[3], of=GO))
    first.merge(1)
    right = {(e.key, table): first.rows(e, table) for e in first.entries() for table in (OUTCOMES, WEEKLY)}
    (path,) = (tmp_path / "blocks" / name).iterdir()
    good = path.read_bytes()
    noticed = 0
    for k in range(0, len(good), 23):
        path.write_bytes(good[:k] + bytes([good[k] ^ bits]) + good[k + 1 :])
        again = Store(Folder(str(tmp_path)))
        again.refresh()
        noticed += bool(again.unreadable)
        for entry in again.entries():
            for table in (OUTCOMES, WEEKLY):
                try:
                    rows = again.rows(entry, table, check=True)
                except Damaged:
                    noticed += 1
                else:
                    assert rows.equals(right[entry.key, table]), k
        again.forget()
    assert noticed > len(good) // 23 / 3


def test_damage_is_not_merged_into_sound_segments(tmp_path):
    blocks = [made(10 * k, 10, 2) for k in range(5)]
    found = stored(tmp_path, *blocks)
    victim = sorted((tmp_path / "blocks/outcomes").iterdir())[2]
    altered(victim)
    found = Store(Folder(str(tmp_path)))
    found.refresh()
    found.merge(1)
    assert len(segments(tmp_path)) == 2
    damaged = [entry for entry in found.entries() if entry.segment == victim.stem]
    assert len(damaged) == 1
    for entry in found.entries():
        if entry not in damaged:
            found.rows(entry, OUTCOMES, check=True)
    with pytest.raises(Damaged, match=victim.name):
        found.rows(damaged[0], OUTCOMES, check=True)


def test_a_block_that_is_damaged_in_one_segment_and_sound_in_another_gives_the_sound_rows(here, begun, monkeypatch, capsys):
    victim = one_segment(here, OUTCOMES)
    for name in (OUTCOMES, WEEKLY, INDEX):  # a copy that comes first, and is merged: then it comes last
        shutil.copy(here / "blocks" / name / victim.name, here / "blocks" / name / f"{victim.stem[:8]}-{'0' * 20}.parquet")
    altered(victim)
    monkeypatch.setattr(Store.merge, "__defaults__", (2,))
    more = ["replications=280" if word.startswith("replications") else word for word in WORDS]
    assert main(more) == 0
    assert len(begun) == 2
    assert len(replications(begun)) == 80
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert victim.name in lines[0]
    assert main([*more, "results=calm"]) == 0
    assert tables() == tables(results="calm")


def test_blocks_that_are_removed_while_a_study_uses_them_stop_it_with_one_line(here, calm, begun, monkeypatch, capsys):
    inner = session.concluded

    def concluded(ours, found, *args):
        found.forget()  # what is open and in memory would do
        shutil.rmtree(here / "blocks")
        return inner(ours, found, *args)

    monkeypatch.setattr(session, "concluded", concluded)
    assert main(WORDS) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].endswith("; the same command computes them again")
    monkeypatch.setattr(session, "concluded", inner)
    assert main(WORDS) == 0
    assert len(begun) == ASKED // SIZE
    same_again(calm, begun, capsys)


def test_foreign_files_among_the_indexes_are_left_alone(here, calm, begun, capsys):
    index = here / "blocks/index"
    (index / "README.md").write_text("hello")
    (index / "notes.parquet").write_bytes(b"PAR1 no")
    (index / ".hidden.parquet").write_bytes(b"")
    (index / "folder.parquet").mkdir()
    (index / "nowhere.parquet").symlink_to(index / "there-is-no-such-file")
    (index / f".x.parquet.0123{ASIDE}").write_bytes(b"half")
    pq.write_table(pa.table({"a": [1]}), index / "0123abcd-table.parquet")
    before = {path.name for path in index.iterdir()}
    assert main(WORDS) == 0
    assert capsys.readouterr().err == ""
    assert begun == []
    assert {path.name for path in index.iterdir()} == before
    assert main([*WORDS[:-1], "name=more", "seed=6"]) == 0  # also where something is added, and merged
    assert before - {path.name for path in index.iterdir()} <= {f"{name}.parquet" for name in segments(here)} | before
    same_again(calm, begun, capsys)
