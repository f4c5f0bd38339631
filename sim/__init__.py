"""posture: what follows if a government announces when its troops leave another country, refuses to, or leaves otherwise.

What a notebook needs:

    from sim import read_scenario, replicate, OUTCOMES, declared_parameters

`read_scenario` validates plain data into a frozen Scenario; `replicate(scenario, seed, replication)` runs it once.
Everything is imported on first use, so that a command's help and errors need none of it.
"""

from importlib import import_module
from typing import Any

EXPORTS = {
    "read_scenario": "sim.scenario",
    "Scenario": "sim.scenario",
    "declared_parameters": "sim.scenario",
    "replicate": "sim.engines.compiled",
    "run_block": "sim.engines.compiled",
    "OUTCOMES": "sim.outcomes",
    "SERIES": "sim.outcomes",
    "RequestError": "sim.errors",
}
__all__ = list(EXPORTS)


def __getattr__(name: str) -> Any:
    if name not in EXPORTS:
        raise AttributeError(f"module 'sim' has no attribute {name!r}")
    return getattr(import_module(EXPORTS[name]), name)
