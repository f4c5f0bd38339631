"""States of the world: draws of the parameters from their priors, or of some from a posterior, each under the rival theories.
Schedules meet in all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from experiments.settings import CompareSettings, split
from sim.agents.announcements import MODULES
from sim.errors import RequestError
from sim.scenario import Scenario, declared_parameters, read_scenario
from sim.studies.design import prior_draws, value_at, with_values

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class State:
    """One state of the world. draw: the number of the draw. values: the parameters drawn, by key; none if none are drawn."""

    number: int
    draw: int
    announcement: str
    excitation: bool
    values: Mapping[str, float]

    def placed(self, config: Mapping[str, Any]) -> Scenario:
        """The scenario of a composed configuration in this state."""
        scenario = with_values(split(config)[0], dict(self.values))
        rivals = scenario["rivals"]
        scenario["rivals"] = {
            "announcement": {**rivals["announcement"], "module": self.announcement},
            "excitation": {**rivals["excitation"], "active": self.excitation},
        }
        return read_scenario(scenario)


def states_of(
    settings: CompareSettings, config: Mapping[str, Any], calibrated: Sequence[Mapping[str, float]] = ()
) -> list[State]:
    """The states that a comparison is to be made in; none if it is made in one world only.

    All rivals are met by each draw, so that what a rival changes is seen on the same parameters. A parameter that the
    configuration sets to anything but its default stays where it was set.

    Args:
        calibrated: with a posterior, of each draw the values that come from it; the others come from their priors.
    Raises:
        RequestError: if there is nothing left to draw, in all or from the posterior.
    """
    if not (settings.all_rivals or settings.draw_parameters):
        return []
    drawn: list[dict[str, float]] = [{}]
    if settings.draw_parameters:
        free = [p for p in declared_parameters() if value_at(dict(config), p.key) == p.default]
        if not free:
            said = "true" if settings.draw_parameters is True else "posterior"
            raise RequestError(f"draw_parameters = {said}: every parameter is set, none is left to draw")
        drawn = prior_draws(free, settings.draws, settings.draw_seed)
        if calibrated:
            keys = {p.key for p in free}
            if not keys & calibrated[0].keys():
                raise RequestError(
                    f"posterior = {settings.posterior!r}: every parameter that it has is set, none is left to draw"
                )
            for values, own in zip(drawn, calibrated, strict=True):
                values.update({key: value for key, value in own.items() if key in keys})
    rivals = config["rivals"]
    theories: Sequence[tuple[str, bool]] = [(rivals["announcement"]["module"], rivals["excitation"]["active"])]
    if settings.all_rivals:
        theories = list(product(MODULES, (True, False)))
    return [
        State(number, draw, announcement, excitation, values)
        for number, ((draw, values), (announcement, excitation)) in enumerate(product(enumerate(drawn), theories))
    ]


def state_table(states: Sequence[State]) -> "pd.DataFrame":
    """One row a state: state, draw, announcement, excitation, and each parameter drawn."""
    import pandas as pd

    return pd.DataFrame(
        [
            {"state": s.number, "draw": s.draw, "announcement": s.announcement, "excitation": s.excitation, **s.values}
            for s in states
        ]
    )
