"""posture trace: one replication's story by date, under one schedule or under two side by side, and its full event log."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments import console
from experiments.choices import known_schedules, refuse_other_name
from experiments.composition import Composer
from experiments.histories import compared, event_line, left_out, marks, side_table
from experiments.settings import HINTS, TraceSettings, WhySettings, read, split
from sim.divergence import differs, pairs, parting
from sim.engines import engine, usable
from sim.engines.block import Replication
from sim.errors import RequestError, first_line
from sim.outcomes import DAY, OUTCOMES, YES_NO
from sim.readings import READINGS
from sim.scenario import Scenario, read_scenario
from sim.story import story
from sim.studies.place import place as root_of
from sim.studies.study import Study
from sim.validation import check

if TYPE_CHECKING:
    import pandas as pd

Settled = TraceSettings | WhySettings
FORMATS = (".parquet", ".csv")
BESIDE = ("scenario", "replication", "seed", "engine", "everything", "log", "results")


def application(config: dict[str, Any], overrides: list[str], folder: str | None = None) -> int:
    """Tell one replication, under one schedule or two; returns the exit status.

    Args:
        config: the composed configuration. overrides, folder: what it was composed from: a stored scenario takes none of its
            own, and is told with its study's seed unless another is given.
    Raises:
        RequestError
    """
    settings = check("", TraceSettings, split(config)[1], {**HINTS, "schedules": "two names in brackets, or null"})
    target = place(settings.log)
    if settings.schedules is not None:
        return beside(settings, two(settings, overrides, folder), target)
    scenario, seed = subject(settings, config, overrides, BESIDE)
    run = engine(usable(settings.engine)).replicate(scenario, seed, settings.replication, trace=True)
    if target is not None:
        save(event_table(run, scenario), target, settings.log)
    console.say(heading(scenario, settings.replication, seed))
    console.say(scenario.schedule.summary)
    for line in story(run.events, scenario, settings.everything):
        console.say(line)
    console.say()
    console.say(f"At the end, {scenario.calendar.date(scenario.horizon_days)}:")
    values = {outcome.name: value for outcome, value in zip(OUTCOMES, run.outcomes, strict=True)}
    for outcome in OUTCOMES:
        value = values[outcome.name]
        if outcome.kind == YES_NO:
            when = scenario.calendar.date(values[f"{outcome.name}_day"])
            console.say(f"  {outcome.label}: {f'yes, {when}' if value else 'no'}")
        elif outcome.kind != DAY:
            console.say(f"  {outcome.label}: {console.number(float(value))} {outcome.unit}")
    if target is not None:
        console.say(f"event log: {len(run.events):,} events in {target}")
    return 0


def subject(settings: Settled, config: dict[str, Any], overrides: list[str], allowed: Sequence[str]) -> tuple[Scenario, int]:
    """The scenario of a request and its seed: composed, or stored by an earlier study, which takes only the allowed keys beside.

    Raises:
        RequestError
    """
    if not settings.scenario:
        return read_scenario(split(config)[0]), settings.seed
    given = [override.split("=")[0].lstrip("+~") for override in overrides]
    for key in given:
        if key not in allowed:
            raise RequestError(f"{key}: not allowed beside scenario=..., which says it all; allowed: {', '.join(allowed)}")
    scenario, study_seed = stored(settings)
    return scenario, settings.seed if "seed" in given else study_seed


def heading(scenario: Scenario, replication: int, seed: int) -> str:
    """What is told, in one line."""
    return (
        f"{scenario.schedule.name} (scenario {scenario.identity}), replication {replication}, seed {seed}, "
        f"{scenario.horizon_days} days from {scenario.start}"
    )


# -- two schedules -----------------------------------------------------------------------------------------------------
def two(settings: TraceSettings, overrides: list[str], folder: str | None) -> list[Scenario]:
    """The scenarios of the two schedules that are asked for.

    Raises:
        RequestError: unless there are two, nothing else says which schedule, and each is called as its file is.
    """
    asked = list(settings.schedules or ())
    if len(set(asked)) != 2 or len(asked) != 2:
        raise RequestError(f"schedules = {asked!r}: expected two names, to be told side by side")
    given = [override.split("=")[0].lstrip("+~") for override in overrides]
    for key in given:
        if key in ("schedule", "scenario"):
            raise RequestError(f"{key}: not allowed beside schedules=[...], which names both")
    composer = Composer("trace", folder)
    scenarios = []
    for name in known_schedules("schedules", asked, folder):
        scenario = read(TraceSettings, composer.compose([*overrides, f"schedule={name}"]))[0]
        refuse_other_name(scenario.schedule.name, name)
        scenarios.append(scenario)
    return scenarios


def beside(settings: TraceSettings, scenarios: list[Scenario], target: Path | None) -> int:
    """Tell one replication under two schedules, side by side; returns the exit status."""
    one, other = scenarios
    runs = [engine(usable(settings.engine)).replicate(of, settings.seed, settings.replication, trace=True) for of in scenarios]
    names = (settings.schedules or ("", ""))[0], (settings.schedules or ("", ""))[1]
    found = pairs(runs[0].events, runs[1].events, (one, other))
    if target is not None:
        save(side_table(found, names, one), target, settings.log)
    for of in scenarios:
        console.say(heading(of, settings.replication, settings.seed))
        console.say(f"  {of.schedule.summary}")
    width = max(len(mark) for mark in marks(names).values())
    console.say()
    if (first := parting(found)) is not None:
        console.say(f"The same luck first parts on {one.calendar.date(first.day)}:")
        console.say(event_line(first, names, one, width))
    elif (first := next(filter(differs, found), None)) is not None:
        when = one.calendar.date(first.day)
        console.say(f"The same luck never parts but in bookkeeping or in readings, first on {when} [{first.event.name}]")
    elif runs[0].outcomes != runs[1].outcomes:
        console.say("The same luck never parts: every event is the same under both. What is counted at the end differs.")
    else:
        console.say("The same luck never parts: what happens is the same under both.")
    month = None
    for pair in found:
        if not pair.told(settings.everything):
            continue
        day = one.calendar.date(pair.day)
        if (day.year, day.month) != month:
            month = day.year, day.month
            console.say()
            console.say(f"{day:%B %Y}")
        console.say(event_line(pair, names, one, width, settings.everything))
    console.say()
    if more := "" if settings.everything else left_out(found):
        console.say(more)
    title = f"At the end, {one.calendar.date(one.horizon_days)}"
    console.table(title, ("", *names, "difference"), compared((runs[0], runs[1]), one))
    if target is not None:
        console.say(f"events of both: {len(found):,} in {target}")
    return 0


# -- stored scenarios, and files ---------------------------------------------------------------------------------------
def stored(settings: Settled) -> tuple[Scenario, int]:
    """The scenario of that identity and the seed it was run with, from the manifest of the latest study that ran it. A manifest
    that cannot be read is told, and the others are looked at."""
    root = root_of(settings.results)
    for name in reversed(root.folders("studies")):
        study = Study(root, name)
        try:
            if not root.exists(study.at("study.json")):
                continue
            manifest = study.read_manifest()
            for label, identity in manifest["scenarios"].items():
                if identity == settings.scenario:
                    own = manifest.get("asked", {}).get(label, manifest)
                    return read_scenario(manifest["contents"][label]), own["seed"]
        except (RequestError, OSError) as error:
            console.warn(f"{study.where}: {first_line(error)}")
    raise RequestError(f"scenario = {settings.scenario!r}: no study in {root.where('studies')} has run it")


def place(log: str | None) -> Path | None:
    """Where the event log goes, checked before anything is run."""
    if log is None:
        return None
    path = Path(log)
    if path.suffix not in FORMATS:
        raise RequestError(f"log = {log!r}: expected a file name that ends in {' or '.join(FORMATS)}")
    if not path.parent.is_dir():
        raise RequestError(f"log = {log!r}: no such folder: {path.parent}")
    return path


def event_table(run: Replication, scenario: Scenario) -> "pd.DataFrame":
    """The event log: event, day, date, agent, activity, n, cause, and each reading before and after."""
    import pandas as pd

    rows = [
        (
            event.name,
            event.day,
            pd.Timestamp(scenario.calendar.date(event.day)),
            event.actor,
            event.activity,
            event.n,
            event.cause,
            *(value for pair in zip(event.before, event.after, strict=True) for value in pair),
        )
        for event in run.events
    ]
    columns = [
        "event",
        "day",
        "date",
        "agent",
        "activity",
        "n",
        "cause",
        *(f"{name}_{when}" for name in READINGS for when in ("before", "after")),
    ]
    return pd.DataFrame(rows, columns=columns)


def save(table: "pd.DataFrame", path: Path, log: str | None) -> None:
    """Write a table where `log` says.

    Raises:
        RequestError: if it cannot be written.
    """
    try:
        write(table, path)
    except OSError as error:
        raise RequestError(f"log = {log!r}: cannot be written: {error.strerror or error}") from None


def write(table: "pd.DataFrame", path: Path) -> None:
    if path.suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path, engine="pyarrow", compression="zstd", index=False)
