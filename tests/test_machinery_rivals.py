"""The machinery of attacks: rival theories of announcements, clustering, how long regimes last. Each test fails if its mechanism
is taken away."""

from math import log

import numpy as np
import pytest

from sim.agents import announcements, government, militias, united_states
from sim.chance import erlang3_hazard
from sim.rules import MONTH
from tests.worlds import (
    BASE_ATTACKS,
    CALM,
    DAY,
    FOUR,
    HARDLINE,
    ISIS_ATTACKS,
    MIDDLE,
    NO_STRIKES,
    POLITICAL,
    QUIET_POLITICS,
    STAY,
    UNIFORM,
    after,
    clearly_more,
    close,
    gap,
    logs,
    named,
    outcomes,
    scenario,
    start,
    weekly,
)


# == announcements: rival theories ======================================================================================
def factor(module: str, day: float, **us) -> float:
    world, p = start(scenario("rapid_6_months", f"rivals/announcement={module}"))
    for name, value in us.items():
        setattr(world.united_states, name, value)
    return announcements.announcement_factor(world, p, day)


def test_no_theory_no_factor():
    assert {factor("none", day, announced_day=26.0, departure_day=90.0) for day in (0.0, 27.0, 91.0, 300.0)} == {1.0}


def test_coercive_signalling_raises_attacks_around_rounds_and_after_announcements():
    near = 7.5
    assert factor("coercive_signalling", 0.0) == 1.8  # the scenario starts on the day of a round
    assert factor("coercive_signalling", near + 0.1) == 1.0
    assert factor("coercive_signalling", 120.0 - near) == 1.8  # the next round is awaited on day 120
    assert factor("coercive_signalling", 120.0 - near - 0.1) == 1.0
    assert factor("coercive_signalling", 26.0 + near, announced_day=26.0) == 1.8
    assert factor("coercive_signalling", 26.0 + near + 0.1, announced_day=26.0) == 1.0


def test_emboldenment_is_small_and_gone_within_a_month():
    assert factor("emboldenment", 25.0) == 1.0
    assert factor("emboldenment", 26.0, announced_day=26.0) == 1.085
    assert factor("emboldenment", 56.0, announced_day=26.0) == 1.085
    assert factor("emboldenment", 56.1, announced_day=26.0) == 1.0


def test_lie_low_then_surge_lowers_attacks_until_a_departure_and_raises_them_around_it():
    assert factor("lie_low_then_surge", 25.0) == 1.0
    assert factor("lie_low_then_surge", 90.0, announced_day=26.0) == 0.8
    assert factor("lie_low_then_surge", 101.0, announced_day=26.0, departure_day=101.0) == 1.3
    assert factor("lie_low_then_surge", 161.0, announced_day=26.0, departure_day=101.0) == 1.3
    assert factor("lie_low_then_surge", 162.0, announced_day=26.0, departure_day=101.0) == 0.8
    assert factor("lie_low_then_surge", 400.0, announced_day=26.0, betrayed=1) == 1.0
    assert factor("lie_low_then_surge", 400.0, announced_day=26.0, departure_day=206.0, troops=0) == 1.0


def test_in_runs_each_theory_moves_attacks_its_own_way():
    same = (CALM, STAY, "horizon_days=150", "militias.truce_onset=0.0", *NO_STRIKES)
    extremes = {
        "coercive_signalling": "rivals.announcement.signalling_factor=3.0",
        "emboldenment": "rivals.announcement.emboldenment_factor=3.0",
        "lie_low_then_surge": "rivals.announcement.lie_low_factor=0.3",
    }
    plain = outcomes(scenario("phased_18_months", *same), 30)["base_attacks"]
    loud, bold, low = (
        outcomes(scenario("phased_18_months", *same, f"rivals/announcement={m}", o), 30)["base_attacks"]
        for m, o in extremes.items()
    )
    assert clearly_more(loud, plain)
    assert clearly_more(bold, plain)
    assert clearly_more(plain, low)


