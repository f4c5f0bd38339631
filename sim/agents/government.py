"""The Iraqi government: it balances Washington against the militias, and its own street against both.

Two indices between 0 and 1 carry that balance: `pressure`, to demand that the Americans leave, and `standing`, how firmly it
holds office. Events push them, with diminishing returns near the bounds; within a week one cause counts once, at its largest.
They return slowly to a baseline that itself drifts (weekly weights 0.05, 0.93, 0.02: JPL, Athena analyst's guide).
"""

from dataclasses import dataclass
from math import log

from sim.activity import GROUPS, Hazard, Response, Timer
from sim.agents import dated, environment, observation, posture
from sim.chance import lognormal, lognormal_beyond
from sim.parameters import Beliefs as Declared
from sim.parameters import belief
from sim.rules import MONTH, NEVER, NOT_YET, rule, weekly
from sim.state import listed, per_group

STRIKE, DEADLINE, BLOODSHED, TIMETABLE, DIALOGUE, AID, RIGHTS, STREET, TERRITORY = range(9)  # causes
MEMORY = 8.0  # weeks, mean life of a push; judgement: months rather than years
BLOODSHED_SHARE = 1.0 / 6.0  # of the push of a strike: a mass-casualty attack, civilians killed, a week of protest; judgement
LEVER_EFFECT = 0.03  # share of the distance to the bound, a month (a round) at full lever; judgement
HELP = 0.2  # requests for help a month for each doubling of reported attacks; judgement: June 2014
CRACKDOWN = 0.05  # crackdowns on a group a month at full standing; judgement: June and December 2020
FORMATION, FORMATION_SIGMA = 6.0, 0.4  # months to form a government: median, sd of the logarithm; 9 in 2010, 5 in 2018, 5 in 2020
ECHO = 0.5  # judgement: what raises pressure lowers standing, by half as much
NEAR, KEEP, NATURAL = 0.05, 0.93, 0.02  # weekly weights of the drifting baseline (Athena)


class Beliefs(Declared):
    # fmt: off
    standing: float = belief(0.5, "index, 0 to 1", range=(0.3, 0.7), bounds=(0.0, 1.0), evidence="judgement",
        source="al-Kadhimi, without a party of his own, confirmed in May 2020 after two failed nominees")
    pressure: float = belief(0.4, "index, 0 to 1", range=(0.25, 0.55), bounds=(0.0, 1.0), evidence="judgement",
        source="parliament's vote of 5 January 2020 was not binding and was not carried out by April 2021")
    strike_push: float = belief(0.30, "share of the distance to 1", range=(0.15, 0.5), bounds=(0.0, 1.0), evidence="judgement",
        source="the strongest single push: parliament voted two days after the strike of 3 January 2020")
    deadline_push: float = belief(0.15, "share of the distance to 1", range=(0.05, 0.3), bounds=(0.0, 1.0), evidence="judgement",
        source="sign from MODEL laws; a granted timetable relieves by as much as a missed one presses")
    exit_demand: float = belief(0.15, "demands/month at full pressure", range=(0.05, 0.4), bounds=(0.0, 3.0),
        evidence="judgement", source="one vote, no binding demand, in the 15 months after 3 January 2020")
    fall: float = belief(0.0056, "falls/month at a standing of 0.5", range=(0.0003, 0.026), bounds=(0.0, 1.0),
        evidence="computed", source="one resignation between elections (29 November 2019) in 15 years; exact Poisson 90 % range")
    talks_end: float = belief(0.2, "ends of technical talks/month", range=(0.08, 0.5), bounds=(0.0, 1.4), evidence="judgement",
        source="announced 7 April 2021 without a date; earlier rounds were two to eight months apart")
    talks_fix: float = belief(0.6, "P(talks fix a timetable | they end)", range=(0.3, 0.9), bounds=(0.0, 1.0),
        evidence="judgement", source="both sides stated the aim; the 2008 talks succeeded, those of 2011 failed")
    # fmt: on


@dataclass
class State:
    standing: float = 0.0
    standing_base: float = 0.0
    pressure: float = 0.0
    pressure_base: float = 0.0
    lowest_standing: float = 1.0
    pressed: list = listed(0.0, 9)  # what each cause has already counted this week, on pressure
    lifted: list = listed(0.0, 9)  # and on standing
    caretaker: int = 0  # 1 from a fall or an election until a government is formed
    forming: int = 0  # 1 while it is an election's outcome that is being negotiated
    formed_day: float = NEVER  # when the next government will be formed
    fell_day: float = NOT_YET  # first fall
    exit_demanded_day: float = NOT_YET  # first demand
    help_day: float = NOT_YET  # latest request for help
    talks: int = posture.UNDER_WAY
    talks_day: float = NOT_YET  # when the talks fixed a timetable
    crackdown_day: list = per_group(-1000.0)  # latest crackdown on each group


