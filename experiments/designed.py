"""posture sweep: a design over continuous parameters as one study, thousands of scenarios without a Hydra job each."""

from collections.abc import Sequence
from typing import Any

from experiments import console, session
from experiments.choices import known_schedules, refuse_other_name
from experiments.composition import Composer
from experiments.settings import SweepSettings, read, split
from sim.errors import RequestError
from sim.scenario import Scenario, declared_parameters, read_scenario
from sim.studies.design import Axis, points, read_axis, value_at, with_values
from sim.studies.plan import Wanted

KEY_OUTCOMES = ("base_attacks", "us_deaths", "isis_attacks", "resurgence", "government_fell")


def application(config: dict[str, Any], overrides: list[str], folder: str | None = None) -> int:
    """Run one design; returns the exit status.

    Args:
        config: the composed configuration. overrides, folder: what it was composed from, to compose it again for each schedule.
    Raises:
        RequestError, Halted
    """
    import pyarrow as pa

    _, settings = read(SweepSettings, config)
    axes = axes_of(settings)
    try:
        grid = points(settings.design, settings.points, axes, settings.design_seed)
    except ValueError as error:
        raise RequestError(f"points = {settings.points}: {error}") from None
    wanted, marks = [], {}
    for base, expected in configurations(settings, config, overrides, folder):
        name = read_scenario(base).schedule.name
        if expected is not None:
            refuse_other_name(name, expected)
        check(base, axes)
        for k, values in enumerate(grid):
            set_to = {axis.key: value for axis, value in zip(axes, values, strict=True)}
            made, scenario = placed(base, set_to)
            label = f"{name}, point={k}"
            wanted.append(Wanted(label, scenario, settings.seed, settings.replications, settings.weekly))
            marks[label] = {"schedule": name, "point": k, **{key: value_at(made, key) for key in set_to}}
    kinds = {"point": pa.int64(), **{axis.key: pa.float64() for axis in axes}}
    more = {"swept": ["schedule", "point"], "varied": [axis.key for axis in axes]}
    done = session.run(session.Request("sweep", "sweep", wanted, config, marks, kinds, more), settings)
    if done is None:
        return 0
    tell(done, [axis.key for axis in axes])
    session.tell_trouble(done)
    session.tell_place(done)
    return done.status


def axes_of(settings: SweepSettings) -> list[Axis]:
    """What is varied. Raises RequestError, naming the item that is wrong."""
    ranges = {parameter.key: (parameter.low, parameter.high) for parameter in declared_parameters()}
    found: dict[str, Axis] = {}
    for text in settings.over:
        try:
            axis = read_axis(text, ranges)
        except ValueError as error:
            raise RequestError(f"over = {text!r}: {error}") from None
        if axis.key in found:
            raise RequestError(f"over = {text!r}: {axis.key} is there twice")
        found[axis.key] = axis
    return list(found.values())


def configurations(
    settings: SweepSettings, config: dict[str, Any], overrides: list[str], folder: str | None
) -> list[tuple[dict[str, Any], str | None]]:
    """The scenario's part of a configuration for each schedule, and the name that the schedule must have."""
    if settings.schedules is None:
        return [(split(config)[0], None)]
    if any(override.split("=")[0].lstrip("+~") == "schedule" for override in overrides):
        raise RequestError("schedule: not beside schedules=..., which names them all")
    composer = Composer("sweep", folder)
    names = known_schedules("schedules", settings.schedules, folder)
    return [(split(composer.compose([*overrides, f"schedule={name}"]))[0], name) for name in names]


def check(base: dict[str, Any], axes: Sequence[Axis]) -> None:
    """Both ends of every axis make a scenario, so that nothing is refused half-way.

    Raises:
        RequestError
    """
    for axis in axes:
        for end in (axis.low, axis.high):
            placed(base, {axis.key: end})


def placed(base: dict[str, Any], values: dict[str, float]) -> tuple[dict[str, Any], Scenario]:
    """The configuration and the scenario with these values."""
    try:
        made = with_values(base, values)
        return made, read_scenario(made)
    except KeyError as error:
        raise RequestError(f"over = {error.args[0]!r}: no such number in the configuration; --cfg shows it") from None


def tell(done: session.Session, varied: list[str]) -> None:
    """What the parameters do to the outcomes, and what luck does; each scenario's summary goes into a table of the study."""
    from sim.analysis.summary import quantiles
    from sim.analysis.sweeps import SHARES, rank_correlations, spread
    from sim.outcomes import BY_NAME

    names = [name for name in BY_NAME if name in done.outcomes]
    if len(done.outcomes) == 0:
        return
    by = ["schedule", "point", *varied]
    summary = quantiles(done.outcomes, names, by)
    done.study.write_table("summary", summary)
    scenarios = done.outcomes["scenario"].nunique()
    number = console.number
    shown = [name for name in KEY_OUTCOMES if name in names]
    rows = spread(done.outcomes, shown, ["schedule", "point"]).to_dict("records")
    console.table(
        f"{scenarios:,} scenarios, {len(done.outcomes):,} replications, {session.period(done.manifest)}: means of scenarios, and "
        "what makes the variance: the parameters, luck, or what luck does under some parameters only",
        ["schedule", "outcome", "mean", "5 % of means below", "95 % below", *SHARES],
        [
            [
                *(row["schedule"], row["outcome"], number(row["mean"]), number(row["q05"]), number(row["q95"])),
                *(f"{row[share]:.1%}" if row[share] == row[share] else "-" for share in SHARES),
            ]
            for row in rows
        ],
    )
    if scenarios < 3 or not varied:
        return
    found = rank_correlations(summary, varied, shown)
    console.table(
        "Rank correlation (Spearman) of each parameter with the mean of the outcome over the scenarios",
        ["schedule", "parameter", *shown],
        [
            [row["schedule"], row["parameter"], *(f"{row[name]:+.2f}" if row[name] == row[name] else "-" for name in shown)]
            for row in found.to_dict("records")
        ],
    )