# == clustering =========================================================================================================
ORDINARY = (
    *("militias=one_group", "militias.truce_onset=0.0", "militias.surge_onset=0.0", "militias.timetable_calm=0.0"),
    *("government.standing=0.0", "government.pressure=1.0", "isis=defeated", CALM, STAY, *QUIET_POLITICS, *NO_STRIKES),
)  # nothing but the ordinary regime: no truce, surge, pause, strike or crackdown


def test_self_excitation_keeps_the_published_total_rate():
    many = {}
    for branching in (0.0, 0.2, 0.4):
        excited = weekly(scenario("open_ended", *ORDINARY, f"rivals.excitation.branching={branching}"), 40, BASE_ATTACKS)
        many[branching] = excited[:, 26:].sum(1)  # past the weeks it takes excitement to build up
    weeks = 1096 // 7 - 26
    published = 5.6 / MONTH * 7.0 * weeks
    for attacks in many.values():
        assert close(attacks, published)
    for branching in (0.2, 0.4):
        mean, error = gap(many[branching], many[0.0])
        assert abs(mean) < FOUR * error
        # a branching process of n = 0.2, 0.4 has variance 1 / (1 - n)^2 times that of a Poisson process
        assert many[branching].var(ddof=1) > many[0.0].var(ddof=1)


def test_self_excitation_can_be_switched_off():
    of = ("open_ended", *ORDINARY, "horizon_days=400")
    off, nil = (
        outcomes(scenario(*of, o), 5)["base_attacks"] for o in ("rivals/excitation=off", "rivals.excitation.branching=0.0")
    )
    assert (off == nil).all()
    world, p = start(scenario(*of, "rivals/excitation=off"))
    quiet = militias.attack_willingness(world, p, DAY, 0)
    militias.attack(world, p, DAY, 0, (0.99,) * 4)
    assert militias.attack_willingness(world, p, DAY, 0) == quiet


def test_an_attack_excites_its_own_group_for_some_days():
    world, p = start(scenario("open_ended", "rivals.excitation.half_life=5.0", "rivals.excitation.branching=0.2", *NO_STRIKES))
    quiet = [militias.attack_willingness(world, p, DAY, group) for group in range(2)]
    militias.attack(world, p, DAY, 0, (0.99, 0.0, 0.99, 0.99))
    excess = [militias.attack_willingness(world, p, DAY + age, 0) - quiet[0] for age in (0.0, 5.0, 10.0)]
    assert excess[0] == pytest.approx(0.2 * log(2.0) / 5.0)
    assert excess[1] == pytest.approx(excess[0] / 2)
    assert excess[2] == pytest.approx(excess[0] / 4)
    assert militias.attack_willingness(world, p, DAY, 1) == quiet[1]


def test_monthly_counts_of_isis_attacks_are_negative_binomial():
    # A constant stock (no attrition, no fortune), no Ramadan, nobody killed: only tempo and chance are left.
    level = ("isis.attrition=0.0", "isis.volatility=0.0", "isis.ramadan=1.0", "isis.jailbreaks=0.0", "isis.fatal_share=0.0")
    weeks = weekly(scenario("open_ended", *level, CALM, STAY, "militias=disarmed", "isis.dispersion=5.0"), 25, ISIS_ATTACKS)
    months = weeks[:, 3:155].reshape(-1, 4).sum(1)  # a tempo lasts from the end of a fourth week to that of the next
    mean = 110.0 * 28.0 / MONTH
    assert close(months, mean)
    squares = (months - mean) ** 2
    assert close(squares, mean + mean**2 / 5.0)
    inside = weeks[:, 3:155].reshape(-1, 4)
    assert close(((inside - inside.mean(1, keepdims=True)) ** 2).sum(1) / 3.0, mean / 4.0)  # within a month: Poisson


