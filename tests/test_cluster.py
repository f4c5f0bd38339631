"""Studies on a dask cluster, by the command: the same tables to the byte, and one line whatever happens to the cluster."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from experiments.command import main
from tests.processes import MINE, ROOT, SLOWLY, TWO, ended, manifest, needs_proc, segments, started, tables, until
from tests.servers import Cluster, dask, free_port, kill, pids

pytestmark = pytest.mark.usefixtures("folder", "compiled_before")
STUDY = ["compare", TWO, "replications=110", "horizon_days=60", "weekly=30", "seed=5", "figures=false", "name=mine"]
LONG = ["compare", TWO, "replications=200", "horizon_days=120", "weekly=30", "seed=5", "figures=false", "name=mine"]
NAMES = {"outcomes.parquet", "weekly.parquet", "differences.parquet"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    """Two workers, for tests that do them no harm."""
    with dask(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture
def own(tmp_path) -> Iterator[Cluster]:
    """A cluster of the test's own, to be put together, and taken apart while it computes."""
    (tmp_path / "cluster").mkdir()
    with dask(tmp_path / "cluster", workers=0) as running:
        yield running


def serial(words: list[str], place: Path) -> dict[str, bytes]:
    """The tables that one thread of this process leaves."""
    assert main([*words, "executor=serial", f"results={place}"]) == 0
    made = tables(results=place)
    assert set(made) >= NAMES
    return made


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> dict[str, bytes]:
    return serial(STUDY, tmp_path_factory.mktemp("expected"))


@pytest.fixture(scope="module")
def expected_of_long(tmp_path_factory) -> dict[str, bytes]:
    return serial(LONG, tmp_path_factory.mktemp("long"))


def by(cluster: Cluster) -> list[str]:
    return ["executor=dask", f"address={cluster.address}"]


# -- the same tables -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("executor", "workers", "engine"),
    [
        *(("threads", workers, "compiled") for workers in (1, 2, 8)),
        ("threads", 2, "reference"),
        ("processes", 1, "reference"),
        ("processes", 2, "compiled"),
        ("processes", 8, "reference"),
    ],
)
def test_executors_of_one_machine_leave_the_same_tables(executor, workers, engine, expected, folder):
    assert main([*STUDY, f"executor={executor}", f"workers={workers}", f"engine={engine}"]) == 0
    assert tables() == expected
    assert (manifest()["executor"], manifest()["workers"]) == (executor, workers)


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_a_cluster_leaves_the_same_tables(engine, cluster, expected, folder, capfd):
    assert main([*STUDY, *by(cluster), f"engine={engine}"]) == 0
    assert tables() == expected
    told = manifest()
    assert (told["executor"], told["workers"], told["complete"]) == ("dask", 2, True)
    out, err = capfd.readouterr()
    assert "220 replications: 220 computed in " in out
    assert err == ""


@pytest.mark.parametrize("threads", [1, 8])
def test_a_cluster_of_any_size_leaves_the_same_tables(threads, own, expected, folder):
    own.schedule()
    own.work(1, threads)
    assert main([*STUDY, *by(own)]) == 0
    assert tables() == expected
    assert manifest()["workers"] == threads


def test_the_plan_is_made_for_the_workers_of_the_cluster(cluster, folder, capfd):
    assert main([*STUDY, *by(cluster), "plan=true"]) == 0
    out, err = capfd.readouterr()
    assert re.search(r"of processor time over 2 dask\b", out)
    assert err == ""
    assert list(folder.iterdir()) == []


# -- a cluster that is not there -----------------------------------------------------------------------------------------
QUICKLY = """
import sys
from experiments.command import main
from sim.studies import cluster
cluster.ANSWER = 1.0
for address in sys.argv[1:]:
    status = main(["run", "replications=1", "executor=dask", "address=" + address])
    print(address, status, flush=True)
"""
NOBODY = r"no dask scheduler answers there within 1 s; start one: dask scheduler, and its workers: dask worker"
NO_ADDRESS = r"not the address of a dask scheduler, such as tcp://host:8786: .+"


def worker_of(cluster: Cluster) -> str:
    """The address of a worker, which a person may take for that of the scheduler."""
    found = re.search(r"Start worker at:\s+(tcp://\S+)", (cluster.folder / "1.txt").read_text())
    assert found
    return found[1]


def test_whatever_sits_at_the_address_and_is_no_cluster_is_told_in_one_line(own, cluster, folder):
    own.schedule()
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        addresses = {
            f"tcp://127.0.0.1:{free_port()}": NOBODY,
            f"tcp://127.0.0.1:{silent.getsockname()[1]}": NOBODY,
            "tcp://no.such.host.invalid:8786": NOBODY,
            "http://127.0.0.1:8786": NO_ADDRESS,
            "nonsense": NO_ADDRESS,
            "tcp://": NO_ADDRESS,
            "tls://127.0.0.1:8786": NO_ADDRESS,
            worker_of(cluster): "not the address of a dask scheduler, such as tcp://host:8786: a Worker is there",
            own.address: f"the dask scheduler has no workers: start some with `dask worker {own.address}`",
        }
        words = [sys.executable, "-c", QUICKLY, *addresses]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{address} 2" for address in addresses]
    lines = done.stderr.splitlines()
    assert len(lines) == len(addresses), done.stderr
    for line, (address, pattern) in zip(lines, addresses.items(), strict=True):
        assert re.fullmatch(f"posture: address = '{re.escape(address)}': {pattern}", line), line


