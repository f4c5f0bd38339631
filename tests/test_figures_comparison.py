"""Figures of a comparison say which pair, how sure, in which unit, of how many; and survive the tables that break pictures."""

import json
import re
import xml.etree.ElementTree as ET
from functools import cache

import numpy as np
import pandas as pd
import pytest
import vl_convert

from experiments.drawing import MADE_OF, compared, missing
from sim.analysis.objectives import read_objective
from sim.errors import RequestError
from sim.figures import FIGURES, figure, images
from sim.studies.place import place
from sim.studies.study import Study

YEARS = {"start": pd.Timestamp("2021-04-07"), "horizon_days": 1096}
FEW = ("open_ended", "phased_18_months", "full_exit_no_residual")
ODD = ("open_ended", "<script>alert('1')</script>", 'a.b[0] & "c"')
MANY = (*ODD, *(f"{i:02}_long_name_of_a_schedule_" + "x" * 13 for i in range(3, 11)))
OBJECTIVES = [read_objective("us_deaths:lower:1"), read_objective("attacks:lower:0.01")]
LABELS = {
    "attacks": ("Attacks on bases", "attacks"),
    "us_deaths": ("US deaths", "deaths"),
    "fell": ("Government fell", "share of runs"),
    "returned": ("Return of US forces", "share of runs"),
}
OF_STATES = {"states": 64, "replications": 50, "objectives": OBJECTIVES}
MORE = {
    "pairs": {},
    "selection": {"objectives": OBJECTIVES},
    "regret": OF_STATES,
    "survival": {"replications": 12, "baseline": "open_ended"},
    "reversals": {"states": 64, "objectives": OBJECTIVES},
    "information": OF_STATES,
    "tails": {"replications": 12},
    "necessary": {},
}


# -- small tables ----------------------------------------------------------------------------------------------------
def pairs(schedules=FEW, **columns) -> pd.DataFrame:
    numbers = {"mean": 3.0, "lower": 2.0, "upper": 4.0, "half_width": 1.0, "tolerance": 1.0, "verdict": "higher"}
    found = [
        {"a": a, "b": b, "outcome": "attacks", "n": 400, **numbers, "variance_ratio": 5.0}
        for i, a in enumerate(schedules)
        for b in schedules[i + 1 :]
    ]
    return pd.DataFrame(found).assign(**columns)


def selection(schedules=FEW, **columns) -> pd.DataFrame:
    numbers = {"lower": -3.0, "upper": 0.0, "p_best": 0.25, "p_within": 0.5, "corrected": np.nan, "eliminated_at": np.nan}
    found = [{"schedule": name, "n": 400, "value": -9.0 - i, **numbers} for i, name in enumerate(schedules)]
    return pd.DataFrame(found).assign(**columns)


def regret(schedules=FEW, **columns) -> pd.DataFrame:
    costs = {"expected": 1.5, "lower": 1.0, "upper": 2.0, "q90": 3.0, "maximum": 7.0, "maximum_lower": 6.0, "maximum_upper": 8.0}
    shares = {"best_share": 0.25, "best_lower": 0.125, "best_upper": 0.5, "margin": 1.0}
    return pd.DataFrame([{"schedule": name, **costs, **shares} for name in schedules]).assign(**columns)


def survival(schedules=FEW, **columns) -> pd.DataFrame:
    days = {"horizon": 1096.0, "restricted_mean": 950.0, "lower": 940.0, "upper": 960.0}
    changes = {"difference": -20.0, "difference_lower": -30.0, "difference_upper": -10.0, "log_rank": 4.0, "p": 0.04}
    names = ["open_ended", *(name for name in schedules if name != "open_ended")]
    found = [{"schedule": name, "event": event, **days, **changes} for name in names for event in ("fell", "returned")]
    return pd.DataFrame(found).assign(**columns)


def reversals(schedules=FEW, **columns) -> pd.DataFrame:
    levels = (
        ("rival", "rivals.announcement", "none", np.nan, np.nan),
        ("parameter", "isis.dependence", "highest third", 0.4, 0.6),
    )
    numbers = {"states": 21, "difference": -2.0, "lower": -3.0, "upper": -1.0, "overall": 1.0, "reversed": True}
    found = [
        {"a": a, "b": b, "kind": kind, "key": key, "level": level, "low": low, "high": high, **numbers}
        for a, b in zip(schedules, schedules[1:] or schedules, strict=False)
        for kind, key, level, low, high in levels
    ]
    return pd.DataFrame(found).assign(**columns)


