"""Metrics of docs/metrics.md §1: the Ainex family, how much room the texts take and where.

Source: M. Ainex, "The Ainex Limit" (2026). The basis and the centre are fitted once, on a human
sample that nothing is compared with, and every generation is looked at through them; what the score
is a share of is the mean score of fresh human samples. The published work fits on generation 0
itself, which reads 1 by construction while fresh human text reads less: `integrity_published`.
Covariances divide by n − 1.

Known gaps: hull volumes are extreme-value statistics, they grow with n and with one outlier
(``volume_rarefied`` and ``spread`` are the companions that do not); more than ``PAIRS_LIMIT``
texts are subsampled for ``compression``; half-samples average ``HALF_DRAWS`` rarefied hulls.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh
from scipy.spatial.distance import pdist, squareform

from palimpsest.core.errors import MetricError
from palimpsest.core.rng import stream
from palimpsest.metrics.basis import NOTHING, Basis, fit_basis, principal, project
from palimpsest.metrics.family import Reference, Rows, Sample
from palimpsest.metrics.hull import FLAT, ROUNDING, hull, thickness
from palimpsest.metrics.spectrum import mean_of
from palimpsest.metrics.validation import (
    WORST_RATIO,
    Floats,
    blocks,
    embeddings,
    same_dimension,
)

RAREFIED_POINTS = 200
"""Points of a rarefied hull, at most half of the texts."""

RAREFIED_DRAWS = 64
"""Hulls averaged by ``volume_rarefied``."""

HALF_DRAWS = 4
"""Hulls averaged on a half-sample of the jackknife: the draws add 6 % to the standard error."""

PAIRS_LIMIT = 4000
"""Texts whose pairwise distances and products are held; more are subsampled for ``compression``."""


@dataclass(frozen=True)
class Fitted:
    """What generations are held against.

    ``basis`` of the fit sample; ``human_ainex`` the mean Ainex score of fresh human samples in it,
    None where there are none; ``published`` the basis of generation 0's human sample, None where
    the published score is not wanted; ``lam`` λ.
    """

    basis: Basis
    human_ainex: float | None
    published: Basis | None
    lam: float


@dataclass(frozen=True)
class Prepared:
    """One generation made ready for ``compute``: everything that half-samples share."""

    fitted: Fitted
    generated: Floats
    coordinates: NDArray[np.float64]
    published: NDArray[np.float64] | None
    products: NDArray[np.float64] | None
    pairs: Rows
    distances: NDArray[np.float64]
    apart: NDArray[np.float64] | None
    seed: int

    @property
    def basis(self) -> Basis:
        """The basis of the fit sample."""
        return self.fitted.basis

    @property
    def count(self) -> int:
        """Number of texts."""
        return len(self.coordinates)

    def compute(self, rows: Rows | None = None) -> dict[str, float | None]:
        """The §1 metrics of all texts, or of the texts at positions ``rows`` (a half-sample).

        A half-sample keeps the rarefied hull's number of points, so that it estimates the same
        quantity as the whole.
        """
        basis = self.basis
        points = self.coordinates if rows is None else self.coordinates[rows]
        mean = points.mean(axis=0)
        centred = points - mean
        radii = np.sqrt((centred**2).sum(axis=1))
        drift = float(np.linalg.norm(mean - basis.centre))
        volume = hull(points)
        ainex = volume / (1.0 + self.fitted.lam * drift**2)
        kept = None
        if self.fitted.human_ainex is not None:
            kept = ainex / self.fitted.human_ainex if self.fitted.human_ainex > 0 else 0.0
        human_spread = float(np.sqrt(basis.variance))
        return {
            "volume": volume,
            "drift": drift,
            "dispersion": float(radii.mean()),
            "compression": _mean_distance(self, rows),
            "outlier": float(radii.max()),
            "ainex": ainex,
            "integrity": kept,
            "loss": None if kept is None else 100.0 * (1.0 - kept),
            "integrity_published": self._published(rows),
            "volume_rarefied": _rarefied(self, points, whole=rows is None),
            "volume_refit": _refit(self, rows),
            "residual": _residual(self.generated, rows, float((radii**2).sum())),
            "spread": _spread(centred, points),
            "drift_relative": drift / human_spread if human_spread > 0 else WORST_RATIO,
            "explained": basis.explained,
        }

    def _published(self, rows: Rows | None) -> float | None:
        """The score as a share of generation 0's own, in generation 0's basis."""
        basis = self.fitted.published
        if basis is None or self.published is None:
            return None
        points = self.published if rows is None else self.published[rows]
        own = _ainex(points, basis, self.fitted.lam)
        return own / basis.volume if basis.volume > 0 else 0.0


def fit(
    sample: ArrayLike,
    null: Sequence[ArrayLike] = (),
    first: ArrayLike | None = None,
    lam: float = 1.0,
) -> Fitted:
    """Fits basis, centre and the score of human text.

    Args:
        sample: (m, d) embeddings of a human sample that nothing is compared with.
        null: fresh human samples, (n, d) each, of the size of a generation.
        first: (n, d) generation 0's human sample, for the published score.
        lam: λ, the weight of the squared drift, >= 0.

    Raises:
        MetricError: rows that are not finite (named), fewer than 5 texts, dimensions that
            differ, λ below 0.
    """
    if not (np.isfinite(lam) and lam >= 0):
        raise MetricError("lam", wanted=">= 0", got=lam)
    basis = fit_basis(sample)
    scores = []
    for one in null:
        checked = embeddings(one, "null sample")
        same_dimension(basis.mean[None], checked, "null sample")
        scores.append(_ainex(project(checked, basis.mean, basis.components), basis, lam))
    published = None
    if first is not None:
        published = fit_basis(embeddings(first, "generation 0"))
        same_dimension(basis.mean[None], published.mean[None], "generation 0")
    return Fitted(basis, float(np.mean(scores)) if scores else None, published, float(lam))


def geometry_metrics(
    human: ArrayLike,
    generated: ArrayLike,
    lam: float = 1.0,
    seed: int = 0,
    null: Sequence[ArrayLike] = (),
) -> dict[str, float | None]:
    """Every metric of §1 for one generation.

    Args:
        human: (m, d) human embeddings: the fit sample, and generation 0 of the published score.
        generated: (n, d) embeddings of the texts to judge; m = n makes hull volumes comparable.
        lam: λ, the weight of the squared drift, >= 0.
        seed: for the draws of ``volume_rarefied``.
        null: fresh human samples, (n, d) each, for ``integrity`` and ``loss``; None without any.

    Returns:
        ``volume``, ``drift``, ``dispersion``, ``compression``, ``outlier``, ``ainex``,
        ``integrity``, ``loss``, ``integrity_published``, ``volume_rarefied``, ``volume_refit``,
        ``residual``, ``spread``, ``drift_relative``, ``explained``. Where all texts are equal:
        volumes, ``dispersion``, ``compression``, ``outlier``, ``spread`` and ``integrity`` 0,
        ``loss`` 100, ``residual`` 1. Where the human texts have no volume: ``integrity`` 0,
        ``loss`` 100; where they have no spread: ``drift_relative`` 1e9.

    Raises:
        MetricError: rows that are not finite (named), fewer than 5 texts, dimensions that
            differ, λ below 0.
    """
    return prepare(fit(human, null, human, lam), generated, seed).compute()


def prepare(fitted: Fitted, generated: ArrayLike, seed: int = 0) -> Prepared:
    """Projects a generation and holds what its metrics and its half-samples need."""
    basis = fitted.basis
    checked = embeddings(generated, "generated")
    same_dimension(basis.mean[None], checked)
    coordinates = project(checked, basis.mean, basis.components)
    count = len(checked)
    pairs = np.arange(count)
    if count > PAIRS_LIMIT:
        rng = stream(seed, "geometry.compression")
        pairs = np.sort(rng.choice(count, PAIRS_LIMIT, replace=False))
    products = None
    if count <= PAIRS_LIMIT:
        centred = checked.astype(np.float64) - mean_of(checked)
        products = centred @ centred.T
    distances = squareform(pdist(coordinates[pairs]))
    # Equal texts may differ by rounding in the projection, and are still equal.
    distances[distances <= ROUNDING * np.abs(coordinates).max()] = 0.0
    positive = (distances > 0).astype(np.float64)
    every = positive.sum() == len(pairs) * (len(pairs) - 1)
    apart = None if every else positive
    published = None
    if fitted.published is not None:
        published = project(checked, fitted.published.mean, fitted.published.components)
    return Prepared(
        fitted, checked, coordinates, published, products, pairs, distances, apart, seed
    )


class Geometry:
    """The Ainex family: hull, drift and their companions in the human basis."""

    def __init__(self, reference: Reference) -> None:
        self.fitted = fit(reference.embeddings, reference.null, reference.first, reference.lam)

    def prepare(self, sample: Sample) -> Prepared:
        """See `palimpsest.metrics.family.Family`."""
        return prepare(self.fitted, sample.embeddings)


def _ainex(points: NDArray[np.float64], basis: Basis, lam: float) -> float:
    """Hull volume over 1 + λ · drift², of coordinates in a basis."""
    drift = float(np.linalg.norm(points.mean(axis=0) - basis.centre))
    return hull(points) / (1.0 + lam * drift**2)


def _spread(centred: NDArray[np.float64], points: NDArray[np.float64]) -> float:
    """(det Cov)^(1/2k), a length: the geometric mean of the standard deviations."""
    values = thickness(centred, points)
    if not values.any():
        return 0.0
    return float(np.exp(np.log(values).mean()) / np.sqrt(len(points) - 1))


def _mean_distance(prepared: Prepared, rows: Rows | None) -> float:
    """Mean distance over pairs that are apart; a half-sample is a vector of zeros and ones."""
    chosen = np.ones(len(prepared.pairs))
    if rows is not None:
        chosen = np.zeros(len(prepared.coordinates))
        chosen[rows] = 1.0
        chosen = chosen[prepared.pairs]
    total = float(chosen @ (prepared.distances @ chosen))
    if prepared.apart is None:
        count = float(chosen.sum() * (chosen.sum() - 1.0))
    else:
        count = float(chosen @ (prepared.apart @ chosen))
    return total / count if count > 0 else 0.0


def _rarefied(prepared: Prepared, points: NDArray[np.float64], whole: bool) -> float:
    size = min(RAREFIED_POINTS, len(prepared.coordinates) // 2, len(points))
    if size == len(points):
        return hull(points)
    rng = stream(prepared.seed, "geometry.rarefied")
    draws = RAREFIED_DRAWS if whole else HALF_DRAWS
    picks = [rng.choice(len(points), size, replace=False, shuffle=False) for _ in range(draws)]
    return float(np.mean([hull(points[pick]) for pick in picks]))


def _refit(prepared: Prepared, rows: Rows | None) -> float:
    """Hull volume in the generation's own principal components."""
    points, components = prepared.generated, len(prepared.basis.components)
    count = len(points) if rows is None else len(rows)
    if prepared.products is None or count > points.shape[1]:
        own = points if rows is None else points[rows]
        mean = mean_of(own)
        return hull(project(own, mean, principal(own, mean, components)[0]))
    if count <= components:
        return 0.0
    products = prepared.products
    if rows is not None:
        products = products[np.ix_(rows, rows)]
    scale = float(products.diagonal().max())
    marginal = products.mean(axis=0)
    products = products - marginal - marginal[:, None] + marginal.mean()
    variances, vectors = eigh(products, subset_by_index=(count - components, count - 1))
    if variances[0] <= FLAT**2 * max(scale, 0.0):
        return 0.0
    return hull(vectors * np.sqrt(variances))


def _residual(points: Floats, rows: Rows | None, inside: float) -> float:
    """Share of the squared distances from the mean that the basis does not see."""
    mean = mean_of(points, rows)
    total = sum(float(((block - mean) ** 2).sum()) for block in blocks(points, rows))
    count = len(points) if rows is None else len(rows)
    if total <= NOTHING * count * float(mean @ mean):
        return 1.0
    return float(np.clip(1.0 - inside / total, 0.0, 1.0))
