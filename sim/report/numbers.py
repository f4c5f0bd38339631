"""Numbers as a page shows them: rounded for reading, with the exact value and where it stands beside it."""

from collections.abc import Hashable
from math import isfinite, isnan, log10
from typing import Any

import pandas as pd
from markupsafe import Markup

from sim.outcomes import BY_NAME, YES_NO

MINUS = "\N{MINUS SIGN}"
MISSING = "\N{EN DASH}"
LEAST = 0.001  # share nearer than which to 0 or 1 only that is said
DIGITS = 3  # that are shown of a number that is no count


def rounded(value: float, form: str = "number") -> str:
    """A number in words that a person reads. The last digit shown is always a rounded one; what is missing is a dash.

    Args:
        form: number (three digits, but never fewer than the whole number has), count (whole), share (0 to 1, as per cent; 0 % and
            100 % are exact), points (a difference of shares, in percentage points), decimals (p-values: three places).
    """
    if isnan(value):
        return MISSING
    if not isfinite(value):
        return f"{MINUS if value < 0 else ''}∞"
    match form:
        case "count":
            text = f"{value:,.0f}"
        case "share":
            text = f"{_share(value)}\N{NO-BREAK SPACE}%"
        case "points":
            text = f"{_digits(100.0 * value, 2)}\N{NO-BREAK SPACE}pp"
        case "decimals":
            text = f"{value:.3f}"
        case _:
            text = _digits(value, DIGITS)
    return text.replace("-", MINUS) if text.strip("-0.,\N{NO-BREAK SPACE}%p") else text.replace("-", "")


def _share(value: float) -> str:
    """Per cent, with two digits; never 0 or 100 for something that happened now and then."""
    if 0.0 < value < LEAST:
        return f"<{100.0 * LEAST:g}"
    if 1.0 - LEAST < value < 1.0:
        return f">{100.0 * (1.0 - LEAST):g}"
    return f"{100.0 * value:.1f}" if 0.995 <= value < 1.0 else _digits(100.0 * value, 2)


def _digits(value: float, digits: int) -> str:
    """So many significant digits, all digits before the point, and no more than three after it; whole numbers as they are."""
    places = 0 if value == round(value) else digits - 1 - int(log10(abs(value)) // 1)
    return f"{value:,.{min(max(places, 0), 3)}f}"


def form_of(outcome: str, difference: bool = False) -> str:
    """How numbers of an outcome are shown: shares for yes or no. difference: of two of them."""
    if outcome in BY_NAME and BY_NAME[outcome].kind == YES_NO:
        return "points" if difference else "share"
    return "number"


def number(value: Any, table: str, row: Hashable, column: str, form: str = "number") -> Markup:
    """A number as HTML, with its exact value and its place: table, row (counted from 0, in the file's order) and column."""
    exact = float("nan") if pd.isna(value) else float(value)
    return Markup(
        '<span class="n" data-value="{}" data-table="{}" data-row="{}" data-column="{}">{}</span>'  # Markup.format escapes
    ).format(repr(exact), table, row, column, rounded(exact, form))
