"""The part of a configuration that is no scenario: how many replications, on what, where to. Checked here, one line each."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationInfo, field_validator

from sim.parameters import Checked
from sim.scenario import Scenario, read_scenario
from sim.validation import check

SCENARIO = (
    "start",
    "horizon_days",
    "case",
    "schedule",
    "rivals",
    "united_states",
    "government",
    "militias",
    "isis",
    "iraqi_forces",
    "environment",
    "observation",
)
Key64 = Annotated[int, Field(ge=0, lt=2**64)]
T = TypeVar("T", bound=BaseModel)
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._\-]{0,99}$")]


def as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


class Settings(Checked):
    """What `run` and `compare` share."""

    replications: Annotated[int, Field(ge=1, le=10_000_000)]
    weekly: Annotated[int, Field(ge=0, le=10_000_000)]
    seed: Key64
    engine: Literal["compiled", "reference"]
    executor: Literal["auto", "serial", "threads", "processes", "dask"]
    address: Annotated[str, Field(min_length=1)] | None
    workers: Annotated[int, Field(ge=1, le=1024)] | None
    results: Annotated[str, Field(min_length=1)]
    name: Name | None
    plan: bool
    retry_failed: bool
    changed: Literal["refuse", "recompute"]

    @field_validator("address")
    @classmethod
    def _addressed(cls, address: str | None, info: ValidationInfo) -> str | None:
        if (info.data.get("executor") == "dask") != (address is not None):
            raise ValueError("expected the address of a dask scheduler with executor=dask (tcp://host:8786), and null without")
        return address


class RunSettings(Settings):
    sweep: Name | None


class CompareSettings(Settings):
    schedules: tuple[str, ...] | Literal["all"]
    baseline: str
    outcomes: Annotated[tuple[str, ...], Field(min_length=1)]
    figures: bool
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)]
    tolerance: dict[str, Annotated[float, Field(gt=0.0)]]
    budget: Annotated[int, Field(ge=1, le=1_000_000_000)]
    objectives: tuple[str, ...]
    indifference: Annotated[float, Field(gt=0.0)] | None
    limits: tuple[str, ...]
    all_rivals: bool
    draw_parameters: Literal[True, False, "posterior"]
    posterior: Annotated[str, Field(min_length=1)] | None
    draws: Annotated[int, Field(ge=2, le=100_000)]
    draw_seed: Key64
    per_state: Annotated[int, Field(ge=2, le=10_000_000)]
    explain: tuple[str, ...]
    explain_runs: Annotated[int, Field(ge=1, le=1_000_000)]
    _lists = field_validator("schedules", "outcomes", "objectives", "limits", "explain", mode="before")(as_tuple)

    @field_validator("draw_parameters", mode="before")
    @classmethod
    def _no_number(cls, value: Any) -> Any:
        if not isinstance(value, bool | str):  # a literal true would be met by a 1
            raise ValueError("expected true or false, or posterior")
        return value


class SweepSettings(Settings):
    design: Literal["latin_hypercube", "sobol", "halton", "random"]
    points: Annotated[int, Field(ge=1, le=100_000)]
    over: Annotated[tuple[str, ...], Field(min_length=1)]
    design_seed: Key64
    schedules: Annotated[tuple[str, ...], Field(min_length=1)] | Literal["all"] | None
    _lists = field_validator("over", "schedules", mode="before")(as_tuple)


class SensitivitySettings(Settings):
    replications: Annotated[int, Field(ge=4, le=1_000_000)]
    schedules: Annotated[tuple[str, ...], Field(min_length=2, max_length=2)] | None
    outcomes: Annotated[tuple[str, ...], Field(min_length=1)]
    trajectories: Annotated[int, Field(ge=2, le=10_000)]
    keep: Annotated[int, Field(ge=1, le=100)]
    rows: Annotated[int, Field(ge=2, le=65_536)]
    bad: Annotated[str, Field(min_length=1)] | None
    states: Annotated[int, Field(ge=20, le=100_000)]
    per_state: Annotated[int, Field(ge=4, le=1_000_000)]
    design_seed: Key64
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)]
    figures: bool
    _lists = field_validator("schedules", "outcomes", mode="before")(as_tuple)


class TraceSettings(Settings):
    replication: Key64
    scenario: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")] | None
    schedules: tuple[str, ...] | None
    everything: bool
    log: str | None
    _lists = field_validator("schedules", mode="before")(as_tuple)


class WhySettings(Settings):
    replication: Key64
    scenario: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")] | None
    event: Annotated[str, Field(min_length=1)] | None
    outcome: Annotated[str, Field(min_length=1)] | None
    everything: bool
    log: str | None


class HindcastSettings(Settings):
    origins: Annotated[tuple[str, ...], Field(min_length=1, max_length=200)] | None
    ahead: Annotated[int, Field(ge=1, le=3653)]
    observed: Annotated[str, Field(min_length=1)] | None
    posterior: Literal["calibrate", "none"] | Name
    population: Annotated[int, Field(ge=20, le=100_000)]
    generations: Annotated[int, Field(ge=1, le=50)]
    _lists = field_validator("origins", mode="before")(as_tuple)


class CalibrateSettings(Settings):
    until: str
    observed: Annotated[str, Field(min_length=1)] | None
    population: Annotated[int, Field(ge=20, le=100_000)]
    generations: Annotated[int, Field(ge=1, le=50)]


class VerifySettings(Checked):
    results: Annotated[str, Field(min_length=1)]
    name: Name | None
    sample: Annotated[int, Field(ge=1)] | Literal["all"]
    workers: Annotated[int, Field(ge=1, le=1024)] | None


class StatusSettings(Checked):
    results: Annotated[str, Field(min_length=1)]


class CleanSettings(StatusSettings):
    yes: bool


class PlotSettings(Checked):
    results: Annotated[str, Field(min_length=1)]
    name: Name | None
    outcomes: Annotated[tuple[str, ...], Field(min_length=1)] | None
    schedules: Annotated[tuple[str, ...], Field(min_length=1)] | None
    figures: Annotated[tuple[str, ...], Field(min_length=1)] | Literal["all"]
    _lists = field_validator("outcomes", "schedules", "figures", mode="before")(as_tuple)


class ReportSettings(Checked):
    results: Annotated[str, Field(min_length=1)]
    name: Name | None
    kind: Literal["study", "model"]
    stories: Annotated[int, Field(ge=0, le=3)]
    schedules: Annotated[tuple[str, ...], Field(min_length=1)] | None
    _lists = field_validator("schedules", mode="before")(as_tuple)


# what is allowed, where a pattern or a bound alone would not tell
HINTS = {
    "name": "letters, digits, dots, hyphens and underscores, starting with a letter or digit",
    "scenario": "the identity of a scenario, twelve hexadecimal digits",
    "replications": "a whole number from 1 to 10,000,000",
    "weekly": "a whole number from 0 to 10,000,000",
    "points": "a whole number from 1 to 100,000",
    "over": "a list of parameters to vary: key (over its 90 % range), key:low:high or key:low:high:log",
    "design_seed": "a whole number from 0 to 2^64 - 1",
    "trajectories": "a whole number from 2 to 10,000",
    "keep": "a whole number from 1 to 100",
    "rows": "a power of two from 2 to 65,536",
    "bad": "outcome:at_least:number, outcome:at_most:number, a yes-or-no outcome, or null",
    "states": "a whole number from 20 to 100,000",
    "confidence": "a number above 0.5 and below 1",
    "tolerance": "outcomes, each with a number above 0 in its own unit: tolerance.base_attacks=1.0",
    "budget": "a whole number from 1 to 1,000,000,000",
    "objectives": "a list of outcome:direction:weight, such as [us_deaths:lower:1,isis_attacks:lower:0.01]",
    "indifference": "a number above 0, in the objectives' unit, or null",
    "limits": "a list of outcome:at_most:number or outcome:at_least:number",
    "all_rivals": "true or false",
    "draw_parameters": "true or false, or posterior",
    "draws": "a whole number from 2 to 100,000",
    "draw_seed": "a whole number from 0 to 2^64 - 1",
    "per_state": "a whole number from 2 to 10,000,000",
    "explain": "a list of yes-or-no outcomes",
    "origins": "a list of 1 to 200 dates such as [2020-03-31,2020-12-31], or null",
    "ahead": "a whole number of days from 1 to 3653",
    "observed": "a CSV file, or null for the record that comes with posture",
    "until": "a date such as 2020-03-31",
    "population": "a whole number from 20 to 100,000",
    "generations": "a whole number from 1 to 50",
    "explain_runs": "a whole number from 1 to 1,000,000",
    "stories": "a whole number from 0 to 3",
    "sample": "a number of replications, or all",
    "yes": "true or false",
    "replication": "a whole number from 0 to 2^64 - 1",
    "seed": "a whole number from 0 to 2^64 - 1",
    "workers": "a whole number from 1 to 1024, or null for all cores",
    "results": "a folder, or a URL such as s3://bucket/results",
    "plan": "true or false",
    "retry_failed": "true or false",
    "schedules": "all, or a list of names",
    "outcomes": "a list of names",
    "figures": "true or false (in plot: all, or a list of names)",
    "log": "a file name",
}

# the same, where a command allows something else under that key
OWN_HINTS = {
    "HindcastSettings": {"posterior": "calibrate, none, or the name of a calibration"},
    "SensitivitySettings": {
        "replications": "a whole number from 4 to 1,000,000",
        "per_state": "a whole number from 4 to 1,000,000",
        "schedules": "two names, [a,b], or null",
        "figures": "true or false",
    },
}


def split(config: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The scenario's sections, and the rest."""
    return {key: value for key, value in config.items() if key in SCENARIO}, {
        k: v for k, v in config.items() if k not in SCENARIO
    }


def read(model: type[T], config: Mapping[str, Any]) -> tuple[Scenario, T]:
    """The scenario and the settings of a configuration.

    Raises:
        RequestError: one line that names the key, the value and what is allowed.
    """
    scenario, settings = split(config)
    checked = check("", model, settings, HINTS | OWN_HINTS.get(model.__name__, {}))
    return read_scenario(scenario), checked
