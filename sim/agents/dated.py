"""Dated events that a case gives as input: what is known to have happened, in place of what might have.

Until `case.given_until` the kinds of event listed here happen on the dates given and on no other; after it, by the agents' own
hazards. Each agent has one timer for the kinds that are its own.
"""

from sim.rules import NEVER, rule

TENSION, PROTEST = 0, 1  # the environment's
RESIGNATION = 2  # the government's
STRIKE_IN_IRAQ, STRIKE_ACROSS, KILLING, ROUND = 3, 4, 5, 6  # the United States'
TRUCE, TRUCE_ENDS = 7, 8  # the militias'
KINDS = {
    "tension shock": TENSION,
    "protest wave": PROTEST,
    "government resigns": RESIGNATION,
    "strike in Iraq": STRIKE_IN_IRAQ,
    "strike in Syria": STRIKE_ACROSS,
    "killing of senior figures": KILLING,
    "dialogue round": ROUND,
    "truce": TRUCE,
    "truce ends": TRUCE_ENDS,
}
LASTING = ("protest wave", "government resigns")  # how many days is part of the input; 0: on the day given_until not over yet


@rule
def given(p, day):
    """Whether dated events stand for what happens on this day."""
    return day < p.case.given_until


@rule
def next_dated(p, day, first, last):
    """The day of the next dated event of the kinds from first to last, NEVER if there is none."""
    for k in range(p.case.dated):
        if p.case.dated_day[k] > day and first <= p.case.dated_kind[k] <= last:
            return p.case.dated_day[k]
    return NEVER


@rule
def is_dated(p, day, k, kind):
    """Whether the k-th dated event is of this kind and on this day."""
    return p.case.dated_day[k] == day and p.case.dated_kind[k] == kind
