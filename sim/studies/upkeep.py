"""What the store holds, and what of it no study refers to."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from time import time

from sim.errors import RequestError
from sim.studies.maker import maker, maker_id
from sim.studies.place import ASIDE, Place
from sim.studies.segment import TABLES, Entry, maker_of
from sim.studies.store import ROOT, Damaged, Store
from sim.studies.study import Study

CALIBRATIONS = "calibrations"  # folder of a folder each, by key
AGE = 3600.0  # seconds after which a file that is being written, or waits for its index, is taken for left behind


@dataclass
class Holding:
    """What one maker's blocks come to. size: bytes."""

    maker: str
    ours: bool
    blocks: int = 0
    replications: int = 0
    files: int = 0
    size: int = 0
    unreferred: int = 0


@dataclass
class Removable:
    """What no study refers to: blocks, by the store they are in, and files that belong to no segment.

    sizes: bytes of files, by path. size: bytes in all, those of blocks in proportion to their replications. waiting: studies that
    are not finished, because of which no calibration is among it.
    """

    blocks: list[tuple[Store, list[Entry]]] = field(default_factory=list)
    files: dict[str, int] = field(default_factory=dict)
    block_bytes: int = 0
    waiting: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.files) or any(entries for _, entries in self.blocks)

    @property
    def size(self) -> int:
        return self.block_bytes + sum(self.files.values())

    def rows(self, amount: Callable[[float], str]) -> list[tuple[str, str, str]]:
        """As a table tells it."""
        entries = [entry for _, found in self.blocks for entry in found]
        rows = []
        if entries:
            count = sum(entry.count for entry in entries)
            rows.append((f"{len(entries):,} blocks, {count:,} replications", "", f"about {amount(self.block_bytes)}"))
        damaged = {path: size for path, size in self.files.items() if path.startswith(f"{ROOT}/damaged/")}
        calibrated = {path: size for path, size in self.files.items() if path.startswith(f"{CALIBRATIONS}/")}
        left = {path: size for path, size in self.files.items() if path not in damaged and path not in calibrated}
        for what, files in (
            ("damaged files that were set aside", damaged),
            (f"generations of {len(folders(calibrated))} calibrations", calibrated),
            ("left behind by commands that were killed", left),
        ):
            if files:
                rows.append((what, f"{len(files):,}", amount(sum(files.values()))))
        return rows


def stores(root: Place) -> Iterator[Store]:
    """A store for each maker that has blocks here, ours first."""
    ours = Store(root)
    makers = {ours.id: ours.fields}
    for name in ours.segments():
        made = name.partition("-")[0]
        if made not in makers:
            try:
                makers[made] = maker_of(ours.index(name))
            except (FileNotFoundError, Damaged):
                continue
    for made, fields in makers.items():
        store = Store(root, fields)
        if store.id == made:  # else the index says something else than its name
            store.refresh()
            yield store


def referred(root: Place) -> dict[tuple[str, str, int], int]:
    """How many replications the studies refer to, by maker, scenario and seed.

    Raises:
        RequestError: if a study's manifest cannot be read, so that nobody knows what it refers to.
    """
    found: dict[tuple[str, str, int], int] = {}
    for name in root.folders("studies"):
        study = Study(root, name)
        if not root.exists(study.at("study.json")):
            continue
        manifest = study.read_manifest()
        made = maker_id(manifest.get("maker") or maker())
        for label, identity in manifest["scenarios"].items():
            own = manifest.get("asked", {}).get(label, manifest)
            key = (made, identity, int(own["seed"]))
            found[key] = max(found.get(key, 0), int(own.get("replications") or 0))
        if manifest.get("overrides") is not None and study.unfinished() is not None:
            raise RequestError(
                f"name = {name!r}: is a sweep that is not finished, of which only Hydra knows what it refers to; "
                "finish it with the same command, or delete its folder"
            )
    return found


def sizes(root: Place) -> dict[str, int]:
    """Bytes of the files of each segment, by its name."""
    found: dict[str, int] = {}
    for table in TABLES:
        for path, size in root.sizes(f"{ROOT}/{table}").items():
            name = path.rpartition("/")[2].removesuffix(".parquet")
            found[name] = found.get(name, 0) + size
    return found


