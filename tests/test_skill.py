"""Means of scores: by group, with intervals, and beside the baseline that the model does worst against."""

import numpy as np
import pandas as pd
import pytest

from sim.analysis.skill import COLUMNS, pooled


def forecasts(crps: dict[str, list[float]], origin: str = "2020-03-31", series: str = "isis_attacks", source: str = "gtd"):
    """A row each window (one a month) and method; nan in place of a score for a floor, None for no forecast."""
    starts = pd.date_range("2020-04-01", periods=max(map(len, crps.values())), freq="MS")
    rows = [
        {
            **{"origin": origin, "start": start, "end": start + pd.Timedelta(days=27), "series": series, "source": source},
            **{"method": method, "kind": "exact" if value == value else "at_least", "crps": value, "log_score": 2.0},
            **{"interval_score": 10 * value, "inside50": 0.0, "inside90": float(k % 2), "own": source == "gtd"},
        }
        for method, values in crps.items()
        for k, (start, value) in enumerate(zip(starts, values, strict=False))
        if value is not None
    ]
    return pd.DataFrame(rows)


def row(table: pd.DataFrame, **what) -> pd.Series:
    found = table
    for column, value in what.items():
        found = found[found[column] == value]
    assert len(found) == 1
    return found.iloc[0]


def test_means_are_of_the_windows_and_differences_of_those_in_common():
    table = pooled(forecasts({"model": [1.0, 2.0, 3.0], "poisson": [2.0, 2.0, 5.0], "ar1": [None, 1.0, None]}))
    assert list(table.columns) == list(COLUMNS)
    ours, poisson, ar1 = (row(table, method=name) for name in ("model", "poisson", "ar1"))
    assert (ours["crps"], ours["windows"], ours["interval_score"], ours["coverage90"]) == (2.0, 3, 20.0, pytest.approx(1 / 3))
    assert np.isnan(ours["skill"])
    assert (poisson["crps"], poisson["common"], poisson["difference"]) == (3.0, 3, -1.0)
    assert poisson["skill"] == pytest.approx(1 / 3)
    assert (ar1["crps"], ar1["common"], ar1["difference"], ar1["skill"]) == (1.0, 1, 1.0, -1.0)


def test_the_best_baseline_is_the_hardest_among_those_that_have_half_of_the_windows():
    crps = {"model": [2.0] * 4, "easy": [4.0] * 4, "hard": [1.9, 1.9, None, None], "hardest": [0.1, None, None, None]}
    assert pooled(forecasts(crps)).set_index("method")["best"].to_dict() == {
        **{"model": False, "easy": False},
        **{"hard": True, "hardest": False},
    }


def test_floors_count_for_the_log_score_only():
    """Inside are the second window, a floor, and the fourth: one of three counts."""
    ours = row(pooled(forecasts({"model": [1.0, float("nan"), 3.0, 2.0]})), method="model")
    assert (ours["windows"], ours["floors"], ours["common"], ours["crps"], ours["log_score"]) == (4, 1, 3, 2.0, 2.0)
    assert ours["coverage90"] == pytest.approx(1 / 3)
    assert np.isnan(row(pooled(forecasts({"model": [float("nan")]})), method="model")["coverage90"])


def test_a_window_forecast_twice_is_one_window_and_own_is_a_share():
    parts = [
        forecasts({"model": [1.0, 2.0]}),
        forecasts({"model": [1.0, 2.0, 3.0]}, origin="2020-06-30"),
        forecasts({"model": [4.0, 5.0, 6.0]}, origin="2020-06-30", source="ctc"),
    ]
    ours = row(pooled(pd.concat(parts)), origin="all", source="all")
    assert (ours["windows"], ours["different"], ours["own"]) == (8, 6, 5 / 8)


def test_few_windows_get_no_interval_and_many_one_of_the_right_width():
    few = row(pooled(forecasts({"model": [1.0, 2.0, 3.0, 4.0]})), method="model")
    assert np.isnan(few["crps_lower"])
    values = np.random.default_rng(1).exponential(size=200)
    many = row(pooled(forecasts({"model": list(values)})), method="model")
    assert many["crps_lower"] < values.mean() < many["crps_upper"]
    assert many["crps_upper"] - many["crps_lower"] == pytest.approx(2 * 1.96 * values.std() / np.sqrt(200), rel=0.15)


def test_one_window_forecast_from_many_origins_is_one_window_only():
    """Copies of the same forecasts from other days add nothing: the interval of all is that of one origin."""
    values = list(np.random.default_rng(2).exponential(size=30))
    one = pooled(forecasts({"model": values}))
    many = pooled(pd.concat([forecasts({"model": values}, origin=f"2020-0{k}-01") for k in range(1, 5)]))
    for end in ("crps", "crps_lower", "crps_upper"):
        assert row(many, origin="all")[end] == pytest.approx(row(one, method="model")[end])


def test_groups_are_put_together_by_source_and_series_and_origin():
    parts = [
        forecasts({"model": [1.0], "poisson": [2.0]}, source="gtd"),
        forecasts({"model": [3.0], "poisson": [2.0]}, source="ctc"),
        forecasts({"model": [8.0], "poisson": [2.0]}, series="base_attacks", source="afp"),
    ]
    table = pooled(pd.concat(parts))
    of_model = table[table["method"] == "model"].set_index(["series", "source"])["crps"].to_dict()
    assert of_model == {
        **{("base_attacks", "afp"): 8.0, ("isis_attacks", "ctc"): 3.0, ("isis_attacks", "gtd"): 1.0},
        **{("isis_attacks", "all"): 2.0, ("all", "all"): 4.0},
    }
    assert set(table["origin"]) == {"2020-03-31"}


def test_a_perfect_baseline_is_best_and_no_division_by_zero():
    table = pooled(forecasts({"model": [1.0, 1.0], "perfect": [0.0, 0.0], "poisson": [2.0, 2.0]}))
    assert row(table, best=True)["method"] == "perfect"
    assert row(table, method="perfect")["skill"] == -np.inf
