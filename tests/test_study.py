"""Where a study lies, what its name may be, who computes it now, how it is found again, and when a request contradicts it."""

import json
import os
import re
import subprocess
import sys
from datetime import datetime
from itertools import count

import pandas as pd
import pytest

from sim import RequestError
from sim.studies import study as module
from sim.studies.place import Folder
from sim.studies.study import (
    UNFINISHED,
    Busy,
    Study,
    ahead,
    check_name,
    differences,
    find_study,
    flattened,
    open_study,
    request_of,
    shortened,
)
from tests.processes import ROOT, contents

needs_locks = pytest.mark.skipif(sys.platform == "win32", reason="locks are of Unix")
NUMBERS = count()


@pytest.fixture
def root(tmp_path) -> Folder:
    return Folder(str(tmp_path))


def manifest(**more):
    """What every manifest holds, and more."""
    held = {"start": "2021-04-07", "horizon_days": 60, "seed": 1, "config": {}}
    return {**held, "scenarios": {"one": "0123456789ab"}, "contents": {"one": {}}, **more}


def new(root: Folder, name: str = "mine") -> Study:
    study = Study(root, name)
    study.write_manifest(manifest())
    return study


# -- names -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["a", "study-1", "2026.11_x", "A" * 100, "9", "a..b"])
def test_a_file_name_is_a_study_name(name, root, tmp_path):
    assert check_name(name) == name
    study = open_study(root, name, "words", "request")
    assert (study.name, study.path) == (name, f"studies/{name}")
    assert (tmp_path / "studies" / name).is_dir()
    study.end(finished=True)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", "/a", "a b", "-a", ".a", "_a", "a\n", "a\\b", "ä", "A" * 101, 5])
def test_what_is_no_file_name_is_no_study_name(name, root, tmp_path):
    for refuse in (check_name, lambda name: open_study(root, name, "words", "request")):
        with pytest.raises(RequestError, match=r"^name = .*letters, digits"):
            refuse(name)
    assert list(tmp_path.iterdir()) == []


def test_a_study_without_a_name_is_called_by_the_time_and_a_few_words_and_never_twice_the_same(root):
    names = [open_study(root, None, "run-open_ended", f"request {k}").name for k in range(3)]
    assert len(set(names)) == 3
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d-\d{6}-run-open_ended(-\d+)?", name) for name in names)
    assert all(check_name(name) == name for name in names)


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/nowhere", "/dev/null"])
def test_a_place_that_cannot_be_written_to_is_refused_with_the_reason(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("in the way")
    for name in ("mine", None):
        with pytest.raises(RequestError, match=rf"^results = '{place}': cannot be written to: "):
            open_study(Folder(place), name, "words", "request")
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.mark.parametrize(("way", "name"), [("studies/mine", "mine"), ("studies", "mine"), ("studies", None)])
def test_a_file_where_the_study_should_lie_is_refused(way, name, root, tmp_path):
    (tmp_path / way).parent.mkdir(exist_ok=True)
    (tmp_path / way).write_text("in the way")
    with pytest.raises(RequestError, match="cannot be written to"):
        open_study(root, name, "words", "request")


# -- while it is computed ----------------------------------------------------------------------------------------------
def test_while_a_study_is_computed_it_says_so_and_for_what_and_when_it_is_finished_no_longer(root):
    study = Study(root, "mine")
    assert study.unfinished() is None
    study.begin("the request")
    about = Study(root, "mine").unfinished()
    assert about["request"] == "the request"
    assert abs(datetime.now().timestamp() - datetime.fromisoformat(about["started"]).timestamp()) < 3600
    study.end(finished=True)
    assert Study(root, "mine").unfinished() is None


def test_a_study_that_was_stopped_stays_unfinished_and_can_be_begun_again_for_another_request(root):
    study = Study(root, "mine")
    study.begin("a long description of the first request")
    study.end(finished=False)
    assert study.unfinished()["request"] == "a long description of the first request"
    again = Study(root, "mine")
    again.begin("short")
    assert again.unfinished()["request"] == "short"
    again.end(finished=True)


@needs_locks
def test_a_study_that_is_computed_now_is_refused_in_one_line_and_keeps_its_request(root):
    study = Study(root, "mine")
    study.begin("first")
    assert Study(root, "mine").running()
    with pytest.raises(
        Busy, match=r"^name = 'mine': another process computes it now, in .*/studies/mine; wait, or choose"
    ) as error:
        Study(root, "mine").begin("second")
    assert isinstance(error.value, RequestError)
    assert "\n" not in str(error.value)
    assert study.unfinished()["request"] == "first"
    study.end(finished=False)
    assert not Study(root, "mine").running()
    Study(root, "mine").begin("second")


@needs_locks
def test_two_studies_of_one_place_can_be_computed_at_once(root):
    for name in ("one", "two"):
        Study(root, name).begin("request")


@needs_locks
def test_asking_whether_a_study_is_computed_leaves_no_lock_and_makes_nothing(root, tmp_path):
    assert not Study(root, "nowhere").running()
    assert list(tmp_path.iterdir()) == []
    study = Study(root, "mine")
    study.begin("first")
    study.end(finished=False)
    before = contents(tmp_path)
    assert not Study(root, "mine").running()
    assert contents(tmp_path) == before
    study.begin("again")
    study.end(finished=True)
    assert not Study(root, "mine").running()
    assert contents(tmp_path) == {}


@needs_locks
def test_a_study_whose_process_was_killed_is_no_longer_locked_but_unfinished(root, tmp_path):
    text = (
        "import os, sys; from sim.studies.place import Folder; from sim.studies.study import Study;"
        "Study(Folder(sys.argv[1]), 'mine').begin('of the dead'); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", text, tmp_path], cwd=ROOT, timeout=120, check=False)
    assert done.returncode == -9
    assert not Study(root, "mine").running()
    assert Study(root, "mine").unfinished()["request"] == "of the dead"
    Study(root, "mine").begin("of the living")


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff", b'"request"', b"null"])
def test_a_note_that_cannot_be_read_is_of_no_request(content, root):
    root.write(f"studies/mine/{UNFINISHED}", content)
    assert Study(root, "mine").unfinished() == {}
    again = open_study(root, None, "words", "request")
    assert again.name != "mine"


