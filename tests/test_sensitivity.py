"""Sensitivity of a stochastic model: Ishigami's known indices, with and without noise; screening; and the command itself."""

import json

import numpy as np
import pandas as pd
import pytest

from experiments import computing
from experiments.badness import read_bad
from experiments.command import main
from experiments.composition import Composer
from experiments.influences import tell_box, tell_indices
from experiments.inputs import Input, given_keys, inputs_of, placed, spread, trimmed, ways
from experiments.settings import SensitivitySettings, read
from sim.analysis.discovery import TESTED, discover
from sim.analysis.screening import kept, problem, screening, screening_design
from sim.analysis.sensitivity import indices, indices_design, of_groups
from sim.errors import RequestError
from sim.figures import figure, images
from sim.parameters import Parameter
from sim.scenario import declared_parameters

NAMES = ["a", "b", "c"]
S1, ST = (0.313905, 0.442411, 0.0), (0.557589, 0.442411, 0.243684)
V = 13.844588


def ishigami(u: np.ndarray) -> np.ndarray:
    """Ishigami's function with 7 and 0.1 on the unit cube."""
    x = (2.0 * u - 1.0) * np.pi
    return np.sin(x[:, 0]) + 7.0 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def by_parameter(table: pd.DataFrame, measure: str = "mean") -> pd.DataFrame:
    return table[table["measure"] == measure].set_index("parameter")


# -- indices ---------------------------------------------------------------------------------------------------------------
def test_indices_of_a_function_without_luck_are_salibs_and_ishigamis():
    from SALib.analyze import sobol

    design = indices_design(NAMES, NAMES, 4096, seed=1)
    y = ishigami(design)
    found = by_parameter(indices(np.repeat(y[:, None], 4, axis=1), NAMES, bootstrap=20))
    theirs = sobol.analyze(problem(NAMES), y, calc_second_order=False, num_resamples=2, seed=1)
    assert found["s1"].to_numpy() == pytest.approx(theirs["S1"], abs=1e-9)
    assert found["st"].to_numpy() == pytest.approx(theirs["ST"], abs=1e-9)
    assert found["s1"].to_numpy() == pytest.approx(S1, abs=0.02)
    assert found["st"].to_numpy() == pytest.approx(ST, abs=0.02)
    assert found["luck"].to_numpy() == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("common", [False, True], ids=["luck of each point", "one luck for all points"])
def test_noise_changes_no_index_of_the_mean_and_shrinks_those_of_a_run(common):
    """Ishigami plus N(0, s^2): a run's first-order indices shrink by V / (V + s^2); the share of luck is s^2 / (V + s^2)."""
    design, rng, s = indices_design(NAMES, NAMES, 1024, seed=2), np.random.default_rng(3), 4.0
    y = ishigami(design)
    noise = np.tile(rng.normal(0, s, 150), (len(y), 1)) if common else rng.normal(0, s, (len(y), 20))
    table = by_parameter(indices(y[:, None] + noise, NAMES, bootstrap=100, common=common))
    shrunk = V / (V + s * s)
    for j, name in enumerate(NAMES):
        row = table.loc[name]
        error = (row["s1_upper"] - row["s1_lower"]) / 3.92, (row["st_upper"] - row["st_lower"]) / 3.92
        assert row["s1"] == pytest.approx(S1[j], abs=4.5 * error[0])
        assert row["st"] == pytest.approx(ST[j], abs=4.5 * error[1])
        assert max(error) < 0.06
        assert row["s1_of_run"] == pytest.approx(S1[j] * shrunk, abs=4.5 * error[0])
        assert row["s1_of_run_lower"] < row["s1_of_run"] < row["s1_of_run_upper"]
        width = (row["s1_of_run_upper"] - row["s1_of_run_lower"]) / 3.92
        assert 0.7 * error[0] * shrunk < width < 2.0 * error[0] * shrunk  # what is not known of the share of luck comes on top
    luck = table.iloc[0]
    error = (luck["luck_upper"] - luck["luck_lower"]) / 3.92
    assert luck["luck"] == pytest.approx(1 - shrunk, abs=4.5 * error)
    assert error < 0.04


