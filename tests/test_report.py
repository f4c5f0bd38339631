"""The report of a comparison: every number is the file's, and text stays text."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import altair as alt
import numpy as np
import pandas as pd
import pytest

from experiments.command import main
from sim.report.drawings import drawing, straight
from sim.report.numbers import number, rounded
from sim.report.views import VIEWS
from tests.reports import FEW, INF, NAN, A, B, report, rewritten


class Reader(HTMLParser):
    """The numbers of a page with where they are from, and the cells of its tables without them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.numbers: list[tuple[dict[str, str], str]] = []
        self.cells: list[tuple[str, int, str]] = []  # table, column, text outside of numbers
        self.table, self.column, self.inside, self.known = "", -1, False, None
        self.rest = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        of = {key: value or "" for key, value in attrs}
        if tag == "table":
            self.table = of["id"]
        elif tag == "tr":
            self.column = -1
        elif tag in ("td", "th"):
            self.column, self.inside, self.rest = self.column + 1, True, ""
        if "data-value" in of:
            self.known = of
            self.numbers.append((of, ""))

    def handle_endtag(self, tag):
        if tag == "span":
            self.known = None
        if tag == "td":
            self.cells.append((self.table, self.column, self.rest))

    def handle_data(self, data):
        if self.known is not None:
            self.numbers[-1] = (self.known, self.numbers[-1][1] + data)
        elif self.inside:
            self.rest += data


def last_digit(shown: str) -> float:
    """What one in the last digit shown is worth."""
    return 10.0 ** -len(shown.partition(".")[2])


# -- every number is the file's ----------------------------------------------------------------------------------------
def test_every_number_of_a_table_is_that_of_the_parquet_file_at_the_place_it_names(judged, reported):
    tables: dict[str, pd.DataFrame] = {}
    checked: set[tuple[str, int, str]] = set()
    for of, _ in Reader(reported.read_text(encoding="utf-8")).numbers:
        name = of["data-table"]
        if name in ("contents", "declared"):
            continue
        table = tables.setdefault(name, pd.read_parquet(judged / f"studies/mine/{name}.parquet"))
        exact = table.loc[int(of["data-row"]), of["data-column"]]
        assert of["data-value"] == repr(float("nan") if pd.isna(exact) else float(exact)), of
        checked.add((name, int(of["data-row"]), of["data-column"]))
    for name, (_, _, columns, _, _) in VIEWS.items():  # and the other way: each number that a table is to show is there
        held = {"dominance": "holds", "reversals": "reversed"}.get(name)
        rows = tables[name] if held is None else tables[name][tables[name][held]]
        wanted = {c for column in columns if column.form not in ("text", "yes", "outcome") for c in column.columns}
        assert {(name, row, column) for row in rows.index for column in wanted} <= checked


def test_no_number_stands_in_a_table_without_its_exact_value(reported):
    found = Reader(reported.read_text(encoding="utf-8")).cells
    numbers = [
        cell
        for cell in found
        if not cell[0].startswith(("plan", "parameters")) or (cell[0] == "parameters" and cell[1] in (1, 2))
    ]
    assert len(numbers) > 200
    allowed = re.compile(r", default [\d.e-]+")
    assert [cell for cell in numbers if re.search(r"\d", allowed.sub("", cell[2]))] == []


def test_every_number_shown_is_its_exact_value_rounded_in_its_last_digit(reported):
    found = Reader(reported.read_text(encoding="utf-8")).numbers
    assert len(found) > 400
    for of, shown in found:
        exact = float(of["data-value"])
        text = shown.replace("−", "-").replace(",", "").replace("\N{NO-BREAK SPACE}", " ")
        bare, _, unit = text.partition(" ")
        if np.isnan(exact):
            assert shown == "–"
        elif np.isinf(exact):
            assert bare == ("∞" if exact > 0 else "-∞")
        elif bare[0] in "<>":
            assert 0.0 < exact < 0.001 if bare[0] == "<" else 0.999 < exact < 1.0
        elif "e" not in bare:
            scale = 100.0 if unit else 1.0
            assert abs(float(bare) - scale * exact) <= 0.5000001 * last_digit(bare), (of, shown)


def test_parameters_are_those_of_the_scenario_and_of_the_declarations(judged, reported):
    from sim.scenario import declared_parameters

    contents = json.loads((judged / "studies/mine/study.json").read_text())["contents"]
    declared = {p.key: p for p in declared_parameters()}
    seen = set()
    for of, _ in Reader(reported.read_text(encoding="utf-8")).numbers:
        if of["data-table"] == "contents":
            value = contents[of["data-row"]]
            for part in of["data-column"].split("."):
                value = value[part]
            assert float(of["data-value"]) == value
            seen.add(of["data-column"])
        elif of["data-table"] == "declared":
            assert float(of["data-value"]) == getattr(declared[of["data-row"]], of["data-column"])
    assert seen | {"militias.restraint"} == set(declared)  # that one was drawn


