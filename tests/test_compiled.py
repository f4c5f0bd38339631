"""The compiled engine for itself: what fails, what it is run with, its cache, its parts. What it gives is in test_parity."""

import re
import sys
import threading
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments.command import main
from sim import luck, model
from sim.activity import Hazard, Response, Timer
from sim.agents import environment, militias
from sim.engines import ENGINES, compiled, dispatch, engine, reference
from sim.engines.build import Engine
from sim.engines.records import PlainRecords, as_object, fields, records, type_of
from sim.readings import READERS
from sim.studies.memory import simulate
from sim.studies.tables import frame
from tests.processes import COMPILING, manifest, program, table, tables
from tests.worlds import SEED, scenario

TEXT = compiled.DEFAULT.engine.dispatch.text
EXTREMES = (0, 1, 2**32 - 1, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1)


def exactly(rows: np.ndarray) -> str:
    """All values of all rows, each float with all of its digits and its sign; not the bytes, of which some are padding."""
    return repr(rows.tolist())


def same_block(a: Any, b: Any) -> None:
    assert (a.first, a.count) == (b.first, b.count)
    assert (a.outcomes.dtype, a.weeks.dtype) == (b.outcomes.dtype, b.weeks.dtype)
    assert exactly(a.outcomes) == exactly(b.outcomes)
    assert exactly(a.weeks) == exactly(b.weeks)
    assert (a.opportunities, a.saturated) == (b.opportunities, b.saturated)


# -- which engine ------------------------------------------------------------------------------------------------------
def test_an_engine_is_known_by_its_name():
    assert [engine(name) for name in ENGINES] == [compiled, reference]
    for name in ("", "Compiled", "loop", "block"):
        with pytest.raises(ValueError, match="expected one of compiled, reference"):
            engine(name)


# -- what fails --------------------------------------------------------------------------------------------------------
def broken(horizon: int = 150, **zero: str) -> Any:
    """A scenario, as the engines read one, in which a parameter that is a divisor is zero: what no configuration can say."""
    of = scenario("open_ended", f"horizon_days={horizon}")
    record = {part: dict(values) if isinstance(values, dict) else values for part, values in of.record.items()}
    for part, name in zero.items():
        record[part][name] = 0.0
    return SimpleNamespace(groups=of.groups, horizon_days=of.horizon_days, record=record)


def test_replications_that_raise_are_failures_and_the_others_are_as_ever():
    sound = compiled.run_block(scenario("open_ended", "horizon_days=150"), SEED, 0, 60, 40)
    block = compiled.run_block(broken(militias="spell"), SEED, 0, 60, 40)
    failed = [failure.replication for failure in block.failures]
    assert 5 < len(failed) < 55
    assert failed == sorted(failed)
    assert any(b == a + 1 for a, b in pairwise(failed))  # two in a row
    assert all("ZeroDivisionError: " in failure.message for failure in block.failures)
    kept = [r for r in range(60) if r not in failed]
    assert block.outcomes["replication"].tolist() == kept
    assert exactly(block.outcomes) == exactly(sound.outcomes[kept])
    assert sorted(set(block.weeks["replication"].tolist())) == [r for r in kept if r < 40]
    assert exactly(block.weeks) == exactly(sound.weeks[np.isin(sound.weeks["replication"], kept)])


def test_both_engines_fail_in_the_same_replications():
    one, other = (engine(name).run_block(broken(militias="spell"), SEED, 0, 60, 40) for name in ENGINES)
    places = [[(failure.replication, failure.day, failure.activity) for failure in block.failures] for block in (one, other)]
    assert places[0] == places[1]
    assert {activity.split("/")[1] for _, _, activity in places[0]} == {"change of regime"}
    assert all(0.0 < day <= 150.0 for _, day, _ in places[0])
    assert one.outcomes.tolist() == other.outcomes.tolist()
    assert one.weeks.tolist() == other.weeks.tolist()


def test_both_engines_count_the_opportunities_of_what_did_not_fail():
    one, other = (engine(name).run_block(broken(militias="spell"), SEED, 0, 30) for name in ENGINES)
    assert one.failures
    assert (one.opportunities, one.saturated) == (other.opportunities, other.saturated)


