"""Metrics of docs/metrics.md §6, word geometry: do near-synonyms stay apart, do others entangle?

On rows of the output embedding: ``crowding``, ``entanglement``. On hidden states at the slot of
carrier sentences: ``synonym_gap``, ``synonym_separation``. Which words and carriers, and skipping
words that a vocabulary lacks, is the caller's part.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from palimpsest.core.errors import MetricError
from palimpsest.metrics.spectrum import mean_cosine
from palimpsest.metrics.validation import numbers, whole

TILE = 2048
"""Rows compared with all others at a time."""

CLEARLY = 1e-9
"""Relative margin by which a centroid must be nearer, so that rounding separates nothing."""

Matrix = NDArray[np.float64]


def crowding(rows: ArrayLike) -> float:
    """Mean cosine of each row to its nearest other row.

    Args:
        rows: (K, d) output embedding rows of the words, K >= 2.

    Returns:
        −1 to 1, up when words crowd; 1 where all rows are equal. A zero row has no direction of
        its own and counts as equal to any other.

    Raises:
        MetricError: fewer than two rows, numbers that are not finite (named).
    """
    units = _units(_words(rows))
    none = ~units.any(axis=1)
    nearest = np.empty(len(units))
    for start in range(0, len(units), TILE):
        cosines = units[start : start + TILE] @ units.T
        cosines[:, none] = 1.0
        own = np.arange(len(cosines))
        cosines[own, own + start] = -np.inf
        nearest[start : start + TILE] = cosines.max(axis=1)
    nearest[none] = 1.0
    return float(np.minimum(nearest, 1.0).mean())


def entanglement(rows: ArrayLike) -> float:
    """Mean cosine over pairs of rows: what random pairs estimate, taken over all of them.

    Returns:
        −1/(K−1) to 1, up when unrelated words get entangled; 1 where all rows are equal. A zero
        row counts as parallel to every other.

    Raises:
        MetricError: fewer than two rows, numbers that are not finite (named).
    """
    return mean_cosine(_words(rows))


def synonym_gap(states: ArrayLike, groups: Sequence[Sequence[int]], unrelated: ArrayLike) -> float:
    """Mean cosine of near-synonyms minus mean cosine of unrelated words, in the same carrier.

    Args:
        states: (words, carriers, d) hidden states at the slot.
        groups: positions of words that are near-synonyms of each other, one list a group.
        unrelated: (pairs, 2) positions of words that have nothing to do with each other.

    Returns:
        −2 to 2, down when collapsing: 0 where all states are equal, or without pairs of a kind.

    Raises:
        MetricError: states not finite or not three-dimensional, positions out of range.
    """
    checked = _states(states)
    pairs = [pair for group in groups for pair in combinations(group, 2)]
    kinds = [_pairs(pairs, checked, "groups"), _pairs(unrelated, checked, "unrelated")]
    if not all(len(kind) for kind in kinds):
        return 0.0
    lengths = np.linalg.norm(checked, axis=2, keepdims=True)
    units = checked / np.where(lengths > 0, lengths, 1.0)
    near, far = (
        float((units[kind[:, 0]] * units[kind[:, 1]]).sum(axis=2).mean()) for kind in kinds
    )
    return near - far


def synonym_separation(states: ArrayLike, groups: Sequence[Sequence[int]]) -> float:
    """Share of near-synonyms that a leave-one-carrier-out nearest-centroid classifier tells apart.

    Every word in every carrier is one trial: its state is compared with the centroids, over the
    other carriers, of all words of its group, and must be clearly nearest to its own.

    Args:
        states: (words, carriers, d) hidden states at the slot, at least two carriers.
        groups: positions of near-synonyms; groups of one word are left out.

    Returns:
        0 to 1 (all told apart), down when collapsing; 0 where all states are equal, or without a
        group of two.

    Raises:
        MetricError: states not finite, fewer than two carriers, positions out of range.
    """
    checked = _states(states)
    carriers = checked.shape[1]
    if carriers < 2:
        raise MetricError("states", wanted="at least two carriers", got=carriers)
    separated, trials = 0, 0
    for group in groups:
        if len(group) < 2:
            continue
        _pairs(list(combinations(group, 2)), checked, "groups")
        own = checked[list(group)]
        centroids = (own.sum(axis=1, keepdims=True) - own) / (carriers - 1)
        # distances[i, j, c]: word i in carrier c from word j's centroid without carrier c
        distances = np.linalg.norm(own[:, None] - centroids[None], axis=3)
        diagonal = np.arange(len(group))
        home = distances[diagonal, diagonal].copy()
        distances[diagonal, diagonal] = np.inf
        rival = distances.min(axis=1)
        scale = np.linalg.norm(own, axis=2)
        separated += int((rival - home > CLEARLY * (rival + scale)).sum())
        trials += home.size
    return separated / trials if trials else 0.0


def _words(rows: ArrayLike) -> Matrix:
    checked = numbers(rows, "rows", ndim=2)
    if len(checked) < 2:
        raise MetricError("rows", wanted=">= 2 words", got=len(checked))
    return checked


def _states(states: ArrayLike) -> Matrix:
    return numbers(states, "states", ndim=3)


def _units(rows: Matrix) -> Matrix:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1.0))


def _pairs(pairs: ArrayLike, states: Matrix, name: str) -> NDArray[np.int64]:
    checked = whole(pairs, name)
    if checked.size and checked.shape != (len(checked), 2):
        raise MetricError(name, wanted="pairs of positions", got=f"shape {checked.shape}")
    if checked.size and (checked.min() < 0 or checked.max() >= len(states)):
        raise MetricError(name, wanted=f"positions 0 to {len(states) - 1}", got=checked.tolist())
    return checked.reshape(-1, 2)
