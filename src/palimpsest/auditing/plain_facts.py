"""The plain facts of a candidate, over all texts, and what follows from them for its metrics."""

import numpy as np
from numpy.typing import NDArray

from palimpsest.auditing.copies import Side, find_copies, find_opening
from palimpsest.auditing.language import Pieces, find_garbled, unread
from palimpsest.auditing.lengths import find_lengths
from palimpsest.auditing.subject import LEAST_NEW, NEW_WORDS
from palimpsest.evaluation.foreign import other_letters
from palimpsest.evaluation.null_bands import cut_alike


class PlainFacts:
    """The plain facts of a candidate, over all texts."""

    def __init__(self, candidate: Side, reference: Side, pieces: Pieces | None) -> None:
        self.candidate, self.reference = candidate, reference
        self.copies = find_copies(candidate, reference)
        self.opening = find_opening(candidate, reference)
        letters = other_letters(candidate.texts, reference.texts)
        again = {*self.copies.repeated.rows}
        self.garbled = None if letters else find_garbled(candidate, reference, pieces, again)
        self.faults = {
            *self.copies.copied.rows,
            *again,
            *self.opening.rows,
            *(() if self.garbled is None else self.garbled.rows),
        }
        # near copies are left in: short texts that were changed are seen less than long ones
        self.lengths = find_lengths(candidate, reference, again)
        self.unread = "" if pieces is None else unread(pieces, reference)

    @property
    def measured(self) -> NDArray[np.int64]:
        """Rows that metrics are measured on: the distinct ones where the candidate repeats itself
        no more than the reference does, whose repeated texts are left out, too.
        """
        if self.copies.repeated.holds:
            return np.arange(len(self.candidate))
        return np.array([*self.candidate.first.values()])

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
        lengths = np.sort([len(one) for one in self.candidate.words if one])
        at = np.linspace(0, len(lengths) - 1, len(human)).round().astype(np.int64)
        return [*cut_alike(human, lengths[at].tolist())]
