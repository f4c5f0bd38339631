"""What a comparison may not be asked to conclude: one line that names key, value and what is allowed; nothing is begun."""

import pytest

from experiments.command import main

TWO = "schedules=[open_ended,rapid_6_months]"
SMALL = ("study=quick", "horizon_days=60", "workers=1")  # should a wrong request be taken after all, it is soon done

WRONG = {
    ("tolerance.base_attack=1",): "tolerance = 'base_attack': no such outcome (did you mean base_attacks?)",
    ("tolerance.base_attacks=0",): "tolerance.base_attacks = 0: expected more than 0",
    ("tolerance.base_attacks=-1",): "tolerance.base_attacks = -1: expected more than 0",
    ("tolerance.base_attacks=nan",): "tolerance.base_attacks = nan: expected",
    ("tolerance.base_attacks=small",): "tolerance.base_attacks = 'small': expected a number",
    ("tolerance=1",): "tolerance = 1: expected outcomes, each with a number above 0",
    ("budget=0",): "budget = 0: expected a whole number from 1",
    ("confidence=1",): "confidence = 1: expected a number above 0.5 and below 1",
    ("confidence=95",): "confidence = 95: expected a number above 0.5 and below 1",
    ("objectives=[us_deaths]",): "objectives = 'us_deaths': expected outcome:lower:weight or outcome:higher:weight",
    ("objectives=[us_deaths:down:1]",): "objectives = 'us_deaths:down:1': expected outcome:lower:weight",
    ("objectives=[us_death:lower:1]",): "objectives = 'us_death': no such outcome (did you mean us_deaths?)",
    ("objectives=[us_deaths:lower:0]",): "objectives = 'us_deaths:lower:0': expected a weight above 0",
    ("objectives=[us_deaths:lower:-1]",): "objectives = 'us_deaths:lower:-1': expected a weight above 0",
    ("objectives=[us_deaths:lower:inf]",): "objectives = 'us_deaths:lower:inf': expected a weight above 0",
    ("objectives=[us_deaths:lower:much]",): "objectives = 'us_deaths:lower:much': expected a number for the weight",
    ("objectives=[us_deaths:lower:1,us_deaths:higher:2]",): "objectives = 'us_deaths:higher:2': us_deaths is there twice",
    ("objectives=us_deaths:lower:1",): "objectives = 'us_deaths:lower:1': expected a list of outcome:direction:weight",
    ("indifference=1",): "indifference = 1: is a difference of objectives, and none are stated",
    ("indifference=0", "objectives=[us_deaths:lower:1]"): "indifference = 0: expected a number above 0",
    ("limits=[us_deaths:below:5]",): "limits = 'us_deaths:below:5': expected outcome:at_most:number or outcome:at_least:number",
    ("limits=[us_deaths:at_most:few]",): "limits = 'us_deaths:at_most:few': expected a number, not 'few'",
    ("limits=[us_deaths:at_most:1,us_deaths:at_most:2]",): "limits = 'us_deaths:at_most:2': expected each limit once",
    ("limits=[deaths:at_most:1]",): "limits = 'deaths': no such outcome",
    ("explain=[us_deaths]",): "explain = 'us_deaths': no such yes-or-no outcome",
    ("explain=[resurgence]", "explain_runs=0"): "explain_runs = 0: expected a whole number from 1",
    ("rivals=some",): "rivals=some: nothing to choose from; there are: rivals/announcement, rivals/excitation, rivals=all",
    ("rivals=all", "rivals/announcement=emboldenment"): "rivals/announcement: not beside rivals=all, which takes every one",
    ("rivals=all", "tolerance.base_attacks=1"): "tolerance: is for one world, not beside rivals=all, which makes many",
    ("draw_parameters=true", "tolerance.cost=1"): "tolerance: is for one world, not beside draw_parameters=true",
    ("draw_parameters=yes please",): "draw_parameters = 'yes please': expected true or false",
    ("draw_parameters=true", "draws=1"): "draws = 1: expected a whole number from 2",
    ("per_state=5",): "per_state: not used without draw_parameters=true; replications says how many",
    ("draw_parameters=true", "replications=5"): "replications: not used with draw_parameters=true; per_state says how many",
    ("draw_parameters=true", "per_state=1"): "per_state = 1: expected a whole number from 2",
}


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_a_wrong_request_is_refused_in_one_line(words, folder, capsys):
    assert main(["compare", TWO, *SMALL, *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"posture: {WRONG[words]}"), said.err
    assert said.err.count("\n") == 1
    assert not list(folder.iterdir()), "nothing was begun"
