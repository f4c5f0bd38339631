"""Simulated records: what the sources would have reported of an episode, and what follows an origin."""

import re
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from experiments.composition import Composer
from experiments.settings import split as sections
from sim.engines import compiled, reference
from sim.history import sources
from sim.history.calibration import Free
from sim.history.informed import READ_UNTIL, WIDER, informed, widened, widening
from sim.history.record import Window, shipped, split
from sim.history.simulated import COUNTED, Simulator, within
from sim.outcomes import SERIES
from sim.scenario import Scenario, declared_parameters, read_scenario
from tests.parity import differences

ORIGIN = date(2020, 3, 31)
SEED = 11


def episode(name: str = "iraq_2018_2021") -> Scenario:
    return read_scenario(sections(Composer("run").compose([f"episode={name}"]))[0])


@pytest.fixture(scope="module")
def past_and_future() -> tuple[list[Window], list[Window]]:
    past, _, future = split(within(shipped("iraq_2016_2021"), episode()), ORIGIN)
    return past, future


def window(series: str, start: str, end: str, source: str = "ctc") -> Window:
    return Window(date.fromisoformat(start), date.fromisoformat(end), series, source, 0, "exact", "")


def test_a_simulated_past_goes_on_into_the_same_future_whatever_is_asked_for(past_and_future):
    past, future = past_and_future
    known, both = Simulator(episode(), past, SEED, ORIGIN), Simulator(episode(), past + future, SEED, ORIGIN)
    for replication in (0, 7):
        found = both({"isis.attacks": 120.0}, replication)
        assert (known({"isis.attacks": 120.0}, replication) == found[: len(past)]).all()
        assert (both({"isis.attacks": 120.0}, replication) == found).all()
        assert found.shape == (len(past) + len(future),)
        assert (found != both({"isis.attacks": 120.0}, replication + 1)).any()


def test_a_trajectory_of_an_earlier_day_has_the_same_past_from_a_later_origin():
    """What GTD sees drifts by a prior that is widened before 30 September 2020: the trajectory must keep the drift it had."""
    known, _, _ = split(within(shipped(), episode()), ORIGIN)
    was = Simulator(episode(), known, SEED, ORIGIN)
    now = Simulator(episode(), known, SEED, date(2020, 12, 31), priors=ORIGIN)
    for replication in range(5):
        assert (now({}, replication) == was({}, replication)).all()
    widened_anew = Simulator(episode(), known, SEED, date(2020, 12, 31))
    assert any((widened_anew({}, replication) != was({}, replication)).any() for replication in range(5))


def test_what_happened_in_a_window_is_what_the_engine_counted_in_its_days():
    windows = [
        window("isis_attacks", "2018-01-01", "2018-01-07"),
        window("isis_attacks", "2018-01-08", "2018-01-28"),
        window("isis_attacks", "2018-01-01", "2018-01-28", "gtd"),
        window("us_target_attacks", "2018-01-01", "2018-12-30", "gtd"),
        window("isis_fatal_events", "2018-01-01", "2018-01-28", "ucdp"),
        window("isis_attacks", "2018-02-05", "2018-02-06"),
    ]
    simulator = Simulator(episode(), windows, SEED, ORIGIN)
    values = {p.key: p.default for p in simulator.parameters}
    truth = simulator.trajectory(values, 3).truth
    weeks = compiled.run_block(simulator.placed(values), SEED, 3, 1, 4).weeks
    assert truth[0] == weeks["isis_attacks"][0]
    assert truth[1] == weeks["isis_attacks"][1:4].sum()
    assert truth[2] == truth[0] + truth[1]
    assert truth[3] == weeks["base_attacks"][:52].sum() + weeks["convoy_attacks"][:52].sum()
    assert truth[4] == pytest.approx(0.15 * truth[2])  # the declared share of attacks that kill
    assert truth[5] == pytest.approx(weeks["isis_attacks"][5] * 2 / 7)  # a part of a week in proportion
    assert set(COUNTED["us_target_attacks"]) <= {series.name for series in SERIES}


