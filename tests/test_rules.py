"""Rules keep to what CPython and compiled code agree on to the last bit: read in their source, and compiled and compared."""

import ast
import builtins
import inspect
import math
import textwrap
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numba import njit
from numba.extending import register_jitable

from sim import model
from sim.agents import government, iraqi_forces, isis, militias, observation, posture, united_states
from sim.engines.records import fields as fields_of
from sim.engines.records import records
from sim.engines.reference import replicate
from sim.outcomes import OUTCOMES
from sim.readings import read
from sim.rules import RULES
from sim.state import plain
from tests.worlds import SEED, scenario, start

ARITHMETIC = {math.exp, math.log, math.log1p, math.expm1, math.sqrt, math.cos, math.tanh, math.erf, math.floor}
BUILT_IN = {abs, int, len, max, min, range}
KINDS = ("willingness", "act", "skip", "next", "ready", "due", "shows")
BANNED = (
    *(ast.GeneratorExp, ast.ListComp, ast.SetComp, ast.DictComp, ast.Lambda, ast.Dict, ast.Set, ast.JoinedStr, ast.Try),
    *(ast.With, ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal, ast.Yield, ast.Await, ast.Starred, ast.Pow, ast.MatMult),
)


def name(function: Any) -> str:
    return f"{function.__module__.removeprefix('sim.')}.{function.__name__}"


def body(function: Any) -> ast.FunctionDef:
    found = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(found, ast.FunctionDef)
    return found


def called(function: Any, call: ast.Call) -> Any:
    """What a call names, looked up where the rule would look it up; None if it cannot be told."""
    match call.func:
        case ast.Name(id=word):
            return function.__globals__.get(word, getattr(builtins, word, None))
        case ast.Attribute(value=ast.Name(id=module), attr=word):
            where = function.__globals__.get(module)
            return getattr(where, word, None) if isinstance(where, ModuleType) else None
    return None


# -- in the source -----------------------------------------------------------------------------------------------------
def test_there_are_rules_and_their_names_differ():
    assert len(RULES) > 100
    assert len({name(rule) for rule in RULES}) == len(RULES)


def test_no_rule_has_anything_that_engines_could_disagree_on():
    for rule in RULES:
        for node in ast.walk(body(rule)):
            assert not isinstance(node, BANNED), f"{name(rule)}: {type(node).__name__}"


def test_rules_call_rules_and_plain_arithmetic_only():
    for rule in RULES:
        for node in ast.walk(body(rule)):
            if isinstance(node, ast.Call):
                function = called(rule, node)
                allowed = function in ARITHMETIC or function in BUILT_IN or function in RULES
                assert allowed, f"{name(rule)}: {ast.unparse(node)}"


def test_rules_read_no_clock_and_no_module_but_those_of_agents():
    for rule in RULES:
        for node in ast.walk(body(rule)):
            if isinstance(node, ast.Name):
                value = rule.__globals__.get(node.id)
                if isinstance(value, ModuleType):
                    assert value.__name__.startswith("sim.agents."), f"{name(rule)}: {node.id}"


def test_rules_have_no_memory_of_their_own():
    for rule in RULES:
        assert rule.__closure__ is None, name(rule)
        assert rule.__defaults__ is None, name(rule)
        for word in rule.__code__.co_names:
            value = rule.__globals__.get(word)
            assert value is None or callable(value) or isinstance(value, int | float | str | tuple | ModuleType), (
                f"{name(rule)}: {word}"
            )


def test_what_activities_do_is_written_as_rules():
    for slot in model.slots(("one",)):
        for kind in KINDS:
            function = getattr(slot.activity, kind, None)
            assert function is None or function in RULES, f"{slot.activity.name}: {kind}"
    for module in model.AGENTS.values():
        assert module.begin in RULES


def callees(function: Any) -> list[Any]:
    """Rules that a function's code names."""
    found = []
    words = set(function.__code__.co_names)
    modules = [v for w in words if isinstance(v := function.__globals__.get(w), ModuleType)]
    for word in words:
        candidates = [function.__globals__.get(word), *(getattr(module, word, None) for module in modules)]
        found += [c for c in candidates if any(c is rule for rule in RULES)]
    return found


def test_every_rule_is_used():
    waiting = [getattr(slot.activity, kind) for slot in model.slots(("one",)) for kind in KINDS if hasattr(slot.activity, kind)]
    waiting += [module.begin for module in model.AGENTS.values()] + [outcome.measure for outcome in OUTCOMES] + [read]
    reached: set[Any] = set()
    while waiting:
        function = waiting.pop()
        if function not in reached:
            reached.add(function)
            waiting += callees(function)
    assert [name(rule) for rule in RULES if rule not in reached] == []


# -- compiled ----------------------------------------------------------------------------------------------------------
def record(values: dict[str, Any]) -> Any:
    """One record, as the compiled engine has it."""
    return records(values)[0]


