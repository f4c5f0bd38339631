"""The STRESS-DES checklist, each item answered from the model's own declarations.

Monks, Currie, Onggo, Robinson, Kunc and Taylor, Strengthening the reporting of empirical simulation studies: introducing the
STRESS guidelines, Journal of Simulation 13 (2019), 55-67. Numbers and titles of the items are theirs.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from importlib.metadata import metadata, version

from sim import luck, purpose
from sim.engines import compiled, reference
from sim.model import AGENTS
from sim.outcomes import DAY, OUTCOMES, SERIES, YES_NO
from sim.report import declarations as declared
from sim.report.sections import Block, Items, Paragraph, Section, table
from sim.scenario import HORIZON, Scenario, declared_parameters
from sim.state import ROOM, WEEKS

Shipped = Mapping[str, Scenario]
Answer = Callable[[Shipped], tuple[Block, ...]]


def first(shipped: Shipped) -> Scenario:
    return next(iter(shipped.values()))


def aims(shipped: Shipped) -> tuple[Block, ...]:
    return (
        Paragraph(f"The question: {purpose.QUESTION}"),
        *map(Paragraph, purpose.PURPOSE),
        not_for(),
        Paragraph(purpose.STANDING),
    )


def not_for() -> Items:
    return Items(tuple(f"Not for: {text[0].lower()}{text[1:]}" for text in purpose.NOT_FOR))


def outputs(shipped: Shipped) -> tuple[Block, ...]:
    how = {YES_NO: "whether it happened by the horizon", DAY: "the day it happened, censored at the horizon"}
    return (
        Paragraph("Measured once, at the horizon of each replication:"),
        table(
            ("outcome", "what", "unit", "kind", "how it is taken"),
            ((f"`{o.name}`", o.label, o.unit, o.kind, how.get(o.kind, "at the horizon")) for o in OUTCOMES),
        ),
        Paragraph("Measured at the end of each week:"),
        table(
            ("series", "what", "unit", "how it is taken"),
            ((f"`{s.name}`", s.label, s.unit, "count of the week" if s.total else "level at the week's end") for s in SERIES),
        ),
        Paragraph("Errors and intervals of these are the subject of item 4.3."),
    )


def experiments(shipped: Shipped) -> tuple[Block, ...]:
    return (
        Paragraph(
            "Scenario-based analysis: withdrawal schedules, compared in pairs on the same luck, under each rival theory "
            "and over draws of the parameters from their priors. These schedules ship; a user adds others as data."
        ),
        table(("schedule", "in a sentence"), ((f"`{name}`", one.schedule.summary) for name, one in shipped.items())),
        Paragraph(
            "Nothing is optimised. Where objectives are stated, the best schedule is selected among those compared (item 4.3)."
        ),
    )


def diagram(shipped: Shipped) -> tuple[Block, ...]:
    return (
        Paragraph(
            "The structure as a table, taken from the rules themselves: each agent, whose part of the world its rules "
            "read, and on whom they act by calling a rule of that agent's that changes the world."
        ),
        interactions(),
    )


def interactions() -> Block:
    rows = declared.interactions().items()
    return table(("agent", "reads", "acts on"), ((f"`{a}`", ", ".join(r) or "-", ", ".join(on) or "-") for a, (r, on) in rows))


def logic(shipped: Shipped) -> tuple[Block, ...]:
    from sim import activity

    return (
        *(Paragraph(text) for text in declared.paragraphs(activity.__doc__) if not text.startswith("- ")),
        Items(
            tuple(
                f"{kind.__name__.lower()}: {' '.join(declared.paragraphs(kind.__doc__))}"
                for kind in (activity.Hazard, activity.Timer, activity.Response)
            )
        ),
        Paragraph(purpose.SCHEDULING),
    )


def scenarios(shipped: Shipped) -> tuple[Block, ...]:
    from sim import schedule
    from sim.agents import announcements, militias

    parts = (schedule.Step, schedule.Pause, schedule.Accelerate, schedule.ComeBack)
    return (
        *map(Paragraph, declared.paragraphs(schedule.__doc__)),
        table(("part of a schedule", "what it says"), ((part.__name__, declared.first_paragraph(part)) for part in parts)),
        Paragraph(
            f"Rival theories. {declared.paragraphs(announcements.__doc__)[0]} They are: {', '.join(announcements.MODULES)}."
        ),
        Paragraph(declared.first_paragraph(militias.Excitation)),
        Paragraph("Steps of the schedules that ship:"),
        table(
            ("schedule", "steps", "pauses, hurries, returns"),
            (
                (
                    f"`{name}`",
                    "; ".join(f"{step.name} ({step.does})" for step in one.schedule.steps) or "none",
                    ", ".join(
                        word
                        for word, part in (
                            ("pauses", one.schedule.pause),
                            ("hurries", one.schedule.accelerate),
                            ("returns", one.schedule.come_back),
                        )
                        if part is not None
                    )
                    or "-",
                )
                for name, one in shipped.items()
            ),
        ),
    )


def algorithms(shipped: Shipped) -> tuple[Block, ...]:
    from sim import chance

    return (
        Paragraph("Rules that several agents share:"),
        rules_of(*declared.HELPERS.values()),
        Paragraph("From uniforms to numbers:"),
        rules_of(chance),
        Paragraph("The rules of each agent stand in the ODD description, under submodels."),
    )


def rules_of(*modules) -> Block:
    rules = [rule for module in modules for rule in declared.rules(module)]
    return table(("rule", "what it does"), ((f"`{declared.name_of(rule)}`", declared.first_paragraph(rule)) for rule in rules))


def entities(shipped: Shipped) -> tuple[Block, ...]:
    rows = ((f"`{name}`", declared.first_paragraph(module), str(len(declared.state(module)))) for name, module in AGENTS.items())
    groups = ", ".join(f"{name} ({group.capacity:g} of all attacks)" for name, group in first(shipped).groups.items())
    return (
        Paragraph("Entities are agents, each there from the first day to the last. Nothing flows through the model."),
        table(("agent", "who it is", "fields of state"), rows),
        Paragraph(f"Militia groups in the scenarios that ship: {groups}; up to {ROOM} in a scenario."),
    )


def activities(shipped: Shipped) -> tuple[Block, ...]:
    rows = (
        (agent, activity.name, declared.kind(activity), each, declared.moved_by(activity), declared.first_paragraph(activity.act))
        for agent, activity, each in declared.activities()
    )
    return (table(("agent", "activity", "kind", "for", "what moves it", "what happens"), rows),)


def resources(shipped: Shipped) -> tuple[Block, ...]:
    case = first(shipped).case
    troops = ", ".join(f"{number:,} {role.replace('_', ' ')}" for role, number in case.posture.by_role().items() if number)
    return (
        Paragraph(
            f"None in the sense of servers that are seized and released. Troops by role ({troops} on the first day) and the "
            "share of embassy staff present are levels that rules read."
        ),
    )


def queues(shipped: Shipped) -> tuple[Block, ...]:
    from sim.agents import observation

    return (
        Paragraph("None: nobody waits for a server. Reports wait for their delay:"),
        *map(Paragraph, declared.paragraphs(observation.__doc__)),
        Paragraph(f"At most {WEEKS} weeks of reports are kept. A response waits for its due day, one at a time."),
    )


def entry(shipped: Shipped) -> tuple[Block, ...]:
    return (
        Paragraph(
            "No entity enters or leaves. Events enter from outside as opportunities of hazards, whose luck no schedule "
            "changes; a replication ends at its horizon."
        ),
    )


def sources(shipped: Shipped) -> tuple[Block, ...]:
    one, counts = first(shipped), Counter(p.evidence for p in declared_parameters())
    tagged = ", ".join(f"{counts[tag]} {tag}" for tag in ("document", "computed", "judgement"))
    return (
        Paragraph(f"The case: {one.case.source}"),
        Paragraph(
            f"Parameters: {sum(counts.values())} in all, each with a unit, a source and an evidence tag ({tagged}): "
            "document, a published figure; computed, worked out from a named data set; judgement, an assumption of ours, "
            "kept wide. Sources stand in the table of item 3.3."
        ),
    )


def preprocessing(shipped: Shipped) -> tuple[Block, ...]:
    computed = [p for p in declared_parameters() if p.evidence == "computed"]
    return (
        Paragraph("No data set is read at run time. Parameters worked out from data sets, and how:"),
        table(("parameter", "default", "from"), ((f"`{p.key}`", f"{p.default:g} {p.unit}", p.source) for p in computed)),
    )


def parameters(shipped: Shipped) -> tuple[Block, ...]:
    heads = ("parameter", "default", "90 % range", "allowed", "unit", "evidence", "source")
    rows = (
        (
            f"`{p.key}`",
            f"{p.default:g}",
            f"{p.low:g} to {p.high:g}",
            f"{p.bounds[0]:g} to {p.bounds[1]:g}",
            p.unit,
            p.evidence,
            p.source,
        )
        for p in declared_parameters()
    )
    return (Paragraph("The 90 % range is the prior for analyses of uncertainty."), table(heads, rows))


def assumptions(shipped: Shipped) -> tuple[Block, ...]:
    judged = [p for p in declared_parameters() if p.evidence == "judgement"]
    modules = {**AGENTS, **declared.HELPERS}
    numbers = [(name, field) for name, module in modules.items() for field in declared.fixed(module)]
    return (
        Paragraph(purpose.STANDING),
        Paragraph(
            f"Assumptions that are parameters ({len(judged)} tagged judgement): {', '.join(f'`{p.key}`' for p in judged)}."
        ),
        Paragraph("Numbers that the rules fix, with what the source says of them:"),
        table(("agent", "number", "value", "what it is"), ((a, f"`{n.name}`", f"`{n.first}`", n.comment) for a, n in numbers)),
    )


def initialisation(shipped: Shipped) -> tuple[Block, ...]:
    one = first(shipped)
    troops = ", ".join(f"{number:,} {role.replace('_', ' ')}" for role, number in one.case.posture.by_role().items())
    begins = (
        (name, declared.first_paragraph(module.begin), ", ".join(f"`{line}`" for line in declared.begins(module)) or "nothing")
        for name, module in AGENTS.items()
    )
    return (
        Paragraph(
            f"Terminating runs from a stated day, {one.start.isoformat()} in the scenarios that ship: no warm-up, because the "
            "situation of that day is the start. Each replication begins in the same state and differs by its luck alone."
        ),
        Items(
            (
                f"Troops: {troops}.",
                f"Last US death before: {one.case.last_us_death}.",
                f"Dialogue rounds every {one.case.dialogue_gap:g} days on average; elections on {', '.join(one.case.elections)}.",
            )
        ),
        table(("agent", "how it begins", "what is set (p: parameters and case)"), begins),
    )


def run_length(shipped: Shipped) -> tuple[Block, ...]:
    one = first(shipped)
    return (
        Paragraph(
            f"{one.horizon_days:,} days in the scenarios that ship; {HORIZON[0]:,} to {HORIZON[1]:,} are allowed. Time is "
            "continuous, its unit the day."
        ),
    )


def estimation(shipped: Shipped) -> tuple[Block, ...]:
    return (Paragraph(purpose.ESTIMATION), table(("module of `sim`", "what it computes"), declared.modules("analysis")))


def software(shipped: Shipped) -> tuple[Block, ...]:
    return (
        Paragraph(
            f"posture {version('posture')}, in Python {requires()}. Two engines run one set of rules and give the same history "
            "to the last bit."
        ),
        Items((declared.paragraphs(reference.__doc__)[0], declared.paragraphs(compiled.__doc__)[0])),
        Paragraph(
            f"Libraries that the simulator imports: {', '.join(declared.libraries())}. Exact versions stand in each study's "
            "manifest."
        ),
    )


def sampling(shipped: Shipped) -> tuple[Block, ...]:
    return (Paragraph(f"Scheme `{luck.SCHEME}`."), *map(Paragraph, declared.paragraphs(luck.__doc__)))


def execution(shipped: Shipped) -> tuple[Block, ...]:
    rows = declared.modules("engines")
    return (
        Paragraph(purpose.SCHEDULING),
        Paragraph("The same moment: priority is the place in the register of activities (item 2.5.2), lowest first."),
        table(("module of `sim`", "what it does"), rows),
    )


def requires() -> str:
    """The versions of Python that the package asks for, the lowest first."""
    return ", ".join(sorted(metadata("posture")["Requires-Python"].split(","), reverse=True))


def system(shipped: Shipped) -> tuple[Block, ...]:
    return (
        Paragraph(
            f"Any machine with Python {requires()}; threads, processes, or a Dask cluster. Results do not depend on how "
            "many or which. Run times, with the machine they were measured on, stand in `docs/benchmarks.md`; each study's "
            "manifest has its own."
        ),
    )


def sharing(shipped: Shipped) -> tuple[Block, ...]:
    return (Paragraph(purpose.SHARING),)


# number -> (title, answer): sections 1 to 6 and their items
SECTIONS = {
    "1": "Objectives",
    "2": "Logic",
    "3": "Data",
    "4": "Experimentation",
    "5": "Implementation",
    "6": "Code access",
}
ITEMS: dict[str, tuple[str, Answer]] = {
    "1.1": ("Purpose of the model", aims),
    "1.2": ("Model outputs", outputs),
    "1.3": ("Experimentation aims", experiments),
    "2.1": ("Base model overview diagram", diagram),
    "2.2": ("Base model logic", logic),
    "2.3": ("Scenario logic", scenarios),
    "2.4": ("Algorithms", algorithms),
    "2.5.1": ("Components: entities", entities),
    "2.5.2": ("Components: activities", activities),
    "2.5.3": ("Components: resources", resources),
    "2.5.4": ("Components: queues", queues),
    "2.5.5": ("Components: entry and exit points", entry),
    "3.1": ("Data sources", sources),
    "3.2": ("Pre-processing", preprocessing),
    "3.3": ("Input parameters", parameters),
    "3.4": ("Assumptions", assumptions),
    "4.1": ("Initialisation", initialisation),
    "4.2": ("Run length", run_length),
    "4.3": ("Estimation approach", estimation),
    "5.1": ("Software or programming language", software),
    "5.2": ("Random sampling", sampling),
    "5.3": ("Model execution", execution),
    "5.4": ("System specification", system),
    "6.1": ("Computer model sharing statement", sharing),
}


def stress_des(shipped: Shipped) -> list[Section]:
    """The checklist: a section for each of the six parts and, below it, each item with its answer."""
    found = [Section("STRESS-DES checklist", 1, (Paragraph(" ".join(declared.paragraphs(__doc__)[1:])),))]
    for number, title in SECTIONS.items():
        found.append(Section(f"{number} {title}", 2))
        for item, (name, answer) in ITEMS.items():
            if item.partition(".")[0] == number:
                found.append(Section(f"{item} {name}", 3, answer(shipped)))
    return found
