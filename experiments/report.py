"""posture report: a study as one HTML file that needs nothing else, from its folder alone."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from experiments import console
from experiments.plot import check_concluded
from experiments.settings import HINTS, ReportSettings
from sim.analysis.objectives import read_objective
from sim.engines import engine
from sim.errors import RequestError, first_line, suggestion
from sim.outcomes import BY_NAME, YES_NO
from sim.scenario import Scenario, read_scenario
from sim.story import story
from sim.studies.place import place
from sim.studies.study import Study, find_study, now
from sim.validation import check

if TYPE_CHECKING:
    import pandas as pd

    from sim.report.material import Material, Story

FILE, MODEL = "report.html", "model.html"
UNUSUAL = 0.05  # how far out in the distribution a bad run lies


def application(config: dict[str, Any]) -> int:
    """Write the report that the configuration asks for; returns the exit status. Raises RequestError."""
    settings = check("", ReportSettings, config, HINTS)
    if settings.kind == "model":
        return describe(settings)
    study = find_study(settings.results, settings.name)
    manifest = study.read_manifest()
    check_concluded(study, manifest)
    if manifest.get("application") != "compare":
        raise RequestError(
            f"name = {study.name!r}: is a {manifest.get('application')}; a report is of a comparison (posture compare)"
        )
    try:
        text = written(study, manifest, settings)
        study.place.write(study.at(FILE), text.encode())
    except OSError as error:
        raise RequestError(f"results = {settings.results!r}: cannot be written to: {error.strerror or error}") from None
    except RequestError:
        raise
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:  # a file may say anything
        why = error.args[0] if isinstance(error, LookupError) and error.args else f"{type(error).__name__}: {first_line(error)}"
        raise RequestError(f"name = {study.name!r}: its tables and study.json do not belong together: {why}") from None
    console.say(f"report: {study.where}/{FILE}, {len(text.encode()) / 1e6:.1f} MB; open it in a browser")
    return 0


def written(study: Study, manifest: dict[str, Any], settings: ReportSettings) -> str:
    """The report's text, from what lies in the study's folder.

    Raises:
        RequestError; LookupError, TypeError or ValueError: for tables that are not what the manifest says.
    """
    from sim.report.page import page

    material = gathered(study, manifest, settings.schedules, settings.stories)
    made = {"This report": f"made {now()} by posture {version()}"}
    return page(material, made)


def describe(settings: ReportSettings) -> int:
    """Write the description of the model into the folder of results. Raises RequestError."""
    from experiments.composition import shipped
    from sim.report.model import sections
    from sim.report.page import model_page

    root = place(settings.results)
    text = model_page(sections(shipped()), f"Made {now()} by posture {version()}.")
    try:
        root.write(MODEL, text.encode())
    except OSError as error:
        raise RequestError(f"results = {settings.results!r}: cannot be written to: {error.strerror or error}") from None
    console.say(f"model: {root.where(MODEL)}; open it in a browser")
    return 0


def version() -> str:
    from importlib.metadata import version as installed

    return installed("posture")


def gathered(study: Study, manifest: dict[str, Any], chosen: Sequence[str] | None, stories: int) -> "Material":
    """All that the report shows of a study: its tables, its scenarios read again, and stories.

    Args:
        chosen: the schedules that get a part of their own, or None for all. stories: how many of each of them, up to three.
    """
    from dataclasses import replace

    from experiments.plot import timelines
    from sim.report.material import NEEDED, TABLES, Material

    labels = one_label_each(manifest)
    for name in chosen or ():
        if name not in labels:
            raise RequestError(
                f"schedules = {name!r}: not in study {study.name}{suggestion(name, list(labels))}; there are: {', '.join(labels)}"
            )
    contents = {name: manifest["contents"][label] for name, label in labels.items()}
    scenarios = {name: scenario_of(study.name, content) for name, content in contents.items()}
    tables = {
        name: study.read_table(name) for name in TABLES if name in NEEDED or study.place.exists(study.at(f"{name}.parquet"))
    }
    material = Material(
        name=study.name,
        manifest=manifest,
        tables=tables,
        scenarios=scenarios,
        shown=list(dict.fromkeys(chosen or labels)),
        timelines=timelines({"name": study.name, "contents": contents}, list(labels)),
    )
    told = {name: stories_of(study, material, name, stories) for name in material.shown} if stories else {}
    return replace(material, stories=told)


def one_label_each(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Each schedule with the label of one of its scenarios: of the only one, or of that in the first state of the world."""
    marks, found = manifest.get("marks", {}), {}
    for label in manifest["scenarios"]:
        found.setdefault(str(marks.get(label, {}).get("schedule", label)), label)
    return found


