"""Militias: armed groups that press the United States to leave, and mostly stay below what would bring a reprisal.

They want a date. While one is promised they may keep a truce, which frays; under an open timeline they harass; when a date is
let slip they harass more than before. A strike is followed by a lull or by a backlash, a killing of senior figures by a surge.
Groups differ in capacity, restraint and ties. Aggregate by design: counts and rates only.
"""

from dataclasses import dataclass
from math import exp, log

from sim.activity import GROUPS, Hazard, Timer
from sim.agents import dated, environment, government, posture, reprisals, united_states
from sim.agents.announcements import announcement_factor
from sim.chance import erlang3_hazard, poisson
from sim.parameters import Beliefs as Declared
from sim.parameters import belief
from sim.rules import MONTH, rule, weekly
from sim.state import per_group

PAUSE, TRUCE, ORDINARY, SURGE = 0, 1, 2, 3  # regimes
REGIMES = ("pause", "truce", "ordinary", "surge")
PAUSE_RATE = 0.25  # attacks/month; 0 to 0.5 (document: Lead IG)
FRAYED_AFTER = 5.0 * MONTH  # a truce is down to half the ordinary rate by its fifth month (document: early 2021)
AFTER_KILLING = 0.1  # surges a day in the weeks after a killing of senior figures; judgement: nearly at once, as in January 2020
AFTERMATH = 28.0  # days a strike is felt, "up to four weeks" (Condra and Shapiro; Papadogeorgou and others)
LULL = 0.3  # share of attacks that a lull leaves; judgement
ARREST_LASTS, ARREST_CUT = 60.0, 0.5  # days, and share of a group's attacks that a crackdown takes away at first; judgement
STANDING_MEMORY = 26.0  # weeks; judgement
STANDING_LOST = 0.05  # share of standing lost by killing civilians with a rocket; judgement
EVENLY_RESTRAINED = 0.5  # the restraint at which `lethality` was observed; a definition


class Beliefs(Declared):
    # fmt: off
    truce_rate: float = belief(1.7, "base attacks/month", range=(0.8, 3.3), bounds=(0.0, 60.0), evidence="document",
        source="Critical Threats: 5 attacks, 20 October 2020 to 20 January 2021")
    ordinary_rate: float = belief(5.6, "base attacks/month", range=(4.1, 7.4), bounds=(0.0, 60.0), evidence="document",
        source="FDD: at least 55 attacks, 1 January to 22 October 2020")
    surge_rate: float = belief(9.5, "base attacks/month", range=(6.4, 13.6), bounds=(0.0, 60.0), evidence="document",
        source="FDD: August and September 2020")
    war_rate: float = belief(50.0, "base attacks/month in a regional war", range=(30.0, 60.0), bounds=(0.0, 60.0),
        evidence="judgement", source="no such war before 2021; a stress regime, not to be fitted")
    convoy_rate: float = belief(7.5, "convoy attacks/month", range=(5.9, 9.3), bounds=(0.0, 60.0), evidence="document",
        source="Washington Institute: 51 from 1 January to 29 July 2020; 13 and 19 in February and March 2021 (GTD)")
    presence_share: float = belief(0.65, "share of the rate that scales with presence", range=(0.4, 0.9), bounds=(0.0, 1.0),
        evidence="judgement", source="sign only: RAND RR2533")
    restraint: float = belief(0.5, "index, 0 to 1", range=(0.2, 0.8), bounds=(0.0, 1.0), evidence="judgement",
        source="sub-threshold coercion: how far attacks are kept below what kills; 0.5 stands for the record of 2019-20")
    lethality: float = belief(0.032, "P(US or coalition death | base attack) at restraint 0.5", range=(0.007, 0.069),
        bounds=(0.0, 1.0), evidence="computed",
        source="lethal attacks over all, 2019-20; pooled over more years 0.016 (0.006 to 0.029)")
    civilian_ratio: float = belief(4.0, "Iraqi civilians killed for each American, expected", range=(2.0, 6.0),
        bounds=(0.0, 50.0), evidence="judgement", source="documents say mostly Iraqi lives; the ratio is ours")
    timetable_calm: float = belief(0.2, "share by which a clear timetable lowers, and a missed one raises, attacks",
        range=(0.0, 0.4), bounds=(0.0, 0.9), evidence="judgement", source="truce of 10 October 2020, conditional on a timetable")
    half_measure: float = belief(0.35, "clarity of a mission change or of conditions without a date", range=(0.1, 0.6),
        bounds=(0.0, 1.0), evidence="judgement", source="'never accept the policy of an open timeline'")
    truce_onset: float = belief(0.15, "truces/month under a clear timetable or a credible threat", range=(0.05, 0.3),
        bounds=(0.0, 3.0), evidence="judgement", source="10 October 2020, three weeks after the threat to close the embassy")
    truce_lasts: float = belief(5.5, "months, mean", range=(4.0, 7.0), bounds=(0.5, 60.0), evidence="judgement",
        source="166 days, 10 October 2020 to 25 March 2021; gamma of shape 3")
    betrayal: float = belief(3.0, "factor on the end of a truce after a missed deadline", range=(2.0, 4.0), bounds=(1.0, 20.0),
        evidence="judgement", source="the truce ended on 25 March 2021 with no timetable given")
    surge_onset: float = belief(0.15, "surges/month at full tension", range=(0.05, 0.4), bounds=(0.0, 3.0), evidence="judgement",
        source="one surge (August 2020) in the 18 months of tension to October 2020")
    pause_onset: float = belief(0.3, "pauses/month while allied parties form a government", range=(0.1, 1.0), bounds=(0.0, 5.0),
        evidence="judgement", source="groups with seats to win were expected to hold back; no rate published, the number is ours")
    spell: float = belief(2.0, "months a surge or a pause lasts, mean", range=(1.0, 4.0), bounds=(0.2, 36.0),
        evidence="judgement", source="FDD: one surge, August and September 2020")
    lull_chance: float = belief(0.27, "P(lull | strike)", range=(0.05, 0.65), bounds=(0.0, 1.0), evidence="computed",
        source="after the strikes of December 2019 to February 2021")
    backlash: float = belief(0.5, "mean rise of attacks after a strike without a lull", range=(0.0, 1.0), bounds=(0.0, 5.0),
        evidence="document", source="x1.0 to 2.0 for up to four weeks: Condra and Shapiro; Papadogeorgou and others")
    # fmt: on