@pytest.mark.parametrize("words", [["executor=dask"], ["executor=dask", "address=null"], ["address=tcp://127.0.0.1:8786"]])
def test_a_cluster_has_an_address_and_nothing_else_has(words, folder, capsys):
    assert main([*STUDY, *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("posture: address = ")
    assert "executor=dask (tcp://host:8786)" in err
    assert list(folder.iterdir()) == []


def test_workers_of_other_code_are_refused_by_the_name_of_the_field(own, tmp_path, folder, capfd):
    for name in ("sim", "experiments", "configs"):
        shutil.copytree(ROOT / name, tmp_path / "other" / name, ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "other/sim/luck.py").open("a") as source:
        source.write("\n# a remark\n")
    own.schedule()
    own.work(1, 1, PYTHONPATH=str(tmp_path / "other"))
    assert main([*STUDY, *by(own)]) == 2
    err = capfd.readouterr().err
    refused = r"its worker tcp://\S+ would not give this machine's results: sources: [0-9a-f]{16} there, [0-9a-f]{16} here"
    assert re.fullmatch(f"posture: address = '{own.address}': {refused}\n", err), err
    assert segments() == set()


@pytest.mark.parametrize("without", ["scheduler", "worker"])
def test_a_cluster_that_does_not_know_the_model_is_refused(without, own, tmp_path, folder, capfd):
    (tmp_path / "none/sim").mkdir(parents=True)
    (tmp_path / "none/sim/__init__.py").write_text("")
    none = {"PYTHONPATH": str(tmp_path / "none")}
    own.schedule(**none if without == "scheduler" else {})
    own.work(1, 1, **none if without == "worker" else {})
    assert main([*STUDY, *by(own)]) == 2
    err = capfd.readouterr().err
    refused = r"its scheduler or a worker has another version of posture, or none: .*No module named 'sim\.studies'.*"
    assert re.fullmatch(f"posture: address = '{own.address}': {refused}\n", err), err


# -- a cluster that is lost while it computes ----------------------------------------------------------------------------
KEPT = r"([\d,]+) replications computed by now are kept, the same command goes on"


@pytest.fixture
def under_way(folder) -> Iterator[Callable[[Cluster], subprocess.Popen]]:
    """A function that starts the long study, and comes back when something of it is stored, and most is not."""
    processes: list[subprocess.Popen] = []

    def start(cluster: Cluster) -> subprocess.Popen:
        processes.append(started(*LONG, *by(cluster), SLOWLY, cwd=folder))
        until(lambda: segments() or processes[-1].poll() is not None)
        assert processes[-1].poll() is None, processes[-1].communicate()
        return processes[-1]

    yield start
    for process in processes:
        with process:  # closes its pipes
            kill(process)


def goes_on(expected: dict[str, bytes], capfd, *words: str) -> None:
    """The same command, with another executor, finds what was kept and leaves the same tables."""
    assert not manifest()["complete"]
    assert main([*LONG, "executor=threads", *words]) == 0
    there = re.search(r"400 replications: ([\d,]+) computed in .*, ([\d,]+) there already", capfd.readouterr().out)
    assert there
    assert int(there[2]) > 0
    assert tables() == expected
    assert manifest()["complete"]


@needs_proc
def test_a_worker_that_is_killed_takes_nothing_with_it(own, under_way, expected_of_long):
    own.schedule(DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="3")  # dask's own
    nanny = own.work()
    process = under_way(own)
    os.kill(pids(nanny)[0], signal.SIGKILL)
    out, err = ended(process)
    assert (process.returncode, err) == (0, "")
    assert "400 replications: 400 computed in " in out
    assert tables() == expected_of_long


@pytest.mark.parametrize("which", ["the scheduler", "all workers"])
def test_a_cluster_that_is_lost_is_told_and_the_same_command_goes_on(which, own, under_way, expected_of_long, capfd):
    scheduler = own.schedule()
    nanny = own.work()
    process = under_way(own)
    kill(scheduler if which == "the scheduler" else nanny)
    _, err = ended(process)
    assert process.returncode == 1
    lost = "all its workers have gone" if which == "all workers" else "(its|the dask) scheduler does not answer any more"
    assert re.fullmatch(f"posture: address = '{own.address}': the cluster was lost: {lost}; {KEPT}\n", err), err
    goes_on(expected_of_long, capfd)


def test_an_interrupt_stops_a_study_on_a_cluster_and_keeps_what_is_complete(cluster, under_way, expected_of_long, capfd):
    process = under_way(cluster)
    os.kill(process.pid, signal.SIGINT)
    out, err = ended(process)
    assert process.returncode == 1
    kept = r"kept [\d,]+ to [\d,]+ of 200 replications of each scenario; the same command goes on"
    assert re.fullmatch(f"warning: interrupted: {kept}\n", err), err
    assert f"results: {MINE}" in out
    goes_on(expected_of_long, capfd)
