import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palimpsest.trajectory.changepoint import find_phases
from palimpsest.trajectory.curves import Trajectory
from tests.trajectory.chains import chain, published


def phases_of(**curves):
    return find_phases(Trajectory.from_scorecards(chain(**curves)))


def two_phase_volume(change=5, length=21, fast=0.5, slow=0.05):
    g = np.arange(length)
    return np.where(g <= change, np.exp(-fast * g), np.exp(-fast * change - slow * (g - change)))


def test_exact_rates_and_change_point_by_hand():
    drift = 0.01 * np.arange(21)
    phases = phases_of(volume=two_phase_volume(), drift=drift)
    # the point of the kink lies on both lines, so either neighbour may end the first phase
    assert phases.count == 2
    assert phases.change in (4, 5)
    assert phases.volume_rate.value == pytest.approx(-0.5)
    assert phases.volume_rate_after.value == pytest.approx(-0.05)
    assert phases.drift_slope.value == pytest.approx(0.01)


def test_published_curve_implodes_to_g03_and_then_drifts():
    phases = find_phases(Trajectory.from_scorecards(published()))
    assert (phases.count, phases.change, phases.extinct) == (2, 3, None)
    assert phases.volume_rate.value == pytest.approx(-0.4276, abs=1e-4)
    assert phases.volume_rate_after.value == pytest.approx(-0.0893, abs=1e-4)
    assert phases.drift_slope.value == pytest.approx(0.004696, abs=1e-6)
    assert phases.drift_slope.low > 0
    assert phases.bic_advantage == pytest.approx(8.503, abs=1e-3)


@given(st.floats(1e-6, 1e6))
def test_the_unit_of_volume_does_not_matter(unit):
    volume = two_phase_volume() * np.exp(0.02 * np.sin(7.0 * np.arange(21)))
    one, other = phases_of(volume=volume), phases_of(volume=unit * volume)
    assert one.change == other.change
    assert other.volume_rate.value == pytest.approx(one.volume_rate.value, rel=1e-6)


def test_steady_fall_is_one_phase():
    phases = phases_of(volume=np.exp(-0.1 * np.arange(21)), drift=0.02 * np.arange(21))
    assert (phases.count, phases.change, phases.volume_rate_after) == (1, None, None)
    assert phases.volume_rate.value == pytest.approx(-0.1)
    assert phases.drift_slope.value == pytest.approx(0.02)


def test_independent_noise_is_rarely_two_phases():
    rng = np.random.default_rng(0)
    twice = sum(
        phases_of(volume=np.exp(rng.normal(0, 0.1, size=21))).count == 2 for _ in range(200)
    )
    assert twice <= 14  # 3 % expected, 7 % allowed


def test_constant_volume_is_one_phase_of_rate_zero():
    phases = phases_of(volume=[0.3] * 10)
    assert phases.count == 1
    assert phases.volume_rate.value == 0.0


def test_extinction_ends_the_fit_and_is_named():
    phases = phases_of(volume=[0.4, 0.2, 0.1, 0.0, 0.0, 0.05], drift=[0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert (phases.count, phases.extinct) == (1, 3)
    assert phases.volume_rate.value == pytest.approx(-np.log(2))


@pytest.mark.parametrize("volume", [[0.0, 0.0, 0.0], [0.3], [None, 0.2, None]])
def test_too_little_volume_is_no_phase(volume):
    phases = phases_of(volume=volume, integrity=[1.0] * len(volume))
    assert (phases.count, phases.change, phases.volume_rate) == (0, None, None)


def test_two_generations_have_a_rate_without_interval():
    phases = phases_of(volume=[0.4, 0.2], drift=[0.0, 0.1])
    assert (phases.volume_rate.low, phases.drift_slope.high) == (None, None)
    assert phases.bic_advantage is None


def test_no_volume_at_all():
    assert phases_of(truth=[1.0, 1.0]).count == 0
