"""The null band of docs/metrics.md §9: its ends, its p-value, its form in a scorecard."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from palimpsest.core.errors import MetricError
from palimpsest.statistics.null_band import Band, null_band, null_bands


def test_null_band_by_hand():
    # 0..40: the 2.5th percentile is 1, the 97.5th 39; Σ(x − 20)² = 5740 over 40
    assert null_band(list(range(41))) == Band(1.0, 39.0, 41, 20.0, math.sqrt(143.5))


def test_one_null_sample_has_no_spread():
    band = null_band([None, 2.0])
    assert (band.low, band.high, band.samples, band.mean) == (2.0, 2.0, 1, 2.0)
    assert math.isnan(band.sd)
    assert math.isnan(band.p_value(3.0, 500))
    assert band.as_dict()["sd"] is None


def test_a_metric_that_no_sample_has_has_no_band():
    assert null_band([None]) is None
    assert null_band([]) is None


def test_a_band_holds_its_ends():
    band = Band(1.0, 2.0, 20, 1.5, 0.3)
    assert band.holds(1.0) is True
    assert band.holds(2.0) is True
    assert band.holds(2.1) is False
    assert band.holds(0.9) is False


def test_bands_of_several_metrics_by_hand():
    samples = [{"a": 1.0, "b": None, "c": None}, {"a": 3.0, "b": 5.0, "c": None}, {"a": 5.0}]
    bands = null_bands(samples)
    assert {name: band.as_dict() for name, band in bands.items()} == {
        "a": {
            "low": pytest.approx(1.1),
            "high": pytest.approx(4.9),
            "samples": 3,
            "mean": 3.0,
            "sd": 2.0,
        },
        "b": {"low": 5.0, "high": 5.0, "samples": 1, "mean": 5.0, "sd": None},
    }
    assert null_bands([{"a": 1.0}, {"a": 3.0}])["a"].samples == 2
    assert null_bands([]) == {}


def test_p_value_by_hand():
    # t = 2.093 is the 97.5th percentile of 19 degrees of freedom; a new draw adds sqrt(1 + 1/20)
    band = Band(-2.0, 2.0, 20, 0.0, 1.0)
    for value in (2.093 * np.sqrt(1.05), -2.093 * np.sqrt(1.05)):
        assert band.p_value(value, 500) == pytest.approx(0.05, abs=1e-4)
    assert band.p_value(0.0, 500) == 1.0


def test_p_value_is_that_of_a_new_draw():
    null = np.random.default_rng(1).normal(size=20)
    band = Band(-2, 2, 20, float(null.mean()), float(null.std(ddof=1)))
    # one new value against 20: the two-sample t test with a sample of size 1
    assert band.p_value(2.5, 500) == pytest.approx(ttest_ind(null, [2.5]).pvalue)


def test_p_values_of_new_draws_are_uniform():
    rng = np.random.default_rng(2)
    values = [null_band(rng.normal(size=8)).p_value(rng.normal(), 500) for _ in range(2000)]
    shares = [np.mean(np.array(values) <= level) for level in (0.05, 0.25, 0.5)]
    assert shares == pytest.approx([0.05, 0.25, 0.5], abs=0.02)


def test_a_null_without_spread_has_the_resolution_of_a_document():
    flat = Band(0.4, 0.4, 20, 0.4, 0.0)
    spread = Band(0.4, 0.4, 20, 0.4, 0.4 / 50)
    assert flat.p_value(0.41, 50) == spread.p_value(0.41, 50)
    nothing = Band(0.0, 0.0, 20, 0.0, 0.0)  # a mean of 0: one part in 50 of 1
    assert nothing.p_value(0.03, 50) == Band(0.0, 0.0, 20, 0.0, 1 / 50).p_value(0.03, 50)
    assert nothing.p_value(0.0, 0) == 1.0


bands = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8).map(null_band)


@given(bands)
def test_reads_what_it_wrote(band):
    written = json.loads(json.dumps(band.as_dict(), allow_nan=False))
    read = Band.from_dict(written, "x")
    assert read.as_dict() == band.as_dict()
    assert math.isnan(read.sd) == (band.samples == 1)


WHOLE = {"low": 0.0, "high": 2.0, "samples": 20, "mean": 0.9, "sd": 0.4}


def test_a_band_keeps_the_moments_that_were_written():
    assert Band.from_dict(WHOLE) == Band(0.0, 2.0, 20, 0.9, 0.4)


@pytest.mark.parametrize("part", ["low", "high", "samples", "mean"])
@pytest.mark.parametrize("value", [None, math.nan, math.inf, "1", True])
def test_a_part_that_is_no_number_is_named(part, value):
    with pytest.raises(MetricError, match=rf"^null\.drift\.{part}: want a finite number, got "):
        Band.from_dict({**WHOLE, part: value}, "null.drift")
    missing = {name: number for name, number in WHOLE.items() if name != part}
    with pytest.raises(MetricError, match=rf"^null\.drift\.{part}: .* got None$"):
        Band.from_dict(missing, "null.drift")


@pytest.mark.parametrize("value", [math.nan, "1", False])
def test_a_standard_deviation_is_a_number_or_null(value):
    with pytest.raises(MetricError, match=r"^band\.sd: want a finite number, got "):
        Band.from_dict({**WHOLE, "sd": value})
    assert math.isnan(Band.from_dict({**WHOLE, "sd": None}).sd)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_null_value_that_is_no_number_is_an_error(value):
    with pytest.raises(MetricError, match="null sample: want finite values, got NaN or infinity"):
        null_band([1.0, value])
    with pytest.raises(MetricError, match="null sample: want finite values, got NaN or infinity"):
        null_bands([{"a": 1.0}, {"a": value}])
