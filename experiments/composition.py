"""Hydra composes a configuration; what comes out is plain data, and what is wrong with a request is one line.

Names in a configuration are looked up in our own registers and never imported or instantiated.
"""

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from experiments.choices import CONFIGS, schedule_names
from experiments.help import WITHOUT_SCENARIO
from experiments.settings import split
from sim.errors import RequestError, suggestion
from sim.scenario import DECLARED, Scenario, read_scenario

TEXTS = ("name", "scenario", "results", "log", "address", "event", "outcome", "observed", "posterior")
LISTS = ("schedules", "outcomes", "figures", "over", "objectives", "limits", "explain", "origins")
FORBIDDEN = ("_target_", "hydra.callbacks", "hydra.searchpath")
DATA = "a configuration is data and cannot name code"
SUBMITIT = "hydra_plugins.hydra_submitit_launcher.submitit_launcher"
QUEUE = (
    *("submitit_folder", "timeout_min", "cpus_per_task", "gpus_per_node", "tasks_per_node", "mem_gb", "nodes", "name"),
    "stderr_to_stdout",
)
# the launchers and sweepers that may run, and their options that are plain values; what carries shell text is not among them
PLUGINS: dict[str, dict[str, tuple[str, ...]]] = {
    "launcher": {
        "hydra._internal.core_plugins.basic_launcher.BasicLauncher": (),
        "hydra_plugins.hydra_joblib_launcher.joblib_launcher.JoblibLauncher": (
            *("n_jobs", "backend", "prefer", "require", "verbose", "timeout", "pre_dispatch", "batch_size", "temp_folder"),
            *("max_nbytes", "mmap_mode"),
        ),
        f"{SUBMITIT}.LocalLauncher": QUEUE,
        f"{SUBMITIT}.SlurmLauncher": (
            *(*QUEUE, "partition", "qos", "comment", "constraint", "exclude", "gres", "cpus_per_gpu", "gpus_per_task"),
            *("mem_per_gpu", "mem_per_cpu", "account", "signal_delay_s", "max_num_timeout", "array_parallelism"),
        ),
    },
    "sweeper": {"hydra._internal.core_plugins.basic_sweeper.BasicSweeper": ("max_batch_size",)},
}
EMPTY = ("hydra.callbacks", "hydra.job.env_set", "hydra.job.env_copy")
LOGGING = ("hydra.job_logging", "hydra.hydra_logging")
HANDLERS = ("logging.StreamHandler", "logging.FileHandler", "logging.NullHandler")
STREAMS = ("ext://sys.stdout", "ext://sys.stderr")
PRE_DISPATCH = re.compile(r"all|(\d+(\.\d+)?\*)?n_jobs|\d+")  # some versions of joblib evaluate it as Python


def register_declarations() -> None:
    """Every declared parameter's default becomes a structured node `<agent>/beliefs` of Hydra, made from the one declaration."""
    store = ConfigStore.instance()
    for name, beliefs in DECLARED.items():
        store.store(group=name.replace(".", "/"), name="beliefs", node=beliefs().model_dump())


def parse(overrides: list[str]) -> list[Override]:
    """The overrides of a command line, in Hydra's grammar.

    Raises:
        RequestError: if one cannot be read, or names something that a configuration may not.
    """
    parsed = []
    for text in overrides:
        try:
            parsed += OverridesParser.create().parse_overrides([text])
        except (OverrideParseException, HydraException):
            raise RequestError(f"{text!r}: not an override: expected key=value, with quotes and brackets closed") from None
        if not parsed[-1].key_or_group:
            raise RequestError(f"{text!r}: not an override: expected key=value")
        if any(word in text for word in FORBIDDEN):
            raise RequestError(
                f"{text!r}: not allowed: a configuration is data and cannot name code or other places to read from"
            )
    return parsed


def loosened(overrides: list[str]) -> list[str]:
    """Overrides as Hydra's grammar needs them. A key of a schedule may also add what its file leaves at the default
    (schedule.aid=0.8 is taken as ++schedule.aid=0.8; validation refuses unknown ones), as may a tolerance; names and places are
    text, even where they look like numbers or hold spaces (name=2026); rivals=all is short for all_rivals=true."""
    found = []
    for override in overrides:
        key, equals, value = override.partition("=")
        if key.startswith(("schedule.", "tolerance.")):
            override = f"++{override}"
        elif override == "rivals=all":
            override = "all_rivals=true"
        elif key in TEXTS and equals and value and value != "null" and value[0] not in "'\"$":
            escaped = value.replace("\\", "\\\\").replace("'", "\\'")
            override = f"{key}='{escaped}'"
        found.append(override)
    return found


