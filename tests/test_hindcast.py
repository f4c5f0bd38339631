"""posture hindcast: what comes out, that nothing later than the origin is seen, and what is refused."""

import json
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.command import main
from experiments.composition import Composer
from experiments.settings import split as parts
from experiments.verdicts import tell_coverage, tell_sum, verdict, windows_told
from sim.analysis.baselines import BASELINES
from sim.history.exits import around, compared, exit_rows
from sim.history.exits import within as shares
from sim.history.facts import Exit
from sim.history.forecasts import MODEL, Particle, of_baselines, of_model, outlook, prior_particles, rows
from sim.history.record import Window, shipped
from sim.history.simulated import Simulator, within
from sim.scenario import Scenario, read_scenario

ORIGIN = date(2020, 12, 31)
SMALL = ("posterior=none", "replications=8", "origins=[2020-12-31]", "ahead=100")
HEADER = "start,end,series,source,count,kind,note\n"


@cache
def episode() -> Scenario:
    return read_scenario(parts(Composer("hindcast").compose([]))[0])


def record() -> list[Window]:
    return within(shipped(), episode())


def scored(windows: list[Window], particles: int = 6) -> pd.DataFrame:
    look = outlook(windows, ORIGIN, 100)
    made = of_model(episode(), look, prior_particles(particles), 1)
    return pd.DataFrame(rows(look, {MODEL: made, **of_baselines(look, 1)}, 1))


@pytest.fixture(scope="module")
def made(tmp_path_factory, compiled_before) -> Path:
    """The folder of one small hindcast."""
    results = tmp_path_factory.mktemp("hindcast") / "results"
    assert main(["hindcast", *SMALL, "name=mine", f"results={results}"]) == 0
    return results / "studies" / "mine"


# -- what comes out ------------------------------------------------------------------------------------------------------
def test_every_window_after_the_origin_is_scored_by_every_method_that_can(made):
    table = pd.read_parquet(made / "forecasts.parquet")
    expected = {(w.start, w.end, w.series, w.source) for w in record() if w.start > ORIGIN}
    ours = table[table["method"] == MODEL]
    found = zip(ours["start"].dt.date, ours["end"].dt.date, ours["series"], ours["source"], strict=True)
    assert set(found) == expected
    assert len(ours) == len(expected)
    assert set(table["method"]) == {MODEL, *BASELINES}
    quantiles = table[["q05", "q25", "q50", "q75", "q95"]].to_numpy()
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert table["log_score"].between(0, 100).all()
    assert table["pit"].between(0, 1).all()
    known = {(w.series, w.source) for w in record() if w.end <= ORIGIN}
    assert (table["own"] <= [pair in known for pair in zip(table["series"], table["source"], strict=True)]).all()
    assert set(ours["own"]) == {True, False}


def test_scores_are_the_means_of_the_forecasts(made):
    forecasts, scores = (pd.read_parquet(made / f"{name}.parquet") for name in ("forecasts", "scores"))
    own = scores[(scores["series"] == "isis_attacks") & (scores["source"] == "gtd")].set_index("method")
    means = forecasts[(forecasts["series"] == "isis_attacks")].groupby("method")["crps"].mean()
    assert own["crps"].to_dict() == pytest.approx(means.to_dict())
    assert own["best"].sum() == 1


def test_what_straddles_is_listed_and_figures_and_manifest_are_there(made):
    unused = pd.read_parquet(made / "unused.parquet")
    assert unused["why"].tolist() == ["straddles the origin"]
    assert unused["source"].tolist() == ["critical_threats"]
    names = {path.name for path in (made / "figures").iterdir()}
    assert names == {f"{name}.{kind}" for name in ("windows_2020-12-31", "skill_2020-12-31", "pit") for kind in ("png", "svg")}
    manifest = json.loads((made / "study.json").read_text())
    assert (manifest["application"], manifest["complete"], manifest["origins"]) == ("hindcast", True, ["2020-12-31"])
    assert not (made / "unfinished.json").exists()


