"""Engines: they know activities and slots, never an agent.

`compiled` is the fast one, for work; `reference` the readable one, in SimPy, for reading, debugging and checking. They give the
same histories to the last bit. Each has `replicate` (one replication, with its series and its log), `rerun` (one replication with
this or that withheld) and `run_block` (many).
"""

from importlib import import_module
from typing import Any

ENGINES = ("compiled", "reference")


def usable(name: str) -> str:
    """The engine to use in place of one: without a compiler the reference engine, which is then the faster of the two."""
    if name == "compiled":
        from sim.engines.build import is_compiled

        return name if is_compiled() else "reference"
    return name


def engine(name: str) -> Any:
    """The engine of that name, imported when it is needed.

    Raises:
        ValueError: for any other name.
    """
    if name not in ENGINES:
        raise ValueError(f"engine = {name!r}: expected one of {', '.join(ENGINES)}")
    return import_module(f"sim.engines.{name}")
