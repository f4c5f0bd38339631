"""How all figures look: type that can be read from the back of a room, colours that everyone can tell apart, no ornament."""

import altair as alt

from .wording import wrap

FONT = "Liberation Sans, Arial, Helvetica, sans-serif"  # the first comes with vl-convert; Arial has the same widths
TITLE, SUBTITLE, PANEL, TEXT = 20, 15, 15, 14  # sizes in pixels of the design; a PNG has twice as many

# Okabe and Ito 2008, without yellow, which is lost on white
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK = "#E69F00", "#56B4E9", "#000000"
COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)
DASHES = ((1, 0), (7, 3), (2, 2))  # a second mark, since colour alone carries no more than seven
INK, GREY, FAINT = "#222222", "#6B6B6B", "#E3E3E3"


def finish(chart: alt.TopLevelMixin, title: str, subtitle: str, pixels: float) -> alt.TopLevelMixin:
    """The chart with its title, explanation and look; `pixels` is its width, into which the lines are broken."""
    heading = alt.TitleParams(
        text=wrap(title, pixels, TITLE, bold=True),
        subtitle=wrap(subtitle, pixels, SUBTITLE),
        anchor="start",
        frame="bounds",
        fontSize=TITLE,
        fontWeight="bold",
        color=INK,
        lineHeight=TITLE * 1.25,
        subtitleFontSize=SUBTITLE,
        subtitleColor=GREY,
        subtitleLineHeight=SUBTITLE * 1.3,
        subtitlePadding=6,
        offset=14,
    )
    return chart.properties(title=heading, background="white", padding=16).configure(
        font=FONT,
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(
            labelFontSize=TEXT,
            titleFontSize=TEXT,
            titleFontWeight="normal",
            labelColor=INK,
            titleColor=INK,
            gridColor=FAINT,
            domainColor=GREY,
            tickColor=GREY,
            labelLimit=400,
            labelFlush=False,
            titlePadding=8,
        ),
        title=alt.TitleConfig(
            fontSize=PANEL, fontWeight="bold", color=INK, anchor="start", frame="group", lineHeight=PANEL * 1.25
        ),
    )


def identity(schedules: list[str]) -> tuple[alt.Color, alt.StrokeDash]:
    """A colour and a dash for each schedule, the same in every panel; 21 differ, then they repeat."""
    colours = [COLOURS[i % len(COLOURS)] for i in range(len(schedules))]
    dashes = [list(DASHES[i // len(COLOURS) % len(DASHES)]) for i in range(len(schedules))]
    return (
        alt.Color("schedule:N", scale=alt.Scale(domain=schedules, range=colours), legend=None),
        alt.StrokeDash("schedule:N", scale=alt.Scale(domain=schedules, range=dashes), legend=None),
    )
