"""Every pair of schedules for one outcome: how much one differs from the other, how surely, and what that decides."""

from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd

from .marks import draw, tips, write
from .tables import chosen, need
from .theme import BLACK, BLUE, FAINT, GREEN, GREY, INK, PURPLE, SKY, TEXT, VERMILION, finish
from .wording import Labels, axis_title, count, label, percent, period, unit, wrap
from .worth import number

# verdict -> (what the legend calls it, shape, colour)
VERDICTS = {
    "higher": ("row is higher", "triangle-up", VERMILION),
    "lower": ("row is lower", "triangle-down", BLUE),
    "alike": ("alike, within the tolerance", "circle", GREEN),
    "measured": ("difference known to the tolerance", "square", PURPLE),
    "open": ("open", "cross", GREY),
}
ALL, CELL, WIDEST = 1020, 88, 240  # pixels: width of all cells, the narrowest cell, the widest cell
HEIGHT, ROOM = 44, 8  # pixels: a cell's height, and what is left free at its sides
REACH = 4  # tolerances from the middle of a cell to its end: where verdicts are made; what lies beyond stands at the end
LINE = 1.2 * TEXT  # pixels from one line of a name to the next
LETTER = 0.5 * TEXT


def pairs(
    table: pd.DataFrame,
    labels: Labels | None = None,
    *,
    start,
    horizon_days: int,
    outcome: str | None = None,
    confidence: float = 0.95,
    order: Sequence[str] | None = None,
) -> alt.TopLevelMixin:
    """A triangle with a cell for each pair, row minus column: the mean difference, its interval on a scale that all cells share,
    a band for the tolerance, and a sign for the verdict.

    A triangle rather than a list: eleven schedules make 55 pairs, and a reader looks for one of them by two names.

    table: a, b, outcome, n (pairs of replications), mean (a minus b), lower, upper (anytime-valid, simultaneous), half_width,
        tolerance, all in the outcome's unit, and verdict (higher, lower, alike, measured, open).
    labels: outcome -> (label, unit). start, horizon_days: first day and length of a replication, for the title.
    outcome: which one, needed when the table holds several. confidence: of all intervals at once.
    order: which schedules, in which order; else as in the table. Where this puts b before a, the cell shows b minus a.

    Raises ValueError for a table that lacks a column, is empty or has a row twice, for several outcomes of which none was chosen,
    for an unknown outcome, schedule or verdict, and when the schedules chosen form no pair.
    """
    columns = ("a", "b", "outcome", "n", "mean", "lower", "upper", "tolerance", "verdict")
    need(table, columns, "pairs", key=("a", "b", "outcome"))
    outcomes = chosen(table, "outcome", None if outcome is None else [outcome], "pairs")
    if len(outcomes) > 1:
        raise ValueError(f"the table of pairs has several outcomes, choose one: {', '.join(outcomes)}")
    table = table[table["outcome"] == outcomes[0]]
    chosen(pd.DataFrame({"verdict": list(VERDICTS)}), "verdict", list(table["verdict"]), "verdicts")
    schedules = chosen(pd.DataFrame({"schedule": pd.concat([table["a"], table["b"]])}), "schedule", order, "pairs")
    table = table[table["a"].isin(schedules) & table["b"].isin(schedules)]
    need(table, (), f"pairs of {', '.join(schedules)}")
    table = _oriented(table, schedules)

    across = len(schedules) - 1
    cell = min(max(ALL / across, CELL), WIDEST)
    most, tolerance = (
        float(table[names].astype(float).abs().replace(float("inf"), float("nan")).max().max())
        for names in (["mean", "lower", "upper"], ["tolerance"])
    )
    reach = min(REACH * tolerance, max(most, tolerance)) if tolerance > 0 else most or 1.0
    table = _placed(table, schedules, cell, reach)
    width, height = cell * across, HEIGHT * across
    x, y = _axis(width, "x"), _axis(height, "y")
    triangle = alt.LayerChart(layer=[*_cells(table, x, y), *_names(schedules, cell, x, y)]).properties(width=width, height=height)

    arrows = bool((table["beyond_left"] | table["beyond_right"]).any())
    measure = unit(outcomes[0], labels)
    key = _key(table, max(width, 560), tolerance, measure)
    title = (
        f"{label(outcomes[0], labels)}, {period(start, horizon_days)}: every pair of schedules, row minus column, "
        f"{count(table['n'], 'pair')} of replications"
    )
    explanation = (
        f"Number: mean difference, {axis_title(outcomes[0], labels)}. Dot and line: mean and interval, valid whenever the study "
        f"stopped, sure at {percent(confidence)} for all pairs at once. Each cell reaches from −{reach:.3g} to "
        f"{reach:.3g}, with 0 in the middle{'; an arrow at its end: further out' if arrows else ''}."
    )
    names = LETTER * max(len(name) for name in schedules)
    return finish(alt.vconcat(key, triangle, spacing=14), title, explanation, max(width + names, 720))


