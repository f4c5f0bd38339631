"""Run a study: find what is there, compute the rest, write its tables and manifest, say what was found and what failed."""

import json
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from experiments import console
from experiments.settings import Settings
from sim import luck
from sim.engines import usable
from sim.engines.block import SATURATION_LIMIT
from sim.errors import Halted, RequestError, first_line
from sim.studies.maker import maker, provenance
from sim.studies.place import Place, place
from sim.studies.plan import Cover, Wanted
from sim.studies.study import Study, ahead, differences, now, open_study, request_of, shortened

if TYPE_CHECKING:
    import pandas as pd

    from sim.studies.store import Store


ATTEMPTS = 5  # at a study's tables, whose blocks other processes may be merging


@dataclass(frozen=True)
class Growth:
    """What more is wanted after a look at what there is. told: why, beside the progress."""

    wanted: Sequence[Wanted]
    told: str


@dataclass(frozen=True)
class Request:
    """What a study is of.

    Args:
        application: the command. words: for the study's name, if none is given. config: the resolved configuration.
        marks: what stands in the tables beside each scenario, by label: its schedule, and what else was varied. kinds: the Arrow
        types of those columns, without schedule. more: what else the manifest is to say. derived: further tables that are made
        of the outcomes, by name. derivable: all that may be: one of an earlier request that is not made now is removed. grow:
        asked again and again what more is wanted, given the outcomes so far, until it is nothing.
    """

    application: str
    words: str
    wanted: Sequence[Wanted]
    config: dict[str, Any]
    marks: Mapping[str, Mapping[str, Any]]
    kinds: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    derived: "Callable[[pd.DataFrame], dict[str, pd.DataFrame]]" = lambda outcomes: {}
    derivable: Sequence[str] = ()
    grow: "Callable[[pd.DataFrame], Growth | None] | None" = None

    def manifest(self) -> dict[str, Any]:
        """What the manifest says before anything is computed."""
        first = self.wanted[0]
        return {
            "application": self.application,
            "command": ["posture", *sys.argv[1:]],
            "seed": first.seed,
            "luck": luck.SCHEME,
            "replications": max(w.replications for w in self.wanted),
            "weekly": max(w.weekly for w in self.wanted),
            "horizon_days": max(w.scenario.horizon_days for w in self.wanted),
            "start": first.scenario.start.isoformat(),
            "maker": maker(),
            "code": provenance(),
            **self.more,
            "scenarios": {w.label: w.scenario.identity for w in self.wanted},
            "marks": {label: dict(marks) for label, marks in self.marks.items()},
            "contents": {w.label: w.scenario.content() for w in self.wanted},
            "config": self.config,
        }


@dataclass
class Session:
    """A study that was run. derived: further tables that were made of its outcomes, by name."""

    study: Study
    outcomes: "pd.DataFrame"
    failures: "pd.DataFrame"
    manifest: dict[str, Any]
    interrupted: bool = False
    derived: "dict[str, pd.DataFrame]" = field(default_factory=dict)

    @property
    def status(self) -> int:
        """The exit status so far: 1 if some of the work failed."""
        return 1 if self.interrupted or len(self.failures) else 0


def run(request: Request, settings: Settings) -> Session | None:
    """Compute what the store does not have, write outcomes.parquet, weekly.parquet, failures.parquet (if any) and study.json.

    Ctrl-C stops cleanly: what is complete is kept and written, and the same command goes on. Of `plan=true` nothing is computed
    or written, only told; then there is no session.

    Raises:
        RequestError, Halted
    """
    root = place(settings.results)
    if settings.plan:
        from experiments.estimate import tell

        tell(request, settings, root)
        return None
    from experiments.computing import computed, ready

    about = request.manifest()
    contradictions(root, settings, about)
    otherwise = asked_otherwise(root, settings, about)
    store = opened(root, settings)
    job = ready(store, request.wanted, settings)
    try:
        study = begun(root, settings, request.words, about)
    except BaseException:
        job.close()
        raise
    finished = False
    try:
        started, clock = now(), perf_counter()
        work = computed(store, job, request.application)
        while request.grow is not None and not work.interrupted and not work.lost:
            if (further := request.grow(so_far(store, request))) is None:
                break
            request = replace(request, wanted=further.wanted)
            work.add(computed(store, ready(store, request.wanted, settings), f"{request.application}: {further.told}"))
        if request.grow is not None:
            about["asked"] = asked_of(request.wanted)
        about |= {"started": started, **work.told(perf_counter() - clock)}
        if otherwise or work.computed:  # pictures and pages of what the study was before
            study.place.delete(study.at("report.html"))
            study.place.delete_folder(study.at("figures"))
        session = concluded(study, store, request, about, settings.results, work.interrupted, work.lost)
        finished = not work.interrupted and not work.lost
        return session
    except OSError as error:
        raise unwritable(settings.results, error) from None
    finally:
        study.end(finished)


