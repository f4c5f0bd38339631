"""The inputs of a sensitivity analysis: each parameter that is not set, over its prior; each rival theory that is not chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from experiments.composition import loosened, parse
from experiments.settings import split
from sim.agents.announcements import MODULES
from sim.errors import RequestError
from sim.parameters import Parameter
from sim.scenario import Scenario, declared_parameters, read_scenario
from sim.studies.design import SIGNIFICANT, value_at, with_values

RIVALS: dict[str, tuple[str, Sequence[Any]]] = {
    "rivals.announcement": ("module", MODULES),
    "rivals.excitation": ("active", (False, True)),
}
TRIM = 0.05  # screening goes from this quantile of a prior to the one as far from the other end: the declared 90 % range


@dataclass(frozen=True)
class Input:
    """One input, a number from its prior or one of some rivals. parameter: None for a rival."""

    key: str
    parameter: Parameter | None = None

    def value(self, u: float) -> Any:
        """What stands at a share u of its scale, 0 < u < 1: the prior's quantile, or one of the rivals, each with equal parts."""
        if self.parameter is not None:
            return float(f"{self.parameter.prior(u):.{SIGNIFICANT}g}")
        choices = RIVALS[self.key][1]
        return choices[min(int(u * len(choices)), len(choices) - 1)]


def given_keys(overrides: Sequence[str]) -> list[str]:
    """The keys and groups that overrides set, those of a group of values ({attrition: 0.08}) one by one."""
    found = []
    for one in parse(loosened(list(overrides))):
        values = one.value()
        found += [f"{one.key_or_group}.{key}" for key in values] if isinstance(values, dict) else [one.key_or_group]
    return found


def inputs_of(config: Mapping[str, Any], given: Sequence[str]) -> list[Input]:
    """Every parameter that the configuration has at its default and the command does not set, and every rival that it does not
    choose.

    Args:
        given: the keys and groups that the command sets.
    Raises:
        RequestError: if fewer than two are left.
    """
    at_default = [p for p in declared_parameters() if value_at(dict(config), p.key) == p.default]
    free = [Input(p.key, p) for p in at_default if p.key not in given]
    for key, (choice, _) in RIVALS.items():
        if key.replace(".", "/") not in given and f"{key}.{choice}" not in given:
            free.append(Input(key))
    if len(free) < 2:
        raise RequestError(
            f"sensitivity: {len(free)} of the parameters and rivals left to vary, all others are set; expected two or more"
        )
    return free


def placed(config: Mapping[str, Any], inputs: Sequence[Input], row: np.ndarray) -> tuple[dict[str, Any], Scenario]:
    """The values at a point of the unit cube, by key, and the scenario that a composed configuration makes with them."""
    values = {one.key: one.value(min(max(float(u), 1e-9), 1.0 - 1e-9)) for one, u in zip(inputs, row, strict=True)}
    scenario = with_values(split(config)[0], {key: value for key, value in values.items() if key not in RIVALS})
    scenario["rivals"] = dict(scenario["rivals"])
    for key in RIVALS:
        if key in values:
            name = key.partition(".")[2]
            scenario["rivals"][name] = {**scenario["rivals"][name], RIVALS[key][0]: values[key]}
    return values, read_scenario(scenario)


def trimmed(design: np.ndarray) -> np.ndarray:
    """Points of a screening, within the 90 % ranges."""
    return TRIM + (1.0 - 2.0 * TRIM) * design


def ways(design: np.ndarray, inputs: Sequence[Input]) -> np.ndarray:
    """Where the points of a screening stand on the way whose effect is told, of which a step may be a part.

    A number's way is its 90 % range, in the space in which its prior is normal: the effect of a linear input is that of going
    through the range. A step of a rival is a whole way: from one choice to another.
    """
    from scipy.special import ndtri

    from sim.analysis.screening import STEP

    number = ndtri(trimmed(design)) / (2.0 * ndtri(1.0 - TRIM))
    return np.where([one.parameter is not None for one in inputs], number, design / STEP)


def spread(one: Input) -> float:
    """What an effect as it is told stands for as a standard deviation, were the response linear: 1/3.29 for a number, a half for
    a choice of two."""
    return 0.5 / NormalDist().inv_cdf(1.0 - TRIM) if one.parameter is not None else 0.5
