"""The United States: keeps some 2,500 troops in the country, says when they leave (or does not), and answers when Americans die.

It follows its schedule, step by step, and each month reviews it against what is reported: pause, hurry, or come back. Its own
patience may end first. It strikes back where its red line is crossed, and moves embassy staff in and out with the threat.
"""

from dataclasses import dataclass
from math import exp

from sim.activity import Hazard, Response, Timer
from sim.agents import dated, government, observation, posture, reprisals
from sim.parameters import Beliefs as Declared
from sim.parameters import belief
from sim.rules import MONTH, NEVER, NOT_YET, rule
from sim.state import STEPS, listed

REVIEW = 30.0  # days between reviews of posture
ADVISER_WEIGHT = 0.5  # share of others that one adviser enables; judgement: training builds forces, air support presses ISIS now
EXIT_NOTICE = 90.0  # days from a decision to leave early to the last departure; judgement
EMBASSY_CAUTION = 0.5  # share of staff withdrawn at the attack rate of a surge; judgement: partial drawdown of 2 December 2020


class Beliefs(Declared):
    # fmt: off
    enabling_scale: float = belief(1500.0, "troops", range=(800.0, 2500.0), bounds=(50.0, 20000.0), evidence="judgement",
        source="P0 in E = 1 - exp(-P/P0); 25 strikes a month over Iraq and Syria flown at 2,500 to 3,000 troops")
    special_weight: float = belief(2.0, "ordinary troops that one of special operations counts for", range=(1.0, 4.0),
        bounds=(0.1, 20.0), evidence="judgement", source="both in pressure on ISIS and in provocation")
    strike_if_lethal: float = belief(0.95, "P(strike | attack that kills Americans)", range=(0.64, 1.0), bounds=(0.0, 1.0),
        evidence="computed", source="4 of 4 to April 2021; depends on the administration")
    strike_if_harmless: float = belief(0.02, "P(strike | attack that kills none)", range=(0.0, 0.06), bounds=(0.0, 1.0),
        evidence="computed", source="0 of 76 to October 2020")
    strike_delay: float = belief(3.2, "days, median", range=(1.0, 10.0), bounds=(0.1, 60.0), evidence="document",
        source="2, 1, 10 and 5 days, December 2019 to February 2021")
    strike_in_iraq: float = belief(0.75, "P(on Iraqi soil | strike)", range=(0.25, 0.95), bounds=(0.0, 1.0), evidence="computed",
        source="3 of 4; that of 25 February 2021 was in Syria")
    early_exit: float = belief(0.0005, "early exits/month with no cause", range=(0.0001, 0.003), bounds=(0.0, 1.0),
        evidence="judgement",
        source="no calibrated value found, the weakest part; no early exit in the 80 months from August 2014")
    exit_per_death: float = belief(0.3, "log hazard for each US death in 90 days", range=(0.05, 0.6), bounds=(0.0, 3.0),
        evidence="judgement", source="no calibrated value found; sign from Lebanon 1983-84 and Somalia 1993-94")
    exit_per_month: float = belief(0.01, "log hazard a month", range=(0.0, 0.04), bounds=(-0.2, 0.2), evidence="judgement",
        source="no calibrated value found; 'never a permanent mission'")
    exit_per_pressure: float = belief(3.0, "log hazard at full pressure; a formal demand counts as full", range=(1.0, 5.0),
        bounds=(0.0, 10.0), evidence="judgement", source="no calibrated value found; 2011 ended on a legal demand")
    # fmt: on


@dataclass
class State:
    combat: int = 0
    training: int = 0
    enablers: int = 0
    special: int = 0
    troops: int = 0  # their sum
    troop_days: float = 0.0  # up to since_day
    since_day: float = 0.0
    step: int = 0  # the next step of the schedule
    done_day: list = listed(NOT_YET, STEPS)
    hold_until: float = 0.0  # no step before this day
    pace: float = 1.0  # share of the remaining time that an acceleration leaves
    pace_day: float = NOT_YET
    schedule_over: int = 0
    dated: int = 0  # 1 while an announced date stands
    announced_day: float = NOT_YET
    mission_day: float = NOT_YET
    departure_day: float = NOT_YET  # latest departure
    promised_day: float = NEVER  # the date by which the schedule was promised to be done
    passed_over: int = 0  # 1 once a step was withheld: not all steps are done, though none is left
    betrayed: int = 0  # 1 once a promised date has passed unkept
    betrayed_day: float = NOT_YET  # first
    deaths: int = 0
    last_death_day: float = 0.0
    toll: float = 0.0  # deaths remembered on toll_day, forgotten over TOLL days
    toll_day: float = 0.0
    strike_due: float = NEVER
    strikes: int = 0
    strikes_in_iraq: int = 0
    struck_day: float = -1000.0  # latest strike, and the luck that decides how the militias take it
    struck_luck: float = 0.0
    killing_day: float = -1000.0  # latest killing of senior figures
    civilian_deaths: int = 0  # Iraqi civilians killed by US strikes
    staff: float = 1.0  # share of embassy staff present
    round_day: float = -1000.0  # latest dialogue round
    next_round: float = 0.0
    exit_due: float = NEVER  # last departure of a forced exit
    exit_decided_day: float = NOT_YET  # the decision to leave early
    exit_forced_day: float = NOT_YET  # the departure that it brought, if the schedule's own was not sooner
    exit_completed_day: float = NOT_YET
    return_due: float = NEVER
    returned_day: float = NOT_YET


