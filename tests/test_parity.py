"""The compiled engine gives what the reference gives, to the byte: a fast share here, all of it by `python -m tests.parity`."""

import os
import struct
import subprocess
import sys
from collections import Counter
from copy import deepcopy
from dataclasses import replace
from math import nan, nextafter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from experiments.choices import ORDER
from sim.case import ROLES
from sim.engines import reference
from sim.engines.block import Replication
from sim.outcomes import EVENTS, OUTCOMES, SERIES
from sim.readings import READINGS
from sim.scenario import declared_parameters, read_scenario
from tests import parity
from tests.parity import Tally, activity_names, compare, differences, engine, main, same, summary
from tests.random_scenarios import HORIZONS, random_key, random_scenario
from tests.worlds import RIVALS

ROOT = Path(__file__).resolve().parent.parent
ALL = range(300)
# Each schedule in turn; then a promise made again, one already past when made, a step given up, and what else is rare.
FAST = (*range(15), 41, 57, 71, 87, 131, 146, 163, 192, 239)
FEW = (3, 10, 12)  # for what is not about scenarios


# -- both engines ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("number", FAST)
def test_both_engines_give_the_same_bytes(number):
    failures = compare(number).failures
    assert failures == [], f"python -m tests.parity --only {number}: {failures[0][2][:5]}"


@pytest.mark.parametrize("name", ["reference", "compiled"])
@pytest.mark.parametrize("number", FEW)
def test_results_do_not_depend_on_what_is_recorded(name, number):
    of, (seed, _), chosen = random_scenario(number), random_key(number), engine(name)
    bare, full = chosen.replicate(of, seed, 4), chosen.replicate(of, seed, 4, weekly=True, trace=True)
    assert bare.events == bare.weeks == []
    assert differences(replace(bare, events=full.events, weeks=full.weeks), full) == []
    weekly, traced = chosen.replicate(of, seed, 4, weekly=True), chosen.replicate(of, seed, 4, trace=True)
    assert differences(replace(weekly, events=traced.events), replace(traced, weeks=weekly.weeks)) == []
    assert differences(replace(weekly, events=traced.events), full) == []


@pytest.mark.parametrize("name", ["reference", "compiled"])
@pytest.mark.parametrize("number", FEW)
def test_a_block_has_the_rows_of_its_replications(name, number):
    of, (seed, _), chosen = random_scenario(number), random_key(number), engine(name)
    block = chosen.run_block(of, seed, 3, 5, 6)
    runs = {replication: chosen.replicate(of, seed, replication, weekly=replication < 6) for replication in range(3, 8)}
    assert (block.first, block.count, block.failures) == (3, 5, [])
    assert [replication for replication, *_ in block.outcomes.tolist()] == list(runs)
    for replication, *row in block.outcomes.tolist():
        weeks = [(day, values) for of_replication, day, *values in block.weeks.tolist() if of_replication == replication]
        assert differences(replace(runs[replication], outcomes=row, weeks=weeks), runs[replication]) == []
    totals = Replication([], opportunities=block.opportunities, saturated=block.saturated)
    opportunities, saturated = Counter[str](), Counter[str]()
    for run in runs.values():
        opportunities.update(run.opportunities)
        saturated.update(run.saturated)
    assert differences(totals, Replication([], opportunities=opportunities, saturated=saturated)) == []


