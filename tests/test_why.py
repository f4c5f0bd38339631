"""`posture why`, two schedules in `posture trace`, and necessary events: what differs, where it parts, and what an end needed."""

import re

import numpy as np
import pandas as pd
import pytest

from experiments.causes import COLUMNS, chosen, necessary
from experiments.command import main
from experiments.histories import event_line, left_out
from sim.analysis.proportions import wilson
from sim.divergence import ALIKE, ONE, OTHER, OTHERWISE, differences, differs, pairs, parting
from sim.engines import compiled
from sim.engines.block import Event
from sim.engines.withheld import withhold
from sim.outcomes import OUTCOMES
from sim.readings import READINGS
from sim.scenario import Scenario
from tests.worlds import SEED, content, named, outcome, scenario

pytestmark = pytest.mark.usefixtures("folder", "compiled_before")
HERE = ("schedule=deadline_missed", "horizon_days=400", "replication=3")
OF = scenario("deadline_missed", "horizon_days=400")

# A world in which only one thing can bring a demand for exit: a strike on Iraqi soil, which only a lethal attack brings. Pressure
# starts at nothing and nothing else raises it, and attacks come at a rate that nothing but a strike changes.
SINGLE = (
    *("environment=calm", "isis=defeated", "militias=one_group", "rivals/excitation=off", "case.elections=[]"),
    *("case.dialogue_gap=1000", "government.fall=0", "government.pressure=0", "government.standing=0"),
    *("government.strike_push=0.8", "government.exit_demand=0.5", "militias.civilian_ratio=0", "militias.truce_onset=0"),
    *("militias.surge_onset=0", "militias.pause_onset=0", "militias.lethality=0.007", "united_states.strike_if_harmless=0"),
    *("united_states.strike_if_lethal=1", "united_states.strike_in_iraq=1", "united_states.early_exit=0"),
    *("++schedule.aid=0", "++schedule.human_rights=0", "militias.groups.militias.ties=0", "horizon_days=1000"),
)


@pytest.fixture(scope="module")
def single() -> tuple[Scenario, pd.DataFrame]:
    of = scenario("open_ended", *SINGLE)
    table = pd.DataFrame(compiled.run_block(of, SEED, 0, 60).outcomes)
    return of, table.assign(schedule="open_ended")


def words(*more: str) -> list[str]:
    return ["why", *HERE, *more]


