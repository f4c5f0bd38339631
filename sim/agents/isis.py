"""ISIS remnants: bands in remote country and cells in the cities. They attack, recruit, lose members, and may come back.

Stock and flow: recruits come in (more where the state is held in contempt, more where territory is held), attrition takes
members out in proportion to the effort against them: the forces' readiness, part of it dependent on coalition enablers, part
of it borne by militias that are sometimes busy elsewhere. Small attacks are counted by week; one that kills ten or more is an
event of its own.
"""

from dataclasses import dataclass
from math import exp, fsum, log, sqrt

from sim.activity import Hazard, Timer
from sim.agents import government, militias, united_states
from sim.chance import gamma_of_mean_one, negative_binomial, normal, poisson, power_law
from sim.parameters import Beliefs as Declared
from sim.parameters import belief
from sim.rules import MONTH, NOT_YET, rule, weekly

URBAN = 0.2  # share of the stock in urban cells at the start; judgement
TEMPO_DAYS = 28.0  # a tempo of attacks lasts so long: months are overdispersed, weeks within them are not
FORTUNE_KEEPS = 0.9  # share of the recruiters' fortune (its logarithm) that lasts to the next four weeks; judgement
JAILBREAK = 0.08  # of the initial stock set free by a jailbreak; judgement: some 500 at Abu Ghraib in July 2013
GRIEVANCE = 0.3  # share of recruitment that follows the government's lost standing; judgement, sign from 2012-13
MILITIA_EFFORT = 0.3  # share of the effort against ISIS borne by militias; judgement: they hold rural ground
RESURGENCE_STOCK = 2.0  # times the initial stock, and
RESURGENCE_EFFORT = 0.6  # share of the effort of 2021: ground is contested above the one and below the other; the definition's
CONTESTED_WEEKS = 8  # weeks that the conditions of resurgence must last; part of its definition
TERRITORY_RECRUITS = 1.0  # rise of recruitment where territory is held; judgement: 2014
MASS, MOST = 10, 100  # a mass-casualty attack kills so many at least; the tail is truncated at 100 (GTD)


class Beliefs(Declared):
    # fmt: off
    stock: float = belief(4000.0, "members in Iraq", range=(2000.0, 7200.0), bounds=(1.0, 100000.0), evidence="computed",
        source="8,000 to 16,000 in Iraq and Syria (Lead IG, February 2021) times Iraq's share of 0.25 to 0.45 (judgement)")
    attacks: float = belief(110.0, "attacks/month at the initial stock, CTC scale", range=(90.0, 140.0), bounds=(0.0, 1000.0),
        evidence="document", source="CTC Sentinel, January 2022: 330 a quarter, July 2020 to November 2021; 139 a month in 2019")
    dispersion: float = belief(5.0, "size of the negative binomial of monthly counts", range=(3.0, 7.0), bounds=(2.0, 1000.0),
        evidence="computed", source="monthly counts, GTD 2018 to 2021")
    ramadan: float = belief(2.0, "factor on attacks in Ramadan", range=(1.5, 3.0), bounds=(1.0, 10.0), evidence="computed",
        source="GTD and CTC, May 2019 and April to May 2020")
    dependence: float = belief(0.3, "share of the effort that needs coalition enablers", range=(0.1, 0.6), bounds=(0.0, 1.0),
        evidence="judgement", source="judged: x1.15 (0.7 to 1.8) attacks 12 months after an exit; it gives x1.08 (1.02 to 1.2)")
    attrition: float = belief(0.08, "share of members lost/month at the effort of 2021", range=(0.04, 0.15), bounds=(0.0, 1.0),
        evidence="judgement", source="stock and attacks about level since July 2020, so recruits replace losses")
    volatility: float = belief(0.25, "sd of the log of recruitment, long run", range=(0.1, 0.5), bounds=(0.0, 2.0),
        evidence="judgement", source="border and fortune; spread of quarterly CTC counts, 2018 to 2020")
    fatal_share: float = belief(0.15, "share of attacks on the CTC scale that kill", range=(0.10, 0.43), bounds=(0.0, 1.0),
        evidence="computed", source="0.43 of GTD's own; 0.10 if none of those GTD misses kills")
    severity: float = belief(2.35, "exponent of deaths in a fatal attack", range=(2.3, 2.8), bounds=(1.5, 5.0),
        evidence="computed", source="power law on GTD fatal attacks, truncated at 100: P(10 or more) 2.7 to 0.8 %; GTD 2 to 5 %")
    jailbreaks: float = belief(0.015, "jailbreaks/month", range=(0.003, 0.04), bounds=(0.0, 1.0), evidence="judgement",
        source="eight in 'Breaking the Walls', July 2012 to July 2013, of which one large; none large 2018 to April 2021")
    # fmt: on


