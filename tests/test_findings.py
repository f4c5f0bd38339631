"""The sentences of a report's first screen, from small tables: each says what its numbers allow, and no more."""

import re
from typing import Any

import pandas as pd

from sim.report import findings
from sim.report.material import TABLES, Material
from sim.report.tables import differences_grid

A, B = "open_ended", "rapid_6_months"
NAN = float("nan")


def material_of(tables: dict[str, list[tuple[Any, ...]]], **manifest: Any) -> Material:
    """What a report is made of where only some tables matter; columns beyond those that every study has are parameters."""
    columns = {name: [*TABLES[name], "united_states.early_exit"][: len(rows[0])] for name, rows in tables.items()}
    frames = {name: pd.DataFrame(rows, columns=columns[name]) for name, rows in tables.items()}
    runs = pd.DataFrame({"schedule": [A, B], "scenario": "", "replication": 0})
    frames = {"outcomes": runs, "summary": pd.DataFrame(columns=[*TABLES["summary"]])} | frames
    scenarios: Any = {A: None, B: None}
    return Material("mine", {"config": {}} | manifest, frames, scenarios, [A, B], (runs, runs))


def plain(answer: str) -> str:
    return re.sub(r"<[^>]*>", "", answer).replace("\N{NO-BREAK SPACE}", " ").replace("\N{MINUS SIGN}", "-")


def chosen(*intervals: tuple[str, float, float, float]) -> str:
    """The answer to which is best. intervals: schedule, value, lower, upper."""
    rows = [(name, 9, value, lower, upper, 0.5, 0.5, NAN, NAN) for name, value, lower, upper in intervals]
    return plain(findings.best(material_of({"selection": rows})))


def test_the_best_is_called_so_only_if_no_other_can_be_as_good():
    sure = chosen(("b", 1.0, -3.0, 0.0), ("a", 3.0, 0.0, 3.0), ("c", 0.0, -4.0, 0.0))
    assert sure.startswith("a is the best by the stated objectives, at 95 % confidence")
    assert "None" not in sure
    open_still = chosen(("b", 1.0, -3.0, 0.5), ("a", 3.0, -0.5, 3.0), ("c", 0.0, -4.0, 0.0))
    assert open_still.startswith("None is surely the best. a has the highest value")
    assert "its lead over the best other is -0.500 to 3" in open_still
    assert open_still.endswith("Not separated from it: b.")
    assert chosen(("a", 3.0, 0.0, 3.0), ("b", 1.0, -3.0, 0.5)).startswith("None is surely the best")


def test_schedules_that_cannot_be_told_apart_are_not_called_the_best():
    for twin in (("b", 3.0, 0.0, 0.0), ("b", 3.0, -1.0, 1.0)):
        said = chosen(("a", 3.0, *twin[2:]), twin, ("c", 0.0, -4.0, 0.0))
        assert said.startswith("None is surely the best: a and b cannot be told apart")
        assert "Not separated" not in said
    assert chosen(("a", 3.0, 0.0, 0.0), ("b", 3.0, 0.0, 0.0), ("c", 2.9, -1.0, 1.0)).endswith("Not separated from them: c.")
    assert chosen(("a", 3.0, NAN, NAN)).startswith("a is the only schedule")


def test_what_is_dominated_in_the_means_is_told_apart_from_what_is_so_on_the_weighted_value_only():
    means = [("a", "b", "", "pareto", True, 0.99), ("a", "d", "", "pareto", False, 0.0)]
    valued = [("a", "b", "", "second", True, 1.0), ("a", "c", "", "first", True, 1.0), ("a", "c", "", "second", True, 1.0)]
    single = [("a", "d", "us_deaths", "first", True, 1.0)]

    def told(*rows: tuple[Any, ...]) -> str:
        return plain(findings.dominated(material_of({"dominance": list(rows)})))

    both = told(*means, *valued, *single)
    assert both.startswith("b (by a, confidence 99 %): the other is no worse in the mean of any objective, and better in one. ")
    weighted = "On the weighted value only, for whoever prefers more: c (by a, confidence 100 %)."
    assert both.endswith(weighted)
    assert "d (by" not in both
    assert told(valued[1], valued[2]) == f"None in the mean of every objective. {weighted}"
    assert "for whoever also shuns risk: b (by a" in told(valued[0])
    assert told(means[1], *single) == "No schedule surely dominates another over all objectives."


