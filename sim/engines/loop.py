"""The next-event loop of the compiled engine: plain Python in the subset that numba compiles, over the same rules as SimPy.

It knows kinds of activity, not agents: what a slot does it asks of the functions that sim.engines.dispatch makes from the
register.

Opportunities do not depend on the world, so they are made for a span of days at once and sorted; timers and responses do depend
on it, and are few, so the soonest of them is searched for. On the same day the first slot comes first, as by its priority in the
reference engine. All arithmetic is that engine's, in its order: the results are the same to the last bit.
"""

from math import log

import numpy as np

from sim.luck import EVENT, TIMING
from sim.rules import NEVER

BLOCK = 8  # timers and responses whose soonest day is kept together
SPAN = 512  # opportunities expected in a span of days; there is room for twice as many
ZERO, ONE, SEVEN, TIMES, EVENTS = np.uint64(0), np.uint64(1), np.uint64(7), np.uint64(TIMING), np.uint64(EVENT)
WEEK = 7.0
REAL, WHOLE, KEY = "f8", "i8", "u8"


def slots_type(room: int) -> np.dtype:
    """What the loop reads of a scenario: room for so many slots. A slot's number is its place in the order of priority."""
    return np.dtype(
        [
            ("horizon", REAL),  # days
            ("length", REAL),  # of a span, days
            ("hazards", WHOLE),  # how many
            ("hazard", WHOLE, (room,)),  # the slot of each
            ("others", WHOLE),  # timers and responses: how many
            ("other", WHOLE, (room,)),  # the slot of each
            ("responses", WHOLE),  # how many
            ("response", WHOLE, (room,)),  # their places among the others
            ("is_timer", WHOLE, (room,)),  # by place among the others
            ("kind", WHOLE, (room,)),  # by slot: number of the activity
            ("who", WHOLE, (room,)),
            ("stream", KEY, (room,)),
            ("cap", REAL, (room,)),
            # what is withheld (sim.engines.withheld): of these slots, by slot 1 or 0, the event with this luck; n 0 for all
            ("withheld", WHOLE, (room,)),
            ("withheld_n", KEY),
            ("withheld_word", KEY),
        ]
    )


