"""The machinery of schedules at work: gates, pauses, acceleration, forced exits, the horizon. Each test fails if its mechanism is
taken away."""

from math import exp

import pytest

from sim.agents import posture, reprisals, united_states
from sim.outcomes import EVENTS
from sim.rules import MONTH
from sim.state import CONDITIONS, STEPS
from tests.worlds import (
    ANNOUNCE,
    CALM,
    DAY,
    EVERYBODY,
    MIDDLE,
    QUIET_POLITICS,
    STAY,
    after,
    change,
    named,
    outcome,
    outcomes,
    runs,
    scenario,
    scheduled,
    start,
    steps_of,
)

ALWAYS = ["at least 0 reported base attacks in 30 days"]
NEVER_HOLDS = ["at least 100000 reported base attacks in 30 days"]
BARE = (STAY, CALM, "horizon_days=400", "government.exit_demand=0.0")


def leave(**more) -> dict:
    return {**EVERYBODY, "after": "announcement", "days": 100, **more}


def test_a_step_whose_gate_holds_happens_on_its_day():
    (run,) = runs(scheduled([ANNOUNCE, leave(only_if=ALWAYS)], *BARE), 1, kind="trace")
    assert steps_of(run) == [26.0, 126.0]


def test_a_step_whose_gate_never_holds_waits_for_ever():
    (run,) = runs(scheduled([ANNOUNCE, leave(only_if=NEVER_HOLDS)], *BARE), 1, kind="trace")
    assert steps_of(run) == [26.0]
    assert run.world.united_states.troops == 2500


@pytest.mark.parametrize(("limit", "day"), [({"latest": "2021-11-01"}, 208.0), ({"wait_at_most": 50}, 176.0)])
def test_at_its_latest_day_a_gated_step_happens_anyway(limit, day):
    (run,) = runs(scheduled([ANNOUNCE, leave(only_if=NEVER_HOLDS, **limit)], *BARE), 1, kind="trace")
    assert steps_of(run) == [26.0, day]
    assert outcome(run, "exit_completed_day") == day


def test_a_step_that_waits_too_long_breaks_the_schedule():
    given_up = leave(only_if=NEVER_HOLDS, wait_at_most=50, otherwise="the schedule is broken")
    (run,) = runs(scheduled([{**ANNOUNCE, "promise_days": 300}, given_up], *BARE), 1, kind="trace")
    assert steps_of(run) == [26.0, 176.0]  # the second is the giving up
    assert run.world.united_states.troops == 2500
    assert outcome(run, "promise_broken_day") == 176.0
    assert posture.clarity(run.world, start(scheduled([]))[1]) == 0.0


def test_a_gate_opens_when_reports_allow_it():
    held = leave(only_if=["no US death for 150 days"])
    waited = 0
    of = scheduled([ANNOUNCE, held], STAY, CALM, "horizon_days=900", "militias.lethality=0.069")
    for run in runs(of, 8, kind="trace"):
        deaths = [event.day for event in run.events if change(event, "us_deaths") > 0]
        for day in steps_of(run)[1:]:
            assert not [d for d in deaths if day - 150.0 < d < day]
            waited += day > 126.0
    assert waited > 2


def test_a_pause_puts_steps_off():
    often = {"when": ["at least 1 reported base attacks in 28 days"], "days": 45}
    paused = scheduled([ANNOUNCE, leave()], *BARE, pause=often)
    (run,) = runs(paused, 1, kind="trace")
    assert steps_of(run)[0] == 26.0
    assert steps_of(run)[1:] != [126.0]
    world, p = start(paused)
    assert united_states.pause_ready(world, p, 30.0, 0)
    united_states.pause(world, p, 30.0, 0, MIDDLE)
    assert world.united_states.hold_until == 75.0
    p.schedule.threshold[STEPS * CONDITIONS] = 999.0  # the gate of a pause comes after those of the steps
    assert not united_states.pause_ready(world, p, 60.0, 0)


def test_a_pause_lasts_as_long_as_reviews_find_its_reason():
    # "At a monthly review in which `when` holds, no step happens for `days`": at each, not only once the last pause is over.
    paused = scheduled([ANNOUNCE, leave()], *BARE, pause={"when": ALWAYS, "days": 100})
    (run,) = runs(paused, 1, kind="trace")
    assert steps_of(run) == [26.0]


def test_a_pause_works_without_an_announcement():
    # "At a monthly review in which `when` holds, no step happens for `days`": nothing there about an announcement.
    silent = scheduled([{**EVERYBODY, "date": "2021-08-01"}], *BARE, pause={"when": ALWAYS, "days": 100})
    (run,) = runs(silent, 1, kind="trace")
    assert steps_of(run) == []


