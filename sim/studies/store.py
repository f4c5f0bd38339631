"""Where a study lies: `<results>/studies/<name>/`, each file written aside and renamed, and a manifest of where it came from."""

import json
import platform
import re
import subprocess
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import RequestError

if TYPE_CHECKING:
    import pandas as pd

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,99}")
# what a manifest must hold for a study to be read again
MANIFEST = {"start": str, "horizon_days": int, "seed": int, "scenarios": dict, "contents": dict, "config": dict}
LIBRARIES = ("simpy", "numpy", "numba", "llvmlite", "pandas", "pyarrow", "pydantic", "hydra-core")


class Study:
    """A study's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.figures = folder / "figures"

    @property
    def name(self) -> str:
        return self.folder.name

    def remove_if_empty(self) -> None:
        """Give the name free again, if there is nothing in the study."""
        for folder in (self.figures, self.folder):
            try:
                folder.rmdir()
            except OSError:
                return

    def write_table(self, name: str, table: "pd.DataFrame") -> Path:
        """A table as Parquet (zstd), whole or not at all."""
        aside = self.folder / f".{name}.parquet.writing"
        table.to_parquet(aside, engine="pyarrow", compression="zstd", index=False)
        target = self.folder / f"{name}.parquet"
        aside.replace(target)
        return target

    def write_manifest(self, manifest: dict[str, Any]) -> Path:
        aside = self.folder / ".study.json.writing"
        aside.write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        target = self.folder / "study.json"
        aside.replace(target)
        return target

    def read_table(self, name: str) -> "pd.DataFrame":
        """Raises RequestError if the study has no such table or it cannot be read."""
        import pandas as pd

        path = self.folder / f"{name}.parquet"
        try:
            return pd.read_parquet(path, engine="pyarrow")
        except FileNotFoundError:
            raise RequestError(f"name = {self.name!r}: has no {name}.parquet") from None
        except (OSError, ValueError) as error:
            raise RequestError(f"name = {self.name!r}: {name}.parquet cannot be read: {first_line(error)}") from None

    def read_manifest(self) -> dict[str, Any]:
        try:
            manifest = json.loads((self.folder / "study.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RequestError(f"name = {self.name!r}: has no study.json in {self.folder}") from None
        except (OSError, ValueError) as error:
            raise RequestError(f"name = {self.name!r}: study.json cannot be read: {first_line(error)}") from None
        for key, kind in MANIFEST.items():
            if not isinstance(manifest, dict) or not isinstance(manifest.get(key), kind):
                raise RequestError(
                    f"name = {self.name!r}: study.json is not a manifest: {key} is missing or not what it should be"
                )
        return manifest


def first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def check_name(name: str) -> str:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise RequestError(
            f"name = {name!r}: expected letters, digits, dots, hyphens and underscores, starting with a letter or digit"
        )
    return name


def new_study(results: str, name: str | None, words: str) -> Study:
    """A new study folder, made now so that an unwritable place is found before anything is computed.

    Args:
        results: the root. name: of the study, or None for the time and `words`.
    Raises:
        RequestError: if the name is not a file name or taken, or the place cannot be written to.
    """
    studies = Path(results) / "studies"
    stem = check_name(name) if name is not None else f"{datetime.now().strftime('%Y-%m-%d-%H%M%S')}-{words}"
    candidate, more = stem, 1
    while True:
        folder = studies / candidate
        try:
            folder.mkdir(parents=True)
            (folder / "figures").mkdir()
            return Study(folder)
        except FileExistsError as error:
            if folder.is_dir() and name is None:
                more += 1
                candidate = f"{stem}-{more}"
            elif folder.is_dir():
                raise RequestError(f"name = {name!r}: {taken(folder)} lies in {studies}; choose another name") from None
            else:
                raise RequestError(f"results = {results!r}: cannot be written to: {error.strerror}: {error.filename}") from None
        except OSError as error:
            raise RequestError(f"results = {results!r}: cannot be written to: {error.strerror}") from None


def taken(folder: Path) -> str:
    """What has the name already."""
    if (folder / "study.json").exists():
        return "a study of that name"
    return "an unfinished study of that name (running, or killed: then delete its folder)"


def find_study(results: str, name: str | None) -> Study:
    """The study of that name, or the latest one if no name is given."""
    studies = Path(results) / "studies"
    if name is not None:
        folder = studies / check_name(name)
        if not folder.is_dir():
            known = sorted(path.name for path in studies.glob("*") if path.is_dir())
            raise RequestError(f"name = {name!r}: no such study in {studies}; there are: {', '.join(known[-10:]) or 'none'}")
        return Study(folder)
    finished = sorted(studies.glob("*/study.json"), key=lambda path: path.stat().st_mtime)
    if not finished:
        raise RequestError(f"results = {results!r}: holds no finished study; run `posture compare` first")
    return Study(finished[-1].parent)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@cache
def provenance() -> dict[str, Any]:
    """Which code made a result: revision and whether it was changed since, a hash of the model's sources, versions, platform."""
    root = Path(__file__).parents[2]

    def git(*words: str) -> str | None:
        try:
            run = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, timeout=20, check=True)
        except (OSError, subprocess.SubprocessError):
            return None
        return run.stdout.strip()

    top = git("rev-parse", "--show-toplevel")
    ours = top is not None and Path(top).resolve() == root.resolve()
    digest = sha256()
    for path in sorted((root / "sim").rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return {
        "revision": git("rev-parse", "HEAD") if ours else None,
        "changed": bool(git("status", "--porcelain", "--", "sim", "experiments", "configs")) if ours else None,
        "sources": digest.hexdigest()[:16],
        "version": version("posture"),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "platform": platform.platform(),
    }
