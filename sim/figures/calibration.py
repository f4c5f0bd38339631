"""What a calibration has learnt: the prior of each parameter beside its posterior."""

import math
from datetime import date
from statistics import NormalDist

import altair as alt
import pandas as pd

from .marks import draw, tips
from .panels import WIDTHS, notes, panel, row, value
from .tables import need
from .theme import BLUE, GREY, INK, finish
from .worth import number

ENDS = ("low", "median", "high")
NUMBERS = tuple(f"{of}_{end}" for of in ("prior", "posterior") for end in ENDS)
NARROWEST = 2.5  # of the axis to either side, in standard deviations of the prior


def calibration(table: pd.DataFrame, *, until: date) -> alt.TopLevelMixin:
    """One row a parameter: the prior's 90 % range in grey, the posterior's in blue with its median, on the scale of the prior.

    table: parameter, contraction, and prior_ and posterior_ each of low, median and high (5, 50 and 95 %), in the parameter's
        unit; z_low, z_median, z_high: the posterior's in z, where the prior is standard normal.
    until: the last day that was known, for the title.

    Raises ValueError for a table that lacks a column, is empty or has a row twice.
    """
    columns = ("z_low", "z_median", "z_high")
    need(table, ("parameter", "contraction", *NUMBERS, *columns), "what was learnt", key=("parameter",))
    names, end = list(table["parameter"]), NormalDist().inv_cdf(0.95)
    pixels, y = WIDTHS[2], row(names, labelled=True)
    table = table.assign(
        schedule=table["parameter"],
        prior_from=-end,
        prior_to=end,
        **{column: table[column].astype(float) for column in columns},
    )
    widest = max(NARROWEST, math.ceil(2.0 * float(table[list(columns)].abs().max().max())) / 2.0)
    table["note"] = [_said(line) for line in table.to_dict("records")]
    drawn = table[["schedule", "prior_from", "prior_to", *columns, *NUMBERS, "contraction"]]
    tip = tips("schedule", **dict.fromkeys((*NUMBERS, "contraction"), ",.4~g"))

    def x(column: str) -> alt.X:
        return value(column, (-widest, widest), "standard deviations of the prior from its median", pixels)

    layers = [
        draw(drawn, "bar", size=16, color=GREY, opacity=0.25).encode(y=y, x=x("prior_from"), x2="prior_to:Q", tooltip=tip),
        draw(drawn, "bar", size=8, color=BLUE, opacity=0.8).encode(y=y, x=x("z_low"), x2="z_high:Q", tooltip=tip),
        draw(drawn, "tick", size=18, thickness=3, color=INK, opacity=1).encode(y=y, x=x("z_median"), tooltip=tip),
        notes(table, y, pixels),
    ]
    explanation = (
        "Grey: the 90 % range of the prior, widened where it had seen later figures. Blue: that of the posterior, its median "
        "a tick. At the right: median and 90 % range, prior and then posterior."
    )
    title = f"What the record up to {until.day} {until:%B %Y} says of the parameters"
    return finish(panel(layers, None, pixels, names), title, explanation, pixels + 700)


def _said(line: dict) -> str:
    said = [
        f"{number(line[f'{of}_median'])} ({number(line[f'{of}_low'])} to {number(line[f'{of}_high'])})"
        for of in ("prior", "posterior")
    ]
    return " → ".join(said)
