"""Figures of hindcasts: what they say, that they can be drawn of odd tables, and what they refuse."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from sim.figures import EVIDENCE, FIGURES, figure, images

BANDS = {"q05": 1.0, "q25": 3.0, "q50": 5.0, "q75": 8.0, "q95": 15.0}


def forecasts(**columns) -> pd.DataFrame:
    one = {
        **{"start": pd.Timestamp("2021-01-01"), "end": pd.Timestamp("2021-01-31"), "series": "isis_attacks", "source": "gtd"},
        **{"kind": "exact", "count": 6, "method": "model", "inside90": 1.0, **BANDS},
    }
    rows = [
        one,
        one | {"start": pd.Timestamp("2021-02-01"), "end": pd.Timestamp("2021-02-28"), "count": 40, "inside90": 0.0},
        one | {"source": "ctc", "kind": "at_least", "count": 2},
        one | {"method": "constant_poisson", "count": 6},
    ]
    return pd.DataFrame(rows).assign(**columns)


def scores() -> pd.DataFrame:
    one = {
        **{"series": "isis_attacks", "source": "gtd", "method": "model", "windows": 12, "floors": 0},
        **{"crps": 4.0, "crps_lower": 3.0, "crps_upper": 6.0},
    }
    nothing = {"crps": np.nan, "crps_lower": np.nan, "crps_upper": np.nan}
    return pd.DataFrame(
        [
            one,
            one | {"method": "ar1", "windows": 3, "crps_lower": np.nan, "crps_upper": np.nan},
            one | {"source": "fdd"} | nothing,
        ]
    )


def bins(method: str = "model") -> pd.DataFrame:
    return pd.DataFrame({"method": method, "low": [0.0, 0.5], "high": [0.5, 1.0], "share": [0.25, 0.75]})


def texts(found) -> str:
    """All that a definition says, in one string."""
    if isinstance(found, dict):
        return " ".join(texts(value) for value in found.values())
    return " ".join(texts(value) for value in found) if isinstance(found, list) else str(found)


def test_no_figure_of_evidence_is_one_of_schedules():
    assert not set(EVIDENCE) & set(FIGURES)


def test_a_hindcast_says_how_many_windows_were_missed_and_draws_the_past():
    past = pd.DataFrame(
        {"start": ["2020-12-01"], "end": ["2020-12-31"], "series": ["isis_attacks"], "source": ["gtd"], "kind": ["exact"]}
    )
    chart = figure("hindcast")(forecasts(), origin="2020-12-31", past=past.assign(count=9))
    said = texts(chart.to_dict())
    assert "Forecasts by model from 31 December 2020: 3 windows, 1 outside the 90 % range" in said
    assert "Isis attacks, ctc" in said
    assert "1 Dec 2020 to 31 Dec 2020" in said
    assert all(images(chart).values())


def test_a_hindcast_of_nothing_but_zeros_can_be_drawn():
    flat = forecasts(count=0, **dict.fromkeys(BANDS, 0.0))
    assert all(images(figure("hindcast")(flat, origin="2020-12-31")).values())


def test_skill_tells_of_fewer_windows_and_leaves_out_what_has_no_score():
    chart = figure("skill")(scores(), subject="2020-12-31")
    said = texts(chart.to_dict())
    assert "4.00 (of 3)" in said
    assert "12 windows" in said
    assert "fdd" not in said
    assert all(images(chart).values())


def test_pit_says_of_how_many_windows():
    chart = figure("pit")(pd.concat([bins(), bins("ar1_negative_binomial")]), windows={"model": 1, "ar1_negative_binomial": 7})
    said = texts(chart.to_dict())
    assert "model, 1 window" in said
    assert "ar1 negative binomial, 7 windows" in said
    assert all(images(chart).values())


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (lambda: figure("hindcast")(forecasts().drop(columns="q95"), origin="2020-12-31"), "lacks the column q95"),
        (lambda: figure("hindcast")(forecasts(), origin="2020-12-31", method="best"), "holds no method 'best'"),
        (lambda: figure("hindcast")(pd.concat([forecasts()] * 2), origin="2020-12-31"), "has two rows for"),
        (lambda: figure("skill")(scores().iloc[:0], subject="x"), "has no rows"),
        (lambda: figure("skill")(scores().assign(crps=np.nan), subject="x"), "no CRPS"),
        (lambda: figure("pit")(bins().drop(columns="share"), windows={}), "lacks the column share"),
    ],
)
def test_a_table_that_is_not_what_it_should_be_is_refused(draw, said):
    with pytest.raises(ValueError, match=said):
        draw()


def test_the_axis_of_a_calibration_goes_as_far_as_its_posteriors():
    one = {"parameter": "isis.attacks", "contraction": 0.5, "z_low": -1.0, "z_median": 0.5, "z_high": 2.0}
    one |= {f"{of}_{end}": value for of in ("prior", "posterior") for end, value in (("low", 60), ("median", 110), ("high", 220))}
    for high, widest in ((2.0, 2.5), (3.7, 4.0)):
        drawn = figure("calibration")(pd.DataFrame([one | {"z_high": high}]), until=date(2020, 3, 31)).to_dict()
        assert f"'domain': [{-widest}, {widest}]" in str(drawn)
        assert str(high) in str(drawn)
