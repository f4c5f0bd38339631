"""Parity: two engines give the same bytes, on random valid scenarios. One command runs them all; the tests run a fast share.

    python -m tests.parity                                  # 300 scenarios, both engines
    python -m tests.parity --only 17 42 --runs 5            # some of them again, five replications each
    python -m tests.parity --bounds-checked                 # compiled with NUMBA_BOUNDSCHECK=1, in a cache folder of its own

A scenario is a function of its number, and so are the seed and the replications it is run with.
"""

import argparse
import importlib
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from itertools import zip_longest
from marshal import dumps
from struct import pack
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, TypeVar

from numpy.random import Generator, default_rng

from experiments.choices import ORDER
from sim import model
from sim.agents.dated import KINDS, LASTING
from sim.case import DATED, ROLES
from sim.engines.block import Event, Replication
from sim.outcomes import EVENTS, OUTCOMES, SERIES, YES_NO
from sim.readings import READINGS
from sim.scenario import Scenario, declared_parameters, read_scenario
from sim.state import CONDITIONS, STEPS
from sim.studies.executors import cores
from tests.worlds import RIVALS, content, scenario

SALT = 8_675_309  # another salt, other scenarios
SCHEDULES = (*ORDER, "own", "own", "own", "own")  # number by number; own ones are made at random
HORIZONS = (30, 1500)
WIDE = 0.1  # share of scenarios with parameters far outside their priors
EXTREME_KEYS = (0, 1, 2**63, 2**64 - 1)
NAMES = ("hardline", "a", "z9", "brigade_2", "b", "coalition", "m_", "group_10", "group_2", "quiet")
HARMLESS = ("at least 0 reported ISIS attacks in 7 days", "ISF readiness at least 0", "no US death for 0 days")  # always hold
T = TypeVar("T")


# -- random scenarios --------------------------------------------------------------------------------------------------
def whole(rng: Generator, low: int, high: int) -> int:
    """A whole number, both ends included."""
    return int(rng.integers(low, high, endpoint=True))


def pick(rng: Generator, choices: Sequence[T]) -> T:
    return choices[int(rng.integers(len(choices)))]


def odds(rng: Generator, share: float) -> bool:
    return bool(rng.random() < share)


def between(rng: Generator, low: float, high: float, ends: float = 0.125) -> float:
    """Anywhere in a range, or, one time in eight, at an end of it."""
    return pick(rng, (low, high)) if odds(rng, ends) else low + (high - low) * float(rng.random())


def random_scenario(number: int) -> Scenario:
    """The scenario of this number: schedules and rivals in turn, everything else at random, always a valid one."""
    rng = default_rng([SALT, number])
    name = SCHEDULES[number % len(SCHEDULES)]
    data = content(scenario("open_ended" if name == "own" else name))
    first = date.fromisoformat(data["start"])
    start = first if odds(rng, 0.2) else date(2009, 1, 1) + timedelta(days=whole(rng, 0, 8034))  # to the end of 2030
    data["start"] = start.isoformat()
    data["horizon_days"] = random_horizon(rng)
    data["case"] |= random_case(rng, start) | random_past(default_rng([SALT, number, 0, 2]), start)
    if name == "own":
        data["case"]["posture"] = random_posture(rng)
        data["schedule"] = random_schedule(rng, start, data["case"]["posture"])
    else:
        move_dates(data["schedule"], start - first)
        data["case"]["posture"] = enough(rng, data["case"]["posture"]) if data["schedule"]["steps"] else random_posture(rng)
    data["rivals"]["announcement"]["module"] = RIVALS[number % len(RIVALS)]
    data["rivals"]["excitation"]["active"] = odds(rng, 0.6)
    data["militias"]["groups"] = random_groups(rng)
    set_parameters(rng, data, pick(rng, (0.1, 0.5, 1.0)) if odds(rng, WIDE) else 0.0)
    made = read_scenario(data)
    steps = [int(day) for day in made.plan.days if HORIZONS[0] <= day <= HORIZONS[1]]
    if steps and odds(rng, 0.1):  # the last day counts: let something be planned for it
        made = read_scenario({**data, "horizon_days": pick(rng, steps)})
    return made


