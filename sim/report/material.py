"""What a report is made of: a study's manifest, its tables, its scenarios read again, and stories told beforehand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from sim.scenario import Scenario

# table -> columns that its part of the report reads; a study may lack the table, but not a column of it
TABLES: dict[str, tuple[str, ...]] = {
    "outcomes": ("schedule", "scenario", "replication"),
    "summary": ("schedule", "outcome", "n", "mean", "q05", "q25", "median", "q75", "q95"),
    "weekly": ("schedule", "replication", "date"),
    "differences": ("schedule", "baseline", "outcome", "n", "mean", "lower", "upper", "q05", "q95", "p_lower", "p_equal"),
    "pairs": ("a", "b", "outcome", "n", "mean", "lower", "upper", "half_width", "tolerance", "verdict", "variance_ratio"),
    "selection": ("schedule", "n", "value", "lower", "upper", "p_best", "p_within", "corrected", "eliminated_at"),
    "dominance": ("a", "b", "outcome", "order", "holds", "confidence"),
    "tails": ("schedule", "outcome", "direction", "level", "quantile", "cvar", "lower", "upper"),
    "survival": (
        *("schedule", "event", "horizon", "restricted_mean", "lower", "upper"),
        *("difference", "difference_lower", "difference_upper", "log_rank", "p"),
    ),
    "regret": (
        *("schedule", "expected", "lower", "upper", "q90", "maximum", "maximum_lower", "maximum_upper"),
        *("best_share", "best_lower", "best_upper", "margin"),
    ),
    "satisficing": ("schedule", "outcome", "limit", "sense", "of", "share", "lower", "upper"),
    "reversals": (
        "a",
        "b",
        "kind",
        "key",
        "level",
        "low",
        "high",
        "states",
        "difference",
        "lower",
        "upper",
        "overall",
        "reversed",
    ),
    "value_of_information": ("of", "kind", "value", "lower", "upper", "naive"),
    "necessary": ("schedule", "end", "kind", "runs", "ended", "prevented", "share", "lower", "upper"),
    "states": ("state", "draw", "announcement", "excitation"),
}
NEEDED = ("outcomes", "summary")


@dataclass(frozen=True)
class Story:
    """One replication told. title: which one. why: the rule it was chosen by. lines: of `sim.story`. command: tells it again."""

    title: str
    why: str
    lines: Sequence[str]
    command: str


@dataclass(frozen=True)
class Material:
    """Everything a report shows.

    Attributes:
        name, manifest: of the study. tables: by name, rows in the files' order, indexed from 0. scenarios: one a schedule.
        shown: the schedules with a part of their own. timelines: planned troops and marks of all schedules, for
        `sim.figures.timelines`. stories: by schedule.
    """

    name: str
    manifest: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]
    scenarios: Mapping[str, Scenario]
    shown: Sequence[str]
    timelines: tuple[pd.DataFrame, pd.DataFrame]
    stories: Mapping[str, Sequence[Story]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in NEEDED:
            if name not in self.tables:
                raise LookupError(f"there is no {name}.parquet")
        if self.manifest.get("states") and "states" not in self.tables:
            raise LookupError("there is no states.parquet, though study.json speaks of states of the world")
        for name, table in self.tables.items():
            missing = [column for column in TABLES.get(name, ()) if column not in table]
            if missing:
                raise LookupError(f"{name}.parquet has no column {missing[0]!r}")
        absent = [name for name in self.schedules if name not in set(self.tables["outcomes"]["schedule"])]
        if absent:
            raise LookupError(f"outcomes.parquet has no row of {absent[0]!r}, of which study.json speaks")

    @property
    def schedules(self) -> list[str]:
        return list(self.scenarios)

    @property
    def config(self) -> Mapping[str, Any]:
        return self.manifest["config"]

    @property
    def baseline(self) -> str:
        """What differences are taken from; the first schedule, should the study not say."""
        named = self.config.get("baseline")
        return str(named) if named in self.scenarios else self.schedules[0]

    @property
    def headline(self) -> list[str]:
        """The outcomes that the study was made for."""
        there = set(self.tables["summary"]["outcome"])
        return [name for name in self.config.get("outcomes") or ("base_attacks", "us_deaths", "isis_attacks") if name in there]

    @property
    def confidence(self) -> str:
        """Of the study's intervals, in words: 95 %."""
        return f"{100 * float(self.config.get('confidence') or 0.95):g} %"

    @property
    def objectives(self) -> list[str]:
        return [str(objective) for objective in self.config.get("objectives") or ()]

    def has(self, name: str) -> bool:
        """Whether the study has the table, with rows."""
        return name in self.tables and len(self.tables[name]) > 0

    def means(self, outcome: str) -> pd.DataFrame:
        """Rows of `summary` of one outcome, with their numbers as index, in the schedules' order."""
        table = self.tables["summary"]
        rows = table[table["outcome"] == outcome]
        return rows[rows["schedule"].isin(self.schedules)]
