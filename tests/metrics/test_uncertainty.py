"""The jackknife and the null band of §9."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palimpsest.errors import MetricError
from palimpsest.metrics import geometry, uncertainty
from palimpsest.metrics.uncertainty import Band, Interval, interval, intervals, null_band


def mean_of(values):
    return lambda rows: float((values if rows is None else values[rows]).mean())


def test_by_hand_over_all_halves_of_four():
    # halves of 0 0 0 4: mean 0 or 2 with equal chance → SE 1 = s/√n with s = 2
    got = interval(mean_of(np.array([0.0, 0.0, 0.0, 4.0])), 4, samples=4000)
    assert got.value == 1.0
    assert got.high - got.value == pytest.approx(1.96, rel=0.03)
    assert got.high - got.value == pytest.approx(got.value - got.low)


def test_the_standard_error_is_the_deviation_over_the_halves():
    values = np.random.default_rng(0).normal(size=50)
    halves = [values[rows].mean() for rows in uncertainty.half_samples(50)]
    got = interval(mean_of(values), 50)
    assert got.low == pytest.approx(values.mean() - 1.96 * np.std(halves))


def test_a_mean_has_the_textbook_interval():
    values = np.random.default_rng(1).normal(size=400)
    got = interval(mean_of(values), 400, samples=2000)
    expected = 1.96 * values.std(ddof=1) / np.sqrt(400)
    assert got.high - got.value == pytest.approx(expected, rel=0.08)


def test_halves_are_halves_without_replacement():
    for rows in uncertainty.half_samples(101, 20):
        assert len(rows) == len(set(rows.tolist())) == 50
    first, second = uncertainty.half_samples(30, 3, seed=1), uncertainty.half_samples(30, 3, seed=1)
    assert all((a == b).all() for a, b in zip(first, second, strict=True))


@settings(deadline=None)
@given(st.floats(-5, 5), st.floats(0.1, 5))
def test_shift_and_scale_carry_over(shift, scale):
    values = np.arange(20.0) ** 2
    before, after = interval(mean_of(values), 20), interval(mean_of(shift + scale * values), 20)
    assert after.low == pytest.approx(shift + scale * before.low)
    assert after.high == pytest.approx(shift + scale * before.high)


def test_threads_change_no_number():
    values = np.random.default_rng(2).normal(size=60)
    card = lambda rows: {"mean": mean_of(values)(rows)}  # noqa: E731
    assert intervals(card, 60, threads=2) == intervals(card, 60)


@pytest.mark.parametrize("name", ["dispersion", "spread", "residual"])
def test_coverage_on_synthetic_populations(name):
    """95 % intervals of smooth metrics hold the population's value 90 to 99 % of the time."""
    rng = np.random.default_rng(3)
    scales = np.array([3.0, 2.0, 1.5, 0.5, 0.3])
    human = rng.standard_t(8, size=(4000, 5)) * scales
    basis = geometry.fit_basis(human)
    population = rng.standard_t(8, size=(40_000, 5)) * scales * 0.8
    truth = geometry.card(geometry.prepare(basis, population))[name]
    held = 0
    for trial in range(300):
        sample = population[rng.choice(len(population), 100, replace=False)]
        prepared = geometry.prepare(basis, sample)

        def metric(rows, prepared=prepared):
            points = prepared.coordinates if rows is None else prepared.coordinates[rows]
            if name == "dispersion":
                return float(np.linalg.norm(points - points.mean(0), axis=1).mean())
            if name == "spread":
                return float(np.linalg.det(np.cov(points.T)) ** (1 / 6))
            own = prepared.generated if rows is None else prepared.generated[rows]
            return 1.0 - points.var(axis=0).sum() / own.var(axis=0).sum()

        if trial == 0:  # the short form above is the library's metric
            assert metric(None) == pytest.approx(geometry.card(prepared)[name])
        got = interval(metric, 100, samples=60, seed=trial)
        held += got.low <= truth <= got.high
    assert 0.90 <= held / 300 <= 0.99


def test_a_constant_metric_has_no_width():
    assert interval(lambda rows: 2.0, 10) == Interval(2.0, 2.0, 2.0)


def test_undefined_values_stay_undefined():
    assert interval(lambda rows: None, 10) == Interval(None, None, None)
    assert interval(lambda rows: 1.0 if rows is None else None, 10) == Interval(1.0, None, None)
    assert interval(lambda rows: 1.0, 3) == Interval(1.0, None, None)


def test_null_band_by_hand():
    # 0..40: the 2.5th percentile is 1, the 97.5th 39
    assert null_band(list(range(41))) == Band(1.0, 39.0, 41)
    assert null_band([None, 2.0]) == Band(2.0, 2.0, 1)
    assert null_band([None]) == Band(None, None, 0)
    assert Band(1.0, 2.0, 20).holds(2.0)
    assert Band(1.0, 2.0, 20).holds(2.1) is False
    assert Band(None, None, 0).holds(1.0) is None
    assert uncertainty.null_bands([{"a": 1.0}, {"a": 3.0}])["a"].samples == 2


def test_errors():
    with pytest.raises(MetricError, match="mine: want a finite number or None, got nan"):
        intervals(lambda rows: {"mine": float("nan")}, 10)
    with pytest.raises(MetricError, match="the same metrics for every half-sample"):
        intervals(lambda rows: {"a": 1.0} if rows is None else {"b": 1.0}, 10)
    with pytest.raises(MetricError, match="samples: want >= 1, got 0"):
        uncertainty.half_samples(10, 0)
    with pytest.raises(MetricError, match="null sample: want finite values"):
        null_band([1.0, float("inf")])
