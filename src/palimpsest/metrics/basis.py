"""The fixed basis of docs/metrics.md §1: principal components of human embeddings."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh

from palimpsest.core.errors import MetricError
from palimpsest.metrics.hull import FLAT, ROUNDING, hull
from palimpsest.metrics.spectrum import covariance, mean_of
from palimpsest.metrics.validation import Floats, blocks, embeddings

COMPONENTS = 3
"""Principal components of the fixed basis."""

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
    directions, variances, total = principal(checked, mean, components)
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


def principal(
    points: Floats, mean: NDArray[np.float64], components: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """The principal components of a cloud.

    Args:
        points: (n, d) embeddings.
        mean: theirs, (d,).
        components: k, how many are wanted.

    Returns:
        Directions (k, d), zeros where nothing lies; their variances (k,); the total variance.
    """
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
