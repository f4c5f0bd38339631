"""The whole model as a C program: the rules translated, the loop by hand, compiled by gcc and called through ctypes.

It is the benchmark's limit, not an engine to use: it has no event log and no series, and what raises in Python (a division by
zero) goes on with infinities here. Its outcomes equal the reference engine's to the last bit:

    run(scenario, seed=1, first=0, count=100).outcomes       # a row a replication, columns as in sim.outcomes.OUTCOMES
    check(scenario, seed=1, replications=3)                  # raises Differs
"""

import ctypes
import shutil
import subprocess
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from struct import pack
from typing import Any

import numpy as np

from benchmarks.c_translation import MATHEMATICS, Function, Translation
from benchmarks.c_types import DOUBLE, INT, Array, Value, literal, struct_of
from sim import model
from sim.activity import Activity, Hazard, Response, Timer
from sim.engines.reference import replicate
from sim.outcomes import OUTCOMES
from sim.scenario import Scenario

ENGINE = Path(__file__).with_name("c_engine.c")
LIBRARY = tuple(name for name in MATHEMATICS.values() if name not in ("sqrt", "floor"))  # those two are exact everywhere
SAME_BITS = ("-ffp-contract=off", "-fno-fast-math", *(f"-fno-builtin-{name}" for name in LIBRARY))  # never worked out by gcc
FLAGS = ("-O3", "-fno-math-errno", *SAME_BITS)  # -march=native gains nothing: most of it is multiplication and libm
KINDS: dict[type[Activity], int] = {Hazard: 0, Timer: 1, Response: 2}


class NoCompiler(Exception):
    """There is no gcc, or it refused."""


class Differs(Exception):
    """An outcome is not the reference engine's, to the last bit."""


@dataclass(frozen=True)
class Result:
    """outcomes: a row a replication, columns as in OUTCOMES. opportunities, saturated: by activity, all rows together."""

    outcomes: np.ndarray
    opportunities: Counter[str]
    saturated: Counter[str]


# -- the text --------------------------------------------------------------------------------------------------------------
def activities() -> list[Activity]:
    """Every activity once, in the order of the register; an activity's number is its place here."""
    return [activity for module in model.AGENTS.values() for activity in module.ACTIVITIES]


def text(record: dict[str, Any], hoist: bool = True) -> str:
    """The program in C. Of the record of parameters only the fields count, which are the same for all scenarios.

    Args:
        hoist: work out once a block what depends on parameters alone.
    """
    world_type, given_type = struct_of("World", model.first_world()), struct_of("GivenParameters", record)
    translation = Translation(world_type, given_type, hoist)
    world, p = Value("world", world_type), Value("p", given_type, True)
    day, who, luck = Value("day", DOUBLE), Value("who", INT), Value("luck", Array(DOUBLE, 4))
    roots: list[Function] = []

    def root(function: Any, *arguments: Value) -> Function:
        roots.append(translation.function(function, list(arguments)))
        return roots[-1]

    lists: dict[type[Activity], list[str]] = {kind: [] for kind in KINDS}
    for number, activity in enumerate(activities()):
        act = root(activity.act, world, p, day, who, luck).name
        if isinstance(activity, Hazard):
            willingness = root(activity.willingness, world, p, day, who).name
            lists[Hazard].append(f"X({number}, {literal(activity.cap).code}, {willingness}, {act})")
        elif isinstance(activity, Timer):
            following, ready = root(activity.next, world, p, day, who).name, root(activity.ready, world, p, day, who).name
            lists[Timer].append(f"X({number}, {following}, {ready}, {act})")
        elif isinstance(activity, Response):
            lists[Response].append(f"X({number}, {root(activity.due, world, p, who).name}, {act})")
    begins = [root(module.begin, world, p) for module in model.AGENTS.values()]
    measures = [root(outcome.measure, world, p, Value("horizon", DOUBLE)) for outcome in OUTCOMES]
    parts = [
        translation.text(roots),
        "static void begin(const Parameters *p, World *world)\n{",
        *(f"    {made.name}(p, world);" for made in begins),
        "}\n\nstatic void measure(const Parameters *p, World *world, double horizon, double *row)\n{",
        *(f"    row[{k}] = {made.name}(p, world, horizon);" for k, made in enumerate(measures)),
        "}\n",
        f"enum {{ ACTIVITIES = {len(activities())}, OUTCOMES = {len(OUTCOMES)} }};\n",
        *(f"#define {kind.__name__.upper()}S(X) \\\n    {' '.join(calls)}" for kind, calls in lists.items()),
    ]
    library = "\n".join(f"extern double {name}(double) __attribute__((const));" for name in LIBRARY)
    return ENGINE.read_text(encoding="utf-8").replace("/*LIBRARY*/", library).replace("/*RULES*/", "\n".join(parts))


