"""Candidates of a generation by index: which are accepted depends on neither who simulates them nor how many at once.

pyabc draws from numpy's global generator. Each candidate is evaluated with that generator seeded by (seed, generation, index),
and candidates are accepted in the order of their index. Importing this module imports pyabc, which takes seconds.
"""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import lru_cache
from pickle import dumps, loads
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pyabc import Parameter
from pyabc.sampler import Sampler
from pyabc.transition import Transition

from sim.errors import Halted

if TYPE_CHECKING:
    from sim.studies.executors import Crew

BUNDLE = 25  # candidates that a worker is given at once
# the next generation's proposals: (share, variance as a multiple of this one's population's)
PARTS = ((0.8, 1.2), (0.2, 3.0))


@contextmanager
def seeded(key: Sequence[int]) -> Generator[None, None, None]:
    """numpy's global generator in a state that the key decides; afterwards it is as it was before."""
    kept = np.random.get_state()
    np.random.seed(np.random.SeedSequence([number + 1 for number in key]).generate_state(8))
    try:
        yield
    finally:
        np.random.set_state(kept)


def evaluated(simulate_one: Callable[[], Any], seed: int, generation: int, first: int, count: int) -> list[Any]:
    """pyabc's particles of so many candidates, in the order of their index."""
    found = []
    for index in range(first, first + count):
        with seeded((seed, generation, index)):
            found.append(simulate_one())
    return found


def evaluated_there(pickled: bytes, seed: int, generation: int, first: int, count: int) -> list[Any]:
    """The same in a worker process, from what its parent has sent it."""
    return evaluated(loaded(pickled), seed, generation, first, count)


@lru_cache(maxsize=1)
def loaded(pickled: bytes) -> Callable[[], Any]:
    return loads(pickled)


class ByIndex(Sampler):
    """A sampler for pyabc; with a crew of processes, these simulate.

    It keeps `last`, the sample it made last, and `distances` of its accepted particles, which pyabc overwrites.
    """

    def __init__(self, seed: int, crew: "Crew | None") -> None:
        super().__init__()
        self.seed, self.crew = seed, crew

    def sample_until_n_accepted(self, n: int, simulate_one: Callable[[], Any], t: int, **more: Any) -> Any:
        sample = self._create_empty_sample()
        self.nr_evaluations_ = 0
        for particle in particles(simulate_one, self.seed, t, self.crew):
            sample.append(particle)
            self.nr_evaluations_ += 1
            if sample.n_accepted == n:
                break
        self.last = sample
        self.distances = np.array([particle.distance for particle in sample.accepted_particles])
        return sample


def particles(simulate_one: Callable[[], Any], seed: int, generation: int, crew: "Crew | None") -> Generator[Any, None, None]:
    """Candidate after candidate, without end; a few bundles are in flight for each worker.

    Raises:
        Halted: if a worker process dies.
    """
    if crew is None:
        first = 0
        while True:
            yield from evaluated(simulate_one, seed, generation, first, 1)
            first += 1
    from sim.studies.executors import uninterrupted

    pickled, first = dumps(simulate_one), 0
    flying: deque[Future] = deque()
    try:
        while True:
            while len(flying) < 2 * crew.slots:
                with uninterrupted():
                    flying.append(crew.executor.submit(evaluated_there, pickled, seed, generation, first, BUNDLE))
                first += BUNDLE
            yield from flying.popleft().result()
    except BrokenProcessPool:
        raise Halted("a worker process died; generations that were complete are kept, the same command goes on") from None
    finally:
        for future in flying:
            future.cancel()


class Proposal(Transition):
    """Where the next generation looks: a normal distribution fitted to the population, a share of it wider.

    With a dozen parameters and some hundred particles a kernel around each particle gives weights of which a few carry all; one
    normal distribution is smooth, and its wide part bounds the weights of its tails. Its covariance is shrunk towards its
    diagonal, as a small population needs. Source: Cappe and others, J. Comp. Graph. Stat. 13 (2004), population Monte Carlo;
    Hesterberg, Technometrics 37 (1995), for the wide part.
    """

    def fit(self, X: pd.DataFrame, w: np.ndarray) -> None:
        points, crowding = X.to_numpy(), X.shape[1] * (w**2).sum()  # parameters over effective size
        self.columns, self.mean = list(X.columns), w @ points
        spread = (points - self.mean).T @ ((points - self.mean) * w[:, None]) / (1.0 - (w**2).sum())
        shrunk = crowding / (1.0 + crowding)
        spread = (1.0 - shrunk) * spread + shrunk * np.diag(np.diag(spread))
        self.root = np.linalg.cholesky(spread + 1e-9 * np.eye(X.shape[1]))

    def rvs_single(self) -> Parameter:
        variance = PARTS[0][1] if np.random.random_sample() < PARTS[0][0] else PARTS[1][1]
        z = self.mean + variance**0.5 * self.root @ np.random.standard_normal(len(self.mean))
        return Parameter(dict(zip(self.columns, z.tolist(), strict=True)))

    def pdf(self, x: Any) -> Any:
        z = x[self.columns].to_numpy() if isinstance(x, pd.DataFrame) else np.array([x[key] for key in self.columns])
        square, d = (np.linalg.solve(self.root, (z - self.mean).T) ** 2).sum(axis=0), len(self.mean)
        parts = [share * np.exp(-0.5 * square / v) / (2.0 * np.pi * v) ** (d / 2.0) for share, v in PARTS]
        return sum(parts) / np.prod(np.diag(self.root))