def said(capsys, *request: str) -> str:
    assert main(list(request)) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def refused(capsys, *request: str) -> str:
    assert main(list(request)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


# -- one known cause -----------------------------------------------------------------------------------------------------
def test_in_that_world_nobody_demands_anything_without_a_strike(single):
    _, table = single
    assert table["exit_demanded"].sum() > 10
    assert (table["us_strikes"] == 0).sum() > 10
    assert not (table["exit_demanded"] & (table["us_strikes"] == 0)).any()


def test_why_finds_the_one_cause_and_no_other_event(single, capsys):
    of, table = single
    once = table[table["exit_demanded"] & (table["us_strikes"] == 1)]["replication"].tolist()
    assert len(once) > 3
    for replication in once[:2]:
        run = compiled.replicate(of, SEED, replication, trace=True)
        (strike,) = named(run.events, "reprisal")
        request = ("why", "schedule=open_ended", *SINGLE, f"replication={replication}", "outcome=exit_demanded", "log=all.csv")
        out = said(capsys, *request)
        found = pd.read_csv("all.csv")
        needed = found[(found["prevents"] | (found["later"] > 0)) & (found["day"] < outcome(run, "exit_demanded_day"))]
        assert set(needed["withheld"]) == {strike.name, strike.cause}
        assert needed["prevents"].all()
        assert set(found[(found["of"] == "kind") & found["prevents"]]["withheld"]) == {
            "militias/base attack",
            "united_states/reprisal",
        }
        assert len(found) > 50
        assert f"[{strike.name}]: without it not at all" in out
        assert "the Iraqi government demands that US forces leave" in out


def test_the_kinds_that_one_cause_is_of_are_always_necessary_and_no_other_ever_is(single):
    of, table = single
    done: list[int] = []
    found = necessary({"open_ended": of}, SEED, table, ["exit_demanded"], 12, done.append)
    assert list(found.columns) == list(COLUMNS)
    assert sum(done) == 12
    assert set(found["ended"]) == {12}
    shares = dict(zip(found["kind"], found["share"], strict=True))
    assert shares.pop("militias/base attack") == shares.pop("united_states/reprisal") == 1.0
    assert set(shares) == {"militias/convoy attack", "government/technical talks end"}
    assert set(shares.values()) == {0.0}


# -- necessary events ----------------------------------------------------------------------------------------------------
# the kinds that bring these ends, by the rules that set their days
BRINGS = {
    "exit_demanded": {"government/exit demand"},
    "promise_broken": {"united_states/promised date", "united_states/schedule"},
}


def test_the_table_of_necessary_kinds_counts_what_running_again_by_hand_counts():
    scenarios = {name: scenario(name, "horizon_days=500") for name in ("open_ended", "deadline_missed")}
    tables = [pd.DataFrame(compiled.run_block(of, SEED, 0, 20).outcomes).assign(schedule=n) for n, of in scenarios.items()]
    table, ends = pd.concat(tables, ignore_index=True), ["exit_demanded", "promise_broken"]
    found = necessary(scenarios, SEED, table, ends, 2)
    assert list(found["schedule"].unique()) == list(scenarios)
    for row in found.to_dict("records"):
        name, end, kind = row["schedule"], row["end"], row["kind"]
        own = table[(table["schedule"] == name) & table[end]].head(2)
        occurred = prevented = 0
        for replication, day in zip(own["replication"], own[f"{end}_day"], strict=True):
            events = compiled.replicate(scenarios[name], SEED, int(replication), trace=True).events
            agent, _, activity = kind.partition("/")
            mine = [e.day for e in events if e.actor.split(":")[0] == agent and e.activity == activity]
            if kind in BRINGS[end] and day in mine:
                continue
            occurred += any(other < day for other in mine)
            again = compiled.replicate(scenarios[name], SEED, int(replication), withheld=withhold(kind, scenarios[name]))
            prevented += not outcome(again, end) and any(other < day for other in mine)
        assert (row["runs"], row["ended"], row["prevented"]) == (occurred, len(own), prevented), (name, end, kind)
        assert row["share"] == prevented / len(own)
    lower, upper = wilson(found["prevented"].astype(float), found["ended"].astype(float))
    assert np.array_equal(found["lower"], lower)
    assert np.array_equal(found["upper"], upper)
    assert len(found) > 10
    assert not found["kind"].str.contains("tempo|politics|weekly report").any()


def test_the_kind_of_the_event_that_brings_an_end_is_no_cause_of_it(capsys):
    of = scenario("rapid_6_months")
    table = pd.DataFrame(compiled.run_block(of, SEED, 0, 12).outcomes).assign(schedule="rapid_6_months")
    run = next(row for row in table[table["exit_completed"]].to_dict("records") if not row["exit_forced"])
    events = compiled.replicate(of, SEED, run["replication"], trace=True).events
    days = [event.day for event in named(events, "schedule")]
    assert days[0] < run["exit_completed_day"] in days  # the schedule acts before, and brings it
    own = table[table["replication"] == run["replication"]]
    found = necessary({"rapid_6_months": of}, SEED, own, ["exit_completed"], 1)
    assert "united_states/schedule" not in set(found["kind"])
    assert len(found) > 3
    said(capsys, "why", "schedule=rapid_6_months", f"replication={run['replication']}", "outcome=exit_completed", "log=x.csv")
    log = pd.read_csv("x.csv")
    assert set(log[log["of"] == "kind"]["withheld"]) == set(found["kind"])
    assert log[log["prevents"]]["told"].str.startswith("schedule: ").any()  # as one event it is listed


def test_where_nothing_ended_badly_nothing_was_necessary():
    of = scenario("open_ended", "horizon_days=60")
    table = pd.DataFrame(compiled.run_block(of, SEED, 0, 5).outcomes).assign(schedule="open_ended")
    found = necessary({"open_ended": of}, SEED, table, ["promise_broken"], 10)
    assert list(found.columns) == list(COLUMNS)
    assert len(found) == 0


@pytest.mark.parametrize(("ends", "most", "complaint"), [(["us_deaths"], 3, "us_deaths"), (["returned"], 0, "most = 0")])
def test_ends_that_are_none_are_refused(ends, most, complaint):
    with pytest.raises(ValueError, match=complaint):
        chosen(pd.DataFrame({"schedule": [], "replication": []}), ends, most)


# -- where two histories part ----------------------------------------------------------------------------------------------
def made(day: float, activity: str = "base attack", n: int = 1, routine: bool = False, **changed: float) -> Event:
    readings = tuple(changed.get(name, 0.0) for name in READINGS)
    actor = "isis" if routine else "militias:hardline"
    return Event(day, actor, activity, n, "", routine, (0.0,) * len(READINGS), readings)


def test_a_history_beside_itself_differs_nowhere():
    events = compiled.replicate(OF, SEED, 3, trace=True).events
    found = pairs(events, events, (OF, OF))
    assert [pair.event for pair in found] == events
    assert {pair.mark for pair in found} == {ALIKE}
    assert parting(found) is None
    assert differences(found, everything=True) == []


def test_pairs_stand_by_date_with_what_is_in_one_only_and_what_is_otherwise():
    one = [made(1.0, n=1), made(2.0, n=2, us_deaths=1.0), made(4.0, n=4)]
    other = [made(1.0, n=1), made(2.0, n=2), made(3.0, n=3), made(4.5, n=4)]
    found = pairs(one, other, (OF, OF))
    assert [(pair.day, pair.mark) for pair in found] == [(1.0, ALIKE), (2.0, OTHERWISE), (3.0, OTHER), (4.0, OTHERWISE)]
    assert parting(found) is found[1]
    assert (found[1].told_one, found[1].told_other) == (
        "the hardline group attacks a base: 1 American killed",
        "the hardline group attacks a base",
    )
    assert [pair.mark for pair in pairs(other, one, (OF, OF))] == [ALIKE, OTHERWISE, ONE, OTHERWISE]


def test_bookkeeping_differs_by_its_readings_and_is_listed_on_demand_only():
    one, other = [made(7.0, "tempo", routine=True, value=1.0, pressure=0.1)], [made(7.0, "tempo", routine=True, value=1.0)]
    (pair,) = found = pairs(one, other, (OF, OF))
    assert differs(pair)
    assert parting(found) is None
    assert differences(found) == []
    assert differences(found, everything=True) == [pair]


def test_events_in_the_same_words_with_other_readings_are_alike_to_a_story_only():
    one, other = [made(2.0, pressure=0.1), made(3.0, n=2)], [made(2.0), made(3.0, n=2)]
    found = pairs(one, other, (OF, OF))
    assert [pair.mark for pair in found] == [OTHERWISE, ALIKE]
    assert parting(found) is None
    assert differences(found) == []
    assert differences(found, everything=True) == found[:1]
    assert left_out(found) == "Different and not listed: events told in the same words 1; everything=true lists them."
    lines = [event_line(found[0], ("with it", "without it"), OF, 9, everything) for everything in (False, True)]
    assert [("  both " in line, "(not the same: pressure)" in line) for line in lines] == [(True, False), (False, True)]


def test_frequent_events_part_histories_but_are_listed_on_demand_only():
    found = pairs([made(3.0, "convoy attack")], [], (OF, OF))
    assert parting(found) is found[0]
    assert differences(found) == []
    assert differences(found, everything=True) == found


# -- why: one thing withheld -----------------------------------------------------------------------------------------------
def test_why_compares_every_outcome(capsys):
    out = said(capsys, *words("event=militias"))
    assert [o.label for o in OUTCOMES if o.kind != "day" and o.label not in out] == []


def test_why_tells_what_was_withheld_where_it_parts_what_followed_and_how_both_ended(capsys):
    run = compiled.replicate(OF, SEED, 3, trace=True)
    out = said(capsys, *words("event=step:announcement", "log=both.parquet"))
    again = compiled.replicate(OF, SEED, 3, trace=True, withheld=withhold("step:announcement", OF, run.events))
    lines = out.splitlines()
    assert "deadline_missed (scenario " in lines[0]
    assert "replication 3, seed 20210407, 400 days" in lines[0]
    assert re.fullmatch(r"Withheld: united_states/schedule#\d+, 2021-05-03: schedule: announcement", lines[1])
    parted = lines.index(next(line for line in lines if line.startswith("The two histories part on")))
    dates = [line[2:12] for line in lines if re.match(r"  \d{4}-\d\d-\d\d  (only|otherwise)", line)]
    assert dates == [dates[0], *sorted(dates[1:])]
    assert lines[parted].endswith(f"{dates[0]}:")
    assert dates[0] >= "2021-05-03"
    for label, key in (("Attacks on bases and the embassy (attacks)", "base_attacks"), ("US strikes (strikes)", "us_strikes")):
        row = next(line for line in lines if line.strip().startswith(label))
        a, b = outcome(run, key), outcome(again, key)
        assert row.split(label)[1].split() == [f"{a:,}", f"{b:,}", *([f"{a - b:+,}"] if a != b else [])]
    log = pd.read_parquet("both.parquet")
    assert log["event"].is_unique
    assert log["date"].is_monotonic_increasing
    assert set(log[log["mark"] != "only without it"]["event"]) == {event.name for event in run.events}
    assert set(log[log["mark"] != "only with it"]["event"]) == {event.name for event in again.events}
    assert f"{len(log):,} rows in both.parquet" in out


def test_an_answer_is_the_same_whichever_the_engine(capsys):
    told = [said(capsys, *words("event=militias:hardline", f"engine={engine}")) for engine in ("compiled", "reference")]
    assert told[0] == told[1]
    assert re.search(r"Withheld: militias:hardline: \d+ events, the first on 2021-", told[0])


def test_bookkeeping_is_counted_and_told_on_demand(capsys):
    some, more = (said(capsys, *words("event=militias:hardline", f"everything={e}")) for e in ("false", "true"))
    (line,) = [line for line in some.splitlines() if line.startswith("Different and not listed: bookkeeping ")]
    assert line.endswith("; everything=true lists them.")
    assert "not listed" not in more
    counted = sum(int(n) for n in re.findall(r" (\d+)[,;]", line))
    assert counted > 50
    assert len(more.splitlines()) == len(some.splitlines()) + counted - 1


def test_what_did_not_happen_changes_nothing_and_why_says_what_did(capsys):
    run = compiled.replicate(OF, SEED, 3, trace=True)
    happened = [event.n for event in named(run.events, "base attack") if event.actor == "militias:hardline"]
    missing = next(n for n in range(1, 500) if n not in happened)
    out = said(capsys, *words(f"event=militias:hardline/base attack#{missing}"))
    assert "did not happen in this replication. Withholding it changes nothing, to the bit; this was checked." in out
    near = [int(n) for n in re.findall(r"#(\d+) on \d{4}", out)]
    assert near == sorted(near)
    assert set(near) == set(sorted(happened, key=lambda n: abs(n - missing))[:3])
    assert "never happened" not in out


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        (("event=militias:hardlin/base attack#41",), "did you mean militias:hardline/base attack?"),
        (("event=step:nothing",), "no such step of deadline_missed; there are: announcement, "),
        (("outcome=government_fall",), "did you mean government_fell?"),
        (("outcome=us_deaths",), "expected a yes-or-no outcome"),
        (("outcome=returned",), "outcome = 'returned': did not happen in replication 3, seed 20210407, of deadline_missed"),
        ((), "expected one of the two"),
        (("event=isis", "outcome=returned"), "expected one of the two"),
        (("event=isis", "log=nowhere/x.csv"), "log = 'nowhere/x.csv': no such folder"),
        (("event=isis", "log=x.txt"), "expected a file name that ends in .parquet or .csv"),
        (("event=isis", "scenario=123456789012"), "schedule: not allowed beside scenario=..."),
    ],
)
def test_a_wrong_request_is_refused_in_one_line(request_, complaint, folder, capsys):
    assert complaint in refused(capsys, *words(*request_))
    assert list(folder.iterdir()) == []


