"""What a comparison concludes: the tables made of its outcomes, each by a pure function of sim.analysis."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments.settings import CompareSettings
from experiments.states import State, state_table
from experiments.stopping import Stopping
from sim.analysis.objectives import Objective, read_objective, value
from sim.errors import RequestError, suggestion
from sim.outcomes import BY_NAME, EVENTS, YES_NO
from sim.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

TABLES = (  # all that a comparison may conclude
    *("summary", "states", "pairs", "differences", "survival", "satisficing", "tails", "selection", "regret", "dominance"),
    *("orders", "reversals", "value_of_information", "necessary"),
)
SENSES = ("at_most", "at_least")
Limit = tuple[str, str, float]


@dataclass(frozen=True)
class Conclusions:
    """What a comparison is asked to conclude.

    states: those it is made in, or none for one world. scenarios: by label, to run again what is to be explained.
    """

    settings: CompareSettings
    objectives: Sequence[Objective]
    limits: Sequence[Limit]
    states: Sequence[State]
    scenarios: Mapping[str, Scenario]
    stopping: Stopping | None

    def tables(self, outcomes: "pd.DataFrame") -> "dict[str, pd.DataFrame]":
        """Every table that was asked for and can be made of these outcomes, by name."""
        from sim.analysis.paired import differences, p_better
        from sim.analysis.summary import quantiles
        from sim.analysis.survival import restricted_means

        settings, found = self.settings, {"summary": quantiles(outcomes)}
        states = state_table(self.states) if self.states else None
        if states is not None:
            found["states"] = states
        if self.stopping is not None:
            found["pairs"] = self.stopping.pairs(outcomes)
        if settings.baseline in set(outcomes["schedule"]):
            found["differences"] = differences(outcomes, settings.baseline, None, settings.confidence, states)
            found["survival"] = restricted_means(
                outcomes, EVENTS, settings.baseline, confidence=settings.confidence, states=states
            )
        if self.limits:
            from sim.analysis.regret import satisficing

            found["satisficing"] = satisficing(outcomes, self.limits, states, settings.confidence)
        if self.objectives:
            found |= self.judged(outcomes)
            if "differences" in found:
                directions = {objective.outcome: objective.direction for objective in self.objectives}
                found["differences"]["p_better"] = p_better(found["differences"], directions)
        if settings.explain:
            found["necessary"] = self.explained(outcomes)
        return found

    def explained(self, outcomes: "pd.DataFrame") -> "pd.DataFrame":
        """Which kinds of event were necessary for the ends to be explained, by running again without them."""
        from experiments import console
        from experiments.causes import chosen, necessary

        asked = (outcomes, self.settings.explain, self.settings.explain_runs)
        with console.progress(len(chosen(*asked)), "explaining") as advance:
            return necessary(self.scenarios, self.settings.seed, *asked, advance)

    def judged(self, outcomes: "pd.DataFrame") -> "dict[str, pd.DataFrame]":
        """The tables that need objectives."""
        from sim.analysis.cells import cells
        from sim.analysis.dominance import dominance
        from sim.analysis.information import value_of_information
        from sim.analysis.regret import regret
        from sim.analysis.reversals import how_often, reversals
        from sim.analysis.selection import with_the_best
        from sim.analysis.tails import tail_risk

        settings, states = self.settings, state_table(self.states) if self.states else None
        sides = {o.outcome: "higher" if o.direction == "lower" else "lower" for o in self.objectives}
        numbers = [(name, side) for name, side in sides.items() if BY_NAME[name].kind != YES_NO]
        found = {"tails": tail_risk(outcomes, numbers, confidence=settings.confidence, states=states)}
        judged = cells(outcomes, value(outcomes, self.objectives))
        if len(judged) < 2 or judged.shape[1] < 2:
            return found
        found["selection"] = with_the_best(judged, settings.indifference or 0.0, settings.confidence, states=states)
        found["regret"] = regret(judged, states, settings.confidence)
        found["dominance"] = dominance(outcomes, self.objectives, settings.confidence, states=states)
        if states is not None:
            found["reversals"] = reversals(judged, states, settings.confidence)
            found["orders"] = how_often(judged, settings.confidence)
            found["value_of_information"] = value_of_information(judged, states, settings.confidence)
        return found


def read_objectives(texts: Sequence[str]) -> list[Objective]:
    """The objectives of a configuration. Raises RequestError, naming the item that is wrong."""
    found: dict[str, Objective] = {}
    for text in texts:
        try:
            objective = read_objective(text)
        except ValueError as error:
            raise RequestError(f"objectives = {text!r}: {error}") from None
        known_outcome("objectives", objective.outcome)
        if objective.outcome in found:
            raise RequestError(f"objectives = {text!r}: {objective.outcome} is there twice")
        found[objective.outcome] = objective
    return list(found.values())


def read_limits(texts: Sequence[str]) -> list[Limit]:
    """The limits of a configuration. Raises RequestError, naming the item that is wrong."""
    found: list[Limit] = []
    for text in texts:
        parts = str(text).split(":")
        if len(parts) != 3 or parts[1] not in SENSES:
            raise RequestError(f"limits = {text!r}: expected outcome:at_most:number or outcome:at_least:number")
        known_outcome("limits", parts[0])
        try:
            number = float(parts[2])
        except ValueError:
            raise RequestError(f"limits = {text!r}: expected a number, not {parts[2]!r}") from None
        if number != number or (parts[0], parts[1]) in [limit[:2] for limit in found]:
            raise RequestError(f"limits = {text!r}: expected each limit once, with a number")
        found.append((parts[0], parts[1], number))
    return found


def known_outcome(key: str, name: str, allowed: Callable[[str], bool] = lambda name: True, kind: str = "outcome") -> None:
    """Raises RequestError if there is no such outcome, or it is of the wrong kind."""
    names = [known for known in BY_NAME if allowed(known)]
    if name not in names:
        raise RequestError(f"{key} = {name!r}: no such {kind}{suggestion(name, names)}; there are: {', '.join(names)}")


def check_conclusions(settings: CompareSettings) -> None:
    """Refuse what does not go together, before anything is composed.

    Raises:
        RequestError
    """
    for name in settings.outcomes:
        known_outcome("outcomes", name)
    for name in settings.tolerance:
        known_outcome("tolerance", name)
    for name in settings.explain:
        known_outcome("explain", name, lambda known: BY_NAME[known].kind == YES_NO, "yes-or-no outcome")
    read_objectives(settings.objectives)
    read_limits(settings.limits)
    if settings.indifference is not None and not settings.objectives:
        raise RequestError(f"indifference = {settings.indifference:g}: is a difference of objectives, and none are stated")
    across = "rivals=all" if settings.all_rivals else "draw_parameters=true" if settings.draw_parameters else ""
    if across and settings.tolerance:
        raise RequestError(f"tolerance: is for one world, not beside {across}, which makes many")
