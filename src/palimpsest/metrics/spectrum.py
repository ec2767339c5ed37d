"""Metrics of docs/metrics.md §2: how many directions the embeddings still use.

Also the blocked moments that the other families build on: sums are float64 over blocks of rows,
so a million float32 embeddings need no copy.

Known gap: ``intrinsic_dimension`` looks at ``NEIGHBOUR_TEXTS`` texts at the most, drawn with the
seed; a half-sample of the jackknife finds its neighbours among the ``NEIGHBOURS`` nearest.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from palimpsest.core.rng import stream
from palimpsest.metrics.family import Reference, Rows, Sample
from palimpsest.metrics.validation import (
    BLOCK_ROWS,
    Floats,
    blocks,
    embeddings,
    numbers,
)

NEIGHBOUR_TEXTS = 10_000
"""Texts among which nearest neighbours are looked for by TwoNN."""

NEIGHBOURS = 32
"""Nearest neighbours kept per text: half of them are gone in a half-sample, never all but one."""

PRODUCTS_LIMIT = 4000
"""Texts whose inner products are held for the half-samples: 128 MB."""

NOTHING = 1e-24
"""Variance over squared scale below which a cloud is one point and rounding."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Cloud:
    """Points (n, d), about a mean that is theirs (``centred``) or zero.

    ``products`` are their inner products (n, n) while n is small enough to hold them.
    """

    points: Floats
    products: Matrix | None
    centred: bool


@dataclass(frozen=True)
class Neighbours:
    """For each distinct text the positions and distances of its nearest distinct ones, sorted.

    ``distinct`` (n,) says which distinct text each text is, -1 for texts left out.
    """

    distinct: NDArray[np.int64]
    positions: NDArray[np.int64]
    distances: Matrix


@dataclass(frozen=True)
class Prepared:
    """One generation made ready for ``compute``."""

    cloud: Cloud
    neighbours: Neighbours

    @property
    def count(self) -> int:
        """Number of texts."""
        return len(self.cloud.points)

    def compute(self, rows: Rows | None = None) -> dict[str, float]:
        """The §2 metrics of all texts, or of the texts at positions ``rows`` (a half-sample)."""
        variances = eigenvalues(self.cloud, rows)
        points = self.cloud.points
        return {
            "effective_rank": effective_rank(variances),
            "participation_ratio": participation_ratio(variances),
            "intrinsic_dimension": two_nn(self.neighbours, rows),
            "anisotropy": mean_cosine(points if rows is None else points[rows]),
        }


def spectrum_metrics(generated: ArrayLike, seed: int = 0) -> dict[str, float]:
    """Every metric of §2 for one generation.

    Args:
        generated: (n, d) embeddings, n >= 5.
        seed: which texts TwoNN looks at when there are more than 10,000.

    Returns:
        ``effective_rank`` (Roy & Vetterli 2007) and ``participation_ratio``, 1 to d, down when
        collapsing; ``intrinsic_dimension`` (TwoNN, Facco 2017), >= 0, down; ``anisotropy``, −1 to
        1, up. Texts that are all equal give 1, 1, 0 and 1; a zero vector is parallel to all.

    Raises:
        MetricError: rows that are not finite (named), fewer than 5 texts.
    """
    return prepare(generated, seed).compute()


def prepare(generated: ArrayLike, seed: int = 0) -> Prepared:
    """Holds the inner products and neighbours that half-samples share."""
    checked = embeddings(generated, "generated")
    return Prepared(cloud_of(checked), neighbours_of(checked, seed))


def effective_rank(variances: ArrayLike) -> float:
    """Exponential of a spectrum's entropy: 1 (one direction, or nothing) to its length."""
    values = numbers(variances, "variances")
    values = values[values > 0]
    if not len(values):
        return 1.0
    shares = values / values.sum()
    shares = shares[shares > 0]
    return float(np.exp(-(shares * np.log(shares)).sum()))


def participation_ratio(variances: ArrayLike) -> float:
    """(Σλ)² / Σλ² of a spectrum >= 0: 1 (one direction, or nothing) to its length."""
    values = numbers(variances, "variances")
    largest = values.max(initial=0.0)
    if largest <= 0:
        return 1.0
    scaled = values / largest
    return float(scaled.sum() ** 2 / (scaled**2).sum())


def two_nn(neighbours: Neighbours, rows: Rows | None = None) -> float:
    """Intrinsic dimension: m / Σ ln(r2/r1) over the m distinct points with 0 < r1 < r2.

    Facco et al. (2017), maximum likelihood. 0 without any such point.
    """
    distances = neighbours.distances
    if distances.shape[1] < 2:
        return 0.0
    if rows is None:
        near = distances[:, :2]
    else:
        kept = neighbours.distinct[rows]
        present = np.zeros(len(distances), dtype=bool)
        present[kept[kept >= 0]] = True
        there = present[neighbours.positions[present]]
        rank = np.cumsum(there, axis=1)
        enough = rank[:, -1] >= 2
        columns = np.stack([(rank >= 1).argmax(axis=1), (rank >= 2).argmax(axis=1)], axis=1)
        near = np.take_along_axis(distances[present], columns, axis=1)[enough]
    near = near[(near[:, 0] > 0) & (near[:, 0] < near[:, 1])]
    return float(len(near) / np.log(near[:, 1] / near[:, 0]).sum()) if len(near) else 0.0


