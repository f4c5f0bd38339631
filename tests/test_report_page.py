"""The page of a report in a browser, which needs neither network nor script for it."""

import re
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from experiments.command import main
from tests.browser import chromium, needs_chromium, opened
from tests.reports import EVIL, OBJECTIVES, A, B, report


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
def test_the_page_asks_for_nothing_and_complains_of_nothing_in_light_and_dark(browser, reported, scheme):
    with opened(browser, reported, color_scheme=scheme) as (page, witness):
        bright = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert bright == (scheme == "light")
        page.click("#theme")
        assert bright != (page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)")
        for summary in page.query_selector_all("details:visible > summary"):
            summary.click()
        page.hover("#board [data-value] >> nth=0")
        assert re.fullmatch(r"-?[\d.]+ \(selection, row 1, value\)", page.inner_text("#tip"))
        assert (witness.requests, witness.messages, witness.errors) == ([reported.as_uri()], [], [])
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
def test_all_text_stands_out_from_what_is_behind_it(browser, reported, scheme):
    with opened(browser, reported, color_scheme=scheme) as (page, _):
        many, (least, *where) = page.evaluate(CONTRAST)
        assert many > 200
        assert least >= 4.5, where


@needs_chromium
def test_the_keyboard_reaches_and_works_everything(browser, reported):
    with opened(browser, reported) as (page, _):
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
def test_a_table_is_copied_with_its_exact_numbers(browser, reported, judged):
    exact = pd.read_parquet(judged / "studies/mine/regret.parquet")
    with opened(browser, reported, permissions=["clipboard-read", "clipboard-write"]) as (page, _):
        page.click(".block:has(#regret) .tools button")
        page.wait_for_function("document.querySelector('.block:has(#regret) .tools button').textContent === 'Copied'")
        lines = page.evaluate("navigator.clipboard.readText()").split("\r\n")
    assert [float(field) for field in lines[1].split(",")[1:4]] == list(exact.loc[0, ["expected", "lower", "upper"]])


@needs_chromium
def test_without_script_everything_is_shown(browser, reported):
    with opened(browser, reported, java_script_enabled=False) as (page, witness):
        assert page.locator("article.panel:visible").count() == 2
        assert page.locator("[data-selector]:visible").count() == 0
        assert page.locator("button:visible").count() == 0
        assert (witness.requests, witness.messages) == ([reported.as_uri()], [])


@needs_chromium
def test_on_a_narrow_screen_nothing_sticks_out_and_the_first_answer_fits_a_wide_one(browser, reported):
    with opened(browser, reported, width=400) as (page, _):
        assert page.evaluate("document.documentElement.scrollWidth") == 400
    with opened(browser, reported) as (page, _):
        assert page.evaluate("document.querySelector('.first').getBoundingClientRect().bottom") <= 800


@needs_chromium
def test_a_long_name_leaves_the_numbers_of_the_ranking_in_view(browser, reported):
    long = "a_schedule_whose_name_is_as_long_as_one_may_be_" * 2
    with opened(browser, reported) as (page, _):
        page.evaluate("name => document.querySelectorAll('#board a, .selector label').forEach(e => { e.append(name); })", long)
        assert page.evaluate("(b => b.scrollWidth <= b.clientWidth)(document.querySelector('#board').parentElement)")
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@needs_chromium
def test_on_paper_all_schedules_are_there_and_no_controls(browser, reported):
    with opened(browser, reported, color_scheme="dark") as (page, _):
        page.emulate_media(media="print")
        assert page.locator("article.panel:visible").count() == 2
        assert page.locator("button:visible, input:visible, nav:visible").count() == page.locator("th button:visible").count()
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


@needs_chromium
def test_the_description_of_the_model_is_a_page_of_the_same_kind(browser, tmp_path):
    assert main(["report", "kind=model", f"results={tmp_path}"]) == 0
    reported = tmp_path / "model.html"
    with opened(browser, reported) as (page, witness):
        assert page.inner_text("code:text-is('militias.restraint') >> nth=0") == "militias.restraint"
        assert "`" not in page.inner_text("main")
        assert (witness.requests, witness.messages, witness.errors) == ([reported.as_uri()], [], [])


@pytest.mark.slow
def test_the_report_of_all_schedules_is_smaller_than_8_megabytes(folder):
    words = ["study=quick", "figures=false", "name=all", "draws=3", "per_state=10", "rivals=all", "draw_parameters=true"]
    assert main(["compare", *words, f"objectives=[{','.join(OBJECTIVES)}]"]) == 0
    assert len(report(folder / "results", name="all").encode()) < 8e6