def test_without_the_correction_noise_would_be_taken_for_effects():
    """Four replications, noise of four times the variance: total indices of their means are far too large."""
    from SALib.analyze import sobol

    design, rng = indices_design(NAMES, NAMES, 1024, seed=4), np.random.default_rng(5)
    y = ishigami(design)[:, None] + rng.normal(0, 2.0 * np.sqrt(V), (len(design), 4))
    naive = sobol.analyze(problem(NAMES), y.mean(axis=1), calc_second_order=False, num_resamples=2, seed=1)["ST"]
    row = by_parameter(indices(y, NAMES, bootstrap=200)).loc["c"]
    assert naive[2] > 0.5
    assert row["st"] == pytest.approx(ST[2], abs=4.5 * (row["st_upper"] - row["st_lower"]) / 3.92)


def test_indices_of_the_variance_know_who_makes_it():
    """The mean is a's; the variance b's: 1 + 3 b."""
    design, rng = indices_design(NAMES, NAMES, 1024, seed=6), np.random.default_rng(7)
    y = 3.0 * design[:, 0, None] + np.sqrt(1.0 + 3.0 * design[:, 1, None]) * rng.normal(size=(len(design), 40))
    table = indices(y, NAMES, bootstrap=200)
    assert by_parameter(table).loc["a", "s1"] == pytest.approx(1.0, abs=0.12)
    of_variance = by_parameter(table, "variance")
    assert of_variance.loc["b", "s1"] == pytest.approx(1.0, abs=0.2)
    assert of_variance.loc["a", "st"] == pytest.approx(0.0, abs=0.12)
    assert of_variance[["luck", "s1_of_run", "s1_of_run_lower"]].isna().all().all()


def test_where_nothing_but_luck_varies_there_are_no_indices():
    rng = np.random.default_rng(8)
    table = by_parameter(indices(rng.normal(size=(5 * 256, 6)), NAMES, bootstrap=100))
    assert table[["s1", "st"]].isna().all().all()
    assert table["luck"].iloc[0] == pytest.approx(1.0, abs=0.1)
    still = by_parameter(indices(np.ones((5 * 16, 6)), NAMES, bootstrap=10))
    assert still[["s1", "st", "luck"]].isna().all().all()


def test_the_intervals_cover_about_as_often_as_they_say():
    """Of 60 designs with luck, the 90 % intervals of three first-order and three total indices hold the truth.

    The six of a design hang together: their share has a standard deviation of some 0.1 over designs, 0.013 as a mean of 60.
    They are a little too wide and hold it in 92 to 94 %; of half the width they would in 65 %, of twice the width in 99.9 %.
    """
    rng, covered = np.random.default_rng(9), 0
    for seed in range(60):
        design = indices_design(NAMES, NAMES, 64, seed=100 + seed)
        y = ishigami(design)[:, None] + rng.normal(0, 3.0, (len(design), 6))
        table = by_parameter(indices(y, NAMES, confidence=0.9, bootstrap=100, seed=seed))
        for name, truth in (("s1", S1), ("st", ST)):
            covered += int(((table[f"{name}_lower"].to_numpy() < truth) & (table[f"{name}_upper"].to_numpy() > truth)).sum())
    assert 0.9 - 4 * 0.013 < covered / 360 < 0.94 + 3.5 * 0.013


def test_inputs_that_screening_left_out_are_one_together():
    groups, names = of_groups(["a", "b", "c", "d"], ["b", "d"], "the rest")
    assert (groups, names) == (["the rest", "b", "the rest", "d"], ["the rest", "b", "d"])
    design = indices_design(["a", "b", "c", "d"], groups, 512, seed=10)
    assert len(design) == 512 * 5
    y = design[:, 0] + design[:, 2] + design[:, 3]  # b does nothing
    table = by_parameter(indices(np.repeat(y[:, None], 4, axis=1), names, bootstrap=10))
    assert table.loc[names, "st"].to_numpy() == pytest.approx([2 / 3, 0.0, 1 / 3], abs=0.03)