def random_key(number: int, run: int = 0) -> tuple[int, int]:
    """Seed and replication for one run of a scenario: any 64 bits."""
    rng = default_rng([SALT, number, run, 1])
    seed, replication = (pick(rng, EXTREME_KEYS) if odds(rng, 0.2) else int(rng.integers(2**64, dtype="u8")) for _ in range(2))
    return seed, replication


def random_horizon(rng: Generator) -> int:
    """Short, middling or long; whole weeks and other numbers of days; sometimes the shortest or the longest."""
    if odds(rng, 0.04):
        return pick(rng, HORIZONS)
    days = whole(rng, *pick(rng, ((HORIZONS[0], 99), (100, 730), (731, HORIZONS[1]))))
    return max(5, days // 7) * 7 if odds(rng, 0.3) else days


def random_case(rng: Generator, start: date) -> dict[str, Any]:
    """What the calendar brings, and prices."""
    elections = sorted(whole(rng, -400, 1600) for _ in range(pick(rng, (0, 1, 2, 4, 16))))
    days_of_the_year = [f"{whole(rng, 1, 12):02}-{whole(rng, 1, 28):02}" for _ in range(pick(rng, (0, 1, 1, 3, 16)))]
    return {
        "last_us_death": (start - timedelta(days=whole(rng, 0, 2000))).isoformat(),
        "dialogue_gap": between(rng, 14.0, 300.0),
        "cost": between(rng, 0.0, 20.0),
        "elections": [(start + timedelta(days=day)).isoformat() for day in elections],
        "anniversaries": days_of_the_year,
    }


def random_past(rng: Generator, start: date) -> dict[str, Any]:
    """Dated events given as input, up to some day, and a reference posture; one time in four."""
    if not odds(rng, 0.25):
        return {}
    until = whole(rng, 2, 1200)
    kinds = [pick(rng, tuple(KINDS)) for _ in range(pick(rng, (0, 1, 5, 20, DATED)))]
    events = [{"date": (start + timedelta(days=whole(rng, 1, until - 1))).isoformat(), "what": what} for what in kinds]
    for event in events:
        if event["what"] in LASTING:
            event["days"] = whole(rng, 1, 300)
    return {
        "events": events,
        "given_until": (start + timedelta(days=until)).isoformat(),
        "reference": random_posture(rng) if odds(rng, 0.5) else None,
    }


def random_posture(rng: Generator) -> dict[str, int]:
    """Any force, of one role or of several."""
    troops = {role: pick(rng, (0, 1, 300, 900, whole(rng, 0, 5000))) for role in ROLES}
    return troops if any(troops.values()) else {**troops, pick(rng, ROLES): whole(rng, 1, 3000)}


def enough(rng: Generator, posture: dict[str, int]) -> dict[str, int]:
    """At least the posture that a shipped schedule takes its departures from."""
    return {role: troops + pick(rng, (0, 0, 1, whole(rng, 0, 3000))) for role, troops in posture.items()}


def random_groups(rng: Generator) -> dict[str, dict[str, float]]:
    """One to six groups; some have no capacity, no restraint or no ties."""
    weights = [pick(rng, (0.0, 1.0, float(rng.random()), float(rng.random()))) for _ in range(whole(rng, 1, 6))]
    share = pick(rng, (1.0, 1.0, 0.9, 0.3)) / max(1e-6, sum(weights))
    names = [str(name) for name in rng.permutation(NAMES)]
    return {
        name: {"capacity": weight * share, "restraint": multiple(rng), "ties": multiple(rng)}
        for name, weight in zip(names, weights, strict=False)
    }


def multiple(rng: Generator) -> float:
    return pick(rng, (1.0, between(rng, 0.0, 3.0)))


def set_parameters(rng: Generator, data: dict[str, Any], wide: float) -> None:
    """Every declared parameter anywhere in its prior range; a share `wide` of them anywhere that a configuration may go."""
    for parameter in declared_parameters():
        place = data
        for part in parameter.agent.split("."):
            place = place[part]
        far = odds(rng, wide)
        low, high = parameter.bounds if far else (parameter.low, parameter.high)
        place[parameter.name] = between(rng, low, high, ends=0.3 if far else 0.1)


# -- random schedules --------------------------------------------------------------------------------------------------
def move_dates(schedule: dict[str, Any], by: timedelta) -> None:
    """A shipped schedule, so many days later or earlier."""
    for step in schedule["steps"]:
        for key in ("date", "promise", "latest"):
            if step.get(key) is not None:
                step[key] = (date.fromisoformat(step[key]) + by).isoformat()


def random_schedule(rng: Generator, start: date, posture: dict[str, int]) -> dict[str, Any]:
    """A schedule of one's own: steps, levers, and perhaps a pause, an acceleration and a return."""
    made: dict[str, Any] = {"name": "own", "summary": "made at random", "steps": random_steps(rng, start, dict(posture))}
    made |= {"offers_timetable": odds(rng, 0.5), "aid": between(rng, 0.0, 1.0), "human_rights": between(rng, 0.0, 1.0)}
    if odds(rng, 0.4):
        made["pause"] = {"when": random_conditions(rng), "days": whole(rng, 1, 200)}
    if odds(rng, 0.6):
        made["accelerate"] = {"when": random_conditions(rng, easy=0.6), "to_share": min(0.99, between(rng, 0.0, 1.0))}
    if odds(rng, 0.6):
        later = pick(rng, (0, whole(rng, 0, 200)))
        made["come_back"] = {"when": random_conditions(rng, easy=0.6), "after_days": later, "posture": random_posture(rng)}
    return made


def random_steps(rng: Generator, start: date, there: dict[str, int]) -> list[dict[str, Any]]:
    """Steps in order, each with its clock, its day, perhaps a gate and what follows if it never opens."""

    def dated(day: int) -> str:
        return (start + timedelta(days=day)).isoformat()

    steps: list[dict[str, Any]] = []
    planned: list[int] = []
    day = 0
    if odds(rng, 0.2):  # a date is promised, taken back (or put off), and promised again
        days = sorted(whole(rng, 0, 120) for _ in range(3))
        promise, put_off = {"promise": dated(whole(rng, 130, 400))}, pick(rng, ({}, {"promise": dated(whole(rng, 130, 700))}))
        for day, said in zip(days, (promise, put_off, promise), strict=True):
            steps.append({"name": f"said {len(steps)}", "does": "announce", "date": dated(day), **said})
            planned.append(day)
    for k in range(len(steps), STEPS if odds(rng, 0.1) else whole(rng, 0, 6)):
        leaving = ("leave", "leave") if any(there.values()) else ()
        does = pick(rng, ("announce", "change mission", *leaving))
        step: dict[str, Any] = {"name": f"step {k}", "does": does}
        day += pick(rng, (0, 7, whole(rng, 0, 90), whole(rng, 0, 200)))
        if k and odds(rng, 0.5):
            anchor = whole(rng, 0, k - 1)
            step |= {"after": steps[anchor]["name"], "days": day - planned[anchor]}
        else:
            step["date"] = dated(day)
        if does == "leave":
            some = {role: whole(rng, 0, troops) for role, troops in there.items()}
            partly = any(some.values()) and odds(rng, 0.6)
            step["troops"] = some if partly else "all"
            there = {role: troops - some[role] if partly else 0 for role, troops in there.items()}
        elif does == "change mission":
            there = {**there, "combat": 0, "training": there["training"] + there["combat"]}
        elif odds(rng, 0.7):
            later = pick(rng, (0, whole(rng, 0, 60), whole(rng, 0, 500)))
            step |= pick(rng, ({"promise_days": later}, {"promise": dated(day + later)}))
        if odds(rng, 0.5):
            step["only_if"] = random_conditions(rng)
            if odds(rng, 0.7):
                step |= pick(rng, ({"wait_at_most": whole(rng, 0, 300)}, {"latest": dated(day + whole(rng, 0, 200))}))
                step["otherwise"] = pick(rng, ("it happens anyway", "it happens anyway", "the schedule is broken"))
        steps.append(step)
        planned.append(day)
    return steps


def random_conditions(rng: Generator, easy: float = 0.3) -> list[str]:
    """Conditions of one gate: a share `easy` always holds, some hardly ever, most at times."""
    if odds(rng, easy):
        return [pick(rng, HARMLESS)]
    days = whole(rng, 7, 392)
    forms = [
        f"fewer than {whole(rng, 0, 2 * days)} reported ISIS attacks in {days} days",
        f"at least {whole(rng, 0, 2 * days)} reported ISIS attacks in {days} days",
        f"fewer than {whole(rng, 0, 60)} reported base attacks in {days} days",
        f"at least {whole(rng, 0, 30)} reported base attacks in {days} days",
        f"fewer than {whole(rng, 0, 6)} mass-casualty attacks in {days} days",
        f"at least {whole(rng, 0, 3)} mass-casualty attacks in {days} days",
        f"ISF readiness at least {pick(rng, (0, 0.4, 0.55, 0.7, 1))}",
        f"ISF readiness below {pick(rng, (0.5, 0.65, 1))}",
        f"no US death for {whole(rng, 0, 500)} days",
        "talks concluded",
        "exit demanded",
        f"help requested in the last {days} days",
    ]
    return [str(sentence) for sentence in rng.permutation(forms)[: pick(rng, (1, 1, 2, 3, CONDITIONS))]]


# -- differences -------------------------------------------------------------------------------------------------------
def same(one: Any, other: Any) -> bool:
    """Equal to the byte: the type, and of a float the bits."""
    if type(one) is not type(other):
        return False
    return pack("<d", one) == pack("<d", other) if type(one) is float else bool(one == other)


def values(one: Any, other: Any) -> str:
    """Two values that differ, in words that show how."""
    if type(one) is not type(other):
        return f"{one!r} ({type(one).__name__}) and {other!r} ({type(other).__name__})"
    if type(one) is float and repr(one) == repr(other):  # NaNs of different bits
        return f"{one!r} ({pack('>d', one).hex()}) and {other!r} ({pack('>d', other).hex()})"
    return f"{one!r} and {other!r}"


def flat(where: str, value: Any, names: Sequence[str] = ()) -> Iterator[tuple[str, Any]]:
    """The leaves of a value with the way to each: slotted objects by field, lists and tuples by place (or by these names)."""
    if hasattr(value, "__slots__"):
        for key in value.__slots__:
            yield from flat(f"{where}.{key}" if where else key, getattr(value, key, "no such field"))
    elif isinstance(value, list | tuple):
        yield f"len({where})", len(value)
        for k, item in enumerate(value):
            yield from flat(f"{where}.{names[k]}" if k < len(names) else f"{where}[{k}]", item)
    else:
        yield where, value


def unlike(one: Iterator[tuple[str, Any]], other: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, str]]:
    """Where the leaves of two things differ, and in what."""
    left, right = dict(one), dict(other)
    for where in dict.fromkeys([*left, *right]):
        a, b = left.get(where, "missing"), right.get(where, "missing")
        if not same(a, b):
            yield where, values(a, b)


