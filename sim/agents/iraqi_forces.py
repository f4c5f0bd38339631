"""The Iraqi security forces: trained by advisers, weakened by time, and stopped from training while rockets fall."""

from dataclasses import dataclass
from math import exp, log

from sim.activity import Timer
from sim.agents import observation
from sim.parameters import Beliefs as Declared
from sim.parameters import belief
from sim.rules import MONTH, rule, weekly

LEVEL = 0.6  # readiness that full training keeps up; sets the training rate from the decay, a definition of the index


class Beliefs(Declared):
    # fmt: off
    readiness: float = belief(0.6, "index, 0 to 1", range=(0.4, 0.75), bounds=(0.0, 1.0), evidence="judgement",
        source="Lead IG 2020-21: lead their own operations, rely on the coalition for intelligence and air support")
    decay: float = belief(0.015, "share lost/month without training", range=(0.005, 0.03), bounds=(0.0, 1.0),
        evidence="judgement", source="from 2011 to June 2014, 30 months, forces that had held lost Mosul")
    adviser_power: float = belief(0.5, "exponent of throughput in advisers", range=(0.3, 0.8), bounds=(0.0, 2.0),
        evidence="judgement", source="diminishing returns; partners' advisers stay and go with the Americans'")
    training_loss: float = belief(0.5, "share of training lost at the attack rate of a surge", range=(0.2, 0.8),
        bounds=(0.0, 1.0), evidence="judgement", source="training paused for 3 to 4 weeks in January 2020")
    # fmt: on


@dataclass
class State:
    readiness: float = 0.0


@rule
def begin(world, p):
    world.iraqi_forces.readiness = p.iraqi_forces.readiness


@rule
def throughput(world, p, day):
    """Training today, 1 at the reference posture: (advisers / reference)^e, less while attacks are frequent. Readers of reports
    decide on pauses in training, so reported attacks of the last four weeks count."""
    advisers = world.united_states.training / max(1.0, p.case.reference_training * 1.0)
    if advisers <= 0.0:
        return 0.0
    surge = p.militias.surge_rate * 28.0 / MONTH * p.observation.base_coverage
    danger = 0.0
    if surge > 0.0:
        danger = min(1.0, observation.reported(world, p, day, observation.ATTACKS_ON_BASES, 28.0) / surge)
    return exp(p.iraqi_forces.adviser_power * log(advisers)) * (1.0 - p.iraqi_forces.training_loss * danger)


@rule
def train(world, p, day, who, luck):
    """A week of dR/dt = u throughput (1 - R) - v R; u is such that throughput 1 keeps readiness at LEVEL."""
    v = p.iraqi_forces.decay * 7.0 / MONTH
    u = v * LEVEL / (1.0 - LEVEL)
    r = world.iraqi_forces.readiness
    world.iraqi_forces.readiness = min(1.0, max(0.0, r + u * throughput(world, p, day) * (1.0 - r) - v * r))


@rule
def shows_readiness(world, p, who):
    return world.iraqi_forces.readiness


ACTIVITIES = (Timer(name="training", next=weekly, act=train, routine=True, shows=shows_readiness),)
