"""What a study found, in sentences made from its tables: each number with its uncertainty, no claim that was not asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup, escape

from sim.figures.wording import count, period
from sim.report.drawn import calibrated, drawn_from
from sim.report.material import TABLES, Material
from sim.report.numbers import form_of, number, rounded
from sim.report.shown import FLAGGED
from sim.report.tables import Grid
from sim.report.views import interval, label

DECIDED = ("higher", "lower", "alike", "measured")
SELDOM = 0.01  # share of runs below which it is not called out
EXIT = "united_states.early_exit"
NAMED = 3  # schedules, pairs or parameters that a sentence names before it only counts the rest
FEW = 20  # draws of the parameters; intervals over fewer say little
ORDERS = {"first": "for whoever prefers more", "second": "for whoever also shuns risk"}


@dataclass(frozen=True)
class Finding:
    """A question of the first screen, and its answer."""

    question: str
    answer: Markup


def findings(material: Material) -> list[Finding]:
    """The first screen's questions and answers, in the order in which they matter."""
    return [
        Finding("Which is best", best(material)),
        Finding("Dominated", dominated(material)),
        Finding("Cost of being wrong", cost(material)),
        Finding("How sure", sure(material)),
        Finding("What could reverse it", reversal(material)),
        Finding("Weakest assumption", weakest(material)),
    ]


def question(material: Material) -> Markup:
    """What was asked, in a sentence."""
    about = period(pd.Timestamp(material.manifest["start"]), material.manifest["horizon_days"])
    told = Markup("What follows from {} over {}, compared on the same luck, with {} as baseline?")
    return told.format(count([len(material.schedules)], "withdrawal schedule"), about, named(material.baseline))


def objectives(material: Material) -> str:
    """The objectives, in words."""
    parts = []
    for objective in material.objectives:
        outcome, direction, weight = ([*objective.split(":"), "", "1"])[:3]
        parts.append(f"{direction or 'lower'} {label(outcome)} (weight {weight or '1'})")
    return "; ".join(parts)


def listed(names: Sequence[object], most: int = NAMED) -> Markup:
    """a, b and c; with more than so many, a, b, c and 4 more."""
    shown = [escape(name) for name in names[:most]]
    if len(names) > most:
        shown.append(escape(f"{len(names) - most} more"))
    if len(shown) < 2:
        return Markup("").join(shown)
    return Markup("{} and {}").format(Markup(", ").join(shown[:-1]), shown[-1])


def strong(text: object) -> Markup:
    return Markup("<strong>{}</strong>").format(text)


def named(text: object) -> Markup:
    """A name that is written in whatever direction, without turning the words beside it."""
    return Markup("<bdi>{}</bdi>").format(text)


def ranked(material: Material) -> pd.DataFrame:
    """Rows of `selection`, the highest value first, with their place in the file as index."""
    return material.tables["selection"].sort_values("value", ascending=False, kind="stable")


def best(material: Material) -> Markup:
    if not material.has("selection"):
        return Markup(
            "None is called best: no objectives were stated. To have schedules ranked, say what counts: "
            "<code>objectives=[us_deaths:lower:1,isis_attacks:lower:0.01]</code>. {}"
        ).format(extremes(material))
    table = ranked(material)
    index, row = int(str(table.index[0])), table.iloc[0]
    if len(table) == 1:
        return Markup("{} is the only schedule: there is nothing to compare it with.").format(strong(row["schedule"]))
    equal = (table["value"] == row["value"]) | ((table["lower"] == 0) & (table["upper"] == 0))
    if equal.sum() > 1:
        told = Markup(
            "None is surely the best: {} cannot be told apart, and no other has a higher value by the stated objectives."
        )
        return told.format(listed([strong(name) for name in table.loc[equal, "schedule"]], 10)) + unseparated(
            table[~equal], "them"
        )
    p_best = number(row["p_best"], "selection", index, "p_best", "share")
    lead = [number(row[end], "selection", index, end) for end in ("lower", "upper")]
    if surely_best(table):
        told = Markup(
            "{} is the best by the stated objectives, at {} confidence. P(best) {}; its lead over the best other is {} to {}."
        )
        return told.format(strong(row["schedule"]), material.confidence, p_best, *lead)
    told = Markup(
        "None is surely the best. {} has the highest value by the stated objectives, P(best) {}; its lead over the best other is "
        "{} to {}."
    )
    return told.format(strong(row["schedule"]), p_best, *lead) + unseparated(table.iloc[1:], "it")


def surely_best(table: pd.DataFrame) -> bool:
    """Whether the first row of a ranked `selection` is the best, at the confidence of its intervals.

    They are constrained (Hsu 1984): the lower end is never above 0. One of 0 says that no other is better, an upper end of 0 that
    another is at least as good.
    """
    row, others = table.iloc[0], table.iloc[1:]
    return bool(row["lower"] == 0 and row["upper"] > 0 and (others["upper"] <= 0).all())


