"""The record: counts of attacks by window of time and by source, from a small public format that a user's own file has too.

A file is CSV in UTF-8 with the columns of `COLUMNS`; docs/record.md describes it. Each source counts on a scale of its own:
`sim.history.sources` says how it sees what happened.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from io import StringIO
from itertools import pairwise
from pathlib import Path

from sim.analysis.scores import ALL
from sim.case import read_date
from sim.errors import RequestError, suggestion

COLUMNS = ("start", "end", "series", "source", "count", "kind", "note")
KINDS = ("exact", "at_least", "about")
SERIES = {
    "base_attacks": "attacks on bases and the embassy",
    "convoy_attacks": "attacks on supply convoys",
    "us_target_attacks": "attacks on US or coalition targets: bases, the embassy and convoys",
    "isis_attacks": "ISIS attacks",
    "isis_fatal_events": "ISIS attacks that kill",
}
SHIPPED = ("iraq_2016_2021", "iraq_2009_2013")
DATA = Path(__file__).parent / "data"
MOST = 1_000_000  # the largest count: beyond it somebody has mistaken the column
SOURCE = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True)
class Window:
    """What one source counted of one series from `start` to `end`, both days included.

    kind: exact, the source's whole count; at_least, it may have missed some of its own kind; about, a round number, good to 10 %
    and to one at least.
    """

    start: date
    end: date
    series: str
    source: str
    count: int
    kind: str
    note: str

    @property
    def days(self) -> int:
        """How long it is in days, both ends included."""
        return (self.end - self.start).days + 1


def shipped(name: str = "iraq_2016_2021") -> list[Window]:
    """The record that comes with the package, oldest first as in its file.

    Raises:
        RequestError: if no record has that name.
    """
    if name not in SHIPPED:
        raise RequestError(
            f"record = {name!r}: no such record{suggestion(name, list(SHIPPED))}; expected one of {', '.join(SHIPPED)}"
        )
    return list(_shipped(name))


@cache
def _shipped(name: str) -> tuple[Window, ...]:
    return tuple(read_record(DATA / f"{name}.csv"))


def split(windows: Iterable[Window], origin: date) -> tuple[list[Window], list[Window], list[Window]]:
    """Windows as seen at the end of the day `origin`: past, straddling, future.

    The past ends on that day or before, the future starts after it. What straddles it may be used for neither: it is not known
    yet, and it is no forecast.
    """
    past, straddling, future = [], [], []
    for window in windows:
        (past if window.end <= origin else future if window.start > origin else straddling).append(window)
    return past, straddling, future


# -- reading -------------------------------------------------------------------------------------------------------------
def read_record(path: str | Path, key: str = "observed") -> list[Window]:
    """The windows of a file, in its order.

    Args:
        key: the setting that named the file, for messages.
    Raises:
        RequestError: one line for the first thing that is wrong: file, line, column, value, what is allowed.
    """
    lines: list[int] = []
    windows: list[Window] = []
    for where, line, row in rows(path, COLUMNS, key):
        lines.append(line)
        windows.append(window_of(where, row))
    refuse_overlaps(f"{key} = {str(path)!r}", lines, windows)
    return windows


def rows(path: str | Path, columns: tuple[str, ...], key: str) -> Iterator[tuple[str, int, dict[str, str]]]:
    """Each row of a CSV file with exactly these columns, in any order: where it begins in words, that line, its values.

    Lines that are empty are passed over; spaces around a value count for nothing.

    Raises:
        RequestError: if it is no such file, or has no row.
    """
    file = f"{key} = {str(path)!r}"
    reader = csv.reader(StringIO(text_of(path, file), newline=""), strict=True)
    names: list[str] = []
    found, line, after = 0, 1, 1
    try:
        for cells in reader:
            line, after = after, reader.line_num + 1  # a quoted value may run over several: a row stands where it begins
            values = [cell.strip() for cell in cells]
            if not any(values):
                continue
            where = f"{file}, line {line}"
            if not names:
                check_header(where, values, columns)
                names = values
            elif len(values) != len(names):
                raise RequestError(f"{where}: {len(values)} values; expected {len(names)}: {', '.join(names)}")
            else:
                found += 1
                yield where, line, dict(zip(names, values, strict=True))
    except csv.Error as error:
        raise RequestError(f"{file}, line {after}: not a row of CSV: {error}") from None
    if not names:
        raise RequestError(f"{file}: empty; expected a line of column names: {', '.join(columns)}")
    if not found:
        raise RequestError(f"{file}: no row below the column names; expected at least one")


def text_of(path: str | Path, file: str) -> str:
    """What a file says, in UTF-8; a byte-order mark, as spreadsheets write one, is dropped."""
    path = Path(path)
    try:
        if "\0" in str(path) or not path.exists():
            raise RequestError(f"{file}: no such file; expected a CSV file")
        if not path.is_file():
            raise RequestError(f"{file}: not a file; expected a CSV file")
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestError(f"{file}: not UTF-8 (byte {error.start + 1:,}); expected a CSV file in UTF-8") from None
    except OSError as error:
        raise RequestError(f"{file}: cannot be read: {error.strerror}") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise RequestError(f"{file}, line {line}: a NUL byte; expected text")
    return text


def check_header(where: str, names: list[str], columns: tuple[str, ...]) -> None:
    """Refuse column names that are unknown, doubled or missing."""
    for name in names:
        if name not in columns:
            raise RequestError(
                f"{where}: column {shown(name)}: no such column{suggestion(name, list(columns))}; expected {', '.join(columns)}"
            )
        if names.count(name) > 1:
            raise RequestError(f"{where}: column {shown(name)} stands there {names.count(name)} times; expected once")
    if missing := [name for name in columns if name not in names]:
        raise RequestError(f"{where}: column {missing[0]!r} is missing; expected {', '.join(columns)}")


def window_of(where: str, row: dict[str, str]) -> Window:
    """One row as a window. Raises RequestError for the first value that is wrong."""
    start, end = (date_of(where, name, row[name]) for name in ("start", "end"))
    if end < start:
        raise RequestError(
            f"{where}: end = {shown(row['end'])}: before its start {row['start']}; expected that day or a later one"
        )
    one_of(where, "series", row["series"], SERIES)
    if not SOURCE.fullmatch(row["source"]):
        raise RequestError(
            f"{where}: source = {shown(row['source'])}: expected a short name of small letters, digits and _, such as gtd"
        )
    if row["source"] == ALL:
        raise RequestError(f"{where}: source = {ALL!r}: means all sources together in tables; expected another name")
    count = whole_number(where, "count", row["count"])
    one_of(where, "kind", row["kind"], KINDS)
    return Window(start, end, row["series"], row["source"], count, row["kind"], row["note"])


def shown(text: str) -> str:
    """A value as a message has it: on one line, and not endless."""
    return repr(text if len(text) <= 60 else f"{text[:60]}...")


def date_of(where: str, column: str, text: str) -> date:
    try:
        return read_date(text)
    except ValueError as error:
        raise RequestError(f"{where}: {column} = {shown(text)}: {str(error).partition(', found')[0]}") from None


def whole_number(where: str, column: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,7}", text) or int(text) > MOST:
        raise RequestError(f"{where}: {column} = {shown(text)}: expected a whole number from 0 to {MOST:,}, without separators")
    return int(text)


def one_of(where: str, column: str, text: str, allowed: Iterable[str]) -> None:
    if text not in allowed:
        names = list(allowed)
        raise RequestError(f"{where}: {column} = {shown(text)}{suggestion(text, names)}: expected one of {', '.join(names)}")


def refuse_overlaps(file: str, lines: list[int], windows: list[Window]) -> None:
    """Refuse two windows of one series and source that share a day: the same attacks would count twice."""
    order = sorted(range(len(windows)), key=lambda k: (windows[k].series, windows[k].source, windows[k].start, windows[k].end))
    for a, b in pairwise(order):
        one, other = windows[a], windows[b]
        if (one.series, one.source) == (other.series, other.source) and other.start <= one.end:
            first, second = sorted((lines[a], lines[b]))
            raise RequestError(
                f"{file}, line {second}: overlaps line {first}: {one.series} of {one.source}, {one.start} to {one.end} and "
                f"{other.start} to {other.end}; expected windows that share no day"
            )