@pytest.mark.parametrize(
    ("value", "form", "shown"),
    [
        (1234567.8, "number", "1,234,568"),
        (0.0123456, "number", "0.012"),
        (-0.0001, "number", "0.000"),
        (-3.14159, "number", "−3.14"),
        (0.42, "share", "42\N{NO-BREAK SPACE}%"),
        (0.0049, "share", "0.49\N{NO-BREAK SPACE}%"),
        (0.9949, "share", "99\N{NO-BREAK SPACE}%"),
        (0.9962, "share", "99.6\N{NO-BREAK SPACE}%"),
        (0.99951, "share", ">99.9\N{NO-BREAK SPACE}%"),
        (0.0004, "share", "<0.1\N{NO-BREAK SPACE}%"),
        (1.0, "share", "100\N{NO-BREAK SPACE}%"),
        (0.0, "share", "0\N{NO-BREAK SPACE}%"),
        (-0.125, "points", "−12\N{NO-BREAK SPACE}pp"),
        (NAN, "share", "–"),
        (-INF, "number", "−∞"),
        (3e-5, "decimals", "0.000"),
    ],
)
def test_numbers_are_rounded_for_reading(value, form, shown):
    assert rounded(value, form) == shown


def test_a_number_escapes_where_it_is_from():
    assert "<b>" not in number(1.0, "<b>", '"', "'")


# -- the first screen --------------------------------------------------------------------------------------------------
def first_screen(text: str) -> str:
    """The answers, as text."""
    part = text[text.index('<section class="first"') : text.index('<section id="one"')]
    return " ".join(re.sub(r"<[^>]*>", "", part).replace("&#39;", "'").split())


def test_the_first_screen_says_what_is_dominated_what_an_error_costs_and_how_sure_it_is(reported):
    said = first_screen(reported.read_text(encoding="utf-8")).replace("\N{NO-BREAK SPACE}", " ")
    assert f"{B} is the best by the stated objectives, at 95 % confidence. P(best) 94 %" in said
    assert "its lead over the best other is 0 to 9.88" in said
    assert f"{A} (by {B}, confidence 97 %)" in said
    assert f"Least expected regret: {B}, 0.125 (0 to 0.500), at worst 0.750 (0.250 to 1)" in said
    assert "3 runs of each schedule in 2 states of the world: 2 rival theories, parameters drawn once, on common luck" in said
    assert "1 of 2 pairs and outcomes are decided, 1 open; those intervals hold all at once, exact for yes-or-no outcomes" in said
    assert f"{A} against {B} turns under announcement, emboldenment: 1.50 (0.250 to 2.75)" in said
    assert "whose hazard has no calibrated value" in said


def test_a_study_without_objectives_and_of_an_older_version_calls_none_best_and_says_how_to_ask_for_what_is_missing(results):
    rewritten(results / "studies/mine", objectives=[], outcomes=FEW)
    for name in ("differences", "survival", "weekly"):
        (results / f"studies/mine/{name}.parquet").unlink(missing_ok=True)
    text = report(results, "stories=0", f"schedules=[{B}]")
    said = first_screen(text)
    assert "None is called best: no objectives were stated" in said
    assert "has the highest value" not in said
    for words in (
        "objectives=[us_deaths:lower:1",
        "draw_parameters=true",
        "explain=[resurgence]",
        "limits=[us_deaths:at_most:5]",
    ):
        assert words in text
    assert 'id="regret"' not in text
    assert "stories=3" in text  # none were asked for
    assert 'id="outcomes"' in text
    assert 'id="differences"' not in text


# -- what is no report -------------------------------------------------------------------------------------------------
def refused(results: Path, capsys, *words: str) -> str:
    capsys.readouterr()
    assert main(["report", f"results={results}", *words]) == 2
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert not list(results.glob("studies/*/report.html"))
    return complaint