def _oriented(table: pd.DataFrame, schedules: list[str]) -> pd.DataFrame:
    """Each pair with the schedule that comes first as a: turned round, higher is lower."""
    place = {name: i for i, name in enumerate(schedules)}
    turned = table["a"].map(place) > table["b"].map(place)
    back = table[turned].rename(columns={"a": "b", "b": "a"})
    back = back.assign(mean=-back["mean"], lower=-back["upper"], upper=-back["lower"])
    back = back.assign(verdict=back["verdict"].replace({"higher": "lower", "lower": "higher"}))
    return pd.concat([table[~turned], back], ignore_index=True)


def _placed(table: pd.DataFrame, schedules: list[str], cell: float, reach: float) -> pd.DataFrame:
    """Where everything stands, in pixels from the left and from above."""
    place = {name: i for i, name in enumerate(schedules)}
    left, top = cell * (table["b"].map(place) - 1), HEIGHT * table["a"].map(place)
    half = cell / 2 - ROOM
    numbers = table[["mean", "lower", "upper"]].astype(float)
    scaled = {name: left + cell / 2 + half * of.clip(-reach, reach) / reach for name, of in numbers.items()}
    band = half * table["tolerance"].astype(float).clip(upper=reach) / reach
    return table.assign(
        left=left + 1.5,
        right=left + cell - 1.5,
        top=top + 1.5,
        bottom=top + HEIGHT - 1.5,
        half=top + HEIGHT / 2,
        middle=left + cell / 2,
        text_at=top + 12,
        line_at=top + 32,
        sign_at=left + ROOM + 4,
        mean_at=scaled["mean"],
        lower_at=scaled["lower"],
        upper_at=scaled["upper"],
        band_from=left + cell / 2 - band,
        band_to=left + cell / 2 + band,
        number_at=left + cell - ROOM,
        inside=numbers["mean"].abs() <= reach,
        beyond_left=numbers.min(axis=1) < -reach,
        beyond_right=numbers.max(axis=1) > reach,
        left_at=left + ROOM,
        lower=numbers["lower"].where(np.isfinite(numbers["lower"])),  # JSON has no infinity
        upper=numbers["upper"].where(np.isfinite(numbers["upper"])),
        said=["no value" if pd.isna(mean) else ("+" if mean > 0 else "") + number(mean) for mean in table["mean"]],
    )


def _axis(pixels: float, channel: str):
    """A channel in pixels as a function of the column, without an axis: the cells carry their own marks."""
    make, domain = (alt.X, [0, pixels]) if channel == "x" else (alt.Y, [pixels, 0])
    return lambda column: make(f"{column}:Q", axis=None, scale=alt.Scale(domain=domain, nice=False, zero=False))