def test_an_event_of_a_stored_study_is_withheld_with_the_seed_of_the_study(capsys):
    request = ("schedule=rapid_6_months", "seed=5", "replications=3", "horizon_days=100", "weekly=0", "workers=1", "name=mine")
    assert main(["run", *request]) == 0
    identity = pd.read_parquet("results/studies/mine/outcomes.parquet")["scenario"].iloc[0]
    capsys.readouterr()
    out = said(capsys, "why", f"scenario={identity}", "replication=2", "event=step:announcement")
    assert f"rapid_6_months (scenario {identity}), replication 2, seed 5, 100 days" in out
    assert "schedule: announcement" in out


def test_a_search_that_finds_no_single_event_says_so(capsys):
    of = scenario("open_ended", "horizon_days=300")
    table = compiled.run_block(of, SEED, 0, 40).outcomes
    for replication in table["replication"][table["exit_demanded"]]:
        request = ("schedule=open_ended", "horizon_days=300", f"replication={replication}", "outcome=exit_demanded", "log=x.csv")
        out = said(capsys, "why", *request)
        found = pd.read_csv("x.csv")
        day = found["day"].max()
        single = found[(found["of"] == "event") & (found["day"] < day) & (found["prevents"] | (found["later"] > 0))]
        assert ("no single one was necessary" in out) == (len(single) == 0)
        if len(single) == 0:
            return
    pytest.fail("each of these ends turned on a single event")


