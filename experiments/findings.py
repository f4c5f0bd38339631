"""What a comparison found, on screen: each table of its conclusions, short enough to be read there."""

from typing import TYPE_CHECKING

from experiments import console
from experiments.session import Session, period
from experiments.settings import CompareSettings
from experiments.stopping import widest
from sim.outcomes import BY_NAME, YES_NO
from sim.report.shown import FLAGGED

if TYPE_CHECKING:
    import pandas as pd

FEW = 20  # draws below which intervals over them are hints
SHOWN = 12  # rows of a long table that are shown; its file has all of them
number = console.number


def tell(done: Session, settings: CompareSettings) -> None:
    """Everything a comparison has concluded; what was not asked for is not there."""
    tables = done.derived
    tell_outcomes(done, settings, tables["summary"])
    if len(tables.get("differences", ())):
        tell_differences(tables["differences"], settings)
    if "pairs" in tables:
        console.say(
            "note: the differences above are for one look; after looking until all is decided, go by the intervals of pairs"
        )
        console.say(f"tolerance: {widest(tables['pairs'])}")
        tell_undecided(tables["pairs"])
    if "selection" in tables:
        tell_judgement(tables, settings)
    if len(tables.get("satisficing", ())):
        tell_satisficing(tables["satisficing"])
    if len(tables.get("reversals", ())):
        tell_reversals(tables["reversals"])
    if len(tables.get("value_of_information", ())):
        tell_information(tables["value_of_information"])
    if len(tables.get("necessary", ())):
        tell_necessary(tables["necessary"])


def tell_outcomes(done: Session, settings: CompareSettings, summary: "pd.DataFrame") -> None:
    names = list(settings.outcomes)
    rows = summary.set_index(["schedule", "outcome"]).to_dict("index")
    heads = ["schedule", *(f"{name} ({'share' if BY_NAME[name].kind == YES_NO else 'median, 90 %'})" for name in names)]

    def cell(schedule: str, name: str) -> str:
        row = rows[(schedule, name)]
        if BY_NAME[name].kind == YES_NO:
            return f"{row['mean']:.0%}"
        return f"{number(row['median'])} ({number(row['q05'])} to {number(row['q95'])})"

    sizes = done.outcomes.groupby("schedule", sort=False).size()
    runs = f"{sizes.min():,} replications" if sizes.min() == sizes.max() else f"{sizes.min():,} to {sizes.max():,} replications"
    across = f" over {done.manifest['states']:,} states of the world" if "states" in done.manifest else ""
    console.table(
        f"Outcomes, {runs} of each schedule{across}, {period(done.manifest)}",
        heads,
        [[schedule, *(cell(schedule, name) for name in names)] for schedule in sizes.index],
    )
    for schedule in sizes.index:
        share = rows[(schedule, "exit_forced")]["mean"]
        if share > FLAGGED:
            console.say(f"note: {share:.0%} of the runs of {schedule} end in an early exit, whose hazard has no calibrated value")


def tell_differences(paired: "pd.DataFrame", settings: CompareSettings) -> None:
    names = list(settings.outcomes)
    rows = paired.set_index(["schedule", "outcome"]).to_dict("index")

    def change(schedule: str, name: str) -> str:
        row = rows[(schedule, name)]
        if row["p_equal"] == 1.0:
            return "no pair differs"
        return f"{number(row['mean'])} ± {number(row['half_width'])}"

    others = list(paired["schedule"].unique())  # less those that have too few replications in common with the baseline yet
    console.table(
        f"Paired differences from {settings.baseline}: mean ± half-width of its {100 * settings.confidence:g} % interval "
        "(shares for yes-or-no outcomes)",
        ["schedule", *names],
        [[schedule, *(change(schedule, name) for name in names)] for schedule in others],
    )
    console.table(
        "Variance of the difference on independent luck over that on common luck (above 1: pairing pays)",
        ["schedule", *names],
        [[schedule, *(number(rows[(schedule, name)]["variance_ratio"]) for name in names)] for schedule in others],
    )


def tell_undecided(pairs: "pd.DataFrame") -> None:
    left = pairs[pairs["verdict"] == "open"]
    if left.empty:
        return
    console.table(
        "Undecided when the budget was spent: mean difference and its anytime-valid interval",
        ["outcome", "a less b", "n", "mean", "lower", "upper", "tolerance"],
        [
            [
                *(row["outcome"], f"{row['a']} less {row['b']}", f"{row['n']:,}"),
                *(f"{row[key]:.3g}" for key in ("mean", "lower", "upper", "tolerance")),  # small beside what is told elsewhere
            ]
            for row in left.head(SHOWN).to_dict("records")
        ],
    )


