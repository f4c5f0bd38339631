"""The machinery behind the mechanisms: rivals, clustering, durations, reports, the two indices, schedules at work.
Each test fails if its mechanism is taken away."""

from datetime import date
from itertools import pairwise
from math import exp, log, sqrt

import numpy as np
import pytest

from sim.agents import announcements, government, iraqi_forces, isis, militias, observation, posture, reprisals, united_states
from sim.chance import erlang3_hazard, negative_binomial
from sim.outcomes import EVENTS, SERIES
from sim.rules import MONTH
from sim.state import CONDITIONS, STEPS, WEEKS
from tests.worlds import (
    ANNOUNCE,
    CALM,
    DAY,
    EVERYBODY,
    FOUR,
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
    close,
    gap,
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

ISIS_ATTACKS, BASE_ATTACKS = ([series.name for series in SERIES].index(name) for name in ("isis_attacks", "base_attacks"))
ALWAYS = ["at least 0 reported base attacks in 30 days"]
NEVER_HOLDS = ["at least 100000 reported base attacks in 30 days"]


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


# == schedules at work ==================================================================================================
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
