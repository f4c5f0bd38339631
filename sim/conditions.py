"""Conditions on observed indicators, written as sentences: "fewer than 60 reported ISIS attacks in 90 days".

Each form below is one sentence an analyst can read aloud; a sentence becomes (indicator, window, at least or below, threshold)
for the engines. Only what is observed can be named: reports, deaths, talks, requests.
"""

import re
from dataclasses import dataclass

from sim.agents import posture

LONGEST = 392  # days a window can reach back
NUMBER = r"(\d+(?:\.\d+)?)"
COUNTED = {
    "reported ISIS attacks": posture.ISIS_ATTACKS,
    "reported base attacks": posture.BASE_ATTACKS,
    "mass-casualty attacks": posture.MASS_CASUALTIES,
}
FORMS = (
    *(f"{compare} N {what} in D days" for what in COUNTED for compare in ("fewer than", "at least")),
    "ISF readiness at least R",
    "ISF readiness below R",
    "no US death for D days",
    "talks concluded",
    "exit demanded",
    "help requested in the last D days",
)


@dataclass(frozen=True)
class Condition:
    """indicator: a number of sim.agents.posture; window in days; holds if value >= threshold (at_least) or below it."""

    sentence: str
    indicator: int
    window: float
    at_least: bool
    threshold: float


def read_condition(sentence: str) -> Condition:
    """The condition a sentence states.

    Raises:
        ValueError: one line with the sentence and the forms that are known.
    """
    text = " ".join(sentence.split())
    if found := re.fullmatch(rf"(fewer than|at least) {NUMBER} ({'|'.join(COUNTED)}) in (\d+) days", text):
        compare, threshold, what, window = found.groups()
        return Condition(text, COUNTED[what], window_of(window, text), compare == "at least", float(threshold))
    if found := re.fullmatch(rf"ISF readiness (at least|below) {NUMBER}", text):
        threshold = float(found[2])
        if threshold > 1.0:
            raise ValueError(f"condition '{text}': readiness lies between 0 and 1")
        return Condition(text, posture.READINESS, 0.0, found[1] == "at least", threshold)
    if found := re.fullmatch(r"no US death for (\d+) days", text):
        return Condition(text, posture.CALM, 0.0, True, float(found[1]))
    if text == "talks concluded":
        return Condition(text, posture.TALKS, 0.0, True, 1.0)
    if text == "exit demanded":
        return Condition(text, posture.EXIT_DEMANDED, 0.0, True, 1.0)
    if found := re.fullmatch(r"help requested in the last (\d+) days", text):
        return Condition(text, posture.HELP_REQUESTED, window_of(found[1], text), True, 1.0)
    raise ValueError(f"condition '{text}' names no known indicator; the forms are: {'; '.join(FORMS)}")


def window_of(days: str, text: str) -> float:
    if not 7 <= int(days) <= LONGEST:
        raise ValueError(f"condition '{text}': a window is 7 to {LONGEST} days")
    return float(days)
