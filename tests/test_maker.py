"""What decides the bits of a result, and the record of where it came from."""

import json
import math
import re
import shutil
import subprocess

import pytest

from sim.engines import sources
from sim.engines.sources import sources_hash
from sim.luck import SCHEME
from sim.studies import maker as module
from sim.studies.maker import LIBRARIES, arithmetic, differing, maker, maker_id, provenance
from tests.processes import ROOT


def test_the_maker_has_everything_that_decides_a_bit():
    found = maker()
    assert set(found) == {"sources", "luck", "blocks", "numpy", "numba", "llvmlite", "machine", "libc", "arithmetic"}
    assert all(isinstance(value, str) and value for value in found.values())
    assert (found["sources"], found["luck"], found["arithmetic"]) == (sources_hash(), SCHEME, arithmetic())
    assert all(re.match(r"\d+\.\d+", found[name]) for name in ("numpy", "numba", "llvmlite"))
    assert re.fullmatch(r"[0-9a-f]{16}", found["sources"])


def test_the_sources_of_a_maker_are_those_that_can_change_a_history_and_no_others(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "sim", tmp_path / "sim", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(sources, "__file__", str(tmp_path / "sim/engines/sources.py"))
    first = sources.sources_hash.__wrapped__()
    assert first == sources_hash()
    for path, decides in (("agents/isis.py", True), ("engines/loop.py", True), ("luck.py", True), ("studies/store.py", False)):
        text = (tmp_path / "sim" / path).read_bytes()
        (tmp_path / "sim" / path).write_bytes(text + b"\n# changed\n")
        assert (sources.sources_hash.__wrapped__() != first) == decides
        (tmp_path / "sim" / path).write_bytes(text)


def test_the_identity_of_a_maker_changes_with_every_field_and_not_with_their_order():
    fields = maker()
    assert re.fullmatch(r"[0-9a-f]{8}", maker_id(fields))
    assert maker_id(dict(reversed(fields.items()))) == maker_id(fields)
    others = {maker_id({**fields, key: "other"}) for key in fields} | {maker_id({**fields, "more": "x"})}
    assert len(others - {maker_id(fields)}) == len(fields) + 1


@pytest.mark.parametrize("function", ["log", "log1p", "expm1", "tanh", "sqrt", "cos", "erf", "exp"])
def test_the_arithmetic_differs_where_a_function_gives_another_last_bit(function, monkeypatch):
    right = getattr(math, function)
    monkeypatch.setattr(math, function, lambda x: math.nextafter(right(x), math.inf) if 0.5 < x < 0.75 else right(x))
    assert arithmetic.__wrapped__() != arithmetic()
    monkeypatch.undo()
    assert arithmetic.__wrapped__() == arithmetic()


def test_each_field_that_differs_is_told_with_both_values():
    ours = {"sources": "a", "numpy": "2.0", "luck": "x"}
    assert differing(ours, ours) == []
    assert differing({**ours, "numpy": "1.0"}, ours) == ["numpy: 1.0 there, 2.0 here"]
    assert differing({"sources": "a", "more": "y"}, ours) == [
        "numpy: none there, 2.0 here",
        "luck: none there, x here",
        "more: y there, none here",
    ]


def test_a_library_that_is_not_installed_is_none():
    assert module.version_of("no-such-library") == "none"


def test_provenance_names_the_code_and_what_it_ran_on():
    found = provenance()
    assert set(found) == {"revision", "changed", "version", "python", "libraries", "platform"}
    assert found["revision"] is None or re.fullmatch(r"[0-9a-f]{40}", found["revision"])
    assert found["changed"] in (None, True, False)
    assert set(found["libraries"]) == set(LIBRARIES)
    assert all(re.match(r"\d+\.\d+", version) for version in (*found["libraries"].values(), found["version"], found["python"]))
    assert json.loads(json.dumps(found)) == found


def test_provenance_without_git_says_nothing_of_a_revision(monkeypatch):
    def no_git(*words, **more):
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", no_git)
    found = provenance.__wrapped__()
    assert found["revision"] is None
    assert found["changed"] is None
    assert found["libraries"] == provenance()["libraries"]
