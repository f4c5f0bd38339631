"""The ODD description, made from the model's own declarations.

Grimm and others, The ODD protocol for describing agent-based and other simulation models: a second update to improve clarity,
replication, and structural realism, Journal of Artificial Societies and Social Simulation 23 (2020) 7. Its seven elements and
eleven design concepts, in its order.
"""

from collections.abc import Mapping

from sim import luck, purpose
from sim.agents import observation
from sim.conditions import FORMS
from sim.model import AGENTS
from sim.report import declarations as declared
from sim.report import stress_des
from sim.report.sections import Block, Items, Paragraph, Section, table
from sim.scenario import Scenario, declared_parameters

ELEMENTS = (
    *("Purpose and patterns", "Entities, state variables, and scales", "Process overview and scheduling", "Design concepts"),
    *("Initialisation", "Input data", "Submodels"),
)
Shipped = Mapping[str, Scenario]


def odd(shipped: Shipped) -> list[Section]:
    """The seven elements; below the fourth the eleven design concepts, below the seventh each agent's rules."""
    parts = (aims(), entities(shipped), process(), (), stress_des.initialisation(shipped), input_data(shipped), ())
    found = [Section("ODD description", 1, (Paragraph(" ".join(declared.paragraphs(__doc__)[1:])),))]
    for number, (name, blocks) in enumerate(zip(ELEMENTS, parts, strict=True), 1):
        found.append(Section(f"{number} {name}", 2, blocks))
        if name == "Design concepts":
            found += [Section(f"{number}.{k} {concept}", 3, of_concept(concept)) for k, concept in enumerate(purpose.CONCEPTS, 1)]
        if name == "Submodels":
            modules = {**AGENTS, **declared.HELPERS}
            found += [Section(f"{number}.{k} {agent}", 3, submodel(agent)) for k, agent in enumerate(modules, 1)]
    return found


def aims() -> tuple[Block, ...]:
    return (
        Paragraph(f"The question: {purpose.QUESTION}"),
        *map(Paragraph, purpose.PURPOSE),
        stress_des.not_for(),
        Paragraph("Patterns that the model is built to show, each the work of a rule of its own:"),
        Items(purpose.PATTERNS),
        Paragraph("What it gives at its defaults, beside the record, is measured in `docs/plausibility.md`."),
        Paragraph(purpose.STANDING),
    )


def entities(shipped: Shipped) -> tuple[Block, ...]:
    rows = (
        (f"`{agent}`", f"`{field.name}`", field.first, field.comment)
        for agent, module in AGENTS.items()
        for field in declared.state(module)
    )
    return (
        *stress_des.entities(shipped),
        Paragraph("Every state variable, with its value before the first day's situation is set."),
        table(("agent", "variable", "first value", "what it is"), rows),
        Paragraph(purpose.SCALES),
    )


def process() -> tuple[Block, ...]:
    rows = (
        (str(place), agent, activity.name, declared.kind(activity), each, declared.first_paragraph(activity.act))
        for place, (agent, activity, each) in enumerate(declared.activities(), 1)
    )
    return (Paragraph(purpose.SCHEDULING), table(("order", "agent", "activity", "kind", "for", "what happens"), rows))


def of_concept(concept: str) -> tuple[Block, ...]:
    """What is written of a concept, and what the declarations have to it."""
    blocks: list[Block] = [Paragraph(purpose.CONCEPTS[concept])]
    if concept == "Sensing":
        blocks += [Paragraph(text) for text in declared.paragraphs(observation.__doc__)]
        blocks += [
            Paragraph("Conditions of a schedule are sentences of these forms:"),
            Items(tuple(f"`{form}`" for form in FORMS)),
        ]
    if concept == "Interaction":
        blocks.append(stress_des.interactions())
    if concept == "Stochasticity":
        blocks += [Paragraph(text) for text in (f"Scheme `{luck.SCHEME}`.", *declared.paragraphs(luck.__doc__))]
    if concept == "Observation":
        blocks += [block for block in stress_des.outputs({}) if not isinstance(block, Paragraph)]
    return tuple(blocks)


def input_data(shipped: Shipped) -> tuple[Block, ...]:
    from sim import case

    one = stress_des.first(shipped).case
    return (
        Paragraph("No time series drives the model. The calendar does, as dates of the case:"),
        Items(
            (
                f"elections: {', '.join(one.elections)}",
                f"anniversaries, every year: {', '.join(one.anniversaries)}",
                "months of Ramadan: " + declared.first_paragraph(case.Calendar.ramadans.func),
            )
        ),
        Paragraph(f"Source of the case: {one.source}"),
    )


def submodel(agent: str) -> tuple[Block, ...]:
    """What an agent's file says of it, its parameters, and its rules."""
    module = {**AGENTS, **declared.HELPERS}[agent]
    own = [p for p in declared_parameters() if p.key.startswith((f"{agent}.", f"rivals.{agent.removesuffix('s')}."))]
    if agent == "militias":
        own += [p for p in declared_parameters() if p.agent == "rivals.excitation"]
    blocks: list[Block] = [*map(Paragraph, declared.paragraphs(module.__doc__)), stress_des.rules_of(module)]
    if own:
        rows = ((f"`{p.key}`", f"{p.default:g}", f"{p.low:g} to {p.high:g}", p.unit, p.evidence) for p in own)
        blocks.append(table(("parameter", "default", "90 % range", "unit", "evidence"), rows))
    return tuple(blocks)
