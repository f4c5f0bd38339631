"""Goldens: numbers of chosen replications, kept in goldens/outcomes.json, so that no change of the model goes unnoticed.

A change on purpose: remake them with the command below, and say in CHANGELOG.md which numbers change and why.

    python -m tests.test_goldens
"""

import json
from math import isclose
from pathlib import Path
from typing import Any

import pytest

from sim import luck
from sim.engines.reference import replicate
from sim.outcomes import OUTCOMES
from tests.worlds import scenario

GOLDENS = Path(__file__).parent / "goldens" / "outcomes.json"
COMMAND = "python -m tests.test_goldens"
CASES = {
    "open_ended": ("open_ended",),
    "technical_talks": ("technical_talks",),
    "phased_18_months, coercive signalling": ("phased_18_months", "rivals/announcement=coercive_signalling"),
    "deadline_missed, lie low then surge": ("deadline_missed", "rivals/announcement=lie_low_then_surge"),
    "full_exit_no_residual, weak forces": ("full_exit_no_residual", "iraqi_forces=weak"),
    "exit_and_return, weak forces": ("exit_and_return", "iraqi_forces=weak"),
    "conditions_based, strong forces, one group": ("conditions_based", "iraqi_forces=strong", "militias=one_group"),
    "open_ended, in and out of war": ("open_ended", "environment.escalation=0.5", "environment.shocks=1.0"),
}
KEYS = ((20210407, 0), (20210407, 1), (1, 0), (2**64 - 1, 2**63))  # seed, replication


def run(case: str, seed: int, replication: int) -> dict[str, Any]:
    """Outcomes by name, how many events there were, and the last of them."""
    result = replicate(scenario(*CASES[case]), seed, replication, trace=True)
    last = result.events[-1]
    return {
        **{outcome.name: value for outcome, value in zip(OUTCOMES, result.outcomes, strict=True)},
        "events": len(result.events),
        "opportunities": sum(result.opportunities.values()),
        "last event": last.name,
        "last day": last.day,
    }


def remake() -> None:
    """Write goldens/outcomes.json anew."""
    made = {case: {f"{seed}/{replication}": run(case, seed, replication) for seed, replication in KEYS} for case in CASES}
    GOLDENS.write_text(json.dumps({"luck": luck.SCHEME, "cases": made}, indent=1) + "\n")
    print(f"{GOLDENS}: {len(made)} cases, {len(made) * len(KEYS)} replications. Say in CHANGELOG.md what changed and why.")


def same(found: Any, kept: Any) -> bool:
    """Whole numbers, words and yes or no exactly; floats within 1e-9: another C library may move them by 2e-15."""
    if type(found) is float and type(kept) is float:
        return isclose(found, kept, rel_tol=1e-9, abs_tol=1e-9)
    return type(found) is type(kept) and found == kept


@pytest.mark.parametrize("case", CASES)
def test_a_replication_gives_the_numbers_it_gave(case):
    kept = json.loads(GOLDENS.read_text())["cases"].get(case, {})
    for seed, replication in KEYS:
        found, golden = run(case, seed, replication), kept.get(f"{seed}/{replication}", {})
        moved = [
            f"{name}: {golden.get(name)} was, {found.get(name)} is"
            for name in dict.fromkeys([*golden, *found])
            if not same(found.get(name), golden.get(name))
        ]
        advice = f"if that is meant, remake the goldens ({COMMAND}) and explain it in CHANGELOG.md"
        assert not moved, f"{case}, seed {seed}, replication {replication}: numbers changed; {advice}. {'; '.join(moved)}"


def test_the_goldens_are_of_this_scheme_of_luck():
    assert json.loads(GOLDENS.read_text())["luck"] == luck.SCHEME


if __name__ == "__main__":
    remake()
