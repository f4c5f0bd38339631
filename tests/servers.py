"""Servers on loopback for tests, ended with them: a dask cluster, and a store of objects (moto's S3)."""

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.processes import POSTURE, ROOT, commandline, until

BIN = POSTURE.parent
KEYS = {
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass
class Servers:
    """Processes that are started for a test, each in a group of its own, and what they say."""

    folder: Path
    running: list[subprocess.Popen] = field(default_factory=list)

    def start(self, *words: str | Path, **environment: str) -> tuple[subprocess.Popen, Path]:
        """A process, and the file of what it says."""
        said = self.folder / f"{len(self.running)}.txt"
        with said.open("wb") as file:
            own = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
            process = subprocess.Popen(words, stdout=file, stderr=file, cwd=self.folder, env=own, start_new_session=True)
        self.running.append(process)
        return process, said

    def end(self) -> None:
        for process in self.running:
            kill(process)


def kill(process: subprocess.Popen) -> None:
    """A server and all that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


# -- dask --------------------------------------------------------------------------------------------------------------
@dataclass
class Cluster(Servers):
    """A dask scheduler and its workers. What has to do with these tests alone: a worker that dies is not tried on others."""

    address: str = ""

    def schedule(self, **environment: str) -> subprocess.Popen:
        nowhere = ("--no-dashboard", "--dashboard-address", "127.0.0.1:0")
        few = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0", **environment}
        scheduler, said = self.start(BIN / "dask", "scheduler", "--host", "127.0.0.1", "--port", "0", *nowhere, **few)
        self.address = until(lambda: re.search(r"Scheduler at:\s+(tcp://\S+)", said.read_text()))[1]
        return scheduler

    def work(self, workers: int = 2, threads: int = 1, *more: str, **environment: str) -> subprocess.Popen:
        """So many workers, registered, with a nanny that replaces those that die."""
        how = ("--nworkers", str(workers), "--nthreads", str(threads), "--host", "127.0.0.1", "--no-dashboard")
        room = ("--death-timeout", "10", "--local-directory", str(self.folder), *more)
        nanny, said = self.start(BIN / "dask", "worker", self.address, *how, *room, **environment)
        until(lambda: len(re.findall(r"Registered to:", said.read_text())) >= workers)
        return nanny


@contextmanager
def dask(folder: Path, workers: int = 2, threads: int = 1) -> Iterator[Cluster]:
    """A cluster with so many workers, or, with none, one to be put together."""
    cluster = Cluster(folder)
    try:
        if workers:
            cluster.schedule()
            cluster.work(workers, threads)
        yield cluster
    finally:
        cluster.end()


def pids(nanny: subprocess.Popen) -> list[int]:
    """The processes of the workers that a nanny looks after; its threads have started them."""
    children = [child for path in Path(f"/proc/{nanny.pid}/task").glob("*/children") for child in path.read_text().split()]
    return [int(child) for child in children if b"spawn_main" in commandline(int(child))]


# -- objects -----------------------------------------------------------------------------------------------------------
@dataclass
class Objects(Servers):
    """moto's S3 and the environment that leads to it."""

    environment: dict[str, str] = field(default_factory=dict)


@contextmanager
def s3(folder: Path, **environment: str) -> Iterator[Objects]:
    """An S3 without buckets."""
    server, port = Objects(folder), free_port()
    try:
        process, said = server.start(BIN / "moto_server", "-H", "127.0.0.1", "-p", str(port), **environment)
        until(lambda: answers(port) or process.poll() is not None)
        assert process.poll() is None, said.read_text()
        server.environment = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", **KEYS}
        yield server
    finally:
        server.end()


def free_port() -> int:
    """A port at which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1.0).close()
    except OSError:
        return False
    return True