def test_what_is_no_design_is_refused():
    with pytest.raises(ValueError, match="power of two, such as 64"):
        indices_design(NAMES, NAMES, 100, seed=1)
    with pytest.raises(ValueError, match="do not belong to a design"):
        indices(np.zeros((11, 8)), NAMES)
    with pytest.raises(ValueError, match="at least 4 replications"):
        indices(np.zeros((10, 3)), NAMES)
    with pytest.raises(ValueError, match="do not belong to a design"):
        screening(np.zeros((11, 8)), np.zeros((11, 3)), NAMES)


# -- screening -------------------------------------------------------------------------------------------------------------
def test_screening_without_luck_is_salibs():
    from SALib.analyze import morris

    design = screening_design(NAMES, 40, seed=1)
    y = ishigami(design)
    table = by_parameter(screening(np.repeat(y[:, None], 4, axis=1), design, NAMES))
    theirs = morris.analyze(problem(NAMES), design, y, num_levels=4, seed=1)
    for ours, name in (("mu", "mu"), ("mu_star", "mu_star"), ("sigma", "sigma")):
        assert table[ours].to_numpy() == pytest.approx(np.asarray(theirs[name], dtype=float))
    assert (table["noise"] == 0.0).all()
    # four levels see sin(-pi), sin(-pi/3), sin(pi/3), sin(pi): 7 sin^2 moves by 21/4, over two thirds of the way
    assert table.loc["b", "mu_star"] == pytest.approx(7.875)


def test_screening_tells_luck_from_effects():
    """c does nothing, but each point has luck of its own: what it seems to do is what luck alone is said to give."""
    design, rng = screening_design(NAMES, 400, seed=2), np.random.default_rng(3)
    y = (10.0 * design[:, 0] + 2.0 * design[:, 1])[:, None] + rng.normal(0, 2.0, (len(design), 10))
    table = by_parameter(screening(y, design, NAMES))
    alone = 2.0 * np.sqrt(2 / 10) * 1.5 * np.sqrt(2 / np.pi)  # standard error of a difference, over 2/3 of the way
    # the mean of 400 sizes of a normal number: its relative standard error is sqrt((pi / 2 - 1) / 400) = 0.038
    assert table["noise"].to_numpy() == pytest.approx(alone, rel=0.19)
    assert table["noise"].mean() == pytest.approx(alone, rel=0.13)
    assert table.loc["c", "mu_star"] == pytest.approx(alone, rel=0.19)
    error = 2.0 * np.sqrt(2 / 10) * 1.5 / np.sqrt(400)
    assert table.loc[["a", "b", "c"], "mu"].to_numpy() == pytest.approx([10.0, 2.0, 0.0], abs=4.5 * error)
    assert table.loc["c", "score"] < 0.75 * alone < 1.3 * alone < table.loc["b", "score"]
    assert kept(table.reset_index().assign(outcome="y", measure="mean"), 2) == ["a", "b"]


def test_screening_of_the_variance_is_told_in_logarithms():
    design, rng = screening_design(NAMES, 30, seed=4), np.random.default_rng(5)
    y = np.exp(design[:, 1, None]) * rng.normal(size=(len(design), 200))
    row = by_parameter(screening(y, design, NAMES), "log_variance").loc["b"]
    assert row["mu"] == pytest.approx(2.0, abs=0.25)
    still = by_parameter(screening(np.ones((len(design), 4)), design, NAMES), "log_variance")
    assert (still["mu_star"] == 0.0).all()


