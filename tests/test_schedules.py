"""Withdrawal schedules: those shipped say what they are said to say, and any that can be has a plan that adds up."""

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import RequestError
from sim.case import ROLES, Calendar, Posture
from sim.schedule import Plan, Schedule, ScheduleError
from sim.state import STEPS
from tests.schedules import ANNOUNCE, CALENDAR, GATE, LEAVE, MISSION, NAMES, POSTURE, scenario, shipped


# -- those shipped ---------------------------------------------------------------------------------------------------
def test_eleven_schedules_ship():
    assert len(NAMES) == len(set(NAMES)) == 11


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_schedule_is_valid_and_bears_the_name_of_its_file(name):
    one = shipped(name)
    assert one.schedule.name == name
    assert one.schedule.summary[0].isupper()
    assert one.schedule.summary.endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_schedule_is_complete_within_the_default_horizon_as_planned(name):
    one = shipped(name)
    assert all(day < one.horizon_days for day in one.plan.days)


# step by step: the planned date, how many leave, and who is there afterwards (combat, training, enablers, special operations)
PLANS = {
    "open_ended": [],
    "technical_talks": [
        ("2021-05-05", 0, (500, 900, 800, 300)),
        ("2021-11-01", 0, (0, 1400, 800, 300)),
        ("2022-03-31", 500, (0, 900, 800, 300)),
    ],
    "relabel_and_hold": [("2021-07-26", 0, (500, 900, 800, 300)), ("2021-12-31", 0, (0, 1400, 800, 300))],
    "conditions_based": [
        ("2021-07-26", 0, (500, 900, 800, 300)),
        ("2021-12-31", 0, (0, 1400, 800, 300)),
        ("2022-01-30", 800, (0, 600, 800, 300)),
        ("2022-05-30", 800, (0, 300, 300, 300)),
        ("2022-09-27", 900, (0, 0, 0, 0)),
    ],
    "phased_18_months": [
        ("2021-05-03", 0, (500, 900, 800, 300)),
        ("2021-12-31", 0, (0, 1400, 800, 300)),
        ("2022-01-30", 600, (0, 800, 800, 300)),
        ("2022-04-30", 600, (0, 500, 500, 300)),
        ("2022-07-29", 600, (0, 200, 200, 300)),
        ("2022-11-02", 700, (0, 0, 0, 0)),
    ],
    "phased_12_months": [
        ("2021-05-03", 0, (500, 900, 800, 300)),
        ("2021-08-01", 0, (0, 1400, 800, 300)),
        ("2021-09-30", 800, (0, 600, 800, 300)),
        ("2022-01-28", 800, (0, 300, 300, 300)),
        ("2022-05-03", 900, (0, 0, 0, 0)),
    ],
    "rapid_6_months": [
        ("2021-05-03", 0, (500, 900, 800, 300)),
        ("2021-07-17", 950, (0, 450, 800, 300)),
        ("2021-09-10", 850, (0, 0, 400, 300)),
        ("2021-10-30", 700, (0, 0, 0, 0)),
    ],
    "deadline_missed": [
        ("2021-05-03", 0, (500, 900, 800, 300)),
        ("2021-09-30", 550, (250, 600, 800, 300)),
        ("2022-09-30", 1250, (0, 0, 400, 300)),
        ("2022-12-31", 700, (0, 0, 0, 0)),
    ],
    "special_operations_residual": [
        ("2021-05-03", 0, (500, 900, 800, 300)),
        ("2021-10-30", 950, (0, 450, 800, 300)),
        ("2022-05-03", 950, (0, 0, 300, 300)),
    ],
    "full_exit_no_residual": [
        ("2021-05-03", 0, (500, 900, 800, 300)),
        ("2021-10-31", 1400, (0, 0, 800, 300)),
        ("2021-12-18", 1100, (0, 0, 0, 0)),
    ],
    "exit_and_return": [
        ("2021-05-03", 0, (500, 900, 800, 300)),
        ("2021-10-30", 1400, (0, 0, 800, 300)),
        ("2022-05-03", 1100, (0, 0, 0, 0)),
    ],
}


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_schedule_is_planned_as_expected(name):
    one = shipped(name)
    rows = zip(one.plan.days, one.plan.leaving, one.plan.postures, strict=True)
    found = [(str(one.calendar.date(day)), sum(leaving.values()), tuple(there.values())) for day, leaving, there in rows]
    assert found == PLANS[name]


