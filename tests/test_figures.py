"""Figures say what they show, of how many, in which unit, and survive the tables that break pictures."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from functools import cache

import numpy as np
import pandas as pd
import pytest
import vl_convert

from sim.figures import figure, save

OF_OUTCOMES = ("distributions", "fan", "timelines", "incidence", "differences")  # the rest: test_figures_comparison.py
START = pd.Timestamp("2021-04-07")
YEARS = {"start": START, "horizon_days": 1096}
SCHEDULES = ["open_ended", "phased_18_months", "full_exit_no_residual"]
LABELS = {
    "base_attacks": ("Attacks on bases and the embassy", "attacks"),
    "fell": ("Government fell", ""),
    "troops": ("US troops in Iraq", "troops"),
}


# -- small tables ----------------------------------------------------------------------------------------------------
def outcomes(schedules=SCHEDULES, n=12) -> pd.DataFrame:
    luck = np.random.default_rng(7)
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "schedule": name,
                    "scenario": "a1b2",
                    "replication": range(n),
                    "base_attacks": luck.poisson(1500, n),
                    "deaths": 0,
                    "fell": luck.random(n) < 0.4,
                    "exit_day": np.where(luck.random(n) < 0.5, np.nan, 400.0),
                }
            )
            for name in schedules
        ],
        ignore_index=True,
    )


def quantiles(table: pd.DataFrame, *names: str) -> pd.DataFrame:
    found = []
    for name in names:
        for schedule, own in table.groupby("schedule", sort=False):
            values = own[name].dropna().astype(float)
            found.append(
                {"schedule": schedule, "outcome": name, "n": len(values), "mean": values.mean(), "median": values.median()}
                | {f"q{q:02}": values.quantile(q / 100) for q in (5, 25, 75, 95)}
            )
    return pd.DataFrame(found)


def paired(schedules=SCHEDULES, n=12, **columns) -> pd.DataFrame:
    one = {
        "baseline": schedules[0],
        "outcome": "base_attacks",
        "n": n,
        "mean": -3.0,
        "lower": -5.0,
        "upper": -1.0,
        "q05": -2500.0,
        "q95": 40.0,
        "variance_ratio": 6.0,
    }
    return pd.DataFrame([one | {"schedule": name} | columns for name in schedules])


def weekly(schedules=SCHEDULES, weeks=2) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "schedule": name,
                "series": series,
                "date": START + pd.Timedelta(days=7 * week),
                "median": level,
                "q05": level * 0.5,
                "q25": level * 0.8,
                "q75": level * 1.1,
                "q95": level * 1.5,
            }
            for name in schedules
            for series, level in (("troops", 2500.0), ("base_attacks", 2.0))
            for week in range(1, weeks + 1)
        ]
    )


def shares(schedules=SCHEDULES, last=0.4) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "schedule": name,
                "event": "fell",
                "date": START + pd.Timedelta(days=day),
                "share": share,
                "lower": share * 0.8,
                "upper": share * 1.2,
            }
            for name in schedules
            for day, share in ((0, 0.0), (300, last))
        ]
    )


def planned(schedules=SCHEDULES) -> tuple[pd.DataFrame, pd.DataFrame]:
    def on(day):
        return START + pd.Timedelta(days=day)

    troops = pd.DataFrame(
        [
            {"schedule": name, "date": on(day), "troops": level}
            for name in schedules
            for day, level in ((0, 2500), (200, 900), (548, 0), (1096, 0))
        ]
    )
    steps = (
        ("say", "announcement", 0, False, on(548)),
        ("relabel", "mission", 0, False, pd.NaT),
        ("half", "departure", 200, False, pd.NaT),
        ("rest", "departure", 548, True, pd.NaT),
    )
    marks = [(name, step, clock, on(day), hollow, promise) for name in schedules for step, clock, day, hollow, promise in steps]
    return troops, pd.DataFrame(marks, columns=["schedule", "step", "clock", "date", "conditional", "promise"])


def drawn(name: str, schedules=SCHEDULES):
    """The figure of that name from the small tables."""
    return _drawn(name, tuple(schedules))


@cache
def _drawn(name: str, schedules: tuple[str, ...]):
    if name == "distributions":
        table = outcomes(schedules)
        return figure(name)(quantiles(table, "base_attacks", "fell"), table, LABELS, **YEARS)
    if name == "differences":
        return figure(name)(paired(schedules), LABELS, baseline=schedules[0], **YEARS)
    if name == "fan":
        series = ["troops", "base_attacks"][: 1 if len(schedules) > 3 else 2]
        return figure(name)(weekly(schedules), LABELS, chosen_series=series, replications=12, **YEARS)
    if name == "incidence":
        return figure(name)(shares(schedules), LABELS, replications=12, **YEARS)
    return figure(name)(*planned(schedules))


# -- what a picture says ---------------------------------------------------------------------------------------------
def title(chart) -> str:
    return " ".join(chart.to_dict(validate=False)["title"]["text"])


def words(chart) -> list[str]:
    """Every piece of text that the picture shows, lines of one text joined. (Saving checks that a chart is valid.)"""
    picture = ET.fromstring(vl_convert.vegalite_to_svg(chart.to_dict(validate=False)))
    return [
        " ".join("".join(line.itertext()) for line in ([*text] or [text]))
        for text in picture.iter("{http://www.w3.org/2000/svg}text")
    ]


def numbers(chart, key: str) -> list[dict]:
    """Rows of the tables inside the chart that have this column."""

    def walk(part):
        if isinstance(part, dict):
            for inner in part.values():
                yield from walk(inner)
        elif isinstance(part, list):
            yield from (row for row in part if isinstance(row, dict) and key in row)

    spec = chart.to_dict(validate=False)
    return list(walk(spec["datasets"]))


@pytest.mark.parametrize("name", OF_OUTCOMES)
def test_a_picture_is_written_as_png_and_svg(name, tmp_path):
    png, svg = save(drawn(name), tmp_path / "new", name)
    assert png.read_bytes().startswith(b"\x89PNG")
    assert int.from_bytes(png.read_bytes()[16:20]) > 1200  # pixels wide, enough for a slide
    assert len(png.read_bytes()) > 10_000
    assert ET.fromstring(svg.read_text()).tag.endswith("svg")


@pytest.mark.parametrize("name", OF_OUTCOMES)
def test_one_schedule_and_fifteen_with_long_names_are_drawn(name):
    long = [f"{i:02}_" + "long_name_of_a_schedule_" + "x" * 13 for i in range(15)]
    assert {len(schedule) for schedule in long} == {40}
    shown = "".join(words(drawn(name, long))).replace(" ", "")
    assert all(schedule in shown for schedule in long)
    if name != "differences":
        assert SCHEDULES[0] in words(drawn(name, SCHEDULES[:1]))


@pytest.mark.parametrize("name", OF_OUTCOMES)
def test_every_schedule_is_named_and_its_name_is_text_only(name):
    odd = ["open_ended", "<script>alert('1')</script>", 'a.b[0] & "c"', "${datum} null"]
    shown = words(drawn(name, odd))
    for schedule in odd[name == "differences" :]:
        assert schedule in shown


def test_titles_say_period_and_replications():
    assert title(drawn("distributions")) == (
        "Outcomes by schedule, three years from 7 April 2021: median, middle half and 90 % range of 12 replications"
    )
    assert title(drawn("fan")) == (
        "Week by week, three years from 7 April 2021: median, middle half and 90 % range of 12 replications"
    )
    assert title(drawn("incidence")) == (
        "Government fell, three years from 7 April 2021: cumulative share of 12 replications, with 95 % intervals"
    )
    assert title(drawn("differences")) == (
        "Attacks on bases and the embassy, three years from 7 April 2021: "
        "change from open_ended, mean and 95 % interval of 12 pairs of replications"
    )
    assert title(drawn("timelines")) == "3 withdrawal schedules as planned, 7 April 2021 to 7 April 2024"


def test_a_title_of_one_outcome_names_it_and_other_horizons_are_told_in_days():
    table = outcomes(n=1)
    chart = figure("distributions")(quantiles(table, "base_attacks"), table, LABELS, start="2021-04-07", horizon_days=60)
    assert title(chart) == (
        "Attacks on bases and the embassy, 60 days from 7 April 2021: median, middle half and 90 % range of 1 replication"
    )


def test_axes_carry_units_and_thousands_are_separated():
    shown = words(drawn("distributions"))
    assert {"attacks (axis does not begin at 0)", "% of replications"} <= set(shown)
    assert any(text.startswith("1,") for text in shown)
    assert {"change from open_ended, attacks", "−2,000"} <= set(words(drawn("differences")))
    shown = words(drawn("fan"))
    assert {"US troops in Iraq (troops)", "1,000"} <= set(shown)
    assert any(text.endswith("(attacks a week)") for text in shown)
    assert "% of replications, cumulative" in words(drawn("incidence"))
    assert {"2,500", "900", "0", "Jan 2022"} <= set(words(drawn("timelines")))


def test_without_a_label_the_name_is_spelt_with_spaces():
    table = outcomes()
    chart = figure("distributions")(quantiles(table, "base_attacks"), table, None, **YEARS)
    assert title(chart).startswith("Base attacks, three years")


# -- single figures --------------------------------------------------------------------------------------------------
def test_yes_no_outcomes_show_share_and_count():
    table = outcomes()
    happened = int(table[table["schedule"] == "open_ended"]["fell"].sum())
    assert any(text.endswith(f"%, {happened} of 12") for text in words(drawn("distributions")))


def test_distributions_draw_at_most_150_replications_a_schedule():
    table = outcomes(SCHEDULES[:1], n=400)
    chart = figure("distributions")(quantiles(table, "base_attacks"), table, LABELS, **YEARS)
    dots = numbers(chart, "jitter")
    assert [dot["value"] for dot in dots] == table["base_attacks"].head(150).tolist()
    assert "the first 150 replications" in " ".join(chart.to_dict()["title"]["subtitle"])


def test_all_zeros_and_missing_values_are_drawn_as_such():
    table = outcomes()
    table.loc[table["schedule"] == "open_ended", "exit_day"] = np.nan
    shown = words(figure("distributions")(quantiles(table, "deaths", "exit_day"), table, LABELS, **YEARS))
    assert "no value" in shown
    assert any(text.startswith("n = ") for text in shown)
    zeros = dict.fromkeys(("mean", "lower", "upper", "q05", "q95"), 0.0)
    assert "phased_18_months" in words(figure("differences")(paired(**zeros), LABELS, **YEARS))


def test_one_pair_has_a_mean_without_interval():
    table = paired(n=1, lower=np.nan, upper=np.nan)
    chart = figure("differences")(table, LABELS, **YEARS)
    assert "mean and 95 % interval of 1 pair of replications" in title(chart)
    assert "phased_18_months" in words(chart)


def test_the_baseline_is_left_out_and_must_be_one():
    assert "open_ended" not in words(drawn("differences"))
    both = pd.concat([paired(), paired(SCHEDULES[::-1])])
    with pytest.raises(ValueError, match="several baselines, choose one: open_ended, full_exit_no_residual"):
        figure("differences")(both, LABELS, **YEARS)
    chart = figure("differences")(both, LABELS, baseline="full_exit_no_residual", **YEARS)
    assert "change from full_exit_no_residual" in title(chart)


def test_changes_of_yes_no_outcomes_are_percentage_points():
    table = paired(mean=-0.03, lower=-0.05, upper=-0.01, q05=-1.0, q95=1.0)
    chart = figure("differences")(table, LABELS, yes_no=["base_attacks"], **YEARS)
    assert "change from open_ended, percentage points" in words(chart)
    assert {round(row["mean"], 9) for row in numbers(chart, "mean")} == {-3.0}


def test_an_event_that_never_happens_is_said_so():
    shown = words(figure("incidence")(shares(last=0.0), LABELS, replications=12, **YEARS))
    assert "did not happen in any replication" in shown
    assert shown.count("0 %") == 3


def test_incidence_begins_at_zero_reaches_the_horizon_and_gives_intervals():
    table = shares()[lambda rows: rows["share"] > 0]
    chart = figure("incidence")(table, LABELS, replications=12, **YEARS)
    line = [row for row in numbers(chart, "day") if row["schedule"] == "open_ended"]
    assert (line[0]["day"], line[0]["share"]) == ("7 Apr 2021", 0)
    assert line[-1]["day"] == "7 Apr 2024"
    assert {"40 %", "(32 to 48)"} <= set(words(chart))


def test_bands_are_drawn_for_few_schedules_only():
    few, many = (
        figure("incidence")(shares(names), LABELS, replications=12, **YEARS).to_dict()
        for names in (SCHEDULES, [f"schedule_{i}" for i in range(11)])
    )
    assert "area" in {layer["mark"]["type"] for layer in few["layer"]}
    assert "area" not in {layer["mark"]["type"] for layer in many["layer"]}


def test_a_schedule_without_rows_for_an_event_is_named_not_dropped():
    other = shares().assign(event="returned")
    table = pd.concat([shares(), other[other["schedule"] != "open_ended"]])
    shown = words(figure("incidence")(table, LABELS, replications=12, **YEARS))
    assert shown.count("open_ended") == 2
    assert "no data" in shown
    shown = words(figure("incidence")(table, LABELS, replications=12, order=["open_ended"], **YEARS))
    assert shown.count("no data") == 1


def test_fans_wrap_after_four_and_share_their_scale():
    table = weekly([f"schedule_{i}" for i in range(6)], weeks=1)
    table.loc[table["schedule"] == "schedule_5", "q95"] *= 4
    chart = figure("fan")(table, LABELS, replications=12, schedules=["schedule_0"], **YEARS)
    top = {tuple(layer["encoding"]["y"]["scale"]["domain"]) for panel in chart.to_dict()["concat"] for layer in panel["layer"]}
    assert top == {(0.0, 15_000.0), (0.0, 12.0)}
    wide = figure("fan")(table, LABELS, replications=12, chosen_series=["troops"], **YEARS).to_dict(validate=False)
    assert (wide["columns"], len(wide["concat"])) == (4, 2 * 4)


def test_timelines_tell_conditions_promises_and_what_comes_later():
    troops, marks = planned(SCHEDULES[:1])
    assert {"hollow: only if conditions hold", "promised date"} <= set(words(figure("timelines")(troops, marks)))
    early = troops[troops["date"] <= START + pd.Timedelta(days=200)]
    shown = words(figure("timelines")(early, marks))
    assert "promised 7 Oct 2022, 1 later step" in shown
    assert "promised date" not in shown
    undated = marks.assign(date=marks["date"].where(~marks["conditional"]))
    assert "1 undated step" in words(figure("timelines")(troops, undated))


def test_a_timeline_may_have_no_marks():
    troops, marks = planned(SCHEDULES[:1])
    assert "open_ended" in words(figure("timelines")(troops, marks.iloc[:0]))


def test_dates_depend_on_no_time_zone():
    troops, marks = planned()
    away = troops.assign(date=troops["date"].dt.tz_localize("UTC").dt.tz_convert("America/New_York"))
    chart = figure("timelines")(away, marks)
    assert chart.to_dict() == drawn("timelines").to_dict()
    assert {row["date"][10:] for row in numbers(chart, "date")} == {"T00:00:00Z"}
    assert "'type': 'utc'" in str(chart.to_dict())


def test_the_order_of_rows_decides_unless_one_is_given():
    def order(**chosen):
        chart = figure("differences")(paired(), LABELS, **chosen, **YEARS).to_dict()
        return chart["layer"][-1]["encoding"]["y"]["scale"]["domain"]

    assert order() == SCHEDULES[1:]
    assert order(order=SCHEDULES[::-1]) == SCHEDULES[:0:-1]


# -- refusals --------------------------------------------------------------------------------------------------------
def test_an_unknown_figure_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="no figure is called 'pie': there are distributions, fan"):
        figure("pie")


def test_faulty_tables_are_refused_by_name():
    with pytest.raises(ValueError, match="table of incidence lacks the column lower, upper"):
        figure("incidence")(shares().drop(columns=["lower", "upper"]), replications=12, **YEARS)
    with pytest.raises(ValueError, match="table of weekly quantiles has no rows"):
        figure("fan")(weekly().iloc[:0], replications=12, **YEARS)
    with pytest.raises(ValueError, match="two rows for schedule open_ended, baseline open_ended, outcome base_attacks"):
        figure("differences")(pd.concat([paired(), paired()]), **YEARS)
    with pytest.raises(ValueError, match="no schedule 'nowhere': it holds open_ended"):
        figure("fan")(weekly(), replications=12, schedules=["nowhere"], **YEARS)
    troops, marks = planned()
    with pytest.raises(ValueError, match="no clock 'lunch'"):
        figure("timelines")(troops, marks.assign(clock="lunch"))


@pytest.mark.parametrize("name", ["", "..", "a/b", "/etc/x"])
def test_a_picture_is_not_written_elsewhere(name, tmp_path):
    with pytest.raises(ValueError, match="no plain file name"):
        save(drawn("timelines"), tmp_path, name)


def test_importing_the_register_costs_nothing():
    asked = "import sys, sim.figures; print({'altair', 'pandas', 'vl_convert'} & set(sys.modules))"
    seen = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "set()"
