"""The environment: tension between Iran and the United States, war, protest, the calendar. Nobody decides here."""

from dataclasses import dataclass

from sim.activity import Hazard, Timer
from sim.agents import dated
from sim.chance import exponential, faded
from sim.parameters import Beliefs as Declared
from sim.parameters import belief
from sim.rules import MONTH, NOT_YET, rule

SPELL = 3.0 * MONTH  # mean days a war or a protest wave lasts; judgement: five months from October 2019, most others one or two
WAR_SHARE = 0.25  # of escalations, the rest being killings of senior figures; judgement: one killing and no war to April 2021
TENSION_LASTS = 45.0  # days; judgement: from the tanker attacks of 12 May 2019 to the drone shot down on 20 June 2019
ANNIVERSARY_WINDOW = 14.0  # days before and after 3 January, the killing of Soleimani and al-Muhandis
ANNIVERSARY_TENSION = 0.3  # judgement: 21 rockets on 20 December 2020, a fortnight before the first anniversary


class Beliefs(Declared):
    # fmt: off
    shocks: float = belief(0.2, "tension shocks/month", range=(0.1, 0.4), bounds=(0.0, 3.0), evidence="judgement",
        source="some five between May 2019 and April 2021: 12 May, 20 June, 14 September 2019, 3 January, 27 November 2020")
    escalation: float = belief(0.02, "regional wars or killings of senior figures/month", range=(0.01, 0.03), bounds=(0.0, 0.5),
        evidence="judgement", source="one killing (3 January 2020), no war, in the years to April 2021; a quarter wars")
    protests: float = belief(0.04, "protest waves/month", range=(0.02, 0.08), bounds=(0.0, 1.0), evidence="computed",
        source="waves of 2011, 2013, 2015, 2016, 2018 and October 2019 in 11 years: 0.045")
    # fmt: on


@dataclass
class State:
    tension: float = 0.0  # 0 to 1 on tension_day, forgotten since
    tension_day: float = 0.0
    war_until: float = NOT_YET
    protest_until: float = NOT_YET


@rule
def begin(world, p):
    pass


@rule
def at_war(world, day):
    return day < world.environment.war_until


@rule
def protesting(world, day):
    return day < world.environment.protest_until


@rule
def tension(world, p, day):
    """Tension today, 0 to 1: what is left of past shocks, more around the anniversary, full in war."""
    if at_war(world, day):
        return 1.0
    level = faded(world.environment.tension, day - world.environment.tension_day, TENSION_LASTS)
    for anniversary in p.case.anniversaries:  # soonest first
        if anniversary > day + ANNIVERSARY_WINDOW:
            break
        if abs(day - anniversary) <= ANNIVERSARY_WINDOW:
            level += ANNIVERSARY_TENSION * (1.0 - level)
    return level


@rule
def raise_tension(world, p, day, share):
    """Tension closes this share of its distance to full."""
    level = faded(world.environment.tension, day - world.environment.tension_day, TENSION_LASTS)
    world.environment.tension = level + share * (1.0 - level)
    world.environment.tension_day = day


@rule
def shock_willingness(world, p, day, who):
    return 0.0 if dated.given(p, day) else p.environment.shocks / MONTH


@rule
def shock(world, p, day, who, luck):
    """Something between Iran and the United States: tension closes a third to nine tenths of its distance to full."""
    raise_tension(world, p, day, 0.3 + 0.6 * luck[0])


@rule
def war_willingness(world, p, day, who):
    return 0.0 if at_war(world, day) or dated.given(p, day) else WAR_SHARE * p.environment.escalation / MONTH


@rule
def war(world, p, day, who, luck):
    """A regional war begins, and lasts for some months."""
    world.environment.war_until = day + exponential(SPELL, luck[0])
    raise_tension(world, p, day, 0.9)


@rule
def protest_willingness(world, p, day, who):
    return 0.0 if protesting(world, day) or dated.given(p, day) else p.environment.protests / MONTH


@rule
def protest(world, p, day, who, luck):
    """A wave of protest begins: each week of it presses the government and costs it standing."""
    world.environment.protest_until = day + exponential(SPELL, luck[0])


@rule
def next_dated(world, p, day, who):
    return dated.next_dated(p, day, dated.TENSION, dated.PROTEST)


@rule
def as_dated(world, p, day, who, luck):
    """What is known to have happened on this day: a shock of a size that is not known, protest for as long as it lasted, or is
    known to have lasted; how much longer, no past tells."""
    for k in range(p.case.dated):
        if dated.is_dated(p, day, k, dated.TENSION):
            shock(world, p, day, who, luck)
        if dated.is_dated(p, day, k, dated.PROTEST):
            ended = day + p.case.dated_lasts[k]
            world.environment.protest_until = ended if ended > day else p.case.given_until + exponential(SPELL, luck[0])


@rule
def shows_tension(world, p, who):
    return world.environment.tension


@rule
def shows_war(world, p, who):
    return world.environment.war_until


@rule
def shows_protest(world, p, who):
    return world.environment.protest_until


ACTIVITIES = (
    Hazard(name="tension shock", cap=0.1, willingness=shock_willingness, act=shock, shows=shows_tension),
    Hazard(name="regional war", cap=0.02, willingness=war_willingness, act=war, shows=shows_war),
    Hazard(name="protest wave", cap=0.05, willingness=protest_willingness, act=protest, shows=shows_protest),
    Timer(name="dated event", next=next_dated, act=as_dated, shows=shows_tension),
)
