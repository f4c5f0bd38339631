"""What the seed article names of Washington and Baghdad, row by row: missions, talks, pressure, aid, a return. Each test fails if
its mechanism is taken away."""

from itertools import pairwise
from math import exp, log

import numpy as np
import pytest

from experiments.choices import ORDER, schedule_names
from sim.agents import government, iraqi_forces, isis, militias, posture, united_states
from sim.outcomes import SERIES
from sim.rules import MONTH
from sim.state import WEEKS
from tests.worlds import (
    ANNOUNCE,
    CALM,
    DAY,
    EVERYBODY,
    MIDDLE,
    NO_STRIKES,
    QUIET_POLITICS,
    STAY,
    after,
    before,
    clearly_more,
    close,
    logs,
    named,
    outcome,
    outcomes,
    runs,
    scenario,
    scheduled,
    start,
    steps_of,
    weekly,
)

PRESSURE, STANDING = ([series.name for series in SERIES].index(name) for name in ("pressure", "standing"))


# -- "transitioned to training and advisory tasks" ---------------------------------------------------------------------
def test_a_mission_change_makes_combat_troops_trainers_and_nobody_leaves():
    world, p = start(scenario("relabel_and_hold"))
    us = world.united_states
    presence, training = united_states.presence(world, p), iraqi_forces.throughput(world, p, DAY)
    united_states.take_step(world, p, 110.0, 0, MIDDLE)  # announced
    announced = posture.clarity(world, p)
    united_states.take_step(world, p, 268.0, 0, MIDDLE)
    assert (us.combat, us.training, us.enablers, us.special) == (0, 1400, 800, 300)
    assert united_states.presence(world, p) == presence
    assert iraqi_forces.throughput(world, p, DAY) > training
    assert 0.0 < announced == posture.clarity(world, p) < 1.0  # half a measure, and no date


def test_a_mission_change_alone_is_a_half_measure_of_clarity():
    unannounced = scheduled([{"name": "mission", "does": "change mission", "date": "2021-06-01"}])
    world, p = start(unannounced)
    p.schedule.offers_timetable = 0
    assert posture.clarity(world, p) == 0.0
    united_states.take_step(world, p, 55.0, 0, MIDDLE)
    assert posture.clarity(world, p) == p.militias.half_measure


def test_in_runs_relabelling_keeps_the_force_and_readies_the_iraqis():
    hold, stay = (outcomes(scenario(s, CALM, STAY, "horizon_days=730"), 15) for s in ("relabel_and_hold", "open_ended"))
    assert (hold["troop_months"] == stay["troop_months"]).all()
    assert clearly_more(hold["readiness"], stay["readiness"])


# -- "timing to be established in upcoming technical talks" ------------------------------------------------------------
TALKS = ("technical_talks", *QUIET_POLITICS, STAY, CALM, "horizon_days=300")


def test_technical_talks_end_on_a_random_day_and_only_then_is_there_a_timetable():
    waited, fixed = [], 0
    for run in runs(scenario(*TALKS), 40, kind="trace"):
        ends = named(run.events, "technical talks end")
        agreed = [event.day for event in ends if after(event, "value") == posture.FIXED]
        waited.append(ends[0].day if ends else 300.0)
        fixed += bool(agreed)
        steps = steps_of(run)
        assert not steps or steps[0] >= max(28.0, agreed[0])  # 28 is 5 May, the first day it can be announced
        if agreed and agreed[0] < 290.0:
            assert steps[0] <= max(28.0, agreed[0]) + 7.0
    expected = (1.0 - exp(-0.2 / MONTH * 300.0)) / (0.2 / MONTH)  # mean of an exponential wait, cut at the horizon
    assert close(np.array(waited), expected)
    assert 10 < fixed < 40


def test_talks_that_cannot_fix_a_timetable_leave_the_schedule_waiting():
    for run in runs(scenario(*TALKS, "government.talks_fix=0.0"), 6, kind="trace"):
        assert named(run.events, "technical talks end") or outcome(run, "troop_months") > 0
        assert steps_of(run) == []


def test_talks_fail_where_no_timetable_is_on_offer():
    world, p = start(scenario("open_ended"))
    government.end_talks(world, p, DAY, 0, (0.0,) * 4)
    assert world.government.talks == posture.FAILED


def test_failed_talks_begin_again_at_a_dialogue_round():
    restarts = 0
    for log_ in logs(scenario(*TALKS, "government.talks_fix=0.0", "government.talks_end=1.4"), 6):
        events = [event.activity for event in named(log_, "technical talks end", "dialogue round")]
        assert "technical talks end" in events
        for first, second in pairwise(events):
            assert (first, second) != ("technical talks end", "technical talks end")  # a round lies between
            restarts += (first, second) == ("dialogue round", "technical talks end")
    assert restarts > 3


