"""The jackknives of docs/metrics.md §9 and Wilson's interval, against cases with a known answer."""

from itertools import combinations
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, norm, t, ttest_1samp

from palimpsest.core.errors import MetricError
from palimpsest.metrics import geometry
from palimpsest.statistics import jackknife
from palimpsest.statistics.jackknife import (
    NORMAL_95,
    Interval,
    delete_group,
    delete_half,
    group_samples,
    half_samples,
    share_interval,
)

both = pytest.mark.parametrize("estimator", [delete_half, delete_group])


def mean_of(values):
    return lambda rows: float((values if rows is None else values[rows]).mean())


def interval(metric, count, *args, estimator=delete_half, **options):
    """The interval of a single metric."""
    return estimator(lambda rows: {"metric": metric(rows)}, count, *args, **options)["metric"]


def reach_of(estimator, count=60, groups=jackknife.GROUPS):
    """How many standard errors an interval has on either side."""
    return 1.96 if estimator is delete_half else t.ppf(0.975, min(groups, count) - 1)


def error_of_mean(values, *args, estimator=delete_half, **options):
    """The standard error of the mean that its interval stands for."""
    count = len(values)
    one = interval(mean_of(values), count, *args, estimator=estimator, **options)
    return (one.high - one.value) / reach_of(
        estimator, count, options.get("groups", jackknife.GROUPS)
    )


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


