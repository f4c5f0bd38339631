"""Ctrl-C, workers that die, readers that go away: what is complete is kept, one line tells of it, the same command goes on."""

import os
import pty
import re
import signal
import subprocess

import pytest

from experiments.command import main
from sim import read_scenario
from sim.engines import compiled, reference
from sim.studies.place import Folder
from sim.studies.store import Store
from tests.processes import (
    ESCAPE,
    MINE,
    SLOWLY,
    TWO,
    busy,
    commandline,
    ended,
    files,
    manifest,
    needs_proc,
    posture,
    segments,
    started,
    table,
    tables,
    until,
    workers_of,
)

pytestmark = pytest.mark.usefixtures("folder", "compiled_before")
LONG = ["replications=100000", "horizon_days=30", SLOWLY]
KEPT = r"warning: interrupted: kept ([\d,]+) to ([\d,]+) of [\d,]+ replications of each scenario; the same command goes on\n"


def whole(text: str) -> int:
    return int(text.replace(",", ""))


@needs_proc
@pytest.mark.parametrize(("command", "cores"), [("run", 1), ("compare", 2)])
def test_an_interrupt_stops_a_study_and_keeps_what_is_complete(command, cores, folder):
    words = [TWO, "figures=false"] if command == "compare" else []
    process = started(command, *words, *LONG, f"workers={cores}", "name=mine", cwd=folder)
    until(segments)
    os.killpg(process.pid, signal.SIGINT)
    out, err = ended(process)
    assert process.returncode == 1
    assert (told := re.fullmatch(KEPT, err)), err
    assert "results: results/studies/mine" in out
    made, outcomes = manifest(), table("outcomes")
    assert not made["complete"]
    assert 0 < len(outcomes) < 100_000
    assert made["computed"] == len(outcomes)
    assert not outcomes.duplicated(["schedule", "replication"]).any()
    sizes = outcomes.groupby("schedule").size()
    assert set(made["scenarios"]) >= set(sizes.index)
    fewest = sizes.min() if len(sizes) == len(made["scenarios"]) else 0
    assert [whole(number) for number in told.groups()] == [fewest, sizes.max()]
    row = outcomes.iloc[0]  # of whichever schedule had a block complete first
    right = reference.replicate(read_scenario(made["contents"][row["schedule"]]), made["seed"], row["replication"])
    assert right.outcomes == list(row)[3:]


@needs_proc
@pytest.mark.parametrize("cores", [1, 2])
def test_an_interrupt_stops_the_compiled_engine_and_keeps_what_is_complete(cores, folder):
    process = started("run", "replications=1000000", f"workers={cores}", "name=mine", cwd=folder)
    until(segments)
    os.killpg(process.pid, signal.SIGINT)
    _, err = ended(process)
    assert process.returncode == 1
    assert re.fullmatch(KEPT, err), err
    made, outcomes = manifest(), table("outcomes")
    assert not made["complete"]
    assert 0 < len(outcomes) < 1_000_000
    assert outcomes["replication"].is_unique
    row = outcomes.iloc[-1]
    right = compiled.replicate(read_scenario(made["contents"]["open_ended"]), made["seed"], row["replication"])
    assert right.outcomes == list(row)[3:]


@needs_proc
def test_an_interrupt_before_anything_is_complete_says_so(folder):
    process = started("run", SLOWLY, "replications=50", "horizon_days=3653", "workers=2", "name=mine", cwd=folder)
    until(lambda: len(workers_of(process.pid)) == 2)
    os.kill(process.pid, signal.SIGINT)
    _, err = ended(process)
    assert process.returncode == 1
    assert "Traceback" not in err, err
    assert len(err.splitlines()) == 1
    assert "interrupted: kept" in err


@needs_proc
def test_an_interrupt_stops_a_sweep_and_not_only_its_present_job(folder):
    process = started("run", "-m", "seed=1,2,3", *LONG, "workers=1", "name=mine", cwd=folder)
    until(segments)
    os.killpg(process.pid, signal.SIGINT)
    _, err = ended(process, seconds=30.0)
    assert process.returncode == 1
    assert "Traceback" not in err
    assert "interrupted" in err
    assert files(folder / MINE / "jobs") - {"multirun.yaml"} == {"0.json"}
    assert set(table("outcomes")["seed"]) == {"1"}
    assert not manifest()["complete"]


# -- going on ----------------------------------------------------------------------------------------------------------
# enough work to be interrupted in the middle of it, and little enough to be done twice
SHORT = ["compare", TWO, "figures=false", "replications=400", "horizon_days=200", "weekly=30", SLOWLY]


