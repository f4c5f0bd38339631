"""Disks that are full or read-only, files that are cut off, garbage, gone or altered, a wrong clock, other versions' results: a
line says what it is, nothing sound is lost, and the same command ends with the same bytes."""

import errno
import io
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Generator
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments import composition, computing, session
from experiments.command import main
from sim.engines import compiled
from sim.studies import maker, plan, study
from sim.studies.maker import maker as made_by
from sim.studies.place import ASIDE, Folder, place
from sim.studies.store import Damaged, Store
from sim.studies.study import UNFINISHED, Study
from tests.blocks import GO, SEED, STAY, made, stored
from tests.processes import MINE, TWO, contents, ended, files, manifest, posture, remembering, running, segments, tables

FULL = "cannot be written to: No space left on device"
WORDS = ["compare", TWO, "replications=240", "weekly=30", "horizon_days=60", "workers=1", "seed=5", "figures=false", "name=mine"]
SIZE, ASKED = 40, 480  # replications of a block here, and of the study
OUTCOMES, WEEKLY, INDEX = "outcomes", "weekly", "index"

pytestmark = pytest.mark.usefixtures("folder", "compiled_before")


@pytest.fixture(autouse=True)
def small(monkeypatch) -> None:
    """Blocks and segments are small, so that there are several of them; and the same words are composed once."""
    monkeypatch.setitem(plan.SMALLEST, "compiled", SIZE)
    monkeypatch.setitem(plan.LARGEST, "compiled", SIZE)
    monkeypatch.setattr(composition.Composer, "compose", COMPOSE)


COMPOSE = remembering(composition.Composer.compose)


@pytest.fixture(scope="module")
def calm(tmp_path_factory, compiled_before) -> Path:
    """The results of a study to which nothing happens, in blocks of the usual size."""
    there = tmp_path_factory.mktemp("calm")
    assert main([*WORDS, f"results={there}"]) == 0
    return there


@pytest.fixture(scope="module")
def finished(tmp_path_factory, compiled_before) -> Path:
    """The results of the same study in small blocks, each a segment of its own."""
    there = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(plan.SMALLEST, "compiled", SIZE)
        patch.setitem(plan.LARGEST, "compiled", SIZE)
        assert main([*WORDS, f"results={there}"]) == 0
    assert len(segments(there)) == ASKED // SIZE
    return there


@pytest.fixture
def here(finished, folder) -> Path:
    """A copy of these, where the command looks for them."""
    shutil.copytree(finished, folder / "results")
    return folder / "results"


@pytest.fixture
def begun(monkeypatch) -> list[tuple[str, int, int]]:
    """Scenario, first and end of each block that is computed from now on."""
    found: list[tuple[str, int, int]] = []
    inner = compiled.run_block

    def run_block(scenario, seed, first, count, *more):
        found.append((scenario.identity, first, first + count))
        return inner(scenario, seed, first, count, *more)

    monkeypatch.setattr(compiled, "run_block", run_block)
    return found


def stored_blocks(results: str | Path = "results") -> list[tuple[str, int, int]]:
    """Scenario, first and end of each block of a store, all of which are found to be what was written."""
    found = Store(place(str(results)))
    found.refresh()
    assert not found.unreadable
    for entry in found.entries():
        for name in (OUTCOMES, WEEKLY):
            found.rows(entry, name, check=True)
    found.forget()
    return [(entry.scenario, entry.first, entry.end) for entry in found.entries()]


def replications(blocks: list[tuple[str, int, int]]) -> set[tuple[str, int]]:
    return {(scenario, r) for scenario, first, end in blocks for r in range(first, end)}


def same_again(calm: Path, begun: list, capsys) -> None:
    """The command has its tables as ever, and once more: then it has nothing to say and nothing to compute."""
    assert tables() == tables(results=calm)
    begun.clear()
    capsys.readouterr()
    assert main(WORDS) == 0
    assert capsys.readouterr().err == ""
    assert begun == []
    assert tables() == tables(results=calm)
    assert manifest()["complete"]