# -- about 2,500, and a separate contingent of special forces ----------------------------------------------------------
def test_special_operations_weigh_more_than_their_number_in_provocation_and_against_isis():
    def without(role: str) -> tuple[float, float]:
        world, p = start()
        us = world.united_states
        assert us.troops == 2500
        left = {name: getattr(us, name) - 300 * (name == role) for name in ("combat", "training", "enablers", "special")}
        united_states.count_troops(world, 0.0, **left)
        return united_states.presence(world, p), united_states.enabling(world, p)

    assert without("special")[0] < without("combat")[0]
    assert without("special")[1] < without("combat")[1]


def test_in_runs_a_residual_of_special_operations_draws_more_fire_and_holds_isis_down_the_more_it_weighs():
    same = (STAY, CALM, *NO_STRIKES, "militias.truce_onset=0.0", "horizon_days=730")
    light, heavy = (
        outcomes(scenario("special_operations_residual", f"united_states.special_weight={w}", *same), 25) for w in (1.0, 4.0)
    )
    assert clearly_more(heavy["base_attacks"], light["base_attacks"])
    assert clearly_more(light["isis_stock"], heavy["isis_stock"])


# -- a prime minister under pressure -----------------------------------------------------------------------------------
def test_pressure_follows_the_weight_of_the_militias():
    pressure = []
    for standing in (0.1, 0.5, 0.9):
        world, p = start()
        for week in range(52):
            world.militias.standing = standing
            government.politics(world, p, 7.0 * week, 0, MIDDLE)
        pressure.append(world.government.pressure)
    assert pressure[0] < pressure[1] < pressure[2]


def test_in_runs_the_militias_press_the_government():
    pressed, free = (
        weekly(scenario("open_ended", CALM, STAY, "isis=defeated", "horizon_days=500", m), 10, PRESSURE).mean(1)
        for m in ("militias=default", "militias=disarmed")
    )
    assert clearly_more(pressed, free)


def test_pressure_brings_a_demand_for_exit_unless_a_timetable_stands():
    world, p = start()
    demand = []
    for pressure in (0.2, 0.5, 0.9):
        world.government.pressure = pressure
        demand.append(government.demand_willingness(world, p, DAY, 0))
    assert 0.0 < demand[0] < demand[1] < demand[2]
    world.united_states.dated = 1
    assert government.demand_willingness(world, p, DAY, 0) == 0.0


def test_pressure_and_a_demand_shorten_american_patience():
    world, p = start()
    early = united_states.early_exit_willingness(world, p, DAY, 0)
    world.government.pressure = 0.9
    pressed = united_states.early_exit_willingness(world, p, DAY, 0)
    world.government.exit_demanded_day = 90.0
    assert early < pressed < united_states.early_exit_willingness(world, p, DAY, 0)


# -- the joint statement: a stronger prime minister, a relation "not solely security focused" --------------------------
def test_a_dialogue_round_strengthens_the_government():
    world, p = start()
    united_states.dialogue_round(world, p, DAY, 0, MIDDLE)
    assert world.government.standing > p.government.standing
    assert world.government.pressure < p.government.pressure


def test_a_dialogue_round_renews_hope_of_a_timetable():
    world, p = start(scenario("technical_talks"))
    hope = posture.clarity(world, p)
    government.end_talks(world, p, DAY, 0, (0.999,) * 4)
    assert posture.clarity(world, p) == 0.0 < hope
    united_states.dialogue_round(world, p, DAY + 1.0, 0, MIDDLE)
    assert posture.clarity(world, p) == hope


def test_aid_raises_standing_and_relieves_pressure():
    levers = [scheduled([], CALM, STAY, "horizon_days=500", aid=aid) for aid in (0.0, 1.0)]
    none, full = (weekly(lever, 10, STANDING).mean(1) for lever in levers)
    assert clearly_more(full, none)
    none, full = (weekly(lever, 10, PRESSURE).mean(1) for lever in levers)
    assert clearly_more(none, full)


# -- human rights absent from the communique ---------------------------------------------------------------------------
def test_attention_to_human_rights_gains_standing_at_the_cost_of_pressure():
    found = []
    for attention in (0.0, 1.0):
        world, p = start(scheduled([], human_rights=attention))
        united_states.dialogue_round(world, p, DAY, 0, MIDDLE)
        found.append((world.government.standing, world.government.pressure))
    assert found[1][0] > found[0][0]
    assert found[1][1] > found[0][1]


def test_attention_to_human_rights_starves_recruitment():
    world, p = start()
    joining = []
    for attention in (0.0, 0.5, 1.0):  # at the same standing, which it also raises
        p.schedule.human_rights = attention
        joining.append(isis.recruits(world, p))
    assert joining[0] > joining[1] > joining[2] > 0.0
    silent, attentive = (
        outcomes(scheduled([], CALM, STAY, "horizon_days=730", human_rights=h), 10)["isis_stock"] for h in (0.0, 1.0)
    )
    assert clearly_more(silent, attentive)