@rule
def begin(world, p):
    world.government.standing = world.government.standing_base = p.government.standing
    world.government.pressure = world.government.pressure_base = p.government.pressure
    world.government.lowest_standing = p.government.standing


# -- the two indices ---------------------------------------------------------------------------------------------------
@rule
def beyond(counted, cause, amount):
    """What a push adds to what its cause already counted this week: one cause counts once, at its largest. The share of what
    is left that makes both together as large as the larger alone."""
    if abs(amount) <= counted[cause]:
        return 0.0
    more = (abs(amount) - counted[cause]) / (1.0 - counted[cause])
    counted[cause] = abs(amount)
    return more


@rule
def moved(index, amount, up):
    """The index after a push of this share of the distance to its bound: diminishing returns."""
    return index + amount * (1.0 - index) if up else index - amount * index


@rule
def press(world, cause, amount):
    """Raise (amount > 0) or relieve pressure on the government."""
    more = beyond(world.government.pressed, cause, amount)
    world.government.pressure = moved(world.government.pressure, more, amount > 0.0)


@rule
def lift(world, cause, amount):
    """Raise (amount > 0) or lower the government's standing."""
    more = beyond(world.government.lifted, cause, amount)
    world.government.standing = moved(world.government.standing, more, amount > 0.0)
    world.government.lowest_standing = min(world.government.lowest_standing, world.government.standing)


@rule
def push(world, cause, amount):
    """An event that raises pressure and costs standing (amount > 0), or the reverse."""
    press(world, cause, amount)
    lift(world, cause, -ECHO * amount)


@rule
def bloodshed(p):
    """The push of blood in the news: a sixth of that of a strike on Iraqi soil."""
    return BLOODSHED_SHARE * p.government.strike_push


@rule
def politics(world, p, day, who, luck):
    """A week passes: causes may count again, indices return towards their baselines, baselines drift, levers and street work."""
    for cause in range(9):
        world.government.pressed[cause] = 0.0
        world.government.lifted[cause] = 0.0
    natural = min(1.0, 2.0 * p.government.pressure * world.militias.standing)  # the militias' weight in parliament
    back = 1.0 / MEMORY
    was = world.government.pressure
    world.government.pressure = was + back * (world.government.pressure_base - was)
    world.government.pressure_base = NEAR * was + KEEP * world.government.pressure_base + NATURAL * natural
    was = world.government.standing
    world.government.standing = was + back * (world.government.standing_base - was)
    world.government.standing_base = NEAR * was + KEEP * world.government.standing_base + NATURAL * p.government.standing
    a_week = LEVER_EFFECT * 7.0 / MONTH
    lift(world, AID, a_week * p.schedule.aid * world.united_states.staff)  # aid needs people to spend it
    press(world, AID, -a_week * p.schedule.aid * world.united_states.staff)
    if environment.protesting(world, day):
        push(world, STREET, bloodshed(p))
    if world.isis.resurgent == 1:
        lift(world, TERRITORY, -bloodshed(p))  # ground lost shames a government; it does not make it wish allies away


# -- exit, help, talks -------------------------------------------------------------------------------------------------
@rule
def demand_willingness(world, p, day, who):
    """Demands for exit a day. Steep in pressure (its cube, a judgement: it takes several causes at once); none under a timetable
    that stands, with nobody left to go, or by a caretaker."""
    if world.united_states.troops == 0 or world.government.exit_demanded_day >= 0.0 or world.government.caretaker == 1:
        return 0.0
    x = world.government.pressure
    return p.government.exit_demand / MONTH * x * x * x * (1.0 - posture.clarity(world, p))


@rule
def demand_exit(world, p, day, who, luck):
    """The government formally demands that foreign troops leave. Whether they do is the United States' decision."""
    world.government.exit_demanded_day = day


@rule
def help_willingness(world, p, day, who):
    """Requests for help a day: once reported attacks double, more as they double again; soon where ground is lost."""
    if day - world.government.help_day < 180.0 and world.government.help_day >= 0.0:
        return 0.0
    usual = world.observation.isis_usual * 13.0
    if usual <= 0.0:
        return 0.0
    ratio = observation.reported(world, p, day, observation.ATTACKS_BY_ISIS, 91.0) / usual
    doublings = log(ratio) / log(2.0) if ratio >= 2.0 else 0.0
    if world.isis.resurgent == 1:
        doublings += 2.0
    return HELP / MONTH * doublings


@rule
def ask_for_help(world, p, day, who, luck):
    """The government asks for help against ISIS; while it does, nobody presses it to send help away."""
    world.government.help_day = day
    press(world, TERRITORY, -p.government.deadline_push)


