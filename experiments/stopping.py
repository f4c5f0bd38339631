"""When to stop: replications are added until every pair of schedules is decided to within a tolerance, or the budget is spent."""

from collections.abc import Sequence
from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING

from experiments.session import Growth
from experiments.settings import CompareSettings
from sim.studies.plan import Wanted

if TYPE_CHECKING:
    import pandas as pd

PLANNED = 5  # times the first look's replications, where the intervals are made tightest; they hold at any number
LEAST, MOST = 1.25, 3.0  # a look has at least and at most so many times the replications of the one before
ROUND = 100  # replications are added in multiples of this


class Stopping:
    """The rule, asked after each look. What it answers depends on the outcomes alone, so that a study that was stopped goes on
    with the same looks.

    A schedule all of whose pairs are decided gets no more replications: they go where the doubt is.
    """

    def __init__(self, settings: CompareSettings, wanted: Sequence[Wanted]) -> None:
        self.settings, self.wanted = settings, list(wanted)
        self.planned = PLANNED * settings.replications

    def pairs(self, outcomes: "pd.DataFrame") -> "pd.DataFrame":
        """Every pair of schedules in every outcome that has a tolerance."""
        from sim.analysis.sequential import pairs

        schedules = len(self.wanted)
        family = schedules * (schedules - 1) // 2 * len(self.settings.tolerance)
        return pairs(outcomes, self.settings.tolerance, self.settings.confidence, self.planned, family)

    def __call__(self, outcomes: "pd.DataFrame") -> Growth | None:
        from sim.analysis.sequential import needed, open_schedules

        found = self.pairs(outcomes)
        undecided = set(open_schedules(found))
        if not undecided:
            return self.evened(found)
        forecast = needed(found, self.settings.confidence, self.planned, len(found))
        of_open = found[found["verdict"] == "open"].assign(needed=forecast)
        grown = []
        for w in self.wanted:
            if w.label not in undecided:
                grown.append(w)
                continue
            own = of_open.loc[(of_open["a"] == w.label) | (of_open["b"] == w.label), "needed"]
            least, most = LEAST * w.replications, MOST * w.replications
            wished = min(max(float(own.max()), least), most) if isfinite(own.max()) else most
            grown.append(replace(w, replications=-(-int(wished) // ROUND) * ROUND))
        grown = self.within_budget(grown)
        if grown == self.wanted:
            return None
        self.wanted = grown
        return Growth(grown, widest(found))

    def evened(self, found: "pd.DataFrame") -> Growth | None:
        """Once all pairs are decided: as many replications of each schedule as of the one that has most, where schedules are to
        be judged together, since only those count that all of them have."""
        if not (self.settings.objectives or self.settings.limits):
            return None
        most = max(w.replications for w in self.wanted)
        grown = self.within_budget([replace(w, replications=most) for w in self.wanted])
        if grown == self.wanted:
            return None
        self.wanted = grown
        return Growth(grown, widest(found))

    def within_budget(self, grown: list[Wanted]) -> list[Wanted]:
        """What the budget allows of it: each schedule the same share of what it would get."""
        spent = sum(w.replications for w in self.wanted)
        wish = sum(w.replications for w in grown) - spent
        left = self.settings.budget - spent
        if wish <= left:
            return grown
        share = max(0, left) / wish
        return [
            replace(then, replications=now.replications + int(share * (then.replications - now.replications)))
            for now, then in zip(self.wanted, grown, strict=True)
        ]


def widest(pairs: "pd.DataFrame") -> str:
    """How far from decided: the open pair whose interval is widest for its tolerance, and how many are open."""
    undecided = pairs[pairs["verdict"] == "open"]
    if undecided.empty:
        return f"all {len(pairs):,} pairs decided"
    row = undecided.loc[(undecided["half_width"] / undecided["tolerance"]).idxmax()]
    return (
        f"{len(undecided):,} of {len(pairs):,} pairs open, widest {row['outcome']} of {row['a']} less {row['b']}: "
        f"{row['mean']:.3g} ± {row['half_width']:.3g}, tolerance {row['tolerance']:g}"
    )
