"""The mean of one number a chain: by hand, as scipy has it, what few or equal chains cannot say."""

import math

import numpy as np
import pytest
from scipy import stats

from palimpsest.statistics.means import Estimate, estimate


def test_estimate_by_hand_and_as_scipy_has_it():
    one = estimate([1.0, 2.0, 3.0])
    # sd 1, standard error 1/√3, t(0.975, 2) = 4.302653
    assert one.mean == 2.0
    assert one.chains == 3
    assert one.high - 2.0 == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)
    assert one.low == pytest.approx(4.0 - one.high)
    assert one.p_value == pytest.approx(stats.ttest_1samp([1.0, 2.0, 3.0], 0.0).pvalue)
    assert one.significant is False  # that is for a comparison of all metrics to say


def test_two_chains_are_enough_for_an_interval():
    # sd √2, standard error 1, t(0.975, 1) = 12.7062
    one = estimate([1.0, 3.0])
    assert (one.low, one.high) == (pytest.approx(2 - 12.7062), pytest.approx(2 + 12.7062))


def test_one_chain_has_no_interval_and_none_has_nothing():
    assert estimate([5.0]) == Estimate(5.0, None, None, 1, None)
    assert estimate([]) == Estimate(None, None, None, 0, None)


def test_chains_that_are_all_alike_say_nothing_about_variation():
    for values in ([0.0, 0.0], [2.0, 2.0, 2.0], [0.1 + 0.2, 0.3]):
        one = estimate(values)
        assert one.mean == pytest.approx(values[0])
        assert (one.low, one.high, one.p_value, one.chains) == (None, None, None, len(values))


def test_the_interval_holds_the_mean_95_times_in_100():
    rng = np.random.default_rng(0)
    estimates = [estimate(rng.normal(3.0, 2.0, size=4).tolist()) for _ in range(2000)]
    assert 0.935 <= np.mean([one.low <= 3.0 <= one.high for one in estimates]) <= 0.965
