"""What texts are about: the world's categories, or clusters of human text named by their words.

A statement of the made-up world has a relation, and a relation belongs to one category (city,
river …): that is the topic. Any other corpus gets k-means clusters of its human sample's sentence
embeddings, so that every generation's texts are dealt to the same topics.

Known gaps: k-means finds `TOPICS` clusters wherever it looks, also where there are none; its names
are words, not judgements. Below `LEAST` human texts there are no topics.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palimpsest.core.rng import stream
from palimpsest.core.words import words
from palimpsest.corpus.world.grammar import CATEGORY_OF
from palimpsest.metrics.family import Statement

TOPICS = 8
"""Clusters: as many as there are colours that everybody tells apart."""
LEAST = 5 * TOPICS
"""Human texts below which nothing is clustered."""
ROUNDS = 30
"""Rounds of k-means at the most; it hardly moves after ten."""
NAME_WORDS = 3
"""Words in a cluster's name."""
LEAST_LETTERS = 4
"""Letters of a word that may name a cluster: articles and prepositions name nothing."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Topics:
    """Clusters of the human sample: unit centres (k, d) and a name each."""

    centres: Matrix
    names: tuple[str, ...]

    @classmethod
    def from_human(cls, texts: Sequence[str], embeddings: NDArray[np.float32]) -> "Topics | None":
        """Clusters human texts by spherical k-means; None of fewer than `LEAST` of them.

        Args:
            texts: m human texts.
            embeddings: theirs, (m, d).
        """
        if len(texts) < LEAST:
            return None
        points = unit_rows(embeddings)
        centres = _centres(points)
        return cls(centres, _names(texts, (points @ centres.T).argmax(axis=1)))

    def of(self, embeddings: NDArray[np.float32]) -> list[str]:
        """The name of the topic whose centre is nearest, of each text."""
        return [self.names[at] for at in (unit_rows(embeddings) @ self.centres.T).argmax(axis=1)]


def category(statements: Sequence[Statement]) -> str | None:
    """The category of the world that most statements of a text are about; the first of equals.

    Returns:
        None where no sentence was understood, or no relation is the world's.
    """
    said = [CATEGORY_OF.get(relation) for _, _, relation, _ in statements if relation is not None]
    counts = Counter(one for one in said if one is not None)
    return counts.most_common(1)[0][0] if counts else None


def unit_rows(embeddings: NDArray[np.float32]) -> Matrix:
    """Rows of length one; rows of zeros stay."""
    rows = embeddings.astype(np.float64)
    lengths = np.sqrt((rows**2).sum(axis=1, keepdims=True))
    return rows / np.where(lengths > 0, lengths, 1.0)


def _centres(points: Matrix) -> Matrix:
    """Centres of k-means, begun as k-means++ does; an empty cluster keeps its centre."""
    rng = stream(0, "evaluation.topics")
    chosen = [int(rng.integers(len(points)))]
    for _ in range(TOPICS - 1):
        # cosine distance to the nearest centre so far; equal texts leave nothing to draw by
        far = np.clip(1.0 - (points @ points[chosen].T).max(axis=1), 0.0, None)
        even = np.full(len(points), 1.0 / len(points))
        chosen.append(int(rng.choice(len(points), p=far / far.sum() if far.sum() else even)))
    centres = points[chosen]
    nearest = np.full(len(points), -1)
    for _ in range(ROUNDS):
        before, nearest = nearest, (points @ centres.T).argmax(axis=1)
        if (before == nearest).all():
            break
        for at in np.unique(nearest):
            total = points[nearest == at].sum(axis=0)
            centres[at] = total / max(float(np.sqrt((total**2).sum())), 1e-12)
    return centres


def _names(texts: Sequence[str], nearest: NDArray[np.int64]) -> tuple[str, ...]:
    """The words that set each cluster apart: more of its texts have them than of the others."""
    vocabularies = [{word for word in words(text) if _may_name(word)} for text in texts]
    every = Counter(word for one in vocabularies for word in one)
    names: list[str] = []
    for at in range(TOPICS):
        own = [one for one, cluster in zip(vocabularies, nearest, strict=True) if cluster == at]
        counts = Counter(word for one in own for word in one)
        rest = max(len(texts) - len(own), 1)
        lead = {
            word: count / max(len(own), 1) - (every[word] - count) / rest
            for word, count in counts.items()
        }
        best = sorted(lead, key=lambda word: (-lead[word], word))[:NAME_WORDS]
        name = ", ".join(best) or "no words"
        names.append(name if name not in names else f"{name} ({at + 1})")
    return tuple(names)


def _may_name(word: str) -> bool:
    # a word of Chinese has two letters, and none is an article
    return word.isalpha() and (len(word) >= LEAST_LETTERS or not word.isascii())
