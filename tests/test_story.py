"""One replication's story: each event in words, by date, with who died and what set it off."""

from functools import cache

import pytest

from experiments.composition import Composer
from experiments.settings import split
from sim import Scenario, read_scenario, replicate
from sim.agents.dated import KINDS
from sim.agents.militias import REGIMES
from sim.agents.posture import FAILED, FIXED
from sim.engines.block import Event
from sim.model import AGENTS, slots
from sim.outcomes import OUTCOMES
from sim.readings import READINGS
from sim.story import GIVEN, INDEX, QUIET, change, sentence, story, toll

GROUPS = ("hardline", "facade", "political")
SLOTS = slots(GROUPS)
ACTIVITIES = {activity.name: activity for module in AGENTS.values() for activity in module.ACTIVITIES}
STORIED = [name for name, activity in ACTIVITIES.items() if not activity.routine]
ROUTINE = [name for name, activity in ACTIVITIES.items() if activity.routine]


@cache
def scenario(*overrides: str) -> Scenario:
    return read_scenario(split(Composer("run").compose(["schedule=phased_12_months", *overrides]))[0])


@cache
def run(replication: int = 1, *overrides: str):
    return replicate(scenario(*overrides), 7, replication, trace=True)


def event(activity: str, day: float = 10.0, cause: str = "", n: int = 3, **changes: tuple[float, float]) -> Event:
    """An event of an activity; a reading is given as (before, after)."""
    readings = {"troops": (2500.0, 2500.0), "stock": (4000.0, 4000.0), "regime": (2.0, 2.0), "pressure": (0.4, 0.4)}
    both = [(readings | changes).get(name, (0.0, 0.0)) for name in READINGS]
    actor = next(slot.actor for slot in SLOTS if slot.activity.name == activity)
    return Event(day, actor, activity, n, cause, ACTIVITIES[activity].routine, *(tuple(x) for x in zip(*both, strict=True)))


def told(*events: Event, everything: bool = False) -> list[str]:
    return [line for line in story(list(events), scenario(), everything) if line.startswith("  ")]


# -- words -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("activity", STORIED)
def test_each_activity_that_a_story_tells_has_a_sentence_of_its_own(activity):
    words = sentence(event(activity), scenario())
    assert words != activity
    assert " " in words


@pytest.mark.parametrize("activity", ROUTINE)
def test_each_activity_that_is_told_on_demand_has_a_sentence_of_its_own(activity):
    words = sentence(event(activity), scenario())
    assert words != activity
    assert " " in words


def test_no_two_activities_are_told_in_the_same_words():
    words = [sentence(event(activity), scenario()) for activity in STORIED]
    assert len(words) == len(set(words))


@pytest.mark.parametrize("activity", [name for name in STORIED if ACTIVITIES[name].each == "groups"])
def test_what_a_group_does_names_the_group(activity):
    assert "hardline group" in sentence(event(activity), scenario())


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (event("change of regime", regime=(2.0, 1.0)), f"from {REGIMES[2]} to {REGIMES[1]}"),
        (event("reprisal", value=(3.0, 4.0)), "in Iraq"),
        (event("reprisal", value=(3.0, 3.0)), "in Syria"),
        (event("promised date", value=(0.0, 1.0)), "unkept"),
        (event("promised date", value=(0.0, 0.0)), "kept"),
        (event("technical talks end", value=(0.0, float(FIXED))), "agree on a timetable"),
        (event("technical talks end", value=(0.0, float(FAILED))), "fail"),
        (event("forced departure", troops=(1400.0, 0.0)), "1400 troops leave, ahead of the schedule"),
        (event("return", troops=(0.0, 1500.0)), "1500 troops"),
        (event("jailbreak", stock=(4000.0, 4120.0)), "120 ISIS members"),
        (event("jailbreak", stock=(4000.0, 4001.0)), "1 ISIS member"),
        (event("week of ISIS", value=(0.0, 1.0)), "resurgence"),
        (event("week of ISIS", value=(1.0, 0.0)), "loses the ground"),
        (event("schedule", value=(0.0, 1.0)), "announcement"),
        (event("schedule", value=(2.0, 3.0), troops=(2500.0, 1700.0)), "first third leaves (800 leave, 1,700 stay)"),
        (event("schedule", value=(2.0, 2.0)), "the schedule is broken: 'first third leaves' has waited too long"),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_a_sentence_says_what_changed(made, words):
    assert words in sentence(made, scenario())


@pytest.mark.parametrize("replication", range(2))
def test_a_story_of_a_past_stretch_tells_each_dated_event_in_the_words_of_its_kind(replication):
    past = read_scenario(split(Composer("run").compose(["episode=iraq_2018_2021"]))[0])
    made = [one for one in replicate(past, 7, replication, trace=True).events if one.activity == "dated event"]
    words = [sentence(one, past) for one in made]
    for kind in {one.what for one in past.case.events}:
        said = next(words[kind] for words in GIVEN.values() if kind in words)
        wanted = sum(one.what == kind for one in past.case.events) * (len(GROUPS) if "{}" in said else 1)
        assert sum(one.count(said.rpartition("{}")[2]) for one in words) == wanted, kind
    assert not any("an event" in one or "{" in one for one in words)


