"""A chain's curves: by hand, with gaps, null bands and a control chain, and what is refused."""

import math

import numpy as np
import pytest

from palimpsest.core.errors import MetricError
from palimpsest.statistics.null_band import Band
from palimpsest.trajectory.curves import Trajectory, custom_names
from tests.trajectory.chains import band, chain


def interval(scorecard, reach):
    value = scorecard["metrics"]["volume"]["value"]
    return {"low": value - reach, "high": value + reach}


def test_values_intervals_and_gaps_by_hand():
    scorecards = chain(volume=[2.0, None, 1.0])
    scorecards[0]["metrics"]["volume"].update(low=1.5, high=2.5)
    trajectory = Trajectory.from_scorecards(scorecards)
    curve = trajectory.curve("volume")
    np.testing.assert_array_equal(curve.value, [2.0, np.nan, 1.0])
    np.testing.assert_array_equal(curve.low, [1.5, np.nan, np.nan])
    np.testing.assert_array_equal(curve.known, [True, False, True])
    assert (trajectory.first("volume"), trajectory.last("volume")) == (2.0, 1.0)


def test_the_order_of_the_scorecards_does_not_matter():
    scorecards = chain(volume=[3.0, 2.0, 1.0])
    backwards = Trajectory.from_scorecards(scorecards[::-1])
    np.testing.assert_array_equal(backwards.generations, [0, 1, 2])
    np.testing.assert_array_equal(backwards.curve("volume").value, [3.0, 2.0, 1.0])


def test_an_absent_metric_is_unknown_everywhere():
    trajectory = Trajectory.from_scorecards(chain(volume=[1.0, 1.0], truth=[None, None]))
    assert "truth" not in trajectory
    assert np.isnan(trajectory.curve("truth").value).all()
    assert trajectory.last("truth") is None


def test_a_band_without_its_mean_is_an_error():
    null = {"volume": {"low": 0.0, "high": 2.0, "samples": 20}}
    says = r"scorecard g00: null\.volume\.mean: want a finite number, got None"
    with pytest.raises(MetricError, match=says):
        Trajectory.from_scorecards(chain(null, volume=[1.0, 1.0]))


def test_a_band_keeps_its_moments():
    null = {"volume": {"low": 0.0, "high": 2.0, "samples": 20, "mean": 0.9, "sd": 0.4}}
    band = Trajectory.from_scorecards(chain(null, volume=[1.0, 1.0])).null["volume"]
    assert (band.mean, band.sd) == (0.9, 0.4)


def test_a_band_without_a_spread_is_an_error():
    null = {"volume": {**band(0.0, 2.0), "sd": None}}
    says = r"scorecard g00: null\.volume\.sd: want a finite number, got None"
    with pytest.raises(MetricError, match=says):
        Trajectory.from_scorecards(chain(null, volume=[1.0, 1.0]))


def test_the_bands_of_all_are_those_of_generation_0():
    scorecards = chain(volume=[1.0, 1.0, 1.0])
    scorecards[1]["null"] = {"volume": band(0.9, 1.1)}
    for some in (scorecards, scorecards[1:]):
        trajectory = Trajectory.from_scorecards(some)
        assert trajectory.null == {}
        assert trajectory.band("volume", 0 if some is scorecards else 1) is None
    scorecards[0]["null"] = {"volume": band(0.5, 1.5)}
    trajectory = Trajectory.from_scorecards(scorecards)
    assert trajectory.null == {"volume": Band.from_dict(band(0.5, 1.5))}
    assert "drift" not in trajectory.null


def test_a_generation_of_few_words_has_bands_of_its_own():
    scorecards = chain({"mtld": band(50, 90), "volume": band(1, 2)}, mtld=[70.0] * 4)
    scorecards[2]["null"] = {"mtld": band(80, 120)}
    general, own = (Band.from_dict(band(*ends)) for ends in ((50, 90), (80, 120)))
    trajectory = Trajectory.from_scorecards(scorecards[::-1])
    assert [trajectory.band("mtld", at) for at in range(4)] == [general, general, own, general]
    assert [trajectory.band("volume", at) for at in (0, 2)] == [trajectory.null["volume"]] * 2
    assert trajectory.band("drift", 2) is None
    # the place of a generation, not its number, where a chain has a gap
    gap = Trajectory.from_scorecards([scorecards[0], *scorecards[2:]])
    assert [gap.band("mtld", at) for at in range(3)] == [general, own, general]