def test_what_cannot_be_reported_is_refused_in_one_line(results, capsys):
    study = results / "studies/mine"
    assert "no such study" in refused(results, capsys, "name=yours")
    assert "stories = 9: expected a whole number from 0 to 3" in refused(results, capsys, "name=mine", "stories=9")
    assert "no_such" in refused(results, capsys, "name=mine", "schedules=[no_such]")
    whole = pd.read_parquet(study / "summary.parquet")
    whole.drop(columns="q05").to_parquet(study / "summary.parquet")
    assert "summary.parquet has no column 'q05'" in refused(results, capsys, "name=mine")
    (study / "summary.parquet").write_bytes(b"PAR1 nothing")
    assert "summary.parquet cannot be read" in refused(results, capsys, "name=mine")
    whole.to_parquet(study / "summary.parquet")
    manifest = json.loads((study / "study.json").read_text())
    (study / "study.json").write_text(json.dumps(manifest | {"states": 8}))
    assert "there is no states.parquet" in refused(results, capsys, "name=mine")
    (study / "study.json").write_text(json.dumps(manifest))
    table = pd.read_parquet(study / "outcomes.parquet")
    table[table["schedule"] != B].to_parquet(study / "outcomes.parquet")
    assert f"outcomes.parquet has no row of '{B}'" in refused(results, capsys, "name=mine")
    (study / "study.json").write_text(json.dumps(manifest | {"application": "sweep"}))
    assert "is a sweep; a report is of a comparison" in refused(results, capsys, "name=mine")


# -- stories -----------------------------------------------------------------------------------------------------------
def test_stories_are_chosen_by_rule_and_say_which_command_tells_them_again(judged):
    from experiments.report import chosen_runs, gathered
    from sim.studies.study import find_study

    study = find_study(str(judged), "mine")
    material = gathered(study, study.read_manifest(), None, 0)
    outcomes = material.tables["outcomes"]
    value = -(outcomes["us_deaths"] + 0.01 * outcomes["isis_attacks"])
    for schedule in (A, B):
        own = value[outcomes["schedule"] == schedule]
        (_, _, median), (_, _, bad), *most = chosen_runs(material, schedule)
        assert value[median.name] == own.median()
        assert value[bad.name] == own.min()  # of three runs the one nearest to the 5 % quantile is the worst
        if schedule == B:
            apart = (own.to_numpy() - value[outcomes["schedule"] == A].to_numpy()) ** 2
            assert most[0][2]["replication"] == outcomes.loc[own.index[int(apart.argmax())], "replication"]
    text = (judged / "studies/mine/report.html").read_text(encoding="utf-8")
    assert re.search(r"posture trace scenario=[0-9a-f]{12} replication=\d", text)
    assert "April 2021: 2,500 US troops" in text


# -- pictures ----------------------------------------------------------------------------------------------------------
def test_two_pictures_of_one_page_share_no_id_and_say_what_a_mark_is():
    data = pd.DataFrame({"x": [1, 2], "y": [3, 4], "name": ['<script>"', "b"]})
    chart = alt.Chart(data).mark_bar(clip=True).encode(x="x:Q", y="y:Q", tooltip=["name:N"])
    ids = []
    for prefix in ("a-", "b-"):
        root = ElementTree.fromstring(drawing(chart, prefix, 'a "title" <b>'))
        ids += [element.get("id") for element in root.iter() if element.get("id")]
        used = re.findall(r"url\(#([^)]*)\)", ElementTree.tostring(root, encoding="unicode"))
        assert set(used) <= set(ids)
        assert root.get("aria-label") == 'a "title" <b>'
        assert any("<script>" in element.get("data-tip", "") for element in root.iter())
    assert ids
    assert len(ids) == len(set(ids))


UNCHANGED = {"none", "transparent"}  # in the dark as in the light


def test_every_colour_of_a_picture_has_another_one_in_the_dark(reported):
    text = reported.read_text(encoding="utf-8")
    style = text[text.index("<style>") : text.index("</style>")]
    ruled = set(re.findall(r'^svg \[(fill|stroke)="([^"]*)"\]', style.replace(", svg", "\nsvg"), re.MULTILINE))
    pictures = [ElementTree.fromstring(svg) for svg in re.findall(r"<svg\b.*?</svg>", text, re.DOTALL)]
    used = {(name, element.get(name, "none")) for svg in pictures for element in svg.iter() for name in ("fill", "stroke")}
    assert ("fill", "#F6F6F6") in used  # behind the pairs
    assert {one for one in used if one[1] not in UNCHANGED} <= ruled


def test_points_within_a_straight_stretch_are_left_out_of_a_line_and_no_others():
    line = re.fullmatch(r".*", "0,0L0,5L0,9L3,9L5,9L5,9L7,2L8,2")
    assert line is not None
    assert straight(line) == "0,0L0,9L5,9L7,2L8,2"


# -- hostile text ------------------------------------------------------------------------------------------------------
def test_text_from_a_configuration_is_shown_as_it_is_and_nothing_else(hostile):
    text = hostile.read_text(encoding="utf-8")
    assert text.count("<script>") == text.count("</script>") == 1
    assert text.count("<style>") == text.count("</style>") == 1
    assert "<img" not in text
    assert "&lt;script&gt;pwned=1" in text
    assert "{{7*7}}" in text
