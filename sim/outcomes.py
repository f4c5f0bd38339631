"""What is measured in a replication: outcomes at the horizon, and series by week.

An event's time is two columns: whether it happened (yes or no), and the day, censored at the horizon (the horizon's day where it
did not happen), to be read as survival data.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sim.agents import isis, militias
from sim.rules import MONTH, YEAR, rule

COUNT, YES_NO, DAY, INDEX, AMOUNT = "count", "yes or no", "day", "index", "amount"


@dataclass(frozen=True)
class Outcome:
    """One column of the table of outcomes. measure: (world, p, horizon in days) -> value."""

    name: str
    label: str
    unit: str
    kind: str
    measure: Callable[[Any, Any, float], Any]


Measure = Callable[[Any, Any, float], Any]


def event(name: str, label: str, happens: Measure, day: Measure) -> tuple[Outcome, Outcome]:
    """An event's two columns: whether it happened, and when, censored at the horizon."""
    return (
        Outcome(name, label, "share of runs", YES_NO, happens),
        Outcome(f"{name}_day", f"{label}: day, censored at the horizon", "days", DAY, day),
    )


@rule
def happened(day, horizon):
    return 0.0 <= day <= horizon


@rule
def censored(day, horizon):
    return min(horizon, day) if day >= 0.0 else horizon


@rule
def troop_days(world, horizon):
    us = world.united_states
    return us.troop_days + us.troops * (horizon - us.since_day)


OUTCOMES: tuple[Outcome, ...] = (
    Outcome("us_deaths", "US and coalition deaths from attacks", "deaths", COUNT, lambda w, p, h: w.united_states.deaths),
    Outcome("us_strikes", "US strikes", "strikes", COUNT, lambda w, p, h: w.united_states.strikes),
    Outcome("base_attacks", "Attacks on bases and the embassy", "attacks", COUNT, lambda w, p, h: w.militias.base_attacks),
    Outcome("convoy_attacks", "Attacks on convoys", "attacks", COUNT, lambda w, p, h: w.militias.convoy_attacks),
    Outcome(
        "civilian_deaths",
        "Iraqi civilian deaths from militia and US action",
        "deaths",
        COUNT,
        lambda w, p, h: w.militias.civilian_deaths + w.united_states.civilian_deaths,
    ),
    Outcome("isis_attacks", "ISIS attacks, CTC scale", "attacks", COUNT, lambda w, p, h: w.isis.attacks),
    Outcome("isis_deaths", "Deaths from ISIS attacks", "deaths", COUNT, lambda w, p, h: w.isis.deaths),
    Outcome(
        "mass_casualty_attacks",
        "ISIS attacks that kill ten or more",
        "attacks",
        COUNT,
        lambda w, p, h: w.isis.mass_casualty_attacks,
    ),
    Outcome("isis_stock", "ISIS members at the end", "members", AMOUNT, lambda w, p, h: isis.stock(w)),
    *event(
        "resurgence",
        "ISIS resurgence",
        lambda w, p, h: happened(w.isis.resurgence_day, h),
        lambda w, p, h: censored(w.isis.resurgence_day, h),
    ),
    Outcome(
        "readiness", "Readiness of the Iraqi forces at the end", "index, 0 to 1", INDEX, lambda w, p, h: w.iraqi_forces.readiness
    ),
    Outcome(
        "lowest_standing", "Government's standing, lowest", "index, 0 to 1", INDEX, lambda w, p, h: w.government.lowest_standing
    ),
    Outcome("standing", "Government's standing at the end", "index, 0 to 1", INDEX, lambda w, p, h: w.government.standing),
    *event(
        "government_fell",
        "Fall of the government",
        lambda w, p, h: happened(w.government.fell_day, h),
        lambda w, p, h: censored(w.government.fell_day, h),
    ),
    *event(
        "exit_demanded",
        "Exit demanded",
        lambda w, p, h: happened(w.government.exit_demanded_day, h),
        lambda w, p, h: censored(w.government.exit_demanded_day, h),
    ),
    Outcome(
        "truce_days", "Truce days, weighted by the groups' capacity", "days", AMOUNT, lambda w, p, h: militias.truce_days(w, p, h)
    ),
    *event(
        "exit_completed",
        "Exit completed",
        lambda w, p, h: happened(w.united_states.exit_completed_day, h),
        lambda w, p, h: censored(w.united_states.exit_completed_day, h),
    ),
    *event(
        "exit_forced",
        "Exit forced early",
        lambda w, p, h: happened(w.united_states.exit_forced_day, h),
        lambda w, p, h: censored(w.united_states.exit_forced_day, h),
    ),
    *event(
        "promise_broken",
        "Promised date missed",
        lambda w, p, h: happened(w.united_states.betrayed_day, h),
        lambda w, p, h: censored(w.united_states.betrayed_day, h),
    ),
    *event(
        "returned",
        "Return of US forces",
        lambda w, p, h: happened(w.united_states.returned_day, h),
        lambda w, p, h: censored(w.united_states.returned_day, h),
    ),
    Outcome("troop_months", "Presence", "troop-months", AMOUNT, lambda w, p, h: troop_days(w, h) / MONTH),
    Outcome("cost", "Cost of presence", "million USD", AMOUNT, lambda w, p, h: troop_days(w, h) / YEAR * p.case.cost),
)
BY_NAME = {outcome.name: outcome for outcome in OUTCOMES}
EVENTS = tuple(outcome.name for outcome in OUTCOMES if outcome.kind == YES_NO)


def measure(world: Any, p: Any, horizon: float) -> list[Any]:
    """The outcomes of one replication, in the order of OUTCOMES."""
    return [outcome.measure(world, p, horizon) for outcome in OUTCOMES]


@dataclass(frozen=True)
class Series:
    """One column of the table by week. `total` series are running totals in the world and counts of the week in the table;
    `whole` ones are whole numbers, too."""

    name: str
    label: str
    unit: str
    total: bool
    read: Measure
    whole: bool = False


SERIES: tuple[Series, ...] = (
    Series("troops", "US troops", "troops", False, lambda w, p, d: w.united_states.troops, whole=True),
    Series("base_attacks", "Attacks on bases and the embassy", "attacks a week", True, lambda w, p, d: w.militias.base_attacks),
    Series("convoy_attacks", "Attacks on convoys", "attacks a week", True, lambda w, p, d: w.militias.convoy_attacks),
    Series("isis_attacks", "ISIS attacks, CTC scale", "attacks a week", True, lambda w, p, d: w.isis.attacks),
    Series("us_deaths", "US and coalition deaths", "deaths a week", True, lambda w, p, d: w.united_states.deaths),
    Series("us_strikes", "US strikes", "strikes a week", True, lambda w, p, d: w.united_states.strikes),
    Series("isis_stock", "ISIS members", "members", False, lambda w, p, d: isis.stock(w)),
    Series("readiness", "Readiness of the Iraqi forces", "index, 0 to 1", False, lambda w, p, d: w.iraqi_forces.readiness),
    Series("pressure", "Pressure on the government", "index, 0 to 1", False, lambda w, p, d: w.government.pressure),
    Series("standing", "Government's standing", "index, 0 to 1", False, lambda w, p, d: w.government.standing),
)


def week(world: Any, p: Any, day: float) -> list[Any]:
    """The series at a week's end, in the order of SERIES; running totals as they are."""
    return [series.read(world, p, day) for series in SERIES]