def test_without_a_name_the_unfinished_study_of_the_same_request_is_taken_up(root):
    first, other = (open_study(root, None, "words", request) for request in ("mine", "yours"))
    for study in (first, other):
        study.end(finished=False)
    again = open_study(root, None, "words", "mine")
    assert again.name == first.name
    again.end(finished=True)
    fresh = open_study(root, None, "words", "mine")
    assert fresh.name not in (first.name, other.name)


@needs_locks
def test_an_unfinished_study_that_another_process_has_taken_up_is_left_to_it(root):
    first = open_study(root, None, "words", "mine")
    second = open_study(root, None, "words", "mine")
    assert first.name != second.name
    for study in (first, second):
        study.end(finished=False)
    third = open_study(root, None, "words", "mine")
    assert third.name == max(first.name, second.name)


def test_a_request_has_one_hash_whatever_the_order_of_its_keys():
    one = {"seed": 1, "scenarios": {"a": "x", "b": "y"}}
    assert request_of(one) == request_of({"scenarios": {"b": "y", "a": "x"}, "seed": 1})
    assert len({request_of(one), request_of({**one, "seed": 2}), request_of({**one, "scenarios": {"a": "x"}})}) == 3


# -- what contradicts a study ------------------------------------------------------------------------------------------
THERE = manifest(
    **{"application": "compare", "seed": 5, "replications": 100, "weekly": 10, "maker": {"sources": "abc", "numpy": "2.0"}},
    scenarios={"stay": "111", "go": "222"},
    contents={
        "stay": {"isis": {"stock": 1000}, "schedule": {"name": "stay", "summary": "said", "steps": [{"days": 3}]}},
        "go": {"isis": {"stock": 1000}},
    },
)


def asked(**more):
    return json.loads(json.dumps({**THERE, **more}))


def test_the_same_request_contradicts_nothing():
    assert differences(THERE, asked()) == []


def test_more_replications_series_and_scenarios_contradict_nothing():
    scenarios = {**THERE["scenarios"], "more": "333"}
    assert differences(THERE, asked(replications=101, weekly=11, scenarios=scenarios)) == []


def test_what_decides_no_result_contradicts_nothing():
    assert differences(THERE, asked(name="other", config={"workers": 9}, horizon_days=61, command=["posture"])) == []


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"seed": 6}, ["seed: 5 there, 6 here"]),
        ({"application": "run"}, ["application: compare there, run here"]),
        ({"replications": 99}, ["replications: 100 there, only 99 here"]),
        ({"weekly": 9}, ["weekly: 10 there, only 9 here"]),
        ({"scenarios": {"stay": "111"}}, ["scenarios: go there, not here"]),
        ({"maker": {"sources": "def", "numpy": "2.0"}}, ["sources: abc there, def here"]),
    ],
)
def test_each_field_that_contradicts_is_named_with_both_values(more, expected):
    assert differences(THERE, asked(**more)) == expected


