"""The report of a comparison: every number is the file's, text stays text, and a browser needs neither network nor script."""

import json
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import altair as alt
import numpy as np
import pandas as pd
import pytest

from experiments.command import main
from sim.report.drawings import drawing, straight
from sim.report.material import TABLES
from sim.report.numbers import number, rounded
from sim.report.views import VIEWS
from tests.browser import chromium, needs_chromium, opened

A, B = "open_ended", "rapid_6_months"
OBJECTIVES = ["us_deaths:lower:1", "isis_attacks:lower:0.01"]
FEW = ["base_attacks", "us_deaths", "exit_demanded"]  # each is a panel of each picture, which takes time
NAN, INF = float("nan"), float("inf")
# what a comparison with objectives, a tolerance, limits, states and something to explain writes, with values that round badly
CONCLUDED: dict[str, list[tuple[Any, ...]]] = {
    "pairs": [
        (A, B, "base_attacks", 3, 2.34567, 0.1, 4.5, 2.2, 1.0, "higher", INF),
        (A, B, "us_deaths", 3, 0.0, -2.0, 2.0, 2, 1, "open", NAN),
    ],
    "selection": [
        (A, 3, -12.3456, -9.87654, 0.0, 0.0625, 0.1, NAN, 250.0),
        (B, 3, -4.05, 0.0, 9.87654, 0.93751, 0.99951, -4.4, NAN),
    ],
    "dominance": [(B, A, "", "pareto", True, 0.972), (A, B, "", "pareto", False, 0.0), (B, A, "us_deaths", "first", True, 1.0)],
    "tails": [
        (A, "us_deaths", "higher", 0.95, 26.0, 32.416667, 16.159, 36.25),
        (B, "us_deaths", "higher", 0.95, 1.0, 1.5, 1.0, 2.0),
    ],
    "survival": [
        (A, "exit_demanded", 100.0, 99.5, 98.0, 100.0, NAN, NAN, NAN, NAN, NAN),
        (B, "exit_demanded", 100.0, 100.0, 100.0, 100.0, 0.5, -0.25, 1.25, 1.0, 0.31731),
    ],
    "regret": [
        (A, 8.29567, 1.5, 12.25, 11.0, 15.5, 9.0, 20.0, 0.25, 0.0, 0.75, 8.0),
        (B, 0.125, 0, 0.5, 0.25, 0.75, 0.25, 1, 0.75, 0.25, 1, -8),
    ],
    "satisficing": [(A, "us_deaths", 5.0, "at_most", "runs", 1 / 3, 0.06, 0.79), (B, "", NAN, "", "states", 1.0, 0.43, 1.0)],
    "reversals": [
        (A, B, "rival", "announcement", "emboldenment", NAN, NAN, 2, 1.5, 0.25, 2.75, -8.3, True),
        (A, B, "parameter", "militias.restraint", "lowest third", 0.2, 0.31234567, 2, -9.0, -9.5, -8.5, -8.3, False),
    ],
    "value_of_information": [
        ("everything", "everything", 0.125, 0.0, 0.5, 0.25),
        ("announcement", "rival", 0.1, 0.0, 0.4, 0.2),
        ("militias.restraint", "parameter", 0.0, 0.0, 0.0, 0.00123456),
    ],
    "necessary": [(A, "exit_demanded", "militias/base attack", 2, 2, 1, 0.5, 0.0945, 0.9055)],
    "states": [(0, 0, "none", True, 0.31234567), (1, 0, "emboldenment", False, 0.31234567)],
}


def rewritten(study: Path, **config: Any) -> None:
    """Change the configuration that a study's manifest tells of."""
    manifest = json.loads((study / "study.json").read_text(encoding="utf-8"))
    manifest["config"] |= config
    (study / "study.json").write_text(json.dumps(manifest), encoding="utf-8")


