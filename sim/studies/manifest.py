"""What study.json has to say, so that a study can be read again: checked whole, before anything is done with it.

Commands read it long after it was written, perhaps by another version, and perhaps from a disk that has damaged it.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from sim.case import read_date
from sim.errors import RequestError
from sim.parameters import Checked
from sim.scenario import HORIZON
from sim.validation import check

LONGEST = 300  # characters of a complaint: what is damaged may be long
OPEN = ConfigDict(extra="allow")  # another version may have written more


def is_date(text: str) -> str:
    read_date(text)
    return text


Key64 = Annotated[int, Field(ge=0, lt=2**64)]
Replications = Annotated[int, Field(ge=1, le=10_000_000)]
Weekly = Annotated[int, Field(ge=0, le=10_000_000)]
Identity = Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]


class Asked(Checked):
    """What a sweep asked of one scenario."""

    model_config = OPEN
    seed: Key64
    replications: Replications
    weekly: Weekly


class Config(Checked):
    """What commands read of the configuration that a study was made with."""

    model_config = OPEN
    outcomes: list[str] | None = None
    baseline: str | None = None


class Manifest(Checked):
    """A study's manifest. Only a sweep that is not finished, which has overrides, may know no scenario yet."""

    model_config = OPEN
    start: Annotated[str, AfterValidator(is_date)]
    horizon_days: Annotated[int, Field(ge=HORIZON[0], le=HORIZON[1])]
    seed: Key64
    scenarios: dict[str, Identity]
    contents: dict[str, dict[str, Any]]
    config: Config
    application: str | None = None
    finished: str | None = None
    complete: bool = False
    replications: Replications | None = None
    weekly: Weekly | None = None
    failures: Annotated[int, Field(ge=0)] = 0
    asked: dict[str, Asked] = Field(default_factory=dict)
    marks: dict[str, dict[str, str | int | float | bool | None]] = Field(default_factory=dict)
    overrides: list[str] | None = None
    swept: list[str] = Field(default_factory=list)
    maker: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _whole(self) -> "Manifest":
        if not self.scenarios and (self.overrides is None or self.finished is not None):
            raise ValueError("scenarios is empty")
        if self.scenarios.keys() != self.contents.keys():
            raise ValueError("contents is not of the same scenarios as scenarios")
        return self


def check_manifest(held: Any) -> dict[str, Any]:
    """What was read from study.json, as it is.

    Raises:
        RequestError: one line, for the first key that is not what it should be.
    """
    if not isinstance(held, dict):
        raise RequestError("it has no keys")
    try:
        check("", Manifest, held)
    except RequestError as error:
        text = str(error).lstrip(": ")
        text = f"{text.removesuffix(': missing')} is missing" if text.endswith(": missing") else text
        raise RequestError(text if len(text) <= LONGEST else f"{text[:LONGEST]}...") from None
    return held