def information(keys=("isis.dependence", "rivals.announcement"), **columns) -> pd.DataFrame:
    found = [
        {"of": of, "kind": "parameter", "value": worth, "lower": worth - 0.1, "upper": worth + 0.1, "naive": worth + 0.2}
        for of, worth in (("everything", 2.0), *((key, 1.0 / (i + 1)) for i, key in enumerate(keys)))
    ]
    return pd.DataFrame(found).assign(**columns)


def tails(schedules=FEW, **columns) -> pd.DataFrame:
    numbers = {"direction": "higher", "level": 0.95, "quantile": 400.0, "cvar": 450.0, "lower": 440.0, "upper": 460.0}
    found = [{"schedule": name, "outcome": outcome, **numbers} for name in schedules for outcome in ("attacks", "us_deaths")]
    return pd.DataFrame(found).assign(**columns)


def necessary(schedules=FEW, kinds=("militias/base attack", "united_states/reprisal"), **columns) -> pd.DataFrame:
    numbers = {"runs": 30, "ended": 40, "prevented": 10, "share": 0.25, "lower": 0.125, "upper": 0.5}
    return pd.DataFrame(
        [{"schedule": name, "end": "fell", "kind": kind, **numbers} for name in schedules for kind in kinds]
    ).assign(**columns)


TABLES = {made.__name__: made for made in (pairs, selection, regret, survival, reversals, information, tails, necessary)}
NUMBERS = {
    "pairs": ("mean", "lower", "upper"),
    "selection": ("value", "lower", "upper", "p_best", "p_within"),
    "regret": ("expected", "lower", "upper", "q90", "maximum", "maximum_lower", "maximum_upper", "best_share", "best_lower"),
    "survival": ("restricted_mean", "difference", "difference_lower", "difference_upper"),
    "reversals": ("difference", "lower", "upper", "overall"),
    "information": ("value", "lower", "upper"),
    "tails": ("quantile", "cvar", "lower", "upper"),
    "necessary": ("prevented", "share", "lower", "upper"),
}


def drawn(name: str, table: pd.DataFrame | None = None, **more):
    """The figure of that name: of the small table, unless another is given."""
    if table is None and not more:
        return plain(name)
    return figure(name)(TABLES[name]() if table is None else table, LABELS, **YEARS, **MORE[name] | more)


@cache
def plain(name: str):
    return figure(name)(TABLES[name](), LABELS, **YEARS, **MORE[name])


# -- what a picture says ---------------------------------------------------------------------------------------------
def title(chart) -> str:
    return " ".join(chart.to_dict(validate=False)["title"]["text"])


def subtitle(chart) -> str:
    return " ".join(chart.to_dict(validate=False)["title"]["subtitle"])


def words(chart) -> list[str]:
    """Every text in the definition of the picture, lines of one text joined. Quicker to have than the picture."""

    def walk(part, key=""):
        if isinstance(part, str):
            yield part
        elif isinstance(part, list) and key in ("text", "title", "subtitle"):
            yield " ".join(part)
        elif isinstance(part, (list, dict)):
            for name, inner in part.items() if isinstance(part, dict) else ((key, inner) for inner in part):
                yield from walk(inner, name)

    return list(walk(chart.to_dict(validate=False)))


def picture(chart) -> str:
    """Every piece of text that the picture shows, one after the other."""
    drawing = ET.fromstring(vl_convert.vegalite_to_svg(chart.to_dict(validate=False)))
    return "".join("".join(text.itertext()) for text in drawing.iter("{http://www.w3.org/2000/svg}text"))


def rows(chart, key: str) -> list[dict]:
    """Rows of the tables inside the chart that have this column."""
    found = chart.to_dict(validate=False)["datasets"].values()
    return [row for table in found for row in table if key in row]


def of(name: str, schedules: tuple[str, ...]):
    return drawn(name, information(schedules) if name == "information" else TABLES[name](schedules))


def test_a_comparison_is_drawn_as_png_and_svg():
    made = images(drawn("selection"))  # the others are drawn as SVG only, which is quicker: see below
    assert made["png"].startswith(b"\x89PNG")
    assert len(made["png"]) > 10_000
    assert ET.fromstring(made["svg"]).tag.endswith("svg")


