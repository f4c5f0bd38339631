"""make docs: write what the documentation says of the model from the model's own declarations.

Generated parts stand between `<!-- generated: NAME -->` and `<!-- end -->`; a test compares them with what this would write.
"""

import re
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

from experiments import evidence
from experiments import help as pages
from experiments.choices import schedule_names
from experiments.command import APPLICATIONS
from experiments.composition import scenario, shipped
from experiments.tabular import table
from sim.activity import GROUPS, Hazard, Timer
from sim.case import ROLES
from sim.conditions import FORMS
from sim.history import facts, record, sources
from sim.model import AGENTS
from sim.outcomes import OUTCOMES, SERIES
from sim.parameters import Parameter
from sim.report import model
from sim.scenario import declared_parameters

ROOT = Path(__file__).parent.parent
PART = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

# The ten that matter most for what differs between schedules: see the screening in docs/plausibility.md.
TEN = (
    "united_states.early_exit",
    "militias.lethality",
    "united_states.exit_per_pressure",
    "isis.dependence",
    "united_states.exit_per_death",
    "environment.escalation",
    "isis.attrition",
    "militias.restraint",
    "iraqi_forces.readiness",
    "militias.ordinary_rate",
)

SHARED = (  # stretches that two sources at least count ISIS attacks of
    ("2018", "2018-01-01", "2018-12-31"),
    ("2019", "2019-01-01", "2019-12-31"),
    ("first quarter of 2020", "2020-01-01", "2020-03-31"),
    ("second quarter of 2020", "2020-04-01", "2020-06-30"),
    ("third quarter of 2020", "2020-07-01", "2020-09-30"),
)


def prior(p: Parameter) -> str:
    return f"{p.low:g} to {p.high:g}"


def ten() -> str:
    known = {p.key: p for p in declared_parameters()}
    heads = ("parameter", "default", "90 % range", "unit", "evidence")
    return table(heads, ((f"`{p.key}`", f"{p.default:g}", prior(p), p.unit, p.evidence) for p in (known[key] for key in TEN)))


def all_parameters() -> str:
    return parameter_table(declared_parameters())


def source_parameters() -> str:
    return parameter_table(sources.parameters())


def parameter_table(parameters: Iterable[Parameter]) -> str:
    heads = ("parameter", "default", "90 % range", "allowed", "unit", "evidence", "source")
    rows = []
    for p in parameters:
        allowed = f"{p.bounds[0]:g} to {p.bounds[1]:g}"
        rows.append((f"`{p.key}`", f"{p.default:g}", prior(p), allowed, p.unit, p.evidence, p.source))
    return table(heads, rows)


def agents() -> str:
    """Who acts: each agent's file, in its own first words, with what it may do."""
    rows = []
    for name, module in AGENTS.items():
        who = " ".join((module.__doc__ or "").split("\n\n")[0].split())
        acts = ", ".join(activity.name for activity in module.ACTIVITIES)
        rows.append((f"[`{name}`](sim/agents/{name}.py)", who, acts, str(sum(p.agent == name for p in declared_parameters()))))
    return table(("agent", "who it is", "activities", "parameters"), rows)


def activities() -> str:
    """Every activity: its kind, its cap or what it waits for, and the first line of what happens."""
    rows = []
    for name, module in AGENTS.items():
        for activity in module.ACTIVITIES:
            if isinstance(activity, Hazard):
                kind = f"hazard, cap {activity.cap:g} a day"
            else:
                kind = "timer" if isinstance(activity, Timer) else "response"
            what = " ".join((activity.act.__doc__ or "").split("\n\n")[0].split())
            each = "each group" if activity.each == GROUPS else ""
            rows.append((name, activity.name, kind, each, what))
    return table(("agent", "activity", "kind", "for", "what happens"), rows)


def commands() -> str:
    return table(("command", "what it does"), ((f"`posture {name}`", what) for name, what in APPLICATIONS.items()))


def help_pages() -> str:
    return "\n\n".join(f"## posture {name}\n\n```\n{pages.page(name, what)}\n```" for name, what in APPLICATIONS.items())


def schedules() -> str:
    return table(("schedule", "in a sentence"), ((f"`{name}`", scenario(name).schedule.summary) for name in schedule_names()))


def plans() -> str:
    """Each schedule step by step, as planned if every condition held at once."""
    parts = []
    for name in schedule_names():
        one = scenario(name)
        parts += [f"## {name}", "", one.schedule.summary, ""]
        rows = []
        for step, mark, after in zip(one.schedule.steps, one.plan.marks(), one.plan.postures, strict=True):
            gate = "; ".join(step.only_if or ())
            promise = "" if mark["promise"] is None else f"promises {mark['promise']}"
            there = ", ".join(f"{after[role]} {role.replace('_', ' ')}" for role in ROLES if after[role]) or "nobody"
            rows.append((step.name, mark["clock"], str(mark["date"]), gate, promise, there))
        if rows:
            parts += [table(("step", "clock", "planned", "only if", "promise", "there afterwards"), rows), ""]
        for extra, verb in (
            (one.schedule.pause, "Pauses"),
            (one.schedule.accelerate, "Hurries"),
            (one.schedule.come_back, "Comes back"),
        ):
            if extra is not None:
                parts += [f"{verb} when: {'; '.join(extra.when)}.", ""]
    return "\n".join(parts).rstrip()