def test_the_same_command_gives_the_same_bytes_and_tells_of_losses(made, tmp_path, capsys):
    assert main(["hindcast", *SMALL, "name=mine", f"results={tmp_path}"]) == 0
    for name in ("forecasts", "scores", "unused"):
        assert (tmp_path / "studies" / "mine" / f"{name}.parquet").read_bytes() == (made / f"{name}.parquet").read_bytes()
    out = capsys.readouterr().out
    scores = pd.read_parquet(made / "scores.parquet")
    best = scores[scores["best"]]
    single = best[best["source"] != "all"]
    assert f"loses to the best baseline in {(single['skill'] < 0).sum()} of {len(single)} cases" in out
    assert out.count("LOSES by") == (best["skill"] < 0).sum()
    assert out.count("wins by") == (best["skill"] > 0).sum()
    assert "straddle it: base_attacks of critical_threats, 2020-10-20 to 2021-01-20" in out


@pytest.mark.parametrize(
    ("skill", "ends", "told"),
    [
        (-0.5, (1.0, 2.0), ["LOSES by 50%", "Poisson", "yes"]),
        (0.2, (-1.0, 2.0), ["wins by 20%", "Poisson", "no"]),
        (0.0, (np.nan, np.nan), ["ties", "Poisson", "too few"]),
    ],
)
def test_a_verdict_names_who_wins_and_whether_it_is_sure(skill, ends, told):
    row = {"skill": skill, "method": "constant_poisson", "difference_lower": ends[0], "difference_upper": ends[1], "own": 1.0}
    assert verdict([row]) == told
    assert verdict([row | {"own": 0.5}])[1] == "Poisson *"
    assert verdict([])[1] == "none to be had"


def test_floors_are_told_apart_and_so_are_windows_forecast_twice_and_wins_over_other_sources(capsys):
    about = {"start": ORIGIN, "end": ORIGIN, "series": "isis_attacks", "source": "gtd", "method": MODEL, "inside50": 0.0}
    kinds = [("exact", 1.0), ("exact", 1.0), ("about", 0.0), ("at_least", 1.0)]
    table = pd.DataFrame([about | {"kind": kind, "inside90": inside} for kind, inside in kinds])
    tell_coverage(table)
    best = {"origin": "2020-12-31", "series": "isis_attacks", "source": "gtd", "best": True, "own": 1.0}
    tell_sum(pd.DataFrame([best | {"skill": 0.1}, best | {"skill": 0.1, "own": 0.0}, best | {"skill": -0.1, "own": 0.0}]))
    out = " ".join(capsys.readouterr().out.split())
    assert "hold 2 of 3 counts (67%)" in out
    assert "3 forecasts of 1 window;" in out
    assert "1 floor (at least so many), of which they reach 1" in out
    assert "loses to the best baseline in 1 of 3 cases" in out
    assert "Of the 2 that it wins, 1 is over a baseline of other sources' windows" in out
    assert windows_told({"windows": 33, "different": 24, "floors": 2}) == "33 (of 24, 2 at least)"


# -- only what was known -------------------------------------------------------------------------------------------------
def test_nothing_but_the_past_changes_a_forecast(compiled_before):
    """Counts that straddle the origin or come after it are changed beyond recognition: no quantile moves."""
    honest = record()
    spoiled = [
        w if w.end <= ORIGIN else Window(w.start, w.end, w.series, w.source, 9 * w.count + 777, w.kind, w.note) for w in honest
    ]
    columns = ["start", "end", "series", "source", "method", "mean", "q05", "q25", "q50", "q75", "q95"]
    one, other = scored(honest)[columns], scored(spoiled)[columns]
    pd.testing.assert_frame_equal(one, other)
    doubled = [w if w.end > ORIGIN else Window(w.start, w.end, w.series, w.source, 2 * w.count, w.kind, w.note) for w in honest]
    assert not one.equals(scored(doubled)[columns])


def test_a_window_more_changes_no_other_forecast(compiled_before):
    whole = record()
    fewer = [w for w in whole if not (w.source == "afp" and w.start > ORIGIN)]
    one, other = scored(whole), scored(fewer)
    one = one[one["source"] != "afp"].reset_index(drop=True)
    pd.testing.assert_frame_equal(one, other)