def fields(thing: Any) -> dict[str, Any]:
    """A record's fields as plain data, or a plain object's, which has nothing but plain fields and parts."""
    if isinstance(thing, np.void):
        return fields_of(thing)
    return {
        key: fields(value) if hasattr(value, "__slots__") else value for key in thing.__slots__ for value in [getattr(thing, key)]
    }


class Compiled:
    """Rules as compiled code calls them: each in a function of its own that only hands its arguments on."""

    def __init__(self) -> None:
        for rule in RULES:
            register_jitable(rule)
        self.known: dict[Any, Any] = {}

    def __call__(self, rule: Any, *arguments: Any) -> Any:
        if rule not in self.known:
            words = ", ".join(f"a{k}" for k in range(len(arguments)))
            scope = {"rule": rule}
            exec(f"def handed_on({words}):\n    return rule({words})", scope)
            self.known[rule] = njit(error_model="python")(scope["handed_on"])
        return self.known[rule](*arguments)


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    return Compiled()


SCENES = (
    (scenario, ("exit_and_return", "iraqi_forces=weak", "rivals/announcement=coercive_signalling"), (40, 1000)),
    (scenario, ("conditions_based", "rivals/announcement=emboldenment", "rivals/excitation=off"), (500,)),
    (scenario, ("deadline_missed", "rivals/announcement=lie_low_then_surge", "environment.escalation=0.5"), (300,)),
)


def scenes():
    """Worlds met on the way, of scenarios that reach different branches: (parameters, world as plain data, day)."""
    for make, words, days in SCENES:
        for day in days:
            of = make(*words, f"horizon_days={day}")
            world = replicate(of, SEED, 1).world
            yield of.record, fields(world), float(day)


def same(a: Any, b: Any) -> bool:
    """Equal to the last bit; a comparison's True may come back as a number."""
    return a == b and (type(a) is type(b) or {type(a), type(b)} <= {int, bool})


def test_every_activity_compiles_and_gives_what_plain_rules_give_to_the_last_bit(compiled):
    luck = ((0.02, 0.97, 0.4, 0.6), (0.999, 0.003, 0.01, 0.2), (0.5, 0.5, 0.5, 0.5))
    slots = model.slots(("a", "b", "c"))
    happened = 0
    for parameters, values, day in scenes():
        plain_p, fast_p = plain("p", parameters), record(parameters)
        for slot in slots:
            for kind in KINDS:
                rule = getattr(slot.activity, kind, None)
                steps = rule in (united_states.take_step, united_states.pass_over_step)
                if rule is None or (steps and nothing_left_to_do(values, parameters)):
                    continue
                timed = () if kind in ("due", "shows") else (day + 0.25,)
                for uniforms in luck if kind in ("act", "skip") else ((),):
                    slow, fast = plain("w", values), record(values)
                    arguments = (*timed, slot.who, *([uniforms] if uniforms else []))
                    one, two = rule(slow, plain_p, *arguments), compiled(rule, fast, fast_p, *arguments)
                    assert same(one, two), f"{slot.activity.name}: {kind}"
                    assert fields(fast) == fields(slow), f"{slot.activity.name}: {kind}"
                    happened += fields(slow) != values
    assert happened > 100


def nothing_left_to_do(values: dict[str, Any], parameters: dict[str, Any]) -> bool:
    """No step is left to take: the engine never asks for one then, and past the last place a record has no more."""
    return values["united_states"]["step"] >= parameters["schedule"]["steps"]


def test_the_first_day_is_the_same_in_records(compiled):
    slow, _ = start(scenario("open_ended"))
    parameters = record(scenario("open_ended").record)
    fast = record(model.first_world())
    for module in model.AGENTS.values():
        compiled(module.begin, fast, parameters)
    assert fields(fast) == fields(slow)


@pytest.mark.parametrize("which", range(8))
def test_an_indicator_is_the_same_compiled(compiled, which):
    for parameters, values, day in list(scenes())[:1]:
        slow, fast = plain("w", values), record(values)
        one = posture.indicator(slow, plain("p", parameters), day, which, 90.0)
        assert same(one, compiled(posture.indicator, fast, record(parameters), day, which, 90.0))


def test_a_year_of_the_weekly_rules_is_the_same_compiled(compiled):
    # Small differences would grow: fifty weeks of stock and flow, reports, training and politics in turn.
    (parameters, values, _), *_ = scenes()
    slow, fast, slow_p, fast_p = plain("w", values), record(values), plain("p", parameters), record(parameters)
    for week in range(50):
        day, luck = 40.0 + 7.0 * week, ((week * 0.377) % 1.0, (week * 0.619) % 1.0, (week * 0.853) % 1.0, 0.5)
        for rule in (isis.pass_week, iraqi_forces.train, observation.report, government.politics, isis.change_tempo):
            rule(slow, slow_p, day, 0, luck)
            compiled(rule, fast, fast_p, day, 0, luck)
        assert fields(fast) == fields(slow), f"week {week}"
    assert same(
        militias.attack_willingness(slow, slow_p, 400.0, 1), compiled(militias.attack_willingness, fast, fast_p, 400.0, 1)
    )
