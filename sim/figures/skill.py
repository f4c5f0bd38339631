"""Mean scores of each way to forecast, by series and source: who wins, who loses, and how sure that is."""

import altair as alt
import pandas as pd

from .marks import draw, tips
from .panels import WIDTHS, absent, across, grid, notes, panel, row, span, value
from .tables import chosen, need
from .theme import BLUE, GREY, INK, finish
from .wording import Labels, count, label, percent
from .worth import number

GROUP = ["series", "source"]


def skill(
    table: pd.DataFrame, labels: Labels | None = None, *, subject: str, model: str = "model", confidence: float = 0.95
) -> alt.TopLevelMixin:
    """One panel a series and source, one row a method: mean CRPS and its interval; shorter is better.

    table: series, source, method, windows, floors, crps, crps_lower, crps_upper, in counts; a row for each of the first three.
    labels: series -> (label, unit). subject: from when the forecasts are, for the title. model: the method drawn in blue.

    Raises ValueError for a table that lacks a column, is empty, has a row twice or no CRPS at all.
    """
    need(table, (*GROUP, "method", "windows", "floors", "crps", "crps_lower", "crps_upper"), "scores", key=(*GROUP, "method"))
    names = [name.replace("_", " ") for name in chosen(table, "method", None, "scores")]
    table = table.assign(schedule=[name.replace("_", " ") for name in table["method"]])
    scored = table.dropna(subset=["crps"])
    groups = list(dict.fromkeys(zip(scored["series"], scored["source"], strict=True)))
    if not groups:
        raise ValueError("the table of scores has no CRPS")
    beside, drawn, heading = across(len(groups)), [], ""
    pixels = WIDTHS[beside] - 60
    for i, (series, source) in enumerate(groups):
        own = table[(table["series"] == series) & (table["source"] == source)]
        y = row(names, labelled=i % beside == 0)
        most = int((own["windows"] - own["floors"]).max())
        heading = f"{label(series, labels)}, {source}: {count([most], 'window')}"
        layers = _layers(own, most, names, model.replace("_", " "), y, pixels)
        drawn.append(panel(layers, None if len(groups) == 1 else heading, pixels, names))
    explanation = (
        "Bar: mean CRPS, in counts, of the windows that the method forecasts; shorter is better. "
        f"Line: its {percent(confidence)} interval over windows, where there are five or more; windows follow one another, so it "
        "is too short. (of 12): a mean of fewer windows than others have. Each panel has its own axis."
    )
    wide = max(beside * (pixels + 70) + 160, 700)
    what = f"{heading}. " if len(groups) == 1 else ""
    return finish(grid(drawn), f"{what}Mean CRPS of forecasts from {subject}", explanation, wide)


def _layers(own: pd.DataFrame, most: int, names: list[str], model: str, y: alt.Y, pixels: float) -> list[alt.Chart]:
    known = own.dropna(subset=["crps"])
    numbers = ["crps", "crps_lower", "crps_upper"]
    known = known.assign(zero=0.0, **{column: known[column].astype(float) for column in numbers})
    ends = 0.0, span(pd.concat([known[column] for column in numbers]))[1]
    tip = tips("schedule", **dict.fromkeys(numbers, ",.4~g"), windows=",.0f")
    layers = []
    for mine, color in ((True, BLUE), (False, GREY)):
        bars = known[(known["schedule"] == model) == mine][["schedule", "zero", "windows", *numbers]]
        if len(bars):
            look = draw(bars, "bar", size=14, color=color, opacity=0.75)
            layers.append(look.encode(y=y, x=value("zero", ends, "mean CRPS", pixels), x2="crps:Q", tooltip=tip))
    sure = known.dropna(subset=numbers)[["schedule", *numbers]]
    if len(sure):
        layers.append(
            draw(sure, "rule", size=2, color=INK).encode(y=y, x=value("crps_lower", ends, "mean CRPS", pixels), x2="crps_upper:Q")
        )
    if len(known):
        fewer = [int(n) if n < most else 0 for n in known["windows"] - known["floors"]]
        said = [f"{number(score)} (of {n})" if n else number(score) for score, n in zip(known["crps"], fewer, strict=True)]
        layers.append(notes(known.assign(note=said), y, pixels))
    there = set(known["schedule"])
    missing = pd.DataFrame({"schedule": [name for name in names if name not in there]})
    return layers + ([absent(missing, y, "not available")] if len(missing) else [])
