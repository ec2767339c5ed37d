"""MAUVE, the optional metric: its ends, the same number again, and what is said without it."""

import sys

import numpy as np
import pytest

from palimpsest.core.errors import MetricError
from palimpsest.metrics.mauve import mauve


@pytest.fixture
def human():
    return np.random.default_rng(0).normal(size=(200, 20)).astype(np.float32)


def test_the_same_cloud_is_1_another_near_0_and_half_of_it_between(human):
    pytest.importorskip("mauve")
    assert mauve([], human, [], human) == pytest.approx(1.0)
    far = mauve([], human + 9, [], human)
    half = mauve([], np.concatenate([human[:100], human[:100] + 9]), [], human)
    assert 0 < far < 0.05 < half < 0.95


def test_collapse_reads_as_collapse_and_twice_the_same(human):
    pytest.importorskip("mauve")
    point = np.repeat(human[:1], 200, axis=0)
    assert mauve([], point, [], human) < 0.1
    assert mauve([], point, [], human) == mauve([], point, [], human)


def test_without_the_package_it_says_what_to_install(human, monkeypatch):
    monkeypatch.setitem(sys.modules, "mauve", None)
    with pytest.raises(MetricError, match=r"want the package mauve-text.*pip install"):
        mauve([], human, [], human)
