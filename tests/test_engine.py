"""The reference engine: exact thinning, ties, causes, luck keyed by meaning, and results that no way of running changes."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from math import cos, log, pi, sqrt

import numpy as np
import pytest
import simpy
from numpy.random import Philox
from scipy.stats import chi2, expon, kstest

from sim import luck, model
from sim.activity import Hazard, Response, Timer
from sim.agents import government, militias, observation
from sim.engines import reference
from sim.engines.block import OUTCOME_ROW, WEEK_ROW, Block
from sim.engines.reference import Sleep, replicate, run_block
from sim.model import Slot
from sim.outcomes import BY_NAME, OUTCOMES, SERIES
from sim.rules import NEVER
from tests.worlds import SEED, after, change, named, outcome, runs, scenario, start

OTHERS = {"a": 7, "b": 2**64 - 1, "c": 0}


# == luck ===============================================================================================================
def philox(counter: list[int], key: list[int]) -> list[int]:
    """Philox4x64-10 as published (Salmon and others 2011), in Python's own whole numbers."""
    x, (k0, k1), mask = list(counter), key, 2**64 - 1
    for _ in range(10):
        low, high = x[0] * 0xD2E7470EE14C6C93, x[2] * 0xCA5A826395121157
        x = [(high >> 64) ^ x[1] ^ k0, high & mask, (low >> 64) ^ x[3] ^ k1, low & mask]
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & mask, (k1 + 0xBB67AE8584CAA73B) & mask
    return x


def uniforms(seed: int, replication: int, stream: int, n: int, word: int) -> tuple[float, ...]:
    return tuple((bits >> 11) * 2.0**-53 for bits in philox([n, stream, word, 0], [seed, replication]))


KNOWN = [213000021201967259, 4455796210202625458, 2055444239878205049, 10411612076246414556]


def test_philox_gives_the_known_answers():
    assert Philox(key=0).random_raw(4).tolist() == KNOWN
    assert philox([1, 0, 0, 0], [0, 0]) == KNOWN


@pytest.mark.parametrize("seed", OTHERS.values())
@pytest.mark.parametrize("word", [luck.TIMING, luck.EVENT, luck.stream("militias", "base attack", "hardline")])
def test_a_draw_is_philox_at_the_key_of_its_meaning(seed, word):
    stream = luck.stream("isis", "jailbreak")
    for replication, n in ((0, 1), (3, 2), (2**64 - 1, 12345)):
        assert luck.draw(seed, replication, stream, n, word) == uniforms(seed, replication, stream, n, word)


@pytest.mark.parametrize("word", [luck.TIMING, luck.EVENT, 2**64 - 5])
def test_draws_in_batches_are_the_draws_one_by_one(word):
    stream = luck.stream("environment", "tension shock")
    for _, (n, found) in zip(range(200), enumerate(luck.draws(11, 5, stream, word), start=1), strict=False):
        assert tuple(found) == luck.draw(11, 5, stream, n, word) == uniforms(11, 5, stream, n, word)


def test_the_size_of_a_batch_changes_no_draw():
    several = [luck.draws(1, 2, 3, luck.EVENT, batch=size) for size in (1, 7, 64)]
    for one, two, three in (next_ for next_, _ in zip(zip(*several, strict=True), range(150), strict=False)):
        assert one == two == three


def test_a_stream_is_a_name_and_never_a_place():
    streams = {(slot.agent, slot.activity.name, slot.group): slot.stream for slot in model.slots(("hardline", "facade"))}
    for key, stream in {(s.agent, s.activity.name, s.group): s.stream for s in model.slots(("x", "facade", "hardline"))}.items():
        assert streams.get(key, stream) == stream
    assert len(set(streams.values())) == len(streams)


def test_a_name_used_twice_is_refused(monkeypatch):
    monkeypatch.setattr(government, "ACTIVITIES", (*government.ACTIVITIES, government.ACTIVITIES[0]))
    with pytest.raises(ValueError, match="share a stream"):
        model.slots(("one",))


# == a toy model driven by the engine's own machinery ====================================================================
def toy(monkeypatch, *activities, horizon: int = 1000):
    """Replace the register of activities; the worlds are real ones, and what acts on them is a toy."""
    slots = [Slot("toy", a, 0, "", luck.stream("toy", a.name), k) for k, a in enumerate(activities, start=1)]
    monkeypatch.setattr(reference.model, "slots", lambda groups: slots)
    return scenario("open_ended", f"horizon_days={horizon}")


