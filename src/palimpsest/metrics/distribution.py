"""Metrics of docs/metrics.md §3: how far a generation's embeddings are from the human ones.

Conventions where sources differ: covariances divide by n − 1; the RBF kernel is
exp(−d²/2σ²) with σ the median distance over human pairs; the energy distance is the V-statistic
2E‖X−Y‖ − E‖X−X'‖ − E‖Y−Y'‖ (no root), >= 0, hence with a bias of order 1/n; balls are open and a
text is not its own neighbour, as in the reference code of precision and recall (``prdc``).

Known gaps: all but ``frechet`` and ``vendi`` look at ``PAIRS_LIMIT`` texts at the most, drawn with
the seed (``nearest_human`` at all human texts). The optional ``mauve`` is not computed here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from palimpsest.core.rng import stream
from palimpsest.metrics.family import Reference, Rows, Sample
from palimpsest.metrics.spectrum import (
    PRODUCTS_LIMIT,
    Cloud,
    cloud_of,
    covariance,
    effective_rank,
    eigenvalues,
    mean_of,
)
from palimpsest.metrics.validation import (
    BLOCK_ROWS,
    Floats,
    blocks,
    embeddings,
    same_dimension,
)

NEAREST = 5
"""k of precision, recall, density and coverage."""

PAIRS_LIMIT = 4000
"""Texts of either side whose pairwise distances are held: 128 MB a matrix."""

ROUNDING = 1e-13
"""Squared distance over squared norms below which two points are one."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class ReferenceCloud:
    """The human corpus, made ready once for every generation and null sample.

    ``points`` all human embeddings, ``subset`` at most 4,000 of them about ``mean``, ``root`` the
    square root of their covariance and ``variance`` its trace, ``radii`` the distance of each of
    the subset to its 5th neighbour, ``bandwidth`` σ of the kernel; ``kernel_mean`` (over pairs)
    and ``distance_mean`` (over all ordered pairs, self included) of the subset with itself.
    """

    points: Floats
    subset: Matrix
    mean: Matrix
    root: Matrix
    variance: float
    radii: Matrix
    bandwidth: float
    kernel_mean: float
    distance_mean: float


@dataclass(frozen=True)
class Prepared:
    """One generation made ready for ``compute``.

    Per text of ``subset`` (positions): ``kernel_human`` and ``distance_human`` means over human
    texts, ``balls`` human balls that it lies in, ``nearest`` cosine to the nearest human text.
    """

    reference: ReferenceCloud
    generated: Floats
    rotated: Cloud
    units: Cloud
    subset: Rows
    within: Matrix
    kernel: Matrix
    across: Matrix
    kernel_human: Matrix
    distance_human: Matrix
    balls: Matrix
    nearest: Matrix

    @property
    def count(self) -> int:
        """Number of texts."""
        return len(self.generated)

    def compute(self, rows: Rows | None = None) -> dict[str, float]:
        """The §3 metrics of all texts, or of the texts at positions ``rows`` (a half-sample)."""
        reference, chosen = self.reference, _chosen(self, rows)
        count, mask = int(chosen.sum()), chosen.astype(np.float64)
        across = self.across[chosen]
        kernel = (mask @ (self.kernel @ mask) - count) / max(count * (count - 1), 1)
        distance = mask @ (self.within @ mask) / max(count**2, 1)
        radii = _radii(self.within[np.ix_(chosen, chosen)])
        # One point inside the human cloud would be perfectly precise: a collapse is not.
        apart = float(distance > 0)
        balls = apart * self.balls[chosen]
        return {
            "frechet": _frechet(self, rows),
            "mmd2": float(kernel + reference.kernel_mean - 2 * self.kernel_human[chosen].mean()),
            "energy": max(
                float(2 * self.distance_human[chosen].mean() - distance - reference.distance_mean),
                0.0,
            ),
            "precision": float((balls > 0).mean()),
            "recall": float((across < radii[:, None]).any(axis=0).mean()),
            "density": float(balls.mean() / NEAREST),
            "coverage": float((across.min(axis=0) < reference.radii).mean()),
            "vendi": effective_rank(eigenvalues(self.units, rows)),
            "nearest_human": float(self.nearest[chosen].mean()),
        }