@pytest.fixture(scope="module")
def calm(tmp_path_factory) -> dict[str, bytes]:
    """The tables of that study where nothing stops it; by the other engine, which gives the same."""
    place = tmp_path_factory.mktemp("calm")
    done = posture(*(word for word in SHORT if word != SLOWLY), "name=mine", cwd=place)
    assert done.returncode == 0, done.stderr
    return tables(results=place / "results")


def interrupted(*words: str, folder, how: signal.Signals = signal.SIGINT) -> int:
    """Start that study, stop it when something is complete; how many replications are kept."""
    process = started(*SHORT, *words, "workers=1", cwd=folder)
    until(lambda: len(segments()) > 1)
    os.killpg(process.pid, how)
    ended(process)
    assert process.returncode != 0
    store = Store(Folder("results"))
    store.refresh()
    return sum(entry.count for entry in store.entries())


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_the_same_command_goes_on_under_its_name_and_ends_in_the_same_tables_to_the_byte(how, folder, calm, capsys):
    kept = interrupted("name=mine", folder=folder, how=how)
    assert 0 < kept < 800
    assert not manifest()["complete"]
    assert manifest()["finished"] is None or how == signal.SIGINT
    assert main([*SHORT, "name=mine"]) == 0
    made = manifest()
    assert (made["complete"], made["computed"], made["found"]) == (True, 800 - kept, kept)
    assert tables() == calm
    assert "unfinished.json" not in files(folder / MINE)


def test_the_same_command_without_a_name_goes_on_in_the_same_folder(folder, calm, capsys):
    kept = interrupted(folder=folder)
    (study,) = (folder / "results/studies").iterdir()
    assert main(SHORT) == 0
    assert list((folder / "results/studies").iterdir()) == [study]
    assert (manifest(study.name)["computed"], manifest(study.name)["complete"]) == (800 - kept, True)
    assert tables(study.name) == calm


def test_another_command_without_a_name_does_not_go_on_in_that_folder(folder, capsys):
    interrupted(folder=folder)
    assert main([*SHORT, "replications=2", "seed=9"]) == 0
    assert len(list((folder / "results/studies").iterdir())) == 2


# -- workers and readers -----------------------------------------------------------------------------------------------
@needs_proc
def test_a_study_survives_the_death_of_a_worker(folder, capsys):
    words = ["compare", TWO, "replications=60", "horizon_days=200", "figures=false", "seed=5", "name=mine"]
    process = started(*words, SLOWLY, "workers=2", cwd=folder)
    victim = until(lambda: next((pid for pid in workers_of(process.pid) if busy(pid) > 0.2), None))
    os.kill(victim, signal.SIGKILL)
    _, err = ended(process)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert table("outcomes").groupby("schedule").size().to_dict() == {"open_ended": 60, "rapid_6_months": 60}
    assert main([*words, "results=calm"]) == 0
    assert tables() == tables(results="calm")


@needs_proc
def test_no_worker_outlives_a_study_that_was_killed(folder):
    nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = started("run", *LONG, "workers=2", "name=mine", cwd=folder, **nowhere)
    pids = until(lambda: workers_of(process.pid) if len(workers_of(process.pid)) == 2 else None)
    until(segments)
    process.kill()
    process.wait()
    try:
        until(lambda: not any(b"spawn_main" in commandline(pid) for pid in pids), seconds=20.0)
    finally:
        for pid in pids:
            if b"spawn_main" in commandline(pid):
                os.kill(pid, signal.SIGKILL)


def test_a_reader_that_goes_away_is_no_error_to_tell_of(folder):
    process = started("trace", "horizon_days=3000", "everything=true", cwd=folder)
    process.stdout.readline()
    process.stdout.close()
    process.stdout = None
    _, err = ended(process)
    assert process.returncode == 1
    assert err == ""


# -- a terminal --------------------------------------------------------------------------------------------------------
def test_on_a_terminal_there_is_progress_and_a_table(folder):
    screen, slave = pty.openpty()
    process = started("run", "replications=60", "horizon_days=60", "workers=1", SLOWLY, cwd=folder, stdout=slave, stderr=slave)
    os.close(slave)
    shown = b""
    while True:
        try:
            part = os.read(screen, 65536)
        except OSError:
            break
        shown += part
        if not part:
            break
    os.close(screen)
    assert process.wait(timeout=60) == 0
    text = shown.decode()
    assert ESCAPE in text
    assert "left" in text
    assert "Attacks on bases" in text
    assert "results: results/studies/" in text
