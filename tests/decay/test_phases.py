import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import linregress

from palimpsest.decay.phases import find_phases, fit_line
from palimpsest.decay.trajectory import Trajectory
from tests.decay.chains import chain, published


def phases_of(**curves):
    return find_phases(Trajectory.from_cards(chain(**curves)))


def two_phase_volume(change=5, length=21, fast=0.5, slow=0.05):
    g = np.arange(length)
    return np.where(g <= change, np.exp(-fast * g), np.exp(-fast * change - slow * (g - change)))


def test_exact_rates_and_change_point_by_hand():
    drift = 0.01 * np.arange(21)
    found = phases_of(volume=two_phase_volume(), drift=drift)
    # the point of the kink lies on both lines, so either neighbour may end the first phase
    assert found.count == 2
    assert found.change in (4, 5)
    assert found.volume_rate.value == pytest.approx(-0.5)
    assert found.volume_rate_after.value == pytest.approx(-0.05)
    assert found.drift_slope.value == pytest.approx(0.01)


def test_published_curve_implodes_to_g03_and_then_drifts():
    found = find_phases(Trajectory.from_cards(published()))
    assert (found.count, found.change, found.extinct) == (2, 3, None)
    assert found.volume_rate.value == pytest.approx(-0.4276, abs=1e-4)
    assert found.volume_rate_after.value == pytest.approx(-0.0893, abs=1e-4)
    assert found.drift_slope.value == pytest.approx(0.004696, abs=1e-6)
    assert found.drift_slope.low > 0
    assert found.bic_advantage == pytest.approx(8.503, abs=1e-3)


def test_intervals_agree_with_scipy():
    x = np.arange(8.0)
    y = np.array([0.1, -0.4, -0.9, -1.8, -1.9, -2.2, -3.1, -3.4])
    rate, reference = fit_line(x, y).rate, linregress(x, y)
    margin = 2.4469 * reference.stderr  # t of 6 degrees of freedom
    assert rate.value == pytest.approx(reference.slope)
    assert rate.low == pytest.approx(reference.slope - margin, abs=1e-4)
    assert rate.high == pytest.approx(reference.slope + margin, abs=1e-4)


@given(st.floats(1e-6, 1e6))
def test_the_unit_of_volume_does_not_matter(unit):
    volume = two_phase_volume() * np.exp(0.02 * np.sin(7.0 * np.arange(21)))
    one, other = phases_of(volume=volume), phases_of(volume=unit * volume)
    assert one.change == other.change
    assert other.volume_rate.value == pytest.approx(one.volume_rate.value, rel=1e-6)


def test_steady_fall_is_one_phase():
    found = phases_of(volume=np.exp(-0.1 * np.arange(21)), drift=0.02 * np.arange(21))
    assert (found.count, found.change, found.volume_rate_after) == (1, None, None)
    assert found.volume_rate.value == pytest.approx(-0.1)
    assert found.drift_slope.value == pytest.approx(0.02)


def test_independent_noise_is_rarely_two_phases():
    rng = np.random.default_rng(0)
    twice = sum(
        phases_of(volume=np.exp(rng.normal(0, 0.1, size=21))).count == 2 for _ in range(200)
    )
    assert twice <= 14  # 3 % expected, 7 % allowed


def test_constant_volume_is_one_phase_of_rate_zero():
    found = phases_of(volume=[0.3] * 10)
    assert found.count == 1
    assert found.volume_rate.value == 0.0


def test_extinction_ends_the_fit_and_is_named():
    found = phases_of(volume=[0.4, 0.2, 0.1, 0.0, 0.0, 0.05], drift=[0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert (found.count, found.extinct) == (1, 3)
    assert found.volume_rate.value == pytest.approx(-np.log(2))


@pytest.mark.parametrize("volume", [[0.0, 0.0, 0.0], [0.3], [None, 0.2, None]])
def test_too_little_volume_is_no_phase(volume):
    found = phases_of(volume=volume, integrity=[1.0] * len(volume))
    assert (found.count, found.change, found.volume_rate) == (0, None, None)


def test_two_generations_have_a_rate_without_interval():
    found = phases_of(volume=[0.4, 0.2], drift=[0.0, 0.1])
    assert (found.volume_rate.low, found.drift_slope.high) == (None, None)
    assert found.bic_advantage is None


def test_no_volume_at_all():
    assert phases_of(truth=[1.0, 1.0]).count == 0
