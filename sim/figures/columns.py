"""Columns of text right of a panel's rows, each under a heading of its own."""

from collections.abc import Mapping

import altair as alt
import pandas as pd

from .marks import write
from .theme import GREY, TEXT

LETTER = 0.52 * TEXT  # mean width of a letter
APART = 22  # pixels between two columns
ABOVE = -14  # pixels: where headings stand, above the first row


def columns(table: pd.DataFrame, headings: Mapping[str, str], y: alt.Y, pixels: float) -> tuple[list[alt.Chart], float]:
    """Layers that write columns of a table right of a panel of so many pixels, and how wide they are together.

    table: schedule, and the columns to write, as text. headings: column -> what stands above it. y: the channel of the rows.
    """
    layers, place = [], pixels + APART
    for column, heading in headings.items():
        layers.append(write(table[["schedule", column]], column).encode(y=y, x=alt.value(place)))
        layers.append(
            write(pd.DataFrame({"heading": [heading]}), "heading", color=GREY).encode(x=alt.value(place), y=alt.value(ABOVE))
        )
        place += LETTER * max(len(heading), *(len(str(text)) for text in table[column])) + APART
    return layers, place - pixels
