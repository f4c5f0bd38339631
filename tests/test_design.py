"""Designs over parameters: where their points lie, what `posture sweep` makes of them, what its summary says of variance."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.command import main
from experiments.composition import scenario
from sim import OUTCOMES
from sim.analysis.sweeps import SHARES, components, rank_correlations, spread
from sim.engines import reference
from sim.scenario import declared_parameters, read_scenario
from sim.studies.design import DESIGNS, Axis, points, read_axis, with_values
from tests.processes import manifest, table

AXES = [Axis("a", 0.0, 1.0), Axis("b", -2.0, 6.0), Axis("c", 0.001, 10.0, True)]
RANGES = {parameter.key: (parameter.low, parameter.high) for parameter in declared_parameters()}
OVER = "over=[militias.restraint,isis.dependence:0.2:0.4]"
FEW = ["points=4", "replications=3", "horizon_days=60", "workers=1"]


# -- points ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("design", DESIGNS)
def test_the_points_of_a_design_lie_in_their_ranges_and_come_again_with_the_same_seed(design):
    found = np.array(points(design, 64, AXES, 5))
    assert found.shape == (64, 3)
    for k, axis in enumerate(AXES):
        assert ((found[:, k] >= axis.low) & (found[:, k] <= axis.high)).all()
        assert len(set(found[:, k])) == 64
    assert points(design, 64, AXES, 5) == [tuple(row) for row in found]
    assert points(design, 64, AXES, 6) != points(design, 64, AXES, 5)


@pytest.mark.parametrize("design", ["latin_hypercube", "sobol"])
def test_a_balanced_design_has_one_point_in_each_layer_of_each_axis(design):
    found = np.array(points(design, 32, AXES[:2], 1))
    for k, axis in enumerate(AXES[:2]):
        layers = np.floor((found[:, k] - axis.low) / (axis.high - axis.low) * 32)
        assert sorted(layers) == list(range(32))


def test_a_logarithmic_axis_is_even_in_its_logarithm():
    found = np.log10([row[0] for row in points("latin_hypercube", 400, [Axis("x", 0.001, 10.0, True)], 1)])
    counts, _ = np.histogram(found, bins=4, range=(-3.0, 1.0))
    assert counts.tolist() == [100] * 4


@pytest.mark.parametrize(("count", "right"), [(1, True), (2, True), (256, True), (3, False), (500, False)])
def test_a_sobol_design_has_a_power_of_two_points(count, right):
    if right:
        assert len(points("sobol", count, AXES, 1)) == count
    else:
        with pytest.raises(ValueError, match="power of two"):
            points("sobol", count, AXES, 1)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("militias.restraint", Axis("militias.restraint", 0.2, 0.8)),
        ("militias.restraint:0.3:0.4", Axis("militias.restraint", 0.3, 0.4)),
        ("schedule.aid:0:1", Axis("schedule.aid", 0.0, 1.0)),
        ("isis.stock:100:10000:log", Axis("isis.stock", 100.0, 10000.0, True)),
    ],
)
def test_an_axis_is_a_key_and_perhaps_a_range(text, found):
    assert read_axis(text, RANGES) == found


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "nothing",
            "schedule.aid",
            "a:1",
            "a:1:",
            "a:x:2",
            "a:2:1",
            "a:1:1",
            "a:1:inf",
            "a:nan:1",
            "a:0:1:log",
            "a:-1:1:log",
        ),
        *("a:1:2:linear", "a:1:2:log:more", "1:2:3:4:5"),
    ],
)
def test_what_is_no_axis_is_refused(text):
    with pytest.raises(ValueError, match=r"expected|needed"):
        read_axis(text, RANGES)


def test_values_are_set_in_a_copy():
    base = {"a": {"b": {"c": 1.0, "d": 2}}, "schedule": {"steps": []}}
    made = with_values(base, {"a.b.c": 3.0, "a.b.d": 2.6, "schedule.aid": 0.5})
    assert made == {"a": {"b": {"c": 3.0, "d": 3}}, "schedule": {"steps": [], "aid": 0.5}}
    assert base == {"a": {"b": {"c": 1.0, "d": 2}}, "schedule": {"steps": []}}
    for key in ("a", "a.b", "a.b.x", "x.y", "schedule.steps", "a.b.c.d", ""):
        with pytest.raises(KeyError):
            with_values(base, {key: 1.0})


# -- the command -----------------------------------------------------------------------------------------------------
def test_a_design_ends_in_one_table_with_a_column_for_the_point_and_each_parameter(folder, compiled_before, capsys):
    assert main(["sweep", OVER, *FEW, "schedules=[open_ended,rapid_6_months]", "name=mine"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "8 scenarios, 24 replications" in out
    assert out.splitlines()[-1] == "results: results/studies/mine"
    outcomes, made = table("outcomes"), manifest()
    expected = ["schedule", "point", "militias.restraint", "isis.dependence", "scenario", "replication"]
    assert list(outcomes.columns) == [*expected, *(outcome.name for outcome in OUTCOMES)]
    rows = list(zip(outcomes["schedule"], outcomes["point"], outcomes["replication"], strict=True))
    assert rows == [(s, k, r) for s in ("open_ended", "rapid_6_months") for k in range(4) for r in range(3)]
    assert outcomes["scenario"].nunique() == 8
    both = outcomes.drop_duplicates(["schedule", "point"]).set_index(["schedule", "point"])[list(expected[2:4])]
    assert both.loc["open_ended"].equals(both.loc["rapid_6_months"])  # the same points for every schedule
    assert both["militias.restraint"].between(0.2, 0.8).all()
    assert both["isis.dependence"].between(0.2, 0.4).all()
    assert len(table("summary")) == 8 * len(OUTCOMES)
    assert (made["application"], made["complete"], made["varied"]) == ("sweep", True, expected[2:4])


def test_a_point_of_a_design_is_what_a_run_with_its_values_gives(folder, compiled_before, capsys):
    assert main(["sweep", OVER, *FEW, "name=mine"]) == 0
    row = table("outcomes").query("point == 2 and replication == 1").iloc[0]
    values = [f"{key}={row[key]!r}" for key in ("militias.restraint", "isis.dependence")]
    same = scenario("open_ended", "horizon_days=60", *(value.replace("np.float64(", "").rstrip(")") for value in values))
    assert same.identity == row["scenario"]
    assert reference.replicate(same, manifest()["seed"], 1).outcomes == [row[outcome.name] for outcome in OUTCOMES]
    content = manifest()["contents"]["open_ended, point=2"]
    assert read_scenario(content).identity == row["scenario"]


def test_a_design_is_planned_resumed_and_extended_like_any_study(folder, compiled_before, capsys):
    assert main(["sweep", OVER, *FEW, "plan=true"]) == 0
    assert "12 replications of 4 scenarios" in capsys.readouterr().out
    assert list(folder.iterdir()) == []
    assert main(["sweep", OVER, *FEW, "name=mine"]) == 0
    assert main(["sweep", OVER, *FEW, "name=mine"]) == 0
    assert (manifest()["computed"], manifest()["found"]) == (0, 12)
    assert main(["sweep", OVER, *FEW, "replications=5", "name=mine"]) == 0
    assert (manifest()["computed"], manifest()["found"]) == (8, 12)
    assert main(["sweep", OVER, *FEW, "replications=5", "design_seed=2", "name=mine"]) == 2
    assert "that study differs: " in capsys.readouterr().err


def test_a_whole_number_is_rounded_and_the_table_says_what_was_run(folder, compiled_before, capsys):
    assert main(["sweep", "over=[case.posture.combat:400:410]", *FEW, "name=mine"]) == 0
    column, contents = table("outcomes")["case.posture.combat"], manifest()["contents"]
    assert (column == column.round()).all()
    assert column.iloc[0] == contents["open_ended, point=0"]["case"]["posture"]["combat"]


def test_two_schedules_of_one_name_are_refused(folder, capsys):
    own = folder / "own/schedule"
    own.mkdir(parents=True)
    for name in ("first", "second"):
        (own / f"{name}.yaml").write_text("name: same\nsummary: A schedule.\nsteps: []\n")
    words = ["sweep", "--config-dir", "own", "schedules=[first,second]", "over=[militias.restraint]", *FEW]
    assert main(words) == 2
    assert "schedule.name = 'same': expected the name of its file, first" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["sweep"], "over: expected a list of parameters to vary"),
        (["sweep", "over=militias.restraint"], "over"),
        (["sweep", "over=[nonsense]"], "over = 'nonsense': no declared parameter of that key"),
        (["sweep", "over=[militias.restraint,militias.restraint:0.1:0.2]"], "is there twice"),
        (["sweep", "over=[militias.restraint:0:5]"], "militias.restraint = 5.0: expected a number from 0 to 1"),
        (["sweep", "over=[schedule:0:1]"], "over = 'schedule': no such number in the configuration"),
        (["sweep", "over=[schedule.nothing:0:1]"], "schedule.nothing: no such key"),
        (["sweep", "over=[militias.restraint]", "design=grid"], "design = 'grid': expected"),
        (["sweep", "over=[militias.restraint]", "design=sobol"], "points = 100: expected a power of two"),
        (["sweep", "over=[militias.restraint]", "points=0"], "points = 0: expected a whole number from 1 to 100,000"),
        (["sweep", "over=[militias.restraint]", "points=1e9"], "points = 1000000000.0: expected a whole number"),
        (["sweep", "over=[militias.restraint]", "schedules=[nowhere]"], "schedules = 'nowhere': no such schedule"),
        (["sweep", "over=[militias.restraint]", "schedules=all", "schedule=open_ended"], "schedule: not beside schedules"),
        (["sweep", "over=[militias.restraint]", "militias.restraint=7"], "militias.restraint = 7: expected a number"),
        (["sweep", "-m", "over=[militias.restraint]"], "-m: only `posture run`"),
    ],
)
def test_a_wrong_design_is_one_line_and_nothing_is_written(words, says, folder, capsys):
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("posture: ")
    assert says in err
    assert len(err.splitlines()) == 1
    assert list(folder.iterdir()) == []


def test_a_figure_of_thousands_of_scenarios_is_refused_and_of_a_few_is_drawn(folder, compiled_before, capsys):
    words = ["over=[militias.restraint]", "points=50", "replications=2", "horizon_days=30", "workers=1", "name=mine"]
    assert main(["sweep", *words]) == 0
    capsys.readouterr()
    assert main(["plot", "name=mine"]) == 2
    assert "has 50 scenarios, a figure shows up to 40" in capsys.readouterr().err
    assert main(["plot", "name=mine", "figures=[distributions]", "schedules=['open_ended, point=0','open_ended, point=3']"]) == 0
    assert (folder / "results/studies/mine/figures/distributions.png").exists()


# -- what it says of the variance ------------------------------------------------------------------------------------
def layout(rows: int, columns: int, of_row: float, of_column: float, rest: float, seed: int) -> pd.DataFrame:
    """A table of scenarios and replications whose three standard deviations are known."""
    rng = np.random.default_rng(seed)
    values = of_row * rng.standard_normal((rows, 1)) + of_column * rng.standard_normal((1, columns))
    values = values + rest * rng.standard_normal((rows, columns))
    grid = [(k, r) for k in range(rows) for r in range(columns)]
    made = pd.DataFrame(grid, columns=["point", "replication"])
    return made.assign(schedule="a", x=values.ravel())


def test_the_three_shares_of_variance_are_those_that_the_values_were_made_with():
    """500 scenarios and 500 replications: the standard error of each share is below 0.03 (chi-squared with 499 degrees)."""
    (row,) = spread(layout(500, 500, 1.0, 2.0, 1.5, 1), ["x"], ["schedule", "point"]).to_dict("records")
    total = 1.0 + 4.0 + 2.25
    assert [row[share] for share in SHARES] == pytest.approx([1.0 / total, 4.0 / total, 2.25 / total], abs=0.12)


def test_luck_that_all_scenarios_share_is_not_taken_for_the_parameters():
    (row,) = spread(layout(40, 6, 0.0, 1.0, 0.0, 2), ["x"], ["schedule", "point"]).to_dict("records")
    assert [row[share] for share in SHARES] == pytest.approx([0.0, 1.0, 0.0], abs=1e-9)
    (row,) = spread(layout(40, 6, 1.0, 0.0, 0.0, 2), ["x"], ["schedule", "point"]).to_dict("records")
    assert [row[share] for share in SHARES] == pytest.approx([1.0, 0.0, 0.0], abs=1e-9)


def test_components_are_those_of_a_small_layout_worked_by_hand():
    """Rows 0 and 2 apart, columns 0 and 1 apart, interaction +-0.5: mean squares 4.0, 1.0 and 1.0 by hand."""
    values = np.array([[0.5, 0.5], [1.5, 3.5]])[:, :, None]  # means of rows 0.5, 2.5; of columns 1.0, 2.0; rest +-0.5
    rest = 4 * 0.25 / 1
    expected = np.maximum([2.0 - rest / 2, 0.5 - rest / 2, rest], 0.0)
    assert components(values)[:, 0] == pytest.approx(expected / expected.sum())


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32))
def test_shares_are_shares_or_nothing(rows, columns, seed):
    found = spread(layout(rows, columns, 1.0, 1.0, 1.0, seed), ["x"], ["schedule", "point"])
    shares = found[list(SHARES)].to_numpy()
    if rows < 2 or columns < 2:
        assert np.isnan(shares).all()
    else:
        assert (shares >= 0.0).all()
        assert shares.sum() == pytest.approx(1.0)


def test_replications_that_failed_somewhere_are_left_out_of_the_shares_and_kept_in_the_means():
    whole = layout(5, 8, 1.0, 1.0, 1.0, 4)
    holed = whole[~((whole["point"] == 2) & (whole["replication"] == 3))]
    (row,) = spread(holed, ["x"], ["schedule", "point"]).to_dict("records")
    (without,) = spread(whole[whole["replication"] != 3], ["x"], ["schedule", "point"]).to_dict("records")
    assert [row[share] for share in SHARES] == [without[share] for share in SHARES]
    assert row["mean"] == pytest.approx(holed.groupby("point")["x"].mean().mean())


def test_rank_correlations_are_spearmans():
    summary = pd.DataFrame(
        {
            "schedule": "a",
            "point": range(5),
            "p": [1.0, 2.0, 3.0, 4.0, 5.0],
            "q": [7.0] * 5,
            "outcome": "x",
            "mean": [10.0, 100.0, 90.0, 1000.0, 2000.0],
        }
    )
    found = rank_correlations(summary, ["p", "q"], ["x"])
    assert found["parameter"].tolist() == ["p", "q"]
    assert found["x"][0] == pytest.approx(0.9)  # one swap of neighbours among five: 1 - 6 * 2 / (5 * 24)
    assert np.isnan(found["x"][1])
