"""The machinery behind the mechanisms: the calendar, reports, the two indices, resurgence. Each test fails if its mechanism is
taken away."""

from datetime import date
from itertools import pairwise
from math import sqrt

import numpy as np
import pytest

from sim.agents import government, iraqi_forces, isis, observation, united_states
from sim.chance import negative_binomial
from sim.rules import MONTH
from sim.state import WEEKS
from tests.worlds import BASE_ATTACKS, CALM, DAY, FOUR, ISIS_ATTACKS, MIDDLE, STAY, UNIFORM, runs, scenario, start


# == calendar, reports ==================================================================================================
def test_attacks_are_more_frequent_in_ramadan():
    world, p = start()
    first, last = (float((d - date(2021, 4, 7)).days) for d in (date(2021, 4, 13), date(2021, 5, 12)))
    assert isis.pace(world, p, first + 3.0) == p.isis.ramadan * isis.pace(world, p, last + 4.0)
    assert sum(isis.in_ramadan(p, float(day)) for day in range(1000)) == 3 * 30  # those of 2021, 2022 and 2023


@pytest.mark.parametrize("announced", [date(2020, 4, 24), date(2021, 4, 13), date(2022, 4, 2), date(2023, 3, 23)])
def test_ramadan_falls_within_two_days_of_what_was_announced(announced):
    firsts = [first for first, _ in scenario("open_ended", "start=2020-03-20").calendar.ramadans]
    day = float((announced - date(2020, 3, 20)).days)
    assert min(abs(first - day) for first in firsts) <= 2.0


def test_reports_miss_a_share_of_attacks():
    reported, truth = [], []
    for run in runs(scenario("open_ended", CALM, STAY, "horizon_days=440"), 30, kind="weekly"):
        weeks = len(run.weeks)
        reported.append([sum(run.world.observation.bases[:weeks]), sum(run.world.observation.isis[:weeks])])
        truth.append([sum(values[BASE_ATTACKS] for _, values in run.weeks), sum(values[ISIS_ATTACKS] for _, values in run.weeks)])
    reported, truth = np.array(reported), np.array(truth)
    for k, coverage in enumerate((0.65, 0.40)):
        error = sqrt(coverage * (1.0 - coverage) / truth[:, k].sum())  # binomial thinning
        assert abs(reported[:, k].sum() / truth[:, k].sum() - coverage) < FOUR * error


def test_reports_come_late():
    world, p = start(scenario("open_ended", "observation.delay=20.0", "observation.base_coverage=1.0"))
    before_all = observation.reported(world, p, 0.0, observation.ATTACKS_ON_BASES, 7.0)
    for week in range(10):
        world.militias.base_attacks += 100 if week == 4 else 0
        observation.report(world, p, 7.0 * (week + 1), 0, MIDDLE)
    seen = {day: observation.reported(world, p, float(day), observation.ATTACKS_ON_BASES, 7.0) for day in range(27, 71)}
    assert [day for day, count in seen.items() if count > 0] == list(range(55, 62))  # the week to day 35, twenty days late
    assert seen[55] == 100.0
    assert before_all > 0.0  # weeks before the first day count at the rates of early 2021


def test_reports_that_the_delay_still_hides_are_never_read():
    # The longest delay and the longest window that a configuration may ask for.
    world, p = start(scenario("open_ended", "observation.delay=180.0", "observation.base_coverage=1.0"))
    for week in range(80):
        world.militias.base_attacks += 1000 if week == 70 else 0
        observation.report(world, p, 7.0 * (week + 1), 0, MIDDLE)
    seen = observation.reported(world, p, 560.0, observation.ATTACKS_ON_BASES, 392.0)
    assert seen < 1000.0  # week 70 is to be known from day 677 on


def test_reports_without_delay_are_not_those_of_last_year():
    # Weeks are kept in a ring: who reads a week before it is written reads the week that stood there a round ago.
    quiet, loud = (
        scenario("open_ended", "observation.delay=0.0", "observation.base_coverage=1.0", "horizon_days=30") for _ in range(2)
    )
    trained = []
    for attacks in (0, 50):
        world, p = start(quiet if attacks == 0 else loud)
        for week in range(WEEKS):
            world.militias.base_attacks += attacks if week == 0 else 0
            observation.report(world, p, 7.0 * (week + 1), 0, MIDDLE)
        iraqi_forces.train(world, p, 7.0 * (WEEKS + 1), 0, MIDDLE)  # the forces train on the day of the report, and before it
        trained.append(world.iraqi_forces.readiness)
    assert trained[0] == trained[1]


def test_where_nothing_is_reported_nobody_takes_cover():
    world, p = start(scenario("open_ended", "observation.base_coverage=0.0"))
    united_states.staff_embassy(world, p, DAY, 0, MIDDLE)
    assert world.united_states.staff == 1.0
    assert iraqi_forces.throughput(world, p, DAY) == 1.0


def test_readiness_is_reported_each_quarter_with_an_error():
    world, p = start()
    world.iraqi_forces.readiness = 0.3
    for week in range(13):
        assert world.observation.readiness == 0.6
        observation.report(world, p, 7.0 * (week + 1), 0, (0.5, 0.5, 0.9, 0.5))
    assert 0.3 < world.observation.readiness < 0.45


# == the two indices ====================================================================================================
def test_one_cause_counts_once_a_week_at_its_largest():
    pressure = {}
    for name, pushes in {"once": (0.3,), "twice": (0.3, 0.3), "and smaller": (0.3, 0.1)}.items():
        world, _ = start()
        for amount in pushes:
            government.press(world, government.STRIKE, amount)
        pressure[name] = world.government.pressure
    assert pressure["once"] == pressure["twice"] == pressure["and smaller"] > 0.4