def pass_by(world, p, day, who, luck):
    pass


def wave(world, p, day, who):
    """Events a day, between 0.1 and 0.9, twice as fast in the second half."""
    return 0.5 - 0.4 * cos(2.0 * pi * day / (400.0 if day < 500.0 else 200.0))


def test_a_thinned_poisson_process_gives_the_counts_of_its_rate(monkeypatch):
    of = toy(monkeypatch, Hazard(name="wave", cap=1.0, willingness=wave, act=pass_by))
    replications, edges = 60, np.linspace(0.0, 1000.0, 41)
    days = np.concatenate([[e.day for e in replicate(of, 3, r, trace=True).events] for r in range(replications)])
    counts, _ = np.histogram(days, edges)
    grid = np.linspace(0.0, 1000.0, 40001)
    rate = np.array([wave(None, None, (a + b) / 2, 0) for a, b in pairwise(grid)])
    expected = replications * rate.reshape(40, 1000).sum(1) * grid[1]
    statistic = ((counts - expected) ** 2 / expected).sum()
    assert chi2.sf(statistic, len(counts)) > 1e-4
    assert abs(counts.sum() - expected.sum()) < 4.0 * sqrt(expected.sum())


def test_counts_of_a_thinned_process_are_poisson_and_not_more_regular(monkeypatch):
    of = toy(monkeypatch, Hazard(name="wave", cap=1.0, willingness=wave, act=pass_by), horizon=500)
    counts = np.array([len(replicate(of, 4, r, trace=True).events) for r in range(200)])
    index = (len(counts) - 1) * counts.var(ddof=1) / counts.mean()  # of dispersion
    assert 1e-4 < chi2.cdf(index, len(counts) - 1) < 1.0 - 1e-4


def test_gaps_between_opportunities_are_exponential(monkeypatch):
    of = toy(monkeypatch, Hazard(name="often", cap=0.7, willingness=lambda *_: 0.7, act=pass_by))
    days = np.array([e.day for e in replicate(of, 5, 0, trace=True).events])
    assert kstest(np.diff(days), expon(scale=1.0 / 0.7).cdf).pvalue > 1e-4


def test_opportunities_are_the_same_whatever_agents_choose(monkeypatch):
    for willing in (0.0, 0.2, 1.0):
        of = toy(monkeypatch, Hazard(name="choice", cap=1.0, willingness=lambda *_, w=willing: w, act=pass_by))
        result = replicate(of, 6, 0, trace=True)
        if willing == 0.0:
            opportunities = result.opportunities
            assert result.events == []
        assert result.opportunities == opportunities
        if willing == 1.0:
            assert len(result.events) == opportunities["choice"] == result.events[-1].n
    taken = len(
        replicate(
            toy(monkeypatch, Hazard(name="choice", cap=1.0, willingness=lambda *_: 0.2, act=pass_by)), 6, 0, trace=True
        ).events
    )
    assert abs(taken - 0.2 * opportunities["choice"]) < 4.0 * sqrt(0.16 * opportunities["choice"])


def test_a_rate_above_its_cap_saturates_and_is_counted(monkeypatch):
    of = toy(
        monkeypatch, Hazard(name="eager", cap=0.5, willingness=lambda w, p, day, who: 0.6 if day < 500.0 else 0.5, act=pass_by)
    )
    result = replicate(of, 7, 0, trace=True)
    assert len(result.events) == result.opportunities["eager"]
    assert result.saturated["eager"] == sum(event.day < 500.0 for event in result.events)


def test_on_one_day_the_order_of_the_register_decides():
    env, order = simpy.Environment(), []

    def process(priority):
        yield Sleep(env, 7.0, priority)
        order.append(priority)
        yield Sleep(env, 14.0, 100 - priority)
        order.append(100 - priority)

    for priority in (5, 3, 9, 1):
        env.process(process(priority))
    env.run()
    assert order == [1, 3, 5, 9, 91, 95, 97, 99]


def test_sleeping_loses_no_bit_of_the_day():
    env, seen = simpy.Environment(), []
    days = [0.1, 0.1 + 0.2, 1.0 / 3.0 + 1.0, 1096.0 - 2.0**-40]

    def process():
        for day in days:
            yield Sleep(env, day, 1)
            seen.append(env.now)

    env.process(process())
    env.run()
    assert seen == days


