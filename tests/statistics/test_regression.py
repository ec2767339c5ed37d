"""Least-squares lines: by hand, as numpy has them, what two points cannot say."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palimpsest.statistics.regression import Rate, fit_line


def test_a_line_by_hand():
    # about x = 1 and y = 5/3: slope (5/3 + 4/3) / 2; residuals −1/6, 2/6, −1/6
    line = fit_line(np.array([0.0, 1.0, 2.0]), np.array([0.0, 2.0, 3.0]))
    assert line.slope == pytest.approx(1.5)
    assert line.intercept == pytest.approx(5 / 3 - 1.5)
    assert (line.x_mean, line.x_squares, line.points) == (1.0, 2.0, 3)
    assert line.residual_squares == pytest.approx(1 / 6)
    assert line.slope_error == pytest.approx(math.sqrt(1 / 12))
    assert line.student_95 == pytest.approx(12.7062, rel=1e-5)  # one degree of freedom


def test_intervals_agree_with_numpy():
    x = np.arange(8.0)
    y = np.array([0.1, -0.4, -0.9, -1.8, -1.9, -2.2, -3.1, -3.4])
    rate, ((slope, _), covariance) = fit_line(x, y).rate, np.polyfit(x, y, 1, cov=True)
    margin = 2.4469 * np.sqrt(covariance[0, 0])  # t of 6 degrees of freedom
    assert rate.value == pytest.approx(slope)
    assert rate.low == pytest.approx(slope - margin, abs=1e-4)
    assert rate.high == pytest.approx(slope + margin, abs=1e-4)


@given(st.floats(-100, 100), st.floats(0.01, 100))
def test_shift_and_scale_carry_over(shift, scale):
    x = np.arange(6.0)
    y = np.array([0.3, 0.1, -0.4, -0.2, -0.9, -1.1])
    before, after = fit_line(x, y).rate, fit_line(x + shift, shift + scale * y).rate
    for part in ("value", "low", "high"):
        expected = scale * getattr(before, part)
        assert getattr(after, part) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_the_interval_holds_the_slope_95_times_in_100():
    rng, x = np.random.default_rng(0), np.arange(8.0)
    rates = [fit_line(x, 3 - 0.2 * x + rng.normal(size=8)).rate for _ in range(2000)]
    assert 0.935 <= np.mean([rate.low <= -0.2 <= rate.high for rate in rates]) <= 0.965


def test_points_on_a_line_have_no_error():
    line = fit_line(np.arange(5.0), 2.0 - 0.5 * np.arange(5.0))
    assert line.rate == Rate(-0.5, -0.5, -0.5)


def test_two_points_have_a_slope_without_interval():
    line = fit_line(np.array([1.0, 3.0]), np.array([0.0, 4.0]))
    assert line.rate == Rate(2.0, None, None)
    assert math.isnan(line.slope_error)
    assert math.isnan(line.student_95)