@dataclass
class State:
    rural: float = 0.0
    urban: float = 0.0
    tempo: float = 1.0  # of this four weeks' attacks, mean 1
    fortune: float = 0.0  # logarithm of recruitment
    attacks: int = 0
    deaths: int = 0
    mass_casualty_attacks: int = 0
    contested_weeks: int = 0
    resurgent: int = 0
    resurgence_day: float = NOT_YET


def derive(beliefs: Beliefs) -> dict[str, float]:
    """Numbers that follow from the beliefs and are dear to compute at each event: the severity distribution's tail and the first
    two moments of its body. P(k) ~ k^-severity for k = 1 to MOST."""
    weight = [exp(-beliefs.severity * log(k)) for k in range(1, MOST + 1)]
    total, body = fsum(weight), fsum(weight[: MASS - 1])
    return {
        "mass_share": 1.0 - body / total,
        "small_mean": fsum([k * w for k, w in enumerate(weight[: MASS - 1], 1)]) / body,
        "small_square": fsum([k * k * w for k, w in enumerate(weight[: MASS - 1], 1)]) / body,
    }


@rule
def begin(world, p):
    world.isis.rural = (1.0 - URBAN) * p.isis.stock
    world.isis.urban = URBAN * p.isis.stock


# -- the effort against them -------------------------------------------------------------------------------------------
@rule
def effort_of(p, readiness, enablers, busy, dependence):
    """Readiness x ((1 - d) + d E), less what busy militias do not contribute."""
    return readiness * (1.0 - dependence + dependence * enablers) * (1.0 - MILITIA_EFFORT * busy)


@rule
def effort(world, p, day, dependence):
    """The effort today against one component, 1 at the readiness and posture of 2021."""
    reference = effort_of(p, 0.6, 1.0 - exp(-p.case.reference_troops / p.united_states.enabling_scale), 0.0, dependence)
    if reference <= 0.0:
        return 1.0
    return (
        effort_of(p, world.iraqi_forces.readiness, united_states.enabling(world, p), militias.busy(world, p, day), dependence)
        / reference
    )


@rule
def stock(world):
    return world.isis.rural + world.isis.urban


@rule
def recruits(world, p):
    """Members a month who join: as many as attrition takes at the start, more with fortune, grievance and territory held, fewer
    with attention to human rights."""
    lost_standing = 1.0 - 2.0 * world.government.standing
    grievance = max(0.0, 1.0 + GRIEVANCE * (lost_standing - p.schedule.human_rights * 0.5))
    territory = 1.0 + TERRITORY_RECRUITS * world.isis.resurgent
    return (
        p.isis.attrition
        * p.isis.stock
        * exp(world.isis.fortune - 0.5 * p.isis.volatility * p.isis.volatility)
        * grievance
        * territory
    )


@rule
def in_ramadan(p, day):
    for k in range(len(p.case.ramadan_from)):
        if p.case.ramadan_from[k] <= day < p.case.ramadan_to[k]:
            return True
    return False


@rule
def pace(world, p, day):
    """Attacks a month before this month's tempo: in proportion to the stock, more in Ramadan."""
    season = p.isis.ramadan if in_ramadan(p, day) else 1.0
    return p.isis.attacks * season * stock(world) / p.isis.stock


# -- what happens ------------------------------------------------------------------------------------------------------
@rule
def next_tempo(world, p, day, who):
    return day + TEMPO_DAYS


