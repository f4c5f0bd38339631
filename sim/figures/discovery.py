"""In which states runs end badly: the boxes on the way, and the one that was chosen."""

from typing import Any

import altair as alt
import pandas as pd

from .marks import Mark, draw, tips, write
from .panels import STEP, WIDTHS
from .tables import need
from .theme import BLUE, GREY, INK, TEXT, VERMILION, finish
from .wording import Labels, percent, period

NUMBERS = ("coverage", "density", "mass", "test_coverage", "test_density")


def discovery(
    boxes: pd.DataFrame,
    limits: pd.DataFrame,
    labels: Labels | None = None,
    *,
    of: str,
    start,
    horizon_days: int,
    confidence: float = 0.95,
) -> alt.TopLevelMixin:
    """Coverage against density of each box, in the states that made it and in others; below, the limits of the chosen one.

    boxes: box, coverage, density, mass, dimensions, chosen, test_density and test_coverage with _lower and _upper. limits: box,
        parameter, low, high, values (text, of a rival), quasi_p. labels: not used. of: whose runs. start, horizon_days: first day
        and length of a replication. confidence: of the intervals.

    Raises ValueError for a table that lacks a column, is empty or has a row twice, or if no box is chosen.
    """
    need(boxes, ("box", "dimensions", "chosen", *NUMBERS), "boxes", key=("box",))
    missing = [column for column in ("box", "parameter", "low", "high", "values", "quasi_p") if column not in limits.columns]
    if missing:
        raise ValueError(f"the table of limits lacks the column {', '.join(missing)}")
    best = boxes[boxes["chosen"].astype(bool)]
    need(best, (), "chosen boxes")
    own = limits[limits["box"] == best["box"].iloc[0]]
    said = [f"{line.parameter}: {_within(line)} (quasi-p {line.quasi_p:.1g})" for line in own.itertuples()]
    said = said or ["no limit is more than luck"]
    place = pd.DataFrame({"said": said, "place": [STEP * (i + 0.5) for i in range(len(said))]})
    pixels = WIDTHS[1]
    words = write(place, "said", color=INK).encode(
        x=alt.value(0), y=alt.Y("place:Q", axis=None, scale=alt.Scale(domain=[STEP * len(said), 0], nice=False, zero=False))
    )
    below = alt.LayerChart(layer=[words]).properties(width=pixels, height=STEP * len(said))
    chart = alt.vconcat(alt.LayerChart(layer=_layers(boxes, best)).properties(width=pixels, height=360), below, spacing=24)
    row = best.iloc[0]
    title = f"Where runs end badly: {of}, {period(start, horizon_days)}"
    explanation = (
        "Each dot is a box of states: of all bad runs the share that lies in it, and the share of the runs in it that are bad. "
        "Blue: in the half of the states that made the boxes; orange: in the other half, what a box is worth. Diamonds: the "
        f"chosen box, {percent(row['mass'])} of the states, with {percent(confidence)} intervals in the other half. "
        "Its limits are below."
    )
    return finish(chart, title, explanation, max(pixels, 0.5 * TEXT * max(map(len, said))))


def _layers(boxes: pd.DataFrame, best: pd.DataFrame) -> list[alt.Chart]:
    highest = boxes[["density", "test_density", "test_density_upper"]].max().max()
    top = min(1.0, 1.1 * highest)
    columns = ["box", "dimensions", *NUMBERS]
    shown = [*tips("box", "dimensions"), *tips(**dict.fromkeys(NUMBERS, ".1%"))]

    def x(column: str) -> alt.X:
        axis = alt.Axis(format=".0%", tickCount=5)
        return alt.X(f"{column}:Q", scale=alt.Scale(domain=[0, 1]), axis=axis, title="coverage: share of the bad runs in the box")

    def y(column: str) -> alt.Y:
        scale, axis = alt.Scale(domain=[0, top], nice=False), alt.Axis(format=".0%")
        return alt.Y(f"{column}:Q", scale=scale, axis=axis, title="density: share of the box's runs that are bad")

    def marks(table: pd.DataFrame, mark: Mark, prefix: str, **look: Any) -> alt.Chart:
        known = table.dropna(subset=[f"{prefix}coverage", f"{prefix}density"])
        ends = [c for c in known if c.endswith(("_lower", "_upper"))]
        drawn = draw(known[[*columns, *ends]], mark, **look)
        return drawn.encode(x=x(f"{prefix}coverage"), y=y(f"{prefix}density"), order="box:Q", tooltip=shown)

    wide = {"size": 4, "color": VERMILION, "opacity": 0.5}
    return [
        marks(boxes[~boxes["chosen"].astype(bool)], "line", "", color=GREY, size=1),
        marks(boxes, "circle", "", size=45, color=BLUE, opacity=0.9),
        marks(boxes, "circle", "test_", size=45, color=VERMILION, opacity=0.9),
        marks(best, "rule", "test_", **wide).encode(x=x("test_coverage_lower"), x2="test_coverage_upper:Q"),
        marks(best, "rule", "test_", **wide).encode(y=y("test_density_lower"), y2="test_density_upper:Q"),
        marks(best, "point", "", shape="diamond", size=170, filled=True, fill=BLUE, stroke=INK, opacity=1),
        marks(best, "point", "test_", shape="diamond", size=170, filled=True, fill=VERMILION, stroke=INK, opacity=1),
    ]


def _within(line) -> str:
    if line.values:
        return f"one of {line.values}"
    if line.low == -float("inf"):
        return f"at most {line.high:.3g}"
    return f"at least {line.low:.3g}" if line.high == float("inf") else f"{line.low:.3g} to {line.high:.3g}"