def distribution_metrics(
    human: ArrayLike | ReferenceCloud, generated: ArrayLike, seed: int = 0
) -> dict[str, float]:
    """Every metric of §3 for one generation.

    Args:
        human: (m, d) human embeddings, or the ``ReferenceCloud`` made of them.
        generated: (n, d) embeddings of the texts to judge.
        seed: which texts are looked at when there are more than 4,000.

    Returns:
        ``frechet``, ``mmd2``, ``energy`` (0 when equal, up when collapsing; ``mmd2`` may be
        slightly negative), ``precision``, ``recall``, ``coverage`` (0 to 1), ``density`` (>= 0),
        ``vendi`` (1 to n), down when collapsing, though precision and density only fall when the
        texts leave the human ones; ``nearest_human`` (−1 to 1) falls then too and has no best
        value, 1 is copying. Texts that are all equal give ``precision``, ``recall`` and
        ``density`` 0, wherever they lie, and ``vendi`` 1.

    Raises:
        MetricError: rows that are not finite (named), fewer than 5 texts, dimensions that differ.
    """
    reference = human if isinstance(human, ReferenceCloud) else prepare_reference(human, seed)
    return prepare(reference, generated, seed).compute()


def prepare_reference(human: ArrayLike, seed: int = 0) -> ReferenceCloud:
    """Everything about the human corpus that no generation changes."""
    points = embeddings(human, "human")
    mean = mean_of(points)
    cov = covariance(points)
    variances, vectors = np.linalg.eigh(cov)
    root = (vectors * np.sqrt(np.clip(variances, 0.0, None))) @ vectors.T
    subset = points[_subset(len(points), seed, "human")].astype(np.float64) - mean
    squared = _squared(subset, subset)
    np.fill_diagonal(squared, 0.0)
    distances = np.sqrt(squared)
    count = len(subset)
    bandwidth = _bandwidth(distances)
    kernel = np.exp(squared / (-2.0 * bandwidth**2))
    return ReferenceCloud(
        points=points,
        subset=subset,
        mean=mean,
        root=root,
        variance=float(np.trace(cov)),
        radii=_radii(distances),
        bandwidth=bandwidth,
        kernel_mean=float((kernel.sum() - count) / (count * (count - 1))),
        distance_mean=float(distances.mean()),
    )


def prepare(reference: ReferenceCloud, generated: ArrayLike, seed: int = 0) -> Prepared:
    """Holds the distances, kernels and products that half-samples share."""
    points = embeddings(generated, "generated")
    same_dimension(reference.points, points)
    subset = _subset(len(points), seed, "generated")
    own = points[subset].astype(np.float64) - reference.mean
    within = _squared(own, own)
    np.fill_diagonal(within, 0.0)
    across = _squared(own, reference.subset)
    scale = -2.0 * reference.bandwidth**2
    distances = np.sqrt(across)
    units = _units(points)
    return Prepared(
        reference=reference,
        generated=points,
        rotated=cloud_of(_rotated(points, reference)),
        units=cloud_of(units, centred=False),
        subset=subset,
        within=np.sqrt(within),
        kernel=np.exp(within / scale),
        across=distances,
        kernel_human=np.exp(across / scale).mean(axis=1),
        distance_human=distances.mean(axis=1),
        balls=(distances < reference.radii).sum(axis=1).astype(np.float64),
        nearest=_nearest(units[subset], reference.points),
    )


class Distribution:
    """Distances between two clouds of embeddings."""

    def __init__(self, reference: Reference) -> None:
        self.reference = prepare_reference(reference.embeddings)

    def prepare(self, sample: Sample) -> Prepared:
        """See `palimpsest.metrics.family.Family`."""
        return prepare(self.reference, sample.embeddings)


