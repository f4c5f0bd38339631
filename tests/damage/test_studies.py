"""Studies with garbage for a manifest, a clock that was set back, other versions' results: a line says what it is."""

import json
import os
import shutil
from collections.abc import Callable, Generator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from experiments.command import main
from sim.studies import maker, study
from sim.studies.maker import maker as made_by
from sim.studies.place import place
from sim.studies.study import UNFINISHED, Study
from tests.damage.small import ASKED, SIZE, WORDS, same_again
from tests.processes import MINE, contents, tables


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