def test_a_block_in_which_all_fail_has_no_rows():
    block = compiled.run_block(broken(isis="stock"), SEED, 7, 20, 20)
    assert [failure.replication for failure in block.failures] == list(range(7, 27))
    assert all(failure.activity.startswith("isis/") for failure in block.failures)
    assert len(block.outcomes) == len(block.weeks) == 0


def test_a_replication_that_raises_is_raised_with_its_own_error():
    with pytest.raises(ZeroDivisionError):
        compiled.replicate(broken(isis="stock"), SEED, 0)


@pytest.mark.parametrize("error", [RuntimeError, OSError, TypeError])
def test_an_engine_that_cannot_be_built_says_so_at_once(error, monkeypatch):
    tried = []

    def made(self: Engine, nothing: Any) -> None:
        tried.append(nothing)
        raise error("no compiler")

    monkeypatch.setattr(Engine, "_made", made)
    new, of = compiled.Compiled(), scenario("open_ended", "horizon_days=30")
    for attempt, run in enumerate((compiled.run_block, compiled.replicate), start=1):
        with pytest.raises(error, match="no compiler"):
            run(of, SEED, 0, *((50,) if run is compiled.run_block else ()), engine=new)
        assert len(tried) == attempt


# Runs as a program of its own, in which what is given is done to the register before an engine is made of it.
PROGRAM = """
import json, sys
from dataclasses import replace
from sim import model
from sim.agents import militias
from sim.engines import compiled, reference
from sim.rules import rule
from tests.worlds import SEED, scenario

right = next(a for a in militias.ACTIVITIES if a.name == "base attack")
attack = right.act

@rule
def broken_attack(world, p, day, group, luck):
    attack(world, p, day, group, luck)
    if world.united_states.deaths > 0:
        world.militias.standing = 1.0 / (world.united_states.deaths * 0.0)

count = int(sys.argv[1])
of = scenario("open_ended", "horizon_days=60")
sound = reference.run_block(of, SEED, 0, count)
hurt = sound.outcomes["replication"][sound.outcomes["us_deaths"] > 0].tolist()
militias.ACTIVITIES = tuple(replace(a, act=broken_attack) if a is right else a for a in militias.ACTIVITIES)
block = compiled.run_block(of, SEED, 0, count, engine=compiled.Compiled())
assert 0 < len(hurt) < count
assert [failure.replication for failure in block.failures] == hurt
assert {failure.message.partition(":")[0] for failure in block.failures} == {"ZeroDivisionError"}
assert block.outcomes.tolist() == [row for row in sound.outcomes.tolist() if row[0] not in hurt]
"""