def test_dated_events_later_than_the_origin_are_not_known():
    known = Simulator(episode(), [], SEED, ORIGIN).base.case
    assert max(event.date for event in known.events) == "2020-03-12"
    assert known.given_until == "2020-04-01"
    assert episode().case.known_on(date(2021, 12, 31)) == episode().case
    # so what a later event says cannot change a forecast, while the past is as dated: one killing, two strikes by the origin
    run = reference.replicate(Simulator(episode(), [], SEED, ORIGIN).base, SEED, 1, trace=True)
    dated = [event for event in run.events if event.activity == "dated event" and event.actor == "united_states"]
    assert [round(event.day) for event in dated] == [727, 732, 801]
    given = [event for event in run.events if event.day < 820 and event.activity in ("tension shock", "reprisal", "protest wave")]
    assert given == []


def test_how_long_an_event_lasts_that_was_not_over_is_not_known():
    """The resignation of 29 November 2019 led to a government after 160 days: at an origin before, 600 would change no bit."""
    asked = Composer("run").compose(["episode=iraq_2018_2021"])
    for event in asked["case"]["events"]:
        if event["what"] == "government resigns":
            event["days"] = 600
    other = read_scenario(sections(asked)[0])
    known, changed = (Simulator(of, [], SEED, date(2019, 12, 31)).base for of in (episode(), other))
    rows = [compiled.run_block(of, SEED, 0, 4, 4) for of in (known, changed)]
    assert rows[0].weeks.tobytes() == rows[1].weeks.tobytes()
    late = [Simulator(of, [], SEED, date(2020, 5, 31)).base for of in (episode(), other)]
    assert [event.days for event in late[0].case.events if event.days] == [75, 150, 160]
    assert [event.days for event in late[1].case.events if event.days] == [75, 150]
    # on 31 December 2019 protests and the search for a government went on; both end later, by the model's own luck
    whole = replace(known, horizon_days=1190)
    runs = [reference.replicate(whole, SEED, r) for r in range(12)]
    assert differences(runs[0], compiled.replicate(whole, SEED, 0)) == []
    given_until = (date(2020, 1, 1) - whole.start).days
    ends = {round(run.world.environment.protest_until) for run in runs}
    assert min(ends) >= given_until
    assert len(ends) > 6
    formed = [
        [e.day for e in reference.replicate(whole, SEED, r, trace=True).events if e.activity == "government formed"]
        for r in (0, 1)
    ]
    after = [min(day for day in days if day > 700) for days in formed]
    assert min(after) >= given_until
    assert after[0] != after[1]


def test_the_posture_is_what_it_was():
    scenario = episode()
    assert [troops for _, troops in scenario.plan.troops()] == [5200, 3000, 2500]
    rows = compiled.run_block(scenario, SEED, 0, 20, 20).weeks
    by_replication = rows["troops"].reshape(20, -1)
    assert (by_replication == by_replication[0]).all()  # nobody leaves early
    assert set(by_replication[0]) == {5200, 3000, 2500}
    assert [troops for _, troops in episode("iraq_2009_2013").plan.troops()][-1] == 0