def test_an_effect_is_that_of_the_90_percent_range_and_of_a_rival_that_of_changing_it():
    """y = 2 x + 5 [active], x normal with a 90 % range of 1 to 4; and the module changes nothing."""
    number = Input("x", Parameter("a", "x", 2.5, "-", 0.0, 5.0, (-100.0, 100.0), "judgement", "here"))
    inputs = [number, Input("rivals.excitation"), Input("rivals.announcement")]
    steps = screening_design(["x", "active", "module"], 8, seed=1)
    points = [[one.value(u) for one, u in zip(inputs, row, strict=True)] for row in trimmed(steps)]
    y = np.array([2.0 * x + 5.0 * active for x, active, _ in points])
    table = by_parameter(screening(np.repeat(y[:, None], 4, axis=1), ways(steps, inputs), ["x", "active", "module"]))
    assert table["mu_star"].to_numpy() == pytest.approx([10.0, 5.0, 0.0])
    assert table["mu"].to_numpy() == pytest.approx([10.0, 5.0, 0.0])
    assert table["sigma"].to_numpy() == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)
    # over its prior, x makes 10 / 3.29 as a standard deviation, the rival half of 5
    assert [10.0 * spread(inputs[0]), 5.0 * spread(inputs[1])] == pytest.approx([3.04, 2.5], abs=0.01)


def test_what_is_kept_goes_by_what_an_input_adds_to_the_variance():
    table = pd.DataFrame([("x", "mean", "number", 3.0), ("x", "mean", "rival", 2.5)])
    table.columns = ["outcome", "measure", "parameter", "score"]
    assert kept(table, 1) == ["number"]
    assert kept(table, 1, {"number": 0.304, "rival": 0.5}) == ["rival"]


def test_the_outcome_that_is_covered_least_gets_the_next_input():
    rows = [
        *(("x", "mean", name, score) for name, score in (("a", 3.0), ("b", 2.0), ("c", 0.0), ("d", 0.0))),
        *(("y", "mean", name, score) for name, score in (("a", 0.0), ("b", 0.0), ("c", 0.2), ("d", 0.1))),
        *(("x", "log_variance", name, 9.0) for name in "abcd"),
    ]
    table = pd.DataFrame(rows, columns=["outcome", "measure", "parameter", "score"])
    assert kept(table, 2) == ["a", "c"]
    assert kept(table, 9) == ["a", "c", "b", "d"]
    assert kept(table.assign(score=0.0), 3) == []


# -- inputs ----------------------------------------------------------------------------------------------------------------
def test_what_is_set_stays_and_the_rest_is_drawn_from_its_prior():
    words = ["militias.restraint=0.31", "rivals/announcement=emboldenment"]
    config = Composer("sensitivity").compose(words)
    inputs = inputs_of(config, ["militias.restraint", "rivals/announcement"])
    keys = [one.key for one in inputs]
    assert len(keys) == len(declared_parameters()) - 1 + 1
    assert "militias.restraint" not in keys
    assert "rivals.announcement" not in keys
    assert "rivals.excitation" in keys
    values, low = placed(config, inputs, np.full(len(inputs), 0.05))
    assert low.beliefs["militias"].model_dump()["restraint"] == 0.31
    assert (low.announcement, low.excitation) == ("emboldenment", False)
    attrition = next(p for p in declared_parameters() if p.key == "isis.attrition")
    assert values["isis.attrition"] == pytest.approx(attrition.low)
    assert placed(config, inputs, np.ones(len(inputs)))[1].excitation


@pytest.mark.parametrize("word", ["isis.attrition={}", "++isis.attrition={}", "isis={{attrition: {}}}"])
def test_what_the_command_sets_stays_also_at_its_default(word):
    attrition = next(p for p in declared_parameters() if p.key == "isis.attrition")
    words = [word.format(attrition.default), "schedule.aid=0.8", "rivals/announcement=none"]
    keys = [one.key for one in inputs_of(Composer("sensitivity").compose(words), given_keys(words))]
    assert "isis.attrition" not in keys
    assert "rivals.announcement" not in keys
    assert len(keys) == len(declared_parameters()) - 1 + 1