def tell_judgement(tables: "dict[str, pd.DataFrame]", settings: CompareSettings) -> None:
    """Which schedule is best on the stated objectives, how surely, and what it costs to be wrong."""
    regret = tables["regret"].set_index("schedule").to_dict("index")
    dominated, across = by_means(tables["dominance"]), "states" in tables
    rows = []
    for row in tables["selection"].to_dict("records"):
        own = regret[row["schedule"]]
        costs = [
            f"{number(own['expected'])} ({number(own['lower'])} to {number(own['upper'])})",
            number(own["maximum"]),
            f"{own['best_share']:.0%}",
        ]
        rows.append(
            [
                *(
                    row["schedule"],
                    number(row["value"]),
                    f"{number(row['lower'])} to {number(row['upper'])}",
                    chance(row["p_best"]),
                ),
                *(costs if across else []),
                ", ".join(dominated.get(row["schedule"], ())) or "-",
            ]
        )
    judged = tables["selection"]["n"].min()
    heads = ["schedule", "value", "less best other", "P(best)"]
    console.table(
        f"On the objectives {', '.join(settings.objectives)} (higher is better), {judged:,} runs that all schedules have",
        [*heads, *(["expected regret", "largest regret", "best in states"] if across else []), "dominated by"],
        rows,
    )
    if across and (count := tables["states"]["draw"].nunique()) < FEW and settings.draw_parameters:
        console.say(f"note: over {count} draws of the parameters only; intervals over fewer than {FEW} are hints")


def chance(share: float) -> str:
    """A share that is not certain is never shown as certain."""
    return f"{share:.0%}" if share in (0.0, 1.0) or 0.005 <= share < 0.995 else "<1%" if share < 0.5 else ">99%"


def by_means(dominance: "pd.DataFrame") -> dict[str, list[str]]:
    """Which schedules each one is dominated by, on every objective's mean."""
    found: dict[str, list[str]] = {}
    for row in dominance[(dominance["order"] == "pareto") & dominance["holds"]].to_dict("records"):
        found.setdefault(row["b"], []).append(row["a"])
    return found


def tell_satisficing(table: "pd.DataFrame") -> None:
    runs = table[table["of"] == "runs"]
    shown = list(dict.fromkeys(zip(runs["outcome"], runs["sense"], runs["limit"].fillna(0.0), strict=True)))

    def cell(own: "pd.DataFrame", outcome: str, sense: str) -> str:
        row = own[(own["outcome"] == outcome) & (own["sense"] == sense)].iloc[0]
        return f"{row['share']:.1%} ({row['lower']:.1%} to {row['upper']:.1%})"

    heads = [f"{outcome} {sense.replace('_', ' ')} {number(limit)}" if outcome else "all" for outcome, sense, limit in shown]
    console.table(
        "Share of runs that keep within the limits",
        ["schedule", *heads],
        [
            [str(schedule), *(cell(own, outcome, sense) for outcome, sense, _ in shown)]
            for schedule, own in runs.groupby("schedule", sort=False)
        ],
    )


def tell_reversals(table: "pd.DataFrame") -> None:
    """What turns the order of two schedules for sure; where nothing does, what comes nearest to it."""
    turned = table[table["reversed"]]
    if turned.empty:
        console.say("no rival theory and no third of a parameter's range reverses the order of two schedules for sure")
        turned = table[(table["difference"] * table["overall"] < 0.0)]
        turned = turned.loc[(turned["difference"] / (turned["upper"] - turned["lower"])).abs().sort_values(ascending=False).index]
        title = "Nearest to a reversal, not for sure: value of a less b"
    else:
        title = f"What reverses the order of two schedules (value of a less b): {len(turned):,} of {len(table):,} looked at"
    if len(turned):
        console.table(
            title,
            ["a and b", "where", "there", "interval", "overall"],
            [
                [
                    f"{row['a']} and {row['b']}",
                    f"{row['key']}: {row['level']}",
                    *(number(row["difference"]), f"{number(row['lower'])} to {number(row['upper'])}", number(row["overall"])),
                ]
                for row in turned.head(SHOWN).to_dict("records")
            ],
        )


def tell_information(table: "pd.DataFrame") -> None:
    """What knowing everything would be worth, then the rest that seems worth anything, the most first."""
    rest = table.iloc[1:]
    worth = rest[rest["value"] > 0.0].sort_values("value", ascending=False, kind="stable")
    shown = [*table.iloc[:1].to_dict("records"), *worth.head(SHOWN).to_dict("records")]
    console.table(
        "What it would be worth to know before choosing, in the objectives' unit (0: not shown to be worth anything)",
        ["of", "value", "interval"],
        [[row["of"], number(row["value"]), f"{number(row['lower'])} to {number(row['upper'])}"] for row in shown],
    )
    if len(worth) > SHOWN:
        console.say(f"note: {len(worth) - SHOWN} more seem worth something; value_of_information.parquet has them all")


def tell_necessary(table: "pd.DataFrame") -> None:
    ordered = table[table["prevented"] > 0].sort_values(["end", "schedule", "share"], ascending=[True, True, False])
    top = ordered.groupby(["end", "schedule"], sort=False).head(3)
    console.table(
        "Without which kind of event the end would not have come, in the same runs",
        ["schedule", "end", "kind", "prevented", "share", "interval"],
        [
            [
                *(row["schedule"], row["end"], row["kind"], f"{row['prevented']:,} of {row['ended']:,}", f"{row['share']:.0%}"),
                f"{row['lower']:.0%} to {row['upper']:.0%}",
            ]
            for row in top.to_dict("records")
        ],
    )
