"""Which of many texts are equal, from a hash of each; the texts themselves are gone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palimpsest.auditing.copies import heaps_of

Rows = NDArray[np.int64]
Counts = NDArray[np.int32]
"""Small numbers: there is one for each of millions of texts."""


@dataclass(frozen=True)
class Groups:
    """Equal texts among many, by their hashes."""

    number: Counts
    """(n,) which of the distinct texts each is."""
    sizes: Counts
    """Texts that are equal, of each distinct text that has a word; 1 of the others."""
    first_rows: Counts
    """The first row of each distinct text."""
    heard: NDArray[np.bool_]
    """(n,) whether each text has a word."""

    @classmethod
    def of(cls, hashes: NDArray[np.uint64], words: NDArray[np.int32]) -> "Groups":
        """Groups equal texts.

        Args:
            hashes: (n,), n >= 1.
            words: (n,) how many words each text has.
        """
        # by hand, since np.unique would hold six numbers of 8 bytes a text
        order = np.argsort(hashes, kind="stable").astype(np.int32)
        ordered = hashes[order]
        new = np.concatenate([[True], ordered[1:] != ordered[:-1]])
        del ordered
        number = np.empty(len(hashes), dtype=np.int32)
        number[order] = np.cumsum(new, dtype=np.int32) - 1
        first_rows = order[new]
        sizes = np.diff(np.flatnonzero(new), append=len(new)).astype(np.int32)
        heard = words > 0
        sizes[~heard[first_rows]] = 1
        return cls(number, sizes, first_rows, heard)

    @property
    def distinct(self) -> int:
        """How many texts differ."""
        return len(self.sizes)

    @property
    def first(self) -> NDArray[np.bool_]:
        """(n,) whether each text is the first of its like."""
        first = np.zeros(len(self.number), dtype=bool)
        first[self.first_rows] = True
        return first

    @property
    def later(self) -> Rows:
        """Rows of texts with a word that equal an earlier one."""
        return np.flatnonzero(~self.first & self.heard)

    @property
    def largest(self) -> Rows:
        """Rows of the largest group, of the first of several; none where all texts differ."""
        most = self.sizes.max()
        if most < 2:
            return np.zeros(0, dtype=np.int64)
        tied = np.flatnonzero(self.sizes == most)
        return np.flatnonzero(self.number == tied[self.first_rows[tied].argmin()])

    def again(self, size: int) -> Rows:
        """Rows that equal an earlier one among ``size``, all dealt into such heaps."""
        found = [np.zeros(0, dtype=np.int64)]
        for heap in heaps_of(len(self.number), size):
            _, kept = np.unique(self.number[heap], return_index=True)
            found.append(np.delete(heap, kept))
        rows = np.concatenate(found)
        return rows[self.heard[rows]]


def frequent(values: NDArray[np.uint32], least: float) -> list[tuple[int, int]]:
    """Values other than 0 that are there so often at least, with how often; no order."""
    ordered = np.sort(values)
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    counts = np.diff(starts, append=len(ordered))
    often = (counts >= least) & (ordered[starts] > 0)
    return [
        (int(ordered[start]), int(count))
        for start, count in zip(starts[often], counts[often], strict=True)
    ]
