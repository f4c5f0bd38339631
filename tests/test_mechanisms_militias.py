"""What the seed article names of the militias, row by row: rockets, truces, a proxy war. Each test fails if its mechanism is
taken away."""

from datetime import date
from itertools import pairwise

import pytest

from sim.agents import environment, militias, reprisals
from sim.rules import MONTH, NEVER
from tests.worlds import (
    CALM,
    DAY,
    FACADE,
    HARDLINE,
    MIDDLE,
    NO_STRIKES,
    POLITICAL,
    QUIET_POLITICS,
    STAY,
    UNIFORM,
    after,
    change,
    clearly_more,
    logs,
    named,
    outcomes,
    scenario,
    start,
)


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


# -- Soleimani and al-Muhandis; a proxy war that mostly cost Iraqi lives -----------------------------------------------
def test_a_killing_of_senior_figures_sets_tension_on_edge_and_groups_into_a_surge():
    world, p = start()
    quiet = militias.to_surge(world, p, DAY, 0)
    tension, pressure = environment.tension(world, p, DAY), world.government.pressure
    reprisals.kill_senior(world, p, DAY, 0, MIDDLE)
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
