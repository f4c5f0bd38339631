"""Patterns that are read from event logs: severity, the red line, truces."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from sim.agents import isis
from sim.agents.militias import TRUCE
from sim.analysis import patterns as of
from sim.analysis.patterns import INPUT, Pattern, mean_row
from sim.engines import compiled
from sim.engines.block import Event, Replication
from sim.outcomes import OUTCOMES
from sim.readings import READINGS
from sim.rules import MONTH
from sim.scenario import Scenario

SEED = 20210407
LONG, BEGUN_BY = 1826, 1096  # days: truces that begin in the first three of five years
READING = {name: k for k, name in enumerate(READINGS)}
MEASURED = {outcome.name: k for k, outcome in enumerate(OUTCOMES)}
ATTACKS = ("base attack", "war attack")


class Logs:
    """Replications of one scenario with their event logs."""

    def __init__(self, of_scenario: Scenario, runs: int) -> None:
        self.scenario = of_scenario
        self.runs = [compiled.replicate(of_scenario, SEED, k, trace=True) for k in range(runs)]

    def sums(self, read: Callable[[Replication], Sequence[float] | np.ndarray]) -> np.ndarray:
        """What is read of each replication, one row each."""
        return np.array([read(run) for run in self.runs], dtype=float)


def change(event: Event, name: str) -> float:
    """What an event added to a reading."""
    return event.after[READING[name]] - event.before[READING[name]]


def regimes(event: Event) -> tuple[float, float]:
    return event.before[READING["regime"]], event.after[READING["regime"]]


# -- severity ----------------------------------------------------------------------------------------------------------
def severity(decision: Logs) -> list[Pattern]:
    """Deaths in ISIS attacks: those of ten or more from the event log, the others as the model counts them, by week."""
    beliefs = decision.scenario.beliefs["isis"].model_dump()

    def killed(run: Replication) -> list[float]:
        return [change(event, "isis_deaths") for event in run.events if event.activity == "mass-casualty attack"]

    frequency = decision.sums(lambda run: np.bincount(np.array(killed(run), int), minlength=isis.MOST + 1)[isis.MASS :])
    fatal = decision.sums(lambda run: [beliefs["fatal_share"] * run.outcomes[MEASURED["isis_attacks"]]])
    big = np.column_stack([frequency.sum(axis=1), fatal])
    huge = np.column_stack([frequency[:, 30 - isis.MASS :].sum(axis=1), fatal])
    nobody = 1.0 - beliefs["fatal_share"]
    gtd = "GTD: power law on fatal attacks, truncated at 100"
    return [
        mean_row(
            ("exponent of deaths", "ISIS attacks that kill ten or more", "exponent"),
            (2.3, 2.8, gtd),
            of.resampled(frequency, partial(of.exponent, least=isis.MASS)),
            f"Comes from isis.severity = {beliefs['severity']:g} alone. Deaths below ten are drawn as a weekly total of the same "
            "law, so an exponent can be read from the tail only.",
            kind=INPUT,
        ),
        mean_row(
            ("P(10 or more killed)", "fatal ISIS attacks", "share"),
            (0.02, 0.05, "GTD"),
            of.resampled(big, of.ratio),
            f"The law gives {of.tail_share(beliefs['severity'], 10, 1, isis.MOST):.3f}; the urban cells, which carry "
            "such attacks, move it. The published shares need exponents of 2.1 to 2.4, so of the published "
            "exponents only 2.3 to 2.4 fit both.",
        ),
        mean_row(
            ("P(30 or more killed)", "fatal ISIS attacks", "share"),
            (0.003, 0.009, "GTD"),
            of.resampled(huge, of.ratio),
            f"The law gives {of.tail_share(beliefs['severity'], 30, 1, isis.MOST):.4f}. Exponents of 2.3 to 2.8 give 0.0053 to "
            "0.0009: the upper half of the published range needs a flatter tail than they have.",
        ),
        mean_row(
            ("attacks that kill nobody", "ISIS attacks, CTC scale", "share"),
            (0.57, 0.90, "ours: 0.57 as GTD has of its own, 0.90 if none of those it misses kills"),
            (nobody, nobody, nobody),
            "An input (1 - isis.fatal_share), no test: attacks are not drawn one by one. If GTD sees every attack that kills, "
            f"0.57 of its own is {nobody:.2f} of all at a coverage of {beliefs['fatal_share'] / 0.43:.2f}.",
            kind=INPUT,
        ),
    ]


# -- the red line and truces -------------------------------------------------------------------------------------------
def red_line(decision: Logs) -> list[Pattern]:
    """What base attacks bring: deaths, and strikes in return."""
    found = [answers(run.events) for run in decision.runs]
    sums = np.array([one[0] for one in found])
    lags = np.log(np.concatenate([one[1] for one in found]))
    by_run = np.array([of.moments(np.log(np.array(one[1], dtype=float))) for one in found])
    lethal, answered, harmless, struck, attacks, lethal_in_peace, civilians, deaths = sums.T
    median = np.exp(of.quantile(lags, 0.5))
    return [
        mean_row(
            ("P(US or coalition death)", "base attacks outside wars", "share"),
            (0.007, 0.069, "lethal attacks over all, 2019-20; pooled over more years 0.006 to 0.029"),
            of.resampled(np.column_stack([lethal_in_peace, attacks]), of.ratio),
            "Groups differ in restraint; together they are about as lethal as declared (0.032 at restraint 0.5).",
            kind=INPUT,
        ),
        mean_row(
            ("Iraqi civilians killed", "base attacks", "for each US or coalition death"),
            (2.0, 6.0, "ours; documents say mostly Iraqi lives"),
            of.resampled(np.column_stack([civilians, deaths]), of.ratio),
            "Attacks while troops are there; those killed by US strikes are not among them.",
            kind=INPUT,
        ),
        mean_row(
            ("P(strike)", "base attacks that kill Americans", "share"),
            (0.64, 1.0, "4 of 4 to April 2021"),
            of.resampled(np.column_stack([answered, lethal]), of.ratio),
            "An input (united_states.strike_if_lethal), seen while no strike is due, which would answer any attack.",
            kind=INPUT,
        ),
        mean_row(
            ("P(strike)", "base attacks that kill no American", "share"),
            (0.0, 0.06, "ours: from the 0 of 76 to October 2020 to the prior's 0.06"),
            of.resampled(np.column_stack([struck, harmless]), of.ratio),
            "An input (united_states.strike_if_harmless), seen while no strike is due.",
            kind=INPUT,
        ),
        mean_row(
            ("delay of a strike, median", "strikes after attacks", "days"),
            (1.0, 10.0, "ours: from the shortest to the longest of 2, 1, 10 and 5 days"),
            (float(median[0]), float(median[1]), float(median[2])),
            "An input (united_states.strike_delay = 3.2), seen through the event log.",
            kind=INPUT,
        ),
        mean_row(
            ("delay of a strike, spread", "strikes after attacks", "sd of the logarithm"),
            (0.63, 2.95, "2, 1, 10 and 5 days: 1.01, and its 90 % interval if lognormal"),
            of.resampled(by_run, of.spread),
            "An input (sigma 1). Four delays tell little.",
            kind=INPUT,
        ),
    ]


def answers(events: Sequence[Event]) -> tuple[list[float], list[float]]:
    """What base attacks brought in one replication while troops were there.

    Returns:
        (attacks that kill while no strike is due, strikes on these, attacks that do not while none is due, strikes on these,
        attacks outside wars, those of them that kill, civilians killed, Americans killed), and the delays of strikes in days.
    """
    strikes = {event.cause: event.day for event in events if event.activity == "reprisal"}
    lethal = answered = harmless = struck = attacks = lethal_in_peace = civilians = deaths = 0.0
    lags: list[float] = []
    due = -1.0
    for event in events:
        if event.activity not in ATTACKS or event.before[READING["troops"]] == 0:
            continue
        own, killed = strikes.get(event.name), change(event, "us_deaths")
        civilians += change(event, "civilian_deaths")
        deaths += killed
        if event.activity == "base attack":
            attacks += 1
            lethal_in_peace += killed > 0
        if due <= event.day and killed > 0:
            lethal += 1
            answered += own is not None
        elif due <= event.day:
            harmless += 1
            struck += own is not None
        if own is not None:
            due = own
            lags.append(own - event.day)
    return [lethal, answered, harmless, struck, attacks, lethal_in_peace, civilians, deaths], lags


def truces(decision: Logs) -> list[Pattern]:
    """How long truces last that come by themselves; in the episode, their dates are given."""
    lasted = [truce_lengths(run.events, decision.scenario.horizon_days) for run in decision.runs]
    sums = np.array([of.moments(np.array(one, dtype=float) / MONTH) for one in lasted])
    return [
        mean_row(
            ("truce, mean duration", "truces of a group, any end", "months"),
            (4.0, 7.0, "ours: about the one of 166 days (5.5 months), 10 October 2020 to 25 March 2021"),
            of.resampled(sums, of.mean),
            "Its own end (gamma of mean 5.5 and shape 3), or a surge before that.",
            166.0 / MONTH,
            INPUT,
        ),
        mean_row(
            ("truce, shape of duration", "truces of a group, any end", "mean^2 over variance"),
            (2.0, 4.0, "ours: gamma of shape 2 to 4"),
            of.resampled(sums, lambda s: (s[..., 1] / s[..., 0] / of.spread(s)) ** 2),
            "Surges end some early, which takes regularity away.",
            kind=INPUT,
        ),
    ]


def truce_lengths(events: Sequence[Event], horizon: int) -> list[float]:
    """Days that each truce lasted which began early enough to be over by the horizon, but for the longest."""
    since: dict[str, float] = {}
    found = []
    for event in events:
        before, after = regimes(event)
        if after == TRUCE != before:
            since[event.actor] = event.day
        elif before == TRUCE != after:
            found.append((since.pop(event.actor), event.day))
    found += [(start, float(horizon)) for start in since.values()]
    return [end - start for start, end in found if start <= BEGUN_BY]
