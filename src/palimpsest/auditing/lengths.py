"""Shorter texts than the reference's: cut off, or written short."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from palimpsest.auditing.copies import Side
from palimpsest.auditing.facts import DEVIATIONS, EXAMPLES, Fact, examples

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
    words = {
        row: len(one) for row, one in enumerate(candidate.words) if one and row not in left_out
    }
    ours = np.array([*words.values()], dtype=np.float64)
    theirs = np.array([len(one) for one in reference.known.values() if one], dtype=np.float64)
    if len(ours) < 2 or len(theirs) < 2:
        return Lengths(0.0, 0.0, False, Fact((), len(candidate), 0, len(reference)))
    error = np.hypot(*(one.std(ddof=1) / np.sqrt(len(one)) for one in (ours, theirs)))
    apart = theirs.mean() - ours.mean()
    shortened = bool(ours.mean() <= SHORTER * theirs.mean() and apart > DEVIATIONS * error)
    least = float(np.quantile(theirs, SHORT))
    rows = tuple(row for row, count in words.items() if count < least) if shortened else ()
    shortest = sorted(rows, key=words.__getitem__)[:EXAMPLES]
    notes = {row: f"{words[row]} words" for row in shortest}
    shown = examples(shortest, candidate.texts, notes)
    fact = Fact(rows, len(candidate), int((theirs < least).sum()), len(theirs), shown)
    return Lengths(float(ours.mean()), float(theirs.mean()), shortened, fact)
