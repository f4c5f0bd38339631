"""What docs/validation.md shows: sentences and tables made of the kept results of `make validation`, in docs/validation/."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from experiments.patterns import lines
from experiments.posteriors import LEARNT
from experiments.tabular import table as table_of
from experiments.verdicts import windows_told
from sim.analysis.scores import ALL
from sim.history.forecasts import MODEL
from sim.history.informed import READ_UNTIL, WIDER
from sim.history.record import SERIES
from sim.purpose import NOT_FOR, PURPOSE

KEPT = Path(__file__).parent.parent / "docs" / "validation"
SIGNS = {"exact": "", "at_least": "at least ", "about": "about "}  # before a count, by its kind
TARGETS = ("base_attacks", "isis_attacks")  # what the acceptability criteria speak of
RANKS, SHARES = (KEPT.parent / f"calibration_{name}.csv" for name in ("ranks", "shares"))
LEFT_OUT = 0.05  # of a posterior, on either side of its 90 % range
LOWEST, HIGHEST = 0.80, 0.97  # acceptable share of windows within the 90 % interval


def kept(name: str) -> pd.DataFrame:
    """A table that `make validation` has left."""
    return pd.read_csv(KEPT / f"{name}.csv")


def number(value: float) -> str:
    """Three significant digits; a dash where there is none."""
    if pd.isna(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def span(lower: float, upper: float) -> str:
    return "" if pd.isna(lower) else f" ({number(lower)} to {number(upper)})"


def words(method: str) -> str:
    return method.replace("_", " ")


# -- intended use ----------------------------------------------------------------------------------------------------------
def intended_use() -> str:
    return "\n\n".join(PURPOSE)


def not_for() -> str:
    return "\n".join(f"- {sentence}" for sentence in NOT_FOR)


def widened() -> str:
    days = [(key, day) for key, day in READ_UNTIL.items()]
    told = ", ".join(f"`{key}` ({day})" for key, day in sorted(days, key=lambda one: (one[1], one[0])))
    return f"Priors that are made {WIDER:g} times as wide for a calibration that ends before the day in parentheses: {told}."


# -- forecasts -------------------------------------------------------------------------------------------------------------
def of_series(scores: pd.DataFrame, origin: str, series: str) -> pd.DataFrame:
    """The rows of one origin and series, of all its sources together where there are several."""
    own = scores[(scores["origin"] == origin) & (scores["series"] == series)]
    return own[own["source"] == (ALL if ALL in set(own["source"]) else own["source"].iloc[0])]


def verdicts() -> Iterator[str]:
    """A sentence each origin and series: the model beside the best baseline, won or lost alike; the criteria first."""
    scores = kept("scores")
    for origin in [origin for origin in dict.fromkeys(scores["origin"]) if origin != ALL]:
        there = set(scores.loc[scores["origin"] == origin, "series"]) - {ALL}
        for series in (*TARGETS, *sorted(there - {*TARGETS})):
            yield verdict(scores, origin, series)


def verdict(scores: pd.DataFrame, origin: str, series: str) -> str:
    own = of_series(scores, origin, series)
    ours = own[own["method"] == MODEL].iloc[0]
    counted = int(ours["windows"] - ours["floors"])  # a floor is within any interval that reaches far enough
    inside = ours["coverage90"]
    criterion = ", a criterion" if series in TARGETS else ""
    held = "no count to be had" if not counted else f"{inside:.0%} of {counted} counts lie within the 90 % interval"
    told = f"From {origin}, {SERIES[series].partition(':')[0]}{criterion}: mean CRPS {number(ours['crps'])}, {beside(own)}"
    sources = scores[(scores["origin"] == origin) & (scores["series"] == series) & (scores["source"] != ALL)]
    if sources["source"].nunique() > 1:
        told += "; by source: " + ", ".join(f"{source} {beside(part)}" for source, part in sources.groupby("source", sort=False))
    return f"{told}. {held}{unacceptable(inside, counted)}{floors(ours)}."


def unacceptable(inside: float, counted: int) -> str:
    """What to say of a coverage that is not acceptable, and how often luck alone would bring it where nothing is missed."""
    if not counted or LOWEST <= inside <= HIGHEST:
        return ""
    luck = f"; of intervals that are right, {0.9**counted:.0%} of such sets miss none" if inside == 1.0 else ""
    return f" (**outside {LOWEST:.0%} to {HIGHEST:.0%}**{luck})"


def floors(ours: pd.Series) -> str:
    """What to say of windows that are not among the counts."""
    return f"; floors not counted: {ours['floors']:.0f}" if ours["floors"] else ""


def beside(own: pd.DataFrame) -> str:
    """The model beside the best baseline on the windows that both have."""
    best = own[own["best"]]
    if best.empty:
        return "no baseline to be had"
    rival = best.iloc[0]
    side = "better" if rival["skill"] > 0 else "**worse**"
    whose = "" if rival["own"] == 1 else " by other sources" if rival["own"] == 0 else " partly by other sources"
    sure = span(rival["difference_lower"], rival["difference_upper"])
    return (
        f"{abs(rival['skill']):.0%} {side} than {words(rival['method'])}{whose} (difference {number(rival['difference'])}{sure}, "
        f"n {rival['common']:.0f})"
    )


def summary() -> str:
    told = [*verdicts(), exits_sentence(), *calibration_sentences(), ranks_sentence()]
    return "\n".join(f"- {sentence}" for sentence in told)


def scores_table(name: str = "scores") -> str:
    scores = kept(name)
    rows = [
        [
            row["origin"],
            row["series"],
            row["source"],
            words(row["method"])
            + (" *" if row["own"] < 1 and row["method"] != MODEL else "")
            + (" (best)" if row["best"] else ""),
            windows_told(row),
            number(row["crps"]) + span(row["crps_lower"], row["crps_upper"]),
            number(row["log_score"]),
            number(row["interval_score"]),
            *("-" if pd.isna(row[name]) else f"{row[name]:.0%}" for name in ("coverage50", "coverage90")),
            "" if row["method"] == MODEL or pd.isna(row["skill"]) else f"{row['skill']:+.0%}",
        ]
        for _, row in scores[scores["series"] != ALL].iterrows()
    ]
    heads = ["origin", "series", "source", "method", "windows", "CRPS", "log score", "interval score", "in 50 %", "in 90 %"]
    made = table_of([*heads, "model's gain over it"], rows)
    note = "by other sources: of some of these windows the source had none before the origin, and the baseline none of its own."
    return f"{made}\n\n\\* {note}"


def priors_sentences() -> str:
    """What calibration is worth: the mean CRPS of forecasts that have learnt nothing, beside that of those that have."""
    scores, priors = kept("scores"), kept("prior_scores")
    told = []
    for origin in [origin for origin in dict.fromkeys(scores["origin"]) if origin != ALL]:
        pairs = []
        for series in TARGETS:
            learnt, not_learnt = (of_series(table, origin, series) for table in (scores, priors))
            both = [number(float(own.loc[own["method"] == MODEL, "crps"].iloc[0])) for own in (not_learnt, learnt)]
            pairs.append(f"{both[0]} on {SERIES[series].partition(':')[0]} ({both[1]} with calibration)")
        told.append(f"from {origin} " + " and ".join(pairs))
    return "By the priors alone (`posterior=none`) the model's mean CRPS is, " + "; ".join(told) + "."


def forecasts_table() -> str:
    scores, forecasts = kept("scores"), kept("forecasts")
    window = ["origin", "start", "end", "series", "source"]
    of_method = forecasts.set_index([*window, "method"])["crps"]
    rows = []
    for _, row in forecasts[forecasts["method"] == MODEL].iterrows():
        own = of_series(scores, row["origin"], row["series"])
        rivals = [of_method.get((*row[window], method), float("nan")) for method in own.loc[own["best"], "method"]]
        count = f"{SIGNS[row['kind']]}{row['count']:,.0f}"
        ranged = f"{row['q50']:,.0f} ({row['q05']:,.0f} to {row['q95']:,.0f})"
        missed = "" if row["inside90"] else " **missed**"
        about = [row["origin"], f"{row['start']} to {row['end']}", row["series"], row["source"], count]
        rows.append([*about, ranged + missed, number(row["crps"]), number(rivals[0]) if rivals else "-"])
    heads = ["origin", "window", "series", "source", "counted", "model: median (90 %)", "CRPS", "CRPS of the best baseline"]
    return table_of(heads, rows)


# -- the exit --------------------------------------------------------------------------------------------------------------
def exits_sentence() -> str:
    exits = kept("exits")
    inside = exits["inside"].astype(bool)
    told = "all" if inside.all() else f"{inside.sum()} of {len(exits)}"
    return (
        f"Exit of 18 December 2011, attacks after over before at 90, 180 and 365 days: {told} of the record's ratios lie within "
        "the model's 90 % ranges."
    )


def exits_table() -> str:
    rows = [
        [
            *(f"{row['days']:.0f}", words(row["source"]), number(row["recorded"])),
            f"{row['q50']:.2f} ({row['q05']:.2f} to {row['q95']:.2f})",
            "yes" if row["inside"] else "**no**",
        ]
        for _, row in kept("exits").iterrows()
    ]
    return table_of(["days", "record", "ratio on record", "model: median (90 %)", "within"], rows)


# -- calibration -----------------------------------------------------------------------------------------------------------
def calibrations() -> list[tuple[str, pd.DataFrame]]:
    """What was learnt, by the day until which the record was known."""
    return [(str(until), table) for until, table in kept("calibrations").groupby("origin")]


def calibration_sentences() -> Iterator[str]:
    for until, table in calibrations():
        told = table[table["calibrated"]]
        learnt = int((told["contraction"] >= LEARNT).sum())
        yield f"Calibrated to {until}: of {len(told)} parameters that were free, {learnt} learnt something from the record."


def ranks_sentence() -> str:
    """What `make calibration` found of parameters that are known: the criterion, and what it does not see."""
    ranks, shares = pd.read_csv(RANKS), pd.read_csv(SHARES)
    uniform = int((ranks["verdict"] == "uniform").sum())
    inside = float(((shares >= LEFT_OUT) & (shares <= 1.0 - LEFT_OUT)).to_numpy().mean())
    return (
        f"Calibration on {len(shares)} simulated records, a criterion: ranks of the true values are uniform at 1 % for {uniform} "
        f"of {len(ranks)} parameters. But {inside:.0%} of the true values lie within the 90 % ranges "
        "([calibration.md](calibration.md), also of larger populations): with the small one of that test, ranges are too narrow."
    )


def posterior_table() -> str:
    parts = []
    for until, table in calibrations():
        rows = [
            [
                f"`{row['parameter']}`" + (" (widened)" if row["widened"] > 1.0 else ""),
                f"{number(row['prior_median'])}{span(row['prior_low'], row['prior_high'])}",
                f"{number(row['posterior_median'])}{span(row['posterior_low'], row['posterior_high'])}",
                f"{row['contraction']:.2f}",
            ]
            for _, row in table[table["calibrated"]].sort_values("contraction", ascending=False).iterrows()
        ]
        left = table.loc[~table["calibrated"], "parameter"]
        parts.append(
            f"Until {until}, median and 90 % range. Contraction is the share of the prior's variance that is gone, in the "
            f"space in which the prior is normal; below {LEARNT:g} the record has told nothing.\n\n"
            f"{table_of(['parameter', 'prior', 'posterior', 'contraction'], rows)}\n\n"
            f"Not informed by this record, and left at their priors: {', '.join(f'`{key}`' for key in left)}."
        )
    return "\n\n".join(parts)


def patterns_table() -> str:
    return "\n".join(lines(kept("patterns"))).strip()


PARTS: dict[str, Callable[[], str]] = {
    "intended_use": intended_use,
    "not_for": not_for,
    "validation_widened": widened,
    "validation_summary": summary,
    "validation_scores": scores_table,
    "validation_priors": priors_sentences,
    "validation_earlier": lambda: scores_table("earlier_scores"),
    "validation_forecasts": forecasts_table,
    "validation_exits": exits_table,
    "validation_posterior": posterior_table,
    "validation_patterns": patterns_table,
}
