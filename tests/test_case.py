"""What is found on the first day: troops by role, elections, anniversaries, Ramadan; all as days from the start."""

from copy import deepcopy
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.composition import Composer
from experiments.settings import split
from sim import RequestError, read_scenario
from sim.case import DATED, PLACES, YEARS, Calendar, Case, Posture, islamic, read_date, record_of
from sim.scenario import HORIZON

BASE = split(Composer("run").compose([]))[0]
START = date(2021, 4, 7)
CALENDAR = Calendar(START)


def case(**changes) -> Case:
    return Case.model_validate({**BASE["case"], **changes})


def refusal(**changes) -> str:
    """The one line with which a case is refused."""
    config = deepcopy(BASE)
    config["case"] |= changes
    with pytest.raises(RequestError) as error:
        read_scenario(config)
    assert "\n" not in str(error.value)
    return str(error.value)


# -- the case that ships ---------------------------------------------------------------------------------------------
def test_the_shipped_case_has_the_posture_of_april_2021():
    assert case().posture.by_role() == {"combat": 500, "training": 900, "enablers": 800, "special_operations": 300}
    assert case().posture.total == 2500


def test_the_shipped_dates_are_days_from_the_start():
    record = record_of(case(), CALENDAR)
    assert record["last_us_death"] == -392.0  # 11 March 2020
    assert record["elections"][:3] == [186.0, 1647.0, float("inf")]  # 10 October 2021 and 2025
    found = [day for day in record["anniversaries"] if day < float("inf")]
    assert {CALENDAR.date(day).strftime("%m-%d") for day in found} == {"01-03"}


def test_a_record_holds_plain_numbers_and_lists_of_one_length():
    empty = record_of(case(elections=[], anniversaries=[], dialogue_gap=90, cost=1), CALENDAR)
    for record in (record_of(case(), CALENDAR), empty):
        assert all(type(record[role]) is int for role in ("combat", "training", "enablers", "special"))
        assert all(type(record[key]) is float for key in ("dialogue_gap", "cost", "last_us_death"))
        lists = {key: value for key, value in record.items() if isinstance(value, list)}
        dated = {key: lists.pop(key) for key in ("dated_day", "dated_kind", "dated_lasts")}
        assert {len(values) for values in dated.values()} == {DATED}
        assert {type(kind) for kind in dated["dated_kind"]} == {int}
        assert set(lists) == {"elections", "anniversaries", "ramadan_from", "ramadan_to"}
        lengths = {key: len(value) for key, value in lists.items()}
        assert lengths.pop("anniversaries") == PLACES * YEARS
        assert set(lengths.values()) == {PLACES}
        assert {type(day) for value in lists.values() for day in value} == {float}


# -- the calendar ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("year", "first"),
    [
        (1441, date(2020, 4, 24)),
        (1442, date(2021, 4, 13)),
        (1443, date(2022, 4, 2)),
        (1444, date(2023, 3, 23)),
        (1445, date(2024, 3, 11)),
        (1446, date(2025, 3, 1)),
    ],
)
def test_ramadan_begins_within_two_days_of_the_date_announced(year, first):
    assert abs(islamic(year, 9, 1) - first) <= timedelta(days=2)


def test_the_tabular_calendar_gives_its_textbook_dates():
    assert islamic(1, 1, 1) == date(622, 7, 19)  # 16 July 622 of the Julian calendar
    assert islamic(1445, 10, 1) - islamic(1445, 9, 1) == timedelta(days=30)
    assert islamic(1364, 12, 6) == date(1945, 11, 12)  # Calendrical Calculations, appendix C


def test_thirty_years_of_the_tabular_calendar_have_10631_days():
    assert (islamic(1471, 1, 1) - islamic(1441, 1, 1)).days == 10631


@pytest.mark.parametrize("day", [date(1990, 1, 1), START, date(2021, 5, 1), date(2035, 12, 31), date(2100, 12, 31)])
def test_every_ramadan_of_the_longest_run_is_there_and_the_one_under_way(day):
    calendar = Calendar(day)
    months = calendar.ramadans
    known = [(calendar.day(islamic(year, 9, 1)), calendar.day(islamic(year, 10, 1))) for year in range(1400, 1560)]
    assert set(months) >= {(first, last) for first, last in known if last > 0.0 and first < HORIZON[1]}
    assert all(last - first == 30.0 for first, last in months)
    assert months == sorted(months)


def test_an_anniversary_comes_every_year_from_the_year_before_the_start():
    days = CALENDAR.every_year(("01-03",))
    assert CALENDAR.date(days[0]) == date(2020, 1, 3)
    assert CALENDAR.date(days[1]) == date(2021, 1, 3)
    assert days == sorted(days)


@pytest.mark.parametrize("count", [1, 2, 4, PLACES])
def test_every_anniversary_within_the_longest_run_is_kept(count):
    texts = [f"{month:02d}-{day:02d}" for day in (3, 17) for month in range(1, 13)][:count]
    wanted = [day for day in CALENDAR.every_year(tuple(texts)) if 0.0 <= day <= HORIZON[1]]
    assert set(record_of(case(anniversaries=texts), CALENDAR)["anniversaries"]) >= set(wanted)