def test_with_everything_set_there_is_nothing_to_vary():
    config = Composer("sensitivity").compose([])
    for parameter in declared_parameters():
        *way, last = parameter.key.split(".")
        here = config
        for part in way:
            here = here[part]
        here[last] = parameter.low if parameter.default != parameter.low else parameter.high
    with pytest.raises(RequestError, match="expected two or more"):
        inputs_of(config, ["rivals/announcement", "rivals/excitation"])


# -- the command -----------------------------------------------------------------------------------------------------------
SMALL = ("horizon_days=120", "trajectories=2", "rows=4", "replications=4", "keep=2", "workers=1", "seed=1")


def test_the_command_leaves_tables_figures_and_a_manifest_and_goes_on(folder, capsys):
    words = [
        "sensitivity",
        *SMALL,
        "outcomes=[base_attacks]",
        "bad=base_attacks:at_least:25",
        "states=40",
        "per_state=4",
        "name=s",
    ]
    assert main(words) == 0
    first = capsys.readouterr()
    study = folder / "results/studies/s"
    names = {path.stem for path in study.glob("*.parquet")}
    assert {"points", "morris", "sobol", "prim", "box", "outcomes"} <= names
    assert {path.name for path in (study / "figures").iterdir()} == {
        f"{name}.{kind}" for name in ("screening", "indices", "discovery") for kind in ("png", "svg")
    }
    manifest = json.loads((study / "study.json").read_text())
    assert manifest["complete"]
    assert manifest["application"] == "sensitivity"
    morris, sobol = pd.read_parquet(study / "morris.parquet"), pd.read_parquet(study / "sobol.parquet")
    inputs = len(declared_parameters()) + 2
    assert len(morris) == 2 * inputs
    assert set(sobol["parameter"]) == {"the rest", *morris.loc[morris["kept"], "parameter"]}
    assert len(manifest["scenarios"]) == 2 * (inputs + 1) + 4 * (3 + 2) + 40
    assert "luck makes" in first.out
    assert "Bad runs (base_attacks:at_least:25)" in first.out
    assert main(words) == 0  # all of it is there
    again = capsys.readouterr()
    assert "none to compute" in again.out
    assert again.out.partition("figures")[0] == first.out.partition("figures")[0]
    assert main(["verify", "name=s", "sample=20", "workers=1"]) == 0
    capsys.readouterr()
    assert main(["plot", "name=s"]) == 2
    refused = capsys.readouterr().err
    assert "'s': is of posture sensitivity, which draws its own figures" in refused
    assert refused.count("\n") == 1


def test_of_two_schedules_the_difference_on_the_same_luck_is_looked_at(folder, capsys):
    words = ["schedules=[open_ended,rapid_6_months]", "outcomes=[troop_months]", "figures=false", "name=d"]
    assert main(["sensitivity", *SMALL, *words]) == 0
    assert "Of rapid_6_months less open_ended" in capsys.readouterr().out
    outcomes = pd.read_parquet(folder / "results/studies/d/outcomes.parquet")
    assert set(outcomes["schedule"]) == {"open_ended", "rapid_6_months"}
    morris = pd.read_parquet(folder / "results/studies/d/morris.parquet").set_index(["measure", "parameter"])
    assert morris.loc[("mean", "isis.ramadan"), "mu_star"] == 0.0  # moves neither, so not their difference


def test_a_plan_computes_nothing(folder, capsys):
    assert main(["sensitivity", *SMALL, "plan=true"]) == 0
    assert "to compute" in capsys.readouterr().out
    assert not (folder / "results/studies").exists()


def test_a_large_plan_is_told_from_the_numbers_alone(folder, capsys):
    assert main(["sensitivity", "plan=true", "rows=16384", "keep=2", "trajectories=10"]) == 0
    points = (len(declared_parameters()) + 3) * 10 + 16384 * 5
    assert f"{20 * points:,} replications of {points:,} scenarios" in capsys.readouterr().out


