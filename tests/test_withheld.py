"""Withholding: what is withheld does not happen, all luck stays, both engines agree to the bit, and what was not there to be
withheld changes nothing."""

from functools import cache
from typing import Any

import pytest
from numpy.random import default_rng

from sim import model
from sim.activity import Response
from sim.engines import compiled, reference
from sim.engines.block import Event, Replication, event_name
from sim.engines.withheld import Withheld, kind_of, kinds, withhold
from sim.errors import RequestError
from sim.readings import READINGS
from sim.rules import NEVER
from sim.scenario import Scenario
from tests.parity import differences
from tests.random_scenarios import pick, random_key, random_scenario
from tests.worlds import (
    ANNOUNCE,
    CALM,
    DAY,
    EVERYBODY,
    MIDDLE,
    QUIET_POLITICS,
    SEED,
    STAY,
    named,
    outcome,
    scenario,
    scheduled,
    start,
)

# what each response waits for: an agent's part of the world, and the day in it
PENDING = {
    "promised date": ("united_states", "promised_day"),
    "return": ("united_states", "return_due"),
    "forced departure": ("united_states", "exit_due"),
    "reprisal": ("united_states", "strike_due"),
    "government formed": ("government", "formed_day"),
}
RESPONSES = {a.name: (slot.who, a) for slot in model.slots(("one",)) if isinstance(a := slot.activity, Response)}
LEAVE = {**EVERYBODY, "date": "2021-07-01"}
PROMISED = [{**ANNOUNCE, "promise": "2021-09-01"}, LEAVE]
ONE_BY_ONE = ("horizon_days=400", STAY, CALM, *QUIET_POLITICS)


@cache
def factual(number: int) -> tuple[Scenario, int, int, Replication]:
    """A random scenario of no great length, its key, and what happens in it."""
    of = random_scenario(number)
    seed, replication = random_key(number)
    return of, seed, replication, compiled.replicate(of, seed, replication, trace=True, weekly=True)


SHORT = [number for number in range(60) if random_scenario(number).horizon_days < 450][:10]


def names(of: Scenario, events: list[Event]) -> list[str]:
    """One of each kind of thing that can be withheld, at random among those that happened."""
    rng = default_rng(len(events))
    decided = [event for event in events if not event.routine] or events
    answers = [event for event in events if event.cause]
    one = pick(rng, decided)
    steps = [f"step:{step.name}" for step in of.schedule.steps]
    return [
        one.name,
        pick(rng, events).name,
        f"{one.actor}/{one.activity}",
        kind_of(one.actor, pick(rng, [event for event in decided if event.actor == one.actor]).activity),
        pick(rng, decided).actor,
        one.actor.partition(":")[0],
        *([pick(rng, answers).name] if answers else []),
        *([pick(rng, steps)] if steps else []),
    ]


# -- what every response has to do ---------------------------------------------------------------------------------------
def test_every_response_says_how_it_is_called_off():
    assert set(RESPONSES) == set(PENDING)


@pytest.mark.parametrize("name", PENDING)
def test_after_a_response_is_called_off_nothing_is_pending_and_nothing_else_has_changed(name):
    (who, response), (part, field) = RESPONSES[name], PENDING[name]
    (world, p), (untouched, _) = start(scenario("exit_and_return")), start(scenario("exit_and_return"))
    setattr(getattr(world, part), field, DAY)
    assert response.due(world, p, who) == DAY
    response.skip(world, p, DAY, who, MIDDLE)
    assert response.due(world, p, who) == NEVER
    for agent in model.AGENTS:
        mine, other = getattr(world, agent), getattr(untouched, agent)
        for key in mine.__slots__:
            if (agent, key) != (part, field):
                assert getattr(mine, key) == getattr(other, key), f"{agent}.{key}"


def test_no_activity_sets_a_response_off_when_it_is_skipped():
    for slot in model.slots(("one",)):
        world, p = start(scenario("exit_and_return"))
        slot.activity.skip(world, p, DAY, slot.who, MIDDLE)
        assert [response.due(world, p, who) for who, response in RESPONSES.values()] == [NEVER] * len(RESPONSES), (
            slot.activity.name
        )


# -- both engines ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("number", SHORT)
def test_both_engines_withhold_alike_to_the_bit(number):
    of, seed, replication, run = factual(number)
    for name in names(of, run.events):
        withheld = withhold(name, of, run.events)
        one, other = (
            e.replicate(of, seed, replication, weekly=True, trace=True, withheld=withheld) for e in (compiled, reference)
        )
        assert differences(other, one) == [], name
        assert withheld.of(one.events, of) == []


@pytest.mark.parametrize("number", SHORT[:6])
def test_up_to_what_is_withheld_nothing_changes(number):
    of, seed, replication, run = factual(number)
    for name in names(of, run.events):
        withheld = withhold(name, of, run.events)
        gone = withheld.of(run.events, of)
        again = compiled.replicate(of, seed, replication, trace=True, withheld=withheld)
        first = run.events.index(gone[0]) if gone else len(run.events)
        assert again.events[:first] == run.events[:first], name
        assert (again.events == run.events) == (not gone), name


