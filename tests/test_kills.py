"""A study that is killed, at any moment and as often as may be: the same command goes on, and nobody can tell afterwards."""

import io
import json
import os
import random
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from experiments import command, composition, computing, session
from sim.engines import compiled
from sim.studies import plan, store
from sim.studies.maker import provenance
from sim.studies.place import ASIDE, place
from sim.studies.study import Study
from tests.processes import TWO, ended, manifest, needs_proc, posture, program, remembering, segments, started, tables, until

KILLS = 50
SIZE = 20  # replications of a block here, so that there are many
PAIRS = 8  # rounds of two processes
MERGED_AT, MANY, FULL = 4, 2, 3000  # segments are merged all the time
WORDS = ["compare", TWO, "weekly=60", "horizon_days=200", "workers=2", "seed=11", "figures=false"]
MUCH, LITTLE = [*WORDS, "replications=2400"], [*WORDS, "replications=400"]
TABLES = ("outcomes", "weekly", "differences", "summary", "survival")
ALONE = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}  # no thread in who forks
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")


# == in a process of its own, that forks one child for each attempt ====================================================
class Moments:
    """Whatever changes a file, in a child: each such moment is told, before it comes, to whoever may want to be killed then.

    doing: what the child is at, by the functions that `during` has wrapped.
    """

    def __init__(self, root: str, tell: Callable[[str], None]) -> None:
        self.root, self.tell, self.doing = root, tell, []
        opened, synced = Path.open, os.fsync

        def open_(path: Path, mode: str = "r", *more: Any, **named: Any) -> Any:
            return io.BufferedWriter(self.file(path)) if mode == "xb" else opened(path, mode, *more, **named)

        def fsync(handle: int) -> None:
            self.come()
            synced(handle)

        Path.open = open_  # ty: ignore[invalid-assignment]
        os.fsync = fsync
        sys.addaudithook(self.audit)

    def file(self, path: Path) -> io.FileIO:
        moments = self

        class File(io.FileIO):
            def write(self, data: Any) -> int:
                moments.come()
                half = len(data) // 2  # a kill may find a write half done
                if half:
                    super().write(memoryview(data)[:half])
                    moments.come()
                return half + (super().write(memoryview(data)[half:]) or 0)

        return File(path, "xb")

    def audit(self, event: str, args: tuple[Any, ...]) -> None:
        if event in ("open", "os.rename", "os.remove", "os.mkdir") and str(args[0]).startswith(self.root):
            self.come()

    def come(self) -> None:
        self.tell(self.doing[-1] if self.doing else "")

    def during(self, of: Any, name: str, what: str) -> None:
        """Have a function say that it is at work."""
        inner = getattr(of, name)

        def outer(*args: Any, **named: Any) -> Any:
            self.doing.append(what)
            try:
                return inner(*args, **named)
            finally:
                self.doing.pop()

        setattr(of, name, outer)