def test_every_kind_of_dated_event_has_words_of_the_agent_whose_it_is():
    assert sorted(kind for words in GIVEN.values() for kind in words) == sorted(KINDS)


@pytest.mark.parametrize("activity", ["base attack", "war attack", "reprisal", "killing of senior figures"])
@pytest.mark.parametrize(
    ("us", "civilians", "words"),
    [
        (1, 0, ": 1 American killed"),
        (3, 0, ": 3 Americans killed"),
        (0, 1, ": 1 Iraqi civilian killed"),
        (2, 4, ": 2 Americans and 4 Iraqi civilians killed"),
    ],
)
def test_who_died_is_told(activity, us, civilians, words):
    made = event(activity, us_deaths=(5.0, 5.0 + us), civilian_deaths=(9.0, 9.0 + civilians))
    assert sentence(made, scenario()).endswith(words)


def test_nobody_is_told_of_where_nobody_died():
    assert toll(event("base attack")) == ""


def test_the_dead_of_a_mass_casualty_attack_are_told():
    assert "kills 23 people" in sentence(event("mass-casualty attack", isis_deaths=(60.0, 83.0)), scenario())


# -- lines -----------------------------------------------------------------------------------------------------------
def test_a_line_begins_with_its_date_and_a_month_with_how_things_stand():
    lines = list(story([event("base attack", 10.0), event("base attack", 30.5)], scenario()))
    assert lines == [
        "",
        "April 2021: 2,500 US troops, 4,000 ISIS members, pressure on the government 0.40, its standing 0.00",
        "  17 Apr  the hardline group attacks a base",
        "",
        "May 2021: 2,500 US troops, 4,000 ISIS members, pressure on the government 0.40, its standing 0.00",
        "  07 May  the hardline group attacks a base",
    ]


def test_the_same_month_of_another_year_is_another_month():
    lines = list(story([event("base attack", 10.0), event("base attack", 375.0)], scenario()))
    assert [line[:10] for line in lines if ":" in line] == ["April 2021", "April 2022"]


def test_what_set_an_event_off_is_told_with_its_date():
    attack = event("base attack", 10.0)
    strike = event("reprisal", 14.0, cause=attack.name)
    assert told(attack, strike)[1].endswith("[set off by militias:hardline/base attack#3 of 2021-04-17]")


def test_a_change_of_pressure_is_told_if_it_can_be_felt():
    assert told(event("base attack", pressure=(0.40, 0.43)))[0].endswith("[pressure +0.03]")
    assert told(event("base attack", pressure=(0.40, 0.404)))[0].endswith("attacks a base")
    assert told(event("election", pressure=(0.40, 0.34)))[0].endswith("[pressure -0.06]")


@pytest.mark.parametrize("activity", [*ROUTINE, *QUIET])
def test_routine_and_frequent_events_are_told_on_demand_only(activity):
    assert told(event(activity)) == []
    assert len(told(event(activity), everything=True)) == 1


def test_a_week_of_isis_is_told_when_ground_changes_hands():
    assert len(told(event("week of ISIS", value=(0.0, 1.0)))) == 1


def test_a_run_without_events_has_no_story():
    assert list(story([], scenario())) == []


# -- whole stories ---------------------------------------------------------------------------------------------------
def test_a_story_is_in_the_order_of_dates():
    made = run()
    assert [e.day for e in made.events] == sorted(e.day for e in made.events)
    dates = [scenario().calendar.date(e.day) for e in made.events if not e.routine and e.activity not in QUIET]
    lines = [line for line in story(made.events, scenario()) if line.startswith("  ")]
    assert len(lines) >= len(dates) > 20
    assert {f"  {day:%d %b}" for day in dates} <= {line[:8] for line in lines}


@pytest.mark.parametrize("replication", range(4))
def test_the_dead_of_a_story_add_up_to_the_outcomes(replication):
    made = run(replication)
    values = dict(zip((outcome.name for outcome in OUTCOMES), made.outcomes, strict=True))
    for reading, outcome in (("us_deaths", "us_deaths"), ("civilian_deaths", "civilian_deaths"), ("isis_deaths", "isis_deaths")):
        assert sum(change(e, reading) for e in made.events) == pytest.approx(values[outcome])
    killing = [e for e in made.events if change(e, "us_deaths") or change(e, "civilian_deaths")]
    assert killing
    assert all(" killed" in sentence(e, scenario()) for e in killing)


@pytest.mark.parametrize("replication", range(4))
def test_every_cause_in_a_story_is_an_event_that_came_before(replication):
    seen: dict[str, float] = {}
    for made in run(replication).events:
        if made.cause:
            assert made.cause in seen
            assert seen[made.cause] <= made.day
        seen[made.name] = made.day


def test_every_reprisal_has_a_cause():
    strikes = [e for replication in range(4) for e in run(replication).events if e.activity == "reprisal"]
    assert strikes
    assert all("attack" in e.cause for e in strikes)


def test_readings_follow_one_another_without_a_gap_for_what_only_events_change():
    last = None
    for made in run().events:
        for name in ("us_deaths", "civilian_deaths", "isis_deaths", "troops"):
            if last is not None:
                assert made.before[INDEX[name]] == last.after[INDEX[name]]
        last = made
