"""Held-out documents that a training document nearly repeats, counted by word n-grams.

Exact repetitions never get so far: the split deals every text once. What is left are copies with a
few words changed, which make held-out likelihood a test of memory. A held-out document counts if
more than `SHARE` of its distinct word 8-grams stand in one training document.

Known gaps: word n-grams see no paraphrase and no translation; two different n-grams whose 64-bit
hashes are equal count as one.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
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
"""Held-out documents that may have an n-gram; from there on it is part of a form."""
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
    ids: dict[str, int] = defaultdict(lambda: len(ids))
    ours = [_n_grams([ids[word] for word in document]) for document in heldout]
    known = dict(ids)
    theirs = (_n_grams([known.get(word, len(known)) for word in one]) for one in training)
    every = np.concatenate([np.zeros(0, dtype=np.uint64), *ours])
    owners = np.repeat(np.arange(len(ours)), [len(one) for one in ours])
    distinct, place, counts = np.unique(every, return_inverse=True, return_counts=True)
    common = counts > COMMON
    order = np.argsort(every, kind="stable")
    order = order[~common[place[order]]]
    hashes, owner_of = every[order], owners[order]
    sizes = np.maximum(np.bincount(owners, minlength=len(ours)), 1)
    best, nearest = np.zeros(len(ours)), np.zeros(len(ours), dtype=np.int64)
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
    best += np.bincount(owners[(common & seen)[place]], minlength=len(ours)) / sizes
    return [
        NearDuplicate(int(at), int(nearest[at]), float(best[at]))
        for at in np.flatnonzero(best > SHARE)
    ]


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


def _n_grams(ids: list[int]) -> NDArray[np.uint64]:
    """Hashes of the distinct n-grams of a text's words."""
    row = np.array(ids, dtype=np.uint64) + np.uint64(1)
    length = min(LENGTH, len(row))
    if not length:
        return row
    hashes = np.full(len(row) - length + 1, length, dtype=np.uint64)
    for at in range(length):
        hashes = (hashes ^ (row[at : len(row) - length + 1 + at])) * FACTOR
        hashes ^= hashes >> np.uint64(29)
    return np.unique(hashes)
