"""A parameter is declared once, with unit, range, bounds, evidence and source; a scenario is known by its content."""

import json
import math
from copy import deepcopy
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from experiments.composition import Composer
from experiments.settings import split
from sim import RequestError, read_scenario, replicate
from sim.history import sources
from sim.history.record import Window
from sim.parameters import EVIDENCE, Beliefs, belief
from sim.scenario import DECLARED, declared_parameters

DECLARATION = {"range": (0.1, 0.9), "bounds": (0.0, 1.0), "evidence": "judgement", "source": "a test"}
PARAMETERS = declared_parameters()
UNKNOWN = Window(date(2020, 1, 1), date(2020, 1, 31), "isis_attacks", "nobody_knows", 1, "exact", "")
OF_SOURCES = sources.parameters() + sources.parameters([UNKNOWN])
COMPOSED = split(Composer("run").compose(["schedule=phased_12_months", "horizon_days=90"]))[0]


@pytest.fixture
def config() -> dict:
    return deepcopy(COMPOSED)


def section(config: dict, key: str) -> dict:
    """The part of a configuration in which a parameter's key lies."""
    for part in key.split(".")[:-1]:
        config = config[part]
    return config


def scrambled(data):
    """The same data with the keys of every section in reverse order, the militia groups' apart."""
    if not isinstance(data, dict):
        return data
    return {key: data[key] if key == "groups" else scrambled(data[key]) for key in reversed(data)}


# -- declarations ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("parameter", PARAMETERS + OF_SOURCES, ids=lambda p: p.key)
def test_every_parameter_says_what_it_is_and_where_it_comes_from(parameter):
    assert parameter.unit.strip()
    assert len(parameter.source) > 8
    assert parameter.evidence in EVIDENCE
    assert parameter.bounds[0] <= parameter.low <= parameter.default <= parameter.high <= parameter.bounds[1]
    assert parameter.low < parameter.high
    assert all(math.isfinite(x) for x in (*parameter.bounds, parameter.low, parameter.high))
    assert type(parameter.default) is float


def test_the_package_offers_the_parameters_as_it_says():
    import sim

    assert [parameter.key for parameter in sim.declared_parameters()] == [parameter.key for parameter in PARAMETERS]


def test_there_are_at_most_65_parameters_and_no_key_twice():
    keys = [parameter.key for parameter in PARAMETERS]
    assert len(keys) == len(set(keys)) <= 65


def test_every_field_that_an_agent_declares_is_a_parameter():
    declared = [f"{agent}.{name}" for agent, beliefs in DECLARED.items() for name in beliefs.model_fields]
    assert declared == [parameter.key for parameter in PARAMETERS]


def test_no_class_of_beliefs_declares_parameters_that_no_table_has():
    """Each one that the package defines is an agent's, a rival's or a source's: those are documented and tested above."""
    defined = {one for one in Beliefs.__subclasses__() if one.__module__.startswith(("sim.", "experiments."))}
    assert defined == {*DECLARED.values(), *sources.DECLARED.values(), sources.Unknown}


def test_the_page_of_parameters_has_each_with_its_unit_range_evidence_and_source():
    lines = (Path(__file__).parent.parent / "docs" / "parameters.md").read_text(encoding="utf-8").splitlines()
    rows = {line.split("`")[1]: line for line in lines if line.startswith("| `")}
    known = {p.key: p for p in PARAMETERS + sources.parameters()}
    assert set(rows) == set(known)
    for key, p in known.items():
        cells = [cell.strip().replace("&#124;", "|") for cell in rows[key].strip("|").split("|")]
        assert cells[1:3] == [f"{p.default:g}", f"{p.low:g} to {p.high:g}"]
        assert cells[4:] == [p.unit, p.evidence, p.source]


def test_a_parameter_declared_without_unit_range_evidence_and_source_is_refused():
    with pytest.raises(TypeError, match="patience is declared without belief"):
        type("Bare", (Beliefs,), {"__annotations__": {"patience": float}, "patience": 0.5})


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"evidence": "hearsay"}, "evidence 'hearsay' is not one of document, computed, judgement"),
        ({"evidence": ""}, "evidence"),
        ({"source": "  "}, "unit and a source"),
        ({"range": (0.6, 0.9)}, r"value 0\.5 must lie in range"),
        ({"range": (0.1, 0.4)}, r"value 0\.5 must lie in range"),
        ({"range": (0.5, 0.5)}, r"value 0\.5 must lie in range"),
        ({"bounds": (0.2, 1.0)}, "range .* in bounds"),
        ({"bounds": (0.0, 0.8)}, "range .* in bounds"),
    ],
)
def test_a_declaration_that_does_not_hold_together_is_refused(change, why):
    with pytest.raises(ValueError, match=why):
        belief(0.5, "days", **(DECLARATION | change))


def test_a_declaration_without_a_unit_is_refused():
    with pytest.raises(ValueError, match="unit and a source"):
        belief(0.5, " ", **DECLARATION)


@pytest.mark.parametrize("missing", list(DECLARATION))
def test_nothing_of_a_declaration_can_be_left_out(missing):
    with pytest.raises(TypeError, match=missing):
        belief(0.5, "days", **{key: value for key, value in DECLARATION.items() if key != missing})


# -- values ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda p: p.key)
def test_a_parameter_takes_its_bounds_and_nothing_beyond_them(parameter):
    low, high = parameter.bounds
    beliefs = DECLARED[parameter.agent]
    for value in (low, high, parameter.low, parameter.high):
        assert getattr(beliefs.model_validate({parameter.name: value}), parameter.name) == value
    for value in (math.nextafter(low, -math.inf), math.nextafter(high, math.inf), math.nan, math.inf, -math.inf):
        with pytest.raises(ValidationError):
            beliefs.model_validate({parameter.name: value})


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda p: p.key)
@pytest.mark.parametrize("value", ["0.5", None, True, [0.5]])
def test_a_parameter_is_a_number_and_nothing_that_looks_like_one(parameter, value, config):
    section(config, parameter.key)[parameter.name] = value
    with pytest.raises(RequestError) as error:
        read_scenario(config)
    assert parameter.key in str(error.value)
    assert f"from {parameter.bounds[0]:g} to {parameter.bounds[1]:g} ({parameter.unit})" in str(error.value)


