"""Each metric of §2: by hand, an invariant, the degenerate case, the error."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palimpsest.core.errors import MetricError
from palimpsest.metrics import spectrum
from palimpsest.metrics.spectrum import spectrum_metrics

seeds = st.integers(0, 2**31)


def cloud(seed=0, count=60, dims=8):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, dims)) / np.arange(1, dims + 1) + 0.3


def rotation(seed, dims):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(dims, dims)))[0]


def test_ranks_by_hand():
    # two orthogonal directions of variance 3:1 → p = 3/4, 1/4
    points = np.array([[3**0.5, 0], [-(3**0.5), 0], [0, 1], [0, -1], [0, 0]])
    got = spectrum_metrics(points)
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    assert got["effective_rank"] == pytest.approx(np.exp(entropy))
    assert got["participation_ratio"] == pytest.approx(16 / 10)


def test_anisotropy_by_hand():
    # cosines over the ten pairs: 3 parallel pairs and 1 pair give 1, the six mixed ones 0
    points = np.array([[1, 0], [2, 0], [3, 0], [0, 1], [0, 5]])
    assert spectrum_metrics(points)["anisotropy"] == pytest.approx(4 / 10)


def test_two_nn_by_hand():
    # on 0, 1, 3, 7, 15 the ratios r2/r1 are 3/1, 2/1, 3/2, 6/4, 12/8
    points = np.array([[0.0], [1.0], [3.0], [7.0], [15.0]])
    expected = 5 / np.log(3 * 2 * 1.5 * 1.5 * 1.5)
    assert spectrum_metrics(points)["intrinsic_dimension"] == pytest.approx(expected)
    twice = np.concatenate([points, points])
    assert spectrum_metrics(twice)["intrinsic_dimension"] == pytest.approx(expected)


def test_two_nn_finds_a_plane_in_many_dimensions():
    plane = np.random.default_rng(0).random((2000, 2)) @ rotation(1, 50)[:2]
    assert spectrum_metrics(plane)["intrinsic_dimension"] == pytest.approx(2.0, abs=0.15)


def test_against_numpy_and_scikit_learn():
    neighbors = pytest.importorskip("sklearn.neighbors")
    points = cloud(1)
    variances = np.linalg.eigvalsh(np.cov(points.T))
    shares = variances / variances.sum()
    units = points / np.linalg.norm(points, axis=1, keepdims=True)
    cosines = (units @ units.T)[np.triu_indices(len(points), 1)]
    near = neighbors.NearestNeighbors(n_neighbors=3).fit(points).kneighbors(points)[0]
    got = spectrum_metrics(points)
    assert got["effective_rank"] == pytest.approx(np.exp(-(shares * np.log(shares)).sum()))
    assert got["participation_ratio"] == pytest.approx(1 / (shares**2).sum())
    assert got["anisotropy"] == pytest.approx(cosines.mean(), abs=1e-9)
    expected = len(points) / np.log(near[:, 2] / near[:, 1]).sum()
    assert got["intrinsic_dimension"] == pytest.approx(expected)


@settings(deadline=None, max_examples=30)
@given(seeds, st.floats(1e-3, 1e3))
def test_rotation_scale_and_order_change_nothing(seed, scale):
    points = cloud(seed)
    moved = scale * points[::-1] @ rotation(seed + 1, 8)
    assert spectrum_metrics(moved) == pytest.approx(spectrum_metrics(points), rel=1e-6, abs=1e-9)


@settings(deadline=None, max_examples=30)
@given(seeds)
def test_ranks_lie_between_one_and_the_dimensions(seed):
    got = spectrum_metrics(cloud(seed))
    assert 1 <= got["participation_ratio"] <= got["effective_rank"] <= 8


@pytest.mark.parametrize("shape", [(60, 8), (20, 40)])
def test_a_half_sample_has_the_metrics_of_its_texts(shape):
    points = cloud(3, *shape)
    rows = np.arange(0, len(points), 2)
    part = spectrum.prepare(points).compute(rows)
    assert part == pytest.approx(spectrum_metrics(points[rows]), rel=1e-9)


def test_large_corpora_agree_with_held_products(monkeypatch):
    points = cloud(4, 50, 8).astype(np.float32)
    whole = spectrum_metrics(points)
    monkeypatch.setattr(spectrum, "PRODUCTS_LIMIT", 10)
    monkeypatch.setattr("palimpsest.metrics.validation.BLOCK_ROWS", 16)
    assert spectrum_metrics(points) == pytest.approx(whole, rel=1e-9)
    monkeypatch.setattr(spectrum, "NEIGHBOUR_TEXTS", 30)
    assert spectrum_metrics(points)["intrinsic_dimension"] > 0


@pytest.mark.parametrize("shape", [(5, 3), (60, 8), (20, 40)])
@pytest.mark.parametrize("value", [0.0, 1 / 7])
def test_equal_texts_are_the_worst(shape, value):
    got = spectrum_metrics(np.full(shape, value))
    expected = {"effective_rank": 1, "participation_ratio": 1}
    expected |= {"intrinsic_dimension": 0, "anisotropy": 1}
    assert got == pytest.approx(expected)


def test_a_line_has_rank_one():
    got = spectrum_metrics(np.arange(10.0)[:, None] * np.ones(5))
    assert got["effective_rank"] == pytest.approx(1, abs=1e-6)
    assert got["participation_ratio"] == pytest.approx(1, abs=1e-6)


def test_two_distinct_texts_have_no_dimension():
    points = np.repeat([[0.0, 1.0], [1.0, 0.0]], 4, axis=0)
    assert spectrum_metrics(points)["intrinsic_dimension"] == 0.0
    prepared = spectrum.prepare(points)
    assert prepared.compute(np.arange(4))["intrinsic_dimension"] == 0.0


def test_errors():
    points = cloud()
    points[[3, 17]] = np.nan
    with pytest.raises(MetricError, match=r"generated: want finite numbers.*in rows 3, 17"):
        spectrum_metrics(points)
    with pytest.raises(MetricError, match="want >= 5 texts, got 4"):
        spectrum_metrics(np.ones((4, 3)))
    with pytest.raises(MetricError, match="want shape"):
        spectrum_metrics(np.ones(4))
