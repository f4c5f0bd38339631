"""A study.json that says what it should not: one line from every command that reads it, never a traceback, and never a hang."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.command import main
from sim.studies.manifest import check_manifest
from tests.processes import MINE, SMALL, manifest

pytestmark = pytest.mark.usefixtures("folder", "compiled_before")
RUN = ["run", "schedule=open_ended", *SMALL, "weekly=2", "seed=5", "name=mine"]
WRONG: dict[str, tuple[object, ...]] = {
    "start": (None, 5, "never", "0001-01-01", "2021-4-7"),
    "horizon_days": (None, "x", -5, 6, 3654, 10**12, 7.0, True),
    "seed": (None, "x", -1, 2**64, 2**70, 1.5),
    "replications": ("x", [], -5, 10**9, True),
    "weekly": ("x", -1, 10**9),
    "failures": ("x", -1, [1]),
    "scenarios": (None, [], {}, {"open_ended": 5}, {"open_ended": "x"}, {"a": "0123456789ab"}),
    "contents": (None, [], {}, {"open_ended": 5}, {"a": {}}),
    "asked": ([], {"open_ended": 5}, {"open_ended": {}}, {"open_ended": {"seed": -1, "replications": 1, "weekly": 0}}),
    "swept": (5, [5], {"a": 1}),
    "marks": (5, {"open_ended": 5}, {"open_ended": {"schedule": [1]}}),
    "overrides": (5, [5], "x"),
    "config": (None, [], {"outcomes": 5}, {"outcomes": [5]}, {"baseline": ["x"]}),
    "maker": ([], {"numpy": 5}),
    "complete": ("yes",),
    "finished": (5,),
    "application": (["run"],),
}
CASES = [(key, value) for key, values in WRONG.items() for value in values]


@pytest.fixture
def mine(folder) -> Path:
    assert main(RUN) == 0
    return folder / MINE / "study.json"


@pytest.mark.parametrize(("key", "value"), CASES, ids=str)
def test_a_key_that_is_not_what_it_should_be_is_named_by_every_command(key, value, mine, capsys):
    mine.write_text(json.dumps({**manifest(), key: value}))
    for words in (["plot", "name=mine"], ["verify", "name=mine"], ["clean", "yes=true"], RUN):
        capsys.readouterr()
        assert main(words) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("posture: name = 'mine': ")
        assert "study.json is not a manifest: " in line
        assert key in line.partition("not a manifest: ")[2]
        assert len(line) < 600
    assert main(["status"]) == 0
    assert "no manifest" in capsys.readouterr().out
    assert main(["trace", "scenario=0123456789ab"]) == 2
    warning, line = capsys.readouterr().err.splitlines()
    assert warning.startswith("warning: ")
    assert "study.json is not a manifest" in warning
    assert "no study in" in line


def changed(**more: object) -> Callable[[dict], dict]:
    return lambda held: {**held, **more}


ODD: dict[str, Callable[[dict], dict]] = {
    "a column that is not there": changed(swept=["nope"]),
    "an axis that was swept": changed(swept=["start"]),
    "another label": lambda held: {
        **held,
        "scenarios": {"a": held["scenarios"]["open_ended"]},
        "contents": {"a": held["contents"]["open_ended"]},
        "marks": {},
    },
    "other contents": changed(contents={"open_ended": {"a": 1}}),
    "no outcome of that name": changed(config={"outcomes": ["nope"]}),
    "a sweep that has just begun": changed(overrides=["a=1"], finished=None, scenarios={}, contents={}, marks={}, asked={}),
}


@pytest.mark.parametrize("what", ODD)
def test_a_study_whose_parts_do_not_belong_together_is_not_drawn(what, mine, capsys):
    mine.write_text(json.dumps(ODD[what](manifest())))
    capsys.readouterr()
    assert main(["plot", "name=mine"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_manifest_may_hold_more_and_an_old_one_less(mine):
    held = manifest()
    assert check_manifest({**held, "colour": {"of": "another version"}})["colour"]
    for key in ("replications", "weekly", "failures", "marks", "maker", "complete", "finished", "application", "config"):
        if key != "config":
            held.pop(key)
    assert check_manifest(held) == held
    mine.write_text(json.dumps(held))
    assert main(["status"]) == main(["plot", "name=mine", "figures=[timelines]"]) == 0


@pytest.mark.parametrize("content", [b"[" * 200_000, b"\xff\xfe", b"{", b"5"])
def test_a_story_is_told_beside_a_study_that_cannot_be_read(content, mine, capsys):
    other = mine.parent.parent / "zzz" / "study.json"
    other.parent.mkdir()
    other.write_bytes(content)
    identity = manifest()["scenarios"]["open_ended"]
    capsys.readouterr()
    assert main(["trace", f"scenario={identity}"]) == 0
    out, err = capsys.readouterr()
    assert len(err.splitlines()) == 1
    assert "seed 5" in out.splitlines()[0]


def test_a_story_of_a_sweep_has_the_seed_of_its_scenario(mine, capsys):
    asked = {"open_ended": {"seed": 77, "replications": 3, "weekly": 0}}
    mine.write_text(json.dumps({**manifest(), "asked": asked}))
    identity = manifest()["scenarios"]["open_ended"]
    capsys.readouterr()
    assert main(["trace", f"scenario={identity}"]) == 0
    assert "seed 77" in capsys.readouterr().out.splitlines()[0]
