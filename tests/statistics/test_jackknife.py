"""The delete-half jackknife of docs/metrics.md §9, against cases with a known answer."""

from itertools import combinations
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palimpsest.core.errors import MetricError
from palimpsest.metrics import geometry
from palimpsest.statistics import jackknife
from palimpsest.statistics.jackknife import NORMAL_95, Interval, half_samples, intervals


def mean_of(values):
    return lambda rows: float((values if rows is None else values[rows]).mean())


def interval(metric, count, *args, **options):
    """The interval of a single metric."""
    return intervals(lambda rows: {"metric": metric(rows)}, count, *args, **options)["metric"]


def error_of_mean(values, *args, **options):
    """The standard error of the mean that its interval stands for."""
    one = interval(mean_of(values), len(values), *args, **options)
    return (one.high - one.value) / 1.96


def textbook_error(values):
    """s/√n, the standard error of a mean."""
    return values.std(ddof=1) / sqrt(len(values))


def test_by_hand_over_all_halves_of_four():
    # halves of 0 0 0 4: mean 0 or 2 with equal chance → SE 1 = s/√n with s = 2
    got = interval(mean_of(np.array([0.0, 0.0, 0.0, 4.0])), 4, samples=4000)
    assert got.value == 1.0
    assert got.high - got.value == pytest.approx(1.96, rel=0.03)
    assert got.high - got.value == pytest.approx(got.value - got.low)