# -- left in 2011, returned in 2014 ------------------------------------------------------------------------------------
BACK = {"when": ["at least 1 reported ISIS attacks in 90 days"], "after_days": 60, "posture": {"training": 500, "enablers": 600}}


def test_a_withdrawal_can_be_reversed():
    left = [ANNOUNCE, {**EVERYBODY, "after": "announcement", "days": 100}]
    for run in runs(scheduled(left, STAY, CALM, "horizon_days=400", come_back=BACK), 3, kind="trace"):
        (back,) = named(run.events, "return")
        assert before(back, "troops") == 0
        assert after(back, "troops") == 1100
        assert back.day == 150.0 + 60.0  # the first monthly review after the exit of day 126, and sixty days
        assert back.cause == "united_states/decision to return#5"
        assert outcome(run, "returned")
        assert outcome(run, "returned_day") == back.day
    for run in runs(scheduled(left, STAY, CALM, "horizon_days=400"), 3):
        assert not outcome(run, "returned")


def test_help_is_asked_for_as_isis_attacks_double_and_brings_the_return_of_the_shipped_schedule():
    world, p = start()
    assert government.help_willingness(world, p, DAY, 0) == 0.0
    for times, doublings in ((1.9, 0.0), (2.1, log(2.1) / log(2.0)), (4.0, 2.0)):
        world.observation.isis[:] = [times * world.observation.isis_usual] * WEEKS
        assert government.help_willingness(world, p, DAY, 0) == pytest.approx(doublings * government.HELP / MONTH)
    returned = [r for r in runs(scenario("exit_and_return", "iraqi_forces=weak"), 8, kind="trace") if outcome(r, "returned")]
    assert returned
    for run in returned:
        asked = [event.day for event in named(run.events, "request for help")]
        assert asked
        assert asked[0] < outcome(run, "returned_day")


# -- embassy staff withdrawn as tension rises --------------------------------------------------------------------------
def test_embassy_staff_follow_the_threat():
    world, p = start()
    united_states.staff_embassy(world, p, DAY, 0, MIDDLE)
    quiet = world.united_states.staff
    world.observation.bases[:] = [10.0] * WEEKS
    united_states.staff_embassy(world, p, DAY, 0, MIDDLE)
    assert world.united_states.staff == 1.0 - united_states.EMBASSY_CAUTION < quiet
    world.observation.bases[:] = [0.0] * WEEKS
    united_states.staff_embassy(world, p, DAY, 0, MIDDLE)
    assert world.united_states.staff == 1.0


def test_an_emptied_embassy_is_a_threat_that_is_believed_and_aid_that_is_not_spent():
    world, p = start()
    assert militias.to_truce(world, p, DAY, 0) == 0.0
    world.united_states.staff = 0.5
    assert militias.to_truce(world, p, DAY, 0) == pytest.approx(0.5 * p.militias.truce_onset / MONTH)
    gained = []
    for staff in (0.5, 1.0):
        world, p = start()
        world.united_states.staff = staff
        government.politics(world, p, DAY, 0, MIDDLE)
        gained.append(world.government.standing - p.government.standing)
    assert gained[1] > gained[0] > 0.0


def test_in_runs_staff_leave_and_come_back():
    shares = {
        after(event, "value") for log_ in logs(scenario("open_ended", CALM), 25) for event in named(log_, "embassy staffing")
    }
    assert len(shares) > 10
    assert 0.5 <= min(shares) < 0.9 < max(shares) <= 1.0


# -- "never a permanent mission" ---------------------------------------------------------------------------------------
def test_open_ended_negotiated_fixed_and_conditional_schedules_are_all_expressible():
    assert set(ORDER) <= set(schedule_names())
    plans = {name: scenario(name).plan for name in ORDER}
    assert len(plans) == 11
    assert plans["open_ended"].schedule.steps == ()
    assert plans["technical_talks"].schedule.steps[0].only_if == ("talks concluded",)
    assert all(row["date"] and not row["conditional"] for row in plans["phased_18_months"].marks())
    assert any(row["conditional"] for row in plans["conditions_based"].marks())
    assert plans["exit_and_return"].schedule.come_back is not None


FIXED = [s for s in ORDER if s not in ("open_ended", "technical_talks", "conditions_based")]


@pytest.mark.parametrize("schedule", FIXED)
def test_a_schedule_of_dates_runs_as_planned(schedule):
    of = scenario(schedule, STAY, CALM, "horizon_days=700", "government.exit_demand=0.0")
    (run,) = runs(of, 1, kind="trace")
    us = run.world.united_states
    assert steps_of(run) == of.plan.days
    assert [us.combat, us.training, us.enablers, us.special] == list(of.plan.postures[-1].values())
    assert outcome(run, "exit_completed") == (us.troops == 0)
    assert outcome(run, "promise_broken") == (schedule == "deadline_missed")
