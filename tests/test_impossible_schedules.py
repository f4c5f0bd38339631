"""Impossible schedules: what cannot be is refused in one line, with the step and why."""

import pytest

from sim.case import ROLES
from sim.state import CONDITIONS, STEPS
from tests.schedules import ANNOUNCE, GATE, LEAVE, MISSION, refusal

IMPOSSIBLE = {
    "steps out of order": ([LEAVE, ANNOUNCE], "step 'words'", "out of order", "2021-05-03", "'out'"),
    "a step planned before the one above it by days": (
        [ANNOUNCE, MISSION, {**LEAVE, "date": None, "after": "words", "days": 3}],
        "step 'out'",
        "out of order",
        "2021-05-06",
        "'label'",
    ),
    "a step before the start": (
        [{**ANNOUNCE, "date": "2021-04-06"}],
        "step 'words'",
        "2021-04-06",
        "before the start",
        "2021-04-07",
    ),
    "a date that does not exist": ([{**ANNOUNCE, "date": "2021-02-30"}], "steps.0", "2021-02-30", "a date such as 2021-04-07"),
    "a promise that is no date": ([{**ANNOUNCE, "promise": "soon"}], "steps.0", "promise", "soon", "a date such as 2021-04-07"),
    "a latest day that is no date": ([{**ANNOUNCE, **GATE, "latest": "2021-13-01"}], "steps.0", "latest", "2021-13-01", "a date"),
    "a date as a number": ([{**ANNOUNCE, "date": 2021}], "steps.0", ".date", "2021"),
    "a gate on an unknown indicator": (
        [{**ANNOUNCE, "only_if": ["fewer bombs"]}],
        "steps.0",
        ".only_if",
        "'fewer bombs'",
        "talks concluded",
    ),
    "a gate that is a number": ([{**ANNOUNCE, "only_if": [5]}], "steps.0", ".only_if", "'5'"),
    "a gate that is one text": ([{**ANNOUNCE, "only_if": "talks concluded"}], "steps.0", ".only_if", "'talks concluded'"),
    "an empty gate": ([{**ANNOUNCE, "only_if": []}], "steps.0", ".only_if", "1"),
    "too many conditions at a gate": (
        [{**ANNOUNCE, "only_if": ["talks concluded"] * 5}],
        "steps.0",
        ".only_if",
        str(CONDITIONS),
    ),
    "a window too short": (
        [{**ANNOUNCE, "only_if": ["help requested in the last 3 days"]}],
        "steps.0",
        ".only_if",
        "3 days",
        "7 to 392",
    ),
    "more troops than are there": (
        [{**LEAVE, "troops": {"combat": 501}}],
        "step 'out'",
        "501 combat troops leave but 500 are there",
    ),
    "more troops than are left": (
        [{**LEAVE, "name": "first", "troops": {"training": 600}}, {**LEAVE, "date": "2021-08-03", "troops": {"training": 301}}],
        "step 'out'",
        "301 training troops leave but 300 are there",
    ),
    "combat troops after the mission changed": (
        [MISSION, {**LEAVE, "troops": {"combat": 1}}],
        "step 'out'",
        "1 combat",
        "0 are there",
    ),
    "nobody leaves": ([LEAVE, {**LEAVE, "name": "again", "date": "2021-08-03"}], "step 'again'", "nobody leaves"),
    "no role leaves": ([{**LEAVE, "troops": {}}], "step 'out'", "nobody leaves"),
    "fewer than nobody": ([{**LEAVE, "troops": {"combat": -1}}], "steps.0", "-1 combat"),
    "half a soldier": ([{**LEAVE, "troops": {"combat": 1.5}}], "steps.0", ".troops", "1.5", "all"),
    "troops in words": ([{**LEAVE, "troops": {"combat": "half"}}], "steps.0", ".troops", "'half'", "all"),
    "troops in one word": ([{**LEAVE, "troops": "half"}], "steps.0", ".troops", "'half'", "all"),
    "an unknown role": ([{**LEAVE, "troops": {"cooks": 3}}], "steps.0", "'cooks'", *ROLES),
    "a circle": (
        [{**ANNOUNCE, "date": None, "after": "label", "days": 1}, {**MISSION, "date": None, "after": "words", "days": 1}],
        "step 'words'",
        "circle",
        "'words' after 'label' after 'words'",
    ),
    "a step after itself": ([{**ANNOUNCE, "date": None, "after": "words", "days": 1}], "step 'words'", "circle"),
    "after an unknown step": (
        [ANNOUNCE, {**LEAVE, "date": None, "after": "word", "days": 9}],
        "step 'out'",
        "'word', which is no step",
        "steps are words, out",
    ),
    "after a step below": (
        [{**ANNOUNCE, "date": None, "after": "label", "days": 1}, MISSION],
        "step 'words'",
        "out of order",
        "'label'",
        "listed below",
    ),
    "two steps of one name": ([ANNOUNCE, {**LEAVE, "name": "words"}], "step 'words'", "same name"),
    "a promise before its announcement": (
        [{**ANNOUNCE, "promise": "2021-05-02"}],
        "step 'words'",
        "2021-05-02",
        "before the announcement",
    ),
    "a promise in two ways": ([{**ANNOUNCE, "promise": "2021-06-01", "promise_days": 3}], "steps.0", "not both"),
    "a promise by leaving": ([{**LEAVE, "promise": "2021-08-01"}], "steps.0", "only an announcement promises"),
    "a promise by a change of mission": ([{**MISSION, "promise_days": 9}], "steps.0", "only an announcement promises"),
    "a promise some days back": ([{**ANNOUNCE, "promise_days": -3}], "steps.0", ".promise_days", "-3"),
    "latest before the date": (
        [{**ANNOUNCE, **GATE, "latest": "2021-05-02"}],
        "step 'words'",
        "2021-05-02",
        "before",
        "2021-05-03",
    ),
    "latest without a gate": ([{**ANNOUNCE, "latest": "2021-06-01"}], "steps.0", "'latest'", "only_if"),
    "a wait without a gate": ([{**ANNOUNCE, "wait_at_most": 9}], "steps.0", "'wait_at_most'", "only_if"),
    "breaking without a gate": ([{**ANNOUNCE, "otherwise": "the schedule is broken"}], "steps.0", "'otherwise'", "only_if"),
    "breaking without a latest day": (
        [{**ANNOUNCE, **GATE, "otherwise": "the schedule is broken"}],
        "steps.0",
        "needs 'latest' or 'wait_at_most'",
    ),
    "another way to end a wait": (
        [{**ANNOUNCE, **GATE, "otherwise": "shrug"}],
        "steps.0",
        ".otherwise",
        "'shrug'",
        "it happens anyway",
        "the schedule is broken",
    ),
    "leaving without troops": ([{"name": "out", "does": "leave", "date": "2021-07-03"}], "steps.0", "needs troops"),
    "an announcement with troops": ([{**ANNOUNCE, "troops": "all"}], "steps.0", "troops", "no other step has them"),
    "neither date nor step": ([{"name": "words", "does": "announce"}], "steps.0", "either a date or the step it comes after"),
    "both date and step": ([ANNOUNCE, {**MISSION, "after": "words", "days": 3}], "steps.1", "either a date or the step"),
    "after without days": ([ANNOUNCE, {**MISSION, "date": None, "after": "words"}], "steps.1", "'after' and 'days'"),
    "days without after": ([{**ANNOUNCE, "days": 3}], "steps.0", "'after' and 'days'"),
    "a deed nobody knows": (
        [{**ANNOUNCE, "does": "dance"}],
        "steps.0",
        ".does",
        "'dance'",
        "announce",
        "change mission",
        "leave",
    ),
    "an unknown key": ([{**LEAVE, "troups": 3}], "steps.0", ".troups", "no such key"),
    "no name": ([{"does": "announce", "date": "2021-05-03"}], "steps.0", ".name", "missing"),
    "an empty name": ([{**ANNOUNCE, "name": ""}], "steps.0", ".name", "''"),
    "too many steps": ([{**ANNOUNCE, "name": f"words {k}"} for k in range(17)], "schedule.steps", str(STEPS)),
    "a step that is a text": (["announce"], "steps.0", "'announce'"),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_an_impossible_schedule_is_refused_with_the_step_and_why(case):
    steps, *words = IMPOSSIBLE[case]
    line = refusal(*steps)
    assert [word for word in words if word not in line] == [], line


MISFITS = {
    "aid above one": ({"aid": 2}, "schedule.aid", "2", "1"),
    "aid in words": ({"aid": "lots"}, "schedule.aid", "'lots'"),
    "offers in words": ({"offers_timetable": "perhaps"}, "schedule.offers_timetable", "'perhaps'"),
    "an unknown key": ({"hurry": True}, "schedule.hurry", "no such key", "accelerate"),
    "a name with a slash": ({"name": "../mine"}, "schedule.name", "'../mine'"),
    "a pause of no days": ({"pause": {"when": ["talks concluded"], "days": 0}}, "schedule.pause.days", "0"),
    "a pause without a condition": ({"pause": {"days": 9}}, "schedule.pause.when", "missing"),
    "a pause on nothing known": ({"pause": {"when": ["rain"], "days": 9}}, "schedule.pause.when", "'rain'"),
    "a hurry that is none": ({"accelerate": {"when": ["exit demanded"], "to_share": 1.0}}, "schedule.accelerate.to_share", "1"),
    "a return of fewer than nobody": (
        {"come_back": {"when": ["exit demanded"], "after_days": 5, "posture": {"combat": -3}}},
        "schedule.come_back.posture.combat",
        "-3",
    ),
    "a return of an unknown role": (
        {"come_back": {"when": ["exit demanded"], "after_days": 5, "posture": {"cooks": 3}}},
        "schedule.come_back.posture.cooks",
        "no such key",
    ),
    "a return of nobody": (
        {"come_back": {"when": ["exit demanded"], "after_days": 5, "posture": {}}},
        "schedule.come_back.posture",
    ),
}


@pytest.mark.parametrize("case", MISFITS)
def test_a_schedule_with_a_part_that_does_not_fit_is_refused_with_its_key(case):
    more, *words = MISFITS[case]
    line = refusal(ANNOUNCE, LEAVE, **more)
    assert [word for word in words if word not in line] == [], line


def test_a_misspelt_key_of_a_step_comes_with_a_suggestion():
    assert "did you mean troops?" in refusal({**LEAVE, "troups": 3})
