"""What a generation says that the generation before did not: openings and phrases new in its texts.

A model that goes on from its predecessor's text drifts by small steps; each step is visible in the
words. Texts are compared by the words of `palimpsest.core.words`, so case and punctuation make
nothing new.

Known gaps: a phrase is new against one generation alone, not against all that came before, and
what a sample of texts happens not to say counts as not said: with few texts much is "new" by
chance. How many texts say it stands beside each.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from palimpsest.core.words import words

OPENING = 4
"""Words of an opening."""
PHRASE = 5
"""Words of a phrase."""
SHARED = 3
"""Words in a row that two phrases may not share: they would be one sentence shown twice."""
LEAST = 2
"""Texts that must say it: what one text says is that text."""
MOST = 6
"""Openings, and phrases, that are kept of a generation."""

Words = tuple[str, ...]


@dataclass(frozen=True)
class Novelty:
    """Words that are new."""

    words: str
    texts: int
    """How many texts have them, >= 2."""
    row: int
    """The first of these."""


def new_openings(texts: Sequence[str], previous: Iterable[str]) -> list[Novelty]:
    """First words of two texts or more with which no text of the generation before begins.

    Returns:
        At most `MOST`, the most frequent first; none where no opening is shared and new.
    """
    known = {_opening(text) for text in previous}
    rows: dict[Words, list[int]] = defaultdict(list)
    for row, text in enumerate(texts):
        rows[_opening(text)].append(row)
    return _most({one: rows[one] for one in rows if one not in known and len(one) == OPENING})


def new_phrases(texts: Sequence[str], previous: Iterable[str]) -> list[Novelty]:
    """Words in a row, in two texts or more, that no text of the generation before has.

    Returns:
        At most `MOST`, the most frequent first; of those that share `SHARED` words in a row only
        the most frequent; none where nothing is new.
    """
    known = {gram for text in previous for gram in _grams(words(text), PHRASE)}
    rows: dict[Words, list[int]] = defaultdict(list)
    for row, text in enumerate(texts):
        for gram in dict.fromkeys(_grams(words(text), PHRASE)):
            if gram not in known:
                rows[gram].append(row)
    apart: dict[Words, list[int]] = {}
    taken: set[Words] = set()
    for gram in sorted(rows, key=lambda one: (-len(rows[one]), rows[one][0])):
        parts = set(_grams(gram, SHARED))
        if parts.isdisjoint(taken) and len(apart) < MOST:
            apart[gram] = rows[gram]
            taken |= parts
    return _most(apart)


def _most(rows: dict[Words, list[int]]) -> list[Novelty]:
    """The most frequent of some words; of equals, those of the earlier text."""
    ordered = sorted(rows.items(), key=lambda item: (-len(item[1]), item[1][0]))
    return [
        Novelty(" ".join(some), len(where), where[0])
        for some, where in ordered[:MOST]
        if len(where) >= LEAST
    ]


def _opening(text: str) -> Words:
    return tuple(words(text)[:OPENING])


def _grams(some: Sequence[str], length: int) -> list[Words]:
    return [tuple(some[at : at + length]) for at in range(len(some) - length + 1)]
