"""posture sensitivity: what an outcome, or a difference of two schedules, depends on; in which states runs end badly.

Screening first, of everything; then Sobol indices of what it left, the rest being one input together; and, if asked, the box of
states in which runs end badly. All points are scenarios of one study, so the same command goes on after a stop.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from experiments import console, session
from experiments.badness import Bad, read_bad
from experiments.choices import known_schedules, refuse_other_name
from experiments.composition import Composer, loosened
from experiments.conclusions import known_outcome
from experiments.inputs import Input, given_keys, inputs_of, placed, spread, trimmed, ways
from experiments.session import Request
from experiments.settings import SensitivitySettings, read
from sim.errors import RequestError
from sim.studies.design import filling
from sim.studies.place import place
from sim.studies.plan import Wanted
from sim.studies.study import now

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

TABLES = ("points", "morris", "sobol", "prim", "box")
DESIGNS = SCREENING, INDICES, LEARNING, TESTING = ("screening", "indices", "learning", "testing")
REST = "the rest"
SWEPT = ("schedule", "design", "point")
MOST = 200_000  # points of all designs, counted under each schedule: their scenarios alone take minutes to write down
PLANNED = 10_000  # of which a plan is told scenario by scenario


@dataclass
class Designs:
    """The points of a study: by design, rows of the unit cube. names: of the inputs of the Sobol design, once they are known."""

    settings: SensitivitySettings
    inputs: list[Input]
    configs: Mapping[str, Mapping[str, Any]]  # by schedule
    wanted: list[Wanted] = field(default_factory=list)
    marks: dict[str, dict[str, Any]] = field(default_factory=dict)
    rows: "dict[str, np.ndarray]" = field(default_factory=dict)
    values: list[dict[str, Any]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    @property
    def keys(self) -> list[str]:
        return [one.key for one in self.inputs]

    def add(self, design: str, rows: "np.ndarray", replications: int, alike: int) -> None:
        """A point under each schedule for every row.

        Each so many rows share their luck: those of a trajectory, those between which an index takes differences. The others have
        luck of their own, which says far more of what luck does than one luck for all: the more of it, the less chance is left.
        """
        self.rows[design] = rows
        first = self.settings.seed + DESIGNS.index(design) * 2**32
        for k, row in enumerate(rows):
            for schedule, config in self.configs.items():
                values, scenario = placed(config, self.inputs, row)
                label = f"{schedule}, design={design}, point={k}"
                self.wanted.append(Wanted(label, scenario, (first + k // alike) % 2**64, replications, 0))
                self.marks[label] = {"schedule": schedule, "design": design, "point": k}
            self.values.append({"design": design, "point": k, **values})

    def begin(self) -> None:
        """All points that are known before anything is computed."""
        from sim.analysis.screening import screening_design

        s = self.settings
        steps = screening_design(self.keys, s.trajectories, s.design_seed)
        self.add(SCREENING, trimmed(steps), s.replications, len(self.inputs) + 1)
        self.rows[SCREENING] = ways(steps, self.inputs)
        if s.bad is not None:
            draws = filling("latin_hypercube", s.states, len(self.inputs), s.design_seed)
            self.add(LEARNING, draws[::2], s.per_state, 1)
            self.add(TESTING, draws[1::2], s.per_state, 1)

    def go_on(self, chosen: Sequence[str]) -> None:
        """The points of the Sobol design, with these inputs apart."""
        from sim.analysis.sensitivity import indices_design, of_groups

        groups, self.names = of_groups(self.keys, chosen, REST)
        rows = indices_design(self.keys, groups, self.settings.rows, self.settings.design_seed)
        self.add(INDICES, rows, self.settings.replications, len(self.names) + 2)

    def table(self) -> "pd.DataFrame":
        """The values of each point: design, point, and a column an input."""
        import pandas as pd

        return pd.DataFrame(self.values)

    def responses(self, outcomes: "pd.DataFrame", design: str, name: str) -> "np.ndarray | None":
        """An outcome by point and replication, or the second schedule's less the first's; None if it is not all there.

        A replication that failed at a point is left out at all.
        """
        found = []
        for schedule in self.configs:
            own = outcomes[(outcomes["design"] == design) & (outcomes["schedule"] == schedule)]
            wide = own[["point", "replication"]].assign(value=own[name].astype("float64"))
            found.append(wide.pivot(index="point", columns="replication", values="value"))
        if any(len(wide) < len(self.rows[design]) for wide in found):
            return None
        wide = (found[0] if len(found) == 1 else found[1] - found[0]).dropna(axis=1)
        return wide.to_numpy() if wide.shape[1] >= 4 else None


def application(config: dict[str, Any], overrides: list[str], folder: str | None = None) -> int:
    """Run one analysis; returns the exit status.

    Args:
        config: the composed configuration. overrides, folder: what it was composed from, to compose it again for each schedule.
    Raises:
        RequestError, Halted
    """
    _, settings = read(SensitivitySettings, config)
    for name in settings.outcomes:
        known_outcome("outcomes", name)
        if settings.outcomes.count(name) > 1:
            raise RequestError(f"outcomes = {name!r}: is there twice; expected each once")
    bad = read_bad(settings.bad, difference=settings.schedules is not None) if settings.bad is not None else None
    if settings.rows & (settings.rows - 1):
        below = 1 << (settings.rows.bit_length() - 1)
        raise RequestError(f"rows = {settings.rows}: expected a power of two, such as {below} or {2 * below}")
    given = given_keys(overrides)
    inputs = inputs_of(config, given)
    scenarios = points_of(settings, len(inputs)) * (1 if settings.schedules is None else 2)
    if scenarios > MOST:
        more = f", states={settings.states}" * (bad is not None)
        asked = f"trajectories={settings.trajectories}, rows={settings.rows}, keep={settings.keep}{more}"
        raise RequestError(f"{asked}: {scenarios:,} points of {len(inputs)} inputs; expected at most {MOST:,}")
    designs = Designs(settings, inputs, configurations(settings, config, overrides, folder, given))
    if settings.plan and scenarios > PLANNED:
        runs = replications_of(settings, len(inputs)) * len(designs.configs)
        asked = f"{runs:,} replications of {scenarios:,} scenarios"
        console.table("Plan of sensitivity; nothing is computed or written", ("of", "how much"), [("asked for", asked)])
        console.say(
            f"Too many to look up what is there already, as of up to {PLANNED:,}; try with fewer rows for the time it takes."
        )
        return 0
    designs.begin()
    done = run(designs, config, overrides, bad)
    if done is None:
        return 0
    if "morris" in done.derived:
        from experiments.influences import draw, tell

        tell(done, bad, settings)
        if settings.figures:
            try:
                draw(done.study)
            except OSError as error:
                raise session.unwritable(settings.results, error) from None
    elif not done.interrupted:
        console.warn("too few replications of the screening are there: nothing follows from them")
    session.tell_trouble(done)
    session.tell_place(done)
    return done.status


def points_of(settings: SensitivitySettings, inputs: int) -> int:
    """The points of all designs, under one schedule."""
    of_steps, of_indices = designed(settings, inputs)
    return of_steps + of_indices + (settings.states if settings.bad is not None else 0)


def replications_of(settings: SensitivitySettings, inputs: int) -> int:
    """The replications at all points, under one schedule."""
    states = settings.states * settings.per_state if settings.bad is not None else 0
    return sum(designed(settings, inputs)) * settings.replications + states


def designed(settings: SensitivitySettings, inputs: int) -> tuple[int, int]:
    """The points of the screening, and at most of the Sobol design."""
    kept = min(settings.keep, inputs)
    return settings.trajectories * (inputs + 1), settings.rows * (kept + (kept < inputs) + 2)


def configurations(
    settings: SensitivitySettings, config: dict[str, Any], overrides: list[str], folder: str | None, given: Sequence[str]
) -> dict[str, Mapping[str, Any]]:
    """The configuration of each schedule, by its name."""
    if settings.schedules is None:
        return {read(SensitivitySettings, config)[0].schedule.name: config}
    if "schedule" in given:
        raise RequestError("schedule: not beside schedules=..., which names both")
    names = known_schedules("schedules", settings.schedules, folder)
    if len(names) != 2:
        raise RequestError(f"schedules = {list(settings.schedules)!r}: expected two different schedules, [a,b], for b less a")
    composer = Composer("sensitivity", folder)
    found: dict[str, Mapping[str, Any]] = {}
    for name in names:
        own = composer.compose([*overrides, f"schedule={name}"])
        scenario, _ = read(SensitivitySettings, own)
        refuse_other_name(scenario.schedule.name, name)
        found[name] = own
    return found


def run(designs: Designs, config: dict[str, Any], overrides: list[str], bad: Bad | None) -> session.Session | None:
    """Compute the points, those of the second design when the first has told which inputs matter; write the tables.

    Of `plan=true` nothing is computed, only told; then there is no session. The second design is planned with the first inputs.
    """
    from experiments.computing import computed, ready

    settings = designs.settings
    root, request = place(settings.results), request_of(designs, config)
    if settings.plan:
        from experiments.estimate import tell

        designs.go_on(designs.keys[: settings.keep])
        tell(request_of(designs, config), settings, root)
        return None
    # as of a sweep: which scenarios there are is known only when the first are done, so two requests are told apart by overrides
    about = {**request.manifest(), "overrides": sorted(loosened(overrides)), "swept": list(SWEPT)}
    session.contradictions(root, settings, about)
    otherwise = session.asked_otherwise(root, settings, about)
    store = session.opened(root, settings)
    job = ready(store, request.wanted, settings)
    try:
        study = session.begun(root, settings, request.words, about)
    except BaseException:
        job.close()
        raise
    finished = False
    try:
        started, clock = now(), perf_counter()
        work = computed(store, job, "sensitivity: screening")
        if not work.interrupted and not work.lost and (chosen := screened(designs, session.so_far(store, request))):
            designs.go_on(chosen)
            request = request_of(designs, config)
            work.add(computed(store, ready(store, request.wanted, settings), "sensitivity: indices"))
        whole = request.manifest()
        about |= {key: whole[key] for key in ("scenarios", "marks", "contents", "replications")}
        about |= {"asked": session.asked_of(request.wanted), "started": started, **work.told(perf_counter() - clock)}
        if otherwise or work.computed:
            study.place.delete_folder(study.at("figures"))
        request = replace(request, derived=lambda outcomes: tables(designs, outcomes, bad), derivable=TABLES)
        done = session.concluded(study, store, request, about, settings.results, work.interrupted, work.lost)
        finished = not work.interrupted and not work.lost
        return done
    except OSError as error:
        raise session.unwritable(settings.results, error) from None
    finally:
        study.end(finished)


def request_of(designs: Designs, config: dict[str, Any]) -> Request:
    """A study of the points as they are known by now."""
    import pyarrow as pa

    kinds = {"design": pa.string(), "point": pa.int64()}
    return Request("sensitivity", "sensitivity", list(designs.wanted), config, dict(designs.marks), kinds)


def screened(designs: Designs, outcomes: "pd.DataFrame") -> list[str]:
    """The inputs that the screening leaves; none if too much of it failed, or nothing has an effect."""
    table = screening_table(designs, outcomes)
    return [] if table is None else left(designs, table)


def left(designs: Designs, table: "pd.DataFrame") -> list[str]:
    """The inputs that matter most in a table of the screening."""
    from sim.analysis.screening import kept

    return kept(table, designs.settings.keep, {one.key: spread(one) for one in designs.inputs})


def screening_table(designs: Designs, outcomes: "pd.DataFrame") -> "pd.DataFrame | None":
    import pandas as pd

    from sim.analysis.screening import screening

    s, parts = designs.settings, []
    for name in s.outcomes:
        values = designs.responses(outcomes, SCREENING, name)
        if values is None:
            return None
        parts.append(screening(values, designs.rows[SCREENING], designs.keys, name, s.confidence))
    return pd.concat(parts, ignore_index=True)


def tables(designs: Designs, outcomes: "pd.DataFrame", bad: Bad | None) -> "dict[str, pd.DataFrame]":
    """The tables of what is all there: points, morris, sobol, prim and box."""
    import pandas as pd

    from sim.analysis.discovery import discover
    from sim.analysis.sensitivity import indices

    s, found = designs.settings, {"points": designs.table()}
    if (screening := screening_table(designs, outcomes)) is None:
        return found
    found["morris"] = screening.assign(kept=screening["parameter"].isin(left(designs, screening)))
    parts, names = [], s.outcomes if INDICES in designs.rows else ()
    with console.progress(len(names), "sensitivity: intervals") as advance:
        for name in names:
            if (values := designs.responses(outcomes, INDICES, name)) is not None:
                parts.append(indices(values, designs.names, name, s.confidence))
            advance(1)
    if parts:
        found["sobol"] = pd.concat(parts, ignore_index=True)
    if bad is not None:
        learning, testing = (designs.responses(outcomes, design, bad.outcome) for design in (LEARNING, TESTING))
        if learning is not None and testing is not None:
            points = found["points"].set_index("design")[designs.keys]
            try:
                sides = points.loc[LEARNING], bad.of(learning), points.loc[TESTING], bad.of(testing)
                box = discover(*sides, confidence=s.confidence)
                found |= {"prim": box.boxes, "box": box.limits}
            except ValueError as error:
                console.warn(f"bad = {s.bad}: {error} in the states looked at; there is no box")
    return found