def test_after_a_stop_between_the_designs_nothing_is_said_to_have_no_effect(folder, capsys, monkeypatch):
    words = ["sensitivity", *SMALL, "outcomes=[base_attacks]", "figures=false", "name=s"]
    real, calls = computing.computed, []

    def stopped(store, job, what):
        calls.append(what)
        if len(calls) == 1:
            return real(store, job, what)
        job.close()
        job.work.interrupted = True
        return job.work

    with monkeypatch.context() as patch:
        patch.setattr(computing, "computed", stopped)
        assert main(words) == 1
    said = capsys.readouterr().out
    assert calls == ["sensitivity: screening", "sensitivity: indices"]
    assert "Screening: 2 of" in said
    assert "The indices are not there yet" in said
    assert "No parameter" not in said
    assert main(words) == 0
    assert "luck makes" in capsys.readouterr().out


def test_a_stop_before_the_first_block_does_not_say_that_there_was_nothing_to_compute(folder, capsys, monkeypatch):
    def stopped(store, job, what):
        job.close()
        job.work.interrupted = True
        return job.work

    monkeypatch.setattr(computing, "computed", stopped)
    assert main(["sensitivity", *SMALL, "outcomes=[base_attacks]", "figures=false"]) == 1
    said = capsys.readouterr()
    assert "interrupted: kept nothing yet" in said.err
    assert "0 replications: none computed\n" in said.out


def test_indices_that_are_not_known_are_dashes_and_all_of_them_one_sentence(capsys):
    rng = np.random.default_rng(8)
    tell_indices("us_deaths", indices(rng.normal(size=(5 * 64, 6)), NAMES, bootstrap=50))
    said = capsys.readouterr().out
    assert "what any parameter or rival makes of it cannot be told from luck." in said
    assert said.count("\n") <= 2
    design = indices_design(NAMES, NAMES, 64, seed=1)
    table = indices(np.repeat(2.0 * design[:, :1], 4, axis=1), NAMES, bootstrap=20)  # a alone, and no variance at a point
    tell_indices("us_deaths", table)
    said = capsys.readouterr().out
    assert "Nothing of either" not in said  # of the variance nothing is known
    assert [line.split()[-1] for line in said.splitlines() if line.split()[:1] in (["b"], ["c"])] == ["-", "-"]
    known = table.assign(**dict.fromkeys(["s1", "st", "st_upper"], table["st"].where(table["measure"] == "mean", 0.0)))
    tell_indices("us_deaths", known)
    assert "Nothing of either: b, c" in " ".join(capsys.readouterr().out.split())


def test_without_a_bad_run_in_the_other_half_nothing_is_said_of_what_the_box_is_worth_there(folder, capsys):
    rng = np.random.default_rng(6)
    x, other = (pd.DataFrame({"a": rng.random(200), "b": rng.random(200)}) for _ in range(2))
    bad = np.repeat((x["a"].to_numpy() > 0.8)[:, None], 4, axis=1)
    config = Composer("sensitivity").compose(["bad=us_deaths:at_least:10"])
    settings = read(SensitivitySettings, config)[1]
    for test_bad, said in (
        (np.zeros((200, 4), dtype=bool), "In the other half, on other luck, no run is bad: what the box is worth is not known."),
        (bad, "of the bad runs are in it."),
    ):
        found = discover(x, bad, other, test_bad, bootstrap=20)
        tell_box({"prim": found.boxes, "box": found.limits}, read_bad(settings.bad, difference=False), settings)
        told = " ".join(capsys.readouterr().out.split())
        assert said in told
        assert "nan" not in told
    empty = found.boxes.copy()
    empty.loc[empty["chosen"], list(TESTED)] = float("nan")
    tell_box({"prim": empty, "box": found.limits}, read_bad(settings.bad, difference=False), settings)
    assert "on other luck, no state is in it" in " ".join(capsys.readouterr().out.split())