def number_bytes(event: Event) -> bytes:
    """An event's numbers as bytes (marshal's format 2 has types and bits, and nothing about references)."""
    return dumps((event.day, event.n, event.routine, event.before, event.after), 2)


def leaves(event: Event) -> Iterator[tuple[str, Any]]:
    for part in fields(event):
        yield from flat(part.name, getattr(event, part.name), READINGS)


def event_differences(one: list[Event], other: list[Event]) -> Iterator[str]:
    """The first event that differs, field by field; then how many there are, if one log has more."""
    for k, (a, b) in enumerate(zip(one, other, strict=False), start=1):
        texts_alike = (a.actor, a.activity, a.cause) == (b.actor, b.activity, b.cause)
        if texts_alike and number_bytes(a) == number_bytes(b):
            continue
        found = list(unlike(leaves(a), leaves(b)))
        yield from (f"event {k} (day {a.day:g}, {a.name}), {where}: {what}" for where, what in found)
        if found:
            break
    if len(one) != len(other):
        more, which = (one, "first") if len(one) > len(other) else (other, "second")
        extra = more[min(len(one), len(other))]
        yield f"events: {len(one)} and {len(other)}; only in the {which}: event {min(len(one), len(other)) + 1}, {extra.name}"


def week_differences(one: list[tuple[float, list[Any]]], other: list[tuple[float, list[Any]]]) -> Iterator[str]:
    """The first week that differs, series by series; then how many there are."""
    series = [s.name for s in SERIES]
    for k, (a, b) in enumerate(zip(one, other, strict=False), start=1):
        found = [*unlike(flat("day", a[0]), flat("day", b[0])), *unlike(flat("", a[1], series), flat("", b[1], series))]
        yield from (f"week {k} (day {a[0]:g}), {where.removeprefix('.')}: {what}" for where, what in found)
        if found:
            break
    if len(one) != len(other):
        yield f"weeks: {len(one)} and {len(other)}"


