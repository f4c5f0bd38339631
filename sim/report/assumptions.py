"""What a study assumed and what made it: every parameter with its evidence, the rival theories, and where it all came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from shlex import join
from typing import Any

from markupsafe import Markup

from sim.case import ROLES
from sim.report.drawn import calibrated, drawn_from, origin_of
from sim.report.material import Material
from sim.report.numbers import number
from sim.report.tables import Grid
from sim.scenario import Scenario, declared_parameters

RIVALS = {  # what a rival theory of announcements says, in a sentence
    "none": "an announcement changes no attacks by itself",
    "coercive_signalling": "attacks on bases cluster around talks and announcements",
    "emboldenment": "attacks on bases rise for a month after an announcement",
    "lie_low_then_surge": "attacks fall from the announcement on, and rise while forces depart",
}
MISSING = (
    "Nothing outside the model's agents and activities can happen in it: no other country's troops, no oil price, no pandemic.",
    "Agents decide by fixed rules with fixed parameters; nobody learns over the years.",
    "Geography is absent: attacks have no place, and groups no territory but what their rates imply.",
    "Everything is aggregate: counts, rates and indices. There are no targets, weapons or tactics in it.",
)


@dataclass(frozen=True)
class Fact:
    """A line of the provenance: what, and what it is. code: shown as a command is."""

    what: str
    text: str
    code: bool = False


def parameters(material: Material) -> Grid:
    """Every parameter: what all schedules had or, where parameters were drawn, the range of what was drawn."""
    scenario = next(iter(material.scenarios.values()))
    schedule = next(iter(material.scenarios))
    drawn = material.tables["states"] if material.has("states") else None
    rows: list[list[str | Markup]] = []
    for p in declared_parameters():
        used = getattr(scenario.beliefs[p.agent], p.name)
        if drawn is not None and p.key in drawn:
            low, high = (drawn[p.key].idxmin(), drawn[p.key].idxmax())
            ends = [number(drawn.loc[at, p.key], "states", int(str(at)), p.key) for at in (low, high)]
            value: str | Markup = Markup("{}, {} to {}").format(drawn_from(material, p.key), *ends)
        else:
            value = exact(used, "contents", schedule, p.key)
        changed = "" if used == p.default or (drawn is not None and p.key in drawn) else f", default {p.default:g}"
        span = Markup("{} to {}").format(exact(p.low, "declared", p.key, "low"), exact(p.high, "declared", p.key, "high"))
        rows.append([p.key, Markup("{}{}").format(value, changed), span, p.unit, p.evidence, p.source])
    how = (
        "Evidence says what a value rests on: document, a published figure; computed, our calculation from one; judgement, "
        "ours, kept wide. A result that turns on a judgement has to say so."
    )
    if calibrated(material):
        how += " The 90 % range is that of the declared prior, also where a value was drawn from a posterior."
    heads = ["parameter", "value", "90 % range", "unit", "evidence", "source"]
    return Grid("parameters", "Every parameter", how, heads, rows)


def exact(value: float, table: str, row: str, column: str) -> Markup:
    """A declared or configured number, as a person would write it, with its exact value and where it was read."""
    return Markup('<span class="n" data-value="{}" data-table="{}" data-row="{}" data-column="{}">{:g}</span>').format(
        repr(float(value)), table, row, column, float(value)
    )


def evidence(material: Material) -> str:
    """How many parameters rest on what."""
    tags = [p.evidence for p in declared_parameters()]
    parts = [f"{tags.count(tag)} on {tag}" for tag in ("document", "computed", "judgement")]
    return f"Of {len(tags)} parameters {', '.join(parts[:-1])} and {parts[-1]}."


def rivals(material: Material) -> list[str]:
    """Which theories of announcements, and whether attacks excite attacks, in sentences."""
    if material.has("states"):
        states = material.tables["states"]
        theories = list(dict.fromkeys(states["announcement"].astype(str)))
        excited = {True: "with", False: "without"}
        on = " and ".join(dict.fromkeys(excited[bool(value)] for value in states["excitation"]))
        many = f"{states['draw'].nunique():,} draws of {origin_of(material, len(states.columns) - 4)}"
        return [
            f"{len(states):,} states of the world: {many}, each {on} self-excitation of attacks.",
            "The theories of announcements that they are met with:",
            *(theory(name) for name in theories),
        ]
    scenario = next(iter(material.scenarios.values()))
    excitation = "excite further ones for some days" if scenario.excitation else "do not excite further ones"
    return [
        f"One theory of announcements only. {theory(scenario.announcement)}",
        f"Attacks {excitation}.",
        "Nothing was drawn: every run has the same parameters.",
    ]


def theory(name: str) -> str:
    return f"{name}: {RIVALS[name]}." if name in RIVALS else f"{name}."


def plan(scenario: Scenario) -> Grid:
    """A schedule step by step, as planned if every condition held at once."""
    rows: list[list[str | Markup]] = []
    for step, mark, after in zip(scenario.schedule.steps, scenario.plan.marks(), scenario.plan.postures, strict=True):
        there = ", ".join(f"{after[role]:,} {role.replace('_', ' ')}" for role in ROLES if after[role]) or "nobody"
        promise = "" if mark["promise"] is None else whole(mark["promise"])
        rows.append([step.name, str(mark["clock"]), whole(mark["date"]), "; ".join(step.only_if or ()), promise, there])
    how = "Planned dates, if every condition held at once; conditions, pauses and forced exits change them from run to run."
    return Grid("plan", "The plan", how, ["step", "clock", "planned", "only if", "promises", "there afterwards"], rows)


def whole(text: object) -> Markup:
    """A text that no line break is to part."""
    return Markup('<span class="whole">{}</span>').format(text)


def extras(scenario: Scenario) -> list[str]:
    """When a schedule pauses, hurries or comes back, in sentences."""
    schedule = scenario.schedule
    found = []
    for extra, verb in ((schedule.pause, "Pauses"), (schedule.accelerate, "Hurries"), (schedule.come_back, "Comes back")):
        if extra is not None:
            found.append(f"{verb} when: {'; '.join(extra.when)}.")
    return found


def provenance(material: Material, made: Mapping[str, str]) -> list[Fact]:
    """What made the study and this report, and how to check it. made: what is to be said of the report itself."""
    manifest = material.manifest
    code = manifest.get("code") or {}
    changed = ", with changes that were not committed" if code.get("changed") else ""
    facts = [
        Fact("Command", command(manifest.get("command")), code=True),
        Fact("Code", f"posture {code.get('version', '?')}, revision {code.get('revision', 'unknown')}{changed}"),
        Fact("Python", f"{code.get('python', '?')} on {code.get('platform', '?')}"),
        Fact("Libraries", ", ".join(f"{name} {version}" for name, version in dict(code.get("libraries") or {}).items())),
        Fact("Seed and luck", f"{manifest['seed']}, {manifest.get('luck', 'unknown')}"),
        Fact("Maker", ", ".join(f"{key} {value}" for key, value in dict(manifest.get("maker") or {}).items())),
        Fact("Scenarios", identities(material)),
        Fact("Began and finished", f"{manifest.get('started', '?')} to {manifest.get('finished', '?')}"),
        *(Fact(key, value) for key, value in made.items()),
        Fact("To check it", f"posture verify name={material.name}", code=True),
    ]
    return [fact for fact in facts if fact.text]


def command(words: Any) -> str:
    """A command line as it was typed."""
    return join(str(word) for word in words) if isinstance(words, Sequence) and not isinstance(words, str) else str(words or "")


def identities(material: Material) -> str:
    """Each schedule with the identity of its scenario; with states of the world there are too many to list."""
    found = material.manifest["scenarios"]
    if len(found) > len(material.schedules):
        return f"{len(found):,}, a schedule in a state of the world each; their identities are in study.json"
    return ", ".join(f"{name} {identity}" for name, identity in found.items())