def test_strikes_are_followed_by_a_lull_or_a_backlash_for_four_weeks():
    world, p = start()
    factors = []
    for luck in UNIFORM:
        world.united_states.struck_day, world.united_states.struck_luck = DAY, luck
        factors.append(militias.aftermath(world, p, DAY + 27.0))
        assert militias.aftermath(world, p, DAY + 28.1) == 1.0
    factors = np.array(factors)
    assert np.mean(factors == militias.LULL) == pytest.approx(p.militias.lull_chance, abs=1e-3)
    assert factors[factors > militias.LULL].mean() == pytest.approx(1.0 + p.militias.backlash, rel=1e-3)


def test_arrests_weaken_a_group_for_a_while():
    world, p = start()
    usual = militias.strength(world, p, DAY, 0)
    government.crack_down(world, p, DAY, 0, MIDDLE)
    assert militias.strength(world, p, DAY, 0) == pytest.approx(usual / 2)
    assert militias.strength(world, p, DAY, 1) > 0.999 * p.groups.capacity[1]
    assert militias.strength(world, p, DAY, 0) < militias.strength(world, p, DAY + 60.0, 0) < usual
    assert world.government.pressure > p.government.pressure  # its friends press back


def test_allied_parties_at_the_table_bring_a_pause():
    world, p = start()
    assert militias.to_pause(world, p, DAY, 0) == 0.0
    government.elect(world, p, DAY, 0, MIDDLE)
    assert militias.to_pause(world, p, DAY, HARDLINE) > militias.to_pause(world, p, DAY, POLITICAL) > 0.0  # ties 1.3 and 0.6
    government.form(world, p, DAY + 90.0, 0, MIDDLE)
    assert militias.to_pause(world, p, DAY, 0) == 0.0


def test_convoys_are_attacked_as_long_as_there_is_a_presence_to_supply_and_a_truce_does_not_cover_them():
    world, p = start()
    ordinary = militias.convoy_willingness(world, p, DAY, 0)
    world.militias.regime[0] = militias.TRUCE
    assert militias.convoy_willingness(world, p, DAY, 0) == ordinary > 0.0
    united_states.count_troops(world, DAY, 0, 0, 0, 0)
    assert militias.convoy_willingness(world, p, DAY, 0) == 0.0


# == durations ==========================================================================================================
@pytest.mark.parametrize("mean", [4.0 * MONTH, 5.5 * MONTH])
def test_the_hazard_of_a_truces_end_is_that_of_a_gamma_of_shape_three(mean):
    age = np.linspace(0.0, 12.0 * mean, 60001)
    hazard = np.array([erlang3_hazard(x, mean) for x in age])
    step = age[1]
    survival = np.exp(-np.concatenate([[0.0], np.cumsum((hazard[1:] + hazard[:-1]) / 2 * step)]))
    assert np.trapezoid(survival, age) == pytest.approx(mean, rel=1e-3)
    assert 2 * np.trapezoid(age * survival, age) - mean**2 == pytest.approx(mean**2 / 3, rel=1e-2)


def test_in_runs_truces_last_as_a_gamma_of_shape_three():
    steady = ("militias=one_group", "militias.surge_onset=0.0", "militias.truce_onset=3.0", "militias.truce_lasts=2.0")
    of = scenario("rapid_6_months", *steady, CALM, STAY, *QUIET_POLITICS, "horizon_days=3653")
    lasted = []
    for log_ in logs(of, 10):
        began = None
        for event in named(log_, "change of regime"):
            if after(event, "value") == militias.TRUCE:
                began = event.day
            elif began is not None and began < 3200.0:  # long before the horizon, so that long ones are not lost
                lasted.append(event.day - began)
    lasted = np.array(lasted)
    assert len(lasted) > 250
    assert close(lasted, 2.0 * MONTH)
    assert close((lasted - 2.0 * MONTH) ** 2, (2.0 * MONTH) ** 2 / 3.0)
