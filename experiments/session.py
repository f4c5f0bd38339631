"""Run a study: simulate, write its tables and manifest, say what was found and what failed."""

import shlex
import sys
from collections import Counter
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from experiments import console
from experiments.settings import Settings
from sim import luck
from sim.engines import usable
from sim.engines.block import SATURATION_LIMIT
from sim.errors import RequestError
from sim.scenario import Scenario
from sim.studies import workers
from sim.studies.store import Study, new_study, now, provenance

if TYPE_CHECKING:
    import pandas as pd

    from sim.studies.tables import Tables


@dataclass
class Session:
    """A study that was run."""

    study: Study
    outcomes: "pd.DataFrame"
    failures: "pd.DataFrame"
    manifest: dict[str, Any]
    interrupted: bool = False
    seconds: float = 0.0  # processor time of the simulation
    results: str = "results"  # the root that the study lies under

    @property
    def status(self) -> int:
        """The exit status so far: 1 if some of the work failed."""
        return 1 if self.interrupted or len(self.failures) else 0


def run(
    scenarios: dict[str, Scenario],
    settings: Settings,
    application: str,
    words: str,
    config: dict[str, Any],
    study: Study | None = None,
) -> Session:
    """Simulate every scenario, write outcomes.parquet, weekly.parquet, failures.parquet (if any) and study.json.

    Ctrl-C stops cleanly: what is complete is written, and the session says so.

    Args:
        scenarios: by the label they have in the tables. words: for the study's name, if the settings give none.
        config: the resolved configuration, for the manifest. study: where to write, if the folder exists already.
    """
    engine = usable(settings.engine)
    if engine != settings.engine:
        console.warn(f"engine = {settings.engine!r}: there is no compiler; the {engine} engine gives the same results, slowly")
    workers.prepare(next(iter(scenarios.values())), engine)
    study = study or new_study(settings.results, settings.name, words)
    cores = settings.workers or workers.cores()
    todo = workers.tasks(list(scenarios), settings.replications, cores, engine)
    from sim.studies.tables import Tables

    start = next(iter(scenarios.values())).start
    tables = Tables(study.folder, {label: scenario.identity for label, scenario in scenarios.items()}, start)
    started, clock, interrupted = now(), perf_counter(), False
    with console.progress(len(scenarios) * settings.replications, application) as advance:
        running = workers.run(scenarios, settings.seed, todo, cores, settings.weekly, engine)
        try:
            for task, block in running:
                tables.add(task.label, block)
                advance(block.count)
        except KeyboardInterrupt:
            interrupted = True
        except OSError as error:
            raise lost(settings, study, tables, error) from None
        finally:
            running.close()
    seconds = perf_counter() - clock

    try:
        rows, failures = tables.finish(), tables.failures()
    except OSError as error:
        raise lost(settings, study, tables, error) from None
    session = Session(study, study.read_table("outcomes"), failures, {}, interrupted, tables.seconds, settings.results)
    accounted = rows + len(failures)
    if not interrupted and accounted != len(scenarios) * settings.replications:
        raise RuntimeError(f"{accounted} replications are accounted for, {len(scenarios) * settings.replications} were asked for")
    session.manifest = {
        "name": study.name,
        "application": application,
        "command": ["posture", *sys.argv[1:]],
        "complete": session.status == 0,
        "started": started,
        "finished": now(),
        "seconds": round(seconds, 3),
        "workers": cores,
        "engine": engine,
        "seed": settings.seed,
        "luck": luck.SCHEME,
        "replications": settings.replications,
        "horizon_days": horizon(scenarios),
        "start": start.isoformat(),
        "scenarios": tables.identities,
        "failures": len(session.failures),
        "saturation": saturation(tables.opportunities, tables.saturated),
        "code": provenance(),
        "contents": {label: scenario.content() for label, scenario in scenarios.items()},
        "config": config,
    }
    if len(failures):
        failures["replay"] = [replay(session, row) for row in failures.to_dict("records")]
        study.write_table("failures", failures)
    study.write_manifest(session.manifest)
    return session


def lost(settings: Settings, study: Study, tables: "Tables", error: OSError) -> RequestError:
    """What to say when the tables cannot be written (a full disk): nothing of the study is left in its place."""
    tables.abandon()
    study.remove_if_empty()
    return RequestError(f"results = {settings.results!r}: cannot be written to: {error.strerror or error}; nothing was kept")


def horizon(scenarios: dict[str, Scenario]) -> int:
    return max(scenario.horizon_days for scenario in scenarios.values())


def period(manifest: dict[str, Any]) -> str:
    """The time a study covers, in words."""
    return f"{manifest['horizon_days']:,} days from {manifest['start']}"


def saturation(opportunities: Counter[str], saturated: Counter[str]) -> dict[str, dict[str, float]]:
    """By activity: opportunities, those whose willingness was above the cap, and their share; only where there were any."""
    return {
        name: {"opportunities": opportunities[name], "saturated": count, "share": count / opportunities[name]}
        for name, count in sorted(saturated.items())
    }


def tell_trouble(session: Session) -> None:
    """Warn of saturation, failures and an interruption, each with what to do about it."""
    for name, row in session.manifest["saturation"].items():
        if row["share"] > SATURATION_LIMIT:
            console.warn(
                f"{name}: {row['share']:.2%} of {row['opportunities']:,.0f} opportunities were above the cap, its rate is cut off"
            )
    for row in session.failures.head(10).to_dict("records"):
        console.warn(
            f"failed: {row['schedule']}, replication {row['replication']}{when(row)}: {row['message']}; replay: {row['replay']}"
        )
    if len(session.failures) > 10:
        console.warn(
            f"{len(session.failures)} replications failed; all of them are in {session.study.folder / 'failures.parquet'}"
        )
    if session.interrupted:
        counts = session.outcomes.groupby("schedule", sort=False).size()
        console.warn(
            f"interrupted: kept {counts.min():.0f} to {counts.max():.0f} replications of each scenario"
            if len(counts)
            else "interrupted: kept nothing"
        )


def when(row: dict[str, Any]) -> str:
    """The day and the activity of a failure, where they are known."""
    return f", day {row['day']:.1f}, {row['activity']}" if row["activity"] else ""


def replay(session: Session, row: dict[str, Any]) -> str:
    """The command that replays one replication."""
    words = [
        "posture",
        "trace",
        f"scenario={row['scenario']}",
        f"replication={row['replication']}",
        f"seed={session.manifest['seed']}",
    ]
    if session.results != "results":
        words.append(f"results={session.results}")
    return shlex.join(words)


def tell_place(session: Session) -> None:
    manifest, rows = session.manifest, len(session.outcomes)
    per = session.seconds / max(1, rows)
    console.say(f"{rows:,} replications in {manifest['seconds']:.1f} s on {manifest['workers']} cores, {per * 1e3:.1f} ms each")
    console.say(f"results: {session.study.folder}")
