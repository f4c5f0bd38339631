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
from itertools import zip_longest
from marshal import dumps
from struct import pack
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from sim import model
from sim.engines.block import Event, Replication
from sim.outcomes import EVENTS, OUTCOMES, SERIES, YES_NO
from sim.readings import READINGS
from sim.studies.executors import cores
from tests.random_scenarios import random_key, random_scenario


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