@rule
def talks_willingness(world, p, day, who):
    """Technical talks end at a constant hazard while they are under way and somebody can sign."""
    if world.government.talks != posture.UNDER_WAY or world.government.caretaker == 1 or world.united_states.troops == 0:
        return 0.0
    return p.government.talks_end / MONTH


@rule
def end_talks(world, p, day, who, luck):
    """They fix a timetable, or fail to; under a refused timetable they can only fail."""
    if p.schedule.offers_timetable == 1 and luck[0] < p.government.talks_fix:
        world.government.talks = posture.FIXED
        world.government.talks_day = day
    else:
        world.government.talks = posture.FAILED


# -- falling and forming -----------------------------------------------------------------------------------------------
@rule
def fall_willingness(world, p, day, who):
    """Falls a day, higher with the square of lost standing (judgement)."""
    if world.government.caretaker == 1 or dated.given(p, day):
        return 0.0
    lost = 1.0 - world.government.standing
    return p.government.fall / MONTH * 4.0 * lost * lost


@rule
def fall(world, p, day, who, luck):
    """The government falls; a caretaker stays until another is formed."""
    if world.government.fell_day < 0.0:
        world.government.fell_day = day
    world.government.caretaker = 1
    world.government.formed_day = day + lognormal(FORMATION * MONTH, FORMATION_SIGMA, luck[0])


@rule
def next_dated(world, p, day, who):
    return dated.next_dated(p, day, dated.RESIGNATION, dated.RESIGNATION)


@rule
def as_dated(world, p, day, who, luck):
    """A government that is known to have resigned; the next one took so many days, or is known not to be there yet."""
    fall(world, p, day, who, luck)
    for k in range(p.case.dated):
        if dated.is_dated(p, day, k, dated.RESIGNATION):
            took = p.case.dated_lasts[k]
            if took == 0.0:
                took = lognormal_beyond(p.case.given_until - day, FORMATION * MONTH, FORMATION_SIGMA, luck[0])
            world.government.formed_day = day + took


@rule
def next_election(world, p, day, who):
    soonest = NEVER
    for election in p.case.elections:
        if day < election < soonest:
            soonest = election
    return soonest


@rule
def elect(world, p, day, who, luck):
    """An election: a caretaker until a coalition is found, and the militias' allies at the table."""
    world.government.caretaker = 1
    world.government.forming = 1
    world.government.formed_day = day + lognormal(FORMATION * MONTH, FORMATION_SIGMA, luck[0])


@rule
def formed_due(world, p, who):
    return world.government.formed_day


@rule
def form(world, p, day, who, luck):
    """A new government starts from its natural standing, if it had lost any."""
    world.government.formed_day = NEVER
    world.government.caretaker = 0
    world.government.forming = 0
    world.government.standing = max(world.government.standing, p.government.standing)
    world.government.standing_base = max(world.government.standing_base, p.government.standing)


@rule
def call_off_formation(world, p, day, who, luck):
    """No government is formed; the caretaker stays until another election."""
    world.government.formed_day = NEVER


# -- crackdowns --------------------------------------------------------------------------------------------------------
@rule
def crackdown_willingness(world, p, day, group):
    """Crackdowns on one group a day: a firm government dares, a pressed one does not."""
    if world.government.caretaker == 1 or p.groups.capacity[group] == 0.0:
        return 0.0
    return CRACKDOWN / MONTH * world.government.standing * (1.0 - world.government.pressure)


@rule
def crack_down(world, p, day, group, luck):
    """Arrests: the group is weakened for a while; its friends press the government, the more so the closer its ties."""
    world.government.crackdown_day[group] = day
    press(world, STREET, bloodshed(p) * p.groups.ties[group])


@rule
def shows_talks(world, p, who):
    return world.government.talks * 1.0


@rule
def shows_formation(world, p, who):
    return world.government.formed_day


ACTIVITIES = (
    Timer(name="politics", next=weekly, act=politics, routine=True),
    Hazard(name="exit demand", cap=0.02, willingness=demand_willingness, act=demand_exit),
    Hazard(name="request for help", cap=0.1, willingness=help_willingness, act=ask_for_help),
    Hazard(name="technical talks end", cap=0.05, willingness=talks_willingness, act=end_talks, shows=shows_talks),
    Hazard(name="fall of the government", cap=0.01, willingness=fall_willingness, act=fall, shows=shows_formation),
    Timer(name="dated event", next=next_dated, act=as_dated, shows=shows_formation),
    Timer(name="election", next=next_election, act=elect, shows=shows_formation),
    Response(name="government formed", due=formed_due, act=form, skip=call_off_formation),
    Hazard(name="crackdown", cap=0.01, willingness=crackdown_willingness, act=crack_down, each=GROUPS),
)
