"""Measure what the model gives at its defaults, and write it down as it is: docs/plausibility.md.

    python -m experiments.plausibility        # under a minute on two cores

A check of order of magnitude against the record, not a fit; the share of variance that pairing saves; saturation; and a first
screening of the parameters, one at a time from the low to the high end of its prior, on the same luck.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.choices import schedule_names
from experiments.composition import scenario
from experiments.tabular import table
from sim.analysis.paired import paired_difference
from sim.engines.block import Block
from sim.scenario import Scenario, declared_parameters
from sim.studies.memory import simulate
from sim.studies.tables import frame

SEED = 20210407
PAGE = Path(__file__).parent.parent / "docs" / "plausibility.md"
RUNS, SCREENING_RUNS = 200, 24
RIVALS = ("none", "coercive_signalling", "emboldenment", "lie_low_then_surge")


def table_of(scenarios: dict[str, Scenario], blocks: dict[str, list[Block]]) -> pd.DataFrame:
    return frame(blocks)


def markdown(heads: list[str], rows: list[list[str]]) -> list[str]:
    """A table, and the empty line that ends it."""
    return [table(heads, rows), ""]


def signed(change: float) -> str:
    """A change as a reader wants it."""
    return f"{change:+,.0f}" if abs(change) >= 100 else f"{change:+.1f}" if abs(change) >= 1 else f"{change:+.2f}"


def spread(values: pd.Series) -> str:
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    return f"{middle:,.0f} ({low:,.0f} to {high:,.0f})"


def first_year() -> list[str]:
    """The issue's orders of magnitude: one year of the open-ended schedule."""
    scenarios = {"open_ended": scenario("open_ended", "horizon_days=365")}
    table = table_of(scenarios, simulate(scenarios, SEED, RUNS))
    wanted = {"base_attacks": "25 to 90", "isis_attacks": "700 to 1,900", "us_deaths": "0 to 6"}
    rows = [[name, spread(table[name]), f"{table[name].mean():,.1f}", asked] for name, asked in wanted.items()]
    rows.append(["government_fell", f"{table['government_fell'].mean():.1%} of runs", "", "a minority"])
    for name in ("us_strikes", "convoy_attacks", "isis_deaths", "mass_casualty_attacks", "civilian_deaths"):
        rows.append([name, spread(table[name]), f"{table[name].mean():,.1f}", "-"])
    return [
        "## One year, open_ended",
        "",
        f"{RUNS} replications, 365 days from 7 April 2021.",
        "",
        *markdown(["outcome", "median (90 % range)", "mean", "expected median"], rows),
    ]


def three_years() -> list[str]:
    """All schedules: the outcomes that are asked about, pairing factors and saturation."""
    names = schedule_names()
    scenarios = {name: scenario(name) for name in names}
    blocks = simulate(scenarios, SEED, RUNS, RUNS)
    table = table_of(scenarios, blocks)
    rows, factors = [], []
    base = table[table["schedule"] == "open_ended"]
    for name in names:
        own = table[table["schedule"] == name]
        shares = [
            f"{own[event].mean():.1%}" for event in ("resurgence", "government_fell", "exit_demanded", "exit_forced", "returned")
        ]
        rows.append([name, spread(own["base_attacks"]), spread(own["us_deaths"]), spread(own["isis_attacks"]), *shares])
        if name != "open_ended":
            factor = [paired_difference(own[o].to_numpy(), base[o].to_numpy())["variance_ratio"] for o in FACTORS]
            factors.append([name, *(f"{value:.1f}" for value in factor)])
    pairs = [
        ("phased_12_months", "rapid_6_months"),
        ("phased_18_months", "phased_12_months"),
        ("full_exit_no_residual", "rapid_6_months"),
    ]
    for a, b in pairs:
        one, two = table[table["schedule"] == a], table[table["schedule"] == b]
        factor = [paired_difference(one[o].to_numpy(), two[o].to_numpy())["variance_ratio"] for o in FACTORS]
        factors.append([f"{a} against {b}", *(f"{value:.1f}" for value in factor)])
    return [
        "## Three years, every schedule",
        "",
        f"{RUNS} replications of each, 1,096 days from 7 April 2021, the same luck.",
        "",
        *markdown(
            [
                "schedule",
                "base attacks",
                "US deaths",
                "ISIS attacks",
                "resurgence",
                "fell",
                "exit demanded",
                "forced early",
                "returned",
            ],
            rows,
        ),
        "## What pairing saves",
        "",
        "Variance of the difference on independent luck over that on common luck, against open_ended unless said otherwise.",
        "",
        *markdown(["schedule", *FACTORS], factors),
        *saturation(blocks),
        *after_exit(frame(blocks, "weekly")),
    ]


FACTORS = ["base_attacks", "us_deaths", "isis_attacks", "troop_months"]


def saturation(blocks: dict[str, list[Block]]) -> list[str]:
    """Opportunities whose willingness exceeded the cap."""
    seen: Counter[str] = Counter()
    over: Counter[str] = Counter()
    for done in blocks.values():
        for block in done:
            seen.update(block.opportunities)
            over.update(block.saturated)
    rows = [[name, f"{count:,}", f"{over[name]:,}", f"{over[name] / count:.5%}"] for name, count in sorted(seen.items())]
    return ["## Saturation", "", "Opportunities at which the willingness was above the cap; the limit is 0.1 %.", "",
            *markdown(["activity", "opportunities", "above the cap", "share"], rows)]  # fmt: skip