@rule
def begin(world, p):
    us = world.united_states
    us.combat = p.case.combat
    us.training = p.case.training
    us.enablers = p.case.enablers
    us.special = p.case.special
    us.troops = us.combat + us.training + us.enablers + us.special
    us.last_death_day = p.case.last_us_death
    us.next_round = p.case.given_until + p.case.dialogue_gap
    us.round_day = 0.0  # the scenario starts on the day of a round


# -- what others read ----------------------------------------------------------------------------------------------------
@rule
def presence(world, p):
    """Presence as the militias see it, 1 at the reference posture: heads, those of special operations weighing more."""
    extra = p.united_states.special_weight - 1.0
    now = world.united_states.troops + extra * world.united_states.special
    return now / (p.case.reference_troops + extra * p.case.reference_special)


@rule
def enabling(world, p):
    """Enabler capacity E = 1 - exp(-P/P0): intelligence and air support for the Iraqi forces, saturating in troops P
    (weighted by role, and scaled so that the reference posture counts as its number of troops)."""
    us, w, a = world.united_states, p.united_states.special_weight, ADVISER_WEIGHT
    weight = (us.combat + us.enablers + a * us.training + w * us.special) / (
        p.case.reference_combat + p.case.reference_enablers + a * p.case.reference_training + w * p.case.reference_special
    )
    return 1.0 - exp(-weight * p.case.reference_troops / p.united_states.enabling_scale)


# -- troops --------------------------------------------------------------------------------------------------------------
@rule
def count_troops(world, day, combat, training, enablers, special):
    """Set the posture by role and keep the account of troop-days."""
    us = world.united_states
    us.troop_days += us.troops * (day - us.since_day)
    us.since_day = day
    us.combat, us.training, us.enablers, us.special = combat, training, enablers, special
    us.troops = combat + training + enablers + special
    if us.troops == 0:
        us.exit_due = NEVER
        us.promised_day = NEVER
        us.betrayed = 0  # late, but kept
        if us.exit_completed_day < 0.0:
            us.exit_completed_day = day


@rule
def relieve(world, p, before):
    """A timetable that has become clearer relieves the government, by as much as a missed one would press it."""
    gained = posture.clarity(world, p) - before
    if gained > 0.0:
        government.push(world, government.TIMETABLE, -p.government.deadline_push * gained)


@rule
def take_step(world, p, day, who, luck):
    """The next step of the schedule happens: an announcement, a change of mission, or a departure; or it breaks the schedule."""
    us, step = world.united_states, world.united_states.step
    if posture.given_up(world, p, day, step):
        us.schedule_over = 1
        break_promise(world, p, day)
        return
    before = posture.clarity(world, p)
    us.done_day[step] = day
    us.step = step + 1
    kind = p.schedule.kind[step]
    if kind == posture.ANNOUNCE:
        us.announced_day = day
        us.promised_day = min(p.schedule.promise[step], day + p.schedule.promise_days[step])
        us.dated = 1 if us.promised_day < NEVER else 0
        us.betrayed = 0
    elif kind == posture.MISSION:
        us.mission_day = day
        count_troops(world, day, 0, us.training + us.combat, us.enablers, us.special)
    else:
        us.departure_day = day
        count_troops(
            world,
            day,
            max(0, us.combat - p.schedule.leave_combat[step]),
            max(0, us.training - p.schedule.leave_training[step]),
            max(0, us.enablers - p.schedule.leave_enablers[step]),
            max(0, us.special - p.schedule.leave_special[step]),
        )
    relieve(world, p, before)


@rule
def pass_over_step(world, p, day, who, luck):
    """The next step is withheld: it is over, so that those behind it are not, and nothing of it is done."""
    us, step = world.united_states, world.united_states.step
    us.done_day[step] = day
    us.step = step + 1
    us.passed_over = 1


@rule
def promise_due(world, p, who):
    return world.united_states.promised_day