def test_a_parameter_or_a_step_of_a_schedule_that_contradicts_is_named_with_its_scenario():
    here = asked(scenarios={"stay": "999", "go": "222"})
    here["contents"]["stay"]["isis"]["stock"] = 4000
    here["contents"]["stay"]["schedule"]["steps"].append({"days": 9})
    assert differences(THERE, here) == [
        "isis.stock of stay: 1000 there, 4000 here",
        "schedule.steps.1.days of stay: none there, 9 here",
    ]


def test_prose_of_a_scenario_that_differs_contradicts_nothing():
    here = asked(scenarios={"stay": "999", "go": "222"})
    here["contents"]["stay"]["schedule"]["summary"] = "said otherwise"
    assert differences(THERE, here) == []


def test_a_manifest_of_an_older_version_contradicts_in_its_maker():
    older = {key: value for key, value in THERE.items() if key not in ("maker", "weekly")}
    assert differences(older, asked()) == ["sources: none there, abc here", "numpy: none there, 2.0 here"]


SWEPT = manifest(
    **{
        "application": "run -m",
        "seed": 5,
        "replications": 100,
        "weekly": 10,
        "maker": {"sources": "abc"},
        "swept": ["isis.stock"],
    },
    overrides=["isis.stock=1,2", "replications=100"],
)
DONE = {**SWEPT, "scenarios": {"stay, isis.stock=1": "111"}, "contents": {"stay, isis.stock=1": {}}}


@pytest.mark.parametrize("more", ["workers=2", "retry_failed=true", "name=x", "hydra/launcher=joblib", "+weekly=10"])
def test_a_sweep_that_is_done_is_not_contradicted_by_the_same_sweep_whose_scenarios_are_not_known_yet(more):
    assert differences(DONE, {**SWEPT, "overrides": [*SWEPT["overrides"], more]}) == []


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"overrides": ["isis.stock=1,3"]}, ["overrides: isis.stock=1,2 there, isis.stock=1,3 here"]),
        ({"overrides": ["isis.stock=1,2", "+x.y=1"]}, ["overrides: isis.stock=1,2 there, isis.stock=1,2 +x.y=1 here"]),
        ({"seed": 6}, ["seed: 5 there, 6 here"]),
        ({"replications": 99}, ["replications: 100 there, only 99 here"]),
        ({"maker": {"sources": "def"}}, ["sources: abc there, def here"]),
    ],
)
def test_another_sweep_contradicts_in_its_overrides(more, expected):
    assert differences(DONE, {**SWEPT, **more}) == expected


def test_a_sweep_over_what_else_would_only_add_to_it_contradicts():
    there, here = ({**SWEPT, "swept": ["replications"], "overrides": [f"replications=100,{n}"]} for n in (200, 300))
    assert differences(there, here) == ["overrides: replications=100,200 there, replications=100,300 here"]


def test_a_comparison_and_a_sweep_contradict_in_what_they_are():
    assert differences(THERE, SWEPT)[0] == "application: compare there, run -m here"
    assert differences(DONE, asked())[0] == "application: run -m there, compare here"


def test_a_study_that_is_cleared_keeps_what_says_that_it_is_computed(root, tmp_path):
    study = new(root)
    study.begin("request")
    for path in ("outcomes.parquet", "figures/fan.svg", "jobs/0.json"):
        root.write(study.at(path), b"old")
    study.clear()
    assert set(contents(tmp_path)) == {f"studies/mine/{UNFINISHED}"}
    assert study.unfinished()["request"] == "request"


def test_nested_data_is_told_by_dotted_keys():
    assert flattened({"a": {"b": [1, {"c": 2}], "d": {}}, "e": None}) == {"a.b.0": 1, "a.b.1.c": 2, "e": None}


def test_of_many_fields_some_are_told_and_the_others_counted():
    assert shortened(["a", "b", "c"]) == "a; b; c"
    assert shortened(["a", "b", "c", "d", "e"]) == "a; b; c; and 2 more"


# -- tables and manifest -----------------------------------------------------------------------------------------------
def test_a_table_is_read_back_as_it_was_written(root):
    table = pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": [0.5, float("nan")]})
    study = new(root)
    study.write_table("summary", table)
    pd.testing.assert_frame_equal(study.read_table("summary"), table)


