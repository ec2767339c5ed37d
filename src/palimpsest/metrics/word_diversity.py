"""Diversity of a sequence of words: entropy, MTLD, Zipf's exponent (docs/metrics.md §4)."""

import numpy as np
from numpy.typing import NDArray

from palimpsest.metrics.validation import whole

MTLD_THRESHOLD = 0.72
"""Type-token ratio at which a factor of MTLD ends (McCarthy & Jarvis 2010)."""

ZIPF_CEILING = 10.0
"""Largest exponent reported: a text of a single word has none of its own."""

Ids = NDArray[np.int64]
"""Numbers that stand for words."""


def entropy(counts: NDArray[np.integer]) -> float:
    """Entropy of a table of counts >= 0, in nats: 0 for one type or none."""
    checked = whole(counts, "counts", least=0)
    positive = checked[checked > 0]
    total = positive.sum()
    if len(positive) < 2:
        return 0.0
    return float(np.log(total) - (positive * np.log(positive)).sum() / total)


def mtld(sequence: Ids) -> float:
    """Measure of textual lexical diversity (McCarthy & Jarvis 2010), in words a factor.

    A factor ends where the type-token ratio of its words has fallen to 0.72; the last, unfinished
    one counts for the share of the way it fell. The mean of reading forward and backward.

    Args:
        sequence: one number a word, equal for equal words.

    Returns:
        Words per factor, >= 0; falls when texts repeat themselves. 0 without words; a sequence
        that never repeats has no factor and reads its own length.
    """
    sequence = whole(sequence, "sequence")
    if not len(sequence):
        return 0.0
    previous = _previous(sequence)
    repeated = np.flatnonzero(previous >= 0)
    last = len(sequence) - 1
    backward = np.full(len(sequence), -1, dtype=np.int64)
    backward[last - previous[repeated]] = last - repeated
    return (_one_way(previous) + _one_way(backward)) / 2.0


def zipf(frequencies: NDArray[np.integer]) -> float:
    """Exponent s of frequency ∝ rank^−s by maximum likelihood over the ranks 1..V that occur.

    Clauset, Shalizi & Newman (2009) with finite support, since the exponent of words is near 1,
    where their infinite sum diverges: s solves E_s[ln rank] = mean ln rank.

    Returns:
        0 (all words equally often) to 10; 10 for fewer than two types.
    """
    checked = whole(frequencies, "frequencies", least=0)
    ordered = np.sort(checked[checked > 0])[::-1].astype(np.float64)
    if len(ordered) < 2:
        return ZIPF_CEILING
    logs = np.log(np.arange(1, len(ordered) + 1))
    target = float(ordered @ logs / ordered.sum())
    exponent = 1.0
    for _ in range(50):  # Newton on a convex function; four or five steps do
        weights = np.exp(-exponent * logs)
        weights /= weights.sum()
        mean = float(weights @ logs)
        variance = float(weights @ (logs - mean) ** 2)
        step = (mean - target) / max(variance, 1e-12)
        previous, exponent = exponent, min(max(exponent + step, 0.0), ZIPF_CEILING)
        if abs(exponent - previous) < 1e-12:
            break
    return exponent


def _previous(sequence: Ids) -> Ids:
    """Where each word last stood before, -1 for its first time."""
    order = np.argsort(sequence, kind="stable")
    again = sequence[order[1:]] == sequence[order[:-1]]
    previous = np.full(len(sequence), -1, dtype=np.int64)
    previous[order[1:][again]] = order[:-1][again]
    return previous


def _one_way(previous: Ids) -> float:
    """Words per factor, reading forward; a factor can only end at a word that it has had."""
    length = len(previous)
    repeated = np.flatnonzero(previous >= 0)
    factors, start, repeats = 0.0, 0, 0
    for place, before in zip(repeated.tolist(), previous[repeated].tolist(), strict=True):
        if before >= start:
            repeats += 1
            if repeats >= (1.0 - MTLD_THRESHOLD) * (place - start + 1) - 1e-9:
                factors, start, repeats = factors + 1.0, place + 1, 0
    if start < length:
        factors += repeats / (length - start) / (1.0 - MTLD_THRESHOLD)
    return length / factors if factors else float(length)