def test_windows_are_parted_by_the_origin_and_by_how_far_ahead_one_looks():
    look = outlook(record(), ORIGIN, 59)
    assert all(w.end <= ORIGIN for w in look.past)
    assert all(w.start <= ORIGIN < w.end for w in look.straddling)
    assert {w.end for w in look.scored} == {date(2021, 1, 31), date(2021, 2, 28)}
    assert all(w.start > ORIGIN and w.end > date(2021, 2, 28) for w in look.later)
    assert len(look.past) + len(look.straddling) + len(look.scored) + len(look.later) == len(record())


def test_the_weight_of_a_trajectory_is_its_share_of_the_forecast(compiled_before):
    look = outlook(record(), ORIGIN, 100)
    two = [Particle({"isis.attacks": 40.0}, 0, 3.0), Particle({"isis.attacks": 400.0}, 1, 1.0)]
    one, other, both = (of_model(episode(), look, some, 1)[0] for some in (two[:1], two[1:], two))
    assert both.mean.tolist() == [one.mean[0], other.mean[0]]
    assert both.share.tolist() == [0.75, 0.25]


# -- a user's own file ---------------------------------------------------------------------------------------------------
def test_a_file_of_ones_own_takes_the_place_of_the_record(tmp_path, capsys, compiled_before):
    own = tmp_path / "own.csv"
    own.write_text(
        HEADER + "2017-01-01,2017-06-30,isis_attacks,mine,9,exact,\n2020-01-01,2020-06-30,isis_attacks,mine,300,exact,\n"
        "2021-01-01,2021-01-31,isis_attacks,mine,40,about,\n2021-02-01,2021-02-28,isis_attacks,mine,30,at_least,\n"
    )
    assert main(["hindcast", *SMALL, f"observed={own}", "name=own", f"results={tmp_path}"]) == 0
    table = pd.read_parquet(tmp_path / "studies" / "own" / "forecasts.parquet")
    assert set(table["source"]) == {"mine"}
    assert set(table["method"]) == {MODEL, "last_year_bootstrap", "constant_poisson"}
    assert table.groupby("kind")["crps"].count().to_dict() == {"about": 3, "at_least": 0}
    err = capsys.readouterr().err
    assert "a source that is not declared" in err
    assert "1 of 4 windows do not lie inside the episode, 2018-01-01 to 2021-04-07, and are not used" in err
    assert pd.read_parquet(tmp_path / "studies" / "own" / "unused.parquet")["why"].tolist() == ["outside the episode"]


OTHERS = {
    ("origins=[2020-11-30]",): "origins: ['2020-12-31'] there, ['2020-11-30'] here",
    ("ahead=120",): "ahead: 100 there, 120 here",
    (
        "posterior=calibrate",
        "population=30",
        "generations=2",
    ): "posterior: none there, calibrate here; population: None there, 30",
}


@pytest.mark.parametrize("words", OTHERS, ids=" ".join)
def test_a_study_of_that_name_is_not_written_over_by_another_hindcast(words, made, capsys):
    before = {path.name: path.read_bytes() for path in made.iterdir() if path.is_file()}
    own = [word for word in SMALL if words[0] != "posterior=calibrate" or not word.startswith("replications")]
    capsys.readouterr()
    assert main(["hindcast", *own, "name=mine", f"results={made.parent.parent}", *words]) == 2
    assert f"name = 'mine': that study differs: {OTHERS[words]}" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in made.iterdir() if path.is_file()} == before


