"""What the seed article names, row by row: each test fails if its mechanism is taken away."""

from datetime import date
from itertools import pairwise
from math import exp, log

import numpy as np
import pytest

from experiments.choices import ORDER, schedule_names
from sim.agents import environment, government, iraqi_forces, isis, militias, posture, united_states
from sim.chance import power_law
from sim.outcomes import SERIES
from sim.rules import MONTH, NEVER
from sim.state import WEEKS
from tests.worlds import (
    ANNOUNCE,
    CALM,
    DAY,
    EVERYBODY,
    FACADE,
    HARDLINE,
    MIDDLE,
    NO_STRIKES,
    POLITICAL,
    QUIET_POLITICS,
    STAY,
    UNIFORM,
    after,
    before,
    change,
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


# -- rockets "in an attempt to pressure Washington into withdrawing" ---------------------------------------------------
def test_restraint_keeps_attacks_below_what_kills_and_so_below_what_is_answered():
    def landed(restraint: float) -> tuple[int, int]:
        world, p = start(scenario("open_ended", "united_states.strike_if_harmless=0.0"))
        answers = 0
        for k, u in enumerate(UNIFORM):
            world.united_states.strike_due = NEVER
            militias.land(world, p, DAY, restraint, (u, UNIFORM[-k - 1], 0.5, 0.5))
            answers += world.united_states.strike_due < NEVER
        return world.united_states.deaths, answers

    (deaths, answers), (restrained_deaths, restrained_answers) = landed(0.2), landed(0.8)
    assert deaths > 3 * restrained_deaths > 0
    assert answers > 3 * restrained_answers > 0
    assert landed(1.0) == (0, 0)


def test_harmless_attacks_alone_bring_no_reprisal_where_the_red_line_is_a_death():
    for log_ in logs(scenario("open_ended", "united_states.strike_if_harmless=0.0", CALM, "horizon_days=730"), 6):
        lethal = {event.name for event in named(log_, "base attack") if change(event, "us_deaths") > 0}
        assert {event.cause for event in named(log_, "reprisal")} <= lethal


def test_a_restrained_group_kills_less_often_with_the_same_luck():
    deaths = []
    for group in (HARDLINE, FACADE, POLITICAL):  # restraint 0.8, 1.1 and 1.3 times the whole's
        world, p = start(scenario("open_ended", *NO_STRIKES))
        for u in UNIFORM:
            militias.attack(world, p, DAY, group, (u, 0.0, 0.99, 0.99))
        deaths.append(world.united_states.deaths)
    assert deaths[0] > deaths[1] > deaths[2] > 0


# -- "never accept the policy of an open timeline" ---------------------------------------------------------------------
def test_a_truce_is_called_for_by_a_timetable_and_not_by_an_open_timeline():
    world, p = start()
    assert militias.to_truce(world, p, DAY, 0) == 0.0
    world.united_states.dated = 1
    assert militias.to_truce(world, p, DAY, 0) == p.militias.truce_onset / MONTH


def test_in_runs_a_timetable_brings_truces():
    promised, open_ended = (
        outcomes(scenario(s, CALM, STAY, "horizon_days=500"), 30)["truce_days"] for s in ("phased_18_months", "open_ended")
    )
    assert clearly_more(promised, open_ended)


def test_a_truce_frays_to_half_the_ordinary_rate_by_its_fifth_month():
    world, p = start()
    world.militias.regime[0] = militias.TRUCE
    rates = [militias.regime_rate(world, p, month * MONTH, 0) for month in (0, 1, 2, 3, 4, 5, 9)]
    assert rates[0] == p.militias.truce_rate
    assert all(a < b for a, b in pairwise(rates[:6]))
    assert rates[5] == pytest.approx(0.5 * p.militias.ordinary_rate) == rates[6]


def test_a_truce_ends_sooner_once_a_promised_date_has_passed():
    world, p = start(scenario("open_ended", "militias.surge_onset=0.0"))
    world.militias.regime[0] = militias.TRUCE
    kept = militias.change_willingness(world, p, DAY, 0)
    world.united_states.betrayed = 1
    assert militias.change_willingness(world, p, DAY, 0) == pytest.approx(p.militias.betrayal * kept)
    assert 2.0 <= p.militias.betrayal <= 4.0


def test_the_regimes_differ_in_rate_as_published():
    world, p = start()
    rates = {}
    for regime in (militias.PAUSE, militias.TRUCE, militias.ORDINARY, militias.SURGE):
        world.militias.regime[0] = regime
        rates[regime] = militias.regime_rate(world, p, 0.0, 0)
    assert rates == {militias.PAUSE: 0.25, militias.TRUCE: 1.7, militias.ORDINARY: 5.6, militias.SURGE: 9.5}


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


# -- Soleimani and al-Muhandis; a proxy war that mostly cost Iraqi lives -----------------------------------------------
def test_a_killing_of_senior_figures_sets_tension_on_edge_and_groups_into_a_surge():
    world, p = start()
    quiet = militias.to_surge(world, p, DAY, 0)
    tension, pressure = environment.tension(world, p, DAY), world.government.pressure
    united_states.kill_senior(world, p, DAY, 0, MIDDLE)
    assert environment.tension(world, p, DAY) > max(tension, 0.85)
    assert world.government.pressure > pressure  # it fell on Iraqi soil
    assert militias.to_surge(world, p, DAY + 1.0, 0) > 20 * (quiet + 1e-3)
    assert world.united_states.strikes == 1


def test_tension_comes_in_shocks_that_fade_and_around_the_anniversary():
    world, p = start()
    assert environment.tension(world, p, DAY) == 0.0
    environment.shock(world, p, DAY, 0, MIDDLE)
    assert environment.tension(world, p, DAY) > environment.tension(world, p, DAY + 30.0) > 0.0
    anniversary = float((date(2022, 1, 3) - date(2021, 4, 7)).days)
    assert environment.tension(world, p, anniversary) > environment.tension(world, p, anniversary - 20.0) + 0.2
    world.environment.war_until = 500.0
    assert environment.tension(world, p, 499.0) == 1.0


def test_tension_brings_surges_the_closer_the_ties():
    world, p = start()
    assert militias.to_surge(world, p, DAY, HARDLINE) == 0.0
    environment.shock(world, p, DAY, 0, MIDDLE)
    tension = environment.tension(world, p, DAY)
    for group in range(3):
        assert militias.to_surge(world, p, DAY, group) == pytest.approx(0.15 / MONTH * tension * p.groups.ties[group])


def test_in_runs_tension_brings_surges():
    def surges(*overrides: str) -> int:
        return sum(
            after(event, "value") == militias.SURGE
            for log_ in logs(scenario("open_ended", *QUIET_POLITICS, *overrides, "horizon_days=500"), 12)
            for event in named(log_, "change of regime")
        )

    assert surges("environment.escalation=0.0", "environment.shocks=3.0", "militias.surge_onset=0.4") > 3 * surges(
        CALM, "militias.surge_onset=0.4"
    )


def test_a_regional_war_multiplies_attacks_and_only_while_it_lasts():
    world, p = start()
    assert militias.war_willingness(world, p, DAY, 0) == 0.0
    environment.war(world, p, DAY, 0, MIDDLE)
    usual = sum(militias.attack_willingness(world, p, DAY, group) for group in range(3))
    assert militias.war_willingness(world, p, DAY, 0) > 5 * usual
    assert militias.war_willingness(world, p, world.environment.war_until, 0) == 0.0


def test_iraqi_civilians_die_more_often_than_americans():
    found = outcomes(scenario("open_ended", CALM, STAY), 25)
    assert 2.0 < found["civilian_deaths"].sum() / found["us_deaths"].sum() < 6.0
    hit = from_strikes = 0
    for log_ in logs(scenario("open_ended", CALM), 25):
        hit += sum(change(event, "civilian_deaths") for event in named(log_, "base attack"))
        from_strikes += sum(change(event, "civilian_deaths") for event in named(log_, "reprisal"))
    assert hit > from_strikes > 0  # militia and US action both cost lives


def test_a_rocket_that_kills_civilians_costs_the_militias_standing_and_presses_the_government():
    world, p = start()
    pressure = world.government.pressure
    militias.land(world, p, DAY, 0.5, (0.99, 0.999, 0.99, 0.99))
    assert world.militias.civilian_deaths > 0
    assert world.militias.standing < 0.5
    assert world.government.pressure > pressure


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


# -- remote terrain, sleeper cells, a twin bombing ---------------------------------------------------------------------
def test_mass_casualty_attacks_come_from_urban_cells():
    world, p = start()
    usual = isis.mass_casualty_willingness(world, p, DAY, 0)
    world.isis.rural, world.isis.urban = world.isis.rural + world.isis.urban, 0.0
    assert usual > 0.0 == isis.mass_casualty_willingness(world, p, DAY, 0)


def test_cities_lean_less_on_the_coalition_than_remote_country_does():
    world, p = start(scenario("open_ended", "isis.volatility=0.0"))
    united_states.count_troops(world, 0.0, 0, 0, 0, 0)
    rural, urban = world.isis.rural, world.isis.urban
    for week in range(52):
        isis.pass_week(world, p, 7.0 * week, 0, MIDDLE)
    assert world.isis.rural / rural > world.isis.urban / urban > 1.0


def test_severity_has_a_heavy_tail():
    _, p = start()
    assert 0.02 <= p.isis.mass_share <= 0.05  # P(10 or more | fatal)
    deaths = [power_law(u, p.isis.severity, isis.MASS, isis.MOST) for u in UNIFORM]
    assert min(deaths) == isis.MASS
    assert max(deaths) == isis.MOST
    assert 0.003 <= p.isis.mass_share * np.mean(np.array(deaths) >= 30) <= 0.009  # P(30 or more | fatal)


@pytest.mark.parametrize("exponent", [2.3, 2.35, 2.5])
def test_the_derived_tail_is_that_of_the_power_law(exponent):
    derived = isis.derive(isis.Beliefs(severity=exponent))
    k = np.arange(1, 101)
    share = k**-exponent / (k**-exponent).sum()
    assert derived["mass_share"] == pytest.approx(share[9:].sum())
    assert 0.015 <= derived["mass_share"] <= 0.05
    assert derived["small_mean"] == pytest.approx((k * share)[:9].sum() / share[:9].sum())
    assert derived["small_square"] == pytest.approx((k * k * share)[:9].sum() / share[:9].sum())


def test_in_runs_mass_casualty_attacks_kill_ten_or_more_and_are_the_expected_share_of_fatal_ones():
    found = outcomes(scenario("open_ended", CALM, STAY), 25)
    _, p = start()
    killed = np.array(
        [
            change(event, "isis_deaths")
            for log_ in logs(scenario("open_ended", CALM), 25)
            for event in named(log_, "mass-casualty attack")
        ]
    )
    assert isis.MASS == killed.min() < killed.max() <= isis.MOST
    assert close(killed, np.mean([power_law(u, p.isis.severity, isis.MASS, isis.MOST) for u in UNIFORM]))
    expected = found["isis_attacks"] * p.isis.fatal_share * p.isis.mass_share
    urban = 0.85  # cities hold a little more than a fifth of a shrinking stock, or less of a growing one: within a sixth
    assert urban < found["mass_casualty_attacks"].sum() / expected.sum() < 1.0 / urban


def test_jailbreaks_free_fighters_where_forces_are_unready():
    world, p = start()
    ready = isis.jailbreak_willingness(world, p, DAY, 0)
    world.iraqi_forces.readiness = 0.3
    assert isis.jailbreak_willingness(world, p, DAY, 0) > ready > 0.0
    members = isis.stock(world)
    isis.jailbreak(world, p, DAY, 0, MIDDLE)
    assert isis.stock(world) > members


# -- intelligence gaps, aerial support ---------------------------------------------------------------------------------
def test_enabler_capacity_saturates_in_troops():
    world, p = start()
    capacity = []
    for size in (0, 1000, 2000, 3000):
        united_states.count_troops(world, 0.0, 0, 0, size, 0)
        capacity.append(united_states.enabling(world, p))
    gains = np.diff(capacity)
    assert capacity[0] == 0.0
    assert capacity[-1] < 1.0
    assert gains[0] > gains[1] > gains[2] > 0.0


def test_at_the_posture_of_2021_capacity_is_that_of_2500_troops():
    world, p = start()
    assert united_states.enabling(world, p) == pytest.approx(1.0 - exp(-2500 / 1500))


def test_an_exit_costs_more_the_more_the_forces_depend_on_enablers():
    world, p = start()
    united_states.count_troops(world, 0.0, 0, 0, 0, 0)
    lost = [isis.effort(world, p, DAY, dependence) for dependence in (0.1, 0.3, 0.6)]
    assert 1.0 > lost[0] > lost[1] > lost[2]


# -- US-trained units and militias -------------------------------------------------------------------------------------
def test_advisers_train_the_forces_with_diminishing_returns():
    world, p = start()
    training = []
    for advisers in (0, 450, 900, 1350):
        world.united_states.training = advisers
        training.append(iraqi_forces.throughput(world, p, DAY))
    gains = np.diff(training)
    assert training[0] == 0.0
    assert gains[0] > gains[1] > gains[2] > 0.0


def test_readiness_keeps_its_level_under_full_training_and_decays_without():
    world, p = start()
    world.observation.bases[:] = [0.0] * WEEKS
    for week in range(52):
        iraqi_forces.train(world, p, 7.0 * week, 0, MIDDLE)
    assert world.iraqi_forces.readiness == pytest.approx(0.6)
    world.united_states.training = 0
    iraqi_forces.train(world, p, 400.0, 0, MIDDLE)
    assert world.iraqi_forces.readiness == pytest.approx(0.6 * (1.0 - p.iraqi_forces.decay * 7.0 / MONTH))


def test_part_of_the_effort_against_isis_is_the_militias_own():
    world, p = start()
    all_there = isis.effort(world, p, DAY, p.isis.dependence)
    world.militias.regime[HARDLINE] = militias.SURGE
    assert militias.busy(world, p, DAY) == p.groups.capacity[HARDLINE] == 0.45
    one_busy = isis.effort(world, p, DAY, p.isis.dependence)
    world.environment.war_until = 500.0
    assert all_there > one_busy > isis.effort(world, p, DAY, p.isis.dependence)
    assert isis.effort(world, p, DAY, p.isis.dependence) == pytest.approx((1.0 - isis.MILITIA_EFFORT) * all_there)


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
