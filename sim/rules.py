"""What a rule is, and the words every rule uses.

A rule is a small pure function of the world: how willing an agent is, or what happens when it acts. It knows no clock, no
generator of random numbers, no SimPy, numba or numpy. Both engines call the same rules, so a rule keeps to arithmetic that
CPython and compiled code agree on to the last bit: + - * / and math.exp, log, log1p, expm1, sqrt, cos, tanh, erf, floor.
`**`, math.pow, sum() and numpy scalar functions are banned; a test reads the source of every rule for them.
"""

from collections.abc import Callable
from typing import TypeVar

MONTH = 30.4375  # days; sources give rates a month, the code works in days
YEAR = 365.25  # days
NEVER = float("inf")
NOT_YET = -1.0  # the day of something that has not happened; days count from the scenario's start

RULES: list[Callable] = []
F = TypeVar("F", bound=Callable)


def rule(function: F) -> F:
    """Mark a function as a rule. It stays the plain Python function; a compiled engine compiles what is listed in RULES."""
    RULES.append(function)
    return function


@rule
def weekly(world, p, day, who):
    """The next week's end. Exact: whole numbers of days are exact in a float."""
    return day + 7.0


@rule
def always(world, p, day, who):
    """A timer that is always ready when it rings."""
    return True


@rule
def let_pass(world, p, day, who, luck):
    """An activity that is withheld leaves nothing behind that the world would wait for."""


@rule
def nothing(world, p, who):
    """An activity that has no number of its own to show in the event log."""
    return 0.0
