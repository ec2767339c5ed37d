"""Two phases or one: by hand, against a slow search, how often noise has two."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palimpsest.statistics.null_band import Band
from palimpsest.trajectory.changepoint import find_phases
from palimpsest.trajectory.curves import Curve, Trajectory
from tests.trajectory.chains import band, chain, published

NULL = {"volume": band(0.9, 1.1)}
"""With it, generation 0 is one human sample among others."""


def phases_of(null=None, **curves):
    return find_phases(Trajectory.from_scorecards(chain(null, **curves)))


def polynomial(x, y):
    """Slope, and sum of squared residuals, of the least-squares line."""
    slope, intercept = np.polyfit(x, y, 1)
    return slope, ((y - intercept - slope * x) ** 2).sum()


def best_split(x, y):
    """The last x of the first phase, and BIC of one line less that of two, by trying them all.

    BIC = n ln(squares / n) + k ln n; two lines have three numbers more (a slope, an intercept, the
    place).
    """
    two = {x[at - 1]: polynomial(x[:at], y[:at])[1] + polynomial(x[at:], y[at:])[1]
           for at in range(3, len(x) - 2)}  # fmt: skip
    change = min(two, key=two.get)
    gain = len(x) * np.log(polynomial(x, y)[1] / two[change])
    return change, gain - 3 * np.log(len(x))


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


def test_published_curve_without_its_in_sample_generation_0_falls_faster_after_g11():
    """What ``numpy.polyfit`` gives: −0.014 a generation up to g11, −0.111 after it."""
    cards = published()
    values = {
        name: [card["metrics"][name]["value"] for card in cards] for name in cards[0]["metrics"]
    }
    x, y, drift = np.arange(1, 21), np.log(values["volume"][1:]), np.array(values["drift"][1:])
    change, advantage = best_split(x, y)
    before, after = (polynomial(x[part], y[part])[0] for part in (x <= change, x > change))
    assert (change, before, after) == (11, pytest.approx(-0.014, abs=5e-4),
                                       pytest.approx(-0.111, abs=5e-4))  # fmt: skip
    phases = find_phases(Trajectory.from_scorecards(cards))
    assert (phases.count, phases.change, phases.extinct) == (2, change, None)
    assert phases.volume_rate.value == pytest.approx(before)
    assert phases.volume_rate_after.value == pytest.approx(after)
    assert phases.volume_rate.low < 0 < phases.volume_rate.high
    assert phases.volume_rate_after.high < 0
    assert phases.drift_slope.value == pytest.approx(polynomial(x[x > 11], drift[x > 11])[0])
    assert phases.drift_slope.low > 0
    assert phases.bic_advantage == pytest.approx(advantage)


def test_published_curve_with_generation_0_called_comparable_is_one_phase():
    """BIC alone would see an implosion up to g03, all of it the fall from the in-sample g00."""
    cards = published(NULL)
    x, y = np.arange(21), np.log([card["metrics"]["volume"]["value"] for card in cards])
    change, advantage = best_split(x, y)
    assert change == 3
    phases = find_phases(Trajectory.from_scorecards(cards))
    assert (phases.count, phases.change, phases.volume_rate_after) == (1, None, None)
    assert phases.volume_rate.value == pytest.approx(polynomial(x, y)[0])
    assert phases.bic_advantage == pytest.approx(advantage)
    assert phases.bic_advantage > 0
    assert phases.p_value > 0.05


@given(st.integers(0, 2**32 - 1), st.integers(6, 15))
def test_as_a_slow_direct_search(seed, length):
    logs = np.random.default_rng(seed).normal(size=length).cumsum()
    change, advantage = best_split(np.arange(length), logs)
    phases = phases_of(NULL, volume=np.exp(logs))
    assert phases.bic_advantage == pytest.approx(advantage, abs=1e-6)
    assert phases.change in (None, change)
    assert (phases.count == 2) == (phases.change is not None)
    assert 0 < phases.p_value <= 1


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


def noisy(rng, line, correlation):
    """A line with noise whose neighbours are correlated: standard deviation 0.1."""
    noise = rng.standard_normal(len(line))
    for at in range(1, len(line)):
        noise[at] = correlation * noise[at - 1] + np.sqrt(1 - correlation**2) * noise[at]
    return line + 0.1 * noise


def phases_of_logs(logs):
    """Of ln volume over g00, g01, …, all comparable; without the way through scorecards."""
    unknown = np.full(len(logs), np.nan)
    curves = {"volume": Curve(np.exp(logs), unknown, unknown)}
    null = {"volume": Band(0.9, 1.1, 20, 1.0, 0.05)}
    count = len(logs)
    return find_phases(Trajectory(np.arange(count), np.full(count, 500), curves, null))


@pytest.mark.parametrize("length", [6, 21])
def test_correlated_noise_about_a_line_is_two_phases_at_most_5_times_in_100(length):
    """Of 1,500 chains (known to 0.5 %), and their p-values are as they should be (to 1.3 %)."""
    rng = np.random.default_rng(length)
    found = [phases_of_logs(noisy(rng, -0.05 * np.arange(length), 0.5)) for _ in range(1500)]
    assert 0.02 <= np.mean([one.count == 2 for one in found]) <= 0.05
    p_values = np.array([one.p_value for one in found])
    for level in (0.25, 0.5):
        assert np.mean(p_values <= level) == pytest.approx(level, abs=0.04)


@pytest.mark.parametrize("length", [6, 21])
def test_independent_noise_is_two_phases_less_often(length):
    rng = np.random.default_rng(length)
    found = [phases_of_logs(noisy(rng, -0.05 * np.arange(length), 0.0)) for _ in range(400)]
    assert np.mean([one.count == 2 for one in found]) <= 0.05


def test_a_known_change_is_found():
    """A fall of 0.4 a generation that slows down to 0.03 after g07."""
    rng, g = np.random.default_rng(1), np.arange(21)
    line = np.where(g <= 7, -0.4 * g, -0.4 * 7 - 0.03 * (g - 7))
    found = [phases_of_logs(noisy(rng, line, 0.5)) for _ in range(100)]
    near = [one.change is not None and abs(one.change - 7) <= 2 for one in found]
    assert np.mean(near) >= 0.95
    rates = np.mean([(one.volume_rate.value, one.volume_rate_after.value) for one in found], axis=0)
    assert rates == pytest.approx([-0.4, -0.03], abs=0.01)


def test_a_missing_generation_breaks_no_chain():
    volume = list(two_phase_volume())
    volume[9] = volume[14] = None
    phases = phases_of(volume=volume)
    assert (phases.count, phases.volume_rate.value) == (2, pytest.approx(-0.5))
    assert phases.volume_rate_after.value == pytest.approx(-0.05)


def test_generation_0_counts_where_it_is_comparable_and_only_there():
    # from g01 on every generation halves; g00 is far off that line
    volume, drift = [9.0, 0.5, 0.25, 0.125], [5.0, 1.0, 2.0, 3.0]
    without, with_it = phases_of(volume=volume, drift=drift), phases_of(NULL, volume=volume)
    assert without.volume_rate.value == pytest.approx(-np.log(2))
    assert without.drift_slope.value == pytest.approx(1.0)
    # Σ(g − 1.5) ln V over Σ(g − 1.5)² = 5
    logs = np.log(volume)
    slope = (1.5 * (logs[3] - logs[0]) + 0.5 * (logs[2] - logs[1])) / 5
    assert with_it.volume_rate.value == pytest.approx(slope)


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
    phases = phases_of(NULL, volume=[0.4, 0.2], drift=[0.0, 0.1])
    assert phases.volume_rate.value == pytest.approx(-np.log(2))
    assert (phases.volume_rate.low, phases.drift_slope.high) == (None, None)
    assert (phases.bic_advantage, phases.p_value) == (None, None)


def test_five_generations_are_too_few_for_two_phases():
    few, enough = ([0.5**at for at in range(3)] + [0.25] * n for n in (2, 3))
    assert phases_of(NULL, volume=few).bic_advantage is None
    assert phases_of(NULL, volume=few).p_value is None
    assert phases_of(NULL, volume=enough).p_value > 0
    # without null samples, generation 0 is none of them
    assert phases_of(volume=enough).p_value is None


def test_no_volume_at_all():
    assert phases_of(truth=[1.0, 1.0]).count == 0
