"""What can be chosen: where the shipped configuration lies, and the schedules in it, in the order of tables and figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import sim
from sim.errors import RequestError, suggestion

CONFIGS = Path(sim.__file__ or "").resolve().parent.parent / "configs"

# from staying to leaving and coming back
ORDER = (
    *("open_ended", "technical_talks", "relabel_and_hold", "conditions_based", "phased_18_months", "phased_12_months"),
    *("rapid_6_months", "deadline_missed", "special_operations_residual", "full_exit_no_residual", "exit_and_return"),
)

# what every command knows from the common configuration, and what would change nothing in these
UNUSED: Mapping[str, Sequence[str]] = {
    "hindcast": ("weekly", "engine", "executor", "address", "retry_failed"),
    "calibrate": ("replications", "weekly", "engine", "executor", "address", "retry_failed"),
}


def schedule_names(extra: str | None = None) -> list[str]:
    """The schedules that can be named: those shipped, then those in <extra>/schedule."""
    folders = [CONFIGS / "schedule", *([Path(extra) / "schedule"] if extra else [])]
    found = {path.stem: None for folder in folders for path in sorted(folder.glob("*.yaml"))}
    return [*(name for name in ORDER if name in found), *(name for name in found if name not in ORDER)]


def known_schedules(key: str, names: Sequence[str] | str, extra: str | None = None) -> list[str]:
    """The schedules named under a key of the configuration, each once; `all` names every one.

    Raises:
        RequestError: if there is no such schedule.
    """
    known = schedule_names(extra)
    found = known if names == "all" else list(dict.fromkeys(names))
    for name in found:
        if name not in known:
            raise RequestError(f"{key} = {name!r}: no such schedule{suggestion(name, known)}; there are: {', '.join(known)}")
    return found


def refuse_other_name(name: str, file: str) -> None:
    """Refuse a schedule that is not called as its file is: tables and figures would not say which it was.

    Raises:
        RequestError
    """
    if name != file:
        raise RequestError(
            f"schedule.name = {name!r}: expected the name of its file, {file}; an episode has a schedule of its own, for run, "
            "calibrate and hindcast"
        )


def refuse_unused(
    command: str, overrides: Sequence[str], schedule: str, also: Sequence[str] = (), because: str | None = None
) -> None:
    """Refuse keys that a user sets and that would change nothing: those of UNUSED, and a schedule where the episode has its own.

    Args:
        schedule: the name of the schedule that was composed. also: further keys. because: the setting that has no use
        for them.
    Raises:
        RequestError
    """
    for override in overrides:
        key, _, value = override.lstrip("+~").partition("=")
        if key in UNUSED.get(command, ()):
            raise RequestError(f"{key}: changes nothing in {command}; `posture {command} --help` lists its keys")
        if key in also:
            raise RequestError(f"{key}: changes nothing in {command} with {because}")
        if key == "schedule" and value.strip("'\"") != schedule:
            raise RequestError(f"schedule = {value!r}: not used, the episode has a schedule of its own, {schedule}")
