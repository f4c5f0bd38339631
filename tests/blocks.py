"""Blocks of made-up numbers, which need no engine: for tests of the store, of what a study takes from it, and of its tables.

A row's numbers follow from its scenario and replication, so that it is the same in whichever block it was made.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from sim.engines.block import OUTCOME_ROW, WEEK_ROW, Block, Failure
from sim.outcomes import COUNT, OUTCOMES, SERIES, YES_NO
from sim.scenario import Scenario
from sim.studies.place import Folder
from sim.studies.plan import Wanted
from sim.studies.segment import Entry, Made
from sim.studies.store import Store
from tests.worlds import scenario

SEED = 5
WEEKS = 3  # rows of a series
MESSAGE = "ZeroDivisionError: division by zero"
STAY, GO = scenario("open_ended", "horizon_days=60"), scenario("rapid_6_months", "horizon_days=60")


def block(first: int, count: int, weekly: int = 0, failures: Iterable[int] = (), salt: float = 0.0) -> Block:
    """Replications first to first + count - 1, the first `weekly` of them with series. salt: in every number but counts."""
    failed = sorted(failures)
    sound = [r for r in range(first, first + count) if r not in failed]

    def outcomes(r: int) -> list[object]:
        return [{COUNT: 3 * r + k, YES_NO: (r + k) % 2 == 0}.get(o.kind, r + k / 64 + salt) for k, o in enumerate(OUTCOMES)]

    def week(r: int, w: int) -> list[object]:
        return [r + w + k if s.total or s.whole else r + w / 8 + k / 64 + salt for k, s in enumerate(SERIES)]

    made = Block(first, count, np.array([(r, *outcomes(r)) for r in sound], OUTCOME_ROW))
    with_series = [r for r in sound if r < first + weekly]
    made.weeks = np.array([(r, 7.0 * w, *week(r, w)) for r in with_series for w in range(1, WEEKS + 1)], WEEK_ROW)
    made.failures = [Failure(r, MESSAGE, 3.5, "isis/tempo") for r in failed]
    made.opportunities.update({"isis/tempo": 10 * count})
    made.seconds = 0.25
    return made


def made(first: int, count: int, weekly: int = 0, failures: Iterable[int] = (), of: Scenario = STAY, seed: int = SEED) -> Made:
    """Such a block as it goes into a store; the scenario is in its numbers."""
    salt = int(of.identity[:4], 16) / 2**20
    return Made(of.identity, seed, weekly, of.horizon_days, "compiled", block(first, count, weekly, failures, salt))


def entry(first: int, count: int, weekly: int = 0, failures: Iterable[int] = (), of: Scenario = STAY, seed: int = SEED) -> Entry:
    """The line of an index for a block that lies nowhere."""
    failed = ", ".join(f'[{r}, "{MESSAGE}", 3.5, "isis/tempo"]' for r in sorted(failures))
    numbers = {"rows": count, "outcomes_at": 0, "weeks": weekly, "weekly_at": 0, "seconds": 0.25, "horizon_days": of.horizon_days}
    hashes = {"outcomes_hash": f"{first}-{count}", "weekly_hash": str(weekly), "opportunities": "{}", "saturated": "{}"}
    return Entry("none", of.identity, seed, first, count, weekly, engine="compiled", failures=f"[{failed}]", **numbers, **hashes)


def want(replications: int, weekly: int = 0, label: str = "stay", of: Scenario = STAY, seed: int = SEED) -> Wanted:
    return Wanted(label, of, seed, replications, weekly)


def stored(folder: Path, *blocks: Made) -> Store:
    """A store with these blocks, each in a segment of its own."""
    store = Store(Folder(str(folder)))
    for one in blocks:
        store.add([one])
    return store