# -- trace of two schedules ------------------------------------------------------------------------------------------------
def test_two_schedules_are_told_side_by_side_from_where_the_same_luck_parts(capsys):
    request = ("schedules=[open_ended,deadline_missed]", "horizon_days=200", "replication=17")
    out = said(capsys, "trace", *request, "log=both.parquet")
    one, other = (scenario(name, "horizon_days=200") for name in ("open_ended", "deadline_missed"))
    runs = [compiled.replicate(of, SEED, 17, trace=True) for of in (one, other)]
    log = pd.read_parquet("both.parquet")
    assert set(log["mark"]) == {"both", "only open_ended", "only deadline_missed", "otherwise"}
    for name, run in zip(("open_ended", "deadline_missed"), runs, strict=True):
        mine = log[log[f"day ({name})"].notna()]
        assert dict(zip(mine["event"], mine[f"day ({name})"], strict=True)) == {e.name: e.day for e in run.events}
    retold = (log["told (open_ended)"] != log["told (deadline_missed)"]) | (
        log["day (open_ended)"] != log["day (deadline_missed)"]
    )
    first = log[retold & ~log["routine"]].iloc[0]
    assert (log["mark"] != "both")[retold].all()
    lines = out.splitlines()
    parted = next(k for k, line in enumerate(lines) if line.startswith("The same luck first parts on "))
    assert lines[parted].endswith(f"{first['date']:%Y-%m-%d}:")
    assert lines[parted + 1].endswith(f"[{first['event']}]")
    told = [line for line in lines[parted + 2 :] if re.match(r"  \d{4}-", line)]
    assert [line[2:12] for line in told] == sorted(line[2:12] for line in told)
    assert all(line[14:18] == "both" for line in told if line[2:12] < f"{first['date']:%Y-%m-%d}")
    attacks = [outcome(run, "base_attacks") for run in runs]
    row = next(line for line in lines if line.strip().startswith("Attacks on bases and the embassy"))
    assert row.split()[-3:] == [str(attacks[0]), str(attacks[1]), f"{attacks[0] - attacks[1]:+}"]


