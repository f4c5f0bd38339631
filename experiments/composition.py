"""Hydra composes a configuration; what comes out is plain data, and what is wrong with a request is one line.

Names in a configuration are looked up in our own registers and never imported or instantiated.
"""

import re
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

TEXTS = ("name", "scenario", "results", "log", "address")
LISTS = ("schedules", "outcomes", "figures", "over")
FORBIDDEN = ("_target_", "hydra.callbacks", "hydra.searchpath")


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
    (schedule.aid=0.8 is taken as ++schedule.aid=0.8; validation refuses unknown ones), and names and places are text, even
    where they look like numbers or hold spaces (name=2026)."""
    found = []
    for override in overrides:
        key, equals, value = override.partition("=")
        if key.startswith("schedule."):
            override = f"++{override}"
        elif key in TEXTS and equals and value and value != "null" and value[0] not in "'\"$":
            escaped = value.replace("\\", "\\\\").replace("'", "\\'")
            override = f"{key}='{escaped}'"
        found.append(override)
    return found


def refuse_code(config: DictConfig) -> None:
    """A file that would make Hydra run code is refused before Hydra sees it: callbacks, and launchers or sweepers from elsewhere.

    Raises:
        RequestError
    """
    callbacks = OmegaConf.select(config, "hydra.callbacks")
    if callbacks:
        raise RequestError("hydra.callbacks: not allowed: a configuration is data and cannot name code")
    for part in ("launcher", "sweeper"):
        target = str(OmegaConf.select(config, f"hydra.{part}._target_"))
        if not target.startswith(("hydra._internal.core_plugins.", "hydra_plugins.")):
            raise RequestError(f"hydra.{part}: not allowed: {target} is none of Hydra's own")


class Composer:
    """Compose one application's configuration, any number of times.

    Args:
        application: the primary configuration. folder: an extra folder of configuration groups, or None.
    """

    def __init__(self, application: str, folder: str | None = None) -> None:
        self.application, self.folder = application, folder
        if folder is not None and not Path(folder).is_dir():
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
                config = compose(self.application, [*overrides, *extra], return_hydra_config=True)
                refuse_code(config)
                ours = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
                data = OmegaConf.to_container(ours, resolve=True, throw_on_missing=True)
        except UnicodeDecodeError:
            raise RequestError(f"configuration: not UTF-8: {', '.join(self.undecodable())}") from None
        except (HydraException, OmegaConfBaseException, ValueError) as error:
            if isinstance(error, RequestError):
                raise
            raise RequestError(self.explain(error, overrides)) from None
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


def first_sentence(error: Exception) -> str:
    """The first line of an error's text, with the options it offers below it, if it does."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    offered = [k for k, line in enumerate(lines) if line.startswith("Available options")]
    options = [line for line in lines[offered[0] + 1 :] if re.fullmatch(r"\w+", line)] if offered else []
    first = lines[0] if lines else type(error).__name__
    return f"{first}; there are: {', '.join(options)}" if options else first