# -- compiled --------------------------------------------------------------------------------------------------------------
class Program:
    """The compiled program."""

    def __init__(self, record: dict[str, Any], flags: tuple[str, ...], hoist: bool) -> None:
        compiler = shutil.which("gcc")
        if compiler is None:
            raise NoCompiler("gcc: not found; the C program needs it, nothing else does")
        with tempfile.TemporaryDirectory(prefix="posture-c-") as folder:
            source, built = Path(folder, "model.c"), Path(folder, "model.so")
            source.write_text(text(record, hoist), encoding="utf-8")
            command = [compiler, "-std=gnu11", *flags, "-shared", "-fPIC", "-fvisibility=hidden"]
            done = subprocess.run([*command, "-o", built, source, "-lm"], capture_output=True, text=True, check=False)
            if done.returncode:
                raise NoCompiler(f"gcc: it refused the program\n{done.stderr}")
            self._run = ctypes.CDLL(str(built)).run_block

    def run(self, scenario: Scenario, seed: int, first: int, count: int) -> Result:
        """Replications `first` to `first + count - 1` of one scenario."""
        slots = model.slots(tuple(scenario.groups))
        rows = np.empty((count, len(OUTCOMES)))
        seen, saturated = np.zeros(len(slots), np.int64), np.zeros(len(slots), np.int64)
        failed = self._run(
            packed(scenario.record),
            packed(model.first_world()),
            slots_of(slots),
            ctypes.c_int64(len(slots)),
            ctypes.c_double(scenario.horizon_days),
            ctypes.c_uint64(seed),
            ctypes.c_uint64(first),
            ctypes.c_int64(count),
            *(ctypes.c_void_p(array.ctypes.data) for array in (rows, seen, saturated)),
        )
        if failed:
            raise MemoryError("the C program: no memory, or no room for so many opportunities")
        counts: tuple[Counter[str], Counter[str]] = Counter(), Counter()
        for k, slot in enumerate(slots):
            for counter, numbers_of in zip(counts, (seen, saturated), strict=True):
                if numbers_of[k]:
                    counter[slot.activity.name] += int(numbers_of[k])
        return Result(rows, *counts)


def slots_of(slots: list[model.Slot]) -> bytes:
    """An array of the C program's Slot: activity, kind, who, stream, cap."""
    numbers = {id(activity): number for number, activity in enumerate(activities())}
    parts = []
    for slot in slots:
        kind = next(number for kind, number in KINDS.items() if isinstance(slot.activity, kind))
        cap = slot.activity.cap if isinstance(slot.activity, Hazard) else 0.0
        parts.append(pack("=qqqQd", numbers[id(slot.activity)], kind, slot.who, slot.stream, cap))
    return b"".join(parts)


def packed(values: dict[str, Any]) -> bytes:
    """The bytes of a struct of these fields: each number takes eight, so there is no padding."""
    numbers: list[int | float] = []

    def gather(value: Any) -> None:
        if isinstance(value, dict | list):
            for part in value.values() if isinstance(value, dict) else value:
                gather(part)
        else:
            numbers.append(value)

    gather(values)
    return pack("=" + "".join("q" if isinstance(number, int) else "d" for number in numbers), *numbers)


KEPT: dict[tuple[tuple[str, ...], bool], Program] = {}


def program(scenario: Scenario, flags: tuple[str, ...] = FLAGS, hoist: bool = True) -> Program:
    """The program for these flags, compiled once a process; it runs any scenario."""
    if (flags, hoist) not in KEPT:
        KEPT[flags, hoist] = Program(scenario.record, flags, hoist)
    return KEPT[flags, hoist]


def run(scenario: Scenario, seed: int, first: int, count: int, flags: tuple[str, ...] = FLAGS, hoist: bool = True) -> Result:
    """Replications `first` to `first + count - 1` of one scenario, compiled at the first call."""
    return program(scenario, flags, hoist).run(scenario, seed, first, count)


def check(scenario: Scenario, seed: int, replications: int, flags: tuple[str, ...] = FLAGS, hoist: bool = True) -> None:
    """Compare outcomes, opportunities and saturation with the reference engine's, replications 0, 1, 2, ...

    Raises:
        Differs: at the first difference, however small.
    """
    found = run(scenario, seed, 0, replications, flags, hoist)
    opportunities: Counter[str] = Counter()
    saturated: Counter[str] = Counter()
    for replication in range(replications):
        expected = replicate(scenario, seed, replication)
        for outcome, ours, theirs in zip(OUTCOMES, found.outcomes[replication].tolist(), expected.outcomes, strict=True):
            if ours.hex() != float(theirs).hex():
                raise Differs(f"seed {seed}, replication {replication}, {outcome.name}: {ours!r}, reference {float(theirs)!r}")
        opportunities += expected.opportunities
        saturated += expected.saturated
    if (opportunities, saturated) != (found.opportunities, found.saturated):
        raise Differs(f"seed {seed}: opportunities or those above their cap differ")