def report(results: Path, *words: str, name: str = "mine") -> str:
    assert main(["report", f"results={results}", f"name={name}", *words]) == 0
    return (results / "studies" / name / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def judged(comparison, tmp_path_factory) -> Path:
    """The results of a small comparison that has every table, reported."""
    results = tmp_path_factory.mktemp("judged") / "results"
    shutil.copytree(comparison[0] / "results", results)
    study = results / "studies/mine"
    rewritten(study, objectives=OBJECTIVES, outcomes=FEW)
    for name, rows in CONCLUDED.items():
        more = ("militias.restraint",) if name == "states" else ()
        pd.DataFrame(rows, columns=[*TABLES[name], *more]).to_parquet(study / f"{name}.parquet", index=False)
    report(results, "stories=2")
    return results


@pytest.fixture(scope="module")
def file(judged) -> Path:
    return judged / "studies/mine/report.html"


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
def test_every_number_of_a_table_is_that_of_the_parquet_file_at_the_place_it_names(judged, file):
    tables: dict[str, pd.DataFrame] = {}
    checked: set[tuple[str, int, str]] = set()
    for of, _ in Reader(file.read_text(encoding="utf-8")).numbers:
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


def test_no_number_stands_in_a_table_without_its_exact_value(file):
    found = Reader(file.read_text(encoding="utf-8")).cells
    numbers = [
        cell
        for cell in found
        if not cell[0].startswith(("plan", "parameters")) or (cell[0] == "parameters" and cell[1] in (1, 2))
    ]
    assert len(numbers) > 200
    allowed = re.compile(r", default [\d.e-]+")
    assert [cell for cell in numbers if re.search(r"\d", allowed.sub("", cell[2]))] == []


def test_every_number_shown_is_its_exact_value_rounded_in_its_last_digit(file):
    found = Reader(file.read_text(encoding="utf-8")).numbers
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


def test_parameters_are_those_of_the_scenario_and_of_the_declarations(judged, file):
    from sim.scenario import declared_parameters

    contents = json.loads((judged / "studies/mine/study.json").read_text())["contents"]
    declared = {p.key: p for p in declared_parameters()}
    seen = set()
    for of, _ in Reader(file.read_text(encoding="utf-8")).numbers:
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


def test_the_first_screen_says_what_is_dominated_what_an_error_costs_and_how_sure_it_is(file):
    said = first_screen(file.read_text(encoding="utf-8")).replace("\N{NO-BREAK SPACE}", " ")
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


def test_every_colour_of_a_picture_has_another_one_in_the_dark(file):
    text = file.read_text(encoding="utf-8")
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
EVIL = "<script>pwned=1</script><img src=x onerror=pwned=1> \"onload=pwned=1 ' </style> {{7*7}} \u2028 & end"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory, compiled_before) -> Path:
    """The report of a comparison with a schedule whose every text attacks the page that shows it."""
    place = tmp_path_factory.mktemp("hostile")
    (place / "configs/schedule").mkdir(parents=True)
    step = {"name": EVIL[:80], "does": "leave", "date": "2021-05-01", "troops": "all"}
    other = {"name": "</style>{{7*7}}\u2028'\"", "does": "announce", "date": "2021-04-10"}
    schedule = {"name": "evil", "summary": EVIL, "steps": [other, step]}
    (place / "configs/schedule/evil.yaml").write_text(json.dumps(schedule), encoding="utf-8")  # JSON is YAML
    words = [
        "schedules=[open_ended,evil]",
        "replications=3",
        "weekly=2",
        "horizon_days=60",
        "figures=false",
        "executor=serial",
        "outcomes=[us_deaths]",
    ]
    where = f"results={place / 'results'}"
    assert main(["compare", "--config-dir", str(place / "configs"), *words, where, "name=mine"]) == 0
    report(place / "results", "stories=1")
    return place / "results/studies/mine/report.html"


def test_text_from_a_configuration_is_shown_as_it_is_and_nothing_else(hostile):
    text = hostile.read_text(encoding="utf-8")
    assert text.count("<script>") == text.count("</script>") == 1
    assert text.count("<style>") == text.count("</style>") == 1
    assert "<img" not in text
    assert "&lt;script&gt;pwned=1" in text
    assert "{{7*7}}" in text


# -- in a browser ------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@needs_chromium
def test_hostile_text_does_nothing_in_a_browser(browser, hostile):
    with opened(browser, hostile) as (page, witness):
        page.check("input[name=one-schedule] >> nth=1")
        assert page.evaluate("typeof pwned") == "undefined"
        assert (
            EVIL.replace("\u2028", " ").split() == page.inner_text("[data-panel='1'] > p >> nth=0").replace("\u2028", " ").split()
        )
        assert (witness.requests, witness.messages, witness.errors) == ([hostile.as_uri()], [], [])


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_asks_for_nothing_and_complains_of_nothing_in_light_and_dark(browser, file, scheme):
    with opened(browser, file, color_scheme=scheme) as (page, witness):
        bright = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert bright == (scheme == "light")
        page.click("#theme")
        assert bright != (page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)")
        for summary in page.query_selector_all("details:visible > summary"):
            summary.click()
        page.hover("#board [data-value] >> nth=0")
        assert re.fullmatch(r"-?[\d.]+ \(selection, row 1, value\)", page.inner_text("#tip"))
        assert (witness.requests, witness.messages, witness.errors) == ([file.as_uri()], [], [])
        twice = "[...document.querySelectorAll('[id]')].map(e => e.id).filter((id, k, all) => all.indexOf(id) !== k)"
        assert page.evaluate(twice) == []


