"""What the event log reads of the world before and after each event."""

from typing import Any

from sim.agents import isis
from sim.model import Slot

READINGS = ("us_deaths", "civilian_deaths", "isis_deaths", "troops", "stock", "regime", "pressure", "standing", "value")
NO_REGIME = -1.0  # the actor is no militia group


def read(world: Any, p: Any, day: float, slot: Slot) -> tuple[float, ...]:
    """The READINGS: running totals of deaths, troops, ISIS members, the acting group's regime (or NO_REGIME), pressure on the
    government and its standing, and the number that the activity itself changes (`shows`)."""
    us, militias, government = world.united_states, world.militias, world.government
    return (
        us.deaths,
        militias.civilian_deaths + us.civilian_deaths,
        world.isis.deaths,
        us.troops,
        isis.stock(world),
        militias.regime[slot.who] if slot.group else NO_REGIME,
        government.pressure,
        government.standing,
        slot.activity.shows(world, p, slot.who),
    )