def outcome_differences(one: list[Any], other: list[Any]) -> Iterator[str]:
    """Every outcome that differs. A yes or no may also be written 1 or 0."""
    for outcome, a, b in zip_longest(OUTCOMES, one, other, fillvalue="missing"):
        name, kind = (outcome, "") if isinstance(outcome, str) else (outcome.name, outcome.kind)
        yes_no = kind == YES_NO and type(a) in (bool, int) and type(b) in (bool, int)
        if not same(a, b) and not (yes_no and a == b):
            yield f"outcome {name}: {values(a, b)}"


def count_differences(what: str, one: Counter[str], other: Counter[str]) -> Iterator[str]:
    """Every count that differs; an activity that is not counted counts zero."""
    for activity in dict.fromkeys([*one, *other]):
        a, b = one.get(activity, 0), other.get(activity, 0)
        if not same(a, b):
            yield f"{what} of {activity}: {values(a, b)}"


def world_differences(one: Any, other: Any) -> Iterator[str]:
    """Every field of the final world that differs; of a list the first place."""
    named = set()
    for where, what in unlike(flat("world", one), flat("world", other)):
        if where.split("[")[0] not in named:
            named.add(where.split("[")[0])
            yield f"{where}: {what}"


def differences(one: Replication, other: Replication) -> list[str]:
    """Where two replications differ to the byte, in the order in which it would show: the first event and the first week that
    differ, then counts, the final world and outcomes. Empty if they are the same."""
    return [
        *event_differences(one.events, other.events),
        *week_differences(one.weeks, other.weeks),
        *count_differences("opportunities", one.opportunities, other.opportunities),
        *count_differences("saturated opportunities", one.saturated, other.saturated),
        *world_differences(one.world, other.world),
        *outcome_differences(one.outcomes, other.outcomes),
    ]