@pytest.mark.parametrize("value", [0, 1])
def test_a_whole_number_stands_for_the_same_float(value, config):
    config["militias"]["restraint"] = value
    whole = read_scenario(config)
    config["militias"]["restraint"] = float(value)
    exact = read_scenario(config)
    assert type(whole.record["militias"]["restraint"]) is float
    assert whole.record == exact.record
    assert replicate(whole, 1, 0).outcomes == replicate(exact, 1, 0).outcomes
    assert whole.identity == exact.identity


# -- identity --------------------------------------------------------------------------------------------------------
def test_a_scenario_read_from_its_own_content_is_the_same_scenario(config):
    scenario = read_scenario(config)
    again = read_scenario(json.loads(json.dumps(scenario.content())))
    assert again.identity == scenario.identity
    assert again.content() == scenario.content()
    assert again.record == scenario.record


def test_the_identity_is_twelve_hexadecimal_digits_and_the_same_each_time(config):
    first, second = read_scenario(config), read_scenario(deepcopy(config))
    assert first.identity == second.identity
    assert len(first.identity) == 12
    assert set(first.identity) <= set("0123456789abcdef")


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda p: p.key)
def test_the_identity_changes_with_every_parameter(parameter, config):
    other = parameter.low if parameter.low != parameter.default else parameter.high
    section(config, parameter.key)[parameter.name] = other
    assert read_scenario(config).identity != read_scenario(COMPOSED).identity


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("start",), "2021-04-08"),
        (("horizon_days",), 91),
        (("case", "cost"), 1.5),
        (("case", "posture", "training"), 901),
        (("case", "dialogue_gap"), 90),
        (("case", "elections"), []),
        (("schedule", "steps", 0, "promise_days"), 371),
        (("militias", "groups", "hardline", "restraint"), 0.81),
        (("rivals", "announcement", "module"), "emboldenment"),
        (("rivals", "excitation", "active"), False),
    ],
)
def test_the_identity_changes_with_everything_else_of_a_scenario(keys, value, config):
    part = config
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = value
    assert read_scenario(config).identity != read_scenario(COMPOSED).identity


def test_the_identity_does_not_depend_on_the_order_of_keys(config):
    assert read_scenario(scrambled(config)).identity == read_scenario(config).identity


def test_groups_listed_in_another_order_are_the_same_scenario_and_give_the_same_results(config):
    config["militias"]["groups"] = dict(reversed(config["militias"]["groups"].items()))
    one, other = read_scenario({**COMPOSED, "horizon_days": 800}), read_scenario({**config, "horizon_days": 800})
    assert one.identity == other.identity
    for replication in range(3):
        assert replicate(one, 5, replication).outcomes == replicate(other, 5, replication).outcomes


def test_a_default_left_out_or_written_out_is_the_same_scenario(config):
    assert "aid" not in config["schedule"]
    plain = read_scenario(config)
    config["schedule"]["aid"] = 0.5
    assert read_scenario(config).identity == plain.identity


def test_a_scenario_is_frozen(config):
    scenario = read_scenario(config)
    with pytest.raises(AttributeError):
        scenario.horizon_days = 5  # ty: ignore[invalid-assignment]
    for part in (scenario.case, scenario.schedule, scenario.schedule.steps[0], scenario.beliefs["militias"]):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(part, next(iter(type(part).model_fields)), 1)


def test_what_was_read_cannot_be_changed_through_the_configuration(config):
    scenario = read_scenario(config)
    before = scenario.identity, deepcopy(scenario.content())
    config["militias"]["groups"]["hardline"]["capacity"] = 0.0
    config["schedule"]["steps"].clear()
    config["case"]["elections"].clear()
    assert (scenario.identity, scenario.content()) == before


# -- what the engines read -------------------------------------------------------------------------------------------
def numbers(record, where=""):
    """Every (place, value) of a record; lists one by one."""
    for key, value in record.items():
        if isinstance(value, dict):
            yield from numbers(value, f"{where}{key}.")
        elif isinstance(value, list):
            yield from ((f"{where}{key}[{k}]", item) for k, item in enumerate(value))
        else:
            yield f"{where}{key}", value


def test_the_record_holds_plain_numbers_of_one_type_at_each_place(config):
    config["isis"] |= {"attacks": 110, "stock": 4000}
    first = list(numbers(read_scenario(config).record))
    assert {type(value) for _, value in first} == {int, float}
    other = split(Composer("run").compose(["schedule=conditions_based", "militias=one_group", "rivals/excitation=off"]))[0]
    second = list(numbers(read_scenario(other).record))
    assert [(place, type(value)) for place, value in first] == [(place, type(value)) for place, value in second]


def test_what_was_composed_is_what_the_engines_read(config):
    config["militias"]["restraint"] = 0.31
    config["rivals"]["excitation"]["branching"] = 0.11
    record = read_scenario(config).record
    assert record["militias"]["restraint"] == 0.31
    assert record["excitation"]["branching"] == 0.11


@pytest.mark.parametrize("keys", [("schedule", "summary"), ("case", "source")])
def test_prose_is_no_part_of_the_identity(keys, config):
    data = config
    before = read_scenario(data).identity
    data[keys[0]][keys[1]] = "another"
    assert read_scenario(data).identity == before