def test_acceleration_shortens_what_is_left():
    hurried = scheduled([ANNOUNCE, leave()], *BARE, accelerate={"when": ALWAYS, "to_share": 0.5})
    (run,) = runs(hurried, 1, kind="trace")
    assert run.world.united_states.pace_day == 30.0
    assert steps_of(run) == [26.0, pytest.approx(30.0 + (126.0 - 30.0) / 2, abs=7.0)]


def test_several_steps_of_one_day_happen_on_that_day():
    # Also on the very first day.
    relabel = {"name": "mission", "does": "change mission", "date": "2021-04-07"}
    of = scheduled([{**ANNOUNCE, "date": "2021-04-07"}, relabel, leave()], *BARE)
    (run,) = runs(of, 1, kind="trace")
    assert steps_of(run) == of.plan.days == [0.0, 0.0, 100.0]


def test_a_promise_that_has_passed_before_it_is_made_is_a_broken_one():
    # Talks may conclude after the date that the announcement was to promise.
    late = {**ANNOUNCE, "only_if": ["talks concluded"], "promise": "2021-06-30"}
    of = scheduled([late, leave()], *BARE, *QUIET_POLITICS, "government.talks_fix=1.0", "government.talks_end=0.3")
    found = [run for run in runs(of, 12, kind="trace") if steps_of(run) and steps_of(run)[0] > 84.0]
    assert found
    for run in found:
        assert outcome(run, "promise_broken")
        assert run.world.united_states.dated == 0


def test_a_forced_exit_comes_three_months_after_the_decision_and_ends_the_schedule():
    forced = 0
    for run in runs(scenario("phased_18_months", "united_states.early_exit=0.05", "horizon_days=500"), 20, kind="trace"):
        for event in named(run.events, "forced departure"):
            assert event.day == run.world.united_states.exit_decided_day + united_states.EXIT_NOTICE
            assert event.day == outcome(run, "exit_forced_day") == outcome(run, "exit_completed_day")
            assert event.cause.startswith("united_states/early exit#")
            assert after(event, "troops") == 0
            assert not [day for day in steps_of(run) if day > event.day]
            forced += 1
    assert forced > 5


def test_a_forced_exit_is_never_later_than_the_schedule_had_it():
    of = scenario("rapid_6_months", "united_states.early_exit=0.02", "horizon_days=330")
    planned, overtaken = of.plan.days[-1], 0
    for run in runs(of, 40):
        assert outcome(run, "exit_completed_day") <= planned
        if run.world.united_states.exit_decided_day > planned - united_states.EXIT_NOTICE:
            overtaken += 1
            assert not outcome(run, "exit_forced")  # the schedule's own departure came first
    assert overtaken > 2  # the case in question is there


def test_deaths_and_time_wear_patience_down():
    world, p = start()
    fresh = united_states.early_exit_willingness(world, p, DAY, 0)
    assert united_states.early_exit_willingness(world, p, DAY + 300.0, 0) > fresh
    reprisals.lose(world, p, DAY, 3)
    assert united_states.early_exit_willingness(world, p, DAY, 0) == pytest.approx(
        fresh * exp(3 * p.united_states.exit_per_death)
    )
    assert united_states.early_exit_willingness(world, p, DAY + 90.0, 0) < fresh * exp(1.2 * p.united_states.exit_per_death) * 1.1


def test_times_are_censored_at_the_horizon():
    found = outcomes(scenario("exit_and_return", "horizon_days=380"), 12)
    assert (found["exit_completed_day"][found["exit_completed"] == 0] == 380.0).all()
    for name in EVENTS:
        happened, day = found[name] == 1, found[f"{name}_day"]
        assert (day[~happened] == 380.0).all(), name
        assert (day[happened] < 380.0).all(), name
    longer = outcomes(scenario("exit_and_return", "horizon_days=420"), 12)
    late = (found["exit_completed"] == 0) & (longer["exit_completed"] == 1)
    assert late.sum() > 5  # the exit of day 391 is beyond the shorter horizon only
    assert (longer["exit_completed_day"][late] >= 380.0).all()


def test_the_last_day_counts():
    of = scheduled([{**EVERYBODY, "date": "2021-07-06"}], STAY, CALM, "horizon_days=90")
    (run,) = runs(of, 1)
    assert of.plan.days == [90.0] == [outcome(run, "exit_completed_day")]
    assert outcome(run, "exit_completed")
    (run,) = runs(scheduled([{**EVERYBODY, "date": "2021-07-06"}], STAY, CALM, "horizon_days=89"), 1)
    assert not outcome(run, "exit_completed")


def test_presence_and_its_cost_are_counted_in_troop_days():
    of = scheduled([{**EVERYBODY, "date": "2021-07-06"}], STAY, CALM, "horizon_days=200")
    (run,) = runs(of, 1)
    assert outcome(run, "troop_months") == pytest.approx(2500 * 90.0 / MONTH)
    assert outcome(run, "cost") == pytest.approx(2500 * 90.0 / 365.25)
