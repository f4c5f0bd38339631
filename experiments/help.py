"""Help, made from the declarations and the configuration's own files, so that it cannot disagree with them."""

from collections.abc import Iterable
from textwrap import wrap

from experiments.choices import CONFIGS, schedule_names

KEYS = {
    "start": "the first day, a date such as 2021-04-07",
    "horizon_days": "length of a replication, 7 to 3653 days",
    "replications": "of each scenario",
    "weekly": "the first so many replications keep their series by week",
    "seed": "the root of all luck, 0 to 2^64 - 1",
    "engine": "compiled (the fast one), or reference (the readable one, in SimPy); the results are the same",
    "workers": "threads (processes for the reference engine); null for all cores; results do not depend on it",
    "results": "where studies lie",
    "name": "of the study; null for a new one's time and a few words, or, in plot, for the latest",
    "schedules": "all, or a list of names",
    "baseline": "the schedule that differences are taken from",
    "outcomes": "a list: on screen and in figures (every outcome is in the tables)",
    "figures": "compare: true or false; plot: all, or a list of figures",
    "replication": "which one to tell",
    "scenario": "identity of a scenario of an earlier study, in place of composing one",
    "everything": "true: also routine events, convoys and shocks",
    "log": "a file for the full event log, .parquet or .csv",
}
OF = {
    "run": ("start", "horizon_days", "replications", "weekly", "seed", "engine", "workers", "results", "name"),
    "compare": (
        *("schedules", "baseline", "outcomes", "figures"),
        *("start", "horizon_days", "replications", "weekly", "seed", "engine", "workers", "results", "name"),
    ),
    "plot": ("name", "figures", "outcomes", "schedules", "results"),
    "trace": ("replication", "scenario", "everything", "log", "seed", "engine", "start", "horizon_days", "results"),
}
EXAMPLES = {
    "run": (
        "posture run schedule=phased_12_months replications=500",
        "posture run schedule=rapid_6_months iraqi_forces=weak rivals/announcement=emboldenment",
        "posture run -m schedule=open_ended,rapid_6_months militias.restraint=0.2,0.5",
    ),
    "compare": (
        "posture compare",
        "posture compare schedules=[open_ended,conditions_based] replications=1000 isis.dependence=0.5",
        "posture compare --config-dir my_configs schedules=[open_ended,my_schedule]",
    ),
    "plot": ("posture plot", "posture plot outcomes=[cost,troop_months] schedules=[open_ended,rapid_6_months]"),
    "trace": (
        "posture trace schedule=deadline_missed replication=17",
        "posture trace schedule=open_ended replication=3 log=events.csv",
    ),
}


def overview(applications: dict[str, str]) -> str:
    """The page of `posture --help`."""
    lines = [
        "posture: what differs between schedules of withdrawal, how sure that is, and why",
        "",
        "usage: posture COMMAND [key=value ...]",
        "",
        *(f"  {name:<9}{what}" for name, what in applications.items()),
        "",
        "`posture COMMAND --help` lists the keys. Exit status: 0 done, 1 some of the work failed, 2 the request was wrong.",
    ]
    return "\n".join(lines)


def page(name: str, what: str) -> str:
    """The page of one command: its keys, the groups to choose from, every parameter, every outcome."""
    lines = [f"posture {name}: {what}", "", "Keys", *rows((key, KEYS[key]) for key in OF[name])]
    if name != "plot":
        lines += ["", "Groups (group=choice)", *rows((group, ", ".join(found)) for group, found in groups(name).items())]
        lines += ["", "Parameters (default, unit, 90 % range)", *parameters()]
    if name in ("compare", "plot"):
        lines += ["", "Outcomes", *outcomes()]
    options = "--cfg shows the configuration; --config-dir FOLDER adds groups of your own"
    lines += ["", f"Options: {options}" + ("; -m sweeps over comma-separated values." if name == "run" else "."), ""]
    return "\n".join([*lines, "Examples", *(f"  {example}" for example in EXAMPLES[name])])


def rows(pairs: Iterable[tuple[str, str]]) -> list[str]:
    lines: list[str] = []
    for key, text in pairs:
        first, *rest = wrap(text, 92) or [""]
        lines += [f"  {key:<22}{first}", *(" " * 24 + more for more in rest)]
    return lines


def groups(name: str) -> dict[str, list[str]]:
    """Every configuration group with its choices."""
    found: dict[str, list[str]] = {} if name == "compare" else {"schedule": schedule_names()}
    for folder in sorted(path for path in CONFIGS.rglob("*") if path.is_dir() and any(path.glob("*.yaml"))):
        group = folder.relative_to(CONFIGS).as_posix()
        if group != "schedule":
            found[group] = sorted(path.stem for path in folder.glob("*.yaml"))
    return found


def parameters() -> list[str]:
    from sim.scenario import declared_parameters

    return [f"  {p.key:<42}{p.default:>8g}  {p.unit} ({p.low:g} to {p.high:g})" for p in declared_parameters()]


def outcomes() -> list[str]:
    from sim.outcomes import OUTCOMES

    return [f"  {outcome.name:<24}{outcome.label} ({outcome.unit})" for outcome in OUTCOMES]