WRONG = {
    ("outcomes=[us_deaths,us_deaths]",): "outcomes = 'us_deaths': is there twice",
    ("outcomes=[us_deaths,us_deaths]", "plan=true"): "outcomes = 'us_deaths': is there twice",
    ("rows=65536",): "trajectories=2, rows=65536, keep=2: 327,",
    ("outcomes=[us_death]",): "outcomes = 'us_death': no such outcome (did you mean us_deaths?)",
    ("outcomes=[]",): "outcomes: expected a list of names",
    ("keep=0",): "keep = 0: expected a whole number from 1 to 100",
    ("schedules=[open_ended,rapid_6_months]", "rows=32768"): "trajectories=2, rows=32768, keep=2: 327,",
    ("rows=100",): "rows = 100: expected a power of two, such as 64 or 128",
    ("rows=1",): "rows = 1: expected a power of two from 2",
    ("trajectories=1",): "trajectories = 1: expected a whole number from 2",
    ("replications=3",): "replications = 3: expected a whole number from 4",
    ("confidence=1",): "confidence = 1: expected a number above 0.5 and below 1",
    ("states=19",): "states = 19: expected a whole number from 20",
    ("bad=us_deaths",): "bad = 'us_deaths': expected us_deaths:at_least:number or us_deaths:at_most:number",
    ("bad=us_deaths:above:10",): "bad = 'us_deaths:above:10': expected outcome:at_least:number, outcome:at_most:number",
    ("bad=us_deaths:at_least:many",): "bad = 'us_deaths:at_least:many': expected a number, not 'many'",
    ("bad=us_deaths:at_least:nan",): "bad = 'us_deaths:at_least:nan': expected a number",
    ("bad=resurgance",): "bad = 'resurgance': no such outcome (did you mean resurgence?)",
    ("schedules=[open_ended]",): "schedules: expected two names, [a,b], or null",
    ("schedules=[open_ended,open_ended]",): "schedules = ['open_ended', 'open_ended']: expected two different schedules",
    ("schedules=[open_ended,rapid]",): "schedules = 'rapid': no such schedule",
    ("schedules=[open_ended,rapid_6_months]", "schedule=rapid_6_months"): "schedule: not beside schedules=..., which names both",
    ("rows=four",): "rows = 'four': expected a power of two",
    ("kep=3",): "kep: no such key (did you mean keep?)",
}


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_a_wrong_request_is_refused_in_one_line(words, folder, capsys):
    given = [word for word in SMALL if word.partition("=")[0] not in [w.partition("=")[0] for w in words]]
    assert main(["sensitivity", *given, *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"posture: {WRONG[words]}"), said.err
    assert said.err.count("\n") == 1
    assert not list(folder.iterdir()), "nothing was begun"


# -- figures ---------------------------------------------------------------------------------------------------------------
ABOUT = {"of": "open_ended", "start": "2021-04-07", "horizon_days": 1096}


def test_figures_are_drawn_also_where_nothing_is_known():
    design = screening_design(NAMES, 4, seed=1)
    table = screening(np.repeat(ishigami(design)[:, None], 4, axis=1), design, NAMES, "us_deaths", bootstrap=20)
    nothing = indices(np.ones((5 * 16, 6)), NAMES, "us_deaths", bootstrap=10)
    for name, given in (("screening", table), ("indices", nothing)):
        assert images(figure(name)(given, None, **ABOUT))["png"].startswith(b"\x89PNG")


def test_figures_refuse_tables_that_are_none():
    with pytest.raises(ValueError, match="lacks the column"):
        figure("screening")(pd.DataFrame({"outcome": ["x"]}), None, **ABOUT)
    with pytest.raises(ValueError, match="lacks the column"):
        figure("indices")(pd.DataFrame({"outcome": ["x"]}), None, **ABOUT)
    with pytest.raises(ValueError, match="lacks the column"):
        figure("discovery")(pd.DataFrame({"box": [1]}), pd.DataFrame(), None, **ABOUT)
