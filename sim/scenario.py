"""A scenario: everything one world needs, validated once, frozen, identified by its content.

`read_scenario` is the only door from configuration (data) to the engines. What it refuses, it refuses in one line.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from hashlib import sha256
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from sim.agents import announcements, militias
from sim.case import Calendar, Case, read_date, record_of
from sim.errors import RequestError, suggestion
from sim.model import AGENTS
from sim.parameters import Beliefs, Checked, Parameter, parameters_of
from sim.schedule import Plan, Schedule, ScheduleError
from sim.state import ROOM
from sim.validation import check

DECLARED: dict[str, type[Beliefs]] = {
    **{name: module.Beliefs for name, module in AGENTS.items()},
    "rivals.announcement": announcements.Beliefs,
    "rivals.excitation": militias.Excitation,
}
HORIZON = (7, 3653)  # days: a week to ten years


class Group(Checked):
    """A militia group: its share of all attacks, and its restraint and ties to Iran as multiples of the whole's."""

    capacity: Annotated[float, Field(ge=0.0, le=1.0)]
    restraint: Annotated[float, Field(ge=0.0, le=3.0)] = 1.0
    ties: Annotated[float, Field(ge=0.0, le=3.0)] = 1.0


GROUP_NAME = r"[a-z][a-z0-9_]{0,39}"
Groups = TypeAdapter(Annotated[dict[str, Group], Field(min_length=1, max_length=ROOM)])


def declared_parameters() -> list[Parameter]:
    """Every declared parameter, agent by agent."""
    return [parameter for name, beliefs in DECLARED.items() for parameter in parameters_of(name, beliefs)]


@dataclass(frozen=True)
class Scenario:
    """A validated world: case, schedule, groups, the rivals chosen, and each agent's beliefs."""

    start: date
    horizon_days: int
    case: Case
    schedule: Schedule
    groups: Mapping[str, Group]
    announcement: str
    excitation: bool
    beliefs: Mapping[str, Beliefs]

    @cached_property
    def calendar(self) -> Calendar:
        return Calendar(self.start)

    @cached_property
    def plan(self) -> Plan:
        return Plan(self.schedule, self.calendar, self.case.posture)

    def content(self) -> dict[str, Any]:
        """The scenario as plain data, the shape that `read_scenario` reads."""
        beliefs = {name: values.model_dump() for name, values in self.beliefs.items()}
        announcement, excitation = beliefs.pop("rivals.announcement"), beliefs.pop("rivals.excitation")
        beliefs["militias"]["groups"] = {name: group.model_dump() for name, group in self.groups.items()}
        return {
            "start": self.start.isoformat(),
            "horizon_days": self.horizon_days,
            "case": self.case.model_dump(mode="json", exclude_defaults=True),
            "schedule": self.schedule.model_dump(mode="json", exclude_none=True),
            **beliefs,
            "rivals": {
                "announcement": {"module": self.announcement, **announcement},
                "excitation": {"active": self.excitation, **excitation},
            },
        }

    @cached_property
    def identity(self) -> str:
        """Twelve hexadecimal digits of the SHA-256 of the content, without its prose: what a summary says changes no world."""
        content = self.content()
        del content["schedule"]["summary"], content["case"]["source"]
        return sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:12]

    @cached_property
    def record(self) -> dict[str, dict[str, Any]]:
        """The parameters as the engines read them: numbers and fixed-length lists only, one part for each agent."""
        groups = list(self.groups.values())
        parts: dict[str, dict[str, Any]] = {name: self.beliefs[name].model_dump() for name in AGENTS}
        for name, module in AGENTS.items():
            if hasattr(module, "derive"):
                parts[name].update(module.derive(self.beliefs[name]))
        parts["announcement"] = {
            "module": announcements.MODULES.index(self.announcement),
            **self.beliefs["rivals.announcement"].model_dump(),
        }
        parts["excitation"] = {"active": int(self.excitation), **self.beliefs["rivals.excitation"].model_dump()}
        parts["groups"] = {
            "count": len(groups),
            **{
                key: [float(getattr(g, key)) for g in groups] + [0.0] * (ROOM - len(groups))
                for key in ("capacity", "restraint", "ties")
            },
        }
        parts["case"] = record_of(self.case, self.calendar)
        parts["schedule"] = self.plan.record()
        return {
            part: {key: float(value) if key in DECLARED_FLOATS.get(part, ()) else value for key, value in values.items()}
            for part, values in parts.items()
        }


