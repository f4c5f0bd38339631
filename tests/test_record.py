"""The record: what ships is sound and cited; a user's own file is read, or refused in one line."""

from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import RequestError
from sim.history import facts
from sim.history.record import COLUMNS, KINDS, SERIES, SHIPPED, Window, read_record, shipped, split

HEAD = ",".join(COLUMNS)
GOOD = "2020-07-01,2020-09-30,isis_attacks,lead_ig,230,exact,third quarter"


def file(tmp_path, *rows: str, head: str = HEAD):
    path = tmp_path / "mine.csv"
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return path


def refused(path) -> str:
    """The one line that refuses a file, less what names the file."""
    with pytest.raises(RequestError) as error:
        read_record(path)
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith(f"observed = {str(path)!r}")
    return message.removeprefix(f"observed = {str(path)!r}").lstrip(",: ")


# -- what ships ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", SHIPPED)
def test_every_source_of_the_record_is_cited(name):
    cited = {citation.id for citation in facts.citations()}
    assert {window.source for window in shipped(name)} <= cited


def test_the_record_has_the_counts_that_were_published():
    windows = shipped("iraq_2016_2021")
    assert len(windows) == 86
    assert {kind: sum(w.kind == kind for w in windows) for kind in KINDS} == {"exact": 80, "at_least": 5, "about": 1}
    assert {w.series for w in windows} == set(SERIES) - {"isis_fatal_events"}
    counts = {(w.source, w.series, w.start.isoformat()): (w.count, w.kind) for w in windows}
    assert counts["ctc", "isis_attacks", "2019-01-01"] == (1669, "exact")
    assert counts["lead_ig", "isis_attacks", "2020-07-01"] == (230, "exact")
    assert counts["fdd_tally", "base_attacks", "2019-05-01"] == (78, "at_least")
    assert counts["critical_threats", "base_attacks", "2020-10-20"] == (5, "exact")


def test_the_record_of_2009_to_2013_has_each_month_once():
    windows = shipped("iraq_2009_2013")
    assert [(w.start.year, w.start.month) for w in windows] == [(y, m) for y in range(2009, 2014) for m in range(1, 13)]
    assert {(w.series, w.source) for w in windows} == {("isis_fatal_events", "ucdp")}
    assert sum(w.count for w in windows if w.start.year == 2013) == 495


def test_a_record_that_does_not_ship_is_refused_with_the_names_of_those_that_do():
    with pytest.raises(RequestError, match=r"'iraq_2016': no such record.*iraq_2016_2021, iraq_2009_2013"):
        shipped("iraq_2016")


def test_changing_what_shipped_gave_changes_nothing_for_others():
    shipped().clear()
    assert len(shipped()) == 86


def test_troop_levels_are_in_order_and_say_what_they_rest_on():
    levels = facts.troops()
    assert [level.date for level in levels] == sorted(level.date for level in levels)
    assert {level.basis for level in levels} == {"dataset", "document", "approximate"}
    by_day = {level.date.isoformat(): level.troops for level in levels}
    assert (by_day["2008-12-31"], by_day["2020-02-16"], by_day["2021-01-15"]) == (145_000, 5_200, 2_500)


def test_dated_events_are_in_order_and_end_with_the_third_round_of_the_dialogue():
    events = facts.events()
    assert [event.date for event in events] == sorted(event.date for event in events)
    assert (events[0].date, events[-1].date) == (date(2009, 2, 27), date(2021, 4, 7))


def test_every_dated_event_of_the_case_of_2018_is_on_record():
    case = yaml.safe_load((Path(__file__).parent.parent / "configs" / "case" / "iraq_2018.yaml").read_text(encoding="utf-8"))
    known = {event.date for event in facts.events()}
    assert len(case["events"]) >= 10
    assert {event["date"] for event in case["events"]} <= known


def test_the_exit_of_2011_was_followed_by_slightly_more_fatal_incidents():
    after = {(e.date.year, e.days): e.ratio for e in facts.exits()}
    assert [after[2011, days] for days in (90, 180, 365)] == [1.02, 1.10, 1.14]
    assert len(after) == 9


# -- split ---------------------------------------------------------------------------------------------------------------
def window(start: str, end: str) -> Window:
    return Window(date.fromisoformat(start), date.fromisoformat(end), "isis_attacks", "gtd", 1, "exact", "")


def test_a_window_is_past_on_its_last_day_and_future_before_its_first():
    one = window("2020-03-01", "2020-03-31")
    assert split([one], date(2020, 3, 31)) == ([one], [], [])
    assert split([one], date(2020, 3, 30)) == ([], [one], [])
    assert split([one], date(2020, 3, 1)) == ([], [one], [])
    assert split([one], date(2020, 2, 29)) == ([], [], [one])


