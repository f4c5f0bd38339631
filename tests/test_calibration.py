"""Calibration: a posterior that is known comes out, whoever computes it and whenever it is killed, from the past alone."""

import csv
import json
import os
import shutil
import signal
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats
from sqlalchemy.exc import OperationalError

from experiments.command import main
from experiments.composition import scenario
from experiments.particles import read_particles
from experiments.posteriors import calibrated, quantile
from sim.errors import Halted
from sim.history.calibration import Free, Generation, Task, aside, calibrate, read_generation
from sim.history.forecasts import MODEL, of_model, outlook
from sim.history.record import Window, shipped, split
from sim.history.simulated import within
from sim.history.summaries import Summaries, in_ramadan
from sim.parameters import Parameter
from sim.studies.place import place
from tests import calibrated as calibrated_records
from tests.calibrated import counted, coverage, judged, power, shares_of
from tests.processes import ended, started, until
from tests.toy import Toy

COUNTED = (14, 18, 12, 16, 15)
UNTIL = date(2018, 12, 31)
RATE = Parameter("toy", "rate", 12.0, "a month", 7.0, 20.5, (0.0, 1000.0), "judgement", "known")
IDLE = Parameter("toy", "idle", 1.0, "nothing", 0.5, 2.0, (0.0, 10.0), "judgement", "known")


def windows(counts: tuple[int, ...] = COUNTED, kind: str = "exact", source: str = "gtd") -> list[Window]:
    first = date(2019, 1, 1)
    return [
        Window(first + timedelta(days=30 * k), first + timedelta(days=30 * k + 29), "isis_attacks", source, count, kind, "")
        for k, count in enumerate(counts)
    ]


def task(counts: tuple[int, ...] = COUNTED, population: int = 40, generations: int = 3, seed: int = 3) -> Task:
    return Task([Free(RATE), Free(IDLE)], Summaries(windows(counts)), population, generations, seed)


def run(of: Task, where: Path, workers: int = 1) -> list[Generation]:
    toy = Toy(len(of.summaries.windows))
    return [generation for generation, _ in calibrate(toy, of, place(str(where)), "c", workers)]


def kept(where: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((where / "c").iterdir())}


def exact(counts: set[int]) -> tuple[float, float]:
    """Mean and standard deviation of z by numerical integration, given that the count of one window is one of these: a Poisson
    likelihood and a normal prior."""
    z = np.linspace(-4.0, 4.0, 2001)
    rate = np.array([Free(RATE).value(at) for at in z])
    weight = stats.norm.pdf(z) * stats.poisson.pmf(np.array(sorted(counts))[:, None], rate).sum(axis=0)
    weight /= weight.sum()
    mean = weight @ z
    return float(mean), float(np.sqrt(weight @ (z - mean) ** 2))


# -- a posterior that is known ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("population", [120, pytest.param(1000, marks=pytest.mark.slow)])
def test_the_posterior_of_a_poisson_rate_comes_out_and_an_idle_parameter_stays_at_its_prior(population, tmp_path):
    """One window, whose count is a sufficient summary. Given a count as near as the tolerance is, the posterior is exact."""
    last = run(task((20,), population, generations=4), tmp_path)[-1]
    rates = [Free(RATE).value(z) for z in last.z[:, 0]]
    near = {int(Toy(1)({"toy.rate": rate}, int(r))[0]) for rate, r in zip(rates, last.replication, strict=True)}
    assert near <= set(range(15, 27))
    (mean, idle), (true, spread) = last.weight @ last.z, exact(near)
    sd = np.sqrt(last.weight @ (last.z - [mean, idle]) ** 2)
    assert mean == pytest.approx(true, abs=5 * spread / last.effective**0.5)
    assert sd[0] == pytest.approx(spread, rel=4 / (2 * last.effective) ** 0.5)
    assert idle == pytest.approx(0.0, abs=5 / last.effective**0.5)
    assert sd[1] == pytest.approx(1.0, abs=4 / (2 * last.effective) ** 0.5)
    assert last.effective > population / 3