@pytest.mark.parametrize("name", TABLES)
def test_eleven_names_that_are_long_or_odd_are_all_there_as_text(name):
    text = picture(of(name, MANY)).replace(" ", "")
    names = [schedule.replace(" ", "") for schedule in MANY]
    assert all(schedule in text for schedule in names[:-1])  # in pairs the last is a column only, its name in lines: see below
    assert name == "pairs" or names[-1] in text


def test_eleven_schedules_make_fifty_five_cells_with_every_name_in_lines():
    chart = drawn("pairs", pairs(MANY))
    assert {(row["a"], row["b"]) for row in rows(chart, "said")} == {(a, b) for i, a in enumerate(MANY) for b in MANY[i + 1 :]}
    lines = [row["line"] for row in rows(chart, "line")]
    assert sorted("".join(lines).replace(" ", "")) == sorted("".join(MANY[1:]).replace(" ", ""))
    assert [row["name"] for row in rows(chart, "name")] == list(MANY[:-1])


@pytest.mark.parametrize("name", [name for name in TABLES if name not in ("pairs", "reversals", "survival")])
def test_one_schedule_alone_is_drawn(name):
    assert "open_ended" in words(of(name, FEW[:1]))


@pytest.mark.parametrize("name", TABLES)
def test_missing_values_and_all_zeros_are_drawn(name):
    table = TABLES[name]().assign(**dict.fromkeys(NUMBERS[name], 0.0))
    table.loc[table.index[-1], list(NUMBERS[name])] = np.nan
    chart = drawn(name, table)
    assert name != "pairs" or {row["said"] for row in rows(chart, "said")} == {"0", "no value"}
    assert "NaN" not in picture(chart)
    text = words(chart)
    assert not {"nan", "NaN", "null"} & {part for word in text for part in word.split()}
    if name != "reversals":  # a reversal has its numbers, else it is none
        assert any("no value" in word or "did not occur" in word for word in text)


@pytest.mark.parametrize("name", TABLES)
def test_a_faulty_comparison_is_refused_by_name(name):
    table = TABLES[name]()
    with pytest.raises(ValueError, match=r"^the table of .* lacks the column (difference_)?lower$"):
        drawn(name, table.drop(columns=["difference_lower" if name == "survival" else "lower"]))
    with pytest.raises(ValueError, match=r"^the table of .* has no rows"):
        drawn(name, table.iloc[:0])
    with pytest.raises(ValueError, match=r"^the table of .* has two rows for "):
        drawn(name, pd.concat([table, table]))


@pytest.mark.parametrize("name", [name for name in TABLES if name != "information"])
def test_an_unknown_schedule_is_refused(name):
    with pytest.raises(ValueError, match="holds no schedule 'nowhere': it holds"):
        drawn(name, order=["nowhere"])


def test_titles_say_what_and_of_how_many():
    said = {name: title(drawn(name)) for name in TABLES}
    assert said == {
        "pairs": (
            "Attacks on bases, three years from 7 April 2021: every pair of schedules, row minus column, "
            "400 pairs of replications"
        ),
        "selection": "Which schedule is best, three years from 7 April 2021: 95 % intervals, 400 replications",
        "regret": (
            "What it costs to be wrong, three years from 7 April 2021: regret over 64 states of the world, "
            "50 replications in each"
        ),
        "survival": (
            "Days until it happens, three years from 7 April 2021: mean time without the event against open_ended, 12 pairs of "
            "replications"
        ),
        "reversals": (
            "What turns the ranking, three years from 7 April 2021: 4 reversals in 2 pairs of schedules, 64 states of the world"
        ),
        "information": (
            "What it would be worth to know, three years from 7 April 2021: 64 states of the world, 50 replications in each"
        ),
        "tails": (
            "The bad tail, three years from 7 April 2021: mean, 95 % quantile and mean of the worst 5 % of 12 replications"
        ),
        "necessary": (
            "Government fell, three years from 7 April 2021: what it needed, 40 runs that ended so under each schedule"
        ),
    }