def after_exit(weekly: pd.DataFrame) -> list[str]:
    """ISIS attacks in the first and second year after a full exit (18 December 2021), over those under open_ended in the same
    weeks on the same luck, and over those in the year before."""
    exit_day = 255.0
    rows = []
    for label, first, last in (("first year", 0.0, 365.0), ("second year", 365.0, 730.0)):

        def count(schedule: str, low: float, high: float) -> pd.Series:
            own = weekly[(weekly["schedule"] == schedule) & (weekly["day"] > low) & (weekly["day"] <= high)]
            return own.groupby("replication")["isis_attacks"].sum()

        ratio = count("full_exit_no_residual", exit_day + first, exit_day + last) / count(
            "open_ended", exit_day + first, exit_day + last
        )
        low, middle, high = np.quantile(ratio, [0.05, 0.5, 0.95])
        rows.append([label, f"x{middle:.2f} ({low:.2f} to {high:.2f})"])
    return ["## ISIS attacks after a full exit, against staying", "",
            "Same luck, parameters at their defaults (so without the uncertainty of the priors, which the expected range has).",
            "Expected in the first year: median x1.15, 0.7 to 1.8; fatter in the second.", "",
            *markdown(["after 18 December 2021", "ratio (90 % range)"], rows)]  # fmt: skip


def resurgence() -> list[str]:
    """Resurgence with weak and with strong forces, under every rival."""
    cases = [(name, forces) for name in ("full_exit_no_residual", "open_ended") for forces in ("weak", "default", "strong")]
    scenarios = {
        f"{name}, {forces}, {rival}": scenario(name, f"iraqi_forces={forces}", f"rivals/announcement={rival}")
        for name, forces in cases
        for rival in RIVALS
    }
    table = table_of(scenarios, simulate(scenarios, SEED, RUNS // 2))
    share = table.groupby("schedule", sort=False)["resurgence"].mean()
    rows = [[name, forces, *(f"{share[f'{name}, {forces}, {rival}']:.1%}" for rival in RIVALS)] for name, forces in cases]
    return [
        "## Resurgence by strength of the forces and rival theory",
        "",
        f"Share of {RUNS // 2} replications of three years.",
        "",
        *markdown(["schedule", "forces", *RIVALS], rows),
    ]


def screening() -> list[str]:
    """Each parameter from the low to the high end of its prior, the others at their defaults, on the same luck: the change of the
    mean outcome under open_ended, and of the difference that leaving in six months makes."""
    scenarios: dict[str, Scenario] = {}
    for one in declared_parameters():
        module = next((rival for rival, start in USED_BY.items() if one.name.startswith(start)), "none")
        for end in ("low", "high"):
            for name in ("open_ended", "rapid_6_months"):
                scenarios[f"{one.key} {end} {name}"] = scenario(
                    name, f"rivals/announcement={module}", f"{one.key}={getattr(one, end)!r}"
                )
    means = table_of(scenarios, simulate(scenarios, SEED, SCREENING_RUNS)).groupby("schedule")[list(SCREENED)].mean()
    usual = table_of(base := {"open_ended": scenario("open_ended")}, simulate(base, SEED, RUNS))[list(SCREENED)].std()
    effects: list[dict[str, Any]] = []
    for one in declared_parameters():
        stay = {end: means.loc[f"{one.key} {end} open_ended"] for end in ("low", "high")}
        leave = {end: means.loc[f"{one.key} {end} rapid_6_months"] for end in ("low", "high")}
        level = stay["high"] - stay["low"]
        contrast = (leave["high"] - stay["high"]) - (leave["low"] - stay["low"])
        weight = float((contrast.abs() / usual).sum())
        effects.append({"key": one.key, "weight": weight, "level": level, "contrast": contrast})
    effects.sort(key=lambda effect: -effect["weight"])
    rows = []
    for effect in effects:
        changes = [signed(effect[what][name]) for what in ("level", "contrast") for name in SCREENED]
        rows.append([effect["key"], *changes])
    return [
        "## Which parameters matter: a first screening",
        "",
        f"From the low to the high end of each prior, {SCREENING_RUNS} replications, the same luck. First the change of the mean",
        "under open_ended, then the change of what leaving in six months makes of it (rapid_6_months minus open_ended). Sorted",
        "by the second, each outcome in units of its standard deviation under open_ended. One at a time: no interactions. The",
        "parameters of a rival theory are screened under that theory.",
        "",
        *markdown(["parameter", *SCREENED, *(f"difference in {name}" for name in SCREENED)], rows),
    ]


SCREENED = ("base_attacks", "us_deaths", "isis_attacks", "standing", "troop_months")
USED_BY = {"coercive_signalling": "signalling", "emboldenment": "emboldenment", "lie_low_then_surge": ("lie_low", "departure")}


def main() -> None:
    head = [
        "# What the model gives at its defaults",
        "",
        "Written by `python -m experiments.plausibility`, not by hand. A check of order of magnitude, not a fit: no parameter",
        "was chosen to make a number here come out.",
        "",
    ]
    PAGE.write_text("\n".join([*head, *first_year(), *three_years(), *resurgence(), *screening()]), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
