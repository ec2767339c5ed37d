"""Word order of texts against a reference: chains of known pairs, words in any order.

Pairs and triples of words of one half of the reference are what is known; `palimpsest.auditing.
language` says what that tells. Shares are over all texts, standard errors from text to text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from palimpsest.auditing.facts import DEVIATIONS

LEAST_COUNTED = 200
"""Triples of known pairs, or pairs of common words, that both sides must have to be looked at."""
WORSE = 1.1
"""Unknown triples over the reference's from which on order is another. Measured on chains of known
pairs: 1.25 and more, a fifth of such texts 1.13; between human samples of one corpus .98 to 1.03.
"""
LEAST_FEWER = 0.03
"""And how much smaller the share of known triples must be: where nearly all are known, a handful of
others that many texts repeat is no order."""
COVERED, SCRAMBLED = 0.75, 0.55
"""Common words, over the reference's, from which on their order is looked at; and known pairs of
them, up to which words stand in any order. Measured on Wikipedia, TinyStories, two made-up
languages, Chinese and Hindi: shuffled words keep .03 to .43 of the known pairs, other subjects
whose words are as common .6 to 1.06."""
UNLIKELY = 0.01
"""Probability of a text's unknown triples, at the reference's rate, below which it is named."""


@dataclass(frozen=True)
class Order:
    """Word order of one side: shares with their standard errors over texts."""

    pairs: float
    """Share of its word pairs that the reference has."""
    pairs_error: float
    triples: float
    """Share of its triples of known pairs, about a common word, that the reference has."""
    triples_error: float
    count: int
    """Those triples."""
    common: float
    """Share of its pairs of two common words that the reference has."""
    common_count: int
    """Those pairs."""
    covered: float
    """Share of its words that are common."""


Counted = tuple[int, int, int, int, int, int, int, int]
"""Word pairs of a text, known ones; triples of known pairs, known ones; pairs of common words,
known ones; words, common ones."""


class Phrases:
    """Pairs and triples of known texts."""

    def __init__(self, known: Sequence[Sequence[str]], common: set[str]) -> None:
        self._pairs = {pair for one in known for pair in pairwise(one)}
        self._triples = {
            triple
            for one in known
            for triple in zip(one, one[1:], one[2:], strict=False)
            if triple[1] in common
        }
        self._common = common

    def count(self, one: Sequence[str]) -> Counted:
        """Counts a text's."""
        known = [pair in self._pairs for pair in pairwise(one)]
        common = [word in self._common for word in one]
        both = [known[at] for at, pair in enumerate(pairwise(common)) if all(pair)]
        of_known = [
            triple in self._triples
            for triple, (first, second) in zip(
                zip(one, one[1:], one[2:], strict=False), pairwise(known), strict=True
            )
            if first and second and triple[1] in self._common
        ]
        counts = [known, of_known, both, common]
        pairs, triples, commons, words = ((len(some), sum(some)) for some in counts)
        return (*pairs, *triples, *commons, *words)


def order_of(counted: Sequence[Counted]) -> Order:
    """The order of texts, from what was counted in each."""
    table = np.array(counted, dtype=np.float64).reshape(-1, 8)
    pairs, pairs_error = _ratio(table[:, 1], table[:, 0])
    triples, triples_error = _ratio(table[:, 3], table[:, 2])
    return Order(
        pairs=pairs,
        pairs_error=pairs_error,
        triples=triples,
        triples_error=triples_error,
        count=int(table[:, 2].sum()),
        common=_ratio(table[:, 5], table[:, 4])[0],
        common_count=int(table[:, 4].sum()),
        covered=_ratio(table[:, 7], table[:, 6])[0],
    )


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> tuple[float, float]:
    """A ratio of sums over texts and its standard error (linearised); (0, 0) without any."""
    total, count = whole.sum(), len(whole)
    if total == 0:
        return 0.0, 0.0
    share = part.sum() / total
    residual = part - share * whole
    error = np.sqrt(count / max(count - 1, 1) * (residual**2).sum()) / total
    return float(share), float(error)


def is_chained(ours: Order, theirs: Order) -> bool:
    """Whether known pairs are as frequent as in the reference, and known triples are not."""
    if min(ours.count, theirs.count) < LEAST_COUNTED:
        return False
    fewer = theirs.triples - ours.triples
    error = np.hypot(ours.triples_error, theirs.triples_error)
    missing = theirs.pairs - ours.pairs
    pairs_error = np.hypot(ours.pairs_error, theirs.pairs_error)
    return bool(
        fewer > max(LEAST_FEWER, DEVIATIONS * error)
        and 1.0 - ours.triples >= WORSE * (1.0 - theirs.triples)
        and missing <= DEVIATIONS * pairs_error
    )


def is_scrambled(ours: Order, theirs: Order) -> bool:
    """Whether common words are as frequent as in the reference, and their known pairs are not."""
    if min(ours.common_count, theirs.common_count) < LEAST_COUNTED:
        return False
    as_common = ours.covered >= COVERED * theirs.covered
    return as_common and ours.common <= SCRAMBLED * theirs.common


def disordered_rows(counted: Mapping[int, Counted], expected: float) -> tuple[int, ...]:
    """Rows of texts with fewer known triples than the reference's share makes likely."""
    return tuple(
        row
        for row, (_, _, triples, known, *_) in sorted(counted.items())
        if triples and binom.cdf(known, triples, expected) < UNLIKELY
    )