def asked_otherwise(root: Place, settings: Settings, about: dict[str, Any]) -> bool:
    """Whether the study of that name was made with another configuration, which contradicts nothing but asks for other things."""
    if settings.name is None or not root.exists(f"studies/{settings.name}/study.json"):
        return False
    try:
        return Study(root, settings.name).read_manifest().get("config") != about["config"]
    except RequestError:
        return True


def so_far(store: "Store", request: Request) -> "pd.DataFrame":
    """The outcomes that the store has of a request.

    Raises:
        Halted: if blocks were damaged or removed since they were computed.
    """
    from sim.studies.plan import covers
    from sim.studies.store import Damaged
    from sim.studies.tables import whole_table

    for attempt in range(ATTEMPTS):
        found = covers(request.wanted, store.entries(w.pair for w in request.wanted))
        try:
            return whole_table("outcomes", store, request.wanted, found, request.marks, request.kinds).to_pandas()
        except Damaged as error:  # another process has merged it meanwhile, or it is damaged indeed
            if attempt + 1 == ATTEMPTS:
                raise Halted(f"damaged: {store.place.where(str(error))}; the same command computes it again") from None
            store.forget()
            store.refresh()
    raise AssertionError("the last attempt returns or raises")


def asked_of(wanted: Sequence[Wanted]) -> dict[str, dict[str, int]]:
    """What was asked of each scenario, where it is not the same for all."""
    return {w.label: {"seed": w.seed, "replications": w.replications, "weekly": w.weekly} for w in wanted}


def unwritable(results: str, error: OSError) -> Halted:
    """What to say when the disk is full, or the place has gone."""
    reason = error.strerror or first_line(error)
    kept = "blocks that were written before are kept, the same command goes on"
    return Halted(f"results = {results!r}: cannot be written to: {reason}; {kept}")


def contradictions(root: Place, settings: Settings, about: dict[str, Any]) -> list[str]:
    """In what the study of that name, if there is one, differs from what is asked for.

    Raises:
        RequestError: if it differs and is not to be computed anew.
    """
    if settings.name is None or not root.exists(f"studies/{settings.name}/study.json"):
        return []
    try:
        fields = differences(Study(root, settings.name).read_manifest(), about)
    except RequestError as error:
        fields = [str(error).partition(": ")[2]]
    if fields and settings.changed == "refuse":
        raise RequestError(
            f"name = {settings.name!r}: that study differs: {shortened(fields)}; "
            "choose another name, or compute it anew with changed=recompute"
        )
    return fields


def begun(root: Place, settings: Settings, words: str, about: dict[str, Any]) -> Study:
    """The study, begun, with a manifest that says what it will be.

    Args:
        words: for its name, if none is given. about: its manifest so far.
    Raises:
        RequestError: if it cannot be begun, or there is a study of that name that differs, and it is not to be computed anew.
    """
    if late := ahead(root):
        console.warn(f"this machine's clock is behind that of study {late!r}, which `plot` without a name takes as the latest")
    asked = {key: about[key] for key in about if key not in ("command", "contents", "marks", "config", "code")}
    study = open_study(root, settings.name, words, request_of(asked))
    try:
        if contradictions(root, settings, about):  # asked again now that nobody else can begin it
            study.clear()  # nothing of the other study is to be taken for this one's: its figures, tables, records of jobs
        study.write_manifest({"name": study.name, "complete": False, "finished": None, **about})
    except OSError as error:
        study.end(finished=False)
        raise RequestError(f"results = {settings.results!r}: cannot be written to: {error.strerror or error}") from None
    except RequestError:
        study.end(finished=False)
        raise
    return study


def opened(root: Place, settings: Settings) -> "Store":
    """The store of blocks. An engine that is not to be had is replaced here, with a warning."""
    from sim.studies.store import Store

    if usable(settings.engine) != settings.engine:
        console.warn(f"engine = {settings.engine!r}: there is no compiler; the reference engine gives the same results, slowly")
    return Store(root)