def refuse_code(config: DictConfig) -> None:
    """A configuration that would make Hydra run code is refused before Hydra sees it, wherever it came from, a file or a command
    line. Hydra makes objects of what is below `hydra`: the launcher, the sweeper, callbacks, the handlers of its log; it sets
    variables of the environment, and a launcher may write a shell script.

    Raises:
        RequestError
    """
    for key in EMPTY:
        if not is_empty(config, key):
            raise RequestError(f"{key}: not allowed: {DATA}")
    for part, allowed in PLUGINS.items():
        refuse_plugin(config, part, allowed)
    for key, value in leaves(OmegaConf.to_container(config.hydra, resolve=False), "hydra"):
        names = key.split(".")
        own = len(names) == 3 and names[1] in PLUGINS and names[2] == "_target_"
        if any(name.startswith("_") or not name for name in names) and not own:
            raise RequestError(f"{key}: not allowed: {DATA}")
        if key.startswith(LOGGING):
            refuse_handler(key, names[-1], value)


def composed(application: str, overrides: list[str]) -> DictConfig:
    """What Hydra composes. It stumbles over some overrides, such as a section where it has null.

    Raises:
        HydraException, OmegaConfBaseException
    """
    try:
        return compose(application, overrides, return_hydra_config=True)
    except (AttributeError, TypeError) as error:
        raise HydraException(f"Hydra cannot compose it: {error}") from error


def refuse_plugin(config: DictConfig, part: str, allowed: dict[str, tuple[str, ...]]) -> None:
    """Refuse a launcher or sweeper that is none of Hydra's own, and options of it that are more than a value."""
    node = OmegaConf.select(config, f"hydra.{part}")
    target = node.get("_target_") if isinstance(node, DictConfig) else None
    if target not in allowed or OmegaConf.is_interpolation(config.hydra, part) or OmegaConf.is_interpolation(node, "_target_"):
        raise RequestError(f"hydra.{part}: not allowed: {target} is none of Hydra's own")
    for option in map(str, node):
        key = f"hydra.{part}.{option}"
        if option == "_target_" or is_empty(config, key):
            continue
        if option not in allowed[target]:
            raise RequestError(f"{key}: not allowed: {DATA}; allowed: {', '.join(allowed[target]) or 'nothing'}")
        value = OmegaConf.select(config, key)
        if OmegaConf.is_config(value):
            raise RequestError(f"{key}: not allowed: expected a value, not a section or a list")
        if isinstance(value, str) and not value.isprintable():  # a line of a shell script, in which a new line is a command
            raise RequestError(f"{key} = {value!r}: not allowed: expected text in one line")
        if option == "pre_dispatch" and not PRE_DISPATCH.fullmatch(str(value).replace(" ", "")):
            raise RequestError(f"{key} = {value!r}: not allowed: expected all, a number, or a number*n_jobs")


def refuse_handler(key: str, name: str, value: Any) -> None:
    """Refuse what makes `logging` import something: factories, other handlers, references to objects."""
    text = value if isinstance(value, str) else ""
    named = "()" in key or (name == "class" and text not in HANDLERS) or ("${" in text and name != "filename")
    if named or ("://" in text and text not in STREAMS):
        raise RequestError(f"{key}: not allowed: {DATA}")


def is_empty(config: DictConfig, key: str) -> bool:
    """Whether nothing is written at a key; a reference to something else is something."""
    parent, _, name = key.rpartition(".")
    node = OmegaConf.select(config, parent)
    if not isinstance(node, DictConfig) or name not in node.keys():  # noqa: SIM118 `in node` is false of a key without a value
        return True
    if OmegaConf.is_interpolation(node, name):
        return False
    return OmegaConf.is_missing(node, name) or node.get(name) in (None, {}, [], "")


def leaves(data: Any, key: str) -> Iterator[tuple[str, Any]]:
    """Every value of nested data, with its dotted key; an empty section or list is a value."""
    if isinstance(data, dict | list) and data:
        for name, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from leaves(value, f"{key}.{name}")
    else:
        yield key, data