def test_a_value_is_explained_by_its_objectives_and_has_their_unit():
    for name in ("selection", "regret", "reversals", "information"):
        chart = drawn(name)
        assert "Value: minus 1 × US deaths, minus 0.01 × Attacks on bases; higher is better." in subtitle(chart)
        assert any("units of value" in text for text in words(chart))
        one = words(drawn(name, objectives=OBJECTIVES[:1]))
        assert not any("units of value" in text for text in one)
        assert any(re.search(r", deaths\b", text) for text in one)


# -- single figures --------------------------------------------------------------------------------------------------
def test_a_verdict_has_a_shape_of_its_own_and_is_counted():
    verdicts = ["higher", "lower", "open"]
    chart = drawn("pairs", pairs(verdict=verdicts, mean=[3.0, -3.0, 0.5], lower=[2.0, -4.0, -3.0], upper=[4.0, -2.0, 4.0]))
    assert {"row is higher (1)", "row is lower (1)", "open (1)", "band: tolerance, ±1 attacks", "+0.50", "−3.00"} <= set(
        words(chart)
    )
    spec = str(chart.to_dict(validate=False))
    scale = re.search(r"'shape': \{.*?'range': \[(.*?)\]", spec)
    assert scale
    assert len(set(scale[1].split(", "))) == 5
    with pytest.raises(ValueError, match="holds no verdict 'maybe'"):
        drawn("pairs", pairs(verdict="maybe"))


def test_a_pair_in_the_other_order_turns_its_sign_and_verdict():
    chart = drawn("pairs", pairs(FEW[:2]), order=FEW[1::-1])
    (cell,) = {tuple(row[key] for key in ("a", "b", "mean", "lower", "upper", "verdict")) for row in rows(chart, "said")}
    assert cell == ("phased_18_months", "open_ended", -3.0, -4.0, -2.0, "lower")
    assert "row is lower (1)" in words(chart)


def test_what_lies_beyond_the_cell_stands_at_its_end_with_an_arrow():
    chart = drawn("pairs", pairs(FEW, mean=[30.0, -30.0, 1.0], lower=[29.0, -31.0, 0.5], upper=[31.0, -29.0, 1.5]))
    places = list({row["a"] + row["b"]: row for row in rows(chart, "inside")}.values())
    assert [(row["beyond_left"], row["inside"], row["beyond_right"]) for row in places] == [
        (False, False, True),
        (True, False, False),
        (False, True, False),
    ]
    assert all(row["left"] <= row["mean_at"] <= row["right"] for row in places)
    assert "an arrow at its end: further out" in subtitle(chart)
    assert "arrow" not in subtitle(drawn("pairs"))


def test_an_interval_cut_off_at_the_edge_of_its_cell_has_an_arrow_there_and_keeps_what_is_visible():
    table = pairs(FEW, mean=[1.0, 5.0, 0.0], lower=[-9.0, 3.0, -9.0], upper=[3.0, 7.0, np.inf])
    chart = drawn("pairs", table)
    low, high, both = {row["a"] + row["b"]: row for row in rows(chart, "inside")}.values()
    assert [(row["beyond_left"], row["inside"], row["beyond_right"]) for row in (low, high, both)] == [
        (True, True, False),
        (False, False, True),
        (True, True, True),
    ]
    assert low["lower_at"] == low["left_at"] < low["mean_at"] < low["upper_at"] < low["number_at"]
    assert high["middle"] < high["lower_at"] < high["upper_at"] == high["number_at"]
    assert (both["lower_at"], both["upper_at"]) == (both["left_at"], both["number_at"])
    json.dumps(chart.to_dict(validate=False), allow_nan=False)  # a browser reads no infinity
    shapes = re.findall(r"'shape': '(triangle-left|triangle-right|circle)'", str(chart.to_dict(validate=False)))
    assert sorted(shapes) == ["circle", "triangle-left", "triangle-right"]
    assert "an arrow at its end: further out" in subtitle(chart)


def test_several_outcomes_or_ends_need_a_choice():
    both = pd.concat([pairs(), pairs(outcome="us_deaths")])
    with pytest.raises(ValueError, match="several outcomes, choose one: attacks, us_deaths"):
        drawn("pairs", both)
    assert title(drawn("pairs", both, outcome="us_deaths")).startswith("US deaths")
    both = pd.concat([necessary(), necessary(end="returned")])
    with pytest.raises(ValueError, match="several ends, choose one: fell, returned"):
        drawn("necessary", both)
    assert title(drawn("necessary", both, end="returned")).startswith("Return of US forces")


