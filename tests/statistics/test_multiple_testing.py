"""Benjamini–Hochberg: by hand, against a slow direct implementation, what was not tested."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from palimpsest.statistics.multiple_testing import LEVEL, discoveries


def rejected(p_values, level=0.05):
    return discoveries(np.array(p_values, dtype=float), level).tolist()


def directly(p_values, level):
    """The procedure as the paper has it: the largest i with p(i) ≤ i/m · q, and all before it."""
    tested = sorted(Fraction(p) for p in p_values if p == p)
    limit = Fraction(-1)
    for i, p in enumerate(tested, 1):
        if p <= Fraction(i, len(tested)) * Fraction(level):
            limit = p
    return [p == p and Fraction(p) <= limit for p in p_values]


def test_the_example_of_benjamini_and_hochberg():
    # 1995, §4.1: 15 hypotheses; Bonferroni rejects three, this four: 0.0095 ≤ 4/15 · 0.05 = 0.0133
    p_values = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240,
        0.4262, 0.5719, 0.6528, 0.7590, 1.0000,
    ]  # fmt: skip
    assert rejected(p_values) == [True] * 4 + [False] * 11
    assert LEVEL == 0.05


def test_a_later_p_value_carries_an_earlier_one_along():
    # limits 0.0125, 0.025, 0.0375, 0.05: 0.02 is above its own, 0.024 is below, so both are in
    assert rejected([0.9, 0.02, 0.8, 0.024]) == [False, True, False, True]
    assert rejected([0.9, 0.02, 0.8, 0.026]) == [False] * 4
    assert rejected([0.05, 0.05, 0.05, 0.05]) == [True] * 4


def test_a_p_value_on_its_limit_is_rejected():
    # limits 1/8, 1/4, 3/8, 1/2, all exact
    assert rejected([0.25, 0.125, 0.75, 1.0], 0.5) == [True, True, False, False]


@given(
    st.lists(st.floats(0, 1).map(lambda p: p**3) | st.just(float("nan")), max_size=25),
    st.sampled_from([0.01, 0.05, 0.2, 0.5]),
)
def test_as_a_slow_direct_implementation(p_values, level):
    tested = [p for p in p_values if p == p]
    limits = level * np.arange(1, len(tested) + 1) / max(len(tested), 1)
    # exactly on a limit rounding may decide
    assume(not any(np.isclose(limits, p, rtol=1e-12, atol=0).any() for p in tested))
    assert rejected(p_values, level) == directly(p_values, level)


def test_agrees_with_scipy():
    p_values = np.random.default_rng(0).uniform(size=40) ** 3
    np.testing.assert_array_equal(
        discoveries(p_values, 0.05), false_discovery_control(p_values) <= 0.05
    )


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.randoms())
def test_the_order_does_not_matter(p_values, random):
    order = list(range(len(p_values)))
    random.shuffle(order)
    values = np.array(p_values)
    np.testing.assert_array_equal(discoveries(values, 0.1)[order], discoveries(values[order], 0.1))


def test_what_was_not_tested_is_skipped():
    assert rejected([np.nan, 0.04, np.nan]) == [False, True, False]
    assert rejected([np.nan]) == [False]
    assert rejected([]) == []


@pytest.mark.parametrize("false", [200, 150])
def test_few_of_the_discoveries_are_false(false):
    """Expected share of false ones among them: at most the level times the share of true nulls."""
    rng = np.random.default_rng(false)
    shares = []
    for _ in range(300):
        p_values = np.concatenate([rng.uniform(size=false), rng.uniform(size=200 - false) / 1e4])
        positive = discoveries(p_values, 0.1)
        shares.append(positive[:false].sum() / max(positive.sum(), 1))
    assert np.mean(shares) <= 0.1 * false / 200 + 0.03