def test_each_generation_accepts_less_and_is_nearer(tmp_path):
    found = run(task(), tmp_path)
    assert [generation.number for generation in found] == [0, 1, 2]
    assert found[-1].acceptance < found[0].acceptance
    assert all((generation.distance <= generation.epsilon).all() for generation in found)
    assert all(generation.weight.sum() == pytest.approx(1.0) for generation in found)
    spread = [float(np.std([Free(RATE).value(z) for z in generation.z[:, 0]])) for generation in found]
    assert spread[-1] < spread[0]


def test_a_widened_prior_is_as_many_times_as_wide_and_keeps_its_middle():
    wide = Free(RATE, 3.0)
    assert wide.value(0.0) == pytest.approx(12.0)
    assert wide.value(0.5) == pytest.approx(Free(RATE).value(1.5))
    assert wide.value(9.0) <= RATE.bounds[1]


# -- the same to the bit ---------------------------------------------------------------------------------------------------
def test_processes_a_stop_and_a_damaged_file_change_no_bit(tmp_path):
    run(task(population=20), tmp_path / "whole")
    whole = kept(tmp_path / "whole")
    run(task(population=20), tmp_path / "two", workers=2)
    assert kept(tmp_path / "two") == whole
    run(task(population=20, generations=2), tmp_path / "later")
    state = np.random.get_state()[1].tolist()
    run(task(population=20), tmp_path / "later")
    assert np.random.get_state()[1].tolist() == state
    assert kept(tmp_path / "later") == whole
    path = tmp_path / "later" / "c" / "generation_1.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    run(task(population=20), tmp_path / "later")
    assert kept(tmp_path / "later") == whole
    run(task(population=20, generations=1, seed=4), tmp_path / "other")
    assert kept(tmp_path / "other")["generation_0.parquet"] != whole["generation_0.parquet"]


def altered(table: pa.Table, column: str, value: object) -> pa.Table:
    return table.set_column(table.column_names.index(column), column, [value])


def retold(table: pa.Table, **more: object) -> pa.Table:
    """The table with other metadata."""
    told = json.loads(table.schema.metadata[b"generation"])
    return table.replace_schema_metadata({"generation": json.dumps(told | more)})


ALTERED: dict[str, Callable[[pa.Table], pa.Table]] = {
    "weights that are halved": lambda t: altered(t, "weight", pa.array(t["weight"].to_numpy() / 2)),
    "weights of which one is no number": lambda t: altered(t, "weight", pa.array([np.nan, *t["weight"].to_numpy()[1:]])),
    "weights as text": lambda t: altered(t, "weight", pa.array(["1"] * 5)),
    "weights below 0": lambda t: altered(t, "weight", pa.array([2.0, -1.0, 0.0, 0.0, 0.0])),
    "a distance beyond the largest": lambda t: altered(t, "distance", pa.array([1e9] * 5)),
    "replications with a point": lambda t: altered(t, "replication", pa.array([1.0] * 5)),
    "replications too large": lambda t: altered(t, "replication", pa.array([2**53] * 5)),
    "too few simulations": lambda t: retold(t, simulations=4),
    "an endless distance": lambda t: retold(t, next_epsilon=float("inf")),
    "other summaries": lambda t: retold(t, next_scales={}),
    "scales below 0": lambda t: retold(
        t, next_scales=dict.fromkeys(json.loads(t.schema.metadata[b"generation"])["next_scales"], -1.0)
    ),
}


@pytest.mark.parametrize("what", ALTERED)
def test_a_generation_that_was_altered_is_not_taken(what):
    of = task(population=5, generations=1)
    fifth, names = np.full(5, 0.2), of.summaries.statistics
    made = Generation(0, np.zeros((5, 2)), fifth, fifth, np.arange(5), 1.0, 9, dict.fromkeys(names, 1.0), 0.5).table()
    assert read_generation(made, 0, of).simulations == 9
    with pytest.raises((ValueError, TypeError)):
        read_generation(ALTERED[what](made), 0, of)