def test_the_dot_of_selection_is_the_value_less_the_best_other_in_the_whole_table():
    chart = drawn("selection", order=FEW[1:])
    assert {row["schedule"]: row["margin"] for row in rows(chart, "margin")} == {FEW[1]: -1.0, FEW[2]: -2.0}
    assert {row["margin"] for row in rows(drawn("selection"), "margin") if row["schedule"] == FEW[0]} == {1.0}


def test_selection_calls_none_of_two_equal_schedules_the_best():
    chart = drawn("selection", selection(FEW[:2], value=-9.0, lower=0.0, upper=0.0))
    assert {row["margin"] for row in rows(chart, "margin")} == {0.0}
    assert "ends at 0, thin and orange: no better than another. One that begins at 0: no other is better." in subtitle(chart)
    assert "No bar: it and the best other cannot be told apart." in subtitle(chart)
    assert not re.search(r"0: (not )?the best", subtitle(chart))


def test_selection_writes_probabilities_never_as_certain_and_says_when_one_was_dropped():
    text = words(drawn("selection", selection(p_best=[0.0, 1.0, 0.25], eliminated_at=[np.nan, 120.0, np.nan])))
    assert {"P(best)", "<0.1 %", ">99.9 %", "25 %", "dropped", "after 120"} <= set(text)
    assert "dropped" not in words(drawn("selection"))
    assert "P(nearly best)" in words(drawn("selection"))
    assert "P(nearly best)" not in words(drawn("selection", selection(p_within=0.25)))  # the same as P(best): nothing is near
    assert title(drawn("selection", states=64)).endswith("95 % intervals, 400 replications over 64 states of the world")


def test_regret_writes_its_numbers_and_how_often_each_is_best():
    assert title(drawn("regret", states=1)).endswith("regret over one world, 50 replications")
    assert {"expected", "1.50", "maximum", "7.00", "best in", "25 % (12 to 50)"} <= set(words(drawn("regret")))


def test_survival_leaves_out_the_baseline_and_gives_its_mean():
    text = words(drawn("survival"))
    assert "open_ended" not in text
    assert "days later than under open_ended (there 950 days)" in text
    assert "950 d" in text
    with pytest.raises(ValueError, match="table of survival apart from open_ended has no rows"):
        drawn("survival", survival(FEW[:1]))


def test_only_reversals_are_drawn_the_largest_first_and_without_any_it_is_said():
    table = reversals(difference=[-1.0, -4.0, -2.0, -3.0], reversed=[True, True, False, True])
    chart = drawn("reversals", table)
    names = [row["difference"] for row in sorted(rows(chart, "overall"), key=lambda row: row["place"])]
    assert list(dict.fromkeys(names)) == [-4.0, -3.0, -1.0]
    text = words(chart)
    assert "if isis.dependence is 0.4 to 0.6 (highest third, 21 states)" in text
    assert "if rivals.announcement = none (21 states)" in text
    assert "the largest" not in subtitle(chart)
    assert "The 2 largest are shown; 1 more are in the table." in subtitle(drawn("reversals", table, most=2))
    chart = drawn("reversals", reversals(reversed=False))
    assert title(chart).startswith("What turns the ranking, three years from 7 April 2021: 0 reversals in 2 pairs")
    assert "None of 4 looks shows a reversal. Too few states or replications show none either." in words(chart)


def test_information_shows_those_worth_most_under_everything():
    keys = [f"isis.p{i}" for i in range(30)]
    chart = drawn("information", information(keys))
    assert list(dict.fromkeys(name for name in words(chart) if name.startswith("isis."))) == keys[:20]
    assert "The 20 worth most are shown; 10 more are in the table." in subtitle(chart)
    assert "everything: 2.00 (1.90 to 2.10)" in words(chart)
    ties = drawn("information", information(value=0.0, upper=[3.0, 1.0, 2.0]))
    assert next(name for name in words(ties) if "." in name and name in ("isis.dependence", "rivals.announcement")).startswith(
        "r"
    )
    with pytest.raises(ValueError, match="holds no of 'everything'"):
        drawn("information", information().iloc[1:])