def unseparated(others: pd.DataFrame, which: str) -> Markup:
    """Which of the others may be the best all the same."""
    names = [strong(name) for name in others.loc[others["upper"] > 0, "schedule"]]
    return Markup(" Not separated from {}: {}.").format(which, listed(names)) if names else Markup("")


def extremes(material: Material) -> Markup:
    """Where the outcomes that the study was made for are lowest and highest, without a word on which is better."""
    parts = []
    for name in material.headline[:NAMED]:
        table = material.means(name).sort_values("mean", kind="stable")
        form = form_of(name)
        ends = [
            Markup("{} {}").format(
                strong(table.iloc[k]["schedule"]),
                number(table.iloc[k]["mean"], "summary", int(str(table.index[k])), "mean", form),
            )
            for k in (0, -1)
        ]
        parts.append(Markup("{}: lowest under {}, highest under {}").format(label(name), *ends))
    return Markup("Means: {}.").format(Markup("; ").join(parts)) if parts else Markup("")


def dominated(material: Material) -> Markup:
    if not material.has("dominance"):
        return Markup("Not asked for: without objectives nobody can say which schedules another one beats in everything.")
    table = material.tables["dominance"]
    held = table[table["holds"].astype(bool) & (table["outcome"].fillna("") == "")]
    held = held.sort_values("confidence", ascending=False, kind="stable")
    means, valued = held[held["order"] == "pareto"], held[held["order"].isin(list(ORDERS))]
    valued = valued[~valued["b"].isin(means["b"])]
    if held.empty:
        return Markup("No schedule surely dominates another over all objectives.")
    told = [Markup("None in the mean of every objective.")]
    if len(means):
        told = [Markup("{}: the other is no worse in the mean of any objective, and better in one.").format(dominations(means))]
    for order, meaning in ORDERS.items():  # what holds to the first order holds to the second
        rows = valued[valued["order"] == order]
        valued = valued[~valued["b"].isin(rows["b"])]
        if len(rows):
            told.append(Markup("On the weighted value only, {}: {}.").format(meaning, dominations(rows)))
    return Markup(" ").join(told)


def dominations(rows: pd.DataFrame) -> Markup:
    """Which schedules are dominated, each with the surest reason. rows: of `dominance`, the surest first."""
    parts = [
        Markup("{} (by {}, confidence {})").format(
            strong(row["b"]), named(row["a"]), number(row["confidence"], "dominance", int(str(index)), "confidence", "share")
        )
        for index, row in rows.drop_duplicates("b").iterrows()
    ]
    return listed(parts, 10)


def cost(material: Material) -> Markup:
    if not material.has("selection"):
        if not material.has("regret"):
            return Markup("Not asked for: regret needs objectives, and says what a wrong choice costs in their unit.")
    elif not material.has("states"):
        return cost_in_one_world(material)
    if not material.has("regret"):
        return Markup("Not measured: this study has states of the world and objectives, but no table of regret.")
    table = material.tables["regret"]
    least = int(str(table["expected"].idxmin()))
    if table["expected"].nunique() == 1:
        return regret_of(material, least, "The expected regret of all is the same; for one of them")
    told = [regret_of(material, least, "Least expected regret")]
    if material.has("selection"):
        apparent = ranked(material).iloc[0]["schedule"]
        own = table.index[table["schedule"] == apparent]
        if len(own) and int(str(own[0])) != least:
            told.insert(0, regret_of(material, int(str(own[0])), "Choosing the apparent best"))
    safest, worst = int(str(table["maximum"].idxmin())), int(str(table["expected"].idxmax()))
    if safest != least:
        told.append(
            Markup("Least at worst: {}.").format(regret_cell(material, safest, "maximum", "maximum_lower", "maximum_upper"))
        )
    told.append(Markup("Most expected: {}.").format(regret_cell(material, worst, "expected", "lower", "upper")))
    return Markup(" ").join(told)


def cost_in_one_world(material: Material) -> Markup:
    """What another choice than the apparent best one changes. Regret over states needs more than one."""
    table = ranked(material)
    others = table[table["value"] < table["value"].iloc[0]]
    if others.empty:
        told = Markup("Nothing that was seen: no value differs from the highest.")
    else:
        parts = []
        for index, row in (others if len(others) < 3 else others.iloc[[0, -1]]).iterrows():
            ends = [number(row[end], "selection", int(str(index)), end) for end in ("lower", "upper")]
            parts.append(Markup("{} by {} to {}").format(strong(row["schedule"]), *ends))
        told = Markup("Against the best other, choosing {} changes the value: {}, in units of the objectives.").format(
            "another" if len(others) < 3 else "the next or the last", listed(parts)
        )
    return told + Markup(" This is one world only; <code>draw_parameters=true</code> tells of many.")