@rule
def break_promise(world, p, day):
    """A promised date is not kept: no timetable is believed now. Where none was promised, nothing is broken."""
    us = world.united_states
    us.promised_day = NEVER
    if us.dated == 0:
        return
    us.dated = 0
    us.betrayed = 1
    if us.betrayed_day < 0.0:
        us.betrayed_day = day
    government.push(world, government.DEADLINE, p.government.deadline_push)


@rule
def check_promise(world, p, day, who, luck):
    """The promised day: either all steps are done, or the promise is broken. A promise kept is a date no more: whoever stays
    on after it stays without one."""
    us = world.united_states
    us.promised_day = NEVER
    if (us.step < p.schedule.steps or us.passed_over == 1) and us.troops > 0:
        break_promise(world, p, day)
    us.dated = 0


@rule
def overlook_promise(world, p, day, who, luck):
    """The promised day passes and nobody takes stock of it: neither kept nor broken."""
    world.united_states.promised_day = NEVER


# -- reviews: pause, hurry, come back --------------------------------------------------------------------------------------
@rule
def next_review(world, p, day, who):
    return day + REVIEW


@rule
def pause_ready(world, p, day, who):
    return p.schedule.pauses == 1 and not posture.finished(world, p) and posture.gate_holds(world, p, day, STEPS)


@rule
def pause(world, p, day, who, luck):
    """A monthly review finds reason to pause: no step happens for a while, counted from this review."""
    world.united_states.hold_until = day + p.schedule.pause_days


@rule
def acceleration_ready(world, p, day, who):
    if p.schedule.accelerates == 0 or world.united_states.pace_day >= 0.0 or posture.finished(world, p):
        return False
    return posture.gate_holds(world, p, day, STEPS + 1)


@rule
def accelerate(world, p, day, who, luck):
    """A monthly review finds reason to hurry, once: the time left to each later step shrinks."""
    world.united_states.pace_day = day
    world.united_states.pace = p.schedule.pace


@rule
def return_ready(world, p, day, who):
    us = world.united_states
    if p.schedule.returns == 0 or us.returned_day >= 0.0 or us.return_due < NEVER:
        return False
    gone = us.troops == 0 or (us.departure_day >= 0.0 and posture.finished(world, p))
    return gone and posture.gate_holds(world, p, day, STEPS + 2)


@rule
def decide_return(world, p, day, who, luck):
    """A monthly review, after the last departure, finds reason to come back."""
    world.united_states.return_due = day + p.schedule.return_days


@rule
def return_due(world, p, who):
    return world.united_states.return_due


@rule
def come_back(world, p, day, who, luck):
    """Troops arrive up to the posture that the schedule names, and what was left of the schedule is void."""
    us = world.united_states
    us.return_due = NEVER
    us.exit_due = NEVER
    us.promised_day = NEVER
    us.dated = 0
    us.returned_day = day
    us.schedule_over = 1
    count_troops(
        world,
        day,
        max(us.combat, p.schedule.return_combat),
        max(us.training, p.schedule.return_training),
        max(us.enablers, p.schedule.return_enablers),
        max(us.special, p.schedule.return_special),
    )


@rule
def call_off_return(world, p, day, who, luck):
    """Nobody arrives; a later review may decide again."""
    world.united_states.return_due = NEVER


@rule
def early_exit_willingness(world, p, day, who):
    """Decisions a day to leave before the schedule says: h0 exp(b1 deaths in 90 days + b2 months + b3 pressure)."""
    us, b = world.united_states, p.united_states
    if us.troops == 0 or us.exit_decided_day >= 0.0:
        return 0.0
    pressure = 1.0 if world.government.exit_demanded_day >= 0.0 else world.government.pressure
    causes = b.exit_per_death * reprisals.toll(world, day) + b.exit_per_month * day / MONTH + b.exit_per_pressure * pressure
    return b.early_exit / MONTH * exp(min(causes, 100.0))  # far above any cap; exp of more would overflow


@rule
def decide_early_exit(world, p, day, who, luck):
    """Washington decides to leave: all are gone after EXIT_NOTICE, or sooner if the schedule's own steps come first."""
    us, before = world.united_states, posture.clarity(world, p)
    us.exit_decided_day = day
    us.exit_due = day + EXIT_NOTICE  # a date, of sorts
    relieve(world, p, before)


@rule
def exit_due(world, p, who):
    return world.united_states.exit_due


@rule
def leave_early(world, p, day, who, luck):
    """The last troops leave, as decided."""
    world.united_states.exit_forced_day = day
    world.united_states.departure_day = day
    world.united_states.schedule_over = 1
    count_troops(world, day, 0, 0, 0, 0)


