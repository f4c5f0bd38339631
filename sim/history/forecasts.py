"""Forecasts of what will be counted, from one day in the past: the model's trajectories and the baselines, scored alike.

A trajectory that agrees with the past goes on into the future; weighted trajectories are a forecast. They agree but roughly, so
the coverage of sources in each is drawn anew, given all past counts and what happens in it (`sim.history.walks`). All of them,
and every baseline, have seen the same: windows of the episode that end on the day `origin` or before, as `split` gives them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from sim.analysis.baselines import BASELINES, by_own_source
from sim.analysis.scores import Forecast, log_of_mixture, mixture, score
from sim.errors import RequestError
from sim.history.record import Window, split
from sim.history.simulated import Simulator
from sim.history.sources import log_probability
from sim.luck import TIMING, generator, stream
from sim.scenario import Scenario

MODEL = "model"
METHODS = (MODEL, *BASELINES)
REPORTS = 40  # draws of what is reported, of each trajectory: they cost nothing, a trajectory does
DRAWS = 4000  # of a baseline
NEARLY_POISSON = 1e8  # size of a negative binomial in place of an infinite one, for formulas that need a number


@dataclass(frozen=True)
class Particle:
    """One trajectory: values of parameters by key, the replication whose luck draws all else, and its weight."""

    values: Mapping[str, float]
    replication: int
    weight: float = 1.0


@dataclass(frozen=True)
class Outlook:
    """What there is to forecast from one origin: the windows known then, those to score, and those that are of no use: they
    straddle the origin, or end later than is asked for."""

    origin: date
    past: list[Window]
    straddling: list[Window]
    scored: list[Window]
    later: list[Window]


def outlook(windows: Sequence[Window], origin: date, ahead: int) -> Outlook:
    """ahead: days from the origin within which a window must end to be scored."""
    past, straddling, future = split(windows, origin)
    last = origin + timedelta(days=ahead)
    scored = [window for window in future if window.end <= last]
    return Outlook(origin, past, straddling, scored, [window for window in future if window.end > last])


def prior_particles(count: int) -> list[Particle]:
    """Trajectories that have learnt nothing: all of each is drawn by its replication's own luck, see `Simulator.prior_values`."""
    return [Particle({}, replication) for replication in range(count)]


def of_model(
    scenario: Scenario,
    look: Outlook,
    particles: Sequence[Particle],
    seed: int,
    advance: Callable[[int], None] = lambda count: None,
    redraw: bool = True,
    priors: date | None = None,
) -> list[Forecast]:
    """The model's forecast of each window to score.

    Args:
        seed: the root of luck that the particles were found with. advance: is told of each trajectory.
        redraw: give each trajectory a coverage of sources drawn given the past counts and what happens in it, a Gibbs step: right
            where trajectories are (nearly) a sample given the past, and at worst no use. False: the coverage of its own luck.
        priors: the last day that was known when the particles were found, if that is not the origin.
    Raises:
        RequestError: if a trajectory fails.
    """
    simulator = Simulator(scenario, [*look.past, *look.scored], seed, look.origin, priors)
    known = np.array([*(float(window.count) for window in look.past), *(np.nan for _ in look.scored)]) if redraw else None
    means, sizes = [], []
    for particle in particles:
        try:
            course = simulator.trajectory(particle.values, particle.replication, known)
        except ValueError as error:
            raise RequestError(f"posterior: a trajectory fails: {error}") from None
        means.append(course.mean[len(look.past) :])
        sizes.append(course.size[len(look.past) :])
        advance(1)
    mean, size = np.array(means), np.array(sizes)
    share = np.array([particle.weight for particle in particles])
    return [
        mixture(mean[:, k], size[:, k], share, REPORTS, luck_of(seed, look.origin, window, MODEL))
        for k, window in enumerate(look.scored)
    ]


def of_baselines(look: Outlook, seed: int) -> dict[str, list[Forecast | None]]:
    """Each baseline's forecast of each window to score, None where it is not available."""
    return {
        name: [
            baseline(look.past, window, look.origin, DRAWS, luck_of(seed, look.origin, window, name)) for window in look.scored
        ]
        for name, baseline in BASELINES.items()
    }


def rows(look: Outlook, forecasts: Mapping[str, Sequence[Forecast | None]], seed: int) -> list[dict[str, Any]]:
    """A row for each window to score and method that forecast it, with what was counted and all scores.

    own: whether the method had windows of that very source to go by; else a baseline is made from other sources' windows, and
    the model has the source's prior.
    """
    found = []
    for k, window in enumerate(look.scored):
        u = float(luck_of(seed, look.origin, window, "pit").random())
        about = {
            **{"origin": look.origin.isoformat(), "start": window.start, "end": window.end, "series": window.series},
            **{"source": window.source, "kind": window.kind, "count": window.count},
        }
        for method, of_method in forecasts.items():
            forecast = of_method[k]
            if forecast is not None:
                found.append(
                    {
                        **about,
                        "method": method,
                        "own": by_own_source(method, look.past, window, look.origin),
                        **score(forecast, window.count, window.kind, log_of_record(forecast, window), u),
                    }
                )
    return found


def log_of_record(forecast: Forecast, window: Window) -> float:
    """The log probability of what the window says, by the forecast's mixture."""
    size = np.where(np.isfinite(forecast.size), forecast.size, NEARLY_POISSON)
    return log_of_mixture(log_probability([window], forecast.mean[:, None], size[:, None])[:, 0], forecast.share)


def luck_of(seed: int, origin: date, window: Window, what: str) -> np.random.Generator:
    """Luck of one window and purpose: another window more or less changes nothing."""
    name = f"{window.series}/{window.source}/{window.start}/{window.end}/{what}"
    return generator(seed, origin.toordinal(), stream("hindcast", name), 1, TIMING)
