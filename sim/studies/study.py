"""Where a study lies: `<results>/studies/<name>/`, its tables and its manifest.

While a study is computed `unfinished.json` lies in its folder; it stays if the study is stopped or killed, and the same command
finds it and goes on. On a machine's own disk it is locked, so that two processes do not write one study at once.
"""

import json
import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import RequestError, first_line
from sim.studies.maker import differing
from sim.studies.manifest import check_manifest
from sim.studies.place import Place, place

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,99}")
UNFINISHED = "unfinished.json"
# keys by which a sweep may differ from an earlier one of its name
BESIDE = (
    *("name", "results", "replications", "weekly", "engine", "executor", "address", "workers"),
    *("plan", "retry_failed", "changed"),
)
EQUAL = {  # what else a study of a command is of
    "calibrate": ("until", "population", "record"),
    "hindcast": ("origins", "ahead", "record", "posterior", "population", "generations"),
}
SHOWN = 3  # fields that differ, before the rest is only counted
INDENTED = 100  # scenarios up to which a manifest is laid out for reading


class Busy(RequestError):
    """Another process computes the study now."""


class Obstructed(Busy):
    """Something lies where the lock belongs, which nobody but its owner should touch."""


class Study:
    """A study in its place."""

    def __init__(self, place: Place, name: str) -> None:
        self.place, self.name = place, name
        self.path = f"studies/{name}"
        self.where = place.where(self.path)
        self._lock: int | None = None

    def at(self, name: str) -> str:
        return f"{self.path}/{name}"

    def write_table(self, name: str, table: "pd.DataFrame") -> None:
        """A table as Parquet (zstd), whole or not at all."""
        with self.place.writing(self.at(f"{name}.parquet")) as file:
            table.to_parquet(file, engine="pyarrow", compression="zstd", index=False)

    def write_manifest(self, manifest: dict[str, Any]) -> None:
        indent = 1 if len(manifest.get("scenarios", ())) <= INDENTED else None
        text = json.dumps(manifest, indent=indent, ensure_ascii=False) + "\n"
        self.place.write(self.at("study.json"), text.encode())

    def read_table(self, name: str) -> "pd.DataFrame":
        """Raises RequestError if the study has no such table or it cannot be read."""
        import pandas as pd

        return self._read(name, lambda file: pd.read_parquet(file, engine="pyarrow"))

    def arrow_table(self, name: str) -> "pa.Table":
        """The same as Arrow has it. Raises RequestError."""
        import pyarrow.parquet as pq

        return self._read(name, pq.read_table)

    def _read(self, name: str, reader: Callable[[Any], Any]) -> Any:
        try:
            with self.place.reading(self.at(f"{name}.parquet")) as file:
                return reader(file)
        except FileNotFoundError:
            raise RequestError(f"name = {self.name!r}: has no {name}.parquet") from None
        except (OSError, ValueError) as error:
            raise RequestError(f"name = {self.name!r}: {name}.parquet cannot be read: {first_line(error)}") from None

    def read_manifest(self) -> dict[str, Any]:
        """Raises RequestError if there is none, it cannot be read, or a key is not what it should be."""
        try:
            manifest = json.loads(self.place.read(self.at("study.json")).decode("utf-8"))
        except FileNotFoundError:
            raise RequestError(f"name = {self.name!r}: has no study.json in {self.where}") from None
        except (OSError, ValueError, RecursionError) as error:
            raise RequestError(f"name = {self.name!r}: study.json cannot be read: {first_line(error)}") from None
        try:
            return check_manifest(manifest)
        except RequestError as error:
            raise RequestError(f"name = {self.name!r}: study.json is not a manifest: {error}") from None

    # -- while it is computed ----------------------------------------------------------------------------------------
    def begin(self, request: str) -> None:
        """Say that the study is being computed, and for what request.

        Raises:
            Busy: if another process computes it now. OSError: if the place cannot be written to.
        """
        if self.place.folder is not None and not self.lock():
            raise Busy(f"name = {self.name!r}: another process computes it now, in {self.where}; wait, or choose another name")
        about = {"request": request, "started": now()}
        try:
            if self._lock is None:
                self.place.write(self.at(UNFINISHED), json.dumps(about).encode())
            else:
                os.ftruncate(self._lock, 0)
                os.pwrite(self._lock, json.dumps(about).encode(), 0)
        except OSError:
            self.end(finished=False)
            raise

    def lock(self, create: bool = True) -> bool:
        """Lock the study for this process, until it ends or calls `end`; False if another one has it.

        A link is never followed: what it leads to would be overwritten.

        Raises:
            Obstructed: if a link or a folder lies in the place of unfinished.json. OSError: if there is no unfinished.json and it
            cannot be made, or, without `create`, is not to be.
        """
        try:
            import fcntl
        except ImportError:  # Windows
            return True
        assert self.place.folder is not None
        path = self.place.folder / self.at(UNFINISHED)
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | (os.O_CREAT if create else 0) | getattr(os, "O_NOFOLLOW", 0)
        while True:
            if path.is_symlink() or (path.exists() and not path.is_file()):
                raise Obstructed(
                    f"name = {self.name!r}: {UNFINISHED} in {self.where} is no file; remove it, or choose another name"
                )
            handle = os.open(path, flags, 0o644)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                return False
            except OSError:  # a file system that knows no locks
                os.close(handle)
                return True
            if is_file(handle, path):
                self._lock = handle
                return True
            os.close(handle)  # who had it locked has finished the study meanwhile, and removed it

    def end(self, finished: bool) -> None:
        """The study is no longer being computed; finished: nor is there anything left to do."""
        if finished:
            self.place.delete(self.at(UNFINISHED))
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def clear(self) -> None:
        """Remove all files of the study but the one that says that it is computed."""
        for path in self.place.sizes(self.path, deep=True):
            if path != self.at(UNFINISHED):
                self.place.delete(path)

    def unfinished(self) -> dict[str, Any] | None:
        """What `begin` said, if the study has not been finished."""
        try:
            found = json.loads(self.place.read(self.at(UNFINISHED)).decode("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def running(self) -> bool:
        """Whether a process of this machine computes it now."""
        if self.place.folder is None:
            return False
        other = Study(self.place, self.name)
        try:
            return self.place.exists(self.at(UNFINISHED)) and not other.lock(create=False)
        except (Obstructed, OSError):  # nobody can have locked it; or it has just been finished
            return False
        finally:
            other.end(finished=False)


def is_file(handle: int, path: Path) -> bool:
    """Whether an open file is the one that lies there."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def check_name(name: str) -> str:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise RequestError(
            f"name = {name!r}: expected letters, digits, dots, hyphens and underscores, starting with a letter or digit"
        )
    return name


def open_study(root: Place, name: str | None, words: str, request: str) -> Study:
    """The study to compute, begun: of that name, or an unfinished one of the same request, or a new one.

    It is begun now, so that a place that cannot be written to is found before anything is computed.

    Args:
        name: of the study, or None for the time and `words`. request: a hash of what is asked for.
    Raises:
        RequestError: if the name is not a file name or another process computes it, or the place cannot be written to.
    """
    try:
        if name is not None:
            study = Study(root, check_name(name))
            study.begin(request)
            return study
        taken = root.folders("studies")
        same = [known for known in reversed(taken) if (Study(root, known).unfinished() or {}).get("request") == request]
        stem = f"{datetime.now().strftime('%Y-%m-%d-%H%M%S')}-{words}"
        fresh = (stem if more == 1 else f"{stem}-{more}" for more in count(1))
        for candidate in chain(same, (word for word in fresh if word not in taken)):
            study = Study(root, candidate)
            try:
                study.begin(request)
            except Busy:
                continue
            return study
        raise AssertionError("there is always another name")
    except OSError as error:
        raise RequestError(f"results = {root.text!r}: cannot be written to: {error.strerror or first_line(error)}") from None


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """By name, each field in which a study's manifest and a new request for the same name contradict each other.

    More replications, more series and more scenarios than before contradict nothing: they are added.
    """
    found = []
    for key in ("application", "seed", *EQUAL.get(here["application"], ())):
        if there.get(key) != here.get(key):
            found.append(f"{key}: {there.get(key)} there, {here.get(key)} here")
    for key in ("replications", "weekly"):
        if int(there.get(key) or 0) > here[key]:
            found.append(f"{key}: {there[key]} there, only {here[key]} here")
    if "overrides" in here:  # a sweep: its scenarios are known only when its jobs are done
        a, b = (" ".join(decisive(manifest)) for manifest in (there, here))
        return found + ([f"overrides: {a} there, {b} here"] if a != b else []) + differing(there.get("maker", {}), here["maker"])
    for label, identity in there["scenarios"].items():
        if label not in here["scenarios"]:
            found.append(f"scenarios: {label} there, not here")
        elif here["scenarios"][label] != identity:
            a, b = (flattened(manifest["contents"].get(label, {})) for manifest in (there, here))
            keys = [key for key in {**a, **b} if a.get(key) != b.get(key) and key not in ("schedule.summary", "case.source")]
            found += [f"{key} of {label}: {a.get(key, 'none')} there, {b.get(key, 'none')} here" for key in keys]
    return found + differing(there.get("maker", {}), here["maker"])


def decisive(manifest: Mapping[str, Any]) -> list[str]:
    """A sweep's overrides, less those that change no result and those that only add to it."""
    found = []
    for override in manifest.get("overrides", ()):
        key = override.lstrip("+~").partition("=")[0]
        if key in manifest.get("swept", ()) or not (key in BESIDE or key.startswith("hydra")):
            found.append(override)
    return found


def flattened(data: Any, prefix: str = "") -> dict[str, Any]:
    """Nested data by dotted keys."""
    if isinstance(data, Mapping):
        pairs: Any = data.items()
    elif isinstance(data, list):
        pairs = enumerate(data)
    else:
        return {prefix: data}
    return {k: v for key, value in pairs for k, v in flattened(value, f"{prefix}.{key}" if prefix else str(key)).items()}


def shortened(fields: list[str]) -> str:
    """Some of the fields that differ, and how many there are beside them."""
    more = len(fields) - SHOWN
    return "; ".join(fields[:SHOWN]) + (f"; and {more} more" if more > 0 else "")


def request_of(about: Any) -> str:
    """A hash of what is asked for, by which the same command finds what it left unfinished."""
    return sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]


def find_study(results: str, name: str | None) -> Study:
    """The study of that name, or the latest one if no name is given."""
    root = place(results)
    known = root.folders("studies")
    if name is not None:
        if check_name(name) not in known:
            raise RequestError(
                f"name = {name!r}: no such study in {root.where('studies')}; there are: {', '.join(known[-10:]) or 'none'}"
            )
        return Study(root, name)
    finished: dict[str, float] = {}
    for study in known:
        when = root.changed(f"studies/{study}/study.json")
        if when is not None and root.exists(f"studies/{study}/outcomes.parquet"):
            finished[study] = when
    if not finished:
        raise RequestError(f"results = {results!r}: holds no finished study; run `posture compare` first")
    return Study(root, max(finished, key=lambda study: finished[study]))


def ahead(root: Place, allowed: float = 60.0) -> str | None:
    """A study that was written at a time that is still to come by this machine's clock, if there is one."""
    limit = datetime.now().timestamp() + allowed
    for study in root.folders("studies"):
        when = root.changed(f"studies/{study}/study.json")
        if when is not None and when > limit:
            return study
    return None


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