@given(st.dates(date(2015, 1, 1), date(2022, 1, 1)))
def test_each_window_is_in_exactly_one_part_and_the_past_holds_no_later_day(origin):
    parts = split(shipped(), origin)
    assert sorted((w for part in parts for w in part), key=repr) == sorted(shipped(), key=repr)
    past, straddling, future = parts
    assert all(w.end <= origin for w in past)
    assert all(w.start <= origin < w.end for w in straddling)
    assert all(w.start > origin for w in future)


def test_days_count_both_ends():
    assert window("2020-02-01", "2020-02-29").days == 29
    assert window("2020-02-01", "2020-02-01").days == 1


# -- reading a user's file -----------------------------------------------------------------------------------------------
def test_a_file_is_read_in_its_order(tmp_path):
    path = file(tmp_path, GOOD, "2020-01-01,2020-01-31,base_attacks,my_list,7,about,")
    first, second = read_record(path)
    assert first == Window(date(2020, 7, 1), date(2020, 9, 30), "isis_attacks", "lead_ig", 230, "exact", "third quarter")
    assert (second.source, second.count, second.note) == ("my_list", 7, "")


def test_spreadsheets_and_other_orders_of_columns_are_read_too(tmp_path):
    path = tmp_path / "mine.csv"
    rows = [
        ", ".join(reversed(COLUMNS)),
        '"a, note\r\nin two lines",exact, 3 ,gtd,isis_attacks,2020-01-31,2020-01-01',
        ",,,,,,",
        "",
    ]
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(rows).encode())
    (one,) = read_record(path)
    assert (one.count, one.kind, one.days, one.note.startswith("a, note")) == (3, "exact", 31, True)


def test_the_file_that_the_documentation_shows_can_be_read(tmp_path):
    page = (Path(__file__).parent.parent / "docs" / "record.md").read_text(encoding="utf-8")
    path = tmp_path / "mine.csv"
    path.write_text(page.split("```csv\n")[1].split("```")[0], encoding="utf-8")
    windows = read_record(path)
    assert [w.kind for w in windows] == ["exact", "exact", "at_least", "about"]
    assert windows[3].note == '"nearly three dozen" less 20'


def test_windows_of_one_source_may_touch_and_other_sources_may_share_days(tmp_path):
    path = file(
        tmp_path,
        "2020-02-01,2020-02-29,isis_attacks,gtd,21,exact,",
        "2020-01-01,2020-01-31,isis_attacks,gtd,15,exact,",
        "2020-01-01,2020-03-31,isis_attacks,ctc,566,exact,",
        "2020-01-01,2020-03-31,base_attacks,gtd,5,exact,",
    )
    assert len(read_record(path)) == 4


@pytest.mark.parametrize(
    ("row", "line"),
    [
        (
            GOOD.replace("isis_attacks", "isis_atacks"),
            "line 3: series = 'isis_atacks' (did you mean isis_attacks?): expected one of base_attacks, convoy_attacks, "
            "us_target_attacks, isis_attacks, isis_fatal_events",
        ),
        (GOOD.replace("isis_attacks", ""), "line 3: series = '': expected one of"),
        (GOOD.replace("230", "-3"), "line 3: count = '-3': expected a whole number from 0 to 1,000,000, without separators"),
        (GOOD.replace("230", "2.5"), "line 3: count = '2.5': expected a whole number"),
        (GOOD.replace("230", "1e3"), "line 3: count = '1e3': expected a whole number"),
        (GOOD.replace("230", "nan"), "line 3: count = 'nan': expected a whole number"),
        (GOOD.replace("230", "2_3"), "line 3: count = '2_3': expected a whole number"),
        (GOOD.replace("230", "٣"), "line 3: count = '٣': expected a whole number"),
        (GOOD.replace("230", ""), "line 3: count = '': expected a whole number"),
        (GOOD.replace("230", "1000001"), "line 3: count = '1000001': expected a whole number"),
        (GOOD.replace("2020-09-30", "2020-09-31"), "line 3: end = '2020-09-31': expected a date such as 2021-04-07"),
        (GOOD.replace("2020-07-01", "1 July 2020"), "line 3: start = '1 July 2020': expected a date such as 2021-04-07"),
        (GOOD.replace("2020-07-01", "1066-07-01"), "line 3: start = '1066-07-01': expected a date between 1990 and 2100"),
        (
            GOOD.replace("2020-09-30", "2020-06-30"),
            "line 3: end = '2020-06-30': before its start 2020-07-01; expected that day or a later one",
        ),
        (
            GOOD.replace("exact", "atleast"),
            "line 3: kind = 'atleast' (did you mean at_least?): expected one of exact, at_least, about",
        ),
        (GOOD.replace("lead_ig", "Lead IG"), "line 3: source = 'Lead IG': expected a short name of small letters, digits and _"),
        (GOOD.replace("lead_ig", ""), "line 3: source = '': expected a short name"),
        (GOOD.replace("lead_ig", "all"), "line 3: source = 'all': means all sources together in tables; expected another name"),
        (GOOD.replace("lead_ig", "a" * 41), "line 3: source = 'aaa"),
        (GOOD + ",more", "line 3: 8 values; expected 7: start, end, series, source, count, kind, note"),
        ("2020-01-01", "line 3: 1 values; expected 7"),
        (GOOD[:-13] + '"third', "line 3: not a row of CSV:"),
    ],
)
def test_a_wrong_value_is_refused_with_its_line_and_column(tmp_path, row, line):
    path = file(tmp_path, "2019-01-01,2019-12-31,isis_attacks,ctc,1669,exact,", row)
    assert refused(path).startswith(line)


