"""The figures of a comparison: which tables of a study each is made of, and what else it is told."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sim.errors import RequestError
from sim.report.shown import LABELS, SHOWN_EVENTS
from sim.studies.study import Study

if TYPE_CHECKING:
    import pandas as pd

# figure -> (the table it is made of, what to ask `compare` for to have it)
MADE_OF = {
    "pairs": ("pairs", "tolerance.<outcome>=<number>"),
    "selection": ("selection", "objectives=[...]"),
    "regret": ("regret", "objectives=[...]"),
    "survival": ("survival", "a baseline"),
    "reversals": ("reversals", "objectives=[...] and rivals=all or draw_parameters=true"),
    "information": ("value_of_information", "objectives=[...] and rivals=all or draw_parameters=true"),
    "tails": ("tails", "objectives=[...]"),
    "necessary": ("necessary", "explain=[...]"),
}


def missing(study: Study, figures: Sequence[str]) -> None:
    """Refuse figures whose table the study does not have.

    Raises:
        RequestError: with what to ask for.
    """
    for name in figures:
        if name in MADE_OF and not study.place.exists(study.at(f"{MADE_OF[name][0]}.parquet")):
            table, ask = MADE_OF[name]
            raise RequestError(f"figures = {name!r}: study {study.name} has no {table}.parquet; compare makes it with {ask}")


def compared(
    study: Study, manifest: dict[str, Any], outcomes: "pd.DataFrame", figures: Sequence[str], about: dict[str, Any]
) -> Iterator[tuple[str, Any]]:
    """The figures of a comparison, those whose tables the study has: (name of the file, chart).

    Args:
        outcomes: of the schedules to draw, with a column schedule, in their order. figures: which to draw. about: start and
            horizon_days, as every figure takes them.
    Raises:
        RequestError: if a table cannot be read. ValueError: if it is not what it should be.
    """
    from sim.analysis.objectives import read_objective

    tables = {
        name: study.read_table(MADE_OF[name][0])
        for name in figures
        if name in MADE_OF and study.place.exists(study.at(f"{MADE_OF[name][0]}.parquet"))
    }
    if not tables:
        return
    config, states = manifest["config"], int(manifest.get("states") or 1)
    schedules = list(outcomes["schedule"].unique())
    told = {**about, "confidence": float(config.get("confidence", 0.95))}
    objectives = [read_objective(text) for text in config.get("objectives", ())]
    runs = int(outcomes["schedule"].value_counts().min())
    of_states = {"states": states, "replications": runs // states, "objectives": objectives}
    makers: dict[str, Callable[[pd.DataFrame], Iterator[tuple[str, Any]]]] = {
        "pairs": lambda table: each("pairs", table, "outcome", schedules, **told),
        "selection": lambda table: one("selection", table, schedules, states=states, objectives=objectives, **told),
        "regret": lambda table: one("regret", table, schedules, **of_states, **told),
        "survival": lambda table: survival(table, schedules, config["baseline"], runs, told),
        "reversals": lambda table: one("reversals", table, schedules, states=states, objectives=objectives, **told),
        "information": lambda table: one("information", table, [], **of_states, **told),
        "tails": lambda table: one("tails", table, schedules, replications=runs, means=means(outcomes, table), **told),
        "necessary": lambda table: each("necessary", table, "end", schedules, **told),
    }
    for name, table in tables.items():
        yield from makers[name](table)


def there(table: "pd.DataFrame", schedules: Sequence[str]) -> list[str]:
    """Those of the schedules that the table knows, in their order."""
    columns = [column for column in ("schedule", "a", "b") if column in table]
    known = {name for column in columns for name in table[column]}
    return [name for name in schedules if name in known]


def one(name: str, table: "pd.DataFrame", schedules: Sequence[str], **told: Any) -> Iterator[tuple[str, Any]]:
    """One figure of one table; none of a table that has nothing of these schedules."""
    from sim.figures import figure

    if not schedules:  # a figure that knows no schedules
        yield name, figure(name)(table, LABELS, **told)
        return
    order = there(table, schedules)
    if "a" in table:  # of pairs: both must be among them
        table = table[table["a"].isin(order) & table["b"].isin(order)]
        order = there(table, schedules)
    if order:
        yield name, figure(name)(table, LABELS, order=order, **told)


def each(name: str, table: "pd.DataFrame", column: str, schedules: Sequence[str], **told: Any) -> Iterator[tuple[str, Any]]:
    """One figure for each value of a column, the outcome or the end; its name is in the file's if there are several."""
    values = list(dict.fromkeys(table[column]))
    for value in values:
        for made, chart in one(name, table[table[column] == value], schedules, **told):
            yield made if len(values) == 1 else f"{made}_{value}", chart


def survival(
    table: "pd.DataFrame", schedules: Sequence[str], baseline: str, runs: int, told: dict[str, Any]
) -> Iterator[tuple[str, Any]]:
    """Days until the events that the figure of incidence shows, too; none without a schedule beside the baseline."""
    table = table[table["event"].isin(SHOWN_EVENTS)]
    others = [name for name in there(table, schedules) if name != baseline]
    if others:
        yield from one("survival", table, others, replications=runs, baseline=baseline, **told)


def means(outcomes: "pd.DataFrame", table: "pd.DataFrame") -> "pd.DataFrame":
    """The mean of each outcome of a table under each schedule: columns schedule, outcome, mean."""
    names = [name for name in dict.fromkeys(table["outcome"]) if name in outcomes]
    wide = outcomes.groupby("schedule", sort=False)[names].mean().reset_index()
    return wide.melt(id_vars="schedule", var_name="outcome", value_name="mean")
