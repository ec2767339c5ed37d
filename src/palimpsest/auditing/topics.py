"""Does the candidate leave out some of what the reference is about?

Both sides' texts lie in one cloud of embeddings. Where a topic is lost, texts of the reference have
none of the candidate's around them. Were both dealt from one corpus, every text would as well be of
either side, so that labels dealt anew say how often that happens by chance: an exact test, after
the tests of nearest neighbours (Schilling 1986, doi:10.1080/01621459.1986.10478337).

Known gaps: of a candidate that has ground of its own nothing is said, since another choice of
topics is no loss. How small a loss is found depends on how well the encoder separates topics.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palimpsest.auditing.facts import EXAMPLES, LEAST_SHARE, LEVEL, Example, excerpt
from palimpsest.core.rng import stream
from palimpsest.metrics.basis import principal, project
from palimpsest.metrics.spectrum import mean_of
from palimpsest.metrics.validation import BLOCK_ROWS

DIRECTIONS = 20
"""Principal directions in which texts are neighbours. Of 10, 20, 30 and all 384, 20 and 30 found
most lost topics (Wikipedia and TinyStories, 200 texts against 600)."""
EXPECTED, FOUND = 5, 1
"""Texts of the candidate that a neighbourhood would have, and that a deserted one has at most.
Neighbourhoods of 15 to 30 texts among 800 found as much, larger ones less."""
DRAWS = 1999
"""Times that labels are dealt anew."""
BLOCK_DRAWS = 50
"""Times at once, which changes no number."""


@dataclass(frozen=True)
class Missing:
    """Reference texts with hardly a text of the candidate near them."""

    share: float
    """Of the reference texts, 0 to 1."""
    low: float
    """Smallest share in 95 % of the labels dealt anew."""
    high: float
    """Largest."""
    expected: float
    """Their mean."""
    p_value: float
    """Of so large a share, were the texts dealt anew."""
    own: float
    """Share of the candidate's texts with as few reference texts near them as that, 0 to 1."""
    examples: tuple[Example, ...]
    """Reference texts in the midst of what is missing."""

    @property
    def holds(self) -> bool:
        """Whether the candidate leaves something out, and has nothing of its own instead."""
        more = self.share - self.expected
        return self.p_value <= LEVEL and more >= LEAST_SHARE and self.own < LEAST_SHARE


def find_missing(
    candidate: NDArray[np.float32],
    reference: NDArray[np.float32],
    texts: Sequence[str],
    rows: Sequence[int],
    seed: int,
) -> Missing | None:
    """Looks for reference texts that the candidate has nothing like.

    Args:
        candidate: (n, d), embeddings of distinct texts.
        reference: (m, d), of distinct texts.
        texts: m texts of the reference.
        rows: where each stands in it.
        seed: of the labels dealt anew.

    Returns:
        None where texts are too few to have neighbourhoods.
    """
    ours, every = len(candidate), len(candidate) + len(reference)
    size = round(EXPECTED * every / max(ours, 1))
    if 2 * size >= every or not len(reference):
        return None
    near = _neighbours(_directions(np.concatenate([candidate, reference])), size)
    labels = np.zeros(every, dtype=bool)
    labels[:ours] = True
    counts = labels[near].sum(axis=1)
    deserted = (counts <= FOUND) & ~labels
    own = labels & (size - counts <= FOUND / EXPECTED * (size - EXPECTED))
    rng = stream(seed, "audit.topics")
    dealt = [_deserted(near, labels, rng) for _ in range(-(-DRAWS // BLOCK_DRAWS))]
    null = np.concatenate(dealt)[:DRAWS] / len(reference)
    share = float(deserted.sum() / len(reference))
    inmost = np.where(deserted, deserted[near].sum(axis=1), -1)[ours:]
    shown = np.argsort(-inmost, kind="stable")[: min(EXAMPLES, int(deserted.sum()))].tolist()
    low, high = np.quantile(null, (0.025, 0.975)).tolist()
    return Missing(
        share=share,
        low=low,
        high=high,
        expected=float(null.mean()),
        p_value=float((1 + (null >= share).sum()) / (1 + DRAWS)),
        own=float(own.sum() / ours),
        examples=tuple(Example(rows[at], excerpt(texts[at]), of="reference") for at in shown),
    )


def _directions(embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
    """Embeddings in their first principal directions, of unit length."""
    mean = mean_of(embeddings)
    reduced = project(embeddings, mean, principal(embeddings, mean, DIRECTIONS)[0])
    lengths = np.linalg.norm(reduced, axis=1, keepdims=True)
    unit: NDArray[np.float32] = (reduced / np.maximum(lengths, 1e-12)).astype(np.float32)
    return unit


def _neighbours(points: NDArray[np.float32], size: int) -> NDArray[np.int64]:
    """The nearest others of each point, (points, size)."""
    near = []
    for start in range(0, len(points), BLOCK_ROWS):
        products = points[start : start + BLOCK_ROWS] @ points.T
        own = np.arange(len(products))
        products[own, own + start] = -np.inf
        near.append(np.argpartition(-products, size - 1, axis=1)[:, :size])
    return np.concatenate(near)


def _deserted(
    near: NDArray[np.int64], labels: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.int64]:
    """How many texts of the reference are deserted, for labels dealt anew `BLOCK_DRAWS` times."""
    dealt = rng.permuted(np.tile(labels, (BLOCK_DRAWS, 1)), axis=1)
    by_text = np.ascontiguousarray(dealt.T)
    counts = np.zeros(by_text.shape, dtype=np.int16)
    for column in near.T:
        counts += by_text[column]
    result: NDArray[np.int64] = ((counts <= FOUND) & ~by_text).sum(axis=0)
    return result
