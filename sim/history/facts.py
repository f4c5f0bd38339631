"""What else is on record: troop levels, dated events, what followed earlier exits, and who counted what."""

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from sim.errors import RequestError
from sim.history.record import DATA, date_of, rows, shown, whole_number


@dataclass(frozen=True)
class Troops:
    """Troops in Iraq on a day. basis: dataset, document, or approximate, for which no document is at hand."""

    date: date
    troops: int
    force: str
    basis: str
    source: str


@dataclass(frozen=True)
class Dated:
    """Something that happened on a day."""

    date: date
    what: str
    note: str
    source: str


@dataclass(frozen=True)
class Exit:
    """Fatal incidents in so many days after a day over those in as many before it."""

    date: date
    what: str
    days: int
    ratio: float
    source: str


@dataclass(frozen=True)
class Citation:
    """A source of counts: where they were published, what is counted, and how much of it."""

    id: str
    citation: str
    counts: str
    coverage: str


def troops() -> list[Troops]:
    """Levels from the end of 2008 to April 2021, with no figure at hand from 2012 to 2017."""
    return read("troops", Troops)


def events() -> list[Dated]:
    """Events of 2018 to April 2021 that the case turned on, or that an episode takes as given."""
    return read("events", Dated)


def exits() -> list[Exit]:
    """The reference class of an exit: 2009, 2010 and 2011, at 90, 180 and 365 days."""
    return read("exits", Exit)


def citations() -> list[Citation]:
    """Every source of the record."""
    return read("sources", Citation)


def read(name: str, kind: type[Any]) -> list[Any]:
    """The rows of a shipped table, as `kind` has them.

    Raises:
        RequestError: one line, if it is not what it should be.
    """
    columns = {field.name: CHECKS[field.type] for field in fields(kind)}
    found = []
    for where, _, row in rows(DATA / f"{name}.csv", tuple(columns), "table"):
        found.append(kind(**{column: check(where, column, row[column]) for column, check in columns.items()}))
    return found


def text(where: str, column: str, found: str) -> str:
    if not found and column != "note":
        raise RequestError(f"{where}: {column} = '': expected some text")
    return found


def ratio(where: str, column: str, found: str) -> float:
    if not re.fullmatch(r"[0-9]{1,3}\.[0-9]+", found):
        raise RequestError(f"{where}: {column} = {shown(found)}: expected a decimal such as 1.02")
    return float(found)


CHECKS: dict[Any, Callable[[str, str, str], Any]] = {date: date_of, int: whole_number, str: text, float: ratio}
