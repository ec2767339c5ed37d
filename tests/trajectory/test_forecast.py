import numpy as np
import pytest

from palimpsest.core.errors import MetricError
from palimpsest.trajectory.curves import Trajectory
from palimpsest.trajectory.forecast import first_crossing, forecast
from tests.trajectory.chains import band, chain, published

NULL = {"volume": band(0.9, 1.1)}
"""With it, generation 0 is one human sample among others."""


def forecast_of(integrity, threshold=0.1, null=NULL):
    volume = [value or 1e-9 for value in integrity]
    return forecast(
        Trajectory.from_scorecards(chain(null, integrity=integrity, volume=volume)), threshold
    )


def test_an_exact_exponential_by_hand():
    crossing = forecast_of(np.exp(-0.1 * np.arange(11)), threshold=np.exp(-1.5))
    assert crossing.generation == pytest.approx(15)
    assert (crossing.low, crossing.high) == (pytest.approx(15), pytest.approx(15))
    assert (crossing.observed, crossing.reason) == (False, None)


def test_first_crossing_interpolates():
    x = np.arange(4.0)
    assert first_crossing(x, np.array([1, 0.8, 0.4, 0.6]), 0.5) == pytest.approx(1.75)
    assert first_crossing(x, np.array([1, np.nan, 0.4, 0.6]), 0.7) == pytest.approx(1.0)
    assert first_crossing(x, np.array([0.4, 0.6, 0.7, 0.8]), 0.5) == 0.0
    assert first_crossing(x, np.full(4, np.nan), 0.5) is None


def test_a_crossing_seen_is_reported_as_seen():
    crossing = forecast(Trajectory.from_scorecards(published(NULL)), 0.5)
    assert crossing.observed
    assert crossing.generation == pytest.approx(0.869, abs=1e-3)
    assert crossing.low == crossing.high == crossing.generation


def test_an_in_sample_generation_0_is_no_part_of_a_forecast():
    # the published chain is below 0.5 where it is first comparable, 0.425 at g01
    crossing = forecast(Trajectory.from_scorecards(published()), 0.5)
    assert (crossing.observed, crossing.generation) == (True, 1.0)
    # g00 is far off the line of the others
    integrity = np.array([9.0, *np.exp(-0.1 * np.arange(1, 11))])
    crossing = forecast_of(integrity, threshold=np.exp(-1.5), null=None)
    assert crossing.generation == pytest.approx(15)
    assert forecast_of([1.0, 0.9, 0.8, 0.7], null=None).reason.startswith("3 generations")


def test_the_interval_covers_the_crossing():
    rng, covered, asked = np.random.default_rng(0), 0, 0
    for _ in range(300):
        noise = np.exp(rng.normal(0, 0.05, size=41))
        integrity = np.exp(-0.05 * np.arange(41)) * noise
        crossing = forecast_of(integrity[:16], threshold=0.3)
        if crossing.generation is None or crossing.observed:
            continue
        asked += 1
        truth = -np.log(0.3) / 0.05
        covered += crossing.low <= truth <= crossing.high
    assert asked > 250
    assert covered / asked >= 0.95


def test_more_chain_narrows_the_interval():
    noise = np.exp(0.05 * np.random.default_rng(3).normal(size=21))
    integrity = np.exp(-0.05 * np.arange(21)) * noise
    early, late = forecast_of(integrity[:10], 0.2), forecast_of(integrity, 0.2)
    assert late.high - late.low < early.high - early.low


def test_a_flat_chain_has_no_forecast():
    rng = np.random.default_rng(1)
    crossing = forecast_of(1 + rng.normal(0, 0.02, size=21))
    assert crossing.generation is None
    assert "does not clearly fall" in crossing.reason


def test_a_slow_chain_is_too_far_to_extrapolate():
    crossing = forecast_of(np.exp(-0.001 * np.arange(11)))
    assert crossing.reason == "beyond g40: too far to extrapolate"


@pytest.mark.parametrize("integrity", [[1.0], [1.0, 0.9, 0.8], [None, None]])
def test_a_short_chain_has_no_forecast(integrity):
    assert forecast_of(integrity).reason.endswith("4 needed")


def test_a_dead_chain_has_crossed():
    assert forecast_of([1.0, 0.5, 0.0, 0.0, 0.0]).observed


@pytest.mark.parametrize("threshold", [0.0, 1.0, -1.0, float("nan")])
def test_threshold_out_of_range(threshold):
    with pytest.raises(MetricError, match="forecast threshold"):
        forecast_of([1.0, 0.9], threshold)
