"""posture plot: figures of a study, from its tables alone."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from experiments import console
from experiments.drawing import compared, missing
from experiments.settings import HINTS, PlotSettings
from sim.errors import RequestError, first_line, suggestion
from sim.figures import FIGURES
from sim.outcomes import BY_NAME
from sim.outcomes import EVENTS as EVENT_NAMES
from sim.report.shown import FAN_SERIES, LABELS, SERIES_LABELS, SHOWN_EVENTS, SMOOTH, SMOOTHED
from sim.scenario import read_scenario
from sim.studies.study import Study, find_study
from sim.validation import check

if TYPE_CHECKING:
    import pandas as pd

MOST = 40  # scenarios in one figure
FAN_COLUMNS = 4  # schedules side by side in one fan chart
OWN_FIGURES = ("calibrate", "hindcast", "sensitivity")  # commands that draw theirs


def application(config: dict[str, Any]) -> int:
    """Draw the figures that the configuration asks for; returns the exit status. Raises RequestError."""
    settings = check("", PlotSettings, config, HINTS)
    study = find_study(settings.results, settings.name)
    manifest = study.read_manifest()
    check_concluded(study, manifest)
    if (command := manifest.get("application")) in OWN_FIGURES:
        raise RequestError(
            f"name = {study.name!r}: is of posture {command}, which draws its own figures; the same command draws them again"
        )
    outcomes = (
        settings.outcomes
        or tuple(manifest.get("config", {}).get("outcomes", ()))
        or ("base_attacks", "us_deaths", "isis_attacks")
    )
    for name in outcomes:
        if name not in BY_NAME:
            raise RequestError(
                f"outcomes = {name!r}: no such outcome{suggestion(name, list(BY_NAME))}; there are: {', '.join(BY_NAME)}"
            )
    for name in () if settings.figures == "all" else settings.figures:
        if name not in FIGURES:
            raise RequestError(
                f"figures = {name!r}: no such figure{suggestion(name, list(FIGURES))}; there are: {', '.join(FIGURES)}"
            )
    known = list(shown(manifest))
    for name in settings.schedules or ():
        if name not in known:
            raise RequestError(
                f"schedules = {name!r}: not in study {study.name}{suggestion(name, known)}; there are: {', '.join(known)}"
            )
    if len(settings.schedules or known) > MOST:
        raise RequestError(
            f"name = {study.name!r}: has {len(known):,} scenarios, a figure shows up to {MOST}: "
            f"name some, schedules=['{known[0]}',...]"
        )
    if not known:
        raise RequestError(f"name = {study.name!r}: is not finished; the command that began it goes on")
    missing(study, () if settings.figures == "all" else settings.figures)
    try:
        draw(study, outcomes, list(dict.fromkeys(settings.schedules or known)), settings.figures)
    except OSError as error:
        raise RequestError(f"results = {settings.results!r}: cannot be written to: {error.strerror or error}") from None
    except RequestError:
        raise
    except (
        ArithmeticError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:  # a file may say anything
        why = f"{type(error).__name__}: {first_line(error)}"
        raise RequestError(f"name = {study.name!r}: its tables and study.json do not belong together: {why}") from None
    return 0


def check_concluded(study: Study, manifest: dict[str, Any]) -> None:
    """Refuse a study that was begun, or begun anew, and has no tables of its own yet: those that lie there may be of before.

    Raises:
        RequestError
    """
    if manifest.get("finished") is None and "found" not in manifest and study.unfinished() is not None:
        raise RequestError(f"name = {study.name!r}: is unfinished and has no tables yet; the command that began it goes on")


def draw(study: Study, outcomes: Sequence[str], schedules: list[str], figures: Sequence[str] | str) -> None:
    """Draw figures of a study into its folder `figures/`, PNG and SVG, and say where. Tables come from the study's files."""
    import numpy as np
    import pandas as pd

    from sim.analysis.incidence import incidence
    from sim.analysis.summary import fan, quantiles
    from sim.figures import figure, images

    manifest = study.read_manifest()
    about: dict[str, Any] = {"start": pd.Timestamp(manifest["start"]), "horizon_days": manifest["horizon_days"]}
    swept = manifest.get("swept", [])
    for key in ("start", "horizon_days"):
        if key in swept:
            raise RequestError(f"name = {study.name!r}: was swept over {key}, so its scenarios share no axis of time; no figures")
    wanted = list(FIGURES) if figures == "all" else list(figures)
    # every table is read before anything is drawn: a figure beside a table that cannot be read would mislead
    table = rows_of(study, "outcomes", swept)
    for label in schedules:
        if not manifest.get("failures") and label not in set(table["schedule"]):
            raise RequestError(f"name = {study.name!r}: outcomes.parquet has no row of {label!r}, of which study.json speaks")
    weekly = rows_of(study, "weekly", swept) if "fan" in wanted else None
    based = manifest["config"].get("baseline") in set(table["schedule"])
    paired = study.read_table("differences") if "differences" in wanted and based else None
    plan = timelines(manifest, schedules) if "timelines" in wanted else None
    table = table[table["schedule"].isin(schedules)]
    spread = [name for name in outcomes if name in table]
    drawn: list[str] = []

    def keep(chart: Any, name: str) -> None:
        for suffix, data in images(chart).items():
            study.place.write(study.at(f"figures/{name}.{suffix}"), data)
        drawn.append(name)

    if "distributions" in wanted:
        keep(figure("distributions")(quantiles(table, spread), table, LABELS, **about), "distributions")
    if weekly is not None and "state" in weekly:  # the same luck in another state of the world is another run
        weekly = weekly.assign(replication=weekly.groupby(["state", "replication"], sort=False).ngroup())
    if weekly is not None and len(weekly):
        bands = fan(weekly[weekly["schedule"].isin(schedules)], list(FAN_SERIES), SMOOTHED, SMOOTH)
        replications = int(bands["n"].min())
        for k in range(0, len(schedules), FAN_COLUMNS):
            chosen = schedules[k : k + FAN_COLUMNS]
            chart = figure("fan")(bands, SERIES_LABELS, replications=replications, schedules=chosen, **about)
            keep(chart, "fan" if len(schedules) <= FAN_COLUMNS else f"fan_{k // FAN_COLUMNS + 1}")
    if plan is not None:
        keep(figure("timelines")(*plan), "timelines")
    if "incidence" in wanted:
        days = np.unique(np.append(np.arange(0.0, manifest["horizon_days"], 7.0), float(manifest["horizon_days"])))
        states = study.read_table("states") if "states" in manifest else None
        shares = incidence(table, list(SHOWN_EVENTS), days, states)
        shares["date"] = about["start"] + pd.to_timedelta(shares["day"], unit="D")
        fewest = int(table.groupby("schedule").size().min())
        keep(figure("incidence")(shares, LABELS, replications=fewest, **about), "incidence")
    if paired is not None:
        paired = paired[paired["schedule"].isin(schedules) & paired["outcome"].isin(spread)]
        order = [name for name in spread if name in set(paired["outcome"])]
        if len(paired):
            keep(figure("differences")(paired, LABELS, yes_no=EVENT_NAMES, chosen_outcomes=order, **about), "differences")
    for name, chart in compared(study, manifest, table, wanted, about):
        keep(chart, name)
    console.say(f"figures: {len(drawn)}, each as PNG and SVG, in {study.where}/figures")


