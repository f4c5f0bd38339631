"""posture status, verify and clean: what there is, whether it is still what it was, and what can go."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from experiments import console
from experiments.estimate import amount
from experiments.settings import HINTS, CleanSettings, StatusSettings, VerifySettings
from sim.engines import usable
from sim.errors import RequestError
from sim.scenario import read_scenario
from sim.studies import executors
from sim.studies.maker import differing, maker
from sim.studies.place import place
from sim.studies.plan import Wanted, covers
from sim.studies.study import Study, find_study
from sim.validation import check

SHOWN = 20  # faults that are told one by one


def wanted_of(manifest: Mapping[str, Any], name: str) -> list[Wanted]:
    """What a study is of, from its manifest (read as data, validated again).

    Raises:
        RequestError
    """
    found = []
    for label, content in manifest["contents"].items():
        try:
            scenario = read_scenario(content)
            own = manifest.get("asked", {}).get(label, manifest)
            found.append(Wanted(label, scenario, int(own["seed"]), int(own["replications"]), int(own["weekly"])))
        except (RequestError, KeyError, TypeError, ValueError) as error:
            raise RequestError(f"name = {name!r}: was made by another version of posture: {error}") from None
    return found


def verify(config: dict[str, Any]) -> int:
    """Compute replications again and compare to the bit; returns the exit status. Raises RequestError."""
    settings = check("", VerifySettings, config, HINTS)
    study = find_study(settings.results, settings.name)
    manifest = study.read_manifest()
    wanted = wanted_of(manifest, study.name)
    made, ours = manifest.get("maker") or {}, maker()
    if manifest.get("finished") is None or study.unfinished() is not None:
        raise RequestError(f"name = {study.name!r}: is not finished; the command that began it goes on")

    from sim.studies.store import Store
    from sim.studies.verification import Kept, blocks_at_fault, chosen, verify

    for w in wanted:
        if w.scenario.identity != manifest["scenarios"].get(w.label):
            raise RequestError(f"name = {study.name!r}: scenario {w.label} is not the one that was run: study.json was changed")
    store = Store(study.place, made)
    store.refresh()
    faults, blocks = blocks_at_fault(store, wanted)
    failed = failures_of(study, manifest)
    marks = {w.label: manifest.get("marks", {}).get(w.label, {"schedule": w.label}) for w in wanted}
    kept = Kept(study, store, wanted, marks, failed)
    todo = chosen(wanted, None if settings.sample == "all" else settings.sample)
    workers = settings.workers or executors.cores()
    executors.prepare(wanted[0].scenario, usable("compiled"))
    count = sum(task.count for task in todo)
    with console.progress(count, "verify") as advance:
        faults += verify(kept, todo, workers, advance)
    total = sum(w.replications for w in wanted)
    console.say(f"{study.name}: computed {count:,} of {total:,} replications again, looked at {len(blocks):,} blocks")
    if missing := sum(len(gone) for gone in failed.values()):
        console.say(f"note: {missing:,} replications failed and have no rows; retry_failed=true computes them again")
    if missing := total - sum(covered.replications for covered in covers(wanted, blocks)):
        console.say(f"note: {missing:,} replications have no block in the store any more; their tables were looked at")
    if not faults:
        console.say("all are equal to the bit")
        return 0
    for fault in faults[:SHOWN]:
        console.say(f"differs: {fault.where}: {fault.what}")
    if len(faults) > SHOWN:
        console.say(f"and {len(faults) - SHOWN:,} more")
    fields = differing(made, ours)
    console.say(
        f"it was made otherwise: {'; '.join(fields)}"
        if fields
        else "code, libraries and arithmetic are those that made it: its files were changed or damaged since"
    )
    return 1


def failures_of(study: Study, manifest: Mapping[str, Any]) -> dict[str, frozenset[int]]:
    """The replications of a study that failed, by label."""
    if not manifest.get("failures"):
        return {}
    table = study.read_table("failures")
    return {str(label): frozenset(int(r) for r in rows) for label, rows in table.groupby("schedule")["replication"]}


def status(config: dict[str, Any]) -> int:
    """Tell the studies and the store; returns the exit status. Raises RequestError."""
    settings = check("", StatusSettings, config, HINTS)
    root = place(settings.results)
    try:
        rows = [told(Study(root, name)) for name in root.folders("studies")]
    except OSError as error:
        raise RequestError(f"results = {settings.results!r}: cannot be read: {error.strerror or error}") from None
    if not rows:
        raise RequestError(f"results = {settings.results!r}: holds no study; run `posture compare` first")
    console.table(
        f"Studies in {root.where('studies')}",
        ("study", "state", "command", "scenarios", "replications", "failed", "size", "made by"),
        rows,
    )
    from sim.studies.upkeep import CALIBRATIONS, calibrations, holdings, unused_calibrations

    console.table(
        f"Blocks in {root.where('blocks')}",
        ("made by", "blocks", "replications", "files", "size", "not referred to"),
        [
            (
                f"{h.maker}{' (this code)' if h.ours else ''}",
                *(f"{h.blocks:,}", f"{h.replications:,}", f"{h.files:,}", amount(h.size), f"{h.unreferred:,} replications"),
            )
            for h in holdings(root)
        ],
    )
    if kept := calibrations(root):
        try:
            keys, waiting = unused_calibrations(root)
            told_of = f"{len(keys):,} not referred to by any study" if keys is not None else not_known(waiting)
            unused = f", {told_of}"
        except RequestError:  # a study says nothing that can be read
            unused = ""
        console.say(f"Calibrations in {root.where(CALIBRATIONS)}: {len(kept):,}, {amount(sum(kept.values()))}{unused}")
    return 0


def not_known(waiting: Sequence[str]) -> str:
    """What to say of calibrations while studies that may refer to them are not finished."""
    names, verb = ", ".join(waiting), "is" if len(waiting) == 1 else "are"
    return f"which of them a study refers to is not known while {names} {verb} unfinished"


def told(study: Study) -> tuple[str, ...]:
    """A study as a row."""
    from sim.studies.maker import maker_id

    size = amount(sum(study.place.sizes(study.path, deep=True).values()))
    try:
        manifest = study.read_manifest()
    except RequestError:
        return (study.name, "no manifest", "", "", "", "", size, "")
    if study.unfinished() is not None:
        state = "running" if study.running() else "unfinished"
    else:
        state = "complete" if manifest.get("complete") else "with failures"
    sizes = {int(own["replications"]) for own in manifest.get("asked", {}).values()} or {int(manifest.get("replications") or 0)}
    replications = f"{min(sizes):,}" if len(sizes) == 1 else f"{min(sizes):,} to {max(sizes):,}"
    made = manifest.get("maker")
    return (
        *(study.name, state, str(manifest.get("application", "")), f"{len(manifest['scenarios']):,}", replications),
        *(f"{int(manifest.get('failures') or 0):,}", size, maker_id(made) if isinstance(made, dict) else ""),
    )


def clean(config: dict[str, Any]) -> int:
    """Remove what no study refers to, after asking; returns the exit status. Raises RequestError."""
    settings = check("", CleanSettings, config, HINTS)
    root = place(settings.results)

    from sim.studies.upkeep import calibrations, removable, remove

    found = removable(root)
    if found.waiting and calibrations(root):
        console.say(f"calibrations stay: {not_known(found.waiting)}")
    if not found:
        console.say("nothing to remove")
        return 0
    console.table(f"Not referred to by any study in {root.where('studies')}", ("what", "files", "size"), found.rows(amount))
    if not settings.yes and not agreed(f"Remove {amount(found.size)}?"):
        console.say("nothing was removed")
        return 0
    try:
        size = remove(root, found)
    except OSError as error:
        raise RequestError(f"results = {settings.results!r}: cannot be written to: {error.strerror or error}") from None
    console.say(f"removed {amount(size)}")
    return 0


def agreed(question: str) -> bool:
    """Ask, on a terminal. Raises RequestError where there is nobody to ask."""
    if not sys.stdin.isatty():
        raise RequestError("yes = false: there is no terminal to ask on; give yes=true to remove it")
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False
