"""posture compare: schedules on common luck, paired differences, what follows for a choice, figures."""

from collections.abc import Mapping, Sequence
from typing import Any

from experiments import session
from experiments.choices import known_schedules, refuse_other_name
from experiments.composition import Composer
from experiments.conclusions import TABLES, Conclusions, check_conclusions, read_limits, read_objectives
from experiments.draws import posterior_draws
from experiments.settings import CompareSettings, read
from experiments.states import State, states_of
from experiments.stopping import Stopping
from sim.errors import RequestError
from sim.scenario import Scenario
from sim.studies.plan import Wanted


def application(config: dict[str, Any], overrides: list[str], folder: str | None = None) -> int:
    """Run one comparison; returns the exit status.

    Args:
        config: the composed configuration. overrides, folder: what it was composed from, to compose it again for each schedule.
    Raises:
        RequestError
    """
    import pyarrow as pa

    composed, settings = read(CompareSettings, config)
    given = [override.split("=")[0].lstrip("+~") for override in overrides]
    if "schedule" in given:
        raise RequestError("schedule: compare takes several: schedules=[open_ended,rapid_6_months]")
    if settings.all_rivals and (chosen_rival := next((key for key in given if key.startswith("rivals/")), None)):
        raise RequestError(f"{chosen_rival}: not beside rivals=all, which takes every one")
    names = chosen(settings, folder)
    check_conclusions(settings)
    check_amounts(settings, given, len(names))
    posterior = posterior_draws(settings)
    states = states_of(settings, config, posterior.values if posterior else ())
    scenarios, marks = worlds(names, states, overrides, folder)
    wanted = [Wanted(label, scenario, settings.seed, *much(settings, states)) for label, scenario in scenarios.items()]
    stopping = Stopping(settings, wanted) if settings.tolerance else None
    asked = Conclusions(settings, read_objectives(settings.objectives), read_limits(settings.limits), states, scenarios, stopping)
    request = session.Request(
        "compare",
        "compare",
        wanted,
        config,
        marks,
        kinds={"state": pa.int64()} if states else {},
        more=({"states": len(states)} if states else {}) | ({"posterior": posterior.told(states)} if posterior else {}),
        derived=asked.tables,
        derivable=TABLES,
        grow=stopping,
    )
    if posterior:
        posterior.tell(states, composed.start)
    done = session.run(request, settings)
    if done is None:
        return 0
    if len(done.outcomes):
        from experiments.findings import tell

        tell(done, settings)
        if settings.figures:
            from experiments.plot import draw

            try:
                draw(done.study, settings.outcomes, list(done.outcomes["schedule"].unique()), "all")
            except OSError as error:
                raise session.unwritable(settings.results, error) from None
    session.tell_trouble(done)
    session.tell_place(done)
    return done.status


def check_amounts(settings: CompareSettings, given: Sequence[str], schedules: int) -> None:
    """Refuse numbers of replications that would not be what is computed.

    Raises:
        RequestError
    """
    first = settings.replications * schedules
    if settings.tolerance and settings.budget < first:
        raise RequestError(
            f"budget = {settings.budget}: the first look takes {first:,}, {settings.replications:,} replications of each of "
            f"{schedules} schedules"
        )
    for key, other in (("replications", "per_state"), ("per_state", "replications")):
        if key in given and bool(settings.draw_parameters) == (key == "replications"):
            said = "posterior" if settings.draw_parameters == "posterior" else "true"
            without = "with" if settings.draw_parameters else "without"
            raise RequestError(
                f"{key}: not used {without} draw_parameters={said}; {other} says how many replications of each schedule"
            )


def worlds(
    names: Sequence[str], states: Sequence[State], overrides: list[str], folder: str | None
) -> tuple[dict[str, Scenario], dict[str, Mapping[str, Any]]]:
    """Each schedule in each state, or in the one world there is: its scenario, and what stands beside it in tables, by label.

    Raises:
        RequestError
    """
    from sim.studies.tables import scenario_label

    composer = Composer("compare", folder)
    scenarios: dict[str, Scenario] = {}
    marks: dict[str, Mapping[str, Any]] = {}
    for name in names:
        config = composer.compose([*overrides, f"schedule={name}"])
        scenario, _ = read(CompareSettings, config)
        refuse_other_name(scenario.schedule.name, name)
        if not states:
            scenarios[name], marks[name] = scenario, {"schedule": name}
        for state in states:
            label = scenario_label(name, {"state": state.number})
            scenarios[label], marks[label] = state.placed(config), {"schedule": name, "state": state.number}
    return scenarios, marks


def much(settings: CompareSettings, states: Sequence[State]) -> tuple[int, int]:
    """How many replications of each scenario, and how many of them with series: spread over the states, if there are some."""
    replications = settings.per_state if settings.draw_parameters else settings.replications
    return replications, -(-settings.weekly // len(states)) if states else settings.weekly


def chosen(settings: CompareSettings, folder: str | None) -> list[str]:
    """The schedules to compare, with the baseline among them, after checking every name."""
    names = known_schedules("schedules", settings.schedules, folder)
    known_schedules("baseline", [settings.baseline], folder)
    if settings.baseline not in names:
        names = [settings.baseline, *names]
    if len(names) < 2:
        raise RequestError(f"schedules = {list(names)!r}: a comparison needs at least two schedules, the baseline among them")
    if settings.replications < 2:
        raise RequestError(
            f"replications = {settings.replications}: a comparison needs at least 2, an interval cannot be had from one"
        )
    return names
