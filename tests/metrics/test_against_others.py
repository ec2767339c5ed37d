"""Numbers that scipy and scikit-learn give too, where the files beside this one do not ask yet."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from scipy.stats import entropy
from sklearn.covariance import EmpiricalCovariance
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import log_loss, pairwise_distances
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import NearestCentroid, NearestNeighbors

from palimpsest.lm.class_statistics import CentreAgreement, ClassSums
from palimpsest.metrics import likelihood, word_geometry
from palimpsest.metrics.distribution import distribution_metrics
from palimpsest.metrics.geometry import geometry_metrics
from palimpsest.metrics.lexical import lexical_metrics
from palimpsest.metrics.spectrum import spectrum_metrics

TEXTS = [
    "the river of stone runs north", "a river runs", "the river runs north of the town",
    "stone towns of the north", "the the the river river", "a town of stone", "north",
]  # fmt: skip


def cloud(seed, count, dims=8):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, dims)) / np.arange(1, dims + 1) + 0.3


def test_geometry():
    human, generated = cloud(0, 70), 0.7 * cloud(1, 50) + 0.1
    pca = PCA(3, svd_solver="full").fit(human)
    y = pca.transform(generated)
    centre = NearestCentroid().fit(np.r_[y, y + 9], [0] * 50 + [1] * 50).centroids_[:1]
    radii = cdist(y, centre)[:, 0]
    got = geometry_metrics(human, generated, lam=3.0)
    assert got["dispersion"] == pytest.approx(radii.mean(), abs=1e-6)
    assert got["outlier"] == pytest.approx(radii.max(), abs=1e-6)
    drift = cdist(centre, np.zeros((1, 3))).item()
    assert got["drift_relative"] == pytest.approx(drift / np.sqrt(pca.explained_variance_.sum()))
    assert got["ainex"] == pytest.approx(got["volume"] / (1 + 3 * drift**2), rel=1e-6)


def test_spectrum():
    points = cloud(2, 60)
    variances = PCA().fit(points).explained_variance_
    got = spectrum_metrics(points)
    assert got["effective_rank"] == pytest.approx(np.exp(entropy(variances)), rel=1e-6)
    scatter = EmpiricalCovariance().fit(points).covariance_
    expected = np.trace(scatter) ** 2 / (scatter**2).sum()
    assert got["participation_ratio"] == pytest.approx(expected, rel=1e-6)
    cosines = cosine_similarity(points)[np.triu_indices(60, 1)]
    assert got["anisotropy"] == pytest.approx(cosines.mean(), abs=1e-6)
    near = NearestNeighbors(n_neighbors=3).fit(points).kneighbors()[0]
    expected = 1 / np.log(near[:, 1] / near[:, 0]).mean()
    assert got["intrinsic_dimension"] == pytest.approx(expected, rel=1e-6)


def test_energy_in_many_dimensions():
    human, generated = cloud(3, 40), cloud(4, 30) + 0.2
    distances = [pairwise_distances(a, b).mean() for a, b in (
        (human, generated), (human, human), (generated, generated),
    )]  # fmt: skip
    expected = 2 * distances[0] - distances[1] - distances[2]
    assert distribution_metrics(human, generated)["energy"] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_ngrams(order):
    counter = CountVectorizer(ngram_range=(order, order), token_pattern=r"\w+")
    counts = np.asarray(counter.fit_transform(TEXTS).sum(axis=0)).ravel()
    got = lexical_metrics(TEXTS, TEXTS)
    assert got[f"distinct_{order}"] == pytest.approx(len(counts) / counts.sum(), abs=1e-6)
    if order <= 2:
        assert got[f"entropy_{order}"] == pytest.approx(entropy(counts), abs=1e-6)
    if order == 1:
        assert got["hapax"] == pytest.approx((counts == 1).mean(), abs=1e-6)
        assert got["length_mean"] == pytest.approx(counts.sum() / len(TEXTS))


def test_perplexity():
    rng = np.random.default_rng(5)
    logits = rng.normal(size=(60, 9))
    predicted = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    said, owner = rng.integers(9, size=60), np.repeat(np.arange(6), 10)
    nll = -np.log(predicted[np.arange(60), said])
    texts = likelihood.scored(np.bincount(owner, weights=nll), np.bincount(owner))
    expected = np.exp(log_loss(said, predicted, labels=range(9)))
    assert likelihood.perplexity(texts) == pytest.approx(expected, rel=1e-6)
    means = nll.reshape(6, 10).mean(axis=1)
    assert likelihood.surprise(texts)["surprise_q95"] == pytest.approx(np.percentile(means, 95))


def test_classes():
    points, labels = cloud(6, 90), np.arange(90) % 5
    fitted = NearestCentroid().fit(points, labels)
    got = ClassSums(5, points.shape[1])
    got.update(torch.from_numpy(points), torch.from_numpy(labels))
    assert got.means == pytest.approx(fitted.centroids_, abs=1e-9)
    spread = [points[labels == c].var(axis=0).sum() for c in range(5)]
    assert got.variances == pytest.approx(spread)
    # against itself as a classifier: argmax of <w, h> with w = mean and no bias
    agreement = CentreAgreement(got.means, got.means)
    agreement.update(torch.from_numpy(points))
    linear = (points @ got.means.T).argmax(axis=1)
    assert agreement.tokens == 90
    assert agreement.agreed == (fitted.predict(points) == linear).sum()


def test_word_geometry():
    rows = cloud(7, 40)
    cosines = cosine_similarity(rows)
    pairs = cosines[np.triu_indices(40, 1)].mean()
    assert word_geometry.entanglement(rows) == pytest.approx(pairs, abs=1e-6)
    np.fill_diagonal(cosines, -1)
    assert word_geometry.crowding(rows) == pytest.approx(cosines.max(axis=1).mean(), abs=1e-6)


def test_synonym_separation():
    states = np.random.default_rng(8).normal(size=(4, 6, 3)) + np.arange(4)[:, None, None] * 0.7
    right = []
    for out in range(6):
        kept = np.delete(states, out, axis=1)
        fitted = NearestCentroid().fit(kept.reshape(-1, 3), np.repeat(np.arange(4), 5))
        right += list(fitted.predict(states[:, out]) == np.arange(4))
    got = word_geometry.synonym_separation(states, [[0, 1, 2, 3]])
    assert got == pytest.approx(np.mean(right))
    assert 0 < got < 1