# -- both engines ------------------------------------------------------------------------------------------------------
def engine(name: str) -> Any:
    """An engine by name; imported when asked for, because the compiled one reads its environment then."""
    return importlib.import_module(f"sim.engines.{name}")


@dataclass
class Tally:
    """What was compared. failures: (number, run, differences). activities: events in the first engine's logs."""

    scenarios: int = 0
    runs: int = 0
    events: int = 0
    weeks: int = 0
    activities: Counter[str] = field(default_factory=Counter)
    happened: Counter[str] = field(default_factory=Counter)
    saturated: Counter[str] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[int, int, list[str]]] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        for part in fields(self):
            mine, more = getattr(self, part.name), getattr(other, part.name)
            if isinstance(mine, Counter):
                mine.update(more)
            else:
                setattr(self, part.name, mine + more)


def compare(number: int, runs: int = 1, engines: tuple[str, str] = ("reference", "compiled")) -> Tally:
    """Run one scenario in both engines, so many replications of it. What an engine raises is a difference, too."""
    tally = Tally(scenarios=1, runs=runs)
    for run in range(runs):
        results = []
        try:
            of, (seed, replication) = random_scenario(number), random_key(number, run)
            for place, name in zip(("one", "other"), engines, strict=True):
                began = perf_counter()
                results.append(engine(name).replicate(of, seed, replication, weekly=True, trace=True))
                tally.seconds[place] += perf_counter() - began
            found = differences(*results)
        except Exception as error:
            found = [f"{(*engines, 'the comparison')[len(results)]} raised {type(error).__name__}: {error}"]
        if found:
            tally.failures.append((number, run, found))
        if results:
            tally.events += len(results[0].events)
            tally.weeks += len(results[0].weeks)
            tally.activities.update(event.activity for event in results[0].events)
            tally.saturated.update({name: count for name, count in results[0].saturated.items() if count})
            told = {o.name: value for o, value in zip(OUTCOMES, results[0].outcomes, strict=False)}
            tally.happened.update(name for name in EVENTS if told[name])
    return tally