GOOD = "2020-01-01,2020-06-30,isis_attacks,mine,300,exact,\n"
FILES = {
    "an unknown series": (
        GOOD.replace("isis_attacks", "isis_attack"),
        "line 2: series = 'isis_attack' (did you mean isis_attacks",
    ),
    "windows that overlap": (GOOD + "2020-06-30,2020-07-30,isis_attacks,mine,1,exact,\n", "line 3: overlaps line 2"),
    "a negative count": (GOOD.replace("300", "-3"), "line 2: count = '-3': expected a whole number from 0"),
    "a bad date": (GOOD.replace("2020-06-30", "2020-06-31"), "line 2: end = '2020-06-31'"),
    "nothing of the episode": (
        "1999-01-01,1999-06-30,isis_attacks,mine,3,exact,\n",
        "no window lies inside the episode, 2018-01-01",
    ),
    "nothing after the origin": (GOOD, "nothing to score: no window of the record starts after an origin"),
}


@pytest.mark.parametrize("what", FILES)
def test_a_file_is_refused_with_one_line(what, folder, capsys):
    text, said = FILES[what]
    Path("own.csv").write_text(HEADER + text)
    assert main(["hindcast", *SMALL, "observed=own.csv"]) == 2
    err = capsys.readouterr().err.removeprefix("warning: isis_attacks of mine: a source that is not declared; its coverage is ")
    err = err.removeprefix("taken to be anything from 0.15 to 1\n")
    assert err.startswith("posture: "), err
    assert err.count("\n") == 1
    assert said in err
    assert not Path("results").exists()


