"""posture trace: one replication's story by date, and its full event log."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments import console
from experiments.settings import HINTS, TraceSettings, read, split
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

FORMATS = (".parquet", ".csv")
BESIDE = ("scenario", "replication", "seed", "engine", "everything", "log", "results")


def application(config: dict[str, Any], overrides: list[str]) -> int:
    """Tell one replication; returns the exit status.

    Args:
        config: the composed configuration. overrides: what it was composed with: a stored scenario takes none of its own, and is
            told with its study's seed unless another is given.
    Raises:
        RequestError
    """
    settings = check("", TraceSettings, split(config)[1], HINTS)
    seed = settings.seed
    if settings.scenario:
        given = [override.split("=")[0].lstrip("+~") for override in overrides]
        for key in given:
            if key not in BESIDE:
                raise RequestError(f"{key}: not allowed beside scenario=..., which says it all; allowed: {', '.join(BESIDE)}")
        scenario, study_seed = stored(settings)
        seed = settings.seed if "seed" in given else study_seed
    else:
        scenario = read(TraceSettings, config)[0]
    target = place(settings.log)
    run = engine(usable(settings.engine)).replicate(scenario, seed, settings.replication, trace=True)
    if target is not None:
        try:
            write(event_table(run, scenario), target)
        except OSError as error:
            raise RequestError(f"log = {settings.log!r}: cannot be written: {error.strerror or error}") from None
    console.say(
        f"{scenario.schedule.name} (scenario {scenario.identity}), replication {settings.replication}, seed {seed}, "
        f"{scenario.horizon_days} days from {scenario.start}"
    )
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


def stored(settings: TraceSettings) -> tuple[Scenario, int]:
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


def write(table: "pd.DataFrame", path: Path) -> None:
    if path.suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path, engine="pyarrow", compression="zstd", index=False)