@pytest.mark.parametrize(
    ("name", "promised"),
    [
        ("rapid_6_months", "2021-11-04"),
        ("full_exit_no_residual", "2021-12-31"),
        ("phased_12_months", "2022-05-08"),
        ("phased_18_months", "2022-11-09"),
        ("deadline_missed", "2021-12-31"),
        ("technical_talks", "2022-05-05"),
    ],
)
def test_a_promised_date_stands_at_the_announcement(name, promised):
    marks = shipped(name).plan.marks()
    assert [str(mark["promise"]) for mark in marks if mark["promise"] is not None] == [promised]
    assert marks[0]["clock"] == "announcement"


@pytest.mark.parametrize("name", [name for name in NAMES if PLANS[name] and sum(PLANS[name][-1][2]) == 0])
def test_only_the_schedule_that_misses_its_deadline_plans_to_leave_after_it(name):
    one = shipped(name)
    promises = [mark["promise"] for mark in one.plan.marks() if mark["promise"] is not None]
    late = any(one.calendar.date(one.plan.days[-1]) > promise for promise in promises)
    assert late == (name == "deadline_missed")


def test_conditions_gate_only_the_schedules_that_say_so():
    gated = {name for name in NAMES if any(mark["conditional"] for mark in shipped(name).plan.marks())}
    assert gated == {"conditions_based", "technical_talks"}


def test_a_step_on_conditions_keeps_its_sentences_as_they_were_written():
    one = shipped("conditions_based")
    assert one.schedule.steps[2].only_if == ("fewer than 150 reported ISIS attacks in 90 days", "ISF readiness at least 0.5")
    assert one.schedule.pause.when == ("at least 250 reported ISIS attacks in 90 days",)


# -- plans -----------------------------------------------------------------------------------------------------------
def test_a_change_of_mission_makes_trainers_of_combat_troops():
    plan = scenario(MISSION, {**LEAVE, "troops": {"training": 1400}}).plan
    assert plan.postures[0] == {"combat": 0, "training": 1400, "enablers": 800, "special_operations": 300}
    assert sum(plan.postures[1].values()) == 1100


def test_days_after_a_step_count_from_that_step_even_if_others_lie_between():
    later = {"name": "last", "does": "leave", "after": "words", "days": 100, "troops": "all"}
    plan = scenario(ANNOUNCE, MISSION, later).plan
    assert plan.days == [26.0, 57.0, 126.0]


def test_all_of_a_role_means_those_who_are_left_of_it():
    half = {**LEAVE, "name": "half", "troops": {"training": 400}}
    plan = scenario(half, {**LEAVE, "date": "2021-08-03", "troops": {"training": "all", "combat": "all"}}).plan
    assert plan.leaving[1] == {"combat": 500, "training": 500, "enablers": 0, "special_operations": 0}


def test_two_steps_may_fall_on_one_day_and_keep_their_order():
    assert scenario(ANNOUNCE, {**LEAVE, "date": ANNOUNCE["date"]}).plan.days == [26.0, 26.0]


def test_a_step_may_fall_on_the_first_day():
    assert scenario({**ANNOUNCE, "date": "2021-04-07"}).plan.days == [0.0]


def test_planned_troops_start_with_the_posture_and_change_with_each_departure_only():
    plan = shipped("phased_12_months").plan
    assert plan.troops() == [
        (date(2021, 4, 7), 2500),
        (date(2021, 9, 30), 1700),
        (date(2022, 1, 28), 900),
        (date(2022, 5, 3), 0),
    ]


def test_the_marks_tell_the_three_clocks_apart():
    marks = scenario({**ANNOUNCE, "promise_days": 90}, {**MISSION, **GATE}, LEAVE).plan.marks()
    assert [mark["clock"] for mark in marks] == ["announcement", "mission", "departure"]
    assert [mark["conditional"] for mark in marks] == [False, True, False]
    assert [mark["promise"] for mark in marks] == [date(2021, 8, 1), None, None]


