"""The workers of a dask cluster as a crew: whoever has started `dask scheduler` and `dask worker` computes with them."""

import asyncio
import logging
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from time import monotonic
from typing import Any

from sim.studies.executors import ClusterLost, Crew
from sim.studies.maker import differing, maker

ANSWER = 10.0  # seconds within which a scheduler has to answer, and to have a worker
FROZEN = 30.0  # seconds without an answer after which a scheduler counts as lost
LEAVING = 3.0  # seconds that leaving may take
SILENT = "the dask scheduler does not answer any more"


def dask_crew(address: str) -> Crew:
    """The cluster whose scheduler listens at the address.

    Raises:
        ClusterLost: one line, if none answers there, it has no workers, or they do not know our code.
    """
    try:
        from distributed import Client
        from distributed.client import ClosedClientError
        from distributed.scheduler import KilledWorker, NoWorkerError
        from distributed.versions import VersionMismatchWarning
    except ImportError:
        raise ClusterLost("executor=dask needs the package distributed: pip install 'posture[cluster]'") from None
    silence()
    warnings.simplefilter("ignore", VersionMismatchWarning)  # several lines; what decides a result is compared by `maker`
    client = connected(Client, address)
    executor = client.get_executor(pure=False)

    def leave() -> None:
        for step in (lambda: executor.shutdown(wait=False), lambda: client.close(timeout=LEAVING)):
            try:
                within(2 * LEAVING, step)
            except Exception:  # whatever state it is in
                continue

    without: list[float] = []  # when it was asked and had no workers, one time after the other

    def alive() -> None:
        """Ask the scheduler for the workers: it answers, or it is lost."""
        try:
            found = within(FROZEN, client.ncores) if client.status == "running" else None
        except (OSError, ClosedClientError, CancelledError):
            found = None
        if found is None:
            raise ClusterLost(SILENT)
        now = monotonic()
        if found or (without and now - without[-1] > ANSWER):  # it was not asked meanwhile, since results came
            without.clear()
        if not found:  # a nanny replaces a worker that died, within seconds
            without.append(now)
            if now - without[0] > ANSWER:
                raise ClusterLost("all its workers have gone")

    try:
        slots = begin(client, address)
    except BaseException:
        leave()
        raise
    gone: Any = (ClosedClientError, NoWorkerError, CancelledError, asyncio.CancelledError, OSError)
    return Crew(executor, slots, leave, alive, lost=(KilledWorker,), gone=gone)


def connected(client: Any, address: str) -> Any:
    """A client of the scheduler; it is made only when somebody there has spoken, since it would wait for ever otherwise."""
    try:
        within(2 * ANSWER, lambda: asyncio.run(greeted(address)))
        return within(2 * ANSWER, lambda: client(address, timeout=ANSWER, set_as_default=False))
    except (OSError, MemoryError):  # of what is no scheduler, the first bytes may look like an enormous message
        raise ClusterLost(
            f"no dask scheduler answers there within {ANSWER:.0f} s; start one: dask scheduler, and its workers: dask worker"
        ) from None
    except (ValueError, TypeError) as error:
        raise ClusterLost(f"not the address of a dask scheduler, such as tcp://host:8786: {error}") from None


async def greeted(address: str) -> None:
    """Ask who listens at the address, in dask's protocol."""
    from distributed.core import rpc
    from distributed.security import Security

    keys = Security().get_connection_args("client")  # those of dask's own configuration, for tls://
    async with rpc(address, timeout=ANSWER, connection_args=keys) as there:
        told = await asyncio.wait_for(there.identity(), ANSWER + 1.0)
    if told["type"] != "Scheduler":
        raise ValueError(f"a {told['type']} is there")


def begin(client: Any, address: str) -> int:
    """Wait for the workers, and see that they, and the scheduler, which reads what they are sent, have our code; how many calls
    they work on at once."""
    try:
        within(2 * ANSWER, lambda: client.wait_for_workers(1, timeout=ANSWER))
        slots = sum(within(ANSWER, client.ncores).values())
    except OSError:
        raise ClusterLost(f"the dask scheduler has no workers: start some with `dask worker {address}`") from None
    try:
        client.run_on_scheduler(maker)
        makers = client.run(maker)
    except OSError:
        raise ClusterLost(SILENT) from None
    except Exception as error:
        raise ClusterLost(f"its scheduler or a worker has another version of posture, or none: {error}") from None
    for worker, theirs in makers.items():
        if others := differing(theirs, maker()):
            raise ClusterLost(f"its worker {worker} would not give this machine's results: {'; '.join(others)}")
    return slots


def within(seconds: float, call: Callable[[], Any]) -> Any:
    """What a call gives, in a thread that nobody waits for: who sits at an address may never answer.

    Raises:
        TimeoutError
    """
    answer: Future = Future()

    def ask() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    return answer.result(timeout=seconds)


def silence() -> None:
    """What dask logs about lost workers and schedulers is told by us, in one line."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
