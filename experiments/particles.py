"""The trajectories that a hindcast forecasts by: of the priors, of a calibration on each origin's past, or of an earlier one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import console
from experiments.calibrations import BESIDE, CARRIED, last_known_day
from experiments.settings import HindcastSettings
from sim.analysis.scores import effective_number
from sim.errors import RequestError
from sim.history.forecasts import Outlook, Particle, prior_particles
from sim.scenario import Scenario
from sim.studies.place import place
from sim.studies.study import Study

if TYPE_CHECKING:
    import pandas as pd

    from sim.history.calibration import Generation


@dataclass
class Origins:
    """Where each origin's trajectories come from.

    of: makes those of one origin. words: what they are, for a reader. posteriors: the calibration of each origin, by name or key.
    learnt: what each calibration that was made here has learnt, a table by origin. until: the last day that they have seen, if
    that is not the origin: what they draw from priors is drawn as it was then.
    """

    of: Callable[[Outlook], list[Particle]]
    words: str
    effective: dict[str, float] = field(default_factory=dict)
    posteriors: dict[str, str] = field(default_factory=dict)
    learnt: "dict[str, pd.DataFrame]" = field(default_factory=dict)
    until: date | None = None

    def at(self, look: Outlook) -> list[Particle]:
        found = self.of(look)
        self.effective[look.origin.isoformat()] = effective_number(np.array([p.weight for p in found]))
        return found

    def told(self) -> dict[str, Any]:
        """What the manifest says of them; effective: Kish's number of equal weights."""
        return {"trajectories": self.words, "effective": self.effective, "posteriors": self.posteriors}


def particles_of(settings: HindcastSettings, scenario: Scenario, config: dict[str, Any], looks: Sequence[Outlook]) -> Origins:
    """Where trajectories come from, after checking that they can be had.

    Raises:
        RequestError
    """
    if settings.posterior == "none":
        return Origins(
            lambda look: prior_particles(settings.replications),
            f"{settings.replications:,} trajectories of the priors, which have learnt nothing",
        )
    if settings.posterior != "calibrate":
        return of_study(settings, scenario, looks)
    made = Origins(lambda look: [], f"calibrations on each origin's past, {settings.population:,} trajectories each")
    made.of = lambda look: of_calibration(settings, scenario, look, made)
    return made


def of_calibration(settings: HindcastSettings, scenario: Scenario, look: Outlook, made: Origins) -> list[Particle]:
    """The trajectories of a calibration on one origin's past, made now unless it is there already.

    Raises:
        RequestError, Halted
    """
    from experiments.posteriors import calibrated, learnt

    console.say(f"calibrating on {len(look.past)} windows up to {look.origin}")
    posterior = calibrated(scenario, look.past, look.origin, settings, told)
    made.posteriors[look.origin.isoformat()] = posterior.key
    made.learnt[look.origin.isoformat()] = learnt(posterior)
    return read_particles(posterior.table, "posterior = 'calibrate'")


def told(generation: "Generation", there: bool) -> None:
    """One line for each generation."""
    was = ", was there" if there else ""
    console.say(
        f"  generation {generation.number + 1}: {generation.simulations:,} simulated, {generation.acceptance:.1%} accepted{was}"
    )


def of_study(settings: HindcastSettings, scenario: Scenario, looks: Sequence[Outlook]) -> Origins:
    """The trajectories of one earlier calibration, for every origin.

    Raises:
        RequestError: unless it is a calibration of this episode, with this seed, and has seen nothing after any origin.
    """
    said = f"posterior = {settings.posterior!r}"
    root = place(settings.results)
    if settings.posterior not in (known := root.folders("studies")):
        there = f"; there are: {', '.join(known[-10:])}" if known else ", where there is none yet"
        raise RequestError(
            f"{said}: no such study in {root.where('studies')}{there}. Expected calibrate, none, or the name of a calibration"
        )
    study = Study(root, settings.posterior)
    try:
        manifest, table = study.read_manifest(), study.read_table("posterior")
    except RequestError as error:
        raise RequestError(f"{said}: {str(error).partition(': ')[2]}; or calibrate, or none") from None
    if (until := last_known_day(manifest)) is None:
        raise RequestError(f"{said}: is no finished calibration; expected calibrate, none, or the name of one")
    if until > looks[0].origin:
        raise RequestError(
            f"{said}: has seen the record up to {until}; expected one that ends by {looks[0].origin}, the first origin"
        )
    if manifest["seed"] != settings.seed:
        raise RequestError(f"seed = {settings.seed}: calibration {settings.posterior} has {manifest['seed']}; expected the same")
    if scenario.identity not in manifest["scenarios"].values():
        raise RequestError(f"{said}: is of another episode, or of another configuration of it")
    particles = read_particles(table, said)
    words = f"{len(particles):,} trajectories of calibration {study.name}, which has seen the record up to {until}"
    return Origins(lambda look: particles, words, posteriors={str(look.origin): study.name for look in looks}, until=until)


def read_particles(table: "pd.DataFrame", said: str) -> list[Particle]:
    """The trajectories of a posterior's table.

    Raises:
        RequestError: if it lacks a column, or has none.
    """
    for column in ("weight", "replication"):
        if column not in table:
            raise RequestError(f"{said}: posterior.parquet has no column {column!r}")
    keys = [name for name in table.columns if name not in BESIDE and not name.startswith((CARRIED, "z."))]
    found = [
        Particle({key: float(row[key]) for key in keys}, int(row["replication"]), float(row["weight"]))
        for row in table.to_dict("records")
    ]
    if not found:
        raise RequestError(f"{said}: posterior.parquet has no row")
    return found