def regret_cell(material: Material, index: int, *columns: str) -> Markup:
    """A schedule and one of its regrets, with its interval."""
    row = material.tables["regret"].loc[index]
    return Markup("{}, {}").format(
        strong(row["schedule"]), interval(*(number(row[column], "regret", index, column) for column in columns))
    )


def regret_of(material: Material, index: int, lead: str) -> Markup:
    """The expected regret of a schedule and, over states of the world, the largest."""
    row = material.tables["regret"].loc[index]
    worst = ("maximum", "maximum_lower", "maximum_upper")
    return Markup("{}: {}, at worst {}, in units of the objectives.").format(
        lead,
        regret_cell(material, index, "expected", "lower", "upper"),
        interval(*(number(row[c], "regret", index, c) for c in worst)),
    )


def sure(material: Material) -> Markup:
    outcomes = material.tables["outcomes"]
    each = outcomes.groupby("schedule", sort=False).size()
    text = Markup("{} of each schedule").format(count(each, "run"))
    if material.has("states"):
        text += Markup(" in {}").format(worlds(material.tables["states"]))
    text += Markup(", on common luck.")
    if material.has("pairs"):
        verdicts = material.tables["pairs"]["verdict"].astype(str)
        decided = int(verdicts.isin(DECIDED).sum())
        text += Markup(
            " {} of {} pairs and outcomes are decided, {} open; those intervals hold all at once, "
            "exact for yes-or-no outcomes, approximate for others."
        ).format(f"{decided:,}", f"{len(verdicts):,}", f"{len(verdicts) - decided:,}")
    elif material.has("differences"):
        table = material.tables["differences"]
        table = table[table["outcome"].isin(material.headline)]
        apart = int(((table["lower"] > 0) | (table["upper"] < 0)).sum())
        text += Markup(" Of {} differences from {} in the outcomes asked for, {} have a {} interval that excludes 0.").format(
            f"{len(table):,}", named(material.baseline), f"{apart:,}", material.confidence
        )
    failures = int(material.manifest.get("failures") or 0)
    if failures:
        text += Markup(" {} failed and are left out.").format(count([failures], "run"))
    if draws_of(material) < 2:
        text += Markup(" Intervals are of this model at these parameters: they know nothing of parameters that are wrong.")
    elif draws_of(material) < FEW:
        text += Markup(" Over so few draws of the parameters, intervals are hints only.")
    return text


def draws_of(material: Material) -> int:
    """How many draws of the parameters there are: none in one world, one where states differ by rival theories only."""
    return int(material.tables["states"]["draw"].nunique()) if material.has("states") else 0


def worlds(states: pd.DataFrame) -> str:
    """What the states of the world are made of."""
    draws, theories = states["draw"].nunique(), len(states[["announcement", "excitation"]].drop_duplicates())
    under = f"{theories:,} rival theor{'y' if theories == 1 else 'ies'}"
    if draws > 1:
        return f"{count([len(states)], 'state')} of the world: {draws:,} draws of the parameters \N{MULTIPLICATION SIGN} {under}"
    drawn = len(states.columns) > len(TABLES["states"])
    return f"{count([len(states)], 'state')} of the world: {under}, parameters {'drawn once' if drawn else 'at their set values'}"


def reversal(material: Material) -> Markup:
    if not material.has("reversals") and material.has("states"):
        return Markup("Not asked for: without objectives no order of schedules can be reversed.")
    if not material.has("reversals"):
        return Markup(
            "Not asked for: every run has the same parameters and the same theory of announcements. "
            "<code>rivals=all draw_parameters=true</code>, with objectives, would say."
        )
    table = material.tables["reversals"]
    turned = table[table["reversed"].astype(bool)]
    if turned.empty:
        varied = "No rival theory and no part of a parameter's range" if draws_of(material) > 1 else "No rival theory"
        return Markup("{} surely reverses the order of two schedules. {}").format(varied, best_by_state(material))
    if material.has("selection"):  # what concerns the apparent best comes first
        top = ranked(material).iloc[0]["schedule"]
        concerned = (turned["a"] == top) | (turned["b"] == top)
        turned = turned.assign(concerned=concerned).sort_values("concerned", ascending=False, kind="stable")
    parts = []
    for index, row in turned.iloc[:2].iterrows():
        numbers = interval(*(number(row[c], "reversals", int(str(index)), c) for c in ("difference", "lower", "upper")))
        told = Markup("{} against {} turns under {}, {}: {}")
        parts.append(told.format(strong(row["a"]), strong(row["b"]), row["key"], row["level"], numbers))
    more = len(turned) - len(parts)
    rest = Markup("; and {} more, below").format(f"{more:,}") if more else ""
    return Markup("{}{}.").format(Markup("; ").join(parts), rest)