def _chosen(prepared: Prepared, rows: Rows | None) -> NDArray[np.bool_]:
    """Which texts of the subset a half-sample holds: at least one, the first if need be."""
    if rows is None:
        return np.ones(len(prepared.subset), dtype=bool)
    present = np.zeros(len(prepared.generated), dtype=bool)
    present[rows] = True
    chosen = present[prepared.subset]
    chosen[0] |= not chosen.any()
    return chosen


def _frechet(prepared: Prepared, rows: Rows | None) -> float:
    """Squared Fréchet distance of the two normal distributions with these moments."""
    points, reference = prepared.generated, prepared.reference
    count = len(points) if rows is None else len(rows)
    mean = mean_of(points, rows)
    total = sum(float(((block - mean) ** 2).sum()) for block in blocks(points, rows))
    shared = eigenvalues(prepared.rotated, rows)
    # The root would turn rounding of 1e-16 into 1e-8, once for every empty direction.
    shared = shared[shared > shared.max() * 1e-14]
    gap = mean - reference.mean
    variances = total / max(count - 1, 1) + reference.variance
    return max(float(gap @ gap + variances - 2.0 * np.sqrt(shared).sum()), 0.0)


def _rotated(points: Floats, reference: ReferenceCloud) -> Floats:
    """Points times the root of the human covariance: their covariance is Σ₀^½ Σ Σ₀^½."""
    parts = [(block - reference.mean) @ reference.root for block in blocks(points)]
    return np.concatenate([part.astype(_kept(points), copy=False) for part in parts])


def _units(points: Floats) -> Floats:
    """Rows of length one (zero rows stay), in the precision worth keeping."""
    parts = []
    for block in blocks(points):
        lengths = np.sqrt((block**2).sum(axis=1, keepdims=True))
        parts.append((block / np.where(lengths > 0, lengths, 1.0)).astype(_kept(points)))
    return np.concatenate(parts)


def _kept(points: Floats) -> type[np.float32] | type[np.float64]:
    """A large float32 corpus stays float32, half the memory; everything else is float64."""
    large = len(points) > PRODUCTS_LIMIT and points.dtype == np.float32
    return np.float32 if large else np.float64


def _subset(count: int, seed: int, side: str) -> Rows:
    if count <= PAIRS_LIMIT:
        return np.arange(count)
    rng = stream(seed, f"distribution.{side}")
    return np.sort(rng.choice(count, PAIRS_LIMIT, replace=False))


def _squared(a: Matrix, b: Matrix) -> Matrix:
    """Squared distances (len(a), len(b)); equal rows are at distance 0, not at its rounding."""
    size_a, size_b = (a**2).sum(axis=1)[:, None], (b**2).sum(axis=1)
    squared = a @ b.T
    squared *= -2.0
    squared += size_a
    squared += size_b
    squared[squared <= ROUNDING * (size_a + size_b)] = 0.0
    return np.asarray(squared, dtype=np.float64)


def _radii(distances: Matrix) -> Matrix:
    """Distance of every point to its 5th neighbour (the farthest, where there are fewer)."""
    rank = min(NEAREST, len(distances) - 1)
    return np.asarray(np.partition(distances, rank, axis=1)[:, rank])


def _bandwidth(distances: Matrix) -> float:
    """The median distance over pairs; their mean where the median is 0, and 1 where that is."""
    pairs = distances[np.triu_indices(len(distances), 1)]
    return float(np.median(pairs)) or float(pairs.mean()) or 1.0


def _nearest(units: Floats, human: Floats) -> Matrix:
    best = np.full(len(units), -np.inf)
    own = units.astype(np.float64)
    for start in range(0, len(human), BLOCK_ROWS // 4):
        block = _units(human[start : start + BLOCK_ROWS // 4]).astype(np.float64)
        np.maximum(best, (own @ block.T).max(axis=1), out=best)
    return np.asarray(np.clip(best, -1.0, 1.0))
