"""A toy for kernels: one server, a line, given gaps between arrivals and given service times; how long does each customer wait?

A queueing library can take part, and Lindley's recursion tells what is right: the wait of the next customer is the wait of this
one, plus its service, less the gap to the next, or nothing. All times are multiples of 1/1024, so every sum is exact.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from benchmarks.cases import optional

GRAIN = 1024


@dataclass(frozen=True)
class Line:
    """Gap before each customer's arrival, and how long its service takes."""

    gaps: list[float]
    services: list[float]


Toy = Callable[[Line], list[float]]


def line(customers: int, load: float = 0.8, seed: int = 2) -> Line:
    """Exponential gaps and services (M/M/1), rounded up to the grain, so that sums are exact and no two arrive at once."""
    given = np.random.default_rng(seed).exponential(1.0, (2, customers))
    given[1] *= load
    gaps, services = (np.ceil(given * GRAIN) / GRAIN).tolist()
    return Line(gaps, services)


def expected(given: Line) -> list[float]:
    """Lindley's recursion in closed form: a wait is how far the sum of (service - gap) stands above its lowest value so far."""
    walk = np.concatenate([[0.0], np.cumsum(np.array(given.services[:-1]) - np.array(given.gaps[1:]))])
    return (walk - np.minimum.accumulate(walk)).tolist()


def simpy_resource() -> Toy:
    simpy = optional("simpy")

    def run(given: Line) -> list[float]:
        waits: list[float] = []
        env = simpy.Environment()
        server = simpy.Resource(env, capacity=1)

        def customer(service: float) -> Any:
            came = env.now
            with server.request() as turn:
                yield turn
                waits.append(env.now - came)
                yield env.timeout(service)

        def arrivals() -> Any:
            for gap, service in zip(given.gaps, given.services, strict=True):
                yield env.timeout(gap)
                env.process(customer(service))

        env.process(arrivals())
        env.run()
        return waits

    return run


def salabim_resource(yieldless: bool) -> Toy:
    salabim = optional("salabim")
    if yieldless:
        optional("greenlet")

    def run(given: Line) -> list[float]:
        waits: list[float] = []
        env = salabim.Environment(trace=False, yieldless=yieldless)
        server = salabim.Resource(capacity=1, monitor=False)

        class Quiet(salabim.Component):
            def setup(self, service: float = 0.0) -> None:
                self.service = service
                self.status.monitor(False)
                self.mode.monitor(False)

        class Customer(Quiet):
            def process(self) -> Any:
                came = env.now()
                yield self.request(server)
                waits.append(env.now() - came)
                yield self.hold(self.service)
                self.release()

        class Arrivals(Quiet):
            def process(self) -> Any:
                for gap, service in zip(given.gaps, given.services, strict=True):
                    yield self.hold(gap)
                    Customer(service=service)

        class YieldlessCustomer(Quiet):
            def process(self) -> None:
                came = env.now()
                self.request(server)
                waits.append(env.now() - came)
                self.hold(self.service)
                self.release()

        class YieldlessArrivals(Quiet):
            def process(self) -> None:
                for gap, service in zip(given.gaps, given.services, strict=True):
                    self.hold(gap)
                    YieldlessCustomer(service=service)

        _ = YieldlessArrivals() if yieldless else Arrivals()
        env.run()
        return waits

    return run


def mesa_events() -> Toy:
    """Mesa has no resources: the server is an agent that keeps its line."""
    mesa, devs = optional("mesa"), optional("mesa.experimental.devs", "mesa")

    def run(given: Line) -> list[float]:
        waits: list[float] = []

        class Server(mesa.Agent):
            def __init__(self, model: Any) -> None:
                super().__init__(model)
                self.waiting: deque[tuple[float, float]] = deque()
                self.busy = False
                self.coming = zip(given.gaps[1:], given.services[1:], strict=True)
                simulator.schedule_event_relative(self.arrive, given.gaps[0], function_args=[given.services[0]])

            def arrive(self, service: float) -> None:
                self.waiting.append((simulator.time, service))
                following = next(self.coming, None)
                if following is not None:
                    simulator.schedule_event_relative(self.arrive, following[0], function_args=[following[1]])
                if not self.busy:
                    self.begin()

            def begin(self) -> None:
                came, service = self.waiting.popleft()
                waits.append(simulator.time - came)
                self.busy = True
                simulator.schedule_event_relative(self.finish, service)

            def finish(self) -> None:
                self.busy = False
                if self.waiting:
                    self.begin()

        simulator = devs.DEVSimulator()
        model = mesa.Model(seed=1)
        simulator.setup(model)
        Server(model)
        simulator.run_until(sum(given.gaps) + sum(given.services))
        return waits

    return run


def simulus_resource() -> Toy:
    simulus = optional("simulus")

    def run(given: Line) -> list[float]:
        waits: list[float] = []
        sim = simulus.simulator()
        server = sim.resource(1)

        def customer(service: float) -> None:
            came = sim.now
            with server:
                waits.append(sim.now - came)
                sim.sleep(service)

        def arrivals() -> None:
            for gap, service in zip(given.gaps, given.services, strict=True):
                sim.sleep(gap)
                sim.process(customer, service)

        sim.process(arrivals)
        sim.run()
        return waits

    return run


def ciw_network() -> Toy:
    """Ciw records every customer by itself; the records are put in the order of arrival."""
    ciw = optional("ciw")

    def run(given: Line) -> list[float]:
        network = ciw.create_network(
            arrival_distributions=[ciw.dists.Sequential(given.gaps)],
            service_distributions=[ciw.dists.Sequential(given.services)],
            number_of_servers=[1],
        )
        simulation = ciw.Simulation(network)
        simulation.simulate_until_max_customers(len(given.gaps))
        return [record.waiting_time for record in sorted(simulation.get_all_records(), key=lambda record: record.id_number)]

    return run


def no_library() -> Toy:
    """Lindley's recursion, customer by customer: what is left when a kernel costs nothing."""

    def run(given: Line) -> list[float]:
        steps = [service - gap for service, gap in zip(given.services, given.gaps[1:], strict=False)]
        return list(accumulate(steps, lambda wait, step: max(0.0, wait + step), initial=0.0))

    return run


TOYS: dict[str, Callable[[], Toy]] = {
    "SimPy, Resource": simpy_resource,
    "salabim, Resource, with yield": lambda: salabim_resource(False),
    "salabim, Resource, yieldless": lambda: salabim_resource(True),
    "Mesa, events (DEVSimulator)": mesa_events,
    "simulus, resource": simulus_resource,
    "Ciw, one node": ciw_network,
    "no library, Lindley's recursion": no_library,
}
