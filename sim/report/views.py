"""How each table of a study is shown: its columns, in which words, and how it is read."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from sim.outcomes import BY_NAME
from sim.report.numbers import form_of, number

Row = pd.Series
Form = str | Callable[[Row], str]


@dataclass(frozen=True)
class Column:
    """One column: its head, and what stands in the cell of a row of the table.

    columns: those shown: one; or three, a number and the ends of its interval. form: how numbers are shown (sim.report.numbers),
    for all rows or by row; or "text", "yes" (a boolean), "outcome" (an outcome's label).
    """

    head: str
    columns: tuple[str, ...]
    form: Form = "number"

    def cell(self, table: str, index: int, row: Row) -> str | Markup:
        form = self.form if isinstance(self.form, str) else self.form(row)
        first = row[self.columns[0]]
        if form == "text":
            return "" if pd.isna(first) else str(first)
        if form == "yes":
            return "yes" if bool(first) else "no"
        if form == "outcome":
            return label(str(first))
        parts = [number(row[column], table, index, column, form) for column in self.columns]
        return parts[0] if len(parts) == 1 else interval(*parts)


def interval(middle: Markup, low: Markup, high: Markup) -> Markup:
    return Markup('{} <span class="interval">({} to {})</span>').format(middle, low, high)


def label(outcome: str) -> str:
    """What a reader calls an outcome; all of them together have no name."""
    if not outcome:
        return "all together"
    return BY_NAME[outcome].label if outcome in BY_NAME else outcome


def of_outcome(row: Row) -> str:
    return form_of(row["outcome"])


def of_difference(row: Row) -> str:
    return form_of(row["outcome"], difference=True)


def of_limit(row: Row) -> str:
    return form_of(row["outcome"]) if row["outcome"] in BY_NAME else "number"


# table -> (title, how to read it, columns, columns that name a row, folded)
VIEWS: dict[str, tuple[str, str, tuple[Column, ...], int, bool]] = {
    "selection": (
        "Which schedule is best",
        "Value: mean of the objectives, higher is better. The lead is over the best other schedule (multiple comparison "
        "with the best): all above 0, surely the best; all below, surely not; across 0, undecided. P(best) comes from "
        "resampling.",
        (
            Column("schedule", ("schedule",), "text"),
            Column("replications", ("n",), "count"),
            Column("value", ("value",)),
            Column("lead, from", ("lower",)),
            Column("lead, to", ("upper",)),
            Column("P(best)", ("p_best",), "share"),
            Column("P(as good as best)", ("p_within",), "share"),
            Column("value, less the winner's curse", ("corrected",)),
            Column("eliminated after", ("eliminated_at",), "count"),
        ),
        1,
        False,
    ),
    "dominance": (
        "Dominance",
        "A dominates B: pareto, no objective has a worse mean and one a better; first, better whatever the taste for "
        "more; second, better for everybody who shuns risk. Confidence is the share of resamples in which it is so.",
        (
            Column("A", ("a",), "text"),
            Column("B", ("b",), "text"),
            Column("in", ("outcome",), "outcome"),
            Column("order", ("order",), "text"),
            Column("A dominates B", ("holds",), "yes"),
            Column("confidence", ("confidence",), "share"),
        ),
        2,
        True,
    ),
    "tails": (
        "Tail risk",
        "The quantile is where the worst runs begin; CVaR is the mean of the runs beyond it.",
        (
            Column("schedule", ("schedule",), "text"),
            Column("outcome", ("outcome",), "outcome"),
            Column("bad side", ("direction",), "text"),
            Column("level", ("level",), "share"),
            Column("quantile", ("quantile",), of_outcome),
            Column("CVaR (95 % interval)", ("cvar", "lower", "upper"), of_outcome),
        ),
        2,
        False,
    ),
    "survival": (
        "Time until events",
        "The restricted mean counts the days without the event up to the horizon. The difference is from the baseline, "
        "run by run on the same luck, and the sharper answer; the log-rank test takes the runs for independent.",
        (
            Column("schedule", ("schedule",), "text"),
            Column("event", ("event",), "outcome"),
            Column("horizon, days", ("horizon",), "count"),
            Column("days without it (95 % interval)", ("restricted_mean", "lower", "upper")),
            Column("difference (95 % interval)", ("difference", "difference_lower", "difference_upper")),
            Column("log-rank chi²", ("log_rank",)),
            Column("p", ("p",), "decimals"),
        ),
        2,
        True,
    ),
    "regret": (
        "Regret: what it costs to be wrong",
        "Regret is how much worse a schedule is than the best one in the same state of the world, in the objectives' "
        "unit; 0 is best. Expected is over all states, maximum in the worst one; a margin below 0 is better than every "
        "other.",
        (
            Column("schedule", ("schedule",), "text"),
            Column("expected (95 % interval)", ("expected", "lower", "upper")),
            Column("90 % quantile", ("q90",)),
            Column("maximum (95 % interval)", ("maximum", "maximum_lower", "maximum_upper")),
            Column("best in (95 % interval)", ("best_share", "best_lower", "best_upper"), "share"),
            Column("margin", ("margin",)),
        ),
        1,
        False,
    ),
    "satisficing": (
        "How often limits are kept",
        "The share of runs, or of states of the world on average, in which an outcome keeps to the limit that was asked for.",
        (
            Column("schedule", ("schedule",), "text"),
            Column("outcome", ("outcome",), "outcome"),
            Column("sense", ("sense",), "text"),
            Column("limit", ("limit",), of_limit),
            Column("of", ("of",), "text"),
            Column("share (95 % interval)", ("share", "lower", "upper"), "share"),
        ),
        2,
        False,
    ),
    "reversals": (
        "What reverses the ranking",
        "The difference in value, A less B, in the states of the world with one rival theory or one part of a parameter's "
        "range, and over all states. Reversed: the sign is another, and the interval excludes 0.",
        (
            Column("A", ("a",), "text"),
            Column("B", ("b",), "text"),
            Column("varied", ("key",), "text"),
            Column("level", ("level",), "text"),
            Column("from", ("low",)),
            Column("to", ("high",)),
            Column("states", ("states",), "count"),
            Column("A less B (95 % interval)", ("difference", "lower", "upper")),
            Column("over all", ("overall",)),
            Column("reversed", ("reversed",), "yes"),
        ),
        3,
        True,
    ),
    "value_of_information": (
        "What it would be worth to know",
        "How much the value of the best choice would rise, in the objectives' unit, if this were known before choosing. "
        "The naive estimate has not been corrected for the noise of simulation.",
        (
            Column("known", ("of",), "text"),
            Column("kind", ("kind",), "text"),
            Column("worth (95 % interval)", ("value", "lower", "upper")),
            Column("naive", ("naive",)),
        ),
        1,
        False,
    ),
    "pairs": (
        "Every pair",
        "A less B on the same luck. The intervals hold for all pairs and outcomes at once, however often one looked; exactly so "
        "for yes-or-no outcomes, approximately for others. Higher, lower, alike (within the tolerance) and measured are "
        "decisions; open is none.",
        (
            Column("A", ("a",), "text"),
            Column("B", ("b",), "text"),
            Column("outcome", ("outcome",), "outcome"),
            Column("pairs", ("n",), "count"),
            Column("A less B (interval)", ("mean", "lower", "upper"), of_difference),
            Column("half-width", ("half_width",), of_difference),
            Column("tolerance", ("tolerance",), of_difference),
            Column("verdict", ("verdict",), "text"),
            Column("variance ratio", ("variance_ratio",)),
        ),
        3,
        True,
    ),
    "summary": (
        "Every outcome",
        "All outcomes of all schedules: mean and quantiles over runs.",
        (
            Column("schedule", ("schedule",), "text"),
            Column("outcome", ("outcome",), "outcome"),
            Column("replications", ("n",), "count"),
            Column("mean", ("mean",), of_outcome),
            *(
                Column(head, (column,), of_outcome)
                for head, column in (("5 %", "q05"), ("25 %", "q25"), ("median", "median"), ("75 %", "q75"), ("95 %", "q95"))
            ),
        ),
        2,
        True,
    ),
}
NECESSARY = (
    Column("kind of event", ("kind",), "text"),
    Column("end", ("end",), "outcome"),
    Column("runs looked at", ("ended",), "count"),
    Column("occurred before", ("runs",), "count"),
    Column("prevented", ("prevented",), "count"),
    Column("share (95 % interval)", ("share", "lower", "upper"), "share"),
)
DIFFERENCES = (
    Column("outcome", ("outcome",), "outcome"),
    Column("pairs", ("n",), "count"),
    Column("mean difference (95 % interval)", ("mean", "lower", "upper"), of_difference),
    Column("90 % of pairs, from", ("q05",), of_difference),
    Column("to", ("q95",), of_difference),
    Column("lower in", ("p_lower",), "share"),
    Column("equal in", ("p_equal",), "share"),
)
