"""What each text of a large candidate shows, noted down in a few bytes while the text goes by.

The notes are a hash of the text, its words, hashes of its beginnings, and whether it is a loop or
stands in the reference; `palimpsest.auditing.many_texts` makes the plain facts of them.

Known gap: texts whose hashes of 64 bits are equal count as equal (of 10 million, two differ all
the same with a probability of 3e-6), beginnings whose hashes of 32 bits are equal as one phrase.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heappush, heappushpop
from typing import TypeVar
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from palimpsest.auditing.copies import (
    EQUALS,
    NEAR,
    NEARLY,
    OPENINGS,
    Side,
    loop_limit,
    loop_share,
)
from palimpsest.auditing.facts import EXAMPLES, Example, excerpt, one_line
from palimpsest.core.words import words
from palimpsest.corpus.near_duplicates import LENGTH, NearDuplicateIndex

LOOPS_SHOWN = 3
"""Loops that are kept as examples, the plainest."""
Kind = TypeVar("Kind", bound=np.generic)


@dataclass
class Tally:
    """Notes on the texts of a candidate, a batch after the other; 36 bytes a text.

    Args:
        reference: human texts.
    """

    reference: Side
    texts: int = 0
    """Texts that have gone by."""
    copied: dict[int, int] = field(default_factory=dict)
    """Rows of texts that equal one of the reference -> its row."""
    near: list[int] = field(default_factory=list)
    """Rows of texts that nearly repeat one."""
    looped: list[int] = field(default_factory=list)
    """Rows of loops."""
    copies_shown: dict[int, Example] = field(default_factory=dict)
    """Hash -> the first texts that stand in the reference."""
    empty_shown: Example | None = None
    """The first text without a word."""

    def __post_init__(self) -> None:
        self.loop_limit = loop_limit(self.reference)
        self._index = NearDuplicateIndex([*self.reference.known.values()])
        self._of_distinct = [*self.reference.first.values()]
        self._loops: list[tuple[float, int, str]] = []
        self._hashes: list[NDArray[np.uint64]] = []
        self._words: list[NDArray[np.int32]] = []
        self._openings: list[NDArray[np.uint32]] = []

    def add(self, texts: Sequence[str]) -> NDArray[np.uint64]:
        """Takes the next texts and returns the hash of each, (n,)."""
        lines = [one_line(text) for text in texts]
        hashes = hashes_of(lines)
        cut = {line: words(line) for line in dict.fromkeys(lines)}
        some = [cut[line] for line in lines]
        self._note_copies(lines, some, hashes)
        self._note_faults(lines, some)
        self._hashes.append(hashes)
        self._words.append(np.array([len(one) for one in some], dtype=np.int32))
        self._openings.append(openings_of(some, beyond=True))
        self.texts += len(texts)
        return hashes

    @property
    def hashes(self) -> NDArray[np.uint64]:
        """(n,) of all texts."""
        return _joined(self._hashes)

    @property
    def words(self) -> NDArray[np.int32]:
        """(n,) words of all texts."""
        return _joined(self._words)

    def openings(self, at: int) -> NDArray[np.uint32]:
        """(n,) of all texts, the hashes of their first `OPENINGS`[at] words, see `openings_of`."""
        return np.concatenate([part[:, at] for part in self._openings])

    @property
    def loops_shown(self) -> list[Example]:
        """The plainest loops."""
        ordered = sorted(self._loops, key=lambda one: (-one[0], -one[1]))
        return [Example(-row, excerpt(line, end=True), "a loop") for _, row, line in ordered]

    def _note_copies(
        self, lines: Sequence[str], some: Sequence[Sequence[str]], hashes: NDArray[np.uint64]
    ) -> None:
        """Texts that equal or nearly repeat one of the reference."""
        exact, others, notes = self.reference.first, list[int](), dict[int, str]()
        for at, (line, one) in enumerate(zip(lines, some, strict=True)):
            where = exact.get(line) if one else None
            if where is not None:
                self.copied[self.texts + at] = where
                if len(one) >= LENGTH:
                    notes[at] = EQUALS.format(where + 1)
            elif len(one) >= NEAR:
                others.append(at)
        for found in self._index.find([some[at] for at in others]):
            at = others[found.heldout]
            self.near.append(self.texts + at)
            notes[at] = NEARLY.format(self._of_distinct[found.training] + 1)
        for at in sorted(notes):
            if len(self.copies_shown) == EXAMPLES:
                break
            example = Example(self.texts + at, excerpt(lines[at]), notes[at])
            self.copies_shown.setdefault(int(hashes[at]), example)

    def _note_faults(self, lines: Sequence[str], some: Sequence[Sequence[str]]) -> None:
        """Loops, and an example of an empty text."""
        for row, (line, one) in enumerate(zip(lines, some, strict=True), start=self.texts):
            share = loop_share(one)
            if share > self.loop_limit:
                self.looped.append(row)
                push = heappush if len(self._loops) < LOOPS_SHOWN else heappushpop
                push(self._loops, (share, -row, line))
            if not one and self.empty_shown is None:
                self.empty_shown = Example(row, excerpt(line), "empty")


def hashes_of(lines: Iterable[str]) -> NDArray[np.uint64]:
    """8 bytes of BLAKE2b of each text."""
    digests = (
        hashlib.blake2b(line.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        for line in lines
    )
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def openings_of(texts: Sequence[Sequence[str]], beyond: bool) -> NDArray[np.uint32]:
    """Hashes of the first words of texts.

    Args:
        texts: the words of each.
        beyond: whether more words must follow.

    Returns:
        (n, 6), a column for each length of `OPENINGS`; 0 where a text has too few words.
    """
    rows = []
    for some in texts:
        last = len(some) - beyond
        row, hashed, before = [0] * len(OPENINGS), 0, 0
        for at, length in enumerate(OPENINGS):
            if length > last:
                break
            hashed = crc32(" ".join(some[before:length]).encode() + b" ", hashed)
            row[at], before = hashed or 1, length
        rows.append(row)
    return np.array(rows, dtype=np.uint32).reshape(-1, len(OPENINGS))


def _joined(parts: list[NDArray[Kind]]) -> NDArray[Kind]:
    """The parts as one array, which takes their place: no number is held twice for long."""
    if len(parts) != 1:
        parts[:] = [np.concatenate(parts)]
    return parts[0]