def conditions() -> str:
    return "\n".join(f"- `{form}`" for form in FORMS)


def outcomes() -> str:
    return table(("column", "what", "unit", "kind"), ((f"`{o.name}`", o.label, o.unit, o.kind) for o in OUTCOMES))


def odd() -> str:
    return model.markdown(model.odd(shipped()))


def stress_des() -> str:
    return model.markdown(model.stress_des(shipped()))


def series() -> str:
    return table(("column", "what", "unit"), ((f"`{s.name}`", s.label, s.unit) for s in SERIES))


def record_series() -> str:
    return table(("series", "what is counted"), ((f"`{name}`", what) for name, what in record.SERIES.items()))


def record_sources() -> str:
    heads = ("source", "citation", "what it counts", "how much of it")
    return table(heads, ((f"`{c.id}`", c.citation, c.counts, c.coverage) for c in facts.citations()))


def record_ratios() -> str:
    """ISIS attacks of the same months by each source, and how far they are apart."""
    names = ("ctc", "lead_ig", "gtd")
    rows = []
    for label, start, end in SHARED:
        counts = [counted(name, "isis_attacks", date.fromisoformat(start), date.fromisoformat(end)) for name in names]
        over = [f"{count / counts[0]:.2f}" if count and counts[0] else "-" for count in counts]
        known = [count for count in counts if count]
        rows.append((label, *(f"{n:,}" if n else "-" for n in counts), over[1], over[2], f"{max(known) / min(known):.1f}"))
    heads = ("", "CTC", "Lead IG", "GTD", "Lead IG / CTC", "GTD / CTC", "largest / smallest")
    return table(heads, rows)


def counted(source: str, series: str, start: date, end: date) -> int | None:
    """What a source counted from one day to another, if its windows make up these days."""
    windows = [w for w in record.shipped() if (w.source, w.series) == (source, series) and start <= w.start and w.end <= end]
    return sum(w.count for w in windows) if sum(w.days for w in windows) == (end - start).days + 1 else None


def record_rates() -> str:
    """Attacks on US targets by each source, in 30 days."""
    windows = [w for w in record.shipped() if not w.series.startswith("isis")]
    windows.sort(key=lambda w: (w.series, w.start, w.source))
    rows = []
    for w in windows:
        said = evidence.SIGNS[w.kind]
        rows.append((w.series, w.source, f"{w.start} to {w.end}", f"{said}{w.count}", f"{said}{30 * w.count / w.days:.1f}"))
    return table(("series", "source", "days", "count", "in 30 days"), rows)


def record_events() -> str:
    return table(("day", "what", "note", "source"), ((str(e.date), e.what, e.note, e.source) for e in facts.events()))


def record_exits() -> str:
    """Fatal incidents after earlier exits over those before."""
    found: dict[tuple[date, str], list[str]] = {}
    for one in facts.exits():
        found.setdefault((one.date, one.what), []).append(f"{one.ratio:.2f}")
    return table(("day", "what", "90 days", "180 days", "365 days"), ((str(day), what, *r) for (day, what), r in found.items()))


PARTS: dict[str, Callable[[], str]] = {
    **evidence.PARTS,
    "ten": ten,
    "all_parameters": all_parameters,
    "source_parameters": source_parameters,
    "record_series": record_series,
    "record_sources": record_sources,
    "record_ratios": record_ratios,
    "record_rates": record_rates,
    "record_events": record_events,
    "record_exits": record_exits,
    "agents": agents,
    "activities": activities,
    "commands": commands,
    "help_pages": help_pages,
    "schedules": schedules,
    "plans": plans,
    "conditions": conditions,
    "outcomes": outcomes,
    "series": series,
    "odd": odd,
    "stress_des": stress_des,
}


def filled(text: str) -> str:
    """A page with its generated parts made anew. Raises KeyError for a part that nobody makes."""
    return PART.sub(lambda found: f"{found[1]}{PARTS[found[2]]()}\n{found[3]}", text)


def documents() -> list[Path]:
    """The pages that have generated parts."""
    return [
        page
        for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
        if PART.search(page.read_text(encoding="utf-8"))
    ]


def main() -> None:
    for page in documents():
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
        print(page.relative_to(ROOT))


if __name__ == "__main__":
    main()
