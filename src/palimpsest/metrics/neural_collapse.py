"""Metrics of docs/metrics.md §6: neural collapse of a language model's classes (NC1 to NC4).

Source: Wu & Papyan, "Linguistic Collapse" (NeurIPS 2024); NC1 as Galanti et al. (2021). A class
is a next-token id; its features are the final hidden states that predict it. Everything works on
class statistics (`palimpsest.lm.class_statistics` gathers them), nothing of size tokens × K or
K × K is ever held: pairs of classes are visited in tiles of ``TILE`` rows.

More neural collapse goes with lower validation loss: a lens, never by itself damage. Where it
cannot be measured (all means equal, one class) each number reads its worst value, as stated.

Known gap: squared distances between means come from products, so means closer than 1e-6 of their
size count as equal.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from palimpsest.core.errors import MetricError
from palimpsest.metrics.validation import WORST_RATIO, numbers

TILE = 2048
"""Rows of a tile of class pairs: 32 MB."""

EQUAL = 1e-12
"""Squared distance over squared norms below which two means are one."""

SHORTEST = 1e-6
"""Distance of unit rows below which its logarithm stops (−ln reads 13.8)."""

NO_ALIGNMENT = float(np.sqrt(2.0))
"""Error of the simplex expression when its two sides have nothing in common."""

Matrix = NDArray[np.float64]


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


def collapse_metrics(
    means: ArrayLike, variances: ArrayLike, weights: ArrayLike
) -> dict[str, float]:
    """Every one-pass metric of §6.

    Args:
        means: (K, d) class means, of classes that occur often enough.
        variances: (K,) mean squared distances to them.
        weights: (K, d) rows of the output embedding of the same classes.

    Returns:
        By name; see the function of each metric for its degenerate value.
    """
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
