"""What can be chosen: where the shipped configuration lies, and the schedules in it, in the order of tables and figures."""

from pathlib import Path

import sim

CONFIGS = Path(sim.__file__ or "").resolve().parent.parent / "configs"

# from staying to leaving and coming back
ORDER = (
    *("open_ended", "technical_talks", "relabel_and_hold", "conditions_based", "phased_18_months", "phased_12_months"),
    *("rapid_6_months", "deadline_missed", "special_operations_residual", "full_exit_no_residual", "exit_and_return"),
)


def schedule_names(extra: str | None = None) -> list[str]:
    """The schedules that can be named: those shipped, then those in <extra>/schedule."""
    folders = [CONFIGS / "schedule", *([Path(extra) / "schedule"] if extra else [])]
    found = {path.stem: None for folder in folders for path in sorted(folder.glob("*.yaml"))}
    return [*(name for name in ORDER if name in found), *(name for name in found if name not in ORDER)]
