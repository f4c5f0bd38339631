"""The workers of a dask cluster as a crew: whoever has started `dask scheduler` and `dask worker` computes with them."""

import asyncio
import logging
from concurrent.futures import CancelledError, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from typing import Any

from sim.studies.executors import ClusterLost, Crew

ANSWER = 10.0  # seconds within which a scheduler has to answer, and to be found again
FROZEN = 30.0  # seconds without an answer after which a scheduler counts as lost


def dask_crew(address: str) -> Crew:
    """The cluster whose scheduler listens at the address.

    Raises:
        ClusterLost: one line, if none answers there or it has no workers.
    """
    try:
        from distributed import Client
        from distributed.client import ClosedClientError
        from distributed.scheduler import KilledWorker, NoWorkerError
    except ImportError:
        raise ClusterLost("executor=dask needs the package distributed: pip install 'posture[cluster]'") from None
    silence()
    client = connected(Client, address)
    executor = client.get_executor(pure=False)

    def close() -> None:
        quietly(lambda: executor.shutdown(wait=False), lambda: client.close(timeout=2))

    try:
        client.wait_for_workers(1, timeout=ANSWER)
        slots = sum(client.ncores().values())
    except (OSError, TimeoutError, ClosedClientError):
        close()
        raise ClusterLost(f"the dask scheduler has no workers: start some with `dask worker {address}`") from None
    probe = ThreadPoolExecutor(max_workers=1)

    def alive() -> None:
        """Ask the scheduler for the workers: it answers, or it is lost."""
        try:
            found = probe.submit(client.ncores).result(timeout=FROZEN)
        except (OSError, TimeoutError, Late, ClosedClientError, CancelledError):
            raise ClusterLost("the dask scheduler does not answer any more") from None
        if client.status != "running":
            raise ClusterLost("the dask scheduler does not answer any more")
        if not found:
            raise ClusterLost("all its workers have gone")

    def leave() -> None:
        probe.shutdown(wait=False)
        close()

    gone: Any = (ClosedClientError, NoWorkerError, CancelledError, asyncio.CancelledError, OSError)
    return Crew(executor, slots, leave, alive, lost=(KilledWorker,), gone=gone)


def connected(client: Any, address: str) -> Any:
    """A client of the scheduler; in a thread, for whatever may sit at the address and never answer."""
    attempt = ThreadPoolExecutor(max_workers=1)
    try:
        return attempt.submit(client, address, timeout=ANSWER, set_as_default=False).result(timeout=2 * ANSWER)
    except (OSError, TimeoutError, Late, AssertionError):
        raise ClusterLost(
            f"no dask scheduler answers there within {ANSWER:.0f} s; start one: dask scheduler, and its workers: dask worker"
        ) from None
    except (ValueError, TypeError) as error:
        raise ClusterLost(f"not the address of a dask scheduler, such as tcp://host:8786: {error}") from None
    finally:
        attempt.shutdown(wait=False)


def silence() -> None:
    """What dask logs about lost workers and schedulers is told by us, in one line."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def quietly(*steps: Any) -> None:
    """Take each step of leaving a cluster, whatever state it is in."""
    for step in steps:
        try:
            step()
        except Exception:
            continue