def test_timers_of_one_day_act_in_the_order_of_the_register(monkeypatch):
    order = []
    timers = [
        Timer(name=name, next=lambda w, p, day, who: day + 7.0, act=lambda w, p, day, who, luck, name=name: order.append(name))
        for name in ("first", "second", "third")
    ]
    replicate(toy(monkeypatch, *timers, horizon=22), 1, 0)
    assert order == ["first", "second", "third"] * 3


def test_in_runs_the_weekly_timers_keep_their_order():
    of = scenario("open_ended", "horizon_days=60")
    priority = {(s.agent, s.activity.name): s.priority for s in model.slots(tuple(of.groups)) if isinstance(s.activity, Timer)}
    (run,) = runs(of, 1, kind="trace")
    for day in (7.0, 28.0, 42.0, 56.0):
        rung = [priority[e.actor, e.activity] for e in run.events if e.day == day]
        assert len(rung) >= 5
        assert rung == sorted(rung)


def strike_back(monkeypatch, delay_of):
    """A toy in which each provocation sets the day of an answer, and the answer clears it."""

    def provoke(world, p, day, who, luck):
        if world.united_states.strike_due == NEVER:
            world.united_states.strike_due = day + delay_of(luck)

    def answer(world, p, day, who, luck):
        world.united_states.strike_due = NEVER
        world.united_states.struck_luck = luck[0]

    return toy(
        monkeypatch,
        Hazard(name="provocation", cap=0.05, willingness=lambda *_: 0.05, act=provoke),
        Response(
            name="answer",
            due=lambda w, p, who: w.united_states.strike_due,
            act=answer,
            shows=lambda w, p, who: w.united_states.struck_luck,
        ),
    )


def test_a_response_happens_when_due_names_its_cause_and_has_its_luck(monkeypatch):
    of = strike_back(monkeypatch, lambda luck: 3.0 + 2.0 * luck[0])
    result = replicate(of, 8, 0, trace=True)
    asked = {event.name: event for event in named(result.events, "provocation")}
    answers = named(result.events, "answer")
    assert len(answers) > 10
    for event in answers:
        cause = asked[event.cause]
        own = luck.draw(8, 0, luck.stream("toy", "provocation"), cause.n, luck.EVENT)
        assert event.day == cause.day + (3.0 + 2.0 * own[0])
        assert event.n == cause.n
        keyed = luck.draw(8, 0, luck.stream("toy", "answer"), cause.n, luck.stream("toy", "provocation"))
        assert after(event, "value") == keyed[0]


def test_a_response_put_off_or_called_off_does_not_happen_on_its_first_day(monkeypatch):
    def provoke(world, p, day, who, luck):
        world.united_states.strike_due = day + 30.0  # each provocation puts it off

    def call_off(world, p, day, who, luck):
        world.united_states.strike_due = NEVER

    def answer(world, p, day, who, luck):
        world.united_states.strike_due = NEVER

    of = toy(
        monkeypatch,
        Hazard(name="provocation", cap=0.05, willingness=lambda *_: 0.05, act=provoke),
        Timer(name="calling off", next=lambda w, p, day, who: day + 200.0, act=call_off),
        Response(name="answer", due=lambda w, p, who: w.united_states.strike_due, act=answer),
    )
    events = replicate(of, 9, 0, trace=True).events
    due, expected = NEVER, []
    for event in (e for e in events if e.activity != "answer"):
        if due < event.day:
            expected.append(due)
            due = NEVER
        due = NEVER if event.activity == "calling off" else event.day + 30.0
    answers = [event.day for event in named(events, "answer")]
    assert len(answers) > 3
    assert answers == [*expected, due][: len(answers)]


def test_a_response_due_in_the_past_happens_at_once(monkeypatch):
    of = strike_back(monkeypatch, lambda luck: -5.0)
    events = replicate(of, 10, 0, trace=True).events
    assert [e.day for e in named(events, "answer")] == [e.day for e in named(events, "provocation")]