def twin(folder, name: str = "twin", **changed: float) -> None:
    """A schedule like open_ended in a file twin.yaml, but for what is changed."""
    (folder / "own/schedule").mkdir(parents=True)
    plan = content(scenario("open_ended"))["schedule"]
    body = {key: plan[key] for key in ("offers_timetable", "aid", "human_rights")} | changed
    text = "".join(f"{key}: {str(value).lower()}\n" for key, value in body.items())
    (folder / "own/schedule/twin.yaml").write_text(f"name: {name}\nsummary: the same\n{text}steps: []\n")


def test_under_the_same_plan_by_another_name_the_same_luck_never_parts(folder, capsys):
    twin(folder)
    out = said(capsys, "trace", "--config-dir", "own", "schedules=[open_ended,twin]", "horizon_days=100")
    assert "The same luck never parts: what happens is the same under both." in out
    assert "only " not in out


def test_two_plans_that_differ_in_aid_only_part_in_bookkeeping(folder, capsys):
    twin(folder, aid=0.9)
    request = ("trace", "--config-dir", "own", "schedules=[open_ended,twin]", "horizon_days=30")
    out = said(capsys, *request, "log=both.csv")
    log = pd.read_csv("both.csv")
    first = log[log["mark"] != "both"].iloc[0]
    line = f"The same luck never parts but in bookkeeping or in readings, first on {first['date'][:10]} [{first['event']}]"
    assert line in out.splitlines()
    assert "what happens is the same" not in out
    assert "Different and not listed: " in out
    assert (log["told (open_ended)"] == log["told (twin)"])[~log["routine"]].all()
    assert set(log["mark"]) == {"both", "otherwise"}
    more = said(capsys, *request, "everything=true")
    assert more.count("  otherwise  ") == (log["mark"] == "otherwise").sum()
    assert re.search(r"  otherwise .*\(not the same: .*standing.*\)  \[", more)


def test_a_schedule_that_is_not_called_as_its_file_is_refused(folder, capsys):
    twin(folder, "other")
    complaint = refused(capsys, "trace", "--config-dir", "own", "schedules=[open_ended,twin]")
    assert "schedule.name = 'other': expected the name of its file, twin" in complaint


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        (("schedules=[open_ended]",), "schedules = ['open_ended']: expected two names"),
        (("schedules=[open_ended,open_ended]",), "expected two names"),
        (("schedules=[open_ended,rapid_6_months,deadline_missed]",), "expected two names"),
        (("schedules=all",), "schedules = 'all': expected two names in brackets, or null"),
        (("schedules=[open_ended,rapid_6_month]",), "did you mean rapid_6_months?"),
        (("schedules=[open_ended,rapid_6_months]", "schedule=open_ended"), "schedule: not allowed beside schedules=[...]"),
        (("schedules=[open_ended,rapid_6_months]", "scenario=123456789012"), "not allowed beside"),
    ],
)
def test_other_than_two_schedules_are_refused(request_, complaint, folder, capsys):
    assert complaint in refused(capsys, "trace", *request_)
    assert list(folder.iterdir()) == []