class Composer:
    """Compose one application's configuration, any number of times.

    Args:
        application: the primary configuration. folder: an extra folder of configuration groups, or None.
    """

    def __init__(self, application: str, folder: str | None = None) -> None:
        self.application, self.folder = application, folder
        if folder is not None and not os.path.isdir(folder):  # noqa: PTH112 Path.is_dir raises for some names
            raise RequestError(f"--config-dir {folder}: no such folder")
        register_declarations()

    def compose(self, overrides: list[str]) -> dict[str, Any]:
        """The configuration as plain data.

        Raises:
            RequestError: one line, if an override names no key or group, or a file is missing or broken.
        """
        overrides = loosened(overrides)
        for override in parse(overrides):
            if override.is_sweep_override():
                raise RequestError(f"{override.input_line!r}: {self.one_value(override.key_or_group)}")
        extra = [f"hydra.searchpath=[file://{Path(self.folder).resolve()}]"] if self.folder else []
        GlobalHydra.instance().clear()
        try:
            with initialize_config_dir(version_base=None, config_dir=str(CONFIGS)):
                config = composed(self.application, [*overrides, *extra])
                refuse_code(config)
                ours = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
                data = OmegaConf.to_container(ours, resolve=True, throw_on_missing=True)
        except UnicodeDecodeError:
            raise RequestError(f"configuration: not UTF-8: {', '.join(self.undecodable())}") from None
        except (HydraException, OmegaConfBaseException, ValueError) as error:
            if isinstance(error, RequestError):
                raise
            raise RequestError(self.explain(error, overrides)) from None
        except OSError as error:
            raise RequestError(f"configuration: cannot be read: {error.strerror}: {error.filename}") from None
        except Exception as error:  # the YAML reader's errors are of many kinds
            if type(error).__module__.startswith("yaml"):
                raise RequestError(f"configuration: not YAML: {' '.join(str(error).split())}") from None
            raise
        assert isinstance(data, dict)
        return {str(key): value for key, value in data.items()}

    def one_value(self, key: str) -> str:
        """What to say where several values were given."""
        if key in LISTS:
            return f"a list needs brackets: {key}=[...]"
        return "several values at once need a sweep: posture run -m ..."

    def undecodable(self) -> list[str]:
        """The extra folder's files that are not UTF-8."""
        found = []
        for path in sorted(Path(self.folder or CONFIGS).rglob("*.yaml")):
            try:
                path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                found.append(str(path))
        return found

    def explain(self, error: Exception, overrides: list[str]) -> str:
        """Hydra's complaint as one line that names the key, the value and what is allowed."""
        for override in parse(overrides):
            key, value = override.key_or_group, override.get_value_element_as_str() if override.value() is not None else "null"
            group = self.group(key)
            if group and self.application in WITHOUT_SCENARIO:
                return f"{key}: no such key{suggestion(key, self.keys())}; `posture {self.application} --help` lists them"
            if group:
                choices = self.choices(group)
                if not choices:
                    inner = [f"{group}/{path.name}" for path in sorted((CONFIGS / group).iterdir()) if path.is_dir()]
                    inner += ["rivals=all"] if (group, self.application) == ("rivals", "compare") else []
                    return f"{key}={value}: nothing to choose from; there are: {', '.join(inner)}"
                if value not in choices:
                    return f"{key}={value}: no such choice{suggestion(value, choices)}; there are: {', '.join(choices)}"
            elif not override.is_add() and not override.is_force_add() and not self.has(key):
                return f"{key}: no such key{suggestion(key, self.keys())}; `posture {self.application} --help` lists them"
            elif "${" in (override.input_line or ""):
                return f"{override.input_line}: refers to a key that is not there"
            elif "???" in value:
                return f"{key} = {value}: a value is needed"
        return f"configuration: {first_sentence(error)}"

    def group(self, key: str) -> str | None:
        """The key as a configuration group, if it is one."""
        name = key.lstrip("+~").split("@")[0]
        folders = [CONFIGS, *([Path(self.folder)] if self.folder else [])]
        is_group = any((folder / name).is_dir() for folder in folders) and name != ""
        return name if is_group else None

    def choices(self, group: str) -> list[str]:
        """What can be picked in a group."""
        if group == "schedule":
            return schedule_names(self.folder)
        folders = [CONFIGS / group, *([Path(self.folder) / group] if self.folder else [])]
        return sorted({path.stem for folder in folders for path in folder.glob("*.yaml")})

    def keys(self) -> list[str]:
        """Every key of the application's configuration, without overrides, dotted."""
        found: list[str] = []

        def walk(data: Any, prefix: str) -> None:
            for key, value in data.items():
                found.append(f"{prefix}{key}")
                if isinstance(value, dict):
                    walk(value, f"{prefix}{key}.")

        walk(Composer(self.application).compose([]), "")
        return found

    def has(self, key: str) -> bool:
        return key in self.keys() or key.startswith("hydra")


@cache
def composer() -> Composer:
    return Composer("run")


@cache
def scenario(schedule: str = "open_ended", *overrides: str) -> Scenario:
    """A shipped schedule as `posture run` composes it, with overrides in Hydra's words."""
    return read_scenario(split(composer().compose([f"schedule={schedule}", *overrides]))[0])


def shipped() -> dict[str, Scenario]:
    """The scenarios of the schedules that ship, by name."""
    return {name: scenario(name) for name in schedule_names()}


def first_sentence(error: Exception) -> str:
    """The first line of an error's text, with the options it offers below it, if it does."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    offered = [k for k, line in enumerate(lines) if line.startswith("Available options")]
    options = [line for line in lines[offered[0] + 1 :] if re.fullmatch(r"\w+", line)] if offered else []
    first = lines[0] if lines else type(error).__name__
    return f"{first}; there are: {', '.join(options)}" if options else first
