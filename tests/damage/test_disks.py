"""Disks that are full or may only be read: one line, nothing computed is lost, and the same command goes on."""

import errno
import io
import os
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from experiments import computing
from experiments.command import main
from sim.studies.place import ASIDE
from sim.studies.store import Store
from tests.damage.small import FULL, SIZE, WORDS, replications, same_again, stored_blocks
from tests.processes import MINE, TWO, contents, files, manifest, posture, tables


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
