"""Commands and programs in processes of their own, what they leave, and how tests wait for them, watch them and end them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parent.parent
COMPILING = "compiling the model for this machine, some 20 s, once\n"
POSTURE = Path(sys.executable).parent / "posture"
TWO = "schedules=[open_ended,rapid_6_months]"
SMALL = ["replications=3", "horizon_days=100", "workers=1"]
COMPARE = ["compare", TWO, *SMALL, "weekly=2", "seed=5", "name=mine", "figures=false"]
SLOWLY = "engine=reference"  # in Python, where a test can make a replication fail; in processes, which a test can kill
MINE = Path("results/studies/mine")
ESCAPE = "\x1b"
needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")


def program(text: str, *words: str, where: Path = ROOT, **environment: str) -> subprocess.CompletedProcess:
    """A program in a process of its own."""
    own = {**os.environ, "PYTHONPATH": str(where), **environment}
    done = subprocess.run(
        [sys.executable, "-c", text, *words], cwd=where, env=own, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


# -- the command -------------------------------------------------------------------------------------------------------
def posture(*words: str, cwd: Path, **more) -> subprocess.CompletedProcess:
    """The command in a process of its own, in a pipe."""
    return subprocess.run([POSTURE, *words], capture_output=True, text=True, cwd=cwd, timeout=300, check=False, **more)


def started(*words: str, cwd: Path, **more) -> subprocess.Popen:
    """The command in a process and a group of its own."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more
    return subprocess.Popen([POSTURE, *words], cwd=cwd, text=True, start_new_session=True, **pipes)


def ended(process: subprocess.Popen, seconds: float = 120.0) -> tuple[str, str]:
    """What a process says until its end, for which there is so much time."""
    try:
        return process.communicate(timeout=seconds)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


# -- what it leaves ----------------------------------------------------------------------------------------------------
def table(name: str, study: str = "mine", results: str | Path = "results") -> pd.DataFrame:
    return pd.read_parquet(Path(results) / "studies" / study / f"{name}.parquet")


def manifest(study: str = "mine", results: str | Path = "results") -> dict:
    return json.loads((Path(results) / "studies" / study / "study.json").read_text(encoding="utf-8"))


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, by its path in it."""
    return {name: (folder / name).read_bytes() for name in files(folder)}


def tables(study: str = "mine", results: str | Path = "results") -> dict[str, bytes]:
    """Every table of a study, to the byte."""
    folder = Path(results) / "studies" / study
    return {path.name: path.read_bytes() for path in folder.glob("*.parquet")}


def segments(results: str | Path = "results") -> set[str]:
    """The names of the stored segments that count: those with an index."""
    return {path.stem for path in (Path(results) / "blocks/index").glob("*.parquet")}


def alike(a: pd.DataFrame, b: pd.DataFrame) -> None:
    """Equal but for what a scenario is called."""
    columns = [column for column in a.columns if column in b.columns and column not in ("schedule", "scenario")]
    pd.testing.assert_frame_equal(a[columns].reset_index(drop=True), b[columns].reset_index(drop=True))


# -- while it runs -----------------------------------------------------------------------------------------------------
def until(what: Callable[[], object], seconds: float = 120.0):
    """Wait for something; give it back."""
    for _ in range(int(seconds / 0.02)):
        if found := what():
            return found
        time.sleep(0.02)
    raise TimeoutError("waited in vain")


def workers_of(pid: int) -> list[int]:
    """The worker processes of a study that runs, youngest last."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return []
    return [int(child) for child in children if b"spawn_main" in commandline(int(child))]


def commandline(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def busy(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# -- quicker ---------------------------------------------------------------------------------------------------------
def remembering(compose: Callable) -> Callable:
    """Composer.compose, that composes the same words once; the study's name and place may be others each time."""
    known: dict[tuple[str, ...], str] = {}

    def remembered(self, overrides: list[str]) -> dict:
        own = {key: value for key, _, value in (word.partition("=") for word in overrides) if key in ("results", "name")}
        others = [word for word in overrides if word.partition("=")[0] not in own]
        if (key := (self.application, *others)) not in known:
            known[key] = json.dumps(compose(self, others))
        return json.loads(known[key]) | own

    return remembered


def running(text: str, *words: str) -> subprocess.Popen:
    """A program in a process of its own, that runs beside this one."""
    own = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", text, *words], cwd=ROOT, env=own, text=True, start_new_session=True, **pipes)
