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
    "executor": "who computes: serial, threads, processes or dask; auto for threads, or processes for the reference engine; "
    "results do not depend on it",
    "address": "of a dask scheduler, with executor=dask: tcp://host:8786",
    "workers": "how many threads or processes; null for all cores",
    "results": "where studies and blocks lie: a folder, or a URL such as s3://bucket/results",
    "name": "of the study; null for a new one's time and a few words, or, in plot, report and verify, for the latest",
    "plan": "true: say what would be computed, what is there already, the time and the room it takes, and do nothing",
    "retry_failed": "true: compute the replications again that failed before",
    "changed": "a study of that name that differs in configuration or code: refuse, or recompute",
    "design": "latin_hypercube, sobol (points: a power of two), halton or random",
    "points": "of the design; each is a scenario, for each schedule",
    "over": "what to vary, a list: key (over its 90 % range), key:low:high or key:low:high:log",
    "design_seed": "of the design; luck is not changed by it",
    "trajectories": "of the screening; each makes one point more than there are parameters and rivals",
    "keep": "how many parameters screening leaves for the indices; the others are one input together, the rest",
    "rows": "of the Sobol design, a power of two; each makes keep + 3 points",
    "bad": "which runs end badly: outcome:at_least:number, outcome:at_most:number, a yes-or-no outcome; null: do not look",
    "states": "draws of parameters and rivals looked at for `bad`, half to find the box and half to test it",
    "confidence": "of intervals",
    "tolerance": "tolerance.OUTCOME=number: go on until each pair of schedules is decided to within this, in the outcome's unit",
    "budget": "replications in all at which to stop with pairs undecided",
    "objectives": "what counts, a list of outcome:direction:weight; there is no default",
    "indifference": "a difference of objectives too small to matter, in their unit; selection then eliminates",
    "limits": "what is satisfactory, a list of outcome:at_most:number or outcome:at_least:number",
    "all_rivals": "true, or rivals=all: under every rival theory of announcements, with self-excitation and without",
    "draw_parameters": "true: states of the world, parameters drawn from their priors; posterior: those that were calibrated "
    "from the posterior; those that are set to anything but their default stay",
    "posterior": "with draw_parameters=posterior: the name of a calibration, or the path of a posterior.parquet",
    "draws": "how many; each meets all rivals",
    "draw_seed": "of the draws; luck is not changed by it",
    "per_state": "replications of each schedule in each state, where parameters are drawn",
    "explain": "yes-or-no outcomes: which kinds of event were necessary for them, by withholding each",
    "explain_runs": "of each schedule, how many runs with that outcome are looked at",
    "origins": "days to forecast from, a list; each forecast has seen nothing later than its own; null for 2020-03-31 and "
    "2020-12-31, or of the episode of the exit its day, 2011-12-18",
    "ahead": "days from the origin within which a window must end to be scored",
    "observed": "a CSV file of counts in place of the record that comes with posture; docs/record.md has the format",
    "until": "the last day that is known: no window of the record that ends later is seen",
    "population": "of a calibration: trajectories in each generation",
    "generations": "of a calibration: how many, each nearer to the record",
    "kind": "study: the report of a comparison; model: the model, described from its own declarations",
    "stories": "of each schedule, 0 to 3: the median run, a bad one, the one that differs most from the baseline",
    "sample": "how many replications to compute again, or all",
    "yes": "true: remove without asking",
    "schedules": "all, or a list of names",
    "baseline": "the schedule that differences are taken from",
    "outcomes": "a list: on screen and in figures (every outcome is in the tables)",
    "figures": "compare: true or false; plot: all, or a list of figures",
    "replication": "which one to tell",
    "scenario": "identity of a scenario of an earlier study, in place of composing one",
    "everything": "true: also routine events, convoys and shocks",
    "log": "a file for all of it (the event log, both histories, or the search), .parquet or .csv",
    "event": "what to withhold: an event, an activity (of one actor or of all groups), an agent, or step:<name>; "
    "in quotes if it has spaces",
    "outcome": "in place of event: a yes-or-no outcome that happened; what it needed is searched for",
}
COMPUTING = (
    *("start", "horizon_days", "replications", "weekly", "seed", "engine", "executor", "address", "workers"),
    *("results", "name", "plan", "retry_failed", "changed"),
)
START = "first day of the episode, which sets it; its dated events leave few others. For an episode of your own"
# the same, where a key means something else to one command
OWN_KEYS = {
    "calibrate": {"start": START},
    "hindcast": {
        "start": START,
        "posterior": "calibrate: on each origin's past; none: by the priors alone; or the name of a calibration that ends before",
        "replications": "trajectories of each forecast with posterior=none",
    },
    "sensitivity": {
        "schedules": "two, [a,b]: of the difference b less a, on the same luck; null: of schedule=...",
        "replications": "of each point of the designs, at least 4",
        "per_state": "replications in each of the states",
        "design_seed": "of the points and the states",
        "figures": "true or false",
    },
}
WITHOUT_SCENARIO = ("plot", "report", "status", "verify", "clean")  # commands that take no scenario
OF = {
    "run": COMPUTING,
    "compare": (
        *("schedules", "baseline", "outcomes", "figures", "confidence", "tolerance", "budget", "objectives", "indifference"),
        *(
            "limits",
            "all_rivals",
            "draw_parameters",
            "posterior",
            "draws",
            "draw_seed",
            "per_state",
            "explain",
            "explain_runs",
            *COMPUTING,
        ),
    ),
    "sweep": ("design", "points", "over", "design_seed", "schedules", *COMPUTING),
    "sensitivity": (
        *("schedules", "outcomes", "bad", "keep", "trajectories", "rows", "states", "per_state", "design_seed", "confidence"),
        *("figures", *COMPUTING),
    ),
    "hindcast": (
        *("origins", "ahead", "observed", "posterior", "population", "generations", "replications", "start", "horizon_days"),
        *("seed", "workers", "results", "name", "plan", "changed"),
    ),
    "calibrate": (
        *("until", "observed", "population", "generations", "start", "horizon_days", "seed", "workers"),
        *("results", "name", "plan", "changed"),
    ),
    "plot": ("name", "figures", "outcomes", "schedules", "results"),
    "report": ("name", "kind", "stories", "schedules", "results"),
    "trace": ("replication", "schedules", "scenario", "everything", "log", "seed", "engine", "start", "horizon_days", "results"),
    "why": (
        "event",
        "outcome",
        "replication",
        "scenario",
        "everything",
        "log",
        "seed",
        "engine",
        "start",
        "horizon_days",
        "results",
    ),
    "status": ("results",),
    "verify": ("name", "sample", "workers", "results"),
    "clean": ("yes", "results"),
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
        "posture compare replications=100000 plan=true",
        "posture compare tolerance.base_attacks=1.0",
        "posture compare objectives=[us_deaths:lower:1,isis_attacks:lower:0.01] rivals=all draw_parameters=true",
        "posture compare explain=[resurgence] limits=[us_deaths:at_most:5]",
    ),
    "sweep": (
        "posture sweep over=[militias.restraint,isis.dependence] points=500",
        "posture sweep schedules=[open_ended,rapid_6_months] over=[united_states.early_exit:0.0001:0.003:log] points=200",
        "posture sweep design=sobol points=256 over=[militias.restraint:0.3:0.6,isis.attrition] replications=200",
    ),
    "sensitivity": (
        "posture sensitivity schedule=phased_12_months outcomes=[base_attacks,isis_attacks,us_deaths]",
        "posture sensitivity schedules=[open_ended,rapid_6_months] outcomes=[us_deaths]",
        "posture sensitivity schedule=deadline_missed bad=us_deaths:at_least:10",
        "posture sensitivity schedule=rapid_6_months bad=resurgence outcomes=[resurgence] rivals/announcement=none",
    ),
    "hindcast": (
        "posture hindcast",
        "posture hindcast posterior=none origins=[2019-12-31,2020-03-31,2020-06-30,2020-09-30] ahead=92",
        "posture hindcast observed=my_counts.csv origins=[2020-12-31]",
    ),
    "calibrate": (
        "posture calibrate until=2020-12-31",
        "posture calibrate episode=iraq_2009_2013 until=2011-12-18 population=500",
        "posture calibrate observed=my_counts.csv until=2020-12-31 name=mine",
    ),
    "plot": ("posture plot", "posture plot outcomes=[cost,troop_months] schedules=[open_ended,rapid_6_months]"),
    "report": ("posture report", "posture report name=my_study stories=1 schedules=[open_ended,rapid_6_months]"),
    "trace": (
        "posture trace schedule=deadline_missed replication=17",
        "posture trace schedule=open_ended replication=3 log=events.csv",
        "posture trace schedules=[open_ended,deadline_missed] replication=17",
    ),
    "why": (
        "posture why schedule=deadline_missed replication=17 event=united_states/reprisal",
        "posture why schedule=deadline_missed replication=17 event=step:announcement",
        "posture why schedule=open_ended replication=5 outcome=exit_demanded",
    ),
    "status": ("posture status", "posture status results=s3://bucket/results"),
    "verify": ("posture verify", "posture verify name=my_study sample=all"),
    "clean": ("posture clean", "posture clean yes=true"),
}


def overview(applications: dict[str, str]) -> str:
    """The page of `posture --help`."""
    lines = [
        "posture: what differs between schedules of withdrawal, how sure that is, and why",
        "",
        "usage: posture COMMAND [key=value ...]",
        "",
        *(f"  {name:<13}{what}" for name, what in applications.items()),
        "",
        "`posture COMMAND --help` lists the keys. Exit status: 0 done, 1 some of the work failed, 2 the request was wrong.",
    ]
    return "\n".join(lines)


def page(name: str, what: str) -> str:
    """The page of one command: its keys, the groups to choose from, every parameter, every outcome."""
    lines = [f"posture {name}: {what}", "", "Keys", *rows((key, (KEYS | OWN_KEYS.get(name, {}))[key]) for key in OF[name])]
    if name not in WITHOUT_SCENARIO:
        lines += ["", "Groups (group=choice)", *rows((group, ", ".join(found)) for group, found in groups(name).items())]
        lines += ["", "Parameters (default, unit, 90 % range)", *parameters()]
    if name in ("compare", "plot", "sensitivity"):
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
