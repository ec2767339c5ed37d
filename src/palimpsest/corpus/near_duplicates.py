"""Held-out documents that a training document nearly repeats, counted by word n-grams.

Exact repetitions never get so far: the split deals every text once. What is left are copies with a
few words changed, which make held-out likelihood a test of memory. A held-out document counts if
more than `SHARE` of its distinct word 8-grams stand in one training document.

Known gaps: word n-grams see no paraphrase and no translation; two different n-grams whose 64-bit
hashes are equal count as one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.words import words

LENGTH = 8
"""Words of an n-gram, as in `palimpsest.metrics.lexical`'s memorised share."""
SHARE = 0.8
"""Share of a held-out document's n-grams that one training document has, to count as its copy."""
MOST = 0.01
"""Share of the held-out documents from which on there is a warning. Texts from templates come near
each other by nature: of the made-up world's, 0 to 0.4 % over eight seeds (8,000 training documents,
500 held-out), and 0.8 and 2.2 % of two that are drawn from 60,000 times. Of 3,000 held-out
paragraphs of Wikipedia against 60,000 it is 0.07 %, of wikitext-2 and TinyStories none."""
COMMON = 20
"""Held-out documents (documents of an index, where one is asked) that may have an n-gram; from
there on it is part of a form."""
SHOWN = 60
"""Characters of the example."""
FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""Odd multiplier of the rolling hash."""


@dataclass(frozen=True)
class NearDuplicate:
    """A held-out document and the training document that comes nearest to it."""

    heldout: int
    """Row of the held-out document."""
    training: int
    """Row of the training document."""
    share: float
    """Share of the former's n-grams that the latter has, above `SHARE` to 1."""


def near_duplicates(heldout: Sequence[str], training: Sequence[str]) -> list[NearDuplicate]:
    """The held-out documents that a training document nearly repeats, see `nearly_repeated`."""
    return nearly_repeated([*map(words, heldout)], map(words, training))


def nearly_repeated(
    heldout: Sequence[Sequence[str]],
    training: Iterable[Sequence[str]],
    itself: bool = False,
) -> list[NearDuplicate]:
    """The held-out documents that a training document nearly repeats, in their order.

    Args:
        heldout: the words of each (`palimpsest.core.words`).
        training: likewise; gone through once.
        itself: whether both are the same documents, none of which repeats itself.

    A text of fewer than 8 words is one n-gram; a text without words is nobody's copy. An n-gram of
    more than `COMMON` held-out documents (a licence, a form letter) counts as the training
    document's if any has it, so time and memory grow with the words of both and not with their
    product.
    """
    known = _numbered(heldout)
    theirs = (_n_grams([known.get(word, len(known)) for word in one]) for one in training)
    every, owners = _grams_of(heldout, known)
    distinct, place, counts = np.unique(every, return_inverse=True, return_counts=True)
    common = counts > COMMON
    order = np.argsort(every, kind="stable")
    order = order[~common[place[order]]]
    hashes, owner_of = every[order], owners[order]
    sizes = np.maximum(np.bincount(owners, minlength=len(heldout)), 1)
    best, nearest = np.zeros(len(heldout)), np.zeros(len(heldout), dtype=np.int64)
    seen = np.zeros(len(distinct), dtype=bool)
    for row, grams in enumerate(theirs):
        at = np.minimum(np.searchsorted(distinct, grams), max(len(distinct) - 1, 0))
        if len(distinct):
            seen[at[distinct[at] == grams]] = True
        begins, ends = (np.searchsorted(hashes, grams, side) for side in ("left", "right"))
        found = [owner_of[one:end] for one, end in zip(begins, ends, strict=True) if one < end]
        if found:
            some, held = np.unique(np.concatenate(found), return_counts=True)
            if itself:
                some, held = some[some != row], held[some != row]
            shares = held / sizes[some]
            nearest[some[shares > best[some]]] = row
            best[some] = np.maximum(best[some], shares)
    best += np.bincount(owners[(common & seen)[place]], minlength=len(heldout)) / sizes
    return [
        NearDuplicate(int(at), int(nearest[at]), float(best[at]))
        for at in np.flatnonzero(best > SHARE)
    ]


