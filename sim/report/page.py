"""The page: sections put together from tables, pictures and stories, into one HTML file that nothing has to be loaded for."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from sim.report import assumptions, findings, tables
from sim.report.material import Material, Story
from sim.report.pictures import Picture, Pictures
from sim.report.sections import Section
from sim.report.tables import Grid

TEMPLATES = Path(__file__).parent / "templates"
ASK = {  # what a study lacks, and the words that ask for it
    "pairs": ("verdicts on every pair, valid at once", "tolerance.base_attacks=1.0"),
    "selection": ("which schedule is best", "objectives=[us_deaths:lower:1,isis_attacks:lower:0.01]"),
    "regret": ("what it costs to be wrong", "objectives=[us_deaths:lower:1] rivals=all draw_parameters=true"),
    "dominance": ("which schedules are dominated", "objectives=[us_deaths:lower:1,isis_attacks:lower:0.01]"),
    "tails": ("tail risk", "objectives=[us_deaths:lower:1]"),
    "satisficing": ("how often limits are kept", "limits=[us_deaths:at_most:5]"),
    "reversals": ("what reverses the ranking", "objectives=[us_deaths:lower:1] rivals=all draw_parameters=true"),
    "value_of_information": ("what it would be worth to know", "objectives=[us_deaths:lower:1] draw_parameters=true"),
    "necessary": ("which kinds of event were necessary", "explain=[resurgence]"),
}
COMPARED = (
    "selection",
    "dominance",
    "regret",
    "tails",
    "survival",
    "satisficing",
    "reversals",
    "value_of_information",
    "pairs",
    "summary",
)


@dataclass(frozen=True)
class Panel:
    """The part of one schedule. summary: what it is, in a sentence."""

    name: str
    summary: str
    extras: list[str]
    grids: list[Grid]
    plan: Grid
    pictures: list[Picture]
    stories: list[Story]


def page(material: Material, made: Mapping[str, str]) -> str:
    """The whole file. made: what the provenance says of the report itself, such as its command and date, by what it is.

    Raises:
        LookupError, TypeError, ValueError: if a table and the manifest do not belong together.
    """
    pictures = Pictures(material)
    shown = {
        "name": material.name,
        "question": findings.question(material),
        "objectives": findings.objectives(material),
        "findings": findings.findings(material),
        "board": findings.scoreboard(material),
        "panels": [panel(material, pictures, name) for name in material.shown],
        "first": first(material),
        "overview": [pictures.timelines(), pictures.incidence(material.schedules)],
        "parts": [(grid, pictures.of(grid.key)) for grid in compared(material)],
        "absent": [ASK[name] for name in ASK if not material.has(name)],
        "parameters": assumptions.parameters(material),
        "evidence": assumptions.evidence(material),
        "rivals": assumptions.rivals(material),
        "facts": assumptions.provenance(material, made),
        "missing": assumptions.MISSING,
    }
    return rendered("report.html", **shown)


def model_page(sections: Sequence[Section], made: str) -> str:
    """The description of the model (`sim.report.model.sections`) as a file of the same kind. made: a sentence on what made it."""
    return rendered("model.html", sections=sections, made=made)


def rendered(template: str, **shown: Any) -> str:
    """A template with its style, its script and the policy that lets these two and nothing else work."""
    style, script = asset("report.css"), asset("report.js")
    policy = "; ".join(
        (
            *("default-src 'none'", f"style-src '{digest(style)}'", f"script-src '{digest(script)}'"),
            *("img-src data:", "base-uri 'none'", "form-action 'none'"),
        )
    )
    return environment().get_template(template).render(style=style, script=script, policy=policy, **shown)


def coded(text: str) -> Markup:
    """A text with `identifiers` in backticks as HTML; all else in it is escaped."""
    parts = text.split("`")
    return Markup("").join(Markup("<code>{}</code>").format(part) if k % 2 else escape(part) for k, part in enumerate(parts))


def first(material: Material) -> int:
    """Which schedule's part is open at first: the apparent best one's, or the first that is not the baseline."""
    others = [name for name in material.shown if name != material.baseline]
    if material.has("selection"):
        others = [name for name in findings.ranked(material)["schedule"] if name in material.shown] or others
    return list(material.shown).index(others[0]) if others else 0


def panel(material: Material, pictures: Pictures, name: str) -> Panel:
    """Everything about one schedule beside the baseline."""
    scenario = material.scenarios[name]
    both = [name] if name == material.baseline else [material.baseline, name]
    drawn = [
        pictures.distributions(both),
        None if name == material.baseline else pictures.differences([name]),
        pictures.fan(both),
        pictures.incidence(both),
    ]
    drawn += pictures.necessary(name)
    grids = [tables.necessary_rows(material, name), tables.difference_rows(material, name)]
    return Panel(
        name,
        scenario.schedule.summary,
        assumptions.extras(scenario),
        [grid for grid in grids if grid is not None],
        assumptions.plan(scenario),
        [picture for picture in drawn if picture is not None],
        list(material.stories.get(name, ())),
    )


def compared(material: Material) -> list[Grid]:
    """The tables that hold all schedules beside each other, those that the study has."""
    grids = [tables.outcomes_grid(material)]
    if material.has("differences"):
        grids.append(tables.differences_grid(material))
    return grids + [tables.view(material, name) for name in COMPARED if material.has(name)]


@cache
def environment() -> Environment:
    """Jinja with everything escaped that is not markup of ours, and no value that is not given."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters["coded"] = coded
    return made


@cache
def asset(name: str) -> Markup:
    """The style or the script, as it stands in the page: of this package, never of a study."""
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))


def digest(text: str) -> str:
    """A source of a Content-Security-Policy that allows just this text."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