def test_a_broken_band_of_its_own_names_its_generation():
    scorecards = chain({"mtld": band(50, 90)}, mtld=[70.0, 70.0])
    scorecards[1]["null"] = {"mtld": {**band(80, 120), "low": math.nan}}
    says = r"scorecard g01: null\.mtld\.low: want a finite number, got nan"
    with pytest.raises(MetricError, match=says):
        Trajectory.from_scorecards(scorecards)


def test_generation_0_is_comparable_where_there_are_null_samples():
    scorecards = chain(volume=[1.0, 1.0, 1.0])
    assert Trajectory.from_scorecards(scorecards).comparable.tolist() == [False, True, True]
    assert Trajectory.from_scorecards(scorecards[1:]).comparable.tolist() == [True, True]
    scorecards[0]["null"] = {"volume": band(0.9, 1.1)}
    assert Trajectory.from_scorecards(scorecards).comparable.tolist() == [True, True, True]


def test_a_chain_beside_its_control_by_hand():
    own, control = chain(volume=[1.0, 0.8, 0.4, 0.1]), chain(volume=[1.0, 0.9, 0.7])
    for scorecard in own:
        scorecard["metrics"]["volume"] |= interval(scorecard, 0.3)
    for scorecard in control:
        scorecard["metrics"]["volume"] |= interval(scorecard, 0.4)
    trajectory = Trajectory.from_scorecards(own, control)
    np.testing.assert_array_equal(trajectory.of_control("volume").value, [1.0, 0.9, 0.7, np.nan])
    apart = trajectory.difference("volume")
    np.testing.assert_allclose(apart.value, [0.0, -0.1, -0.3, np.nan], atol=1e-12)
    # at generation 0 they are the same texts; after it √(0.3² + 0.4²)
    np.testing.assert_allclose(apart.high - apart.value, [0.0, 0.5, 0.5, np.nan], atol=1e-12)
    np.testing.assert_allclose(apart.value - apart.low, [0.0, 0.5, 0.5, np.nan], atol=1e-12)
    assert np.isnan(trajectory.difference("drift").value).all()


def test_a_control_chain_that_lacks_a_generation_is_unknown_there():
    own, control = chain(volume=[1.0, 0.8, 0.4]), chain(volume=[1.0, 0.9, 0.7])
    trajectory = Trajectory.from_scorecards(own, [control[0], control[2]])
    np.testing.assert_array_equal(trajectory.of_control("volume").value, [1.0, np.nan, 0.7])


def test_without_a_control_chain_there_is_no_difference():
    trajectory = Trajectory.from_scorecards(chain(volume=[1.0, 0.8]))
    assert trajectory.control is None
    assert np.isnan(trajectory.of_control("volume").value).all()
    assert np.isnan(trajectory.difference("volume").value).all()


def test_no_scorecards():
    with pytest.raises(MetricError, match="at least one generation"):
        Trajectory.from_scorecards([])


def test_a_generation_twice():
    with pytest.raises(MetricError, match="g00 twice"):
        Trajectory.from_scorecards(chain(volume=[1.0]) * 2)


@pytest.mark.parametrize("generation", [None, -1, True, "g01"])
def test_a_scorecard_without_its_generation(generation):
    with pytest.raises(MetricError, match=r"scorecard\.generation"):
        Trajectory.from_scorecards([{"generation": generation, "metrics": {}}])


def test_a_scorecard_without_metrics():
    with pytest.raises(MetricError, match="mapping of metrics"):
        Trajectory.from_scorecards([{"generation": 0}])


@pytest.mark.parametrize("value", [math.nan, math.inf, "1", True])
def test_a_value_that_is_no_number(value):
    scorecards = chain(volume=[1.0, 1.0])
    scorecards[1]["metrics"]["volume"]["value"] = value
    with pytest.raises(MetricError, match=r"scorecard g01: volume\.value: want a finite number"):
        Trajectory.from_scorecards(scorecards)


def test_names_of_one_s_own_metrics():
    scorecards = chain(volume=[1.0, 0.5, 0.4])
    assert custom_names(scorecards) == []
    scorecards[0]["custom"], scorecards[2]["custom"] = ["b"], ["a", "b"]
    assert custom_names(scorecards) == ["a", "b"]