def test_overlapping_windows_are_refused_with_both_lines(tmp_path):
    path = file(
        tmp_path,
        "2020-03-31,2020-06-30,isis_attacks,ctc,808,exact,",
        "2020-01-01,2020-03-31,isis_attacks,gtd,54,exact,",
        "2020-01-01,2020-03-31,isis_attacks,ctc,566,exact,",
    )
    assert refused(path) == (
        "line 4: overlaps line 2: isis_attacks of ctc, 2020-01-01 to 2020-03-31 and 2020-03-31 to 2020-06-30; "
        "expected windows that share no day"
    )


def test_a_row_stands_on_the_line_where_it_begins(tmp_path):
    """A quoted note may run over several lines."""
    noted = '2019-01-01,2019-12-31,isis_attacks,ctc,1669,exact,"over\nthree\nlines"'
    assert refused(file(tmp_path, noted, GOOD.replace("230", "-3"))).startswith("line 5: count = '-3'")
    assert refused(file(tmp_path, noted.replace("1669", "-3"))).startswith("line 2: count = '-3'")
    assert refused(file(tmp_path, noted, noted)).startswith("line 5: overlaps line 2")


def test_a_window_inside_a_long_one_is_found_wherever_it_stands(tmp_path):
    days = [date(2020, 1, 1) + timedelta(days=40 * k) for k in range(1, 6)]
    rows = [f"{day},{day + timedelta(days=5)},isis_attacks,gtd,1,exact," for day in days]
    path = file(tmp_path, *rows, "2020-01-01,2020-12-31,isis_attacks,gtd,9,exact,")
    assert refused(path).startswith("line 7: overlaps line 2")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "empty; expected a line of column names: start, end, series, source, count, kind, note"),
        (b"\n\n", "empty"),
        (HEAD.encode(), "no row below the column names; expected at least one"),
        (HEAD.replace("count,", "").encode(), "line 1: column 'count' is missing; expected start, end"),
        (HEAD.replace("note", "count").encode(), "line 1: column 'count' stands there 2 times; expected once"),
        (HEAD.replace("kind", "kimd").encode(), "line 1: column 'kimd': no such column (did you mean kind?)"),
        (f"{HEAD},weight".encode(), "line 1: column 'weight': no such column"),
        (GOOD.encode(), "line 1: column '2020-07-01': no such column"),
        (f"{HEAD}\n{GOOD}\0".encode(), "line 2: a NUL byte; expected text"),
        (f"{HEAD}\n{GOOD}".encode("utf-16"), "not UTF-8 (byte 1); expected a CSV file in UTF-8"),
        (f"{HEAD}\n{GOOD} caf\xe9".encode("latin-1"), "not UTF-8 (byte"),
        (b"PAR1\x15\x04\x15\xff\xfe", "not UTF-8"),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path, content, line):
    path = tmp_path / "mine.csv"
    path.write_bytes(content)
    assert refused(path).startswith(line)


def test_a_path_that_is_no_file_is_refused(tmp_path):
    assert refused(tmp_path / "nothing.csv") == "no such file; expected a CSV file"
    assert refused(tmp_path) == "not a file; expected a CSV file"
    assert refused("/dev/zero") == "not a file; expected a CSV file"
    assert "\0" not in refused("a\0b.csv")
    assert refused("x" * 300)


def test_a_path_with_a_line_break_stays_one_line(tmp_path):
    assert refused(tmp_path / "a\nb.csv") == "no such file; expected a CSV file"


def test_a_very_long_value_does_not_fill_the_screen(tmp_path):
    assert len(refused(file(tmp_path, GOOD.replace("230", "9" * 5000)))) < 300


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_whatever_text_stands_in_a_file_it_is_read_or_refused_in_one_line(text):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "mine.csv"
        path.write_text(f"{HEAD}\n{GOOD}\n{text}", encoding="utf-8", newline="")
        try:
            read_record(path)
        except RequestError as error:
            message = str(error)
        else:
            message = "read"
    assert len(message.splitlines()) == 1
