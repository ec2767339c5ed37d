"""The null band of docs/metrics.md §9: its ends, its p-value, which texts make up a null sample."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from palimpsest.core.errors import CorpusError, MetricError
from palimpsest.statistics.null_band import Band, null_band, sample_rows

T_19, T_40 = 2.0930240544, 2.0210753903
"""97.5th percentiles of Student's t, from a table."""


def test_null_band_by_hand():
    # Σ(x − 20)² = 5740 over 40; a new draw adds √(1 + 1/41)
    reach = T_40 * math.sqrt(143.5) * math.sqrt(42 / 41)
    band = null_band(list(range(41)))
    assert (band.samples, band.mean, band.sd) == (41, 20.0, pytest.approx(math.sqrt(143.5)))
    assert (band.low, band.high) == (pytest.approx(20 - reach), pytest.approx(20 + reach))


def test_values_that_are_undefined_do_not_count():
    # t(1) = 12.7062; mean 3, sd √2, a new draw adds √1.5
    band = null_band([None, 2.0, None, 4.0])
    assert (band.samples, band.mean, band.sd) == (2, 3.0, pytest.approx(math.sqrt(2)))
    assert band.high == pytest.approx(3 + 12.7062047362 * math.sqrt(3))


@pytest.mark.parametrize("values", [[], [None], [2.0], [None, 2.0]])
def test_fewer_than_two_samples_have_no_spread_and_so_no_band(values):
    assert null_band(values) is None


def test_a_band_ends_where_its_metric_does():
    free = null_band([0.0, 0.5, 1.0])
    assert free.low < 0.0 < 1.0 < free.high
    both = null_band([0.0, 0.5, 1.0], bounds=(0.0, 1.0))
    assert both == Band(0.0, 1.0, 3, 0.5, free.sd)
    below = null_band([0.0, 0.5, 1.0], bounds=(0.0, math.inf))
    assert below == Band(0.0, free.high, 3, 0.5, free.sd)
    # the p-value is of the distance alone
    assert both.p_value(1.0) == free.p_value(1.0)


def test_overlapping_samples_have_a_wider_band():
    usual, wider = null_band([1.0, 2.0, 6.0]), null_band([1.0, 2.0, 6.0], widening=1.5)
    assert wider.mean == usual.mean
    assert wider.sd == pytest.approx(1.5 * usual.sd)
    assert wider.high - wider.mean == pytest.approx(1.5 * (usual.high - usual.mean))
    # what the resolution says is no matter of overlap
    assert null_band([2.0, 2.0], resolution=0.5, widening=1.5).sd == 0.5


def test_no_deviation_is_finer_than_the_resolution():
    assert null_band([0.4] * 20, resolution=0.02).sd == 0.02
    assert null_band([0.4, 0.41], resolution=0.02).sd == 0.02
    coarse = null_band([0.4, 0.5], resolution=0.02)
    assert coarse.sd == pytest.approx(0.1 / math.sqrt(2))
    flat = null_band([0.4] * 20, resolution=0.02)
    assert flat.high - flat.mean == pytest.approx(T_19 * 0.02 * math.sqrt(1.05))


@pytest.mark.parametrize("same", [0.0, 0.3, -7.0])
def test_samples_that_all_agree_hold_their_own_value_and_no_other(same):
    band = null_band([same, same + 1e-16, same])
    assert band.sd > 0
    assert band.holds(same)
    assert band.p_value(band.mean) == 1.0
    assert not band.holds(same + 1e-6)
    assert band.p_value(same + 1e-6) < 1e-6


def test_a_band_holds_its_ends():
    band = Band(1.0, 2.0, 20, 1.5, 0.3)
    assert band.holds(1.0) is True
    assert band.holds(2.0) is True
    assert band.holds(2.1) is False
    assert band.holds(0.9) is False


# --- p-values ---


def test_p_value_by_hand():
    # 95 % of t with 19 degrees of freedom; a new draw adds sqrt(1 + 1/20)
    band = Band(-2.0, 2.0, 20, 0.0, 1.0)
    for value in (T_19 * np.sqrt(1.05), -T_19 * np.sqrt(1.05)):
        assert band.p_value(value) == pytest.approx(0.05, abs=1e-9)
    assert band.p_value(0.0) == 1.0