class Excitation(Declared):
    """Self-excitation: each attack makes further ones likelier for some days (Hawkes 1971). Can be switched off."""

    # fmt: off
    branching: float = belief(0.2, "further attacks set off by one", range=(0.05, 0.4), bounds=(0.0, 0.95), evidence="document",
        source="Beta(2, 8); 0.37 to 0.50 in Lewis and others 2012 shrinks to 0 to 0.13 at low violence")
    half_life: float = belief(5.0, "days", range=(3.0, 8.0), bounds=(0.2, 60.0), evidence="judgement",
        source="days rather than weeks, as in the literature on self-exciting conflict; no source for this case")
    # fmt: on


@dataclass
class State:
    regime: list = per_group(ORDINARY)
    regime_day: list = per_group(0.0)  # since when
    excited: list = per_group(0.0)  # recent attacks, each fading with the half-life
    excited_day: list = per_group(0.0)
    truce_days: float = 0.0  # capacity-weighted days of truce that have ended
    base_attacks: int = 0
    convoy_attacks: int = 0
    civilian_deaths: int = 0
    standing: float = 0.5  # of the militias, with the public


@rule
def begin(world, p):
    pass


# -- how willing -------------------------------------------------------------------------------------------------------
@rule
def regime_rate(world, p, day, group):
    """Base attacks a month in the group's regime, all groups together; a truce frays."""
    regime = world.militias.regime[group]
    if regime == PAUSE:
        return min(PAUSE_RATE, p.militias.truce_rate)
    if regime == TRUCE:
        frayed = min(1.0, (day - world.militias.regime_day[group]) / FRAYED_AFTER)
        return p.militias.truce_rate + frayed * max(0.0, 0.5 * p.militias.ordinary_rate - p.militias.truce_rate)
    if regime == SURGE:
        return p.militias.surge_rate
    return p.militias.ordinary_rate


@rule
def provoked(world, p):
    """More presence, more opportunity: base + slope x presence, 1 at the case's posture."""
    share = p.militias.presence_share
    return 1.0 - share + share * united_states.presence(world, p)


@rule
def timetable_factor(world, p):
    """A clear timetable calms; a missed one angers, by as much."""
    calm = p.militias.timetable_calm
    if world.united_states.betrayed == 1:
        return 1.0 + calm
    return 1.0 - calm * posture.clarity(world, p)


