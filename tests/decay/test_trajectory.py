import math

import numpy as np
import pytest

from palimpsest.decay.trajectory import Trajectory, band_width_in_sd, custom_names
from palimpsest.errors import MetricError
from tests.decay.chains import chain


def test_values_intervals_and_gaps_by_hand():
    cards = chain(volume=[2.0, None, 1.0])
    cards[0]["metrics"]["volume"].update(low=1.5, high=2.5)
    trajectory = Trajectory.from_cards(cards)
    curve = trajectory.curve("volume")
    np.testing.assert_array_equal(curve.value, [2.0, np.nan, 1.0])
    np.testing.assert_array_equal(curve.low, [1.5, np.nan, np.nan])
    np.testing.assert_array_equal(curve.known, [True, False, True])
    assert (trajectory.first("volume"), trajectory.last("volume")) == (2.0, 1.0)


def test_the_order_of_the_cards_does_not_matter():
    cards = chain(volume=[3.0, 2.0, 1.0])
    backwards = Trajectory.from_cards(cards[::-1])
    np.testing.assert_array_equal(backwards.generations, [0, 1, 2])
    np.testing.assert_array_equal(backwards.curve("volume").value, [3.0, 2.0, 1.0])


def test_an_absent_metric_is_unknown_everywhere():
    trajectory = Trajectory.from_cards(chain(volume=[1.0, 1.0], truth=[None, None]))
    assert "truth" not in trajectory
    assert np.isnan(trajectory.curve("truth").value).all()
    assert trajectory.last("truth") is None


def test_a_band_without_moments_gets_them_from_its_percentiles():
    null = {"volume": {"low": 0.0, "high": 2.0, "samples": 20}}
    band = Trajectory.from_cards(chain(null, volume=[1.0, 1.0])).null["volume"]
    assert band.mean == 1.0
    assert band.sd == pytest.approx(1 / 1.65, rel=0.01)
    assert band.holds(2.0)
    assert not band.holds(2.01)


def test_a_band_with_moments_keeps_them():
    null = {"volume": {"low": 0.0, "high": 2.0, "samples": 20, "mean": 0.9, "sd": 0.4}}
    band = Trajectory.from_cards(chain(null, volume=[1.0, 1.0])).null["volume"]
    assert (band.mean, band.sd) == (0.9, 0.4)


def test_one_null_sample_has_no_spread():
    null = {"volume": {"low": 1.0, "high": 1.0, "samples": 1}, "drift": {"low": None, "high": None}}
    trajectory = Trajectory.from_cards(chain(null, volume=[1.0, 1.0]))
    assert math.isnan(trajectory.null["volume"].sd)
    assert "drift" not in trajectory.null


def test_the_width_of_a_band_matches_simulation():
    draws = np.random.default_rng(0).normal(size=(20_000, 20))
    low, high = np.percentile(draws, (2.5, 97.5), axis=1)
    assert band_width_in_sd(20) == pytest.approx((high - low).mean() / 2, rel=0.01)
    assert band_width_in_sd(1_000_000) == pytest.approx(1.96, abs=0.001)


def test_no_cards():
    with pytest.raises(MetricError, match="at least one generation"):
        Trajectory.from_cards([])


def test_a_generation_twice():
    with pytest.raises(MetricError, match="g00 twice"):
        Trajectory.from_cards(chain(volume=[1.0]) * 2)


@pytest.mark.parametrize("generation", [None, -1, True, "g01"])
def test_a_card_without_its_generation(generation):
    with pytest.raises(MetricError, match=r"card\.generation"):
        Trajectory.from_cards([{"generation": generation, "metrics": {}}])


def test_a_card_without_metrics():
    with pytest.raises(MetricError, match="mapping of metrics"):
        Trajectory.from_cards([{"generation": 0}])


@pytest.mark.parametrize("value", [math.nan, math.inf, "1", True])
def test_a_value_that_is_no_number(value):
    cards = chain(volume=[1.0, 1.0])
    cards[1]["metrics"]["volume"]["value"] = value
    with pytest.raises(MetricError, match=r"card g01: volume\.value: want a finite number"):
        Trajectory.from_cards(cards)


def test_names_of_one_s_own_metrics():
    cards = chain(volume=[1.0, 0.5, 0.4])
    assert custom_names(cards) == []
    cards[0]["custom"], cards[2]["custom"] = ["b"], ["a", "b"]
    assert custom_names(cards) == ["a", "b"]
