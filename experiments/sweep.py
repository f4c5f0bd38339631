"""posture run -m: an ordinary Hydra sweep (its launchers and sweepers work), ended by one combined table.

Hydra composes each job; a job computes its replications into the store and leaves a record below `jobs/`. When all are done the
tables are put together from the store, with what was swept as columns.
"""

import json
import os
import re
import sys
import tempfile
import traceback
from pathlib import Path
from time import perf_counter
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import Glob, IntervalSweep, Override
from omegaconf import DictConfig, OmegaConf

from experiments import console
from experiments.choices import CONFIGS
from experiments.composition import Composer, first_sentence, loosened, parse, register_declarations
from experiments.computing import computed, ready
from experiments.session import Request, Session, asked_of, begun, concluded, contradictions, opened, tell_trouble, unwritable
from experiments.settings import RunSettings, read
from sim import luck
from sim.errors import Halted, RequestError
from sim.scenario import Scenario, read_scenario
from sim.studies.maker import maker, provenance
from sim.studies.place import place
from sim.studies.plan import Wanted
from sim.studies.study import Study

RECORD = re.compile(r"[0-9]+\.json")
KEY_OUTCOMES = ("base_attacks", "us_deaths", "isis_attacks", "resurgence", "government_fell")


def sweep(overrides: list[str], folder: str | None) -> int:
    """Check what is asked for, let Hydra run it, combine the tables. Returns the exit status. Raises RequestError."""
    composer, overrides = Composer("run", folder), loosened(overrides)
    parsed = parse(overrides)
    hydras = [override.input_line for override in parsed if override.key_or_group.startswith("hydra") and override.input_line]
    ours = [override for override in parsed if not override.key_or_group.startswith("hydra")]
    swept = [override for override in ours if override.is_sweep_override()]
    for override in swept:
        if override.key_or_group in ("name", "results", "sweep"):
            raise RequestError(f"{override.key_or_group}: cannot be swept: all jobs of a sweep belong to one study")
    first, scenario, settings = check_all(composer, ours, hydras)
    if settings.plan:
        raise RequestError("plan = true: not with -m, whose jobs only Hydra knows; posture sweep and posture compare plan theirs")
    root = place(settings.results)
    names = [override.key_or_group for override in swept]
    about = {
        **{"application": "run -m", "command": ["posture", "run", "-m", *overrides], "overrides": sorted(overrides)},
        **{"seed": settings.seed, "luck": luck.SCHEME, "replications": settings.replications, "weekly": settings.weekly},
        **{"start": scenario.start.isoformat(), "horizon_days": scenario.horizon_days, "maker": maker(), "code": provenance()},
        **{"swept": names, "scenarios": {}, "contents": {}, "config": first},
    }
    contradictions(root, settings, about)
    study = begun(root, settings, "sweep", about)
    finished = False
    try:
        study.place.delete_folder(study.at("jobs"))  # the records of an earlier time; what was computed then is in the store
        ended = launch(study, overrides, folder)
        status, finished = combine(study, names, about, settings.results, ended)
        return status
    except OSError as error:
        raise unwritable(settings.results, error) from None
    finally:
        study.end(finished)


def launch(study: Study, overrides: list[str], folder: str | None) -> bool:
    """Have Hydra run the jobs; whether it came to an end with all of them.

    Raises:
        RequestError: if it could run none.
    """
    extra = [f"hydra.searchpath=[file://{Path(folder).resolve()}]"] if folder else []
    os.environ["HYDRA_FULL_ERROR"] = "1"
    with tempfile.TemporaryDirectory(prefix="posture-", ignore_cleanup_errors=True) as aside:
        if study.place.folder is None and not any(word.startswith("hydra.sweep.dir=") for word in overrides):
            extra.append(f"hydra.sweep.dir={aside}")  # Hydra keeps its own record in a folder
        sys.argv = ["posture run", "--multirun", *overrides, *extra, f"sweep={study.name}"]
        try:
            job()
            return True
        except (KeyboardInterrupt, SystemExit):
            console.warn("interrupted: what was computed is kept; the same command goes on")
        except OSError:
            raise
        except Exception as error:  # of Hydra, or of a launcher, whatever that may raise
            if not records(study):
                if not study.place.exists(study.at("outcomes.parquet")):
                    study.place.delete_folder(study.path)
                raise RequestError(f"hydra: {first_sentence(error)}") from None
            console.warn(f"hydra: {first_sentence(error)}; what was computed is kept, the same command goes on")
    return False


def check_all(composer: Composer, overrides: list[Override], hydras: list[str]) -> tuple[dict[str, Any], Scenario, RunSettings]:
    """Compose and validate every value of every swept key once, the others at their first value, before anything runs.

    Returns:
        the configuration, scenario and settings of the first job.
    """
    choices = [values(composer, override) for override in overrides]
    first = [line(override, found[0]) for override, found in zip(overrides, choices, strict=True)]
    config = composer.compose([*first, *hydras])
    scenario, settings = read(RunSettings, config)
    for k, override in enumerate(overrides):
        for value in choices[k][1:]:
            read(RunSettings, composer.compose([*first[:k], line(override, value), *first[k + 1 :], *hydras]))
    return config, scenario, settings


def values(composer: Composer, override: Override) -> list[str]:
    """What an override sets, one text for each value that is swept.

    Raises:
        RequestError: if there is none.
    """
    if not override.is_sweep_override():
        return [override.get_value_element_as_str() if override.value() is not None else "null"]
    value = override.value()
    if isinstance(value, IntervalSweep):  # left to the sweeper: its ends are what can be checked
        return [str(value.start), str(value.end)]
    if isinstance(value, Glob):
        found = value.filter(composer.choices(composer.group(override.key_or_group) or ""))
    else:
        found = list(override.sweep_string_iterator())
    if not found:
        raise RequestError(f"{override.input_line!r}: sweeps over nothing")
    return found