def best_by_state(material: Material) -> Markup:
    """In what share of the states of the world each schedule is best: how far the choice depends on which state it is."""
    if not material.has("regret"):
        return Markup("")
    table = material.tables["regret"].sort_values("best_share", ascending=False, kind="stable")
    parts = [
        Markup("{} in {}").format(
            strong(row["schedule"]), number(row["best_share"], "regret", int(str(index)), "best_share", "share")
        )
        for index, row in table[table["best_share"] > 0].iterrows()
    ]
    return (
        Markup("Yet which is best depends on the state of the world: {} of them.").format(listed(parts))
        if parts[1:]
        else Markup("")
    )


def weakest(material: Material) -> Markup:
    table = material.means("exit_forced")
    if table.empty:
        return Markup("The United States' own patience has no calibrated value; this study does not say how often it decides.")
    table = table.sort_values("mean", ascending=False, kind="stable")
    drawn = material.has("states") and EXIT in material.tables["states"]
    where = drawn_from(material, EXIT) if calibrated(material) else "drawn over its prior"
    vary = f"it was {where} here." if drawn else Markup("vary <code>{}</code> and see.").format(EXIT)
    if table["mean"].iloc[0] < SELDOM:
        told = Markup(
            "The early exit of the United States, whose hazard has no calibrated value, ends fewer than {} of any runs; {}"
        )
        return told.format(rounded(SELDOM, "share"), vary)
    flagged = table[table["mean"] > FLAGGED]
    shown = flagged if len(flagged) else table.iloc[:1]
    parts = [
        Markup("{} of the runs of {}").format(
            number(row["mean"], "summary", int(str(index)), "mean", "share"), strong(row["schedule"])
        )
        for index, row in shown.iterrows()
    ]
    told = Markup("The early exit of the United States, whose hazard has no calibrated value, ends {}; {}")
    return told.format(listed(parts), vary)


def scoreboard(material: Material) -> Grid:
    """All schedules in a few columns: by value where there are objectives, else as listed with what the study was made for."""
    if not material.has("selection"):
        return outcomes_board(material)
    rows: list[list[str | Markup]] = []
    over = material.has("regret") and material.has("states")  # in one world regret is the lead turned round
    for index, row in ranked(material).iterrows():
        cells: list[str | Markup] = [
            link(material, row["schedule"]),
            number(row["value"], "selection", int(str(index)), "value"),
            number(row["p_best"], "selection", int(str(index)), "p_best", "share"),
        ]
        if over:
            table = material.tables["regret"]
            own = table[table["schedule"] == row["schedule"]]
            cells += [
                number(one[column], "regret", int(str(at)), column)
                for at, one in own.iterrows()
                for column in ("expected", "maximum")
            ]
        rows.append(cells)
    heads = ["schedule", "value", "P(best)", *(["regret", "at worst"] if over else [])]
    how = "By value on the stated objectives, the highest first."
    if ragged(material):
        how += f" Of the {count(material.tables['selection']['n'], 'run')} that all schedules have; some have more."
    return Grid("board", "Ranking", how, heads, rows)


def outcomes_board(material: Material) -> Grid:
    """Means of the first outcomes that the study was made for; how many runs they are of, where schedules differ in that."""
    rows: list[list[str | Markup]] = []
    names, uneven = material.headline[:NAMED], ragged(material)
    for schedule in material.schedules:
        cells: list[str | Markup] = [link(material, schedule)]
        for place, name in enumerate(names):
            table = material.means(name)
            for index, row in table[table["schedule"] == schedule].iterrows():
                if uneven and place == 0:
                    cells.append(number(row["n"], "summary", int(str(index)), "n", "count"))
                cells.append(number(row["mean"], "summary", int(str(index)), "mean", form_of(name)))
        rows.append(cells)
    how = "Means over all runs."
    if uneven:
        how += " Schedules do not have the same runs: read differences from the paired table, not from these means."
    return Grid("board", "At a glance", how, ["schedule", *(["runs"] if uneven else []), *map(label, names)], rows)


def ragged(material: Material) -> bool:
    """Whether some schedules have more runs than others, as with a tolerance."""
    return material.tables["outcomes"]["schedule"].value_counts().nunique() > 1


def link(material: Material, schedule: str) -> str | Markup:
    """A schedule's name, leading to its own part if it has one."""
    if schedule not in material.shown:
        return schedule
    return Markup('<a href="#schedule-{}">{}</a>').format(list(material.shown).index(schedule), schedule)