@pytest.mark.parametrize(("count", "factor"), [(4, 1), (6, 1), (10, 1), (5, 3 / 2), (9, 5 / 4)])
def test_over_all_halves_the_error_of_a_mean_is_exactly_the_textbook_one(
    monkeypatch, count, factor
):
    """All (n over n/2) halves: s²/n for an even n; an odd one deletes one more than it keeps, and
    the mean of m of n without replacement varies by s²/n · (n − m)/m.
    """
    values = np.random.default_rng(count).exponential(size=count)
    every = [np.array(rows) for rows in combinations(range(count), count // 2)]
    monkeypatch.setattr(jackknife, "half_samples", lambda *_: every)
    assert error_of_mean(values) == pytest.approx(sqrt(factor) * textbook_error(values), rel=1e-12)


def test_on_average_over_seeds_the_error_of_a_mean_is_the_textbook_one():
    values = np.random.default_rng(1).exponential(size=60)
    squares = [error_of_mean(values, samples=100, seed=seed) ** 2 for seed in range(200)]
    # a variance that divides by B is (B − 1)/B of it; the mean of 200 of them is known to 1 %
    expected = 0.99 * textbook_error(values) ** 2
    assert np.mean(squares) == pytest.approx(expected, rel=0.03)


def test_a_mean_has_the_textbook_interval():
    values = np.random.default_rng(1).normal(size=400)
    got = interval(mean_of(values), 400, samples=2000)
    expected = 1.96 * textbook_error(values)
    assert got.high - got.value == pytest.approx(expected, rel=0.08)


def held_shares(draw, truth):
    """Of 2,000 samples of 60: how often the interval of the mean, and s/√n's, hold the truth."""
    held, by_textbook = [], []
    for seed in range(4):
        samples = draw(np.random.default_rng(seed), (500, 60))

        def means(rows, samples=samples):
            chosen = samples if rows is None else samples[:, rows]
            return {str(number): mean for number, mean in enumerate(chosen.mean(axis=1))}

        held += [one.low <= truth <= one.high for one in intervals(means, 60, seed=seed).values()]
        off = np.abs(samples.mean(axis=1) - truth)
        by_textbook += (off <= 1.96 * samples.std(axis=1, ddof=1) / sqrt(60)).tolist()
    assert len(held) == 2000
    return np.mean(held), np.mean(by_textbook)


@pytest.mark.parametrize(
    ("draw", "truth"),
    [
        (lambda rng, shape: rng.normal(7.0, 3.0, shape), 7.0),
        (lambda rng, shape: rng.uniform(size=shape), 0.5),
    ],
)
def test_the_interval_of_a_mean_holds_the_true_mean_95_times_in_100(draw, truth):
    share, by_textbook = held_shares(draw, truth)
    assert 0.93 <= share <= 0.96
    assert share == pytest.approx(by_textbook, abs=0.015)


def test_on_skewed_samples_the_interval_of_a_mean_is_as_good_as_the_textbook_one():
    share, by_textbook = held_shares(lambda rng, shape: rng.exponential(size=shape), 1.0)
    assert share == pytest.approx(by_textbook, abs=0.015)


@pytest.mark.parametrize("count", [4, 5, 30, 101])
def test_halves_are_halves_without_repeats(count):
    halves = half_samples(count, 20)
    assert len(halves) == 20
    for rows in halves:
        assert len(rows) == len(set(rows.tolist())) == count // 2
        assert rows.tolist() == sorted(rows.tolist())
        assert 0 <= rows[0] <= rows[-1] < count
    assert len(half_samples(count)) == jackknife.HALF_SAMPLES == 100


def test_every_item_is_in_half_of_the_halves():
    counts = np.bincount(np.concatenate(half_samples(12, 4000)), minlength=12)
    assert counts / 4000 == pytest.approx(np.full(12, 0.5), abs=0.03)


def test_the_seed_alone_decides_the_halves():
    first, second, other = (half_samples(30, 3, seed) for seed in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    assert not all((a == b).all() for a, b in zip(first, other, strict=True))
    assert len({tuple(rows) for rows in first}) == 3
    values = np.random.default_rng(3).normal(size=30)
    assert error_of_mean(values, seed=1) == error_of_mean(values, seed=1)
    assert error_of_mean(values, seed=1) != error_of_mean(values, seed=2)


@settings(deadline=None)
@given(st.floats(-5, 5), st.floats(0.1, 5))
def test_shift_and_scale_carry_over(shift, scale):
    values = np.arange(20.0) ** 2
    before, after = interval(mean_of(values), 20), interval(mean_of(shift + scale * values), 20)
    assert after.low == pytest.approx(shift + scale * before.low)
    assert after.high == pytest.approx(shift + scale * before.high)


def test_threads_change_no_number():
    values = np.random.default_rng(2).normal(size=60)
    metrics = lambda rows: {"mean": mean_of(values)(rows)}  # noqa: E731
    assert intervals(metrics, 60, threads=2) == intervals(metrics, 60)


@pytest.mark.parametrize("name", ["dispersion", "spread", "residual"])
def test_coverage_on_synthetic_populations(name):
    """95 % intervals of smooth metrics hold the population's value 90 to 99 % of the time."""
    rng = np.random.default_rng(3)
    scales = np.array([3.0, 2.0, 1.5, 0.5, 0.3])
    human = rng.standard_t(8, size=(4000, 5)) * scales
    basis = geometry.fit_basis(human)
    population = rng.standard_t(8, size=(40_000, 5)) * scales * 0.8
    truth = geometry.prepare(basis, population).compute()[name]
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
            assert metric(None) == pytest.approx(prepared.compute()[name])
        got = interval(metric, 100, samples=60, seed=trial)
        held += got.low <= truth <= got.high
    assert 0.90 <= held / 300 <= 0.99


def test_a_constant_metric_has_no_width():
    assert interval(lambda rows: 2.0, 10) == Interval(2.0, 2.0, 2.0)


def test_undefined_values_stay_undefined():
    assert interval(lambda rows: None, 10) == Interval(None, None, None)
    assert interval(lambda rows: 1.0 if rows is None else None, 10) == Interval(1.0, None, None)
    sometimes = iter([1.0, *[2.0] * 9, None])
    assert interval(lambda rows: next(sometimes), 10, samples=10) == Interval(1.0, None, None)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_three_texts_or_fewer_have_no_interval(count):
    assert interval(lambda rows: 1.0, count) == Interval(1.0, None, None)
    assert interval(lambda rows: 1.0, 4) == Interval(1.0, 1.0, 1.0)


def test_a_95_percent_interval_is_1_96_standard_errors_wide_on_either_side():
    assert NORMAL_95 == 1.96


def test_errors():
    with pytest.raises(MetricError, match="mine: want a finite number or None, got nan"):
        intervals(lambda rows: {"mine": float("nan")}, 10)
    with pytest.raises(MetricError, match="mine: want a finite number or None, got inf"):
        intervals(lambda rows: {"mine": 1.0 if rows is None else float("inf")}, 10)
    with pytest.raises(
        MetricError, match=r"want the same metrics as the whole, got \['a', 'b'\] in one only"
    ):
        intervals(lambda rows: {"a": 1.0} if rows is None else {"b": 1.0}, 10)
    with pytest.raises(MetricError, match="samples: want >= 1, got 0"):
        half_samples(10, 0)
