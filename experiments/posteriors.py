"""Posteriors: a calibration of one episode on the past of one day, computed once for all who ask for it; its tables.

Generations lie in `<results>/calibrations/<key>/`. The key is of all that decides them, so one that was killed goes on, one that
is asked for again is read, and whatever the record says of later days changes no bit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from statistics import NormalDist
from typing import TYPE_CHECKING, Protocol

import numpy as np

from experiments.calibrations import CARRIED
from sim.analysis.scores import FLOOR
from sim.errors import Halted, RequestError
from sim.history.calibration import Free, Generation, Task, calibrate
from sim.history.informed import drawn, widening
from sim.history.record import Window, split
from sim.history.simulated import Simulator
from sim.history.summaries import Summaries
from sim.scenario import Scenario
from sim.studies.executors import cores
from sim.studies.maker import maker
from sim.studies.place import place

if TYPE_CHECKING:
    import pandas as pd

LIBRARIES = ("pyabc", "scipy", "pandas")  # beside those of the engine, that may change a bit of a posterior
LEARNT = 0.1  # contraction below which a parameter is said to have learnt nothing
QUANTILES = {"low": 0.05, "median": 0.5, "high": 0.95}


class Amounts(Protocol):
    """What is read of the settings of a command that calibrates."""

    @property
    def seed(self) -> int: ...
    @property
    def population(self) -> int: ...
    @property
    def generations(self) -> int: ...
    @property
    def workers(self) -> int | None: ...
    @property
    def results(self) -> str: ...


@dataclass(frozen=True)
class Posterior:
    """What a calibration found.

    table: columns weight, replication, distance, each calibrated parameter by key, and carried.<key> where a value stands for the
    last known day rather than the episode's first. simulator: of the windows of the past.
    """

    key: str
    task: Task
    simulator: Simulator
    generations: list[Generation]
    table: "pd.DataFrame"

    @property
    def effective(self) -> float:
        return self.generations[-1].effective


def nobody(generation: Generation, there: bool) -> None:
    """Is told of each generation, and says nothing."""


def calibrated(
    scenario: Scenario,
    windows: Sequence[Window],
    until: date,
    settings: Amounts,
    told: Callable[[Generation, bool], None] = nobody,
) -> Posterior:
    """The posterior of an episode, from what was counted up to a day and nothing else.

    Args:
        windows: any of the record; those that end after the day are dropped here. told: of each generation, and whether it was
            there already.
    Raises:
        RequestError: if nothing is left to learn from, or to learn. Halted: if a worker process dies, or a replication fails.
    """
    past, _, _ = split(windows, until)
    if not past:
        raise RequestError(f"until = {str(until)!r}: no window of the record ends by then inside the episode")
    simulator = Simulator(scenario, past, settings.seed, until)
    free = [Free(p, widening(p.key, until)) for p in simulator.informed()]
    task = Task(free, Summaries(past), settings.population, settings.generations, settings.seed)
    root, key = place(settings.results), key_of(simulator, task, until)
    simulator({}, 0)  # compiles the engine, if need be, before any process is started
    generations = []
    try:
        for generation, kept in calibrate(simulator, task, root, f"calibrations/{key}", settings.workers or cores()):
            told(generation, kept)
            generations.append(generation)
        return Posterior(key, task, simulator, generations, posterior_table(simulator, task, generations[-1]))
    except ValueError as error:
        raise Halted(f"a simulation of the calibration failed: {error}") from None


def key_of(simulator: Simulator, task: Task, until: date) -> str:
    """Sixteen hexadecimal digits of all that decides a generation. How many are wanted is not among it."""
    code = sha256()
    for path in sorted(Path(__file__).parents[1].joinpath("sim", "history").glob("*.py")):
        code.update(path.name.encode() + b"\0" + path.read_bytes())
    counted = [told_of(window) for window in simulator.windows]
    made = [*sorted(maker().items()), ("python", python_version()), *((name, version(name)) for name in LIBRARIES)]
    free = [(f.parameter, f.widening) for f in task.free]
    text = repr((simulator.base.identity, counted, until, free, task.population, task.seed, made))
    code.update(text.encode())
    return code.hexdigest()[:16]


def told_of(window: Window) -> tuple[date, date, str, str, int, str]:
    """What of a window decides a posterior: all but its note."""
    return window.start, window.end, window.series, window.source, window.count, window.kind


def record_hash(windows: Sequence[Window]) -> str:
    """A hash of what was counted, by which a study of the same name is known to be of the same record. Notes do not matter."""
    return sha256("\n".join(repr(told_of(window)) for window in windows).encode()).hexdigest()[:16]


def posterior_table(simulator: Simulator, task: Task, last: Generation) -> "pd.DataFrame":
    """The last population as values, one row a trajectory."""
    import pandas as pd

    columns: dict[str, np.ndarray] = {"weight": last.weight, "replication": last.replication, "distance": last.distance}
    columns |= {f.key: np.array([f.value(z) for z in last.z[:, k]]) for k, f in enumerate(task.free)}
    table = pd.DataFrame(columns)
    carried = [simulator.trajectory(values, r).carried for values, r in trajectories(table, task)]
    for key in dict.fromkeys(key for one in carried for key in one):
        table[CARRIED + key] = [one[key] for one in carried]
    return table


def trajectories(table: "pd.DataFrame", task: Task) -> list[tuple[dict[str, float], int]]:
    """(values by key, replication) of each row of a posterior."""
    keys = [f.key for f in task.free]
    return [({key: float(row[key]) for key in keys}, int(row["replication"])) for row in table.to_dict("records")]


# -- what was learnt -----------------------------------------------------------------------------------------------------
def learnt(posterior: Posterior) -> "pd.DataFrame":
    """Prior against posterior, one row a parameter: those calibrated, then all others, which stay at their priors.

    Columns: parameter, unit, calibrated, widened (how many times the prior is as wide as declared), prior_median, prior_low,
    prior_high (90 %), posterior_median, posterior_low, posterior_high, contraction (1 less the variance in z, where the prior's
    is 1), z_median, z_low and z_high (of the posterior, in z), and said: what a reader should know.
    """
    import pandas as pd

    last, rows = posterior.generations[-1], []
    for k, free in enumerate(posterior.task.free):
        z = last.z[:, k]
        mean = float(last.weight @ z)
        contraction = 1.0 - float(last.weight @ (z - mean) ** 2)
        found = {f"prior_{name}": free.value(NormalDist().inv_cdf(u)) for name, u in QUANTILES.items()}
        in_z = {name: quantile(z, last.weight, u) for name, u in QUANTILES.items()}
        found |= {f"posterior_{name}": free.value(at) for name, at in in_z.items()}
        found |= {f"z_{name}": at for name, at in in_z.items()}
        said = "calibrated, learnt nothing" if contraction < LEARNT else "calibrated"
        about = {"parameter": free.key, "unit": free.parameter.unit, "calibrated": True, "widened": free.widening}
        rows.append({**about, **found, "contraction": contraction, "said": said})
    done = {free.key for free in posterior.task.free}
    simulator = posterior.simulator
    for p in (*simulator.parameters, *simulator.source_parameters):
        if p.key not in done:
            until = simulator.until
            prior = {f"{of}_{name}": drawn(p, until, u) for of in ("prior", "posterior") for name, u in QUANTILES.items()}
            about = {"parameter": p.key, "unit": p.unit, "calibrated": False, "widened": widening(p.key, until)}
            in_z = {f"z_{name}": NormalDist().inv_cdf(u) for name, u in QUANTILES.items()}
            rows.append({**about, **prior, **in_z, "contraction": 0.0, "said": "stays at its prior"})
    return pd.DataFrame(rows)


def predictive(posterior: Posterior) -> "pd.DataFrame":
    """What the posterior says of the past that it was made from: one row a window, what was counted and the quantiles of what is
    simulated. inside: whether the count lies within the 90 % range; of at_least, whether it is not above it."""
    import pandas as pd

    weight = posterior.table["weight"].to_numpy()
    counts = np.array([posterior.simulator(values, r) for values, r in trajectories(posterior.table, posterior.task)])
    rows = []
    for k, w in enumerate(posterior.simulator.windows):
        low, median, high = (quantile(counts[:, k].astype(float), weight, u) for u in QUANTILES.values())
        inside = (w.kind == FLOOR or w.count >= low) and w.count <= high
        rows.append((w.start, w.end, w.series, w.source, w.kind, w.count, low, median, high, inside))
    columns = ["start", "end", "series", "source", "kind", "count", "q05", "q50", "q95", "inside"]
    return pd.DataFrame(rows, columns=columns).astype({"start": "datetime64[s]", "end": "datetime64[s]"})


def quantile(values: np.ndarray, weight: np.ndarray, share: float) -> float:
    """The smallest value that at least that share of the weight does not exceed."""
    order = np.argsort(values, kind="stable")
    reached = np.searchsorted(np.cumsum(weight[order]), share * weight.sum() * (1.0 - 1e-12))
    return float(values[order][min(int(reached), len(values) - 1)])