@pytest.mark.parametrize("text", ["2021-04-07", "1990-01-01", "2100-12-31", "2024-02-29"])
def test_a_date_is_read_as_it_is_written(text):
    assert str(read_date(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        *("2021-13-01", "2021-02-29", "2021-4-7", "07.04.2021", "2021/04/07", "yesterday", "", " 2021-04-07", "2021-04-07T00:00"),
        *(None, 2021, 20210407, 2021.5, True, START, ["2021-04-07"]),
    ],
)
def test_what_is_no_date_is_refused(text):
    with pytest.raises(ValueError, match="expected a date such as 2021-04-07"):
        read_date(text)


@pytest.mark.parametrize("text", ["20210407", "2021-W14-3"])
def test_a_date_in_another_form_than_the_one_named_is_refused(text):
    with pytest.raises(ValueError, match="expected a date such as 2021-04-07"):
        read_date(text)


@pytest.mark.parametrize("text", ["1989-12-31", "2101-01-01", "0001-01-01", "9999-12-31"])
def test_a_date_out_of_reach_is_refused(text):
    with pytest.raises(ValueError, match="between 1990 and 2100"):
        read_date(text)


@settings(derandomize=True, deadline=None)
@given(st.dates(date(1990, 1, 1), date(2100, 12, 31)), st.dates(date(1990, 1, 1), date(2100, 12, 31)))
def test_days_and_dates_are_each_others_inverse(start, day):
    calendar = Calendar(start)
    assert calendar.date(calendar.day(day)) == day
    assert calendar.date(calendar.day(day) + 0.999) == day


# -- what cannot be --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"posture": {"combat": -5}}, ("case.posture.combat", "-5")),
        ({"posture": {"combat": 2.5}}, ("case.posture.combat", "2.5")),
        ({"posture": {"combat": "many"}}, ("case.posture.combat", "'many'")),
        ({"posture": {"combat": True}}, ("case.posture.combat", "true")),
        ({"posture": {"cooks": 5}}, ("case.posture.cooks", "no such key")),
        ({"posture": {}}, ("case.posture", "at least one soldier")),
        ({"posture": None}, ("case.posture",)),
        ({"last_us_death": "soon"}, ("case.last_us_death", "'soon'", "2021-04-07")),
        ({"last_us_death": "2021-04-08"}, ("case.last_us_death", "'2021-04-08'", "up to the start, 2021-04-07")),
        ({"dialogue_gap": 5}, ("case.dialogue_gap", "5", "14")),
        ({"dialogue_gap": float("nan")}, ("case.dialogue_gap", "nan")),
        ({"cost": 99}, ("case.cost", "99", "20")),
        ({"cost": float("inf")}, ("case.cost", "inf")),
        ({"elections": ["2021-10-10", "2021-02-30"]}, ("case.elections", "2021-02-30", "a date such as 2021-04-07")),
        ({"elections": "2021-10-10"}, ("case.elections", "'2021-10-10'")),
        ({"elections": ["2021-10-10"] * 17}, ("case.elections", "16")),
        ({"anniversaries": ["13-01"]}, ("case.anniversaries", "13-01", "a month and a day such as 01-03")),
        ({"anniversaries": ["02-29"]}, ("case.anniversaries", "02-29", "a month and a day such as 01-03")),
        ({"anniversaries": [103]}, ("case.anniversaries", "103")),
        ({"anniversaries": ["W01-1"]}, ("case.anniversaries", "W01-1")),
        ({"reference": {}}, ("case.reference", "at least one soldier")),
        ({"given_until": "then"}, ("case.given_until", "'then'", "2021-04-07")),
        ({"events": [{"date": "2021-05-01", "what": "truce"}]}, ("case", "given_until")),
        (
            {"events": [{"date": "2021-05-01", "what": "picnic"}], "given_until": "2021-06-01"},
            ("case.events.0.what", "picnic", "truce"),
        ),
        ({"events": [{"date": "May", "what": "truce"}], "given_until": "2021-06-01"}, ("case.events.0.date", "'May'")),
        (
            {"events": [{"date": "2021-06-01", "what": "truce"}], "given_until": "2021-06-01"},
            ("truce", "2021-06-01", "not before"),
        ),
        ({"events": [{"date": "2021-04-07", "what": "truce"}], "given_until": "2021-06-01"}, ("2021-04-07", "after the start")),
        (
            {"events": [{"date": "2021-05-01", "what": "truce", "days": 3}], "given_until": "2021-06-01"},
            ("days", "no other kind"),
        ),
        (
            {"events": [{"date": "2021-05-01", "what": "protest wave"}], "given_until": "2021-06-01"},
            ("protest wave", "need days"),
        ),
        ({"wether": "fine"}, ("case.wether", "no such key")),
    ],
    ids=lambda value: "" if isinstance(value, tuple) else "-".join(map(str, next(iter(value.items())))),
)
def test_a_case_that_cannot_be_is_refused_with_key_and_value(changes, words):
    line = refusal(**changes)
    assert [word for word in words if word not in line] == [], line


def test_a_part_of_the_case_left_out_is_named():
    for key in BASE["case"]:
        config = deepcopy(BASE)
        del config["case"][key]
        with pytest.raises(RequestError, match=rf"^case\.{key}: missing"):
            read_scenario(config)


def test_one_soldier_is_a_posture():
    assert Posture(combat=1).total == case(posture={"combat": 1}).posture.total == 1
