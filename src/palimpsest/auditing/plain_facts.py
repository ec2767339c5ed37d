"""The plain facts of a candidate, over all texts, and what follows from them for its metrics."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from palimpsest.auditing.copies import Copies, Side, find_copies, find_opening
from palimpsest.auditing.facts import Fact
from palimpsest.auditing.language import Garbled, Pieces, find_garbled, garbled_rows, unread
from palimpsest.auditing.lengths import Lengths, find_lengths
from palimpsest.auditing.samples import drawn_rows
from palimpsest.auditing.subject import LEAST_NEW, NEW_WORDS
from palimpsest.evaluation.foreign import other_letters
from palimpsest.evaluation.null_bands import cut_alike


class Measured(Protocol):
    """The texts that metrics are measured on: the distinct ones where the candidate repeats itself
    no more than the reference does, whose repeated texts are left out, too.
    """

    def __len__(self) -> int:
        """How many there are."""

    def draw(self, size: int, seed: int) -> tuple[NDArray[np.int64], list[str]]:
        """So many of them at random: their rows in the candidate, and the texts as they stand."""


@dataclass(frozen=True)
class PlainFacts:
    """The plain facts of a candidate, over all texts."""

    texts: int
    """How many it has."""
    reference: Side
    copies: Copies
    opening: Fact
    garbled: Garbled | None
    """None where the candidate is written in other letters."""
    lengths: Lengths
    faults: Collection[int]
    """Rows of texts with a fault, those of ``measured`` at the least."""
    unread: str
    """Why the encoder cannot read the reference; empty if it can."""
    words: NDArray[np.integer]
    """Words of every text."""
    measured: Measured
    note: str = ""
    """What was looked at in some of the texts alone; empty where all were."""

    @property
    def has_new_words(self) -> bool:
        """Whether the texts have words of their own, as another subject has; or cannot be told."""
        if self.garbled is None:
            return True
        ours, normal = self.garbled.new_words
        return bool(ours > max(NEW_WORDS * normal, LEAST_NEW))

    @property
    def is_garbled(self) -> bool:
        """Whether garbled words or order are a verdict."""
        return self.garbled is not None and self.garbled.holds

    def as_long(self, human: list[str]) -> list[str]:
        """Human texts, cut to the candidate's lengths where that is shortened: as long, the rest
        of the metrics compares like with like.
        """
        if not self.lengths.shortened:
            return human
        lengths = np.sort(self.words[self.words > 0])
        at = np.linspace(0, len(lengths) - 1, len(human)).round().astype(np.int64)
        return [*cut_alike(human, lengths[at].tolist())]


@dataclass(frozen=True)
class InMemory:
    """Some rows of texts that are in memory."""

    rows: NDArray[np.int64]
    texts: Sequence[str]
    """All of the candidate."""

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    def draw(self, size: int, seed: int) -> tuple[NDArray[np.int64], list[str]]:
        """So many of them at random."""
        chosen = self.rows[drawn_rows(len(self.rows), size, seed)]
        return chosen, [self.texts[at] for at in chosen]


def plain_facts(texts: Sequence[str], reference: Side, pieces: Pieces | None) -> PlainFacts:
    """The plain facts of texts that are in memory.

    Args:
        texts: of the candidate, as they stand.
        reference: human texts.
        pieces: of the encoder's tokenizer, if it has one.
    """
    candidate = Side(texts)
    copies = find_copies(candidate, reference)
    opening = find_opening(candidate, reference)
    again = {*copies.repeated.rows}
    letters = other_letters(candidate.texts, reference.texts)
    garbled = None if letters else find_garbled(candidate, reference, pieces, again)
    distinct = np.array([*candidate.first.values()])
    return PlainFacts(
        texts=len(candidate),
        reference=reference,
        copies=copies,
        opening=opening,
        garbled=garbled,
        # near copies are left in: short texts that were changed are seen less than long ones
        lengths=find_lengths(candidate, reference, again),
        faults={*copies.copied.rows, *again, *opening.rows, *garbled_rows(garbled)},
        unread="" if pieces is None else unread(pieces, reference),
        words=np.array([len(one) for one in candidate.words]),
        measured=InMemory(np.arange(len(candidate)) if copies.repeated.holds else distinct, texts),
    )