def test_in_one_world_the_cost_of_another_choice_is_its_interval_and_no_regret_is_shown_as_certain():
    select = [("a", 9, 3.0, 0.0, 4.5, 1.0, 1.0, 3.0, NAN), ("b", 9, 1.0, -4.5, 0.0, 0.0, 0.0, NAN, NAN)]
    regret = [("a", *(0.0,) * 7, 1.0, 1.0, 1.0, -2.0), ("b", 2.0, 1.0, 3.0, 2.0, 2.0, 1.0, 3.0, 0.0, 0.0, 0.0, 2.0)]
    material = material_of({"selection": select, "regret": regret})
    said = plain(findings.cost(material))
    assert "b by -4.50 to 0" in said
    assert "expected" not in said
    assert "This is one world only" in said
    assert list(findings.scoreboard(material).heads) == ["schedule", "value", "P(best)"]
    equal = plain(findings.cost(material_of({"selection": [select[0], ("b", *select[0][1:])]})))
    assert equal.startswith("Nothing that was seen")
    states = [(0, 0, "none", True), (1, 1, "none", True)]
    over = material_of({"selection": select, "regret": regret, "states": states})
    assert "Least expected regret: a" in plain(findings.cost(over))
    assert list(findings.scoreboard(over).heads) == ["schedule", "value", "P(best)", "regret", "at worst"]
    none = material_of({"selection": select, "regret": [regret[0], ("b", *regret[0][1:])], "states": states})
    assert "Most expected" not in plain(findings.cost(none))


def test_it_is_said_what_the_states_of_the_world_are_and_when_they_are_few():
    def worlds(draws: int, theories: int, *values: float) -> Material:
        names = [("none", True), ("none", False), ("emboldenment", True)][:theories]
        rows = [(0, draw, *name, *values) for draw in range(draws) for name in names]
        return material_of(
            {"states": rows, "reversals": [(A, B, "rival", "announcement", "none", NAN, NAN, 2, 1.0, -1.0, 3.0, 1.0, False)]}
        )

    few, many, one = worlds(19, 3, 0.1), worlds(20, 3, 0.1), worlds(1, 2)
    assert "in 57 states of the world: 19 draws of the parameters × 3 rival theories" in plain(findings.sure(few))
    assert "hints only" in plain(findings.sure(few))
    assert "hints only" not in plain(findings.sure(many))
    assert "they know nothing of parameters that are wrong" not in plain(findings.sure(many))
    assert "in 2 states of the world: 2 rival theories, parameters at their set values" in plain(findings.sure(one))
    assert "they know nothing of parameters that are wrong" in plain(findings.sure(one))
    assert "no part of a parameter" in plain(findings.reversal(many))
    assert plain(findings.reversal(one)).startswith("No rival theory surely reverses")


def test_the_early_exit_is_called_out_only_where_it_decides_and_not_to_be_varied_where_it_was_drawn():
    def told(share: float, **more: Any) -> str:
        rows = [(A, "exit_forced", 99, share, 0, 0, 0, 0, 1), (B, "exit_forced", 99, 0.001, 0, 0, 0, 0, 1)]
        return plain(findings.weakest(material_of({"summary": rows} | more)))

    assert f"ends 40 % of the runs of {A}; vary united_states.early_exit and see." in told(0.4)
    assert told(0.4, states=[(0, 0, "none", True, 0.1)]).endswith("it was drawn over its prior here.")
    assert told(0.4, states=[(0, 0, "none", True)]).endswith("and see.")
    assert "ends fewer than 1 % of any runs" in told(0.004)


def test_where_schedules_have_more_runs_than_others_the_first_table_says_so():
    rows = [(A, "us_deaths", 3, 2.0, 0, 0, 0, 0, 1), (B, "us_deaths", 2, 1.0, 0, 0, 0, 0, 1)]
    runs = [(A, "", 0), (A, "", 1), (A, "", 2), (B, "", 0), (B, "", 1)]
    uneven = findings.scoreboard(material_of({"summary": rows, "outcomes": runs}))
    assert list(uneven.heads)[:2] == ["schedule", "runs"]
    assert [plain(str(row[1])) for row in uneven.rows] == ["3", "2"]
    assert "read differences from the paired table" in uneven.how
    even = findings.scoreboard(material_of({"summary": rows, "outcomes": runs[1:]}))
    assert "runs" not in even.heads
    assert "paired table" not in even.how


def test_the_marks_of_paired_differences_are_called_verdicts_only_where_every_pair_was_judged():
    pair = (A, B, "us_deaths", 3, 0.0, -2.0, 2.0, 2, 1, "open", NAN)
    judged_too = material_of({"pairs": [pair], "differences": [(B, A, "us_deaths", 3, *(0.0,) * 7)]})
    alone = material_of({"differences": [(B, A, "us_deaths", 3, *(0.0,) * 7)]})
    assert "verdict on the pair to within the tolerance" in differences_grid(judged_too).how
    assert "for one fixed number of replications" in differences_grid(judged_too).how
    assert "excludes 0 is marked" not in differences_grid(judged_too).how
    assert "One that excludes 0 is marked" in differences_grid(alone).how
