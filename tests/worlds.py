"""Worlds for tests: scenarios from a few words, their runs (kept, so that tests share them), and hand-set worlds for rules.

scenario("rapid_6_months", "militias.restraint=0.2", "horizon_days=400")
outcomes(scenario(), 40)["base_attacks"]        # one value a replication; the same luck for every scenario
"""

import json
from collections import defaultdict
from copy import deepcopy
from functools import cache
from math import sqrt
from typing import Any

import numpy as np

from experiments.composition import scenario
from sim import model
from sim.engines import compiled
from sim.engines.block import Block, Event, Replication
from sim.engines.reference import replicate
from sim.outcomes import BY_NAME, OUTCOMES, SERIES
from sim.readings import READINGS
from sim.scenario import Scenario, read_scenario
from sim.state import plain

SEED = 20210407
FIVE, FOUR = 5.0, 4.0  # standard errors: what a fixed seed has to clear, and what it may stray
RIVALS = ("none", "coercive_signalling", "emboldenment", "lie_low_then_surge")
QUIET_POLITICS = ("case.elections=[]", "government.fall=0")  # no caretaker, no militias' allies at the table
STAY = "united_states.early_exit=0"  # nobody leaves before the schedule says so
NO_STRIKES = ("united_states.strike_if_lethal=0.0", "united_states.strike_if_harmless=0.0")
HOSTILE_TO_NOBODY = ("militias=disarmed", "isis=defeated", "environment=calm")


# -- scenarios ---------------------------------------------------------------------------------------------------------
def content(of: Scenario | None = None) -> dict[str, Any]:
    """A scenario as plain data, to be changed and read again; by default that of the default configuration."""
    return deepcopy((of or scenario()).content())


def scheduled(steps: list[dict[str, Any]], *overrides: str, **more: Any) -> Scenario:
    """A schedule of one's own; `more` are its other entries (pause, accelerate, come_back, aid, ...)."""
    data = content(scenario("open_ended", *overrides))
    data["schedule"] = {"name": "own", "summary": "made for a test", "steps": steps, **more}
    return read_scenario(data)


# -- runs, kept --------------------------------------------------------------------------------------------------------
KEPT: defaultdict[tuple[str, int, str], list[Replication]] = defaultdict(list)


def runs(of: Scenario, n: int, seed: int = SEED, kind: str = "") -> list[Replication]:
    """Replications 0 to n - 1. kind: '' outcomes only, 'weekly' also the series, 'trace' also the event log."""
    kept = KEPT[json.dumps(of.content()), seed, kind]  # not the identity: it does not see the order of groups
    for replication in range(len(kept), n):
        kept.append(replicate(of, seed, replication, weekly=kind == "weekly", trace=kind == "trace"))
    return kept[:n]


@cache
def block(content: str, n: int, seed: int) -> Block:
    return compiled.run_block(read_scenario(json.loads(content)), seed, 0, n)


def outcomes(of: Scenario, n: int, seed: int = SEED) -> dict[str, np.ndarray]:
    """Arrays by outcome name over replications 0 to n - 1, by the compiled engine: the reference engine's, to the bit."""
    made = block(json.dumps(of.content()), n, seed)
    assert not made.failures, made.failures
    return {o.name: made.outcomes[o.name].astype(float) for o in OUTCOMES}


def outcome(run: Replication, name: str) -> Any:
    return run.outcomes[OUTCOMES.index(BY_NAME[name])]


def weekly(of: Scenario, n: int, series: int, seed: int = SEED) -> np.ndarray:
    """One series (its place in outcomes.SERIES) as an array of replications by weeks."""
    return np.array([[values[series] for _, values in run.weeks] for run in runs(of, n, seed, "weekly")], dtype=float)


def logs(of: Scenario, n: int, seed: int = SEED) -> list[list[Event]]:
    return [run.events for run in runs(of, n, seed, "trace")]


# -- reading -----------------------------------------------------------------------------------------------------------
def before(event: Event, reading: str) -> float:
    return event.before[READINGS.index(reading)]


def after(event: Event, reading: str) -> float:
    return event.after[READINGS.index(reading)]


def change(event: Event, reading: str) -> float:
    return after(event, reading) - before(event, reading)


def named(log: list[Event], *activities: str) -> list[Event]:
    return [event for event in log if event.activity in activities]


# -- comparing on the same luck ----------------------------------------------------------------------------------------
def gap(more: np.ndarray, less: np.ndarray) -> tuple[float, float]:
    """Mean of the paired difference, and its standard error."""
    difference = more - less
    return float(difference.mean()), float(difference.std(ddof=1) / sqrt(len(difference)))


def clearly_more(more: np.ndarray, less: np.ndarray, errors: float = FIVE) -> bool:
    """Whether the paired difference is above zero by so many standard errors."""
    mean, error = gap(more, less)
    return mean > errors * error and mean > 0.0


def close(values: np.ndarray, expected: float, errors: float = FOUR) -> bool:
    """Whether the mean of independent values is the expected one, within so many standard errors."""
    return abs(values.mean() - expected) <= errors * values.std(ddof=1) / sqrt(len(values))


# -- worlds for rules --------------------------------------------------------------------------------------------------
def start(of: Scenario | None = None) -> tuple[Any, Any]:
    """The first day's world and the parameters, as the reference engine holds them: set them by hand, call a rule."""
    of = of or scenario()
    world, p = plain("world", model.first_world()), plain("parameters", of.record)
    model.begin(world, p)
    return world, p


# -- words that tests of mechanisms share ------------------------------------------------------------------------------
DAY = 100.0
MIDDLE = (0.5,) * 4
FACADE, HARDLINE, POLITICAL = range(3)  # groups stand in the order of their names
UNIFORM = [(k + 0.5) / 4000 for k in range(4000)]
CALM = "environment=calm"
ISIS_ATTACKS, BASE_ATTACKS = ([series.name for series in SERIES].index(name) for name in ("isis_attacks", "base_attacks"))
ANNOUNCE = {"name": "announcement", "does": "announce", "date": "2021-05-03"}
EVERYBODY = {"name": "last departure", "does": "leave", "troops": "all"}


def steps_of(run: Replication) -> list[float]:
    """The days on which steps of the schedule happened."""
    return [event.day for event in named(run.events, "schedule")]
