"""How a parameter is declared: once, with its value, unit, bounds, prior range, evidence and source.

An agent's file declares a class of `belief(...)` fields. That one declaration is the default, the validation (bounds), the
prior for uncertainty analysis (`range`), Hydra's configuration, the engines' parameter record and the documentation's table.
"""

from dataclasses import dataclass
from math import exp, log
from statistics import NormalDist
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

EVIDENCE = ("document", "computed", "judgement")


class Checked(BaseModel):
    """Data from a configuration: frozen, no unknown key, no silent conversion of types, no infinity or NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Beliefs(Checked):
    """What one agent's file says about its parameters; every field is made by `belief`."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        for name, field in cls.model_fields.items():
            if not isinstance(field.json_schema_extra, dict) or "evidence" not in field.json_schema_extra:
                raise TypeError(
                    f"{cls.__module__}.{name} is declared without belief(...): unit, range, evidence and source are needed"
                )


def belief(
    value: float, unit: str, *, range: tuple[float, float], bounds: tuple[float, float], evidence: str, source: str
) -> Any:
    """One parameter.

    Args:
        value: the default. unit: what one unit of it is. range: the 90 % range of what is plausible, the prior.
        bounds: what a configuration may say at all, inclusive. evidence: document, computed or judgement.
        source: where value and range come from, for a reader who will look it up.
    Raises:
        ValueError: if something is missing or the value, range and bounds are not nested.
    """
    if evidence not in EVIDENCE:
        raise ValueError(f"evidence {evidence!r} is not one of {', '.join(EVIDENCE)}")
    if not unit.strip() or not source.strip():
        raise ValueError("a parameter needs a unit and a source")
    if not bounds[0] <= range[0] <= value <= range[1] <= bounds[1] or range[0] == range[1]:
        raise ValueError(f"value {value} must lie in range {range}, and range in bounds {bounds}")
    about: dict[str, Any] = {"unit": unit, "range": list(range), "evidence": evidence, "source": source}
    return Field(value, ge=bounds[0], le=bounds[1], json_schema_extra=about)


@dataclass(frozen=True)
class Parameter:
    """A declared parameter, as documentation and uncertainty analysis read it."""

    agent: str
    name: str
    default: float
    unit: str
    low: float
    high: float
    bounds: tuple[float, float]
    evidence: str
    source: str

    @property
    def key(self) -> str:
        """The configuration key, for example militias.restraint."""
        return f"{self.agent}.{self.name}"

    def prior(self, u: float) -> float:
        """The value below which a share u of the prior lies, 0 < u < 1.

        The prior has the default as its median and the range as its 5 % and 95 % quantiles: half of a normal distribution on
        each side, of different widths, so that its density jumps at the default where the sides differ; of the logarithm where
        the range lies above 0. What falls outside the bounds lies on them. Its form is a judgement, its range the declared one.
        """
        z = NormalDist().inv_cdf(u) / NormalDist().inv_cdf(0.95)  # -1 at the low end of the range, 1 at the high end
        end = self.low if z < 0.0 else self.high
        if self.low > 0.0:
            value = exp(log(self.default) + abs(z) * (log(end) - log(self.default)))
        else:
            value = self.default + abs(z) * (end - self.default)
        return min(max(value, self.bounds[0]), self.bounds[1])


def bounds_of(field: FieldInfo) -> tuple[float, float]:
    """The inclusive bounds of a belief."""
    low = next(m.ge for m in field.metadata if hasattr(m, "ge"))
    high = next(m.le for m in field.metadata if hasattr(m, "le"))
    return low, high


def parameters_of(agent: str, beliefs: type[Beliefs]) -> list[Parameter]:
    """Every parameter that one agent's file declares, in the order of the file."""
    found = []
    for name, field in beliefs.model_fields.items():
        about: Any = field.json_schema_extra
        low, high = about["range"]
        found.append(
            Parameter(agent, name, field.default, about["unit"], low, high, bounds_of(field), about["evidence"], about["source"])
        )
    return found