@rule
def call_off_exit(world, p, day, who, luck):
    """The last departure that was decided does not take place: the schedule goes on."""
    world.united_states.exit_due = NEVER


# -- dialogue and embassy ----------------------------------------------------------------------------------------------------
@rule
def next_round(world, p, day, who):
    return world.united_states.next_round


@rule
def plan_round(world, p, day, who, luck):
    """The next round is some time off, whether this one was held or not."""
    world.united_states.next_round = day + p.case.dialogue_gap * (0.5 + luck[0])


@rule
def dialogue_round(world, p, day, who, luck):
    """A round of the Strategic Dialogue strengthens the government, restarts talks that failed, and renews hope of a date.
    Attention to human rights gains standing in the street and costs it among the militias' allies."""
    plan_round(world, p, day, who, luck)
    hold_round(world, p, day)


@rule
def hold_round(world, p, day):
    """What a round does; when the next one is, is another matter."""
    us = world.united_states
    us.round_day = day
    a_round = government.LEVER_EFFECT
    government.push(world, government.DIALOGUE, -a_round)
    government.lift(world, government.RIGHTS, a_round * p.schedule.human_rights)
    government.press(world, government.RIGHTS, a_round * p.schedule.human_rights)
    if world.government.talks == posture.FAILED and us.troops > 0:
        world.government.talks = posture.UNDER_WAY


@rule
def next_dated(world, p, day, who):
    return dated.next_dated(p, day, dated.STRIKE_IN_IRAQ, dated.ROUND)


@rule
def as_dated(world, p, day, who, luck):
    """What the United States is known to have done on this day."""
    for k in range(p.case.dated):
        if dated.is_dated(p, day, k, dated.STRIKE_IN_IRAQ):
            reprisals.hit(world, p, day, True, luck[0], luck[1])
        if dated.is_dated(p, day, k, dated.STRIKE_ACROSS):
            reprisals.hit(world, p, day, False, luck[0], luck[1])
        if dated.is_dated(p, day, k, dated.KILLING):
            reprisals.kill_senior(world, p, day, who, luck)
        if dated.is_dated(p, day, k, dated.ROUND):
            hold_round(world, p, day)


@rule
def next_staffing(world, p, day, who):
    return day + 14.0


@rule
def staff_embassy(world, p, day, who, luck):
    """Staff follow the threat: reported attacks of the last four weeks against those of a surge."""
    surge = p.militias.surge_rate * 28.0 / MONTH * p.observation.base_coverage
    threat = 0.0
    if surge > 0.0:
        threat = min(1.0, observation.reported(world, p, day, observation.ATTACKS_ON_BASES, 28.0) / surge)
    world.united_states.staff = 1.0 - EMBASSY_CAUTION * threat


@rule
def shows_step(world, p, who):
    return world.united_states.step * 1.0


@rule
def shows_strikes(world, p, who):
    return world.united_states.strikes_in_iraq * 1.0


@rule
def shows_staff(world, p, who):
    return world.united_states.staff


@rule
def shows_hold(world, p, who):
    return world.united_states.hold_until


@rule
def shows_betrayed(world, p, who):
    return world.united_states.betrayed * 1.0


ACTIVITIES = (
    Timer(
        name="schedule", next=posture.next_look, ready=posture.step_ready, act=take_step, skip=pass_over_step, shows=shows_step
    ),
    Response(name="promised date", due=promise_due, act=check_promise, skip=overlook_promise, shows=shows_betrayed),
    Timer(name="pause", next=next_review, ready=pause_ready, act=pause, shows=shows_hold),
    Timer(name="acceleration", next=next_review, ready=acceleration_ready, act=accelerate),
    Timer(name="decision to return", next=next_review, ready=return_ready, act=decide_return),
    Response(name="return", due=return_due, act=come_back, skip=call_off_return),
    Hazard(name="early exit", cap=0.1, willingness=early_exit_willingness, act=decide_early_exit),
    Response(name="forced departure", due=exit_due, act=leave_early, skip=call_off_exit),
    Response(
        name="reprisal", due=reprisals.strike_due, act=reprisals.strike, skip=reprisals.call_off_strike, shows=shows_strikes
    ),
    Hazard(
        name="killing of senior figures",
        cap=0.005,
        willingness=reprisals.killing_willingness,
        act=reprisals.kill_senior,
        shows=shows_strikes,
    ),
    Timer(name="dialogue round", next=next_round, act=dialogue_round, skip=plan_round),
    Timer(name="dated event", next=next_dated, act=as_dated, shows=shows_strikes),
    Timer(name="embassy staffing", next=next_staffing, act=staff_embassy, routine=True, shows=shows_staff),
)
