"""Metrics of docs/metrics.md §6: neural collapse of a language model's classes (NC1 to NC4).

Source: Wu & Papyan, "Linguistic Collapse" (NeurIPS 2024); NC1 as Galanti et al. (2021). A class
is a next-token id; its features are the final hidden states that predict it. Everything works on
class statistics that are merged from passes over tokens, nothing of size tokens × K or K × K is
ever held: pairs of classes are visited in tiles of ``TILE`` rows.

More neural collapse goes with lower validation loss: a lens, never by itself damage. Where it
cannot be measured (all means equal, one class) each number reads its worst value, as stated.

Known gap: squared distances between means come from products, so means closer than 1e-6 of their
size count as equal.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from palimpsest.errors import MetricError
from palimpsest.metrics.validation import WORST_RATIO, numbers

TILE = 2048
"""Rows of a tile of class pairs: 32 MB."""

TOKENS_TILE = 256
"""Tokens compared with all classes at a time."""

EQUAL = 1e-12
"""Squared distance over squared norms below which two means are one."""

SHORTEST = 1e-6
"""Distance of unit rows below which its logarithm stops (−ln reads 13.8)."""

NO_ALIGNMENT = float(np.sqrt(2.0))
"""Error of the simplex expression when its two sides have nothing in common."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class ClassStatistics:
    """Counts (K,), means (K, d) and mean squared distances to the mean (K,) of K classes.

    A class that never occurs has count, mean and variance 0.
    """

    counts: NDArray[np.int64]
    means: Matrix
    variances: Matrix

    def merged(self, other: "ClassStatistics") -> "ClassStatistics":
        """The statistics of both passes together (the parallel form of Chan et al. 1979).

        Raises:
            MetricError: the two have different classes or dimensions.
        """
        if self.means.shape != other.means.shape:
            raise MetricError("statistics", wanted=self.means.shape, got=other.means.shape)
        counts = self.counts + other.counts
        share = other.counts / np.maximum(counts, 1)
        gap = other.means - self.means
        means = self.means + share[:, None] * gap
        spread = (gap**2).sum(axis=1)
        variances = (1 - share) * self.variances + share * other.variances
        variances += share * (1 - share) * spread
        return ClassStatistics(counts, means, variances)

    def at_least(self, min_count: int) -> tuple["ClassStatistics", NDArray[np.int64]]:
        """The classes with ``min_count`` occurrences or more, and their ids."""
        kept = np.flatnonzero(self.counts >= max(min_count, 1))
        return ClassStatistics(self.counts[kept], self.means[kept], self.variances[kept]), kept


def class_statistics(features: ArrayLike, labels: ArrayLike, num_classes: int) -> ClassStatistics:
    """Counts, means and variances of the classes of one batch of features.

    Args:
        features: (n, d) hidden states.
        labels: (n,) class of each, 0 to num_classes − 1.
        num_classes: K.

    Returns:
        ``.counts`` (K,), ``.means`` (K, d), ``.variances`` (K,): mean ‖h − μ_c‖², in memory
        O(n + K·d). Batches are joined with ``merged``.

    Raises:
        MetricError: features not finite (rows named), labels out of range or of another length.
    """
    h, ids = numbers(features, "features", ndim=2), np.asarray(labels)
    if ids.shape != (len(h),) or not np.issubdtype(ids.dtype, np.integer):
        raise MetricError("labels", wanted=f"{len(h)} whole numbers", got=f"shape {ids.shape}")
    if len(ids) and (ids.min() < 0 or ids.max() >= num_classes):
        raise MetricError("labels", wanted=f"0 to {num_classes - 1}", got=[ids.min(), ids.max()])
    counts = np.bincount(ids, minlength=num_classes).astype(np.int64)
    order = np.argsort(ids, kind="stable")
    present, starts = np.unique(ids[order], return_index=True)
    means, variances = np.zeros((num_classes, h.shape[1])), np.zeros(num_classes)
    if len(present):
        means[present] = np.add.reduceat(h[order], starts, axis=0) / counts[present, None]
        squares = ((h - means[ids]) ** 2).sum(axis=1)
        totals = np.bincount(ids, weights=squares, minlength=num_classes)
        variances = np.asarray(totals / np.maximum(counts, 1), dtype=np.float64)
    return ClassStatistics(counts, means, variances)