# == a full disk =======================================================================================================
class Disk:
    """Room for so many bytes in the files that a study writes; None: any number. used: how many were asked for."""

    def __init__(self, monkeypatch) -> None:
        self.room: int | None = None
        self.used = 0
        opened = Path.open

        def open_(path: Path, mode: str = "r", *more, **named):
            return io.BufferedWriter(self.file(path)) if mode == "xb" else opened(path, mode, *more, **named)

        monkeypatch.setattr(Path, "open", open_)

    def file(self, path: Path) -> io.FileIO:
        disk = self

        class File(io.FileIO):
            def write(self, data: Any) -> int:
                disk.used += len(data)
                if disk.room is not None and disk.used > disk.room:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                return super().write(data) or 0

        return File(path, "xb")


@pytest.fixture
def disk(monkeypatch) -> Disk:
    return Disk(monkeypatch)


@pytest.mark.parametrize("share", [k / 30 for k in range(30)])
def test_a_disk_that_is_full_at_any_moment_stops_a_study_with_one_line_and_it_goes_on_when_there_is_room(
    share, disk, calm, begun, monkeypatch, capsys
):
    monkeypatch.setattr(computing, "MERGED_AT", 3)
    monkeypatch.setattr(Store.merge, "__defaults__", (2,))
    assert main([*WORDS, "results=whole"]) == 0
    needed = disk.used
    capsys.readouterr()
    begun.clear()

    disk.used, disk.room = 0, round(share * needed)
    status = main(WORDS)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"posture: results = 'results': {FULL}")
    if status == 2:
        assert begun == []
        assert not MINE.joinpath("study.json").exists()
    else:
        assert status == 1
        assert lines[0].endswith("blocks that were written before are kept, the same command goes on")
        assert not manifest()["complete"]
    assert not [name for name in files(Path("results")) if name.endswith(ASIDE)]

    kept = stored_blocks()
    assert len(replications(begun)) - len(replications(kept)) <= SIZE  # what was just being written
    disk.room = None
    begun.clear()
    assert main(WORDS) == 0
    assert capsys.readouterr().err == ""
    assert not replications(begun) & replications(kept)
    same_again(calm, begun, capsys)


def test_a_disk_that_is_full_when_figures_are_drawn_is_told_in_one_line(disk, here, capsys):
    drawn = [word for word in WORDS if not word.startswith("figures")]
    disk.room = 150_000  # for the tables, which are there already, and not for all the pictures
    assert main(drawn) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert FULL in lines[0]


@pytest.fixture
def mounted(folder) -> Generator[Callable[..., Path], None, None]:
    """Mount something of that type with these options; skips where only root may."""
    done: list[Path] = []

    def mount(what: str, *words: str) -> Path:
        where = folder / what
        where.mkdir(exist_ok=True)
        try:
            subprocess.run(["mount", *words, str(where)], check=True, capture_output=True, text=True, timeout=20)
        except (OSError, subprocess.SubprocessError) as error:
            pytest.skip(f"cannot mount: {getattr(error, 'stderr', None) or error}")
        done.append(where)
        return where

    yield mount
    for where in reversed(done):
        subprocess.run(["umount", "-l", str(where)], check=False, capture_output=True, timeout=20)