def test_a_rule_that_fails_in_plain_python_is_a_failure_of_its_replication(tmp_path):
    program(PROGRAM, "12", NUMBA_DISABLE_JIT="1", POSTURE_CACHE=str(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_rule_that_fails_when_compiled_is_a_failure_of_its_replication(tmp_path):
    assert program(PROGRAM, "40", POSTURE_CACHE=str(tmp_path)).stderr == COMPILING


# -- what results do not depend on -------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [1, 7, 24])
def test_results_do_not_depend_on_the_size_of_blocks(size):
    of = scenario("exit_and_return", "horizon_days=400")
    whole = frame({"a": [compiled.run_block(of, SEED, 0, 24, 10)]})
    weekly = frame({"a": [compiled.run_block(of, SEED, 0, 24, 10)]}, "weekly")
    parts = [compiled.run_block(of, SEED, first, min(size, 24 - first), 10) for first in range(0, 24, size)]
    pd.testing.assert_frame_equal(frame({"a": parts}), whole, check_exact=True)
    pd.testing.assert_frame_equal(frame({"a": parts}, "weekly"), weekly, check_exact=True)


def test_results_do_not_depend_on_how_many_threads_there_are():
    scenarios = {"a": scenario("open_ended", "horizon_days=300"), "b": scenario("rapid_6_months", "horizon_days=300")}
    alone = simulate(scenarios, SEED, 700, 20, executor="serial", workers=1)
    for threads in (2, 8):
        together = simulate(scenarios, SEED, 700, 20, executor="threads", workers=threads)
        assert list(together) == list(scenarios)
        assert all(len(blocks) > 1 for blocks in together.values())
        for name in ("outcomes", "weekly"):
            pd.testing.assert_frame_equal(frame(together, name), frame(alone, name), check_exact=True)


def test_threads_that_share_an_engine_from_the_start_wait_until_it_is_made(monkeypatch):
    new, of, made, found = compiled.Compiled(), scenario("open_ended", "horizon_days=60"), [], {}
    right = Engine._made

    def make(self: Engine, nothing: Any) -> Any:
        made.append(threading.current_thread())
        return right(self, nothing)

    monkeypatch.setattr(Engine, "_made", make)

    def work(k: int) -> None:
        found[k] = compiled.run_block(of, SEED, 0, 20, engine=new)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    for k in range(4):
        same_block(found[k], compiled.run_block(of, SEED, 0, 20))


@pytest.mark.parametrize("room", [0, 1, 17])
def test_a_log_that_is_longer_than_its_room_is_complete(room, monkeypatch):
    of = scenario("open_ended", "horizon_days=200")
    right = compiled.replicate(of, SEED, 2, weekly=True, trace=True)
    assert right.events == reference.replicate(of, SEED, 2, trace=True).events
    assert 20 < len(right.events) < compiled.EVENTS
    for events in (room, len(right.events) - room):
        monkeypatch.setattr(compiled, "EVENTS", events)
        again = compiled.replicate(of, SEED, 2, weekly=True, trace=True)
        assert again.events == right.events
        assert (again.outcomes, again.weeks) == (right.outcomes, right.weeks)
        assert (again.opportunities, again.saturated) == (right.opportunities, right.saturated)


@pytest.mark.parametrize(
    ("seed", "replication"), [(0, 0), (2**64 - 1, 2**64 - 1), (0, 2**64 - 1), (2**64 - 1, 0), (2**63, 2**63 - 1)]
)
def test_the_smallest_and_the_largest_keys_are_those_of_the_reference(seed, replication):
    of = scenario("exit_and_return", "horizon_days=120")
    one, other = (engine(name).replicate(of, seed, replication, weekly=True, trace=True) for name in ENGINES)
    assert (one.outcomes, one.weeks, one.events) == (other.outcomes, other.weeks, other.events)
    assert (one.opportunities, one.saturated) == (other.opportunities, other.saturated)


def test_keys_beyond_the_largest_are_refused():
    of = scenario("open_ended", "horizon_days=30")
    for seed, replication in ((-1, 0), (2**64, 0), (0, -1), (0, 2**64)):
        with pytest.raises(OverflowError):
            compiled.replicate(of, seed, replication)


def test_scenarios_with_other_groups_use_one_engine_in_turn():
    few, more = scenario("open_ended", "militias=disarmed", "horizon_days=200"), scenario("open_ended", "horizon_days=200")
    before = [compiled.run_block(of, SEED, 0, 5, 5) for of in (few, more)]
    for of, block in zip((more, few), reversed(before), strict=True):
        same_block(compiled.run_block(of, SEED, 0, 5, 5), block)


# -- the commands ------------------------------------------------------------------------------------------------------
@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(sys, "argv", ["posture"])
    return tmp_path / "here"


def equal(one: str, other: str) -> None:
    """Whether two places have the same study, to the byte, each having computed it."""
    assert tables(results=one) == tables(results=other)
    for results in (one, other):
        made = manifest(results=results)
        assert (made["computed"], made["found"]) == (len(table("outcomes", results=results)), 0)
        assert len(table("weekly", results=results))


def test_run_writes_the_same_tables_whichever_the_engine(here, capsys):
    words = ["run", "schedule=exit_and_return", "replications=8", "weekly=5", "workers=1", "name=mine"]
    for name in ENGINES:  # each has a store of its own: what one has computed the other would only find
        assert main([*words, f"engine={name}", f"results={name}"]) == 0
    equal(*ENGINES)
    manifests = [manifest(results=name) for name in ENGINES]
    assert [made["engine"] for made in manifests] == list(ENGINES)
    assert manifests[0]["saturation"] == manifests[1]["saturation"]
    assert manifests[0]["scenarios"] == manifests[1]["scenarios"]


def test_what_one_engine_has_computed_the_other_finds(here, capsys):
    words = ["run", "replications=8", "horizon_days=60", "workers=1", "name=mine"]
    for name, done in zip(ENGINES, ((8, 0), (0, 8)), strict=True):
        assert main([*words, f"engine={name}"]) == 0
        assert (manifest()["computed"], manifest()["found"]) == done


def test_run_writes_the_same_tables_however_many_threads_there_are(here, capsys):
    words = ["run", "-m", "schedule=open_ended,rapid_6_months", "replications=450", "horizon_days=60", "weekly=250", "name=mine"]
    for cores in (1, 2, 8):
        assert main([*words, f"workers={cores}", f"results=on-{cores}"]) == 0
    equal("on-1", "on-2")
    equal("on-1", "on-8")
    assert len(table("outcomes", results="on-8")) == 900


def test_trace_tells_and_logs_the_same_whichever_the_engine(here, capsys):
    told = []
    for name in ENGINES:
        words = ["trace", "schedule=exit_and_return", "replication=3", "everything=true", f"engine={name}"]
        assert main([*words, "log=log.csv"]) == 0
        told.append((capsys.readouterr(), Path("log.csv").read_bytes()))
    assert told[0] == told[1]
    assert len(told[0][1].splitlines()) > 100


def test_without_a_compiler_run_writes_the_same_table(here, tmp_path):
    words = ["run", "replications=3", "horizon_days=60", "workers=1", "weekly=2", "name=mine"]
    said = program(
        f"from experiments.command import main; raise SystemExit(main({[*words, f'results={here}/plain']!r}))",
        NUMBA_DISABLE_JIT="1",
        POSTURE_CACHE=str(tmp_path / "cache"),
    )
    assert re.fullmatch("warning: engine = 'compiled': there is no compiler; the reference engine [^\n]*\n", said.stderr)
    assert not (tmp_path / "cache").exists()
    assert main([*words, "engine=reference", "results=slow"]) == 0
    equal("plain", "slow")


# -- draws -------------------------------------------------------------------------------------------------------------
def test_a_compiled_draw_is_that_of_luck():
    from numba import njit

    from sim.engines.philox import draw

    @njit
    def drawn(seed, replication, stream, n, word):
        return draw(seed, replication, stream, n, word)

    rng = np.random.default_rng(11)
    keys = [tuple(int(x) for x in rng.integers(0, 2**64, 5, dtype=np.uint64)) for _ in range(2000)]
    keys += [tuple(int(x) for x in rng.choice(np.array(EXTREMES, np.uint64), 5)) for _ in range(2000)]
    keys += [(seed, 3, luck.stream("isis", "jailbreak"), n, word) for seed in EXTREMES for n in (1, 2, 9) for word in (0, 1)]
    keys += [(0, 0, 0, 1, 0), (2**64 - 1,) * 5]
    for key in keys:
        key = (*key[:3], max(1, key[3]), key[4])  # n counts from 1
        assert drawn(*(np.uint64(word) for word in key)) == luck.draw(*key), key


# -- the text of the module --------------------------------------------------------------------------------------------
def activities() -> list[Any]:
    return [activity for module in model.AGENTS.values() for activity in module.ACTIVITIES]


def part(text: str, name: str) -> str:
    return text.partition(f"def {name}(")[2].partition("@inner")[0]


def test_every_activity_is_reached_by_its_number():
    made = dispatch.Dispatch()
    asked = {"willing": Hazard, "act": object, "next_day": Timer, "ready": Timer, "due_day": Response, "shown": object}
    for name, kind in asked.items():
        chain = part(made.text, name)
        told = [line.partition("#")[2].strip() for line in chain.splitlines() if "#" in line]
        assert told == [activity.name for activity in activities() if isinstance(activity, kind)]
        for activity in activities():
            if isinstance(activity, kind) and activity.name != told[-1]:
                assert f"if kind == {made.number(activity)}:  # {activity.name}\n" in chain
        assert chain.count("else:") == 1
    assert [made.number(activity) for activity in activities()] == list(range(len(activities())))


def test_the_text_calls_the_rules_of_each_activity_and_every_begin():
    made = dispatch.Dispatch()
    for activity in activities():
        for field in ("act", "shows", "willingness", "next", "ready", "due"):
            function = getattr(activity, field, None)
            if function is not None:
                assert made.names[f"{function.__module__.rpartition('.')[2]}_{function.__name__}"] is function
    begins = part(made.text, "begin")
    assert [line.strip() for line in begins.splitlines()[1:] if line.strip()] == [
        f"{name}_begin(world, p)" for name in model.AGENTS
    ]
    for name in READERS:
        assert f"reading_{name}(world, p, who)" in part(made.text, "read")
    compile(made.text, "dispatch.py", "exec")


def test_the_text_is_the_same_each_time_and_changes_with_the_register(monkeypatch):
    first = dispatch.Dispatch().text
    assert dispatch.Dispatch().text == first == TEXT
    attack = next(activity for activity in militias.ACTIVITIES if activity.name == "base attack")
    monkeypatch.setattr(militias, "ACTIVITIES", tuple(a for a in militias.ACTIVITIES if a is not attack))
    without = dispatch.Dispatch().text
    assert "# base attack" in first
    assert "# base attack" not in without
    monkeypatch.setattr(model, "AGENTS", dict(reversed(model.AGENTS.items())))
    assert dispatch.Dispatch().text not in (first, without)


def test_two_rules_of_one_name_in_one_file_are_refused(monkeypatch):
    attack = next(activity for activity in militias.ACTIVITIES if activity.name == "base attack")

    def other(world: Any, p: Any, day: float, who: int, luck: Any) -> None: ...

    other.__module__, other.__name__ = attack.act.__module__, attack.act.__name__
    doubled = (*militias.ACTIVITIES, replace(attack, name="another attack", act=other))
    monkeypatch.setattr(militias, "ACTIVITIES", doubled)
    with pytest.raises(ValueError, match=f"^militias_{attack.act.__name__}: two rules of that name"):
        dispatch.Dispatch()
    other.__module__ = environment.__name__
    dispatch.Dispatch()


# -- records -----------------------------------------------------------------------------------------------------------
def test_what_a_record_is_given_it_gives_back():
    for values in (model.first_world(), scenario("exit_and_return").record):
        made = records(values, 3)
        assert len(made) == 3
        for record in made:
            assert fields(record) == values
            assert [type(x) for x in fields(record).values()] == [type(x) for x in values.values()]
    values = {"a": -(2**63), "b": 0.1, "c": [1, 2**62], "d": {"e": [float("inf"), -0.0], "f": {"g": 3}}}
    found = fields(records(values)[0])
    assert found == values
    assert repr(found) == repr(values)


def test_a_record_is_an_object_as_the_reference_engine_has_it():
    world = as_object(records(model.first_world())[0])
    assert world.united_states.troops == model.first_world()["united_states"]["troops"]
    assert type(world.militias.regime) is list
    with pytest.raises(AttributeError):
        world.united_states.trops = 1
    assert as_object(world) is world


def test_plain_records_are_set_by_copying_as_those_of_an_array_are():
    plain = PlainRecords(records({"a": [1, 2], "b": {"c": 0.5}}, 2))
    plain[1] = plain[0]
    plain[1].a[0], plain[1].b.c = 7, 9.0
    assert (plain[0].a, plain[0].b.c) == ([1, 2], 0.5)
    assert (plain[1].a, plain[1].b.c) == ([7, 2], 9.0)


@pytest.mark.parametrize("value", ["word", None, True, [True, False], [1, 2.0], [], [[1]], (1, 2), np.float64(1.0), 1j, ["a"]])
def test_what_a_record_cannot_hold_is_refused_by_name(value):
    with pytest.raises(TypeError, match=r"^field: a record holds whole numbers, floats or lists of one of them, found"):
        type_of({"right": 1, "part": {"field": value}})