# -- any schedule ----------------------------------------------------------------------------------------------------
@st.composite
def possible_steps(draw) -> list[dict]:
    """Steps in an order that can be, leaving with no more than are there."""
    there, day, steps = POSTURE.by_role(), 0, []
    for k in range(draw(st.integers(0, STEPS))):
        day += draw(st.integers(0, 200))
        does = draw(st.sampled_from(["announce", "change mission", "leave"]))
        step: dict = {"name": f"step {k}", "does": does}
        anchors = [i for i in range(k) if steps[i]["day"] <= day]
        if anchors and draw(st.booleans()):
            anchor = draw(st.sampled_from(anchors))
            step |= {"after": f"step {anchor}", "days": day - steps[anchor]["day"]}
        else:
            step["date"] = str(CALENDAR.date(day))
        if does == "leave":
            leaving = {role: draw(st.one_of(st.integers(0, number), st.just("all"))) for role, number in there.items()}
            numbers = {role: there[role] if number == "all" else number for role, number in leaving.items()}
            if sum(numbers.values()) == 0:
                step["does"] = "announce"
            else:
                step["troops"] = leaving
                there = {role: there[role] - numbers[role] for role in ROLES}
        elif does == "change mission":
            there = {**there, "training": there["training"] + there["combat"], "combat": 0}
        steps.append({**step, "day": day})
    return [{key: value for key, value in step.items() if key != "day"} for step in steps]


def check(plan: Plan) -> None:
    """What holds for the plan of any schedule."""
    assert all(earlier <= later for earlier, later in pairwise([0.0, *plan.days]))
    assert all(number >= 0 for posture in plan.postures for number in posture.values())
    totals = [POSTURE.total, *(sum(posture.values()) for posture in plan.postures)]
    departures = [sum(leaving.values()) for leaving in plan.leaving]
    assert [before - after for before, after in pairwise(totals)] == departures
    assert len(plan.marks()) == len(plan.days)
    assert [number for _, number in plan.troops()] == [
        totals[0],
        *(t for t, gone in zip(totals[1:], departures, strict=True) if gone),
    ]


def shape(record: dict) -> list[tuple]:
    """The shape of a record: its fields, and the length and type of each."""
    return [
        (key, type(value).__name__ if not isinstance(value, list) else (len(value), {type(item) for item in value}))
        for key, value in record.items()
    ]


@settings(derandomize=True, deadline=None, max_examples=150)
@given(possible_steps())
def test_any_possible_schedule_has_a_plan_in_which_nobody_is_counted_twice(steps):
    plan = Plan(Schedule(name="any", summary="any", steps=steps), CALENDAR, POSTURE)
    check(plan)
    assert shape(plan.record()) == shape(EMPTY_RECORD)


EMPTY_RECORD = Plan(Schedule(name="none", summary="none"), CALENDAR, POSTURE).record()
anything = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from("abcd"), "does": st.sampled_from(["announce", "change mission", "leave"])},
        optional={
            "date": st.dates(date(2021, 3, 1), date(2022, 3, 1)).map(str),
            "after": st.sampled_from("abcde"),
            "days": st.integers(-1, 100),
            "troops": st.one_of(
                st.just("all"), st.dictionaries(st.sampled_from([*ROLES, "cooks"]), st.integers(-1, 600), max_size=2)
            ),
            "promise_days": st.integers(0, 400),
            "only_if": st.sampled_from([["talks concluded"], ["rain"]]),
            "latest": st.dates(date(2021, 3, 1), date(2022, 3, 1)).map(str),
            "wait_at_most": st.integers(0, 60),
        },
    ),
    max_size=4,
)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(anything)
def test_any_steps_at_all_are_refused_in_one_line_or_have_a_plan_that_holds(steps):
    try:
        one = scenario(*steps)
    except RequestError as error:
        line = str(error)
        assert "step" in line
        assert "\n" not in line
    else:
        check(one.plan)


def test_every_field_of_a_schedule_record_keeps_one_length_and_type():
    for name in NAMES:
        assert shape(shipped(name).plan.record()) == shape(EMPTY_RECORD)


def test_a_plan_is_refused_for_another_start_or_posture_than_it_was_made_for():
    schedule = shipped("rapid_6_months").schedule
    with pytest.raises(ScheduleError, match="before the start, 2022-01-01"):
        Plan(schedule, Calendar(date(2022, 1, 1)), POSTURE)
    with pytest.raises(ScheduleError, match="450 training troops leave but 10 are there"):
        Plan(schedule, CALENDAR, Posture(combat=5, training=10))
