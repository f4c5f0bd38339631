"""SimPy, which the reference engine stands on, against other kernels for Python, on two toys whose result is known."""

from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks import clocks, queues
from benchmarks.report import Missing, Section, Table, not_measured, require
from benchmarks.timing import in_turns, number

WORDS = (
    "The same toy in each kernel, written as its manual would have it, with animation, trace and monitors off, in processor "
    "time. Below 1 is faster than SimPy, above 1 slower. This is what a kernel costs, and no more: the rules of a model cost "
    "the same in each, so a whole model gains or loses less than these ratios. In the line, salabim spends most of its time on "
    "making a component for each customer, and Ciw keeps a record of each; who needs that gets something for it."
)
HEADS = ("kernel", "time over SimPy's, median (range)", "µs an event, median (range)")


def measure(quick: bool) -> Section:
    """Both toys. Clocks: as many as the model has activities. Raises CheckFailed."""
    section = Section("Kernels", WORDS)
    rounds = 2 if quick else 7
    number_of_clocks, wakes, customers = (32, 100, 1000) if quick else (32, 2000, 5000)
    given, arriving = clocks.gaps(number_of_clocks, wakes), queues.line(customers)
    events = number_of_clocks * wakes
    race(
        section,
        Table(f"Clocks: {number_of_clocks} processes, {events:,} wake-ups, {rounds} rounds", HEADS),
        clocks.TOYS,
        given,
        clocks.expected(given),
        events,
        rounds,
    )
    section.tables[-1].rows.append(not_measured("Ciw", "it has lines and servers, and no processes of one's own", HEADS))
    section.checks.append(f"each kernel woke the clocks at the {events:,} times that cumulative sums give, in that order")
    race(
        section,
        Table(f"A line: one server, load 0.8, {customers:,} customers (two events each), {rounds} rounds", HEADS),
        queues.TOYS,
        arriving,
        queues.expected(arriving),
        2 * customers,
        rounds,
    )
    section.checks.append(f"in each kernel each of {customers:,} customers waited as long as Lindley's recursion says")
    return section


def race(
    section: Section, table: Table, toys: dict[str, Callable[[], Any]], given: Any, right: list[float], events: int, rounds: int
) -> None:
    """One toy in every kernel that is installed, against the first one named, which is SimPy's."""
    there, missing = {}, {}
    for name, toy in toys.items():
        try:
            there[name] = partial(toy(), given)
        except Missing as why:
            missing[name] = why

    def check(name: str, found: list[float]) -> None:
        require(found == right, f"{name}: {len(found)} values that are not the {len(right)} expected ones")

    base = next(iter(toys))
    measured = in_turns(there, rounds, check)
    for name in toys:
        if name in missing:
            table.rows.append(not_measured(name, missing[name], HEADS))
        else:
            table.rows.append(
                (name, "1" if name == base else str(measured.ratio(name, base)), str(measured.of(name, 1e6 / events)))
            )
    section.tables.append(table)
    kernels = [name for name in there if name not in (base, list(toys)[-1])]
    ratios = {name: measured.ratio(name, base) for name in kernels}
    for words, chosen in (
        ("faster than SimPy", [name for name in kernels if ratios[name].high < 1]),
        ("slower than SimPy", [name for name in kernels if ratios[name].low > 1]),
        ("no different from SimPy", [name for name in kernels if ratios[name].low <= 1 <= ratios[name].high]),
    ):
        told = ", ".join(f"{name} ({number(ratios[name].median)})" for name in chosen)
        if chosen:
            section.short.append(f"{table.title.split(':')[0]}, {words}: {told}.")