def line(override: Override, value: str) -> str:
    """An override again, with one value."""
    prefix = "++" if override.is_force_add() else "+" if override.is_add() else "~" if override.is_delete() else ""
    return f"{prefix}{override.key_or_group}={value}"


register_declarations()


@hydra.main(version_base=None, config_path=str(CONFIGS), config_name="run")
def job(config: DictConfig) -> int:
    """One job of a sweep, in whichever process the launcher put it. What goes wrong is written down; the sweep goes on."""
    data: Any = OmegaConf.to_container(config, resolve=True)
    number, study = int(HydraConfig.get().job.num), Study(place(data["results"]), data["sweep"])
    record: dict[str, Any] = {"overrides": list(HydraConfig.get().overrides.task)}
    interrupted = False
    try:
        scenario, settings = read(RunSettings, data)
        record |= {"content": scenario.content(), "seed": settings.seed, "config": data}
        record |= {"replications": settings.replications, "weekly": settings.weekly}
        wanted = Wanted(scenario.schedule.name, scenario, settings.seed, settings.replications, settings.weekly)
        clock = perf_counter()
        store = opened(study.place, settings)
        work = computed(store, ready(store, [wanted], settings), f"job {number}")
        interrupted = work.interrupted
        record |= {"interrupted": interrupted, "lost": work.lost, **work.told(perf_counter() - clock)}
    except OSError:
        raise
    except (RequestError, Halted) as error:
        record["failure"] = str(error)
    except Exception:
        record["failure"] = traceback.format_exc().strip()
    study.place.write(study.at(f"jobs/{number}.json"), json.dumps(record).encode())
    if interrupted:
        raise KeyboardInterrupt  # the sweep stops, and not this job only
    return 0


def records(study: Study) -> list[tuple[int, dict[str, Any]]]:
    """What the jobs left, in the order of their numbers."""
    found = []
    for path in study.place.sizes(study.at("jobs")):
        name = path.rpartition("/")[2]
        if RECORD.fullmatch(name):
            found.append((int(name.partition(".")[0]), json.loads(study.place.read(path))))
    return sorted(found, key=lambda record: record[0])


def combine(study: Study, swept: list[str], about: dict[str, Any], results: str, ended: bool) -> tuple[int, bool]:
    """The jobs' blocks as one study, with a column for each swept key, and a summary on screen.

    Args:
        ended: whether Hydra came to an end with all jobs.
    Returns:
        the exit status, and whether there is nothing left to do.
    """
    import pyarrow as pa

    from sim.studies.store import Store
    from sim.studies.tables import scenario_label

    keys = [key for key in swept if key != "schedule"]
    wanted, marks, done, failed, lost = [], {}, [], 0, []
    for number, record in records(study):
        if "failure" in record:
            failed += 1
            why = record["failure"].splitlines()[-1]
            console.warn(f"job {number} failed: {why}; its overrides: {' '.join(record['overrides'])}")
            continue
        scenario = read_scenario(record["content"])
        task = dict(part.lstrip("+").split("=", 1) for part in record["overrides"])
        set_to = {key: task.get(key, "") for key in keys}
        label = scenario_label(scenario.schedule.name, set_to)
        wanted.append(Wanted(label, scenario, record["seed"], record["replications"], record["weekly"]))
        marks[label] = {"schedule": scenario.schedule.name, **set_to}
        done.append(record)
        lost += [(identity, seed, replication) for identity, seed, replication in record["lost"]]
    if not wanted:
        console.warn("no job of the sweep was completed")
        return 1, False
    interrupted = any(record["interrupted"] for record in done)
    whole = ended and not failed
    told = ("engine", "executor", "workers")
    sums = ("computed", "seconds", "processor_seconds")
    request = Request("run -m", "sweep", wanted, done[-1]["config"], marks, dict.fromkeys(keys, pa.string()))
    made = request.manifest()
    about = {**made, **about, **{key: made[key] for key in ("scenarios", "marks", "contents", "config")}}
    about |= {"horizon_days": made["horizon_days"], **{key: done[-1][key] for key in told}}
    about["asked"] = asked_of(wanted)
    about |= {key: round(sum(record[key] for record in done), 3) for key in sums}
    store = Store(study.place)
    store.refresh()
    session = concluded(study, store, request, about, results, interrupted, lost, whole)
    summarize(session, ["schedule", *keys])
    tell_trouble(session)
    console.say(f"results: {study.where}")
    return session.status if whole else 1, whole and not interrupted and not lost


def summarize(session: Session, by: list[str]) -> None:
    """A summary of each scenario, as a table of the study and on screen."""
    from sim.analysis.summary import quantiles
    from sim.outcomes import BY_NAME, YES_NO

    table = session.outcomes
    summary = quantiles(table, [name for name in BY_NAME if name in table], by)
    session.study.write_table("summary", summary)
    rows = summary.set_index([*by, "outcome"])

    def cell(group: Any, name: str) -> str:
        row = rows.loc[(*group, name)]
        if BY_NAME[name].kind == YES_NO:
            return f"{row['mean']:.0%}"
        return f"{console.number(row['median'])} ({console.number(row['q05'])} to {console.number(row['q95'])})"

    groups = list(dict.fromkeys(tuple(row) for row in summary[by].itertuples(index=False)))
    heads = [*by, *(f"{name} ({'share' if BY_NAME[name].kind == YES_NO else 'median, 90 %'})" for name in KEY_OUTCOMES)]
    console.table(
        f"{len(groups)} scenarios, {len(table):,} replications in all",
        heads,
        [[*map(str, group), *(cell(group, name) for name in KEY_OUTCOMES)] for group in groups],
    )
