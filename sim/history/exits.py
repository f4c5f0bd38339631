"""An exit as it happened: attacks in so many days after it over those in as many before, simulated and on record."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np

from sim.analysis.scores import LEVELS, quantile
from sim.history.facts import Exit, exits
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
    redraw: bool = True,
    priors: date | None = None,
) -> list[dict[str, Any]]:
    """The ratios of each exit on record that took place on the origin, as trajectories that knew nothing later have them.

    Two records are compared with: that of all fatal incidents, with the ratio of what happens; and the counts of UCDP, if the
    windows have them, with the ratio of what UCDP would report in the same windows, noise and drift of coverage included.

    Args:
        redraw, priors: as of `of_model`; coverage redrawn takes a course that fits what UCDP counted up to the origin.
    Returns:
        rows of COLUMNS. recorded: the ratio on record. mean, q05 to q95: of the simulated ratio. inside: whether the 90 % range
        holds the record's. trajectories: how many have a ratio; one without an attack before has none.
    """
    last = scenario.start + timedelta(days=scenario.horizon_days - 1)
    known = [one for one in exits() if one.date == look.origin]
    known = [one for one in known if around(one)[0].start >= scenario.start and around(one)[1].end <= last]
    if not known:
        return []
    own = [
        window
        for window in (*look.past, *look.straddling, *look.scored, *look.later)
        if (window.series, window.source) == (SERIES, SOURCE)
    ]
    asked = [part for one in known for part in around(one)]
    counted = np.array([float(w.count) if w.end <= look.origin else np.nan for w in own] + [np.nan] * len(asked))
    simulator = Simulator(scenario, [*own, *asked], seed, look.origin, priors)
    courses = []
    for particle in particles:
        courses.append(simulator.trajectory(particle.values, particle.replication, counted if redraw else None))
        advance(1)
    happens = np.array([course.truth[len(own) :] for course in courses])
    reported = np.array([course.counts[: len(own)] for course in courses], dtype=float)
    weight = np.array([particle.weight for particle in particles])
    found = []
    for k, one in enumerate(known):
        about = {"origin": look.origin.isoformat(), "what": one.what, "days": one.days}
        found.append(about | {"source": ALL_INCIDENTS} | compared(happens[:, 2 * k : 2 * k + 2], weight, one.ratio))
        earlier, later = (within(own, part) for part in around(one))
        if earlier is None or later is None:
            continue
        both = np.column_stack([earlier, later])
        before, after = np.array([window.count for window in own]) @ both
        if before:
            found.append(about | {"source": SOURCE} | compared(reported @ both, weight, after / before))
    return found


def around(known: Exit) -> tuple[Window, Window]:
    """So many days up to and with the day of an exit, and as many after it. Their source is no other's, nor seen by one."""
    first, last = known.date - timedelta(days=known.days - 1), known.date + timedelta(days=known.days)
    return (
        Window(first, known.date, SERIES, ALL_INCIDENTS, 0, "exact", ""),
        Window(known.date + timedelta(days=1), last, SERIES, ALL_INCIDENTS, 0, "exact", ""),
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


def within(windows: Sequence[Window], part: Window) -> np.ndarray | None:
    """The share of each window's days that lie in some days; None if the windows leave one of these out."""
    shared = [max((min(known.end, part.end) - max(known.start, part.start)).days + 1, 0) for known in windows]
    if sum(shared) != part.days:
        return None
    return np.array([days / known.days for days, known in zip(shared, windows, strict=True)])