# == causes and counterfactual luck in the model ========================================================================
def test_a_reprisal_names_the_attack_that_set_it_off():
    found = 0
    for run in runs(scenario("open_ended"), 8, kind="trace"):
        by_name = {event.name: event for event in run.events}
        for event in named(run.events, "reprisal"):
            cause = by_name[event.cause]
            assert cause.activity in ("base attack", "war attack")
            assert cause.day < event.day
            found += 1
    assert found > 20


def test_an_events_name_is_its_own():
    # "Was this event there under the other schedule?" is a lookup by name; a response is named after its cause's number.
    for run in runs(scenario("open_ended"), 8, kind="trace"):
        names = Counter(event.name for event in run.events)
        assert [name for name, times in names.items() if times > 1] == []


def reprisals(schedule: str, replication: int) -> dict[str, tuple[float, float, float, float]]:
    """By the attack that caused it: its day, the delay of the reprisal, whether it fell on Iraqi soil, and civilians killed."""
    run = runs(scenario(schedule, "militias.lethality=0.069"), replication + 1, kind="trace")[replication]
    days = {event.name: event.day for event in run.events}
    return {
        event.cause: (days[event.cause], event.day - days[event.cause], change(event, "value"), change(event, "civilian_deaths"))
        for event in named(run.events, "reprisal")
    }


def test_the_same_attack_brings_the_same_reprisal_under_two_schedules():
    shared, elsewhere = 0, 0
    for replication in range(12):
        slow, fast = reprisals("open_ended", replication), reprisals("phased_12_months", replication)
        for cause in slow.keys() & fast.keys():
            assert slow[cause] == fast[cause]
        shared += len(slow.keys() & fast.keys())
        elsewhere += len(slow.keys() ^ fast.keys())
    assert shared > 10
    assert elsewhere > 10  # the histories differ, and still the same attack has the same answer


def test_the_same_opportunity_is_the_same_event_under_two_schedules():
    one, two = (runs(scenario(s), 2, kind="trace")[1].events for s in ("open_ended", "rapid_6_months"))
    days = {event.name: event.day for event in one if isinstance_of_hazard(event)}
    both = [event for event in two if event.name in days and isinstance_of_hazard(event)]
    assert len(both) > 50
    assert all(event.day == days[event.name] for event in both)


def isinstance_of_hazard(event) -> bool:
    return event.activity in ("base attack", "convoy attack", "mass-casualty attack", "tension shock", "crackdown")


# == ways of running change nothing =====================================================================================
CASES = ("open_ended", "exit_and_return", "conditions_based")


@pytest.mark.parametrize("schedule", CASES)
def test_a_replication_run_again_is_the_same_whatever_is_recorded(schedule):
    of = scenario(schedule, "horizon_days=500")
    first = replicate(of, SEED, 3)
    for weekly, trace in ((False, False), (True, False), (False, True), (True, True)):
        again = replicate(of, SEED, 3, weekly=weekly, trace=trace)
        assert again.outcomes == first.outcomes
        assert again.opportunities == first.opportunities
        assert bool(again.weeks) is weekly
        assert bool(again.events) is trace
    assert replicate(of, SEED, 3, trace=True).events == replicate(of, SEED, 3, trace=True).events


def test_another_seed_or_replication_is_another_history():
    of = scenario("open_ended", "horizon_days=500")
    found = [tuple(replicate(of, seed, replication).outcomes) for seed, replication in ((1, 0), (1, 1), (2, 0), (0, 1))]
    assert len(set(found)) == len(found)


def test_the_largest_keys_work():
    of = scenario("open_ended", "horizon_days=30")
    assert len(replicate(of, 2**64 - 1, 2**64 - 1).outcomes) == len(OUTCOMES)


def test_weekly_counts_add_up_to_the_outcomes():
    run = replicate(scenario("open_ended", "horizon_days=497"), SEED, 1, weekly=True)
    assert [day for day, _ in run.weeks] == [7.0 * k for k in range(1, 72)]
    for k, series in enumerate(SERIES):
        last = run.weeks[-1][1][k]
        if series.name in BY_NAME:
            assert outcome(run, series.name) == (sum(values[k] for _, values in run.weeks) if series.total else last)


def test_a_longer_horizon_continues_the_same_history():
    short, long = (replicate(scenario("phased_12_months", f"horizon_days={h}"), SEED, 0, trace=True) for h in (300, 500))
    assert short.events == [event for event in long.events if event.day < 300.0]


