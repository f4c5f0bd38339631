"""What the event log reads of the world before and after each event."""

from typing import Any

from sim.agents import isis
from sim.model import Slot

NO_REGIME = -1  # the actor is no militia group
# running totals of deaths, troops, ISIS members, the acting group's regime, pressure on the government and its standing
READERS = {
    "us_deaths": lambda world, p, who: world.united_states.deaths,
    "civilian_deaths": lambda world, p, who: world.militias.civilian_deaths + world.united_states.civilian_deaths,
    "isis_deaths": lambda world, p, who: world.isis.deaths,
    "troops": lambda world, p, who: world.united_states.troops,
    "stock": lambda world, p, who: isis.stock(world),
    "regime": lambda world, p, who: world.militias.regime[who],
    "pressure": lambda world, p, who: world.government.pressure,
    "standing": lambda world, p, who: world.government.standing,
}
READINGS = (*READERS, "value")  # value: the number that the activity itself changes (`shows`)
WHOLE = ("us_deaths", "civilian_deaths", "isis_deaths", "troops", "regime")  # whole numbers, the others are floats


def read(world: Any, p: Any, slot: Slot) -> tuple[float, ...]:
    """The READINGS as they are now, for an event of this slot."""
    values = [reader(world, p, slot.who) if slot.group or name != "regime" else NO_REGIME for name, reader in READERS.items()]
    return (*values, slot.activity.shows(world, p, slot.who))
