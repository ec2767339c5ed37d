"""Each metric of §6: by hand, an invariant, the degenerate case, the error."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from palimpsest.core.errors import MetricError
from palimpsest.lm.class_statistics import CentreAgreement
from palimpsest.metrics import neural_collapse as nc

seeds = st.integers(0, 2**31)


def simplex(classes, dims, seed=0):
    """A simplex equiangular tight frame: centred corners, turned into more dimensions."""
    corners = np.eye(classes) - 1 / classes
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(dims, classes)))[0]
    return corners @ turn.T


def sample(seed=0, tokens=400, classes=7, dims=5):
    """Hidden states of some tokens, and the means of their classes."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(tokens) % classes)
    states = rng.normal(size=(tokens, dims)) + rng.normal(size=(classes, dims))[labels]
    return states, np.stack([states[labels == label].mean(axis=0) for label in range(classes)])


def agreement(weights, means, *batches):
    """NC4: the share of tokens on which classifier and nearest class mean agree."""
    counted = CentreAgreement(np.asarray(weights), np.asarray(means))
    for batch in batches:
        counted.update(torch.from_numpy(batch))
    assert counted.tokens == sum(map(len, batches))
    return counted.agreed / counted.tokens


def means_and_weights(seed=0, classes=9, dims=6):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(classes, dims)) + 2, rng.normal(size=(classes, dims))


def pairs_of(points):
    rows, columns = np.triu_indices(len(points), 1)
    return np.linalg.norm(points[rows] - points[columns], axis=1), rows, columns


def test_cdnv_by_hand():
    # distances² 4, 16, 20; sums of variances 3, 4, 5
    means, variances = [[0.0, 0.0], [2.0, 0.0], [0.0, 4.0]], [1.0, 2.0, 3.0]
    assert nc.cdnv(means, variances) == pytest.approx((3 / 8 + 4 / 32 + 5 / 40) / 3)
    squared = (3 / 32 + 4 / 512 + 5 / 800) / 3
    assert nc.cdnv(means, variances, exponent=2) == pytest.approx(squared)


def test_norms_by_hand():
    # about the centre 0 the lengths are 1, 1, 2, 2
    means = [[1.0, 0], [-1.0, 0], [0, 2.0], [0, -2.0]]
    assert nc.equinorm(means) == pytest.approx(0.5 / 1.5)
    assert nc.equinorm_log(means) == pytest.approx((np.log(2) / 2) ** 2)


def test_log_kernel_by_hand():
    # unit rows at right angles and opposite: distances √2 (four times) and 2 (twice)
    means = [[1.0, 0], [-1.0, 0], [0, 2.0], [0, -2.0]]
    values = -np.log([2**0.5] * 4 + [2.0] * 2)
    assert nc.log_kernel(means) == pytest.approx((values.mean(), values.var()))


def test_uniform_duality_by_hand():
    means, weights = [[1.0, 0], [-1.0, 0], [0, 1.0], [0, -1.0]], np.array([[1.0, 0.0]] * 4)
    # cosines 1, −1, 0, 0
    assert nc.uniform_duality(weights, means) == pytest.approx(0.5)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_a_simplex_is_perfect(classes):
    means = 3 * simplex(classes, 12) + 5
    assert nc.equinorm(means) == pytest.approx(0, abs=1e-9)
    assert nc.equinorm_log(means) == pytest.approx(0, abs=1e-9)
    assert nc.etf_error(means) == pytest.approx(0, abs=1e-6)
    assert nc.log_kernel(means)[1] == pytest.approx(0, abs=1e-9)
    assert nc.dual_error(2 * (means - means.mean(0)), means) == pytest.approx(0, abs=1e-6)
    assert nc.uniform_duality(means - means.mean(0), means) == pytest.approx(0, abs=1e-9)
    assert nc.cdnv(means, np.zeros(classes)) == 0.0
    centred = means - means.mean(0)  # the classifier has no bias
    assert agreement(centred, centred, centred) == 1.0


@settings(deadline=None, max_examples=30)
@given(seeds)
def test_against_the_formulas_written_out(seed):
    means, weights = means_and_weights(seed)
    classes, centred = len(means), means - means.mean(axis=0)
    bias = 1 / (classes * np.sqrt(classes - 1)) - np.eye(classes) / np.sqrt(classes - 1)
    for left, got in ((centred, nc.etf_error(means)), (weights, nc.dual_error(weights, means))):
        product = left @ centred.T
        expected = np.linalg.norm(product / np.linalg.norm(product) + bias)
        assert got == pytest.approx(expected, abs=1e-9)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    kernel = -np.log(pairs_of(unit)[0])
    assert nc.log_kernel(means) == pytest.approx((kernel.mean(), kernel.var()), abs=1e-9)
    distances, rows, columns = pairs_of(means)
    variances = np.abs(weights[:, 0])
    expected = ((variances[rows] + variances[columns]) / 2 / distances**2).mean()
    assert nc.cdnv(means, variances) == pytest.approx(expected)


