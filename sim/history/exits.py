"""An exit as it happened: attacks in so many days after it over those in as many before, simulated and on record."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np

from sim.analysis.scores import LEVELS, quantile
from sim.history.facts import exits
from sim.history.forecasts import Outlook, Particle
from sim.history.record import Window
from sim.history.simulated import Simulator
from sim.scenario import Scenario

SERIES, SOURCE = "isis_fatal_events", "ucdp"
ALL_INCIDENTS = "iraq_body_count"
COLUMNS = ("origin", "what", "days", "source", "recorded", "mean", *LEVELS, "inside", "trajectories")


def exit_rows(
    scenario: Scenario,
    look: Outlook,
    particles: Sequence[Particle],
    seed: int,
    advance: Callable[[int], None] = lambda count: None,
) -> list[dict[str, Any]]:
    """The ratios of each exit on record that took place on the origin, as trajectories that knew nothing later have them.

    Two records are compared with: that of all fatal incidents, with the ratio of what happens; and the counts of UCDP, if the
    windows have them, with the ratio of what UCDP would report, noise and drift of coverage included.

    Returns:
        rows of COLUMNS. recorded: the ratio on record. mean, q05 to q95: of the simulated ratio. inside: whether the 90 % range
        holds the record's. trajectories: how many have a ratio; one without an attack before has none.
    """
    last = scenario.start + timedelta(days=scenario.horizon_days - 1)
    found = []
    for known in exits():
        before, after = around(known.date, known.days)
        if known.date != look.origin or before.start < scenario.start or after.end > last:
            continue
        simulator = Simulator(scenario, [before, after], seed, look.origin)
        courses = [simulator.trajectory(particle.values, particle.replication) for particle in particles]
        advance(len(particles))
        weight = np.array([particle.weight for particle in particles])
        about = {"origin": look.origin.isoformat(), "what": known.what, "days": known.days}
        happens = np.array([course.truth for course in courses])
        found.append(about | {"source": ALL_INCIDENTS} | compared(happens, weight, known.ratio))
        counted = [within_days([*look.past, *look.straddling, *look.scored, *look.later], part) for part in (before, after)]
        if counted[0] and counted[1] is not None:
            reported = np.array([course.counts for course in courses], dtype=float)
            found.append(about | {"source": SOURCE} | compared(reported, weight, counted[1] / counted[0]))
    return found


def around(day: date, days: int) -> tuple[Window, Window]:
    """So many days up to and with a day, and as many after it."""
    first, last = day - timedelta(days=days - 1), day + timedelta(days=days)
    return (
        Window(first, day, SERIES, SOURCE, 0, "exact", ""),
        Window(day + timedelta(days=1), last, SERIES, SOURCE, 0, "exact", ""),
    )


def compared(pairs: np.ndarray, weight: np.ndarray, recorded: float) -> dict[str, Any]:
    """The distribution of after over before beside a ratio on record. pairs: shape (trajectories, 2), before and after."""
    has = pairs[:, 0] > 0.0
    if not has.any():
        return {"recorded": recorded, **dict.fromkeys(("mean", *LEVELS), float("nan")), "inside": False, "trajectories": 0}
    ratios, weight = pairs[has, 1] / pairs[has, 0], weight[has] / weight[has].sum()
    of = {name: quantile(ratios, weight, level) for name, level in LEVELS.items()}
    inside = of["q05"] <= recorded <= of["q95"]
    return {"recorded": recorded, "mean": float(ratios @ weight), **of, "inside": inside, "trajectories": int(has.sum())}


def within_days(windows: Sequence[Window], part: Window) -> float | None:
    """What a source counted in some days, windows that lie partly in them in proportion; None if its windows leave a day out."""
    total, days = 0.0, 0
    for known in windows:
        if (known.series, known.source) == (part.series, part.source):
            shared = max((min(known.end, part.end) - max(known.start, part.start)).days + 1, 0)
            total += known.count * shared / known.days
            days += shared
    return total if days == part.days else None