def compare_all(numbers: Sequence[int], runs: int, engines: tuple[str, str], workers: int) -> Iterator[Tally]:
    """The same for many scenarios, in their order, on several cores."""
    if workers == 1 or len(numbers) == 1:
        yield from (compare(number, runs, engines) for number in numbers)
        return
    # Once here first, so that what has to be compiled is compiled once and found in the cache by each worker.
    yield compare(numbers[0], runs, engines)
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        rest = len(numbers) - 1
        yield from pool.map(compare, numbers[1:], [runs] * rest, [engines] * rest, chunksize=4)


def activity_names() -> list[str]:
    return [activity.name for module in model.AGENTS.values() for activity in module.ACTIVITIES]


def summary(tally: Tally, engines: tuple[str, str]) -> str:
    """What was compared and found, and how often each activity and each event among the outcomes occurred."""
    replications = tally.runs // max(1, tally.scenarios)
    failed = len({number for number, _, _ in tally.failures})
    verdict = f"DIFFERENCES in {failed} of {tally.scenarios}" if failed else "no difference"
    return "\n".join(
        [
            f"{tally.scenarios:,} scenarios x {replications} replication{'s' * (replications != 1)}: {tally.events:,} events, "
            f"{tally.weeks:,} weeks, {tally.runs:,} final worlds with {len(OUTCOMES)} outcomes each: {verdict}",
            f"seconds of one core: {engines[0]} {tally.seconds['one']:.0f}, {engines[1]} {tally.seconds['other']:.0f}",
            "activities: " + ", ".join(f"{name} {tally.activities[name]:,}" for name in activity_names()),
            "never happened: " + (", ".join(name for name in activity_names() if not tally.activities[name]) or "none"),
            "runs in which: " + ", ".join(f"{name} {tally.happened[name]:,}" for name in EVENTS),
            "saturated: " + (", ".join(f"{name} {count:,}" for name, count in sorted(tally.saturated.items())) or "never"),
        ]
    )


def main(words: list[str] | None = None) -> int:
    """Compare; the exit status is 1 if anything differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity", description="Do both engines give the same bytes?")
    parser.add_argument("--scenarios", type=int, default=300, help="how many (default: 300)")
    parser.add_argument("--first", type=int, default=0, help="number of the first (default: 0)")
    parser.add_argument("--only", type=int, nargs="+", metavar="NUMBER", help="just these scenarios")
    parser.add_argument("--runs", type=int, default=1, help="replications of each (default: 1)")
    parser.add_argument("--workers", type=int, default=cores(), help="processes (default: all cores)")
    parser.add_argument("--bounds-checked", action="store_true", help="compile with NUMBA_BOUNDSCHECK=1, in a cache of its own")
    parser.add_argument("--engines", nargs=2, default=["reference", "compiled"], metavar="ENGINE", help=argparse.SUPPRESS)
    asked = parser.parse_args(words)
    numbers = asked.only or range(asked.first, asked.first + asked.scenarios)
    if min(asked.runs, asked.workers, len(numbers)) < 1 or min(numbers) < 0:
        parser.error("expected at least one scenario, one run and one worker, and no negative numbers")
    engines = (asked.engines[0], asked.engines[1])
    with TemporaryDirectory() as cache:
        if asked.bounds_checked:
            if "numba" in sys.modules:
                parser.error("--bounds-checked comes too late: numba has been loaded")
            os.environ |= {"NUMBA_BOUNDSCHECK": "1", "POSTURE_CACHE": cache}  # cached code would not be checked
        whole_tally = Tally()
        for tally in compare_all(numbers, asked.runs, engines, asked.workers):
            whole_tally.add(tally)
            for number, run, found in tally.failures:
                more = f" (and {len(found) - 1} more differences)" if len(found) > 1 else ""
                print(f"scenario {number}, run {run}: {found[0]}{more}", flush=True)
    print(summary(whole_tally, engines))
    return 1 if whole_tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
