"""What the sources would have reported of a past (and of what follows it) that the model simulates.

One simulated record is one replication of an episode, seen through the observation model. Parameters that are not given are drawn
from their priors by the replication's own luck. So values and a replication number stand for a whole trajectory: where it agrees
with the record up to an origin, what follows in it is a forecast from there, with the regime, the stock and the coverage that it
had at the origin.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from hashlib import blake2b

import numpy as np

from sim import luck
from sim.engines import compiled
from sim.history import sources
from sim.history.informed import drawn, informed
from sim.history.record import Window
from sim.history.sources import Sources
from sim.parameters import Parameter
from sim.scenario import Scenario, declared_parameters

COUNTED: dict[str, tuple[str, ...]] = {  # series of the record, as sums of the engine's series by week
    "base_attacks": ("base_attacks",),
    "convoy_attacks": ("convoy_attacks",),
    "us_target_attacks": ("base_attacks", "convoy_attacks"),
    "isis_attacks": ("isis_attacks",),
    "isis_fatal_events": ("isis_attacks",),  # times the share that kills
}
CARRIED = "isis.attacks"  # declared at the stock of the first day; carried on at that of the last


def within(windows: Sequence[Window], scenario: Scenario) -> list[Window]:
    """The windows that lie inside an episode as a whole."""
    last = scenario.start + timedelta(days=scenario.horizon_days - 1)
    return [window for window in windows if scenario.start <= window.start and window.end <= last]


@dataclass(frozen=True)
class Trajectory:
    """One simulated record.

    truth: what happened in each window, with a part of a week counted in proportion. mean, size: of each source's negative
    binomial, given this course of things. counts: one draw of what they report. carried: values that stand for the episode's
    last day rather than its first, by key.
    """

    truth: np.ndarray
    mean: np.ndarray
    size: np.ndarray
    counts: np.ndarray
    carried: dict[str, float]


class Simulator:
    """Simulates what is reported in some windows of an episode. Deterministic in (values, replication).

    Args:
        scenario: the episode. windows: inside it. seed: root of all luck.
        until: the last day that is known: dated events later than it are dropped, and from the next day on such events come by
            the agents' own hazards. The schedule stays what it was: forecasts are conditional on the posture.
        priors: the day as of which priors are widened, of trajectories that were accepted by what was known on an earlier one.
    Raises:
        ValueError: if a window lies outside the episode.
    """

    def __init__(self, scenario: Scenario, windows: Sequence[Window], seed: int, until: date, priors: date | None = None) -> None:
        if len(within(windows, scenario)) < len(windows):
            raise ValueError(f"windows outside the episode, which starts on {scenario.start}")
        last = max([until, *(window.end for window in windows)])
        weeks = -(-((last - scenario.start).days + 1) // 7)
        self.base = replace(scenario, case=scenario.case.known_on(until), horizon_days=7 * weeks)
        self.windows, self.seed = list(windows), seed
        self.sources = Sources(windows, scenario.start)
        self.first = np.array([(w.start - scenario.start).days for w in windows], dtype=float)
        self.beyond = np.array([(w.end - scenario.start).days + 1 for w in windows], dtype=float)
        self.until, self.priors = until, priors or until
        self.known_weeks = max(1, ((until - scenario.start).days + 1) // 7)
        self.parameters = [p for p in declared_parameters() if self.is_free(p)]
        self.source_parameters = sources.parameters(windows)

    def is_free(self, parameter: Parameter) -> bool:
        """Whether the episode leaves a parameter at its default; one that it sets stays where it was set."""
        return getattr(self.base.beliefs[parameter.agent], parameter.name) == parameter.default

    def __call__(self, values: Mapping[str, float], replication: int) -> np.ndarray:
        """The counts that the sources report, whole numbers, one a window."""
        return self.trajectory(values, replication).counts

    def trajectory(self, values: Mapping[str, float], replication: int, known: np.ndarray | None = None) -> Trajectory:
        """A whole simulated record.

        Args:
            values: parameters by key, of the model and of the sources.
            known: what was counted in each window, NaN where that is not known: coverage then takes a course that fits these
                counts and what happened. What happens does not depend on it.
        Raises:
            ValueError: if the replication fails.
        """
        complete = {**self.prior_values(replication), **values}
        scenario = self.placed(complete)
        block = compiled.run_block(scenario, self.seed, replication, 1, replication + 1)
        if block.failures:
            raise ValueError(f"replication {replication}: {block.failures[0].message}")
        isis = scenario.beliefs["isis"].model_dump()
        truth = np.zeros(len(self.windows))
        for series, columns in COUNTED.items():
            those = [k for k, window in enumerate(self.windows) if window.series == series]
            if those:
                total = np.cumsum([0.0, *np.sum([block.weeks[column] for column in columns], axis=0)])
                days = 7.0 * np.arange(len(total))
                truth[those] = np.interp(self.beyond[those], days, total) - np.interp(self.first[those], days, total)
                if series == "isis_fatal_events":
                    truth[those] *= isis["fatal_share"]
        key = self.key(replication)
        mean, size = self.sources.expected(truth, complete, key, known)
        carried = {CARRIED: isis["attacks"] * float(block.weeks["isis_stock"][self.known_weeks - 1]) / isis["stock"]}
        return Trajectory(truth, mean, size, self.sources.counts(mean, size, key), carried)

    def placed(self, values: Mapping[str, float]) -> Scenario:
        """The episode with the values of the model's parameters; those of sources are passed over."""
        changed: dict[str, dict[str, float]] = {}
        for key, value in values.items():
            agent, _, name = key.rpartition(".")
            if agent in self.base.beliefs:
                changed.setdefault(agent, {})[name] = value
        beliefs = {agent: b.model_copy(update=changed.get(agent, {})) for agent, b in self.base.beliefs.items()}
        return replace(self.base, beliefs=beliefs)

    def prior_values(self, replication: int) -> dict[str, float]:
        """What the replication's own luck draws of every parameter from its prior, by key; priors that had seen later figures
        are widened. The model's come from one stream, in the order in which all are declared, each source's from its own: neither
        which sources there are, nor which parameters are set, changes what is drawn of another."""
        declared = declared_parameters()
        of_model = dict(zip((p.key for p in declared), self.uniforms(replication, "priors", len(declared)), strict=True))
        shares = {p: of_model[p.key] for p in self.parameters}
        shares |= {p: self.uniforms(replication, p.key, 1)[0] for p in self.source_parameters}
        return {p.key: drawn(p, self.priors, float(u)) for p, u in shares.items()}

    def informed(self) -> list[Parameter]:
        """The parameters that its windows inform, without those that the episode sets."""
        there = {p.key for p in (*self.parameters, *self.source_parameters)}
        return [p for p in informed(self.windows) if p.key in there]

    def uniforms(self, replication: int, name: str, count: int) -> np.ndarray:
        """The first uniforms of one stream of the replication."""
        return luck.generator(self.seed, replication, luck.stream("history", name), 1, luck.TIMING).random(count)

    def key(self, replication: int) -> int:
        """64 bits for the luck of the sources."""
        return int.from_bytes(blake2b(f"{self.seed}/{replication}".encode(), digest_size=8).digest(), "little")