def holdings(root: Place) -> list[Holding]:
    """What there is, by maker."""
    ours, by_segment, found = maker_id(maker()), sizes(root), []
    try:
        used = referred(root)
    except RequestError:
        used = None
    for store in stores(root):
        entries = store.entries()
        segments = {entry.segment for entry in entries}
        if not entries:
            continue
        unreferred = 0 if used is None else sum(entry.count for entry in unused(store, used))
        found.append(
            Holding(
                store.id,
                store.id == ours,
                len(entries),
                sum(entry.count for entry in entries),
                sum(2 + any(e.weeks for e in entries if e.segment == segment) for segment in segments),
                sum(by_segment.get(segment, 0) for segment in segments),
                unreferred,
            )
        )
    return found


def unused(store: Store, used: dict[tuple[str, str, int], int]) -> list[Entry]:
    """The blocks that no study refers to."""
    return [entry for entry in store.entries() if entry.first >= used.get((store.id, entry.scenario, entry.seed), 0)]


def removable(root: Place) -> Removable:
    """What could be removed.

    Raises:
        RequestError: if it cannot be known what the studies refer to.
    """
    used, by_segment, found = referred(root), sizes(root), Removable()
    known = set(Store(root).segments())  # those that cannot be read just now among them
    for store in stores(root):
        entries = store.entries()
        gone = unused(store, used)
        found.blocks.append((store, gone))
        counts: dict[str, int] = {}
        for entry in entries:
            counts[entry.segment] = counts.get(entry.segment, 0) + entry.count
        found.block_bytes += round(sum(by_segment.get(e.segment, 0) * e.count / counts[e.segment] for e in gone))
    for path, size in root.sizes("", deep=True).items():
        folder, _, name = path.rpartition("/")
        orphan = folder in (f"{ROOT}/outcomes", f"{ROOT}/weekly") and name.removesuffix(".parquet") not in known
        aside = name.startswith(".") and name.endswith(ASIDE)
        if folder == f"{ROOT}/damaged" or ((orphan or aside) and old(root, path)):
            found.files[path] = size
    keys, found.waiting = unused_calibrations(root)
    for key in keys or ():
        found.files |= {path: size for path, size in root.sizes(f"{CALIBRATIONS}/{key}").items() if old(root, path)}
    return found


def calibrations(root: Place) -> dict[str, int]:
    """Bytes of each calibration, by its key."""
    return {key: sum(root.sizes(f"{CALIBRATIONS}/{key}").values()) for key in root.folders(CALIBRATIONS)}


def unused_calibrations(root: Place) -> tuple[list[str] | None, list[str]]:
    """The keys of calibrations that no study refers to, and the studies that may have made one and are not finished.

    While there are any of the latter the keys are not known, None: only at its end a study says which it refers to.

    Raises:
        RequestError: if a study's manifest cannot be read.
    """
    used: set[str] = set()
    waiting: list[str] = []
    for name in root.folders("studies"):
        study = Study(root, name)
        if not root.exists(study.at("study.json")):
            continue
        manifest = study.read_manifest()
        if manifest.get("application") in ("calibrate", "hindcast"):
            if not manifest.get("complete") or study.unfinished() is not None:
                waiting.append(name)
            posteriors = manifest.get("posteriors")
            used |= {str(manifest.get("calibration")), *map(str, posteriors.values() if isinstance(posteriors, dict) else ())}
    return None if waiting else [key for key in root.folders(CALIBRATIONS) if key not in used], waiting


def folders(paths: Iterable[str]) -> set[str]:
    """The folders that files lie in."""
    return {path.rpartition("/")[0] for path in paths}


def old(root: Place, path: str) -> bool:
    when = root.changed(path)
    return when is not None and time() - when > AGE


def remove(root: Place, agreed: Removable) -> int:
    """Remove what was found and is still not referred to; how many bytes. Raises OSError, RequestError."""
    found = removable(root)
    asked = {entry.key for _, entries in agreed.blocks for entry in entries}
    for store, entries in found.blocks:
        store.drop(entry for entry in entries if entry.key in asked)
    files = found.files.keys() & agreed.files.keys()
    for path in files:
        root.delete(path)
    for folder in folders(path for path in files if path.startswith(f"{CALIBRATIONS}/")):
        if not root.sizes(folder, deep=True):
            root.delete_folder(folder)
    return agreed.block_bytes + sum(found.files[path] for path in files)