def test_a_table_is_written_whole_or_not_at_all(root, tmp_path):
    study = new(root)
    study.write_table("outcomes", pd.DataFrame({"a": [1]}))
    before = contents(tmp_path)
    with pytest.raises((TypeError, ValueError)):
        study.write_table("outcomes", pd.DataFrame({"a": [object()]}))
    assert study.read_table("outcomes")["a"].tolist() == [1]
    assert contents(tmp_path) == before


def test_a_manifest_that_cannot_be_written_leaves_the_one_before(root, tmp_path):
    study = Study(root, "mine")
    study.write_manifest(manifest(a="ü"))
    with pytest.raises(TypeError):
        study.write_manifest({"a": object()})
    assert study.read_manifest() == manifest(a="ü")
    assert json.loads((tmp_path / "studies/mine/study.json").read_bytes()) == manifest(a="ü")


@pytest.mark.parametrize("scenarios", [2, 1000])
def test_a_manifest_of_many_scenarios_is_read_like_one_of_few(scenarios, root):
    labels = [f"s{k}" for k in range(scenarios)]
    about = manifest(scenarios=dict.fromkeys(labels, "0123456789ab"), contents={label: {} for label in labels})
    study = Study(root, "mine")
    study.write_manifest(about)
    assert study.read_manifest() == about


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "has no study.json"),
        (b"", "cannot be read"),
        (b"{", "cannot be read"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"[1]", "not a manifest"),
        (b"null", "not a manifest"),
        (b'{"start": "2021-04-07"}', "not a manifest: horizon_days is missing"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_told_in_one_line_with_the_study(content, says, root):
    if content is not None:
        root.write("studies/mine/study.json", content)
    with pytest.raises(RequestError, match=says) as error:
        Study(root, "mine").read_manifest()
    assert "'mine'" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [None, b"", b"PAR1", b"PAR1 and then nothing of the kind PAR1", "half"])
def test_a_table_that_cannot_be_read_is_told_in_one_line_with_the_study_and_the_file(content, root, tmp_path):
    study, path = new(root), tmp_path / "studies/mine/outcomes.parquet"
    if content == "half":
        study.write_table("outcomes", pd.DataFrame({"a": range(30)}))
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(RequestError, match=r"'mine'.*outcomes\.parquet") as error:
        study.read_table("outcomes")
    assert "\n" not in str(error.value)


# -- finding a study ---------------------------------------------------------------------------------------------------
def finished(root: Folder, name: str, when: float) -> Study:
    """A study with outcomes, whose manifest was written at a given time."""
    study = new(root, name)
    study.write_table("outcomes", pd.DataFrame({"a": [1]}))
    os.utime(root.root / study.at("study.json"), (when, when))
    return study


def test_the_latest_study_is_the_one_finished_last_whatever_it_is_called(root, tmp_path):
    for name, when in (("zebra", 1000.0), ("apple", 3000.0), ("mango", 2000.0)):
        finished(root, name, when)
    assert find_study(str(tmp_path), None).name == "apple"
    assert find_study(str(tmp_path), "mango").name == "mango"


def test_a_study_that_has_no_outcomes_yet_is_not_the_latest(root, tmp_path):
    finished(root, "done", 1000.0)
    new(root, "under-way").begin("request")
    assert find_study(str(tmp_path), None).name == "done"
    assert find_study(str(tmp_path), "under-way").name == "under-way"


@pytest.mark.parametrize("made", [False, True])
def test_no_study_at_all_is_told_with_what_to_do(made, tmp_path):
    if made:
        (tmp_path / "studies").mkdir()
    with pytest.raises(RequestError, match=r"^results = .*holds no finished study; run `posture compare` first$"):
        find_study(str(tmp_path), None)


def test_an_unknown_study_is_told_with_those_there_are(root, tmp_path):
    finished(root, "mine", 1000.0)
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


def test_a_study_from_the_future_is_told(root):
    assert ahead(root) is None
    finished(root, "past", 1000.0)
    assert ahead(root) is None
    finished(root, "future", datetime.now().timestamp() + 7200.0)
    assert ahead(root) == "future"
    assert ahead(root, allowed=1e6) is None


# -- places that are no folders ----------------------------------------------------------------------------------------
def test_a_study_behind_a_url_is_begun_and_ended_without_a_lock():
    root = module.place(f"memory://posture-{next(NUMBERS)}")
    study = open_study(root, None, "words", "request")
    assert study.unfinished()["request"] == "request"
    assert not study.running()
    assert open_study(root, None, "words", "request").name == study.name
    study.end(finished=True)
    assert study.unfinished() is None