def test_a_real_disk_that_is_full_stops_a_study_and_it_goes_on_when_there_is_room(mounted, folder, tmp_path):
    words = ["compare", TWO, "replications=8000", "weekly=2000", "horizon_days=90", "seed=5", "figures=false", "name=mine"]
    there = mounted("results", "-t", "tmpfs", "-o", "size=2m", "tmpfs")
    done = posture(*words, cwd=folder)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"posture: results = 'results': {FULL}")
    kept = stored_blocks()
    assert kept
    subprocess.run(["mount", "-o", "remount,size=100m", str(there)], check=True, timeout=20)
    done = posture(*words, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    made = manifest()
    assert (made["found"], made["computed"]) == (len(replications(kept)), 16000 - len(replications(kept)))
    done = posture(*words, f"results={tmp_path / 'calm'}", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert tables() == tables(results=tmp_path / "calm")


def test_a_real_disk_that_is_full_from_the_start_is_a_wrong_request(mounted, begun, capsys):
    there = mounted("results", "-t", "tmpfs", "-o", "size=64k", "tmpfs")
    with pytest.raises(OSError, match="No space left"):
        (there / "filling").write_bytes(bytes(1 << 20))
    assert main(WORDS) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"posture: results = 'results': {FULL}"]
    assert begun == []
    (there / "filling").unlink()
    subprocess.run(["mount", "-o", "remount,size=20m", str(there)], check=True, timeout=20)
    assert main(WORDS) == 0  # what was begun in vain is in nobody's way
    assert capsys.readouterr().err == ""


# == a place that may only be read =====================================================================================
def test_results_on_a_disk_that_is_read_only_are_a_wrong_request(mounted, here, begun, capsys):
    before = contents(here)
    mounted("results", "--bind", str(here))
    subprocess.run(["mount", "-o", "remount,ro,bind", str(here)], check=True, timeout=20)
    for words in (WORDS, WORDS[:-1], [*WORDS[:-1], "name=other"]):
        assert main(words) == 2
        assert capsys.readouterr().err == "posture: results = 'results': cannot be written to: Read-only file system\n"
    assert begun == []
    assert contents(here) == before
    assert main([*WORDS, "plan=true"]) == 0  # which writes nothing


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.EPERM])
def test_results_that_may_not_be_written_are_a_wrong_request(code, here, begun, monkeypatch, capsys):
    before = contents(here)
    opened = os.open

    def refused(path, flags, *more, **named):
        if flags & (os.O_WRONLY | os.O_RDWR) and "results" in str(path):
            raise OSError(code, os.strerror(code), str(path))
        return opened(path, flags, *more, **named)

    monkeypatch.setattr(os, "open", refused)
    assert main(WORDS) == 2
    assert capsys.readouterr().err == f"posture: results = 'results': cannot be written to: {os.strerror(code)}\n"
    assert begun == []
    assert contents(here) == before


# == damaged files =====================================================================================================
def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size * 2 // 3)


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


# == studies that are damaged ==========================================================================================
def broken(change: Callable[[dict], object]) -> Callable[[bytes], bytes]:
    def alter(data: bytes) -> bytes:
        held = json.loads(data)
        change(held)
        return json.dumps(held).encode()

    return alter


GARBAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "bytes": lambda data: bytes(range(256)),
    "cut": lambda data: data[: len(data) // 2],
    "a list": lambda data: b"[]",
    "a number": lambda data: b"1",
    "zeros": lambda data: bytes(len(data)),
    "deep": lambda data: b"[" * 100_000,
    "a count in words": broken(lambda held: held.update(replications="many")),
    "a count that is a list": broken(lambda held: held.update(replications=[1])),
    "a maker that is a list": broken(lambda held: held.update(maker=["numba"])),
    "scenarios that are a list": broken(lambda held: held.update(scenarios=["open_ended"])),
    "no maker": broken(lambda held: held.pop("maker")),
}


@pytest.mark.parametrize("what", GARBAGE)
def test_a_manifest_that_is_garbage_is_refused_by_name_and_replaced_if_that_is_asked_for(what, here, calm, begun, capsys):
    path = MINE / "study.json"
    path.write_bytes(GARBAGE[what](path.read_bytes()))
    before = contents(here)
    assert main(WORDS) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("posture: name = 'mine': that study differs: ")
    assert contents(here) == before
    assert main([*WORDS, "changed=recompute"]) == 0
    assert begun == []
    same_again(calm, begun, capsys)


@pytest.mark.parametrize("what", ["empty", "bytes", "cut", "a list", "zeros", "deep"])
@pytest.mark.parametrize("name", ["mine", None])
def test_an_unfinished_mark_that_is_garbage_is_in_nobodys_way(name, what, here, calm, begun, capsys):
    (MINE / UNFINISHED).write_bytes(GARBAGE[what](b'{"request": "0123", "started": "2026-01-01"}'))
    assert main([*WORDS[:-1], *([] if name is None else [f"name={name}"])]) == 0
    assert capsys.readouterr().err == ""
    assert begun == []
    (new,) = {path.name for path in Path("results/studies").iterdir()} - {"mine"} or {"mine"}
    assert tables(new) == tables(results=calm)
    same_again(calm, begun, capsys)
    assert not (MINE / UNFINISHED).exists()


