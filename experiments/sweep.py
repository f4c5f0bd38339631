"""posture run -m: an ordinary Hydra sweep (its launchers and sweepers work), ended by one combined table.

Hydra composes each job; a job runs its replications in blocks and writes its own tables below `jobs/`. When all are done the
tables are put together with what was swept as columns.
"""

import json
import os
import shutil
import sys
import traceback
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import Glob, IntervalSweep, Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from experiments import console
from experiments.choices import CONFIGS
from experiments.composition import Composer, first_sentence, loosened, parse, register_declarations
from experiments.run import application
from experiments.settings import RunSettings, read
from sim.errors import RequestError
from sim.studies.store import Study, new_study, now, provenance

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
    settings = check_all(composer, ours, hydras)
    study = new_study(settings.results, settings.name, "sweep")
    for path in (study.folder / "jobs", study.figures):
        path.mkdir(exist_ok=True)
    extra = [f"hydra.searchpath=[file://{Path(folder).resolve()}]"] if folder else []
    started = now()
    os.environ["HYDRA_FULL_ERROR"] = "1"
    sys.argv = ["posture run", "--multirun", *overrides, *extra, f"sweep={study.name}"]
    try:
        job()
    except (KeyboardInterrupt, SystemExit):
        console.warn("interrupted: jobs that were done are kept")
    except (HydraException, OmegaConfBaseException) as error:
        if not any((study.folder / "jobs").iterdir()):
            shutil.rmtree(study.folder)
        raise RequestError(f"hydra: {first_sentence(error)}") from None
    return combine(study, [override.key_or_group for override in swept], started, overrides)


def check_all(composer: Composer, overrides: list[Override], hydras: list[str]) -> RunSettings:
    """Compose and validate every value of every swept key once, the others at their first value, before anything runs."""
    choices = [values(composer, override) for override in overrides]
    first = [line(override, found[0]) for override, found in zip(overrides, choices, strict=True)]
    _, settings = read(RunSettings, composer.compose([*first, *hydras]))
    for k, override in enumerate(overrides):
        for value in choices[k][1:]:
            read(RunSettings, composer.compose([*first[:k], line(override, value), *first[k + 1 :]]))
    return settings


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
    folder = Path(data["results"]) / "studies" / data["sweep"] / "jobs" / str(HydraConfig.get().job.num)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "overrides.json").write_text(json.dumps(list(HydraConfig.get().overrides.task)), encoding="utf-8")
    try:
        return application(data, Study(folder))
    except RequestError as error:
        (folder / "failure.txt").write_text(str(error), encoding="utf-8")
    except Exception:
        (folder / "failure.txt").write_text(traceback.format_exc(), encoding="utf-8")
    return 1


def combine(study: Study, swept: list[str], started: str, overrides: list[str]) -> int:
    """The jobs' tables as one: outcomes.parquet and weekly.parquet with a column for each swept key, and a summary on screen."""
    import pandas as pd

    from sim.analysis.summary import quantiles
    from sim.outcomes import BY_NAME, YES_NO
    from sim.studies.tables import scenario_label

    outcomes, weekly, contents, identities, status = [], [], {}, {}, 0
    about: dict[str, Any] = {}
    folders = [path for path in (study.folder / "jobs").iterdir() if path.name.isdigit()]  # beside them lies Hydra's own record
    for folder in sorted(folders, key=lambda path: int(path.name)):
        one = Study(folder)
        failure = folder / "failure.txt"
        if failure.exists() or not (folder / "study.json").exists():
            why = failure.read_text(encoding="utf-8").strip().splitlines()[-1] if failure.exists() else "did not finish"
            console.warn(
                f"job {folder.name} failed: {why}; its overrides: {(folder / 'overrides.json').read_text(encoding='utf-8')}"
            )
            status = 1
            continue
        about = one.read_manifest()
        status = max(status, 0 if about["complete"] else 1)
        task = dict(
            part.lstrip("+").split("=", 1) for part in json.loads((folder / "overrides.json").read_text(encoding="utf-8"))
        )
        set_to = {key: task.get(key, "") for key in swept if key != "schedule"}
        for name, tables in (("outcomes", outcomes), ("weekly", weekly)):
            table = one.read_table(name)
            for k, (key, value) in enumerate(set_to.items()):
                table.insert(1 + k, key, value)
            tables.append(table)
        schedule = next(iter(about["scenarios"]))
        label = scenario_label(schedule, set_to)
        contents[label], identities[label] = about["contents"][schedule], about["scenarios"][schedule]
    if not outcomes:
        console.warn("no job of the sweep was completed")
        return 1
    table = pd.concat(outcomes, ignore_index=True)
    study.write_table("outcomes", table)
    study.write_table("weekly", pd.concat(weekly, ignore_index=True))
    by = ["schedule", *(key for key in swept if key != "schedule")]
    summary = quantiles(table, [name for name in BY_NAME if name in table], by)
    study.write_table("summary", summary)
    study.write_manifest(
        {
            **about,
            "name": study.name,
            "application": "run -m",
            "command": ["posture", "run", "-m", *overrides],
            "swept": swept,
            "started": started,
            "finished": now(),
            "complete": status == 0,
            "code": provenance(),
            "contents": contents,
            "scenarios": identities,
        }
    )
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
    console.say(f"results: {study.folder}")
    return status