@rule
def change_tempo(world, p, day, who, luck):
    """Every four weeks another tempo of attacks (gamma, so that monthly counts are negative binomial) and another fortune."""
    world.isis.tempo = gamma_of_mean_one(p.isis.dispersion, luck[0])
    shock = p.isis.volatility * sqrt(1.0 - FORTUNE_KEEPS * FORTUNE_KEEPS) * normal(luck[1])  # long-run sd: volatility
    world.isis.fortune = FORTUNE_KEEPS * world.isis.fortune + shock


@rule
def pass_week(world, p, day, who, luck):
    """A week of recruits and losses, of small attacks and their deaths, and of ground won or lost."""
    week = 7.0 / MONTH
    joined = recruits(world, p) * week
    rural_loss = p.isis.attrition * effort(world, p, day, p.isis.dependence) * week
    urban_loss = p.isis.attrition * effort(world, p, day, 0.5 * p.isis.dependence) * week  # cities lean less on the coalition
    world.isis.rural = max(0.0, world.isis.rural * (1.0 - min(1.0, rural_loss)) + (1.0 - URBAN) * joined)
    world.isis.urban = max(0.0, world.isis.urban * (1.0 - min(1.0, urban_loss)) + URBAN * joined)

    count = poisson(luck[0], pace(world, p, day) * week * world.isis.tempo)
    world.isis.attacks += count
    fatal = count * p.isis.fatal_share * (1.0 - p.isis.mass_share)
    mean = fatal * p.isis.small_mean
    surplus = fatal * p.isis.small_square - mean  # compound Poisson: variance above the mean
    if mean > 0.0:
        world.isis.deaths += negative_binomial(luck[1], mean, mean * mean / max(surplus, 1e-9))

    weak = effort(world, p, day, p.isis.dependence) < RESURGENCE_EFFORT
    strong = stock(world) > RESURGENCE_STOCK * p.isis.stock
    world.isis.contested_weeks = world.isis.contested_weeks + 1 if weak and strong else 0
    if world.isis.contested_weeks >= CONTESTED_WEEKS and world.isis.resurgent == 0:
        world.isis.resurgent = 1
        if world.isis.resurgence_day < 0.0:
            world.isis.resurgence_day = day
    elif not strong:
        world.isis.resurgent = 0


@rule
def mass_casualty_willingness(world, p, day, who):
    """Attacks a day that kill ten or more: the tail of the severity of fatal attacks, carried by the urban cells."""
    cells = world.isis.urban / (URBAN * stock(world)) if stock(world) > 0.0 else 0.0
    return pace(world, p, day) / MONTH * p.isis.fatal_share * p.isis.mass_share * cells


@rule
def mass_casualty(world, p, day, who, luck):
    """As on 21 January 2021, 32 killed."""
    world.isis.attacks += 1
    world.isis.mass_casualty_attacks += 1
    world.isis.deaths += power_law(luck[0], p.isis.severity, MASS, MOST)
    government.push(world, government.BLOODSHED, government.bloodshed(p))


@rule
def jailbreak_willingness(world, p, day, who):
    """Jailbreaks a day: fewer the readier the forces, 1 times the rate at a readiness of 0.6."""
    return p.isis.jailbreaks / MONTH * (1.0 - world.iraqi_forces.readiness) / 0.4


@rule
def jailbreak(world, p, day, who, luck):
    """Members are freed from prison."""
    freed = JAILBREAK * p.isis.stock * 2.0 * luck[0]
    world.isis.rural += (1.0 - URBAN) * freed
    world.isis.urban += URBAN * freed


@rule
def shows_attacks(world, p, who):
    return world.isis.attacks * 1.0


@rule
def shows_tempo(world, p, who):
    return world.isis.tempo


@rule
def shows_resurgent(world, p, who):
    return world.isis.resurgent * 1.0


ACTIVITIES = (
    Timer(name="tempo", next=next_tempo, act=change_tempo, routine=True, shows=shows_tempo),
    Timer(name="week of ISIS", next=weekly, act=pass_week, routine=True, shows=shows_resurgent),
    Hazard(name="mass-casualty attack", cap=0.2, willingness=mass_casualty_willingness, act=mass_casualty, shows=shows_attacks),
    Hazard(name="jailbreak", cap=0.05, willingness=jailbreak_willingness, act=jailbreak),
)