def cdnv(means: ArrayLike, variances: ArrayLike, exponent: int = 1) -> float:
    """Class-distance normalised variance, NC1: mean of (σ²_c+σ²_c')/(2 ‖μ_c−μ_c'‖^(2·exponent)).

    Args:
        means: (K, d) class means.
        variances: (K,) mean squared distances to them.
        exponent: 1 as Galanti et al. (2021), 2 as in the paper's table (``nc1_cdnv_squared``).

    Returns:
        >= 0, 0 when neural collapse is perfect. A pair is at most 1e9, which is what equal means
        and fewer than two classes read.

    Raises:
        MetricError: numbers not finite or negative variances, shapes that differ, an exponent < 1.
    """
    return _cdnv(means, variances, (exponent,))[0]


def equinorm(means: ArrayLike) -> float:
    """NC2: coefficient of variation (std / mean, dividing by K) of ‖μ_c − μ_G‖.

    Returns:
        0 (perfect) to √(K−1), which equal means read; 1 for a single class.
    """
    lengths = np.linalg.norm(_centred(means)[0], axis=1)
    if not lengths.any():
        return float(np.sqrt(max(len(lengths) - 1, 1)))
    return float(lengths.std() / lengths.mean())


def equinorm_log(means: ArrayLike) -> float:
    """NC2: variance (dividing by K) of ln ‖μ_c − μ_G‖, 0 when perfect.

    Lengths below 1e-6 of the longest count as that; equal means read the largest value there is
    then, (ln 1e6)² / 4 = 47.7.
    """
    lengths = np.linalg.norm(_centred(means)[0], axis=1)
    if not lengths.any():
        return float(np.log(SHORTEST) ** 2 / 4.0)
    return float(np.log(np.maximum(lengths / lengths.max(), SHORTEST)).var())


def etf_error(means: ArrayLike) -> float:
    """NC2: ‖MMᵀ/‖MMᵀ‖_F + 11ᵀ/(K√(K−1)) − I/√(K−1)‖_F, M the centred means.

    Returns:
        0 (the means form a simplex equiangular tight frame) to √2, which equal means and a single
        class read. In memory O(d²): the norm is expanded, exact to about 1e-8.
    """
    centred, _ = _centred(means)
    return _simplex_error(centred, centred)


def dual_error(weights: ArrayLike, means: ArrayLike) -> float:
    """NC3: the expression of ``etf_error`` with W Mᵀ, W (K, d) the rows of the output embedding.

    Returns:
        0 (perfect) to 2; √2 where nothing aligns, as for equal means or zero weights.
    """
    centred, rows = _centred(means, weights)
    return _simplex_error(rows, centred)


def log_kernel(means: ArrayLike) -> tuple[float, float]:
    """GNC2: mean and variance over pairs of −ln‖m̃_c − m̃_c'‖, m̃ the unit rows of M.

    Returns:
        (mean, variance); a variance of 0 is perfect. Unit rows closer than 1e-6 count as that.
        Equal means and a single class read (13.8, 52.6): the largest mean, and the largest
        variance that values between −ln 2 and 13.8 can have.
    """
    centred, _ = _centred(means)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    pairs, total, squares = len(centred) * (len(centred) - 1) // 2, 0.0, 0.0
    highest, lowest = -float(np.log(SHORTEST)), -float(np.log(2.0))
    if not lengths.any() or not pairs:
        return highest, (highest - lowest) ** 2 / 4.0
    unit = centred / np.where(lengths > 0, lengths, 1.0)
    # Summed about the value of a perfect simplex: the variance is small beside the mean.
    centre = -0.5 * float(np.log(2.0))
    for (rows, columns), squared in _pair_tiles(unit):
        kernel = -0.5 * np.log(np.maximum(squared, SHORTEST**2)) - centre
        kernel = _upper(kernel, rows, columns)
        total += kernel.sum()
        squares += (kernel**2).sum()
    mean = total / pairs
    return float(mean + centre), float(max(squares / pairs - mean**2, 0.0))


