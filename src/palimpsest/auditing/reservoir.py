"""A uniform sample of texts that are gone through once: those of the smallest keys (bottom-k).

Keys that are random numbers sample texts as they come. Keys that are hashes of the texts sample
distinct texts, since equal ones have one key, however often they come.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]


class Held(NamedTuple):
    """A text of the sample."""

    row: int
    """Where it stands, from 0; of equal keys, the first."""
    text: str


class Reservoir:
    """The texts of the smallest keys among all that were added.

    Args:
        size: texts that it holds at the least, if so many have come; it holds twice as many at the
            most.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._limit = np.uint64(2**64 - 1)
        self._held: dict[int, Held] = {}

    def add(self, keys: Keys, first: int, texts: Sequence[str]) -> None:
        """Takes the next texts.

        Args:
            keys: (n,) whole numbers, uniform in 0 to 2⁶⁴.
            first: row of the first text.
            texts: n of them.
        """
        for at in np.flatnonzero(keys <= self._limit).tolist():
            self._held.setdefault(int(keys[at]), Held(first + at, texts[at]))
            if len(self._held) >= 2 * self._size:
                self._shrink()

    def held(self, most: int | None = None) -> list[Held]:
        """The texts of the smallest keys, in the order of the keys.

        Args:
            most: how many, at most the reservoir's size; None for that.
        """
        self._shrink()
        return [self._held[key] for key in sorted(self._held)][:most]

    def _shrink(self) -> None:
        if len(self._held) > self._size:
            kept = sorted(self._held)[: self._size]
            self._held = {key: self._held[key] for key in kept}
            self._limit = np.uint64(kept[-1])
