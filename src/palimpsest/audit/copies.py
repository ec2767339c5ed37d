"""Copies, loops and empty texts of a whole candidate: counts and rows, without sample or model.

What degenerates most plainly needs no embedding: texts that repeat each other, that end in a loop,
that are empty, or that stand in the reference. They are counted over all texts of both sides, and
held against what the reference itself shows.

Known gaps: a copy that is reworded, translated or cut to pieces is none; texts of fewer than 8
words are formulas that people repeat too, and never count as copied from the reference.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from palimpsest.core.words import normalised, words
from palimpsest.corpus.near_duplicates import LENGTH, nearly_repeated

LOOP_WORDS = 20
"""Words that a text must have before it can be a loop."""
LOOP_TAIL = 60
"""Last words of a text in which a loop is looked for."""
LOOP_MARGIN = 0.1
"""Share of repeated word 4-grams there, beyond that of 99.5 % of the reference's texts: a loop."""
LEAST_SHARE = 0.02
"""Share of the texts below which no verdict is made of it: a convention."""
EXAMPLES, EXCERPT = 5, 80
"""Texts that are named, and characters that are shown of each."""
LEVEL = 0.001
"""Probability of so many such texts, had they the reference's rate, below which it is believed."""


@dataclass(frozen=True)
class Fact:
    """Texts of the candidate that have one plain property."""

    rows: tuple[int, ...]
    """Their positions, in order."""
    texts: int
    """Texts of the candidate."""
    expected: float
    """Share of the reference's texts that have it."""
    examples: tuple[tuple[int, str], ...]
    """Row and beginning of the first of them that differ from each other, at most five."""

    @property
    def share(self) -> float:
        """Share of the candidate's texts, 0 to 1."""
        return len(self.rows) / self.texts

    @property
    def holds(self) -> bool:
        """Whether it is a verdict: a fiftieth of the texts, and more than the reference explains.

        Binomial: so many texts or more, had they the reference's rate.
        """
        if self.share < LEAST_SHARE:
            return False
        return bool(binom.sf(len(self.rows) - 1, self.texts, self.expected) < LEVEL)


@dataclass(frozen=True)
class Copies:
    """What a candidate copies."""

    copied: Fact
    """Texts that equal, or nearly repeat, a text of the reference."""
    exact: tuple[int, ...]
    """Those of them that equal one, but for blanks and Unicode's composition."""
    repeated: Fact
    """Texts that equal an earlier one, or are a loop of their own last words; empty ones too."""
    largest: tuple[int, ...]
    """Rows of the largest group of equal texts that are not empty; none where all differ."""
    empty: tuple[int, ...]
    """Rows without a word."""
    looped: tuple[int, ...]
    """Rows of loops."""


def find_copies(candidate: Sequence[str], reference: Sequence[str]) -> Copies:
    """Counts copies, loops and empty texts over all texts.

    Args:
        candidate: at least one text.
        reference: human texts, at least one; repeated ones count once as what is copied, and as
            they are as what repeats itself.
    """
    keys = [_plain(text) for text in candidate]
    theirs = [_plain(text) for text in reference]
    counted = [words(key) for key in keys]
    known = {key: words(key) for key in dict.fromkeys(theirs)}
    distinct = [*known.values()]
    long = {row for row, one in enumerate(counted) if len(one) >= LENGTH}
    exact = {row for row in long if keys[row] in known}
    others = [row for row in range(len(keys)) if row not in exact]
    found = nearly_repeated([counted[row] for row in others], distinct)
    near = {others[one.heldout] for one in found} & long
    half = len(distinct) // 2
    alike = len(nearly_repeated(distinct[:half], distinct[half:]))
    groups: dict[str, list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        groups[key].append(row)
    later = {row for rows in groups.values() for row in rows[1:]}
    empty = tuple(row for row, one in enumerate(counted) if not one)
    own = np.array([_repeated(known[key]) for key in theirs])
    limit = float(np.quantile(own, 0.995)) + LOOP_MARGIN
    looped = tuple(row for row, one in enumerate(counted) if _repeated(one) > limit)
    theirs_again = len(theirs) - len(distinct) + int((own > limit).sum())
    largest = max((rows for key, rows in groups.items() if key), key=len, default=[])
    return Copies(
        copied=_fact(exact | near, keys, _rate(alike, half)),
        exact=tuple(sorted(exact)),
        repeated=_fact({*later, *empty, *looped}, keys, _rate(theirs_again, len(theirs))),
        largest=tuple(largest) if len(largest) > 1 else (),
        empty=empty,
        looped=looped,
    )


def distinct_texts(texts: Sequence[str]) -> list[str]:
    """The texts, each once: those that differ in blanks or composition alone are one."""
    first: dict[str, str] = {}
    for text in texts:
        first.setdefault(_plain(text), text)
    return [*first.values()]


def _fact(rows: Collection[int], keys: Sequence[str], expected: float) -> Fact:
    ordered = tuple(sorted(rows))
    first: dict[str, int] = {}
    for row in ordered:
        first.setdefault(keys[row], row)
    examples = tuple((row, key[:EXCERPT]) for key, row in first.items())[:EXAMPLES]
    return Fact(ordered, len(keys), expected, examples)


def _plain(text: str) -> str:
    return " ".join(normalised(text).split())


def _repeated(some: Sequence[str]) -> float:
    """Share of the word 4-grams of a text's end that stood there before; 0 for a short text."""
    if len(some) < LOOP_WORDS:
        return 0.0
    some = some[-LOOP_TAIL:]
    grams = list(zip(some, some[1:], some[2:], some[3:], strict=False))
    return 1.0 - len(set(grams)) / len(grams)


def _rate(count: int, of: int) -> float:
    """A rate that few trials cannot make zero (Laplace's rule of succession)."""
    return (count + 1) / (of + 2)
