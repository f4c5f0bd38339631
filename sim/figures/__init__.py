"""Pictures from tables: what an analyst puts on a slide and then has to defend.

A figure is a pure function from tables (pandas) to an altair chart. It knows no engine, reads no file and computes no
statistics: every number in a picture is a number in a table of `sim.analysis`. One definition gives the PNG, the SVG
and the interactive chart.

    from sim.figures import figure, save

    chart = figure("differences")(differences, labels, start=start, horizon_days=1096)
    png, svg = save(chart, "results/study/figures", "differences")

Importing this package costs nothing: altair and pandas are imported when a figure is first asked for.
"""

from collections.abc import Callable
from importlib import import_module

__all__ = ["EVIDENCE", "FIGURES", "figure", "images", "save"]

# name -> what it shows; the function of that name lives in the module of that name
FIGURES = {
    "distributions": "chosen outcomes by schedule: median, middle half, 90 % range and single replications",
    "fan": "weekly series by schedule: median, middle half and 90 % range",
    "timelines": "the schedules themselves: planned troops, announcements, mission changes, departures, returns",
    "incidence": "share of replications in which an event has happened by a date",
    "differences": "paired differences between each schedule and a baseline",
    "pairs": "every pair of schedules for one outcome: difference, interval, tolerance, verdict",
    "selection": "which schedule is best by the stated objectives, and how sure that is",
    "regret": "what it costs to be wrong: regret over states of the world",
    "survival": "days until an event, against a baseline, on the same luck",
    "reversals": "which rival theory or parameter turns the order of a pair of schedules",
    "information": "what it would be worth to know a parameter or which rival theory is right",
    "tails": "the worst runs: mean, quantile and mean of the bad tail",
    "necessary": "what a bad end needed: share of runs in which withholding a kind of event prevents it",
}
# the same, of commands that look at the model, not at schedules side by side: each draws its own, `plot` draws none
EVIDENCE = {
    "calibration": "what a calibration has learnt: prior against posterior of each parameter",
    "hindcast": "what was counted in each window beside its forecast, by source",
    "pit": "where the counts fell within their forecasts: even if these are calibrated",
    "skill": "the mean score of each way to forecast, by series and source",
    "screening": "how much each parameter and rival theory moves the mean of an outcome, one at a time",
    "indices": "whose variance an outcome's is: of each parameter and rival theory, and luck's",
    "discovery": "boxes of states in which runs end badly, and what they are worth in other states",
}


def figure(name: str) -> Callable:
    """The function that draws the figure of that name. Raises ValueError, naming those there are, for any other."""
    if name not in FIGURES and name not in EVIDENCE:
        raise ValueError(f"no figure is called {name!r}: there are {', '.join((*FIGURES, *EVIDENCE))}")
    return getattr(import_module(f"{__name__}.{name}"), name)


def save(chart, folder, name: str):
    """Write `<name>.png` and `<name>.svg` into `folder`; the two paths. See `sim.figures.files.save`."""
    from .files import save as write

    return write(chart, folder, name)


def images(chart) -> dict[str, bytes]:
    """The chart as PNG and SVG, by suffix. See `sim.figures.files.files`."""
    from .files import files as make

    return make(chart)