def test_without_room_aside_a_calibration_says_which_folder_lacks_it(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(Halted, match=f"temporary folder {tmp_path}.*cannot be written to: disk is full"), aside():
        raise OperationalError("INSERT", {}, Exception("disk is full"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(Halted, match=r"temporary folder .*nowhere.*cannot be made: No such file"), aside():
        pass


def test_what_is_there_is_read_and_not_simulated(tmp_path):
    run(task(), tmp_path)

    def never(values: Mapping[str, float], replication: int) -> np.ndarray:
        raise AssertionError("is there already")

    assert all(there for _, there in calibrate(never, task(), place(str(tmp_path)), "c"))


WORDS = ("calibrate", "until=2018-12-31", "population=20", "generations=2", "name=mine", "workers=1")


@pytest.fixture(scope="module")
def command(tmp_path_factory, compiled_before) -> tuple[Path, str]:
    """The folder in which the command ran, in this process, where the libraries are loaded once; and what it printed."""
    where, said = tmp_path_factory.mktemp("calibrate"), StringIO()
    with redirect_stdout(said):
        assert main([*WORDS, f"results={where / 'results'}"]) == 0
    return where, said.getvalue()


def posterior(where: Path, name: str = "mine") -> bytes:
    return (where / "results" / "studies" / name / "posterior.parquet").read_bytes()


def test_a_calibration_that_is_killed_goes_on_to_the_same_posterior(command, tmp_path, capsys):
    where, _ = command
    process = started(*WORDS, cwd=tmp_path)
    try:
        until(lambda: any(tmp_path.glob("results/calibrations/*/generation_0.parquet")))
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        ended(process)
    assert not (tmp_path / "results/studies/mine/posterior.parquet").exists()
    assert main([*WORDS, f"results={tmp_path / 'results'}"]) == 0
    assert "(was there)" in capsys.readouterr().out
    assert posterior(tmp_path) == posterior(where)
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith(".writing")]


# -- the past alone --------------------------------------------------------------------------------------------------------
def episode():
    return scenario("open_ended", "episode=iraq_2018_2021")


def amounts(where: Path, **more) -> SimpleNamespace:
    return SimpleNamespace(**{"seed": 5, "population": 8, "generations": 2, "workers": 1, "results": str(where), **more})


def test_no_later_and_no_straddling_window_changes_a_bit(tmp_path, compiled_before):
    known = within(shipped(), episode())
    day = date(2018, 6, 15)  # inside a month, and a quarter, that straddle it
    past, straddling, future = split(known, day)
    assert past
    assert straddling
    assert future
    spoiled = [w if w.end <= day else Window(w.start, w.end, w.series, w.source, 7 * w.count + 3, w.kind, "") for w in known]
    honest = calibrated(episode(), known, day, amounts(tmp_path / "a"))
    other = calibrated(episode(), spoiled, day, amounts(tmp_path / "b"))
    assert honest.key == other.key
    pd.testing.assert_frame_equal(honest.table, other.table, check_exact=True)
    files = [sorted((tmp_path / name).rglob("*.parquet")) for name in "ab"]
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]
    doubled = [w if w.end > day else Window(w.start, w.end, w.series, w.source, 2 * w.count, w.kind, "") for w in known]
    different = calibrated(episode(), doubled, day, amounts(tmp_path / "b"))
    assert different.key != honest.key
    assert not different.table.equals(honest.table)


# -- the test of many posteriors, by tests.calibrated --------------------------------------------------------------------------
def test_shares_of_one_record_lie_from_0_to_1_one_a_parameter(compiled_before):
    found = shares_of(0, population=20, generations=1)
    assert len(found) == len(counted()[1]) >= 14
    assert all(0.0 <= share <= 1.0 for share in found)


def test_coverage_over_records_tells_narrow_posteriors_from_right_ones():
    z = np.random.default_rng(3).standard_normal((64, 14))
    right, narrow = (stats.norm.cdf(z / sd) for sd in (1.0, 0.8))
    assert coverage(right).verdict == "as it should be"
    assert coverage(narrow).verdict == "TOO NARROW"
    assert coverage(narrow).mean == pytest.approx(2 * stats.norm.cdf(0.8 * 1.645) - 1, abs=5 * (0.15 / z.size) ** 0.5)
    rows = judged(np.clip(right, 0.0, 1.0), [str(k) for k in range(14)])
    assert all(sum(map(int, row[1].split())) == 64 for row in rows)
    with pytest.raises(ValueError, match="63 of 64"):
        judged(np.where(np.arange(64)[:, None] == 5, 1.0 + 2e-16 + 1e-9, right), ["a"])


def test_uniformity_sees_a_shift_more_than_a_narrow_posterior():
    assert power(64, 14) < 0.01
    assert power(64, 14, shift=0.5) > power(64, 14, sd=0.6)


def test_the_published_rows_are_of_the_shares_of_all_records():
    rows, covered = calibrated_records.kept()
    with calibrated_records.TABLE.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file))[1:] == rows
    assert str(covered) in calibrated_records.PAGE.read_text(encoding="utf-8")