def state_type(room: int) -> np.dtype:
    """What the loop keeps while it runs."""
    return np.dtype(
        [
            # where it is, should a rule raise, and how many events there were
            ("row", WHOLE),
            ("slot", WHOLE),
            ("day", REAL),
            ("events", WHOLE),
            # by slot: opportunities, and those with a willingness above the cap, of this replication and of all completed ones
            ("asked", WHOLE, (room,)),
            ("above", WHOLE, (room,)),
            ("opportunities", WHOLE, (room,)),
            ("saturated", WHOLE, (room,)),
            # by timer or response, in blocks of eight
            ("due", REAL, (room,)),
            ("soonest", REAL, (room // BLOCK,)),
            ("seen", REAL, (room,)),  # the day of a response as last seen
            ("n", KEY, (room,)),  # a timer's rings, or n of the event that set a response off
            ("word", KEY, (room,)),  # that event's stream
            ("cause", WHOLE, (room,)),  # and its number in the log
            # by hazard: its next opportunity, and of the eight of which that is one the days since the one before, and the bar,
            # take times cap, that the willingness must exceed
            ("next_day", REAL, (room,)),
            ("next_n", KEY, (room,)),
            ("gap", REAL, (BLOCK * room,)),
            ("bar", REAL, (BLOCK * room,)),
            # the opportunities of a span, as they are made, and the part of the span each lies in
            ("span_day", REAL, (2 * SPAN,)),
            ("span_bar", REAL, (2 * SPAN,)),
            ("span_n", KEY, (2 * SPAN,)),
            ("span_slot", WHOLE, (2 * SPAN,)),
            ("span_part", KEY, (2 * SPAN,)),
            ("heads", KEY, (SPAN + 1,)),  # where each part begins
            # the same soonest first: the day, and the place above
            ("order_day", REAL, (2 * SPAN + 1,)),
            ("order", KEY, (2 * SPAN + 1,)),
        ]
    )


def sooner(a, b):
    """min, in one instruction: no day is nan."""
    return a if a < b else b


def find_soonest(state, block):
    """Find the soonest day of a block again."""
    due, k = state.due, BLOCK * block
    a, b = sooner(due[k], due[k + 1]), sooner(due[k + 2], due[k + 3])
    c, d = sooner(due[k + 4], due[k + 5]), sooner(due[k + 6], due[k + 7])
    state.soonest[block] = sooner(sooner(a, b), sooner(c, d))


def draw_ahead(draw, slots, state, seed, replication, h, n):
    """The timing of a hazard's opportunities n to n + 7. First all draws, then all logarithms: the processor works on several at
    a time if one need not wait for another."""
    j, first = slots.hazard[h], BLOCK * h
    cap, stream, gaps, bars = slots.cap[j], slots.stream[j], state.gap, state.bar
    for i in range(BLOCK):
        gaps[first + i], bars[first + i], _, _ = draw(seed, replication, stream, n + np.uint64(i), TIMES)
    for i in range(BLOCK):
        gaps[first + i] = log(1.0 - gaps[first + i]) / cap  # negative: as the reference engine has it
        bars[first + i] *= cap


def make_opportunities(draw, slots, state, seed, replication, opened, end):
    """The opportunities of all hazards from one day up to another (and none after the horizon), as each hazard's own luck gives
    them, counted by part of the span; returns how many there are."""
    horizon, scale = slots.horizon, SPAN / (end - opened)
    heads, days, bars, turns, owners = state.heads, state.span_day, state.span_bar, state.span_n, state.span_slot
    for part in range(SPAN + 1):
        heads[part] = ZERO
    made = 0
    for h in range(slots.hazards):
        j, day, n = slots.hazard[h], state.next_day[h], state.next_n[h]
        while day < end and day <= horizon:
            if made == 2 * SPAN:  # chance below 1e-80
                raise OverflowError("more opportunities in a span of days than there is room for")
            i = int((n - ONE) & SEVEN)
            days[made], bars[made], turns[made], owners[made] = day, state.bar[BLOCK * h + i], n, j
            part = np.uint64(min(SPAN - 1, int((day - opened) * scale)))
            state.span_part[made] = part
            heads[part + ONE] += ONE
            made += 1
            n += ONE
            i = int((n - ONE) & SEVEN)
            if i == 0:
                draw_ahead(draw, slots, state, seed, replication, h, n)
            day -= state.gap[BLOCK * h + i]
        state.next_day[h], state.next_n[h] = day, n
    return made


def sort_opportunities(state, made):
    """Put the opportunities of a span in order: to their part of it, then into place. Those of one day stay in the order of
    slots."""
    heads, order, order_day = state.heads, state.order, state.order_day
    for part in range(1, SPAN):
        heads[part] += heads[part - 1]
    for k in range(made):
        part = state.span_part[k]
        order[heads[part]], order_day[heads[part]] = k, state.span_day[k]
        heads[part] += ONE
    for place in range(1, made):
        day = order_day[place]
        if day < order_day[place - 1]:
            k, hole = order[place], place
            while hole > 0 and order_day[hole - 1] > day:
                order[hole], order_day[hole] = order[hole - 1], order_day[hole - 1]
                hole -= 1
            order[hole], order_day[hole] = k, day


def happen(functions, slots, state, world, p, seed, replication, events, j, day, n, word, cause):
    """An event of slot j: it acts on the world, is logged, and may provoke responses; or it is withheld.

    n, word: which luck. cause: the number of the event that set it off, or -1. events: room for the log.
    """
    _, _, act, skip, _, _, due_day, read, _, _, draw = functions
    kind, who = slots.kind[j], slots.who[j]
    luck = draw(seed, replication, slots.stream[j], n, word)
    number = state.events
    if slots.withheld[j] == 1 and (slots.withheld_n == ZERO or (slots.withheld_n == n and slots.withheld_word == word)):
        skip(kind, world, p, day, who, luck)
    elif number < len(events):
        event = events[number]
        event.day, event.slot, event.n, event.cause = day, j, n, cause
        read(kind, world, p, who, event.before)
        act(kind, world, p, day, who, luck)
        read(kind, world, p, who, event.after)
        state.events = number + 1
    else:
        act(kind, world, p, day, who, luck)
        state.events = number + 1
    for i in range(slots.responses):
        k = slots.response[i]
        r = slots.other[k]
        due = due_day(slots.kind[r], world, p, slots.who[r])
        if due != state.seen[k]:  # set, put off, hurried or cancelled: the latest setting counts
            state.seen[k] = due
            state.due[k] = max(due, day) if due < NEVER else NEVER
            state.n[k], state.word[k], state.cause[k] = n, slots.stream[j], number
            find_soonest(state, k // BLOCK)


def begin_replication(functions, slots, state, world, p, seed, replication):
    """Each hazard's first opportunity, each timer's first ring; no response is due."""
    _, _, _, _, next_day, _, _, _, _, _, draw = functions
    for h in range(slots.hazards):
        draw_ahead(draw, slots, state, seed, replication, h, ONE)
        state.next_day[h], state.next_n[h] = 0.0 - state.gap[BLOCK * h], ONE
    for j in range(len(state.asked)):
        state.asked[j], state.above[j] = 0, 0
    for k in range(len(state.due)):
        state.due[k], state.seen[k], state.n[k], state.cause[k] = NEVER, NEVER, ONE, -1
    for k in range(slots.others):
        if slots.is_timer[k] == 1:
            j = slots.other[k]
            state.due[k] = next_day(slots.kind[j], world, p, 0.0, slots.who[j])
    for block in range(len(state.soonest)):
        find_soonest(state, block)
    state.events = 0


def replications(functions, slots, state, worlds, p, seed, first, start, rows, weeks, events):
    """Replications first + start, first + start + 1, ... of one scenario, one for each row.

    Args:
        functions: those of sim.engines.dispatch, in the order of its FUNCTIONS. slots, state: records of the types above.
        worlds: one as it is made, and one to work in. p: the parameters.
        seed, first: unsigned, 64 bits. start: the row to start at.
        rows: outcomes, one record a replication. weeks: records of the series, a row for each of the first replications.
        events: room for the event log of the last replication, or none.
    """
    begin, willing, _, _, next_day, ready, _, _, measure, week, draw = functions
    horizon = slots.horizon
    blocks = (slots.others + BLOCK - 1) // BLOCK
    for row in range(start, len(rows)):
        state.row, state.slot, state.day = row, -1, 0.0
        replication = first + np.uint64(row)
        worlds[1] = worlds[0]
        world = worlds[1]
        begin(world, p)
        begin_replication(functions, slots, state, world, p, seed, replication)
        end, made, taken = 0.0, 0, 0
        recorded, week_end = 0, WEEK
        while True:
            other_day = NEVER
            for block in range(blocks):
                other_day = sooner(state.soonest[block], other_day)
            while taken == made and end <= horizon and other_day >= end:
                opened, end = end, end + slots.length
                made, taken = make_opportunities(draw, slots, state, seed, replication, opened, end), 0
                sort_opportunities(state, made)
            hazard_day = state.order_day[taken] if taken < made else NEVER
            day = sooner(hazard_day, other_day)
            if row < len(weeks):
                while week_end < day and week_end <= horizon:  # after everything else of that day
                    week(world, p, week_end, weeks[row, recorded])
                    recorded += 1
                    week_end += WEEK
            if day > horizon:  # the last day counts
                break
            state.day = day
            other = 0
            if other_day <= hazard_day:  # the first of that day
                while state.due[other] != day and other + 1 < slots.others:
                    other += 1
            k = state.order[taken]  # of no meaning if none is left: then no hazard is due
            if hazard_day < other_day or (hazard_day == other_day and state.span_slot[k] < slots.other[other]):
                taken += 1
                j = state.span_slot[k]
                state.slot = j
                rate = willing(slots.kind[j], world, p, day, slots.who[j])
                state.asked[j] += 1
                if rate > slots.cap[j]:
                    state.above[j] += 1
                if state.span_bar[k] < rate:
                    n = state.span_n[k]
                    happen(functions, slots, state, world, p, seed, replication, events, j, day, n, EVENTS, -1)
                continue
            j = slots.other[other]
            state.slot = j
            n = state.n[other]
            if slots.is_timer[other] == 1:
                if ready(slots.kind[j], world, p, day, slots.who[j]):
                    happen(functions, slots, state, world, p, seed, replication, events, j, day, n, EVENTS, -1)
                state.n[other] = n + ONE
                state.due[other] = next_day(slots.kind[j], world, p, day, slots.who[j])
            else:
                state.due[other] = NEVER
                word, cause = state.word[other], state.cause[other]
                happen(functions, slots, state, world, p, seed, replication, events, j, day, n, word, cause)
            find_soonest(state, other // BLOCK)
        measure(world, p, horizon, rows[row])
        for j in range(len(state.asked)):
            state.opportunities[j] += state.asked[j]
            state.saturated[j] += state.above[j]


COMPILED = (sooner, find_soonest, draw_ahead, make_opportunities, sort_opportunities, happen, begin_replication, replications)