def test_a_block_is_its_replications_one_after_the_other():
    of = scenario("exit_and_return", "horizon_days=400")
    block = run_block(of, SEED, 2, 5, weekly=4)
    singly = {r: replicate(of, SEED, r, weekly=True) for r in range(2, 7)}
    assert block.outcomes.tolist() == [(r, *run.outcomes) for r, run in singly.items()]
    assert block.weeks.tolist() == [(r, day, *values) for r in (2, 3) for day, values in singly[r].weeks]
    assert block.failures == []
    assert block.opportunities == sum((run.opportunities for run in singly.values()), Counter())
    parts = [run_block(of, SEED, 2, 2), run_block(of, SEED, 4, 3)]
    assert [row for part in parts for row in part.outcomes.tolist()] == block.outcomes.tolist()


def test_a_replication_that_raises_is_a_failure_and_the_others_go_on(monkeypatch):
    of = scenario("open_ended", "horizon_days=90")
    sound = run_block(of, SEED, 0, 8)
    assert OUTCOMES[0].name == "us_deaths"
    hurt = set(sound.outcomes["replication"][sound.outcomes["us_deaths"] > 0].tolist())  # those in which an American dies
    assert 0 < len(hurt) < 8

    def broken_attack(world, p, day, group, luck):
        militias.attack(world, p, day, group, luck)
        if world.united_states.deaths > 0:
            raise ZeroDivisionError("a rule that fails")

    attack = next(a for a in militias.ACTIVITIES if a.name == "base attack")
    register = tuple(replace(a, act=broken_attack) if a is attack else a for a in militias.ACTIVITIES)
    monkeypatch.setattr(militias, "ACTIVITIES", register)
    block = run_block(of, SEED, 0, 8)
    failed = {failure.replication for failure in block.failures}
    assert failed == hurt
    assert {failure.message for failure in block.failures} == {"ZeroDivisionError: a rule that fails"}
    assert block.outcomes.tolist() == [row for row in sound.outcomes.tolist() if row[0] not in failed]


def test_an_empty_block_is_empty():
    block = run_block(scenario("open_ended"), SEED, 5, 0)
    assert block.outcomes.tolist() == block.weeks.tolist() == Block(5, 0).outcomes.tolist() == Block(5, 0).weeks.tolist() == []
    assert (block.outcomes.dtype, block.weeks.dtype) == (OUTCOME_ROW, WEEK_ROW)


def test_no_activity_asks_for_more_than_its_cap_in_the_shipped_schedules():
    # A share above a thousandth would be a warning to the reader of a study. Patience has the fewest opportunities of all.
    for schedule, rival in (("deadline_missed", "coercive_signalling"), ("open_ended", "none")):
        block = run_block(scenario(schedule, f"rivals/announcement={rival}"), SEED, 0, 8)
        assert not block.failures
        for activity, count in block.saturated.items():
            assert count <= max(1, 0.001 * block.opportunities[activity]), activity


def test_opportunities_come_at_their_caps():
    counts = run_block(scenario("open_ended"), SEED, 0, 8).opportunities
    days = 8 * 1096.0
    for slot in model.slots(("one",)):
        if isinstance(slot.activity, Hazard):
            each = 3 if slot.activity.each == "groups" else 1
            expected = slot.activity.cap * days * each
            assert abs(counts[slot.activity.name] - expected) < 4.5 * sqrt(expected) + 1, slot.activity.name


def test_the_first_gap_is_the_logarithm_of_the_first_uniform(monkeypatch):
    of = toy(monkeypatch, Hazard(name="lone", cap=0.25, willingness=lambda *_: 0.25, act=pass_by))
    gap, take, _, _ = uniforms(12, 3, luck.stream("toy", "lone"), 1, luck.TIMING)
    assert take < 1.0
    assert replicate(of, 12, 3, trace=True).events[0].day == -log(1.0 - gap) / 0.25


def test_the_world_of_a_run_starts_from_the_case():
    world, p = start()
    assert world.united_states.troops == 2500 == p.case.reference_troops
    assert world.isis.rural + world.isis.urban == p.isis.stock
    assert world.government.standing == p.government.standing
    assert world.observation.readiness == world.iraqi_forces.readiness == p.iraqi_forces.readiness
    assert len(world.observation.bases) == observation.WEEKS
    with pytest.raises(AttributeError):
        world.united_states.trops = 1  # a misspelt field is refused
