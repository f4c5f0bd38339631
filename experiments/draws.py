"""Draws from a posterior, for comparisons: one trajectory of a calibration for each, by weight."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import console
from experiments.calibrations import BESIDE, CARRIED, FEW, last_known_day
from experiments.settings import CompareSettings
from sim.analysis.scores import effective_number
from sim.errors import RequestError, first_line, suggestion
from sim.parameters import Parameter
from sim.scenario import declared_parameters
from sim.studies.design import SIGNIFICANT
from sim.studies.study import find_study

if TYPE_CHECKING:
    import pandas as pd

    from experiments.states import State

ELSEWHERE = ("sources.",)  # parameters of those who count, which no comparison has
NEAR = 90  # days that the last known day may be from a comparison's start
FORM = "expected the name of a calibration, or the path of a posterior.parquet"


@dataclass(frozen=True)
class Draws:
    """Draws of calibrated parameters, and what they are of.

    values: by key, a draw each. carried: keys of values as of the last known day. different: trajectories among the draws.
    effective: Kish's number of equally weighted trajectories that the posterior is worth. until: its last known day.
    """

    name: str
    sha256: str
    until: date | None
    values: list[dict[str, float]]
    carried: list[str]
    effective: float
    different: int

    def told(self, states: Sequence["State"]) -> dict[str, Any]:
        """What a manifest says; parameters: those of the posterior that the states have, and were not set."""
        there = [key for key in self.values[0] if key in states[0].values]
        return {
            **{"name": self.name, "sha256": self.sha256, "until": self.until.isoformat() if self.until else None},
            **{"effective": self.effective, "trajectories": self.different},
            **{"parameters": there, "carried": [key for key in self.carried if key in there]},
        }

    def tell(self, states: Sequence["State"], start: date) -> None:
        """One line of where the parameters come from; a warning of each thing that makes the draws worth less."""
        told = self.told(states)
        mine, rest = len(told["parameters"]), len(states[0].values) - len(told["parameters"])
        when = f", record up to {self.until}" if self.until else ""
        drawn = f"{self.different:,} trajectories, {self.effective:.0f} effective"
        console.say(
            f"{mine} parameters from posterior {self.name} ({self.sha256[:8]}{when}; {drawn}), {rest} from their priors"
            + (f"; as of the last known day: {', '.join(told['carried'])}" if told["carried"] else "")
        )
        if self.until is None:
            console.warn(f"posterior = {self.name!r}: a file does not say which day it ends on; it should be near {start}")
        elif abs((self.until - start).days) > NEAR:
            console.warn(
                f"posterior = {self.name!r}: its record ends on {self.until}, {abs((self.until - start).days):,} days from the "
                f"comparison's start, {start}: it tells of another time"
            )
        worth = f"posterior = {self.name!r}: worth only {self.effective:.0f} equally weighted trajectories"
        if self.effective < len(self.values):
            console.warn(f"{worth} for {len(self.values):,} draws: intervals over them are too narrow")
        elif self.effective < FEW:
            console.warn(f"{worth}, which is rough however few are drawn: calibrate with a larger population")


def posterior_draws(settings: CompareSettings) -> Draws | None:
    """Calibrated parameters, a draw each: systematic resampling of the trajectories by their weights. None without a posterior.

    A value that a trajectory carries on to its last known day, such as the level of ISIS attacks, is taken as it was then. One
    that a parameter's bounds do not allow lies on them. The file is read once.

    Source: Kitagawa, J. Comp. Graph. Stat. 5 (1996).
    Raises:
        RequestError: if there is no such posterior, or it is none, or one is named that is not used.
    """
    name = settings.posterior
    if settings.draw_parameters != "posterior":
        if name is not None:
            raise RequestError(f"posterior = {name!r}: not used without draw_parameters=posterior")
        return None
    if name is None:
        raise RequestError(f"posterior = null: {FORM}, with draw_parameters=posterior")
    data, until = read_posterior(settings, name)
    table = checked(read_parquet(data, name), f"posterior = {name!r}")
    weight = table["weight"].to_numpy(dtype=float)
    weight = weight / weight.max()  # else the sum of very large ones is no number
    start = np.random.default_rng(settings.draw_seed).random()
    reached = np.cumsum(weight) / weight.sum()
    rows = np.searchsorted(reached, (start + np.arange(settings.draws)) / settings.draws)
    rows = np.minimum(rows, len(table) - 1)
    found = []
    for row in table.iloc[rows].to_dict("records"):
        values = {}
        for parameter in calibrated(table):
            value = float(row.get(f"{CARRIED}{parameter.key}", row[parameter.key]))
            value = min(max(value, parameter.bounds[0]), parameter.bounds[1])
            values[parameter.key] = float(f"{value:.{SIGNIFICANT}g}")
        found.append(values)
    carried = [p.key for p in calibrated(table) if f"{CARRIED}{p.key}" in table]
    effective = effective_number(weight)
    return Draws(name, sha256(data).hexdigest(), until, found, carried, effective, len(set(rows.tolist())))


def read_posterior(settings: CompareSettings, name: str) -> tuple[bytes, date | None]:
    """The posterior's file, and the last day it has seen if that is known. Raises RequestError if there is none."""
    try:
        if name.endswith(".parquet"):
            return Path(name).read_bytes(), None
        study = find_study(settings.results, name)
        if (until := last_known_day(study.read_manifest())) is None:
            raise RequestError("name: is no finished calibration; " + FORM)
        return study.place.read(study.at("posterior.parquet")), until
    except RequestError as error:
        raise RequestError(f"posterior = {name!r}: {str(error).partition(': ')[2]}") from None
    except FileNotFoundError:
        what = "no such file" if name.endswith(".parquet") else "that study has no posterior.parquet"
        raise RequestError(f"posterior = {name!r}: {what}; {FORM}") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        why = error.strerror if isinstance(error, OSError) and error.strerror else first_line(error)
        raise RequestError(f"posterior = {name!r}: {why}; {FORM}") from None


def read_parquet(data: bytes, name: str) -> "pd.DataFrame":
    """Raises RequestError if it is no Parquet file."""
    import pandas as pd

    try:
        return pd.read_parquet(BytesIO(data), engine="pyarrow")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RequestError(f"posterior = {name!r}: is no Parquet file: {first_line(error)}") from None


def calibrated(table: "pd.DataFrame") -> list[Parameter]:
    """The model's parameters that a posterior has, in the order of their declarations."""
    return [parameter for parameter in declared_parameters() if parameter.key in table]


def checked(table: "pd.DataFrame", said: str) -> "pd.DataFrame":
    """A posterior, as it is.

    Raises:
        RequestError: if it lacks its weights, has none of the model's parameters, an unknown one, or what is no number.
    """
    known = [parameter.key for parameter in declared_parameters()]
    if "weight" not in table:
        raise RequestError(f"{said}: has no column 'weight', so it is no posterior; {FORM}")
    for column in map(str, table.columns):
        key = column.removeprefix(CARRIED)
        if key not in known and column not in BESIDE and not key.startswith(ELSEWHERE):
            raise RequestError(f"{said}: column {column!r}: no such parameter{suggestion(key, known)}")
        values = table[column]
        if values.dtype.kind not in "fiu" or not np.isfinite(values.to_numpy(dtype=float)).all():
            raise RequestError(f"{said}: column {column!r}: expected finite numbers")
    if table.empty or not (table["weight"] >= 0.0).all() or not table["weight"].max() > 0.0:
        raise RequestError(f"{said}: expected rows with weights of at least 0, some above it")
    if not calibrated(table):
        raise RequestError(f"{said}: has no parameter of the model")
    return table
