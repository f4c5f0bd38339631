"""Deaths and reprisals: the United States' red line, and what a strike sets off.

Part of the United States' file in spirit; apart from it because militias read it too.
"""

from sim.agents import dated, environment, government
from sim.chance import faded, lognormal, poisson
from sim.rules import MONTH, NEVER, rule

TOLL = 90.0  # days over which US deaths are remembered
STRIKE_SIGMA = 1.0  # of the logarithm of the delay; four delays of 1, 2, 5 and 10 days (document)
CIVILIANS_PER_STRIKE = 0.3  # mean Iraqi civilians killed by a strike on Iraqi soil; judgement: 12 March 2020 killed one


@rule
def toll(world, day):
    """US deaths still remembered today."""
    return faded(world.united_states.toll, day - world.united_states.toll_day, TOLL)


@rule
def lose(world, p, day, deaths):
    """Americans (or others of the coalition) are killed."""
    us = world.united_states
    us.deaths += deaths
    us.toll = toll(world, day) + deaths
    us.toll_day = day
    us.last_death_day = day


@rule
def consider_reprisal(world, p, day, deaths, decide, delay):
    """The red line: an attack that kills is nearly always answered, one that does not hardly ever. One answer at a time."""
    chance = p.united_states.strike_if_lethal if deaths > 0 else p.united_states.strike_if_harmless
    if dated.given(p, day):
        return
    if world.united_states.strike_due == NEVER and world.united_states.troops > 0 and decide < chance:
        world.united_states.strike_due = day + lognormal(p.united_states.strike_delay, STRIKE_SIGMA, delay)


@rule
def strike_due(world, p, who):
    return world.united_states.strike_due


@rule
def strike(world, p, day, who, luck):
    """A reprisal, in Iraq or across the border in Syria."""
    world.united_states.strike_due = NEVER
    hit(world, p, day, luck[0] < p.united_states.strike_in_iraq, luck[1], luck[2])


@rule
def call_off_strike(world, p, day, who, luck):
    """No reprisal; another attack may bring one."""
    world.united_states.strike_due = NEVER


@rule
def hit(world, p, day, in_iraq, how_taken, civilians):
    """A strike: on Iraqi soil it is the strongest single push on the government."""
    us = world.united_states
    us.strikes += 1
    us.struck_day = day
    us.struck_luck = how_taken
    if in_iraq:
        us.strikes_in_iraq += 1
        us.civilian_deaths += poisson(civilians, CIVILIANS_PER_STRIKE)
        government.push(world, government.STRIKE, p.government.strike_push)


@rule
def killing_willingness(world, p, day, who):
    """Killings of senior figures a day: likelier the higher the tension; none with nobody in the country."""
    if world.united_states.troops == 0 or dated.given(p, day):
        return 0.0
    return (1.0 - environment.WAR_SHARE) * p.environment.escalation / MONTH * (0.5 + environment.tension(world, p, day))


@rule
def kill_senior(world, p, day, who, luck):
    """As on 3 January 2020: a strike on Iraqi soil, and tension at its height."""
    hit(world, p, day, True, 1.0, luck[0])  # never followed by a lull
    world.united_states.killing_day = day
    environment.raise_tension(world, p, day, 0.9)