def shown(manifest: dict[str, Any]) -> dict[str, str]:
    """What figures tell apart, each with the label of a scenario of it: the scenarios; over states of the world, whose rows are
    put together, the schedules, each with its first state's."""
    found: dict[str, str] = {}
    for label in manifest.get("scenarios", {}):
        found.setdefault(manifest["marks"][label]["schedule"] if manifest.get("states") else label, label)
    return found


def rows_of(study: Study, name: str, swept: list[str]) -> "pd.DataFrame":
    """A table of a study with each scenario's label in place of its schedule.

    Raises:
        RequestError: if a column that tells the scenarios apart is missing.
    """
    from sim.studies.tables import labelled

    table = study.read_table(name)
    for column in ("schedule", *swept):
        if column not in table:
            raise RequestError(f"name = {study.name!r}: {name}.parquet has no column {column!r}, of which study.json speaks")
    return labelled(table, swept)


def timelines(manifest: dict[str, Any], schedules: list[str]) -> tuple[Any, Any]:
    """The planned troops and the marks of each schedule, from the scenarios in the manifest (read as data, validated again)."""
    import pandas as pd

    steps, marks, labels = [], [], shown(manifest)
    for name in schedules:
        try:
            scenario = read_scenario(manifest["contents"][labels.get(name, name)])
        except (RequestError, KeyError) as error:
            raise RequestError(f"name = {manifest.get('name')!r}: was made by another version of posture: {error}") from None
        end = scenario.calendar.date(scenario.horizon_days)
        path = [(when, troops) for when, troops in scenario.plan.troops() if when <= end]
        steps += [(name, when, troops) for when, troops in [*path, (end, path[-1][1])]]
        marks += [{"schedule": name, **mark} for mark in scenario.plan.marks()]
        if scenario.schedule.come_back is not None:
            marks.append(
                {
                    "schedule": name,
                    "step": "return, if its conditions hold",
                    "clock": "return",
                    "date": None,
                    "conditional": True,
                    "promise": None,
                }
            )
    columns = ["schedule", "step", "clock", "date", "conditional", "promise"]
    plan = pd.DataFrame(steps, columns=["schedule", "date", "troops"]).astype({"date": "datetime64[s]"})
    dated = pd.DataFrame(marks, columns=columns).astype({"date": "datetime64[s]", "promise": "datetime64[s]"})
    return plan, dated