def test_a_larger_push_after_a_smaller_one_counts_as_the_larger_alone():
    world, _ = start()
    government.press(world, government.STRIKE, 0.1)
    government.press(world, government.STRIKE, 0.3)
    both = world.government.pressure
    world, _ = start()
    government.press(world, government.STRIKE, 0.3)
    assert both == pytest.approx(world.government.pressure)


def test_other_causes_and_other_weeks_count_anew():
    world, p = start()
    government.press(world, government.STRIKE, 0.3)
    once = world.government.pressure
    government.press(world, government.DEADLINE, 0.3)
    twice = world.government.pressure
    government.politics(world, p, 7.0, 0, MIDDLE)
    calm = world.government.pressure
    government.press(world, government.STRIKE, 0.3)
    assert world.government.pressure > calm
    assert twice > once


def test_pushes_have_diminishing_returns_and_never_leave_the_bounds():
    world, _ = start()
    gains = []
    for cause in range(5):
        was = world.government.pressure
        government.press(world, cause, 0.5)
        gains.append(world.government.pressure - was)
    assert all(a > b > 0.0 for a, b in pairwise(gains))
    for cause in range(5, 9):
        government.press(world, cause, 1.0)
    assert world.government.pressure == 1.0
    world, _ = start()
    for cause in range(9):
        government.lift(world, cause, -1.0)
    assert world.government.standing == world.government.lowest_standing == 0.0


def test_the_indices_return_slowly_to_their_baselines():
    world, p = start()
    p.schedule.aid = 0.0
    government.press(world, government.STRIKE, 0.5)
    pressure = [world.government.pressure]
    for week in range(80):
        government.politics(world, p, 7.0 * week, 0, MIDDLE)
        pressure.append(world.government.pressure)
    assert all(a > b for a, b in pairwise(pressure[:31]))
    assert pressure[4] > 0.5  # slowly
    assert pressure[80] == pytest.approx(0.4, abs=0.1)


def test_a_missed_date_presses_and_a_granted_one_relieves_the_government():
    world, p = start(scenario("deadline_missed"))
    united_states.take_step(world, p, 26.0, 0, MIDDLE)
    relieved = world.government.pressure
    united_states.check_promise(world, p, 268.0, 0, MIDDLE)
    assert relieved < p.government.pressure < world.government.pressure
    assert world.government.standing < p.government.standing + 0.1


def test_governments_fall_are_cared_for_and_formed_anew():
    world, p = start()
    firm = government.fall_willingness(world, p, DAY, 0)
    world.government.standing = 0.2
    assert government.fall_willingness(world, p, DAY, 0) > firm > 0.0
    government.fall(world, p, DAY, 0, MIDDLE)
    assert world.government.formed_day == pytest.approx(DAY + 6.0 * MONTH)
    for shut in (government.fall_willingness, government.talks_willingness, government.demand_willingness):
        assert shut(world, p, DAY, 0) == 0.0  # a caretaker signs nothing
    government.form(world, p, 300.0, 0, MIDDLE)
    assert world.government.standing == p.government.standing
    assert world.government.fell_day == DAY


def test_protest_presses_the_government_each_week_and_lost_ground_shames_it():
    found = {}
    for name in ("calm", "protest", "lost ground"):
        world, p = start()
        world.environment.protest_until = 500.0 if name == "protest" else -1.0
        world.isis.resurgent = int(name == "lost ground")
        government.politics(world, p, DAY, 0, MIDDLE)
        found[name] = world.government.pressure, world.government.standing
    assert found["protest"][0] > found["calm"][0] == found["lost ground"][0]
    assert found["calm"][1] > max(found["protest"][1], found["lost ground"][1])


# == resurgence =========================================================================================================
def test_resurgence_takes_many_members_few_efforts_and_eight_weeks():
    world, p = start(scenario("open_ended", "isis.volatility=0.0"))
    world.isis.rural, world.isis.urban = 9000.0, 2000.0
    for week in range(20):
        isis.pass_week(world, p, 7.0 * (week + 1), 0, MIDDLE)
    assert world.isis.resurgence_day == -1.0  # many members, but the effort of 2021 stands
    united_states.count_troops(world, 140.0, 0, 0, 0, 0)
    world.iraqi_forces.readiness = 0.3
    days = [140.0 + 7.0 * week for week in range(1, 9)]
    for day in days:
        world.isis.rural = 9000.0
        assert world.isis.resurgence_day == -1.0
        isis.pass_week(world, p, day, 0, MIDDLE)
    assert world.isis.resurgence_day == days[-1]
    assert world.isis.resurgent == 1
    world.isis.rural = world.isis.urban = 1000.0
    isis.pass_week(world, p, 210.0, 0, MIDDLE)
    assert world.isis.resurgent == 0  # ground lost again; the day it first came stays
    assert world.isis.resurgence_day == days[-1]


def test_held_ground_draws_recruits():
    world, p = start()
    usual = isis.recruits(world, p)
    world.isis.resurgent = 1
    assert isis.recruits(world, p) == pytest.approx(2.0 * usual)
    world.isis.resurgent = 0
    world.government.standing = 0.1
    assert isis.recruits(world, p) > usual  # grievance


def test_deaths_follow_from_counts_by_their_own_dispersion():
    deaths = np.array([negative_binomial(u, 20.0, 4.0) for u in UNIFORM])
    assert deaths.mean() == pytest.approx(20.0, rel=0.01)
    assert deaths.var() == pytest.approx(20.0 + 100.0, rel=0.05)
