"""The mean of a few numbers, one for each chain, with Student's t interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import ttest_1samp

ROUNDING = 1e-12
"""Relative: numbers no further apart are the same, as float64 differences of equal pairs are."""


@dataclass(frozen=True)
class Estimate:
    """A mean over chains with its 95 % interval."""

    mean: float | None
    low: float | None
    high: float | None
    chains: int
    """How many chains; all is None at 0. There is no interval below 2 chains, nor where all have
    the very same number: they say nothing about how much chains vary."""
    p_value: float | None
    """Of the mean being 0, two-sided (Student's t); None without an interval."""
    significant: bool = False
    """Whether it is a discovery among the metrics of its variant."""


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and 95 % t-interval of one number a chain."""
    count = len(values)
    if not count:
        return Estimate(None, None, None, 0, None)
    mean = float(np.mean(values))
    if count < 2 or np.ptp(values) <= ROUNDING * np.max(np.abs(values)):
        return Estimate(mean, None, None, count, None)
    test = ttest_1samp(values, 0.0)
    low, high = test.confidence_interval(0.95)
    return Estimate(mean, float(low), float(high), count, float(test.pvalue))
