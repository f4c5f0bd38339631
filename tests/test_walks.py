"""The course of a source's coverage, drawn given what it counted: it has the exact distribution, and odd cases do no harm."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from math import exp, inf, log, sqrt

import numpy as np
import pytest

from experiments.composition import Composer
from experiments.settings import split as parts
from sim.history import walks
from sim.history.forecasts import Particle, of_model, outlook
from sim.history.record import Window, shipped, split
from sim.history.simulated import Simulator, within
from sim.history.sources import Sources, log_probability
from sim.scenario import read_scenario

START = date(2018, 1, 1)
GTD = "sources.gtd.isis_attacks"
VALUES = {f"{GTD}.coverage": 0.4, f"{GTD}.size": 8.0, f"{GTD}.drift": 0.8}
DRAWS = 2000
MONTH = 30 / 365.25


def months(*counts: int | None, kind: str = "exact", days: int = 30) -> list[Window]:
    """Windows of so many days, one after another, of GTD; None is a count that is not known."""
    first = [START + timedelta(days=days * k) for k in range(len(counts))]
    return [
        Window(day, day + timedelta(days=days - 1), "isis_attacks", "gtd", count or 0, kind, "")
        for day, count in zip(first, counts, strict=True)
    ]


def known(counts: Sequence[int | None]) -> np.ndarray:
    return np.array([np.nan if count is None else float(count) for count in counts])


def drawn(counts, truth, values=VALUES, kind="exact", draws=DRAWS, days=30) -> np.ndarray:
    """Logarithms of the share reported over the coverage, in each draw: the walk, where it stays below the cap."""
    sources, truth = Sources(months(*counts, kind=kind, days=days), START), np.asarray(truth, dtype=float)
    found = np.array([sources.expected(truth, values, key, known(counts))[0] for key in range(draws)])
    return np.log(found / truth / values[f"{GTD}.coverage"])


def weighed(windows, seen, truth, values=VALUES, draws=150_000, seed=1) -> tuple[np.ndarray, np.ndarray]:
    """The same by brute force: walks drawn from nothing, capped alike, each with the probability of what was seen as weight."""
    coverage, size, drift = (values[f"{GTD}.{name}"] for name in ("coverage", "size", "drift"))
    middles = np.array([(w.start - START).days + w.days / 2 for w in windows]) / 365.25
    steps = drift * np.sqrt(np.diff(middles, prepend=0.0))
    course = np.cumsum(steps * np.random.default_rng(seed).standard_normal((draws, len(steps))), axis=1)
    share = np.minimum(coverage * np.exp(course), 1.0)
    sizes = size * np.array([w.days for w in windows]) / 30
    logs = log_probability(windows, share * np.asarray(truth), sizes)[:, seen].sum(axis=1)
    return np.log(share / coverage), np.exp(logs - logs.max())


CASES = {
    "few counts of each window": ((9, 30, 4), (40.0, 35.0, 30.0), "exact"),
    "a gap in what is known, and what follows": ((12, None, 22, None), (30.0, 30.0, 30.0, 30.0), "exact"),
    "more than all there was": ((45, 50), (30.0, 30.0), "exact"),
    "floors": ((20, 25, 15), (30.0, 30.0, 30.0), "at_least"),
    "about so many": ((30, 8), (35.0, 35.0), "about"),
    "nothing counted": ((0, 0, 1), (15.0, 15.0, 15.0), "exact"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_walk_has_the_distribution_that_brute_force_finds(case):
    """Means, mean squares and products of neighbours against importance sampling, within 4.5 standard errors of both."""
    counts, truth, kind = CASES[case]
    ours = drawn(counts, truth, kind=kind)
    course, weight = weighed(months(*counts, kind=kind), [c is not None for c in counts], truth)
    for what in (lambda x: x, lambda x: x**2, lambda x: x[:, 1:] * x[:, :-1]):
        mine, brute = what(ours), what(course)
        mean = weight @ brute / weight.sum()
        error = np.sqrt(mine.var(axis=0) / DRAWS + weight**2 @ (brute - mean) ** 2 / weight.sum() ** 2)
        assert mine.mean(axis=0) == pytest.approx(mean, abs=4.5 * error.max())


def test_brute_force_can_tell():
    """The test above would fail for the walk that knows nothing."""
    counts, truth, _ = CASES["few counts of each window"]
    blind = drawn((None, None, None), truth)
    course, weight = weighed(months(*counts), [True] * 3, truth)
    assert abs(blind[:, 1].mean() - weight @ course[:, 1] / weight.sum()) > 10 * blind[:, 1].std() / sqrt(DRAWS)


def test_redrawing_leaves_walks_that_made_the_counts_as_they_were():
    """Walk, then counts, then the walk given these: again a walk from nothing (Geweke, J. Am. Stat. Assoc. 99 (2004))."""
    truth, draws = np.array([30.0, 5.0, 60.0, 40.0]), 1500
    sources = Sources(months(0, 0, 0, 0), START)
    first, again = np.empty((draws, 4)), np.empty((draws, 4))
    for key in range(draws):
        mean, size = sources.expected(truth, VALUES, key)
        counts = sources.counts(mean, size, key).astype(float)
        first[key] = np.log(mean / truth)
        again[key] = np.log(sources.expected(truth, VALUES, key + draws, counts)[0] / truth)
    for power in (1, 2):
        changes = again**power - first**power
        assert changes.mean(axis=0) / changes.std(axis=0) == pytest.approx(0.0, abs=4.5 / sqrt(draws))
    assert ((again - first).std(axis=0) > 0.05).all()


# -- known answers -------------------------------------------------------------------------------------------------------
def test_a_walk_of_which_nothing_was_seen_is_the_walk_from_nothing():
    """On the grid itself, and where no count is known: then even the same luck as ever."""
    steps = np.array([0.1, 0.3, 0.3])
    points = walks.grid(-2.5, 2.5, 0.1)
    rng = np.random.default_rng(2)
    found = np.array([walks.redrawn(points, steps, np.zeros((3, len(points))), rng) for _ in range(DRAWS)])
    variance = np.cumsum(steps**2)
    assert found.mean(axis=0) == pytest.approx(0.0, abs=4.5 * sqrt(variance[-1] / DRAWS))
    assert found.var(axis=0) / variance == pytest.approx(1.0, abs=4.5 * sqrt(2 / DRAWS))
    increments = np.diff(found, axis=1)
    assert abs(np.corrcoef(increments[:, 0], increments[:, 1])[0, 1]) < 4.5 / sqrt(DRAWS)
    sources, truth = Sources(months(3, 4), START), np.full(2, 10.0)
    nothing = np.full(2, np.nan)
    assert (sources.expected(truth, {}, 5, nothing)[0] == sources.expected(truth, {}, 5)[0]).all()


def test_normal_noise_gives_what_kalman_gives():
    """One observation y of a walk of variance v, noise of variance r: mean y v / (v + r), variance v r / (v + r)."""
    v, r, y = 0.5, 0.02, 1.0
    points = walks.grid(-4.0, 4.0, sqrt(r))
    rng = np.random.default_rng(3)
    seen = (-0.5 * (points - y) ** 2 / r)[None]
    found = np.array([walks.redrawn(points, np.array([sqrt(v)]), seen, rng)[0] for _ in range(DRAWS)])
    variance = v * r / (v + r)
    assert found.mean() == pytest.approx(y * v / (v + r), abs=4.5 * sqrt(variance / DRAWS))
    assert found.var() == pytest.approx(variance, rel=4.5 * sqrt(2 / DRAWS))


def test_a_very_informative_series_pins_coverage_and_from_there_it_wanders():
    """A dozen counts of thousands each at half the declared coverage; what comes after has drift^2 x time more variance."""
    values = {f"{GTD}.coverage": 0.4, f"{GTD}.size": 10_000.0, f"{GTD}.drift": 0.3}
    walk = drawn((*(2000,) * 12, None, None), (10_000.0,) * 14, values, draws=500)
    noise = sqrt(1 / 2000 + 1 / 10_000)
    assert walk[:, 5:12] == pytest.approx(log(0.5), abs=5 * noise)
    for ahead in (1, 2):
        increments = walk[:, 11 + ahead] - walk[:, 11]
        assert increments.mean() == pytest.approx(0.0, abs=4.5 * 0.3 * sqrt(ahead * MONTH / 500))
        assert increments.var() == pytest.approx(0.3**2 * ahead * MONTH, rel=4.5 * sqrt(2 / 500))
        assert abs(np.corrcoef(increments, walk[:, 11])[0, 1]) < 4.5 / sqrt(500)


def test_a_floor_only_pushes_upwards():
    truth = (30.0,) * 3
    low, none, high = (drawn((n,) * 3, truth, kind="at_least", draws=800)[:, -1] for n in (1, 0, 25))
    error = sqrt(2 * 0.8**2 * 3 * MONTH / 800)
    assert none.mean() == pytest.approx(0.0, abs=4.5 * error)  # at least nothing says nothing
    assert abs(low.mean() - none.mean()) < 4.5 * error  # nor does a floor far below
    assert high.mean() > none.mean() + 10 * error


# -- odd cases -----------------------------------------------------------------------------------------------------------
def test_months_in_which_nothing_happened_say_nothing_of_coverage():
    """Neither a count of 0, which is sure, nor one of 3, which nobody can have made, moves the walk: the same to the bit."""
    sources = Sources(months(9, 0, 12), START)
    truth = np.array([30.0, 0.0, 30.0])
    for key in range(20):
        sure, impossible = (sources.expected(truth, VALUES, key, known((9, n, 12)))[0] for n in (0, 3))
        assert (sure == impossible).all()
        assert sure[1] == 0.0
        assert np.isfinite(sure).all()


@pytest.mark.parametrize("kind", ["exact", "at_least", "about"])
@pytest.mark.parametrize(
    ("truth", "change"),
    [
        ((0.0, 0.0, 0.0), {}),
        ((1e-6, 1e5, 1e-6), {}),
        ((1e5, 1e5, 1e5), {f"{GTD}.drift": 1e-6}),
        ((5.0, 5.0, 5.0), {f"{GTD}.coverage": 0.0}),
        ((5.0, 5.0, 5.0), {f"{GTD}.coverage": 1.0, f"{GTD}.drift": 3.0, f"{GTD}.size": 0.1}),
        ((1e4, 1e4, 1e4), {f"{GTD}.coverage": 0.01, f"{GTD}.drift": 0.05, f"{GTD}.size": 10_000.0}),
    ],
)
def test_what_hardly_can_be_does_no_harm(kind, truth, change):
    counts = (400, 0, 3000, None)
    sources, values = Sources(months(*counts, kind=kind), START), VALUES | change
    mean, size = sources.expected(np.array([*truth, 7.0]), values, 1, known(counts))
    assert np.isfinite(mean).all()
    assert (mean >= 0).all()
    assert (mean <= [*truth, 7.0]).all()
    assert (size > 0).all()


def test_a_walk_that_counts_drag_beyond_its_steps_goes_as_far_as_steps_are_looked_over():
    """Counts of a hundredth of what is expected, with noise that allows no other reading: 8 standard deviations a step."""
    values = {f"{GTD}.coverage": 0.5, f"{GTD}.size": 10_000.0, f"{GTD}.drift": 0.1}
    walk = drawn((500, 500, 500), (100_000.0,) * 3, values, draws=5)
    assert (np.diff(walk, axis=1) < -7.5 * 0.1 * sqrt(MONTH)).all()
    assert (walk > log(0.01)).all()


def test_a_drift_of_zero_stays_zero_and_the_reference_is_as_it_was():
    counts = (9, 30, 4)
    steady = VALUES | {f"{GTD}.drift": 0.0}
    assert drawn(counts, (40.0,) * 3, steady, draws=3) == pytest.approx(0.0, abs=1e-12)
    sources = Sources([replace(w, source="ctc") for w in months(*counts)], START)
    assert sources.expected(np.full(3, 40.0), {}, 1, known(counts))[0] == pytest.approx(40.0)


def test_a_grid_holds_its_range_and_zero_and_has_enough_points():
    for low, high, finest in ((-1.0, 2.0, 0.5), (-0.3, 0.1, 0.01), (-9.0, 1.0, 1e-9)):
        points = walks.grid(low, high, finest)
        assert points[0] <= low
        assert points[-1] >= high
        assert 0.0 in points
        assert 121 <= len(points) <= 2001
        assert len(points) == 2001 - 1 or points[1] - points[0] <= walks.SPACING * finest or finest < 1e-6
    impossible = np.full((2, len(points)), -inf)
    assert np.isfinite(walks.redrawn(points, np.array([0.1, 0.1]), impossible, np.random.default_rng(1))).all()


# -- luck ----------------------------------------------------------------------------------------------------------------
def test_the_past_is_the_same_whatever_is_asked_for_and_the_future_is_not_known():
    """With windows after the origin or without, other sources or none, in any order: the same to the bit."""
    windows, rng = [w for w in shipped() if w.start >= START], np.random.default_rng(1)
    past, _, future = split(windows, date(2019, 12, 31))
    both = [*past, *future]
    truth = np.array([2.0 * w.count + 1.0 for w in both])
    counted = np.array([*(float(w.count) for w in past), *(np.nan for _ in future)])
    gtd = np.array([k for k, one in enumerate(both) if one.source == "gtd"])
    order = rng.permutation(len(both))
    for key in range(5):
        mean = Sources(both, START).expected(truth, {}, key, counted)[0]
        n = len(past)
        assert (Sources(past, START).expected(truth[:n], {}, key, counted[:n])[0] == mean[:n]).all()
        for some in (gtd, order):
            alone = Sources([both[k] for k in some], START).expected(truth[some], {}, key, counted[some])[0]
            assert (alone == mean[some]).all()
        assert (Sources(both, START).expected(truth, {}, key, counted)[0] == mean).all()
        spoiled = [replace(w, count=9 * w.count + 777) if k >= n else w for k, w in enumerate(both)]
        assert (Sources(spoiled, START).expected(truth, {}, key, counted)[0] == mean).all()
        assert (Sources(both, START).expected(truth, {}, key)[0] != mean).any()
        assert (Sources(both, START).expected(truth, {}, key + 1, counted)[0] != mean).any()


def test_half_the_truth_is_made_up_by_twice_the_coverage():
    """What a forecast gains: trajectories whose level is off are put right, as far as drift allows."""
    walk = [drawn((12,) * 12, (level,) * 12, draws=300)[:, -1].mean() for level in (20.0, 40.0)]
    assert exp(walk[0] - walk[1]) == pytest.approx(2.0, rel=0.2)


# -- in a forecast ---------------------------------------------------------------------------------------------------------
def test_a_forecast_starts_from_the_coverage_that_counts_tell_and_what_happens_stays(compiled_before):
    """Twice the counts: about twice the forecast of the same trajectories; of those that have learnt nothing, the same."""
    scenario, origin = read_scenario(parts(Composer("hindcast").compose([]))[0]), date(2019, 6, 30)
    record = [w for w in within(shipped(), scenario) if w.source == "gtd" and w.end <= date(2019, 9, 30)]
    doubled = [replace(w, count=2 * w.count) for w in record]
    particles = [Particle({"isis.attacks": 120.0, f"{GTD}.drift": 0.6, f"{GTD}.coverage": 0.2}, k) for k in range(8)]
    means = {}
    for redraw in (True, False):
        for name, windows in (("once", record), ("twice", doubled)):
            made = of_model(scenario, outlook(windows, origin, 92), particles, 1, redraw=redraw)
            means[redraw, name] = np.array([forecast.mean for forecast in made])
    assert (means[False, "once"] == means[False, "twice"]).all()
    assert 1.2 < (means[True, "twice"] / means[True, "once"]).mean() < 2.1
    look = outlook(record, origin, 92)
    simulator = Simulator(scenario, [*look.past, *look.scored], 1, origin)
    counted = np.array([*(float(w.count) for w in look.past), *(np.nan for _ in look.scored)])
    plain, fitted = (simulator.trajectory(particles[0].values, 0, these) for these in (None, counted))
    assert (plain.truth == fitted.truth).all()
    assert (plain.size == fitted.size).all()
    assert (plain.mean != fitted.mean).any()
