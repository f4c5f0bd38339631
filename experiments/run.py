"""posture run: one scenario, many replications."""

from typing import Any

from experiments import console, session
from experiments.settings import RunSettings, read
from sim.studies.plan import Wanted


def application(config: dict[str, Any]) -> int:
    """Run one configuration; returns the exit status. Raises RequestError, Halted."""
    scenario, settings = read(RunSettings, config)
    label = scenario.schedule.name
    wanted = [Wanted(label, scenario, settings.seed, settings.replications, settings.weekly)]
    done = session.run(session.Request("run", f"run-{label}", wanted, config, {label: {"schedule": label}}), settings)
    if done is None:
        return 0
    tell(done)
    session.tell_trouble(done)
    session.tell_place(done)
    return done.status


def tell(done: session.Session) -> None:
    """Every outcome of the scenario: median and 90 % range, or the share of runs."""
    from sim.analysis.summary import quantiles
    from sim.outcomes import BY_NAME, DAY, YES_NO

    if len(done.outcomes) == 0:
        return
    rows = []
    for row in quantiles(done.outcomes).to_dict("records"):
        outcome = BY_NAME[str(row["outcome"])]
        if outcome.kind == DAY:
            continue
        if outcome.kind == YES_NO:
            rows.append((outcome.label, f"{row['mean']:.0%}", "", outcome.unit))
        else:
            rows.append(
                (
                    outcome.label,
                    console.number(row["median"]),
                    f"{console.number(row['q05'])} to {console.number(row['q95'])}",
                    outcome.unit,
                )
            )
    label, first = next(iter(done.manifest["scenarios"].items()))
    console.table(
        f"{label} (scenario {first}), {len(done.outcomes)} replications, {session.period(done.manifest)}",
        ("outcome", "median or share", "90 % range", "unit"),
        rows,
    )
