"""The description of the model is made of its declarations: what is declared is described, and what changes there, here."""

import re
from dataclasses import fields, replace
from importlib import import_module

import pytest

from experiments.composition import shipped
from experiments.document import ROOT
from sim import model as register
from sim import purpose
from sim.activity import Hazard
from sim.outcomes import OUTCOMES, SERIES
from sim.report import declarations, stress_des
from sim.report.model import Items, Paragraph, Section, Table, document, markdown, odd, sections
from sim.rules import RULES
from sim.scenario import declared_parameters

# Monks and others 2019, table 2: written out here, so that none can be left out there
ITEMS = [
    *("1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "2.4", "2.5.1", "2.5.2", "2.5.3", "2.5.4", "2.5.5"),
    *("3.1", "3.2", "3.3", "3.4", "4.1", "4.2", "4.3", "5.1", "5.2", "5.3", "5.4", "6.1"),
]
ELEMENTS = [
    *("1 Purpose and patterns", "2 Entities, state variables, and scales", "3 Process overview and scheduling"),
    *("4 Design concepts", "5 Initialisation", "6 Input data", "7 Submodels"),
]
CONCEPTS = [
    *("Basic principles", "Emergence", "Adaptation", "Objectives", "Learning", "Prediction", "Sensing", "Interaction"),
    *("Stochasticity", "Collectives", "Observation"),
]


@pytest.fixture(scope="module")
def scenarios():
    return shipped()


@pytest.fixture(scope="module")
def made(scenarios) -> list[Section]:
    return sections(scenarios)


@pytest.fixture(scope="module")
def text(made) -> str:
    return markdown(made)


def of(section: Section) -> str:
    return markdown([section])


# -- everything is there ---------------------------------------------------------------------------------------------
def test_every_item_of_the_checklist_is_there_in_order_and_says_something(scenarios):
    found = [section for section in stress_des.stress_des(scenarios) if section.level == 3]
    assert [section.title.split()[0] for section in found] == ITEMS
    for section in found:
        said = [block for block in section.blocks if not (isinstance(block, Table) and not block.rows)]
        assert sum(len(of(replace(section, blocks=(block,))).split()) for block in said) >= 10, section.title


def test_all_seven_elements_and_eleven_concepts_are_there_in_order_and_say_something(scenarios):
    found = odd(scenarios)
    assert [section.title for section in found if section.level == 2] == ELEMENTS
    assert [section.title.split(" ", 1)[1] for section in found if section.title.startswith("4.")] == CONCEPTS
    assert list(purpose.CONCEPTS) == CONCEPTS
    heads = {"4 Design concepts", "7 Submodels"}  # what is below them says it
    assert all(section.blocks for section in found if section.title not in heads)


def test_every_activity_parameter_state_variable_outcome_series_and_schedule_is_named_in_both(scenarios):
    for text in (markdown(stress_des.stress_des(scenarios)), markdown(odd(scenarios))):
        for agent, module in register.AGENTS.items():
            for activity in module.ACTIVITIES:
                assert re.search(rf"\\| {agent} \\| {activity.name} \\|", text), activity.name
        for thing in (*declared_parameters(), *OUTCOMES, *SERIES):
            name = getattr(thing, "key", thing.name)
            assert f"| `{name}` |" in text, name
    text = markdown(odd(scenarios))
    for agent, module in register.AGENTS.items():
        for field in fields(module.State):
            assert f"| `{agent}` | `{field.name}` |" in text, field.name
    text = markdown(stress_des.stress_des(scenarios))
    assert all(f"| `{name}` | {one.schedule.summary} |" in text for name, one in scenarios.items())


def test_every_rule_that_says_what_it_does_is_a_submodel(made, text):
    for module in (*register.AGENTS.values(), *declarations.HELPERS.values()):
        assert declarations.rules(module)
        for rule in declarations.rules(module):
            assert f"| `{rule.__name__}` | " in text, rule.__name__


def test_the_numbers_that_rules_fix_are_told_with_their_comments(text):
    assert "| militias | `LULL` | `0.3` | share of attacks that a lull leaves; judgement |" in text
    assert (
        "| government | `NEAR, KEEP, NATURAL` | `0.05, 0.93, 0.02` | weekly weights of the drifting baseline (Athena) |" in text
    )
    assert "`PAUSE, TRUCE, ORDINARY, SURGE`" not in text  # only numbers kinds


def test_it_claims_nothing_that_nobody_has_examined(text):
    """Such words stand in one place only, which denies them."""
    assert purpose.STANDING in text
    assert purpose.STANDING.startswith("No outside body has examined the model, and it is not accredited for any use.")
    rest = text.replace(purpose.STANDING, purpose.STANDING.replace("it is not accredited for any use", ""))
    assert not re.search(r"\b(accredited|validated|accreditation|proven|accurate)\b", rest, re.IGNORECASE)
    for never in purpose.NOT_FOR:
        assert never[1:] in text


# -- it follows the declarations -------------------------------------------------------------------------------------
def test_a_further_activity_and_parameter_show_up(scenarios, monkeypatch):
    def act(world, p, day, who, luck):
        """Lanterns are lit along the river."""

    def willingness(world, p, day, who):
        """Lanterns a day, more in autumn."""

    militias = register.AGENTS["militias"]
    lanterns = Hazard(name="lantern festival", cap=0.125, willingness=willingness, act=act)
    monkeypatch.setattr(militias, "ACTIVITIES", (*militias.ACTIVITIES, lanterns))
    one = replace(declared_parameters()[0], name="brightness", unit="candles", evidence="judgement", source="an almanac")
    known = [*declared_parameters(), one]
    for module in (stress_des, import_module("sim.report.odd")):
        monkeypatch.setattr(module, "declared_parameters", lambda: known)
    text = document(scenarios)
    row = (
        "| militias | lantern festival | hazard, 0.125 opportunities a day |  | `willingness`: Lanterns a day, more in autumn. | "
        "Lanterns are lit along the river. |"
    )
    assert row in text
    assert f"| `{one.key}` |" in text
    assert "| candles | judgement | an almanac |" in text
    assert f"{len(known)} in all" in text


WEATHER = '''"""The weather: it hinders whoever would travel."""

from dataclasses import dataclass

from sim.activity import Timer
from sim.agents import government
from sim.rules import rule, weekly

DRY = 0.25  # share of days without rain; an almanac


@dataclass
class State:
    rain: float = 0.0  # millimetres a day


@rule
def begin(world, p):
    world.weather.rain = 2.5


@rule
def pour(world, p, day, who, luck):
    """It rains where ISIS is."""
    if world.isis.attacks > 0:
        government.push(world, government.STRIKE, 0.1)


ACTIVITIES = (Timer(name="rain", next=weekly, act=pour),)
'''


def test_a_further_agent_brings_its_state_its_rules_its_numbers_and_whom_it_reads(scenarios, monkeypatch, tmp_path):
    (tmp_path / "weather_of_a_test.py").write_text(WEATHER)
    monkeypatch.syspath_prepend(tmp_path)
    known = list(RULES)
    try:
        monkeypatch.setitem(register.AGENTS, "weather", import_module("weather_of_a_test"))
        text = document(scenarios)
    finally:
        RULES[:] = known
    for row in (
        "| `weather` | `rain` | 0.0 | millimetres a day |",
        "| `weather` | isis | government |",
        "| weather | `DRY` | `0.25` | share of days without rain; an almanac |",
        "| `pour` | It rains where ISIS is. |",
        "| weather | rain | timer |",
        "`world.weather.rain = 2.5`",
        "### 7.8 weather",
        "The weather: it hinders whoever would travel.",
    ):
        assert row in text, row


def test_who_reads_and_acts_on_whom_is_taken_from_the_rules():
    found = declarations.interactions()
    assert found["environment"] == ([], [])
    reads, acts = found["militias"]
    assert "environment" in reads  # whether there is a war
    assert acts == ["government", "united_states"]  # pushes the one, kills the other's
    assert "militias" not in found["united_states"][1]
    assert found["observation"][1] == []
    assert ("government", "push") in declarations.changes()
    assert ("united_states", "presence") not in declarations.changes()


def test_what_is_set_on_the_first_day_is_taken_from_begin(text):
    assert "`world.iraqi_forces.readiness = p.iraqi_forces.readiness`" in text


# -- as Markdown -----------------------------------------------------------------------------------------------------
def test_text_is_escaped_and_a_table_keeps_its_cells():
    hostile = "<script>alert(1)</script> | P(a | b)\nnext"
    section = Section("One", 2, (Paragraph(hostile), Items((hostile, "`a < b`")), Table(("x", "y"), ((hostile, "1"),))))
    lines = markdown([section]).split("\n")
    assert lines[0] == "## One"
    assert "<script" not in "".join(lines)
    assert "- `a < b`" in lines
    assert [line.count(" | ") for line in lines[-3:]] == [1, 1, 1]
    assert markdown([section], deeper=1).startswith("### One")


@pytest.mark.parametrize("name", ["odd", "stress_des"])
def test_the_page_is_what_the_declarations_say_now(name, scenarios):
    """What tests/test_documents.py asks of every page, asked by name: these two are there, and whole."""
    page = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    made = stress_des.stress_des(scenarios) if name == "stress_des" else odd(scenarios)
    assert page == f"<!-- generated: {name} -->\n{markdown(made)}\n<!-- end -->\n", "make docs"


def test_one_schedule_alone_is_described_too(scenarios):
    text = document({"exit_and_return": scenarios["exit_and_return"]})
    assert "`exit_and_return`" in text
    assert "`open_ended`" not in text