def mean_cosine(points: Floats) -> float:
    """Mean cosine over pairs of rows, −1/(n−1) to 1; a zero row counts as parallel to all.

    Exact over all pairs in one pass: ‖Σu‖² = n + 2 Σ cos for unit rows u. 1 for a single row.
    """
    total, zeros = np.zeros(points.shape[1]), 0
    for block in blocks(points):
        lengths = np.sqrt((block**2).sum(axis=1))
        zeros += int((lengths == 0).sum())
        total += (block / np.where(lengths > 0, lengths, 1.0)[:, None]).sum(axis=0)
    count = len(points)
    if count < 2:
        return 1.0
    real = count - zeros
    pairs = float(total @ total) - real + count * (count - 1) - real * (real - 1)
    return min(pairs / (count * (count - 1)), 1.0)


def mean_of(array: Floats, rows: Rows | None = None) -> Matrix:
    """The mean row, (d,), summed in float64 a block at a time."""
    count = len(array) if rows is None else len(rows)
    total = np.zeros(array.shape[1])
    for block in blocks(array, rows):
        total += block.sum(axis=0)
    return total / count


def covariance(array: Floats, rows: Rows | None = None) -> Matrix:
    """The sample covariance (divided by n − 1), (d, d), in two passes of blocks."""
    count = len(array) if rows is None else len(rows)
    return second_moment(array, mean_of(array, rows), rows) * (count / max(count - 1, 1))


def second_moment(array: Floats, about: Matrix, rows: Rows | None = None) -> Matrix:
    """Mean outer product of the rows about a point, (d, d)."""
    count = len(array) if rows is None else len(rows)
    total = np.zeros((array.shape[1], array.shape[1]))
    for block in blocks(array, rows):
        moved = block - about
        total += moved.T @ moved
    return total / count


def cloud_of(points: Floats, centred: bool = True) -> Cloud:
    """Holds the inner products while there are at most 4,000 points."""
    products = None
    if len(points) <= PRODUCTS_LIMIT:
        moved = points.astype(np.float64)
        if centred:
            moved -= mean_of(points)
        products = moved @ moved.T
    return Cloud(points, products, centred)


def eigenvalues(cloud: Cloud, rows: Rows | None = None) -> Matrix:
    """Eigenvalues >= 0 of the covariance (n − 1), or of the second moment (n) if not centred.

    From whichever is smaller, (n, n) products or the (d, d) matrix; the rest are zeros and left
    out. All zeros when the points are one point to within rounding.
    """
    points, count = cloud.points, len(cloud.points) if rows is None else len(rows)
    if cloud.products is None or count > points.shape[1]:
        own = points if rows is None else points[rows]
        about = mean_of(own) if cloud.centred else np.zeros(points.shape[1])
        matrix = second_moment(own, about)
        scale = float(np.trace(matrix) + about @ about)
    else:
        matrix = cloud.products if rows is None else cloud.products[np.ix_(rows, rows)]
        # Products are about the whole cloud's mean; the texts' own size is the scale of rounding.
        first = points[0].astype(np.float64)
        scale = float(np.trace(matrix)) / count + float(first @ first)
        if cloud.centred:
            marginal = matrix.mean(axis=0)
            matrix = matrix - marginal - marginal[:, None] + marginal.mean()
        matrix = matrix / count
    if float(np.trace(matrix)) <= NOTHING * scale:
        return np.zeros(len(matrix))
    values: Matrix = np.clip(np.linalg.eigvalsh(matrix), 0.0, None)
    if cloud.centred:
        values *= count / max(count - 1, 1)
    return values


def neighbours_of(points: Floats, seed: int = 0) -> Neighbours:
    """Nearest distinct neighbours of the distinct points, among 10,000 points at the most."""
    count = len(points)
    looked_at = np.arange(count)
    if count > NEIGHBOUR_TEXTS:
        rng = stream(seed, "spectrum.neighbours")
        looked_at = np.sort(rng.choice(count, NEIGHBOUR_TEXTS, replace=False))
    chosen = points[looked_at].astype(np.float64)
    unique, inverse = np.unique(chosen, axis=0, return_inverse=True)
    distinct = np.full(count, -1, dtype=np.int64)
    distinct[looked_at] = inverse.ravel()
    kept = min(NEIGHBOURS, len(unique) - 1)
    positions = np.empty((len(unique), kept), dtype=np.int64)
    distances = np.empty((len(unique), kept))
    moved = unique - unique.mean(axis=0)
    norms = (moved**2).sum(axis=1)
    step = max(1, BLOCK_ROWS // 8)
    for start in range(0, len(unique) if kept else 0, step):
        part = slice(start, start + step)
        squared = norms[part, None] + norms - 2.0 * moved[part] @ moved.T
        own = np.arange(len(squared))
        squared[own, own + start] = np.inf
        near = np.argpartition(squared, kept - 1, axis=1)[:, :kept]
        # The product form loses near-equal points to rounding: measure the few again, exactly.
        exact = np.stack([np.linalg.norm(moved[near[i]] - moved[start + i], axis=1) for i in own])
        order = np.argsort(exact, axis=1, kind="stable")
        positions[part] = np.take_along_axis(near, order, axis=1)
        distances[part] = np.take_along_axis(exact, order, axis=1)
    return Neighbours(distinct, positions, distances)


class Spectrum:
    """The spectrum of the embeddings' covariance."""

    def __init__(self, reference: Reference) -> None:
        del reference  # a sample's spectrum is its own

    def prepare(self, sample: Sample) -> Prepared:
        """See `palimpsest.metrics.family.Family`."""
        return prepare(sample.embeddings)