def attempt(words: list[str], root: str, notes: str, small: bool, at: tuple[str, int] | None, go: int) -> int:
    """One run of the command in this process, which has been forked for it; its exit status.

    Args:
        notes: a file to which a line is appended for each block that is begun, and for what is being done at each moment.
        small: whether blocks and segments are small. at: the activity (any, if empty) and the how-manieth of its moments at which
            this process kills itself. go: a file descriptor that is told when the study begins.
    """
    os.setsid()
    out = os.open(f"{notes}.out", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(out, 1)
    os.dup2(out, 2)
    witness = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    left = at[1] if at else 0

    def note(*what: Any) -> None:
        os.write(witness, (json.dumps(what) + "\n").encode())

    def tell(doing: str) -> None:
        nonlocal left
        note("doing", doing)
        if at and (not at[0] or at[0] == doing):
            left -= 1
            if left == 0:
                os.killpg(0, signal.SIGKILL)

    moments = Moments(root, tell)
    moments.during(store.Store, "add", "segment")
    moments.during(store.Store, "rewrite", "merge")
    moments.during(store.Store, "remove", "removal")
    moments.during(session, "concluded", "tables")
    moments.during(Study, "write_manifest", "manifest")
    if small:
        plan.SMALLEST["compiled"] = plan.LARGEST["compiled"] = SIZE
        store.FULL, computing.MERGED_AT = FULL, MERGED_AT
        store.Store.merge.__defaults__ = (MANY,)
    inner, begin = compiled.run_block, session.run

    def run_block(scenario: Any, seed: int, first: int, count: int, *more: Any) -> Any:
        note("block", scenario.identity, first, first + count)
        return inner(scenario, seed, first, count, *more)

    def run(*args: Any) -> Any:
        os.write(go, b"!")
        return begin(*args)

    compiled.run_block, session.run = run_block, run
    return command.main([*words, f"results={root}"])


def forked(child: Callable[[], int]) -> int:
    """The process in which that runs; its exit status is what the function gives, or 99 if it raises."""
    pid = os.fork()
    if pid == 0:
        status = 99
        try:
            status = child()
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    return pid


def launched(words: list[str], root: Path, notes: Path, small: bool, at: tuple[str, int] | None = None) -> tuple[int, int]:
    """An attempt, in a child of its own: its process, and a descriptor that tells when the study begins."""
    ear, mouth = os.pipe()
    pid = forked(lambda: attempt(words, str(root), str(notes), small, at, mouth))
    os.close(mouth)
    return pid, ear


def tried(words: list[str], root: Path, notes: Path, *, small: bool = True, at: Any = None, delay: float | None = None) -> dict:
    """What became of an attempt. delay: seconds from the study's begin to its kill from outside; at: see `attempt`."""
    pid, ear = launched(words, root, notes, small, at)
    if delay is not None:
        os.read(ear, 1)  # or its end, if it never begins
        time.sleep(delay)
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    os.close(ear)
    return told(pid, notes)


def told(pid: int, notes: Path) -> dict:
    """The end of an attempt: whether it was killed or its status, the blocks it began, what it was doing last, what it said."""
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    lines = [json.loads(line) for line in notes.read_text().splitlines()] if notes.exists() else []
    said = Path(f"{notes}.out").read_text()
    found = {"killed": status == -signal.SIGKILL, "status": status, "said": said}
    found["begun"] = [line[1:] for line in lines if line[0] == "block"]
    found["doing"] = next((line[1] for line in reversed(lines) if line[0] == "doing"), "")
    for path in (notes, Path(f"{notes}.out")):
        path.unlink(missing_ok=True)
    return found


def looked(root: Path) -> dict:
    """What the store has, in a child as well, so that no thread of the library that reads it is ever in the parent.

    blocks: scenario, first and end of each. damaged: of those that are not what was written. left: files that count for nothing.
    """
    ear, mouth = os.pipe()

    def look() -> int:
        found = store.Store(place(str(root)))
        found.refresh()
        damaged = list(found.unreadable.values())
        blocks = []
        for entry in found.entries():
            blocks.append([entry.scenario, entry.first, entry.end])
            for name in ("outcomes", "weekly"):
                try:
                    found.rows(entry, name, check=True)
                except store.Damaged as error:
                    damaged.append(str(error))
        left = [path for path in found.place.sizes("", deep=True) if path.endswith(ASIDE)]
        with os.fdopen(mouth, "w") as file:
            json.dump({"blocks": blocks, "damaged": damaged, "left": left}, file)
        return 0

    pid = forked(look)
    os.close(mouth)
    with os.fdopen(ear) as file:
        found = json.load(file)
    os.waitpid(pid, 0)
    return found


def ready(words: list[str]) -> None:
    """Import, compile and compose in this process what all its children need, without a thread."""
    for name in ("experiments.compare", "sim.analysis.paired", "sim.analysis.summary", "sim.studies.tables"):
        import_module(name)
    provenance()
    compiled.prepare(composition.scenario())
    composition.Composer.compose = remembering(composition.Composer.compose)  # ty: ignore[invalid-assignment]
    for more in ([], ["schedule=open_ended"], ["schedule=rapid_6_months"]):
        composition.Composer("compare").compose([*words[1:], *more])
    running = [path.name for path in Path("/proc/self/task").iterdir()]
    assert len(running) == 1, running


def one(chance: random.Random, k: int, **most: int) -> tuple[str, int]:
    """One of these activities, in turn, and the how-manieth of its moments."""
    doing = list(most)[k % len(most)]
    return "" if doing == "anything" else doing, chance.randint(1, most[doing])


def supervise(root: str) -> None:
    """Kill a study at many moments, let it finish, and run it once more; all that was seen, as JSON in `facts`."""
    ready(MUCH)
    here, chance = Path(root), random.Random(20210407)
    calm = tried([*MUCH, "name=calm"], here / "calm", here / "notes", small=False)
    facts: dict[str, Any] = {"calm": calm, "attempts": []}
    words, study = [*MUCH, "name=mine"], here / "killed"
    began = time.perf_counter()
    facts["small"] = tried([*MUCH, "name=calm"], here / "small", here / "notes")
    took = time.perf_counter() - began
    killed = 0
    for k in range(10 * KILLS):
        seen = looked(study) if study.exists() else {"blocks": [], "damaged": [], "left": []}
        if killed == KILLS:
            break
        how: dict[str, Any]
        if killed >= KILLS * 4 // 5:  # the first of these has what is left computed
            how = {"at": one(chance, k, tables=25, manifest=9, anything=60)}
        elif k % 2:
            how = {"delay": chance.uniform(0.0, 3.0 * took / KILLS)}
        else:
            how = {"at": one(chance, k // 2, anything=80, merge=30, segment=60, removal=12)}
        done = tried(words, study, here / "notes", **how)
        killed += done["killed"]
        facts["attempts"].append({**done, "how": how, "before": seen})
    facts["last"] = {**tried(words, study, here / "notes"), "before": seen}
    facts["again"] = {**tried(words, study, here / "notes"), "before": looked(study)}
    (here / "facts").write_text(json.dumps(facts))


def side_by_side(root: str) -> None:
    """Have two processes compute the same at once in one store, one of which is killed; then run the command once more."""
    ready(LITTLE)
    here, chance = Path(root), random.Random(20210407)
    facts: dict[str, Any] = {"calm": tried([*LITTLE, "name=calm"], here / "calm", here / "notes", small=False), "rounds": []}
    for k in range(PAIRS):
        place_of = here / f"round{k}"
        at = one(chance, k, merge=60, segment=150, tables=60, removal=20)
        both = [launched(LITTLE, place_of, here / f"notes{n}", True, at if n == k % 2 else None)[0] for n in range(2)]
        done = [told(pid, here / f"notes{n}") for n, pid in enumerate(both)]
        seen = looked(place_of)
        facts["rounds"].append({"done": done, "seen": seen, "again": tried(LITTLE, place_of, here / "notes")})
    (here / "facts").write_text(json.dumps(facts))


def replications(blocks: list[list[Any]]) -> Counter:
    return Counter((scenario, r) for scenario, first, end in blocks for r in range(first, end))


# == the tests =========================================================================================================
@forks
@needs_proc
def test_a_study_that_is_killed_fifty_times_ends_as_if_it_had_not_been_and_computes_no_block_again(tmp_path):
    program("import sys; from tests.test_kills import supervise; supervise(sys.argv[1])", str(tmp_path), **ALONE)
    facts = json.loads((tmp_path / "facts").read_text())
    assert facts["calm"]["status"] == 0, facts["calm"]["said"]
    attempts = [*facts["attempts"], facts["last"]]
    assert sum(done["killed"] for done in attempts) == KILLS
    for k, done in enumerate(attempts):
        assert done["killed"] or done["status"] == 0, done["said"]
        assert done["before"]["damaged"] == []
        assert "warning" not in done["said"]
        there, begun = replications(done["before"]["blocks"]), replications(done["begun"])
        assert not there.keys() & begun.keys(), f"attempt {k} computed again what was on the disk"
        assert max(begun.values(), default=0) <= 1, f"attempt {k} computed something twice"
        after = (attempts[k + 1] if k + 1 < len(attempts) else facts["again"])["before"]["blocks"]
        lost = begun.keys() - replications(after).keys()
        assert len(lost) <= 2 * 2 * SIZE, f"attempt {k} lost more than was in flight"  # two bundles for each of two workers
        assert there.keys() <= replications(after).keys(), f"attempt {k} lost what was on the disk"
    assert facts["last"]["status"] == facts["again"]["status"] == 0
    assert facts["again"]["begun"] == []
    calm, killed = (tables(name, tmp_path / where) for name, where in (("calm", "calm"), ("mine", "killed")))
    assert set(calm) == {f"{name}.parquet" for name in TABLES}
    assert killed == calm
    assert tables("calm", tmp_path / "small") == calm


@forks
@needs_proc
def test_two_processes_that_compute_the_same_in_one_store_take_no_harm_from_each_other_or_from_the_death_of_one(tmp_path):
    program("import sys; from tests.test_kills import side_by_side; side_by_side(sys.argv[1])", str(tmp_path), **ALONE)
    facts = json.loads((tmp_path / "facts").read_text())
    calm = tables("calm", tmp_path / "calm")
    assert sum(done["killed"] for each in facts["rounds"] for done in each["done"]) > PAIRS // 2
    for k, each in enumerate(facts["rounds"]):
        for done in each["done"]:
            assert done["killed"] or done["status"] == 0, done["said"]
            assert "warning" not in done["said"]
        assert each["seen"]["damaged"] == []
        assert each["again"]["status"] == 0, each["again"]["said"]
        assert each["again"]["begun"] == []
        studies = sorted(path.name for path in (tmp_path / f"round{k}/studies").iterdir())
        assert len(studies) == 2 + (not any(done["killed"] for done in each["done"]))
        for name in studies:
            assert tables(name, tmp_path / f"round{k}") == calm
            assert manifest(name, tmp_path / f"round{k}")["complete"]


def sound(results: Path) -> Counter:
    """How often each replication is in the store, whose blocks are all found to be what was written."""
    found = store.Store(place(str(results)))
    found.refresh()
    assert not found.unreadable
    entries = found.entries()
    for entry in entries:
        found.rows(entry, "outcomes", check=True)
        found.rows(entry, "weekly", check=True)
    found.forget()
    return replications([[entry.scenario, entry.first, entry.end] for entry in entries])


@needs_proc
def test_the_command_itself_goes_on_after_kills_with_processes_and_the_reference_engine(tmp_path):
    same = ["compare", TWO, "replications=300", "weekly=9", "horizon_days=120", "seed=11", "figures=false", "name=mine"]
    slowly = [*same, "engine=reference", "executor=processes", "workers=2"]
    chance, killed, there = random.Random(20210407), 0, Counter()
    for _ in range(5):
        known = segments(tmp_path / "results")
        process = started(*slowly, cwd=tmp_path)
        until(lambda known=known, process=process: segments(tmp_path / "results") - known or process.poll() is not None)
        time.sleep(chance.uniform(0.0, 0.3))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        _, err = ended(process)
        assert process.returncode in (0, -signal.SIGKILL), err
        killed += process.returncode != 0
        before, there = there, sound(tmp_path / "results")
        assert before.keys() <= there.keys()
        assert set(there.values()) == {1}
    assert killed > 1
    done = posture(*slowly, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    made = manifest(results=tmp_path / "results")
    assert (made["found"], made["computed"]) == (len(there), 600 - len(there))
    assert posture(*same, "results=calm", cwd=tmp_path).returncode == 0
    assert tables(results=tmp_path / "results") == tables(results=tmp_path / "calm")


@needs_proc
def test_a_study_of_one_name_is_computed_by_one_process_at_a_time_and_free_again_when_that_is_killed(tmp_path):
    words = [*WORDS, "replications=4000", "name=mine"]
    first = started(*words, cwd=tmp_path)
    until(lambda: segments(tmp_path / "results"))
    os.killpg(first.pid, signal.SIGSTOP)  # so that it is not done before the second one looks
    second = posture(*words, cwd=tmp_path)
    os.killpg(first.pid, signal.SIGKILL)
    ended(first)
    assert second.returncode == 2
    assert second.stderr.startswith("posture: name = 'mine': another process computes it now")
    assert second.stderr.count("\n") == 1
    there = sound(tmp_path / "results")
    done = posture(*words, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    made = manifest(results=tmp_path / "results")
    assert (made["found"], made["computed"]) == (len(there), 8000 - len(there))