def test_shares_of_too_few_records_are_no_result(tmp_path):
    short = tmp_path / "shares.csv"
    short.write_text("".join(calibrated_records.SHARES.read_text(encoding="utf-8").splitlines(keepends=True)[:9]))
    with pytest.raises(ValueError, match=r"shares\.csv: 8 of 64 records"):
        calibrated_records.kept(short)


@pytest.mark.parametrize(
    ("words", "published"),
    [([], True), (["--records", "8"], False), (["--population", "200"], False), (["--generations", "5"], False)],
)
def test_only_what_was_found_with_the_defaults_is_published(words, published, monkeypatch, tmp_path):
    asked = []

    def found(number: int, population: int, generations: int) -> list[float]:
        asked.append((number, population, generations))
        return [(number + 0.5) / 64]

    paths = {name: tmp_path / name for name in ("TABLE", "SHARES", "PAGE")}
    paths["PAGE"].write_text(f"a {calibrated_records.BEGIN} {calibrated_records.END} b")
    replaced = paths | {"shares_of": found, "ProcessPoolExecutor": ThreadPoolExecutor}
    replaced["counted"] = lambda: (lambda values, replication: None, [SimpleNamespace(key="a")], [])
    for name, one in replaced.items():
        monkeypatch.setattr(calibrated_records, name, one)
    before = paths["PAGE"].read_text()
    calibrated_records.main(words)
    options = dict(zip(words[::2], map(int, words[1::2]), strict=True))
    sizes = options.get("--population", 60), options.get("--generations", 4)
    assert sorted(asked) == [(k, *sizes) for k in range(options.get("--records", 64))]
    assert {name: path.exists() for name, path in paths.items()} == {"TABLE": published, "SHARES": published, "PAGE": True}
    assert (paths["PAGE"].read_text() != before) == published


# -- what two counts are compared by -----------------------------------------------------------------------------------------
def test_short_series_are_compared_window_by_window_and_long_ones_by_their_levels():
    short = Summaries(windows())
    assert list(short(np.array(COUNTED))) == [f"isis_attacks.gtd.window.{k}" for k in range(5)]
    long = Summaries(windows(tuple(range(10, 34))))
    names = [name.removeprefix("isis_attacks.gtd.") for name in long.statistics]
    assert names == ["year.2019", "year.2020", "last_12_months.0", "last_3_months.0", "unevenness.0", "ramadan.0"]
    found = dict(zip(names, long(np.arange(10, 34)).values(), strict=True))
    assert found["last_3_months.0"] == pytest.approx(np.log1p(31 + 32 + 33))
    assert found["year.2019"] + 1e-9 < found["year.2020"]
    assert long.weights["isis_attacks.gtd.last_3_months.0"] > long.weights["isis_attacks.gtd.year.2019"]


