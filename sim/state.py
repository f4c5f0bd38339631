"""The state of the world: each agent's file declares its own part as a dataclass of plain fields.

Fields are whole numbers, floats, or fixed-length lists of one of them, so that the same schema can be a slotted plain object
(reference engine) or a record of a structured array (compiled engine).
"""

from dataclasses import field
from typing import Any

ROOM = 8  # room for this many militia groups; a scenario uses the first few
WEEKS = 96  # weeks of reports kept: the longest window and the longest delay
STEPS = 16  # room for this many steps of a schedule
CONDITIONS = 4  # room for this many conditions at one gate


def per_group(value: float) -> Any:
    """A field that each militia group has."""
    return field(default_factory=lambda: [value] * ROOM)


def listed(value: float, length: int) -> Any:
    """A field of fixed length."""
    return field(default_factory=lambda: [value] * length)


def plain(name: str, values: dict[str, Any]) -> Any:
    """A slotted plain object with these fields: fast in Python, and a misspelt field raises AttributeError.
    Dicts become plain objects of their own; lists are copied."""
    thing = type(name, (), {"__slots__": tuple(values)})()
    for key, value in values.items():
        if isinstance(value, dict):
            value = plain(key, value)
        elif isinstance(value, list):
            value = list(value)
        setattr(thing, key, value)
    return thing