def uniform_duality(weights: ArrayLike, means: ArrayLike) -> float:
    """UNC3: variance over classes of cos(w_c, μ_c − μ_G).

    Returns:
        0 (perfect) to 1, which equal means or zero weights read; a single zero row has cosine 0.
    """
    centred, rows = _centred(means, weights)
    lengths = np.linalg.norm(centred, axis=1) * np.linalg.norm(rows, axis=1)
    if not lengths.any():
        return 1.0
    cosines = (centred * rows).sum(axis=1) / np.where(lengths > 0, lengths, 1.0)
    return float(cosines.var())


class CentreAgreement:
    """NC4, the second pass: how often the classifier agrees with the nearest class mean.

    ``value`` is the share of tokens for which argmax_c ⟨w_c, h⟩ = argmin_c ‖h − μ_c‖, both over
    the K classes given: ``weights`` (K, d) of the output embedding, ``means`` of the first pass.
    """

    def __init__(self, weights: ArrayLike, means: ArrayLike) -> None:
        self.means = _classes(means)
        self.weights = _weights(weights, self.means)
        self._centre = self.means.mean(axis=0)
        self._moved = self.means - self._centre
        self._offsets = (self._moved**2).sum(axis=1) / 2.0
        self.agreed, self.tokens = 0, 0

    def update(self, features: ArrayLike) -> None:
        """Counts the agreements of a batch (n, d); ties agree with nothing."""
        h = numbers(features, "features", ndim=2, columns=self.means.shape[1])
        for start in range(0, len(h), TOKENS_TILE):
            part = h[start : start + TOKENS_TILE]
            classified = _winner(part @ self.weights.T)
            # ‖h − μ‖² is least where ⟨h, μ⟩ − ‖μ‖²/2 is largest.
            nearest = _winner((part - self._centre) @ self._moved.T - self._offsets)
            self.agreed += int(((classified == nearest) & (classified >= 0)).sum())
            self.tokens += len(part)

    @property
    def value(self) -> float:
        """``nc4_agreement``, 0 to 1 (perfect); 0 for no token, a single class or equal means."""
        return self.agreed / self.tokens if self.tokens else 0.0


def collapse_card(statistics: ClassStatistics, weights: ArrayLike) -> dict[str, float]:
    """Every one-pass metric of §6, for classes that occur often enough (``at_least``) and the
    (K, d) rows of the output embedding of the same classes.
    """
    means, variances = statistics.means, statistics.variances
    mean, variance = log_kernel(means)
    plain, squared = _cdnv(means, variances, (1, 2))
    return {
        "nc1_cdnv": plain,
        "nc1_cdnv_squared": squared,
        "nc2_equinorm": equinorm(means),
        "nc2_equinorm_log": equinorm_log(means),
        "nc2_etf_error": etf_error(means),
        "gnc2_log": variance,
        "gnc2_log_mean": mean,
        "nc3_dual_error": dual_error(weights, means),
        "unc3": uniform_duality(weights, means),
    }


