"""The charts of a report, drawn beforehand: the figures of `sim.figures`, as SVG for the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from sim.analysis.incidence import incidence
from sim.analysis.objectives import read_objective
from sim.analysis.summary import fan
from sim.figures import figure
from sim.outcomes import EVENTS
from sim.report.drawings import drawing
from sim.report.material import Material
from sim.report.shown import FAN_SERIES, LABELS, SERIES_LABELS, SHOWN_EVENTS, SMOOTH, SMOOTHED

DOTS = 60  # single replications in the picture of one schedule; each is an element of the page
# table -> figure, what it is called, and what it is told of the study
JUDGED = {
    **{name: name for name in ("selection", "regret", "tails", "reversals")},
    "value_of_information": "information",
}
TABLE_OF = {"information": "value_of_information"}
CAPTIONS = {
    "selection": "Lead over the best other schedule",
    "regret": "Regret over states of the world",
    "tails": "The worst runs",
    "reversals": "What turns the order of two schedules",
    "value_of_information": "What it would be worth to know",
}
TOLD = {
    "selection": ("states", "objectives"),
    "regret": ("states", "replications", "objectives"),
    "reversals": ("states", "objectives"),
    "value_of_information": ("states", "replications", "objectives"),
}


@dataclass(frozen=True)
class Picture:
    """A chart of the page, and what it shows."""

    caption: str
    svg: Markup


class Pictures:
    """Draws the charts of one report; what several of them need is computed once."""

    def __init__(self, material: Material) -> None:
        self.material = material
        self.about: dict[str, Any] = {
            "start": pd.Timestamp(material.manifest["start"]),
            "horizon_days": material.manifest["horizon_days"],
        }
        self.drawn = 0
        self.fewest = int(material.tables["outcomes"]["schedule"].value_counts().min())
        self.bands = self._bands()
        self.shares = self._shares()

    def _bands(self) -> pd.DataFrame | None:
        if not self.material.has("weekly"):
            return None
        weekly = self.material.tables["weekly"]
        if "state" in weekly:  # the same luck in another state of the world is another run
            weekly = weekly.assign(replication=weekly.groupby(["state", "replication"], sort=False).ngroup())
        series = [name for name in FAN_SERIES if name in weekly]
        return fan(weekly, series, SMOOTHED, SMOOTH)

    def _shares(self) -> pd.DataFrame:
        horizon = float(self.about["horizon_days"])
        days = np.unique(np.append(np.arange(0.0, horizon, 7.0), horizon))
        tables = self.material.tables
        shares = incidence(
            tables["outcomes"], list(SHOWN_EVENTS), days, tables["states"] if self.material.has("states") else None
        )
        keys = ["schedule", "event", "share", "lower", "upper"]
        shares = shares[(shares[keys] != shares[keys].shift()).any(axis=1)]  # a step goes on until the next one
        return shares.assign(date=self.about["start"] + pd.to_timedelta(shares["day"], unit="D"))

    def _picture(self, chart: Any, caption: str) -> Picture:
        self.drawn += 1
        return Picture(caption, drawing(chart, f"p{self.drawn}-", caption))

    def timelines(self) -> Picture:
        return self._picture(figure("timelines")(*self.material.timelines), "The schedules as planned")

    def of(self, name: str) -> list[Picture]:
        """The charts that belong to a table of all schedules."""
        found: list[Picture | None] = []
        if name == "differences":
            found = [self.differences()]
        elif name == "pairs":
            outcomes = dict.fromkeys(self.material.tables["pairs"]["outcome"])
            found = [self._concluded(name, f"Every pair: {outcome}", outcome=outcome) for outcome in outcomes]
        elif name == "survival":
            runs = {"replications": self.fewest, "baseline": self.material.baseline, "chosen_events": self._events()}
            found = [self._concluded(name, "Time until events, from the baseline", **runs)]
        elif name in JUDGED:
            found = [self._concluded(JUDGED[name], CAPTIONS[name], **self._judged(name))]
        return [picture for picture in found if picture is not None]

    def _concluded(self, name: str, caption: str, **more: Any) -> Picture | None:
        """A figure of one table, by the name of the figure; None where no row of it can be drawn."""
        table = self.material.tables[TABLE_OF.get(name, name)]
        if name == "information" and set(table["of"]) == {"everything"}:
            return None
        confidence = float(self.material.config.get("confidence") or 0.95)
        return self._picture(figure(name)(table, LABELS, confidence=confidence, **more, **self.about), caption)

    def _judged(self, name: str) -> dict[str, Any]:
        """What the figure of that table is told beside the table."""
        states = len(self.material.tables["states"]) if self.material.has("states") else 1
        objectives = [read_objective(text) for text in self.material.objectives]
        each = {"states": states, "replications": max(self.fewest // states, 1), "objectives": objectives}
        if name == "tails":
            return {"replications": self.fewest, "means": self.material.tables["summary"]}
        return {key: each[key] for key in TOLD[name]}

    def _events(self) -> list[str]:
        there = set(self.material.tables["survival"]["event"])
        return [name for name in SHOWN_EVENTS if name in there] or sorted(there)

    def necessary(self, schedule: str) -> list[Picture]:
        """What was necessary for each end, under one schedule."""
        if not self.material.has("necessary"):
            return []
        table = self.material.tables["necessary"]
        ends = dict.fromkeys(table.loc[table["schedule"] == schedule, "end"])
        drawn = [
            self._concluded("necessary", f"What was necessary: {end}, {schedule}", end=end, order=[schedule]) for end in ends
        ]
        return [picture for picture in drawn if picture is not None]

    def differences(self, schedules: Sequence[str] | None = None) -> Picture | None:
        """Paired differences of some schedules, or all, from the baseline; None where there are none."""
        if not self.material.has("differences"):
            return None
        table = self.material.tables["differences"]
        table = table[table["outcome"].isin(self.material.headline)]
        if schedules is not None:
            table = table[table["schedule"].isin(schedules)]
        if table.empty:
            return None
        order = [name for name in self.material.headline if name in set(table["outcome"])]
        chart = figure("differences")(table, LABELS, yes_no=EVENTS, chosen_outcomes=order, **self.about)
        what = "all schedules" if schedules is None else ", ".join(schedules)
        return self._picture(chart, f"Paired differences from {self.material.baseline}: {what}")

    def distributions(self, schedules: Sequence[str]) -> Picture:
        tables = self.material.tables
        summary = tables["summary"][tables["summary"]["outcome"].isin(self.material.headline)]
        outcomes = tables["outcomes"].groupby("schedule", sort=False).head(DOTS)
        chart = figure("distributions")(
            summary, outcomes, LABELS, chosen_outcomes=self.material.headline, order=list(schedules), **self.about
        )
        return self._picture(chart, f"Outcomes: {', '.join(schedules)}")

    def fan(self, schedules: Sequence[str]) -> Picture | None:
        if self.bands is None:
            return None
        there = [name for name in schedules if name in set(self.bands["schedule"])]
        if not there:
            return None
        fewest = int(self.bands["n"].min())
        chart = figure("fan")(self.bands, SERIES_LABELS, replications=fewest, schedules=there, **self.about)
        return self._picture(chart, f"Week by week: {', '.join(there)}")

    def incidence(self, schedules: Sequence[str]) -> Picture:
        outcomes = self.material.tables["outcomes"]
        fewest = int(outcomes.groupby("schedule").size()[list(schedules)].min())
        chart = figure("incidence")(self.shares, LABELS, replications=fewest, order=list(schedules), **self.about)
        what = "all schedules" if len(schedules) > 2 else ", ".join(schedules)
        return self._picture(chart, f"When events happen: {what}")