def test_p_value_is_that_of_a_new_draw():
    null = np.random.default_rng(1).normal(size=20)
    # one new value against 20: the two-sample t test with a sample of size 1
    assert null_band(null.tolist()).p_value(2.5) == pytest.approx(ttest_ind(null, [2.5]).pvalue)


def test_p_values_of_new_draws_are_uniform():
    rng = np.random.default_rng(2)
    values = [null_band(rng.normal(size=8).tolist()).p_value(rng.normal()) for _ in range(2000)]
    shares = [np.mean(np.array(values) <= level) for level in (0.05, 0.25, 0.5)]
    assert shares == pytest.approx([0.05, 0.25, 0.5], abs=0.02)


null_values = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=8)
distances = st.tuples(st.floats(0, 1e7), st.floats(0, 1e7)).map(sorted)
ROUNDING = 1 + 1e-9


@given(null_values, distances)
def test_the_p_value_never_rises_with_the_distance(values, distances):
    band, (near, far) = null_band(values, resolution=1e-3), distances
    assert band.p_value(band.mean + far) <= band.p_value(band.mean + near) * ROUNDING
    assert band.p_value(band.mean - far) <= band.p_value(band.mean - near) * ROUNDING
    assert 0.0 <= band.p_value(band.mean + far) <= band.p_value(band.mean) == 1.0


@given(st.integers(2, 30), st.floats(-100, 100), distances, st.floats(-100, 100))
def test_the_p_value_never_falls_as_the_deviation_grows(samples, mean, deviations, value):
    narrow, wide = (Band(-1.0, 1.0, samples, mean, max(sd, 1e-12)) for sd in deviations)
    assert narrow.p_value(value) <= wide.p_value(value) * ROUNDING


@given(null_values, st.floats(1, 100), st.floats(1e-3, 10), st.floats(-2e6, 2e6))
def test_nor_as_the_null_samples_move_apart_or_overlap_more(values, factor, resolution, value):
    """Also from samples that all agree: what is believed of them is never more than of others."""
    centre = float(np.mean(values))
    apart = [centre + factor * (one - centre) for one in values]
    usual = null_band(values, resolution).p_value(value)
    # the mean of values below 1e8 is known to 1e-7, and p falls by less than 1 a deviation
    assert usual <= null_band(apart, resolution).p_value(value) + 1e-7 / resolution
    assert usual <= null_band(values, resolution, widening=factor).p_value(value) * ROUNDING
    assert usual <= null_band(values, factor * resolution).p_value(value) * ROUNDING


@given(null_values, st.floats(-2e6, 2e6))
def test_less_than_one_in_twenty_is_outside(values, value):
    band = null_band(values, resolution=1e-3)
    p_value = band.p_value(value)
    if abs(p_value - 0.05) > 1e-6:
        assert band.holds(value) == (p_value > 0.05)


def test_two_duplicates_are_no_more_surprising_where_a_null_sample_had_one():
    """2 of 500 texts where no null sample has any, and where one of the 20 has one.

    Both nulls vary less (0 and √(0.0001² · 19 + 0.0019²) / √19 = 0.00045) than one text changes,
    0.002: that is the deviation of both, and the means are 0 and 0.0001.
    """
    none = null_band([0.0] * 20, resolution=1 / 500, bounds=(0.0, 1.0))
    one = null_band([0.0] * 19 + [1 / 500], resolution=1 / 500, bounds=(0.0, 1.0))
    assert none.sd == one.sd == 1 / 500
    assert 0.0 < none.p_value(2 / 500) <= one.p_value(2 / 500) < 0.1
    # the reach is 2.093 · 0.002 · √1.05 = 0.00429: 2 duplicates are inside, 3 are not
    for band in (none, one):
        assert [band.holds(count / 500) for count in (0, 1, 2, 3)] == [True, True, True, False]


# --- null samples ---


def test_a_pool_that_has_them_all_is_dealt_by_hand():
    rows, widening = sample_rows(7, 2, 3, 0, "pool")
    assert [one.tolist() for one in rows] == [[0, 1], [2, 3], [4, 5]]
    assert widening == 1.0
    assert sample_rows(6, 2, 3, 9, "pool")[1] == 1.0


