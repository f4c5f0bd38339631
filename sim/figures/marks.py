"""Rows of a table as marks: the one place where a table becomes a chart."""

from typing import Any, Literal

import altair as alt
import pandas as pd

from .tables import rows
from .theme import INK, TEXT

Mark = Literal["area", "bar", "circle", "line", "point", "rect", "rule", "text", "tick"]


def draw(table: pd.DataFrame | None, mark: Mark, **look: Any) -> alt.Chart:
    """The rows of a table as marks of one kind and look; where they stand is still to be encoded.

    Without a table, of the rows of the layers it is put into: a long table is then kept once.
    """
    data = alt.Undefined if table is None else rows(table)
    return alt.Chart(data, mark=alt.MarkDef(type=mark, **look))


def write(
    table: pd.DataFrame, column: str, align: Literal["left", "center", "right"] = "left", color: str = INK, dx: int = 0
) -> alt.Chart:
    """A column of a table as text beside, or on, a place that is still to be encoded."""
    return draw(table, "text", align=align, baseline="middle", fontSize=TEXT, color=color, dx=dx).encode(
        text=alt.Text(column, type="nominal")
    )


def tips(*columns: str, **formats: str) -> list[alt.Tooltip]:
    """Tooltips of the interactive chart: columns as they are, then numbers with a format."""
    return [alt.Tooltip(column, type="nominal") for column in columns] + [
        alt.Tooltip(column, type="quantitative", format=form) for column, form in formats.items()
    ]
