"""posture compare: schedules on common luck, paired differences, figures."""

from typing import TYPE_CHECKING, Any

from experiments import console, session
from experiments.choices import known_schedules
from experiments.composition import Composer
from experiments.settings import CompareSettings, read
from sim.errors import RequestError, suggestion
from sim.outcomes import BY_NAME, YES_NO
from sim.scenario import Scenario
from sim.studies.plan import Wanted

if TYPE_CHECKING:
    import pandas as pd

FLAGGED = 0.05  # share of runs in which the model's weakest part, the early exit, decides


def application(config: dict[str, Any], overrides: list[str], folder: str | None = None) -> int:
    """Run one comparison; returns the exit status.

    Args:
        config: the composed configuration. overrides, folder: what it was composed from, to compose it again for each schedule.
    Raises:
        RequestError
    """
    _, settings = read(CompareSettings, config)
    if any(override.split("=")[0].lstrip("+~") == "schedule" for override in overrides):
        raise RequestError("schedule: compare takes several: schedules=[open_ended,rapid_6_months]")
    names = chosen(settings, folder)
    composer = Composer("compare", folder)
    scenarios: dict[str, Scenario] = {}
    for name in names:
        scenario, _ = read(CompareSettings, composer.compose([*overrides, f"schedule={name}"]))
        if scenario.schedule.name != name:
            raise RequestError(f"schedule.name = {scenario.schedule.name!r}: expected the name of its file, {name}")
        scenarios[name] = scenario
    much = (settings.seed, settings.replications, settings.weekly)
    wanted = [Wanted(name, scenario, *much) for name, scenario in scenarios.items()]
    marks = {name: {"schedule": name} for name in scenarios}

    def derived(outcomes: "pd.DataFrame") -> "dict[str, pd.DataFrame]":
        from sim.analysis.paired import differences
        from sim.analysis.summary import quantiles

        tables = {"summary": quantiles(outcomes)}
        if settings.baseline in set(outcomes["schedule"]):
            tables["differences"] = differences(outcomes, settings.baseline)
        return tables

    done = session.run(session.Request("compare", "compare", wanted, config, marks, derived=derived), settings)
    if done is None:
        return 0
    status = done.status
    if len(done.outcomes):
        tell(done, settings, done.derived.get("differences"))
        if settings.figures:
            from experiments.plot import draw

            try:
                draw(done.study, settings.outcomes, list(done.outcomes["schedule"].unique()), "all")
            except OSError as error:
                raise session.unwritable(settings.results, error) from None
    session.tell_trouble(done)
    session.tell_place(done)
    return status


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
    for name in settings.outcomes:
        if name not in BY_NAME:
            raise RequestError(
                f"outcomes = {name!r}: no such outcome{suggestion(name, list(BY_NAME))}; there are: {', '.join(BY_NAME)}"
            )
    return names


def tell(done: session.Session, settings: CompareSettings, paired: Any) -> None:
    """Two tables: each schedule's outcomes, and what differs from the baseline, how surely."""
    from sim.analysis.summary import quantiles

    names = list(settings.outcomes)
    summary = quantiles(done.outcomes, names).set_index(["schedule", "outcome"]).to_dict("index")
    schedules = list(done.outcomes["schedule"].unique())
    heads = ["schedule", *(f"{name} ({'share' if BY_NAME[name].kind == YES_NO else 'median, 90 %'})" for name in names)]

    def cell(schedule: str, name: str) -> str:
        row = summary[(schedule, name)]
        if BY_NAME[name].kind == YES_NO:
            return f"{row['mean']:.0%}"
        return f"{console.number(row['median'])} ({console.number(row['q05'])} to {console.number(row['q95'])})"

    fewest = done.outcomes.groupby("schedule").size().min()
    console.table(
        f"Outcomes, {fewest} replications of each schedule, {session.period(done.manifest)}",
        heads,
        [[schedule, *(cell(schedule, name) for name in names)] for schedule in schedules],
    )
    for schedule in schedules:
        share = done.outcomes.loc[done.outcomes["schedule"] == schedule, "exit_forced"].mean()
        if share > FLAGGED:
            console.say(f"note: {share:.0%} of the runs of {schedule} end in an early exit, whose hazard has no calibrated value")
    if paired is None or len(paired) == 0:
        return
    rows = paired.set_index(["schedule", "outcome"]).to_dict("index")

    def change(schedule: str, name: str) -> str:
        row = rows[(schedule, name)]
        if row["p_equal"] == 1.0:
            return "no pair differs"
        return f"{console.number(row['mean'])} ± {console.number(row['half_width'])}"

    others = list(paired["schedule"].unique())  # less those that have too few replications in common with the baseline yet
    console.table(
        f"Paired differences from {settings.baseline}: mean ± half-width of its 95 % interval (shares for yes-or-no outcomes)",
        ["schedule", *names],
        [[schedule, *(change(schedule, name) for name in names)] for schedule in others],
    )
    console.table(
        "Variance of the difference on independent luck over that on common luck (above 1: pairing pays)",
        ["schedule", *names],
        [[schedule, *(console.number(rows[(schedule, name)]["variance_ratio"]) for name in names)] for schedule in others],
    )