# √((P + n) / (P − n))
@pytest.mark.parametrize(
    ("pool", "size", "widening"),
    [(10, 5, math.sqrt(3)), (20, 5, math.sqrt(5 / 3)), (99, 5, math.sqrt(104 / 94))],
)
def test_a_smaller_pool_gives_samples_that_overlap(pool, size, widening):
    rows, wider = sample_rows(pool, size, 20, 3, "pool")
    assert wider == pytest.approx(widening)
    assert len(rows) == 20
    for one in rows:
        assert len(set(one.tolist())) == len(one) == size
        assert 0 <= one.min() <= one.max() < pool
    assert len({tuple(sorted(one)) for one in rows}) > 1
    again, other = (sample_rows(pool, size, 20, seed, "pool")[0] for seed in (3, 4))
    assert np.array_equal(rows, again)
    assert not np.array_equal(rows, other)


def test_every_text_of_a_pool_is_drawn_as_often():
    rows, _ = sample_rows(12, 3, 4000, 0, "pool")
    shares = np.bincount(np.concatenate(rows), minlength=12) / 4000
    # each is in a quarter of the samples; 4 √(¼ · ¾ / 4000) = 0.027
    assert shares == pytest.approx(np.full(12, 0.25), abs=0.028)


def test_a_pool_of_less_than_two_samples_is_refused():
    says = "^null.jsonl: want >= 10 texts to draw null samples of 5 from, got 9$"
    with pytest.raises(CorpusError, match=says):
        sample_rows(9, 5, 20, 0, "null.jsonl")


def held_share(pool_of, widened=True):
    """Of 2,000 bands of 20 means of 10 normal texts: how many hold the mean of 10 new ones."""
    rng, size, held = np.random.default_rng(0), 10, 0
    for seed in range(2000):
        texts = rng.normal(5.0, 2.0, size=pool_of * size)
        rows, widening = sample_rows(len(texts), size, 20, seed, "pool")
        means = [float(texts[one].mean()) for one in rows]
        band = null_band(means, widening=widening if widened else 1.0)
        held += band.holds(rng.normal(5.0, 2.0, size=size).mean())
    return held / 2000


@pytest.mark.parametrize("pool_of", [20, 4])
def test_a_band_holds_a_new_sample_95_times_in_100(pool_of):
    """With 20 samples that share no text, and with as many drawn from a pool of four samples."""
    # three standard errors: 3 √(0.95 · 0.05 / 2000) = 0.0146
    assert held_share(pool_of) == pytest.approx(0.95, abs=0.015)


def test_without_the_widening_samples_that_overlap_promise_too_much():
    """They vary by 1 − n/P about a pool mean that itself varies by n/P: with P = 4n the band is
    √(0.75 · 1.05 / (1.25 + 0.75 / 20)) = 0.782 as wide as it ought to be. t with 19 degrees of
    freedom is within 0.782 · 2.093 88.2 % of the time.
    """
    assert held_share(4, widened=False) == pytest.approx(0.882, abs=0.022)


# --- in a scorecard ---


@given(null_values.map(null_band))
def test_reads_what_it_wrote(band):
    written = json.loads(json.dumps(band.as_dict(), allow_nan=False))
    assert Band.from_dict(written, "x") == band


WHOLE = {"low": 0.0, "high": 2.0, "samples": 20, "mean": 0.9, "sd": 0.4}


def test_a_band_keeps_the_moments_that_were_written():
    assert Band.from_dict(WHOLE) == Band(0.0, 2.0, 20, 0.9, 0.4)


@pytest.mark.parametrize("part", ["low", "high", "samples", "mean", "sd"])
@pytest.mark.parametrize("value", [None, math.nan, math.inf, "1", True])
def test_a_part_that_is_no_number_is_named(part, value):
    with pytest.raises(MetricError, match=rf"^null\.drift\.{part}: want a finite number, got "):
        Band.from_dict({**WHOLE, part: value}, "null.drift")
    missing = {name: number for name, number in WHOLE.items() if name != part}
    with pytest.raises(MetricError, match=rf"^null\.drift\.{part}: .* got None$"):
        Band.from_dict(missing, "null.drift")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_null_value_that_is_no_number_is_an_error(value):
    with pytest.raises(MetricError, match="null sample: want finite values, got NaN or infinity"):
        null_band([1.0, value])