def _cdnv(means: ArrayLike, variances: ArrayLike, exponents: tuple[int, ...]) -> list[float]:
    """CDNV with several exponents in one pass over the pairs."""
    mu, sigma = _classes(means), numbers(variances, "variances")
    if len(sigma) != len(mu) or (sigma < 0).any():
        raise MetricError("variances", wanted=f"{len(mu)} numbers >= 0", got=sigma.shape)
    if min(exponents) < 1:
        raise MetricError("exponent", wanted=">= 1", got=min(exponents))
    pairs = len(mu) * (len(mu) - 1) // 2
    if not pairs:
        return [WORST_RATIO] * len(exponents)
    totals = np.zeros(len(exponents))
    for (rows, columns), squared in _pair_tiles(mu - mu.mean(axis=0)):
        spread = (sigma[rows, None] + sigma[columns]) / 2.0
        for index, exponent in enumerate(exponents):
            power = squared**exponent
            # Equal means, and pairs beyond the largest ratio, read the largest ratio.
            within = spread < WORST_RATIO * power
            ratio = np.divide(spread, power, out=np.full_like(power, WORST_RATIO), where=within)
            totals[index] += _upper(ratio, rows, columns).sum()
    return [float(total) for total in totals / pairs]


def _classes(means: ArrayLike) -> Matrix:
    mu = numbers(means, "means", ndim=2)
    if not len(mu) or not mu.shape[1]:
        raise MetricError("means", wanted="at least one class and one dimension", got=mu.shape)
    return mu


def _weights(weights: ArrayLike, means: Matrix) -> Matrix:
    rows = numbers(weights, "weights", ndim=2)
    if rows.shape != means.shape:
        raise MetricError("weights", wanted=f"shape {means.shape}, as means", got=rows.shape)
    return rows


def _centred(means: ArrayLike, weights: ArrayLike | None = None) -> tuple[Matrix, Matrix]:
    """Means about their unweighted mean, all zero where they are equal; and the checked weights."""
    mu = _classes(means)
    rows = mu if weights is None else _weights(weights, mu)
    centre = mu.mean(axis=0)
    centred = mu - centre
    size = (centred**2).sum(axis=1)
    size[size <= EQUAL**2 * float(centre @ centre)] = 0.0
    return centred * (size > 0)[:, None], rows


def _simplex_error(left: Matrix, right: Matrix) -> float:
    classes = len(left)
    scale = float(np.sqrt(max(((left.T @ left) * (right.T @ right)).sum(), 0.0)))
    if classes < 2 or scale == 0.0:
        return NO_ALIGNMENT
    # With A = LRᵀ/‖LRᵀ‖ the squared norm is 2 + 2⟨A, 11ᵀ⟩/(K√(K−1)) − 2 tr A/√(K−1).
    everything = float(left.sum(axis=0) @ right.sum(axis=0)) / scale
    trace = float((left * right).sum()) / scale
    squared = 2.0 + 2.0 * (everything / classes - trace) / np.sqrt(classes - 1)
    return float(np.sqrt(max(squared, 0.0)))


def _pair_tiles(points: Matrix) -> Iterator[tuple[tuple[slice, slice], Matrix]]:
    """Squared distances of all pairs, in tiles on and above the diagonal; equal points give 0."""
    size = (points**2).sum(axis=1)
    for top in range(0, len(points), TILE):
        rows = slice(top, top + TILE)
        for left in range(top, len(points), TILE):
            columns = slice(left, left + TILE)
            squared = points[rows] @ points[columns].T
            squared *= -2.0
            scale = size[rows, None] + size[columns]
            squared += scale
            squared[squared <= EQUAL * scale] = 0.0
            yield (rows, columns), squared


def _upper(tile: Matrix, rows: slice, columns: slice) -> Matrix:
    """The values of a tile that belong to pairs c < c'."""
    return tile[np.triu_indices(len(tile), 1)] if rows == columns else tile


def _winner(scores: Matrix) -> NDArray[np.int64]:
    """Position of each row's largest score, −1 where it is shared to within rounding."""
    best = scores.argmax(axis=1)
    top = scores[np.arange(len(scores)), best]
    room = EQUAL * np.abs(scores).max(axis=1, initial=0.0)
    alone = (scores >= (top - room)[:, None]).sum(axis=1) == 1
    return np.where(alone & (scores.shape[1] > 1), best, -1)