WRONG = {
    ("start=2010-01-01", "horizon_days=500", "case=iraq_2009"): "origins = null: expected days to forecast from",
    ("origins=[]",): "origins: expected a list of 1 to 200 dates",
    ("origins=2020-03-31",): "origins = '2020-03-31': expected a list",
    ("origins=[2020-02-30]",): "origins = '2020-02-30': expected",
    ("origins=[soon]",): "origins = 'soon': expected",
    ("origins=[2020-03-31,2020-03-31]",): "origins = '2020-03-31': there twice",
    ("origins=[2017-12-31]",): "origins = '2017-12-31': outside the episode; expected a day from 2018-01-01 to 2021-04-06",
    ("origins=[2021-04-07]",): "outside the episode",
    ("ahead=0",): "ahead = 0: expected a whole number of days from 1 to 3653",
    ("ahead=1.5",): "ahead = 1.5: expected a whole number of days",
    ("origins=[2020-12-31]", "ahead=3"): "origins = [2020-12-31]: nothing to score",
    ("origins=[2018-01-01]",): "origins = '2018-01-01': no window of the record ends by then inside the episode",
    ("origins=[2018-01-01,2020-12-31]",): "expected a later day, or posterior=none",
    ("observed=none.csv",): "observed = 'none.csv': no such file",
    ("observed=.",): "observed = '.': not a file",
    ("posterior=a/b",): "posterior = 'a/b': expected calibrate, none, or the name of a calibration",
    ("posterior=mine",): "results/studies, where there is none yet. Expected calibrate, none, or the name of a calibration",
    ("population=3",): "population = 3: expected a whole number from 20",
    ("generations=0",): "generations = 0: expected a whole number from 1",
    ("episode=iraq",): "episode=iraq: no such choice",
    ("replications=0", "posterior=none"): "replications = 0: expected a whole number from 1",
    ("engine=reference",): "engine: changes nothing in hindcast",
    ("executor=serial", "plan=true"): "executor: changes nothing in hindcast",
    ("replications=10",): "replications: changes nothing in hindcast with posterior=calibrate",
    ("population=30", "posterior=none"): "population: changes nothing in hindcast with posterior=none",
    ("posterior=none", "generations=3", "plan=true"): "generations: changes nothing in hindcast with posterior=none",
    ("posterior=mine", "population=30"): "population: changes nothing in hindcast with posterior=mine",
    ("schedule=open_ended",): "schedule = 'open_ended': not used, the episode has a schedule of its own",
    ("origin=[2020-03-31]",): "origin: no such key (did you mean origins?)",
}


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_a_wrong_request_gets_one_line_and_leaves_nothing(words, folder, capsys):
    assert main(["hindcast", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("posture: "), err
    assert err.count("\n") == 1
    assert WRONG[words] in err
    assert list(folder.iterdir()) == []


def test_only_a_calibration_can_be_a_posterior(made, folder, capsys):
    capsys.readouterr()
    assert main(["hindcast", "posterior=mine", f"results={made.parent.parent}"]) == 2
    assert "posterior = 'mine': " in capsys.readouterr().err
    assert main(["hindcast", "posterior=other", f"results={made.parent.parent}"]) == 2
    assert "there are: mine. Expected calibrate" in capsys.readouterr().err


def test_a_plan_does_nothing(folder, capsys):
    assert main(["hindcast", "plan=true"]) == 0
    assert "2020-03-31" in capsys.readouterr().out
    assert list(folder.iterdir()) == []


# -- the exit ------------------------------------------------------------------------------------------------------------
def test_the_exit_of_2011_is_told_beside_both_records(tmp_path, capsys, compiled_before):
    words = ["episode=iraq_2009_2013", "posterior=none", "replications=12", "ahead=50", "name=exit", f"results={tmp_path}"]
    assert main(["hindcast", *words]) == 0
    table = pd.read_parquet(tmp_path / "studies" / "exit" / "exits.parquet").set_index(["source", "days"])
    assert table.loc["iraq_body_count", "recorded"].to_dict() == {90: 1.02, 180: 1.1, 365: 1.14}
    assert set(table["origin"]) == {"2011-12-18"}
    assert set(table["trajectories"]) == {12}
    assert ((table["recorded"] >= table["q05"]) & (table["recorded"] <= table["q95"]) == table["inside"]).all()
    assert "Fatal attacks in so many days after the exit" in capsys.readouterr().out


def test_coverage_redrawn_changes_what_ucdp_would_have_seen_of_an_exit_and_not_what_happened(compiled_before):
    scenario = read_scenario(parts(Composer("hindcast").compose(["episode=iraq_2009_2013"]))[0])
    look = outlook(within(shipped("iraq_2009_2013"), scenario), date(2011, 12, 18), 50)
    free, redrawn = (exit_rows(scenario, look, prior_particles(5), 1, redraw=redraw) for redraw in (False, True))
    assert [row["source"] for row in free] == ["iraq_body_count", "ucdp"] * 3
    assert free[::2] == redrawn[::2]
    for one, other in zip(free[1::2], redrawn[1::2], strict=True):
        assert one["recorded"] == other["recorded"]
        assert one["mean"] != other["mean"]


def test_ratios_weigh_trajectories_and_leave_out_those_without_an_attack_before():
    found = compared(np.array([[0.0, 5.0], [10.0, 20.0], [10.0, 5.0]]), np.array([5.0, 3.0, 1.0]), 1.9)
    assert (found["q50"], found["q05"], found["trajectories"], found["inside"]) == (2.0, 0.5, 2, True)
    assert found["mean"] == pytest.approx(0.75 * 2.0 + 0.25 * 0.5)
    assert compared(np.zeros((2, 2)), np.ones(2), 1.0)["inside"] is False


def test_counts_of_partly_covered_days_are_taken_in_proportion():
    before, after = around(Exit(date(2020, 1, 31), "an exit", 31, 1.0, "a test"))
    assert (before.start, before.end, after.start, after.end) == (
        *(date(2020, 1, 1), date(2020, 1, 31)),
        *(date(2020, 2, 1), date(2020, 3, 2)),
    )
    months = [
        Window(date(2020, 2, 1), date(2020, 2, 29), after.series, after.source, 29, "exact", ""),
        Window(date(2020, 3, 1), date(2020, 3, 31), after.series, after.source, 62, "exact", ""),
    ]
    assert shares(months, after) == pytest.approx([1.0, 2 / 31])
    assert shares(months[:1], after) is None
    assert shares([], after) is None


def test_a_trajectory_has_the_same_past_whatever_is_asked_of_its_future(compiled_before):
    look = outlook(record(), ORIGIN, 100)
    short, long = (Simulator(episode(), windows, 3, ORIGIN) for windows in (look.past, [*look.past, *look.scored]))
    for replication in range(5):
        assert short({}, replication).tolist() == long({}, replication)[: len(look.past)].tolist()
