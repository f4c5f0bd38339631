"""What an agent can do: an activity is a hazard, a timer or a response.

- hazard: opportunities arrive at a constant rate `cap` from the activity's own luck; at each one the agent looks at the world
  and takes it with probability willingness / cap (thinning of a Poisson process; Lewis and Shedler 1979). Exact, no time step.
- timer: rings on a day it names itself; when it rings and is ready, it acts.
- response: set off by another event, due on a day that the world then holds.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sim.rules import always, let_pass, nothing

ONCE, GROUPS = "once", "groups"  # one such activity, or one for each militia group of the scenario


@dataclass(frozen=True, kw_only=True)
class Activity:
    """What all kinds share.

    name: part of the identity of every draw and event; renaming it changes results.
    act: (world, p, day, who, luck) -> None; luck is four uniforms that belong to this event.
    skip: what is done in place of `act` where it is withheld (sim.engines.withheld): only the bookkeeping without which the world
        would not go on, such as calling off a response or planning the next round. It may clear a response, never set one.
    each: ONCE or GROUPS. routine: bookkeeping that a story leaves out.
    shows: (world, p, who) -> the number this activity changes, for the event log.
    """

    name: str
    act: Callable
    skip: Callable = let_pass
    each: str = ONCE
    routine: bool = False
    shows: Callable = nothing


@dataclass(frozen=True, kw_only=True)
class Hazard(Activity):
    """Opportunities at `cap` a day, each taken with probability willingness / cap. The cap is part of the model, not a
    parameter to sweep: change it and opportunities are no longer the same in all scenarios.

    willingness: (world, p, day, who) -> events a day.
    """

    cap: float
    willingness: Callable


@dataclass(frozen=True, kw_only=True)
class Timer(Activity):
    """Rings on the day `next` names: (world, p, day, who) -> day, asked at the start and after each ring.

    ready: (world, p, day, who) -> whether anything happens when it rings.
    """

    next: Callable
    ready: Callable = always


@dataclass(frozen=True, kw_only=True)
class Response(Activity):
    """Set off by another event. due: (world, p, who) -> the day it will happen, NEVER if nothing is pending; `act` clears it,
    and so does `skip`, which every response has to have."""

    due: Callable
