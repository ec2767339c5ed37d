"""Shorter texts than the reference's: cut off, or written short."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palimpsest.auditing.copies import Side
from palimpsest.auditing.facts import DEVIATIONS, EXAMPLES, Example, Fact, examples

SHORTER = 0.75
"""Mean words of a text, over the reference's, from which down texts are called shortened: a
convention."""
SHORT = 0.05
"""Quantile of the reference's lengths below which a text is named as short."""


@dataclass(frozen=True)
class Lengths:
    """How long texts are, in words."""

    ours: float
    """Mean of the candidate's texts that have a word."""
    theirs: float
    """Mean of the reference's."""
    shortened: bool
    """Whether the candidate's are shorter."""
    short: Fact
    """Texts that are shorter than 95 % of the reference's; none unless ``shortened``."""


def find_lengths(candidate: Side, reference: Side, without: Collection[int] = ()) -> Lengths:
    """Compares lengths.

    Args:
        candidate: at least one text.
        reference: human texts, at least one with a word.
        without: rows of the candidate that are left out, since something else is wrong with them.
    """
    left_out = set(without)
    rows = [row for row, one in enumerate(candidate.words) if one and row not in left_out]
    counts = np.array([len(candidate.words[row]) for row in rows], dtype=np.int64)

    def shown(short: NDArray[np.int64]) -> tuple[Example, ...]:
        least = {rows[at]: f"{counts[at]} words" for at in short[:EXAMPLES]}
        return examples([*least], candidate.texts, least)

    return compare_lengths(np.array(rows, np.int64), counts, len(candidate), reference, shown)


def compare_lengths(
    rows: NDArray[np.int64],
    counts: NDArray[np.int64],
    texts: int,
    reference: Side,
    shown: Callable[[NDArray[np.int64]], tuple[Example, ...]],
) -> Lengths:
    """Compares the lengths of a candidate's texts with the reference's.

    Args:
        rows: (n,) in order, of the candidate's texts that are looked at.
        counts: (n,) words of each, > 0.
        texts: of the candidate in all.
        reference: human texts.
        shown: given positions among the n of short texts, the shortest first: examples of them.
    """
    ours = counts.astype(np.float64)
    theirs = np.array([len(one) for one in reference.known.values() if one], dtype=np.float64)
    if len(ours) < 2 or len(theirs) < 2:
        return Lengths(0.0, 0.0, False, Fact((), texts, 0, len(reference)))
    error = np.hypot(*(one.std(ddof=1) / np.sqrt(len(one)) for one in (ours, theirs)))
    apart = theirs.mean() - ours.mean()
    shortened = bool(ours.mean() <= SHORTER * theirs.mean() and apart > DEVIATIONS * error)
    least = float(np.quantile(theirs, SHORT))
    short = np.flatnonzero(counts < least) if shortened else np.zeros(0, dtype=np.int64)
    named = shown(short[np.argsort(counts[short], kind="stable")])
    known = tuple(rows[short].tolist())
    fact = Fact(known, texts, int((theirs < least).sum()), len(theirs), named)
    return Lengths(float(ours.mean()), float(theirs.mean()), shortened, fact)