def test_a_study_that_is_finished_while_another_process_waits_to_lock_it_is_locked_as_it_lies_there(here, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    mark, inner, calls = MINE / UNFINISHED, fcntl.flock, []

    def flock(handle, how):
        calls.append(handle)
        if len(calls) == 1:  # just now the other one is done, and removes its mark
            mark.unlink()
        return inner(handle, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    ours = Study(place("results"), "mine")
    ours.begin("request")
    assert len(calls) == 2
    assert ours.unfinished() is not None
    assert Study(place("results"), "mine").running()
    with pytest.raises(study.Busy):
        Study(place("results"), "mine").begin("request")
    ours.end(finished=True)
    assert not Study(place("results"), "mine").running()
    assert not mark.exists()


# == the clock =========================================================================================================
def test_a_study_from_the_future_is_told_and_changes_nothing(here, calm, begun, capsys):
    shutil.copytree(MINE, here / "studies/late")
    then = (datetime.now() + timedelta(days=30)).timestamp()
    os.utime(here / "studies/late/study.json", (then, then))
    assert main(WORDS) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("warning: this machine's clock is behind that of study 'late'")
    assert tables() == tables(results=calm)
    assert begun == []


def test_a_clock_that_was_set_back_is_told_and_changes_nothing(here, calm, begun, monkeypatch, capsys):
    class Back(datetime):
        @classmethod
        def now(cls, tz=None):
            return super().now(tz) - timedelta(days=400)

    monkeypatch.setattr(study, "datetime", Back)
    assert main(WORDS[:-1]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("warning: this machine's clock is behind that of study 'mine'")
    (new,) = {path.name for path in (here / "studies").iterdir()} - {"mine"}
    assert new < datetime.now().strftime("%Y-%m-%d")
    assert tables(new) == tables(results=calm)
    assert begun == []


# == other versions ====================================================================================================
@pytest.fixture
def old_numba(monkeypatch) -> Generator[Callable[[bool], None], None, None]:
    """A function by which this process is one with numba 0.1, and is not."""
    inner = maker.version_of

    def turn(on: bool) -> None:
        monkeypatch.setattr(maker, "version_of", lambda name: "0.1" if name == "numba" and on else inner(name))
        made_by.cache_clear()

    yield turn
    turn(False)


def test_blocks_of_another_version_are_not_used_and_stay(here, calm, begun, old_numba, capsys):
    ours = contents(here / "blocks")
    old_numba(True)
    assert main([*WORDS[:-1], "name=old"]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    (note,) = [line for line in told.out.splitlines() if line.startswith("note: ") and "made otherwise" in line]
    assert note.startswith(f"note: {ASKED} replications in the store were made otherwise: numba: ")
    assert note.endswith(" there, 0.1 here; computed again")
    assert len(begun) == ASKED // SIZE
    assert tables("old") == tables(results=calm)
    both = contents(here / "blocks")
    assert {name: both[name] for name in ours} == ours
    assert len(both) == 2 * len(ours)
    old_numba(False)
    same_again(calm, begun, capsys)
    assert contents(here / "blocks") == both


def test_a_study_begun_by_another_version_is_refused_by_the_field_and_computed_anew_if_asked(
    here, calm, begun, old_numba, capsys
):
    old_numba(True)
    before = contents(here)
    assert main(WORDS) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("posture: name = 'mine': that study differs: numba: ")
    assert " there, 0.1 here; choose another name" in lines[0]
    assert contents(here) == before
    assert main([*WORDS, "changed=recompute"]) == 0
    assert len(begun) == ASKED // SIZE
    assert tables() == tables(results=calm)


# == many at once ======================================================================================================
def opened(root: Path) -> Store:
    found = Store(Folder(str(root)))
    found.refresh()
    return found


@pytest.mark.parametrize("seen", ["what was merged", "nothing"])
def test_segments_that_are_merged_while_their_folder_is_listed_are_found(seen, tmp_path, monkeypatch):
    stored(tmp_path, *(made(3 * k, 3, 1) for k in range(4)))
    reader, other = Store(Folder(str(tmp_path))), opened(tmp_path)
    inner, looks = reader.place.sizes, []

    def sizes(folder: str, **more) -> dict[str, int]:
        found = inner(folder, **more)
        looks.append(folder)
        if len(looks) > 1:
            return found
        other.merge(1)  # what is listed is gone when it is to be read; and what came for it may have been passed over
        return found if seen == "what was merged" else {}

    monkeypatch.setattr(reader.place, "sizes", sizes)
    reader.refresh()
    assert sorted(entry.first for entry in reader.entries()) == [0, 3, 6, 9]
    assert len(segments(tmp_path)) == 1


def test_what_another_process_has_merged_is_not_merged_again_with_each_new_block(tmp_path):
    ours = stored(tmp_path, *(made(3 * k, 3, 1) for k in range(5)))
    opened(tmp_path).merge(1)
    (merged,) = segments(tmp_path)
    ours.add([made(15, 3, 1)])
    (new,) = segments(tmp_path) - {merged}
    ours.merge(3)
    assert segments(tmp_path) == {merged, new}
    assert sorted(entry.first for entry in ours.entries()) == [0, 3, 6, 9, 12, 15]


def test_segments_that_cannot_be_read_do_not_have_the_others_merged_with_each_new_block(tmp_path):
    blocks = [made(3 * k, 3, 1) for k in range(4)]
    stored(tmp_path, *blocks)
    for path in (tmp_path / "blocks/outcomes").iterdir():
        cut(path)
    ours = opened(tmp_path)
    for k in range(4, 12):
        ours.add([made(3 * k, 3, 1)])
        ours.merge(3)
        sound = {entry.segment for entry in ours.entries() if entry.first >= 12}
        assert len(sound) <= 3
    assert len(segments(tmp_path)) == 4 + len(sound)
    assert len(sound) > 1


ROUNDS, WRITERS = 25, 3


def write_many(root: str, who: int) -> None:
    """Add small blocks and merge all the time: some of this writer's own, some that all writers make."""
    mine, chance = Store(place(root)), np.random.default_rng(who)
    for k in range(ROUNDS):
        for one in (made(3 * k, 3, 1, seed=who), made(3 * (k // 2), 3, 2, of=GO)):
            mine.add([one])
            with Path(root, f"added-{who}").open("a") as log:
                log.write(f"{one.scenario} {one.seed} {one.block.first}\n")
        if chance.random() < 0.5:
            mine.refresh()
        mine.merge(2)
    Path(root, f"done-{who}-{threading.get_ident()}").touch()


def write_in_threads(root: str, who: int) -> None:
    """Two such writers in this process."""
    both = [threading.Thread(target=write_many, args=(root, who + k)) for k in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()


def test_whatever_processes_and_threads_add_and_merge_at_once_each_block_is_there_at_all_times(tmp_path):
    text = "import sys; from tests.test_damage import {0}; {0}(sys.argv[1], int(sys.argv[2]))"
    writers = [
        running(text.format(function), str(tmp_path), str(who)) for function, who in (("write_many", 1), ("write_in_threads", 2))
    ]
    reader, looks = Store(Folder(str(tmp_path))), 0
    while True:
        last = len(list(tmp_path.glob("done-*"))) == WRITERS or any(writer.poll() for writer in writers)
        logs = [path.read_text().rpartition("\n")[0] for path in sorted(tmp_path.glob("added-*"))]
        reader.refresh()
        there = {(entry.scenario, str(entry.seed), str(entry.first)) for entry in reader.entries()}
        assert not reader.unreadable
        assert {tuple(line.split()) for log in logs for line in log.splitlines()} <= there
        looks += 1
        for entry in reader.entries()[::7]:
            try:
                reader.rows(entry, OUTCOMES, check=True)
            except Damaged:
                reader.forget()
                reader.refresh()
                assert entry.segment not in reader.segments()  # merged meanwhile
                break
        if last:
            break
    for writer in writers:
        assert ended(writer)[1] == ""
    reader.forget()
    reader.refresh()
    assert looks > 10
    blocks = {(scenario, first, end) for scenario, first, end in stored_blocks(tmp_path)}
    own = {(STAY.identity, 3 * k, 3 * k + 3) for k in range(ROUNDS)}
    shared = {(GO.identity, 3 * (k // 2), 3 * (k // 2) + 3) for k in range(ROUNDS)}
    assert blocks == own | shared
    assert {entry.seed for entry in reader.entries()} == {1, 2, 3, SEED}
    assert not [name for name in files(tmp_path) if name.endswith(ASIDE)]