def test_more_than_at_least_so_many_is_as_good_as_that_many():
    floors, whole = Summaries(windows(kind="at_least")), Summaries(windows())
    twice = 2 * np.array(COUNTED)
    assert floors(twice) == floors(np.array(COUNTED))
    assert whole(twice) != whole(np.array(COUNTED))
    assert floors(np.array(COUNTED) - 1) != floors(np.array(COUNTED))


def test_a_rise_in_ramadan_is_seen():
    """Ramadan 2019 by the tabular calendar: 6 May to 4 June."""
    assert in_ramadan(Window(date(2019, 5, 1), date(2019, 5, 31), "isis_attacks", "gtd", 1, "exact", "")) == 26
    assert in_ramadan(Window(date(2019, 7, 1), date(2019, 7, 31), "isis_attacks", "gtd", 1, "exact", "")) == 0
    level = Summaries(windows((10,) * 12))
    rises = [level(np.array([10] * 4 + [may] + [10] * 7))["isis_attacks.gtd.ramadan.0"] for may in (10, 20, 40)]
    assert rises[0] == pytest.approx(0.0, abs=0.05)
    assert rises[0] < rises[1] < rises[2]


def test_a_weighted_quantile_counts_weight():
    assert quantile(np.array([3.0, 1.0, 2.0]), np.array([0.1, 0.8, 0.1]), 0.5) == 1.0
    assert quantile(np.array([1.0, 2.0]), np.array([0.5, 0.5]), 0.5) == 1.0
    assert quantile(np.array([1.0, 2.0]), np.array([0.5, 0.5]), 1.0) == 2.0


# -- the command -------------------------------------------------------------------------------------------------------------
def test_the_command_writes_the_posterior_what_was_learnt_and_a_look_back(command):
    where, said = command
    study = where / "results" / "studies" / "mine"
    table, learnt, check = (pd.read_parquet(study / f"{name}.parquet") for name in ("posterior", "calibration", "predictive"))
    manifest = json.loads((study / "study.json").read_text())
    assert (manifest["application"], manifest["complete"], len(manifest["generations"])) == ("calibrate", True, 2)
    assert len(table) == 20
    assert table["weight"].sum() == pytest.approx(1.0)
    mine, rest = learnt[learnt["calibrated"]], learnt[~learnt["calibrated"]]
    assert set(mine["parameter"]) == {c for c in table if "." in c and not c.startswith("carried.")}
    assert {"isis.attacks", "sources.gtd.isis_attacks.coverage"} <= set(mine["parameter"])
    assert "united_states.early_exit" not in set(learnt["parameter"])  # the episode sets it
    assert {"militias.lethality", "isis.dependence"} <= set(rest["parameter"])
    assert mine.set_index("parameter").loc["isis.attacks", "widened"] == 3.0
    assert (rest["said"] == "stays at its prior").all()
    assert (pd.to_datetime(check["end"]).dt.date <= UNTIL).all()
    assert (check["q05"] <= check["q50"]).all()
    assert {path.name for path in (study / "figures").iterdir()} == {"calibration.png", "calibration.svg"}
    for text in ("generation 2:", "not calibrated, drawn from their priors", "contraction", f"results: {study}"):
        assert text in said