def test_tails_say_which_side_is_bad_and_draw_the_mean_if_they_have_it():
    table = tails(direction=["higher", "lower"] * 3)
    assert {"attacks (high is bad), axis does not begin at 0", "450"} <= set(words(drawn("tails", table)))
    assert any(text.startswith("deaths (low is bad") for text in words(drawn("tails", table)))
    means = tails().assign(mean=300.0)
    chart = drawn("tails", means=means)
    assert {row["mean"] for row in rows(chart, "cvar")} == {300.0}
    assert "Hollow dot" in subtitle(chart)
    assert "Hollow dot" not in subtitle(drawn("tails"))
    with pytest.raises(ValueError, match=r"several levels: 0\.9, 0\.95"):
        drawn("tails", pd.concat([tails(), tails(level=0.9, outcome=["cost", "truce"] * 3)]))


def test_necessary_events_give_counts_and_name_what_did_not_occur():
    table = necessary().iloc[:-1]
    text = words(drawn("necessary", table))
    assert "10 of 40" in text
    assert text.count("did not occur") == 1  # a note, once
    chart = drawn("necessary", necessary(kinds=[f"isis/kind {i}" for i in range(12)]))
    assert "The 9 kinds that prevent most are shown; 3 more are in the table." in subtitle(chart)


# -- of a study ------------------------------------------------------------------------------------------------------
def outcomes(states: int = 1) -> pd.DataFrame:
    luck = np.random.default_rng(3)
    n = 4 * states
    return pd.concat(
        pd.DataFrame({"schedule": name, "replication": range(n), "attacks": luck.poisson(9, n), "us_deaths": luck.poisson(2, n)})
        for name in FEW
    )


def study(tmp_path, tables: dict[str, pd.DataFrame]) -> Study:
    made = Study(place(str(tmp_path)), "mine")
    for name, table in tables.items():
        made.write_table(name, table)
    return made


def manifest(**more) -> dict:
    return {"config": {"baseline": "open_ended", "confidence": 0.9, "objectives": ["us_deaths:lower:1"]}, **more}


def test_a_study_gets_the_figures_whose_tables_it_has(tmp_path):
    tables = {table: TABLES[name]() for name, (table, _) in MADE_OF.items()}
    tables["survival"] = tables["survival"].replace({"fell": "government_fell"})
    made = dict(compared(study(tmp_path, tables), manifest(states=2), outcomes(2), list(FIGURES), YEARS))
    assert list(made) == list(MADE_OF)
    assert "90 %" in subtitle(made["regret"])
    assert "2 states of the world, 4 replications in each" in title(made["information"])
    assert "worst 5 % of 8 replications" in title(made["tails"])
    assert len({row["mean"] for row in rows(made["tails"], "cvar")}) > 1
    few = dict(compared(study(tmp_path / "few", {"regret": regret()}), manifest(), outcomes(), list(FIGURES), YEARS))
    assert list(few) == ["regret"]
    assert dict(compared(study(tmp_path / "few", {}), manifest(), outcomes(), ["pairs", "fan"], YEARS)) == {}


def test_only_the_schedules_asked_for_are_drawn_and_several_outcomes_get_a_picture_each(tmp_path):
    both = pd.concat([pairs(), pairs(outcome="us_deaths")])
    some = outcomes()[lambda table: table["schedule"] != "open_ended"]
    tables = {"pairs": both, "selection": selection(), "survival": survival(event=["government_fell", "returned"] * 3)}
    made = dict(compared(study(tmp_path, tables), manifest(), some, ["pairs", "selection", "survival"], YEARS))
    assert list(made) == ["pairs_attacks", "pairs_us_deaths", "selection", "survival"]
    assert all("open_ended" not in {row.get("schedule") for row in rows(made[name], "schedule")} for name in made)
    assert {(row["a"], row["b"]) for row in rows(made["pairs_attacks"], "said")} == {FEW[1:]}
    one = outcomes()[lambda table: table["schedule"] == "open_ended"]
    assert list(dict(compared(study(tmp_path, tables), manifest(), one, list(MADE_OF), YEARS))) == ["selection"]


def test_a_figure_without_its_table_is_refused_with_what_to_ask_for(tmp_path):
    made = study(tmp_path, {"regret": regret()})
    missing(made, ["regret", "fan"])
    with pytest.raises(RequestError, match=r"'pairs': study mine has no pairs.parquet; compare makes it with tolerance"):
        missing(made, ["regret", "pairs"])
