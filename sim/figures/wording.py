"""Words in a picture: labels, units, periods and numbers, and how long lines are broken."""

import re
from collections.abc import Iterable, Mapping

import pandas as pd

from .tables import utc

Labels = Mapping[str, tuple[str, str]]

KEPT = "\u00a0"  # a space at which no line is broken
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def label(name: str, labels: Labels | None) -> str:
    """What a reader calls an outcome, series or event; without an entry, its name with spaces."""
    return (labels or {}).get(name, (_spaced(name), ""))[0]


def unit(name: str, labels: Labels | None) -> str:
    """The unit of an outcome or series, empty if none is known."""
    return (labels or {}).get(name, ("", ""))[1]


def axis_title(name: str, labels: Labels | None) -> str:
    """What stands at an axis: the unit, or the label where there is no unit."""
    return unit(name, labels) or label(name, labels)


def day(date) -> str:
    """7 April 2021."""
    date = utc(date)
    return f"{date.day} {date:%B %Y}"


def period(start, horizon_days: int) -> str:
    """three years from 7 April 2021; 60 days from 7 April 2021."""
    years = round(horizon_days / 365.25)
    if 1 <= years < len(NUMBERS) and abs(horizon_days - years * 365.25) <= 1.5:
        length = f"{NUMBERS[years]} year" + "s" * (years > 1)
    else:
        length = count([horizon_days], "day")
    return f"{length} from {day(start)}"


def count(numbers: Iterable[float], noun: str) -> str:
    """300 replications; 1 replication; 250 to 300 replications."""
    numbers = [int(number) for number in numbers if not pd.isna(number)]
    low, high = min(numbers, default=0), max(numbers, default=0)
    amount = f"{high:,}" if low == high else f"{low:,} to {high:,}"
    return f"{amount} {noun}" + "s" * (high != 1)


def percent(share: float) -> str:
    """42 %; 0.3 %; <0.1 %. Never 0 % for something that happened, never 100 % for something that did not always."""
    if share in (0, 1):
        return f"{share:.0%}".replace("%", " %")
    if share < 0.001:
        return "<0.1 %"
    if share > 0.999:
        return ">99.9 %"
    return f"{100 * share:.{0 if 0.1 <= share <= 0.99 else 1}f} %"


def wrap(text: str, pixels: float, size: float, bold: bool = False) -> list[str]:
    """Lines of a text that each fit into so many pixels at a font size.

    A name breaks after an underscore, if it is too long for a line of its own; a number and its unit never part.
    """
    room = max(8, int(pixels / ((0.54 if bold else 0.5) * size)))  # mean width of a letter of Liberation Sans, in em
    text = re.sub(r"(?<=\d) (?=\S)", KEPT, re.sub(r"[ \t\r\n]+", " ", text.strip()))
    lines = [""]
    for piece in (piece for word in re.findall(r"[^ ]+| ", text) for piece in _pieces(word, room)):
        if lines[-1] and len((lines[-1] + piece).rstrip()) > room:
            lines.append("")
        lines[-1] += piece
    return [line.strip().replace(KEPT, " ") for line in lines if line.strip()] or [""]


def _pieces(word: str, room: int) -> list[str]:
    """A word whole, or where it must be cut."""
    parts = [word] if len(word) <= room else re.findall(r"[^_]*_+|[^_]+", word)
    return [part[i : i + room] for part in parts for i in range(0, len(part), room)]


def _spaced(name: str) -> str:
    spaced = name.replace("_", " ").strip()
    return spaced[:1].upper() + spaced[1:]
