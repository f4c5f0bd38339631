"""Conditions are sentences that can be read aloud; each names something that is observed, and nothing else is understood."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.choices import CONFIGS
from sim.agents import posture
from sim.conditions import COUNTED, FORMS, LONGEST, read_condition

INDICATORS = {
    "reported ISIS attacks": posture.ISIS_ATTACKS,
    "reported base attacks": posture.BASE_ATTACKS,
    "mass-casualty attacks": posture.MASS_CASUALTIES,
}


@pytest.mark.parametrize(
    ("sentence", "indicator", "window", "at_least", "threshold"),
    [
        ("fewer than 60 reported ISIS attacks in 90 days", posture.ISIS_ATTACKS, 90.0, False, 60.0),
        ("at least 250 reported ISIS attacks in 90 days", posture.ISIS_ATTACKS, 90.0, True, 250.0),
        ("fewer than 2.5 reported base attacks in 28 days", posture.BASE_ATTACKS, 28.0, False, 2.5),
        ("at least 1 mass-casualty attacks in 7 days", posture.MASS_CASUALTIES, 7.0, True, 1.0),
        ("fewer than 2 mass-casualty attacks in 392 days", posture.MASS_CASUALTIES, 392.0, False, 2.0),
        ("ISF readiness at least 0.55", posture.READINESS, 0.0, True, 0.55),
        ("ISF readiness below 1", posture.READINESS, 0.0, False, 1.0),
        ("ISF readiness at least 0", posture.READINESS, 0.0, True, 0.0),
        ("no US death for 120 days", posture.CALM, 0.0, True, 120.0),
        ("talks concluded", posture.TALKS, 0.0, True, 1.0),
        ("exit demanded", posture.EXIT_DEMANDED, 0.0, True, 1.0),
        ("help requested in the last 180 days", posture.HELP_REQUESTED, 180.0, True, 1.0),
    ],
)
def test_a_sentence_becomes_what_it_says(sentence, indicator, window, at_least, threshold):
    found = read_condition(sentence)
    assert (found.indicator, found.window, found.at_least, found.threshold) == (indicator, window, at_least, threshold)
    assert found.sentence == sentence


def test_spaces_and_line_breaks_do_not_matter():
    assert read_condition("  fewer than 60  reported\n ISIS attacks in 90 days ") == read_condition(
        "fewer than 60 reported ISIS attacks in 90 days"
    )


@pytest.mark.parametrize(
    "sentence",
    [
        "",
        "fewer bombs",
        "fewer than 60 ISIS attacks in 90 days",
        "fewer than many reported ISIS attacks in 90 days",
        "fewer than -3 reported ISIS attacks in 90 days",
        "more than 60 reported ISIS attacks in 90 days",
        "fewer than 60 reported ISIS attacks in 90.5 days",
        "fewer than 60 reported ISIS attacks in 90 weeks",
        "fewer than 60 reported ISIS attacks",
        "fewer than 1e2 reported ISIS attacks in 90 days",
        "Fewer than 60 reported ISIS attacks in 90 days",
        "not exit demanded",
        "exit demanded and talks concluded",
        "ISF readiness about 0.5",
        "no US death for ever",
        "help requested",
        "world.isis.stock < 100",
        "__import__('os')",
    ],
)
def test_a_sentence_that_names_nothing_known_is_refused_with_the_forms_there_are(sentence):
    with pytest.raises(ValueError, match="names no known indicator") as error:
        read_condition(sentence)
    assert f"'{sentence}'" in str(error.value)
    assert all(form in str(error.value) for form in FORMS)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("window", [0, 6, LONGEST + 1, 10**6])
@pytest.mark.parametrize("form", ["fewer than 3 reported base attacks in {} days", "help requested in the last {} days"])
def test_a_window_outside_what_reports_reach_is_refused(form, window):
    with pytest.raises(ValueError, match=f"a window is 7 to {LONGEST} days") as error:
        read_condition(form.format(window))
    assert str(window) in str(error.value)


@pytest.mark.parametrize("threshold", ["1.01", "60"])
def test_a_readiness_above_one_is_refused(threshold):
    with pytest.raises(ValueError, match="readiness lies between 0 and 1"):
        read_condition(f"ISF readiness at least {threshold}")


@settings(derandomize=True, deadline=None)
@given(
    st.sampled_from(["fewer than", "at least"]),
    st.integers(0, 10_000),
    st.sampled_from(sorted(COUNTED)),
    st.integers(7, LONGEST),
)
def test_every_sentence_of_a_known_form_is_understood(compare, number, what, window):
    found = read_condition(f"{compare} {number} {what} in {window} days")
    assert (found.indicator, found.window, found.threshold) == (INDICATORS[what], float(window), float(number))
    assert found.at_least == (compare == "at least")


@settings(derandomize=True, deadline=None)
@given(st.text(max_size=60))
def test_any_other_text_is_refused_in_one_line(text):
    with pytest.raises(ValueError, match="condition '"):
        read_condition(text)


def test_each_form_that_is_listed_is_understood():
    for form in FORMS:
        sentence = " ".join({"N": "5", "D": "30", "R": "0.5"}.get(word, word) for word in form.split())
        assert read_condition(sentence).sentence == sentence


def test_every_indicator_can_be_named():
    named = {read_condition(f"at least 1 {what} in 30 days").indicator for what in COUNTED} | {
        read_condition(sentence).indicator
        for sentence in ("ISF readiness below 0.5", "no US death for 9 days", "talks concluded", "exit demanded")
    }
    assert named | {read_condition("help requested in the last 9 days").indicator} == set(range(8))


@pytest.mark.parametrize("path", sorted((CONFIGS / "schedule").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_sentence_of_a_shipped_schedule_is_understood(path):
    schedule = yaml.safe_load(path.read_text(encoding="utf-8"))
    gates = [step.get("only_if", []) for step in schedule["steps"]]
    gates += [schedule[extra]["when"] for extra in ("pause", "accelerate", "come_back") if extra in schedule]
    for sentence in (sentence for gate in gates for sentence in gate):
        assert read_condition(sentence).sentence == sentence
