"""What can be seen: nobody acts on the hidden truth, only on reports that miss events and come late.

Every week the attacks of that week are reported, each with the coverage of its source; readers see a week once the reporting
delay has passed. Readiness is reported each quarter, with an error.
"""

from dataclasses import dataclass, field
from math import floor

from sim.activity import Timer
from sim.chance import binomial, normal
from sim.parameters import Beliefs as Declared
from sim.parameters import belief
from sim.rules import MONTH, rule, weekly
from sim.state import WEEKS, listed

ATTACKS_ON_BASES, ATTACKS_BY_ISIS, MASS_CASUALTIES = 0, 1, 2  # the series that are reported
READINESS_ERROR = 0.05  # standard deviation of a readiness report; judgement
QUARTER = 13  # weeks between readiness reports


class Beliefs(Declared):
    # fmt: off
    base_coverage: float = belief(0.65, "share of base attacks reported", range=(0.5, 0.8), bounds=(0.0, 1.0),
        evidence="document", source="press tallies of base attacks see 0.5 to 0.8 of those counted by the military")
    isis_coverage: float = belief(0.40, "share of ISIS attacks reported", range=(0.36, 0.45), bounds=(0.0, 1.0),
        evidence="computed", source="Lead IG over CTC counts of the same quarter, 230 of 510 in the third quarter of 2020")
    delay: float = belief(14.0, "days", range=(7.0, 45.0), bounds=(0.0, 180.0), evidence="judgement",
        source="press within days, Lead IG reports a quarter after the fact")
    # fmt: on


@dataclass
class State:
    weeks: int = 0  # weeks reported so far
    bases: list = field(default_factory=lambda: [0.0] * WEEKS)  # reported attacks on bases, by week
    isis: list = field(default_factory=lambda: [0.0] * WEEKS)
    mass: list = field(default_factory=lambda: [0.0] * WEEKS)
    counted: list = listed(0, 3)  # true totals at the last report, by series
    isis_usual: float = 0.0  # reported ISIS attacks a week when it all began
    readiness: float = 0.0  # readiness of the forces as last reported


@rule
def begin(world, p):
    """The weeks before the first day, as they would have been reported at the rates of early 2021."""
    world.observation.isis_usual = p.observation.isis_coverage * p.isis.attacks * 7.0 / MONTH
    for week in range(WEEKS):
        world.observation.bases[week] = p.observation.base_coverage * p.militias.truce_rate * 7.0 / MONTH
        world.observation.isis[week] = world.observation.isis_usual
    world.observation.readiness = p.iraqi_forces.readiness


@rule
def reported(world, p, day, series, window):
    """Reported attacks of one series in the `window` days that end where today's reports end. Weeks count whole, and those
    before the first day count at the rates of begin()."""
    last = min(int(floor((day - p.observation.delay) / 7.0)), world.observation.weeks)  # reports cover weeks before this one
    weeks = max(1, int(floor(window / 7.0 + 0.5)))
    total = 0.0
    for back in range(weeks):
        week = (last - 1 - back + 4 * WEEKS) % WEEKS
        if series == ATTACKS_ON_BASES:
            total += world.observation.bases[week]
        elif series == ATTACKS_BY_ISIS:
            total += world.observation.isis[week]
        else:
            total += world.observation.mass[week]
    return total


@rule
def report(world, p, day, who, luck):
    """The week's reports; each quarter also how ready the forces look."""
    bases = world.militias.base_attacks - world.observation.counted[ATTACKS_ON_BASES]
    isis = world.isis.attacks - world.observation.counted[ATTACKS_BY_ISIS]
    mass = world.isis.mass_casualty_attacks - world.observation.counted[MASS_CASUALTIES]
    world.observation.counted[ATTACKS_ON_BASES] += bases
    world.observation.counted[ATTACKS_BY_ISIS] += isis
    world.observation.counted[MASS_CASUALTIES] += mass
    week = world.observation.weeks % WEEKS
    world.observation.bases[week] = binomial(luck[0], bases, p.observation.base_coverage) * 1.0
    world.observation.isis[week] = binomial(luck[1], isis, p.observation.isis_coverage) * 1.0
    world.observation.mass[week] = mass * 1.0  # nobody misses a mass-casualty attack
    world.observation.weeks += 1
    if world.observation.weeks % QUARTER == 0:
        seen = world.iraqi_forces.readiness + READINESS_ERROR * normal(luck[2])
        world.observation.readiness = min(1.0, max(0.0, seen))


@rule
def lose_week(world, p, day, who, luck):
    """A week goes unreported, and is never made up for."""
    world.observation.counted[ATTACKS_ON_BASES] = world.militias.base_attacks
    world.observation.counted[ATTACKS_BY_ISIS] = world.isis.attacks
    world.observation.counted[MASS_CASUALTIES] = world.isis.mass_casualty_attacks
    week = world.observation.weeks % WEEKS
    world.observation.bases[week] = 0.0
    world.observation.isis[week] = 0.0
    world.observation.mass[week] = 0.0
    world.observation.weeks += 1


ACTIVITIES = (Timer(name="weekly report", next=weekly, act=report, skip=lose_week, routine=True),)