# YAML writes 5 where a float is meant; the record keeps one type for each field
DECLARED_FLOATS = {
    {"rivals.announcement": "announcement", "rivals.excitation": "excitation"}.get(name, name): set(beliefs.model_fields)
    for name, beliefs in DECLARED.items()
}


def read_scenario(config: Mapping[str, Any]) -> Scenario:
    """Validate plain data into a scenario.

    Args:
        config: sections case, schedule, rivals and one for each agent, with start and horizon_days; sections that are not a
            scenario's are refused.
    Raises:
        RequestError: one line that names the key, the value and what is allowed.
    """
    known = ["start", "horizon_days", "case", "schedule", "rivals", *AGENTS]
    for key in config:
        if key not in known:
            raise RequestError(f"{key}: no such section{suggestion(key, known)}; allowed: {', '.join(known)}")
    for key in known:
        if key not in config:
            raise RequestError(f"{key}: missing; a scenario has the sections {', '.join(known)}")
    try:
        start = read_date(config["start"])
    except ValueError as error:
        raise RequestError(f"start = {config['start']!r}: {error}") from None
    horizon = config["horizon_days"]
    if type(horizon) is not int or not HORIZON[0] <= horizon <= HORIZON[1]:
        raise RequestError(f"horizon_days = {horizon!r}: expected a whole number of days from {HORIZON[0]} to {HORIZON[1]}")
    case = check("case", Case, config["case"])
    if read_date(case.last_us_death) > start:
        raise RequestError(f"case.last_us_death = {case.last_us_death!r}: expected a date up to the start, {start}")
    for event in case.events:
        if read_date(event.date) <= start:
            raise RequestError(f"case.events: {event.what!r} on {event.date!r}: expected a date after the start, {start}")
    schedule = check("schedule", Schedule, config["schedule"])
    rivals = section("rivals", config["rivals"], ("announcement", "excitation"))
    module, announcement = taken("rivals.announcement", rivals["announcement"], "module")
    if module not in announcements.MODULES:
        raise RequestError(f"rivals.announcement.module = {module!r}: expected one of {', '.join(announcements.MODULES)}")
    active, excitation = taken("rivals.excitation", rivals["excitation"], "active")
    if type(active) is not bool:
        raise RequestError(f"rivals.excitation.active = {active!r}: expected true or false")
    groups, militia = taken("militias", config["militias"], "groups")
    sections = {
        **{name: config[name] for name in AGENTS},
        "militias": militia,
        "rivals.announcement": announcement,
        "rivals.excitation": excitation,
    }
    beliefs = {name: check(name, declared, sections[name], allowed()) for name, declared in DECLARED.items()}
    if isinstance(groups, Mapping):
        for name in groups:
            if not re.fullmatch(GROUP_NAME, str(name)):
                raise RequestError(
                    f"militias.groups.{name}: expected a name of lower-case letters, digits and underscores, at most 40"
                )
        groups = {name: check(f"militias.groups.{name}", Group, group) for name, group in groups.items()}
    found = check("militias.groups", Groups, groups)
    in_order = {name: found[name] for name in sorted(found)}  # so that sums do not depend on how a file lists them
    scenario = Scenario(start, horizon, case, schedule, in_order, module, active, beliefs)
    shares = sum(group.capacity for group in scenario.groups.values())
    if shares > 1.0 + 1e-9:
        raise RequestError(
            f"militias.groups: the capacities are shares of all attacks: they add up to {shares:g}, and may add up to 1 at most"
        )
    try:
        _ = scenario.plan
    except ScheduleError as error:
        raise RequestError(str(error)) from None
    return scenario


@cache
def allowed() -> dict[str, str]:
    """What each parameter may be, in words, by its key."""
    return {p.key: f"a number from {p.bounds[0]:g} to {p.bounds[1]:g} ({p.unit})" for p in declared_parameters()}


def section(key: str, value: Any, names: tuple[str, ...]) -> Mapping[str, Any]:
    """A mapping with just these keys."""
    if not isinstance(value, Mapping) or set(value) != set(names):
        raise RequestError(f"{key} = {value!r}: expected the keys {', '.join(names)}")
    return value


def taken(key: str, values: Any, name: str) -> tuple[Any, dict[str, Any]]:
    """One entry of a section, and the rest."""
    if not isinstance(values, Mapping) or name not in values:
        raise RequestError(f"{key}: expected a section with the key {name}")
    rest = dict(values)
    return rest.pop(name), rest
