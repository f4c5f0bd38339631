"""A toy for kernels: many clocks, each of which sleeps by a given list of gaps and notes when it wakes.

Every kernel gets the same gaps and must wake at the same times in the same order. Gaps are whole parts of a power of
two of a day, so that sums of them are exact however a kernel adds, and no two clocks ever wake at once.

Each is written as its manual would have it, less what its users would switch off for speed: animation, trace, monitors.
"""

from collections.abc import Callable
from heapq import heapify, heappop, heapreplace
from typing import Any

import numpy as np

from benchmarks.cases import optional

Gaps = list[list[float]]
Toy = Callable[[Gaps], list[float]]
GRAIN = 1024


def gaps(clocks: int, wakes: int, seed: int = 1) -> Gaps:
    """Exponential gaps of two days on the mean, rounded up, and shifted so that each clock has times of day to itself.

    Args:
        clocks: a power of two, so that their shares of a grain are exact.
    """
    days = np.random.default_rng(seed).exponential(2.0, (clocks, wakes))
    found = np.ceil(days * GRAIN) / GRAIN
    found[:, 0] += np.arange(clocks) / (GRAIN * clocks)
    return found.tolist()


def expected(given: Gaps) -> list[float]:
    """When they wake, in order, from cumulative sums."""
    return np.sort(np.cumsum(np.array(given), axis=1), axis=None).tolist()


def no_library() -> Toy:
    """A heap and nothing else: what is left when a kernel costs nothing."""

    def run(given: Gaps) -> list[float]:
        woke: list[float] = []
        sleeps = [iter(one) for one in given]
        heap = [(next(sleep), number) for number, sleep in enumerate(sleeps)]
        heapify(heap)
        while heap:
            now, number = heap[0]
            woke.append(now)
            gap = next(sleeps[number], None)
            if gap is None:
                heappop(heap)
            else:
                heapreplace(heap, (now + gap, number))
        return woke

    return run


def simpy_processes() -> Toy:
    simpy = optional("simpy")

    def run(given: Gaps) -> list[float]:
        woke: list[float] = []
        env = simpy.Environment()

        def clock(own: list[float]) -> Any:
            for gap in own:
                yield env.timeout(gap)
                woke.append(env.now)

        for own in given:
            env.process(clock(own))
        env.run()
        return woke

    return run


def simpy_sleep() -> Toy:
    """As the reference engine does it: an event of its own, which enters the queue at an absolute day with a priority."""
    simpy = optional("simpy")
    from sim.engines.reference import Sleep

    def run(given: Gaps) -> list[float]:
        woke: list[float] = []
        env = simpy.Environment()

        def clock(own: list[float], priority: int) -> Any:
            day = 0.0
            for gap in own:
                day += gap
                yield Sleep(env, day, priority)
                woke.append(env.now)

        for priority, own in enumerate(given, start=1):
            env.process(clock(own, priority))
        env.run()
        return woke

    return run


def salabim_yield() -> Toy:
    salabim = optional("salabim")

    def run(given: Gaps) -> list[float]:
        woke: list[float] = []
        env = salabim.Environment(trace=False, yieldless=False)

        class Clock(salabim.Component):
            def setup(self, own: list[float]) -> None:
                self.own = own
                self.status.monitor(False)
                self.mode.monitor(False)

            def process(self) -> Any:
                for gap in self.own:
                    yield self.hold(gap)
                    woke.append(env.now())

        for own in given:
            Clock(own=own)
        env.run()
        return woke

    return run


def salabim_yieldless() -> Toy:
    salabim = optional("salabim")
    optional("greenlet")

    def run(given: Gaps) -> list[float]:
        woke: list[float] = []
        env = salabim.Environment(trace=False, yieldless=True)

        class Clock(salabim.Component):
            def setup(self, own: list[float]) -> None:
                self.own = own
                self.status.monitor(False)
                self.mode.monitor(False)

            def process(self) -> None:
                for gap in self.own:
                    self.hold(gap)
                    woke.append(env.now())

        for own in given:
            Clock(own=own)
        env.run()
        return woke

    return run


def mesa_events() -> Toy:
    """Mesa has no processes: an agent schedules its next event. Its simulator is called experimental by its makers."""
    mesa, devs = optional("mesa"), optional("mesa.experimental.devs", "mesa")

    def run(given: Gaps) -> list[float]:
        woke: list[float] = []

        class Clock(mesa.Agent):
            def __init__(self, model: Any, own: list[float]) -> None:
                super().__init__(model)
                self.own = iter(own)
                simulator.schedule_event_relative(self.wake, next(self.own))

            def wake(self) -> None:
                woke.append(simulator.time)
                gap = next(self.own, None)
                if gap is not None:
                    simulator.schedule_event_relative(self.wake, gap)

        simulator = devs.DEVSimulator()
        model = mesa.Model(seed=1)
        simulator.setup(model)
        for own in given:
            Clock(model, own)
        simulator.run_until(max(sum(own) for own in given))
        return woke

    return run


def simulus_processes() -> Toy:
    simulus = optional("simulus")

    def run(given: Gaps) -> list[float]:
        woke: list[float] = []
        sim = simulus.simulator()

        def clock(own: list[float]) -> None:
            for gap in own:
                sim.sleep(gap)
                woke.append(sim.now)

        for own in given:
            sim.process(clock, own)
        sim.run()
        return woke

    return run


def simulus_events() -> Toy:
    simulus = optional("simulus")

    def run(given: Gaps) -> list[float]:
        woke: list[float] = []
        sim = simulus.simulator()

        def wake(own: Any) -> None:
            woke.append(sim.now)
            gap = next(own, None)
            if gap is not None:
                sim.sched(wake, own, offset=gap)

        for one in given:
            own = iter(one)
            sim.sched(wake, own, offset=next(own))
        sim.run()
        return woke

    return run


TOYS: dict[str, Callable[[], Toy]] = {
    "SimPy, processes": simpy_processes,
    "SimPy, as the reference engine sleeps": simpy_sleep,
    "salabim, with yield": salabim_yield,
    "salabim, yieldless": salabim_yieldless,
    "Mesa, events (DEVSimulator)": mesa_events,
    "simulus, processes": simulus_processes,
    "simulus, events": simulus_events,
    "no library, a heap": no_library,
}
