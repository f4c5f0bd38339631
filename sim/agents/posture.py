"""The execution of a schedule: which step comes next, on which day, and whether its conditions hold on what is observed.

Part of the United States' file in spirit; apart from it because a schedule is an object of its own (sim/schedule.py).
A schedule arrives here as arrays, `p.schedule`, one place for each step or condition.
"""

from sim.agents import observation
from sim.rules import NEVER, NOT_YET, rule
from sim.state import CONDITIONS

ANNOUNCE, MISSION, LEAVE = 0, 1, 2  # what a step does: the three clocks
ISIS_ATTACKS, BASE_ATTACKS, MASS_CASUALTIES, READINESS, CALM, TALKS, EXIT_DEMANDED, HELP_REQUESTED = range(8)  # indicators
UNDER_WAY, FIXED, FAILED = 0, 1, 2  # technical talks


@rule
def indicator(world, p, day, which, window):
    """One observed indicator today. Counts are of the last `window` days as reported; yes is 1, no is 0."""
    if which == ISIS_ATTACKS:
        return observation.reported(world, p, day, observation.ATTACKS_BY_ISIS, window)
    if which == BASE_ATTACKS:
        return observation.reported(world, p, day, observation.ATTACKS_ON_BASES, window)
    if which == MASS_CASUALTIES:
        return observation.reported(world, p, day, observation.MASS_CASUALTIES, window)
    if which == READINESS:
        return world.observation.readiness
    if which == CALM:
        return day - world.united_states.last_death_day  # days without a US death: known at once
    if which == TALKS:
        return 1.0 if world.government.talks_day >= 0.0 else 0.0
    if which == EXIT_DEMANDED:
        return 1.0 if world.government.exit_demanded_day >= 0.0 else 0.0
    return 1.0 if world.government.help_day >= 0.0 and day - world.government.help_day <= window else 0.0


@rule
def gate_holds(world, p, day, gate):
    """Whether all conditions of one gate hold. Gates are numbered: steps first, then pause, accelerate, return."""
    for c in range(gate * CONDITIONS, gate * CONDITIONS + p.schedule.conditions[gate]):
        value = indicator(world, p, day, p.schedule.indicator[c], p.schedule.window[c])
        if p.schedule.at_least[c] == 1 and value < p.schedule.threshold[c]:
            return False
        if p.schedule.at_least[c] == 0 and value >= p.schedule.threshold[c]:
            return False
    return True


@rule
def quickened(world, day):
    """A planned day after an acceleration: the time left from then is shortened to the schedule's share."""
    if world.united_states.pace_day < 0.0 or day <= world.united_states.pace_day:
        return day
    return world.united_states.pace_day + (day - world.united_states.pace_day) * world.united_states.pace


@rule
def planned_day(world, p, step):
    """The day a step may first happen: its date, or so many days after another step, and never during a pause. What follows a
    step that was itself hurried is hurried once."""
    us, anchor = world.united_states, p.schedule.after[step]
    if anchor < 0:
        day = quickened(world, p.schedule.day[step])
    elif 0.0 <= us.pace_day < us.done_day[anchor]:
        day = us.done_day[anchor] + p.schedule.days[step] * us.pace
    else:
        day = quickened(world, us.done_day[anchor] + p.schedule.days[step])
    return max(day, us.hold_until)


@rule
def latest_day(world, p, step):
    """The day on which a gate no longer holds a step back: its latest date, or when it has waited long enough."""
    latest = p.schedule.latest[step]
    if latest < NEVER:
        latest = max(quickened(world, latest), world.united_states.hold_until)
    return min(latest, planned_day(world, p, step) + p.schedule.wait[step])


@rule
def finished(world, p):
    """No step is left: all done, broken off, or overtaken by a forced exit or a return."""
    return world.united_states.step >= p.schedule.steps or world.united_states.schedule_over == 1


@rule
def departure_to_come(world, p):
    """Whether the schedule still has troops to take out."""
    if finished(world, p):
        return False
    for step in range(world.united_states.step, p.schedule.steps):
        if p.schedule.kind[step] == LEAVE:
            return True
    return False


@rule
def next_look(world, p, day, who):
    """When to look at the schedule again: at once if another step is ready, on the next step's day or its latest day, and at
    least every week."""
    if finished(world, p):
        return NEVER
    if step_ready(world, p, day, who):
        return day
    step = world.united_states.step
    soonest = day + 7.0
    planned = planned_day(world, p, step)
    if day < planned < soonest:
        soonest = planned
    latest = latest_day(world, p, step)
    if day < latest < soonest:
        soonest = latest
    return soonest


@rule
def step_ready(world, p, day, who):
    """Whether the next step happens (or is given up) today: its day has come, and its gate holds or its latest day is here."""
    if finished(world, p):
        return False
    step = world.united_states.step
    if day < planned_day(world, p, step):
        return False
    return gate_holds(world, p, day, step) or day >= latest_day(world, p, step)


@rule
def given_up(world, p, day, step):
    """Whether a step whose latest day has come without its conditions breaks the schedule rather than happening anyway."""
    return p.schedule.breaks[step] == 1 and not gate_holds(world, p, day, step)


@rule
def clarity(world, p):
    """How clear the timetable is to those who want one, 0 to 1: 1 while a date stands (or nobody is left), a half measure for an
    announcement without a date or a mere change of mission, half of that for hope in talks, nothing once a date was missed."""
    us = world.united_states
    if us.troops == 0 or us.exit_due < NEVER:
        return 1.0
    if us.betrayed == 1 or us.returned_day > NOT_YET:
        return 0.0
    if us.dated == 1:
        return 1.0
    if us.announced_day > NOT_YET or us.mission_day > NOT_YET:
        return p.militias.half_measure
    if p.schedule.offers_timetable == 1 and world.government.talks != FAILED:
        return 0.5 * p.militias.half_measure
    return 0.0
