"""Draws from a posterior, for comparisons: one trajectory of a calibration for each, by weight."""

from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.settings import CompareSettings
from sim.errors import RequestError, first_line, suggestion
from sim.parameters import Parameter
from sim.scenario import declared_parameters
from sim.studies.design import SIGNIFICANT
from sim.studies.study import find_study

if TYPE_CHECKING:
    import pandas as pd

BESIDE = ("weight", "replication", "distance")  # columns that are no parameters
ELSEWHERE = ("sources.",)  # parameters of those who count, which no comparison has
CARRIED = "carried."  # values of the last known day, for a comparison that starts then
FORM = "expected the name of a calibration, or the path of a posterior.parquet"


def posterior_draws(settings: CompareSettings) -> list[dict[str, float]]:
    """The calibrated parameters of each draw, by key: systematic resampling of the trajectories by their weights.

    A value that a trajectory carries on to its last known day, such as the level of ISIS attacks, is taken as it was then. One
    that a parameter's bounds do not allow lies on them.

    Source: Kitagawa, J. Comp. Graph. Stat. 5 (1996).
    Raises:
        RequestError: if there is no such posterior, or it is none.
    """
    table = checked(read_parquet(settings), f"posterior = {settings.posterior!r}")
    weight = table["weight"].to_numpy(dtype=float)
    start = np.random.default_rng(settings.draw_seed).random()
    reached = np.cumsum(weight) / weight.sum()
    rows = np.searchsorted(reached, (start + np.arange(settings.draws)) / settings.draws)
    found = []
    for row in table.iloc[np.minimum(rows, len(table) - 1)].to_dict("records"):
        values = {}
        for parameter in calibrated(table):
            value = float(row.get(f"{CARRIED}{parameter.key}", row[parameter.key]))
            value = min(max(value, parameter.bounds[0]), parameter.bounds[1])
            values[parameter.key] = float(f"{value:.{SIGNIFICANT}g}")
        found.append(values)
    return found


def posterior_told(settings: CompareSettings) -> dict[str, Any]:
    """What a manifest says of the posterior: its name and a hash of its file; nothing where there is none.

    Raises:
        RequestError: if one is named that is not used, or none where one is needed, or it cannot be read.
    """
    if settings.draw_parameters != "posterior":
        if settings.posterior is not None:
            raise RequestError(f"posterior = {settings.posterior!r}: not used without draw_parameters=posterior")
        return {}
    return {"posterior": {"name": settings.posterior, "sha256": sha256(data_of(settings)).hexdigest()}}


def data_of(settings: CompareSettings) -> bytes:
    """The posterior's file. Raises RequestError if there is none."""
    name = settings.posterior
    if name is None:
        raise RequestError(f"posterior = null: {FORM}, with draw_parameters=posterior")
    try:
        if name.endswith(".parquet"):
            return Path(name).read_bytes()
        study = find_study(settings.results, name)
        return study.place.read(study.at("posterior.parquet"))
    except RequestError as error:
        raise RequestError(f"posterior = {name!r}: {str(error).partition(': ')[2]}") from None
    except FileNotFoundError:
        what = "no such file" if name.endswith(".parquet") else "that study has no posterior.parquet"
        raise RequestError(f"posterior = {name!r}: {what}; {FORM}") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        why = error.strerror if isinstance(error, OSError) and error.strerror else first_line(error)
        raise RequestError(f"posterior = {name!r}: {why}; {FORM}") from None


def read_parquet(settings: CompareSettings) -> "pd.DataFrame":
    """Raises RequestError if it is no Parquet file."""
    import pandas as pd

    try:
        return pd.read_parquet(BytesIO(data_of(settings)), engine="pyarrow")
    except RequestError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RequestError(f"posterior = {settings.posterior!r}: is no Parquet file: {first_line(error)}") from None


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
    if table.empty or not (table["weight"] >= 0.0).all() or not table["weight"].sum() > 0.0:
        raise RequestError(f"{said}: expected rows with weights of at least 0, some above it")
    if not calibrated(table):
        raise RequestError(f"{said}: has no parameter of the model")
    return table