def concluded(
    study: Study,
    store: "Store",
    request: Request,
    about: dict[str, Any],
    results: str,
    interrupted: bool,
    lost: Sequence[tuple[str, int, int]] = (),
    whole: bool = True,
) -> Session:
    """Write the tables and the manifest of what the store has of a study.

    Args:
        whole: whether `request` is all that the study is to be of. lost: scenario, seed and number of replications whose worker
        died each time: failures of this time, not kept as such.
    Raises:
        Halted: if blocks were damaged or removed since they were computed.
    """
    from experiments.computing import sound
    from sim.studies.plan import covers
    from sim.studies.store import Damaged
    from sim.studies.tables import failures_table, write_table

    found = covers(request.wanted, store.entries(w.pair for w in request.wanted))
    for attempt in range(ATTEMPTS):
        try:
            for name in ("outcomes", "weekly"):
                parquet = study.at(f"{name}.parquet")
                write_table(study.place, parquet, name, store, request.wanted, found, request.marks, request.kinds)
            break
        except Damaged as error:  # another process has merged it meanwhile, or it is damaged indeed
            if attempt + 1 == ATTEMPTS:
                raise Halted(f"damaged: {study.place.where(str(error))}; the same command computes it again") from None
            store.forget()
            found = covers(request.wanted, sound(store, request.wanted))
    written_off(found, request.wanted, lost)
    failures = failures_table(request.wanted, found)
    outcomes = study.read_table("outcomes")
    there = sum(c.replications for c in found)
    asked = sum(w.replications for w in request.wanted)
    accounted = len(outcomes) + len(failures)
    if not interrupted and accounted != asked:
        short = f"{accounted:,} of {asked:,} replications are there, the others' blocks have been removed meanwhile"
        raise Halted(f"{short}; the same command computes them again")
    manifest = {
        "name": study.name,
        **about,
        "complete": whole and not interrupted and len(failures) == 0,
        "finished": now() if whole and not interrupted else None,
        "found": there - int(about.get("computed", 0)),
        "failures": len(failures),
        "saturation": saturation(found),
    }
    if len(failures):
        failures["replay"] = [replay(row, results) for row in failures.to_dict("records")]
        study.write_table("failures", failures.drop(columns="seed"))
    else:
        study.place.delete(study.at("failures.parquet"))
    derived = request.derived(outcomes) if len(outcomes) else {}
    for name, table in derived.items():
        study.write_table(name, table)
    for name in request.derivable:
        if name not in derived:
            study.place.delete(study.at(f"{name}.parquet"))
    study.write_manifest(manifest)
    return Session(study, outcomes, failures, manifest, interrupted, derived)


def written_off(found: Sequence[Cover], wanted: Sequence[Wanted], lost: Sequence[tuple[str, int, int]]) -> None:
    """Count replications whose worker died each time among the failures."""
    gone = set(lost)
    for w, covered in zip(wanted, found, strict=True) if gone else ():
        for start, end in covered.gaps:
            numbers = [r for r in range(start, end) if (*w.pair, r) in gone]
            covered.failed += [(r, "WorkerLost: the process that ran it died", float("nan"), "") for r in numbers]


def saturation(found: Sequence[Cover]) -> dict[str, dict[str, float]]:
    """By activity: opportunities, those whose willingness was above the cap, and their share; only where there were any. Counted
    in whole blocks, of which a study may use a part."""
    opportunities: Counter[str] = Counter()
    saturated: Counter[str] = Counter()
    for entry in {piece.entry.key: piece.entry for covered in found for piece in covered.pieces}.values():
        opportunities.update(json.loads(entry.opportunities))
        saturated.update(json.loads(entry.saturated))
    return {
        name: {"opportunities": opportunities[name], "saturated": count, "share": count / opportunities[name]}
        for name, count in sorted(saturated.items())
    }


def period(manifest: dict[str, Any]) -> str:
    """The time a study covers, in words."""
    return f"{manifest['horizon_days']:,} days from {manifest['start']}"


def tell_trouble(session: Session) -> None:
    """Warn of saturation, failures and an interruption, each with what to do about it."""
    for name, row in session.manifest["saturation"].items():
        if row["share"] > SATURATION_LIMIT:
            console.warn(
                f"{name}: {row['share']:.2%} of {row['opportunities']:,.0f} opportunities were above the cap, its rate is cut off"
            )
    for row in session.failures.head(10).to_dict("records"):
        console.warn(
            f"failed: {row['schedule']}, replication {row['replication']}{when(row)}: {row['message']}; replay: {row['replay']}"
        )
    if len(session.failures) > 10:
        console.warn(f"{len(session.failures)} replications failed; all of them are in {session.study.where}/failures.parquet")
    if session.interrupted:
        counts = session.outcomes.groupby("scenario", sort=False).size()
        fewest = counts.min() if len(counts) == len(set(session.manifest["scenarios"].values())) else 0
        asked = max((own["replications"] for own in session.manifest.get("asked", {}).values()), default=0)
        asked = asked or session.manifest["replications"]
        kept = f"{fewest:,} to {counts.max():,} of {asked:,} replications of each scenario" if len(counts) else "nothing yet"
        console.warn(f"interrupted: kept {kept}; the same command goes on")


def when(row: dict[str, Any]) -> str:
    """The day and the activity of a failure, where they are known."""
    return f", day {row['day']:.1f}, {row['activity']}" if row["activity"] else ""


def replay(row: dict[str, Any], results: str) -> str:
    """The command that replays one replication."""
    words = ["posture", "trace", f"scenario={row['scenario']}", f"replication={row['replication']}", f"seed={row['seed']}"]
    if results != "results":
        words.append(f"results={results}")
    return shlex.join(words)


def tell_place(session: Session) -> None:
    manifest, rows = session.manifest, len(session.outcomes)
    computed, found = manifest["computed"], manifest["found"]
    if computed:
        per = f"{manifest['processor_seconds'] / computed * 1e3:.1f} ms each"
        pace = f"{computed:,} computed in {manifest['seconds']:.1f} s, {manifest['executor']} {manifest['workers']}, {per}"
    else:
        pace = "none computed" if session.interrupted else "none to compute"
    console.say(f"{rows:,} replications: {pace}" + (f", {found:,} there already" if found else ""))
    console.say(f"results: {session.study.where}")