@rule
def aftermath(world, p, day):
    """After a strike: a lull, or a backlash of random size, for up to four weeks. The strike's own luck decides which."""
    us = world.united_states
    if day - us.struck_day > AFTERMATH:
        return 1.0
    if us.struck_luck < p.militias.lull_chance:
        return LULL
    size = (us.struck_luck - p.militias.lull_chance) / max(1e-9, 1.0 - p.militias.lull_chance)  # uniform, given no lull
    return 1.0 + 2.0 * p.militias.backlash * size


@rule
def strength(world, p, day, group):
    """The group's share of all attacks, less what arrests took from it."""
    since = day - world.government.crackdown_day[group]
    return p.groups.capacity[group] * (1.0 - ARREST_CUT * exp(-since / ARREST_LASTS))


@rule
def excitement(world, p, day, group):
    """Recent attacks of the group, each fading with the half-life."""
    pace = log(2.0) / p.excitation.half_life
    return world.militias.excited[group] * exp(-pace * (day - world.militias.excited_day[group]))


@rule
def attack_willingness(world, p, day, group):
    """Base attacks a day by one group. With self-excitation, the background is lowered so that the total stays as published."""
    factors = provoked(world, p) * timetable_factor(world, p) * aftermath(world, p, day) * announcement_factor(world, p, day)
    background = regime_rate(world, p, day, group) / MONTH * strength(world, p, day, group) * factors
    if p.excitation.active == 0 or p.groups.capacity[group] == 0.0:
        return background
    branching = p.excitation.branching
    pace = log(2.0) / p.excitation.half_life
    return background * (1.0 - branching) + branching * pace * excitement(world, p, day, group)


@rule
def convoy_willingness(world, p, day, group):
    """Attacks on supply convoys a day by one group: they follow the presence to be supplied; a truce does not cover them."""
    if world.united_states.troops == 0:
        return 0.0
    rate = p.militias.convoy_rate
    if world.militias.regime[group] == PAUSE:
        rate = min(rate, PAUSE_RATE)
    return rate / MONTH * strength(world, p, day, group) * provoked(world, p)


@rule
def war_willingness(world, p, day, who):
    """Base attacks a day in a regional war, by all groups together."""
    if not environment.at_war(world, day):
        return 0.0
    able = 0.0
    for group in range(p.groups.count):
        able += strength(world, p, day, group)
    return p.militias.war_rate / MONTH * able * provoked(world, p)


@rule
def to_truce(world, p, day, group):
    """From the ordinary to a truce, a day: called for by a clear timetable, or a threat believed (an embassy emptied)."""
    called = posture.clarity(world, p) + (1.0 - world.united_states.staff)
    return 0.0 if dated.given(p, day) else p.militias.truce_onset / MONTH * min(1.0, called)


@rule
def to_surge(world, p, day, group):
    """Into a surge, a day: tension, as far as the group's ties go; nearly at once after a killing of senior figures."""
    if day - world.united_states.killing_day < AFTERMATH:
        return AFTER_KILLING
    return p.militias.surge_onset / MONTH * environment.tension(world, p, day) * p.groups.ties[group]


@rule
def to_pause(world, p, day, group):
    """Into a pause, a day: allied parties are forming the government."""
    return world.government.forming * p.militias.pause_onset / MONTH * p.groups.ties[group]


@rule
def change_willingness(world, p, day, group):
    """Changes of regime a day, from the regime the group is in."""
    regime = world.militias.regime[group]
    if regime in (SURGE, PAUSE):
        return 1.0 / (p.militias.spell * MONTH)
    if regime == TRUCE and dated.given(p, day):
        return 0.0
    if regime == TRUCE:
        end = erlang3_hazard(day - world.militias.regime_day[group], p.militias.truce_lasts * MONTH)
        if world.united_states.betrayed == 1:
            end = end * p.militias.betrayal
        return end + to_surge(world, p, day, group)
    return to_truce(world, p, day, group) + to_surge(world, p, day, group) + to_pause(world, p, day, group)


# -- what happens ------------------------------------------------------------------------------------------------------
@rule
def change_regime(world, p, day, group, luck):
    """Out of a surge or pause into the ordinary; out of a truce into the ordinary or a surge; out of the ordinary into
    whichever is called for, in proportion."""
    regime = world.militias.regime[group]
    pick = luck[0] * change_willingness(world, p, day, group)
    if regime == ORDINARY:
        surge, truce = to_surge(world, p, day, group), to_truce(world, p, day, group)
        new = SURGE if pick < surge else TRUCE if pick < surge + truce else PAUSE
    elif regime == TRUCE:
        new = SURGE if pick < to_surge(world, p, day, group) else ORDINARY
        world.militias.truce_days += p.groups.capacity[group] * (day - world.militias.regime_day[group])
    else:
        new = ORDINARY
    world.militias.regime[group] = new
    world.militias.regime_day[group] = day


