"""What an announcement does to attacks: rival theories, because published work disagrees on the sign.

The configuration picks one (`rivals/announcement=...`); a result that holds under one of them only must say so.
"""

from sim.agents import posture
from sim.parameters import Beliefs as Declared
from sim.parameters import belief
from sim.rules import rule

MODULES = ("none", "coercive_signalling", "emboldenment", "lie_low_then_surge")
NONE, COERCIVE_SIGNALLING, EMBOLDENMENT, LIE_LOW_THEN_SURGE = range(4)
EMBOLDENED_DAYS = 30.0  # gone within a month (Iyengar and Monten)
DEPARTURE_WINDOW = 60.0  # days after a departure in which it still draws fire; judgement


class Beliefs(Declared):
    # fmt: off
    signalling_factor: float = belief(1.8, "factor on base attacks around talks", range=(1.3, 3.0), bounds=(1.0, 10.0),
        evidence="judgement", source="clusters around the talks of June, August and November 2020; used by coercive_signalling")
    signalling_days: float = belief(15.0, "days, centred on a round or an announcement", range=(10.0, 20.0), bounds=(1.0, 120.0),
        evidence="judgement", source="the same clusters; used by coercive_signalling")
    emboldenment_factor: float = belief(1.085, "factor on base attacks for a month", range=(1.07, 1.10), bounds=(1.0, 3.0),
        evidence="document", source="Iyengar and Monten, 'Is there an emboldenment effect?', 7 to 10 %; used by emboldenment")
    lie_low_factor: float = belief(0.8, "factor on base attacks from announcement to departure", range=(0.6, 0.95),
        bounds=(0.0, 1.0), evidence="judgement", source="Fetzer and others 2021: sign only; used by lie_low_then_surge")
    departure_factor: float = belief(1.3, "factor on base attacks while forces depart", range=(1.1, 1.6), bounds=(1.0, 10.0),
        evidence="judgement", source="Fetzer and others 2021: sign only; used by lie_low_then_surge")
    # fmt: on


@rule
def announcement_factor(world, p, day):
    """The factor on base attacks today, under the theory that the scenario chose."""
    us = world.united_states
    if p.announcement.module == COERCIVE_SIGNALLING:
        near = 0.5 * p.announcement.signalling_days
        announced = us.announced_day >= 0.0 and day - us.announced_day <= near
        if abs(day - us.round_day) <= near or abs(us.next_round - day) <= near or announced:
            return p.announcement.signalling_factor
    elif p.announcement.module == EMBOLDENMENT:
        if us.announced_day >= 0.0 and day - us.announced_day <= EMBOLDENED_DAYS:
            return p.announcement.emboldenment_factor
    elif p.announcement.module == LIE_LOW_THEN_SURGE:
        if us.departure_day >= 0.0 and day - us.departure_day <= DEPARTURE_WINDOW:
            return p.announcement.departure_factor
        if us.announced_day >= 0.0 and us.troops > 0 and us.betrayed == 0 and posture.departure_to_come(world, p):
            return p.announcement.lie_low_factor
    return 1.0
