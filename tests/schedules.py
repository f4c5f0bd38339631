"""Schedules for tests: those shipped, and one's own of a few steps, read as a configuration would give them."""

from datetime import date
from functools import cache

import pytest

from experiments.choices import schedule_names
from experiments.composition import Composer
from experiments.settings import split
from sim import RequestError, Scenario, read_scenario
from sim.case import Calendar, Posture

NAMES = schedule_names()
START = date(2021, 4, 7)
CALENDAR = Calendar(START)
POSTURE = Posture(combat=500, training=900, enablers=800, special_operations=300)
BASE = split(Composer("run").compose([]))[0]
ANNOUNCE = {"name": "words", "does": "announce", "date": "2021-05-03"}
MISSION = {"name": "label", "does": "change mission", "date": "2021-06-03"}
LEAVE = {"name": "out", "does": "leave", "date": "2021-07-03", "troops": "all"}
GATE = {"only_if": ["talks concluded"]}


def scenario(*steps: dict, **more) -> Scenario:
    """A schedule of these steps, read as a configuration would give it."""
    return read_scenario({**BASE, "schedule": {"name": "mine", "summary": "a test", "steps": list(steps), **more}})


@cache
def shipped(name: str) -> Scenario:
    return read_scenario(split(Composer("run").compose([f"schedule={name}"]))[0])


def refusal(*steps, **more) -> str:
    """The one line with which a schedule is refused."""
    with pytest.raises(RequestError) as error:
        scenario(*steps, **more)
    assert "\n" not in str(error.value)
    return str(error.value)