CONTRAST = """() => {
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, k) => sum + v * [.2126, .7152, .0722][k], 0);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const found = parse(getComputedStyle(e).backgroundColor);
      if (found.length < 4 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const words = [...document.querySelectorAll('main *, header *')].filter(e =>
    e.checkVisibility() && [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()));
  const worst = words.map(e => {
    const style = getComputedStyle(e);
    const [a, b] = [light(parse(e.closest('svg') ? style.fill : style.color)), light(behind(e))];
    return [(Math.max(a, b) + .05) / (Math.min(a, b) + .05), e.tagName, e.textContent.slice(0, 40)];
  }).sort((a, b) => a[0] - b[0]);
  return [words.length, worst[0]];
}"""


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_what_is_behind_it(browser, file, scheme):
    with opened(browser, file, color_scheme=scheme) as (page, _):
        many, (least, *where) = page.evaluate(CONTRAST)
        assert many > 200
        assert least >= 4.5, where


@needs_chromium
def test_the_keyboard_reaches_and_works_everything(browser, file):
    with opened(browser, file) as (page, _):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        assert page.locator("article.panel:visible").count() == 1
        assert page.is_visible("#schedule-1")  # the best one's, since there are objectives
        page.focus("input[name=one-schedule]:checked")
        page.keyboard.press("ArrowLeft")
        assert page.is_visible("#schedule-0")
        assert not page.is_visible("#schedule-1")
        assert page.is_checked("input[name=stories-schedule] >> nth=0")  # both selectors go together
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.focus("#regret thead button >> nth=1")
        page.keyboard.press("Enter")
        assert page.inner_text("#regret tbody th >> nth=0") == B
        assert page.get_attribute("#regret thead th >> nth=1", "aria-sort") == "ascending"
        page.keyboard.press("Enter")
        assert page.inner_text("#regret tbody th >> nth=0") == A
        for place in (0, 1):  # open_ended's winner's curse is missing: last, whichever way
            page.click("#selection thead button >> nth=7")
            assert page.inner_text("#selection tbody tr:last-child th") == A, place
        page.focus("#board tbody tr:last-child a")
        page.keyboard.press("Enter")
        assert page.is_visible("#schedule-0")


@needs_chromium
def test_a_table_is_copied_with_its_exact_numbers(browser, file, judged):
    exact = pd.read_parquet(judged / "studies/mine/regret.parquet")
    with opened(browser, file, permissions=["clipboard-read", "clipboard-write"]) as (page, _):
        page.click(".block:has(#regret) .tools button")
        page.wait_for_function("document.querySelector('.block:has(#regret) .tools button').textContent === 'Copied'")
        lines = page.evaluate("navigator.clipboard.readText()").split("\r\n")
    assert [float(field) for field in lines[1].split(",")[1:4]] == list(exact.loc[0, ["expected", "lower", "upper"]])


@needs_chromium
def test_without_script_everything_is_shown(browser, file):
    with opened(browser, file, java_script_enabled=False) as (page, witness):
        assert page.locator("article.panel:visible").count() == 2
        assert page.locator("[data-selector]:visible").count() == 0
        assert page.locator("button:visible").count() == 0
        assert (witness.requests, witness.messages) == ([file.as_uri()], [])


@needs_chromium
def test_on_a_narrow_screen_nothing_sticks_out_and_the_first_answer_fits_a_wide_one(browser, file):
    with opened(browser, file, width=400) as (page, _):
        assert page.evaluate("document.documentElement.scrollWidth") == 400
    with opened(browser, file) as (page, _):
        assert page.evaluate("document.querySelector('.first').getBoundingClientRect().bottom") <= 800


@needs_chromium
def test_a_long_name_leaves_the_numbers_of_the_ranking_in_view(browser, file):
    long = "a_schedule_whose_name_is_as_long_as_one_may_be_" * 2
    with opened(browser, file) as (page, _):
        page.evaluate("name => document.querySelectorAll('#board a, .selector label').forEach(e => { e.append(name); })", long)
        assert page.evaluate("(b => b.scrollWidth <= b.clientWidth)(document.querySelector('#board').parentElement)")
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@needs_chromium
def test_on_paper_all_schedules_are_there_and_no_controls(browser, file):
    with opened(browser, file, color_scheme="dark") as (page, _):
        page.emulate_media(media="print")
        assert page.locator("article.panel:visible").count() == 2
        assert page.locator("button:visible, input:visible, nav:visible").count() == page.locator("th button:visible").count()
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


@needs_chromium
def test_the_description_of_the_model_is_a_page_of_the_same_kind(browser, tmp_path):
    assert main(["report", "kind=model", f"results={tmp_path}"]) == 0
    file = tmp_path / "model.html"
    with opened(browser, file) as (page, witness):
        assert page.inner_text("code:text-is('militias.restraint') >> nth=0") == "militias.restraint"
        assert "`" not in page.inner_text("main")
        assert (witness.requests, witness.messages, witness.errors) == ([file.as_uri()], [], [])


@pytest.mark.slow
def test_the_report_of_all_schedules_is_smaller_than_8_megabytes(folder):
    words = ["study=quick", "figures=false", "name=all", "draws=3", "per_state=10", "rivals=all", "draw_parameters=true"]
    assert main(["compare", *words, f"objectives=[{','.join(OBJECTIVES)}]"]) == 0
    assert len(report(folder / "results", name="all").encode()) < 8e6
