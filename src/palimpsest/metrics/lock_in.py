r"""Metrics of docs/metrics.md §8: what a generation made up and the next one keeps saying.

Word 8-grams (words as in §4, inside one text) are counted by occurrence and compared as 64-bit
hashes, so that a human corpus of a hundred million words fits in memory as one sorted array.

Known gaps: two different 8-grams share a hash with a probability of 2⁻⁶⁴ a pair; ``memorised``
and ``novel_ngrams`` add to 1 wherever there is an 8-gram, both are stored because both are quoted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.words import words
from palimpsest.metrics.family import Reference, Rows, Sample
from palimpsest.metrics.validation import texts

GRAM = 8
"""Words of an n-gram."""

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that multiplying loses nothing (2⁶⁴ over the golden ratio)."""

Hashes = NDArray[np.uint64]


@dataclass(frozen=True)
class Prepared:
    """For every 8-gram of a generation: its text, and whether it is novel and was said before."""

    count: int
    owner: NDArray[np.int64]
    novel: NDArray[np.bool_]
    repeated: NDArray[np.bool_] | None

    def compute(self, rows: Rows | None = None) -> dict[str, float | None]:
        """The §8 metrics of all texts, or of the texts at positions ``rows`` (a half-sample)."""
        chosen = np.ones(self.count, dtype=bool)
        if rows is not None:
            chosen = np.zeros(self.count, dtype=bool)
            chosen[rows] = True
        counted = chosen[self.owner]
        total, novel = int(counted.sum()), int((counted & self.novel).sum())
        lock_in: float | None = None
        if self.repeated is not None:
            again = int((counted & self.novel & self.repeated).sum())
            lock_in = 1.0 if total == 0 else again / max(novel, 1)
        return {
            "novel_ngrams": novel / max(total, 1),
            "ngram_lock_in": lock_in,
            "memorised": (total - novel) / max(total, 1),
        }


def known_ngrams(corpus: Iterable[str]) -> Hashes:
    """The distinct 8-grams of a corpus as sorted hashes, for example of the human training set.

    Raises:
        MetricError: one string, or entries that are no strings (named).
    """
    checked = texts(corpus if isinstance(corpus, str) else list(corpus), "corpus", 0)
    return np.unique(_hashed(checked)[0])


def lock_in_metrics(
    generated: Sequence[str],
    human: Sequence[str] | Hashes,
    previous: Sequence[str] | None = None,
) -> dict[str, float | None]:
    """Every metric of §8 for one generation.

    Args:
        generated: the texts to judge, at least 5; empty ones are allowed.
        human: the human training texts, or their ``known_ngrams``.
        previous: what the previous generation wrote; None where there is none.

    Returns:
        ``novel_ngrams`` (share of 8-grams that the human corpus has not), ``memorised`` (share it
        has) and ``ngram_lock_in`` (share of the novel ones that the previous generation wrote
        too; None without a previous one). Without any 8-gram the shares are 0 and
        ``ngram_lock_in`` 1, its worst; with 8-grams but no novel one it is 0.

    Raises:
        MetricError: fewer than 5 texts, or entries that are no strings (named).
    """
    return prepare(generated, human, previous).compute()


def prepare(
    generated: Sequence[str],
    human: Sequence[str] | Hashes,
    previous: Sequence[str] | None = None,
) -> Prepared:
    """Looks every 8-gram up once, for all texts and for half-samples."""
    checked = texts(generated, "generated")
    made = isinstance(human, np.ndarray) and human.dtype == np.uint64
    known = np.asarray(human) if made else known_ngrams(texts(list(human), "human", 1))
    hashes, owner = _hashed(checked)
    repeated = None
    if previous is not None:
        repeated = _contains(known_ngrams(texts(previous, "previous", 1)), hashes)
    return Prepared(len(checked), owner, ~_contains(known, hashes), repeated)


class LockIn:
    """Word 8-grams that are new, kept or copied."""

    def __init__(self, reference: Reference) -> None:
        self.known = known_ngrams(reference.training)

    def prepare(self, sample: Sample) -> Prepared:
        """See `palimpsest.metrics.family.Family`."""
        return prepare(sample.texts, self.known, sample.previous)


def _hashed(corpus: list[str]) -> tuple[Hashes, NDArray[np.int64]]:
    """Hash and text of every 8-gram of the corpus."""
    numbers: dict[str, int] = {}
    lengths = np.zeros(len(corpus), dtype=np.int64)
    ids: list[int] = []
    for index, text in enumerate(corpus):
        in_text = words(text)
        lengths[index] = len(in_text)
        ids.extend([numbers.setdefault(word, len(numbers)) for word in in_text])
    table = np.array([_hash(word) for word in numbers], dtype=np.uint64)
    owner = np.repeat(np.arange(len(corpus)), lengths)
    size = max(len(ids) - GRAM + 1, 0)
    if size == 0:
        return np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)
    hashes = table[np.array(ids, dtype=np.int64)]
    code = np.zeros(size, dtype=np.uint64)
    for offset in range(GRAM):  # wraps around at 2⁶⁴, as meant
        code = code * MULTIPLIER + hashes[offset : offset + size]
        code ^= code >> np.uint64(29)
    inside = owner[:size] == owner[GRAM - 1 :]
    return code[inside], owner[:size][inside]


def _hash(word: str) -> int:
    digest = blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def _contains(known: Hashes, hashes: Hashes) -> NDArray[np.bool_]:
    if len(known) == 0:
        return np.zeros(len(hashes), dtype=bool)
    places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    return np.asarray(known[places] == hashes)