def test_a_hindcast_from_a_later_origin_replays_what_the_calibration_accepted(command, tmp_path):
    where, _ = command
    words = ("origins=[2020-12-31]", "ahead=60", "posterior=mine", "name=later", f"results={where / 'results'}")
    assert main(["hindcast", *words]) == 0
    made = pd.read_parquet(where / "results/studies/later/forecasts.parquet")
    look = outlook(within(shipped(), episode()), date(2020, 12, 31), 60)
    particles = read_particles(pd.read_parquet(where / "results/studies/mine/posterior.parquet"), "mine")
    seed = json.loads((where / "results/studies/mine/study.json").read_text())["seed"]
    kept, other = (
        [float(f.weights @ f.counts) for f in of_model(episode(), look, particles, seed, priors=priors)]
        for priors in (UNTIL, None)
    )
    assert made.loc[made["method"] == MODEL, "mean"].tolist() == pytest.approx(kept)
    assert kept != pytest.approx(other)


SAME = {
    "population=30": "population: 20 there, 30 here",
    "generations=1": "generations = 1: study mine has 2; choose another name",
    "until=2018-11-30": "until: 2018-12-31 there, 2018-11-30 here; record: ",
}


@pytest.mark.parametrize("word", SAME)
def test_a_study_of_that_name_is_not_written_over_by_another_calibration(word, command, capsys):
    where, _ = command
    before = posterior(where)
    assert main([*WORDS, f"results={where / 'results'}", word]) == 2
    assert SAME[word] in capsys.readouterr().err
    assert posterior(where) == before


def test_more_generations_that_are_stopped_leave_the_study_as_it_was(command, tmp_path, monkeypatch, capsys):
    where, _ = command
    shutil.copytree(where / "results", tmp_path / "results")
    study, words = tmp_path / "results/studies/mine", [*WORDS, f"results={tmp_path / 'results'}"]
    before = {path.name: path.read_bytes() for path in study.iterdir() if path.is_file()}

    def stopped(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("experiments.calibrate.calibrated", stopped)
        assert main([*words, "generations=3"]) == 1
    assert "generations of calibrations that were complete are kept, the same command goes on" in capsys.readouterr().err
    assert (study / "unfinished.json").exists()
    assert (study / "posterior.parquet").read_bytes() == before["posterior.parquet"]
    manifest = json.loads((study / "study.json").read_text())
    assert (manifest["complete"], len(manifest["generations"]), manifest["config"]["generations"]) == (True, 2, 2)
    assert main([*words, "generations=1"]) == 2
    assert SAME["generations=1"] in capsys.readouterr().err
    assert main(["hindcast", "posterior=mine", "origins=[2020-12-31]", "plan=true", words[-1]]) == 0
    assert main(words) == 0
    assert not (study / "unfinished.json").exists()


WRONG = {
    ("until=yesterday",): "until = 'yesterday': expected a date",
    ("until=20200331",): "until = 20200331: expected a date such as 2020-03-31",
    ("until=null",): "until = null: expected a date such as 2020-03-31",
    ("until=2017-01-01",): "until = '2017-01-01': outside the episode",
    ("until=2018-01-05",): "no window of the record ends by then",
    ("population=5",): "population = 5: expected a whole number from 20",
    ("generations=0",): "generations = 0: expected a whole number from 1",
    ("observed=nowhere.csv",): "observed = 'nowhere.csv': no such file",
    ("episode=nowhere",): "episode",
    ("schedule=rapid_6_months",): "schedule = 'rapid_6_months': not used, the episode has a schedule of its own, as_it_happened_",
    ("engine=reference",): "engine: changes nothing in calibrate",
    ("replications=7",): "replications: changes nothing in calibrate",
}


@pytest.mark.parametrize("words", WRONG)
def test_a_wrong_request_gets_one_line(words, folder, capsys):
    assert main(["calibrate", *words]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert WRONG[words] in said
    assert list(folder.iterdir()) == []


def test_a_plan_computes_nothing(folder, capsys):
    assert main(["calibrate", "plan=true"]) == 0
    assert "Nothing is done" in capsys.readouterr().out
    assert not Path("results").exists()