def scenario_of(study: str, content: Mapping[str, Any]) -> Scenario:
    """A scenario of the manifest, validated again. Raises RequestError."""
    try:
        return read_scenario(content)
    except RequestError as error:
        raise RequestError(f"name = {study!r}: was made by another version of posture: {error}") from None


# -- stories -------------------------------------------------------------------------------------------------------------
def stories_of(study: Study, material: "Material", schedule: str, most: int) -> "list[Story]":
    """Runs of one schedule, chosen by a rule, computed again and told."""
    from sim.report.material import Story

    manifest = material.manifest
    by_identity = {identity: label for label, identity in manifest["scenarios"].items()}
    found = []
    for title, why, row in chosen_runs(material, schedule)[:most]:
        scenario = scenario_of(study.name, manifest["contents"][by_identity[row["scenario"]]])
        replication = int(row["replication"])
        run = engine("reference").replicate(scenario, manifest["seed"], replication, trace=True)
        where = f", state {int(row['state'])}" if "state" in row else ""
        found.append(
            Story(
                f"{title} (replication {replication}{where})",
                why,
                list(story(run.events, scenario)),
                f"posture trace scenario={row['scenario']} replication={replication}",
            )
        )
    return found


def chosen_runs(material: "Material", schedule: str) -> "list[tuple[str, str, pd.Series]]":
    """The median run, a bad one, and the one that differs most from the baseline's on the same luck: title, rule, outcomes.

    Ties go to the first state and the lowest replication.
    """
    outcomes = material.tables["outcomes"]
    values, what, good = judged(material)
    keys = [key for key in ("state", "replication") if key in outcomes]
    own = outcomes[outcomes["schedule"] == schedule].sort_values(keys, kind="stable")
    level = values[own.index]
    tail = UNUSUAL if good else 1.0 - UNUSUAL
    median, unusual = ((level - level.quantile(q)).abs().idxmin() for q in (0.5, tail))
    side = "worst" if good else "highest"
    named = "A bad run" if good else f"A run with much of it: {what}"
    found = [
        ("The median run", f"Its {what} is nearest to the median of this schedule's runs.", own.loc[median]),
        (named, f"Its {what} is nearest to where the {side} {UNUSUAL:.0%} of the runs begin.", own.loc[unusual]),
    ]
    if schedule != material.baseline:
        base = outcomes[outcomes["schedule"] == material.baseline]
        other = values[base.index].set_axis(base.set_index(keys).index)
        apart = (level - other.reindex(own.set_index(keys).index).set_axis(own.index)).abs()
        if apart.notna().any():
            why = f"Of all runs, its {what} differs most from that of {material.baseline} in the same replication."
            found.append((f"The run that differs most from {material.baseline}", why, own.loc[apart.idxmax()]))
    return found


def judged(material: "Material") -> "tuple[pd.Series, str, bool]":
    """One number for each row of the outcomes, what it is called, and whether a higher one is known to be better.

    It is the value by the objectives, or the first outcome that the study was made for and that is no yes or no."""
    from sim.analysis.objectives import value

    outcomes = material.tables["outcomes"]
    if material.objectives:
        return value(outcomes, [read_objective(text) for text in material.objectives]), "value by the stated objectives", True
    name = next((name for name in material.headline if BY_NAME[name].kind != YES_NO), material.headline[0])
    return outcomes[name].astype("float64"), f"'{BY_NAME[name].label}'", False
