"""Which parameters a record can inform, and which of their priors had seen too much.

A parameter is informed if counts of some series depend on it directly; all others stay at their priors in a calibration. The
declared priors were written with the whole record to April 2021 in view: a calibration that ends before the last figure that a
default or range was read from is given a prior WIDER times as wide, so that it has to learn from its own past. The centre of the
prior is left where it is: what it knew, it still knows, and docs/validation.md says so.
"""

from collections.abc import Iterable
from datetime import date
from statistics import NormalDist

from sim.history import sources
from sim.history.record import Window
from sim.parameters import Parameter
from sim.scenario import declared_parameters

TAIL = 1e-12  # of a prior, beyond which nothing is drawn: a share is no longer told from 0 or 1
WIDER = 3.0  # judgement: a 90 % range of 0.8 to 1.3 becomes one of 0.5 to 2
ISIS = ("isis.attacks", "isis.dispersion", "isis.ramadan", "isis.volatility", "isis.attrition")
BASES = (
    *("militias.ordinary_rate", "militias.truce_rate", "militias.surge_rate", "militias.surge_onset", "militias.spell"),
    *("militias.presence_share", "militias.truce_lasts"),
)
CONVOYS = ("militias.convoy_rate", "militias.presence_share")
INFORMED: dict[str, tuple[str, ...]] = {
    "base_attacks": BASES,
    "convoy_attacks": CONVOYS,
    "us_target_attacks": (*BASES, *CONVOYS),
    "isis_attacks": ISIS,
    "isis_fatal_events": (*ISIS, "isis.fatal_share"),
}
# the last day of the figures that a declared default or range was read from, by the source that the declaration names, whether
# or not counts inform it: what no count informs is drawn in each trajectory
CASE = date(2021, 4, 7)  # where a source speaks of the years up to the day of the case
READ_UNTIL: dict[str, date] = {
    "environment.shocks": CASE,
    "environment.escalation": CASE,
    "environment.protests": date(2019, 10, 31),
    "militias.truce_rate": date(2021, 3, 31),
    "militias.ordinary_rate": date(2020, 10, 22),
    "militias.surge_rate": date(2020, 9, 30),
    "militias.surge_onset": date(2020, 10, 22),
    "militias.spell": date(2020, 9, 30),
    "militias.truce_lasts": date(2021, 3, 25),
    "militias.convoy_rate": date(2021, 3, 31),
    "militias.restraint": date(2020, 12, 31),
    "militias.lethality": date(2020, 12, 31),
    "militias.timetable_calm": date(2020, 10, 10),
    "militias.truce_onset": date(2020, 10, 10),
    "militias.betrayal": date(2021, 3, 25),
    "militias.lull_chance": date(2021, 2, 28),
    "isis.stock": date(2021, 2, 28),
    "isis.attacks": date(2021, 11, 30),  # beyond the day of the case: so does the article that it is from
    "isis.dispersion": date(2021, 3, 31),
    "isis.ramadan": date(2020, 6, 30),
    "isis.dependence": date(2012, 12, 18),  # effects of exits, of which that of 2011 is one
    "isis.volatility": date(2020, 9, 30),
    "isis.attrition": date(2021, 3, 31),
    "isis.fatal_share": date(2021, 3, 31),
    "isis.severity": date(2021, 3, 31),
    "isis.jailbreaks": CASE,
    "iraqi_forces.readiness": date(2021, 3, 31),
    "iraqi_forces.decay": date(2014, 6, 30),
    "iraqi_forces.training_loss": date(2020, 1, 31),
    "observation.isis_coverage": date(2020, 9, 30),
    "government.standing": date(2020, 5, 31),
    "government.pressure": CASE,
    "government.strike_push": date(2020, 1, 5),
    "government.exit_demand": CASE,
    "government.fall": CASE,
    "government.talks_end": CASE,
    "government.talks_fix": CASE,
    "united_states.strike_if_lethal": CASE,
    "united_states.strike_if_harmless": date(2020, 10, 22),
    "united_states.strike_delay": date(2021, 2, 28),
    "united_states.strike_in_iraq": date(2021, 2, 28),
    "united_states.early_exit": CASE,
    "united_states.exit_per_pressure": date(2011, 12, 31),
    "united_states.enabling_scale": date(2021, 3, 31),
    "rivals.announcement.signalling_factor": date(2020, 11, 30),
    "rivals.announcement.signalling_days": date(2020, 11, 30),
    **sources.READ_UNTIL,
}


def informed(windows: Iterable[Window]) -> list[Parameter]:
    """The parameters that these windows can inform: the model's first, then the coverage of each source. How noisy a source is
    and how its coverage wanders are left at their priors: counts say little about them that they do not say about the truth."""
    windows = list(windows)
    keys = {key for window in windows for key in INFORMED[window.series]}
    coverages = [p for p in sources.parameters(windows) if p.name == "coverage"]
    return [p for p in declared_parameters() if p.key in keys] + coverages


def widening(key: str, until: date) -> float:
    """How many times as wide as declared a prior is, in standard deviations, for a calibration that ends on that day."""
    return WIDER if READ_UNTIL.get(key, date.min) > until else 1.0


def widened(parameter: Parameter, times: float, z: float) -> float:
    """The value at z, which is standard normal, of a prior that is so many times as wide as declared, in standard deviations."""
    return parameter.prior(min(max(NormalDist().cdf(times * z), TAIL), 1.0 - TAIL))


def drawn(parameter: Parameter, until: date, u: float) -> float:
    """What a uniform draws of a parameter's prior, as wide as it is for a calibration that ends on that day."""
    return widened(parameter, widening(parameter.key, until), NormalDist().inv_cdf(min(max(u, TAIL), 1.0 - TAIL)))
