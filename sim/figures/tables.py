"""What every figure does with a table first: check it, order it, hand it to altair as plain values."""

from collections.abc import Iterable, Sequence

import altair as alt
import pandas as pd


def need(table: pd.DataFrame, columns: Iterable[str], what: str, key: Sequence[str] = ()) -> None:
    """Refuse a table that has no rows, lacks a column, or holds two rows for one key.

    Raises ValueError with one line that names the table (`what`) and the fault.
    """
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise ValueError(f"the table of {what} lacks the column {', '.join(missing)}")
    if table.empty:
        raise ValueError(f"the table of {what} has no rows")
    if key:
        twice = table[table.duplicated(list(key))]
        if len(twice):
            case = ", ".join(f"{column} {twice.iloc[0][column]}" for column in key)
            raise ValueError(f"the table of {what} has two rows for {case}")


def chosen(table: pd.DataFrame, column: str, wanted: Sequence[str] | None, what: str) -> list[str]:
    """The values of a column to draw: those wanted, in that order, or all in the table's own order.

    Raises ValueError for a wanted value that the table does not hold, or when none is wanted.
    """
    there = list(dict.fromkeys(table[column]))
    if wanted is None:
        return there
    wanted = list(dict.fromkeys(wanted))
    unknown = [name for name in wanted if name not in there]
    if unknown:
        raise ValueError(f"the table of {what} holds no {column} {unknown[0]!r}: it holds {', '.join(map(str, there))}")
    if not wanted:
        raise ValueError(f"no {column} was chosen from the table of {what}")
    return wanted


class Values(alt.InlineData):
    """Values that no chart changes: altair copies a chart at each step of making it, and would copy them all each time."""

    def __deepcopy__(self, memo: object) -> "Values":
        return self


def rows(table: pd.DataFrame) -> Values:
    """The table as values inside the chart: missing as null, dates as moments in UTC with the zone written out.

    Altair's own conversion writes dates without a zone, which a browser west of Greenwich reads as the day before.
    """
    plain = {column: _plain(table[column]) for column in table.columns}
    return Values(values=[dict(zip(plain, row, strict=True)) for row in zip(*plain.values(), strict=True)])


def _plain(column: pd.Series) -> list:
    if pd.api.types.is_datetime64_any_dtype(column):
        return [None if pd.isna(date) else f"{date:%Y-%m-%dT%H:%M:%SZ}" for date in moments(column)]
    return [None if pd.isna(value) else getattr(value, "item", lambda value=value: value)() for value in column]


def moments(column: pd.Series) -> pd.Series:
    """A column of dates as moments in UTC without zone, see `utc`; what is missing stays missing."""
    return pd.to_datetime(column, utc=True).dt.tz_localize(None)


def utc(date) -> pd.Timestamp:
    """A moment in UTC, without zone: a date with a zone is converted, one without is taken to be UTC already.

    Raises ValueError when the date is missing.
    """
    date = pd.Timestamp(date)
    if not isinstance(date, pd.Timestamp):  # what pandas makes of a missing date is no Timestamp
        raise ValueError("a date is missing")
    return date.tz_convert("UTC").tz_localize(None) if date.tzinfo else date
