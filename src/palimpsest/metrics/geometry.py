"""Metrics of docs/metrics.md §1: the Ainex family, how much room the texts take and where.

Source: M. Ainex, "The Ainex Limit" (2026). The basis is fitted once, on the human embeddings, and
every generation is looked at through it. Covariances divide by n − 1.

Known gaps: hull volumes are extreme-value statistics, they grow with n and with one outlier
(``volume_rarefied`` and ``spread`` are the companions that do not); more than ``PAIRS_LIMIT``
texts are subsampled for ``compression``; half-samples average ``HALF_DRAWS`` rarefied hulls.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh
from scipy.spatial.distance import pdist, squareform

from palimpsest.core.errors import MetricError
from palimpsest.core.rng import stream
from palimpsest.metrics.family import Reference, Rows, Sample
from palimpsest.metrics.hull import FLAT, ROUNDING, hull, thickness
from palimpsest.metrics.spectrum import covariance, mean_of
from palimpsest.metrics.validation import (
    WORST_RATIO,
    Floats,
    blocks,
    embeddings,
    same_dimension,
)

COMPONENTS = 3
"""Principal components of the fixed basis."""

RAREFIED_POINTS = 200
"""Points of a rarefied hull, at most half of the texts."""

RAREFIED_DRAWS = 64
"""Hulls averaged by ``volume_rarefied``."""

HALF_DRAWS = 4
"""Hulls averaged on a half-sample of the jackknife: the draws add 6 % to the standard error."""

PAIRS_LIMIT = 4000
"""Texts whose pairwise distances and products are held; more are subsampled for ``compression``."""

NOTHING = ROUNDING**2
"""Variance over squared scale below which a cloud is one point and rounding."""


@dataclass(frozen=True)
class Basis:
    """The fixed basis and what the human texts look like in it.

    ``mean`` (d,) and ``components`` (k, d) are the PCA of the human embeddings, with the largest
    entry of each component positive (a direction without any variance is a row of zeros);
    ``centre`` (k,) is the human mean in the basis; ``explained`` the share of variance the
    components carry; ``volume`` the human hull volume; ``variance`` the trace of the human
    covariance in the basis.
    """

    mean: NDArray[np.float64]
    components: NDArray[np.float64]
    centre: NDArray[np.float64]
    explained: float
    volume: float
    variance: float


@dataclass(frozen=True)
class Prepared:
    """One generation made ready for ``compute``: everything that half-samples share."""

    basis: Basis
    generated: Floats
    coordinates: NDArray[np.float64]
    products: NDArray[np.float64] | None
    pairs: Rows
    distances: NDArray[np.float64]
    apart: NDArray[np.float64] | None
    lam: float
    seed: int

    @property
    def count(self) -> int:
        """Number of texts."""
        return len(self.coordinates)

    def compute(self, rows: Rows | None = None) -> dict[str, float]:
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
        ainex = volume / (1.0 + self.lam * drift**2)
        kept = ainex / basis.volume if basis.volume > 0 else 0.0
        human_spread = float(np.sqrt(basis.variance))
        return {
            "volume": volume,
            "drift": drift,
            "dispersion": float(radii.mean()),
            "compression": _mean_distance(self, rows),
            "outlier": float(radii.max()),
            "ainex": ainex,
            "integrity": kept,
            "loss": 100.0 * (1.0 - kept),
            "volume_rarefied": _rarefied(self, points, whole=rows is None),
            "volume_refit": _refit(self, rows),
            "residual": _residual(self.generated, rows, float((radii**2).sum())),
            "spread": _spread(centred, points),
            "drift_relative": drift / human_spread if human_spread > 0 else WORST_RATIO,
            "explained": basis.explained,
        }


def fit_basis(human: ArrayLike, components: int = COMPONENTS) -> Basis:
    """Fits the fixed basis: PCA of the human embeddings.

    Args:
        human: (n, d) human embeddings, n >= 5.
        components: how many principal components, 3 in the published protocol.

    Returns:
        The basis. Texts that are all equal give components of zeros and ``explained`` 0.

    Raises:
        MetricError: ``human`` is not an array of finite numbers with 5 rows or more; no component.
    """
    checked = embeddings(human, "human")
    if components < 1:
        raise MetricError("components", wanted=">= 1", got=components)
    mean = mean_of(checked)
    directions, variances, total = _principal(checked, mean, components)
    explained = float(variances.sum() / total) if total > 0 else 0.0
    coordinates = project(checked, mean, directions)
    centre = coordinates.mean(axis=0)
    variance = float(((coordinates - centre) ** 2).sum() / (len(coordinates) - 1))
    volume = hull(coordinates)
    return Basis(mean, directions, centre, min(explained, 1.0), volume, variance)


def project(
    points: Floats, mean: NDArray[np.float64], components: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Coordinates (n, k) of ``points`` (n, d) in a basis, a block at a time."""
    return np.concatenate([(block - mean) @ components.T for block in blocks(points)])