@rule
def land(world, p, day, restraint, luck):
    """One attack on a base, whoever fires: it rarely kills; Iraqi civilians more often than Americans. The United States
    decides whether to answer."""
    world.militias.base_attacks += 1
    lethal = min(1.0, p.militias.lethality * (1.0 - restraint) / EVENLY_RESTRAINED)
    deaths = 0
    if world.united_states.troops > 0 and luck[0] < lethal:
        deaths = 1 + poisson(1.0 - luck[0] / lethal, 1.0)  # the same luck never kills fewer where attacks are more lethal
        reprisals.lose(world, p, day, deaths)
    civilians = poisson(luck[1], 2.0 * lethal * p.militias.civilian_ratio)  # an attack that kills, kills two on average
    if civilians > 0:
        world.militias.civilian_deaths += civilians
        world.militias.standing -= STANDING_LOST * world.militias.standing
        government.push(world, government.BLOODSHED, government.bloodshed(p))
    reprisals.consider_reprisal(world, p, day, deaths, luck[2], luck[3])


@rule
def next_dated(world, p, day, group):
    return dated.next_dated(p, day, dated.TRUCE, dated.TRUCE_ENDS)


@rule
def as_dated(world, p, day, group, luck):
    """A truce that is known to have begun or ended on this day."""
    regime = world.militias.regime[group]
    for k in range(p.case.dated):
        if dated.is_dated(p, day, k, dated.TRUCE) and regime != TRUCE:
            world.militias.regime[group] = TRUCE
            world.militias.regime_day[group] = day
        if dated.is_dated(p, day, k, dated.TRUCE_ENDS) and regime == TRUCE:
            world.militias.truce_days += p.groups.capacity[group] * (day - world.militias.regime_day[group])
            world.militias.regime[group] = ORDINARY
            world.militias.regime_day[group] = day


@rule
def attack(world, p, day, group, luck):
    """A group attacks a base, and is itself excited by it."""
    world.militias.excited[group] = excitement(world, p, day, group) + 1.0
    world.militias.excited_day[group] = day
    land(world, p, day, min(1.0, p.militias.restraint * p.groups.restraint[group]), luck)


@rule
def attack_in_war(world, p, day, who, luck):
    """An attack in a regional war: without restraint."""
    land(world, p, day, 0.0, luck)


@rule
def attack_convoy(world, p, day, group, luck):
    """A group attacks a supply convoy: a count, almost never lethal to Americans."""
    world.militias.convoy_attacks += 1


@rule
def be_judged(world, p, day, who, luck):
    """Each week the public forgets a little, either way."""
    world.militias.standing += (0.5 - world.militias.standing) / STANDING_MEMORY


@rule
def shows_regime(world, p, group):
    return world.militias.regime[group] * 1.0


@rule
def truce_days(world, p, day):
    """Capacity-weighted days of truce up to a day, truces still running included."""
    total = world.militias.truce_days
    for group in range(p.groups.count):
        if world.militias.regime[group] == TRUCE:
            total += p.groups.capacity[group] * (day - world.militias.regime_day[group])
    return total


@rule
def busy(world, p, day):
    """The share of the militias' capacity that is turned against Americans rather than ISIS: groups in a surge; all, in war."""
    if environment.at_war(world, day):
        return 1.0
    share = 0.0
    for group in range(p.groups.count):
        if world.militias.regime[group] == SURGE:
            share += p.groups.capacity[group]
    return min(1.0, share)


ACTIVITIES = (
    Timer(name="public opinion", next=weekly, act=be_judged, routine=True),
    Hazard(name="base attack", cap=1.2, willingness=attack_willingness, act=attack, each=GROUPS, shows=shows_regime),
    Hazard(name="convoy attack", cap=0.6, willingness=convoy_willingness, act=attack_convoy, each=GROUPS, shows=shows_regime),
    Hazard(name="change of regime", cap=0.25, willingness=change_willingness, act=change_regime, each=GROUPS, shows=shows_regime),
    Timer(name="dated event", next=next_dated, act=as_dated, each=GROUPS, shows=shows_regime),
    Hazard(name="war attack", cap=2.0, willingness=war_willingness, act=attack_in_war),
)
