"""What the seed article names of ISIS and of those who fight it, row by row: each test fails if its mechanism is taken away."""

from math import exp

import numpy as np
import pytest

from sim.agents import iraqi_forces, isis, militias, united_states
from sim.chance import power_law
from sim.rules import MONTH
from sim.state import WEEKS
from tests.worlds import CALM, DAY, HARDLINE, MIDDLE, STAY, UNIFORM, change, close, logs, named, outcomes, scenario, start


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
