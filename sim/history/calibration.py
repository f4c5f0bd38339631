"""Calibration: which parameters could have brought the past that was counted, by sequential approximate Bayesian computation.

Done by pyabc (ABC-SMC; Toni and others, J. R. Soc. Interface 6 (2009), with distances that adapt, Prangle, Bayesian Analysis 12
(2017)), in the space z in which every prior is standard normal. Each generation is computed from the file that the one before it
left and from (seed, generation, index of the candidate) alone: neither a kill, nor who computes, changes a bit. What pyabc keeps
in SQL is gone after each generation; our files are Parquet, and nothing is unpickled from them.
"""

import json
import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import isfinite
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from sim.analysis.scores import effective_number
from sim.errors import Halted, RequestError, first_line
from sim.history.informed import widened
from sim.history.summaries import Summaries
from sim.parameters import Parameter
from sim.studies.place import Place

if TYPE_CHECKING:
    import pyarrow as pa

    from sim.studies.executors import Crew

NEAR = 1e-9  # how far weights may sum from 1
LARGEST = 2**53  # replications are below: whole numbers that every reader of a table keeps
Simulate = Callable[[dict[str, float], int], np.ndarray]


@dataclass(frozen=True)
class Free:
    """A parameter that is calibrated. widening: its prior is that many times as wide, in z, as the declared one."""

    parameter: Parameter
    widening: float = 1.0

    @property
    def key(self) -> str:
        return self.parameter.key

    def value(self, z: float) -> float:
        """The value at z, which is standard normal a priori."""
        return widened(self.parameter, self.widening, z)


@dataclass(frozen=True)
class Task:
    """All that decides a posterior: free parameters, what was counted, how much is computed, and the root of its luck."""

    free: Sequence[Free]
    summaries: Summaries
    population: int
    generations: int
    seed: int


@dataclass(frozen=True)
class Generation:
    """One population: those accepted, and what the next one starts from.

    z: shape (population, parameters). simulations: candidates until as many were accepted. scales: the weights of the summaries
    in the next generation's distance, and the distance up to which that accepts.
    """

    number: int
    z: np.ndarray
    weight: np.ndarray
    distance: np.ndarray
    replication: np.ndarray
    epsilon: float
    simulations: int
    next_scales: dict[str, float] = field(default_factory=dict)
    next_epsilon: float = float("nan")

    @property
    def acceptance(self) -> float:
        return len(self.z) / self.simulations

    @property
    def effective(self) -> float:
        """How many equally weighted trajectories the population is worth."""
        return effective_number(self.weight)

    def table(self) -> "pa.Table":
        import pyarrow as pa

        columns = {"weight": self.weight, "distance": self.distance, "replication": self.replication}
        columns |= {f"z.{k}": self.z[:, k] for k in range(self.z.shape[1])}
        told = {
            **{"number": self.number, "epsilon": self.epsilon, "simulations": self.simulations},
            **{"next_scales": self.next_scales, "next_epsilon": self.next_epsilon},
        }
        return pa.table(columns).replace_schema_metadata({"generation": json.dumps(told)})


def read_generation(table: "pa.Table", number: int, task: Task) -> Generation:
    """A generation from its file. Raises ValueError, KeyError if it is none of this task's."""
    told = json.loads((table.schema.metadata or {})[b"generation"])
    values = {name: table[name].to_numpy() for name in table.column_names}
    z = np.stack([values[f"z.{k}"] for k in range(len(task.free))], axis=1)
    weight, distance, replication = (values[name] for name in ("weight", "distance", "replication"))
    if set(told["next_scales"]) != set(task.summaries.statistics):
        raise ValueError("it is of other summaries")
    scales = {str(name): float(told["next_scales"][name]) for name in task.summaries.statistics}
    epsilon, simulations, next_epsilon = float(told["epsilon"]), told["simulations"], float(told["next_epsilon"])
    sound = (
        *(told["number"] == number, len(z) == task.population, type(simulations) is int, simulations >= task.population),
        *(found.dtype == np.float64 and np.isfinite(found).all() for found in (z, weight, distance)),
        *((weight >= 0.0).all(), abs(weight.sum() - 1.0) < NEAR, (distance >= 0.0).all(), (distance <= epsilon).all()),
        *(replication.dtype == np.int64, (replication >= 0).all(), (replication < LARGEST).all()),
        *(isfinite(x) and x >= 0.0 for x in (epsilon, next_epsilon, *scales.values())),
    )
    if not all(sound):
        raise ValueError("it is another generation, or was altered")
    return Generation(number, z, weight, distance, replication, epsilon, simulations, scales, next_epsilon)


# -- generation after generation ------------------------------------------------------------------------------------------
def calibrate(
    simulator: Simulate, task: Task, place: Place, folder: str, workers: int = 1
) -> Generator[tuple[Generation, bool], None, None]:
    """Each generation of a calibration, and whether it was there already; each is kept in the folder as soon as it is whole.

    Args:
        simulator: counts of the task's windows, in their order, of (values by key, replication); it is sent to the workers.
        place, folder: where generations are kept. workers: processes; 1 for none beside this one. No result depends on it.
    Raises:
        RequestError: if no population can be had. Halted: if a worker process dies.
    """
    if not task.free:
        raise RequestError("observed: no window of the past tells about any parameter, so there is nothing to calibrate")
    before: Generation | None = None
    crew: Crew | None = None
    try:
        for number in range(task.generations):
            path = f"{folder}/generation_{number}.parquet"
            there = kept(place, path, number, task)
            if there is None and crew is None and workers > 1:
                from sim.studies.executors import crew as crew_of

                crew = crew_of("processes", workers)
            now = there or next_generation(simulator, task, number, before, crew)
            if there is None:
                import pyarrow.parquet as pq

                with place.writing(path) as file:
                    pq.write_table(now.table(), file, compression="zstd")
            yield now, there is not None
            before = now
    finally:
        if crew is not None:
            crew.close()