def test_tiles_change_nothing(monkeypatch):
    means, weights = means_and_weights(3, classes=23)
    variances = np.abs(weights[:, 0])
    whole = nc.collapse_metrics(means, variances, weights)
    monkeypatch.setattr(nc, "TILE", 5)
    assert nc.collapse_metrics(means, variances, weights) == pytest.approx(whole)


@settings(deadline=None, max_examples=30)
@given(seeds, st.floats(0.01, 100))
def test_turning_and_moving_the_means_changes_no_shape(seed, scale):
    means, weights = means_and_weights(seed)
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(6, 6)))[0]
    moved, turned = scale * means @ turn + 3, weights @ turn
    for metric in (nc.equinorm, nc.equinorm_log, nc.etf_error, lambda m: nc.log_kernel(m)[1]):
        assert metric(moved) == pytest.approx(metric(means), rel=1e-6)
    for metric in (nc.dual_error, nc.uniform_duality):
        assert metric(turned, moved) == pytest.approx(metric(weights, means), rel=1e-6)


@settings(deadline=None, max_examples=20)
@given(seeds)
def test_agreement_is_the_definition_over_batches(seed):
    states, means = sample(seed)
    weights = np.random.default_rng(seed).normal(size=means.shape)
    nearest = np.linalg.norm(states[:, None] - means, axis=2).argmin(axis=1)
    expected = ((states @ weights.T).argmax(axis=1) == nearest).mean()
    assert agreement(weights, means, states[:90], states[90:]) == pytest.approx(expected)


@pytest.mark.parametrize("value", [0.0, 1 / 7])
@pytest.mark.parametrize("classes", [1, 4])
def test_collapse_of_the_means_is_the_worst(classes, value):
    means, weights = np.full((classes, 5), value), np.ones((classes, 5))
    for variances in (np.zeros(classes), np.ones(classes)):
        assert nc.cdnv(means, variances) == nc.cdnv(means, variances, exponent=2) == 1e9
    assert nc.equinorm(means) == pytest.approx(max(np.sqrt(classes - 1), 1))
    assert nc.equinorm_log(means) == pytest.approx(47.7, abs=0.1)
    assert nc.etf_error(means) == nc.dual_error(weights, means) == pytest.approx(2**0.5)
    assert nc.log_kernel(means) == pytest.approx((13.8, 52.6), abs=0.1)
    assert nc.uniform_duality(weights, means) == 1.0
    assert agreement(weights, means, np.random.default_rng(0).normal(size=(20, 5))) == 0.0


def test_two_equal_means_among_others_stay_finite():
    means, weights = means_and_weights()
    means[1] = means[0]
    got = nc.collapse_metrics(means, np.ones(9), weights)
    assert np.isfinite(list(got.values())).all()
    assert got["nc1_cdnv"] > 1e7


def test_errors():
    means, weights = means_and_weights()
    with pytest.raises(MetricError, match=r"weights: want shape \(9, 6\), as means, got \(8, 6\)"):
        nc.dual_error(weights[:8], means)
    with pytest.raises(MetricError, match=r"variances: want 9 numbers >= 0"):
        nc.cdnv(means, -np.ones(9))
    with pytest.raises(MetricError, match=r"exponent: want >= 1, got 0"):
        nc.cdnv(means, np.ones(9), exponent=0)
    with pytest.raises(MetricError, match=r"means: want at least one class"):
        nc.etf_error(np.ones((0, 3)))
    with pytest.raises(MetricError, match=r"class means: want \(C, d\) as \(8, 6\), got \(9, 6\)"):
        CentreAgreement(weights[:8], means)
    with pytest.raises(MetricError, match=r"class means: want \(C, d\) as \(0, 3\), got \(0, 3\)"):
        CentreAgreement(np.ones((0, 3)), np.ones((0, 3)))
    with pytest.raises(MetricError, match=r"class means: want finite numbers, got NaN or infinity"):
        CentreAgreement(weights, np.full((9, 6), np.nan))