def test_blocks_of_both_engines_are_the_same():
    for number in FEW:
        of, (seed, _) = random_scenario(number), random_key(number)
        one, other = (engine(name).run_block(of, seed, 2**63 - 4, 3, 2**63 - 2) for name in ("reference", "compiled"))
        assert (one.weeks.dtype, one.weeks.tobytes()) == (other.weeks.dtype, other.weeks.tobytes())
        assert len(one.weeks) == 2 * (of.horizon_days // 7)
        assert one.outcomes["replication"].tolist() == [2**63 - 4, 2**63 - 3, 2**63 - 2]
        for (_, *a), (_, *b) in zip(one.outcomes.tolist(), other.outcomes.tolist(), strict=True):
            assert differences(Replication(a), Replication(b)) == []
        assert (one.first, one.count, one.failures) == (other.first, other.count, other.failures)
        assert (one.opportunities, one.saturated) == (other.opportunities, other.saturated)


def in_another_process(tmp_path: Path, numbers: list[int], **environment: str) -> None:
    """Parity on these scenarios under another environment of numba's, with a cache folder of its own."""
    words = [sys.executable, "-m", "tests.parity", "--workers", "1", "--only", *map(str, numbers)]
    own = {**os.environ, "POSTURE_CACHE": str(tmp_path / "cache"), **environment}
    done = subprocess.run(words, cwd=ROOT, env=own, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(numbers)} scenarios x 1 replication" in done.stdout
    assert "no difference" in done.stdout


@pytest.mark.slow
def test_no_array_is_read_past_its_end(tmp_path):
    in_another_process(tmp_path, list(FAST), NUMBA_BOUNDSCHECK="1")


def test_the_compiled_engine_is_the_same_in_plain_python(tmp_path):
    short = [number for number in range(100) if random_scenario(number).horizon_days < 60]
    in_another_process(tmp_path, short[:2], NUMBA_DISABLE_JIT="1")


# -- the scenarios -----------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def scenarios() -> list[Any]:
    return [random_scenario(number) for number in ALL]


def test_a_scenario_is_a_function_of_its_number(scenarios):
    for number in (299, 0, 14):
        again = random_scenario(number)
        assert again.content() == scenarios[number].content()
        assert read_scenario(again.content()).record == again.record
        assert random_key(number, 2) == random_key(number, 2) != random_key(number, 3)
    assert len({of.identity for of in scenarios}) == len(scenarios)


def test_scenarios_are_of_all_schedules_rivals_and_groups(scenarios):
    counts = Counter((of.schedule.name, of.announcement) for of in scenarios)
    assert set(counts) == {(name, rival) for name in (*ORDER, "own") for rival in RIVALS}
    assert {of.excitation for of in scenarios} == {True, False}
    assert {len(of.groups) for of in scenarios} == {1, 2, 3, 4, 5, 6}
    assert {(of.schedule.name, of.excitation) for of in scenarios} >= {(name, on) for name in ORDER for on in (True, False)}
    groups = [group for of in scenarios for group in of.groups.values()]
    assert min(group.capacity for group in groups) == 0.0
    assert max(group.capacity for group in groups) > 0.99
    assert {0.0, 1.0, 3.0} <= {group.restraint for group in groups} & {group.ties for group in groups}


def test_scenarios_are_of_all_horizons_starts_and_forces(scenarios):
    horizons = [of.horizon_days for of in scenarios]
    assert (min(horizons), max(horizons)) == HORIZONS
    assert 60 < sum(days % 7 == 0 for days in horizons) < 240
    assert all(sum(low <= days < high for days in horizons) > 20 for low, high in ((30, 100), (100, 731), (731, 1501)))
    assert {of.start.year for of in scenarios} >= set(range(2009, 2031))
    assert all(min(of.case.posture.by_role()[role] for of in scenarios) == 0 for role in ROLES)
    assert {len(of.case.elections) for of in scenarios} >= {0, 1, 16}
    assert {len(of.case.anniversaries) for of in scenarios} >= {0, 1, 16}


def test_own_schedules_are_of_every_form(scenarios):
    own = [of.schedule for of in scenarios if of.schedule.name == "own"]
    steps = [step for schedule in own for step in schedule.steps]
    for part in ("pause", "accelerate", "come_back"):
        assert {getattr(schedule, part) is None for schedule in own} == {True, False}, part
    for part in ("date", "after", "promise", "promise_days", "only_if", "latest", "wait_at_most"):
        assert any(getattr(step, part) is not None for step in steps), part
    assert {len(schedule.steps) for schedule in own} >= {0, 1, 3, 6, 16}
    assert {step.does for step in steps} == {"announce", "change mission", "leave"}
    assert {step.otherwise for step in steps} == {"it happens anyway", "the schedule is broken"}
    assert {"all", dict} == {step.troops if step.troops == "all" else dict for step in steps if step.troops}
    assert {indicator for of in scenarios for indicator in of.record["schedule"]["indicator"]} == set(range(8))


def test_parameters_are_drawn_from_all_of_their_priors_and_a_few_from_beyond(scenarios):
    beyond = set()
    for parameter in declared_parameters():
        low, high = parameter.low, parameter.high
        found = [getattr(of.beliefs[parameter.agent], parameter.name) for of in scenarios]
        beyond |= {k for k, value in enumerate(found) if not low <= value <= high}
        assert {low, high} <= set(found), parameter.key
        for quarter in range(4):
            from_, to = (low + (high - low) * part / 4 for part in (quarter, quarter + 1))
            assert sum(from_ < value < to for value in found) > 20, parameter.key
    assert 15 <= len(beyond) <= 50  # about a tenth of scenarios


def test_the_fast_share_reaches_every_activity_and_every_event_among_the_outcomes():
    total = Tally()
    for number in FAST:
        of, (seed, replication) = random_scenario(number), random_key(number)
        run = reference.replicate(of, seed, replication, trace=True)
        total.activities.update(event.activity for event in run.events)
        total.happened.update(o.name for o, value in zip(OUTCOMES, run.outcomes, strict=True) if o.name in EVENTS and value)
        total.saturated.update(run.saturated)
    assert [name for name in activity_names() if not total.activities[name]] == []
    assert [name for name in EVENTS if not total.happened[name]] == []
    assert total.saturated.total() > 0


# -- finding differences -----------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def run() -> Replication:
    return reference.replicate(random_scenario(3), *random_key(3), weekly=True, trace=True)


def other_bits(value: float) -> float:
    return nextafter(value, 1e300)


def with_reading(event: Any, part: str, reading: str, change: Any) -> Any:
    values = list(getattr(event, part))
    place = READINGS.index(reading)
    values[place] = change(values[place])
    return replace(event, **{part: tuple(values)})


def place(outcome: str) -> int:
    return [o.name for o in OUTCOMES].index(outcome)


def change_event(k: int, **changes: Any) -> Any:
    def change(run: Replication) -> None:
        run.events[k] = replace(run.events[k], **changes)

    return change


def change_reading(k: int, part: str, reading: str, new: Any) -> Any:
    def change(run: Replication) -> None:
        run.events[k] = with_reading(run.events[k], part, reading, new)

    return change


def change_week(k: int, series: str, new: Any) -> Any:
    def change(run: Replication) -> None:
        at = [s.name for s in SERIES].index(series)
        run.weeks[k][1][at] = new(run.weeks[k][1][at])

    return change


def change_outcome(name: str, new: Any) -> Any:
    def change(run: Replication) -> None:
        run.outcomes[place(name)] = new(run.outcomes[place(name)])

    return change


def change_world(agent: str, key: str, new: Any) -> Any:
    def change(run: Replication) -> None:
        part = getattr(run.world, agent)
        setattr(part, key, new(getattr(part, key)))

    return change


def item(k: int, new: Any) -> Any:
    return lambda values: [*values[:k], new(values[k]), *values[k + 1 :]]


def more(value: Any) -> Any:
    return value + 1


def opposite(value: Any) -> Any:
    return -value if value else -0.0


# what is changed, how, and what has to be said of it
CHANGES = {
    "an event's day": (change_event(20, day=12.5), "event 21 (", "day: "),
    "an event's actor": (change_event(20, actor="nobody"), "event 21 (", "actor: "),
    "an event's activity": (change_event(20, activity="nothing"), "event 21 (", "activity: "),
    "an event's number": (change_event(20, n=10**6), "event 21 (", ", n: ", "and 1000000"),
    "an event's cause": (change_event(20, cause="somebody/something#1"), "event 21 (", "cause: ", "something#1"),
    "whether an event is routine": (change_event(20, routine=1), "event 21 (", "routine: ", "and 1 (int)"),
    "a reading before": (change_reading(0, "before", "pressure", other_bits), "event 1 (", "before.pressure: "),
    "a reading after": (change_reading(-1, "after", "stock", other_bits), "event ", "after.stock: "),
    "a reading's type": (change_reading(9, "after", "troops", lambda x: int(x) if type(x) is float else float(x)), "(int)"),
    "readings too few": (change_event(0, after=(0, 0)), "event 1 (", "len(after): 9 and 2"),
    "the order of events": (lambda run: run.events.insert(7, run.events.pop(8)), "event 8 ("),
    "the last event missing": (lambda run: run.events.pop(), "events: ", "only in the first: event "),
    "an event more": (lambda run: run.events.append(run.events[-1]), "events: ", "only in the second: event "),
    "a count of a week": (change_week(2, "isis_attacks", more), "week 3 (day 21), isis_attacks: "),
    "an index of a week": (change_week(2, "readiness", other_bits), "week 3 (day 21), readiness: "),
    "a type in a week": (change_week(0, "troops", float), "week 1 (day 7), troops: ", "(int)", "(float)"),
    "a week's day": (lambda run: run.weeks.__setitem__(1, (14, run.weeks[1][1])), "week 2 (day 14), day: ", "(int)"),
    "a week missing": (lambda run: run.weeks.pop(), "weeks: "),
    "a count of opportunities": (lambda run: run.opportunities.update(["base attack"]), "opportunities of base attack: "),
    "opportunities of another": (lambda run: run.opportunities.update(["novelty"]), "opportunities of novelty: 0 and 1"),
    "a count of saturation": (lambda run: run.saturated.update(["jailbreak"]), "saturated opportunities of jailbreak: "),
    "a number in the world": (change_world("militias", "base_attacks", more), "world.militias.base_attacks: "),
    "bits in the world": (change_world("isis", "rural", other_bits), "world.isis.rural: "),
    "a sign in the world": (change_world("united_states", "since_day", opposite), "world.united_states.since_day: "),
    "a type in the world": (change_world("united_states", "troops", float), "world.united_states.troops: ", "(float)"),
    "an item in the world": (change_world("militias", "regime", item(6, more)), "world.militias.regime[6]: "),
    "a list in the world": (change_world("observation", "mass", lambda x: x[:-1]), "len(world.observation.mass): 96 and 95"),
    "an item's type": (change_world("observation", "counted", item(1, float)), "world.observation.counted[1]: ", "(float)"),
    "no number in the world": (change_world("isis", "urban", lambda _: nan), "world.isis.urban: ", "and nan"),
    "a field of the world": (lambda run: delattr(run.world.isis, "tempo"), "world.isis.tempo: ", "no such field"),
    "an agent of the world": (lambda run: delattr(run.world, "government"), "world.government"),
    "no world": (lambda run: setattr(run, "world", None), "world: 'missing' (str) and None"),
    "an outcome's count": (change_outcome("isis_deaths", more), "outcome isis_deaths: "),
    "an outcome's bits": (change_outcome("isis_stock", other_bits), "outcome isis_stock: "),
    "an outcome's type": (change_outcome("us_strikes", float), "outcome us_strikes: ", "(int)", "(float)"),
    "an outcome's yes or no": (change_outcome("returned", lambda x: not x), "outcome returned: "),
    "an outcome too few": (lambda run: run.outcomes.pop(), "outcome cost: ", "and 'missing'"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_difference_is_found_and_named(run, what):
    change, *words = CHANGES[what]
    changed = deepcopy(run)
    assert differences(run, changed) == []
    change(changed)
    found = differences(run, changed)
    assert len(found) >= 1, "not found"
    assert any(all(word in line for word in words) for line in found), found
    assert len(found) <= 120
    assert differences(changed, run) != []


def test_each_kind_of_difference_is_named_beside_the_others(run):
    changed = deepcopy(run)
    for what in ("a reading before", "the last event missing", "an index of a week", "a count of saturation"):
        CHANGES[what][0](changed)
    for what in ("bits in the world", "an item in the world", "an outcome's count", "an outcome's bits"):
        CHANGES[what][0](changed)
    assert len(differences(run, changed)) == 8


def test_a_number_of_numpy_is_told_from_pythons_own(run):
    import numpy as np

    for number in (np.float64(1.5), np.int64(3), np.bool_(True)):
        assert not same(number, number.item())
    changed = deepcopy(run)
    change_reading(0, "before", "pressure", np.float64)(changed)
    assert "float64" in differences(run, changed)[0]


def test_floats_are_compared_by_their_bits():
    strange = struct.unpack("<d", struct.pack("<Q", 0x7FF8_0000_0000_0001))[0]
    assert same(nan, nan)
    assert same(float("inf"), float("inf"))
    assert not same(nan, strange)
    assert not same(0.0, -0.0)
    assert not same(1, 1.0)
    assert not same(True, 1)
    assert "7ff8000000000001" in parity.values(nan, strange)


def test_yes_or_no_may_be_written_as_a_number(run):
    changed = deepcopy(run)
    changed.outcomes = [int(value) if type(value) is bool else value for value in run.outcomes]
    assert differences(run, changed) == []


# -- the command -------------------------------------------------------------------------------------------------------
def test_the_command_says_what_it_compared_and_found(capsys):
    assert main(["--only", "5", "14", "--workers", "1", "--engines", "reference", "reference"]) == 0
    said = capsys.readouterr().out
    assert "2 scenarios x 1 replication: " in said
    assert "no difference" in said
    assert "never happened: " in said


def test_the_command_names_the_scenario_that_differs(capsys, monkeypatch):
    def replicate(of: Any, seed: int, replication: int, **recorded: bool) -> Replication:
        result = reference.replicate(of, seed, replication, **recorded)
        result.outcomes[0] += 1
        result.outcomes[1] += 1
        return result

    wrong = SimpleNamespace(replicate=replicate)
    monkeypatch.setattr(parity, "engine", lambda name: wrong if name == "wrong" else reference)
    assert main(["--only", "5", "--runs", "2", "--workers", "1", "--engines", "reference", "wrong"]) == 1
    said = capsys.readouterr().out
    assert "scenario 5, run 0: outcome us_deaths: " in said
    assert "scenario 5, run 1: outcome us_deaths: " in said
    assert "(and 1 more differences)" in said
    assert "DIFFERENCES in 1 of 1" in said


@pytest.mark.parametrize("engines", [("reference", "wrong"), ("wrong", "reference")])
def test_what_an_engine_raises_is_a_difference(engines, monkeypatch):
    def replicate(*_: Any, **__: Any) -> Replication:
        raise IndexError("index 16 is out of bounds")

    wrong = SimpleNamespace(replicate=replicate)
    monkeypatch.setattr(parity, "engine", lambda name: wrong if name == "wrong" else reference)
    tally = compare(5, 1, engines)
    assert tally.failures == [(5, 0, ["wrong raised IndexError: index 16 is out of bounds"])]
    assert "DIFFERENCES in 1 of 1" in summary(tally, engines)


@pytest.mark.parametrize("words", [["--scenarios", "0"], ["--runs", "0"], ["--workers", "0"], ["--first", "-1"]])
def test_a_request_for_nothing_is_refused(words, capsys):
    with pytest.raises(SystemExit) as refused:
        main(words)
    assert refused.value.code == 2
    assert "expected at least one scenario" in capsys.readouterr().err
