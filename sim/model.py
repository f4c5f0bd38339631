"""The register: which agents there are, their parts of the world and of the parameters, and every activity in order.

To add an agent, write its file and name it here. To add an activity, add it to its agent's ACTIVITIES.
"""

from dataclasses import asdict, dataclass
from types import ModuleType
from typing import Any

from sim import luck
from sim.activity import GROUPS, Activity
from sim.agents import environment, government, iraqi_forces, isis, militias, observation, united_states

# The order decides who acts first on the same day (week's ends): the attackers, the forces, the reporters, then those who read.
AGENTS: dict[str, ModuleType] = {
    "environment": environment,
    "militias": militias,
    "isis": isis,
    "iraqi_forces": iraqi_forces,
    "observation": observation,
    "government": government,
    "united_states": united_states,
}


@dataclass(frozen=True)
class Slot:
    """One activity of one agent (of one group, if each group has its own): what the engines go through.

    who: the group's number, or 0. priority: decides ties, lowest first. group: the group's name, or "".
    """

    agent: str
    activity: Activity
    who: int
    group: str
    stream: int
    priority: int

    @property
    def actor(self) -> str:
        """Who acts, as the event log names it: militias:hardline, or isis."""
        return f"{self.agent}:{self.group}" if self.group else self.agent


def slots(groups: tuple[str, ...]) -> list[Slot]:
    """Every slot of a scenario with these militia groups, in the order of priority.

    Raises:
        ValueError: if two slots would share a stream of luck (a name used twice).
    """
    found: list[Slot] = []
    for agent, module in AGENTS.items():
        for activity in module.ACTIVITIES:
            for who, group in enumerate(groups if activity.each == GROUPS else ("",)):
                found.append(Slot(agent, activity, who, group, luck.stream(agent, activity.name, group), len(found) + 1))
    if len({slot.stream for slot in found}) < len(found):
        raise ValueError("two activities share a stream of luck: names must differ within an agent")
    return found


def first_world() -> dict[str, dict[str, Any]]:
    """Each agent's part of the world before `begin`, as plain fields."""
    return {name: asdict(module.State()) for name, module in AGENTS.items()}


def begin(world: Any, p: Any) -> None:
    """Set the world to the scenario's first day."""
    for module in AGENTS.values():
        module.begin(world, p)
