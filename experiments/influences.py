"""What a sensitivity analysis says on screen, and its figures."""

from typing import TYPE_CHECKING, Any

from experiments import console
from experiments.badness import Bad
from experiments.session import Session, period
from experiments.settings import SensitivitySettings
from sim.figures import figure, images
from sim.outcomes import BY_NAME
from sim.report.shown import LABELS
from sim.studies.study import Study

if TYPE_CHECKING:
    import pandas as pd

LEAST = 0.005  # shares below it, with their intervals, are told as nothing
number = console.number


def tell(done: Session, bad: Bad | None, settings: SensitivitySettings) -> None:
    """The tables of a study, each with what it is of."""
    tables = done.derived
    console.say(f"Of {what(settings, done)}, {period(done.manifest)}; {settings.confidence:.0%} intervals")
    tell_screening(tables["morris"], settings)
    if "sobol" in tables:
        for name, table in tables["sobol"].groupby("outcome", sort=False):
            tell_indices(str(name), table)
    elif done.interrupted:
        console.say("The indices are not there yet; the same command goes on.")
    elif tables["morris"]["kept"].any():
        console.say("There are no indices: too few replications of their points are there.")
    else:
        where = ", in the replications that did not fail" * bool(len(done.failures))
        console.say(f"No parameter or rival has an effect on any of these outcomes that can be told from luck{where}.")
    if bad is not None and "prim" in tables:
        tell_box(tables, bad, settings)


def what(settings: SensitivitySettings, done: Session) -> str:
    """What the analysis is of."""
    if settings.schedules is None:
        return str(next(iter(done.manifest["marks"].values()))["schedule"])
    return f"{settings.schedules[1]} less {settings.schedules[0]}, on the same luck"


def tell_screening(table: "pd.DataFrame", settings: SensitivitySettings) -> None:
    """The inputs that screening left, by their share of the largest effect."""
    kept = table[table["kept"]]
    rows = kept.set_index(["parameter", "outcome", "measure"])

    def cell(key: str, name: str, measure: str) -> str:
        row = rows.loc[(key, name, measure)]
        return f"{number(row['mu_star'])} ({number(row['lower'])} to {number(row['upper'])})"

    heads = [f"{name}{', log variance' * (m == 'log_variance')}" for name in settings.outcomes for m in ("mean", "log_variance")]
    keys = list(dict.fromkeys(kept["parameter"]))
    inputs = table["parameter"].nunique()
    console.table(
        f"Screening: {len(keys)} of {inputs} parameters and rivals matter most; size of the effect of going through "
        "the 90 % range; of a rival, from one choice to another",
        ["parameter", *heads],
        [[key, *(cell(key, name, m) for name in settings.outcomes for m in ("mean", "log_variance"))] for key in keys],
    )
    noise = table[table["measure"] == "mean"].groupby("outcome", sort=False)["noise"].max()
    console.say(f"By luck alone, up to: {', '.join(f'{name} {number(value)}' for name, value in noise.items())}")


def tell_indices(name: str, table: "pd.DataFrame") -> None:
    """The indices of one outcome's mean and variance, and the share that is luck."""
    import pandas as pd

    mean = table[table["measure"] == "mean"].set_index("parameter")
    variance = table[table["measure"] == "variance"].set_index("parameter")
    luck = mean.iloc[0]
    order = mean.sort_values("st", ascending=False, kind="stable").index
    columns = ["s1", "st", "st_upper"]
    largest = pd.concat([mean[columns], variance[columns]], axis=1).abs().max(axis=1, skipna=False)  # missing where one is
    shown = [key for key in order if not largest[key] < LEAST]
    lucky = "nothing varies" if pd.isna(luck["luck"]) else f"luck makes {share(luck, 'luck')} of the variance of a run"
    if table[["s1", "st"]].isna().all(axis=None):
        console.say(f"{BY_NAME[name].label}: {lucky}; what any parameter or rival makes of it cannot be told from luck.")
        return
    console.table(
        f"{BY_NAME[name].label}: {lucky}; of the variance that the mean has over the parameters, each makes",
        ["parameter", "by itself", "with others", "of a run's, by itself", "of the variance's: by itself", "with others"],
        [
            [
                *(str(key), share(mean.loc[key], "s1"), share(mean.loc[key], "st"), share(mean.loc[key], "s1_of_run")),
                *(share(variance.loc[key], "s1"), share(variance.loc[key], "st")),
            ]
            for key in shown
        ],
    )
    if below := [str(key) for key in mean.index if key not in shown]:
        console.say(f"Nothing of either: {', '.join(below)}")