def _cells(table: pd.DataFrame, x, y) -> list[alt.Chart]:
    shown = tips("a", "b", "verdict", n=",", mean="+,.4~g", lower="+,.4~g", upper="+,.4~g", tolerance=",.4~g")
    places = [column for column in table if column.endswith(("_at", "_from", "_to"))]
    table = table[
        [
            *("a", "b", "verdict", "n", "mean", "lower", "upper", "tolerance", "said", "inside", "beyond_left", "beyond_right"),
            *("left", "right", "top", "half", "bottom", "middle", *places),
        ]
    ]
    sure = table.dropna(subset=["lower_at", "upper_at"])
    layers = [
        draw(table, "rect", color="#F6F6F6").encode(x=x("left"), x2="right:Q", y=y("top"), y2="bottom:Q", tooltip=shown),
        draw(table.dropna(subset=["tolerance"]), "rect", color=SKY, opacity=0.35).encode(
            x=x("band_from"), x2="band_to:Q", y=y("half"), y2="bottom:Q", tooltip=shown
        ),
        draw(table, "rule", color=GREY, strokeWidth=0.8).encode(x=x("middle"), y=y("half"), y2="bottom:Q"),
        draw(sure, "rule", color=INK, strokeWidth=2.5).encode(x=x("lower_at"), x2="upper_at:Q", y=y("line_at"), tooltip=shown),
        *(
            draw(own, "point", shape=shape, size=34, filled=True, fill=fill, stroke=INK, strokeWidth=1.4, opacity=1).encode(
                x=x(at), y=y("line_at"), tooltip=shown
            )
            for which, at, shape, fill in (
                ("beyond_left", "left_at", "triangle-left", INK),
                ("beyond_right", "number_at", "triangle-right", INK),
                ("inside", "mean_at", "circle", "white"),
            )
            if len(own := table[table[which]])
        ),
        write(table, "said", "right").encode(x=x("number_at"), y=y("text_at")),
    ]
    return [*layers, _signs(table).encode(x=x("sign_at"), y=y("text_at"), tooltip=shown)]


def _signs(table: pd.DataFrame) -> alt.Chart:
    domain = list(VERDICTS)
    shape = alt.Shape("verdict:N", scale=alt.Scale(domain=domain, range=[VERDICTS[v][1] for v in domain]), legend=None)
    fill = alt.Fill("verdict:N", scale=alt.Scale(domain=domain, range=[VERDICTS[v][2] for v in domain]), legend=None)
    return draw(table, "point", size=80, filled=True, stroke=BLACK, strokeWidth=0.4, opacity=1).encode(shape=shape, fill=fill)


def _names(schedules: list[str], cell: float, x, y) -> list[alt.Chart]:
    """Rows named at the left, columns above, each column's name standing on its first cell, broken into lines."""
    rows = pd.DataFrame({"name": schedules[:-1], "at": [HEIGHT * (i + 0.5) for i in range(len(schedules) - 1)]})
    lines = []
    for i, name in enumerate(schedules[1:]):
        parts = wrap(name, cell - 4, TEXT)
        lines += [
            {"line": part, "at": cell * (i + 0.5), "above": -8 - LINE * (len(parts) - 1 - k)} for k, part in enumerate(parts)
        ]
    heads = pd.DataFrame(lines)
    return [
        write(rows, "name", "right").encode(x=alt.value(-10), y=y("at")),
        *(write(own, "line", "center").encode(x=x("at"), y=alt.value(above)) for above, own in heads.groupby("above")),
    ]


def _key(table: pd.DataFrame, pixels: float, tolerance: float, measure: str) -> alt.LayerChart:
    """What the signs and the band mean: those verdicts that occur, in lines of so many pixels."""
    counts = table["verdict"].value_counts()
    entries = [(v, f"{VERDICTS[v][0]} ({counts[v]})") for v in VERDICTS if v in counts]
    entries.append(("", f"band: tolerance, ±{tolerance:g} {measure}".strip()))
    found, place, line = [], 8.0, 0
    for verdict, text in entries:
        wide = LETTER * len(text) + 44
        if found and place + wide > pixels:
            place, line = 8.0, line + 1
        found.append({"verdict": verdict, "text": text, "x": place, "y": 10.0 + 22 * line, "x2": place - 8, "x3": place + 8})
        place += wide
    key = pd.DataFrame(found)
    height = 22 * (line + 1)
    x, y = _axis(pixels, "x"), _axis(height, "y")
    signs, band = (
        key[key["verdict"] != ""],
        key[key["verdict"] == ""].assign(low=lambda rows: rows["y"] - 8, high=lambda rows: rows["y"] + 8),
    )
    return alt.LayerChart(
        layer=[
            draw(band, "rect", color=SKY, opacity=0.35, stroke=FAINT).encode(x=x("x2"), x2="x3:Q", y=y("low"), y2="high:Q"),
            _signs(signs).encode(x=x("x"), y=y("y")),
            write(key, "text", dx=14).encode(x=x("x"), y=y("y")),
        ]
    ).properties(width=pixels, height=height)
