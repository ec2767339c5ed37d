"""Student's t: from a table, as scipy.stats has it, at the ends."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from palimpsest.statistics.student import quantile, two_sided


# "Student" (1908), as printed in any table of t
@pytest.mark.parametrize(
    ("freedom", "at_5_percent", "at_1_percent"),
    [(1, 12.706, 63.657), (2, 4.303, 9.925), (10, 2.228, 3.169), (19, 2.093, 2.861)],
)
def test_quantiles_of_the_table(freedom, at_5_percent, at_1_percent):
    assert quantile(0.05, freedom) == pytest.approx(at_5_percent, abs=5e-4)
    assert quantile(0.01, freedom) == pytest.approx(at_1_percent, abs=5e-4)
    assert two_sided(at_5_percent, freedom) == pytest.approx(0.05, abs=5e-5)


def test_one_degree_of_freedom_by_hand():
    # Cauchy: a share 1 − 2/π · arctan t is farther out; half of it at 1
    assert two_sided(1.0, 1) == pytest.approx(0.5)
    assert two_sided(-math.sqrt(3), 1) == pytest.approx(1 / 3)
    assert quantile(0.5, 1) == pytest.approx(1.0)


@given(st.floats(-1e3, 1e3), st.integers(1, 200))
def test_agrees_with_scipy_stats(t, freedom):
    assert two_sided(t, freedom) == pytest.approx(2 * stats.t.sf(abs(t), freedom), rel=1e-9)
    assert two_sided(t, freedom) == two_sided(-t, freedom)


@given(st.floats(1e-6, 1.0), st.integers(1, 200))
def test_a_quantile_is_exceeded_by_its_share(level, freedom):
    assert two_sided(quantile(level, freedom), freedom) == pytest.approx(level, rel=1e-6)


def test_the_ends():
    assert two_sided(0.0, 5) == 1.0
    assert two_sided(math.inf, 5) == 0.0
    assert quantile(1.0, 5) == pytest.approx(0.0, abs=1e-12)