class NearDuplicateIndex:
    """Documents in which the near-duplicates of others are looked up, some at a time.

    `nearly_repeated` holds the n-grams of those that are asked about; this holds those of the
    documents that they may repeat. An n-gram of more than `COMMON` of these is part of a form: it
    counts as repeated whichever document it stands in. So what is found of a document does not
    depend on the documents that are asked about beside it.

    Args:
        documents: the words of each; memory grows with their words alone.
    """

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        self._ids = _numbered(documents)
        grams, owners = _grams_of(documents, self._ids)
        order = np.argsort(grams, kind="stable")
        self._documents, self._owners = max(len(documents), 1), owners[order]
        self._distinct, self._starts, self._counts = np.unique(
            grams[order], return_index=True, return_counts=True
        )

    def find(self, documents: Sequence[Sequence[str]]) -> list[NearDuplicate]:
        """Those of some documents that one of the index nearly repeats, in their order.

        Args:
            documents: the words of each. Of fewer than 8 words all are one n-gram; without words
                none is anybody's copy.

        Returns:
            ``heldout`` is the row among these documents, ``training`` that in the index: the one
            with most of the n-grams, the first of several.
        """
        grams, owners = _grams_of(documents, self._ids)
        if not len(self._distinct) or not len(grams):
            return []
        sizes = np.maximum(np.bincount(owners, minlength=len(documents)), 1)
        at = np.minimum(np.searchsorted(self._distinct, grams), len(self._distinct) - 1)
        known = self._distinct[at] == grams
        at, owners = at[known], owners[known]
        in_form = self._counts[at] > COMMON
        shares = np.bincount(owners[in_form], minlength=len(documents)) / sizes
        nearest = np.zeros(len(documents), dtype=np.int64)
        nearest[owners[in_form][::-1]] = self._owners[self._starts[at[in_form]]][::-1]
        most, held, where = self._most(at[~in_form], owners[~in_form])
        shares[most] += held / sizes[most]
        nearest[most] = where
        found = np.flatnonzero(shares > SHARE)
        return [NearDuplicate(int(row), int(nearest[row]), float(shares[row])) for row in found]

    def _most(
        self, at: NDArray[np.int64], owners: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Of n-grams that few documents have: rows, most of them in one document, and which."""
        counts = self._counts[at]
        first = np.cumsum(counts) - counts
        places = np.arange(counts.sum()) - np.repeat(first - self._starts[at], counts)
        pairs = np.repeat(owners, counts) * self._documents + self._owners[places]
        both, held = np.unique(pairs, return_counts=True)
        rows, documents = np.divmod(both, self._documents)
        order = np.lexsort((documents, -held, rows))
        rows, documents, held = rows[order], documents[order], held[order]
        best = np.diff(rows, prepend=-1) > 0
        return rows[best], held[best], documents[best]


def near_duplicate_warning(heldout: Sequence[str], training: Sequence[str]) -> list[str]:
    """A sentence where more than 1 % of the held-out documents are near-duplicates; else none."""
    found = near_duplicates(heldout, training)
    if len(found) <= MOST * len(heldout):
        return []
    example = max(found, key=lambda one: one.share)
    shown = " ".join(heldout[example.heldout].split())[:SHOWN]
    return [
        f"{len(found)} of {len(heldout)} held-out documents ({len(found) / len(heldout):.1%}) "
        f"nearly repeat a training document, the nearest {example.share:.0%} of its word "
        f"{LENGTH}-grams ({shown!r}): held-out likelihood is in part a test of memory"
    ]


def _numbered(documents: Sequence[Sequence[str]]) -> dict[str, int]:
    """Their words, numbered as they come."""
    ids: dict[str, int] = {}
    for document in documents:
        for word in document:
            ids.setdefault(word, len(ids))
    return ids


def _grams_of(
    documents: Sequence[Sequence[str]], ids: Mapping[str, int]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The distinct n-grams of every document, hashed, and whose each is."""
    lengths = np.array([len(one) for one in documents], dtype=np.int64)
    words_of_all = (ids.get(word, len(ids)) for one in documents for word in one)
    flat = np.fromiter(words_of_all, np.uint64, int(lengths.sum())) + np.uint64(1)
    ends = np.cumsum(lengths)
    owner = np.repeat(np.arange(len(documents)), lengths)
    starts = np.flatnonzero(np.arange(len(flat)) + LENGTH <= ends[owner])
    grams, owners = [_hashed(flat, starts, LENGTH)], [owner[starts]]
    for length in range(1, LENGTH):
        short = np.flatnonzero(lengths == length)
        grams.append(_hashed(flat, ends[short] - length, length))
        owners.append(short)
    every, whose = np.concatenate(grams), np.concatenate(owners)
    order = np.lexsort((every, whose))
    every, whose = every[order], whose[order]
    new = np.ones(len(every), dtype=bool)
    new[1:] = (every[1:] != every[:-1]) | (whose[1:] != whose[:-1])
    return every[new], whose[new]


def _n_grams(ids: list[int]) -> NDArray[np.uint64]:
    """Hashes of the distinct n-grams of a text's words."""
    row = np.array(ids, dtype=np.uint64) + np.uint64(1)
    length = min(LENGTH, len(row))
    return np.unique(_hashed(row, np.arange(len(row) - length + 1), length)) if length else row


def _hashed(row: NDArray[np.uint64], starts: NDArray[np.int64], length: int) -> NDArray[np.uint64]:
    """Hashes of the runs of so many words that begin at some places of a row of words."""
    hashes = np.full(len(starts), length, dtype=np.uint64)
    for at in range(length):
        hashes = (hashes ^ row[starts + at]) * FACTOR
        hashes ^= hashes >> np.uint64(29)
    return hashes
