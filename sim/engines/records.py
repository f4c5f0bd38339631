"""Worlds and parameters as records of structured arrays, made from the same plain fields as the reference engine's objects."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np

from sim.state import plain

NUMBERS = {int: "i8", float: "f8"}


def type_of(values: Mapping[str, Any]) -> np.dtype:
    """The type of a record with these fields: whole numbers and floats of eight bytes, lists of one of them, parts in parts.

    Raises:
        TypeError: for a field that is anything else.
    """
    return np.dtype([(name, *field_type(name, value)) for name, value in values.items()], align=True)


def field_type(name: str, value: Any) -> tuple[Any, ...]:
    if isinstance(value, Mapping):
        return (type_of(value),)
    kinds = {type(item) for item in value} if isinstance(value, list) else {type(value)}
    if len(kinds) != 1 or not kinds <= NUMBERS.keys():
        raise TypeError(f"{name}: a record holds whole numbers, floats or lists of one of them, found {value!r}")
    (kind,) = kinds
    return (NUMBERS[kind], (len(value),)) if isinstance(value, list) else (NUMBERS[kind],)


def records(values: Mapping[str, Any], count: int = 1) -> np.ndarray:
    """That many records, each with these values."""
    made = np.zeros(count, type_of(values))
    fill(made, values)
    return made


def fill(made: np.ndarray, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, Mapping):
            fill(made[name], value)
        else:
            made[name] = value


def fields(record: np.void) -> dict[str, Any]:
    """A record as plain fields: what `records` was given, as it stands now."""
    assert record.dtype.names is not None
    return {
        name: fields(record[name]) if record.dtype[name].names else record[name].tolist()  # tolist also makes a float of one
        for name in record.dtype.names
    }


def as_object(record: Any) -> Any:
    """A record as the slotted plain object that the reference engine has; which is what it is where nothing is compiled."""
    return plain("world", fields(record)) if isinstance(record, np.void) else record


class PlainRecords(list[Any]):
    """Records as plain objects, for a machine without a compiler. As in an array, an item is set by copying into it."""

    def __init__(self, made: np.ndarray) -> None:
        super().__init__(plain("record", fields(record)) for record in made)

    def __setitem__(self, k: Any, value: Any) -> None:
        super().__setitem__(k, deepcopy(value))