def share(row: Any, column: str) -> str:
    """A share in percent, with its interval if it is known."""
    if row[column] != row[column]:
        return "-"
    if row[f"{column}_lower"] != row[f"{column}_lower"]:
        return percent(row[column])
    return f"{percent(row[column])} ({percent(row[f'{column}_lower'])} to {percent(row[f'{column}_upper'])})"


def percent(value: Any) -> str:
    return "-" if value != value else f"{100 * float(value):.0f} %".replace("-0 %", "0 %")


def tell_box(tables: "dict[str, pd.DataFrame]", bad: Bad, settings: SensitivitySettings) -> None:
    """The chosen box: its limits, and what it is worth in the states that did not make it."""
    boxes = tables["prim"]
    row = boxes[boxes["chosen"]].iloc[0]
    overall = boxes.iloc[0]
    limits = tables["box"][tables["box"]["box"] == row["box"]]
    console.say()
    console.say(
        f"Bad runs ({settings.bad}): {overall['density']:.1%} of all in the half that made the box, "
        f"{overall['test_density']:.1%} in the other."
    )
    if not len(limits):
        console.say("No box has more of them than luck would give it.")
        return
    console.say(
        f"In the box, which holds {row['mass']:.0%} of the states: {row['density']:.1%}, {row['coverage']:.0%} of all bad runs."
    )
    if row["test_coverage"] == row["test_coverage"]:
        console.say(
            f"In the other half, on other luck: {row['test_density']:.1%} ({row['test_density_lower']:.1%} to "
            f"{row['test_density_upper']:.1%}) of the runs in it are bad, and {row['test_coverage']:.0%} "
            f"({row['test_coverage_lower']:.0%} to {row['test_coverage_upper']:.0%}) of the bad runs are in it."
        )
    else:
        why = "no run is bad" if overall["test_density"] == 0.0 else "no state is in it"
        console.say(f"In the other half, on other luck, {why}: what the box is worth is not known.")
    console.table(
        "The box",
        ["parameter", "limits", "quasi-p-value"],
        [[str(limit["parameter"]), within(limit), f"{limit['quasi_p']:.1g}"] for limit in limits.to_dict("records")],
    )


def within(limit: Any) -> str:
    """from 0.3 to 0.5; at most 0.5; one of a, b."""
    if limit["values"]:
        return limit["values"]
    low, high = limit["low"], limit["high"]
    if low == -float("inf"):
        return f"at most {high:.4g}"
    return f"at least {low:.4g}" if high == float("inf") else f"{low:.4g} to {high:.4g}"


def draw(study: Study) -> None:
    """The figures of a study, from its tables."""
    import pandas as pd

    manifest = study.read_manifest()
    names = list(dict.fromkeys(marks["schedule"] for marks in manifest["marks"].values()))
    about: dict[str, Any] = {
        "of": names[0] if len(names) == 1 else f"{names[1]} less {names[0]}",
        "start": pd.Timestamp(manifest["start"]),
        "horizon_days": manifest["horizon_days"],
        "confidence": float(manifest["config"].get("confidence", 0.95)),
    }
    drawn = 0
    for name, tables in (("screening", ["morris"]), ("indices", ["sobol"]), ("discovery", ["prim", "box"])):
        if not all(study.place.exists(study.at(f"{table}.parquet")) for table in tables):
            continue
        read = [study.read_table(table) for table in tables]
        for suffix, data in images(figure(name)(*read, LABELS, **about)).items():
            study.place.write(study.at(f"figures/{name}.{suffix}"), data)
        drawn += 1
    console.say(f"figures: {drawn}, each as PNG and SVG, in {study.where}/figures")
