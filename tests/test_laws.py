"""The laws of the model: what must hold whatever the numbers. Both sides of a comparison have the same luck."""

from itertools import pairwise

import numpy as np
import pytest

from sim.agents import government, iraqi_forces, isis, militias, observation, posture, reprisals, united_states
from sim.outcomes import OUTCOMES, SERIES
from sim.readings import READINGS
from sim.scenario import read_scenario
from tests.worlds import (
    HOSTILE_TO_NOBODY,
    NO_STRIKES,
    RIVALS,
    STAY,
    after,
    change,
    clearly_more,
    content,
    gap,
    logs,
    named,
    outcome,
    outcomes,
    runs,
    scenario,
    start,
    weekly,
)

DAY = 100.0
GROUPS = range(3)
LUCK = [(k + 0.5) / 400 for k in range(400)]
PRESSURE = [series.name for series in SERIES].index("pressure")
BASE_ATTACKS = [series.name for series in SERIES].index("base_attacks")


def willingness(world, p) -> list[float]:
    return [militias.attack_willingness(world, p, DAY, group) for group in GROUPS]


def every(more: list[float], less: list[float]) -> bool:
    return all(a > b for a, b in zip(more, less, strict=True))


# -- presence ----------------------------------------------------------------------------------------------------------
def test_more_presence_gives_more_opportunity_for_base_attacks():
    world, p = start()
    found = []
    for troops in (0, 500, 2500, 5000):
        united_states.count_troops(world, 0.0, troops // 5, troops // 5, troops // 5, troops - 3 * (troops // 5))
        found.append(willingness(world, p))
    assert all(every(b, a) for a, b in pairwise(found))


# everything by which leaving changes attacks, other than presence, is switched off
ONLY_PRESENCE = (
    *("militias.timetable_calm=0.0", "militias.truce_onset=0.0", "government.deadline_push=0.0", "environment=calm"),
    *("isis=defeated", STAY, "horizon_days=500", *NO_STRIKES),
)


def test_leaving_lowers_base_attacks_through_presence_alone():
    stay, leave = (outcomes(scenario(s, *ONLY_PRESENCE), 25)["base_attacks"] for s in ("open_ended", "rapid_6_months"))
    assert clearly_more(stay, leave)


def test_without_the_slope_in_presence_leaving_changes_no_base_attack():
    flat = (*ONLY_PRESENCE, "militias.presence_share=0.0")
    stay, leave = (outcomes(scenario(s, *flat), 5)["base_attacks"] for s in ("open_ended", "rapid_6_months"))
    assert (stay == leave).all()
    assert stay.sum() > 0


# -- timetables --------------------------------------------------------------------------------------------------------
def test_a_credible_timetable_lowers_willingness_and_letting_it_slip_raises_it_above_where_it_began():
    world, p = start(scenario("deadline_missed"))
    at_first = willingness(world, p)
    united_states.take_step(world, p, 26.0, 0, (0.5,) * 4)
    promised = willingness(world, p)
    united_states.check_promise(world, p, world.united_states.promised_day, 0, (0.5,) * 4)
    slipped = willingness(world, p)
    assert every(at_first, promised)
    assert every(slipped, at_first)


def test_attacks_rise_after_a_missed_date_above_those_under_an_open_timeline():
    same = ("militias.truce_onset=0.0", "militias.presence_share=0.0", "environment=calm", STAY, "horizon_days=540", *NO_STRIKES)
    missed, never_promised = (weekly(scenario(s, *same), 30, BASE_ATTACKS) for s in ("deadline_missed", "open_ended"))
    promise = slice(5, 38)  # weeks from the announcement (3 May) to the promised day (31 December)
    assert clearly_more(never_promised[:, promise].sum(1), missed[:, promise].sum(1))
    assert clearly_more(missed[:, 39:].sum(1), never_promised[:, 39:].sum(1))


# -- deaths, strikes, pressure -----------------------------------------------------------------------------------------
def test_a_death_brings_a_strike_far_more_often_than_a_harmless_attack():
    def strikes(deaths: int) -> int:
        world, p = start()
        answered = 0
        for decide in LUCK:
            world.united_states.strike_due = united_states.NEVER
            reprisals.consider_reprisal(world, p, DAY, deaths, decide, 0.5)
            answered += world.united_states.strike_due < united_states.NEVER
        return answered

    assert strikes(1) > 10 * strikes(0)
    assert strikes(1) == strikes(3)


def test_in_runs_lethal_attacks_are_answered_far_more_often_than_harmless_ones():
    counts = {True: [0, 0], False: [0, 0]}
    for log in logs(scenario("open_ended", "environment=calm"), 25):
        causes = {event.cause for event in named(log, "reprisal")}
        for attack in named(log, "base attack"):
            count = counts[change(attack, "us_deaths") > 0]
            count[0] += 1
            count[1] += attack.name in causes
    lethal, harmless = (counts[kind][1] / counts[kind][0] for kind in (True, False))
    assert counts[True][0] > 50  # enough of them to speak of shares
    assert lethal > 0.6  # 0.95, less those that find an answer under way already
    assert harmless < 0.05
    assert lethal > 10 * harmless


def test_a_strike_on_iraqi_soil_raises_pressure_and_one_in_syria_does_not():
    pressure = {}
    for in_iraq in (True, False):
        world, p = start()
        reprisals.hit(world, p, DAY, in_iraq, 0.5, 0.0)
        pressure[in_iraq] = world.government.pressure
    world, p = start()
    assert pressure[True] > pressure[False] == world.government.pressure


def test_a_strike_on_iraqi_soil_is_the_strongest_single_push():
    _, p = start()
    assert p.government.strike_push > max(p.government.deadline_push, government.bloodshed(p), government.LEVER_EFFECT)


def test_in_runs_pressure_is_higher_where_strikes_fall_on_iraqi_soil():
    here, there = (
        weekly(scenario("open_ended", f"united_states.strike_in_iraq={share}", "environment=calm", STAY), 25, PRESSURE).mean(1)
        for share in (0.95, 0.25)
    )
    assert clearly_more(here, there)


# -- attrition, readiness ----------------------------------------------------------------------------------------------
def test_fewer_enablers_mean_weaker_attrition():
    efforts = []
    for enablers in (800, 400, 0):
        world, p = start()
        united_states.count_troops(world, 0.0, 0, 0, enablers, 0)
        efforts.append(isis.effort(world, p, DAY, p.isis.dependence))
    assert efforts[0] > efforts[1] > efforts[2] > 0.0


def test_more_readiness_leaves_less_of_that_loss_against_the_effort_of_2021():
    shortfall = []
    for readiness in (0.4, 0.6, 0.75):
        world, p = start()
        world.iraqi_forces.readiness = readiness
        united_states.count_troops(world, 0.0, 0, 0, 0, 0)
        shortfall.append(1.0 - isis.effort(world, p, DAY, p.isis.dependence))
    assert shortfall[0] > shortfall[1] > shortfall[2]


def test_an_exit_costs_less_ground_against_isis_with_strong_forces_than_with_weak_ones():
    def rise(forces: str) -> np.ndarray:
        leave, stay = (
            outcomes(scenario(s, f"iraqi_forces={forces}", STAY), 30)["isis_stock"]
            for s in ("full_exit_no_residual", "open_ended")
        )
        assert clearly_more(leave, stay)
        return leave - stay

    assert clearly_more(rise("weak"), rise("strong"))


def test_attacks_pause_training():
    world, p = start()
    calm = iraqi_forces.throughput(world, p, DAY)
    for week in range(len(world.observation.bases)):
        world.observation.bases[week] *= 3.0
    assert iraqi_forces.throughput(world, p, DAY) < calm


def test_in_runs_forces_are_less_ready_where_attacks_pause_training():
    attacked = outcomes(scenario("open_ended", "environment=calm", STAY, "horizon_days=730"), 15)["readiness"]
    left_alone = outcomes(scenario("open_ended", "environment=calm", STAY, "horizon_days=730", "militias=disarmed"), 15)[
        "readiness"
    ]
    assert clearly_more(left_alone, attacked)


# -- under every rival theory ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("excitation", ["on", "off"])
@pytest.mark.parametrize("rival", RIVALS)
def test_a_full_exit_with_strong_forces_is_followed_by_less_resurgence_than_with_weak_ones(rival, excitation):
    weak, strong = (
        outcomes(
            scenario(
                "full_exit_no_residual",
                f"iraqi_forces={forces}",
                f"rivals/announcement={rival}",
                f"rivals/excitation={excitation}",
            ),
            30,
        )
        for forces in ("weak", "strong")
    )
    assert clearly_more(weak["resurgence"], strong["resurgence"], 4.0)
    assert (strong["resurgence_day"] >= weak["resurgence_day"]).all()


# -- nobody hostile, nobody there, nobody new --------------------------------------------------------------------------
@pytest.mark.parametrize("schedule", ["open_ended", "deadline_missed", "full_exit_no_residual"])
def test_with_no_agent_hostile_nothing_happens(schedule):
    found = outcomes(scenario(schedule, *HOSTILE_TO_NOBODY), 6)
    nothing = ("us_deaths", "us_strikes", "base_attacks", "convoy_attacks", "civilian_deaths", "isis_attacks", "isis_deaths")
    for name in (*nothing, "mass_casualty_attacks", "resurgence", "truce_days", "returned"):
        assert (found[name] == 0).all(), name
    assert (found["isis_stock"] == 4000.0).all()  # nobody joins, nobody is lost
    violent = {"base attack", "convoy attack", "war attack", "reprisal", "killing of senior figures", "mass-casualty attack"}
    for log in logs(scenario(schedule, *HOSTILE_TO_NOBODY), 6):
        happened = {event.activity for event in log}
        assert not happened & (violent | {"jailbreak", "crackdown", "tension shock", "regional war", "protest wave"})
        assert not happened & {"request for help", "return"}


def test_with_no_agent_hostile_the_government_loses_no_standing():
    found = outcomes(scenario("open_ended", *HOSTILE_TO_NOBODY), 6)
    assert found["lowest_standing"] == pytest.approx(0.5, abs=1e-12)


def test_once_the_last_soldier_has_left_no_american_dies():
    deadly = ("militias.lethality=0.069", "militias.restraint=0.2", "horizon_days=700")
    attacks = deaths = 0
    for log in logs(scenario("rapid_6_months", *deadly), 20):
        for event in log:
            if after(event, "troops") == 0:
                attacks += event.activity in ("base attack", "war attack")  # the embassy still draws fire
                assert change(event, "us_deaths") == 0
                assert event.activity != "convoy attack"
            deaths += change(event, "us_deaths")
    assert attacks > 100
    assert deaths > 20


def with_inert(place: str):
    """The default scenario, and the same with a group of no capacity, last or first in the order."""
    if place == "last":
        return scenario("phased_12_months", "+militias.groups.inert={capacity: 0.0, restraint: 1.0, ties: 1.0}")
    data = content(scenario("phased_12_months"))
    data["militias"]["groups"] = {"inert": {"capacity": 0.0, "restraint": 1.0, "ties": 1.0}, **data["militias"]["groups"]}
    return read_scenario(data)


@pytest.mark.parametrize("place", ["last", "first"])
def test_an_inert_extra_group_changes_no_other_history_by_one_bit(place):
    without, with_it = runs(scenario("phased_12_months"), 6, kind="trace"), runs(with_inert(place), 6, kind="trace")
    inert = 0
    for a, b in zip(without, with_it, strict=True):
        assert a.outcomes == b.outcomes
        assert a.events == [event for event in b.events if event.actor != "militias:inert"]
        inert += len(b.events) - len(a.events)
    assert inert > 0  # it is there, and has moods of its own


def test_the_order_in_which_groups_are_listed_changes_no_number():
    # The identity of a scenario does not see that order: two scenarios of one identity must be one. Sums do, in the last bit.
    data = content(scenario("rapid_6_months", "horizon_days=600"))
    shares = {f"group_{k}": {"capacity": share} for k, share in enumerate((0.1, 0.2, 0.3, 0.15, 0.05))}
    one, other = (
        read_scenario({**data, "militias": {**data["militias"], "groups": groups}})
        for groups in (shares, dict(reversed(shares.items())))
    )
    assert one.identity == other.identity
    assert [run.outcomes for run in runs(one, 8)] == [run.outcomes for run in runs(other, 8)]


def test_an_event_log_reads_what_the_outcomes_count():
    for run in runs(scenario("phased_12_months"), 6, kind="trace"):
        last = dict(zip(READINGS, run.events[-1].after, strict=True))
        for name in ("us_deaths", "civilian_deaths", "isis_deaths"):
            assert last[name] == outcome(run, name)
    assert len({o.name for o in OUTCOMES}) == len(OUTCOMES)


def test_common_luck_makes_differences_sharper_than_independent_runs():
    # Half of what paired comparison promises: opportunities are the same under every schedule.
    slow, fast = scenario("phased_18_months"), scenario("rapid_6_months")
    a, b, c = outcomes(slow, 25)["isis_attacks"], outcomes(fast, 25)["isis_attacks"], outcomes(fast, 25, seed=1)["isis_attacks"]
    assert gap(a, b)[1] < gap(a, c)[1] / 2


def test_reports_alone_reach_those_who_decide():
    # Hidden attacks, unreported, change no indicator that a schedule can name.
    world, p = start()
    seen = [posture.indicator(world, p, DAY, which, 90.0) for which in range(4)]
    world.militias.base_attacks, world.isis.attacks, world.iraqi_forces.readiness = 999, 9999, 0.01
    assert [posture.indicator(world, p, DAY, which, 90.0) for which in range(4)] == seen
    assert observation.reported(world, p, DAY, observation.ATTACKS_ON_BASES, 28.0) < 10