def absent(of: Scenario, run: Replication, rng: Any) -> list[str]:
    """What could happen in a scenario and did not: opportunities that were not taken, other causes, activities without an act."""
    happened = {event.name for event in run.events}
    slots = model.slots(tuple(of.groups))
    made = []
    for slot in slots:
        if isinstance(slot.activity, Response):
            cause = pick(rng, [s for s in slots if not isinstance(s.activity, Response)])
            by = event_name(cause.actor, cause.activity.name, int(rng.integers(1, 400)), "")
            made.append(event_name(slot.actor, slot.activity.name, 0, by))
        else:
            made += [event_name(slot.actor, slot.activity.name, n, "") for n in (int(rng.integers(1, 400)), 2**64 - 1)]
    acted = {f"{event.actor}/{event.activity}" for event in run.events}
    made += [name for slot in slots if (name := f"{slot.actor}/{slot.activity.name}") not in acted]
    return [name for name in made if name not in happened]


@pytest.mark.parametrize("number", SHORT)
def test_withholding_what_did_not_happen_changes_nothing_to_the_bit(number):
    of, seed, replication, run = factual(number)
    found = absent(of, run, default_rng(number))
    assert len(found) > 20
    rows = compiled.rerun(of, seed, replication, [withhold(name, of, run.events) for name in found])
    assert [list(row) for row in rows.tolist()] == [run.outcomes] * len(found)
    for name in found[:: max(1, len(found) // 4)]:
        again = compiled.replicate(of, seed, replication, weekly=True, trace=True, withheld=withhold(name, of, run.events))
        assert differences(run, again) == [], name


def test_a_step_that_was_not_taken_is_nothing_to_withhold():
    of = scenario("deadline_missed", "horizon_days=100")
    run = compiled.replicate(of, SEED, 0, trace=True)
    withheld = withhold("step:delayed last departure", of, run.events)
    assert withheld.streams == frozenset()
    assert compiled.replicate(of, SEED, 0, trace=True, withheld=withheld).events == run.events


def test_running_again_and_again_gives_what_running_once_gives():
    of = scenario("deadline_missed", "horizon_days=300")
    withheld = [withhold(name, of) for name in ("militias", "united_states/schedule", "isis/mass-casualty attack#1")]
    for engine in (compiled, reference):
        rows = engine.rerun(of, SEED, 4, withheld)
        for row, one in zip(rows.tolist(), withheld, strict=True):
            assert list(row) == compiled.replicate(of, SEED, 4, withheld=one).outcomes


# -- what the world does without ---------------------------------------------------------------------------------------------
def test_a_withheld_departure_leaves_everybody_there_and_breaks_the_promise():
    of = scheduled(PROMISED, *ONE_BY_ONE)
    run = compiled.replicate(of, SEED, 0, trace=True)
    assert (outcome(run, "exit_completed"), outcome(run, "promise_broken")) == (True, False)
    again = compiled.replicate(of, SEED, 0, trace=True, withheld=withhold("step:last departure", of, run.events))
    assert (outcome(again, "exit_completed"), outcome(again, "promise_broken")) == (False, True)
    assert again.world.united_states.troops == 2500
    assert [event.before[READINGS.index("value")] for event in named(again.events, "schedule")] == [0.0]


@pytest.mark.parametrize("asked", ["step:last departure", "step: last departure  "])
def test_blanks_around_the_name_of_a_step_do_not_matter(asked):
    of = scheduled([ANNOUNCE, {**LEAVE, "name": " last departure "}], *ONE_BY_ONE)
    run = compiled.replicate(of, SEED, 0, trace=True)
    withheld = withhold(asked, of, run.events)
    assert [event.before[READINGS.index("value")] for event in withheld.of(run.events, of)] == [1.0]


def test_without_its_announcement_a_schedule_promises_nothing_and_goes_on():
    of = scheduled(PROMISED, *ONE_BY_ONE)
    run = compiled.replicate(of, SEED, 0, trace=True)
    again = compiled.replicate(of, SEED, 0, trace=True, withheld=withhold("step:announcement", of, run.events))
    assert named(again.events, "promised date") == []
    assert outcome(again, "exit_completed_day") == outcome(run, "exit_completed_day") == 85.0


def test_where_no_step_may_happen_each_is_passed_over_on_its_day_and_the_run_ends():
    of = scheduled([ANNOUNCE, {**LEAVE, "date": "2021-05-03"}], *ONE_BY_ONE)  # two on one day: no ring may return for ever
    for engine in (compiled, reference):
        again = engine.replicate(of, SEED, 0, trace=True, withheld=withhold("united_states/schedule", of))
        assert named(again.events, "schedule") == []
        assert again.world.united_states.done_day[:2] == [26.0, 26.0]
        assert again.world.united_states.troops == 2500


def test_a_withheld_reprisal_does_not_stand_in_the_way_of_the_next():
    of = scenario("open_ended", "militias.lethality=0.069", STAY, CALM, "horizon_days=700")
    run = next(run for r in range(20) if len(named((run := compiled.replicate(of, SEED, r, trace=True)).events, "reprisal")) > 3)
    r = next(r for r in range(20) if compiled.replicate(of, SEED, r, trace=True).events == run.events)
    first, *later = named(run.events, "reprisal")
    again = named(compiled.replicate(of, SEED, r, trace=True, withheld=withhold(first.name, of)).events, "reprisal")
    assert first.name not in [event.name for event in again]
    assert {event.name for event in again} & {event.name for event in later}


def test_a_withheld_formation_leaves_a_caretaker():
    of = scenario("open_ended", CALM, STAY, "horizon_days=1000")
    again = compiled.replicate(of, SEED, 0, trace=True, withheld=withhold("government/government formed", of))
    assert named(again.events, "election")
    assert again.world.government.caretaker == 1
    assert again.world.government.formed_day == NEVER


def test_rounds_that_are_withheld_are_still_awaited_on_the_days_they_would_have_had():
    of = scenario("open_ended", CALM, STAY, "horizon_days=700")
    run = compiled.replicate(of, SEED, 0, trace=True)
    rounds = named(run.events, "dialogue round")
    again = compiled.replicate(of, SEED, 0, trace=True, withheld=withhold("united_states/dialogue round", of))
    assert len(rounds) > 3
    assert named(again.events, "dialogue round") == []
    assert again.world.united_states.next_round == run.world.united_states.next_round
    assert again.world.united_states.round_day == 0.0


def test_a_week_whose_report_is_withheld_is_never_reported():
    of = scenario("open_ended", CALM, STAY, "horizon_days=70")
    run = compiled.replicate(of, SEED, 0)
    again = compiled.replicate(of, SEED, 0, withheld=withhold("observation/weekly report#3", of))
    one, other = (list(r.world.observation.isis[:10]) for r in (run, again))
    assert other[2] == 0.0 < one[2]
    assert run.world.observation.weeks == again.world.observation.weeks == 10


# -- names ---------------------------------------------------------------------------------------------------------------
def activities(withheld: Withheld, of: Scenario) -> set[str]:
    return {f"{s.actor}/{s.activity.name}" for s in model.slots(tuple(of.groups)) if s.stream in withheld.streams}


def test_a_name_stands_for_what_it_says():
    of = scenario("open_ended")
    groups = {"militias:facade", "militias:hardline", "militias:political"}
    assert activities(withhold("militias/base attack", of), of) == {f"{group}/base attack" for group in groups}
    assert activities(withhold("militias:facade/base attack", of), of) == {"militias:facade/base attack"}
    assert activities(withhold("militias:facade", of), of) == {
        f"militias:facade/{what}" for what in ("base attack", "convoy attack", "change of regime", "dated event")
    }
    assert activities(withhold("isis", of), of) == {"isis/mass-casualty attack", "isis/jailbreak"}  # what it decides
    assert activities(withhold("isis/tempo", of), of) == {"isis/tempo"}  # bookkeeping, if it is asked for


def test_kinds_are_what_is_no_bookkeeping():
    found = kinds(scenario("open_ended"))
    assert "militias/base attack" in found
    assert not {"isis/tempo", "government/politics", "observation/weekly report"} & set(found)
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("militia:hardline/base attack#41", "did you mean militias:hardline/base attack?"),
        ("militias:hardline/base atack", "did you mean militias:hardline/base attack?"),
        ("reprisal", "did you mean united_states/reprisal?"),
        ("militias/base attack#41", "is of several groups; name one: militias:facade/base attack, "),
        ("united_states/reprisal#3", "is named by what set it off"),
        ("isis/jailbreak after militias:hardline/base attack#41", "isis/jailbreak is set off by nothing"),
        ("united_states/reprisal after militias:hardline/base attack", "its number is missing"),
        ("militias:hardline/base attack#0", "from 1 to 2^64 - 1"),
        ("militias:hardline/base attack#18446744073709551616", "from 1 to 2^64 - 1"),
        ("step:announcment", "did you mean announcement?"),
        ("step:", "no such step"),
        ("nothing of the kind", "nothing is called that; expected an event"),
        ("", "nothing is called that"),
        ("observation", "decides nothing, it only keeps books; what it does can be withheld: observation/weekly report"),
        (" after ", "nothing is called"),
    ],
)
def test_a_name_of_nothing_is_refused_in_one_line(name, words):
    with pytest.raises(RequestError) as refused:
        withhold(name, scenario("deadline_missed"))
    assert words in str(refused.value)
    assert str(refused.value).startswith(f"event = {name!r}: ")
    assert "\n" not in str(refused.value)
    assert f"did you mean {name}?" not in str(refused.value)


def test_every_event_of_a_log_can_be_named():
    for number in SHORT:
        of, _, _, run = factual(number)
        for event in run.events[:: max(1, len(run.events) // 3)]:
            assert withhold(event.name, of).of(run.events, of) == [event]
        assert Withheld("all", frozenset(s.stream for s in model.slots(tuple(of.groups)))).of(run.events, of) == run.events