@pytest.mark.parametrize("count", [4, 7, 50])
def test_with_one_item_a_group_the_interval_of_a_mean_is_exactly_student_s(count):
    """θ_(i) − θ̄ = (x̄ − x_i) / (n − 1), so that (n − 1)/n Σ (θ_(i) − θ̄)² = s²/n."""
    values = np.random.default_rng(count).exponential(size=count)
    got = interval(mean_of(values), count, estimator=delete_group, groups=50)
    assert error_of_mean(values, estimator=delete_group, groups=50) == pytest.approx(
        textbook_error(values), rel=1e-12
    )
    expected = ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert (got.low, got.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_two_groups_by_hand():
    # means of 0 1 and of 4 7 without the other: 5.5 and 0.5, SE = √(1/2 · 2 · 2.5²), t(1) = 12.7062
    values, halves = np.array([0.0, 1.0, 4.0, 7.0]), [np.array([2, 3]), np.array([0, 1])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jackknife, "group_samples", lambda *_: halves)
        got = interval(mean_of(values), 4, groups=2, estimator=delete_group)
    assert (got.value, got.high) == (3.0, pytest.approx(3.0 + 12.7062047 * 2.5))
    assert got.low == pytest.approx(6.0 - got.high)


@pytest.mark.parametrize(("count", "groups"), [(60, 20), (60, 50), (23, 4)])
def test_on_average_the_delete_group_error_of_a_mean_is_the_textbook_one(count, groups):
    """Also for groups of several items, and of different sizes.

    Group g of k items moves the mean by a (x̄ − x̄_g), a = k / (n − k). About x̄ the x̄_g have the
    variance s²/k − s²/n and two of them the covariance −s²/n: Σ (θ_(g) − θ̄)² is on average
    s²/n (Σa − (Σa − (Σa)² + Σa²) / G), which is s²/n · G / (G − 1) for equal groups.
    """
    samples = np.random.default_rng(1).normal(size=(2000, count))
    sizes = np.array([count // groups + (at < count % groups) for at in range(groups)])
    a = sizes / (count - sizes)
    factor = a.sum() - (a.sum() - a.sum() ** 2 + (a**2).sum()) / groups
    factor *= (groups - 1) / groups
    assert factor == pytest.approx(1.0, abs=1e-12 if count % groups == 0 else 0.02)

    def means(rows):
        chosen = samples if rows is None else samples[:, rows]
        return {str(number): mean for number, mean in enumerate(chosen.mean(axis=1))}

    intervals = delete_group(means, count, groups).values()
    squares = [((one.high - one.value) / t.ppf(0.975, groups - 1)) ** 2 for one in intervals]
    expected = factor * np.mean(samples.var(axis=1, ddof=1)) / count
    # the variance of G means is known to √(2 / (G − 1)), the mean of 2,000 of them to 1/√2000
    assert np.mean(squares) == pytest.approx(expected, rel=4 * sqrt(2 / (groups - 1) / 2000))


@both
def test_a_mean_has_the_textbook_interval(estimator):
    values = np.random.default_rng(1).normal(size=400)
    if estimator is delete_half:
        # a standard deviation over 2,000 halves is known to 1/√4000: five times that
        got, rel = interval(mean_of(values), 400, samples=2000), 0.08
    else:
        # over 200 groups to 1/√398 = 5 %
        got, rel = interval(mean_of(values), 400, groups=200, estimator=delete_group), 0.2
    expected = reach_of(estimator, 400, 200) * textbook_error(values)
    assert got.high - got.value == pytest.approx(expected, rel=rel)


def held_shares(draw, truth, estimator):
    """Of 2,000 samples of 60: how often the interval of the mean, and s/√n's, hold the truth."""
    held, by_textbook = [], []
    for seed in range(4):
        samples = draw(np.random.default_rng(seed), (500, 60))

        def means(rows, samples=samples):
            chosen = samples if rows is None else samples[:, rows]
            return {str(number): mean for number, mean in enumerate(chosen.mean(axis=1))}

        intervals = estimator(means, 60, seed=seed).values()
        held += [one.low <= truth <= one.high for one in intervals]
        off = np.abs(samples.mean(axis=1) - truth)
        reach = reach_of(estimator) * samples.std(axis=1, ddof=1) / sqrt(60)
        by_textbook += (off <= reach).tolist()
    assert len(held) == 2000
    return np.mean(held), np.mean(by_textbook)


@both
@pytest.mark.parametrize(
    ("draw", "truth"),
    [
        (lambda rng, shape: rng.normal(7.0, 3.0, shape), 7.0),
        (lambda rng, shape: rng.uniform(size=shape), 0.5),
    ],
)
def test_the_interval_of_a_mean_holds_the_true_mean_95_times_in_100(estimator, draw, truth):
    share, by_textbook = held_shares(draw, truth, estimator)
    assert 0.93 <= share <= 0.96
    assert share == pytest.approx(by_textbook, abs=0.015)


@both
def test_on_skewed_samples_the_interval_of_a_mean_is_as_good_as_the_textbook_one(estimator):
    share, by_textbook = held_shares(lambda rng, shape: rng.exponential(size=shape), 1.0, estimator)
    assert share == pytest.approx(by_textbook, abs=0.015)


def test_a_count_of_distinct_things_needs_the_delete_group_jackknife():
    """400 words of Zipf's law, texts of one word, how many different ones 200 texts have.

    Half of the texts repeat less: over halves the count varies as a count of 100 does.
    """
    chances = 1 / np.arange(1, 401)
    chances /= chances.sum()
    truth = (1 - (1 - chances) ** 200).sum()
    words = np.random.default_rng(0).choice(400, size=(500, 200), p=chances)

    def distinct(rows):
        chosen = words if rows is None else words[:, rows]
        places = (chosen + 400 * np.arange(500)[:, None]).ravel()
        seen = np.bincount(places, minlength=400 * 500).reshape(500, 400) > 0
        return {str(number): count for number, count in enumerate(seen.sum(axis=1).tolist())}

    def held(estimator):
        intervals = estimator(distinct, 200).values()
        return np.mean([one.low <= truth <= one.high for one in intervals])

    assert 0.90 <= held(delete_group) <= 0.99
    assert held(delete_half) < 0.85


# --- subsamples ---


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


@pytest.mark.parametrize(("count", "groups"), [(4, 50), (50, 50), (101, 50), (12, 3), (5, 2)])
def test_each_group_is_left_out_once(count, groups):
    samples = group_samples(count, groups)
    assert len(samples) == min(groups, count)
    left_out = [sorted(set(range(count)) - set(rows.tolist())) for rows in samples]
    assert sorted(item for group in left_out for item in group) == list(range(count))
    sizes = {len(group) for group in left_out}
    assert max(sizes) - min(sizes) <= 1
    for rows, group in zip(samples, left_out, strict=True):
        assert rows.tolist() == sorted(set(range(count)) - set(group))
    assert len(group_samples(200)) == jackknife.GROUPS == 20


def test_the_seed_alone_decides_the_groups():
    first, second, other = (group_samples(30, 3, seed) for seed in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    assert not all((a == b).all() for a, b in zip(first, other, strict=True))
    # neighbours are dealt apart: the first ten texts are not one group
    assert all(set(range(10)) & set(rows.tolist()) for rows in first)


# --- all metrics of a family ---


@both
@settings(deadline=None)
@given(st.floats(-5, 5), st.floats(0.1, 5))
def test_shift_and_scale_carry_over(estimator, shift, scale):
    values = np.arange(20.0) ** 2
    before = interval(mean_of(values), 20, estimator=estimator)
    after = interval(mean_of(shift + scale * values), 20, estimator=estimator)
    assert after.low == pytest.approx(shift + scale * before.low)
    assert after.high == pytest.approx(shift + scale * before.high)


@both
def test_threads_change_no_number(estimator):
    values = np.random.default_rng(2).normal(size=60)
    metrics = lambda rows: {"mean": mean_of(values)(rows)}  # noqa: E731
    assert estimator(metrics, 60, threads=2) == estimator(metrics, 60)


@pytest.mark.parametrize("name", ["dispersion", "spread", "residual"])
def test_coverage_on_synthetic_populations(name):
    """95 % intervals of smooth metrics hold the population's value 90 to 99 % of the time."""
    rng = np.random.default_rng(3)
    scales = np.array([3.0, 2.0, 1.5, 0.5, 0.3])
    human = rng.standard_t(8, size=(4000, 5)) * scales
    fitted = geometry.fit(human)
    population = rng.standard_t(8, size=(40_000, 5)) * scales * 0.8
    truth = geometry.prepare(fitted, population).compute()[name]
    held = 0
    for trial in range(300):
        sample = population[rng.choice(len(population), 100, replace=False)]
        prepared = geometry.prepare(fitted, sample)

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


@both
def test_a_constant_metric_has_no_width(estimator):
    assert interval(lambda rows: 2.0, 10, estimator=estimator) == Interval(2.0, 2.0, 2.0)


@both
def test_undefined_values_stay_undefined(estimator):
    def got(metric, count=10):
        return interval(metric, count, estimator=estimator)

    assert got(lambda rows: None) == Interval(None, None, None)
    assert got(lambda rows: 1.0 if rows is None else None) == Interval(1.0, None, None)
    sometimes = iter([1.0, *[2.0] * 9, None])
    one = {"samples": 10} if estimator is delete_half else {"groups": 10}
    metric = lambda rows: next(sometimes)  # noqa: E731
    assert interval(metric, 10, estimator=estimator, **one) == Interval(1.0, None, None)


@both
@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_three_texts_or_fewer_have_no_interval(estimator, count):
    assert interval(lambda rows: 1.0, count, estimator=estimator) == Interval(1.0, None, None)
    assert interval(lambda rows: 1.0, 4, estimator=estimator) == Interval(1.0, 1.0, 1.0)


def test_a_95_percent_interval_is_1_96_standard_errors_wide_on_either_side():
    assert NORMAL_95 == 1.96


@both
def test_errors(estimator):
    with pytest.raises(MetricError, match="mine: want a finite number or None, got nan"):
        estimator(lambda rows: {"mine": float("nan")}, 10)
    with pytest.raises(MetricError, match="mine: want a finite number or None, got inf"):
        estimator(lambda rows: {"mine": 1.0 if rows is None else float("inf")}, 10)
    with pytest.raises(
        MetricError, match=r"want the same metrics as the whole, got \['a', 'b'\] in one only"
    ):
        estimator(lambda rows: {"a": 1.0} if rows is None else {"b": 1.0}, 10)


def test_no_samples_and_one_group_are_refused():
    with pytest.raises(MetricError, match="samples: want >= 1, got 0"):
        half_samples(10, 0)
    with pytest.raises(MetricError, match="groups: want >= 2, got 1"):
        group_samples(10, 1)


# --- Wilson's interval of a share ---

Z = float(norm.ppf(0.975))


def symmetric(hits, trials, z=Z):
    """The interval of a share with the standard error that the binomial has."""
    share = hits / trials
    margin = z * sqrt(share * (1 - share) / trials)
    return Interval(share, share - margin, share + margin)


def wilson(hits, trials):
    """As scipy has it."""
    one = binomtest(hits, trials).proportion_ci(0.95, method="wilson")
    return pytest.approx((one.low, one.high), abs=1e-12)


@given(st.integers(2, 2000).flatmap(lambda n: st.tuples(st.integers(1, n - 1), st.just(n))))
def test_with_the_binomial_error_the_interval_of_a_share_is_wilson_s(pair):
    hits, trials = pair
    got = share_interval(symmetric(hits, trials), trials)
    assert got.value == hits / trials
    assert (got.low, got.high) == wilson(hits, trials)


def test_texts_that_are_alike_count_as_fewer_trials():
    # in pairs of equal texts 6 of 40 are 3 of 20: the standard error says so
    assert share_interval(symmetric(3, 20), 40) == share_interval(symmetric(3, 20), 20)
    got = share_interval(symmetric(3, 20), 40)
    assert (got.low, got.high) == wilson(3, 20)


@pytest.mark.parametrize("trials", [4, 20, 500])
def test_none_and_all_of_n_by_hand(trials):
    # (p + z²/2n ± z √(z²/4n²)) / (1 + z²/n) with p = 0: 0 and z²/(n + z²), 1.96² = 3.8416
    end = 3.8416 / (trials + 3.8416)
    none = share_interval(Interval(0.0, 0.0, 0.0), trials)
    assert none == Interval(0.0, 0.0, pytest.approx(end))
    every = share_interval(Interval(1.0, 1.0, 1.0), trials)
    assert every == Interval(1.0, pytest.approx(1 - end), 1.0)
    one = binomtest(0, trials).proportion_ci(0.95, method="wilson")
    assert none.high == pytest.approx(one.high, rel=1e-4)  # 1.96 for 1.959964


def test_a_share_without_an_error_has_that_of_n_trials():
    got = share_interval(Interval(0.3, 0.3, 0.3), 10)
    one = binomtest(3, 10).proportion_ci(0.95, method="wilson")
    assert (got.low, got.high) == pytest.approx((one.low, one.high), abs=1e-4)


@given(
    st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.floats(0, 1),
)
def test_the_interval_of_a_share_holds_it_and_stays_in_its_range(pair, margin):
    hits, trials = pair
    share = hits / trials
    got = share_interval(Interval(share, share - margin, share + margin), trials)
    assert got.value == share
    assert 0.0 <= got.low <= share <= got.high <= 1.0


def test_without_an_interval_there_is_none_of_the_share():
    for one in (Interval(None), Interval(0.5)):
        assert share_interval(one, 100) == one


@both
@pytest.mark.parametrize("share", [0.005, 0.01, 0.02, 0.05])
def test_small_shares_are_held_90_to_99_times_in_100(estimator, share):
    """2,000 samples of 500 texts, of which so many have something."""
    held, by_symmetric = [], []
    for seed in range(4):
        has = np.random.default_rng(seed).random((500, 500)) < share

        def shares(rows, has=has):
            chosen = has if rows is None else has[:, rows]
            return {str(number): mean for number, mean in enumerate(chosen.mean(axis=1))}

        for one in estimator(shares, 500, seed=seed).values():
            by_symmetric.append(one.low <= share <= one.high)
            got = share_interval(one, 500)
            held.append(got.low <= share <= got.high)
    assert len(held) == 2000
    assert 0.90 <= np.mean(held) <= 0.99
    if share == 0.01:  # where the symmetric one, of 3 of 500 and fewer, ends below it
        assert np.mean(by_symmetric) < 0.90