def test_the_stock_of_the_last_day_carries_the_level_of_attacks_on(past_and_future):
    past, _ = past_and_future
    simulator = Simulator(episode(), past, SEED, ORIGIN)
    steady = {"isis.attacks": 100.0, "isis.stock": 4000.0}
    run = simulator.trajectory(steady, 5)
    block = compiled.run_block(simulator.placed({**simulator.prior_values(5), **steady}), SEED, 5, 1, 6)
    ended = block.weeks["isis_stock"][(ORIGIN - date(2018, 1, 1)).days // 7 - 1]
    assert run.carried["isis.attacks"] == pytest.approx(100.0 * ended / 4000.0)


def test_what_is_not_given_is_drawn_from_its_prior_and_what_is_set_stays():
    simulator = Simulator(episode(), [window("isis_attacks", "2018-01-01", "2018-02-01", "gtd")], SEED, ORIGIN)
    drawn = [simulator.prior_values(r) for r in range(400)]
    assert "united_states.early_exit" not in drawn[0]
    assert "sources.gtd.isis_attacks.coverage" in drawn[0]
    for parameter in [p for p in declared_parameters() if p.key in drawn[0]][:12]:
        above = np.mean([values[parameter.key] > parameter.default for values in drawn])
        assert abs(above - 0.5) < 5 * 0.5 / 20, parameter.key
    more = Simulator(episode(), [*simulator.windows, window("isis_attacks", "2018-01-01", "2018-02-01")], SEED, ORIGIN)
    assert more.prior_values(9)["sources.gtd.isis_attacks.coverage"] == drawn[9]["sources.gtd.isis_attacks.coverage"]


def test_every_prior_that_had_seen_later_figures_is_widened_in_what_is_drawn():
    """Of the model, and of sources, whether or not they can be calibrated: nine in ten draws within the range, or 42 %."""
    keys = ("isis.stock", "isis.dispersion", "sources.gtd.isis_attacks.drift", "sources.gtd.isis_attacks.size")
    windows = [window("isis_attacks", "2018-01-01", "2018-02-01", "gtd")]
    for until, expected in ((date(2018, 6, 30), 0.4165), (date(2021, 4, 7), 0.9)):  # P(|Z| < 1.645 / 3)
        simulator = Simulator(episode(), windows, SEED, until)
        declared = {p.key: p for p in (*simulator.parameters, *simulator.source_parameters)}
        drawn = [simulator.prior_values(r) for r in range(400)]
        for key in (*keys, "militias.presence_share"):
            within_range = np.mean([declared[key].low <= values[key] <= declared[key].high for values in drawn])
            share = expected if key in keys else 0.9
            assert abs(within_range - share) < 5 * np.sqrt(share * (1 - share) / 400), (key, until)
    free = [p for p in simulator.parameters if p.key in keys]
    assert [Free(p, WIDER).value(1.0) for p in free] == [widened(p, 1.0, WIDER) for p in free]  # of those calibrated too
    assert [widened(p, WIDER, 0.0) for p in free] == pytest.approx([p.default for p in free])


def test_what_a_user_sets_stays_and_shifts_no_other_draw():
    windows = [window("isis_attacks", "2018-01-01", "2018-02-01", "gtd")]
    whole = Simulator(episode(), windows, SEED, ORIGIN)
    asked = ["episode=iraq_2018_2021", "isis.dispersion=12.5", "militias.presence_share=0.31"]
    part = Simulator(read_scenario(sections(Composer("run").compose(asked))[0]), windows, SEED, ORIGIN)
    drawn, other = whole.prior_values(4), part.prior_values(4)
    assert set(drawn) - set(other) == {"isis.dispersion", "militias.presence_share"}
    assert other == {key: drawn[key] for key in other}
    assert "isis.dispersion" in {p.key for p in whole.informed()}
    assert "isis.dispersion" not in {p.key for p in part.informed()}
    assert part.placed(other).beliefs["isis"].model_dump()["dispersion"] == 12.5


def test_windows_outside_the_episode_are_left_out_or_refused():
    outside = window("isis_attacks", "2017-12-01", "2018-01-31")
    assert within([outside], episode()) == []
    with pytest.raises(ValueError, match="outside the episode, which starts on 2018-01-01"):
        Simulator(episode(), [outside], SEED, ORIGIN)


def test_priors_that_had_seen_later_figures_are_widened_and_only_the_series_counted_inform(past_and_future):
    past, _ = past_and_future
    keys = [p.key for p in informed(past)]
    assert "isis.attacks" in keys
    assert "militias.ordinary_rate" in keys
    assert "sources.gtd.isis_attacks.coverage" in keys
    assert "militias.convoy_rate" not in keys  # no convoy was counted by then
    assert "government.fall" not in keys
    assert widening("isis.attacks", ORIGIN) == WIDER
    assert widening("militias.ordinary_rate", date(2020, 12, 31)) == 1.0
    assert widening("militias.presence_share", ORIGIN) == 1.0


LATER_PRINT = {  # years in these sources are of a publication, or of what did not happen
    "militias.war_rate",
    "rivals.announcement.lie_low_factor",
    "rivals.announcement.departure_factor",
    "rivals.excitation.branching",
}


def test_every_source_that_tells_a_year_of_figures_says_until_when_they_were_read():
    every = [*declared_parameters(), *sources.parameters()]
    dated = {p.key: max(map(int, re.findall(r"\b20[012]\d\b", p.source)), default=0) for p in every}
    assert {key for key, year in dated.items() if year} - LATER_PRINT <= READ_UNTIL.keys()
    assert READ_UNTIL.keys() <= dated.keys()
    printed = {"isis.attacks"}  # an article of 2022 on figures to November 2021
    early = {key for key, day in READ_UNTIL.items() if day.year < dated[key] and key not in printed}
    assert not early