def kept(place: Place, path: str, number: int, task: Task) -> Generation | None:
    """The generation that lies there; None if there is none, or it cannot be read, and is to be computed again."""
    import pyarrow.parquet as pq

    try:
        with place.reading(path) as file:
            return read_generation(pq.read_table(file), number, task)
    except (OSError, ValueError, KeyError, TypeError):
        return None


# -- one generation, by pyabc -------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Candidate:
    """What pyabc calls a model: summaries of a simulation with these z. The replication is drawn here, and told beside them."""

    simulator: Simulate
    free: tuple[Free, ...]
    summaries: Summaries

    def __call__(self, z: dict[str, float]) -> dict[str, float | int]:
        replication = int(np.random.randint(0, LARGEST, dtype=np.int64))
        values = {free.key: free.value(z[name]) for name, free in zip(names(self.free), self.free, strict=True)}
        return {**self.summaries(self.simulator(values, replication)), "replication": replication}


def spread(*, samples: np.ndarray, **more: object) -> np.ndarray:
    """The scale of each summary: its standard deviation over all candidates, accepted or not."""
    return samples.std(axis=0)


def names(free: Sequence[Free]) -> list[str]:
    """What the parameters are called within pyabc, which makes sections of dots."""
    return [f"z{k:03d}" for k in range(len(free))]


@contextmanager
def aside() -> Generator[str, None, None]:
    """A temporary folder for what pyabc keeps in SQL; gone afterwards.

    Raises:
        Halted: if it cannot be made, or pyabc cannot write there.
    """
    from sqlalchemy.exc import SQLAlchemyError

    kept = "generations that were complete are kept; the same command goes on, with TMPDIR=... in another folder"
    try:
        folder = TemporaryDirectory(prefix="posture-", ignore_cleanup_errors=True)
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        raise Halted(f"temporary folder{where}: cannot be made: {error.strerror or first_line(error)}; {kept}") from None
    with folder as name:
        try:
            yield name
        except SQLAlchemyError as error:
            why = first_line(getattr(error, "orig", None) or error)
            raise Halted(f"temporary folder {name}: cannot be written to: {why}; {kept}") from None


def next_generation(simulator: Simulate, task: Task, number: int, before: Generation | None, crew: "Crew | None") -> Generation:
    """Have pyabc make one generation from the one before it; the first from the priors.

    Raises:
        Halted: if a worker process dies, or there is no room aside for what pyabc keeps.
    """
    import pyabc

    from sim.history.sampling import ByIndex, Proposal, seeded

    logging.getLogger("ABC").setLevel(logging.ERROR)  # what it has to say is said by who asked for a calibration
    free, keys = tuple(task.free), names(task.free)
    model = pyabc.FunctionModel(Candidate(simulator, free, task.summaries), name="model")
    prior = pyabc.Distribution(**{key: pyabc.RV("norm", 0.0, 1.0) for key in keys})
    distance = pyabc.AdaptivePNormDistance(
        p=2,
        initial_scale_weights=before.next_scales if before else None,
        fixed_weights=task.summaries.weights,
        scale_function=spread,
    )
    epsilon = pyabc.MedianEpsilon(before.next_epsilon if before else "from_sample")
    sampler = ByIndex(task.seed, crew)
    smc = pyabc.ABCSMC(model, prior, distance, task.population, transitions=Proposal(), eps=epsilon, sampler=sampler)
    # in a file, whose connections pyabc closes; those of a database in memory are left to whichever thread collects garbage
    with seeded((task.seed, number, -1)), aside() as folder:
        history = smc.new(f"sqlite:///{folder}/history.db", task.summaries(task.summaries.observed))
        if before is not None:
            particles = [
                pyabc.population.Particle(0, pyabc.Parameter(dict(zip(keys, z, strict=True))), w, {}, d)
                for z, w, d in zip(before.z.tolist(), before.weight.tolist(), before.distance.tolist(), strict=True)
            ]
            population = pyabc.population.Population(particles)
            history.append_population(number - 1, before.epsilon, population, before.simulations, ["model"])
        smc.run(max_nr_populations=1)
    found = sampler.last.accepted_particles
    weight = np.array([particle.weight for particle in found])
    scales = distance.scale_weights[number + 1]
    return Generation(
        number,
        np.array([[particle.parameter[key] for key in keys] for particle in found]),
        weight / weight.sum(),
        sampler.distances,
        np.array([particle.sum_stat["replication"] for particle in found], dtype=np.int64),
        float(epsilon(number)),
        int(sampler.nr_evaluations_),
        dict(zip(task.summaries.statistics, scales.tolist(), strict=True)),
        float(epsilon(number + 1)),
    )