def geometry_metrics(
    human: ArrayLike | Basis, generated: ArrayLike, lam: float = 1.0, seed: int = 0
) -> dict[str, float]:
    """Every metric of §1 for one generation.

    Args:
        human: (n, d) human embeddings, or the basis already fitted on them.
        generated: (m, d) embeddings of the texts to judge; m = n makes hull volumes comparable.
        lam: λ, the weight of the squared drift, >= 0.
        seed: for the draws of ``volume_rarefied``.

    Returns:
        ``volume``, ``drift``, ``dispersion``, ``compression``, ``outlier``, ``ainex``,
        ``integrity``, ``loss``, ``volume_rarefied``, ``volume_refit``, ``residual``, ``spread``,
        ``drift_relative``, ``explained``. Where all texts are equal: volumes, ``dispersion``,
        ``compression``, ``outlier``, ``spread`` and ``integrity`` 0, ``loss`` 100, ``residual``
        1. Where the human texts have no volume: ``integrity`` 0, ``loss`` 100; where they have
        no spread: ``drift_relative`` 1e9.

    Raises:
        MetricError: rows that are not finite (named), fewer than 5 texts, dimensions that
            differ, λ below 0.
    """
    basis = human if isinstance(human, Basis) else fit_basis(human)
    return prepare(basis, generated, lam, seed).compute()


def integrity(human: ArrayLike, generated: ArrayLike, lam: float = 1.0) -> dict[str, float]:
    """The §1 metrics of ``generated`` against ``human``: see ``geometry_metrics``."""
    return geometry_metrics(human, generated, lam)


def prepare(basis: Basis, generated: ArrayLike, lam: float = 1.0, seed: int = 0) -> Prepared:
    """Projects a generation and holds what ``compute`` needs for it and for its half-samples."""
    if not (np.isfinite(lam) and lam >= 0):
        raise MetricError("lam", wanted=">= 0", got=lam)
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
    return Prepared(
        basis, checked, coordinates, products, pairs, distances, apart, float(lam), seed
    )


class Geometry:
    """The Ainex family: hull, drift and their companions in the human basis."""

    def __init__(self, reference: Reference) -> None:
        self.basis, self.lam = fit_basis(reference.embeddings), reference.lam

    def prepare(self, sample: Sample) -> Prepared:
        """See `palimpsest.metrics.family.Family`."""
        return prepare(self.basis, sample.embeddings, self.lam)


def _principal(
    points: Floats, mean: NDArray[np.float64], components: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Directions (k, d), their variances (k,) and the total variance."""
    count, dims = points.shape
    kept = min(components, count, dims)
    if count > dims:
        matrix = covariance(points)
    else:
        centred = points.astype(np.float64) - mean
        matrix = centred @ centred.T / (count - 1)
    total, size = float(np.trace(matrix)), len(matrix)
    variances, vectors = eigh(matrix, subset_by_index=(size - kept, size - 1))
    variances, vectors = variances[::-1], vectors[:, ::-1].T
    if count <= dims:
        vectors = vectors @ centred
    directions = np.zeros((components, dims))
    # A direction without variance would be rounding noise: zeros say that nothing lies there.
    if total <= NOTHING * float(mean @ mean):
        return directions, np.zeros(components), 0.0
    real = variances > total * FLAT**2
    lengths = np.linalg.norm(vectors[real], axis=1, keepdims=True)
    unit = vectors[real] / lengths
    leading = np.take_along_axis(unit, np.abs(unit).argmax(axis=1)[:, None], axis=1)
    directions[: len(unit)] = unit * np.sign(leading)
    return directions, np.where(real, variances, 0.0), total


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
        return hull(project(own, mean, _principal(own, mean, components)[0]))
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
